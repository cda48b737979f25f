from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from dlcourse.sequences.splitting import Standardizer, time_split


def table(rows: int = 300, seed: int = 0) -> pd.DataFrame:
    times = pd.date_range("2020-01-01", periods=rows, freq="h")
    values = np.random.default_rng(seed).normal(loc=[10.0, 990.0], scale=[7.0, 9.0], size=(rows, 2))
    return pd.DataFrame(values, index=times, columns=["temperature", "pressure"])


def test_the_published_protocol_has_these_rows_and_windows() -> None:
    times = pd.date_range("2020-01-01", periods=52_696, freq="10min")
    split = time_split(pd.DataFrame({"OT": np.arange(52_696.0)}, index=times))
    sizes = [len(split.part(name)) for name in ("train", "validation", "test")]
    assert sizes == [36_887, 5_270, 10_539]
    counts = [len(split.windows("test", history=96, horizons=range(1, steps + 1))) for steps in (96, 192, 336, 720)]
    assert counts == [10_444, 10_348, 10_204, 9_820]
    assert len(split.windows("test", history=96, horizons=range(1, 97), overlap=False)) == 10_444 - 96


def test_standardisation_is_scikit_learns_fitted_on_the_training_part() -> None:
    split = time_split(table())
    oracle = StandardScaler().fit(table().iloc[:210])
    np.testing.assert_allclose(split.standardized.to_numpy(), oracle.transform(table()), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(split.standardizer.scale, oracle.scale_)


@settings(max_examples=25, deadline=None)
@given(surprise=st.floats(-1e5, 1e5), row=st.integers(210, 299))
def test_no_value_after_the_training_part_changes_the_training_part(surprise: float, row: int) -> None:
    changed = table()
    changed.iloc[row] = surprise
    before, after = time_split(table()), time_split(changed)
    pd.testing.assert_frame_equal(before.part("train", standardized=True), after.part("train", standardized=True))
    x = [split.windows("train", 5, (1, 3), targets="temperature").x for split in (before, after)]
    np.testing.assert_array_equal(*x)


def test_the_parts_follow_one_another_and_make_up_the_whole() -> None:
    split = time_split(table(), (0.5, 0.25, 0.25))
    parts = [split.part(name) for name in ("train", "validation", "test")]
    pd.testing.assert_frame_equal(pd.concat(parts), table())
    assert parts[0].index[-1] < parts[1].index[0]


def test_windows_of_a_part_come_back_in_the_columns_unit() -> None:
    split = time_split(table())
    windows = split.windows("test", history=24, horizons=(1, 6), targets="temperature")
    celsius = split.standardizer.inverse(windows.y, "temperature")
    expected = table()["temperature"].loc[windows.target_times(6)]
    np.testing.assert_allclose(celsius[:, 1], expected, atol=1e-4)
    assert windows.target_times(1)[0] == split.part("test").index[0]
    train = split.windows("train", history=24, horizons=(1, 6))
    assert train.target_times(6)[-1] == split.part("train").index[-1]
    validation = split.windows("validation", history=24, horizons=6, overlap=False)
    assert validation.origin_times[0] == split.part("validation").index[23]


def test_inverse_undoes_transform_for_one_column_and_for_several() -> None:
    standardizer = Standardizer.fit(table())
    z = standardizer.transform(table()).to_numpy()
    np.testing.assert_allclose(standardizer.inverse(z, ["temperature", "pressure"]), table().to_numpy())
    np.testing.assert_allclose(standardizer.inverse(z[:, 1], "pressure"), table()["pressure"])
    swapped = standardizer.transform(table()[["pressure", "temperature"]])
    np.testing.assert_array_equal(swapped["pressure"], z[:, 1])
    assert standardizer.scale_of("temperature") == pytest.approx(table()["temperature"].std(ddof=0))
    constant = Standardizer.fit(pd.DataFrame({"rain": [3.0, 3.0]}))
    assert constant.transform(pd.DataFrame({"rain": [3.0, 4.0]}))["rain"].tolist() == [0.0, 1.0]


def test_bad_input_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="needs a DataFrame, got ndarray"):
        time_split(np.zeros((10, 1)))
    for shares in [(0.7, 0.2), (0.7, 0.1, 0.1), (1.2, -0.4, 0.2)]:
        with pytest.raises(ValueError, match="three shares"):
            time_split(table(), shares)
    with pytest.raises(ValueError, match="leave the training or test part empty"):
        time_split(table(3))
    gappy = table()
    gappy.iloc[5, 1] = np.nan
    with pytest.raises(ValueError, match="column 'pressure' holds 1 values that are not finite"):
        time_split(gappy)
    split = time_split(table())
    with pytest.raises(ValueError, match="part must be 'train', 'validation' or 'test', got 'valid'"):
        split.windows("valid", 3, 1)
    with pytest.raises(ValueError, match="got humidity"):
        split.standardizer.inverse(np.zeros(3), "humidity")
    with pytest.raises(ValueError, match=r"must run over 2 columns, got the shape \(3,\)"):
        split.standardizer.inverse(np.zeros(3), ["temperature", "pressure"])
    with pytest.raises(ValueError, match="at least one row"):
        Standardizer.fit(table(0))
