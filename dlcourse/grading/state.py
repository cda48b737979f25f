"""What a batch remembers in REPORT/.state: its secret, and one file for each hand-in that is finished.

So grading can be killed at any time and started again: what is finished and has not changed is not run twice.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import Any

import dlcourse
from dlcourse.files import write_atomically
from dlcourse.grading.reading.handins import HandIn
from dlcourse.grading.results import ExerciseResult, HandInResult, InputClass, Note, Status

FORMAT = 1
KEY_BYTES = 16
PACKAGE = Path(__file__).resolve().parent.parent


class BatchState:
    """The finished hand-ins of one batch.

    Args:
        folder: REPORT/.state; made if it is not there.
        circumstances: whatever else a result depends on, as JSON can hold it: the lab's source, limits, isolation.

    Attributes:
        key: the batch's secret, from which the hidden inputs are drawn. It stays in the folder, so that a second run
            draws the same.
    """

    def __init__(self, folder: Path, circumstances: dict[str, Any]) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        os.chmod(folder, 0o700)
        self.key = self._read_key(folder / "key")
        self._circumstances = {"format": FORMAT, "code": code_digest(), **circumstances}

    def load(self, handin: HandIn) -> HandInResult | None:
        """The result of this very hand-in, or None where it has to be judged."""
        try:
            kept = json.loads(self._file(handin).read_text(encoding="utf-8"))
            if kept["fingerprint"] != self._fingerprint(handin):
                return None
            return result_from_json(kept["result"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, handin: HandIn, result: HandInResult) -> None:
        """Keeps a result; the file is whole or not there."""
        kept = {"fingerprint": self._fingerprint(handin), "result": dataclasses.asdict(result)}
        write_atomically(self._file(handin), json.dumps(kept, ensure_ascii=True))

    def _file(self, handin: HandIn) -> Path:
        # The name is a digest: a student's name may hold anything.
        return self.folder / f"{_digest(handin.key)[:32]}.json"

    def _fingerprint(self, handin: HandIn) -> str:
        about = {
            "key": handin.key,
            "student": handin.student,
            "source": handin.source,
            "digest": handin.digest,
            "error": handin.error,
            "attempts": handin.attempts,
            "notes": [dataclasses.asdict(note) for note in handin.notes],
            "secret": _digest(self.key.hex()),
        }
        return _digest(json.dumps({**about, **self._circumstances}, sort_keys=True))

    @staticmethod
    def _read_key(path: Path) -> bytes:
        try:
            key = bytes.fromhex(path.read_text(encoding="ascii"))
            if len(key) == KEY_BYTES:
                return key
        except (OSError, ValueError):
            pass
        key = secrets.token_bytes(KEY_BYTES)
        write_atomically(path, key.hex())
        os.chmod(path, 0o600)
        return key


def result_from_json(content: dict[str, Any]) -> HandInResult:
    """A result as `dataclasses.asdict` and JSON left it.

    Args:
        content: what was read.

    Raises:
        KeyError, TypeError, ValueError: if it is no such thing.
    """
    exercises = tuple(
        ExerciseResult(
            **{
                **one,
                "status": Status(one["status"]),
                "classes": tuple(InputClass(**each) for each in one["classes"]),
            }
        )
        for one in content["exercises"]
    )
    notes = tuple(Note(**note) for note in content["notes"])
    return HandInResult(**{**content, "exercises": exercises, "notes": notes, "attempts": tuple(content["attempts"])})


def code_digest() -> str:
    """A digest of dlcourse's version and of the code that makes verdicts: after a change nothing old is reused."""
    digest = hashlib.sha256(dlcourse.__version__.encode())
    for package in ("checks", "grading", "foundations"):
        for path in sorted((PACKAGE / package).rglob("*.py")):
            digest.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
