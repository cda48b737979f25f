"""What a training run has seen so far: its episodes, the figures of its agent, and the rows of its history.

Used in: Lab 06, Lab 07
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite, nan
from typing import Any

import numpy as np
import pandas as pd

from dlcourse.reinforcement.environments import Episode

Row = dict[str, float]
RECENT = 10


class TrainingRecord:
    """The bookkeeping of one run; all of it survives in a checkpoint.

    Attributes:
        step: transitions so far, over all copies of the environment.
        rows: one a row of the history.
    """

    def __init__(self) -> None:
        self.step = 0
        self.rows: list[Row] = []
        self._episodes: list[tuple[int, float, int]] = []
        self._in_rows = 0
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def take(self, steps: int, episodes: list[Episode], figures: Mapping[str, float]) -> None:
        """Notes what `steps` further transitions brought."""
        self.step += steps
        for episode in episodes:
            self._episodes.append((self.step, episode.total_reward, episode.length))
        for name, value in figures.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value)
            self._counts[name] = self._counts.get(name, 0) + 1

    def not_finite(self) -> str | None:
        """The first figure since the last row that is NaN or infinite, in words."""
        return next((f"{name} is {total}" for name, total in self._sums.items() if not isfinite(total)), None)

    def recent_return(self) -> float:
        """Mean return of the last ten episodes, NaN where none has ended."""
        returns = [total for _, total, _ in self._episodes[-RECENT:]]
        return float(np.mean(returns)) if returns else nan

    def close_row(self, evaluation: np.ndarray, steps_per_second: float) -> Row:
        """Makes a row of all that came since the last one."""
        new = self._episodes[self._in_rows :]
        row: Row = {
            "step": self.step,
            "episodes": len(self._episodes),
            "training_return": float(np.mean([total for _, total, _ in new])) if new else nan,
            "evaluation_return": float(np.mean(evaluation)),
            "evaluation_lowest": float(np.min(evaluation)),
            "steps_per_second": steps_per_second,
        }
        row |= {name: total / self._counts[name] for name, total in self._sums.items()}
        self.rows.append(row)
        self._in_rows = len(self._episodes)
        self._sums, self._counts = {}, {}
        return row

    def history(self) -> pd.DataFrame:
        """One row an evaluation."""
        return pd.DataFrame(self.rows).astype({"step": int, "episodes": int} if self.rows else {})

    def episodes(self) -> pd.DataFrame:
        """One row a finished training episode: the step at which it ended, its return and its length."""
        return pd.DataFrame(self._episodes, columns=["step", "total_reward", "length"])

    def state(self) -> dict[str, Any]:
        """JSON values for a checkpoint."""
        return {
            "rows": self.rows,
            "episodes": self._episodes,
            "in_rows": self._in_rows,
            "sums": self._sums,
            "counts": self._counts,
        }

    def load(self, step: int, state: Mapping[str, Any]) -> None:
        """Takes up what `state` returned."""
        self.step = step
        self.rows = [dict(row) for row in state["rows"]]
        self._episodes = [(int(at), float(total), int(length)) for at, total, length in state["episodes"]]
        self._in_rows = int(state["in_rows"])
        self._sums = dict(state["sums"])
        self._counts = dict(state["counts"])


def tensorboard_writer(log_dir: Any) -> tuple[Callable[[Row], None], Callable[[], None]]:
    """A function that writes one row for TensorBoard, and one that closes the file."""
    import tensorflow as tf

    writer = tf.summary.create_file_writer(str(log_dir))

    def write(row: Row) -> None:
        with writer.as_default(step=int(row["step"])):
            for name, value in row.items():
                if name != "step" and isfinite(value):
                    tf.summary.scalar(name, value)
        writer.flush()

    return write, writer.close
