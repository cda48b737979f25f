"""Names that a package offers without loading their modules: TensorFlow waits until somebody trains."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_exports(
    package: str, modules: Mapping[str, str], exported: Sequence[str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The two functions that make a package's names appear when they are first asked for (PEP 562).

    Args:
        package: its `__name__`.
        modules: name and the module of the package that defines it.
        exported: its `__all__`.

    Returns:
        `__getattr__` and `__dir__` for the package.
    """

    def load(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{modules[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *exported})

    return load, names
