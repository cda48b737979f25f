"""The ensemble trainer against plain Keras models, then what it promises about its members, then bad input."""

import keras
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from dlcourse.approximation._ensemble_training import CHUNK, batch_order, blocks_of, initial_weights
from dlcourse.approximation.architecture import Architecture
from dlcourse.approximation.genz import GenzFunction, sample
from dlcourse.approximation.networks import EnsembleResult, train_ensemble

KERAS_OPTIMIZERS = {
    "sgd": lambda rate: keras.optimizers.SGD(rate),
    "momentum": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
    "adagrad": lambda rate: keras.optimizers.Adagrad(rate),
    "rmsprop": lambda rate: keras.optimizers.RMSprop(rate),
    "adam": lambda rate: keras.optimizers.Adam(rate),
}


def genz_data(*cells: tuple[str, int, int]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Training data of cells (family, dimension, sample size)."""
    X = [sample(n, dimension, seed=n) for _, dimension, n in cells]
    y = [GenzFunction.random(family, d, seed=0)(x) for (family, d, _), x in zip(cells, X, strict=True)]
    return X, y


def keras_losses(
    X: np.ndarray,
    y: np.ndarray,
    architecture: Architecture,
    seed: int,
    optimizer: keras.optimizers.Optimizer,
    steps: int | None = None,
) -> tuple[np.ndarray, keras.Model]:
    """Trains a plain Keras model on the same batches from the same initial weights."""
    model = keras.Sequential([keras.Input((X.shape[1],))])
    for units in architecture.hidden:
        model.add(keras.layers.Dense(units, activation=architecture.activation))
    model.add(keras.layers.Dense(1))
    model.set_weights(initial_weights(architecture, X.shape[1], seed))
    model.compile(optimizer, loss="mean_squared_error")
    batches = batch_order(len(X), architecture, seed)[:steps]
    losses = np.empty(len(batches))
    for step, (rows, rate) in enumerate(zip(batches, architecture.learning_rates(), strict=False)):
        optimizer.learning_rate = rate
        model.reset_metrics()
        losses[step] = model.train_on_batch(X[rows], y[rows])
    return losses, model


def test_each_member_follows_the_loss_curve_of_a_keras_model_of_its_own() -> None:
    # Three members that differ in all that members may differ in: data, dimension, sample size (below the batch size,
    # no multiple of it) and seed. 310 steps need two compiled calls.
    architecture = Architecture(steps=CHUNK + 60, learning_rate=0.003)
    X, y = genz_data(("gaussian", 2, 50), ("oscillatory", 5, 120), ("corner_peak", 1, 10))
    result = train_ensemble(X, y, architecture, seeds=[3, 4, 5], threads=2)
    for e, steps in enumerate([architecture.steps, 80, 80]):
        x_mean, x_spread, y_mean, y_spread = X[e].mean(axis=0), X[e].std(axis=0), y[e].mean(), y[e].std()
        standard = (X[e] - x_mean) / x_spread, (y[e] - y_mean) / y_spread
        losses, model = keras_losses(*standard, architecture, 3 + e, keras.optimizers.Adam(), steps)
        # Losses start near 1; float32 sums in another order leave differences near 1e-6.
        np.testing.assert_allclose(result.losses[e, :steps], losses, atol=1e-4, rtol=0)
        assert losses[-1] < 0.3 * losses[0]
        if steps == architecture.steps:
            points = sample(30, 2, seed=9)
            theirs = model.predict((points - x_mean) / x_spread, verbose=0)[:, 0] * y_spread + y_mean
            np.testing.assert_allclose(result.predict([points, sample(30, 5), sample(30, 1)])[e], theirs, atol=1e-3)


@pytest.mark.parametrize("optimizer", KERAS_OPTIMIZERS)
def test_every_optimizer_takes_the_steps_that_keras_takes(optimizer: str) -> None:
    architecture = Architecture((8,), "tanh", optimizer, learning_rate=0.02, steps=40, batch_size=16)
    X, y = genz_data(("gaussian", 2, 40))
    result = train_ensemble(X, y, architecture, seeds=[1], standardize=False, threads=1)
    losses, model = keras_losses(X[0], y[0], architecture, 1, KERAS_OPTIMIZERS[optimizer](0.02))
    np.testing.assert_allclose(result.losses[0], losses, rtol=1e-4)
    for ours, theirs in zip(result.weights, model.get_weights(), strict=True):
        np.testing.assert_allclose(ours[0], theirs, atol=1e-5)


def test_weight_decay_is_that_of_adamw() -> None:
    architecture = Architecture((8,), "tanh", learning_rate=0.02, steps=40, batch_size=16, weight_decay=0.5)
    X, y = genz_data(("gaussian", 2, 40))
    result = train_ensemble(X, y, architecture, seeds=[1], standardize=False, threads=1)
    losses, _ = keras_losses(X[0], y[0], architecture, 1, keras.optimizers.AdamW(0.02, weight_decay=0.5))
    np.testing.assert_allclose(result.losses[0], losses, rtol=1e-4)


def test_the_cosine_schedule_is_that_of_keras() -> None:
    schedule = keras.optimizers.schedules.CosineDecay(0.01, decay_steps=40)
    expected = [float(schedule(step)) for step in range(40)]
    np.testing.assert_allclose(Architecture(steps=40).learning_rates(), expected, atol=1e-8)


def test_the_linear_model_finds_the_least_squares_line() -> None:
    X = [sample(60, 3, seed=s) for s in range(2)]
    y = [x @ [1.0, -2.0, 3.0] + 7 + 0.1 * np.sin(20 * x[:, 0]) for x in X]
    result = train_ensemble(X, y, Architecture((), batch_size=60, learning_rate=0.05, steps=600), threads=1)
    for e in range(2):
        expected = LinearRegression().fit(X[e], y[e])
        kernel, bias = result.member(e).get_weights()
        np.testing.assert_allclose(kernel[:, 0], expected.coef_, atol=1e-4)
        np.testing.assert_allclose(bias, expected.intercept_, atol=1e-4)


@pytest.fixture(scope="module")
def mixed() -> tuple[list[np.ndarray], list[np.ndarray], EnsembleResult]:
    """Fourteen members of different sizes: two blocks, the second with a place to spare."""
    cells = [("gaussian", 1 + e % 3, 5 + 10 * e) for e in range(13)]
    X, y = genz_data(*cells)
    return X, y, train_ensemble(X, y, Architecture((16,), steps=120), seeds=range(13), threads=1)


def test_a_member_ends_where_it_would_have_ended_alone(mixed: tuple) -> None:
    X, y, together = mixed
    points = [x[:5] for x in X]
    for e in (0, 12):
        alone = train_ensemble([X[e]], [y[e]], Architecture((16,), steps=120), seeds=[e], threads=1)
        np.testing.assert_allclose(alone.losses[0], together.losses[e], atol=1e-4)
        np.testing.assert_allclose(alone.predict([points[e]])[0], together.predict(points)[e], atol=1e-3)


def test_the_number_of_threads_changes_nothing(mixed: tuple) -> None:
    X, y, one = mixed
    two = train_ensemble(X, y, Architecture((16,), steps=120), seeds=range(13), threads=2)
    np.testing.assert_allclose(one.losses, two.losses, atol=1e-4)


def test_inputs_beyond_a_members_dimension_never_enter(mixed: tuple) -> None:
    _, _, result = mixed
    for e, dimension in enumerate(result.members.dimensions):
        assert (result.weights[0][e, dimension:] == 0).all()
        assert (result.weights[0][e, :dimension] != 0).all()


def test_keras_members_predict_what_the_ensemble_predicts(mixed: tuple) -> None:
    _, _, result = mixed
    points = [sample(20, int(d), seed=1) for d in result.members.dimensions]
    predictions = result.predict(points)
    assert predictions.shape == (13, 20) and predictions.dtype == np.float64
    for e in (0, 5, -1):
        np.testing.assert_allclose(result.member(e).predict(points[e], verbose=0)[:, 0], predictions[e], atol=1e-5)
    with pytest.raises(IndexError, match="member 13 does not exist: the ensemble has 13"):
        result.member(13)


def test_every_pass_shows_every_point_once_and_batches_never_shrink() -> None:
    order = batch_order(50, Architecture(batch_size=32, steps=25), seed=0)
    assert order.shape == (25, 32)
    passes = order.ravel().reshape(16, 50)
    assert (np.sort(passes, axis=1) == np.arange(50)).all()
    assert not np.array_equal(passes[0], passes[1])
    assert (np.sort(batch_order(10, Architecture(steps=5), seed=0), axis=1) == np.arange(10)).all()


@pytest.mark.parametrize(("members", "threads"), [(1, 4), (5, 4), (72, 2), (13, 1), (25, 2)])
def test_blocks_hold_every_member_and_none_in_vain(members: int, threads: int) -> None:
    blocks = blocks_of(members, threads)
    assert (blocks.ravel()[:members] == np.arange(members)).all()
    assert blocks.size - members < blocks.shape[1]


def test_initial_weights_have_the_spread_of_keras() -> None:
    kernel = initial_weights(Architecture((300,)), 200, seed=0)[0]
    theirs = np.asarray(keras.initializers.GlorotUniform(seed=0)((200, 300)))
    assert kernel.std() == pytest.approx(theirs.std(), rel=0.02)
    assert np.abs(kernel).max() == pytest.approx(np.abs(theirs).max(), rel=1e-3)


def test_a_diverging_member_stops_keeps_its_last_good_weights_and_harms_nobody() -> None:
    X, y = genz_data(("gaussian", 2, 40), ("gaussian", 2, 41))
    X[1] = X[1] * 1e6
    architecture = Architecture((8,), "linear", "sgd", 0.05, "constant", steps=60)
    with pytest.warns(RuntimeWarning, match=r"1 of 2 networks met NaN or infinity .*: 1 \(step \d+\)"):
        result = train_ensemble(X, y, architecture, seeds=[0, 1], standardize=False, threads=1)
    alone = train_ensemble(X[:1], y[:1], architecture, seeds=[0], standardize=False, threads=1)
    np.testing.assert_allclose(result.losses[0], alone.losses[0], rtol=1e-5)
    step = result.diverged_at[1]
    assert result.diverged_at[0] == 0 and step > 0
    assert np.isfinite(result.losses[1, : step - 1]).all() and np.isnan(result.losses[1, step - 1 :]).all()
    assert all(np.isfinite(weight).all() for weight in result.weights)


def test_constant_targets_and_a_single_point_are_learned_not_divided_by_zero() -> None:
    result = train_ensemble([[[0.2, 0.3]], np.eye(2)], [[5.0], [0.0, 0.0]], Architecture((4,), steps=200), threads=1)
    np.testing.assert_allclose(result.predict([[[0.2, 0.3]], [[1.0, 0.0]]])[:, 0], [5.0, 0.0], atol=1e-2)


ONE = np.zeros((3, 2))


@pytest.mark.parametrize(
    ("X", "y", "options", "error", "message"),
    [
        ([], [], {}, ValueError, "got 0 in X"),
        ([ONE], [np.zeros(3)] * 2, {}, ValueError, "got 1 in X and 2 in y"),
        ([ONE], [np.zeros(4)], {}, ValueError, "3 points and 4 targets"),
        ([np.zeros(3)], [np.zeros(3)], {}, ValueError, r"X\[0\] must have shape \(n, d\), got \(3,\)"),
        ([ONE], [np.zeros((3, 1))], {}, ValueError, r"y\[0\] must have shape \(n\), got \(3, 1\)"),
        ([ONE * np.nan], [np.zeros(3)], {}, ValueError, "must be finite; it holds 6"),
        ([ONE.astype(str)], [np.zeros(3)], {}, TypeError, "real numbers"),
        ([np.zeros((0, 2))], [np.zeros(0)], {}, ValueError, "at least one point"),
        ([ONE], [np.zeros(3)], {"seeds": [1, 2]}, ValueError, "1 members, 2 seeds"),
        ([ONE], [np.zeros(3)], {"seeds": [-1]}, ValueError, "each seed must be at least 0"),
        ([ONE], [np.zeros(3)], {"architecture": (64, 64)}, TypeError, "must be an Architecture"),
        ([ONE], [np.zeros(3)], {"threads": 0}, ValueError, "threads must be at least 1"),
    ],
)
def test_data_that_do_not_fit_are_refused(X, y, options, error, message) -> None:
    with pytest.raises(error, match=message):
        train_ensemble(X, y, **options)


def test_predictions_need_the_inputs_of_the_training(mixed: tuple) -> None:
    _, _, result = mixed
    with pytest.raises(ValueError, match=r"member 1 must have shape \(1, 2\)"):
        result.predict([[0.5]])
    with pytest.raises(ValueError, match="one array a member, 13 in all; got 2"):
        result.predict([[[0.5]], [[0.5]]])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"hidden": 64}, TypeError, "tuple of layer sizes"),
        ({"hidden": (0,)}, ValueError, "each size in hidden must be at least 1"),
        ({"activation": "swich"}, ValueError, "Did you mean 'swish'"),
        ({"optimizer": "adamm"}, ValueError, "Did you mean 'adam'"),
        ({"schedule": "linear"}, ValueError, "constant, cosine"),
        ({"learning_rate": 0}, ValueError, "learning_rate must be finite and > 0"),
        ({"learning_rate": "0.1"}, TypeError, "learning_rate must be a number"),
        ({"weight_decay": -1}, ValueError, "weight_decay must be finite and >= 0"),
        ({"steps": 0}, ValueError, "steps must be at least 1"),
        ({"batch_size": 3.5}, TypeError, "batch_size must be an integer"),
    ],
)
def test_impossible_settings_are_refused(options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Architecture(**options)
