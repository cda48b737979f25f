"""The lectures' recipe for data: shuffle, split in three, rescale with what the training part alone tells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

# One row for each of the three parts.
_SMALLEST_CLASS = 3


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """A data set in three parts, with the shift and the scale that were applied to each column.

    Args:
        X_train: standardised inputs to fit the weights on, shape (n_train, d).
        y_train: their targets, shape (n_train,) or (n_train, k).
        X_validation: standardised inputs to stop early or to choose a network on, shape (n_validation, d).
        y_validation: their targets.
        X_test: standardised inputs for the one final test, shape (n_test, d).
        y_test: their targets.
        mean: mean of each column over the training part, before scaling, shape (d,).
        scale: standard deviation of each column over the training part, 1 where the column is constant, shape (d,).
        train_rows: which rows of the original X the training part is, in its order, shape (n_train,).
        validation_rows: the same for the validation part.
        test_rows: the same for the test part.

    Example:
        >>> split = split_and_standardize(np.arange(16.0).reshape(8, 2), np.arange(8.0))
        >>> split
        Split(4 train, 2 validation, 2 test, 2 columns)
        >>> bool(np.allclose(split.standardize([[6.0, 7.0]]), (np.array([[6.0, 7.0]]) - split.mean) / split.scale))
        True

    Used in: Lab 02
    """

    X_train: np.ndarray
    y_train: np.ndarray
    X_validation: np.ndarray
    y_validation: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    train_rows: np.ndarray
    validation_rows: np.ndarray
    test_rows: np.ndarray

    def standardize(self, X: ArrayLike) -> np.ndarray:
        """Apply the training part's shift and scale to new rows of shape (m, d); the result has the type of X_train."""
        X = np.asarray(X)
        if X.ndim != 2 or X.shape[1] != len(self.mean):
            raise ValueError(f"X must have shape (m, {len(self.mean)}) as in training, got {X.shape}.")
        return ((X - self.mean) / self.scale).astype(self.X_train.dtype)

    def __repr__(self) -> str:
        return (
            f"Split({len(self.y_train)} train, {len(self.y_validation)} validation, {len(self.y_test)} test, "
            f"{len(self.mean)} columns)"
        )


def split_and_standardize(
    X: ArrayLike,
    y: ArrayLike,
    test: float = 0.25,
    validation: float = 0.25,
    seed: int = 0,
    stratify: bool | Literal["auto"] = "auto",
) -> Split:
    r"""Shuffle, split in training, validation and test part, and standardise with the training part's statistics.

    Each column j becomes :math:`(x_{ij} - \mu_j) / \sigma_j`, where :math:`\mu_j` and :math:`\sigma_j` are the mean and
    the standard deviation (dividing by n) of column j over the training rows alone. Statistics that include the other
    rows would let the test set leak into the training.

    The slides divide by the variance. That leaves a column in units of one over its own units, so that its spread still
    depends on whether it was measured in cm or in m; dividing by the standard deviation gives every column a spread of
    1, and is what is done here.

    Args:
        X: inputs, shape (n, d), integers or floats, finite.
        y: targets, shape (n,) or (n, k); class numbers, names, or real numbers. Returned as they are, in parts.
        test: share of all rows that becomes the test part, in [0, 1); rounded up to whole rows.
        validation: share of all rows that becomes the validation part, in [0, 1); rounded up to whole rows.
        seed: of the shuffle, a non-negative integer; equal seeds give equal splits.
        stratify: True keeps the share of every class equal in all parts, to within a row or two; False ignores y;
            "auto" is True when y is one column of integers, booleans or text with at least three rows of every class.

    Returns:
        A `Split`. X is float32 if it came as float32, else float64; statistics are computed in float64.

    Raises:
        TypeError: when X does not hold numbers, or an argument has the wrong type.
        ValueError: for NaN or infinity, lengths that differ, shares outside [0, 1) or adding up to 1 or more, fewer
            than two rows left to train on, or classes too small to stratify.

    Example:
        >>> from dlcourse.datasets import load_iris
        >>> iris = load_iris()
        >>> split = split_and_standardize(iris.X, iris.y, test=0.2, validation=0.2, seed=1)
        >>> split
        Split(90 train, 30 validation, 30 test, 4 columns)
        >>> np.bincount(split.y_test)
        array([10, 10, 10])

    Used in: Lab 02

    Reference: S. Marsland, Machine Learning: An Algorithmic Perspective, ch. 4; lecture 004, "RECIPE FOR
    USING MLP (II)".
    """
    X, y = _check_arrays(X, y)
    n_test, n_validation = _part_sizes(len(X), test, validation)
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool):
        raise TypeError(f"seed must be an integer, got {seed!r}.")
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}.")
    rng = np.random.default_rng(seed)
    if _wants_strata(y, stratify):
        test_rows, validation_rows, train_rows = _stratified_parts(y, n_test, n_validation, rng)
    else:
        order = rng.permutation(len(X))
        test_rows, validation_rows, train_rows = np.split(order, [n_test, n_test + n_validation])
    mean, scale = _statistics(X[train_rows])
    X_train, X_validation, X_test = (
        ((X[rows] - mean) / scale).astype(X.dtype) for rows in (train_rows, validation_rows, test_rows)
    )
    return Split(
        X_train=X_train,
        y_train=y[train_rows],
        X_validation=X_validation,
        y_validation=y[validation_rows],
        X_test=X_test,
        y_test=y[test_rows],
        mean=mean,
        scale=scale,
        train_rows=train_rows,
        validation_rows=validation_rows,
        test_rows=test_rows,
    )


def _check_arrays(X: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    X, y = np.asarray(X), np.asarray(y)
    if X.dtype.kind not in "biuf":
        raise TypeError(f"X must hold numbers, got the type {X.dtype}. Encode text columns as numbers first.")
    if X.ndim != 2:
        raise ValueError(f"X must have shape (n, d), got {X.shape}. For one column use X.reshape(-1, 1).")
    if y.ndim not in (1, 2):
        raise ValueError(f"y must have shape (n,) or (n, k), got {y.shape}.")
    if len(X) != len(y):
        raise ValueError(f"X and y must have one row for each sample, got {len(X)} rows in X and {len(y)} in y.")
    bad = ~np.isfinite(X)
    if bad.any():
        columns = ", ".join(str(j) for j in np.flatnonzero(bad.any(axis=0))[:5])
        raise ValueError(
            f"X must be finite, got {bad.sum()} NaN or infinite values in {bad.any(axis=1).sum()} rows (first columns: "
            f"{columns}). Remove those rows or fill them in."
        )
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise ValueError(f"y must be finite, got {(~np.isfinite(y)).sum()} NaN or infinite values. Remove those rows.")
    return X if X.dtype == np.float32 else X.astype(np.float64), y


def _part_sizes(rows: int, test: float, validation: float) -> tuple[int, int]:
    for name, share in (("test", test), ("validation", validation)):
        if not isinstance(share, (int, float, np.integer, np.floating)) or isinstance(share, bool):
            raise TypeError(f"{name} must be a share of the rows, such as 0.25, got {share!r}.")
        if not 0 <= share < 1:
            raise ValueError(f"{name} must be a share of the rows in [0, 1), such as 0.25, got {share}.")
    if test + validation >= 1:
        raise ValueError(
            f"test and validation must add up to less than 1, so that rows are left to train on; got {test} + "
            f"{validation} = {test + validation}."
        )
    # The small step back keeps 0.07 * 100 = 7.000000000000001 at 7 rows.
    n_test, n_validation = (math.ceil(share * rows - 1e-9) for share in (test, validation))
    if rows - n_test - n_validation < 2:
        raise ValueError(
            f"Too few rows: of {rows}, test={test} takes {n_test} and validation={validation} takes {n_validation}, "
            "which leaves fewer than 2 to train on. Give more rows or smaller shares."
        )
    return n_test, n_validation


def _wants_strata(y: np.ndarray, stratify: bool | str) -> bool:
    if stratify is False:
        return False
    if stratify is not True and stratify != "auto":
        raise TypeError(f"stratify must be True, False or 'auto', got {stratify!r}.")
    if stratify == "auto":
        return _looks_like_classes(y) and np.unique(y, return_counts=True)[1].min() >= _SMALLEST_CLASS
    if y.ndim != 1:
        raise ValueError(
            f"stratify=True needs y of shape (n,) with one class a row, got {y.shape}. Use stratify=False."
        )
    classes, counts = np.unique(y, return_counts=True)
    if counts.min() < _SMALLEST_CLASS:
        raise ValueError(
            f"stratify=True needs at least {_SMALLEST_CLASS} rows of every class, got {counts.min()} of class "
            f"{classes[counts.argmin()]}. Use stratify=False, or leave small classes out."
        )
    return True


def _looks_like_classes(y: np.ndarray) -> bool:
    if y.ndim != 1:
        return False
    return y.dtype.kind in "biuUS" or (y.dtype.kind == "O" and all(isinstance(value, str) for value in y))


def _stratified_parts(
    y: np.ndarray, n_test: int, n_validation: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    _, labels, counts = np.unique(y, return_inverse=True, return_counts=True)
    test_counts = _apportion(counts, n_test, rng)
    validation_counts = _apportion(counts - test_counts, n_validation, rng)
    parts: tuple[list[np.ndarray], ...] = ([], [], [])
    for label in range(len(counts)):
        rows = rng.permutation(np.flatnonzero(labels == label))
        cuts = [test_counts[label], test_counts[label] + validation_counts[label]]
        for part, chosen in zip(parts, np.split(rows, cuts), strict=True):
            part.append(chosen)
    # Class by class so far: shuffled again, so that a mini-batch meets all classes.
    test_rows, validation_rows, train_rows = (rng.permutation(np.concatenate(part)) for part in parts)
    return test_rows, validation_rows, train_rows


def _apportion(counts: np.ndarray, seats: int, rng: np.random.Generator) -> np.ndarray:
    """Divide `seats` among classes in proportion to `counts`: largest remainders first, ties by lot."""
    result, remainders = np.divmod(counts * seats, counts.sum())
    best = np.lexsort((rng.random(len(counts)), -remainders))
    result[best[: seats - result.sum()]] += 1
    return result


def _statistics(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    constant = X.min(axis=0) == X.max(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = X.mean(axis=0, dtype=np.float64)
        scale = X.std(axis=0, dtype=np.float64)
    # A column of equal numbers: rounding in the mean must not turn it into noise.
    mean[constant], scale[constant] = X[0, constant], 1.0
    usable = np.isfinite(mean) & np.isfinite(scale) & (scale > 0)
    if not usable.all():
        columns = ", ".join(str(j) for j in np.flatnonzero(~usable)[:5])
        raise ValueError(
            f"The spread of columns {columns} of X is too large or too small for float64. Choose other units for them."
        )
    return mean, scale
