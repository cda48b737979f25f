"""Forecasts without a network: what a network has to beat. All are closed formulas.

Persistence, the same hour yesterday, the climate of the season and hour, and linear maps of the past.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from dlcourse.sequences.forecasting import ForecastData, Forecaster
from dlcourse.sequences.windows import Windows

if TYPE_CHECKING:
    import pandas as pd

DAYS_A_YEAR = 365.2425


def season_features(times: pd.DatetimeIndex, day_harmonics: int = 2, hour_harmonics: int = 2) -> NDArray[np.float64]:
    """Sines and cosines of the day of the year and of the hour of the day, and the products of the two first pairs.

    The products let the daily swing be wider in summer than in winter.

    Args:
        times: n time stamps.
        day_harmonics: pairs for the year, 0 or more.
        hour_harmonics: pairs for the day, 0 or more.

    Returns:
        Features, shape (n, k), each in [-1, 1]: year pairs, day pairs, then 4 products where both have a pair.

    Raises:
        ValueError: for a negative number of harmonics.

    Example:
        >>> import pandas as pd
        >>> season_features(pd.DatetimeIndex(["2020-01-01 06:00"]), day_harmonics=0, hour_harmonics=1).round(6).tolist()
        [[1.0, 0.0]]

    Used in: Lab 05b
    """
    for name, number in (("day_harmonics", day_harmonics), ("hour_harmonics", hour_harmonics)):
        if number < 0:
            raise ValueError(f"{name} must be 0 or more, got {number}.")
    hour = times.hour.to_numpy() + times.minute.to_numpy() / 60
    day = times.day_of_year.to_numpy() - 1 + hour / 24

    def pairs(turns: NDArray[np.float64], harmonics: int) -> list[NDArray[np.float64]]:
        return [wave(2 * np.pi * harmonic * turns) for harmonic in range(1, harmonics + 1) for wave in (np.sin, np.cos)]

    year, daily = pairs(day / DAYS_A_YEAR, day_harmonics), pairs(hour / 24, hour_harmonics)
    products = [a * b for a in year[:2] for b in daily[:2]]
    return np.stack([*year, *daily, *products], axis=1) if year or daily else np.zeros((len(times), 0))


class Persistence(Forecaster):
    """The value of now, for every horizon: y(t + h) = y(t). The reference that skill is measured against.

    Example:
        >>> Persistence().name
        'persistence'

    Used in: Lab 05b
    """

    name = "persistence"

    def _fit(self, data: ForecastData, seed: int, checkpoints: Path | None, progress: bool) -> None:
        """There is nothing to learn."""

    def _predict(self, windows: Windows) -> np.ndarray:
        return np.repeat(windows.last[:, None], len(windows.horizons), axis=1)

    def _state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        return {}, {}

    @classmethod
    def _restore(cls, arrays: dict[str, np.ndarray], settings: dict[str, Any]) -> Self:
        return cls(**settings)


class DailyPersistence(Persistence):
    """The value at the same hour of the last day that is known: y(t + h) = y(t + h - 24 d), d = ceil(h / 24).

    Args:
        period: rows a day: 24 in an hourly series.

    Raises:
        ValueError: for a period below 1; at `fit`, for a history shorter than it.

    Used in: Lab 05b
    """

    name = "same hour yesterday"

    def __init__(self, period: int = 24) -> None:
        super().__init__()
        if period < 1:
            raise ValueError(f"period must be at least 1 row, got {period}.")
        self.period = period

    def _fit(self, data: ForecastData, seed: int, checkpoints: Path | None, progress: bool) -> None:
        if data.history < self.period or data.train.sampling_rate != 1:
            raise ValueError(f"a history of {data.history} rows does not reach back one period of {self.period}.")

    def _predict(self, windows: Windows) -> np.ndarray:
        back = [-horizon % self.period for horizon in windows.horizons]
        return windows.targets[windows.origins[:, None] - 1 - np.array(back), 0]

    def _state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        return {}, {"period": self.period}


class SeasonalClimatology(Forecaster):
    """The usual value of this season and hour, by least squares on sines and cosines of both.

    .. math:: \\hat y(s) = a + \\sum_k b_k \\phi_k(s)

    with the features phi of `season_features` at the time s that is forecast. It knows nothing of today's weather, so
    that its error is the same at every horizon; a forecast that is worse than it has no skill left.

    Args:
        day_harmonics: pairs for the year. One is all that a single year can carry: its end is extrapolated.
        hour_harmonics: pairs for the day.

    Raises:
        ValueError: for a negative number of harmonics.

    Used in: Lab 05b
    """

    name = "season and hour"

    def __init__(self, day_harmonics: int = 1, hour_harmonics: int = 2) -> None:
        super().__init__()
        self.day_harmonics, self.hour_harmonics = day_harmonics, hour_harmonics
        self._coefficients: NDArray[np.float64] | None = None

    def _features(self, times: pd.DatetimeIndex) -> NDArray[np.float64]:
        features = season_features(times, self.day_harmonics, self.hour_harmonics)
        return np.concatenate([np.ones((len(features), 1)), features], axis=1)

    def _fit(self, data: ForecastData, seed: int, checkpoints: Path | None, progress: bool) -> None:
        values = data.split.part("train", standardized=True)[data.target]
        self._coefficients = np.linalg.lstsq(self._features(values.index), values.to_numpy(np.float64), rcond=None)[0]

    def _predict(self, windows: Windows) -> np.ndarray:
        columns = [self._features(windows.target_times(horizon)) @ self._coefficients for horizon in windows.horizons]
        return np.stack(columns, axis=1)

    def _state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        return {"coefficients": self._coefficients}, {
            "day_harmonics": self.day_harmonics,
            "hour_harmonics": self.hour_harmonics,
        }

    @classmethod
    def _restore(cls, arrays: dict[str, np.ndarray], settings: dict[str, Any]) -> Self:
        forecaster = cls(**settings)
        forecaster._coefficients = arrays["coefficients"]
        return forecaster


class LinearForecaster(Forecaster):
    """One linear map of the past for each horizon (a direct forecast), by ridge regression in closed form.

    The target is the change from now. With features z, centred, and changes d of the training windows,

    .. math:: W = (Z^T Z + \\lambda n I)^{-1} Z^T D, \\qquad \\hat y(t + h) = y(t) + \\bar d_h + W_h^T (z - \\bar z)

    where z holds the past of every input column as its difference from the last value and, where asked for, that last
    value itself and the season and hour. Each horizon takes the penalty that serves best on the validation part.

    Args:
        columns: which of the task's input columns to use; None takes all, `()` the target alone.
        decompose: rows of a moving average that cuts the past into a trend and the rest, each with weights of its own,
            as DLinear does; 0 leaves the past whole.
        season: whether the season and hour of now are among the features.
        level: whether the last values themselves are; without them only the changes of the past count.
        penalties: lambda, candidates, each above 0, as a share of the number of training windows.
        name: how tables call it; None makes a name.

    Raises:
        ValueError: for an even or negative `decompose`, penalties that are not positive, or, at `fit`, unknown columns.

    Example:
        >>> import pandas as pd
        >>> from dlcourse.sequences.forecasting import evaluate
        >>> times = pd.date_range("2020-01-01", periods=1000, freq="h")
        >>> table = pd.DataFrame({"temperature": np.sin(np.arange(1000) / 5)}, index=times)
        >>> data = ForecastData.of(table, "temperature", history=24, horizons=(1, 6))
        >>> bool(evaluate([LinearForecaster().fit(data)], data)["MAE"].max() < 0.02)
        True

    Used in: Lab 05b

    Reference: A. Zeng, M. Chen, L. Zhang, Q. Xu, Are transformers effective for time series forecasting?, 2023.
    """

    def __init__(
        self,
        columns: tuple[str, ...] | None = None,
        decompose: int = 0,
        season: bool = False,
        level: bool = True,
        penalties: tuple[float, ...] = (0.001, 0.01, 0.1, 1.0, 10.0),
        name: str | None = None,
    ) -> None:
        super().__init__()
        if decompose < 0 or (decompose and decompose % 2 == 0):
            raise ValueError(f"decompose must be 0 or an odd number of rows, such as 25, got {decompose}.")
        if not penalties or min(penalties) <= 0:
            raise ValueError(f"penalties must be one or more numbers above 0, got {tuple(penalties)}.")
        self.columns = None if columns is None else tuple(columns)
        self.decompose, self.season, self.level = decompose, season, level
        self.penalties = tuple(map(float, penalties))
        self.name = name or ("DLinear, closed form" if decompose else "linear") + (
            ", target only" if columns == () else ", all columns" if columns is None else ""
        )
        self.chosen_penalties: tuple[float, ...] = ()
        self._weights: dict[str, np.ndarray] = {}

    def features(self, windows: Windows) -> NDArray[np.float32]:
        """The features z of windows, shape (n, k), float32."""
        places = self._places(windows)
        past = windows.x[:, :, places]
        last = past[:, -1]
        steps = past[:, :-1] - last[:, None]
        parts = [steps.reshape(len(steps), -1)]
        if self.decompose:
            parts = [part.reshape(len(part), -1) for part in _trend_and_rest(past - last[:, None], self.decompose)]
        if self.level:
            parts.append(last)
        if self.season:
            parts.append(season_features(windows.origin_times, 1, 2))
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def _places(self, windows: Windows) -> list[int]:
        names = self.columns if self.columns is not None else windows.columns
        unknown = [name for name in names if name not in windows.columns]
        if unknown:
            raise ValueError(f"columns {', '.join(unknown)} are no input columns: {', '.join(windows.columns)}.")
        return [windows.columns.index(name) for name in (names or windows.target_columns)]

    def _fit(self, data: ForecastData, seed: int, checkpoints: Path | None, progress: bool) -> None:
        z = self.features(data.train)
        d = data.train.y - data.train.last[:, None]
        z_mean, d_mean = z.mean(axis=0, dtype=np.float64), d.mean(axis=0, dtype=np.float64)
        z -= z_mean.astype(np.float32)
        values, vectors = np.linalg.eigh((z.T @ z / len(z)).astype(np.float64))
        projected = vectors.T @ (z.T @ (d - d_mean) / len(z))
        tested = self.features(data.validation) - z_mean
        truth = data.validation.y - data.validation.last[:, None]
        candidates = []
        for penalty in self.penalties:
            weights = vectors @ (projected / (np.maximum(values, 0) + penalty)[:, None])
            candidates.append((np.abs(tested @ weights + d_mean - truth).mean(axis=0), weights))
        best = np.argmin([errors for errors, _ in candidates], axis=0)
        self.chosen_penalties = tuple(self.penalties[place] for place in best)
        weights = np.stack([candidates[place][1][:, h] for h, place in enumerate(best)], axis=1)
        self._weights = {"weights": weights, "intercept": d_mean - z_mean @ weights}

    def _predict(self, windows: Windows) -> np.ndarray:
        return windows.last[:, None] + self.features(windows) @ self._weights["weights"] + self._weights["intercept"]

    def _state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        names = ("columns", "decompose", "season", "level", "penalties", "name", "chosen_penalties")
        return dict(self._weights), {name: getattr(self, name) for name in names}

    @classmethod
    def _restore(cls, arrays: dict[str, np.ndarray], settings: dict[str, Any]) -> Self:
        settings = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
        chosen = settings.pop("chosen_penalties")
        forecaster = cls(**settings)
        forecaster.chosen_penalties, forecaster._weights = chosen, dict(arrays)
        return forecaster


def _trend_and_rest(past: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Moving average over `width` rows, the ends repeated, and what is left; both of shape (n, history, columns)."""
    half = width // 2
    padded = np.concatenate([past[:, :1].repeat(half, 1), past, past[:, -1:].repeat(half, 1)], axis=1)
    sums = np.cumsum(np.pad(padded, ((0, 0), (1, 0), (0, 0))), axis=1, dtype=np.float64)
    trend = (sums[:, width:] - sums[:, :-width]) / width
    return trend.astype(np.float32), (past - trend).astype(np.float32)
