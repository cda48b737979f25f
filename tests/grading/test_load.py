"""`benchmarks/grading.py` on a few hand-ins of each kind: every verdict is the one that is known beforehand."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from dlcourse.checks.catalog import exercises
from dlcourse.grading.results import ExerciseResult, HandInResult, Status
from dlcourse.grading.sandboxes.choice import choose_isolation
from dlcourse.grading.sandboxes.isolation import NoIsolationError

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def hand_ins(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("grading_handins")


def test_every_verdict_of_a_small_batch_is_right(tmp_path: Path) -> None:
    try:
        choose_isolation()
    except NoIsolationError as error:
        pytest.skip(str(error))
    command = [sys.executable, BENCHMARKS / "grading.py", "--make", "16", "--grade", tmp_path / "load"]
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "16 hand-ins" in ended.stdout and "all right" in ended.stdout


def test_the_same_number_gives_the_same_hand_in(hand_ins: ModuleType, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        hand_ins.make(16, tmp_path / folder)
    files = [sorted((tmp_path / folder).rglob("*.*")) for folder in ("one", "two")]
    assert len(files[0]) == 17
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]


def test_a_verdict_that_is_not_as_known_is_a_fault(hand_ins: ModuleType, tmp_path: Path) -> None:
    wanted = hand_ins.make(1, tmp_path)
    student = next(iter(wanted))

    def result(status: Status = Status.FULL, points: float = 1.0) -> HandInResult:
        found = [ExerciseResult(one.number, one.title, Status.FULL, points=1.0) for one in exercises("02")]
        found[3] = replace(found[3], status=status, points=points)
        return HandInResult(student, "", "02", tuple(found))

    assert hand_ins.faults([result()], wanted) == []
    assert len(hand_ins.faults([result(status=Status.WRONG, points=0.0)], wanted)) == 1
    assert len(hand_ins.faults([result(points=0.5)], wanted)) == 1
    assert len(hand_ins.faults([], wanted)) == 1
