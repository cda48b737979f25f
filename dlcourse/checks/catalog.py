"""Where the exercises are: `dlcourse/checks/lab_NN.py` holds those of lab NN."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import re
import sys

from dlcourse.checks.exercise import Exercise, parse_number

PACKAGE = "dlcourse.checks"


def labs() -> tuple[str, ...]:
    """The labs that have exercises, in order.

    Returns:
        Lab numbers as in file names, e.g. ("01", "02", "05b").

    Used in: every lab.
    """
    package = importlib.import_module(PACKAGE)
    found = {module.name for module in pkgutil.iter_modules(package.__path__)}
    found |= {name.removeprefix(PACKAGE + ".") for name in list(sys.modules) if name.startswith(PACKAGE + ".lab_")}
    return tuple(sorted(name.removeprefix("lab_") for name in found if re.fullmatch(r"lab_\d\d[a-z]?", name)))


def lab_name(lab: str | int) -> str:
    """A lab's number as file names write it.

    Args:
        lab: "02", "2", 2, "lab_02", "5b" or "05b".

    Returns:
        E.g. "02" or "05b".

    Raises:
        TypeError: If `lab` is neither a string nor a whole number.
        ValueError: If it is not a lab's number.

    Example:
        >>> lab_name("5b"), lab_name(2), lab_name("lab_10")
        ('05b', '02', '10')

    Used in: every lab.
    """
    if isinstance(lab, bool) or not isinstance(lab, str | int):
        raise TypeError(f"lab is {type(lab).__name__}, expected a string such as '02' or '05b'")
    match = re.fullmatch(r"(?:lab_?)?(\d{1,2})([a-z]?)", str(lab).strip().lower())
    if match is None:
        raise ValueError(f"{str(lab)!r} is not a lab's number; expected one such as '02' or '05b'")
    return f"{int(match[1]):02d}{match[2]}"


def exercises(lab: str | int) -> tuple[Exercise, ...]:
    """The exercises of one lab, in order.

    Args:
        lab: "02", "2", 2 or "05b".

    Returns:
        The `EXERCISES` of `dlcourse/checks/lab_NN.py`, checked: numbers unique, rising, all of this lab.

    Raises:
        ValueError: If there is no such lab, or its file declares its exercises wrongly.
        TypeError: If `lab` is neither a string nor a whole number.

    Used in: every lab.
    """
    name = lab_name(lab)
    module_name = f"{PACKAGE}.lab_{name}"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name:
            raise
        known = ", ".join(labs()) or "none yet"
        raise ValueError(f"lab {name} has no exercises; labs with exercises: {known}") from None
    declared = getattr(module, "EXERCISES", None)
    if not isinstance(declared, tuple) or not all(isinstance(exercise, Exercise) for exercise in declared):
        raise ValueError(f"lab_{name}.py has no EXERCISES = (Exercise(...), ...), a tuple of Exercise")
    _check_numbers(name, declared)
    return declared


def find_exercise(number: str) -> Exercise:
    """The exercise with this number.

    Args:
        number: E.g. "2.1" or "5b.3".

    Returns:
        The exercise.

    Raises:
        ValueError: If there is none; the message names the close ones.
        TypeError: If `number` is not a string.

    Used in: every lab.
    """
    lab, _ = parse_number(number)
    available = {exercise.number: exercise for exercise in exercises(lab)}
    if number not in available:
        close = difflib.get_close_matches(number, available, n=3, cutoff=0.5) or list(available)
        raise ValueError(f"lab {lab} has no exercise {number}; did you mean {' or '.join(close) or 'another lab'}?")
    return available[number]


def _check_numbers(lab: str, declared: tuple[Exercise, ...]) -> None:
    previous = 0
    for exercise in declared:
        if exercise.lab != lab:
            raise ValueError(f"lab_{lab}.py declares exercise {exercise.number}, which belongs to lab {exercise.lab}")
        if exercise.place == previous:
            raise ValueError(f"lab_{lab}.py declares exercise {exercise.number} twice")
        if exercise.place < previous:
            raise ValueError(f"lab_{lab}.py declares exercise {exercise.number} out of order; let the numbers rise")
        previous = exercise.place
