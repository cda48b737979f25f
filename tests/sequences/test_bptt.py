"""Back-propagation through time by hand: against a gradient tape, finite differences and Keras's layer."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from dlcourse.sequences.backpropagation_through_time import (
    RecurrentNetwork,
    backpropagate,
    clip_by_norm,
    cross_entropy,
    unroll,
)

NAMES = ("W_xh", "W_hh", "b_h", "W_hz", "b_z")


def problem(steps: int = 9, seed: int = 0) -> tuple[RecurrentNetwork, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    network = RecurrentNetwork(*(rng.standard_normal(shape) for shape in [(4, 3), (4, 4), (4,), (5, 4), (5,)]))
    return network, rng.standard_normal((steps, 3)), np.eye(5)[rng.integers(0, 5, steps)], rng.uniform(-1, 1, 4)


@pytest.mark.parametrize("steps", [1, 2, 30])
def test_every_gradient_is_the_tapes_to_1e_10(steps: int) -> None:
    network, x, y, h_0 = problem(steps)
    parameters = {name: tf.Variable(getattr(network, name)) for name in NAMES}
    inputs, start = tf.Variable(x), tf.Variable(h_0)
    with tf.GradientTape() as tape:
        state, loss, states = start, 0.0, []
        for t in range(steps):
            total = tf.linalg.matvec(parameters["W_hh"], state) + tf.linalg.matvec(parameters["W_xh"], inputs[t])
            state = tf.tanh(total + parameters["b_h"])
            states.append(state)
            scores = tf.linalg.matvec(parameters["W_hz"], state) + parameters["b_z"]
            loss += tf.nn.softmax_cross_entropy_with_logits(y[t], scores)
    *for_parameters, for_x, for_start = tape.gradient(loss, [*parameters.values(), inputs, start])
    ours = backpropagate(network, x, y, h_0)
    for name, theirs in zip(NAMES, for_parameters, strict=True):
        np.testing.assert_allclose(getattr(ours, name), theirs, rtol=1e-10, atol=1e-10, err_msg=name)
    np.testing.assert_allclose(ours.x, tf.convert_to_tensor(for_x), atol=1e-10)
    np.testing.assert_allclose(ours.h[0], for_start, atol=1e-10)
    assert ours.loss == pytest.approx(float(loss), rel=1e-12)


def test_the_gradient_of_a_state_is_the_slope_of_the_loss_that_is_still_to_come() -> None:
    network, x, y, h_0 = problem()
    gradients, states = backpropagate(network, x, y, h_0), unroll(network, x, h_0).h
    for t in (1, 5, 9):

        def later_loss(h_t: np.ndarray, t: int = t) -> float:
            scores = network.W_hz @ h_t + network.b_z
            now = np.log(np.exp(scores).sum()) - y[t - 1] @ scores
            return now + (cross_entropy(unroll(network, x[t:], h_t).z, y[t:]) if t < len(x) else 0.0)

        np.testing.assert_allclose(gradients.h[t], approx_fprime(states[t], later_loss), atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), steps=st.integers(1, 12))
def test_finite_differences_agree_for_random_networks(seed: int, steps: int) -> None:
    network, x, y, h_0 = problem(steps, seed)
    parts = [getattr(network, name) for name in NAMES]
    cuts = np.cumsum([part.size for part in parts])[:-1]

    def loss(flat: np.ndarray) -> float:
        shaped = [piece.reshape(part.shape) for piece, part in zip(np.split(flat, cuts), parts, strict=True)]
        return cross_entropy(unroll(RecurrentNetwork(*shaped), x, h_0).z, y)

    numeric = approx_fprime(np.concatenate([part.ravel() for part in parts]), loss)
    ours = backpropagate(network, x, y, h_0)
    analytic = np.concatenate([getattr(ours, name).ravel() for name in NAMES])
    np.testing.assert_allclose(analytic, numeric, atol=2e-5 * max(1.0, np.abs(analytic).max()))


def test_the_states_are_those_of_keras_layer_with_transposed_matrices() -> None:
    network, x, _, _ = problem()
    layer = keras.layers.SimpleRNN(4, return_sequences=True, dtype="float64")
    layer.build((None, None, 3))
    layer.set_weights([network.W_xh.T, network.W_hh.T, network.b_h])
    np.testing.assert_allclose(unroll(network, x).h[1:], layer(x[None])[0], atol=1e-12)


def test_softmax_does_not_overflow() -> None:
    network = RecurrentNetwork(
        np.ones((1, 1)), np.ones((1, 1)), np.zeros(1), np.full((2, 1), 1e4), np.array([0.0, 1e4])
    )
    assert np.isfinite(unroll(network, np.ones((3, 1))).z).all()


def test_clipping_keeps_the_direction_and_leaves_short_gradients_alone() -> None:
    network, x, y, h_0 = problem()
    gradients = backpropagate(network, x, y, h_0)
    theirs, norm = tf.clip_by_global_norm([getattr(gradients, name) for name in NAMES], 0.5)
    for name, part in zip(NAMES, theirs, strict=True):
        np.testing.assert_allclose(getattr(clip_by_norm(gradients, 0.5), name), part, rtol=1e-12)
        np.testing.assert_array_equal(getattr(clip_by_norm(gradients, 2 * float(norm)), name), getattr(gradients, name))


def test_bad_input_is_named() -> None:
    network, x, y, _ = problem()
    with pytest.raises(ValueError, match=r"x must have shape \(any, 3\), got \(9, 2\)"):
        unroll(network, x[:, :2])
    with pytest.raises(ValueError, match="distribution"):
        backpropagate(network, x, 2 * y)
    with pytest.raises(ValueError, match="finite"):
        unroll(network, np.full((2, 3), np.nan))
    with pytest.raises(ValueError, match="W_hh must have shape"):
        RecurrentNetwork(np.ones((4, 3)), np.ones((3, 4)), np.ones(4), np.ones((5, 4)), np.ones(5))
    with pytest.raises(ValueError, match="norm must be above 0"):
        clip_by_norm(backpropagate(network, x, y), 0.0)
