"""Writes dlcourse/tested_versions.json: the versions in uv.lock under which the labs were built and tested.

`dlcourse doctor` compares a machine with it. `make lock` runs this after every change of the lock.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "dlcourse" / "tested_versions.json"
SHOWN = (
    "numpy",
    "scipy",
    "scikit-learn",
    "pandas",
    "matplotlib",
    "tensorflow",
    "keras",
    "tf-keras",
    "tf-agents",
    "gymnasium",
    "ale-py",
    "jupyterlab",
    "ipykernel",
    "nbval",
)


def locked_versions() -> dict[str, list[str]]:
    """Versions by distribution; more than one where Python versions get different ones, in the lock's order."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    return {name: [entry["version"] for entry in packages if entry["name"] == name] for name in SHOWN}


def text() -> str:
    return json.dumps(locked_versions(), indent=2) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
    print(f"wrote {TARGET.relative_to(ROOT)}")
