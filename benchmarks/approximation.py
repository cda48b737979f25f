"""Speed and accuracy of `dlcourse.approximation` beside what one would use instead.

    python benchmarks/approximation.py
    python benchmarks/approximation.py --rounds 1 --seeds 1 --only accuracy

Speed: 72 networks (6 families, 3 dimensions, 4 sample sizes), 2 hidden layers of 64 swish units, batch 32, Adam, 2,000
gradient steps each. Each round times all contenders in turn, so that a machine that slows down slows them all; a ratio
is the median over the rounds. The loops are timed on one network of each sample size and counted 18 times; those that
take minutes run 96 and 496 steps, which gives the start and the cost of a step. The share of the machine's rate
compares core seconds: the layers' arithmetic at the rate of a large single-precision product, over what they took.

Accuracy: mean absolute error at 1,000 new points after 500 training points, in units of 0.001 of the mean of |f|.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import warnings
from collections.abc import Callable
from itertools import pairwise
from time import perf_counter, process_time

import keras
import numpy as np
import tensorflow as tf
from scipy.interpolate import RBFInterpolator
from sklearn.compose import TransformedTargetRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from dlcourse.approximation import FAMILIES, Architecture, train_ensemble
from dlcourse.approximation._study_group import Cell, CellData, cell_data, network_seed

DIMENSIONS = (2, 5, 10)
SIZES = (10, 50, 100, 500)
STEPS = 2000
SPEED = Architecture(steps=STEPS, schedule="constant", learning_rate=1e-3)
Predictor = Callable[[np.ndarray], np.ndarray]


def standardized(data: CellData) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets of one network in the scale that `train_ensemble` gives them."""
    X = (data.X - data.X.mean(axis=0)) / data.X.std(axis=0)
    return X.astype(np.float32), ((data.y - data.y.mean()) / (data.y.std() or 1)).astype(np.float32)


def keras_model(dimension: int) -> keras.Model:
    model = keras.Sequential([keras.Input((dimension,))])
    for units in SPEED.hidden:
        model.add(keras.layers.Dense(units, activation=SPEED.activation))
    model.add(keras.layers.Dense(1))
    return model


def keras_fit(data: CellData, steps: int) -> None:
    """What most people write."""
    X, y = standardized(data)
    model = keras_model(X.shape[1])
    model.compile(keras.optimizers.Adam(SPEED.learning_rate), loss="mean_squared_error")
    steps_per_epoch = -(-len(X) // SPEED.batch_size)
    model.fit(X, y, batch_size=SPEED.batch_size, epochs=steps // steps_per_epoch, verbose=0)


def compiled_step(data: CellData, steps: int) -> None:
    """What the TensorFlow guides write: a training step of a Keras model as a tf.function, called in a loop."""
    X, y = standardized(data)
    model, optimizer = keras_model(X.shape[1]), keras.optimizers.Adam(SPEED.learning_rate)
    optimizer.build(model.trainable_variables)

    @tf.function(jit_compile=True)
    def step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x, training=True)[:, 0] - y) ** 2)
        optimizer.apply_gradients(
            zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables, strict=True)
        )
        return loss

    rng = np.random.default_rng(0)
    for _ in range(steps):
        rows = rng.integers(len(X), size=SPEED.batch_size)
        step(X[rows], y[rows])


def single(data: CellData) -> None:
    """The strongest loop: our own compiled trainer, with all steps inside it, for one network at a time."""
    train_ensemble([data.X], [data.y], SPEED, threads=1)


def square_product_rate() -> float:
    """Floating-point operations a core does in a second in a 1024 x 1024 product in single precision."""
    a = np.random.default_rng(0).random((1024, 1024), dtype=np.float32)
    with threadpool_limits(1):
        a @ a
        return 10 * 2 * 1024**3 / core_seconds(lambda: [a @ a for _ in range(10)])


def operations(dimensions: list[int]) -> float:
    """Multiplications and additions in the layers: forward, both gradients, none for the inputs' gradient."""
    total = 0
    for dimension in dimensions:
        sizes = SPEED.sizes(dimension)
        products = [fan_in * fan_out for fan_in, fan_out in pairwise(sizes)]
        total += 2 * SPEED.batch_size * (3 * sum(products) - products[0])
    return total * STEPS


def seconds(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def core_seconds(call: Callable[[], object]) -> float:
    """Seconds of all cores together that this process used, whatever else the machine does."""
    start = process_time()
    call()
    return process_time() - start


def whole_run(train: Callable[[CellData, int], None], data: CellData) -> float:
    """Seconds of `STEPS` steps, from a short and a longer run: the start is counted once, the steps in full."""
    # Whole passes over the data at every sample size: 16 batches at most.
    short, long = 96, 496
    first, second = seconds(lambda: train(data, short)), seconds(lambda: train(data, long))
    return first + (second - first) / (long - short) * (STEPS - short)


def speed(rounds: int, threads: int) -> None:
    cells = [Cell(f, d, n, seed=0) for f in FAMILIES for d in DIMENSIONS for n in SIZES]
    data = [cell_data(cell) for cell in cells]
    samples = [cell_data(Cell("gaussian", 5, n, seed=0)) for n in SIZES]
    share = len(cells) / len(samples)

    def ensemble() -> None:
        train_ensemble([d.X for d in data], [d.y for d in data], SPEED, threads=threads)

    cold = seconds(ensemble)
    # Each shape compiles once; the loop of single networks is spared that too.
    for sample in samples:
        single(sample)
    contenders = {
        f"train_ensemble, 72 networks, {threads} threads": lambda: seconds(ensemble),
        "loop over train_ensemble, one network": lambda: share * sum(seconds(lambda s=s: single(s)) for s in samples),
        "loop over a compiled step (tf.function, XLA)": lambda: (
            share * sum(whole_run(compiled_step, s) for s in samples)
        ),
        "loop over keras.Model.fit": lambda: share * sum(whole_run(keras_fit, s) for s in samples),
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    shares = []
    arithmetic = operations([cell.dimension for cell in cells])
    for number in range(rounds):
        shares.append(arithmetic / square_product_rate() / core_seconds(ensemble))
        for name, measure in contenders.items():
            times[name].append(measure())
            print(f"  round {number + 1}: {name}: {times[name][-1]:.1f} s", flush=True)
    ours = times[next(iter(contenders))]
    print("\n| 72 networks x 2,000 steps | seconds (median) | times the ensemble |\n|---|---|---|")
    for name, values in times.items():
        ratio = statistics.median(v / o for v, o in zip(values, ours, strict=True))
        print(f"| {name} | {statistics.median(values):.2f} | {ratio:.1f} |")
    print(
        f"\nThe {arithmetic / 1e9:.0f} GFLOP of the layers run at {statistics.median(shares):.0%} of the rate of large "
        f"square products (in core seconds). The first call, which compiles, took {cold:.1f} s."
    )


def mlp(seed: int, **settings: object) -> TransformedTargetRegressor:
    network = MLPRegressor(hidden_layer_sizes=(64, 64), random_state=seed, **settings)
    return TransformedTargetRegressor(make_pipeline(StandardScaler(), network), transformer=StandardScaler())


def fit_adam(data: CellData, seed: int) -> Predictor:
    # The default tolerance gives up at standardised errors near 0.03; this one trains as many steps as ours.
    return mlp(seed, batch_size=32, max_iter=375, tol=0, n_iter_no_change=375).fit(data.X, data.y).predict


def fit_lbfgs(data: CellData, seed: int) -> Predictor:
    return mlp(seed, activation="tanh", solver="lbfgs", max_iter=1000).fit(data.X, data.y).predict


def fit_process(data: CellData, seed: int) -> Predictor:
    kernel = ConstantKernel(1.0, (1e-3, 1e5)) * RBF(np.ones(data.X.shape[1]), (1e-2, 1e3))
    return GaussianProcessRegressor(kernel, alpha=1e-8, normalize_y=True, random_state=seed).fit(data.X, data.y).predict


def fit_rbf(data: CellData, seed: int) -> Predictor:
    return RBFInterpolator(data.X, data.y)


PEERS = {
    "MLPRegressor, adam": fit_adam,
    "MLPRegressor, lbfgs": fit_lbfgs,
    "Gaussian process": fit_process,
    "RBFInterpolator": fit_rbf,
}
OURS = {
    "ours, 2,000 steps": Architecture(),
    "ours, 6,000 steps": Architecture(steps=6000),
}


def accuracy(seeds: int) -> None:
    cells = [Cell(f, d, 500, seed) for seed in range(seeds) for f in FAMILIES for d in DIMENSIONS]
    data = [cell_data(cell) for cell in cells]
    errors: dict[str, np.ndarray] = {}
    spent: dict[str, float] = {}

    def keep(name: str, predictions: list[np.ndarray], start: float) -> None:
        relative = [
            np.abs(p - d.y_test).mean() / np.abs(d.y_test).mean() for p, d in zip(predictions, data, strict=True)
        ]
        errors[name] = 1000 * np.reshape(relative, (seeds, -1)).mean(axis=0)
        spent[name] = (perf_counter() - start) / len(cells)
        print(f"  {name}: {spent[name]:.2f} s a network", flush=True)

    for name, architecture in OURS.items():
        start = perf_counter()
        result = train_ensemble(
            [d.X for d in data], [d.y for d in data], architecture, [network_seed(cell) for cell in cells]
        )
        keep(name, list(result.predict([d.X_test for d in data])), start)
    for name, fit in PEERS.items():
        start = perf_counter()
        keep(name, [fit(d, cell.seed)(d.X_test) for d, cell in zip(data, cells, strict=True)], start)

    print("\n| function | d | " + " | ".join(errors) + " | best |\n|" + "---|" * (len(errors) + 3))
    for row, cell in enumerate(cells[:18]):
        values = {name: error[row] for name, error in errors.items()}
        figures = " | ".join(f"{value:.3g}" for value in values.values())
        print(f"| {cell.family} | {cell.dimension} | {figures} | {min(values, key=values.get)} |")
    print(f"| seconds a model | | {' | '.join(f'{value:.2f}' for value in spent.values())} | |")
    for ours in OURS:
        counts = ", ".join(f"{int((errors[ours] <= errors[peer]).sum())} against {peer}" for peer in PEERS)
        print(f"\n{ours}: at or below in how many of the 18 cells: {counts}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds of the speed table")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of the ensemble")
    parser.add_argument("--seeds", type=int, default=2, help="functions drawn for each cell of the accuracy table")
    parser.add_argument("--only", choices=["speed", "accuracy"], help="one of the two tables")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    os.environ["DLCOURSE_PROGRESS"] = "0"
    print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}, {platform.processor()}, {os.cpu_count()} cores")
    if arguments.only != "accuracy":
        speed(arguments.rounds, arguments.threads)
    if arguments.only != "speed":
        accuracy(arguments.seeds)


if __name__ == "__main__":
    main()
