"""Uniform experience replay: past transitions in arrays of fixed size, drawn with equal probability.

Learning from transitions in the order in which they come fails twice: neighbours resemble each other, so that a batch
of them says little, and what is no longer visited is forgotten. A replay buffer keeps the last `capacity` transitions
and draws batches from all of them.

Used in: Lab 06, Lab 07

Reference: Lin, "Self-improving reactive agents based on reinforcement learning, planning and teaching", 1992; Mnih et
al., "Human-level control through deep reinforcement learning", Nature 518, 2015.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import NamedTuple

import gymnasium
import numpy as np

from dlcourse.reinforcement.random_state import pack_generator, unpack_generator

GIB = 2**30
MEMORY_LIMIT = 2 * GIB


class Transitions(NamedTuple):
    """N steps (s, a, r, s') of the environment.

    An episode ends in two ways, which a target must keep apart. After termination (the pole fell) nothing follows, so
    that the target is r alone. After truncation (the clock ran out) the state s' still has its value: the target is
    r + gamma Q(s', .). Bootstrap with `1 - terminated`, never with `1 - truncated`.

    Attributes:
        observations: s, shape (N, *observation).
        actions: a, shape (N, *action); for discrete actions (N,), integer.
        rewards: r, shape (N,).
        next_observations: s', shape (N, *observation): the true successors, also where the episode ended.
        terminated: whether s' is an end, shape (N,), bool.
        truncated: whether the episode was cut off after s', shape (N,), bool.
    """

    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    next_observations: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray


def replay_bytes(
    capacity: int,
    observation_shape: tuple[int, ...],
    action_shape: tuple[int, ...],
    observation_dtype: type | str | np.dtype = np.float32,
    action_dtype: type | str | np.dtype = np.float32,
) -> int:
    """The memory that a buffer of this size takes, in bytes, before it is made.

    bytes = capacity (2 |s| + |a| + |r| + 2), with |.| the bytes of an observation, an action and a float32 reward.

    Args:
        capacity: number of transitions.
        observation_shape: shape of one observation.
        action_shape: shape of one action; () for a discrete one.
        observation_dtype: type in which observations are stored.
        action_dtype: type in which actions are stored.

    Example:
        >>> replay_bytes(1_000_000, (3,), (1,))
        34000000

    Used in: Lab 06, Lab 07
    """
    observation = prod(observation_shape) * np.dtype(observation_dtype).itemsize
    action = prod(action_shape) * np.dtype(action_dtype).itemsize
    return capacity * (2 * observation + action + np.dtype(np.float32).itemsize + 2)


class ReplayBuffer:
    """The last `capacity` transitions, from which batches are drawn uniformly and with replacement.

    Args:
        capacity: number of transitions that are kept, at least 1; a newer one then takes the place of the oldest.
        observation_shape: shape of one observation.
        action_shape: shape of one action; () for a discrete one.
        observation_dtype: type in which observations are stored. What is given must be of the same kind: float64 is
            stored as float32, but a float is never stored as an integer.
        action_dtype: type in which actions are stored.
        seed: of the draws, at least 0.
        memory_limit: in bytes; a larger buffer is refused before any memory is taken.

    Raises:
        ValueError: if the capacity is below 1 or the memory is above the limit.

    Example:
        >>> buffer = ReplayBuffer(1000, observation_shape=(3,), action_shape=(1,), seed=0)
        >>> states, actions, rewards = np.zeros((3, 3)), np.ones((2, 1)), np.array([1.0, 2.0])
        >>> no = np.array([False, False])
        >>> buffer.add(Transitions(states[:-1], actions, rewards, states[1:], terminated=no, truncated=no))
        >>> len(buffer), buffer.nbytes
        (2, 34000)
        >>> buffer.sample(2).observations.shape
        (2, 3)

    Used in: Lab 06, Lab 07

    Reference: Lecture 004, "EXAMPLE: RL & DNN"; Mnih et al. 2015, "experience replay".
    """

    def __init__(
        self,
        capacity: int,
        observation_shape: tuple[int, ...],
        action_shape: tuple[int, ...],
        *,
        observation_dtype: type | str | np.dtype = np.float32,
        action_dtype: type | str | np.dtype = np.float32,
        seed: int = 0,
        memory_limit: int = MEMORY_LIMIT,
    ) -> None:
        if capacity < 1:
            raise ValueError(f"capacity={capacity}: a replay buffer keeps at least 1 transition")
        size = replay_bytes(capacity, observation_shape, action_shape, observation_dtype, action_dtype)
        if size > memory_limit:
            raise ValueError(
                f"{capacity} transitions take {size / GIB:.2f} GiB, above the limit of {memory_limit / GIB:.2f} GiB: "
                f"give a smaller capacity, a smaller observation_dtype, or memory_limit={size} or more"
            )
        self.capacity = capacity
        self._arrays = Transitions(
            np.zeros((capacity, *observation_shape), observation_dtype),
            np.zeros((capacity, *action_shape), action_dtype),
            np.zeros(capacity, np.float32),
            np.zeros((capacity, *observation_shape), observation_dtype),
            np.zeros(capacity, np.bool_),
            np.zeros(capacity, np.bool_),
        )
        self._generator = np.random.default_rng(seed)
        self._position = 0
        self._size = 0

    @classmethod
    def for_spaces(
        cls,
        observation_space: gymnasium.spaces.Box,
        action_space: gymnasium.spaces.Box | gymnasium.spaces.Discrete,
        capacity: int,
        *,
        seed: int = 0,
        memory_limit: int = MEMORY_LIMIT,
    ) -> ReplayBuffer:
        """A buffer for the observations and actions of an environment, in the types of its spaces.

        Args:
            observation_space: of one copy of the environment.
            action_space: of one copy of the environment.
            capacity: number of transitions that are kept.
            seed: of the draws.
            memory_limit: in bytes.
        """
        return cls(
            capacity,
            observation_space.shape,
            action_space.shape,
            observation_dtype=observation_space.dtype,
            action_dtype=action_space.dtype,
            seed=seed,
            memory_limit=memory_limit,
        )

    def __len__(self) -> int:
        """How many transitions are there, at most `capacity`."""
        return self._size

    @property
    def nbytes(self) -> int:
        """Memory of the arrays in bytes, the same from the first transition to the last."""
        return sum(array.nbytes for array in self._arrays)

    def add(self, transitions: Transitions) -> None:
        """Stores N transitions; where the buffer is full, in the place of the oldest.

        Args:
            transitions: arrays with the same first axis N, from 1 to `capacity`.

        Raises:
            ValueError: for a wrong shape, for NaN or infinity (also one that comes from storing a number in a smaller
                type), or for more transitions than the buffer holds. The buffer is then as it was.
            TypeError: for an array of another kind than the stored one, such as floats where integers are stored.
        """
        count = len(transitions.rewards)
        if not 1 <= count <= self.capacity:
            raise ValueError(f"{count} transitions at once: this buffer takes 1 to {self.capacity} (its capacity)")
        ready = [
            checked_rows(name, np.asarray(given), stored, count)
            for name, given, stored in zip(Transitions._fields, transitions, self._arrays, strict=True)
        ]
        room = self.capacity - self._position
        for given, stored in zip(ready, self._arrays, strict=True):
            stored[self._position : self._position + count] = given[:room]
            if count > room:
                stored[: count - room] = given[room:]
        self._position = (self._position + count) % self.capacity
        self._size = min(self._size + count, self.capacity)

    def sample(self, batch_size: int) -> Transitions:
        """Draws transitions uniformly and with replacement.

        Args:
            batch_size: B, from 1 to the number of transitions that are there.

        Returns:
            Copies, with first axis B; rewards are float32.

        Raises:
            ValueError: if the buffer holds fewer than `batch_size` transitions.
        """
        if not 1 <= batch_size <= self._size:
            raise ValueError(
                f"a batch of {batch_size} from {self._size} transitions: collect {batch_size} before you sample"
                if batch_size > 0
                else f"batch_size={batch_size}: give 1 or more"
            )
        return self.rows(self._generator.integers(self._size, size=batch_size))

    def rows(self, indices: np.ndarray) -> Transitions:
        """The transitions in these places, as copies.

        Args:
            indices: integers in [0, len(buffer)), shape (B,). Place 0 is the oldest only until the buffer is full.
        """
        return Transitions(*(array[indices] for array in self._arrays))

    def state_dict(self) -> dict[str, np.ndarray]:
        """Everything that is needed to go on to the byte: the stored transitions, the position and the generator."""
        state = {name: array[: self._size].copy() for name, array in self._arrays._asdict().items()}
        state["position"] = np.array([self._position, self._size, self.capacity])
        state["generator"] = pack_generator(self._generator)
        return state

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes up a state that `state_dict` of a buffer of the same size returned.

        Raises:
            ValueError: if it comes from a buffer with another capacity, shape or type; this buffer is then as it was.
        """
        position, size, capacity = (int(value) for value in state["position"])
        if capacity != self.capacity:
            raise ValueError(f"the state is that of a buffer of {capacity} transitions, this one holds {self.capacity}")
        for name, array in self._arrays._asdict().items():
            saved = state[name]
            if saved.shape != (size, *array.shape[1:]) or saved.dtype != array.dtype:
                raise ValueError(
                    f"the saved {name} have shape {saved.shape} and type {saved.dtype}, this buffer stores "
                    f"{(size, *array.shape[1:])} of {array.dtype}"
                )
        generator = unpack_generator(state["generator"])
        for name, array in self._arrays._asdict().items():
            array[:size] = state[name]
        self._position, self._size, self._generator = position, size, generator


def checked_rows(name: str, given: np.ndarray, stored: np.ndarray, count: int) -> np.ndarray:
    """`given` in the stored type; raises where it does not fit."""
    if given.shape != (count, *stored.shape[1:]):
        raise ValueError(f"{name} have shape {given.shape}, this buffer expects {(count, *stored.shape[1:])}")
    if given.dtype == stored.dtype:
        ready = given
    elif np.can_cast(given.dtype, stored.dtype, "same_kind"):
        with np.errstate(over="ignore"):
            ready = given.astype(stored.dtype)
        if stored.dtype.kind in "iu" and not (ready == given).all():
            raise ValueError(f"{name} hold {given.max()}, which {stored.dtype} cannot store: choose a larger type")
    else:
        raise TypeError(
            f"{name} are {given.dtype}, this buffer stores {stored.dtype}: convert them, or choose that type"
        )
    if stored.dtype.kind == "f" and not np.isfinite(ready).all():
        raise ValueError(f"{name} hold NaN or a number that is infinite in {stored.dtype}: find where it comes from")
    return ready
