"""Speed and memory of the prioritised replay and of the frame replay beside what one would use instead.

    python benchmarks/replay_speed.py --peers PATH/bin/python
    python benchmarks/replay_speed.py --only priorities --transitions 1000000 --batch 256

Priorities: draws and updates of batches from a million transitions, beside `numpy.random.Generator.choice` with
probabilities, which looks at all of them at each draw, and beside a sum tree in plain Python, one transition after the
other, as replays were first written. Frames: stacks of 4 x 84 x 84 pixels, s and s', and the memory of 100,000
transitions, beside stable-baselines3's default buffer (`--peers` names the Python of an environment that has it).

Everything runs on one thread, and each round times a slice of every contender in turn, in the process's own processor
time; a figure is the median of the rounds, a ratio the median of the ratios of neighbouring slices.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
from collections.abc import Callable
from time import process_time

import numpy as np

from dlcourse.reinforcement.frame_replay import FrameReplay
from dlcourse.reinforcement.prioritized import PrioritizedReplay, SumTree
from dlcourse.reinforcement.replay import GIB, Transitions

COPIES = 16
FRAMES = (84, 84)
STACK = 4
MEMORY_GATES = (0.7, 7.0)

STABLE_BASELINES3 = """
import sys, time
import numpy as np, torch
from gymnasium import spaces
from stable_baselines3.common.buffers import ReplayBuffer
size, copies, batch = (int(argument) for argument in sys.argv[1:])
torch.set_num_threads(1)
box, discrete = spaces.Box(0, 255, (4, 84, 84), np.uint8), spaces.Discrete(4)
whole = ReplayBuffer(100_000, box, discrete)
arrays = (whole.observations, whole.next_observations, whole.actions, whole.rewards, whole.dones, whole.timeouts)
print(sum(array.nbytes for array in arrays), flush=True)
del whole, arrays
buffer = ReplayBuffer(size, box, discrete, n_envs=copies)
seen = np.random.default_rng(0).integers(0, 256, size=(copies, 4, 84, 84), dtype=np.uint8)
no, actions = np.zeros(copies, bool), np.zeros((copies, 1), int)
def add():
    buffer.add(seen, seen, actions, np.zeros(copies), no, [{}] * copies)
for _ in range(size // copies):
    add()
for line in sys.stdin:
    what, count = line.split()
    start = time.process_time()
    for _ in range(int(count)):
        add() if what == "add" else buffer.sample(batch)
    print((time.process_time() - start) / int(count), flush=True)
"""


class PlainTree:
    """A sum tree in plain Python: one transition after the other."""

    def __init__(self, capacity: int) -> None:
        self.capacity = 1 << (capacity - 1).bit_length()
        self.nodes = [0.0] * (2 * self.capacity)

    def set(self, indices: np.ndarray, values: np.ndarray) -> None:
        for index, value in zip(indices.tolist(), values.tolist(), strict=True):
            place = index + self.capacity
            self.nodes[place] = value
            while place > 1:
                place //= 2
                self.nodes[place] = self.nodes[2 * place] + self.nodes[2 * place + 1]

    def find(self, masses: np.ndarray) -> np.ndarray:
        found = []
        for mass in masses.tolist():
            place = 1
            while place < self.capacity:
                place *= 2
                if mass >= self.nodes[place]:
                    mass -= self.nodes[place]
                    place += 1
            found.append(place - self.capacity)
        return np.array(found)


def seconds(run: Callable[[], object], count: int) -> float:
    """Processor seconds of one call, mean of `count`."""
    start = process_time()
    for _ in range(count):
        run()
    return (process_time() - start) / count


def in_turns(contenders: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Seconds of one call of each contender in each round; the first round warms up and does not count."""
    measured: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, run in contenders.items():
            taken = run()
            if number:
                measured[name].append(taken)
    return measured


def print_rows(title: str, unit: int, name_of_unit: str, measured: dict[str, list[float]]) -> None:
    """One row a contender: time of a call, how many of `unit` that is a second, and the ratio to the first."""
    first = next(iter(measured.values()))
    for name, taken in measured.items():
        middle = statistics.median(taken)
        ratio = statistics.median(other / own for own, other in zip(first, taken, strict=True))
        rate = unit / middle
        print(f"| {title} | {name} | {1e3 * middle:.3f} | {rate:,.0f} {name_of_unit}/s | {ratio:.1f} |", flush=True)


def priorities(count: int, batch: int, rounds: int) -> None:
    rng = np.random.default_rng(0)
    replay = PrioritizedReplay(count, (4,), copies=COPIES, n_step=3, seed=0)
    observations, no = np.zeros((COPIES, 4), np.float32), np.zeros(COPIES, bool)
    step = Transitions(observations, np.zeros(COPIES, np.int64), np.ones(COPIES), observations, no, no)
    for _ in range(count // COPIES):
        replay.add(step)
    errors = rng.lognormal(size=count)
    replay.update_priorities(np.arange(replay.capacity), errors[: replay.capacity])
    weights = errors**replay.alpha
    shares, tree, plain = weights / weights.sum(), SumTree(count), PlainTree(count)
    for each in (tree, plain):
        each.set(np.arange(count), weights)
    total, rows, new = weights.sum(), rng.integers(replay.capacity, size=batch), rng.lognormal(size=batch)
    print(f"{len(replay):,} transitions, batches of {batch}; {replay.nbytes / GIB:.3f} GiB\n")
    print("| | way | ms a batch | | times ours |\n|---|---|---|---|---|")
    drawn = {
        "ours, with n-step batch and weights": lambda: seconds(lambda: replay.sample(batch), 100),
        "ours, tree alone": lambda: seconds(lambda: tree.find(rng.random(batch) * total), 100),
        "sum tree in plain Python": lambda: seconds(lambda: plain.find(rng.random(batch) * total), 10),
        "Generator.choice(p=...)": lambda: seconds(lambda: rng.choice(count, batch, p=shares), 2),
    }
    print_rows("draw", batch, "samples", in_turns(drawn, rounds))
    changed = {
        "ours": lambda: seconds(lambda: replay.update_priorities(rows, new), 100),
        "sum tree in plain Python": lambda: seconds(lambda: plain.set(rows, new), 10),
    }
    print_rows("update", batch, "updates", in_turns(changed, rounds))
    added = {"ours": lambda: seconds(lambda: replay.add(step), 200)}
    print_rows(f"add {COPIES}", COPIES, "transitions", in_turns(added, rounds))


def copied(heap: np.ndarray, rng: np.random.Generator, piece: int) -> np.ndarray:
    start = rng.integers(len(heap) - piece)
    return heap[start : start + piece].copy()


class Peer:
    """Stable-baselines3's buffer in a process of its own, which runs slices when it is told to."""

    def __init__(self, python: str, size: int, batch: int) -> None:
        command = [python, "-c", STABLE_BASELINES3, str(size), str(COPIES), str(batch)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.bytes_of_100k = int(self._answer())

    def seconds(self, what: str, count: int) -> float:
        print(what, count, file=self._process.stdin, flush=True)
        return float(self._answer())

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> str:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the peer did not answer: does its environment hold stable-baselines3?")
        return line


def frames(size: int, batch: int, rounds: int, peers: str | None) -> None:
    film = np.random.default_rng(0).integers(0, 256, size=(COPIES, 64 + STACK, *FRAMES), dtype=np.uint8)
    stacks = [np.ascontiguousarray(film[:, start : start + STACK]) for start in range(65)]
    no, actions, rewards = np.zeros(COPIES, bool), np.zeros(COPIES, np.int64), np.ones(COPIES)

    def add(replay: FrameReplay, number: int) -> None:
        last = number % 64 == 63
        replay.add(Transitions(stacks[number % 64], actions, rewards, stacks[number % 64 + 1], no, ~no if last else no))

    replay = FrameReplay(size, FRAMES, STACK, copies=COPIES, n_step=3, seed=0)
    for number in range(size // COPIES):
        add(replay, number)
    numbers = iter(range(size // COPIES, 10**9))
    # As many bytes as a batch holds, in one piece, from places as far apart as those of the frames.
    heap, piece, rng = np.ones((size, *FRAMES), np.uint8), 2 * batch * STACK, np.random.default_rng(1)
    drawn = {
        "ours, 3 steps": lambda: seconds(lambda: replay.sample(batch), 20),
        "a copy of as many bytes": lambda: seconds(lambda: copied(heap, rng, piece), 20),
    }
    added = {"ours": lambda: seconds(lambda: add(replay, next(numbers)), 64)}
    peer = Peer(peers, size, batch) if peers else None
    if peer:
        drawn["stable-baselines3, 1 step"] = lambda: peer.seconds("sample", 20)
        added["stable-baselines3"] = lambda: peer.seconds("add", 64)
    print(f"\n{size:,} slots, {len(replay):,} drawable transitions, batches of {batch}\n")
    print("| | way | ms a call | | times ours |\n|---|---|---|---|---|")
    print_rows("draw s and s'", batch, "samples", in_turns(drawn, rounds))
    print_rows(f"add {COPIES}", COPIES, "transitions", in_turns(added, rounds))
    own = FrameReplay(100_000, FRAMES, STACK, copies=COPIES).nbytes
    verdict = "reached" if own <= MEMORY_GATES[0] * GIB else "MISSED"
    print(f"\n100,000 frames: {own / GIB:.3f} GiB (target {MEMORY_GATES[0]}: {verdict})")
    if peer:
        ratio = peer.bytes_of_100k / own
        verdict = "reached" if ratio >= MEMORY_GATES[1] else "MISSED"
        print(
            f"stable-baselines3's default buffer: {peer.bytes_of_100k / GIB:.3f} GiB, {ratio:.2f} times as much "
            f"(target {MEMORY_GATES[1]}: {verdict})"
        )
        peer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("priorities", "frames"))
    parser.add_argument("--peers", help="Python of an environment with stable-baselines3; without it, no such rows")
    parser.add_argument("--transitions", type=int, default=1_000_000)
    parser.add_argument("--slots", type=int, default=16_000, help="of the frame replays that are timed")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=7)
    chosen = parser.parse_args()
    if chosen.only in (None, "priorities"):
        priorities(chosen.transitions, chosen.batch, chosen.rounds)
    if chosen.only in (None, "frames"):
        frames(chosen.slots, chosen.batch, chosen.rounds, chosen.peers)


if __name__ == "__main__":
    main()
