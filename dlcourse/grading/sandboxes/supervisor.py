"""Watches one sandbox from outside and ends it when a limit is passed."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from dlcourse.grading.sandboxes.limits import Limits

TICK = 0.05
LOG_LINES = 200
LINE_LENGTH = 500
OUR_OWN = 3  # what makes the sandbox, its first process, and the worker that starts as one of them
# Windows has neither; `choose_isolation` refuses there.
TICKS_A_SECOND, PAGE = map(getattr(os, "sysconf", lambda name: 1), ("SC_CLK_TCK", "SC_PAGE_SIZE"))


@dataclass(frozen=True)
class Usage:
    """What a tree of processes uses.

    Args:
        pids: the processes, the first one included.
        threads: of all together.
        memory: bytes resident; what several processes share is counted for each of them.
        processor_seconds: of all together, those of ended children included.
    """

    pids: tuple[int, ...]
    threads: int
    memory: int
    processor_seconds: float


class Supervisor:
    """A thread that looks at a sandbox every 50 ms and reads what is printed there.

    Args:
        process: the program that makes the sandbox.
        end: ends everything in it.
        limits: what it may use.
        log: descriptor of the pipe with what is printed; closed at the end.
    """

    def __init__(self, process: subprocess.Popen[bytes], end: Callable[[], None], limits: Limits, log: int) -> None:
        self.reason = self.limit = ""
        self.peak_memory, self.processor_seconds = 0, 0.0
        self._process, self._end, self._limits, self._log = process, end, limits, log
        self._started = time.monotonic()
        self._lines: deque[str] = deque(maxlen=LOG_LINES)
        self._open_line = b""
        self._printed = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="sandbox supervisor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops watching."""
        self._stopping.set()

    def close(self) -> None:
        """Stops watching and lets go of the log."""
        self.stop()
        self._thread.join(5.0)
        if self._log >= 0:
            os.close(self._log)
            self._log = -1

    def log(self) -> list[str]:
        """The last lines, at most 200 of at most 500 characters."""
        last = [self._open_line.decode("utf-8", "replace")] if self._open_line else []
        return [*self._lines, *last]

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._log, select.POLLIN)
        next_look = 0.0
        while not self._stopping.is_set():
            if poll.poll(int(TICK * 1000)) and not self._read_log():
                poll.unregister(self._log)  # nobody can print any more
                self._stopping.wait(TICK)
            if time.monotonic() >= next_look:
                over = self._look()
                if over:
                    self.limit, self.reason = over
                    self._end()
                    return
                next_look = time.monotonic() + TICK

    def _read_log(self) -> bool:
        try:
            data = os.read(self._log, 65536)
        except BlockingIOError:
            return True
        self._printed += len(data)
        *whole, last = (self._open_line + data).split(b"\n")
        self._lines.extend(line[:LINE_LENGTH].decode("utf-8", "replace") for line in whole[-LOG_LINES:])
        self._open_line = last[:LINE_LENGTH]
        return bool(data)

    def _look(self) -> tuple[str, str] | None:
        limits = self._limits
        allowed = limits.processes + OUR_OWN
        usage = measure(self._process.pid, most=allowed + 1)
        self.peak_memory = max(self.peak_memory, usage.memory)
        self.processor_seconds = max(self.processor_seconds, usage.processor_seconds)
        if time.monotonic() - self._started > limits.seconds:
            return "seconds", f"it took more than {limits.seconds:g} s in all"
        if self._printed > limits.output:
            return "output", f"it printed more than {limits.output / 2**20:g} MiB"
        if usage.threads > allowed:
            return "processes", f"it started more than {limits.processes} processes and threads"
        if usage.processor_seconds > limits.cpu_seconds:
            return "cpu_seconds", f"it used more than {limits.cpu_seconds:g} s of processor time"
        if usage.memory > limits.memory and exact_memory(usage.pids) > limits.memory:
            return "memory", f"it used more than {limits.memory // 2**20} MiB of memory"
        if number_of_files(usage.pids) > limits.files:
            return "files", f"it made more than {limits.files} files"
        return None


def measure(root: int, most: int | None = None) -> Usage:
    """What a process and all that descend from it use.

    Args:
        root: the process.
        most: stop after so many threads; a tree that grows faster than it is walked through has no end.
    """
    pids, threads, memory, ticks = [], 0, 0, 0
    waiting = [root]
    while waiting and (most is None or threads < most):
        pid = waiting.pop()
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                numbers = file.read().rpartition(b")")[2].split()
            tasks = os.listdir(f"/proc/{pid}/task")
        except OSError:
            continue
        pids.append(pid)
        threads += len(tasks)
        ticks += sum(map(int, numbers[11:15]))
        memory += int(numbers[21]) * PAGE
        for task in tasks:
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{task}/children", "rb") as file:
                waiting += map(int, file.read().split())
    return Usage(tuple(pids), threads, memory, ticks / TICKS_A_SECOND)


def exact_memory(pids: tuple[int, ...]) -> int:
    """Bytes resident, each process answering for its share of what several have in common."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
                lines = file.read().split(b"\n")
            total += next(int(line.split()[1]) * 1024 for line in lines if line.startswith(b"Pss:"))
        except (OSError, StopIteration):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/statm", "rb") as file:
                total += int(file.read().split()[1]) * PAGE
    return total


def number_of_files(pids: tuple[int, ...]) -> int:
    """Files in the sandbox's /tmp; 0 where it has none of its own."""
    for pid in reversed(pids):
        with contextlib.suppress(OSError):
            inside = os.statvfs(f"/proc/{pid}/root/tmp")
            if os.stat(f"/proc/{pid}/root/tmp").st_dev == os.stat("/tmp").st_dev:
                return 0
            return inside.f_files - inside.f_ffree
    return 0


def end_namespace(root: int, seconds: float = 5.0) -> None:
    """Ends a program whose child is the first process of a namespace, and waits until all in there are gone.

    When the first process of a namespace ends, the kernel ends all others, and the first is gone only after them.
    """
    pids = measure(root, most=2).pids  # no more: it may be growing
    for pid in reversed(pids):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    patience = time.monotonic() + seconds
    while any(_runs(pid) for pid in pids) and time.monotonic() < patience:
        time.sleep(0.002)


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


def kill_tree(root: int) -> None:
    """Ends all that descends from a process, and the process; again and again until nothing is left to end."""
    for _ in range(100):
        pids = measure(root, most=10_000).pids
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGSTOP)
        if measure(root, most=10_000).pids == pids:
            break
    for pid in reversed(pids):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
