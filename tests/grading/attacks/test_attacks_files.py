"""Attacks in the file: archives, sizes, broken notebooks, markers, names that act in a report.

All are graded together by the command that a grader types, with a good hand-in beside them.
docs/threat_model.md is the same list as a page.
"""

from __future__ import annotations

import csv
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dlcourse.catalog import find_lab
from dlcourse.cli import app

NAME = "02_multilayer_perceptron.ipynb"
ATTACKS: dict[str, Callable[[Path], None]] = {}
MIB = 2**20


def attack(make: Callable[[Path], None]) -> Callable[[Path], None]:
    """Registers what writes a hostile hand-in into the folder that it is given."""
    ATTACKS[make.__name__] = make
    return make


def worked() -> dict[str, Any]:
    return json.loads(find_lab("02").worked.read_text(encoding="utf-8"))


def changed(change: Callable[[dict[str, Any]], None]) -> str:
    document = worked()
    change(document)
    return json.dumps(document)


def bad_cell(document: dict[str, Any], source: str) -> None:
    next(cell for cell in document["cells"] if cell["id"] == "exercise-2-4")["source"] = source


def zipped(path: Path, members: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@attack
def zip_slip(folder: Path) -> None:
    good = find_lab("02").worked.read_bytes()
    zipped(folder / "work.zip", {"../../../escaped.ipynb": good, "/tmp/escaped.ipynb": good})


@attack
def zip_bomb(folder: Path) -> None:
    zipped(folder / "work.zip", {NAME: bytes(24 * MIB)})


@attack
def zip_in_zip_bomb(folder: Path) -> None:
    inner = find_lab("02").worked.read_bytes()
    for _ in range(30):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.zip", inner)
        inner = packed.getvalue()
    (folder / "work.zip").write_bytes(inner)


@attack
def a_hundred_thousand_cells(folder: Path) -> None:
    cell = {"cell_type": "code", "source": "", "metadata": {}}
    (folder / NAME).write_text(changed(lambda document: document["cells"].extend([cell] * 100_000)))


@attack
def a_notebook_of_1_gb(folder: Path) -> None:
    with open(folder / NAME, "wb") as file:
        file.write(b'{"cells": [')
        file.truncate(2**30)  # a hole in the file: takes no disk


@attack
def malformed_json(folder: Path) -> None:
    (folder / NAME).write_text(json.dumps(worked())[:-2000])


@attack
def json_nested_too_deeply(folder: Path) -> None:
    (folder / NAME).write_text('{"cells":' + "[" * 200_000)


@attack
def wrong_nbformat(folder: Path) -> None:
    (folder / NAME).write_text(changed(lambda document: document.update(nbformat=5)))


@attack
def not_utf_8(folder: Path) -> None:
    (folder / NAME).write_text(json.dumps(worked(), ensure_ascii=False), encoding="utf-16")


@attack
def nul_bytes(folder: Path) -> None:
    (folder / NAME).write_bytes(bytes(100_000))


@attack
def symlink_to_a_file_of_the_grader(folder: Path) -> None:
    (folder / NAME).symlink_to("/etc/shadow")


@attack
def symlink_to_another_hand_in(folder: Path) -> None:
    (folder / NAME).symlink_to(folder.parent / "anna" / NAME)


@attack
def hard_link_to_a_file_of_the_grader(folder: Path) -> None:
    secret = folder.parent.parent / "secret.txt"
    secret.write_text("canary-in-a-file")
    os.link(secret, folder / NAME)


@attack
def nul_in_the_code(folder: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        bad_cell(document, "def sigmoid_slope(a):\n    return a * (1 - a)\0")

    (folder / NAME).write_text(changed(change))


@attack
def code_that_hangs_pythons_parser(folder: Path) -> None:
    (folder / NAME).write_text(changed(lambda document: bad_cell(document, "x = " + "(" * 5000 + ")" * 5000)))


@attack
def changed_kernelspec(folder: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        document["metadata"]["kernelspec"] = {"name": "bash", "display_name": "; touch /tmp/owned", "language": "sh"}

    (folder / NAME).write_text(changed(change))


@attack
def markers_that_excuse_every_cell(folder: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        bad_cell(document, "# NBVAL_SKIP\ndef sigmoid_slope(a):\n    return a")
        for cell in document["cells"]:
            cell["metadata"]["tags"] = ["raises-exception", "nbval-skip", "nbval-ignore-output", "skip-execution"]

    (folder / NAME).write_text(changed(change))


@attack
def checks_replaced_by_success(folder: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        bad_cell(document, "def sigmoid_slope(a):\n    return a")
        for cell in document["cells"]:
            if cell["id"].startswith("check-"):
                cell["source"] = "print('right')"
                cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "right"}]

    (folder / NAME).write_text(changed(change))


@attack
def html_in_a_message(folder: Path) -> None:
    source = "def sigmoid_slope(a):\n    raise RuntimeError('</p><script>alert(1)</script><img src=x onerror=a()>')"
    (folder / NAME).write_text(changed(lambda document: bad_cell(document, source)))


ODD_NAMES = {
    "html": "<script>alert(1)<／script>",
    "formula": "=cmd|' ／C calc'!A0",
    "formula_by_tab": "\t=1+1",
    "formula_by_plus": "+1+1",
    "terminal": "\x1b[2Jeve",
    "right_to_left": "\u202eeve",
}


@pytest.fixture(scope="module")
def graded(isolation: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """`{student: result}` of all of them, as results.json has it."""
    folder = tmp_path_factory.mktemp("files")
    submissions = folder / "submissions"
    for student in ("anna", "zoe", *ODD_NAMES.values()):
        (submissions / student).mkdir(parents=True)
        (submissions / student / NAME).write_text(json.dumps(worked()))
    for student, make in ATTACKS.items():
        (submissions / student).mkdir()
        make(submissions / student)
    arguments = ["grade", submissions, "--lab", "02", "--out", folder / "report", "--jobs", 2, "--seconds", 40]
    ended = CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})
    assert ended.exit_code == 1, ended.output  # some could not be graded
    results = json.loads((folder / "report" / "results.json").read_text())
    return {"folder": folder, "said": ended.output, **{one["source"].split("/")[0]: one for one in results["hand_ins"]}}


def status(result: dict[str, Any]) -> str:
    assert result["error"] == ""
    by_number = {one["number"]: one for one in result["exercises"]}
    attacked = by_number.pop("2.4")
    assert {one["status"] for one in by_number.values()} == {"full"}
    return attacked["status"]


def test_good_hand_ins_beside_all_that_have_full_marks(graded: dict[str, Any]) -> None:
    for student in ("anna", "zoe"):
        assert status(graded[student]) == "full"
        assert graded[student]["notes"] == []


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        ("zip_slip", "its path leaves the zip"),
        ("zip_bomb", "a zip bomb?"),
        ("zip_in_zip_bomb", ""),
        ("a_hundred_thousand_cells", "cells"),
        ("a_notebook_of_1_gb", "larger than 25 MiB"),
        ("malformed_json", "not JSON"),
        ("json_nested_too_deeply", "nested too deeply"),
        ("wrong_nbformat", "format 5"),
        ("not_utf_8", "not UTF-8"),
        ("nul_bytes", "empty"),
        ("symlink_to_a_file_of_the_grader", "link"),
        ("symlink_to_another_hand_in", "link"),
        ("hard_link_to_a_file_of_the_grader", "not JSON"),
    ],
)
def test_is_an_error_of_that_hand_in_alone(graded: dict[str, Any], attack: str, said: str) -> None:
    result = graded[attack]
    assert result["exercises"] == []
    assert said in result["error"] or any(said in note["text"] for note in result["notes"])
    assert "canary" not in json.dumps(result)


@pytest.mark.parametrize(
    ("attack", "expected"),
    [
        ("nul_in_the_code", "crashed"),
        ("code_that_hangs_pythons_parser", "crashed"),
        ("changed_kernelspec", "full"),
        ("markers_that_excuse_every_cell", "wrong"),
        ("checks_replaced_by_success", "wrong"),
        ("html_in_a_message", "crashed"),
    ],
)
def test_does_not_change_a_verdict(graded: dict[str, Any], attack: str, expected: str) -> None:
    assert status(graded[attack]) == expected


def test_nothing_is_written_outside_the_report(graded: dict[str, Any]) -> None:
    assert {path.name for path in graded["folder"].iterdir()} == {"submissions", "report", "secret.txt"}
    assert not list(Path("/tmp").glob("escaped*")) and not Path("/tmp/owned").exists()


def test_html_injection_into_the_report(graded: dict[str, Any]) -> None:
    pages = [path.read_text() for path in (graded["folder"] / "report").rglob("*.html")]
    assert len(pages) > len(ATTACKS)
    assert not any("<script>alert" in page or "<img src=x" in page for page in pages)
    assert any("&lt;script&gt;alert(1)" in page for page in pages)


def test_formula_injection_into_the_grade_book(graded: dict[str, Any]) -> None:
    with open(graded["folder"] / "report" / "grades.csv", encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert any("cmd|" in cell for cell in cells)
    assert not [cell for cell in cells if cell.lstrip()[:1] in ("=", "+", "@", "-")]


def test_names_that_act_on_a_terminal(graded: dict[str, Any]) -> None:
    assert "\x1b[2J" not in graded["said"] and "\u202e" not in graded["said"]
