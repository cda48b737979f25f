"""The grader's page: all hand-ins of a lab in one HTML file that loads nothing from anywhere.

No text from a hand-in stands in a script, a style or an attribute; the script reads numbers and positions only, and
without it everything is still there to be read.
"""

from __future__ import annotations

import statistics
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from dlcourse.grading.reporting.markup import Markup, document, tag
from dlcourse.grading.reporting.student_page import (
    STYLE,
    SUSPICIOUS,
    SYMBOLS,
    attempt_list,
    exercise_list,
    name_of,
    note_list,
    points_text,
    short,
    status_class,
)
from dlcourse.grading.results import ExerciseResult, HandInResult, Status

TABLE_STYLE = Path(__file__).with_name("page_table.css").read_text(encoding="utf-8")
SCRIPT = Path(__file__).with_name("page.js").read_text(encoding="utf-8")

UNSAFE = "none"

# What a suspicious note adds to the number of notes when the table is sorted or filtered; page.js knows it.
SUSPICIOUS_FIRST = 1e6

# From the worst to the best, for sorting where the points are the same.
RANKS = (
    Status.MISSING,
    Status.TAMPERED,
    Status.CRASHED,
    Status.TIMED_OUT,
    Status.WRONG,
    Status.PARTIAL,
    Status.FULL,
)


@dataclass(frozen=True)
class ReportMeta:
    """What is true of the whole batch.

    Args:
        lab: e.g. "02".
        title: the lab's title.
        exercises: number and title of each, in the lab's order.
        isolation: what this run used; one that begins with "none" makes the page warn.
        version: dlcourse's.
        made: when, with a time zone.
        partial_credit: most points that an exercise gives that is right for some kinds of inputs only, from 0 to 1.

    Raises:
        ValueError: if `made` has no time zone.
    """

    lab: str
    title: str
    exercises: tuple[tuple[str, str], ...]
    isolation: str
    version: str
    made: datetime
    partial_credit: float = 0.5

    def __post_init__(self) -> None:
        if self.made.tzinfo is None:
            raise ValueError("made has no time zone; take datetime.now(UTC)")

    @property
    def heading(self) -> str:
        """Lab and title."""
        return f"Lab {self.lab}: {self.title}"

    @property
    def date(self) -> str:
        """When, the same in every language."""
        return f"{self.made.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def isolations(results: Sequence[HandInResult], meta: ReportMeta) -> list[str]:
    """Every isolation that was used, also the one of a result kept from an earlier run."""
    return list(dict.fromkeys([meta.isolation, *(result.isolation for result in results if result.isolation)]))


def is_unsafe(results: Sequence[HandInResult], meta: ReportMeta) -> bool:
    """Whether a hand-in ran without isolation."""
    return any(name.startswith(UNSAFE) for name in isolations(results, meta))


def report_page(results: Sequence[HandInResult], feedback: Sequence[str], meta: ReportMeta) -> str:
    """The whole page.

    Args:
        results: one a hand-in.
        feedback: the name of each one's feedback file, in the same order.
        meta: what is true of all.
    """
    order = sorted(range(len(results)), key=lambda index: (_sorting(results[index].student), results[index].source))
    results, feedback = [results[index] for index in order], [feedback[index] for index in order]
    parts = [tag("h1", meta.heading)]
    if is_unsafe(results, meta):
        parts.append(
            tag(
                "p",
                tag("strong", "Graded without isolation (--unsafe)."),
                " The hand-ins ran with the grader's own rights: a hostile one could read and change anything on that "
                "machine, other hand-ins and this report included.",
                class_="banner",
                role="note",
            )
        )
    parts.append(_summary(results, meta))
    if results:
        parts += [_bars(results, meta), _table(results, meta), _sections(results, feedback, meta)]
    parts.append(tag("footer", f"Made by dlcourse {meta.version}, {meta.date}."))
    body = tag("main", *parts, id="top")
    return document(f"{meta.heading}, {len(results)} hand-ins", STYLE + TABLE_STYLE, body, SCRIPT)


def _sorting(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text).casefold() if not unicodedata.combining(c))


def _summary(results: Sequence[HandInResult], meta: ReportMeta) -> Markup:
    points = [result.points for result in results if not result.error]
    possible = len(meta.exercises)
    failed = len(results) - len(points)
    facts = [("Hand-ins", f"{len(results)}, {failed} could not be graded" if failed else str(len(results)))]
    if points:
        mean = statistics.fmean(points)
        share = f" ({mean / possible:.0%})" if possible else ""
        facts.append(("Mean", f"{points_text(mean)} of {possible} points{share}"))
        facts.append(("Median", points_text(statistics.median(points))))
    facts += [
        ("Isolation", ", ".join(isolations(results, meta))),
        ("Partial credit", f"up to {points_text(meta.partial_credit)}"),
        ("Graded", f"{meta.date}, dlcourse {meta.version}"),
    ]
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts), class_="facts")


def _bars(results: Sequence[HandInResult], meta: ReportMeta) -> Markup:
    legend = [
        tag("li", tag("span", symbol, class_=f"symbol {status_class(status)}", aria_hidden="true"), f" {status.value}")
        for status, symbol in SYMBOLS.items()
    ]
    by_number: dict[str, list[ExerciseResult]] = {number: [] for number, _ in meta.exercises}
    for result in results:
        for exercise in result.exercises:
            by_number.setdefault(exercise.number, []).append(exercise)
    rows = [_bar(number, title, by_number[number]) for number, title in meta.exercises]
    return tag(
        "section",
        tag("h2", "Results per exercise", id="exercises"),
        tag("ul", *legend, class_="legend"),
        tag("ol", *rows, class_="bars"),
        aria_labelledby="exercises",
    )


def _bar(number: str, title: str, results: Sequence[ExerciseResult]) -> Markup:
    counts = Counter(result.status for result in results)
    pieces, words, start = [], [], 0
    for status, symbol in SYMBOLS.items():
        count = counts[status]
        if not count:
            continue
        place = {"x": f"{100 * start / len(results):.3f}%", "width": f"{100 * count / len(results):.3f}%"}
        pieces.append(tag("rect", class_=status_class(status), height="100%", **place))
        mark = tag("span", symbol, class_=f"symbol {status_class(status)}", aria_hidden="true")
        words.append(tag("span", mark, f" {count} {status.value}"))
        start += count
    mean = f"{statistics.fmean(result.points for result in results):.0%}" if results else "–"
    return tag(
        "li",
        tag("span", tag("b", number), f" {title}", class_="name"),
        tag("svg", *pieces, aria_hidden="true"),
        tag("span", mean, tag("span", " of the points", class_="spoken"), class_="mean"),
        tag("span", *(words or ["nobody's could be graded"]), class_="counts"),
    )


def _table(results: Sequence[HandInResult], meta: ReportMeta) -> Markup:
    numbers = [number for number, _ in meta.exercises]
    heads = [("Student", "student", True), (f"Points of {len(numbers)}", "number", False)]
    heads += [(number, "result", False) for number in numbers]
    heads += [("Notes", "number", False), ("Attempts", "number", False)]
    cells = [
        tag(
            "th",
            tag("button", label, type="button"),
            scope="col",
            class_=kind,
            aria_sort="ascending" if now else "none",
        )
        for label, kind, now in heads
    ]
    rows = [_row(index, result, numbers) for index, result in enumerate(results)]
    table = tag("table", tag("thead", tag("tr", *cells)), tag("tbody", *rows), id="table")
    return tag(
        "section",
        tag("h2", "Students", id="students"),
        _controls(len(results), numbers),
        tag("div", table, class_="scroll", role="region", aria_labelledby="students", tabindex="0"),
        aria_labelledby="students",
    )


def _controls(count: int, numbers: Sequence[str]) -> Markup:
    statuses = [tag("option", status.value, value=status_class(status)) for status in SYMBOLS]
    special = [
        tag("option", "could not be graded", value="ungraded"),
        tag("option", "with notes", value="notes"),
        tag("option", "with suspicious notes", value="suspicious"),
    ]
    places = [tag("option", number, value=index) for index, number in enumerate(numbers)]
    search = tag("input", type="search", id="search", placeholder="press /", autocomplete="off", spellcheck="false")
    return tag(
        "div",
        tag("label", "Name or file ", search),
        tag("label", "Result ", tag("select", tag("option", "any", value=""), *statuses, *special, id="status")),
        tag("label", "in exercise ", tag("select", tag("option", "any", value=""), *places, id="place")),
        tag("output", f"{count} of {count} shown", id="shown", for_="search status place"),
        class_="controls",
    )


def _row(index: int, result: HandInResult, numbers: Sequence[str]) -> Markup:
    found = {exercise.number: exercise for exercise in result.exercises}
    link = tag("a", name_of(result.student), href=f"#student-{index}")
    points = "not graded" if result.error else points_text(result.points)
    cells = [
        tag("th", link, scope="row", data_v=index),
        tag("td", points, class_="number", data_v=-1 if result.error else round(result.points, 6)),
    ]
    for number in numbers:
        exercise = found.get(number)
        if exercise is None:
            cells.append(tag("td", tag("span", "–"), class_="result", data_v=-1))
            continue
        value = round(exercise.points + RANKS.index(exercise.status) / 1000, 6)
        word = tag("span", exercise.status.value)
        cells.append(tag("td", word, class_=f"result {status_class(exercise.status)}", data_v=value))
    count, suspicious = len(result.notes), any(note.kind == SUSPICIOUS for note in result.notes)
    flag = [tag("span", " ⚑", aria_hidden="true"), tag("span", " suspicious", class_="spoken")] if suspicious else []
    cells += [
        tag("td", str(count), *flag, class_="number", data_v=count + (SUSPICIOUS_FIRST if suspicious else 0)),
        tag("td", str(len(result.attempts)), class_="number", data_v=len(result.attempts)),
    ]
    return tag("tr", *cells)


def _sections(results: Sequence[HandInResult], feedback: Sequence[str], meta: ReportMeta) -> Markup:
    pages = [_section(index, result, feedback[index], meta) for index, result in enumerate(results)]
    buttons = tag(
        "p",
        tag("button", "Open all shown", type="button", id="open"),
        tag("button", "Close all", type="button", id="close"),
        class_="controls",
    )
    return tag(
        "section",
        tag("h2", "Each student", id="each"),
        buttons,
        tag("div", *pages, id="pages"),
        aria_labelledby="each",
    )


def _section(index: int, result: HandInResult, feedback: str, meta: ReportMeta) -> Markup:
    points = "not graded" if result.error else f"{points_text(result.points)} of {len(meta.exercises)}"
    facts = [f"{result.isolation or 'not run'}", f"{result.seconds:.1f} s"]
    parts = [
        tag(
            "p",
            "Hand-in: ",
            tag("bdi", short(result.source), class_="source"),
            f" ({', '.join(facts)}) ",
            class_="quiet path",
        ),
        tag(
            "p", tag("a", "Feedback file", href=quote(feedback)), " · ", tag("a", "Back to the table", href="#students")
        ),
    ]
    if result.error:
        parts.append(tag("p", f"Could not be graded: {result.error}", class_="error"))
    if result.exercises:
        parts.append(exercise_list(result.exercises))
    if result.notes:
        parts += [tag("h3", "Notes"), note_list(result.notes)]
    if len(result.attempts) > 1:
        parts += [tag("h3", "Attempts, the newest first"), attempt_list(result)]
    summary = tag("summary", name_of(result.student), tag("span", points, class_="points"))
    return tag("details", summary, *parts, id=f"student-{index}")
