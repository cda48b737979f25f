"""DDPG as an agent for `train`: it acts, remembers, and learns as often as it acts, in one of three modes.

- `strict`: act, step, update, one to one, as the paper says. Each update is a call into TensorFlow.
- `chunked`: k steps with the same actor, then k updates in one compiled call. As many updates, on actions that are up
  to k steps staler; a call costs as much as several updates, and is now paid once in k steps.
- `in_graph`: environment, replay and updates in one compiled loop (see ddpg_in_graph.py). No call at all between steps.

In the first two the actor acts in NumPy, from a copy of its weights: for one observation that is faster than a call.

Used in: Lab 06

Reference: Lillicrap et al. (2015), algorithm 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from gymnasium import spaces
from numpy.typing import NDArray

from dlcourse.reinforcement.ddpg import ActorCritic, Learner, Networks, Rules, compiled_updates
from dlcourse.reinforcement.ddpg_settings import DDPGSettings
from dlcourse.reinforcement.environments import VectorEnvironment
from dlcourse.reinforcement.exploration import GaussianNoise, OrnsteinUhlenbeckNoise
from dlcourse.reinforcement.random_state import pack_generator, unpack_generator
from dlcourse.reinforcement.replay import ReplayBuffer, Transitions

MODES = ("strict", "chunked", "in_graph")


class TrainedActorCritic:
    """The networks of an agent, with what one asks of them: actions, values, Keras models, a state to save.

    Args:
        problem: Networks, settings and formulas.
        seed: Of the initial weights.
        mode: For `settings`.

    Used in: Lab 06
    """

    def __init__(self, problem: ActorCritic, seed: int, mode: str) -> None:
        self.problem = problem
        self.mode = mode
        self.seed = seed
        self.networks = problem.start([seed, 0])

    @property
    def networks(self) -> Networks:
        """Weights, targets and moments of actor and critic."""
        return self._networks

    @networks.setter
    def networks(self, networks: Networks) -> None:
        self._networks = networks
        self._actor_layers = self.problem.actor.layers(networks.actor.weights.numpy())

    @property
    def settings(self) -> dict[str, Any]:
        """What a resumed run must share with this one, as JSON values."""
        return {"algorithm": "ddpg", "mode": self.mode, "seed": self.seed, **asdict(self.problem.settings)}

    def policy(self, observations: NDArray) -> NDArray[np.float32]:
        """The actor's actions without noise: centre + half_range * mu(s).

        Args:
            observations: Shape (N, observation size).

        Returns:
            Actions in the environment's units, shape (N, action size), float32.
        """
        mu = self.problem.actor.numpy_forward(self._actor_layers, np.asarray(observations, dtype=np.float32))
        return self.problem.centre + self.problem.half_range * mu

    def value(self, observations: NDArray, actions: NDArray | None = None) -> NDArray[np.float32]:
        """The critic's opinion Q(s, a), or V(s) = Q(s, mu(s)) where no actions are given.

        Args:
            observations: Shape (N, observation size).
            actions: In the environment's units, shape (N, action size); None stands for the actor's.

        Returns:
            Expected discounted return, shape (N,), float32.
        """
        actions = self.policy(observations) if actions is None else np.asarray(actions, dtype=np.float32)
        scaled = (actions - self.problem.centre) / self.problem.half_range
        inputs = np.concatenate([np.asarray(observations, dtype=np.float32), scaled], axis=1)
        critic = self.problem.critic
        return critic.numpy_forward(critic.layers(self.networks.critic.weights.numpy()), inputs)[:, 0]

    def actor_model(self) -> keras.Model:
        """mu as a Keras model: observations to actions between -1 and 1."""
        return self.problem.actor.keras_model(self.networks.actor.weights.numpy())

    def critic_model(self) -> keras.Model:
        """Q as a Keras model: observations with actions between -1 and 1 behind them, to values."""
        return self.problem.critic.keras_model(self.networks.critic.weights.numpy())

    def state_dict(self) -> dict[str, np.ndarray]:
        """The networks as arrays, with Adam's means and the number of updates."""
        state = {"updates": self.networks.updates.numpy()}
        for name in ("actor", "critic"):
            learner = getattr(self.networks, name)._asdict()
            state |= {f"{name}/{part}": tensor.numpy() for part, tensor in learner.items()}
        return state

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes up what `state_dict` of an agent with the same layers returned.

        Raises:
            ValueError: If the number of weights differs.
        """
        learners = []
        for name, network in (("actor", self.problem.actor), ("critic", self.problem.critic)):
            learner = Learner(*(tf.constant(state[f"{name}/{part}"], tf.float32) for part in Learner._fields))
            if learner.weights.shape != (network.weight_count,):
                raise ValueError(
                    f"the saved {name} has {learner.weights.shape} weights, this one {network.weight_count} in layers "
                    f"{network.sizes}: load it into an agent with the same settings"
                )
            learners.append(learner)
        self.networks = Networks(*learners, tf.constant(int(state["updates"])))


class DDPG(TrainedActorCritic):
    """DDPG beside a gymnasium environment: the modes `strict` and `chunked`.

    Args:
        environment: From `make_environment`; its action space must be a bounded Box.
        settings: None stands for `DDPGSettings()`.
        mode: "strict" or "chunked"; for "in_graph" see `make_ddpg`.
        seed: Of weights, noise and draws from the replay.
        noise: What is added to actions, in the environment's units, shape (copies, action size); None stands for
            Gaussian noise of `settings.noise` half action ranges.
        rules: The formulas of an update.

    Attributes:
        memory: The replay buffer.

    Raises:
        ValueError: If the mode is not known, or the spaces are not one-dimensional boxes, or the noise has another
            shape than the actions.

    Example:
        >>> from dlcourse.reinforcement.environments import make_environment
        >>> agent = DDPG(make_environment("Pendulum-v1"), mode="strict")
        >>> agent.act(np.zeros((1, 3)), explore=False).shape
        (1, 1)

    Used in: Lab 06
    """

    def __init__(
        self,
        environment: VectorEnvironment,
        settings: DDPGSettings | None = None,
        *,
        mode: str = "chunked",
        seed: int = 0,
        noise: GaussianNoise | OrnsteinUhlenbeckNoise | None = None,
        rules: Rules | None = None,
    ) -> None:
        if mode not in MODES[:2]:
            hint = " (make_ddpg makes that agent)" if mode == "in_graph" else ""
            raise ValueError(f"mode must be 'strict' or 'chunked', got {mode!r}{hint}.")
        super().__init__(problem_of(environment, settings, rules), seed, mode)
        settings = self.problem.settings
        self.updates_per_call = 1 if mode == "strict" else settings.updates_per_call
        self._shape = (environment.count, *environment.action_space.shape)
        scale = settings.noise * self.problem.half_range
        # Noise of scale 1 is stretched to each action's own range.
        self._stretch = scale if noise is None else np.float32(1)
        self.noise = GaussianNoise(self._shape, 1.0, seed=_noise_seed(seed)) if noise is None else noise
        if tuple(self.noise.shape) != self._shape:
            raise ValueError(
                f"noise of shape {self.noise.shape} does not fit {self._shape[0]} environments with actions of shape "
                f"{self._shape[1:]}: make it with shape {self._shape}."
            )
        self.memory = ReplayBuffer.for_spaces(
            environment.observation_space, environment.action_space, settings.replay_capacity
        )
        self._generator = np.random.default_rng([seed, 3])
        self._steps = 0
        self._owed = 0

    @property
    def settings(self) -> dict[str, Any]:
        """What a resumed run must share with this one, as JSON values."""
        return {**super().settings, "exploration": type(self.noise).__name__}

    def act(self, observations: NDArray, explore: bool) -> NDArray[np.float32]:
        """Actions for N observations: the actor's, with noise where the agent explores, at random during warm-up.

        Args:
            observations: Shape (N, observation size).
            explore: False for the actor alone.

        Returns:
            Actions inside the action space, shape (N, action size), float32.
        """
        if not explore:
            return self.policy(observations)
        low, high = self.problem.centre - self.problem.half_range, self.problem.centre + self.problem.half_range
        if self._steps < self.problem.settings.warm_up:
            return self._generator.uniform(low, high, self._shape).astype(np.float32)
        noise = (self._stretch * self.noise.sample()).astype(np.float32)
        return np.clip(self.policy(observations) + noise, low, high)

    def observe(self, transitions: Transitions) -> dict[str, float]:
        """Remembers transitions, and learns once for each of them, `updates_per_call` updates at a time.

        Args:
            transitions: N steps of the environment.

        Returns:
            Mean losses of the updates that were made, {} where none was.
        """
        self.memory.add(transitions)
        self.noise.reset(transitions.terminated | transitions.truncated)
        count = len(transitions.rewards)
        self._steps += count
        self._owed += max(0, min(count, self._steps - self.problem.settings.warm_up))
        figures: dict[str, float] = {}
        while self._owed >= self.updates_per_call:
            self._owed -= self.updates_per_call
            figures = self.learn()
        return figures

    def learn(self) -> dict[str, float]:
        """`updates_per_call` updates from batches of the replay, in one compiled call."""
        count, size = self.updates_per_call, self.problem.settings.batch_size
        batches = self.memory.rows(self._generator.integers(len(self.memory), size=(count, size)))
        self.networks, losses = compiled_updates(self.problem, count)(self.networks, batches)
        return {"critic_loss": float(losses.critic.numpy().mean()), "actor_loss": float(losses.actor.numpy().mean())}

    def state_dict(self) -> dict[str, np.ndarray]:
        """Everything but the replay: networks, noise, generators, counters."""
        return {
            **super().state_dict(),
            **{f"noise/{name}": array for name, array in self.noise.state_dict().items()},
            "generator": pack_generator(self._generator),
            "counters": np.array([self._steps, self._owed]),
        }

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes up what `state_dict` of an agent with the same settings returned.

        Raises:
            ValueError: If it does not fit.
        """
        super().load_state_dict(state)
        noise = {name.removeprefix("noise/"): array for name, array in state.items() if name.startswith("noise/")}
        self.noise.load_state_dict(noise)
        self._generator = unpack_generator(state["generator"])
        self._steps, self._owed = (int(counter) for counter in state["counters"])


def problem_of(environment: VectorEnvironment, settings: DDPGSettings | None, rules: Rules | None) -> ActorCritic:
    """The networks' task in an environment.

    Args:
        environment: From `make_environment`.
        settings: None stands for `DDPGSettings()`.
        rules: None stands for `Rules()`.

    Raises:
        ValueError: If observations or actions are not one-dimensional boxes.

    Used in: Lab 06
    """
    observed, acted = environment.observation_space, environment.action_space
    if not isinstance(acted, spaces.Box) or len(acted.shape) != 1 or len(observed.shape) != 1:
        raise ValueError(
            f"DDPG takes vectors of observations and of continuous actions; {environment.name} has observations in "
            f"{observed} and actions in {acted}. For discrete actions take a Q-network, for pictures flatten them."
        )
    low, high = (tuple(float(bound) for bound in bounds) for bounds in (acted.low, acted.high))
    return ActorCritic(observed.shape[0], low, high, settings or DDPGSettings(), rules or Rules())


def _noise_seed(seed: int) -> int:
    """A seed far from those of the agent's other random numbers."""
    return int(np.random.SeedSequence([seed, 1]).generate_state(1)[0])
