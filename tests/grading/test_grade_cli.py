"""`dlcourse grade` and `dlcourse check`: what they write, what they keep, how they end."""

import csv
import dataclasses
import json
import os
import re

import pytest
from typer.testing import CliRunner

from dlcourse.catalog import find_lab
from dlcourse.cli import app
from dlcourse.grading.grade import Plan, grade_batch
from dlcourse.grading.reading.handins import find_handins
from dlcourse.grading.reading.lab_cells import TrustedLab
from dlcourse.grading.results import ExerciseResult, HandInResult, InputClass, Note, Status
from dlcourse.grading.sandboxes import choice
from dlcourse.grading.sandboxes.choice import choose_isolation
from dlcourse.grading.sandboxes.isolation import NoIsolationError
from dlcourse.grading.sandboxes.limits import Limits
from dlcourse.grading.state import BatchState, result_from_json

NAME = "02_multilayer_perceptron.ipynb"


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


def notebook_with(right):
    """The worked lab in which only the first exercises are right."""
    document = json.loads(find_lab("02").worked.read_text(encoding="utf-8"))
    for cell in document["cells"]:
        match = re.fullmatch(r"exercise-2-(\d+)", cell["id"])
        if match and int(match[1]) > right:
            name = re.search(r"def (\w+)", "".join(cell["source"]))[1]
            cell["source"] = f"def {name}(*inputs, h=0):\n    return 'nothing'"
    return json.dumps(document)


@pytest.fixture(scope="module")
def isolation_option():
    try:
        choose_isolation()
        return []
    except NoIsolationError:
        return ["--unsafe"]


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    folder = tmp_path_factory.mktemp("submissions")
    for student, right in {"anna": 13, "berta": 5, "carla": 0}.items():
        (folder / student).mkdir()
        (folder / student / NAME).write_text(notebook_with(right))
    (folder / "dora").mkdir()
    (folder / "dora" / NAME).write_text("no notebook")
    return folder


@pytest.fixture(scope="module")
def graded(batch, tmp_path_factory, isolation_option):
    out = tmp_path_factory.mktemp("report") / "report"
    return out, run("grade", batch, "--lab", "02", "--out", out, "--jobs", 2, *isolation_option)


def points(out):
    with open(out / "grades.csv", encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row["points"] for row in csv.DictReader(file)}


def test_each_student_gets_their_own_points_and_one_that_cannot_be_graded_makes_it_1(graded):
    out, result = graded
    assert result.exit_code == 1, result.output
    assert points(out) | {"dora": ""} == {"anna": "13", "berta": "5", "carla": "0", "dora": ""}
    assert "3 of 4 hand-ins graded, isolation: " in result.stdout
    assert "dora" in result.stdout and "not JSON" in result.stdout
    assert {"report.html", "results.json", "grades.csv", "feedback"} <= {path.name for path in out.iterdir()}


def test_the_bar_is_no_part_of_what_is_printed(graded):
    _, result = graded
    assert "━" not in "".join(line for line in result.stdout.splitlines() if "hand-ins 0:" in line)
    assert "left" in result.stderr


def test_a_second_run_judges_only_what_has_changed(graded, batch, tmp_path, isolation_option):
    out, _ = graded
    before = {path.name: path.stat().st_mtime_ns for path in (out / ".state").iterdir()}
    again = run("grade", batch, "--lab", "02", "--out", out, *isolation_option)
    assert "4 of 4 hand-ins had been graded before" in again.stdout
    assert {path.name: path.stat().st_mtime_ns for path in (out / ".state").iterdir()} == before
    (batch / "carla" / NAME).write_text(notebook_with(1))
    third = run("grade", batch, "--lab", "02", "--out", out, *isolation_option)
    assert "3 of 4 hand-ins had been graded before" in third.stdout
    assert points(out)["carla"] == "1"
    changed = [path.name for path in (out / ".state").iterdir() if before.get(path.name) != path.stat().st_mtime_ns]
    assert len(changed) == 1


class Bomb:
    """Ends the grader's own process as soon as it unpacks the hand-in."""

    def __reduce__(self):
        return os._exit, (7,)


def test_a_hand_in_that_ends_the_graders_process_stops_nobody_else(batch, tmp_path, isolation_option):
    handins = find_handins(batch, TrustedLab.read(find_lab("02").unsolved))[:2]
    bomb = dataclasses.replace(handins[0], key="eve", student="Eve", notebook=Bomb())
    seen = []
    plan = Plan(find_lab("02").unsolved, choose_isolation(unsafe=bool(isolation_option)), jobs=2)
    results = grade_batch([handins[0], bomb, handins[1]], plan, tmp_path, lambda one, kept: seen.append(one.student))
    assert [(one.student, one.points, bool(one.error)) for one in results] == [
        ("anna", 13.0, False),
        ("Eve", 0, True),
        ("berta", 5.0, False),
    ]
    assert "the grader's own process ended" in results[1].error
    assert sorted(seen) == ["Eve", "anna", "berta"]
    # It was not the hand-in's own verdict, so it is tried again.
    assert len(list((tmp_path / ".state").glob("*.json"))) == 2


def test_without_isolation_nothing_is_started(batch, tmp_path, monkeypatch):
    monkeypatch.setattr(choice, "_find", lambda kind, image: (None, f"{kind}: not here"))
    result = run("grade", batch, "--lab", "02", "--out", tmp_path / "report")
    assert result.exit_code == 2
    assert "bubblewrap: not here" in result.stderr and "--unsafe" in result.stderr
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{batch}", "--lab", "99"], "there is no lab '99'"),
        (["{batch}/nowhere", "--lab", "02"], "nowhere"),
        (["{batch}", "--lab", "02", "--sandbox", "cellar"], "cellar"),
        (["{batch}", "--lab", "02", "--jobs", "0"], "jobs"),
        (["{batch}", "--lab", "02", "--partial-credit", "2"], "partial-credit"),
    ],
)
def test_what_cannot_start_ends_with_2(arguments, message, batch, tmp_path):
    result = run("grade", *(one.format(batch=batch) for one in arguments), "--out", tmp_path / "report")
    assert result.exit_code == 2
    assert message in result.stderr


def test_check_says_that_all_public_checks_passed():
    result = run("check", find_lab("02").worked)
    assert result.exit_code == 0, result.output
    assert result.stdout.count("✓") == 13
    assert result.stdout.splitlines()[-1] == "all public checks passed"


def test_check_lists_what_is_not_yet_right_with_the_message_of_the_notebooks_own_check(tmp_path):
    path = tmp_path / "mine.ipynb"
    path.write_text(notebook_with(11))
    result = run("check", path)
    assert result.exit_code == 1
    assert "2.12 wrong: Softmax" in result.stdout
    assert "it returned 'nothing', expected an array of shape" in result.stdout
    assert result.stdout.splitlines()[-1] == "11 of 13 public checks passed; not yet: 2.12, 2.13"


def test_check_of_something_else_ends_with_2(tmp_path):
    path = tmp_path / "mine.ipynb"
    path.write_text("no notebook")
    assert run("check", path).exit_code == 2
    assert run("check", tmp_path / "nowhere.ipynb").exit_code == 2


RESULT = HandInResult(
    "Ünal \ud800",
    "a/b.ipynb",
    "02",
    (ExerciseResult("2.1", "A neuron", Status.PARTIAL, "a\nb", (InputClass("zeros", 1, 2),), 0.25),),
    (Note("suspicious", "x"),),
    ("a/b.ipynb",),
    "bubblewrap",
    1.5,
    "",
    "ab",
)


def test_a_result_comes_back_from_its_file_as_it_was():
    assert result_from_json(json.loads(json.dumps(dataclasses.asdict(RESULT)))) == RESULT


def test_a_kept_result_counts_for_the_same_hand_in_under_the_same_circumstances_alone(batch, tmp_path):
    handin = find_handins(batch, TrustedLab.read(find_lab("02").unsolved))[0]
    BatchState(tmp_path, {"lab": "x"}).save(handin, RESULT)
    assert BatchState(tmp_path, {"lab": "x"}).load(handin) == RESULT
    assert BatchState(tmp_path, {"lab": "y"}).load(handin) is None
    for change in ({"digest": "other"}, {"student": "Zoe"}, {"source": "c.ipynb"}, {"attempts": ()}):
        assert BatchState(tmp_path, {"lab": "x"}).load(dataclasses.replace(handin, **change)) is None
    file = next(tmp_path.glob("*.json"))
    file.write_text(file.read_text()[:-20])
    assert BatchState(tmp_path, {"lab": "x"}).load(handin) is None
    (tmp_path / "key").unlink()
    assert BatchState(tmp_path, {"lab": "x"}).load(handin) is None


def test_the_secret_is_kept_and_nobody_else_reads_it(tmp_path):
    first = BatchState(tmp_path / "state", {})
    assert BatchState(tmp_path / "state", {}).key == first.key
    assert len(first.key) == 16
    assert (tmp_path / "state" / "key").stat().st_mode & 0o077 == 0
    assert BatchState(tmp_path / "other", {}).key != first.key


def test_memory_bounds_how_many_run_at_a_time(monkeypatch):
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("Memory", (), {"available": 8 * 2**30})())
    path, isolation = find_lab("02").unsolved, choose_isolation(unsafe=True)
    workers = {
        memory: Plan(path, isolation, limits=Limits(memory=memory * 2**30), jobs=16).workers(100)
        for memory in (1, 3, 30)
    }
    assert workers == {1: 4, 3: 1, 30: 1}
    assert Plan(path, isolation, limits=Limits(memory=2**29), jobs=16).workers(3) == 3
