"""Pictures of what a classifier does: regions, boundaries, confusions, answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure

from dlcourse.plots.look import PALETTE, styles


def decision_regions(predict: Callable[[np.ndarray], np.ndarray], X: np.ndarray, y: np.ndarray, ax: Axes) -> None:
    """Colours the plane by the predicted class and draws the data on top.

    Args:
        predict: maps inputs `(n, 2)` to class labels `(n,)`.
        X: inputs `(n, 2)`.
        y: integer class labels `(n,)`.
        ax: where to draw.
    """
    margin = 0.15 * np.ptp(X, axis=0) + 0.1
    (left, bottom), (right, top) = X.min(axis=0) - margin, X.max(axis=0) + margin
    first, second = np.meshgrid(np.linspace(left, right, 300), np.linspace(bottom, top, 300))
    labels = np.asarray(predict(np.column_stack([first.ravel(), second.ravel()]))).reshape(first.shape)
    classes = np.unique(y)
    regions = np.searchsorted(classes, labels)
    ax.contourf(
        first, second, regions, levels=np.arange(len(classes) + 1) - 0.5, colors=PALETTE[: len(classes)], alpha=0.2
    )
    for label, look in zip(classes, styles(), strict=False):
        chosen = y == label
        ax.scatter(*X[chosen].T, **look, s=45, edgecolor="black", linewidth=0.6, label=f"class {label}", zorder=3)
    ax.set(xlim=(left, right), ylim=(bottom, top))
    ax.grid(False)


def boundary(weights: np.ndarray, ax: Axes, **look: object) -> None:
    """Draws the line `w_0 + w_1 x_1 + w_2 x_2 = 0` where a unit changes its mind, inside the axes' present limits.

    Args:
        weights: `(w_0, w_1, w_2)`, the bias first. Nothing is drawn where both `w_1` and `w_2` are zero.
        ax: where to draw; set its limits first.
        look: colour, width and so on, as for `Axes.plot`.
    """
    bias, first, second = weights
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    if abs(second) > abs(first):
        ends = np.array([left, right])
        ax.plot(ends, -(bias + first * ends) / second, **look)
    elif first != 0:
        ends = np.array([bottom, top])
        ax.plot(-(bias + second * ends) / first, ends, **look)
    ax.set(xlim=(left, right), ylim=(bottom, top))


def output_field(
    output: Callable[[np.ndarray], np.ndarray],
    ax: Axes,
    bounds: Iterable[Iterable[float]] = ((-0.4, 1.4), (-0.4, 1.4)),
) -> QuadContourSet:
    """Colours the plane by a unit's output between 0 (blue) and 1 (orange), with a line where it is one half.

    Args:
        output: maps inputs `(n, 2)` to outputs `(n,)` or `(n, 1)`.
        ax: where to draw.
        bounds: `((low, high), (low, high))` for the first and the second input.

    Returns:
        The coloured areas, for `figure.colorbar`.
    """
    (left, right), (bottom, top) = bounds
    first, second = np.meshgrid(np.linspace(left, right, 120), np.linspace(bottom, top, 120))
    height = np.asarray(output(np.column_stack([first.ravel(), second.ravel()]))).reshape(first.shape)
    colors = LinearSegmentedColormap.from_list("blue_to_orange", ["#4f9fd0", "#f4f4f4", "#e8935a"])
    areas = ax.contourf(first, second, height, levels=np.linspace(0, 1, 21), cmap=colors)
    if height.min() < 0.5 < height.max():
        ax.contour(first, second, height, levels=[0.5], colors="black", linewidths=1.5)
    ax.set(xlim=(left, right), ylim=(bottom, top))
    ax.grid(False)
    return areas


def binary_points(X: np.ndarray, t: np.ndarray, ax: Axes) -> None:
    """Draws points of the plane with their target: blue circles for 0, orange squares for 1.

    Args:
        X: inputs `(n, 2)`.
        t: targets 0 or 1, `(n,)`.
        ax: where to draw.
    """
    for target, look in zip((0, 1), styles(), strict=False):
        ax.scatter(*X[t == target].T, **look, s=90, edgecolor="black", zorder=4, label=f"target {target}")


def confusion(matrix: np.ndarray, labels: Iterable[object], ax: Axes) -> None:
    """Draws a confusion matrix with its counts: rows are the true classes, columns the predicted ones.

    Args:
        matrix: integer counts `(k, k)`, as `sklearn.metrics.confusion_matrix` returns them.
        labels: the k class names.
        ax: where to draw.
    """
    names = [str(label) for label in labels]
    ax.imshow(np.log1p(matrix), cmap="Blues")
    threshold = np.log1p(matrix).max() / 2
    for (row, column), count in np.ndenumerate(matrix):
        color = "white" if np.log1p(count) > threshold else "black"
        ax.text(column, row, int(count), ha="center", va="center", color=color, fontsize=9)
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.set_xticks(range(len(names)), names)
    ax.set_yticks(range(len(names)), names)
    ax.grid(False)


def images(pictures: np.ndarray, titles: Iterable[str], columns: int = 6, size: float = 1.25) -> Figure:
    """Draws grey-scale images in a grid.

    Args:
        pictures: `(n, height, width)`, larger is darker.
        titles: n short titles.
        columns: images a row.
        size: inches an image.

    Returns:
        The figure, to be given to `show`.
    """
    rows = -(-len(pictures) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(size * columns, (size + 0.25) * rows), squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for ax, picture, title in zip(axes.flat, pictures, titles, strict=False):
        ax.imshow(picture, cmap="gray_r")
        ax.set_title(title, fontsize=9, loc="center", fontweight="normal")
    return figure


def answers(
    pictures: np.ndarray,
    probabilities: np.ndarray,
    truths: np.ndarray,
    row_titles: Iterable[str] = (),
    columns: int = 6,
) -> Figure:
    """Draws images with what a classifier makes of them: under each its probabilities, the true class in green.

    Args:
        pictures: `(n, height, width)`, larger is darker.
        probabilities: `(n, k)`, rows sum to 1.
        truths: true classes `(n,)`, integers from 0.
        row_titles: a short title for each row of images, written at its left.
        columns: images a row.

    Returns:
        The figure, to be given to `show`.
    """
    rows, classes = -(-len(pictures) // columns), probabilities.shape[1]
    # Image, bars and a gap below them: the gap keeps the bars with their own image.
    figure, axes = plt.subplots(
        3 * rows, columns, figsize=(1.45 * columns, 2.35 * rows), squeeze=False, height_ratios=[1.0, 0.45, 0.06] * rows
    )
    figure.get_layout_engine().set(h_pad=0.01, hspace=0.01)
    for ax in axes.flat:
        ax.axis("off")
    for row, title in enumerate(row_titles):
        axes[3 * row, 0].text(
            -0.12, 0.5, title, rotation=90, va="center", ha="right", transform=axes[3 * row, 0].transAxes
        )
    for number, (picture, chances, truth) in enumerate(zip(pictures, probabilities, truths, strict=True)):
        image_ax, bar_ax = axes[3 * (number // columns) : 3 * (number // columns) + 2, number % columns]
        answer = int(chances.argmax())
        image_ax.imshow(picture, cmap="gray_r")
        verdict = f"{answer} ({chances[answer]:.0%})" + ("" if answer == truth else f", is {truth}")
        image_ax.set_title(verdict, size=9, loc="center", weight="normal", color="k" if answer == truth else PALETTE[1])
        bars = bar_ax.bar(range(classes), chances, color="#b5b5b5", width=0.8)
        bars[answer].set_color(PALETTE[1])
        bars[truth].set_color(PALETTE[2])
        bar_ax.axis("on")
        bar_ax.set(ylim=(0, 1), yticks=[])
        bar_ax.set_xticks(range(classes), range(classes), fontsize=7)
        bar_ax.tick_params(length=0, pad=1)
        bar_ax.spines["left"].set_visible(False)
        bar_ax.grid(False)
    return figure
