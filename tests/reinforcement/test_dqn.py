"""DQN: updates against a loop of our own in NumPy, the accounting of steps, and runs that are cut off."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from gymnasium import spaces

from dlcourse.reinforcement.dqn import DQN, DQNRules, huber, make_network, mirrored
from dlcourse.reinforcement.dqn_settings import DQNSettings
from dlcourse.reinforcement.environments import make_environment
from dlcourse.reinforcement.evaluation import evaluate
from dlcourse.reinforcement.minatar import minatar_breakout
from dlcourse.reinforcement.prioritized import LearningBatch
from dlcourse.reinforcement.replay import Transitions
from dlcourse.reinforcement.training import TrainingDivergedError, TrainingSettings, train

# Without XLA, which takes longer to compile than these few updates to run.
SMALL = DQNSettings(hidden=(8,), batch_size=16, warm_up=64, replay_capacity=500, updates_per_call=2, compiled=False)
RICH = replace(
    SMALL, n_step=3, priority_exponent=0.6, last_learning_rate=1e-4, epsilon_steps=100, target_every=10, total_steps=400
)
SHORT = TrainingSettings(steps=300, evaluate_every=100, evaluation_seeds=(0,))


def random_batch(size: int, seed: int = 0) -> LearningBatch:
    rng = np.random.default_rng(seed)
    now, after = rng.normal(size=(2, size, 4)).astype(np.float32)
    rewards, discounts, weights = rng.random((3, size)).astype(np.float32)
    # Errors on both sides of the Huber loss's corners.
    return LearningBatch(now, rng.integers(2, size=size), 6 * rewards - 2, after, discounts, weights, np.arange(size))


class Deck:
    """A replay that deals prepared batches and keeps the errors that come back."""

    def __init__(self, *batches: LearningBatch) -> None:
        self.batches, self.errors, self.beta = list(batches), [], 0.0

    def sample(self, size: int) -> LearningBatch:
        assert len(self.batches[0].rewards) == size
        return self.batches.pop(0)

    def update_priorities(self, indices: np.ndarray, errors: np.ndarray) -> None:
        self.errors.append((indices, errors))


class ByHand:
    """A network of one hidden layer in NumPy, with Adam from its paper's formulas; Keras gives the Huber loss alone."""

    def __init__(self, agent: DQN) -> None:
        self.weights = [array.astype(np.float64) for array in agent.network.get_weights()]
        self.target = [array.copy() for array in self.weights]
        self.mean = [0 * array for array in self.weights]
        self.square = [0 * array for array in self.weights]
        self.updates = 0

    @staticmethod
    def values(weights: list, observations: np.ndarray) -> tf.Tensor:
        first, bias, second, shift = (tf.cast(array, tf.float64) for array in weights)
        return tf.nn.relu(observations.astype(np.float64) @ first + bias) @ second + shift

    def update(self, batch: LearningBatch, settings: DQNSettings) -> np.ndarray:
        rows = np.arange(len(batch.rewards))
        judged = self.values(self.target, batch.next_observations).numpy()
        chosen = self.values(self.weights, batch.next_observations).numpy() if settings.double else judged
        targets = batch.rewards + batch.discounts * judged[rows, chosen.argmax(axis=1)]
        variables = [tf.Variable(array) for array in self.weights]
        with tf.GradientTape() as tape:
            taken = tf.one_hot(batch.actions, 2, dtype=tf.float64)
            values = tf.reduce_sum(self.values(variables, batch.observations) * taken, axis=1)
            losses = [keras.losses.Huber(dtype="float64")(targets[[i]], values[i : i + 1]) for i in rows]
            loss = tf.reduce_mean(batch.weights.astype(np.float64) * tf.stack(losses))
        gradients = [gradient.numpy() for gradient in tape.gradient(loss, variables)]
        norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
        self.largest_norm = norm
        start, end = settings.learning_rate, settings.last_learning_rate
        share = min(1, self.updates / (settings.total_steps - settings.warm_up))
        rate = start + (end - start) * share
        self.updates += 1
        for weight, mean, square, gradient in zip(self.weights, self.mean, self.square, gradients, strict=True):
            gradient = gradient * min(1, settings.clip_norm / norm)
            mean += (1 - 0.9) * (gradient - mean)
            square += (1 - 0.999) * (gradient**2 - square)
            unbiased = np.sqrt(1 - 0.999**self.updates) / (1 - 0.9**self.updates)
            weight -= rate * unbiased * mean / (np.sqrt(square) + settings.adam_epsilon)
        if self.updates % settings.target_every == 0:
            self.target = [array.copy() for array in self.weights]
        return targets - values.numpy()


@pytest.mark.parametrize(("double", "compiled"), [(True, False), (False, False), (True, True)])
def test_updates_are_those_of_a_loop_by_hand(double, compiled):
    options = replace(RICH, double=double, compiled=compiled, target_every=2, clip_norm=0.3, total_steps=80)
    agent = DQN(make_environment("CartPole-v1"), options, seed=1)
    oracle = ByHand(agent)
    batches = [random_batch(32, seed) for seed in range(4)]
    agent.memory = Deck(*batches)
    for batch in batches:
        figures = agent.learn()
        errors = np.zeros(32)
        for hand in range(2):
            dealt = slice(hand, None, 2)
            errors[dealt] = oracle.update(LearningBatch(*(part[dealt] for part in batch)), options)
        indices, found = agent.memory.errors.pop()
        np.testing.assert_array_equal(indices, batch.indices)
        np.testing.assert_allclose(found, errors, atol=2e-5)
        assert np.abs(errors).min() < 1 < np.abs(errors).max() and oracle.largest_norm > options.clip_norm
        assert figures["loss"] == pytest.approx((batch.weights * huber(tf.constant(errors))).numpy().mean(), rel=1e-4)
    for network, expected in ((agent.network, oracle.weights), (agent.target_network, oracle.target)):
        for ours, theirs in zip(network.get_weights(), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=2e-5)
    assert not np.array_equal(agent.network.get_weights()[0], make_network(options, (4,), 2, 1).get_weights()[0])


def test_formulas_of_one_s_own_take_the_place_of_the_course_s():
    rules = DQNRules(target=lambda rewards, discounts, values: 2 * rewards, loss=tf.square)
    rules = replace(rules, epsilon=lambda step, first, last, steps: 0.25)
    options = replace(SMALL, double=False, priority_exponent=0.5, updates_per_call=1)
    agent = DQN(make_environment("CartPole-v1"), options, rules=rules)
    batch = random_batch(16)
    errors = 2 * batch.rewards - agent.values(batch.observations)[np.arange(16), batch.actions]
    agent.memory = Deck(batch)
    assert agent.learn()["loss"] == pytest.approx((batch.weights * errors**2).mean(), rel=1e-4)
    np.testing.assert_allclose(agent.memory.errors[0][1], errors, atol=1e-5)
    agent._steps = options.warm_up
    assert agent.epsilon == 0.25


def test_huber_is_that_of_keras():
    errors = np.linspace(-3, 3, 25, dtype=np.float32)
    expected = keras.losses.Huber(reduction=None)(np.zeros((25, 1)), errors[:, None])
    np.testing.assert_allclose(huber(tf.constant(errors)), expected, atol=1e-6)


def test_a_mirrored_batch_is_what_the_mirrored_player_would_have_seen():
    rng = np.random.default_rng(0)
    frames = rng.integers(256, size=(2, 6, 4, 3, 5), dtype=np.uint8)
    batch = random_batch(6)._replace(
        observations=frames[0], next_observations=frames[1], actions=np.array([0, 1, 2, 3, 2, 3])
    )
    chosen = np.array([True, True, True, True, False, False])
    seen = mirrored(batch, (0, 1, 3, 2), chosen)
    np.testing.assert_array_equal(seen.actions, [0, 1, 3, 2, 2, 3])
    for before, after in ((frames[0], seen.observations), (frames[1], seen.next_observations)):
        np.testing.assert_array_equal(after[:4], np.flip(before[:4], axis=3))
        np.testing.assert_array_equal(after[4:], before[4:])
    twice = mirrored(seen, (0, 1, 3, 2), chosen)
    for once, again in zip(batch, twice, strict=True):
        np.testing.assert_array_equal(once, again)


def test_learning_with_a_mirror_learns_from_mirrored_batches():
    space = spaces.Box(0, 255, (2, 36, 36), np.uint8)
    games = SimpleNamespace(name="film", count=1, observation_space=space, action_space=spaces.Discrete(3))
    options = replace(SMALL, network="nature", filters=(4, 4, 4), updates_per_call=1)
    rng = np.random.default_rng(2)
    frames = rng.integers(256, size=(2, 16, 2, 36, 36), dtype=np.uint8)
    batch = random_batch(16)._replace(observations=frames[0], next_observations=frames[1])
    turned, plain = DQN(games, replace(options, mirror=(0, 2, 1))), DQN(games, options)
    # Both draw from the same generator.
    chosen = np.random.default_rng([0, 3]).random(16) < 0.5
    turned.memory, plain.memory = Deck(batch), Deck(mirrored(batch, (0, 2, 1), chosen))
    assert 0 < chosen.sum() < 16 and turned.learn() == plain.learn()


def test_epsilon_falls_from_the_warm_up_on_and_is_the_share_of_random_actions():
    agent = DQN(make_environment("CartPole-v1"), replace(SMALL, first_epsilon=0.9, last_epsilon=0.1, epsilon_steps=100))
    expected = {0: 1.0, 63: 1.0, 64: 0.9, 114: 0.5, 164: 0.1, 1000: 0.1}
    for agent._steps, epsilon in expected.items():
        assert agent.epsilon == pytest.approx(epsilon)
    observations = np.random.default_rng(0).normal(size=(4000, 4))
    greedy = agent.act(observations, explore=False)
    np.testing.assert_array_equal(greedy, agent.values(observations).argmax(axis=1))
    for agent._steps, epsilon in expected.items():
        # Half of the random actions are the greedy one; four standard deviations.
        assert abs((agent.act(observations, explore=True) != greedy).mean() - epsilon / 2) < 4 * 0.5 / np.sqrt(4000)


@pytest.mark.parametrize(("copies", "every", "calls"), [(1, 1, 1), (1, 4, 2), (3, 1, 2), (5, 2, 1)])
def test_there_is_an_update_for_every_few_steps_after_warm_up(copies, every, calls):
    environment = make_environment("CartPole-v1", copies=copies)
    agent = DQN(environment, replace(SMALL, train_every=every, updates_per_call=calls))
    made = []
    agent.learn = lambda: made.append(agent._steps) or {"loss": 0.0}
    observations = environment.reset()
    for step in range(1, 61):
        observations, transitions, _ = environment.step(agent.act(observations, explore=True))
        agent.observe(transitions)
        assert len(made) == max(0, copies * step - SMALL.warm_up) // (every * calls)


def test_n_steps_that_are_not_complete_yet_put_learning_off():
    environment = make_environment("CartPole-v1", copies=16)
    agent = DQN(environment, replace(SMALL, n_step=5, warm_up=32, updates_per_call=2))
    made = []
    agent.learn = lambda: made.append(len(agent.memory)) or {}
    observations = environment.reset()
    for _ in range(10):
        observations, transitions, _ = environment.step(agent.act(observations, explore=True))
        agent.observe(transitions)
    # No update is lost either.
    assert len(made) == (160 - 32) // 2 and min(made) >= 32


def test_the_seed_fixes_the_draws_from_the_replay():
    def rows(seed: int) -> np.ndarray:
        agent = DQN(make_environment("CartPole-v1"), SMALL, seed=seed)
        filled = random_batch(1)
        for _ in range(100):
            agent.memory.add(
                Transitions(filled.observations, filled.actions, filled.rewards, filled.observations, [False], [False])
            )
        return agent.memory.sample(20).indices

    np.testing.assert_array_equal(rows(0), rows(0))
    assert not np.array_equal(rows(0), rows(1))


def test_cartpole_is_learnt():
    # A target that is copied more often lets the values run away, ours and those of stable-baselines3 alike.
    options = DQNSettings(n_step=3, learning_rate=5e-4, target_every=500, warm_up=500, epsilon_steps=2000)
    environment = make_environment("CartPole-v1", copies=4, seed=1)
    agent = DQN(environment, options, seed=1)
    train(agent, environment, TrainingSettings(steps=10_000, evaluate_every=10_000), evaluation=lambda _: np.zeros(1))
    # Random actions last for 22 steps, one action alone for 9; two seeds reached 185 and 265.
    assert evaluate(agent, "CartPole-v1").mean() > 150


def cut_run(kind: str, folder: Path | str | None, stop_at: int | None = None):
    """A run on CartPole or MinAtar; killed after the row of `stop_at`, before its checkpoint is written."""

    def stop(row: dict[str, float]) -> None:
        if row["step"] == stop_at:
            os.kill(os.getpid(), signal.SIGKILL) if kind == "CartPole-v1" else signal.raise_signal(signal.SIGINT)

    settings = RICH if kind == "CartPole-v1" else replace(RICH, network="minatar", filters=(4,), dueling="mean")
    environment = make_environment(kind if kind == "CartPole-v1" else minatar_breakout, copies=2, seed=2)
    agent = DQN(environment, settings, seed=2)
    result = train(agent, environment, SHORT, folder=folder, report=stop)
    return agent, environment, result


@pytest.mark.parametrize("kind", ["CartPole-v1", "MinAtar"])
def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(kind, tmp_path):
    if kind == "MinAtar":
        with pytest.raises(KeyboardInterrupt):
            cut_run(kind, tmp_path, stop_at=200)
    else:
        command = f"from test_dqn import cut_run; cut_run({kind!r}, {str(tmp_path)!r}, 200)"
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "DLCOURSE_PROGRESS": "0"}
        killed = subprocess.run([sys.executable, "-c", command], env=environment, cwd=Path(__file__).parents[2])
        assert killed.returncode == -signal.SIGKILL
    runs = [cut_run(kind, folder) for folder in (tmp_path, None)]
    assert runs[0][2].resumed_at == 100
    states = [
        agent.state_dict() | agent.memory.state_dict() | environment.state_dict() for agent, environment, _ in runs
    ]
    assert states[0].keys() == states[1].keys() and states[0]["counters"][2] > 200
    for name, array in states[0].items():
        np.testing.assert_array_equal(array, states[1][name], err_msg=name)
    columns = ["step", "episodes", "training_return", "evaluation_return", "loss", "value"]
    np.testing.assert_array_equal(*(result.history[columns] for _, _, result in runs))


def test_training_stops_at_nan_with_the_last_good_networks():
    environment = make_environment("CartPole-v1")
    agent = DQN(environment, RICH)

    def poison(row: dict[str, float]) -> None:
        agent.network.variables[0].assign(np.full((4, 8), np.inf))

    # The next update comes before the next checkpoint.
    with pytest.raises(TrainingDivergedError, match="loss is nan"):
        train(agent, environment, replace(SHORT, checkpoint_every=150), report=poison)
    for name, array in agent.state_dict().items():
        assert np.isfinite(array).all(), name


def test_a_state_of_other_sizes_is_refused():
    environment = make_environment("CartPole-v1")
    agent, other = (DQN(environment, replace(SMALL, hidden=(units,))) for units in (8, 9))
    with pytest.raises(ValueError, match=r"online/0 has shape \(4, 9\), this agent's .* has \(4, 8\)"):
        agent.load_state_dict(other.state_dict())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": "nature2"}, "network"),
        ({"precision": "float16"}, "precision"),
        ({"dueling": "median"}, "dueling"),
        ({"discount": 1.1}, r"discount=1\.1"),
        ({"last_epsilon": -0.1}, r"last_epsilon=-0\.1"),
        ({"clip_norm": 0.0}, "clip_norm"),
        ({"train_every": 0}, "train_every"),
        ({"warm_up": 15}, "warm_up=15 is too little to draw from: give 16 or more"),
        ({"replay_capacity": 63}, "replay_capacity=63 is too little to draw from: give 64 or more"),
        ({"mirror": (0, 2)}, "give each action once"),
        ({"mirror": (1, 0)}, "turns stacks of frames round, network='dense' takes none"),
    ],
)
def test_settings_that_cannot_work_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **change)


def test_environments_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="take DDPG for continuous ones"):
        DQN(make_environment("Pendulum-v1"), SMALL)
    with pytest.raises(ValueError, match="do not suit the network 'minatar'"):
        DQN(make_environment("CartPole-v1"), replace(SMALL, network="minatar"))
    with pytest.raises(ValueError, match="film has 2 actions"):
        space = spaces.Box(0, 255, (2, 36, 36), np.uint8)
        games = SimpleNamespace(name="film", count=1, observation_space=space, action_space=spaces.Discrete(2))
        DQN(games, replace(SMALL, network="nature", mirror=(0, 2, 1)))
