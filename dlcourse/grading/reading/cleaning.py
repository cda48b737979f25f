"""A hand-in made the lab again: exercises from the student, everything else as the course handed it out.

What the student changed elsewhere is noted and has no effect; what they added (cells of their own, imports and
helpers written into the course's cells) stays, because an exercise may need it.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dlcourse.grading.reading.lab_cells import LabCell, LabExercise, TrustedLab
from dlcourse.grading.reading.notebook_file import Notebook, shown
from dlcourse.grading.reading.statements import Statement, statements_of
from dlcourse.grading.results import Note

MARKER_TAGS = re.compile(r"(?i)nbval.*|raises[-_]exception|skip.*|.*[-_]skip|remove[-_]cell|solution")
MARKER_COMMENT = re.compile(r"(?m)#[^\n#]*\b(?:NBVAL_|PYTEST_VALIDATE_)\w+.*$")
NOT_TRIED = "The function is still as it was handed out."
NOT_THERE = "The cell of this exercise is not in the notebook, and no other cell defines {function}."
WITHOUT_FUNCTION = "The cell of this exercise does not define {function}, and no other cell does."
MOST_NAMED = 5


@dataclass(frozen=True)
class CleanCell:
    """A cell of the cleaned hand-in.

    Args:
        id: the lab's id of it; a student's own cell has the id that it came with, or "after ID".
        source: its code.
        exercise: the number of the exercise that it answers; None elsewhere.
        own: whether the student wrote it.
    """

    id: str
    source: str
    exercise: str | None
    own: bool


@dataclass(frozen=True)
class Cleaned:
    """A hand-in in the lab's order.

    Args:
        cells: code cells.
        missing: exercises without an answer, and why, in a sentence for the student.
        notes: what was put back.
    """

    cells: tuple[CleanCell, ...]
    missing: dict[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class _Own:
    """Code of the student, and after which cell of the lab it stands."""

    id: str
    source: str
    anchor: int


def clean(notebook: Notebook, lab: TrustedLab) -> Cleaned:
    """The hand-in with everything but its exercises and its own additions restored from the lab.

    Args:
        notebook: what was handed in.
        lab: the lab as it was handed out.
    """
    return _Cleaning(notebook, lab).result()


class _Cleaning:
    def __init__(self, notebook: Notebook, lab: TrustedLab) -> None:
        self.lab = lab
        self.cells = [cell for cell in notebook.cells if cell.is_code]
        self.no_code = {cell.id for cell in notebook.cells if not cell.is_code and cell.id in lab.by_id}
        self.places = {cell.id: place for place, cell in enumerate(lab.cells)}
        self.notes: list[Note] = []
        self.claims: dict[str, list[_Own]] = {}
        self.own: list[_Own] = []
        self.order: list[int] = []
        self.changed: list[str] = []
        self.repeated: list[str] = []

    def result(self) -> Cleaned:
        self._match()
        self._note_differences()
        answers: dict[str, _Own] = {}
        missing: dict[str, str] = {}
        for exercise in self.lab.exercises:
            answer, why = self._answer(exercise)
            if answer is None:
                missing[exercise.number] = why
            else:
                answers[exercise.cell] = answer
        used = {id(answer) for answer in answers.values()}
        rest: dict[int, list[_Own]] = {}
        for own in self.own:
            if id(own) not in used and own.source.strip():
                rest.setdefault(own.anchor, []).append(own)
        if rest:
            self._note_cells(
                "added cell", "{} of the student's own", [own.id for some in rest.values() for own in some]
            )
        return Cleaned(tuple(self._cells(answers, rest)), missing, tuple(self.notes))

    def _cells(self, answers: dict[str, _Own], rest: dict[int, list[_Own]]) -> Iterable[CleanCell]:
        for place, cell in enumerate((None, *self.lab.cells), start=-1):
            if cell is not None and not cell.exercise:
                yield CleanCell(cell.id, cell.source, None, False)
            elif cell is not None and cell.id in answers:
                yield CleanCell(cell.id, answers[cell.id].source, cell.exercise, True)
            for own in rest.get(place, ()):
                yield CleanCell(own.id, own.source, None, True)

    def _match(self) -> None:
        """Finds for each cell the lab's cell that it is, or makes it the student's own."""
        by_source = {_bare(cell.source): cell for cell in self.lab.cells if not cell.exercise}
        # A copy of a cell without its id counts only where the original is gone.
        ids = {cell.id for cell in self.cells}
        seen: set[str] = set()
        markers: list[str] = []
        anchor = -1
        for number, cell in enumerate(self.cells, start=1):
            known = self.lab.by_id.get(cell.id)
            if known is None and cell.exercise in self.lab.by_number:
                known = self.lab.by_id[self.lab.by_number[cell.exercise].cell]
            if known is None:
                same = by_source.get(_bare(cell.source))
                known = same if same is not None and same.id not in ids | seen else None
            found = {tag for tag in cell.tags if MARKER_TAGS.fullmatch(tag)} - set(known.tags if known else ())
            source = MARKER_COMMENT.sub("", cell.source)
            if found or (source != cell.source and (known is None or known.source != cell.source)):
                markers.append(cell.id or f"cell {number}")
            if known is None:
                self.own.append(_Own(cell.id or f"cell {number}", source, anchor))
                continue
            place = self.places[known.id]
            if known.id in seen:
                self.repeated.append(known.id)
            else:
                self.order.append(place)
                anchor = place
            if known.exercise:
                self.claims.setdefault(known.exercise, []).append(_Own(known.id, source, place))
            elif known.id not in seen and _bare(known.source) != _bare(cell.source):
                self.changed.append(known.id)
                self._keep_additions(known, source, place)
            seen.add(known.id)
        self.matched = seen
        if markers:
            self._note_cells("removed marker", "markers for nbval or for skipping were removed from {}", markers)

    def _keep_additions(self, known: LabCell, source: str, place: int) -> None:
        """Imports and definitions written into a cell of the course, unless they redefine what the lab defines."""
        written = statements_of(source)
        if written is None:
            return
        given = _dumped(statements_of(known.source) or ())
        protected = self._lab_names() - {exercise.function for exercise in self.lab.exercises}
        kept = [
            statement
            for statement in written
            if not statement.is_check
            and not _dumped([statement]) <= given
            and any(names.binds for names in statement.names)
            and not any(names.binds & protected for names in statement.names)
        ]
        if kept:
            self.own.append(_Own(f"after {known.id}", "\n".join(statement.source for statement in kept), place))

    def _lab_names(self) -> set[str]:
        return {
            name
            for cell in self.lab.cells
            for statement in statements_of(cell.source) or ()
            for names in statement.names
            for name in names.binds | names.changes
        }

    def _answer(self, exercise: LabExercise) -> tuple[_Own | None, str]:
        """The student's code for an exercise, or why there is none."""
        claims = self.claims.get(exercise.number, [])
        if len(claims) > 1:
            self._note("duplicated cell", f"exercise {exercise.number} has {len(claims)} cells; the last answer counts")
        for own in reversed(claims):
            if _defines(own.source, exercise) and not is_stub(own.source, exercise):
                return own, ""
        others = [own for number, some in self.claims.items() if number != exercise.number for own in some]
        for own in reversed([*others, *self.own]):
            if _defines(own.source, exercise) and not is_stub(own.source, exercise):
                self._note(
                    "added cell", f"the answer to exercise {exercise.number} was taken from cell {shown(own.id)}"
                )
                return own, ""
        for own in reversed(claims):
            if statements_of(own.source) is None:
                return own, ""
        if any(_defines(own.source, exercise) for own in claims):
            return None, NOT_TRIED
        why = WITHOUT_FUNCTION if claims else NOT_THERE
        return None, why.format(function=exercise.function)

    def _note_differences(self) -> None:
        lost = [cell.id for cell in self.lab.cells if cell.id not in self.matched]
        for kind, text, cells in (
            ("changed cell", "{} of the course had been changed and stood as handed out again", self.changed),
            ("changed cell", "{} of the course were no code any more", [name for name in lost if name in self.no_code]),
            ("deleted cell", "{} of the course had been deleted", [name for name in lost if name not in self.no_code]),
            ("duplicated cell", "{} of the course stood there more than once", list(Counter(self.repeated))),
        ):
            if cells:
                self._note_cells(kind, text, cells)
        moved = len(self.order) - _longest_rising(self.order)
        if moved:
            self._note("moved cell", f"{_count(moved)} of the course stood at another place")

    def _note_cells(self, kind: str, text: str, cells: Sequence[str]) -> None:
        names = ", ".join(shown(name, 30) for name in cells[:MOST_NAMED]) + (", ..." if len(cells) > MOST_NAMED else "")
        self._note(kind, f"{text.format(_count(len(cells)))}: {names}")

    def _note(self, kind: str, text: str) -> None:
        self.notes.append(Note(kind, text))


def is_stub(source: str, exercise: LabExercise) -> bool:
    """Whether the exercise's function does nothing yet: the stub, `pass`, `...` or a docstring alone.

    Args:
        source: the code of a cell.
        exercise: the exercise.
    """
    last = None
    for statement in statements_of(source) or ():
        for node in statement.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == exercise.function:
                last = node
            elif any(exercise.function in names.binds for names in statement.names) and not statement.is_check:
                last = None
    if last is None:
        return False
    body = [node for node in last.body if not _is_constant(node)]
    return all(isinstance(node, ast.Pass) or _is_not_implemented(node) for node in body[:1]) and len(body) <= 1


def _is_constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_not_implemented(node: ast.stmt) -> bool:
    return isinstance(node, ast.Raise) and "NotImplementedError" in {
        name.id for name in ast.walk(node) if isinstance(name, ast.Name)
    }


def _defines(source: str, exercise: LabExercise) -> bool:
    return any(
        exercise.function in names.binds | names.changes
        for statement in statements_of(source) or ()
        if not statement.is_check
        for names in statement.names
    )


def _dumped(statements: Iterable[Statement]) -> set[str]:
    return {ast.dump(node) for statement in statements for node in statement.nodes}


def _bare(source: str) -> str:
    """The code without what no one sees: spaces at the ends of lines, blank lines at the end."""
    return "\n".join(line.rstrip() for line in source.rstrip().split("\n"))


def _count(number: int) -> str:
    return "one cell" if number == 1 else f"{number} cells"


def _longest_rising(places: Sequence[int]) -> int:
    """Length of the longest part of the cells that stands in the lab's order."""
    ends: list[int] = []
    for place in places:
        at = bisect_left(ends, place)
        ends[at : at + 1] = [place]
    return len(ends)
