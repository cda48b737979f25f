"""The perceptron against the slides' loops, against its convergence theorem, and on the logic functions."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Perceptron

from dlcourse.foundations import PerceptronClassifier
from dlcourse.foundations.perceptron import HISTORY_LIMIT

CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
OR, AND, XOR = [0, 1, 1, 1], [0, 0, 0, 1], [0, 1, 1, 0]


def algorithm_of_the_slides(weights, inputs, targets, eta, passes):
    """(3.4) and (3.5) with one loop for each index."""
    w = weights.copy()
    m, units = w.shape
    for _ in range(passes):
        for x, t in zip(inputs, targets, strict=True):
            y = [1 if sum(w[i][j] * x[i] for i in range(m)) > 0 else 0 for j in range(units)]
            for i in range(m):
                for j in range(units):
                    w[i][j] -= eta * (y[j] - t[j]) * x[i]
    return w


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.filterwarnings("ignore:the perceptron still made mistakes")
def test_weights_are_those_of_the_slides_algorithm(classes):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 3)), np.arange(30) % classes
    model = PerceptronClassifier(learning_rate=0.3, max_iter=4, shuffle=False, random_state=1).fit(X, y)
    assert not model.converged_
    targets = np.eye(classes)[y] if classes > 2 else y[:, np.newaxis]
    inputs = np.column_stack([np.ones(30), X])
    expected = algorithm_of_the_slides(model.weights_history_[0], inputs, targets, 0.3, 4)
    np.testing.assert_allclose(model.weights_, expected, rtol=1e-12, atol=1e-14)
    assert np.abs(model.weights_history_[0]).max() <= 0.05


@pytest.mark.parametrize("targets", [OR, AND])
@pytest.mark.parametrize("seed", range(5))
def test_or_and_and_are_learned(targets, seed):
    model = PerceptronClassifier(random_state=seed).fit(CORNERS, targets)
    assert model.converged_
    assert model.n_iter_ < 20
    assert model.predict(CORNERS).tolist() == targets
    # Recall (3.6): a unit fires where its weighted sum, bias included, is positive.
    sums = model.weights_[0, 0] + CORNERS @ model.weights_[1:, 0]
    np.testing.assert_allclose(model.decision_function(CORNERS), sums)
    assert (sums > 0).astype(int).tolist() == targets


def test_xor_is_never_learned_and_the_warning_names_the_way_out():
    with pytest.warns(ConvergenceWarning, match="use MLPClassifier"):
        model = PerceptronClassifier(max_iter=300, random_state=0).fit(CORNERS, XOR)
    assert not model.converged_
    assert model.n_iter_ == 300
    assert model.score(CORNERS, XOR) <= 0.75


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 40), m=st.integers(1, 4), margin=st.floats(0.3, 1.0), seed=st.integers(0, 2**16))
def test_separable_data_converge_within_the_bound_of_the_theorem(n, m, margin, seed):
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=m)
    normal /= np.linalg.norm(normal)
    y = np.arange(n) % 2
    X = rng.normal(size=(n, m))
    # Each point is carried along the normal to its own side of the plane, at least `margin` away from it.
    X += np.outer((2 * y - 1) * (margin + rng.exponential(size=n)) - X @ normal, normal)
    eta = 0.25
    model = PerceptronClassifier(learning_rate=eta, max_iter=100_000, random_state=seed).fit(X, y)
    assert model.converged_
    assert model.score(X, y) == Perceptron(tol=None, random_state=0).fit(X, y).score(X, y) == 1
    # Novikoff's argument from a start w0 that is not zero: after k changes the weights have grown by at least
    # k eta margin along the plane's normal, and their squared length by at most k (eta radius)^2.
    start = np.linalg.norm(model.weights_history_[0])
    radius = np.sqrt(1 + (X**2).sum(axis=1).max())
    k = model.n_updates_
    assert k * eta * margin - start <= np.sqrt(start**2 + k * (eta * radius) ** 2)


def test_history_starts_at_the_start_ends_at_the_end_and_holds_every_change():
    model = PerceptronClassifier(random_state=0).fit(CORNERS, AND)
    history = model.weights_history_
    assert len(history) == model.n_updates_ + 1
    np.testing.assert_array_equal(history[-1], model.weights_)
    inputs = np.column_stack([np.ones(4), CORNERS])
    for before, after in pairwise(history):
        step = np.abs(after - before)[:, 0] / 0.25
        assert any(np.allclose(step, x) for x in inputs)


@pytest.mark.filterwarnings("ignore:the perceptron still made mistakes")
def test_history_stays_small():
    model = PerceptronClassifier(max_iter=500, random_state=0).fit(CORNERS, XOR)
    assert model.n_updates_ > HISTORY_LIMIT
    assert len(model.weights_history_) == HISTORY_LIMIT + 1


@pytest.mark.filterwarnings("ignore:the perceptron still made mistakes")
def test_one_unit_a_class_and_the_largest_sum_answers():
    X, y = load_iris(return_X_y=True)
    names = load_iris().target_names[y]
    model = PerceptronClassifier(random_state=0).fit(X, names)
    assert model.weights_.shape == (5, 3)
    sums = model.decision_function(X)
    np.testing.assert_allclose(sums, model.weights_[0] + X @ model.weights_[1:])
    assert (model.predict(X) == model.classes_[sums.argmax(axis=1)]).all()
    # A plane parts setosa from the other two, so its unit must have found one; the other two units cannot.
    assert ((sums[:, 0] > 0) == (y == 0)).all()
    assert not model.converged_


def test_random_state_repeats_a_run():
    runs = [PerceptronClassifier(random_state=seed).fit(CORNERS, AND).weights_ for seed in (1, 1, 2)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).any()


@pytest.mark.parametrize(
    ("settings_", "error", "message"),
    [
        ({"learning_rate": 0.0}, ValueError, r"learning_rate must lie in \(0, inf\), got 0.0"),
        ({"learning_rate": np.nan}, ValueError, "learning_rate"),
        ({"learning_rate": "fast"}, TypeError, "must be a number, got 'fast'"),
        ({"max_iter": 0}, ValueError, "max_iter must be at least 1, got 0"),
        ({"max_iter": 2.0}, TypeError, "max_iter must be an integer"),
    ],
)
def test_bad_settings_are_refused(settings_, error, message):
    with pytest.raises(error, match=message):
        PerceptronClassifier(**settings_).fit(CORNERS, OR)


def test_a_single_class_is_refused():
    with pytest.raises(ValueError, match=r"one class \(1\).*at least two classes"):
        PerceptronClassifier().fit(CORNERS, [1, 1, 1, 1])
