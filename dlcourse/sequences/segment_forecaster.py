"""A recurrent network that forecasts every column of a weather series, 720 steps ahead, in one pass.

Three forecasts are added up, each good at something else:

- a linear map of a column's own past, the same for all columns: the persistence of the weather;
- a linear map of low rank from all columns to all columns: a falling barometer brings rain;
- an LSTM that reads the past of a column segment by segment, and says how the column will follow the sun.

The two linear maps start at their least-squares solution, so that training starts where a linear model ends.

Used in: Lab 05b

Reference: Hochreiter and Schmidhuber, "Long short-term memory" (1997); Lin et al., "SegRNN" (2023), for the segments;
    lecture 004, "LONG SHORT-TERM MEMORY (LSTM)" and "ACTION REQUIRED", Thursday.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from dlcourse.sequences.daylight import CLOCK_COLUMNS, clock_features
from dlcourse.sequences.linear_forecasts import fit_column_ridge, fit_shared_linear, reduce_rank
from dlcourse.sequences.long_horizon import HORIZONS, LOOKBACK, LongHorizonData, Predictor

Tensor = Any

# Steps after which the pull of the present on the daily rhythm has faded to a third: half a day, two days, never.
FADING = (72.0, 288.0, np.inf)
# Inputs are cut off at so many deviations: one broken sensor must not throw a forecast off.
CUT = 8.0


@dataclass(frozen=True)
class ForecasterSettings:
    """Sizes of a `SegmentForecaster`.

    Args:
        horizon: steps to forecast.
        segment: steps of one LSTM step; must divide 96.
        units: size of the LSTM's state.
        hidden: units of the layer after it.
        rank: rank of the linear map between all columns.
        dropout: share of the hidden units that are silent in a training step, in [0, 1).

    Raises:
        ValueError: if a size is out of range.

    Used in: Lab 05b
    """

    horizon: int = 720
    segment: int = 12
    units: int = 128
    hidden: int = 256
    rank: int = 16
    dropout: float = 0.3

    def __post_init__(self) -> None:
        for name in ("horizon", "segment", "units", "hidden", "rank"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: give 1 or more")
        if LOOKBACK % self.segment:
            raise ValueError(f"segment={self.segment} does not divide the {LOOKBACK} known steps: give 6, 12 or 24")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout={self.dropout}: give a share from 0 up to, but not including, 1")


@keras.saving.register_keras_serializable(package="dlcourse")
class SegmentForecaster(keras.Model):
    """The network. Everything is in the standardised units of the protocol.

    Args:
        columns: C, number of columns.
        settings: sizes.
        seed: of the initial weights and of the dropout masks.

    Call arguments:
        past: shape (B, 96, C), without -9999.
        clock: `clock_features` of the 96 known and the `horizon` future steps, shape (B, 96 + horizon, 4).
        training: whether dropout is on.

    Output: the forecast, shape (B, horizon, C).

    Example:
        >>> model = SegmentForecaster(2, ForecasterSettings(horizon=24, units=4, hidden=8, rank=1))
        >>> model(np.zeros((3, 96, 2)), np.zeros((3, 120, 4))).shape
        TensorShape([3, 24, 2])

    Used in: Lab 05b

    Reference: lecture 004, "LONG SHORT-TERM MEMORY (LSTM)".
    """

    def __init__(self, columns: int, settings: ForecasterSettings | None = None, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.columns = columns
        self.settings = settings or ForecasterSettings()
        self.seed = seed
        sizes, self._seeds = self.settings, iter(np.random.SeedSequence(seed).generate_state(12).tolist())
        outputs = sizes.horizon * columns
        features = columns * (LOOKBACK // 6 + 1)
        rhythms = len(CLOCK_COLUMNS) * len(FADING)
        # What the training part says about each column: its true centre and spread, and the range it stays in.
        self.center = self._constant("center", np.zeros(columns))
        self.spread = self._constant("spread", np.ones(columns))
        self.lowest = self._constant("lowest", np.full(columns, -np.inf))
        self.highest = self._constant("highest", np.full(columns, np.inf))
        self.own_kernel = self._weight("own_kernel", (LOOKBACK, sizes.horizon), "zeros")
        self.own_bias = self._weight("own_bias", (sizes.horizon,), "zeros")
        self.all_reduce = self._weight("all_reduce", (features, sizes.rank), self._scaled(features))
        self.all_expand = self._weight("all_expand", (sizes.rank, outputs), "zeros")
        self.all_bias = self._weight("all_bias", (outputs,), "zeros")
        self.rhythm = self._weight("rhythm", (rhythms, columns), "zeros")
        self.column_code = self._weight("column_code", (columns, sizes.units), self._normal(0.3))
        self.hidden_code = self._weight("hidden_code", (columns, sizes.hidden), self._normal(0.1))
        self.read_segment = keras.layers.Dense(
            sizes.units, kernel_initializer=self._scaled(sizes.segment), name="read_segment"
        )
        self.read_clock = keras.layers.Dense(
            sizes.units, use_bias=False, kernel_initializer=self._scaled(len(CLOCK_COLUMNS)), name="read_clock"
        )
        self.memory = keras.layers.LSTM(
            sizes.units,
            unroll=True,
            kernel_initializer=self._glorot(),
            recurrent_initializer=self._glorot(),
            name="memory",
        )
        self.mix = keras.layers.Dense(sizes.hidden, kernel_initializer=self._scaled(sizes.units), name="mix")
        self.dropout = keras.layers.Dropout(sizes.dropout, seed=next(self._seeds))
        # Small at first: training starts at the linear forecast.
        self.to_future = keras.layers.Dense(sizes.horizon, kernel_initializer=self._normal(0.01), name="to_future")
        self.to_rhythm = keras.layers.Dense(rhythms, kernel_initializer=self._normal(0.01), name="to_rhythm")
        self._build_layers()

    def call(self, past: Tensor, clock: Tensor, training: bool = False) -> Tensor:
        past, clock = ops.convert_to_tensor(past, "float32"), ops.convert_to_tensor(clock, "float32")
        own = ops.clip((past - self.center) / self.spread, -CUT, CUT)
        rhythms = self._rhythms(clock[:, LOOKBACK:])
        forecast = self._linear(own, rhythms) + self._recurrent(own, clock, rhythms, training)
        forecast = forecast * self.spread + self.center
        # Rain is never negative. Not in training: where the cut holds, the error has no slope to learn from.
        return forecast if training else ops.clip(forecast, self.lowest, self.highest)

    def _linear(self, own: Tensor, rhythms: Tensor) -> Tensor:
        shape = (-1, self.settings.horizon, self.columns)
        alone = ops.matmul(ops.transpose(own, (0, 2, 1)), self.own_kernel) + self.own_bias
        means = ops.mean(ops.reshape(own, (-1, LOOKBACK // 6, 6, self.columns)), axis=2)
        summary = ops.concatenate([ops.reshape(means, (-1, LOOKBACK // 6 * self.columns)), own[:, -1]], axis=1)
        together = ops.matmul(ops.matmul(summary, self.all_reduce), self.all_expand) + self.all_bias
        return ops.transpose(alone, (0, 2, 1)) + ops.reshape(together, shape) + ops.matmul(rhythms, self.rhythm)

    def _recurrent(self, own: Tensor, clock: Tensor, rhythms: Tensor, training: bool) -> Tensor:
        """One LSTM for all columns: the column is an example of its own, told apart by a learned code."""
        sizes = self.settings
        segments = LOOKBACK // sizes.segment
        change = ops.transpose(own - own[:, -1:], (0, 2, 1))
        change = ops.reshape(change, (-1, self.columns, segments, sizes.segment))
        ends = self.read_clock(clock[:, sizes.segment - 1 : LOOKBACK : sizes.segment])
        read = ops.relu(self.read_segment(change) + ends[:, None] + self.column_code[:, None])
        state = self.memory(ops.reshape(read, (-1, segments, sizes.units)), training=training)
        state = ops.reshape(state, (-1, self.columns, sizes.units))
        hidden = self.dropout(ops.relu(self.mix(state) + self.hidden_code), training=training)
        following = ops.matmul(rhythms, ops.transpose(self.to_rhythm(hidden), (0, 2, 1)))
        return ops.transpose(self.to_future(hidden), (0, 2, 1)) + following

    def _rhythms(self, clock: Tensor) -> Tensor:
        """Every clock feature of the future under every fading: shape (B, horizon, rhythms)."""
        steps = np.arange(self.settings.horizon)[:, None]
        fading = ops.convert_to_tensor(np.exp(-steps / np.array(FADING)), "float32")
        both = clock[:, :, :, None] * fading[:, None, :]
        return ops.reshape(both, (-1, self.settings.horizon, len(CLOCK_COLUMNS) * len(FADING)))

    def _build_layers(self) -> None:
        sizes = self.settings
        self.read_segment.build((None, sizes.segment))
        self.read_clock.build((None, len(CLOCK_COLUMNS)))
        self.memory.build((None, LOOKBACK // sizes.segment, sizes.units))
        self.mix.build((None, sizes.units))
        for layer in (self.to_future, self.to_rhythm):
            layer.build((None, sizes.hidden))
        self.built = True

    def _weight(self, name: str, shape: tuple[int, ...], initializer: Any) -> Any:
        return self.add_weight(name=name, shape=shape, initializer=initializer)

    def _constant(self, name: str, values: np.ndarray) -> Any:
        weight = self.add_weight(name=name, shape=values.shape, initializer="zeros", trainable=False)
        weight.assign(values)
        return weight

    def _normal(self, deviation: float) -> keras.initializers.Initializer:
        return keras.initializers.RandomNormal(stddev=deviation, seed=next(self._seeds))

    def _scaled(self, fan_in: int) -> keras.initializers.Initializer:
        return keras.initializers.RandomNormal(stddev=fan_in**-0.5, seed=next(self._seeds))

    def _glorot(self) -> keras.initializers.Initializer:
        return keras.initializers.GlorotUniform(seed=next(self._seeds))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "columns": self.columns, "settings": asdict(self.settings), "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SegmentForecaster:
        return cls(**{**config, "settings": ForecasterSettings(**config["settings"])})


def start_from_least_squares(model: SegmentForecaster, data: LongHorizonData, penalty: float = 0.05) -> None:
    """Set a network's linear maps to the least-squares solution of the training part, and its units to the data's.

    The map of a column's own past is fitted first; the map between columns then takes what is left over, a ridge
    regression whose rank is reduced, short leads weighing as much as they do in the loss.

    Args:
        model: a fresh network; changed in place.
        data: from `prepare_long_horizon`; only the training part is read.
        penalty: of the ridge regression, for a mean square of 1.

    Raises:
        ValueError: if the columns differ or the training part is too short for one window.

    Used in: Lab 05b
    """
    if model.columns != len(data.columns):
        raise ValueError(f"the network has {model.columns} columns, the data {len(data.columns)}: make a new network")
    known = data.filled[: data.train_end].astype(np.float64)
    center, spread = known.mean(axis=0), np.maximum(known.std(axis=0), 1e-6)
    own = np.clip((data.filled[: data.train_end] - center) / spread, -CUT, CUT).astype(np.float32)
    horizon = model.settings.horizon
    origins = data.origins("train", horizon, stride=6)
    shared = fit_shared_linear(own, origins, horizon, LOOKBACK)
    ridge, moments = fit_column_ridge(own, origins, horizon, LOOKBACK, penalty=penalty, base=shared)
    importance = np.sqrt(np.repeat(step_weights(horizon), model.columns))
    reduce, expand = reduce_rank(ridge.kernel, moments, model.settings.rank, importance)
    for weight, value in (
        (model.center, center),
        (model.spread, spread),
        (model.lowest, known.min(axis=0)),
        (model.highest, known.max(axis=0)),
        (model.own_kernel, shared.kernel),
        (model.own_bias, shared.bias),
        (model.all_reduce, reduce),
        (model.all_expand, expand),
        (model.all_bias, ridge.bias),
    ):
        weight.assign(value)


def step_weights(horizon: int) -> np.ndarray:
    """How much each lead counts so that all published horizons count the same: sums to 1.

    .. math:: w_h \\propto \\sum_{H : H > h} 1 / H

    Args:
        horizon: number of leads.

    Returns:
        Shape (horizon,), float64, falling; constant where the horizon is none of the published ones or the first.

    Example:
        >>> weights = step_weights(192)
        >>> float(round(weights[0] / weights[-1], 3)), float(round(weights.sum(), 6))
        (3.0, 1.0)

    Used in: Lab 05b
    """
    lengths = sorted({length for length in HORIZONS if length < horizon} | {horizon})
    weights = np.zeros(horizon)
    for length in lengths:
        weights[:length] += 1 / length
    return weights / weights.sum()


def predictor(model: SegmentForecaster, data: LongHorizonData) -> Predictor:
    """The network as `evaluate_long_horizon` wants it: a function from forecast origins to forecasts.

    Args:
        model: a network with as many columns as the data.
        data: from `prepare_long_horizon`.

    Returns:
        A function from origins, shape (n,), to forecasts, shape (n, horizon, C), float32, standardised.

    Used in: Lab 05b
    """
    clock = clock_features(data.times)
    steps = np.arange(-LOOKBACK, model.settings.horizon)

    def predict(origins: np.ndarray) -> np.ndarray:
        # What a window near the end forecasts beyond the series is never scored, so any clock will do there.
        rows = np.minimum(np.asarray(origins)[:, None] + steps, len(clock) - 1)
        return np.asarray(model(data.past(origins), clock[rows], training=False))

    return predict


def forecaster_arrays(model: SegmentForecaster) -> dict[str, np.ndarray]:
    """The weights by name, in half precision: what `data/weights/` ships.

    Args:
        model: the network.

    Returns:
        Name and float16 array; `forecaster_from_arrays` makes the network again.

    Used in: Lab 05b
    """
    return {_name(model, weight): np.asarray(weight).astype(np.float16) for weight in model.weights}


def forecaster_from_arrays(arrays: Mapping[str, np.ndarray]) -> SegmentForecaster:
    """A network from its weights; its sizes follow from their shapes.

    Args:
        arrays: from `forecaster_arrays`, or `dlcourse.weights.load_weights("weather_lstm")`.

    Returns:
        The network, ready to forecast.

    Raises:
        ValueError: if arrays are missing or too many (they are named).

    Example:
        >>> model = SegmentForecaster(2, ForecasterSettings(horizon=24, units=4, hidden=8, rank=1))
        >>> forecaster_from_arrays(forecaster_arrays(model)).settings.units
        4

    Used in: Lab 05b
    """
    shaping = ("center", "own_bias", "all_reduce", "read_segment/kernel", "hidden_code")
    if missing := [name for name in shaping if name not in arrays]:
        raise ValueError(f"no weights of a SegmentForecaster: {', '.join(missing)} missing, got {sorted(arrays)}")
    segment, units = arrays["read_segment/kernel"].shape
    model = SegmentForecaster(
        len(arrays["center"]),
        ForecasterSettings(
            horizon=len(arrays["own_bias"]),
            segment=segment,
            units=units,
            hidden=arrays["hidden_code"].shape[1],
            rank=arrays["all_reduce"].shape[1],
        ),
    )
    names = [_name(model, weight) for weight in model.weights]
    if wrong := sorted(set(names) ^ set(arrays)):
        raise ValueError(f"weights do not fit a SegmentForecaster: {', '.join(wrong)} missing or unknown")
    model.set_weights([np.asarray(arrays[name], dtype=np.float32) for name in names])
    return model


def _name(model: SegmentForecaster, weight: Any) -> str:
    return weight.path.removeprefix(f"{model.name}/")
