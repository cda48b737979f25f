"""What strangers write stays text in every report, and the reports say what the results are."""

import base64
import csv
import dataclasses
import hashlib
import io
import json
import re
import unicodedata
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dlcourse.grading.hostile_text import csv_cell, visible
from dlcourse.grading.reporting import reports
from dlcourse.grading.reporting.markup import tag
from dlcourse.grading.reporting.page import SCRIPT, TABLE_STYLE, report_page
from dlcourse.grading.reporting.reports import ReportMeta, grades_csv, results_json, write_reports
from dlcourse.grading.reporting.student_page import STYLE, feedback_page
from dlcourse.grading.results import ExerciseResult, HandInResult, InputClass, Note, Status

EXERCISES = (("2.1", "A neuron"), ("2.2", "Softmax"))
META = ReportMeta("02", "The perceptron", EXERCISES, "bubblewrap", "0.1.0", datetime(2026, 1, 31, 9, tzinfo=UTC))

ATTACKS = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    '" onmouseover="alert(1)" x="',
    "'><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "</title></style></textarea></details><h1>",
    "<!--",
    "]]><![CDATA[",
    "&lt;script&gt;&#60;b&#62;",
    "=cmd|' /C calc'!A0",
    '"=1+1"',
    "＝1+1",
    "a;=1+1",
    'a;"=1+1',
    "\t=1",
    "\r\n=1\n+2",
    "@SUM(1)",
    "\x1b]0;pwned\x07\x1b[2J",
    "\x9b31m",
    "\u202egnp.exe\u2066",
    "nul\x00byte, del\x7f",
    "\ud800",
    "Z" + "\u0301" * 500,
    "\u2028\u2029\u00ad\ufeff",
)
ANY_CHARACTER = st.characters(exclude_categories=())
SHARP = st.sampled_from("<>&\"'/=+-@;,|\t\r\n \x00\x1b\u202e＝")
TEXT = st.one_of(st.sampled_from(ATTACKS), st.text(st.one_of(SHARP, ANY_CHARACTER), min_size=1, max_size=40))


def hand_in(text: str = "Ada Lovelace", **changes) -> HandInResult:
    """A hand-in with `text` wherever a stranger's words can stand."""
    exercises = (
        ExerciseResult("2.1", "A neuron", Status.CRASHED, text),
        ExerciseResult("2.2", "Softmax", Status.PARTIAL, text, (InputClass("a", 1, 1), InputClass("b", 0, 2)), 0.25),
    )
    notes = (Note("added cell", text), Note("suspicious", text))
    result = HandInResult(text, text, "02", exercises, notes, ("first", text), "bubblewrap", 1.5, digest="0" * 64)
    return dataclasses.replace(result, **changes)


def unreadable(text: str = "Ada Lovelace") -> HandInResult:
    return hand_in(text, exercises=(), error=text, isolation="")


class Outline(HTMLParser):
    """Tags, with their attributes, and text apart."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self.style, self.script, self.open = [], [], "", "", []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, attributes))
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.tags.append((f"/{tag}", []))

    def handle_data(self, data):
        match self.open[-1:]:
            case ["style"]:
                self.style += data
            case ["script"]:
                self.script += data
            case _:
                self.texts.append(data)

    def handle_comment(self, data):
        self.tags.append(("comment", []))

    def unknown_decl(self, data):
        self.tags.append(("declaration", []))

    def of(self, name: str) -> list[dict]:
        return [dict(attributes) for tag, attributes in self.tags if tag == name]


def pages(text: str) -> list[str]:
    results = [hand_in(text), unreadable(text)]
    return [
        report_page(results, ["feedback/a.html", "feedback/b.html"], META),
        *(feedback_page(result, META.heading, 2, "foot") for result in results),
    ]


PLAIN = [Outline(page) for page in pages("Ada Lovelace")]


@settings(max_examples=60, deadline=None)
@given(TEXT)
@example(ATTACKS[0])
@example(ATTACKS[2])
def test_html_has_the_same_tags_and_attributes_whatever_a_stranger_writes(text):
    for page, plain in zip(pages(text), PLAIN, strict=True):
        outline = Outline(page)
        # Compared first and asserted then: pytest's picture of two long pages' difference takes minutes.
        same = (outline.tags, outline.style, outline.script) == (plain.tags, plain.style, plain.script)
        assert same and outline.open == []
        shown = visible(text) in "".join(outline.texts)
        assert shown
        obeyed = [character for character in page if acts(character)]
        assert obeyed == []


def acts(character: str) -> bool:
    """Whether a terminal, a page or a reader's eye would obey this character (the joiners spell Persian)."""
    kept = "\n\u200c\u200d"
    return character not in kept and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def is_formula(cell: str) -> bool:
    start = unicodedata.normalize("NFKC", cell.lstrip(' "\t\u200c\u200d'))[:1]
    return start != "" and start in "=+-@\u2212"


@settings(max_examples=150, deadline=None)
@given(TEXT)
@example("=cmd|' /C calc'!A0")
@example("a;=1+1")
@example("\n=1")
@example("＝1")
def test_csv_reads_back_to_the_same_rows_and_no_cell_is_a_formula(text):
    file = grades_csv([hand_in(text), unreadable(text)], META)
    assert file.startswith("\ufeff")
    assert not any(acts(character) and character != "\r" for character in file[1:])
    head, *rows = csv.reader(io.StringIO(file[1:], newline=""))
    assert head == ["student", "points", "possible", "2.1 points", "2.1 result", "2.2 points", "2.2 result",
                    "notes", "attempts", "hand-in", "not graded because"]  # fmt: skip
    name = csv_cell(text)
    assert rows == [
        [name, "0.25", "2", "0", "crashed", "0.25", "partial", "2", "2", name, ""],
        [name, "", "2", "", "", "", "", "2", "2", name, name],
    ]
    # Half of Europe's Excels cut at semicolons.
    for separator in ",;|":
        for row in csv.reader(io.StringIO(file[1:], newline=""), delimiter=separator):
            assert not any(is_formula(cell) for cell in row), row
    # What was put in are apostrophes and nothing else.
    plain = " ".join(visible(text, 1000).split())
    assert name.replace("'", "") == plain.replace("'", "")


@given(TEXT)
def test_json_reads_back_to_the_results_and_is_plain_ascii(text):
    results = [hand_in(text), unreadable(text)]
    written = results_json(results, ["feedback/a.html", "feedback/b.html"], META)
    assert written.isascii()
    assert written.replace("\n", "").isprintable()
    assert "<" not in written
    read = json.loads(written)
    assert [rebuild(entry) for entry in read["hand_ins"]] == results
    assert [entry["points"] for entry in read["hand_ins"]] == [0.25, 0]
    assert [entry["graded"] for entry in read["hand_ins"]] == [True, False]
    assert read["made"] == "2026-01-31T09:00:00+00:00"


def rebuild(entry: dict) -> HandInResult:
    known = {field.name for field in dataclasses.fields(HandInResult)}
    kept = {key: value for key, value in entry.items() if key in known}
    exercises = tuple(
        ExerciseResult(
            **{
                **exercise,
                "status": Status(exercise["status"]),
                "classes": tuple(InputClass(**one) for one in exercise["classes"]),
            }
        )
        for exercise in entry["exercises"]
    )
    notes = tuple(Note(**note) for note in entry["notes"])
    return HandInResult(**{**kept, "exercises": exercises, "notes": notes, "attempts": tuple(entry["attempts"])})


def test_feedback_of_hostile_names_lands_in_the_folder_and_each_has_a_file(tmp_path):
    names = [
        "../../x",
        "CON",
        "a/b",
        "a b",
        "A B",
        "/etc/passwd",
        "C:\\x",
        "",
        ".",
        "x" * 5000,
        "Ada\x00",
        "same",
        "same",
    ]
    out = tmp_path / "report"
    paths = write_reports([hand_in(name) for name in names], out, META)
    assert {path.resolve().parent for path in paths.feedback} == {out / "feedback"}
    assert len({path.name.casefold() for path in paths.feedback}) == len(names)
    assert sorted(tmp_path.rglob("*")) == sorted(
        [out, out / "feedback", paths.grades, paths.results, paths.page, *paths.feedback]
    )
    for name, path in zip(names, paths.feedback, strict=True):
        assert visible(name[:400]) in "".join(Outline(path.read_text("utf-8")).texts)
    links = [
        link["href"] for link in Outline(paths.page.read_text("utf-8")).of("a") if not link["href"].startswith("#")
    ]
    assert sorted(links) == sorted(f"feedback/{path.name}" for path in paths.feedback)


def test_attributes_are_escaped_although_no_stranger_writes_one():
    [(name, attributes), _] = Outline(tag("p", data_v="\"'><script>\x1b", hidden=True, id=None)).tags
    assert (name, attributes) == ("p", [("data-v", "\"'><script>\\x1b"), ("hidden", None)])


def test_policy_allows_the_one_style_and_the_one_script_and_nothing_else():
    for page in pages("Ada"):
        outline = Outline(page)
        assert outline.tags[:4] == [
            ("html", [("lang", "en")]),
            ("head", []),
            ("meta", [("charset", "utf-8")]),
            ("meta", outline.tags[3][1]),
        ]
        meta = dict(outline.tags[3][1])
        assert meta["http-equiv"] == "Content-Security-Policy"
        policy = dict(part.split(" ", 1) for part in meta["content"].split("; "))
        assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
        assert policy["style-src"] == f"'sha256-{digest(outline.style)}'"
        script = f"'sha256-{digest(outline.script)}'" if outline.script else "'none'"
        assert policy["script-src"] == script
        assert len(outline.of("script")) == (outline.script != "")
        for element, attributes in outline.tags:
            assert element not in ("iframe", "object", "embed", "link", "base", "img", "form")
            for name, value in attributes:
                assert name not in ("style", "src", "srcset", "srcdoc", "action")
                assert not name.startswith("on")
                assert name != "href" or value.startswith(("#", "feedback/"))
    assert "</" not in SCRIPT + STYLE + TABLE_STYLE
    assert "url(" not in STYLE + TABLE_STYLE
    assert re.search(r"innerHTML|outerHTML|insertAdjacent|eval|fetch|import", SCRIPT) is None


def digest(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


@pytest.mark.parametrize(
    ("batch", "single", "warns"),
    [
        ("bubblewrap", "bubblewrap", False),
        ("none (unsafe)", "none (unsafe)", True),
        # A result kept from an earlier, unsafe run.
        ("bubblewrap", "none (unsafe)", True),
    ],
)
def test_a_report_of_unsafe_grading_says_so_loudly(batch, single, warns):
    meta = dataclasses.replace(META, isolation=batch)
    results = [hand_in(), hand_in("Alan", isolation=single)]
    outline = Outline(report_page(results, ["feedback/a.html", "feedback/b.html"], meta))
    assert [paragraph for paragraph in outline.of("p") if paragraph.get("class") == "banner"] == (
        [{"class": "banner", "role": "note"}] if warns else []
    )
    assert ("Graded without isolation (--unsafe)." in outline.texts) is warns
    assert json.loads(results_json(results, ["a", "b"], meta))["unsafe"] is warns


def test_summary_and_bars_count_what_the_results_are():
    results = [
        one("full marks", Status.FULL, 1, Status.FULL, 1),
        one("half", Status.FULL, 1, Status.PARTIAL, 0.25),
        one("none", Status.WRONG, 0, Status.TIMED_OUT, 0),
        unreadable("broken"),
    ]
    outline = Outline(report_page(results, [f"feedback/{i}.html" for i in range(4)], META))
    text = "".join(outline.texts)
    assert "4, 1 could not be graded" in text
    assert "1.08 of 2 points (54%)" in text
    assert "Median1.25" in text
    assert "2026-01-31 09:00 UTC, dlcourse 0.1.0" in text
    assert "2.1 A neuron67% of the points✓ 2 full✗ 1 wrong" in text
    assert "2.2 Softmax42% of the points✓ 1 full◐ 1 partial◷ 1 timed out" in text
    assert [(bar["class"], bar["x"], bar["width"]) for bar in outline.of("rect")] == [
        ("full", "0.000%", "66.667%"),
        ("wrong", "66.667%", "33.333%"),
        ("full", "0.000%", "33.333%"),
        ("partial", "33.333%", "33.333%"),
        ("timed-out", "66.667%", "33.333%"),
    ]


def one(student: str, first: Status, first_points: float, second: Status, second_points: float) -> HandInResult:
    exercises = (
        ExerciseResult("2.1", "A neuron", first, points=first_points),
        ExerciseResult("2.2", "Softmax", second, points=second_points),
    )
    return hand_in(student, exercises=exercises)


def test_every_status_is_told_by_a_symbol_and_a_word_besides_its_colour():
    for status in Status:
        result = one("Ada", status, 0.5, status, 0.5)
        outline = Outline(report_page([result], ["feedback/a.html"], META))
        kind = status.value.replace(" ", "-")
        assert re.search(rf"td\.{kind}::before {{ content: \"\S\" / \"\"; }}", TABLE_STYLE)
        assert f"--{kind}:" in STYLE
        assert outline.texts.count(status.value) >= 2
        assert outline.texts.count(f" {status.value}") >= 2


def test_one_hand_in_cannot_swell_the_page():
    flood = "\x00" * 100_000
    result = hand_in(flood, notes=(Note("added cell", flood),) * 5000, attempts=(flood,) * 5000)
    page = report_page([result], ["feedback/a.html"], META)
    assert len(page) < 600_000
    assert "and 4,900 more, in results.json" in page
    assert len(grades_csv([result], META)) < 10_000


def test_feedback_keeps_the_suspicious_notes_for_the_grader(tmp_path):
    notes = (Note("changed cell", "SEEN"), Note("suspicious", "HIDDEN"))
    paths = write_reports([hand_in(notes=notes)], tmp_path, META)
    feedback, page = paths.feedback[0].read_text("utf-8"), paths.page.read_text("utf-8")
    assert "SEEN" in feedback and "HIDDEN" not in feedback
    assert "SEEN" in page and "HIDDEN" in page


def test_feedback_that_no_longer_holds_goes_and_other_files_stay(tmp_path):
    first = write_reports([hand_in("Ada"), hand_in("Alan")], tmp_path, META)
    own = tmp_path / "feedback" / "my_notes.html"
    own.write_text("<p>mine</p>")
    (tmp_path / ".state").mkdir()
    (tmp_path / ".state" / "Alan.html").write_bytes(first.feedback[1].read_bytes())
    second = write_reports([hand_in("Ada")], tmp_path, META)
    assert sorted((tmp_path / "feedback").iterdir()) == sorted([second.feedback[0], own])
    assert (tmp_path / ".state" / "Alan.html").exists()


def test_results_json_is_there_only_when_everything_else_is(tmp_path, monkeypatch):
    written = []

    def write(path: Path, content: str) -> None:
        assert path.parent in (tmp_path, tmp_path / "feedback")
        written.append(path.name)

    monkeypatch.setattr(reports, "write_atomically", write)
    write_reports([hand_in("Ada"), hand_in("Alan")], tmp_path, META)
    assert written == ["Ada.html", "Alan.html", "grades.csv", "report.html", "results.json"]


def test_the_same_results_give_the_same_bytes_in_any_order():
    results = [hand_in("Zoë"), hand_in("ada"), hand_in("Bo")]
    names = ["feedback/z.html", "feedback/a.html", "feedback/b.html"]
    page = report_page(results, names, META)
    assert report_page(results[::-1], names[::-1], META) == page
    order = [page.index(f">{name}</bdi></a>") for name in ("ada", "Bo", "Zoë")]
    assert order == sorted(order)


def test_no_hand_ins_and_no_exercises_make_a_report_too(tmp_path):
    empty = write_reports([], tmp_path / "empty", META)
    assert "Hand-ins" in empty.page.read_text("utf-8")
    assert empty.grades.read_text("utf-8-sig").count("\n") == 1
    bare = write_reports([unreadable()], tmp_path / "bare", dataclasses.replace(META, exercises=()))
    assert "not graded" in bare.page.read_text("utf-8")


def test_a_date_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        dataclasses.replace(META, made=datetime(2026, 1, 31))
