"""Pictures of the course: one look, colour-blind-safe, each with a description in words.

Every figure goes through `show(figure, alt=...)`: the notebook then holds the picture and its description, screen
readers and the HTML page speak it, and nbval compares the description instead of pixels.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from PIL import Image

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


def show(figure: Figure, alt: str) -> None:
    """Displays `figure` with its description and closes it.

    Args:
        figure: the figure to show.
        alt: what the picture shows, in one sentence, for those who cannot see it. It should state the finding.

    Raises:
        ValueError: if the description is shorter than 15 characters.
    """
    _require_description(alt)
    if _in_notebook():
        from IPython.display import display

        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=figure.dpi, metadata={"Software": None})
        picture = _with_palette(buffer.getvalue())
        data = {"image/png": base64.b64encode(picture).decode(), "text/plain": f"<Figure: {alt}>"}
        display(data, metadata={"image/png": {"alt": alt}}, raw=True)
    else:
        plt.show()
    plt.close(figure)


def animate(figure: Figure, draw: Callable[[int], object], frames: int, alt: str, interval: int = 120) -> None:
    """Displays an animation with play controls (JavaScript, no video encoder needed) and closes its figure.

    Args:
        figure: the figure that `draw` changes.
        draw: `draw(frame)` draws frame number `frame`.
        frames: number of frames; each is stored as an image, so keep them few and the figure small.
        alt: what the animation shows, in one sentence.
        interval: milliseconds between frames.
    """
    _require_description(alt)
    animation = FuncAnimation(figure, draw, frames=frames, interval=interval)
    if _in_notebook():
        from IPython.display import display

        page = _stable_ids(_FRAME.sub(_smaller_frame, animation.to_jshtml(default_mode="once")))
        data = {
            "text/html": f'<div role="img" aria-label="{escape(alt, quote=True)}">{page}</div>',
            "text/plain": f"<Animation: {alt}>",
        }
        display(data, raw=True)
    else:
        plt.show()
    plt.close(figure)


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


# A frame as matplotlib's page holds it: base64 with a backslash at the end of each line.
_FRAME = re.compile(r"(?<=data:image/png;base64,)[A-Za-z0-9+/=\\\n]+")


def _smaller_frame(frame: re.Match[str]) -> str:
    return base64.b64encode(_with_palette(base64.b64decode(frame[0].replace("\\\n", "")))).decode()


def _with_palette(png: bytes) -> bytes:
    """The same picture in 128 colours, its most frequent ones and `PALETTE`: a third of the size.

    Every pixel takes the nearest of them. White, the greys and the curves stay exactly as they are; what moves a little
    are the blends at the edges.
    """
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(np.int64)
    codes, pixel_codes, counts = np.unique(pixels @ (65536, 256, 1), return_inverse=True, return_counts=True)
    colours = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=-1)
    counts[np.isin(codes, [int(colour[1:], 16) for colour in PALETTE])] = pixels.size
    kept = colours[np.argsort(-counts, kind="stable")[:128]]
    # |a - b|^2 without |a|^2, which is the same for all candidates b.
    nearest = np.argmin((kept**2).sum(axis=1) - 2 * colours @ kept.T, axis=1)
    picture = Image.fromarray(nearest[pixel_codes].reshape(pixels.shape[:2]).astype(np.uint8), mode="P")
    picture.putpalette(kept.astype(np.uint8).tobytes())
    buffer = io.BytesIO()
    picture.save(buffer, "png", optimize=True)
    return buffer.getvalue()


def _stable_ids(page: str) -> str:
    """Names the player after its content; matplotlib draws a random name, and no two builds would be the same."""
    name = re.search(r"_anim_img([0-9a-f]{32})", page)[1]
    return page.replace(name, hashlib.sha256(page.replace(name, "").encode()).hexdigest()[:32])


def _require_description(alt: str) -> None:
    if not isinstance(alt, str) or len(alt.strip()) < 15:
        raise ValueError(f"alt must describe the picture in a sentence (15 characters at least), got {alt!r}")


def _in_notebook() -> bool:
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")
