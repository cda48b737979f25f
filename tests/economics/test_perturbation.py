"""First-order perturbation against closed forms and simulation."""

import numpy as np
import pytest

from dlcourse.economics.perturbation import (
    Linearisation,
    LinearPolicy,
    NoLinearPolicyError,
    linear_time_iteration,
    linearise,
)

ALPHA, BETA, PERSISTENCE = 0.36, 0.95, 0.8


def growth_conditions(before, now, after, shock, shock_after):
    """Growth with log utility and full depreciation: 1/c = beta alpha z' k'^(alpha-1) / c', y = log k'."""
    k, saved, later = np.exp(before), np.exp(now), np.exp(after)
    eaten = np.exp(shock) * k**ALPHA - saved
    eaten_after = np.exp(shock_after) * saved**ALPHA - later
    return eaten_after / eaten - BETA * ALPHA * np.exp(shock_after) * saved ** (ALPHA - 1)


def growth_policy():
    steady = np.log(ALPHA * BETA) / (1 - ALPHA)
    return linear_time_iteration(linearise(growth_conditions, [steady], [0.0]), [[PERSISTENCE]])


def test_the_growth_model_with_a_closed_form_is_found():
    # k' = alpha beta z k^alpha: the logarithm moves by alpha with k and by 1 with z.
    policy = growth_policy()
    np.testing.assert_allclose(policy.transition, [[ALPHA]], atol=1e-7)
    np.testing.assert_allclose(policy.response, [[1.0]], atol=1e-7)
    assert policy.residual < 1e-8
    assert policy.spectral_radius == pytest.approx(ALPHA, abs=1e-7)


def test_the_variance_is_that_of_a_long_simulation():
    policy, deviation = growth_policy(), 0.1
    rng = np.random.default_rng(0)
    z = y = 0.0
    path = np.empty(200_000)
    for t, draw in enumerate(rng.normal(0, deviation * np.sqrt(1 - PERSISTENCE**2), len(path))):
        z = PERSISTENCE * z + draw
        y = policy.transition[0, 0] * y + policy.response[0, 0] * z
        path[t] = y
    variance = policy.covariance([[deviation**2]])
    assert variance[0, 0] == pytest.approx(path[1000:].var(), rel=0.03)
    assert variance[1, 1] == pytest.approx(deviation**2)


def test_an_economy_that_runs_away_is_refused():
    # y_t = 1.5 y_{t-1}: no choice in it brings it back.
    runaway = Linearisation(*(np.array([[value]]) for value in (-1.5, 1.0, 0.0, -1.0, 0.0)))
    with pytest.raises(NoLinearPolicyError, match=r"runs away.*1\.5"):
        linear_time_iteration(runaway, [[0.0]])


def test_no_convergence_is_an_error_not_an_answer():
    # Complex roots of size one: the iteration turns for ever.
    spinning = Linearisation(*(np.array([[value]]) for value in (1.0, -1.0, 1.0, 0.0, 0.0)))
    with pytest.raises(NoLinearPolicyError, match="no linear policy after"):
        linear_time_iteration(spinning, [[0.0]], max_iterations=200)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="do not fit"):
        linear_time_iteration(linearise(growth_conditions, [-1.0], [0.0]), np.eye(2))
    policy = LinearPolicy(np.array([[0.5]]), np.array([[1.0]]), np.array([[0.5]]), 1, 0.0, 0.5)
    with pytest.raises(ValueError, match="shape"):
        policy.covariance(np.eye(2))
    with pytest.raises(ValueError, match="negative variance"):
        policy.covariance([[-1.0]])
