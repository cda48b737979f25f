"""The weather of Jena: the real station's files, or synthetic weather of the same columns where neither is at hand."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from dlcourse.datasets.download import fetch
from dlcourse.datasets.storage import (
    DATA_DIR_VARIABLE,
    DataCorruptError,
    cache_directory,
    data_directory,
    find_local,
)
from dlcourse.datasets.table import import_pandas
from dlcourse.datasets.weather_columns import WEATHER_COLUMNS, canonical_names
from dlcourse.datasets.weather_repair import Repair, repair_table

if TYPE_CHECKING:
    import pandas as pd

Source = Literal["auto", "2009-2016", "2020", "synthetic"]

_LABELS = {"2009-2016": "Jena 2009-2016", "2020": "Jena 2020", "synthetic": "synthetic weather"}
_FILE_2020 = "weather.csv"
# No checksum of the official zip is published anywhere that could be found: its row count has to do.
_FILES_LONG = ("jena_climate_2009_2016.csv.zip", "jena_climate_2009_2016.csv")
_ROWS_LONG = 420_551
_ADDRESS_LONG = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/jena_climate_2009_2016.csv.zip"
_SYNTHETIC_HOURS = 8_784
_DATE_FORMATS = ("%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S")


@dataclass(frozen=True, repr=False, eq=False)
class WeatherData:
    """A weather series: the table, where it comes from and what was repaired in it.

    Args:
        table: one row a time stamp (DatetimeIndex named "time"), float64, columns as in `WEATHER_COLUMNS`: 21, or the
            first 14 of them in 2009-2016.
        source: "2009-2016", "2020" or "synthetic"; "file" for a file of your own.
        interval: time from one row to the next.
        repairs: what was repaired, in the order in which it was done; empty for raw and for synthetic data.
        raw_names: name of each column in the station's file, and its name here.
        label: the source in words, for titles.

    Example:
        >>> weather = load_jena("synthetic", hours=48)
        >>> weather
        WeatherData(synthetic weather: 48 rows every 1 h, 21 columns, 2020-01-01 to 2020-01-02)
        >>> weather.title("Two days of January"), weather.axis("temperature")
        ('Two days of January (synthetic weather)', 'temperature (deg C)')

    Used in: Lab 05b
    """

    table: pd.DataFrame
    source: str
    interval: pd.Timedelta
    repairs: tuple[Repair, ...] = ()
    raw_names: dict[str, str] = field(default_factory=dict)
    label: str = ""

    @property
    def is_synthetic(self) -> bool:
        """Whether no station has measured this."""
        return self.source == "synthetic"

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.table.columns)

    @property
    def units(self) -> dict[str, str]:
        """Unit of each column."""
        return {name: WEATHER_COLUMNS[name].unit for name in self.table.columns}

    @property
    def descriptions(self) -> dict[str, str]:
        """What each column is, in words."""
        return {name: WEATHER_COLUMNS[name].description for name in self.table.columns}

    def title(self, text: str) -> str:
        """A plot's title with the source behind it, so that synthetic weather never passes for measured."""
        return f"{text} ({self.label})"

    def axis(self, column: str) -> str:
        """A column's label for an axis: name and unit."""
        return f"{column.replace('_', ' ')} ({WEATHER_COLUMNS[column].unit})"

    def repair_report(self) -> pd.DataFrame:
        """The repairs as a table: kind, column, count, first, last and what was done."""
        pandas = import_pandas("repair_report")
        names = ["kind", "column", "count", "first", "last", "action"]
        return pandas.DataFrame([[getattr(repair, name) for name in names] for repair in self.repairs], columns=names)

    def raw_table(self) -> pd.DataFrame:
        """The table under the names of its file; together with `repair=False` the file as the benchmark reads it."""
        return self.table.rename(columns={name: raw for raw, name in self.raw_names.items()})

    def hourly(self) -> WeatherData:
        """Keep the rows at full hours: every sixth of a 10-minute series, as the Keras example does.

        They are picked, not averaged: each is what the station reported at that moment, and nothing from after the
        hour enters it.

        Returns:
            A `WeatherData` with one row an hour; the same one where it is hourly already.

        Raises:
            ValueError: for a table that was not repaired: with time stamps twice, an hour has no single row.

        Example:
            >>> load_jena("synthetic", hours=24).hourly().interval
            Timedelta('0 days 01:00:00')
        """
        pandas = import_pandas("hourly")
        hour = pandas.Timedelta(hours=1)
        if self.interval == hour:
            return self
        if not self.table.index.is_unique or not self.table.index.is_monotonic_increasing:
            raise ValueError("hourly() needs increasing time stamps; load the data with repair=True.")
        index = self.table.index
        return replace(self, table=self.table[index == index.floor("h")], interval=hour)

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        minutes = self.interval.total_seconds() / 60
        every = f"{minutes / 60:g} h" if minutes >= 60 else f"{minutes:g} min"
        first, last = self.table.index[0], self.table.index[-1]
        return (
            f"WeatherData({self.label}: {len(self):,} rows every {every}, {len(self.table.columns)} columns, "
            f"{first:%Y-%m-%d} to {last:%Y-%m-%d}{f', {len(self.repairs)} repairs' if self.repairs else ''})"
        )


def load_jena(
    source: Source = "auto",
    path: str | os.PathLike[str] | None = None,
    *,
    repair: bool = True,
    max_gap: str = "2h",
    max_outage: str = "24h",
    hours: int = _SYNTHETIC_HOURS,
    seed: int = 0,
) -> WeatherData:
    """Load the weather of Jena from whichever source is there, repaired, and say which one it is.

    The station's files have time stamps twice, some missing, and -9999 where an instrument failed. With `repair`, rows
    are put in time order, the first row of each time stamp is kept, and -9999 counts as missing. Missing values are
    interpolated linearly in time (wind direction around the circle): whole rows up to `max_gap`, one broken instrument
    up to `max_outage`. Longer gaps stay gaps, and `make_windows(..., gaps="skip")` cuts no window across them. All of
    it stands in `repairs`.

    Args:
        source: "2009-2016" (14 columns, 420,551 rows every 10 minutes), "2020" (21 columns, 52,696 rows; the "Weather"
            of the forecasting literature; downloaded where it is missing), "synthetic" (hourly, `make_weather`), or
            "auto": the first of these three that is on this machine. "auto" never downloads.
        path: a file in the station's format, .csv, .csv.gz or .csv.zip, instead of the source's own.
        repair: False keeps every row and value in the file's order, -9999 included: the published benchmark's input.
        max_gap: longest stretch of missing rows to fill, a pandas time span.
        max_outage: longest stretch of one column's missing values to fill; values of longer ones stay NaN.
        hours: length of synthetic weather; 8,784 is the year 2020.
        seed: of synthetic weather, a non-negative integer.

    Returns:
        A `WeatherData`.

    Raises:
        ValueError: for an unknown source, or a file that is not in the station's format (column or row is named).
        DataNotFoundError, FileNotFoundError: when the file is not on this machine; says where to get it.
        DataCorruptError: when the data directory holds another file under its name, or half of it.
        ImportError: when pandas is not installed.

    Example:
        >>> weather = load_jena("synthetic", hours=240)
        >>> weather.is_synthetic, len(weather.columns)
        (True, 21)
        >>> bool((weather.table.dew_point <= weather.table.temperature).all())
        True

    Used in: Lab 05b

    Reference: Max Planck Institute for Biogeochemistry, Jena; H. Wu et al., Autoformer, 2021 (the file of 2020);
    F. Chollet, Deep Learning with Python, 2017 (2009-2016); lecture 004, "ACTION REQUIRED", Thursday.
    """
    if source not in get_args(Source):
        raise ValueError(f"source must be one of {', '.join(map(repr, get_args(Source)))}, got {source!r}.")
    pandas = import_pandas("load_jena")
    if path is not None:
        path, source = Path(path), "file"
        if not path.is_file():
            raise FileNotFoundError(f"There is no file {path}. Give a CSV file of the Jena station, or a source.")
    elif source == "auto":
        source, path = _find_any()
    else:
        path = _find(source)
    if path is None:
        from dlcourse.datasets.weather_synthesis import make_weather

        return make_weather(hours, seed=seed)
    table, names = _read(path)
    if source == "2009-2016" and len(table) != _ROWS_LONG:
        raise DataCorruptError(
            f"{path} holds {len(table):,} rows, expected {_ROWS_LONG:,}. Most likely the download was cut short: get "
            f"it again from {_ADDRESS_LONG}, or pass path= for a file of your own."
        )
    interval = pandas.Series(table.index).diff().mode().iloc[0] if len(table) > 1 else pandas.Timedelta(minutes=10)
    repairs: tuple[Repair, ...] = ()
    if repair:
        table, repairs = repair_table(table, interval, pandas.Timedelta(max_gap), pandas.Timedelta(max_outage))
    label = _LABELS.get(source, f"Jena, {path.name}")
    return WeatherData(table, source, interval, repairs, names, label)


def _find_any() -> tuple[str, Path | None]:
    """The first source that is on this machine; synthetic where none is."""
    long = _find_long()
    if long is not None:
        return "2009-2016", long
    short = find_local(_FILE_2020)
    return ("2020", short) if short is not None else ("synthetic", None)


def _find(source: str) -> Path | None:
    if source == "synthetic":
        return None
    if source == "2020":
        return fetch(_FILE_2020)
    path = _find_long()
    if path is None:
        raise FileNotFoundError(
            f"The weather of 2009-2016 ({_FILES_LONG[0]}, 13.6 MB) is not on this machine. No checksum of it is "
            f"published, so the course does not download it by itself. Get it from {_ADDRESS_LONG}, put it into a "
            f"folder and set {DATA_DIR_VARIABLE} to that folder, or pass path=. load_jena('auto') takes what is there."
        )
    return path


def _find_long() -> Path | None:
    for place in (data_directory(), cache_directory()):
        for name in _FILES_LONG:
            if place is not None and (place / name).is_file():
                return place / name
    return None


def _read(path: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    import pandas

    try:
        table = pandas.read_csv(_unpacked(path), encoding="utf-8", encoding_errors="replace")
    except (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is damaged ({error}). Most likely the download was cut short.") from error
    except (pandas.errors.EmptyDataError, pandas.errors.ParserError) as error:
        raise ValueError(f"{path} is not a CSV file of the Jena station: {error}.") from error
    if str(table.columns[0]) not in ("date", "Date Time"):
        raise ValueError(f"{path}: the first column must be 'date' or 'Date Time', got {str(table.columns[0])!r}.")
    if len(table) == 0:
        raise ValueError(f"{path} holds no rows.")
    times = _times(table.iloc[:, 0], path)
    values = table.iloc[:, 1:]
    try:
        names = canonical_names([str(name) for name in values.columns])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    for name, column in values.items():
        if not pandas.api.types.is_numeric_dtype(column):
            bad = column.notna() & pandas.to_numeric(column, errors="coerce").isna()
            row = int(bad.to_numpy().argmax())
            raise ValueError(
                f"{path}, row {row + 1:,} after the header, column {name}: got {column[row]!r}, no number."
            )
    values = values.astype("float64").set_axis([names[name] for name in values.columns], axis=1)
    return values.set_axis(pandas.DatetimeIndex(times, name="time"), axis=0), names


def _times(texts: pd.Series, path: Path) -> pd.Series:
    import pandas

    parsed = [pandas.to_datetime(texts, format=style, errors="coerce") for style in _DATE_FORMATS]
    times = min(parsed, key=lambda series: int(series.isna().sum()))
    if times.isna().any():
        row = int(times.isna().to_numpy().argmax())
        raise ValueError(
            f"{path}, row {row + 1:,} after the header: got the time stamp {texts[row]!r}, expected "
            "'2020-01-01 00:10:00' or '01.01.2009 00:10:00'."
        )
    return times


def _unpacked(path: Path) -> io.BytesIO | Path:
    """The file's text, whatever it is packed in and whatever it is called."""
    with path.open("rb") as stream:
        magic = stream.read(2)
    if magic == b"\x1f\x8b":
        return io.BytesIO(gzip.decompress(path.read_bytes()))
    if magic != b"PK":
        return path
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if name.endswith(".csv") and not name.startswith("__MACOSX")]
        if len(members) != 1:
            raise ValueError(f"{path} must hold one CSV file, got {', '.join(archive.namelist()) or 'none'}.")
        return io.BytesIO(archive.read(members[0]))
