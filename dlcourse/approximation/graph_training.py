"""Training a Keras model with the whole epoch inside one compiled call: for small networks, several times as fast.

`Model.fit` goes back to Python after every batch, which costs about a millisecond; a small network needs a tenth of
that for its arithmetic. Here the loop over the batches is part of the TensorFlow graph.

Used in: Lab 04

Reference: Lecture 004, "A SEMI-COMPREHENSIVE TF TOUR".
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from dlcourse.arguments import check_count

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def fit_in_graph(
    model: keras.Model,
    X: ArrayLike,
    y: ArrayLike,
    loss: Loss,
    optimizer: keras.optimizers.Optimizer,
    *,
    epochs: int,
    batch_size: int = 64,
    seed: int = 0,
    on_epoch: Callable[[int, float], object] | None = None,
) -> NDArray[np.float64]:
    r"""Trains `model` by mini-batches, each epoch in one compiled call.

    .. math:: \theta \leftarrow \theta - \eta\, \nabla_\theta
        \Big( \tfrac1B \sum_{i \in \text{batch}} \ell(y_i, f_\theta(x_i)) + \text{penalties} \Big)

    with whatever the optimizer makes of the gradient. Rows are shuffled before every epoch; the last batch of an epoch
    may be smaller. The model is changed in place, as by `Model.fit`; it need not be compiled. Layers that differ in
    training (dropout, batch normalisation) do so here; penalties of `kernel_regularizer` count.

    Args:
        model: a built Keras model.
        X: inputs, shape (n, d), finite; taken as float32.
        y: targets, n rows. Integers stay integers, everything else becomes float32.
        loss: maps (targets of a batch, outputs of the model) to a number, as the loss objects of Keras do.
        optimizer: a fresh Keras optimizer.
        epochs: passes over the data, at least 1.
        batch_size: B in the slides, at least 1.
        seed: of the shuffling. The initial weights and the dropout masks are the model's own affair.
        on_epoch: called after every epoch with its number, from 0, and its loss.

    Returns:
        Mean loss of every epoch over its batches, penalties included, shape (epochs,), float64.

    Raises:
        TypeError: if a count is no integer.
        ValueError: if lengths differ, there are no rows, a count is out of range, or an input or a target is not
            finite.
        FloatingPointError: if the loss of an epoch is not finite. The model then has the weights of the epoch before.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> X = np.linspace(-1, 1, 64).reshape(-1, 1)
        >>> squares = keras.losses.MeanSquaredError()
        >>> losses = fit_in_graph(model, X, 3 * X, squares, keras.optimizers.SGD(0.2), epochs=60, batch_size=16)
        >>> losses.shape, bool(losses[-1] < 1e-3)
        ((60,), True)

    Used in: Lab 04

    Reference: Lecture 004, "A SEMI-COMPREHENSIVE TF TOUR".
    """
    inputs, targets = _as_tensors(X, y)
    epochs, batch_size = check_count("epochs", epochs), check_count("batch_size", batch_size)
    rng = np.random.default_rng(check_count("seed", seed, minimum=0))
    rows = int(inputs.shape[0])
    batches = -(-rows // batch_size)
    # Slot variables cannot be made inside the graph.
    optimizer.build(model.trainable_variables)

    @tf.function
    def run_epoch(order: tf.Tensor) -> tf.Tensor:
        total = tf.constant(0.0)
        for start in tf.range(0, rows, batch_size):
            batch = order[start : start + batch_size]
            with tf.GradientTape() as tape:
                outputs = model(tf.gather(inputs, batch), training=True)
                value = tf.reduce_mean(loss(tf.gather(targets, batch), outputs))
                value = tf.add_n([value, *model.losses])
            gradients = tape.gradient(value, model.trainable_variables)
            optimizer.apply(gradients, model.trainable_variables)
            total += value
        return total / batches

    losses = np.empty(epochs)
    for epoch in range(epochs):
        before = model.get_weights()
        order = tf.constant(rng.permutation(rows), tf.int32)
        losses[epoch] = float(run_epoch(order))
        if not np.isfinite(losses[epoch]):
            model.set_weights(before)
            raise FloatingPointError(
                f"the loss became {losses[epoch]} in epoch {epoch}; the model keeps the weights from before that epoch."
                " Try a smaller learning rate."
            )
        if on_epoch is not None:
            on_epoch(epoch, float(losses[epoch]))
    return losses


def _as_tensors(X: ArrayLike, y: ArrayLike) -> tuple[tf.Tensor, tf.Tensor]:
    X, y = np.asarray(X), np.asarray(y)
    if X.ndim != 2 or y.ndim not in (1, 2) or len(X) != len(y) or len(X) == 0:
        raise ValueError(
            f"X must have shape (n, d) and y one row for each of them, n >= 1; got shapes {X.shape} and {y.shape}."
        )
    for name, array in (("X", X), ("y", y)):
        if array.dtype.kind not in "biuf":
            raise ValueError(f"{name} must hold numbers, got the type {array.dtype}. Encode text columns first.")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite, got NaN or infinity. Remove or fill in those rows.")
    return tf.constant(X, tf.float32), tf.constant(y, tf.int64 if y.dtype.kind in "iu" else tf.float32)
