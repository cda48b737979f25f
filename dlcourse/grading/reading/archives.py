"""Files in a stranger's zip, read in memory and within limits; nothing is unpacked onto the disk.

A zip can lie about every number in it, so none is trusted: its table of contents is measured before it is read, and
what comes out of a member is counted while it comes.
"""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO

from dlcourse.grading.reading.notebook_file import MIB, ReadingLimits

# The end record of a zip is 22 bytes and may be followed by a comment of 65,535.
END_RECORD, END_SIZE, LONGEST_COMMENT = b"PK\x05\x06", 22, 65_535
LOCATOR_64, LOCATOR_64_SIZE = b"PK\x06\x07", 20
RECORD_64, RECORD_64_SIZE = b"PK\x06\x06", 56
ENCRYPTED = 0x1
LONGEST_NAME = 1_000


class UnreadableArchiveError(ValueError):
    """The zip, or one file in it, cannot be read; the message is one sentence."""


@dataclass
class Budget:
    """What may still be unpacked for one student; used up by `read_member`.

    Args:
        limits: the limits.
        unpacked: bytes unpacked so far.
        entries: entries listed so far.
    """

    limits: ReadingLimits
    unpacked: int = field(default=0)
    entries: int = field(default=0)

    def count_entry(self) -> None:
        """One more file or folder.

        Raises:
            UnreadableArchiveError: if it is one too many.
        """
        self.entries += 1
        if self.entries > self.limits.entries:
            raise UnreadableArchiveError(f"there are more than {self.limits.entries:,} files and folders")


@dataclass(frozen=True)
class Member:
    """A file in a zip.

    Args:
        path: its parts, cleaned of "." and of backslashes; never leaves the zip.
        info: what the zip says about it.
        problem: why it must not be read; empty where it may.
    """

    path: PurePosixPath
    info: zipfile.ZipInfo
    problem: str

    @property
    def modified(self) -> tuple[int, ...]:
        """Year, month, day, hour, minute, second, as the zip tells them."""
        return tuple(self.info.date_time)


def open_archive(file: BinaryIO, limits: ReadingLimits) -> zipfile.ZipFile:
    """The zip in an open file.

    Args:
        file: open for reading, seekable.
        limits: of these, the size of the table of contents.

    Raises:
        UnreadableArchiveError: if it is none, or its table of contents is too large.
    """
    try:
        if _directory_size(file) > limits.directory_bytes:
            raise UnreadableArchiveError(
                f"the zip's table of contents is larger than {limits.directory_bytes / MIB:.0f} MiB"
            )
        file.seek(0)
        return zipfile.ZipFile(file)
    except UnreadableArchiveError:
        raise
    except MemoryError:
        raise UnreadableArchiveError("the zip's table of contents does not fit into memory") from None
    except Exception as error:  # zipfile raises half a dozen classes for what strangers write
        raise UnreadableArchiveError(f"the zip is damaged or no zip ({type(error).__name__})") from None


def members(archive: zipfile.ZipFile, budget: Budget | None = None) -> Iterator[Member]:
    """The files in a zip, each with why it must not be read, if so.

    Args:
        archive: from `open_archive`.
        budget: counts the entries; None where the zip is the grader's own.

    Raises:
        UnreadableArchiveError: if there are too many.
    """
    for info in archive.infolist():
        if budget is not None:
            budget.count_entry()
        if len(info.filename) > LONGEST_NAME:
            yield Member(PurePosixPath(info.filename[-20:].replace("/", "_")), info, "its name is too long")
            continue
        parts = info.filename.replace("\\", "/").split("/")
        inside = [part for part in parts if part not in ("", ".", "..")]
        if not inside or info.is_dir():
            continue
        leaves = ".." in parts or parts[0] == "" or (len(parts[0]) == 2 and parts[0][1] == ":")
        yield Member(PurePosixPath(*inside), info, _problem(info, leaves))


def read_member(archive: zipfile.ZipFile, member: Member, longest: int, budget: Budget) -> bytes:
    """The content of one file.

    Args:
        archive: where it is.
        member: from `members`.
        longest: bytes that the file may have.
        budget: what may be unpacked in all.

    Raises:
        UnreadableArchiveError: if it is longer, damaged, or must not be read.
    """
    if member.problem:
        raise UnreadableArchiveError(member.problem)
    packed, unpacked = member.info.compress_size, member.info.file_size
    if unpacked > longest:
        raise UnreadableArchiveError(f"it is larger than {longest / MIB:.0f} MiB")
    if unpacked > MIB and unpacked > budget.limits.ratio * packed:
        raise UnreadableArchiveError(f"it is packed more than {budget.limits.ratio} times smaller: a zip bomb?")
    allowed = min(longest, budget.limits.unpacked_bytes - budget.unpacked)
    try:
        with archive.open(member.info) as stream:
            data = stream.read(allowed + 1)
    except MemoryError:
        raise UnreadableArchiveError("it does not fit into memory") from None
    except Exception as error:  # a damaged stream raises whatever its decompressor does
        raise UnreadableArchiveError(f"it is damaged in the zip ({type(error).__name__})") from None
    budget.unpacked += len(data)
    if len(data) > allowed:
        raise UnreadableArchiveError("more than the limit comes out of the zip for this student")
    return data


def _problem(info: zipfile.ZipInfo, leaves: bool) -> str:
    mode = info.external_attr >> 16
    if leaves:
        return "its path leaves the zip"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "it is a link or a device, not a file"
    if info.flag_bits & ENCRYPTED:
        return "it is encrypted; hand it in without a password"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "it is packed with a method that is not read; use an ordinary zip"
    return ""


def _directory_size(file: BinaryIO) -> int:
    """Bytes of the table of contents, the largest number that any end record states."""
    end = file.seek(0, 2)
    start = max(0, end - END_SIZE - LONGEST_COMMENT - LOCATOR_64_SIZE)
    file.seek(start)
    tail = file.read()
    sizes = [0]
    place = tail.rfind(END_RECORD)
    while place >= 0:
        record = tail[place : place + END_SIZE]
        if len(record) == END_SIZE:
            sizes.append(struct.unpack_from("<L", record, 12)[0] % 0xFFFFFFFF)
        locator = tail[max(0, place - LOCATOR_64_SIZE) : place]
        if locator.startswith(LOCATOR_64):
            # Python looks for the 64-bit record right before its locator; a later one may follow the locator instead.
            (told,) = struct.unpack_from("<Q", locator, 8)
            for offset in (start + place - LOCATOR_64_SIZE - RECORD_64_SIZE, told):
                file.seek(min(max(0, offset), end))
                record = file.read(RECORD_64_SIZE)
                if record.startswith(RECORD_64) and len(record) == RECORD_64_SIZE:
                    sizes.append(struct.unpack_from("<Q", record, 40)[0])
        place = tail.rfind(END_RECORD, 0, place)
    return max(sizes)
