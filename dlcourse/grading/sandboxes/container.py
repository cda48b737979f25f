"""Isolation by a container: podman or docker, with an image that the grader names."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
from pathlib import Path

from dlcourse.grading.sandboxes.isolation import Isolation, Launch
from dlcourse.grading.sandboxes.limits import Limits
from dlcourse.grading.sandboxes.view import HOME, JUDGE, LIBRARY, SHM_SIZE, View, environment, judge_folder

ENGINES = ("podman", "docker")


class Container(Isolation):
    """Runs the worker in a container of its own.

    Args:
        engine: "podman" or "docker".
        program: its path.
        image: an image with Python 3.11 or later and the packages that hand-ins may use, and without `dlcourse`.
    """

    counts_apart = False
    telling_line = 0

    def __init__(self, engine: str, program: str, image: str) -> None:
        self.name, self.program, self.image = engine, program, image

    def view(self, library: Path, python_paths: list[Path] | None = None, data: Path | None = None) -> View:
        """As everywhere, but that Python and its packages are the image's own; `python_paths` are not used."""
        read_only = {JUDGE: judge_folder(), LIBRARY: library.resolve()}
        own = {}
        if data is not None:
            read_only["/sandbox/data"] = data.resolve()
            own["DLCOURSE_DATA_DIR"] = "/sandbox/data"
        return View(
            read_only=read_only,
            links={},
            hidden=(),
            python="python3",
            judge=JUDGE,
            library=(LIBRARY,),
            third_party=(),
            environment={**environment(HOME, [LIBRARY]), "PATH": "/usr/local/bin:/usr/bin:/bin", **own},
        )

    def launch(self, view: View, limits: Limits) -> Launch:
        name = f"dlcourse-{secrets.token_hex(8)}"
        command = [self.program, "run", "--rm", "--interactive", "--init", "--name", name, "--hostname", "sandbox"]
        command += ["--network", "none", "--ipc", "private", "--read-only", "--user", "65534:65534"]
        command += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pull", "never"]
        command += ["--pids-limit", str(limits.processes + 2)]
        command += ["--memory", str(limits.memory), "--memory-swap", str(limits.memory)]
        command += ["--shm-size", str(SHM_SIZE), "--log-driver", "none", "--workdir", "/tmp", "--entrypoint", ""]
        inodes = f",nr_inodes={limits.files}" if self.name == "docker" else ""  # podman has no such option
        command += ["--tmpfs", f"/tmp:rw,nosuid,nodev,mode=1777,size={limits.disk}{inodes}"]
        for inside, source in view.read_only.items():
            command += ["--mount", f"type=bind,source={source},target={inside},readonly"]
        for variable, value in view.environment.items():
            command += ["--env", f"{variable}={value}"]
        # The environment is the engine's own client's; inside there is only what --env says.
        return Launch([*command, self.image, *self.worker_command(view, limits, None)], dict(os.environ), label=name)

    def end(self, pid: int | None, label: str) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired, OSError):
            subprocess.run([self.program, "rm", "--force", label], capture_output=True, timeout=30, check=False)

    def worker_command(self, view: View, limits: Limits, uid: int | None, home: str = HOME) -> list[str]:
        command = super().worker_command(view, limits, uid, home)
        settings = json.loads(command[-1])
        settings["third_party"] = None  # the image's own
        return [*command[:-1], json.dumps(settings)]


def find_container(engine: str, image: str | None) -> tuple[Container | None, str]:
    """The engine as it works here, or None and the reason.

    Args:
        engine: "podman" or "docker".
        image: which image; there is no default.
    """
    program = shutil.which(engine)
    if program is None:
        return None, f"{engine}: not installed"
    if not image:
        return None, f"{engine}: name an image with --image (Python 3.11 or later, NumPy, and no dlcourse in it)"
    isolation = Container(engine, program, image)
    reason = isolation.try_out()
    return (None, f"{engine}: {reason}") if reason else (isolation, "")
