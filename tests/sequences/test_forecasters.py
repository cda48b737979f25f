"""Every forecaster: what it must know, what it must not see, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression, Ridge

from dlcourse.sequences import recurrent_forecasters
from dlcourse.sequences.baselines import (
    DailyPersistence,
    LinearForecaster,
    Persistence,
    SeasonalClimatology,
    season_features,
)
from dlcourse.sequences.forecast_training import TrainingPlan
from dlcourse.sequences.forecasting import ForecastData, Forecaster
from dlcourse.sequences.recurrent_forecasters import RecurrentForecaster, cautious_choice


def table(hours: int = 700, seed: int = 0) -> pd.DataFrame:
    """A day's swing, slow weather, and a second column that knows the first one six hours ahead."""
    rng = np.random.default_rng(seed)
    slow = np.zeros(hours + 6)
    for hour in range(1, hours + 6):
        slow[hour] = 0.97 * slow[hour - 1] + rng.normal()
    swing = 4 * np.sin(2 * np.pi * np.arange(hours) / 24)
    times = pd.date_range("2020-03-01", periods=hours, freq="h")
    return pd.DataFrame({"temperature": 10 + swing + slow[:hours], "pressure": 990 + slow[6:]}, index=times)


@pytest.fixture(scope="module")
def data() -> ForecastData:
    return ForecastData.of(table(), "temperature", history=24, horizons=(1, 6, 24))


def small(cell: str = "gru", **settings: object) -> RecurrentForecaster:
    plan = TrainingPlan(epochs=2, batch=64, xla=False)
    return RecurrentForecaster(cell, 4, patch=4, **({"plan": plan} | settings))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def fitted(data: ForecastData) -> list[Forecaster]:
    forecasters = [
        Persistence(),
        DailyPersistence(),
        SeasonalClimatology(),
        LinearForecaster(()),
        LinearForecaster(decompose=5, season=True),
        small("gru", members=2),
        small("lstm", linear=False, levels=("pressure",)),
        small("rnn", columns=(), cautious=False),
    ]
    return [forecaster.fit(data, progress=False) for forecaster in forecasters]


def test_persistence_repeats_now_and_yesterday_repeats_the_hour(data: ForecastData) -> None:
    series = data.split.table["temperature"]
    now = data.test.origin_times
    for place, horizon in enumerate(data.horizons):
        step = pd.Timedelta(hours=horizon)
        np.testing.assert_allclose(Persistence().fit(data).predict(data.test)[:, place], series[now], rtol=1e-5)
        days = pd.Timedelta(days=-(-horizon // 24))
        yesterday = DailyPersistence().fit(data).predict(data.test)[:, place]
        np.testing.assert_allclose(yesterday, series[now + step - days], rtol=1e-5)


def test_the_climate_is_scikit_learns_least_squares(data: ForecastData) -> None:
    train = data.split.part("train")["temperature"]
    oracle = LinearRegression().fit(season_features(train.index, 1, 2), train)
    for place, horizon in enumerate(data.horizons):
        expected = oracle.predict(season_features(data.test.target_times(horizon), 1, 2))
        forecast = SeasonalClimatology().fit(data).predict(data.test)[:, place]
        # Few weeks leave the year's features nearly dependent: forecasts agree better than coefficients do.
        np.testing.assert_allclose(forecast, expected, atol=1e-3)


@pytest.mark.parametrize("columns", [(), None])
def test_the_linear_forecast_is_scikit_learns_ridge(data: ForecastData, columns: tuple[str, ...] | None) -> None:
    forecaster = LinearForecaster(columns, penalties=(0.05,)).fit(data)
    z, change = forecaster.features(data.train), data.train.y - data.train.last[:, None]
    oracle = Ridge(alpha=0.05 * len(z)).fit(z.astype(np.float64), change)
    expected = data.in_unit(data.test.last[:, None] + oracle.predict(forecaster.features(data.test)))
    np.testing.assert_allclose(forecaster.predict(data.test), expected, atol=1e-3)


def test_each_horizon_takes_the_penalty_that_is_best_on_validation(data: ForecastData) -> None:
    penalties = (0.001, 0.1, 10.0)
    errors = []
    for penalty in penalties:
        forecast = LinearForecaster(penalties=(penalty,)).fit(data).predict(data.validation)
        errors.append(np.abs(forecast - data.in_unit(data.validation.y)).mean(axis=0))
    chosen = LinearForecaster(penalties=penalties).fit(data).chosen_penalties
    assert chosen == tuple(penalties[place] for place in np.argmin(errors, axis=0))


def test_a_second_column_that_knows_the_future_is_used(data: ForecastData) -> None:
    truth = data.in_unit(data.test.y)[:, 1]
    alone, both = (
        np.abs(LinearForecaster(columns).fit(data).predict(data.test)[:, 1] - truth).mean() for columns in ((), None)
    )
    assert both < 0.5 * alone


def test_no_forecast_depends_on_the_future(data: ForecastData, fitted: list[Forecaster]) -> None:
    """Whatever comes at or after the origin, the forecasts stay the same to the last bit."""
    windows = data.test.take(slice(0, 1))
    origin = int(windows.origins[0])

    @settings(max_examples=5, deadline=None)
    @given(st.integers(0, 2**32 - 1), st.floats(0.1, 100))
    def holds(seed: int, size: float) -> None:
        noise = np.random.default_rng(seed).normal(size=windows.inputs.shape).astype(np.float32)
        noise[:origin] = 0
        spoiled = replace(windows, inputs=windows.inputs + size * noise, targets=windows.targets + size * noise[:, :1])
        for forecaster in fitted:
            np.testing.assert_array_equal(forecaster.predict(windows), forecaster.predict(spoiled), forecaster.name)

    holds()


def test_every_forecaster_but_the_climate_looks_at_the_last_row(data: ForecastData, fitted: list[Forecaster]) -> None:
    windows = data.test.take(slice(0, 1))
    inputs, targets = windows.inputs.copy(), windows.targets.copy()
    inputs[windows.origins[0] - 1] += 1
    targets[windows.origins[0] - 1] += 1
    for forecaster in fitted:
        same = np.array_equal(
            forecaster.predict(windows), forecaster.predict(replace(windows, inputs=inputs, targets=targets))
        )
        # Yesterday's hour is the last row at 24 hours alone, and that is one of the horizons.
        assert same == isinstance(forecaster, SeasonalClimatology), forecaster.name


def test_what_is_saved_is_what_is_loaded(
    data: ForecastData, fitted: list[Forecaster], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("forecasters")
    for place, forecaster in enumerate(fitted):
        path = forecaster.save(folder / f"{place}")
        again = Forecaster.load(path)
        assert (type(again), again.name, again.task, again.seed) == (
            type(forecaster),
            forecaster.name,
            forecaster.task,
            forecaster.seed,
        )
        np.testing.assert_array_equal(again.predict(data.test), forecaster.predict(data.test))


def test_a_correction_without_training_is_the_linear_forecast(data: ForecastData) -> None:
    plan = TrainingPlan(epochs=1, batch=64, learning_rate=1e-12, xla=False)
    forecast = small(plan=plan).fit(data, progress=False).predict(data.test)
    np.testing.assert_allclose(forecast, LinearForecaster((), level=False).fit(data).predict(data.test), atol=1e-4)


def with_pressure(**choices: bool) -> tuple[ForecastData, RecurrentForecaster]:
    data = ForecastData.of(table(1500), "temperature", history=24, horizons=(6,))
    plan = TrainingPlan(epochs=15, batch=64, learning_rate=0.01, xla=False)
    network = RecurrentForecaster("gru", 8, patch=4, dropout=0.0, plan=plan, **choices)  # type: ignore[arg-type]
    return data, network.fit(data, progress=False)


def test_a_network_finds_what_the_line_cannot_know() -> None:
    """The pressure knows the temperature six hours ahead; the line sees the temperature alone.

    The threshold: half the line's error, where 0.2 of it remains after these seconds of training.
    """
    data, network = with_pressure()
    truth = data.in_unit(data.test.y)
    line = LinearForecaster(()).fit(data)
    errors = [np.abs(forecaster.predict(data.test) - truth).mean() for forecaster in (network, line)]
    assert errors[0] < 0.5 * errors[1]
    assert network.shares[0] > 0.9


def test_without_caution_each_share_is_the_best_on_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing_is_certain(errors: np.ndarray, block: int) -> np.ndarray:
        return np.zeros(errors.shape[2], dtype=int)

    monkeypatch.setattr(recurrent_forecasters, "cautious_choice", nothing_is_certain)
    data, network = with_pressure(cautious=False)
    truth = data.in_unit(data.validation.y)
    chosen, found = network.shares, []
    for share in np.linspace(0, 1, 21):
        network.shares = np.array([share])
        found.append(np.abs(network.predict(data.validation) - truth).mean())
    np.testing.assert_allclose(chosen, np.linspace(0, 1, 21)[np.argmin(found)])
    assert chosen[0] > 0.9


def test_seeds_fix_the_network(data: ForecastData, fitted: list[Forecaster]) -> None:
    again = small("rnn", columns=(), cautious=False).fit(data, progress=False)
    np.testing.assert_array_equal(again.predict(data.test), fitted[-1].predict(data.test))
    kernels = [small()._build(24, ("temperature", *"abcd"), np.ones(3), seed).get_weights()[0] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert np.abs(kernels[0] - kernels[2]).max() > 0.1


def test_the_cautious_choice_is_the_best_where_the_difference_is_certain() -> None:
    rng = np.random.default_rng(0)
    errors = rng.random((1, 200, 3)) + np.array([0.2, 0.1, 0.0, 0.3])[:, None, None]
    np.testing.assert_array_equal(cautious_choice(errors, block=20), [2, 2, 2])
    noise = rng.normal(size=(1, 40, 1)).repeat(5, axis=1)
    doubtful = 1 + np.concatenate([np.zeros_like(noise), noise - noise.mean() - 0.001])
    assert cautious_choice(doubtful, block=5).tolist() == [0]
    assert cautious_choice(doubtful, block=150).tolist() == [1]


def test_bad_settings_are_refused_with_the_fix() -> None:
    for make, message in [
        (lambda: RecurrentForecaster("transformer"), "one of rnn, lstm, gru"),  # type: ignore[arg-type]
        (lambda: RecurrentForecaster(units=0), "units must be at least 1"),
        (lambda: RecurrentForecaster(dropout=1.0), "dropout"),
        (lambda: RecurrentForecaster(members=0), "members must be at least 1"),
        (lambda: LinearForecaster(decompose=4), "odd"),
        (lambda: LinearForecaster(penalties=(0.0,)), "above 0"),
        (lambda: DailyPersistence(0), "period"),
        (lambda: TrainingPlan(loss="cubic"), "absolute"),  # type: ignore[arg-type]
        (lambda: TrainingPlan(averaging=1.0), "averaging"),
        (lambda: season_features(pd.DatetimeIndex([]), -1), "day_harmonics"),
    ]:
        with pytest.raises(ValueError, match=message):
            make()


def test_bad_use_is_refused_with_the_fix(data: ForecastData, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("bad")
    with pytest.raises(RuntimeError, match="call fit"):
        Persistence().predict(data.test)
    with pytest.raises(TypeError, match="ForecastData"):
        Persistence().fit(table())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="seed"):
        Persistence().fit(data, seed=-1)
    with pytest.raises(ValueError, match="presure"):
        LinearForecaster(("presure",)).fit(data)
    with pytest.raises(ValueError, match="not among the columns read"):
        RecurrentForecaster(columns=(), levels=("pressure",)).fit(data)
    with pytest.raises(ValueError, match="does not reach back"):
        DailyPersistence(48).fit(data)
    with pytest.raises(ValueError, match="must be an input column"):
        ForecastData.of(table(), "temperature", columns=("pressure",), history=24, horizons=(1,))
    other = ForecastData.of(table(), "temperature", history=12, horizons=(1, 6, 24))
    with pytest.raises(ValueError, match="history 12"):
        Persistence().fit(data).predict(other.test)
    path = Persistence().fit(data).save(folder / "persistence")
    with pytest.raises(ValueError, match="not a LinearForecaster"):
        LinearForecaster.load(path)
    (folder / "broken.npz").write_bytes(b"PK but no archive")
    with pytest.raises(ValueError, match="saved forecaster"):
        Forecaster.load(folder / "broken.npz")
    with pytest.raises(FileNotFoundError):
        Forecaster.load(folder / "nowhere.npz")
