"""Deterministic steady states with constraints that bind for some and not for others: Newton on smoothed conditions.

A household either meets its limit or is content:  a >= 0,  m >= 0,  a m = 0,  with the choice a and its multiplier m.
The Fischer-Burmeister function is zero exactly there, but has a kink at the corner; smoothed, it leads Newton's method
past the corner, and the smoothing is then taken away step by step.

Used in: Lab 08b

Reference: Fischer (1992), A special Newton-type optimization method; Azinovic, Gaegauf and Scheidegger (2022), Deep
equilibrium nets, International Economic Review 63(4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Conditions = Callable[[NDArray[np.float64], float], Mapping[str, NDArray[np.float64]]]

SMOOTHING = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 3e-3, 1e-3, 1e-4, 1e-5, 1e-6)
_DIFFERENCE = 1e-6


class NoSteadyStateError(ArithmeticError):
    """Newton's method found no solution; the message gives the largest residual of each equation.

    Attributes:
        residuals: largest absolute residual by name of the equation.
        smoothing: at which it stopped.
    """

    def __init__(self, residuals: Mapping[str, float], smoothing: float, why: str) -> None:
        listed = ", ".join(f"{name} {size:.2e}" for name, size in residuals.items())
        super().__init__(
            f"no steady state at smoothing {smoothing:g}: {why}; largest residuals: {listed}. Try another start, or "
            "check that the calibration leaves everybody something to live on"
        )
        self.residuals = dict(residuals)
        self.smoothing = smoothing


@dataclass(frozen=True)
class Solution:
    """What Newton's method found.

    Attributes:
        values: the unknowns, shape (n,).
        residuals: largest absolute residual by name of the equation, at the last smoothing.
        iterations: Newton steps in all.
    """

    values: NDArray[np.float64]
    residuals: dict[str, float]
    iterations: int


def fischer_burmeister(choice: ArrayLike, multiplier: ArrayLike, smoothing: float = 0.0) -> NDArray[np.float64]:
    """a + m - sqrt(a^2 + m^2 + epsilon^2): zero where a, m >= 0 and a m = epsilon^2 / 2.

    Args:
        choice: a, any shape.
        multiplier: m, of a shape that broadcasts with it.
        smoothing: epsilon >= 0.

    Raises:
        ValueError: if the smoothing is negative.

    Example:
        >>> fischer_burmeister([0.0, 2.0, 1.0], [3.0, 0.0, 1.0]).round(4).tolist()
        [0.0, 0.0, 0.5858]

    Used in: Lab 08b
    """
    if not smoothing >= 0:
        raise ValueError(f"smoothing={smoothing}: give 0 or more")
    a, m = np.asarray(choice, dtype=np.float64), np.asarray(multiplier, dtype=np.float64)
    return a + m - np.sqrt(a * a + m * m + smoothing * smoothing)


def jacobian(function: Callable[[NDArray[np.float64]], NDArray[np.float64]], point: ArrayLike) -> NDArray[np.float64]:
    """The derivatives of a function of n numbers by central differences, in one call with all 2n points.

    Args:
        function: takes points of shape (..., n) and returns values of shape (..., m).
        point: where, shape (n,).

    Returns:
        Shape (m, n); errors are about 1e-9 of the values.

    Example:
        >>> jacobian(lambda x: x[..., :1] * x[..., 1:], [3.0, 2.0]).round(6).tolist()
        [[2.0, 3.0]]

    Used in: Lab 08b
    """
    centre = np.asarray(point, dtype=np.float64)
    widths = _DIFFERENCE * np.maximum(np.abs(centre), 1.0)
    moves = np.diag(widths)
    values = function(np.concatenate([centre + moves, centre - moves]))
    upper, lower = np.split(values, 2)
    return ((upper - lower) / (2 * widths[:, None])).T


def solve_steady_state(
    conditions: Conditions,
    start: ArrayLike,
    *,
    smoothing: Sequence[float] = SMOOTHING,
    tolerance: float = 1e-10,
    max_iterations: int = 100,
) -> Solution:
    """Newton's method with a line search, on conditions whose smoothing shrinks from stage to stage.

    Args:
        conditions: takes the unknowns, shape (..., n), and epsilon; returns the residuals by name of the equation, with
            shapes (..., m_i) that add up to n. NaN marks a point at which nobody could live: the search steps back.
        start: the unknowns to begin with, shape (n,).
        smoothing: epsilon of each stage, falling.
        tolerance: largest residual of a stage that counts as solved.
        max_iterations: Newton steps of one stage.

    Returns:
        The solution at the last epsilon.

    Raises:
        NoSteadyStateError: if a stage does not converge.
        ValueError: if the start is impossible, or the equations are not as many as the unknowns.

    Example:
        >>> def saver(x, epsilon):  # would like to save x = -1, may not: x = 0 with multiplier 1
        ...     return {"saving": fischer_burmeister(x, x + 1.0, epsilon)}
        >>> solve_steady_state(saver, [2.0]).values.round(6).tolist()
        [0.0]

    Used in: Lab 08b
    """
    point = np.array(start, dtype=np.float64)
    iterations = 0
    for epsilon in smoothing:
        now = _stacked(conditions, point, epsilon)
        if now.shape != point.shape:
            raise ValueError(f"{now.shape[-1]} equations for {point.shape[-1]} unknowns: give as many")
        if not np.isfinite(now).all():
            raise ValueError("the conditions are not finite at the start: give one at which everybody can live")
        for _ in range(max_iterations):
            if np.abs(_stacked(conditions, point, epsilon)).max() <= tolerance:
                break
            point = _newton_step(conditions, epsilon, point)
            iterations += 1
        else:
            why = f"{max_iterations} steps were not enough"
            raise NoSteadyStateError(_sizes(conditions(point, epsilon)), epsilon, why)
    return Solution(point, _sizes(conditions(point, smoothing[-1])), iterations)


def _newton_step(conditions: Conditions, epsilon: float, point: NDArray[np.float64]) -> NDArray[np.float64]:
    """One step, halved until the residuals shrink."""
    now = _stacked(conditions, point, epsilon)
    slope = jacobian(lambda x: _stacked(conditions, x, epsilon), point)
    if not np.isfinite(slope).all():
        why = "the search came to the edge of what can be lived on"
        raise NoSteadyStateError(_sizes(conditions(point, epsilon)), epsilon, why)
    direction = np.linalg.lstsq(slope, -now, rcond=None)[0]
    length, before = 1.0, np.linalg.norm(now)
    while length > 1e-8:
        moved = point + length * direction
        then = _stacked(conditions, moved, epsilon)
        if np.isfinite(then).all() and np.linalg.norm(then) < (1 - 1e-4 * length) * before:
            return moved
        length /= 2
    why = "no shorter step makes the residuals smaller"
    raise NoSteadyStateError(_sizes(conditions(point, epsilon)), epsilon, why)


def _stacked(conditions: Conditions, point: NDArray[np.float64], epsilon: float) -> NDArray[np.float64]:
    return np.concatenate(list(conditions(point, epsilon).values()), axis=-1)


def _sizes(residuals: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    return {name: float(np.abs(value).max()) for name, value in residuals.items()}
