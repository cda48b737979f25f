"""Makes namespaces and a file system of read-only pieces, gives up every right, and starts the worker in there.

A program of its own: `python -I -S enclose.py FD`, FD being a descriptor with the plan as JSON (see `namespaces.py`).
It does with the kernel's calls what bubblewrap does, and needs Linux 5.12 or later. Whatever fails ends it with one
line that says so.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import struct
import sys

# Of mounts, host names, IPC, processes and the network.
NEW_NAMESPACES = 0x00020000 | 0x04000000 | 0x08000000 | 0x20000000 | 0x40000000
NEW_USER = 0x10000000
NOSUID, NODEV, NOEXEC, BIND, RECURSIVE, PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
DETACH = 2
MOUNT_SETATTR, HERE, BELOW_TOO = 442, -100, 0x8000
READ_ONLY = 1 | 2 | 4  # and without set-user-ID programs and devices
DEATH_SIGNAL, NO_NEW_PRIVILEGES, SECCOMP, FILTER = 1, 38, 22, 2
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
DEVICES = ("null", "zero", "full", "random", "urandom")
OLD, NEW = "/old", "/new"


def call(what: str, result: int) -> None:
    """Ends the program if a call of the kernel has failed."""
    if result < 0:
        sys.exit(f"{what}: {os.strerror(ctypes.get_errno())}")


class Enclosure:
    """The steps, in order.

    Args:
        plan: see `namespaces.py`.
    """

    def __init__(self, plan: dict) -> None:
        self.plan = plan
        self.libc = ctypes.CDLL(None, use_errno=True)

    def run(self) -> int:
        """Makes everything and runs the worker; returns its exit code."""
        plan, uid, gid = self.plan, os.getuid(), os.getgid()
        call("death signal", self.libc.prctl(DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0))
        call("unshare", self.libc.unshare(NEW_NAMESPACES | (0 if plan["as_root"] else NEW_USER)))
        if not plan["as_root"]:
            for name, content in (("setgroups", "deny"), ("uid_map", f"65534 {uid} 1"), ("gid_map", f"65534 {gid} 1")):
                with open(f"/proc/self/{name}", "w") as file:
                    file.write(content)
        first = os.fork()  # process 1 in there: when it ends, the kernel ends all others
        if first:
            return exit_code(os.waitpid(first, 0)[1])
        call("death signal", self.libc.prctl(DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0))
        self.make_files()
        call("host name", self.libc.sethostname(b"sandbox", 7))
        worker = os.fork()
        if not worker:
            self.become_worker()
        for fd in (0, 1):
            os.close(fd)  # the worker's end is the end of the pipes
        while True:
            ended, status = os.wait()
            if ended == worker:
                os._exit(exit_code(status))

    def make_files(self) -> None:
        plan, libc = self.plan, self.libc
        self.mount("none", "/", None, RECURSIVE | PRIVATE)
        self.mount("tmpfs", "/tmp", "tmpfs", NOSUID | NODEV, "mode=0755,size=1m")
        for folder in (OLD, NEW):
            os.mkdir("/tmp" + folder)
        self.pivot("/tmp", "/tmp" + OLD)
        os.chdir("/")
        self.mount("tmpfs", NEW, "tmpfs", NOSUID | NODEV, "mode=0755,size=1m")
        for folder in ("/proc", "/dev", "/tmp"):
            os.mkdir(NEW + folder, 0o755)
        limits = f"mode=1777,size={plan['disk']},nr_inodes={plan['files']}"
        self.mount("tmpfs", NEW + "/tmp", "tmpfs", NOSUID | NODEV, limits)
        for folder in plan["folders"]:
            os.makedirs(NEW + folder, mode=0o755, exist_ok=True)
        for source, inside in plan["read_only"]:
            self.show(source, inside)
        for target, inside in plan["links"]:
            os.symlink(target, NEW + inside)
        for folder in plan["hidden"]:
            self.mount("tmpfs", NEW + folder, "tmpfs", NOSUID | NODEV, "mode=0555,size=4k")
            self.read_only(NEW + folder)
        self.mount("proc", NEW + "/proc", "proc", NOSUID | NODEV | NOEXEC)
        self.mount(OLD + "/proc/sys", NEW + "/proc/sys", None, BIND | RECURSIVE)
        self.read_only(NEW + "/proc/sys", BELOW_TOO)
        self.make_devices()
        os.chdir(NEW)
        self.pivot(".", ".")
        call("leaving the old root", libc.umount2(b".", DETACH))
        os.chdir("/")
        self.read_only("/")
        self.read_only("/dev")

    def make_devices(self) -> None:
        self.mount("tmpfs", NEW + "/dev", "tmpfs", NOSUID, "mode=0755,size=1m")
        for device in DEVICES:
            with open(f"{NEW}/dev/{device}", "wb"):
                pass
            self.mount(f"{OLD}/dev/{device}", f"{NEW}/dev/{device}", None, BIND)
        for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
            os.symlink(target, f"{NEW}/dev/{name}")
        os.mkdir(NEW + "/dev/shm")
        limits = f"mode=1777,size={self.plan['shm']},nr_inodes={self.plan['files']}"
        self.mount("tmpfs", NEW + "/dev/shm", "tmpfs", NOSUID | NODEV, limits)

    def show(self, source: str, inside: str) -> None:
        """Binds a file or a folder of the machine, read-only with all that is mounted below it."""
        if os.path.isdir(OLD + source):
            os.makedirs(NEW + inside, mode=0o755, exist_ok=True)
        else:
            os.close(os.open(NEW + inside, os.O_CREAT | os.O_WRONLY, 0o644))
        self.mount(OLD + source, NEW + inside, None, BIND | RECURSIVE)
        self.read_only(NEW + inside, BELOW_TOO)

    def read_only(self, place: str, below: int = 0) -> None:
        attributes = struct.pack("=4Q", READ_ONLY, 0, 0, 0)
        done = self.libc.syscall(MOUNT_SETATTR, HERE, place.encode(), below, attributes, len(attributes))
        call(f"making {place} read-only", done)

    def mount(self, source: str, place: str, kind: str | None, flags: int, options: str | None = None) -> None:
        encoded = [None if text is None else text.encode() for text in (source, place, kind, options)]
        done = self.libc.mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3])
        call(f"mounting {place}", done)

    def pivot(self, new: str, old: str) -> None:
        call("new root", self.libc.syscall(PIVOT_ROOT[os.uname().machine], new.encode(), old.encode()))

    def become_worker(self) -> None:
        call("no new privileges", self.libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        os.setsid()
        if self.plan["filter"] is not None:
            program = bytes.fromhex(self.plan["filter"])
            buffer = ctypes.create_string_buffer(program, len(program))
            header = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
            call("filter", self.libc.prctl(SECCOMP, FILTER, header, 0, 0))
        # Not root: the kernel takes every capability away here. As root the worker gives them up as its first step.
        command = self.plan["command"]
        os.execve(command[0], command, self.plan["environment"])


def exit_code(status: int) -> int:
    """As shells tell it: 128 and the signal's number where a signal ended a process."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    with open(int(sys.argv[1]), "rb") as plan_file:
        sys.exit(Enclosure(json.load(plan_file)).run())
