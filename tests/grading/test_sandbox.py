"""A hand-in runs as in a notebook, and sees nothing of the machine."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlcourse.checks.values import Opaque
from dlcourse.grading.sandboxes import choice
from dlcourse.grading.sandboxes.box import SandboxError
from dlcourse.grading.sandboxes.isolation import Isolation
from dlcourse.grading.sandboxes.sandbox import Sandbox


class TestNotebookInside:
    def test_cells_share_a_namespace_and_functions_are_called_with_what_is_sent(
        self, inside: Any, box: Sandbox
    ) -> None:
        assert inside.run(box, "import numpy as np\nfrom dlcourse import STRIPPED\nscale = 2.0")["error"] is None
        assert inside.run(box, "def neuron(x, w, b):\n    return scale * (x @ w + b)")["error"] is None
        call = {"kind": "call", "name": "neuron", "args": (np.array([1.0, 2.0]), np.array([0.5, -1.0]), 0.25)}
        assert box.request(call, 10) == {"kind": "returned", "value": -2.5, "changed": []}

    def test_an_input_that_is_changed_in_place_is_told_by_its_name(self, inside: Any, box: Sandbox) -> None:
        inside.run(box, "def spoil(x, w):\n    w += 1\n    return x")
        call = {"kind": "call", "name": "spoil", "args": (np.ones(2), np.zeros(2)), "names": ["x", "w"]}
        assert box.request(call, 10)["changed"] == ["w"]

    def test_errors_tell_class_text_line_and_traceback(self, inside: Any, box: Sandbox) -> None:
        error = inside.run(box, "x = 1\nraise KeyError('nothing')")["error"]
        assert (error["name"], error["message"]) == ("KeyError", "'nothing'")
        assert any("line 2" in line for line in error["lines"])
        inside.run(box, "def f(x):\n    y = x\n    raise NotImplementedError('fill in')")
        raised = box.request({"kind": "call", "name": "f", "args": (1,)}, 10)
        assert (raised["kind"], raised["line"], raised["is_stub"]) == ("raised", 3, True)

    def test_functions_that_are_not_there_or_do_not_fit_are_told(self, inside: Any, box: Sandbox) -> None:
        inside.run(box, "values = [1]\ndef two(a, b):\n    return a")
        replies = [box.request({"kind": "call", "name": name, "args": (1,)}, 10) for name in ("gone", "values", "two")]
        assert replies[0] == {"kind": "no function", "what": "nothing"}
        assert replies[1] == {"kind": "no function", "what": "a list"}
        assert replies[2] == {"kind": "misfit", "signature": "(a, b)"}

    def test_leaving_is_an_error_like_any_other(self, inside: Any, box: Sandbox) -> None:
        assert inside.run(box, "import sys\nsys.exit(0)")["error"]["name"] == "SystemExit"
        assert inside.run(box, "def broken(:")["error"]["name"] == "SyntaxError"
        assert inside.run(box, "input()")["error"]["name"] == "RuntimeError"

    def test_global_random_numbers_are_seeded_for_a_call(self, inside: Any, box: Sandbox) -> None:
        inside.run(box, "import numpy as np\ndef draw():\n    return np.random.normal(size=3)")
        draws = [box.request({"kind": "call", "name": "draw", "args": (), "seed": 5}, 10)["value"] for _ in range(2)]
        np.testing.assert_array_equal(draws[0], draws[1])
        np.testing.assert_array_equal(draws[0], np.random.RandomState(5).normal(size=3))

    def test_what_cannot_be_compared_comes_out_by_its_name(self, inside: Any, box: Sandbox) -> None:
        function, array = inside.tell(box, "import numpy\nreturn len, numpy.array([None, 1])")
        assert function == Opaque("a function") and array == Opaque("an array of Python objects of shape (2,)")

    def test_another_exercises_answer_is_asked_for_outside(self, inside: Any, box: Sandbox) -> None:
        assert box.request({"kind": "replace", "name": "square", "exercise": "2.1"}, 10)["kind"] == "replaced"
        asked = []

        def answer(question: dict[str, Any]) -> dict[str, Any]:
            asked.append(question["exercise"])
            return {"value": question["args"][0] ** 2}

        inside.run(box, "def twice(x):\n    return square(x) + square(x=x) if False else square(x) + square(x)")
        reply = box.request({"kind": "call", "name": "twice", "args": (np.array([3.0]),)}, 10, answer)
        np.testing.assert_array_equal(reply["value"], [18.0])
        assert asked == ["2.1", "2.1"]
        refused = box.request({"kind": "call", "name": "twice", "args": (1.0,)}, 10, lambda _: {"error": "not now"})
        assert (refused["kind"], refused["message"]) == ("raised", "not now")

    def test_magics_shell_commands_and_top_level_await(self, inside: Any, box: Sandbox) -> None:
        source = "%matplotlib inline\n%time value = 6 * 7\nlines = !echo from a shell\nimport asyncio\n"
        assert inside.run(box, source + "await asyncio.sleep(0)")["error"] is None
        assert inside.tell(box, "return [value, lines]") == [42, ["from a shell"]]

    def test_what_is_printed_is_kept_to_its_last_lines(self, inside: Any, box: Sandbox) -> None:
        inside.run(box, "for i in range(3000): print('line', i)")
        patience = time.monotonic() + 5
        while "line 2999" not in box.log and time.monotonic() < patience:
            time.sleep(0.01)
        assert "line 2999" in box.log and len(box.log) <= 201


class TestWhatItSees:
    def test_files_of_the_machine_are_not_there(self, inside: Any, box: Sandbox, tmp_path: Path) -> None:
        (tmp_path / "another hand-in.ipynb").write_text("{}")
        project = Path(choice.__file__).parents[2]
        secrets_outside = [
            "/etc/shadow",
            "/etc/passwd",
            str(tmp_path / "another hand-in.ipynb"),
            str(Path.home() / ".bashrc"),
        ]
        secrets_outside += [
            str(project / "pyproject.toml"),
            str(project / "dlcourse" / "checks"),
            str(project / "solutions"),
        ]
        seen = inside.tell(box, f"import os\nreturn [path for path in {secrets_outside!r} if os.path.exists(path)]")
        assert seen == []

    def test_the_answers_are_not_there(self, inside: Any, box: Sandbox) -> None:
        assert inside.tell(box, "import dlcourse.checks.exercise").startswith("ModuleNotFoundError")
        code = """
import sys, os
found = []
for folder in sys.path:
    for inside, folders, files in os.walk(os.path.join(folder, "dlcourse")):
        found += files
return sorted(set(found))
"""
        assert inside.tell(box, code) == ["__init__.py"]

    def test_an_installed_dlcourse_is_hidden_or_nothing_starts(
        self, inside: Any, isolation: Isolation, tmp_path: Path
    ) -> None:
        packages = tmp_path / "packages"
        (packages / "dlcourse" / "checks").mkdir(parents=True)
        (packages / "dlcourse" / "checks" / "exercise.py").write_text("ANSWER = 42\n")
        (packages / "other.py").write_text("HERE = True\n")
        for folder in (tmp_path, packages):
            folder.chmod(0o755)
        paths = [*isolation.view(tmp_path).third_party, packages]
        with Sandbox(isolation, inside.limits, tmp_path, paths) as box:
            assert inside.tell(box, "import other\nreturn other.HERE") is True
            assert inside.tell(box, f"import os\nreturn os.listdir({str(packages / 'dlcourse')!r})") == []
        with pytest.raises(SandboxError, match="holds dlcourse with the answers"):
            careless = Sandbox(isolation, inside.limits, tmp_path, paths)
            careless._view = type(careless._view)(**{**vars(careless._view), "hidden": ()})
            careless.__enter__()

    def test_no_variable_of_the_grader_is_there(
        self, inside: Any, isolation: Isolation, library: Path, monkeypatch: Any
    ) -> None:
        secret = secrets.token_hex(8)
        monkeypatch.setenv("GRADER_TOKEN", secret)
        with Sandbox(isolation, inside.limits, library) as box:
            code = """
import glob, os
text = repr(dict(os.environ))
for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
    try:
        text += open(path).read()
    except OSError:
        pass
return text
"""
            text = inside.tell(box, code)
        assert "OMP_NUM_THREADS" in text and secret not in text and "GRADER_TOKEN" not in text

    def test_there_is_no_network(self, inside: Any, box: Sandbox) -> None:
        code = "import socket\nreturn [name for _, name in socket.if_nameindex()]"
        assert inside.tell(box, code) == ["lo"]
        assert inside.tell(box, "import socket\nsocket.getaddrinfo('example.org', 80)").startswith("gaierror")
        assert inside.tell(box, "import socket\nsocket.create_connection(('192.0.2.1', 80), 1)").startswith("OSError")

    def test_processes_outside_are_not_there(self, inside: Any, box: Sandbox) -> None:
        count = inside.tell(box, "import os\nreturn len([name for name in os.listdir('/proc') if name.isdigit()])")
        assert count <= 3
        assert inside.tell(box, f"import os\nos.kill({os.getpid()}, 9)").startswith("ProcessLookupError")

    def test_nothing_can_be_written_but_the_private_folder(self, inside: Any, box: Sandbox) -> None:
        code = """
import os
written = []
for folder, inside, _ in os.walk("/"):
    if folder in ("/proc", "/tmp", "/dev/shm", "/dev/pts") or folder.count("/") > 2:
        inside.clear()
    elif os.access(folder, os.W_OK):
        written.append(folder)
for path in ("/proc/sys/kernel/hostname", "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger"):
    if os.access(path, os.W_OK):
        written.append(path)
open("note", "w").write("mine")
return written, os.getcwd()
"""
        assert inside.tell(box, code) == ([], "/tmp/home")

    def test_links_lead_nowhere(self, inside: Any, box: Sandbox) -> None:
        code = """
import os
found = []
shadow = "etc/shadow"
for i, target in enumerate((f"/{shadow}", f"/proc/1/root/{shadow}", f"/proc/1/cwd/{shadow}", f"../../../{shadow}")):
    os.symlink(target, f"link{i}")
    if os.path.exists(f"link{i}"):
        found.append(target)
try:
    os.link("/usr/bin/env", "hard")
    found.append("hard link")
except OSError:
    pass
return found
"""
        assert inside.tell(box, code) == []

    def test_it_has_no_rights_and_gets_none(self, inside: Any, box: Sandbox) -> None:
        code = """
import ctypes, os
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
libc = ctypes.CDLL(None, use_errno=True)
calls = [libc.unshare(0x10000000), libc.mount(b"none", b"/tmp", b"tmpfs", 0, None), libc.memfd_create(b"x", 0)]
calls.append(libc.shmget(0, 4096, 0o1600))
return os.getuid() > 0, int(status["CapEff"], 16), int(status["CapPrm"], 16), status["NoNewPrivs"].strip(), calls
"""
        assert inside.tell(box, code) == (True, 0, 0, "1", [-1, -1, -1, -1])
        assert inside.tell(box, "import os\nreturn os.setuid(0)") is not None
