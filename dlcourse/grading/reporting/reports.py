"""What is left of a batch: a table for the grade book, JSON for machines, a page to look at, feedback to hand back.

results.json:

    {"format": "dlcourse grades", "format_version": 1,
     "dlcourse": "0.1.0", "made": "2026-01-31T09:00:00+00:00",
     "lab": "02", "title": "...", "isolation": ["bubblewrap"], "unsafe": false, "partial_credit": 0.5,
     "exercises": [{"number": "2.1", "title": "..."}, ...],
     "hand_ins": [{"student", "source", "lab", "points", "possible", "graded": true, "error": "",
                   "feedback": "feedback/Ada.html",
                   "exercises": [{"number", "title", "status", "points", "message",
                                  "classes": [{"name", "passed", "cases"}, ...]}, ...],
                   "notes": [{"kind", "text"}, ...], "attempts": [...], "isolation", "seconds", "digest"}, ...]}

Texts in it are what they were in the hand-in, only written in ASCII: escape them wherever they are shown. A `status` is
one of `dlcourse.grading.results.Status`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from dlcourse.files import write_atomically
from dlcourse.grading.hostile_text import csv_cell, file_names
from dlcourse.grading.reporting.page import ReportMeta, is_unsafe, isolations, report_page
from dlcourse.grading.reporting.student_page import feedback_page
from dlcourse.grading.results import HandInResult

__all__ = ["ReportMeta", "ReportPaths", "write_reports"]

FEEDBACK = "feedback"
# How a feedback file of an earlier run is told from a file that somebody else put there.
OURS = b'<meta name="generator" content="dlcourse grade">'


@dataclass(frozen=True)
class ReportPaths:
    """Where everything is.

    Args:
        folder: the report's folder.
        grades: grades.csv, one row a hand-in.
        results: results.json.
        page: report.html.
        feedback: one file a hand-in, in the order of the results.
    """

    folder: Path
    grades: Path
    results: Path
    page: Path
    feedback: tuple[Path, ...]


def write_reports(results: Sequence[HandInResult], out: Path, meta: ReportMeta) -> ReportPaths:
    """Writes all reports, each file whole or not at all, results.json last.

    Feedback files that an earlier run left for somebody who is not among the results are removed: a mailing of the
    folder must not hand out what no longer holds.

    Args:
        results: one a hand-in, in any order.
        out: folder; made where it is missing.
        meta: what is true of all.

    Raises:
        OSError: if a file cannot be written.
    """
    names = [f"{FEEDBACK}/{name}.html" for name in file_names([result.student for result in results])]
    paths = ReportPaths(
        folder=out,
        grades=out / "grades.csv",
        results=out / "results.json",
        page=out / "report.html",
        feedback=tuple(out / name for name in names),
    )
    foot = f"dlcourse {meta.version}, {meta.date}"
    for result, path in zip(results, paths.feedback, strict=True):
        write_atomically(path, feedback_page(result, meta.heading, len(meta.exercises), foot))
    _remove_old_feedback(out / FEEDBACK, {path.name for path in paths.feedback})
    write_atomically(paths.grades, grades_csv(results, meta))
    write_atomically(paths.page, report_page(results, names, meta))
    write_atomically(paths.results, results_json(results, names, meta))
    return paths


def grades_csv(results: Sequence[HandInResult], meta: ReportMeta) -> str:
    """The grade book's table, as Excel, LibreOffice and pandas read it (UTF-8 with its mark, commas, a head line).

    Points are empty where a hand-in could not be graded: that is for the grader to decide, and 0 would hide it.

    Args:
        results: one a hand-in.
        meta: what is true of all.
    """
    head = ["student", "points", "possible"]
    for number, _ in meta.exercises:
        head += [f"{number} points", f"{number} result"]
    head += ["notes", "attempts", "hand-in", "not graded because"]
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([csv_cell(name) for name in head])
    for result in results:
        found = {exercise.number: exercise for exercise in result.exercises}
        row = [result.student, "" if result.error else _number(result.points), str(len(meta.exercises))]
        for number, _ in meta.exercises:
            exercise = found.get(number)
            row += ["", ""] if exercise is None else [_number(exercise.points), exercise.status.value]
        row += [str(len(result.notes)), str(len(result.attempts)), result.source, result.error]
        writer.writerow([csv_cell(cell) for cell in row])
    return "\ufeff" + file.getvalue()


def results_json(results: Sequence[HandInResult], feedback: Sequence[str], meta: ReportMeta) -> str:
    """Everything, for machines; the module's head describes it.

    Args:
        results: one a hand-in.
        feedback: each one's feedback file, in the same order.
        meta: what is true of all.
    """
    everything = {
        "format": "dlcourse grades",
        "format_version": 1,
        "dlcourse": meta.version,
        "made": meta.made.astimezone(UTC).isoformat(timespec="seconds"),
        "lab": meta.lab,
        "title": meta.title,
        "isolation": isolations(results, meta),
        "unsafe": is_unsafe(results, meta),
        "partial_credit": meta.partial_credit,
        "exercises": [{"number": number, "title": title} for number, title in meta.exercises],
        "hand_ins": [
            _as_json(result, name, len(meta.exercises)) for result, name in zip(results, feedback, strict=True)
        ],
    }
    # Printable ASCII without "<": neither a terminal nor a page that the file is pasted into has anything to obey.
    return json.dumps(everything, indent=1, allow_nan=False).replace("<", "\\u003c") + "\n"


def _as_json(result: HandInResult, feedback: str, possible: int) -> dict[str, Any]:
    return {
        **asdict(result),
        "points": result.points,
        "possible": possible,
        "graded": not result.error,
        "feedback": feedback,
    }


def _number(points: float) -> str:
    return format(round(points, 4), "g")


def _remove_old_feedback(folder: Path, kept: set[str]) -> None:
    for path in folder.glob("*.html"):
        if path.name not in kept and path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                ours = OURS in file.read(4000)
            if ours:
                path.unlink()
