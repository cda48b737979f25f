"""Looking things up by name, with an error that helps."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

T = TypeVar("T")


def look_up(kind: str, name: str, choices: Mapping[str, T]) -> T:
    """Return `choices[name]`; an unknown name raises an error that lists the valid ones and the closest.

    Args:
        kind: What is being chosen, for the message: "activation", "optimizer" ...
        name: The name that the caller gave.
        choices: The valid names and what each stands for.

    Returns:
        The entry of `choices` under `name`.

    Raises:
        TypeError: If `name` is not a string.
        ValueError: If `name` is not among the choices.

    Example:
        >>> look_up("activation", "rleu", {"relu": max, "tanh": min})
        Traceback (most recent call last):
        ...
        ValueError: unknown activation 'rleu'; did you mean 'relu'? Valid names: 'relu', 'tanh'.
    """
    if not isinstance(name, str):
        raise TypeError(f"{kind} must be given by name, a string; got {type(name).__name__}: {name!r}.")
    if name in choices:
        return choices[name]
    close = get_close_matches(name.lower(), choices, n=1, cutoff=0.5)
    suggestion = f"; did you mean {close[0]!r}?" if close else "."
    raise ValueError(f"unknown {kind} {name!r}{suggestion} Valid names: {', '.join(map(repr, choices))}.")
