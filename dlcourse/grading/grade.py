"""A batch: all hand-ins of a lab, several at a time, and nothing that one of them does stops the others."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from dlcourse.grading.library import build_library
from dlcourse.grading.reading.handins import HandIn
from dlcourse.grading.reading.lab_cells import TrustedLab
from dlcourse.grading.results import HandInResult
from dlcourse.grading.sandboxes.box import OpenBox, SandboxError
from dlcourse.grading.sandboxes.isolation import Isolation
from dlcourse.grading.sandboxes.limits import Limits
from dlcourse.grading.sandboxes.sandbox import Sandbox
from dlcourse.grading.state import BatchState
from dlcourse.grading.verdicts import Judging, judge_handin

GRADER_MEMORY = 400 * 2**20
SHARE_OF_MEMORY = 0.8
MOST_GRADER_MEMORY = 2**30


@dataclass(frozen=True)
class Plan:
    """How a batch is graded.

    Args:
        lab_path: the lab's notebook as it was handed out.
        isolation: what hand-ins run in.
        judging: how they are judged.
        limits: what one of them may use.
        jobs: how many run at a time, at least 1; None takes one for each core. Fewer run where memory is short.
        data: folder of the course's data sets that hand-ins may read; None for none.
    """

    lab_path: Path
    isolation: Isolation
    judging: Judging = field(default_factory=Judging)
    limits: Limits = field(default_factory=Limits)
    jobs: int | None = None
    data: Path | None = None

    def __post_init__(self) -> None:
        if self.jobs is not None and self.jobs < 1:
            raise ValueError(f"jobs is {self.jobs}, expected 1 or more")

    def workers(self, handins: int) -> int:
        """How many hand-ins to run at a time: cores, and the memory of all of them together, set the bound."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        room = int(SHARE_OF_MEMORY * psutil.virtual_memory().available // (self.limits.memory + GRADER_MEMORY))
        return max(1, min(self.jobs or cores, room, handins))


def grade_batch(
    handins: Sequence[HandIn],
    plan: Plan,
    out: Path,
    on_result: Callable[[HandInResult, bool], None] = lambda result, kept: None,
) -> list[HandInResult]:
    """Grade hand-ins.

    Args:
        handins: from `find_handins`.
        plan: how.
        out: the report's folder; `.state` in it remembers what is finished.
        on_result: `(result, kept)`, called once a hand-in as it is finished; `kept` where an earlier run had done it.

    Returns:
        One result a hand-in, in the order of `handins`. Where the machine, not the hand-in, was at fault, the result
        has an error, and the next run tries it again.
    """
    source = hashlib.sha256(plan.lab_path.read_bytes()).hexdigest()
    state = BatchState(
        out / ".state",
        {
            "lab": source,
            "judging": dataclasses.asdict(plan.judging),
            "limits": dataclasses.asdict(plan.limits),
            "isolation": plan.isolation.name,
        },
    )
    results: dict[int, HandInResult] = {}
    for place, handin in enumerate(handins):
        kept = state.load(handin)
        if kept is not None:
            results[place] = kept
            on_result(kept, True)
    todo = [place for place in range(len(handins)) if place not in results]
    if todo:
        with tempfile.TemporaryDirectory(prefix="dlcourse-grade-") as folder:
            os.chmod(folder, 0o755)  # the sandbox reads it under another user
            library = build_library(TrustedLab.read(plan.lab_path).number, Path(folder))

            def finished(place: int, result: HandInResult, final: bool) -> None:
                results[place] = result
                if final:
                    state.save(handins[place], result)
                on_result(result, False)

            _Batch(handins, plan, library, state.key, finished).run(todo)
    return [results[place] for place in range(len(handins))]


def open_boxes(isolation: Isolation, limits: Limits, library: Path, data: Path | None = None) -> OpenBox:
    """What starts a worker for a hand-in.

    Args:
        isolation: what it runs in.
        limits: what it may use.
        library: folder with the dlcourse that it finds.
        data: folder of the course's data sets, or None.
    """
    return lambda: Sandbox(isolation, limits, library, data=data)


class _Batch:
    """Hands tasks to processes. One that dies takes its own hand-in with it, never the batch."""

    def __init__(
        self,
        handins: Sequence[HandIn],
        plan: Plan,
        library: Path,
        key: bytes,
        finished: Callable[[int, HandInResult, bool], None],
    ) -> None:
        self.handins, self.plan, self.library, self.key, self.finished = handins, plan, library, key, finished

    def run(self, todo: Sequence[int]) -> None:
        left = list(todo)
        suspects = self._run(left, self.plan.workers(len(left)))
        # When a process dies, all of its pool's tasks are lost: one at a time, the one at fault is found.
        for place in suspects:
            for _ in self._run([place], 1):
                text = "the grader's own process ended while it judged this hand-in"
                self.finished(place, self._failed(place, text), False)

    def _run(self, places: Sequence[int], workers: int) -> list[int]:
        """Returns the tasks that were lost."""
        waiting = list(reversed(places))
        running: dict[Future[tuple[HandInResult, bool]], int] = {}
        context = multiprocessing.get_context("spawn")
        arguments = (self.plan, self.library, self.key, os.getpid())
        pool = ProcessPoolExecutor(workers, context, _start_process, arguments)
        try:
            while waiting or running:
                # No more tasks than workers are out: a broken pool loses these alone.
                while waiting and len(running) < workers:
                    place = waiting.pop()
                    running[pool.submit(_judge, self.handins[place])] = place
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    place = running[future]
                    try:
                        result, final = future.result()
                    except BrokenProcessPool:
                        raise
                    except Exception as error:
                        text = f"the grader failed on this hand-in: {type(error).__name__}: {error}"
                        result, final = self._failed(place, text), False
                    del running[future]
                    self.finished(place, result, final)
        except BrokenProcessPool:
            lost = list(running.values())
            pool.shutdown(wait=False, cancel_futures=True)
            return lost + (self._run(list(reversed(waiting)), workers) if waiting else [])
        except BaseException:
            for process in list((pool._processes or {}).values()):
                process.terminate()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()
        return []

    def _failed(self, place: int, text: str) -> HandInResult:
        handin = self.handins[place]
        return HandInResult(
            student=handin.student,
            source=handin.source,
            lab=TrustedLab.read(self.plan.lab_path).number,
            exercises=(),
            notes=handin.notes,
            attempts=handin.attempts,
            isolation=self.plan.isolation.name,
            error=text,
            digest=handin.digest,
        )


_task: dict[str, object] = {}


def _start_process(plan: Plan, library: Path, key: bytes, parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    _die_with(parent)
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        # What hand-ins send, and what the references make of it, may not fill the machine's memory. Sandboxes are
        # started from here and set limits of their own, up to the hard one, which stays.
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_GRADER_MEMORY, hard))
    open_box = open_boxes(plan.isolation, plan.limits, library, plan.data)
    _task.update(plan=plan, key=key, lab=TrustedLab.read(plan.lab_path), open_box=open_box)


def _judge(handin: HandIn) -> tuple[HandInResult, bool]:
    """The result, and whether it is the hand-in's own and stays."""
    plan: Plan = _task["plan"]
    lab: TrustedLab = _task["lab"]
    try:
        return judge_handin(handin, lab, _task["open_box"], _task["key"], plan.judging, plan.isolation.name), True
    except SandboxError as error:
        empty = dataclasses.replace(handin, notebook=None, error=str(error))
        return judge_handin(empty, lab, _task["open_box"], _task["key"], plan.judging, plan.isolation.name), False


def _die_with(parent: int) -> None:
    """Ends this process, and with it its sandboxes, when the grader is killed."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
