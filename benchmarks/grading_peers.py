"""The same hand-ins through nbclient and otter-grader."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from grading_handins import LAB

from dlcourse.checks.catalog import exercises
from dlcourse.checks.exercise import Case, Exercise
from dlcourse.checks.judging import draw_cases
from dlcourse.grading.conversation import reference_value
from dlcourse.grading.reading.lab_cells import TrustedLab
from dlcourse.grading.reading.notebook_file import read_notebook
from dlcourse.grading.reading.preparing import prepare

ROOT = Path(__file__).resolve().parents[1]


def whole(path: Path, lab: TrustedLab) -> nbformat.NotebookNode:
    """The notebook as it was handed in."""
    return nbformat.read(path, as_version=4)


def parts_needed(path: Path, lab: TrustedLab, checks: bool = True) -> nbformat.NotebookNode:
    """The code that the exercises need, cut out as our own grader does, each followed by the notebook's own check."""
    cells = ["from dlcourse.checks import check"] if checks else []
    functions = {exercise.number: exercise.function for exercise in lab.exercises}
    for step in prepare(read_notebook(path.read_bytes()), lab).steps:
        cells.append(step.source)
        if checks and step.exercise is not None:
            name = functions[step.exercise]
            cells.append(f'{name} = check("{step.exercise}", {name})')
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def nbclient_run(notebook: nbformat.NotebookNode, tensorflow: bool) -> None:
    """Executes a notebook in a fresh kernel; every exercise's check must pass."""
    from nbclient import NotebookClient

    if tensorflow:
        notebook.cells.insert(0, nbformat.v4.new_code_cell("import tensorflow as tf"))
    with tempfile.TemporaryDirectory() as folder:
        # Checks keep what has passed in a file of their own; not in the grader's home.
        client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}})
        client.execute(stderr=subprocess.DEVNULL)
    said = json.dumps(notebook)
    passed = said.count("\\u2713") + said.count("✓")
    if passed < len(exercises(LAB)):
        raise AssertionError(f"only {passed} checks passed under nbclient")


def otter_tests(folder: Path, lab: TrustedLab) -> Path:
    """An autograder of otter's: a test an exercise, a case of it each of our public cases."""
    functions = {exercise.number: exercise.function for exercise in lab.exercises}
    archive = folder / "autograder.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("otter_config.json", json.dumps({"lang": "python", "pdf": False}))
        for exercise in exercises(LAB):
            name = f"q{exercise.number.replace('.', '_')}"
            cases = [
                {"code": _doctest(exercise, functions[exercise.number], case), "hidden": False, "locked": False}
                for case in draw_cases(exercise)
            ]
            suite: dict[str, Any] = {"cases": cases, "scored": True, "setup": "", "teardown": "", "type": "doctest"}
            test = {"name": name, "points": 1, "suites": [suite]}
            file.writestr(f"tests/{name}.py", f"OK_FORMAT = True\ntest = {test!r}\n")
    return archive


def otter_run(otter: str, path: Path, tests: Path, lab: TrustedLab) -> None:
    """`otter run` on the code that the exercises need; it must give full points."""
    with tempfile.TemporaryDirectory() as folder:
        notebook = parts_needed(path, lab, checks=False)
        notebook.cells.insert(0, nbformat.v4.new_code_cell("import otter\n\ngrader = otter.Notebook()"))
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, Path(folder) / path.name)
        done = subprocess.run(
            [otter, "run", "--no-logo", "-a", str(tests), "-o", folder, str(Path(folder) / path.name)],
            env=os.environ | {"PYTHONPATH": str(ROOT), "PATH": f"{Path(otter).parent}:{os.environ['PATH']}"},
            cwd=folder,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"otter run failed: {done.stderr[-2000:]}")
        points = sum(test.get("score", 0) for test in json.loads((Path(folder) / "results.json").read_text())["tests"])
    if points != len(exercises(LAB)):
        raise AssertionError(f"otter gives {points} points, expected {len(exercises(LAB))}: {done.stdout[-2000:]}")


def _doctest(exercise: Exercise, function: str, case: Case) -> str:
    expected = reference_value(exercise, case)
    lines = ["import numpy as np"]
    for value in case.args:
        if callable(value):
            source = inspect.getsource(value).replace("np.ndarray", "object").rstrip()
            lines.append("\n... ".join(source.split("\n")) + "\n... ")
    arguments = ", ".join(value.__name__ if callable(value) else _literal(value) for value in case.args)
    pairs = "zip(got, expected)" if isinstance(expected, tuple | list) else "[(got, expected)]"
    lines.append(f"got, expected = {function}({arguments}), {_literal(expected)}")
    lines.append(f"all(np.allclose(one, two, {exercise.rtol!r}, {exercise.atol!r}) for one, two in {pairs})")
    return "".join(f">>> {line}\n" for line in lines) + "True\n"


def _literal(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"np.array({value.tolist()!r}).reshape({value.shape!r})"
    if isinstance(value, tuple | list):
        return f"({', '.join(map(_literal, value))},)"
    return repr(value.item() if isinstance(value, np.generic) else value)
