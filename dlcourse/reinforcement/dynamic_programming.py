"""Value iteration on a grid with interpolation: the truth that agents are measured against, where the model is known.

    V_{j+1}(x) = max_u { r(x, u) + beta V_j(x~) },   x~ = g(x, u)

at every point x of a grid. The successor x~ seldom falls on a point: V_j there is interpolated linearly between the
points around it. Interpolation and maximum do not enlarge a difference, so that each sweep shrinks the error by beta:

    max |V_j - V*| <= beta^j / (1 - beta) max |V_1 - V_0|

for the fixed point V* on this grid. A finer grid brings V* closer to the true value function. The number of points
grows like N^d with the d coordinates of the state, which is why agents learn with networks instead.

Used in: Lab 06

Reference: Lecture 004, "CONNECTION TO DYNAMIC PROGRAMMING"; Bellman, "Dynamic programming", 1957.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.sparse import csr_array

from dlcourse.progress import track
from dlcourse.reinforcement.control_problems import Axis, ControlProblem, pendulum_states


@dataclass(frozen=True)
class ValueFunction:
    """What value iteration found.

    Attributes:
        problem: the problem it solves.
        values: V on the grid, shape (points of axis 1, ..., points of axis d).
        residuals: max |V_{j+1} - V_j| of every sweep, shape (iterations,).

    Used in: Lab 06
    """

    problem: ControlProblem
    values: np.ndarray
    residuals: np.ndarray

    @property
    def iterations(self) -> int:
        """Number of sweeps."""
        return len(self.residuals)

    @property
    def error_bound(self) -> float:
        """Upper bound of max |V - V*| on this grid: beta / (1 - beta) times the last residual; infinite at beta = 1."""
        beta = self.problem.discount
        return float("inf") if beta == 1 else float(beta / (1 - beta) * self.residuals[-1])

    def __call__(self, states: np.ndarray) -> np.ndarray:
        """V at any states, interpolated.

        Args:
            states: shape (N, d).

        Returns:
            Shape (N,).
        """
        return interpolation(self.problem.axes, np.asarray(states)) @ self.values.ravel()

    def greedy_actions(self, states: np.ndarray, actions: np.ndarray | None = None) -> np.ndarray:
        """argmax_u r(x, u) + beta V(x~), the action that looks one step ahead.

        Args:
            states: shape (N, d).
            actions: to choose from, shape (A, m); None stands for those of the problem.

        Returns:
            Shape (N, m).
        """
        choices = self.problem.actions if actions is None else actions
        successors, rewards = self.problem.transition(np.asarray(states), choices)
        following = self(successors.reshape(-1, successors.shape[-1])).reshape(rewards.shape)
        return choices[np.argmax(rewards + self.problem.discount * following, axis=1)]


def interpolation(axes: tuple[Axis, ...], states: np.ndarray) -> csr_array:
    """The matrix that takes values on the grid to values at states, by linear interpolation in each coordinate.

    Args:
        axes: of the grid.
        states: shape (S, d).

    Returns:
        Sparse, shape (S, number of grid points): each row holds 2^d weights that sum to 1.

    Raises:
        ValueError: if the states do not have one column for each axis, or are not finite.

    Example:
        >>> weights = interpolation((Axis(0.0, 1.0, points=3),), np.array([[0.25], [1.0]]))
        >>> weights @ np.array([0.0, 10.0, 40.0])
        array([ 5., 40.])

    Used in: Lab 06
    """
    if states.ndim != 2 or states.shape[1] != len(axes) or not np.isfinite(states).all():
        raise ValueError(f"states have shape {states.shape}, expected (S, {len(axes)}), all finite")
    cells = [axis.cells(states[:, column]) for column, axis in enumerate(axes)]
    indices = np.zeros((len(states), 2 ** len(axes)), dtype=np.int64)
    weights = np.ones(indices.shape)
    for corner, sides in enumerate(product((0, 1), repeat=len(axes))):
        for axis, side, (left, right, weight) in zip(axes, sides, cells, strict=True):
            indices[:, corner] = indices[:, corner] * axis.points + (right if side else left)
            weights[:, corner] *= weight if side else 1 - weight
    starts = np.arange(len(states) + 1) * indices.shape[1]
    columns = int(np.prod([axis.points for axis in axes]))
    return csr_array((weights.ravel(), indices.ravel(), starts), shape=(len(states), columns))


def value_iteration(
    problem: ControlProblem, tolerance: float = 1e-3, max_iterations: int = 10_000, horizon: int | None = None
) -> ValueFunction:
    """Sweeps over the grid until the value function is known to `tolerance`, or `horizon` times.

    V_0 = 0 and V_{j+1}(x) = max_u { r(x, u) + beta V_j(x~) }; V_j is the best return of the next j steps.

    Args:
        problem: axes, actions, transition and discount.
        tolerance: largest error of V against the fixed point on this grid, in units of the reward, above 0. Ignored
            where there is a horizon.
        max_iterations: of sweeps, as a safeguard.
        horizon: number of steps of the task; None stands for an endless task, which needs a discount below 1.

    Returns:
        The value function, with the residual of every sweep.

    Raises:
        ValueError: for an endless task without discounting, a tolerance or horizon that is not positive, rewards that
            are not finite, or a tolerance that `max_iterations` sweeps do not reach.

    Example:
        >>> from dlcourse.reinforcement.control_problems import pendulum_problem
        >>> upright = value_iteration(pendulum_problem(points=(32, 31), actions=5, discount=0.9))
        >>> bool(upright(np.array([[0.0, 0.0]]))[0] > -0.01), upright.error_bound < 1e-3
        (True, True)

    Used in: Lab 06

    Reference: Lecture 004, "CONNECTION TO DYNAMIC PROGRAMMING".
    """
    beta = problem.discount
    if horizon is None and beta == 1:
        raise ValueError("an endless task with discount 1 has no finite values: give a horizon or a smaller discount")
    if not tolerance > 0 or max_iterations < 1 or (horizon is not None and horizon < 1):
        raise ValueError(
            f"tolerance={tolerance}, max_iterations={max_iterations}, horizon={horizon}: all must be positive"
        )
    successors, rewards = problem.transition(problem.states(), problem.actions)
    if not np.isfinite(rewards).all():
        raise ValueError("the transition gives rewards that are not finite: check it at the corners of the grid")
    # One row for each pair (x, u), with the weights of the points around x~: a sweep is then one sparse product.
    lookup = interpolation(problem.axes, successors.reshape(-1, successors.shape[-1]))
    values = np.zeros(len(rewards))
    residuals: list[float] = []
    # How many sweeps an endless task takes is not known before: the bar then counts, without an end.
    sweeps = track(iter(range(max_iterations)) if horizon is None else range(horizon), "value iteration", unit="sweep")
    for _ in sweeps:
        updated = (rewards + beta * (lookup @ values).reshape(rewards.shape)).max(axis=1)
        residuals.append(float(np.abs(updated - values).max()))
        sweeps.set_postfix_str(f"change={residuals[-1]:.2g}", refresh=False)
        values = updated
        if horizon is None and beta * residuals[-1] <= tolerance * (1 - beta):
            sweeps.close()
            break
    else:
        if horizon is None:
            raise ValueError(
                f"after {max_iterations} sweeps values still change by {residuals[-1]:.3g}: raise max_iterations, the "
                "tolerance, or lower the discount"
            )
    return ValueFunction(problem, values.reshape([axis.points for axis in problem.axes]), np.array(residuals))


def pendulum_policy(solution: ValueFunction, torques: int = 201) -> Callable[[np.ndarray], np.ndarray]:
    """The greedy policy of a solved `pendulum_problem`, as a policy for Pendulum-v1 that `evaluate` and `watch` take.

    Args:
        solution: of `value_iteration`.
        torques: number of torques from -2 to 2 N m to choose from; more than the grid had.

    Returns:
        A function from observations (N, 3) to torques (N, 1), float32.

    Used in: Lab 06
    """
    choices = np.linspace(-2.0, 2.0, torques)[:, None]
    return lambda observations: solution.greedy_actions(pendulum_states(observations), choices).astype(np.float32)
