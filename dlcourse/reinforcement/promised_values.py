"""Does an agent get what its values promise? max_a Q(s, a) held against the discounted return that follows.

A value network says how much reward, discounted, is still to come. Let the agent play, and add up what really comes: if
the promise is larger on average, the network over-estimates.

Used in: Lab 07

Reference: van Hasselt et al. (2016), "Deep reinforcement learning with double Q-learning", figure 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import gymnasium
import numpy as np
from numpy.typing import NDArray

from dlcourse.arguments import check_count, check_finite
from dlcourse.reinforcement.environments import environment_maker
from dlcourse.reinforcement.evaluation import EVALUATION_SEEDS

# What lies further ahead than this share of weight is neglected.
_NEGLECTED = 0.05


class ValueAgent(Protocol):
    """What has an opinion on actions: `DQN` and the Atari player."""

    def values(self, observations: NDArray) -> NDArray[np.float32]:
        """Q(s, a), shape (B, actions), for observations of shape (B, *observation)."""


class Promises(NamedTuple):
    """Promise and fulfilment in every state that was visited.

    Attributes:
        promised: max_a Q(s_t, a), shape (T,).
        received: sum_k gamma^k r_{t+k}, shape (T,).
        totals: undiscounted return of each episode, shape (episodes,).
    """

    promised: NDArray[np.float64]
    received: NDArray[np.float64]
    totals: NDArray[np.float64]

    @property
    def excess(self) -> float:
        """Mean of promised minus received: above 0 where the values are too large."""
        return float(np.mean(self.promised) - np.mean(self.received))


def promises(
    agent: ValueAgent,
    name: str | Callable[[], gymnasium.Env],
    *,
    discount: float = 0.99,
    seeds: Sequence[int] = EVALUATION_SEEDS,
    max_steps: int = 1000,
) -> Promises:
    """Plays one greedy episode from each start, and compares the value of each state with the return from there.

    Where the clock cuts an episode off, its last states are left out: what they would have received is not known.

    Args:
        agent: whose values are asked, and followed.
        name: as in `make_environment`; actions must be discrete.
        discount: gamma, above 0 and below 1, the one that the agent learnt with.
        seeds: of the starts.
        max_steps: an episode is cut off after so many steps.

    Returns:
        Promised and received, over all states of all episodes.

    Raises:
        ValueError: if gamma is out of its range, there is no start, or every episode was cut off too early to say
            anything.

    Example:
        >>> class Optimist:
        ...     values = staticmethod(lambda observations: np.tile([20.0, 0.0], (len(observations), 1)))
        >>> found = promises(Optimist(), "CartPole-v1", discount=0.9, seeds=(0,))
        >>> float(found.promised[0]), bool(found.received[0] < 10)
        (20.0, True)

    Used in: Lab 07
    """
    if not 0 < check_finite("discount", discount) < 1:
        raise ValueError(f"discount={discount}: give a number above 0 and below 1")
    if not len(seeds):
        raise ValueError("no seeds: give at least one start")
    make = environment_maker(name, check_count("max_steps", max_steps), {})
    copies = [make() for _ in seeds]
    observations = np.stack([copy.reset(seed=int(seed))[0] for copy, seed in zip(copies, seeds, strict=True)])
    promised: list[list[float]] = [[] for _ in copies]
    rewards: list[list[float]] = [[] for _ in copies]
    cut = np.zeros(len(copies), bool)
    running = list(range(len(copies)))
    while running:
        # Ended episodes stay in the batch, so that a compiled network sees one shape.
        values = np.asarray(agent.values(observations))
        for index in tuple(running):
            observations[index], reward, terminated, truncated, _ = copies[index].step(int(values[index].argmax()))
            promised[index].append(float(values[index].max()))
            rewards[index].append(float(reward))
            if terminated or truncated:
                cut[index] = truncated and not terminated
                running.remove(index)
    tail = int(np.ceil(np.log(_NEGLECTED) / np.log(discount)))
    kept = [len(steps) - tail * late for steps, late in zip(rewards, cut, strict=True)]
    if max(kept) <= 0:
        raise ValueError(
            f"every episode was cut off after at most {max(map(len, rewards))} steps, and what follows counts for "
            f"{tail} steps with discount {discount}: give a larger max_steps or a smaller discount"
        )
    received = [_returns(steps, discount)[: max(0, keep)] for steps, keep in zip(rewards, kept, strict=True)]
    return Promises(
        np.concatenate([steps[: max(0, keep)] for steps, keep in zip(promised, kept, strict=True)]),
        np.concatenate(received),
        np.array([sum(steps) for steps in rewards]),
    )


def _returns(rewards: Sequence[float], discount: float) -> NDArray[np.float64]:
    returns, after = np.empty(len(rewards)), 0.0
    for index in reversed(range(len(rewards))):
        after = rewards[index] + discount * after
        returns[index] = after
    return returns
