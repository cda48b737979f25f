"""The exercises of Lab 03: they hold together, Keras and scikit-learn agree with them, mistakes get the right words."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.checks import exercises, find_exercise, validate
from dlcourse.checks.judging import judge
from dlcourse.checks.lab_03_counting import accuracy, confusion_matrix, one_hot, parameter_count
from dlcourse.checks.lab_03_remedies import batch_normalize, dropout, l2_penalty
from dlcourse.checks.lab_03_training import cosine_rate, early_stopping

keras = pytest.importorskip("keras")

NUMBERS = [f"3.{place}" for place in range(1, 10)]


def test_the_lab_has_nine_exercises() -> None:
    assert [exercise.number for exercise in exercises("03")] == NUMBERS


@pytest.mark.parametrize("number", NUMBERS)
def test_an_exercise_accepts_its_reference_and_rejects_its_mistakes(number: str) -> None:
    assert validate(find_exercise(number)) == []


@pytest.mark.parametrize("units", [[3, 1], [64, 32, 10], [5, 7, 7, 2]])
def test_parameter_count_is_what_keras_counts(units: list[int]) -> None:
    layers = [keras.layers.Input((units[0],)), *(keras.layers.Dense(width) for width in units[1:])]
    assert parameter_count(units) == keras.Sequential(layers).count_params()


def test_one_hot_is_keras_to_categorical() -> None:
    labels = np.array([3, 0, 2, 2])
    np.testing.assert_array_equal(one_hot(labels, 5), keras.utils.to_categorical(labels, 5))


def test_accuracy_is_keras_sparse_categorical_accuracy() -> None:
    rng = np.random.default_rng(0)
    probabilities, labels = rng.dirichlet(np.ones(4), size=200), rng.integers(4, size=200)
    metric = keras.metrics.SparseCategoricalAccuracy()
    metric.update_state(labels, probabilities)
    assert accuracy(probabilities, labels) == pytest.approx(float(metric.result()), abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_confusion_matrix_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    from sklearn.metrics import confusion_matrix as oracle

    labels, predictions = np.array(pairs).T
    expected = oracle(labels, predictions, labels=range(4))
    np.testing.assert_array_equal(confusion_matrix(labels, predictions, 4), expected)


class _Model:
    """What the callback needs of a model: its weights, and a flag to stop training."""

    def __init__(self) -> None:
        self.stop_training = False
        self.epoch = 0

    def get_weights(self) -> int:
        return self.epoch

    def set_weights(self, epoch: int) -> None:
        self.epoch = epoch


@settings(deadline=None)
@given(st.lists(st.integers(0, 9).map(float), min_size=1, max_size=25), st.integers(1, 5))
def test_early_stopping_ends_where_keras_callback_does(losses: list[float], patience: int) -> None:
    model = _Model()
    callback = keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True, mode="min")
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, loss in enumerate(losses, start=1):
        model.epoch = epoch
        callback.on_epoch_end(epoch - 1, {"val_loss": loss})
        if model.stop_training:
            break
    callback.on_train_end()
    # Both ends matter: the epoch at which the run ended, and the one whose weights came back.
    assert early_stopping(losses, patience) == (epoch, model.epoch)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 60), st.integers(1, 40), st.floats(0.01, 1.0), st.floats(0.0, 0.01))
def test_cosine_rate_is_keras_cosine_decay(step: int, steps: int, highest: float, lowest: float) -> None:
    schedule = keras.optimizers.schedules.CosineDecay(highest, steps, alpha=lowest / highest)
    assert cosine_rate(step, steps, highest, lowest) == pytest.approx(float(schedule(step)), rel=1e-4, abs=1e-6)


def test_dropout_has_the_values_and_the_mean_of_keras_layer() -> None:
    ones = np.ones((200, 100))
    ours = dropout(ones, np.random.default_rng(0).random(ones.shape), 0.25)
    theirs = np.asarray(keras.layers.Dropout(0.25, seed=0)(ones, training=True))
    np.testing.assert_allclose(np.unique(ours), np.unique(theirs), rtol=1e-6)
    # 20,000 draws of variance 1/3: four standard deviations of the mean are 0.016.
    assert ours.mean() == pytest.approx(1, abs=0.02)


def test_batch_normalize_is_keras_layer_in_training() -> None:
    rng = np.random.default_rng(0)
    x, gamma, beta = rng.normal(3, 2, size=(9, 4)), rng.normal(size=4), rng.normal(size=4)
    layer = keras.layers.BatchNormalization()
    layer.build(x.shape)
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    theirs = np.asarray(layer(x.astype("float32"), training=True))
    np.testing.assert_allclose(batch_normalize(x, gamma, beta, epsilon=1e-3), theirs, atol=1e-5)


def test_l2_penalty_is_keras_regularizer_and_its_gradient_the_finite_difference() -> None:
    weights = np.random.default_rng(0).normal(size=(3, 4))
    penalty, gradient = l2_penalty(weights, 0.05)
    assert penalty == pytest.approx(float(keras.regularizers.L2(0.05)(weights.astype("float32"))), rel=1e-5)
    for index in np.ndindex(weights.shape):
        step = np.zeros_like(weights)
        step[index] = 1e-5
        slope = (l2_penalty(weights + step, 0.05)[0] - l2_penalty(weights - step, 0.05)[0]) / 2e-5
        assert gradient[index] == pytest.approx(slope, abs=1e-8)


def confusion_in_a_loop(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    counts = np.zeros((classes, classes))
    for truth, answer in zip(labels, predictions, strict=True):
        counts[truth, answer] += 1
    return counts


def stop_with_a_counter(losses: list[float], patience: int) -> list[int]:
    best, best_epoch, waited = np.inf, 0, 0
    for epoch, loss in enumerate(losses):
        waited += 1
        if loss < best:
            best, best_epoch, waited = loss, epoch, 0
        if waited == patience:
            break
    return [epoch + 1, best_epoch + 1]


def batch_normalize_in_keras(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, epsilon: float) -> object:
    x = keras.ops.convert_to_tensor(x, "float64")
    mean, variance = keras.ops.moments(x, axes=[0])
    return gamma * (x - mean) / keras.ops.sqrt(variance + epsilon) + beta


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("3.2", lambda labels, classes: (labels[:, np.newaxis] == np.arange(classes)).astype("float32")),
        ("3.2", lambda labels, classes: keras.utils.to_categorical(labels, classes)),
        ("3.4", confusion_in_a_loop),
        ("3.5", stop_with_a_counter),
        ("3.7", lambda activations, uniform, rate: activations * (uniform >= rate) / (1 - rate)),
        ("3.8", batch_normalize_in_keras),
    ],
)
def test_a_right_answer_written_in_another_way_passes(number: str, answer: Callable[..., object]) -> None:
    verdict = judge(find_exercise(number), answer)
    assert verdict.passed, verdict.text


@pytest.mark.parametrize(
    ("number", "answer", "words"),
    [
        ("3.1", lambda units: sum(a * b for a, b in itertools.pairwise(units)), "biases are missing"),
        ("3.2", lambda labels, classes: np.eye(classes)[labels].T, "transposed"),
        ("3.3", lambda probabilities, labels: np.sum(probabilities.argmax(1) == labels), "divide by the number"),
        ("3.5", lambda losses, patience: (len(losses), 1 + int(np.argmin(losses))), "patience"),
        ("3.7", lambda activations, uniform, rate: activations * (uniform > rate), "must grow"),
        ("3.8", lambda x, g, b, e: g * (x - x.mean(0)) / np.sqrt(x.var(0, ddof=min(1, len(x) - 1)) + e) + b, "by n"),
        ("3.9", lambda weights, strength: (strength * np.sum(weights**2) / 2, strength * weights), "Lab 02"),
    ],
)
def test_a_wrong_answer_gets_the_hint_that_fits(number: str, answer: Callable[..., object], words: str) -> None:
    verdict = judge(find_exercise(number), answer)
    assert verdict.status == "not right"
    assert words in verdict.text
