"""What DDPG is run with.

Used in: Lab 06

Reference: Lillicrap et al. (2015), section 7.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DDPGSettings:
    """What DDPG is run with.

    Args:
        hidden: Units of each hidden layer, of the actor and of the critic.
        discount: gamma in the slides, 0 to 1.
        actor_learning_rate: Adam's step size for the actor, above 0.
        critic_learning_rate: Adam's step size for the critic, above 0.
        tau: Share of the online weights that a target network takes over in each update, above 0 to 1;
            1 means no target networks.
        batch_size: Transitions in an update, at least 1.
        replay_capacity: Transitions that are remembered, at least `batch_size`; as many as a batch means no replay.
        warm_up: Steps with uniformly random actions before the first update, at least `batch_size`.
        noise: Standard deviation of the Gaussian noise on actions, in half action ranges, at least 0; 0 means none.
        updates_per_call: k of the chunked mode: updates, and steps, from one compiled call to the next.

    Raises:
        TypeError: If a number has the wrong type.
        ValueError: If a number is out of its range.

    Example:
        >>> DDPGSettings(tau=1.0).tau
        1.0

    Used in: Lab 06

    Reference: Lillicrap et al. (2015), section 7.
    """

    hidden: tuple[int, ...] = (64, 64)
    discount: float = 0.99
    actor_learning_rate: float = 1e-3
    critic_learning_rate: float = 3e-3
    tau: float = 0.01
    batch_size: int = 64
    replay_capacity: int = 100_000
    warm_up: int = 500
    noise: float = 0.1
    updates_per_call: int = 10

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))
        counts = {
            name: getattr(self, name) for name in ("batch_size", "replay_capacity", "warm_up", "updates_per_call")
        }
        for name, count in [*counts.items(), *(("hidden", units) for units in self.hidden)]:
            if isinstance(count, bool) or not isinstance(count, int):
                raise TypeError(f"{name} must be made of integers, got {count!r}.")
            if count < 1:
                raise ValueError(f"{name} must be at least 1, got {count}.")
        for name in ("replay_capacity", "warm_up"):
            if counts[name] < self.batch_size:
                raise ValueError(
                    f"{name}={counts[name]} cannot fill a batch: give batch_size={self.batch_size} or more."
                )
        for name, low, high in (
            ("discount", 0.0, 1.0),
            ("tau", 1e-9, 1.0),
            ("noise", 0.0, 10.0),
            ("actor_learning_rate", 1e-9, 10.0),
            ("critic_learning_rate", 1e-9, 10.0),
        ):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be between {low:g} and {high:g}, got {getattr(self, name)}.")
