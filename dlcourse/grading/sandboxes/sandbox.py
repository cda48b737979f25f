"""A sandbox: one worker in its isolation, watched from outside, talked to through two pipes.

Nothing here waits for a hand-in longer than it was told to: reads and writes have deadlines, and a thread watches time,
memory, processes, files and output, and ends everything when a limit is passed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dlcourse.grading.sandboxes.exchange import Bounds, ExchangeError, pack, unpack
from dlcourse.grading.sandboxes.frames import (
    DeadlineError,
    EndOfPipeError,
    TooLongError,
    has_bytes,
    read_frame,
    write_frame,
)
from dlcourse.grading.sandboxes.isolation import Isolation, Launch
from dlcourse.grading.sandboxes.limits import Limits
from dlcourse.grading.sandboxes.supervisor import Supervisor, measure

__all__ = ["DeadlineError", "ExchangeError", "Sandbox", "SandboxError", "WorkerDiedError"]

START_SECONDS = 60.0
ENDING_SECONDS = 10.0
OUT_OF_MEMORY = "it ran out of memory"


class SandboxError(RuntimeError):
    """The sandbox could not be started: nothing that a hand-in did."""


class WorkerDiedError(RuntimeError):
    """The worker has ended.

    Args:
        why: for the student, e.g. "it used more than 2048 MiB of memory" or "it ended its process (exit code 3)".
        limit: the limit that was passed, as `Limits` names it; empty where none was.
    """

    def __init__(self, why: str, limit: str = "") -> None:
        super().__init__(why)
        self.why, self.limit = why, limit


class Sandbox:
    """One worker; a context manager.

    Entering starts it and waits until it is ready. Leaving ends every process inside and removes what they wrote. With
    bubblewrap the thread that enters must live as long as the sandbox: the worker dies with it.

    Args:
        isolation: from `choose_isolation`.
        limits: what a hand-in may use.
        library: folder with the `dlcourse` package that hand-ins may import.
        python_paths: folders with installed packages; None takes this interpreter's.
        data: the course's data sets, or None.

    Raises:
        SandboxError: on entering, if the worker does not start.
    """

    def __init__(
        self,
        isolation: Isolation,
        limits: Limits,
        library: Path,
        python_paths: Sequence[Path] | None = None,
        data: Path | None = None,
    ) -> None:
        self.isolation, self.limits = isolation, limits
        self._view = isolation.view(Path(library), None if python_paths is None else list(python_paths), data)
        self._process: subprocess.Popen[bytes] | None = None
        self._supervisor: Supervisor | None = None
        self._launch: Launch | None = None
        self._to = self._from = -1
        self._serial: str | None = None
        self._bounds = Bounds(size=limits.reply)

    def __enter__(self) -> Self:
        try:
            self._start()
            ready = self.receive(START_SECONDS)
        except (WorkerDiedError, DeadlineError, ExchangeError, OSError) as error:
            last = self.log[-3:]
            self.close()
            raise SandboxError(f"the sandbox did not start: {error} {' '.join(last)}".strip()) from None
        except BaseException:
            self.close()
            raise
        if ready != {"kind": "ready"}:
            self.close()
            raise SandboxError("the sandbox did not start: the worker says something else than that it is ready")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def log(self) -> list[str]:
        """The last lines that were printed inside."""
        return [] if self._supervisor is None else self._supervisor.log()

    @property
    def processes(self) -> tuple[int, ...]:
        """Numbers of all processes, as this machine counts them; the first is the program that makes the sandbox."""
        if self._process is None or self._process.poll() is not None:
            return ()
        return measure(self._process.pid, most=10_000).pids

    @property
    def peak_memory(self) -> int:
        """Most bytes resident at a time, as far as it was looked at; what processes share is counted for each."""
        return 0 if self._supervisor is None else self._supervisor.peak_memory

    def send(self, message: dict[str, Any], seconds: float = 10.0) -> None:
        """Sends a message to the worker.

        Args:
            message: see `worker.py`.
            seconds: how long the worker may take to read it.

        Raises:
            WorkerDiedError: if it has ended.
            DeadlineError: if it does not read in time.
            ExchangeError: if it has answered before it was asked.
        """
        if has_bytes(self._from):
            raise ExchangeError("something was sent out of the sandbox before it was asked for")
        self._serial = secrets.token_hex(8)
        self._write(message, time.monotonic() + seconds)

    def receive(self, seconds: float) -> dict[str, Any]:
        """Waits for the worker's answer to the last message.

        Args:
            seconds: how long it may take.

        Raises:
            WorkerDiedError: if it ends.
            DeadlineError: if the time is up.
            ExchangeError: if what comes out is no answer.
        """
        return self._read(time.monotonic() + seconds)

    def request(
        self,
        message: dict[str, Any],
        seconds: float,
        answer: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ) -> dict[str, Any]:
        """Sends a message and waits for the answer.

        Args:
            message: see `worker.py`.
            seconds: for both together, questions included.
            answer: what to say where the worker asks, in between, for what another exercise's function gives:
                `{"kind": "ask", "exercise", "args", "kwargs"}` -> `{"value": ...}` or `{"error": text}`; None where
                nothing may be asked.

        Raises:
            WorkerDiedError, DeadlineError, ExchangeError: as `send` and `receive` do.
        """
        deadline = time.monotonic() + seconds
        self.send(message, seconds)
        while True:
            reply = self._read(deadline)
            if reply.get("kind") != "ask":
                return reply
            if answer is None:
                raise ExchangeError("the sandbox asks for a function that may not be asked for now")
            self._write({"kind": "answer", **answer(reply)}, deadline)

    def close(self) -> None:
        """Ends every process inside; safe to call twice."""
        if self._supervisor is not None:
            self._supervisor.stop()
        self._end()
        if self._launch is not None:
            self.isolation.clean(self._launch.label)
        for fd in (self._to, self._from):
            if fd >= 0:
                os.close(fd)
        self._to = self._from = -1
        if self._supervisor is not None:
            self._supervisor.close()

    def _start(self) -> None:
        launch = self._launch = self.isolation.launch(self._view, self.limits)
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        log, theirs_log = os.pipe()
        try:
            self._process = subprocess.Popen(
                launch.command,
                env=launch.environment,
                cwd="/",
                pass_fds=launch.fds,
                stdin=theirs_in,
                stdout=theirs_out,
                stderr=theirs_log,
                start_new_session=True,
            )
        except BaseException:
            os.close(log)
            raise
        finally:
            for fd in (theirs_in, theirs_out, theirs_log, *launch.fds):
                os.close(fd)
        for fd in (self._to, self._from, log):
            os.set_blocking(fd, False)
        self._supervisor = Supervisor(self._process, self._end, self.limits, log)

    def _write(self, message: dict[str, Any], deadline: float) -> None:
        try:
            write_frame(self._to, pack({**message, "serial": self._serial}), deadline)
        except EndOfPipeError:
            raise self._died() from None
        except DeadlineError:
            self._note_death()
            raise

    def _read(self, deadline: float) -> dict[str, Any]:
        try:
            data = read_frame(self._from, deadline, self.limits.reply)
        except EndOfPipeError:
            raise self._died() from None
        except TooLongError as error:
            raise ExchangeError(str(error)) from None
        except DeadlineError:
            self._note_death()
            raise
        message = unpack(data, self._bounds)
        if message.pop("serial", "") != self._serial:
            raise ExchangeError("an answer to another question than the one that was asked")
        return message

    def _note_death(self) -> None:
        """A process that was left behind may hold the pipe open although the worker is gone."""
        if self._supervisor is not None and self._supervisor.reason:
            raise self._died()

    def _died(self) -> WorkerDiedError:
        """Why the worker is gone; ends what is left."""
        if self._process is None or self._supervisor is None:
            return WorkerDiedError("it was closed")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        if self._supervisor.reason:
            return WorkerDiedError(self._supervisor.reason, self._supervisor.limit)
        code = self._process.poll()
        if code is None:
            return WorkerDiedError("it closed its connection to the grader")
        if code == errno.ENOMEM:
            return WorkerDiedError(OUT_OF_MEMORY, "memory")
        # Programs that start others tell a signal as 128 and its number.
        number = -code if code < 0 else code - 128
        if number in (signal.SIGXCPU, signal.SIGKILL) and self._supervisor.processor_seconds >= self.limits.cpu_seconds:
            return WorkerDiedError(f"it used more than {self.limits.cpu_seconds:g} s of processor time", "cpu_seconds")
        if code < 0 or 128 < code < 128 + 65:
            with contextlib.suppress(ValueError):
                return WorkerDiedError(f"its process was ended by {signal.Signals(number).name}")
        return WorkerDiedError(f"it ended its own process (exit code {code})")

    def _end(self) -> None:
        process, launch = self._process, self._launch
        if process is None or launch is None:
            return
        self.isolation.end(process.pid if process.poll() is None else None, launch.label)
        process.kill()  # does nothing where it has ended
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(ENDING_SECONDS)
