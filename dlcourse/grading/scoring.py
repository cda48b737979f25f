"""From what a function made of the cases to a result: status, words for the student, points.

There are two rounds. The public one has the cases of the notebook's own check, and its inputs may be shown. The hidden
one has fresh draws: nothing of it gets into a message, neither an input nor anything that the function made of one
(a function could raise, return or print what it was given). So a hidden case is spoken of in fixed sentences alone.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dlcourse.checks.comparison import difference
from dlcourse.checks.exercise import Case, Exercise
from dlcourse.checks.judging import raised_text, read_run
from dlcourse.checks.mistakes import Wrong, explain
from dlcourse.checks.runner import Outcome, Run
from dlcourse.checks.surroundings import undisturbed
from dlcourse.checks.values import Opaque, Plain
from dlcourse.grading.library import WITHHELD_ERROR
from dlcourse.grading.results import ExerciseResult, InputClass, Status

RANDOM = "random inputs"
TIME_UP = "time up"
FORGED = "forged"
WROTE_INTO_THE_CHANNEL = "It wrote into the channel on which results go back."
MAX_LINES = 6
KNOWN_ERRORS = frozenset(
    name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, Exception)
) | {"AxisError", "LinAlgError", "UFuncTypeError", "InvalidArgumentError", "CourseAnswerError"}


@dataclass
class Round:
    """One round of calls.

    Args:
        cases: the inputs.
        expected: what the reference makes of them.
        seconds: time that the round had.
        outcomes: one a case, in order; fewer where the round ended early.
        lines: last lines of the traceback of each case that raised.
        signature: the function's own, where the inputs do not fit it.
        not_function: what stands in the function's place, where it is none.
        stopped: "" where every case came back, `TIME_UP`, `FORGED`, or why the process ended.
    """

    cases: Sequence[Case]
    expected: Sequence[Plain]
    seconds: float
    outcomes: list[Outcome] = field(default_factory=list)
    lines: dict[int, list[str]] = field(default_factory=dict)
    signature: str | None = None
    not_function: str = ""
    stopped: str = ""

    @property
    def whole(self) -> bool:
        """Whether every case came back, with whatever result."""
        return not (self.stopped or self.not_function or self.signature is not None)

    def right(self, exercise: Exercise) -> list[bool]:
        """For each case, whether it was answered rightly; those that never came back were not."""
        known = [
            outcome.raised is None
            and not outcome.changed
            and difference(expected, outcome.value, exercise.rtol, exercise.atol) is None
            for expected, outcome in zip(self.expected, self.outcomes, strict=False)
        ]
        return known + [False] * (len(self.cases) - len(known))


def result_of(
    exercise: Exercise, public: Round, hidden: Round | None = None, partial_credit: float = 0.5
) -> ExerciseResult:
    """What an exercise came to.

    Args:
        exercise: the exercise.
        public: the round whose inputs may be shown.
        hidden: the round of fresh draws; None where there was none.
        partial_credit: points for one whole exercise of which all but nothing is right, from 0 to 1; a partial answer
            gets this times its share of input classes that are right throughout.

    Returns:
        The result; full needs every case of both rounds.
    """
    rounds = [public] if hidden is None else [public, hidden]
    classes = input_classes(exercise, rounds)
    status, message = _status(exercise, public, hidden, classes)
    points = 0.0
    if status is Status.FULL:
        points = 1.0
    elif status is Status.PARTIAL:
        points = partial_credit * sum(one.whole for one in classes) / len(classes)
    if status in (Status.MISSING, Status.TAMPERED):
        classes = ()
    return ExerciseResult(exercise.number, exercise.title, status, message, classes, points)


def input_classes(exercise: Exercise, rounds: Sequence[Round]) -> tuple[InputClass, ...]:
    """How each kind of input did, in the order of the cases.

    Args:
        exercise: the exercise.
        rounds: the rounds to count together.
    """
    counts: dict[str, list[int]] = {}
    for one in rounds:
        for case, right in zip(one.cases, one.right(exercise), strict=True):
            count = counts.setdefault(case.name or RANDOM, [0, 0])
            count[0] += right
            count[1] += 1
    return tuple(InputClass(name, passed, cases) for name, (passed, cases) in counts.items())


def _status(
    exercise: Exercise, public: Round, hidden: Round | None, classes: Sequence[InputClass]
) -> tuple[Status, str]:
    if public.not_function == "nothing":
        return Status.MISSING, f"There is no function of the name {exercise.reference.__name__}."
    if public.not_function:
        return Status.WRONG, f"It is {public.not_function}, expected a function."
    withheld = [outcome for outcome in public.outcomes if outcome.raised and outcome.raised.name == WITHHELD_ERROR]
    if withheld:
        return Status.TAMPERED, f"It hands in the course's own function: {withheld[0].raised.message}."
    if any(outcome.raised and outcome.raised.is_stub for outcome in public.outcomes):
        return Status.MISSING, "It is not filled in."
    if public.stopped == FORGED:
        return Status.TAMPERED, WROTE_INTO_THE_CHANNEL
    run = Run(list(public.outcomes), public.signature, timed_out=public.stopped == TIME_UP)
    if public.stopped == TIME_UP:
        return Status.TIMED_OUT, _words(exercise, public, run)
    if public.stopped:
        return Status.CRASHED, f"The process ended while it was called: {public.stopped}."
    if public.signature is not None or not all(public.right(exercise)):
        return _not_right(exercise, public, run, classes)
    return _hidden_status(exercise, hidden, classes)


def _not_right(exercise: Exercise, public: Round, run: Run, classes: Sequence[InputClass]) -> tuple[Status, str]:
    message = _words(exercise, public, run)
    if any(one.whole for one in classes):
        return Status.PARTIAL, f"{_shares(classes)} {message}"
    raised = [i for i, outcome in enumerate(public.outcomes) if outcome.raised]
    if len(raised) == len(public.outcomes) > 0:
        return Status.CRASHED, "\n".join([message, *public.lines.get(raised[0], [])[-MAX_LINES:]])
    return Status.WRONG, message


def _hidden_status(exercise: Exercise, hidden: Round | None, classes: Sequence[InputClass]) -> tuple[Status, str]:
    if hidden is None:
        return Status.FULL, ""
    if any(outcome.raised and outcome.raised.name == WITHHELD_ERROR for outcome in hidden.outcomes):
        return Status.TAMPERED, "For fresh inputs it calls the course's own function."
    if hidden.stopped == FORGED:
        return Status.TAMPERED, WROTE_INTO_THE_CHANNEL
    if hidden.stopped == TIME_UP:
        return Status.TIMED_OUT, (
            f"Right for the public inputs; for fresh ones it did not finish within {_limit(hidden.seconds)}."
        )
    if hidden.stopped:
        return Status.CRASHED, "Right for the public inputs; for fresh ones the process ended while it was called."
    if not hidden.whole:
        return Status.WRONG, "Right for the public inputs; with fresh ones it could not be called any more."
    wrong = [i for i, right in enumerate(hidden.right(exercise)) if not right]
    if not wrong:
        return Status.FULL, ""
    status = Status.PARTIAL if any(one.whole for one in classes) else Status.WRONG
    names = list(dict.fromkeys(hidden.cases[i].name or RANDOM for i in wrong))
    what = " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
    return status, f"Right for the public inputs, not for fresh ones ({what}): {_how(exercise, hidden, wrong)}."


def _words(exercise: Exercise, public: Round, run: Run) -> str:
    verdict = read_run(exercise, public.cases, public.expected, run, public.seconds)
    hint = verdict.hint and f" Hint: {verdict.hint}" + ("" if verdict.hint.endswith((".", "?", "!")) else ".")
    return verdict.details + hint


def _shares(classes: Sequence[InputClass]) -> str:
    right = ", ".join(one.name for one in classes if one.whole)
    wrong = ", ".join(one.name for one in classes if not one.whole)
    return f"Right for: {right}. Not for: {wrong}."


def _limit(seconds: float) -> str:
    return f"{seconds:g} second{'' if seconds == 1 else 's'}"


def _how(exercise: Exercise, hidden: Round, wrong: Sequence[int]) -> str:
    """How it is wrong, in words that no input can reach: fixed sentences, chosen by comparing."""
    outcomes = [hidden.outcomes[i] for i in wrong]
    raised = [outcome.raised for outcome in outcomes if outcome.raised]
    if raised:
        return f"it raised {raised[0].name if raised[0].name in KNOWN_ERRORS else 'an exception'}"
    differing = [
        Wrong(hidden.cases[i], hidden.expected[i], hidden.outcomes[i].value)
        for i in wrong
        if difference(hidden.expected[i], hidden.outcomes[i].value, exercise.rtol, exercise.atol)
    ]
    if not differing:
        return "it changed its inputs in place"
    with undisturbed():
        hint = explain(exercise, differing)
    declared = {mistake.hint for mistake in exercise.mistakes}
    if hint in declared or (hint and not any(character.isdigit() for character in hint)):
        return hint.rstrip(".")
    if hint:
        return "the numbers are off by a factor that is always the same, or rounded"
    return _kind_of_difference(differing)


def _kind_of_difference(differing: Sequence[Wrong]) -> str:
    kinds = {_kind(one.expected, one.got) for one in differing}
    return kinds.pop() if len(kinds) == 1 else "the results differ from the expected ones"


def _kind(expected: Plain, got: Plain) -> str:
    if got is None:
        return "it returned nothing"
    if isinstance(got, Opaque):
        return "it returned something that cannot be compared"
    numbers = bool | int | float | complex
    if isinstance(expected, numbers) != isinstance(got, numbers) or isinstance(expected, np.ndarray) != isinstance(
        got, np.ndarray
    ):
        return "the result is of another type than expected"
    if isinstance(expected, np.ndarray) and expected.shape != got.shape:
        return "the result's shape is not the expected one"
    if isinstance(expected, list | tuple | dict) and (not hasattr(got, "__len__") or len(got) != len(expected)):
        return "the result has not as many parts as expected"
    return "the numbers differ from the expected ones"


def raised_lines(raised: object, lines: Sequence[str]) -> str:
    """The last lines of a traceback, and the exception in words.

    Args:
        raised: a `dlcourse.checks.raised.Raised`.
        lines: lines of the traceback.
    """
    return "\n".join([f"{raised_text(raised)[:1].upper()}{raised_text(raised)[1:]}.", *lines[-MAX_LINES:]])
