"""Activations: against TensorFlow and SciPy, then properties, then bad input."""

import numpy as np
import pytest
import scipy.special
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dlcourse.foundations import activations
from dlcourse.foundations.activations import ACTIVATIONS, get_activation, sigmoid, softmax, softmax_jacobian

ELEMENTWISE = ("sigmoid", "tanh", "relu", "swish", "linear")
TENSORFLOW = {
    "sigmoid": tf.nn.sigmoid,
    "tanh": tf.nn.tanh,
    "relu": tf.nn.relu,
    "swish": tf.nn.silu,
    "linear": tf.identity,
    "softmax": tf.nn.softmax,
}
GRID = np.linspace(-12, 12, 481)
LOGITS = np.random.default_rng(0).normal(scale=3, size=(7, 5))


def test_every_activation_has_a_tensorflow_oracle() -> None:
    assert set(TENSORFLOW) == set(ACTIVATIONS)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_values_equal_tensorflow(name: str) -> None:
    np.testing.assert_allclose(get_activation(name).function(GRID), TENSORFLOW[name](GRID), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_derivatives_equal_automatic_differentiation(name: str) -> None:
    z = tf.constant(GRID)
    with tf.GradientTape() as tape:
        tape.watch(z)
        total = tf.reduce_sum(TENSORFLOW[name](z))
    np.testing.assert_allclose(get_activation(name).derivative(GRID), tape.gradient(total, z), rtol=1e-9, atol=1e-14)


def test_softmax_equals_scipy_along_any_axis() -> None:
    for axis in (-1, 0, 1):
        np.testing.assert_allclose(softmax(LOGITS, axis=axis), scipy.special.softmax(LOGITS, axis=axis), rtol=1e-13)


def test_softmax_jacobian_equals_automatic_differentiation() -> None:
    z = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(z)
        p = tf.nn.softmax(z)
    np.testing.assert_allclose(softmax_jacobian(LOGITS), tape.batch_jacobian(p, z), rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_large_inputs_stay_finite_without_a_warning_and_keep_their_dtype(name: str, dtype: type) -> None:
    z = np.array([[-1e3, -90.0, -1.0, 0.0], [1.0, 20.0, 90.0, 1e3]], dtype=dtype)
    before = z.copy()
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for function in (get_activation(name).function, get_activation(name).derivative):
            result = function(z)
            assert np.isfinite(result).all()
            assert result.dtype == dtype
    np.testing.assert_array_equal(z, before)


def test_sigmoid_and_its_derivative_keep_their_relative_precision_in_the_tails() -> None:
    z = np.array([-500.0, -40.0, 40.0])
    np.testing.assert_allclose(sigmoid(z), scipy.special.expit(z), rtol=1e-14)
    np.testing.assert_allclose(activations.sigmoid_derivative(z), np.exp(-np.abs(z)), rtol=1e-14)


def test_relu_has_slope_zero_at_its_kink_as_in_the_slides() -> None:
    assert activations.relu_derivative([-0.0, 0.0, 5e-324]).tolist() == [0, 0, 1]


@settings(deadline=None)
@given(arrays(np.float64, st.integers(1, 6), elements=st.floats(-1e3, 1e3)), st.floats(-1e3, 1e3))
def test_softmax_is_a_distribution_that_ignores_a_common_shift(z: np.ndarray, shift: float) -> None:
    p = softmax(z)
    assert (p >= 0).all()
    assert p.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(softmax(z + shift), p, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(softmax_jacobian(z).sum(axis=-1), 0, atol=1e-15)


@settings(deadline=None)
@given(st.floats(-1e3, 1e3))
def test_symmetries(z: float) -> None:
    assert sigmoid(z) + sigmoid(-z) == pytest.approx(1, abs=1e-15)
    assert activations.sigmoid_derivative(z) == activations.sigmoid_derivative(-z)
    assert activations.tanh(z) == pytest.approx(2 * sigmoid(2 * z) - 1, abs=1e-15)
    assert activations.swish(z) - activations.swish(-z) == pytest.approx(z, abs=1e-12)


def test_integers_and_lists_count_as_float64() -> None:
    for activation in ACTIVATIONS.values():
        assert activation.function([0, 1]).dtype == np.float64
        assert activation.derivative(np.array([0, 1])).dtype == np.float64


@pytest.mark.parametrize("bad", [np.array([1j]), ["a"], np.array([None])])
def test_what_is_not_a_real_number_is_refused(bad: object) -> None:
    for activation in ACTIVATIONS.values():
        with pytest.raises(TypeError, match="z must hold real numbers; got dtype"):
            activation.function(bad)
        with pytest.raises(TypeError, match="z must hold real numbers; got dtype"):
            activation.derivative(bad)


def test_an_unknown_name_lists_the_valid_ones_and_the_closest() -> None:
    with pytest.raises(ValueError, match="unknown activation 'sigmod'; did you mean 'sigmoid'") as error:
        get_activation("sigmod")
    assert all(repr(name) in str(error.value) for name in ACTIVATIONS)
    with pytest.raises(ValueError, match=r"unknown activation 'zzz'\. Valid names"):
        get_activation("zzz")
    with pytest.raises(TypeError, match="got int: 3"):
        get_activation(3)
