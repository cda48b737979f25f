"""What comes out of a sandbox is read with suspicion: nothing but plain values, never more than there is."""

from __future__ import annotations

import io
import json
import math
import os
import pickle
import threading
import time
import zipfile
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dlcourse.checks.catalog import exercises, labs
from dlcourse.checks.judging import draw_cases
from dlcourse.checks.values import Opaque
from dlcourse.grading.sandboxes.desk import identical, rebuild
from dlcourse.grading.sandboxes.exchange import Bounds, ExchangeError, pack, unpack, write_archive
from dlcourse.grading.sandboxes.frames import (
    DeadlineError,
    EndOfPipeError,
    TooLongError,
    has_bytes,
    read_frame,
    write_frame,
)
from dlcourse.grading.sandboxes.shipping import ship

DTYPES = ("?", "i1", "u2", "i4", "u8", "f2", ">f4", "f8", "c8", "c16", "U3")
arrays = hnp.arrays(st.sampled_from(DTYPES), hnp.array_shapes(min_dims=0, min_side=0, max_side=4))
texts = st.text(st.characters(codec="utf-8"), max_size=20)
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(2**900), 2**900), st.floats(), st.complex_numbers(), texts)
values = st.recursive(
    st.one_of(scalars, arrays, st.builds(Opaque, texts)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(texts, st.integers(), st.none()), inner, max_size=3),
        st.lists(st.floats(), min_size=16, max_size=20),
        st.lists(st.integers(-(2**65), 2**65), min_size=16, max_size=20),
    ),
    max_leaves=8,
)


def forged(tree: Any, *others: np.ndarray) -> bytes:
    """A message whose structure is anything that JSON can say."""
    text = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    return write_archive([np.frombuffer(text, np.uint8), *others])


def with_array_bytes(content: bytes) -> bytes:
    """A message with one array, of which the member's bytes are these."""

    class Member:
        shape, dtype = (), np.dtype("u1")

        def tobytes(self) -> bytes:
            return b""

    import dlcourse.grading.sandboxes.exchange as exchange

    original = exchange._npy_header
    try:
        exchange._npy_header = lambda array: content if isinstance(array, Member) else original(array)
        tree = np.frombuffer(json.dumps(["dict", [["x", ["array", 1]]]]).encode(), np.uint8)
        return write_archive([tree, Member()])
    finally:
        exchange._npy_header = original


def npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


class TestRoundTrip:
    @given(values)
    @settings(max_examples=50, deadline=None)
    def test_every_plain_value_comes_back_to_the_last_bit(self, value: Any) -> None:
        back = unpack(pack({"value": value}))["value"]
        assert identical(native(value), back)

    def test_numpy_itself_reads_what_is_written(self) -> None:
        array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
        data = pack({"kind": "call", "args": (array, "text")})
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            np.testing.assert_array_equal(archive["array_1"], array)
            assert b'"text"' in archive["tree"].tobytes()
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
            assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}

    def test_numpy_scalars_keep_their_type(self) -> None:
        back = unpack(pack({"x": np.float32(0.1)}))["x"]
        assert type(back) is np.float32 and back == np.float32(0.1)

    def test_numbers_wider_than_double_go_as_double(self) -> None:
        back = unpack(pack({"x": np.ones(2, np.longdouble), "y": np.clongdouble(2j)}))
        assert back["x"].dtype == np.float64 and back["y"] == 2j

    def test_a_subclass_of_an_array_or_an_object_cannot_be_sent(self) -> None:
        for value in (np.ma.array([1.0]), np.array([object()]), object(), {1}):
            with pytest.raises(TypeError, match="cannot be sent"):
                pack({"x": value})


def native(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.astype(value.dtype.newbyteorder("="))
    if isinstance(value, list | tuple):
        return type(value)(map(native, value))
    return {key: native(entry) for key, entry in value.items()} if isinstance(value, dict) else value


class TestHostileMessages:
    @given(st.data())
    @settings(max_examples=120, deadline=None)
    def test_damaged_bytes_are_an_error_or_plain_values_and_nothing_else(self, data: st.DataObject) -> None:
        good = pack({"value": [np.arange(3.0), {"a": 1.5}, ["x"] * 3, [0.5] * 16], "kind": "returned"})
        damaged = bytearray(good)
        for _ in range(data.draw(st.integers(1, 4))):
            damaged[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
        cut = data.draw(st.integers(0, len(good)))
        for candidate in (bytes(damaged), good[:cut], good[cut:], good + good[cut:]):
            try:
                message = unpack(candidate)
            except ExchangeError:
                continue
            assert type(message) is dict

    @given(st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()), st.lists))
    @settings(max_examples=60, deadline=None)
    def test_any_structure_is_an_error_or_plain_values(self, tree: Any) -> None:
        tags = ("array", "list", "dict", "int", "complex", "list of float", "opaque", "shipped")
        for tag in tags:
            if (tag, tree) != ("dict", []):  # an empty message is one
                with pytest.raises(ExchangeError):
                    unpack(forged([tag, tree], np.arange(3.0)))

    @pytest.mark.parametrize(
        "content",
        [
            npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", pickle.dumps([1])),
            npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", bytes(8)),
            npy("{'descr': '|V8', 'fortran_order': False, 'shape': (1,), }", bytes(8)),
            npy("{'descr': '<M8[s]', 'fortran_order': False, 'shape': (1,), }", bytes(8)),
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1250000000,), }", bytes(8)),
            npy(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({10**17}, {10**17}), }}"),
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }", bytes(8)),
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", bytes(16)),
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 9999999999), }"),
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (" + "1, " * 40 + "), }", bytes(8)),
            npy("{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }", bytes(16)),
            npy("__import__('os').getpid()"),
            npy("{'descr': '|b1', 'fortran_order': False, 'shape': (1,), }", b"\x02"),
            npy("{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }", b"\xff\xff\xff\xff"),
            npy("(" * 5000),
            pickle.dumps(np.zeros(3)),
            b"",
        ],
    )
    def test_an_array_that_is_no_plain_array_is_refused(self, content: bytes) -> None:
        with pytest.raises(ExchangeError):
            unpack(with_array_bytes(content))

    def test_the_forging_helper_forges_what_would_be_accepted_if_it_were_right(self) -> None:
        good = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", np.float64(2.5).tobytes())
        np.testing.assert_array_equal(unpack(with_array_bytes(good))["x"], [2.5])

    def test_compressed_archives_are_refused_before_they_are_inflated(self) -> None:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, tree=np.zeros(2**22))
        with pytest.raises(ExchangeError):
            unpack(buffer.getvalue())

    def test_a_member_that_says_it_is_compressed_is_refused_even_if_all_sizes_agree(self) -> None:
        data = bytearray(pack({"x": 1}))
        directory = int.from_bytes(data[-6:-2], "little")
        data[8] = data[directory + 10] = zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.infolist()[0].compress_type == zipfile.ZIP_DEFLATED
        with pytest.raises(ExchangeError, match="compressed"):
            unpack(bytes(data))

    def test_a_pickle_or_a_plain_text_is_refused(self) -> None:
        for data in (
            pickle.dumps({"kind": "returned"}),
            b'{"kind": "returned", "value": 3}' * 3,
            b"PK\x05\x06" + bytes(18),
        ):
            with pytest.raises(ExchangeError):
                unpack(data)

    def test_one_large_array_cannot_be_named_a_thousand_times(self) -> None:
        tree = ["dict", [["x", ["list", [["array", 1]] * 1000]]]]
        with pytest.raises(ExchangeError, match="used twice"):
            unpack(forged(tree, np.zeros(1000)))

    @pytest.mark.parametrize(
        "text",
        [
            b"[" * 100_000,
            b'{"a": 1}',
            b'["dict", [["x", ["int", "' + b"9" * 401 + b'"]]]]',
            b'["dict", [["x", ' + b"9" * 5000 + b"]]]",
            b'["dict", [["x", ' + b"9" * 400 + b"]]]",
            b'["dict", [[["list", []], 1]]]',
            b'["dict", [[1, 1]]]',
            b'["dict", [["x", ["shipped", "function", "f", "def f(): pass"]]]]',
            b'["list", []]',
            b"\xff\xfe",
            b"",
        ],
    )
    def test_a_structure_that_is_not_a_message_is_refused(self, text: bytes) -> None:
        with pytest.raises(ExchangeError):
            unpack(forged(text))

    def test_nesting_size_members_and_values_are_bounded(self) -> None:
        nested: Any = ["list", []]
        for _ in range(30):
            nested = ["list", [nested]]
        with pytest.raises(ExchangeError, match="nested"):
            unpack(forged(["dict", [["x", nested]]]))
        data = pack({"x": ["a"] * 200, "y": [np.zeros(2)] * 5})
        for bounds in (Bounds(size=len(data) - 1), Bounds(members=4), Bounds(nodes=100), Bounds(tree=-1000)):
            with pytest.raises(ExchangeError):
                unpack(data, bounds)
        assert unpack(data)

    def test_halves_of_characters_become_something_that_a_report_can_hold(self) -> None:
        message = unpack(forged(["dict", [["x", "\ud800"], ["y", ["array", 1]]]], np.array(["a\ud800"])))
        assert message["x"] == "\\ud800" and message["y"][0] == "a\ufffd"


class TestFrames:
    def test_a_trickle_does_not_move_the_deadline(self) -> None:
        out, into = os.pipe()
        os.set_blocking(out, False)
        enough = threading.Event()

        def trickle() -> None:
            os.write(into, (10**6).to_bytes(8, "little"))
            for _ in range(500):
                if enough.wait(0.01):
                    return
                os.write(into, b"x")
            os.close(into)

        writer = threading.Thread(target=trickle)
        writer.start()
        with pytest.raises(DeadlineError):  # and not the end of the pipe, which is seconds away
            read_frame(out, time.monotonic() + 0.1, 10**6)
        enough.set()
        writer.join()

    def test_a_long_frame_is_refused_by_its_first_eight_bytes(self) -> None:
        out, into = os.pipe()
        os.write(into, (10 * 2**30).to_bytes(8, "little"))
        with pytest.raises(TooLongError, match="10737418240 bytes"):
            read_frame(out, time.monotonic() + 1, 2**20)

    def test_who_does_not_read_does_not_block_the_writer(self) -> None:
        _out, into = os.pipe()
        os.set_blocking(into, False)
        with pytest.raises(DeadlineError):
            write_frame(into, bytes(10 * 2**20), time.monotonic() + 0.05)

    def test_the_other_side_gone_is_noticed(self) -> None:
        out, into = os.pipe()
        os.write(into, b"123")
        os.close(into)
        with pytest.raises(EndOfPipeError):
            read_frame(out, time.monotonic() + 1, 100)
        out, into = os.pipe()
        os.close(out)
        with pytest.raises(EndOfPipeError):
            write_frame(into, b"x", time.monotonic() + 1)

    def test_a_frame_arrives_whole(self) -> None:
        out, into = os.pipe()
        assert not has_bytes(out)
        write_frame(into, b"hello", None)
        assert has_bytes(out)
        assert read_frame(out, time.monotonic() + 1, 5) == b"hello"


class TestShipping:
    def test_every_input_of_every_exercise_can_be_sent(self) -> None:
        functions = 0
        for exercise in (exercise for lab in labs() for exercise in exercises(lab)):
            for case in draw_cases(exercise):
                sent = unpack(pack({"args": ship(case.args), "kwargs": ship(dict(case.kwargs))}), Bounds(), rebuild)
                assert len(sent["args"]) == len(case.args)
                for original, copy in zip(case.args, sent["args"], strict=True):
                    if callable(original):
                        functions += 1
                        x = np.array([0.3, 1.2, -0.4])
                        np.testing.assert_array_equal(original(x), copy(x))
        assert functions > 5

    def test_a_generator_goes_on_with_the_same_numbers(self) -> None:
        rng = np.random.default_rng(3)
        rng.normal()
        copy = unpack(pack({"rng": ship(rng)}), Bounds(), rebuild)["rng"]
        np.testing.assert_array_equal(rng.normal(size=5), copy.normal(size=5))

    def test_a_function_that_needs_its_surroundings_is_refused(self) -> None:
        for function in (lambda x: x, native, lambda x: math.sin(x)):
            with pytest.raises(TypeError, match="cannot be sent into the sandbox"):
                ship(function)
