"""Makes a case's inputs ready for the way into the sandbox: functions and random generators are described."""

from __future__ import annotations

import inspect
import textwrap
import types
from typing import Any

import numpy as np

from dlcourse.grading.sandboxes.exchange import Shipped


def ship(value: Any) -> Any:
    """The value with every function and random generator in it described, so that it can be rebuilt inside.

    Args:
        value: an input of a case, or a list, tuple or dict of inputs. Functions are NumPy's own, or defined with `def`
            at the top of a module and using nothing of it but `np`.

    Raises:
        TypeError: if a function is of another kind.

    Example:
        >>> ship((np.sin, 2.0))
        (Shipped(kind='numpy', name='sin', content=None), 2.0)
    """
    if type(value) in (list, tuple):
        return type(value)(ship(entry) for entry in value)
    if type(value) is dict:
        return {key: ship(entry) for key, entry in value.items()}
    if isinstance(value, np.random.Generator):
        return Shipped("generator", type(value.bit_generator).__name__, value.bit_generator.state)
    if isinstance(value, np.ufunc):
        return Shipped("numpy", value.__name__)
    if isinstance(value, types.FunctionType):
        return Shipped("function", value.__name__, _source(value))
    return value


def _source(function: types.FunctionType) -> str:
    foreign = inspect.getclosurevars(function)
    if function.__name__ == "<lambda>" or function.__qualname__ != function.__name__ or foreign.globals.keys() - {"np"}:
        raise TypeError(
            f"{function.__qualname__} cannot be sent into the sandbox: expected a function with a name, at the top of "
            "its module, that uses nothing of the module but np"
        )
    return textwrap.dedent(inspect.getsource(function))
