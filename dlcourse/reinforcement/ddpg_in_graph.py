"""DDPG with everything in one compiled loop: physics, exploration, replay and updates, for N environments at once.

Nothing returns to Python for hundreds of steps, and XLA sees the whole loop. The price: the environment must be a
TensorFlow function (`GraphEnvironment`). One pass of the loop steps all N environments and makes one update, so that
with N = 1 it is the algorithm of the other modes, and with more environments each update has fresher, more varied data.

Used in: Lab 06

Reference: Lillicrap et al. (2015), algorithm 1; Freeman et al. (2021), "Brax", for environments beside the learner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.experimental import numpy as tnp

from dlcourse.reinforcement import pendulum
from dlcourse.reinforcement.agent import Advance
from dlcourse.reinforcement.ddpg import ActorCritic, Networks, Rules, traced_once, update
from dlcourse.reinforcement.ddpg_agent import DDPG, TrainedActorCritic
from dlcourse.reinforcement.ddpg_settings import DDPGSettings
from dlcourse.reinforcement.environments import Episode, VectorEnvironment
from dlcourse.reinforcement.replay import GIB, MEMORY_LIMIT, Transitions

# Passes of one compiled call at most: the room for the episodes that end in it.
PASSES = 500


class GraphEnvironment(Protocol):
    """An environment as pure TensorFlow functions over N copies.

    Make it a frozen dataclass: agents with equal environments then share what was compiled.

    Attributes:
        observation_size: Numbers in an observation.
        action_low: Smallest action.
        action_high: Largest action.
        time_limit: Steps until an episode is truncated.
    """

    observation_size: int
    action_low: tuple[float, ...]
    action_high: tuple[float, ...]
    time_limit: int

    def start(self, count: int, seed: tf.Tensor) -> tf.Tensor:
        """First states, shape (count, state size), float32, drawn with a stateless seed of shape (2,)."""

    def step(self, states: tf.Tensor, actions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Next states (N, state size), rewards (N,) and whether the episode terminated (N,), bool."""

    def observe(self, states: tf.Tensor) -> tf.Tensor:
        """Observations, shape (N, observation size), float32."""


@dataclass(frozen=True)
class PendulumInGraph:
    """Pendulum-v1 as TensorFlow functions; a state is the angle in radians and the speed in rad/s.

    Example:
        >>> environment = PendulumInGraph()
        >>> states = environment.start(4, tf.constant([0, 1]))
        >>> states, rewards, terminated = environment.step(states, tf.zeros((4, 1)))
        >>> environment.observe(states).shape, rewards.shape
        (TensorShape([4, 3]), TensorShape([4]))

    Used in: Lab 06

    Reference: Gymnasium, "Pendulum".
    """

    observation_size = pendulum.OBSERVATION_SIZE
    action_low = (-pendulum.MAX_TORQUE,)
    action_high = (pendulum.MAX_TORQUE,)
    time_limit = pendulum.TIME_LIMIT

    def start(self, count: int, seed: tf.Tensor) -> tf.Tensor:
        """Angles from -pi to pi and speeds from -1 to 1, uniform."""
        return tf.random.stateless_uniform((count, 2), seed, -1.0, 1.0) * tf.constant([np.pi, 1.0], tf.float32)

    def step(self, states: tf.Tensor, actions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """One time step of 0.05 s; it never terminates."""
        angle, speed, rewards = pendulum.step(states[:, 0], states[:, 1], actions[:, 0], xp=tnp)
        return tf.stack([angle, speed], axis=1), rewards, tf.zeros(tf.shape(rewards), tf.bool)

    def observe(self, states: tf.Tensor) -> tf.Tensor:
        """cos(theta), sin(theta), theta'."""
        return pendulum.observe(states[:, 0], states[:, 1], xp=tnp)


class LoopState(NamedTuple):
    """All that one pass of the loop changes.

    Attributes:
        networks: Actor, critic, targets, Adam's means.
        memory: Replay, a row a transition: s, a, r, s', terminated; shape (capacity, row).
        states: Of the N environments, shape (N, state size).
        lengths: Steps of each environment's episode, shape (N,), int32.
        returns: Reward of each environment's episode so far, shape (N,).
        passes: How many there were, int32; N times that is the number of steps.
    """

    networks: Networks
    memory: tf.Tensor
    states: tf.Tensor
    lengths: tf.Tensor
    returns: tf.Tensor
    passes: tf.Tensor


class InGraphDDPG(TrainedActorCritic):
    """DDPG in mode `in_graph`: an agent that steps its environments itself, for `train`.

    Args:
        environment: TensorFlow functions; None stands for `PendulumInGraph()`.
        settings: None stands for `DDPGSettings()`. `warm_up` counts steps over all environments, `noise` is Gaussian,
            and there is one update a pass: `updates_per_call` is not used.
        environments: N, how many run side by side.
        seed: Of everything random; two runs with the same seed are the same.
        rules: The formulas of an update.
        memory_limit: In bytes; a larger replay is refused before any memory is taken.

    Attributes:
        environment_count: N.
        memory: None: the replay is part of the state.

    Raises:
        ValueError: If there is no environment, or the replay cannot hold one pass, or is above the limit.

    Example:
        >>> agent = InGraphDDPG(environments=8, settings=DDPGSettings(hidden=(8,), warm_up=64, replay_capacity=1000))
        >>> agent.advance(16).steps, agent.act(np.zeros((5, 3)), explore=False).shape
        (16, (5, 1))

    Used in: Lab 06
    """

    memory = None

    def __init__(
        self,
        environment: GraphEnvironment | None = None,
        settings: DDPGSettings | None = None,
        *,
        environments: int = 1,
        seed: int = 0,
        rules: Rules | None = None,
        memory_limit: int = MEMORY_LIMIT,
    ) -> None:
        self.environment = PendulumInGraph() if environment is None else environment
        settings = DDPGSettings() if settings is None else settings
        if not 1 <= environments <= settings.replay_capacity:
            raise ValueError(
                f"environments={environments}: give at least 1, and at most replay_capacity={settings.replay_capacity}."
            )
        bounds = (self.environment.action_low, self.environment.action_high)
        problem = ActorCritic(self.environment.observation_size, *bounds, settings, rules or Rules())
        # A whole number of passes, so that a pass never wraps around the end.
        self.capacity = settings.replay_capacity // environments * environments
        row = 2 * problem.observation_size + len(problem.action_low) + 2
        if (size := 4 * self.capacity * row) > memory_limit:
            raise ValueError(
                f"{self.capacity} transitions take {size / GIB:.2f} GiB, above the limit of {memory_limit / GIB:.2f} "
                f"GiB: give a smaller replay_capacity, or memory_limit={size} or more."
            )
        self.environment_count = environments
        super().__init__(problem, seed, "in_graph")
        states = self.environment.start(environments, tf.constant([seed, -1]))
        nothing = tf.zeros(environments)
        memory = tf.zeros((self.capacity, row))
        self._rest = LoopState(self.networks, memory, states, tf.cast(nothing, tf.int32), nothing, tf.constant(0))

    @property
    def settings(self) -> dict:
        """What a resumed run must share with this one, as JSON values."""
        return {**super().settings, "environments": self.environment_count}

    def act(self, observations: NDArray, explore: bool = False) -> NDArray[np.float32]:
        """The actor's actions; noise exists in the compiled loop alone.

        Args:
            observations: Shape (M, observation size), for any M.
            explore: Must be False.

        Raises:
            ValueError: If `explore` is asked for.
        """
        if explore:
            raise ValueError("an in_graph agent explores inside its own loop: call advance(steps), or explore=False")
        return self.policy(observations)

    def advance(self, steps: int) -> Advance:
        """Steps the environments and learns, up to `steps` transitions in one compiled call, at least one pass.

        Args:
            steps: At least 1.

        Returns:
            The steps really taken, the episodes that ended, and mean losses ({} during warm-up).
        """
        if steps < 1:
            raise ValueError(f"steps={steps}: give 1 or more")
        count, done = self.environment_count, int(self._rest.passes)
        warm_up = -(-self.problem.settings.warm_up // count)
        passes = max(1, min(steps // count, PASSES))
        learns = done >= warm_up
        if not learns:
            passes = min(passes, warm_up - done)
        loop = compiled_loop(self.environment, self.problem, count, self.capacity, learns)
        state, returns, lengths, losses = loop(
            self._rest._replace(networks=self.networks), tf.constant(passes), tf.constant(self.seed)
        )
        self.networks = state.networks
        self._rest = state
        ended = [(float(r), int(n)) for r, n in zip(returns.numpy().ravel(), lengths.numpy().ravel(), strict=True) if n]
        critic, actor = losses.numpy() / passes
        figures = {"critic_loss": float(critic), "actor_loss": float(actor)} if learns else {}
        return Advance(passes * count, [Episode(*episode) for episode in ended], figures)

    def observe(self, transitions: Transitions) -> dict[str, float]:
        """Refuses: this agent steps its own environments."""
        raise TypeError("an in_graph agent takes no transitions from outside: call advance(steps), or train(...)")

    def state_dict(self) -> dict[str, np.ndarray]:
        """The whole loop: networks, the filled part of the replay, environments, counters."""
        filled = min(int(self._rest.passes) * self.environment_count, self.capacity)
        rest = {name: getattr(self._rest, name).numpy() for name in LoopState._fields if name != "networks"}
        rest["memory"] = rest["memory"][:filled]
        return {**super().state_dict(), **{f"loop/{name}": array for name, array in rest.items()}}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes up what `state_dict` of an agent with the same settings returned.

        Raises:
            ValueError: If it does not fit.
        """
        rest = {name: state[f"loop/{name}"] for name in LoopState._fields if name != "networks"}
        if rest["states"].shape != self._rest.states.shape or len(rest["memory"]) > self.capacity:
            raise ValueError(
                f"the state holds {len(rest['states'])} environments and {len(rest['memory'])} transitions, this agent "
                f"has {self.environment_count} and room for {self.capacity}: give it the same settings"
            )
        super().load_state_dict(state)
        rest["memory"] = np.pad(rest["memory"], ((0, self.capacity - len(rest["memory"])), (0, 0)))
        self._rest = LoopState(self.networks, **{name: tf.constant(array) for name, array in rest.items()})


@lru_cache(maxsize=16)
def compiled_loop(
    environment: GraphEnvironment, problem: ActorCritic, count: int, capacity: int, learns: bool
) -> Callable:
    """The loop, compiled with XLA; what was compiled once is used again.

    Args:
        environment: TensorFlow functions.
        problem: Networks, settings, formulas.
        count: N, number of environments.
        capacity: Rows of the replay, a multiple of `count`.
        learns: False during warm-up: uniform actions and no updates.

    Returns:
        A function of `LoopState`, a number of passes up to `PASSES` and a seed. It gives the state after them, the
        returns and lengths of the episodes that ended, (PASSES, N), 0 where none did, and the summed losses, (2,).

    Used in: Lab 06
    """
    settings = problem.settings
    low, high = problem.centre - problem.half_range, problem.centre + problem.half_range
    size, action_size = problem.observation_size, len(low)

    def actions_for(observations: tf.Tensor, networks: Networks, seed: tf.Tensor) -> tf.Tensor:
        shape = (count, action_size)
        if not learns:
            return low + (high - low) * tf.random.stateless_uniform(shape, seed)
        mu = problem.actor(networks.actor.weights, observations)
        noise = settings.noise * tf.random.stateless_normal(shape, seed)
        return problem.centre + problem.half_range * tf.clip_by_value(mu + noise, -1.0, 1.0)

    def sample(memory: tf.Tensor, filled: tf.Tensor, seed: tf.Tensor) -> Transitions:
        rows = tf.random.stateless_uniform((settings.batch_size,), seed, 0, filled, tf.int32)
        s, a, r, following, end = tf.split(tf.gather(memory, rows), [size, action_size, 1, size, 1], axis=1)
        return Transitions(s, a, r[:, 0], following, end[:, 0], tf.zeros(settings.batch_size))

    def one_pass(state: LoopState, seed: tf.Tensor) -> tuple[LoopState, tf.Tensor, tf.Tensor, tf.Tensor]:
        # Four streams of random numbers a pass, each a function of seed and pass alone: a resumed run draws the same.
        streams = [tf.stack([seed, 4 * state.passes + stream]) for stream in range(3)]
        observations = environment.observe(state.states)
        actions = actions_for(observations, state.networks, streams[0])
        states, rewards, terminated = environment.step(state.states, actions)
        parts = [observations, actions, rewards[:, None], environment.observe(states)]
        rows = tf.concat([*parts, tf.cast(terminated, tf.float32)[:, None]], axis=1)
        start = state.passes * count % capacity
        memory = tf.tensor_scatter_nd_update(state.memory, (start + tf.range(count))[:, None], rows)

        networks, losses = state.networks, tf.zeros(2)
        if learns:
            filled = tf.minimum((state.passes + 1) * count, capacity)
            networks, reported = update(networks, sample(memory, filled, streams[1]), problem)
            losses = tf.stack(reported)

        lengths, returns = state.lengths + 1, state.returns + rewards
        ended = terminated | (lengths >= environment.time_limit)
        states = tf.where(ended[:, None], environment.start(count, streams[2]), states)
        after = LoopState(
            networks,
            memory,
            states,
            tf.where(ended, 0, lengths),
            tf.where(ended, 0.0, returns),
            state.passes + 1,
        )
        return after, tf.where(ended, returns, 0.0), tf.where(ended, lengths, 0), losses

    @tf.function(jit_compile=True)
    def loop(state: LoopState, passes: tf.Tensor, seed: tf.Tensor) -> tuple[LoopState, tf.Tensor, tf.Tensor, tf.Tensor]:
        def body(i: tf.Tensor, state: LoopState, returns: tf.Tensor, lengths: tf.Tensor, losses: tf.Tensor) -> tuple:
            state, ended_returns, ended_lengths, new_losses = one_pass(state, seed)
            returns = tf.tensor_scatter_nd_update(returns, [[i]], [ended_returns])
            lengths = tf.tensor_scatter_nd_update(lengths, [[i]], [ended_lengths])
            return i + 1, state, returns, lengths, losses + new_losses

        empty = tf.zeros((PASSES, count))
        first = (tf.constant(0), state, empty, tf.cast(empty, tf.int32), tf.zeros(2))
        return tf.while_loop(lambda i, *_: i < passes, body, first)[1:]

    return traced_once(loop)


def make_ddpg(
    environment: VectorEnvironment,
    mode: str = "chunked",
    settings: DDPGSettings | None = None,
    *,
    seed: int = 0,
    rules: Rules | None = None,
) -> DDPG | InGraphDDPG:
    """A DDPG agent for an environment in one of the three modes, ready for `train(agent, environment)`.

    Args:
        environment: From `make_environment`. In mode "in_graph" it is used for evaluation alone, must be Pendulum-v1,
            and its number of copies is the number of environments in the loop.
        mode: "strict", "chunked" or "in_graph".
        settings: None stands for `DDPGSettings()`.
        seed: Of weights, noise and draws.
        rules: The formulas of an update.

    Raises:
        ValueError: If the mode is not known, or the environment has no TensorFlow step function.

    Example:
        >>> from dlcourse.reinforcement.environments import make_environment
        >>> make_ddpg(make_environment("Pendulum-v1"), mode="in_graph").mode
        'in_graph'

    Used in: Lab 06
    """
    if mode != "in_graph":
        return DDPG(environment, settings, mode=mode, seed=seed, rules=rules)
    if environment.name != "Pendulum-v1":
        raise ValueError(
            f"mode 'in_graph' needs the environment as TensorFlow functions; {environment.name} is not one of those "
            "(Pendulum-v1 is). Write a GraphEnvironment for InGraphDDPG, or take mode 'chunked'."
        )
    return InGraphDDPG(PendulumInGraph(), settings, environments=environment.count, seed=seed, rules=rules)
