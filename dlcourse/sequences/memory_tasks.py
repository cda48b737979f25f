"""Two tasks that test memory and nothing else: the adding problem and the copy task.

Both can be made as long as one likes, and both have a known error for a network that remembers nothing, so that a
learning curve can be read: a network that stays at that line has not found the past.

Used in: Lab 05

Reference: Hochreiter and Schmidhuber, "Long short-term memory" (1997); Arjovsky et al., "Unitary evolution recurrent
neural networks" (2016); Lecture 004, "RNN", "Long-term dependencies do not work well".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlcourse.arguments import check_count

ADDING_BASELINE = 1 / 6
"""Mean squared error of always answering 1 in the adding problem: the variance of a sum of two uniform numbers."""


@dataclass(frozen=True, eq=False)
class MemoryTask:
    """Sequences with their answers.

    Args:
        inputs: Shape (N, T, D), float32; zeros after a sequence has ended.
        targets: Shape (N, 1), float32, one number for each sequence (adding problem), or (N, T), int64, one class for
            each step (copy task).
        lengths: How many steps each sequence has, shape (N,), int64, at most T.

    Used in: Lab 05
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32] | NDArray[np.int64]
    lengths: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """True where a step belongs to the sequence and False where it is padding, shape (N, T)."""
        return np.arange(self.inputs.shape[1]) < self.lengths[:, None]


def adding_problem(count: int, length: int, seed: int = 0, shortest: int | None = None) -> MemoryTask:
    """Sequences of random numbers, two of which are marked; the answer is the sum of the two.

        inputs[n, t] = (u_t, m_t),    u_t uniform on [0, 1),    m_t = 1 at two steps, else 0,
        target = sum_t u_t m_t

    The first mark is in the first tenth of the sequence, the second in its second half, and the answer is asked for
    after the last step: the first number has to be kept for 0.9 T to T steps, among numbers that do not matter.
    Always answering 1 has a mean squared error of 1/6, `ADDING_BASELINE`.

    Args:
        count: Number of sequences N, at least 1.
        length: Number of steps T, at least 2.
        seed: Fixes the sequences, an integer >= 0.
        shortest: If given, lengths are drawn from `shortest`, ..., `length`, and shorter sequences end in zeros;
            at least 2.

    Returns:
        Inputs (N, T, 2), targets (N, 1) and lengths (N,).

    Raises:
        TypeError: If an argument is no integer.
        ValueError: If one is too small, or `shortest` above `length`.

    Example:
        >>> task = adding_problem(1000, 50)
        >>> task.inputs.shape, task.targets.shape
        ((1000, 50, 2), (1000, 1))
        >>> bool(abs(((task.targets - 1) ** 2).mean() - ADDING_BASELINE) < 0.02)
        True

    Used in: Lab 05

    Reference: Hochreiter and Schmidhuber, "Long short-term memory" (1997), experiment 4; the version with numbers in
        [0, 1) is that of Arjovsky et al. (2016), whose first mark may stand anywhere in the first half.
    """
    count, length = check_count("count", count), check_count("length", length, minimum=2)
    rng = np.random.default_rng(check_count("seed", seed, minimum=0))
    lengths = np.full(count, length, dtype=np.int64)
    if shortest is not None:
        shortest = check_count("shortest", shortest, minimum=2)
        if shortest > length:
            raise ValueError(f"shortest must be at most length = {length}, got {shortest}.")
        lengths = rng.integers(shortest, length + 1, size=count)
    inputs = np.zeros((count, length, 2), dtype=np.float32)
    inputs[:, :, 0] = rng.random((count, length), dtype=np.float32)
    rows = np.arange(count)
    first = rng.integers(0, np.maximum(lengths // 10, 1))
    second = rng.integers((lengths + 1) // 2, lengths)
    inputs[rows, first, 1] = inputs[rows, second, 1] = 1
    inputs[np.arange(length) >= lengths[:, None]] = 0
    targets = inputs[rows, first, 0] + inputs[rows, second, 0]
    return MemoryTask(inputs, targets[:, None], lengths)


def copy_task(count: int, lag: int, seed: int = 0, symbols: int = 8, memorize: int = 10) -> MemoryTask:
    """A few symbols to keep, a long silence, a signal, and the symbols are to be said in the same order.

    The sequence has T = lag + 2 memorize steps: `memorize` random symbols 0, ..., symbols - 1; lag - 1 blanks; one
    signal "now"; memorize blanks. The target is blank until the signal has been read, then the symbols: symbol k, read
    at step k, is due at step k + lag + memorize. Blank is the class `symbols`, the signal the input `symbols + 1`.

    Args:
        count: Number of sequences N, at least 1.
        lag: Steps from the end of the symbols to the signal, the signal's own step included; at least 1.
        seed: Fixes the sequences, an integer >= 0.
        symbols: Number of different symbols, at least 2.
        memorize: How many symbols are to be kept, at least 1.

    Returns:
        One-hot inputs (N, T, symbols + 2), targets (N, T) in 0, ..., symbols, and lengths (N,), all T.

    Raises:
        TypeError: If an argument is no integer.
        ValueError: If one is too small.

    Example:
        >>> task = copy_task(1, lag=3, symbols=2, memorize=2, seed=1)
        >>> task.inputs[0].argmax(axis=1)
        array([0, 1, 2, 2, 3, 2, 2])
        >>> task.targets[0]
        array([2, 2, 2, 2, 2, 0, 1])

    Used in: Lab 05

    Reference: Hochreiter and Schmidhuber (1997); Arjovsky et al. (2016), section 4.1, "Copying memory problem".
    """
    count, lag = check_count("count", count), check_count("lag", lag)
    symbols, memorize = check_count("symbols", symbols, minimum=2), check_count("memorize", memorize)
    rng = np.random.default_rng(check_count("seed", seed, minimum=0))
    blank, signal = symbols, symbols + 1
    steps = lag + 2 * memorize
    said = rng.integers(0, symbols, size=(count, memorize))
    classes = np.full((count, steps), blank, dtype=np.int64)
    classes[:, :memorize] = said
    classes[:, memorize + lag - 1] = signal
    targets = np.full((count, steps), blank, dtype=np.int64)
    targets[:, -memorize:] = said
    inputs = np.eye(symbols + 2, dtype=np.float32)[classes]
    return MemoryTask(inputs, targets, np.full(count, steps, dtype=np.int64))


def copy_baseline(lag: int, symbols: int = 8, memorize: int = 10) -> float:
    """Cross-entropy a step, in nats, of a network that knows when to speak but not what: M log(S) / (lag + 2 M).

    Args:
        lag: As in `copy_task`.
        symbols: Number of different symbols S.
        memorize: How many symbols M are to be kept.

    Returns:
        Mean cross-entropy over all steps of a sequence, in nats.

    Raises:
        TypeError: If an argument is no integer.
        ValueError: If one is too small.

    Example:
        >>> round(copy_baseline(lag=80), 4)
        0.2079

    Used in: Lab 05

    Reference: Arjovsky et al. (2016), section 4.1.
    """
    lag, memorize = check_count("lag", lag), check_count("memorize", memorize)
    symbols = check_count("symbols", symbols, minimum=2)
    return memorize * float(np.log(symbols)) / (lag + 2 * memorize)
