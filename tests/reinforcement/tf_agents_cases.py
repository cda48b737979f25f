"""The bridge with the real TF-Agents; `test_tf_agents_bridge.py` runs these in a process of their own.

TensorFlow decides once, when it is imported, whether `tf.keras` is Keras 2, which TF-Agents needs, or Keras 3, which
all other tests use. So pytest does not find these by itself, and the library is loaded when they run.
"""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest

from dlcourse.reinforcement.dqn_settings import DQNSettings
from dlcourse.reinforcement.environments import make_environment
from dlcourse.reinforcement.minatar import minatar_breakout
from dlcourse.reinforcement.tf_agents_bridge import load_tf_agents, make_dqn_agent, py_environment, train_tf_agents
from dlcourse.reinforcement.training import TrainingSettings

SMALL = DQNSettings(
    hidden=(16, 8), batch_size=8, updates_per_call=1, compiled=False, warm_up=8, epsilon_steps=100, target_every=1000
)


@pytest.fixture(scope="session", autouse=True)
def library():
    load_tf_agents()


class Script(gymnasium.Env):
    """Counts its steps; the fifth terminates, if the clock does not run out before."""

    observation_space = gymnasium.spaces.Box(0, 10, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.count = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.count += 1
        return np.full(1, self.count, np.float32), 1.5, self.count == 5, False, {}


def random_transitions(rng, count, shape, actions):
    """Transitions of which some terminated and some were cut by the clock."""
    kinds = rng.integers(3, size=count)
    return {
        "observations": rng.normal(size=(count, *shape)).astype(np.float32),
        "actions": rng.integers(actions, size=count),
        "rewards": rng.normal(size=count).astype(np.float32),
        "next_observations": rng.normal(size=(count, *shape)).astype(np.float32),
        "terminated": kinds == 1,
        "truncated": kinds == 2,
    }


def as_trajectory(given):
    """The same for TF-Agents: pairs of neighbours, shape (B, 2)."""
    import tensorflow as tf
    from tf_agents.trajectories.trajectory import Trajectory

    ended = given["terminated"] | given["truncated"]
    after = np.where(ended, 2, 1).astype(np.int32)
    nothing = np.zeros(len(ended), np.float32)
    pairs = {
        "step_type": (np.ones_like(after), after),
        "observation": (given["observations"], given["next_observations"]),
        "action": (given["actions"], np.zeros_like(given["actions"])),
        "next_step_type": (after, np.ones_like(after)),
        "reward": (given["rewards"], nothing),
        "discount": (np.where(given["terminated"], 0, 1).astype(np.float32), nothing + 1),
    }
    return Trajectory(policy_info=(), **{name: tf.constant(np.stack(pair, axis=1)) for name, pair in pairs.items()})


def both_agents(settings, name="CartPole-v1"):
    """Ours and TF-Agents', with the same weights; the target networks have others, the same too."""
    from dlcourse.reinforcement.dqn import DQN

    ours = DQN(make_environment(name), settings, seed=3)
    theirs = make_dqn_agent(py_environment(name), settings, seed=3)
    rng = np.random.default_rng(5)
    for mine, their in (
        (ours.network.variables, theirs._q_network.variables),
        (ours.target_network.variables, theirs._target_q_network.variables),
    ):
        assert [tuple(variable.shape) for variable in mine] == [tuple(variable.shape) for variable in their]
        for one, other in zip(mine, their, strict=True):
            one.assign(rng.normal(scale=0.7, size=one.shape))
            other.assign(one.numpy())
    return ours, theirs


@pytest.mark.parametrize("name", ["CartPole-v1", "Pendulum-v1", minatar_breakout])
def test_the_adapter_keeps_the_library_s_contract(name):
    from tf_agents.environments.utils import validate_py_environment

    environment = py_environment(name, seed=1, max_steps=30)
    validate_py_environment(environment, episodes=2)
    assert len(environment.episodes) == 2


@pytest.mark.parametrize(("max_steps", "length", "discount"), [(3, 3, 1.0), (10, 5, 0.0)])
def test_only_termination_has_discount_0(max_steps, length, discount):
    environment = py_environment(Script, max_steps=max_steps)
    first = environment.reset()
    steps = [environment.step(np.int64(0)) for _ in range(length)]
    assert first.is_first() and all(step.is_mid() for step in steps[:-1]) and steps[-1].is_last()
    assert [float(step.discount) for step in steps] == [1.0] * (length - 1) + [discount]
    assert float(steps[-1].observation[0]) == length and float(steps[-1].reward) == 1.5
    assert environment.episodes == [(1.5 * length, length)]
    assert environment.step(np.int64(0)).is_first()


def test_the_adapter_plays_the_episodes_of_our_environment():
    ours, theirs = make_environment("CartPole-v1", seed=4), py_environment("CartPole-v1", seed=4)
    ours.reset()
    theirs.reset()
    rng = np.random.default_rng(0)
    finished = []
    for action in rng.integers(2, size=200):
        step = ours.step(np.array([action]))
        seen = theirs.step(action)
        np.testing.assert_array_equal(step.transitions.next_observations[0], seen.observation)
        if seen.is_last():
            theirs.reset()
        finished += step.episodes
    assert theirs.episodes == finished and len(finished) > 3


@pytest.mark.parametrize("double", [True, False])
def test_one_update_moves_the_weights_as_ours_does(double):
    from dlcourse.reinforcement.prioritized import LearningBatch

    # A small clip norm, so that clipping is at work in both.
    settings = replace(SMALL, double=double, clip_norm=0.5, batch_size=64, warm_up=64)
    ours, theirs = both_agents(settings)
    given = random_transitions(np.random.default_rng(1), settings.batch_size, (4,), 2)
    discounts = np.where(given["terminated"], 0, settings.discount).astype(np.float32)
    batch = {"observations": given["observations"], "actions": given["actions"].astype(np.int64)}
    batch |= {"rewards": given["rewards"], "next_observations": given["next_observations"], "discounts": discounts}
    batch |= {"weights": np.ones(settings.batch_size, np.float32), "indices": np.arange(settings.batch_size)}
    frozen = ours.target_network(given["next_observations"]).numpy()
    chosen = ours.values(given["next_observations"]).argmax(axis=1)
    # Single and double targets differ in some of the transitions that bootstrap.
    assert ((chosen != frozen.argmax(axis=1)) & ~given["terminated"]).sum() >= 5
    ours.memory.sample = lambda count: LearningBatch(**batch)
    figures = ours.learn()
    loss = theirs.train(as_trajectory(given)).loss
    assert figures["loss"] == pytest.approx(float(loss), rel=1e-5)
    for mine, their in zip(ours.network.variables, theirs._q_network.variables, strict=True):
        np.testing.assert_allclose(mine.numpy(), their.numpy(), atol=2e-6)


def test_the_networks_compute_the_same_values():
    small = replace(SMALL, network="minatar", filters=(4,), hidden=(8,))
    ours, theirs = both_agents(small, minatar_breakout)
    environment = make_environment(minatar_breakout, copies=3)
    seen = environment.reset()
    values, _ = theirs._q_network(seen)
    np.testing.assert_allclose(ours.values(seen), values.numpy(), rtol=1e-5, atol=1e-5)


def test_exploration_is_random_before_the_first_update_and_falls_then():
    agent = make_dqn_agent(py_environment("CartPole-v1"), SMALL)
    epsilon = agent.collect_policy._get_epsilon
    assert float(epsilon()) == 1.0
    agent.train_step_counter.assign(50)
    assert float(epsilon()) == pytest.approx((SMALL.first_epsilon + SMALL.last_epsilon) / 2)
    agent.train_step_counter.assign(1000)
    assert float(epsilon()) == pytest.approx(SMALL.last_epsilon)


def test_observations_and_actions_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="DQN compares the values of discrete actions"):
        make_dqn_agent(py_environment("Pendulum-v1"), DQNSettings())
    with pytest.raises(ValueError, match=r"observations of shape \(10, 10, 4\) and the network 'dense'"):
        make_dqn_agent(py_environment(minatar_breakout), DQNSettings())


def test_it_learns_cartpole():
    # Random actions hold the pole for 22 steps on average, an agent that learns nothing for 9 to 10, pushing one way.
    settings = DQNSettings(warm_up=512, epsilon_steps=1000)
    training = TrainingSettings(steps=2400, evaluate_every=1200, evaluation_seeds=(10_000, 10_001, 10_002))
    result = train_tf_agents("CartPole-v1", training, settings, seed=0)
    assert result.steps == 2400 and result.history.step.tolist() == [1200, 2400] and result.resumed_at is None
    assert result.episodes.length.sum() <= 2400 and (result.episodes.step.diff().dropna() >= 0).all()
    assert result.history.evaluation_return.iloc[-1] > 60, result.history.to_string()
