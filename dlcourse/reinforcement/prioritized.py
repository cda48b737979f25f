"""Prioritised replay with n-step targets, for observations of any shape.

Used in: Lab 07

Reference: Schaul et al., "Prioritized experience replay", 2016.
"""

from __future__ import annotations

import numpy as np

from dlcourse.reinforcement.replay import MEMORY_LIMIT, Transitions, checked_rows
from dlcourse.reinforcement.replay_streams import LearningBatch, StreamReplay
from dlcourse.reinforcement.sum_tree import SumTree

__all__ = ["LearningBatch", "PrioritizedReplay", "SumTree"]


class PrioritizedReplay(StreamReplay):
    """The last `capacity` transitions of N copies of an environment, drawn by priority, with targets over n steps.

    Args:
        capacity: number of transitions that are kept, rounded down to a multiple of `copies`.
        observation_shape: shape of one observation.
        action_shape: shape of one action; () for a discrete one.
        observation_dtype: type in which observations are stored.
        action_dtype: type in which actions are stored.
        copies: N, the transitions of one call of `add`.
        n_step: n, the steps of a target, at least 1.
        discount: gamma, in [0, 1].
        alpha: exponent of the priorities, in [0, 1]; 0 draws uniformly.
        beta: exponent of the importance weights, in [0, 1]; may be set between draws, to let it grow to 1.
        seed: of the draws, at least 0.
        memory_limit: in bytes; a larger replay is refused before any memory is taken.

    Raises:
        ValueError: for settings outside their range, or memory above the limit.

    Example:
        >>> replay = PrioritizedReplay(1000, (3,), copies=2, n_step=3, seed=0)
        >>> states, no = np.zeros((2, 3), dtype=np.float32), np.zeros(2, dtype=bool)
        >>> for _ in range(5):
        ...     replay.add(Transitions(states, np.array([0, 1]), np.ones(2), states, no, no))
        >>> len(replay)
        6
        >>> batch = replay.sample(4)
        >>> replay.update_priorities(batch.indices, np.array([0.5, 0.1, 2.0, 1.0]))

    Used in: Lab 07

    Reference: Schaul et al. 2016, algorithm 1.
    """

    def __init__(
        self,
        capacity: int,
        observation_shape: tuple[int, ...],
        action_shape: tuple[int, ...] = (),
        *,
        observation_dtype: type | str | np.dtype = np.float32,
        action_dtype: type | str | np.dtype = np.int64,
        copies: int = 1,
        n_step: int = 1,
        discount: float = 0.99,
        alpha: float = 0.6,
        beta: float = 0.4,
        seed: int = 0,
        memory_limit: int = MEMORY_LIMIT,
    ) -> None:
        arrays = {
            "observations": (observation_shape, observation_dtype),
            "actions": (action_shape, action_dtype),
            "next_observations": (observation_shape, observation_dtype),
        }
        super().__init__(
            capacity,
            arrays,
            copies=copies,
            n_step=n_step,
            discount=discount,
            alpha=alpha,
            beta=beta,
            seed=seed,
            memory_limit=memory_limit,
            before=0,
            after=0,
            most=1,
        )

    @property
    def observation_dtype(self) -> np.dtype:
        """Type in which observations are stored and drawn."""
        return self._arrays["observations"].dtype

    def add(self, transitions: Transitions, ended: np.ndarray | None = None) -> None:
        """Stores one step of each copy, in the place of the oldest where the replay is full.

        No target reaches across the end of an episode, nor across a gap: where `observations` are not the
        `next_observations` of the step before, such as after a resume that began new episodes, the n steps end too.

        Args:
            transitions: arrays with first axis N.
            ended: whether the copy begins a new episode after this step, shape (N,), bool; None stands for
                `terminated | truncated`.

        Raises:
            ValueError: for a wrong shape, or NaN or infinity. The replay is then as it was.
            TypeError: for an array of another kind than the stored one.
        """
        ready = {
            name: checked_rows(name, np.asarray(given), self._arrays[name], self.copies)
            for name, given in transitions._asdict().items()
            if name != "truncated"
        }
        flags = self._arrays["stops"]
        stops = ready["terminated"] | checked_rows("truncated", np.asarray(transitions.truncated), flags, self.copies)
        if ended is not None:
            stops |= checked_rows("ended", np.asarray(ended), flags, self.copies)
        streams, heads = np.arange(self.copies), self._heads.copy()
        if heads.any():
            previous = self._last_rows(streams)
            gaps = self._arrays["next_observations"][previous] != ready["observations"]
            flags[previous] |= gaps.reshape(self.copies, -1).any(axis=1)
        rows = self._next_rows(streams)
        for name, given in ready.items():
            self._arrays[name][rows] = given
        flags[rows] = stops
        self._arrays["transitions"][rows] = True
        self._refresh(heads)

    def _observations(self, rows: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._arrays["observations"][rows], self._arrays["next_observations"][last]
