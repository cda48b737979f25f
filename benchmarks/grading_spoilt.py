"""What stands in the place of an answer, or of the whole file, in broken and in hostile hand-ins of lab 02.

In a source, @right is the right answer, @head its `def` line and docstring, @name the function's name and @number the
exercise's.
"""

from __future__ import annotations

from collections.abc import Callable

# (name, status, words of the message, source; None where the cell is deleted)
BROKEN_EXERCISES = (
    ("syntax error", "crashed", "SyntaxError", "def @name(:\n    return 1"),
    ("a bracket that is not closed", "crashed", "SyntaxError", "@right\n\nprint((1, 2)"),
    ("indentation lost", "crashed", "IndentationError", "def @name(*inputs):\nreturn 1"),
    ("a merge conflict", "crashed", "SyntaxError", "<<<<<<< HEAD\n@right\n======="),
    ("a name that is nowhere", "crashed", "NameError", "@head    return nowhere_defined(1)"),
    ("a name that is nowhere, above", "crashed", "NameError", "nowhere_defined\n@right"),
    ("a module that is not installed", "crashed", "ModuleNotFoundError", "import no_such_module_here\n@right"),
    ("not filled in", "missing", "", "@head    raise NotImplementedError('Exercise')"),
    ("only pass", "missing", "", "@head    pass"),
    ("the docstring alone", "missing", "", "@head"),
    ("cell deleted", "missing", "", None),
    ("cell emptied", "missing", "", ""),
    ("function renamed", "missing", "", "def my_@name(*inputs):\n    return 1"),
    ("return forgotten", "wrong", "", "@head    print(1)"),
    ("other parameters", "wrong", "", "def @name(*, by_name_only):\n    return by_name_only"),
    ("a number in its place", "wrong", "", "@name = 5"),
    ("text for numbers", "wrong", "", "@head    return 'the answer'"),
    ("division by zero", "crashed", "ZeroDivisionError", "@head    return 1 // 0"),
    ("endless recursion", "crashed", "RecursionError", "def @name(*inputs):\n    return @name(*inputs)"),
    ("an index too far", "crashed", "IndexError", "@head    return np.zeros(3)[7]"),
    ("asks for input", "crashed", "RuntimeError", "@head    return float(input('x?'))"),
    ("raises an exception of its own", "crashed", "ValueError", "@head    raise ValueError('I give up')"),
)

# (name, words of the error, what becomes of the file)
BROKEN_FILES: tuple[tuple[str, str, Callable[[bytes], bytes]], ...] = (
    ("half of it", "not JSON", lambda data: data[: len(data) // 2]),
    ("empty", "empty", lambda data: b""),
    ("a PDF", "", lambda data: b"%PDF-1.7\n" + bytes(range(128, 256))),
    ("a web page", "not JSON", lambda data: b"<!DOCTYPE html><html><body>Sign in</body></html>"),
    ("not UTF-8", "", lambda data: data.replace(b"Output of one neuron", b"Sal\xeda de una neurona \xff")),
    ("a list", "", lambda data: b"[1, 2, 3]"),
    ("notebook format 5", "", lambda data: data.replace(b'"nbformat": 4', b'"nbformat": 5')),
    ("zeros", "", lambda data: bytes(5000)),
)


GONE = ("crashed",)
# (name, statuses of which it must have one, source)
HOSTILE = (
    ("endless loop", ("timed out",), "@head    while True:\n        pass"),
    ("endless sleep in the cell", ("timed out",), "import time\n\nwhile True:\n    time.sleep(9)\n@right"),
    ("os._exit in the function", GONE, "import os\n\n@head    os._exit(0)"),
    ("os._exit in the cell", GONE, "import os\n\nos._exit(0)\n@right"),
    ("sys.exit", GONE, "import sys\n\n@head    sys.exit(0)"),
    (
        "fork bomb",
        ("crashed", "timed out"),
        "import os\n\n@head    while True:\n        try:\n"
        "            os.fork()\n        except OSError:\n            pass",
    ),
    (
        "memory",
        ("crashed", "timed out"),
        "@head    kept = []\n    while True:\n        kept.append(bytearray(b'x') * 2**24)",
    ),
    ("output", GONE, "@head    while True:\n        print('x' * 1000)"),
    (
        "disk",
        GONE,
        "@head    with open('/tmp/big', 'wb') as file:\n        while True:\n            file.write(bytes(2**20))",
    ),
    (
        "forged bytes in every channel",
        ("tampered",),
        "import os\n\n@head    for channel in range(3, 20):\n        try:\n            os.write(channel, bytes(64))\n"
        "        except OSError:\n            pass\n    return 0",
    ),
    (
        "forged verdicts, printed and in a file",
        ("wrong",),
        "import json\n\n@head    verdict = json.dumps({'status': 'full', 'points': 1.0})\n    print(verdict)\n"
        "    open('/tmp/results.json', 'w').write(verdict)\n    return verdict",
    ),
    ("reads /etc/shadow", GONE, "@head    return open('/etc/shadow').read()"),
    ("reads the grader's home", GONE, "import os\n\n@head    return os.listdir('/root') + os.listdir('/home')"),
    (
        "reads the other hand-ins",
        GONE,
        "import glob\n\n@head    return open(glob.glob('/tmp/**/*.ipynb', recursive=True)[0]).read()",
    ),
    ("network", GONE, "import socket\n\n@head    return socket.create_connection(('1.1.1.1', 443), 2)"),
    ("the library's own function", ("tampered",), "from dlcourse.foundations.mlp_steps import @name"),
    (
        "the checks' own references",
        ("tampered",),
        "from dlcourse.checks.catalog import find_exercise\n\n@name = find_exercise('@number').reference",
    ),
    (
        "equal to everything",
        ("wrong",),
        "class Equal(float):\n    def __eq__(self, other):\n        return True\n\n"
        "    __ne__ = lambda self, other: False\n"
        "    __hash__ = float.__hash__\n\n\n@head    return Equal(3e5)",
    ),
    (
        "patched NumPy",
        ("wrong",),
        "import numpy as np\n\nfor name in ('allclose', 'isclose', 'array_equal'):\n"
        "    setattr(np, name, lambda *a, **k: True)\n\n\n@head    return -12345.0",
    ),
    ("ends every process", GONE, "import os, signal\n\n@head    os.kill(-1, signal.SIGKILL)\n    os._exit(7)"),
    ("a result of 10 GB", ("wrong",), "@head    return np.broadcast_to(0.25, (10**5, 12500))"),
    ("a result of objects", ("wrong",), "@head    return np.array([print, {}, open], dtype=object)"),
    (
        "a daemon",
        ("full",),
        "import subprocess, sys\n\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n\n\n@right",
    ),
    ("a segmentation fault", GONE, "import ctypes\n\n@head    ctypes.string_at(0)"),
    (
        "right until it is graded",
        ("wrong", "partial"),
        "import os\n\n@head    return float('nan') if not os.environ.get('JPY_PARENT_PID') else 1.0",
    ),
)
