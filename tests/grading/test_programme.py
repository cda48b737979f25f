"""The cut: every lab's worked exercises run from it and are right, and nothing else of the lab runs."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from functools import cache

import pytest

from dlcourse.catalog import find_lab
from dlcourse.checks import exercises, find_exercise
from dlcourse.checks.catalog import labs
from dlcourse.checks.judging import judge
from dlcourse.grading.reading import preparing
from dlcourse.grading.reading.cleaning import CleanCell, Cleaned, clean
from dlcourse.grading.reading.lab_cells import LabCell, LabExercise, TrustedLab
from dlcourse.grading.reading.notebook_file import Cell, Notebook, read_notebook
from dlcourse.grading.reading.preparing import prepare
from dlcourse.grading.reading.programme import Programme, Step, TangledError, programme
from dlcourse.grading.reading.scopes import names_of
from dlcourse.grading.reading.statements import statements_of

LABS = labs()


@cache
def lab_of(number: str) -> TrustedLab:
    return TrustedLab.read(find_lab(number).unsolved)


@cache
def worked(number: str) -> Programme:
    lab = lab_of(number)
    return programme(clean(read_notebook(find_lab(number).worked.read_bytes()), lab), lab)


def run(steps: Iterable[Step]) -> dict[str, object]:
    namespace: dict[str, object] = {"__name__": "__main__"}
    for step in steps:
        exec(compile(step.source, step.cell, "exec"), namespace)
    return namespace


@pytest.mark.parametrize("number", LABS)
def test_each_worked_exercise_runs_from_its_own_steps_alone_and_is_right(number: str) -> None:
    lab, made = lab_of(number), worked(number)
    assert [exercise.number for exercise in lab.exercises] == [exercise.number for exercise in exercises(number)]
    for exercise in lab.exercises:
        function = run(made.steps_for(exercise.number))[exercise.function]
        verdict = judge(find_exercise(exercise.number), function)
        assert verdict.passed, verdict.text


@pytest.mark.parametrize("number", LABS)
def test_the_whole_programme_defines_every_exercise_in_one_namespace(number: str) -> None:
    lab, made = lab_of(number), worked(number)
    namespace: dict[str, object] = {"__name__": "__main__"}
    seen = []
    for step in made.steps:
        exec(compile(step.source, step.cell, "exec"), namespace)
        if step.exercise:
            assert callable(namespace[lab.exercise(step.exercise).function])
            seen.append(step.exercise)
    assert seen == [exercise.number for exercise in lab.exercises]
    assert [step.index for step in made.steps] == list(range(len(made.steps)))


@pytest.mark.parametrize("number", LABS)
def test_nothing_of_a_lab_trains_draws_or_downloads(number: str) -> None:
    """What worked exercises need of the lab are imports of NumPy and the like, and definitions; TensorFlow for 4.2."""
    for step in worked(number).steps:
        if step.exercise is None:
            (statement,) = ast.parse(step.source).body
            assert isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef), step.source
            assert "matplotlib" not in step.source and "plots" not in step.source
            assert "keras" not in step.source
            assert ("tensorflow" in step.source) <= (step.needed_by == {"4.2"}), step.source


def test_exercises_name_the_others_that_they_use() -> None:
    needs = {number: others for number, others in worked("02").needs.items() if others}
    assert needs == {
        "2.3": ("2.2",),
        "2.6": ("2.4",),
        "2.7": ("2.4",),
        "2.10": ("2.4", "2.5", "2.6", "2.7", "2.8"),
    }
    lab = lab_of("02")
    cells = clean(read_notebook(find_lab("02").worked.read_bytes()), lab).cells
    without = Cleaned(tuple(cell for cell in cells if cell.exercise != "2.4"), {"2.4": "stub"})
    made = programme(without, lab)
    assert made.needs["2.6"] == ("2.4",) and made.missing == {"2.4": "stub"}
    assert "2.4" not in [step.exercise for step in made.steps]


# A small lab: cells, then what the student wrote between them.
LAB = TrustedLab(
    "99",
    "99_small",
    (
        LabCell("top", "import numpy as np\nfrom dlcourse.checks import check\nsize = 3\ntable = {}\ntable['a'] = 1"),
        LabCell("e1", "def one(x):\n    raise NotImplementedError", "99.1"),
        LabCell("c1", 'one = check("99.1", one)'),
        LabCell("train", "size = one(10 ** 9)\nprint(size)\nresult = one(2)\ntable['b'] = 2"),
        LabCell("e2", "def two(x):\n    raise NotImplementedError", "99.2"),
    ),
    (LabExercise("99.1", "e1", "one", ""), LabExercise("99.2", "e2", "two", "")),
)


def cut(one: str = "def one(x):\n    return x", two: str = "def two(x):\n    return x", **own: str) -> Programme:
    """The programme of the small lab with these answers; `own` are the student's cells, after the lab's of that id."""
    cells = []
    for cell in LAB.cells:
        answer = {"99.1": one, "99.2": two}.get(cell.exercise)
        cells.append(CleanCell(cell.id, answer or cell.source, cell.exercise or None, answer is not None))
        if cell.id in own:
            cells.append(CleanCell("mine", own[cell.id], None, True))
    return programme(Cleaned(tuple(cells)), LAB)


def needed(number: str, made: Programme) -> list[str]:
    return [step.source for step in made.steps_for(number)][:-1]


RETURNS_X = "def one(x):\n    return x"
CUTS = {
    "nothing": ("def two(x):\n    return x", "", []),
    "an import": ("def two(x):\n    return np.sum(x)", "", ["import numpy as np"]),
    "a name means its last value above, and what that needed": (
        "def two(x):\n    return x + size",
        "",
        [RETURNS_X, "size = one(10 ** 9)"],
    ),
    "the student's own redefinition above hides the lab's": (
        "def two(x):\n    return x + size",
        "size = 5",
        ["size = 5"],
    ),
    "changes in place belong to a name": (
        "def two(x):\n    return table[x]",
        "table['c'] = 3\ntable.update(d=4)\nother = table.copy()\nprint(table)",
        ["table = {}", "table['a'] = 1", "table['b'] = 2", "table['c'] = 3", "table.update(d=4)"],
    ),
    "a change that may happen belongs to it, too": (
        "def two(x):\n    return size",
        "size = 1\nif size:\n    size = 2\nwhile False:\n    unrelated = 1",
        ["size = 1", "if size:\n    size = 2"],
    ),
    "a helper, and the helper's helper": (
        "def two(x):\n    return helper(x)",
        "def deeper(x, k=math.pi):\n    return x\nimport math\ndef helper(x):\n    return deeper(x)\n"
        "def unused(x):\n    pass",
        ["def deeper(x, k=math.pi):\n    return x", "import math", "def helper(x):\n    return deeper(x)"],
    ),
    "a function that changes something when it is called": (
        "def two(x):\n    return memory[x]",
        "memory = []\ndef fill():\n    memory.append(1)\ndef extend(m):\n    m.append(1)\n"
        "fill()\nextend(memory)\nprint(len(memory))",
        [
            "memory = []",
            "def fill():\n    memory.append(1)",
            "def extend(m):\n    m.append(1)",
            "fill()",
            "extend(memory)",
        ],
    ),
    "a global declared in a function": (
        "def two(x):\n    return state",
        "def start():\n    global state\n    state = 1\nstart()",
        ["def start():\n    global state\n    state = 1", "start()"],
    ),
    "local names are no needs": (
        "def two(size):\n    np = [table for table in size]\n    f = lambda result: result\n    return np, f\n"
        "class C:\n    table = 1\n    other = table",
        "",
        [],
    ),
    "a class body, a default, a decorator and an annotation run at once": (
        "@keep(size)\ndef two(x: np.ndarray = table):\n    return x",
        "size = 1\nkeep = lambda n: lambda f: f\ntable = 0",
        ["import numpy as np", "size = 1", "keep = lambda n: lambda f: f", "table = 0"],
    ),
    "magics and shell escapes of added cells stay out": (
        "def two(x):\n    return own",
        "%matplotlib inline\n!rm -rf /\nown = 1\nnp.sum?\nfiles = !ls",
        ["own = 1"],
    ),
    "what the cell binds before it uses it": ("size = 1\nboth = 2 * size\ndef two(x):\n    return size", "", []),
    "checks vanish": ("def two(x):\n    return x\ntwo = check('99.2', two)\nprogress()", "", []),
    "statements on one line stay together": ("def two(x):\n    return b", "a = 1; b = 2", ["a = 1; b = 2"]),
    "a tuple, a loop, a with, a walrus, an except": (
        "def two(x):\n    return a, b, c, d, e",
        "a, (b, *_) = 1, (2, 3)\nfor c in [1]: pass\nwith open('x') as d: pass\n[e := 1]",
        ["a, (b, *_) = 1, (2, 3)", "for c in [1]: pass", "with open('x') as d: pass", "[e := 1]"],
    ),
    "a star import may define what nothing else does": (
        "def two(x):\n    return sqrt(x)",
        "from math import *",
        ["from math import *"],
    ),
    "another language": ("def two(x):\n    return own", "%%bash\nown = 1", []),
    "timed": ("def two(x):\n    return own", "%%time\nown = 1", ["own = 1"]),
    "not Python": ("def two(x):\n    return own", "own = (1", []),
}


@pytest.mark.parametrize("case", CUTS)
def test_what_is_cut_and_what_stays(case: str) -> None:
    two, own, expected = CUTS[case]
    got = needed("99.2", cut(two=two, **({"train": own} if own else {})))
    assert sorted(got) == sorted(expected), got


def test_a_helper_below_its_exercise_runs_before_it() -> None:
    made = cut(one="def one(x, n=later):\n    return helper(x)", e2="later = 2\ndef helper(x):\n    return later")
    namespace = run(made.steps_for("99.1"))
    assert namespace["one"](1) == 2
    assert [step.exercise for step in made.steps] == [None, None, "99.1", "99.2"]


def test_an_exercise_further_down_is_not_run_for_one_above() -> None:
    made = cut(one="def one(x):\n    return two(x)")
    assert needed("99.1", made) == [] and made.needs["99.1"] == ()


def test_an_exercise_cell_stays_whole_with_its_lines_where_they_were() -> None:
    above, below = "import math\n%time pass\n\n", "\n\ntwo = check(\n    '99.2', two)\nprint(two(1))"
    source = f"{above}def two(x):\n    return math.sin(x){below}"
    step = cut(two=source).steps_for("99.2")[-1]
    assert step.source.split("\n")[3] == "def two(x):" and step.source.endswith("print(two(1))")
    assert "check" not in step.source and step.source.count("\n") == source.count("\n")
    assert step.own and step.exercise == "99.2" and step.line == 1


def test_a_syntax_error_hurts_one_exercise_only() -> None:
    made = cut(one="def one(x):\n    return np.sum((x)\n")
    assert needed("99.1", made) == []
    assert run(made.steps_for("99.2"))["two"](3) == 3
    with pytest.raises(SyntaxError):
        run(made.steps_for("99.1"))


def test_a_name_of_an_unread_exercise_is_still_that_exercise() -> None:
    made = cut(one="def one(x:", two="def two(x):\n    return one(x)")
    assert made.needs["99.2"] == ("99.1",)


def test_names_of_a_statement() -> None:
    def found(source: str) -> tuple[set[str], set[str], set[str], set[str]]:
        names = names_of(ast.parse(source).body[0])
        return names.now, names.later, names.binds, names.changes

    assert found("x = y[i].z") == ({"y", "i"}, set(), {"x"}, set())
    assert found("x.a[0] = y") == ({"x", "y"}, set(), set(), {"x"})
    assert found("x += 1") == ({"x"}, set(), set(), {"x"})
    assert found("import a.b, c.d as e") == (set(), set(), {"a", "e"}, set())
    assert found("y = [x for x in x]") == ({"x"}, set(), {"y"}, set())
    assert found("def f(a, *b, c=d, **e):\n  return a, b, c, e, g") == ({"d"}, {"g"}, {"f"}, set())
    assert found("def f():\n  def g():\n    return h\n  h = 1") == (set(), set(), {"f"}, set())
    assert found("class A(B):\n  b = 1\n  c = b\n  def m(self):\n    return b") == ({"B"}, {"b"}, {"A"}, set())
    assert found("try:\n  x = 1\nexcept E as e:\n  pass") == ({"E"}, set(), set(), {"x", "e"})
    assert found("np.random.shuffle(x)") == ({"np", "x"}, set(), set(), {"x"})
    assert found("y = np.sort(x)") == ({"np", "x"}, set(), {"y"}, set())
    assert found("match x:\n  case {'a': b, **c}: pass\n  case [d, *e]: pass") == ({"x"}, set(), set(), {*"bcde"})
    assert found("del x") == (set(), set(), {"x"}, set())


HOSTILE = {
    "brackets": "(" * 5_000,
    "signs": "x = " + "-" * 200_000 + "1",
    "sums": "x = 1" + "+1" * 200_000,
    "attributes": "x" + ".a" * 200_000,
    "elifs": "if 1: pass\n" + "elif 1: pass\n" * 30_000,
    "lambdas": "lambda: " * 50_000 + "1",
    "NUL": "def neuron(x):\0 pass",
    "a huge number": "x = " + "9" * 100_000,
    "half a character": "x = '\ud800'",
    "magics without end": "%time\n" * 1_000,
}


def test_hostile_text_spoils_its_own_cell_only() -> None:
    """In a process of its own, as in the grader; the other exercises are taken apart as always."""
    lab = lab_of("02")
    notebook = read_notebook(find_lab("02").worked.read_bytes())
    added = [Cell(f"mine {name}", source.replace("\ud800", "?")) for name, source in HOSTILE.items()]
    made = prepare(Notebook((*notebook.cells, *added)), lab)
    assert not made.error
    assert [step.source for step in made.steps] == [step.source for step in worked("02").steps]
    assert statements_of("x = '\ud800'") is None


def test_preparing_gives_what_cleaning_and_cutting_give() -> None:
    notebook = read_notebook(find_lab("01").worked.read_bytes())
    assert prepare(notebook, lab_of("01")) == worked("01")


def test_a_tangle_of_names_is_an_error() -> None:
    tangle = "x = []\n" + "x.append(x)\n" * 900
    with pytest.raises(TangledError):
        cut(two="def two(y):\n    return x", train=tangle)
    cells = (Cell("mine", tangle), Cell("exercise-2-1", "def neuron(*a):\n    return x"))
    assert "need each other" in prepare(Notebook(cells), lab_of("02")).error


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
@pytest.mark.parametrize("fate", ["while True: pass", "import os; os.abort()", "[0] * 10**10", "print('[{')"])
def test_a_process_that_hangs_or_dies_is_an_error(monkeypatch: pytest.MonkeyPatch, fate: str) -> None:
    limited = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from dlcourse.grading.reading import preparing; preparing._limit(1)\n"
    )
    monkeypatch.setattr(preparing, "START", limited + fate)
    made = prepare(Notebook(()), lab_of("01"), seconds=1)
    assert made.error and not made.steps
