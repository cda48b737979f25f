"""Recurrent cells: against Keras's own, forward and gradient; then initial states, saving and bad input."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlcourse.sequences.initial_states import InitialState
from dlcourse.sequences.recurrent import LSTMCell, SimpleRNNCell, gates_over_time

PAIRS = {
    "simple": (SimpleRNNCell, keras.layers.SimpleRNNCell),
    "lstm": (LSTMCell, keras.layers.LSTMCell),
}
X = np.random.default_rng(0).standard_normal((3, 12, 4)).astype("float32")


def twins(pair: str, dtype: str = "float32") -> tuple[keras.layers.RNN, keras.layers.RNN]:
    ours, theirs = (keras.layers.RNN(cell(5, dtype=dtype), return_sequences=True, dtype=dtype) for cell in PAIRS[pair])
    for layer in (ours, theirs):
        layer.build((None, None, 4))
    rng = np.random.default_rng(1)
    # Random weights everywhere, biases as well: a bias of zeros would hide a gate in the wrong place.
    ours.set_weights([0.7 * rng.standard_normal(weight.shape) for weight in ours.get_weights()])
    theirs.set_weights(ours.get_weights())
    return ours, theirs


def outputs_and_gradients(layer: keras.layers.RNN, x: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = layer(x)
        loss = tf.reduce_sum(outputs * tf.cast(tf.reshape(tf.range(tf.size(outputs)), outputs.shape), x.dtype)) / 100
    gradients = tape.gradient(loss, [x, *[weight.value for weight in layer.trainable_weights]])
    return outputs.numpy(), [gradient.numpy() for gradient in gradients]


@pytest.mark.parametrize("pair", PAIRS)
def test_with_the_same_weights_a_cell_is_keras_own(pair: str) -> None:
    ours, theirs = (outputs_and_gradients(layer, X.astype("float64")) for layer in twins(pair, "float64"))
    np.testing.assert_allclose(ours[0], theirs[0], atol=1e-12)
    for mine, other in zip(ours[1], theirs[1], strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-10)


@pytest.mark.parametrize("pair", PAIRS)
def test_in_float32_too_to_1e_6(pair: str) -> None:
    ours, theirs = (outputs_and_gradients(layer, X) for layer in twins(pair))
    np.testing.assert_allclose(ours[0], theirs[0], atol=1e-6)
    for mine, other in zip(ours[1], theirs[1], strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6 * np.abs(other).max())


@pytest.mark.parametrize("pair", PAIRS)
def test_fresh_weights_have_keras_order_shapes_and_forget_bias(pair: str) -> None:
    ours, theirs = (keras.layers.RNN(cell(5)) for cell in PAIRS[pair])
    ours.build((None, None, 4))
    theirs.build((None, None, 4))
    for mine, other in zip(ours.weights, theirs.weights, strict=True):
        assert (mine.name, mine.shape) == (other.name, other.shape)
    np.testing.assert_array_equal(ours.weights[-1], theirs.weights[-1])


def test_the_forget_bias_goes_to_the_forget_gate_alone() -> None:
    cell = LSTMCell(2, forget_bias=3.0)
    cell.build((None, 1))
    np.testing.assert_array_equal(cell.bias, [0, 0, 3, 3, 0, 0, 0, 0])


@pytest.mark.parametrize("pair", PAIRS)
def test_masked_steps_leave_the_state_alone(pair: str) -> None:
    layer, _ = twins(pair)
    mask = np.arange(12)[None] < np.array([[12], [7], [1]])
    masked = layer(X, mask=tf.constant(mask)).numpy()
    for row, length in enumerate(mask.sum(axis=1)):
        np.testing.assert_allclose(masked[row, -1], layer(X[row : row + 1, :length]).numpy()[0, -1], atol=1e-6)


@pytest.mark.parametrize("kind", ["zeros", "sampled", "learned"])
@pytest.mark.parametrize("pair", PAIRS)
def test_a_model_with_any_initial_state_survives_saving(pair: str, kind: str, tmp_path: Path) -> None:
    model = keras.Sequential(
        [keras.Input((None, 4)), keras.layers.RNN(InitialState(PAIRS[pair][0](5), kind, seed=3)), keras.layers.Dense(1)]
    )
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for mine, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
    if kind != "sampled":
        np.testing.assert_allclose(model(X), again(X), atol=1e-6)


def test_a_learned_state_is_what_keras_computes_from_that_initial_state_and_gets_its_gradient() -> None:
    wrapped = keras.layers.RNN(InitialState(LSTMCell(5), "learned"))
    wrapped.build((None, None, 4))
    start = [np.full(5, 0.3, "float32"), np.linspace(-1, 1, 5, dtype="float32")]
    for variable, value in zip(wrapped.cell.initial_states, start, strict=True):
        variable.assign(value)
    plain = keras.layers.LSTM(5)
    plain.build((None, None, 4))
    plain.set_weights(wrapped.cell.cell.get_weights())
    begun = [tf.constant(np.tile(value, (3, 1))) for value in start]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(begun)
        ours, theirs = tf.reduce_sum(wrapped(X) ** 2), tf.reduce_sum(plain(X, initial_state=begun) ** 2)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    mine = tape.gradient(ours, [variable.value for variable in wrapped.cell.initial_states])
    for gradient, other in zip(mine, tape.gradient(theirs, begun), strict=True):
        np.testing.assert_allclose(gradient, tf.reduce_sum(other, axis=0), rtol=1e-4, atol=1e-6)


def test_sampled_states_differ_by_sequence_and_have_the_stated_spread() -> None:
    cell = InitialState(SimpleRNNCell(50), "sampled", stddev=0.5, seed=0)
    first, second = cell.get_initial_state(400)[0].numpy(), cell.get_initial_state(400)[0].numpy()
    assert abs(first.std() - 0.5) < 0.01 and abs(first.mean()) < 0.01
    assert np.abs(first[0] - first[1]).max() > 0.1 and np.abs(first - second).max() > 0.1


def test_the_gates_watched_are_those_that_lead_to_keras_output() -> None:
    layer = keras.layers.LSTM(5, return_sequences=True)
    layer.build((None, None, 4))
    layer.set_weights([np.random.default_rng(2).standard_normal(weight.shape) for weight in layer.get_weights()])
    step = gates_over_time(layer, X[0])
    np.testing.assert_allclose(step.hidden, layer(X[:1])[0], atol=1e-5)
    before = np.vstack([np.zeros(5), step.memory[:-1]])
    np.testing.assert_allclose(step.memory, step.forget * before + step.input * step.candidate, atol=1e-12)
    twin = LSTMCell(5)
    twin.build((None, 4))
    twin.set_weights(layer.get_weights())
    one = twin.gates(X[0, :1], np.zeros((1, 5), "float32"), np.zeros((1, 5), "float32"))
    for mine, other in zip(one, step, strict=True):
        np.testing.assert_allclose(mine[0], other[0], atol=1e-5)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="units must be at least 1, got 0"):
        LSTMCell(0)
    with pytest.raises(TypeError, match="units must be an integer"):
        SimpleRNNCell(2.5)
    with pytest.raises(ValueError, match="forget_bias must be finite"):
        LSTMCell(2, forget_bias=np.inf)
    with pytest.raises(ValueError, match="Did you mean 'learned'"):
        InitialState(LSTMCell(2), "learnt")
    with pytest.raises(TypeError, match="single step"):
        InitialState(keras.layers.LSTM(2))
    with pytest.raises(TypeError, match="recurrent cell"):
        InitialState(keras.layers.Dense(2))
    with pytest.raises(TypeError, match="must be an LSTM"):
        gates_over_time(keras.layers.GRU(2), np.zeros((3, 1)))
    with pytest.raises(ValueError, match="no weights yet"):
        gates_over_time(keras.layers.LSTM(2), np.zeros((3, 1)))
