"""Optimizers: against keras.optimizers and the slides' formulas, then properties, then bad input."""

import copy
import inspect
import pickle
import tracemalloc
from collections.abc import Callable

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import rosen_der

from dlcourse.foundations.optimizers import (
    OPTIMIZERS,
    AdaGrad,
    Adam,
    AdaptiveLearningRate,
    GradientDescent,
    InverseTimeDecay,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
    get_optimizer,
)

# Keras keeps the learning rate, and casts the betas, in float32 even for float64 variables. Powers of two (and sums of
# a few) are the same number in both, so that float64 can be compared to its last digits.
RATE = 2.0**-7
SLOW = 2.0**-10
HALF, HIGH = 0.875, 1 - 2.0**-10

PAIRS = {
    "gradient_descent": (GradientDescent(SLOW), lambda: keras.optimizers.SGD(SLOW)),
    "adaptive_learning_rate": (
        AdaptiveLearningRate(SLOW, decay=0.25),
        lambda: keras.optimizers.SGD(keras.optimizers.schedules.InverseTimeDecay(SLOW, decay_steps=1, decay_rate=0.25)),
    ),
    "momentum": (Momentum(SLOW, momentum=HALF), lambda: keras.optimizers.SGD(SLOW, momentum=HALF)),
    "nesterov": (Nesterov(SLOW, momentum=HALF), lambda: keras.optimizers.SGD(SLOW, momentum=HALF, nesterov=True)),
    "adagrad": (AdaGrad(RATE), lambda: keras.optimizers.Adagrad(RATE, initial_accumulator_value=0.0)),
    "adagrad from 0.125": (
        AdaGrad(RATE, initial_accumulator=0.125),
        lambda: keras.optimizers.Adagrad(RATE, initial_accumulator_value=0.125),
    ),
    "rmsprop": (RMSProp(RATE, rho=HALF), lambda: keras.optimizers.RMSprop(RATE, rho=HALF)),
    "adam": (Adam(RATE, HALF, HIGH), lambda: keras.optimizers.Adam(RATE, HALF, HIGH)),
}
GRADIENTS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]] = {
    "quadratic": (lambda w: np.array([1.0, 10.0, 100.0]) * w, np.array([3.0, -2.0, 0.5])),
    "rosenbrock": (rosen_der, np.array([-0.5, 0.75])),
}


def run(
    optimizer: Optimizer, gradient: Callable[[np.ndarray], np.ndarray], start: np.ndarray, steps: int
) -> np.ndarray:
    w, path = start.copy(), []
    for _ in range(steps):
        optimizer.step(w, np.asarray(gradient(w), dtype=w.dtype))
        path.append(w.copy())
    return np.array(path)


def run_keras(
    optimizer: keras.optimizers.Optimizer, gradient: Callable[[np.ndarray], np.ndarray], start: np.ndarray, steps: int
) -> np.ndarray:
    w, path = keras.Variable(start, dtype=start.dtype.name), []
    for _ in range(steps):
        here = w.value.numpy()
        optimizer.apply([keras.ops.convert_to_tensor(gradient(here), dtype=start.dtype.name)], [w])
        path.append(w.value.numpy())
    return np.array(path)


def test_every_row_of_the_table_has_an_oracle() -> None:
    assert {type(ours) for ours, _ in PAIRS.values()} == set(OPTIMIZERS.values())


@pytest.mark.parametrize("surface", GRADIENTS)
@pytest.mark.parametrize("name", PAIRS)
def test_200_steps_equal_keras_in_float64(name: str, surface: str) -> None:
    ours, theirs = PAIRS[name]
    gradient, start = GRADIENTS[surface]
    path = run(copy.deepcopy(ours), gradient, start, 200)
    assert np.abs(path[-1] - start).max() > 0.05
    np.testing.assert_allclose(path, run_keras(theirs(), gradient, start, 200), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(Adam, keras.optimizers.Adam), (RMSProp, keras.optimizers.RMSprop), (AdaGrad, keras.optimizers.Adagrad)],
)
def test_epsilon_stands_where_keras_has_it(ours: type[Optimizer], theirs: type) -> None:
    # Where the gradient is no larger than epsilon, inside and outside of the root are different paths.
    settings = {"learning_rate": RATE, "epsilon": 0.5}
    extra = {"initial_accumulator_value": 0.0} if ours is AdaGrad else {}
    start = np.array([0.5, -2.0])

    def travelled(optimizer: Optimizer) -> np.ndarray:
        return run(optimizer, lambda w: 0.25 * w, start, 50) - start

    expected = run_keras(theirs(**settings, **extra), lambda w: 0.25 * w, start, 50) - start
    # Keras' default betas are not exact in float32, which leaves differences of about 1e-5.
    np.testing.assert_allclose(travelled(ours(**settings)), expected, rtol=1e-4)
    other = travelled(ours(**settings, epsilon_inside=not ours(**settings).epsilon_inside))
    assert not np.allclose(other, expected, rtol=0.05)


@pytest.mark.parametrize(
    ("ours", "theirs", "names"),
    [
        (Adam, keras.optimizers.Adam, ("learning_rate", "beta_1", "beta_2", "epsilon")),
        (RMSProp, keras.optimizers.RMSprop, ("learning_rate", "rho", "epsilon")),
        (AdaGrad, keras.optimizers.Adagrad, ("epsilon",)),
        (GradientDescent, keras.optimizers.SGD, ("learning_rate",)),
    ],
)
def test_default_settings_are_those_of_keras(ours: type, theirs: type, names: tuple[str, ...]) -> None:
    for name in names:
        assert inspect.signature(ours).parameters[name].default == inspect.signature(theirs).parameters[name].default


def slide_path(name: str, gradient: Callable[[np.ndarray], np.ndarray], w: np.ndarray, steps: int) -> np.ndarray:
    """The slides' lines, term by term, with the two slips that the docstrings name put right (Nesterov, Adam)."""
    eta, mu, beta, beta_1, beta_2, epsilon = 0.01, 0.9, 0.9, 0.9, 0.999, 1e-3
    path, previous, v = [], w, np.zeros_like(w)
    total, average, m1, m2 = (np.zeros_like(w) for _ in range(4))
    for t in range(1, steps + 1):
        g = gradient(w + mu * v) if name == "nesterov" else gradient(w)
        total, average = total + g**2, beta * average + (1 - beta) * g**2
        m1, m2 = beta_1 * m1 + (1 - beta_1) * g, beta_2 * m2 + (1 - beta_2) * g**2
        v = mu * v - eta * g
        step = {
            "gradient_descent": -eta * g,
            "momentum": mu * (w - previous) - eta * g,
            "nesterov": v,
            "adagrad": -eta * g / np.sqrt(total + epsilon),
            "rmsprop": -eta * g / np.sqrt(average + epsilon),
            "adam": -eta * (m1 / (1 - beta_1**t)) / np.sqrt(m2 / (1 - beta_2**t) + epsilon),
        }[name]
        previous, w = w, w + step
        path.append(w + mu * v if name == "nesterov" else w)
    return np.array(path)


@pytest.mark.parametrize("name", ["gradient_descent", "momentum", "nesterov", "adagrad", "rmsprop", "adam"])
def test_200_steps_equal_the_formulas_of_the_slides(name: str) -> None:
    gradient, start = GRADIENTS["quadratic"]
    settings = {"epsilon": 1e-3, "epsilon_inside": True} if name in ("adagrad", "rmsprop", "adam") else {}
    ours = run(get_optimizer(name, learning_rate=0.01, **settings), gradient, start, 200)
    np.testing.assert_allclose(ours, slide_path(name, gradient, start, 200), rtol=1e-9, atol=1e-12)


def test_the_slides_nesterov_sign_looks_behind_and_is_worse_than_looking_ahead() -> None:
    curvatures, start = np.array([1.0, 30.0]), np.array([1.0, 1.0])

    def final_value(sign: float) -> float:
        w, v = start, np.zeros(2)
        for _ in range(60):
            v = 0.9 * v - 0.03 * curvatures * (w + sign * 0.9 * v)
            w = w + v
        return 0.5 * float(curvatures @ w**2)

    ahead = run(Nesterov(0.03, momentum=0.9), lambda w: curvatures * w, start, 60)[-1]
    assert 0.5 * curvatures @ ahead**2 < 1e-2
    assert final_value(+1) < 1e-2
    assert final_value(-1) > 1e6


def test_the_slides_adam_recursion_fed_back_overshoots_as_the_docstring_says() -> None:
    m, fed_back = 0.0, []
    for t in (1, 2, 3):
        m = (0.9 * m + 0.1 * 1.0) / (1 - 0.9**t)
        fed_back.append(round(m, 1))
    assert fed_back == [1.0, 5.3, 17.8]
    # The right one steps by the learning rate each time while the gradient stays the same.
    path = run(Adam(0.5, epsilon=1e-30), lambda w: np.ones(1), np.zeros(1), 3)
    np.testing.assert_allclose(path[:, 0], [-0.5, -1.0, -1.5], rtol=1e-6)


ALL = list(OPTIMIZERS)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (2, 1, 2)])
def test_any_shape_moves_in_place_and_keeps_its_dtype(name: str, dtype: type, shape: tuple[int, ...]) -> None:
    w = np.ones(shape, dtype=dtype)
    g = np.full(shape, 0.5, dtype=dtype)
    optimizer = get_optimizer(name, learning_rate=0.125)
    alias = w
    for _ in range(3):
        optimizer.step(w, g)
    assert alias is w
    assert w.dtype == dtype
    assert (w < 1).all()
    assert (g == 0.5).all()


@pytest.mark.parametrize("name", ALL)
def test_a_step_allocates_nothing_after_the_first(name: str) -> None:
    w, g = np.ones(100_000, dtype=np.float32), np.full(100_000, 0.5, dtype=np.float32)
    optimizer = get_optimizer(name)
    optimizer.step(w, g)
    tracemalloc.start()
    optimizer.step(w, g)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # One temporary array would be 400,000 bytes.
    assert peak < 10_000


@pytest.mark.parametrize("name", ALL)
def test_views_into_a_larger_array_are_moved_there(name: str) -> None:
    whole = np.ones(6)
    get_optimizer(name).step(whole[2:4], np.ones(2))
    assert (whole != 1).tolist() == [False, False, True, True, False, False]


@pytest.mark.parametrize("name", ALL)
def test_reset_forgets_everything(name: str) -> None:
    gradient, start = GRADIENTS["rosenbrock"]
    optimizer = get_optimizer(name, learning_rate=2**-10)
    first = run(optimizer, gradient, start, 5)
    assert not np.array_equal(run(optimizer, gradient, start, 5), first) or name == "gradient_descent"
    optimizer.reset()
    np.testing.assert_array_equal(run(optimizer, gradient, start, 5), first)
    optimizer.reset()
    optimizer.step(np.ones((2, 2), dtype=np.float32), np.ones((2, 2), dtype=np.float32))


@pytest.mark.parametrize("name", ALL)
def test_copies_and_pickles_go_on_where_the_original_was(name: str) -> None:
    gradient, start = GRADIENTS["rosenbrock"]
    optimizer = get_optimizer(name, learning_rate=2**-10)
    run(optimizer, gradient, start, 5)
    twins = copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))
    expected = run(optimizer, gradient, start, 5)
    for twin in twins:
        np.testing.assert_array_equal(run(twin, gradient, start, 5), expected)


@settings(deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_adam_and_adagrad_do_not_mind_the_scale_of_the_gradient(scale: float, start: float) -> None:
    for optimizer in (Adam, AdaGrad):
        plain = run(optimizer(0.1, epsilon=1e-30), lambda w: w, np.array([start]), 5)
        scaled = run(optimizer(0.1, epsilon=1e-30), lambda w: scale * w, np.array([start]), 5)
        np.testing.assert_allclose(scaled, plain, rtol=1e-6, atol=1e-9)


@settings(deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=10))
def test_momentum_of_zero_is_plain_descent(gradients: list[float]) -> None:
    w, u, v = np.zeros(1), np.zeros(1), np.zeros(1)
    plain, heavy, ahead = GradientDescent(0.1), Momentum(0.1, momentum=0.0), Nesterov(0.1, momentum=0.0)
    for g in gradients:
        plain.step(w, np.array([g]))
        heavy.step(u, np.array([g]))
        ahead.step(v, np.array([g]))
    assert w == u == v


def test_the_learning_rate_may_be_changed_between_steps() -> None:
    w, optimizer = np.zeros(1), GradientDescent(1.0)
    optimizer.step(w, np.ones(1))
    optimizer.learning_rate = 0.25
    optimizer.step(w, np.ones(1))
    assert w.item() == -1.25


def test_the_attribute_learning_rate_follows_the_schedule_and_reset_puts_it_back() -> None:
    optimizer = AdaptiveLearningRate(0.5, decay=1.0)
    run(optimizer, lambda w: w, np.ones(1), 4)
    assert optimizer.learning_rate == 0.125
    optimizer.reset()
    assert optimizer.learning_rate == 0.5


def test_a_schedule_sees_every_step_once_from_zero() -> None:
    asked = []

    def schedule(t: int) -> float:
        asked.append(t)
        return 1.0

    optimizer = AdaptiveLearningRate(schedule)
    asked.clear()
    run(optimizer, lambda w: w, np.ones(1), 4)
    assert asked == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("rate", [0, -1.0, np.nan, np.inf, "0.1", None])
def test_a_learning_rate_out_of_range_is_refused(name: str, rate: object) -> None:
    with pytest.raises(ValueError, match="must be a positive, finite number; got"):
        get_optimizer(name, learning_rate=rate)


@pytest.mark.parametrize(
    ("kind", "setting"),
    [(Momentum, "momentum"), (Nesterov, "momentum"), (RMSProp, "rho"), (Adam, "beta_1"), (Adam, "beta_2")],
)
@pytest.mark.parametrize("value", [-0.1, 1.0, np.nan, "0.9"])
def test_a_share_outside_0_to_1_is_refused(kind: type[Optimizer], setting: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"{setting} must be a number in \[0, 1\)"):
        kind(**{setting: value})


def test_other_settings_out_of_range_are_refused() -> None:
    for kind in (AdaGrad, RMSProp, Adam):
        with pytest.raises(ValueError, match="epsilon must be a positive, finite number; got 0"):
            kind(epsilon=0)
    with pytest.raises(ValueError, match="initial_accumulator must be zero or a positive"):
        AdaGrad(initial_accumulator=-1)
    with pytest.raises(ValueError, match="decay must be zero or a positive"):
        InverseTimeDecay(0.1, decay=-1)
    with pytest.raises(ValueError, match=r"decay=0\.1 has no use"):
        AdaptiveLearningRate(lambda t: 0.1, decay=0.1)


@pytest.mark.parametrize("name", ALL)
def test_parameters_that_cannot_be_moved_are_refused(name: str) -> None:
    optimizer = get_optimizer(name)
    for parameters, given_ in ((np.ones(2, dtype=int), "got int64"), ([1.0, 2.0], "got list"), (1.0, "got float")):
        with pytest.raises(TypeError, match=f"parameters must be a NumPy array of floats.*{given_}"):
            optimizer.step(parameters, np.ones(2))
    with pytest.raises(TypeError, match="gradient must be a NumPy array; got list"):
        optimizer.step(np.ones(2), [1.0, 1.0])
    with pytest.raises(ValueError, match=r"gradient must have the shape and dtype of parameters.*got \(2, 1\) float64"):
        optimizer.step(np.ones(2), np.ones((2, 1)))
    with pytest.raises(ValueError, match=r"\(2,\) float32; got \(2,\) float64"):
        optimizer.step(np.ones(2, dtype=np.float32), np.ones(2))


def test_one_optimizer_for_two_arrays_is_refused() -> None:
    optimizer = Momentum()
    optimizer.step(np.ones(2), np.ones(2))
    with pytest.raises(ValueError, match=r"has been moving parameters of shape \(2,\).*Call reset\(\) first"):
        optimizer.step(np.ones(3), np.ones(3))


def test_optimizers_are_found_by_name() -> None:
    expected = "RMSProp(learning_rate=0.001, epsilon=1e-07, epsilon_inside=True, rho=0.5)"
    assert repr(get_optimizer("rmsprop", rho=0.5)) == expected
    ready = Adam()
    assert get_optimizer(ready) is ready
    with pytest.raises(TypeError, match="settings \\(learning_rate\\) belong with an optimizer's name"):
        get_optimizer(ready, learning_rate=0.1)
    with pytest.raises(TypeError, match="rho"):
        get_optimizer("adam", rho=0.1)
    with pytest.raises(ValueError, match="unknown optimizer 'Adm'; did you mean 'adam'"):
        get_optimizer("Adm")
    with pytest.raises(TypeError, match="optimizer must be given by name"):
        get_optimizer(Adam)
