"""Attacks on the machine: loops, bombs, exits, kills, daemons, the network. None outlives its limit or stops the batch.

Each test is one hand-in (see conftest.py): a worked lab 02 whose exercise 2.4 does what the mark says. The fixture has
looked at the other twelve exercises, which have full marks. docs/threat_model.md is the same list as a page.
"""

from __future__ import annotations

from typing import Any

import pytest

from dlcourse.grading.results import Status

ATTACK = pytest.mark.attack


@ATTACK(call="while True:\n    pass")
def test_endless_loop(attacked: Any) -> None:
    assert attacked.status is Status.TIMED_OUT


@ATTACK(cell="import time\nwhile True:\n    try:\n        time.sleep(9)\n    except BaseException:\n        pass")
def test_endless_loop_while_the_cell_runs(attacked: Any) -> None:
    assert attacked.status is Status.TIMED_OUT
    assert attacked.message == "Its cell did not finish within 3 s."


@ATTACK(call="10 ** 10 ** 9")
def test_endless_calculation_that_lets_no_other_thread_run(attacked: Any) -> None:
    assert attacked.status is Status.TIMED_OUT


@ATTACK(call="import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)")
def test_process_that_stops_itself(attacked: Any) -> None:
    assert attacked.status in (Status.TIMED_OUT, Status.CRASHED)


@ATTACK(call="while True:\n    print('x' * 1000)")
def test_endless_output(attacked: Any) -> None:
    assert attacked.status is Status.CRASHED
    assert "printed more than 0.25 MiB" in attacked.message


@ATTACK(cell="kept = []\nwhile True:\n    kept.append(bytearray(b'x') * 2**23)")
def test_memory_bomb(attacked: Any) -> None:
    # On a slow machine its time is up before its memory is.
    assert attacked.status is Status.TIMED_OUT or "it ran out of memory" in attacked.message


@ATTACK(call="import numpy\nkept = numpy.kept = []\nwhile True:\n    kept.append(bytearray(b'x') * 2**20)")
def test_memory_bomb_that_outlives_its_call(attacked: Any) -> None:
    assert attacked.status is Status.TIMED_OUT or "memory" in attacked.message.lower()


@ATTACK(
    call="""
    import os, time
    for _ in range(8):
        if os.fork() == 0:
            kept = bytearray(b"x") * (100 * 2**20)
            time.sleep(60)
    time.sleep(60)
    """
)
def test_memory_bomb_shared_out_among_processes(attacked: Any) -> None:
    assert attacked.status is Status.TIMED_OUT or "more than 512 MiB of memory" in attacked.message


@ATTACK(call="import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass")
def test_fork_bomb(attacked: Any) -> None:
    assert attacked.status in (Status.TIMED_OUT, Status.CRASHED)


@ATTACK(call="import threading, time\nwhile True:\n    threading.Thread(target=time.sleep, args=(60,)).start()")
def test_thread_bomb(attacked: Any) -> None:
    assert attacked.status is Status.CRASHED


@ATTACK(call="with open('/tmp/big', 'wb') as file:\n    while True:\n        file.write(bytes(2**20))")
def test_disk_bomb_in_one_file(attacked: Any) -> None:
    assert attacked.status is Status.CRASHED
    assert "OSError" in attacked.message


@ATTACK(call="for i in range(10**6):\n    with open(f'/tmp/{i}', 'wb') as file:\n        file.write(bytes(2**20))")
def test_disk_bomb_in_many_files(attacked: Any) -> None:
    assert attacked.status is Status.CRASHED
    assert "No space left" in attacked.message


@ATTACK(call="import os\nfor i in range(10**9):\n    os.close(os.open(f'/tmp/{i}', os.O_CREAT))")
def test_bomb_of_empty_files(attacked: Any) -> None:
    if attacked.hand_in.isolation == "podman":  # which cannot count them: time and memory limit them
        assert attacked.status in (Status.TIMED_OUT, Status.CRASHED)
        return
    assert attacked.status is Status.CRASHED
    assert "files" in attacked.message or "No space" in attacked.message


@ATTACK(call="kept = []\nwhile True:\n    kept.append(open('/dev/null'))")
def test_file_handle_bomb(attacked: Any) -> None:
    assert attacked.status is Status.CRASHED
    assert "Too many open files" in attacked.message


@ATTACK(cell="import sys\nsys.setrecursionlimit(10**9)\ndef down(n):\n    return down(n + 1) + 1\ndown(0)")
def test_recursion_bomb(attacked: Any) -> None:
    assert attacked.status in (Status.CRASHED, Status.TIMED_OUT)


@ATTACK(call="import sys\nsys.exit(0)")
def test_sys_exit(attacked: Any) -> None:
    assert attacked.status is Status.CRASHED
    assert "SystemExit" in attacked.message


@ATTACK(cell="import os\nos._exit(0)")
def test_os_exit(attacked: Any) -> None:
    assert attacked.status is Status.CRASHED
    assert "exit code 0" in attacked.message


@ATTACK(call="import ctypes\nctypes.string_at(0)")
def test_segmentation_fault(attacked: Any) -> None:
    assert attacked.status is Status.CRASHED
    assert "SIGSEGV" in attacked.message


@ATTACK(call="import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nos.kill(1, signal.SIGKILL)\nos._exit(7)")
def test_kill_of_the_parent(attacked: Any) -> None:
    assert attacked.status is Status.CRASHED


@ATTACK(call="import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
def test_kill_of_the_kernel(attacked: Any) -> None:
    assert attacked.status is Status.CRASHED
    assert "SIGKILL" in attacked.message


@ATTACK(
    call="""
    import os, signal
    for pid in [-1, *range(1, 70000)]:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    os._exit(7)
    """
)
def test_kill_of_every_process(attacked: Any) -> None:
    assert attacked.status is Status.CRASHED


@ATTACK(cell="import os\nos.closerange(0, 256)")
def test_every_descriptor_closed(attacked: Any) -> None:
    assert attacked.status is Status.CRASHED


@ATTACK(
    call="""
    class Endless(BaseException):
        def __str__(self):
            while True:
                pass
    raise Endless
    """
)
def test_exception_whose_text_never_ends(attacked: Any) -> None:
    assert attacked.status is Status.TIMED_OUT


@ATTACK(
    cell="""
    import os, subprocess, sys
    if os.fork() == 0:
        os.setsid()
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "@mark"], start_new_session=True)
        os._exit(0)
    """,
    earns=1,
)
def test_daemon_left_running(attacked: Any, batch: Any) -> None:
    assert attacked.status is Status.FULL  # its answers are right
    assert batch.left == []


@ATTACK(
    call="""
    import os, subprocess, sys
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "@mark"], start_new_session=True)
    os._exit(0)
    """
)
def test_daemon_that_is_to_outlive_its_worker(attacked: Any, batch: Any) -> None:
    assert attacked.status is Status.CRASHED
    assert batch.left == []


@ATTACK(
    cell="""
    import os, threading, time
    def later():
        time.sleep(2)
        for descriptor in range(3, 20):
            try:
                os.write(descriptor, bytes(100))
            except OSError:
                pass
    """,
    call="threading.Thread(target=later).start()\nwhile True:\n    time.sleep(1)",
)
def test_thread_that_answers_after_the_deadline(attacked: Any) -> None:
    assert attacked.status is Status.TIMED_OUT


@ATTACK(call="import socket\nsocket.create_connection(('127.0.0.1', @tcp), 1)")
def test_network_by_socket(attacked: Any, batch: Any) -> None:
    assert "Error" in attacked.message and attacked.status is Status.CRASHED
    assert batch.canaries.connections == 0


@ATTACK(
    call="""
    import socket
    packets = socket.socket(type=socket.SOCK_DGRAM)
    for port in (@udp, 53):
        packets.sendto(b"hello", ("127.0.0.1", port))
    socket.getaddrinfo("example.com", 80)
    """
)
def test_network_by_dns(attacked: Any, batch: Any) -> None:
    assert attacked.status is Status.CRASHED
    assert batch.canaries.connections == 0


@ATTACK(call="import urllib.request\nurllib.request.urlopen('http://127.0.0.1:@tcp/', timeout=1)")
def test_network_by_http(attacked: Any, batch: Any) -> None:
    assert attacked.status is Status.CRASHED
    assert "URLError" in attacked.message
    assert batch.canaries.connections == 0


@ATTACK(call="import socket\nsocket.socket(socket.AF_UNIX).connect(chr(0) + '@mark')")
def test_network_by_a_socket_without_a_file(attacked: Any, batch: Any) -> None:
    assert "ConnectionRefusedError" in attacked.message
    assert batch.canaries.connections == 0


def test_good_hand_ins_beside_all_that_have_full_marks(batch: Any) -> None:
    assert batch.good() == [(13.0, ""), (13.0, "")]


def test_nothing_is_left_of_any_hand_in(batch: Any) -> None:
    assert batch.left == []
    assert batch.changed == []
    assert batch.canaries.connections == 0
