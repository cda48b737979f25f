"""Labs in a real JupyterLab in a real Chromium, as a participant uses them."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import lab_source
import nbformat
import pytest

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine (Debian: apt-get install chromium)"
)

SOURCES = lab_source.select_sources(["01", "02", "06"])
SETTINGS = {
    # All cells stay in the page, so that the test can see them.
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
}
LAB_SECONDS = 120
# True once every cell has its number, or one has written to stderr.
FINISHED = """cells => {
    const prompts = [...document.querySelectorAll(".jp-Notebook .jp-CodeCell .jp-InputPrompt")];
    const numbered = prompts.filter(prompt => /^\\[\\d+\\]:$/.test(prompt.innerText.trim()));
    const failed = document.querySelector('[data-mime-type="application/vnd.jupyter.stderr"]');
    return failed !== null || numbered.length === cells;
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A JupyterLab on copies of the labs; yields its address and folder."""
    folder = tmp_path_factory.mktemp("jupyterlab")
    notebooks = folder / "labs"
    notebooks.mkdir()
    for source in SOURCES:
        shutil.copy(lab_source.notebook_paths(source)[1], notebooks)
    for name, settings in SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    options = [
        f"--port={port}",
        "--port-retries=0",
        "--no-browser",
        "--allow-root",
        f"--ServerApp.root_dir={notebooks}",
    ]
    environment = {
        **os.environ,
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "JUPYTER_TOKEN": token,
    }
    environment.pop("PYTEST_CURRENT_TEST", None)
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_until_up(f"http://127.0.0.1:{port}/api/status?token={token}", process)
            yield f"http://127.0.0.1:{port}/lab/workspaces/{{workspace}}/tree/{{name}}.ipynb?token={token}"
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until_up(address: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            process.poll()
            time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not come up (exit code {process.poll()})")


@pytest.fixture(scope="module")
def page():
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(60_000)
        yield page
        browser.close()


def open_notebook(page, server: str, name: str) -> None:
    # A workspace of its own: the default one would bring the other lab's tab back.
    page.goto(server.format(workspace=name, name=name))
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    # Run All before the kernel is idle opens a dialog over stored outputs, and a test would pass without running.
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.locator(".jp-Notebook .jp-MarkdownCell").first.click()
    assert set(prompts(page)) == {"[ ]:"}


def prompts(page) -> list[str]:
    return [text.strip() for text in page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt").all_inner_texts()]


def run_all(page, cells: int) -> None:
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    try:
        page.wait_for_function(FINISHED, arg=cells, timeout=LAB_SECONDS * 1000)
    except playwright_api.TimeoutError:
        page.screenshot(path="build/jupyterlab.png")
        pytest.fail(f"after {LAB_SECONDS} s the prompts are {prompts(page)}; see build/jupyterlab.png")
    assert errors(page) == []
    assert prompts(page) == [f"[{count}]:" for count in range(1, cells + 1)]
    assert page.locator(".jp-Dialog").count() == 0


def errors(page) -> list[str]:
    """Tracebacks, which JupyterLab shows like any text on stderr; a lab writes nothing else there."""
    return page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]').all_inner_texts()


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_unsolved_lab_runs_to_its_end_and_a_solved_exercise_passes(page, server, source):
    worked, lab = (nbformat.read(path, as_version=4) for path in lab_source.notebook_paths(source))
    cells = lab_source.code_cells(lab)
    open_notebook(page, server, source.stem)
    run_all(page, len(cells))
    position = next(index for index, cell in enumerate(cells) if cell["id"].startswith("exercise-"))
    number = cells[position].metadata.dlcourse.exercise
    code = page.locator(".jp-Notebook .jp-CodeCell")
    verdict = code.nth(position + 1).locator(".jp-OutputArea")
    assert "not yet" in verdict.inner_text()
    drawn = page.locator('.jp-OutputArea-output img[src^="data:image/png"]')
    assert drawn.count() >= 3
    assert drawn.first.evaluate("image => image.naturalWidth") > 100

    code.nth(position).locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(next(cell.source for cell in worked.cells if cell["id"] == cells[position]["id"]))
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    playwright_api.expect(verdict).to_contain_text("passed", timeout=30_000)
    assert number in verdict.inner_text()
