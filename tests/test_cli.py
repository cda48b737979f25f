import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
from rich.console import Console
from typer.testing import CliRunner

import dlcourse.catalog
from dlcourse import cli, doctor

runner = CliRunner()


@pytest.fixture
def small_course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A course of one tiny lab in two versions, in place of the real ones."""

    def make(cells: list[str], requires: list[str] | None = None) -> Path:
        about = {"number": "02", "title": "Tiny", "minutes": 20, "needs": "a laptop CPU", "requires": requires or []}
        for folder in ("labs", "solutions"):
            (tmp_path / folder).mkdir(exist_ok=True)
            notebook = nbformat.v4.new_notebook(
                cells=[nbformat.v4.new_code_cell(source) for source in cells], metadata={"dlcourse": about}
            )
            notebook.cells[-1].metadata["tags"] = ["headline"]
            nbformat.write(notebook, tmp_path / folder / "02_tiny.ipynb")
        monkeypatch.setattr(dlcourse.catalog, "notebook_root", lambda: tmp_path)
        return tmp_path

    return make


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch):
    """No line of a table is broken, wherever the tests run."""
    monkeypatch.setattr(cli, "out", Console(width=200))
    monkeypatch.setattr(cli, "err", Console(width=200, stderr=True))


def call(*arguments: str):
    return runner.invoke(cli.app, list(arguments))


def test_labs_lists_number_title_minutes_and_needs():
    result = call("labs")
    assert result.exit_code == 0
    assert "01" in result.output and "Gradient descent" in result.output
    assert "02" in result.output and "minutes" in result.output


def test_version_is_the_distribution_s():
    assert metadata.version("dlcourse") in call("--version").output


@pytest.mark.parametrize("command", [[], ["labs"], ["run"], ["doctor"], ["data"], ["data", "list"], ["data", "fetch"]])
def test_every_command_has_help(command):
    result = call(*command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output


@pytest.mark.parametrize(("number", "named"), [("2x", "02_"), ("multilayer", "02_multilayer"), ("99", "01_")])
def test_unknown_lab_names_the_close_ones_and_exits_with_2(number, named):
    result = call("run", number)
    assert result.exit_code == 2
    assert named in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["fetch", "verify"])
def test_unknown_data_set_names_the_close_ones_and_exits_with_2(command):
    result = call("data", command, "mnst")
    assert result.exit_code == 2
    assert "mnist" in result.output


def test_data_list_names_every_data_set_and_the_two_places(monkeypatch, tmp_path):
    monkeypatch.setenv("DLCOURSE_DATA_DIR", str(tmp_path))
    result = call("data", "list")
    assert result.exit_code == 0
    assert all(name in result.output for name in ("iris", "digits", "mnist", str(tmp_path), "cache"))


def test_verify_fails_on_a_damaged_file_and_names_it(monkeypatch, tmp_path):
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(b"not the labels")
    monkeypatch.setenv("DLCOURSE_DATA_DIR", str(tmp_path))
    result = call("data", "verify")
    assert result.exit_code == 1
    assert "t10k-labels-idx1-ubyte.gz" in result.output


def test_run_leaves_notebook_and_page_and_prints_headline_and_verdicts(small_course, tmp_path):
    small_course(["print('2.1 passed: A neuron (5 cases)')", "print('accuracy at least 0.97: True')"])
    result = call("run", "2", "--solution", "--output", str(tmp_path / "build"))
    assert result.exit_code == 0
    assert "accuracy at least 0.97: True" in result.output
    assert "1 of 1 exercises passed" in result.output
    executed = nbformat.read(tmp_path / "build" / "02_tiny.ipynb", as_version=4)
    assert executed.cells[1].outputs[0].text == "accuracy at least 0.97: True\n"
    assert "accuracy at least" in (tmp_path / "build" / "02_tiny.html").read_text()
    assert sorted(path.name for path in (tmp_path / "build").iterdir()) == ["02_tiny.html", "02_tiny.ipynb"]


def test_run_of_a_failing_lab_says_which_cell_and_keeps_what_ran(small_course, tmp_path):
    small_course(["print('before')", "1 / 0"])
    result = call("run", "02", "--output", str(tmp_path / "build"))
    assert result.exit_code == 1
    assert "cell [2] failed: 1 / 0" in result.output and "ZeroDivisionError" in result.output
    assert "before" in (tmp_path / "build" / "02_tiny.ipynb").read_text()


def test_run_refuses_a_lab_whose_packages_are_missing(small_course):
    small_course(["1"], requires=["no-such-distribution"])
    result = call("run", "02")
    assert result.exit_code == 1
    assert "needs no-such-distribution" in result.output


def test_doctor_passes_where_every_lab_can_run():
    result = call("doctor")
    assert result.exit_code == 0
    assert all(
        word in result.output for word in ("Python", "numpy", "cores", "free memory", "accelerator", "data: mnist")
    )


def test_doctor_exits_with_1_and_says_what_to_do_when_a_lab_cannot_run(small_course):
    small_course(["1"], requires=["no-such-distribution"])
    result = call("doctor")
    assert result.exit_code == 1
    assert "cannot run: no-such-distribution missing" in result.output
    assert "pip install" in result.output


@pytest.mark.parametrize(
    ("installed", "level", "word"),
    [
        ("2.4.6", "ok", ""),
        ("2.4.9", "ok", ""),
        ("2.3", "note", "older"),
        ("3.0", "note", "newer"),
        (None, "note", "tested"),
    ],
)
def test_versions_are_judged_against_the_tested_ones(installed, level, word):
    finding = doctor.compare_version("numpy", installed, ["2.4.6", "2.5.5"])
    assert finding.level.value == level
    assert word in finding.advice


def test_tested_versions_are_those_of_the_lock():
    import record_versions

    assert record_versions.TARGET.read_text(encoding="utf-8") == record_versions.text()


@pytest.mark.parametrize(
    "module", ["dlcourse", "dlcourse.cli", "dlcourse.foundations", "dlcourse.datasets", "dlcourse.checks"]
)
def test_light_parts_import_without_tensorflow_and_keras(module):
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert {"tensorflow", "keras", "tf_keras", "tf_agents", "torch"}.isdisjoint(loaded)


def test_bare_package_imports_nothing_heavy():
    code = "import sys; before = set(sys.modules); import dlcourse; print(*(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == ["dlcourse"]
