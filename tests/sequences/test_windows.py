from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.sequences.windows import Windows, make_windows

HOURS = pd.date_range("2020-01-01", periods=200, freq="h", name="time")


def weather(rows: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(rows, 3)).round(3)
    return pd.DataFrame(values, index=HOURS[:rows], columns=["pressure", "temperature", "humidity"])


def batches(windows: Windows, **settings_: object) -> tuple[np.ndarray, np.ndarray]:
    pairs = [(x.numpy(), y.numpy()) for x, y in windows.dataset(**settings_)]
    return np.concatenate([x for x, _ in pairs]), np.concatenate([y for _, y in pairs])


@pytest.mark.parametrize(
    ("history", "rate", "stride", "horizon"), [(1, 1, 1, 1), (5, 1, 1, 3), (4, 6, 1, 12), (7, 3, 4, 2), (1, 6, 5, 4)]
)
def test_windows_are_those_of_keras(history: int, rate: int, stride: int, horizon: int) -> None:
    table = weather()
    windows = make_windows(
        table,
        history,
        horizon,
        targets="temperature",
        sampling_rate=rate,
        stride=stride,
        columns=["humidity", "pressure"],
    )
    ahead = (history - 1) * rate + horizon
    oracle = keras.utils.timeseries_dataset_from_array(
        table[["humidity", "pressure"]].to_numpy(np.float32)[:-horizon],
        table["temperature"].to_numpy(np.float32)[ahead:],
        sequence_length=history,
        sampling_rate=rate,
        sequence_stride=stride,
        batch_size=64,
    )
    x, y = (np.concatenate(parts) for parts in zip(*((x.numpy(), y.numpy()) for x, y in oracle), strict=True))
    np.testing.assert_array_equal(windows.x, x)
    np.testing.assert_array_equal(windows.y[:, 0], y)
    gathered = batches(windows, batch=50)
    np.testing.assert_array_equal(gathered[0], x)
    np.testing.assert_array_equal(gathered[1][:, 0], y)


def test_targets_are_the_shifts_of_pandas_at_every_horizon_and_stand_at_the_stated_times() -> None:
    table = weather()
    windows = make_windows(table, history=24, horizons=(1, 6, 24), targets="temperature")
    for place, horizon in enumerate(windows.horizons):
        shifted = table["temperature"].shift(-horizon).loc[windows.origin_times].to_numpy(np.float32)
        np.testing.assert_array_equal(windows.y[:, place], shifted)
        at = table["temperature"].loc[windows.target_times(horizon)].to_numpy(np.float32)
        np.testing.assert_array_equal(windows.y[:, place], at)
    np.testing.assert_array_equal(windows.last, table["temperature"].loc[windows.origin_times].to_numpy(np.float32))
    np.testing.assert_array_equal(windows.x[:, -1, 1], windows.last)


def test_several_targets_have_an_axis_of_their_own() -> None:
    windows = make_windows(weather(), history=3, horizons=(1, 2), targets=["humidity", "pressure"])
    assert windows.y.shape == (len(windows), 2, 2)
    np.testing.assert_array_equal(windows.y[:, 0, 1], weather()["pressure"].to_numpy(np.float32)[3 : 3 + len(windows)])
    np.testing.assert_array_equal(batches(windows, batch=64)[1], windows.y)
    assert make_windows(weather(), 3, 1).target_columns == ("pressure", "temperature", "humidity")


@settings(max_examples=60, deadline=None)
@given(
    history=st.integers(1, 8),
    rate=st.integers(1, 4),
    stride=st.integers(1, 5),
    horizons=st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True),
    start=st.integers(0, 30),
    overlap=st.booleans(),
    pick=st.floats(0, 1, exclude_max=True),
    surprise=st.floats(-1e6, 1e6).filter(lambda value: abs(value) > 10),
)
def test_no_value_at_or_after_the_forecast_origin_reaches_an_input(
    history: int,
    rate: int,
    stride: int,
    horizons: list[int],
    start: int,
    overlap: bool,
    pick: float,
    surprise: float,
) -> None:
    series = np.random.default_rng(1).normal(size=(80, 2))

    def cut(values: np.ndarray) -> Windows:
        return make_windows(
            values, history, horizons, sampling_rate=rate, stride=stride, rows=slice(start, None), overlap=overlap
        )

    before = cut(series)
    chosen = int(pick * len(before))
    origin = int(before.origins[chosen])
    future = series.copy()
    future[origin:] = surprise
    after = cut(future)
    np.testing.assert_array_equal(after.x[: chosen + 1], before.x[: chosen + 1])
    np.testing.assert_array_equal(after.last[chosen], before.last[chosen])
    assert (after.y[chosen] == np.float32(surprise)).all()
    # The row just before the origin is known, and it is the last input: the window is not simply far away.
    known = series.copy()
    known[origin - 1] = surprise
    assert (cut(known).x[chosen, -1] == np.float32(surprise)).all()


@settings(max_examples=8, deadline=None)
@given(history=st.integers(1, 5), batch=st.integers(1, 40), seed=st.integers(0, 2**31 - 1))
def test_a_batch_holds_what_the_arrays_hold_and_no_future(history: int, batch: int, seed: int) -> None:
    series = np.arange(60.0)
    windows = make_windows(series, history, (1, 4))
    for shuffle in (False, True):
        x, y = batches(windows, batch=batch, shuffle=shuffle, seed=seed)
        order = np.argsort(x[:, -1, 0])
        np.testing.assert_array_equal(x[order], windows.x)
        np.testing.assert_array_equal(y[order], windows.y)
        assert (x.max(axis=(1, 2)) < y.min(axis=1)).all()


def test_each_pass_has_its_own_order_and_a_seed_repeats_all_of_them() -> None:
    windows = make_windows(np.arange(100.0), history=2, horizons=1)

    def passes(seed: int) -> list[list[float]]:
        dataset = windows.dataset(batch=16, shuffle=True, seed=seed)
        return [np.concatenate([y.numpy()[:, 0] for _, y in dataset]).tolist() for _ in range(3)]

    first = passes(3)
    assert first == passes(3)
    assert first != passes(4)
    assert len({tuple(order) for order in first}) == 3
    assert {tuple(sorted(order)) for order in first} == {tuple(range(2, 100))}


def test_the_order_of_an_epoch_is_a_permutation_that_seed_and_epoch_determine() -> None:
    windows = make_windows(np.arange(100.0), history=2, horizons=1)
    assert sorted(windows.order(0, 5)) == list(range(98))
    assert (windows.order(0, 5) == windows.order(0, 5)).all()
    assert not (windows.order(0, 5) == windows.order(0, 6)).all()
    assert not (windows.order(0, 5) == windows.order(1, 5)).all()


def test_the_number_and_shape_of_batches_are_known_before_the_first() -> None:
    windows = make_windows(weather(), history=24, horizons=(1, 6), targets="temperature")
    assert len(windows) == 171
    for drop, count in ((False, 3), (True, 2)):
        dataset = windows.dataset(batch=64, drop_remainder=drop, shuffle=True)
        assert dataset.cardinality() == count == len(list(dataset))
    assert tuple(dataset.element_spec[0].shape) == (64, 24, 3)
    assert tuple(dataset.element_spec[1].shape) == (64, 2)
    with pytest.raises(ValueError, match="batch must be at most 171"):
        windows.dataset(batch=172, drop_remainder=True)


def test_the_series_is_not_copied_into_its_windows() -> None:
    windows = make_windows(weather(), history=100, horizons=1)
    assert np.shares_memory(windows.x, windows.inputs)
    assert windows.inputs.nbytes == 200 * 3 * 4
    assert np.shares_memory(windows.targets, windows.inputs)
    with pytest.raises(ValueError, match="read-only"):
        windows.x[0] = 0.0


def test_no_window_straddles_a_gap_and_none_is_lost_beside_it() -> None:
    table = weather().drop(HOURS[80:85])
    windows = make_windows(table, history=6, horizons=(1, 3), targets="temperature", gaps="skip")
    hour = pd.Timedelta(hours=1)
    for t in windows.origins:
        span = table.index[t - 6 : t + 3]
        assert (span[1:] - span[:-1] == hour).all()
    assert len(windows) == (80 - 8) + (115 - 8)
    assert (windows.target_times(3) - windows.origin_times == 3 * hour).all()
    x, y = batches(windows, batch=32)
    np.testing.assert_array_equal(x, windows.x)
    np.testing.assert_array_equal(y, windows.y)


def test_windows_of_a_part_have_their_targets_in_it_and_may_look_back_across_its_border() -> None:
    inside = make_windows(np.arange(100.0), history=10, horizons=(1, 5), rows=slice(50, 80))
    assert (inside.x.min(), inside.y.min(), inside.y.max()) == (50, 60, 79)
    across = make_windows(np.arange(100.0), history=10, horizons=(1, 5), rows=slice(50, 80), overlap=True)
    assert (across.x.min(), across.y.min(), across.y.max()) == (40, 50, 79)
    assert len(across) == len(inside) + 10


def test_take_keeps_the_chosen_windows() -> None:
    windows = make_windows(np.arange(50.0), history=3, horizons=1)
    np.testing.assert_array_equal(windows.take(slice(5, None, 7)).x, windows.x[5::7])
    mask = windows.y[:, 0] > 40
    np.testing.assert_array_equal(windows.take(mask).y, windows.y[mask])
    with pytest.raises(ValueError, match="positions must select one or more of 47"):
        windows.take(slice(60, None))
    with pytest.raises(ValueError, match="in time order"):
        windows.take([3, 2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"history": 0}, "history must be 1 or more, got 0"),
        ({"horizons": ()}, "horizons must be one or more"),
        ({"horizons": (0,)}, "each of horizons must be 1 or more, got 0"),
        ({"horizons": (3, 3)}, "horizons must be distinct"),
        ({"stride": 0}, "stride must be 1 or more"),
        ({"targets": "temprature"}, "no column 'temprature'. Did you mean temperature?"),
        ({"columns": ["zzz"]}, "columns: the series has no column 'zzz'. The columns are pressure"),
        ({"columns": []}, "columns must name one or more"),
        ({"columns": ["pressure", "pressure"]}, "columns must be distinct"),
        ({"history": 300}, "too short for one window: got 200 rows, needed 301 (300 to look back over 300"),
        ({"rows": slice(0, 10), "history": 10}, "too short for one window: got 10 rows, needed 11"),
        ({"rows": slice(300, 400)}, "rows must select some of the 200 rows"),
        ({"gaps": "fill"}, "gaps must be 'raise' or 'skip'"),
    ],
)
def test_a_bad_argument_is_named_with_what_was_expected(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        make_windows(weather(), **({"history": 3, "horizons": 1} | change))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ([1.0, 2.0], "series must be a table, a column or an array"),
        (np.zeros((2, 2, 2)), "an array with 3 axes"),
        (weather().reset_index(drop=True), "needs time stamps as its index, got RangeIndex"),
        (weather().assign(pressure="high"), "column 'pressure' must hold real numbers"),
    ],
)
def test_what_is_no_series_is_refused(series: object, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        make_windows(series, 3, 1)
    assert message in str(caught.value)
    with pytest.raises(TypeError, match="history must be an integer, got 2.0"):
        make_windows(weather(), 2.0, 1)


def test_a_missing_value_is_named_with_its_column_and_first_time() -> None:
    table = weather()
    table.loc[HOURS[[17, 40]], "humidity"] = np.nan
    with pytest.raises(ValueError, match=r"column 'humidity' is nan at 2020-01-01 17:00:00 \(row 17\); 2 such values"):
        make_windows(table, 3, 1)
    assert len(make_windows(table, 3, 1, columns=["pressure"], targets="temperature")) == 197
    with pytest.raises(ValueError, match="is inf at row 4"):
        make_windows(np.array([0.0, 1, 2, 3, np.inf, 5]), 1, 1)


def test_bad_time_stamps_are_named() -> None:
    table = weather()
    with pytest.raises(
        ValueError, match="a gap: after 2020-01-04 07:00:00 comes 2020-01-04 13:00:00, .*every 1 h.*1 such"
    ):
        make_windows(table.drop(HOURS[80:85]), 3, 1)
    with pytest.raises(ValueError, match="not sorted: 2020-01-01 00:00:00 .row 100"):
        make_windows(pd.concat([table[100:], table[:100]]), 3, 1)
    with pytest.raises(ValueError, match="2020-01-01 09:00:00 occurs twice .rows 9 and 10"):
        make_windows(pd.concat([table[:10], table[9:]]), 3, 1)
    with pytest.raises(ValueError, match=r"longest stretch without a gap 115, needed 121"):
        make_windows(table.drop(HOURS[80:85]), 120, 1, gaps="skip")
    without = make_windows(table.to_numpy(), 3, 1)
    with pytest.raises(ValueError, match="no time stamps"):
        _ = without.origin_times
    with pytest.raises(ValueError, match="horizon must be one of"):
        make_windows(table, 3, 1).target_times(2)


def test_a_single_column_can_be_a_pandas_series() -> None:
    windows = make_windows(weather()["temperature"], 3, 1)
    assert windows.columns == windows.target_columns == ("temperature",)
