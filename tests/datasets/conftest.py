"""What several tests of dlcourse.datasets share: an IDX writer, empty places, and a small web server."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from dlcourse.datasets import REGISTRY, DataFile, DatasetRecord

IDX_CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}


def idx_bytes(array: np.ndarray) -> bytes:
    header = bytes([0, 0, IDX_CODES[array.dtype.name], array.ndim])
    lengths = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return header + lengths + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture(scope="session")
def to_idx() -> Callable[[np.ndarray], bytes]:
    return idx_bytes


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """An empty data directory and an empty cache, so that no test sees the user's own."""
    data, cache = tmp_path / "data", tmp_path / "cache"
    data.mkdir()
    monkeypatch.setenv("DLCOURSE_DATA_DIR", str(data))
    monkeypatch.setenv("DLCOURSE_CACHE_DIR", str(cache))
    monkeypatch.setenv("DLCOURSE_PROGRESS", "0")
    for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    return data, cache


class Mirror:
    """A web server on this machine: answers with what `pages` holds, notes what it was asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes | int] = {}
        self.asked: list[str] = []
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.asked.append(self.path)
                page = mirror.pages.get(self.path, 404)
                if isinstance(page, int):
                    self.send_error(page)
                    return
                self.send_response(200)
                # "/cut" announces more than it sends: a connection that breaks off.
                announced = len(page) + (100 if self.path.startswith("/cut") else 0)
                if not self.path.startswith("/endless"):
                    self.send_header("Content-Length", str(announced))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    server = Mirror()
    yield server
    server.close()


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[..., DataFile]:
    """Put a data set "demo" with one file into the registry for the length of a test."""

    def add(content: bytes, urls: tuple[str, ...], name: str = "demo.gz") -> DataFile:
        try:
            unpacked = hashlib.sha256(gzip.decompress(content)).hexdigest()
        except OSError:
            unpacked = None
        file = DataFile(name, urls, hashlib.sha256(content).hexdigest(), len(content), unpacked)
        dataset = DatasetRecord(
            "demo", "Demo", "one file", "CC0", "nobody", "https://example.org", "load_iris", (file,)
        )
        monkeypatch.setitem(REGISTRY, "demo", dataset)
        return file

    return add
