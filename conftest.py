"""Settings of the whole test run: thread caps before anything imports NumPy, and the notebooks' time budgets."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path

import pytest

from dlcourse.execution import reference_environment

for name, value in reference_environment().items():
    os.environ.setdefault(name, value)

# A lab's source would run as a whole if pytest imported it in search of doctests.
collect_ignore_glob = ["solutions/*.py", "tools/*", "benchmarks/*", "build/*"]

ROOT = Path(__file__).parent
seconds_by_notebook: dict[str, float] = defaultdict(float)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    notebook = report.nodeid.split("::")[0]
    if notebook.endswith(".ipynb"):
        seconds_by_notebook[notebook] += report.duration


def over_budget() -> list[str]:
    """Notebooks that took longer than the budget in their metadata."""
    return [name for name, seconds in seconds_by_notebook.items() if seconds > budget_seconds(name)]


def budget_seconds(notebook: str) -> float:
    return json.loads((ROOT / notebook).read_text(encoding="utf-8"))["metadata"]["dlcourse"]["budget_seconds"]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if over_budget() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not seconds_by_notebook:
        return
    terminalreporter.section("notebooks: seconds used, of budget")
    for name, seconds in sorted(seconds_by_notebook.items()):
        verdict = "  OVER BUDGET" if seconds > budget_seconds(name) else ""
        terminalreporter.write_line(f"{seconds:6.1f} of {budget_seconds(name):.0f} s  {name}{verdict}")
