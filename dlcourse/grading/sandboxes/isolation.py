"""What keeps a hand-in away from the machine: the kinds there are, and which of them works here."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import secrets
import subprocess
import tempfile
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from dlcourse.grading.sandboxes.limits import Limits
from dlcourse.grading.sandboxes.supervisor import end_namespace
from dlcourse.grading.sandboxes.view import HOME, View, make_view

FIRST_UID, UIDS = 1_100_000_000, 400_000_000
FIRST_SMALL_UID, SMALL_UIDS = 30_000, 30_000


# Since Linux 5.14 processes of one user are counted for each user namespace.
COUNTS_BY_NAMESPACE = tuple(int(part) for part in re.findall(r"\d+", platform.release())[:2]) >= (5, 14)


class NoIsolationError(RuntimeError):
    """Nothing here can keep a hand-in away from the machine; the text says what was tried and what helps."""


@dataclass(frozen=True)
class Launch:
    """How to start the worker.

    Args:
        command: program and arguments.
        environment: of the program that makes the sandbox.
        fds: descriptors that it needs; closed here once it runs.
        label: what `Isolation.end` and `Isolation.clean` know this start by.
    """

    command: list[str]
    environment: dict[str, str]
    fds: tuple[int, ...] = ()
    label: str = ""


class Isolation(ABC):
    """A way to start the worker apart from everything else."""

    name: str
    safe: bool = True
    telling_line: int = -1
    """Which line of an error message says what is wrong: Python's last, a container engine's first."""
    counts_apart: bool = True
    """Whether the kernel counts the sandbox's processes apart from those of whoever started it."""

    @abstractmethod
    def launch(self, view: View, limits: Limits) -> Launch:
        """How to start a worker with this view and these limits."""

    def view(self, library: Path, python_paths: list[Path] | None = None, data: Path | None = None) -> View:
        """What a hand-in sees."""
        return make_view(library, python_paths, data)

    def end(self, pid: int | None, label: str) -> None:
        """Ends everything that was started; `pid` is the started program's number while it runs."""
        if pid is not None:
            end_namespace(pid)

    def clean(self, label: str) -> None:  # noqa: B027
        """Removes what was made for one start, after everything has ended."""

    def try_out(self) -> str:
        """Starts a worker once. Returns why that fails, or nothing."""
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            launch = self.launch(self.view(Path(folder)), Limits())
            try:
                ended = subprocess.run(
                    launch.command,
                    env=launch.environment,
                    pass_fds=launch.fds,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=60,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                self.end(None, launch.label)
                return str(error)
            finally:
                for fd in launch.fds:
                    os.close(fd)
                self.clean(launch.label)
        if ended.returncode == 0:
            return ""
        lines = ended.stderr.decode(errors="replace").strip().splitlines()
        return lines[self.telling_line][:300] if lines else f"exit code {ended.returncode}"

    def worker_command(self, view: View, limits: Limits, uid: int | None, home: str = HOME) -> list[str]:
        """The worker's own command line, inside."""
        resources = json.loads(limits.for_worker())
        if uid is None and not (self.counts_apart and COUNTS_BY_NAMESPACE):
            del resources["RLIMIT_NPROC"]  # it would count the grader's own; the supervisor counts in any case
        settings = {
            "limits": resources,
            "uid": uid,
            "home": home,
            "library": list(view.library),
            "third_party": list(view.third_party),
            "reply": limits.reply,
            "strict": self.safe,
        }
        # -I: no variables, no user's packages; -S: no site, which is slow and reads .pth files.
        return [view.python, "-I", "-S", "-B", f"{view.judge}/worker.py", json.dumps(settings)]


def in_memory(name: str, content: bytes) -> int:
    """A file that only exists in memory, to be read from its start; its descriptor."""
    fd = os.memfd_create(name)
    os.write(fd, content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def own_uid() -> int:
    """A user number that nobody has: limits on processes are counted for each number."""
    if _mapped() >= FIRST_UID + UIDS:
        return FIRST_UID + secrets.randbelow(UIDS)
    return FIRST_SMALL_UID + secrets.randbelow(SMALL_UIDS)


def ways() -> tuple[list[bool], str]:
    """Whether to make namespaces as root (True) or in a user namespace (False): what is worth a try, in order.

    Root inside a user namespace that holds root alone would still be the machine's root where files are concerned:
    /proc/sys belongs to it. So root either becomes somebody else, or nothing is run.

    Returns:
        The ways, and why there is none.
    """
    if os.geteuid() != 0:
        return [False], ""
    if _mapped() >= FIRST_SMALL_UID + SMALL_UIDS:
        return [True], ""
    if _root_outside() != 0:
        return [False], ""
    return [], "this process is root and cannot become anybody else"


def _map() -> tuple[int, int]:
    """For user number 0: the number outside, and how many follow it that are somebody outside."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/uid_map").read_text().splitlines():
            first, outside, count = map(int, line.split())
            if first == 0:
                return outside, count
    return 0, 0


def _mapped() -> int:
    return _map()[1]


def _root_outside() -> int:
    return _map()[0]
