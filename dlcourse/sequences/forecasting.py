"""One interface for everything that forecasts a series, and one table that compares forecasters on the same windows.

A forecaster sees standardised windows (`dlcourse.sequences.splitting`) and answers in the target's own unit, deg C for
the weather, at several horizons at once. All are judged on the same forecast origins, beside persistence.
"""

from __future__ import annotations

import json
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from dlcourse.files import open_atomically
from dlcourse.sequences.forecast_data import HORIZONS, ForecastData, Task
from dlcourse.sequences.splitting import Part
from dlcourse.sequences.windows import Windows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HORIZONS", "ForecastData", "Forecaster", "Task", "evaluate"]

_HEADER = "__forecaster__"
_HOMES = ("dlcourse.sequences.baselines", "dlcourse.sequences.recurrent_forecasters")


class Forecaster(ABC):
    """What every forecaster can do: fit, predict, save, load, and go on after an interruption.

    A subclass sets `name` and defines `_fit`, `_predict`, `_state` and `_restore`.

    Attributes:
        name: how tables and figures call it.
        task: what it was fitted to; None before `fit`.
        seed: of the last `fit`; None where nothing is random.

    Used in: Lab 05b
    """

    name: str = "forecaster"
    _kinds: ClassVar[dict[str, type[Forecaster]]] = {}

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        Forecaster._kinds[cls.__name__] = cls

    def __init__(self) -> None:
        self.task: Task | None = None
        self.seed: int | None = None

    def fit(
        self, data: ForecastData, *, seed: int = 0, checkpoints: str | Path | None = None, progress: bool = True
    ) -> Self:
        """Learns from the training part; settings may be chosen on the validation part, never on the test part.

        Args:
            data: the task.
            seed: non-negative integer, of initial weights and batches. Closed-form forecasters do not need it.
            checkpoints: folder where a long training saves its state and, called again with the same settings, goes on.
                Closed-form forecasters do not need it.
            progress: whether to draw a bar.

        Returns:
            The forecaster itself.

        Raises:
            TypeError, ValueError: for data that are no `ForecastData`, or a seed that is no such integer.
            CheckpointMismatchError: when the folder holds a run with other settings.
        """
        if not isinstance(data, ForecastData):
            raise TypeError(f"fit needs a ForecastData, got {type(data).__name__}. ForecastData.of(table) makes one.")
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
            raise ValueError(f"seed must be an integer of 0 or more, got {seed!r}.")
        self._fit(data, int(seed), Path(checkpoints) if checkpoints is not None else None, progress)
        self.task = data.task
        return self

    def predict(self, windows: Windows) -> NDArray[np.float64]:
        """Forecasts in the target's unit.

        Args:
            windows: windows of the task, such as `data.test`; their targets are not looked at.

        Returns:
            Forecasts, shape (n, horizons), in the target's unit (deg C for temperature).

        Raises:
            RuntimeError: before `fit`.
            TypeError, ValueError: for windows of another task.
        """
        task = self._fitted()
        task.check(windows)
        return np.asarray(self._predict(windows), dtype=np.float64) * task.scale + task.mean

    def save(self, path: str | Path) -> Path:
        """Writes the fitted forecaster as one `.npz` file, without pickled objects.

        Args:
            path: where to; the ending `.npz` is added where it is missing.

        Returns:
            The file that was written.

        Raises:
            RuntimeError: before `fit`.
        """
        task = self._fitted()
        arrays, settings = self._state()
        header = {"kind": type(self).__name__, "task": asdict(task), "seed": self.seed, "settings": settings}
        path = Path(path).with_suffix(".npz")
        with open_atomically(path) as file:
            text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
            np.savez(file, **{_HEADER: text}, **arrays)  # type: ignore[arg-type]
        return path

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Reads what `save` wrote.

        Args:
            path: the file. `Forecaster.load` reads any kind, a subclass only its own.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is no forecaster, or one of another kind.
        """
        path = Path(path)
        if not path.exists():
            path = path.with_suffix(".npz")
        for home in _HOMES:
            import_module(home)
        try:
            with np.load(path, allow_pickle=False) as stored:
                header = json.loads(stored[_HEADER].tobytes().decode())
                arrays = {name: stored[name] for name in stored.files if name != _HEADER}
            kind = Forecaster._kinds[header["kind"]]
            task = {name: tuple(value) if isinstance(value, list) else value for name, value in header["task"].items()}
        except FileNotFoundError:
            raise
        except (OSError, ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"{path} does not hold a saved forecaster ({error}). Forecaster.save writes one."
            ) from None
        if not issubclass(kind, cls):
            raise ValueError(f"{path} holds a {kind.__name__}, not a {cls.__name__}: load it with Forecaster.load.")
        forecaster = kind._restore(arrays, header["settings"])
        forecaster.task = Task(**task)
        forecaster.seed = header["seed"]
        return forecaster

    def _fitted(self) -> Task:
        if self.task is None:
            raise RuntimeError(f"this {type(self).__name__} is not fitted yet: call fit(data) first.")
        return self.task

    @abstractmethod
    def _fit(self, data: ForecastData, seed: int, checkpoints: Path | None, progress: bool) -> None:
        """Learns; a forecaster with chance in it sets `self.seed`."""

    @abstractmethod
    def _predict(self, windows: Windows) -> np.ndarray:
        """Standardised forecasts, shape (n, horizons), from `windows.x`, `.last` and `.origin_times` alone."""

    @abstractmethod
    def _state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """What `_restore` needs: arrays, and settings as JSON values."""

    @classmethod
    @abstractmethod
    def _restore(cls, arrays: dict[str, np.ndarray], settings: dict[str, Any]) -> Self:
        """The forecaster of a `_state`."""


def evaluate(
    forecasters: Iterable[Forecaster],
    data: ForecastData,
    horizons: Sequence[int] | None = None,
    part: Part = "test",
) -> pd.DataFrame:
    """Compares forecasters at every horizon on the same forecast origins.

    .. math:: \\text{MAE}_h = \\frac1n \\sum_t |\\hat y_{t+h} - y_{t+h}|, \\qquad
              \\text{skill}_h = 1 - \\text{MAE}_h / \\text{MAE}_h^{\\text{persistence}}

    Args:
        forecasters: fitted forecasters; several of one name (seeds) are rows of their own.
        data: the task.
        horizons: which of the task's horizons; None takes all.
        part: "test", or "validation" to choose between forecasters.

    Returns:
        One row a forecaster and horizon: model, seed (missing where nothing is random), horizon, windows (their
        number), MAE and RMSE in the target's unit, skill against persistence (1 is perfect, 0 as good as persistence),
        standardised_MSE and standardised_MAE as the published tables have them.

    Raises:
        RuntimeError: for a forecaster that is not fitted.
        ValueError: without forecasters, or for a horizon that the task does not have.

    Example:
        >>> import pandas as pd
        >>> from dlcourse.sequences.baselines import DailyPersistence, Persistence
        >>> times = pd.date_range("2020-01-01", periods=1000, freq="h")
        >>> table = pd.DataFrame({"temperature": np.sin(np.arange(1000) * 2 * np.pi / 24)}, index=times)
        >>> data = ForecastData.of(table, "temperature", history=48, horizons=(6, 12))
        >>> scores = evaluate([Persistence().fit(data), DailyPersistence().fit(data)], data)
        >>> scores.pivot(index="model", columns="horizon", values="skill").round(2).to_dict("index")
        {'persistence': {6: 0.0, 12: 0.0}, 'same hour yesterday': {6: 1.0, 12: 1.0}}

    Used in: Lab 05b
    """
    import pandas as pd

    chosen = data.horizons if horizons is None else tuple(horizons)
    unknown = [horizon for horizon in chosen if horizon not in data.horizons]
    if unknown or not chosen:
        raise ValueError(f"horizons must be among the task's {data.horizons}, got {chosen}.")
    forecasters = list(forecasters)
    if not forecasters:
        raise ValueError("evaluate needs at least one fitted forecaster, got none.")
    windows = data.windows(part)
    truth = data.in_unit(windows.y)
    now = data.in_unit(windows.last)
    scale = data.task.scale
    rows = []
    for forecaster in forecasters:
        errors = forecaster.predict(windows) - truth
        for horizon in chosen:
            place = data.horizons.index(horizon)
            error = errors[:, place]
            mae, mse = float(np.abs(error).mean()), float((error**2).mean())
            persistence = float(np.abs(now - truth[:, place]).mean())
            rows.append(
                {
                    "model": forecaster.name,
                    "seed": forecaster.seed,
                    "horizon": horizon,
                    "windows": len(windows),
                    "MAE": mae,
                    "RMSE": mse**0.5,
                    "skill": 1 - mae / persistence if persistence > 0 else float("nan"),
                    "standardised_MSE": mse / scale**2,
                    "standardised_MAE": mae / scale,
                }
            )
    return pd.DataFrame(rows).astype({"seed": "Int64"})
