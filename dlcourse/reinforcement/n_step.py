"""n-step returns: rewards summed over several steps before the value of what follows is asked.

With n = 1 news of a reward moves back by one step per update; with n steps it moves back n at once, at the price that
the n - 1 later actions were chosen by an older policy.

Used in: Lab 07

Reference: Sutton and Barto, "Reinforcement learning: an introduction", 2nd edition 2018, section 7.1; Hessel et al.,
"Rainbow: combining improvements in deep reinforcement learning", 2018.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class NStep(NamedTuple):
    """What n steps from each of B transitions bring.

    Attributes:
        rewards: sum_{k<m} gamma^k r_{t+k}, shape (B,), float32.
        discounts: gamma^m, or 0 where the m-th step terminated, shape (B,), float32.
        steps: m, from 1 to n: fewer than n where the way ends before, shape (B,), int64.
    """

    rewards: np.ndarray
    discounts: np.ndarray
    steps: np.ndarray


def steps_until_stop(stops: np.ndarray) -> np.ndarray:
    """m: up to and with the first stop, or n if there is none.

    Args:
        stops: whether nothing may be added after this step, shape (..., n), bool.

    Returns:
        m, shape (...), int64.

    Example:
        >>> steps_until_stop(np.array([[False, True, False], [False, False, False]])).tolist()
        [2, 3]

    Used in: Lab 07
    """
    return 1 + np.logical_and.accumulate(~stops[..., :-1], axis=-1).sum(axis=-1, dtype=np.int64)


def n_step(rewards: np.ndarray, stops: np.ndarray, terminated: np.ndarray, discount: float) -> NStep:
    """The n-step returns of B transitions, without the value that is bootstrapped.

    target = sum_{k<m} gamma^k r_{t+k} + gamma^m (1 - terminated_{t+m-1}) max_a Q(s_{t+m}, a)

    Args:
        rewards: r_t to r_{t+n-1}, shape (B, n).
        stops: whether the way ends with this step (terminated or truncated), shape (B, n), bool. What is listed after
            the first stop belongs to something else and does not count.
        terminated: whether nothing is to be expected after this step, shape (B, n), bool.
        discount: gamma, in [0, 1].

    Example:
        >>> no = np.zeros((1, 3), dtype=bool)
        >>> n_step(np.array([[1.0, 1.0, 1.0]]), no, no, discount=0.5)
        NStep(rewards=array([1.75], dtype=float32), discounts=array([0.125], dtype=float32), steps=array([3]))

    Used in: Lab 07

    Reference: Sutton and Barto 2018, equation (7.1).
    """
    steps = steps_until_stop(stops)
    offsets = np.arange(stops.shape[1])
    powers = np.where(offsets < steps[:, np.newaxis], discount**offsets, 0.0)
    last = np.take_along_axis(terminated, steps[:, np.newaxis] - 1, axis=1)[:, 0]
    return NStep(
        np.where(powers > 0, powers * rewards, 0.0).sum(axis=1).astype(np.float32),
        np.where(last, 0.0, float(discount) ** steps).astype(np.float32),
        steps,
    )
