"""How good a policy is: its returns from starts that are the same for every agent of the course.

Used in: Lab 06, Lab 07

Reference: Lecture 004, "RL KEY CONCEPTS": the total reward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import gymnasium
import numpy as np

from dlcourse.reinforcement.environments import (
    checked_action_space,
    checked_actions,
    checked_observation_space,
    environment_maker,
)

# The ten starts on which every agent of the course is measured: env.reset(seed=...) with each of these.
EVALUATION_SEEDS = tuple(range(10_000, 10_010))


class Actor(Protocol):
    """What acts: an agent of the course."""

    def act(self, observations: np.ndarray, explore: bool) -> np.ndarray:
        """Actions for observations of shape (N, *observation)."""


Policy = Actor | Callable[[np.ndarray], np.ndarray]


def evaluate(
    policy: Policy,
    name: str | Callable[[], gymnasium.Env],
    seeds: Sequence[int] = EVALUATION_SEEDS,
    *,
    max_steps: int | None = None,
    **settings: Any,
) -> np.ndarray:
    """The undiscounted returns of one episode from each of the fixed starts, without exploration.

    R = sum_t r_t

    Args:
        policy: an agent, which then acts with `explore=False`; or a function from observations (N, *observation) to
            actions (N, *action).
        name: as in `make_environment`.
        seeds: the starts: episode i begins with `env.reset(seed=seeds[i])`.
        max_steps: as in `make_environment`.
        **settings: for the environment.

    Returns:
        Shape (len(seeds),), float64.

    Raises:
        TypeError: if the policy can neither act nor be called.
        ValueError: as in `make_environment`, and for actions outside the action space.

    Example:
        >>> returns = evaluate(lambda observations: np.zeros((len(observations), 1)), "Pendulum-v1", seeds=(0, 1))
        >>> bool((returns < -200).all())  # a pendulum without a motor hangs
        True

    Used in: Lab 06, Lab 07
    """
    choose = as_function(policy)
    make = environment_maker(name, max_steps, settings)
    copies = [make() for _ in seeds]
    if not copies:
        raise ValueError("no seeds: give at least one start")
    checked_observation_space(copies[0])
    action_space = checked_action_space(copies[0])
    observations = np.stack([copy.reset(seed=int(seed))[0] for copy, seed in zip(copies, seeds, strict=True)])
    returns = np.zeros(len(copies))
    running = np.arange(len(copies))
    while running.size:
        # Ended episodes stay in the batch, so that a compiled policy sees one shape.
        actions = checked_actions(choose(observations), action_space, len(copies))
        still = []
        for index in running:
            observations[index], reward, terminated, truncated, _ = copies[index].step(actions[index])
            returns[index] += reward
            if not (terminated or truncated):
                still.append(index)
        running = np.array(still, dtype=np.int64)
    for copy in copies:
        copy.close()
    return returns


def as_function(policy: Policy) -> Callable[[np.ndarray], np.ndarray]:
    """The policy as a function from observations to actions; an agent acts without exploration.

    Raises:
        TypeError: if it is neither an agent nor a function.
    """
    if callable(getattr(policy, "act", None)):
        return lambda observations: policy.act(observations, explore=False)
    if callable(policy):
        return policy
    raise TypeError(f"a policy is an agent with act(observations, explore) or a function, got {type(policy).__name__}")
