"""First-order perturbation: the linear policy near a steady state, and how far the economy strays from it.

    f(y_{t-1}, y_t, E y_{t+1}, z_t, E z_{t+1}) = 0,   z_{t+1} = Phi z_t + innovation

Linear time iteration supposes that tomorrow follows dy' = P dy + Q z', finds today's best answer, and repeats with it:

    P <- -(F_0 + F_+ P)^-1 F_-,     Q <- -(F_0 + F_+ P)^-1 (G_0 + (F_+ Q + G_+) Phi)

Used in: Lab 08b

Reference: Rendahl (2017), Linear time iteration; Judd (1998), Numerical methods in economics, chapter 13.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_discrete_lyapunov

from dlcourse.economics.steady_state import jacobian


class NoLinearPolicyError(ArithmeticError):
    """Linear time iteration did not converge, or to a policy that runs away."""


@dataclass(frozen=True)
class Linearisation:
    """Derivatives of the conditions at the steady state, m equations for n variables and j shocks.

    Attributes:
        before, now, after: by y_{t-1}, y_t and y_{t+1}, shape (m, n).
        shock_now, shock_after: by z_t and z_{t+1}, shape (m, j).
    """

    before: NDArray[np.float64]
    now: NDArray[np.float64]
    after: NDArray[np.float64]
    shock_now: NDArray[np.float64]
    shock_after: NDArray[np.float64]


@dataclass(frozen=True)
class LinearPolicy:
    """dy_t = P dy_{t-1} + Q z_t.

    Attributes:
        transition: P, shape (n, n).
        response: Q, shape (n, j).
        persistence: Phi, shape (j, j).
        iterations: until it converged.
        residual: largest entry of the linear conditions under this policy.
        spectral_radius: of P; below 1 the economy comes back.
    """

    transition: NDArray[np.float64]
    response: NDArray[np.float64]
    persistence: NDArray[np.float64]
    iterations: int
    residual: float
    spectral_radius: float

    def covariance(self, shock_covariance: ArrayLike) -> NDArray[np.float64]:
        """Long-run covariance of (y, z), from the Lyapunov equation  V = M V M^T + N.

        Args:
            shock_covariance: long-run covariance of z, shape (j, j).

        Returns:
            Shape (n + j, n + j), the variables first.

        Raises:
            ValueError: for another shape, or a matrix that is no covariance of z under Phi.

        Example:
            >>> one = LinearPolicy(np.array([[0.5]]), np.array([[1.0]]), np.array([[0.0]]), 1, 0.0, 0.5)
            >>> one.covariance([[3.0]])[0, 0].round(6)
            np.float64(4.0)
        """
        wanted = np.asarray(shock_covariance, dtype=np.float64)
        phi, response = self.persistence, self.response
        if wanted.shape != phi.shape:
            raise ValueError(f"shock_covariance has shape {wanted.shape}, expected {phi.shape}")
        innovation = wanted - phi @ wanted @ phi.T
        if np.linalg.eigvalsh(innovation).min() < -1e-12:
            raise ValueError("the shocks' innovations would have a negative variance: check shock_covariance")
        # y_t moves with z_t, and z_t = Phi z_{t-1} + innovation.
        joint = np.block([[self.transition, response @ phi], [np.zeros((len(phi), len(self.transition))), phi]])
        entry = np.vstack([response, np.eye(len(phi))])
        return solve_discrete_lyapunov(joint, entry @ innovation @ entry.T)


def linearise(conditions: Callable[..., NDArray[np.float64]], steady: ArrayLike, shocks: ArrayLike) -> Linearisation:
    """Derivatives of `conditions(y_before, y_now, y_after, z_now, z_after)` at the steady state.

    Args:
        conditions: takes arrays of shapes (..., n), three times, and (..., j), twice; returns shape (..., m).
        steady: y, shape (n,).
        shocks: z, shape (j,).

    Example:
        >>> growth = lambda before, now, after, z, z_after: after - 2.5 * now + before - z
        >>> linearise(growth, [0.0], [0.0]).now.round(6).tolist()
        [[-2.5]]

    Used in: Lab 08b
    """
    centre = [np.asarray(part, dtype=np.float64) for part in (steady, steady, steady, shocks, shocks)]

    def along(place: int) -> NDArray[np.float64]:
        def moved(values: NDArray[np.float64]) -> NDArray[np.float64]:
            parts = [np.broadcast_to(part, (*values.shape[:-1], len(part))) for part in centre]
            parts[place] = values
            return conditions(*parts)

        return jacobian(moved, centre[place])

    return Linearisation(*(along(place) for place in range(5)))


def linear_time_iteration(
    equations: Linearisation, persistence: ArrayLike, *, tolerance: float = 1e-11, max_iterations: int = 5000
) -> LinearPolicy:
    """The policy that today's households choose when they expect tomorrow's to follow it.

    Args:
        equations: from `linearise`, as many as there are variables.
        persistence: Phi, shape (j, j).
        tolerance: largest change of P and Q that counts as none.
        max_iterations: rounds at most.

    Raises:
        NoLinearPolicyError: if it does not converge, or the economy does not come back to the steady state.
        ValueError: for shapes that do not fit.

    Example:
        >>> growth = lambda before, now, after, z, z_after: after - 2.5 * now + before - z
        >>> policy = linear_time_iteration(linearise(growth, [0.0], [0.0]), [[0.0]])
        >>> policy.transition.round(6).tolist(), policy.response.round(6).tolist()
        ([[0.5]], [[-0.5]])

    Used in: Lab 08b
    """
    phi = np.asarray(persistence, dtype=np.float64)
    m, n = equations.now.shape
    if m != n or phi.shape != (equations.shock_now.shape[1],) * 2:
        raise ValueError(f"{m} equations for {n} variables, persistence of shape {phi.shape}: they do not fit")
    policy, response = np.zeros((n, n)), np.zeros((n, len(phi)))
    for iteration in range(1, max_iterations + 1):
        today = equations.now + equations.after @ policy
        news = equations.shock_now + (equations.after @ response + equations.shock_after) @ phi
        try:
            both = -np.linalg.solve(today, np.concatenate([equations.before, news], axis=1))
        except np.linalg.LinAlgError:
            raise NoLinearPolicyError(f"no linear policy after {iteration} rounds: today's choice is free") from None
        change = np.abs(both - np.concatenate([policy, response], axis=1)).max()
        policy, response = both[:, :n], both[:, n:]
        if not np.isfinite(change):
            break
        if change <= tolerance:
            residual = _residual(equations, policy, response, phi)
            radius = float(np.abs(np.linalg.eigvals(policy)).max())
            if radius >= 1:
                raise NoLinearPolicyError(f"the linear policy runs away: its largest eigenvalue is {radius:.4f}")
            return LinearPolicy(policy, response, phi, iteration, residual, radius)
    raise NoLinearPolicyError(f"no linear policy after {iteration} rounds: the last change was {change:.2e}")


def _residual(
    equations: Linearisation, policy: NDArray[np.float64], response: NDArray[np.float64], phi: NDArray[np.float64]
) -> float:
    today = equations.now + equations.after @ policy
    states = equations.before + today @ policy
    shocks = today @ response + equations.shock_now + (equations.after @ response + equations.shock_after) @ phi
    return float(max(np.abs(states).max(), np.abs(shocks).max()))
