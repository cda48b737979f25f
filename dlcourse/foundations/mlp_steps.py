r"""The multilayer perceptron as plain functions, one formula each: what the exercises of Lab 02 build.

`perceptron.py`, `network.py` and `mlp.py` hold the same formulas as estimators of any depth; here every function takes
what its formula shows, for one hidden layer and sigmoid units, and returns something new.

The bias is the weight of an extra input that is always +1. It stands in row 0, so that a layer with L inputs and N
units has weights of shape `(L + 1, N)`. Symbols of the slides: x the inputs, v the weights into the hidden layer (V), w
those into the output (W), h the weighted sums, a the hidden activations, y the outputs, t the targets, eta the learning
rate, g the sigmoid with beta = 1.

Used in: Lab 02

Reference: Lecture 004, "Building an MLP from scratch" and "The Multi-layer Perceptron Algorithm", (3.4)-(4.11).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dlcourse.foundations.activations import sigmoid

FloatArray = NDArray[np.floating]


def with_bias(inputs: FloatArray) -> FloatArray:
    """Puts the constant input x_0 = 1 in front of every row.

    Args:
        inputs: Rows of inputs or of activations, shape (n, m).

    Returns:
        Shape (n, m + 1).

    Example:
        >>> with_bias(np.array([[5.0, 6.0]])).tolist()
        [[1.0, 5.0, 6.0]]

    Used in: Lab 02
    """
    return np.column_stack([np.ones(len(inputs)), inputs])


def neuron(x: FloatArray, w0: float, w: FloatArray) -> float:
    """The output of one neuron: a weighted sum, a bias, a sigmoid.

    y = g(w_0 + sum_j x_j w_j)

    Args:
        x: Inputs, shape (m,).
        w0: The bias.
        w: Weights, shape (m,).

    Returns:
        y, between 0 and 1.

    Example:
        >>> round(neuron(np.array([-1.0, 2.0]), 1.0, np.array([3.0, -2.0])), 3)
        0.002

    Used in: Lab 02

    Reference: Lecture 004, "Perceptron - an example".
    """
    return float(sigmoid(w0 + x @ w))


def perceptron_predict(X: FloatArray, weights: FloatArray) -> NDArray[np.integer]:
    """The answers of a threshold unit.

    y = 1 if sum_i w_i x_i > 0, else 0, with x_0 = 1 (3.4)

    Args:
        X: Inputs, shape (n, m).
        weights: w, shape (m + 1,); entry 0 is the bias.

    Returns:
        Zeros and ones, shape (n,).

    Example:
        >>> perceptron_predict(np.array([[0.0, 0.0], [0.0, 1.0]]), np.array([-0.5, 1.0, 1.0])).tolist()
        [0, 1]

    Used in: Lab 02

    Reference: Lecture 004, (3.4); (3.6) prints the same without its sum.
    """
    return (with_bias(X) @ weights > 0).astype(int)


def perceptron_update(weights: FloatArray, x: FloatArray, t: int, eta: float) -> FloatArray:
    """The weights after the perceptron has seen one example.

    w_i <- w_i - eta (y - t) x_i, with x_0 = 1 (3.5)

    Args:
        weights: w, shape (m + 1,); entry 0 is the bias.
        x: One input, shape (m,).
        t: Its target, 0 or 1.
        eta: The learning rate, positive.

    Returns:
        The new weights, shape (m + 1,); equal to the old ones when the answer was right.

    Example:
        >>> perceptron_update(np.array([0.5, 1.0, 1.0]), np.array([1.0, 0.0]), t=0, eta=0.25).tolist()
        [0.25, 0.75, 1.0]

    Used in: Lab 02

    Reference: Lecture 004, (3.5).
    """
    y = perceptron_predict(x[np.newaxis], weights)[0]
    return weights - eta * (y - t) * np.concatenate([[1.0], x])


def sigmoid_slope(a: FloatArray) -> FloatArray:
    """The slope of the sigmoid, from its value alone.

    g'(h) = g(h) (1 - g(h)) = a (1 - a)

    Args:
        a: Values of the sigmoid, between 0 and 1, any shape.

    Returns:
        The slopes, same shape, at most 1/4.

    Example:
        >>> sigmoid_slope(np.array([0.5, 1.0])).tolist()
        [0.25, 0.0]

    Used in: Lab 02

    Reference: Lecture 004, the factor y (1 - y) of (4.8).
    """
    return a * (1 - a)


def forward(X: FloatArray, V: FloatArray, W: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The forward phase: inputs, hidden layer, outputs.

    a = g(sum_i x_i v_i) (4.4, 4.5); y = g(sum_j a_j w_j) (4.6, 4.7), with x_0 = a_0 = 1

    Args:
        X: Inputs, shape (n, L).
        V: Weights into the hidden layer, shape (L + 1, H).
        W: Weights into the output layer, shape (H + 1, N).

    Returns:
        The hidden activations a, shape (n, H), and the outputs y, shape (n, N).

    Example:
        >>> a, y = forward(np.zeros((3, 2)), np.zeros((3, 4)), np.zeros((5, 1)))
        >>> a.shape, y.tolist()
        ((3, 4), [[0.5], [0.5], [0.5]])

    Used in: Lab 02

    Reference: Lecture 004, (4.4)-(4.7).
    """
    a = sigmoid(with_bias(X) @ V)
    return a, sigmoid(with_bias(a) @ W)


def output_delta(y: FloatArray, t: FloatArray) -> FloatArray:
    """The error at the output: the derivative of E = 1/2 sum (y - t)^2 with respect to the sums h there.

    delta_o = (y - t) y (1 - y) (4.8)

    Args:
        y: Outputs, shape (n, N).
        t: Targets, shape (n, N).

    Returns:
        delta_o, shape (n, N).

    Example:
        >>> output_delta(np.array([[0.5]]), np.array([[1.0]])).tolist()
        [[-0.125]]

    Used in: Lab 02

    Reference: Lecture 004, (4.8). Its code has t - y and then adds the update: two signs that cancel.
    """
    return (y - t) * sigmoid_slope(y)


def hidden_delta(a: FloatArray, W: FloatArray, delta_o: FloatArray) -> FloatArray:
    """The error in the hidden layer: each unit's share of the errors that it feeds.

    delta_h = a (1 - a) sum_k w_k delta_o(k) (4.9)

    Args:
        a: Hidden activations, shape (n, H).
        W: Weights into the output layer, shape (H + 1, N); row 0, the bias, has no hidden unit behind it.
        delta_o: Errors at the output, shape (n, N).

    Returns:
        delta_h, shape (n, H).

    Example:
        >>> hidden_delta(np.array([[0.5]]), np.array([[9.0], [2.0]]), np.array([[1.0]])).tolist()
        [[0.5]]

    Used in: Lab 02

    Reference: Lecture 004, (4.9).
    """
    return sigmoid_slope(a) * (delta_o @ W[1:].T)


def weight_gradients(
    X: FloatArray, a: FloatArray, delta_o: FloatArray, delta_h: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The gradients of both weight matrices, summed over the examples.

    dE/dw = a delta_o (4.10); dE/dv = x delta_h (4.11), with x_0 = a_0 = 1

    Args:
        X: Inputs, shape (n, L).
        a: Hidden activations, shape (n, H).
        delta_o: Errors at the output, shape (n, N).
        delta_h: Errors in the hidden layer, shape (n, H).

    Returns:
        The gradient for V, shape (L + 1, H), and the one for W, shape (H + 1, N).

    Example:
        >>> one = np.ones((1, 1))
        >>> [gradient.tolist() for gradient in weight_gradients(3 * one, 5 * one, one, 2 * one)]
        [[[2.0], [6.0]], [[1.0], [5.0]]]

    Used in: Lab 02

    Reference: Lecture 004, (4.10)-(4.11); the slide's (4.11) drops the index of the hidden unit.
    """
    return with_bias(X).T @ delta_h, with_bias(a).T @ delta_o


def training_step(
    X: FloatArray, t: FloatArray, V: FloatArray, W: FloatArray, eta: float
) -> tuple[FloatArray, FloatArray]:
    """One step of the MLP algorithm on a whole batch: forward, backward, update.

    w <- w - eta a delta_o (4.10); v <- v - eta x delta_h (4.11)

    Args:
        X: Inputs, shape (n, L).
        t: Targets, shape (n, N).
        V: Weights into the hidden layer, shape (L + 1, H).
        W: Weights into the output layer, shape (H + 1, N).
        eta: The learning rate, positive.

    Returns:
        The new V and the new W.

    Example:
        >>> V, W = training_step(np.ones((1, 1)), np.ones((1, 1)), np.zeros((2, 1)), np.zeros((2, 1)), eta=8.0)
        >>> W.tolist()
        [[1.0], [0.5]]

    Used in: Lab 02

    Reference: Lecture 004, (4.4)-(4.11).
    """
    a, y = forward(X, V, W)
    delta_o = output_delta(y, t)
    delta_h = hidden_delta(a, W, delta_o)
    gradient_V, gradient_W = weight_gradients(X, a, delta_o, delta_h)
    return V - eta * gradient_V, W - eta * gradient_W


def numerical_gradient(function: Callable[[FloatArray], float], w: FloatArray, h: float = 1e-5) -> FloatArray:
    """The gradient by central differences, one weight at a time.

    (f(w + h e_i) - f(w - h e_i)) / (2 h)

    Args:
        function: Maps weights of w's shape to a number.
        w: Where the gradient is wanted, float64, any shape.
        h: The step, positive. Truncation grows like h squared and rounding like 1/h; 1e-5 is near the best of both.

    Returns:
        The estimated gradient, same shape as `w`.

    Example:
        >>> numerical_gradient(lambda w: float(np.sum(w**2)), np.array([1.0, -2.0]), h=0.5).tolist()
        [2.0, -4.0]

    Used in: Lab 02

    Reference: Lecture 003, section 2.3.2, which uses the one-sided difference.
    """
    gradient = np.zeros_like(w)
    for index in np.ndindex(w.shape):
        step = np.zeros_like(w)
        step[index] = h
        gradient[index] = (function(w + step) - function(w - step)) / (2 * h)
    return gradient


def standardize(train: FloatArray, other: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rescales both arrays with the statistics of the first alone.

    (x - mean) / standard deviation, column by column

    Args:
        train: The training part, shape (n, m), no constant column.
        other: Rows to treat alike (validation, test, new data), shape (k, m).

    Returns:
        Both, rescaled.

    Example:
        >>> [part.tolist() for part in standardize(np.array([[1.0], [3.0]]), np.array([[5.0]]))]
        [[[-1.0], [1.0]], [[3.0]]]

    Used in: Lab 02

    Reference: Lecture 004, "Recipe for using MLP (II)", which divides by the variance.
    """
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    return (train - mean) / deviation, (other - mean) / deviation


def cross_entropy(labels: NDArray[np.integer], probabilities: FloatArray) -> float:
    """How surprised a classifier is by the true classes, on average.

    -1/n sum_i log p_i, where p_i is the probability that row i gives to its true class

    Args:
        labels: The true classes, integers from 0, shape (n,).
        probabilities: Shape (n, k); rows sum to 1.

    Returns:
        The mean over the rows; 0 is perfect, log k is guessing.

    Example:
        >>> round(cross_entropy(np.array([0]), np.array([[0.5, 0.5]])), 4)
        0.6931

    Used in: Lab 02

    Reference: Lecture 004, "Cross entropy loss function"; Lecture 003, section 2.1.1, prints it without the minus.
    """
    return float(-np.mean(np.log(probabilities[np.arange(len(labels)), labels])))
