"""Splitting a series in time order, and standardising it with what the training part alone knows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dlcourse.sequences.windows import Windows, make_windows

if TYPE_CHECKING:
    import pandas as pd

Part = Literal["train", "validation", "test"]
_PARTS: tuple[Part, ...] = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Standardizer:
    """Mean and standard deviation of each column, and the way there and back.

    .. math:: z = (x - \\mu) / \\sigma

    Args:
        columns: names of the columns.
        mean: shape (columns,), float64, in each column's unit.
        scale: standard deviation (divided by n), shape (columns,), float64; 1 where a column is constant.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({"a": [1.0, 3.0], "b": [10.0, 10.0]})
        >>> standardizer = Standardizer.fit(table)
        >>> standardizer.transform(table)["a"].tolist()
        [-1.0, 1.0]
        >>> standardizer.inverse(np.array([-1.0, 1.0]), "a").tolist()
        [1.0, 3.0]

    Used in: Lab 05b
    """

    columns: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, table: pd.DataFrame) -> Standardizer:
        """Measure the columns of a table: the training part, and no other row.

        Args:
            table: at least one row of finite numbers.

        Returns:
            The `Standardizer`.

        Raises:
            ValueError: for a table without rows, or values that are not finite (the column is named).
        """
        if len(table) == 0:
            raise ValueError("a Standardizer needs at least one row, got an empty table.")
        values = table.to_numpy(dtype=np.float64)
        for name, column in zip(table.columns, values.T, strict=True):
            if not np.isfinite(column).all():
                raise ValueError(
                    f"column {name!r} holds {int((~np.isfinite(column)).sum())} values that are not finite."
                )
        scale = values.std(axis=0)
        return cls(tuple(map(str, table.columns)), values.mean(axis=0), np.where(scale > 0, scale, 1.0))

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Standardise a table that has these columns, in any order; others are an error."""
        mean, scale = self._of(tuple(map(str, table.columns)))
        return (table - mean) / scale

    def inverse(self, values: np.ndarray, columns: str | Sequence[str]) -> np.ndarray:
        """Bring standardised values back to their unit.

        Args:
            values: one column: any shape; several: the last axis runs over them.
            columns: the name, or names, of what the values are.

        Returns:
            Values of the same shape, float64, in the columns' units.

        Raises:
            ValueError: for an unknown column, or a last axis that does not match.
        """
        if isinstance(columns, str):
            mean, scale = self._of((columns,))
            return np.asarray(values, dtype=np.float64) * scale[0] + mean[0]
        values = np.asarray(values, dtype=np.float64)
        if values.ndim == 0 or values.shape[-1] != len(columns):
            raise ValueError(
                f"the last axis of values must run over {len(columns)} columns, got the shape {values.shape}."
            )
        mean, scale = self._of(tuple(columns))
        return values * scale + mean

    def scale_of(self, column: str) -> float:
        """Standard deviation of a column, in its unit: turns a standardised error into one in deg C."""
        return float(self._of((column,))[1][0])

    def _of(self, columns: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
        unknown = [name for name in columns if name not in self.columns]
        if unknown:
            raise ValueError(f"this Standardizer knows {', '.join(self.columns)}; got {', '.join(map(str, unknown))}.")
        places = [self.columns.index(name) for name in columns]
        return self.mean[places], self.scale[places]


@dataclass(frozen=True, repr=False, eq=False)
class TimeSplit:
    """A series cut in time order into a training, a validation and a test part.

    Args:
        table: the whole series in its own units, with a DatetimeIndex.
        standardized: the same, standardised with the training part's mean and standard deviation.
        standardizer: these means and deviations.
        train: rows of the training part.
        validation: rows of the validation part, right after it; empty where its share is 0.
        test: rows of the test part, the last ones.

    Used in: Lab 05b
    """

    table: pd.DataFrame
    standardized: pd.DataFrame
    standardizer: Standardizer
    train: slice
    validation: slice
    test: slice

    def part(self, name: Part, standardized: bool = False) -> pd.DataFrame:
        """The rows of "train", "validation" or "test", in their own units or standardised."""
        return (self.standardized if standardized else self.table).iloc[self._rows(name)]

    def windows(
        self, part: Part, history: int, horizons: int | Sequence[int], *, overlap: bool = True, **settings: Any
    ) -> Windows:
        """Windows over the standardised series whose targets lie in one part.

        Args:
            part: "train", "validation" or "test".
            history: input steps of a window.
            horizons: one or several numbers of rows ahead.
            overlap: whether the inputs may reach into the part before, which is their past.
            **settings: further arguments of `make_windows`: targets, columns, stride, sampling_rate, gaps.

        Returns:
            A `Windows`; inputs and targets are standardised, and `standardizer.inverse(y, "temperature")` brings
            targets and forecasts back to deg C.

        Raises:
            TypeError, ValueError: as `make_windows` does.
        """
        return make_windows(
            self.standardized, history, horizons, rows=self._rows(part), overlap=overlap and part != "train", **settings
        )

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {len(self.part(name)):,}" for name in _PARTS)
        return f"TimeSplit({sizes} rows; {len(self.table.columns)} columns)"

    def _rows(self, name: Part) -> slice:
        if name not in _PARTS:
            raise ValueError(f"part must be 'train', 'validation' or 'test', got {name!r}.")
        return getattr(self, name)


def time_split(table: pd.DataFrame, fractions: Sequence[float] = (0.7, 0.1, 0.2)) -> TimeSplit:
    """Cut a series in time order, and standardise all of it with the training part alone.

    The order is the published protocol's: the first floor(f_train n) rows train, the last floor(f_test n) test, and the
    rows between them validate. Shuffling first would put tomorrow into the training part.

    Args:
        table: the series in time order, one column a quantity, finite numbers.
        fractions: shares of the training, validation and test part; together 1. The training and test part need rows.

    Returns:
        A `TimeSplit`.

    Raises:
        TypeError: when table is not a DataFrame.
        ValueError: for shares outside their range, or a part without rows.

    Example:
        >>> import pandas as pd
        >>> times = pd.date_range("2020-01-01", periods=100, freq="h")
        >>> split = time_split(pd.DataFrame({"temperature": np.arange(100.0)}, index=times))
        >>> split
        TimeSplit(train 70, validation 10, test 20 rows; 1 columns)
        >>> windows = split.windows("test", history=24, horizons=(1, 6), targets="temperature")
        >>> split.standardizer.inverse(windows.y[0], "temperature").round(3).tolist()
        [80.0, 85.0]

    Used in: Lab 05b

    Reference: H. Wu, J. Xu, J. Wang, M. Long, Autoformer, 2021 (the protocol); lecture 004, "ACTION REQUIRED".
    """
    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"time_split needs a DataFrame, got {type(table).__name__}.")
    shares = tuple(float(share) for share in fractions)
    if len(shares) != 3 or min(shares) < 0 or not math.isclose(sum(shares), 1.0, abs_tol=1e-9):
        raise ValueError(f"fractions must be three shares that are not negative and add to 1, got {tuple(fractions)}.")
    rows = len(table)
    # 0.29 * 100 is 28.999...: the tiny addend makes the floor the one that was meant.
    train, test = (math.floor(share * rows + 1e-9) for share in (shares[0], shares[2]))
    if train == 0 or test == 0:
        raise ValueError(f"{rows} rows leave the training or test part empty with the shares {shares}.")
    standardizer = Standardizer.fit(table.iloc[:train])
    return TimeSplit(
        table=table,
        standardized=standardizer.transform(table),
        standardizer=standardizer,
        train=slice(0, train),
        validation=slice(train, rows - test),
        test=slice(rows - test, rows),
    )
