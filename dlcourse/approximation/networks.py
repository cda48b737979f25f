"""An ensemble of small networks, trained side by side: hundreds in the time that a loop over `Model.fit` takes for one.

The members share an architecture and nothing else: each has its own data, sample size, input dimension, initial weights
and batches, and ends where it would have ended alone.

Used in: Lab 03b, Lab 04

Reference: Lecture 004, "ACTION REQUIRED" and "ACTION REQUIRED (II)", Thursday.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from time import perf_counter

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from dlcourse.approximation._ensemble_data import MemberData, read_inputs, read_members, stack
from dlcourse.approximation._ensemble_step import forward
from dlcourse.approximation._ensemble_training import BLOCK, Block, available_threads, blocks_of
from dlcourse.approximation.architecture import Architecture
from dlcourse.arguments import check_count
from dlcourse.progress import track


@dataclass(frozen=True, eq=False)
class EnsembleResult:
    """E trained networks.

    Args:
        architecture: What they share.
        members: Data set sizes, dimensions and the means and spreads that standardise each member's data.
        weights: Kernel (E, fan_in, fan_out) and bias (E, fan_out) of each layer in turn, float32, for standardised
            data; a member of fewer dimensions has zeros in the rows that it does not use.
        losses: Mean squared error of each step's batch, in units of standardised targets, shape (E, steps), float32.
        diverged_at: Step, from 1 on, at which a member met NaN or infinity, else 0; shape (E,). Such a member keeps its
            last good weights, at most 250 steps older, and its later losses are NaN.
        seconds: How long the training took.

    Used in: Lab 03b
    """

    architecture: Architecture
    members: MemberData
    weights: tuple[NDArray[np.float32], ...]
    losses: NDArray[np.float32]
    diverged_at: NDArray[np.int64]
    seconds: float

    def __len__(self) -> int:
        return len(self.losses)

    def predict(self, X: Sequence[ArrayLike] | ArrayLike) -> NDArray[np.float64]:
        """Predictions of every member, in the units of its targets.

        Args:
            X: E arrays of shape (M, d_e), one for each member (an array (E, M, d) will do), or a single array (M, d)
                that all members get.

        Returns:
            Predictions, shape (E, M), float64.

        Raises:
            TypeError: If `X` does not hold real numbers.
            ValueError: If its shape does not fit the members, or a value is not finite.
        """
        inputs = read_inputs(X, self.members.dimensions)
        width = self.weights[0].shape[1]
        blocks = []
        # A block at a time: the activations of hundreds of members at once would need gigabytes.
        for start in range(0, len(self), BLOCK):
            chosen = slice(start, start + BLOCK)
            scaled = [self.members.scale_inputs(e, inputs[e]) for e in range(len(self))[chosen]]
            weights = [tf.constant(weight[chosen]) for weight in self.weights]
            outputs = forward(weights, tf.constant(stack(scaled, width)), self.architecture.activation).numpy()
            scale, mean = self.members.target_scale[chosen], self.members.target_mean[chosen]
            blocks.append(outputs * scale[:, None] + mean[:, None])
        return np.concatenate(blocks)

    def member(self, index: int) -> keras.Model:
        """One member as a Keras model that maps inputs (n, d) to outputs (n, 1), both in their own units.

        The scaling of inputs and targets is folded into the first and the last layer.

        Args:
            index: Which member, from 0 to E - 1; negative numbers count from the end.

        Returns:
            A `keras.Sequential` of dense layers.

        Raises:
            IndexError: If there is no such member.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(
                f"member {index} does not exist: the ensemble has {len(self)} members, 0 to {len(self) - 1}"
            )
        dimension = int(self.members.dimensions[index])
        mean, scale = self.members.input_mean[index], self.members.input_scale[index]
        weights = [weight[index].astype(np.float64) for weight in self.weights]
        first = weights[0][:dimension] / scale[:, None]
        weights[:2] = [first, weights[1] - mean @ first]
        weights[-2] = weights[-2] * self.members.target_scale[index]
        weights[-1] = weights[-1] * self.members.target_scale[index] + self.members.target_mean[index]
        model = keras.Sequential([keras.Input((dimension,))])
        for units in self.architecture.hidden:
            model.add(keras.layers.Dense(units, activation=self.architecture.activation))
        model.add(keras.layers.Dense(1))
        model.set_weights(weights)
        return model


def train_ensemble(
    X: Sequence[ArrayLike],
    y: Sequence[ArrayLike],
    architecture: Architecture | None = None,
    seeds: Sequence[int] | None = None,
    *,
    standardize: bool = True,
    threads: int | None = None,
    progress: bool = True,
) -> EnsembleResult:
    """Trains E independent networks of one architecture, each on data of its own.

    Member e minimises (1 / n_e) sum_i (N(x_i; theta_e) - y_i)^2 over its own data with its own batches. The steps run
    inside one compiled (XLA) loop, a dozen members at a time on each core.

    Args:
        X: E arrays of inputs, shape (n_e, d_e), finite real numbers; n_e and d_e may differ.
        y: E arrays of targets, shape (n_e,).
        architecture: Layers and training recipe; None stands for `Architecture()`.
        seeds: E integers >= 0 that fix initial weights and batches; None stands for 0, 1, ..., E - 1.
        standardize: Whether inputs and targets are brought to mean 0 and standard deviation 1, with the statistics of
            each member's own training data.
        threads: Cores to use; None stands for all that TensorFlow may use.
        progress: Whether to draw a bar where bars are drawn at all.

    Returns:
        The trained networks with their loss curves.

    Raises:
        TypeError: If data do not hold real numbers, or an argument has the wrong type.
        ValueError: If shapes or lengths do not fit, or a value is not finite.

    Warns:
        RuntimeWarning: If members met NaN or infinity; it names them and the step.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> X = [rng.random((n, 2)) for n in (50, 200)]
        >>> y = [x[:, 0] * x[:, 1] for x in X]
        >>> result = train_ensemble(X, y, Architecture(hidden=(16,), steps=300), threads=1)
        >>> predictions = result.predict([[0.5, 0.5]])
        >>> predictions.shape
        (2, 1)
        >>> bool(np.abs(predictions - 0.25).max() < 0.05)
        True

    Used in: Lab 03b, Lab 04

    Reference: Lecture 004, "ACTION REQUIRED", Thursday.
    """
    architecture = Architecture() if architecture is None else architecture
    if not isinstance(architecture, Architecture):
        raise TypeError(f"architecture must be an Architecture, got {type(architecture).__name__}.")
    inputs, targets = read_members(X, y)
    members = MemberData.of(inputs, targets, standardize)
    seeds = range(len(inputs)) if seeds is None else [check_count("each seed", seed, minimum=0) for seed in seeds]
    if len(seeds) != len(inputs):
        raise ValueError(f"seeds must hold one integer a member: {len(inputs)} members, {len(seeds)} seeds.")
    threads = available_threads() if threads is None else check_count("threads", threads)

    start = perf_counter()
    blocks = blocks_of(len(inputs), threads)
    x = stack([members.scale_inputs(e, values) for e, values in enumerate(inputs)])
    y_scaled = stack([members.scale_targets(e, values) for e, values in enumerate(targets)])

    def train_block(chosen: NDArray[np.int64]) -> Block:
        own_seeds = [seeds[e] for e in chosen]
        block = Block(
            architecture, members.dimensions[chosen], members.counts[chosen], own_seeds, x[chosen], y_scaled[chosen]
        )
        for steps in block.run():
            if bar is not None:
                bar.update(steps)
        return block

    with (
        track(range(len(blocks) * architecture.steps), "training", unit="step") if progress else nullcontext() as bar,
        # XLA lets go of Python's lock, so that threads share the cores without a process each.
        ThreadPoolExecutor(min(threads, len(blocks))) as pool,
    ):
        trained = list(pool.map(train_block, blocks))
    size = len(inputs)
    result = EnsembleResult(
        architecture,
        members,
        weights=tuple(
            np.concatenate(layer)[:size] for layer in zip(*(block.weights for block in trained), strict=True)
        ),
        losses=np.concatenate([block.losses for block in trained])[:size],
        diverged_at=np.concatenate([block.diverged_at for block in trained])[:size],
        seconds=perf_counter() - start,
    )
    if result.diverged_at.any():
        which = ", ".join(f"{e} (step {result.diverged_at[e]})" for e in np.flatnonzero(result.diverged_at)[:10])
        warnings.warn(
            f"{np.count_nonzero(result.diverged_at)} of {size} networks met NaN or infinity and keep their last good "
            f"weights: {which}. Lower learning_rate, now {architecture.learning_rate:g}.",
            RuntimeWarning,
            stacklevel=2,
        )
    return result
