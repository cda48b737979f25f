"""What grading comes to: one result an exercise, one a hand-in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What an exercise came to."""

    FULL = "full"
    PARTIAL = "partial"
    WRONG = "wrong"
    MISSING = "missing"
    CRASHED = "crashed"
    TIMED_OUT = "timed out"
    TAMPERED = "tampered"


@dataclass(frozen=True)
class InputClass:
    """How a function did on one kind of input.

    Args:
        name: e.g. "all weights zero", or "random inputs".
        passed: cases answered rightly.
        cases: cases tried, at least 1.
    """

    name: str
    passed: int
    cases: int

    @property
    def whole(self) -> bool:
        """Whether every case of the class was right."""
        return self.passed == self.cases


@dataclass(frozen=True)
class ExerciseResult:
    """What one exercise of one hand-in came to.

    Args:
        number: e.g. "2.1".
        title: the exercise's title.
        status: see `Status`.
        message: for the student, in sentences; shows public inputs at most, never hidden ones.
        classes: how each kind of input did; empty where nothing could be called.
        points: from 0 to 1.
    """

    number: str
    title: str
    status: Status
    message: str = ""
    classes: tuple[InputClass, ...] = ()
    points: float = 0.0


@dataclass(frozen=True)
class Note:
    """Something that the grader should know about a hand-in and that changed no verdict by itself.

    Args:
        kind: one of "changed cell", "deleted cell", "duplicated cell", "moved cell", "added cell", "removed marker",
            "suspicious", "unreadable", "older attempt".
        text: one sentence; plain text in which the student's own words may stand, so it is escaped where it is shown.
    """

    kind: str
    text: str


@dataclass(frozen=True)
class HandInResult:
    """What one hand-in came to.

    Args:
        student: whose it is, from the path.
        source: where it lies, relative to the submissions; inside a zip "archive.zip!/path".
        lab: e.g. "02".
        exercises: one result each, in the lab's order; empty only where the hand-in could not be read.
        notes: what else was seen.
        attempts: all attempts found, oldest first, `source` among them.
        isolation: "bubblewrap", "podman", "docker", "namespaces" or "none (unsafe)".
        seconds: wall time it took.
        error: why nothing could be graded; empty where it could.
        digest: SHA-256 of the notebook's bytes; tells on a second run whether this result still holds.
    """

    student: str
    source: str
    lab: str
    exercises: tuple[ExerciseResult, ...]
    notes: tuple[Note, ...] = ()
    attempts: tuple[str, ...] = ()
    isolation: str = ""
    seconds: float = 0.0
    error: str = ""
    digest: str = ""

    @property
    def points(self) -> float:
        """Sum over the exercises."""
        return sum(result.points for result in self.exercises)
