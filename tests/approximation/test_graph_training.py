"""Training in the graph against `Model.fit` and a closed form, then what it promises, then bad input."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dlcourse.approximation.graph_training import fit_in_graph

SQUARES = keras.losses.MeanSquaredError()


def small_network(dropout: float = 0.0, penalty: float = 0.0) -> keras.Model:
    keras.utils.set_random_seed(1)
    regularizer = keras.regularizers.L2(penalty) if penalty else None
    return keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(8, activation="tanh", kernel_regularizer=regularizer),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(1),
        ]
    )


def rows(n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    return X, np.sin(X[:, :1]) + X[:, 1:2]


@pytest.mark.parametrize("penalty", [0.0, 0.01])
def test_full_batches_give_the_weights_and_losses_of_keras_fit(penalty: float) -> None:
    X, y = rows()
    ours, theirs = small_network(penalty=penalty), small_network(penalty=penalty)
    losses = fit_in_graph(ours, X, y, SQUARES, keras.optimizers.Adam(0.01), epochs=25, batch_size=40)
    theirs.compile(keras.optimizers.Adam(0.01), "mse")
    history = theirs.fit(X, y, batch_size=40, epochs=25, verbose=0).history["loss"]
    np.testing.assert_allclose(losses, history, rtol=1e-4)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-4)


def test_every_row_is_used_once_an_epoch_also_when_the_last_batch_is_smaller() -> None:
    # With rate 0 the model answers 0 throughout, so each loss is a mean of three batch means, of y squared.
    X, y = rows(10)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    losses = fit_in_graph(model, X, y, SQUARES, keras.optimizers.SGD(0.0), epochs=30, batch_size=4, seed=5)
    rng = np.random.default_rng(5)
    orders = [rng.permutation(10) for _ in range(30)]
    means = [np.mean([np.mean(y[part] ** 2) for part in np.split(order, [4, 8])]) for order in orders]
    np.testing.assert_allclose(losses, means, rtol=1e-5)


def test_equal_seeds_give_equal_runs_and_other_seeds_do_not() -> None:
    X, y = rows()

    def run(seed: int) -> np.ndarray:
        return fit_in_graph(
            small_network(), X, y, SQUARES, keras.optimizers.SGD(0.1), epochs=3, batch_size=8, seed=seed
        )

    np.testing.assert_array_equal(run(3), run(3))
    assert not np.allclose(run(3), run(4))


def test_dropout_is_at_work_in_training_and_integer_labels_stay_integers() -> None:
    X, y = rows()
    assert not np.allclose(
        fit_in_graph(small_network(dropout=0.6), X, y, SQUARES, keras.optimizers.SGD(0.0), epochs=1),
        fit_in_graph(small_network(), X, y, SQUARES, keras.optimizers.SGD(0.0), epochs=1),
    )
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    labels = (X[:, 0] > 0).astype(int)
    classes = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    losses = fit_in_graph(model, X, labels, classes, keras.optimizers.Adam(0.1), epochs=40)
    assert losses[-1] < 0.25
    assert np.mean(np.asarray(model(X)).argmax(axis=1) == labels) > 0.9


def test_a_run_that_diverges_stops_and_keeps_the_last_finite_weights() -> None:
    X, y = rows()
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    seen: list[list[np.ndarray]] = []
    with pytest.raises(FloatingPointError, match=r"epoch \d+; the model keeps .* smaller learning rate"):
        fit_in_graph(
            model,
            X,
            y,
            SQUARES,
            keras.optimizers.SGD(1e4),
            epochs=50,
            on_epoch=lambda *_: seen.append(model.get_weights()),
        )
    assert 0 < len(seen) < 50
    for kept, last in zip(model.get_weights(), seen[-1], strict=True):
        assert np.isfinite(kept).all()
        np.testing.assert_array_equal(kept, last)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"X": np.zeros(4)}, ValueError, r"shapes \(4,\)"),
        ({"y": np.zeros(3)}, ValueError, "one row for each"),
        ({"X": np.zeros((0, 3)), "y": np.zeros(0)}, ValueError, "n >= 1"),
        ({"X": np.full((4, 3), np.nan)}, ValueError, "X must be finite"),
        ({"y": np.array([0.0, 1.0, np.inf, 0.0])}, ValueError, "y must be finite"),
        ({"X": np.full((4, 3), "a")}, ValueError, "must hold numbers"),
        ({"epochs": 0}, ValueError, "epochs must be at least 1"),
        ({"batch_size": 2.5}, TypeError, "batch_size must be an integer"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
    ],
)
def test_bad_input_is_named(change: dict, error: type[Exception], words: str) -> None:
    given = {"X": np.zeros((4, 3)), "y": np.zeros(4), "epochs": 1, **change}
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    with pytest.raises(error, match=words):
        fit_in_graph(model, given.pop("X"), given.pop("y"), SQUARES, keras.optimizers.SGD(), **given)
