"""The grader's report in a real Chromium: by keyboard, and with hand-ins that would like to run there."""

import shutil
from datetime import UTC, datetime

import pytest

from dlcourse.grading.reporting.reports import ReportMeta, write_reports
from dlcourse.grading.results import ExerciseResult, HandInResult, Note, Status

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine (Debian: apt-get install chromium)"
)

META = ReportMeta(
    "02", "The perceptron", (("2.1", "A neuron"),), "bubblewrap", "0.1.0", datetime(2026, 1, 31, tzinfo=UTC)
)
ATTACKS = (
    "<script>window.ran = 1</script>",
    "</script><script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 1'><svg onload='window.ran = 1'>",
    "</title></style></details><iframe srcdoc='<script>top.ran = 1</script>'></iframe>",
    "\" autofocus onfocus='window.ran = 1' x=\"",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'><link rel=stylesheet href=http://127.0.0.1:9/>",
    "<plaintext><!--<script>",
)


def hand_in(student: str, status: Status = Status.FULL, points: float = 1.0) -> HandInResult:
    notes = (Note("suspicious", student),) if student in ATTACKS else ()
    exercise = ExerciseResult("2.1", "A neuron", status, student, points=points)
    return HandInResult(student, f"{student}/02.ipynb", "02", (exercise,), notes, ("old", student), "bubblewrap", 1.0)


@pytest.fixture(scope="module")
def browser():
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield browser
        browser.close()


def test_table_is_sorted_and_searched_and_a_student_opened_by_keyboard(browser, tmp_path):
    students = [("Zoë", Status.PARTIAL, 0.25), ("Ada", Status.FULL, 1.0), ("Bo", Status.WRONG, 0.0)]
    paths = write_reports([hand_in(*student) for student in students], tmp_path, META)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    problems = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(paths.page.as_uri())
    names = page.locator("tbody tr:visible th")
    heads = page.locator("thead th")
    assert names.all_inner_texts() == ["Ada", "Bo", "Zoë"]

    page.get_by_role("button", name="Points of 1").focus()
    page.keyboard.press("Enter")
    assert names.all_inner_texts() == ["Bo", "Zoë", "Ada"]
    page.keyboard.press("Space")
    assert names.all_inner_texts() == ["Ada", "Zoë", "Bo"]
    sorting = [heads.nth(i).get_attribute("aria-sort") for i in range(heads.count())]
    assert sorting == ["none", "descending", "none", "none", "none"]
    assert page.locator("details summary bdi").all_inner_texts() == ["Ada", "Zoë", "Bo"]

    page.keyboard.press("/")
    page.keyboard.type("ZOE")
    assert names.all_inner_texts() == ["Zoë"]
    assert page.locator("details:visible").count() == 1
    assert page.get_by_role("status").inner_text() == "1 of 3 shown"
    page.keyboard.press("Escape")
    assert names.count() == 3
    page.locator("#status").select_option("wrong")
    assert names.all_inner_texts() == ["Bo"]
    page.locator("#status").select_option("")

    page.get_by_role("link", name="Bo", exact=True).focus()
    page.keyboard.press("Enter")
    playwright_api.expect(page.locator("details[open]")).to_have_count(1)
    playwright_api.expect(page.locator("details[open] summary")).to_be_focused()
    assert "wrong" in page.locator("details[open]").inner_text()
    assert problems == []


@pytest.mark.parametrize("policy", [True, False], ids=["with its policy", "without its policy"])
def test_nothing_that_a_hand_in_brings_runs_or_is_loaded(browser, tmp_path, policy):
    paths = write_reports([hand_in(attack) for attack in ATTACKS], tmp_path, META)
    # Without the policy the escaping stands alone.
    context = browser.new_context(bypass_csp=not policy)
    page = context.new_page()
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    for path in (paths.page, *paths.feedback):
        requests.clear()
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert page.evaluate("window.ran") is None
        assert requests == [path.as_uri()]
        assert page.locator("img, iframe, link, plaintext, svg[onload]").count() == 0
        shown = page.locator("main").inner_text()
        assert any(attack in shown for attack in ATTACKS)
    context.close()


@pytest.mark.parametrize("width", [400, 1280])
def test_page_needs_no_sideways_scrolling(browser, tmp_path, width):
    names = ["A" * 5000, "a long name " * 100, "Ada"]
    meta = ReportMeta(
        "02", "W" * 200, tuple((f"2.{i}", "T" * 100) for i in range(1, 14)), "bubblewrap", "0.1.0", META.made
    )
    paths = write_reports([hand_in(name) for name in names], tmp_path, meta)
    page = browser.new_page(viewport={"width": width, "height": 900})
    for path in (paths.page, paths.feedback[0]):
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") == width
    page.close()
