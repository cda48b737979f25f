from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from dlcourse.datasets import Split, load_iris, split_and_standardize

RNG = np.random.default_rng(7)
X40, Y40 = RNG.normal(3.0, 5.0, (40, 3)), RNG.normal(size=40)
PARTS = ("train", "validation", "test")


def rows_of(split: Split) -> list[np.ndarray]:
    return [getattr(split, f"{part}_rows") for part in PARTS]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_every_part_equals_what_scikit_learns_scaler_makes_of_it(dtype: type) -> None:
    X = (RNG.normal(100.0, 20.0, (200, 4))).astype(dtype)
    split = split_and_standardize(X, np.arange(200.0), seed=3)
    scaler = StandardScaler().fit(X[split.train_rows].astype(np.float64))
    tolerance = 1e-5 if dtype == np.float32 else 1e-10
    np.testing.assert_allclose(split.mean, scaler.mean_, rtol=1e-12)
    np.testing.assert_allclose(split.scale, scaler.scale_, rtol=1e-12)
    for part in PARTS:
        found, rows = getattr(split, f"X_{part}"), getattr(split, f"{part}_rows")
        assert found.dtype == (np.float32 if dtype == np.float32 else np.float64)
        np.testing.assert_allclose(found, scaler.transform(X[rows].astype(np.float64)), atol=tolerance)
        np.testing.assert_array_equal(getattr(split, f"y_{part}"), rows)
    np.testing.assert_allclose(split.standardize(X[split.test_rows]), split.X_test, atol=tolerance)


@pytest.mark.parametrize(("rows", "test", "validation"), [(150, 0.25, 0.25), (100, 0.07, 0.29), (11, 0.5, 0.1)])
def test_part_sizes_are_those_of_train_test_split(rows: int, test: float, validation: float) -> None:
    X, y = np.arange(2.0 * rows).reshape(rows, 2), np.arange(float(rows))
    split = split_and_standardize(X, y, test=test, validation=validation)
    for share, part in ((test, split.test_rows), (validation, split.validation_rows)):
        # Rounded first: 0.07 * 100 is 7.000000000000001, which scikit-learn rounds up to 8.
        assert len(part) == len(train_test_split(X, test_size=round(share * rows + 0.4999))[1])


def test_iris_is_stratified_as_scikit_learn_stratifies_it() -> None:
    iris = load_iris()
    split = split_and_standardize(iris.X, iris.y, test=0.2, validation=0.2)
    _, theirs = train_test_split(iris.y, test_size=0.2, stratify=iris.y, random_state=0)
    np.testing.assert_array_equal(np.bincount(split.y_test), np.bincount(theirs))
    np.testing.assert_array_equal(np.bincount(split.y_validation), np.bincount(theirs))
    assert (np.diff(split.y_train) != 0).sum() > 30, "the training rows must not come class by class"


def test_unequal_classes_share_a_part_by_largest_remainders_as_scikit_learns_do() -> None:
    # Quotas of the 10 test rows: 4.25, 2.75, 3.
    y = np.repeat([0, 1, 2], [17, 11, 12])
    theirs = train_test_split(y, test_size=10, stratify=y, random_state=0)[1]
    assert np.bincount(theirs).tolist() == [4, 3, 3]
    split = split_and_standardize(X40, y, test=0.25)
    np.testing.assert_array_equal(np.bincount(split.y_test), np.bincount(theirs))


@given(
    counts=st.lists(st.integers(3, 40), min_size=2, max_size=6),
    test=st.floats(0, 0.4),
    validation=st.floats(0, 0.4),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=80, deadline=None)
def test_stratified_parts_keep_the_share_of_every_class(
    counts: list[int], test: float, validation: float, seed: int
) -> None:
    y = np.repeat(np.arange(len(counts)), counts)
    X = np.arange(float(len(y)))[:, None]
    if len(y) - np.ceil(test * len(y)) - np.ceil(validation * len(y)) < 2:
        return
    split = split_and_standardize(X, y, test, validation, seed, stratify=True)
    np.testing.assert_array_equal(np.sort(np.concatenate(rows_of(split))), np.arange(len(y)))
    for rows, allowed in zip(rows_of(split), (3, 2, 1), strict=True):
        fair = np.array(counts) * len(rows) / len(y)
        assert (np.abs(np.bincount(y[rows], minlength=len(counts)) - fair) < allowed + 1e-9).all()


@given(seed=st.integers(0, 1000), rows=st.integers(6, 60), change=st.floats(-1e6, 1e6))
@settings(max_examples=60, deadline=None)
def test_nothing_of_the_other_parts_reaches_the_statistics(seed: int, rows: int, change: float) -> None:
    X, y = np.random.default_rng(seed).normal(size=(rows, 2)), np.zeros(rows)
    split = split_and_standardize(X, y, seed=seed, stratify=False)
    for part in (split.test_rows, split.validation_rows):
        X[part] += change
    again = split_and_standardize(X, y, seed=seed, stratify=False)
    np.testing.assert_array_equal(again.mean, split.mean)
    np.testing.assert_array_equal(again.scale, split.scale)
    np.testing.assert_array_equal(again.X_train, split.X_train)


def test_equal_seeds_give_equal_splits_and_other_seeds_others() -> None:
    first, again, other = (split_and_standardize(X40, Y40, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.train_rows, again.train_rows)
    assert first.train_rows.tolist() != other.train_rows.tolist()


def test_the_inputs_are_left_as_they_are() -> None:
    X, y = X40.copy(), Y40.copy()
    split = split_and_standardize(X, y)
    split.X_train[:] = 0.0
    split.y_train[:] = 0.0
    np.testing.assert_array_equal(X, X40)
    np.testing.assert_array_equal(y, Y40)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e300, -7.3])
def test_a_constant_column_becomes_zero_and_not_noise(value: float) -> None:
    X = np.column_stack([X40[:, 0], np.full(40, value)])
    split = split_and_standardize(X, Y40)
    assert split.scale[1] == 1.0
    assert not split.X_train[:, 1].any() and not split.X_test[:, 1].any()


def test_the_scale_is_the_standard_deviation_and_not_the_slides_variance() -> None:
    split = split_and_standardize(X40 * 100.0, Y40)
    np.testing.assert_allclose(split.X_train.std(axis=0), 1.0, rtol=1e-12)


def test_a_part_of_no_rows_is_allowed() -> None:
    split = split_and_standardize(X40, Y40, validation=0.0)
    assert split.X_validation.shape == (0, 3) and split.y_validation.shape == (0,)
    assert len(split.y_train) == 30


@pytest.mark.parametrize(
    ("y", "stratified"),
    [
        (np.repeat([0, 1], [36, 4]), True),
        (np.repeat(["no", "yes"], [36, 4]), True),
        (np.repeat(np.array(["no", "yes"], dtype=object), [36, 4]), True),
        (np.repeat([False, True], [36, 4]), True),
        (np.repeat([0.0, 1.0], [36, 4]), False),
        (np.repeat([0, 1], [38, 2]), False),
        (np.eye(2)[np.repeat([0, 1], [36, 4])], False),
        (np.repeat(np.array([None, 1], dtype=object), [36, 4]), False),
    ],
)
def test_auto_stratifies_classes_and_nothing_else(y: np.ndarray, stratified: bool) -> None:
    auto = split_and_standardize(X40, y)
    if stratified:
        assert sorted(np.isin(rows, np.arange(36, 40)).sum() for rows in rows_of(auto)) == [1, 1, 2]
    plain = split_and_standardize(X40, y, stratify=False)
    assert (auto.train_rows.tolist() == plain.train_rows.tolist()) is not stratified


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"X": X40[:, 0]}, ValueError, r"shape \(n, d\), got \(40,\).*reshape"),
        ({"X": np.full((40, 1), "a")}, TypeError, "must hold numbers, got the type <U1"),
        ({"X": np.where(np.arange(120).reshape(40, 3) == 4, np.nan, X40)}, ValueError, r"got 1 NaN .*first columns: 1"),
        ({"X": np.where(np.arange(120).reshape(40, 3) == 3, np.inf, X40)}, ValueError, r"infinite.*first columns: 0"),
        ({"X": X40[:39]}, ValueError, "39 rows in X and 40 in y"),
        ({"X": X40 * 1e307}, ValueError, "too large or too small"),
        ({"y": np.zeros((40, 1, 1))}, ValueError, r"shape \(n,\) or \(n, k\), got \(40, 1, 1\)"),
        ({"y": np.full(40, np.nan)}, ValueError, "y must be finite, got 40"),
        ({"test": 1.0}, ValueError, r"test must be a share .* got 1.0"),
        ({"validation": -0.1}, ValueError, "validation must be a share .* got -0.1"),
        ({"test": float("nan")}, ValueError, "test must be a share"),
        ({"test": 10}, ValueError, "test must be a share .* got 10"),
        ({"test": "0.2"}, TypeError, "test must be a share"),
        ({"test": 0.5, "validation": 0.5}, ValueError, "add up to less than 1"),
        ({"X": X40[:3], "y": Y40[:3]}, ValueError, "Too few rows: of 3, test=0.25 takes 1"),
        ({"seed": 1.5}, TypeError, "seed must be an integer, got 1.5"),
        ({"seed": -1}, ValueError, "seed must be 0 or more"),
        ({"stratify": "yes"}, TypeError, "stratify must be True, False or 'auto', got 'yes'"),
        ({"stratify": True, "y": np.zeros((40, 2))}, ValueError, r"one class a row, got \(40, 2\)"),
        (
            {"stratify": True, "y": np.repeat([0, 1], [38, 2])},
            ValueError,
            "at least 3 rows of every class, got 2 of class 1",
        ),
    ],
)
def test_bad_input_is_answered_with_what_came_and_what_was_expected(arguments, error, message) -> None:
    with pytest.raises(error, match=message):
        split_and_standardize(**({"X": X40, "y": Y40} | arguments))


def test_rows_of_another_width_cannot_be_standardized() -> None:
    with pytest.raises(ValueError, match=r"\(m, 3\) as in training, got \(2, 2\)"):
        split_and_standardize(X40, Y40).standardize(np.zeros((2, 2)))
