"""Hand-ins of lab 02 whose verdicts are known beforehand: right, wrong, broken and hostile ones in equal parts.

Each starts from the worked notebook, outputs included, as students hand them in. Everything that varies comes from the
hand-in's number, so that the same number gives the same notebook.
"""

from __future__ import annotations

import ast
import copy
import json
import random
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grading_answers import RIGHT, WRONG
from grading_spoilt import BROKEN_EXERCISES, BROKEN_FILES, HOSTILE

from dlcourse.catalog import find_lab
from dlcourse.checks.catalog import exercises
from dlcourse.grading.results import HandInResult

LAB = "02"
NAME = "02_multilayer_perceptron.ipynb"
KINDS = ("right", "wrong", "broken", "hostile")
NUMBERS = tuple(RIGHT)
Notebook = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """What a hand-in must come to.

    Args:
        kind: one of KINDS.
        what: what it does, in a few words.
        error: words of the reason why it cannot be graded; empty where it can.
        verdicts: `{exercise: (statuses of which it must have one, words that its message must hold)}`.
    """

    kind: str
    what: str
    error: str
    verdicts: dict[str, tuple[tuple[str, ...], str]]


class Answers:
    """The worked notebook of one hand-in, and what it must come to."""

    def __init__(self, worked: Notebook, rng: random.Random) -> None:
        self.notebook, self.rng = copy.deepcopy(worked), rng
        self.verdicts: dict[str, tuple[tuple[str, ...], str]] = dict.fromkeys(NUMBERS, (("full",), ""))
        self.taken: set[str] = set()
        self.lost: list[str] = []
        self.ids_go = False

    @property
    def cells(self) -> list[dict[str, Any]]:
        return self.notebook["cells"]

    def cell(self, number: str) -> dict[str, Any]:
        name = f"exercise-{number.replace('.', '-')}"
        return next(cell for cell in self.cells if cell["id"] == name)

    def source(self, number: str) -> str:
        return "".join(self.cell(number)["source"])

    def parts(self, number: str) -> tuple[str, str, str]:
        """The head of the exercise's function with its docstring, its body, and its name."""
        head, body = re.fullmatch(r'(def .*\n    """.*"""\n)(.*)', self.source(number), re.DOTALL).groups()
        return head, textwrap.dedent(body), re.match(r"def (\w+)", head)[1]

    def write(self, number: str, source: str, statuses: Sequence[str] = ("full",), says: str = "") -> None:
        self.cell(number)["source"] = source
        self.verdicts[number] = tuple(statuses), says
        self.taken.add(number)

    def write_body(self, number: str, body: str, statuses: Sequence[str] = ("full",), says: str = "") -> None:
        self.write(number, self.parts(number)[0] + textwrap.indent(body, "    "), statuses, says)

    def add(self, before: str, source: str, kind: str = "code") -> None:
        """A cell of the student's own, in front of an exercise."""
        cell = {"id": f"own{self.rng.getrandbits(40):010x}", "cell_type": kind, "metadata": {}, "source": source}
        if kind == "code":
            cell |= {"outputs": [], "execution_count": None}
        self.cells.insert(self.cells.index(self.cell(before)), cell)

    @property
    def untouched(self) -> list[str]:
        return [number for number in NUMBERS if number not in self.taken]


def other_answers(answers: Answers) -> None:
    for number in answers.untouched:
        if answers.rng.random() < 0.6:
            answers.write_body(number, answers.rng.choice(RIGHT[number]))


def other_formatting(answers: Answers) -> None:
    for number in answers.untouched:
        head, body, name = answers.parts(number)
        source = ast.unparse(ast.parse(head + textwrap.indent(body, "    ")))
        lines = "\n\n".join(source.split("\n"))
        answers.write(number, answers.rng.choice([source, lines, f"# my {name}\n\n{source}\n\n\n", source + ";"]))


def own_helpers(answers: Answers) -> None:
    answers.add("2.1", "import math\n\nONE = 1.0\n\n\ndef sigma(z):\n    return ONE / (ONE + np.exp(-z))")
    answers.add("2.2", "def ones_in_front(rows):\n    return np.hstack([np.full((len(rows), 1), ONE), rows])")
    for number in answers.untouched:
        source = answers.source(number).replace("with_bias(", "ones_in_front(")
        answers.write(number, re.sub(r"\bsigmoid\(", "sigma(", source))


def extra_cells(answers: Answers) -> None:
    for number in answers.rng.sample(NUMBERS, 5):
        answers.add(number, f"My notes on {number}: *remember* the bias!", "markdown")
        answers.add(number, "scratch = [n**2 for n in range(10)]\nprint(scratch)\nplt.plot(scratch)")
    answers.add("2.5", "this is not Python, and nobody needs it")
    answers.add("2.8", "while True:\n    print('a cell that no exercise needs')")


def second_thoughts(answers: Answers) -> None:
    for number in answers.untouched:
        name = answers.parts(number)[2]
        first = f"def {name}(*inputs):\n    return 0  # first try\n\n\n"
        answers.write(number, first + answers.source(number))


def magics(answers: Answers) -> None:
    answers.add("2.1", "%matplotlib inline\n!pip list")
    for number in answers.untouched[::4]:
        answers.write(number, "%%time\n" + answers.source(number))


def talkative(answers: Answers) -> None:
    for number in answers.untouched:
        _, body, name = answers.parts(number)
        answers.write_body(number, f"print('{name} is called')\n{body}")


def without_ids(answers: Answers) -> None:
    answers.notebook["nbformat_minor"] = 4
    answers.ids_go = True


def cells_lost(answers: Answers) -> None:
    """The course's own cells deleted, changed or marked: they come back from the lab."""
    for cell in list(answers.cells):
        ours = cell["id"].startswith("exercise-")
        if not ours and answers.rng.random() < 0.3:
            answers.cells.remove(cell)
        elif not ours and cell["cell_type"] == "code" and answers.rng.random() < 0.3:
            cell["source"] = "raise SystemExit('changed')"
        cell["metadata"] = {**cell["metadata"], "tags": ["nbval-skip", "raises-exception"]}


def without_outputs(answers: Answers) -> None:
    for cell in answers.cells:
        if cell["cell_type"] == "code":
            cell["outputs"] = []


HARMLESS: tuple[Callable[[Answers], None], ...] = (
    other_answers,
    other_formatting,
    own_helpers,
    extra_cells,
    second_thoughts,
    magics,
    talkative,
    without_ids,
    cells_lost,
    without_outputs,
)


def right(answers: Answers, number: int) -> str:
    chosen = [HARMLESS[number % len(HARMLESS)], *answers.rng.sample(HARMLESS, number // len(HARMLESS) % 3)]
    for variation in dict.fromkeys(chosen):
        variation(answers)
    return ", ".join(variation.__name__ for variation in dict.fromkeys(chosen))


def wrong(answers: Answers, number: int) -> str:
    for place, exercise in enumerate(exercises(LAB)):
        if answers.rng.random() < 0.4 or place == number % len(NUMBERS):
            choices = WRONG[exercise.number]
            status, mistake, body = choices[(number // 2 + place) % len(choices)]
            says = "" if mistake is None else exercise.mistakes[mistake].hint
            answers.write_body(exercise.number, body, (status,), says)
    mistaken = ", ".join(sorted(answers.taken, key=NUMBERS.index))
    answers.rng.choice([extra_cells, magics, cells_lost, without_outputs, other_answers])(answers)
    return f"mistakes in {mistaken}"


def broken(answers: Answers, number: int) -> str:
    names = []
    for count in range(answers.rng.randint(1, 4)):
        name, status, says, source = BROKEN_EXERCISES[(number + 7 * count) % len(BROKEN_EXERCISES)]
        exercise = answers.rng.choice(answers.untouched)
        head, _, function = answers.parts(exercise)
        if source is None:
            answers.verdicts[exercise] = (status,), says
            answers.taken.add(exercise)
            answers.lost.append(exercise)
        else:
            filled = source.replace("@right", answers.source(exercise)).replace("@head", head)
            answers.write(exercise, filled.replace("@name", function), (status,), says)
        names.append(f"{exercise} {name}")
    for exercise in answers.lost:
        answers.cells.remove(answers.cell(exercise))
    return ", ".join(names)


def hostile(answers: Answers, number: int) -> str:
    name, statuses, source = HOSTILE[number % len(HOSTILE)]
    exercise = answers.rng.choice(NUMBERS)
    if "library's own" in name:
        exercise = answers.rng.choice(NUMBERS[:-2])  # softmax and cross_entropy are elsewhere
    head, _, function = answers.parts(exercise)
    filled = source.replace("@right", answers.source(exercise)).replace("@head", head).replace("@name", function)
    answers.write(exercise, filled.replace("@number", exercise), statuses)
    return f"{exercise} {name}"


def hand_in(worked: Notebook, kind: str, number: int) -> tuple[bytes, Wanted]:
    """A hand-in and what it must come to.

    Args:
        worked: the worked notebook of lab 02.
        kind: one of KINDS.
        number: which one of its kind, from 0.
    """
    answers = Answers(worked, random.Random(f"{kind} {number}"))
    error, spoil = "", None
    if kind == "broken" and number % 4 == 3:
        what, error, spoil = BROKEN_FILES[number // 4 % len(BROKEN_FILES)]
        error = error or "."
    else:
        what = {"right": right, "wrong": wrong, "broken": broken, "hostile": hostile}[kind](answers, number)
    if answers.ids_go:
        for cell in answers.cells:
            del cell["id"]
    data = json.dumps(answers.notebook, indent=1).encode()
    return (spoil(data) if spoil else data), Wanted(kind, what, error, {} if error else answers.verdicts)


def make(count: int, folder: Path, kinds: Sequence[str] = KINDS) -> dict[str, Wanted]:
    """Writes hand-ins to `folder/submissions` and what they must come to to `folder/wanted.json`.

    Args:
        count: how many, the kinds in turns.
        folder: new, or of an earlier run with as many.
        kinds: some of KINDS.

    Returns:
        `{student: what the hand-in must come to}`.
    """
    worked = json.loads(find_lab(LAB).worked.read_text(encoding="utf-8"))
    wanted = {}
    for place in range(count):
        data, expected = hand_in(worked, kinds[place % len(kinds)], place // len(kinds))
        student = f"student {place:03d}"
        path = folder / "submissions" / student / NAME
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        wanted[student] = expected
    (folder / "wanted.json").write_text(json.dumps({student: asdict(one) for student, one in wanted.items()}, indent=1))
    return wanted


def read_wanted(folder: Path) -> dict[str, Wanted]:
    """What `make` wrote."""
    return {student: Wanted(**one) for student, one in json.loads((folder / "wanted.json").read_text()).items()}


def faults(results: Sequence[HandInResult], wanted: dict[str, Wanted]) -> list[str]:
    """The verdicts that are not as they must be, a line each."""
    found = {result.student: result for result in results}
    lines = [f"{student}: no such hand-in" for student in found if student not in wanted]
    for student, one in wanted.items():
        result, name = found.get(student), f"{student} ({one.kind}: {one.what})"
        if result is None:
            lines.append(f"{name}: no verdict")
        elif one.error or result.error:
            if not (one.error and one.error in result.error):
                lines.append(f"{name}: error {result.error!r}, expected {one.error!r}")
        else:
            lines += [f"{name}: {line}" for line in _wrong_verdicts(result, one)]
    return lines


def _wrong_verdicts(result: HandInResult, wanted: Wanted) -> list[str]:
    lines = []
    if [exercise.number for exercise in result.exercises] != list(NUMBERS):
        lines.append("not every exercise has a verdict")
    for exercise in result.exercises:
        statuses, says = wanted.verdicts[exercise.number]
        fair = {"full": exercise.points == 1, "partial": 0 < exercise.points < 1}.get(
            exercise.status, not exercise.points
        )
        if exercise.status not in statuses or says not in exercise.message or not fair:
            expected = f"{' or '.join(statuses)} {says!r}"
            got = f"{exercise.status} ({exercise.points:g} points) {exercise.message!r}"
            lines.append(f"{exercise.number} is {got}, expected {expected}")
    return lines
