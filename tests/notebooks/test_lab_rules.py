"""The rules that every lab keeps, checked on the notebooks as they are stored."""

import itertools
import json
import re
import struct
from base64 import b64decode
from pathlib import Path

import build_notebooks
import lab_source
import nbformat
import pytest

from dlcourse.checks import exercises, validate
from dlcourse.checks.judging import judge

SOURCES = lab_source.select_sources([])
LONGEST_CELL = 25
LARGEST_NOTEBOOK = 1_000_000

every_lab = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
every_exercise = pytest.mark.parametrize(
    "exercise",
    [exercise for source in SOURCES for exercise in exercises(lab_source.lab_number(source))],
    ids=lambda exercise: exercise.number,
)


def both(source: Path) -> list[nbformat.NotebookNode]:
    return [nbformat.read(path, as_version=4) for path in lab_source.notebook_paths(source)]


def prose(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def headings(notebook: nbformat.NotebookNode) -> list[int]:
    return [
        len(found[1])
        for cell in prose(notebook)
        for found in re.finditer(r"^(#{1,6}) \S", re.sub(r"```.*?```", "", cell.source, flags=re.DOTALL), re.MULTILINE)
    ]


def pictures(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    outputs = [output for cell in lab_source.code_cells(notebook) for output in cell.outputs]
    return [output for output in outputs if "image/png" in output.get("data", {})]


def test_there_are_labs():
    assert len(SOURCES) >= 2


@every_lab
def test_notebooks_are_in_step_with_their_source(source):
    assert build_notebooks.check(source) == []


def test_no_notebook_without_source():
    assert build_notebooks.orphans() == []


@every_lab
def test_every_exercise_of_the_lab_is_declared_and_none_besides(source):
    _, lab = both(source)
    in_notebook = [
        cell.metadata.dlcourse.exercise for cell in lab.cells if "exercise" in cell.metadata.get("dlcourse", {})
    ]
    declared = [exercise.number for exercise in exercises(lab_source.lab_number(source))]
    assert in_notebook == declared


@every_exercise
def test_reference_passes_stub_is_not_yet_and_each_mistake_gets_its_hint(exercise):
    assert validate(exercise) == []


@every_lab
def test_every_stub_in_the_lab_is_not_yet(source):
    _, lab = both(source)
    for exercise in exercises(lab_source.lab_number(source)):
        cell = next(cell for cell in lab.cells if cell.metadata.get("dlcourse", {}).get("exercise") == exercise.number)
        space = {"__name__": "lab"}
        exec("from __future__ import annotations\nimport numpy as np\n" + cell.source, space)
        stub = next(value for value in reversed(space.values()) if callable(value))
        assert " not yet:" in str(judge(exercise, stub))


@every_lab
def test_lab_holds_no_solution_text(source):
    _, lab = both(source)
    text = "\n".join(cell.source for cell in lab.cells)
    blocks = re.findall(r"# BEGIN SOLUTION\n(.*?)\n *# END SOLUTION", source.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    assert [block for block in blocks if block in text] == []
    for cell in lab.cells:
        if "exercise" in cell.metadata.get("dlcourse", {}):
            assert "raise NotImplementedError" in cell.source
            assert [
                line for block in blocks for line in block.splitlines() if len(line) > 20 and line in cell.source
            ] == []


@every_lab
def test_lab_has_no_outputs_and_worked_notebook_has_all(source):
    worked, lab = both(source)
    assert all(cell.execution_count is None and not cell.outputs for cell in lab_source.code_cells(lab))
    assert any(cell.outputs for cell in lab_source.code_cells(worked))


@every_lab
def test_worked_notebook_shows_every_check_passed_and_no_error_or_warning(source):
    worked, _ = both(source)
    shown = json.dumps([cell.outputs for cell in lab_source.code_cells(worked)])
    for exercise in exercises(lab_source.lab_number(source)):
        assert f"{exercise.number} passed:" in shown
    streams = [output for cell in lab_source.code_cells(worked) for output in cell.outputs]
    assert [output.text for output in streams if output.get("name") == "stderr"] == []
    assert [output.ename for output in streams if output.output_type == "error"] == []


@every_lab
def test_badges_point_at_their_own_notebook(source):
    for path, notebook in zip(lab_source.notebook_paths(source), both(source), strict=True):
        badge = next(cell for cell in notebook.cells if cell["id"] == "badge")
        assert f"/{path.parent.name}/{path.name})" in badge.source


@every_lab
def test_one_title_and_headings_in_order(source):
    for notebook in both(source):
        levels = headings(notebook)
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(deeper - level <= 1 for level, deeper in itertools.pairwise(levels))


@every_lab
def test_every_picture_is_described(source):
    worked, lab = both(source)
    assert len(pictures(worked)) >= 3
    for picture in pictures(worked):
        assert len(picture.metadata.get("image/png", {}).get("alt", "")) >= 15
    for cell in [*prose(worked), *prose(lab)]:
        assert re.findall(r"!\[\s*\]\(", cell.source) == []
        assert [tag for tag in re.findall(r"<img[^>]*>", cell.source) if not re.search(r'alt="[^"]{5,}', tag)] == []


@every_lab
def test_pictures_fit_a_laptop_screen(source):
    for picture in pictures(both(source)[0]):
        width, height = struct.unpack(">II", b64decode(picture.data["image/png"])[16:24])
        assert 150 <= width <= 1400
        assert 100 <= height <= 1100


@every_lab
def test_no_cell_is_a_wall_of_code(source):
    for notebook in both(source):
        long = [cell["id"] for cell in lab_source.code_cells(notebook) if len(cell.source.splitlines()) > LONGEST_CELL]
        assert long == []


@every_lab
def test_metadata_are_complete_and_kernelspec_is_python3(source):
    for notebook in both(source):
        about = notebook.metadata.dlcourse
        assert notebook.metadata.kernelspec.name == "python3"
        assert about.minutes in range(15, 181)
        assert about.needs
        # A minute; lab 07, which trains four agents and plays Atari, takes up to 90 seconds in all.
        assert 0 < about.budget_seconds <= (90 if about.number == "07" else 60)
        assert about.number == lab_source.lab_number(source)


@every_lab
def test_stored_notebooks_stay_small(source):
    for path in lab_source.notebook_paths(source):
        assert path.stat().st_size < LARGEST_NOTEBOOK
