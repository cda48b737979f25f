"""Softmax, which turns scores into probabilities, and its Jacobian.

Used in: Lab 02

Reference: Lecture 004, slides "Cross entropy loss function".
"""

import numpy as np
from numpy.typing import ArrayLike

from dlcourse.foundations._arrays import FloatArray, as_float


def softmax(z: ArrayLike, axis: int = -1) -> FloatArray:
    """Turns scores into probabilities that sum to one along an axis.

    softmax(z)_i = exp(z_i) / sum_j exp(z_j)

    Args:
        z: Pre-activations (logits), at least one axis, real; usually (n, k) for n samples and k classes.
        axis: The axis that holds the classes.

    Returns:
        Array of the shape and dtype of `z`; non-negative, sums to 1 along `axis`.

    Raises:
        TypeError: If `z` does not hold real numbers.
        ValueError: If `z` has no such axis, or no class along it.

    Example:
        >>> softmax([[0.0, 0.0], [1000.0, -1000.0]])
        array([[0.5, 0.5],
               [1. , 0. ]])

    Used in: Lab 02

    Reference: Lecture 004, "Cross entropy loss function".
    """
    z = as_float(z, "z")
    # A shift shared by all classes cancels in the ratio; with the largest at 0, exp cannot overflow.
    weights = np.exp(z - z.max(axis=axis, keepdims=True))
    return weights / weights.sum(axis=axis, keepdims=True)


def softmax_jacobian(z: ArrayLike) -> FloatArray:
    """Jacobian of `softmax` along the last axis. Every output depends on every input, so it is a matrix per sample.

    d p_i / d z_j = p_i (delta_ij - p_j), with p = softmax(z)

    Args:
        z: Pre-activations (logits), shape (n, k), or more generally (..., k), real.

    Returns:
        Array of shape (n, k, k), or (..., k, k), entry [..., i, j] = d p_i / d z_j; symmetric, rows sum to 0.

    Raises:
        TypeError: If `z` does not hold real numbers.
        ValueError: If `z` has no axis, or no class along the last one.

    Example:
        >>> softmax_jacobian([[0.0, 0.0]])
        array([[[ 0.25, -0.25],
                [-0.25,  0.25]]])

    Used in: Lab 02

    Reference: Lecture 004, "Cross entropy loss function".
    """
    p = softmax(z)
    return p[..., :, None] * (np.eye(p.shape[-1], dtype=p.dtype) - p[..., None, :])
