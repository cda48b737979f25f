"""The exercises of Lab 07: they hold together, agree with TensorFlow, Keras and the package, and know usual mistakes.

The oracles are `keras.losses.Huber`, `tf.gather`, `np.interp`, the powers of gamma, and the functions with which the
package trains.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from dlcourse.checks import exercises, find_exercise, lab_07_improvements, lab_07_learning, validate
from dlcourse.checks.judging import judge
from dlcourse.reinforcement import dqn, targets
from dlcourse.reinforcement.exploration import LinearSchedule
from dlcourse.reinforcement.n_step import n_step
from dlcourse.reinforcement.q_networks import dueling_values

NUMBERS = [f"7.{place}" for place in range(1, 9)]


def test_the_lab_has_eight_exercises() -> None:
    assert [exercise.number for exercise in exercises("07")] == NUMBERS


@pytest.mark.parametrize("number", NUMBERS)
def test_an_exercise_accepts_its_reference_and_rejects_its_mistakes(number: str) -> None:
    assert validate(find_exercise(number)) == []


def test_the_targets_are_those_that_the_package_trains_with() -> None:
    for case in find_exercise("7.1").cases(np.random.default_rng(0)):
        rewards, ended, values, discount = case.args
        np.testing.assert_allclose(
            lab_07_learning.q_target(*case.args),
            targets.q_learning_target(rewards, targets.bootstrap_discounts(ended, discount), values),
            rtol=1e-6,
        )
    for case in find_exercise("7.8").cases(np.random.default_rng(0)):
        rewards, ended, online, frozen, discount = case.args
        chosen = tf.gather(frozen, tf.argmax(online, axis=1), axis=1, batch_dims=1).numpy()
        np.testing.assert_allclose(
            lab_07_improvements.double_target(*case.args), rewards + discount * (1 - ended) * chosen, rtol=1e-12
        )


def test_repeating_the_target_on_a_whole_table_finds_the_values_of_a_corridor() -> None:
    # Five places, the way out is on the right: each step further away is worth gamma times less.
    place = np.arange(5)[:, None]
    successor = np.clip(place + np.array([-1, 1]), 0, 4)
    over = np.where([False, True] & (place == 4), 1.0, 0.0)
    table = np.zeros((5, 2))
    for _ in range(5):
        flat = lab_07_learning.q_target(over.ravel(), over.ravel(), table[successor.ravel()], 0.5)
        table = flat.reshape(5, 2)
    np.testing.assert_allclose(table[:, 1], 0.5 ** np.arange(4, -1, -1))


@given(st.integers(0, 2000), st.floats(0, 1), st.floats(0, 1), st.integers(1, 1000))
def test_epsilon_is_a_line_that_stays_level(step: int, first: float, last: float, steps: int) -> None:
    ours = lab_07_learning.epsilon_at(step, first, last, steps)
    assert ours == pytest.approx(float(np.interp(step, [0, steps], [first, last])), abs=1e-12)
    assert ours == LinearSchedule(first, last, steps)(step)


def test_every_filled_row_is_drawn_equally_often_and_no_other() -> None:
    memory = (np.arange(100), 2.0 * np.arange(100))
    rows, doubled = lab_07_learning.replay_sample(memory, 20, 40_000, np.random.default_rng(0))
    np.testing.assert_array_equal(doubled, 2.0 * rows)
    counts = np.bincount(rows, minlength=100)
    assert counts[20:].sum() == 0
    # Chi-square with 19 degrees of freedom: 43.8 is exceeded once in a thousand draws.
    assert ((counts[:20] - 2000) ** 2 / 2000).sum() < 43.8


def test_the_huber_loss_is_that_of_keras_and_of_the_package_and_works_on_tensors() -> None:
    errors = np.concatenate([3 * np.random.default_rng(0).normal(size=50), [0.0, 1.0, -1.0]])
    ours = lab_07_learning.huber(errors)
    theirs = [float(keras.losses.Huber()(np.zeros(1), np.array([error]))) for error in errors]
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    tensor = tf.constant(errors, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        losses = tf.function(lab_07_learning.huber)(tensor)
    np.testing.assert_allclose(losses, dqn.huber(tensor), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(tape.gradient(losses, tensor), np.clip(errors, -1, 1), atol=1e-6)


@given(st.lists(st.tuples(st.floats(-5, 5), st.booleans()), min_size=1, max_size=6), st.floats(-9, 9), st.floats(0, 1))
def test_the_n_step_target_is_that_of_the_package(
    steps: list[tuple[float, bool]], last_value: float, discount: float
) -> None:
    rewards, ended = np.array([step[0] for step in steps]), np.array([step[1] for step in steps])
    found = n_step(rewards[None], ended[None], ended[None], discount)
    expected = float(found.rewards[0] + found.discounts[0] * last_value)
    ours = lab_07_improvements.n_step_target(rewards, ended.astype(float), last_value, discount)
    assert ours == pytest.approx(expected, rel=1e-5, abs=1e-4)


def test_the_dueling_head_is_that_of_the_networks_and_its_mean_is_the_value() -> None:
    rng = np.random.default_rng(0)
    values, advantages = rng.normal(size=(9, 1)), rng.normal(size=(9, 4))
    ours = lab_07_improvements.dueling(values, advantages)
    np.testing.assert_allclose(ours, dueling_values(values, advantages, "mean"), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(ours.mean(axis=1, keepdims=True), values, rtol=1e-9, atol=1e-12)


def test_a_stack_leaves_the_film_as_it_is_and_holds_no_frame_of_another_game() -> None:
    film = np.arange(1, 21, dtype=np.uint8).reshape(20, 1, 1)
    kept = film.copy()
    for first in range(20):
        for now in range(first, 20):
            stack = lab_07_improvements.frame_stack(film, first, now).ravel()
            expected = [t + 1 if t >= first else 0 for t in range(now - 3, now + 1)]
            assert stack.tolist() == expected
            assert stack.dtype == np.uint8
    np.testing.assert_array_equal(film, kept)


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("7.1", lambda r, d, v, gamma: np.where(d == 1, r, r + gamma * np.sort(v, axis=1)[:, -1])),
        ("7.2", lambda t, first, last, n: last if t >= n else first * (1 - t / n) + last * t / n),
        (
            "7.3",
            lambda memory, filled, count, rng: [
                np.take(a, r, 0) for r in [rng.integers(0, filled, count)] for a in memory
            ],
        ),
        ("7.4", lambda e: np.where(np.abs(e) <= 1, 0.5 * e * e, np.abs(e) - 0.5)),
        (
            "7.5",
            lambda r, d, v, gamma: (
                sum(gamma**k * r[k] * np.prod(1 - d[:k]) for k in range(len(r))) + gamma ** len(r) * v * np.prod(1 - d)
            ),
        ),
        (
            "7.6",
            lambda frames, first, now: np.concatenate(
                [np.zeros((4, *frames.shape[1:]), frames.dtype), frames[first : now + 1]]
            )[-4:],
        ),
        ("7.7", lambda v, a: v + (a - a.sum(axis=1)[:, None] / a.shape[1])),
        (
            "7.8",
            lambda r, d, online, frozen, gamma: np.array(
                [r[i] + (0 if d[i] else gamma * frozen[i, np.argmax(online[i])]) for i in range(len(r))]
            ),
        ),
    ],
)
def test_a_right_answer_written_in_another_way_passes(number: str, answer: Callable[..., object]) -> None:
    verdict = judge(find_exercise(number), answer)
    assert verdict.passed, verdict.text


@pytest.mark.parametrize(
    ("number", "answer", "words"),
    [
        ("7.1", lambda r, d, v, gamma: r + gamma * np.max(v, axis=1), "must not count there"),
        ("7.1", lambda r, d, v, gamma: r + gamma * (1 - d) * np.argmax(v, axis=1), "number of the best action"),
        ("7.2", lambda t, first, last, n: first - (first - last) * t / n, "below the end"),
        ("7.3", lambda memory, filled, count, rng: tuple(a[rng.integers(filled, size=count)] for a in memory), "once"),
        ("7.4", lambda e: np.where(np.abs(e) < 1, e**2 / 2, np.abs(e)), "must meet"),
        ("7.5", lambda r, d, v, g: sum(g**k * x for k, x in enumerate(r)) + g ** len(r) * v, "behind an end"),
        ("7.6", lambda frames, first, now: frames[[max(first, now - k) for k in (3, 2, 1, 0)]], "black here"),
        ("7.7", lambda v, a: v + a - np.max(a, axis=1, keepdims=True), "here it is the mean"),
        ("7.8", lambda r, d, online, frozen, gamma: r + gamma * (1 - d) * frozen.max(axis=1), "plain target"),
    ],
)
def test_a_wrong_answer_gets_the_hint_that_fits(number: str, answer: Callable[..., object], words: str) -> None:
    verdict = judge(find_exercise(number), answer)
    assert verdict.status == "not right"
    assert words in verdict.text
