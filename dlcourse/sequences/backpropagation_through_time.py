"""Back-propagation through time by hand: the lecture's recurrent network, forward and backward, in NumPy.

    h_t = tanh(W_hh h_{t-1} + W_xh x_t + b_h)
    z_t = softmax(W_hz h_t + b_z)
    L(x, y) = - sum_t y_t . log z_t

Matrices stand to the left of column vectors, as on the slides; Keras keeps their transposes.

Used in: Lab 05

Reference: Lecture 004, "RNN"; Lecture 001, section 5.2, "RNN backpropagation".
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlcourse.arguments import check_array, check_count, check_positive

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RecurrentNetwork:
    """The parameters of the lecture's network: D inputs, H hidden units, K outputs.

    Args:
        W_xh: From the input to the state, shape (H, D).
        W_hh: From the state to the next state, shape (H, H).
        b_h: Bias of the state, shape (H,).
        W_hz: From the state to the output, shape (K, H).
        b_z: Bias of the output, shape (K,).

    Raises:
        TypeError: If an array does not hold real numbers.
        ValueError: If the shapes do not fit each other, or a value is not finite.

    Example:
        >>> RecurrentNetwork.random(inputs=2, hidden=3, outputs=4).W_hz.shape
        (4, 3)

    Used in: Lab 05

    Reference: Lecture 004, "RNN".
    """

    W_xh: Array
    W_hh: Array
    b_h: Array
    W_hz: Array
    b_z: Array

    def __post_init__(self) -> None:
        hidden = check_array("b_h", self.b_h, (None,)).size
        outputs = check_array("b_z", self.b_z, (None,)).size
        shapes = {
            "W_xh": (hidden, None),
            "W_hh": (hidden, hidden),
            "b_h": (hidden,),
            "W_hz": (outputs, hidden),
            "b_z": (outputs,),
        }
        for name, shape in shapes.items():
            object.__setattr__(self, name, check_array(name, getattr(self, name), shape))

    @classmethod
    def random(cls, inputs: int, hidden: int, outputs: int, seed: int = 0, scale: float = 1.0) -> RecurrentNetwork:
        """A network with weights from N(0, scale^2 / fan_in) and biases 0.

        Args:
            inputs: D, at least 1.
            hidden: H, at least 1.
            outputs: K, at least 1.
            seed: Fixes the weights, an integer >= 0.
            scale: Above 0. For large H it is about the spectral radius of W_hh.

        Returns:
            The network.
        """
        inputs, hidden, outputs = (
            check_count(name, value) for name, value in (("inputs", inputs), ("hidden", hidden), ("outputs", outputs))
        )
        rng = np.random.default_rng(check_count("seed", seed, minimum=0))
        scale = check_positive("scale", scale)

        def matrix(rows: int, columns: int) -> Array:
            return scale / np.sqrt(columns) * rng.standard_normal((rows, columns))

        return cls(
            matrix(hidden, inputs), matrix(hidden, hidden), np.zeros(hidden), matrix(outputs, hidden), np.zeros(outputs)
        )


@dataclass(frozen=True, eq=False)
class UnrolledNetwork:
    """What the forward pass leaves behind.

    Args:
        h: The states h_0, ..., h_T, shape (T + 1, H).
        z: The outputs z_1, ..., z_T, each a distribution over K classes, shape (T, K).

    Used in: Lab 05
    """

    h: Array
    z: Array


@dataclass(frozen=True, eq=False)
class Gradients:
    """The derivatives of the loss L, each of the shape of what it belongs to.

    Args:
        W_xh: dL/dW_xh, shape (H, D).
        W_hh: dL/dW_hh, shape (H, H).
        b_h: dL/db_h, shape (H,).
        W_hz: dL/dW_hz, shape (K, H).
        b_z: dL/db_z, shape (K,).
        h: dL/dh_0, ..., dL/dh_T along all paths, shape (T + 1, H).
        x: dL/dx_1, ..., dL/dx_T, shape (T, D).
        loss: L itself.

    Used in: Lab 05
    """

    W_xh: Array
    W_hh: Array
    b_h: Array
    W_hz: Array
    b_z: Array
    h: Array
    x: Array
    loss: float


def unroll(network: RecurrentNetwork, x: ArrayLike, h_0: ArrayLike | None = None) -> UnrolledNetwork:
    """The forward pass: the same step, T times.

    Args:
        network: The parameters.
        x: Inputs x_1, ..., x_T, shape (T, D), finite.
        h_0: The state before the first step, shape (H,); None stands for zeros.

    Returns:
        All states and all outputs.

    Raises:
        TypeError: If an argument does not hold real numbers.
        ValueError: If a shape does not fit, or a value is not finite.

    Example:
        >>> network = RecurrentNetwork.random(inputs=2, hidden=3, outputs=4)
        >>> unrolled = unroll(network, np.ones((5, 2)))
        >>> unrolled.h.shape, unrolled.z.sum(axis=1).round(6).tolist()
        ((6, 3), [1.0, 1.0, 1.0, 1.0, 1.0])

    Used in: Lab 05

    Reference: Lecture 004, "RNN", Eq. 1.
    """
    hidden, inputs = network.W_xh.shape
    x = check_array("x", x, (None, inputs))
    states = [np.zeros(hidden) if h_0 is None else check_array("h_0", h_0, (hidden,))]
    for x_t in x:
        states.append(np.tanh(network.W_hh @ states[-1] + network.W_xh @ x_t + network.b_h))
    h = np.stack(states)
    scores = h[1:] @ network.W_hz.T + network.b_z
    # Without the subtraction exp overflows from 710 on.
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return UnrolledNetwork(h, exponentials / exponentials.sum(axis=1, keepdims=True))


def cross_entropy(z: ArrayLike, y: ArrayLike) -> float:
    """The lecture's loss, L = - sum_t y_t . log z_t, in nats.

    Args:
        z: Predicted distributions, shape (T, K), positive wherever `y` is.
        y: The answers as distributions, usually one-hot, shape (T, K).

    Returns:
        L, a sum over time (not a mean).

    Raises:
        TypeError: If an argument does not hold real numbers.
        ValueError: If shapes differ, or a value is not finite.

    Example:
        >>> round(cross_entropy([[0.5, 0.5], [0.25, 0.75]], [[1, 0], [0, 1]]), 4)
        0.9808

    Used in: Lab 05

    Reference: Lecture 004, "RNN".
    """
    z = check_array("z", z, (None, None))
    y = check_array("y", y, z.shape)
    return float(-np.sum(y[y > 0] * np.log(z[y > 0])))


def backpropagate(network: RecurrentNetwork, x: ArrayLike, y: ArrayLike, h_0: ArrayLike | None = None) -> Gradients:
    """Back-propagation through time: from the last step to the first, with one matrix product a step.

        dL/dh_t = W_hz^T (z_t - y_t) + W_hh^T [(1 - h_{t+1}^2) * dL/dh_{t+1}]
        dL/dW_hh = sum_t [(1 - h_t^2) * dL/dh_t] h_{t-1}^T

    The weights are the same at every step, so their gradients are sums over time: Lecture 001 says "averaging", which
    would be the gradient of L / T.

    Args:
        network: The parameters.
        x: Inputs, shape (T, D), finite.
        y: Answers, shape (T, K), one-hot or any distributions: each row sums to 1.
        h_0: The state before the first step, shape (H,); None stands for zeros.

    Returns:
        The gradients of all parameters, of all states and inputs, and the loss.

    Raises:
        TypeError: If an argument does not hold real numbers.
        ValueError: If a shape does not fit, a value is not finite, or a row of `y` is no distribution.

    Example:
        >>> network = RecurrentNetwork.random(inputs=2, hidden=3, outputs=2)
        >>> gradients = backpropagate(network, np.ones((4, 2)), np.eye(2)[[0, 1, 1, 0]])
        >>> gradients.W_hh.shape, gradients.h.shape
        ((3, 3), (5, 3))

    Used in: Lab 05

    Reference: Werbos, "Backpropagation through time: what it does and how to do it" (1990); Lecture 001, section 5.2.
    """
    unrolled = unroll(network, x, h_0)
    x = np.asarray(x, dtype=np.float64)
    y = check_array("y", y, unrolled.z.shape)
    if (y < 0).any() or not np.allclose(y.sum(axis=1), 1):
        raise ValueError("each row of y must be a distribution: no entry below 0, sum 1. One-hot rows are.")
    h, error = unrolled.h, unrolled.z - y
    for_states = np.zeros_like(h)
    before_tanh = np.zeros((len(x), network.b_h.size))
    for t in range(len(x), 0, -1):
        for_states[t] += network.W_hz.T @ error[t - 1]
        before_tanh[t - 1] = (1 - h[t] ** 2) * for_states[t]
        for_states[t - 1] = network.W_hh.T @ before_tanh[t - 1]
    return Gradients(
        W_xh=before_tanh.T @ x,
        W_hh=before_tanh.T @ h[:-1],
        b_h=before_tanh.sum(axis=0),
        W_hz=error.T @ h[1:],
        b_z=error.sum(axis=0),
        h=for_states,
        x=before_tanh @ network.W_xh,
        loss=cross_entropy(unrolled.z, y),
    )


def clip_by_norm(gradients: Gradients, norm: float) -> Gradients:
    """Scales the gradients of all five parameters down together, where their joint norm is above a bound.

        g <- g min(1, c / ||g||),      ||g||^2 = sum over all parameters of their squares

    The direction stays; an exploding gradient no longer throws the weights away. States and inputs stay as they are.

    Args:
        gradients: What `backpropagate` returned.
        norm: c, above 0.

    Returns:
        New gradients.

    Raises:
        TypeError: If `norm` is no number.
        ValueError: If it is not above 0.

    Example:
        >>> network = RecurrentNetwork.random(inputs=2, hidden=3, outputs=2)
        >>> gradients = backpropagate(network, np.ones((4, 2)), np.eye(2)[[0, 1, 1, 0]])
        >>> clipped = clip_by_norm(gradients, 0.1)
        >>> parts = (clipped.W_xh, clipped.W_hh, clipped.b_h, clipped.W_hz, clipped.b_z)
        >>> round(float(np.sqrt(sum((part**2).sum() for part in parts))), 6)
        0.1

    Used in: Lab 05

    Reference: Pascanu et al., "On the difficulty of training recurrent neural networks" (2013).
    """
    norm = check_positive("norm", norm)
    names = [field.name for field in fields(RecurrentNetwork)]
    total = float(np.sqrt(sum((getattr(gradients, name) ** 2).sum() for name in names)))
    factor = norm / total if total > norm else 1.0
    return replace(gradients, **{name: factor * getattr(gradients, name) for name in names})
