"""Isolation by the kernel's namespaces alone, where bubblewrap is not installed: see `enclose.py`."""

from __future__ import annotations

import json
import os
import sys

from dlcourse.grading.sandboxes.isolation import Isolation, Launch, in_memory, own_uid, ways
from dlcourse.grading.sandboxes.limits import Limits
from dlcourse.grading.sandboxes.seccomp import refusal_filter
from dlcourse.grading.sandboxes.view import SHM_SIZE, View, folders_above


class Namespaces(Isolation):
    """Runs the worker in namespaces that a small program of our own makes.

    Args:
        as_root: as for `Bubblewrap`.
    """

    name = "namespaces"

    def __init__(self, as_root: bool) -> None:
        self.as_root = as_root

    def launch(self, view: View, limits: Limits) -> Launch:
        uid = own_uid() if self.as_root else None
        program = refusal_filter()
        plan = {
            "as_root": self.as_root,
            "folders": folders_above(view),
            "read_only": [[str(source), inside] for inside, source in view.read_only.items()],
            "links": [[target, inside] for inside, target in view.links.items()],
            "hidden": list(view.hidden),
            "disk": limits.disk,
            "files": limits.files,
            "shm": SHM_SIZE,
            "filter": None if program is None else program.hex(),
            "command": self.worker_command(view, limits, uid),
            "environment": dict(view.environment),
        }
        enclose = os.path.join(os.path.dirname(__file__), "enclose.py")
        fd = in_memory("plan", json.dumps(plan).encode())  # not on the command line, which can be read inside
        return Launch([sys.executable, "-I", "-S", "-B", enclose, str(fd)], {}, (fd,))


def find_namespaces() -> tuple[Namespaces | None, str]:
    """Namespaces as they work here, or None and the reason."""
    if sys.platform != "linux":
        return None, f"namespaces: {sys.platform} has none"
    possible, why_not = ways()
    reasons = [why_not] if why_not else []
    for as_root in possible:
        isolation = Namespaces(as_root)
        reason = isolation.try_out()
        if not reason:
            return isolation, ""
        reasons.append(reason)
    return None, "namespaces: " + "; ".join(dict.fromkeys(reasons))
