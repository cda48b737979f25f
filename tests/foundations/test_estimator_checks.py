"""scikit-learn's own conformance suite on the three estimators, and the company that estimators keep."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dlcourse.foundations import MLPClassifier, MLPRegressor, Momentum, PerceptronClassifier

SUITE = """
import json, sys, warnings
warnings.simplefilter("ignore")
from sklearn.utils.estimator_checks import check_estimator
import dlcourse.foundations as foundations
for name in ("PerceptronClassifier", "MLPClassifier", "MLPRegressor"):
    results = check_estimator(getattr(foundations, name)(), on_fail=None)
    print(json.dumps([name, [[r["check_name"], r["status"], str(r["exception"])] for r in results]]))
"""


@pytest.fixture(scope="module")
def suite():
    # SciPy reads SCIPY_ARRAY_API when it is imported; without it the suite skips a check. Hence a process of its own.
    environment = {**os.environ, "SCIPY_ARRAY_API": "1", "OMP_NUM_THREADS": "1"}
    run = subprocess.run([sys.executable, "-c", SUITE], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return dict(json.loads(line) for line in run.stdout.splitlines())


@pytest.mark.parametrize("name", ["PerceptronClassifier", "MLPClassifier", "MLPRegressor"])
def test_check_estimator_passes_whole_with_nothing_skipped_or_expected_to_fail(suite, name):
    results = suite[name]
    assert len(results) > 50
    assert [result for result in results if result[1] != "passed"] == []


@pytest.mark.parametrize(
    "model",
    [PerceptronClassifier(random_state=0), MLPClassifier((8,), learning_rate=0.02, random_state=0)],
)
@pytest.mark.filterwarnings("ignore:the perceptron still made mistakes")
def test_classifiers_work_in_a_pipeline_under_cross_validation(model):
    X, y = load_iris(return_X_y=True)
    names = load_iris().target_names[y]
    scores = cross_val_score(make_pipeline(StandardScaler(), model), X, names, cv=3)
    # A constant answer is right for one flower in three, and telling setosa alone apart for two in three.
    assert scores.min() > 0.7


def test_grid_search_finds_the_rate_that_learns():
    X = np.linspace(-1, 1, 90)[:, np.newaxis]
    model = make_pipeline(StandardScaler(), MLPRegressor((10,), max_epochs=60, random_state=0))
    search = GridSearchCV(model, {"mlpregressor__learning_rate": [1e-6, 0.02]}, cv=3)
    search.fit(np.random.default_rng(0).permutation(X), np.random.default_rng(0).permutation(X)[:, 0] ** 2)
    assert search.best_params_ == {"mlpregressor__learning_rate": 0.02}


def test_clone_shares_no_optimizer_and_fit_leaves_the_given_one_alone():
    optimizer = Momentum(0.1)
    model = MLPClassifier((4,), optimizer=optimizer, max_epochs=2, random_state=0)
    X, y = load_iris(return_X_y=True)
    twin = clone(model)
    first = model.fit(X, y).predict_proba(X)
    assert optimizer.iterations == 0
    assert model.optimizer_.iterations > 0
    assert twin.optimizer is not optimizer
    np.testing.assert_array_equal(first, twin.fit(X, y).predict_proba(X))
    np.testing.assert_array_equal(first, model.fit(X, y).predict_proba(X))
