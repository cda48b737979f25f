"""How one block of an ensemble is trained: its start, its batches, and call after call of the compiled loop.

Used in: Lab 03b
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dlcourse.approximation._ensemble_data import stack
from dlcourse.approximation._ensemble_step import SLOTS, compiled_training
from dlcourse.approximation.architecture import Architecture

# Twelve networks of 2 x 64 units, with their gradients and moments, stay in a core's second-level cache.
BLOCK = 12
# Steps in one compiled call: short enough for a bar that moves, long enough that the call itself costs nothing.
CHUNK = 250


class Block:
    """Members that take their steps side by side on one core.

    Args:
        architecture: What they share.
        dimensions: Number of inputs of each member, shape (E,).
        counts: Number of points of each member, shape (E,).
        seeds: One integer a member.
        x: Standardised inputs, shape (E, N, d), float32, zero beyond a member's own points and dimension.
        y: Standardised targets, shape (E, N), float32.

    Attributes:
        weights: Kernel and bias of each layer in turn, the member first.
        losses: Loss of each member and step, shape (E, steps); NaN once the member has diverged.
        diverged_at: Step from 1 on at which a member met NaN or infinity, else 0; shape (E,).

    Used in: Lab 03b
    """

    def __init__(
        self,
        architecture: Architecture,
        dimensions: Sequence[int],
        counts: Sequence[int],
        seeds: Sequence[int],
        x: NDArray[np.float32],
        y: NDArray[np.float32],
    ) -> None:
        self.architecture = architecture
        self.x, self.y = x, y
        starts = [initial_weights(architecture, d, seed) for d, seed in zip(dimensions, seeds, strict=True)]
        self.weights = [stack(list(layer)) for layer in zip(*starts, strict=True)]
        # The first kernel has a row for every column of x, also where no member of this block needs the last ones.
        missing = x.shape[2] - self.weights[0].shape[1]
        self.weights[0] = np.pad(self.weights[0], ((0, 0), (0, missing), (0, 0)))
        orders = [batch_order(n, architecture, seed) for n, seed in zip(counts, seeds, strict=True)]
        self._batches = np.zeros((architecture.steps, len(x), architecture.batch_size), dtype=np.int32)
        self._share = np.zeros((len(x), architecture.batch_size), dtype=np.float32)
        for e, order in enumerate(orders):
            size = order.shape[1]
            # A data set smaller than the batch leaves places empty; they weigh nothing.
            self._batches[:, e, :size] = order
            self._share[e, :size] = 1 / size
        self.losses = np.full((len(x), architecture.steps), np.nan, dtype=np.float32)
        self.diverged_at = np.zeros(len(x), dtype=np.int64)

    def run(self) -> Iterator[int]:
        """Trains to the end and yields the number of steps after each call of the compiled loop."""
        architecture = self.architecture
        train = compiled_training(architecture.activation, architecture.optimizer)
        x, y, share = tf.constant(self.x), tf.constant(self.y), tf.constant(self._share)
        decay = tf.constant(architecture.weight_decay, tf.float32)
        weights = [tf.constant(weight) for weight in self.weights]
        slots = [[tf.fill(weight.shape, start) for start in SLOTS[architecture.optimizer]] for weight in weights]
        chunk = min(CHUNK, architecture.steps)
        rates = architecture.learning_rates()
        for first in range(0, architecture.steps, chunk):
            count = min(chunk, architecture.steps - first)
            weights, slots, losses = train(
                x,
                y,
                share,
                weights,
                slots,
                # The compiled loop has room for `chunk` steps; the last call fills only a part of it.
                tf.constant(_pad_rows(self._batches[first : first + count], chunk)),
                tf.constant(_pad_rows(rates[first : first + count], chunk)),
                decay,
                tf.constant(first),
                tf.constant(count),
            )
            self._keep(first, losses.numpy()[:count], [weight.numpy() for weight in weights])
            yield count

    def _keep(self, first: int, losses: NDArray[np.float32], weights: list[NDArray[np.float32]]) -> None:
        """Takes over a chunk's weights and losses, except for members that met NaN or infinity, now or before."""
        finite = np.isfinite(losses)
        whole = np.all([np.isfinite(w).reshape(len(w), -1).all(axis=1) for w in weights], axis=0)
        healthy = (self.diverged_at == 0) & finite.all(axis=0) & whole
        fresh = (self.diverged_at == 0) & ~healthy
        # Where the loss was finite up to the end, it was the last update that overflowed.
        steps = np.where(finite.all(axis=0), len(losses), 1 + np.argmin(finite, axis=0))
        self.diverged_at[fresh] = first + steps[fresh]
        for e in np.flatnonzero(healthy):
            self.losses[e, first : first + len(losses)] = losses[:, e]
        for e in np.flatnonzero(fresh):
            self.losses[e, first : first + steps[e] - 1] = losses[: steps[e] - 1, e]
        for kept, new in zip(self.weights, weights, strict=True):
            kept[healthy] = new[healthy]


def blocks_of(members: int, threads: int) -> NDArray[np.int64]:
    """Splits the members into blocks of equal size, a multiple of the number of threads where there are that many.

    Equal sizes mean a single compilation; the last places repeat the first members and are dropped later.

    Args:
        members: How many there are.
        threads: How many blocks are trained at the same time.

    Returns:
        Member numbers, shape (blocks, size).

    Example:
        >>> blocks_of(5, threads=2)
        array([[0, 1, 2],
               [3, 4, 0]])

    Used in: Lab 03b
    """
    count = -(-members // BLOCK)
    count = -(-count // threads) * threads
    size = -(-members // count)
    count = -(-members // size)
    return np.resize(np.arange(members), (count, size))


def available_threads() -> int:
    """Cores that TensorFlow may use: its own setting, or the number of cores of this machine.

    Example:
        >>> available_threads() >= 1
        True

    Used in: Lab 03b
    """
    chosen = tf.config.threading.get_intra_op_parallelism_threads()
    return chosen or int(os.environ.get("TF_NUM_INTRAOP_THREADS") or 0) or os.cpu_count() or 1


def initial_weights(architecture: Architecture, dimension: int, seed: int) -> list[NDArray[np.float32]]:
    """Glorot's uniform kernels and zero biases of one member, as Keras starts its dense layers.

    Args:
        architecture: The layers.
        dimension: Number of inputs.
        seed: The member's seed.

    Returns:
        Kernel (fan_in, fan_out) and bias (fan_out,) of each layer in turn, float32.

    Example:
        >>> [weight.shape for weight in initial_weights(Architecture(hidden=(8,)), 2, seed=0)]
        [(2, 8), (8,), (8, 1), (1,)]

    Used in: Lab 03b

    Reference: Glorot and Bengio (2010); lecture 004, "Weight initialization".
    """
    rng = np.random.default_rng([seed, 0])
    sizes = architecture.sizes(dimension)
    weights = []
    for fan_in, fan_out in pairwise(sizes):
        limit = np.sqrt(6 / (fan_in + fan_out))
        weights += [rng.uniform(-limit, limit, (fan_in, fan_out)), np.zeros(fan_out)]
    return [weight.astype(np.float32) for weight in weights]


def batch_order(n: int, architecture: Architecture, seed: int) -> NDArray[np.int32]:
    """Which points one member sees in each step: pass after pass over its data, each in a new random order.

    Batches are cut from the endless stream of passes, so that all have the same size; where n is below the batch size,
    each batch is the whole data set.

    Args:
        n: Number of points.
        architecture: Gives the batch size and the number of steps.
        seed: The member's seed.

    Returns:
        Row numbers, shape (steps, min(n, batch_size)), int32.

    Example:
        >>> batch_order(3, Architecture(steps=4, batch_size=2), seed=0).shape
        (4, 2)

    Used in: Lab 03b

    Reference: Lecture 004, "Stochastic gradient descent".
    """
    size = min(n, architecture.batch_size)
    passes = -(-architecture.steps * size // n)
    order = np.tile(np.arange(n, dtype=np.int32), (passes, 1))
    order = np.random.default_rng([seed, 1]).permuted(order, axis=1)
    return order.ravel()[: architecture.steps * size].reshape(architecture.steps, size)


def _pad_rows(array: NDArray, rows: int) -> NDArray:
    return np.pad(array, [(0, rows - len(array)), *[(0, 0)] * (array.ndim - 1)])
