"""Training a network: mini-batches, epochs, early stopping, and what to do when the loss leaves the finite numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from dlcourse.foundations.network import FeedForwardNetwork
from dlcourse.foundations.optimizers import Optimizer
from dlcourse.progress import track


@dataclass
class History:
    """What a training run leaves on record, one entry an epoch.

    Attributes:
        loss: mean training loss, as met during the epoch (with dropout on, where there is any).
        validation_loss: loss on the validation set after the epoch, dropout off.
        validation_score: accuracy or R^2 on the validation set after the epoch.
        best_epoch: the epoch (from 1) with the lowest validation loss so far; `None` without a validation set.
        diverged: whether a loss or a weight stopped being finite.

    Used in: Lab 02
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_score: list[float] = field(default_factory=list)
    best_epoch: int | None = None
    diverged: bool = False


@dataclass(frozen=True)
class Validation:
    """A validation set and how to score it.

    Attributes:
        x: inputs, shape `(n, inputs)`.
        t: targets, shape `(n, outputs)`.
        score: takes outputs and targets, both `(n, outputs)`; higher is better.

    Used in: Lab 02
    """

    x: np.ndarray
    t: np.ndarray
    score: Callable[[np.ndarray, np.ndarray], float]


def train_epoch(
    network: FeedForwardNetwork,
    optimizer: Optimizer,
    x: np.ndarray,
    t: np.ndarray,
    rng: np.random.Generator,
    batch_size: int | None = 32,
    shuffle: bool = True,
) -> float:
    """Shows every sample to the network once: forward, backward, update, a mini-batch at a time.

    Args:
        network: the network, changed in place.
        optimizer: makes the steps; keeps its state from epoch to epoch.
        x: inputs, shape `(n, inputs)`, of the network's dtype.
        t: targets, shape `(n, outputs)`, of the network's dtype.
        rng: draws the order and the dropout masks.
        batch_size: samples a step; 1 is the slides' sequential updating, `None` the whole batch.
        shuffle: whether the order is drawn anew. The whole batch has no order.

    Returns:
        The mean loss over the samples. NaN or infinity as soon as one batch has it; its step is not made.

    Example:
        >>> from dlcourse.foundations.optimizers import GradientDescent
        >>> network = FeedForwardNetwork((1, 1))
        >>> x = np.array([[1.0], [2.0]])
        >>> for _ in range(200):
        ...     loss = train_epoch(network, GradientDescent(0.1), x, 3 * x, np.random.default_rng(0), batch_size=None)
        >>> bool(loss < 1e-3)
        True

    Used in: Lab 02

    Reference: summer school slides, "Mini-batches while training".
    """
    n = len(x)
    size = n if batch_size is None else min(batch_size, n)
    order = rng.permutation(n) if shuffle and size < n else None
    total = 0.0
    for start in range(0, n, size):
        batch = slice(start, start + size) if order is None else order[start : start + size]
        x_batch, t_batch = x[batch], t[batch]
        phase = network.forward(x_batch, rng)
        loss = network.loss(phase, t_batch)
        if not math.isfinite(loss):
            return loss
        network.backward(phase, t_batch)
        optimizer.step(network.parameters, network.gradient)
        total += loss * len(x_batch)
    return total / n


def train(
    network: FeedForwardNetwork,
    optimizer: Optimizer,
    x: np.ndarray,
    t: np.ndarray,
    rng: np.random.Generator,
    *,
    epochs: int,
    batch_size: int | None = 32,
    shuffle: bool = True,
    validation: Validation | None = None,
    patience: int | None = None,
    history: History | None = None,
    verbose: bool = False,
) -> History:
    """Trains for a number of epochs, or until the validation loss has stopped falling.

    With `patience`, training ends after so many epochs in a row without a new lowest validation loss, and the weights
    of the best epoch come back. Where the loss or a weight is no longer finite, training ends too, with the best
    weights (with `patience`) or those of the last epoch that ended well.

    Args:
        network: the network, changed in place.
        optimizer: makes the steps.
        x: inputs, shape `(n, inputs)`, of the network's dtype.
        t: targets, shape `(n, outputs)`, of the network's dtype.
        rng: draws orders and dropout masks.
        epochs: largest number of passes over the training set.
        batch_size: samples a step, or `None` for all.
        shuffle: whether each epoch has a new order.
        validation: a set to measure after each epoch.
        patience: epochs to wait for a new best, or `None` for no early stopping.
        history: record to go on with.
        verbose: whether to show a progress bar.

    Returns:
        The record.

    Raises:
        ValueError: if `patience` is given without `validation`.

    Example:
        >>> from dlcourse.foundations.optimizers import GradientDescent
        >>> x = np.array([[1.0], [2.0]])
        >>> history = train(
        ...     FeedForwardNetwork((1, 1)), GradientDescent(0.1), x, 3 * x, np.random.default_rng(0), epochs=5
        ... )
        >>> len(history.loss), history.loss[0] > history.loss[-1]
        (5, True)

    Used in: Lab 02

    Reference: Prechelt, "Early stopping - but when?" (1998); summer school slides, "Early stopping" and "Recipe for
    using MLP (IV)".
    """
    if patience is not None and validation is None:
        raise ValueError(f"patience={patience} watches the validation loss: give a validation set too")
    history = History() if history is None else history
    last_good = network.parameters.copy()
    best, best_loss, waited = last_good, math.inf, 0
    passes: Iterable[int] = range(epochs)
    bar = track(passes, "training", unit="epoch") if verbose else None

    # Overflow on the way to divergence is reported once, by `diverged`, and not by a warning an operation.
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in passes if bar is None else bar:
            loss = train_epoch(network, optimizer, x, t, rng, batch_size, shuffle)
            figures = {"loss": loss}
            history.loss.append(loss)
            finite = math.isfinite(loss) and bool(np.isfinite(network.parameters).all())
            if finite and validation is not None:
                phase = network.forward(validation.x)
                figures["validation_loss"] = network.loss(phase, validation.t)
                finite = math.isfinite(figures["validation_loss"])
            if not finite:
                history.diverged = True
                network.parameters[:] = last_good
                break
            last_good = network.parameters.copy()
            if validation is not None:
                history.validation_loss.append(figures["validation_loss"])
                history.validation_score.append(validation.score(phase.outputs, validation.t))
                waited += 1
                if figures["validation_loss"] < best_loss:
                    best, best_loss, waited = last_good, figures["validation_loss"], 0
                    history.best_epoch = len(history.loss)
            if bar is not None:
                bar.set_postfix(figures)
            if patience is not None and waited >= patience:
                break

    if bar is not None:
        bar.close()
    if patience is not None:
        network.parameters[:] = best
    return history
