"""Repairing a station's table: time stamps in order and once each, short gaps filled, long ones left, all reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["unsorted", "duplicate", "off_grid", "missing_value", "outage", "short_gap", "long_gap"]
# The station writes -9999 for a failed instrument; nothing that it measures goes anywhere near.
_FAILED = -9000.0


@dataclass(frozen=True)
class Repair:
    """One kind of fault in a table, and what was done about it.

    Args:
        kind: "unsorted" (rows out of time order), "duplicate" (a time stamp again), "off_grid" (a time stamp between
            two regular ones), "missing_value" (-9999 or an empty cell), "outage" (such values for too long to fill),
            "short_gap" and "long_gap" (missing rows).
        column: the column, or None where whole rows are meant.
        count: rows or values.
        first: first time stamp of the fault.
        last: last time stamp of the fault.
        action: what was done.

    Example:
        >>> import pandas as pd
        >>> when = pd.Timestamp("2020-02-20 07:40")
        >>> print(Repair("missing_value", "wind_speed", 1, when, when, "interpolated"))
        missing_value, wind_speed: 1 at 2020-02-20 07:40, interpolated

    Used in: Lab 05b
    """

    kind: Kind
    column: str | None
    count: int
    first: pd.Timestamp
    last: pd.Timestamp
    action: str

    def __str__(self) -> str:
        what = f"{self.kind}, {self.column}" if self.column else self.kind
        until = f"from {self.first:%Y-%m-%d %H:%M} to {self.last:%Y-%m-%d %H:%M}"
        when = f"at {self.first:%Y-%m-%d %H:%M}" if self.first == self.last else until
        return f"{what}: {self.count:,} {when}, {self.action}"


def repair_table(
    table: pd.DataFrame, interval: pd.Timedelta, max_gap: pd.Timedelta, max_outage: pd.Timedelta
) -> tuple[pd.DataFrame, tuple[Repair, ...]]:
    """Bring a table of weather into time order, once each, and fill what is missing for a short time.

    Args:
        table: numeric columns under the course's names, with a DatetimeIndex.
        interval: regular time from one row to the next.
        max_gap: longest stretch of missing rows to fill by interpolation.
        max_outage: longest stretch of one column's missing values to fill.

    Returns:
        The repaired table, and the repairs in the order in which they were done. Rows of longer gaps stay away; values
        of longer outages are NaN.

    Raises:
        ValueError: for a time span that is negative.

    Example:
        >>> import pandas as pd
        >>> times = pd.date_range("2020-01-01", periods=4, freq="10min")
        >>> table = pd.DataFrame({"temperature": [0.0, -9999.0, 2.0, 3.0]}, index=times)
        >>> minutes = pd.Timedelta(minutes=10)
        >>> repaired, repairs = repair_table(table, minutes, 2 * minutes, 2 * minutes)
        >>> repaired["temperature"].tolist(), repairs[0].count
        ([0.0, 1.0, 2.0, 3.0], 1)

    Used in: Lab 05b
    """
    import pandas

    for name, span in (("max_gap", max_gap), ("max_outage", max_outage)):
        if span < pandas.Timedelta(0):
            raise ValueError(f"{name} must not be negative, got {span}.")
    repairs: list[Repair] = []
    table = _regular_rows(table, interval, repairs)
    missing = table.isna() | (table <= _FAILED)
    for name in table.columns:
        where = table.index[missing[name].to_numpy()]
        if len(where):
            repairs.append(Repair("missing_value", name, len(where), where[0], where[-1], "interpolated linearly"))
    table = _fill_short_gaps(table.mask(missing), interval, max_gap, repairs)
    return _interpolate(table, interval, max_outage, repairs), tuple(repairs)


def _regular_rows(table: pd.DataFrame, interval: pd.Timedelta, repairs: list[Repair]) -> pd.DataFrame:
    times = table.index
    backwards = np.flatnonzero(np.diff(times.to_numpy()) < np.timedelta64(0)) + 1
    if len(backwards):
        where = times[backwards]
        repairs.append(Repair("unsorted", None, len(where), where.min(), where.max(), "put in time order"))
        # A stable order: of rows with the same time stamp the first in the file stays the first.
        table = table.sort_index(kind="stable")
    again = table.index.duplicated()
    if again.any():
        where = table.index[again]
        repairs.append(Repair("duplicate", None, len(where), where[0], where[-1], "first row of each kept"))
        table = table[~again]
    beside = table.index != table.index.floor(interval)
    # A whole file may run at 5 past; a few such rows are a fault.
    if beside.any() and not beside.all():
        where = table.index[beside]
        repairs.append(Repair("off_grid", None, len(where), where[0], where[-1], "rows left out"))
        table = table[~beside]
    return table


def _fill_short_gaps(
    table: pd.DataFrame, interval: pd.Timedelta, max_gap: pd.Timedelta, repairs: list[Repair]
) -> pd.DataFrame:
    """Put in empty rows where a few are missing; `_interpolate` fills them."""
    import pandas

    times = table.index
    steps = times[1:] - times[:-1]
    extra = [times]
    for row in np.flatnonzero(steps > interval):
        count = int(steps[row] / interval) - 1
        first, last = times[row] + interval, times[row + 1] - interval
        is_short = count * interval <= max_gap
        action = "rows interpolated" if is_short else "left as a gap"
        repairs.append(Repair("short_gap" if is_short else "long_gap", None, count, first, last, action))
        if is_short:
            extra.append(pandas.date_range(first, last, freq=interval))
    if len(extra) == 1:
        return table
    whole = pandas.DatetimeIndex(np.sort(np.concatenate([part.to_numpy() for part in extra])), name=times.name)
    return table.reindex(whole)


def _interpolate(
    table: pd.DataFrame, interval: pd.Timedelta, max_outage: pd.Timedelta, repairs: list[Repair]
) -> pd.DataFrame:
    seconds = (table.index - table.index[0]).total_seconds().to_numpy()
    filled = {}
    for name, column in table.items():
        values = column.to_numpy(copy=True)
        missing = np.isnan(values)
        if missing.all():
            raise ValueError(f"column {name} holds no value at all.")
        if missing.any():
            for start, stop in _runs(missing):
                if (stop - start) * interval > max_outage:
                    first, last = table.index[start], table.index[stop - 1]
                    repairs.append(Repair("outage", name, stop - start, first, last, "left empty (NaN)"))
                    missing[start:stop] = False
            known = ~np.isnan(values)
            values[missing] = _between(seconds[missing], seconds[known], values[known], name == "wind_direction")
        filled[name] = values
    import pandas

    return pandas.DataFrame(filled, index=table.index)


def _between(wanted: np.ndarray, times: np.ndarray, values: np.ndarray, circular: bool) -> np.ndarray:
    if not circular:
        return np.interp(wanted, times, values)
    # From 350 to 10 degrees the way leads through north, not through south.
    turned = np.unwrap(np.radians(values))
    return np.degrees(np.interp(wanted, times, turned)) % 360


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]
