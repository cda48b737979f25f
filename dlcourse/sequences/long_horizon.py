"""The long-horizon benchmark of the forecasting literature on the Jena series of 2020: data, windows and metrics.

21 columns, ten minutes a step; 96 steps (16 h) are known, all columns of the next 96, 192, 336 and 720 are forecast.
The protocol keeps everything, down to the -9999 that stand for missing measurements: they inflate the deviation by
which two columns are divided, and so belong to the published figures.

Used in: Lab 05b

Reference: Zhou et al., "Informer" (2021), and Liu et al., "iTransformer" (2024), for the protocol; lecture 004,
    "ACTION REQUIRED", Thursday, for the task.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

LOOKBACK = 96
HORIZONS = (96, 192, 336, 720)
MISSING = -9999.0

Part = Literal["train", "validation", "test"]
Predictor = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class LongHorizonData:
    """A series as the protocol sees it, and what a model may learn about its columns from the training part.

    Args:
        times: time stamp of each row.
        columns: the C names of the columns.
        values: standardised by the training part, -9999 included, shape (rows, C), float32: what is scored.
        filled: the same, with the last measured value in the place of a missing one: what models read.
        mean: mean of the training part, shape (C,), float64, in each column's unit.
        scale: deviation (divided by n) of the training part, shape (C,), float64, in each column's unit.
        train_end: first row after the training part.
        validation_end: first row after the validation part, which is the first of the test part.

    Used in: Lab 05b
    """

    times: pd.DatetimeIndex
    columns: tuple[str, ...]
    values: np.ndarray
    filled: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    train_end: int
    validation_end: int

    def bounds(self, part: Part) -> tuple[int, int]:
        """First row and one past the last row of a part.

        Raises:
            ValueError: for another name.
        """
        parts = {
            "train": (0, self.train_end),
            "validation": (self.train_end, self.validation_end),
            "test": (self.validation_end, len(self.values)),
        }
        if part not in parts:
            raise ValueError(f'part={part!r}: give "train", "validation" or "test"')
        return parts[part]

    def origins(self, part: Part, horizon: int, stride: int = 1) -> np.ndarray:
        """Forecast origins: the first row to forecast of every window whose future lies in the part.

        The past of the first windows of the validation and test parts reaches into the part before.

        Args:
            part: "train", "validation" or "test".
            horizon: steps to forecast, at least 1.
            stride: 1 for all windows, as published; 8 for every eighth.

        Returns:
            Row numbers, int64, increasing.

        Raises:
            ValueError: if the part is too short for one window, or an argument is out of range.
        """
        if horizon < 1 or stride < 1:
            raise ValueError(f"horizon={horizon}, stride={stride}: both must be 1 or more")
        start, stop = self.bounds(part)
        start = max(start, LOOKBACK)
        if stop - horizon < start:
            raise ValueError(
                f"the {part} part ends at row {stop}, {stop - start} steps after its first forecast origin: too short "
                f"for a horizon of {horizon}. Give a longer series or a shorter horizon."
            )
        return np.arange(start, stop - horizon + 1, stride, dtype=np.int64)

    def past(self, origins: np.ndarray) -> np.ndarray:
        """What is known at each origin, without -9999: shape (n, 96, C), float32, standardised."""
        return self.filled[np.asarray(origins)[:, None] + np.arange(-LOOKBACK, 0)]

    def future(self, origins: np.ndarray, horizon: int) -> np.ndarray:
        """What is scored at each origin: shape (n, horizon, C), float32, standardised."""
        return self.values[np.asarray(origins)[:, None] + np.arange(horizon)]


def prepare_long_horizon(table: pd.DataFrame) -> LongHorizonData:
    """Split a series 70/10/20 in time and standardise it with the training part, as published.

    .. math:: z_{tc} = (x_{tc} - \\mu_c) / \\sigma_c, \\qquad
        \\mu_c, \\sigma_c \\text{ over the training part, with } x = -9999 \\text{ where nothing was measured}

    Args:
        table: time stamps as index, one column of numbers each, in their own units, -9999 where nothing was measured.

    Returns:
        The data.

    Raises:
        TypeError: if the index holds no time stamps.
        ValueError: if the table is too short for one training window, values are not finite, or a column is constant
            in the training part.

    Example:
        >>> index = pd.date_range("2020-01-01", periods=2000, freq="10min")
        >>> table = pd.DataFrame({"temperature": np.sin(np.arange(2000.0)), "humidity": np.arange(2000.0)}, index)
        >>> data = prepare_long_horizon(table)
        >>> data.train_end, data.validation_end, len(data.origins("test", horizon=96))
        (1400, 1600, 305)

    Used in: Lab 05b

    Reference: the data loaders published with Informer and iTransformer; lecture 004, "ACTION REQUIRED", Thursday.
    """
    if not isinstance(table.index, pd.DatetimeIndex):
        raise TypeError(f"the index must hold time stamps, got {type(table.index).__name__}: use set_index first")
    rows = len(table)
    raw = table.to_numpy(dtype=np.float64)
    if rows < 2 * LOOKBACK:
        raise ValueError(f"{rows} rows are too few for windows of {LOOKBACK} steps: give {2 * LOOKBACK} or more")
    if not np.isfinite(raw).all():
        row, column = np.argwhere(~np.isfinite(raw))[0]
        raise ValueError(
            f"column {table.columns[column]!r} is {raw[row, column]} at {table.index[row]}: "
            "fill it in, or write -9999 for a missing value"
        )
    # The published split truncates the first and the last share and leaves the rest to validation.
    train_end, test_rows = int(rows * 0.7), int(rows * 0.2)
    mean, scale = raw[:train_end].mean(axis=0), raw[:train_end].std(axis=0)
    if not scale.all():
        constant = [str(name) for name, deviation in zip(table.columns, scale, strict=True) if deviation == 0]
        raise ValueError(f"constant in the training part: {', '.join(constant)}; drop these columns")
    measured = table.mask(table == MISSING).ffill().bfill().to_numpy(dtype=np.float64)
    return LongHorizonData(
        times=table.index,
        columns=tuple(str(name) for name in table.columns),
        values=((raw - mean) / scale).astype(np.float32),
        filled=((measured - mean) / scale).astype(np.float32),
        mean=mean,
        scale=scale,
        train_end=train_end,
        validation_end=rows - test_rows,
    )


def evaluate_long_horizon(
    predict: Predictor,
    data: LongHorizonData,
    part: Part = "test",
    horizons: Sequence[int] = HORIZONS,
    stride: int = 1,
    batch_size: int = 128,
) -> pd.DataFrame:
    """Mean squared and mean absolute error over every window, step and column, in standardised units.

    .. math:: \\mathrm{MSE}_H = \\frac{1}{nHC} \\sum_{i=1}^n \\sum_{h=0}^{H-1} \\sum_{c=1}^C
        (\\hat z_{t_i+h,c} - z_{t_i+h,c})^2, \\qquad \\mathrm{MAE}_H \\text{ likewise with } |\\cdot|

    One forecast of the longest horizon serves all of them; each horizon counts all windows that fit into the part, so a
    short one counts more windows.

    Args:
        predict: from forecast origins, shape (n,), to forecasts, shape (n, longest horizon or more, C), standardised.
        data: from `prepare_long_horizon`.
        part: "train", "validation" or "test".
        horizons: H, each at least 1.
        stride: 1 for every window, as published.
        batch_size: windows forecast at once; the last, smaller batch counts too.

    Returns:
        A table with index `horizon` and columns `windows`, `MSE` and `MAE`; the last row, "mean", is the mean of the
        horizons, as published.

    Raises:
        ValueError: if a part is too short for a horizon, or a forecast has another shape or is not finite.

    Example:
        >>> index = pd.date_range("2020-01-01", periods=2000, freq="10min")
        >>> data = prepare_long_horizon(pd.DataFrame({"x": np.arange(2000.0) % 7}, index))
        >>> perfect = evaluate_long_horizon(lambda origins: data.future(origins, 96), data, horizons=(96,))
        >>> perfect.loc[[96, "mean"], "MSE"].tolist()
        [0.0, 0.0]

    Used in: Lab 05b

    Reference: iTransformer's evaluation; lecture 004, "ACTION REQUIRED", Thursday.
    """
    counts = dict.fromkeys(horizons, 0)
    squares, absolutes = dict.fromkeys(horizons, 0.0), dict.fromkeys(horizons, 0.0)
    end = data.bounds(part)[1]
    # Shorter horizons have later origins, whose forecasts beyond the part are made but not scored.
    origins = data.origins(part, min(horizons), stride)
    for horizon in horizons:
        data.origins(part, horizon)
    for start in range(0, len(origins), batch_size):
        batch = origins[start : start + batch_size]
        forecast = np.asarray(predict(batch))
        _check_forecast(forecast, len(batch), max(horizons), len(data.columns))
        for horizon in horizons:
            fits = batch <= end - horizon
            if not fits.any():
                continue
            error = forecast[fits, :horizon] - data.future(batch[fits], horizon)
            squares[horizon] += float(np.square(error).sum(dtype=np.float64))
            absolutes[horizon] += float(np.abs(error).sum(dtype=np.float64))
            counts[horizon] += int(fits.sum())
    cells = {horizon: counts[horizon] * horizon * len(data.columns) for horizon in horizons}
    table = pd.DataFrame(
        {
            "windows": [counts[horizon] for horizon in horizons],
            "MSE": [squares[horizon] / cells[horizon] for horizon in horizons],
            "MAE": [absolutes[horizon] / cells[horizon] for horizon in horizons],
        },
        index=pd.Index([*horizons], dtype=object, name="horizon"),
    )
    table.loc["mean"] = [table["windows"].sum(), table["MSE"].mean(), table["MAE"].mean()]
    return table.astype({"windows": int})


def _check_forecast(forecast: np.ndarray, windows: int, longest: int, columns: int) -> None:
    good = forecast.ndim == 3 and (forecast.shape[0], forecast.shape[2]) == (windows, columns)
    if not good or forecast.shape[1] < longest:
        raise ValueError(
            f"the forecast has shape {forecast.shape}; {windows} windows need ({windows}, {longest} or more, {columns})"
        )
    if not np.isfinite(forecast).all():
        raise ValueError("the forecast holds NaN or infinity: look at the model's weights and inputs")
