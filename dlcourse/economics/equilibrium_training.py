"""Training a network on the equilibrium conditions: simulation and gradient step fused in one compiled loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from dlcourse.checkpoints import CheckpointFolder
from dlcourse.economics.equilibrium_net import EquilibriumNet
from dlcourse.economics.equilibrium_residuals import EquilibriumConditions
from dlcourse.economics.two_asset_net import TwoAssetNet
from dlcourse.economics.two_asset_residuals import TwoAssetConditions
from dlcourse.progress import track

AnyNet = EquilibriumNet | TwoAssetNet
"""The networks that `train` trains: lab 08's and lab 08b's."""

CHUNK = 200
"""Steps of one compiled call: between calls there is time for the progress bar, checkpoints and the clock."""

_COLUMNS = ("step", "loss", "mean_error", "maximum_error", "capital", "learning_rate")


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained.

    Args:
        paths: economies simulated side by side; each gives one state a step.
        learning_rate: of Adam, at its height.
        final_learning_rate: at the last step; the way there is half a cosine.
        warm_up: steps over which the rate rises from zero.
        clip_norm: the gradient is shortened to this length where it is longer.
        seed: of shocks and starts.
    """

    paths: int = 128
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-5
    warm_up: int = 100
    clip_norm: float = 1.0
    seed: int = 0

    @classmethod
    def of(cls, net: AnyNet, **changes: Any) -> TrainingSettings:
        """The settings that suit a network, with changes.

        A correction of a linear policy begins where most of the work is done: two assets are warmed up to for longer,
        and the rate falls further.
        """
        suited = {"final_learning_rate": 1e-6, "warm_up": 1_000} if isinstance(net, TwoAssetNet) else {}
        return cls(**suited | changes)

    def __post_init__(self) -> None:
        if self.paths < 1 or self.warm_up < 0 or self.seed < 0:
            raise ValueError(f"paths={self.paths}, warm_up={self.warm_up}, seed={self.seed}: at least 1, 0 and 0")
        if not 0 < self.final_learning_rate <= self.learning_rate or not self.clip_norm > 0:
            raise ValueError(
                f"learning_rate={self.learning_rate}, final_learning_rate={self.final_learning_rate}, "
                f"clip_norm={self.clip_norm}: all positive, and the final rate not above the first"
            )


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What `train` returns.

    Attributes:
        history: one row every 200 steps, as arrays: "step", "loss", "mean_error" and "maximum_error" (fractions of
            consumption, over the states visited since the last row), "capital" (mean K), "learning_rate".
        steps: gradient steps taken in all, earlier runs of the same checkpoints included.
        seconds: wall time of this call, compilation included.
        reached: whether `target_error` ended the training.
    """

    history: dict[str, np.ndarray]
    steps: int
    seconds: float
    reached: bool


class TrainingBrokeError(ArithmeticError):
    """The loss was no number, or capital ran out. The network holds the last good weights; the message names step and
    state."""


def train(
    net: AnyNet,
    *,
    steps: int | None = None,
    minutes: float | None = None,
    target_error: float | None = None,
    settings: TrainingSettings | None = None,
    checkpoints: str | Path | None = None,
    on_chunk: Callable[[dict[str, float]], None] | None = None,
    runner: Callable[[AnyNet, TrainingSettings, CheckpointFolder | None], TrainingRun] | None = None,
) -> TrainingResult:
    """Trains a network on the states that its own policy leads to.

    Every step takes one state from each path, computes the conditions there (all shocks of the next period at once),
    moves the weights against the gradient and every path to its next state. The savings of the loss's own forward pass
    are the next capital, so the simulation costs nothing. 200 steps are one compiled call.

    Args:
        net: the network, of one asset or two; its weights change.
        steps: gradient steps, at least 1; or
        minutes: how long, compilation included. The number of steps is then set from the speed of the first calls, so
            that the learning rate still falls by step; it is the only figure here that depends on the machine.
        target_error: stops when the mean |residual| over 200 steps is below this fraction.
        settings: batch, learning rate, seed; `TrainingSettings.of(net)` without them.
        checkpoints: folder; the run resumes from there after an interruption and gives the same result.
        on_chunk: called with each new row of the history, for a live plot.
        runner: what takes the steps, `TrainingRun` without it; `multi_worker.train_on_workers` gives another one.

    Returns:
        History and how it ended.

    Raises:
        ValueError: if not exactly one of `steps` and `minutes` is given, or it is not positive.
        TrainingBrokeError: if the loss turns into NaN or a path runs out of capital.
        CheckpointMismatchError: if the folder belongs to a run with other settings.

    Used in: Labs 08 and 08b

    Reference: Lecture 004, "DEEP EQUILIBRIUM NETS", Algorithm 1, of which this is the version with many short paths.
    """
    if (steps is None) == (minutes is None) or (steps or minutes or 0) <= 0:
        raise ValueError(f"steps={steps}, minutes={minutes}: give exactly one of them, and more than 0")
    started = time.perf_counter()
    chosen = settings or TrainingSettings.of(net)
    folder = None
    if checkpoints is not None:
        identity = net.settings | asdict(chosen) | {"steps": steps, "minutes": minutes}
        folder = CheckpointFolder(checkpoints, identity | net.economy.identity)
    run = (runner or TrainingRun)(net, chosen, folder)
    if run.total is None:
        run.total = steps if steps is not None else run.estimate(minutes * 60 - (time.perf_counter() - started))
    reached = False
    bar = track(range(math.ceil(run.total / CHUNK)), "equilibrium net", unit="x200 steps")
    for _ in range(run.step // CHUNK):
        bar.update()
    while run.step < run.total and not reached:
        row = run.advance()
        bar.update()
        bar.set_postfix(error=f"{100 * row['mean_error']:.3f} %", K=f"{row['capital']:.4g}")
        if on_chunk is not None:
            on_chunk(row)
        reached = target_error is not None and row["mean_error"] < target_error
    bar.close()
    history = {name: np.array([row[name] for row in run.rows]) for name in _COLUMNS}
    return TrainingResult(history, run.step, time.perf_counter() - started, reached)


class TrainingRun:
    """Weights, Adam's moments and the paths, and how they move on by 200 steps."""

    def __init__(self, net: AnyNet, settings: TrainingSettings, folder: CheckpointFolder | None) -> None:
        self.net, self.settings, self.folder = net, settings, folder
        self.step, self.total, self.rows = 0, None, []
        self.conditions = conditions_of(net)
        zeros = [np.zeros_like(weight) for weight in net.weights]
        self.variables = [*net.weights, *zeros, *zeros, *self.conditions.first_state(settings.paths, settings.seed)]
        saved = None if folder is None else folder.load()
        if saved is not None:
            self.step, self.total, self.rows = saved.step, saved.state["total"], saved.state["rows"]
            self.variables = [saved.arrays[f"array_{i}"] for i in range(len(self.variables))]
            net.constants = {name: saved.arrays[name] for name in net.constants}
            self.conditions = conditions_of(net)
            self._hand_over()
        # Nothing here is for AutoGraph to rewrite, and its reading of the source takes longer than the compiler.
        self._compiled = tf.function(self._chunk, jit_compile=True, autograph=False)

    def estimate(self, seconds: float) -> int:
        """How many steps fit into that time, by the speed of a trial that changes nothing."""
        trial = [tf.constant(array) for array in self.variables]
        numbers = (tf.constant(0), tf.constant(CHUNK), tf.constant(CHUNK))
        before = time.perf_counter()
        self._compiled(trial, *numbers)
        compiled = time.perf_counter()
        self._compiled(trial, *numbers)
        chunk = time.perf_counter() - compiled
        return max(1, int((seconds - (time.perf_counter() - before)) / chunk)) * CHUNK

    def advance(self) -> dict[str, float]:
        """Up to 200 steps; raises where one of them broke."""
        count = min(CHUNK, self.total - self.step)
        tensors = [tf.convert_to_tensor(array) for array in self.variables]
        state, sums, broken = self._compiled(
            tensors, tf.constant(self.step), tf.constant(self.step + count), tf.constant(self.total)
        )
        if int(broken) >= 0:
            self._report_break(int(broken), tensors)
        loss, mean_error, maximum_error, capital = (float(number) for number in sums)
        self.variables = [tensor.numpy() for tensor in state]
        self.step += count
        row = {
            "step": self.step,
            "loss": loss / count,
            "mean_error": mean_error / count,
            "maximum_error": maximum_error,
            "capital": capital / count,
            "learning_rate": float(self._rate(tf.constant(self.step), tf.constant(self.total))),
        }
        self.rows.append(row)
        self._hand_over()
        if self.folder is not None:
            self._save(self._all_paths(self.variables))
        return row

    def _save(self, variables: list[np.ndarray]) -> None:
        arrays = {f"array_{i}": array for i, array in enumerate(variables)}
        self.folder.save(self.step, arrays | self.net.constants, {"total": self.total, "rows": self.rows})

    def _all_paths(self, variables: list[np.ndarray]) -> list[np.ndarray]:
        """Weights, moments and the states of every path; this run has them all."""
        return variables

    def _hand_over(self) -> None:
        self.net.set_weights(self.variables[: len(self.net.weights)])

    def _report_break(self, step: int, before: list[tf.Tensor]) -> None:
        tensors, _, _ = self._compiled(before, tf.constant(self.step), tf.constant(step), tf.constant(self.total))
        shock, capital = self._state(self._all_paths([tensor.numpy() for tensor in tensors]))[:2]
        totals = np.nan_to_num(capital.sum(axis=1), nan=-np.inf)
        path = int(np.argmin(totals))
        raise TrainingBrokeError(
            f"training broke at step {step}: the loss is not finite or capital ran out. Of the states before it, the "
            f"one with the least capital has shock {shock[path]} and K = {capital[path].sum():.6g}. The network holds "
            f"the weights of step {self.step}; try a smaller learning rate or a longer warm-up"
        )

    def _rate(self, step: tf.Tensor, total: tf.Tensor) -> tf.Tensor:
        chosen = self.settings
        done = tf.cast(step, tf.float32)
        low, high = chosen.final_learning_rate, chosen.learning_rate
        falling = low + (high - low) * 0.5 * (1 + tf.cos(math.pi * done / tf.cast(total, tf.float32)))
        return falling * tf.minimum(1.0, (done + 1) / max(chosen.warm_up, 1))

    def _state(self, variables: list[Any]) -> Any:
        """The states of the paths, which stand behind weights and moments."""
        return self.conditions.State(*variables[3 * len(self.net.weights) :])

    def _look(self, weights: list[tf.Tensor], state: NamedTuple, step: tf.Tensor, total: tf.Tensor) -> Any:
        """The gradient of the loss, the residuals, and the state of every path after this step."""
        with tf.GradientTape() as tape:
            tape.watch(weights)
            found = self.conditions.residuals(weights, state, tf.cast(step, tf.float32) / tf.cast(total, tf.float32))
        following = self.conditions.next_state(state, found, self._uniforms(step))
        return tape.gradient(found.loss, weights), found, following

    def _uniforms(self, step: tf.Tensor) -> tf.Tensor:
        return tf.random.stateless_uniform([self.settings.paths], tf.stack([self.settings.seed, step]))

    def _move(
        self, flat: list[tf.Tensor], gradients: list[tf.Tensor], loss: tf.Tensor, step: tf.Tensor, total: tf.Tensor
    ) -> list[tf.Tensor]:
        """Weights and moments after this step; `flat` may hold more than these, behind them."""
        count = len(self.net.weights)
        weights, means, squares = flat[:count], flat[count : 2 * count], flat[2 * count : 3 * count]
        gradients = normalised(gradients, loss, self.settings.clip_norm)
        return _adam(weights, gradients, means, squares, step, self._rate(step, total))

    def _chunk(self, tensors: list[tf.Tensor], first: tf.Tensor, last: tf.Tensor, total: tf.Tensor) -> Any:
        count = len(self.net.weights)

        def body(step: tf.Tensor, broken: tf.Tensor, flat: list[tf.Tensor], sums: list[tf.Tensor]) -> Any:
            gradients, found, following = self._look(flat[:count], self._state(flat), step, total)
            updated = self._move(flat, gradients, found.loss, step, total)
            capital = tf.reduce_sum(following.capital, axis=1)
            fine = tf.math.is_finite(found.loss) & tf.reduce_all(capital > 0)
            figures = [found.loss, tf.reduce_mean(found.errors), tf.reduce_max(found.errors), tf.reduce_mean(capital)]
            added = [sums[0] + figures[0], sums[1] + figures[1], tf.maximum(sums[2], figures[2]), sums[3] + figures[3]]
            return step + 1, tf.where(fine, -1, step), [*updated, *following], added

        def going(step: tf.Tensor, broken: tf.Tensor, *_: Any) -> tf.Tensor:
            return (step < last) & (broken < 0)

        _, broken, state, sums = tf.while_loop(going, body, (first, tf.constant(-1), list(tensors), [0.0] * 4))
        return state, sums, broken


def conditions_of(net: AnyNet) -> EquilibriumConditions | TwoAssetConditions:
    """The equilibrium conditions of a network's economy."""
    return TwoAssetConditions(net) if isinstance(net, TwoAssetNet) else EquilibriumConditions(net)


def normalised(gradients: list[tf.Tensor], loss: tf.Tensor, clip_norm: float) -> list[tf.Tensor]:
    """The gradient of the root of the loss, shortened to `clip_norm` where it is longer.

    The loss falls by a factor of a million and jumps with every rare shock; Adam averages gradients, and of squares the
    largest would be all that it remembers. Taken from the whole batch's gradient and loss, so that workers that share
    a batch average both first.
    """
    rooted = [0.5 * tf.math.rsqrt(loss + 1e-12) * gradient for gradient in gradients]
    return tf.clip_by_global_norm(rooted, clip_norm)[0]


def _adam(
    weights: list[tf.Tensor],
    gradients: list[tf.Tensor],
    means: list[tf.Tensor],
    squares: list[tf.Tensor],
    step: tf.Tensor,
    rate: tf.Tensor,
) -> list[tf.Tensor]:
    """One step of Adam (Kingma and Ba 2015): weights, first and second moments, one list after the other."""
    count = tf.cast(step + 1, tf.float32)
    scale = rate * tf.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    means = [0.9 * mean + 0.1 * gradient for mean, gradient in zip(means, gradients, strict=True)]
    squares = [0.999 * square + 0.001 * gradient**2 for square, gradient in zip(squares, gradients, strict=True)]
    moved = [w - scale * m / (tf.sqrt(s) + 1e-7) for w, m, s in zip(weights, means, squares, strict=True)]
    return [*moved, *means, *squares]
