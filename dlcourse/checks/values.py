"""Snapshots: what a function returned, copied into plain values that can be compared and shown without surprises.

A participant's function may return anything, also objects whose `__eq__`, `__repr__` or `__array__` misbehave. A
snapshot touches such an object once, under the runner's time limit; afterwards only values of exact built-in types,
base-class NumPy arrays and `Opaque` markers are left.
"""

from __future__ import annotations

import contextlib
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Plain = Any
"""None, bool, int, float, complex, str, np.ndarray, list, tuple, dict of these, or Opaque."""

MAX_ENTRIES = 1_000_000
MAX_DEPTH = 20
MAX_INT_BITS = 1000


@dataclass(frozen=True)
class Opaque:
    """A value that cannot be compared.

    Args:
        what: What it is, for a message: "a generator", "a Widget object".
    """

    what: str


def snapshot(value: object, max_entries: int = MAX_ENTRIES) -> Plain:
    """Copy a value into plain, trusted types.

    Args:
        value: Anything.
        max_entries: Number of entries beyond which a value is not copied but becomes `Opaque`.

    Returns:
        Numbers, strings, booleans and None as exact built-in types; arrays, tensors and whatever has `__array__` as
        base-class arrays (copies; zero-dimensional ones as numbers); lists, tuples, dicts and dataclasses entry by
        entry; everything else as `Opaque`.

    Example:
        >>> snapshot((np.float64(2.0), [True, "a"], iter([])))
        (2.0, [True, 'a'], Opaque(what='a list_iterator object'))

    Used in: every lab, through `check`.
    """
    return _Copier(max_entries).copy(value, depth=0)


class _Copier:
    def __init__(self, max_entries: int) -> None:
        self.left = max_entries

    def copy(self, value: object, depth: int) -> Plain:
        # type() and the C-level subclass test cannot be fooled by an object's own __class__.
        kind = type(value)
        self.left -= 1
        if self.left < 0 or depth > MAX_DEPTH:
            return Opaque("a value too large or too deeply nested to compare")
        if value is None or kind is bool:
            return value
        for base, convert in _SCALARS:
            if issubclass(kind, base):
                return convert(value)
        if issubclass(kind, np.ndarray | np.generic):
            return self._array(np.asarray(value), depth)
        if issubclass(kind, list | tuple):
            base = list if issubclass(kind, list) else tuple
            if base.__len__(value) > self.left:
                return Opaque(f"a {base.__name__} of {base.__len__(value)} entries, too large to compare")
            return base([self.copy(entry, depth + 1) for entry in base.__iter__(value)])
        if issubclass(kind, dict):
            return self._dict(dict.items(value), depth)
        return self._other(value, kind, depth)

    def _dict(self, items: Any, depth: int) -> Plain:
        copied = {}
        for key, entry in items:
            if self.left < 0:
                return Opaque("a dict too large to compare")
            plain_key = self.copy(key, depth + 1)
            if not isinstance(plain_key, str | int | float | bool | None):
                return Opaque("a dict whose keys are not strings or numbers")
            copied[plain_key] = self.copy(entry, depth + 1)
        return copied

    def _array(self, array: np.ndarray, depth: int) -> Plain:
        if array.size > self.left:
            return Opaque(f"an array of shape {array.shape}, too large to compare")
        self.left -= array.size
        if array.dtype.kind == "V" and array.dtype.names is None and array.dtype.itemsize <= 2:
            array = array.astype(np.float64)  # bfloat16 and the 8-bit floats that TensorFlow brings
        if array.dtype.kind == "O":
            if array.ndim == 0:
                return self.copy(array.item(), depth + 1)
            return Opaque(f"an array of Python objects of shape {array.shape}")
        if array.dtype.kind not in "biufcU":
            return Opaque(f"an array of type {array.dtype.name} and shape {array.shape}")
        if array.ndim == 0:
            scalar_type = {"b": bool, "i": int, "u": int, "f": float, "c": complex, "U": str}[array.dtype.kind]
            return scalar_type(array[()])
        return np.array(array, copy=True, subok=False)

    def _other(self, value: Any, kind: type, depth: int) -> Plain:
        for special, what in _NAMED:
            if issubclass(kind, special):
                if special is types.CoroutineType:
                    with contextlib.suppress(BaseException):
                        value.close()  # else Python warns, much later, that nobody awaited it
                return Opaque(what)
        try:
            fields = getattr(kind, "__dataclass_fields__", None)
            if type(fields) is dict:
                return self._dict([(name, getattr(value, name)) for name in fields], depth)
            # Some frameworks answer every attribute of an instance, so the class is asked.
            if getattr(kind, "__array__", None) is not None:
                return self._array(np.asarray(value), depth)
        except BaseException:
            return Opaque(f"a {class_name(kind)} object that NumPy cannot read")
        return Opaque(f"a {class_name(kind)} object")


def _int(value: int) -> Plain:
    exact = int.__int__(value)
    bits = exact.bit_length()
    return exact if bits <= MAX_INT_BITS else Opaque(f"a whole number of {bits} bits")


def _complex(value: complex) -> complex:
    return complex(complex.real.__get__(value), complex.imag.__get__(value))


_SCALARS: tuple[tuple[type, Callable[[Any], Plain]], ...] = (
    # np.float64 is a float and np.complex128 a complex: they come out as Python's own.
    (int, _int),
    (float, float.__float__),
    (complex, _complex),
    (str, str.__str__),
)

_NAMED: tuple[tuple[type, str], ...] = (
    (types.GeneratorType, "a generator"),
    (types.CoroutineType, "a coroutine"),
    (types.ModuleType, "a module"),
    (types.FunctionType, "a function"),
    (types.BuiltinFunctionType, "a function"),
    (types.MethodType, "a method"),
    (np.ufunc, "a function"),
    (np.random.Generator, "a random generator"),
    (type, "a class"),
)


def class_name(kind: type) -> str:
    """A class's name, even where its metaclass hides it.

    Args:
        kind: The class.

    Returns:
        At most 60 printable ASCII characters.

    Example:
        >>> class_name(type(range(3)))
        'range'

    Used in: every lab, through `check`.
    """
    name = ascii(type.__dict__["__name__"].__get__(kind))[1:-1]
    return name if len(name) <= 60 else name[:57] + "..."


def has_opaque(value: Plain) -> bool:
    """Whether a snapshot holds anything that cannot be compared.

    Args:
        value: A snapshot.

    Example:
        >>> has_opaque(snapshot([1, len]))
        True

    Used in: the test of every lab, through `validate`.
    """
    if isinstance(value, dict):
        return any(has_opaque(entry) for entry in value.values())
    if isinstance(value, list | tuple):
        return any(has_opaque(entry) for entry in value)
    return isinstance(value, Opaque)


def numeric_leaves(value: Plain) -> Iterator[np.ndarray]:
    """The numbers and numeric arrays of a snapshot, from left to right, as arrays.

    Args:
        value: A snapshot.

    Yields:
        Arrays of any shape; strings, None and `Opaque` are passed over.

    Example:
        >>> [leaf.shape for leaf in numeric_leaves((1.0, "a", [np.zeros(3)]))]
        [(), (3,)]

    Used in: every lab, through `check`.
    """
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for entry in value:
            yield from numeric_leaves(entry)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        yield np.asarray(float(value))
    elif isinstance(value, bool | int | float | complex) or (isinstance(value, np.ndarray) and value.dtype.kind != "U"):
        yield np.asarray(value)
