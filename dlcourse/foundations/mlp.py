"""Multi-layer perceptrons as scikit-learn estimators: a classifier and a regressor on one network.

The arithmetic of the slides is in `network.py` and the loop over epochs in `training.py`; this file turns labels into
targets and outputs into answers.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d, validate_data

from dlcourse.foundations._estimator import MultiLayerPerceptron
from dlcourse.foundations._names import look_up
from dlcourse.foundations._validation import check_classes

FLOATS = (np.float64, np.float32)


class MLPClassifier(ClassifierMixin, MultiLayerPerceptron):
    r"""Multi-layer perceptron that tells classes apart, trained by error backpropagation.

    Two classes take one sigmoid output, the probability of the second class; more take a softmax with one output a
    class. Both minimise the cross-entropy. The slides' own algorithm, (4.4) to (4.11), is

        MLPClassifier(activation="sigmoid", output_activation="sigmoid", loss="sum_of_squares",
                      optimizer="gradient_descent", batch_size=1)

    with one sigmoid output a class (a single one for two classes), squared error, and an update after every sample.

    Args:
        hidden_layer_sizes: units of each hidden layer; one integer for one layer; `()` for none (logistic regression).
        activation: $g$ of the hidden layers: `"relu"`, `"sigmoid"`, `"tanh"`, `"swish"` or `"linear"`.
        output_activation: `"auto"` (as above), `"sigmoid"` or `"softmax"`.
        loss: `"auto"` is `"cross_entropy"`; or `"mean_squared_error"`, or the slides' `"sum_of_squares"`.
        optimizer: a name or an `Optimizer` of `dlcourse.foundations.optimizers`; an `Optimizer` is copied.
        learning_rate: $\eta$, positive; `None` leaves the named optimizer's own (0.001 for Adam).
        batch_size: samples an update, at least 1; `None` for the whole training set.
        max_epochs: passes over the training set, at least 1; fewer only on early stopping or divergence.
        shuffle: whether every epoch has a new order.
        initializer: a name of `dlcourse.foundations.initializers`, or a function of `(shape, rng)`; `"auto"` is
            He-uniform for relu and swish, Glorot-uniform elsewhere. Biases start at zero.
        dropout: share of hidden activations set to 0 while training, in `[0, 1)`.
        l2: $\lambda$ of the penalty $\frac{\lambda}{2} \sum \lVert W \rVert^2$, in `[0, inf)`.
        early_stopping: whether to end after `patience` epochs without a new lowest validation loss, and to bring back
            the weights of the best epoch.
        validation_fraction: share of the training set (of each class) set aside for early stopping, in `(0, 1)`.
        patience: epochs to wait for a new best, at least 1.
        random_state: seed of weights, orders, dropout and split; an integer makes a run repeatable.
        verbose: whether to show a progress bar.

    Attributes:
        classes_: the class labels, sorted.
        weights_, biases_: one array a layer; views of the one vector `network_.parameters`.
        loss_curve_: mean training loss of each epoch.
        validation_loss_curve_, validation_score_curve_: loss and accuracy after each epoch, where there is a
            validation set.
        best_epoch_: the epoch (from 1) with the lowest validation loss, or `None`.
        n_iter_: epochs made.
        diverged_: whether training met a loss that is not finite; the last good weights are kept.
        network_, optimizer_: the `FeedForwardNetwork` and the optimizer with its memory.

    Example:
        >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
        >>> model = MLPClassifier((8,), activation="tanh", learning_rate=0.05, random_state=0).fit(X, y)
        >>> model.predict(X).tolist()
        [0, 1, 1, 0]

    Used in: Lab 02

    Reference: Rumelhart, Hinton and Williams (1986); summer school slides, "The Multi-layer Perceptron Algorithm",
    "Recipe for using MLP", "Early stopping" and "Regularization in NN: dropout".
    """

    def partial_fit(self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None) -> Self:
        """Trains for one more epoch over the given samples, on top of what was learned before.

        Args:
            X: inputs, shape `(n, m)`.
            y: labels, shape `(n,)`.
            classes: all the labels there will be; read at the first call, where `None` means those in `y`.

        Returns:
            The estimator.

        Raises:
            TypeError: if a parameter has the wrong type.
            ValueError: if a label is unknown, or the data do not fit.
        """
        return self._partial_fit(X, y, y if classes is None else classes)

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Probability of each class.

        Args:
            X: inputs, shape `(n, m)`.

        Returns:
            Shape `(n, classes)`, rows sum to 1. Several sigmoid outputs are divided by their sum.

        Raises:
            NotFittedError: before `fit`, `partial_fit` or `initialize`.
            ValueError: if the number of features differs.
        """
        outputs = self._outputs(X)
        if outputs.shape[1] == 1:
            return np.hstack([1 - outputs, outputs])
        if self.network_.output_name == "softmax":
            return outputs
        # Sigmoids can all underflow to zero; no class is then more probable than another.
        outputs = outputs + np.finfo(outputs.dtype).tiny
        return outputs / outputs.sum(axis=1, keepdims=True)

    def predict(self, X: ArrayLike) -> np.ndarray:
        """The most probable class.

        Args:
            X: inputs, shape `(n, m)`.

        Returns:
            Labels, shape `(n,)`, of the dtype that `fit` was given.

        Raises:
            NotFittedError: before `fit`, `partial_fit` or `initialize`.
            ValueError: if the number of features differs.
        """
        chosen = _decide(self._outputs(X))
        return self.classes_[chosen]

    def _check(self, X: ArrayLike, y: ArrayLike, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        X, y = validate_data(self, X, y, dtype=FLOATS, reset=reset)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        return X, y

    def _learn_targets(self, y: ArrayLike) -> None:
        self.classes_ = check_classes(np.asarray(y))
        single = self.classes_.size == 2 and self._output()[0] == "sigmoid"
        self.n_outputs_ = 1 if single else self.classes_.size

    def _encode(self, y: np.ndarray) -> np.ndarray:
        unknown = np.setdiff1d(y, self.classes_)
        if unknown.size:
            raise ValueError(
                f"y holds {unknown.tolist()}, which the network has no output for: it knows {self.classes_.tolist()}. "
                "Name every label in partial_fit(classes=...), or fit again."
            )
        units = self.classes_[1:] if self.n_outputs_ == 1 else self.classes_
        return (y[:, np.newaxis] == units).astype(self.network_.parameters.dtype)

    def _output(self) -> tuple[str, str]:
        automatic = "sigmoid" if self.classes_.size == 2 else "softmax"
        choices = {"auto": automatic, "sigmoid": "sigmoid", "softmax": "softmax"}
        output_activation = look_up("output_activation of a classifier", self.output_activation, choices)
        return output_activation, "cross_entropy" if self.loss == "auto" else self.loss

    def _score(self, outputs: np.ndarray, targets: np.ndarray) -> float:
        return float(np.mean(_decide(outputs) == _decide(targets)))


class MLPRegressor(RegressorMixin, MultiLayerPerceptron):
    r"""Multi-layer perceptron with linear outputs, for targets from a continuous range.

    The hidden layers are those of `MLPClassifier`; the outputs just sum, $y_\kappa = h_\kappa$, and the loss is the
    mean squared error. Targets far from zero or far from unit scale train slowly: standardise them, as the inputs.

    Args:
        hidden_layer_sizes: units of each hidden layer; one integer for one layer; `()` for none (linear regression).
        activation: $g$ of the hidden layers, as for `MLPClassifier`.
        output_activation: `"auto"` is `"linear"`; or any activation, for targets within its range.
        loss: `"auto"` is `"mean_squared_error"`; or the slides' `"sum_of_squares"`.
        optimizer: as for `MLPClassifier`, and so are `learning_rate`, `batch_size`, `max_epochs`, `shuffle`,
            `initializer`, `dropout`, `l2`, `early_stopping`, `validation_fraction`, `patience`, `random_state` and
            `verbose`.

    Attributes:
        weights_, biases_, loss_curve_, validation_loss_curve_, best_epoch_, n_iter_, diverged_, network_, optimizer_:
            as for `MLPClassifier`.
        validation_score_curve_: $R^2$ after each epoch, where there is a validation set.
        n_outputs_: number of target columns.

    Example:
        >>> X = np.linspace(-1, 1, 50)[:, np.newaxis]
        >>> model = MLPRegressor((20,), learning_rate=0.01, batch_size=10, random_state=0).fit(X, X[:, 0] ** 2)
        >>> model.score(X, X[:, 0] ** 2) > 0.95
        True

    Used in: Lab 02

    Reference: summer school slides, "Recall: different activations" (linear outputs) and (4.4)-(4.11).
    """

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def partial_fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Trains for one more epoch over the given samples, on top of what was learned before.

        Args:
            X: inputs, shape `(n, m)`.
            y: targets, shape `(n,)` or `(n, outputs)`.

        Returns:
            The estimator.

        Raises:
            TypeError: if a parameter has the wrong type.
            ValueError: if the number of features or outputs differs from the first call.
        """
        return self._partial_fit(X, y, y)

    def predict(self, X: ArrayLike) -> np.ndarray:
        """The network's outputs.

        Args:
            X: inputs, shape `(n, m)`.

        Returns:
            Shape `(n,)` or `(n, outputs)`, as the targets had; float32 if the network was trained in it.

        Raises:
            NotFittedError: before `fit`, `partial_fit` or `initialize`.
            ValueError: if the number of features differs.
        """
        outputs = self._outputs(X)
        return outputs[:, 0] if self._flat_targets else outputs

    def _check(self, X: ArrayLike, y: ArrayLike, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        return validate_data(self, X, y, dtype=FLOATS, multi_output=True, y_numeric=True, reset=reset)

    def _learn_targets(self, y: ArrayLike) -> None:
        y = np.asarray(y)
        self._flat_targets = y.ndim == 1
        self.n_outputs_ = 1 if self._flat_targets else y.shape[1]

    def _encode(self, y: np.ndarray) -> np.ndarray:
        targets = y.reshape(len(y), -1).astype(self.network_.parameters.dtype)
        if targets.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has {targets.shape[1]} columns, but the network has {self.n_outputs_} outputs. "
                "Give as many columns as at the first call, or fit again."
            )
        return targets

    def _output(self) -> tuple[str, str]:
        if self.loss == "cross_entropy":
            raise ValueError("loss='cross_entropy' is for class labels; take 'mean_squared_error', or MLPClassifier")
        output_activation = "linear" if self.output_activation == "auto" else self.output_activation
        return output_activation, "mean_squared_error" if self.loss == "auto" else self.loss

    def _score(self, outputs: np.ndarray, targets: np.ndarray) -> float:
        return float(r2_score(targets, outputs))


def _decide(outputs: np.ndarray) -> np.ndarray:
    """Number of the class that outputs or one-hot targets stand for, shape `(n,)`."""
    return (outputs[:, 0] > 0.5).astype(int) if outputs.shape[1] == 1 else outputs.argmax(axis=1)
