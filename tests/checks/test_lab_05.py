"""The exercises of Lab 05: each holds together, agrees with Keras, and meets mistakes with the right words."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf
from sklearn.metrics import log_loss

from dlcourse.checks import exercises, find_exercise, validate
from dlcourse.checks.judging import draw_cases, judge

NUMBERS = [f"5.{place}" for place in range(1, 9)]


def cases_of(number: str) -> list[tuple]:
    return [case.args for case in draw_cases(find_exercise(number))]


def reference(number: str) -> Callable:
    return find_exercise(number).reference


def test_the_lab_has_eight_exercises() -> None:
    assert [exercise.number for exercise in exercises("05")] == NUMBERS


@pytest.mark.parametrize("number", NUMBERS)
def test_an_exercise_accepts_its_reference_and_rejects_its_mistakes(number: str) -> None:
    assert validate(find_exercise(number)) == []


def test_a_step_and_the_unrolled_cell_are_keras_simple_rnn() -> None:
    for x, h, W_xh, W_hh, b in cases_of("5.1"):
        cell = keras.layers.SimpleRNNCell(len(b), dtype="float64")
        cell.build((None, len(x)))
        cell.set_weights([W_xh, W_hh, b])
        expected, _ = cell(x[None], [keras.ops.convert_to_tensor(h[None])])
        np.testing.assert_allclose(reference("5.1")(x, h, W_xh, W_hh, b), expected[0], atol=1e-12)
    for X, h_0, W_xh, W_hh, b in cases_of("5.2"):
        layer = keras.layers.SimpleRNN(len(b), return_sequences=True, dtype="float64")
        layer.build((None, *X.shape))
        layer.set_weights([W_xh, W_hh, b])
        expected = layer(X[None], initial_state=[keras.ops.convert_to_tensor(h_0[None])])
        np.testing.assert_allclose(reference("5.2")(X, h_0, W_xh, W_hh, b), expected[0], atol=1e-12)


def test_back_propagation_through_time_is_the_tapes_gradient() -> None:
    for (X, h_0, W_xh, W_hh, b), seed in zip(cases_of("5.2"), range(100), strict=False):
        upstream = np.random.default_rng(seed).normal(size=(len(X), len(h_0)))
        matrix = tf.Variable(W_hh)
        with tf.GradientTape() as tape:
            h, loss = tf.constant(h_0[None]), tf.constant(0.0, tf.float64)
            for x, weight in zip(X, upstream, strict=True):
                h = tf.tanh(x[None] @ W_xh + h @ matrix + b)
                loss += tf.reduce_sum(h[0] * weight)
        states = np.vstack([h_0, reference("5.2")(X, h_0, W_xh, W_hh, b)])
        ours = reference("5.3")(states, upstream, W_hh)
        np.testing.assert_allclose(ours, tape.gradient(loss, matrix), atol=1e-10)


def test_clipping_is_tensorflows() -> None:
    for gradients, limit in cases_of("5.4"):
        expected, norm = tf.clip_by_global_norm(gradients, limit)
        clipped = reference("5.4")(gradients, limit)
        for ours, theirs in zip(clipped, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-12)
        assert float(tf.linalg.global_norm(clipped)) <= limit * (1 + 1e-12) or float(norm) <= limit


def test_the_lstm_step_is_keras_lstm_cell() -> None:
    for x, h, C, W, b in cases_of("5.5"):
        units = len(h)
        cell = keras.layers.LSTMCell(units, dtype="float64")
        cell.build((None, len(x)))
        joined = np.concatenate([W[gate] for gate in "ifCo"], axis=1)  # Keras keeps the gates in this order
        cell.set_weights([joined[units:], joined[:units], np.concatenate([b[gate] for gate in "ifCo"])])
        _, (new_h, new_C) = cell(x[None], [keras.ops.convert_to_tensor(h[None]), keras.ops.convert_to_tensor(C[None])])
        ours = reference("5.5")(x, h, C, W, b)
        np.testing.assert_allclose(ours[0], new_h[0], atol=1e-12)
        np.testing.assert_allclose(ours[1], new_C[0], atol=1e-12)


def test_perplexity_is_e_to_sklearns_log_loss() -> None:
    for probabilities, targets in cases_of("5.6"):
        expected = np.exp(log_loss(targets, probabilities, labels=np.arange(probabilities.shape[1])))
        assert reference("5.6")(probabilities, targets) == pytest.approx(expected, rel=1e-9)


def test_a_temperature_is_scipys_softmax_of_scaled_logits() -> None:
    for logits, temperature in cases_of("5.7"):
        expected = scipy.special.softmax(logits / temperature)
        np.testing.assert_allclose(reference("5.7")(logits, temperature), expected, atol=1e-15)


def test_the_last_state_is_what_a_masked_keras_layer_returns() -> None:
    for states, mask in cases_of("5.8"):
        # A cell that hands on its input: its last state is the last input that the mask lets through.
        copying = keras.layers.SimpleRNN(states.shape[2], activation="linear", use_bias=False, dtype="float64")
        copying.build(states.shape)
        copying.set_weights([np.eye(states.shape[2]), np.zeros((states.shape[2],) * 2)])
        np.testing.assert_allclose(reference("5.8")(states, mask), copying(states, mask=tf.constant(mask)), atol=1e-12)


def unroll_with_a_list(X, h_0, W_xh, W_hh, b) -> np.ndarray:
    states = [h_0]
    for x in X:
        states.append(np.tanh(np.concatenate([x, states[-1]]) @ np.vstack([W_xh, W_hh]) + b))
    return np.array(states[1:])


def gradient_forward_in_time(states, upstream, W_hh) -> np.ndarray:
    """Real-time recurrent learning: carries dh/dW along instead of going back."""
    units = len(W_hh)
    carried, gradient = np.zeros((units, units, units)), np.zeros((units, units))
    for before, after, direct in zip(states[:-1], states[1:], upstream, strict=True):
        carried = np.einsum("jab,jk->kab", carried, W_hh)
        for k in range(units):
            carried[k, :, k] += before
        carried = carried * (1 - after**2)[:, None, None]
        gradient += np.einsum("k,kab->ab", direct, carried)
    return gradient


def lstm_with_one_matrix(x, h, C, W, b) -> tuple[np.ndarray, np.ndarray]:
    names = "fioC"
    z = np.r_[h, x] @ np.hstack([W[name] for name in names]) + np.hstack([b[name] for name in names])
    f, i, o, candidate = np.split(z, 4)
    C = scipy.special.expit(f) * C + scipy.special.expit(i) * np.tanh(candidate)
    return scipy.special.expit(o) * np.tanh(C), C


def last_state_by_loop(states, mask) -> np.ndarray:
    result = np.zeros((len(states), states.shape[2]))
    for t in range(states.shape[1]):
        result = np.where(mask[:, t, None], states[:, t], result)
    return result


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("5.2", unroll_with_a_list),
        ("5.3", gradient_forward_in_time),
        ("5.4", lambda gradients, limit: tf.clip_by_global_norm(gradients, limit)[0]),
        ("5.5", lstm_with_one_matrix),
        ("5.6", lambda p, targets: np.prod([row[k] for row, k in zip(p, targets, strict=True)]) ** (-1 / len(targets))),
        ("5.7", lambda logits, temperature: scipy.special.softmax(logits / temperature)),
        ("5.8", last_state_by_loop),
    ],
)
def test_a_right_answer_written_in_another_way_passes(number: str, answer: Callable[..., object]) -> None:
    verdict = judge(find_exercise(number), answer)
    assert verdict.passed, verdict.text


@pytest.mark.parametrize(
    ("number", "answer", "words"),
    [
        ("5.2", lambda X, h_0, W_xh, W_hh, b: unroll_with_a_list(X, h_0, W_xh, W_hh, b)[-1], "all states"),
        ("5.3", lambda s, g, W: gradient_forward_in_time(s, g, W) / len(g), "the sum over the steps"),
        ("5.3", lambda s, g, W: s[:-1].T @ (g * (1 - s[1:] ** 2)), "comes back from the step after it"),
        ("5.4", lambda gradients, limit: [tf.clip_by_norm(g, limit).numpy() for g in gradients], "one norm for all"),
        ("5.5", lambda x, h, C, W, b: lstm_with_one_matrix(x, h, C, W, b)[::-1], "order"),
        ("5.7", lambda logits, temperature: scipy.special.softmax(logits * temperature), "divide by the temperature"),
        ("5.8", lambda states, mask: states[:, -1], "look at the mask"),
    ],
)
def test_a_wrong_answer_gets_the_hint_that_fits(number: str, answer: Callable[..., object], words: str) -> None:
    verdict = judge(find_exercise(number), answer)
    assert verdict.status == "not right"
    assert words in verdict.text
