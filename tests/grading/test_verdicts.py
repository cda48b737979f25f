"""Fair and true: right answers get full marks, wrong ones never, and nothing hidden is ever shown."""

import contextlib
import copy
import functools
import json
import re
import warnings

import numpy as np
import pytest

from dlcourse.catalog import find_lab
from dlcourse.checks.catalog import exercises, find_exercise
from dlcourse.checks.judging import call_fresh, draw_cases
from dlcourse.checks.raised import misfit
from dlcourse.checks.values import numeric_leaves, snapshot
from dlcourse.grading.conversation import MAX_ASKS, Conversation
from dlcourse.grading.grade import open_boxes
from dlcourse.grading.library import build_library
from dlcourse.grading.reading.handins import HandIn, find_handins
from dlcourse.grading.reading.lab_cells import TrustedLab
from dlcourse.grading.reading.notebook_file import read_notebook
from dlcourse.grading.reading.programme import Programme, Step
from dlcourse.grading.results import Status
from dlcourse.grading.sandboxes.choice import choose_isolation
from dlcourse.grading.sandboxes.desk import rebuild, told
from dlcourse.grading.sandboxes.exchange import pack, unpack
from dlcourse.grading.sandboxes.isolation import NoIsolationError
from dlcourse.grading.sandboxes.limits import Limits
from dlcourse.grading.verdicts import Judging, hidden_cases, judge_handin, judge_programme

KEY = bytes(range(16))


class FakeBox:
    """A worker in this very process, over the real wire format: cells bind ready-made functions."""

    def __init__(self, answers):
        self.answers, self.namespace, self.calls = answers, {}, 0

    def request(self, message, seconds, answer=None):
        message = unpack(pack(message), rebuild=rebuild)
        reply = getattr(self, "_" + message["kind"])(message, answer)
        return unpack(pack(reply))

    def _run(self, message, answer):
        self.namespace.update(self.answers.get(message["cell"], {}))
        return {"kind": "ran", "step": message["step"], "error": None}

    def _replace(self, message, answer):
        def ask(*args, **kwargs):
            got = answer({"kind": "ask", "exercise": message["exercise"], "args": snapshot(args), "kwargs": kwargs})
            if got.get("error"):
                raise RuntimeError(got["error"])
            return got["value"]

        self.namespace[message["name"]] = ask
        return {"kind": "replaced", "name": message["name"]}

    def _call(self, message, answer):
        function = self.namespace.get(message["name"])
        if function is None:
            return {"kind": "no function", "what": "nothing"}
        wrong = misfit(function, message["args"], message["kwargs"])
        if wrong:
            return {"kind": "misfit", "signature": wrong}
        self.calls += 1
        before = copy.deepcopy(message["args"])
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
                value = snapshot(function(*message["args"], **message["kwargs"]))
        except Exception as error:
            return {"kind": "raised", **told(error, function)}
        pairs = zip(message["names"], before, message["args"], strict=True)
        changed = [name for name, old, new in pairs if isinstance(new, np.ndarray) and not np.array_equal(old, new)]
        return {"kind": "returned", "value": value, "changed": changed}


@functools.cache
def trusted(lab):
    return TrustedLab.read(find_lab(lab).unsolved)


def fake_judge(lab, functions, needs=None, missing=None, **judging):
    """Judges functions, `{number: function}`, as if each were its exercise's cell."""
    lab = trusted(lab)
    cells = {one.cell: {one.function: functions[one.number]} for one in lab.exercises if one.number in functions}
    steps = tuple(
        Step(index, one.cell, one.number, "", 1, True, frozenset({one.number}))
        for index, one in enumerate(one for one in lab.exercises if one.number in functions)
    )
    programme = Programme(steps, missing or {}, needs or {})

    @contextlib.contextmanager
    def open_box():
        yield FakeBox(cells)

    settings = Judging(**judging)
    results, _ = judge_programme(
        programme, lab, open_box, lambda exercise: hidden_cases(exercise, KEY, "anna", settings.draws), settings
    )
    return {result.number: result for result in results}


def hidden_numbers(exercise):
    """What stands in the hidden inputs and their results and in no public ones, as numbers that tell."""

    def numbers(cases):
        values = [[*case.args, *case.kwargs.values(), call_fresh(exercise.reference, case)] for case in cases]
        return np.concatenate([np.ravel(leaf).astype(float) for leaf in numeric_leaves(snapshot(values))])

    public = numbers(draw_cases(exercise))
    hidden = np.unique(numbers(hidden_cases(exercise, KEY, "anna", 2)))
    telling = hidden[(np.abs(hidden) > 1e-3) & (hidden != np.round(hidden, 2))]
    return [one for one in telling if not np.isclose(public, one, rtol=1e-3).any()]


def shown_numbers(message):
    return [float(text) for text in re.findall(r"-?\d+\.\d+(?:e[-+]?\d+)?", message)]


@pytest.mark.parametrize("lab", ["01", "02", "03", "03b", "05", "05b", "06", "07", "08"])
def test_the_references_themselves_get_full_marks(lab):
    results = fake_judge(lab, {exercise.number: exercise.reference for exercise in exercises(lab)})
    assert {number: (result.status, result.message) for number, result in results.items()} == {
        exercise.number: (Status.FULL, "") for exercise in exercises(lab)
    }
    assert all(result.points == 1.0 and result.classes for result in results.values())


MISTAKES = [
    pytest.param(exercise.number, i, id=f"{exercise.number}-{i}")
    for lab in ("02", "05b")
    for exercise in exercises(lab)
    for i in range(len(exercise.mistakes))
]


@pytest.mark.parametrize(("number", "i"), MISTAKES)
def test_no_typical_mistake_gets_full_marks_and_each_is_explained(number, i):
    exercise = find_exercise(number)
    result = fake_judge(exercise.lab, {number: exercise.mistakes[i].function})[number]
    assert result.status in (Status.WRONG, Status.PARTIAL)
    assert 0 <= result.points <= 0.5
    assert exercise.mistakes[i].hint.rstrip(".?!") in result.message


def by_heart(exercise, otherwise):
    """A function that knows the public cases alone."""
    known = [(pack({"args": case.args}), call_fresh(exercise.reference, case)) for case in draw_cases(exercise)]

    def answer(*args):
        for inputs, value in known:
            if inputs == pack({"args": args}):
                return value
        return otherwise(*args)

    return answer


def raise_it(*args):
    raise ValueError(f"the inputs are {args!r}")


def raise_it_in_the_class(*args):
    numbers = "_".join(str(x) for x in np.ravel(args[0])[:3])
    raise type(f"Error{numbers}", (Exception,), {})(str(args))


def return_it(*args):
    return args[0]


def shape_it(*args):
    return np.zeros((int(abs(np.ravel(args[0])[0] * 100_000)) % 997 + 1, 1))


def name_it(*args):
    return {f"{np.ravel(args[0])[0]!r}": str(args)}


def change_it(*args):
    args[0][...] = 0
    return 0.0


@pytest.mark.parametrize("otherwise", [raise_it, raise_it_in_the_class, return_it, shape_it, name_it, change_it])
@pytest.mark.parametrize("number", ["2.1", "2.5", "5b.4"])
def test_a_function_that_knows_the_public_cases_alone_is_not_full_and_tells_nothing_hidden(number, otherwise):
    exercise = find_exercise(number)
    result = fake_judge(exercise.lab, {number: by_heart(exercise, otherwise)})[number]
    assert result.status in (Status.WRONG, Status.PARTIAL)
    assert result.message.startswith("Right for the public inputs, not for fresh ones (")
    hidden = hidden_numbers(exercise)
    assert len(hidden) >= 5
    assert shown_numbers(result.message) == []
    assert not re.search(r"\d", result.message.replace(number, ""))


@pytest.mark.parametrize("number", [exercise.number for exercise in exercises("02")])
def test_hidden_inputs_stand_in_no_message_where_public_ones_do(number):
    exercise = find_exercise(number)
    hidden = hidden_numbers(exercise)
    wrong = [mistake.function for mistake in exercise.mistakes] + [raise_it, return_it]
    for function in wrong:
        message = fake_judge("02", {number: function})[number].message
        assert message
        for shown in shown_numbers(message):
            assert not np.isclose(hidden, shown, rtol=1e-4).any(), (message, shown)


def test_hidden_cases_are_the_students_own_and_stay_the_same():
    exercise = find_exercise("2.1")

    def first(key, student, draws=1):
        return [pack({"args": case.args}) for case in hidden_cases(exercise, key, student, draws)]

    assert first(KEY, "anna") == first(KEY, "anna")
    assert first(KEY, "anna") != first(KEY, "berta")
    assert first(KEY, "anna") != first(KEY[::-1], "anna")
    assert first(KEY, "anna") != [pack({"args": case.args}) for case in draw_cases(exercise)]
    assert len(first(KEY, "anna", 2)) == 2 * len(first(KEY, "anna"))


def test_an_earlier_exercise_that_fails_only_on_fresh_inputs_does_not_spoil_a_later_one():
    box = {}

    def later(X, V, W):
        # Uses 2.4's function, whatever stands under its name now, for an input that is no public case.
        right = np.allclose(box["slope"](np.array([0.3])), 0.21)
        return find_exercise("2.5").reference(X, V, W) if right else None

    first, second = find_exercise("2.4"), find_exercise("2.5")
    wrong_outside = by_heart(first, lambda a: a)

    class Watched(FakeBox):
        def _call(self, message, answer):
            box["slope"] = self.namespace["sigmoid_slope"]
            return super()._call(message, answer)

    lab = trusted("02")
    cells = {"exercise-2-4": {"sigmoid_slope": wrong_outside}, "exercise-2-5": {"forward": later}}
    steps = tuple(
        Step(i, cell, number, "", 1, True, frozenset({number}))
        for i, (cell, number) in enumerate([("exercise-2-4", first.number), ("exercise-2-5", second.number)])
    )

    @contextlib.contextmanager
    def open_box():
        yield Watched(cells)

    results, _ = judge_programme(
        Programme(steps, {}, {"2.5": ("2.4",)}), lab, open_box, lambda e: hidden_cases(e, KEY, "a", 1)
    )
    found = {result.number: result.status for result in results}
    assert found["2.4"] is not Status.FULL
    assert found["2.5"] is Status.FULL


def test_questions_are_answered_for_earlier_exercises_that_were_not_right_and_for_no_others():
    talk = Conversation(None, exercises("02"), {})
    ask = {"exercise": "2.4", "args": (np.array([0.5]),), "kwargs": {}}
    assert "not available" in talk._answer(ask)["error"]
    talk.answers_for.add("2.4")
    assert talk._answer(ask)["value"].tolist() == [0.25]
    for judging, allowed in (("2.3", False), ("2.4", False), ("2.5", True), ("2.13", True)):
        talk.judging = judging
        assert ("value" in talk._answer(ask)) is allowed
    talk.judging = None
    assert talk.refused == 3
    assert talk._answer({**ask, "args": (np.zeros(3), 4)})["error"].startswith("TypeError: ")
    assert "too large" in talk._answer({**ask, "args": (10**7,)})["error"]
    assert "too large" in talk._answer({**ask, "args": (np.zeros(3_000_000),)})["error"]
    talk.asks = MAX_ASKS
    assert str(MAX_ASKS) in talk._answer(ask)["error"]


@pytest.mark.parametrize("field", ["partial_credit", "draws", "patience", "step_seconds", "seconds", "restarts"])
def test_settings_out_of_range_are_refused(field):
    with pytest.raises(ValueError, match=f"{field} is -1"):
        Judging(**{field: -1})


def isolation():
    try:
        return choose_isolation()
    except NoIsolationError:
        return choose_isolation(unsafe=True)


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    """`(lab) -> open_box`, for real workers."""
    folder, chosen, built = tmp_path_factory.mktemp("libraries"), isolation(), {}
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)

    def of(lab):
        if lab not in built:
            built[lab] = open_boxes(chosen, Limits(), build_library(lab, folder / lab))
        return built[lab]

    return of


def worked_with(lab, changes):
    """The worked notebook with other sources in some cells, as a hand-in."""
    document = json.loads(find_lab(lab).worked.read_text(encoding="utf-8"))
    for cell in document["cells"]:
        if cell["id"] in changes:
            cell["source"] = changes[cell["id"]]
    return HandIn("anna", "Anna", "anna.ipynb", read_notebook(json.dumps(document).encode()))


def judged(boxes, handin, lab="02", **judging):
    result = judge_handin(handin, trusted(lab), boxes(lab), KEY, Judging(**judging))
    assert not result.error
    return {one.number: one for one in result.exercises}, result


@pytest.mark.parametrize("lab", ["01", "02", "03", "03b", "05", "05b", "06", "07", "08"])
def test_the_worked_notebook_gets_full_marks(boxes, lab):
    handin = find_handins(find_lab(lab).worked, trusted(lab))[0]
    results, result = judged(boxes, handin, lab)
    assert {one.number: (one.status, one.message) for one in results.values()} == {
        exercise.number: (Status.FULL, "") for exercise in exercises(lab)
    }
    assert result.points == len(results)
    assert result.notes == ()


def test_an_unsolved_lab_is_missing_everywhere(boxes):
    results, result = judged(boxes, find_handins(find_lab("02").unsolved, trusted("02"))[0])
    assert {one.status for one in results.values()} == {Status.MISSING}
    assert result.points == 0


def test_everything_at_once_and_what_is_right_stays_right(boxes):
    """One hand-in with nearly every kind of trouble; the exercises beside it are judged as if it were not there."""
    changes = {
        "exercise-2-1": "from dlcourse.foundations.mlp_steps import neuron",
        "exercise-2-2": "def perceptron_predict(X, weights):\n    import os\n    os._exit(3)",
        "exercise-2-3": "def perceptron_update(weights, x, t, eta:\n    return weights",
        "exercise-2-5": "def forward(X, V, W):\n    return np.ones((len(X), V.shape[1])), X",
        "exercise-2-6": "def output_delta(y, t):\n    raise ValueError('oh no')",
        "exercise-2-8": "weight_gradients = 7",
        "exercise-2-9": "def numerical_gradient(function, w, h=1e-5):\n    while True:\n        pass",
        "exercise-2-12": "import os\nos._exit(4)\n\ndef softmax(z):\n    return z",
    }
    results, _ = judged(boxes, worked_with("02", changes), patience=0.1)
    assert {number: str(one.status) for number, one in results.items()} == {
        "2.1": "tampered",
        "2.2": "crashed",
        "2.3": "crashed",
        "2.4": "full",
        "2.5": "wrong",
        "2.6": "crashed",
        "2.7": "full",
        "2.8": "wrong",
        "2.9": "timed out",
        "2.10": "full",  # its own code calls forward and the deltas: the course's answer for them
        "2.11": "full",
        "2.12": "crashed",
        "2.13": "full",
    }
    assert "the answer to exercise 2.1" in results["2.1"].message
    assert "exit code 3" in results["2.2"].message
    assert "SyntaxError" in results["2.3"].message
    assert "oh no" in results["2.6"].message
    assert "did not finish" in results["2.9"].message
    assert "exit code 4" in results["2.12"].message
    assert all(one.points == 0 for one in results.values() if one.status is not Status.FULL)


def test_a_hand_in_gets_no_more_time_than_it_has_and_the_rest_says_so(boxes):
    changes = {"exercise-2-2": "def perceptron_predict(X, weights):\n    while True:\n        pass"}
    results, _ = judged(boxes, worked_with("02", changes), seconds=1.5)
    assert results["2.2"].status is Status.TIMED_OUT
    assert results["2.13"].status is Status.TIMED_OUT
    assert "had used up its 1.5 seconds" in results["2.13"].message


def test_what_cannot_be_read_has_its_error_and_no_worker(boxes):
    handin = HandIn("anna", "Anna", "anna.ipynb", error="it is not JSON")
    result = judge_handin(handin, trusted("02"), None, KEY)
    assert result.error == "it is not JSON"
    assert result.exercises == ()
