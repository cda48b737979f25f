"""Pictures of recurrent networks: unrolled, their gradients through time, their gates, and how long they remember.

Used in: Lab 05
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from numpy.typing import ArrayLike, NDArray

from dlcourse.arguments import check_count
from dlcourse.plots import PALETTE, style, styles
from dlcourse.sequences.memory_training import MemoryRun
from dlcourse.sequences.recurrent import LSTMStep


def draw_unrolled(steps: int = 4) -> Figure:
    """The recurrent cell with its loop, and the same cell unrolled over time.

    Args:
        steps: How many copies to draw, 2 to 8.

    Returns:
        The drawing: x_t below, h_t from left to right, z_t above.

    Raises:
        TypeError: If `steps` is no integer.
        ValueError: If it is out of range.

    Used in: Lab 05

    Reference: Lecture 004, "An unrolled recurrent neural network".
    """
    if check_count("steps", steps, minimum=2) > 8:
        raise ValueError(f"steps must be at most 8 for the drawing to be legible, got {steps}.")
    arrow = {"arrowstyle": "-|>", "mutation_scale": 14, "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0}
    names = ["t", *(str(t) for t in range(1, steps + 1))]
    with style():
        figure, ax = plt.subplots(figsize=(1.3 * steps + 2.6, 3.2))
        for column, name in enumerate(names):
            x = 0.0 if column == 0 else 1.6 + 1.6 * column
            ax.add_patch(
                FancyBboxPatch(
                    (x - 0.4, 0.75), 0.8, 0.5, "round,pad=0,rounding_size=0.1", facecolor=PALETTE[5], edgecolor="black"
                )
            )
            ax.text(x, 1, "cell", ha="center", va="center")
            ax.text(x, -0.1, f"$x_{{{name}}}$", ha="center", va="center", fontsize=13)
            ax.text(x, 2.1, f"$z_{{{name}}}$", ha="center", va="center", fontsize=13)
            ax.add_patch(FancyArrowPatch((x, 0.12), (x, 0.75), color="black", **arrow))
            ax.add_patch(FancyArrowPatch((x, 1.25), (x, 1.88), color="black", **arrow))
            if column:
                ax.add_patch(FancyArrowPatch((x - 1.2, 1), (x - 0.4, 1), color=PALETTE[1], **arrow))
                label = f"$h_{{{column - 1}}}$"
                ax.text(x - 0.8, 1.1, label, ha="center", va="bottom", color=PALETTE[1], fontsize=12)
        # A hook on the left, so that it crosses no other arrow.
        loop = Path([(-0.4, 1.13), (-1.35, 1.6), (-1.35, 0.4), (-0.4, 0.87)], [Path.MOVETO, *[Path.CURVE4] * 3])
        ax.add_patch(FancyArrowPatch(path=loop, color=PALETTE[1], **arrow))
        ax.text(-1.25, 1.0, "$h$", ha="right", va="center", color=PALETTE[1], fontsize=12)
        ax.text(1.2, 1.0, "=", ha="center", va="center", fontsize=20)
        ax.set(
            xlim=(-1.6, 2.1 + 1.6 * steps),
            ylim=(-0.35, 2.35),
            title="One cell with a loop is the same cell at every step",
        )
        ax.set_axis_off()
    return figure


def gradient_against_lag(norms: Mapping[str, ArrayLike], title: str, label: str = "norm of the gradient") -> Figure:
    """Gradient norms over the lag, on a logarithmic scale: a straight line down is a gradient that vanishes.

    Args:
        norms: Name to norms by lag, entry 0 for lag 0. Zeros are left out, as a logarithmic scale must.
        title: The finding.
        label: What the vertical axis measures.

    Returns:
        The figure.

    Used in: Lab 05

    Reference: Lecture 004, "RNN", "the gradient can either vanish or explode".
    """
    with style():
        figure, ax = plt.subplots()
        for (name, values), look in zip(norms.items(), styles(), strict=False):
            values = np.asarray(values, dtype=np.float64)
            shown = np.where(values > 0, values, np.nan)
            ax.semilogy(np.arange(len(shown)), shown, **look, label=name, markevery=max(len(shown) // 10, 1))
        ax.set(xlabel="lag $k$ (steps back)", ylabel=label, title=title)
        ax.legend()
    return figure


def gates_figure(step: LSTMStep, sequence: NDArray[np.floating], unit: int | Sequence[int], title: str) -> Figure:
    """What an LSTM reads, and one or more units' gates and memory while it does.

    Args:
        step: What `gates_over_time` returned for one sequence.
        sequence: Inputs of the adding problem, shape (T, 2): numbers and marks.
        unit: Which unit of the state to draw, from 0 on, or up to four of them.
        title: The finding.

    Returns:
        Three panels over one time axis: numbers with the two marked, gates, memory.

    Raises:
        TypeError: If a unit is no integer.
        ValueError: If there are none or more than four, or a unit that the LSTM does not have, or if `sequence` does
            not have the steps of `step`.

    Used in: Lab 05
    """
    sequence = np.asarray(sequence)
    steps, available = step.memory.shape
    if sequence.shape != (steps, 2):
        raise ValueError(f"sequence must have shape ({steps}, 2), as the gates were watched, got {sequence.shape}.")
    units = [check_count("each unit", which, minimum=0) for which in np.atleast_1d(unit)]
    if not 1 <= len(units) <= 4 or max(units) >= available:
        raise ValueError(f"unit must be one to four numbers from 0 to {available - 1}, got {unit}.")
    time = np.arange(1, len(sequence) + 1)
    with style():
        figure, axes = plt.subplots(3, 1, sharex=True, figsize=(7.2, 6.0))
        marked = sequence[:, 1] > 0
        axes[0].bar(time, sequence[:, 0], color="lightgrey", label="number")
        axes[0].bar(time[marked], sequence[marked, 0], color=PALETTE[1], label="marked number", hatch="//")
        axes[0].set(ylabel="input", title=title)
        for which, dashes in zip(units, ("-", "--", ":", "-."), strict=False):
            suffix = f", unit {which}" if len(units) > 1 else ""
            for name, values, look in zip(
                ("forget", "input", "output"), (step.forget, step.input, step.output), styles(), strict=False
            ):
                axes[1].plot(
                    time, values[:, which], dashes, **look, markevery=max(len(time) // 12, 1), label=f"{name}{suffix}"
                )
            axes[2].plot(
                time, step.memory[:, which], dashes, color=PALETTE[3 + units.index(which)], label=f"$C_t${suffix}"
            )
        axes[1].set(ylabel="gate (0 shut, 1 open)", ylim=(-0.05, 1.05))
        axes[2].set(ylabel="memory $C_t$", xlabel="time step $t$")
        for ax in axes:
            ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def error_over_lags(curve: Mapping[str, Sequence[MemoryRun]], title: str) -> Figure:
    """The error of trained networks over the lag, in units of what a network without memory makes.

    Args:
        curve: What `memory_curve` returned; several seeds at a lag are drawn as points, their median as the line.
        title: The finding.

    Returns:
        The figure, with a line at 1: no memory.

    Used in: Lab 05
    """
    with style():
        figure, ax = plt.subplots()
        for (name, runs), look in zip(curve.items(), styles(), strict=False):
            lags = sorted({run.lag for run in runs})
            errors = [[run.relative_error for run in runs if run.lag == lag] for lag in lags]
            ax.plot(lags, [np.median(values) for values in errors], **look, label=name)
            for lag, values in zip(lags, errors, strict=True):
                ax.plot(
                    [lag] * len(values), values, color=look["color"], marker=look["marker"], alpha=0.4, linestyle=""
                )
        ax.axhline(1.0, color="black", linestyle="--", linewidth=1, label="always answering 1")
        ax.set(
            xscale="log",
            yscale="log",
            xlabel="length of the sequence (steps)",
            ylabel="mean squared error / (1/6)",
            title=title,
        )
        ax.set_xticks(lags, [str(lag) for lag in lags])
        ax.set_xticks([], minor=True)
        ax.legend()
    return figure
