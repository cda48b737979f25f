"""How far a gradient gets: its size in every layer of a deep network that has not been trained yet.

Backpropagation (4.9) multiplies the error by the weights and by g'(h) once a layer. Where that factor is below 1 on
average the gradient vanishes on its way to the first layers; where it is above 1 the gradient explodes.

Used in: Lab 01

Reference: Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks";
    lecture 004, "Vanishing gradients"; lecture 001, section 2.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlcourse.foundations._arrays import as_float
from dlcourse.foundations._validation import check_integer
from dlcourse.foundations.initializers import get_initializer
from dlcourse.foundations.network import FeedForwardNetwork


@dataclass(frozen=True)
class GradientFlow:
    """What `gradient_flow` measured, one entry a layer of weights, first layer first.

    Attributes:
        gradient_norms: Frobenius norm of dJ/dW of each layer, shape (depth,).
        activation_spreads: standard deviation of the numbers that each layer of weights receives, over samples and
            units; entry 0 is that of the inputs, shape (depth,).
    """

    gradient_norms: NDArray[np.float64]
    activation_spreads: NDArray[np.float64]

    @property
    def last_to_first(self) -> float:
        """How many times smaller the gradient is in the first layer than in the last."""
        return float(self.gradient_norms[-1] / self.gradient_norms[0])


def gradient_flow(
    x: NDArray[np.floating],
    t: NDArray[np.floating],
    activation: str,
    initializer: str,
    depth: int = 10,
    width: int = 64,
    repeats: int = 5,
    seed: int = 0,
) -> GradientFlow:
    """Measures the gradient in every layer of a freshly initialised classifier with softmax outputs.

    J is the mean cross-entropy over all samples; the figures are geometric means over `repeats` draws of the weights.

    Args:
        x: Inputs, shape (n, inputs); standardised, so that a layer's spread can be compared with 1.
        t: One-hot targets, shape (n, outputs).
        activation: g of the hidden layers, a name of `dlcourse.foundations.activations`.
        initializer: A name of `dlcourse.foundations.initializers`.
        depth: Layers of weights, at least 1; there is one layer of hidden units less.
        width: Units a hidden layer, at least 1.
        repeats: Draws of the weights, at least 1.
        seed: Of the draws.

    Returns:
        The norms and spreads.

    Raises:
        TypeError: If a count is not an integer or an input holds no real numbers.
        ValueError: If a name is unknown, a count is below 1, or the shapes do not fit.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x, t = rng.normal(size=(50, 64)), np.eye(10)[rng.integers(10, size=50)]
        >>> flow = gradient_flow(x, t, "sigmoid", "glorot_normal")
        >>> bool(flow.gradient_norms[0] < 1e-3 * flow.gradient_norms[-1])
        True

    Used in: Lab 01

    Reference: Glorot and Bengio (2010); He et al. (2015); lecture 004, "Vanishing gradients".
    """
    x, t = as_float(x, "x"), as_float(t, "t")
    if x.ndim != 2 or t.ndim != 2 or len(x) != len(t) or len(x) == 0:
        raise ValueError(
            f"x must have shape (n, inputs) and t (n, outputs), one row a sample; got {x.shape}, {t.shape}."
        )
    depth, width = check_integer("depth", depth, minimum=1), check_integer("width", width, minimum=1)
    repeats = check_integer("repeats", repeats, minimum=1)
    sizes = (x.shape[1], *[width] * (depth - 1), t.shape[1])
    network = FeedForwardNetwork(sizes, activation, "softmax", "cross_entropy", dtype=x.dtype)
    draw, rng = get_initializer(initializer), np.random.default_rng(seed)
    norms, spreads = np.empty((repeats, depth)), np.empty((repeats, depth))
    for repeat in range(repeats):
        network.initialize(draw, rng)
        phase = network.forward(x)
        network.backward(phase, t)
        norms[repeat] = [np.linalg.norm(dW) for dW in network.weight_gradients]
        spreads[repeat] = [np.std(a) for a in phase.a[:-1]]
    # log(0) = -inf and exp(-inf) = 0: a layer that gets no gradient at all is reported as 0.
    with np.errstate(divide="ignore"):
        return GradientFlow(np.exp(np.log(norms).mean(axis=0)), np.exp(np.log(spreads).mean(axis=0)))
