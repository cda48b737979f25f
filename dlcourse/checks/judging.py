"""Judging a function: the reference's results, the participant's results, and what to say about the difference."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlcourse.checks.comparison import difference
from dlcourse.checks.exercise import Case, Exercise
from dlcourse.checks.mistakes import Wrong, explain
from dlcourse.checks.raised import Raised
from dlcourse.checks.runner import Run, run_cases
from dlcourse.checks.surroundings import undisturbed
from dlcourse.checks.values import MAX_ENTRIES, Plain, numeric_leaves, snapshot
from dlcourse.checks.verdict import NOT_CHECKED, NOT_RIGHT, NOT_YET, PASSED, Verdict
from dlcourse.checks.wording import inputs_text, named_inputs, value_text

CHANGED_HINT = "leave the inputs as they are and work on a copy (w = w - step makes a new array, w -= step does not)"
UNFINISHED_HINT = "is there a loop that never ends?"


def judge(exercise: Exercise, function: Any, time_limit: float | None = None) -> Verdict:
    """Compare a function with the exercise's reference on all cases.

    Args:
        exercise: The exercise.
        function: What the participant wrote; anything.
        time_limit: Seconds for all cases together; None takes the exercise's own.

    Returns:
        The verdict, the same each time for the same function.

    Raises:
        Exception: Only what the course's own reference or cases raise.
        KeyboardInterrupt: If the user interrupts.

    Example:
        >>> double = Exercise("2.9", "Twice", lambda x: 2 * x, lambda rng: [Case((n,)) for n in range(1, 6)])
        >>> print(judge(double, lambda x: 2 * x + 1))
        2.9 not right: Twice. For x = 1 it returned 3, expected 2.

    Used in: every lab, through `check`.
    """
    if not callable(function):
        return _not_a_function(exercise, function)
    seconds = exercise.time_limit if time_limit is None else time_limit
    with undisturbed(seed_of(exercise)):
        cases = draw_cases(exercise)
        expected = [call_fresh(exercise.reference, case) for case in cases]
    largest = max((sum(leaf.size for leaf in numeric_leaves(value)) for value in expected), default=0)
    max_entries = max(MAX_ENTRIES, 4 * largest)
    run = run_cases(function, cases, exercise.reference, seed_of(exercise), seconds, max_entries)
    return read_run(exercise, cases, expected, run, seconds)


def read_run(exercise: Exercise, cases: Sequence[Case], expected: Sequence[Plain], run: Run, seconds: float) -> Verdict:
    """What to say about a run, wherever it took place.

    Args:
        exercise: The exercise.
        cases: The inputs of the run, in its order.
        expected: Snapshots of the reference's results, one a case.
        run: What the function made of the cases; fewer outcomes than cases where the time was up.
        seconds: The time that all cases together had, for the message.

    Returns:
        The verdict; its details name the simplest case that shows the problem.

    Example:
        >>> from dlcourse.checks.runner import Outcome
        >>> double = Exercise("2.9", "Twice", lambda x: 2 * x, lambda rng: [])
        >>> print(read_run(double, [Case((1,))], [2], Run([Outcome(3)]), seconds=1.0))
        2.9 not right: Twice. For x = 1 it returned 3, expected 2.

    Used in: every lab, through `check`; grading.
    """
    return _Reading(exercise, cases, expected, run, seconds).verdict()


def seed_of(exercise: Exercise) -> int:
    """The seed of an exercise's cases, drawn from its number.

    Args:
        exercise: The exercise.

    Returns:
        A whole number below 2**32, the same on every machine.

    Used in: every lab, through `check`.
    """
    return zlib.crc32(exercise.number.encode())


def draw_cases(exercise: Exercise) -> list[Case]:
    """The exercise's cases.

    Args:
        exercise: The exercise.

    Returns:
        The same cases each time.

    Used in: every lab, through `check`.
    """
    return list(exercise.cases(np.random.default_rng(seed_of(exercise))))


def call_fresh(function: Callable[..., Any], case: Case) -> Plain:
    """Call a trusted function with copies of a case's inputs.

    Args:
        function: The course's own function.
        case: The inputs.

    Returns:
        Snapshot of the result.

    Used in: every lab, through `check`.
    """
    args, kwargs = copy.deepcopy((case.args, dict(case.kwargs)))
    # A reference's result may be larger than what is accepted from a participant.
    return snapshot(function(*args, **kwargs), max_entries=100 * MAX_ENTRIES)


class _Reading:
    """Reads a run: the most telling problem first."""

    def __init__(
        self, exercise: Exercise, cases: Sequence[Case], expected: Sequence[Plain], run: Run, seconds: float
    ) -> None:
        self.exercise = exercise
        self.cases = cases
        self.expected = expected
        self.run = run
        self.seconds = seconds

    def verdict(self) -> Verdict:
        if self.run.signature is not None:
            return self._wrong_signature()
        if any(outcome.raised and outcome.raised.is_stub for outcome in self.run.outcomes):
            return self._say(NOT_YET, "Fill in the function, then run this cell again.")
        if self.run.timed_out:
            return self._unfinished()
        if not self.cases or len(self.run.outcomes) < len(self.cases):
            return self._say(NOT_CHECKED, "The check could not run it to the end; please report this.")
        raised = [i for i, outcome in enumerate(self.run.outcomes) if outcome.raised]
        if raised:
            i = self._simplest(raised)
            return self._say(
                NOT_RIGHT, f"{self._for(i)} {raised_text(self.run.outcomes[i].raised)}.", self.exercise.hint
            )
        return self._compare()

    def _compare(self) -> Verdict:
        exercise, outcomes = self.exercise, self.run.outcomes
        differences = {}
        for i, (expected, outcome) in enumerate(zip(self.expected, outcomes, strict=True)):
            found = difference(expected, outcome.value, exercise.rtol, exercise.atol)
            if found:
                differences[i] = found
        changed = [i for i, outcome in enumerate(outcomes) if outcome.changed]
        if differences:
            with undisturbed(seed_of(exercise)):
                hint = explain(
                    exercise, [Wrong(self.cases[i], self.expected[i], outcomes[i].value) for i in differences]
                )
            i = self._simplest(list(differences))
            general = CHANGED_HINT if changed else exercise.hint
            return self._say(NOT_RIGHT, f"{self._for(i)} {differences[i]}.", hint or general)
        if changed:
            i = self._simplest(changed)
            names = " and ".join(outcomes[i].changed)
            return self._say(NOT_RIGHT, f"{self._for(i)} it changed its input {names} in place.", CHANGED_HINT)
        count = len(self.cases)
        return self._say(PASSED, f"{count} case{'' if count == 1 else 's'}")

    def _wrong_signature(self) -> Verdict:
        case = self.cases[0]
        wanted = ", ".join(named_inputs(self.exercise.reference, case.args, case.kwargs))
        name = getattr(self.exercise.reference, "__name__", "")
        name = name if name.isidentifier() else ""
        return self._say(NOT_RIGHT, f"It takes {self.run.signature}, expected {name}({wanted}).")

    def _unfinished(self) -> Verdict:
        i = min(len(self.run.outcomes), len(self.cases) - 1)
        limit = f"{self.seconds:g} second{'' if self.seconds == 1 else 's'}"
        details = f"{self._for(i)} it did not finish; all cases together may take {limit}."
        if self.run.still_running:
            details += " It is still running: restart the kernel to end it."
        return self._say(NOT_RIGHT, details, UNFINISHED_HINT)

    def _simplest(self, indices: Sequence[int]) -> int:
        def effort(i: int) -> tuple[bool, int]:
            # Whole and short to read is easy to work out by hand: few numbers, and round ones.
            text = self._for(i)
            return "..." in text, len(text)

        return min(indices, key=effort)

    def _for(self, i: int) -> str:
        case = self.cases[i]
        given = inputs_text(self.exercise.reference, case.args, case.kwargs) or "no inputs"
        return f"For {given} ({case.name})" if case.name else f"For {given}"

    def _say(self, status: str, details: str, hint: str = "") -> Verdict:
        return Verdict(self.exercise.number, status, self.exercise.title, details, hint)


def raised_text(raised: Raised) -> str:
    """An exception in words.

    Args:
        raised: What left the participant's function.

    Returns:
        A clause, such as "it raised ValueError: too short (line 2 of the function)".

    Example:
        >>> raised_text(Raised("KeyError", "'a'", line=3, is_stub=False))
        "it raised KeyError: 'a' (line 3 of the function)"

    Used in: every lab, through `check`.
    """
    message = f": {raised.message}" if raised.message else ""
    line = f" (line {raised.line} of the function)" if raised.line else ""
    return f"it raised {raised.name}{message}{line}"


def _not_a_function(exercise: Exercise, value: object) -> Verdict:
    name = getattr(exercise.reference, "__name__", "")
    name = name if name.isidentifier() else "my_function"
    # Even looking at a value may run code of its own.
    looked = run_cases(lambda: value, [Case(())], exercise.reference, time_limit=1.0).outcomes
    what = value_text(looked[0].value) if looked else "something else"
    details = f'check got {what}, expected the function itself: check("{exercise.number}", {name}).'
    return Verdict(exercise.number, NOT_RIGHT, exercise.title, details)
