"""Which typical mistake explains a wrong answer?

First the mistakes that the exercise declares, in their order; then the general ones below, which look at the expected
and the returned values alone.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from dlcourse.checks.comparison import close, same
from dlcourse.checks.exercise import Case, Exercise
from dlcourse.checks.values import Opaque, Plain, numeric_leaves, snapshot
from dlcourse.checks.wording import number_text

NAMED_FACTORS = {
    "ln 2": math.log(2),
    "ln 10": math.log(10),
    "pi": math.pi,
    "2 pi": 2 * math.pi,
    "sqrt(2)": math.sqrt(2),
}

OPAQUE_HINTS = {
    "a function": "it gives back a function instead of calling it",
    "a generator": "yield makes a generator; use return",
    "a coroutine": "async makes a coroutine; use a plain def",
}


@dataclass(frozen=True)
class Wrong:
    """A case whose result is not the expected one.

    Args:
        case: The inputs.
        expected: Snapshot of the reference's result.
        got: Snapshot of the participant's result.
    """

    case: Case
    expected: Plain
    got: Plain


def explain(exercise: Exercise, wrong: Sequence[Wrong]) -> str | None:
    """The hint that fits a wrong answer.

    Args:
        exercise: The exercise; gives the declared mistakes and the tolerance.
        wrong: Every case that came out wrong, at least one.

    Returns:
        One sentence without a full stop, or None when no known mistake fits all of the cases.

    Example:
        >>> square = Exercise("2.9", "Square", lambda x: x * x, lambda rng: [])
        >>> explain(square, [Wrong(Case((n,)), expected=n * n, got=-n * n) for n in (1, 2)])
        'the sign is reversed: every number is the negative of what it should be'

    Used in: every lab, through `check`.
    """
    for mistake in exercise.mistakes:
        if all(_gives(mistake.function, one, exercise) for one in wrong):
            return mistake.hint
    for look in (_missing_return, _wrong_container, _transposed, _wrong_shape, _numeric, _swapped, _not_finite):
        hint = look(wrong, exercise)
        if hint:
            return hint
    return None


def _gives(function: Callable, one: Wrong, exercise: Exercise) -> bool:
    try:
        args, kwargs = copy.deepcopy((one.case.args, dict(one.case.kwargs)))
        return same(snapshot(function(*args, **kwargs)), one.got, exercise.rtol, exercise.atol)
    except Exception:
        return False


def _missing_return(wrong: Sequence[Wrong], _: Exercise) -> str | None:
    if all(one.got is None for one in wrong):
        return "a function gives back None when its return is missing"
    kinds = {one.got.what for one in wrong if isinstance(one.got, Opaque)}
    if all(isinstance(one.got, Opaque) for one in wrong) and len(kinds) == 1:
        return OPAQUE_HINTS.get(kinds.pop())
    return None


def _wrong_container(wrong: Sequence[Wrong], exercise: Exercise) -> str | None:
    for one in wrong:
        if not isinstance(one.expected, np.ndarray) or not isinstance(one.got, list | tuple):
            return None
        try:
            as_array = np.asarray(one.got)
        except ValueError:
            return None
        if not same(one.expected, snapshot(as_array), exercise.rtol, exercise.atol):
            return None
    return "the numbers are right; wrap them in np.array(...)"


def _transposed(wrong: Sequence[Wrong], exercise: Exercise) -> str | None:
    def flipped(expected: np.ndarray, got: np.ndarray) -> bool:
        return expected.ndim == 2 and _agree(expected, got.T, exercise.rtol, exercise.atol)

    hint = "the result is transposed: rows and columns are exchanged"
    return hint if _every_differing_leaf(wrong, exercise, flipped) else None


def _wrong_shape(wrong: Sequence[Wrong], exercise: Exercise) -> str | None:
    def reshaped(expected: np.ndarray, got: np.ndarray) -> bool:
        if expected.shape == got.shape or expected.size != got.size:
            return False
        return _agree(expected.ravel(), got.ravel(), exercise.rtol, exercise.atol)

    return "the values are right, the shape is not" if _every_differing_leaf(wrong, exercise, reshaped) else None


def _numeric(wrong: Sequence[Wrong], exercise: Exercise) -> str | None:
    def negated(expected: np.ndarray, got: np.ndarray) -> bool:
        return expected.shape == got.shape and _agree(expected, -_number(got), exercise.rtol, exercise.atol)

    if _every_differing_leaf(wrong, exercise, negated):
        return "the sign is reversed: every number is the negative of what it should be"
    return _scaled(wrong, exercise) or _rounded(wrong, exercise)


def _scaled(wrong: Sequence[Wrong], exercise: Exercise) -> str | None:
    """A sum for a mean or the reverse, where the factor is a length found in the inputs; else a constant factor."""
    ratios: list[float] = []
    lengths: list[set[int]] = []
    magnitudes: set[float] = set()
    for one in wrong:
        pairs = _differing_leaves(one, exercise)
        if not pairs:
            return None
        for expected, got in pairs:
            ratio = _ratio(expected, got, exercise)
            if ratio is None:
                return None
            ratios.append(ratio)
            lengths.append(_lengths(one.case))
            magnitudes |= set(np.abs(expected).ravel()[:10].tolist())
    constant = all(math.isclose(ratio, ratios[0], rel_tol=1e-4) for ratio in ratios)
    # A factor of two that never changes is more likely a forgotten 1/2 than a batch of two.
    if not constant or not 0.4 < ratios[0] < 2.5:
        if all(_is_one_of(ratio, sizes) for ratio, sizes in zip(ratios, lengths, strict=True)):
            return "it is too large by the number of entries: a sum where a mean is expected"
        if all(_is_one_of(1 / ratio, sizes) for ratio, sizes in zip(ratios, lengths, strict=True)):
            return "it is too small by the number of entries: a mean where a sum is expected"
    if constant and len(magnitudes) > 1 and abs(ratios[0] - 1) > 1e-3:
        return f"every number is {_factor_text(ratios[0])} times what it should be"
    return None


def _ratio(expected: np.ndarray, got: np.ndarray, exercise: Exercise) -> float | None:
    expected, got = _number(expected), _number(got)
    if expected.shape != got.shape or expected.size == 0 or np.iscomplexobj(expected) or np.iscomplexobj(got):
        return None
    largest = np.unravel_index(np.argmax(np.abs(expected)), expected.shape)
    if not np.isfinite(expected[largest]) or not np.isfinite(got[largest]):
        return None
    if expected[largest] == 0 or got[largest] == 0:
        return None
    ratio = float(got[largest] / expected[largest])
    return ratio if _agree(ratio * expected, got, max(exercise.rtol, 1e-6), exercise.atol) else None


def _lengths(case: Case) -> set[int]:
    sizes: set[int] = set()
    for value in (*case.args, *case.kwargs.values()):
        plain = snapshot(value)
        if isinstance(plain, np.ndarray):
            sizes |= {plain.size, *plain.shape}
        elif isinstance(plain, list | tuple):
            sizes.add(len(plain))
    return sizes - {0, 1}


def _is_one_of(ratio: float, sizes: set[int]) -> bool:
    return any(math.isclose(ratio, size, rel_tol=1e-4) for size in sizes)


def _factor_text(factor: float) -> str:
    fraction = Fraction(factor).limit_denominator(100)
    if fraction and math.isclose(fraction, factor, rel_tol=1e-6) and abs(fraction.numerator) <= 1000:
        return str(fraction)
    for name, value in NAMED_FACTORS.items():
        if math.isclose(abs(factor), value, rel_tol=1e-6):
            return name if factor > 0 else f"-{name}"
        if math.isclose(abs(factor), 1 / value, rel_tol=1e-6):
            return f"1/({name})" if factor > 0 else f"-1/({name})"
    return number_text(factor, digits=4)


def _rounded(wrong: Sequence[Wrong], exercise: Exercise) -> str | None:
    if not any(np.any(leaf) for one in wrong for leaf in numeric_leaves(one.got)):
        return None  # zeros throughout are no sign of rounding
    for decimals in (0, 1, 2, 3, 4):

        def rounded(expected: np.ndarray, got: np.ndarray, decimals: int = decimals) -> bool:
            if expected.dtype.kind == "b":
                return False  # a wrong yes or no is no rounded one
            ways = [np.round(expected, decimals)] + ([np.trunc(expected), np.floor(expected)] if decimals == 0 else [])
            return any(_agree(way, got, 0.0, 1e-12) for way in ways)

        if _every_differing_leaf(wrong, exercise, rounded):
            if decimals == 0:
                return "the numbers are cut to whole numbers: is there an int(), a // or an array of integers?"
            return f"the numbers are rounded to {decimals} decimal{'s' if decimals > 1 else ''}: return them unrounded"
    return None


def _swapped(wrong: Sequence[Wrong], exercise: Exercise) -> str | None:
    for one in wrong:
        if not isinstance(one.expected, list | tuple) or not isinstance(one.got, list | tuple):
            return None
        if len(one.expected) != len(one.got) or not 2 <= len(one.got) <= 4:
            return None
        orders = itertools.permutations(one.got)
        if not any(same(one.expected, list(order), exercise.rtol, exercise.atol) for order in orders):
            return None
    return "the results are right but in another order"


def _not_finite(wrong: Sequence[Wrong], _: Exercise) -> str | None:
    def finite(value: Plain) -> bool:
        return all(bool(np.isfinite(leaf).all()) for leaf in numeric_leaves(value))

    if all(finite(one.expected) and not finite(one.got) for one in wrong):
        return "NaN or infinity comes from an overflow, a division by zero or the logarithm of zero"
    return None


def _agree(expected: np.ndarray, got: np.ndarray, rtol: float, atol: float) -> bool:
    expected, got = np.asarray(expected), np.asarray(got)  # arithmetic on 0-d arrays gives scalars
    return expected.shape == got.shape and bool(close(expected, got, rtol, atol).all())


def _number(array: np.ndarray) -> np.ndarray:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _differing_leaves(one: Wrong, exercise: Exercise) -> list[tuple[np.ndarray, np.ndarray]]:
    expected, got = list(numeric_leaves(one.expected)), list(numeric_leaves(one.got))
    if len(expected) != len(got):
        return []
    pairs = zip(expected, got, strict=True)
    return [(want, have) for want, have in pairs if not _agree(want, have, exercise.rtol, exercise.atol)]


def _every_differing_leaf(
    wrong: Sequence[Wrong], exercise: Exercise, holds: Callable[[np.ndarray, np.ndarray], bool]
) -> bool:
    for one in wrong:
        pairs = _differing_leaves(one, exercise)
        if not pairs or not all(holds(want, have) for want, have in pairs):
            return False
    return True
