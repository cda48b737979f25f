"""The copy of dlcourse that a hand-in finds inside the sandbox: the course's library without its answers.

What is left out: the checks with their references, the grading, the command line, the worked notebooks. What stays but
raises `WithheldError` when it is called: each function that answers an exercise of this lab (the reference where it
lies in a chapter, and the same answers under other names, `dlcourse.grading.withheld`). A hand-in that hands in the
library's function as its own therefore says so itself, and nothing inside can be asked for the right answer.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from dlcourse.checks.catalog import exercises
from dlcourse.files import write_atomically
from dlcourse.grading.withheld import SAME_ANSWERS

PACKAGE = Path(__file__).resolve().parent.parent
WITHHELD_ERROR = "WithheldError"
LEFT_OUT = frozenset({"checks", "grading", "_notebooks", "_weights", "__pycache__"})
LEFT_OUT_FILES = frozenset(
    {"catalog.py", "cli.py", "cli_grade.py", "cli_train.py", "console.py", "doctor.py", "execution.py"}
)
KEPT_SUFFIXES = frozenset({".py", ".txt", ".json", ".csv"})

_ERROR_MODULE = '''"""What is not in this copy of dlcourse, and why."""


class WithheldError(RuntimeError):
    """The answer to an exercise was asked for while that exercise is graded."""
'''

_CHECKS_MODULE = '''"""`check` and `progress` while a hand-in is graded: the verdict is made elsewhere."""

from dlcourse.withheld import WithheldError


def check(number, function, *, time_limit=None):
    """Gives the function back as it came."""
    return function


def progress(lab=None):
    """Shows nothing."""


def reset_progress():
    """Forgets nothing."""


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    raise WithheldError(f"dlcourse.checks.{name} is not here while a hand-in is graded")
'''

_EMPTY_MODULE = '''"""Not here while a hand-in is graded."""

from dlcourse.withheld import WithheldError

raise WithheldError("{module} is not here while a hand-in is graded")
'''


def build_library(lab: str, folder: Path) -> Path:
    """Write the copy of dlcourse for one lab's sandboxes.

    Args:
        lab: e.g. "02".
        folder: where `dlcourse/` is written; an older copy there is replaced.

    Returns:
        `folder`, what Python's path should start with.

    Raises:
        ValueError: if there is no such lab, or a name to be withheld is nowhere in the package.
    """
    left = withheld(lab)
    target = folder / PACKAGE.name
    shutil.rmtree(target, ignore_errors=True)
    for path in _kept_files():
        content = path.read_bytes()
        inside = path.relative_to(PACKAGE)
        if path.suffix == ".py":
            here = {name: left.pop((module, name)) for module, name in list(left) if module == module_name(inside)}
            if here:
                content = strip(content.decode("utf-8"), module_name(inside), here).encode("utf-8")
        write_atomically(target / inside, content)
    # References that lie among the checks are left out with them.
    missing = [f"{module}:{name}" for module, name in left if not module.startswith(f"{PACKAGE.name}.checks.")]
    if missing:
        raise ValueError(f"{', '.join(missing)} should be withheld but is not in the package; mend grading/withheld.py")
    _write_stand_ins(target)
    return folder


def withheld(lab: str) -> dict[tuple[str, str], str]:
    """What is withheld for a lab.

    Args:
        lab: e.g. "02".

    Returns:
        `{(module, qualified name): number of the exercise}`.

    Example:
        >>> withheld("02")["dlcourse.foundations.mlp_steps", "forward"]
        '2.5'
    """
    names = {}
    for exercise in exercises(lab):
        names[exercise.reference.__module__, exercise.reference.__qualname__] = exercise.number
        for dotted in SAME_ANSWERS.get(exercise.number, ()):
            module, _, name = dotted.partition(":")
            names.setdefault((f"{PACKAGE.name}.{module}", name), exercise.number)
    return names


def strip(source: str, module: str, answers: Mapping[str, str]) -> str:
    """Take functions' bodies out of a module.

    Args:
        source: the module's source.
        module: its dotted name, for the message.
        answers: `{qualified name: number of the exercise}`; a class stands for all of its methods.

    Returns:
        Source in which they raise `WithheldError`; comments are gone, the rest is as it was.

    Raises:
        ValueError: if a name is not there.

    Example:
        >>> print(strip("def twice(x):\\n    return 2 * x", "a.b", {"twice": "2.5"}))
        def twice(x):
            from dlcourse.withheld import WithheldError
            raise WithheldError('a.b.twice is the answer to exercise 2.5 and is not here: write your own')
    """
    tree = ast.parse(source)
    found = dict(_definitions(tree))
    for name, number in answers.items():
        if name not in found:
            raise ValueError(f"{module}:{name} should be withheld but is not there; mend grading/withheld.py")
        node = found[name]
        functions = (
            [node]
            if not isinstance(node, ast.ClassDef)
            else [
                method
                for inside, method in found.items()
                if inside.startswith(name + ".") and not isinstance(method, ast.ClassDef)
            ]
        )
        for function in functions:
            message = f"{module}.{name} is the answer to exercise {number} and is not here: write your own"
            function.body = ast.parse(
                f"from {PACKAGE.name}.withheld import {WITHHELD_ERROR}\nraise {WITHHELD_ERROR}({message!r})"
            ).body
    return ast.unparse(ast.fix_missing_locations(tree))


def module_name(inside: Path) -> str:
    """The dotted name of a module.

    Args:
        inside: its path inside the package.

    Example:
        >>> module_name(Path("foundations/losses.py")), module_name(Path("plots/__init__.py"))
        ('dlcourse.foundations.losses', 'dlcourse.plots')
    """
    parts = [PACKAGE.name, *inside.with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _definitions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield prefix + node.name, node
            yield from _definitions(node, f"{prefix}{node.name}.")


def _kept_files() -> Iterator[Path]:
    for path in sorted(PACKAGE.rglob("*")):
        inside = path.relative_to(PACKAGE)
        if LEFT_OUT.intersection(inside.parts) or inside.as_posix() in LEFT_OUT_FILES:
            continue
        if path.suffix in KEPT_SUFFIXES and path.is_file():
            yield path


def _write_stand_ins(target: Path) -> None:
    write_atomically(target / "withheld.py", _ERROR_MODULE)
    modules = [path for path in (PACKAGE / "checks").glob("*.py") if path.name != "__init__.py"]
    for path in (*modules, PACKAGE / "grading" / "__init__.py"):
        inside = path.relative_to(PACKAGE)
        write_atomically(target / inside, _EMPTY_MODULE.format(module=module_name(inside)))
    write_atomically(target / "checks" / "__init__.py", _CHECKS_MODULE)
