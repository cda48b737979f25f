"""What a running worker is to the grader's process: something to send messages to, on any system."""

from __future__ import annotations

import contextlib
import errno
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self

from dlcourse.grading.sandboxes.exchange import Bounds, ExchangeError, unpack
from dlcourse.grading.sandboxes.frames import DeadlineError

__all__ = ["OUT_OF_MEMORY", "Box", "DeadlineError", "ExchangeError", "OpenBox", "SandboxError", "WorkerDiedError"]

START_SECONDS = 60.0
OUT_OF_MEMORY = "it ran out of memory"


class SandboxError(RuntimeError):
    """The worker could not be started: nothing that a hand-in did."""


class WorkerDiedError(RuntimeError):
    """The worker has ended.

    Args:
        why: for the student, e.g. "it used more than 2048 MiB of memory" or "it ended its process (exit code 3)".
        limit: the limit that was passed, as `Limits` names it; empty where none was.
    """

    def __init__(self, why: str, limit: str = "") -> None:
        super().__init__(why)
        self.why, self.limit = why, limit


class Box(ABC):
    """A running worker; a context manager, which starts it and ends it with all that it started.

    Raises:
        SandboxError: on entering, if the worker does not start.
    """

    _serial: str | None = None  # of the question that is open; the worker says it again with its answer

    @abstractmethod
    def _start(self) -> None: ...

    @abstractmethod
    def close(self) -> None:
        """Ends every process of the worker's; safe to call twice."""

    @abstractmethod
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

    @abstractmethod
    def _write(self, message: dict[str, Any], deadline: float) -> None: ...

    @abstractmethod
    def _read(self, deadline: float) -> dict[str, Any]: ...

    def __enter__(self) -> Self:
        try:
            self._start()
            ready = self.receive(START_SECONDS)
            if ready != {"kind": "ready"}:
                raise ExchangeError("it says something else than that it is ready")
        except (WorkerDiedError, DeadlineError, ExchangeError, OSError) as error:
            last = " ".join(self.log[-3:])
            self.close()
            raise SandboxError(f"the worker did not start: {error} {last}".strip()) from None
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def log(self) -> list[str]:
        """The last lines that were printed, where they are kept."""
        return []

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

    def _answer_in(self, frame: bytes, bounds: Bounds) -> dict[str, Any]:
        """The message in a frame, if it answers the question that is open."""
        message = unpack(frame, bounds)
        if message.pop("serial", "") != self._serial:
            raise ExchangeError("an answer to another question than the one that was asked")
        return message


OpenBox = Callable[[], AbstractContextManager[Box]]


def death(code: int) -> WorkerDiedError:
    """Why a worker is gone, from its exit code; a signal is below 0, or 128 and its number.

    Args:
        code: the exit code.

    Example:
        >>> death(3).why, death(-9).why
        ('it ended its own process (exit code 3)', 'its process was ended by SIGKILL')
    """
    if code == errno.ENOMEM:
        return WorkerDiedError(OUT_OF_MEMORY, "memory")
    if code < 0 or 128 < code < 128 + 65:
        with contextlib.suppress(ValueError):
            return WorkerDiedError(f"its process was ended by {signal.Signals(-code if code < 0 else code - 128).name}")
    return WorkerDiedError(f"it ended its own process (exit code {code})")
