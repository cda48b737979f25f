"""The worker's desk, inside the sandbox: one message in, one message out, and one namespace as in a notebook.

See `worker.py`; this file knows the rest of the sandbox's files as plain neighbours.
"""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import errno
import inspect
import linecache
import math
import os
import random
import sys
import traceback
import types
import warnings
from typing import Any

import numpy as np

if __package__:
    from dlcourse.checks.raised import describe, misfit
    from dlcourse.checks.values import MAX_ENTRIES, Opaque, class_name, has_opaque, snapshot
    from dlcourse.grading.sandboxes.cells import Shell, compile_cell
    from dlcourse.grading.sandboxes.exchange import Bounds, Shipped, pack, unpack
    from dlcourse.grading.sandboxes.frames import EndOfPipeError, read_frame, write_frame
else:
    from cells import Shell, compile_cell
    from exchange import Bounds, Shipped, pack, unpack
    from frames import EndOfPipeError, read_frame, write_frame
    from raised import describe, misfit
    from values import MAX_ENTRIES, Opaque, class_name, has_opaque, snapshot

TRACEBACK_LINES = 12
BUILTINS = vars(builtins)
SHARED = (BUILTINS, vars(math), vars(np), vars(np.linalg), vars(np.random))


class CourseAnswerError(RuntimeError):
    """The course's own function could not answer."""


class Desk:
    """Answers messages until the pipe closes.

    Args:
        incoming: descriptor to read from.
        outgoing: descriptor to write to.
        reply: most bytes of one answer.
    """

    def __init__(self, incoming: int, outgoing: int, reply: int) -> None:
        self.incoming, self.outgoing, self.reply = incoming, outgoing, reply
        self.serial: Any = None
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module
        self.namespace = vars(module)
        shell = Shell(self.namespace)
        BUILTINS.update(get_ipython=lambda: shell, display=lambda *_, **__: None, input=_no_input)
        self.namespace["get_ipython"] = BUILTINS["get_ipython"]
        for name in ("exit", "quit"):
            BUILTINS.setdefault(name, sys.exit)
        warnings.simplefilter("ignore")

    def work(self) -> None:
        self._send({"kind": "ready"})
        kinds = {"run": self._run, "call": self._call, "replace": self._replace}
        while True:
            try:
                message = self._receive()
                self.serial = message["serial"]
                self._answer(kinds[message["kind"]](message))
            except EndOfPipeError:
                return
            except MemoryError:
                os._exit(errno.ENOMEM)  # nothing more could be told

    def _answer(self, reply: dict[str, Any]) -> None:
        try:
            self._send(reply)
        except (TypeError, ValueError, RecursionError, MemoryError):  # too large, or something that a pipe cannot hold
            if "value" not in reply:
                raise
            self._send({**reply, "value": Opaque("a value too large to compare")})

    def _run(self, message: dict[str, Any]) -> dict[str, Any]:
        names = shared_names()
        error = None
        try:
            filename = f"<{message['cell']}>"
            source = message["source"]
            for code in compile_cell(source, filename):
                linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
                result = eval(code, self.namespace)
                if inspect.iscoroutine(result):
                    asyncio.run(result)
        except BaseException as raised:
            restore(names)
            error = told(raised)
        finally:
            restore(names)
        return {"kind": "ran", "step": message["step"], "error": error}

    def _call(self, message: dict[str, Any]) -> dict[str, Any]:
        function = self.namespace.get(message["name"])
        if not callable(function):
            what = "nothing" if function is None else f"a {class_name(type(function))}"
            return {"kind": "no function", "what": what}
        args, kwargs = message["args"], message.get("kwargs", {})
        signature = misfit(function, args, kwargs)
        if signature is not None:
            return {"kind": "misfit", "signature": signature}
        labels = [*(message.get("names") or range(len(args))), *kwargs]
        before = [snapshot(value) for value in (*args, *kwargs.values())]
        names = shared_names()
        limit = sys.getrecursionlimit()
        seed = message.get("seed", 0)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        random.seed(seed)
        try:
            with np.errstate(all="ignore"):
                try:
                    returned = function(*args, **kwargs)
                finally:
                    restore(names)
                    sys.setrecursionlimit(limit)
            value = snapshot(returned, message.get("max_entries", MAX_ENTRIES))
        except BaseException as raised:
            return {"kind": "raised", **told(raised, function)}
        after = [snapshot(value) for value in (*args, *kwargs.values())]
        changed = [
            label
            for label, old, new in zip(labels, before, after, strict=True)
            if not has_opaque(old) and not identical(old, new)
        ]
        return {"kind": "returned", "value": value, "changed": changed}

    def _replace(self, message: dict[str, Any]) -> dict[str, Any]:
        exercise, name = message["exercise"], message["name"]

        def course_answer(*args: Any, **kwargs: Any) -> Any:
            self._send({"kind": "ask", "exercise": exercise, "args": snapshot(args), "kwargs": snapshot(kwargs)})
            answer = self._receive()
            if answer.get("error") is not None:
                raise CourseAnswerError(answer["error"])
            return answer["value"]

        course_answer.__name__ = course_answer.__qualname__ = name
        self.namespace[name] = course_answer
        return {"kind": "replaced", "name": name}

    def _send(self, message: dict[str, Any]) -> None:
        data = pack({**message, "serial": self.serial})
        if len(data) > self.reply:
            raise ValueError("an answer too large to send")
        write_frame(self.outgoing, data, None)

    def _receive(self) -> dict[str, Any]:
        bounds = Bounds(size=2**40, members=2**15, tree=2**30, nodes=2**40)  # the grader is trusted
        return unpack(read_frame(self.incoming, None, 2**40), bounds, rebuild)


def shared_names() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Python's and NumPy's own names: what a hand-in binds anew among them spoils no other exercise."""
    return [(names, dict(names)) for names in SHARED]


def restore(before: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """Back to what `shared_names` found; calls nothing that may have been bound anew."""
    for names, found in before:
        names.update(found)


def rebuild(shipped: Shipped) -> Any:
    """A function or a random generator, as a case hands it over."""
    if shipped.kind == "numpy":
        return getattr(np, shipped.name)
    if shipped.kind == "generator":
        bits = getattr(np.random, shipped.name)()
        bits.state = shipped.content
        return np.random.Generator(bits)
    namespace = {"np": np, "__name__": "cases"}
    exec(compile("from __future__ import annotations\n" + shipped.content, "<case>", "exec"), namespace)
    return namespace[shipped.name]


def identical(one: Any, two: Any) -> bool:
    """Whether two snapshots agree to the last bit."""
    if type(one) is not type(two):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == two.dtype and one.shape == two.shape and one.tobytes() == two.tobytes()
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(identical, one, two))
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(identical(entry, two[key]) for key, entry in one.items())
    return one == two or (one != one and two != two)


def told(error: BaseException, function: Any = None) -> dict[str, Any]:
    """An exception in plain words, with the last lines of its traceback."""
    lines: list[str] = []
    with contextlib.suppress(BaseException):
        last = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in last if os.path.dirname(frame.filename) != os.path.dirname(__file__)]
        shown = [line for entry in traceback.format_list(own[-6:]) for line in entry.rstrip("\n").split("\n")]
        lines = [str(line)[:300] for line in shown[-TRACEBACK_LINES:]]
    return {**vars(describe(error, function)), "lines": lines}


def _no_input(*_: object) -> str:
    raise RuntimeError("input() is not available while a hand-in is graded")
