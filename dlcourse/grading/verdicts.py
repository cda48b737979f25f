"""The verdict on one hand-in, made outside the sandbox.

Two sittings, each in a fresh worker. In the first, the hand-in's steps run in the lab's order, and right after its cell
each exercise is called on the public cases, as the notebook's own check would. All that is ever shown to the student
comes from this sitting. In the second, which the first knows nothing of, the same happens with fresh draws. What a
function might do with a hidden input (raise it, return it, keep it for later) can reach no message.

Worker and hand-in share one process, which may end at any time: then a fresh worker is started, what came before is run
again without what ended the old one, and the next exercise is judged.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dlcourse.checks.catalog import exercises
from dlcourse.checks.exercise import Case, Exercise
from dlcourse.checks.judging import draw_cases
from dlcourse.checks.raised import Raised
from dlcourse.checks.surroundings import undisturbed
from dlcourse.grading.conversation import Conversation, StoppedError
from dlcourse.grading.library import WITHHELD_ERROR
from dlcourse.grading.reading.handins import HandIn
from dlcourse.grading.reading.lab_cells import TrustedLab
from dlcourse.grading.reading.preparing import prepare
from dlcourse.grading.reading.programme import Programme, Step
from dlcourse.grading.results import ExerciseResult, HandInResult, Note, Status
from dlcourse.grading.sandboxes.box import OpenBox
from dlcourse.grading.scoring import FORGED, TIME_UP, WROTE_INTO_THE_CHANNEL, Round, raised_lines, result_of

ANSWERED = (Status.FULL, Status.PARTIAL)


@dataclass(frozen=True)
class Judging:
    """How hand-ins are judged.

    Args:
        partial_credit: what a partial answer gets, times its share of input classes; 0 to 1.
        draws: hidden draws of each exercise's cases; 0 judges on the public ones alone.
        patience: each round may take this times the exercise's own time limit, for slow and busy machines; > 0.
        step_seconds: for one step to run, libraries' imports included; > 0.
        seconds: wall time of a whole hand-in, > 0.
        restarts: how often a worker is started anew after its end.

    Raises:
        ValueError: if a value is out of range.
    """

    partial_credit: float = 0.5
    draws: int = 2
    patience: float = 2.0
    step_seconds: float = 60.0
    seconds: float = 300.0
    restarts: int = 25

    def __post_init__(self) -> None:
        if not 0 <= self.partial_credit <= 1:
            raise ValueError(f"partial_credit is {self.partial_credit}, expected a number from 0 to 1")
        for name in ("draws", "restarts"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}, expected 0 or more")
        for name in ("patience", "step_seconds", "seconds"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name} is {getattr(self, name)}, expected a number > 0")


def judge_handin(
    handin: HandIn,
    lab: TrustedLab,
    open_box: OpenBox,
    key: bytes,
    judging: Judging | None = None,
    isolation: str = "",
) -> HandInResult:
    """Judge a hand-in.

    Args:
        handin: the hand-in; one that could not be read gives a result with its error.
        lab: the lab as it was handed out.
        open_box: starts a worker; called again whenever one has ended.
        key: the batch's secret, 16 bytes or more; hidden inputs are drawn from it, other ones for each student.
        judging: how; None takes the defaults.
        isolation: its name, for the result.

    Returns:
        The result, one entry an exercise of the lab.

    Raises:
        SandboxError: if a worker could not be started, which is the machine's fault.
    """
    judging = judging or Judging()
    start = time.monotonic()
    result = HandInResult(
        student=handin.student,
        source=handin.source,
        lab=lab.number,
        exercises=(),
        notes=handin.notes,
        attempts=handin.attempts,
        isolation=isolation,
        error=handin.error,
        digest=handin.digest,
    )
    if handin.error or handin.notebook is None:
        return replace(result, error=handin.error or "there is no notebook")
    programme = prepare(handin.notebook, lab)
    result = replace(result, notes=result.notes + programme.notes)
    if programme.error:
        return replace(result, error=programme.error, seconds=time.monotonic() - start)
    judged, notes = judge_programme(
        programme, lab, open_box, lambda exercise: hidden_cases(exercise, key, handin.key, judging.draws), judging
    )
    return replace(result, exercises=judged, notes=result.notes + notes, seconds=time.monotonic() - start)


def judge_programme(
    programme: Programme,
    lab: TrustedLab,
    open_box: OpenBox,
    hidden: Callable[[Exercise], Sequence[Case]],
    judging: Judging | None = None,
    on_result: Callable[[ExerciseResult], None] = lambda result: None,
) -> tuple[tuple[ExerciseResult, ...], tuple[Note, ...]]:
    """Judge what a hand-in came to after cleaning.

    Args:
        programme: the steps to run.
        lab: the lab as it was handed out.
        open_box: starts a worker.
        hidden: `(exercise) -> cases` that the hand-in has not seen; no cases leave it at the public ones.
        judging: how; None takes the defaults.
        on_result: called with each exercise's result on the public cases.

    Returns:
        One result an exercise, in the lab's order; and what the grader should know.
    """
    return _Judge(programme, lab, open_box, hidden, judging or Judging(), on_result).judge()


def hidden_cases(exercise: Exercise, key: bytes, student: str, draws: int) -> list[Case]:
    """Cases that a student cannot know.

    Args:
        exercise: the exercise.
        key: the batch's secret.
        student: whose hand-in it is.
        draws: how often the exercise's cases are drawn.

    Returns:
        The same cases each time for the same key, student and exercise.
    """
    cases: list[Case] = []
    for draw in range(draws):
        label = f"{student}\0{exercise.number}\0{draw}".encode("utf-8", "surrogatepass")
        seed = int.from_bytes(hashlib.blake2b(label, key=key[:64], digest_size=16).digest(), "big")
        with undisturbed():
            cases += exercise.cases(np.random.default_rng(seed))
    return cases


class _Judge:
    def __init__(
        self,
        programme: Programme,
        lab: TrustedLab,
        open_box: OpenBox,
        hidden: Callable[[Exercise], Sequence[Case]],
        judging: Judging,
        on_result: Callable[[ExerciseResult], None],
    ) -> None:
        self.programme, self.hidden, self.judging, self.on_result = programme, hidden, judging, on_result
        self.exercises = {exercise.number: exercise for exercise in exercises(lab.number)}
        functions = {exercise.number: exercise.function for exercise in lab.exercises}
        self.talk = Conversation(open_box, list(self.exercises.values()), functions)
        self.deadline = time.monotonic() + judging.seconds
        self.restarts = 0
        self.deadly: set[int] = set()
        self.replaced: set[str] = set()
        self.results: dict[str, ExerciseResult] = {}
        self.rounds: dict[str, Round] = {}
        self.fallen: set[str] = set()
        self.notes: dict[str, Note] = {}

    def judge(self) -> tuple[tuple[ExerciseResult, ...], tuple[Note, ...]]:
        for number, why in self.programme.missing.items():
            self._settle(self._result(number, Status.MISSING, why))
        try:
            self._sit(self._judge_public)
            if self.judging.draws and any(result.status in ANSWERED for result in self.results.values()):
                self._sit(self._judge_hidden)
        finally:
            self.talk.close()
        for number in self.exercises:
            if number not in self.results:
                self.results[number] = self._result(number, Status.MISSING, "Its cell is not there.")
        if self.talk.refused:
            self._note(f"asked {self.talk.refused} times for answers that are not to be had")
        return tuple(self.results[number] for number in self.exercises), tuple(self.notes.values())

    def _sit(self, judge_one: Callable[[Step, Raised | None, list[str], str], ExerciseResult]) -> None:
        """One pass over the steps, in a fresh worker."""
        self.talk.close()
        steps = self.programme.steps
        for place, step in enumerate(steps):
            raised, lines, stopped = None, [], ""
            try:
                self._ready(steps[:place])
                if step.index in self.deadly:
                    stopped = "as it did before"
                else:
                    raised, lines = self.talk.run(step, self._seconds(self.judging.step_seconds)) or (None, [])
            except StoppedError as error:
                stopped = str(error)
                self.deadly.add(step.index)
            if step.exercise is not None:
                self._settle(judge_one(step, raised, lines, stopped))
            elif raised is not None and not step.own:
                self._note(f"the lab's own cell {step.cell} did not run: {raised.name}: {raised.message}")

    def _ready(self, before: Sequence[Step]) -> None:
        """A running worker in which everything that came before has happened."""
        while not self.talk.running:
            self._seconds(1.0)
            if self.restarts > self.judging.restarts:
                raise StoppedError("the process had ended too often before")
            self.restarts += 1
            self.talk.open()
            step = None
            try:
                for number in self.programme.missing:
                    self.talk.replace(number)
                for step in before:
                    if step.index not in self.deadly:
                        self.talk.run(step, self._seconds(self.judging.step_seconds))
                    if step.exercise in self.replaced:
                        self.talk.replace(step.exercise)
            except StoppedError:
                if step is not None:
                    self.deadly.add(step.index)

    def _judge_public(self, step: Step, raised: Raised | None, lines: list[str], stopped: str) -> ExerciseResult:
        exercise = self.exercises[step.exercise]
        if stopped or self._left <= 0:
            return self._broken(exercise, stopped)
        if raised is not None and raised.name == WITHHELD_ERROR:
            return self._result(exercise.number, Status.TAMPERED, f"It uses what is withheld: {raised.message}.")
        public = self._round(exercise, draw_cases(exercise))
        if raised is not None and public.not_function:
            return self._result(exercise.number, Status.CRASHED, raised_lines(raised, lines))
        self.rounds[exercise.number] = public
        return result_of(exercise, public, None, self.judging.partial_credit)

    def _judge_hidden(self, step: Step, raised: Raised | None, lines: list[str], stopped: str) -> ExerciseResult:
        """Fresh draws for what did well on the public cases; nothing that comes back now is ever shown."""
        exercise = self.exercises[step.exercise]
        first, public = self.results[exercise.number], self.rounds.get(exercise.number)
        # Where an earlier exercise has turned out wrong only now, it may have spoiled this one.
        spoiled = self.fallen.intersection(self.programme.needs.get(exercise.number, ()))
        again = spoiled and first.status in (Status.WRONG, Status.PARTIAL, Status.CRASHED, Status.TIMED_OUT)
        if public is None or not (again or first.status in ANSWERED):
            return first
        if stopped or self._left <= 0:
            return self._broken(exercise, "when it was run again" if stopped != TIME_UP else TIME_UP)
        if again:
            repeated = self._round(exercise, draw_cases(exercise))
            if all(repeated.right(exercise)):
                public = repeated
        if not self.talk.running:
            return first
        result = result_of(exercise, public, self._round(exercise, self.hidden(exercise)), self.judging.partial_credit)
        if first.status is Status.FULL and result.status is not Status.FULL:
            self.fallen.add(exercise.number)
        return result

    def _settle(self, result: ExerciseResult) -> None:
        """Keep a result; where it is not full, the course's own function stands in from now on."""
        if result.number not in self.results:
            self.on_result(result)
        self.results[result.number] = result
        if result.status is Status.FULL:
            self.replaced.discard(result.number)
            return
        self.replaced.add(result.number)
        if self.talk.running:
            with contextlib.suppress(StoppedError):
                self.talk.replace(result.number)

    def _round(self, exercise: Exercise, cases: Sequence[Case]) -> Round:
        return self.talk.round(exercise, cases, max(0.0, min(exercise.time_limit * self.judging.patience, self._left)))

    @property
    def _left(self) -> float:
        """Seconds that the hand-in has left."""
        return self.deadline - time.monotonic()

    def _seconds(self, wanted: float) -> float:
        if self._left <= 0:
            raise StoppedError(TIME_UP)
        return min(wanted, self._left)

    def _result(self, number: str, status: Status, message: str) -> ExerciseResult:
        return ExerciseResult(number, self.exercises[number].title, status, message)

    def _broken(self, exercise: Exercise, stopped: str) -> ExerciseResult:
        if self._left <= 0:
            seconds = f"{self.judging.seconds:g} seconds"
            return self._result(exercise.number, Status.TIMED_OUT, f"The hand-in had used up its {seconds} by then.")
        if stopped == TIME_UP:
            return self._result(
                exercise.number, Status.TIMED_OUT, f"Its cell did not finish within {self.judging.step_seconds:g} s."
            )
        if stopped == FORGED:
            return self._result(exercise.number, Status.TAMPERED, WROTE_INTO_THE_CHANNEL)
        return self._result(exercise.number, Status.CRASHED, f"The process ended while its cell ran: {stopped}.")

    def _note(self, text: str) -> None:
        self.notes.setdefault(text, Note("suspicious", text))
