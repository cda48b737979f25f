"""Tables as inputs of a network, against scikit-learn's encoders, then properties, then bad input."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from dlcourse.approximation.tabular import as_table, feature_columns, feature_encoder
from dlcourse.datasets import load_breast_cancer, load_iris


def people(n: int = 60, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    homes = pd.Categorical(rng.choice(["rent", "own", "free"], size=n), categories=["own", "rent", "free", "tent"])
    return pd.DataFrame(
        {
            "home": homes,
            "age": rng.integers(18, 80, size=n),
            "job": rng.choice(["none", "skilled"], size=n),
            "amount": rng.uniform(100, 20_000, size=n),
        }
    )


def encoded(train: pd.DataFrame, new: pd.DataFrame) -> np.ndarray:
    return np.asarray(feature_encoder(train)(feature_columns(new)))


def test_features_are_those_of_scikit_learn() -> None:
    train, new = people(), people(30, seed=1)
    reference = ColumnTransformer(
        [("n", StandardScaler(), ["age", "amount"]), ("c", OneHotEncoder(sparse_output=False), ["home", "job"])]
    ).fit(train)
    ours = encoded(train, new)
    # Ours has a column for unknown levels in front of each categorical group.
    np.testing.assert_array_equal(ours[:, [2, 6]], 0.0)
    np.testing.assert_allclose(np.delete(ours, [2, 6], axis=1), reference.transform(new), atol=1e-5)


def test_levels_that_the_training_rows_do_not_have_go_to_the_column_for_unknown_ones() -> None:
    new = people(2)
    new["home"] = ["tent", "own"]
    assert encoded(people(), new)[:, 2].tolist() == [1.0, 0.0]


def test_only_the_training_rows_count() -> None:
    train, new = people(), people(5, seed=2)
    far = new.assign(amount=new["amount"] * 1e6)
    np.testing.assert_array_equal(encoded(train, pd.concat([new, far]))[:5], encoded(train, new))


def test_missing_categories_are_a_level_and_constant_numbers_become_zero() -> None:
    frame = pd.DataFrame({"home": ["rent", None, "own"], "year": [2020, 2020, 2020]})
    assert encoded(frame, frame).tolist() == [[0, 0, 0, 0, 1], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0]]


def test_the_encoder_is_saved_with_its_statistics(tmp_path) -> None:
    train, new = people(), people(5, seed=2)
    feature_encoder(train).save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    np.testing.assert_array_equal(np.asarray(loaded(feature_columns(new))), encoded(train, new))


def test_one_column_is_enough() -> None:
    assert encoded(people()[["age"]], people()[["age"]]).shape == (60, 1)
    assert encoded(people()[["job"]], people()[["job"]]).shape == (60, 3)


def test_breast_cancer_becomes_a_table_of_numbers() -> None:
    tumours = load_breast_cancer()
    table = as_table(tumours)
    assert table.categorical_columns == ()
    np.testing.assert_array_equal(table.frame.to_numpy(), tumours.X)
    np.testing.assert_array_equal(table.y, tumours.y)


def test_bad_input_is_named() -> None:
    with pytest.raises(TypeError, match="pandas DataFrame, got ndarray"):
        feature_encoder(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="0 rows and 4 columns"):
        feature_encoder(people()[:0])
    with pytest.raises(ValueError, match="'age' has 1 missing or infinite numbers; fill them in"):
        feature_columns(pd.DataFrame({"age": [1.0, np.nan]}))
    with pytest.raises(ValueError, match="two classes, iris has 3"):
        as_table(load_iris())
