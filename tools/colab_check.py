"""Runs every lab as Colab would: Colab's versions, its Python where this machine has it, and the lab's own setup cell.

    python tools/colab_check.py          all labs, as participants get them and worked
    python tools/colab_check.py 02       only lab 02

The setup cell installs dlcourse from this checkout (DLCOURSE_SOURCE) instead of from its public repository. A lab
fails when a cell raises or when the setup cell changed the version of any package that Colab had before.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".colab"
PYTHON = ENVIRONMENT / "bin" / "python"
VERSIONS = Path(__file__).with_name("colab_versions.txt")
COLAB_PYTHON = "3.12"
UV = ROOT / ".boot" / "bin" / "uv"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labs", nargs="*", metavar="NN", help="lab numbers; all labs without it")
    chosen = parser.parse_args().labs
    notebooks = [path for folder in ("labs", "solutions") for path in sorted((ROOT / folder).glob("*.ipynb"))]
    notebooks = [path for path in notebooks if not chosen or path.stem.split("_")[0] in chosen]
    if not notebooks:
        print(f"no lab {', '.join(chosen)}", file=sys.stderr)
        return 2
    make_environment()
    failed = [path for path in notebooks if not run_as_on_colab(path)]
    print(f"{len(notebooks) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def make_environment() -> None:
    """Builds `.colab/`, unless it stands already for the same list of versions."""
    digest = hashlib.sha256(VERSIONS.read_bytes()).hexdigest()
    stamp = ENVIRONMENT / "versions.sha256"
    if stamp.exists() and stamp.read_text() == digest:
        return
    python = find_python()
    subprocess.run([UV, "venv", "--quiet", "--clear", "--python", python, ENVIRONMENT], check=True)
    subprocess.run([UV, "pip", "install", "--quiet", "--python", PYTHON, "-r", VERSIONS], check=True)
    stamp.write_text(digest)


def find_python() -> str:
    """Colab's Python where this machine has it (uv's search, then pyenv's folder), else the one that runs this."""
    if subprocess.run([UV, "python", "find", COLAB_PYTHON], capture_output=True).returncode == 0:
        return COLAB_PYTHON
    from_pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"{COLAB_PYTHON}.*/bin/python"))
    if from_pyenv:
        return str(from_pyenv[-1])
    print(f"no Python {COLAB_PYTHON} on this machine: checking with {sys.version.split()[0]}")
    return sys.executable


def run_as_on_colab(notebook: Path) -> bool:
    subprocess.run([UV, "pip", "uninstall", "--quiet", "--python", PYTHON, "dlcourse"], check=True)
    before = installed()
    started = time.perf_counter()
    problem = execute(notebook)
    seconds = time.perf_counter() - started
    after = installed()
    moved = [f"{name} {version} -> {after.get(name)}" for name, version in before.items() if after.get(name) != version]
    problem = problem or (f"the setup cell moved {', '.join(moved)}" if moved else "")
    problem = problem or ("" if "dlcourse" in after else "the setup cell did not install dlcourse")
    print(f"{'FAILED' if problem else 'ok':6} {seconds:5.1f} s  {notebook.relative_to(ROOT)}  {problem}", flush=True)
    return not problem


def installed() -> dict[str, str]:
    """Version by distribution in the Colab environment."""
    command = [UV, "pip", "list", "--quiet", "--python", PYTHON, "--format", "json"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {entry["name"]: entry["version"] for entry in json.loads(listed)}


def execute(notebook: Path) -> str:
    """Executes `notebook` in the Colab environment's kernel, in an empty folder; returns the error, if any."""
    scratch = ENVIRONMENT / "content"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    shutil.copy(notebook, scratch)
    hidden = ("PYTHONPATH", "VIRTUAL_ENV", "DLCOURSE_DATA_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {
        "COLAB_RELEASE_TAG": "colab-check",
        "DLCOURSE_SOURCE": str(ROOT),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PATH": f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}",
    }
    command = [PYTHON, "-m", "jupyter", "execute", "--timeout=600", scratch / notebook.name]
    run = subprocess.run(command, env=environment, cwd=scratch, capture_output=True, text=True)
    return "" if run.returncode == 0 else "\n" + run.stderr.strip()[-3000:]


if __name__ == "__main__":
    sys.exit(main())
