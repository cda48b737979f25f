"""Gradients through time: against a full Jacobian, the product formula, and what theory says of their growth."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from dlcourse.sequences.backpropagation_through_time import RecurrentNetwork, unroll
from dlcourse.sequences.gradient_through_time import (
    gradient_through_time,
    scaled_to_radius,
    spectral_radius,
    state_gradient_norms,
)
from dlcourse.sequences.recurrent import LSTMCell

X = np.random.default_rng(0).standard_normal((8, 2)).astype("float32")


@pytest.mark.parametrize("sequences", [False, True])
def test_the_norms_are_those_of_the_full_jacobian(sequences: bool) -> None:
    keras.utils.set_random_seed(0)
    layer = keras.layers.RNN(LSTMCell(3), return_sequences=sequences)
    x = tf.constant(X)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        answer = layer(x[None])[0]
        last = answer[-1] if sequences else answer
    jacobian = tape.jacobian(last, x, experimental_use_pfor=False).numpy()
    expected = np.sqrt((jacobian**2).sum(axis=(0, 2)))[::-1]
    np.testing.assert_allclose(gradient_through_time(layer, X), expected, rtol=1e-5)


def test_several_sequences_give_the_root_mean_square() -> None:
    keras.utils.set_random_seed(1)
    layer = keras.layers.SimpleRNN(4)
    many = np.stack([X, X[::-1], 0 * X])
    one_by_one = np.stack([gradient_through_time(layer, one) for one in many])
    np.testing.assert_allclose(gradient_through_time(layer, many), np.sqrt((one_by_one**2).mean(axis=0)), rtol=1e-6)


def test_the_product_of_jacobians_is_what_a_tape_measures() -> None:
    network = RecurrentNetwork.random(inputs=2, hidden=5, outputs=1, seed=3, scale=1.5)
    h = unroll(network, X).h
    norms = state_gradient_norms(network.W_hh, h)
    for lag in (1, 3, 8):
        state = begun = tf.constant(h[len(X) - lag])
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(begun)
            for x_t in X[len(X) - lag :].astype("float64"):
                state = tf.tanh(tf.linalg.matvec(network.W_hh, state) + network.W_xh @ x_t)
        jacobian = tape.jacobian(state, begun, experimental_use_pfor=False).numpy()
        assert norms[lag] == pytest.approx(np.linalg.norm(jacobian, 2), rel=1e-10)


@pytest.mark.parametrize("radius", [0.8, 1.0, 1.2])
def test_without_saturation_the_gradient_grows_with_the_spectral_radius(radius: float) -> None:
    W = scaled_to_radius(np.random.default_rng(4).standard_normal((10, 10)), radius)
    norms = state_gradient_norms(W, np.zeros((201, 10)))
    # Gelfand: ||W^k||^(1/k) tends to the spectral radius.
    assert norms[200] ** (1 / 200) == pytest.approx(radius, rel=0.02)


@given(seed=st.integers(0, 10**6), radius=st.floats(0.1, 3.0))
def test_the_bound_by_the_largest_singular_value_holds(seed: int, radius: float) -> None:
    rng = np.random.default_rng(seed)
    W = scaled_to_radius(rng.standard_normal((4, 4)), radius)
    norms = state_gradient_norms(W, rng.uniform(-1, 1, (10, 4)))
    assert (norms <= np.linalg.norm(W, 2) ** np.arange(10) * (1 + 1e-9)).all()
    assert spectral_radius(W) == pytest.approx(radius, rel=1e-9)


def test_an_lstm_with_open_forget_gates_keeps_what_the_simple_network_loses() -> None:
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(5).standard_normal((60, 2))
    simple = gradient_through_time(keras.layers.SimpleRNN(16), x)
    lstm = gradient_through_time(keras.layers.RNN(LSTMCell(16, forget_bias=6.0)), x)
    # Three seeds: 4e-7 to 2e-6 of the gradient is left after 59 steps, against 0.25 to 1.4.
    assert simple[59] / simple[0] < 1e-4 < 0.05 < lstm[59] / lstm[0]


def test_bad_input_is_named() -> None:
    with pytest.raises(TypeError, match="Keras model or layer, got function"):
        gradient_through_time(lambda x: x, X)
    with pytest.raises(ValueError, match="stateful"):
        gradient_through_time(keras.layers.SimpleRNN(2, stateful=True), X)
    with pytest.raises(ValueError, match="shape"):
        gradient_through_time(keras.layers.SimpleRNN(2), X[0])
    with pytest.raises(ValueError, match="one tensor"):
        gradient_through_time(keras.layers.SimpleRNN(2, return_state=True), X)
    with pytest.raises(ValueError, match="no eigenvalue other than 0"):
        scaled_to_radius([[0.0, 1.0], [0.0, 0.0]], 1.0)
    with pytest.raises(ValueError, match=r"must lie in \[-1, 1\]"):
        state_gradient_norms(np.eye(2), 2 * np.ones((3, 2)))
