from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, mean_squared_error
from sklearn.neural_network import MLPRegressor

from dlcourse.datasets import make_network_data

widths = st.lists(st.integers(1, 20), max_size=3).map(tuple)


def test_inputs_are_standard_normal_and_independent() -> None:
    X = make_network_data(5000, 4).X
    # 0.001 instead of 0.05: four columns, and a fixed seed.
    assert all(stats.kstest(column, "norm").pvalue > 1e-3 for column in X.T)
    np.testing.assert_allclose(np.corrcoef(X.T), np.eye(4), atol=0.05)


@pytest.mark.parametrize("hidden", [(), (8,), (32, 32), (4, 4, 4, 4)])
@pytest.mark.parametrize("outputs", [1, 3])
def test_clean_targets_have_mean_zero_and_variance_one(hidden: tuple[int, ...], outputs: int) -> None:
    clean = make_network_data(20_000, 6, hidden, outputs, seed=3).clean
    # Measured on 10,000 other inputs: both estimates err by about a hundredth.
    np.testing.assert_allclose(clean.mean(axis=0), 0, atol=0.04)
    np.testing.assert_allclose(clean.var(axis=0), 1, atol=0.06)


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.7])
def test_the_noise_is_gaussian_independent_of_the_signal_and_gives_the_bayes_error(noise: float) -> None:
    data = make_network_data(20_000, 5, noise=noise, seed=1)
    assert data.bayes_error == noise**2
    assert mean_squared_error(data.clean, data.y) == pytest.approx(noise**2, rel=0.04)
    if noise:
        rest = data.y - data.clean
        assert stats.kstest(rest / noise, "norm").pvalue > 1e-3
        assert abs(np.corrcoef(rest, data.clean)[0, 1]) < 0.03


@pytest.mark.parametrize(("outputs", "classes"), [(1, 2), (2, 2), (3, 3), (7, 7)])
@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_classes_are_balanced_and_the_bayes_error_is_the_share_of_wrong_labels(
    outputs: int, classes: int, noise: float
) -> None:
    data = make_network_data(20_000, 5, (16,), outputs, noise, seed=2, task="classification")
    assert (data.y.dtype, data.clean.dtype, len(data.target_names)) == (np.int64, np.int64, classes)
    np.testing.assert_allclose(np.bincount(data.clean, minlength=classes) / 20_000, 1 / classes, atol=0.02)
    assert 1 - accuracy_score(data.clean, data.y) == pytest.approx(noise, abs=0.01)
    assert data.bayes_error == noise
    wrong = data.y != data.clean
    if noise:
        # A wrong label is any of the others alike, and says nothing about the input.
        steps = np.bincount((data.y - data.clean)[wrong] % classes, minlength=classes)[1:]
        assert classes == 2 or stats.chisquare(steps).pvalue > 1e-3
        assert np.abs(data.X[wrong].mean(axis=0)).max() < 0.08


def test_no_hidden_layer_makes_a_linear_task_and_hidden_layers_do_not() -> None:
    straight = make_network_data(2000, 5, (), noise=0.0)
    assert LinearRegression().fit(straight.X, straight.y).score(straight.X, straight.y) == pytest.approx(1.0)
    bent = make_network_data(2000, 5, (32, 32), noise=0.0)
    assert LinearRegression().fit(bent.X, bent.y).score(bent.X, bent.y) < 0.9
    labels = make_network_data(2000, 5, (), noise=0.0, task="classification")
    assert LogisticRegression(C=1e4).fit(labels.X, labels.y).score(labels.X, labels.y) > 0.99


def test_a_network_learns_what_a_line_cannot_and_comes_near_the_bayes_error() -> None:
    data = make_network_data(4000, 3, (8,), noise=0.3, seed=1)
    train, test = slice(0, 3000), slice(3000, None)
    line = LinearRegression().fit(data.X[train], data.y[train])
    network = MLPRegressor(hidden_layer_sizes=(16,), activation="tanh", solver="lbfgs", max_iter=3000, random_state=0)
    network.fit(data.X[train], data.y[train])
    errors = [mean_squared_error(data.y[test], model.predict(data.X[test])) for model in (line, network)]
    # 0.09 cannot be beaten but by chance: the test error's own standard deviation is 0.004.
    assert 0.08 < errors[1] < 0.11 < errors[0]


@settings(max_examples=20, deadline=None)
@given(
    dimension=st.integers(1, 6),
    hidden=widths,
    outputs=st.integers(1, 4),
    seed=st.integers(0, 2**40),
    task=st.sampled_from(["regression", "classification"]),
)
def test_more_rows_or_more_noise_change_neither_the_network_nor_the_rows_before(
    dimension: int, hidden: tuple[int, ...], outputs: int, seed: int, task: str
) -> None:
    large = make_network_data(60, dimension, hidden, outputs, 0.2, seed, task)
    small = make_network_data(20, dimension, hidden, outputs, 0.2, seed, task)
    quiet = make_network_data(60, dimension, hidden, outputs, 0.0, seed, task)
    for name in ("X", "y", "clean"):
        # Not equal to the bit: matrix products of other sizes round otherwise.
        np.testing.assert_allclose(getattr(large, name)[:20], getattr(small, name), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(quiet.clean, large.clean)
    np.testing.assert_array_equal(quiet.y, quiet.clean)
    assert large.X.shape == (60, dimension) and np.isfinite(large.y).all()
    assert large.y.shape == ((60, outputs) if task == "regression" and outputs > 1 else (60,))


def test_the_seed_decides_everything() -> None:
    first, again, other = (make_network_data(30, 3, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.y, again.y)
    assert not np.allclose(first.X, other.X)
    assert "5-16-1" in make_network_data(3, 5, seed=6).provenance and "seed 6" in other.provenance


def test_the_arrays_are_read_only() -> None:
    data = make_network_data(5, 2)
    for array in (data.X, data.y, data.clean):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"n": 0}, ValueError, "n must be 1 or more, got 0"),
        ({"n": 2.5}, TypeError, "n must be an integer, got 2.5"),
        ({"dimension": True}, TypeError, "dimension must be an integer"),
        ({"hidden": 16}, TypeError, r"hidden must be a tuple .* got 16"),
        ({"hidden": (16, 0)}, ValueError, "each width in hidden must be 1 or more, got 0"),
        ({"outputs": 0}, ValueError, "outputs must be 1 or more"),
        ({"noise": -0.1}, ValueError, "noise must be finite and not negative, got -0.1"),
        ({"noise": float("nan")}, ValueError, "noise must be finite"),
        ({"noise": "low"}, TypeError, "noise must be a number, got 'low'"),
        ({"noise": 0.5, "task": "classification"}, ValueError, r"below 1 - 1/2 = 0.5 .* got 0.5"),
        ({"seed": -1}, ValueError, "seed must be 0 or more"),
        ({"task": "clustering"}, ValueError, "'regression' or 'classification', got 'clustering'"),
    ],
)
def test_bad_input_is_refused_with_what_was_expected(change: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make_network_data(**({"n": 10, "dimension": 2} | change))
