"""Back-propagation through time for any cell, in a compiled loop of any length.

`keras.layers.RNN` and a gradient tape do the same, and compile once for every length. Here the loop's length is a
number that the compiled code is given, so that one compilation serves lag 5 and lag 100 alike.

Used in: Lab 05

Reference: Lecture 001, section 5.2, "RNN backpropagation"; Lecture 004, "The only way to efficiently train them is to
unroll them".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf


class UnrolledCell:
    """A cell, to be unrolled over up to `longest` steps with weights that are handed in.

    The forward loop stores the states. The backward loop runs the cell once more at each step, this time under a tape:
    the gradients of all that happens inside a step are TensorFlow's, only the chain through time is written out:

        dL/ds_{t-1} = (ds_t/ds_{t-1})^T dL/ds_t,      dL/dtheta = sum_t (ds_t/dtheta)^T dL/ds_t

    Args:
        cell: A built cell for `keras.layers.RNN` without dropout, whose first state is its output.
        longest: Length of the longest sequence.

    Used in: Lab 05

    Reference: Werbos, "Backpropagation through time: what it does and how to do it" (1990).
    """

    def __init__(self, cell: keras.layers.Layer, longest: int) -> None:
        self.cell = cell
        self.longest = longest
        self.lengths = [cell.state_size] if isinstance(cell.state_size, int) else list(cell.state_size)

    def step(self, weights: Sequence[tf.Tensor], inputs: tf.Tensor, states: list[tf.Tensor]) -> list[tf.Tensor]:
        """The states after one step, s_t = f(s_{t-1}, x_t; theta).

        Args:
            weights: theta, in the order of `cell.trainable_variables`.
            inputs: x_t, shape (B, D).
            states: s_{t-1}, each of shape (B, units).

        Returns:
            s_t, with the same shapes.
        """
        with keras.StatelessScope(state_mapping=list(zip(self.cell.trainable_variables, weights, strict=True))):
            return list(self.cell.call(inputs, states)[1])

    def forward(self, weights: Sequence[tf.Tensor], inputs: tf.Tensor, length: tf.Tensor) -> list[tf.Tensor]:
        """All states from s_0 = 0 on.

        Args:
            weights: theta, in the order of `cell.trainable_variables`.
            inputs: Time first, shape (longest, B, D), float32; steps from `length` on are not read.
            length: T, an int32 scalar of at most `longest`.

        Returns:
            For each state of the cell s_0, ..., s_T and then zeros, shape (longest + 1, B, units).
        """
        batch = tf.shape(inputs)[1]
        states = [tf.zeros((batch, units)) for units in self.lengths]
        history = [tf.zeros((self.longest + 1, batch, units)) for units in self.lengths]

        def advance(t: tf.Tensor, states: list[tf.Tensor], history: list[tf.Tensor]) -> tuple:
            states = self.step(weights, inputs[t], states)
            history = [
                tf.tensor_scatter_nd_update(past, [[t + 1]], [now]) for past, now in zip(history, states, strict=True)
            ]
            return t + 1, states, history

        return tf.while_loop(lambda t, *_: t < length, advance, (0, states, history))[2]

    def backward(
        self,
        weights: Sequence[tf.Tensor],
        inputs: tf.Tensor,
        length: tf.Tensor,
        history: list[tf.Tensor],
        output_gradients: tf.Tensor,
    ) -> list[tf.Tensor]:
        """The gradient of a loss that depends on the outputs h_1, ..., h_T.

        Args:
            weights: theta, as for `forward`.
            inputs: As for `forward`.
            length: T, as for `forward`.
            history: What `forward` returned.
            output_gradients: dL/dh_t by what the loss does with h_t itself, not through later steps; shape (longest, B,
                units), and zero from `length` on.

        Returns:
            dL/dtheta, in the order and shapes of `weights`.
        """
        count = len(weights)
        gradients = [tf.zeros_like(weight) for weight in weights]
        errors = [tf.zeros_like(past[0]) for past in history]

        def retreat(t: tf.Tensor, errors: list[tf.Tensor], gradients: list[tf.Tensor]) -> tuple:
            before = [past[t] for past in history]
            errors = [errors[0] + output_gradients[t], *errors[1:]]
            with tf.GradientTape() as tape:
                tape.watch([*weights, *before])
                after = self.step(weights, inputs[t], before)
            parts = tape.gradient(after, [*weights, *before], output_gradients=errors)
            return t - 1, parts[count:], [total + part for total, part in zip(gradients, parts[:count], strict=True)]

        return tf.while_loop(lambda t, *_: t >= 0, retreat, (length - 1, errors, gradients))[2]

    def gradients(
        self,
        weights: Sequence[tf.Tensor],
        head: Sequence[tf.Tensor],
        inputs: tf.Tensor,
        length: tf.Tensor,
        loss: Callable[[tf.Tensor], tf.Tensor],
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """The loss of a linear output layer on every h_t, and its gradient with respect to every weight.

        Args:
            weights: theta, as for `forward`.
            head: Kernel (units, outputs) and bias (outputs,) of the output layer.
            inputs: As for `forward`.
            length: T, as for `forward`.
            loss: Maps predictions (longest, B, outputs), time first, to a scalar; it may read no step from
                `length` on.

        Returns:
            The loss and the gradients of `weights` and `head`, in this order.
        """
        history = self.forward(weights, inputs, length)
        outputs = history[0][1:]
        with tf.GradientTape() as tape:
            tape.watch([outputs, *head])
            value = loss(tf.einsum("tbu,uo->tbo", outputs, head[0]) + head[1])
        errors, *for_head = tape.gradient(value, [outputs, *head])
        return value, [*self.backward(weights, inputs, length, history, errors), *for_head]


def adam_update(
    weights: Sequence[tf.Tensor],
    moments: Sequence[Sequence[tf.Tensor]],
    gradients: Sequence[tf.Tensor],
    t: tf.Tensor,
    learning_rate: tf.Tensor,
    clip_norm: float,
) -> tuple[list[tf.Tensor], list[list[tf.Tensor]]]:
    """One update with Adam, after the gradient's norm has been clipped.

    Args:
        weights: Tensors of any shapes, float32.
        moments: The moving means of the gradients and of their squares, each a list like `weights`.
        gradients: Tensors like `weights`.
        t: Number of this update, from 1 on, a float32 scalar.
        learning_rate: eta, above 0.
        clip_norm: Longest gradient, over all tensors together, above 0.

    Returns:
        The new weights and the new moments.

    Used in: Lab 05

    Reference: Kingma and Ba, "Adam" (2015); Pascanu et al. (2013) for the clipping.
    """
    gradients, _ = tf.clip_by_global_norm(gradients, clip_norm)
    first = [0.9 * m + 0.1 * g for m, g in zip(moments[0], gradients, strict=True)]
    second = [0.999 * v + 0.001 * g**2 for v, g in zip(moments[1], gradients, strict=True)]
    step = learning_rate * tf.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    moved = [w - step * m / (tf.sqrt(v) + 1e-7) for w, m, v in zip(weights, first, second, strict=True)]
    return moved, [first, second]
