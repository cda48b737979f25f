"""Pictures of the two-asset economy: the pledge, who holds what, what can explode, and how the economy answers.

Used in: Lab 08b

Reference: Azinovic, Gaegauf and Scheidegger (2022), Deep equilibrium nets, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from dlcourse.economics.two_asset_errors import TwoAssetErrors
from dlcourse.plots import MARKERS, PALETTE, style

_LOOKS = ("-", "--", "-.", ":")
_AGE = "age $h$ in years, 0 for the newborn"


def pledge_in_pictures(collaterals: Sequence[float]) -> Figure:
    """Two panels: what a bond pays when capital returns R', and how much may be owed on some capital.

    Args:
        collaterals: kappa, one line for each.

    Returns:
        The figure.

    Raises:
        ValueError: If there is no kappa, or one that is not positive.

    Example:
        >>> len(pledge_in_pictures([1.1]).axes)
        2
        >>> plt.close("all")

    Used in: Lab 08b
    """
    if not len(collaterals) or min(collaterals) <= 0:
        raise ValueError(f"collaterals={list(collaterals)}: give at least one kappa, all positive.")
    returns, capital = np.linspace(0.6, 1.3, 141), np.linspace(0, 5, 2)
    with style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(9.4, 3.3))
        for place, kappa in enumerate(collaterals):
            look = {"color": PALETTE[place], "linestyle": _LOOKS[place % 4], "label": rf"$\kappa$ = {kappa:.3g}"}
            left.plot(returns, np.minimum(kappa * returns, 1), **look)
            right.plot(capital, -capital / kappa, **look)
        left.set(
            xlabel="gross return $R'$", ylabel="payoff $y'$ of a bond", title="Who cannot pay hands over the pledge"
        )
        left.legend(loc="lower right", fontsize="small")
        right.fill_between(capital, -capital / max(collaterals), 1.5, color=PALETTE[0], alpha=0.08)
        right.axhline(0, color="black", linewidth=0.8)
        right.text(1.4, 0.5, "allowed for every line")
        right.set(xlabel="capital $k'$", ylabel="bonds $b'$", title="A smaller pledge allows more debt", ylim=(-5, 1.5))
    return figure


def life_between_limits(capital: ArrayLike, bonds: ArrayLike, collateral: float, marked: Sequence[int]) -> Figure:
    """One life in the plane of capital and bonds, from the newborn to the last age, with the region that is allowed.

    Args:
        capital: k by age, shape (A,).
        bonds: b by age, shape (A,).
        collateral: kappa.
        marked: Ages to name.

    Returns:
        The figure.

    Raises:
        ValueError: If the two have different shapes, or a marked age does not exist.

    Example:
        >>> figure = life_between_limits([0.0, 1.0, 2.0], [0.0, -0.8, 0.5], 1.25, [1])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['1']
        >>> plt.close(figure)

    Used in: Lab 08b
    """
    k, b = (np.asarray(part, dtype=np.float64) for part in (capital, bonds))
    if k.ndim != 1 or k.shape != b.shape or not set(marked) <= set(range(len(k))):
        raise ValueError(f"capital {k.shape}, bonds {b.shape}, marked {list(marked)}: one number for each age.")
    edge = np.array([0.0, 1.08 * k.max()])
    with style():
        figure, ax = plt.subplots(figsize=(6.2, 3.9))
        ax.fill_between(edge, -edge / collateral, b.max() + 0.6, color=PALETTE[0], alpha=0.08, label="allowed")
        ax.plot(edge, -edge / collateral, color="black", linewidth=1, label="$q = 0$: all capital is pledged")
        ax.plot(k, b, "-o", color=PALETTE[1], markersize=3, label="one life")
        for age in marked:
            ax.annotate(f"{age}", (k[age], b[age]), textcoords="offset points", xytext=(7, 4))
        ax.axhline(0, color="black", linewidth=0.6, linestyle=":")
        ax.set(xlabel="capital $k$", ylabel="bonds $b$", title="Along the limit first, then across to the other side")
        ax.legend(loc="lower left", fontsize="small")
    return figure


def portfolios_by_age(panels: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> Figure:
    """Mean capital and bonds by age, with a band from the 5th to the 95th percentile of the periods.

    Args:
        panels: Title, and k and b along a path, each of shape (T, A), or of a single state, shape (A,).

    Returns:
        The figure.

    Raises:
        ValueError: If there is no panel, or capital and bonds do not fit together.

    Example:
        >>> figure = portfolios_by_age({"steady": ([0.0, 1.0], [0.0, -0.5])})
        >>> figure.axes[0].lines[1].get_ydata().tolist()
        [0.0, -0.5]
        >>> plt.close(figure)

    Used in: Lab 08b
    """
    if not panels:
        raise ValueError("panels is empty: give at least one pair of capital and bonds.")
    with style():
        figure, axes = plt.subplots(1, len(panels), figsize=(4.4 * len(panels) + 1.0, 3.4), sharey=True, squeeze=False)
        for ax, (title, pair) in zip(axes[0], panels.items(), strict=True):
            capital, bonds = (np.atleast_2d(np.asarray(part, dtype=np.float64)) for part in pair)
            if capital.shape != bonds.shape:
                raise ValueError(f"{title}: capital has shape {capital.shape} and bonds {bonds.shape}.")
            for place, (name, values) in enumerate((("capital $k$", capital), ("bonds $b$", bonds))):
                ages = np.arange(values.shape[1])
                ax.plot(ages, values.mean(axis=0), _LOOKS[place], color=PALETTE[place], label=name)
                ax.fill_between(ages, *np.percentile(values, (5, 95), axis=0), color=PALETTE[place], alpha=0.2)
            ax.axhline(0, color="black", linewidth=0.8)
            ax.set(title=title, xlabel=_AGE)
        axes[0, 0].set_ylabel("units of the good")
        axes[0, 0].legend(loc="upper left")
    return figure


def limits_by_age(shares: Mapping[str, ArrayLike]) -> Figure:
    """In which share of the periods each age stands at a limit.

    Args:
        shares: Name of the limit and share by age, fractions, shape (A - 1,).

    Returns:
        The figure.

    Raises:
        ValueError: If there is nothing to draw, or a number is no share.

    Example:
        >>> figure = limits_by_age({"q = 0": [1.0, 0.5]})
        >>> figure.axes[0].lines[0].get_ydata().tolist()
        [100.0, 50.0]
        >>> plt.close(figure)

    Used in: Lab 08b
    """
    with style():
        figure, ax = plt.subplots(figsize=(6.4, 3.3))
        for place, (name, given) in enumerate(shares.items()):
            values = 100 * np.asarray(given, dtype=np.float64)
            if (values < 0).any() or (values > 100).any():
                raise ValueError(f"{name}: shares lie between 0 and 1, got {np.asarray(given).tolist()}.")
            look = {"color": PALETTE[place], "marker": MARKERS[place], "markersize": 4, "label": name}
            ax.plot(np.arange(len(values)), values, _LOOKS[place % 4], **look)
        if not ax.lines:
            raise ValueError("shares is empty: give at least one limit.")
        ax.set(xlabel=_AGE, ylabel="% of the periods", ylim=(-3, 103), title="Only the young stand at a limit")
        ax.legend(loc="upper right")
    return figure


def roots_in_the_plane(roots: ArrayLike) -> Figure:
    """Eigenvalues in the complex plane, those inside and outside the unit circle in different looks.

    Args:
        roots: Complex numbers, shape (n,). Those beyond 3 are left out of the picture.

    Returns:
        The figure.

    Raises:
        ValueError: If there is no root.

    Example:
        >>> figure = roots_in_the_plane([0.5, 2.0])
        >>> [len(line.get_xdata()) for line in figure.axes[0].lines[:2]]
        [1, 1]
        >>> plt.close(figure)

    Used in: Lab 08b
    """
    values = np.asarray(roots, dtype=np.complex128).ravel()
    if not values.size:
        raise ValueError("roots is empty: give at least one.")
    size, turn = np.abs(values), np.linspace(0, 2 * np.pi, 200)
    with style():
        figure, ax = plt.subplots(figsize=(5.2, 4.4))
        for place, (name, kept) in enumerate((("comes back", size < 1), ("explodes", (size >= 1) & (size < 3)))):
            part = values[kept]
            ax.plot(part.real, part.imag, "os"[place], color=PALETTE[place], markersize=3.5, label=name)
        ax.plot(np.cos(turn), np.sin(turn), color="black", linewidth=1)
        ax.set(
            xlabel="real part", ylabel="imaginary part", aspect="equal", title="Each dot outside is a way to explode"
        )
        figure.legend(loc="outside right upper")
    return figure


def mean_errors_by_age(errors: Mapping[str, TwoAssetErrors]) -> Figure:
    """Mean errors of the capital and of the bond choice by age, in percent, on a logarithmic scale.

    Args:
        errors: Name and errors of a policy.

    Returns:
        The figure, one panel for each asset.

    Raises:
        ValueError: If there is nothing to draw.

    Used in: Lab 08b
    """
    if not errors:
        raise ValueError("errors is empty: give the errors of at least one policy.")
    with style():
        figure, axes = plt.subplots(1, 2, figsize=(9.4, 3.4), sharey=True)
        for place, (name, found) in enumerate(errors.items()):
            look = {"color": PALETTE[place], "marker": MARKERS[place], "markevery": 5, "markersize": 4, "label": name}
            for ax, values in zip(axes, (found.capital_by_age, found.bond_by_age), strict=True):
                ax.semilogy(np.arange(len(values)), 100 * np.maximum(values, 1e-8), _LOOKS[place % 4], **look)
        for ax, title in zip(axes, ("Capital", "Bond"), strict=True):
            ax.set(title=title, xlabel=_AGE)
        axes[0].set_ylabel("mean error in % of consumption")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper")
    return figure


def price_over_shocks(price: ArrayLike, capital: ArrayLike, shocks: ArrayLike, labels: Sequence[str]) -> Figure:
    """The bond price against aggregate capital, one colour and marker for each shock.

    Args:
        price: p_t, shape (T,).
        capital: K_t, shape (T,).
        shocks: z_t, integers, shape (T,).
        labels: What to call each shock.

    Returns:
        The figure.

    Raises:
        ValueError: If the shapes differ, or a shock has no label.

    Example:
        >>> figure = price_over_shocks([0.9, 0.95], [140.0, 120.0], [0, 1], ["calm", "disaster"])
        >>> len(figure.axes[0].lines)
        2
        >>> plt.close(figure)

    Used in: Lab 08b
    """
    p, total, states = np.asarray(price), np.asarray(capital), np.asarray(shocks)
    if not p.shape == total.shape == states.shape or p.ndim != 1 or not states.size or states.max() >= len(labels):
        raise ValueError(
            f"{p.shape} prices, {total.shape} of K, {states.shape} shocks, {len(labels)} labels do not fit."
        )
    with style():
        figure, ax = plt.subplots(figsize=(7.4, 3.6))
        for place, label in enumerate(labels):
            seen = states == place
            marker = MARKERS[place]
            ax.plot(total[seen], p[seen], marker, color=PALETTE[place], markersize=2, rasterized=True, label=label)
        ax.set(
            xlabel="aggregate capital $K$",
            ylabel="bond price $p$",
            title="Plenty of capital, or a disaster: dear bonds",
        )
        figure.legend(loc="outside right upper", markerscale=3)
    return figure


def impulse_responses(answers: Mapping[str, Mapping[str, ArrayLike]], unit: str = "%") -> Figure:
    """How some quantities answer to impulses over the years, one panel for each quantity.

    Args:
        answers: Name of the impulse; for each the quantities by name and their answers, shape (years,). All impulses
            have the same quantities.
        unit: Of the vertical axes.

    Returns:
        The figure.

    Raises:
        ValueError: If there is no impulse, or they differ in their quantities.

    Example:
        >>> figure = impulse_responses({"disaster": {"K": [0.0, -2.0], "p": [1.0, 0.5]}})
        >>> [ax.get_title(loc="left") for ax in figure.axes]
        ['K', 'p']
        >>> plt.close(figure)

    Used in: Lab 08b
    """
    names = {tuple(answer) for answer in answers.values()}
    if len(names) != 1 or not next(iter(names)):
        raise ValueError(f"the impulses answer in {sorted(names)}: give at least one, all with the same quantities.")
    quantities = next(iter(names))
    rows = (len(quantities) + 1) // 2
    with style():
        figure, axes = plt.subplots(
            rows, min(2, len(quantities)), figsize=(9.4, 2.7 * rows + 0.3), sharex=True, squeeze=False
        )
        flat: NDArray[np.object_] = axes.ravel()
        for ax, quantity in zip(flat, quantities, strict=False):
            for place, (name, answer) in enumerate(answers.items()):
                values = np.asarray(answer[quantity], dtype=np.float64)
                look = {"color": PALETTE[place], "marker": MARKERS[place], "markersize": 3, "label": name}
                ax.plot(np.arange(len(values)), values, _LOOKS[place % 4], **look)
            ax.axhline(0, color="black", linewidth=0.8)
            ax.set_title(quantity)
        for ax in axes[-1]:
            ax.set_xlabel("years since the impulse")
        for ax in axes[:, 0]:
            ax.set_ylabel(f"change in {unit}")
        flat[0].legend(loc="best", fontsize="small")
        for ax in flat[len(quantities) :]:
            ax.set_axis_off()
    return figure
