"""The feed-forward network against TensorFlow's tape, scikit-learn's metrics and the slides' own loops."""

import copy
import math
import pickle

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from sklearn import metrics

from dlcourse.foundations.initializers import glorot_uniform
from dlcourse.foundations.network import FeedForwardNetwork

ACTIVATIONS = ("relu", "sigmoid", "tanh", "swish", "linear")
SQUARED = ("mean_squared_error", "sum_of_squares")
HEADS = (
    ("softmax", "cross_entropy"),
    ("sigmoid", "cross_entropy"),
    *((output, loss) for output in ("linear", "sigmoid", "softmax", "tanh", "swish") for loss in SQUARED),
)
TF_ACTIVATIONS = {
    "relu": tf.nn.relu,
    "sigmoid": tf.sigmoid,
    "tanh": tf.tanh,
    "swish": tf.nn.silu,
    "linear": tf.identity,
    "softmax": tf.nn.softmax,
}


def make_network(sizes=(3, 4, 2), seed=0, **settings_):
    network = FeedForwardNetwork(sizes, **settings_)
    rng = np.random.default_rng(seed)
    network.initialize(glorot_uniform, rng)
    for b in network.biases:
        b[...] = rng.normal(0, 0.5, b.shape)
    return network


def make_data(network, n, seed=1):
    rng = np.random.default_rng(seed)
    dtype = network.parameters.dtype
    x = rng.normal(size=(n, network.layer_sizes[0])).astype(dtype)
    outputs = network.layer_sizes[-1]
    if network.output_name == "softmax":
        return x, np.eye(outputs, dtype=dtype)[rng.integers(outputs, size=n)]
    if network.output_name == "sigmoid":
        return x, rng.integers(2, size=(n, outputs)).astype(dtype)
    return x, rng.normal(size=(n, outputs)).astype(dtype)


def loss_and_gradients_by_tape(network, x, t):
    weights = [tf.Variable(W) for W in network.weights]
    biases = [tf.Variable(b) for b in network.biases]
    with tf.GradientTape() as tape:
        a = tf.constant(x)
        for layer, (W, b) in enumerate(zip(weights, biases, strict=True)):
            h = a @ W + b
            name = network.output_name if layer == len(weights) - 1 else network.activation.name
            a = TF_ACTIVATIONS[name](h)
        if network.loss_name == "cross_entropy" and network.output_name == "softmax":
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(t, h))
        elif network.loss_name == "cross_entropy":
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(t, h))
        elif network.loss_name == "mean_squared_error":
            loss = tf.reduce_mean(tf.square(a - t))
        else:
            loss = tf.reduce_mean(tf.reduce_sum(tf.square(a - t), axis=1)) / 2
        loss += network.l2 * tf.add_n([tf.nn.l2_loss(W) for W in weights])
    gradients = tape.gradient(loss, weights + biases)
    return float(loss), list(zip(gradients[: len(weights)], gradients[len(weights) :], strict=True))


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=2, max_size=5),
    activation=st.sampled_from(ACTIVATIONS),
    head=st.sampled_from(HEADS),
    l2=st.sampled_from([0.0, 0.1]),
    n=st.integers(1, 9),
    seed=st.integers(0, 2**16),
)
def test_loss_and_gradients_equal_those_of_gradient_tape(sizes, activation, head, l2, n, seed):
    network = make_network(sizes, seed, activation=activation, output_activation=head[0], loss=head[1], l2=l2)
    x, t = make_data(network, n, seed)
    expected_loss, expected = loss_and_gradients_by_tape(network, x, t)
    assert network.loss(network.forward(x), t) == pytest.approx(expected_loss, rel=1e-10, abs=1e-12)
    for (dW, db), (tape_dW, tape_db) in zip(network.gradients(x, t), expected, strict=True):
        np.testing.assert_allclose(dW, tape_dW, rtol=1e-8, atol=1e-13)
        np.testing.assert_allclose(db, tape_db, rtol=1e-8, atol=1e-13)


def test_one_sequential_update_is_equations_4_4_to_4_11_of_the_slides():
    network = make_network(
        (3, 4, 2), activation="sigmoid", output_activation="sigmoid", loss="sum_of_squares", dtype=np.float64
    )
    (x,), (t,) = make_data(network, 1)
    eta = 0.25
    # The slides' own notation, one scalar at a time; the bias is input 0, which is always 1.
    v = np.vstack([network.biases[0], network.weights[0]])
    w = np.vstack([network.biases[1], network.weights[1]])
    x_with_bias = [1.0, *x]
    a = [1.0] + [1 / (1 + math.exp(-sum(x_with_bias[i] * v[i][zeta] for i in range(4)))) for zeta in range(4)]
    y = [1 / (1 + math.exp(-sum(a[j] * w[j][kappa] for j in range(5)))) for kappa in range(2)]
    delta_o = [(y[kappa] - t[kappa]) * y[kappa] * (1 - y[kappa]) for kappa in range(2)]
    delta_h = [a[zeta] * (1 - a[zeta]) * sum(w[zeta][k] * delta_o[k] for k in range(2)) for zeta in range(1, 5)]
    for zeta in range(5):
        for kappa in range(2):
            w[zeta][kappa] -= eta * delta_o[kappa] * a[zeta]
    for iota in range(4):
        for zeta in range(4):
            v[iota][zeta] -= eta * delta_h[zeta] * x_with_bias[iota]

    phase = network.forward(x[np.newaxis])
    network.backward(phase, t[np.newaxis])
    network.parameters -= eta * network.gradient

    np.testing.assert_allclose(phase.outputs[0], y, rtol=1e-14)
    np.testing.assert_allclose(np.vstack([network.biases[0], network.weights[0]]), v, rtol=1e-13)
    np.testing.assert_allclose(np.vstack([network.biases[1], network.weights[1]]), w, rtol=1e-13)


def test_cross_entropy_is_sklearns_log_loss():
    for sizes, output in (((3, 5, 4), "softmax"), ((3, 5, 1), "sigmoid")):
        network = make_network(sizes, output_activation=output, loss="cross_entropy")
        x, t = make_data(network, 20)
        phase = network.forward(x)
        expected = metrics.log_loss(t if output == "softmax" else t[:, 0], phase.outputs, labels=None)
        assert network.loss(phase, t) == pytest.approx(expected, rel=1e-12)


def test_squared_losses_are_sklearns_mean_squared_error():
    network = make_network((3, 5, 4))
    x, t = make_data(network, 20)
    phase = network.forward(x)
    assert network.loss(phase, t) == pytest.approx(metrics.mean_squared_error(t, phase.outputs), rel=1e-12)
    network.loss_name = "sum_of_squares"
    # Half the squared distance between the answer and the target, as (4.8) has it: half of the 4 outputs' sum.
    assert network.loss(phase, t) == pytest.approx(2 * metrics.mean_squared_error(t, phase.outputs), rel=1e-12)


def test_gradient_with_dropout_is_that_of_the_thinned_network():
    network = make_network((3, 6, 5, 2), activation="tanh", dropout=0.4, l2=0.01)
    x, t = make_data(network, 7)

    def loss(parameters):
        network.parameters[:] = parameters
        return network.loss(network.forward(x, np.random.default_rng(3)), t)

    start = network.parameters.copy()
    expected = approx_fprime(start, loss, 1e-7)
    network.parameters[:] = start
    phase = network.forward(x, np.random.default_rng(3))
    network.backward(phase, t)
    assert all((mask == 0).any() and (mask > 0).any() for mask in phase.masks)
    np.testing.assert_allclose(network.gradient, expected, rtol=1e-4, atol=1e-6)


def test_dropout_keeps_the_expected_activation_and_is_off_without_a_generator():
    network = make_network((4, 50, 1), activation="sigmoid", dropout=0.3)
    x, _ = make_data(network, 1)
    plain = network.forward(x)
    assert plain.masks == []
    repeated = np.repeat(x, 20_000, axis=0)
    dropped = network.forward(repeated, np.random.default_rng(0)).a[1]
    assert np.mean(dropped == 0) == pytest.approx(0.3, abs=0.005)
    # Standard error of a mean over 20,000 draws: at most 0.7 % of the activation; five of them.
    np.testing.assert_allclose(dropped.mean(axis=0), plain.a[1][0], rtol=0.025)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("head", HEADS)
def test_float32_stays_float32_from_input_to_gradient(activation, head):
    network = make_network(
        activation=activation, output_activation=head[0], loss=head[1], l2=0.1, dropout=0.5, dtype=np.float32
    )
    x, t = make_data(network, 5)
    phase = network.forward(x, np.random.default_rng(0))
    network.backward(phase, t)
    arrays = [*phase.h, *phase.a, *phase.masks, network.output_error(phase, t), network.gradient, *network.weights]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


def test_backward_leaves_inputs_targets_and_parameters_alone():
    network = make_network(output_activation="sigmoid", loss="cross_entropy", l2=0.1, dropout=0.5)
    x, t = make_data(network, 5)
    before = [array.copy() for array in (x, t, network.parameters)]
    network.backward(network.forward(x, np.random.default_rng(0)), t)
    for array, old in zip((x, t, network.parameters), before, strict=True):
        np.testing.assert_array_equal(array, old)


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))])
def test_weights_stay_views_of_the_parameters_in_a_copy(clone):
    network = clone(make_network())
    network.parameters[:] = np.arange(network.parameters.size)
    np.testing.assert_array_equal(network.weights[0].ravel(), np.arange(12))
    np.testing.assert_array_equal(network.biases[1], network.parameters[-2:])
    x, t = make_data(network, 3)
    network.backward(network.forward(x), t)
    np.testing.assert_array_equal(network.weight_gradients[0].ravel(), network.gradient[:12])


def test_loss_is_nan_once_the_weighted_sums_overflow():
    network = make_network(output_activation="softmax", loss="cross_entropy")
    x, t = make_data(network, 3)
    network.parameters[:] = np.nan
    assert math.isnan(network.loss(network.forward(x), t))


@pytest.mark.parametrize(
    ("settings_", "error", "message"),
    [
        ({"layer_sizes": (3,)}, ValueError, "inputs and the outputs"),
        ({"layer_sizes": (3, 0, 1)}, ValueError, "at least 1, got 0"),
        ({"layer_sizes": (3, 2.5, 1)}, TypeError, "must be an integer, got 2.5"),
        ({"activation": "rleu"}, ValueError, "relu"),
        ({"output_activation": "sofmax"}, ValueError, "softmax"),
        ({"loss": "crossentropy", "output_activation": "softmax"}, ValueError, "cross_entropy"),
        ({"loss": "cross_entropy"}, ValueError, "Take 'sigmoid' or 'softmax'"),
        ({"dropout": 1.0}, ValueError, r"dropout must lie in \[0, 1\), got 1.0"),
        ({"l2": -0.1}, ValueError, "l2 must lie in"),
        ({"l2": "0.1"}, TypeError, "l2 must be a number"),
    ],
)
def test_bad_settings_are_refused_with_the_fix(settings_, error, message):
    with pytest.raises(error, match=message):
        FeedForwardNetwork(**{"layer_sizes": (3, 2), **settings_})


def test_arrays_that_do_not_fit_are_refused_before_they_broadcast():
    network = make_network((3, 4, 2))
    x, t = make_data(network, 5)
    for wrong in (x[:, :2], x[0], x.astype(np.float32)):
        with pytest.raises(ValueError, match=r"x must have shape \(n, 3\) and dtype float64"):
            network.forward(wrong)
    for wrong in (t[:, :1], t[:, 0], t[:1]):
        with pytest.raises(ValueError, match=r"shape of the outputs, \(5, 2\)"):
            network.backward(network.forward(x), wrong)


def test_softmax_is_refused_inside_the_network():
    with pytest.raises(ValueError, match="softmax"):
        FeedForwardNetwork((3, 4, 2), activation="softmax")
