"""What `check` says and returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dlcourse.checks import Case, Exercise, check, find_exercise, progress
from dlcourse.checks.judging import judge

HAND_CASE = "For x = [1.0, 2.0], w = [0.5, -1.0], b = 0.1"
Line = Callable[..., str]


def test_the_right_function_passes_and_is_the_one_returned(line: Line) -> None:
    def mine(inputs, weights, bias):
        return sum(i * w for i, w in zip(inputs, weights, strict=True)) + bias

    assert line("99.1", mine) == "99.1 passed: A neuron (7 cases)"
    assert check("99.1", mine) is mine


def test_an_unsolved_exercise_is_not_yet_and_the_courses_function_goes_on(line: Line) -> None:
    def stub(x, w, b):
        raise NotImplementedError("Exercise 99.1")

    assert line("99.1", stub) == "99.1 not yet: A neuron. Fill in the function, then run this cell again."
    assert check("99.1", stub) is find_exercise("99.1").reference


def test_a_wrong_result_is_shown_with_its_inputs_and_the_courses_function_goes_on(line: Line) -> None:
    def wrong(x, w, b):
        return x @ w + b + 7

    hint = "Hint: multiply each input by its weight, add up, then add the bias."
    assert line("99.1", wrong) == f"99.1 not right: A neuron. {HAND_CASE} it returned 5.6, expected -1.4. {hint}"
    assert check("99.1", wrong) is find_exercise("99.1").reference


def test_an_exception_is_shown_with_its_line_in_the_function(line: Line) -> None:
    def wrong(x, w, b):
        first = x[0]
        return first + x[17]

    said = "it raised IndexError: index 17 is out of bounds for axis 0 with size 2 (line 3 of the function)."
    assert said in line("99.1", wrong)


def test_two_numbers_that_differ_late_are_shown_with_enough_digits(line: Line) -> None:
    assert "it returned -1.4000028, expected -1.4." in line("99.1", lambda x, w, b: (x @ w + b) * 1.000002)


def test_a_case_that_is_special_is_named(line: Line) -> None:
    said = line("99.1", lambda x, w, b: x @ w + b if w.any() else 0.0)
    assert "For x = [1.0, 1.0, 1.0], w = [0.0, 0.0, 0.0], b = 0.3 (all weights zero) it returned 0.0" in said


def test_the_line_is_the_same_every_time_even_for_a_random_answer(line: Line) -> None:
    def guess(x, w, b):
        return np.random.normal() + np.random.default_rng(3).normal()  # noqa: NPY002

    assert line("99.1", guess) == line("99.1", guess)


def scale_by_rows(z):
    return len(z) * z / z.sum(axis=1, keepdims=True)


def in_place(z):
    z /= z.sum(axis=1, keepdims=True)
    return z


def doubled_in_place(z):
    z *= 2
    return z


async def asynchronous(z):
    return z


def yields(z):
    yield from z


def rows(z):
    return z / z.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("number", "function", "hint"),
    [
        ("99.1", lambda x, w, b: x @ w, "the bias is missing: add b"),
        ("99.1", lambda x, w, b: -(x @ w + b), "the sign is reversed"),
        ("99.1", lambda x, w, b: 2 * (x @ w + b), "every number is 2 times what it should be"),
        ("99.1", lambda x, w, b: (x @ w + b) / 2, "every number is 1/2 times what it should be"),
        ("99.1", lambda x, w, b: -3 * (x @ w + b), "every number is -3 times what it should be"),
        ("99.1", lambda x, w, b: (x @ w + b) / np.log(2), "every number is 1/(ln 2) times what it should be"),
        ("99.1", lambda x, w, b: (x @ w + b) * len(x), "a sum where a mean is expected"),
        ("99.1", lambda x, w, b: (x @ w + b) / len(x), "a mean where a sum is expected"),
        ("99.1", lambda x, w, b: round(x @ w + b, 2), "rounded to 2 decimals"),
        ("99.1", lambda x, w, b: int(x @ w + b), "cut to whole numbers"),
        ("99.1", lambda x, w, b: np.array([x @ w + b]), "the values are right, the shape is not"),
        ("99.1", lambda x, w, b: print(x), "its return is missing"),
        ("99.1", lambda x, w, b: lambda: x, "gives back a function instead of calling it"),
        ("99.1", lambda x, w, b: np.log(-1.0) * w[0], "NaN or infinity"),
        ("99.1", lambda x, w, b: np.float64("inf"), "NaN or infinity"),
        ("99.2", lambda z: rows(z).T, "the result is transposed"),
        ("99.2", lambda z: rows(z).ravel(), "the values are right, the shape is not"),
        ("99.2", lambda z: rows(z).tolist(), "wrap them in np.array(...)"),
        ("99.2", scale_by_rows, "a sum where a mean is expected"),
        ("99.2", in_place, "work on a copy"),
        ("99.2", doubled_in_place, "work on a copy"),
        ("99.2", yields, "yield makes a generator"),
        ("99.2", asynchronous, "use a plain def"),
        ("99.3", lambda v: (v.var(), v.mean()), "in another order"),
        ("99.3", lambda v: (-v.mean(), v.var()), "the sign is reversed"),
        ("99.3", lambda v: (v.mean(), 2 * v.var()), "every number is 2 times what it should be"),
        ("99.3", lambda v: (v.sum(), v.var()), "a sum where a mean is expected"),
    ],
)
def test_a_typical_mistake_gets_its_hint(line: Line, number: str, function: Any, hint: str) -> None:
    said = line(number, function)
    assert " not right: " in said
    assert hint in said.partition("Hint: ")[2]


def test_a_declared_mistake_is_named_only_if_it_explains_every_wrong_case(line: Line) -> None:
    said = line("99.1", lambda x, w, b: x @ w if len(x) < 4 else x @ w - b)
    assert "the bias is missing" not in said


def test_a_right_answer_that_changes_its_inputs_is_told_which(line: Line) -> None:
    assert "it changed its input z in place" in line("99.2", in_place)


def test_other_forms_of_a_right_answer_pass(line: Line) -> None:
    for form in (np.float64, np.array, lambda v: np.float64(v).astype(np.longdouble), complex):
        assert "passed" in line("99.1", lambda x, w, b, form=form: form(x @ w + b))
    assert "passed" in line("99.3", lambda v: [v.mean(), v.var()])
    assert "passed" in line("99.3", lambda v: np.array([v.mean(), v.var()]))
    assert "passed" in line("99.1", lambda x, w, b, extra=0: x @ w + b)
    assert "passed" in line("99.1", lambda *everything: everything[0] @ everything[1] + everything[2])


def test_a_tensor_counts_as_an_array(line: Line) -> None:
    class Tensor:
        def __init__(self, value):
            self.value = value

        def __array__(self, dtype=None, copy=None):
            return np.asarray(self.value, dtype=dtype)

    assert "passed" in line("99.2", lambda z: Tensor(rows(z)))


def test_the_wrong_number_of_parameters_is_told_with_the_expected_ones(line: Line) -> None:
    assert line("99.1", lambda x, w: 0.0) == "99.1 not right: A neuron. It takes (x, w), expected neuron(x, w, b)."


@pytest.mark.parametrize("value", [3.0, None, "neuron", [1], np.zeros(2), object()])
def test_a_result_instead_of_the_function_is_told_so(line: Line, value: object) -> None:
    said = line("99.1", value)
    assert said.startswith("99.1 not right: A neuron. check got ")
    assert said.endswith('expected the function itself: check("99.1", neuron).')


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("99.7", "99.7 not checked: Lab 99 has no exercise 99.7; did you mean 99.3 or 99.2 or 99.1?"),
        ("98.1", "98.1 not checked: Lab 98 has no exercises; labs with exercises: "),
        ("neuron", "neuron not checked: 'neuron' is not an exercise number; expected lab.place"),
        (99.1, "99.1 not checked: An exercise number is float, expected a string such as '2.1'."),
        (None, "a NoneType not checked: An exercise number is NoneType"),
        ("9\n9", "9\\n9 not checked: "),
    ],
)
def test_an_unknown_exercise_is_named_and_the_function_comes_back(line: Line, number: Any, said: str) -> None:
    assert line(number, len).startswith(said)
    assert check(number, len) is len


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf"), "ten", True])
def test_a_wrong_time_limit_is_told(line: Line, limit: Any) -> None:
    assert "expected a finite number of seconds > 0" in line("99.1", len, time_limit=limit)


def test_a_broken_exercise_is_reported_and_does_not_stop_the_lab(line: Line, lab: Any) -> None:
    from dlcourse.checks import Case, Exercise

    lab((Exercise("99.1", "Broken", lambda x: 1 / 0, lambda rng: [Case((1,))]),))
    assert line("99.1", len) == (
        "99.1 not checked: Broken. The check itself failed; please report this. ZeroDivisionError: division by zero"
    )
    lab((Exercise("99.1", "Empty", len, lambda rng: []),))
    assert line("99.1", len).startswith("99.1 not checked: Empty.")


def test_a_lab_that_needs_a_missing_package_says_which(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    from dlcourse.checks import catalog

    def missing(name: str) -> None:
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")

    monkeypatch.setattr(catalog.importlib, "import_module", missing)
    assert "need tensorflow, which is not installed: pip install tensorflow" in line("99.1", len)


def test_progress_never_raises(lab: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for nonsense in ("banana", 3.5, "98", [], True, ""):
        progress(nonsense)
    lab(exercises=None)
    progress("99")
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 7
    assert said[0] == "'banana' is not a lab's number; expected one such as '02' or '05b'."
    assert said[-1] == "Lab_99.py has no EXERCISES = (Exercise(...), ...), a tuple of Exercise."


@pytest.mark.parametrize("wrong", [lambda x: x <= 0, lambda x: x > 100, lambda x: 1.0 * (x < 0), lambda x: x])
def test_a_wrong_yes_or_no_for_each_element_is_judged_like_any_other(wrong: Callable) -> None:
    exercise = Exercise(
        number="99.1",
        title="Positive or not",
        reference=lambda x: x > 0,
        cases=lambda rng: [Case((rng.standard_normal(4),)) for _ in range(5)],
        hint="compare with zero.",
    )
    assert "99.1 not right: Positive or not. For x = " in str(judge(exercise, wrong))
