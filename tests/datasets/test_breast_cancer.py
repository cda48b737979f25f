from __future__ import annotations

import numpy as np
import sklearn.datasets

from dlcourse.datasets import load_breast_cancer


def test_breast_cancer_is_scikit_learns_with_malignant_as_class_one() -> None:
    tumours, bunch = load_breast_cancer(), sklearn.datasets.load_breast_cancer()
    np.testing.assert_array_equal(tumours.X, bunch.data)
    assert [tumours.target_names[label] for label in tumours.y] == [bunch.target_names[label] for label in bunch.target]
    assert np.bincount(tumours.y).tolist() == [357, 212]
    assert tumours.feature_names == tuple(bunch.feature_names)
    assert (tumours.X.dtype, tumours.y.dtype) == (np.float64, np.int64)
