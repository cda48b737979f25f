"""One's own notebook: a plain process, also where Python has only what it has on Windows."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlcourse.catalog import find_lab
from dlcourse.grading.library import build_library
from dlcourse.grading.sandboxes.box import DeadlineError, ExchangeError, SandboxError, WorkerDiedError
from dlcourse.grading.sandboxes.own import OwnProcess

# What Python does not have on Windows and what the grader's side or the worker's might reach for.
TAKEN_AWAY = """
import os, runpy, select, signal, sys
if sys.argv[1] == "grader":
    import multiprocessing.connection, psutil, subprocess  # which have other means on Windows
for name in ("resource", "fcntl", "pwd", "grp", "termios"):
    sys.modules[name] = None
for module, names in {
    select: ("poll", "POLLIN", "POLLOUT"),
    signal: ("SIGALRM", "SIGXCPU", "setitimer", "ITIMER_REAL"),
    os: ("fork", "register_at_fork", "sysconf", "memfd_create", "getuid", "setresuid", "setgroups", "statvfs"),
}.items():
    for name in names:
        delattr(module, name)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_library("02", tmp_path_factory.mktemp("library"))


@pytest.fixture
def box(library: Path) -> Iterator[OwnProcess]:
    with OwnProcess(library) as box:
        yield box


def run(box: OwnProcess, source: str, seconds: float = 20.0) -> dict[str, Any]:
    return box.request({"kind": "run", "step": 0, "cell": "cell", "source": source}, seconds)


def test_a_cell_runs_and_a_function_answers(box: OwnProcess) -> None:
    assert run(box, "print('x' * 10**6)\ndef double(x):\n    return 2 * x")["error"] is None
    assert box.request({"kind": "call", "name": "double", "args": (21,)}, 20.0)["value"] == 42


def test_it_asks_for_the_courses_function(box: OwnProcess) -> None:
    box.request({"kind": "replace", "name": "forward", "exercise": "2.5"}, 20.0)
    call = {"kind": "call", "name": "forward", "args": (1,)}
    assert box.request(call, 20.0, lambda ask: {"value": ask["args"][0] + 6})["value"] == 7
    with pytest.raises(ExchangeError, match="may not be asked"):
        box.request(call, 20.0)


def test_an_endless_loop_has_a_deadline_and_leaves_nothing_behind(library: Path) -> None:
    with OwnProcess(library) as box:
        run(box, "import os\ndef where():\n    return os.getpid(), os.getcwd()")
        pid, home = box.request({"kind": "call", "name": "where", "args": ()}, 20.0)["value"]
        with pytest.raises(DeadlineError):
            run(box, "while True: pass", seconds=0.2)
    assert not Path(home).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(WorkerDiedError, match="closed"):
        run(box, "1")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import os\nos._exit(3)", "it ended its own process (exit code 3)"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "its process was ended by SIGKILL"),
    ],
)
def test_a_process_that_ends_says_how(box: OwnProcess, source: str, why: str) -> None:
    with pytest.raises(WorkerDiedError) as died:
        run(box, source)
    assert died.value.why == why


def test_a_worker_that_does_not_start_is_an_error(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(SandboxError, match="did not start"), OwnProcess(library):
        pass


def as_on_windows(*arguments: object, python: object = sys.executable) -> subprocess.CompletedProcess[str]:
    """Calls dlcourse in a Python from which it was taken away; `python` is what that starts others with."""
    own = f"""
        sys.executable = {str(python)!r}
        sys.argv = {["dlcourse", *map(str, arguments)]!r}
        from dlcourse.cli import app
        app()
    """
    command = [sys.executable, "-c", TAKEN_AWAY + textwrap.dedent(own), "grader"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_check_works_without_what_windows_lacks(tmp_path: Path) -> None:
    strip = tmp_path / "strip.py"
    strip.write_text(TAKEN_AWAY + "sys.argv[:] = sys.argv[5:]\nrunpy.run_path(sys.argv[0], run_name='__main__')")
    python = tmp_path / "python"
    worker = f'*worker.py) exec "{sys.executable}" -I -S "{strip}" worker "$@"'
    python.write_text(f'#!/bin/sh\ncase "$4" in {worker};; esac\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    ended = as_on_windows("check", find_lab("02").worked, python=python)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "all public checks passed"


@pytest.mark.parametrize("option", [[], ["--unsafe"]])
def test_grade_says_that_windows_cannot(tmp_path: Path, option: list[str]) -> None:
    ended = as_on_windows("grade", find_lab("02").worked, "--lab", "02", "--out", tmp_path / "report", *option)
    assert ended.returncode == 2
    assert "grade inside WSL" in ended.stderr and "Traceback" not in ended.stderr
    assert not (tmp_path / "report").exists()
