from __future__ import annotations

import gzip
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dlcourse.datasets import read_idx

ToIdx = Callable[[np.ndarray], bytes]
TYPES = ["uint8", "int8", "int16", "int32", "float32", "float64"]
IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


def write(folder: Path, content: bytes, packed: bool = True) -> Path:
    path = folder / "sample-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(content, compresslevel=1, mtime=0) if packed else content)
    return path


@given(data=st.data(), name=st.sampled_from(TYPES))
@settings(max_examples=60, deadline=None)
def test_every_array_comes_back_as_it_was_written(data: st.DataObject, name: str, to_idx: ToIdx) -> None:
    shapes = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5)
    array = data.draw(hnp.arrays(np.dtype(name), shapes))
    with tempfile.TemporaryDirectory() as folder:
        found = read_idx(write(Path(folder), to_idx(array)))
    assert found.dtype == array.dtype and found.dtype.isnative
    np.testing.assert_array_equal(found, array)


def test_the_header_of_the_published_format_is_understood(tmp_path: Path) -> None:
    # Written out by hand from the format's description, so that a mistake in the tests' writer cannot hide one here.
    content = bytes.fromhex("00000c02 00000001 00000002 00000102 ffffffff")
    found = read_idx(write(tmp_path, content))
    np.testing.assert_array_equal(found, [[258, -1]])


@pytest.mark.parametrize("keep", [0, 3, 4, 15, 16, 39])
def test_a_truncated_array_is_named_with_what_was_found_and_expected(tmp_path: Path, to_idx: ToIdx, keep: int) -> None:
    path = write(tmp_path, to_idx(IMAGES)[:keep])
    with pytest.raises(ValueError, match=r"is truncated: .* takes \d+ bytes, found only \d+") as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


@given(cut=st.integers(1, 40))
@settings(max_examples=25, deadline=None)
def test_a_gzip_file_cut_short_is_a_value_error(cut: int, to_idx: ToIdx) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), to_idx(IMAGES))
        path.write_bytes(path.read_bytes()[:-cut])
        with pytest.raises(ValueError, match=r"damaged gzip file|is truncated|not a gzip file"):
            read_idx(path)


def test_a_flipped_byte_is_caught_by_the_checksum_of_gzip(tmp_path: Path, to_idx: ToIdx) -> None:
    path = write(tmp_path, to_idx(IMAGES))
    content = bytearray(path.read_bytes())
    content[-6] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged gzip file"):
        read_idx(path)


def test_a_damaged_header_that_announces_terabytes_ends_with_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, bytes.fromhex("00000803 ffffffff ffffffff ffffffff") + b"\0" * 10)
    with pytest.raises(ValueError, match="found only 10"):
        read_idx(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04zip", "not a gzip file: it starts with the bytes 50 4b, expected 1f 8b"),
        (b"", "not a gzip file: it starts with nothing: it is empty"),
    ],
)
def test_a_file_that_is_not_gzip_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = write(tmp_path, content, packed=False)
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("01000803", "magic number is 01 00 08 03, expected 00 00"),
        ("00000800", "magic number is 00 00 08 00, expected 00 00"),
        ("00000a01", r"unknown IDX number type 0a, expected one of 08 \(uint8\)"),
    ],
)
def test_a_wrong_start_is_named_with_what_was_found_and_expected(tmp_path: Path, header: str, message: str) -> None:
    path = write(tmp_path, bytes.fromhex(header) + b"\0" * 20)
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_bytes_after_the_array_are_an_error(tmp_path: Path, to_idx: ToIdx) -> None:
    path = write(tmp_path, to_idx(IMAGES) + b"abc")
    with pytest.raises(ValueError, match=r"has 3 bytes after the array of shape \(2, 3, 4\)"):
        read_idx(path)


def test_a_missing_file_is_a_file_not_found_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "nothing.gz")
