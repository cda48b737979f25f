"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def open_atomically(path: Path) -> Iterator[BinaryIO]:
    """A new binary file under a temporary name, renamed to `path` when the block ends without an error.

    Whatever goes wrong, a kill -9 included, the file that was there before stays whole.

    Args:
        path: where to write; missing folders are made.

    Example:
        >>> folder = Path(tempfile.mkdtemp())
        >>> with open_atomically(folder / "numbers.bin") as file:
        ...     _ = file.write(b"123")
        >>> (folder / "numbers.bin").read_bytes()
        b'123'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_atomically(path: Path, content: str | bytes) -> None:
    """Writes `content` through `open_atomically`.

    Args:
        path: where to write; missing folders are made.
        content: text is written as UTF-8.
    """
    with open_atomically(path) as file:
        file.write(content.encode("utf-8") if isinstance(content, str) else content)
