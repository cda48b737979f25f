"""Steps a second of one process and of two that share the work, on this machine.

    python benchmarks/economics_workers.py                  # about three processor minutes
    python benchmarks/economics_workers.py --quick          # one processor minute, a first look

The economy of 60 cohorts, two hidden layers of 128 units, one thread a process. Three contenders take turns of 200
steps, so that a machine that slows down slows all of them: one process with 128 paths (`train`), two that share 128
paths, and two with 128 paths each. Compilation is left out. Both processes run here, over loopback: what this measures
is the price of talking, and whether there is a second core to talk to.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

CHUNK = 200
CONTENDERS = {"one process": 128, "two, 64 paths each": 128, "two, 128 paths each": 256}


def work(rounds: int, cohorts: int, answer: Path) -> None:
    """One of the two workers; the first one writes what it measured."""
    from dlcourse.quiet import quiet_import

    workers = quiet_import("dlcourse.economics.multi_worker").join()
    runs = make_runs(workers, cohorts)
    measured: list[dict[str, Any]] = []
    for number in range(rounds + 1):
        for name, run in runs.items():
            if run is not None:
                wall, processor = perf_counter(), process_time()
                run.advance()
                wall, processor = perf_counter() - wall, process_time() - processor
            else:
                processor = 0.0
            # The second worker waits here while the first one trains alone; waiting costs it next to nothing.
            each = workers.gather([[processor]])[:, 0].tolist()
            if number and workers.chief:
                measured.append({"contender": name, "wall": wall, "processor": each})
                print(f"round {number}, {name}: {CHUNK / wall:.0f} steps/s", flush=True)
    if workers.chief:
        answer.write_text(json.dumps(measured))


def make_runs(workers: Any, cohorts: int) -> dict[str, Any]:
    """The trainings that take turns; None for one that this worker has no part in."""
    from dlcourse.checkpoints import CheckpointFolder
    from dlcourse.economics.benchmark_olg import benchmark_olg
    from dlcourse.economics.equilibrium_net import EquilibriumNet
    from dlcourse.economics.equilibrium_training import TrainingRun, TrainingSettings
    from dlcourse.economics.multi_worker_training import SharedRun

    runs = {}
    for name, paths in CONTENDERS.items():
        net, settings = EquilibriumNet(benchmark_olg(cohorts)), TrainingSettings(paths=paths)
        run = None
        if name != "one process":
            run = SharedRun(workers, net, settings, CheckpointFolder(tempfile.gettempdir() + "/none", {"paths": paths}))
            run.folder = None
        elif workers.chief:
            run = TrainingRun(net, settings, None)
        if run is not None:
            run.total = 100_000
        runs[name] = run
    return runs


def free_ports() -> list[int]:
    doors = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [door.getsockname()[1] for door in doors]
    for door in doors:
        door.close()
    return ports


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="turns of 200 steps of each contender")
    parser.add_argument("--cohorts", type=int, default=60)
    parser.add_argument("--quick", action="store_true", help="four rounds")
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    rounds = 4 if options.quick else options.rounds
    if rounds < 1:
        parser.error("rounds is at least 1")
    if options.answer is not None:
        work(rounds, options.cohorts, options.answer)
        return
    threads = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    addresses = [f"127.0.0.1:{port}" for port in free_ports()]
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        command = [sys.executable, __file__, "--rounds", str(rounds), "--cohorts", str(options.cohorts)]
        processes = []
        for index in range(2):
            config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            environment = os.environ | threads | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CONFIG": json.dumps(config)}
            processes.append(subprocess.Popen([*command, "--answer", str(answer)], env=environment))
        codes = [process.wait() for process in processes]
        if any(codes):
            sys.exit("a worker failed; its message stands above")
        report(json.loads(answer.read_text()))


def report(measured: list[dict[str, Any]]) -> None:
    by_name = {name: [row for row in measured if row["contender"] == name] for name in CONTENDERS}
    alone = statistics.median(row["wall"] for row in by_name["one process"])
    print("\n| contender | steps/s | states/s | states/s, of one | processor ms a step, first and second process |")
    print("|" + "---|" * 5)
    for name, rows in by_name.items():
        wall = statistics.median(row["wall"] for row in rows)
        each = [1e3 * statistics.median(row["processor"][index] for row in rows) / CHUNK for index in range(2)]
        states = CONTENDERS[name] * CHUNK / wall
        of_one = states / (CONTENDERS["one process"] * CHUNK / alone)
        print(f"| {name} | {CHUNK / wall:.0f} | {states:,.0f} | {of_one:.2f} | {each[0]:.2f} and {each[1]:.2f} |")


if __name__ == "__main__":
    main()
