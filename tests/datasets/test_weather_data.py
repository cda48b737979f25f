from __future__ import annotations

import gzip
import hashlib
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import dlcourse.datasets.weather as weather_module
from dlcourse.datasets import REGISTRY, WEATHER_COLUMNS, DataCorruptError, find_local, load_jena, status, verify
from dlcourse.datasets.weather_columns import SHARED_COLUMNS, canonical_names

HEADER_LONG = [f"{WEATHER_COLUMNS[name].raw} (unit)" for name in SHARED_COLUMNS]
# As in the benchmark's copy, whose superscripts and micro signs are broken.
HEADER_2020 = [*(f"{column.raw} (W/m\ufffd)" for column in WEATHER_COLUMNS.values() if column.name != "co2"), "OT"]
REAL = Path(os.environ.get("DLCOURSE_DATA_DIR", "")) / "jena_weather_2020.csv.gz"
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of the station: row number n has the value n in every column, unless `change` says otherwise."""

    def to_file(
        times: pd.DatetimeIndex,
        header: list[str] = HEADER_2020,
        change: Callable[[pd.DataFrame], object] = lambda table: None,
        name: str = "station.csv",
    ) -> Path:
        table = pd.DataFrame(np.repeat(np.arange(len(times), dtype=float)[:, None], len(header), 1), columns=header)
        change(table)
        is_long = len(header) == 14
        stamps = times.strftime("%d.%m.%Y %H:%M:%S" if is_long else "%Y-%m-%d %H:%M:%S")
        table.insert(0, "Date Time" if is_long else "date", stamps)
        path = tmp_path / name
        table.to_csv(path, index=False)
        return path

    return to_file


def minutes(count: int, start: str = "2020-01-01 00:10") -> pd.DatetimeIndex:
    return pd.date_range(start, periods=count, freq="10min")


def kinds(data: weather_module.WeatherData) -> list[tuple[str, str | None, int]]:
    return [(repair.kind, repair.column, repair.count) for repair in data.repairs]


def test_both_files_get_the_same_names_and_keep_their_own(write: Write) -> None:
    new = load_jena(path=write(minutes(20)))
    old = load_jena(path=write(minutes(20, "2009-01-01 00:10"), HEADER_LONG, name="old.csv"))
    assert new.columns == tuple(WEATHER_COLUMNS)
    assert old.columns == tuple(WEATHER_COLUMNS)[:14]
    assert new.raw_names["OT"] == "co2"
    assert list(new.raw_table().columns) == HEADER_2020
    assert list(old.raw_table().columns) == HEADER_LONG
    # Day first: 1 February is not 2 January.
    february = load_jena(path=write(minutes(20, "2009-02-01 00:10"), HEADER_LONG))
    assert str(february.table.index[0]) == "2009-02-01 00:10:00"
    assert new.units["temperature"] == "deg C"
    assert list(new.descriptions) == list(new.columns)


def test_a_file_is_read_plain_gzipped_or_zipped(write: Write, tmp_path: Path) -> None:
    plain = write(minutes(20), HEADER_LONG)
    packed, zipped = tmp_path / "packed.csv.gz", tmp_path / "zipped.csv.zip"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.write(plain, "station.csv")
        # What a Mac adds to every archive.
        archive.writestr("__MACOSX/._station.csv", b"\0")
    for path in (packed, zipped):
        pd.testing.assert_frame_equal(load_jena(path=path).table, load_jena(path=plain).table)


def test_failed_instruments_are_interpolated_and_reported(write: Write) -> None:
    def fail(table: pd.DataFrame) -> None:
        table.loc[[4, 5], "wv (W/m\ufffd)"] = -9999.0
        table.loc[9, "OT"] = np.nan

    data = load_jena(path=write(minutes(20), change=fail))
    assert kinds(data) == [("missing_value", "wind_speed", 2), ("missing_value", "co2", 1)]
    np.testing.assert_allclose(data.table["wind_speed"], np.arange(20.0))
    np.testing.assert_allclose(data.table["co2"], np.arange(20.0))
    report = data.repair_report()
    assert list(report["count"]) == [2, 1]
    assert str(data.repairs[0]) == (
        "missing_value, wind_speed: 2 from 2020-01-01 00:50 to 2020-01-01 01:00, interpolated linearly"
    )


def test_an_instrument_that_fails_for_too_long_stays_empty(write: Write) -> None:
    def fail(table: pd.DataFrame) -> None:
        table.loc[10:30, "OT"] = -9999.0
        table.loc[50, "OT"] = -9999.0

    data = load_jena(path=write(minutes(60), change=fail), max_outage="3h")
    assert kinds(data) == [("missing_value", "co2", 22), ("outage", "co2", 21)]
    assert data.table["co2"].isna().sum() == 21
    assert data.table["co2"].iloc[50] == 50
    assert load_jena(path=write(minutes(60), change=fail), max_outage="4h").table["co2"].isna().sum() == 0


def test_wind_direction_is_interpolated_through_north(write: Write) -> None:
    def turn(table: pd.DataFrame) -> None:
        table["wd (W/m\ufffd)"] = [350.0, -9999.0, 10.0, 10.0]

    wind = load_jena(path=write(minutes(4), change=turn)).table["wind_direction"]
    assert wind.iloc[1] % 360 == pytest.approx(0.0, abs=1e-6)


def test_rows_are_put_in_order_and_kept_once(write: Write) -> None:
    times = minutes(30)
    # As in 2010: a block of rows that occurs again.
    data = load_jena(path=write(times[:20].append(times[15:])))
    assert kinds(data) == [("unsorted", None, 1), ("duplicate", None, 5)]
    assert data.table.index.equals(times.rename("time"))
    assert list(data.table["pressure"]) == [*range(20), *range(25, 35)]
    odd = load_jena(path=write(times[:7].append(times[6:7] + pd.Timedelta(minutes=3)).append(times[7:])))
    assert kinds(odd) == [("off_grid", None, 1)]
    assert len(odd) == 30


def test_short_gaps_are_filled_and_long_ones_left(write: Write) -> None:
    times = minutes(100)
    data = load_jena(path=write(times.delete(np.r_[20:32, 60:73])), max_gap="2h")
    assert kinds(data) == [("short_gap", None, 12), ("long_gap", None, 13)]
    assert data.table.index.equals(times.delete(np.r_[60:73]).rename("time"))
    np.testing.assert_allclose(data.table["temperature"].iloc[19:33], np.linspace(19, 20, 14))
    assert data.repairs[1].action == "left as a gap"


def test_raw_keeps_every_row_value_and_the_order_of_the_file(write: Write) -> None:
    def fail(table: pd.DataFrame) -> None:
        table.loc[3, "OT"] = -9999.0

    times = minutes(10)
    stamps = times[:5].append(times[4:5]).append(times[7:]).append(times[5:6])
    data = load_jena(path=write(stamps, change=fail), repair=False)
    assert data.repairs == ()
    assert data.table.index.equals(stamps.rename("time"))
    assert list(data.raw_table()["OT"]) == [0, 1, 2, -9999, 4, 5, 6, 7, 8, 9]
    with pytest.raises(ValueError, match="load the data with repair=True"):
        data.hourly()


def test_hourly_picks_the_rows_at_full_hours_as_the_keras_example_does(write: Write) -> None:
    data = load_jena(path=write(minutes(50)))
    hourly = data.hourly()
    # The example takes every sixth row from the sixth on, which is 01:00.
    assert list(hourly.table["temperature"]) == list(range(50))[5::6]
    assert str(hourly.table.index[0]) == "2020-01-01 01:00:00"
    assert hourly.interval == pd.Timedelta(hours=1)
    assert hourly.hourly() is hourly
    assert "8 rows every 1 h" in repr(hourly)


def test_auto_takes_the_long_series_then_2020_then_synthetic_and_never_downloads(
    places: tuple[Path, Path], write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(name: str) -> Path:
        raise AssertionError(f"asked for {name}")

    monkeypatch.setattr(weather_module, "fetch", no_network)
    data, _ = places
    assert load_jena(hours=24).source == "synthetic"
    content = write(minutes(20)).read_bytes()
    (file,) = REGISTRY["weather"].files
    digest = hashlib.sha256(content).hexdigest()
    record = replace(file, sha256=digest, content_sha256=digest, size=len(content))
    monkeypatch.setitem(REGISTRY, "weather", replace(REGISTRY["weather"], files=(record,)))
    (data / "jena_weather_2020.csv.gz").write_bytes(gzip.compress(content))
    found = load_jena()
    assert (found.source, found.label, len(found)) == ("2020", "Jena 2020", 20)
    assert status("weather").state == "present"
    assert verify("weather").state == "ok"
    monkeypatch.setattr(weather_module, "_ROWS_LONG", 30)
    with zipfile.ZipFile(data / "jena_climate_2009_2016.csv.zip", "w") as archive:
        archive.write(write(minutes(30, "2009-01-01 00:10"), HEADER_LONG), "jena_climate_2009_2016.csv")
    assert load_jena().label == "Jena 2009-2016"
    assert load_jena("2009-2016").title("Winter") == "Winter (Jena 2009-2016)"


def test_a_wrong_or_half_file_in_the_data_directory_is_an_error(places: tuple[Path, Path], write: Write) -> None:
    data, _ = places
    (data / "jena_climate_2009_2016.csv").write_bytes(write(minutes(30), HEADER_LONG).read_bytes())
    with pytest.raises(DataCorruptError, match="holds 30 rows, expected 420,551"):
        load_jena()
    (data / "jena_climate_2009_2016.csv").unlink()
    (data / "weather.csv").write_text("something else")
    with pytest.raises(DataCorruptError, match=r"weather\.csv is not the file"):
        load_jena()


def test_a_missing_source_says_where_to_get_it(places: tuple[Path, Path]) -> None:
    with pytest.raises(FileNotFoundError, match=r"13\.6 MB.*https://storage.googleapis.com/.*DLCOURSE_DATA_DIR"):
        load_jena("2009-2016")
    with pytest.raises(FileNotFoundError, match="There is no file nowhere.csv"):
        load_jena(path="nowhere.csv")
    with pytest.raises(ValueError, match="source must be one of 'auto', '2009-2016', '2020', 'synthetic', got 'jena'"):
        load_jena("jena")


def test_a_file_that_is_not_the_stations_is_named_with_its_fault(write: Write, tmp_path: Path) -> None:
    good = write(minutes(3)).read_text(encoding="utf-8")
    for text, message in [
        ("", "not a CSV file"),
        ("a,b\n1,2\n", "first column must be 'date' or 'Date Time', got 'a'"),
        (good.split("\n")[0] + "\n", "holds no rows"),
        (good.replace("01:00", "soon").replace("00:20:00", "soon"), "row 2 after the header: got the time stamp"),
        (good.replace(",2.0,2.0", ",2.0,two", 1), "row 3 after the header, column"),
        (good.replace("Tdew", "Dew"), "unknown: 'Dew (W/m"),
        (good.replace("Tdew", "Dew"), r"missing: dew_point (Tdew)"),
    ]:
        path = tmp_path / "bad.csv"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError) as caught:
            load_jena(path=path)
        assert message in str(caught.value)
        assert "bad.csv" in str(caught.value)
    for name, content in [("cut.gz", gzip.compress(good.encode())[:-20]), ("cut.zip", b"PK\x03\x04nothing")]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match="is damaged"):
            load_jena(path=tmp_path / name)
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", good)
        archive.writestr("b.csv", good)
    with pytest.raises(ValueError, match=r"must hold one CSV file, got a\.csv, b\.csv"):
        load_jena(path=tmp_path / "two.zip")
    with pytest.raises(ValueError, match="max_gap must not be negative"):
        load_jena(path=write(minutes(3)), max_gap="-1h")


def test_the_stations_own_name_of_carbon_dioxide_is_known() -> None:
    header = [*HEADER_2020[:-1], "CO2 (ppm)"]
    assert canonical_names(header)["CO2 (ppm)"] == "co2"


@pytest.mark.skipif(not REAL.is_file(), reason="needs jena_weather_2020.csv.gz in DLCOURSE_DATA_DIR")
def test_the_real_file_of_2020_is_repaired_as_its_faults_demand_and_raw_it_is_the_benchmarks() -> None:
    assert find_local("weather.csv") == REAL.absolute()
    data = load_jena("2020")
    assert kinds(data) == [
        ("duplicate", None, 1),
        ("missing_value", "wind_speed", 1),
        ("missing_value", "par_max", 30),
        ("missing_value", "co2", 50),
        ("short_gap", None, 9),
    ]
    assert data.table.index.equals(minutes(52_704).rename("time"))
    assert len(data.hourly()) == 8_784
    assert not data.table.isna().any(axis=None)
    raw = load_jena("2020", repair=False)
    oracle = pd.read_csv(REAL, encoding_errors="replace")
    assert raw.table.shape == (52_696, 21)
    assert list(raw.raw_table().columns) == list(oracle.columns[1:])
    np.testing.assert_array_equal(raw.table.to_numpy(), oracle.iloc[:, 1:].to_numpy())
    assert int((raw.table == -9999.0).sum().sum()) == 81
