"""How long does a cell remember? One small network for each lag, trained on the adding problem in seconds.

Used in: Lab 05

Reference: Hochreiter and Schmidhuber, "Long short-term memory" (1997), experiment 4; Lecture 004, "RNN" to "LSTM
OUTPUT".
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dlcourse.arguments import check_count, check_name, check_positive
from dlcourse.progress import track
from dlcourse.sequences.memory_tasks import ADDING_BASELINE, MemoryTask, adding_problem
from dlcourse.sequences.recurrent import LSTMCell, SimpleRNNCell
from dlcourse.sequences.unrolling import UnrolledCell, adam_update

CELLS = {"simple_rnn": SimpleRNNCell, "lstm": LSTMCell, "gru": keras.layers.GRUCell}
# Tried with three seeds each. Simple: .0003, .001, .003, .01, .03 at lags 10 to 100; .01 has the lowest median at 20,
# and none learns anything at 50 or 100. LSTM: .01, .02, .03 at 10, 50 and 100; all learn, .01 later than the others.
# GRU: .01 and .02 at 5 to 100; both learn, .02 sooner.
LEARNING_RATES = {"simple_rnn": 0.01, "lstm": 0.02, "gru": 0.02}
# Steps in one call of the compiled loop.
CHUNK = 100
SOLVED = 0.01


@dataclass(frozen=True)
class MemorySettings:
    """How the networks of a memory experiment are trained: the same budget for every cell.

    Args:
        units: Length of the state, at least 1.
        steps: Updates with Adam, a multiple of 100.
        batch_size: Fresh sequences for each update, at least 1.
        learning_rate: Above 0; None stands for the rate that was found best for the cell, `LEARNING_RATES`.
        clip_norm: A longer gradient is scaled down to this norm, above 0.

    Raises:
        TypeError: If a value has the wrong type.
        ValueError: If a value is out of range.

    Example:
        >>> MemorySettings(steps=500).units
        16

    Used in: Lab 05
    """

    units: int = 16
    steps: int = 1000
    batch_size: int = 32
    learning_rate: float | None = None
    clip_norm: float = 1.0

    def __post_init__(self) -> None:
        check_count("units", self.units)
        check_count("batch_size", self.batch_size)
        if check_count("steps", self.steps) % CHUNK:
            raise ValueError(f"steps must be a multiple of {CHUNK}, got {self.steps}.")
        if self.learning_rate is not None:
            check_positive("learning_rate", self.learning_rate)
        check_positive("clip_norm", self.clip_norm)


@dataclass(frozen=True, eq=False)
class MemoryRun:
    """A network that was trained on the adding problem of one length.

    Args:
        cell: "simple_rnn", "lstm" or "gru".
        lag: Length T of the sequences; the first number must be kept for 0.9 T to T steps.
        seed: Seed of weights and sequences.
        losses: Mean squared error of each update's batch, none of which the network has seen before; shape (steps,).
        error: Mean squared error on 1,000 further sequences.
        diverged_at: The update, from 1 on, after which weights were not finite, to the next 100, else 0. The model then
            holds the last finite weights.
        model: The network, from sequences (B, T, 2) to sums (B, 1).

    Used in: Lab 05
    """

    cell: str
    lag: int
    seed: int
    losses: NDArray[np.float32]
    error: float
    diverged_at: int
    model: keras.Model

    @property
    def solved(self) -> bool:
        """Whether the error is below 0.01, one seventeenth of what always answering 1 costs."""
        return self.error < SOLVED

    @property
    def relative_error(self) -> float:
        """The error in units of 1/6, the error of always answering 1: about 1 for a network without memory."""
        return self.error / ADDING_BASELINE


class MemoryTrainer:
    """Trains networks with one kind of cell on sequences of up to `longest` steps; compiles once for all lengths.

    Args:
        cell: "simple_rnn", "lstm" or "gru".
        longest: Length of the longest sequence, at least 2.
        settings: Size and training; None stands for `MemorySettings()`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the cell is unknown, or a number too small.

    Example:
        >>> trainer = MemoryTrainer("simple_rnn", longest=5, settings=MemorySettings(units=4, steps=100))
        >>> trainer.train(5).losses.shape
        (100,)

    Used in: Lab 05

    Reference: Hochreiter and Schmidhuber (1997), experiment 4.
    """

    def __init__(self, cell: str, longest: int, settings: MemorySettings | None = None) -> None:
        self.cell = check_name("cell", cell, CELLS)
        self.longest = check_count("longest", longest, minimum=2)
        self.settings = MemorySettings() if settings is None else settings
        if not isinstance(self.settings, MemorySettings):
            raise TypeError(f"settings must be MemorySettings, got {type(settings).__name__}.")
        self._unrolled = UnrolledCell(_network(cell, self.settings.units, seed=0).layers[0].cell, self.longest)
        self._train_chunk = tf.function(self._chunk, jit_compile=True, autograph=False)

    def train(self, lag: int, seed: int = 0) -> MemoryRun:
        """Trains one network from fresh weights.

        Args:
            lag: Length of the sequences, from 2 to `longest`.
            seed: Fixes weights and sequences, an integer >= 0.

        Returns:
            The run.

        Raises:
            TypeError: If an argument is no integer.
            ValueError: If `lag` is out of range.

        Warns:
            RuntimeWarning: If the weights became NaN or infinite.
        """
        lag, seed = check_count("lag", lag, minimum=2), check_count("seed", seed, minimum=0)
        if lag > self.longest:
            raise ValueError(f"lag must be at most longest = {self.longest}, got {lag}.")
        settings = self.settings
        rate = LEARNING_RATES[self.cell] if settings.learning_rate is None else settings.learning_rate
        model = _network(self.cell, settings.units, seed)
        weights = [tf.convert_to_tensor(variable) for variable in model.trainable_variables]
        state = (weights, [[tf.zeros_like(w) for w in weights] for _ in range(2)])
        seeds = np.random.SeedSequence(seed).generate_state(settings.steps // CHUNK + 1)
        losses, diverged_at = [], 0
        for which, chunk_seed in enumerate(seeds[:-1]):
            task = adding_problem(CHUNK * settings.batch_size, lag, seed=int(chunk_seed))
            # Tensors, not Python numbers, which would have the loop compiled once for each value.
            done, length = tf.constant(which * CHUNK), tf.constant(lag)
            *new, chunk_losses = self._train_chunk(*state, done, *self._arrange(task), length, tf.constant(rate))
            if not all(np.isfinite(weight).all() for weight in new[0]):
                diverged_at = (which + 1) * CHUNK
                warnings.warn(
                    f"{self.cell} at lag {lag} met NaN or infinity before update {diverged_at} and keeps its last "
                    f"finite weights. Lower learning_rate, now {rate:g}.",
                    RuntimeWarning,
                    stacklevel=2,
                )
                break
            state = tuple(new)
            losses.append(chunk_losses.numpy())
        for variable, weight in zip(model.trainable_variables, state[0], strict=True):
            variable.assign(weight)
        test = adding_problem(1000, lag, seed=int(seeds[-1]))
        error = float(np.mean((model(test.inputs).numpy() - test.targets) ** 2))
        curve = np.concatenate(losses) if losses else np.zeros(0, np.float32)
        return MemoryRun(self.cell, lag, seed, curve, error, diverged_at, model)

    def _arrange(self, task: MemoryTask) -> tuple[tf.Tensor, tf.Tensor]:
        _, length, columns = task.inputs.shape
        batch = self.settings.batch_size
        # Time before batch, so that a step reads one block of memory.
        by_time = task.inputs.reshape(CHUNK, batch, length, columns).transpose(0, 2, 1, 3)
        inputs = np.zeros((CHUNK, self.longest, batch, columns), np.float32)
        inputs[:, :length] = by_time
        return tf.constant(inputs), tf.constant(task.targets.reshape(CHUNK, batch, 1))

    def _chunk(
        self,
        weights: list[tf.Tensor],
        moments: list[list[tf.Tensor]],
        done: tf.Tensor,
        inputs: tf.Tensor,
        targets: tf.Tensor,
        length: tf.Tensor,
        rate: tf.Tensor,
    ) -> tuple[list[tf.Tensor], list[list[tf.Tensor]], tf.Tensor]:
        def update(k: tf.Tensor, weights: list, moments: list, losses: tf.Tensor) -> tuple:
            loss, gradients = self._unrolled.gradients(
                weights[:-2],
                weights[-2:],
                inputs[k],
                length,
                # tf.gather, since a slice at `length` would be compiled again for each value of it.
                lambda answers: tf.reduce_mean((tf.gather(answers, length - 1) - targets[k]) ** 2),
            )
            t = tf.cast(done + k + 1, tf.float32)
            weights, moments = adam_update(weights, moments, gradients, t, rate, self.settings.clip_norm)
            return k + 1, weights, moments, tf.tensor_scatter_nd_update(losses, [[k]], [loss])

        start = (0, weights, moments, tf.zeros(CHUNK))
        return tf.while_loop(lambda k, *_: k < CHUNK, update, start)[1:]


def train_memory(cell: str, lag: int, settings: MemorySettings | None = None, seed: int = 0) -> MemoryRun:
    """Trains one network on the adding problem of one length.

    Args:
        cell: "simple_rnn", "lstm" or "gru".
        lag: Length of the sequences, at least 2.
        settings: Size and training; None stands for `MemorySettings()`.
        seed: Fixes weights and sequences, an integer >= 0.

    Returns:
        The run: learning curve, error on new sequences, model.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the cell is unknown, or a number too small.

    Example:
        >>> run = train_memory("lstm", lag=4, settings=MemorySettings(units=8, steps=300))
        >>> run.relative_error < 0.5
        True

    Used in: Lab 05

    Reference: Hochreiter and Schmidhuber (1997), experiment 4; Lecture 004, "LONG SHORT-TERM MEMORY (LSTM)".
    """
    return MemoryTrainer(cell, lag, settings).train(lag, seed)


def memory_curve(
    cells: Sequence[str],
    lags: Iterable[int],
    settings: MemorySettings | None = None,
    seeds: Sequence[int] = (0,),
    *,
    progress: bool = True,
) -> dict[str, list[MemoryRun]]:
    """Trains every cell at every lag, with the same budget: the error over the lag shows how far each remembers.

    Args:
        cells: Names among "simple_rnn", "lstm" and "gru".
        lags: Lengths of the sequences, each at least 2.
        settings: Size and training; None stands for `MemorySettings()`.
        seeds: One run for each seed, cell and lag.
        progress: Whether to draw a bar where bars are drawn at all.

    Returns:
        For each cell its runs, in the order of the lags and then of the seeds.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a cell is unknown, a list is empty, or a number is too small.

    Example:
        >>> curve = memory_curve(["simple_rnn"], [2, 4], MemorySettings(units=4, steps=100))
        >>> [run.lag for run in curve["simple_rnn"]]
        [2, 4]

    Used in: Lab 05

    Reference: Lecture 004, "RNN", "Long-term dependencies do not work well".
    """
    lags = [check_count("each lag", lag, minimum=2) for lag in lags]
    if not lags or not seeds or isinstance(cells, str) or not cells:
        raise ValueError(f"cells, lags and seeds must be lists with something in them; got {cells!r}, {lags}, {seeds}.")
    trainers = {cell: MemoryTrainer(cell, max(lags), settings) for cell in cells}
    plan = [(cell, lag, seed) for cell in cells for lag in lags for seed in seeds]
    curve: dict[str, list[MemoryRun]] = {cell: [] for cell in cells}
    for cell, lag, seed in track(plan, "training", unit="network") if progress else plan:
        curve[cell].append(trainers[cell].train(lag, seed))
    return curve


def _network(cell: str, units: int, seed: int) -> keras.Model:
    initializers = {
        "kernel_initializer": keras.initializers.GlorotUniform(seed=seed),
        "recurrent_initializer": keras.initializers.Orthogonal(seed=seed + 1),
    }
    model = keras.Sequential(
        [
            keras.Input((None, 2)),
            keras.layers.RNN(CELLS[cell](units, **initializers)),
            keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(seed=seed + 2)),
        ]
    )
    return model
