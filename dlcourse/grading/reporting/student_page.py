"""What one hand-in came to, in HTML: in the report's section and in the file that is handed back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from dlcourse.grading.reporting.markup import Markup, document, tag
from dlcourse.grading.results import ExerciseResult, HandInResult, InputClass, Note, Status

STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")

SYMBOLS = {
    Status.FULL: "✓",
    Status.PARTIAL: "◐",
    Status.WRONG: "✗",
    Status.MISSING: "○",
    Status.CRASHED: "!",
    Status.TIMED_OUT: "◷",
    Status.TAMPERED: "⚑",
}

# The kind of note that is for the grader alone.
SUSPICIOUS = "suspicious"

MOST_LISTED = 100
LONGEST_LINE = 400


def points_text(points: float) -> str:
    """Points as people write them.

    Example:
        >>> points_text(3.0), points_text(2.25), points_text(1 / 3)
        ('3', '2.25', '0.33')
    """
    return f"{points:.2f}".rstrip("0").rstrip(".")


def name_of(student: str) -> Markup:
    """A student's name; `dir` keeps one in Arabic or Hebrew from turning what stands around it."""
    return tag("bdi", short(student), translate="no")


def short(text: str) -> str:
    """Cuts a line that nobody would read to its end."""
    return text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]} ... ({len(text):,} characters)"


def status_class(status: Status) -> str:
    """The status as a CSS class."""
    return status.value.replace(" ", "-")


def badge(status: Status) -> Markup:
    """Symbol and word."""
    symbol = tag("span", SYMBOLS[status], aria_hidden="true")
    return tag("span", symbol, f" {status.value}", class_=f"badge {status_class(status)}")


def exercise_list(results: Sequence[ExerciseResult]) -> Markup:
    """All exercises of a hand-in with what there is to say about each."""
    return tag("ol", *(_exercise(result) for result in results), class_="exercises")


def _exercise(result: ExerciseResult) -> Markup:
    parts = [
        badge(result.status),
        tag("strong", f"{result.number} {result.title}"),
        tag("span", points_text(result.points), class_="points"),
    ]
    if result.message:
        kind = "message log" if result.status is Status.CRASHED else "message"
        parts.append(tag("p", result.message, class_=kind))
    if result.classes:
        parts.append(tag("p", classes_text(result.classes), class_="classes"))
    return tag("li", *parts)


def classes_text(classes: Sequence[InputClass]) -> str:
    """How each kind of inputs did, in a line; one that is all well needs few words.

    Example:
        >>> classes_text([InputClass("random inputs", 6, 6), InputClass("all weights zero", 0, 2)])
        'Inputs: ✓ random inputs (6 of 6) · ✗ all weights zero (0 of 2)'
    """
    if all(one.whole for one in classes):
        cases = sum(one.cases for one in classes)
        return f"Inputs: {cases} of {cases} right"
    return "Inputs: " + " · ".join(
        f"{'✓' if one.whole else '✗'} {one.name} ({one.passed} of {one.cases})" for one in classes
    )


def note_list(notes: Sequence[Note]) -> Markup:
    """Notes, the kind first."""
    lines = (tag("li", tag("b", note.kind), ": ", short(note.text)) for note in notes)
    return _list(lines, len(notes))


def attempt_list(result: HandInResult) -> Markup:
    """All attempts, the newest first; which one was graded is said in words."""
    lines = (
        tag("li", tag("bdi", short(attempt)), " (this one was graded)" if attempt == result.source else "")
        for attempt in reversed(result.attempts)
    )
    return _list(lines, len(result.attempts))


def _list(lines: Iterator[Markup], count: int) -> Markup:
    shown = list(islice(lines, MOST_LISTED))
    if count > len(shown):
        shown.append(tag("li", f"and {count - len(shown):,} more, in results.json"))
    return tag("ul", *shown)


def feedback_page(result: HandInResult, heading: str, possible: int, foot: str) -> str:
    """The file that a student gets back: no script, and no note that is for the grader alone.

    Args:
        result: what the hand-in came to.
        heading: lab and title.
        possible: points that can be had.
        foot: version and date.
    """
    parts = [tag("p", heading, class_="quiet"), tag("h1", "Feedback for ", name_of(result.student))]
    if result.error:
        parts.append(tag("p", f"This hand-in could not be graded: {result.error}", class_="error"))
    else:
        parts.append(tag("p", tag("b", points_text(result.points)), f" of {possible} points", class_="total"))
    parts.append(tag("p", "Hand-in: ", tag("bdi", short(result.source)), class_="quiet path"))
    parts.append(exercise_list(result.exercises))
    notes = [note for note in result.notes if note.kind != SUSPICIOUS]
    if notes:
        parts += [tag("h2", "Notes"), note_list(notes)]
    if len(result.attempts) > 1:
        parts += [tag("h2", "Attempts, the newest first"), attempt_list(result)]
    parts.append(tag("footer", foot))
    return document(f"Feedback: {heading}", STYLE, tag("main", *parts, class_="feedback"))
