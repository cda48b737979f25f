"""Text as a sequence of characters: a small story, its alphabet, and the models that a network has to beat.

The story, lighthouse.txt, was written for this course.

Used in: Lab 05

Reference: Lecture 004, "A SEQUENCE MODELING PROBLEM: PREDICT THE NEXT WORD"; Shannon, "Prediction and entropy of
printed English" (1951).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlcourse.arguments import check_array, check_count, check_finite, check_positive


def load_text() -> str:
    """The story that the project ships, 4,134 characters of plain English in lower case.

    Example:
        >>> load_text()[:29]
        'at the end of the long grey p'

    Used in: Lab 05
    """
    return (Path(__file__).parent / "lighthouse.txt").read_text(encoding="utf-8").strip().lower()


def split_text(text: str, training: float = 0.85) -> tuple[str, str]:
    """Cuts a text in two, in reading order: the beginning to train on, the end to test on.

    Args:
        text: At least two characters.
        training: Share of the beginning, in (0, 1).

    Returns:
        Beginning and end.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a part would be empty.

    Example:
        >>> split_text("abcdefgh", 0.75)
        ('abcdef', 'gh')

    Used in: Lab 05
    """
    _check_text("text", text)
    cut = int(len(text) * check_finite("training", training))
    if not 0 < cut < len(text):
        raise ValueError(f"training must leave something in both parts, got {training} of {len(text)} characters.")
    return text[:cut], text[cut:]


@dataclass(frozen=True)
class Vocabulary:
    """The characters of a text, each with a number.

    Args:
        characters: The different characters, sorted.

    Example:
        >>> vocabulary = Vocabulary.of("banana")
        >>> vocabulary.encode("nab").tolist(), vocabulary.decode([1, 0])
        ([2, 0, 1], 'ba')

    Used in: Lab 05
    """

    characters: str

    @classmethod
    def of(cls, text: str) -> Vocabulary:
        """The vocabulary of a text of at least one character."""
        return cls("".join(sorted(set(_check_text("text", text)))))

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> NDArray[np.int64]:
        """The numbers of a text's characters, shape (length,); a character that is not known is a ValueError."""
        numbers = {character: number for number, character in enumerate(self.characters)}
        unknown = sorted(set(text) - set(numbers))
        if unknown:
            raise ValueError(
                f"text holds characters that the vocabulary does not: {unknown[:5]}. Make it of the whole text."
            )
        return np.array([numbers[character] for character in text], dtype=np.int64)

    def decode(self, numbers: Iterable[int]) -> str:
        """The text of a list of numbers in 0, ..., len - 1."""
        numbers = [int(number) for number in numbers]
        if any(not 0 <= number < len(self) for number in numbers):
            raise ValueError(f"numbers must lie in 0 to {len(self) - 1}.")
        return "".join(self.characters[number] for number in numbers)


def text_windows(numbers: ArrayLike, length: int, stride: int = 1) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pieces of a text with the character that follows each of their characters.

    Args:
        numbers: An encoded text, shape (n,), integers.
        length: Characters in a piece, at least 1.
        stride: From the start of a piece to that of the next, at least 1.

    Returns:
        Inputs and targets, both (pieces, length); targets are the inputs moved on by one.

    Raises:
        TypeError: If `numbers` are no integers.
        ValueError: If the text is not longer than `length`.

    Example:
        >>> inputs, targets = text_windows([0, 1, 2, 3, 4], length=2, stride=2)
        >>> inputs.tolist(), targets.tolist()
        ([[0, 1], [2, 3]], [[1, 2], [3, 4]])

    Used in: Lab 05
    """
    length, stride = check_count("length", length), check_count("stride", stride)
    numbers = np.asarray(numbers)
    if numbers.dtype.kind not in "iu" or numbers.ndim != 1:
        raise TypeError(f"numbers must be a list of integers, got dtype {numbers.dtype}, shape {numbers.shape}.")
    if len(numbers) <= length:
        raise ValueError(f"the text must be longer than length = {length}, got {len(numbers)} characters.")
    windows = np.lib.stride_tricks.sliding_window_view(numbers.astype(np.int64), length + 1)[::stride]
    return windows[:, :-1], windows[:, 1:]


@dataclass(eq=False)
class NGramModel:
    """Predicts a character from the few before it, by counting.

        p(c | context) = (count(context, c) + a V p(c | shorter context)) / (count(context) + a V)

    with p(c | nothing) smoothed towards 1 / V. A bigram model has order 2: it sees one character.

    Args:
        order: Characters that count together, at least 1; order 1 knows no context.
        smoothing: a, the weight of the shorter context for each of the V characters, above 0.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If one is out of range.

    Example:
        >>> model = NGramModel(order=2).fit("abababab")
        >>> round(float(model.probabilities("a")[1]), 2)
        0.98

    Used in: Lab 05

    Reference: Shannon (1951).
    """

    order: int = 2
    smoothing: float = 0.1
    vocabulary: Vocabulary = field(init=False)

    def __post_init__(self) -> None:
        check_count("order", self.order)
        check_positive("smoothing", self.smoothing)

    def fit(self, text: str, vocabulary: Vocabulary | None = None) -> NGramModel:
        """Counts the training text; `vocabulary` may hold more characters than the text."""
        self.vocabulary = Vocabulary.of(text) if vocabulary is None else vocabulary
        self.vocabulary.encode(text)
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)
        for length in range(self.order):
            for end in range(length, len(text)):
                self._counts[text[end - length : end]][text[end]] += 1
        return self

    def probabilities(self, context: str) -> NDArray[np.float64]:
        """The distribution of the next character, shape (V,); only the last order - 1 characters of `context` count."""
        if not hasattr(self, "_counts"):
            raise ValueError("this model knows no text yet: call fit(text) first.")
        size, characters = len(self.vocabulary), self.vocabulary.characters
        p = np.full(size, 1 / size)
        context = context[len(context) - min(len(context), self.order - 1) :]
        weight = self.smoothing * size
        for length in range(len(context) + 1):
            seen = self._counts.get(context[len(context) - length :])
            if seen is None:
                break
            counts = np.array([seen[character] for character in characters], dtype=np.float64)
            p = (counts + weight * p) / (counts.sum() + weight)
        return p

    def bits_per_character(self, text: str) -> float:
        """Mean of -log2 p(character | what stands before it) over a text."""
        numbers = self.vocabulary.encode(_check_text("text", text))
        bits = [-np.log2(self.probabilities(text[:t][-self.order :])[number]) for t, number in enumerate(numbers)]
        return float(np.mean(bits))


def perplexity(bits_per_character: float) -> float:
    """2 ** bits: between how many equally likely characters a model hesitates.

    Args:
        bits_per_character: Mean of -log2 p, at least 0.

    Returns:
        The perplexity, at least 1.

    Raises:
        TypeError: If it is no number.
        ValueError: If it is negative or not finite.

    Example:
        >>> perplexity(3.0)
        8.0

    Used in: Lab 05
    """
    if check_finite("bits_per_character", bits_per_character) < 0:
        raise ValueError(f"bits_per_character must be at least 0, got {bits_per_character}.")
    return float(2.0**bits_per_character)


def sample_with_temperature(logits: ArrayLike, temperature: float, rng: np.random.Generator) -> int:
    """Draws a class from softmax(logits / temperature).

    Near temperature 0 the likeliest class always wins; at 1 the model speaks as it believes; far above 1 all are alike.

    Args:
        logits: Scores, shape (K,), finite.
        temperature: Above 0.
        rng: Where randomness comes from.

    Returns:
        A class in 0, ..., K - 1.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If `temperature` is not above 0, or a score is not finite.

    Example:
        >>> sample_with_temperature([0.0, 5.0, 1.0], temperature=0.01, rng=np.random.default_rng(0))
        1

    Used in: Lab 05
    """
    scores = check_array("logits", logits, (None,)) / check_positive("temperature", temperature)
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}.")
    # The largest of scores plus Gumbel noise is a draw from their softmax, with nothing that could overflow.
    return int(np.argmax(scores + rng.gumbel(size=scores.size)))


def _check_text(name: str, text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a string, got {type(text).__name__}.")
    if not text:
        raise ValueError(f"{name} must not be empty.")
    return text
