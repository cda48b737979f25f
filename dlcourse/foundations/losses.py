"""Loss functions, their gradients, and the likelihood that each comes from.

A loss is the mean over the samples of a batch, minus the logarithm of a likelihood up to constants: minimising it makes
the observed targets as probable as the model can make them. Its gradient is that of the same mean with respect to the
predictions, so it can be handed to back-propagation as it is.

The losses compute in the dtype of the predictions, and add up in float64.

Lecture 003 (lines 149 and 153) prints the two cross-entropies without their minus sign; minimised like that, they would
make the targets as improbable as possible.

Used in: Lab 02

Reference: Lecture 004, "Binary cross entropy loss", "Cross entropy loss function" and "Mean squared error (MSE)".
"""

import numpy as np
from numpy.typing import ArrayLike

from dlcourse.foundations._arrays import FloatArray, as_float
from dlcourse.foundations._softmax import softmax
from dlcourse.foundations.activations import sigmoid


def _check_finite(name: str, values: FloatArray) -> None:
    if values.size == 0:
        raise ValueError(f"{name} is empty, shape {values.shape}; a mean needs at least one sample.")
    if not np.isfinite(values).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise ValueError(
            f"{name} must be finite; got {values[where]} at index {where}. "
            "If training made it, the learning rate is probably too large; else clean the data."
        )


def _check_probabilities(name: str, values: FloatArray, hint: str) -> None:
    low, high = values.min(), values.max()
    if low < 0 or high > 1:
        raise ValueError(f"{name} must lie in [0, 1]; got values from {low:g} to {high:g}. {hint}")


def _check_rows_sum_to_one(name: str, values: FloatArray, hint: str) -> None:
    sums = values.sum(axis=-1)
    worst = int(np.abs(sums - 1).argmax())
    if abs(sums[worst] - 1) > 1e-3:
        raise ValueError(f"each row of {name} must sum to 1; row {worst} sums to {sums[worst]:g}. {hint}")


def _as_pair(targets: ArrayLike, predictions: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Both as finite float arrays of one shape, (n,) or (n, k), in the dtype of the predictions."""
    predictions = as_float(predictions, "predictions")
    targets = as_float(targets, "targets").astype(predictions.dtype, copy=False)
    if targets.shape != predictions.shape or predictions.ndim not in (1, 2):
        raise ValueError(
            "targets and predictions must have the same shape, (n,) or (n, k); "
            f"got {targets.shape} and {predictions.shape}. "
            "Reshape one of them: left to broadcast, (n,) and (n, 1) would pair every sample with every other."
        )
    _check_finite("predictions", predictions)
    _check_finite("targets", targets)
    return targets, predictions


def mean_squared_error(targets: ArrayLike, predictions: ArrayLike) -> float:
    """Mean squared error, over all samples and outputs.

    J = 1 / (n k) sum_ij (y_ij - p_ij)^2

    It is the negative log-likelihood of a Gaussian: if y = p + noise with the noise N(0, s^2), then -log P(y | p) is
    (y - p)^2 / (2 s^2) plus a constant, and s changes the scale alone, not where the minimum is.

    Args:
        targets: y, shape (n,) or (n, k), real.
        predictions: p = f(x; W) in the slides, same shape, real.

    Returns:
        J >= 0, in the squared unit of the targets.

    Raises:
        TypeError: If either does not hold real numbers.
        ValueError: If the shapes differ, or a value is NaN or infinite.

    Example:
        >>> mean_squared_error([470.0, 220.0], [450.0, 250.0])
        650.0

    Used in: Lab 02

    Reference: Lecture 004, "Mean squared error (MSE)".
    """
    targets, predictions = _as_pair(targets, predictions)
    return float(np.mean((targets - predictions) ** 2, dtype=np.float64))


def mean_squared_error_gradient(targets: ArrayLike, predictions: ArrayLike) -> FloatArray:
    """Gradient of `mean_squared_error` with respect to the predictions.

    dJ / dp_ij = 2 (p_ij - y_ij) / (n k)

    Args:
        targets: y, shape (n,) or (n, k), real.
        predictions: p = f(x; W) in the slides, same shape, real.

    Returns:
        Array of the shape and dtype of `predictions`.

    Raises:
        TypeError: If either does not hold real numbers.
        ValueError: If the shapes differ, or a value is NaN or infinite.

    Example:
        >>> mean_squared_error_gradient([470.0, 220.0], [450.0, 250.0])
        array([-20.,  30.])

    Used in: Lab 02

    Reference: Lecture 004, "Mean squared error (MSE)".
    """
    targets, predictions = _as_pair(targets, predictions)
    return (predictions - targets) * (2 / predictions.size)


def _as_binary_pair(targets: ArrayLike, predictions: ArrayLike, from_logits: bool) -> tuple[FloatArray, FloatArray]:
    targets, predictions = _as_pair(targets, predictions)
    _check_probabilities("targets", targets, "Encode the two classes as 0 and 1.")
    if not from_logits:
        _check_probabilities("predictions", predictions, "Apply sigmoid first, or pass from_logits=True.")
    return targets, predictions


def binary_cross_entropy(targets: ArrayLike, predictions: ArrayLike, from_logits: bool = False) -> float:
    """Cross-entropy of yes-or-no targets, mean over all samples and outputs.

    J = -1 / (n k) sum_ij [ y_ij log p_ij + (1 - y_ij) log(1 - p_ij) ]

    It is the negative log-likelihood of a Bernoulli: a coin that shows 1 with probability p gives y = 1 with
    probability p and y = 0 with 1 - p, that is p^y (1 - p)^(1 - y).

    Args:
        targets: y, shape (n,) or (n, k), in [0, 1], usually 0 or 1.
        predictions: p, same shape: probabilities in [0, 1], or with `from_logits` any real z, where p = sigmoid(z).
        from_logits: Whether `predictions` are logits. Exact then, however large z is. From probabilities the arguments
            of the logarithms are held at the machine epsilon of their dtype or more, so that a confident mistake costs
            36.04 in float64 (15.94 in float32) and not infinity.

    Returns:
        J >= 0, in nats.

    Raises:
        TypeError: If either does not hold real numbers.
        ValueError: If the shapes differ, or a value is out of its range, NaN or infinite.

    Example:
        >>> round(binary_cross_entropy([1, 0], [0.2, 0.2]), 4)
        0.9163
        >>> binary_cross_entropy([1.0], [-1000.0], from_logits=True)
        1000.0

    Used in: Lab 02

    Reference: Lecture 004, "Binary cross entropy loss"; lecture 003, section 2.1.1 (whose formula lacks the minus).
    """
    targets, predictions = _as_binary_pair(targets, predictions, from_logits)
    if from_logits:
        # -y log sigmoid(z) - (1 - y) log sigmoid(-z) = log(1 + e^z) - y z
        losses = np.logaddexp(0, predictions) - targets * predictions
    else:
        epsilon = np.finfo(predictions.dtype).eps
        log_yes = np.log(np.maximum(predictions, epsilon))
        log_no = np.log(np.maximum(1 - predictions, epsilon))
        losses = -(targets * log_yes + (1 - targets) * log_no)
    return float(np.mean(losses, dtype=np.float64))


def binary_cross_entropy_gradient(targets: ArrayLike, predictions: ArrayLike, from_logits: bool = False) -> FloatArray:
    """Gradient of `binary_cross_entropy` with respect to the predictions, probabilities or logits.

    dJ / dp_ij = [ (1 - y_ij) / (1 - p_ij) - y_ij / p_ij ] / (n k)
    dJ / dz_ij = (sigmoid(z_ij) - y_ij) / (n k)

    Args:
        targets: y, shape (n,) or (n, k), in [0, 1], usually 0 or 1.
        predictions: p in [0, 1], or logits z; same shape.
        from_logits: Whether `predictions` are logits. From probabilities the denominators are held at the machine
            epsilon of their dtype or more: at p = 0 or 1 the gradient is large, finite and of the right sign.

    Returns:
        Array of the shape and dtype of `predictions`.

    Raises:
        TypeError: If either does not hold real numbers.
        ValueError: If the shapes differ, or a value is out of its range, NaN or infinite.

    Example:
        >>> binary_cross_entropy_gradient([1.0, 0.0], [0.0, 0.0], from_logits=True)
        array([-0.25,  0.25])

    Used in: Lab 02

    Reference: Lecture 004, "Binary cross entropy loss".
    """
    targets, predictions = _as_binary_pair(targets, predictions, from_logits)
    if from_logits:
        return (sigmoid(predictions) - targets) / predictions.size
    epsilon = np.finfo(predictions.dtype).eps
    towards_no = (1 - targets) / np.maximum(1 - predictions, epsilon)
    towards_yes = targets / np.maximum(predictions, epsilon)
    return (towards_no - towards_yes) / predictions.size


def _as_categorical_pair(
    targets: ArrayLike, predictions: ArrayLike, from_logits: bool
) -> tuple[FloatArray, FloatArray]:
    """Targets one-hot, shape (n, k), and predictions, both checked."""
    targets, predictions = np.asarray(targets), as_float(predictions, "predictions")
    if predictions.ndim != 2:
        raise ValueError(f"predictions must have shape (n, k), a row per sample; got {predictions.shape}.")
    if targets.ndim == 1:
        targets = _one_hot(targets, predictions)
    targets, predictions = _as_pair(targets, predictions)
    _check_probabilities("targets", targets, "A one-hot row is 1 at the true class and 0 elsewhere.")
    _check_rows_sum_to_one("targets", targets, "A one-hot row is 1 at the true class and 0 elsewhere.")
    if not from_logits:
        hint = "Apply softmax first, or pass from_logits=True."
        _check_probabilities("predictions", predictions, hint)
        _check_rows_sum_to_one("predictions", predictions, hint)
    return targets, predictions


def _one_hot(labels: np.ndarray, predictions: FloatArray) -> FloatArray:
    n, k = predictions.shape
    if labels.dtype.kind not in "iu":
        raise TypeError(f"class labels must be integers; got dtype {labels.dtype}. Use labels.astype(int).")
    if len(labels) != n:
        raise ValueError(f"one label per row of predictions, please: got {len(labels)} labels for {n} rows.")
    if n and not (labels.min() >= 0 and labels.max() < k):
        raise ValueError(
            f"labels must lie in 0 ... {k - 1}, as predictions have {k} columns; "
            f"got labels from {labels.min()} to {labels.max()}."
        )
    one_hot = np.zeros_like(predictions)
    one_hot[np.arange(n), labels] = 1
    return one_hot


def categorical_cross_entropy(targets: ArrayLike, predictions: ArrayLike, from_logits: bool = False) -> float:
    """Cross-entropy of one class out of k, mean over the samples.

    J = -1 / n sum_i sum_c y_ic log p_ic

    It is the negative log-likelihood of a categorical distribution, a die with k faces: the probability that it shows
    the one-hot y is the product of p_c^(y_c).

    Args:
        targets: y, one-hot (or probabilities), shape (n, k); or integer labels 0 ... k - 1, shape (n,).
        predictions: p, shape (n, k): probabilities whose rows sum to 1, or with `from_logits` any real z, where
            p = softmax(z).
        from_logits: Whether `predictions` are logits. Exact then, however large z is. From probabilities the argument
            of the logarithm is held at the machine epsilon of its dtype or more, so that a confident mistake costs
            36.04 in float64 (15.94 in float32) and not infinity.

    Returns:
        J >= 0, in nats.

    Raises:
        TypeError: If either does not hold real numbers, or labels are not integers.
        ValueError: If the shapes do not fit, or a value is out of its range, NaN or infinite.

    Example:
        >>> round(categorical_cross_entropy([0, 2], [[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]]), 4)
        0.6931
        >>> categorical_cross_entropy([1], [[1000.0, 0.0]], from_logits=True)
        1000.0

    Used in: Lab 02

    Reference: Lecture 004, "Cross entropy loss function"; lecture 003, section 2.1.1 (whose formula lacks the minus).
    """
    targets, predictions = _as_categorical_pair(targets, predictions, from_logits)
    if from_logits:
        shifted = predictions - predictions.max(axis=-1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    else:
        log_p = np.log(np.maximum(predictions, np.finfo(predictions.dtype).eps))
    return -float(np.sum(targets * log_p, dtype=np.float64)) / len(predictions)


def categorical_cross_entropy_gradient(
    targets: ArrayLike, predictions: ArrayLike, from_logits: bool = False
) -> FloatArray:
    """Gradient of `categorical_cross_entropy` with respect to the predictions, probabilities or logits.

    dJ / dp_ic = -y_ic / p_ic / n
    dJ / dz_ic = (softmax(z)_ic - y_ic) / n

    Args:
        targets: y, one-hot (or probabilities), shape (n, k); or integer labels 0 ... k - 1, shape (n,).
        predictions: p with rows that sum to 1, or logits z; shape (n, k).
        from_logits: Whether `predictions` are logits. From probabilities the denominator is held at the machine epsilon
            of its dtype or more: at p = 0 the gradient is large, finite and of the right sign.

    Returns:
        Array of the shape and dtype of `predictions`.

    Raises:
        TypeError: If either does not hold real numbers, or labels are not integers.
        ValueError: If the shapes do not fit, or a value is out of its range, NaN or infinite.

    Example:
        >>> categorical_cross_entropy_gradient([0], [[0.0, 0.0]], from_logits=True)
        array([[-0.5,  0.5]])

    Used in: Lab 02

    Reference: Lecture 004, "Cross entropy loss function".
    """
    targets, predictions = _as_categorical_pair(targets, predictions, from_logits)
    if from_logits:
        return (softmax(predictions) - targets) / len(predictions)
    return -targets / np.maximum(predictions, np.finfo(predictions.dtype).eps) / len(predictions)
