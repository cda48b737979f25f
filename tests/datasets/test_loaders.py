from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets

from dlcourse.datasets import (
    REGISTRY,
    DataFile,
    DataNotFoundError,
    Dataset,
    SplitDataset,
    load_digits,
    load_iris,
    load_mnist,
)

ToIdx = Callable[[np.ndarray], bytes]
Places = tuple[Path, Path]
SHARED = Path(os.environ.get("DLCOURSE_DATA_DIR", Path(__file__).parents[3] / "shared" / "data"))
HAS_T10K = (SHARED / "t10k-images-idx3-ubyte.gz").is_file()
ROWS = {"train-images": 30, "train-labels": 30, "t10k-images": 10_000, "t10k-labels": 10_000}


def made_up(name: str) -> np.ndarray:
    rows = next(count for start, count in ROWS.items() if name.startswith(start))
    if "labels" in name:
        return (np.arange(rows) % 10).astype(np.uint8)
    images = np.zeros((rows, 28, 28), np.uint8)
    images[:, 3, 5] = 51
    # Row number, readable after a shuffle.
    images[:, 0, 0], images[:, 0, 1] = np.arange(rows) // 256, np.arange(rows) % 256
    return images


@pytest.fixture(scope="module")
def fake_files(to_idx: ToIdx) -> dict[str, bytes]:
    return {file.name: gzip.compress(to_idx(made_up(file.name)), 1, mtime=0) for file in REGISTRY["mnist"].files}


@pytest.fixture
def fake_mnist(
    fake_files: dict[str, bytes], places: Places, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Path, list[str]], None]:
    """Register made-up files in place of MNIST's, with addresses that nobody serves; returns what lays them out."""

    def use(contents: dict[str, bytes]) -> None:
        files = tuple(
            DataFile(name, ("http://127.0.0.1:9/",), hashlib.sha256(content).hexdigest(), len(content))
            for name, content in contents.items()
        )
        monkeypatch.setitem(REGISTRY, "mnist", replace(REGISTRY["mnist"], files=files))

    use(fake_files)

    def lay_out(folder: Path, starts: list[str], changed: dict[str, bytes] | None = None) -> None:
        contents = fake_files | (changed or {})
        use(contents)
        folder.mkdir(exist_ok=True)
        for name, content in contents.items():
            if any(name.startswith(start) for start in starts):
                (folder / name).write_bytes(content)

    return lay_out


def test_iris_is_scikit_learns() -> None:
    iris, bunch = load_iris(), sklearn.datasets.load_iris()
    np.testing.assert_array_equal(iris.X, bunch.data)
    np.testing.assert_array_equal(iris.y, bunch.target)
    assert iris.y.dtype == np.int64
    assert iris.feature_names == tuple(bunch.feature_names)


def test_digits_are_scikit_learns_scaled_to_one() -> None:
    digits, bunch = load_digits(), sklearn.datasets.load_digits()
    np.testing.assert_array_equal(digits.images * 16, bunch.images)
    np.testing.assert_array_equal(digits.y, bunch.target)
    assert (digits.X.dtype, digits.y.dtype) == (np.float32, np.int64)
    assert (digits.X.min(), digits.X.max()) == (0.0, 1.0)


def test_arrays_cannot_be_changed_by_accident_and_what_they_came_from_can() -> None:
    iris = load_iris()
    with pytest.raises(ValueError, match="read-only"):
        iris.X[0, 0] = 1.0
    with pytest.raises(FrozenInstanceError):
        iris.X = np.zeros(1)
    source = np.zeros((2, 1))
    Dataset("demo", source, np.zeros(2), ("a",), (), "made up")
    source[0, 0] = 1.0


def test_a_data_set_that_does_not_fit_together_is_refused() -> None:
    X, y = np.zeros((3, 2)), np.zeros(3)
    with pytest.raises(ValueError, match=r"one target a row.*\(3, 2\).*\(2,\)"):
        Dataset("demo", X, y[:2], ("a", "b"), (), "made up")
    with pytest.raises(ValueError, match="1 names for X"):
        Dataset("demo", X, y, ("a",), (), "made up")
    with pytest.raises(ValueError, match="test part"):
        SplitDataset("demo", X, y, X, y[:2], ("a", "b"), (), "made up")
    with pytest.raises(ValueError, match="same columns in both parts"):
        SplitDataset("demo", X, y, X[:, :1], y, ("a", "b"), (), "made up")
    with pytest.raises(ValueError, match="are not images"):
        _ = Dataset("demo", X, y, ("a", "b"), (), "made up").images


def test_the_official_files_are_read_from_wherever_they_lie(fake_mnist, places: Places) -> None:
    data, cache = places
    fake_mnist(data, ["t10k"])
    fake_mnist(cache, ["train"])
    for source in ("auto", "download"):
        mnist = load_mnist(source)
        assert mnist.X_train.shape == (30, 784) and mnist.X_test.shape == (10_000, 784)
        assert (mnist.X_train.dtype, mnist.y_train.dtype) == (np.float32, np.int64)
        np.testing.assert_array_equal(mnist.y_train, np.arange(30) % 10)
        np.testing.assert_allclose(mnist.images_train[:, 3, 5], 0.2, rtol=1e-6)
        assert "official files: 30 to train" in mnist.provenance


@pytest.mark.parametrize("source", ["auto", "data_dir"])
def test_the_t10k_pair_is_split_once_for_all_into_8000_and_2000(fake_mnist, places: Places, source: str) -> None:
    fake_mnist(places[0], ["t10k"])
    mnist = load_mnist(source)
    assert mnist.X_train.shape == (8000, 784) and mnist.X_test.shape == (2000, 784)
    rows = [
        np.rint(images[:, 0, 0] * 255) * 256 + np.rint(images[:, 0, 1] * 255)
        for images in (mnist.images_train, mnist.images_test)
    ]
    np.testing.assert_array_equal(np.sort(np.concatenate(rows)), np.arange(10_000))
    np.testing.assert_array_equal(rows[0] % 10, mnist.y_train)
    np.testing.assert_array_equal(rows[1] % 10, mnist.y_test)
    # Golden: the split must be the same on every machine and in every version of NumPy.
    assert rows[0][:5].astype(int).tolist() == [9394, 898, 2398, 5906, 2343]
    assert "8,000 to train, 2,000 to test, not comparable" in mnist.provenance


def test_auto_does_not_settle_for_a_pair_in_the_cache(fake_mnist, places: Places) -> None:
    fake_mnist(places[1], ["t10k"])
    with pytest.raises(DataNotFoundError, match="train-images-idx3-ubyte.gz"):
        load_mnist()


def test_data_dir_without_a_folder_or_without_the_pair_says_what_is_missing(
    fake_mnist, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_mnist(places[0], ["t10k-images"])
    with pytest.raises(DataNotFoundError, match=r"did not find t10k-labels-idx1-ubyte.gz in"):
        load_mnist("data_dir")
    monkeypatch.delenv("DLCOURSE_DATA_DIR")
    with pytest.raises(DataNotFoundError, match="DLCOURSE_DATA_DIR is not set"):
        load_mnist("data_dir")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("t10k-images-idx3-ubyte.gz", np.zeros((10, 5, 5), np.uint8), r"shape \(10, 5, 5\) .* expected images"),
        ("t10k-images-idx3-ubyte.gz", np.zeros((10, 28, 28), np.int16), "type int16, expected images"),
        ("t10k-labels-idx1-ubyte.gz", np.zeros(7, np.uint8), "one label for each of the 10000 images"),
        ("t10k-labels-idx1-ubyte.gz", np.full(10_000, 10, np.uint8), "holds the label 10, expected digits"),
    ],
)
def test_files_that_do_not_hold_digits_are_named(
    fake_mnist, places: Places, to_idx: ToIdx, name: str, array: np.ndarray, message: str
) -> None:
    fake_mnist(places[0], ["t10k"], {name: gzip.compress(to_idx(array), 1)})
    with pytest.raises(ValueError, match=message) as caught:
        load_mnist("data_dir")
    assert name in str(caught.value)


def test_a_pair_of_another_length_is_refused(fake_mnist, places: Places, to_idx: ToIdx) -> None:
    changed = {
        "t10k-images-idx3-ubyte.gz": gzip.compress(to_idx(np.zeros((10, 28, 28), np.uint8))),
        "t10k-labels-idx1-ubyte.gz": gzip.compress(to_idx(np.zeros(10, np.uint8))),
    }
    fake_mnist(places[0], ["t10k"], changed)
    with pytest.raises(ValueError, match="holds 10 images, expected the 10,000"):
        load_mnist("data_dir")


@pytest.mark.parametrize("source", ["internet", None, 3])
def test_an_unknown_source_is_answered_with_the_choices(source: object) -> None:
    with pytest.raises(ValueError, match="'auto', 'download' or 'data_dir', got"):
        load_mnist(source)


@pytest.mark.skipif(not HAS_T10K, reason=f"no t10k files in {SHARED}")
def test_the_real_test_set_has_its_published_class_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLCOURSE_DATA_DIR", str(SHARED))
    mnist = load_mnist("data_dir")
    counts = np.bincount(np.concatenate([mnist.y_train, mnist.y_test]))
    assert counts.tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert float(mnist.X_train.min()) == 0.0 and float(mnist.X_train.max()) == 1.0
    # 0.1325 is the mean that is published for the test images.
    mean = np.concatenate([mnist.X_train, mnist.X_test]).mean(dtype=np.float64)
    assert mean == pytest.approx(0.1325, abs=5e-5)
