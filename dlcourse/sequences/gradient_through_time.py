"""How far back a gradient reaches: measured on any network, and predicted for the simple one.

Used in: Lab 05

Reference: Bengio, Simard and Frasconi, "Learning long-term dependencies with gradient descent is difficult" (1994);
Pascanu et al., "On the difficulty of training recurrent neural networks" (2013); Lecture 004, "RNN", "the gradient can
either vanish or explode".
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from dlcourse.arguments import check_array, check_positive


def gradient_through_time(model: keras.layers.Layer, sequence: ArrayLike) -> NDArray[np.float64]:
    """How much the last output of a network depends on the input of each step before it.

        entry k = || d output_T / d x_{T-k} ||_F,      k = 0, ..., T - 1

    With several sequences, the root of the mean square over them.

    Args:
        model: A Keras model or recurrent layer that maps (N, T, D) to (N, outputs), or to (N, T, outputs), of which the
            last step counts. Nothing in it may depend on the other sequences of a batch, and its state must start
            afresh each time.
        sequence: One sequence (T, D), or several (N, T, D), finite.

    Returns:
        Norms by lag, shape (T,), float64: entry 0 belongs to the last input. NaN or infinity where the float32
        arithmetic of the model met them.

    Raises:
        TypeError: If `model` is no Keras layer, or the sequence does not hold real numbers.
        ValueError: If the sequence has another shape or is not finite, or the model is stateful, returns something
            else, or does not depend on its input.

    Example:
        >>> layer = keras.layers.SimpleRNN(8, recurrent_initializer="identity", kernel_initializer="ones")
        >>> norms = gradient_through_time(layer, np.zeros((20, 1)))
        >>> norms.shape, round(float(norms[19]), 3)  # without input, tanh' = 1 and W_hh = I let all through
        ((20,), 2.828)

    Used in: Lab 05

    Reference: Bengio et al. (1994); Lecture 004, "RNN".
    """
    if not isinstance(model, keras.layers.Layer):
        raise TypeError(f"model must be a Keras model or layer, got {type(model).__name__}.")
    if any(getattr(part, "stateful", False) for part in model._flatten_layers()):
        raise ValueError("model must not be stateful: its gradient would depend on what it read before.")
    several = np.asarray(sequence).ndim == 3
    sequences = check_array("sequence", sequence, (None, None, None) if several else (None, None))
    sequences = sequences if several else sequences[None]
    squares = np.mean([_squared_norms(model, one) for one in sequences], axis=0)
    return np.sqrt(squares)[::-1]


def _squared_norms(model: keras.layers.Layer, sequence: NDArray[np.float64]) -> NDArray[np.float64]:
    answer = model(tf.constant(sequence[None], dtype=tf.float32), training=False)
    if not tf.is_tensor(answer) or answer.shape.rank not in (2, 3):
        raise ValueError(
            "model must return one tensor of shape (N, outputs) or (N, T, outputs). Leave return_state out."
        )
    # Each output gets a copy of the sequence: one backward pass then gives all rows of the Jacobian.
    copies = tf.constant(np.repeat(sequence[None], answer.shape[-1], axis=0), dtype=tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(copies)
        answers = model(copies, training=False)
        last = answers if answers.shape.rank == 2 else answers[:, -1]
        own = tf.linalg.trace(last)
    rows = tape.gradient(own, copies)
    if rows is None:
        raise ValueError("the model's output does not depend on its input in a differentiable way.")
    return np.sum(rows.numpy().astype(np.float64) ** 2, axis=(0, 2))


def state_gradient_norms(W_hh: ArrayLike, h: ArrayLike) -> NDArray[np.float64]:
    """How much the last state of the simple network depends on each state before it.

        d h_T / d h_{T-k} = prod_{t=T}^{T-k+1} diag(1 - h_t^2) W_hh,      k = 0, ..., T

    Its norm is at most sigma^k, with sigma the largest singular value of W_hh: below 1 the gradient must vanish;
    above 1 it may explode, unless tanh saturates.

    Args:
        W_hh: Recurrent matrix in the slides' order, shape (H, H): the transpose of Keras's recurrent kernel.
        h: States h_0, ..., h_T of the network, shape (T + 1, H), entries in [-1, 1].

    Returns:
        Largest singular value of the Jacobian by lag k, shape (T + 1,); entry 0 is 1.

    Raises:
        TypeError: If an argument does not hold real numbers.
        ValueError: If a shape does not fit, a value is not finite, or a state outside [-1, 1].

    Example:
        >>> state_gradient_norms(0.5 * np.eye(2), np.zeros((4, 2))).tolist()
        [1.0, 0.5, 0.25, 0.125]

    Used in: Lab 05

    Reference: Pascanu et al. (2013), section 2.1.
    """
    W_hh = _square("W_hh", W_hh)
    h = check_array("h", h, (None, len(W_hh)))
    if np.abs(h).max() > 1:
        raise ValueError(f"h must lie in [-1, 1], as tanh does; got {np.abs(h).max():g}.")
    jacobian, norms = np.eye(len(W_hh)), [1.0]
    for h_t in h[:0:-1]:
        jacobian = jacobian @ ((1 - h_t**2)[:, None] * W_hh)
        norms.append(float(np.linalg.norm(jacobian, 2)))
    return np.array(norms)


def spectral_radius(W: ArrayLike) -> float:
    """The largest absolute value of an eigenvalue: over many steps, a matrix stretches by about this factor each.

    Args:
        W: Square matrix (H, H), finite.

    Returns:
        max |lambda_i|.

    Raises:
        TypeError: If `W` does not hold real numbers.
        ValueError: If it is not square, or not finite.

    Example:
        >>> spectral_radius([[0.0, 2.0], [0.5, 0.0]])
        1.0

    Used in: Lab 05

    Reference: Pascanu et al. (2013), section 2.1.
    """
    return float(np.abs(np.linalg.eigvals(_square("W", W))).max())


def scaled_to_radius(W: ArrayLike, radius: float) -> NDArray[np.float64]:
    """The same matrix, scaled to a spectral radius.

    Args:
        W: Square matrix (H, H), finite, with an eigenvalue other than 0.
        radius: The spectral radius wanted, above 0.

    Returns:
        W radius / spectral_radius(W).

    Raises:
        TypeError: If an argument does not hold real numbers.
        ValueError: If `W` is not square, not finite, or nilpotent, or `radius` not above 0.

    Example:
        >>> spectral_radius(scaled_to_radius([[3.0, 1.0], [0.0, 2.0]], 0.5))
        0.5

    Used in: Lab 05

    Reference: Pascanu et al. (2013), section 2.1.
    """
    W, radius = _square("W", W), check_positive("radius", radius)
    largest = spectral_radius(W)
    if largest <= 1e-12 * np.abs(W).max():
        raise ValueError("W has no eigenvalue other than 0, so that no factor gives it a spectral radius.")
    return W * (radius / largest)


def _square(name: str, W: ArrayLike) -> NDArray[np.float64]:
    W = check_array(name, W, (None, None))
    return check_array(name, W, (len(W), len(W)))
