"""Looks at the machine and says what would keep a lab from running, and what to do about it."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from pathlib import Path

import psutil
from packaging.version import Version

from dlcourse.catalog import Lab, list_labs
from dlcourse.datasets import list_datasets, status

TESTED_VERSIONS = Path(__file__).with_name("tested_versions.json")
OLDEST_PYTHON = (3, 11)
ENOUGH_MEMORY = 4.0
ENOUGH_DISK = 2.0


class Level(Enum):
    """How bad a finding is: `ERROR` means that a lab cannot run."""

    OK = "ok"
    NOTE = "note"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: what ("Python", "numpy", "lab 02").
        found: what is there, in words.
        level: how bad.
        advice: what to do; empty when all is well.
    """

    subject: str
    found: str
    level: Level = Level.OK
    advice: str = ""


def examine() -> list[Finding]:
    """All findings: Python, packages, cores, memory, disk, accelerator, data, labs."""
    return [*_python(), *_packages(), *_machine(), _accelerator(), *_data(), *_labs()]


def tested_versions() -> dict[str, list[str]]:
    """Versions by distribution under which the labs were built and tested."""
    return json.loads(TESTED_VERSIONS.read_text(encoding="utf-8"))


def installed_version(distribution: str) -> str | None:
    """Version of an installed distribution, None where it is missing. Nothing is imported."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def compare_version(distribution: str, installed: str | None, tested: list[str]) -> Finding:
    """Judges one package: missing or other versions are notes, since only a lab that needs it makes it an error."""
    wanted = " or ".join(tested)
    if installed is None:
        advice = f'not needed by every lab; to have it: pip install "dlcourse[labs]" (tested with {wanted})'
        return Finding(distribution, "not installed", Level.NOTE, advice)
    if installed in tested:
        return Finding(distribution, installed)
    ours, theirs = Version(installed), [Version(version) for version in tested]
    if min(theirs) < ours < max(theirs):
        return Finding(distribution, installed)
    side = "older" if ours < min(theirs) else "newer"
    advice = f"{side} than the tested {wanted}; if a lab fails here, install that version"
    return Finding(distribution, installed, Level.NOTE, advice)


def _python() -> Iterator[Finding]:
    found = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        yield Finding("Python", found, Level.ERROR, f"the course needs Python {oldest} or newer")
    else:
        yield Finding("Python", found)


def _packages() -> Iterator[Finding]:
    for distribution, tested in tested_versions().items():
        if tested:
            yield compare_version(distribution, installed_version(distribution), tested)


def _machine() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Finding(
        "cores", str(cores), *(() if cores >= 2 else (Level.NOTE, "labs are timed on two cores; expect twice"))
    )
    memory = psutil.virtual_memory().available / 2**30
    advice = "close other programs: the labs are happy with 4 GiB of free memory"
    yield Finding("free memory", f"{memory:.1f} GiB", *(() if memory >= ENOUGH_MEMORY else (Level.NOTE, advice)))
    disk = psutil.disk_usage(str(Path.home())).free / 2**30
    advice = "downloads and checkpoints need about 2 GiB in your home folder"
    yield Finding("free disk", f"{disk:.1f} GiB", *(() if disk >= ENOUGH_DISK else (Level.NOTE, advice)))


def _accelerator() -> Finding:
    """Asks the system, not TensorFlow, whose import takes seconds."""
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return Finding("accelerator", "Apple silicon; the labs use its CPU")
    if Path("/proc/driver/nvidia/version").exists():
        return Finding("accelerator", "an NVIDIA GPU with its driver")
    return Finding("accelerator", "none; every lab runs without")


def _data() -> Iterator[Finding]:
    for dataset in list_datasets():
        state = status(dataset.name)
        advice = ""
        if state.state == "wrong":
            advice = f"see `dlcourse data verify {dataset.name}`, then remove the file and fetch it again"
        elif state.state in ("missing", "partial"):
            advice = f"optional; `dlcourse data fetch {dataset.name}` downloads it"
        yield Finding(f"data: {dataset.name}", state.summary, Level.NOTE if advice else Level.OK, advice)


def _labs() -> Iterator[Finding]:
    try:
        labs = list_labs()
    except FileNotFoundError as error:
        yield Finding("labs", "none found", Level.ERROR, str(error))
        return
    for lab in labs:
        missing = missing_requirements(lab)
        if missing:
            advice = f'pip install "dlcourse[labs]" brings {", ".join(missing)}'
            yield Finding(f"lab {lab.number}", f"cannot run: {', '.join(missing)} missing", Level.ERROR, advice)
        else:
            yield Finding(f"lab {lab.number}", f"can run ({lab.title})")


def missing_requirements(lab: Lab) -> list[str]:
    """Distributions that `lab` needs and that are not installed; a notebook needs JupyterLab's kernel in any case."""
    return [name for name in ("ipykernel", *lab.requires) if installed_version(name) is None]
