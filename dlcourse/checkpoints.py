"""Checkpoints: the state of a long computation on disk, so that it goes on after a kill -9 as if nothing had happened.

A checkpoint is one `.npz` file: the arrays, and beside them a JSON text with the step, the settings and what else is
not an array (counters, the state of a random generator). Nothing in it is pickled: a foreign file can do no harm.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dlcourse.files import open_atomically

_HEADER = "__checkpoint__"


class CheckpointMismatchError(ValueError):
    """The folder holds checkpoints of a run with other settings; the message names what differs."""


@dataclass(frozen=True)
class Checkpoint:
    """What was saved.

    Attributes:
        step: how far the computation was.
        arrays: name and array, as they were given.
        state: what is not an array; tuples come back as lists.
    """

    step: int
    arrays: dict[str, np.ndarray]
    state: dict[str, Any] = field(default_factory=dict)


class CheckpointFolder:
    """The checkpoints of one run: written atomically, the newest whole one read back.

    Args:
        folder: where they lie; made at the first `save`.
        settings: what the run was started with, as JSON values. A run with other settings refuses to continue here.
        keep: how many of the newest files stay, at least 1. Two of them survive even a file system that loses the last.

    Raises:
        ValueError: if `keep` is below 1.
        TypeError: if `settings` are not JSON values.

    Example:
        >>> import tempfile
        >>> folder = CheckpointFolder(Path(tempfile.mkdtemp()) / "run", {"learning_rate": 0.001})
        >>> print(folder.load())
        None
        >>> _ = folder.save(200, {"weights": np.arange(3.0)}, {"best_loss": 0.25})
        >>> checkpoint = folder.load()
        >>> checkpoint.step, checkpoint.arrays["weights"], checkpoint.state
        (200, array([0., 1., 2.]), {'best_loss': 0.25})

    Used in: Labs 05b, 06, 07, 08
    """

    def __init__(self, folder: str | Path, settings: Mapping[str, Any] | None = None, keep: int = 2) -> None:
        if keep < 1:
            raise ValueError(f"keep={keep}: at least one checkpoint must stay; give 1 or more")
        self.folder = Path(folder)
        self.keep = keep
        self.settings: dict[str, Any] = json.loads(json.dumps(dict(settings or {})))

    def save(self, step: int, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any] | None = None) -> Path:
        """Writes one checkpoint and removes those that are older than the newest `keep`.

        Args:
            step: how far the computation is, at least 0; a later step counts as newer.
            arrays: name and array, any shape, any dtype but object.
            state: JSON values beside them; the state of a NumPy generator (`rng.bit_generator.state`) is one.

        Returns:
            The file that was written.

        Raises:
            ValueError: for a negative step, an object array or a reserved name.
            TypeError: if `state` is not made of JSON values.
        """
        if step < 0:
            raise ValueError(f"step={step}: a step is 0 or more")
        whole = {name: np.asarray(array) for name, array in arrays.items()}
        for name, array in whole.items():
            if array.dtype.hasobject or name == _HEADER:
                raise ValueError(
                    f"array {name!r} of dtype {array.dtype} cannot be saved: give numbers, under another name"
                )
        header = json.dumps({"step": step, "settings": self.settings, "state": dict(state or {})})
        path = self.folder / f"step_{step:012d}.npz"
        with open_atomically(path) as file:
            np.savez(file, **{_HEADER: np.frombuffer(header.encode(), dtype=np.uint8)}, **whole)
        for old in self.files()[: -self.keep]:
            old.unlink(missing_ok=True)
        return path

    def files(self) -> list[Path]:
        """The checkpoint files, oldest first."""
        return sorted(self.folder.glob("step_*.npz"))

    def load(self) -> Checkpoint | None:
        """The newest checkpoint that is whole; None where there is none.

        A damaged file (a full disk, a pulled plug) is passed over for the one before it.

        Raises:
            CheckpointMismatchError: if the newest whole file belongs to a run with other settings.
        """
        for path in reversed(self.files()):
            try:
                with np.load(path, allow_pickle=False) as stored:
                    header = json.loads(stored[_HEADER].tobytes().decode())
                    arrays = {name: stored[name] for name in stored.files if name != _HEADER}
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
                continue
            self._refuse_other_settings(header["settings"])
            return Checkpoint(header["step"], arrays, header["state"])
        return None

    def clear(self) -> None:
        """Removes all checkpoints of the folder, for a start from nothing."""
        for path in self.files():
            path.unlink(missing_ok=True)

    def _refuse_other_settings(self, found: dict[str, Any]) -> None:
        names = [name for name in {**found, **self.settings} if found.get(name) != self.settings.get(name)]
        if names:
            changes = [f"{name} was {found.get(name)!r}, now {self.settings.get(name)!r}" for name in names]
            raise CheckpointMismatchError(
                f"{self.folder} holds a run with other settings ({', '.join(changes)}): "
                "go on with the old settings, or give another folder, or clear this one"
            )
