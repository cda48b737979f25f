"""Exercises 5b.1 to 5b.4: what a series remembers, windows over it, its units, and the score of a forecast.

Used in: Lab 05b

Reference: Lecture 004, "ACTION REQUIRED" after "LSTM OUTPUT", Thursday.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake


def autocorrelation(series: np.ndarray, lag: int) -> float:
    r"""How alike a series and the same series `lag` steps later are.

    $$r_k = \frac{\sum_{t=1}^{n-k} (x_t - \bar x)(x_{t+k} - \bar x)}{\sum_{t=1}^n (x_t - \bar x)^2}$$

    Args:
        series: x, shape `(n,)`, not constant.
        lag: k, steps, from 0 to n - 1.

    Returns:
        r_k, from -1 to 1.

    Example:
        >>> autocorrelation(np.array([1.0, 2.0, 3.0, 4.0]), 1)
        0.25

    Used in: Lab 05b

    Reference: Box and Jenkins, "Time Series Analysis" (1970), chapter 2.
    """
    deviations = series - series.mean()
    return float(deviations[: len(series) - lag] @ deviations[lag:] / (deviations @ deviations))


def windows(series: np.ndarray, history: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Every stretch of `history` values, and the value `horizon` steps after its last one.

    Args:
        series: shape `(n,)`.
        history: values in a window, at least 1.
        horizon: steps from the last value of the window to the target, at least 1.

    Returns:
        Inputs `(m, history)` and targets `(m,)`, earliest first, with m = n - history - horizon + 1.

    Example:
        >>> inputs, targets = windows(np.array([1.0, 2.0, 3.0, 4.0]), history=2, horizon=1)
        >>> inputs.tolist(), targets.tolist()
        ([[1.0, 2.0], [2.0, 3.0]], [3.0, 4.0])

    Used in: Lab 05b
    """
    count = len(series) - history - horizon + 1
    rows = np.arange(count)[:, None] + np.arange(history)
    return series[rows], series[history + horizon - 1 :]


def standardise(table: np.ndarray, training_rows: int) -> np.ndarray:
    """Each column minus its mean, over its standard deviation, both from the first `training_rows` rows.

    Args:
        table: shape `(n, columns)`.
        training_rows: from 1 to n.

    Returns:
        Shape `(n, columns)`; a column that is constant in the training part is only centred.

    Example:
        >>> standardise(np.array([[1.0], [3.0], [6.0]]), training_rows=2).ravel().tolist()
        [-1.0, 1.0, 4.0]

    Used in: Lab 05b
    """
    known = table[:training_rows]
    spread = known.std(axis=0)
    return (table - known.mean(axis=0)) / np.where(spread == 0, 1.0, spread)


def skill(truth: np.ndarray, forecast: np.ndarray, reference: np.ndarray) -> float:
    r"""How much smaller the mean absolute error is than that of a reference forecast.

    $$S = 1 - \frac{\sum_i |\hat y_i - y_i|}{\sum_i |\tilde y_i - y_i|}$$

    Args:
        truth: y, shape `(n,)`.
        forecast: the forecast to judge, `(n,)`.
        reference: the forecast to beat, `(n,)`, not perfect.

    Returns:
        1 for a perfect forecast, 0 for one as good as the reference, below 0 for a worse one.

    Example:
        >>> skill(np.array([2.0, 4.0]), np.array([3.0, 4.0]), np.array([0.0, 2.0]))
        0.75

    Used in: Lab 05b

    Reference: Murphy, "Skill scores based on the mean square error" (1988), here with absolute errors.
    """
    return float(1 - np.abs(forecast - truth).mean() / np.abs(reference - truth).mean())


def lag_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([1.0, 2.0, 3.0, 4.0]), 1))
    yield Case((np.array([10.0, 12.0, 11.0, 13.0]), 0), name="lag 0")
    yield Case((np.array([1.0, -1.0, 1.0, -1.0, 1.0]), 1), name="up and down")
    yield Case((np.array([5.0, 6.0, 8.0]), 2), name="only one pair is left")
    for size, lag in ((6, 2), (8, 3), (30, 5), (40, 7)):
        yield Case((15 + np.cumsum(rng.normal(size=size)).round(1), lag))


def window_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), 3, 1))
    yield Case((np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), 2, 3))
    yield Case((np.array([3.0, 1.0, 4.0]), 2, 1), name="room for a single window")
    yield Case((np.array([3.0, 1.0, 4.0, 1.0]), 1, 2), name="a history of one value")
    for size, history, horizon in ((9, 4, 2), (10, 3, 5), (24, 6, 12)):
        yield Case((rng.normal(10, 5, size=size).round(1), history, horizon))


def table_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([[1.0, 10.0], [3.0, 30.0], [6.0, 90.0]]), 2))
    yield Case((np.array([[1.0, 5.0], [2.0, 5.0], [4.0, 6.0]]), 2), name="a column without variation so far")
    yield Case((np.array([[1.0], [3.0], [5.0]]), 3), name="all rows belong to the training part")
    yield Case((np.array([[2.0, 4.0], [3.0, 1.0]]), 1), name="one training row")
    for rows, columns in ((5, 2), (8, 3), (20, 4)):
        trend = np.arange(rows)[:, None] * rng.uniform(0.5, 2, size=columns)
        yield Case(((trend + rng.normal(0, 3, size=(rows, columns))).round(1), rows - 2))


def skill_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([2.0, 4.0]), np.array([3.0, 4.0]), np.array([0.0, 2.0])))
    yield Case((np.array([1.0, 3.0]), np.array([1.0, 3.0]), np.array([2.0, 2.0])), name="a perfect forecast")
    yield Case((np.array([1.0, 3.0]), np.array([2.0, 2.0]), np.array([2.0, 2.0])), name="the reference itself")
    yield Case((np.array([1.0, 3.0]), np.array([-2.0, 7.0]), np.array([1.5, 2.0])), name="worse than the reference")
    for size in (3, 5, 9):
        truth = rng.normal(10, 5, size=size).round(1)
        yield Case(
            (truth, (truth + rng.normal(size=size)).round(1) + 0.05, (truth + rng.normal(0, 2, size)).round(1) + 0.05)
        )


def uncentred_autocorrelation(series: np.ndarray, lag: int) -> float:
    return float(series[: len(series) - lag] @ series[lag:] / (series @ series))


def correlation_of_parts(series: np.ndarray, lag: int) -> float:
    return float(np.corrcoef(series[: len(series) - lag], series[lag:])[0, 1])


def autocorrelation_of_means(series: np.ndarray, lag: int) -> float:
    return autocorrelation(series, lag) * len(series) / (len(series) - lag)


def windows_with(series: np.ndarray, history: int, first_target: int) -> tuple[np.ndarray, np.ndarray]:
    """The windows for which the target, `first_target` places after the window's start, exists."""
    count = len(series) - first_target
    return series[np.arange(count)[:, None] + np.arange(history)], series[first_target:]


def one_window_too_few(series: np.ndarray, history: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    inputs, targets = windows(series, history, horizon)
    return inputs[:-1], targets[:-1]


def newest_first(series: np.ndarray, history: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    inputs, targets = windows(series, history, horizon)
    return inputs[:, ::-1], targets


def all_steps_to_the_horizon(series: np.ndarray, history: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    rows = np.arange(len(series) - history - horizon + 1)[:, None]
    return series[rows + np.arange(history)], series[rows + history + np.arange(horizon)]


def with_unsafe_division(table: np.ndarray, training_rows: int) -> np.ndarray:
    known = table[:training_rows]
    with np.errstate(all="ignore"):
        return (table - known.mean(axis=0)) / known.std(axis=0)


def over_variance(table: np.ndarray, training_rows: int) -> np.ndarray:
    spread = table[:training_rows].var(axis=0)
    return (table - table[:training_rows].mean(axis=0)) / np.where(spread == 0, 1.0, spread)


def with_one_scale(table: np.ndarray, training_rows: int) -> np.ndarray:
    known = table[:training_rows]
    return (table - known.mean()) / known.std()


def training_part_only(table: np.ndarray, training_rows: int) -> np.ndarray:
    return standardise(table[:training_rows], training_rows)


SERIES = (
    Exercise(
        number="5b.1",
        title="Autocorrelation",
        reference=autocorrelation,
        cases=lag_cases,
        mistakes=(
            Mistake(
                "subtract the mean first: a series far from zero is like itself at any lag", uncentred_autocorrelation
            ),
            Mistake(
                "that divides by the n - k pairs; the formula has one sum over another, and no means",
                autocorrelation_of_means,
            ),
            Mistake(
                "that takes a mean and a spread for each of the two parts; the formula takes those of the whole series",
                correlation_of_parts,
            ),
            Mistake(
                "that is the autocovariance; divide by the sum of the squared deviations",
                lambda series, lag: float(
                    (series - series.mean())[: len(series) - lag] @ (series - series.mean())[lag:]
                ),
            ),
        ),
        hint="multiply the deviations from the mean at t with those at t + k; mind lag 0, where [:-0] is empty",
    ),
    Exercise(
        number="5b.2",
        title="Windows without peeking",
        reference=windows,
        cases=window_cases,
        mistakes=(
            Mistake(
                "the target is one step too late: horizon 1 is the value right after the window",
                lambda series, history, horizon: windows_with(series, history, history + horizon),
            ),
            Mistake(
                "the target is one step too early: at horizon 1 it is the window's last value, which the input holds",
                lambda series, history, horizon: windows_with(series, history, history + horizon - 2),
            ),
            Mistake(
                "the horizon counts from the end of the window, not from its start; your target may lie in the input",
                lambda series, history, horizon: windows(series, history, max(1, horizon - history + 1)),
            ),
            Mistake("the last window is missing: there are n - history - horizon + 1 of them", one_window_too_few),
            Mistake("each window should run forwards in time, the oldest value first", newest_first),
            Mistake(
                "the target is the single value `horizon` steps ahead, not all up to there", all_steps_to_the_horizon
            ),
        ),
        hint="write down for the first window which place its last value has, and go `horizon` places further",
    ),
    Exercise(
        number="5b.3",
        title="Units from the training part",
        reference=standardise,
        cases=table_cases,
        mistakes=(
            Mistake(
                "mean and deviation of all rows know the future: take them from the training rows alone",
                lambda table, training_rows: standardise(table, len(table)),
            ),
            Mistake("a constant column has deviation 0: divide by 1 there", with_unsafe_division),
            Mistake("divide by the standard deviation, not by the variance", over_variance),
            Mistake("every column has its own mean and deviation: axis=0", with_one_scale),
            Mistake("all rows are to be standardised, those after the training part too", training_part_only),
            Mistake(
                "standardising also divides, by the standard deviation",
                lambda table, training_rows: table - table[:training_rows].mean(axis=0),
            ),
        ),
        hint="two statistics a column, both from table[:training_rows]; then apply them to every row",
    ),
    Exercise(
        number="5b.4",
        title="Skill",
        reference=skill,
        cases=skill_cases,
        mistakes=(
            Mistake(
                "that is the ratio of the errors: subtract it from 1",
                lambda truth, forecast, reference: 1 - skill(truth, forecast, reference),
            ),
            Mistake(
                "the two errors are exchanged: the reference's stands below the line",
                lambda truth, forecast, reference: float(
                    1 - np.abs(reference - truth).mean() / np.abs(forecast - truth).mean()
                ),
            ),
            Mistake(
                "these are squared errors; take absolute ones here",
                lambda truth, forecast, reference: float(
                    1 - np.sum((forecast - truth) ** 2) / np.sum((reference - truth) ** 2)
                ),
            ),
            Mistake(
                "average first and divide then; a mean of ratios explodes where the reference is nearly right",
                lambda truth, forecast, reference: float(
                    np.mean(1 - np.abs(forecast - truth) / np.abs(reference - truth))
                ),
            ),
            Mistake(
                "without the absolute value, errors of opposite sign cancel",
                lambda truth, forecast, reference: float(1 - (forecast - truth).mean() / (reference - truth).mean()),
            ),
        ),
        hint="two mean absolute errors, one over the other, and 1 minus that",
    ),
)
