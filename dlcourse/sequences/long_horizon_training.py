"""Training a `SegmentForecaster`: compiled steps, the best state by validation, and a checkpoint to go on from.

Used in: Lab 05b

Reference: lecture 004, "Few variants of SGD" and "ACTION REQUIRED", Thursday.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from dlcourse.checkpoints import CheckpointFolder
from dlcourse.files import open_atomically, write_atomically
from dlcourse.progress import track
from dlcourse.sequences.daylight import clock_features
from dlcourse.sequences.long_horizon import HORIZONS, LOOKBACK, LongHorizonData, evaluate_long_horizon
from dlcourse.sequences.segment_forecaster import (
    ForecasterSettings,
    SegmentForecaster,
    forecaster_arrays,
    forecaster_from_arrays,
    predictor,
    start_from_least_squares,
    step_weights,
)


@dataclass(frozen=True)
class TrainingSettings:
    """How a `SegmentForecaster` is trained.

    Args:
        steps: batches of windows.
        batch_size: windows of a batch; each has all columns.
        learning_rate: of Adam, after 50 steps of warm-up; falls to zero along half a cosine.
        absolute_share: a in the loss a |e| + (1 - a) e^2 of an error e in standardised units: 0 aims at the mean of
            what may come, 1 at its median, in between at a compromise that serves both published errors.
        averaging: momentum of the running mean of the weights that is validated and kept, in [0, 1).
        check_every: steps between two validations, each followed by a checkpoint.
        validation_stride: one in so many validation windows is looked at.
        seed: of the initial weights, the dropout masks and the order of the windows.

    Raises:
        ValueError: if a setting is out of range.

    Used in: Lab 05b
    """

    steps: int = 320
    batch_size: int = 64
    learning_rate: float = 0.001
    absolute_share: float = 0.5
    averaging: float = 0.97
    check_every: int = 64
    validation_stride: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "check_every", "validation_stride"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: give 1 or more")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate={self.learning_rate}: give a number above 0")
        if self.seed < 0:
            raise ValueError(f"seed={self.seed}: give 0 or more")
        if not 0 <= self.absolute_share <= 1 or not 0 <= self.averaging < 1:
            raise ValueError(
                f"absolute_share={self.absolute_share} must lie in [0, 1], averaging={self.averaging} in [0, 1)"
            )


@dataclass(frozen=True, eq=False)
class TrainedForecaster:
    """What a training run ends with.

    Args:
        model: the network with the weights that validated best so far.
        curve: one row a validation: `step`, `loss` (training, mean since the row before), `validation_MSE`,
            `validation_MAE` (means of the horizons) and `seconds` of processor time.
        finished: False where the run stopped early and can go on from its checkpoint.
        seconds: processor time of the whole run, over all its parts, without the least squares at its start.

    Used in: Lab 05b
    """

    model: SegmentForecaster
    curve: pd.DataFrame
    finished: bool
    seconds: float


def forecast_loss(actual: tf.Tensor, forecast: tf.Tensor, absolute_share: float) -> tf.Tensor:
    r"""Mean of absolute and squared errors, every published horizon counting the same.

    .. math:: \frac{1}{BC} \sum_{b,c} \sum_h w_h \big( a |e_{bhc}| + (1 - a)\, e_{bhc}^2 \big)

    Args:
        actual: shape (B, H, C), standardised.
        forecast: the same shape.
        absolute_share: a, in [0, 1].

    Returns:
        A number.

    Example:
        >>> zeros, twos = tf.zeros((1, 4, 1)), tf.fill((1, 4, 1), 2.0)
        >>> [float(forecast_loss(zeros, twos, share)) for share in (0.0, 0.5, 1.0)]
        [4.0, 3.0, 2.0]

    Used in: Lab 05b
    """
    error = forecast - actual
    cost = absolute_share * tf.abs(error) + (1 - absolute_share) * tf.square(error)
    weights = tf.constant(step_weights(int(actual.shape[1])), tf.float32)
    return tf.reduce_mean(tf.reduce_sum(cost * weights[:, None], axis=1))


def train_forecaster(
    data: LongHorizonData,
    settings: TrainingSettings | None = None,
    sizes: ForecasterSettings | None = None,
    checkpoints: str | Path | None = None,
    minutes: float | None = None,
    on_check: Callable[[dict[str, float]], object] | None = None,
) -> TrainedForecaster:
    """Train on the training part, validate on the validation part, keep the best; the test part is never read.

    A run that was killed goes on from its last checkpoint and ends with the same numbers: the batches follow from the
    seed and the step, and the checkpoint holds the weights, their mean, the optimizer and the state of the dropout.

    Args:
        data: from `prepare_long_horizon`.
        settings: how to train.
        sizes: of the network.
        checkpoints: folder to keep checkpoints in, and to go on from; None keeps none.
        minutes: stop after so many minutes of wall time, at the next validation.
        on_check: called after every validation with its row of the curve.

    Returns:
        The network and its learning curve.

    Raises:
        ValueError: if a part of the data is too short for the horizon.
        FloatingPointError: if the loss is not finite; the last checkpoint stays, from before that.
        CheckpointMismatchError: if the folder holds a run with other settings.

    Used in: Lab 05b
    """
    settings, sizes = settings or TrainingSettings(), sizes or ForecasterSettings()
    run = _Run(data, settings, sizes)
    folder = None
    if checkpoints is not None:
        described = {**asdict(settings), **asdict(sizes), "rows": len(data.values), "columns": list(data.columns)}
        folder = CheckpointFolder(checkpoints, described)
        run.restore(folder)
    deadline = None if minutes is None else time.monotonic() + 60 * minutes
    stops = range(run.step, settings.steps, settings.check_every)
    bar = track(stops, f"training {settings.steps} steps", unit="check")
    for start in bar:
        row = run.advance(min(start + settings.check_every, settings.steps))
        bar.set_postfix(MSE=row["validation_MSE"], MAE=row["validation_MAE"])
        if folder is not None:
            run.store(folder)
        if on_check is not None:
            on_check(row)
        if deadline is not None and time.monotonic() >= deadline:
            break
    return TrainedForecaster(run.best_model(), pd.DataFrame(run.curve), run.step >= settings.steps, run.seconds)


def score_and_write(trained: TrainedForecaster, data: LongHorizonData, folder: str | Path) -> pd.DataFrame:
    """Score a trained network on every test window and write weights, learning curve and result.

    The weights are rounded to half precision first, so that the result is that of the file.

    Args:
        trained: from `train_forecaster`.
        data: what it was trained on.
        folder: where `weather_lstm.npz`, `weather_lstm_curve.csv` and `weather_lstm_result.csv` go.

    Returns:
        The table of `evaluate_long_horizon` for the test part.

    Used in: Lab 05b
    """
    arrays = forecaster_arrays(trained.model)
    shipped = forecaster_from_arrays(arrays)
    result = evaluate_long_horizon(predictor(shipped, data), data, "test", horizons_of(shipped.settings))
    folder = Path(folder)
    with open_atomically(folder / "weather_lstm.npz") as file:
        np.savez_compressed(file, **arrays)
    write_atomically(folder / "weather_lstm_curve.csv", trained.curve.round(8).to_csv(index=False))
    write_atomically(folder / "weather_lstm_result.csv", result.round(5).to_csv())
    return result


def horizons_of(sizes: ForecasterSettings) -> tuple[int, ...]:
    """The published horizons that a network reaches; its own where it reaches none.

    Example:
        >>> horizons_of(ForecasterSettings(horizon=336)), horizons_of(ForecasterSettings(horizon=24))
        ((96, 192, 336), (24,))

    Used in: Lab 05b
    """
    return tuple(length for length in HORIZONS if length <= sizes.horizon) or (sizes.horizon,)


class _Run:
    """The state of one training run: everything that a checkpoint holds."""

    def __init__(self, data: LongHorizonData, settings: TrainingSettings, sizes: ForecasterSettings) -> None:
        self.data, self.settings = data, settings
        self.horizons = horizons_of(sizes)
        self.origins = data.origins("train", sizes.horizon)
        data.origins("validation", max(self.horizons))
        self.model = SegmentForecaster(len(data.columns), sizes, seed=settings.seed)
        start_from_least_squares(self.model, data)
        warm_up = min(50, settings.steps // 2)
        schedule = keras.optimizers.schedules.CosineDecay(
            settings.learning_rate / 100,
            max(settings.steps - warm_up, 1),
            warmup_target=settings.learning_rate,
            warmup_steps=warm_up,
        )
        self.optimizer = keras.optimizers.Adam(
            schedule, clipnorm=1.0, use_ema=True, ema_momentum=settings.averaging, ema_overwrite_frequency=None
        )
        self.optimizer.build(self.model.trainable_variables)
        self.step, self.seconds = 0, 0.0
        self.curve: list[dict[str, float]] = []
        self.best = self.model.get_weights()
        self._compile()

    def _compile(self) -> None:
        # The training part alone lies in the graph: a step cannot see beyond it.
        end = self.data.train_end
        series = tf.constant(self.data.filled[:end])
        clock = tf.constant(clock_features(self.data.times[:end]))
        steps = tf.range(-LOOKBACK, self.model.settings.horizon)
        variables = self.model.trainable_variables

        # XLA takes seconds to compile a step, which a short run does not earn back.
        @tf.function(jit_compile=self.settings.steps >= 100)
        def gradients(batch: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
            rows = batch[:, None] + steps
            window = tf.gather(series, rows)
            with tf.GradientTape() as tape:
                forecast = self.model(window[:, :LOOKBACK], tf.gather(clock, rows), training=True)
                loss = forecast_loss(window[:, LOOKBACK:], forecast, self.settings.absolute_share)
            return loss, tape.gradient(loss, variables)

        @tf.function
        def advance(batches: tf.Tensor) -> tf.Tensor:
            total = 0.0
            for batch in batches:
                loss, slopes = gradients(batch)
                self.optimizer.apply(slopes, variables)
                total += loss
            return total

        self._advance = advance

    def _batch(self, step: int) -> np.ndarray:
        """The windows of a step follow from the seed and its number alone, so that a resumed run sees the same."""
        size = min(self.settings.batch_size, len(self.origins))
        epoch, place = divmod(step, len(self.origins) // size)
        order = np.random.default_rng([self.settings.seed, epoch]).permutation(self.origins)
        return order[place * size : (place + 1) * size].astype(np.int32)

    def advance(self, stop: int) -> dict[str, float]:
        """Trains up to step `stop`, validates, and remembers the best weights."""
        before = time.process_time()
        batches = np.stack([self._batch(step) for step in range(self.step, stop)])
        loss = float(self._advance(tf.constant(batches))) / len(batches)
        if not np.isfinite(loss):
            raise FloatingPointError(
                f"the loss became {loss} between steps {self.step} and {stop}: try a smaller learning rate"
            )
        self.step = stop
        latest = [variable.numpy() for variable in self.model.trainable_variables]
        self.optimizer.finalize_variable_values(self.model.trainable_variables)
        errors = evaluate_long_horizon(
            predictor(self.model, self.data), self.data, "validation", self.horizons, self.settings.validation_stride
        ).loc["mean"]
        row = {
            "step": stop,
            "loss": loss,
            "validation_MSE": float(errors["MSE"]),
            "validation_MAE": float(errors["MAE"]),
        }
        past = [old["validation_MSE"] + old["validation_MAE"] for old in self.curve]
        if row["validation_MSE"] + row["validation_MAE"] < min(past, default=np.inf):
            self.best = self.model.get_weights()
        for variable, value in zip(self.model.trainable_variables, latest, strict=True):
            variable.assign(value)
        self.seconds += time.process_time() - before
        self.curve.append({**row, "seconds": round(self.seconds, 1)})
        return self.curve[-1]

    def best_model(self) -> SegmentForecaster:
        self.model.set_weights(self.best)
        return self.model

    def _variables(self) -> list[Any]:
        # `variables`, unlike `weights`, also holds the states of the random generators.
        return [*self.model.variables, *self.optimizer.variables]

    def store(self, folder: CheckpointFolder) -> None:
        arrays = {f"variable_{i:03d}": variable.numpy() for i, variable in enumerate(self._variables())}
        arrays |= {f"best_{i:03d}": array for i, array in enumerate(self.best)}
        folder.save(self.step, arrays, {"curve": self.curve, "seconds": self.seconds})

    def restore(self, folder: CheckpointFolder) -> None:
        checkpoint = folder.load()
        if checkpoint is None:
            return
        for i, variable in enumerate(self._variables()):
            variable.assign(checkpoint.arrays[f"variable_{i:03d}"])
        self.best = [checkpoint.arrays[f"best_{i:03d}"] for i in range(len(self.best))]
        self.step, self.curve = checkpoint.step, list(checkpoint.state["curve"])
        self.seconds = float(checkpoint.state["seconds"])
