"""The course's look: colours that colour-blind people tell apart, markers, matplotlib settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle

import matplotlib.pyplot as plt

# Okabe and Ito (2008): eight colours that people with the common kinds of colour blindness tell apart.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")


MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


STYLE = {
    "figure.figsize": (6.4, 4.0),
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "axes.prop_cycle": plt.cycler(color=PALETTE),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.titlesize": "medium",
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}


@contextmanager
def style() -> Iterator[None]:
    """The course's look, for figures that are made inside the `with` block."""
    with plt.rc_context(STYLE):
        yield


def use_style() -> None:
    """Sets the course's look for the whole notebook."""
    plt.rcParams.update(STYLE)


def styles() -> Iterator[dict[str, str]]:
    """Endless pairs of colour and marker, so that two curves differ in both.

    Example:
        >>> next(styles())
        {'color': '#0072B2', 'marker': 'o'}
    """
    for color, marker in zip(cycle(PALETTE), cycle(MARKERS), strict=False):
        yield {"color": color, "marker": marker}
