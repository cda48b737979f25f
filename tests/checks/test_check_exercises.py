"""Exercises are declared with care: bad declarations stop at the door, and `validate` finds the subtle ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dlcourse.checks import Case, Exercise, Mistake, exercises, find_exercise, validate


def declare(**changes: Any) -> Exercise:
    given: dict[str, Any] = {
        "number": "99.1",
        "title": "Twice",
        "reference": lambda x: 2 * x,
        "cases": lambda rng: [Case((rng.normal(size=n),)) for n in (2, 3, 4, 5, 6)],
    }
    return Exercise(**(given | changes))


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"number": "2"}, ValueError, "expected lab.place"),
        ({"number": "02.1"}, ValueError, "expected lab.place"),
        ({"number": 2.1}, TypeError, "expected a string"),
        ({"title": ""}, ValueError, "one line"),
        ({"title": "a\nb"}, ValueError, "one line"),
        ({"hint": "a\nb"}, ValueError, "one line"),
        ({"reference": 3}, TypeError, "expected a function"),
        ({"cases": [Case((1,))]}, TypeError, "expected a function"),
        ({"rtol": -1.0}, ValueError, "rtol"),
        ({"atol": float("nan")}, ValueError, "atol"),
        ({"time_limit": 0}, ValueError, "seconds > 0"),
        ({"mistakes": Mistake("a", abs)}, TypeError, "ends with a comma"),
        ({"mistakes": ("a",)}, TypeError, "tuple of Mistake"),
    ],
)
def test_a_bad_exercise_is_refused(changes: dict, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        declare(**changes)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: Case(np.zeros(3)), TypeError),
        (lambda: Case((1,), [("a", 1)]), TypeError),
        (lambda: Case((1,), name=3), TypeError),
        (lambda: Mistake("", abs), ValueError),
        (lambda: Mistake("a", 3), TypeError),
    ],
)
def test_a_bad_case_or_mistake_is_refused(make: Callable[[], Any], error: type[Exception]) -> None:
    with pytest.raises(error, match="expected"):
        make()


def test_labs_are_found_by_their_number(lab: Callable) -> None:
    lab((declare(number="9b.1"),), name="09b")
    assert [exercise.number for exercise in exercises("99")] == ["99.1", "99.2", "99.3"]
    assert exercises(99) == exercises("lab_99") == exercises("99")
    assert find_exercise("9b.1") is exercises("9b")[0] is exercises("09b")[0]
    with pytest.raises(ValueError, match=r"no exercise 99\.4; did you mean"):
        find_exercise("99.4")


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        (["99.1", "99.1"], "99.1 twice"),
        (["99.2", "99.1"], "99.1 out of order"),
        (["99.9", "99.10", "98.11"], "belongs to lab 98"),
    ],
)
def test_numbers_are_unique_rising_and_of_the_lab(lab: Callable, numbers: list[str], said: str) -> None:
    lab(tuple(declare(number=number) for number in numbers))
    with pytest.raises(ValueError, match=said):
        exercises("99")


def test_a_good_exercise_has_no_problems(lab: Callable) -> None:
    assert [validate(exercise) for exercise in exercises("99")] == [[], [], []]


SHARED = [np.ones(n) for n in range(1, 7)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cases": lambda rng: [Case((rng.normal(size=3),))] * 4}, "has 4 cases, expected at least 5"),
        (
            {"cases": lambda rng: [Case((np.random.default_rng().normal(size=3),)) for _ in range(5)]},
            "draw from rng alone",
        ),
        ({"cases": lambda rng: [Case((array,)) for array in SHARED]}, "share an input"),
        ({"cases": lambda rng: [(1,)] * 5}, "raised AttributeError"),
        ({"cases": lambda rng: [Case((np.zeros(3),))] * 5}, "any constant would pass"),
        ({"reference": lambda x: 1 / 0}, "raised ZeroDivisionError"),
        ({"reference": lambda x: abs}, "cannot be compared"),
        ({"reference": lambda x: x.sort() or 2 * x}, "changes its inputs in place"),
        ({"reference": lambda x: x * np.random.default_rng().normal()}, "the reference does not pass"),
        ({"mistakes": (Mistake("one", lambda x: x + x),)}, "'one' does not fail"),
        (
            {"mistakes": (Mistake("one", lambda x: -2 * x), Mistake("two", lambda x: -x - x))},
            "'two' gets another hint",
        ),
        ({"mistakes": (Mistake("one", lambda x: x[99]),)}, "'one' gets another hint"),
    ],
)
def test_validate_finds_the_problem(changes: dict, said: str) -> None:
    problems = validate(declare(**changes))
    assert any(said in problem for problem in problems), problems


def test_a_declared_mistake_goes_before_the_general_ones() -> None:
    exercise = declare(mistakes=(Mistake("climb down, not up", lambda x: -2 * x),))
    assert validate(exercise) == []
    assert validate(replace(exercise, hint="look again")) == []
