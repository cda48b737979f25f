"""The compiled part of the ensemble trainer: E networks take their gradient steps side by side.

Every array carries the member first: weights are (E, fan_in, fan_out), inputs (E, B, d). A layer of all E networks is
then a single batched product, and XLA turns the whole loop over the steps into one function.

Used in: Lab 03b
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import tensorflow as tf

Tensors = list[tf.Tensor]

ACTIVATION_FUNCTIONS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "relu": tf.nn.relu,
    "tanh": tf.tanh,
    "swish": tf.nn.silu,
    "sigmoid": tf.sigmoid,
    "elu": tf.nn.elu,
    "softplus": tf.nn.softplus,
    "linear": tf.identity,
}
# Moving averages and running sums that each optimizer keeps, by the value that they start from.
SLOTS: dict[str, tuple[float, ...]] = {
    "sgd": (),
    "momentum": (0.0,),
    "adagrad": (0.1,),
    "rmsprop": (0.0,),
    "adam": (0.0, 0.0),
}
EPSILON = 1e-7  # Keras' epsilon, in all of its optimizers


def forward(weights: Sequence[tf.Tensor], x: tf.Tensor, activation: str) -> tf.Tensor:
    """Outputs of E networks, each for inputs of its own.

    Args:
        weights: Kernel (E, fan_in, fan_out) and bias (E, fan_out) of each layer in turn, float32.
        x: Inputs, shape (E, B, d), float32.
        activation: Activation of the hidden layers.

    Returns:
        Outputs, shape (E, B), float32.

    Used in: Lab 03b
    """
    layers = list(zip(weights[::2], weights[1::2], strict=True))
    for number, (kernel, bias) in enumerate(layers, start=1):
        # einsum, not matmul: under XLA on a CPU its gradient needs no copies and the step takes half the time.
        x = tf.einsum("ebi,eio->ebo", x, kernel) + bias[:, None, :]
        if number < len(layers):
            x = ACTIVATION_FUNCTIONS[activation](x)
    return x[..., 0]


def update(
    optimizer: str, weight: tf.Tensor, gradient: tf.Tensor, slots: Tensors, rate: tf.Tensor, step: tf.Tensor
) -> tuple[tf.Tensor, Tensors]:
    """One optimizer step, with the formulas and constants of keras.optimizers.

    Args:
        optimizer: A key of `SLOTS`.
        weight: Any shape, float32.
        gradient: The same shape.
        slots: The optimizer's memory for this weight.
        rate: Learning rate of this step, a scalar.
        step: Number of this step from 1 on, a float32 scalar.

    Returns:
        The new weight and the new slots.

    Used in: Lab 03b
    """
    if optimizer == "sgd":
        return weight - rate * gradient, []
    if optimizer == "momentum":
        velocity = 0.9 * slots[0] - rate * gradient
        return weight + velocity, [velocity]
    if optimizer == "adagrad":
        total = slots[0] + gradient**2
        return weight - rate * gradient / tf.sqrt(total + EPSILON), [total]
    if optimizer == "rmsprop":
        square = 0.9 * slots[0] + 0.1 * gradient**2
        return weight - rate * gradient / tf.sqrt(square + EPSILON), [square]
    mean, square = slots
    mean = mean + 0.1 * (gradient - mean)
    square = square + 0.001 * (gradient**2 - square)
    corrected = rate * tf.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    return weight - corrected * mean / (tf.sqrt(square) + EPSILON), [mean, square]


@cache
def compiled_training(activation: str, optimizer: str) -> Callable[..., tuple[Tensors, list[Tensors], tf.Tensor]]:
    """The function that takes many gradient steps of E networks in one call.

    It is built once for each pair of names; XLA then keeps one version for each set of shapes.

    Args:
        activation: Activation of the hidden layers.
        optimizer: A key of `SLOTS`.

    Returns:
        A function of data, weights, slots and batches (see its own arguments), which returns the new weights and slots
        and the loss of each step and member, (chunk, E).

    Used in: Lab 03b
    """

    @tf.function(jit_compile=True)
    def train(
        x: tf.Tensor,  # (E, N, d)
        y: tf.Tensor,  # (E, N)
        share: tf.Tensor,  # (E, B): weight of each place in a batch, summing to 1
        weights: Tensors,
        slots: list[Tensors],
        batches: tf.Tensor,  # (chunk, E, B): which points each step uses
        rates: tf.Tensor,  # (chunk,)
        decay: tf.Tensor,
        first: tf.Tensor,  # steps taken before this call
        count: tf.Tensor,  # steps to take now; a tensor, so that a short last call compiles nothing
    ) -> tuple[Tensors, list[Tensors], tf.Tensor]:
        def body(
            t: tf.Tensor, weights: Tensors, slots: list[Tensors], losses: tf.TensorArray
        ) -> tuple[tf.Tensor, Tensors, list[Tensors], tf.TensorArray]:
            inputs = tf.gather(x, batches[t], batch_dims=1)
            targets = tf.gather(y, batches[t], batch_dims=1)
            with tf.GradientTape() as tape:
                tape.watch(weights)
                loss = tf.reduce_sum(share * (forward(weights, inputs, activation) - targets) ** 2, axis=1)
            # The gradient of the sum of the losses: no weight belongs to two members, so each gets its own.
            gradients = tape.gradient(loss, weights)
            step = tf.cast(first + t + 1, tf.float32)
            moved = [
                update(optimizer, weight * (1 - decay * rates[t]), gradient, slot, rates[t], step)
                for weight, gradient, slot in zip(weights, gradients, slots, strict=True)
            ]
            return t + 1, [weight for weight, _ in moved], [slot for _, slot in moved], losses.write(t, loss)

        losses = tf.TensorArray(tf.float32, size=batches.shape[0], element_shape=(x.shape[0],))
        _, weights, slots, losses = tf.while_loop(lambda t, *_: t < count, body, (0, weights, slots, losses))
        return weights, slots, losses.stack()

    return train
