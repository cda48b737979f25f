"""How long a training step takes on many machines, on paper: what is computed, what is sent, what is waited for."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

_FLOAT = 4


@dataclass(frozen=True)
class StepCost:
    """One gradient step of every worker.

    Attributes:
        sent: bytes that each worker sends (and receives).
        compute: seconds of simulation, gradient and Adam.
        transfer: seconds for the bytes.
        latency: seconds for the messages that wait for each other.
        states: states in the gradient, of all workers together.
    """

    sent: float
    compute: float
    transfer: float
    latency: float
    states: int

    @property
    def seconds(self) -> float:
        """The step as a whole; nothing overlaps, since Adam needs the last byte of the gradient."""
        return self.compute + self.transfer + self.latency

    @property
    def efficiency(self) -> float:
        """States a second and worker, as a share of those of a worker that trains alone."""
        return self.compute / self.seconds


def weight_count(cohorts: int, hidden: tuple[int, ...] = (128, 128), shocks: int = 4) -> int:
    """Weights of an `EquilibriumNet` without multipliers.

    Args:
        cohorts: A.
        hidden: units of the hidden layers.
        shocks: values of z.

    Example:
        >>> weight_count(60)
        40379
    """
    sizes = (shocks + 2 + 2 * cohorts, *hidden, cohorts - 1)
    return sum((inputs + 1) * outputs for inputs, outputs in itertools.pairwise(sizes))


def communication_cost(
    workers: int,
    weights: int,
    *,
    paths: int = 128,
    seconds_per_state: float = 1.4e-5,
    seconds_per_step: float = 1.4e-3,
    bandwidth: float = 1.25e9,
    latency: float = 1e-3,
    tree: bool = False,
) -> StepCost:
    """The cost of a step that averages one gradient over all workers.

    A ring (TensorFlow's choice on CPUs) cuts the vector into W parts and passes each around twice, once to add and once
    to hand out:  bytes = 2 (W - 1)/W * 4 * weights,  messages one after the other = 2 (W - 1).
    A tree sends the same bytes in  2 ceil(log2 W)  messages.

    Args:
        workers: W, at least 1.
        weights: length of the gradient, at least 1.
        paths: of each worker, at least 1; each gives one state a step.
        seconds_per_state: computation that grows with the paths.
        seconds_per_step: computation that does not (Adam, starting the kernels).
        bandwidth: of a worker's network, bytes a second, positive; 1.25e9 is 10 Gbit/s.
        latency: seconds from sending to receiving the shortest message, the work of both ends included, at least 0.
        tree: messages along a tree (NCCL, MPI) and not around a ring.

    Returns:
        Bytes and seconds of a step. The defaults are those of 60 cohorts on the project's machine (docs/cluster.md).

    Raises:
        ValueError: for a number out of its range.

    Example:
        >>> step = communication_cost(2, weight_count(60))
        >>> round(step.sent), round(1e3 * step.seconds, 2), round(step.efficiency, 2)
        (161516, 5.32, 0.6)

    Used in: docs/cluster.md

    Reference: Thakur, Rabenseifner and Gropp (2005), Optimization of collective communication operations in MPICH.
    """
    if min(workers, weights, paths) < 1 or min(seconds_per_state, bandwidth) <= 0:
        raise ValueError(
            f"workers={workers}, weights={weights}, paths={paths}, seconds_per_state={seconds_per_state}, "
            f"bandwidth={bandwidth}: the first three are at least 1, the others positive"
        )
    if min(seconds_per_step, latency) < 0:
        raise ValueError(f"seconds_per_step={seconds_per_step}, latency={latency}: neither is negative")
    sent = 2 * (workers - 1) / workers * _FLOAT * weights
    messages = 2 * math.ceil(math.log2(workers)) if tree else 2 * (workers - 1)
    compute = seconds_per_step + paths * seconds_per_state
    return StepCost(sent, compute, sent / bandwidth, messages * latency, workers * paths)
