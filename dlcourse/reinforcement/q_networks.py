"""Networks that map an observation to one value Q(s, a) for each action.

    Q(s, .) = head(body(s))

The body looks at the observation: convolutions for pictures, dense layers for vectors. The head is one dense layer, or
two streams, a value V(s) and advantages A(s, a), which are put together again (a dueling head).

Used in: Lab 07

Reference: Lecture 004, "VALUE LEARNING"; Mnih et al. (2015), Human-level control through deep reinforcement learning;
Wang et al. (2016), Dueling network architectures; Young and Tian (2019), MinAtar.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from numpy.typing import ArrayLike, NDArray

AGGREGATIONS = ("mean", "max", "naive")
# Stride of the Nature network's first convolution; a block is as wide as a 32-bit word.
BLOCK = 4


def dueling_values(values: keras.KerasTensor, advantages: keras.KerasTensor, how: str = "mean") -> keras.KerasTensor:
    """Puts the two streams of a dueling head together.

    mean:   Q(s, a) = V(s) + A(s, a) - mean_b A(s, b)
    max:    Q(s, a) = V(s) + A(s, a) - max_b A(s, b)
    naive:  Q(s, a) = V(s) + A(s, a)

    The naive sum cannot tell V from A: adding 1 to V and taking it from all A changes nothing. With "max" V is the
    value of the best action; "mean" moves more calmly and is what the paper recommends.

    Args:
        values: V(s), shape (B, 1).
        advantages: A(s, a), shape (B, actions).
        how: "mean", "max" or "naive".

    Returns:
        Q(s, a), shape (B, actions).

    Raises:
        ValueError: if `how` is not known.

    Example:
        >>> import numpy as np
        >>> q = dueling_values(np.array([[1.0]]), np.array([[0.0, 4.0]]), "max")
        >>> np.asarray(q).tolist()
        [[-3.0, 1.0]]

    Used in: Lab 07

    Reference: Wang et al. (2016), equations 7 to 9.
    """
    if how not in AGGREGATIONS:
        raise ValueError(f"how={how!r}: give one of {', '.join(AGGREGATIONS)}")
    if how == "mean":
        advantages = advantages - ops.mean(advantages, axis=-1, keepdims=True)
    elif how == "max":
        advantages = advantages - ops.max(advantages, axis=-1, keepdims=True)
    return values + advantages


@keras.saving.register_keras_serializable("dlcourse")
class SpaceToDepth(keras.layers.Layer):
    """Cuts a stack of frames into blocks of 4 x 4 pixels and makes each block's pixels channels, between 0 and 1.

    A convolution of 8 x 8 pixels with stride 4 on the frames is then one of 2 x 2 with stride 1 on the blocks: the same
    sums of products, in a shape that processors multiply faster. The channel of pixel (i, j) of a block in frame f is
    4 (stack i + f) + j.

    Example:
        >>> import numpy as np
        >>> SpaceToDepth()(np.zeros((2, 3, 84, 84), dtype="uint8")).shape
        TensorShape([2, 21, 21, 48])

    Used in: Lab 07
    """

    def call(self, frames: tf.Tensor) -> tf.Tensor:
        """Frames (B, stack, height, width), uint8, to (B, height/4, width/4, 16 stack)."""
        _, stack, height, width = frames.shape
        rows, columns = height // BLOCK, width // BLOCK
        # Four neighbouring bytes travel as one 32-bit word: a quarter of the elements to move.
        words = tf.bitcast(tf.reshape(frames, (-1, stack, rows, BLOCK, columns, BLOCK)), tf.uint32)
        pixels = tf.bitcast(tf.transpose(words, (0, 2, 4, 3, 1)), tf.uint8)
        blocks = tf.reshape(pixels, (-1, rows, columns, BLOCK * stack * BLOCK))
        return tf.cast(blocks, self.compute_dtype) * (1 / 255)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """The shape of `call`'s result."""
        batch, stack, height, width = input_shape
        return (batch, height // BLOCK, width // BLOCK, BLOCK * stack * BLOCK)


def nature_network(
    action_count: int,
    *,
    frame_shape: tuple[int, int] = (84, 84),
    stack: int = 4,
    filters: Sequence[int] = (32, 64, 64),
    units: int = 512,
    dueling: str | None = None,
    precision: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """The Nature paper's network: convolutions 8 x 8 stride 4, 4 x 4 stride 2, 3 x 3 stride 1, then one dense layer.

    The first layer is written as 2 x 2 on blocks of 4 x 4 pixels (see `SpaceToDepth`): the same function, computed
    faster. Fewer filters make the fast network of `dlcourse train breakout`.

    Args:
        action_count: number of actions, at least 1.
        frame_shape: height and width, multiples of 4.
        stack: frames that the network sees at once.
        filters: of the three convolutions.
        units: of the dense layer; of each stream if `dueling`.
        dueling: aggregation of a dueling head, or None for a plain one.
        precision: "float32", or "bfloat16" for convolutions and dense layers with weights kept in float32.
        seed: of the initial weights.

    Returns:
        uint8 frames (B, stack, height, width) to float32 values (B, action_count).

    Raises:
        ValueError: for sizes that do not fit, or an unknown precision.

    Example:
        >>> nature_network(4).count_params()
        1686180

    Used in: Lab 07

    Reference: Mnih et al. (2015), "Methods: Model architecture".
    """
    if frame_shape[0] % BLOCK or frame_shape[1] % BLOCK or len(filters) != 3:
        raise ValueError(f"frame_shape={frame_shape}, filters={filters}: give multiples of 4, and three numbers")
    policy = _policy(precision)
    first, second, third = filters
    frames = keras.Input((stack, *frame_shape), dtype="uint8", name="frames")
    hidden = SpaceToDepth(dtype=policy, name="blocks")(frames)
    for number, (count, size, stride) in enumerate([(first, 2, 1), (second, 4, 2), (third, 3, 1)]):
        hidden = keras.layers.Conv2D(
            count,
            size,
            stride,
            activation="relu",
            kernel_initializer=keras.initializers.HeNormal(seed=seed + number),
            dtype=policy,
            name=f"conv{number + 1}",
        )(hidden)
    return _with_head(frames, keras.layers.Flatten(dtype=policy)(hidden), action_count, units, dueling, policy, seed)


def minatar_network(
    action_count: int,
    observation_shape: tuple[int, int, int],
    *,
    filters: int = 16,
    units: int = 128,
    dueling: str | None = None,
    precision: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """The MinAtar paper's network: one 3 x 3 convolution and one dense layer, a fiftieth of the Nature network's work.

    Args:
        action_count: number of actions, at least 1.
        observation_shape: (10, 10, channels).
        filters: of the convolution.
        units: of the dense layer; of each stream if `dueling`.
        dueling: aggregation of a dueling head, or None for a plain one.
        precision: "float32" or "bfloat16".
        seed: of the initial weights.

    Returns:
        Observations (B, *observation_shape) to float32 values (B, action_count).

    Example:
        >>> minatar_network(3, (10, 10, 4)).count_params()
        132179

    Used in: Lab 07

    Reference: Young and Tian (2019), section 3.
    """
    policy = _policy(precision)
    picture = keras.Input(observation_shape, name="picture")
    hidden = keras.layers.Conv2D(
        filters,
        3,
        activation="relu",
        kernel_initializer=keras.initializers.HeNormal(seed=seed),
        dtype=policy,
        name="conv1",
    )(picture)
    return _with_head(picture, keras.layers.Flatten(dtype=policy)(hidden), action_count, units, dueling, policy, seed)


def dense_network(
    action_count: int,
    observation_size: int,
    *,
    hidden: Sequence[int] = (64, 64),
    dueling: str | None = None,
    precision: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """Dense layers for observations that are vectors.

    Args:
        action_count: number of actions, at least 1.
        observation_size: length of an observation.
        hidden: units of each hidden layer, at least one of them.
        dueling: aggregation of a dueling head, or None for a plain one.
        precision: "float32" or "bfloat16".
        seed: of the initial weights.

    Returns:
        Observations (B, observation_size) to float32 values (B, action_count).

    Raises:
        ValueError: if there is no hidden layer.

    Example:
        >>> dense_network(2, 4).count_params()
        4610

    Used in: Lab 07
    """
    if not hidden:
        raise ValueError("hidden is empty: give the units of at least one layer, such as (64, 64)")
    policy = _policy(precision)
    vector = keras.Input((observation_size,), name="observation")
    value = vector
    for number, units in enumerate(hidden[:-1]):
        value = _dense(units, policy, seed + number, f"dense{number + 1}")(value)
    return _with_head(vector, value, action_count, hidden[-1], dueling, policy, seed)


class CompiledNetwork:
    """A network as a function from NumPy to NumPy, for acting: a few times faster than calling the model.

    Args:
        network: takes one batch of observations.
        xla: whether XLA compiles it, which is faster for small networks, once for each size of a batch.

    Example:
        >>> import numpy as np
        >>> CompiledNetwork(dense_network(2, 4))(np.zeros((3, 4))).shape
        (3, 2)

    Used in: Lab 07
    """

    def __init__(self, network: keras.Model, xla: bool = False) -> None:
        self._function = tf.function(network, jit_compile=xla)
        self._input = network.inputs[0]
        self._xla = xla
        self._compiled: dict[int | None, tf.types.experimental.ConcreteFunction] = {}

    def __call__(self, observations: ArrayLike) -> NDArray[np.float32]:
        """Values of observations (B, *observation), shape (B, actions).

        Raises:
            ValueError: for observations of another shape than the network's.
        """
        given = np.asarray(observations, self._input.dtype)
        shape = tuple(self._input.shape[1:])
        if given.ndim == 0 or given.shape[1:] != shape:
            raise ValueError(f"observations have shape {given.shape}: give a batch of arrays of shape {shape}")
        # XLA compiles for one size of the batch; elsewhere one function takes them all.
        batch = len(given) if self._xla else None
        if batch not in self._compiled:
            spec = tf.TensorSpec((batch, *shape), given.dtype)
            self._compiled[batch] = self._function.get_concrete_function(spec)
        return self._compiled[batch](tf.constant(given)).numpy()


def _with_head(
    inputs: keras.KerasTensor,
    features: keras.KerasTensor,
    action_count: int,
    units: int,
    dueling: str | None,
    policy: str,
    seed: int,
) -> keras.Model:
    """One hidden layer and the values; two such streams for a dueling head. What comes out is float32."""
    if action_count < 1 or units < 1:
        raise ValueError(f"action_count={action_count}, units={units}: give at least 1")
    if dueling is None:
        hidden = _dense(units, policy, seed + 10, "hidden")(features)
        return keras.Model(inputs, _last(action_count, seed + 11, "q_values")(hidden))
    value = _last(1, seed + 13, "value")(_dense(units, policy, seed + 12, "value_hidden")(features))
    advantage = _last(action_count, seed + 11, "advantage")(_dense(units, policy, seed + 10, "hidden")(features))
    return keras.Model(inputs, dueling_values(value, advantage, dueling))


def _dense(units: int, policy: str, seed: int, name: str) -> keras.layers.Dense:
    start = keras.initializers.HeNormal(seed=seed)
    return keras.layers.Dense(units, activation="relu", kernel_initializer=start, dtype=policy, name=name)


def _last(units: int, seed: int, name: str) -> keras.layers.Dense:
    start = keras.initializers.GlorotUniform(seed=seed)
    return keras.layers.Dense(units, kernel_initializer=start, dtype="float32", name=name)


def _policy(precision: str) -> str:
    names = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
    if precision not in names:
        raise ValueError(f"precision={precision!r}: give one of {', '.join(names)}")
    return names[precision]
