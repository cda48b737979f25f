"""Pictures of a function of two parameters and of the ways down it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlcourse.plots.look import PALETTE, styles


def contour(
    objective: Callable[[np.ndarray], np.ndarray], bounds: Iterable[Iterable[float]], ax: Axes, levels: int = 25
) -> None:
    """Draws the level lines of a function of two parameters, spaced by rank of height so that valleys show.

    Args:
        objective: maps parameters `(..., 2)` to values `(...)`.
        bounds: `((low, high), (low, high))` for the first and the second parameter.
        ax: where to draw.
        levels: number of level lines.
    """
    (left, right), (bottom, top) = bounds
    first, second = np.meshgrid(np.linspace(left, right, 200), np.linspace(bottom, top, 200))
    height = objective(np.stack([first, second], axis=-1))
    ranks = np.unique(np.quantile(height, np.linspace(0.002, 0.98, levels)))
    # Light enough for a path in any colour to stand out.
    greys = plt.get_cmap("Greys_r")(np.linspace(0.45, 0.75, len(ranks)))
    ax.contour(first, second, height, levels=ranks, colors=greys, linewidths=0.8)
    ax.set(xlim=(left, right), ylim=(bottom, top))
    ax.grid(False)


def surface(
    objective: Callable[[np.ndarray], np.ndarray], bounds: Iterable[Iterable[float]], path: np.ndarray, figure: Figure
) -> None:
    """Draws a descent twice: on the surface of the function, left, and on its level lines, right.

    Args:
        objective: maps parameters `(..., 2)` to values `(...)`.
        bounds: `((low, high), (low, high))` for the first and the second parameter.
        path: the points of the descent `(steps + 1, 2)`.
        figure: an empty figure, about twice as wide as high.
    """
    (left, right), (bottom, top) = bounds
    first, second = np.meshgrid(np.linspace(left, right, 40), np.linspace(bottom, top, 40))
    solid = figure.add_subplot(1, 2, 1, projection="3d", computed_zorder=False)
    height = objective(np.stack([first, second], axis=-1))
    solid.plot_surface(first, second, height, cmap="Greys_r", alpha=0.8, linewidth=0)
    solid.plot(*path.T, objective(path), color=PALETTE[1], marker="o", markersize=3, zorder=5)
    solid.set(xlabel="$w_1$", ylabel="$w_2$")
    solid.set_zlabel("cost $J$")
    flat = figure.add_subplot(1, 2, 2)
    contour(objective, bounds, flat, levels=12)
    flat.plot(*path.T, color=PALETTE[1], marker="o", markersize=3)
    flat.set(xlabel="$w_1$", ylabel="$w_2$")


def paths(descents: Mapping[str, np.ndarray], ax: Axes, last: int | None = None) -> None:
    """Draws the ways that several descents of two parameters took, each in its colour, with a marker where it is now.

    Args:
        descents: name to points `(steps + 1, 2)`.
        ax: where to draw, with the level lines drawn already.
        last: number of the step to draw up to; the whole way without it.
    """
    for (name, points), look in zip(descents.items(), styles(), strict=False):
        shown = points[: None if last is None else last + 1]
        ax.plot(*shown.T, color=look["color"], linewidth=1.3, alpha=0.85)
        ax.plot(*shown[-1], **look, markersize=9, markeredgecolor="black", linestyle="none", label=name, zorder=4)
