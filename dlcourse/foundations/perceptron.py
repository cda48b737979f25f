"""The perceptron: a layer of threshold units and the rule that moves its weights, slides (3.4) to (3.6)."""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from dlcourse.foundations._validation import check_classes, check_integer, check_real, generator_from

HISTORY_LIMIT = 256


class PerceptronClassifier(ClassifierMixin, BaseEstimator):
    r"""Layer of threshold units, trained one input vector at a time.

    Unit $j$ fires when its weighted sum is positive, and a wrong answer moves its weights towards the right one:

    $$y_j = g\Big(\sum_{i=0}^m w_{ij} x_i\Big), \quad g(h) = [h > 0] \tag{3.4}$$
    $$w_{ij} \leftarrow w_{ij} - \eta\,(y_j - t_j)\,x_i \tag{3.5}$$

    The bias is the weight of an extra input $x_0 = 1$, so that the line (the plane, in more dimensions) need not pass
    through the origin. If the classes can be separated by a plane, the rule ends after finitely many changes; if not,
    as for XOR, it never settles.

    Two classes take a single unit, as in the slides. More classes take one unit a class, and recall gives the class
    whose unit has the largest weighted sum, since several units may fire, or none.

    Args:
        learning_rate: $\eta$ in (3.5), positive. From zero weights it would only scale them; here it sets how soon the
            random start is forgotten.
        max_iter: largest number of passes over the training set, $T$ in the slides.
        shuffle: whether each pass takes the input vectors in a new random order.
        random_state: seed of the initial weights and of the order; an integer makes a run repeatable.

    Attributes:
        classes_: the class labels, sorted.
        weights_: $w$, shape `(m + 1, units)`, float64; row 0 holds the bias weights.
        weights_history_: the weights at the start and after each of the first 256 changes, shape
            `(changes + 1, m + 1, units)`: enough to draw the line as it moves.
        n_iter_: number of passes made.
        n_updates_: number of input vectors that changed the weights, over all passes.
        converged_: whether the last pass found every output correct.

    Example:
        >>> X = [[0, 0], [0, 1], [1, 0], [1, 1]]
        >>> model = PerceptronClassifier(random_state=0).fit(X, [0, 1, 1, 1])
        >>> model.predict(X).tolist(), model.converged_
        ([0, 1, 1, 1], True)

    Used in: Lab 02

    Reference: Rosenblatt, "The perceptron" (1958); summer school slides, "Building an MLP from scratch", (3.4)-(3.6).
    """

    def __init__(
        self,
        learning_rate: float = 0.25,
        max_iter: int = 100,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Learns the weights, for `max_iter` passes or until a pass finds every output correct.

        Args:
            X: input vectors $x$, shape `(n, m)`, real.
            y: class labels, shape `(n,)`; unit $j$'s target $t_j$ is 1 for its class and 0 otherwise.

        Returns:
            The fitted estimator.

        Raises:
            TypeError: if `max_iter` is not an integer, or `learning_rate` not a number.
            ValueError: if a parameter is out of range, an input is not finite, or `y` holds a single class.
        """
        eta = check_real("learning_rate", self.learning_rate, 0.0, open_low=True)
        check_integer("max_iter", self.max_iter, minimum=1)
        X, y = validate_data(self, X, y, dtype=np.float64)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_ = check_classes(y)
        units = self.classes_[1:] if self.classes_.size == 2 else self.classes_
        targets = y[:, np.newaxis] == units
        inputs = _with_bias_input(X)

        rng = generator_from(self.random_state)
        weights = rng.uniform(-0.05, 0.05, size=(inputs.shape[1], targets.shape[1]))
        history = [weights.copy()]
        self.n_iter_, self.n_updates_, self.converged_ = 0, 0, False
        while self.n_iter_ < self.max_iter and not self.converged_:
            self.n_iter_ += 1
            self.converged_ = True
            for index in rng.permutation(len(inputs)) if self.shuffle else range(len(inputs)):
                x, t = inputs[index], targets[index]
                y_j = x @ weights > 0
                error = y_j.astype(np.float64) - t
                if error.any():
                    self.converged_ = False
                    weights -= eta * np.outer(x, error)
                    self.n_updates_ += 1
                    if len(history) <= HISTORY_LIMIT:
                        history.append(weights.copy())

        self.weights_ = weights
        self.weights_history_ = np.stack(history)
        if not self.converged_:
            warnings.warn(
                f"the perceptron still made mistakes after max_iter={self.max_iter} passes: either no plane separates "
                "the classes (XOR is one such case: use MLPClassifier), or it needs more passes (raise max_iter)",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        r"""Gives the weighted sums $\sum_i w_{ij} x_i$, before the threshold.

        Args:
            X: input vectors, shape `(n, m)`.

        Returns:
            Float64, shape `(n,)` for two classes and `(n, units)` otherwise; a unit fires where its sum is positive.

        Raises:
            NotFittedError: before `fit`.
            ValueError: if the number of features differs from the one in `fit`.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        sums = _with_bias_input(X) @ self.weights_
        return sums.ravel() if sums.shape[1] == 1 else sums

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Recall, (3.6): the class that the threshold units name.

        Args:
            X: input vectors, shape `(n, m)`.

        Returns:
            Labels, shape `(n,)`, of the dtype that `fit` was given.

        Raises:
            NotFittedError: before `fit`.
            ValueError: if the number of features differs from the one in `fit`.
        """
        sums = self.decision_function(X)
        chosen = (sums > 0).astype(int) if sums.ndim == 1 else sums.argmax(axis=1)
        return self.classes_[chosen]


def _with_bias_input(X: np.ndarray) -> np.ndarray:
    """Puts the constant input $x_0 = 1$ in front, so that row 0 of the weights is the bias."""
    return np.column_stack([np.ones(len(X)), X])
