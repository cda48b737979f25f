from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import circmean

from dlcourse.datasets import WEATHER_COLUMNS, load_jena, make_weather
from dlcourse.datasets.weather_synthesis import saturation_pressure, solar_elevation

REAL = Path(os.environ.get("DLCOURSE_DATA_DIR", "")) / "jena_weather_2020.csv.gz"
LAGS = (1, 6, 12, 24, 48, 72)
# Measured on the station's file of 2020, hourly; the errors of persistence on its last fifth (WEATHER.md).
PERSISTENCE_2020 = (0.53, 2.17, 2.92, 2.22, 3.06, 3.43)
AUTOCORRELATION_2020 = (0.99, 0.82, 0.66, 0.89, 0.81, 0.78)


@pytest.fixture(scope="module")
def year() -> pd.DataFrame:
    return make_weather().table


def persistence(temperature: pd.Series) -> list[float]:
    last_fifth = temperature.iloc[-int(0.2 * len(temperature)) - 72 :]
    return [float(last_fifth.diff(lag).abs().mean()) for lag in LAGS]


def test_the_default_is_a_year_of_the_stations_columns_and_says_that_it_is_synthetic(year: pd.DataFrame) -> None:
    data = make_weather()
    assert list(year.columns) == list(WEATHER_COLUMNS)
    assert year.shape == (8_784, 21)
    assert not year.isna().any(axis=None)
    assert (year.index[1:] - year.index[:-1] == pd.Timedelta(hours=1)).all()
    assert data.is_synthetic
    assert "synthetic" in data.title("Winter")
    assert "synthetic" in repr(data)
    assert load_jena("synthetic").table.equals(year)


def test_moisture_columns_agree_with_one_another_through_the_magnus_formula(year: pd.DataFrame) -> None:
    assert (year["dew_point"] <= year["temperature"]).all()
    assert year["relative_humidity"].between(0, 100).all()
    # Dew point and temperature are rounded to 0.01 deg C, which moves a pressure by up to 0.07 %.
    saturated, vapour = saturation_pressure(year["temperature"]), saturation_pressure(year["dew_point"])
    np.testing.assert_allclose(year["saturation_pressure"], saturated, rtol=8e-4, atol=0.01)
    np.testing.assert_allclose(year["vapour_pressure"], vapour, rtol=8e-4, atol=0.01)
    np.testing.assert_allclose(year["vapour_deficit"], saturated - vapour, rtol=1e-3, atol=0.04)
    np.testing.assert_allclose(year["relative_humidity"], 100 * vapour / saturated, rtol=2e-3)
    celsius = year["potential_temperature"] * (year["pressure"] / 1000) ** 0.286 - 273.15
    np.testing.assert_allclose(celsius, year["temperature"], atol=0.02)
    assert (year["wind_gust"] >= year["wind_speed"]).all()
    assert year["wind_direction"].between(0, 360).all()
    assert ((year["rain"] > 0) == (year["rain_duration"] > 0)).all()


def test_the_dew_point_is_below_the_temperature_for_every_seed() -> None:
    for seed in range(5):
        table = make_weather(4_000, seed=seed, start="2021-09-01").table
        assert (table["dew_point"] <= table["temperature"]).all()
        assert table["relative_humidity"].between(0, 100).all()
        assert (table[["rain", "radiation", "par", "wind_speed", "vapour_deficit"]] >= 0).all(axis=None)


def test_it_forecasts_as_badly_as_jena_2020_by_persistence_and_is_as_correlated_in_time(year: pd.DataFrame) -> None:
    temperature = year["temperature"]
    np.testing.assert_allclose(persistence(temperature), PERSISTENCE_2020, rtol=0.12)
    correlation = [temperature.autocorr(lag) for lag in LAGS]
    np.testing.assert_allclose(correlation, AUTOCORRELATION_2020, atol=0.06)
    assert temperature.mean() == pytest.approx(10.8, abs=0.7)
    assert temperature.std() == pytest.approx(7.5, abs=0.7)


def test_other_seeds_are_other_years_of_the_same_climate() -> None:
    years = [make_weather(seed=seed).table["temperature"] for seed in range(1, 7)]
    assert len({round(float(year.iloc[100]), 2) for year in years}) == 6
    np.testing.assert_allclose(np.mean([persistence(year) for year in years], axis=0), PERSISTENCE_2020, rtol=0.15)
    assert np.mean([year.mean() for year in years]) == pytest.approx(10.8, abs=0.8)


@pytest.mark.skipif(not REAL.is_file(), reason="needs jena_weather_2020.csv.gz in DLCOURSE_DATA_DIR")
def test_means_and_spreads_are_near_the_stations(year: pd.DataFrame) -> None:
    real = load_jena("2020").hourly().table
    assert persistence(real["temperature"]) == pytest.approx(PERSISTENCE_2020, rel=0.09)
    for name in year.columns.drop(["rain", "rain_duration", "wind_direction"]):
        spread = real[name].std()
        assert year[name].mean() == pytest.approx(real[name].mean(), abs=0.25 * spread), name
        assert year[name].std() == pytest.approx(spread, rel=0.3), name
    degrees = [circmean(table["wind_direction"], high=360) for table in (year, real)]
    assert abs((degrees[0] - degrees[1] + 180) % 360 - 180) < 30
    shares = [float((table["rain"] > 0).mean()) for table in (year, real)]
    assert shares[0] == pytest.approx(shares[1], rel=0.5)


def test_summer_is_warm_nights_are_cold_and_the_sun_shines_by_day(year: pd.DataFrame) -> None:
    temperature, hour = year["temperature"], year.index.hour
    monthly = temperature.groupby(year.index.month).mean()
    assert monthly[[6, 7, 8]].min() > monthly[[12, 1, 2]].max() + 8
    daily = temperature.groupby(hour).mean()
    assert daily.idxmax() in (14, 15, 16)
    assert daily.idxmin() in (4, 5, 6)
    assert (year["radiation"][hour == 0] == 0).all()
    assert year["radiation"].max() < 1_100


def test_low_pressure_brings_clouds_and_wind(year: pd.DataFrame) -> None:
    noon = year[year.index.hour == 12]
    low = noon["pressure"] < noon["pressure"].quantile(0.25)
    high = noon["pressure"] > noon["pressure"].quantile(0.75)
    assert noon["radiation"][low].mean() < noon["radiation"][high].mean()
    assert noon["wind_speed"][low].mean() > noon["wind_speed"][high].mean()


def test_a_longer_series_begins_with_the_shorter_one_and_a_seed_repeats_it() -> None:
    longer, shorter = make_weather(500, seed=3).table, make_weather(100, seed=3).table
    pd.testing.assert_frame_equal(longer.iloc[:100], shorter, check_freq=False)
    pd.testing.assert_frame_equal(shorter, make_weather(100, seed=3).table)


def test_the_sun_stands_where_an_almanac_puts_it() -> None:
    # Jena, 21 June and 21 December at true noon: 90 - 50.91 +- 23.44 degrees.
    noon = np.degrees(np.arcsin(solar_elevation(np.array([172.0, 355.0]), np.array([12.23, 12.23]))))
    np.testing.assert_allclose(noon, [62.53, 15.65], atol=0.15)
    # At the equinox the day has twelve hours.
    hours = np.arange(0, 24, 0.05)
    assert (solar_elevation(np.full(hours.shape, 81.0), hours) > 0).mean() == pytest.approx(0.5, abs=0.01)


def test_saturation_pressure_is_the_tabulated_one() -> None:
    # Smithsonian tables, over water, mbar.
    np.testing.assert_allclose(
        saturation_pressure(np.array([0.0, 10.0, 20.0, 30.0])), [6.11, 12.27, 23.37, 42.43], rtol=3e-3
    )


def test_bad_input_is_refused_by_name() -> None:
    for arguments, error, message in [
        ({"hours": 0}, ValueError, "hours must be 1 or more, got 0"),
        ({"hours": 24.0}, TypeError, "hours must be an integer, got 24.0"),
        ({"seed": -1}, ValueError, "seed must be 0 or more"),
        ({"seed": True}, TypeError, "seed must be an integer"),
        ({"hours": 5, "start": "2020-01-01 00:10"}, ValueError, "start must be a full hour"),
    ]:
        with pytest.raises(error, match=message):
            make_weather(**arguments)


def test_synthetic_weather_has_the_names_of_the_files_too():
    weather = make_weather(48)
    raw = weather.raw_table()
    assert set(raw.columns) == set(weather.raw_names)
    assert "T (deg C)" in raw.columns
