"""Pictures of policies and values over the angle and the speed of the pendulum, side by side.

Used in: Lab 06

Reference: Lecture 004, "CONNECTION TO DYNAMIC PROGRAMMING".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from dlcourse.plots import style
from dlcourse.reinforcement import pendulum


class StateGrid(NamedTuple):
    """States of the pendulum on a regular grid.

    Attributes:
        angle: Radians from -pi to pi, shape (points,).
        speed: rad/s from -8 to 8, shape (points,).
        states: Every pair (angle, speed), shape (points * points, 2), the speed running fastest.
        observations: The same as cos, sin and speed, shape (points * points, 3), float32.
    """

    angle: NDArray[np.float64]
    speed: NDArray[np.float64]
    states: NDArray[np.float64]
    observations: NDArray[np.float32]


def state_grid(points: int = 61) -> StateGrid:
    """A grid over all states, to ask an agent and a dynamic programme for their opinions.

    Args:
        points: Points along each axis, at least 2.

    Raises:
        ValueError: If there are fewer than two points.

    Example:
        >>> grid = state_grid(5)
        >>> grid.states.shape, grid.observations.shape
        ((25, 2), (25, 3))

    Used in: Lab 06
    """
    if points < 2:
        raise ValueError(f"points must be at least 2, got {points}.")
    angle = np.linspace(-np.pi, np.pi, points)
    speed = np.linspace(-pendulum.MAX_SPEED, pendulum.MAX_SPEED, points)
    states = np.stack(np.meshgrid(angle, speed, indexing="ij"), axis=-1).reshape(-1, 2)
    return StateGrid(angle, speed, states, pendulum.observe(states[:, 0], states[:, 1]))


def policies_and_values(
    grid: StateGrid, columns: Mapping[str, tuple[ArrayLike, ArrayLike]], path: ArrayLike | None = None
) -> Figure:
    """Draws the torque (above) and the value (below) of several policies over all states, on common colour scales.

    Args:
        grid: From `state_grid`.
        columns: Name of each policy to its torques in N m and its values at `grid.states`, each with as many numbers
            as there are states.
        path: States (angle, speed) of an episode to draw on top, shape (steps, 2).

    Returns:
        The figure.

    Raises:
        ValueError: If there is no policy, or torques or values do not fit the grid.

    Example:
        >>> grid = state_grid(5)
        >>> figure = policies_and_values(grid, {"limp": (np.zeros(25), -np.abs(grid.states[:, 0]))})
        >>> len(figure.axes)
        4
        >>> plt.close(figure)

    Used in: Lab 06
    """
    if not columns:
        raise ValueError("columns is empty: give the torques and values of at least one policy.")
    shape = (len(grid.angle), len(grid.speed))
    torques, values = ([_on_grid(name, pair[row], shape) for name, pair in columns.items()] for row in (0, 1))
    with style():
        figure, axes = plt.subplots(
            2, len(columns), figsize=(3.2 * len(columns) + 1.2, 5.2), sharex=True, sharey=True, squeeze=False
        )
        rows = (
            (torques, "PuOr", (-pendulum.MAX_TORQUE, pendulum.MAX_TORQUE), "torque in N m"),
            (values, "cividis", (min(v.min() for v in values), max(v.max() for v in values)), "value"),
        )
        for row, (fields, colors, (low, high), label) in zip(axes, rows, strict=True):
            for ax, field, name in zip(row, fields, columns, strict=True):
                mesh = ax.pcolormesh(
                    grid.angle,
                    grid.speed,
                    field.T,
                    # Few colours survive in a small picture; with an odd number the middle one, white, is no torque.
                    cmap=plt.get_cmap(colors, 15),
                    vmin=low,
                    vmax=high,
                    shading="nearest",
                    rasterized=True,
                )
                ax.set_title(f"{name}: {label.split()[0]}")
                ax.grid(False)
                if path is not None:
                    _draw_path(ax, np.asarray(path, dtype=np.float64))
            figure.colorbar(mesh, ax=list(row), label=label)
        for ax in axes[-1]:
            ax.set_xlabel("angle in rad, 0 is up")
            ax.set_xticks([-np.pi, 0, np.pi], [r"$-\pi$", "0", r"$\pi$"])
        for ax in axes[:, 0]:
            ax.set_ylabel("speed in rad/s")
    return figure


def _on_grid(name: str, numbers: ArrayLike, shape: tuple[int, int]) -> NDArray[np.float64]:
    array = np.asarray(numbers, dtype=np.float64)
    if array.size != shape[0] * shape[1]:
        raise ValueError(f"{name} has {array.size} numbers for a grid of {shape[0]} x {shape[1]} states.")
    return array.reshape(shape)


def _draw_path(ax: plt.Axes, path: NDArray[np.float64]) -> None:
    limits = ax.get_xlim(), ax.get_ylim()
    angle, speed = np.unwrap(path[:, 0]), path[:, 1]
    # One copy for each turn that the pendulum has made: the picture's edges cut them where they leave and enter.
    turns = np.round(angle / (2 * np.pi))
    for turn in np.arange(turns.min(), turns.max() + 1):
        ax.plot(angle - 2 * np.pi * turn, speed, color="white", linewidth=2.5)
        ax.plot(angle - 2 * np.pi * turn, speed, color="black", linewidth=1.2)
    start = pendulum.wrap_angle(angle[0])
    ax.plot(start, speed[0], marker="o", color="black", markeredgecolor="white", linestyle="none", clip_on=False)
    ax.set(xlim=limits[0], ylim=limits[1])
