"""Losses: against Keras, scikit-learn and tf.GradientTape, then properties, then bad input."""

from collections.abc import Callable

import keras
import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.foundations import losses
from dlcourse.foundations.activations import sigmoid, softmax

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(scale=3, size=(40, 4))
LABELS = RNG.integers(4, size=40)
ONE_HOT = np.eye(4)[LABELS]
BITS = RNG.integers(2, size=(40, 4)).astype(float)
VALUES = RNG.normal(size=(40, 4))


def tape_gradient(loss: Callable[[tf.Tensor], tf.Tensor], at: np.ndarray) -> np.ndarray:
    x = tf.constant(at)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = loss(x)
    return tape.gradient(value, x).numpy()


@pytest.mark.parametrize("columns", [slice(0, 1), slice(None), 0])
def test_mean_squared_error_equals_scikit_learn_and_keras(columns: slice | int) -> None:
    y, p = VALUES[:, columns], LOGITS[:, columns]
    ours = losses.mean_squared_error(y, p)
    assert ours == pytest.approx(sklearn.metrics.mean_squared_error(y, p), rel=1e-13)
    rows = (len(y), -1)
    theirs = keras.losses.MeanSquaredError(dtype="float64")(y.reshape(rows), p.reshape(rows))
    assert ours == pytest.approx(float(theirs), rel=1e-13)


@pytest.mark.parametrize("columns", [slice(0, 1), slice(None)])
@pytest.mark.parametrize("from_logits", [False, True])
def test_binary_cross_entropy_equals_keras(columns: slice, from_logits: bool) -> None:
    y, z = BITS[:, columns], LOGITS[:, columns]
    p = z if from_logits else sigmoid(z)
    theirs = keras.losses.BinaryCrossentropy(from_logits=from_logits, dtype="float64")(y, p)
    # From probabilities Keras holds p at 1e-7 or more; no p here is smaller.
    assert losses.binary_cross_entropy(y, p, from_logits=from_logits) == pytest.approx(float(theirs), rel=1e-9)


def test_cross_entropies_equal_scikit_learn_log_loss() -> None:
    y, p = BITS[:, 0], sigmoid(LOGITS[:, 0])
    assert losses.binary_cross_entropy(y, p) == pytest.approx(sklearn.metrics.log_loss(y, p), rel=1e-13)
    p = softmax(LOGITS)
    assert losses.categorical_cross_entropy(LABELS, p) == pytest.approx(sklearn.metrics.log_loss(LABELS, p), rel=1e-13)


@pytest.mark.parametrize("from_logits", [False, True])
def test_categorical_cross_entropy_equals_keras_for_one_hot_rows_and_for_labels(from_logits: bool) -> None:
    p = LOGITS if from_logits else softmax(LOGITS)
    dense = keras.losses.CategoricalCrossentropy(from_logits=from_logits, dtype="float64")(ONE_HOT, p)
    for targets in (ONE_HOT, LABELS, ONE_HOT.astype(int), LABELS.tolist()):
        ours = losses.categorical_cross_entropy(targets, p, from_logits=from_logits)
        assert ours == pytest.approx(float(dense), rel=1e-9)


def test_each_loss_is_the_negative_log_likelihood_that_its_docstring_states() -> None:
    gaussian = -scipy.stats.norm(LOGITS, 1).logpdf(VALUES).mean()
    constant = 0.5 * np.log(2 * np.pi)
    assert losses.mean_squared_error(VALUES, LOGITS) / 2 + constant == pytest.approx(gaussian, rel=1e-13)
    bernoulli = -scipy.stats.bernoulli(sigmoid(LOGITS)).logpmf(BITS).mean()
    assert losses.binary_cross_entropy(BITS, sigmoid(LOGITS)) == pytest.approx(bernoulli, rel=1e-12)
    categorical = -scipy.stats.multinomial(1, softmax(LOGITS)).logpmf(ONE_HOT).mean()
    assert losses.categorical_cross_entropy(ONE_HOT, softmax(LOGITS)) == pytest.approx(categorical, rel=1e-12)


@pytest.mark.parametrize("columns", [slice(0, 1), slice(None), 0])
def test_mean_squared_error_gradient_equals_automatic_differentiation(columns: slice | int) -> None:
    y, p = VALUES[:, columns], LOGITS[:, columns]
    expected = tape_gradient(lambda x: tf.reduce_mean((y - x) ** 2), p)
    np.testing.assert_allclose(losses.mean_squared_error_gradient(y, p), expected, rtol=1e-12)


@pytest.mark.parametrize("columns", [slice(0, 1), slice(None), 0])
def test_binary_gradients_equal_automatic_differentiation(columns: slice | int) -> None:
    y, z = BITS[:, columns], LOGITS[:, columns]
    expected = tape_gradient(lambda x: tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, x)), z)
    gradient = losses.binary_cross_entropy_gradient(y, z, from_logits=True)
    np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-16)
    p = sigmoid(z)
    expected = tape_gradient(lambda x: -tf.reduce_mean(y * tf.math.log(x) + (1 - y) * tf.math.log(1 - x)), p)
    np.testing.assert_allclose(losses.binary_cross_entropy_gradient(y, p), expected, rtol=1e-12)


@pytest.mark.parametrize("targets", [ONE_HOT, LABELS])
def test_categorical_gradients_equal_automatic_differentiation(targets: np.ndarray) -> None:
    expected = tape_gradient(lambda x: tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(ONE_HOT, x)), LOGITS)
    gradient = losses.categorical_cross_entropy_gradient(targets, LOGITS, from_logits=True)
    np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-16)
    p = softmax(LOGITS)
    expected = tape_gradient(lambda x: -tf.reduce_mean(tf.reduce_sum(ONE_HOT * tf.math.log(x), axis=1)), p)
    np.testing.assert_allclose(losses.categorical_cross_entropy_gradient(targets, p), expected, rtol=1e-12)


def test_logits_are_exact_however_confident_the_mistake() -> None:
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert losses.binary_cross_entropy([1.0, 0.0], [-1e3, 1e3], from_logits=True) == 1e3
        assert losses.binary_cross_entropy([1.0, 0.0], [1e3, -1e3], from_logits=True) == 0
        assert losses.binary_cross_entropy_gradient([1.0], [-1e3], from_logits=True).tolist() == [-1]
        assert losses.categorical_cross_entropy([1], [[1e3, -1e3]], from_logits=True) == 2e3
        assert losses.categorical_cross_entropy([0], [[1e3, -1e3]], from_logits=True) == 0
        assert losses.categorical_cross_entropy_gradient([1], [[1e3, -1e3]], from_logits=True).tolist() == [[1, -1]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_of_zero_and_one_cost_minus_log_epsilon_when_wrong_and_nothing_when_right(dtype: type) -> None:
    cost = pytest.approx(-np.log(np.finfo(dtype).eps), rel=1e-6)
    sure = np.array([0.0, 1.0], dtype=dtype)
    with np.errstate(all="raise"):
        assert losses.binary_cross_entropy([1, 0], sure) == cost
        assert losses.binary_cross_entropy([0, 1], sure) == 0
        assert losses.categorical_cross_entropy([0], sure[None]) == cost
        assert losses.categorical_cross_entropy([1], sure[None]) == 0
        binary = losses.binary_cross_entropy_gradient([1, 0], sure)
        categorical = losses.categorical_cross_entropy_gradient([0], sure[None])
    assert np.isfinite(binary).all()
    assert binary[0] < 0 < binary[1]
    assert np.isfinite(categorical).all()
    assert categorical[0, 0] < 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_keep_the_dtype_of_the_predictions_and_losses_are_floats(dtype: type) -> None:
    z, p = LOGITS.astype(dtype), softmax(LOGITS.astype(dtype))
    assert losses.mean_squared_error_gradient(VALUES, z).dtype == dtype
    assert losses.binary_cross_entropy_gradient(BITS, z, from_logits=True).dtype == dtype
    assert losses.binary_cross_entropy_gradient(BITS, p).dtype == dtype
    assert losses.categorical_cross_entropy_gradient(LABELS, p).dtype == dtype
    assert losses.categorical_cross_entropy_gradient(LABELS, z, from_logits=True).dtype == dtype
    for value in (
        losses.mean_squared_error(VALUES, z),
        losses.binary_cross_entropy(BITS, p),
        losses.categorical_cross_entropy(LABELS, p),
    ):
        assert type(value) is float


@settings(deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=5), st.data())
def test_losses_are_never_negative_and_their_logit_gradients_sum_to_zero(z: list[float], data: st.DataObject) -> None:
    label = data.draw(st.integers(0, len(z) - 1))
    assert losses.categorical_cross_entropy([label], [z], from_logits=True) >= 0
    gradient = losses.categorical_cross_entropy_gradient([label], [z], from_logits=True)
    assert gradient.sum() == pytest.approx(0, abs=1e-12)
    assert losses.binary_cross_entropy([1.0] * len(z), z, from_logits=True) >= 0


LOSSES = [losses.mean_squared_error, losses.binary_cross_entropy, losses.categorical_cross_entropy]
BOTH = [*LOSSES, losses.mean_squared_error_gradient, losses.binary_cross_entropy_gradient]
BOTH.append(losses.categorical_cross_entropy_gradient)


@pytest.mark.parametrize("loss", BOTH)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_refused_with_its_place(loss: Callable, bad: float) -> None:
    p = np.full((3, 2), 0.5)
    p[1, 0] = bad
    with pytest.raises(ValueError, match=r"predictions must be finite; got (nan|inf) at index \(1, 0\)"):
        loss([[0.0, 1.0]] * 3, p)
    with pytest.raises(ValueError, match="targets must be finite"):
        loss(p, np.full((3, 2), 0.5))


@pytest.mark.parametrize("loss", BOTH[:2] + BOTH[3:5])
def test_a_column_beside_a_vector_is_refused_and_not_broadcast(loss: Callable) -> None:
    with pytest.raises(ValueError, match=r"same shape.*got \(3,\) and \(3, 1\)"):
        loss(np.ones(3), np.ones((3, 1)))


@pytest.mark.parametrize("loss", BOTH)
def test_an_empty_batch_is_refused(loss: Callable) -> None:
    with pytest.raises(ValueError, match="predictions is empty"):
        loss(np.zeros((0, 2)), np.zeros((0, 2)))


def test_values_out_of_range_are_refused_with_the_likely_fix() -> None:
    with pytest.raises(ValueError, match=r"predictions must lie in \[0, 1\].*from_logits=True"):
        losses.binary_cross_entropy([1.0], [1.5])
    with pytest.raises(ValueError, match=r"targets must lie in \[0, 1\]; got values from -1 to 1"):
        losses.binary_cross_entropy([-1.0, 1.0], [0.5, 0.5])
    with pytest.raises(ValueError, match="each row of predictions must sum to 1; row 1 sums to 0.8.*softmax"):
        losses.categorical_cross_entropy([0, 1], [[0.5, 0.5], [0.4, 0.4]])
    with pytest.raises(ValueError, match="each row of targets must sum to 1"):
        losses.categorical_cross_entropy([[1.0, 1.0]], [[0.5, 0.5]])


def test_labels_that_do_not_fit_are_refused() -> None:
    p = [[0.5, 0.5]] * 3
    with pytest.raises(ValueError, match=r"labels must lie in 0 \.\.\. 1.*got labels from 1 to 3"):
        losses.categorical_cross_entropy([1, 2, 3], p)
    with pytest.raises(TypeError, match=r"class labels must be integers; got dtype float64"):
        losses.categorical_cross_entropy([0.0, 1.0, 1.0], p)
    with pytest.raises(ValueError, match="got 2 labels for 3 rows"):
        losses.categorical_cross_entropy([0, 1], p)
    with pytest.raises(ValueError, match=r"predictions must have shape \(n, k\)"):
        losses.categorical_cross_entropy([0], [0.5])
    with pytest.raises(TypeError, match="targets must hold real numbers"):
        losses.mean_squared_error(["a"], [0.5])
