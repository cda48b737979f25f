"""No isolation: a plain process with resource limits, for `--unsafe` and for one's own notebook.

It has the rights of whoever starts it. What is kept: limits, deadlines, an environment of its own, a private folder,
and that the answers are compared outside.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from dlcourse.grading.sandboxes.isolation import Isolation, Launch
from dlcourse.grading.sandboxes.limits import Limits
from dlcourse.grading.sandboxes.supervisor import kill_tree
from dlcourse.grading.sandboxes.view import View, environment, installed_packages, judge_folder

MARK = b"DLCOURSE_SANDBOX="


class Unsafe(Isolation):
    """Runs the worker as a plain process."""

    name = "none (unsafe)"
    safe = False
    counts_apart = False

    def view(self, library: Path, python_paths: list[Path] | None = None, data: Path | None = None) -> View:
        packages = tuple(map(str, installed_packages() if python_paths is None else python_paths))
        own = {} if data is None else {"DLCOURSE_DATA_DIR": str(data.resolve())}
        first = str(library.resolve())
        return View(
            read_only={},
            links={},
            hidden=(),
            python=sys.executable,
            judge=str(judge_folder()),
            library=(first,),
            third_party=packages,
            environment={**environment("", [first, *packages]), **own},
        )

    def launch(self, view: View, limits: Limits) -> Launch:
        home = tempfile.mkdtemp(prefix="dlcourse-unsafe-")
        variables = {**view.environment, "HOME": home, "TMPDIR": home, MARK.decode()[:-1]: home}
        return Launch(self.worker_command(view, limits, None, home), variables, label=home)

    def end(self, pid: int | None, label: str) -> None:
        if pid is not None:
            kill_tree(pid)
        # Processes that were left behind have no parent to be found by, but mostly their environment.
        for entry in os.listdir("/proc") if os.path.isdir("/proc") else []:
            with contextlib.suppress(OSError), open(f"/proc/{entry}/environ", "rb") as file:
                if entry.isdigit() and MARK + label.encode() in file.read().split(b"\0"):
                    kill_tree(int(entry))

    def clean(self, label: str) -> None:
        shutil.rmtree(label, ignore_errors=True)
