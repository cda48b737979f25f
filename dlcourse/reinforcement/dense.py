"""A small fully connected network whose weights are one flat vector.

One vector means one array to mirror into NumPy, one to average into a target network, one to save. Adam and Polyak
averaging are then a single line each, whatever the number of layers.

Used in: Lab 06
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


@dataclass(frozen=True)
class DenseNetwork:
    """Layers of sizes n_0, n_1, ..., n_L: relu between them, and `output` at the end.

    h_0 = x,   h_l = relu(h_{l-1} W_l + b_l),   N(x) = output(h_{L-1} W_L + b_L)

    Args:
        sizes: Number of inputs, of units in each hidden layer, and of outputs; each at least 1.
        output: "linear" or "tanh".

    Raises:
        ValueError: If there are fewer than two sizes, one is below 1, or `output` is not known.

    Example:
        >>> network = DenseNetwork((3, 64, 64, 1), "tanh")
        >>> network.weight_count
        4481
        >>> weights = network.initial_weights(np.random.default_rng(0))
        >>> network(tf.constant(weights), tf.ones((5, 3))).shape
        TensorShape([5, 1])

    Used in: Lab 06

    Reference: Lillicrap et al. (2015), section 7, for the initial weights.
    """

    sizes: tuple[int, ...]
    output: str = "linear"

    def __post_init__(self) -> None:
        if len(self.sizes) < 2 or min(self.sizes) < 1:
            raise ValueError(f"sizes must hold two or more numbers, each at least 1; got {self.sizes}.")
        if self.output not in ("linear", "tanh"):
            raise ValueError(f"output must be 'linear' or 'tanh'; got {self.output!r}.")

    @property
    def weight_count(self) -> int:
        """Number of weights and biases."""
        return sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(self.sizes))

    def initial_weights(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Uniform within 1 / sqrt(fan in), the last layer within 0.003, so that first outputs are near 0.

        Args:
            rng: Where the numbers come from.

        Returns:
            Flat weights, shape (weight_count,), float32.
        """
        last = len(self.sizes) - 2
        parts = []
        for layer, (fan_in, fan_out) in enumerate(pairwise(self.sizes)):
            limit = 3e-3 if layer == last else 1 / np.sqrt(fan_in)
            parts.append(rng.uniform(-limit, limit, (fan_in + 1) * fan_out))
        return np.concatenate(parts).astype(np.float32)

    def layers(self, weights: Any) -> list[tuple[Any, Any]]:
        """Cuts flat weights into kernel (fan_in, fan_out) and bias (fan_out,) of each layer.

        Args:
            weights: Shape (weight_count,), an array of NumPy (the layers are then views) or a tensor.
        """
        reshape = np.reshape if isinstance(weights, np.ndarray) else tf.reshape
        layers, start = [], 0
        for fan_in, fan_out in pairwise(self.sizes):
            middle, end = start + fan_in * fan_out, start + (fan_in + 1) * fan_out
            layers.append((reshape(weights[start:middle], (fan_in, fan_out)), weights[middle:end]))
            start = end
        return layers

    def forward(self, layers: list[tuple[tf.Tensor, tf.Tensor]], x: tf.Tensor) -> tf.Tensor:
        """Outputs (B, n_L) for inputs (B, n_0), given the layers as tensors."""
        for kernel, bias in layers[:-1]:
            x = tf.nn.relu(x @ kernel + bias)
        kernel, bias = layers[-1]
        x = x @ kernel + bias
        return tf.tanh(x) if self.output == "tanh" else x

    def __call__(self, weights: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        """Outputs (B, n_L) for inputs (B, n_0), given flat weights."""
        return self.forward(self.layers(weights), x)

    def numpy_forward(self, layers: list[tuple[NDArray, NDArray]], x: NDArray) -> NDArray:
        """The same in NumPy: for one observation it takes a tenth of the time of a call into TensorFlow."""
        for kernel, bias in layers[:-1]:
            x = np.maximum(x @ kernel + bias, 0)
        kernel, bias = layers[-1]
        x = x @ kernel + bias
        return np.tanh(x) if self.output == "tanh" else x

    def keras_model(self, weights: NDArray[np.float32]) -> keras.Model:
        """The network as a Keras model, to look at, to save, to use elsewhere.

        Args:
            weights: Flat weights, shape (weight_count,).
        """
        hidden = [keras.layers.Dense(units, activation="relu") for units in self.sizes[1:-1]]
        last = keras.layers.Dense(self.sizes[-1], activation=self.output)
        model = keras.Sequential([keras.Input((self.sizes[0],)), *hidden, last])
        model.set_weights([array for layer in self.layers(np.asarray(weights)) for array in layer])
        return model
