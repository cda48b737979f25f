"""What a DQN run is made of.

Used in: Lab 07

Reference: Lecture 004, "TRAINING THE DQN"; Mnih et al. (2015), extended data table 1.
"""

from __future__ import annotations

from dataclasses import dataclass

from dlcourse.arguments import check_count, check_finite, check_name, check_positive

NETWORKS = ("dense", "minatar", "nature")


@dataclass(frozen=True)
class DQNSettings:
    """What a DQN run is made of. The defaults are sizes for small problems.

    Args:
        network: "dense" for vectors, "minatar" for small pictures, "nature" for stacks of uint8 frames.
        hidden: units of the dense layers; the last number is the layer before the values.
        filters: of the three convolutions of "nature"; "minatar" takes the first.
        dueling: aggregation of a dueling head ("mean", "max", "naive"), or None for a plain one.
        precision: "float32" or "bfloat16", of the network's products; weights stay float32.
        double: whether the online network chooses the action whose value the target network gives (double DQN).
        n_step: rewards summed before bootstrapping, at least 1.
        discount: gamma, 0 to 1.
        learning_rate: Adam's step size at the start, above 0.
        last_learning_rate: where it arrives, in a straight line; None keeps it.
        adam_epsilon: Adam's epsilon, above 0.
        clip_norm: largest norm of a gradient, above 0.
        batch_size: transitions in an update.
        train_every: transitions between two updates.
        updates_per_call: updates in one call into TensorFlow. More cost less, on a policy that is a little older.
        compiled: whether XLA compiles network and updates. None does so for "dense": convolutions get slower by it.
        target_every: updates between two copies of the online network into the target network.
        warm_up: transitions with random actions before the first update, at least `batch_size`.
        replay_capacity: transitions that are remembered, at least twice as many as one call draws.
        priority_exponent: alpha of prioritised replay; 0 draws uniformly.
        importance_exponent: beta of prioritised replay at the start; it rises to 1 over `total_steps`.
        first_epsilon, last_epsilon: exploration, from and to.
        epsilon_steps: transitions in which it goes from the one to the other.
        total_steps: transitions over which learning rate and beta move.
        mirror: for a game that is symmetric: the action that each action becomes in the mirror. Half of the transitions
            of a batch are then shown mirrored left to right. None leaves them.

    Raises:
        TypeError: if a number has the wrong type.
        ValueError: if a number is out of its range.

    Example:
        >>> DQNSettings(n_step=3).discount
        0.99

    Used in: Lab 07
    """

    network: str = "dense"
    hidden: tuple[int, ...] = (64, 64)
    filters: tuple[int, ...] = (32, 64, 64)
    dueling: str | None = None
    precision: str = "float32"
    double: bool = True
    n_step: int = 1
    discount: float = 0.99
    learning_rate: float = 1e-3
    last_learning_rate: float | None = None
    adam_epsilon: float = 1e-5
    clip_norm: float = 10.0
    batch_size: int = 64
    train_every: int = 1
    updates_per_call: int = 8
    compiled: bool | None = None
    target_every: int = 200
    warm_up: int = 1000
    replay_capacity: int = 50_000
    priority_exponent: float = 0.0
    importance_exponent: float = 0.4
    first_epsilon: float = 1.0
    last_epsilon: float = 0.05
    epsilon_steps: int = 10_000
    total_steps: int = 100_000
    mirror: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("hidden", "filters") + (() if self.mirror is None else ("mirror",)):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        check_name("network", self.network, NETWORKS)
        check_name("precision", self.precision, ("float32", "bfloat16"))
        if self.dueling is not None:
            check_name("dueling", self.dueling, ("mean", "max", "naive"))
        counts = ("n_step", "batch_size", "train_every", "updates_per_call", "target_every", "warm_up")
        for name in (*counts, "replay_capacity", "epsilon_steps", "total_steps"):
            check_count(name, getattr(self, name))
        for name in ("learning_rate", "adam_epsilon", "clip_norm"):
            check_positive(name, getattr(self, name))
        for name in ("discount", "priority_exponent", "importance_exponent", "first_epsilon", "last_epsilon"):
            if not 0 <= check_finite(name, getattr(self, name)) <= 1:
                raise ValueError(f"{name}={getattr(self, name)}: give a number from 0 to 1")
        for name, needed in (("warm_up", self.batch_size), ("replay_capacity", 2 * self.drawn)):
            if getattr(self, name) < needed:
                raise ValueError(f"{name}={getattr(self, name)} is too little to draw from: give {needed} or more")
        if self.mirror is not None and sorted(self.mirror) != list(range(len(self.mirror))):
            raise ValueError(f"mirror={self.mirror}: give each action once, such as (0, 1, 3, 2)")
        if self.mirror is not None and self.network != "nature":
            raise ValueError(f"mirror={self.mirror} turns stacks of frames round, network={self.network!r} takes none")

    @property
    def drawn(self) -> int:
        """Transitions that one call into TensorFlow draws."""
        return self.updates_per_call * self.batch_size
