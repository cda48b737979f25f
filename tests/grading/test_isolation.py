"""Which isolation is taken, that none is refused, and what containers and the unsafe way do."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import pytest

from dlcourse.grading.sandboxes import choice
from dlcourse.grading.sandboxes.box import WorkerDiedError
from dlcourse.grading.sandboxes.bubblewrap import find_bubblewrap
from dlcourse.grading.sandboxes.choice import choose_isolation
from dlcourse.grading.sandboxes.container import Container, find_container
from dlcourse.grading.sandboxes.isolation import NoIsolationError
from dlcourse.grading.sandboxes.limits import Limits
from dlcourse.grading.sandboxes.sandbox import Sandbox
from dlcourse.grading.sandboxes.seccomp import refusal_filter
from dlcourse.grading.sandboxes.unsafe import Unsafe

MIB = 2**20


class TestChoice:
    def test_where_nothing_isolates_it_is_refused_and_says_what_was_tried(self, monkeypatch: Any) -> None:
        monkeypatch.setattr(choice, "find_bubblewrap", lambda: (None, "bubblewrap: bwrap is not installed"))
        monkeypatch.setattr(choice, "find_namespaces", lambda: (None, "namespaces: not allowed here"))
        with pytest.raises(NoIsolationError) as refused:
            choose_isolation()
        for part in ("bwrap is not installed", "not allowed here", "apt-get install bubblewrap", "--unsafe", "podman"):
            assert part in str(refused.value)
        assert choose_isolation(unsafe=True).safe is False

    def test_bubblewrap_that_is_missing_or_broken_is_not_taken(self, monkeypatch: Any, tmp_path: Path) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        assert find_bubblewrap() == (None, "bubblewrap: bwrap is not installed")
        broken = tmp_path / "bwrap"
        broken.write_text("#!/bin/sh\necho 'setting up uid map: Permission denied' >&2\nexit 1\n")
        broken.chmod(0o755)
        assert find_bubblewrap() == (None, "bubblewrap: setting up uid map: Permission denied")
        with pytest.raises(NoIsolationError, match="Permission denied"):
            choose_isolation("bubblewrap")

    def test_a_container_comes_before_namespaces_where_an_image_is_named(self, monkeypatch: Any) -> None:
        podman = Container("podman", "/usr/bin/podman", "course:1")
        monkeypatch.setattr(choice, "find_bubblewrap", lambda: (None, "not here"))
        monkeypatch.setattr(choice, "find_namespaces", lambda: (Unsafe(), ""))
        monkeypatch.setattr(
            choice, "find_container", lambda engine, image: (podman if engine == "podman" else None, "")
        )
        assert isinstance(choose_isolation(), Unsafe)
        assert choose_isolation(image="course:1") is podman

    def test_bad_wishes_are_refused(self) -> None:
        with pytest.raises(ValueError, match="'chroot' is no kind of sandbox"):
            choose_isolation("chroot")
        with pytest.raises(ValueError, match="cannot both be had"):
            choose_isolation("bubblewrap", unsafe=True)
        with pytest.raises(ValueError, match="memory is 0"):
            Limits(memory=0)

    def test_the_filter_is_known_for_two_machines_and_none_for_others(self) -> None:
        assert refusal_filter("riscv64") is None
        for machine in ("x86_64", "aarch64"):
            assert len(refusal_filter(machine) or b"") % 8 == 0


class TestContainer:
    def test_the_command_line_closes_everything(self, inside: Any, library: Path) -> None:
        isolation = Container("podman", "/usr/bin/podman", "course:1")
        launch = isolation.launch(isolation.view(library), inside.limits)
        command = launch.command
        options = list(itertools.pairwise(command))
        for expected in (
            ("--network", "none"),
            ("--cap-drop", "ALL"),
            ("--security-opt", "no-new-privileges"),
            ("--pids-limit", "26"),
            ("--memory", str(300 * MIB)),
            ("--memory-swap", str(300 * MIB)),
            ("--user", "65534:65534"),
            ("--pull", "never"),
            ("--name", launch.label),
        ):
            assert expected in options
        assert "--read-only" in command and "--rm" in command
        (scratch,) = [value for option, value in options if option == "--tmpfs"]
        assert scratch.startswith("/tmp:") and f",size={8 * MIB}" in scratch and "nr_inodes" not in scratch
        mounts = [value for option, value in options if option == "--mount"]
        assert len(mounts) == 2 and all(mount.endswith(",readonly") for mount in mounts)
        assert not [value for option, value in options if option == "--env" and "=" not in value]
        assert command[command.index("course:1") + 1] == "python3"

    @pytest.mark.parametrize("engine", ["podman", "docker"])
    def test_a_real_container(self, inside: Any, engine: str, library: Path) -> None:
        isolation, reason = find_container(engine, os.environ.get("DLCOURSE_TEST_IMAGE"))
        if isolation is None:
            pytest.skip(reason)
        with Sandbox(isolation, inside.limits, library) as box:
            assert inside.tell(box, "return 7") == 7


class TestUnsafe:
    def test_it_runs_with_limits_and_leaves_nothing_behind(self, inside: Any, library: Path) -> None:
        source = """
import os, time
daemon = os.fork()
if not daemon:
    os.setsid()
    time.sleep(600)
"""
        with Sandbox(Unsafe(), inside.limits, library) as box:
            inside.run(box, source)
            home, daemon = inside.tell(box, "import os\nreturn os.getcwd(), daemon")
            assert Path(home).is_dir() and "worker.py" in inside.command(daemon)
            assert inside.tell(box, "return len(bytearray(2**30))").startswith("MemoryError")
            with pytest.raises(WorkerDiedError):
                inside.run(box, "import os\nos._exit(1)")
        assert not Path(home).exists()
        assert inside.left_of((daemon,)) == []
