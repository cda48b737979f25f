"""What is forecast from what: a series split in time, cut into windows for one target and its horizons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlcourse.sequences.splitting import Part, TimeSplit, time_split
from dlcourse.sequences.windows import Gaps, Windows

if TYPE_CHECKING:
    import pandas as pd

HORIZONS = (1, 6, 12, 24, 48, 72)


@dataclass(frozen=True)
class Task:
    """What is forecast from what: a fitted forecaster remembers it and refuses windows of another task.

    Args:
        target: name of the column that is forecast.
        columns: input columns, in order.
        history: input steps of a window.
        sampling_rate: rows from one input step to the next.
        horizons: rows ahead, in increasing order.
        mean: mean of the target in the training part, in its unit.
        scale: its standard deviation there.
    """

    target: str
    columns: tuple[str, ...]
    history: int
    sampling_rate: int
    horizons: tuple[int, ...]
    mean: float
    scale: float

    def check(self, windows: Windows) -> None:
        """Refuses windows of another task.

        Raises:
            TypeError: for anything but `Windows`.
            ValueError: where columns, target, history, sampling rate or horizons differ; the message says which.
        """
        if not isinstance(windows, Windows):
            raise TypeError(
                f"windows must be Windows, such as data.test; got {type(windows).__name__}. ForecastData.windows makes "
                "them."
            )
        given = {
            "target": windows.target_columns[0] if len(windows.target_columns) == 1 else windows.target_columns,
            "columns": windows.columns,
            "history": windows.history,
            "sampling_rate": windows.sampling_rate,
            "horizons": windows.horizons,
        }
        for name, value in given.items():
            if value != getattr(self, name):
                raise ValueError(
                    f"these windows have {name} {value}, the forecaster was fitted to {getattr(self, name)}."
                )


@dataclass(frozen=True, eq=False)
class ForecastData:
    """A series, split in time and cut into windows for one forecasting task.

    Args:
        split: the series in its parts, standardised with the training part alone.
        target: column to forecast.
        columns: input columns, the target among them; None takes all of the series.
        history: input steps of a window: how far a forecaster looks back.
        horizons: rows ahead, hours in an hourly series.
        stride: rows from one training window to the next; validation and test take every row.
        gaps: "raise" refuses a series with missing time stamps, "skip" leaves out the windows that straddle a gap.

    Raises:
        ValueError: if the target is not an input column, or what `make_windows` refuses.

    Example:
        >>> import pandas as pd
        >>> times = pd.date_range("2020-01-01", periods=1000, freq="h")
        >>> table = pd.DataFrame({"temperature": np.sin(np.arange(1000) * 2 * np.pi / 24)}, index=times)
        >>> data = ForecastData.of(table, "temperature", history=48, horizons=(1, 24))
        >>> data
        ForecastData(temperature from 1 column, 48 steps back, 1, 24 ahead; windows: train 629, validation 77, test 177)
        >>> data.test.x.shape, data.in_unit(data.test.y).shape
        ((177, 48, 1), (177, 2))

    Used in: Lab 05b

    Reference: lecture 004, "ACTION REQUIRED", Thursday.
    """

    split: TimeSplit
    target: str = "temperature"
    columns: tuple[str, ...] | None = None
    history: int = 120
    horizons: tuple[int, ...] = HORIZONS
    stride: int = 1
    gaps: Gaps = "raise"

    def __post_init__(self) -> None:
        names = tuple(map(str, self.split.table.columns))
        columns = names if self.columns is None else tuple(self.columns)
        if self.target not in columns:
            raise ValueError(
                f"the target {self.target!r} must be an input column: a forecaster predicts its change from now. The "
                f"input columns are {', '.join(columns)}."
            )
        horizons = tuple(sorted(int(horizon) for horizon in self.horizons))
        parts: dict[str, Any] = {"columns": columns, "horizons": horizons}
        for name, value in parts.items():
            object.__setattr__(self, name, value)
        for part in ("train", "validation", "test"):
            object.__setattr__(self, f"_{part}", self.windows(part))

    @classmethod
    def of(
        cls,
        table: pd.DataFrame,
        target: str = "temperature",
        fractions: Sequence[float] = (0.7, 0.1, 0.2),
        **settings: Any,
    ) -> ForecastData:
        """Splits a table in time order and makes the task.

        Args:
            table: the series in its own units, evenly spaced time stamps as its index.
            target: column to forecast.
            fractions: shares of the training, validation and test part.
            **settings: the other fields: columns, history, horizons, stride, gaps.
        """
        return cls(time_split(table, fractions), target, **settings)

    @property
    def train(self) -> Windows:
        """Windows whose inputs and targets lie in the training part."""
        return self._train  # type: ignore[attr-defined]

    @property
    def validation(self) -> Windows:
        """Windows whose targets lie in the validation part."""
        return self._validation  # type: ignore[attr-defined]

    @property
    def test(self) -> Windows:
        """Windows whose targets lie in the test part: the forecast origins on which everything is compared."""
        return self._test  # type: ignore[attr-defined]

    @property
    def task(self) -> Task:
        """What is forecast from what."""
        mean = float(self.split.standardizer.inverse(np.zeros(1), self.target)[0])
        scale = self.split.standardizer.scale_of(self.target)
        rate = self.train.sampling_rate
        return Task(self.target, self.columns, self.history, rate, self.horizons, mean, scale)  # type: ignore[arg-type]

    def windows(self, part: Part) -> Windows:
        """The windows of one part; `train`, `validation` and `test` are these."""
        stride = self.stride if part == "train" else 1
        return self.split.windows(
            part,
            self.history,
            self.horizons,
            targets=self.target,
            columns=self.columns,
            stride=stride,
            gaps=self.gaps,
        )

    def in_unit(self, values: np.ndarray) -> NDArray[np.float64]:
        """Brings standardised targets or forecasts back to the target's unit."""
        return self.split.standardizer.inverse(values, self.target)

    def __repr__(self) -> str:
        columns = f"{len(self.columns)} column{'s' if len(self.columns) > 1 else ''}"  # type: ignore[arg-type]
        sizes = ", ".join(f"{part} {len(getattr(self, part)):,}" for part in ("train", "validation", "test"))
        return (
            f"ForecastData({self.target} from {columns}, {self.history} steps back, "
            f"{', '.join(map(str, self.horizons))} ahead; windows: {sizes})"
        )
