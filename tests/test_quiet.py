"""A module that talks at its import is heard no more; one that fails still is."""

import sys

import pytest

from dlcourse.quiet import quiet_import


def test_what_c_code_writes_during_the_import_is_not_shown(tmp_path, monkeypatch, capfd):
    (tmp_path / "talker.py").write_text("import os\nos.write(2, b'oneDNN custom operations are on')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert quiet_import("talker") is sys.modules["talker"]
    assert capfd.readouterr().err == ""


def test_stderr_is_back_afterwards_even_if_the_import_fails(capfd):
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        quiet_import("no_such_module")
    print("still here", file=sys.stderr)
    assert "still here" in capfd.readouterr().err
