"""The recurrent cells of the lectures, as Keras 3 cells: one step of the simple network and of the LSTM.

A cell computes one time step. `keras.layers.RNN(cell)` unrolls it over a sequence, with the same weights at every step:

    layer = keras.layers.RNN(LSTMCell(32))
    layer(sequences)  # (B, T, D) -> (B, 32)

Weights have the order and the shapes of Keras's own cells, so that `set_weights` and `get_weights` pass them across.

Used in: Lab 05

Reference: Lecture 004, "RNN" and "LONG SHORT-TERM MEMORY (LSTM)"; Lecture 001, sections 5.2 and 5.2.1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray

from dlcourse.arguments import check_count, check_finite

Tensor = Any


class LSTMStep(NamedTuple):
    """Everything that an LSTM computes in a step, or, with a time axis in front, in a sequence.

    Args:
        forget: f_t, what part of the memory is kept, in (0, 1), shape (..., units).
        input: i_t, what part of the candidate is stored, in (0, 1).
        candidate: C~_t, what might be stored, in (-1, 1).
        output: o_t, what part of the memory is shown, in (0, 1).
        memory: C_t, the memory after the step.
        hidden: h_t, the output of the cell, in (-1, 1).

    Used in: Lab 05
    """

    forget: Tensor
    input: Tensor
    candidate: Tensor
    output: Tensor
    memory: Tensor
    hidden: Tensor


@keras.saving.register_keras_serializable(package="dlcourse")
class SimpleRNNCell(keras.layers.Layer):
    """One step of the simple recurrent network.

        h_t = tanh(W_hh h_{t-1} + W_xh x_t + b_h)

    Keras keeps the matrices transposed, for row vectors: `kernel` is W_xh^T, `recurrent_kernel` is W_hh^T.

    Args:
        units: Length of the state h, at least 1.
        kernel_initializer: How W_xh starts: a Keras initializer or its name.
        recurrent_initializer: How W_hh starts.
        bias_initializer: How b_h starts.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Call arguments:
        inputs: x_t, shape (B, D).
        states: A list that holds h_{t-1}, shape (B, units).

    Returns:
        h_t, shape (B, units), and the list of new states, which holds h_t.

    Raises:
        TypeError: If `units` is no integer.
        ValueError: If it is below 1.

    Example:
        >>> layer = keras.layers.RNN(SimpleRNNCell(3), return_sequences=True)
        >>> tuple(layer(np.zeros((2, 5, 4), "float32")).shape)
        (2, 5, 3)

    Used in: Lab 05

    Reference: Elman, "Finding structure in time" (1990); Lecture 004, "RNN".
    """

    def __init__(
        self,
        units: int,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = check_count("units", units)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.state_size = self.units
        self.output_size = self.units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights, in Keras's order: kernel (D, units), recurrent kernel (units, units), bias (units,)."""
        self.kernel = self.add_weight((input_shape[-1], self.units), self.kernel_initializer, name="kernel")
        self.recurrent_kernel = self.add_weight(
            (self.units, self.units), self.recurrent_initializer, name="recurrent_kernel"
        )
        self.bias = self.add_weight((self.units,), self.bias_initializer, name="bias")
        self.built = True

    def call(self, inputs: Tensor, states: list[Tensor], training: bool = False) -> tuple[Tensor, list[Tensor]]:
        previous = states[0]
        hidden = ops.tanh(ops.matmul(previous, self.recurrent_kernel) + ops.matmul(inputs, self.kernel) + self.bias)
        return hidden, [hidden]

    def get_initial_state(self, batch_size: int | None = None) -> list[Tensor]:
        """h_0 = 0 for every sequence of a batch; `InitialState` gives the other choices of the lectures."""
        return [ops.zeros((batch_size, self.units), dtype=self.compute_dtype)]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": keras.initializers.serialize(self.recurrent_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }


@keras.saving.register_keras_serializable(package="dlcourse")
class LSTMCell(keras.layers.Layer):
    """One step of long short-term memory: four layers side by side, three of which are gates.

        f_t  = sigma(W_f [h_{t-1}, x_t] + b_f)        forget gate
        i_t  = sigma(W_i [h_{t-1}, x_t] + b_i)        input gate
        C~_t = tanh(W_C [h_{t-1}, x_t] + b_C)         candidate
        o_t  = sigma(W_o [h_{t-1}, x_t] + b_o)        output gate
        C_t  = f_t * C_{t-1} + i_t * C~_t
        h_t  = o_t * tanh(C_t)

    The four matrices lie side by side, in Keras's order i, f, C, o, so that one product serves all four. Each W is cut
    into the part that meets x_t (`kernel`) and the part that meets h_{t-1} (`recurrent_kernel`).

    Args:
        units: Length of h and of C, at least 1.
        forget_bias: What b_f starts from. With 1, as in Keras, a gate starts 73 % open and the memory lasts; with 0 it
            halves at every step.
        kernel_initializer: How the part for x_t starts: a Keras initializer or its name.
        recurrent_initializer: How the part for h_{t-1} starts.
        bias_initializer: How the other three biases start.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Call arguments:
        inputs: x_t, shape (B, D).
        states: The list [h_{t-1}, C_{t-1}], each of shape (B, units).

    Returns:
        h_t, shape (B, units), and the list of new states [h_t, C_t].

    Raises:
        TypeError: If `units` is no integer, or `forget_bias` no number.
        ValueError: If `units` is below 1, or `forget_bias` is not finite.

    Example:
        >>> layer = keras.layers.RNN(LSTMCell(3), return_state=True)
        >>> [tuple(part.shape) for part in layer(np.zeros((2, 5, 4), "float32"))]
        [(2, 3), (2, 3), (2, 3)]

    Used in: Lab 05

    Reference: Hochreiter and Schmidhuber, "Long short-term memory" (1997); Gers et al., "Learning to forget" (2000),
        for the forget gate; Lecture 001, section 5.2.1; Lecture 004, "LSTM FORGET GATE" to "LSTM OUTPUT".
    """

    def __init__(
        self,
        units: int,
        forget_bias: float = 1.0,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = check_count("units", units)
        self.forget_bias = check_finite("forget_bias", forget_bias)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.state_size = [self.units, self.units]
        self.output_size = self.units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes kernel (D, 4 units), recurrent kernel (units, 4 units) and bias (4 units,), in Keras's order."""
        self.kernel = self.add_weight((input_shape[-1], 4 * self.units), self.kernel_initializer, name="kernel")
        self.recurrent_kernel = self.add_weight(
            (self.units, 4 * self.units), self.recurrent_initializer, name="recurrent_kernel"
        )
        self.bias = self.add_weight((4 * self.units,), self._initial_bias, name="bias")
        self.built = True

    def _initial_bias(self, shape: tuple[int, ...], dtype: Any = None) -> Tensor:
        others = ops.reshape(self.bias_initializer((3 * self.units,), dtype=dtype), (3, self.units))
        forget = ops.full((1, self.units), self.forget_bias, dtype=dtype)
        return ops.reshape(ops.concatenate([others[:1], forget, others[1:]]), shape)

    def gates(self, inputs: Tensor, hidden: Tensor, memory: Tensor) -> LSTMStep:
        """One step, with everything that is computed on the way.

        Args:
            inputs: x_t, shape (B, D).
            hidden: h_{t-1}, shape (B, units).
            memory: C_{t-1}, shape (B, units).

        Returns:
            The three gates, the candidate, C_t and h_t, each of shape (B, units).
        """
        total = ops.matmul(inputs, self.kernel) + ops.matmul(hidden, self.recurrent_kernel) + self.bias
        for_input, for_forget, for_candidate, for_output = ops.split(total, 4, axis=-1)
        keep, store = ops.sigmoid(for_forget), ops.sigmoid(for_input)
        candidate, show = ops.tanh(for_candidate), ops.sigmoid(for_output)
        new_memory = keep * memory + store * candidate
        return LSTMStep(keep, store, candidate, show, new_memory, show * ops.tanh(new_memory))

    def call(self, inputs: Tensor, states: list[Tensor], training: bool = False) -> tuple[Tensor, list[Tensor]]:
        step = self.gates(inputs, *states)
        return step.hidden, [step.hidden, step.memory]

    def get_initial_state(self, batch_size: int | None = None) -> list[Tensor]:
        """h_0 = C_0 = 0 for every sequence of a batch; `InitialState` gives the other choices of the lectures."""
        return [ops.zeros((batch_size, self.units), dtype=self.compute_dtype) for _ in range(2)]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "forget_bias": self.forget_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": keras.initializers.serialize(self.recurrent_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }


def gates_over_time(layer: keras.layers.Layer, sequence: ArrayLike) -> LSTMStep:
    """Watches an LSTM read a sequence: all its gates, at every step, from h_0 = C_0 = 0.

    Args:
        layer: An `LSTMCell`, a `keras.layers.LSTM` or `keras.layers.LSTMCell` with the standard activations, or a
            `keras.layers.RNN` around one of the cells; trained or not, but built.
        sequence: One sequence of inputs, shape (T, D), finite.

    Returns:
        f, i, C~, o, C and h over time, each an array of shape (T, units), float64.

    Raises:
        TypeError: If `layer` is no LSTM.
        ValueError: If it is not built, has no bias or other activations, or the sequence does not fit it.

    Example:
        >>> layer = keras.layers.LSTM(3)
        >>> layer.build((None, None, 2))
        >>> step = gates_over_time(layer, np.zeros((7, 2)))
        >>> step.forget.shape, round(float(step.forget[0, 0]), 3)
        ((7, 3), 0.731)

    Used in: Lab 05

    Reference: Lecture 001, section 5.2.1.
    """
    kernel, recurrent_kernel, bias = _weights_of_lstm(layer)
    sequence = np.asarray(sequence, dtype=np.float64)
    if sequence.ndim != 2 or sequence.shape[1] != kernel.shape[0] or len(sequence) == 0:
        raise ValueError(
            f"sequence must have shape (T, {kernel.shape[0]}) with T >= 1, got {sequence.shape}. "
            "Pass one sequence, without a batch axis."
        )
    if not np.isfinite(sequence).all():
        raise ValueError("sequence must be finite, got NaN or infinity.")
    hidden = memory = np.zeros(recurrent_kernel.shape[0])
    steps = []
    for inputs in sequence:
        store, keep, candidate, show = np.split(inputs @ kernel + hidden @ recurrent_kernel + bias, 4)
        store, keep, show = (0.5 + 0.5 * np.tanh(0.5 * total) for total in (store, keep, show))
        candidate = np.tanh(candidate)
        memory = keep * memory + store * candidate
        hidden = show * np.tanh(memory)
        steps.append(LSTMStep(keep, store, candidate, show, memory, hidden))
    return LSTMStep(*(np.stack(part) for part in zip(*steps, strict=True)))


def _weights_of_lstm(layer: keras.layers.Layer) -> tuple[NDArray[np.float64], ...]:
    cell = getattr(layer, "cell", layer)
    if not isinstance(cell, LSTMCell | keras.layers.LSTMCell):
        raise TypeError(f"layer must be an LSTM layer or cell, got {type(layer).__name__}.")
    if not cell.built:
        raise ValueError("the LSTM has no weights yet: call it on a sequence, or build it, first.")
    if isinstance(cell, keras.layers.LSTMCell):
        names = cell.activation.__name__, cell.recurrent_activation.__name__
        if names != ("tanh", "sigmoid") or cell.bias is None:
            raise ValueError(f"the LSTM must have tanh, sigmoid and a bias, as in the lectures; got {names}.")
    weights = (cell.kernel, cell.recurrent_kernel, cell.bias)
    return tuple(np.asarray(ops.convert_to_numpy(weight), dtype=np.float64) for weight in weights)
