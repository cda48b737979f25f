"""Sandboxes for the tests of grading: of each kind that works here; where none does, the tests skip with the reason."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlcourse.grading.sandboxes.bubblewrap import find_bubblewrap
from dlcourse.grading.sandboxes.isolation import Isolation
from dlcourse.grading.sandboxes.limits import Limits
from dlcourse.grading.sandboxes.namespaces import find_namespaces
from dlcourse.grading.sandboxes.sandbox import Sandbox

MIB = 2**20


class Inside:
    """What the tests say to a sandbox, with small limits."""

    limits = Limits(
        seconds=30,
        cpu_seconds=20,
        memory=300 * MIB,
        processes=24,
        disk=8 * MIB,
        file_size=8 * MIB,
        files=300,
        output=MIB,
        reply=4 * MIB,
    )

    @staticmethod
    def run(box: Sandbox, source: str, seconds: float = 20.0) -> dict[str, Any]:
        """Runs a cell."""
        return box.request({"kind": "run", "step": 0, "cell": "cell", "source": source}, seconds)

    @classmethod
    def tell(cls, box: Sandbox, source: str) -> Any:
        """What `source`, the body of a function, returns inside; the error as text where it raises."""
        body = "\n".join(f"    {line}" for line in source.strip().splitlines())
        assert cls.run(box, f"def probe():\n{body}")["error"] is None
        reply = box.request({"kind": "call", "name": "probe", "args": ()}, 20.0)
        return reply["value"] if reply["kind"] == "returned" else f"{reply['name']}: {reply['message']}"

    @classmethod
    def left_of(cls, pids: tuple[int, ...]) -> list[int]:
        """The workers among these processes that still run after a while."""
        patience = time.monotonic() + 5
        left = list(pids)
        while left and time.monotonic() < patience:
            left = [pid for pid in left if "worker.py" in cls.command(pid)]
            time.sleep(0.01)
        return left

    @staticmethod
    def command(pid: int) -> str:
        """A process's command line; empty where it has ended."""
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_text()
        return ""


@functools.cache
def find(kind: str) -> tuple[Isolation | None, str]:
    return {"bubblewrap": find_bubblewrap, "namespaces": find_namespaces}[kind]()


def found(kind: str) -> Isolation:
    isolation, reason = find(kind)
    if isolation is None:
        pytest.skip(reason)
    return isolation


@pytest.fixture(scope="session")
def inside() -> Inside:
    return Inside()


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library for hand-ins with nothing in it."""
    folder = tmp_path_factory.mktemp("library")
    folder.chmod(0o755)
    (folder / "dlcourse").mkdir()
    (folder / "dlcourse" / "__init__.py").write_text("STRIPPED = True\n")
    return folder


@pytest.fixture(scope="module", params=["bubblewrap", "namespaces"])
def isolation(request: pytest.FixtureRequest) -> Isolation:
    return found(request.param)


@pytest.fixture(scope="session")
def bubblewrap() -> Isolation:
    return found("bubblewrap")


@pytest.fixture(scope="module")
def box(isolation: Isolation, library: Path) -> Iterator[Sandbox]:
    """One sandbox for the tests that leave it as they found it."""
    with Sandbox(isolation, Inside.limits, library) as box:
        yield box
