"""The exercises of Lab 04: each holds together, agrees with TensorFlow, and meets mistakes with the right words."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import r2_score, roc_auc_score

from dlcourse.approximation.search import draw_settings
from dlcourse.checks import exercises, find_exercise, validate
from dlcourse.checks.judging import draw_cases, judge

NUMBERS = [f"4.{place}" for place in range(1, 10)]


def cases_of(number: str) -> list[tuple]:
    return [case.args for case in draw_cases(find_exercise(number))]


def reference(number: str) -> Callable:
    return find_exercise(number).reference


def test_the_lab_has_nine_exercises() -> None:
    assert [exercise.number for exercise in exercises("04")] == NUMBERS


@pytest.mark.parametrize("number", NUMBERS)
def test_an_exercise_accepts_its_reference_and_rejects_its_mistakes(number: str) -> None:
    assert validate(find_exercise(number)) == []


def test_broadcasting_is_numpys() -> None:
    for a, b in cases_of("4.1"):
        try:
            expected = np.broadcast_shapes(a, b)
        except ValueError:
            expected = "no fit"
        assert reference("4.1")(a, b) == expected


def test_slopes_of_swish_are_those_of_the_tape() -> None:
    for x, beta in cases_of("4.2"):
        inputs, knob = tf.Variable(x), tf.Variable(beta, dtype=tf.float64)
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(inputs * tf.sigmoid(knob * inputs))
        in_x, in_beta = tape.gradient(total, [inputs, knob])
        result = reference("4.2")(x, beta)
        np.testing.assert_allclose(result[0], in_x, atol=1e-12)
        np.testing.assert_allclose(result[1], in_beta, atol=1e-12)


def test_traces_are_those_of_a_tf_function() -> None:
    for (calls,) in cases_of("4.3"):
        traced: list[int] = []

        @tf.function
        def double(x: object, note: Callable = traced.append) -> object:
            note(1)
            return 2 * x

        for kind, *what in calls:
            double(tf.zeros(what[1], what[0]) if kind == "tensor" else what[0])
        assert reference("4.3")(calls) == len(traced)


def test_a_shuffle_buffer_of_one_keeps_the_order_and_a_large_one_reaches_every_order() -> None:
    shuffle = reference("4.4")
    rng = np.random.default_rng(0)
    assert shuffle([3, 1, 2], 1, rng.random(3)) == [3, 1, 2]
    orders = {tuple(shuffle([0, 1, 2], 3, rng.random(3))) for _ in range(200)}
    assert orders == set(itertools.permutations(range(3)))
    # As in tf.data: the first item out is one of the first three, whatever is drawn.
    assert {shuffle(list(range(9)), 3, rng.random(9))[0] for _ in range(100)} == {0, 1, 2}


def test_r_squared_is_sklearns_and_keras_over_all_rows() -> None:
    for (batches,) in cases_of("4.5"):
        y, prediction = (np.concatenate(parts).astype(float) for parts in zip(*batches, strict=True))
        assert reference("4.5")(batches) == pytest.approx(r2_score(y, prediction), abs=1e-12)
    metric = keras.metrics.R2Score()
    for y, prediction in batches:
        metric.update_state(y[:, None], prediction[:, None])
    assert reference("4.5")(batches) == pytest.approx(float(metric.result()), abs=1e-5)


def test_lookup_is_that_of_keras() -> None:
    for values, vocabulary in cases_of("4.6"):
        if values and vocabulary:
            layer = keras.layers.StringLookup(vocabulary=vocabulary, output_mode="one_hot")
            np.testing.assert_array_equal(reference("4.6")(values, vocabulary), layer(tf.constant(values)))


def test_area_is_sklearns() -> None:
    for labels, scores in cases_of("4.7"):
        assert reference("4.7")(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_at_the_threshold_both_decisions_cost_the_same() -> None:
    for (costs,) in cases_of("4.8"):
        p = reference("4.8")(costs)
        grant, refuse = np.array([1 - p, p]) @ costs
        assert grant == pytest.approx(refuse, abs=1e-12)
    assert reference("4.8")(np.array([[0.0, 1.0], [5.0, 0.0]])) == pytest.approx(1 / 6)


def test_settings_run_through_all_combinations_in_the_order_of_itertools() -> None:
    space = {"layers": [1, 2, 3], "units": [16, 64], "activation": ["relu", "tanh"]}
    combinations = [dict(zip(space, values, strict=True)) for values in itertools.product(*space.values())]
    assert [reference("4.9")(space, index) for index in range(12)] == combinations
    assert all(setting in combinations for setting in draw_settings(space, 5))


def slopes_by_tape(x: np.ndarray, beta: float) -> tuple[tf.Tensor, tf.Tensor]:
    x, beta = tf.constant(x, tf.float32), tf.constant(beta, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch([x, beta])
        total = tf.reduce_sum(keras.ops.silu(beta * x) / beta if float(beta) else x * tf.sigmoid(beta * x))
    return tuple(tape.gradient(total, [x, beta]))


def r_squared_by_sums(batches) -> float:
    n = total = squares = errors = 0.0
    for y, prediction in batches:
        y, prediction = y.astype(np.float64), prediction.astype(np.float64)
        n, total, squares = n + len(y), total + y.sum(), squares + (y * y).sum()
        errors += ((y - prediction) ** 2).sum()
    return 1 - errors / (squares - total**2 / n)


def lookup_by_comparison(values: list[str], vocabulary: list[str]) -> np.ndarray:
    known = [[float(value == word) for word in vocabulary] for value in values]
    return np.array([[1.0 - sum(row), *row] for row in known]).reshape(len(values), 1 + len(vocabulary))


def area_by_ranks(labels: np.ndarray, scores: np.ndarray) -> float:
    from scipy.stats import rankdata

    bad = labels == 1
    count = bad.sum()
    return (rankdata(scores)[bad].sum() - count * (count + 1) / 2) / (count * (~bad).sum())


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("4.2", slopes_by_tape),
        ("4.5", r_squared_by_sums),
        ("4.6", lookup_by_comparison),
        ("4.7", area_by_ranks),
        ("4.8", lambda costs: 1 / (1 + np.diff(costs[::-1, ::-1])[0, 0] / np.diff(costs)[0, 0])),
    ],
)
def test_a_right_answer_written_in_another_way_passes(number: str, answer: Callable[..., object]) -> None:
    verdict = judge(find_exercise(number), answer)
    assert verdict.passed, verdict.text


@pytest.mark.parametrize(
    ("number", "answer", "words"),
    [
        ("4.1", lambda a, b: tuple(np.maximum(a, b).tolist()) if len(a) == len(b) else "no fit", "from the back"),
        ("4.3", lambda calls: len({call[1] for call in calls}), "a new shape"),
        ("4.5", lambda batches: np.mean([r2_score(y, p) for y, p in batches if len(y) > 1]), "R squared"),
        ("4.7", lambda labels, scores: 1 - area_by_ranks(labels, scores), "exchanged"),
        ("4.8", lambda costs: 1 / 6, "where are the two equal"),
    ],
)
def test_a_wrong_answer_gets_the_hint_that_fits(number: str, answer: Callable[..., object], words: str) -> None:
    verdict = judge(find_exercise(number), answer)
    assert verdict.status == "not right"
    assert words in verdict.text
