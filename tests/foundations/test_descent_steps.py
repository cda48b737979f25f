"""The formulas of Lab 01: against Keras, TensorFlow's tape, SciPy, and what each formula is for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import approx_fprime, lsq_linear

from dlcourse.foundations.descent_steps import (
    adam_step,
    gradient_descent_step,
    housing_gradient,
    initial_weights,
    largest_stable_rate,
    mini_batch_gradient,
    momentum_step,
    numerical_derivative,
)

numbers = st.floats(-3, 3)


def line_data(samples: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=2), np.column_stack([np.ones(samples), rng.normal(size=samples)]), rng.normal(size=samples)


@given(w=numbers, h=st.floats(0.01, 1))
def test_the_central_difference_is_exact_for_parabolas(w: float, h: float) -> None:
    assert numerical_derivative(lambda w: 3 * w**2 - w, w, h) == pytest.approx(6 * w - 1, abs=1e-9)


def test_the_central_difference_gains_two_digits_for_one_digit_of_h() -> None:
    errors = [abs(numerical_derivative(np.exp, 1.0, h) - np.e) for h in (1e-1, 1e-2, 1e-3)]
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.01)
    assert errors[1] / errors[2] == pytest.approx(100, rel=0.01)


def optimizer_path(optimizer: object, start: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    keras = pytest.importorskip("keras")
    variable = keras.Variable(start, dtype="float64")
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    return np.asarray(variable)


@pytest.fixture(scope="module")
def gradients() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(40, 3))


def test_plain_steps_are_those_of_keras_sgd(gradients: np.ndarray) -> None:
    keras = pytest.importorskip("keras")
    w = start = np.array([1.0, -2.0, 3.0])
    for gradient in gradients:
        w = gradient_descent_step(w, gradient, 2**-5)
    np.testing.assert_allclose(w, optimizer_path(keras.optimizers.SGD(2**-5), start, gradients), rtol=1e-6)


def test_momentum_steps_are_those_of_keras_sgd_with_momentum(gradients: np.ndarray) -> None:
    keras = pytest.importorskip("keras")
    w = previous = start = np.array([1.0, -2.0, 3.0])
    for gradient in gradients:
        w, previous = momentum_step(w, previous, gradient, 2**-5, 0.875), w
    expected = optimizer_path(keras.optimizers.SGD(2**-5, momentum=0.875), start, gradients)
    np.testing.assert_allclose(w, expected, rtol=1e-6)


def test_adam_steps_are_those_of_keras_adam(gradients: np.ndarray) -> None:
    """Keras folds the bias correction into the rate, which moves epsilon: with 1e-12 the two agree."""
    keras = pytest.importorskip("keras")
    w, mean, mean_square = np.array([1.0, -2.0, 3.0]), np.zeros(3), np.zeros(3)
    start = w
    for t, gradient in enumerate(gradients, 1):
        w, mean, mean_square = adam_step(w, gradient, mean, mean_square, t, 2**-5, 0.875, 0.9375, 1e-12)
    adam = keras.optimizers.Adam(2**-5, beta_1=0.875, beta_2=0.9375, epsilon=1e-12)
    np.testing.assert_allclose(w, optimizer_path(adam, start, gradients), rtol=1e-6)


@given(gradient=arrays(float, 4, elements=st.floats(-1e3, 1e3)))
def test_the_first_step_of_adam_is_as_long_as_the_learning_rate(gradient: np.ndarray) -> None:
    assume(np.abs(gradient).min() > 1e-3)
    w, _, _ = adam_step(np.zeros(4), gradient, np.zeros(4), np.zeros(4), 1, 0.1, 0.9, 0.999, 1e-12)
    np.testing.assert_allclose(w, -0.1 * np.sign(gradient), rtol=1e-6)


def test_adam_stays_at_the_rate_under_a_constant_gradient() -> None:
    """The slide's recursion, which feeds back the corrected averages, would not."""
    w, mean, mean_square = np.zeros(1), np.zeros(1), np.zeros(1)
    for t in range(1, 30):
        before = w
        w, mean, mean_square = adam_step(w, np.ones(1), mean, mean_square, t, 0.1, 0.9, 0.999, 1e-12)
        assert (before - w).item() == pytest.approx(0.1, rel=1e-9)


@settings(max_examples=40)
@given(factor=arrays(float, (3, 3), elements=numbers), margin=st.floats(0.02, 0.3))
def test_below_the_largest_stable_rate_the_bowl_holds_and_above_it_does_not(factor: np.ndarray, margin: float) -> None:
    hessian = factor @ factor.T + np.eye(3)
    rate = largest_stable_rate(hessian)
    step = {sign: np.eye(3) - rate * (1 + sign * margin) * hessian for sign in (-1, 1)}
    assert np.abs(np.linalg.eigvals(step[-1])).max() < 1
    assert np.abs(np.linalg.eigvals(step[1])).max() > 1


def test_the_housing_gradient_is_that_of_gradient_tape_and_of_finite_differences() -> None:
    tf = pytest.importorskip("tensorflow")
    theta, X, y = line_data()
    variable = tf.Variable(theta)
    with tf.GradientTape() as tape:
        cost = 0.5 * tf.reduce_sum((tf.linalg.matvec(X, variable) - y) ** 2)
    np.testing.assert_allclose(housing_gradient(theta, X, y), tape.gradient(cost, variable), rtol=1e-12)
    numerical = approx_fprime(theta, lambda theta: 0.5 * np.sum((X @ theta - y) ** 2))
    np.testing.assert_allclose(housing_gradient(theta, X, y), numerical, rtol=1e-5)


def test_the_housing_gradient_is_zero_at_the_least_squares_line() -> None:
    _, X, y = line_data()
    np.testing.assert_allclose(housing_gradient(lsq_linear(X, y).x, X, y), 0, atol=1e-9)


@given(seed=st.integers(0, 999), size=st.integers(1, 12))
def test_mini_batches_of_one_epoch_average_to_the_whole_batch(seed: int, size: int) -> None:
    theta, X, y = line_data(samples=12, seed=seed)
    order = np.random.default_rng(seed).permutation(12)
    size = max(divisor for divisor in (1, 2, 3, 4, 6, 12) if divisor <= size)
    batches = [mini_batch_gradient(theta, X, y, batch) for batch in order.reshape(-1, size)]
    np.testing.assert_allclose(np.mean(batches, axis=0), housing_gradient(theta, X, y) / 12, atol=1e-12)


@pytest.mark.parametrize(("rule", "name"), [("glorot", "GlorotNormal"), ("he", "HeNormal")])
def test_initial_weights_have_the_variance_of_keras(rule: str, name: str) -> None:
    keras = pytest.importorskip("keras")
    shape = (300, 100)
    weights = initial_weights(np.random.default_rng(0).standard_normal(shape), rule)
    expected = np.asarray(getattr(keras.initializers, name)(seed=0)(shape))
    # 30,000 numbers know their standard deviation to 0.4 %; five times that is 2 %.
    assert weights.std() == pytest.approx(expected.std(), rel=0.02)


def test_an_unknown_rule_is_named() -> None:
    with pytest.raises(ValueError, match="'xavier', expected 'glorot' or 'he'"):
        initial_weights(np.ones((2, 2)), "xavier")
