"""MNIST: 70,000 handwritten digits of 28x28 pixels, from the official files or from the 10,000 of its test set."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from dlcourse.datasets.dataset import SplitDataset, pixel_names
from dlcourse.datasets.download import DataNotFoundError, fetch_dataset
from dlcourse.datasets.idx import read_idx
from dlcourse.datasets.registry import get_dataset
from dlcourse.datasets.storage import DATA_DIR_VARIABLE, data_directory, find_local

Source = Literal["auto", "download", "data_dir"]

_SOURCES: tuple[Source, ...] = ("auto", "download", "data_dir")
_SIDE = 28
_PAIR = ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")
_PAIR_ROWS = 10_000
_PAIR_TRAINING_ROWS = 8_000


def load_mnist(source: Source = "auto") -> SplitDataset:
    """Load the MNIST digits, scaled to [0, 1].

    Where only the official test set is at hand (two small files, `t10k-*`), its 10,000 images are shuffled with a fixed
    permutation and split: 8,000 to train on, 2,000 to test on. They are shuffled because the two halves of that file
    come from different groups of writers: a linear classifier, cross-validated on all 10,000, reads 89 % of the first
    half and 94 % of the second. Figures from this split are not to be compared with published ones.

    Args:
        source: "download" is the official 60,000 / 10,000, downloaded unless the four files are on this machine;
            "data_dir" is the t10k pair in `$DLCOURSE_DATA_DIR`, split 8,000 / 2,000; "auto" takes the official files
            if they are on this machine, else the t10k pair if it is in the data directory, else downloads.

    Returns:
        A `SplitDataset` with X_train and X_test of shape (n, 784), float32, in [0, 1] (0 is paper, 1 is ink, row by
        row), y_train and y_test of shape (n,), int64, the digit; `images_train` and `images_test` of shape
        (n, 28, 28). `provenance` says which of the two it is.

    Raises:
        ValueError: for an unknown source; for files that are damaged or do not fit together.
        DataNotFoundError: when the files are not on this machine and cannot be downloaded.

    Example:
        >>> load_mnist("internet")
        Traceback (most recent call last):
        ...
        ValueError: source must be 'auto', 'download' or 'data_dir', got 'internet'.

    Used in: Lab 02

    Reference: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-based learning applied to document recognition,
    1998; lecture 004, "TEST - MNIST".
    """
    if source not in _SOURCES:
        raise ValueError(f"source must be 'auto', 'download' or 'data_dir', got {source!r}.")
    if source == "data_dir":
        return _load_pair(*_pair_in_data_directory())
    if source == "auto":
        local = [find_local(file.name) for file in get_dataset("mnist").files]
        if not all(local) and _has_pair(data_directory()):
            return _load_pair(*_pair_in_data_directory())
    return _load_official(*fetch_dataset("mnist"))


def _has_pair(folder: Path | None) -> bool:
    return folder is not None and all((folder / name).is_file() for name in _PAIR)


def _pair_in_data_directory() -> list[Path]:
    folder = data_directory()
    if folder is None:
        raise DataNotFoundError(
            f"load_mnist(source='data_dir') reads {' and '.join(_PAIR)} from the folder in {DATA_DIR_VARIABLE}, "
            f"and {DATA_DIR_VARIABLE} is not set. Set it, or use source='download'."
        )
    missing = [name for name in _PAIR if not (folder / name).is_file()]
    if missing:
        raise DataNotFoundError(
            f"load_mnist(source='data_dir') did not find {' and '.join(missing)} in {folder} ({DATA_DIR_VARIABLE}). "
            "Put the files there, or use source='download'."
        )
    return [path for name in _PAIR if (path := find_local(name)) is not None]


def _load_official(train_images: Path, train_labels: Path, test_images: Path, test_labels: Path) -> SplitDataset:
    X_train, y_train = _read_pair(train_images, train_labels)
    X_test, y_test = _read_pair(test_images, test_labels)
    provenance = f"the official files: {len(y_train):,} to train, {len(y_test):,} to test; pixels divided by 255"
    return _mnist(X_train, y_train, X_test, y_test, provenance)


def _load_pair(images: Path, labels: Path) -> SplitDataset:
    X, y = _read_pair(images, labels)
    if len(y) != _PAIR_ROWS:
        raise ValueError(f"{images} holds {len(y):,} images, expected the {_PAIR_ROWS:,} of the official test set.")
    # RandomState and not default_rng: NumPy promises never to change its stream, so the split is the same for good.
    order = np.random.RandomState(0).permutation(_PAIR_ROWS)
    train, test = order[:_PAIR_TRAINING_ROWS], order[_PAIR_TRAINING_ROWS:]
    provenance = (
        f"the official test set (t10k) in a fixed shuffled order: {len(train):,} to train, {len(test):,} to test, not "
        "comparable with published figures; pixels divided by 255"
    )
    return _mnist(X[train], y[train], X[test], y[test], provenance)


def _mnist(
    X_train: np.ndarray, y_train: np.ndarray, X_test: np.ndarray, y_test: np.ndarray, provenance: str
) -> SplitDataset:
    return SplitDataset(
        name="mnist",
        X_train=X_train,
        y_train=y_train,
        X_test=X_test,
        y_test=y_test,
        feature_names=pixel_names(_SIDE, _SIDE),
        target_names=tuple(str(digit) for digit in range(10)),
        provenance=provenance,
        image_shape=(_SIDE, _SIDE),
    )


def _read_pair(images_path: Path, labels_path: Path) -> tuple[np.ndarray, np.ndarray]:
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.ndim != 3 or images.shape[1:] != (_SIDE, _SIDE) or images.dtype != np.uint8:
        raise ValueError(
            f"{images_path} holds an array of shape {images.shape} and type {images.dtype}, expected images: "
            f"(n, {_SIDE}, {_SIDE}) and uint8."
        )
    if labels.shape != (len(images),) or labels.dtype != np.uint8:
        raise ValueError(
            f"{labels_path} holds an array of shape {labels.shape} and type {labels.dtype}, expected one label for "
            f"each of the {len(images)} images in {images_path.name}: ({len(images)},) and uint8."
        )
    if labels.size and labels.max() > 9:
        raise ValueError(f"{labels_path} holds the label {labels.max()}, expected digits 0 to 9.")
    X = images.reshape(len(images), _SIDE * _SIDE) / np.float32(255)
    return X, labels.astype(np.int64)
