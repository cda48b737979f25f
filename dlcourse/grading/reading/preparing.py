"""Cleaning and cutting in a process of its own: a stranger's text can hang, exhaust or crash Python's own parser.

The process sees text only and runs none of it. It may use one core for `seconds` and one GiB; if it dies, the hand-in
has an error, and the batch goes on.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dlcourse.grading.reading.cleaning import clean
from dlcourse.grading.reading.lab_cells import LabCell, LabExercise, TrustedLab
from dlcourse.grading.reading.notebook_file import Cell, Notebook
from dlcourse.grading.reading.programme import Programme, Step, TangledError, programme
from dlcourse.grading.results import Note

PACKAGE_ROOT = Path(__file__).resolve().parents[3]
START = "import sys; sys.path.insert(0, sys.argv[1]); from dlcourse.grading.reading.preparing import main; main()"
MEMORY = 2**30
LONGEST_ANSWER = 2**26


def prepare(notebook: Notebook, lab: TrustedLab, seconds: float = 20.0) -> Programme:
    """The programme of a hand-in.

    Args:
        notebook: what was handed in.
        lab: the lab.
        seconds: CPU time; the wall time may be three times as long.

    Returns:
        Always; where the code cannot be taken apart, one with an error and no steps.
    """
    question = json.dumps({"notebook": asdict(notebook), "lab": asdict(lab), "seconds": seconds})
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", START, str(PACKAGE_ROOT)],
            input=question.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=3 * seconds + 5,
        )
    except subprocess.TimeoutExpired:
        return Programme((), error="the notebook's code could not be taken apart in time")
    try:
        if done.returncode == 0 and len(done.stdout) <= LONGEST_ANSWER:
            return _programme(json.loads(done.stdout))
    except (ValueError, KeyError, TypeError):  # half an answer
        pass
    return Programme((), error="the notebook's code could not be taken apart: Python's parser gave up on it")


def main() -> None:
    """Reads a question from stdin and writes its programme to stdout."""
    question = json.load(sys.stdin.buffer)
    _limit(question["seconds"])
    notebook, lab = _notebook(question["notebook"]), _lab(question["lab"])
    try:
        made = programme(clean(notebook, lab), lab)
    except TangledError as error:
        made = Programme((), error=str(error))
    answer = asdict(made)
    for step in answer["steps"]:
        step["needed_by"] = sorted(step["needed_by"])
    sys.stdout.write(json.dumps(answer))


def _limit(seconds: float) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    whole = max(1, round(seconds))
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _notes(values: list[dict[str, str]]) -> tuple[Note, ...]:
    return tuple(Note(**value) for value in values)


def _notebook(value: dict[str, Any]) -> Notebook:
    cells = tuple(Cell(**{**cell, "tags": tuple(cell["tags"])}) for cell in value["cells"])
    return Notebook(cells, value["lab"], value["kernel"], _notes(value["notes"]))


def _lab(value: dict[str, Any]) -> TrustedLab:
    return TrustedLab(
        value["number"],
        value["stem"],
        tuple(LabCell(**{**cell, "tags": tuple(cell["tags"])}) for cell in value["cells"]),
        tuple(LabExercise(**exercise) for exercise in value["exercises"]),
    )


def _programme(value: dict[str, Any]) -> Programme:
    return Programme(
        tuple(Step(**{**step, "needed_by": frozenset(step["needed_by"])}) for step in value["steps"]),
        value["missing"],
        {number: tuple(others) for number, others in value["needs"].items()},
        _notes(value["notes"]),
        value["error"],
    )
