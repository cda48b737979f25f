"""What a forecaster looks at: spoil one part of its input, and see by how much its error rises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dlcourse.sequences.forecasting import ForecastData, Forecaster
from dlcourse.sequences.windows import Windows

if TYPE_CHECKING:
    import pandas as pd


def replace_inputs(windows: Windows, x: np.ndarray) -> Windows:
    """The same forecasts to make, at the same times and from the same last value, from other inputs.

    Args:
        windows: n windows of consecutive rows (sampling rate 1).
        x: inputs to take instead, shape `(n, history, columns)`, standardised.

    Returns:
        A `Windows` with these inputs and the old targets and times.

    Raises:
        ValueError: for inputs of another shape, or another sampling rate.

    Example:
        >>> from dlcourse.sequences.windows import make_windows
        >>> windows = make_windows(np.arange(10.0), history=3, horizons=2)
        >>> other = replace_inputs(windows, np.zeros((6, 3, 1)))
        >>> float(other.x.max()), other.last.tolist() == windows.last.tolist(), other.y.tolist() == windows.y.tolist()
        (0.0, True, True)

    Used in: Lab 05b
    """
    n, history, columns = len(windows), windows.history, len(windows.columns)
    if x.shape != (n, history, columns):
        raise ValueError(f"x must have the shape {(n, history, columns)} of the windows' inputs, got {x.shape}.")
    if windows.sampling_rate != 1:
        raise ValueError(f"windows must hold consecutive rows, got one of every {windows.sampling_rate}.")
    # Each window becomes a stretch of its own, its future behind it, since forecasters ask for times and last values.
    block = history + max(windows.horizons)
    rows = (windows.origins[:, None] + np.arange(-history, block - history)).ravel()
    inputs = np.zeros((n, block, columns), dtype=np.float32)
    inputs[:, :history] = x
    return replace(
        windows,
        inputs=inputs.reshape(n * block, columns),
        targets=windows.targets[rows],
        origins=np.arange(n) * block + history,
        times=None if windows.times is None else windows.times[rows],
    )


def column_harm(forecaster: Forecaster, data: ForecastData, shift: int = 240, stride: int = 1) -> pd.DataFrame:
    """How much the error rises when one input column comes from another day.

    Each column in turn is taken from the window `shift` origins earlier: the hour of the day fits, its size and its
    daily wave too, but not the weather. The last value of the target, to which the forecast change is added, stays.

    Args:
        forecaster: fitted to `data`.
        data: the task; the test part is used.
        shift: forecast origins, at least 1, fewer than there are test windows; a multiple of a day keeps the hour.
        stride: every how many origins one is looked at; divides `shift`.

    Returns:
        Rise of the mean absolute error, in the target's unit; a row an input column, a column a horizon.

    Raises:
        ValueError: for a shift or stride outside its range.

    Used in: Lab 05b

    Reference: Breiman, "Random forests" (2001), section 10, permutes in the same spirit.
    """
    import pandas as pd

    windows, other = _pairs(data, shift, stride)
    before = _errors(forecaster, data, windows)
    rows = []
    for place in range(len(windows.columns)):
        spoilt = windows.x.copy()
        spoilt[..., place] = other[..., place]
        rows.append(_errors(forecaster, data, replace_inputs(windows, spoilt)) - before)
    return pd.DataFrame(rows, index=list(data.test.columns), columns=list(data.horizons))


def lookback_harm(
    forecaster: Forecaster,
    data: ForecastData,
    kept: Sequence[int] = (1, 3, 6, 12, 24, 48, 96),
    shift: int = 240,
    stride: int = 1,
) -> pd.DataFrame:
    """How much the error rises when only the newest hours of the window are true.

    All that is older is taken, in every column, from the window `shift` origins earlier, moved up or down so that it
    joins what is kept.

    Args:
        forecaster: fitted to `data`.
        data: the task; the test part is used.
        kept: numbers of rows to leave as they are, from 1 to the history.
        shift, stride: as for `column_harm`.

    Returns:
        Rise of the mean absolute error, in the target's unit; a row a number of rows kept, a column a horizon.

    Raises:
        ValueError: for a number, a shift or a stride outside its range.

    Used in: Lab 05b
    """
    import pandas as pd

    if not kept or min(kept) < 1 or max(kept) > data.history:
        raise ValueError(f"kept must be numbers of rows from 1 to the history of {data.history}, got {tuple(kept)}.")
    windows, other = _pairs(data, shift, stride)
    before = _errors(forecaster, data, windows)
    rows = []
    for newest in kept:
        first = data.history - newest
        spoilt = windows.x.copy()
        spoilt[:, :first] = other[:, :first] + (windows.x - other)[:, first, None]
        rows.append(_errors(forecaster, data, replace_inputs(windows, spoilt)) - before)
    return pd.DataFrame(rows, index=list(kept), columns=list(data.horizons))


def _pairs(data: ForecastData, shift: int, stride: int) -> tuple[Windows, np.ndarray]:
    """Test windows, and for each the inputs of the one `shift` origins earlier; the first take the last ones'."""
    if not 1 <= shift < len(data.test):
        raise ValueError(
            f"shift must be from 1 to {len(data.test) - 1}, below the number of test windows, got {shift}."
        )
    if stride < 1 or shift % stride:
        raise ValueError(f"stride must be at least 1 and divide the shift of {shift}, got {stride}.")
    windows = data.test.take(slice(None, None, stride))
    return windows, np.roll(windows.x, shift // stride, axis=0)


def _errors(forecaster: Forecaster, data: ForecastData, windows: Windows) -> np.ndarray:
    """Mean absolute error at each horizon against what came, in the target's unit, shape (horizons,)."""
    return np.abs(forecaster.predict(windows) - data.in_unit(windows.y)).mean(axis=0)
