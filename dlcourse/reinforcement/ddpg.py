"""Deep deterministic policy gradient (DDPG): an actor that acts, a critic that judges, and slow copies of both.

    for each step:
        a = mu(s) + noise;  s', r = environment(a);  replay.add(s, a, r, s')
        draw a batch from the replay
        y = r + gamma (1 - terminated) Q'(s', mu'(s'))          what the critic should have said
        critic: one Adam step down  mean (Q(s, a) - y)^2
        actor:  one Adam step down  -mean Q(s, mu(s))           along dQ/da dmu/dtheta
        Q' <- tau Q + (1 - tau) Q',  mu' <- tau mu + (1 - tau) mu'

mu is the actor, Q the critic, a prime marks the target networks. `update` is that batch, line for line.

Used in: Lab 06

Reference: Lillicrap et al. (2015), "Continuous control with deep reinforcement learning", algorithm 1; lecture 004,
"SOME PROBLEMS WITH DQN" and "RL WITH AVAILABLE TOOLS".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dlcourse.reinforcement.ddpg_settings import DDPGSettings
from dlcourse.reinforcement.dense import DenseNetwork
from dlcourse.reinforcement.replay import Transitions


class Learner(NamedTuple):
    """One network in training: flat vectors of its weights, its target's, and Adam's two running means."""

    weights: tf.Tensor
    target: tf.Tensor
    mean: tf.Tensor
    square: tf.Tensor


class Networks(NamedTuple):
    """Everything that an update changes; `updates` is how many there were."""

    actor: Learner
    critic: Learner
    updates: tf.Tensor


class Losses(NamedTuple):
    """What an update reports: the critic's loss and the actor's, NaN where a weight is no longer finite."""

    critic: tf.Tensor
    actor: tf.Tensor


def critic_target(rewards: Any, terminated: Any, next_values: Any, discount: float) -> Any:
    """What the critic should have said: y = r + gamma (1 - terminated) Q'(s', mu'(s')).

    An episode that the time limit cut was not over: the future counts, and `terminated` is 0 there.

    Args:
        rewards: r, shape (B,).
        terminated: 1 or 0, shape (B,).
        next_values: Q'(s', mu'(s')) by the target networks, shape (B,).
        discount: gamma.

    Returns:
        y, shape (B,).

    Example:
        >>> critic_target(np.array([1.0, 1.0]), np.array([0.0, 1.0]), np.array([10.0, 10.0]), 0.9)
        array([10.,  1.])

    Used in: Lab 06

    Reference: Lillicrap et al. (2015), algorithm 1.
    """
    return rewards + discount * (1 - terminated) * next_values


def actor_loss(values: Any) -> Any:
    """Minus the critic's mean opinion of the actor's actions: -1/B sum Q(s, mu(s)).

    Args:
        values: Q(s, mu(s)), shape (B,).

    Returns:
        A scalar.

    Example:
        >>> float(actor_loss(tf.constant([1.0, 3.0])))
        -2.0

    Used in: Lab 06

    Reference: Silver et al. (2014), "Deterministic policy gradient algorithms", theorem 1.
    """
    return -tf.reduce_mean(values)


def polyak_average(target: Any, online: Any, tau: float) -> Any:
    """Moves a target network's weights a little towards the online ones: theta' <- tau theta + (1 - tau) theta'.

    Args:
        target: theta', any shape.
        online: theta, the same shape.
        tau: Share taken over, above 0 to 1.

    Returns:
        The new theta'.

    Example:
        >>> polyak_average(np.array([0.0, 1.0]), np.array([1.0, 1.0]), tau=0.25)
        array([0.25, 1.  ])

    Used in: Lab 06

    Reference: Lillicrap et al. (2015), algorithm 1.
    """
    return tau * online + (1 - tau) * target


@dataclass(frozen=True)
class Rules:
    """The three formulas of an update; a lab puts the participant's in their place.

    Args:
        critic_target: As `critic_target`.
        actor_loss: As `actor_loss`.
        polyak_average: As `polyak_average`.

    Used in: Lab 06
    """

    critic_target: Callable[[Any, Any, Any, float], Any] = critic_target
    actor_loss: Callable[[Any], Any] = actor_loss
    polyak_average: Callable[[Any, Any, float], Any] = polyak_average


@dataclass(frozen=True)
class ActorCritic:
    """The two networks of one task, and how its actions are scaled.

    Args:
        observation_size: Numbers in an observation.
        action_low: Smallest action, one number for each of its components.
        action_high: Largest action.
        settings: Layer sizes, rates.
        rules: The formulas.

    Raises:
        ValueError: If the bounds differ in length, are infinite, or leave no room.

    Example:
        >>> problem = ActorCritic(3, (-2.0,), (2.0,))
        >>> problem.actor.sizes, problem.critic.sizes
        ((3, 64, 64, 1), (4, 64, 64, 1))

    Used in: Lab 06
    """

    observation_size: int
    action_low: tuple[float, ...]
    action_high: tuple[float, ...]
    settings: DDPGSettings = field(default_factory=DDPGSettings)
    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        low, high = (np.asarray(bound, dtype=np.float64) for bound in (self.action_low, self.action_high))
        if low.ndim != 1 or low.shape != high.shape or not (np.isfinite(low) & np.isfinite(high) & (low < high)).all():
            raise ValueError(
                f"action bounds must be finite with low < high in each component; got low {self.action_low}, "
                f"high {self.action_high}. DDPG needs an action space with bounds."
            )

    @property
    def actor(self) -> DenseNetwork:
        """mu: observation to action, between -1 and 1."""
        return DenseNetwork((self.observation_size, *self.settings.hidden, len(self.action_low)), "tanh")

    @property
    def critic(self) -> DenseNetwork:
        """Q: observation and action (between -1 and 1) to value."""
        return DenseNetwork((self.observation_size + len(self.action_low), *self.settings.hidden, 1))

    @property
    def centre(self) -> NDArray[np.float32]:
        """The middle of the action range, shape (action size,)."""
        return (np.add(self.action_low, self.action_high) / 2).astype(np.float32)

    @property
    def half_range(self) -> NDArray[np.float32]:
        """Half the width of the action range, shape (action size,): action = centre + half_range * mu."""
        return (np.subtract(self.action_high, self.action_low) / 2).astype(np.float32)

    def start(self, seed: int | list[int]) -> Networks:
        """Networks before the first update; the targets start as copies."""
        rng = np.random.default_rng(seed)
        learners = []
        for network in (self.actor, self.critic):
            weights = tf.constant(network.initial_weights(rng))
            learners.append(Learner(weights, weights, tf.zeros_like(weights), tf.zeros_like(weights)))
        return Networks(*learners, tf.constant(0))

    def value(self, layers: Any, observations: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
        """Q(s, a), shape (B,), for actions between -1 and 1 and the critic's layers."""
        return self.critic.forward(layers, tf.concat([observations, actions], axis=1))[:, 0]


def update(networks: Networks, batch: Transitions, problem: ActorCritic) -> tuple[Networks, Losses]:
    """One update of critic, actor and target networks from one batch: the inner part of DDPG's algorithm.

    A pure function of tensors: called as it is, under `tf.function`, or inside a larger compiled loop.

    Args:
        networks: The networks before.
        batch: B transitions, tensors; `terminated` counts and `truncated` does not: the clock is no end of the world.
        problem: Networks, settings and formulas.

    Returns:
        The networks after, and the losses before.

    Example:
        >>> problem = ActorCritic(3, (-2.0,), (2.0,))
        >>> ones = tf.ones((5, 3))
        >>> batch = Transitions(ones, ones[:, :1], ones[:, 0], ones, ones[:, 0] < 0, ones[:, 0] < 0)
        >>> networks, losses = update(problem.start(0), batch, problem)
        >>> int(networks.updates), float(losses.critic) > 0
        (1, True)

    Used in: Lab 06

    Reference: Lillicrap et al. (2015), algorithm 1.
    """
    actor, critic, settings, rules = problem.actor, problem.critic, problem.settings, problem.rules
    count = networks.updates + 1
    actions = (batch.actions - problem.centre) / problem.half_range

    next_actions = actor(networks.actor.target, batch.next_observations)
    next_values = problem.value(critic.layers(networks.critic.target), batch.next_observations, next_actions)
    terminated = tf.cast(batch.terminated, tf.float32)
    target = rules.critic_target(batch.rewards, terminated, next_values, settings.discount)

    layers = critic.layers(networks.critic.weights)
    with tf.GradientTape() as tape:
        tape.watch(layers)
        critic_loss = tf.reduce_mean((problem.value(layers, batch.observations, actions) - target) ** 2)
    new_critic = _adam(networks.critic, tape.gradient(critic_loss, layers), settings.critic_learning_rate, count)

    layers, judge = actor.layers(networks.actor.weights), critic.layers(new_critic.weights)
    with tf.GradientTape() as tape:
        tape.watch(layers)
        policy_actions = actor.forward(layers, batch.observations)
        loss = rules.actor_loss(problem.value(judge, batch.observations, policy_actions))
    new_actor = _adam(networks.actor, tape.gradient(loss, layers), settings.actor_learning_rate, count)

    new_critic, new_actor = (
        learner._replace(target=rules.polyak_average(learner.target, learner.weights, settings.tau))
        for learner in (new_critic, new_actor)
    )
    # 0, or NaN: the loss of this batch does not see yet what the step has done to the weights.
    alarm = 0 * (tf.reduce_sum(new_actor.weights) + tf.reduce_sum(new_critic.weights))
    return Networks(new_actor, new_critic, count), Losses(critic_loss + alarm, loss + alarm)


def _adam(learner: Learner, gradients: Any, learning_rate: float, count: tf.Tensor) -> Learner:
    """One step of Adam as `keras.optimizers.Adam` takes it, on flat weights."""
    gradient = tf.concat([tf.reshape(part, [-1]) for layer in gradients for part in layer], axis=0)
    mean = 0.9 * learner.mean + 0.1 * gradient
    square = 0.999 * learner.square + 0.001 * gradient**2
    t = tf.cast(count, tf.float32)
    rate = learning_rate * tf.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return Learner(learner.weights - rate * mean / (tf.sqrt(square) + 1e-7), learner.target, mean, square)


@lru_cache(maxsize=16)
def compiled_updates(problem: ActorCritic, count: int) -> Callable[[Networks, Transitions], tuple[Networks, Losses]]:
    """`count` updates in a row, compiled with XLA; the same problem asked for again is not compiled again.

    Args:
        problem: Networks, settings and formulas.
        count: Batches on the first axis of what the compiled function takes, at least 1.

    Returns:
        A function of networks and of `count` batches, which gives the networks after them and their losses, (count,).

    Used in: Lab 06
    """

    @tf.function(jit_compile=True)
    def updates(networks: Networks, batches: Transitions) -> tuple[Networks, Losses]:
        reports = Losses(tf.zeros(count), tf.zeros(count))

        def body(i: tf.Tensor, networks: Networks, reports: Losses) -> tuple[tf.Tensor, Networks, Losses]:
            networks, losses = update(networks, Transitions(*(part[i] for part in batches)), problem)
            written = (
                tf.tensor_scatter_nd_update(all_of_them, [[i]], [one])
                for all_of_them, one in zip(reports, losses, strict=True)
            )
            return i + 1, networks, Losses(*written)

        first = (tf.constant(0), networks, reports)
        _, networks, reports = tf.while_loop(lambda i, *_: i < count, body, first, maximum_iterations=count)
        return networks, reports

    return traced_once(updates)


def traced_once(function: Any) -> Callable[..., Any]:
    """A compiled function that is traced at its first call and never again: a little faster, and no retracing warnings.

    Args:
        function: A `tf.function`; its arguments must have the same shapes and types in all calls.

    Returns:
        A function of tensors or arrays, nested as at the first call.

    Used in: Lab 06
    """
    traced: list[Any] = []

    def call(*arguments: Any) -> Any:
        tensors = tf.nest.map_structure(tf.convert_to_tensor, arguments)
        if not traced:
            traced.append(function.get_concrete_function(*tensors))
        return traced[0](*tensors)

    return call
