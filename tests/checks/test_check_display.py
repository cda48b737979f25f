"""Text in a console, the same words as accessible HTML in a notebook; progress as a table."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from dlcourse.checks import check, find_exercise, progress, reset_progress
from dlcourse.checks.verdict import STYLES, Verdict


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        self.hidden += ("aria-hidden", "true") in attrs

    def handle_endtag(self, tag: str) -> None:
        self.hidden = 0

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.words.append(data)


def words_of(markup: str) -> _Words:
    parser = _Words()
    parser.feed(markup)
    return parser


def wrong(values):
    return values.mean(), values.var() + 1


def stub(z):
    raise NotImplementedError


def do_some() -> None:
    check("99.1", find_exercise("99.1").reference)
    check("99.3", wrong)
    check("99.2", stub)


def test_progress_is_a_small_table(lab: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    do_some()
    capsys.readouterr()
    progress()
    assert capsys.readouterr().out == (
        "Lab 99: 1 of 3 exercises passed\n"
        "  99.1  passed       A neuron\n"
        "  99.2  not yet      Rows that sum to one\n"
        "  99.3  not right    Mean & <variance>\n"
    )


def test_progress_names_the_lab_or_takes_the_last(lab: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    progress()
    progress("99")
    check("99.1", stub)
    reset_progress()
    progress("lab_99")
    said = capsys.readouterr().out
    assert said.startswith("No exercise has been checked yet")
    assert said.count("Lab 99: 0 of 3 exercises passed") == 2 and said.count("not tried") == 6


def test_a_later_check_counts(lab: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    check("99.1", stub)
    check("99.1", find_exercise("99.1").reference)
    progress()
    assert "Lab 99: 1 of 3 exercises passed" in capsys.readouterr().out


@pytest.mark.parametrize("status", list(STYLES))
def test_the_box_says_in_words_what_the_line_says(status: str) -> None:
    verdict = Verdict("99.1", status, "Mean & <variance>", 'For a < b & "c"', "<script>alert(1)</script>")
    parser = words_of(verdict.html)
    shown = " ".join("".join(parser.words).replace(".", " ").replace("Hint", " Hint").split())
    if status != "passed":
        assert all(word in shown for word in verdict.text.replace(".", " ").split())
    assert "script" not in parser.tags
    assert set(parser.tags) <= {"div", "span", "strong", "br"}


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("status", list(STYLES))
def test_the_boxes_are_readable_wcag_contrast_above_seven(status: str) -> None:
    _, text, background = STYLES[status]
    assert (luminance(background) + 0.05) / (luminance(text) + 0.05) > 7


class Kernel:
    """Stands for the shell of a notebook."""

    kernel = object()


def test_in_a_notebook_the_text_and_the_box_go_out_together(
    lab: Callable, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    display = pytest.importorskip("IPython.display")
    import contextlib

    import IPython

    from dlcourse.checks import surroundings

    shown: list[dict] = []
    monkeypatch.setattr(IPython, "get_ipython", Kernel)
    monkeypatch.setattr(surroundings, "_no_displays", contextlib.nullcontext)
    monkeypatch.setattr(display, "display", lambda bundle, raw: shown.append(bundle))
    do_some()
    progress()
    assert capsys.readouterr().out == ""
    assert [bundle["text/plain"].split(":")[0] for bundle in shown] == [
        "99.1 passed",
        "99.3 not right",
        "99.2 not yet",
        "Lab 99",
    ]
    table = words_of(shown[-1]["text/html"])
    assert "Lab 99: 1 of 3 exercises passed" in table.words and "Mean & <variance>" in table.words
    assert {"caption", "th", "td"} <= set(table.tags)


def test_in_a_real_kernel_only_the_verdict_is_displayed() -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    cells = [
        "import sys, types; from dlcourse.checks import Case, Exercise, check, progress\n"
        "lab = types.ModuleType('dlcourse.checks.lab_99')\n"
        "lab.EXERCISES = (Exercise('99.1', 'Twice', lambda x: 2 * x,"
        " lambda rng: [Case((n,)) for n in range(1, 6)]),)\n"
        "sys.modules[lab.__name__] = lab",
        "from IPython.display import display, HTML\n"
        "def twice(x):\n    print('noise'); print('noise', file=sys.stderr); display(HTML('noise'))\n    return 3 * x\n"
        "twice = check('99.1', twice)\nassert twice(1) == 2",
        "progress()",
        "check('99.1', lambda x: input());",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    outputs = [cell.outputs for cell in notebook.cells]
    assert [len(out) for out in outputs] == [0, 1, 1, 1]
    assert all(out[0].output_type == "display_data" for out in outputs[1:])
    assert outputs[1][0].data["text/plain"] == (
        "99.1 not right: Twice. For x = 1 it returned 3, expected 2. Hint: every number is 3/2 times what it should be."
    )
    assert "noise" not in str(outputs) and 'role="status"' in outputs[1][0].data["text/html"]
    assert outputs[2][0].data["text/plain"].startswith("Lab 99: 0 of 1 exercise passed")
    assert "input() is not available" in outputs[3][0].data["text/plain"]


def test_a_console_that_knows_ascii_alone_gets_its_line(lab: Callable) -> None:
    code = (
        "from dlcourse.checks.checker import show\n"
        "show('5.1 passed: Schr\\u00f6dinger', '')\n"
        "import sys; print(sorted({'tensorflow', 'keras', 'pandas', 'IPython', 'matplotlib'} & set(sys.modules)))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        check=True,
    )
    assert ran.stdout.splitlines() == ["5.1 passed: Schr\\xf6dinger", "[]"]
