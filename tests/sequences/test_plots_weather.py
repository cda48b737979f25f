"""The figures of Lab 05b draw what they are given, name the source and the units, and refuse what they cannot draw."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from dlcourse.datasets.weather import WeatherData
from dlcourse.datasets.weather_synthesis import make_weather
from dlcourse.sequences import plots_weather


@pytest.fixture(scope="module")
def weather() -> WeatherData:
    return make_weather(24 * 40, start="2020-06-15")


@pytest.fixture
def scores() -> pd.DataFrame:
    """Two models, one of them with two seeds."""
    rows = [("line", 0.0), ("net", 0.2), ("net", 0.4)]
    return pd.DataFrame(
        [{"model": model, "horizon": h, "RMSE": h + add, "MAE": h + add} for model, add in rows for h in (1, 24)]
    )


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    with plt.rc_context({"figure.constrained_layout.use": True}):
        yield
    plt.close("all")


def test_the_overview_shows_the_whole_series_its_daily_means_and_one_week(weather: WeatherData) -> None:
    figure = plots_weather.series_and_week(weather, "2020-07-06")
    week, pressure, whole = figure.axes
    assert [len(line.get_xdata()) for line in whole.lines] == [960, 40]
    assert len(week.lines[0].get_xdata()) == 7 * 24 + 1
    assert "synthetic weather" in whole.get_title(loc="left") + whole.get_title()
    assert pressure.get_ylabel() == "pressure (mbar)"


def test_a_week_that_is_not_in_the_data_is_refused(weather: WeatherData) -> None:
    with pytest.raises(ValueError, match="no rows in the week from 2019-07-06"):
        plots_weather.series_and_week(weather, "2019-07-06")


def test_the_map_has_a_row_an_hour_and_a_column_a_day(weather: WeatherData) -> None:
    mesh = plots_weather.calendar_map(weather).axes[0].collections[0]
    assert mesh.get_array().shape == (24, 40)
    assert float(mesh.get_array()[15, 3]) == weather.table["temperature"].iloc[3 * 24 + 15]


def test_seeds_of_one_model_are_averaged(scores: pd.DataFrame) -> None:
    ax = plots_weather.horizon_curves(scores, "MAE", "title", levels={"limit": 5.0}).axes[0]
    line, net, limit = ax.lines
    np.testing.assert_allclose(line.get_ydata(), [1.0, 24.0])
    np.testing.assert_allclose(net.get_ydata(), [1.3, 24.3])
    assert limit.get_ydata()[0] == 5.0
    assert ax.get_ylabel() == "mean absolute error (deg C)"


@pytest.mark.parametrize(
    ("value", "models", "message"), [("R2", None, "value must be one of"), ("MAE", ["tree"], "no scores of tree")]
)
def test_unknown_values_and_models_are_refused(
    scores: pd.DataFrame, value: str, models: list[str] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        plots_weather.horizon_curves(scores, value, "title", models=models)


def test_the_limit_stands_beside_the_curves(scores: pd.DataFrame) -> None:
    ax = plots_weather.limit_of_sight(scores, 3.8, ([1.0, 2.0], [0.5, 0.7]), "title").axes[0]
    assert [line.get_label() for line in ax.lines][:2] == ["line", "net"]
    np.testing.assert_allclose(ax.lines[-1].get_ydata(), [3.8, 3.8])


def test_every_number_of_the_map_is_written_and_none_is_minus_zero() -> None:
    harm = pd.DataFrame([[0.5, -0.001], [0.0, 0.25]], index=["dew_point", "rain"], columns=[1, 24])
    ax = plots_weather.harm_map(harm, "title").axes[0]
    assert [text.get_text() for text in ax.texts] == ["0.50", "0.00", "0.00", "0.25"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["dew point", "rain"]


def test_cases_show_forecast_and_truth_on_the_hours_from_the_forecast(weather: WeatherData) -> None:
    origin = weather.table.index[200]
    figure = plots_weather.forecast_cases(
        weather, pd.DatetimeIndex([origin]), np.array([[1.0, 2.0]]), (1, 24), (1, 2), "t"
    )
    came, forecast = figure.axes[0].lines[:2]
    now = list(came.get_xdata()).index(0)
    assert came.get_ydata()[now] == weather.table["temperature"].iloc[200]
    assert list(forecast.get_ydata()) == [1.0, 2.0]
    assert figure.axes[0].get_legend_handles_labels()[1] == ["band", "what came", "forecast"]
    with pytest.raises(ValueError, match="one to four cases"):
        plots_weather.forecast_cases(weather, weather.table.index[:5], np.zeros((5, 2)), (1, 24), (1, 2), "t")
