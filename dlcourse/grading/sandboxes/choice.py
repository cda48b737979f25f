"""Which isolation to use: the one that is asked for, or the best that works here."""

from __future__ import annotations

import select

from dlcourse.grading.sandboxes.bubblewrap import HOW_TO_INSTALL, find_bubblewrap
from dlcourse.grading.sandboxes.container import ENGINES, find_container
from dlcourse.grading.sandboxes.isolation import Isolation, NoIsolationError
from dlcourse.grading.sandboxes.namespaces import find_namespaces
from dlcourse.grading.sandboxes.unsafe import Unsafe

KINDS = ("bubblewrap", "podman", "docker", "namespaces")


def choose_isolation(wanted: str | None = None, unsafe: bool = False, image: str | None = None) -> Isolation:
    """The isolation to run hand-ins in.

    Args:
        wanted: "bubblewrap", "podman", "docker" or "namespaces"; None takes the first that works, a container only
            where an image is named.
        unsafe: run without any isolation; nothing else is tried.
        image: for podman and docker.

    Raises:
        NoIsolationError: if it does not work here; the text says what was tried and what helps.
        ValueError: if `wanted` is no kind, or is given together with `unsafe`.

    Example:
        >>> choose_isolation(unsafe=True).name
        'none (unsafe)'
    """
    if wanted is not None and wanted not in KINDS:
        raise ValueError(f"{wanted!r} is no kind of sandbox; expected one of {', '.join(KINDS)}")
    if unsafe and wanted is not None:
        raise ValueError(f"a sandbox ({wanted}) and no sandbox (unsafe) cannot both be had; leave one out")
    if not hasattr(select, "poll"):
        raise NoIsolationError("hand-ins are not run on Windows itself; grade inside WSL (wsl --install)")
    if unsafe:
        return Unsafe()
    tried = []
    for kind in ("bubblewrap", *(ENGINES if image else ()), "namespaces") if wanted is None else (wanted,):
        isolation, reason = _find(kind, image)
        if isolation is not None:
            return isolation
        tried.append(reason)
    raise NoIsolationError(
        "hand-ins are not run, because nothing here can keep them away from this machine.\nTried: "
        + "\n       ".join(tried)
        + f"\nWhat helps: {HOW_TO_INSTALL}; or configure a container: --sandbox podman --image IMAGE.\n"
        "On a machine with nothing to lose, --unsafe runs them without isolation, and the report says so."
    )


def _find(kind: str, image: str | None) -> tuple[Isolation | None, str]:
    if kind in ENGINES:
        return find_container(kind, image)
    return find_bubblewrap() if kind == "bubblewrap" else find_namespaces()
