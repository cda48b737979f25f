"""One's own notebook: the worker as a plain process, on any system, without a sandbox and with no limit but time.

Windows can wait for no pipe, so a thread reads what comes back and hands it on.
"""

from __future__ import annotations

import json
import os
import queue
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from dlcourse.grading.sandboxes.box import Box, DeadlineError, ExchangeError, WorkerDiedError, death
from dlcourse.grading.sandboxes.exchange import Bounds, pack
from dlcourse.grading.sandboxes.frames import EndOfPipeError, TooLongError, read_frame, write_frame
from dlcourse.grading.sandboxes.view import installed_packages, judge_folder, quiet

REPLY = 64 * 2**20


class OwnProcess(Box):
    """Runs one's own notebook in a process beside this one.

    Args:
        library: folder with the `dlcourse` package that the notebook may import.
        data: the course's data sets, or None.
    """

    def __init__(self, library: Path, data: Path | None = None) -> None:
        self.library, self.data = library, data
        self._home: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._replies: queue.Queue[bytes | Exception] = queue.Queue()
        self._listener: threading.Thread | None = None

    def _start(self) -> None:
        # What a process writes there may still be held while the folder is removed: on Windows that fails.
        self._home = tempfile.TemporaryDirectory(prefix="dlcourse-check-", ignore_cleanup_errors=True)
        library, packages = str(self.library.resolve()), [str(path) for path in installed_packages()]
        settings = {
            "limits": {},
            "uid": None,
            "home": self._home.name,
            "library": [library],
            "third_party": packages,
            "reply": REPLY,
            "strict": False,
        }
        own = {} if self.data is None else {"DLCOURSE_DATA_DIR": str(self.data.resolve())}
        worker = judge_folder() / "worker.py"
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", str(worker), json.dumps(settings)],
            env={**os.environ, **quiet([library, *packages]), **own},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._listener = threading.Thread(target=self._listen, args=(self._process.stdout.fileno(),), daemon=True)
        self._listener.start()

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            process.stdin.close()
            if self._listener is not None:
                self._listener.join(5.0)  # what the notebook started may hold the pipe open
            if self._listener is None or not self._listener.is_alive():
                process.stdout.close()
        if self._home is not None:
            self._home.cleanup()

    def send(self, message: dict[str, Any], seconds: float = 10.0) -> None:
        self._serial = secrets.token_hex(8)
        self._write(message, time.monotonic() + seconds)

    def _listen(self, out: int) -> None:
        while True:
            try:
                self._replies.put(read_frame(out, None, REPLY))
            except (EndOfPipeError, TooLongError, OSError) as error:
                self._replies.put(error)
                return

    def _write(self, message: dict[str, Any], deadline: float) -> None:
        try:
            write_frame(self._running().stdin.fileno(), pack({**message, "serial": self._serial}), None)
        except (EndOfPipeError, OSError):
            raise self._died() from None

    def _read(self, deadline: float) -> dict[str, Any]:
        try:
            data = self._replies.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise DeadlineError("the time was up") from None
        if isinstance(data, TooLongError):
            raise ExchangeError(str(data))
        if isinstance(data, Exception):
            raise self._died()
        return self._answer_in(data, Bounds(size=REPLY))

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise WorkerDiedError("it was closed")
        return self._process

    def _died(self) -> WorkerDiedError:
        try:
            return death(self._running().wait(1.0))
        except subprocess.TimeoutExpired:
            return WorkerDiedError("it closed its connection")
