import subprocess
import sys

import pytest

from dlcourse.progress import track

BAR = "from dlcourse.progress import track\nfor _ in track(range(3), 'training', unit='epoch'): pass"


def run(code: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)


def test_items_come_through_in_order():
    assert list(track([3, 1, 2], "sorting")) == [3, 1, 2]


def test_no_bar_without_a_terminal():
    result = run(BAR)
    assert (result.stdout, result.stderr) == ("", "")


def test_bar_in_a_notebook_kernel_is_on_stdout_and_names_the_work():
    result = run("import ipykernel\n" + BAR)
    assert "training" in result.stdout and "epoch" in result.stdout
    assert result.stderr == ""


def test_variable_silences_the_bar_everywhere():
    assert run("import ipykernel\n" + BAR, DLCOURSE_PROGRESS="0").stdout == ""


def test_figures_can_stand_beside_the_bar():
    bar = track(range(2), "training")
    bar.set_postfix(loss=0.5)
    with pytest.raises(StopIteration):
        iterator = iter(bar)
        while True:
            next(iterator)
