"""Brings README.md in step with the labs: their table, and the picture with its description.

    python tools/build_readme.py            write README.md and docs/picture.png
    python tools/build_readme.py --check    exit code 1 where README.md is out of step

The picture is the first one in a cell tagged `readme-picture` of a worked notebook.
"""

from __future__ import annotations

import re
import sys
from base64 import b64decode

import nbformat
from lab_source import ROOT, colab_url

from dlcourse.catalog import list_labs
from dlcourse.files import write_atomically

README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "picture.png"


def main(arguments: list[str]) -> int:
    if "--check" in arguments:
        in_step = README.read_text(encoding="utf-8") == readme()
        print("README.md is in step" if in_step else "README.md is out of step with the labs: run `make notebooks`")
        return 0 if in_step else 1
    write_atomically(README, readme())
    write_atomically(PICTURE, b64decode(picture().data["image/png"]))
    print("README.md and its picture are up to date")
    return 0


def readme() -> str:
    """README.md as it should be."""
    text = README.read_text(encoding="utf-8")
    text = re.sub(r"(?<=<!-- labs -->\n).*?(?=<!-- /labs -->)", lambda _: lab_table(), text, flags=re.DOTALL)
    alt = picture().metadata["image/png"]["alt"]
    return re.sub(r"!\[[^\]]*\]\(docs/picture\.png\)", lambda _: f"![{alt}](docs/picture.png)", text)


def lab_table() -> str:
    rows = ["| lab | title | minutes | needs | |", "|---|---|---|---|---|"]
    for lab in list_labs():
        path = f"labs/{lab.unsolved.stem}"
        badge = f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab_url(path)})"
        rows.append(f"| {lab.number} | [{lab.title}]({path}.ipynb) | {lab.minutes} | {lab.needs} | {badge} |")
    return "\n".join(rows) + "\n"


def picture() -> nbformat.NotebookNode:
    """The output that holds the README's picture."""
    for lab in list_labs():
        for cell in nbformat.read(lab.worked, as_version=4).cells:
            if "readme-picture" in cell.metadata.get("tags", []):
                return next(output for output in cell.outputs if "image/png" in output.get("data", {}))
    raise LookupError("no worked notebook has a cell tagged `readme-picture` with a picture")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
