"""A lab of the tests' own: `dlcourse.checks.lab_99`."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from dlcourse.checks import Case, Exercise, Mistake, reset_progress


def neuron(x: np.ndarray, w: np.ndarray, b: float) -> float:
    """The weighted sum of the inputs, plus the bias."""
    return float(x @ w + b)


def neuron_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Two by hand, five drawn."""
    yield Case((np.array([1.0, 2.0]), np.array([0.5, -1.0]), 0.1))
    yield Case((np.ones(3), np.zeros(3), 0.3), name="all weights zero")
    for size in (3, 4, 5, 6, 8):
        yield Case((rng.normal(size=size), rng.normal(size=size), float(rng.normal())))


def normalize_rows(z: np.ndarray) -> np.ndarray:
    """Rows that sum to one."""
    return z / z.sum(axis=1, keepdims=True)


def row_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Matrices with one to five rows."""
    for rows in (2, 1, 3, 4, 5):
        yield Case((rng.uniform(0.1, 1.0, size=(rows, 3)),))


def moments(values: np.ndarray) -> tuple[float, float]:
    """Mean and variance."""
    return float(values.mean()), float(values.var())


def moment_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Samples of several sizes."""
    for size in (3, 4, 7, 11, 20):
        yield Case((rng.normal(loc=3.0, size=size),))


EXERCISES = (
    Exercise(
        "99.1",
        "A neuron",
        neuron,
        neuron_cases,
        mistakes=(Mistake("the bias is missing: add b", lambda x, w, b: float(x @ w)),),
        hint="multiply each input by its weight, add up, then add the bias",
    ),
    Exercise("99.2", "Rows that sum to one", normalize_rows, row_cases),
    Exercise("99.3", "Mean & <variance>", moments, moment_cases),
)


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., types.ModuleType]]:
    """Declares lab 99, with these exercises unless others are given; forgets it and all progress afterwards."""

    def declare(exercises: object = EXERCISES, name: str = "99") -> types.ModuleType:
        module = types.ModuleType(f"dlcourse.checks.lab_{name}")
        module.EXERCISES = exercises
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return module

    reset_progress()
    declare()
    yield declare
    reset_progress()


@pytest.fixture
def line(lab: object, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Calls check and returns what it printed, which must be one line."""
    from dlcourse.checks import check

    def run(number: object, function: object, **options: object) -> str:
        capsys.readouterr()
        check(number, function, **options)
        out, err = capsys.readouterr()
        assert err == ""
        assert out.endswith("\n") and out.count("\n") == 1 and out.isprintable() is False
        assert out[:-1].isprintable()
        return out[:-1]

    return run
