"""The same DQN by TF-Agents: any gymnasium environment in its clothes, and its agent with the settings of ours.

TF-Agents is a library of tested reinforcement-learning algorithms by Google. Its pieces carry other names than ours: a
`PyEnvironment` answers with a `TimeStep` (kind of step, reward, discount, observation), a driver collects them into a
replay buffer, and an agent learns from pairs of neighbours. What the library calls discount is 0 where the task ended
and 1 elsewhere, also where the clock ran out; gamma multiplies it later.

TF-Agents needs the old Keras 2 behind `tf.keras`, which TensorFlow decides when it is imported. So it is loaded when a
function here is called, and not before, and where it cannot work the error says what to do.

Used in: Lab 07

Reference: Lecture 004, "RL WITH AVAILABLE TOOLS"; Guadarrama et al. (2018), "TF-Agents: a library for reinforcement
learning in TensorFlow".
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr
from functools import cache
from io import StringIO
from types import ModuleType
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np

from dlcourse.progress import track
from dlcourse.quiet import quiet_import
from dlcourse.reinforcement._training_record import TrainingRecord
from dlcourse.reinforcement.dqn_settings import DQNSettings
from dlcourse.reinforcement.environments import (
    Episode,
    checked_action_space,
    checked_observation_space,
    environment_maker,
)
from dlcourse.reinforcement.evaluation import evaluate
from dlcourse.reinforcement.training import TrainingResult, TrainingSettings

if TYPE_CHECKING:
    from tf_agents.agents import DqnAgent
    from tf_agents.environments import PyEnvironment, TFPyEnvironment

_FIRST_CELL = 'import os; os.environ["TF_USE_LEGACY_KERAS"] = "1"'


def load_tf_agents() -> ModuleType:
    """Imports TF-Agents, or says what keeps it from working here.

    Where TensorFlow is not imported yet, this sets the variable TF_USE_LEGACY_KERAS to 1 first.

    Returns:
        The module `tf_agents`.

    Raises:
        ImportError: if TF-Agents is not installed, or TensorFlow was imported with Keras 3 behind `tf.keras`; the
            message says what to do.

    Used in: Lab 07
    """
    if importlib.util.find_spec("tf_agents") is None:
        raise ImportError(
            "TF-Agents is not installed. On your own machine: pip install 'dlcourse[labs]', with Python 3.11 or 3.12. "
            "On Colab leave it out: it asks for old releases of packages that Colab needs."
        )
    if "tensorflow" not in sys.modules:
        os.environ["TF_USE_LEGACY_KERAS"] = "1"
    tensorflow = quiet_import("tensorflow")
    if not tensorflow.keras.Model.__module__.startswith("tf_keras"):
        raise ImportError(
            "TF-Agents needs Keras 2 behind tf.keras, and TensorFlow was imported with Keras 3, before "
            f"TF_USE_LEGACY_KERAS was set. Restart the kernel and run this before anything else: {_FIRST_CELL}"
        )
    # The library calls what TensorFlow has deprecated, and imports gym, which asks for gymnasium at length.
    tensorflow.get_logger().setLevel("ERROR")
    with redirect_stderr(StringIO()):
        return quiet_import("tf_agents")


def py_environment(
    name: str | Callable[[], gymnasium.Env], *, seed: int = 0, max_steps: int | None = None, **settings: Any
) -> PyEnvironment:
    """A gymnasium environment as TF-Agents wants it.

    A step that terminated has discount 0, so that nothing is expected to follow. A step at which the clock ran out is
    the last of its episode too, but keeps discount 1: the value of its successor counts.

    Args:
        name: as in `make_environment`.
        seed: of the first episode; the environment's generator then goes on.
        max_steps: as in `make_environment`.
        **settings: for the environment.

    Returns:
        A `tf_agents.environments.PyEnvironment`. Its list `episodes` holds return and length of those that ended.

    Raises:
        ImportError: as `load_tf_agents`.
        ValueError: for a name that gymnasium does not know, or spaces other than Box and Discrete.

    Example, with TF_USE_LEGACY_KERAS=1:
        py_environment("CartPole-v1").reset().observation.shape      # (4,)

    Used in: Lab 07
    """
    return _adapter()(environment_maker(name, max_steps, settings)(), seed)


@cache
def _adapter() -> type:
    """The class is made when it is first needed, because its base class is TF-Agents'."""
    load_tf_agents()
    from tf_agents.environments import PyEnvironment
    from tf_agents.specs import ArraySpec, BoundedArraySpec
    from tf_agents.trajectories import time_step

    class GymnasiumEnvironment(PyEnvironment):
        """See `py_environment`."""

        def __init__(self, environment: gymnasium.Env, seed: int) -> None:
            # Without this the library goes on stepping an episode that has ended.
            super().__init__(handle_auto_reset=True)
            self._environment = environment
            self._seed: int | None = seed
            seen, taken = checked_observation_space(environment), checked_action_space(environment)
            # Yes and no have no bounds in TF-Agents.
            bounds = () if seen.dtype == bool else (seen.low, seen.high)
            kind = BoundedArraySpec if bounds else ArraySpec
            self._observation_spec = kind(seen.shape, seen.dtype, *bounds, name="observation")
            if isinstance(taken, gymnasium.spaces.Discrete):
                last = taken.start + taken.n - 1
                self._action_spec = BoundedArraySpec((), taken.dtype, taken.start, last, "action")
            else:
                self._action_spec = BoundedArraySpec(taken.shape, taken.dtype, taken.low, taken.high, "action")
            self._total, self._length = 0.0, 0
            self.episodes: list[Episode] = []

        def observation_spec(self) -> ArraySpec:
            return self._observation_spec

        def action_spec(self) -> BoundedArraySpec:
            return self._action_spec

        def _reset(self) -> time_step.TimeStep:
            observation, _ = self._environment.reset(seed=self._seed)
            self._seed, self._total, self._length = None, 0.0, 0
            return time_step.restart(self._typed(observation))

        def _step(self, action: np.ndarray) -> time_step.TimeStep:
            observation, reward, terminated, truncated, _ = self._environment.step(np.asarray(action))
            self._total, self._length = self._total + float(reward), self._length + 1
            if terminated or truncated:
                self.episodes.append(Episode(self._total, self._length))
            if terminated:
                return time_step.termination(self._typed(observation), reward)
            if truncated:
                return time_step.truncation(self._typed(observation), reward, discount=1.0)
            return time_step.transition(self._typed(observation), reward, discount=1.0)

        def _typed(self, observation: np.ndarray) -> np.ndarray:
            return np.asarray(observation, self._observation_spec.dtype)

        def close(self) -> None:
            self._environment.close()

    return GymnasiumEnvironment


def make_dqn_agent(
    environment: PyEnvironment | TFPyEnvironment, settings: DQNSettings | None = None, *, seed: int = 0
) -> DqnAgent:
    """TF-Agents' DQN with our settings: the same layers, initial laws, loss, optimizer, targets and exploration.

    Args:
        environment: from `py_environment`, or a `TFPyEnvironment` around it.
        settings: None stands for `DQNSettings()`. `double` makes it a `DdqnAgent`. What concerns speed alone, such as
            `compiled`, has no counterpart.
        seed: of the initial weights.

    Returns:
        The agent, initialised. `agent.policy` is greedy; `agent.collect_policy` explores, with an epsilon that falls as
        the agent trains.

    Raises:
        ImportError: as `load_tf_agents`.
        ValueError: for settings that TF-Agents' DQN does not know (a dueling head, priorities, mirroring, bfloat16),
            observations that do not suit the network, or actions that are not discrete.

    Example, with TF_USE_LEGACY_KERAS=1:
        agent = make_dqn_agent(py_environment("CartPole-v1"), DQNSettings(hidden=(32,)))      # a DdqnAgent

    Used in: Lab 07
    """
    settings = settings or DQNSettings()
    _refuse_unknown(settings)
    load_tf_agents()
    import tensorflow as tf
    from tf_agents.agents.dqn.dqn_agent import DdqnAgent, DqnAgent
    from tf_agents.specs import tensor_spec
    from tf_agents.utils.common import element_wise_huber_loss

    time_step_spec = tensor_spec.from_spec(environment.time_step_spec())
    action_spec = tensor_spec.from_spec(environment.action_spec())
    if action_spec.shape.rank or not action_spec.dtype.is_integer or action_spec.minimum != 0:
        raise ValueError(f"actions are {action_spec}: DQN compares the values of discrete actions 0, 1, ...")
    # The library counts on 64 bits; its default counter, the global step of TensorFlow 1, makes `train` fail.
    counter = tf.Variable(0, dtype=tf.int64, name="train_step")

    def epsilon() -> tf.Tensor:
        share = tf.minimum(1.0, tf.cast(counter * settings.train_every, tf.float32) / settings.epsilon_steps)
        falling = settings.first_epsilon + (settings.last_epsilon - settings.first_epsilon) * share
        # Before the first update all actions are random, which fills the replay.
        return tf.where(counter == 0, 1.0, falling)

    network = _q_network(settings, time_step_spec.observation.shape, int(action_spec.maximum) + 1, seed)
    optimizer = _optimizer(settings)
    agent = (DdqnAgent if settings.double else DqnAgent)(
        time_step_spec,
        action_spec,
        q_network=network,
        optimizer=optimizer,
        epsilon_greedy=epsilon,
        n_step_update=settings.n_step,
        target_update_period=settings.target_every,
        td_errors_loss_fn=element_wise_huber_loss,
        gamma=settings.discount,
        train_step_counter=counter,
    )
    agent.initialize()
    # Made in the first update, its variables would cost a second trace of the whole update.
    optimizer.build(network.trainable_weights)
    return agent


def train_tf_agents(
    name: str | Callable[[], gymnasium.Env],
    training: TrainingSettings | None = None,
    settings: DQNSettings | None = None,
    *,
    seed: int = 0,
    max_steps: int | None = None,
    **environment_settings: Any,
) -> TrainingResult:
    """Trains TF-Agents' DQN as `train` trains ours: the same steps, updates, evaluations and columns of the history.

    Args:
        name: as in `make_environment`; actions must be discrete.
        training: `steps` (rounded up to whole calls of `updates_per_call` updates), `evaluate_every` and
            `evaluation_seeds` count; None stands for `TrainingSettings()`. Nothing is saved.
        settings: None stands for `DQNSettings()`.
        seed: of the environment, the weights and the random actions.
        max_steps: as in `make_environment`.
        **environment_settings: for the environment.

    Returns:
        History, episodes and counters.

    Raises:
        ImportError: as `load_tf_agents`.
        ValueError: as `make_dqn_agent` and `make_environment`.

    Example, with TF_USE_LEGACY_KERAS=1:
        train_tf_agents("CartPole-v1", TrainingSettings(steps=5000)).history.evaluation_return.max()      # over 100

    Used in: Lab 07
    """
    training, settings = training or TrainingSettings(), settings or DQNSettings()
    _refuse_unknown(settings)
    load_tf_agents()
    import tensorflow as tf
    from tf_agents.drivers.dynamic_step_driver import DynamicStepDriver
    from tf_agents.environments import TFPyEnvironment
    from tf_agents.replay_buffers import TFUniformReplayBuffer
    from tf_agents.trajectories import time_step

    tf.random.set_seed(seed)
    played = py_environment(name, seed=seed, max_steps=max_steps, **environment_settings)
    environment = TFPyEnvironment(played)
    agent = make_dqn_agent(environment, settings, seed=seed)
    replay = TFUniformReplayBuffer(agent.collect_data_spec, batch_size=1, max_length=settings.replay_capacity)
    chunk = settings.train_every * settings.updates_per_call
    driver = DynamicStepDriver(environment, agent.collect_policy, observers=[replay.add_batch], num_steps=chunk)
    # The library's code needs no AutoGraph, whose translation of it takes longer than the training.
    collect, learn = (tf.function(method, autograph=False) for method in (driver.run, agent.train))

    @tf.function
    def update(batches: Any) -> tf.Tensor:
        loss = 0.0
        for _ in tf.range(settings.updates_per_call):
            loss += learn(next(batches)[0]).loss
        return loss / settings.updates_per_call

    def act(observations: tf.Tensor) -> tf.Tensor:
        steps = time_step.restart(observations, batch_size=len(training.evaluation_seeds))
        return agent.policy.action(steps).action

    greedy = tf.function(act, autograph=False)
    record = TrainingRecord()
    batches = iter(replay.as_dataset(sample_batch_size=settings.batch_size, num_steps=settings.n_step + 1))
    seconds, last_row, known = 0.0, 0, 0
    with track(range(training.steps), "training with TF-Agents", unit="step") as bar:
        while record.step < training.steps:
            before, started = record.step, time.perf_counter()
            collect()
            figures = {} if before < settings.warm_up else {"loss": float(update(batches))}
            record.take(chunk, played.episodes[known:], figures)
            known = len(played.episodes)
            seconds += time.perf_counter() - started
            now = record.step
            bar.update(now - before)
            if now >= training.steps or now // training.evaluate_every > before // training.evaluate_every:
                returns = evaluate(
                    lambda seen: greedy(seen).numpy(),
                    name,
                    training.evaluation_seeds,
                    max_steps=max_steps,
                    **environment_settings,
                )
                record.close_row(returns, (now - last_row) / max(seconds, 1e-9))
                seconds, last_row = 0.0, now
    environment.close()
    return TrainingResult(record.history(), record.episodes(), record.step, None)


def _q_network(settings: DQNSettings, shape: tuple[int, ...], actions: int, seed: int) -> Any:
    """Our layers in Keras 2, for observations of this shape."""
    import tensorflow as tf
    from tf_agents.networks.sequential import Sequential

    def start(offset: int) -> Any:
        return tf.keras.initializers.HeNormal(seed=seed + offset)

    if settings.network == "dense" and len(shape) == 1:
        before, hidden = [], settings.hidden
    elif settings.network == "minatar" and len(shape) == 3:
        convolution = tf.keras.layers.Conv2D(settings.filters[0], 3, activation="relu", kernel_initializer=start(0))
        before, hidden = [convolution, tf.keras.layers.Flatten()], settings.hidden[-1:]
    else:
        raise ValueError(
            f"observations of shape {tuple(shape)} and the network {settings.network!r}: the bridge knows 'dense' for "
            "vectors and 'minatar' for pictures (height, width, channels)"
        )
    layers = [tf.keras.layers.Lambda(lambda seen: tf.cast(seen, tf.float32)), *before]
    for number, units in enumerate(hidden):
        layers.append(tf.keras.layers.Dense(units, activation="relu", kernel_initializer=start(1 + number)))
    last = tf.keras.initializers.GlorotUniform(seed=seed + 11)
    return Sequential([*layers, tf.keras.layers.Dense(actions, kernel_initializer=last)])


def _optimizer(settings: DQNSettings) -> Any:
    """Adam as ours: one norm for all gradients together, where the agent's own setting clips each by itself."""
    import tensorflow as tf

    rate = settings.learning_rate
    if settings.last_learning_rate is not None:
        updates = max(1, (settings.total_steps - settings.warm_up) // settings.train_every)
        rate = tf.keras.optimizers.schedules.PolynomialDecay(rate, updates, settings.last_learning_rate)
    return tf.keras.optimizers.Adam(rate, epsilon=settings.adam_epsilon, global_clipnorm=settings.clip_norm)


def _refuse_unknown(settings: DQNSettings) -> None:
    plain = {"dueling": None, "priority_exponent": 0.0, "mirror": None, "precision": "float32"}
    for name, value in plain.items():
        if getattr(settings, name) != value:
            raise ValueError(f"{name}={getattr(settings, name)!r}: TF-Agents' DQN has no such setting, give {value!r}")
