"""The exercises of Lab 01: each holds together, and the mistakes that people make are met with the right words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dlcourse.checks import exercises, find_exercise, validate
from dlcourse.checks.judging import judge


def test_the_lab_has_eight_exercises() -> None:
    assert [exercise.number for exercise in exercises("01")] == [f"1.{place}" for place in range(1, 9)]


@pytest.mark.parametrize("number", [f"1.{place}" for place in range(1, 9)])
def test_an_exercise_accepts_its_reference_and_rejects_its_mistakes(number: str) -> None:
    assert validate(find_exercise(number)) == []


def step_by_minus_one(w: np.ndarray, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
    return w + learning_rate * gradient


def step_in_place(w: np.ndarray, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
    w -= learning_rate * gradient
    return w


def sums_written_out(theta: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    first = second = 0.0
    for row, target in zip(X, y, strict=True):
        error = theta[0] + theta[1] * row[1] - target
        first, second = first + error, second + error * row[1]
    return np.array([first, second])


def rate_by_power_iteration(hessian: np.ndarray) -> float:
    direction = np.arange(1.0, len(hessian) + 1)
    for _ in range(5000):
        direction = hessian @ direction
        direction /= np.linalg.norm(direction)
    return 2 / float(direction @ hessian @ direction)


def batch_in_a_loop(theta: np.ndarray, X: np.ndarray, y: np.ndarray, batch: np.ndarray) -> np.ndarray:
    return np.mean([(X[k] @ theta - y[k]) * X[k] for k in batch], axis=0)


def adam_with_the_correction_in_the_rate(w, g, m, v, t, eta, beta_1, beta_2, epsilon):
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
    root = np.sqrt(1 - beta_2**t)
    return w - eta * root / (1 - beta_1**t) * m / (np.sqrt(v) + epsilon * root), m, v


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("1.3", rate_by_power_iteration),
        ("1.4", sums_written_out),
        ("1.5", batch_in_a_loop),
        ("1.7", adam_with_the_correction_in_the_rate),
    ],
)
def test_a_right_answer_written_in_another_way_passes(number: str, answer: Callable[..., object]) -> None:
    verdict = judge(find_exercise(number), answer)
    assert verdict.passed, verdict.text


@pytest.mark.parametrize(
    ("number", "answer", "words"),
    [
        ("1.1", lambda f, w, h: (f(w) - f(w - h)) / h, "rise over run"),
        ("1.2", step_by_minus_one, "uphill"),
        ("1.2", step_in_place, "changed"),
        ("1.4", lambda theta, X, y: (X @ theta - y) @ X / len(y), "do not average"),
        ("1.5", lambda theta, X, y, batch: (X[batch] @ theta - y[batch]) @ X[batch], "divide by B"),
        ("1.6", lambda w, previous_w, g, eta, mu: w - mu * (w - previous_w) - eta * g, "not the reverse"),
        ("1.8", lambda noise, rule: noise * np.sqrt(2 / sum(noise.shape)), "square root of its variance"),
    ],
)
def test_a_wrong_answer_gets_the_hint_that_fits(number: str, answer: Callable[..., object], words: str) -> None:
    verdict = judge(find_exercise(number), answer)
    assert verdict.status == "not right"
    assert words in verdict.text
