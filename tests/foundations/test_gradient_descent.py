"""Descents: against SciPy's minimum and the closed form, then properties, then bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from dlcourse.foundations.gradient_descent import gradient_descent, stochastic_gradient_descent
from dlcourse.foundations.objectives import Beale, HousingRegression, QuadraticBowl, Rosenbrock
from dlcourse.foundations.optimizers import OPTIMIZERS, Adam, GradientDescent, Momentum

HOUSING = HousingRegression()
# For each rule a rate that suits Beale's surface from (1, 1).
BEALE_RATES = {
    "gradient_descent": 0.02,
    "adaptive_learning_rate": 0.05,
    "momentum": 0.01,
    "nesterov": 0.01,
    "adagrad": 0.5,
    "rmsprop": 0.001,
    "adam": 0.05,
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_ends_where_scipy_does_on_beale(name: str) -> None:
    best = minimize(Beale().value, [1.0, 1.0], jac=Beale().gradient, method="BFGS").x
    # The rate of the second rule falls to a fifth over the run; its default decay would stop it short.
    extra = {"decay": 0.001} if name == "adaptive_learning_rate" else {}
    path = gradient_descent(Beale(), [1.0, 1.0], name, 4000, learning_rate=BEALE_RATES[name], **extra)
    # RMSProp with a fixed rate ends by hopping around the minimum at about that distance, 0.001.
    np.testing.assert_allclose(path.parameters[-1], best, atol=2e-3)
    assert path.values[-1] < 1e-5


def test_adam_ends_where_scipy_does_on_rosenbrock() -> None:
    best = minimize(Rosenbrock().value, [-1.0, 1.0], jac=Rosenbrock().gradient, method="BFGS").x
    path = gradient_descent(Rosenbrock(), [-1.0, 1.0], Adam(0.05), 3000)
    np.testing.assert_allclose(path.parameters[-1], best, atol=1e-4)


@pytest.mark.parametrize("batch_size", [None, 5])
def test_batch_descent_ends_at_the_least_squares_line(batch_size: int | None) -> None:
    design = np.stack([np.ones(5), HOUSING.inputs], axis=1)
    best = np.linalg.lstsq(design, HOUSING.prices, rcond=None)[0]
    for path in (
        gradient_descent(HOUSING, [0.0, 0.0], "gradient_descent", 100, learning_rate=0.1),
        stochastic_gradient_descent(
            HOUSING, [0.0, 0.0], "gradient_descent", 100, batch_size=batch_size, learning_rate=0.1
        ),
    ):
        np.testing.assert_allclose(path.parameters[-1], best, rtol=1e-9)


def test_a_falling_rate_brings_stochastic_descent_to_the_least_squares_line_and_a_fixed_one_does_not() -> None:
    def distance(name: str, **settings: float) -> float:
        path = stochastic_gradient_descent(
            HOUSING, [0.0, 0.0], name, 2000, batch_size=1, learning_rate=0.02, **settings
        )
        return float(np.linalg.norm(path.parameters[-200:] - HOUSING.minimum, axis=1).mean())

    # The noise of one house at a time scales with the rate, which the schedule brings from 0.02 to 0.0002.
    falling, fixed = distance("adaptive_learning_rate", decay=0.01), distance("gradient_descent")
    assert falling < 0.5
    assert fixed > 5 * falling


@settings(deadline=None)
@given(st.floats(0.01, 0.19), st.floats(-5, 5), st.floats(-5, 5))
def test_plain_descent_on_a_bowl_follows_its_closed_form(rate: float, x: float, y: float) -> None:
    bowl = QuadraticBowl((1.0, 10.0))
    path = gradient_descent(bowl, [x, y], GradientDescent(rate), 20)
    t = np.arange(path.steps + 1)[:, None]
    expected = np.array([x, y]) * (1 - rate * np.array([1.0, 10.0])) ** t
    np.testing.assert_allclose(path.parameters, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(path.values, bowl.value(path.parameters), rtol=1e-13)
    np.testing.assert_allclose(path.gradient_norms, np.linalg.norm(bowl.gradient(path.parameters), axis=1), rtol=1e-13)
    assert (np.diff(path.values) <= 0).all()


def test_two_over_the_largest_curvature_is_where_descent_starts_to_diverge() -> None:
    bowl = QuadraticBowl((1.0, 10.0))
    for rate, grows in ((0.199, False), (0.201, True)):
        path = gradient_descent(bowl, [1.0, 1.0], GradientDescent(rate), 2000)
        assert (path.values[-1] > path.values[0]) == grows


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, None])
def test_mini_batch_gradients_average_to_the_full_gradient(batch_size: int | None) -> None:
    # One step of rate 1 from theta shows the gradient used. Over many seeds the first batch is uniform.
    theta = np.array([100.0, 20.0])
    steps = [
        theta - stochastic_gradient_descent(HOUSING, theta, GradientDescent(1.0), 1, batch_size, seed).parameters[1]
        for seed in range(1500)
    ]
    error = np.std(steps, axis=0) / np.sqrt(len(steps))
    np.testing.assert_array_less(np.abs(np.mean(steps, axis=0) - HOUSING.gradient(theta)), 4 * error + 1e-9)


def test_whole_batches_are_gradient_descent_step_for_step() -> None:
    one = gradient_descent(HOUSING, [0.0, 0.0], Momentum(0.01), 30)
    other = stochastic_gradient_descent(HOUSING, [0.0, 0.0], Momentum(0.01), 30, batch_size=None)
    for name in ("parameters", "values", "gradient_norms", "sample_gradients"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(0, 4), st.integers(0, 10))
def test_an_epoch_uses_every_sample_once(batch_size: int, epochs: int, seed: int) -> None:
    used = []

    class Recorder:
        n_samples = 5

        def value(self, theta: np.ndarray) -> np.ndarray:
            return HOUSING.value(theta)

        def gradient(self, theta: np.ndarray) -> np.ndarray:
            return HOUSING.gradient(theta)

        def sample_gradient(self, theta: np.ndarray, indices: np.ndarray) -> np.ndarray:
            used.append(indices)
            return HOUSING.sample_gradient(theta, indices)

    path = stochastic_gradient_descent(Recorder(), [0.0, 0.0], GradientDescent(1e-3), epochs, batch_size, seed)
    order = np.concatenate([np.zeros(0, dtype=int), *used]).reshape(epochs, 5)
    np.testing.assert_array_equal(np.sort(order, axis=1), np.tile(np.arange(5), (epochs, 1)))
    assert path.steps == epochs * -(-5 // batch_size)
    assert path.sample_gradients[-1] == 5 * epochs
    assert path.sample_gradients[0] == 0
    assert (np.diff(path.sample_gradients) == [len(batch) for batch in used]).all()


def test_a_seed_gives_the_same_path_and_another_seed_another() -> None:
    def path(seed: int) -> np.ndarray:
        return stochastic_gradient_descent(HOUSING, [0.0, 0.0], Adam(1.0), 3, 2, seed).parameters

    np.testing.assert_array_equal(path(1), path(1))
    assert not np.array_equal(path(1), path(2))


def test_an_optimizer_used_before_starts_afresh_and_the_start_is_left_alone() -> None:
    optimizer, start = Adam(0.1), np.array([1.0, 1.0])
    first = gradient_descent(Beale(), start, optimizer, 10)
    second = gradient_descent(Beale(), start, optimizer, 10)
    np.testing.assert_array_equal(first.parameters, second.parameters)
    assert start.tolist() == [1, 1]


def test_a_pair_of_functions_works_and_may_even_write_into_its_argument() -> None:
    def value(w: np.ndarray) -> float:
        return float((w[0] - 3) ** 2)

    def gradient(w: np.ndarray) -> np.ndarray:
        w -= 3
        w *= 2
        return w

    path = gradient_descent((value, gradient), [0], "gradient_descent", 50, learning_rate=0.25)
    assert path.parameters[-1] == pytest.approx(3)
    assert path.sample_gradients[-1] == 50


def test_a_small_enough_gradient_ends_the_descent() -> None:
    path = gradient_descent(QuadraticBowl((1.0,)), [8.0], GradientDescent(0.5), 100, tolerance=1.0)
    assert path.parameters.ravel().tolist() == [8, 4, 2, 1]
    assert path.converged
    assert not path.diverged
    assert path.message == "converged after 3 steps: gradient norm 1"
    short = gradient_descent(QuadraticBowl((1.0,)), [8.0], GradientDescent(0.5), 2, tolerance=1.0)
    assert not short.converged
    assert short.message == "stopped after 2 steps: gradient norm 2"
    at_rest = gradient_descent(Beale(), Beale().minimum, Adam(), 5)
    assert at_rest.converged
    assert at_rest.steps == 0


@pytest.mark.filterwarnings("error")
def test_divergence_keeps_the_last_finite_point_and_names_the_step() -> None:
    path = gradient_descent(Rosenbrock(), [-1.0, 1.0], GradientDescent(0.1), 200)
    assert path.diverged
    assert not path.converged
    assert path.diverged_at == path.steps + 1 < 20
    assert f"diverged at step {path.diverged_at}" in path.message
    for record in (path.parameters, path.values, path.gradient_norms):
        assert np.isfinite(record).all()
    assert len(path.parameters) == len(path.values) == len(path.gradient_norms) == len(path.sample_gradients)
    noisy = stochastic_gradient_descent(HOUSING, [0.0, 0.0], GradientDescent(5.0), 500, 1)
    assert noisy.diverged
    assert np.isfinite(noisy.parameters).all()


def test_no_steps_record_the_start_alone() -> None:
    for path in (
        gradient_descent(Beale(), [1.0, 1.0], "adam", 0),
        stochastic_gradient_descent(HOUSING, [1.0, 1.0], "adam", 0),
    ):
        assert path.steps == 0
        assert path.parameters.tolist() == [[1, 1]]


@pytest.mark.parametrize("start", [1.0, [], [[1.0, 1.0]], [np.nan, 1.0], [np.inf, 1.0]])
def test_a_start_that_is_no_point_is_refused(start: object) -> None:
    with pytest.raises(ValueError, match=r"start must be a list of finite numbers, shape \(d,\)"):
        gradient_descent(Beale(), start, "adam", 5)
    with pytest.raises(ValueError, match=r"start must be a list of finite numbers, shape \(d,\)"):
        stochastic_gradient_descent(HOUSING, start, "adam", 5)


@pytest.mark.parametrize("count", [-1, 2.5, "3", None])
def test_counts_that_are_none_are_refused(count: object) -> None:
    with pytest.raises(ValueError, match="steps must be an integer >= 0"):
        gradient_descent(Beale(), [1.0, 1.0], "adam", count)
    with pytest.raises(ValueError, match="epochs must be an integer >= 0"):
        stochastic_gradient_descent(HOUSING, [1.0, 1.0], "adam", count)


@pytest.mark.parametrize("batch_size", [0, -1, 6, 1.5])
def test_a_batch_that_the_samples_cannot_fill_is_refused(batch_size: object) -> None:
    with pytest.raises(ValueError, match="batch_size must be an integer >= 1 and <= 5; got"):
        stochastic_gradient_descent(HOUSING, [1.0, 1.0], "adam", 1, batch_size)


def test_other_bad_input_is_refused() -> None:
    with pytest.raises(TypeError, match=r"a tuple of two functions \(value, gradient\)"):
        gradient_descent(lambda w: w, [1.0], "adam", 1)
    with pytest.raises(TypeError, match="got Beale. Without samples, use gradient_descent"):
        stochastic_gradient_descent(Beale(), [1.0, 1.0], "adam", 1)
    with pytest.raises(ValueError, match="tolerance must be zero or positive; got -1"):
        gradient_descent(Beale(), [1.0, 1.0], "adam", 1, tolerance=-1)
    with pytest.raises(ValueError, match=r"gradient must have the shape of the parameters, \(2,\); got \(1,\)"):
        gradient_descent((lambda w: 0.0, lambda w: w[:1]), [1.0, 1.0], "adam", 1)
    with pytest.raises(ValueError, match="not finite at the start"):
        gradient_descent((lambda w: np.nan, lambda w: w), [1.0], "adam", 1)
    with pytest.raises(TypeError, match="belong with an optimizer's name"):
        gradient_descent(Beale(), [1.0, 1.0], Adam(), 1, learning_rate=0.1)
