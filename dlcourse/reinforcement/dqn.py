"""DQN: one network learns Q(s, a) from remembered transitions, and acts by the largest value.

    y = r + gamma (1 - terminated) max_a' Q^-(s', a')          the target, from a network that stands still for a while
    L(theta) = mean_i w_i Huber(y_i - Q(s_i, a_i; theta))

What was found since then is a setting each: double DQN, a dueling head, n-step rewards, prioritised replay. With
`updates_per_call` > 1 several updates share one call into TensorFlow, which is where most of the time of small networks
goes.

Used in: Lab 07

Reference: Lecture 004, "VALUE LEARNING" to "SOME PROBLEMS WITH DQN"; Mnih et al. (2015); van Hasselt et al. (2016);
Wang et al. (2016); Schaul et al. (2016).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from gymnasium import spaces
from numpy.typing import NDArray

from dlcourse.reinforcement.dqn_settings import DQNSettings
from dlcourse.reinforcement.environments import VectorEnvironment
from dlcourse.reinforcement.exploration import LinearSchedule, epsilon_greedy
from dlcourse.reinforcement.frame_replay import FrameReplay
from dlcourse.reinforcement.prioritized import LearningBatch, PrioritizedReplay
from dlcourse.reinforcement.q_networks import CompiledNetwork, dense_network, minatar_network, nature_network
from dlcourse.reinforcement.random_state import pack_generator, unpack_generator
from dlcourse.reinforcement.replay import Transitions
from dlcourse.reinforcement.targets import double_q_target, q_learning_target


class Learnt(NamedTuple):
    """What an update found: loss, mean Q(s, a), and y - Q(s, a) of each transition, shape (B,).

    For several updates there is one more axis in front.
    """

    loss: tf.Tensor
    value: tf.Tensor
    errors: tf.Tensor


class DQN:
    """A deep Q-network for `train`.

    Args:
        environment: from `make_environment`, or with the same methods; its actions must be discrete.
        settings: None stands for `DQNSettings()`.
        seed: of weights, exploration and draws from the replay.
        rules: formulas of your own; None stands for the course's.

    Attributes:
        memory: the replay; one frame a transition where the network is "nature".
        network: the Keras model, observations to values.
        target_network: the copy that gives the targets.

    Raises:
        ValueError: if the actions are not discrete, or network or mirror do not fit the environment.

    Example:
        >>> from dlcourse.reinforcement.environments import make_environment
        >>> agent = DQN(make_environment("CartPole-v1"))
        >>> agent.values(np.zeros((5, 4))).shape
        (5, 2)

    Used in: Lab 07
    """

    def __init__(
        self,
        environment: VectorEnvironment,
        settings: DQNSettings | None = None,
        *,
        seed: int = 0,
        rules: DQNRules | None = None,
    ) -> None:
        self.options = settings or DQNSettings()
        self.rules = rules or DQNRules()
        self.seed = seed
        self.action_count = _action_count(environment)
        if self.options.mirror is not None and len(self.options.mirror) != self.action_count:
            raise ValueError(f"mirror={self.options.mirror}: {environment.name} has {self.action_count} actions")
        shape = environment.observation_space.shape
        self.network = make_network(self.options, shape, self.action_count, seed)
        self.target_network = make_network(self.options, shape, self.action_count, seed)
        self.optimizer = _optimizer(self.options)
        self.optimizer.build(self.network.trainable_variables)
        self.memory = _make_memory(self.options, environment, seed)
        self._generator = np.random.default_rng([seed, 3])
        self._steps = 0
        self._owed = 0
        self._updates = 0
        xla = self.options.network == "dense" if self.options.compiled is None else self.options.compiled
        self._compiled_values = CompiledNetwork(self.network, xla)
        self._compiled_updates = tf.function(self._update_many, jit_compile=xla)

    @property
    def settings(self) -> dict[str, Any]:
        """What a resumed run must share with this one, as JSON values."""
        return {"algorithm": "dqn", "seed": self.seed, **asdict(self.options)}

    @property
    def epsilon(self) -> float:
        """Probability of a random action now."""
        options, step = self.options, self._steps - self.options.warm_up
        if step < 0:
            return 1.0
        return self.rules.epsilon(step, options.first_epsilon, options.last_epsilon, options.epsilon_steps)

    def values(self, observations: NDArray) -> NDArray[np.float32]:
        """Q(s, a) of the online network, for observations of shape (N, *observation); shape (N, actions), float32."""
        return self._compiled_values(observations)

    def act(self, observations: NDArray, explore: bool) -> NDArray[np.int64]:
        """The action with the largest value, shape (N,); at random with probability epsilon where the agent explores.

        Args:
            observations: shape (N, *observation).
            explore: False for the greedy action alone.
        """
        if not explore:
            return self.values(observations).argmax(axis=1)
        if self._steps < self.options.warm_up:
            return self._generator.integers(self.action_count, size=len(observations))
        greedy = self.values(observations).argmax(axis=1)
        return epsilon_greedy(greedy, self.action_count, self.epsilon, self._generator)

    def observe(self, transitions: Transitions) -> dict[str, float]:
        """Remembers transitions, and makes one update for every `train_every` of them after the warm-up.

        Returns:
            Mean loss and mean value of the updates of the last call of `learn`, {} where there was none.
        """
        self.memory.add(transitions)
        count = len(transitions.rewards)
        self._owed += max(0, min(count, self._steps + count - self.options.warm_up))
        self._steps += count
        figures: dict[str, float] = {}
        price = self.options.train_every * self.options.updates_per_call
        # After a short warm-up less may be there than several batches need; the updates are made up for later.
        while self._owed >= price and len(self.memory) >= self.options.drawn:
            self._owed -= price
            figures = self.learn()
        return figures

    def learn(self) -> dict[str, float]:
        """`updates_per_call` updates from batches of the replay, in one compiled call."""
        options = self.options
        share = min(1.0, self._steps / options.total_steps)
        self.memory.beta = options.importance_exponent + (1 - options.importance_exponent) * share
        batch = self.memory.sample(options.drawn)
        if options.mirror is not None:
            batch = mirrored(batch, options.mirror, self._generator.random(len(batch.actions)) < 0.5)
        learnt = self._compiled_updates(_dealt(batch, options.updates_per_call))
        errors = learnt.errors.numpy()
        # What is not finite shows in the loss, at which `train` stops.
        if options.priority_exponent and np.isfinite(errors).all():
            self.memory.update_priorities(batch.indices, errors.T.ravel())
        before, self._updates = self._updates, self._updates + options.updates_per_call
        if self._updates // options.target_every > before // options.target_every:
            self.copy_to_target()
        return {"loss": float(learnt.loss.numpy().mean()), "value": float(learnt.value.numpy().mean())}

    def copy_to_target(self) -> None:
        """Copies the weights of the online network into the target network."""
        for target, online in zip(self.target_network.variables, self.network.variables, strict=True):
            target.assign(online)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Everything but the replay: networks, optimizer, generator, counters."""
        state = {f"{name}/{index}": value for name, group in self._groups() for index, value in enumerate(group)}
        return {name: np.array(variable.numpy()) for name, variable in state.items()} | {
            "generator": pack_generator(self._generator),
            "counters": np.array([self._steps, self._owed, self._updates]),
        }

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes up what `state_dict` of an agent with the same settings returned.

        Raises:
            ValueError: if a weight has another shape, or is missing.
        """
        for name, group in self._groups():
            for index, variable in enumerate(group):
                saved = state.get(f"{name}/{index}")
                if saved is None or saved.shape != tuple(variable.shape):
                    raise ValueError(
                        f"{name}/{index} has shape {None if saved is None else saved.shape}, this agent's "
                        f"{variable.path} has {tuple(variable.shape)}: load it into an agent with the same settings"
                    )
                variable.assign(saved)
        self._generator = unpack_generator(state["generator"])
        self._steps, self._owed, self._updates = (int(counter) for counter in state["counters"])

    def _groups(self) -> list[tuple[str, list[keras.Variable]]]:
        return [
            ("online", self.network.variables),
            ("target", self.target_network.variables),
            ("optimizer", self.optimizer.variables),
        ]

    def _update_many(self, batches: LearningBatch) -> Learnt:
        # A loop and not its unrolled passes: it compiles in the time of one.
        return tf.map_fn(self._update, batches, fn_output_signature=Learnt(tf.float32, tf.float32, tf.float32))

    def _update(self, batch: LearningBatch) -> Learnt:
        frozen = self.target_network(batch.next_observations)
        if self.options.double:
            online = self.network(batch.next_observations)
            target = self.rules.double_target(batch.rewards, batch.discounts, online, frozen)
        else:
            target = self.rules.target(batch.rewards, batch.discounts, frozen)
        with tf.GradientTape() as tape:
            values = tf.gather(self.network(batch.observations), batch.actions, axis=1, batch_dims=1)
            errors = tf.stop_gradient(target) - values
            loss = tf.reduce_mean(batch.weights * self.rules.loss(errors))
        gradients = tape.gradient(loss, self.network.trainable_variables)
        self.optimizer.apply(gradients, self.network.trainable_variables)
        return Learnt(loss, tf.reduce_mean(values), errors)


def huber(errors: tf.Tensor) -> tf.Tensor:
    """The Huber loss of each error: e^2 / 2 where |e| <= 1, and |e| - 1/2 beyond, so that no error pulls harder than 1.

    Example:
        >>> huber(tf.constant([0.5, -3.0])).numpy().tolist()
        [0.125, 2.5]

    Used in: Lab 07
    """
    size = tf.abs(errors)
    quadratic = tf.minimum(size, 1.0)
    return 0.5 * quadratic**2 + (size - quadratic)


@dataclass(frozen=True)
class DQNRules:
    """The formulas of DQN, so that one can try others. All but epsilon meet tensors, inside a compiled update.

    Args:
        target: as `q_learning_target`.
        double_target: as `double_q_target`; it counts where the settings say `double`.
        loss: of each error, as `huber`.
        epsilon: probability of a random action, of the step after the warm-up, first, last and the steps between them.

    Example:
        >>> from dlcourse.reinforcement.environments import make_environment
        >>> squared = DQNRules(loss=lambda errors: errors**2 / 2)
        >>> agent = DQN(make_environment("CartPole-v1"), rules=squared)

    Used in: Lab 07
    """

    target: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor] = q_learning_target
    double_target: Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor] = double_q_target
    loss: Callable[[tf.Tensor], tf.Tensor] = huber
    epsilon: Callable[[int, float, float, int], float] = lambda step, *line: LinearSchedule(*line)(step)


def make_network(settings: DQNSettings, shape: tuple[int, ...], action_count: int, seed: int) -> keras.Model:
    """The network that the settings name, for observations of this shape.

    Raises:
        ValueError: if the observations do not suit it.

    Used in: Lab 07
    """
    common = {"dueling": settings.dueling, "precision": settings.precision, "seed": seed}
    if settings.network == "nature" and len(shape) == 3:
        stack, height, width = shape
        sizes = {"frame_shape": (height, width), "stack": stack, "filters": settings.filters}
        return nature_network(action_count, units=settings.hidden[-1], **sizes, **common)
    if settings.network == "minatar" and len(shape) == 3:
        sizes = {"filters": settings.filters[0], "units": settings.hidden[-1]}
        return minatar_network(action_count, shape, **sizes, **common)
    if settings.network == "dense" and len(shape) == 1:
        return dense_network(action_count, shape[0], hidden=settings.hidden, **common)
    raise ValueError(
        f"observations of shape {shape} do not suit the network {settings.network!r}: vectors take 'dense', pictures "
        "(height, width, channels) 'minatar', stacks of frames (stack, height, width) 'nature'"
    )


def _make_memory(settings: DQNSettings, environment: VectorEnvironment, seed: int) -> FrameReplay | PrioritizedReplay:
    space = environment.observation_space
    common = {
        "copies": environment.count,
        "n_step": settings.n_step,
        "discount": settings.discount,
        "alpha": settings.priority_exponent,
        "beta": settings.importance_exponent,
        "seed": seed,
    }
    if settings.network == "nature":
        stack, *frame_shape = space.shape
        return FrameReplay(settings.replay_capacity, tuple(frame_shape), stack, memory_limit=16 * 2**30, **common)
    return PrioritizedReplay(settings.replay_capacity, space.shape, (), observation_dtype=space.dtype, **common)


def mirrored(batch: LearningBatch, actions: Sequence[int], chosen: NDArray[np.bool_]) -> LearningBatch:
    """Shows some transitions of a symmetric game as in a mirror: pictures left to right, LEFT for RIGHT.

    Args:
        batch: transitions with frames of shape (B, stack, height, width).
        actions: what each action becomes in the mirror; for Breakout (0, 1, 3, 2).
        chosen: which transitions, shape (B,).

    Example:
        >>> frames = np.arange(4).reshape(2, 1, 1, 2)
        >>> batch = LearningBatch(frames, np.array([2, 2]), None, frames, None, None, None)
        >>> seen = mirrored(batch, (0, 1, 3, 2), np.array([False, True]))
        >>> seen.actions.tolist(), seen.observations[:, 0, 0].tolist()
        ([2, 3], [[0, 1], [3, 2]])

    Used in: Lab 07
    """

    def flipped(frames: NDArray) -> NDArray:
        frames = frames.copy()
        frames[chosen] = frames[chosen][..., ::-1]
        return frames

    return batch._replace(
        observations=flipped(batch.observations),
        next_observations=flipped(batch.next_observations),
        actions=np.where(chosen, np.asarray(actions)[batch.actions], batch.actions),
    )


def _dealt(batch: LearningBatch, hands: int) -> LearningBatch:
    """One batch dealt like cards into `hands` batches, shape (hands, B, ...).

    A prioritised draw comes sorted by age: cut into pieces, each piece would show one time of the game alone.
    """
    return LearningBatch(*(array.reshape(-1, hands, *array.shape[1:]).swapaxes(0, 1) for array in batch))


def _action_count(environment: VectorEnvironment) -> int:
    if not isinstance(environment.action_space, spaces.Discrete) or environment.action_space.start != 0:
        raise ValueError(
            f"{environment.name} takes actions in {environment.action_space}; DQN compares the values of discrete "
            "actions 0, 1, ...: take DDPG for continuous ones"
        )
    return int(environment.action_space.n)


def _optimizer(settings: DQNSettings) -> keras.optimizers.Optimizer:
    rate = settings.learning_rate
    if settings.last_learning_rate is not None:
        updates = max(1, (settings.total_steps - settings.warm_up) // settings.train_every)
        rate = keras.optimizers.schedules.PolynomialDecay(rate, updates, settings.last_learning_rate)
    return keras.optimizers.Adam(rate, epsilon=settings.adam_epsilon, global_clipnorm=settings.clip_norm)
