"""What a hand-in may use, that nobody waits for it, and that it can forge no answer."""

from __future__ import annotations

import contextlib
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dlcourse.grading.sandboxes.box import DeadlineError, ExchangeError, WorkerDiedError
from dlcourse.grading.sandboxes.isolation import Isolation
from dlcourse.grading.sandboxes.limits import Limits
from dlcourse.grading.sandboxes.sandbox import Sandbox
from dlcourse.grading.sandboxes.unsafe import Unsafe


class TestWhatItMayUse:
    def test_memory_of_one_process_and_files_and_their_size(self, inside: Any, box: Sandbox) -> None:
        assert inside.tell(box, "return len(bytearray(2**30))").startswith("MemoryError")
        assert inside.tell(box, "return [open('/dev/null') for _ in range(1000)]").startswith("OSError: [Errno 24]")
        assert inside.tell(box, "open('/tmp/big', 'wb').truncate(2**40)").startswith("OSError: [Errno 27]")

    def test_the_private_folder_is_small(self, inside: Any, isolation: Isolation, library: Path) -> None:
        with Sandbox(isolation, inside.limits, library) as box:
            code = "for i in range(20):\n    open(f'/tmp/{i}', 'wb').write(bytes(2**20))"
            assert inside.tell(box, code).startswith("OSError: [Errno 28]")
            assert inside.tell(box, "open('/dev/shm/x', 'wb').write(bytes(2**25))").startswith("OSError")

    @pytest.mark.parametrize(
        ("limit", "source"),
        [
            (
                "memory",
                "import os, time\nfor _ in range(6):\n    if not os.fork():\n"
                "        kept = bytearray(os.urandom(2**20)) * 80\n        time.sleep(60)\ntime.sleep(60)",
            ),
            ("output", "import os\nwhile True: os.write(1, bytes(4096))"),
            ("seconds", "import time\ntime.sleep(60)"),
            ("cpu_seconds", "while True: pass"),
        ],
    )
    def test_whoever_goes_over_a_limit_is_ended_and_the_limit_named(
        self, inside: Any, bubblewrap: Isolation, library: Path, limit: str, source: str
    ) -> None:
        own = {"seconds": 1.0} if limit == "seconds" else {"cpu_seconds": 0.7} if limit == "cpu_seconds" else {}
        limits = Limits(**{**vars(inside.limits), **own})
        with pytest.raises(WorkerDiedError) as died, Sandbox(bubblewrap, limits, library) as box:
            inside.run(box, source)
        assert died.value.limit == limit
        assert inside.left_of(box.processes) == []

    def test_too_many_files_are_noticed(self, inside: Any, isolation: Isolation, library: Path) -> None:
        source = "import time\nfor i in range(1000): open(f'/tmp/{i}', 'w').close()\ntime.sleep(20)"
        with Sandbox(isolation, inside.limits, library) as box:
            try:
                error = inside.run(box, source)["error"]
            except WorkerDiedError as died:
                assert died.limit == "files"
            else:
                assert "No space left" in error["message"]

    def test_a_fork_bomb_comes_to_an_end(self, inside: Any, isolation: Isolation, library: Path) -> None:
        source = """
import os
mine = os.getpid()
for _ in range(200):
    try:
        os.fork()
    except OSError:
        pass
if os.getpid() != mine:
    import time
    time.sleep(60)
"""
        with Sandbox(isolation, inside.limits, library) as box:
            with contextlib.suppress(WorkerDiedError, DeadlineError):
                inside.run(box, source, 3.0)
            pids = box.processes
            assert len(pids) <= inside.limits.processes + 3
        assert inside.left_of(pids) == []

    def test_the_supervisor_counts_where_the_kernel_does_not(self, inside: Any, library: Path) -> None:
        source = "import os, time\nfor _ in range(40):\n    if not os.fork():\n        time.sleep(60)\ntime.sleep(60)"
        with Sandbox(Unsafe(), inside.limits, library) as box:
            with pytest.raises(WorkerDiedError) as died:
                inside.run(box, source)
            pids = box.processes
        assert died.value.limit == "processes"
        assert inside.left_of(pids) == []


class TestNobodyWaits:
    def test_an_endless_loop_and_a_stopped_process(self, inside: Any, isolation: Isolation, library: Path) -> None:
        for source in ("while True: pass", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"):
            with Sandbox(isolation, inside.limits, library) as box:
                with pytest.raises(DeadlineError):
                    inside.run(box, source, 0.3)
                pids = box.processes
                assert pids
            assert inside.left_of(pids) == []

    def test_a_worker_that_does_not_read(self, inside: Any, bubblewrap: Isolation, library: Path) -> None:
        with Sandbox(bubblewrap, inside.limits, library) as box:
            with pytest.raises(DeadlineError):
                inside.run(box, "import time\ntime.sleep(30)", 0.1)
            with pytest.raises(DeadlineError):
                box.send({"kind": "run", "source": "x" * 10**7}, 0.2)

    def test_whoever_ends_the_process_is_told_so(self, inside: Any, isolation: Isolation, library: Path) -> None:
        endings = {
            "import os\nos._exit(3)": r"exit code 3",
            "import os\nos.kill(os.getpid(), 9)": "SIGKILL",
            "import ctypes\nctypes.string_at(0)": "SIGSEGV",
        }
        for source, why in endings.items():
            with Sandbox(isolation, inside.limits, library) as box, pytest.raises(WorkerDiedError, match=why):
                inside.run(box, source)

    def test_killing_everybody_reaches_nobody_outside(self, inside: Any, isolation: Isolation, library: Path) -> None:
        bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        with Sandbox(isolation, inside.limits, library) as box:
            inside.run(box, "import os\nfor number in (9, 15):\n    try: os.kill(-1, number)\n    except OSError: pass")
            inside.run(box, "import os\ntry: os.kill(os.getppid(), 9)\nexcept OSError: pass")
            assert inside.tell(box, "return 1") == 1
        assert bystander.poll() is None
        bystander.communicate(b"\n")

    def test_a_daemon_does_not_outlive_its_sandbox(self, inside: Any, isolation: Isolation, library: Path) -> None:
        source = """
import os, time
if not os.fork():
    os.setsid()
    if not os.fork():
        time.sleep(600)
    os._exit(0)
"""
        with Sandbox(isolation, inside.limits, library) as box:
            inside.run(box, source)
            pids = box.processes
            assert len(pids) >= 4
        assert [pid for pid in pids if "worker.py" in inside.command(pid)] == []

    def test_a_forked_copy_does_not_answer(self, inside: Any, bubblewrap: Isolation, library: Path) -> None:
        with Sandbox(bubblewrap, inside.limits, library) as box:
            assert inside.run(box, "import os\nos.fork()")["kind"] == "ran"
            assert inside.tell(box, "return 7") == 7


class TestForgedAnswers:
    FIND = "import os, struct\nfds = [fd for fd in range(3, 30) if os.path.exists(f'/proc/self/fd/{fd}')]\n"

    @pytest.mark.parametrize(
        "frame",
        [
            struct.pack("<Q", 5) + b"hello",
            struct.pack("<Q", 10 * 2**30),
            struct.pack("<Q", 2**64 - 1),
            b"{'kind': 'returned', 'value': 1}",
        ],
    )
    def test_a_frame_of_its_own_is_no_answer(
        self, inside: Any, bubblewrap: Isolation, library: Path, frame: bytes
    ) -> None:
        source = self.FIND + f"for fd in fds:\n    try: os.write(fd, {frame!r})\n    except OSError: pass"
        with Sandbox(bubblewrap, inside.limits, library) as box, pytest.raises(ExchangeError):
            inside.run(box, source)

    def test_an_answer_before_the_question_is_noticed(self, inside: Any, bubblewrap: Isolation, library: Path) -> None:
        source = """
import sys, time, threading
desk, exchange = sys.modules["desk"], sys.modules["exchange"]
import gc
mine = next(thing for thing in gc.get_objects() if type(thing).__name__ == "Desk")
def early():
    time.sleep(0.2)
    mine._send({"kind": "returned", "value": 42, "changed": []})
threading.Thread(target=early).start()
"""
        with Sandbox(bubblewrap, inside.limits, library) as box:
            assert inside.run(box, source)["error"] is None
            time.sleep(0.6)
            with pytest.raises(ExchangeError, match="before it was asked|another question"):
                inside.run(box, "pass")

    def test_asking_where_nothing_may_be_asked_is_noticed(
        self, inside: Any, bubblewrap: Isolation, library: Path
    ) -> None:
        with Sandbox(bubblewrap, inside.limits, library) as box:
            box.request({"kind": "replace", "name": "f", "exercise": "2.1"}, 10)
            with pytest.raises(ExchangeError, match="may not be asked"):
                inside.run(box, "f(1)")

    def test_a_value_too_large_to_send_is_told_and_not_sent(
        self, inside: Any, bubblewrap: Isolation, library: Path
    ) -> None:
        with Sandbox(bubblewrap, inside.limits, library) as box:
            inside.run(box, "def large():\n    return 'x' * 10**7")
            assert "too large" in box.request({"kind": "call", "name": "large", "args": ()}, 10)["value"].what
