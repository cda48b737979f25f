"""A sandbox: one worker in its isolation, watched from outside, talked to through two pipes.

Nothing here waits for a hand-in longer than it was told to: reads and writes have deadlines, and a thread watches time,
memory, processes, files and output, and ends everything when a limit is passed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlcourse.grading.sandboxes.box import Box, DeadlineError, ExchangeError, WorkerDiedError, death
from dlcourse.grading.sandboxes.exchange import Bounds, pack
from dlcourse.grading.sandboxes.frames import (
    EndOfPipeError,
    TooLongError,
    has_bytes,
    read_frame,
    write_frame,
)
from dlcourse.grading.sandboxes.isolation import Isolation, Launch
from dlcourse.grading.sandboxes.limits import Limits
from dlcourse.grading.sandboxes.supervisor import Supervisor, measure

ENDING_SECONDS = 10.0


class Sandbox(Box):
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
        self._bounds = Bounds(size=limits.reply)

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
        if has_bytes(self._from):
            raise ExchangeError("something was sent out of the sandbox before it was asked for")
        self._serial = secrets.token_hex(8)
        self._write(message, time.monotonic() + seconds)

    def close(self) -> None:
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
        return self._answer_in(data, self._bounds)

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
        ended_by = -code if code < 0 else code - 128
        killed = ended_by in (signal.SIGXCPU, signal.SIGKILL)
        if killed and self._supervisor.processor_seconds >= self.limits.cpu_seconds:
            return WorkerDiedError(f"it used more than {self.limits.cpu_seconds:g} s of processor time", "cpu_seconds")
        return death(code)

    def _end(self) -> None:
        process, launch = self._process, self._launch
        if process is None or launch is None:
            return
        self.isolation.end(process.pid if process.poll() is None else None, launch.label)
        process.kill()  # does nothing where it has ended
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(ENDING_SECONDS)
