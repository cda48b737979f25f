"""Settings of the whole test run: thread caps before anything imports NumPy, and the notebooks' time budgets."""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from pathlib import Path

import psutil
import pytest

from dlcourse.execution import reference_environment

for name, value in reference_environment().items():
    os.environ.setdefault(name, value)

# A lab's source would run as a whole if pytest imported it in search of doctests.
collect_ignore_glob = ["solutions/*.py", "tools/*", "benchmarks/*", "build/*"]

ROOT = Path(__file__).parent
CPU_SECONDS = "kernel_cpu_seconds"
seconds_by_notebook: dict[str, float] = defaultdict(float)


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Closes what pictures the test left open, and notes how much processor time a notebook's kernel has used so far.

    Processor time, not the clock: kernels run with one thread, so on two quiet cores the two are the same, and a busy
    machine does not fail a lab that is fast enough.
    """
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
    manager = getattr(getattr(item.parent, "kernel", None), "km", None)
    if manager is not None and manager.is_alive():
        used = psutil.Process(manager.provisioner.pid).cpu_times()
        item.user_properties.append((CPU_SECONDS, used.user + used.system))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for seconds in (value for name, value in report.user_properties if name == CPU_SECONDS):
        notebook = report.nodeid.split("::")[0]
        seconds_by_notebook[notebook] = max(seconds_by_notebook[notebook], seconds)


def over_budget() -> list[str]:
    """Notebooks that used more processor time than the budget in their metadata."""
    return [name for name, seconds in seconds_by_notebook.items() if seconds > budget_seconds(name)]


def budget_seconds(notebook: str) -> float:
    return json.loads((ROOT / notebook).read_text(encoding="utf-8"))["metadata"]["dlcourse"]["budget_seconds"]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if over_budget() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not seconds_by_notebook:
        return
    terminalreporter.section("notebooks: processor seconds used, of budget")
    for name, seconds in sorted(seconds_by_notebook.items()):
        verdict = "  OVER BUDGET" if seconds > budget_seconds(name) else ""
        terminalreporter.write_line(f"{seconds:6.1f} of {budget_seconds(name):.0f} s  {name}{verdict}")
