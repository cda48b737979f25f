"""Cleaning: the student's exercises in the course's lab, whatever was done to the rest of the notebook."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.catalog import find_lab
from dlcourse.checks.catalog import labs
from dlcourse.grading.reading.cleaning import NOT_TRIED, Cleaned, clean, is_stub
from dlcourse.grading.reading.lab_cells import NotALabError, TrustedLab
from dlcourse.grading.reading.notebook_file import Cell, Notebook, read_notebook
from dlcourse.grading.reading.programme import Programme, TangledError, programme

NUMBER = "02"


@cache
def lab_of(number: str) -> TrustedLab:
    return TrustedLab.read(find_lab(number).unsolved)


@cache
def worked(number: str) -> Notebook:
    return read_notebook(find_lab(number).worked.read_bytes())


LAB, GOOD = lab_of(NUMBER), worked(NUMBER)


def edited(change: Callable[[list[Cell]], Sequence[Cell] | None], notebook: Notebook = GOOD) -> Notebook:
    """The notebook after a change of its list of cells."""
    cells = list(notebook.cells)
    changed = change(cells)
    return replace(notebook, cells=tuple(cells if changed is None else changed))


def with_source(name: str, source: str, notebook: Notebook = GOOD) -> Notebook:
    return edited(lambda cells: [replace(cell, source=source) if cell.id == name else cell for cell in cells], notebook)


def place(cells: Sequence[Cell], name: str) -> int:
    return next(at for at, cell in enumerate(cells) if cell.id == name)


def after(name: str, source: str, notebook: Notebook = GOOD) -> Notebook:
    """The notebook with a cell of the student's own below the one named."""
    return edited(lambda cells: cells.insert(place(cells, name) + 1, Cell("mine", source)), notebook)


def kinds(cleaned: Cleaned) -> set[str]:
    return {note.kind for note in cleaned.notes}


def answers(cleaned: Cleaned) -> dict[str, str]:
    return {cell.exercise: cell.source for cell in cleaned.cells if cell.exercise}


def restored(cleaned: Cleaned) -> bool:
    """Whether all else than the exercises is the lab as it was handed out."""
    others = [(cell.id, cell.source) for cell in cleaned.cells if not cell.own]
    return others == [(cell.id, cell.source) for cell in LAB.cells if not cell.exercise]


@pytest.mark.parametrize("number", labs())
def test_a_worked_notebook_is_clean_and_an_unsolved_one_empty(number: str) -> None:
    lab = lab_of(number)
    cleaned = clean(worked(number), lab)
    assert not cleaned.notes and not cleaned.missing
    assert [cell.id for cell in cleaned.cells] == [cell.id for cell in lab.cells]
    unsolved = clean(read_notebook(find_lab(number).unsolved.read_bytes()), lab)
    assert unsolved.missing == {exercise.number: NOT_TRIED for exercise in lab.exercises}
    assert not unsolved.notes and not answers(unsolved)


GOOD_ANSWERS = answers(clean(GOOD, LAB))


@pytest.mark.parametrize(
    "body",
    [
        "pass",
        "...",
        '"""Only words."""',
        '"""Words."""\n    pass',
        "raise NotImplementedError",
        "raise NotImplementedError()  # later",
    ],
)
def test_a_function_that_does_nothing_is_missing(body: str) -> None:
    source = f"def neuron(x, w0, w):\n    {body}"
    assert is_stub(source, LAB.exercise("2.1"))
    assert clean(with_source("exercise-2-1", source), LAB).missing == {"2.1": NOT_TRIED}
    assert not is_stub(f"{source}\n\ndef neuron(x, w0, w):\n    return 0", LAB.exercise("2.1"))
    assert not is_stub("def neuron(x, w0, w):\n    return None", LAB.exercise("2.1"))


def test_a_deleted_exercise_is_missing_and_said_so() -> None:
    def cut(cells: list[Cell]) -> list[Cell]:
        return [cell for cell in cells if cell.id != "exercise-2-3"]

    cleaned = clean(edited(cut), LAB)
    assert list(cleaned.missing) == ["2.3"] and "perceptron_update" in cleaned.missing["2.3"]
    assert kinds(cleaned) == {"deleted cell"} and restored(cleaned)
    other = clean(with_source("exercise-2-3", "print('no function here')"), LAB)
    assert "does not define perceptron_update" in other.missing["2.3"]


def test_changes_outside_exercises_are_noted_and_have_no_effect() -> None:
    helper, setup = "b8bf63eb4d7c", "3aa088c54cfe"
    hacked = with_source(helper, "def with_bias(inputs):\n    return 42", with_source(setup, "import numpy as np"))
    cleaned = clean(hacked, LAB)
    assert kinds(cleaned) == {"changed cell"} and "2 cells" in cleaned.notes[0].text
    assert restored(cleaned) and answers(cleaned) == GOOD_ANSWERS
    assert not any("42" in cell.source for cell in cleaned.cells)

    def rearrange(cells: list[Cell]) -> None:
        cells.append(cells.pop(place(cells, "5487d42dd719")))
        cells.append(cells[place(cells, "e31fb88e8b3a")])
        del cells[place(cells, "aa7b4cce4307")]

    cleaned = clean(edited(rearrange), LAB)
    assert restored(cleaned) and answers(cleaned) == GOOD_ANSWERS
    assert kinds(cleaned) == {"moved cell", "deleted cell", "duplicated cell"}
    assert all("one cell" in note.text for note in cleaned.notes)


def test_a_check_that_was_tampered_with_disappears() -> None:
    forged = "neuron = lambda *a: 7\ncheck = lambda n, f: f\nneuron = check('2.1', neuron)"
    cleaned = clean(with_source("check-2-1", forged), LAB)
    assert restored(cleaned) and answers(cleaned) == GOOD_ANSWERS


def test_the_last_answer_of_a_repeated_exercise_counts() -> None:
    first, second = "def neuron(x, w0, w):\n    return 1", "def neuron(x, w0, w):\n    return 2"
    stub = LAB.exercise("2.1").stub

    def repeat(*sources: str) -> Cleaned:
        def change(cells: list[Cell]) -> None:
            at = place(cells, "exercise-2-1")
            cells[at : at + 1] = [replace(cells[at], source=source) for source in sources]

        return clean(edited(change), LAB)

    assert answers(repeat(first, second))["2.1"] == second
    assert answers(repeat(first, second, stub))["2.1"] == second
    assert answers(repeat("def neuron(x:", first))["2.1"] == first
    assert answers(repeat(first, "def neuron(x:"))["2.1"] == first
    assert kinds(repeat(first, second)) == {"duplicated cell"}
    assert "2.1" in repeat(stub, stub).missing
    # A copy with a new id keeps the exercise's number in its metadata.
    copied = edited(lambda cells: cells.append(Cell("new", second, exercise="2.1")))
    assert answers(clean(copied, LAB))["2.1"] == second


def test_an_answer_in_another_cell_is_found() -> None:
    stubbed = with_source("exercise-2-1", LAB.exercise("2.1").stub)
    mine = "def neuron(x, w0, w):\n    return sigmoid(w0 + x @ w)"
    cleaned = clean(after("exercise-2-1", mine, stubbed), LAB)
    assert answers(cleaned)["2.1"] == mine and kinds(cleaned) == {"added cell"}
    assert sum(mine == cell.source for cell in cleaned.cells) == 1
    # Also in the cell of the check, and as a lambda.
    cleaned = clean(
        with_source("check-2-1", "neuron = lambda x, w0, w: 1\nneuron = check('2.1', neuron)", stubbed), LAB
    )
    assert answers(cleaned)["2.1"] == "neuron = lambda x, w0, w: 1"


def test_exercises_whose_ids_were_swapped_are_told_apart_by_their_functions() -> None:
    names = {"exercise-2-1": "exercise-2-2", "exercise-2-2": "exercise-2-1"}
    swapped = edited(lambda cells: [replace(cell, id=names.get(cell.id, cell.id), exercise="") for cell in cells])
    assert answers(clean(swapped, LAB)) == GOOD_ANSWERS


def test_a_notebook_without_ids_is_matched_by_what_its_cells_say() -> None:
    bare = edited(lambda cells: [replace(cell, id="", exercise="") for cell in cells])
    cleaned = clean(bare, LAB)
    assert answers(cleaned) == GOOD_ANSWERS and not cleaned.missing and restored(cleaned)


def test_markers_of_nbval_and_for_skipping_are_removed_and_noted() -> None:
    answer = GOOD_ANSWERS["2.4"]

    def mark(cells: list[Cell]) -> list[Cell]:
        tags = ("raises-exception", "nbval-skip", "mine")
        comment = f"# NBVAL_SKIP\n{answer}\n# NBVAL_RAISES_EXCEPTION, please"
        cells = [replace(cell, tags=tags) for cell in cells]
        return [replace(cell, source=comment) if cell.id == "exercise-2-4" else cell for cell in cells]

    cleaned = clean(edited(mark), LAB)
    assert kinds(cleaned) == {"removed marker"} and len(cleaned.notes) == 1
    assert "NBVAL" not in "".join(answers(cleaned).values()) and answer in answers(cleaned)["2.4"]
    # The lab's own tags are no reason for a note.
    assert not clean(GOOD, LAB).notes


def test_additions_to_a_cell_of_the_course_are_kept_but_do_not_redefine_it() -> None:
    setup = "3aa088c54cfe"
    given_source = LAB.by_id[setup].source
    written = f"{given_source}\nimport math\nfrom dlcourse.foundations import relu as sigmoid\nprint('hello')"
    cleaned = clean(with_source(setup, written), LAB)
    own = [cell for cell in cleaned.cells if cell.own and cell.exercise is None]
    assert [(cell.id, cell.source) for cell in own] == [(f"after {setup}", "import math")]
    assert restored(cleaned)


def test_a_syntax_error_hurts_its_own_exercise_only() -> None:
    broken = "def softmax(z):\n    return (z"
    cleaned = clean(with_source("exercise-2-12", broken), LAB)
    assert answers(cleaned) == GOOD_ANSWERS | {"2.12": broken} and not cleaned.missing


def test_a_cell_turned_into_text_counts_as_changed() -> None:
    def to_text(cells: list[Cell]) -> list[Cell]:
        return [
            replace(cell, is_code=False, source="") if cell.id in ("exercise-2-1", "setup") else cell for cell in cells
        ]

    cleaned = clean(edited(to_text), LAB)
    assert list(cleaned.missing) == ["2.1"] and kinds(cleaned) == {"changed cell"} and restored(cleaned)


def test_notes_stay_few_and_printable() -> None:
    crowd = edited(
        lambda cells: cells.extend(Cell(f"\x1b[2J{n}\u202e", f"x{n} = 1", tags=("skip",)) for n in range(1500))
    )
    cleaned = clean(crowd, LAB)
    assert len(cleaned.notes) <= 4
    assert all(note.text.isprintable() and len(note.text) < 300 for note in cleaned.notes)


def test_a_lab_is_only_what_the_course_wrote(tmp_path: pytest.TempPathFactory) -> None:
    path = tmp_path / "x.ipynb"
    path.write_text('{"nbformat": 4, "metadata": {}, "cells": []}')
    with pytest.raises(NotALabError, match="name no lab"):
        TrustedLab.read(path)
    cell = (
        '{"cell_type": "code", "id": "a", "metadata": {"dlcourse": {"exercise": "2.1"}}, "source": ["def f(): pass"]}'
    )
    path.write_text(f'{{"nbformat": 4, "metadata": {{"dlcourse": {{"number": "02"}}}}, "cells": [{cell}]}}')
    with pytest.raises(NotALabError, match=r"2\.1"):
        TrustedLab.read(path)


ODD = (
    *("%%bash\nls", "%time neuron(1)", "!ls", "neuron?", "x = !ls", "def f(:", "\f", "\0", "\ud800", "# \u2028"),
    *("class A:\n  x = [y for y in A]", "match x:\n  case [a, *b]: pass", "from numpy import *", "del np", "global np"),
    *("((((" * 200, "-" * 3000 + "1", "x" + ".a" * 3000, "async def neuron(): await x", "await neuron()"),
)
SOURCES = st.one_of(
    st.text(max_size=60), st.sampled_from(ODD), st.sampled_from([cell.source for cell in GOOD.cells if cell.is_code])
)
NAMES = st.one_of(
    st.text(max_size=8), st.sampled_from([cell.id for cell in GOOD.cells] + ["exercise-2-1", "check-2-1"])
)


@settings(max_examples=50)
@given(data=st.data())
def test_no_mutation_of_a_good_notebook_raises(data: st.DataObject) -> None:
    cells = [cell for cell in GOOD.cells if cell.is_code]
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, max(0, len(cells) - 1)))
        what = data.draw(
            st.sampled_from(["shuffle", "delete", "truncate", "text", "swap", "add", "copy", "id", "number"])
        )
        if not cells or what == "add":
            cells.insert(at, Cell(data.draw(NAMES), data.draw(SOURCES)))
        elif what == "shuffle":
            data.draw(st.randoms(use_true_random=False)).shuffle(cells)
        elif what == "delete":
            del cells[at : at + data.draw(st.integers(1, 30))]
        elif what == "truncate":
            cells[at] = replace(cells[at], source=cells[at].source[: data.draw(st.integers(0, 80))])
        elif what == "text":
            cells[at] = replace(cells[at], source=data.draw(SOURCES))
        elif what == "swap":
            other = data.draw(st.integers(0, len(cells) - 1))
            one, two = cells[at].id, cells[other].id
            cells[at], cells[other] = replace(cells[at], id=two), replace(cells[other], id=one)
        elif what == "copy":
            cells.append(cells[at])
        elif what == "id":
            cells[at] = replace(cells[at], id=data.draw(NAMES))
        else:
            cells[at] = replace(cells[at], exercise=data.draw(st.sampled_from(["2.1", "2.99", "x", ""])))
    notebook = Notebook(tuple(cells))
    cleaned = clean(notebook, LAB)
    assert restored(cleaned)
    assert set(answers(cleaned)) | set(cleaned.missing) == set(LAB.by_number)
    assert not set(answers(cleaned)) & set(cleaned.missing)
    assert all(note.text.replace("\u200c", "").replace("\u200d", "").isprintable() for note in cleaned.notes)
    try:
        made = programme(cleaned, LAB)
    except TangledError:
        made = Programme(())
    assert [step.exercise for step in made.steps if step.exercise] == (list(answers(cleaned)) if made.steps else [])
    trusted = {cell.source for cell in LAB.cells}
    assert all(any(step.source in source for source in trusted) for step in made.steps if not step.own)
