"""The learning targets against plain loops, on arrays and inside compiled functions, and on cases worked by hand."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.reinforcement.targets import (
    bootstrap_discounts,
    double_q_target,
    dqv_max_targets,
    dqv_target,
    n_step_returns,
    q_learning_target,
)


@st.composite
def batches(draw):
    """Rewards, discounts, two tables of action values and state values of a batch; in halves, so that values tie."""
    rows, actions = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shapes = (rows,), (rows, actions), (rows, actions), (rows,)
    rewards, online, target, states = (rng.integers(-5, 6, shape).astype(np.float32) / 2 for shape in shapes)
    return rewards, rng.choice([0.0, 0.5, 0.99, 1.0], rows).astype(np.float32), online, target, states


@st.composite
def trajectories(draw):
    """Rewards and both kinds of end of a trajectory with several episodes, gamma, and n."""
    length, discount, steps = (
        draw(st.integers(1, 12)),
        draw(st.sampled_from([0, 0.5, 0.9, 1])),
        draw(st.integers(1, 15)),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    ends = rng.random((2, length)) < draw(st.sampled_from([0.0, 0.2, 0.5]))
    return rng.normal(size=length).astype(np.float32), *ends, discount, steps


def one_step_loops(rewards, discounts, online, target, states):
    """All four one-step targets, one transition and one action at a time."""
    found = {"q": [], "double": [], "dqv": [], "max_v": [], "max_q": []}
    for i in range(len(rewards)):
        largest, chosen = -np.inf, 0
        for action in range(target.shape[1]):
            largest = max(largest, target[i, action])
            if online[i, action] > online[i, chosen]:
                chosen = action
        found["q"].append(rewards[i] + discounts[i] * largest)
        found["double"].append(rewards[i] + discounts[i] * target[i, chosen])
        found["dqv"].append(rewards[i] + discounts[i] * states[i])
        found["max_v"].append(rewards[i] + discounts[i] * largest)
        found["max_q"].append(rewards[i] + discounts[i] * states[i])
    return {name: np.array(values, dtype=np.float32) for name, values in found.items()}


def all_one_step(rewards, discounts, online, target, states):
    of_max = dqv_max_targets(rewards, discounts, target, states)
    return {
        "q": q_learning_target(rewards, discounts, target),
        "double": double_q_target(rewards, discounts, online, target),
        "dqv": dqv_target(rewards, discounts, states),
        "max_v": of_max.state_values,
        "max_q": of_max.action_values,
    }


def n_step_loop(rewards, terminated, truncated, discount, steps):
    """Walks on from each step until n steps are done, an episode ends, or the trajectory does."""
    returns, discounts, lengths = [], [], []
    for start in range(len(rewards)):
        total, factor, length, over = 0.0, 1.0, 0, False
        for now in range(start, min(start + steps, len(rewards))):
            total += factor * float(rewards[now])
            factor *= discount
            length += 1
            over = bool(terminated[now])
            if over or truncated[now]:
                break
        returns.append(total)
        discounts.append(0.0 if over else factor)
        lengths.append(length)
    return returns, discounts, lengths


compiled_one_step = tf.function(
    all_one_step,
    input_signature=[
        tf.TensorSpec([None], tf.float32),
        tf.TensorSpec([None], tf.float32),
        tf.TensorSpec([None, None], tf.float32),
        tf.TensorSpec([None, None], tf.float32),
        tf.TensorSpec([None], tf.float32),
    ],
)


@settings(max_examples=60)
@given(batches())
def test_one_step_targets_agree_with_loops_on_arrays_and_in_a_compiled_function(batch):
    expected = one_step_loops(*batch)
    compiled = compiled_one_step(*batch)
    for name, target in all_one_step(*batch).items():
        assert type(target) is np.ndarray and target.dtype == np.float32
        np.testing.assert_allclose(target, expected[name], rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(compiled[name].numpy(), expected[name], rtol=1e-5, atol=1e-4)


@settings(max_examples=60)
@given(trajectories())
def test_n_step_returns_agree_with_a_walk_along_the_trajectory(trajectory):
    expected = n_step_loop(*trajectory)
    for part, wanted in zip(n_step_returns(*trajectory), expected, strict=True):
        np.testing.assert_allclose(part, wanted, rtol=1e-5, atol=1e-4)


@settings(max_examples=30)
@given(trajectories())
def test_one_step_of_an_n_step_return_is_the_ordinary_target(trajectory):
    rewards, terminated, _, discount, _ = trajectory
    found = n_step_returns(rewards, terminated, np.zeros_like(terminated), discount, steps=1)
    np.testing.assert_array_equal(found.rewards, rewards)
    np.testing.assert_array_equal(found.discounts, bootstrap_discounts(terminated, discount))
    assert (found.steps == 1).all()


@settings(max_examples=60)
@given(batches())
def test_double_q_target_is_never_above_the_q_learning_target_where_discounts_are_not_negative(batch):
    rewards, discounts, online, target, _ = batch
    single = q_learning_target(rewards, discounts, target)
    assert (double_q_target(rewards, discounts, online, target) <= single).all()
    np.testing.assert_array_equal(double_q_target(rewards, discounts, target, target), single)


@settings(max_examples=30)
@given(batches())
def test_after_a_terminated_step_only_the_reward_counts(batch):
    rewards, _, online, target, states = batch
    discounts = bootstrap_discounts(np.ones(len(rewards), dtype=bool), 0.99)
    for found in all_one_step(rewards, discounts, online, target, states).values():
        np.testing.assert_array_equal(found, rewards)


def test_truncation_bootstraps_where_termination_does_not():
    rewards, ended, never = np.ones(3), np.array([False, True, False]), np.zeros(3, dtype=bool)
    stopped = n_step_returns(rewards, ended, never, 0.9, steps=3)
    cut = n_step_returns(rewards, never, ended, 0.9, steps=3)
    np.testing.assert_allclose(stopped.rewards, cut.rewards)
    np.testing.assert_allclose(stopped.discounts, [0, 0, 0.9], rtol=1e-6)
    np.testing.assert_allclose(cut.discounts, [0.81, 0.9, 0.9], rtol=1e-6)


def test_a_table_worked_by_hand_follows_the_lectures_rule():
    # Section 6.1 of lecture 001: R = r where the episode is over, else r + gamma max Q; here gamma = 0.9.
    table = np.array([[0.0, 0.0], [0.0, 0.0], [3.0, 10.0]])
    next_states, rewards, terminated = np.array([2, 2]), np.array([-1.0, 5.0]), np.array([False, True])
    targets = q_learning_target(rewards, bootstrap_discounts(terminated, 0.9), table[next_states])
    np.testing.assert_allclose(targets, [-1 + 0.9 * 10, 5.0], rtol=1e-6)


def test_noise_in_the_estimates_biases_the_maximum_and_not_double_q():
    # All actions are worth 0. The largest of 4 standard normal estimates is 1.03 on average, that of an independent
    # estimate of the chosen action 0; the standard error of both means is below 0.008.
    noise = np.random.default_rng(0).normal(size=(2, 20_000, 4)).astype(np.float32)
    rewards, discounts = np.zeros(20_000, np.float32), np.ones(20_000, np.float32)
    assert q_learning_target(rewards, discounts, noise[0]).mean() == pytest.approx(1.03, abs=0.03)
    assert double_q_target(rewards, discounts, noise[1], noise[0]).mean() == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize("convert", [np.asarray, tf.constant])
def test_shapes_that_would_broadcast_are_refused(convert):
    ones, column, table = convert([1.0, 1.0]), convert([[1.0], [1.0]]), convert([[1.0, 2.0], [3.0, 4.0]])
    longer = convert([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match=r"rewards must have 1 axes .* rewards \(2, 1\), discounts \(2,\)"):
        q_learning_target(column, ones, table)
    with pytest.raises(ValueError, match="discounts must have"):
        q_learning_target(ones, convert([1.0, 1.0, 1.0]), table)
    with pytest.raises(ValueError, match="next_target_values must have"):
        double_q_target(ones, ones, table, longer)
    with pytest.raises(ValueError, match="next_state_values must have 1 axes"):
        dqv_target(ones, ones, column)
    with pytest.raises(ValueError, match="next_values must have 2 axes"):
        dqv_max_targets(ones, ones, ones, ones)


def test_flags_of_another_trajectory_are_refused():
    ones, longer = np.ones(2), np.ones(3)
    with pytest.raises(ValueError, match=r"truncated must have 1 axes .* truncated \(3,\)"):
        n_step_returns(ones, ones, longer, 0.9, steps=2)


def test_bad_arguments_are_refused_with_what_was_expected():
    ones, table = np.ones(2), np.ones((2, 2))
    with pytest.raises(TypeError, match="rewards must be a NumPy array or a tensor, got list"):
        q_learning_target([1.0, 1.0], ones, table)
    with pytest.raises(ValueError, match=r"discount must be between 0 and 1, got 1\.5"):
        bootstrap_discounts(ones, 1.5)
    with pytest.raises(ValueError, match="discount must be finite"):
        n_step_returns(ones, ones, ones, np.nan, steps=1)
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        n_step_returns(ones, ones, ones, 0.9, steps=0)
    with pytest.raises(ValueError, match=r"shape \(0,\): give a trajectory of at least one step"):
        n_step_returns(ones[:0], ones[:0], ones[:0], 0.9, steps=1)
