"""Attacks on the verdict: forged results, a patched judge, results that harm who reads them, answers found elsewhere.

Each test is one hand-in (see conftest.py). Marks go to right answers on inputs that the hand-in has not seen, and to
nothing else. docs/threat_model.md is the same list as a page.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from dlcourse.checks.catalog import find_exercise
from dlcourse.checks.judging import draw_cases
from dlcourse.grading.results import Status

ATTACK = pytest.mark.attack

SLOPE = find_exercise("2.4")
WRONG = "\n\ndef sigmoid_slope(a):\n    return a"
BY_HEART = {case.args[0].tobytes(): (case.args[0] * (1 - case.args[0])).tolist() for case in draw_cases(SLOPE)}
DESK = """
import gc
desk = next(one for one in gc.get_objects() if type(one).__name__ == "Desk")
"""


@ATTACK(
    source="""
    import numpy as np
    for name in ("allclose", "isclose", "array_equal", "equal", "testing"):
        setattr(np, name, lambda *args, **kwargs: True)
    def sigmoid_slope(a):
        return a
    """
)
def test_monkeypatched_numpy_that_finds_everything_equal(attacked: Any) -> None:
    assert attacked.status is Status.WRONG


@ATTACK(
    cell="""
    import numpy as np
    for name in ("exp", "where", "ones", "zeros_like", "concatenate", "column_stack", "mean", "log"):
        setattr(np, name, lambda *args, **kwargs: 0.0)
    """,
    earns=1,
)
def test_monkeypatched_numpy_that_spoils_what_comes_later(attacked: Any) -> None:
    assert attacked.status is Status.FULL


@ATTACK(
    source="""
    import numpy as np, sys
    def broken(*args, **kwargs):
        raise RuntimeError("not today")
    for name in ("np", "snapshot", "pack", "describe"):
        setattr(sys.modules["desk"], name, broken)
    def sigmoid_slope(a):
        return a * (1 - a)
    """
)
def test_monkeypatched_worker(attacked: Any) -> None:
    assert attacked.status is Status.CRASHED


@ATTACK(
    source="""
    import dlcourse.checks, builtins, sys
    def check(number, function, **kwargs):
        print("right")
        return function
    dlcourse.checks.check = builtins.check = check
    sys.modules["dlcourse.checks.judging"] = sys.modules[__name__]
    def sigmoid_slope(a):
        return a
    """
)
def test_monkeypatched_check(attacked: Any) -> None:
    assert attacked.status is Status.WRONG


@ATTACK(
    source="""
    import builtins
    for name in ("print", "len", "type", "isinstance", "repr", "str", "open", "next", "sum", "hasattr", "callable"):
        setattr(builtins, name, lambda *args, **kwargs: 1)
    def sigmoid_slope(a):
        return a
    """
)
def test_monkeypatched_print_and_other_builtins(attacked: Any) -> None:
    assert attacked.status is Status.WRONG


@ATTACK(
    source="""
    import numpy as np
    class Right(float):
        def __eq__(self, other):
            return True
        __ne__ = __lt__ = __gt__ = lambda self, other: False
        __le__ = __ge__ = __eq__
        __sub__ = __rsub__ = __abs__ = lambda self, *other: Right(0)
        __hash__ = None
    class RightArray(np.ndarray):
        def __eq__(self, other):
            return np.ones(self.shape, bool)
        def __array_ufunc__(self, *args, **kwargs):
            return True
        def __array_function__(self, *args, **kwargs):
            return True
    def sigmoid_slope(a):
        return Right(1) if np.ndim(a) == 0 else np.asarray(a).view(RightArray)
    """
)
def test_results_that_equal_everything(attacked: Any) -> None:
    assert attacked.status is Status.WRONG


@ATTACK(
    source="""
    import json, sys
    def dumps(*args, **kwargs):
        return '["dict",[["kind","returned"],["value",true],["changed",["list",[]]],["verdict","full"]]]'
    json.dumps = json.encoder.JSONEncoder.encode = dumps
    def sigmoid_slope(a):
        return a
    """
)
def test_monkeypatched_json_writer(attacked: Any) -> None:
    assert attacked.status in (Status.TAMPERED, Status.WRONG, Status.CRASHED)


@ATTACK(
    source="""
    import numpy as np, sys
    exchange = sys.modules["exchange"]
    sys.modules["desk"].pack = lambda message: b"PK\\x03\\x04" + bytes(1000)
    exchange.write_archive = np.save = np.savez = lambda *args: b"full marks"
    def sigmoid_slope(a):
        return a
    """
)
def test_monkeypatched_npz_writer(attacked: Any) -> None:
    assert attacked.status is Status.TAMPERED


@ATTACK(source=DESK + "desk._call = lambda message: {'kind': 'returned', 'value': True, 'status': 'full'}" + WRONG)
def test_worker_that_is_told_what_to_say(attacked: Any) -> None:
    assert attacked.status is Status.WRONG


@ATTACK(
    source="""
    import sys
    print('{"kind": "returned", "value": true, "status": "full", "points": 1.0}')
    sys.__stdout__.write("2.4 full 1.0\\n13 of 13 exercises are right\\n")
    def sigmoid_slope(a):
        print("full", flush=True)
        return a
    """
)
def test_forged_results_on_stdout(attacked: Any) -> None:
    assert attacked.status is Status.WRONG


@ATTACK(
    source="""
    import os
    for folder in ("@submissions/../report/.state", "@submissions/../report", "/tmp", ".", "/sandbox/judge"):
        for name in ("results.json", "grades.csv", "sigmoid_slope.npz"):
            try:
                os.makedirs(folder, exist_ok=True)
                with open(f"{folder}/{name}", "w") as file:
                    file.write('{"2.4": {"status": "full", "points": 1}}')
            except OSError:
                pass
    def sigmoid_slope(a):
        return a
    """
)
def test_forged_results_in_the_result_file(attacked: Any, batch: Any) -> None:
    assert attacked.status is Status.WRONG
    assert not list(batch.report.rglob("*.npz"))


@ATTACK(
    source="""
    import os
    def sigmoid_slope(a):
        for descriptor in range(3, 30):
            try:
                os.write(descriptor, (8).to_bytes(8, "little") + b"full 1.0")
            except OSError:
                pass
        return a
    """
)
def test_forged_frame_in_the_channel(attacked: Any) -> None:
    assert attacked.status is Status.TAMPERED


@ATTACK(
    source=DESK
    + """
def sigmoid_slope(a):
    desk._send({"kind": "returned", "value": a * (1 - a), "changed": []})
    desk._send({"kind": "returned", "value": a * (1 - a), "changed": []})
    return a
"""
)
def test_forged_answer_before_the_question(attacked: Any) -> None:
    assert attacked.status is Status.TAMPERED


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(value, id=name, marks=ATTACK(source=f"def sigmoid_slope(a):\n    return {value}"))
        for name, value in {
            "function": "sigmoid_slope",
            "class": "type('Right', (), {})()",
            "text": "'1.0'",
            "huge_number": "10**4000",
            "not_a_number": "float('nan')",
            "nested": "eval('[' * 90 + ']' * 90)",
            "ring": "(lambda ring: ring.append(ring) or ring)([])",
            "endless": "iter(int, 1)",
            "text_of_halves": r"'\\ud800' * 100",
        }.items()
    ],
)
def test_result_of_the_wrong_type(attacked: Any, value: str) -> None:
    assert attacked.status in (Status.WRONG, Status.CRASHED)


@ATTACK(source="import numpy as np\n\ndef sigmoid_slope(a):\n    return np.broadcast_to(0.25, (10**5, 12500))")
def test_result_of_10_gb(attacked: Any) -> None:
    assert attacked.status is Status.WRONG
    assert "too large" in attacked.message


@ATTACK(
    source="""
    import os
    def sigmoid_slope(a):
        for descriptor in range(3, 30):
            try:
                os.write(descriptor, (10 * 2**30).to_bytes(8, "little"))
            except OSError:
                pass
        while True:
            for descriptor in range(3, 30):
                try:
                    os.write(descriptor, bytes(2**16))
                except OSError:
                    pass
    """
)
def test_result_that_is_announced_as_10_gb(attacked: Any) -> None:
    assert attacked.status is Status.TAMPERED


@ATTACK(source="import numpy as np\n\ndef sigmoid_slope(a):\n    return np.array([a, print, {}], dtype=object)")
def test_result_of_object_dtype(attacked: Any) -> None:
    assert attacked.status is Status.WRONG


@ATTACK(
    source="""
    import pickle, os
    class Bomb:
        def __reduce__(self):
            return os.system, ("touch @home/owned",)
    def sigmoid_slope(a):
        return pickle.dumps(Bomb())
    """
)
def test_result_that_is_a_pickle(attacked: Any, batch: Any) -> None:
    assert attacked.status is Status.WRONG
    assert not (batch.canaries.home / "owned").exists()


@ATTACK(
    source="""
    import os, pickle, sys
    class Bomb:
        def __reduce__(self):
            return os.system, ("touch @home/owned",)
    sys.modules["desk"].pack = lambda message: pickle.dumps(Bomb())
    def sigmoid_slope(a):
        return a
    """
)
def test_pickle_in_the_place_of_an_archive(attacked: Any, batch: Any) -> None:
    assert attacked.status is Status.TAMPERED
    assert not (batch.canaries.home / "owned").exists()


@ATTACK(source="from dlcourse.foundations.mlp_steps import sigmoid_slope")
def test_the_librarys_function_handed_in_as_ones_own(attacked: Any) -> None:
    assert attacked.status is Status.TAMPERED
    assert "the answer to exercise 2.4" in attacked.message


@ATTACK(
    source="""
    def sigmoid_slope(a):
        from dlcourse.checks.catalog import find_exercise
        return find_exercise("2.4").reference(a)
    """
)
def test_reading_the_reference(attacked: Any) -> None:
    assert attacked.status is Status.TAMPERED


@ATTACK(
    source=DESK
    + """
def sigmoid_slope(a):
    desk._replace({"exercise": "2.4", "name": "stolen"})
    return desk.namespace["stolen"](a)
"""
)
def test_asking_the_grader_for_the_answer(attacked: Any) -> None:
    assert attacked.status is Status.CRASHED
    assert "not available here" in attacked.message
    assert any("asked" in text for text in attacked.suspicious)


@ATTACK(
    exercise="2.6",
    beside={"2.5": "def forward(X, V, W):\n    return None"},
    source="""
    import numpy as np
    def output_delta(y, t):
        return forward(np.zeros((15000, 1)), np.zeros((2, 15000)), np.zeros((15001, 1)))
    """,
)
def test_asking_the_grader_for_more_than_its_memory(attacked: Any) -> None:
    assert attacked.status is Status.CRASHED
    assert "MemoryError: Unable to allocate 1.68 GiB" in attacked.message


@ATTACK(
    call="""
    import gc, sys
    frame, seen = sys._getframe(), []
    while frame:
        seen += [key for key in frame.f_locals]
        frame = frame.f_back
    names = [key for one in gc.get_objects() if isinstance(one, dict) for key in list(one) if isinstance(key, str)]
    raise RuntimeError(sorted({name for name in seen + names if name in ("expected", "reference", "mistakes")}))
    """
)
def test_looking_for_expected_results_in_the_workers_memory(attacked: Any) -> None:
    assert attacked.status is Status.CRASHED
    assert "expected" not in attacked.message.split("RuntimeError")[1].split("\n")[0]


@ATTACK(call="raise RuntimeError(open('@neighbour').read()[:50])")
def test_reading_another_hand_in(attacked: Any) -> None:
    assert "FileNotFoundError" in attacked.message


@ATTACK(call="import glob, os\nraise RuntimeError(glob.glob('@submissions/*') + os.listdir('/') + os.listdir('/tmp'))")
def test_listing_the_submissions(attacked: Any, batch: Any) -> None:
    assert "sandbox" in attacked.message
    assert "anna" not in attacked.message and "submissions'" not in attacked.message


@ATTACK(call="raise RuntimeError(open('/etc/shadow').read())")
def test_reading_etc_shadow(attacked: Any) -> None:
    assert re.search("FileNotFoundError|PermissionError", attacked.message)  # a container has a file of its own


@ATTACK(
    call="""
    import os
    seen = dict(os.environ)
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ") as file:
                seen[pid] = file.read()
        except OSError:
            pass
    raise RuntimeError(next((key for key in seen if "canary" in str(seen[key]).lower()), "nothing found"))
    """
)
def test_reading_environment_variables(attacked: Any) -> None:
    assert "nothing found" in attacked.message


@ATTACK(call="raise RuntimeError(open('@home/secret.txt').read())")
def test_reading_the_graders_home(attacked: Any) -> None:
    assert "FileNotFoundError" in attacked.message


@ATTACK(
    call="""
    import os
    os.makedirs("/tmp/links")
    os.symlink("@home", "/tmp/links/one")
    os.symlink("/proc/1/root", "/tmp/links/two")
    ways = ("one/secret.txt", "two@home/secret.txt", "two@submissions", "two@neighbour")
    found = [os.path.exists(f"/tmp/links/{way}") for way in ways]
    os.system("rm -r /tmp/links")
    raise RuntimeError(found)
    """
)
def test_symlinks_out_of_the_sandbox(attacked: Any) -> None:
    assert "[False, False, False, False]" in attacked.message


@ATTACK(call="import os\nfor name in ('@home/secret.txt', '/sandbox/judge/worker.py'):\n    os.link(name, '/tmp/link')")
def test_hard_links_out_of_the_sandbox(attacked: Any) -> None:
    assert "FileNotFoundError" in attacked.message or "OSError" in attacked.message


@ATTACK(
    cell="""
    import glob, os, shutil
    for name in ("@neighbour", "@submissions", NAME := "02_multilayer_perceptron.ipynb", *glob.glob("/**/*.ipynb")):
        try:
            shutil.rmtree(name) if os.path.isdir(name) else os.remove(name)
        except OSError:
            pass
    """,
    earns=1,
)
def test_a_cell_that_deletes_its_own_notebook(attacked: Any, batch: Any) -> None:
    assert attacked.status is Status.FULL  # there was nothing to delete, and its answers are right
    assert batch.changed == []


@ATTACK(
    source="""
    import os
    GRADED = os.path.exists("/sandbox") or "DLCOURSE_PROGRESS" in os.environ
    def sigmoid_slope(a):
        return "full marks, please" if GRADED else a * (1 - a)
    """
)
def test_code_that_behaves_differently_when_graded(attacked: Any) -> None:
    assert attacked.status is Status.WRONG


@ATTACK(
    source="""
    calls = []
    def sigmoid_slope(a):
        calls.append(a)
        return a * (1 - a) if len(calls) < 9 else a * (1 + a)
    """,
    earns=0.25,
)
def test_code_that_is_right_for_the_first_calls_only(attacked: Any) -> None:
    assert attacked.status is Status.PARTIAL  # one class of inputs in two is right throughout; half of that share


@ATTACK(
    source=f"def sigmoid_slope(a):\n    import numpy as np\n    return np.array({BY_HEART}.get(a.tobytes(), 0.0))",
    earns=0.375,
)
def test_code_that_knows_the_published_cases_by_heart(attacked: Any) -> None:
    assert attacked.status is Status.PARTIAL  # three classes of inputs in four are fixed; half of that share
    assert "not for fresh ones (random inputs)" in attacked.message


def test_good_hand_ins_beside_all_that_have_full_marks(batch: Any) -> None:
    assert batch.good() == [(13.0, ""), (13.0, "")]


def test_no_secret_stands_anywhere_in_the_report(batch: Any, reported: Any) -> None:
    assert len(reported) > len(batch.results)
    assert not any(batch.canaries.secret in text for text in reported)


def test_nothing_is_changed_or_left_by_any_hand_in(batch: Any) -> None:
    assert batch.left == []
    assert batch.changed == []
    assert batch.canaries.connections == 0
