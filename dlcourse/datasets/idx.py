"""The IDX format, in which MNIST is published: a short header, then the numbers of one array.

two zero bytes | one byte: type of the numbers | one byte: number of dimensions
one big-endian 32-bit integer for the length of each dimension
the numbers, big-endian, last dimension fastest
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

_TYPES: dict[int, np.dtype] = {
    0x08: np.dtype("u1"),
    0x09: np.dtype("i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
_GZIP_MAGIC = b"\x1f\x8b"
_BLOCK = 1 << 20


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """Read one array from a gzip-compressed IDX file.

    Args:
        path: a `.gz` file as published with MNIST.

    Returns:
        The array, in the shape that the header gives and in the machine's own byte order: uint8, int8, int16, int32,
        float32 or float64, as the file says. MNIST images are uint8 of shape (n, 28, 28), labels uint8 of shape (n,).

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when the file is not gzip, is damaged, does not start like IDX, has an unknown number type, or holds
            fewer or more bytes than its header announces. The message names the file, what was found and what was
            expected.

    Example:
        >>> import gzip, tempfile
        >>> header = bytes([0, 0, 0x08, 2]) + (2).to_bytes(4, "big") + (3).to_bytes(4, "big")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "tiny.gz")
        ...     _ = path.write_bytes(gzip.compress(header + bytes(range(6))))
        ...     read_idx(path)
        array([[0, 1, 2],
               [3, 4, 5]], dtype=uint8)

    Used in: Lab 02

    Reference: Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database (file formats); lecture 004, "TEST - MNIST".
    """
    path = Path(path)
    with path.open("rb") as raw:
        start = raw.read(2)
    if start != _GZIP_MAGIC:
        found = f"the bytes {start.hex(' ')}" if start else "nothing: it is empty"
        raise ValueError(
            f"{path} is not a gzip file: it starts with {found}, expected {_GZIP_MAGIC.hex(' ')}. "
            "Download it again; if it was unpacked, `gzip FILE` packs it."
        )
    try:
        with gzip.open(path, "rb") as stream:
            return _parse(stream, path)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path} is a damaged gzip file ({error}), expected a complete one. "
            "Most likely a download was cut short: remove it and download it again."
        ) from error


def _parse(stream: BinaryIO, path: Path) -> np.ndarray:
    magic = _read_exactly(stream, 4, path, "the magic number")
    if magic[:2] != b"\x00\x00" or magic[3] == 0:
        raise ValueError(
            f"{path} is not an IDX file: its magic number is {magic.hex(' ')}, expected 00 00, a number type and the "
            "number of dimensions (00 00 08 03 for MNIST images, 00 00 08 01 for its labels)."
        )
    if magic[2] not in _TYPES:
        known = ", ".join(f"{code:02x} ({dtype.name})" for code, dtype in _TYPES.items())
        raise ValueError(f"{path} has the unknown IDX number type {magic[2]:02x}, expected one of {known}.")
    dtype, dimensions = _TYPES[magic[2]], magic[3]
    lengths = np.frombuffer(_read_exactly(stream, 4 * dimensions, path, "the lengths of its dimensions"), dtype=">u4")
    shape = tuple(int(length) for length in lengths)
    numbers = _read_exactly(stream, math.prod(shape) * dtype.itemsize, path, f"an array of shape {shape}")
    extra = sum(map(len, iter(lambda: stream.read(_BLOCK), b"")))
    if extra:
        raise ValueError(
            f"{path} has {extra} bytes after the array of shape {shape} that its header announces, expected none."
        )
    return np.frombuffer(numbers, dtype=dtype).reshape(shape).astype(dtype.newbyteorder("="))


def _read_exactly(stream: BinaryIO, count: int, path: Path, what: str) -> bytes:
    # In blocks: a damaged header may announce terabytes, and reading must end with the file, not with the memory.
    blocks, missing = [], count
    while missing and (block := stream.read(min(missing, _BLOCK))):
        blocks.append(block)
        missing -= len(block)
    if missing:
        raise ValueError(f"{path} is truncated: {what} takes {count} bytes, found only {count - missing}.")
    return b"".join(blocks)
