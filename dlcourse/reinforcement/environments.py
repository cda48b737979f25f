"""Environments: any gymnasium environment with Box or Discrete spaces, in several copies, repeatable and resumable.

An environment is stepped with actions a_t and answers with observations, rewards r_t and two flags: terminated (the
task ended) and truncated (the clock ran out). `VectorEnvironment` steps several copies, begins a new episode where one
ended, and can be put back into the very state in which a checkpoint left it.

Used in: Lab 06, Lab 07

Reference: Lecture 004, "RL KEY CONCEPTS"; Towers et al., "Gymnasium: a standard interface for reinforcement learning
environments", 2024.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium import spaces

from dlcourse.reinforcement.environment_state import environment_state, restore_environment
from dlcourse.reinforcement.replay import Transitions

# New seeds after a resume that could not restore the episodes: far from those of the first copies.
_RESTART_STRIDE = 1_000_003


class Episode(NamedTuple):
    """One finished episode: its undiscounted return and its number of steps."""

    total_reward: float
    length: int


class Step(NamedTuple):
    """What one step of all N copies brought.

    Attributes:
        observations: what to act on next, shape (N, *observation); where an episode ended, the first of the new one.
        transitions: what happened, for the replay; `next_observations` are the true successors.
        episodes: those that ended in this step.
    """

    observations: np.ndarray
    transitions: Transitions
    episodes: list[Episode]


class VectorEnvironment:
    """Several copies of one environment, stepped one after the other in this process.

    Make it with `make_environment`. Copy i is seeded with `seed + i` once; its own generator then goes on from episode
    to episode, so that a run is the same every time.

    Attributes:
        name: name of the environment.
        count: N, the number of copies.
        observation_space: of one copy.
        action_space: of one copy.
        observations: what to act on next, shape (N, *observation); None before `reset`.
        restorable: whether `load_state_dict` goes on inside the episodes, or has to begin new ones.
    """

    def __init__(self, make: Callable[[], gymnasium.Env], copies: int, seed: int, name: str) -> None:
        if copies < 1 or seed < 0:
            raise ValueError(f"copies={copies}, seed={seed}: give at least one copy, and a seed that is not negative")
        self.make = make
        self.name = name
        self.seed = seed
        self.count = copies
        self._copies = [make() for _ in range(copies)]
        if len({id(copy) for copy in self._copies}) < copies:
            raise ValueError("the function hands out the same environment twice: let each call make a new one")
        self.observation_space = checked_observation_space(self._copies[0])
        self.action_space = checked_action_space(self._copies[0])
        self.observations: np.ndarray | None = None
        self._rewards = np.zeros(copies)
        self._lengths = np.zeros(copies, dtype=np.int64)
        self._restarts = 0

    def reset(self) -> np.ndarray:
        """Begins anew from the seed, in all copies; returns the first observations, shape (N, *observation)."""
        return self._begin(self.seed)

    def step(self, actions: np.ndarray) -> Step:
        """One step of every copy; a copy whose episode ended begins a new one at once.

        Args:
            actions: shape (N, *action), inside the action space; for discrete actions integers of shape (N,).

        Raises:
            ValueError: if an action has the wrong shape or is outside its space, or before the first `reset`.
        """
        if self.observations is None:
            raise ValueError(f"{self.name}: call reset() before the first step")
        actions = checked_actions(actions, self.action_space, self.count)
        successors = np.empty_like(self.observations)
        rewards = np.empty(self.count)
        terminated = np.zeros(self.count, dtype=bool)
        truncated = np.zeros(self.count, dtype=bool)
        following = successors
        episodes = []
        for index, copy in enumerate(self._copies):
            observation, reward, terminated[index], truncated[index], _ = copy.step(actions[index])
            successors[index] = observation
            rewards[index] = reward
        self._rewards += rewards
        self._lengths += 1
        ended = terminated | truncated
        if ended.any():
            following = successors.copy()
            for index in np.flatnonzero(ended):
                episodes.append(Episode(float(self._rewards[index]), int(self._lengths[index])))
                following[index] = self._copies[index].reset()[0]
                self._rewards[index] = self._lengths[index] = 0
        transitions = Transitions(self.observations, actions, rewards, successors, terminated, truncated)
        self.observations = following
        return Step(following, transitions, episodes)

    @property
    def restorable(self) -> bool:
        """Whether a checkpoint can go on in the middle of an episode."""
        return environment_state(self._copies[0]) is not None

    def state_dict(self) -> dict[str, np.ndarray]:
        """Arrays from which the same run goes on: to the bit where `restorable`, else with new episodes."""
        state = {"restarts": np.array(self._restarts)}
        if self.observations is None or not self.restorable:
            return state
        state |= {"observations": self.observations, "rewards": self._rewards.copy(), "lengths": self._lengths.copy()}
        for index, copy in enumerate(self._copies):
            state |= {f"{index}/{name}": array for name, array in environment_state(copy).items()}
        return state

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Goes on from what `state_dict` returned.

        An environment whose state cannot be read (see `environment_state`) begins new episodes from a new seed, and a
        `UserWarning` says from which.

        Raises:
            ValueError: if the state is that of another number of copies.
        """
        self._restarts = int(state["restarts"])
        if "observations" not in state:
            self._restarts += 1
            seed = self.seed + _RESTART_STRIDE * self._restarts
            warnings.warn(
                f"the state of {self.name} cannot be restored: new episodes begin, from seed {seed}", stacklevel=2
            )
            self._begin(seed)
            return
        if state["observations"].shape != (self.count, *self.observation_space.shape):
            raise ValueError(
                f"the saved observations have shape {state['observations'].shape}, these {self.count} copies give "
                f"{(self.count, *self.observation_space.shape)}: resume with the environment that was saved"
            )
        for index, copy in enumerate(self._copies):
            prefix = f"{index}/"
            own = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
            restore_environment(copy, own)
        self.observations = np.array(state["observations"])
        self._rewards = np.array(state["rewards"])
        self._lengths = np.array(state["lengths"])

    def close(self) -> None:
        """Frees what the copies hold, such as windows."""
        for copy in self._copies:
            copy.close()

    def _begin(self, seed: int) -> np.ndarray:
        first = [copy.reset(seed=seed + index)[0] for index, copy in enumerate(self._copies)]
        self.observations = np.stack(first)
        self._rewards[:] = 0
        self._lengths[:] = 0
        return self.observations


def make_environment(
    name: str | Callable[[], gymnasium.Env],
    *,
    copies: int = 1,
    seed: int = 0,
    max_steps: int | None = None,
    **settings: Any,
) -> VectorEnvironment:
    """Makes N copies of an environment, ready for `train`.

    Args:
        name: as gymnasium knows it, such as "Pendulum-v1"; or a function that makes a new `gymnasium.Env` at each call.
        copies: N, at least 1.
        seed: copy i is seeded with `seed + i`.
        max_steps: episodes are truncated after so many steps; None keeps the environment's own limit.
        **settings: for the environment, such as `g=9.81`.

    Raises:
        TypeError: if `name` is neither, or the function makes something else.
        ValueError: for a name that gymnasium does not know, spaces other than Box and Discrete, or no copies.

    Example:
        >>> environment = make_environment("Pendulum-v1", copies=2, seed=0)
        >>> environment.reset().shape
        (2, 3)
        >>> step = environment.step(np.zeros((2, 1), dtype=np.float32))
        >>> step.transitions.rewards.shape, step.episodes
        ((2,), [])

    Used in: Lab 06, Lab 07
    """
    make = environment_maker(name, max_steps, settings)
    return VectorEnvironment(make, copies, seed, name if isinstance(name, str) else _name_of(make()))


def checked_actions(actions: np.ndarray, space: spaces.Box | spaces.Discrete, count: int) -> np.ndarray:
    """Returns the actions of `count` copies as an array of the space's type.

    Raises:
        ValueError: for a wrong shape, for NaN or for an action outside the space.
    """
    given = np.asarray(actions)
    if given.shape != (count, *space.shape):
        raise ValueError(f"actions have shape {given.shape}, expected {(count, *space.shape)} for {count} copies")
    if isinstance(space, spaces.Discrete):
        low, high, whole = space.start, space.start + space.n - 1, given.dtype.kind in "iu"
    else:
        low, high, whole = space.low, space.high, True
    # The comparison is false for NaN too.
    if not (whole and ((low <= given) & (given <= high)).all()):
        raise ValueError(f"actions {given.ravel()[:5]} ({given.dtype}) are outside {space}: clip or scale them")
    return given.astype(space.dtype, copy=False)


def environment_maker(
    name: str | Callable[[], gymnasium.Env], max_steps: int | None, settings: Mapping[str, Any]
) -> Callable[[], gymnasium.Env]:
    """A function that makes one copy; the arguments are those of `make_environment`.

    Raises:
        TypeError: if `name` is neither a name nor a function, or the function makes something else.
    """
    if isinstance(name, str):
        return lambda: _made_by_name(name, max_steps, settings)
    if isinstance(name, gymnasium.Env) or not callable(name):
        raise TypeError(
            f"got {type(name).__name__}: give a name such as 'Pendulum-v1', or a function that makes a gymnasium.Env"
        )

    def make() -> gymnasium.Env:
        made = name(**settings)
        if not isinstance(made, gymnasium.Env):
            raise TypeError(f"the function made {type(made).__name__}, expected a gymnasium.Env")
        return made if max_steps is None else gymnasium.wrappers.TimeLimit(made, max_steps)

    return make


def _made_by_name(name: str, max_steps: int | None, settings: Mapping[str, Any]) -> gymnasium.Env:
    try:
        # The checker looks at every step again; `checked_actions` has done so.
        return gymnasium.make(name, disable_env_checker=True, max_episode_steps=max_steps, **settings)
    except (gymnasium.error.UnregisteredEnv, gymnasium.error.NamespaceNotFound) as error:
        raise ValueError(f"gymnasium knows no environment {name!r} ({error}): see gymnasium.registry") from error


def _name_of(environment: gymnasium.Env) -> str:
    return environment.spec.id if environment.spec is not None else type(environment.unwrapped).__name__


def checked_observation_space(environment: gymnasium.Env) -> spaces.Box:
    """The observation space of one copy.

    Raises:
        ValueError: if it is not a Box.
    """
    space = environment.observation_space
    if not isinstance(space, spaces.Box):
        raise ValueError(
            f"{_name_of(environment)} gives observations in {space}, the course's agents take a Box: wrap it, for "
            "example with gymnasium.wrappers.FlattenObservation"
        )
    return space


def checked_action_space(environment: gymnasium.Env) -> spaces.Box | spaces.Discrete:
    """The action space of one copy.

    Raises:
        ValueError: if it is neither a Box nor Discrete.
    """
    space = environment.action_space
    if not isinstance(space, (spaces.Box, spaces.Discrete)):
        raise ValueError(f"{_name_of(environment)} takes actions in {space}, the course's agents give Box or Discrete")
    return space
