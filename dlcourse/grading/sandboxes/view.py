"""What a hand-in sees of the machine: Python, its packages, the course's library without the answers, nothing else."""

from __future__ import annotations

import os
import py_compile
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

HOME = "/tmp/home"
JUDGE = "/sandbox/judge"
LIBRARY = "/sandbox/lib"
SHM_SIZE = 16 * 2**20
INSIDE = ("worker.py", "desk.py", "cells.py", "exchange.py", "frames.py")
OF_THE_CHECKS = ("raised.py", "values.py")
SYSTEM = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32", "/usr/bin", "/usr/share/zoneinfo", "/usr/share/fonts")
TOP = ("/lib", "/lib32", "/lib64", "/libx32", "/bin")
FILES = ("/etc/ld.so.cache", "/etc/fonts", "/etc/localtime", "/etc/alternatives")


@dataclass(frozen=True)
class View:
    """What there is inside, and where it comes from.

    Args:
        read_only: place inside -> file or folder of the machine.
        links: place inside -> where the symbolic link points.
        hidden: folders inside that are covered by an empty one.
        python: the interpreter, inside.
        judge: folder of `worker.py`, inside.
        library: folders to import from first, inside.
        third_party: folders to import from last, inside.
        environment: all environment variables.
    """

    read_only: Mapping[str, Path]
    links: Mapping[str, str]
    hidden: tuple[str, ...]
    python: str
    judge: str
    library: tuple[str, ...]
    third_party: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def make_view(library: Path, python_paths: Sequence[Path] | None = None, data: Path | None = None) -> View:
    """The view for this interpreter.

    Args:
        library: the course's package without the answers: a folder that holds `dlcourse/`.
        python_paths: folders with installed packages; None takes this interpreter's. A `dlcourse` in them is hidden.
        data: the course's data sets, or None; read-only inside, as `DLCOURSE_DATA_DIR`.
    """
    packages = installed_packages() if python_paths is None else [Path(path).resolve() for path in python_paths]
    read_only: dict[str, Path] = {}
    for path in (*SYSTEM, *FILES):
        if os.path.exists(path):
            read_only[path] = Path(path).resolve()
    links = {}
    for path in TOP:
        if os.path.islink(path):
            links[path] = os.readlink(path)
        elif os.path.isdir(path):
            read_only[path] = Path(path).resolve()
    python = Path(sys.executable).resolve()
    for path in (python, *interpreter_folders(), *packages):
        if not any(path.is_relative_to(source) for source in read_only.values()):
            read_only[str(path)] = path
    read_only[JUDGE] = judge_folder()
    read_only[LIBRARY] = library.resolve()
    more = {}
    if data is not None:
        read_only["/sandbox/data"] = data.resolve()
        more["DLCOURSE_DATA_DIR"] = "/sandbox/data"
    hidden = tuple(str(path / "dlcourse") for path in packages if (path / "dlcourse").is_dir())
    return View(
        read_only=read_only,
        links=links,
        hidden=hidden,
        python=str(python),
        judge=JUDGE,
        library=(LIBRARY,),
        third_party=tuple(map(str, packages)),
        environment={**environment(HOME, [LIBRARY, *map(str, packages)]), **more},
    )


def folders_above(view: View) -> list[str]:
    """Folders that hold what is read-only inside, outermost first, each once; none lies in another's content."""
    folders = {str(parent) for inside in view.read_only for parent in Path(inside).parents} - {"/"}
    within = [Path(inside) for inside in view.read_only]
    return sorted(
        (folder for folder in folders if not any(Path(folder).is_relative_to(place) for place in within)),
        key=lambda folder: (folder.count("/"), folder),
    )


def quiet(import_from: Sequence[str]) -> dict[str, str]:
    """Environment variables for code that runs unseen: one thread, no window, no messages of TensorFlow's."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    tensorflow = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    return {
        **dict.fromkeys((*threads, *tensorflow), "1"),
        "MPLBACKEND": "Agg",
        "DLCOURSE_PROGRESS": "0",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join(import_from),
    }


def environment(home: str, import_from: Sequence[str]) -> dict[str, str]:
    """All environment variables that a hand-in sees; none is the grader's."""
    return {
        **quiet(import_from),
        "PATH": "/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": "/tmp",
        "USER": "student",
        "LOGNAME": "student",
        "LANG": "C.UTF-8",
    }


def installed_packages() -> list[Path]:
    """Folders of the packages that this interpreter can import."""
    paths = dict.fromkeys(Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib"))
    return [path for path in paths if path.is_dir()]


def interpreter_folders() -> list[Path]:
    """The standard library, and where the interpreter's own shared library lies."""
    base = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix}  # a virtual environment has none of its own
    standard = [Path(sysconfig.get_path(name, vars=base)).resolve() for name in ("stdlib", "platstdlib")]
    shared = [Path(folder) for folder in [sysconfig.get_config_var("LIBDIR")] if folder]
    prefix = Path(sys.base_prefix).resolve()
    own = [path for path in shared if path.resolve().is_relative_to(prefix) and prefix != Path("/usr")]
    return [path for path in dict.fromkeys([*own, *standard]) if path.is_dir()]


@cache
def _judge() -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix="dlcourse-judge-")
    os.chmod(folder.name, 0o755)
    here, package = Path(__file__).parent, Path(__file__).parents[2]
    for source in (*(here / name for name in INSIDE), *(package / "checks" / name for name in OF_THE_CHECKS)):
        copy = Path(folder.name, source.name)
        shutil.copyfile(source, copy)
        # The folder is read-only inside: compiled here once, not in each sandbox.
        py_compile.compile(str(copy), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    return folder


def judge_folder() -> Path:
    """Folder with `worker.py` and what it needs, compiled; made once, removed when this process ends."""
    return Path(_judge().name)
