"""What an exercise is: a reference, the inputs to try, the comparison, and the mistakes that people make.

One file a lab, `dlcourse/checks/lab_NN.py`, holds a tuple called `EXERCISES`. The checker (`dlcourse.checks.check`)
does the rest. A lab's file reads like this:

    from dlcourse.checks.exercise import Case, Exercise, Mistake
    from dlcourse.foundations.perceptron import neuron

    def neuron_cases(rng):
        yield Case((np.array([1.0, 2.0]), np.array([0.5, -1.0]), 0.1))       # a small one first: it is the one shown
        yield Case((np.ones(3), np.zeros(3), 0.0), name="all weights zero")
        for size in (1, 3, 5, 8):
            yield Case((rng.normal(size=size), rng.normal(size=size), rng.normal()))

    EXERCISES = (
        Exercise(
            number="2.1",
            title="A neuron",
            reference=neuron,
            cases=neuron_cases,
            mistakes=(Mistake("the bias is missing: add b to the weighted sum", lambda x, w, b: x @ w),),
            hint="multiply each input by its weight, add everything up, then add the bias",
        ),
    )
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

NUMBER_PATTERN = re.compile(r"([1-9]\d?)([a-z]?)\.([1-9]\d?)")

DEFAULT_TIME_LIMIT = 10.0


@dataclass(frozen=True)
class Case:
    """One call of the exercise's function: `function(*args, **kwargs)`.

    Every call gets its own deep copy of the inputs, so a case may be used for the reference, the participant and each
    typical mistake. A `np.random.Generator` among the inputs is copied with its state: all of them draw the same
    numbers.

    Args:
        args: Positional arguments, a tuple even when there is one: `Case((x,))`. Numbers, strings, arrays, lists,
            dicts and functions are shown to the participant in a readable form; anything else as the name of its class.
        kwargs: Keyword arguments.
        name: What is special about this case, in a few words, e.g. "all weights zero"; shown when the case fails.

    Raises:
        TypeError: If `args` is not a tuple, `kwargs` is not a mapping or `name` is not a string.

    Example:
        >>> Case((3, 4), name="both positive").args
        (3, 4)

    Used in: every lab.
    """

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.args, tuple):
            given = type(self.args).__name__
            raise TypeError(f"args is {given}, expected a tuple; for one argument write Case((x,))")
        if not isinstance(self.kwargs, Mapping):
            raise TypeError(f"kwargs is {type(self.kwargs).__name__}, expected a dict of keyword arguments")
        if not isinstance(self.name, str):
            raise TypeError(f"name is {type(self.name).__name__}, expected a string such as 'all weights zero'")


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer, and the sentence that helps a person who gave it.

    The mistake matches when `function` gives the participant's output (within the exercise's tolerance) for every case
    that the participant got wrong. Mistakes are tried in order; the first match is shown.

    Args:
        hint: One sentence that says what went wrong and which way to look, without the solution's code. No full stop
            is needed at its end.
        function: The wrong answer, a function of the same inputs as the reference. Where it raises, it does not match.

    Raises:
        TypeError: If `function` cannot be called.
        ValueError: If `hint` is empty or runs over more than one line.

    Example:
        >>> Mistake("the bias is missing: add b", lambda x, w, b: x * w).function(2, 3, 1)
        6

    Used in: every lab.
    """

    hint: str
    function: Callable[..., Any]

    def __post_init__(self) -> None:
        _check_one_line("hint", self.hint)
        if not callable(self.function):
            raise TypeError(f"function is {type(self.function).__name__}, expected a function of the exercise's inputs")


@dataclass(frozen=True)
class Exercise:
    """One exercise of one lab.

    A result is right when its structure is the reference's and every number satisfies
    `|result - expected| <= atol + rtol * |expected|`; whole numbers and strings must be equal, and NaN equals NaN. What
    can be compared: numbers, booleans, strings, None, arrays (also tensors, which NumPy reads), and tuples, lists,
    dicts and dataclasses of these. A tuple and a list count as the same, and so do 1 and True; an array where a list of
    numbers is expected is fine, a list where an array is expected is not. Functions cannot be compared: let the
    exercise return numbers.

    Mistakes that need not be declared, because every exercise is tried for them: sign reversed, transposed, right
    values in a wrong shape, a sum for a mean or the reverse, a constant factor, rounded, `return` forgotten, a list for
    an array, results in another order, inputs changed in place, NaN or infinity.

    Args:
        number: Lab and place in it, e.g. "2.1" for lab 02 or "5b.3" for lab 05b.
        title: What the participant builds, in a few words, without a full stop: "A neuron".
        reference: The course's own function; `check` returns it when the participant's does not pass yet. Its parameter
            names are the ones that messages use.
        cases: `(rng: np.random.Generator) -> Iterable[Case]`; random but drawn from `rng` alone, with the edge cases.
            At least five. Small cases make good messages: the smallest failing one is shown.
        rtol: Relative tolerance, >= 0.
        atol: Absolute tolerance, >= 0.
        mistakes: Typical wrong answers, tried in order.
        hint: One general nudge, shown when no mistake matches.
        time_limit: Seconds for all cases together, > 0.

    Raises:
        TypeError: If `reference` or `cases` cannot be called, or `mistakes` holds something else than `Mistake`.
        ValueError: If the number, a text, a tolerance or the time limit is out of range.

    Example:
        >>> double = Exercise("2.9", "Twice", lambda x: 2 * x, lambda rng: [Case((n,)) for n in range(5)])
        >>> double.lab
        '02'

    Used in: every lab.
    """

    number: str
    title: str
    reference: Callable[..., Any]
    cases: Callable[[np.random.Generator], Iterable[Case]]
    rtol: float = 1e-6
    atol: float = 1e-9
    mistakes: tuple[Mistake, ...] = ()
    hint: str = ""
    time_limit: float = DEFAULT_TIME_LIMIT

    def __post_init__(self) -> None:
        parse_number(self.number)
        _check_one_line("title", self.title)
        if self.hint:
            _check_one_line("hint", self.hint)
        for name in ("reference", "cases"):
            if not callable(getattr(self, name)):
                raise TypeError(f"{name} is {type(getattr(self, name)).__name__}, expected a function")
        for name in ("rtol", "atol"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}, expected a number >= 0")
        if not 0 < self.time_limit < math.inf:
            raise ValueError(f"time_limit is {self.time_limit}, expected seconds > 0")
        if not isinstance(self.mistakes, tuple) or not all(isinstance(mistake, Mistake) for mistake in self.mistakes):
            raise TypeError("mistakes is not a tuple of Mistake; a tuple of one ends with a comma: (Mistake(...),)")

    @property
    def lab(self) -> str:
        """The lab that the exercise belongs to, as in the notebook's file name: "02", "05b"."""
        return parse_number(self.number)[0]

    @property
    def place(self) -> int:
        """The exercise's place in its lab: 1 for "2.1"."""
        return parse_number(self.number)[1]


def parse_number(number: str) -> tuple[str, int]:
    """Split an exercise's number into its lab and its place in that lab.

    Args:
        number: E.g. "2.1", "5b.3" or "10.12".

    Returns:
        The lab as in file names ("02", "05b", "10") and the place (1, 3, 12).

    Raises:
        TypeError: If `number` is not a string.
        ValueError: If it does not have the form lab.place.

    Example:
        >>> parse_number("5b.3")
        ('05b', 3)

    Used in: every lab.
    """
    if not isinstance(number, str):
        raise TypeError(f"an exercise number is {type(number).__name__}, expected a string such as '2.1'")
    match = NUMBER_PATTERN.fullmatch(number)
    if match is None:
        raise ValueError(f"{number!r} is not an exercise number; expected lab.place, such as '2.1' or '5b.3'")
    digits, letter, place = match.groups()
    return f"{int(digits):02d}{letter}", int(place)


def _check_one_line(name: str, text: str) -> None:
    if not isinstance(text, str) or not text.strip() or "\n" in text:
        raise ValueError(f"{name} is {text!r}, expected one line of text")
