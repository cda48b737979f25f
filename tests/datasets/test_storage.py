from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from dlcourse.datasets import DataFile, data_directory, status, verify

GOOD = gzip.compress(b"the right bytes" * 50, mtime=0)
AGAIN = gzip.compress(b"the right bytes" * 50, compresslevel=1, mtime=1)
SAME_SIZE = GOOD[:-1] + bytes([GOOD[-1] ^ 1])
Register = Callable[..., DataFile]


@pytest.mark.parametrize(
    ("content", "quick", "thorough", "words"),
    [
        (None, "missing", "missing", "not on this machine"),
        (GOOD, "present", "ok", "1 of 1 files present, checksums right"),
        (AGAIN, "present", "ok", "1 of 1 files present, checksums right"),
        (SAME_SIZE, "present", "wrong", "wrong checksum: demo.gz"),
        (b"", "wrong", "wrong", "wrong checksum: demo.gz"),
    ],
)
@pytest.mark.parametrize("place", [0, 1])
def test_status_looks_at_sizes_and_verify_at_contents(
    places: tuple[Path, Path],
    register: Register,
    content: bytes | None,
    quick: str,
    thorough: str,
    words: str,
    place: int,
) -> None:
    register(GOOD, ("https://example.org/demo.gz",))
    path = places[place] / "demo.gz"
    if content is not None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    assert status("demo").state == quick
    found = verify("demo")
    assert found.state == thorough
    assert found.summary == words
    if content is not None:
        assert found.files[0].path == path
        assert found.files[0].size == len(content)


def test_a_file_packed_again_is_reported_as_such(places: tuple[Path, Path], register: Register) -> None:
    register(GOOD, ("https://example.org/demo.gz",))
    (places[0] / "demo.gz").write_bytes(AGAIN)
    assert "packed again" in verify("demo").files[0].detail
    assert f"instead of {len(GOOD)}" in status("demo").files[0].detail


def test_a_file_without_content_checksum_must_have_the_size(places: tuple[Path, Path], register: Register) -> None:
    register(b"plain text", ("https://example.org/demo.txt",), name="demo.txt")
    (places[0] / "demo.txt").write_bytes(b"plain text and more")
    assert status("demo").state == "wrong"
    assert status("demo").files[0].detail == "19 bytes, expected 10"


def test_some_files_of_several_is_partial(places: tuple[Path, Path]) -> None:
    (places[0] / "t10k-labels-idx1-ubyte.gz").write_bytes(b"\0" * 4542)
    assert status("mnist").state == "partial"
    assert status("mnist").summary == "1 of 4 files present"
    assert verify("mnist").state == "wrong"


def test_what_ships_with_a_library_is_always_there(places: tuple[Path, Path]) -> None:
    for name in ("iris", "digits"):
        assert verify(name).state == "ok"
        assert verify(name).summary == "ships with scikit-learn"


def test_the_home_folder_may_be_written_as_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLCOURSE_DATA_DIR", "~/data")
    assert data_directory() == Path.home() / "data"


@pytest.mark.parametrize("ask", [status, verify])
def test_an_unknown_data_set_is_an_error(ask: Callable[[str], object]) -> None:
    with pytest.raises(ValueError, match="Did you mean mnist"):
        ask("minst")
