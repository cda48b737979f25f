"""Exercises 5b.5 to 5b.8: cycles, a linear forecast, a band that keeps its word, and the limit of all forecasts.

Used in: Lab 05b

Reference: Lecture 004, "ACTION REQUIRED" after "LSTM OUTPUT", Thursday.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake


def fit_cycle(hours: np.ndarray, values: np.ndarray, period: float) -> tuple[float, float, float]:
    r"""The wave of a given period that fits best: its level, its height, and when it is highest.

    $$v(t) = m + a \cos\frac{2\pi t}{P} + b \sin\frac{2\pi t}{P}
    = m + A \cos\frac{2\pi (t - t_0)}{P}, \qquad A = \sqrt{a^2 + b^2}$$

    Args:
        hours: t, shape `(n,)`, at least 3 different times within a period.
        values: shape `(n,)`.
        period: P, hours, positive.

    Returns:
        m; A, at least 0; and t_0, from 0 up to, not including, P.

    Example:
        >>> hours = np.arange(24.0)
        >>> level, height, peak = fit_cycle(hours, 10 + 4 * np.cos(2 * np.pi * (hours - 15) / 24), 24)
        >>> round(level, 6), round(height, 6), round(peak, 6)
        (10.0, 4.0, 15.0)

    Used in: Lab 05b
    """
    angle = 2 * np.pi * hours / period
    design = np.column_stack([np.ones(len(hours)), np.cos(angle), np.sin(angle)])
    level, a, b = np.linalg.lstsq(design, values, rcond=None)[0]
    return float(level), math.hypot(a, b), math.atan2(b, a) * period / (2 * math.pi) % period


def ridge(inputs: np.ndarray, targets: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
    r"""The linear forecast w, b of the smallest penalised error.

    $$\min_{w, b} \; \sum_i (y_i - x_i^\top w - b)^2 + \lambda \lVert w \rVert^2$$

    Args:
        inputs: X, shape `(n, k)`.
        targets: y, shape `(n,)`.
        penalty: lambda, positive.

    Returns:
        w of shape `(k,)` and b.

    Example:
        >>> w, b = ridge(np.array([[0.0], [2.0]]), np.array([1.0, 5.0]), penalty=2.0)
        >>> w.tolist(), b
        ([1.0], 2.0)

    Used in: Lab 05b

    Reference: Hoerl and Kennard, "Ridge Regression" (1970).
    """
    centred = inputs - inputs.mean(axis=0)
    gram = centred.T @ centred + penalty * np.eye(inputs.shape[1])
    w = np.linalg.solve(gram, centred.T @ (targets - targets.mean()))
    return w, float(targets.mean() - inputs.mean(axis=0) @ w)


def band_half_width(errors: np.ndarray, coverage: float) -> float:
    """Half the width of a band that holds the next value with probability `coverage` at least (split conformal).

    It is the k-th smallest of the n absolute errors, with k = (n + 1) coverage, rounded up.

    Args:
        errors: forecast minus truth on data that the forecaster was not fitted to, shape `(n,)`.
        coverage: between 0 and 1.

    Returns:
        The half width, in the unit of the errors; infinity where k is larger than n.

    Example:
        >>> band_half_width(np.array([0.5, -3.0, 1.0, -2.0]), coverage=0.6)
        2.0

    Used in: Lab 05b

    Reference: Lei et al., "Distribution-free predictive inference for regression" (2018).
    """
    rank = math.ceil((len(errors) + 1) * coverage)
    return float(np.sort(np.abs(errors))[rank - 1]) if rank <= len(errors) else math.inf


def ar1_forecast(value: float, mean: float, spread: float, phi: float, steps: int) -> tuple[float, float]:
    r"""The best forecast of a process that forgets at a constant rate, and the size of its error.

    $$x_{t+1} - \mu = \phi\,(x_t - \mu) + \text{noise}: \qquad
    \hat x_{t+h} = \mu + \phi^h (x_t - \mu), \qquad \text{error } \sigma \sqrt{1 - \phi^{2h}}$$

    Args:
        value: x_t.
        mean: mu.
        spread: sigma, standard deviation of the process.
        phi: correlation from one step to the next, between 0 and 1.
        steps: h, at least 0.

    Returns:
        The forecast and the standard deviation of its error.

    Example:
        >>> ar1_forecast(14.0, mean=10.0, spread=8.0, phi=0.5, steps=1)
        (12.0, 6.928203230275509)

    Used in: Lab 05b

    Reference: Box and Jenkins, "Time Series Analysis" (1970), chapter 5.
    """
    return mean + phi**steps * (value - mean), spread * math.sqrt(1 - phi ** (2 * steps))


def cycle_cases(rng: np.random.Generator) -> Iterator[Case]:
    hours = np.arange(24.0)
    yield Case((np.array([0.0, 6.0, 12.0, 18.0]), np.array([8.0, 10.0, 14.0, 12.0]), 24.0))
    yield Case((hours, 10 + 4 * np.cos(2 * np.pi * (hours - 15) / 24), 24.0), name="highest at 15 h")
    yield Case((hours, -3 + 2 * np.cos(2 * np.pi * (hours - 4) / 24), 24.0), name="highest at 4 h")
    yield Case((np.arange(30.0), 5 + np.cos(2 * np.pi * (np.arange(30.0) - 9) / 24), 24.0), name="a day and a quarter")
    for period in (24.0, 24.0, 8766.0):
        times = np.sort(rng.uniform(0, 1.7 * period, size=40)).round(1)
        wave = rng.uniform(2, 9) * np.cos(2 * np.pi * times / period - rng.uniform(0.5, 5.5))
        yield Case((times, (10 + wave + rng.normal(0, 1, size=40)).round(1), period))


def linear_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([[0.0], [2.0]]), np.array([1.0, 5.0]), 2.0))
    yield Case(
        (np.array([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]]), np.array([3.0, 4.0, 8.0]), 1.0), name="two equal columns"
    )
    yield Case((np.array([[1.0], [2.0], [3.0]]), np.array([7.0, 7.0, 7.0]), 1.0), name="targets that do not vary")
    yield Case((np.array([[1.0, 2.0, 0.5], [0.0, 1.0, 3.0]]), np.array([2.0, 1.0]), 0.5), name="more inputs than rows")
    for rows, columns in ((5, 2), (8, 3), (20, 4)):
        inputs = rng.normal(3, 2, size=(rows, columns)).round(1)
        yield Case((inputs, (inputs @ rng.normal(size=columns) + rng.normal(10, 1, size=rows)).round(1), 3.0))


def error_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([0.5, -3.0, 1.0, -2.0]), 0.6))
    yield Case((np.array([1.0, -1.5, 0.2]), 0.9), name="too few errors for this coverage")
    yield Case((np.array([2.0, 2.0, 2.0, 2.0]), 0.5), name="errors of one size, all of one sign")
    yield Case((np.array([-1.0, -2.0, -4.0, -3.0]), 0.75), name="all errors negative")
    for size, coverage in ((9, 0.9), (19, 0.75), (30, 0.9), (40, 0.8)):
        yield Case((rng.normal(0.7, 2, size=size).round(2), coverage))


def process_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((14.0, 10.0, 8.0, 0.5, 1))
    yield Case((14.0, 10.0, 8.0, 0.5, 0), name="no step ahead")
    yield Case((10.0, 10.0, 3.0, 0.9, 4), name="now at the mean")
    yield Case((2.0, 10.0, 8.0, 0.9, 500), name="very far ahead")
    for steps in (2, 6, 24, 72):
        value, phi = rng.normal(8, 8), rng.uniform(0.8, 0.99)
        yield Case((round(value, 1), 8.0, 7.5, round(phi, 3), steps))


def cycle_with(hours: np.ndarray, values: np.ndarray, period: float, phase_of: str) -> tuple[float, float, float]:
    """The right level and height, but a peak that is computed as `phase_of` says."""
    level, height, peak = fit_cycle(hours, values, period)
    angle = 2 * np.pi * peak / period
    a, b = height * math.cos(angle), height * math.sin(angle)
    wrong = {
        "exchanged": lambda: math.atan2(a, b),
        "arctan": lambda: math.atan(b / a),
        "backwards": lambda: math.atan2(-b, a),
    }
    return level, height, wrong[phase_of]() * period / (2 * math.pi) % period


def ridge_through_origin(inputs: np.ndarray, targets: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
    return np.linalg.solve(inputs.T @ inputs + penalty * np.eye(inputs.shape[1]), inputs.T @ targets), 0.0


def ridge_with_penalised_bias(inputs: np.ndarray, targets: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
    w, _ = ridge_through_origin(np.column_stack([inputs, np.ones(len(inputs))]), targets, penalty)
    return w[:-1], float(w[-1])


def mean_as_bias(inputs: np.ndarray, targets: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
    return ridge(inputs, targets, penalty)[0], float(targets.mean())


def half_width_at(errors: np.ndarray, rank: float) -> float:
    place = math.ceil(rank)
    return float(np.sort(np.abs(errors))[place - 1]) if place <= len(errors) else math.inf


FORECASTS = (
    Exercise(
        number="5b.5",
        title="A cycle and its peak",
        reference=fit_cycle,
        cases=cycle_cases,
        atol=1e-6,
        mistakes=(
            Mistake(
                "the quarter of the circle is lost: arctan(b / a) cannot tell (a, b) from (-a, -b), use arctan2",
                lambda hours, values, period: cycle_with(hours, values, period, "arctan"),
            ),
            Mistake(
                "arctan2 takes b, the factor of the sine, first",
                lambda hours, values, period: cycle_with(hours, values, period, "exchanged"),
            ),
            Mistake(
                "the peak runs backwards: cos(x - x0) = cos(x0) cos(x) + sin(x0) sin(x), both with a plus",
                lambda hours, values, period: cycle_with(hours, values, period, "backwards"),
            ),
            Mistake(
                "the peak is an angle still: a full circle is one period of hours",
                lambda hours, values, period: (
                    *fit_cycle(hours, values, period)[:2],
                    fit_cycle(hours, values, period)[2] * 2 * math.pi / period,
                ),
            ),
            Mistake(
                "a peak before hour 0 is the same as one a period later: take it modulo the period",
                lambda hours, values, period: (
                    *fit_cycle(hours, values, period)[:2],
                    (fit_cycle(hours, values, period)[2] + period / 2) % period - period / 2,
                ),
            ),
            Mistake(
                "the height is the root of a squared plus b squared",
                lambda hours, values, period: (
                    fit_cycle(hours, values, period)[0],
                    fit_cycle(hours, values, period)[1] ** 2,
                    fit_cycle(hours, values, period)[2],
                ),
            ),
        ),
        hint="three columns, 1, cos and sin of 2 pi t / P, into np.linalg.lstsq; then height and angle of (a, b)",
    ),
    Exercise(
        number="5b.6",
        title="A linear forecast",
        reference=ridge,
        cases=linear_cases,
        mistakes=(
            Mistake("the bias is missing: the line is forced through the origin", ridge_through_origin),
            Mistake(
                "the penalty holds for w alone; yours also pulls the bias to zero, and with it every forecast",
                ridge_with_penalised_bias,
            ),
            Mistake("the bias is what is left of the mean target after the mean input has had its say", mean_as_bias),
            Mistake(
                "the errors are summed, not averaged: no factor n at the penalty",
                lambda inputs, targets, penalty: ridge(inputs, targets, penalty * len(inputs)),
            ),
            Mistake(
                "the penalty is lambda, not its square",
                lambda inputs, targets, penalty: ridge(inputs, targets, penalty**2),
            ),
        ),
        hint="subtract the means of X and y, solve (X'X + lambda I) w = X'y, and get b from the two means",
    ),
    Exercise(
        number="5b.7",
        title="A band that keeps its word",
        reference=band_half_width,
        cases=error_cases,
        mistakes=(
            Mistake(
                "with so few errors no finite band can promise this coverage: give back infinity",
                lambda errors, coverage: half_width_at(errors, min((len(errors) + 1) * coverage, len(errors))),
            ),
            Mistake(
                "n errors and the one to come make n + 1: without the + 1 the band is a little too narrow",
                lambda errors, coverage: half_width_at(errors, len(errors) * coverage),
            ),
            Mistake(
                "this interpolates between two errors; take the k-th smallest itself, k rounded up",
                lambda errors, coverage: float(np.quantile(np.abs(errors), coverage)),
            ),
            Mistake(
                "a miss above and a miss below both count: take absolute errors",
                lambda errors, coverage: (
                    float(np.sort(errors)[math.ceil((len(errors) + 1) * coverage) - 1])
                    if math.ceil((len(errors) + 1) * coverage) <= len(errors)
                    else math.inf
                ),
            ),
            Mistake(
                "the k-th smallest stands at index k - 1",
                lambda errors, coverage: half_width_at(errors, math.ceil((len(errors) + 1) * coverage) + 1),
            ),
        ),
        hint="sort the absolute errors; which of them, counted from 1, is number ceil((n + 1) coverage)?",
    ),
    Exercise(
        number="5b.8",
        title="The best that can be done",
        reference=ar1_forecast,
        cases=process_cases,
        mistakes=(
            Mistake(
                "the deviation from the mean is what fades, not the value itself",
                lambda value, mean, spread, phi, steps: (
                    phi**steps * value,
                    ar1_forecast(value, mean, spread, phi, steps)[1],
                ),
            ),
            Mistake(
                "that is the variance of the error; take the root",
                lambda value, mean, spread, phi, steps: (
                    ar1_forecast(value, mean, spread, phi, steps)[0],
                    spread**2 * (1 - phi ** (2 * steps)),
                ),
            ),
            Mistake(
                "h steps fade by phi to the power h, not by phi times h or by phi alone",
                lambda value, mean, spread, phi, steps: ar1_forecast(value, mean, spread, phi, 1),
            ),
            Mistake(
                "variances add up, so it is phi to the power 2h under the root",
                lambda value, mean, spread, phi, steps: (
                    ar1_forecast(value, mean, spread, phi, steps)[0],
                    spread * math.sqrt(1 - phi**steps),
                ),
            ),
            Mistake(
                "standard deviations do not subtract, variances do: sigma squared times (1 - phi^(2h))",
                lambda value, mean, spread, phi, steps: (
                    ar1_forecast(value, mean, spread, phi, steps)[0],
                    spread * (1 - phi**steps),
                ),
            ),
        ),
        hint="apply the rule h times to x_t - mu; the forecast explains the share phi^(2h) of the variance",
    ),
)
