"""Data made by a random network: a learner has to find, from examples alone, a network that nobody shows it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np

from dlcourse.datasets.dataset import Dataset

Task = Literal["regression", "classification"]

_TASKS: tuple[Task, ...] = ("regression", "classification")
# Twice the usual scale drives the tanh units into their bend: a linear fit explains 0.4 to 0.9 of the variance.
_GAIN = 2.0
# The inputs on which the outputs' mean, spread and class borders are measured: the same for every n.
_REFERENCE_ROWS = 10_000
_BALANCING_STEPS = np.geomspace(2.0, 0.02, 120)


@dataclass(frozen=True, repr=False, eq=False)
class NetworkData(Dataset):
    """Data made by a random network, together with what the network said before the noise came.

    Args:
        name: "network".
        X: inputs, shape (n, d).
        y: noisy targets, shape (n,) or, for a regression with several outputs, (n, outputs).
        feature_names: "x1" ... "xd".
        target_names: "class 0" ...; empty for a regression.
        provenance: the network, its noise and its seed in a sentence.
        image_shape: None.
        clean: targets without noise, in the shape and type of y, read-only.
        bayes_error: the least expected error that any learner can reach: the mean squared error of a regression, the
            share of wrong labels of a classification.
        task: "regression" or "classification".

    Example:
        >>> data = make_network_data(1000, 5, noise=0.5)
        >>> data.bayes_error, bool(abs(((data.y - data.clean) ** 2).mean() - data.bayes_error) < 0.03)
        (0.25, True)

    Used in: Lab 04
    """

    clean: np.ndarray = field(default_factory=lambda: np.empty(0))
    bayes_error: float = 0.0
    task: Task = "regression"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.clean.shape != self.y.shape:
            raise ValueError(f"clean must have the shape of y, {self.y.shape}, got {self.clean.shape}.")
        clean = self.clean.view()
        clean.flags.writeable = False
        object.__setattr__(self, "clean", clean)


def make_network_data(
    n: int,
    dimension: int,
    hidden: Sequence[int] = (16,),
    outputs: int = 1,
    noise: float = 0.1,
    seed: int = 0,
    task: Task = "regression",
) -> NetworkData:
    r"""Make data with a random network of tanh units, for a learner that does the inverse: from the data to a network.

    .. math:: x \sim N(0, I), \quad h_0 = x, \quad h_{l+1} = \tanh(W_l h_l + b_l), \quad f(x) = W_L h_L + b_L

    The weights of a hidden layer are normal with standard deviation :math:`2 / \sqrt{\text{fan-in}}`, its biases with
    standard deviation 1/2; f is shifted and scaled to mean 0 and variance 1 (measured on 10,000 further inputs, to
    about two percent). A regression is :math:`y = f(x) + \text{noise} \cdot \epsilon` with standard-normal
    :math:`\epsilon`. In a classification, one output gives two classes, by whether f exceeds its median; k > 1 outputs
    give k classes, the largest output plus an offset that makes all classes equally frequent. A label is then replaced
    by one of the others with probability `noise`.

    For one seed, network and inputs do not depend on n or noise: the first rows of a larger data set are the smaller
    one. That is what a learning curve needs.

    Args:
        n: number of rows, at least 1.
        dimension: number of inputs, at least 1.
        hidden: widths of the hidden layers, from the input on; () is a linear model. (8,) makes a simple task,
            for which a linear model goes a long way; (32, 32) a complex one.
        outputs: number of output units, at least 1.
        noise: regression: standard deviation of the noise in units of the clean target's, >= 0. Classification:
            probability of a wrong label, in [0, 1 - 1/classes).
        seed: non-negative integer; equal arguments give equal data.
        task: "regression" or "classification".

    Returns:
        A `NetworkData` with X of shape (n, dimension), float64; y of shape (n,), or (n, outputs) for a regression with
        several outputs, float64; y of shape (n,), int64, for a classification; the clean targets; and `bayes_error`:
        noise**2 for a regression, noise for a classification.

    Raises:
        TypeError: when an argument has the wrong type.
        ValueError: when an argument is outside its range.

    Example:
        >>> data = make_network_data(500, 4, hidden=(32, 32), outputs=3, noise=0.05, task="classification")
        >>> data.X.shape, data.y.shape, data.bayes_error
        ((500, 4), (500,), 0.05)
        >>> data.target_names
        ('class 0', 'class 1', 'class 2')

    Used in: Lab 04

    Reference: H. S. Seung, H. Sompolinsky, N. Tishby, Statistical mechanics of learning from examples, 1992 (a learner
    trained on a random network's answers); lecture 004, "A SEMI-COMPREHENSIVE TF TOUR".
    """
    hidden = _check(n, dimension, hidden, outputs, noise, seed, task)
    # One stream each: asking for more rows must change neither the network nor the rows before.
    weights_rng, inputs_rng, noise_rng, reference_rng = (
        np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(4)
    )
    layers = _draw_layers((dimension, *hidden, outputs), weights_rng)
    X = inputs_rng.standard_normal((n, dimension))
    reference = _forward(layers, reference_rng.standard_normal((_REFERENCE_ROWS, dimension)))
    mean, spread = reference.mean(axis=0), reference.std(axis=0)
    reference, signal = (reference - mean) / spread, (_forward(layers, X) - mean) / spread
    if task == "regression":
        clean = signal[:, 0] if outputs == 1 else signal
        y, bayes_error, classes = clean + noise * noise_rng.standard_normal(clean.shape), noise**2, 0
    else:
        if outputs == 1:
            # Two classes are two scores: 0 and f minus its median.
            reference, signal = (np.hstack([np.zeros((len(f), 1)), f]) for f in (reference, signal))
        classes = signal.shape[1]
        clean = (signal + _balancing_offsets(reference)).argmax(axis=1)
        y, bayes_error = _flip(clean, classes, noise, noise_rng), noise
    shape = "-".join(map(str, (dimension, *hidden, outputs)))
    return NetworkData(
        name="network",
        X=X,
        y=y,
        feature_names=tuple(f"x{j}" for j in range(1, dimension + 1)),
        target_names=tuple(f"class {label}" for label in range(classes)),
        provenance=f"{task} made by a random tanh network {shape}, noise {noise:g}, seed {seed}",
        clean=clean,
        bayes_error=float(bayes_error),
        task=task,
    )


def _draw_layers(widths: tuple[int, ...], rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    layers = []
    for fan_in, fan_out in pairwise(widths):
        weights = rng.standard_normal((fan_in, fan_out)) * (_GAIN / math.sqrt(fan_in))
        layers.append((weights, rng.standard_normal(fan_out) / 2))
    return layers


def _forward(layers: list[tuple[np.ndarray, np.ndarray]], X: np.ndarray) -> np.ndarray:
    for weights, bias in layers[:-1]:
        X = np.tanh(X @ weights + bias)
    weights, bias = layers[-1]
    return X @ weights + bias


def _balancing_offsets(scores: np.ndarray) -> np.ndarray:
    """Offsets that, added to the scores, make each column the largest equally often."""
    classes = scores.shape[1]
    if classes == 2:
        return np.array([np.median(scores[:, 1] - scores[:, 0]), 0.0])
    offsets = np.zeros(classes)
    for step in _BALANCING_STEPS:
        shares = np.bincount((scores + offsets).argmax(axis=1), minlength=classes) / len(scores)
        offsets -= step * (shares - 1 / classes)
    return offsets


def _flip(labels: np.ndarray, classes: int, probability: float, rng: np.random.Generator) -> np.ndarray:
    # Row by row, two numbers each: whether to flip, and to which of the others.
    draws = rng.random((len(labels), 2))
    shift = 1 + (draws[:, 1] * (classes - 1)).astype(np.int64)
    return np.where(draws[:, 0] < probability, (labels + shift) % classes, labels)


def _check(
    n: object, dimension: object, hidden: object, outputs: object, noise: object, seed: object, task: object
) -> tuple[int, ...]:
    if task not in _TASKS:
        raise ValueError(f"task must be 'regression' or 'classification', got {task!r}.")
    if not isinstance(hidden, Sequence) or isinstance(hidden, str):
        raise TypeError(f"hidden must be a tuple of layer widths, such as (16,) or (), got {hidden!r}.")
    counts = [("n", n, 1), ("dimension", dimension, 1), ("outputs", outputs, 1), ("seed", seed, 0)]
    for name, value, least in [*counts, *(("each width in hidden", width, 1) for width in hidden)]:
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
            raise TypeError(f"{name} must be an integer, got {value!r}.")
        if value < least:
            raise ValueError(f"{name} must be {least} or more, got {value}.")
    if not isinstance(noise, (int, float, np.integer, np.floating)) or isinstance(noise, bool):
        raise TypeError(f"noise must be a number, got {noise!r}.")
    if not 0 <= noise < math.inf:
        raise ValueError(f"noise must be finite and not negative, got {noise}.")
    classes = max(2, outputs)
    if task == "classification" and noise >= 1 - 1 / classes:
        raise ValueError(
            f"noise must be below 1 - 1/{classes} = {1 - 1 / classes:.3g} in a classification with {classes} classes, "
            f"got {noise}: above it the true label is no longer the likeliest."
        )
    return tuple(int(width) for width in hidden)
