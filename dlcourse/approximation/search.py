"""Architecture search: train a network for each of several settings, and keep what TensorBoard needs to compare them.

Used in: Lab 04

Reference: Lecture 004, "ACTION REQUIRED" after "A SEMI-COMPREHENSIVE TF TOUR": play with the architecture, monitor the
performance with respect to it, try TensorBoard.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from time import perf_counter

import keras
import numpy as np
from numpy.typing import NDArray

from dlcourse.approximation.graph_training import Loss, fit_in_graph
from dlcourse.approximation.tensorboard_logs import RunLog, log_space
from dlcourse.arguments import check_count
from dlcourse.progress import track

Value = bool | int | float | str
Rows = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Trial:
    """One setting, trained.

    Args:
        name: "trial-00", "trial-01", ...: the name of its run in TensorBoard.
        setting: its hyperparameters.
        model: the network after the last epoch.
        losses: training loss of every epoch, shape (epochs,); shorter where training diverged.
        scores: score on the validation rows after every epoch, shape (epochs,); as long as `losses`.
        seconds: time that it took.
    """

    name: str
    setting: dict[str, Value]
    model: keras.Model
    losses: NDArray[np.float64]
    scores: NDArray[np.float64]
    seconds: float

    @property
    def score(self) -> float:
        """Score on the validation rows after the last epoch; NaN where the first epoch already diverged."""
        return float(self.scores[-1]) if len(self.scores) else math.nan


def draw_settings(space: Mapping[str, Sequence[Value]], trials: int, seed: int = 0) -> list[dict[str, Value]]:
    """Draws different settings at random from all combinations: random search on a grid.

    Args:
        space: name of each hyperparameter to its possible values.
        trials: how many settings, at least 1; all combinations, in random order, where there are no more than that.
        seed: of the draw.

    Returns:
        Settings, each a dict with the keys of `space`, none twice.

    Raises:
        TypeError: if a count is no integer.
        ValueError: if `space` or one of its lists is empty, or a count is out of range.

    Example:
        >>> draw_settings({"layers": (1, 2), "activation": ("relu", "tanh")}, trials=2, seed=1)
        [{'layers': 1, 'activation': 'relu'}, {'layers': 1, 'activation': 'tanh'}]

    Used in: Lab 04

    Reference: J. Bergstra, Y. Bengio, Random search for hyper-parameter optimization, 2012.
    """
    if not space or not all(len(values) for values in space.values()):
        raise ValueError(f"space must map each name to at least one value, got {dict(space)}.")
    rng = np.random.default_rng(check_count("seed", seed, minimum=0))
    grid = [dict(zip(space, values, strict=True)) for values in product(*space.values())]
    chosen = rng.permutation(len(grid))[: check_count("trials", trials)]
    return [grid[i] for i in chosen]


def run_search(
    space: Mapping[str, Sequence[Value]],
    build: Callable[[dict[str, Value]], tuple[keras.Model, keras.optimizers.Optimizer]],
    train: Rows,
    validation: Rows,
    loss: Loss,
    score: Callable[[np.ndarray, np.ndarray], float],
    *,
    trials: int,
    epochs: int,
    batch_size: int = 64,
    seed: int = 0,
    log_dir: str | os.PathLike[str] | None = None,
    histograms_every: int = 5,
) -> list[Trial]:
    """Trains a network for each of `trials` settings drawn at random, and scores it after every epoch.

    With `log_dir`, every trial is a run in TensorBoard: scalars "loss" and "score", histograms of the weights, the
    network's graph, and its hyperparameters.

    Args:
        space: name of each hyperparameter to its possible values.
        build: makes a network and its optimizer for a setting. It is called after `keras.utils.set_random_seed`, with
            the same seed for every trial.
        train: inputs (n, d) and targets to train on.
        validation: inputs and targets to score on. The best score among many is too good to be true by some luck:
            judge the winner on rows that it has not seen.
        loss: as for `fit_in_graph`.
        score: maps (targets, outputs of the network as an array) to a number; higher is better.
        trials: number of settings, at least 1.
        epochs: passes over the data for each, at least 1.
        batch_size: B in the slides.
        seed: of settings, initial weights and shuffling.
        log_dir: folder to write event files to; a new one for every search.
        histograms_every: epochs between two histograms; the last epoch has one in any case.

    Returns:
        The trials in the order in which they ran. One that diverged has the epochs before that.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if an argument is out of range, or `log_dir` holds runs already.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(64, 2))
        >>> def build(setting):
        ...     layers = [keras.layers.Dense(4, activation="tanh") for _ in range(setting["layers"])]
        ...     return keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(1)]), keras.optimizers.Adam()
        >>> def score(y, outputs):
        ...     return -float(np.mean((y - outputs[:, 0]) ** 2))
        >>> rows, squares = (X, X[:, :1]), keras.losses.MeanSquaredError()
        >>> found = run_search({"layers": (0, 1)}, build, rows, (X, X[:, 0]), squares, score, trials=2, epochs=1)
        >>> sorted(trial.setting["layers"] for trial in found), len(found[0].scores)
        ([0, 1], 1)

    Used in: Lab 04

    Reference: Lecture 004, "ACTION REQUIRED" after "A SEMI-COMPREHENSIVE TF TOUR".
    """
    histograms_every = check_count("histograms_every", histograms_every)
    settings = draw_settings(space, trials, seed)
    folder = None if log_dir is None else Path(log_dir)
    if folder is not None:
        if any(folder.rglob("*.tfevents.*")):
            raise ValueError(f"{folder} holds runs of another search; give each search a folder of its own.")
        log_space(folder, space)
    found = []
    for number, setting in enumerate(track(settings, "searching", unit="trial")):
        name = f"trial-{number:02d}"
        keras.utils.set_random_seed(seed)
        model, optimizer = build(dict(setting))
        losses, scores, start = [], [], perf_counter()
        with nullcontext() if folder is None else RunLog(folder / name, setting, model) as log:
            after = _EpochEnd(model, validation, score, losses, scores, log, histograms_every)
            # A setting that diverges is a result of the search: its scores simply end there.
            with suppress(FloatingPointError):
                fit_in_graph(
                    model, *train, loss, optimizer, epochs=epochs, batch_size=batch_size, seed=seed, on_epoch=after
                )
            after.close()
        found.append(Trial(name, setting, model, np.array(losses), np.array(scores), perf_counter() - start))
    return found


@dataclass
class _EpochEnd:
    """What happens after every epoch of a trial: score, remember, log."""

    model: keras.Model
    validation: Rows
    score: Callable[[np.ndarray, np.ndarray], float]
    losses: list[float]
    scores: list[float]
    log: RunLog | None
    histograms_every: int

    def __call__(self, epoch: int, loss: float) -> None:
        outputs = np.asarray(self.model(self.validation[0].astype(np.float32), training=False))
        self.losses.append(loss)
        self.scores.append(float(self.score(self.validation[1], outputs)))
        if self.log is not None:
            scalars = {"loss": loss, "score": self.scores[-1]}
            self.log.epoch(epoch, scalars, histograms=epoch % self.histograms_every == 0)

    def close(self) -> None:
        if self.log is not None and self.losses and (len(self.losses) - 1) % self.histograms_every:
            self.log.epoch(len(self.losses) - 1, {}, histograms=True)
