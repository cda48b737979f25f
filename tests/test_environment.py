"""What a newcomer installs from: environment.yml, the lock, the wheel."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


def pip_section() -> list[str]:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    return next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))


def test_conda_environment_resolves_with_plain_pip():
    """An empty Python with plain pip finds versions for everything that environment.yml asks for."""
    arguments = [part for requirement in pip_section() for part in requirement.split()]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    run = subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True)
    if re.search(r"Temporary failure in name resolution|Network is unreachable|ConnectionError", run.stderr):
        pytest.skip("no package index can be reached from here")
    assert run.returncode == 0, run.stderr[-3000:]
    assert '"tensorflow"' in run.stdout and '"tf-agents"' in run.stdout


def test_lock_is_in_step_with_pyproject():
    uv = ROOT / ".boot" / "bin" / "uv"
    if not uv.exists():
        pytest.skip("uv is not in .boot; `make` puts it there")
    run = subprocess.run([uv, "lock", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_wheel_holds_the_labs_and_the_tested_versions(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, "."]
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    assert "dlcourse/tested_versions.json" in names
    assert "dlcourse/_notebooks/labs/02_multilayer_perceptron.ipynb" in names
    assert "dlcourse/_notebooks/solutions/02_multilayer_perceptron.ipynb" in names


def test_repository_is_named_in_pyproject_alone():
    repository = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["dlcourse"]["repository"]
    hand_written = [*ROOT.glob("dlcourse/**/*.py"), *ROOT.glob("tools/*.py"), *ROOT.glob("solutions/*.py")]
    assert [path for path in hand_written if f"github.com/{repository}" in path.read_text(encoding="utf-8")] == []
