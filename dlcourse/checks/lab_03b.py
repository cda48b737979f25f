"""The exercises of Lab 03b, the Genz functions.

Used in: Lab 03b

Reference: Genz (1987); lecture 004, "ACTION REQUIRED", "What is high-dimensional" and "Volumes in high dimensions".
"""

from __future__ import annotations

from collections.abc import Iterator
from math import gamma, pi

import numpy as np
from numpy.typing import NDArray

from dlcourse.checks.exercise import Case, Exercise, Mistake

Floats = NDArray[np.float64]


def normalise(values: Floats, total: float) -> Floats:
    return values * (total / values.sum())


def oscillatory(x: Floats, c: Floats, w: Floats) -> Floats:
    return np.cos(2 * np.pi * w[0] + x @ c)


def gaussian(x: Floats, c: Floats, w: Floats) -> Floats:
    return np.exp(-np.sum(c**2 * (x - w) ** 2, axis=1))


def corner_peak(x: Floats, c: Floats, w: Floats) -> Floats:
    return (1 + x @ c) ** -(len(c) + 1.0)


def errors(predictions: Floats, values: Floats) -> tuple[float, float]:
    difference = np.abs(predictions.ravel() - values)
    return float(difference.mean()), float(difference.max())


def constant_error(values: Floats) -> float:
    return float(np.mean(np.abs(values - np.median(values))))


def points_per_axis(budget: int, d: int) -> int:
    k = 1
    while (k + 1) ** d <= budget:
        k += 1
    return k


def ball_volume(d: int) -> float:
    return pi ** (d / 2) / gamma(d / 2 + 1) / 2**d


def product_peak_integral(c: Floats, w: Floats) -> float:
    return float(np.prod(c * (np.arctan(c * (1 - w)) + np.arctan(c * w))))


def normalise_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([0.2, 0.6]), 1.5))
    yield Case((np.array([0.5]), 7.03), name="one dimension")
    yield Case((np.array([0.0, 0.4, 0.1]), 4.3), name="one of them is zero")
    for d, total in ((2, 1.0), (5, 20.4), (7, 7.0), (10, 1.85)):
        yield Case((rng.random(d), total))


def function_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([[0.25, 0.5]]), np.array([1.0, 2.0]), np.array([0.5, 0.2])))
    yield Case((np.zeros((2, 2)), np.array([0.5, 1.0]), np.array([0.3, 0.7])), name="at the corner 0")
    yield Case((np.array([[0.3], [0.9]]), np.array([1.5]), np.array([0.4])), name="one dimension")
    for n, d in ((3, 2), (4, 3), (2, 5), (5, 10)):
        yield Case((rng.random((n, d)), normalise(rng.random(d), 3.0), normalise(rng.random(d), 1.0)))


def error_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([1.0, 2.0]), np.array([1.5, 0.0])))
    yield Case((np.array([3.0, 1.0]), np.array([3.0, 1.0])), name="no error at all")
    yield Case((np.array([1.0, 2.0, 0.0]), np.array([2.0, 5.0, 0.5])), name="every prediction is too small")
    yield Case((np.array([[1.0], [3.0]]), np.array([1.0, 2.5])), name="predictions as a column, shape (n, 1)")
    for n in (4, 6, 20):
        yield Case((rng.normal(size=n), rng.normal(size=n)))
    yield Case((rng.normal(size=(5, 1)), rng.normal(size=5)), name="predictions as a column, shape (n, 1)")


def value_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([0.0, 1.0, 5.0]),))
    yield Case((np.array([2.0, 2.0, 2.0]),), name="a function that never changes")
    yield Case((np.array([0.0, 0.0, 0.0, 0.0, 8.0]),), name="zero nearly everywhere")
    yield Case((np.array([-3.0, 1.0, 2.0, 10.0]),), name="an even number of values")
    for n in (5, 8, 30):
        yield Case((rng.exponential(size=n) - 0.5,))


def budget_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((500, 2))
    yield Case((500, 1), name="one dimension")
    yield Case((1, 3), name="a single point")
    # Exact powers, where a rounded root falls just below the whole number.
    for budget, d in ((1000, 3), (1024, 5), (1024, 10), (1023, 10), (729, 6)):
        yield Case((budget, d))
    for d in (2, 4, 7):
        yield Case((int(rng.integers(10, 100_000)), d))


def dimension_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((1,), name="a line fills its line")
    for d in (2, 3, 5, 10, 20):
        yield Case((d,))


def integral_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([2.0]), np.array([0.5])), name="one dimension")
    yield Case((np.array([1.0, 3.0]), np.array([0.0, 1.0])), name="the peak in a corner")
    yield Case((np.array([1.0, 1.0]), np.array([0.5, 0.5])), name="the peak in the middle")
    for d in (2, 3, 5, 10):
        yield Case((normalise(rng.random(d), d), normalise(rng.random(d), 1.0)))


def broadcast_errors(predictions: Floats, values: Floats) -> tuple[float, float]:
    """A column minus a row: NumPy compares every prediction with every value."""
    difference = np.abs(predictions - values)
    return float(difference.mean()), float(difference.max())


def integral_with(c: Floats, w: Floats, factor: Floats | float = 1.0, sign: float = 1.0) -> float:
    return float(np.prod(factor * (np.arctan(c * (1 - w)) + sign * np.arctan(c * w))))


EXERCISES = (
    Exercise(
        number="3b.1",
        title="Parameters with a given sum",
        reference=normalise,
        cases=normalise_cases,
        mistakes=(
            Mistake("they now add up to 1; multiply by `total` as well", lambda v, total: v / v.sum()),
            Mistake(
                "the sum of the values is still in it: divide by it before you multiply by `total`",
                lambda v, total: v * total,
            ),
            Mistake(
                "that makes the largest value `total`; it is the sum that has to be",
                lambda v, total: v * total / v.max(),
            ),
            Mistake(
                "that gives the length of the vector, the root of the sum of squares; use the plain sum",
                lambda v, total: v * total / np.linalg.norm(v),
            ),
            Mistake(
                "shifting gives the right sum but may turn values negative; scale them all by one factor",
                lambda v, total: v + (total - v.sum()) / len(v),
            ),
        ),
        hint="one factor for all values: what you want the sum to be, over what it is",
    ),
    Exercise(
        number="3b.2",
        title="The oscillatory function",
        reference=oscillatory,
        cases=function_cases,
        mistakes=(
            Mistake(
                "only w_1 shifts the phase, the first entry of w and not their sum",
                lambda x, c, w: np.cos(2 * np.pi * w.sum() + x @ c),
            ),
            Mistake("w_1 is a share of a full turn: multiply it by 2 pi", lambda x, c, w: np.cos(w[0] + x @ c)),
            Mistake("f_1 is a cosine, not a sine", lambda x, c, w: np.sin(2 * np.pi * w[0] + x @ c)),
            Mistake(
                "add the c_i x_i up first and take one cosine, not a product of cosines",
                lambda x, c, w: np.prod(np.cos(2 * np.pi * w[0] + x * c), axis=1),
            ),
            Mistake(
                "the c_i are missing: each coordinate has a frequency of its own",
                lambda x, c, w: np.cos(2 * np.pi * w[0] + x.sum(axis=1)),
            ),
        ),
        hint="x @ c is the sum of c_i x_i for every row of x at once",
    ),
    Exercise(
        number="3b.3",
        title="The Gaussian",
        reference=gaussian,
        cases=function_cases,
        mistakes=(
            Mistake("c_i is squared too", lambda x, c, w: np.exp(-np.sum(c * (x - w) ** 2, axis=1))),
            Mistake(
                "the minus is missing: the function falls away from its peak",
                lambda x, c, w: np.exp(np.sum((c * (x - w)) ** 2, axis=1)),
            ),
            Mistake(
                "Genz has no 1/2 in the exponent, unlike the normal density",
                lambda x, c, w: np.exp(-np.sum((c * (x - w)) ** 2, axis=1) / 2),
            ),
            Mistake(
                "sum over the d coordinates of each point, axis=1, and not over the points",
                lambda x, c, w: np.exp(-np.sum((c * (x - w)) ** 2)),
            ),
            Mistake(
                "square each distance, then add; here the sum is squared",
                lambda x, c, w: np.exp(-(((x - w) @ c) ** 2)),
            ),
        ),
        hint="x - w is (n, d) minus (d,), so every row is shifted; square, weigh with c squared, sum along each row",
    ),
    Exercise(
        number="3b.4",
        title="The corner peak",
        reference=corner_peak,
        cases=function_cases,
        mistakes=(
            Mistake("the exponent is -(d + 1), not -d", lambda x, c, w: (1 + x @ c) ** -float(len(c))),
            Mistake("mind the brackets: -d + 1 is not -(d + 1)", lambda x, c, w: (1 + x @ c) ** (-float(len(c)) + 1)),
            Mistake("the exponent is negative: the peak is at 0", lambda x, c, w: (1 + x @ c) ** (len(c) + 1.0)),
            Mistake(
                "d is the number of columns of x, not of rows",
                lambda x, c, w: (1 + x @ c) ** -(len(x) + 1.0),
            ),
        ),
        hint="d is len(c), or the number of columns of x; the exponent -(d + 1) needs its brackets",
    ),
    Exercise(
        number="3b.5",
        title="Average and maximum error",
        reference=errors,
        cases=error_cases,
        mistakes=(
            Mistake(
                "a column of shape (n, 1) minus a row of shape (n,) is an (n, n) table: flatten the predictions first",
                broadcast_errors,
            ),
            Mistake(
                "errors of opposite sign cancel: take the absolute value before you average",
                lambda p, v: (float(np.mean(p.ravel() - v)), float(np.max(p.ravel() - v))),
            ),
            Mistake(
                "the average is of the absolute errors, not the root of the mean square",
                lambda p, v: (float(np.sqrt(np.mean((p.ravel() - v) ** 2))), float(np.max(np.abs(p.ravel() - v)))),
            ),
            Mistake(
                "the average comes first, then the maximum",
                lambda p, v: errors(p, v)[::-1],
            ),
        ),
        hint="flatten the predictions, take absolute differences, and return their mean and their maximum",
    ),
    Exercise(
        number="3b.6",
        title="The error of the best constant",
        reference=constant_error,
        cases=value_cases,
        mistakes=(
            Mistake(
                "the mean is best for squared errors; for absolute errors it is the median",
                lambda v: float(np.mean(np.abs(v - v.mean()))),
            ),
            Mistake("that is the error of the constant 0; you can do better", lambda v: float(np.mean(np.abs(v)))),
            Mistake("the standard deviation squares the errors", lambda v: float(v.std())),
            Mistake(
                "predict the median, but average the errors: take their mean, not their median",
                lambda v: float(np.median(np.abs(v - np.median(v)))),
            ),
        ),
        hint="predict the median everywhere, and average the absolute errors",
    ),
    Exercise(
        number="3b.7",
        title="A grid on a budget",
        reference=points_per_axis,
        cases=budget_cases,
        mistakes=(
            Mistake(
                "the root of an exact power comes out just below it in floating point; test k + 1 in whole numbers",
                lambda n, d: int(n ** (1 / d)),
            ),
            Mistake("that is more than the budget allows: round down", lambda n, d: int(np.ceil(n ** (1 / d) - 1e-9))),
            Mistake("a grid has k to the power d points, not k times d", lambda n, d: n // d),
        ),
        hint="count k up from 1 for as long as (k + 1) ** d still fits the budget",
    ),
    Exercise(
        number="3b.8",
        title="The ball in the cube",
        reference=ball_volume,
        cases=dimension_cases,
        mistakes=(
            Mistake(
                "that is a ball of radius 1, which does not fit: the radius is 1/2, so divide by 2 to the power d",
                lambda d: pi ** (d / 2) / gamma(d / 2 + 1),
            ),
            Mistake("it is Gamma(d/2 + 1); the + 1 is missing", lambda d: pi ** (d / 2) / gamma(d / 2) / 2**d),
            Mistake("the radius is taken to the power d, not 2", lambda d: pi ** (d / 2) / gamma(d / 2 + 1) / 4),
            Mistake("pi stands to the power d/2, not d", lambda d: pi**d / gamma(d / 2 + 1) / 2**d),
        ),
        hint="put r = 1/2 into the formula; math.gamma is the Gamma function",
    ),
    Exercise(
        number="3b.9",
        title="The integral of the product peak",
        reference=product_peak_integral,
        cases=integral_cases,
        mistakes=(
            Mistake(
                "each factor needs its c_i in front",
                lambda c, w: integral_with(c, w),
            ),
            Mistake(
                "upper limit minus lower limit: arctan(-c w) = -arctan(c w), so the two add up",
                lambda c, w: integral_with(c, w, c, -1.0),
            ),
            Mistake(
                "the integral of a product of one-dimensional functions is the product of their integrals, not the sum",
                lambda c, w: float(np.sum(c * (np.arctan(c * (1 - w)) + np.arctan(c * w)))),
            ),
            Mistake("divide by 1/c_i, that is, multiply by c_i", lambda c, w: integral_with(c, w, 1 / c)),
        ),
        hint="in one dimension the antiderivative is c arctan(c (x - w)): put in 1 and 0, then multiply over i",
    ),
)
