"""What went wrong in a participant's function, in plain words: the exception that left it, inputs that do not fit it.

This file also runs inside the grader's sandbox, next to `values.py`, where there is no `dlcourse.checks`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

if __package__:
    from dlcourse.checks.values import class_name
else:
    from values import class_name

MESSAGE_LENGTH = 160


@dataclass(frozen=True)
class Raised:
    """An exception that left the participant's function.

    Args:
        name: Its class, e.g. "ValueError".
        message: Its text on one line, at most 160 characters.
        line: Line of the function where it happened, the `def` being line 1; None where unknown.
        is_stub: Whether it is the NotImplementedError of an unsolved exercise.
    """

    name: str
    message: str
    line: int | None
    is_stub: bool


def describe(error: BaseException, function: Any = None) -> Raised:
    """An exception in plain words, whatever its own methods do.

    Args:
        error: the exception.
        function: whose line is asked for.

    Example:
        >>> describe(ValueError("no"))
        Raised(name='ValueError', message='no', line=None, is_stub=False)
    """
    try:
        text = str.__str__(str(error))
    except BaseException:
        text = ""
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", " ".join(text[:2000].split()))
    text = text.encode("ascii", "backslashreplace").decode()
    message = text if len(text) <= MESSAGE_LENGTH else text[: MESSAGE_LENGTH - 3] + "..."
    return Raised(class_name(type(error)), message, _line(error.__traceback__, function), _is_stub(error))


def misfit(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    """The function's signature where the inputs do not fit it, else None.

    Args:
        function: anything that can be called.
        args, kwargs: what it would be called with.

    Example:
        >>> misfit(lambda a, b: a, (1,), {}), misfit(lambda a: a, (1,), {})
        ('(a, b)', None)
    """
    try:
        signature = inspect.signature(function)
    except BaseException:
        return None  # NumPy's own functions have none, and a wild object may do anything here
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        return "(" + ", ".join(signature.parameters) + ")"
    return None


def _is_stub(error: BaseException) -> bool:
    if not issubclass(type(error), NotImplementedError):
        return False
    # A library that lacks something raises the same class, but the exercise has been filled in then.
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is None or "-packages" not in last.tb_frame.f_code.co_filename


def _line(traceback: TracebackType | None, function: Any) -> int | None:
    try:
        code = inspect.unwrap(function).__code__
        first = code.co_firstlineno
    except BaseException:
        return None
    while traceback is not None:
        if traceback.tb_frame.f_code is code:
            return traceback.tb_lineno - first + 1
        traceback = traceback.tb_next
    return None
