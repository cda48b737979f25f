"""docs/threat_model.md and the tests of attacks are the same list."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "threat_model.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### [^\n]*: `(tests/\S+)`\n(.*?)(?=^##)", PAGE, re.DOTALL | re.MULTILINE))


def named_in(section: str) -> set[str]:
    """The tests in the last column of the section's table."""
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| ")][1:]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row[3])}


def attacks_of(path: Path) -> set[str]:
    """Tests and registered hand-ins of a file; a test that only goes through such hand-ins is none of its own."""
    functions = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)]
    marks = {function.name: [ast.unparse(mark) for mark in function.decorator_list] for function in functions}
    hand_ins = {name for name in marks if marks[name] == ["attack"]}
    tests = {
        name.removeprefix("test_")
        for name in marks
        if name.startswith("test_") and not any(f"'{one}'" in mark for mark in marks[name] for one in hand_ins)
    }
    return hand_ins | tests


def test_every_file_of_attacks_has_its_section() -> None:
    files = (ROOT / "tests" / "grading" / "attacks").glob("test_attacks_*.py")
    assert set(SECTIONS) == {str(path.relative_to(ROOT)) for path in files}


@pytest.mark.parametrize("file", SECTIONS)
def test_the_page_and_the_tests_are_the_same_list(file: str) -> None:
    assert named_in(SECTIONS[file]) == attacks_of(ROOT / file)
