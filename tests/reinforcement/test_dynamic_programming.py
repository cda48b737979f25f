"""Value iteration finds what linear algebra knows, converges as the theory says, and swings the pendulum up."""

import gymnasium
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import RegularGridInterpolator

from dlcourse.reinforcement.control_problems import (
    Axis,
    ControlProblem,
    LinearQuadraticRegulator,
    pendulum_problem,
    pendulum_states,
)
from dlcourse.reinforcement.dynamic_programming import interpolation, pendulum_policy, value_iteration
from dlcourse.reinforcement.evaluation import evaluate

ONE = np.eye(1)
SCALAR = LinearQuadraticRegulator(1.1 * ONE, 0.5 * ONE, ONE, 0.2 * ONE, discount=0.9)
CART = LinearQuadraticRegulator(
    np.array([[1.0, 0.2], [0.0, 1.0]]), np.array([[0.02], [0.2]]), np.diag([1.0, 0.1]), 0.1 * ONE, discount=0.9
)


@given(st.integers(0, 1000))
def test_interpolation_agrees_with_scipy(seed):
    generator = np.random.default_rng(seed)
    axes = (Axis(-1.0, 2.0, 4), Axis(0.0, 1.0, 3), Axis(-3.0, -1.0, 2))
    values = generator.normal(size=(4, 3, 2))
    states = generator.uniform([-1, 0, -3], [2, 1, -1], (20, 3))
    expected = RegularGridInterpolator([axis.values() for axis in axes], values)(states)
    np.testing.assert_allclose(interpolation(axes, states) @ values.ravel(), expected, atol=1e-12)


def test_a_periodic_axis_wraps_around_and_another_ends_at_its_edge():
    axis = Axis(-np.pi, np.pi, 8, periodic=True)
    values = np.cos(axis.values())
    angles = np.linspace(-np.pi, np.pi, 50)[:, None]
    near, far = (interpolation((axis,), angles + turn) @ values for turn in (0.0, 6 * np.pi))
    np.testing.assert_allclose(near, far, atol=1e-9)
    assert interpolation((axis,), np.array([[np.pi - 1e-9]])) @ values == pytest.approx(-1.0)
    outside = interpolation((Axis(0.0, 1.0, 3),), np.array([[-5.0], [9.0]])) @ np.array([1.0, 2.0, 4.0])
    np.testing.assert_array_equal(outside, [1.0, 4.0])


@pytest.mark.parametrize("regulator", [SCALAR, CART])
def test_the_riccati_solution_satisfies_bellmans_equation(regulator):
    """By numerical maximisation over u, which knows nothing of Riccati."""
    from scipy.optimize import minimize

    size = len(regulator.state_matrix)
    for state in np.random.default_rng(0).normal(size=(5, size)):

        def loss(action, state=state):
            following = regulator.state_matrix @ state + regulator.action_matrix @ action
            reward = -(state @ regulator.state_cost @ state + action @ regulator.action_cost @ action)
            return -(reward + regulator.discount * regulator.values(following[None])[0])

        best = minimize(loss, np.zeros(1))
        assert -best.fun == pytest.approx(regulator.values(state[None])[0], rel=1e-6)
        np.testing.assert_allclose(best.x, -regulator.gain() @ state, atol=1e-4)


def test_value_iteration_finds_the_riccati_solution():
    problem = SCALAR.problem((Axis(-2.0, 2.0, 401),), np.linspace(-4, 4, 401)[:, None])
    solution = value_iteration(problem, tolerance=1e-6)
    states = np.linspace(-1.5, 1.5, 61)[:, None]
    # A grid of spacing h overstates the cost by up to V'' h^2 / 8 a step, 3e-5 / (1 - 0.9) here, and so does that of u.
    np.testing.assert_allclose(solution(states), SCALAR.values(states), atol=2e-3)
    np.testing.assert_allclose(solution.greedy_actions(states), -states @ SCALAR.gain().T, atol=0.08)


def test_a_finer_grid_comes_closer_to_the_riccati_solution():
    states = np.random.default_rng(1).uniform(-0.6, 0.6, (200, 2))
    errors = []
    for points in (21, 41):
        axes = (Axis(-2.0, 2.0, points), Axis(-2.0, 2.0, points))
        solution = value_iteration(CART.problem(axes, np.linspace(-4, 4, 2 * points - 1)[:, None]))
        errors.append(np.abs(solution(states) - CART.values(states)).max())
    # Linear interpolation is of second order; half the spacing should leave a quarter of the error.
    assert errors[1] < 0.4 * errors[0]
    assert errors[1] < 0.1


def test_the_error_shrinks_by_the_discount_in_every_sweep_and_stays_below_the_bound():
    problem = pendulum_problem((20, 21), 5, discount=0.9)
    exact = value_iteration(problem, tolerance=1e-10).values
    solution = value_iteration(problem, tolerance=1e-2)
    assert (solution.residuals[1:] <= 0.9 * solution.residuals[:-1] + 1e-12).all()
    assert np.abs(solution.values - exact).max() <= solution.error_bound <= 1e-2
    for sweeps in (1, 5, 20):
        early = value_iteration(problem, horizon=sweeps)
        assert np.abs(early.values - exact).max() <= 0.9**sweeps / (1 - 0.9) * solution.residuals[0]


def test_a_chain_with_a_horizon_is_counted_by_hand():
    """Walk right by one a step, a reward of 1 for each step from the last point, no discount."""

    def transition(states, actions):
        return np.minimum(states[:, None] + actions, 3.0), np.repeat(states == 3.0, len(actions), 1).astype(float)

    problem = ControlProblem((Axis(0.0, 3.0, 4),), np.array([[0.0], [1.0]]), transition, discount=1.0)
    np.testing.assert_array_equal(value_iteration(problem, horizon=5).values, [2, 3, 4, 5])


def test_the_pendulum_model_is_gymnasiums():
    problem = pendulum_problem()
    environment = gymnasium.make("Pendulum-v1").unwrapped
    generator = np.random.default_rng(0)
    for _ in range(200):
        state = generator.uniform([-9, -8], [9, 8])
        torque = generator.uniform(-2, 2, 1)
        environment.reset()
        environment.state = state
        observation, reward, *_ = environment.step(torque)
        successors, rewards = problem.transition(state[None], torque[None])
        np.testing.assert_allclose(successors[0, 0], environment.state, atol=1e-12)
        assert rewards[0, 0] == pytest.approx(reward, abs=1e-12)
        angle, speed = pendulum_states(observation[None])[0]
        np.testing.assert_allclose([np.cos(angle), np.sin(angle), speed], observation, atol=1e-6)


def test_the_greedy_policy_swings_the_pendulum_up_from_all_fixed_starts():
    solution = value_iteration(pendulum_problem())
    returns = evaluate(pendulum_policy(solution), "Pendulum-v1")
    # A grid of 200 x 201 x 41 gives a mean of -107.0 and a lowest of -221.9; hanging still gives about -1200.
    assert returns.mean() > -115 and returns.min() > -240


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Axis(0.0, 1.0, 1), "at least 2 points"),
        (lambda: Axis(1.0, 1.0, 5), "low end below"),
        (lambda: pendulum_problem(discount=1.5), r"discount=1\.5"),
        (lambda: ControlProblem((), np.zeros(3), None, 0.9), r"actions have shape \(3,\)"),
        (lambda: value_iteration(pendulum_problem((4, 4), 2, discount=1.0)), "discount 1 has no finite values"),
        (lambda: value_iteration(pendulum_problem((4, 4), 2), tolerance=0.0), r"tolerance=0\.0"),
        (lambda: value_iteration(pendulum_problem((4, 4), 2), horizon=0), "horizon=0"),
        (lambda: value_iteration(pendulum_problem((4, 4), 2), max_iterations=3), "after 3 sweeps values still change"),
        (lambda: interpolation((Axis(0.0, 1.0, 2),), np.zeros((3, 2))), r"shape \(3, 2\), expected \(S, 1\)"),
        (lambda: interpolation((Axis(0.0, 1.0, 2),), np.array([[np.nan]])), "all finite"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
