"""Where a recurrent network starts: a state of zeros, a sampled one, or one that is learned.

`InitialState` goes around any cell, ours or Keras's:

    layer = keras.layers.RNN(InitialState(LSTMCell(32), "learned"))

Used in: Lab 05

Reference: Lecture 001, section 5.2, "Hidden state initialization".
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from dlcourse.arguments import check_count, check_name, check_positive

KINDS = ("zeros", "sampled", "learned")


@keras.saving.register_keras_serializable(package="dlcourse")
class InitialState(keras.layers.Layer):
    """A cell together with the way in which its state starts at t = 0.

    With "zeros", h_0 = 0. With "sampled", every sequence of every batch draws its own h_0 from N(0, stddev^2), in
    training and in prediction alike. With "learned", h_0 is a weight, shared by all sequences, that starts at zero and
    is trained with the others. An LSTM has two states, h_0 and C_0, that are treated alike.

    Args:
        cell: Any cell for `keras.layers.RNN`.
        kind: "zeros", "sampled" or "learned".
        stddev: Standard deviation of a sampled state, above 0; the other kinds do without it.
        seed: Fixes the sampled states, an integer >= 0; None stands for a fresh seed.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Raises:
        TypeError: If `cell` is no cell, or an argument has the wrong type.
        ValueError: If `kind` is unknown, or `stddev` not above 0.

    Example:
        >>> import numpy as np
        >>> layer = keras.layers.RNN(InitialState(keras.layers.GRUCell(3), "learned"))
        >>> tuple(layer(np.zeros((2, 5, 4), "float32")).shape)
        (2, 3)
        >>> [weight.name for weight in layer.trainable_weights if weight.shape == (3,)]
        ['initial_state_0']

    Used in: Lab 05

    Reference: Lecture 001, section 5.2, "Hidden state initialization".
    """

    def __init__(
        self,
        cell: keras.layers.Layer,
        kind: str = "zeros",
        stddev: float = 0.1,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(cell, keras.layers.Layer) or not hasattr(cell, "state_size"):
            raise TypeError(
                f"cell must be a recurrent cell such as LSTMCell(32), got {type(cell).__name__}. "
                "Put keras.layers.RNN around InitialState, not inside it."
            )
        if isinstance(cell, keras.layers.RNN):
            raise TypeError(
                f"cell must be a single step, got the layer {type(cell).__name__}: "
                "write keras.layers.RNN(InitialState(cell, ...))."
            )
        super().__init__(**kwargs)
        self.cell = cell
        self.kind = check_name("kind", kind, KINDS)
        self.stddev = check_positive("stddev", stddev)
        self.seed = None if seed is None else check_count("seed", seed, minimum=0)
        self.seed_generator = keras.random.SeedGenerator(self.seed)
        self.state_size = cell.state_size
        self.output_size = getattr(cell, "output_size", self._lengths()[0])

    def _lengths(self) -> list[int]:
        return [self.state_size] if isinstance(self.state_size, int) else list(self.state_size)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Builds the cell and, for "learned", a weight of shape (units,) for each of its states."""
        if not self.cell.built:
            self.cell.build(input_shape)
            self.cell.built = True
        self.initial_states = []
        if self.kind == "learned":
            self.initial_states = [
                self.add_weight((length,), "zeros", name=f"initial_state_{which}")
                for which, length in enumerate(self._lengths())
            ]
        self.built = True

    def call(self, inputs: Any, states: list[Any], training: bool = False) -> tuple[Any, list[Any]]:
        extra = {"training": training} if self.cell._call_has_training_arg else {}
        return self.cell(inputs, states, **extra)

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """The states at t = 0 for a batch, each of shape (batch_size, units); `keras.layers.RNN` calls this."""
        lengths, dtype = self._lengths(), self.compute_dtype
        if self.kind == "sampled":
            return [
                keras.random.normal((batch_size, length), stddev=self.stddev, dtype=dtype, seed=self.seed_generator)
                for length in lengths
            ]
        zeros = [ops.zeros((batch_size, length), dtype=dtype) for length in lengths]
        if self.kind == "learned":
            return [rest + ops.cast(start, dtype) for rest, start in zip(zeros, self.initial_states, strict=True)]
        return zeros

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "cell": keras.saving.serialize_keras_object(self.cell),
            "kind": self.kind,
            "stddev": self.stddev,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> InitialState:
        config = dict(config)
        cell = keras.saving.deserialize_keras_object(config.pop("cell"), custom_objects=custom_objects)
        return cls(cell, **config)
