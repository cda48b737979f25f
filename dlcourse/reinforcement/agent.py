"""What an agent of the course offers to the training loop, whatever it learns and however.

Used in: Lab 06, Lab 07

Reference: Lecture 004, "RL KEY CONCEPTS".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from dlcourse.reinforcement.environments import Episode
from dlcourse.reinforcement.replay import Transitions


class Memory(Protocol):
    """What an agent remembers of its experience: `ReplayBuffer` is one."""

    def state_dict(self) -> dict[str, np.ndarray]:
        """Arrays from which it goes on to the byte."""

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes up what `state_dict` returned."""


class Agent(Protocol):
    """What `train` trains.

    Attributes:
        settings: JSON values that a run must share with the one that it resumes, such as sizes and learning rates.
        memory: the replay, saved beside the agent; None where the agent keeps no experience.
    """

    settings: Mapping[str, Any]
    memory: Memory | None

    def act(self, observations: np.ndarray, explore: bool) -> np.ndarray:
        """Actions for observations of shape (N, *observation); without exploration it must draw no random numbers."""

    def observe(self, transitions: Transitions) -> Mapping[str, float]:
        """Stores what happened and learns from it.

        Returns:
            Figures such as {"critic_loss": 0.3}, which the history averages; empty where nothing was learnt.
        """

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of everything but the memory: networks, optimizers, counters, noise, random generators."""

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes up what `state_dict` returned."""


class Advance(NamedTuple):
    """What a self-driving agent did: transitions, the episodes that ended in them, and the means of its figures."""

    steps: int
    episodes: list[Episode]
    figures: Mapping[str, float]


class SelfDrivingAgent(Agent, Protocol):
    """An agent that steps environments of its own, such as physics in its compiled loop; `observe` is not called."""

    def advance(self, steps: int) -> Advance:
        """Takes about `steps` transitions, at least one, and learns from them."""
