"""Runs inside the sandbox: executes cells and calls functions, as messages ask for it.

The hand-in shares this process and may do what it likes with it. So nothing that comes out of here is trusted: the
grader's process draws the inputs, keeps the answers to itself and compares outside. What is done here is for honest
hand-ins: that theirs runs as in a notebook, and that what goes wrong is told well.

Started as `python -I -S worker.py SETTINGS`; messages come in on descriptor 0 and go out on what was descriptor 1.
"""

from __future__ import annotations

import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))


def settle(settings: dict) -> tuple[int, int]:
    """Takes the pipes away from standard input and output, sets the limits, and gives up root for good.

    Returns:
        Descriptors to read messages from and to write them to.
    """
    incoming, outgoing = os.dup(0), os.dup(1)  # not inherited by programs that are started from here
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    os.dup2(2, 1)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # whatever ends it, what it said is known
    if settings.get("uid") and os.getuid() == 0:
        os.setgroups([])
        os.setresgid(*[settings["uid"]] * 3)
        os.setresuid(*[settings["uid"]] * 3)
    for name, value in settings["limits"].items():
        import resource  # Windows has none, and no limits

        try:
            limit = getattr(resource, name)
            _, hard = resource.getrlimit(limit)
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(limit, (value, value))
        except (AttributeError, ValueError, OSError):  # systems other than Linux lack some
            if settings["strict"]:
                raise
    os.makedirs(settings["home"], exist_ok=True)
    os.chdir(settings["home"])
    # A process forked by a hand-in is no worker: it must not answer.
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: (os.close(incoming), os.close(outgoing)))
    return incoming, outgoing


def main() -> None:
    import json

    settings = json.loads(sys.argv[1])
    incoming, outgoing = settle(settings)
    sys.argv = [""]
    own, standard = [FOLDER], sys.path
    third_party = settings["third_party"]
    if third_party is None:
        import site

        third_party = site.getsitepackages()
    for folder in third_party:
        if os.path.exists(os.path.join(folder, "dlcourse", "checks", "exercise.py")) and settings["strict"]:
            sys.exit(f"{folder} holds dlcourse with the answers; hand-ins must not see it")
    sys.path = own + standard + third_party
    from desk import Desk

    sys.path = settings["library"] + standard + third_party
    Desk(incoming, outgoing, settings["reply"]).work()


if __name__ == "__main__":
    main()
