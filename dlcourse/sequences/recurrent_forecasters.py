"""Recurrent networks that forecast several horizons at once: simple RNN, LSTM and GRU.

Each reads the past as its difference from now, several hours a step, beside the hour of the day, and corrects what a
closed-form linear forecast says: it starts as good as that one, and has only the rest to learn.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import keras
import numpy as np
import tensorflow as tf

from dlcourse.sequences.baselines import LinearForecaster, season_features
from dlcourse.sequences.forecast_training import TrainingCurve, TrainingPlan, checkpoint_folder, train_network
from dlcourse.sequences.forecasting import ForecastData, Forecaster
from dlcourse.sequences.windows import Windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

Cell = Literal["rnn", "lstm", "gru"]
_LAYERS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
_SHARES = np.linspace(0, 1, 21)
_HOURS = ("hour_sin", "hour_cos", "half_day_sin", "half_day_cos")


class RecurrentForecaster(Forecaster):
    """A recurrent network on top of a linear forecast.

    .. math:: \\hat y(t + h) = y(t) + L_h(x) + s_h \\sigma_h V_h^T [h_T, v_T], \\qquad h_s = \\text{cell}(h_{s-1}, u_s)

    where the share s_h of the correction that counts, from 0 to 1, is chosen on the validation part. u_s
    holds `patch` rows of the past, each as its difference from the last row, and the hour of the day; v_T holds the
    levels and the hour of now. L is the closed-form ridge forecast (or zero), sigma_h the typical change at horizon h,
    and V starts at zero.

    Args:
        cell: "rnn", "lstm" or "gru".
        units: width of the hidden state, at least 1.
        patch: rows read in one recurrent step, at least 1; the oldest rows that fill no patch are left out.
        columns: input columns to read; None takes all of the task's, `()` the target alone.
        levels: input columns whose last value itself is read too; of the others only the changes are. Levels serve a
            network that has seen them all, and mislead it where the season is new (`benchmarks/sequences.py --only
            selection` measures both).
        linear: whether to start from the closed-form linear forecast of the target's own past.
        dropout: share of the hidden state that is dropped in training, in [0, 1).
        cautious: whether `cautious_choice` takes the shares; otherwise each is the one that is best on validation.
        members: networks of different seeds whose corrections are averaged, at least 1: a seed's luck counts less.
        plan: the training's recipe.
        name: how tables call it; None makes a name.

    Raises:
        ValueError: for a value outside its range, or, at `fit`, unknown columns.

    Attributes:
        networks: the Keras models, one a member; empty before `fit`.
        curves: losses of each member's training; empty before `fit` and after `load`.
        shares: s_h, shape (horizons,); ones without a linear forecast.

    Used in: Lab 05b

    Reference: S. Hochreiter, J. Schmidhuber, Long short-term memory, 1997; lecture 004, "RECURRENT NEURAL NETS" to
    "ACTION REQUIRED", Thursday; lecture 001, 5.2.
    """

    def __init__(
        self,
        cell: Cell = "lstm",
        units: int = 32,
        *,
        patch: int = 3,
        columns: tuple[str, ...] | None = None,
        levels: tuple[str, ...] = (),
        linear: bool = True,
        dropout: float = 0.2,
        cautious: bool = True,
        members: int = 1,
        plan: TrainingPlan | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__()
        if cell not in _LAYERS:
            raise ValueError(f"cell must be one of {', '.join(_LAYERS)}, got {cell!r}.")
        for what, number in (("units", units), ("patch", patch), ("members", members)):
            if number < 1:
                raise ValueError(f"{what} must be at least 1, got {number}.")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {dropout}.")
        self.cell, self.units, self.patch, self.linear, self.dropout = cell, units, patch, linear, dropout
        self.cautious, self.members = bool(cautious), members
        self.columns = None if columns is None else tuple(columns)
        self.levels = tuple(levels)
        self.plan = TrainingPlan() if plan is None else plan
        names = {"rnn": "simple RNN", "lstm": "LSTM", "gru": "GRU"}
        self.name = name or f"{names[cell]} {units}" + (" on linear" if linear else "")
        self.networks: list[keras.Model] = []
        self.curves: list[TrainingCurve] = []
        self.shares = np.ones(0)
        self._line: LinearForecaster | None = None
        self._columns: tuple[str, ...] = ()

    @property
    def network(self) -> keras.Model | None:
        """The first member's Keras model; None before `fit`."""
        return self.networks[0] if self.networks else None

    @property
    def curve(self) -> TrainingCurve | None:
        """The losses of the first member's training; None before `fit` and after `load`."""
        return self.curves[0] if self.curves else None

    def _read(self, windows: Windows) -> Windows:
        """The windows that the network sees: the target first, the chosen columns, the hour of the day."""
        target = windows.target_columns[0]
        names = windows.columns if self.columns is None else self.columns
        unknown = [name for name in (*names, *self.levels) if name not in windows.columns]
        if unknown:
            raise ValueError(f"columns {', '.join(unknown)} are no input columns: {', '.join(windows.columns)}.")
        names = (target, *(name for name in names if name != target))
        hours = season_features(windows._times(), day_harmonics=0, hour_harmonics=2).astype(np.float32)
        unread = [name for name in self.levels if name not in names]
        if unread:
            raise ValueError(f"levels {', '.join(unread)} are not among the columns read: {', '.join(names)}.")
        chosen = windows.inputs[:, [windows.columns.index(name) for name in names]]
        return replace(windows, inputs=np.concatenate([chosen, hours], axis=1), columns=(*names, *_HOURS))

    def _fit(self, data: ForecastData, seed: int, checkpoints: Path | None, progress: bool) -> None:
        train, validation = self._read(data.train), self._read(data.validation)
        self._columns = train.columns
        typical = np.abs(train.y - train.last[:, None]).mean(axis=0)
        typical = np.where(typical > 0, typical, 1.0)
        self._line = LinearForecaster((), level=False).fit(data) if self.linear else None
        self.networks, self.curves = [], []
        for member in range(self.members):
            own_seed = seed * self.members + member
            network = self._build(train.history, train.columns, typical, own_seed)
            settings = {"forecaster": self._settings(), "task": asdict(data.task), "windows": len(train)}
            if self._line is not None:
                start = self._line._weights
                network.get_layer("linear").set_weights([start["weights"], start["intercept"]])
            folder = None if checkpoints is None else checkpoints / f"member_{member}"
            curve = train_network(
                network,
                train,
                validation,
                self.plan,
                horizon_weights=1 / typical,
                seed=own_seed,
                checkpoints=checkpoint_folder(folder, settings | {"seed": own_seed}),
                progress=progress,
            )
            self.networks.append(network)
            self.curves.append(curve)
        self.shares = np.ones(len(train.horizons))
        if self._line is not None:
            line, correction = self._parts(data.validation)
            truth = data.validation.y
            errors = np.array([np.abs(line + share * correction - truth) for share in _SHARES])
            best = errors.mean(axis=1).argmin(axis=0)
            self.shares = _SHARES[cautious_choice(errors, block=max(data.horizons)) if self.cautious else best]
        self.seed = seed

    def _build(self, history: int, columns: tuple[str, ...], typical: NDArray[np.floating], seed: int) -> keras.Model:
        """The network, drawn anew: (batch, history, columns) -> (batch, horizons), the change from now."""
        seeds = iter(range(seed * 100, seed * 100 + 100))
        horizons, values = len(typical), len(columns) - len(_HOURS)
        steps = history // self.patch
        if steps < 1:
            raise ValueError(f"a history of {history} steps does not fill one patch of {self.patch}.")
        x = keras.Input((history, len(columns)))
        last = x[:, -1]
        past = x[:, history - steps * self.patch :]
        change = past[:, :, :values] - last[:, None, :values]
        change = keras.layers.Reshape((steps, self.patch * values))(change)
        read = keras.layers.Concatenate()([change, past[:, self.patch - 1 :: self.patch, values:]])
        layer = _LAYERS[self.cell](
            self.units,
            kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
            recurrent_initializer=keras.initializers.Orthogonal(seed=next(seeds)),
            name="recurrent",
        )
        known = [last[:, place, None] for place, name in enumerate(columns) if name in self.levels]
        state = keras.layers.Concatenate()([layer(read), *known, last[:, values:]])
        state = keras.layers.Dropout(self.dropout, seed=next(seeds))(state)
        change = keras.layers.Dense(horizons, kernel_initializer="zeros", name="correction")(state)
        change = keras.layers.Rescaling(typical.tolist(), name="typical_change")(change)
        if self.linear:
            own = x[:, :-1, 0] - last[:, :1]
            change = change + keras.layers.Dense(horizons, name="linear")(own)
        return keras.Model(x, change)

    def _parts(self, windows: Windows) -> tuple[np.ndarray, np.ndarray]:
        """The forecast without the networks, and what they add to it on average; both of shape (n, horizons)."""
        line = windows.last[:, None] if self._line is None else self._line._predict(windows)
        read = self._read(windows)
        changes = np.zeros((len(read), len(read.horizons)))
        for start in range(0, len(read), 1024):
            x = tf.constant(np.ascontiguousarray(read.x[start : start + 1024]))
            changes[start : start + 1024] = np.mean([network(x, training=False) for network in self.networks], axis=0)
        return line, changes + windows.last[:, None] - line

    def _predict(self, windows: Windows) -> np.ndarray:
        line, correction = self._parts(windows)
        return line + self.shares * correction

    def _settings(self) -> dict[str, Any]:
        names = ("cell", "units", "patch", "columns", "levels", "linear", "dropout", "cautious", "members", "name")
        return {name: getattr(self, name) for name in names} | {"plan": asdict(self.plan)}

    def _state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays = {
            f"weight_{member}_{place}": array
            for member, network in enumerate(self.networks)
            for place, array in enumerate(network.get_weights())
        }
        arrays["typical"] = np.asarray(self.networks[0].get_layer("typical_change").scale)
        arrays["shares"] = self.shares
        if self._line is not None:
            arrays |= {f"line_{name}": array for name, array in self._line._weights.items()}
        return arrays, self._settings() | {"history": self._fitted().history, "read": list(self._columns)}

    @classmethod
    def _restore(cls, arrays: dict[str, np.ndarray], settings: dict[str, Any]) -> Self:
        history, columns = settings.pop("history"), tuple(settings.pop("read"))
        plan = TrainingPlan(**settings.pop("plan"))
        forecaster = cls(plan=plan, **settings)
        forecaster._columns = columns
        typical = arrays["typical"]
        for member in range(forecaster.members):
            network = forecaster._build(history, columns, typical, seed=0)
            network.set_weights([arrays[f"weight_{member}_{place}"] for place in range(len(network.weights))])
            forecaster.networks.append(network)
        forecaster.shares = arrays["shares"]
        if forecaster.linear:
            line = {"weights": arrays["line_weights"], "intercept": arrays["line_intercept"]}
            forecaster._line = LinearForecaster._restore(line, {"columns": [], "level": False, "chosen_penalties": []})
        return forecaster


def cautious_choice(errors: NDArray[np.floating], block: int) -> NDArray[np.int64]:
    """The first candidate that is not clearly worse than the best: the one-standard-error rule, horizon by horizon.

    A month of validation is a handful of weather spells, and neighbouring windows share them. So the standard error of
    the difference to the best candidate comes from the means of blocks of windows, which are nearly independent.

    Args:
        errors: absolute errors of the candidates, the most cautious first, shape (candidates, n, horizons), the
            n windows in time order.
        block: windows a block, at least 1: as long as the longest horizon.

    Returns:
        The place of the chosen candidate at each horizon, shape (horizons,). With fewer than two blocks it is the best.

    Example:
        >>> spells = np.repeat([[1.0], [3.0], [1.0], [3.0]], 5, axis=0)
        >>> cautious_choice(np.stack([spells, spells[::-1] - 0.01]), block=5).tolist()
        [0]

    Used in: Lab 05b

    Reference: L. Breiman, J. Friedman, R. Olshen, C. Stone, Classification and regression trees, 1984, section 3.4.3.
    """
    mean = errors.mean(axis=1)
    best = mean.argmin(axis=0)
    blocks = errors.shape[1] // block
    if blocks < 2:
        return best
    difference = errors - np.take_along_axis(errors, best[None, None], axis=0)
    means = np.stack([part.mean(axis=1) for part in np.array_split(difference, blocks, axis=1)])
    allowed = difference.mean(axis=1) <= means.std(axis=0, ddof=1) / np.sqrt(blocks)
    return allowed.argmax(axis=0)
