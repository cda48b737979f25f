"""Replay for stacked frames that keeps each frame once.

An Atari observation is the last four frames. Stored as they come, s and s' take eight frames for each transition, of
which seven are stored elsewhere already. This replay keeps the newest frame of each step and puts the stacks together
when they are drawn.

Used in: Lab 07

Reference: Mnih et al., "Human-level control through deep reinforcement learning", Nature 518, 2015, methods.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dlcourse.arguments import check_count
from dlcourse.reinforcement.replay import GIB, Transitions, checked_rows
from dlcourse.reinforcement.replay_streams import StreamReplay

FRAME_MEMORY_LIMIT = 4 * GIB


class FrameReplay(StreamReplay):
    """The last transitions of N copies of a game, one frame each, drawn uniformly or by priority, over n steps.

    A slot of a copy's ring holds the newest frame of s_t with a_t and r_t. A new episode takes `stack - 1` slots more,
    with the older frames of its first stack, and its end one more, with the last frame of s_{t+1}: thus every stack is
    rebuilt as it was handed in, whatever the environment puts into the first ones. These extra slots are never drawn.

    Args:
        capacity: number of frames that are kept, rounded down to a multiple of `copies`.
        frame_shape: (height, width) in pixels.
        stack: frames of one observation.
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
        >>> replay = FrameReplay(1000, frame_shape=(2, 2), stack=4)
        >>> film, no = np.arange(40, dtype=np.uint8).reshape(1, 10, 2, 2), np.array([False])
        >>> for t in range(5):
        ...     now, after = film[:, t : t + 4], film[:, t + 1 : t + 5]
        ...     replay.add(Transitions(now, np.array([0]), np.ones(1), after, terminated=no, truncated=no))
        >>> len(replay), replay.sample(2).observations.shape
        (4, (2, 4, 2, 2))

    Used in: Lab 07

    Reference: Mnih et al. 2015, "Training algorithm for deep Q-networks".
    """

    def __init__(
        self,
        capacity: int,
        frame_shape: tuple[int, ...] = (84, 84),
        stack: int = 4,
        *,
        copies: int = 1,
        n_step: int = 1,
        discount: float = 0.99,
        alpha: float = 0.0,
        beta: float = 0.4,
        seed: int = 0,
        memory_limit: int = FRAME_MEMORY_LIMIT,
    ) -> None:
        check_count("stack", stack)
        super().__init__(
            capacity,
            {"frames": (frame_shape, np.uint8), "actions": ((), np.int64)},
            copies=copies,
            n_step=n_step,
            discount=discount,
            alpha=alpha,
            beta=beta,
            seed=seed,
            memory_limit=memory_limit,
            before=stack - 1,
            after=1,
            # The last frame of a stream that broke unannounced, the older frames of a first stack, the step, its end.
            most=stack + 2,
        )
        self.stack = stack
        # What must follow in each stream, and whether a new episode begins there instead.
        self._following = np.zeros((copies, stack, *frame_shape), np.uint8)
        self._begins = np.ones(copies, np.bool_)

    @property
    def observation_dtype(self) -> np.dtype:
        """Type in which observations are stored and drawn."""
        return self._arrays["frames"].dtype

    @property
    def nbytes(self) -> int:
        """Memory of all arrays in bytes, the same from the first transition to the last."""
        return super().nbytes + self._following.nbytes

    def add(self, transitions: Transitions, ended: np.ndarray | None = None) -> None:
        """Stores one step of each copy, in the place of the oldest where the replay is full.

        A stream breaks where `observations` are not the `next_observations` of the step before: at a new episode, or
        after a resume that began new ones. After a lost life, which may be `terminated`, the frames go on.

        Args:
            transitions: one step; observations and next_observations have shape (N, stack, *frame) and are uint8.
            ended: whether the copy begins a new episode after this step, shape (N,), bool: the step can then be drawn
                at once. None waits for the next step to show it. A truncated copy always does.

        Raises:
            ValueError: for a wrong shape, NaN or infinity, or next_observations that are not the observations with one
                more frame. The replay is then as it was.
            TypeError: for an array of another kind than the stored one, such as frames that are not uint8.
        """
        kept, count = self._arrays, self.copies
        seen = checked_rows("observations", np.asarray(transitions.observations), self._following, count)
        following = checked_rows("next_observations", np.asarray(transitions.next_observations), self._following, count)
        step = {
            name: checked_rows(name, np.asarray(getattr(transitions, name)), kept[name], count)
            for name in ("actions", "rewards", "terminated")
        }
        truncated = checked_rows("truncated", np.asarray(transitions.truncated), self._begins, count)
        if ended is None:
            ended = truncated
        else:
            ended = checked_rows("ended", np.asarray(ended), self._begins, count) | truncated
        if not np.array_equal(seen[:, 1:], following[:, :-1]):
            raise ValueError(
                "next_observations are not the observations with one more frame: give the true successors, not the "
                "first observations of new episodes"
            )
        heads = self._heads.copy()
        broken = ~self._begins & (seen != self._following).reshape(count, -1).any(axis=1)
        self._end(np.flatnonzero(broken))
        beginning = np.flatnonzero(self._begins)
        if len(beginning):
            for frame in range(self.stack - 1):
                kept["frames"][self._next_rows(beginning)] = seen[beginning, frame]
        rows = self._next_rows(np.arange(count))
        kept["frames"][rows] = seen[:, -1]
        for name, given in step.items():
            kept[name][rows] = given
        kept["stops"][rows] = step["terminated"] | truncated
        kept["transitions"][rows] = True
        self._following[:] = following
        self._begins[:] = False
        self._end(np.flatnonzero(ended))
        self._refresh(heads)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Everything that is needed to go on to the byte.

        The large arrays are views and not copies: save them before the next `add`.
        """
        return super().state_dict() | {"following": self._following, "begins": self._begins}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes up a state that `state_dict` of a replay with the same settings returned.

        Raises:
            ValueError: if it comes from a replay with other settings, shapes or types; this one is then as it was.
        """
        if "following" in state and state["following"].shape != self._following.shape:
            raise ValueError(
                f"the saved stacks have shape {state['following'].shape}, those of this replay {self._following.shape}"
            )
        super().load_state_dict(state)
        self._following[:] = state["following"]
        self._begins[:] = state["begins"]

    def _end(self, streams: np.ndarray) -> None:
        """Ends these streams after their last step: what it led to gets a slot of its own."""
        if not len(streams):
            return
        self._arrays["stops"][self._last_rows(streams)] = True
        self._arrays["frames"][self._next_rows(streams)] = self._following[streams, -1]
        self._begins[streams] = True

    def _observations(self, rows: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        offsets = np.arange(1 - self.stack, 1)
        stacks = self._moved(np.stack([rows, self._moved(last, 1)])[..., np.newaxis], offsets)
        observations, next_observations = self._arrays["frames"][stacks]
        return observations, next_observations
