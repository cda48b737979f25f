"""The table that compares forecasters, and the band around a forecast."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.metrics import mean_absolute_error, mean_squared_error

from dlcourse.sequences.baselines import DailyPersistence, LinearForecaster, Persistence
from dlcourse.sequences.forecasting import ForecastData, evaluate
from dlcourse.sequences.plots_forecasting import (
    plot_error_by_time,
    plot_forecasts,
    plot_skill,
)
from dlcourse.sequences.prediction_bands import PredictionBand


@pytest.fixture(scope="module")
def data() -> ForecastData:
    rng = np.random.default_rng(1)
    hours = np.arange(900)
    values = 8 + 3 * np.sin(2 * np.pi * hours / 24) + 0.2 * np.cumsum(rng.normal(size=900))
    times = pd.date_range("2020-05-01", periods=900, freq="h")
    return ForecastData.of(
        pd.DataFrame({"temperature": values}, index=times), "temperature", history=48, horizons=(24, 1, 6)
    )


def test_the_table_has_scikit_learns_errors_in_both_units(data: ForecastData) -> None:
    line = LinearForecaster().fit(data)
    scores = evaluate([line], data).set_index("horizon")
    assert list(scores.index) == [1, 6, 24]
    scale = data.split.part("train")["temperature"].std(ddof=0)
    series = data.split.table["temperature"]
    for place, horizon in enumerate(data.horizons):
        truth, forecast = series[data.test.target_times(horizon)], line.predict(data.test)[:, place]
        mae, mse = mean_absolute_error(truth, forecast), mean_squared_error(truth, forecast)
        found = scores.loc[horizon]
        np.testing.assert_allclose(
            [found["MAE"], found["RMSE"], found["standardised_MAE"], found["standardised_MSE"]],
            [mae, mse**0.5, mae / scale, mse / scale**2],
            rtol=1e-4,
        )
        persistence = mean_absolute_error(truth, series[data.test.origin_times])
        np.testing.assert_allclose(found["skill"], 1 - mae / persistence, rtol=1e-3)


def test_all_are_compared_on_the_same_origins_inside_the_part(data: ForecastData) -> None:
    scores = evaluate([Persistence().fit(data), DailyPersistence().fit(data)], data)
    assert scores["windows"].nunique() == 1
    part = data.split.part("test").index
    for horizon in data.horizons:
        times = data.test.target_times(horizon)
        assert times.min() >= part[0] and times.max() <= part[-1]
    assert (scores[scores["model"] == "persistence"]["skill"] == 0).all()


def test_horizons_and_part_can_be_chosen(data: ForecastData) -> None:
    persistence = Persistence().fit(data)
    chosen = evaluate([persistence], data, horizons=(6,), part="validation")
    assert chosen["horizon"].tolist() == [6]
    assert chosen["windows"].item() == len(data.validation)
    with pytest.raises(ValueError, match="horizons must be among"):
        evaluate([persistence], data, horizons=(7,))
    with pytest.raises(ValueError, match="at least one"):
        evaluate([], data)
    with pytest.raises(RuntimeError, match="fit"):
        evaluate([Persistence()], data)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.5, 0.8, 0.9]))
def test_a_band_of_exchangeable_errors_keeps_its_promise(seed: int, coverage: float) -> None:
    """Over many draws of 199 known and one new error, the share inside is at least the promise, up to chance."""
    draws = 2000
    errors = np.random.default_rng(seed).standard_t(3, size=(200, draws))
    band = PredictionBand.of_errors(errors[:199], tuple(range(1, draws + 1)), coverage)
    inside = int((np.abs(errors[199]) <= band.width).sum())
    assert inside >= binom.ppf(1e-6, draws, coverage)
    # No wider than needed either: split conformal promises at most coverage + 1 / (n + 1).
    assert inside <= binom.ppf(1 - 1e-6, draws, coverage + 1 / 200)


def test_a_band_is_wider_where_the_forecast_is_worse(data: ForecastData) -> None:
    persistence = Persistence().fit(data)
    band = PredictionBand.calibrate(persistence, data, coverage=0.8)
    assert band.width[0] < band.width[1]
    inside = band.coverage_of(persistence.predict(data.validation), data.in_unit(data.validation.y))
    assert (inside >= 0.8).all()


def test_bad_bands_are_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        PredictionBand.of_errors(np.ones((10, 1)), (1,), coverage=1.0)
    with pytest.raises(ValueError, match="at least 9"):
        PredictionBand.of_errors(np.ones((8, 1)), (1,), coverage=0.9)
    with pytest.raises(ValueError, match="2 horizons"):
        PredictionBand.of_errors(np.ones((8, 1)), (1, 2))
    with pytest.raises(ValueError, match="shape"):
        PredictionBand.of_errors(np.ones((20, 1)), (1,)).around(np.zeros((3, 2)))


def test_figures_show_what_they_are_given(data: ForecastData) -> None:
    forecasters = [Persistence().fit(data), LinearForecaster().fit(data)]
    scores = evaluate(forecasters, data)
    figure = plot_skill(scores, title="Skill")
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[0].get_lines()}
    expected = scores[scores["model"] == forecasters[1].name].sort_values("horizon")["skill"]
    np.testing.assert_allclose(lines[forecasters[1].name], expected)
    band = PredictionBand.calibrate(forecasters[1], data)
    figure = plot_forecasts(forecasters[1], data, [0, 30], band=band, title="Two forecasts")
    assert len(figure.axes) == 2
    figure = plot_error_by_time(forecasters, data, horizon=24, by="hour", title="Error by hour")
    assert len(figure.axes[0].get_lines()) == 2
    with pytest.raises(ValueError, match="hour, month"):
        plot_error_by_time(forecasters, data, horizon=24, by="minute")  # type: ignore[arg-type]
