"""The labs as a list: where their notebooks are, and what each says about itself."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


class UnknownLabError(ValueError):
    """There is no lab of that number; the message names the close ones."""


@dataclass(frozen=True)
class Lab:
    """One lab, as its notebook's metadata describe it.

    Attributes:
        number: two digits, for some with a letter ("02", "05b"), as in the lecture.
        title: what it is about.
        minutes: how long a participant needs.
        needs: hardware, in words ("a laptop CPU").
        requires: distributions beyond dlcourse's own requirements, for example `("tensorflow", "keras")`.
        unsolved: notebook with open exercises.
        worked: notebook with solutions and outputs.
    """

    number: str
    title: str
    minutes: int
    needs: str
    requires: tuple[str, ...]
    unsolved: Path
    worked: Path


def notebook_root() -> Path:
    """The folder that holds `labs/` and `solutions/`: the checkout, or the copy inside an installed package.

    Raises:
        FileNotFoundError: if neither is there.
    """
    for root in (PACKAGE.parent, PACKAGE / "_notebooks"):
        if any((root / "labs").glob("*.ipynb")):
            return root
    raise FileNotFoundError(
        f"no labs in {PACKAGE.parent / 'labs'} or {PACKAGE / '_notebooks'}: in a checkout run `make notebooks`, "
        "else install dlcourse again"
    )


def list_labs() -> list[Lab]:
    """All labs in the order of their numbers."""
    root = notebook_root()
    return [_read(path, root / "solutions" / path.name) for path in sorted((root / "labs").glob("*.ipynb"))]


def find_lab(number: str) -> Lab:
    """The lab of that number; "2" and the notebook's name "02_multilayer_perceptron" are understood too.

    Raises:
        UnknownLabError: naming the labs that come closest.
    """
    labs = list_labs()
    wanted = number.strip().lower()
    wanted = wanted.zfill(3 if wanted.endswith("b") else 2)
    for lab in labs:
        if wanted in (lab.number, lab.unsolved.stem, lab.unsolved.name):
            return lab
    names = {name: lab for lab in labs for name in (lab.number, lab.unsolved.stem, lab.title.lower())}
    close = {names[name].unsolved.stem for name in difflib.get_close_matches(wanted, names, n=3, cutoff=0.4)}
    offered = sorted(close) or [lab.unsolved.stem for lab in labs]
    raise UnknownLabError(
        f"there is no lab {number!r}; {'did you mean' if close else 'there are'} {', '.join(offered)}"
    )


def _read(unsolved: Path, worked: Path) -> Lab:
    about = json.loads(unsolved.read_text(encoding="utf-8"))["metadata"]["dlcourse"]
    return Lab(
        number=about["number"],
        title=about["title"],
        minutes=about["minutes"],
        needs=about["needs"],
        requires=tuple(about["requires"]),
        unsolved=unsolved,
        worked=worked,
    )
