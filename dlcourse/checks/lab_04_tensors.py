"""Exercises 4.1 to 4.5: tensors, the tape, graphs, the data pipeline and a metric.

The references are NumPy and plain Python, so that the exercises can be checked where TensorFlow is not installed; a
participant may use TensorFlow, whose tensors NumPy reads.

Used in: Lab 04

Reference: Lecture 004, "A SEMI-COMPREHENSIVE TF TOUR".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake

Shape = tuple[int, ...]


def broadcast_shape(a: Shape, b: Shape) -> Shape | str:
    """Shape of a + b, or "no fit"."""
    pairs = list(zip_longest(reversed(a), reversed(b), fillvalue=1))
    if any(m != n and 1 not in (m, n) for m, n in pairs):
        return "no fit"
    return tuple(n if m == 1 else m for m, n in reversed(pairs))


def broadcast_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(((4, 1), (3,)))
    yield Case(((3,), (4, 3)), name="fewer axes on the left")
    yield Case(((2, 3), (2,)), name="no fit: the last axes are compared first")
    yield Case(((), (5,)), name="a number and a vector")
    yield Case(((2, 3), (2, 3)), name="equal shapes")
    yield Case(((3, 1), (1, 3)))
    yield Case(((4,), (3,)), name="no fit")
    yield Case(((0,), (1,)), name="nothing on the left")
    for _ in range(4):
        full = tuple(int(n) for n in rng.integers(2, 6, size=3))
        yield Case((tuple(int(n) if rng.random() < 0.6 else 1 for n in full), full[int(rng.integers(0, 3)) :]))


def broadcast_left(a: Shape, b: Shape) -> Shape | str:
    longer = max(len(a), len(b))
    return broadcast_shape(a + (1,) * (longer - len(a)), b + (1,) * (longer - len(b)))


def broadcast_max(a: Shape, b: Shape) -> Shape:
    return tuple(max(pair) for pair in zip_longest(reversed(a), reversed(b), fillvalue=1))[::-1]


def swish_slopes(x: np.ndarray, beta: float) -> tuple[np.ndarray, float]:
    """Slopes of swish in x, entry by entry, and of the sum of all entries in beta."""
    gate = (1 + np.tanh(beta * x / 2)) / 2
    return gate + beta * x * gate * (1 - gate), float(np.sum(x * x * gate * (1 - gate)))


def slopes_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([0.0, 1.0]), 1.0))
    yield Case((np.array([2.0, -1.0]), 0.0), name="beta 0: a straight line of slope one half")
    yield Case((np.array([3.0]), 2.0), name="one entry")
    yield Case((np.array([-30.0, 30.0]), 1.0), name="far out")
    for size in (3, 4, 6):
        yield Case((rng.normal(size=size), float(rng.uniform(0.3, 3.0))))


def swish_mistake(x: np.ndarray, beta: float, *, which: str) -> tuple[object, object]:
    gate = (1 + np.tanh(beta * x / 2)) / 2
    in_x, in_beta = gate + beta * x * gate * (1 - gate), x * x * gate * (1 - gate)
    if which == "beta entry by entry":
        return in_x, in_beta
    if which == "mean":
        return in_x / x.size, float(in_beta.mean())
    if which == "no beta":
        return gate + x * gate * (1 - gate), float(in_beta.sum())
    return gate, float(in_beta.sum())


def count_traces(calls: Sequence[tuple]) -> int:
    """How many graphs a tf.function makes for these calls, one after the other."""
    return len(set(calls))


def trace_cases(rng: np.random.Generator) -> Iterator[Case]:
    f32, f64 = "float32", "float64"
    yield Case(([("tensor", f32, (3,)), ("tensor", f32, (3,))],), name="twice the same shape")
    yield Case(([("tensor", f32, (3,)), ("tensor", f32, (4,))],), name="two shapes")
    yield Case(([("tensor", f32, (3,)), ("tensor", f64, (3,))],), name="two types")
    yield Case(([("number", 2), ("number", 3), ("number", 2)],), name="Python numbers")
    yield Case(([],), name="no call at all")
    yield Case(([("tensor", f32, ()), ("number", 1), ("tensor", f32, ()), ("number", 1)],))
    for length in (4, 6, 9):
        calls: list[tuple] = []
        for _ in range(length):
            if rng.random() < 0.4:
                calls.append(("number", int(rng.integers(0, 4))))
            else:
                calls.append(("tensor", (f32, f64)[int(rng.integers(2))], (int(rng.integers(1, 4)),)))
        yield Case((calls,))


def shuffle_with_buffer(items: Sequence[int], buffer_size: int, draws: Sequence[float]) -> list[int]:
    """The order in which a buffer of that size hands out the items; draws[k] in [0, 1) picks the k-th one."""
    stream = list(items)
    buffer, stream = stream[:buffer_size], stream[buffer_size:]
    result = []
    for draw in draws:
        result.append(buffer.pop(int(draw * len(buffer))))
        if stream:
            buffer.append(stream.pop(0))
    return result


def shuffle_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(([1, 2, 3, 4], 2, [0.6, 0.0, 0.6, 0.0]))
    yield Case(([1, 2, 3], 1, [0.9, 0.5, 0.1]), name="a buffer of one: the order stays")
    yield Case(([1, 2, 3], 5, [0.9, 0.9, 0.9]), name="a buffer larger than the data")
    yield Case(([7], 1, [0.3]), name="one item")
    yield Case(([1, 2, 3, 4, 5], 3, [0.0] * 5), name="always the oldest")
    for size, buffer_size in ((6, 3), (8, 4), (10, 2), (12, 12)):
        items = [int(n) for n in rng.permutation(size)]
        yield Case((items, buffer_size, [float(u) for u in rng.random(size)]))


def shuffle_mistake(items: Sequence[int], buffer_size: int, draws: Sequence[float], *, which: str) -> list[int]:
    stream = list(items)
    size = buffer_size + (which == "refill first")
    buffer, stream = stream[:size], stream[size:]
    result = []
    for draw in draws:
        i = int(draw * len(buffer))
        if which == "in place" and stream:
            result.append(buffer[i])
            buffer[i] = stream.pop(0)
            continue
        result.append(buffer.pop(i))
        if stream:
            buffer.append(stream.pop(0))
        elif which == "rest in order":
            return result + buffer
    return result


def whole_shuffle(items: Sequence[int], buffer_size: int, draws: Sequence[float]) -> list[int]:
    return shuffle_with_buffer(items, len(items), draws)


Batches = Sequence[tuple[np.ndarray, np.ndarray]]


def joined(batches: Batches) -> tuple[np.ndarray, np.ndarray]:
    y, prediction = (np.concatenate(parts).astype(np.float64) for parts in zip(*batches, strict=True))
    return y, prediction


def r_squared(batches: Batches) -> float:
    """R squared over all batches together, in float64."""
    y, prediction = joined(batches)
    return float(1 - np.sum((y - prediction) ** 2) / np.sum((y - y.mean()) ** 2))


def r_squared_cases(rng: np.random.Generator) -> Iterator[Case]:
    y = np.array([1.0, 3.0, 5.0, 7.0])
    yield Case(([(y[:2], y[:2] + 1), (y[2:], y[2:])],))
    yield Case(([(y, y.copy())],), name="all predictions right")
    yield Case(([(y[:3], np.full(3, 4.0)), (y[3:], np.full(1, 4.0))],), name="always the mean: zero")
    yield Case(([(y, -y)],), name="worse than the mean: negative")
    yield Case(
        ([(y[:2].astype(np.float32), y[:2] + 0.5), (y[2:].astype(np.float32), y[2:] - 0.5)],), name="mixed types"
    )
    far = np.array([5001.0, 5002.0, 5003.0, 5005.0], dtype=np.float32)
    yield Case(([(far[:3], far[:3] + np.float32(0.5)), (far[3:], far[3:])],), name="float32, far from zero")
    for sizes in ((3, 2), (4, 4, 2), (5, 1, 3)):
        yield Case(([noisy_batch(rng, size) for size in sizes],))


def noisy_batch(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    y = rng.normal(2.0, 1.0, size=size)
    return y, y + rng.normal(0.0, 0.4, size=size)


def mean_of_batches(batches: Batches) -> float:
    # A batch of one has no spread: its R squared is minus infinity or NaN, as it is in the participant's version.
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.mean([1 - np.sum((y - p) ** 2) / np.sum((y - y.mean()) ** 2) for y, p in batches]))


def r_squared_mistake(batches: Batches, *, which: str) -> float:
    y, p = joined(batches)
    errors, spread = np.sum((y - p) ** 2), np.sum((y - y.mean()) ** 2)
    if which == "about zero":
        return float(1 - errors / np.sum(y * y))
    if which == "prediction's spread":
        return float(1 - errors / np.sum((p - p.mean()) ** 2))
    if which == "correlation":
        return float(np.corrcoef(y, p)[0, 1] ** 2)
    return float(errors / spread)


def r_squared_float32(batches: Batches) -> float:
    """Running sums in float32, as a metric keeps them when nobody says otherwise."""
    n = total = squares = errors = np.float32(0)
    for y, p in batches:
        y, p = np.asarray(y, np.float32), np.asarray(p, np.float32)
        n, total = np.float32(n + len(y)), np.float32(total + y.sum())
        squares, errors = np.float32(squares + (y * y).sum()), np.float32(errors + ((y - p) ** 2).sum())
    return float(1 - errors / (squares - total * total / n))


EXERCISES = (
    Exercise(
        number="4.1",
        title="The shape of a sum",
        reference=broadcast_shape,
        cases=broadcast_cases,
        mistakes=(
            Mistake(
                "line the shapes up at their last axes: missing axes are added in front, not behind", broadcast_left
            ),
            Mistake(
                "two sizes fit only where they are equal or one of them is 1; else the answer is 'no fit'",
                broadcast_max,
            ),
        ),
        hint="go through both shapes from the back; equal sizes fit, 1 fits anything, a missing axis counts as 1",
    ),
    Exercise(
        number="4.2",
        title="Two slopes of swish",
        reference=swish_slopes,
        cases=slopes_cases,
        rtol=1e-4,
        atol=1e-5,
        mistakes=(
            Mistake(
                "there is one beta for all entries, so its slope is one number: the sum over the entries",
                lambda x, beta: swish_mistake(x, beta, which="beta entry by entry"),
            ),
            Mistake(
                "that is the slope of the mean of all entries; take the slope of their sum",
                lambda x, beta: swish_mistake(x, beta, which="mean"),
            ),
            Mistake(
                "the inner derivative is missing: the gate's slope in x has a factor beta",
                lambda x, beta: swish_mistake(x, beta, which="no beta"),
            ),
            Mistake(
                "x stands twice in x * sigmoid(beta * x); this is the slope of the first x alone",
                lambda x, beta: swish_mistake(x, beta, which="gate alone"),
            ),
        ),
        hint="watch x and beta inside the tape, sum x * sigmoid(beta * x) there, then ask for both slopes",
    ),
    Exercise(
        number="4.3",
        title="Counting traces",
        reference=count_traces,
        cases=trace_cases,
        mistakes=(
            Mistake("a graph is kept and used again when a call of the same kind comes back", lambda calls: len(calls)),
            Mistake(
                "a new shape needs a new graph even where the type is the same",
                lambda calls: len({call[:2] for call in calls}),
            ),
            Mistake(
                "a Python number is built into the graph, so each new value needs a new one",
                lambda calls: len({call if call[0] == "tensor" else call[:1] for call in calls}),
            ),
            Mistake(
                "a new type needs a new graph even where the shape is the same",
                lambda calls: len({call[::2] if call[0] == "tensor" else call for call in calls}),
            ),
        ),
        hint="how many different entries does the list have?",
    ),
    Exercise(
        number="4.4",
        title="A shuffle buffer",
        reference=shuffle_with_buffer,
        cases=shuffle_cases,
        mistakes=(
            Mistake(
                "the next item goes to the end of the buffer, not to the place that has become free",
                lambda *inputs: shuffle_mistake(*inputs, which="in place"),
            ),
            Mistake(
                "when the stream has run dry the buffer is still emptied at random",
                lambda *inputs: shuffle_mistake(*inputs, which="rest in order"),
            ),
            Mistake(
                "the buffer never holds more than buffer_size items: take one out before the next comes in",
                lambda *inputs: shuffle_mistake(*inputs, which="refill first"),
            ),
            Mistake("this shuffles all items at once; only buffer_size of them are at hand at a time", whole_shuffle),
        ),
        hint="fill the buffer; then, for every draw, take item int(draw * len(buffer)) out and append the next one",
    ),
    Exercise(
        number="4.5",
        title="R squared over batches",
        reference=r_squared,
        cases=r_squared_cases,
        mistakes=(
            Mistake("the mean of the batches' R squared is not the R squared of all: keep sums", mean_of_batches),
            Mistake(
                "compare with the squared deviations of y from its mean, not from zero",
                lambda batches: r_squared_mistake(batches, which="about zero"),
            ),
            Mistake(
                "the spread below the line is that of the targets, not that of the predictions",
                lambda batches: r_squared_mistake(batches, which="prediction's spread"),
            ),
            Mistake(
                "the squared correlation forgives a wrong slope and a wrong offset; R squared does not",
                lambda batches: r_squared_mistake(batches, which="correlation"),
            ),
            Mistake(
                "that is the share of the variance that is left; R squared is the share that is explained",
                lambda batches: r_squared_mistake(batches, which="left"),
            ),
            Mistake("float32 keeps seven digits, too few for sums of large squares: convert first", r_squared_float32),
        ),
        hint="1 - (sum of squared errors) / (sum of squared deviations of y from the mean of all y), in float64",
    ),
)
