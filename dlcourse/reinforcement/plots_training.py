"""Curves of training: the return that climbs while an agent learns, and several ways of learning side by side.

Used in: Lab 06

Reference: Lecture 004, "TRAINING POLICY GRADIENTS".
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from dlcourse.plots import PALETTE, show, style
from dlcourse.progress import progress_enabled


class LiveReturns:
    """A curve of returns that grows under the cell while training runs: the `report` of `train`.

    Where nobody watches (`DLCOURSE_PROGRESS=0`, or no notebook) it draws once, at the end.

    Args:
        goal: return from which on the task counts as solved, drawn as a line.
        best: return of the best policy known, drawn as a line; None draws none.
        title: of the growing picture.
        goal_name: what the line at the goal is called.

    Attributes:
        steps: of the rows so far.
        returns: mean return on the fixed starts, for each of them.

    Example:
        >>> live = LiveReturns(goal=-200.0)
        >>> live({"step": 500, "evaluation_return": -1200.0})
        >>> live.steps, live.returns
        ([500], [-1200.0])

    Used in: Lab 06, Lab 07
    """

    def __init__(self, goal: float, best: float | None = None, title: str = "", goal_name: str = "stands up") -> None:
        self.goal = goal
        self.goal_name = goal_name
        self.best = best
        self.title = title
        self.steps: list[int] = []
        self.returns: list[float] = []
        self._handle: Any = None

    def __call__(self, row: Mapping[str, Any]) -> None:
        """Takes a row of the history and draws it."""
        self.steps.append(int(row["step"]))
        self.returns.append(float(row["evaluation_return"]))
        if progress_enabled():
            self._update()

    def finish(self, title: str, alt: str) -> None:
        """Puts the finished picture in the place of the growing one.

        Args:
            title: that says the finding.
            alt: what the picture shows, in one sentence.
        """
        if self._handle is not None:
            from IPython.display import HTML

            self._handle.update(HTML(""))
        self.title = title
        show(self.figure(), alt)

    def figure(self) -> Figure:
        """The curve so far."""
        with style():
            figure, ax = plt.subplots(figsize=(6.0, 3.4))
            ax.plot(self.steps, self.returns, marker="o", color=PALETTE[0], label="the agent, without noise")
            _reference_lines(ax, self.goal, self.best, self.goal_name)
            ax.set(title=self.title, xlabel="steps in the environment", ylabel="mean return of 10 episodes")
            ax.legend(loc="lower right")
        return figure

    def _update(self) -> None:
        from IPython.display import Image, display

        figure, picture = self.figure(), io.BytesIO()
        figure.savefig(picture, format="png", dpi=80)
        plt.close(figure)
        image = Image(data=picture.getvalue())
        if self._handle is None:
            self._handle = display(image, display_id=True)
        else:
            self._handle.update(image)


def compare_learning(
    steps: ArrayLike, returns: Mapping[str, ArrayLike], goal: float, best: float | None = None
) -> Figure:
    """Learning curves of several variants, one panel each: every seed a line, and the variant's median.

    Args:
        steps: at which the agents were evaluated, shape (evaluations,).
        returns: of each variant, shape (seeds, evaluations).
        goal: return from which on the task counts as solved.
        best: return of the best policy known; None draws none.

    Returns:
        The figure.

    Raises:
        ValueError: if there is no variant, or one does not fit the steps.

    Example:
        >>> figure = compare_learning([500, 1000], {"all of DDPG": [[-900.0, -150.0]]}, goal=-200.0)
        >>> len(figure.axes)
        1
        >>> plt.close(figure)

    Used in: Lab 06
    """
    steps = np.asarray(steps)
    tables = {name: np.asarray(table, dtype=np.float64) for name, table in returns.items()}
    if not tables:
        raise ValueError("returns is empty: give at least one variant.")
    for name, table in tables.items():
        if table.ndim != 2 or not len(table) or table.shape[1] != len(steps):
            raise ValueError(
                f"{name!r} has returns of shape {table.shape}, expected (seeds, {len(steps)}), one seed at least."
            )
    with style():
        columns = 2 if len(tables) == 4 else min(3, len(tables))
        rows = -(-len(tables) // columns)
        size = (3.1 * columns + 0.6, 2.3 * rows + 0.8)
        figure, axes = plt.subplots(rows, columns, figsize=size, sharex=True, sharey=True, squeeze=False)
        for ax in axes.ravel()[len(tables) :]:
            ax.remove()
        for number, (ax, (name, table)) in enumerate(zip(axes.flat, tables.items(), strict=False)):
            seeds = ax.plot(steps, table.T, color="0.65", linewidth=1)
            seeds[0].set_label("one seed")
            ax.plot(steps, np.median(table, axis=0), color=PALETTE[0], marker="o", markersize=4, label="median")
            _reference_lines(ax, goal, best)
            ax.set_title(name)
            if number % columns == 0:
                ax.set_ylabel("mean return")
            if number >= len(tables) - columns:
                ax.set_xlabel("steps")
                ax.tick_params(labelbottom=True)
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncol=2)
    return figure


def _reference_lines(ax: Axes, goal: float, best: float | None, goal_name: str = "stands up") -> None:
    ax.axhline(goal, color=PALETTE[1], linestyle="--", linewidth=1.2, label=f"{goal_name}: {goal:g}")
    if best is not None:
        ax.axhline(best, color=PALETTE[2], linestyle=":", linewidth=1.5, label=f"dynamic programming: {best:.0f}")
