"""Gradient steps a second on the analytic economy: the fused trainer beside the lecture's Algorithm 1 as printed.

    python benchmarks/economics_speed.py                    # one thread; about three processor minutes
    python benchmarks/economics_speed.py --threads 2
    python benchmarks/economics_speed.py --quick            # half a minute, a first look

Both train the same network (the lecture's, 32-100-50-5, relu, a share of income) on the same six cohorts, with the same
number of states a gradient step. Algorithm 1 runs as printed: a path of 10,240 periods under the current weights, its
errors, then 20 epochs of mini-batches over it. The fused trainer runs as many paths side by side as the mini-batch is
long. They take turns, so that a machine that slows down slows both; compilation is left out (the first 200 steps, the
first episode) and reported apart. Everything else counts: simulating, measuring errors, learning.
"""

from __future__ import annotations

import argparse
import os
import statistics
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import TYPE_CHECKING, NamedTuple

from dlcourse.quiet import quiet_import

if TYPE_CHECKING:
    import numpy as np

EPISODE, EPOCHS = 10_240, 20
GATE = 4.0


class Slice(NamedTuple):
    """What one turn took."""

    steps: int
    wall: float
    processor: float

    @property
    def rate(self) -> float:
        return self.steps / self.wall

    @property
    def cost(self) -> float:
        """Processor milliseconds a step."""
        return 1e3 * self.processor / self.steps


@dataclass(frozen=True)
class Sizes:
    """How long a turn is."""

    batch: int
    steps: int
    episodes: int


def fused(sizes: Sizes, seed: int) -> tuple[Slice, float]:
    """A turn of the fused trainer; its first 200 steps hold the compilation and are returned apart, in seconds."""
    from dlcourse.economics.analytic_olg import analytic_olg
    from dlcourse.economics.equilibrium_net import EquilibriumNet
    from dlcourse.economics.equilibrium_training import TrainingSettings, train

    net = EquilibriumNet(analytic_olg(), hidden=(100, 50), activation="relu", head="share", seed=seed)
    stamps: list[tuple[float, float]] = [(perf_counter(), process_time())]
    train(
        net,
        steps=sizes.steps + 200,
        settings=TrainingSettings(paths=sizes.batch, seed=seed),
        on_chunk=lambda _: stamps.append((perf_counter(), process_time())),
    )
    (wall, processor), (last_wall, last_processor) = stamps[1], stamps[-1]
    return Slice(sizes.steps, last_wall - wall, last_processor - processor), wall - stamps[0][0]


def printed(sizes: Sizes, seed: int) -> tuple[Slice, float]:
    """A turn of Algorithm 1; its first episode holds the tracing and is returned apart, in seconds."""
    from dlcourse.economics.algorithm_1 import algorithm_1
    from dlcourse.economics.analytic_olg import analytic_olg
    from dlcourse.economics.equilibrium_net import EquilibriumNet

    stamps: list[tuple[float, float]] = [(perf_counter(), process_time())]

    class Stamped(EquilibriumNet):
        """Algorithm 1 hands the weights over once an episode."""

        def set_weights(self, weights: list[np.ndarray]) -> None:
            super().set_weights(weights)
            stamps.append((perf_counter(), process_time()))

    net = Stamped(analytic_olg(), hidden=(100, 50), activation="relu", head="share", seed=seed)
    found = algorithm_1(
        net,
        episode_length=EPISODE,
        epochs=EPOCHS,
        batch_size=sizes.batch,
        iterations=1 + sizes.episodes,
        mean_threshold=0.0,
        maximum_threshold=0.0,
        seed=seed,
    )
    (wall, processor), (last_wall, last_processor) = stamps[1], stamps[-1]
    steps = found.gradient_steps * sizes.episodes // (1 + sizes.episodes)
    return Slice(steps, last_wall - wall, last_processor - processor), wall - stamps[0][0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, nargs="+", default=[128, 512], help="states of a gradient step")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4_000, help="of the fused trainer in a turn")
    parser.add_argument("--episodes", type=int, default=2, help="of Algorithm 1 in a turn")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="one short round of batch 512")
    options = parser.parse_args()
    if options.quick:
        options.batches, options.rounds, options.steps, options.episodes = [512], 1, 1_000, 1
    if min(*options.batches, options.rounds, options.episodes, options.threads) < 1 or options.steps % 200:
        parser.error("batches, rounds, episodes and threads are at least 1; steps is a multiple of 200")
    # Before TensorFlow is loaded, which reads them once.
    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(options.threads)
    os.environ["OPENBLAS_NUM_THREADS"] = str(options.threads)
    quiet_import("tensorflow")

    lines = []
    for batch in options.batches:
        sizes = Sizes(batch, options.steps, options.episodes)
        rounds = []
        for number in range(options.rounds):
            (ours, our_start), (theirs, their_start) = fused(sizes, number), printed(sizes, number)
            rounds.append((ours, theirs))
            print(
                f"batch {batch}, round {number + 1}: fused {ours.rate:.0f} steps/s (first 200 steps "
                f"{our_start:.1f} s), Algorithm 1 {theirs.rate:.0f} steps/s (first episode {their_start:.1f} s)",
                flush=True,
            )
        medians = [
            statistics.median(value)
            for value in (
                [ours.rate for ours, _ in rounds],
                [theirs.rate for _, theirs in rounds],
                [ours.rate / theirs.rate for ours, theirs in rounds],
                [ours.cost for ours, _ in rounds],
                [theirs.cost for _, theirs in rounds],
                [theirs.cost / ours.cost for ours, theirs in rounds],
            )
        ]
        lines.append("| {} | {:.0f} | {:.0f} | {:.1f} | {:.2f} | {:.2f} | {:.1f} |".format(batch, *medians))
    print("\n| states a step | fused, steps/s | Algorithm 1, steps/s | ratio | fused, processor ms a step |", end="")
    print(" Algorithm 1 | ratio |\n|" + "---|" * 7)
    print("\n".join(lines))
    print(f"\ntarget: {GATE:g} times as many gradient steps a second overall")


if __name__ == "__main__":
    main()
