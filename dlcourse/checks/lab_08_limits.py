"""The exercises of Lab 08 on limits to debt: the multiplier and the forms of complementarity.

Used in: Lab 08

Reference: Lecture 004, "FUNCTIONAL RATIONAL EXPECTATIONS EQUILIBRIUM".
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake


def multiplier(expected: np.ndarray, discount: float, consumption: np.ndarray, risk_aversion: float) -> np.ndarray:
    r"""What it would be worth to a household to be allowed one more unit of debt.

    $$\lambda = \max\{0,\; u'(c) - \beta\, \mathrm{E}[R' u'(c')]\}$$

    Args:
        expected: E[R' u'(c')], not discounted, shape (...).
        discount: beta.
        consumption: c, positive, shape (...).
        risk_aversion: gamma > 0.

    Returns:
        Shape (...), at least 0, in units of utility.

    Example:
        >>> float(multiplier(np.float64(2.0), 0.5, np.float64(0.5), 2.0))
        3.0

    Used in: Lab 08

    Reference: Lecture 004, "FUNCTIONAL RATIONAL EXPECTATIONS EQUILIBRIUM".
    """
    return np.maximum(0.0, consumption**-risk_aversion - discount * expected)


def fischer_burmeister(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    r"""A function that is zero exactly where x >= 0, y >= 0 and one of them is 0.

    $$\psi(x, y) = x + y - \sqrt{x^2 + y^2}$$

    Args:
        x: Numbers, shape (...).
        y: Numbers, shape (...).

    Returns:
        Shape (...).

    Example:
        >>> float(fischer_burmeister(np.float64(3.0), np.float64(4.0)))
        2.0

    Used in: Lab 08

    Reference: Fischer (1992), A special Newton-type optimization method.
    """
    return x + y - np.sqrt(x**2 + y**2)


def min_residual(value: np.ndarray, resources: np.ndarray, consumption: np.ndarray, risk_aversion: float) -> np.ndarray:
    r"""One residual for the whole Karush-Kuhn-Tucker system.

    $$\frac{\min\{(\beta\, \mathrm{E}[R' u'(c')])^{-1/\gamma},\; \text{resources}\}}{c} - 1$$

    Args:
        value: beta E[R' u'(c')], positive, shape (...).
        resources: the most that may be eaten, income minus limit, positive, shape (...).
        consumption: c, positive, shape (...).
        risk_aversion: gamma > 0.

    Returns:
        Shape (...).

    Example:
        >>> float(min_residual(np.float64(4.0), np.float64(0.3), np.float64(0.24), 2.0))
        0.25

    Used in: Lab 08

    Reference: Lecture 004, "FUNCTIONAL RATIONAL EXPECTATIONS EQUILIBRIUM", in one equation.
    """
    return np.minimum(value ** (-1 / risk_aversion), resources) / consumption - 1


def multiplier_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([1.5]), 0.9, np.array([0.5]), 2.0))
    yield Case((np.array([5.0]), 0.9, np.array([0.5]), 2.0), name="a household that would rather save more")
    yield Case((np.array([1.0, 3.0]), 0.7, np.array([0.6, 0.6]), 1.0), name="logarithm")
    for shape in ((3,), (5,), (2, 4)):
        yield Case(
            (
                rng.uniform(0.5, 4, size=shape),
                float(rng.uniform(0.6, 0.95)),
                rng.uniform(0.4, 1.2, size=shape),
                float(rng.uniform(1.3, 2.5)),
            )
        )


def plane_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([1.0]), np.array([2.0])))
    yield Case((np.array([0.0, 2.0]), np.array([1.5, 0.0])), name="exactly one is zero: complementarity holds")
    yield Case((np.array([0.0]), np.array([0.0])), name="both are zero")
    yield Case((np.array([-1.0, 2.0]), np.array([3.0, -0.5])), name="one is negative")
    for shape in ((3,), (2, 3)):
        yield Case((rng.normal(size=shape), rng.normal(size=shape)))


def min_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([2.0]), np.array([0.9]), np.array([0.6]), 2.0), name="the limit is far away")
    yield Case((np.array([2.0]), np.array([0.5]), np.array([0.4]), 2.0), name="the limit binds")
    yield Case((np.array([2.0]), np.array([0.5]), np.array([0.5]), 2.0), name="everything eaten, and rightly so")
    for shape in ((3,), (6,), (2, 4)):
        yield Case(
            (
                rng.uniform(0.8, 4, size=shape),
                rng.uniform(0.4, 1.1, size=shape),
                rng.uniform(0.3, 0.8, size=shape),
                float(rng.uniform(1.4, 3)),
            )
        )


def inverse(value: np.ndarray, risk_aversion: float) -> np.ndarray:
    return value ** (-1 / risk_aversion)


EXERCISES = (
    Exercise(
        number="8.8",
        title="The multiplier",
        reference=multiplier,
        cases=multiplier_cases,
        mistakes=(
            Mistake(
                "that is the slide's lambda, inside beta E[.]: lambda is worth something today and is not discounted",
                lambda e, b, c, g: np.maximum(0.0, c**-g / b - e),
            ),
            Mistake(
                "a multiplier is never negative: who would rather save more may do so",
                lambda e, b, c, g: c**-g - b * e,
            ),
            Mistake("the discount is missing", lambda e, b, c, g: np.maximum(0.0, c**-g - e)),
            Mistake(
                "the sign: at the limit one more unit eaten today is worth more than one saved",
                lambda e, b, c, g: np.maximum(0.0, b * e - c**-g),
            ),
            Mistake(
                "in units of utility: do not divide by u'(c)",
                lambda e, b, c, g: np.maximum(0.0, 1 - b * e / c**-g),
            ),
        ),
        hint="what eating is worth, minus what saving is worth, and 0 where that is negative",
    ),
    Exercise(
        number="8.9",
        title="The Fischer-Burmeister function",
        reference=fischer_burmeister,
        cases=plane_cases,
        mistakes=(
            Mistake("that is the product form", lambda x, y: x * y),
            Mistake("that is the min form", np.minimum),
            Mistake("under the root stand the squares", lambda x, y: x + y - np.sqrt(np.abs(x + y))),
            Mistake("the root is taken of the sum of the squares", lambda x, y: x + y - np.abs(x) - np.abs(y)),
            Mistake("the root is missing", lambda x, y: x + y - (x**2 + y**2)),
            Mistake("the root is taken away, not added", lambda x, y: x + y + np.sqrt(x**2 + y**2)),
        ),
        hint="the sum of the two minus the length of the vector (x, y)",
    ),
    Exercise(
        number="8.10",
        title="The whole system in one residual",
        reference=min_residual,
        cases=min_cases,
        mistakes=(
            Mistake(
                "that is the Euler equation alone: nobody can eat more than the resources",
                lambda v, m, c, g: inverse(v, g) / c - 1,
            ),
            Mistake(
                "the smaller of the two: eat the target, or all resources where the target is out of reach",
                lambda v, m, c, g: np.maximum(inverse(v, g), m) / c - 1,
            ),
            Mistake(
                "`value` is in units of utility and the resources in units of the good: take the power -1/gamma first",
                lambda v, m, c, g: np.minimum(v, m) / c - 1,
            ),
            Mistake(
                "turned round: what should be eaten stands above what is eaten",
                lambda v, m, c, g: c / np.minimum(inverse(v, g), m) - 1,
            ),
            Mistake("take 1 away, so that equilibrium is 0", lambda v, m, c, g: np.minimum(inverse(v, g), m) / c),
        ),
        hint="the target of exercise 8.5, capped at the resources, divided by c, minus 1",
    ),
)
