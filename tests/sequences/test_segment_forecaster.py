"""The recurrent forecaster starts at the linear forecast, sees no future, and survives a trip through a file."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlcourse.datasets.weather import load_jena
from dlcourse.sequences.daylight import clock_features
from dlcourse.sequences.linear_forecasts import fit_column_ridge, fit_shared_linear
from dlcourse.sequences.long_horizon import evaluate_long_horizon, prepare_long_horizon
from dlcourse.sequences.segment_forecaster import (
    ForecasterSettings,
    SegmentForecaster,
    forecaster_arrays,
    forecaster_from_arrays,
    predictor,
    start_from_least_squares,
)
from dlcourse.weights import load_weights

SIZES = ForecasterSettings(horizon=24, segment=24, units=6, hidden=10, rank=34)
# MSE and MAE as data/weights/README.md states them.
STATED = {
    96: (0.1394, 0.1887),
    192: (0.1840, 0.2324),
    336: (0.2362, 0.2747),
    720: (0.3060, 0.3255),
    "mean": (0.2164, 0.2553),
}
HERE = Path(os.environ.get("DLCOURSE_DATA_DIR", "")) / "jena_weather_2020.csv.gz"


@pytest.fixture(scope="module")
def data():
    steps = np.random.default_rng(0).normal(size=(1500, 2))
    index = pd.date_range("2020-03-01", periods=1500, freq="10min")
    daily = np.sin(2 * np.pi * np.arange(1500) / 144)[:, None]
    return prepare_long_horizon(pd.DataFrame(np.cumsum(steps, axis=0) / 10 + daily, index, ["a", "b"]))


def test_a_fresh_network_forecasts_what_least_squares_does(data):
    model = SegmentForecaster(2, SIZES)
    start_from_least_squares(model, data, penalty=0.01)
    for layer in (model.to_future, model.to_rhythm):
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    known = data.filled[: data.train_end].astype(np.float64)
    center, spread = known.mean(axis=0), known.std(axis=0)
    own, origins = (known - center) / spread, data.origins("train", 24, 6)
    shared = fit_shared_linear(own, origins, 24)
    ridge, _ = fit_column_ridge(own, origins, 24, penalty=0.01, base=shared)
    test = data.origins("test", 24, 17)
    past = (data.past(test) - center) / spread
    expected = (shared.predict(past) + ridge.predict(past)) * spread + center
    expected = np.clip(expected, known.min(axis=0), known.max(axis=0))
    np.testing.assert_allclose(predictor(model, data)(test), expected, atol=2e-3)


def test_the_future_never_reaches_a_forecast(data):
    model = SegmentForecaster(2, SIZES, seed=1)
    start_from_least_squares(model, data)
    origin = np.array([1250])
    before = predictor(model, data)(origin)
    data.filled[1250:] += 7
    changed = predictor(model, data)(origin)
    data.filled[1249] += 1
    moved = predictor(model, data)(origin)
    data.filled[1250:] -= 7
    data.filled[1249] -= 1
    np.testing.assert_array_equal(changed, before)
    assert np.abs(moved - before).max() > 0.01


def test_the_lstm_takes_part_in_the_forecast(data):
    model = SegmentForecaster(2, SIZES)
    start_from_least_squares(model, data)
    before = predictor(model, data)(np.array([1250]))
    model.memory.set_weights([weight * 0 for weight in model.memory.get_weights()])
    assert np.abs(predictor(model, data)(np.array([1250])) - before).max() > 1e-4


def test_the_seed_decides_the_weights():
    first, same, other = (SegmentForecaster(2, SIZES, seed=seed).get_weights() for seed in (3, 3, 4))
    assert all((a == b).all() for a, b in zip(first, same, strict=True))
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


def test_weights_in_half_precision_make_the_same_network_again(data):
    model = SegmentForecaster(2, SIZES)
    start_from_least_squares(model, data)
    again = forecaster_from_arrays(forecaster_arrays(model))
    assert (again.settings.segment, again.settings.units, again.settings.rank) == (24, 6, 34)
    origins = data.origins("test", 24, 31)
    np.testing.assert_allclose(predictor(again, data)(origins), predictor(model, data)(origins), atol=0.03)


def test_the_clock_tells_day_from_night_and_the_season():
    days = pd.DatetimeIndex(["2020-06-21 12:14", "2020-12-21 12:14", "2020-03-20 18:14", "2020-06-21 00:14"])
    daylight, height, *_ = clock_features(days).T
    # At noon of a solstice the sun stands at 90 degrees less the latitude, plus or less 23.4.
    np.testing.assert_allclose(np.degrees(np.arcsin(height[:2])), [90 - 50.9 + 23.4, 90 - 50.9 - 23.4], atol=0.5)
    assert abs(height[2]) < 0.03 and height[3] < 0 and daylight[3] == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda data: ForecasterSettings(segment=7), ValueError, "segment=7 does not divide"),
        (lambda data: ForecasterSettings(dropout=1.0), ValueError, "dropout=1.0"),
        (lambda data: ForecasterSettings(rank=0), ValueError, "rank=0"),
        (lambda data: start_from_least_squares(SegmentForecaster(3, SIZES), data), ValueError, "3 columns, the data 2"),
        (lambda data: forecaster_from_arrays({"center": np.zeros(2)}), ValueError, "own_bias"),
        (lambda data: clock_features(np.arange(3)), TypeError, "DatetimeIndex"),
    ],
)
def test_bad_input_is_named(data, call, error, message):
    with pytest.raises(error, match=message):
        call(data)


@pytest.mark.skipif(not HERE.is_file(), reason="the Jena file of 2020 is not in DLCOURSE_DATA_DIR")
def test_the_shipped_network_scores_what_its_table_says_below_every_published_row():
    data = prepare_long_horizon(load_jena("2020", repair=False).table)
    model = forecaster_from_arrays(load_weights("weather_lstm"))
    # Every 97th window stands for all, which moves an error by less than 0.006.
    errors = evaluate_long_horizon(predictor(model, data), data, stride=97)
    for horizon, (squared, absolute) in STATED.items():
        assert errors.loc[horizon, "MSE"] == pytest.approx(squared, abs=0.006)
        assert errors.loc[horizon, "MAE"] == pytest.approx(absolute, abs=0.006)
    assert errors.loc["mean", "MSE"] < 0.230 and errors.loc["mean", "MAE"] < 0.276
