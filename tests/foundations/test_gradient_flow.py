"""The gradient in every layer of a fresh network: against TensorFlow's tape, and against what theory says of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.foundations.gradient_flow import gradient_flow
from dlcourse.foundations.initializers import get_initializer


def task(samples: int = 200, inputs: int = 64, outputs: int = 10) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(samples, inputs)), np.eye(outputs)[rng.integers(outputs, size=samples)]


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "swish"])
@pytest.mark.parametrize("initializer", ["normal", "glorot_uniform", "he_normal"])
def test_norms_are_those_of_gradient_tape(activation: str, initializer: str) -> None:
    tf = pytest.importorskip("tensorflow")
    x, t = task(samples=20, inputs=5, outputs=3)
    flow = gradient_flow(x, t, activation, initializer, depth=4, width=6, repeats=1, seed=3)

    rng, draw = np.random.default_rng(3), get_initializer(initializer)
    weights = [tf.Variable(draw(shape, rng)) for shape in ((5, 6), (6, 6), (6, 6), (6, 3))]
    with tf.GradientTape() as tape:
        a = tf.constant(x)
        for weight in weights[:-1]:
            a = getattr(tf.nn, activation)(a @ weight)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(t, a @ weights[-1]))
    expected = [np.linalg.norm(gradient) for gradient in tape.gradient(loss, weights)]
    np.testing.assert_allclose(flow.gradient_norms, expected, rtol=1e-9)


def test_sigmoid_loses_the_gradient_by_a_factor_of_ten_thousand_whatever_the_initialisation() -> None:
    """Its slope is 1/4 at most, so nine hidden layers cost 4^9 = 262,000 unless the weights are large."""
    x, t = task()
    for initializer in ("normal", "glorot_normal", "he_normal"):
        assert gradient_flow(x, t, "sigmoid", initializer).last_to_first > 1e4


@pytest.mark.parametrize(
    ("activation", "initializer"), [("tanh", "glorot_normal"), ("relu", "he_normal"), ("swish", "he_normal")]
)
def test_the_matching_initialisation_keeps_the_gradient_within_a_factor_of_five(
    activation: str, initializer: str
) -> None:
    x, t = task()
    norms = gradient_flow(x, t, activation, initializer).gradient_norms
    assert norms.max() / norms.min() < 5
    assert norms.min() > 0.05


def test_he_keeps_the_spread_of_relu_units_from_layer_to_layer() -> None:
    """Fed with a mean square of 1, weights of variance 2 / fan_in give sums of variance 2.

    ReLU halves their mean square, back to 1, and leaves a mean of sqrt(2) / sqrt(2 pi): the spread is
    sqrt(1 - 1 / pi) = 0.83 in every layer, up to what 400 units leave to chance.
    """
    x, t = task()
    spreads = gradient_flow(x, t, "relu", "he_normal", depth=6, width=400).activation_spreads[1:]
    np.testing.assert_allclose(spreads, np.sqrt(1 - 1 / np.pi), rtol=0.2)


@settings(max_examples=15, deadline=None)
@given(depth=st.integers(1, 5), width=st.integers(1, 8), seed=st.integers(0, 99))
def test_one_figure_a_layer_and_the_same_for_the_same_seed(depth: int, width: int, seed: int) -> None:
    x, t = task(samples=8, inputs=3, outputs=2)
    flow = gradient_flow(x, t, "tanh", "glorot_normal", depth, width, 2, seed)
    again = gradient_flow(x, t, "tanh", "glorot_normal", depth, width, 2, seed)
    assert flow.gradient_norms.shape == flow.activation_spreads.shape == (depth,)
    assert flow.activation_spreads[0] == pytest.approx(x.std())
    np.testing.assert_array_equal(flow.gradient_norms, again.gradient_norms)


def test_bad_input_is_named() -> None:
    x, t = task(samples=4)
    with pytest.raises(ValueError, match="one row a sample"):
        gradient_flow(x, t[:3], "relu", "he_normal")
    with pytest.raises(ValueError, match="relu"):
        gradient_flow(x, t, "rellu", "he_normal")
    with pytest.raises(ValueError, match="he_normal"):
        gradient_flow(x, t, "relu", "he")
    with pytest.raises(ValueError, match="depth"):
        gradient_flow(x, t, "relu", "he_normal", depth=0)
    with pytest.raises(TypeError, match="width"):
        gradient_flow(x, t, "relu", "he_normal", width=2.5)
