"""DDPG: one update against Keras and GradientTape, the three modes against each other, and runs that are cut off."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlcourse.reinforcement.ddpg import (
    ActorCritic,
    Networks,
    Rules,
    actor_loss,
    compiled_updates,
    critic_target,
    polyak_average,
    update,
)
from dlcourse.reinforcement.ddpg_agent import DDPG
from dlcourse.reinforcement.ddpg_in_graph import InGraphDDPG, make_ddpg
from dlcourse.reinforcement.ddpg_settings import DDPGSettings
from dlcourse.reinforcement.environments import make_environment
from dlcourse.reinforcement.evaluation import evaluate
from dlcourse.reinforcement.exploration import OrnsteinUhlenbeckNoise
from dlcourse.reinforcement.replay import Transitions
from dlcourse.reinforcement.training import TrainingDivergedError, TrainingSettings, train

SMALL = DDPGSettings(hidden=(8,), batch_size=16, warm_up=32, replay_capacity=500, updates_per_call=5)
PROBLEM = ActorCritic(3, (-2.0,), (2.0,), SMALL)
# Large enough to learn to stand; all tests of the compiled loop share it, so that it is compiled once.
LOOP = DDPGSettings(hidden=(32, 32), batch_size=64, warm_up=100, replay_capacity=10_000)
SHORT = TrainingSettings(steps=450, evaluate_every=150, evaluation_seeds=(0,))


def random_batches(count: int, seed: int = 0) -> Transitions:
    rng = np.random.default_rng(seed)
    shape = (count, SMALL.batch_size)
    numbers = [rng.normal(size=(*shape, *rest)).astype(np.float32) for rest in ((3,), (1,), (), (3,))]
    return Transitions(*numbers, terminated=rng.random(shape) < 0.3, truncated=rng.random(shape) < 0.5)


def one(batches: Transitions, i: int) -> Transitions:
    return Transitions(*(part[i] for part in batches))


def assert_close(networks: Networks, expected: Networks) -> None:
    for ours, theirs in zip(tf.nest.flatten(networks), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


class KerasDDPG:
    """The same algorithm as one writes it with Keras models, its optimizer and a gradient tape."""

    def __init__(self, networks: Networks) -> None:
        flat = (networks.actor.weights, networks.actor.target, networks.critic.weights, networks.critic.target)
        parts = (PROBLEM.actor, PROBLEM.actor, PROBLEM.critic, PROBLEM.critic)
        models = (network.keras_model(weights.numpy()) for network, weights in zip(parts, flat, strict=True))
        self.actor, self.actor_target, self.critic, self.critic_target = models
        self.actor_optimizer = keras.optimizers.Adam(SMALL.actor_learning_rate)
        self.critic_optimizer = keras.optimizers.Adam(SMALL.critic_learning_rate)

    def learn(self, batch: Transitions) -> None:
        scaled = batch.actions / 2
        following = self.actor_target(batch.next_observations)
        future = self.critic_target(tf.concat([batch.next_observations, following], 1))[:, 0]
        target = batch.rewards + SMALL.discount * np.where(batch.terminated, 0, future)
        with tf.GradientTape() as tape:
            values = self.critic(tf.concat([batch.observations, scaled], 1))[:, 0]
            loss = keras.losses.MeanSquaredError()(target, values)
        self.critic_optimizer.apply(
            tape.gradient(loss, self.critic.trainable_variables), self.critic.trainable_variables
        )
        with tf.GradientTape() as tape:
            actions = self.actor(batch.observations)
            loss = -tf.reduce_mean(self.critic(tf.concat([batch.observations, actions], 1)))
        self.actor_optimizer.apply(tape.gradient(loss, self.actor.trainable_variables), self.actor.trainable_variables)
        for target_model, model in ((self.actor_target, self.actor), (self.critic_target, self.critic)):
            for slow, fast in zip(target_model.variables, model.variables, strict=True):
                slow.assign(SMALL.tau * fast + (1 - SMALL.tau) * slow)

    def flat(self) -> list[np.ndarray]:
        models = (self.actor, self.actor_target, self.critic, self.critic_target)
        return [np.concatenate([array.ravel() for array in model.get_weights()]) for model in models]


def test_updates_are_those_of_keras_models_with_keras_adam_and_a_gradient_tape() -> None:
    batches, networks = random_batches(5), PROBLEM.start(0)
    oracle = KerasDDPG(networks)
    for i in range(5):
        oracle.learn(one(batches, i))
    networks, _ = compiled_updates(PROBLEM, 5)(networks, batches)
    ours = (networks.actor.weights, networks.actor.target, networks.critic.weights, networks.critic.target)
    for mine, theirs in zip(ours, oracle.flat(), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


def test_strict_and_chunked_calls_make_the_same_updates_as_eager_execution() -> None:
    batches = random_batches(5, seed=1)
    eager = strict = PROBLEM.start(1)
    for i in range(5):
        eager, _ = update(eager, one(batches, i), PROBLEM)
        strict, _ = compiled_updates(PROBLEM, 1)(strict, Transitions(*(part[i : i + 1] for part in batches)))
    chunked, losses = compiled_updates(PROBLEM, 5)(PROBLEM.start(1), batches)
    assert_close(strict, eager)
    assert_close(chunked, eager)
    assert losses.critic.shape == (5,)
    assert int(chunked.updates) == 5


def test_a_pass_of_the_compiled_loop_makes_the_update_of_the_batch_that_it_draws() -> None:
    agent = InGraphDDPG(settings=LOOP, environments=2, seed=3)
    while agent.networks.updates < 1:
        agent.advance(2)
    before = agent.networks
    agent.advance(2)
    state = agent.state_dict()
    memory, passes = state["loop/memory"], int(state["loop/passes"])
    rows = tf.random.stateless_uniform((64,), [3, 4 * (passes - 1) + 1], 0, 2 * passes, tf.int32).numpy()
    s, a, r, following, end = np.split(memory[rows], [3, 4, 5, 8], axis=1)
    batch = Transitions(s, a, r[:, 0], following, end[:, 0], end[:, 0])
    assert_close(agent.networks, update(before, batch, agent.problem)[0])


def test_the_replay_of_the_compiled_loop_holds_what_gymnasium_would_have_answered() -> None:
    agent = InGraphDDPG(settings=LOOP, environments=2, seed=0)
    while len(agent.state_dict()["loop/memory"]) < 500:
        agent.advance(100)
    s, a, r, following, end = np.split(agent.state_dict()["loop/memory"], [3, 4, 5, 8], axis=1)
    environment = make_environment("Pendulum-v1").make().unwrapped
    for row in range(0, 500, 7):
        environment.state = np.array([np.arctan2(s[row, 1], s[row, 0]), s[row, 2]], dtype=np.float64)
        observation, reward, *_ = environment.step(a[row])
        np.testing.assert_allclose(following[row], observation, atol=1e-4)
        assert r[row, 0] == pytest.approx(reward, abs=1e-4)
    # The episodes of 200 steps that ended meanwhile were cut, not over.
    assert not end.any()


def test_the_future_counts_after_truncation_and_not_after_termination() -> None:
    batch, networks = one(random_batches(1), 0), PROBLEM.start(0)
    yes, no = np.ones(16, bool), np.zeros(16, bool)

    def critic_after(terminated: np.ndarray, truncated: np.ndarray) -> np.ndarray:
        changed = batch._replace(terminated=terminated, truncated=truncated)
        return update(networks, changed, PROBLEM)[0].critic.mean.numpy()

    np.testing.assert_array_equal(critic_after(no, yes), critic_after(no, no))
    assert np.abs(critic_after(yes, no) - critic_after(no, no)).max() > 1e-6
    np.testing.assert_allclose(critic_target(np.ones(2), np.array([0.0, 1.0]), np.full(2, 5.0), 0.9), [5.5, 1])


def test_the_three_formulas_are_those_of_the_paper() -> None:
    assert float(actor_loss(tf.constant([2.0, 4.0]))) == -3
    average = polyak_average(np.zeros(3), np.ones(3), 0.25)
    for _ in range(9):
        average = polyak_average(average, np.ones(3), 0.25)
    np.testing.assert_allclose(average, 1 - 0.75**10)


def test_acting_in_numpy_is_the_keras_model_scaled_to_the_action_range() -> None:
    agent = make_ddpg(make_environment("Pendulum-v1"), "strict", SMALL)
    agent.networks = compiled_updates(PROBLEM, 5)(agent.networks, random_batches(5))[0]
    observations = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    expected = agent.actor_model()(observations).numpy()
    np.testing.assert_allclose(agent.policy(observations), 2 * expected, atol=1e-6)
    values = agent.critic_model()(np.concatenate([observations, expected], axis=1)).numpy()[:, 0]
    np.testing.assert_allclose(agent.value(observations), values, atol=1e-5)


@pytest.mark.parametrize(("mode", "copies"), [("strict", 1), ("chunked", 1), ("chunked", 3)])
def test_there_is_an_update_for_each_step_after_warm_up(mode: str, copies: int) -> None:
    environment = make_environment("Pendulum-v1", copies=copies)
    agent = make_ddpg(environment, mode, SMALL)
    observations = environment.reset()
    for _ in range(60):
        actions = agent.act(observations, explore=True)
        assert (np.abs(actions) <= 2).all()
        observations, transitions, _ = environment.step(actions)
        agent.observe(transitions)
    learned, owed = int(agent.networks.updates), 60 * copies - SMALL.warm_up
    assert owed - agent.updates_per_call - copies < learned <= owed


def test_learning_ends_with_a_pendulum_that_stands() -> None:
    agent = InGraphDDPG(settings=LOOP, environments=2, seed=0)
    train(agent, None, TrainingSettings(steps=10_000, evaluate_every=10_000), evaluation=lambda _: np.zeros(1))
    # A pendulum that never learns returns -1,200 or less; one that swings up and stands, about -110.
    assert evaluate(agent, "Pendulum-v1").mean() >= -200


@pytest.mark.parametrize("mode", ["strict", "chunked", "in_graph"])
def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(mode: str, tmp_path: Path) -> None:
    def run(folder: Path | None) -> tuple[list[float], dict[str, np.ndarray], int | None]:
        environment = make_environment("Pendulum-v1", copies=2, seed=2)
        agent = make_ddpg(environment, mode, LOOP if mode == "in_graph" else SMALL, seed=2)
        result = train(agent, environment, SHORT, folder=folder)
        return result.history.evaluation_return.tolist(), agent.state_dict(), result.resumed_at

    # The killed process dies between the row of step 300 and its checkpoint. Only chunked pays for a process.
    if mode == "chunked":
        command = f"import test_ddpg_killed; test_ddpg_killed.run({mode!r}, {str(tmp_path)!r})"
        (tmp_path / "test_ddpg_killed.py").write_text(KILLED)
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        killed = subprocess.run([sys.executable, "-c", command], env=environment, cwd=Path(__file__).parents[2])
        assert killed.returncode == -signal.SIGKILL
    else:
        cut_off(mode, tmp_path)
    expected_history, expected_state, _ = run(None)
    history, state, resumed_at = run(tmp_path)
    assert resumed_at == 150
    assert history == expected_history
    assert state.keys() == expected_state.keys()
    for name, array in state.items():
        np.testing.assert_array_equal(array, expected_state[name], err_msg=name)


KILLED = """
import os, signal
from dlcourse.reinforcement.ddpg_in_graph import make_ddpg
from dlcourse.reinforcement.ddpg_settings import DDPGSettings
from dlcourse.reinforcement.environments import make_environment
from dlcourse.reinforcement.training import TrainingSettings, train

def run(mode, folder):
    def die(row):
        if row["step"] == 300:
            os.kill(os.getpid(), signal.SIGKILL)
    small = DDPGSettings(hidden=(8,), batch_size=16, warm_up=32, replay_capacity=500, updates_per_call=5)
    environment = make_environment("Pendulum-v1", copies=2, seed=2)
    settings = TrainingSettings(steps=450, evaluate_every=150, evaluation_seeds=(0,))
    train(make_ddpg(environment, mode, small, seed=2), environment, settings, folder=folder, report=die)
"""


def cut_off(mode: str, folder: Path) -> None:
    def stop(row: dict) -> None:
        if row["step"] == 300:
            raise KeyboardInterrupt

    environment = make_environment("Pendulum-v1", copies=2, seed=2)
    agent = make_ddpg(environment, mode, LOOP if mode == "in_graph" else SMALL, seed=2)
    with pytest.raises(KeyboardInterrupt):
        train(agent, environment, SHORT, folder=folder, report=stop)


def test_training_stops_at_nan_with_the_networks_of_the_last_good_state() -> None:
    environment = make_environment("Pendulum-v1")
    agent = make_ddpg(environment, "strict", SMALL)
    good = {}

    def poison(row: dict) -> None:
        good.update(agent.state_dict())
        broken = agent.memory.sample(1)
        # Finite, so the replay takes it; its square is not.
        agent.memory.add(broken._replace(rewards=np.full(1, -1e30, np.float32)))

    with pytest.raises(TrainingDivergedError, match="critic_loss") as stopped:
        train(agent, environment, TrainingSettings(steps=400, evaluate_every=100, evaluation_seeds=(0,)), report=poison)
    assert stopped.value.good_step % 100 == 0
    for name, array in agent.state_dict().items():
        np.testing.assert_array_equal(array, good[name], err_msg=name)
        assert np.isfinite(array).all()


def test_the_lab_can_put_its_own_formulas_in_place() -> None:
    def cautious(rewards: tf.Tensor, terminated: tf.Tensor, next_values: tf.Tensor, discount: float) -> tf.Tensor:
        return 0 * critic_target(rewards, terminated, next_values, discount)

    problem = ActorCritic(3, (-2.0,), (2.0,), SMALL, Rules(critic_target=cautious))
    batch, networks = one(random_batches(1), 0), problem.start(0)
    values = problem.value(problem.critic.layers(networks.critic.weights), batch.observations, batch.actions / 2)
    _, losses = update(networks, batch, problem)
    assert float(losses.critic) == pytest.approx(float(tf.reduce_mean(values**2)), rel=1e-5)


def test_an_overflow_of_the_weights_shows_in_the_losses_of_the_same_update() -> None:
    broken = PROBLEM.start(0)
    broken = broken._replace(critic=broken.critic._replace(mean=broken.critic.mean + np.inf))
    _, losses = update(broken, one(random_batches(1), 0), PROBLEM)
    assert not np.isfinite(losses.critic)


def test_noise_with_inertia_can_take_the_place_of_gaussian_noise() -> None:
    environment = make_environment("Pendulum-v1", copies=2)
    noise = OrnsteinUhlenbeckNoise((2, 1), scale=0.3, seed=0)
    agent = DDPG(environment, SMALL, noise=noise)
    assert agent.settings["exploration"] == "OrnsteinUhlenbeckNoise"
    with pytest.raises(ValueError, match=r"make it with shape \(1, 1\)"):
        DDPG(make_environment("Pendulum-v1"), SMALL, noise=noise)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tau": 0.0}, "tau must be between"),
        ({"discount": 1.1}, "discount must be between"),
        ({"noise": float("nan")}, "noise must be between"),
        ({"warm_up": 10}, "warm_up=10 cannot fill a batch"),
        ({"replay_capacity": 10}, "replay_capacity=10 cannot fill a batch"),
        ({"hidden": (64, 0)}, "hidden must be at least 1"),
    ],
)
def test_settings_out_of_range_are_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DDPGSettings(**change)


def test_what_does_not_fit_is_refused_with_what_to_do() -> None:
    with pytest.raises(TypeError, match="batch_size must be made of integers"):
        DDPGSettings(batch_size=64.0)
    with pytest.raises(ValueError, match="mode must be 'strict' or 'chunked', got 'fast'"):
        make_ddpg(make_environment("Pendulum-v1"), "fast")
    with pytest.raises(ValueError, match="For discrete actions take a Q-network"):
        make_ddpg(make_environment("CartPole-v1"))
    with pytest.raises(ValueError, match="needs the environment as TensorFlow functions"):
        make_ddpg(make_environment("MountainCarContinuous-v0"), "in_graph")
    with pytest.raises(ValueError, match="memory_limit="):
        InGraphDDPG(settings=SMALL, memory_limit=1000)
    with pytest.raises(ValueError, match="bounds must be finite"):
        ActorCritic(3, (-np.inf,), (1.0,))
    agent = InGraphDDPG(settings=SMALL)
    with pytest.raises(ValueError, match="explores inside its own loop"):
        agent.act(np.zeros((1, 3)), explore=True)
    with pytest.raises(ValueError, match="give it the same settings"):
        InGraphDDPG(settings=SMALL, environments=2).load_state_dict(agent.state_dict())
