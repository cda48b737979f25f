"""Closed forms against scikit-learn's regressions."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge

from dlcourse.sequences.linear_forecasts import fit_column_ridge, fit_shared_linear, reduce_rank, summarise

ORIGINS = np.arange(12, 700)


@pytest.fixture
def series():
    rng = np.random.default_rng(0)
    return np.cumsum(rng.normal(size=(800, 3)), axis=0) / 10


def cut(series, lookback=12, horizon=5):
    past = np.stack([series[o - lookback : o] for o in ORIGINS])
    return past, np.stack([series[o : o + horizon] for o in ORIGINS])


@pytest.mark.parametrize("subtract_last", [False, True])
def test_the_shared_map_is_least_squares_over_all_columns(series, subtract_last):
    past, future = cut(series)
    last = past[:, -1:] * subtract_last
    X = (past - last).transpose(0, 2, 1).reshape(-1, 12)
    Y = (future - last).transpose(0, 2, 1).reshape(-1, 5)
    expected = LinearRegression().fit(X, Y).predict(X).reshape(-1, 3, 5).transpose(0, 2, 1) + last
    model = fit_shared_linear(series, ORIGINS, 5, 12, subtract_last)
    np.testing.assert_allclose(model.predict(past), expected, atol=2e-4)


def test_the_column_ridge_is_scikit_learn_s(series):
    past, future = cut(series)
    X, Y = summarise(past), future.reshape(len(past), -1)
    # Ours penalises a mean of squares, theirs a sum; and theirs never penalises the bias.
    expected = Ridge(alpha=0.01 * len(X)).fit(X, Y).predict(X).reshape(-1, 5, 3)
    model, _ = fit_column_ridge(series, ORIGINS, 5, 12, penalty=0.01)
    np.testing.assert_allclose(model.predict(past), expected, atol=1e-3)


def test_a_base_is_taken_off_first(series):
    past, future = cut(series)
    base = fit_shared_linear(series, ORIGINS, 5, 12)
    rest, _ = fit_column_ridge(series, ORIGINS, 5, 12, penalty=0.01, base=base)
    X, Y = summarise(past), (future - base.predict(past)).reshape(len(past), -1)
    expected = Ridge(alpha=0.01 * len(X)).fit(X, Y).predict(X)
    np.testing.assert_allclose(rest.predict(past).reshape(len(past), -1), expected, atol=1e-3)


def test_full_rank_keeps_the_map_and_less_rank_is_the_best_low_rank_approximation():
    rng = np.random.default_rng(1)
    kernel = rng.normal(size=(6, 20))
    A, B = reduce_rank(kernel, np.eye(6), 6, np.ones(20))
    np.testing.assert_allclose(A @ B, kernel, atol=1e-5)
    A, B = reduce_rank(kernel, np.eye(6), 2, np.ones(20))
    U, s, V = np.linalg.svd(kernel, full_matrices=False)
    np.testing.assert_allclose(A @ B, (U[:, :2] * s[:2]) @ V[:2], atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: summarise(np.zeros((1, 10, 2)), 6), "does not divide the 10 steps"),
        (lambda: reduce_rank(np.zeros((3, 4)), np.eye(3), 4, np.ones(4)), "give 1 to 3"),
        (lambda: fit_shared_linear(np.zeros((50, 1)), np.arange(3, 9), 5, 12), "give origins from 12 to 45"),
        (lambda: fit_shared_linear(np.zeros((50, 1)), np.array([], int), 5, 12), "0 training windows"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
