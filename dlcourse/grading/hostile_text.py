"""Text that a stranger wrote, made harmless where it is shown: a terminal, a spreadsheet, a file name.

In HTML it is escaped besides, by `dlcourse.grading.reporting.markup`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

LONGEST = 4000
LONGEST_FILE_NAME = 80

# Zero-width joiners: invisible, but Persian, Indian scripts and emoji are misspelt without them.
JOINERS = "\u200c\u200d"
ACCENTS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
TOO_MANY_ACCENTS = re.compile(f"([{ACCENTS}]{{4}})[{ACCENTS}]+")

# What a spreadsheet may take for the beginning of a formula, with the wide, small, raised and lowered forms.
FORMULA_STARTS = "=+\\-@＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋−"
# Where a reader with another separator begins a new cell, a formula could begin too.
RISKY = re.compile(f"(^|[;,|])([\\s\"'{JOINERS}]*)(?=[{FORMULA_STARTS}])")

# Windows keeps these for devices, whatever the suffix.
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(10))}


def visible(text: str, limit: int = LONGEST) -> str:
    r"""The text with everything that acts instead of being read spelt out.

    Control characters (terminal escapes, NUL), the ones that turn the direction of writing, lone surrogates and
    unassigned code points become `\x1b`, `\u202e` and so on; a tab and other spaces become spaces. Line ends stay.

    Args:
        text: anything.
        limit: characters kept, at least 0; how many are left out is said at the end.

    Returns:
        Printable characters, spaces, joiners and line ends.

    Example:
        >>> visible("\x1b[2JAda\u202e\x00")
        '\\x1b[2JAda\\u202e\\x00'
    """
    if len(text) > limit:
        text = f"{text[:limit]} ... ({len(text) - limit:,} more characters)"
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\t", "    ")
    if not text.isprintable():
        text = "".join(map(_visible_character, text))
    return TOO_MANY_ACCENTS.sub(r"\1", text)


def _visible_character(character: str) -> str:
    if character.isprintable() or character == "\n" or character in JOINERS:
        return character
    if unicodedata.category(character) == "Zs":
        return " "
    return character.encode("unicode_escape").decode("ascii")


def csv_cell(text: str, limit: int = 1000) -> str:
    """The text as a cell of a spreadsheet: on one line, and never a formula.

    An apostrophe goes before whatever could begin a formula, in this cell or in one that a reader with another
    separator (Excel in half of Europe: the semicolon) would cut out of it.

    Args:
        text: anything.
        limit: characters kept.

    Example:
        >>> csv_cell("=cmd|' /C calc'!A0"), csv_cell("Ada;-1"), csv_cell("Ada Lovelace")
        ("'=cmd|' /C calc'!A0", "Ada;'-1", 'Ada Lovelace')
    """
    return RISKY.sub(r"\1'\2", " ".join(visible(text, limit).split()))


def file_names(names: Sequence[str]) -> list[str]:
    """A file name for each name, without a suffix: safe on every system, and no two the same.

    Letters, digits and hyphens stay, anything else becomes an underscore. A name that is empty, reserved, too long, or
    the same as another one (case and width aside) ends in eight characters of its SHA-256.

    Args:
        names: anything, twice the same too.

    Returns:
        One an input, in order; at most about 100 bytes as UTF-8.

    Example:
        >>> file_names(["Ada Lovelace", "../../etc/passwd", "con", "a/b", "A b"])
        ['Ada_Lovelace', 'etc_passwd', 'con-1143da2b', 'a_b-c14cddc0', 'A_b-a760b0e1']
    """
    stems = [_stem(name) for name in names]
    uses = Counter(_as_disk_sees(stem) for stem in stems)
    taken: set[str] = set()
    found = []
    for name, stem in zip(names, stems, strict=True):
        key = _as_disk_sees(stem)
        short = _cut(stem, LONGEST_FILE_NAME)
        if not stem or key in DEVICES or uses[key] > 1 or short != stem:
            digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
            short = f"{short or 'student'}-{digest}"
        candidate, count = short, 1
        while _as_disk_sees(candidate) in taken:
            count += 1
            candidate = f"{short}-{count}"
        taken.add(_as_disk_sees(candidate))
        found.append(candidate)
    return found


def _stem(name: str) -> str:
    kept: list[str] = []
    for character in unicodedata.normalize("NFKC", name):
        mark = unicodedata.category(character).startswith("M") and kept and kept[-1] not in "_-"
        kept.append(character if character.isalnum() or character == "-" or mark else "_")
    return re.sub("_+", "_", "".join(kept)).strip("_-")


def _cut(stem: str, size: int) -> str:
    return stem.encode()[:size].decode(errors="ignore")


def _as_disk_sees(stem: str) -> str:
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", stem).casefold())
