from __future__ import annotations

import errno
import gzip
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pooch
import pytest

from dlcourse.datasets import DataCorruptError, DataFile, DataNotFoundError, fetch, fetch_dataset, find_local
from dlcourse.datasets import download as download_module

Places = tuple[Path, Path]
Register = Callable[..., DataFile]
GOOD = gzip.compress(b"the right bytes" * 50, mtime=0)
OTHER = gzip.compress(b"other bytes" * 50, mtime=0)


def dead_url() -> str:
    """An address on this machine where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/demo.gz"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_download_lands_in_the_cache_alone_and_whole(places: Places, mirror, register: Register) -> None:
    mirror.pages["/demo.gz"] = GOOD
    register(GOOD, (mirror.url("/demo.gz"),))
    path = fetch("demo.gz")
    assert path == places[1] / "demo.gz"
    assert path.read_bytes() == GOOD
    assert names_in(places[1]) == ["demo.gz"]
    assert fetch_dataset("demo") == (path,)
    assert mirror.asked == ["/demo.gz"], "a second fetch must not ask the mirror again"


@pytest.mark.parametrize(
    ("path", "page"),
    [("/gone", 404), ("/broken", 503), ("/wrong", OTHER), ("/cut", GOOD[:20]), ("/empty", b""), ("/endless", GOOD * 9)],
)
def test_a_mirror_that_fails_is_followed_by_the_next(places: Places, mirror, register: Register, path, page) -> None:
    mirror.pages |= {path: page, "/good": GOOD}
    register(GOOD, (dead_url(), mirror.url(path), mirror.url("/good")))
    assert fetch("demo.gz").read_bytes() == GOOD
    assert mirror.asked == [path, "/good"]
    assert names_in(places[1]) == ["demo.gz"]


def test_wrong_bytes_everywhere_leave_nothing_and_say_why_for_each(places: Places, mirror, register: Register) -> None:
    mirror.pages |= {"/wrong": OTHER, "/cut": GOOD[:20], "/endless": GOOD * 9, "/broken": 503}
    reasons = {
        mirror.url("/wrong"): "sent other bytes (wrong sha256)",
        mirror.url("/cut"): "the connection broke off",
        mirror.url("/endless"): f"sent more than the expected {len(GOOD)} bytes",
        mirror.url("/broken"): "answered HTTP 503",
        dead_url(): "no connection",
        "nonsense": "MissingSchema",
    }
    register(GOOD, tuple(reasons))
    with pytest.raises(DataNotFoundError) as caught:
        fetch("demo.gz")
    for url, reason in reasons.items():
        assert f"  {url}: {reason}" in str(caught.value)
    assert names_in(places[1]) == []


def test_offline_the_error_names_the_file_the_places_and_the_two_ways_on(places: Places, register: Register) -> None:
    data, cache = places
    register(GOOD, (dead_url(),))
    with pytest.raises(FileNotFoundError) as caught:
        fetch("demo.gz")
    message = str(caught.value)
    assert message.startswith(f"The data file demo.gz ({len(GOOD)} bytes, data set demo)")
    assert f"DLCOURSE_DATA_DIR: {data} (no such file in it)" in message
    assert f"the cache: {cache} (no such file in it)" in message
    assert "set DLCOURSE_DATA_DIR to that folder" in message
    assert "`dlcourse data fetch demo`" in message


@pytest.mark.parametrize(("value", "said"), [("", "not set"), ("/no/such/folder", "/no/such/folder (no such folder)")])
def test_offline_the_error_says_when_there_is_no_data_directory(
    places: Places, register: Register, monkeypatch: pytest.MonkeyPatch, value: str, said: str
) -> None:
    monkeypatch.setenv("DLCOURSE_DATA_DIR", value)
    register(GOOD, (dead_url(),))
    with pytest.raises(DataNotFoundError, match=f"DLCOURSE_DATA_DIR: {said.replace('(', '.').replace(')', '.')}"):
        fetch("demo.gz")


def test_the_data_directory_comes_before_the_cache_and_the_network(places: Places, mirror, register: Register) -> None:
    data, cache = places
    cache.mkdir()
    register(GOOD, (mirror.url("/demo.gz"),))
    (cache / "demo.gz").write_bytes(GOOD)
    assert fetch("demo.gz") == cache / "demo.gz"
    (data / "demo.gz").write_bytes(GOOD)
    assert fetch("demo.gz") == data / "demo.gz"
    assert mirror.asked == []


def test_a_file_that_was_packed_again_is_accepted_for_its_content(places: Places, register: Register) -> None:
    file = register(GOOD, (dead_url(),))
    again = gzip.compress(gzip.decompress(GOOD), compresslevel=1, mtime=1)
    assert again != GOOD and file.content_sha256 is not None
    (places[0] / "demo.gz").write_bytes(again)
    assert fetch("demo.gz") == places[0] / "demo.gz"


def test_a_wrong_file_in_the_data_directory_is_named_and_left_alone(places: Places, mirror, register: Register) -> None:
    mirror.pages["/demo.gz"] = GOOD
    register(GOOD, (mirror.url("/demo.gz"),))
    path = places[0] / "demo.gz"
    for content in (OTHER, b"not even gzip", GOOD[:-3]):
        path.write_bytes(content)
        with pytest.raises(DataCorruptError, match=r"its sha256 is [0-9a-f]{12}..., expected") as caught:
            fetch("demo.gz")
        assert str(path) in str(caught.value)
        assert path.read_bytes() == content
    assert mirror.asked == []


def test_a_damaged_file_in_the_cache_is_replaced(places: Places, mirror, register: Register) -> None:
    mirror.pages["/demo.gz"] = GOOD
    register(GOOD, (mirror.url("/demo.gz"),))
    places[1].mkdir()
    (places[1] / "demo.gz").write_bytes(GOOD[:-1])
    assert find_local("demo.gz") is None
    assert fetch("demo.gz").read_bytes() == GOOD


def test_a_damaged_file_in_the_cache_is_named_when_no_mirror_can_replace_it(places: Places, register: Register) -> None:
    register(GOOD, (dead_url(),))
    places[1].mkdir()
    (places[1] / "demo.gz").write_bytes(OTHER)
    with pytest.raises(DataNotFoundError, match=r"cache: .* \(damaged, its sha256 is"):
        fetch("demo.gz")


def test_an_interrupted_download_leaves_nothing(
    places: Places, mirror, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_half_way(self, url, output_file, _pooch, check_only=False):
        Path(output_file).write_bytes(GOOD[:10])
        raise KeyboardInterrupt

    monkeypatch.setattr(download_module._Downloader, "__call__", stop_half_way)
    register(GOOD, (mirror.url("/demo.gz"),))
    with pytest.raises(KeyboardInterrupt):
        fetch("demo.gz")
    assert names_in(places[1]) == []


KILLED = """
    import os, signal
    from pathlib import Path
    from dlcourse.datasets import REGISTRY, DataFile, DatasetRecord, download, fetch

    file = DataFile("demo.gz", ("http://127.0.0.1:9/demo.gz",), sha256="0" * 64, size=10)
    REGISTRY["demo"] = DatasetRecord("demo", "Demo", "-", "CC0", "-", "-", "load_iris", (file,))

    def die_half_way(self, url, output_file, _pooch, check_only=False):
        Path(output_file).write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)

    download._Downloader.__call__ = die_half_way
    fetch("demo.gz")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_download_never_shows_under_its_name_and_is_swept_later(
    places: Places, mirror, register: Register
) -> None:
    died = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED)], check=False, timeout=60)
    assert died.returncode == -signal.SIGKILL
    (leftover,) = places[1].iterdir()
    assert leftover.name.startswith("incoming-")
    mirror.pages["/demo.gz"] = GOOD
    register(GOOD, (mirror.url("/demo.gz"),))
    assert fetch("demo.gz").read_bytes() == GOOD
    assert leftover.exists(), "a young folder may belong to a download that still runs"
    (places[1] / "demo.gz").unlink()
    os.utime(leftover, (0, 0))
    fetch("demo.gz")
    assert names_in(places[1]) == ["demo.gz"]


def test_a_cache_that_cannot_be_written_is_an_error_about_the_cache(places: Places, mirror, register: Register) -> None:
    register(GOOD, (mirror.url("/demo.gz"),))
    places[1].write_text("a file where the folder should be")
    with pytest.raises(OSError, match=r"cannot be written to the cache .* Set DLCOURSE_CACHE_DIR") as caught:
        fetch("demo.gz")
    assert not isinstance(caught.value, DataNotFoundError)


def test_a_full_disk_is_not_mistaken_for_a_bad_mirror(
    places: Places, mirror, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_the_disk(self, url, output_file, _pooch, check_only=False):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download_module._Downloader, "__call__", fill_the_disk)
    register(GOOD, (mirror.url("/a"), mirror.url("/b")))
    with pytest.raises(OSError, match="No space left"):
        fetch("demo.gz")
    assert names_in(places[1]) == []


@pytest.mark.parametrize(("wish", "drawn"), [("0", False), ("1", True), ("", False)])
def test_the_progress_bar_is_drawn_when_wanted_and_never_into_a_pipe(
    places: Places, mirror, register: Register, monkeypatch, capfd, wish: str, drawn: bool
) -> None:
    monkeypatch.setenv("DLCOURSE_PROGRESS", wish)
    monkeypatch.delitem(sys.modules, "ipykernel.kernelapp", raising=False)
    level = pooch.get_logger().level
    mirror.pages["/demo.gz"] = GOOD
    register(GOOD, (mirror.url("/demo.gz"),))
    fetch("demo.gz")
    err = capfd.readouterr().err
    assert ("demo.gz" in err) is drawn
    assert pooch.get_logger().level == level


def test_the_cache_is_the_users_cache_folder_unless_a_variable_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    from dlcourse.datasets import cache_directory

    monkeypatch.delenv("DLCOURSE_CACHE_DIR", raising=False)
    assert cache_directory() == Path(pooch.os_cache("dlcourse")).absolute()


def test_importing_the_package_loads_neither_scikit_learn_nor_pooch_nor_tensorflow() -> None:
    heavy = {"sklearn", "scipy", "pandas", "tensorflow", "keras", "pooch", "requests", "tqdm", "matplotlib"}
    code = f"import sys, dlcourse.datasets; print(*({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []
