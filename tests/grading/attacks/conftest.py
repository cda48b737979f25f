"""A batch of hostile hand-ins, graded once for each file of attacks by the real pipeline in the real sandbox.

A test says with `@pytest.mark.attack` what its hand-in does: a worked lab 02 with the attack in one exercise. The
fixture `attacked` gives what that exercise came to, after looking at what must hold whatever the attack is.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import selectors
import socket
import textwrap
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from dlcourse.catalog import find_lab
from dlcourse.checks.catalog import exercises
from dlcourse.grading.grade import Plan, grade_batch
from dlcourse.grading.reading.handins import find_handins
from dlcourse.grading.reading.lab_cells import TrustedLab
from dlcourse.grading.reporting.reports import ReportMeta, write_reports
from dlcourse.grading.results import ExerciseResult, HandInResult, Status
from dlcourse.grading.sandboxes.choice import choose_isolation
from dlcourse.grading.sandboxes.isolation import NoIsolationError
from dlcourse.grading.sandboxes.limits import Limits
from dlcourse.grading.verdicts import Judging

LAB = "02"
NAME = "02_multilayer_perceptron.ipynb"
GOOD = ("anna", "zoe")  # the first and the last to be graded
MIB = 2**20
LIMITS = Limits(
    seconds=60,
    cpu_seconds=20,
    memory=512 * MIB,
    processes=32,
    open_files=128,
    file_size=16 * MIB,
    disk=16 * MIB,
    files=500,
    output=256 * 1024,
    reply=8 * MIB,
)
JUDGING = Judging(patience=0.15, step_seconds=3.0, seconds=40.0)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "attack(exercise='2.4', cell, call, source, change, earns=0): what a hostile hand-in does, in an exercise's "
        "cell before the right answer (cell), in the function's body before its right lines (call), or as the whole "
        "cell (source); `beside`, {number: source}, says what else it answers; and the points that it deserves.",
    )


@dataclass
class Canaries:
    """What no hand-in may read, reach, change or leave behind.

    Args:
        home: the grader's home, with a secret file.
        submissions: what is graded.
    """

    home: Path
    submissions: Path
    secret: str = field(default_factory=lambda: "canary" + secrets.token_hex(12))
    mark: str = field(default_factory=lambda: "mark" + secrets.token_hex(8))
    connections: int = 0

    def __post_init__(self) -> None:
        self.home.mkdir()
        (self.home / "secret.txt").write_text(self.secret)
        (self.submissions / GOOD[0] / "notes.txt").write_text(self.secret)
        self._wake, self._stop = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self.tcp, self.udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
        self.unix = socket.socket(socket.AF_UNIX)
        self.tcp.bind(("127.0.0.1", 0))
        self.udp.bind(("127.0.0.1", 0))
        self.unix.bind("\0" + self.mark)
        for one in (self.tcp, self.unix):
            one.listen()
        for one in (self.tcp, self.udp, self.unix, self._stop):
            self._selector.register(one, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()

    def fill(self, source: str) -> str:
        """Code in which the canaries' names and places stand."""
        names = {
            "@home": str(self.home),
            "@neighbour": str(self.submissions / GOOD[0] / NAME),
            "@submissions": str(self.submissions),
            "@mark": self.mark,
            "@tcp": str(self.tcp.getsockname()[1]),
            "@udp": str(self.udp.getsockname()[1]),
        }
        for name, value in names.items():
            source = source.replace(name, value)
        return source

    def close(self) -> None:
        self._wake.send(b"x")
        self._thread.join()
        for one in (self.tcp, self.udp, self.unix, self._wake, self._stop):
            one.close()

    def _count(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._stop:
                    return
                self.connections += 1
                if key.fileobj is self.udp:
                    self.udp.recv(4096)
                else:
                    key.fileobj.accept()[0].close()


@dataclass(frozen=True)
class Batch:
    """What came of a batch of hostile hand-ins with a good one before and one behind them."""

    results: dict[str, HandInResult]
    canaries: Canaries
    report: Path
    changed: list[str]
    left: list[str]

    def good(self) -> list[tuple[float, str]]:
        """Points and error of the hand-ins that attack nobody."""
        return [(self.results[student].points, self.results[student].error) for student in GOOD]


@dataclass(frozen=True)
class Attacked:
    """One hostile hand-in and the exercise that it attacks in."""

    hand_in: HandInResult
    exercise: ExerciseResult

    @property
    def status(self) -> Status:
        return self.exercise.status

    @property
    def message(self) -> str:
        return self.exercise.message

    @property
    def suspicious(self) -> list[str]:
        return [note.text for note in self.hand_in.notes if note.kind == "suspicious"]


def worked() -> dict[str, Any]:
    return json.loads(find_lab(LAB).worked.read_text(encoding="utf-8"))


def source_of(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def hostile(document: dict[str, Any], attack: dict[str, Any], canaries: Canaries) -> None:
    """Puts an attack into a worked notebook."""
    cells = {cell["id"].replace("exercise-", "").replace("-", "."): cell for cell in document["cells"]}
    for number, source in attack.get("beside", {}).items():
        cells[number]["source"] = source
    cell = cells[attack.get("exercise", "2.4")]
    right = source_of(cell)
    head, rest = re.fullmatch(r'(def .*\n    """.*"""\n)(.*)', right, re.DOTALL).groups()
    first, inside = (textwrap.dedent(attack.get(part, "")).strip("\n") for part in ("cell", "call"))
    source = f"{first}\n\n{head}{textwrap.indent(inside, '    ')}\n{rest}"
    cell["source"] = canaries.fill(textwrap.dedent(attack.get("source", source)))


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def isolation() -> Any:
    try:
        return choose_isolation(os.environ.get("DLCOURSE_TEST_SANDBOX"), image=os.environ.get("DLCOURSE_TEST_IMAGE"))
    except NoIsolationError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def batch(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, isolation: Any) -> Iterator[Batch]:
    """All attacks of the file, graded two at a time with small limits."""
    attacks = {
        item.name: item.get_closest_marker("attack").kwargs
        for item in request.session.items
        if item.path == request.path and item.get_closest_marker("attack")
    }
    folder = tmp_path_factory.mktemp("attacks")
    submissions = folder / "submissions"
    for student in (*GOOD, *attacks):
        (submissions / student).mkdir(parents=True)
    canaries = Canaries(folder / "home", submissions)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLCOURSE_CANARY", canaries.secret)
        patch.setenv("HOME", str(canaries.home))
        for student in (*GOOD, *attacks):
            document = worked()
            if student in attacks:
                hostile(document, attacks[student], canaries)
            (submissions / student / NAME).write_text(json.dumps(document))
        yield _graded(folder, submissions, canaries, isolation)
    canaries.close()


def _graded(folder: Path, submissions: Path, canaries: Canaries, isolation: Any) -> Batch:
    before = digests(submissions)
    plan = Plan(find_lab(LAB).unsolved, isolation, JUDGING, LIMITS, jobs=2)
    handins = find_handins(submissions, TrustedLab.read(find_lab(LAB).unsolved))
    results = grade_batch(handins, plan, folder / "report")
    meta = ReportMeta(
        lab=LAB,
        title="The multilayer perceptron",
        exercises=tuple((one.number, one.title) for one in exercises(LAB)),
        isolation=isolation.name,
        version="0",
        made=datetime.now(UTC),
    )
    write_reports(results, folder / "report", meta)
    after = digests(submissions)
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    by_student = {result.student: result for result in results}
    return Batch(by_student, canaries, folder / "report", changed, left_behind(canaries.mark))


def left_behind(mark: str) -> list[str]:
    """Command lines of processes that still run and carry the mark."""
    lines = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if mark in line and process.pid != os.getpid():
            lines.append(line)
    return lines


def others(result: HandInResult, attacked: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The exercises beside the attacked ones that are not judged as if the attack were not there."""
    return {
        one.number: (str(one.status), one.message)
        for one in result.exercises
        if one.number not in attacked and one.status is not Status.FULL
    }


@pytest.fixture
def attacked(request: pytest.FixtureRequest, batch: Batch) -> Attacked:
    """What the attacked exercise came to; all others, worked rightly, have full marks as if it were not there."""
    attack = request.node.get_closest_marker("attack").kwargs
    number = attack.get("exercise", "2.4")
    result = batch.results[request.node.name]
    assert result.error == ""
    assert [one.number for one in result.exercises] == [one.number for one in exercises(LAB)]
    assert others(result, [number, *attack.get("beside", {})]) == {}
    exercise = next(one for one in result.exercises if one.number == number)
    assert exercise.points == attack.get("earns", 0), (exercise.status, exercise.message)
    return Attacked(result, exercise)


def texts(folder: Path) -> Sequence[str]:
    """All that a report says."""
    return [path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.suffix in (".html", ".csv", ".json")]


@pytest.fixture
def reported(batch: Batch) -> Sequence[str]:
    return texts(batch.report)
