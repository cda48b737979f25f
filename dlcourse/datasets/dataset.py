"""What a loader returns: arrays, the names of their columns and classes, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


def _check_lengths(X: np.ndarray, y: np.ndarray, what: str) -> None:
    if len(X) != len(y):
        raise ValueError(f"{what} needs one target a row, got X of shape {X.shape} and y of shape {y.shape}.")


def _as_images(X: np.ndarray, image_shape: tuple[int, int] | None, name: str) -> np.ndarray:
    if image_shape is None:
        raise ValueError(f"The rows of {name} are not images: it has no image_shape. Use X.")
    return X.reshape(len(X), *image_shape)


@dataclass(frozen=True, repr=False, eq=False)
class Dataset:
    """A data set in one piece. Its arrays are read-only: `dataset.X.copy()` gives one to change.

    Args:
        name: short name, as in the registry.
        X: inputs, one row a sample, shape (n, d).
        y: targets, shape (n,); class numbers 0, 1, ... for a classification.
        feature_names: d names, with units where there are any.
        target_names: name of class 0, of class 1, ...
        provenance: where the numbers come from and what was done to them, in a sentence.
        image_shape: (height, width) when a row is an image, else None.

    Raises:
        ValueError: when X and y differ in length, or the names do not match the columns.

    Example:
        >>> flowers = Dataset("demo", np.zeros((2, 1)), np.array([0, 1]), ("length (cm)",), ("a", "b"), "made up")
        >>> flowers
        Dataset(demo: X (2, 1) float64, y (2,) int64, 2 classes; made up)

    Used in: Lab 02
    """

    name: str
    X: np.ndarray
    y: np.ndarray
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    provenance: str
    image_shape: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        _check_lengths(self.X, self.y, self.name)
        if len(self.feature_names) != self.X.shape[1]:
            raise ValueError(
                f"{self.name} needs one feature name a column, got {len(self.feature_names)} names for X of shape "
                f"{self.X.shape}."
            )
        for field in ("X", "y"):
            object.__setattr__(self, field, _read_only(getattr(self, field)))

    @property
    def images(self) -> np.ndarray:
        """The rows of X as images, shape (n, height, width); ValueError when they are not images."""
        return _as_images(self.X, self.image_shape, self.name)

    def __repr__(self) -> str:
        classes = f", {len(self.target_names)} classes" if self.target_names else ""
        return (
            f"Dataset({self.name}: X {self.X.shape} {self.X.dtype}, y {self.y.shape} {self.y.dtype}{classes}; "
            f"{self.provenance})"
        )


@dataclass(frozen=True, repr=False, eq=False)
class SplitDataset:
    """A data set that comes in two parts, to train on and to test on. Its arrays are read-only.

    Args:
        name: short name, as in the registry.
        X_train: inputs to train on, shape (n_train, d).
        y_train: their targets, shape (n_train,).
        X_test: inputs to test on, shape (n_test, d).
        y_test: their targets, shape (n_test,).
        feature_names: d names.
        target_names: name of class 0, of class 1, ...
        provenance: where the numbers come from, what was done to them and how they were split, in a sentence or two.
        image_shape: (height, width) when a row is an image, else None.

    Raises:
        ValueError: when inputs and targets differ in length, or the parts or names differ in columns.

    Example:
        >>> part = np.zeros((2, 1)), np.array([0, 1])
        >>> SplitDataset("demo", *part, *part, ("length (cm)",), ("a", "b"), "made up")
        SplitDataset(demo: X_train (2, 1), X_test (2, 1), float64, 2 classes; made up)

    Used in: Lab 02
    """

    name: str
    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    provenance: str
    image_shape: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        _check_lengths(self.X_train, self.y_train, f"{self.name} (training part)")
        _check_lengths(self.X_test, self.y_test, f"{self.name} (test part)")
        if not self.X_train.shape[1] == self.X_test.shape[1] == len(self.feature_names):
            raise ValueError(
                f"{self.name} needs the same columns in both parts and a name for each, got X_train of shape "
                f"{self.X_train.shape}, X_test of shape {self.X_test.shape} and {len(self.feature_names)} names."
            )
        for field in ("X_train", "y_train", "X_test", "y_test"):
            object.__setattr__(self, field, _read_only(getattr(self, field)))

    @property
    def images_train(self) -> np.ndarray:
        """The rows of X_train as images, shape (n_train, height, width); ValueError when they are not images."""
        return _as_images(self.X_train, self.image_shape, self.name)

    @property
    def images_test(self) -> np.ndarray:
        """The rows of X_test as images, shape (n_test, height, width); ValueError when they are not images."""
        return _as_images(self.X_test, self.image_shape, self.name)

    def __repr__(self) -> str:
        return (
            f"SplitDataset({self.name}: X_train {self.X_train.shape}, X_test {self.X_test.shape}, "
            f"{self.X_train.dtype}, {len(self.target_names)} classes; {self.provenance})"
        )


def pixel_names(height: int, width: int) -> tuple[str, ...]:
    """Name the pixels of an image, row by row.

    Args:
        height: rows of the image.
        width: columns of the image.

    Returns:
        `height * width` names "pixel_ROW_COLUMN", counted from 0.

    Example:
        >>> pixel_names(2, 2)
        ('pixel_0_0', 'pixel_0_1', 'pixel_1_0', 'pixel_1_1')

    Used in: Lab 02
    """
    return tuple(f"pixel_{row}_{column}" for row in range(height) for column in range(width))
