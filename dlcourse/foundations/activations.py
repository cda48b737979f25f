"""Activation functions and their derivatives.

Every function takes the pre-activation z (the weighted sum h of a neuron, slides 4.4 and 4.6) in any shape and keeps
its dtype: float32 in, float32 out. Integers count as float64. All are safe for |z| of 1e3 and beyond: no overflow.

Used in: Lab 01, Lab 02

Reference: Lecture 004, slides "Few activation functions", "Vanishing gradients" and "Swish activation function".
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from dlcourse.foundations._arrays import FloatArray, as_float
from dlcourse.foundations._names import look_up
from dlcourse.foundations._softmax import softmax, softmax_jacobian


def sigmoid(z: ArrayLike) -> FloatArray:
    """The logistic function, which squeezes any number into (0, 1).

    sigma(z) = 1 / (1 + exp(-z))

    The slides (4.5) carry a steepness beta, 1 / (1 + exp(-beta h)). It is 1 here, as everywhere else: scaling the
    weights by beta does the same, so a network learns it anyway. For another beta, write `sigmoid(beta * z)`.

    Args:
        z: Pre-activations, any shape, real.

    Returns:
        Array of the shape and dtype of `z`, values in [0, 1].

    Raises:
        TypeError: If `z` does not hold real numbers.

    Example:
        >>> sigmoid([-1000.0, 0.0, 1000.0])
        array([0. , 0.5, 1. ])

    Used in: Lab 01, Lab 02

    Reference: Lecture 004, "Few activation functions" and equations (4.5), (4.7).
    """
    z = as_float(z, "z")
    # exp(-|z|) never overflows, and keeps full relative precision in the left tail, where 1 + exp(-z) would not.
    decay = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, decay) / (1 + decay)


def sigmoid_derivative(z: ArrayLike) -> FloatArray:
    """Derivative of `sigmoid` at the pre-activation z; at most 1/4, which is why deep sigmoid nets learn slowly.

    sigma'(z) = sigma(z) (1 - sigma(z)) = sigma(z) sigma(-z)

    Args:
        z: Pre-activations (not activations), any shape, real.

    Returns:
        Array of the shape and dtype of `z`, values in [0, 1/4].

    Raises:
        TypeError: If `z` does not hold real numbers.

    Example:
        >>> sigmoid_derivative(0.0).item()
        0.25

    Used in: Lab 01, Lab 02

    Reference: Lecture 004, "Few activation functions"; the factor a (1 - a) in (4.8) and (4.9).
    """
    z = as_float(z, "z")
    # sigma(-z) is 1 - sigma(z) without the cancellation that would make the right tail exactly zero.
    return sigmoid(z) * sigmoid(-z)


def tanh(z: ArrayLike) -> FloatArray:
    """Hyperbolic tangent: a sigmoid stretched to (-1, 1) and centred on zero.

    tanh(z) = (exp(z) - exp(-z)) / (exp(z) + exp(-z)) = 2 sigma(2z) - 1

    Args:
        z: Pre-activations, any shape, real.

    Returns:
        Array of the shape and dtype of `z`, values in [-1, 1].

    Raises:
        TypeError: If `z` does not hold real numbers.

    Example:
        >>> tanh([-1000.0, 0.0, 1000.0])
        array([-1.,  0.,  1.])

    Used in: Lab 01, Lab 02

    Reference: Lecture 004, "Few activation functions".
    """
    return np.tanh(as_float(z, "z"))


def tanh_derivative(z: ArrayLike) -> FloatArray:
    """Derivative of `tanh` at the pre-activation z.

    tanh'(z) = 1 - tanh(z)^2

    Args:
        z: Pre-activations (not activations), any shape, real.

    Returns:
        Array of the shape and dtype of `z`, values in [0, 1].

    Raises:
        TypeError: If `z` does not hold real numbers.

    Example:
        >>> tanh_derivative(0.0).item()
        1.0

    Used in: Lab 01, Lab 02

    Reference: Lecture 004, "Few activation functions".
    """
    return 1 - tanh(z) ** 2


def relu(z: ArrayLike) -> FloatArray:
    """Rectified linear unit: lets positive values through and blocks the rest.

    relu(z) = max(0, z)

    Args:
        z: Pre-activations, any shape, real.

    Returns:
        Array of the shape and dtype of `z`, values >= 0.

    Raises:
        TypeError: If `z` does not hold real numbers.

    Example:
        >>> relu([-2.0, 0.0, 3.0])
        array([0., 0., 3.])

    Used in: Lab 01, Lab 02

    Reference: Lecture 004, "Few activation functions".
    """
    return np.maximum(as_float(z, "z"), 0)


def relu_derivative(z: ArrayLike) -> FloatArray:
    """Derivative of `relu`: 1 where z > 0, otherwise 0. At the kink z = 0 it is 0, as in the slides and in TensorFlow.

    Args:
        z: Pre-activations, any shape, real.

    Returns:
        Array of the shape and dtype of `z`, values 0 or 1.

    Raises:
        TypeError: If `z` does not hold real numbers.

    Example:
        >>> relu_derivative([-2.0, 0.0, 3.0])
        array([0., 0., 1.])

    Used in: Lab 01, Lab 02

    Reference: Lecture 004, "Few activation functions".
    """
    z = as_float(z, "z")
    return (z > 0).astype(z.dtype)


def swish(z: ArrayLike) -> FloatArray:
    """Swish (also called SiLU): smooth, close to ReLU far from zero, with a shallow dip at z = -1.28.

    swish(z) = z sigma(z)

    Args:
        z: Pre-activations, any shape, real.

    Returns:
        Array of the shape and dtype of `z`, values >= -0.2785.

    Raises:
        TypeError: If `z` does not hold real numbers.

    Example:
        >>> swish([-1000.0, 0.0, 1000.0])
        array([  -0.,    0., 1000.])

    Used in: Lab 01, Lab 02

    Reference: Ramachandran, Zoph and Le (2017), arXiv:1710.05941; lecture 004, "Swish activation function".
    """
    z = as_float(z, "z")
    return z * sigmoid(z)


def swish_derivative(z: ArrayLike) -> FloatArray:
    """Derivative of `swish` at the pre-activation z.

    swish'(z) = sigma(z) (1 + z (1 - sigma(z)))

    Args:
        z: Pre-activations, any shape, real.

    Returns:
        Array of the shape and dtype of `z`, values in [-0.1, 1.1].

    Raises:
        TypeError: If `z` does not hold real numbers.

    Example:
        >>> swish_derivative([-1000.0, 0.0, 1000.0])
        array([-0. ,  0.5,  1. ])

    Used in: Lab 01, Lab 02

    Reference: Ramachandran, Zoph and Le (2017), arXiv:1710.05941; lecture 004, "Swish activation function".
    """
    z = as_float(z, "z")
    return sigmoid(z) * (1 + z * sigmoid(-z))


def linear(z: ArrayLike) -> FloatArray:
    """The identity, for the outputs of a regression: linear(z) = z.

    Args:
        z: Pre-activations, any shape, real.

    Returns:
        `z` itself when it is a float array already, else `z` as a float64 array.

    Raises:
        TypeError: If `z` does not hold real numbers.

    Example:
        >>> linear([-2.0, 3.0])
        array([-2.,  3.])

    Used in: Lab 01, Lab 02

    Reference: Lecture 004, "Recipe for using MLP" (linear nodes).
    """
    return as_float(z, "z")


def linear_derivative(z: ArrayLike) -> FloatArray:
    """Derivative of `linear`: 1 everywhere.

    Args:
        z: Pre-activations, any shape, real.

    Returns:
        Ones in the shape and dtype of `z`.

    Raises:
        TypeError: If `z` does not hold real numbers.

    Example:
        >>> linear_derivative([-2.0, 3.0])
        array([1., 1.])

    Used in: Lab 01, Lab 02

    Reference: Lecture 004, "Recipe for using MLP" (linear nodes).
    """
    return np.ones_like(as_float(z, "z"))


@dataclass(frozen=True)
class Activation:
    """An activation function with its derivative, as `get_activation` returns it.

    Args:
        name: Its name.
        function: z -> g(z).
        derivative: z -> g'(z), with respect to the pre-activation. For softmax the Jacobian, one axis more than z.

    Example:
        >>> relu_unit = get_activation("relu")
        >>> relu_unit.function(-3.0).item(), relu_unit.derivative(2.0).item()
        (0.0, 1.0)

    Used in: Lab 01, Lab 02

    Reference: Lecture 004, "Few activation functions".
    """

    name: str
    function: Callable[[ArrayLike], FloatArray]
    derivative: Callable[[ArrayLike], FloatArray]


ACTIVATIONS = MappingProxyType(
    {
        activation.name: activation
        for activation in (
            Activation("sigmoid", sigmoid, sigmoid_derivative),
            Activation("tanh", tanh, tanh_derivative),
            Activation("relu", relu, relu_derivative),
            Activation("swish", swish, swish_derivative),
            Activation("linear", linear, linear_derivative),
            Activation("softmax", softmax, softmax_jacobian),
        )
    }
)


def get_activation(name: str) -> Activation:
    """Find an activation by its name.

    Args:
        name: "sigmoid", "tanh", "relu", "swish", "linear" or "softmax".

    Returns:
        The `Activation`: name, function, derivative.

    Raises:
        TypeError: If `name` is not a string.
        ValueError: If no activation has that name; the message lists the valid ones and the closest.

    Example:
        >>> get_activation("tanh").function(0.0).item()
        0.0

    Used in: Lab 01, Lab 02

    Reference: Lecture 004, "Few activation functions".
    """
    return look_up("activation", name, ACTIVATIONS)
