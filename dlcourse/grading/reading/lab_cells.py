"""The lab as it was handed out: its code cells by their ids, and which of them are exercises."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


class NotALabError(ValueError):
    """The notebook is none of the course's labs."""


@dataclass(frozen=True)
class LabCell:
    """A code cell of the lab.

    Args:
        id: the cell's id, the same in every copy of the lab.
        source: its code; an exercise's is a stub.
        exercise: the number of the exercise that it is; empty elsewhere.
        tags: its tags.
    """

    id: str
    source: str
    exercise: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabExercise:
    """An exercise of the lab.

    Args:
        number: e.g. "2.1".
        cell: the id of its cell.
        function: the name of the function that a participant writes.
        stub: the code of the cell as it was handed out.
    """

    number: str
    cell: str
    function: str
    stub: str


@dataclass(frozen=True)
class TrustedLab:
    """A lab as the course handed it out.

    Args:
        number: e.g. "02".
        stem: its file's name, without the suffix.
        cells: its code cells, in order.
        exercises: its exercises, in order.

    Example:
        >>> from dlcourse.catalog import find_lab
        >>> lab = TrustedLab.read(find_lab("02").unsolved)
        >>> lab.exercises[0].number, lab.exercises[0].cell, lab.exercises[0].function
        ('2.1', 'exercise-2-1', 'neuron')
    """

    number: str
    stem: str
    cells: tuple[LabCell, ...]
    exercises: tuple[LabExercise, ...]

    @classmethod
    def read(cls, path: Path) -> TrustedLab:
        """The lab in one of the course's own notebooks without solutions.

        Raises:
            NotALabError: if the notebook names no lab, or has an exercise without its check.
        """
        document = json.loads(path.read_text(encoding="utf-8"))
        number = document["metadata"].get("dlcourse", {}).get("number")
        if number is None:
            raise NotALabError(f"{path} is none of the course's labs: its metadata name no lab")
        cells = tuple(
            LabCell(
                cell["id"],
                "".join(cell["source"]),
                cell["metadata"].get("dlcourse", {}).get("exercise", ""),
                tuple(cell["metadata"].get("tags", ())),
            )
            for cell in document["cells"]
            if cell["cell_type"] == "code"
        )
        checked = {}
        for cell in cells:
            checked |= _checked_functions(cell.source)
        without = [cell.exercise for cell in cells if cell.exercise and cell.exercise not in checked]
        if without:
            raise NotALabError(f"{path} has no check for exercise {', '.join(without)}")
        exercises = tuple(
            LabExercise(cell.exercise, cell.id, checked[cell.exercise], cell.source) for cell in cells if cell.exercise
        )
        return cls(number, path.stem, cells, exercises)

    @cached_property
    def by_id(self) -> dict[str, LabCell]:
        """The cells by their ids."""
        return {cell.id: cell for cell in self.cells}

    @cached_property
    def by_number(self) -> dict[str, LabExercise]:
        """The exercises by their numbers."""
        return {exercise.number: exercise for exercise in self.exercises}

    def exercise(self, number: str) -> LabExercise:
        """The exercise of that number.

        Raises:
            KeyError: if the lab has none.
        """
        return self.by_number[number]


def _checked_functions(source: str) -> dict[str, str]:
    """Number and function's name of each `check("2.1", neuron)` in a cell of the lab."""
    return {
        node.args[0].value: node.args[1].id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "check"
        and len(node.args) == 2
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[1], ast.Name)
    }
