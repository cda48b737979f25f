"""What the two multi-layer perceptrons share: settings, fitting, gradients, and the record of a training run."""

from __future__ import annotations

import copy
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_is_fitted, validate_data

from dlcourse.foundations._validation import check_integer, check_real, generator_from
from dlcourse.foundations.initializers import get_initializer
from dlcourse.foundations.network import FeedForwardNetwork
from dlcourse.foundations.optimizers import Optimizer, get_optimizer
from dlcourse.foundations.training import History, Validation, train


class MultiLayerPerceptron(BaseEstimator, ABC):
    """Common part of `MLPClassifier` and `MLPRegressor`, which differ in how targets are coded and outputs read.

    The settings and attributes are described there. The arithmetic is in `network.py`, the loop in `training.py`.

    Used in: Lab 02
    """

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str = "relu",
        output_activation: str = "auto",
        loss: str = "auto",
        optimizer: str | Optimizer = "adam",
        learning_rate: float | None = None,
        batch_size: int | None = 32,
        max_epochs: int = 100,
        shuffle: bool = True,
        initializer: str | Callable[..., np.ndarray] = "auto",
        dropout: float = 0.0,
        l2: float = 0.0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.output_activation = output_activation
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.shuffle = shuffle
        self.initializer = initializer
        self.dropout = dropout
        self.l2 = l2
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.random_state = random_state
        self.verbose = verbose

    @abstractmethod
    def _check(self, X: ArrayLike, y: ArrayLike, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        """Returns X and y as checked arrays, X in float32 or float64."""

    @abstractmethod
    def _learn_targets(self, y: ArrayLike) -> None:
        """Remembers what `y` can be, and so how many outputs there are, in `n_outputs_`."""

    @abstractmethod
    def _encode(self, y: np.ndarray) -> np.ndarray:
        """Turns `y` into targets $t$ of shape `(n, outputs)`."""

    @abstractmethod
    def _output(self) -> tuple[str, str]:
        """Resolves "auto": the output activation and the loss."""

    @abstractmethod
    def _score(self, outputs: np.ndarray, targets: np.ndarray) -> float:
        """Accuracy or R^2 of network outputs."""

    def initialize(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Builds the network for this data and draws its weights, without training it.

        Args:
            X: inputs, shape `(n, m)`; float32 stays float32, all else becomes float64.
            y: targets as for `fit`.

        Returns:
            The estimator, ready for `gradients`, `predict` and `partial_fit`.

        Raises:
            TypeError: if a parameter has the wrong type.
            ValueError: if a parameter is out of range, or the data do not fit.
        """
        X, y = self._check(X, y, reset=True)
        self._learn_targets(y)
        self._build(X)
        return self

    def fit(self, X: ArrayLike, y: ArrayLike, validation_data: tuple[ArrayLike, ArrayLike] | None = None) -> Self:
        """Trains from fresh weights, for `max_epochs` or until early stopping.

        Args:
            X: inputs, shape `(n, m)`; float32 stays float32, all else becomes float64.
            y: targets: labels of shape `(n,)` for the classifier; real, `(n,)` or `(n, outputs)`, for the regressor.
            validation_data: a pair `(X, y)` to measure after each epoch, and for early stopping to watch. Without it,
                early stopping sets a `validation_fraction` of the training data aside.

        Returns:
            The fitted estimator.

        Raises:
            TypeError: if a parameter has the wrong type.
            ValueError: if a parameter is out of range, or the data do not fit.

        Warns:
            ConvergenceWarning: if the loss stopped being finite; the last good weights are kept.
        """
        X, y = self._check(X, y, reset=True)
        self._learn_targets(y)
        rng = self._build(X)
        if validation_data is not None:
            X_validation, y_validation = self._check(*validation_data, reset=False)
        elif self.early_stopping:
            X, X_validation, y, y_validation = self._split(X, y, rng)
        else:
            X_validation = None
        validation = None
        if X_validation is not None:
            X_validation = X_validation.astype(X.dtype, copy=False)
            validation = Validation(X_validation, self._encode(y_validation), self._score)
        patience = check_integer("patience", self.patience, minimum=1) if self.early_stopping else None
        return self._train(X, self._encode(y), self.max_epochs, validation, patience)

    def gradients(self, X: ArrayLike, y: ArrayLike) -> list[tuple[np.ndarray, np.ndarray]]:
        """Gradient of the loss (with the L2 penalty, without dropout) at the present weights.

        Args:
            X: inputs, shape `(n, m)`.
            y: targets as for `fit`.

        Returns:
            One pair `(dW, db)` a layer, first layer first, in the shapes of `weights_` and `biases_`.

        Raises:
            NotFittedError: before `fit`, `partial_fit` or `initialize`.
            ValueError: if the data do not fit the network.
        """
        check_is_fitted(self)
        X, y = self._check(X, y, reset=False)
        return self.network_.gradients(X.astype(self.network_.parameters.dtype, copy=False), self._encode(y))

    @property
    def weights_(self) -> list[np.ndarray]:
        """Weight matrices, `(fan_in, fan_out)` each; views of the one vector `network_.parameters`."""
        return self.network_.weights

    @property
    def biases_(self) -> list[np.ndarray]:
        """Bias vectors, `(fan_out,)` each; views of the one vector `network_.parameters`."""
        return self.network_.biases

    @property
    def loss_curve_(self) -> list[float]:
        """Mean training loss of each epoch."""
        return self._history.loss

    @property
    def validation_loss_curve_(self) -> list[float]:
        """Validation loss after each epoch; empty without a validation set."""
        return self._history.validation_loss

    @property
    def validation_score_curve_(self) -> list[float]:
        """Accuracy or R^2 on the validation set after each epoch; empty without one."""
        return self._history.validation_score

    @property
    def best_epoch_(self) -> int | None:
        """Epoch, from 1, with the lowest validation loss; `None` without a validation set."""
        return self._history.best_epoch

    @property
    def diverged_(self) -> bool:
        """Whether training met a loss or weight that is not finite."""
        return self._history.diverged

    def _build(self, X: np.ndarray) -> np.random.Generator:
        """Makes network, optimizer and generator from the settings."""
        if self.batch_size is not None:
            check_integer("batch_size", self.batch_size, minimum=1, hint="Take None for the whole batch.")
        check_integer("max_epochs", self.max_epochs, minimum=1)
        hidden = self.hidden_layer_sizes
        hidden = (hidden,) if isinstance(hidden, Integral) else tuple(hidden)
        output_activation, loss = self._output()
        rng = self._rng = generator_from(self.random_state)
        self.network_ = FeedForwardNetwork(
            (X.shape[1], *hidden, self.n_outputs_),
            activation=self.activation,
            output_activation=output_activation,
            loss=loss,
            l2=self.l2,
            dropout=self.dropout,
            dtype=X.dtype,
        )
        initializer = self.initializer
        if initializer == "auto":
            initializer = "he_uniform" if self.activation in ("relu", "swish") else "glorot_uniform"
        self.network_.initialize(initializer if callable(initializer) else get_initializer(initializer), rng)
        if isinstance(self.optimizer, Optimizer) and self.learning_rate is not None:
            raise ValueError(
                f"learning_rate={self.learning_rate!r} and the optimizer {self.optimizer!r} both set a rate. "
                "Give the rate to the optimizer alone."
            )
        settings = {} if self.learning_rate is None else {"learning_rate": self.learning_rate}
        # A copy, so that two fits, or two clones, never share one optimizer's memory.
        self.optimizer_ = copy.deepcopy(get_optimizer(self.optimizer, **settings))
        self.optimizer_.reset()
        self._history = History()
        self.n_iter_ = 0
        return rng

    def _train(
        self, X: np.ndarray, t: np.ndarray, epochs: int, validation: Validation | None, patience: int | None
    ) -> Self:
        train(
            self.network_,
            self.optimizer_,
            X,
            t,
            self._rng,
            epochs=epochs,
            batch_size=self.batch_size,
            shuffle=self.shuffle,
            validation=validation,
            patience=patience,
            history=self._history,
            verbose=self.verbose,
        )
        self.n_iter_ = len(self.loss_curve_)
        if self.diverged_:
            warnings.warn(
                f"training diverged: the loss was no longer finite in epoch {self.n_iter_}. The last good weights are "
                f"kept. Take a smaller learning rate (now {self.optimizer_.learning_rate:g}), or scale the inputs.",
                ConvergenceWarning,
                stacklevel=3,
            )
        return self

    def _partial_fit(self, X: ArrayLike, y: ArrayLike, example: ArrayLike) -> Self:
        """One more epoch; `example` shows at the first call what targets there can be."""
        fresh = not hasattr(self, "network_")
        X, y = self._check(X, y, reset=fresh)
        if fresh:
            self._learn_targets(example)
            self._build(X)
        X = X.astype(self.network_.parameters.dtype, copy=False)
        return self._train(X, self._encode(y), 1, None, None)

    def _split(self, X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
        fraction = check_real("validation_fraction", self.validation_fraction, 0.0, 1.0, open_low=True)
        try:
            return train_test_split(
                X,
                y,
                test_size=fraction,
                random_state=int(rng.integers(2**31)),
                stratify=y if is_classifier(self) else None,
            )
        except ValueError as error:
            raise ValueError(
                f"early stopping could not set {fraction:g} of {len(X)} samples aside ({error}). "
                "Give validation_data to fit, more data, or another validation_fraction."
            ) from error

    def _outputs(self, X: ArrayLike) -> np.ndarray:
        """Network outputs $y$, shape `(n, outputs)`: the forward phase without dropout."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return self.network_.forward(X.astype(self.network_.parameters.dtype, copy=False)).outputs
