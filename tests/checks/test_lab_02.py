"""Lab 02's exercises: their references against oracles, and the figures that the lab promises."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import sklearn.linear_model
import sklearn.metrics
import sklearn.preprocessing
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.checks import exercises, find_exercise, validate
from dlcourse.checks.judging import judge
from dlcourse.datasets import DataNotFoundError, load_digits, load_mnist, split_and_standardize
from dlcourse.foundations import MLPClassifier, mlp_steps

SOURCE = Path(__file__).parents[2] / "solutions" / "02_multilayer_perceptron.py"

sizes = st.tuples(*[st.integers(1, 5)] * 4)
seeds = st.integers(0, 2**32 - 1)


def draw_network(size, seed):
    rows, inputs, hidden, outputs = size
    rng = np.random.default_rng(seed)
    X, t = rng.normal(size=(rows, inputs)), rng.integers(0, 2, size=(rows, outputs)).astype(float)
    return X, t, rng.normal(size=(inputs + 1, hidden)), rng.normal(size=(hidden + 1, outputs))


def gradients(X, t, V, W):
    a, y = mlp_steps.forward(X, V, W)
    delta_o = mlp_steps.output_delta(y, t)
    return mlp_steps.weight_gradients(X, a, delta_o, mlp_steps.hidden_delta(a, W, delta_o))


def lab_setting(name):
    """The dictionary that the lab assigns to `name`, read from its source."""
    for node in ast.parse(SOURCE.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == [name]:
            return ast.literal_eval(node.value)
    raise AssertionError(f"{SOURCE.name} assigns no {name}")


@pytest.mark.parametrize("exercise", exercises("02"), ids=lambda exercise: exercise.number)
def test_exercise_is_well_made(exercise):
    assert validate(exercise) == []
    assert len(exercise.mistakes) >= 2
    assert exercise.hint


@pytest.mark.parametrize("exercise", exercises("02"), ids=lambda exercise: exercise.number)
def test_worked_solution_in_the_lab_passes_its_own_check(exercise):
    names = {"np": np, "sigmoid": scipy.special.expit, "with_bias": mlp_steps.with_bias}
    names |= {name: getattr(mlp_steps, name) for name in dir(mlp_steps) if not name.startswith("_")}
    cells = SOURCE.read_text(encoding="utf-8").split("# %%")
    cell = next(cells[i - 1] for i in range(1, len(cells)) if f'check("{exercise.number}"' in cells[i])
    exec(cell[cell.index("def ") :], names)
    function = names[re.search(r"def (\w+)", cell)[1]]
    assert judge(exercise, function).passed


@settings(max_examples=25, deadline=None)
@given(sizes, seeds)
def test_forward_and_gradients_agree_with_gradient_tape(size, seed):
    tf = pytest.importorskip("tensorflow")
    X, t, V, W = draw_network(size, seed)
    V_variable, W_variable = tf.Variable(V), tf.Variable(W)
    one = tf.ones((len(X), 1), tf.float64)
    with tf.GradientTape() as tape:
        hidden = tf.sigmoid(tf.concat([one, X], axis=1) @ V_variable)
        outputs = tf.sigmoid(tf.concat([one, hidden], axis=1) @ W_variable)
        error = 0.5 * tf.reduce_sum((outputs - t) ** 2)
    a, y = mlp_steps.forward(X, V, W)
    np.testing.assert_allclose(a, hidden, rtol=1e-10)
    np.testing.assert_allclose(y, outputs, rtol=1e-10)
    for ours, theirs in zip(gradients(X, t, V, W), tape.gradient(error, [V_variable, W_variable]), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-14)


@settings(max_examples=25, deadline=None)
@given(sizes, seeds)
def test_a_small_step_lowers_the_error_by_what_the_gradient_predicts(size, seed):
    X, t, V, W = draw_network(size, seed)
    eta = 1e-4

    def error(V, W):
        return 0.5 * np.sum((mlp_steps.forward(X, V, W)[1] - t) ** 2)

    predicted = eta * sum(np.sum(gradient**2) for gradient in gradients(X, t, V, W))
    fall = error(V, W) - error(*mlp_steps.training_step(X, t, V, W, eta))
    assert fall == pytest.approx(predicted, rel=1e-2, abs=1e-12)


@given(st.integers(1, 4), seeds)
def test_numerical_gradient_agrees_with_scipy(size, seed):
    w = np.random.default_rng(seed).normal(size=size)
    ours = mlp_steps.numerical_gradient(scipy.optimize.rosen, np.append(w, 1.0))
    np.testing.assert_allclose(ours, scipy.optimize.rosen_der(np.append(w, 1.0)), rtol=1e-5, atol=1e-5)


def test_perceptron_update_is_scikit_learns():
    """Scikit-learn's Perceptron makes the same change, with targets -1 and 1, one pass, no shuffling."""
    rng = np.random.default_rng(0)
    X, t = rng.normal(size=(30, 3)), rng.integers(0, 2, size=30)
    weights = np.zeros(4)
    for x, target in zip(X, t, strict=True):
        weights = mlp_steps.perceptron_update(weights, x, int(target), 1.0)
    # From zero weights ours answers 0 where the sum is 0; scikit-learn counts a sum of 0 as a mistake for both classes.
    start = next(i for i in range(30) if t[i] == 1)
    theirs = sklearn.linear_model.Perceptron(max_iter=1, tol=None, shuffle=False, eta0=1.0).fit(X[start:], t[start:])
    np.testing.assert_allclose(weights, [theirs.intercept_[0], *theirs.coef_[0]], rtol=1e-10)


@given(st.integers(2, 6), st.integers(1, 6), seeds)
def test_softmax_cross_entropy_and_standardize_agree_with_scipy_and_scikit_learn(classes, rows, seed):
    rng = np.random.default_rng(seed)
    softmax, cross_entropy = (find_exercise(number).reference for number in ("2.12", "2.13"))
    z, labels = rng.normal(0, 30, size=(rows, classes)), rng.integers(0, classes, size=rows)
    np.testing.assert_allclose(softmax(z), scipy.special.softmax(z, axis=1), rtol=1e-12)
    probabilities = rng.dirichlet(np.full(classes, 5.0), size=rows)
    expected = sklearn.metrics.log_loss(labels, probabilities, labels=range(classes))
    assert cross_entropy(labels, probabilities) == pytest.approx(expected, rel=1e-9)
    train, other = rng.normal(3, 2, size=(rows + 2, classes)), rng.normal(size=(rows, classes))
    scaler = sklearn.preprocessing.StandardScaler().fit(train)
    for ours, part in zip(mlp_steps.standardize(train, other), (train, other), strict=True):
        np.testing.assert_allclose(ours, scaler.transform(part), rtol=1e-9, atol=1e-12)


def test_hints_name_the_typical_mistake():
    answers = {
        "2.6": (lambda y, t: (t - y) * y * (1 - y), "sign is reversed"),
        "2.7": (lambda a, W, delta_o: delta_o @ W[1:].T, "a (1 - a), is missing"),
        "2.11": (lambda train, other: (train / train.var(axis=0), other / train.var(axis=0)), "mean and standard"),
        "2.12": (lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True), "overflows"),
    }
    for number, (wrong, words) in answers.items():
        assert words in str(judge(find_exercise(number), wrong))


def test_digits_reach_97_percent_with_the_labs_settings():
    """The lab promises at least 97 % over five splits; two of them, at 97 %, show learning in a second."""
    digits = load_digits()
    accuracies = []
    for seed in range(2):
        parts = split_and_standardize(digits.X, digits.y, test=0.2, validation=0.2, seed=seed)
        model = MLPClassifier(**lab_setting("digit_settings"))
        model.fit(
            digits.X[parts.train_rows],
            parts.y_train,
            validation_data=(digits.X[parts.validation_rows], parts.y_validation),
        )
        accuracies.append(model.score(digits.X[parts.test_rows], parts.y_test))
    assert np.mean(accuracies) >= 0.97


def test_mnist_test_pair_reaches_94_percent_with_the_labs_settings():
    """Issue 2 asks for 94 % of 2,000 digits after 8,000; a linear model stays near 90 %."""
    try:
        mnist = load_mnist("data_dir")
    except DataNotFoundError as error:
        pytest.skip(f"MNIST is not in DLCOURSE_DATA_DIR: {error}")
    model = MLPClassifier(**lab_setting("MNIST_SETTINGS")).fit(mnist.X_train, mnist.y_train)
    assert model.score(mnist.X_test, mnist.y_test) >= 0.94
