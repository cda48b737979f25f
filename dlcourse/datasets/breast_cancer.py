"""Breast cancer: 569 tumours, 30 measurements of each. It ships with scikit-learn, so it needs no network."""

from __future__ import annotations

import numpy as np

from dlcourse.datasets.dataset import Dataset


def load_breast_cancer() -> Dataset:
    """Load the Wisconsin diagnostic breast cancer data, with 1 for malignant.

    scikit-learn codes the classes the other way round (0 is malignant). Here class 1 is the one that a test is there to
    find, as in the course's credit data, so that recall, ROC curve and costs read the same for both.

    Returns:
        A `Dataset` with `X` of shape (569, 30), float64: mean, standard error and worst value (mean of the three
        largest) of ten measurements of the cell nuclei in an image, lengths in pixels, unscaled; and `y` of shape
        (569,), int64: 0 benign (357), 1 malignant (212).

    Example:
        >>> tumours = load_breast_cancer()
        >>> tumours.X.shape, tumours.target_names
        ((569, 30), ('benign', 'malignant'))
        >>> int(tumours.y.sum())
        212

    Used in: Lab 04

    Reference: W. N. Street, W. H. Wolberg, O. L. Mangasarian, Nuclear feature extraction for breast tumor diagnosis,
    1993.
    """
    from sklearn.datasets import load_breast_cancer as load_from_sklearn

    bunch = load_from_sklearn()
    malignant = list(bunch.target_names).index("malignant")
    return Dataset(
        name="breast_cancer",
        X=np.asarray(bunch.data, dtype=np.float64),
        y=np.asarray(bunch.target == malignant, dtype=np.int64),
        feature_names=tuple(str(name) for name in bunch.feature_names),
        target_names=("benign", "malignant"),
        provenance="the Wisconsin diagnostic data as shipped with scikit-learn, unscaled, classes recoded: 1 malignant",
    )
