"""The two estimators: against scikit-learn's models where they are the same model, then what they promise."""

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris, make_classification, make_regression
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier as SklearnClassifier
from sklearn.neural_network import MLPRegressor as SklearnRegressor

from dlcourse.foundations import MLPClassifier, MLPRegressor, Momentum, PerceptronClassifier

CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
XOR = [0, 1, 1, 0]
SLIDES = {
    "activation": "sigmoid",
    "output_activation": "sigmoid",
    "loss": "sum_of_squares",
    "optimizer": "gradient_descent",
}


def line_and_noise(n=60, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, X @ [1.0, -2.0, 0.5] + rng.normal(size=n)


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic"])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_same_weights_give_scikit_learns_probabilities(activation, classes):
    X, y = make_classification(80, 6, n_informative=4, n_classes=classes, random_state=0)
    theirs = SklearnClassifier((7, 5), activation, max_iter=20, random_state=0)
    with pytest.warns(ConvergenceWarning):
        theirs.fit(X, y)
    ours = MLPClassifier((7, 5), {"logistic": "sigmoid"}.get(activation, activation)).initialize(X, y)
    for mine, given in zip(ours.weights_ + ours.biases_, theirs.coefs_ + theirs.intercepts_, strict=True):
        mine[...] = given
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-10)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


def test_the_same_weights_give_scikit_learns_regression():
    X, y = make_regression(80, 6, n_targets=2, random_state=0)
    theirs = SklearnRegressor(hidden_layer_sizes=(7, 5), max_iter=20, random_state=0)
    with pytest.warns(ConvergenceWarning):
        theirs.fit(X, y)
    ours = MLPRegressor((7, 5)).initialize(X, y)
    for mine, given in zip(ours.weights_ + ours.biases_, theirs.coefs_ + theirs.intercepts_, strict=True):
        mine[...] = given
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-10)


@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_no_hidden_layer_is_ridge_regression(l2):
    X, y = line_and_noise()
    model = MLPRegressor((), l2=l2, optimizer=Momentum(0.1), batch_size=None, max_epochs=400, random_state=0).fit(X, y)
    # mean((y - p)^2) + l2/2 |W|^2 is Ridge's sum((y - p)^2) + alpha |W|^2 over n, with alpha = n l2 / 2.
    expected = Ridge(alpha=len(X) * l2 / 2).fit(X, y)
    np.testing.assert_allclose(model.weights_[0][:, 0], expected.coef_, rtol=1e-6)
    np.testing.assert_allclose(model.biases_[0], expected.intercept_, rtol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_no_hidden_layer_is_logistic_regression(classes):
    X, y = make_classification(90, 4, n_informative=3, n_redundant=0, n_classes=classes, random_state=0)
    model = MLPClassifier((), l2=0.05, optimizer=Momentum(0.2), batch_size=None, max_epochs=1500, random_state=0)
    expected = LogisticRegression(C=1 / (len(X) * 0.05), tol=1e-10, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(model.fit(X, y).predict_proba(X), expected.predict_proba(X), rtol=1e-5)


def test_one_epoch_of_the_slides_settings_is_the_slides_algorithm():
    X, y = line_and_noise(6)
    labels = (y > 0).astype(int)
    model = MLPClassifier((3,), **SLIDES, learning_rate=0.5, batch_size=1, shuffle=False, random_state=0)
    model.initialize(X, labels)
    v, w = (np.vstack([b, W]) for W, b in zip(model.weights_, model.biases_, strict=True))
    for x, t in zip(np.column_stack([np.ones(6), X]), labels, strict=True):
        a = np.append(1.0, 1 / (1 + np.exp(-x @ v)))
        y_o = 1 / (1 + np.exp(-a @ w))
        delta_o = (y_o - t) * y_o * (1 - y_o)
        delta_h = (a * (1 - a) * (w @ delta_o))[1:]
        w -= 0.5 * np.outer(a, delta_o)
        v -= 0.5 * np.outer(x, delta_h)
    model.partial_fit(X, labels)
    np.testing.assert_allclose(np.vstack([model.biases_[0], model.weights_[0]]), v, rtol=1e-12)
    np.testing.assert_allclose(np.vstack([model.biases_[1], model.weights_[1]]), w, rtol=1e-12)


def test_gradients_are_those_of_the_loss_by_finite_differences():
    X, y = load_iris(return_X_y=True)
    model = MLPClassifier((5,), activation="tanh", l2=0.1, dropout=0.5, random_state=0).initialize(X, y)
    one_hot = np.eye(3)[y]
    network = model.network_
    for (dW, db), W, b in zip(model.gradients(X, y), model.weights_, model.biases_, strict=True):
        for gradient, parameter in ((dW, W), (db, b)):
            for index in np.ndindex(parameter.shape):
                value, losses = parameter[index], []
                for nudge in (1e-6, -1e-6):
                    parameter[index] = value + nudge
                    losses.append(network.loss(network.forward(X), one_hot))
                parameter[index] = value
                assert gradient[index] == pytest.approx((losses[0] - losses[1]) / 2e-6, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("settings_", [{"activation": "tanh"}, SLIDES])
def test_xor_is_learned_as_no_perceptron_can(settings_):
    rate = 2.0 if settings_ is SLIDES else 0.05
    size = 1 if settings_ is SLIDES else 4
    for seed in range(3):
        model = MLPClassifier(
            (8,), **settings_, learning_rate=rate, batch_size=size, max_epochs=1500, random_state=seed
        ).fit(CORNERS, XOR)
        assert model.predict(CORNERS).tolist() == XOR
    with pytest.warns(ConvergenceWarning):
        assert PerceptronClassifier(random_state=0).fit(CORNERS, XOR).score(CORNERS, XOR) < 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_digits_are_read(dtype):
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        (X / 16).astype(dtype), y, test_size=0.25, random_state=0, stratify=y
    )
    model = MLPClassifier((64,), learning_rate=0.003, max_epochs=40, random_state=0).fit(X_train, y_train)
    # A linear model reads 96 % of this test set; a network has to do better, or its hidden layer is for nothing.
    linear = LogisticRegression(max_iter=1000).fit(X_train, y_train).score(X_test, y_test)
    assert model.score(X_test, y_test) >= 0.97 > linear
    assert model.predict_proba(X_test).dtype == model.weights_[0].dtype == dtype


def test_a_smooth_curve_is_fitted_with_several_outputs_at_once():
    X = np.linspace(-3, 3, 200)[:, np.newaxis]
    Y = np.hstack([np.sin(X), X**2 / 9])
    model = MLPRegressor((30,), activation="tanh", learning_rate=0.01, max_epochs=150, random_state=0).fit(X, Y)
    # The best straight line explains 36 % of the two curves' variance on average; a fit has to be far above it.
    assert Ridge().fit(X, Y).score(X, Y) < 0.5
    assert model.score(X, Y) > 0.98
    assert model.predict(X).shape == (200, 2)
    assert model.fit(X, Y[:, 0]).predict(X).shape == (200,)


def test_early_stopping_sets_a_part_of_every_class_aside_and_restores_the_best():
    X, y = make_classification(300, 20, n_informative=3, flip_y=0.3, random_state=0)
    model = MLPClassifier(
        (64,), learning_rate=0.01, max_epochs=300, early_stopping=True, validation_fraction=0.3, patience=5
    )
    model.set_params(random_state=0).fit(X, y)
    curve = model.validation_loss_curve_
    assert model.n_iter_ == len(curve) == len(model.loss_curve_) < 300
    assert model.best_epoch_ == np.argmin(curve) + 1 == model.n_iter_ - 5
    assert all(0 <= score <= 1 for score in model.validation_score_curve_)

    rest, X_validation, y_rest, y_validation = train_test_split(X, y, test_size=0.3, random_state=1, stratify=y)
    model.fit(rest, y_rest, validation_data=(X_validation, y_validation))
    network = model.network_
    loss = network.loss(network.forward(X_validation), y_validation[:, np.newaxis])
    assert loss == min(model.validation_loss_curve_)
    assert model.score(X_validation, y_validation) == model.validation_score_curve_[model.best_epoch_ - 1]


def test_validation_data_alone_is_watched_and_changes_nothing():
    X, y = line_and_noise()
    watched = MLPRegressor((5,), max_epochs=8, random_state=0).fit(X, y, validation_data=line_and_noise(20, 1))
    plain = MLPRegressor((5,), max_epochs=8, random_state=0).fit(X, y)
    assert len(watched.validation_loss_curve_) == len(watched.validation_score_curve_) == watched.n_iter_ == 8
    assert plain.validation_loss_curve_ == [] and plain.best_epoch_ is None
    np.testing.assert_array_equal(watched.predict(X), plain.predict(X))
    X_validation, y_validation = line_and_noise(20, 1)
    assert watched.validation_score_curve_[-1] == pytest.approx(watched.score(X_validation, y_validation))
    mean_square = np.mean((watched.predict(X_validation) - y_validation) ** 2)
    assert watched.validation_loss_curve_[-1] == pytest.approx(mean_square)


def test_dropout_and_l2_narrow_the_gap_between_training_and_test():
    X, y = make_classification(400, 20, n_informative=4, flip_y=0.2, random_state=1)
    X_train, X_test, y_train, y_test = X[:100], X[100:], y[:100], y[100:]

    def gap(**settings_):
        model = MLPClassifier((100,), learning_rate=0.01, max_epochs=60, random_state=0, **settings_)
        model.fit(X_train, y_train)
        assert (model.predict_proba(X_test) == model.predict_proba(X_test)).all()
        return model.score(X_train, y_train) - model.score(X_test, y_test)

    assert gap(dropout=0.5) < gap()
    assert gap(l2=0.1) < gap() - 0.05


@pytest.mark.parametrize("model", [MLPClassifier((6,), dropout=0.3), MLPRegressor((6,), dropout=0.3)])
def test_random_state_repeats_a_run_and_partial_fit_goes_on_where_fit_would(model):
    X, y = load_iris(return_X_y=True)
    model.set_params(random_state=3, max_epochs=4)
    first = model.fit(X, y).network_.parameters.copy()
    np.testing.assert_array_equal(first, model.fit(X, y).network_.parameters)
    assert (first != model.set_params(random_state=4).fit(X, y).network_.parameters).any()

    stepwise = type(model)((6,), dropout=0.3, random_state=3)
    for _ in range(4):
        stepwise.partial_fit(X, y)
    np.testing.assert_array_equal(first, stepwise.network_.parameters)
    assert stepwise.n_iter_ == len(stepwise.loss_curve_) == 4


def test_a_pickled_network_goes_on_learning_as_the_original():
    X, y = load_iris(return_X_y=True)
    model = MLPClassifier((6,), max_epochs=3, random_state=0).fit(X, y)
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(model.partial_fit(X, y).weights_[0], twin.partial_fit(X, y).weights_[0])


def test_divergence_is_named_and_leaves_finite_weights():
    X, y = line_and_noise()
    model = MLPRegressor((5,), optimizer="gradient_descent", learning_rate=1e3, random_state=0)
    with pytest.warns(ConvergenceWarning, match=r"diverged.*epoch \d+.*smaller learning rate \(now 1000\)"):
        model.fit(X, y)
    assert model.diverged_
    assert model.n_iter_ < 100
    assert np.isfinite(model.predict(X)).all()


def test_several_sigmoid_outputs_give_probabilities_that_sum_to_one():
    X, y = load_iris(return_X_y=True)
    model = MLPClassifier((6,), output_activation="sigmoid", max_epochs=5, random_state=0).fit(X, y)
    assert model.weights_[-1].shape == (6, 3)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    model.weights_[-1][...], model.biases_[-1][...] = 0, -1e6
    np.testing.assert_allclose(model.predict_proba(X), 1 / 3)


def test_partial_fit_learns_the_labels_it_was_told_of_and_refuses_others():
    X, y = load_iris(return_X_y=True)
    model = MLPClassifier((6,), random_state=0).partial_fit(X[:100], y[:100], classes=[0, 1, 2])
    assert model.predict_proba(X).shape == (150, 3)
    model.partial_fit(X[100:], y[100:])
    with pytest.raises(ValueError, match=r"y holds \[7\].*it knows \[0, 1, 2\]"):
        model.partial_fit(X[:2], [0, 7])
    regressor = MLPRegressor((6,)).partial_fit(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="y has 1 columns, but the network has 2 outputs"):
        regressor.partial_fit(X, y)


@pytest.mark.parametrize(
    ("settings_", "error", "message"),
    [
        ({"hidden_layer_sizes": (4, 0)}, ValueError, "at least 1, got 0"),
        ({"activation": "rleu"}, ValueError, "did you mean 'relu'"),
        ({"output_activation": "linear"}, ValueError, "unknown output_activation of a classifier 'linear'"),
        ({"loss": "mse"}, ValueError, "mean_squared_error"),
        ({"optimizer": "adm"}, ValueError, "did you mean 'adam'"),
        ({"optimizer": Momentum(0.1), "learning_rate": 0.2}, ValueError, "Give the rate to the optimizer alone"),
        ({"learning_rate": -1.0}, ValueError, "learning_rate must be"),
        ({"batch_size": 0}, ValueError, "Take None for the whole batch"),
        ({"batch_size": 16.0}, TypeError, "batch_size must be an integer, got 16.0"),
        ({"max_epochs": 0}, ValueError, "max_epochs must be at least 1"),
        ({"initializer": "xavier"}, ValueError, "glorot_uniform"),
        ({"dropout": 1.0}, ValueError, "dropout must lie in"),
        ({"l2": -1.0}, ValueError, "l2 must lie in"),
        ({"early_stopping": True, "patience": 0}, ValueError, "patience must be at least 1"),
        ({"early_stopping": True, "validation_fraction": 1.0}, ValueError, "validation_fraction must lie in"),
        ({"early_stopping": True, "validation_fraction": 0.01}, ValueError, "Give validation_data to fit"),
    ],
)
def test_bad_settings_are_refused_with_the_fix(settings_, error, message):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(error, match=message):
        MLPClassifier(**settings_).fit(X, y)


def test_bad_data_are_refused():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="at least two classes"):
        MLPClassifier().fit(X, np.zeros(150))
    with pytest.raises(ValueError, match="loss='cross_entropy' is for class labels"):
        MLPRegressor(loss="cross_entropy").fit(X, y)
    with pytest.raises(ValueError, match=r"y holds \[5\]"):
        MLPClassifier(max_epochs=1).fit(X, y, validation_data=(X, np.full(150, 5)))
    with pytest.raises(NotFittedError):
        MLPRegressor().gradients(X, y)
