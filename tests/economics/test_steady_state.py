"""Steady states with constraints, against SciPy and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls

from dlcourse.economics.steady_state import (
    NoSteadyStateError,
    fischer_burmeister,
    jacobian,
    solve_steady_state,
)

numbers = st.floats(-5, 5)


@given(numbers, numbers)
def test_zero_of_the_smoothed_function_is_where_both_are_positive_with_a_given_product(choice, multiplier):
    epsilon = 0.3
    value = float(fischer_burmeister(choice, multiplier, epsilon))
    positive_product = choice > 0 and multiplier > 0 and choice * multiplier > epsilon**2 / 2
    assert (value > 0) == positive_product or abs(value) < 1e-6


def test_jacobian_equals_the_derivative_by_hand():
    def function(x):
        return np.stack([x[..., 0] ** 2 * x[..., 1], np.sin(x[..., 1])], axis=-1)

    point = np.array([1.5, -0.4])
    by_hand = [[2 * 1.5 * -0.4, 1.5**2], [0, np.cos(-0.4)]]
    np.testing.assert_allclose(jacobian(function, point), by_hand, atol=1e-8)


def test_solves_a_least_squares_problem_with_signs_as_scipy_does():
    rng = np.random.default_rng(0)
    matrix, wanted = rng.normal(size=(12, 6)), rng.normal(size=12)
    product, right = matrix.T @ matrix, matrix.T @ wanted

    def conditions(x, epsilon):
        return {"sign": fischer_burmeister(x, x @ product - right, epsilon)}

    found = solve_steady_state(conditions, np.ones(6))
    np.testing.assert_allclose(found.values, nnls(matrix, wanted)[0], atol=1e-6)
    assert (found.values < 1e-6).any()
    assert found.residuals["sign"] < 1e-10


def test_a_problem_without_solution_names_the_equation_and_its_residual():
    def conditions(x, epsilon):
        return {"fine": x[..., :1] - 1, "hopeless": x[..., 1:] ** 2 + 1}

    with pytest.raises(NoSteadyStateError, match=r"hopeless 1\.0") as caught:
        solve_steady_state(conditions, [0.0, 2.0])
    assert caught.value.residuals["hopeless"] >= 1
    assert caught.value.residuals["fine"] < 1


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="equations for"):
        solve_steady_state(lambda x, epsilon: {"one": x[..., :1]}, [1.0, 2.0])
    with pytest.raises(ValueError, match="not finite at the start"):
        solve_steady_state(lambda x, epsilon: {"one": x * np.nan}, [1.0])
    with pytest.raises(ValueError, match="smoothing"):
        fischer_burmeister(1.0, 1.0, -0.1)
