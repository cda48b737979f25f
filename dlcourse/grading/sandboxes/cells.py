"""What a notebook's cell may hold beyond Python, inside the sandbox: magics, `!commands`, `await` at the top.

The stand-in for IPython's shell is small: magics that measure run their code, magics that set something up or draw do
nothing, and commands run where the hand-in runs, with no more rights.
"""

from __future__ import annotations

import ast
import subprocess
import types
from typing import Any

RUNS_ITS_CODE = {"time", "timeit", "prun", "capture", "python", "python3", "py"}
DOES_NOTHING = {
    *("matplotlib", "load_ext", "reload_ext", "autoreload", "config", "pylab", "html", "HTML", "javascript", "js"),
    *(
        "latex",
        "markdown",
        "svg",
        "tensorboard",
        "pip",
        "conda",
        "precision",
        "xmode",
        "colors",
        "reset",
        "who",
        "whos",
    ),
}
SHELLS = {"bash", "sh", "script", "system", "sx"}


def compile_cell(source: str, filename: str) -> list[types.CodeType]:
    """A cell as code to evaluate, one after the other.

    Args:
        source: Python, or what IPython makes Python of.
        filename: for tracebacks.

    Raises:
        SyntaxError: if it is neither.

    Example:
        >>> [eval(code, {}) for code in compile_cell("x = 1", "<cell>")]
        [None]
    """
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        return [compile(source, filename, "exec", flags, dont_inherit=True)]
    except SyntaxError:
        if not any(sign in source for sign in "%!?"):
            raise
    from IPython.core.inputtransformer2 import TransformerManager  # takes a while, and few cells need it

    return [compile(TransformerManager().transform_cell(source), filename, "exec", flags, dont_inherit=True)]


class Shell:
    """Stands in for IPython's shell.

    Args:
        namespace: the hand-in's.
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.user_ns = namespace

    def run_line_magic(self, name: str, line: str, *_: Any, **__: Any) -> Any:
        if name in RUNS_ITS_CODE:
            self._execute(_without_options(line))
        elif name in SHELLS:
            return self.getoutput(line)
        elif name == "env":
            return None
        elif name not in DOES_NOTHING:
            raise NameError(f"the magic %{name} is not available where hand-ins are graded")
        return None

    magic = run_line_magic

    def run_cell_magic(self, name: str, line: str, cell: str, *_: Any, **__: Any) -> Any:
        if name in RUNS_ITS_CODE:
            self._execute(cell)
        elif name in SHELLS:
            return self.getoutput(cell)
        elif name in ("writefile", "file"):
            arguments = line.split()
            with open(arguments[-1], "a" if "-a" in arguments else "w", encoding="utf-8") as file:
                file.write(cell)
        elif name not in DOES_NOTHING:
            raise NameError(f"the magic %%{name} is not available where hand-ins are graded")
        return None

    def system(self, command: str) -> None:
        subprocess.run(command, shell=True, check=False)

    def getoutput(self, command: str) -> list[str]:
        ended = subprocess.run(command, shell=True, check=False, capture_output=True)
        return ended.stdout.decode(errors="replace").splitlines()

    def _execute(self, source: str) -> None:
        for code in compile_cell(source, "<magic>"):
            eval(code, self.user_ns)

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def _without_options(line: str) -> str:
    words = line.lstrip()
    while words.startswith("-"):
        words = words.partition(" ")[2].lstrip()
        if words[:1].isdigit():
            words = words.partition(" ")[2].lstrip()
    return words
