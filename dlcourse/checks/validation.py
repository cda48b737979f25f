"""Is an exercise well made? The gate of the labs asks this for every exercise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import numpy as np

from dlcourse.checks.comparison import same
from dlcourse.checks.exercise import Case, Exercise
from dlcourse.checks.judging import call_fresh, draw_cases, judge, seed_of
from dlcourse.checks.runner import run_cases
from dlcourse.checks.surroundings import undisturbed
from dlcourse.checks.values import Plain, has_opaque, snapshot
from dlcourse.checks.verdict import NOT_RIGHT, NOT_YET

MIN_CASES = 5


def validate(exercise: Exercise) -> list[str]:
    """What is wrong with an exercise.

    Checked: at least five cases, the same for the same seed, made afresh each time; the reference passes, leaves its
    inputs alone and returns what can be compared; a stub gets "not yet"; every declared mistake fails, and its own hint
    is the one that is shown.

    Args:
        exercise: The exercise.

    Returns:
        One sentence a problem; an empty list for a good exercise.

    Example:
        >>> double = Exercise("2.9", "Twice", lambda x: 2 * x, lambda rng: [Case((n,)) for n in range(1, 4)])
        >>> validate(double)
        ['2.9 has 3 cases, expected at least 5']

    Used in: the test of every lab.
    """
    try:
        with undisturbed(seed_of(exercise)):
            cases, again = draw_cases(exercise), draw_cases(exercise)
            results = [call_fresh(exercise.reference, case) for case in cases]
    except Exception as error:
        return [f"{exercise.number}: the cases or the reference raised {type(error).__name__}: {error}"]
    if not all(isinstance(case, Case) for case in cases):
        return [f"{exercise.number}: cases gave something else than Case"]
    return [
        *_case_problems(exercise, cases, again),
        *_reference_problems(exercise, cases, results),
        *_mistake_problems(exercise),
    ]


def _case_problems(exercise: Exercise, cases: Sequence[Case], again: Sequence[Case]) -> Iterator[str]:
    if len(cases) < MIN_CASES:
        yield f"{exercise.number} has {len(cases)} cases, expected at least {MIN_CASES}"
    if len(cases) != len(again) or not all(map(_same_case, cases, again)):
        yield f"{exercise.number}: the cases differ between two draws with one seed; draw from rng alone"
    shared = {id(value) for case in cases for value in _mutable(case)} & {
        id(v) for case in again for v in _mutable(case)
    }
    if shared:
        yield f"{exercise.number}: two draws share an input; make arrays and lists inside the generator"


def _reference_problems(exercise: Exercise, cases: Sequence[Case], results: Sequence[Plain]) -> Iterator[str]:
    for case, result in zip(cases, results, strict=True):
        if result is None or has_opaque(result):
            yield f"{exercise.number}: the reference returned what cannot be compared for {case}"
            break
    if all(same(results[0], result, exercise.rtol, exercise.atol) for result in results) and len(results) > 1:
        yield f"{exercise.number}: the reference returns the same for every case; any constant would pass"
    run = run_cases(exercise.reference, cases, exercise.reference, seed_of(exercise), exercise.time_limit)
    if any(outcome.changed for outcome in run.outcomes):
        yield f"{exercise.number}: the reference changes its inputs in place"
    verdict = judge(exercise, exercise.reference)
    if not verdict.passed:
        yield f"{exercise.number}: the reference does not pass: {verdict}"
    stub = judge(exercise, _stub)
    if stub.status != NOT_YET:
        yield f"{exercise.number}: an empty exercise is not 'not yet': {stub}"


def _mistake_problems(exercise: Exercise) -> Iterator[str]:
    for mistake in exercise.mistakes:
        verdict = judge(exercise, mistake.function)
        if verdict.status != NOT_RIGHT:
            yield f"{exercise.number}: the mistake {mistake.hint!r} does not fail: {verdict}"
        elif verdict.hint != mistake.hint:
            yield f"{exercise.number}: the mistake {mistake.hint!r} gets another hint: {verdict}"


def _stub(*_: object, **__: object) -> NoReturn:
    raise NotImplementedError("Exercise")


def _same_case(one: Case, other: Case) -> bool:
    if len(one.args) != len(other.args) or set(one.kwargs) != set(other.kwargs) or one.name != other.name:
        return False
    pairs = [*zip(one.args, other.args, strict=True), *((one.kwargs[name], other.kwargs[name]) for name in one.kwargs)]
    plain = ((snapshot(a), snapshot(b)) for a, b in pairs)
    return all(has_opaque(a) or same(a, b, rtol=0.0, atol=0.0) for a, b in plain)


def _mutable(case: Case) -> Iterator[Any]:
    for value in (*case.args, *case.kwargs.values()):
        if isinstance(value, np.ndarray | list | dict):
            yield value
