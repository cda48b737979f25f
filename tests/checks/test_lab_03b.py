"""The exercises of Lab 03b: they hold together, agree with the course's own functions, and know the usual mistakes."""

from __future__ import annotations

from collections.abc import Callable
from math import lgamma, log, pi

import numpy as np
import pytest
from scipy.integrate import quad

from dlcourse.approximation.genz import GenzFunction, sample
from dlcourse.checks import exercises, find_exercise, lab_03b, validate
from dlcourse.checks.judging import judge

NUMBERS = [f"3b.{place}" for place in range(1, 10)]


def test_the_lab_has_nine_exercises() -> None:
    assert [exercise.number for exercise in exercises("03b")] == NUMBERS


@pytest.mark.parametrize("number", NUMBERS)
def test_an_exercise_accepts_its_reference_and_rejects_its_mistakes(number: str) -> None:
    assert validate(find_exercise(number)) == []


@pytest.mark.parametrize("family", ["oscillatory", "gaussian", "corner_peak"])
@pytest.mark.parametrize("dimension", [1, 2, 10])
def test_the_formulas_of_the_exercises_are_those_of_the_package(family: str, dimension: int) -> None:
    f = GenzFunction.random(family, dimension, seed=4)
    x = sample(50, dimension, seed=5)
    np.testing.assert_allclose(getattr(lab_03b, family)(x, f.c, f.w), f(x), rtol=1e-12)


def test_the_integral_of_the_product_peak_is_that_of_scipy_and_of_the_package() -> None:
    in_one_dimension = quad(lambda x: 1 / (3.0**-2 + (x - 0.2) ** 2), 0, 1)[0]
    assert lab_03b.product_peak_integral(np.array([3.0]), np.array([0.2])) == pytest.approx(in_one_dimension, rel=1e-9)
    f = GenzFunction.random("product_peak", 5, seed=2)
    assert lab_03b.product_peak_integral(f.c, f.w) == pytest.approx(f.integral(), rel=1e-12)


def test_the_share_of_the_ball_is_what_random_points_find() -> None:
    for d in (2, 3, 5):
        inside = np.linalg.norm(sample(2**17, d, "sobol", seed=1) - 0.5, axis=1) <= 0.5
        assert lab_03b.ball_volume(d) == pytest.approx(inside.mean(), rel=0.01)


def test_no_constant_has_a_smaller_average_error_than_the_median() -> None:
    values = np.random.default_rng(0).exponential(size=41)
    others = [np.mean(np.abs(values - constant)) for constant in np.linspace(-1, 5, 400)]
    assert lab_03b.constant_error(values) <= min(others)


def gaussian_in_a_loop(x: np.ndarray, c: np.ndarray, w: np.ndarray) -> np.ndarray:
    values = []
    for point in x:
        value = 1.0
        for i in range(len(c)):
            value *= np.exp(-((c[i] * (point[i] - w[i])) ** 2))
        values.append(value)
    return np.array(values)


def ball_by_recursion(d: int) -> float:
    """V_d = V_{d-2} 2 pi r^2 / d."""
    return 1.0 if d <= 1 else ball_by_recursion(d - 2) * 2 * pi * 0.25 / d


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("3b.1", lambda values, total: total * (values / np.sum(values))),
        ("3b.2", lambda x, c, w: np.real(np.exp(1j * (2 * np.pi * w[0] + x @ c)))),
        ("3b.3", gaussian_in_a_loop),
        ("3b.4", lambda x, c, w: np.exp(-(x.shape[1] + 1) * np.log1p(x @ c))),
        ("3b.5", lambda p, v: (np.mean(np.abs(np.squeeze(p) - v)), np.max(np.abs(np.squeeze(p) - v)))),
        ("3b.7", lambda n, d: max(k for k in range(1, n + 1) if k**d <= n)),
        ("3b.8", ball_by_recursion),
        ("3b.8", lambda d: float(np.exp(d / 2 * log(pi) - lgamma(d / 2 + 1) - d * log(2)))),
    ],
)
def test_a_right_answer_written_in_another_way_passes(number: str, answer: Callable[..., object]) -> None:
    verdict = judge(find_exercise(number), answer)
    assert verdict.passed, verdict.text


def keras_column_minus_values(predictions: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    return float(np.abs(predictions - values).mean()), float(np.abs(predictions - values).max())


@pytest.mark.parametrize(
    ("number", "answer", "words"),
    [
        ("3b.1", lambda values, total: values / np.sum(values), "multiply by `total`"),
        ("3b.2", lambda x, c, w: np.cos(2 * np.pi * np.sum(w) + x @ c), "first entry"),
        ("3b.3", lambda x, c, w: np.exp(-np.sum(c * (x - w) ** 2, axis=1)), "squared too"),
        ("3b.4", lambda x, c, w: 1 / (1 + x @ c) ** len(c), "-(d + 1)"),
        ("3b.5", keras_column_minus_values, "flatten"),
        ("3b.6", lambda values: float(np.abs(values - np.mean(values)).mean()), "median"),
        ("3b.7", lambda budget, d: int(np.floor(budget ** (1 / d))), "floating point"),
        ("3b.8", lambda d: pi ** (d / 2) / np.exp(lgamma(d / 2 + 1)), "does not fit"),
        ("3b.9", lambda c, w: float(np.prod(np.arctan(c * (1 - w)) + np.arctan(c * w))), "in front"),
    ],
)
def test_a_wrong_answer_gets_the_hint_that_fits(number: str, answer: Callable[..., object], words: str) -> None:
    verdict = judge(find_exercise(number), answer)
    assert verdict.status == "not right"
    assert words in verdict.text
