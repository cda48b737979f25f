"""Values on their way into the sandbox and out of it: NumPy's npz format, written plainly and read with suspicion.

A message is a dict of plain values. On the way it is an uncompressed npz archive: `tree.npy` holds the structure as
JSON, and each array is a member of its own. `np.load` reads it.

The side that reads trusts nothing. The archive's directory is checked before anything is copied; members are stored,
never compressed, so that a few bytes cannot become many; only booleans, numbers and strings come through, never Python
objects or pickles; and every size must agree with the bytes that are there.

This file also runs inside the sandbox, next to `worker.py`, where there is no `dlcourse.grading`.
"""

from __future__ import annotations

import json
import math
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

if __package__:
    from dlcourse.checks.values import MAX_DEPTH, MAX_INT_BITS, Opaque
else:
    from values import MAX_DEPTH, MAX_INT_BITS, Opaque

TREE = "tree.npy"
LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
LOCAL_FORM, CENTRAL_FORM, END_FORM = "<4s5H3I2H", "<4s6H3I5H2I", "<4s4H2IH"
LOCAL_SIZE, CENTRAL_SIZE, END_SIZE = (struct.calcsize(form) for form in (LOCAL_FORM, CENTRAL_FORM, END_FORM))
DOS_DATE = 1 << 5 | 1  # 1 January 1980: the earliest that the format knows
HEADER = re.compile(
    rb"\{'descr': '([<|])(b1|[iu][1248]|f[248]|c8|c16|U\d{1,9})', 'fortran_order': False, "
    rb"'shape': \(((?:\d{1,18}, )*\d{0,18},?)\), \} *\n"
)
LONG_LIST = 16


class ExchangeError(ValueError):
    """What came out of the sandbox is not a message; the text says why in one sentence."""


@dataclass(frozen=True)
class Bounds:
    """How large a message may be.

    Args:
        size: bytes of the whole.
        members: arrays in one message.
        tree: bytes of its structure, strings included.
        nodes: values in its structure, arrays counting as one.
        dimensions: of one array.
    """

    size: int = 64 * 2**20
    members: int = 4096
    tree: int = 4 * 2**20
    nodes: int = 1_000_000
    dimensions: int = 32


@dataclass(frozen=True)
class Shipped:
    """Something that a case hands to a function and that is no plain value: rebuilt inside the sandbox.

    Args:
        kind: "function" (source text and name), "numpy" (a name in NumPy) or "generator" (bit generator and state).
        name: the function's name, the name in NumPy, or the bit generator's class.
        content: source text, or the state as a plain value.
    """

    kind: str
    name: str
    content: Any = None


def pack(message: dict[str, Any]) -> bytes:
    """A message as the bytes of an npz archive.

    Args:
        message: string keys; values None, booleans, numbers, strings, arrays of these, NumPy scalars, `Opaque`,
            `Shipped`, and lists, tuples and dicts of all that.

    Raises:
        TypeError: if a value cannot be sent.
        ValueError: if a value is too deeply nested, or too large for the format (4 GiB).

    Example:
        >>> unpack(pack({"kind": "call", "args": (np.eye(2), 0.5)}))["args"][0]
        array([[1., 0.],
               [0., 1.]])
    """
    arrays: list[np.ndarray] = []
    tree = json.dumps(_Packer(arrays).pack(message, 0), separators=(",", ":")).encode()
    arrays.insert(0, np.frombuffer(tree, np.uint8))
    return write_archive(arrays)


def unpack(
    data: bytes, bounds: Bounds | None = None, rebuild: Callable[[Shipped], Any] | None = None
) -> dict[str, Any]:
    """Reads what `pack` wrote, and nothing else.

    Args:
        data: bytes that anybody may have written.
        bounds: how large the message may be.
        rebuild: makes a value of what was shipped; None where nothing of the kind is welcome.

    Returns:
        The message: exact built-in types, base-class arrays in native byte order, NumPy scalars and `Opaque`.

    Raises:
        ExchangeError: if anything at all is not as `pack` would have written it.
    """
    bounds = bounds or Bounds()
    if len(data) > bounds.size:
        raise ExchangeError(f"a message of {len(data)} bytes, at most {bounds.size} are accepted")
    members = read_archive(memoryview(data).toreadonly(), bounds)
    if len(members[0]) > bounds.tree + 1024:
        raise ExchangeError(f"the structure takes {len(members[0])} bytes, at most {bounds.tree} are accepted")
    try:
        tree = json.loads(_read_array(members[0], bounds).tobytes().decode("utf-8"), object_pairs_hook=_no_objects)
    except (ValueError, RecursionError) as error:
        raise ExchangeError(f"the structure is not JSON that can be read: {type(error).__name__}") from None
    message = _Unpacker(members, bounds, rebuild).unpack(tree, 0)
    if type(message) is not dict or not all(type(key) is str for key in message):
        raise ExchangeError("the message is not a dict with names as keys")
    return message


@dataclass
class _Packer:
    arrays: list[np.ndarray]

    def pack(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH + 5:
            raise ValueError("a value too deeply nested to be sent")
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int:
            return value if value.bit_length() < 64 else ["int", str(value)]
        if kind is float:
            return value
        if kind is complex:
            return ["complex", value.real, value.imag]
        if kind is np.ndarray:
            return ["array", self._add(value)]
        if isinstance(value, np.generic):
            return ["scalar", self._add(np.asarray(value))]
        if kind is list or kind is tuple:
            return self._sequence(value, kind.__name__, depth)
        if kind is dict:
            pairs = [[self.pack(key, depth + 1), self.pack(entry, depth + 1)] for key, entry in value.items()]
            return ["dict", pairs]
        if kind is Opaque:
            return ["opaque", value.what]
        if kind is Shipped:
            return ["shipped", value.kind, value.name, self.pack(value.content, depth + 1)]
        raise TypeError(f"a {kind.__name__} cannot be sent to or from the sandbox")

    def _sequence(self, value: Any, name: str, depth: int) -> Any:
        if len(value) >= LONG_LIST:  # a long list of numbers is an array on the way
            kinds = set(map(type, value))
            if kinds == {float}:
                return [name + " of float", self._add(np.array(value, np.float64))]
            if kinds == {int} and min(value) >= -(2**63) and max(value) < 2**63:
                return [name + " of int", self._add(np.array(value, np.int64))]
        return [name, [self.pack(entry, depth + 1) for entry in value]]

    def _add(self, array: np.ndarray) -> int:
        kind, width = array.dtype.kind, array.dtype.itemsize
        if kind not in "biufcU":
            raise TypeError(f"an array of type {array.dtype.name} cannot be sent to or from the sandbox")
        if (kind == "f" and width > 8) or (kind == "c" and width > 16):  # wider than on other machines
            array = array.astype(np.float64 if kind == "f" else np.complex128)
        # Always C order and little-endian: one form to read.
        native = np.array(array, dtype=array.dtype.newbyteorder("<"), order="C", copy=True, subok=False)
        self.arrays.append(native)
        return len(self.arrays)


def write_archive(arrays: list[np.ndarray]) -> bytes:
    """Arrays as an npz archive, the first under the name of the structure."""
    parts, directory, offset = [], [], 0
    for index, array in enumerate(arrays):
        name = (f"array_{index}.npy" if index else TREE).encode()
        content = _npy_header(array) + array.tobytes()
        if offset + len(content) >= 2**32 - 1:
            raise ValueError("a message of more than 4 GiB")
        common = (20, 0, 0, 0, DOS_DATE, zlib.crc32(content), len(content), len(content), len(name), 0)
        parts += [struct.pack(LOCAL_FORM, LOCAL, *common), name, content]
        directory += [struct.pack(CENTRAL_FORM, CENTRAL, 20, *common, 0, 0, 0, 0, offset), name]
        offset += LOCAL_SIZE + len(name) + len(content)
    if len(arrays) >= 2**16 - 1:
        raise ValueError(f"a message of {len(arrays)} arrays")
    tail = b"".join(directory)
    end = struct.pack(END_FORM, END, 0, 0, len(arrays), len(arrays), len(tail), offset, 0)
    return b"".join([*parts, tail, end])


def _npy_header(array: np.ndarray) -> bytes:
    text = f"{{'descr': '{array.dtype.str}', 'fortran_order': False, 'shape': {array.shape}, }}".encode()
    padding = -(10 + len(text) + 1) % 64
    text += b" " * padding + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def read_archive(data: memoryview, bounds: Bounds) -> list[memoryview]:
    """The members' bytes, in order, of an archive in which every byte is where `write_archive` would have put it."""
    if len(data) < END_SIZE:
        raise ExchangeError("the message ends too early to be an archive")
    signature, *numbers = struct.unpack(END_FORM, data[-END_SIZE:])
    disk, start_disk, here, total, directory_size, directory, comment = numbers
    if signature != END or disk or start_disk or comment or here != total:
        raise ExchangeError("the message is not an archive as it is written here")
    if not 1 <= total <= bounds.members + 1:
        raise ExchangeError(f"a message of {total} members, at most {bounds.members + 1} are accepted")
    if directory + directory_size + END_SIZE != len(data):
        raise ExchangeError("the archive's directory is not where it says")
    members, offset, place = [], 0, directory
    for index in range(total):
        name = (f"array_{index}.npy" if index else TREE).encode()
        local_end, central_end = offset + LOCAL_SIZE + len(name), place + CENTRAL_SIZE + len(name)
        if local_end > directory or central_end > len(data) - END_SIZE:
            raise ExchangeError("the archive's directory does not fit its members")
        common = data[offset + 4 : offset + LOCAL_SIZE]
        _, flags, method, _, _, crc, packed, size, name_size, extra = struct.unpack("<5H3I2H", common)
        if flags or method or extra or packed != size or name_size != len(name):
            raise ExchangeError("a member is compressed, encrypted or not described as it is written here")
        if data[offset : offset + 4] != LOCAL or data[offset + LOCAL_SIZE : local_end] != name:
            raise ExchangeError("a member has a name or a place of its own")
        entry = CENTRAL + struct.pack("<H", 20) + bytes(common) + struct.pack("<3H2I", 0, 0, 0, 0, offset) + name
        if data[place:central_end] != entry:
            raise ExchangeError("the archive's directory and its members disagree")
        if local_end + size > directory:
            raise ExchangeError("a member is longer than the archive")
        content = data[local_end : local_end + size]
        if zlib.crc32(content) != crc:
            raise ExchangeError("a member's checksum is wrong")
        members.append(content)
        offset, place = local_end + size, central_end
    if offset != directory or place != len(data) - END_SIZE:
        raise ExchangeError("the archive holds bytes that belong to no member")
    return members


def _read_array(content: memoryview, bounds: Bounds) -> np.ndarray:
    if len(content) < 10 or bytes(content[:8]) != b"\x93NUMPY\x01\x00":
        raise ExchangeError("a member is not an array in NumPy's format 1.0")
    (header_size,) = struct.unpack("<H", content[8:10])
    if header_size > 1024 or 10 + header_size > len(content):
        raise ExchangeError("an array's header is too long")
    match = HEADER.fullmatch(bytes(content[10 : 10 + header_size]))
    if match is None:
        raise ExchangeError("an array is not of booleans, numbers or strings in plain order")
    order, code, sizes = (group.decode() for group in match.groups())
    shape = tuple(int(size) for size in sizes.split(",") if size.strip())
    if len(shape) > bounds.dimensions or any(size >= 2**31 for size in shape):
        raise ExchangeError(f"an array of {len(shape)} dimensions, or with one too long")
    raw = content[10 + header_size :]
    width = 4 * int(code[1:]) if code[0] == "U" else int(code[1:])
    if math.prod(shape) * width != len(raw):
        raise ExchangeError("an array's shape does not agree with the bytes that are there")
    try:
        array = np.ndarray(shape, np.dtype(order + code), raw).copy()
    except (ValueError, TypeError, MemoryError) as error:
        raise ExchangeError(f"an array that NumPy cannot hold: {type(error).__name__}") from None
    return _sound(array)


def _sound(array: np.ndarray) -> np.ndarray:
    """Without bytes that Python has no value for: a boolean is 0 or 1, a character is one that can be written."""
    if array.size and array.dtype.kind == "b" and array.view(np.uint8).max() > 1:
        raise ExchangeError("a boolean that is neither true nor false")
    if array.size and array.dtype.kind == "U" and array.dtype.itemsize:
        points = array.reshape(-1).view(np.uint32)
        if points.max() > 0x10FFFF:
            raise ExchangeError("a string with a character that does not exist")
        points[(points >= 0xD800) & (points < 0xE000)] = 0xFFFD
    return array


@dataclass
class _Unpacker:
    members: list[memoryview]
    bounds: Bounds
    rebuild: Callable[[Shipped], Any] | None
    nodes: int = 0
    used: set[int] = field(default_factory=set)

    def unpack(self, tree: Any, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > self.bounds.nodes or depth > MAX_DEPTH + 5:
            raise ExchangeError("the message is too deeply nested or has too many values")
        kind = type(tree)
        if tree is None or kind is bool or kind is float:
            return tree
        if kind is str:
            return _writable(tree)
        if kind is int:
            return _small(tree)
        if kind is not list or not tree or type(tree[0]) is not str:
            raise ExchangeError("a value of no known kind")
        return self._tagged(tree[0], tree[1:], depth)

    def _tagged(self, tag: str, rest: list[Any], depth: int) -> Any:
        match tag, rest:
            case "array", [int(index)]:
                return self._array(index)
            case "scalar", [int(index)]:
                return self._array(index, dimensions=0)[()]
            case "list" | "tuple", [list(entries)]:
                values = [self.unpack(entry, depth + 1) for entry in entries]
                return values if tag == "list" else tuple(values)
            case "list of float" | "tuple of float" | "list of int" | "tuple of int", [int(index)]:
                numbers = self._array(index, dimensions=1)
                if numbers.dtype != (np.float64 if tag.endswith("float") else np.int64):
                    raise ExchangeError("a list of numbers of another type than it says")
                values = numbers.tolist()
                return values if tag.startswith("list") else tuple(values)
            case "dict", [list(pairs)]:
                return self._dict(pairs, depth)
            case "complex", [float() | int(), float() | int()]:
                return complex(*rest)
            case "int", [str(digits)] if re.fullmatch(r"-?[0-9]{1,400}", digits):
                return _small(int(digits))
            case "opaque", [str(what)]:
                return Opaque(_writable(what)[:200])
            case "shipped", [str(kind), str(name), content] if self.rebuild is not None:
                return self.rebuild(Shipped(kind, name, self.unpack(content, depth + 1)))
        raise ExchangeError("a value of no known kind")

    def _dict(self, pairs: list[Any], depth: int) -> dict[Any, Any]:
        result = {}
        for pair in pairs:
            if type(pair) is not list or len(pair) != 2:
                raise ExchangeError("a dict whose entries are not pairs")
            key = self.unpack(pair[0], depth + 1)
            if not (key is None or isinstance(key, bool | int | float | str | np.generic)):
                raise ExchangeError("a dict whose keys are not names or numbers")
            result[key] = self.unpack(pair[1], depth + 1)
        return result

    def _array(self, index: int, dimensions: int | None = None) -> np.ndarray:
        # Each array is used once: else a few bytes would name the same large array a million times.
        if type(index) is not int or not 1 <= index < len(self.members) or index in self.used:
            raise ExchangeError("an array that is not there, or is used twice")
        self.used.add(index)
        array = _read_array(self.members[index], self.bounds)
        if dimensions is not None and array.ndim != dimensions:
            raise ExchangeError(f"an array of {array.ndim} dimensions where {dimensions} are expected")
        return array


def _small(number: int) -> int:
    if number.bit_length() > MAX_INT_BITS:
        raise ExchangeError(f"a whole number of {number.bit_length()} bits")
    return number


def _writable(text: str) -> str:
    """The text with halves of characters, which no file can hold, spelled out."""
    return text.encode("utf-8", "backslashreplace").decode()


def _no_objects(pairs: list[Any]) -> Any:
    raise ValueError("objects do not occur in a message")
