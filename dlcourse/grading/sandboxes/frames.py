"""Messages on a pipe: eight bytes that say how long, then the bytes. No read and no write waits for ever.

This file also runs inside the sandbox, next to `worker.py`.
"""

from __future__ import annotations

import os
import select
import struct
import time

LENGTH = struct.Struct("<Q")
CHUNK = 2**20


class EndOfPipeError(EOFError):
    """The other side has gone."""


class DeadlineError(TimeoutError):
    """The other side did not read or write in time."""


class TooLongError(ValueError):
    """The other side announced more bytes than are accepted."""


def read_frame(fd: int, deadline: float | None, limit: int) -> bytes:
    """Reads one frame.

    Args:
        fd: where from; non-blocking if there is a deadline.
        deadline: on the clock of `time.monotonic()`, for the whole frame however slowly it trickles; None waits.
        limit: longest frame accepted; nothing is set aside for more.

    Raises:
        EndOfPipeError: if the other side closes, also in the middle of a frame.
        DeadlineError: if the time is up.
        TooLongError: if the frame would be longer than `limit`.
    """
    (length,) = LENGTH.unpack(_read(fd, LENGTH.size, deadline))
    if length > limit:
        raise TooLongError(f"a message of {length} bytes, at most {limit} are accepted")
    return _read(fd, length, deadline)


def write_frame(fd: int, data: bytes, deadline: float | None) -> None:
    """Writes one frame.

    Args:
        fd: where to; non-blocking if there is a deadline.
        data: the frame.
        deadline: on the clock of `time.monotonic()`; None waits.

    Raises:
        EndOfPipeError: if the other side has closed.
        DeadlineError: if the other side does not read in time.
    """
    for part in (LENGTH.pack(len(data)), data):
        view = memoryview(part)
        while view:
            _wait(fd, deadline, to_write=True)
            try:
                view = view[os.write(fd, view[:CHUNK]) :]
            except BlockingIOError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                raise EndOfPipeError("the other side does not listen any more") from None


def has_bytes(fd: int) -> bool:
    """Whether something is waiting to be read."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return any(event & select.POLLIN for _, event in poll.poll(0))


def _read(fd: int, length: int, deadline: float | None) -> bytes:
    data = bytearray()
    while len(data) < length:
        _wait(fd, deadline)
        try:
            part = os.read(fd, min(length - len(data), CHUNK))
        except BlockingIOError:
            continue
        if not part:
            raise EndOfPipeError("the other side has gone")
        data += part
    return bytes(data)


def _wait(fd: int, deadline: float | None, to_write: bool = False) -> None:
    if deadline is None:
        return
    poll = select.poll()  # Windows has none
    poll.register(fd, select.POLLOUT if to_write else select.POLLIN)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(max(1, int(left * 1000))):
        raise DeadlineError("the time was up")
