"""Nothing that `check` is given makes it raise, print more than its line, or leave a trace."""

from __future__ import annotations

import builtins
import sys
import types
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dlcourse.checks import check, find_exercise

Line = Callable[..., str]


def rows(z):
    return z / z.sum(axis=1, keepdims=True)


def evil_classes() -> types.SimpleNamespace:
    """Classes that misbehave; inside a function, because pytest looks at what stands in a module."""

    class Evil:
        """Raises at every touch."""

        def _raise(self, *_: object, **__: object) -> Any:
            raise SystemExit("touched")

        __eq__ = __ne__ = __hash__ = __bool__ = __len__ = __iter__ = __array__ = __repr__ = __str__ = __float__ = _raise
        __getitem__ = __deepcopy__ = __reduce_ex__ = __format__ = __index__ = __call__ = _raise

        @property
        def __class__(self):
            raise KeyboardInterrupt

        def __getattr__(self, name: str) -> Any:
            raise RecursionError(name)

    class EvilMeta(type):
        """Hides even the name of its classes."""

        def __getattribute__(cls, name: str) -> Any:
            raise BaseException(name)

    class Hidden(metaclass=EvilMeta):
        """A class without a readable attribute."""

    class EvilArray(np.ndarray):
        """An array that lies about its shape."""

        @property
        def shape(self):
            raise ValueError

        def __array_finalize__(self, other: object) -> None:
            if other is None:
                raise ValueError

    class EvilText(str):
        """A string whose methods fail."""

        __str__ = __repr__ = __eq__ = __len__ = lambda *_: 1 / 0
        __hash__ = str.__hash__

    class EvilError(BaseException):
        """An exception that cannot be shown."""

        def __str__(self) -> str:
            raise RuntimeError("<script>")

        __repr__ = __str__

    return types.SimpleNamespace(**locals())


def endless() -> list:
    nested: list = []
    nested.append(nested)
    return nested


def raises(error: BaseException) -> Callable[..., Any]:
    def function(z):
        raise error

    return function


def forever_deep(z):
    return forever_deep(z)


def leave_a_mess(z):
    print("out", file=sys.stderr)
    print("in the way" * 1000)
    warnings.warn("look", stacklevel=1)
    warnings.simplefilter("error", DeprecationWarning)
    np.seterr(all="raise")
    np.set_printoptions(precision=1)
    sys.stdout = None
    return rows(z)


def break_builtins(z):
    for name in ("len", "isinstance", "type", "print", "sum", "open", "set", "dict", "tuple", "vars", "getattr"):
        setattr(builtins, name, None)
    builtins.surprise = 1
    return 3


def nasty_functions() -> list[Any]:
    """What a participant might hand in on a bad day."""
    evil = evil_classes()
    return [
        lambda z: evil.Evil(),
        lambda z: [evil.Evil(), {"a": evil.Evil()}],
        lambda z: {evil.Hidden: 1},
        lambda z: evil.Hidden(),
        lambda z: evil.Hidden,
        lambda z: np.zeros((2, 3)).view(evil.EvilArray),
        lambda z: evil.EvilText("a"),
        lambda z: {evil.EvilText("a"): 1},
        lambda z: endless(),
        lambda z: np.broadcast_to(1.0, (10**6, 10**6)),
        lambda z: [0.0] * 3_000_000,
        lambda z: 10**5000,
        lambda z: float("nan"),
        lambda z: np.array([1, "a", None], dtype=object),
        lambda z: np.array(3, dtype=object),
        lambda z: np.array(["2024-01-01"], dtype="datetime64[D]"),
        lambda z: np.zeros(2, dtype=[("a", float)]),
        lambda z: np.array(["\x1b[31m\n" * 9, "\ud800"]),
        lambda z: "two\nlines \x1b[31m and \ud800 " * 99,
        lambda z: np.matrix([[1.0]]),
        lambda z: np.ma.masked_all((2, 3)),
        lambda z: np.empty((0, 3)),
        lambda z: (i for i in range(3)),
        lambda z: iter([]),
        lambda z: NotImplemented,
        lambda z: ...,
        lambda z: np,
        lambda z: np.tanh,
        lambda z: b"bytes",
        lambda z: {1, 2},
        lambda z: np.random.default_rng(0),
        lambda z: np.float16(1e4) * np.ones((2, 3), dtype=np.float16),
        lambda z: 1j * rows(z),
        lambda z: sys.exit(),
        lambda z: input("?"),
        lambda z: exec("raise KeyboardInterrupt"),
        raises(evil.EvilError()),
        raises(ValueError("two\nlines at 0x7f00beef " + "x" * 999)),
        raises(GeneratorExit()),
        raises(MemoryError()),
        raises(StopIteration()),
        raises(ExceptionGroup("many", [ValueError(1)])),
        forever_deep,
        break_builtins,
        evil.Evil(),
        evil.Hidden,
        evil.EvilMeta,
        np.tanh,
        print,
        dict,
        type,
    ]


@pytest.mark.parametrize("which", range(len(nasty_functions())))
def test_a_nasty_function_gets_a_line_and_the_courses_function_goes_on(line: Line, which: int) -> None:
    function = nasty_functions()[which]
    before = dict(vars(builtins))
    said = line("99.2", function)
    assert "not right" in said
    assert len(said) < 900 and "0x7f" not in said
    assert vars(builtins) == before
    assert check("99.2", function) is find_exercise("99.2").reference


def test_a_function_that_leaves_a_mess_passes_and_the_mess_is_gone(line: Line) -> None:
    filters, options, errors = list(warnings.filters), np.get_printoptions(), np.geterr()
    stdout = sys.stdout
    assert line("99.2", leave_a_mess) == "99.2 passed: Rows that sum to one (5 cases)"
    assert sys.stdout is stdout
    assert (list(warnings.filters), np.get_printoptions(), np.geterr()) == (filters, options, errors)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text()
    | st.binary()
    | hnp.arrays(hnp.scalar_dtypes() | st.just(np.dtype(object)), hnp.array_shapes(min_dims=0, min_side=0)),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.integers() | st.text(), inner),
    max_leaves=6,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES, number=st.sampled_from(["99.1", "99.2", "99.3"]))
def test_whatever_a_function_returns_there_is_one_printable_line(line: Line, value: Any, number: str) -> None:
    assert " not right: " in line(number, lambda *_: value)
