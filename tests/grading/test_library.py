"""The sandbox's dlcourse: no answers in it under any name, and everything else still works."""

import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from dlcourse.checks.catalog import exercises, labs
from dlcourse.checks.judging import call_fresh, draw_cases
from dlcourse.grading import library
from dlcourse.grading.library import PACKAGE, build_library, strip, withheld
from dlcourse.grading.withheld import SAME_ANSWERS

# Runs inside, where there is no reference: calls whatever can be called with an exercise's inputs.
PROBE = r"""
import contextlib, importlib, inspect, io, itertools, os, pickle, pkgutil, signal, sys, warnings
import numpy as np
warnings.simplefilter("ignore"); np.seterr(all="ignore")
for heavy in sys.argv[2].split(","):
    sys.modules[heavy] = None
questions = pickle.load(open(sys.argv[1], "rb"))
import dlcourse
callables, broken = {}, []
SKIP = ("checks", "grading", "cli", "plots", "doctor", "execution", "console", "catalog", "datasets.download")
class Late(BaseException): pass
def late(*_): raise Late
signal.signal(signal.SIGALRM, late)
def attempt(function, *args):
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        return True, function(*args)
    except (Exception, Late, SystemExit):
        return False, None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
for info in pkgutil.walk_packages(dlcourse.__path__, "dlcourse.", onerror=lambda name: None):
    inside = info.name.removeprefix("dlcourse.")
    if inside.startswith(SKIP) or not inside.startswith(sys.argv[3]):
        continue
    try:
        module = importlib.import_module(info.name)
    except ImportError:
        continue
    except Exception as error:
        broken.append(f"{info.name}: {error!r}")
        continue
    for name, value in list(vars(module).items()):
        if getattr(value, "__module__", None) != info.name:
            continue
        if inspect.isclass(value):
            made, one = attempt(value)
            for key, method in list(vars(value).items()):
                if made and callable(method) and not key.startswith("__"):
                    callables[f"{inside}:{name}.{key}"] = getattr(one, key)
        elif callable(value):
            callables[f"{inside}:{name}"] = value
def leaves(value):
    if isinstance(value, dict): value = list(value.values())
    if isinstance(value, (list, tuple)): return [leaf for entry in value for leaf in leaves(entry)]
    return [value]
def agrees(expected, got):
    try:
        wanted, given = leaves(expected), leaves(got)
        return len(wanted) == len(given) and all(
            np.shape(w) == np.shape(g) and (w == g if isinstance(w, str) else np.allclose(w, g, 1e-5, 1e-8, True))
            for w, g in zip(wanted, given))
    except Exception:
        return False
found = []
nowhere = open(os.devnull, "w")
with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
    for number, cases in questions.items():
        # The most telling cases first: nearly every candidate ends there.
        cases = sorted(cases, key=lambda case: -len(repr(case[1])))[:5]
        count = len(cases[0][0])
        orders = list(itertools.permutations(range(count))) if count <= 3 else [tuple(range(count))]
        for name, function in callables.items():
            for order in orders:
                try:
                    inspect.signature(function).bind(*order)
                except (TypeError, ValueError):
                    continue
                for args, expected in cases:
                    args = pickle.loads(pickle.dumps(args))
                    done, got = attempt(function, *[args[i] for i in order if i < len(args)])
                    if not done or not agrees(expected, got):
                        break
                else:
                    found.append((number, name))
                    break
sys.__stdout__.write(repr({"found": sorted(set(found)), "callables": len(callables), "broken": broken}))
"""
HEAVY = "tensorflow,keras,matplotlib,gymnasium,tf_agents,pandas"


def ask(code: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    start = f"import sys; sys.path.insert(0, {str(folder)!r})\n"
    # Whatever a function writes when it is called with arrays for paths stays out of the project.
    with tempfile.TemporaryDirectory() as nowhere:
        return subprocess.run(
            [sys.executable, "-I", "-c", start + code, *arguments],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            cwd=nowhere,
        )


def plain_cases(lab):
    """Inputs that can travel: for the two exercises whose inputs are functions there are none."""
    questions = {}
    for exercise in exercises(lab):
        cases = draw_cases(exercise)
        if not any(callable(value) for case in cases for value in case.args):
            questions[exercise.number] = [(case.args, call_fresh(exercise.reference, case)) for case in cases]
    return questions


def probe(lab, chapter, folder, tmp_path):
    path = tmp_path / "questions.pickle"
    path.write_bytes(pickle.dumps(plain_cases(lab)))
    asked = ask(PROBE, folder, str(path), HEAVY, chapter)
    assert asked.returncode == 0, asked.stderr
    return eval(asked.stdout)


@pytest.fixture(scope="module")
def library_02(tmp_path_factory):
    return build_library("02", tmp_path_factory.mktemp("library"))


@pytest.mark.parametrize(
    ("lab", "chapter"),
    [("01", "foundations"), ("02", "foundations"), ("03b", "approximation.genz"), ("08", "economics")],
)
def test_no_function_that_is_left_answers_an_exercise(lab, chapter, tmp_path):
    answers = probe(lab, chapter, build_library(lab, tmp_path), tmp_path)
    assert answers["broken"] == []
    assert answers["callables"] > 10
    assert answers["found"] == []


def test_the_search_for_answers_finds_them_in_the_whole_package(tmp_path):
    found = probe("02", "foundations", PACKAGE.parent, tmp_path)["found"]
    assert ("2.5", "foundations.mlp_steps:forward") in found
    assert ("2.12", "foundations._softmax:softmax") in found
    assert ("2.13", "foundations.losses:categorical_cross_entropy") in found


def test_every_lab_has_its_copy_in_which_each_answer_is_only_a_message(tmp_path):
    for lab in labs():
        folder = build_library(lab, tmp_path / lab)
        for (module, name), number in withheld(lab).items():
            if module.startswith("dlcourse.checks."):
                continue
            source = (folder / f"{module.replace('.', '/')}.py").read_text()
            assert f"{name} is the answer to exercise {number} and is not here" in source


def test_the_copy_holds_neither_references_nor_mistakes_nor_the_grader(library_02):
    inside = library_02 / "dlcourse"
    for folder in ("checks", "grading"):
        for path in (inside / folder).glob("*.py"):
            assert path.name == "__init__.py" or "raise WithheldError" in path.read_text()
            assert path.stat().st_size < 1000
    text = "\n".join(path.read_text(encoding="utf-8") for path in inside.rglob("*.py"))
    for exercise in exercises("02"):
        for mistake in exercise.mistakes:
            assert mistake.hint not in text
    assert not any(path.suffix == ".pyc" for path in inside.rglob("*"))
    assert not any(path.is_symlink() for path in inside.rglob("*"))


def test_an_installed_packages_worked_notebooks_stay_outside(tmp_path, monkeypatch):
    for name in ("__init__.py", "chapter.py", "_notebooks/solutions/02.json", "_weights/a.json", "checks/lab_02.py"):
        path = tmp_path / "dlcourse" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1")
    monkeypatch.setattr(library, "PACKAGE", tmp_path / "dlcourse")
    monkeypatch.setattr(library, "withheld", lambda lab: {})
    build_library("02", tmp_path / "out")
    copied = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    assert copied == {
        *("dlcourse/__init__.py", "dlcourse/chapter.py", "dlcourse/withheld.py"),
        *("dlcourse/checks/__init__.py", "dlcourse/checks/lab_02.py", "dlcourse/grading/__init__.py"),
    }
    assert "x = 1" not in (tmp_path / "out/dlcourse/checks/lab_02.py").read_text()


@pytest.mark.parametrize(
    "code",
    [
        "from dlcourse.foundations.mlp_steps import forward as f; f(1, 2, 3)",
        "from dlcourse.foundations import mlp_steps; mlp_steps.neuron(1, 2, 3)",
        "from dlcourse.foundations._softmax import softmax; softmax([[1.0]])",
        "from dlcourse.checks import find_exercise",
        "import dlcourse.checks.lab_02",
        "from dlcourse.checks.judging import judge",
        "import dlcourse.grading.verdicts",
    ],
)
def test_asking_for_an_answer_says_that_it_is_withheld(code, library_02):
    asked = ask(code, library_02)
    assert asked.returncode == 1
    assert asked.stderr.splitlines()[-1].startswith("dlcourse.withheld.WithheldError: ")


def test_what_the_lab_gives_away_still_works(library_02):
    asked = ask(
        "import numpy as np\n"
        "from dlcourse.checks import check, progress\n"
        "from dlcourse.foundations import sigmoid\n"
        "from dlcourse.foundations.mlp_steps import with_bias\n"
        "def f(x): return x\n"
        "assert check('2.1', f) is f and check('2.1', f, time_limit=1) is f\n"
        "progress()\n"
        "print(sigmoid(0.0), with_bias(np.array([[2.0]])).tolist())",
        library_02,
    )
    assert asked.stdout.split() == ["0.5", "[[1.0,", "2.0]]"], asked.stderr


def test_a_body_is_taken_out_whole_and_the_rest_stays():
    source = (
        "class A:\n    def f(self, x):\n        'gives x + 1'\n        return x + 1  # a comment\n    y = 2\n"
        "def g(): return 3\n"
    )
    namespace = {}
    stripped = strip(source, "a", {"A.f": "2.5"})
    exec(stripped, namespace)
    assert "x + 1" not in stripped and "comment" not in stripped
    assert namespace["A"].y == 2 and namespace["g"]() == 3
    assert "a.A.f is the answer to exercise 2.5" in stripped


def test_a_class_stands_for_all_of_its_methods():
    source = "class A:\n    def f(self):\n        return 1\n    def g(self):\n        return 2\n"
    assert strip(source, "a", {"A": "2.5"}).count("raise WithheldError") == 2


def test_a_name_that_is_gone_is_noticed():
    with pytest.raises(ValueError, match=r"a:f should be withheld but is not there; mend grading/withheld.py"):
        strip("x = 1", "a", {"f": "2.5"})


def test_the_table_names_exercises_that_there_are():
    known = {exercise.number for lab in labs() for exercise in exercises(lab)}
    assert set(SAME_ANSWERS) <= known
