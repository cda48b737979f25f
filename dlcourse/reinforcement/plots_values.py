"""Pictures of Lab 07: what the network sees of Breakout, what it thinks of it, and whether it gets what it promises.

Used in: Lab 07

Reference: Lecture 004, "LOOKING CLOSER INTO THE Q-FUNCTION".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from dlcourse.plots import MARKERS, PALETTE, animate, style
from dlcourse.reinforcement.atari_film import GameFilm

_STEPS_PER_SECOND = 15
_ARROWS = {"LEFT": "◀", "RIGHT": "▶", "NOOP": "stay", "FIRE": "stay"}
# Above the paddle, in pixels of the screen.
_ARROW_ROW = 180


def value_table(values: ArrayLike, rows: Sequence[str], columns: Sequence[str], title: str) -> Figure:
    """A table of values as a picture, each with its number.

    Args:
        values: shape (rows, columns).
        rows: their names, such as states.
        columns: their names, such as actions.
        title: that says the finding.

    Raises:
        ValueError: if names and values do not fit.

    Example:
        >>> figure = value_table([[0.0, 0.9]], ["paddle left"], ["left", "right"], "Right is better")
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['0.00', '0.90']
        >>> plt.close(figure)

    Used in: Lab 07
    """
    table = np.asarray(values, dtype=np.float64)
    if table.shape != (len(rows), len(columns)):
        raise ValueError(f"values have shape {table.shape} for {len(rows)} rows and {len(columns)} columns")
    with style():
        figure, ax = plt.subplots(figsize=(1.1 * len(columns) + 1.8, 0.45 * len(rows) + 1.1))
        ax.imshow(table, cmap="cividis", aspect="auto")
        middle = (table.min() + table.max()) / 2
        for (row, column), value in np.ndenumerate(table):
            ax.text(column, row, f"{value:.2f}", ha="center", va="center", color="w" if value <= middle else "k")
        ax.set_xticks(range(len(columns)), columns)
        ax.set_yticks(range(len(rows)), rows)
        ax.grid(False)
        ax.set_title(title)
    return figure


def moments(pictures: Sequence[NDArray], moves: Sequence[str], titles: Sequence[str]) -> Figure:
    """Screens side by side, each with the move that is made there: which pair of state and action is worth more?

    Args:
        pictures: screens, shape (210, 160, 3).
        moves: "LEFT", "RIGHT", "NOOP" or "FIRE".
        titles: of each.

    Raises:
        ValueError: if their numbers differ.

    Example:
        >>> figure = moments([np.zeros((210, 160, 3), np.uint8)] * 2, ["LEFT", "NOOP"], ["A", "B"])
        >>> len(figure.axes)
        2
        >>> plt.close(figure)

    Used in: Lab 07
    """
    _same_count(pictures=pictures, moves=moves, titles=titles)
    with style():
        figure, axes = plt.subplots(1, len(pictures), figsize=(2.4 * len(pictures) + 0.6, 3.5), squeeze=False)
        for ax, picture, move, title in zip(axes[0], pictures, moves, titles, strict=True):
            _screen(ax, picture)
            ax.set_title(f"{title}: {_ARROWS[move]}" if _ARROWS[move] == "stay" else f"{title}: {move.lower()}")
            if _ARROWS[move] != "stay":
                step = -22 if move == "LEFT" else 22
                where = _paddle_column(picture)
                arrow = {"arrowstyle": "-|>", "color": "white", "linewidth": 2}
                ax.annotate("", (where + step, _ARROW_ROW), (where, _ARROW_ROW), arrowprops=arrow)
    return figure


def preprocessing_strip(first: NDArray, second: NDArray, observation: NDArray) -> Figure:
    """From two screens in colour to the stack of four that the network sees.

    Args:
        first: screen, shape (210, 160, 3).
        second: the next one.
        observation: the stack whose newest frame they make, shape (4, 84, 84).

    Raises:
        ValueError: for other shapes.

    Example:
        >>> screen = np.zeros((210, 160, 3), np.uint8)
        >>> figure = preprocessing_strip(screen, screen, np.zeros((4, 84, 84), np.uint8))
        >>> len(figure.axes)
        8
        >>> plt.close(figure)

    Used in: Lab 07
    """
    if first.shape != (210, 160, 3) or second.shape != first.shape or observation.shape != (4, 84, 84):
        raise ValueError(
            f"shapes {first.shape}, {second.shape}, {observation.shape}: give (210, 160, 3) twice and (4, 84, 84)"
        )
    with style():
        figure, axes = plt.subplots(2, 4, figsize=(8.4, 5.4))
        colour = {"third frame": first, "fourth frame": second, "the brighter of both": np.maximum(first, second)}
        for ax, (name, picture) in zip(axes[0], colour.items(), strict=False):
            _screen(ax, picture)
            ax.set_title(name)
        _screen(axes[0, 3], observation[-1])
        axes[0, 3].set_title("grey, 84 x 84")
        names = ("3 steps ago", "2 steps ago", "1 step ago", "now")
        for ax, frame, name in zip(axes[1], observation, names, strict=True):
            _screen(ax, frame)
            ax.set_title(name)
    return figure


def values_along_game(film: GameFilm, chosen: Sequence[int]) -> Figure:
    """The value of each step of a game, with broken bricks, lost lives, and the screens of chosen moments.

    Args:
        film: from `film_game`.
        chosen: numbers of steps whose screens are shown above the curve, one at least.

    Raises:
        ValueError: if a step is not in the film.

    Used in: Lab 07
    """
    steps = len(film.actions)
    if not len(chosen) or not all(0 <= moment < steps for moment in chosen):
        raise ValueError(f"chosen={list(chosen)}: give steps of the film, 0 to {steps - 1}")
    seconds = np.arange(steps) / _STEPS_PER_SECOND
    value = film.values.max(axis=1)
    with style():
        figure = plt.figure(figsize=(8.6, 5.2))
        grid = figure.add_gridspec(2, len(chosen), height_ratios=(1.0, 1.15))
        ax = figure.add_subplot(grid[1, :])
        ax.plot(seconds, value, color=PALETTE[0], linewidth=1.2, label="largest Q value")
        hits = np.flatnonzero(film.rewards > 0)
        low = min(0.0, float(value.min()))
        floor = np.full(len(hits), low - 0.12 * (value.max() - low))
        ax.plot(seconds[hits], floor, "|", color=PALETTE[2], markersize=9, label="brick broken")
        lost = 1 + np.flatnonzero(np.diff(film.lives) < 0)
        for number, step in enumerate(lost):
            ax.axvline(seconds[step], color=PALETTE[1], linestyle="--", label=None if number else "life lost")
        for number, moment in enumerate(chosen):
            letter = chr(ord("a") + number)
            ax.plot(seconds[moment], value[moment], "o", color="black", markersize=5, zorder=5)
            ax.annotate(letter, (seconds[moment], value[moment]), (4, 5), textcoords="offset points", weight="bold")
            above = figure.add_subplot(grid[0, number])
            _screen(above, film.pictures[moment])
            above.set_title(f"{letter}: {value[moment]:.1f}")
        ax.margins(y=0.12)
        ax.set(xlabel="time in the game in s", ylabel="value in points, discounted")
        ax.set_title("The value rises before the bricks break and falls when the ball is lost")
        figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncol=3)
    return figure


def animate_film(film: GameFilm, first: int, last: int, *, every: int = 2, alt: str) -> None:
    """Shows a part of a game as an animation with play controls, in colour, with the points so far.

    Args:
        film: from `film_game`.
        first: step at which it begins.
        last: step before which it ends.
        every: steps from one picture to the next, at least 1.
        alt: what it shows, in one sentence.

    Raises:
        ValueError: if there is no step in that part.

    Used in: Lab 07
    """
    chosen = range(first, min(last, len(film.actions)), every)
    if first < 0 or not chosen:
        raise ValueError(f"steps {first} to {last} of a film of {len(film.actions)}: give a part that has steps")
    points = np.concatenate([[0.0], np.cumsum(film.rewards)])
    with style():
        figure, ax = plt.subplots(figsize=(2.3, 3.1), dpi=80)
        _screen(ax, film.pictures[first])
        picture, title = ax.images[0], ax.set_title("0 points")

        def draw(number: int) -> None:
            picture.set_data(film.pictures[chosen[number]])
            title.set_text(f"{points[chosen[number]]:.0f} points")

        animate(figure, draw, frames=len(chosen), alt=alt, interval=round(1000 * every / _STEPS_PER_SECOND))


def promised_and_received(steps: ArrayLike, variants: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> Figure:
    """What the values promise and what is then received while an agent learns: one panel a variant, each on its scale.

    Args:
        steps: at which the agents were asked, shape (checks,).
        variants: name to (promised, received), each of shape (checks,).

    Raises:
        ValueError: if there is no variant, or one does not fit the steps.

    Example:
        >>> figure = promised_and_received([1, 2], {"plain": ([3.0, 4.0], [1.0, 2.0])})
        >>> len(figure.axes)
        1
        >>> plt.close(figure)

    Used in: Lab 07
    """
    at = np.asarray(steps)
    if not variants:
        raise ValueError("variants is empty: give at least one")
    for name, pair in variants.items():
        if any(np.shape(numbers) != at.shape for numbers in pair):
            raise ValueError(f"{name!r} has numbers of shapes {[np.shape(p) for p in pair]}, expected {at.shape}")
    with style():
        figure, axes = plt.subplots(
            1, len(variants), figsize=(2.9 * len(variants) + 0.6, 3.1), sharex=True, squeeze=False
        )
        for ax, (name, (promised, received)) in zip(axes[0], variants.items(), strict=True):
            ax.plot(at, promised, marker=MARKERS[0], color=PALETTE[1], label="promised by the values")
            ax.plot(at, received, marker=MARKERS[1], color=PALETTE[0], label="received in the game")
            ax.fill_between(at, promised, received, color=PALETTE[1], alpha=0.15, linewidth=0)
            ax.set(title=name, xlabel="steps")
            ax.set_ylim(bottom=min(0.0, *ax.get_ylim()))
        axes[0, 0].set_ylabel("discounted points")
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncol=2)
    return figure


def learning_curves(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]], title: str, ylabel: str, goal: float | None = None
) -> Figure:
    """Several learning curves in one picture, each with a colour and a marker of its own.

    Args:
        curves: name to (steps, returns).
        title: that says the finding.
        ylabel: what is drawn upwards.
        goal: drawn as a line; None draws none.

    Raises:
        ValueError: if there is no curve.

    Example:
        >>> figure = learning_curves({"ours": ([1, 2], [9.0, 200.0])}, "It learns", "mean return")
        >>> figure.axes[0].get_legend_handles_labels()[1]
        ['ours']
        >>> plt.close(figure)

    Used in: Lab 07
    """
    if not curves:
        raise ValueError("curves is empty: give at least one")
    with style():
        figure, ax = plt.subplots(figsize=(6.0, 3.4))
        for number, (name, (steps, returns)) in enumerate(curves.items()):
            ax.plot(steps, returns, marker=MARKERS[number], color=PALETTE[number], label=name)
        if goal is not None:
            ax.axhline(goal, color="0.4", linestyle=":", label="as good as it gets")
        ax.set(xlabel="steps in the environment", ylabel=ylabel, title=title)
        ax.legend(loc="best")
    return figure


def race_tracks(paths: Mapping[str, ArrayLike], finish: int, buoy: int) -> Figure:
    """Where a boat is at each step, one panel a reward: does it reach the finish, or circle around the buoy?

    Args:
        paths: name of the reward to the positions, shape (steps,).
        finish: position of the finish.
        buoy: position of the buoy.

    Raises:
        ValueError: if there is no path.

    Example:
        >>> figure = race_tracks({"as meant": [0, 1, 2]}, finish=2, buoy=1)
        >>> len(figure.axes)
        1
        >>> plt.close(figure)

    Used in: Lab 07
    """
    if not paths:
        raise ValueError("paths is empty: give at least one")
    with style():
        figure, axes = plt.subplots(
            1, len(paths), figsize=(2.9 * len(paths) + 0.6, 3.0), sharex=True, sharey=True, squeeze=False
        )
        for ax, (name, path) in zip(axes[0], paths.items(), strict=True):
            ax.axhline(finish, color=PALETTE[2], linestyle="-", label="finish")
            ax.axhline(buoy, color=PALETTE[1], linestyle="--", label="buoy")
            ax.plot(path, marker=".", color=PALETTE[0], label="boat")
            ax.set(title=name, xlabel="step")
        axes[0, 0].set_ylabel("position on the track")
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncol=3)
    return figure


def _screen(ax: Axes, picture: NDArray) -> None:
    ax.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(False)


def _paddle_column(picture: NDArray) -> float:
    """The middle of what is bright in the paddle's rows, between the walls."""
    columns = np.flatnonzero(picture[189:193, 8:152].max(axis=(0, 2)) > 100)
    return 8 + float(columns.mean()) if columns.size else picture.shape[1] / 2


def _same_count(**given: Sequence) -> None:
    counts = {name: len(items) for name, items in given.items()}
    if len(set(counts.values())) != 1 or not min(counts.values()):
        raise ValueError(f"{counts}: give as many of each, and at least one")
