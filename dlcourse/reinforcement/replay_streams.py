"""What replays with n-step targets and priorities share: streams of steps in a ring, and draws from them.

Each of the N copies of an environment fills its own ring, so that the step after slot q of a copy is slot q + 1. A
transition can be drawn once its n steps are there, and until what it is rebuilt from is overwritten.

Used in: Lab 07

Reference: Schaul et al., "Prioritized experience replay", 2016; Hessel et al., "Rainbow: combining improvements in deep
reinforcement learning", 2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from dlcourse.arguments import check_count
from dlcourse.reinforcement.n_step import n_step, steps_until_stop
from dlcourse.reinforcement.random_state import pack_generator, unpack_generator
from dlcourse.reinforcement.replay import GIB
from dlcourse.reinforcement.sum_tree import SumTree

# Added to |delta|, so that a transition without error is still drawn now and then.
PRIORITY_FLOOR = 1e-6


class LearningBatch(NamedTuple):
    """B transitions over up to n steps, as a Q-network learns from them.

    target = reward + discount * max_a Q(next_observation, a)

    Attributes:
        observations: s_t, shape (B, *observation).
        actions: a_t, shape (B, *action).
        rewards: sum_{k<m} gamma^k r_{t+k}, where m <= n ends at a termination or truncation, shape (B,), float32.
        next_observations: s_{t+m}, after a truncation the true last observation, shape (B, *observation).
        discounts: gamma^m, 0 where terminated within the m steps, shape (B,), float32.
        weights: importance weights (N p_i)^-beta divided by the largest of the batch, 1 if drawn uniformly, shape (B,),
            float32.
        indices: where they lie, for `update_priorities`, shape (B,), int64.
    """

    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    next_observations: np.ndarray
    discounts: np.ndarray
    weights: np.ndarray
    indices: np.ndarray


class StreamReplay:
    """Rings of N streams, with draws in proportion to priorities. The kinds of replay are its subclasses.

    Args:
        capacity: slots of all streams together; rounded down to a multiple of `copies`.
        arrays: name of what a slot holds, with its shape and type.
        copies: N, the number of streams.
        n_step: n, the steps of a target.
        discount: gamma, in [0, 1].
        alpha: exponent of the priorities, in [0, 1]; 0 draws uniformly.
        beta: exponent of the importance weights, in [0, 1].
        seed: of the draws.
        memory_limit: in bytes.
        before: slots before a transition from which it is rebuilt too.
        after: slots after its last step that it needs.
        most: slots that one call of `add` may write to a stream.
    """

    def __init__(
        self,
        capacity: int,
        arrays: Mapping[str, tuple[tuple[int, ...], type | str | np.dtype]],
        *,
        copies: int,
        n_step: int,
        discount: float,
        alpha: float,
        beta: float,
        seed: int,
        memory_limit: int,
        before: int,
        after: int,
        most: int,
    ) -> None:
        self.copies, self.n_step = check_count("copies", copies), check_count("n_step", n_step)
        self.discount, self.alpha, self.beta = _fraction("discount", discount), _fraction("alpha", alpha), beta
        self._slots = check_count("capacity", capacity) // copies
        needed = n_step + before + 2 * most
        if self._slots < needed:
            raise ValueError(
                f"capacity={capacity} is {self._slots} slots for each of {copies} copies: give {needed * copies} or "
                "more"
            )
        self.capacity = self._slots * copies
        layout = dict(arrays) | {
            "rewards": ((), np.float32),
            "terminated": ((), np.bool_),
            "stops": ((), np.bool_),
            "transitions": ((), np.bool_),
            "ready": ((), np.bool_),
        }
        row = sum(int(np.prod(shape, dtype=np.int64)) * np.dtype(kind).itemsize for shape, kind in layout.values())
        size = self.capacity * row + (16 << (self.capacity - 1).bit_length() if alpha > 0 else 0)
        if size > memory_limit:
            raise ValueError(
                f"{self.capacity} transitions take {size / GIB:.2f} GiB, above the limit of {memory_limit / GIB:.2f} "
                f"GiB: give a smaller capacity or memory_limit={size} or more"
            )
        # Slot q of stream i lies in row (q mod slots) * copies + i: what is filled is one piece from row 0.
        self._arrays = {name: np.zeros((self.capacity, *shape), kind) for name, (shape, kind) in layout.items()}
        self._tree = SumTree(self.capacity) if alpha > 0 else None
        self._largest_priority = 1.0
        self._heads = np.zeros(copies, dtype=np.int64)
        self._ready_count = 0
        self._before, self._after, self._most = before, after, most
        self._generator = np.random.default_rng(seed)

    @property
    def beta(self) -> float:
        """Exponent of the importance weights, in [0, 1]; may be set between draws, to let it grow to 1."""
        return self._beta

    @beta.setter
    def beta(self, value: float) -> None:
        self._beta = _fraction("beta", value)

    def __len__(self) -> int:
        """How many transitions can be drawn."""
        return self._ready_count

    @property
    def nbytes(self) -> int:
        """Memory of all arrays in bytes, the same from the first transition to the last."""
        tree = self._tree.nbytes if self._tree is not None else 0
        return sum(array.nbytes for array in self._arrays.values()) + tree

    def sample(self, size: int) -> LearningBatch:
        """Draws transitions with probabilities p_i^alpha / sum_k p_k^alpha, with replacement.

        With priorities the range of their sum is cut into `size` equal parts with one draw in each, as in Schaul et
        al.; the expected number of draws is the same, with less noise. With alpha = 0 rows are drawn uniformly and
        those that cannot be used are drawn anew, which is exactly uniform over the others.

        Args:
            size: B, from 1 to the number of transitions that can be drawn.

        Raises:
            ValueError: if there are fewer than `size`.
        """
        if not 1 <= size <= self._ready_count:
            raise ValueError(
                f"a batch of {size} from {self._ready_count} transitions: collect {size} before you sample"
                if size > 0
                else f"size={size}: give 1 or more"
            )
        if self._tree is None:
            rows, weights = self._uniform_rows(size), np.ones(size, dtype=np.float32)
        else:
            # Rounding may lift the last mass to the total itself, which `find` takes too.
            masses = (np.arange(size) + self._generator.random(size)) * (self._tree.total / size)
            rows = self._tree.find(np.minimum(masses, self._tree.total))
            # (N p)^-beta over its largest value, which is that of the smallest p: N and the sum of all cancel.
            priorities = self._tree[rows]
            weights = ((priorities.min() / priorities) ** self.beta).astype(np.float32)
        ahead = self._moved(rows[:, np.newaxis], np.arange(self.n_step))
        kept = self._arrays
        several = n_step(kept["rewards"][ahead], kept["stops"][ahead], kept["terminated"][ahead], self.discount)
        last = np.take_along_axis(ahead, several.steps[:, np.newaxis] - 1, axis=1)[:, 0]
        observations, next_observations = self._observations(rows, last)
        return LearningBatch(
            observations, kept["actions"][rows], several.rewards, next_observations, several.discounts, weights, rows
        )

    def update_priorities(self, indices: np.ndarray, td_errors: np.ndarray) -> None:
        """Gives transitions the priority (|delta| + 1e-6)^alpha. Call it before the next `add`.

        Args:
            indices: of a batch, shape (B,).
            td_errors: delta, finite, shape (B,).

        Raises:
            ValueError: for a wrong shape, an index outside or an error that is NaN or infinite.
        """
        indices, errors = np.asarray(indices), np.abs(np.asarray(td_errors, dtype=np.float64))
        if indices.ndim != 1 or indices.shape != errors.shape or indices.dtype.kind not in "iu":
            raise ValueError(
                f"indices have shape {indices.shape} ({indices.dtype}) and td_errors {errors.shape}: give the indices "
                "of a batch and one error for each"
            )
        if not np.isfinite(errors).all():
            raise ValueError("td_errors hold NaN or infinity: the network diverges, lower the learning rate")
        if len(indices) and not 0 <= indices.min() <= indices.max() < self.capacity:
            raise ValueError(f"indices from {indices.min()} to {indices.max()}: give those in [0, {self.capacity})")
        if self._tree is None or not len(indices):
            return
        priorities = (errors + PRIORITY_FLOOR) ** self.alpha
        self._largest_priority = max(self._largest_priority, float(priorities.max()))
        usable = self._arrays["ready"][indices]
        self._tree.set(indices[usable], priorities[usable])

    def state_dict(self) -> dict[str, np.ndarray]:
        """Everything that is needed to go on to the byte.

        The large arrays are views and not copies: save them before the next `add`.
        """
        filled = self._filled_rows()
        state = {name: array[:filled] for name, array in self._arrays.items()}
        if self._tree is not None:
            state["priorities"] = self._tree.values[:filled]
        state["settings"] = self._settings()
        state["heads"] = self._heads.copy()
        state["scalars"] = np.array([self._largest_priority, self.beta])
        state["generator"] = pack_generator(self._generator)
        return state

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes up a state that `state_dict` of a replay with the same settings returned.

        Raises:
            ValueError: if it comes from a replay with other settings, shapes or types; this one is then as it was.
        """
        missing = self.state_dict().keys() - set(state)
        if missing:
            raise ValueError(f"the state lacks {', '.join(sorted(missing))}: it is not that of a {type(self).__name__}")
        settings, own = np.asarray(state["settings"]), self._settings()
        if settings.shape != own.shape or (settings != own).any():
            raise ValueError(
                f"the state is that of a replay with (slots, copies, n_step, discount, alpha) = {settings.tolist()}, "
                f"this one has {own.tolist()}"
            )
        heads = np.array(state["heads"])
        filled = int(np.minimum(heads, self._slots).max()) * self.copies
        stored = dict(self._arrays)
        if self._tree is not None:
            stored["priorities"] = self._tree.values
        for name, array in stored.items():
            saved = state[name]
            if saved.shape != (filled, *array.shape[1:]) or saved.dtype != array.dtype:
                raise ValueError(
                    f"the saved {name} have shape {saved.shape} and type {saved.dtype}, this replay stores "
                    f"{(filled, *array.shape[1:])} of {array.dtype}"
                )
        generator = unpack_generator(state["generator"])
        if self._tree is not None:
            # First, because the tree looks at what it is given.
            priorities = np.zeros(self.capacity)
            priorities[:filled] = state["priorities"]
            self._tree.set(np.arange(self.capacity), priorities)
        used = self._filled_rows()
        for name, array in self._arrays.items():
            array[:filled] = state[name]
            # Only what was in use: the rest is zero anyway, and touching it would take its memory.
            array[filled:used] = 0
        self._ready_count = int(self._arrays["ready"].sum())
        self._heads, self._generator = heads, generator
        self._largest_priority, self.beta = (float(value) for value in state["scalars"])

    def _observations(self, rows: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """s of the transitions in `rows`, and s' of those in `last`, their last steps."""
        raise NotImplementedError

    def _moved(self, rows: np.ndarray, by: np.ndarray | int) -> np.ndarray:
        """The rows that lie so many slots later in the same stream."""
        return (rows + by * self.copies) % self.capacity

    def _next_rows(self, streams: np.ndarray) -> np.ndarray:
        """Takes the next slot of each of these streams; until something else is said it holds no transition."""
        rows = (self._heads[streams] % self._slots) * self.copies + streams
        self._heads[streams] += 1
        self._arrays["transitions"][rows] = False
        return rows

    def _last_rows(self, streams: np.ndarray) -> np.ndarray:
        return ((self._heads[streams] - 1) % self._slots) * self.copies + streams

    def _refresh(self, heads_before: np.ndarray) -> None:
        """Finds out which transitions can no longer be drawn, and which from now on, after slots were written."""
        ready, streams = self._arrays["ready"], np.arange(self.copies)[:, np.newaxis]
        heads, old = self._heads[:, np.newaxis], heads_before[:, np.newaxis]
        gone = heads - self._slots + self._before - 1 - np.arange(self._most + self._before)
        gone_rows = (gone % self._slots * self.copies + streams)[gone >= old - self._slots]
        lost = gone_rows[ready[gone_rows]]
        ready[lost] = False
        recent = heads - 1 - np.arange(self.n_step + self._most)
        rows = recent % self._slots * self.copies + streams
        steps = steps_until_stop(self._arrays["stops"][self._moved(rows[..., np.newaxis], np.arange(self.n_step))])
        # Where no stop is known yet, m reaches beyond the head; slots that were never written hold no transition.
        complete = self._arrays["transitions"][rows] & (recent + steps - 1 + self._after < heads)
        gained = rows[complete & ~ready[rows]]
        ready[gained] = True
        self._ready_count += len(gained) - len(lost)
        if self._tree is not None:
            # In this order: a slot may lose its old transition and gain a new one, and the last number counts.
            priorities = np.repeat([0.0, self._largest_priority], [len(lost), len(gained)])
            self._tree.set(np.concatenate([lost, gained]), priorities)

    def _filled_rows(self) -> int:
        return int(np.minimum(self._heads, self._slots).max()) * self.copies

    def _uniform_rows(self, size: int) -> np.ndarray:
        filled, rows = self._filled_rows(), np.zeros(0, dtype=np.int64)
        while len(rows) < size:
            # About as many as will do in one go, by the share of the rows that can be used.
            count = 16 + int(1.1 * (size - len(rows)) * filled / self._ready_count)
            drawn = self._generator.integers(filled, size=count)
            rows = np.concatenate([rows, drawn[self._arrays["ready"][drawn]]])
        return rows[:size]

    def _settings(self) -> np.ndarray:
        return np.array([self._slots, self.copies, self.n_step, self.discount, self.alpha], dtype=np.float64)


def _fraction(name: str, value: float) -> float:
    # The comparison is false for NaN too.
    if not 0 <= value <= 1:
        raise ValueError(f"{name}={value}: give a number in [0, 1]")
    return float(value)
