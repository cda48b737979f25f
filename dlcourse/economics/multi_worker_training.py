"""Training one network on several machines: each simulates a share of the paths, the gradients are averaged."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from dlcourse.checkpoints import CheckpointFolder
from dlcourse.economics.equilibrium_training import (
    AnyNet,
    TrainingResult,
    TrainingRun,
    TrainingSettings,
    conditions_of,
    train,
)
from dlcourse.economics.multi_worker import Workers


def train_on_workers(
    net: AnyNet,
    workers: Workers,
    checkpoints: str | Path,
    *,
    steps: int | None = None,
    minutes: float | None = None,
    target_error: float | None = None,
    settings: TrainingSettings | None = None,
    on_chunk: Callable[[dict[str, float]], None] | None = None,
) -> TrainingResult:
    """`train`, shared out: the same steps on the same states as one process would take, up to rounding.

    Each worker simulates paths / workers of the paths and computes the gradient on their states; a step averages the
    gradients (one all-reduce of one vector) and every worker takes the same Adam step. The chief alone reads and
    writes the checkpoints. They hold the states of all paths, collected from the workers, and not one file a worker:
    one file is either there or not, whichever worker dies when, its reader needs no file system in common, and the
    training may go on with another number of workers, or in one process by `train`.

    Args:
        net: the network; the chief's counts, and all workers end with the same one.
        workers: what `join` returned.
        checkpoints: folder on the chief's machine.
        steps: as for `train`, and the same on all workers; or
        minutes: by the clock of the chief.
        target_error: as for `train`.
        settings: `paths` is the number in all and a multiple of the number of workers.
        on_chunk: called on every worker.

    Returns:
        As `train`; the figures are those of all paths.

    Raises:
        ValueError: if the paths cannot be shared out evenly, or workers were started with different settings.
        WorkersError: if a worker is lost. The checkpoints are whole: start all again.
        TrainingBrokeError: as for `train`, on all workers.

    Used in: docs/cluster.md

    Reference: Lecture 004, "DEEP EQUILIBRIUM NETS", Algorithm 1.
    """
    return train(
        net,
        steps=steps,
        minutes=minutes,
        target_error=target_error,
        settings=settings,
        checkpoints=checkpoints,
        on_chunk=on_chunk,
        runner=partial(SharedRun, workers),
    )


class SharedRun(TrainingRun):
    """A `TrainingRun` of which each worker holds the weights and a share of the paths.

    XLA does not compile an all-reduce between processes on CPUs. So the loop over steps is an ordinary TensorFlow loop;
    what is before the all-reduce (simulation and gradient) and what is after it (Adam) are one compiled kernel each.

    Args:
        workers: who shares.
        net: the network.
        settings: of the whole training.
        folder: of the checkpoints; only the chief touches it.
    """

    def __init__(self, workers: Workers, net: AnyNet, settings: TrainingSettings, folder: CheckpointFolder) -> None:
        self.workers = workers
        problem = None
        if settings.paths % workers.count:
            problem = f"paths={settings.paths} cannot be shared out evenly among {workers.count} workers"
        else:
            try:
                # The others may not see the chief's files, and start from what it tells them.
                super().__init__(net, settings, folder if workers.chief else None)
            except ValueError as error:
                problem = str(error)
        workers.refuse_together(problem)
        told = workers.tell({"settings": folder.settings, "step": self.step, "total": self.total, "rows": self.rows})
        workers.refuse_together(_difference(workers.index, told["settings"], folder.settings))
        self.folder = folder
        self.step, self.total, self.rows = told["step"], told["total"], told["rows"]
        self.share = settings.paths // workers.count
        self._take_over()
        self._compiled = tf.function(self._chunk, autograph=False)
        self._compiled_look = tf.function(self._look_and_pack, jit_compile=True, autograph=False)
        self._compiled_move = tf.function(self._unpack_and_move, jit_compile=True, autograph=False)

    def estimate(self, seconds: float) -> int:
        """How many steps fit into that time, by the chief's clock."""
        return self.workers.tell(super().estimate(seconds))

    def advance(self) -> dict[str, float]:
        """Up to 200 steps of all workers; raises where one of them broke or is lost."""
        with self.workers.watched(f"taking the steps after {self.step}"):
            return super().advance()

    def _take_over(self) -> None:
        """The chief's network, moments and paths, of which this worker keeps its share."""
        constants, learned = self.net.constants, 3 * len(self.net.weights)
        with self.workers.watched("receiving the chief's state"):
            parts = [
                self.workers.from_chief(tf.constant(part, tf.float32)).numpy()
                for part in [*constants.values(), *self.variables]
            ]
        told, variables = parts[: len(constants)], parts[len(constants) :]
        mine = slice(self.workers.index * self.share, (self.workers.index + 1) * self.share)
        shock, *holdings = (part[mine] for part in variables[learned:])
        self.variables = [*variables[:learned], shock.astype(np.int32), *holdings]
        if not self.workers.chief:
            self.net.constants = {name: part.astype(np.float64) for name, part in zip(constants, told, strict=True)}
            self.conditions = conditions_of(self.net)
        self._hand_over()

    def _save(self, variables: list[np.ndarray]) -> None:
        if self.workers.chief:
            super()._save(variables)

    def _all_paths(self, variables: list[np.ndarray]) -> list[np.ndarray]:
        learned, (shock, *holdings) = variables[: 3 * len(self.net.weights)], self._state(variables)
        whole = self.workers.gather(np.concatenate([shock[:, None].astype(np.float32), *holdings], axis=1))
        parts = np.split(whole[:, 1:], len(holdings), axis=1)
        return [*learned, whole[:, 0].astype(np.int32), *parts]

    def _uniforms(self, step: tf.Tensor) -> tf.Tensor:
        """Everybody draws for all paths and takes its own: the paths do not depend on the number of workers."""
        return super()._uniforms(step)[self.workers.index * self.share : (self.workers.index + 1) * self.share]

    def _look_and_pack(
        self, weights: list[tf.Tensor], state: NamedTuple, step: tf.Tensor, total: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, NamedTuple]:
        gradients, found, following = self._look(weights, state, step, total)
        capital = tf.reduce_sum(following.capital, axis=1)
        fine = tf.math.is_finite(found.loss) & tf.reduce_all(capital > 0)
        figures = [found.loss, tf.reduce_mean(found.errors), tf.reduce_mean(capital), 1 - tf.cast(fine, tf.float32)]
        packed = tf.concat([tf.reshape(part, [-1]) for part in [*gradients, tf.stack(figures)]], axis=0)
        return packed / self.workers.count, tf.reduce_max(found.errors), following

    def _unpack_and_move(
        self, flat: list[tf.Tensor], packed: tf.Tensor, step: tf.Tensor, total: tf.Tensor
    ) -> tuple[list[tf.Tensor], tf.Tensor]:
        shapes = [weight.shape for weight in self.net.weights]
        *parts, figures = tf.split(packed, [*(int(np.prod(shape)) for shape in shapes), 4])
        gradients = [tf.reshape(part, shape) for part, shape in zip(parts, shapes, strict=True)]
        return self._move(flat, gradients, figures[0], step, total), figures

    def _chunk(self, tensors: list[tf.Tensor], first: tf.Tensor, last: tf.Tensor, total: tf.Tensor) -> Any:
        count = len(self.net.weights)

        def body(step: tf.Tensor, broken: tf.Tensor, flat: list[tf.Tensor], sums: list[tf.Tensor]) -> Any:
            packed, largest, following = self._compiled_look(flat[:count], self._state(flat), step, total)
            updated, figures = self._compiled_move(flat[: 3 * count], self.workers.total(packed), step, total)
            added = [sums[0] + figures[0], sums[1] + figures[1], tf.maximum(sums[2], largest), sums[3] + figures[2]]
            return step + 1, tf.where(figures[3] > 0, step, -1), [*updated, *following], added

        def going(step: tf.Tensor, broken: tf.Tensor, *_: Any) -> tf.Tensor:
            return (step < last) & (broken < 0)

        _, broken, state, sums = tf.while_loop(going, body, (first, tf.constant(-1), list(tensors), [0.0] * 4))
        sums[2] = tf.reduce_max(self.workers.strategy.gather(sums[2][None], axis=0))
        # Processors of different make round differently: without this the workers' weights would part in time.
        weights = [self.workers.from_chief(part) for part in state[: 3 * count]]
        return [*weights, *state[3 * count :]], sums, broken


def _difference(index: int, chief: dict[str, Any], own: dict[str, Any]) -> str | None:
    names = [name for name in {**chief, **own} if chief.get(name) != own.get(name)]
    if not names:
        return None
    changes = ", ".join(f"{name} is {chief.get(name)!r} there and {own.get(name)!r} here" for name in names)
    return f"worker {index} was started with other settings than the chief ({changes}): give all the same command"
