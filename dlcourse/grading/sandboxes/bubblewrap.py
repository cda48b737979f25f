"""Isolation by bubblewrap: namespaces of its own for everything, and a file system made of read-only pieces."""

from __future__ import annotations

import shutil

from dlcourse.grading.sandboxes.isolation import Isolation, Launch, in_memory, own_uid, ways
from dlcourse.grading.sandboxes.limits import Limits
from dlcourse.grading.sandboxes.seccomp import refusal_filter
from dlcourse.grading.sandboxes.view import SHM_SIZE, View, folders_above

HOW_TO_INSTALL = "install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap; Fedora: dnf install bubblewrap)"


class Bubblewrap(Isolation):
    """Runs the worker under `bwrap`.

    Args:
        program: path of `bwrap`.
        as_root: whether this process is root and may make namespaces without a user namespace. The worker then runs
            as a user that nobody else is, for whom limits on processes bind; else as the grader's own user in a user
            namespace that has no other.
    """

    name = "bubblewrap"

    def __init__(self, program: str, as_root: bool) -> None:
        self.program = program
        self.as_root = as_root

    def launch(self, view: View, limits: Limits) -> Launch:
        arguments = [*self._namespaces(), *self._files(view, limits)]
        for name, value in view.environment.items():
            arguments += ["--setenv", name, value]
        fds = []
        program = refusal_filter()
        if program is not None:
            fds.append(in_memory("filter", program))
            arguments += ["--seccomp", str(fds[-1])]
        # Not on the command line, which can be read inside.
        fds.append(in_memory("arguments", b"".join(argument.encode() + b"\0" for argument in arguments)))
        command = self.worker_command(view, limits, own_uid() if self.as_root else None)
        return Launch([self.program, "--args", str(fds[-1]), "--", *command], {}, tuple(fds))

    def _namespaces(self) -> list[str]:
        arguments = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
        if self.as_root:
            arguments += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        else:
            arguments += ["--unshare-user", "--uid", "65534", "--gid", "65534"]
        return [*arguments, "--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox"]

    def _files(self, view: View, limits: Limits) -> list[str]:
        arguments = ["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev"]
        arguments += ["--perms", "1777", "--size", str(SHM_SIZE), "--tmpfs", "/dev/shm"]
        arguments += ["--perms", "1777", "--size", str(limits.disk), "--tmpfs", "/tmp"]
        for folder in folders_above(view):  # else bubblewrap makes them for root alone
            arguments += ["--perms", "0755", "--dir", folder]
        for inside, source in view.read_only.items():
            arguments += ["--ro-bind", str(source), inside]
        for inside, target in view.links.items():
            arguments += ["--symlink", target, inside]
        for folder in view.hidden:
            arguments += ["--perms", "0555", "--size", "4096", "--tmpfs", folder, "--remount-ro", folder]
        return [*arguments, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]


def find_bubblewrap() -> tuple[Bubblewrap | None, str]:
    """Bubblewrap as it works here, or None and the reason."""
    program = shutil.which("bwrap")
    if program is None:
        return None, "bubblewrap: bwrap is not installed"
    possible, why_not = ways()
    reasons = [why_not] if why_not else []
    for as_root in possible:
        isolation = Bubblewrap(program, as_root)
        reason = isolation.try_out()
        if not reason:
            return isolation, ""
        reasons.append(reason)
    return None, "bubblewrap: " + "; ".join(dict.fromkeys(reasons))
