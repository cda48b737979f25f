"""The exercises of Lab 06: they hold together, agree with SciPy, TensorFlow and the package, and know usual mistakes.

The oracles are `scipy.special.log_softmax`, `scipy.stats.norm`, `tf.GradientTape`, `scipy.signal.lfilter`, the moments
of the Ornstein-Uhlenbeck process, and the functions with which the package trains.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter
from scipy.special import log_softmax
from scipy.stats import norm

from dlcourse.checks import exercises, find_exercise, lab_06_learning, lab_06_policies, validate
from dlcourse.checks.judging import judge
from dlcourse.reinforcement import ddpg
from dlcourse.reinforcement.control_problems import pendulum_problem
from dlcourse.reinforcement.dynamic_programming import interpolation, value_iteration
from dlcourse.reinforcement.exploration import OrnsteinUhlenbeckNoise

NUMBERS = [f"6.{place}" for place in range(1, 9)]


def test_the_lab_has_eight_exercises() -> None:
    assert [exercise.number for exercise in exercises("06")] == NUMBERS


@pytest.mark.parametrize("number", NUMBERS)
def test_an_exercise_accepts_its_reference_and_rejects_its_mistakes(number: str) -> None:
    assert validate(find_exercise(number)) == []


@given(st.integers(1, 30), st.floats(0, 1), st.floats(-5, 5), st.integers(0, 10**6))
def test_the_discounted_return_is_a_recursive_filter_run_backwards(
    steps: int, discount: float, after: float, seed: int
) -> None:
    rewards = np.random.default_rng(seed).normal(size=steps)
    filtered = lfilter([1.0], [1.0, -discount], np.append(rewards, after)[::-1])[::-1][:-1]
    np.testing.assert_allclose(
        lab_06_policies.discounted_returns(rewards, discount, after), filtered, rtol=1e-9, atol=1e-9
    )


def test_a_truncated_episode_with_its_value_behind_it_has_the_return_of_the_endless_one() -> None:
    discount = 0.9
    forever = -1 / (1 - discount)
    returns = lab_06_policies.discounted_returns(np.full(20, -1.0), discount, forever)
    np.testing.assert_allclose(returns, forever, rtol=1e-12)


def test_repeating_the_sweep_is_the_value_iteration_of_the_package() -> None:
    problem = pendulum_problem(points=(12, 11), actions=3, discount=0.9)
    successors, rewards = problem.transition(problem.states(), problem.actions)
    lookup = interpolation(problem.axes, successors.reshape(-1, 2))
    values = np.zeros(len(rewards))
    for _ in range(25):
        values, best = lab_06_policies.bellman_backup(rewards, (lookup @ values).reshape(rewards.shape), 0.9)
    np.testing.assert_allclose(values, value_iteration(problem, horizon=25).values.ravel(), rtol=1e-12)
    assert best.shape == values.shape


def test_the_softmax_log_likelihood_is_that_of_scipy_and_of_tensorflow() -> None:
    rng = np.random.default_rng(0)
    logits, actions = 300 * rng.normal(size=(40, 5)), rng.integers(5, size=40)
    ours = lab_06_policies.softmax_log_likelihood(logits, actions)
    np.testing.assert_allclose(ours, log_softmax(logits, axis=1)[np.arange(40), actions], rtol=1e-12)
    np.testing.assert_allclose(
        ours, -tf.nn.sparse_softmax_cross_entropy_with_logits(actions, logits).numpy(), rtol=1e-9
    )


def test_the_normal_log_likelihood_is_that_of_scipy() -> None:
    rng = np.random.default_rng(1)
    actions, mean, log_std = rng.normal(size=(40, 3)), rng.normal(size=(40, 3)), rng.normal(size=3)
    ours = lab_06_policies.normal_log_likelihood(actions, mean, log_std)
    np.testing.assert_allclose(ours, norm.logpdf(actions, mean, np.exp(log_std)).sum(axis=1), rtol=1e-12)


def test_the_actor_gradient_is_that_of_tensorflow_for_a_critic_that_is_not_linear() -> None:
    rng = np.random.default_rng(2)
    states, actor = rng.normal(size=(20, 3)), tf.Variable(rng.normal(size=(2, 3)))

    def critic(actions: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.sin(actions) * states[:, :2] - actions**2, axis=1)

    with tf.GradientTape() as tape:
        actions = states @ tf.transpose(actor)
        loss = ddpg.actor_loss(critic(actions))
    expected = tape.gradient(loss, actor)
    with tf.GradientTape() as tape:
        tape.watch(fixed := tf.constant(actions))
        total = tf.reduce_sum(critic(fixed))
    slopes = tape.gradient(total, fixed).numpy()
    np.testing.assert_allclose(lab_06_learning.actor_gradient(states, slopes), expected.numpy(), rtol=1e-12)


@pytest.mark.parametrize("name", ["critic_target", "polyak_average"])
def test_a_rule_of_the_exercises_is_the_one_that_the_package_trains_with(name: str) -> None:
    number = {"critic_target": "6.6", "polyak_average": "6.7"}[name]
    for case in find_exercise(number).cases(np.random.default_rng(3)):
        expected = getattr(ddpg, name)(*case.args)
        np.testing.assert_allclose(getattr(lab_06_learning, name)(*case.args), expected, rtol=1e-12)
        # In the lab the course's own rule may have to take the participant's place inside a compiled update.
        tensors = [tf.constant(value, tf.float64) for value in case.args]
        np.testing.assert_allclose(tf.function(getattr(lab_06_learning, name))(*tensors), expected, rtol=1e-12)


def test_the_noise_is_that_of_the_package_and_has_the_moments_of_the_process() -> None:
    theirs = OrnsteinUhlenbeckNoise((4,), scale=0.3, rate=0.4, time_step=0.5, seed=7)
    draws, noise = np.random.default_rng(7), np.zeros(4)
    for _ in range(10):
        noise = lab_06_learning.ou_step(noise, draws.standard_normal(4), 0.4, 0.3, 0.5)
        np.testing.assert_allclose(noise, theirs.sample(), rtol=1e-12)
    rng, x = np.random.default_rng(8), np.zeros(40_000)
    for _ in range(40):
        before, x = x, lab_06_learning.ou_step(x, rng.standard_normal(40_000), 0.4, 0.3, 0.5)
    assert x.std() == pytest.approx(0.3 / np.sqrt(0.8), rel=0.02)
    assert np.corrcoef(before, x)[0, 1] == pytest.approx(np.exp(-0.2), abs=0.01)


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        (
            "6.1",
            lambda rewards, gamma, after: np.array(
                [
                    sum(gamma**k * r for k, r in enumerate(rewards[t:])) + gamma ** (len(rewards) - t) * after
                    for t in range(len(rewards))
                ]
            ),
        ),
        ("6.2", lambda r, v, beta: (np.sort(r + beta * v)[:, -1], np.argsort(r + beta * v)[:, -1])),
        ("6.3", lambda logits, actions: np.take_along_axis(log_softmax(logits, 1), actions[:, None], 1)[:, 0]),
        ("6.4", lambda a, mean, log_std: norm.logpdf(a, mean, np.exp(log_std)).sum(axis=1)),
        ("6.5", lambda states, slopes: -np.einsum("bm,bn->mn", slopes, states) / states.shape[0]),
        ("6.6", lambda r, done, v, gamma: r + gamma * v - gamma * done * v),
        ("6.7", lambda target, online, tau: target + tau * (online - target)),
        ("6.8", lambda x, xi, th, s, dt: x * np.exp(-th * dt) + s * xi * np.sqrt(-np.expm1(-2 * th * dt) / (2 * th))),
    ],
)
def test_a_right_answer_written_in_another_way_passes(number: str, answer: Callable[..., object]) -> None:
    verdict = judge(find_exercise(number), answer)
    assert verdict.passed, verdict.text


@pytest.mark.parametrize(
    ("number", "answer", "words"),
    [
        (
            "6.1",
            lambda rewards, gamma, after: np.array(
                [
                    sum(gamma**i * rewards[i] for i in range(t, len(rewards))) + gamma ** len(rewards) * after
                    for t in range(len(rewards))
                ]
            ),
            "from now on",
        ),
        (
            "6.2",
            lambda r, v, beta: (np.max(r + beta * v, axis=0), np.argmax(r + beta * v, axis=0)),
            "which are the columns",
        ),
        ("6.3", lambda logits, actions: -np.log(np.exp(softmax_of(logits, actions))), "sign is reversed"),
        (
            "6.4",
            lambda a, mean, log_std: np.sum(-((a - mean) ** 2) / (2 * np.exp(log_std) ** 2) - log_std, axis=1),
            "log 2 pi",
        ),
        ("6.5", lambda states, slopes: np.einsum("bm,bn->mn", slopes, states) / len(states), "minus the mean Q"),
        ("6.6", lambda r, done, v, gamma: r + gamma * v, "must not count there"),
        ("6.7", lambda target, online, tau: tau * target + (1 - tau) * online, "exchanged"),
        ("6.8", lambda x, xi, rate, scale, dt: x * (1 - rate * dt) + scale * xi * dt**0.5, "Euler"),
    ],
)
def test_a_wrong_answer_gets_the_hint_that_fits(number: str, answer: Callable[..., object], words: str) -> None:
    verdict = judge(find_exercise(number), answer)
    assert verdict.status == "not right"
    assert words in verdict.text


def softmax_of(logits: np.ndarray, actions: np.ndarray) -> np.ndarray:
    return log_softmax(logits, axis=1)[np.arange(len(actions)), actions]
