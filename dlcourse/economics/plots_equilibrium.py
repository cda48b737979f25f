"""Pictures of a solved economy: by age and shock, against the truth, and where its errors are.

Used in: Lab 08

Reference: Lecture 004, "LEARNING THE EQUILIBRIUM" and "LOOSENING BORROWING CONSTRAINTS".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from dlcourse.economics.plots_economy import FIRST_YEAR
from dlcourse.plots import MARKERS, PALETTE, style

_LOOKS = ("-", ":", "--", "-.")


def by_age_in_shocks(
    panels: Mapping[str, ArrayLike],
    shocks: ArrayLike,
    labels: Sequence[str],
    ylabel: str = "units of the good",
    common_scale: bool = False,
) -> Figure:
    """The mean of some quantities by age, a line for each shock.

    Args:
        panels: Title and values along a path, shape (T, ages); the first column is age 21.
        shocks: z_t of that path, integers, shape (T,); or one path for each panel, as a list of arrays.
        labels: What to call each shock.
        ylabel: Label of the vertical axes.
        common_scale: Whether all panels have the same vertical axis.

    Returns:
        The figure, one panel after the other.

    Raises:
        ValueError: If there is no panel, or a path of shocks does not fit the values.

    Example:
        >>> figure = by_age_in_shocks({"savings": np.ones((4, 3))}, [0, 1, 0, 1], ["bad", "good"])
        >>> [line.get_label() for line in figure.axes[0].lines]
        ['bad', 'good']
        >>> plt.close(figure)

    Used in: Lab 08
    """
    if not panels:
        raise ValueError("panels is empty: give at least one quantity.")
    paths = list(shocks) if isinstance(shocks, list) and np.ndim(shocks[0]) == 1 else [shocks] * len(panels)
    with style():
        figure, axes = plt.subplots(
            1, len(panels), figsize=(4.6 * len(panels) + 0.4, 3.5), sharey=common_scale, squeeze=False
        )
        for ax, (title, given), path in zip(axes[0], panels.items(), paths, strict=True):
            values, states = np.asarray(given, dtype=np.float64), np.asarray(path)
            if values.ndim != 2 or len(values) != len(states):
                raise ValueError(f"{title} has shape {values.shape} for a path of {len(states)} shocks.")
            for shock, label in enumerate(labels):
                seen = values[states == shock]
                mean = seen.mean(axis=0) if len(seen) else np.full(values.shape[1], np.nan)
                ax.plot(_ages(values.shape[1]), mean, _LOOKS[shock % 4], color=PALETTE[shock], label=label)
            ax.set(title=title, xlabel="age in years")
        axes[0, 0].set_ylabel(ylabel)
        axes[0, 0].legend(loc="best", fontsize="small")
    return figure


def shares_and_truth(found: ArrayLike, truth: ArrayLike) -> Figure:
    """The share of its income that each age saves, as a network has it in many states, beside the closed form.

    Args:
        found: Shares along a path, shape (T, ages).
        truth: beta_h, shape (ages,).

    Returns:
        The figure: the shares, and by how many percent they are off.

    Raises:
        ValueError: If the ages do not fit.

    Example:
        >>> figure = shares_and_truth(np.full((5, 2), 0.5), [0.5, 0.4])
        >>> len(figure.axes)
        2
        >>> plt.close(figure)

    Used in: Lab 08
    """
    shares, exact = np.asarray(found, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if shares.ndim != 2 or exact.shape != shares.shape[1:]:
        raise ValueError(f"found has shape {shares.shape} and truth {exact.shape}: (T, ages) and (ages,) fit together.")
    ages = np.arange(1, len(exact) + 1)
    with style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.3))
        left.plot(ages, exact, color=PALETTE[1], label="closed form")
        left.plot(ages, shares.mean(axis=0), "o", color=PALETTE[0], label="network, mean over the path")
        left.set(xlabel="age", ylabel="share of income saved", ylim=(0, None), xticks=ages, title="On the closed form")
        left.legend(loc="lower left")
        off = 100 * (shares / exact - 1)
        right.axhline(0, color=PALETTE[1])
        for place, age in enumerate(ages):
            # A fan of points for each age: every state of the path at its own height.
            spread = np.linspace(-0.3, 0.3, len(off))
            right.plot(age + spread, off[:, place], ".", color=PALETTE[0], markersize=1.5, rasterized=True)
        right.set(xlabel="age; within it, time runs to the right", ylabel="savings too high by, in %", xticks=ages)
        right.set_title("Off by a fraction of a percent")
    return figure


def errors_by_age(errors: Mapping[str, ArrayLike], title: str) -> Figure:
    """Mean and maximum of errors by age, in percent, on a logarithmic scale.

    Args:
        errors: Name and errors along a path, fractions, shape (T, ages); the first column is age 21.
        title: What the picture shows.

    Returns:
        The figure: for each name a thick line for the mean and a thin one for the maximum.

    Raises:
        ValueError: If there is nothing to draw.

    Example:
        >>> figure = errors_by_age({"limit 0": np.full((3, 4), 0.01)}, "Errors")
        >>> figure.axes[0].lines[0].get_ydata().tolist()
        [1.0, 1.0, 1.0, 1.0]
        >>> plt.close(figure)

    Used in: Lab 08
    """
    if not errors:
        raise ValueError("errors is empty: give at least one array.")
    with style():
        figure, ax = plt.subplots(figsize=(7.0, 3.6))
        for place, (name, given) in enumerate(errors.items()):
            values = 100 * np.abs(np.asarray(given, dtype=np.float64))
            look = {"color": PALETTE[place], "marker": MARKERS[place], "markevery": 4, "markersize": 4}
            ages = _ages(values.shape[1])
            ax.semilogy(ages, values.mean(axis=0), "-", label=f"{name}, mean", **look)
            ax.semilogy(ages, values.max(axis=0), ":", linewidth=1.2, label=f"{name}, maximum", **look)
        ax.set(xlabel="age in years", ylabel="error in % of consumption", title=title)
        figure.legend(loc="outside right upper")
    return figure


def histograms(errors: Mapping[str, ArrayLike], capital: Mapping[str, ArrayLike]) -> Figure:
    """Two panels: errors on a logarithmic axis, and aggregate capital.

    Args:
        errors: Name and errors, fractions, of any shape. Those below 1e-7 are counted at 1e-7.
        capital: Name and K_t, shape (T,).

    Returns:
        The figure.

    Raises:
        ValueError: If one of the two is empty.

    Example:
        >>> figure = histograms({"limit 0": [0.01, 0.02]}, {"limit 0": [20.0, 21.0]})
        >>> len(figure.axes)
        2
        >>> plt.close(figure)

    Used in: Lab 08
    """
    if not errors or not capital:
        raise ValueError("give errors and capital of at least one economy.")
    with style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.3))
        for place, (name, given) in enumerate(errors.items()):
            powers = np.log10(np.maximum(100 * np.abs(np.ravel(given)), 1e-5))
            _outline(left, powers, np.linspace(-5, 1, 49), place, name)
        left.set(xlabel="error in % of consumption", ylabel="share of states and ages", title="Errors")
        left.set_xticks(range(-5, 2), ["$\\leq 10^{-5}$", *(f"$10^{{{power}}}$" for power in range(-4, 2))])
        totals = np.concatenate([np.ravel(given) for given in capital.values()])
        for place, (name, given) in enumerate(capital.items()):
            _outline(right, np.ravel(given), np.linspace(totals.min(), totals.max(), 41), place, name)
        right.set(xlabel="aggregate capital $K$", ylabel="share of periods", title="Capital")
        right.legend(loc="upper left")
    return figure


def errors_near_the_kink(distance: ArrayLike, errors: ArrayLike, bins: int = 41, widest: float = 0.5) -> Figure:
    """Mean and largest error against how far a household is from the point where its limit starts to bind.

    Args:
        distance: target / resources - 1: above 0 the limit binds, below it does not; any shape.
        errors: Fractions, the same shape.
        bins: How many, at least 2.
        widest: Distances drawn, to both sides.

    Returns:
        The figure.

    Raises:
        ValueError: If the shapes differ, or no household is that close.

    Example:
        >>> figure = errors_near_the_kink([-0.1, 0.1], [0.01, 0.02], bins=2)
        >>> figure.axes[0].lines[0].get_ydata().tolist()
        [1.0, 2.0]
        >>> plt.close(figure)

    Used in: Lab 08
    """
    gap, wrong = np.ravel(np.asarray(distance)), 100 * np.abs(np.ravel(np.asarray(errors)))
    if gap.shape != wrong.shape or bins < 2 or not (np.abs(gap) < widest).any():
        raise ValueError(f"{gap.size} distances, {wrong.size} errors, {bins} bins: equally many, some within {widest}.")
    edges = np.linspace(-widest, widest, bins + 1)
    place = np.digitize(gap, edges) - 1
    kept = [index for index in range(bins) if (place == index).any()]
    middle = (edges[:-1] + edges[1:])[kept] / 2
    with style():
        figure, ax = plt.subplots(figsize=(6.6, 3.5))
        mean = [float(wrong[place == index].mean()) for index in kept]
        highest = [float(wrong[place == index].max()) for index in kept]
        ax.semilogy(middle, mean, color=PALETTE[0], marker="o", markersize=4, label="mean error")
        ax.semilogy(middle, highest, ":", color=PALETTE[1], marker="s", markersize=4, label="largest error")
        ax.axvline(0, color="black", linewidth=1)
        ax.set(xlabel="target / resources - 1  (above 0 the limit binds)", ylabel="error in % of consumption")
        ax.set_title("Errors sit where the limit starts to bind")
        ax.legend(loc="best")
    return figure


def _ages(count: int) -> NDArray[np.int64]:
    return FIRST_YEAR + np.arange(count)


def _outline(ax: plt.Axes, values: NDArray[np.float64], edges: NDArray[np.float64], place: int, name: str) -> None:
    weights = np.full(len(values), 1 / len(values))
    look = {"color": PALETTE[place], "linestyle": _LOOKS[place % 4], "label": name, "linewidth": 1.6}
    ax.hist(values, bins=edges, weights=weights, histtype="step", **look)
