"""The feed-forward network of the slides, equations (4.4) to (4.11), for any depth, activation and output.

The file reads in the order of the algorithm: the forward phase, the loss, the backward phase. The update itself is an
optimizer's step, since every weight lives in one vector:

    phase = network.forward(x)                              # (4.4) - (4.7)
    network.backward(phase, t)                              # (4.8), (4.9)
    optimizer.step(network.parameters, network.gradient)    # (4.10), (4.11)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from dlcourse.foundations._names import look_up
from dlcourse.foundations._validation import check_integer, check_real
from dlcourse.foundations.activations import get_activation
from dlcourse.foundations.losses import binary_cross_entropy, categorical_cross_entropy, mean_squared_error

LOSSES = ("cross_entropy", "mean_squared_error", "sum_of_squares")


class ForwardPass(NamedTuple):
    r"""What the forward phase leaves behind for the backward phase.

    Attributes:
        h: the weighted sums of each layer, $h_\zeta$ in the hidden layers and $h_\kappa$ at the output.
        a: the activations, one entry more: `a[0]` is the input $x$, `a[l + 1]` is $g(h_l)$, `a[-1]` the output $y$.
        masks: the dropout mask of each hidden layer, already divided by the share kept; empty without dropout.

    Used in: Lab 02
    """

    h: list[np.ndarray]
    a: list[np.ndarray]
    masks: list[np.ndarray]

    @property
    def outputs(self) -> np.ndarray:
        r"""The network's answers $y_\kappa$, shape `(n, outputs)`."""
        return self.a[-1]


class FeedForwardNetwork:
    r"""Fully connected layers, their loss, and its gradient by error backpropagation.

    With $a^{(0)} = x$, layer $l$ computes $h^{(l)} = a^{(l-1)} W^{(l)} + b^{(l)}$ and $a^{(l)} = g(h^{(l)})$. The
    objective over $n$ samples is

    $$J = \frac{1}{n} \sum_{s=1}^n E_s + \frac{\lambda}{2} \sum_l \lVert W^{(l)} \rVert^2,$$

    where $E_s$ is one of

    - `"sum_of_squares"`: $\frac12 \sum_\kappa (y_\kappa - t_\kappa)^2$, the error that (4.8) differentiates;
    - `"mean_squared_error"`: the mean of $(y_\kappa - t_\kappa)^2$ over the outputs, as in Keras and scikit-learn;
    - `"cross_entropy"`: $-\sum_\kappa t_\kappa \log y_\kappa$ for softmax outputs, and for sigmoid outputs the mean of
      $-t_\kappa \log y_\kappa - (1 - t_\kappa) \log (1 - y_\kappa)$ over the outputs.

    All weights and biases lie in the one vector `parameters`, in the order $W^{(1)}, b^{(1)}, W^{(2)}, \dots$, and
    `weights` and `biases` are views into it; so are `weight_gradients` and `bias_gradients` into `gradient`. An
    optimizer then needs one call a step, whatever the depth.

    Args:
        layer_sizes: units a layer, inputs first and outputs last, e.g. `(784, 128, 64, 10)`.
        activation: $g$ of the hidden layers, a name of `dlcourse.foundations.activations`.
        output_activation: $g$ of the output layer, or `"softmax"`.
        loss: one of the three above; cross-entropy takes sigmoid or softmax outputs.
        l2: $\lambda$, the weight of the penalty on $W$ (biases go free), in `[0, inf)`.
        dropout: share of hidden activations set to 0 while training, in `[0, 1)`.
        dtype: float32 or float64, of parameters and arithmetic.

    Raises:
        TypeError: if a size is not an integer, or `l2` or `dropout` not a number.
        ValueError: if a name is unknown, a number out of range, or the loss does not fit the output.

    Example:
        >>> network = FeedForwardNetwork((2, 3, 1), activation="tanh")
        >>> [W.shape for W in network.weights], network.parameters.shape
        ([(2, 3), (3, 1)], (13,))

    Used in: Lab 02

    Reference: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors" (1986); summer
    school slides, "The Multi-layer Perceptron Algorithm", (4.4)-(4.11).
    """

    def __init__(
        self,
        layer_sizes: Sequence[int],
        activation: str = "relu",
        output_activation: str = "linear",
        loss: str = "mean_squared_error",
        l2: float = 0.0,
        dropout: float = 0.0,
        dtype: DTypeLike = np.float64,
    ) -> None:
        if len(layer_sizes) < 2:
            raise ValueError(f"layer_sizes needs the inputs and the outputs at least, got {tuple(layer_sizes)!r}")
        self.layer_sizes = tuple(check_integer("each layer size", size, minimum=1) for size in layer_sizes)
        self.loss_name = look_up("loss", loss, {name: name for name in LOSSES})
        if loss == "cross_entropy" and output_activation not in ("sigmoid", "softmax"):
            raise ValueError(
                "loss='cross_entropy' reads the outputs as probabilities, which they are not with "
                f"output_activation={output_activation!r}. Take 'sigmoid' or 'softmax', or a squared-error loss."
            )
        if activation == "softmax":
            raise ValueError("softmax ties the units of a layer together: it is for the output, not for hidden layers")
        self.activation = get_activation(activation)
        self.output_name = output_activation
        self.output_activation = get_activation(output_activation)
        self.l2 = check_real("l2", l2, 0.0)
        self.dropout = check_real("dropout", dropout, 0.0, 1.0)
        size = sum((fan_in + 1) * fan_out for fan_in, fan_out in self._shapes())
        self.parameters = np.zeros(size, dtype=dtype)
        self.gradient = np.zeros_like(self.parameters)
        self._make_views()

    def initialize(self, initializer: Callable[..., np.ndarray], rng: np.random.Generator) -> None:
        """Draws the weights and sets the biases to zero.

        Args:
            initializer: takes a shape `(fan_in, fan_out)` and a generator, as in `dlcourse.foundations.initializers`.
            rng: the generator to draw from.
        """
        for W, b in zip(self.weights, self.biases, strict=True):
            W[...] = initializer(W.shape, rng)
            b[...] = 0.0

    def forward(self, x: np.ndarray, rng: np.random.Generator | None = None) -> ForwardPass:
        r"""Forward phase, from the inputs to the outputs.

        $$h_\zeta = \sum_i x_i v_{i\zeta}, \quad a_\zeta = g(h_\zeta) \tag{4.4, 4.5}$$
        $$h_\kappa = \sum_j a_j w_{j\kappa}, \quad y_\kappa = g(h_\kappa) \tag{4.6, 4.7}$$

        The slides count the bias as input $i = 0$; here it is the vector $b$. The sigmoid's steepness $\beta$ is 1,
        since the weights can express any other.

        Args:
            x: inputs, shape `(n, inputs)`, of the network's dtype.
            rng: given while training with dropout: draws the masks. `None`, as at prediction, drops nothing. A kept
                activation is divided by the share kept, so that its expectation is the undropped one.

        Returns:
            The sums and activations of every layer.

        Raises:
            ValueError: if `x` has another number of columns, or another dtype, than the network.

        Example:
            >>> phase = FeedForwardNetwork((2, 3, 1), output_activation="sigmoid").forward(np.ones((4, 2)))
            >>> phase.outputs.ravel().tolist()
            [0.5, 0.5, 0.5, 0.5]
        """
        if x.shape != (len(x), self.layer_sizes[0]) or x.dtype != self.parameters.dtype:
            raise ValueError(
                f"x must have shape (n, {self.layer_sizes[0]}) and dtype {self.parameters.dtype}, "
                f"got {x.shape} and {x.dtype}. Reshape it, convert it with astype, or build the network to fit."
            )
        h, a, masks = [], [x], []
        last = len(self.weights) - 1
        for layer, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            h.append(a[-1] @ W)
            h[-1] += b
            g = self.output_activation if layer == last else self.activation
            a.append(g.function(h[-1]))
            if rng is not None and self.dropout > 0 and layer < last:
                kept = rng.random(a[-1].shape, dtype=np.float32) >= self.dropout
                masks.append(kept * a[-1].dtype.type(1 / (1 - self.dropout)))
                a[-1] = a[-1] * masks[-1]
        return ForwardPass(h, a, masks)

    def loss(self, phase: ForwardPass, t: np.ndarray) -> float:
        """Objective $J$ of the class docstring at the outputs of a forward phase.

        Args:
            phase: what `forward` returned.
            t: targets, shape `(n, outputs)`; one-hot rows for softmax outputs.

        Returns:
            The mean error plus the penalty; NaN where the network has diverged.
        """
        y, logits = phase.outputs, phase.h[-1]
        if not np.isfinite(logits).all():
            return float("nan")
        if self.loss_name == "mean_squared_error":
            value = mean_squared_error(t, y)
        elif self.loss_name == "sum_of_squares":
            value = 0.5 * t.shape[1] * mean_squared_error(t, y)
        elif self.output_name == "softmax":
            value = categorical_cross_entropy(t, logits, from_logits=True)
        else:
            value = binary_cross_entropy(t, logits, from_logits=True)
        if self.l2 > 0:
            value += 0.5 * self.l2 * sum(float(np.vdot(W, W)) for W in self.weights)
        return float(value)

    def backward(self, phase: ForwardPass, t: np.ndarray) -> None:
        r"""Backward phase: fills `gradient` with $\partial J / \partial W$ and $\partial J / \partial b$.

        The error of the output layer travels back through the weights, one layer at a time:

        $$\delta_h(\zeta) = g'(h_\zeta) \sum_\kappa w_{\zeta\kappa}\, \delta_o(\kappa), \tag{4.9}$$

        where $g'(h_\zeta) = a_\zeta (1 - a_\zeta)$ for the sigmoid. The gradient of a weight is the error at its end
        times the activation at its start, $\delta_o(\kappa)\, a_\zeta$ in (4.10) and $\delta_h(\zeta)\, x_\iota$ in
        (4.11), summed over the samples.

        Args:
            phase: what `forward` returned for these samples.
            t: targets, shape `(n, outputs)`.

        Raises:
            ValueError: if the targets have not the shape of the outputs.
        """
        delta = self.output_error(phase, t)
        for layer in reversed(range(len(self.weights))):
            np.matmul(phase.a[layer].T, delta, out=self.weight_gradients[layer])
            np.sum(delta, axis=0, out=self.bias_gradients[layer])
            if layer > 0:
                delta = delta @ self.weights[layer].T
                delta *= self.activation.derivative(phase.h[layer - 1])
                if phase.masks:
                    delta *= phase.masks[layer - 1]
        if self.l2 > 0:
            for W, dW in zip(self.weights, self.weight_gradients, strict=True):
                dW += self.l2 * W

    def output_error(self, phase: ForwardPass, t: np.ndarray) -> np.ndarray:
        r"""Error at the output, $\delta_o(\kappa) = \partial J / \partial h_\kappa$.

        $$\delta_o(\kappa) = (y_\kappa - t_\kappa)\, g'(h_\kappa) \tag{4.8}$$

        with $g'(h_\kappa) = y_\kappa (1 - y_\kappa)$ for the slides' sigmoid outputs. Under cross-entropy the factor
        $g'(h_\kappa)$ cancels and $y_\kappa - t_\kappa$ is left, which is why a saturated wrong answer still learns.
        With softmax outputs every $h_\kappa$ moves every output, and the product becomes one with the softmax's
        Jacobian.

        Args:
            phase: what `forward` returned for these samples.
            t: targets, shape `(n, outputs)`.

        Returns:
            Shape `(n, outputs)`; it carries the $1/n$ of the mean.

        Raises:
            ValueError: if the targets have not the shape of the outputs.
        """
        y = phase.outputs
        if t.shape != y.shape:
            raise ValueError(
                f"targets must have the shape of the outputs, {y.shape}, got {t.shape}. "
                "Give one column an output: one-hot rows for classes, y[:, np.newaxis] for a single output."
            )
        n, outputs = t.shape
        softmax = self.output_name == "softmax"
        if self.loss_name == "cross_entropy":
            return (y - t) / (n if softmax else n * outputs)
        error = (y - t) * (2 / (n * outputs) if self.loss_name == "mean_squared_error" else 1 / n)
        if softmax:
            return y * (error - np.sum(y * error, axis=1, keepdims=True))
        return error * self.output_activation.derivative(phase.h[-1])

    def gradients(self, x: np.ndarray, t: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        r"""Gradient of the objective, layer by layer, without dropout.

        Args:
            x: inputs, shape `(n, inputs)`.
            t: targets, shape `(n, outputs)`.

        Returns:
            One pair $(\partial J / \partial W^{(l)}, \partial J / \partial b^{(l)})$ a layer, first layer first, as
            copies.

        Example:
            >>> network = FeedForwardNetwork((1, 1))
            >>> network.parameters[:] = 2.0, 0.0
            >>> [(float(dW[0, 0]), float(db[0])) for dW, db in network.gradients(np.array([[3.0]]), np.array([[5.0]]))]
            [(6.0, 2.0)]
        """
        self.backward(self.forward(x), t)
        return [(dW.copy(), db.copy()) for dW, db in zip(self.weight_gradients, self.bias_gradients, strict=True)]

    def _shapes(self) -> list[tuple[int, int]]:
        return list(zip(self.layer_sizes[:-1], self.layer_sizes[1:], strict=True))

    def _make_views(self) -> None:
        """Cuts the two flat vectors into one matrix and one bias vector a layer, sharing memory."""
        self.weights, self.biases = self._cut(self.parameters)
        self.weight_gradients, self.bias_gradients = self._cut(self.gradient)

    def _cut(self, flat: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        matrices, vectors, start = [], [], 0
        for fan_in, fan_out in self._shapes():
            end = start + fan_in * fan_out
            matrices.append(flat[start:end].reshape(fan_in, fan_out))
            vectors.append(flat[end : end + fan_out])
            start = end + fan_out
        return matrices, vectors

    def __getstate__(self) -> dict[str, Any]:
        # Pickle and deepcopy would turn the views into arrays of their own, and training would then move only one.
        views = ("weights", "biases", "weight_gradients", "bias_gradients")
        return {name: value for name, value in self.__dict__.items() if name not in views}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._make_views()
