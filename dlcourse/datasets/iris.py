"""Iris: 150 flowers, four lengths each, three species. It ships with scikit-learn, so it needs no network."""

from __future__ import annotations

import numpy as np

from dlcourse.datasets.dataset import Dataset


def load_iris() -> Dataset:
    """Load Fisher's Iris data.

    One species (setosa) can be cut off from the others by a plane; the other two overlap.

    Returns:
        A `Dataset` with `X` of shape (150, 4), float64, in cm (sepal length, sepal width, petal length, petal width),
        and `y` of shape (150,), int64: 0 setosa, 1 versicolor, 2 virginica. The rows are sorted by species: shuffle
        before splitting, as `split_and_standardize` does.

    Example:
        >>> iris = load_iris()
        >>> iris.X.shape, iris.target_names
        ((150, 4), ('setosa', 'versicolor', 'virginica'))

    Used in: Lab 02

    Reference: R. A. Fisher, The use of multiple measurements in taxonomic problems, 1936; lecture 004, "TEST - IRIS
    DATA SET".
    """
    from sklearn.datasets import load_iris as load_from_sklearn

    bunch = load_from_sklearn()
    return Dataset(
        name="iris",
        X=np.asarray(bunch.data, dtype=np.float64),
        y=np.asarray(bunch.target, dtype=np.int64),
        feature_names=tuple(bunch.feature_names),
        target_names=tuple(str(name) for name in bunch.target_names),
        provenance="Fisher's measurements as shipped with scikit-learn, in cm, unscaled",
    )
