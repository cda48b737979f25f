"""The statements of a cell, as text with what each needs and binds; notebooks' own syntax is seen past.

Strangers' text goes through Python's parser here, which such text can hang or exhaust: for hand-ins this is called by
`dlcourse.grading.reading.preparing` alone, in a process of its own.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache

from dlcourse.grading.reading.scopes import Names, names_of

CHECKS = frozenset({"check", "progress", "reset_progress"})
# The first line of a cell that IPython hands to something else; these few run the rest as Python.
CELL_MAGIC = re.compile(r"\s*%%\s*(\w*)")
PYTHON_MAGICS = frozenset({"time", "timeit", "capture", "prun", "python", "python3", "memit", "mprun", "lprun"})
LINE_MAGIC = re.compile(r"(?P<indent>\s*)([%!?]|.*\?\s*$)")
ASSIGNED_MAGIC = re.compile(r"(?P<target>\s*[\w.,\s\[\]]+=)\s*[%!]")
MOST_MAGICS = 100


@dataclass(frozen=True)
class Statement:
    """A statement, or several on one line.

    Args:
        source: its text, as it stands in the cell.
        line: the number of its first line in the cell, from 1.
        nodes: its syntax trees.
        names: what it needs, binds and changes, one entry a tree.
    """

    source: str
    line: int
    nodes: tuple[ast.stmt, ...]
    names: tuple[Names, ...]

    @property
    def is_check(self) -> bool:
        """Whether it does nothing but ask for a check: `f = check("2.1", f)`, `progress()`."""
        return all(_is_check(node) for node in self.nodes)

    @property
    def last_line(self) -> int:
        """The number of its last line in the cell."""
        return self.line + self.source.count("\n")


@lru_cache(maxsize=4096)
def statements_of(source: str) -> tuple[Statement, ...] | None:
    """The statements of a cell; None where Python cannot read it.

    Example:
        >>> [statement.source for statement in statements_of("x = 1; y = 2\\n%timeit x\\nprint(x)")]
        ['x = 1; y = 2', '%timeit x', 'print(x)']
    """
    try:
        tree = _parse(source)
        if tree is None:
            return ()
        groups: list[list[ast.stmt]] = []
        for node in tree.body:
            if groups and _first_line(node) <= (groups[-1][-1].end_lineno or 0):
                groups[-1].append(node)
            else:
                groups.append([node])
        # As the parser counts lines: a form feed, for one, ends none.
        lines = source.split("\n")
        return tuple(
            Statement(
                "\n".join(lines[_first_line(group[0]) - 1 : group[-1].end_lineno]),
                _first_line(group[0]),
                tuple(group),
                tuple(map(names_of, group)),
            )
            for group in groups
        )
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return None


def _parse(source: str) -> ast.Module | None:
    """The tree, with `pass` in place of magics and shell escapes; None for a cell in another language."""
    lines = source.split("\n")
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    magic = CELL_MAGIC.match(lines[first])
    if magic is not None:
        if magic[1] not in PYTHON_MAGICS:
            return None
        lines[first] = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(MOST_MAGICS):
            try:
                return ast.parse("\n".join(lines))
            except SyntaxError as error:
                place = (error.lineno or 0) - 1
                if not 0 <= place < len(lines):
                    raise
                assigned, line = ASSIGNED_MAGIC.match(lines[place]), LINE_MAGIC.match(lines[place])
                if assigned is not None:
                    lines[place] = f"{assigned['target']} None"
                elif line is not None:
                    lines[place] = f"{line['indent']}pass"
                else:
                    raise
    return ast.parse("\n".join(lines))


def _first_line(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _is_check(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Expr | ast.Assign):
        return False
    call = node.value
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in CHECKS
