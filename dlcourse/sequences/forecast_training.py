"""Training a forecasting network: an epoch in one compiled call, saved after each, so that a killed run goes on.

The series stays in memory once; every step gathers its batch of windows from it inside the compiled loop. The data
order of an epoch is a function of seed and epoch alone, and the checkpoint holds everything else: weights, the states
of optimiser and dropout, the running average of the weights and the best of them. A resumed run ends where it would
have ended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dlcourse.checkpoints import Checkpoint, CheckpointFolder
from dlcourse.progress import track
from dlcourse.sequences.windows import Windows

Loss = Literal["absolute", "squared"]


@dataclass(frozen=True)
class TrainingPlan:
    """How a forecasting network is trained.

    Args:
        epochs: passes over the training windows, at least 1.
        batch: windows a step, at least 1; the windows that fill no batch wait for the next epoch's order.
        learning_rate: of Adam at the start, above 0; it falls to zero along half a cosine.
        loss: "absolute" or "squared" error.
        averaging: share of the running average of the weights that stays at each step, in [0, 1); validation sees the
            average, and 0 means the weights themselves.
        clip: largest norm of a step's gradient, above 0.
        weight_decay: share by which weights shrink a step, relative to the learning rate, 0 or more.
        patience: epochs without a better validation loss after which training stops; 0 never stops early.
        xla: whether XLA compiles the steps. They take less than half the time then, after seconds of compilation that a
            tiny network does not earn back.

    Raises:
        ValueError: for a value outside its range.

    Used in: Lab 05b
    """

    epochs: int = 12
    batch: int = 128
    learning_rate: float = 2e-3
    loss: Loss = "absolute"
    averaging: float = 0.99
    clip: float = 1.0
    weight_decay: float = 0.0
    patience: int = 0
    xla: bool = True

    def __post_init__(self) -> None:
        bounds: dict[str, tuple[Callable[[Any], bool], str]] = {
            "epochs": (lambda value: value >= 1, "at least 1"),
            "batch": (lambda value: value >= 1, "at least 1"),
            "learning_rate": (lambda value: value > 0, "above 0"),
            "loss": (lambda value: value in ("absolute", "squared"), "'absolute' or 'squared'"),
            "averaging": (lambda value: 0 <= value < 1, "in [0, 1)"),
            "clip": (lambda value: value > 0, "above 0"),
            "weight_decay": (lambda value: value >= 0, "0 or more"),
            "patience": (lambda value: value >= 0, "0 or more"),
        }
        for name, (holds, wanted) in bounds.items():
            if not holds(getattr(self, name)):
                raise ValueError(f"{name} must be {wanted}, got {getattr(self, name)!r}.")


@dataclass
class TrainingCurve:
    """What a training went through.

    Attributes:
        train: training loss of each epoch, the mean over its steps.
        validation: validation loss after each epoch.
        best_epoch: the epoch, from 1 on, whose weights the network has in the end; 0 stands for the start.
        best: its validation loss.
    """

    train: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    best_epoch: int = 0
    best: float = float("inf")


class DivergedError(ArithmeticError):
    """Training met NaN or infinity; the network has its best weights so far."""


def train_network(
    model: keras.Model,
    train: Windows,
    validation: Windows,
    plan: TrainingPlan,
    *,
    horizon_weights: Sequence[float] | None = None,
    seed: int = 0,
    checkpoints: CheckpointFolder | None = None,
    progress: bool = True,
) -> TrainingCurve:
    """Trains a network that maps windows to the target's change from now.

    .. math:: L = \\frac{1}{B H} \\sum_{b, h} w_h |N(x_b)_h - (y_{b, h} - y_{b, 0})|^p

    with p = 1 or 2 and the last known value y_0. The network ends with the averaged weights of its best epoch on the
    validation windows, the untrained network included.

    Args:
        model: maps (batch, history, columns) to (batch, horizons); changed in place.
        train: windows to learn from.
        validation: windows to choose the epoch on.
        plan: the recipe.
        horizon_weights: w, shape (horizons,), positive; None weighs all alike.
        seed: of the data order, a non-negative integer.
        checkpoints: where the state is saved after each epoch; a run that finds its own state there goes on from it.
        progress: whether to draw a bar.

    Returns:
        The curve of losses.

    Raises:
        ValueError: for fewer training windows than a batch, or weights that do not fit.
        DivergedError: when a loss is NaN or infinite; the message names epoch and step.

    Used in: Lab 05b
    """
    if len(train) < plan.batch:
        raise ValueError(f"batch must be at most {len(train)}, the number of training windows, got {plan.batch}.")
    weights = np.ones(len(train.horizons)) if horizon_weights is None else np.asarray(horizon_weights, dtype=float)
    if weights.shape != (len(train.horizons),) or not (np.isfinite(weights).all() and (weights > 0).all()):
        raise ValueError(f"horizon_weights must be {len(train.horizons)} positive numbers, got {horizon_weights!r}.")
    program = EpochProgram(model, train, plan, weights)
    validate = _compile_validation(model, validation, plan, weights)
    state = _State(model, program.optimizer, program.average)
    curve = TrainingCurve()
    saved = checkpoints.load() if checkpoints is not None else None
    if saved is not None:
        curve = state.restore(saved)
    elif np.isfinite(start := validate()):
        curve.best = start
    epochs = range(len(curve.train), plan.epochs)
    bar = track(epochs, "training", unit="epoch") if progress else epochs
    for epoch in bar:
        if plan.patience and epoch - curve.best_epoch >= plan.patience:
            break
        losses = program.run(train.order(seed, epoch), epoch)
        loss = state.with_average(validate)
        if not (np.isfinite(losses).all() and np.isfinite(loss)):
            state.take_best()
            broken = np.flatnonzero(~np.isfinite(losses))
            raise DivergedError(
                f"the loss is not finite in epoch {epoch + 1}, step {broken[0] + 1 if len(broken) else len(losses)}. "
                f"The network keeps its best weights, of epoch {curve.best_epoch}. Lower learning_rate, now "
                f"{plan.learning_rate:g}."
            )
        curve.train.append(float(losses.mean()))
        curve.validation.append(loss)
        if loss < curve.best:
            curve.best, curve.best_epoch = loss, epoch + 1
            state.keep_best()
        if checkpoints is not None:
            checkpoints.save(epoch + 1, state.arrays(), asdict(curve))
        if progress:
            bar.set_postfix(validation=f"{loss:.4f}")  # type: ignore[union-attr]
    state.take_best()
    return curve


class EpochProgram:
    """All steps of an epoch as one compiled call, by XLA unless the plan says otherwise.

    Args:
        model: maps (batch, history, columns) to (batch, horizons); `run` changes it.
        windows: what it learns from.
        plan: the recipe.
        weights: of the horizons in the loss, shape (horizons,); None weighs all alike.

    Attributes:
        optimizer: Adam, with its state.
        average: the running averages of the model's trainable variables.

    Used in: Lab 05b
    """

    def __init__(
        self, model: keras.Model, windows: Windows, plan: TrainingPlan, weights: NDArray[np.float64] | None = None
    ) -> None:
        self.windows, self.batch, self.steps = windows, plan.batch, len(windows) // plan.batch
        self.optimizer = keras.optimizers.Adam(plan.learning_rate, weight_decay=plan.weight_decay or None)
        self.optimizer.build(model.trainable_variables)
        self.average = [tf.Variable(variable) for variable in model.trainable_variables]
        self._compiled = self._compile(model, plan, np.ones(len(windows.horizons)) if weights is None else weights)

    def run(self, order: NDArray[np.int64], epoch: int) -> NDArray[np.float32]:
        """Takes the steps of one epoch.

        Args:
            order: positions of the windows in the order in which they come, such as `windows.order(seed, epoch)`.
            epoch: how many were before, for the falling learning rate.

        Returns:
            The loss of each step, shape (steps,).
        """
        rows = self.windows.origins[order[: self.steps * self.batch]].reshape(self.steps, self.batch)
        return self._compiled(tf.constant(rows, tf.int32), tf.constant(epoch * self.steps, tf.float32)).numpy()

    def _compile(
        self, model: keras.Model, plan: TrainingPlan, weights: NDArray[np.float64]
    ) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
        gather = _gatherer(self.windows)
        variables, steps, optimizer, average = model.trainable_variables, self.steps, self.optimizer, self.average
        total = float(steps * plan.epochs)

        @tf.function(jit_compile=plan.xla)
        def run(origins: tf.Tensor, done: tf.Tensor) -> tf.Tensor:
            losses = tf.TensorArray(tf.float32, steps, element_shape=())
            for step in tf.range(steps):
                x, change = gather(origins[step])
                with tf.GradientTape() as tape:
                    loss = _loss(model(x, training=True), change, plan.loss, weights)
                gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, variables), plan.clip)
                now = done + tf.cast(step, tf.float32)
                optimizer.learning_rate.assign(plan.learning_rate * 0.5 * (1.0 + tf.cos(np.pi * now / total)))
                optimizer.apply(gradients, variables)
                # As long as there are few steps behind, the average forgets the start faster.
                share = tf.minimum(plan.averaging, (1.0 + now) / (10.0 + now))
                for mean, variable in zip(average, variables, strict=True):
                    mean.assign(share * mean + (1.0 - share) * variable)
                losses = losses.write(step, loss)
            return losses.stack()

        return run


def _compile_validation(
    model: keras.Model, windows: Windows, plan: TrainingPlan, weights: NDArray[np.float64], batch: int = 1024
) -> Callable[[], float]:
    gather = _gatherer(windows)

    @tf.function
    def part(origins: tf.Tensor) -> tf.Tensor:
        x, change = gather(origins)
        return _loss(model(x, training=False), change, plan.loss, weights) * tf.cast(len(origins), tf.float32)

    def validate() -> float:
        parts = [windows.origins[start : start + batch] for start in range(0, len(windows), batch)]
        return sum(float(part(tf.constant(origins, tf.int32))) for origins in parts) / len(windows)

    return validate


def _gatherer(windows: Windows) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    inputs, targets = tf.constant(windows.inputs), tf.constant(windows.targets[:, 0])
    offsets, horizons = tf.constant(windows.offsets, tf.int32), tf.constant(windows.horizons, tf.int32)

    def gather(origins: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        now = origins[:, None] - 1
        return tf.gather(inputs, now + 1 + offsets), tf.gather(targets, now + horizons) - tf.gather(targets, now)

    return gather


def _loss(forecasts: tf.Tensor, change: tf.Tensor, kind: Loss, weights: NDArray[np.float64]) -> tf.Tensor:
    errors = forecasts - change
    errors = tf.abs(errors) if kind == "absolute" else tf.square(errors)
    return tf.reduce_mean(errors * tf.constant(weights, tf.float32))


class _State:
    """All that a training changes, as arrays: of the network, the optimiser, the average and the best weights."""

    def __init__(self, model: keras.Model, optimizer: keras.optimizers.Optimizer, average: list[tf.Variable]) -> None:
        # The states of dropout's random generators are no weights, and a resumed run needs them too.
        self.variables = {"model": model.variables, "optimizer": optimizer.variables, "average": average}
        self.model = model
        self.average = average
        self.best = [variable.numpy() for variable in model.trainable_variables]

    def keep_best(self) -> None:
        self.best = [variable.numpy() for variable in self.average]

    def take_best(self) -> None:
        _assign(self.model.trainable_variables, self.best)

    def with_average(self, measure: Callable[[], float]) -> float:
        own = [variable.numpy() for variable in self.model.trainable_variables]
        _assign(self.model.trainable_variables, [variable.numpy() for variable in self.average])
        value = measure()
        _assign(self.model.trainable_variables, own)
        return value

    def arrays(self) -> dict[str, np.ndarray]:
        arrays = {
            f"{group}_{place}": variable.numpy()
            for group, variables in self.variables.items()
            for place, variable in enumerate(variables)
        }
        return arrays | {f"best_{place}": array for place, array in enumerate(self.best)}

    def restore(self, saved: Checkpoint) -> TrainingCurve:
        for group, variables in self.variables.items():
            _assign(variables, [saved.arrays[f"{group}_{place}"] for place in range(len(variables))])
        self.best = [saved.arrays[f"best_{place}"] for place in range(len(self.best))]
        return TrainingCurve(**saved.state)


def _assign(variables: Sequence[Any], values: Sequence[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def checkpoint_folder(folder: Path | None, settings: dict[str, Any]) -> CheckpointFolder | None:
    """The checkpoints of a training with these settings; None where none are wanted."""
    return None if folder is None else CheckpointFolder(folder, settings)
