"""The published protocol: its split, its standardisation, its windows and its two errors."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, mean_squared_error
from sklearn.preprocessing import StandardScaler

from dlcourse.datasets.weather import load_jena
from dlcourse.sequences.linear_forecasts import fit_shared_linear
from dlcourse.sequences.long_horizon import LOOKBACK, evaluate_long_horizon, prepare_long_horizon

HERE = Path(os.environ.get("DLCOURSE_DATA_DIR", "")) / "jena_weather_2020.csv.gz"
needs_jena = pytest.mark.skipif(not HERE.is_file(), reason="the Jena file of 2020 is not in DLCOURSE_DATA_DIR")


def make_table(rows: int = 1500, columns: int = 3, seed: int = 0) -> pd.DataFrame:
    steps = np.random.default_rng(seed).normal(size=(rows, columns))
    index = pd.date_range("2020-01-01", periods=rows, freq="10min")
    return pd.DataFrame(np.cumsum(steps, axis=0) + 5, index, [f"c{i}" for i in range(columns)])


def test_standardisation_is_scikit_learn_s_of_the_first_70_percent_with_the_missing_values_left_in():
    table = make_table()
    table.iloc[30, 1] = -9999.0
    data = prepare_long_horizon(table)
    expected = StandardScaler().fit(table.iloc[:1050]).transform(table)
    np.testing.assert_allclose(data.values, expected, rtol=1e-4, atol=1e-5)
    # Models read the last measured value in the place of the missing one.
    np.testing.assert_array_equal(data.filled[30, 1], data.values[29, 1])
    np.testing.assert_array_equal(np.delete(data.filled[:, 1], 30), np.delete(data.values[:, 1], 30))


def test_parts_follow_each_other_and_their_windows_fill_them():
    data = prepare_long_horizon(make_table(1503))
    assert data.bounds("train") == (0, 1052)
    assert data.bounds("validation") == (1052, 1203)
    assert data.bounds("test") == (1203, 1503)
    assert data.origins("train", 24)[[0, -1]].tolist() == [LOOKBACK, 1052 - 24]
    assert data.origins("test", 24)[[0, -1]].tolist() == [1203, 1503 - 24]


@settings(max_examples=15)
@given(stride=st.integers(1, 40), batch_size=st.integers(1, 70), seed=st.integers(0, 99))
def test_errors_are_scikit_learn_s_over_every_window_whatever_the_batches(stride, batch_size, seed):
    data = prepare_long_horizon(make_table(seed=seed))
    rng = np.random.default_rng(seed)
    forecasts = rng.normal(size=(len(data.values), 48, 3)).astype(np.float32)
    table = evaluate_long_horizon(lambda o: forecasts[o], data, "validation", (24, 48), stride, batch_size)
    for horizon in (24, 48):
        origins = np.arange(1050, 1200 - 48 + 48 - horizon + 1, stride)
        actual = np.stack([data.values[o : o + horizon] for o in origins]).ravel()
        made = forecasts[origins, :horizon].ravel()
        assert table.loc[horizon, "windows"] == len(origins)
        assert table.loc[horizon, "MSE"] == pytest.approx(mean_squared_error(actual, made), rel=1e-5)
        assert table.loc[horizon, "MAE"] == pytest.approx(mean_absolute_error(actual, made), rel=1e-5)
    assert table.loc["mean", "MSE"] == pytest.approx(table["MSE"].iloc[:2].mean())


@settings(max_examples=15)
@given(origin=st.integers(LOOKBACK, 1400), seed=st.integers(0, 99))
def test_what_lies_at_or_after_the_origin_never_reaches_the_past(origin, seed):
    table = make_table()
    before = prepare_long_horizon(table).past([origin])
    # Only the later part changes, as the training part sets the units.
    start = max(origin, 1050)
    table.iloc[start:] = np.random.default_rng(seed).normal(size=(len(table) - start, 3)) * 50
    np.testing.assert_array_equal(prepare_long_horizon(table).past([origin]), before)


@needs_jena
def test_the_jena_windows_and_dlinear_s_row_are_the_published_ones():
    data = prepare_long_horizon(load_jena("2020", repair=False).table)
    assert (len(data.values), data.train_end, data.validation_end) == (52_696, 36_887, 42_157)
    assert [len(data.origins("test", h)) for h in (96, 192, 336, 720)] == [10_444, 10_348, 10_204, 9_820]
    assert data.scale[list(data.columns).index("co2")] == pytest.approx(384, abs=1)
    for horizon, published in ((96, 0.196), (336, 0.283)):
        model = fit_shared_linear(data.values, data.origins("train", horizon, 4), horizon)

        def predict(origins, model=model):
            return model.predict(data.values[origins[:, None] + np.arange(-LOOKBACK, 0)])

        errors = evaluate_long_horizon(predict, data, horizons=(horizon,), stride=4)
        assert errors.loc[horizon, "MSE"] == pytest.approx(published, abs=0.005)


@pytest.mark.parametrize(
    ("break_it", "error", "message"),
    [
        (lambda table: table.reset_index(drop=True), TypeError, "time stamps"),
        (lambda table: table.iloc[:100], ValueError, "100 rows are too few"),
        (lambda table: table.assign(c1=np.nan), ValueError, "'c1' is nan at 2020-01-01"),
        (lambda table: table.assign(c2=4.0), ValueError, "constant in the training part: c2"),
    ],
)
def test_a_bad_table_is_refused_by_name(break_it, error, message):
    with pytest.raises(error, match=message):
        prepare_long_horizon(break_it(make_table()))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda data: data.origins("test", 301), "too short for a horizon of 301"),
        (lambda data: data.origins("tset", 24), "part='tset'"),
        (lambda data: data.origins("test", 0), "horizon=0"),
        (lambda data: evaluate_long_horizon(lambda o: np.zeros((len(o), 12, 3)), data, horizons=(24,)), "24 or more"),
        (lambda data: evaluate_long_horizon(lambda o: np.full((len(o), 24, 3), np.nan), data, horizons=(24,)), "NaN"),
    ],
)
def test_a_bad_request_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(prepare_long_horizon(make_table()))
