"""The pendulum's physics against Gymnasium's own environment, step by step."""

import gymnasium
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow.experimental import numpy as tnp

from dlcourse.reinforcement import pendulum
from dlcourse.reinforcement.ddpg_in_graph import PendulumInGraph

ANGLES = st.floats(-40, 40)
SPEEDS = st.floats(-8, 8)
TORQUES = st.floats(-3, 3, width=32)


ENVIRONMENT = gymnasium.make("Pendulum-v1").unwrapped


def gymnasium_step(angle: float, speed: float, torque: float) -> tuple[np.ndarray, np.ndarray, float]:
    ENVIRONMENT.state = np.array([angle, speed])
    observation, reward, *_ = ENVIRONMENT.step(np.array([torque], dtype=np.float32))
    return ENVIRONMENT.state, observation, float(reward)


@settings(max_examples=60, deadline=None)
@given(ANGLES, SPEEDS, TORQUES)
def test_one_step_in_numpy_is_that_of_gymnasium_to_rounding(angle: float, speed: float, torque: float) -> None:
    state, observation, reward = gymnasium_step(angle, speed, torque)
    ours = pendulum.step(np.array([angle]), np.array([speed]), np.array([torque], dtype=np.float32))
    np.testing.assert_allclose([float(part[0]) for part in ours], [*state, reward], rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(pendulum.observe(ours[0], ours[1])[0], observation, atol=1e-7)


def test_an_episode_of_many_pendulums_follows_gymnasium() -> None:
    rng = np.random.default_rng(0)
    environments = [gymnasium.make("Pendulum-v1") for _ in range(3)]
    for seed, environment in enumerate(environments):
        environment.reset(seed=seed)
    angle, speed = np.stack([environment.unwrapped.state for environment in environments]).T
    for _ in range(pendulum.TIME_LIMIT):
        torque = rng.uniform(-2.5, 2.5, 3).astype(np.float32)
        angle, speed, reward = pendulum.step(angle, speed, torque)
        for i, environment in enumerate(environments):
            observation, expected, terminated, truncated, _ = environment.step(torque[i : i + 1])
            # NumPy's sine of several numbers at once may round the last bit otherwise, and motion amplifies it.
            assert reward[i] == pytest.approx(expected, abs=1e-7)
            np.testing.assert_allclose(pendulum.observe(angle, speed)[i], observation, atol=1e-6)
    assert truncated
    assert not terminated


def test_the_compiled_physics_stay_within_single_precision_of_gymnasium() -> None:
    rng = np.random.default_rng(1)
    states = np.stack([rng.uniform(-20, 20, 50), rng.uniform(-8, 8, 50)], axis=1).astype(np.float32)
    torque = rng.uniform(-3, 3, 50).astype(np.float32)
    environment = PendulumInGraph()
    step = tf.function(environment.step, jit_compile=True)
    after, rewards, terminated = step(tf.constant(states), tf.constant(torque[:, None]))
    expected = [gymnasium_step(*state, u) for state, u in zip(states, torque, strict=True)]
    np.testing.assert_allclose(after, np.stack([state for state, _, _ in expected]), atol=5e-6)
    np.testing.assert_allclose(environment.observe(after), np.stack([seen for _, seen, _ in expected]), atol=5e-6)
    np.testing.assert_allclose(rewards, [reward for _, _, reward in expected], atol=5e-5)
    assert not terminated.numpy().any()


def test_tensors_and_arrays_give_the_same_in_double_precision() -> None:
    rng = np.random.default_rng(2)
    angle, speed, torque = (rng.uniform(-5, 5, 20) for _ in range(3))
    in_tensorflow = pendulum.step(*(tf.constant(x) for x in (angle, speed, torque)), xp=tnp)
    for ours, expected in zip(in_tensorflow, pendulum.step(angle, speed, torque), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-12)


def test_starts_are_drawn_as_gymnasium_draws_them() -> None:
    states = PendulumInGraph().start(20_000, tf.constant([0, 1])).numpy()
    assert (np.abs(states).max(axis=0) <= [np.pi, 1.0]).all()
    # Four standard errors of a uniform distribution's variance, width^2 / 12.
    np.testing.assert_allclose(states.var(axis=0), [np.pi**2 / 3, 1 / 3], rtol=0.03)
    np.testing.assert_allclose(states.mean(axis=0), 0, atol=0.06)


def test_returns_of_are_the_sums_of_gymnasiums_rewards() -> None:
    environment = gymnasium.make("Pendulum-v1")

    def policy(observations: np.ndarray) -> np.ndarray:
        return (-observations[:, 1:2] - 0.3 * observations[:, 2:]).clip(-2, 2).astype(np.float32)

    observation, _ = environment.reset(seed=5)
    angle, speed = environment.unwrapped.state
    total, truncated = 0.0, False
    while not truncated:
        observation, reward, _, truncated, _ = environment.step(policy(observation[None])[0])
        total += reward
    assert pendulum.returns_of(policy, [angle], [speed])[0] == pytest.approx(total, abs=1e-9)


@given(ANGLES, SPEEDS)
def test_an_observation_gives_the_state_back(angle: float, speed: float) -> None:
    found, found_speed = pendulum.angle_and_speed(pendulum.observe(np.array(angle), np.array(speed)))
    assert np.cos(found - angle) == pytest.approx(1, abs=1e-6)
    assert found_speed == np.float32(speed)


def test_observations_and_torques_of_the_wrong_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="cos, sin and speed"):
        pendulum.angle_and_speed(np.zeros((4, 2)))
    with pytest.raises(ValueError, match=r"torques of shape \(2, 1\)"):
        pendulum.returns_of(lambda observations: np.zeros(2), np.zeros(2), np.zeros(2))
