"""Random mutations of a good hand-in: the grader never falls over, and no wrong answer ever gets full marks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dlcourse.catalog import find_lab
from dlcourse.checks.catalog import exercises
from dlcourse.checks.comparison import difference
from dlcourse.checks.exercise import Case
from dlcourse.checks.judging import call_fresh, draw_cases
from dlcourse.checks.values import snapshot
from dlcourse.foundations import sigmoid
from dlcourse.foundations.mlp_steps import with_bias
from dlcourse.grading.conversation import reference_value
from dlcourse.grading.grade import open_boxes
from dlcourse.grading.library import build_library
from dlcourse.grading.reading.cleaning import clean
from dlcourse.grading.reading.handins import HandIn
from dlcourse.grading.reading.lab_cells import TrustedLab
from dlcourse.grading.reading.notebook_file import UnreadableNotebookError, read_notebook
from dlcourse.grading.reading.programme import TangledError, programme
from dlcourse.grading.results import HandInResult, Status
from dlcourse.grading.sandboxes.limits import Limits
from dlcourse.grading.verdicts import Judging, judge_handin

LAB = TrustedLab.read(find_lab("02").unsolved)
WORKED = json.loads(find_lab("02").worked.read_text(encoding="utf-8"))
EXERCISES = {exercise.number: exercise for exercise in exercises("02")}
RIGHT = {
    cell["metadata"]["dlcourse"]["exercise"]: "".join(cell["source"])
    for cell in WORKED["cells"]
    if "exercise" in cell["metadata"].get("dlcourse", {})
}
NOISE = st.text(st.characters(codec="utf-8"), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NOISE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NOISE, inner, max_size=3),
    max_leaves=5,
)
OPERATORS = re.compile(r" [-+*/@>] |\b\d+(?:\.\d+)?\b|\.T\b|axis=\d|return |\[[^\[\]]*\]")
REPLACEMENTS = (" - ", " + ", " * ", "0", "1", "2", "", "axis=0", "return -", "return 2 * ", "return None and ", "[:1]")


def edited(draw: Any, source: str) -> str:
    """The function's source with a piece of its body replaced, cut off, or mixed with noise."""
    start = source.index('"""\n') + 4
    how = draw(st.sampled_from(["operator", "operator", "operator", "truncate", "delete", "noise"]))
    if how == "operator":
        found = draw(st.sampled_from(list(OPERATORS.finditer(source, start))))
        return source[: found.start()] + draw(st.sampled_from(REPLACEMENTS)) + source[found.end() :]
    at = draw(st.integers(start, len(source) - 1))
    if how == "truncate":
        return source[:at]
    return source[:at] + (draw(NOISE) if how == "noise" else "") + source[at + draw(st.integers(1, 12)) :]


def is_wrong(number: str, source: str) -> bool:
    """Whether the answer fails on a public case or on half of fresh ones: found by running it beside the references."""
    exercise = EXERCISES[number]
    names = {one.reference.__name__: one.reference for one in EXERCISES.values()}
    names |= {"np": np, "sigmoid": sigmoid, "with_bias": with_bias}
    function = exercise.reference.__name__
    del names[function]
    try:
        exec(source, names)
    except Exception:
        return True

    def fails(case: Case) -> bool:
        try:
            with np.errstate(all="ignore"):
                got = snapshot(call_fresh(names[function], case))
        except Exception:
            return True
        return difference(reference_value(exercise, case), got, exercise.rtol, exercise.atol) is not None

    fresh = list(exercise.cases(np.random.default_rng(1234)))
    return any(map(fails, draw_cases(exercise))) or 2 * sum(map(fails, fresh)) >= len(fresh)


@st.composite
def mutations(draw: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """A mutated notebook, and `{exercise: its new source, "" where the cell is gone}`."""
    document = deepcopy(WORKED)
    cells = document["cells"]
    changed = {}
    for number in draw(st.lists(st.sampled_from(sorted(RIGHT)), max_size=6, unique=True)):
        name = f"exercise-{number.replace('.', '-')}"
        cell = next(cell for cell in cells if cell.get("id") == name)
        if draw(st.integers(0, 5)) == 0:
            cells.remove(cell)
            changed[number] = ""
        else:
            changed[number] = cell["source"] = edited(draw, RIGHT[number])
    for what in draw(st.lists(st.sampled_from(["shuffle", "delete", "copy", "text", "markdown", "tags"]), max_size=4)):
        others = [cell for cell in cells if not cell["id"].startswith("exercise-")]
        cell = draw(st.sampled_from(others))
        if what == "shuffle":
            draw(st.randoms(use_true_random=False)).shuffle(cells)
        elif what == "delete":
            cells.remove(cell)
        elif what == "copy":
            cells.append(deepcopy(cell))
        elif what == "markdown":
            cells.append({"cell_type": "markdown", "id": "mine", "metadata": {}, "source": draw(NOISE)})
        elif what == "text":
            cell["source"] = draw(NOISE)
        else:
            cell["metadata"]["tags"] = ["raises-exception", "nbval-skip", draw(NOISE)]
    return document, changed


@pytest.fixture(scope="module")
def judge(isolation: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("library")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    boxes = open_boxes(isolation, Limits(), build_library("02", folder))

    def judge(document: dict[str, Any]) -> HandInResult:
        handin = HandIn("eve", "Eve", "eve.ipynb", read_notebook(json.dumps(document).encode()))
        return judge_handin(handin, LAB, boxes, b"mutations" * 3, Judging(draws=1))

    return judge


@settings(max_examples=20, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # each takes a second
@given(mutation=mutations())
def test_no_wrong_answer_gets_full_marks_and_what_is_right_keeps_them(
    judge: Callable[[dict[str, Any]], HandInResult], mutation: tuple[dict[str, Any], dict[str, str]]
) -> None:
    document, changed = mutation
    result = judge(document)
    assert result.error == ""
    for one in result.exercises:
        if one.number not in changed:
            assert one.status is Status.FULL, (one.number, one.message)
        elif not changed[one.number]:
            assert one.status is Status.MISSING
        elif is_wrong(one.number, changed[one.number]):
            assert one.status is not Status.FULL
            assert one.points <= 0.5


def test_the_oracle_knows_right_from_wrong() -> None:
    assert not any(is_wrong(number, source) for number, source in RIGHT.items())
    assert all(is_wrong(number, source.replace("return ", "return 2 * ")) for number, source in RIGHT.items())


def parts(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a JSON value, as its container and the key there."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in ((value, key), *parts(value[key]))]


@settings(max_examples=200)
@given(data=st.data())
def test_no_damage_to_the_notebook_makes_reading_or_cutting_fall_over(data: st.DataObject) -> None:
    document, _ = data.draw(mutations())
    for _ in range(data.draw(st.integers(0, 4))):
        container, key = data.draw(st.sampled_from(parts(document)))
        container[key] = data.draw(JSON)
    text = json.dumps(document).encode()
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(text) - 1))
        text = text[:at] + data.draw(st.binary(max_size=4)) + text[at + data.draw(st.integers(0, 3)) :]
    try:
        made = programme(clean(read_notebook(text), LAB), LAB)
    except (UnreadableNotebookError, TangledError) as error:
        assert 0 < len(str(error)) < 500
    else:
        assert {step.exercise for step in made.steps} - {None} <= set(EXERCISES)
