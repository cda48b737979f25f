"""Pictures of an economy of overlapping generations, before anything is solved.

Used in: Lab 08

Reference: Lecture 004, "BENCHMARK OLG MODEL AS EXAMPLE" to "FIRMS AND MARKETS".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from dlcourse.economics.olg import OLGEconomy
from dlcourse.plots import MARKERS, PALETTE, style

FIRST_YEAR = 21
"""The age in years at which the slides' households enter."""


def economy_in_pictures(economy: OLGEconomy, shocks: ArrayLike, lives: int = 6) -> Figure:
    """Three panels: who lives when, how much each age works, and a path of the shocks.

    Args:
        economy: its labour and its shocks are drawn.
        shocks: z_t, integers, shape (T,).
        lives: how many cohorts the first panel shows, at least 2; with sixty nobody could tell the lines apart.

    Returns:
        The figure.

    Raises:
        ValueError: If there are fewer than two lives, or a shock that the economy does not know.

    Example:
        >>> from dlcourse.economics.benchmark_olg import benchmark_olg
        >>> figure = economy_in_pictures(benchmark_olg(), [0, 1, 3])
        >>> len(figure.axes)
        3
        >>> plt.close(figure)

    Used in: Lab 08
    """
    states = np.asarray(shocks)
    if lives < 2:
        raise ValueError(f"lives must be at least 2, got {lives}.")
    if states.size == 0 or states.min() < 0 or states.max() >= len(economy.shocks):
        raise ValueError(f"shocks must be integers from 0 to {len(economy.shocks) - 1}, got {states.tolist()}.")
    with style():
        figure, (who, work, weather) = plt.subplots(1, 3, figsize=(10.4, 3.1), width_ratios=(1, 1, 1.3))
        _draw_lives(who, lives)
        ages = FIRST_YEAR + np.arange(economy.cohorts)
        work.plot(ages, economy.labour, color=PALETTE[0])
        work.fill_between(ages, economy.labour, color=PALETTE[0], alpha=0.15)
        work.set(xlabel="age in years", ylabel="labour", ylim=(0, None), title="Most work is done in mid-life")
        for values, name, color, look in (
            (economy.productivity, r"productivity $\eta$", PALETTE[0], "-"),
            (economy.depreciation, r"depreciation $\delta$", PALETTE[1], "--"),
        ):
            weather.step(np.arange(len(states)), values[states], look, where="post", color=color, label=name)
        weather.set(xlabel="period", ylabel="value", ylim=(0.2, 1.3), title="A coin each year, a disaster now and then")
        weather.legend(loc="lower right", ncols=2)
    return figure


def complementarity_forms(forms: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]]) -> Figure:
    """Draws functions of two numbers, side by side, with their zeros in black.

    Args:
        forms: Title and function, which takes and returns arrays of one shape.

    Returns:
        The figure.

    Raises:
        ValueError: If there is no function.

    Example:
        >>> figure = complementarity_forms({"product": lambda x, y: x * y, "min": np.minimum})
        >>> len(figure.axes)
        3
        >>> plt.close(figure)

    Used in: Lab 08
    """
    if not forms:
        raise ValueError("forms is empty: give at least one function.")
    line = np.linspace(-1, 1, 201)
    x, y = np.meshgrid(line, line)
    levels = np.linspace(-2, 2, 17)
    with style():
        figure, axes = plt.subplots(
            1, len(forms), figsize=(3.1 * len(forms) + 0.8, 3.6), sharex=True, sharey=True, squeeze=False
        )
        for ax, (name, form) in zip(axes[0], forms.items(), strict=True):
            values = form(x, y)
            picture = ax.contourf(x, y, values, levels=levels, cmap="PuOr", extend="both")
            # The zeros of a minimum lie on its kink, where a contour of 0 is a matter of rounding.
            ax.contour(x, y, np.where(np.abs(values) < 1e-12, 0.0, values), levels=[1e-6], colors="black", linewidths=2)
            ax.set(title=name, xlabel="$x$", aspect="equal", xticks=(-1, 0, 1), yticks=(-1, 0, 1))
            ax.grid(False)
        axes[0, 0].set_ylabel("$y$")
        figure.colorbar(picture, ax=list(axes[0]), label="value", ticks=(-2, -1, 0, 1, 2))
    return figure


def _draw_lives(ax: plt.Axes, lives: int) -> None:
    for birth in range(1 - lives, lives + 2):
        ages = np.arange(1, lives + 1)
        periods = birth + ages - 1
        seen = (periods >= 0) & (periods <= lives + 1)
        color, marker = PALETTE[birth % 7], MARKERS[birth % 7]
        ax.plot(periods[seen], ages[seen], color=color, marker=marker, markersize=4, linewidth=1.2)
    ax.axvspan(2.6, 3.4, color="black", alpha=0.1)
    ax.set(xlabel="period", ylabel="age", title=f"In every period {lives} ages live")
    ax.set_xticks(range(0, lives + 2, 2))
