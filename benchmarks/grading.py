"""Hand-ins a minute and memory of `dlcourse grade`, every verdict known beforehand, beside nbclient and otter-grader.

    python benchmarks/grading.py --make 200 --grade --compare 10 --otter PATH/bin/otter FOLDER

--make:    writes so many hand-ins of lab 02 to FOLDER: right, wrong, broken and hostile ones in turns.
--grade:   grades them in the sandbox, asserts that every verdict of every exercise is right, and says what it took.
--compare: so many of the right ones, graded by us and by others, two at a time as ours. nbclient runs each in a fresh
           kernel: the whole notebook, or only the code that the exercises need, followed by their public checks, with
           TensorFlow imported or not. `otter run` gets the same code and tests of the same public cases.

Ours also calls each function on fresh inputs, in a second sandbox; the others run a stranger's code as the grader's
own user and see public inputs alone. Memory is that of all processes together, each answering for its share of what
several have in common, looked at five times a second.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from grading_handins import KINDS, LAB, Wanted, faults, make, read_wanted
from grading_peers import nbclient_run, otter_run, otter_tests, parts_needed, whole

from dlcourse import __version__
from dlcourse.catalog import find_lab
from dlcourse.checks.catalog import exercises
from dlcourse.grading.grade import Plan, grade_batch
from dlcourse.grading.reading.handins import find_handins
from dlcourse.grading.reading.lab_cells import TrustedLab
from dlcourse.grading.reporting.reports import ReportMeta, write_reports
from dlcourse.grading.results import HandInResult
from dlcourse.grading.sandboxes.choice import choose_isolation
from dlcourse.grading.sandboxes.limits import Limits
from dlcourse.grading.sandboxes.supervisor import exact_memory, measure
from dlcourse.grading.verdicts import Judging

MIB = 2**20
GATE = 3.0
# Modest, so that hostile hand-ins come to their end soon: an endless loop has 3 seconds instead of 20.
LIMITS = Limits(
    seconds=120, cpu_seconds=60, memory=512 * MIB, processes=64, disk=16 * MIB, file_size=16 * MIB, output=MIB
)
JUDGING = Judging(patience=0.3, step_seconds=6.0, seconds=100.0)
# What any grader can run from the first cell to the last: no endless cells of the student's own, nothing deleted.
RUNS_WHOLE = {"other_answers", "other_formatting", "own_helpers", "second_thoughts", "without_outputs"}


class Memory:
    """Most bytes that this process and all below it had in memory while the block ran."""

    def __enter__(self) -> Memory:
        self.peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.2):
            self.peak = max(self.peak, exact_memory(measure(os.getpid()).pids))


@dataclass(frozen=True)
class Taken:
    """What a run took: hand-ins, seconds by the clock, bytes at most."""

    count: int
    seconds: float
    memory: int

    @property
    def rate(self) -> float:
        """Hand-ins a minute."""
        return 60 * self.count / self.seconds


def grade(submissions: Path, report: Path, jobs: int) -> tuple[list[HandInResult], Taken]:
    """As `dlcourse grade` does: from finding the hand-ins to the written report."""
    lab = find_lab(LAB)
    shutil.rmtree(report, ignore_errors=True)
    report.mkdir(parents=True)
    isolation = choose_isolation()
    start = perf_counter()
    with Memory() as memory:
        handins = find_handins(submissions, TrustedLab.read(lab.unsolved))
        results = grade_batch(handins, Plan(lab.unsolved, isolation, JUDGING, LIMITS, jobs=jobs), report)
        titles = tuple((exercise.number, exercise.title) for exercise in exercises(LAB))
        write_reports(
            results, report, ReportMeta(LAB, lab.title, titles, isolation.name, __version__, datetime.now(UTC), 0.5)
        )
    return results, Taken(len(results), perf_counter() - start, memory.peak)


def report_grading(results: Sequence[HandInResult], taken: Taken, wanted: dict[str, Wanted], jobs: int) -> None:
    """Prints rate, memory, and where the time went, by kind."""
    verdicts = sum(len(result.exercises) or 1 for result in results)
    print(f"{taken.count} hand-ins, {verdicts} verdicts, all right; isolation: {results[0].isolation}")
    print(f"{taken.seconds:.0f} s, {taken.rate:.0f} hand-ins a minute, {taken.memory / MIB:.0f} MiB at most")
    seconds: dict[str, list[float]] = defaultdict(list)
    for result in results:
        seconds[wanted[result.student].kind].append(result.seconds)
    for kind in KINDS:
        if seconds[kind]:
            each = sum(seconds[kind]) / len(seconds[kind])
            print(
                f"  {kind:8} {each:5.2f} s each, longest {max(seconds[kind]):5.1f} s: {60 * jobs / each:4.0f} a minute"
            )


def sample(folder: Path, wanted: dict[str, Wanted], count: int) -> Path:
    """A folder with some of the right hand-ins, such as every grader can run."""
    students = [
        student
        for student, one in wanted.items()
        if one.kind == "right" and RUNS_WHOLE.issuperset(one.what.split(", "))
    ][:count]
    target = folder / "sample"
    shutil.rmtree(target, ignore_errors=True)
    for student in students:
        shutil.copytree(folder / "submissions" / student, target / student)
    return target


def at_a_time(jobs: int, run: Callable[[Path], None], paths: Sequence[Path]) -> Taken:
    """Runs `run` on each path, so many at a time."""
    from concurrent.futures import ThreadPoolExecutor

    start = perf_counter()
    with Memory() as memory, ThreadPoolExecutor(jobs) as pool:
        list(pool.map(run, paths))
    return Taken(len(paths), perf_counter() - start, memory.peak)


def compare(folder: Path, wanted: dict[str, Wanted], count: int, otter: str | None, jobs: int) -> bool:
    """Grades the same hand-ins in all ways, prints a table, and says whether the gate is passed."""
    submissions = sample(folder, wanted, count)
    paths = sorted(submissions.glob("*/*.ipynb"))
    results, first = grade(submissions, folder / "sample-report", jobs)
    if any(result.points != len(result.exercises) for result in results):
        raise AssertionError("a right hand-in of the sample has not full marks")
    rows = [("ours", first)]
    lab = TrustedLab.read(find_lab(LAB).unsolved)
    ways = (
        ("nbclient, the whole notebook, with TensorFlow", whole, True),
        ("nbclient, the exercises' code, with TensorFlow", parts_needed, True),
        ("nbclient, the exercises' code, without TensorFlow", parts_needed, False),
    )
    for name, notebook, tensorflow in ways:
        rows.append((name, at_a_time(jobs, lambda path: nbclient_run(notebook(path, lab), tensorflow), paths)))  # noqa: B023
        print(f"  {name}: done", file=sys.stderr)
    if otter:
        with tempfile.TemporaryDirectory() as place:
            tests = otter_tests(Path(place), lab)
            rows.append(("otter run", at_a_time(jobs, lambda path: otter_run(otter, path, tests, lab), paths)))
    again = grade(submissions, folder / "sample-report", jobs)[1]
    rows[0] = ("ours", Taken(count, (first.seconds + again.seconds) / 2, max(first.memory, again.memory)))
    ours = rows[0][1]
    print(f"\n{len(paths)} right hand-ins, {jobs} at a time (ours: the mean of two runs, first and last)")
    for name, taken in rows:
        print(
            f"  {name:50} {60 / taken.rate:6.2f} s each, {taken.rate:6.1f} a minute, {taken.memory / MIB:5.0f} MiB, "
            f"ours {ours.rate / taken.rate:5.2f} times as fast"
        )
    gates = [ours.rate / taken.rate for name, taken in rows if "with TensorFlow" in name]
    return min(gates) >= GATE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--make", type=int, metavar="N")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--grade", action="store_true")
    parser.add_argument("--compare", type=int, metavar="N", default=0)
    parser.add_argument("--otter", help="the program `otter` of an environment with otter-grader and ipykernel")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3", "MPLBACKEND": "agg"}
    if arguments.make:
        shutil.rmtree(arguments.folder / "submissions", ignore_errors=True)
        make(arguments.make, arguments.folder, arguments.kinds)
    wanted = read_wanted(arguments.folder)
    if arguments.grade:
        print(f"load of the machine before: {os.getloadavg()[0]:.1f}")
        results, taken = grade(arguments.folder / "submissions", arguments.folder / "report", arguments.jobs)
        wrong = faults(results, wanted)
        if wrong:
            sys.exit("\n".join([*wrong, f"{len(wrong)} verdicts are not right"]))
        report_grading(results, taken, wanted, arguments.jobs)
    if arguments.compare and not compare(arguments.folder, wanted, arguments.compare, arguments.otter, arguments.jobs):
        sys.exit(f"less than {GATE:g} times the rate of nbclient with TensorFlow")


if __name__ == "__main__":
    main()
