"""Speed and accuracy of `dlcourse.foundations.MLPClassifier` beside scikit-learn's, with the same settings.

    python benchmarks/mlp.py
    python benchmarks/mlp.py --threads 1 --dtypes float32 --repeats 11

The two train in turns (ours, theirs, ours, ...), so that a machine that slows down slows both; the ratio is the median
of the ratios of neighbouring runs. Between them the matrix products of one training step are timed alone: no code
around them can make training faster than that.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from threadpoolctl import threadpool_limits

from dlcourse.datasets import load_digits, load_mnist
from dlcourse.foundations import Adam, MLPClassifier

HIDDEN = (128, 64)
BATCH = 128
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@dataclass
class Measurement:
    """What the repeats of one setting gave; seconds throughout."""

    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    products: list[float] = field(default_factory=list)
    square: list[float] = field(default_factory=list)


def load_data() -> tuple[str, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """MNIST-10k where its files are, else the 8x8 digits inside scikit-learn."""
    if SHARED_DATA.is_dir():
        os.environ.setdefault("DLCOURSE_DATA_DIR", str(SHARED_DATA))
    try:
        data = load_mnist("data_dir")
    except (OSError, ValueError) as error:
        digits = load_digits()
        order = np.random.default_rng(0).permutation(len(digits.X))
        train, test = order[:1440], order[1440:]
        X = digits.X.astype(np.float32) / 16
        name = f"8x8 digits, 1,440 train / 357 test (MNIST-10k is not at hand: {error})"
        return name, X[train], digits.y[train], X[test], digits.y[test]
    name = f"MNIST-10k, {len(data.X_train):,} train / {len(data.X_test):,} test"
    return name, data.X_train, data.y_train, data.X_test, data.y_test


def make_ours(epochs: int, seed: int) -> MLPClassifier:
    optimizer = Adam(0.001, epsilon=1e-8)
    return MLPClassifier(
        HIDDEN,
        optimizer=optimizer,
        batch_size=BATCH,
        max_epochs=epochs,
        initializer="glorot_uniform",
        random_state=seed,
    )


def make_theirs(epochs: int, seed: int) -> SklearnMLPClassifier:
    # tol and n_iter_no_change keep it from stopping early; alpha=0 is no L2, as ours.
    return SklearnMLPClassifier(
        HIDDEN, batch_size=BATCH, max_iter=epochs, alpha=0.0, tol=0.0, n_iter_no_change=epochs + 1, random_state=seed
    )


def seconds(call: Callable[[], object], times: int = 1) -> float:
    start = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - start) / times


def step_products(sizes: tuple[int, ...], dtype: np.dtype) -> tuple[Callable[[], None], int]:
    """The matrix products of one training step, and the floating-point operations in them.

    Each layer has a forward product and one for its weights' gradient; all but the first also send the error back.
    """
    rng = np.random.default_rng(0)
    jobs, operations = [], 0
    for layer, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        a, W, delta = (
            rng.standard_normal(shape).astype(dtype) for shape in ((BATCH, fan_in), (fan_in, fan_out), (BATCH, fan_out))
        )
        pairs = [(a, W), (a.T, delta)] + ([(delta, W.T)] if layer else [])
        jobs += [(left, right, np.empty((left.shape[0], right.shape[1]), dtype)) for left, right in pairs]
        operations += 2 * BATCH * fan_in * fan_out * len(pairs)

    def multiply() -> None:
        for left, right, out in jobs:
            np.matmul(left, right, out=out)

    return multiply, operations


def measure(X: np.ndarray, y: np.ndarray, sizes: tuple[int, ...], epochs: int, repeats: int) -> Measurement:
    """Times both classifiers and the bare products, in turns."""
    products, _ = step_products(sizes, X.dtype)
    square = np.random.default_rng(0).standard_normal((2048, 2048)).astype(X.dtype)
    ours, theirs = make_ours(epochs, 0), make_theirs(epochs, 0)
    result = Measurement()
    make_ours(1, 0).fit(X, y)
    make_theirs(1, 0).fit(X, y)
    for _ in range(repeats):
        result.ours.append(seconds(lambda: ours.fit(X, y)) / epochs)
        result.theirs.append(seconds(lambda: theirs.fit(X, y)) / epochs)
        result.products.append(seconds(products, 200))
        result.square.append(seconds(lambda: square @ square))
    return result


def speed_row(result: Measurement, sizes: tuple[int, ...], samples: int, dtype: str, threads: int) -> str:
    """One line of the speed table."""
    _, step_operations = step_products(sizes, np.dtype(dtype))
    ours, theirs = statistics.median(result.ours), statistics.median(result.theirs)
    ratio = statistics.median(b / a for a, b in zip(result.ours, result.theirs, strict=True))
    rate = step_operations * samples / BATCH / ours / 1e9
    same_shapes = step_operations / statistics.median(result.products) / 1e9
    square = 2 * 2048**3 / min(result.square) / 1e9
    return (
        f"| {dtype} | {threads} | {1 / ours:.1f} | {1 / theirs:.1f} | {ratio:.2f} | {rate:.0f} | {same_shapes:.0f} | "
        f"{square:.0f} | {rate / same_shapes:.0%} | {rate / square:.0%} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=4, help="epochs a timed run (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=7, help="timed runs of each (default: %(default)s)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="BLAS threads (default: 1 2)")
    parser.add_argument("--dtypes", nargs="+", choices=("float32", "float64"), default=["float32", "float64"])
    parser.add_argument("--seeds", type=int, default=5, help="runs for the accuracy (default: %(default)s)")
    parser.add_argument("--accuracy-epochs", type=int, default=20, help="epochs of these (default: %(default)s)")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")

    name, X, y, X_test, y_test = load_data()
    sizes = (X.shape[1], *HIDDEN, 10)
    print(f"{name}; {'-'.join(map(str, sizes))}, relu, batch {BATCH}, Adam 0.001.")
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores; NumPy {np.__version__}, "
        f"scikit-learn {sklearn.__version__}; median of {arguments.repeats} runs of {arguments.epochs} epochs.\n"
    )
    print(
        "| dtype | threads | ours, epochs/s | scikit-learn, epochs/s | ratio | training, GFLOP/s | "
        "its products alone, GFLOP/s | 2048-square product, GFLOP/s | share of the former | of the latter |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for dtype in arguments.dtypes:
        for threads in arguments.threads:
            with threadpool_limits(threads):
                result = measure(X.astype(dtype), y, sizes, arguments.epochs, arguments.repeats)
            print(speed_row(result, sizes, len(X), dtype, threads), flush=True)

    print(
        f"\nTest accuracy after {arguments.accuracy_epochs} epochs, float32, mean over {arguments.seeds} seeds "
        "(and lowest to highest):"
    )
    for label, make in (("ours", make_ours), ("scikit-learn", make_theirs)):
        scores = [
            make(arguments.accuracy_epochs, seed).fit(X, y).score(X_test, y_test) for seed in range(arguments.seeds)
        ]
        print(f"- {label}: {np.mean(scores):.2%} ({min(scores):.2%} to {max(scores):.2%})", flush=True)


if __name__ == "__main__":
    main()
