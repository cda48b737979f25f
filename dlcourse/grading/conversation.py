"""Talking to one hand-in's worker: run a step, call a function, and answer when the course's functions are asked.

In the notebook, an exercise that is not right yet is replaced with the course's own function, so that a mistake does
not spoil what comes after it. Here the same holds without any answer in the sandbox: inside stands a proxy that asks,
and the reference answers outside. It answers only for exercises that come before the one that is being judged, that
have been judged, and that were not right.
"""

from __future__ import annotations

import contextlib
import copy
import re
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from dlcourse.checks.exercise import Case, Exercise
from dlcourse.checks.judging import seed_of
from dlcourse.checks.raised import Raised
from dlcourse.checks.runner import Outcome
from dlcourse.checks.surroundings import undisturbed
from dlcourse.checks.values import MAX_ENTRIES, class_name, numeric_leaves, snapshot
from dlcourse.checks.wording import named_inputs
from dlcourse.grading.reading.programme import Step
from dlcourse.grading.sandboxes.box import OUT_OF_MEMORY, Box, DeadlineError, ExchangeError, OpenBox, WorkerDiedError
from dlcourse.grading.sandboxes.shipping import ship
from dlcourse.grading.scoring import FORGED, TIME_UP, Round

MAX_ASKS = 20_000
MAX_ASK_ENTRIES = 2_000_000
MAX_ASK_NUMBER = 1_000_000
ASK_SECONDS = 5.0


class StoppedError(RuntimeError):
    """The worker is gone; the text is what `Round.stopped` says."""


class Conversation:
    """One worker and what has been agreed with it.

    Args:
        open_box: starts a worker.
        exercises: the lab's exercises, in order.
        functions: `{number: name of its function}`.
    """

    def __init__(self, open_box: OpenBox, exercises: Sequence[Exercise], functions: Mapping[str, str]) -> None:
        self.open_box = open_box
        self.exercises = {exercise.number: exercise for exercise in exercises}
        self.order = {exercise.number: place for place, exercise in enumerate(exercises)}
        self.functions = functions
        self.asks = self.refused = 0
        self.answers_for: set[str] = set()
        self.judging: str | None = None
        self._opened: AbstractContextManager[Box] | None = None
        self._box: Box | None = None

    @property
    def running(self) -> bool:
        """Whether there is a worker."""
        return self._box is not None

    def open(self) -> None:
        """Starts a fresh worker; one that is there is ended."""
        self.close()
        self.answers_for.clear()
        self._opened = self.open_box()
        self._box = self._opened.__enter__()

    def close(self) -> None:
        """Ends the worker and everything that it started."""
        opened, self._opened, self._box = self._opened, None, None
        if opened is not None:
            opened.__exit__(None, None, None)

    def run(self, step: Step, seconds: float) -> tuple[Raised, list[str]] | None:
        """Run a step.

        Args:
            step: the step.
            seconds: how long it may take.

        Returns:
            The exception and the last lines of its traceback, or None.

        Raises:
            StoppedError: if the worker is gone.
        """
        message = {"kind": "run", "step": step.index, "source": step.source, "cell": step.cell}
        reply = self._talk(message, seconds, ("ran",))
        if reply.get("error") is None:
            return None
        raised = _raised(reply["error"])
        if raised.name == MemoryError.__name__:
            self.close()  # what holds the memory would make the next exercise fail
            raise StoppedError(OUT_OF_MEMORY)
        return raised, _lines(reply["error"])

    def replace(self, number: str) -> None:
        """Put the course's own function, by way of asking for it, in the place of an exercise's.

        Raises:
            StoppedError: if the worker is gone.
        """
        self.answers_for.add(number)
        message = {"kind": "replace", "name": self.functions[number], "exercise": number}
        self._talk(message, ASK_SECONDS, ("replaced",))

    def round(self, exercise: Exercise, cases: Sequence[Case], seconds: float) -> Round:
        """Call an exercise's function on cases.

        Args:
            exercise: the exercise.
            cases: the inputs.
            seconds: for all of them together.

        Returns:
            What came back; where the worker is gone afterwards, `stopped` says why.
        """
        with undisturbed(seed_of(exercise)):
            expected = [reference_value(exercise, case) for case in cases]
        largest = max((sum(leaf.size for leaf in numeric_leaves(value)) for value in expected), default=0)
        result = Round(cases, expected, seconds)
        deadline = time.monotonic() + seconds
        self.judging = exercise.number
        try:
            for i, case in enumerate(cases):
                message = self._call(exercise, case, max(MAX_ENTRIES, 4 * largest))
                reply = self._talk(message, deadline - time.monotonic(), _CALL_REPLIES)
                if reply["kind"] == "misfit":
                    result.signature = _text(reply.get("signature"))
                    break
                if reply["kind"] == "no function":
                    result.not_function = _text(reply.get("what"))
                    break
                if reply["kind"] == "raised":
                    result.lines[i] = _lines(reply)
                result.outcomes.append(_outcome(reply, case, exercise, max(MAX_ENTRIES, 4 * largest)))
        except StoppedError as error:
            result.stopped = str(error)
        finally:
            self.judging = None
        if any(one.raised and one.raised.name == MemoryError.__name__ for one in result.outcomes):
            self.close()
        return result

    def _call(self, exercise: Exercise, case: Case, max_entries: int) -> dict[str, Any]:
        names = list(named_inputs(exercise.reference, case.args, case.kwargs))
        return {
            "kind": "call",
            "name": self.functions[exercise.number],
            "args": ship(case.args),
            "kwargs": ship(dict(case.kwargs)),
            "names": names[: len(case.args)],
            "seed": seed_of(exercise),
            "max_entries": max_entries,
        }

    def _talk(self, message: dict[str, Any], seconds: float, kinds: tuple[str, ...]) -> dict[str, Any]:
        if self._box is None:
            raise StoppedError("there is no worker")
        try:
            reply = self._box.request(message, seconds, self._answer)
            if reply.get("kind") in kinds:
                return reply
            why = FORGED
        except DeadlineError:
            why = TIME_UP
        except WorkerDiedError as error:
            why = error.why
        except ExchangeError:
            why = FORGED
        self.close()
        raise StoppedError(why)

    def _answer(self, ask: dict[str, Any]) -> dict[str, Any]:
        number, args, kwargs = ask.get("exercise"), ask.get("args"), ask.get("kwargs")
        self.asks += 1
        if self.asks > MAX_ASKS:
            return {"error": f"the course's functions answer {MAX_ASKS} times at most"}
        allowed = type(number) is str and number in self.answers_for
        if allowed and self.judging is not None:
            allowed = self.order[number] < self.order[self.judging]
        if not allowed:
            self.refused += 1
            return {"error": "the course's own function is not available here"}
        if not isinstance(args, tuple | list) or not isinstance(kwargs, dict):
            raise ExchangeError("a question without inputs")
        try:
            _refuse_large([args, kwargs])
            with undisturbed(), time_limit(ASK_SECONDS), np.errstate(all="ignore"):
                given = copy.deepcopy(tuple(args)), {str(name): value for name, value in kwargs.items()}
                return {"value": snapshot(self.exercises[number].reference(*given[0], **given[1]))}
        except Exception as error:
            return {"error": f"{class_name(type(error))}: {str(error)[:200]}"}


_CALL_REPLIES = ("returned", "raised", "no function", "misfit")


def reference_value(exercise: Exercise, case: Case) -> Any:
    """Snapshot of what the reference makes of a case."""
    args, kwargs = copy.deepcopy((case.args, dict(case.kwargs)))
    return snapshot(exercise.reference(*args, **kwargs), max_entries=100 * MAX_ENTRIES)


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises TimeoutError inside the block when the time is up; in a thread other than the main one it cannot.

    Args:
        seconds: how long, > 0.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: object) -> None:
        raise TimeoutError("the course's function took too long for these inputs")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _refuse_large(value: Any) -> None:
    """The reference runs in the grader's process: what it is asked must not be able to fill the memory."""
    entries, todo = 0, [value]
    while todo:
        one = todo.pop()
        entries += 1
        if isinstance(one, dict):
            todo += one.values()
        elif isinstance(one, list | tuple):
            todo += one
        elif isinstance(one, np.ndarray):
            entries += max(one.size, 0, *one.shape)  # an array of a billion rows and no column has no entry
        elif isinstance(one, int) and abs(one) > MAX_ASK_NUMBER:
            raise ValueError("a whole number too large to be asked about")
        if entries > MAX_ASK_ENTRIES:
            raise ValueError("inputs too large to be asked about")


def _outcome(reply: dict[str, Any], case: Case, exercise: Exercise, max_entries: int) -> Outcome:
    if reply["kind"] == "raised":
        return Outcome(raised=_raised(reply))
    known = named_inputs(exercise.reference, case.args, case.kwargs)
    changed = reply.get("changed")
    names = tuple(name for name in known if name in changed) if isinstance(changed, list | tuple) else ()
    return Outcome(value=snapshot(reply.get("value"), max_entries), changed=names)


def _raised(error: Any) -> Raised:
    if not isinstance(error, dict):
        return Raised("Exception", "", None, is_stub=False)
    line = error.get("line")
    return Raised(
        name=_text(error.get("name"), 60) or "Exception",
        message=_text(error.get("message"), 160),
        line=line if type(line) is int and 0 < line < 100_000 else None,
        is_stub=error.get("is_stub") is True,
    )


def _lines(error: Any) -> list[str]:
    lines = error.get("lines") if isinstance(error, dict) else None
    return [_text(line, 300) for line in lines[-20:]] if isinstance(lines, list | tuple) else []


def _text(value: Any, length: int = 200) -> str:
    """Plain text of a value that anybody may have sent; not more than so many characters."""
    if type(value) is not str:
        return ""
    return re.sub(r"[^\x20-\x7e\u00a0-\ud7ff\ue000-\ufffd]", "?", value)[:length]
