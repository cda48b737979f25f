"""Spoiling inputs finds what a forecaster uses, and leaves alone what it does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dlcourse.sequences.baselines import LinearForecaster, Persistence, SeasonalClimatology
from dlcourse.sequences.forecast_inspection import column_harm, lookback_harm, replace_inputs
from dlcourse.sequences.forecasting import ForecastData
from dlcourse.sequences.windows import Windows


@pytest.fixture(scope="module")
def data() -> ForecastData:
    """`target` follows `cause` five hours later; `bystander` has nothing to do with it."""
    rng = np.random.default_rng(0)
    cause, bystander = rng.normal(size=(2, 1500))
    target = np.concatenate([np.zeros(5), cause[:-5]]) + 0.1 * rng.normal(size=1500)
    times = pd.date_range("2020-01-01", periods=1500, freq="h")
    table = pd.DataFrame({"target": target, "cause": cause, "bystander": bystander}, index=times)
    return ForecastData.of(table, "target", history=24, horizons=(1, 5, 12))


class Delayed(Persistence):
    """Knows the rule: the target five hours after the cause; nothing is known twelve hours ahead."""

    def _predict(self, windows: Windows) -> np.ndarray:
        cause = windows.x[:, :, 1]
        return np.stack([cause[:, -5], cause[:, -1], np.zeros(len(windows))], axis=1)


@pytest.fixture(scope="module")
def linear(data: ForecastData) -> LinearForecaster:
    return LinearForecaster().fit(data)


def test_the_same_inputs_give_the_same_forecasts(data: ForecastData, linear: LinearForecaster) -> None:
    same = replace_inputs(data.test, data.test.x)
    np.testing.assert_array_equal(same.x, data.test.x)
    np.testing.assert_array_equal(same.y, data.test.y)
    assert same.origin_times.equals(data.test.origin_times)
    assert same.target_times(12).equals(data.test.target_times(12))
    for forecaster in (linear, Persistence().fit(data), SeasonalClimatology(day_harmonics=0).fit(data)):
        np.testing.assert_allclose(forecaster.predict(same), forecaster.predict(data.test), atol=1e-6)


def test_the_column_that_matters_is_found_at_the_horizon_where_it_does(
    data: ForecastData, linear: LinearForecaster
) -> None:
    harm = column_harm(linear, data)
    assert harm.shape == (3, 3)
    assert harm.loc["cause", [1, 5]].min() > 0.5
    assert harm.loc["bystander"].abs().max() < 0.1
    assert harm.loc["cause", 12] < 0.5 * harm.loc["cause", [1, 5]].min()


def test_the_hours_that_matter_are_found(data: ForecastData) -> None:
    """One hour ahead needs the cause of four hours ago, the fifth newest row; five hours ahead needs that of now."""
    harm = lookback_harm(Delayed().fit(data), data, kept=(1, 4, 5, 24))
    assert harm.loc[[1, 4], 1].min() > 0.5
    assert harm.loc[[5, 24], 1].abs().max() == 0
    assert harm[[5, 12]].abs().to_numpy().max() == 0


def test_who_looks_at_no_input_is_not_harmed(data: ForecastData) -> None:
    for forecaster in (Persistence().fit(data), SeasonalClimatology(day_harmonics=0).fit(data)):
        assert column_harm(forecaster, data).abs().to_numpy().max() < 1e-12


def test_every_third_window_tells_nearly_the_same(data: ForecastData, linear: LinearForecaster) -> None:
    whole, part = column_harm(linear, data), column_harm(linear, data, stride=3)
    assert part.loc["cause", 1] == pytest.approx(whole.loc["cause", 1], rel=0.25)


def test_bad_input_is_refused(data: ForecastData, linear: LinearForecaster) -> None:
    with pytest.raises(ValueError, match="shift must be from 1 to"):
        column_harm(linear, data, shift=100_000)
    with pytest.raises(ValueError, match="stride must be at least 1 and divide the shift of 240"):
        lookback_harm(linear, data, kept=(1,), stride=7)
    with pytest.raises(ValueError, match="kept must be numbers of rows from 1 to the history of 24"):
        lookback_harm(linear, data, kept=(0, 3))
    with pytest.raises(ValueError, match="x must have the shape"):
        replace_inputs(data.test, data.test.x[:, 1:])
