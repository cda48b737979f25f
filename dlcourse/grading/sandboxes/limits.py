"""What a hand-in may use."""

from __future__ import annotations

import json
from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """Limits of one sandbox; whoever goes over one is ended, and the message names the limit.

    Args:
        seconds: wall time of the whole sandbox, from its start.
        cpu_seconds: processor time, of all processes together.
        memory: bytes resident in all processes together; also the private memory that one process may ask for.
        address_space: bytes of address space of one process, libraries and reservations included; TensorFlow reserves
            far more than it uses.
        processes: processes and threads together.
        open_files: files that one process may have open.
        file_size: bytes of one file.
        disk: bytes of all files together.
        files: number of files.
        output: bytes written to stdout and stderr.
        reply: bytes of one answer.

    Raises:
        ValueError: if a limit is not above zero.
    """

    seconds: float = 120.0
    cpu_seconds: float = 120.0
    memory: int = 2048 * MIB
    address_space: int = 8 * 1024 * MIB
    processes: int = 128
    open_files: int = 256
    file_size: int = 64 * MIB
    disk: int = 64 * MIB
    files: int = 10_000
    output: int = 16 * MIB
    reply: int = 64 * MIB

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"{name} is {value}, expected a number above 0")

    def for_worker(self) -> str:
        """The limits that a process sets for itself before it runs a line of a hand-in, as JSON."""
        return json.dumps(
            {
                "RLIMIT_CPU": int(self.cpu_seconds) + 1,
                "RLIMIT_DATA": self.memory,
                "RLIMIT_AS": self.address_space,
                "RLIMIT_NPROC": self.processes,
                "RLIMIT_NOFILE": self.open_files,
                "RLIMIT_FSIZE": self.file_size,
                "RLIMIT_CORE": 0,
            }
        )
