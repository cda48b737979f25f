"""Control problems whose model is known: the pendulum, and the linear-quadratic regulator with its exact solution.

A dynamic programme needs what an agent has to find out: the transition x~ = g(x, u) and the reward r(x, u).

Used in: Lab 06

Reference: Lecture 004, "CONNECTION TO DYNAMIC PROGRAMMING"; Bertsekas, "Dynamic programming and optimal control",
volume I, 4th edition, chapters 1 and 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import pi

import numpy as np
from scipy.linalg import solve_discrete_are

from dlcourse.reinforcement.pendulum import angle_and_speed

Transition = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Axis:
    """One coordinate of the state, cut into equally spaced points.

    Args:
        low: first point.
        high: last point; on a periodic axis it is the same place as `low` and gets no point of its own.
        points: number of points, at least 2.
        periodic: whether the axis is a circle, as an angle is.

    Raises:
        ValueError: if there are fewer than 2 points or `low` is not below `high`.

    Example:
        >>> Axis(0.0, 1.0, points=4, periodic=True).values()
        array([0.  , 0.25, 0.5 , 0.75])

    Used in: Lab 06
    """

    low: float
    high: float
    points: int
    periodic: bool = False

    def __post_init__(self) -> None:
        if self.points < 2 or not self.low < self.high:
            raise ValueError(f"{self}: give at least 2 points, and a low end below the high one")

    def values(self) -> np.ndarray:
        """The points, shape (points,)."""
        return np.linspace(self.low, self.high, self.points, endpoint=not self.periodic)

    def cells(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The points left and right of each x, as indices, and the weight of the right one for linear interpolation.

        On an axis that is not periodic, what lies outside counts as the nearest end.
        """
        spacing = (self.high - self.low) / (self.points if self.periodic else self.points - 1)
        place = (x - self.low) / spacing
        if not self.periodic:
            place = np.clip(place, 0, self.points - 1)
        left = np.floor(place).astype(np.int64)
        weight = place - left
        if self.periodic:
            return left % self.points, (left + 1) % self.points, weight
        return left, np.minimum(left + 1, self.points - 1), weight


@dataclass(frozen=True)
class ControlProblem:
    """A deterministic problem with continuous state x and a list of actions u to choose from.

    Args:
        axes: the grid over the states, one axis for each of the d coordinates of x.
        actions: u, shape (A, m).
        transition: g and r at once: from states (S, d) and actions (A, m) to x~ of shape (S, A, d) and r (S, A).
        discount: beta in the slides, from 0 up to and including 1; 1 needs a horizon.

    Raises:
        ValueError: if the discount is out of range, or the actions have no second axis.

    Used in: Lab 06
    """

    axes: tuple[Axis, ...]
    actions: np.ndarray
    transition: Transition
    discount: float

    def __post_init__(self) -> None:
        if not 0 <= self.discount <= 1:
            raise ValueError(f"discount={self.discount}: give a number from 0 to 1")
        if self.actions.ndim != 2 or not self.actions.size:
            raise ValueError(f"actions have shape {self.actions.shape}, expected (A, m) with at least one action")

    def states(self) -> np.ndarray:
        """All grid points, shape (product of the axes' points, d), the last coordinate running fastest."""
        mesh = np.meshgrid(*(axis.values() for axis in self.axes), indexing="ij")
        return np.stack(mesh, axis=-1).reshape(-1, len(self.axes))


def pendulum_problem(
    points: tuple[int, int] = (100, 101), actions: int = 21, discount: float = 0.99, gravity: float = 10.0
) -> ControlProblem:
    """Gymnasium's Pendulum-v1 (mass 1 kg, length 1 m, steps of 0.05 s) as a problem with a known model.

        r = -(theta^2 + 0.1 omega^2 + 0.001 u^2),   theta in [-pi, pi), 0 upright
        omega~ = clip(omega + (1.5 g sin theta + 3 u) 0.05, -8, 8),   theta~ = theta + 0.05 omega~

    Args:
        points: of the angle (periodic) and of the speed (-8 to 8 rad/s). With an even number of angles and an odd
            number of speeds, standing upright at rest is a point of the grid.
        actions: number of torques, equally spaced from -2 to 2 N m.
        discount: beta in the slides.
        gravity: g in m/s^2.

    Returns:
        The problem; its states are (theta in rad, omega in rad/s), its actions (u,).

    Example:
        >>> problem = pendulum_problem()
        >>> _, reward = problem.transition(np.array([[np.pi / 2, 1.0]]), np.array([[2.0]]))
        >>> float(reward.round(3)[0, 0])
        -2.571

    Used in: Lab 06
    """

    def transition(states: np.ndarray, torques: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        theta, omega = states[:, 0, None], states[:, 1, None]
        torque = torques[None, :, 0]
        angle = (theta + pi) % (2 * pi) - pi
        rewards = -(angle**2 + 0.1 * omega**2 + 0.001 * torque**2)
        speed = np.clip(omega + (1.5 * gravity * np.sin(theta) + 3 * torque) * 0.05, -8, 8)
        return np.stack([theta + 0.05 * speed, speed], axis=-1), rewards

    axes = (Axis(-pi, pi, points[0], periodic=True), Axis(-8.0, 8.0, points[1]))
    return ControlProblem(axes, np.linspace(-2.0, 2.0, actions)[:, None], transition, discount)


def pendulum_states(observations: np.ndarray) -> np.ndarray:
    """From Pendulum-v1's observations (cos theta, sin theta, omega), shape (N, 3), to states (theta, omega), (N, 2).

    Example:
        >>> pendulum_states(np.array([[1.0, 0.0, 0.5]]))
        array([[0. , 0.5]])

    Used in: Lab 06
    """
    return np.stack(angle_and_speed(np.asarray(observations, dtype=np.float64)), axis=-1)


@dataclass(frozen=True)
class LinearQuadraticRegulator:
    """The one control problem with a closed solution: linear transition, quadratic cost.

        x~ = A x + B u,   r = -(x' Q x + u' R u),   maximise sum_t beta^t r_t

    has the value V(x) = -x' P x and the best action u = -K x, where P solves the Riccati equation

        P = Q + beta A' P A - beta^2 A' P B (R + beta B' P B)^{-1} B' P A.

    Args:
        state_matrix: A, shape (d, d).
        action_matrix: B, shape (d, m).
        state_cost: Q, shape (d, d), symmetric, positive semidefinite.
        action_cost: R, shape (m, m), symmetric, positive definite.
        discount: beta in the slides, above 0 and at most 1.

    Example:
        >>> one = np.eye(1)
        >>> regulator = LinearQuadraticRegulator(one, one, one, one, discount=1.0)
        >>> float(regulator.value_matrix().round(3)[0, 0])  # the golden ratio
        1.618

    Used in: Lab 06

    Reference: Lecture 004, "CONNECTION TO DYNAMIC PROGRAMMING"; Bertsekas, volume I, section 3.1.
    """

    state_matrix: np.ndarray
    action_matrix: np.ndarray
    state_cost: np.ndarray
    action_cost: np.ndarray
    discount: float = 0.95

    def value_matrix(self) -> np.ndarray:
        """P, shape (d, d): the discounted problem is the undiscounted one with sqrt(beta) A and sqrt(beta) B."""
        root = np.sqrt(self.discount)
        return solve_discrete_are(
            root * self.state_matrix, root * self.action_matrix, self.state_cost, self.action_cost
        )

    def gain(self) -> np.ndarray:
        """K, shape (m, d): the best action is -K x."""
        a, b, p = self.state_matrix, self.action_matrix, self.value_matrix()
        return np.linalg.solve(self.action_cost + self.discount * b.T @ p @ b, self.discount * b.T @ p @ a)

    def values(self, states: np.ndarray) -> np.ndarray:
        """V(x) = -x' P x for states (N, d), shape (N,)."""
        return -np.einsum("ni,ij,nj->n", states, self.value_matrix(), states)

    def problem(self, axes: tuple[Axis, ...], actions: np.ndarray) -> ControlProblem:
        """The same problem on a grid, for `value_iteration`.

        Args:
            axes: one for each of the d coordinates; not periodic.
            actions: to choose from, shape (A, m).
        """

        def transition(states: np.ndarray, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            drift, push = states @ self.state_matrix.T, inputs @ self.action_matrix.T
            costs = np.einsum("si,ij,sj->s", states, self.state_cost, states)[:, None]
            costs = costs + np.einsum("ai,ij,aj->a", inputs, self.action_cost, inputs)
            return drift[:, None] + push, -costs

        return ControlProblem(axes, actions, transition, self.discount)
