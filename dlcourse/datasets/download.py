"""Getting a data file: from the data directory, from the cache, or from the first mirror that has the right bytes."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dlcourse.datasets.registry import REGISTRY, DataFile, get_dataset, get_file
from dlcourse.datasets.storage import (
    CACHE_DIR_VARIABLE,
    DATA_DIR_VARIABLE,
    cache_directory,
    checksum_problem,
    data_directory,
    find_local,
)

# A mirror that says nothing for this long is given up: seconds to connect, seconds between two blocks.
_TIMEOUT = (10, 30)
_BLOCK = 1 << 16
_INCOMING = "incoming-"
_SECONDS_A_DAY = 86_400


class DataNotFoundError(FileNotFoundError):
    """A data file is neither on this machine nor to be had from any of its mirrors."""


def fetch(name: str) -> Path:
    """Return the path of a data file, after downloading it if this machine does not have it.

    The data directory (`$DLCOURSE_DATA_DIR`) comes first, then the cache, then the mirrors in the registry's order. A
    download appears under its name only when it is complete and its SHA-256 is right; a damaged file in the cache is
    replaced. A progress bar is drawn in a terminal and in a notebook; `DLCOURSE_PROGRESS=0` silences it.

    Args:
        name: file name from the registry, such as "t10k-images-idx3-ubyte.gz".

    Returns:
        Path of a file with the right checksum.

    Raises:
        ValueError: for a name that is not in the registry.
        DataCorruptError: when the data directory holds another file of that name.
        DataNotFoundError: when no mirror delivers; says where it looked, why each mirror failed, and the two ways on.
        OSError: when the cache cannot be written.

    Example:
        >>> fetch("t10k-labels.gz")
        Traceback (most recent call last):
        ...
        ValueError: There is no file called 't10k-labels.gz'. Did you mean t10k-labels-idx1-ubyte.gz?

    Used in: Lab 02
    """
    file = get_file(name)
    return find_local(name) or _download(file)


def fetch_dataset(name: str) -> tuple[Path, ...]:
    """Return the paths of all files of a data set, downloading those that this machine does not have.

    Args:
        name: short name of the data set, such as "mnist".

    Returns:
        One path a file, in the order of the registry; empty when the data ships with a library.

    Raises:
        ValueError, DataCorruptError, DataNotFoundError, OSError: as `fetch` does.

    Example:
        >>> fetch_dataset("iris")
        ()

    Used in: `dlcourse data fetch`
    """
    return tuple(fetch(file.name) for file in get_dataset(name).files)


def _download(file: DataFile) -> Path:
    import pooch
    import requests

    cache = cache_directory()
    target = cache / file.name
    failures: list[tuple[str, str]] = []
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _sweep(cache)
        # The folder is this download's own, so that two processes never meet in one half-written file.
        with tempfile.TemporaryDirectory(prefix=_INCOMING, dir=cache) as incoming, _quiet(pooch.get_logger()):
            for url in file.urls:
                downloader = _Downloader(file)
                try:
                    arrived = pooch.retrieve(
                        url, f"sha256:{file.sha256}", fname=file.name, path=incoming, downloader=downloader
                    )
                except (requests.RequestException, ValueError) as error:
                    failures.append((url, _reason(error)))
                    continue
                os.replace(arrived, target)
                return target
    except OSError as error:
        raise OSError(
            f"{file.name} cannot be written to the cache {cache}: {error}. "
            f"Set {CACHE_DIR_VARIABLE} to a folder that you can write to."
        ) from error
    raise DataNotFoundError(_not_found(file, target, failures))


class _OversizeError(ValueError):
    """A mirror goes on sending after the last byte of the file."""


class _Downloader:
    """Stream one address into a file, with a progress bar that carries the file's name."""

    def __init__(self, file: DataFile) -> None:
        self.file = file

    def __call__(self, url: str, output_file: str, _pooch: object, check_only: bool = False) -> None:
        import requests
        from tqdm import tqdm

        with requests.get(url, stream=True, timeout=_TIMEOUT) as response:
            response.raise_for_status()
            with (
                open(output_file, "wb") as stream,
                tqdm(
                    total=self.file.size, desc=self.file.name, unit="B", unit_scale=True, disable=not _shows_progress()
                ) as bar,
            ):
                for block in response.iter_content(_BLOCK):
                    stream.write(block)
                    bar.update(len(block))
                    if stream.tell() > self.file.size:
                        raise _OversizeError(f"sent more than the expected {self.file.size} bytes")


def _shows_progress() -> bool:
    wish = os.environ.get("DLCOURSE_PROGRESS", "")
    if wish:
        return wish != "0"
    # A notebook's stderr is no terminal; ipykernel is loaded there and only there.
    return sys.stderr.isatty() or "ipykernel.kernelapp" in sys.modules


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keep pooch from announcing each address: the progress bar, or the error, says what a reader needs."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _sweep(cache: Path) -> None:
    """Remove what a download left behind when its process was killed; a day's grace spares those still running."""
    for folder in cache.glob(f"{_INCOMING}*"):
        try:
            is_old = time.time() - folder.stat().st_mtime > _SECONDS_A_DAY
        except FileNotFoundError:
            continue
        if is_old:
            shutil.rmtree(folder, ignore_errors=True)


def _reason(error: Exception) -> str:
    """A mirror's failure in a few words: the chained messages of requests fill half a page."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered HTTP {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "timed out"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    if isinstance(error, requests.RequestException):
        return type(error).__name__
    if isinstance(error, _OversizeError):
        return str(error)
    return "sent other bytes (wrong sha256)"


def _not_found(file: DataFile, cached: Path, failures: list[tuple[str, str]]) -> str:
    folder = data_directory()
    owner = next((dataset.name for dataset in REGISTRY.values() if file in dataset.files), file.name)
    if folder is None:
        looked = f"{DATA_DIR_VARIABLE}: not set"
    elif not folder.is_dir():
        looked = f"{DATA_DIR_VARIABLE}: {folder} (no such folder)"
    else:
        looked = f"{DATA_DIR_VARIABLE}: {folder} (no such file in it)"
    damaged = f"damaged, {checksum_problem(cached, file)}" if cached.is_file() else "no such file in it"
    lines = [
        f"The data file {file.name} ({file.size:,} bytes, data set {owner}) is not on this machine "
        "and could not be downloaded.",
        "Looked in:",
        f"  {looked}",
        f"  the cache: {cached.parent} ({damaged})",
        "Tried:",
        *(f"  {url}: {reason}" for url, reason in failures),
        "Two ways on:",
        f"  1. put the file into a folder and set {DATA_DIR_VARIABLE} to that folder;",
        f"  2. where there is a network, run `dlcourse data fetch {owner}`.",
    ]
    return "\n".join(lines)
