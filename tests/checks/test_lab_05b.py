"""The exercises of Lab 05b: they hold together, agree with other people's code, and know the usual mistakes."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import curve_fit
from scipy.signal import correlate
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from dlcourse.checks import exercises, find_exercise, validate
from dlcourse.checks.judging import judge
from dlcourse.checks.lab_05b_forecasts import ar1_forecast, band_half_width, fit_cycle, ridge
from dlcourse.checks.lab_05b_series import autocorrelation, skill, standardise, windows

NUMBERS = [f"5b.{place}" for place in range(1, 9)]


def test_the_lab_has_eight_exercises() -> None:
    assert [exercise.number for exercise in exercises("05b")] == NUMBERS


@pytest.mark.parametrize("number", NUMBERS)
def test_an_exercise_accepts_its_reference_and_rejects_its_mistakes(number: str) -> None:
    assert validate(find_exercise(number)) == []


def test_the_autocorrelation_is_that_of_scipy() -> None:
    series = 10 + np.cumsum(np.random.default_rng(0).normal(size=200))
    deviations = series - series.mean()
    oracle = correlate(deviations, deviations)[199:] / np.sum(deviations**2)
    np.testing.assert_allclose([autocorrelation(series, lag) for lag in range(200)], oracle, atol=1e-12)


def test_the_windows_are_those_of_the_package() -> None:
    from dlcourse.sequences.windows import make_windows

    series = np.random.default_rng(1).normal(size=60).astype(np.float32)
    ours, theirs = windows(series, 8, 5), make_windows(series, history=8, horizons=5)
    np.testing.assert_array_equal(ours[0], theirs.x[..., 0])
    np.testing.assert_array_equal(ours[1], theirs.y[:, 0])


@given(history=st.integers(1, 6), horizon=st.integers(1, 6), extra=st.integers(0, 8), changed=st.integers(min_value=0))
def test_what_comes_later_never_reaches_a_window(history: int, horizon: int, extra: int, changed: int) -> None:
    series = np.arange(float(history + horizon + extra))
    place = changed % len(series)
    perturbed = np.where(np.arange(len(series)) >= place, -1000 - series, series)
    before, _ = windows(series, history, horizon)
    after, _ = windows(perturbed, history, horizon)
    past = np.arange(len(before)) + history <= place
    np.testing.assert_array_equal(before[past], after[past])


def test_the_units_are_those_of_scikit_learn() -> None:
    table = np.random.default_rng(2).normal(5, 3, size=(50, 4))
    table[:, 2] = 7.0
    oracle = StandardScaler().fit(table[:30]).transform(table)
    np.testing.assert_allclose(standardise(table, 30), oracle, atol=1e-12)


def test_the_cycle_is_that_of_scipy() -> None:
    rng = np.random.default_rng(3)
    hours = np.sort(rng.uniform(0, 60, size=200))
    values = 8 + 5 * np.cos(2 * np.pi * (hours - 14.5) / 24) + rng.normal(0, 1, size=200)

    def wave(t: np.ndarray, level: float, height: float, peak: float) -> np.ndarray:
        return level + height * np.cos(2 * np.pi * (t - peak) / 24)

    oracle, _ = curve_fit(wave, hours, values, p0=(7.0, 4.0, 13.0))
    np.testing.assert_allclose(fit_cycle(hours, values, 24.0), oracle, rtol=1e-5)


@pytest.mark.parametrize(("rows", "columns"), [(40, 6), (5, 9)])
def test_the_linear_forecast_is_that_of_scikit_learn(rows: int, columns: int) -> None:
    rng = np.random.default_rng(4)
    inputs, targets = rng.normal(3, 2, size=(rows, columns)), rng.normal(10, 4, size=rows)
    oracle = Ridge(alpha=2.5).fit(inputs, targets)
    w, b = ridge(inputs, targets, 2.5)
    np.testing.assert_allclose(w, oracle.coef_, atol=1e-9)
    assert b == pytest.approx(oracle.intercept_)


@given(st.integers(3, 60), st.sampled_from([0.5, 0.75, 0.9]))
def test_the_band_promises_what_it_says(n: int, coverage: float) -> None:
    """The next error is equally likely to take each of the n + 1 ranks, and k of them lie inside."""
    errors = np.arange(1.0, n + 1)
    width = band_half_width(errors, coverage)
    inside = n + 1 if width == inf else int(width)
    assert coverage - 1e-12 <= inside / (n + 1)
    assert width == inf or (inside - 1) / (n + 1) < coverage


def test_the_fading_forecast_is_the_best_one_in_a_simulation() -> None:
    rng, phi, spread, steps = np.random.default_rng(5), 0.9, 4.0, 6
    start = rng.normal(0, spread, size=100_000)
    x = start
    for _ in range(steps):
        x = phi * x + rng.normal(0, spread * np.sqrt(1 - phi**2), size=len(x))
    factor, error = ar1_forecast(1.0, 0.0, spread, phi, steps)
    assert np.polyfit(start, x, 1)[0] == pytest.approx(factor, abs=0.01)
    assert np.std(x - factor * start) == pytest.approx(error, rel=0.01)


def autocorrelation_in_a_loop(x: np.ndarray, k: int) -> float:
    return sum((x[t] - x.mean()) * (x[t + k] - x.mean()) for t in range(len(x) - k)) / (len(x) * x.var())


def windows_in_a_loop(series: np.ndarray, history: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    origins = range(history, len(series) - horizon + 1)
    return (
        np.array([series[origin - history : origin] for origin in origins]),
        np.array([series[origin + horizon - 1] for origin in origins]),
    )


def standardise_by_column(table: np.ndarray, training_rows: int) -> np.ndarray:
    result = table.copy()
    for column in range(table.shape[1]):
        known = table[:training_rows, column]
        result[:, column] -= known.mean()
        if known.std() > 0:
            result[:, column] /= known.std()
    return result


def cycle_by_complex_number(hours: np.ndarray, values: np.ndarray, period: float) -> tuple[float, float, float]:
    turn = 2j * np.pi * hours / period
    design = np.column_stack([np.ones(len(hours)), np.exp(turn).real, np.exp(turn).imag])
    level, a, b = np.linalg.pinv(design) @ values
    return level, abs(a + 1j * b), np.angle(a + 1j * b) % (2 * np.pi) * period / (2 * np.pi)


def ridge_by_augmentation(inputs: np.ndarray, targets: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
    """Extra rows that ask for w = 0, and a column of ones that has none."""
    rows, columns = inputs.shape
    design = np.block([[inputs, np.ones((rows, 1))], [np.sqrt(penalty) * np.eye(columns), np.zeros((columns, 1))]])
    solution = np.linalg.lstsq(design, np.concatenate([targets, np.zeros(columns)]), rcond=None)[0]
    return solution[:-1], solution[-1]


def band_by_partition(errors: np.ndarray, coverage: float) -> float:
    k = ceil((len(errors) + 1) * coverage)
    return inf if k > len(errors) else float(np.partition(abs(errors), k - 1)[k - 1])


def ar1_step_by_step(value: float, mean: float, spread: float, phi: float, steps: int) -> tuple[float, float]:
    variance = 0.0
    for _ in range(steps):
        value, variance = mean + phi * (value - mean), phi**2 * variance + spread**2 * (1 - phi**2)
    return value, variance**0.5


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("5b.1", autocorrelation_in_a_loop),
        ("5b.2", windows_in_a_loop),
        ("5b.3", standardise_by_column),
        ("5b.4", lambda y, f, r: (np.sum(abs(r - y)) - np.sum(abs(f - y))) / np.sum(abs(r - y))),
        ("5b.5", cycle_by_complex_number),
        ("5b.6", ridge_by_augmentation),
        ("5b.7", band_by_partition),
        ("5b.8", ar1_step_by_step),
    ],
)
def test_a_right_answer_written_in_another_way_passes(number: str, answer: Callable[..., object]) -> None:
    verdict = judge(find_exercise(number), answer)
    assert verdict.passed, verdict.text


def windows_one_late(series: np.ndarray, history: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    count = len(series) - history - horizon
    return (
        np.array([series[i : i + history] for i in range(count)]).reshape(count, history),
        np.array([series[i + history + horizon] for i in range(count)]),
    )


def cycle_with_arctan(hours: np.ndarray, values: np.ndarray, period: float) -> tuple[float, float, float]:
    angle = 2 * np.pi * hours / period
    design = np.column_stack([np.ones(len(hours)), np.cos(angle), np.sin(angle)])
    level, a, b = np.linalg.lstsq(design, values, rcond=None)[0]
    return level, np.hypot(a, b), np.arctan(b / a) * period / (2 * np.pi) % period


def plain_ridge(inputs: np.ndarray, targets: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
    model = Ridge(alpha=penalty, fit_intercept=False).fit(inputs, targets)
    return model.coef_, 0.0


@pytest.mark.parametrize(
    ("number", "answer", "words"),
    [
        ("5b.1", lambda x, k: float(np.sum(x[: len(x) - k] * x[k:]) / np.sum(x**2)), "subtract the mean"),
        ("5b.2", windows_one_late, "one step too late"),
        ("5b.3", lambda table, rows: StandardScaler().fit_transform(table), "know the future"),
        ("5b.4", lambda y, f, r: float(np.mean(abs(f - y)) / np.mean(abs(r - y))), "subtract it from 1"),
        ("5b.5", cycle_with_arctan, "arctan2"),
        ("5b.6", plain_ridge, "through the origin"),
        ("5b.7", lambda e, c: float(np.sort(abs(e))[ceil(len(e) * c) - 1]), "n + 1"),
        ("5b.8", lambda x, m, s, phi, h: (m + phi**h * (x - m), s**2 * (1 - phi ** (2 * h))), "take the root"),
    ],
)
def test_a_wrong_answer_gets_the_hint_that_fits(number: str, answer: Callable[..., object], words: str) -> None:
    verdict = judge(find_exercise(number), answer)
    assert verdict.status == "not right"
    assert words in verdict.text


def test_a_perfect_forecast_has_skill_one_and_the_reference_skill_zero() -> None:
    truth, reference = np.array([1.0, 2.0, 4.0]), np.array([0.0, 2.0, 3.0])
    assert skill(truth, truth, reference) == 1.0
    assert skill(truth, reference, reference) == 0.0
