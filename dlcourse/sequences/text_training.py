"""A network that writes: trained to say which character comes next, then asked to go on by itself.

Used in: Lab 05

Reference: Lecture 004, "A SEQUENCE MODELING PROBLEM: PREDICT THE NEXT WORD" and "RNN"; Graves, "Generating sequences
with recurrent neural networks" (2013).
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dlcourse.arguments import check_count, check_positive
from dlcourse.progress import track
from dlcourse.sequences.recurrent import LSTMCell, gates_over_time
from dlcourse.sequences.text import Vocabulary, sample_with_temperature, text_windows
from dlcourse.sequences.unrolling import UnrolledCell, adam_update

# Updates in one call of the compiled loop.
CHUNK = 20


@dataclass(frozen=True)
class CharacterSettings:
    """How the network is made and trained.

    Args:
        units: Length of the LSTM's state, at least 1.
        steps: Updates with Adam, a multiple of 20.
        batch_size: Pieces of text for each update, at least 1.
        length: Characters in a piece, at least 2: as far back as a gradient goes.
        learning_rate: Above 0.
        clip_norm: A longer gradient is scaled down to this norm, above 0.
        seed: Fixes weights and the order of the pieces, an integer >= 0.

    Raises:
        TypeError: If a value has the wrong type.
        ValueError: If a value is out of range.

    Used in: Lab 05
    """

    units: int = 48
    steps: int = 300
    batch_size: int = 32
    length: int = 32
    learning_rate: float = 0.01
    clip_norm: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("units", "batch_size"):
            check_count(name, getattr(self, name))
        check_count("length", self.length, minimum=2)
        check_count("seed", self.seed, minimum=0)
        if check_count("steps", self.steps) % CHUNK:
            raise ValueError(f"steps must be a multiple of {CHUNK}, got {self.steps}.")
        check_positive("learning_rate", self.learning_rate)
        check_positive("clip_norm", self.clip_norm)


@dataclass(frozen=True, eq=False)
class CharacterNetwork:
    """A trained network with its alphabet.

    Args:
        model: From one-hot characters (B, T, V) to scores of the next character (B, T, V).
        vocabulary: The V characters.
        losses: Cross-entropy of each update's batch, in bits a character, shape (steps,).

    Used in: Lab 05
    """

    model: keras.Model
    vocabulary: Vocabulary
    losses: NDArray[np.float32]

    def bits_per_character(self, text: str) -> float:
        """Mean of -log2 p(character | all before it) over a text, from its second character on.

        Args:
            text: At least two characters, all in the vocabulary.

        Returns:
            Bits; log2 V for a network that knows nothing.

        Raises:
            ValueError: If the text is too short or holds unknown characters.
        """
        numbers = self.vocabulary.encode(text)
        if len(numbers) < 2:
            raise ValueError(f"text must have at least two characters, got {len(numbers)}.")
        # In NumPy: step by step, the same takes Keras a hundred times as long.
        recurrent, head = self.model.layers
        kernel, bias = head.get_weights()
        scores = gates_over_time(recurrent, self._one_hot(numbers[:-1])).hidden @ kernel + bias
        scores -= scores.max(axis=1, keepdims=True)
        log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return float(-np.mean(log_p[np.arange(len(log_p)), numbers[1:]]) / np.log(2))

    def generate(self, prompt: str, length: int = 200, temperature: float = 0.7, seed: int = 0) -> str:
        """Reads a beginning and goes on, each character drawn and then read in its turn.

        Args:
            prompt: At least one character, all in the vocabulary.
            length: Characters to add, at least 1.
            temperature: As in `sample_with_temperature`.
            seed: Fixes the draws, an integer >= 0.

        Returns:
            The prompt and what follows it.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If one is out of range, or the prompt empty or with unknown characters.
        """
        length, rng = check_count("length", length), np.random.default_rng(check_count("seed", seed, minimum=0))
        check_positive("temperature", temperature)
        numbers = list(self.vocabulary.encode(prompt))
        if not numbers:
            raise ValueError("prompt must have at least one character, for the network to go on from.")
        recurrent, head = self.model.layers
        states = recurrent.cell.get_initial_state(1)
        for t in range(len(prompt) + length - 1):
            hidden, states = recurrent.cell(self._one_hot(numbers[t : t + 1]), states)
            if t + 1 == len(numbers):
                numbers.append(sample_with_temperature(head(hidden).numpy()[0], temperature, rng))
        return self.vocabulary.decode(numbers)

    def _one_hot(self, numbers: NDArray[np.int64] | list[int]) -> NDArray[np.float32]:
        return np.eye(len(self.vocabulary), dtype=np.float32)[numbers]


def train_character_network(
    text: str,
    settings: CharacterSettings | None = None,
    vocabulary: Vocabulary | None = None,
    *,
    progress: bool = True,
) -> CharacterNetwork:
    """Trains an LSTM to predict each character of a text from those before it.

        L = - (1 / T) sum_t log z_t[x_{t+1}],      z_t = softmax(W_hz h_t + b_z)

    Args:
        text: What to learn from; longer than the pieces.
        settings: Size and training; None stands for `CharacterSettings()`.
        vocabulary: The alphabet, where it holds more than the characters of `text`.
        progress: Whether to draw a bar where bars are drawn at all.

    Returns:
        The network.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the text is too short or holds characters that the vocabulary does not.
        FloatingPointError: If training meets NaN or infinity.

    Example:
        >>> network = train_character_network("tick " * 40, CharacterSettings(units=8, steps=100, length=10))
        >>> network.generate("ti", length=8, temperature=0.01)
        'tick tick '

    Used in: Lab 05

    Reference: Lecture 004, "RNN"; Graves (2013).
    """
    settings = CharacterSettings() if settings is None else settings
    if not isinstance(settings, CharacterSettings):
        raise TypeError(f"settings must be CharacterSettings, got {type(settings).__name__}.")
    vocabulary = Vocabulary.of(text) if vocabulary is None else vocabulary
    inputs, targets = text_windows(vocabulary.encode(text), settings.length)
    model = _network(settings, len(vocabulary))
    train_chunk = _compiled_chunk(model, settings, len(vocabulary))
    weights = [tf.convert_to_tensor(variable) for variable in model.trainable_variables]
    moments = [[tf.zeros_like(w) for w in weights] for _ in range(2)]
    rng, losses = np.random.default_rng(settings.seed), []
    chunks = range(0, settings.steps, CHUNK)
    for done in track(chunks, "training", unit=f"{CHUNK} steps") if progress else chunks:
        chosen = rng.integers(len(inputs), size=(CHUNK, settings.batch_size))
        # Time before batch, so that a step reads one block of memory.
        batches = [tf.constant(part[chosen].transpose(0, 2, 1), dtype=tf.int32) for part in (inputs, targets)]
        weights, moments, nats = train_chunk(weights, moments, tf.constant(done), *batches)
        if not np.isfinite(nats).all():
            raise FloatingPointError(
                f"the loss met NaN or infinity before update {done + CHUNK}. Lower learning_rate, now "
                f"{settings.learning_rate:g}."
            )
        losses.append(nats.numpy() / np.log(2, dtype=np.float32))
    for variable, weight in zip(model.trainable_variables, weights, strict=True):
        variable.assign(weight)
    return CharacterNetwork(model, vocabulary, np.concatenate(losses))


def _network(settings: CharacterSettings, classes: int) -> keras.Model:
    glorot, seed = keras.initializers.GlorotUniform, settings.seed
    cell = LSTMCell(
        settings.units,
        kernel_initializer=glorot(seed=seed),
        recurrent_initializer=keras.initializers.Orthogonal(seed=seed + 1),
    )
    return keras.Sequential(
        [
            keras.Input((None, classes)),
            keras.layers.RNN(cell, return_sequences=True),
            keras.layers.Dense(classes, kernel_initializer=glorot(seed=seed + 2)),
        ]
    )


def _compiled_chunk(
    model: keras.Model, settings: CharacterSettings, classes: int
) -> tf.types.experimental.GenericFunction:
    unrolled = UnrolledCell(model.layers[0].cell, settings.length)

    @tf.function(jit_compile=True, autograph=False)
    def train_chunk(weights: list, moments: list, done: tf.Tensor, inputs: tf.Tensor, targets: tf.Tensor) -> tuple:
        def update(k: tf.Tensor, weights: list, moments: list, losses: tf.Tensor) -> tuple:
            loss, gradients = unrolled.gradients(
                weights[:-2],
                weights[-2:],
                tf.one_hot(inputs[k], classes),
                tf.constant(settings.length),
                lambda scores: tf.reduce_mean(
                    tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets[k], logits=scores)
                ),
            )
            t = tf.cast(done + k + 1, tf.float32)
            weights, moments = adam_update(weights, moments, gradients, t, settings.learning_rate, settings.clip_norm)
            return k + 1, weights, moments, tf.tensor_scatter_nd_update(losses, [[k]], [loss])

        return tf.while_loop(lambda k, *_: k < CHUNK, update, (0, weights, moments, tf.zeros(CHUNK)))[1:]

    return train_chunk
