"""What a series must be before windows are cut from it: finite numbers at increasing, evenly spaced times."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Series:
    """The columns of a series that windows are cut from.

    Args:
        inputs: input columns, shape (rows, columns), float32.
        targets: target columns, shape (rows, targets), float32; the same array where the names are the same.
        columns: names of the input columns.
        target_columns: names of the target columns.
        times: time stamp of each row, increasing; None for an array.

    Used in: Lab 05b
    """

    inputs: np.ndarray
    targets: np.ndarray
    columns: tuple[str, ...]
    target_columns: tuple[str, ...]
    times: pd.DatetimeIndex | None


def read_series(
    series: pd.DataFrame | pd.Series | np.ndarray, columns: Sequence[str] | None, targets: str | Sequence[str] | None
) -> Series:
    """Check a table or an array and take its input and target columns.

    Args:
        series: a table or one column with a DatetimeIndex, or an array of shape (rows,) or (rows, columns).
        columns: input columns; None takes all.
        targets: target column or columns; None takes the input columns.

    Returns:
        The `Series`.

    Raises:
        TypeError: for anything else, or a table whose index holds no time stamps.
        ValueError: for unknown columns, for values that are not finite, for times that do not increase.

    Example:
        >>> read_series(np.zeros((5, 2)), columns=None, targets="1").target_columns
        ('1',)

    Used in: Lab 05b
    """
    import pandas as pd

    times = None
    if isinstance(series, pd.Series):
        series = series.to_frame(series.name if series.name is not None else "0")
    if isinstance(series, pd.DataFrame):
        times = series.index
        if not isinstance(times, pd.DatetimeIndex):
            raise TypeError(
                f"a table needs time stamps as its index, got {type(times).__name__}. Use table.set_index(...) with a "
                "datetime column, or pass table.to_numpy()."
            )
        _check_increasing(times)
    elif isinstance(series, np.ndarray) and series.ndim in (1, 2):
        series = pd.DataFrame(series.reshape(len(series), -1))
        series.columns = [str(name) for name in series.columns]
    else:
        got = f"an array with {series.ndim} axes" if isinstance(series, np.ndarray) else type(series).__name__
        raise TypeError(f"series must be a table, a column or an array of shape (rows,) or (rows, columns), got {got}.")
    known = [str(name) for name in series.columns]
    inputs = tuple(known) if columns is None else _check_columns("columns", columns, known)
    wanted = inputs if targets is None else _check_columns("targets", targets, known)
    used = series.set_axis(known, axis=1)[list(dict.fromkeys([*inputs, *wanted]))]
    values = _check_finite(used, times)
    place = {name: number for number, name in enumerate(used.columns)}
    picked = [np.ascontiguousarray(values[:, [place[name] for name in names]]) for names in (inputs, wanted)]
    return Series(picked[0], picked[0] if wanted == inputs else picked[1], inputs, wanted, times)


def segment_bounds(times: pd.DatetimeIndex | None, length: int) -> list[tuple[int, int]]:
    """The stretches of rows without a gap in time.

    Args:
        times: increasing time stamps, or None, which has no gaps.
        length: number of rows where times is None.

    Returns:
        First row and one past the last row of each stretch.

    Example:
        >>> import pandas as pd
        >>> hours = pd.DatetimeIndex(["2020-01-01 00:00", "2020-01-01 01:00", "2020-01-01 04:00", "2020-01-01 05:00"])
        >>> segment_bounds(hours, 4)
        [(0, 2), (2, 4)]

    Used in: Lab 05b
    """
    if times is None or len(times) < 3:
        return [(0, length)]
    steps = np.diff(times.to_numpy())
    cuts = (np.flatnonzero(steps != _interval(steps)) + 1).tolist()
    edges = [0, *cuts, len(times)]
    return list(pairwise(edges))


def first_gap(times: pd.DatetimeIndex | None) -> None:
    """Refuse time stamps with a gap.

    Args:
        times: increasing time stamps, or None.

    Raises:
        ValueError: naming the first gap, what is missing in it and the two ways on.

    Example:
        >>> first_gap(None)

    Used in: Lab 05b
    """
    bounds = segment_bounds(times, 0)
    if len(bounds) == 1:
        return
    row = bounds[1][0]
    steps = np.diff(times.to_numpy())
    interval = _interval(steps)
    raise ValueError(
        f"the time stamps have a gap: after {times[row - 1]} comes {times[row]}, where one row every "
        f"{_words(interval)} is expected ({len(bounds) - 1} such place{'s' if len(bounds) > 2 else ''} in the series). "
        "Fill it, or pass gaps='skip' to leave out the windows across it."
    )


def check_count(name: str, value: object, least: int) -> None:
    """Refuse what is not an integer of at least `least`.

    Args:
        name: what the message calls it.
        value: what came.
        least: the smallest allowed.

    Raises:
        TypeError: for another type.
        ValueError: for a smaller number.

    Example:
        >>> check_count("history", 3, 1)

    Used in: Lab 05b
    """
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, got {value!r}.")
    if value < least:
        raise ValueError(f"{name} must be {least} or more, got {value}.")


def _interval(steps: np.ndarray) -> np.timedelta64:
    """The most frequent step: one that a gap, or many, do not change."""
    values, counts = np.unique(steps, return_counts=True)
    return values[counts.argmax()]


def _words(interval: np.timedelta64) -> str:
    minutes = interval / np.timedelta64(1, "m")
    return f"{minutes / 60:g} h" if minutes >= 60 else f"{minutes:g} min"


def _check_increasing(times: pd.DatetimeIndex) -> None:
    if times.hasnans:
        raise ValueError(f"row {int(np.flatnonzero(times.isna())[0])} has no time stamp (NaT). Drop such rows.")
    steps = np.diff(times.to_numpy())
    bad = np.flatnonzero(steps <= np.timedelta64(0))
    if len(bad) == 0:
        return
    row = int(bad[0])
    if steps[row] == np.timedelta64(0):
        raise ValueError(
            f"the time stamp {times[row]} occurs twice (rows {row} and {row + 1}). "
            "Keep one: table[~table.index.duplicated()]."
        )
    raise ValueError(
        f"the time stamps are not sorted: {times[row + 1]} (row {row + 1}) comes after {times[row]}. "
        "Use table.sort_index()."
    )


def _check_columns(what: str, names: str | Sequence[str], known: list[str]) -> tuple[str, ...]:
    names = (names,) if isinstance(names, str) else tuple(names)
    if not names:
        raise ValueError(f"{what} must name one or more columns, got none.")
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=2, cutoff=0.6)
            hint = f"Did you mean {' or '.join(close)}?" if close else f"The columns are {', '.join(known)}."
            raise ValueError(f"{what}: the series has no column {name!r}. {hint}")
    if len(set(names)) < len(names):
        raise ValueError(f"{what} must be distinct, got {names}.")
    return names


def _check_finite(table: pd.DataFrame, times: pd.DatetimeIndex | None) -> np.ndarray:
    import pandas as pd

    for name, kind in table.dtypes.items():
        if not pd.api.types.is_any_real_numeric_dtype(kind):
            raise TypeError(f"column {name!r} must hold real numbers, got {kind}.")
    values = table.to_numpy(dtype=np.float32)
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(np.flatnonzero(bad.any(axis=1))[0])
        column = int(np.flatnonzero(bad[row])[0])
        place = f"row {row}" if times is None else f"{times[row]} (row {row})"
        raise ValueError(
            f"column {table.columns[column]!r} is {values[row, column]} at {place}; {int(bad[:, column].sum()):,} such "
            "values in this column. Fill them, drop those rows, or leave the column out."
        )
    return values
