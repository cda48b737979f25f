"""Objectives: against SciPy and tf.GradientTape, then properties, then bad input."""

from collections.abc import Callable

import numpy as np
import pytest
import sklearn.linear_model
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import check_grad, minimize, rosen, rosen_der

from dlcourse.foundations.objectives import (
    Beale,
    FiniteSum,
    HousingRegression,
    Objective,
    QuadraticBowl,
    Rosenbrock,
)

AREAS, PRICES = np.array([2104.0, 1600, 2400, 1416, 3000]), np.array([400.0, 330, 369, 232, 540])
STANDARD = (AREAS - AREAS.mean()) / AREAS.std()


def _line(inputs: np.ndarray) -> Callable[[tf.Tensor], tf.Tensor]:
    return lambda t: 0.5 * tf.reduce_sum((t[0] + t[1] * inputs - PRICES) ** 2)


def _beale(t: tf.Tensor) -> tf.Tensor:
    x, y = t[0], t[1]
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y * y) ** 2 + (2.625 - x + x * y * y * y) ** 2


SURFACES = {
    "bowl": (QuadraticBowl((1.0, 10.0)), lambda t: 0.5 * t[0] ** 2 + 5 * t[1] ** 2),
    "line": (QuadraticBowl((3.0,)), lambda t: 1.5 * t[0] ** 2),
    "rosenbrock": (Rosenbrock(), lambda t: (1 - t[0]) ** 2 + 100 * (t[1] - t[0] ** 2) ** 2),
    "flat rosenbrock": (Rosenbrock(a=2.0, b=5.0), lambda t: (2 - t[0]) ** 2 + 5 * (t[1] - t[0] ** 2) ** 2),
    "beale": (Beale(), _beale),
    "housing": (HousingRegression(), _line(STANDARD)),
    "raw housing": (HousingRegression(standardize=False), _line(AREAS)),
}
each = pytest.mark.parametrize("name", SURFACES)


def points(name: str, count: int = 20) -> np.ndarray:
    low, high = np.array(SURFACES[name][0].bounds).T
    return np.random.default_rng(0).uniform(low, high, size=(count, len(low)))


@each
def test_values_and_gradients_equal_automatic_differentiation(name: str) -> None:
    objective, formula = SURFACES[name]
    for theta in points(name):
        t = tf.constant(theta)
        with tf.GradientTape() as tape:
            tape.watch(t)
            value = formula(t)
        np.testing.assert_allclose(objective.value(theta), value, rtol=1e-12)
        np.testing.assert_allclose(objective.gradient(theta), tape.gradient(value, t), rtol=1e-9, atol=1e-9)


@each
def test_gradients_equal_finite_differences(name: str) -> None:
    objective, _ = SURFACES[name]
    for theta in points(name, 5):
        scale = max(1.0, float(np.linalg.norm(objective.gradient(theta))))
        assert check_grad(objective.value, objective.gradient, theta) / scale < 1e-5


def test_rosenbrock_equals_scipy() -> None:
    theta = points("rosenbrock")
    np.testing.assert_allclose(Rosenbrock().value(theta), rosen(theta.T), rtol=1e-13)
    np.testing.assert_allclose(Rosenbrock().gradient(theta), [rosen_der(t) for t in theta], rtol=1e-12, atol=1e-12)


@each
def test_the_stated_minimum_is_where_scipy_ends_and_nothing_lies_below(name: str) -> None:
    objective, _ = SURFACES[name]
    found = minimize(objective.value, objective.minimum + 0.1, jac=objective.gradient, method="BFGS")
    np.testing.assert_allclose(objective.minimum, found.x, rtol=1e-4, atol=1e-4)
    lowest = objective.value(objective.minimum)
    assert lowest <= found.fun + 1e-9
    assert (objective.value(points(name, 500)) > lowest).all()
    size = np.abs(objective.gradient(points(name))).max()
    np.testing.assert_allclose(objective.gradient(objective.minimum) / size, 0, atol=1e-14)


@pytest.mark.parametrize(("standardize", "inputs"), [(True, STANDARD), (False, AREAS)])
def test_the_housing_minimum_is_scikit_learns_least_squares_line(standardize: bool, inputs: np.ndarray) -> None:
    line = sklearn.linear_model.LinearRegression().fit(inputs[:, None], PRICES)
    np.testing.assert_allclose(
        HousingRegression(standardize=standardize).minimum, [line.intercept_, line.coef_[0]], rtol=1e-10
    )


def test_standardising_turns_a_stretched_bowl_into_a_round_one() -> None:
    def curvature_ratio(inputs: np.ndarray) -> float:
        low, high = np.linalg.eigvalsh([[len(inputs), inputs.sum()], [inputs.sum(), inputs @ inputs]])
        return high / low

    assert curvature_ratio(HousingRegression().inputs) == pytest.approx(1)
    assert curvature_ratio(HousingRegression(standardize=False).inputs) == pytest.approx(70e6, rel=0.01)


@each
def test_the_window_holds_the_minimum(name: str) -> None:
    objective, _ = SURFACES[name]
    low, high = np.array(objective.bounds).T
    assert ((low < objective.minimum) & (objective.minimum < high)).all()
    if isinstance(objective, HousingRegression):
        assert ((low < 0) & (high > 0)).all()


@each
def test_one_call_covers_any_leading_axes(name: str) -> None:
    objective, _ = SURFACES[name]
    theta = points(name, 6)
    grid = theta.reshape(2, 3, -1)
    np.testing.assert_allclose(objective.value(grid), [[objective.value(t) for t in row] for row in grid], rtol=1e-13)
    np.testing.assert_allclose(
        objective.gradient(grid), [[objective.gradient(t) for t in row] for row in grid], rtol=1e-12, atol=1e-9
    )
    assert objective.value(grid).shape == (2, 3)
    assert objective.gradient(grid).shape == grid.shape


@each
def test_objectives_fit_the_protocols_and_cannot_be_changed(name: str) -> None:
    objective, _ = SURFACES[name]
    assert isinstance(objective, Objective)
    assert isinstance(objective, FiniteSum) == isinstance(objective, HousingRegression)
    with pytest.raises(AttributeError):
        objective.anything = 1
    before = objective.minimum.copy()
    objective.minimum[:] = 99
    np.testing.assert_array_equal(objective.minimum, before)


@settings(deadline=None)
@given(arrays(np.float64, 2, elements=st.floats(-1e3, 1e3)), st.lists(st.integers(0, 4), min_size=1))
def test_sample_gradients_are_those_of_single_houses_and_add_up(theta: np.ndarray, indices: list[int]) -> None:
    housing = HousingRegression()
    rows = housing.sample_gradient(theta, indices)
    for row, i in zip(rows, indices, strict=True):
        residual = theta[0] + theta[1] * STANDARD[i] - PRICES[i]
        np.testing.assert_allclose(row, [residual, residual * STANDARD[i]], rtol=1e-12, atol=1e-9)
    everything = housing.sample_gradient(theta, np.arange(5)).sum(axis=0)
    np.testing.assert_allclose(everything, housing.gradient(theta), rtol=1e-12, atol=1e-9)


def test_other_houses_may_be_given_and_are_copied() -> None:
    areas = np.array([1.0, 2.0, 3.0])
    housing = HousingRegression(standardize=False, areas=areas, prices=[2.0, 4.0, 6.0])
    areas[:] = 0
    np.testing.assert_allclose(housing.minimum, [0, 2], atol=1e-12)
    assert housing.n_samples == 3
    with pytest.raises(ValueError, match="read-only"):
        housing.areas[0] = 5


@each
@pytest.mark.parametrize("theta", [1.0, np.ones(3), np.ones((2, 3)), []])
def test_parameters_of_the_wrong_length_are_refused(name: str, theta: object) -> None:
    objective, _ = SURFACES[name]
    for function in (objective.value, objective.gradient):
        with pytest.raises(ValueError, match=r"theta must have shape \(\.\.\., [12]\)"):
            function(theta)


@pytest.mark.parametrize("curvatures", [(), (1.0, 0.0), (1.0, -1.0), (np.nan,), ((1.0,),)])
def test_a_bowl_that_is_none_is_refused(curvatures: tuple) -> None:
    with pytest.raises(ValueError, match="curvatures must be positive"):
        QuadraticBowl(curvatures)


def test_other_bad_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="b positive and finite; got a=1.0, b=0"):
        Rosenbrock(b=0)
    with pytest.raises(ValueError, match=r"one length; got \(2,\) and \(1,\)"):
        HousingRegression(areas=[1.0, 2.0], prices=[1.0])
    with pytest.raises(ValueError, match="at least two different areas"):
        HousingRegression(areas=[1.0, 1.0], prices=[1.0, 2.0])
    with pytest.raises(ValueError, match="Leave those houses out"):
        HousingRegression(areas=[1.0, np.nan], prices=[1.0, 2.0])
