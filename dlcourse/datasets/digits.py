"""Digits: 1,797 handwritten digits of 8x8 pixels. They ship with scikit-learn, so they need no network."""

from __future__ import annotations

import numpy as np

from dlcourse.datasets.dataset import Dataset, pixel_names

# A pixel counts the inked cells of a 4x4 block of the original bitmap.
_LARGEST_PIXEL = 16


def load_digits() -> Dataset:
    """Load the 8x8 handwritten digits, scaled to [0, 1].

    Returns:
        A `Dataset` with `X` of shape (1797, 64), float32, in [0, 1] in steps of 1/16 (0 is paper, 1 is ink); `y` of
        shape (1797,), int64, the digit; and `images` of shape (1797, 8, 8).

    Example:
        >>> digits = load_digits()
        >>> digits.images.shape, float(digits.X.max())
        ((1797, 8, 8), 1.0)

    Used in: Lab 02

    Reference: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998.
    """
    from sklearn.datasets import load_digits as load_from_sklearn

    bunch = load_from_sklearn()
    return Dataset(
        name="digits",
        X=np.asarray(bunch.data / _LARGEST_PIXEL, dtype=np.float32),
        y=np.asarray(bunch.target, dtype=np.int64),
        feature_names=pixel_names(8, 8),
        target_names=tuple(str(digit) for digit in range(10)),
        provenance="the UCI test part as shipped with scikit-learn, pixels divided by 16",
        image_shape=(8, 8),
    )
