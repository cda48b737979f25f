"""Calls a participant's function on every case: in a thread with a time limit, muffled, and with copies of the inputs.

What the runner takes care of: printing, writing to stderr, warnings, `input()`, `sys.exit`, any exception, inputs
changed in place, the global random state, NumPy's print options, replaced builtins, the recursion limit, and loops
that do not end. A Python loop is ended by raising SystemExit inside the thread.

What cannot be ended: one long call into compiled code (a huge matrix product, `time.sleep`), and a loop that catches
every exception, again and again. They go on in a daemon thread, and the message says so. A compiled call that never
lets another thread run (`sum(range(10**12))`, `10**10**9`) holds the whole process up until it is done; only
restarting the kernel helps there, as it would without the check. Text that compiled code writes to the process's own
output is not muffled.

The function runs outside the main thread: a setting that a library keeps per thread has its default value there.
"""

from __future__ import annotations

import contextlib
import copy
import ctypes
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlcourse.checks.comparison import same
from dlcourse.checks.exercise import Case
from dlcourse.checks.raised import Raised, describe, misfit
from dlcourse.checks.surroundings import BUILTINS, undisturbed
from dlcourse.checks.values import MAX_ENTRIES, Plain, has_opaque, snapshot
from dlcourse.checks.wording import named_inputs

WAIT_SLICE = 0.05
GRACE = 1.0


@dataclass(frozen=True)
class Outcome:
    """What one case came to.

    Args:
        value: Snapshot of what was returned; None if an exception was raised.
        raised: The exception, or None.
        changed: Names of the inputs that were changed in place.
    """

    value: Plain = None
    raised: Raised | None = None
    changed: tuple[str, ...] = ()


@dataclass
class Run:
    """What all cases came to.

    Args:
        outcomes: One entry a case, in order; shorter than the cases when the time was up.
        signature: The function's own signature as text, where the cases' inputs do not fit it; else None.
        timed_out: Whether the time was up.
        still_running: Whether the function could not be ended either.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    signature: str | None = None
    timed_out: bool = False
    still_running: bool = False


def run_cases(
    function: Callable[..., Any],
    cases: Sequence[Case],
    reference: Callable[..., Any],
    seed: int = 0,
    time_limit: float = 10.0,
    max_entries: int = MAX_ENTRIES,
) -> Run:
    """Call a function on every case.

    Args:
        function: Anything that can be called.
        cases: The inputs; each call gets deep copies.
        reference: The course's function; its parameter names name the inputs.
        seed: For the global random generators of `random` and `np.random`, whose states are put back afterwards.
        time_limit: Seconds for all cases together.
        max_entries: Size beyond which a result is not copied.

    Returns:
        The outcomes. Whatever the function raises is part of them.

    Raises:
        KeyboardInterrupt: If the user interrupts; the function is ended first.

    Example:
        >>> run_cases(lambda x: 2 * x, [Case((3,))], reference=lambda x: 2 * x).outcomes[0].value
        6

    Used in: every lab, through `check`.
    """
    run = Run()

    def work(stop: threading.Event) -> None:
        run.signature = misfit(function, cases[0].args, cases[0].kwargs) if cases else None
        if run.signature is not None:
            return
        for case in cases:
            outcome = _call(function, case, reference, max_entries)
            if stop.is_set():  # the outcome is then the runner's own SystemExit
                return
            run.outcomes.append(outcome)

    with undisturbed(seed):
        run.timed_out, run.still_running = _within(time_limit, work)
    # A thread that could not be ended keeps its own list; this one is final.
    return Run(list(run.outcomes), run.signature, run.timed_out, run.still_running)


def _within(time_limit: float, work: Callable[[threading.Event], None]) -> tuple[bool, bool]:
    """Run `work` in a daemon thread; returns whether the time was up, and whether the thread goes on regardless."""
    worker = _Worker(work)
    deadline = time.monotonic() + time_limit
    try:
        worker.start()
        # In slices, because on Windows one long wait cannot be interrupted from the keyboard.
        while not worker.done.wait(WAIT_SLICE):
            if time.monotonic() >= deadline:
                return True, not worker.end()
    except BaseException:
        worker.end()
        raise
    return False, False


class _Worker(threading.Thread):
    """A daemon thread that can be told to end: SystemExit is raised inside it, but only while it is at work."""

    def __init__(self, work: Callable[[threading.Event], None]) -> None:
        super().__init__(name="dlcourse-check", daemon=True)
        self.work = work
        self.done = threading.Event()
        self.stop = threading.Event()
        self.door = threading.Lock()
        self.inside = True

    def run(self) -> None:
        with contextlib.suppress(BaseException):
            self.work(self.stop)
        while self.inside:
            # A SystemExit on its way arrives here at the latest; behind the door there is none.
            with contextlib.suppress(BaseException), self.door:
                self.inside = False
        self.done.set()

    def end(self) -> bool:
        """Try for a while; returns whether the thread has ended."""
        self.stop.set()
        patience = time.monotonic() + GRACE
        while not self.done.wait(WAIT_SLICE / 2) and time.monotonic() < patience:
            with self.door:
                if self.inside and self.ident is not None:
                    _raise_inside(self.ident, SystemExit)
        if not self.done.is_set():
            return False
        self.join()
        return True


def _raise_inside(thread: int, error: type[BaseException]) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))


def _call(function: Callable[..., Any], case: Case, reference: Callable[..., Any], max_entries: int) -> Outcome:
    args, kwargs = copy.deepcopy((case.args, dict(case.kwargs)))
    names = dict(BUILTINS)
    try:
        with np.errstate(all="ignore"):
            try:
                returned = function(*args, **kwargs)
            finally:
                BUILTINS.update(names)  # what follows needs them
            value = snapshot(returned, max_entries)
    except BaseException as error:
        return Outcome(raised=describe(error, function))
    return Outcome(value=value, changed=_changed(reference, case, args, kwargs))


def _changed(reference: Callable[..., Any], case: Case, args: tuple[Any, ...], kwargs: dict) -> tuple[str, ...]:
    before = named_inputs(reference, case.args, case.kwargs)
    after = named_inputs(reference, args, kwargs)
    changed = []
    for name, value in before.items():
        old = snapshot(value)
        if not has_opaque(old) and not same(old, snapshot(after[name]), rtol=0.0, atol=0.0):
            changed.append(name)
    return tuple(changed)
