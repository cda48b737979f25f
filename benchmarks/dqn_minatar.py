"""MinAtar Breakout learnt live, and whether large rare batches learn as well as small frequent ones.

    python benchmarks/dqn_minatar.py --only live --seconds 60 --seeds 0 1 2
    python benchmarks/dqn_minatar.py --only parity --steps 30000 --seeds 0 1 2

live: training for so many processor seconds on one thread (compiling included); the mean return of the last 100
training episodes against that of the first 100, and the median of the seeds.

parity: batches of 32 every 4 steps, as the Nature paper learns, beside batches of 128 every 16, with the same number of
samples a step and twice the learning rate. Mean return of the last 100 training episodes.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from statistics import median
from time import process_time

import numpy as np

from dlcourse.reinforcement.dqn import DQN
from dlcourse.reinforcement.dqn_settings import DQNSettings
from dlcourse.reinforcement.environments import make_environment
from dlcourse.reinforcement.minatar import minatar_breakout

LIVE = DQNSettings(
    network="minatar",
    filters=(16,),
    hidden=(128,),
    n_step=3,
    learning_rate=5e-4,
    batch_size=64,
    train_every=4,
    updates_per_call=8,
    target_every=250,
    warm_up=1000,
    replay_capacity=100_000,
    last_epsilon=0.02,
    epsilon_steps=20_000,
)
PARITY = replace(LIVE, n_step=1, warm_up=2000, last_epsilon=0.05, epsilon_steps=10_000)
OFTEN = replace(PARITY, batch_size=32, train_every=4, updates_per_call=4, target_every=400)
# Four times the batch: twice the rate, by the square-root rule for Adam.
RARELY = replace(PARITY, learning_rate=1e-3, batch_size=128, train_every=16, updates_per_call=1, target_every=100)
GATE = 5.0


def returns(
    settings: DQNSettings, seed: int, seconds: float = np.inf, steps: float = np.inf
) -> tuple[list[float], int]:
    """Trains until the time or the steps are over; the returns of all episodes, and the number of steps."""
    start, done, found = process_time(), 0, []
    environment = make_environment(minatar_breakout, copies=16, seed=100 * seed, max_steps=2000)
    agent = DQN(environment, settings, seed=seed)
    observations = environment.reset()
    while process_time() - start < seconds and done < steps:
        observations, transitions, episodes = environment.step(agent.act(observations, explore=True))
        agent.observe(transitions)
        done += environment.count
        found += [episode.total_reward for episode in episodes]
    return found, done


def live(seeds: list[int], seconds: float) -> None:
    """Prints what each seed learnt in the time."""
    ratios = []
    for seed in seeds:
        found, steps = returns(LIVE, seed, seconds=seconds)
        first, last = np.mean(found[:100]), np.mean(found[-100:])
        ratios.append(last / first)
        print(f"seed {seed}: {steps:,} steps, {first:.2f} -> {last:.2f}, {last / first:.1f}x", flush=True)
    print(f"median {median(ratios):.1f}x, gate {GATE:g}x", flush=True)


def parity(seeds: list[int], steps: int) -> None:
    """Prints what both ways of learning reached."""
    for seed in seeds:
        reached = []
        for settings in (OFTEN, RARELY):
            start = process_time()
            found, _ = returns(settings, seed, steps=steps)
            reached.append((np.mean(found[-100:]), process_time() - start))
        figures = ", ".join(
            f"batch {settings.batch_size} every {settings.train_every}: {last:.2f} in {spent:.0f} s"
            for settings, (last, spent) in zip((OFTEN, RARELY), reached, strict=True)
        )
        print(f"seed {seed}: {figures}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["live", "parity"])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--steps", type=int, default=30_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    if arguments.only != "parity":
        live(arguments.seeds, arguments.seconds)
    if arguments.only != "live":
        parity(arguments.seeds, arguments.steps)


if __name__ == "__main__":
    main()
