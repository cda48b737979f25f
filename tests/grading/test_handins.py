"""Hand-ins: whose they are in Moodle's and other forms, which attempt counts, and files that must do no harm."""

from __future__ import annotations

import io
import json
import os
import resource
import socket
import stat
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlcourse.catalog import find_lab
from dlcourse.grading.reading import archives, handins
from dlcourse.grading.reading.archives import Budget, UnreadableArchiveError, members, open_archive, read_member
from dlcourse.grading.reading.handins import HandIn, find_handins
from dlcourse.grading.reading.lab_cells import TrustedLab
from dlcourse.grading.reading.notebook_file import ReadingLimits, UnreadableNotebookError, read_notebook

LAB = TrustedLab.read(find_lab("02").unsolved)
SMALL = ReadingLimits(notebook_bytes=20_000, archive_bytes=100_000, unpacked_bytes=100_000, entries=100)


def notebook(*sources: str, number: str = "02", **more: Any) -> bytes:
    cells = [
        {"cell_type": "code", "id": f"c{place}", "metadata": {}, "source": source, "outputs": []}
        for place, source in enumerate(sources or ("def neuron(x, w0, w):\n    return 1",))
    ]
    about = {"dlcourse": {"number": number}} if number else {}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": about, "cells": cells}
    return json.dumps(document | more).encode()


def lay_out(root: Path, files: Mapping[str, bytes], start: int = 1_700_000_000) -> Path:
    """Files in a folder, each a day newer than the one before."""
    for day, (name, content) in enumerate(files.items()):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (start + day * 86_400,) * 2)
    return root


def zipped(files: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The same as a zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for day, (name, content) in enumerate(files.items(), start=1):
            info = zipfile.ZipInfo(name, (2026, 3, day, 12, 0, 0))
            info.compress_type = compression
            archive.writestr(info, content)
    return packed.getvalue()


def found(root: Path, limits: ReadingLimits | None = None) -> dict[str, HandIn]:
    handed_in = find_handins(root, LAB, limits)
    by_student = {handin.student: handin for handin in handed_in}
    assert len(by_student) == len(handed_in)
    for handin in handed_in:
        assert (handin.notebook is None) == bool(handin.error)
        text = [handin.student, handin.source, handin.error, *handin.attempts, *(note.text for note in handin.notes)]
        assert all(line.isprintable() for line in text)
    return by_student


def only(root: Path, limits: ReadingLimits | None = None) -> HandIn:
    (handin,) = found(root, limits).values()
    return handin


MOODLE = {
    "Anna Rossi_12345_assignsubmission_file_/02_multilayer_perceptron.ipynb": notebook(),
    "Zoë O'Neil-Ito_12399_assignsubmission_file_/work/Untitled.ipynb": notebook(),
    "Anna Rossi_777_assignsubmission_file/02.ipynb": notebook(),
    "Participant_4711_assignsubmission_file_/my lab.zip": zipped({"a/02.ipynb": notebook()}),
    "Anna Rossi_777_assignsubmission_onlinetext_/onlinetext.html": b"<p>see file</p>",
    "Bo_12_assignsubmission_file_/report.pdf": b"%PDF",
}


@pytest.mark.parametrize("form", ["folder", "zip", "zip in a folder", "folder in a zip"])
def test_moodles_folders_are_read_in_each_form(tmp_path: Path, form: str) -> None:
    if form == "folder":
        root = lay_out(tmp_path / "batch", MOODLE)
    else:
        files = {f"export/{name}": content for name, content in MOODLE.items()} if form == "folder in a zip" else MOODLE
        root = lay_out(tmp_path / "batch", {"export.zip": zipped(files)})
        root = root if form == "zip in a folder" else root / "export.zip"
    batch = found(root)
    assert set(batch) == {"Anna Rossi (12345)", "Anna Rossi (777)", "Bo", "Participant", "Zoë O'Neil-Ito"}
    assert {handin.key for handin in batch.values()} >= {"Anna Rossi_12345", "Anna Rossi_777", "Bo_12"}
    assert "no notebook" in batch["Bo"].error and "report.pdf" in batch["Bo"].error
    assert [name for name, handin in batch.items() if handin.error] == ["Bo"]
    assert batch["Participant"].source.endswith("my lab.zip!/a/02.ipynb")


def test_plain_folders_zips_and_single_notebooks_name_their_students(tmp_path: Path) -> None:
    files = {
        "anna/02.ipynb": notebook(),
        "bob.zip": zipped({"x.ipynb": notebook()}),
        "carla.ipynb": notebook(),
        "02_multilayer_perceptron_dora.ipynb": notebook(),
        "emil-lab02.ipynb": notebook(),
        "Frida.IPYNB": notebook(),
        "grades.csv": b"a,b",
        ".hidden.ipynb": notebook(),
        "__MACOSX/._carla.ipynb": b"junk",
        "anna/.ipynb_checkpoints/02-checkpoint.ipynb": notebook("old"),
    }
    batch = found(lay_out(tmp_path, files))
    assert set(batch) == {"anna", "bob", "carla", "dora", "emil", "Frida"}
    assert len(batch["anna"].attempts) == 1
    # Several paths, and one notebook alone.
    together = find_handins([tmp_path / "anna", tmp_path / "carla.ipynb"], LAB)
    assert [handin.student for handin in together] == ["anna", "carla"]
    assert find_handins(tmp_path / "carla.ipynb", LAB)[0].source == "carla.ipynb"


def test_a_zip_of_a_folder_of_students_is_looked_through(tmp_path: Path) -> None:
    files = {"class/anna.ipynb": notebook(), "class/bob.ipynb": notebook()}
    assert set(found(lay_out(tmp_path / "a", {"class.zip": zipped(files)}) / "class.zip")) == {"anna", "bob"}
    files = {"2026/anna/02.ipynb": notebook(), "2026/bob/02.ipynb": notebook()}
    assert set(found(lay_out(tmp_path / "b", {"class.zip": zipped(files)}) / "class.zip")) == {"anna", "bob"}
    assert set(found(lay_out(tmp_path / "c", files))) == {"anna", "bob"}


def test_nobody_hands_in_for_somebody_else(tmp_path: Path) -> None:
    """Folders inside a hand-in that bear another student's name stay the hand-in's."""
    forged = {"Bob Brown_2_assignsubmission_file_/02.ipynb": notebook("forged = 1")}
    files = {
        "Eve_1_assignsubmission_file_/02.zip": zipped(
            forged | {"../../Bob Brown_2_assignsubmission_file_/02.ipynb": b"{"}
        ),
        "Bob Brown_2_assignsubmission_file_/02.ipynb": notebook("mine = 1"),
        "mallory.zip": zipped(forged),
    }
    batch = found(lay_out(tmp_path, files))
    assert set(batch) == {"Eve", "Bob Brown", "mallory"}
    assert batch["Bob Brown"].notebook.cells[0].source == "mine = 1"
    assert len(batch["Bob Brown"].attempts) == 1


def test_the_newest_attempt_counts_and_all_are_listed(tmp_path: Path) -> None:
    files = {
        "anna/z_first.ipynb": notebook("attempt = 1"),
        "anna/a_second.ipynb": notebook("attempt = 2"),
        "anna/other/01.ipynb": notebook("another lab", number="01"),
    }
    handin = only(lay_out(tmp_path / "a", files))
    assert handin.notebook.cells[0].source == "attempt = 2"
    assert handin.attempts == ("anna/z_first.ipynb", "anna/a_second.ipynb")
    assert [note.kind for note in handin.notes] == ["older attempt"]
    inside = {name.removeprefix("anna/"): content for name, content in files.items()}
    handin = only(lay_out(tmp_path / "b", {"anna/work.zip": zipped(inside)}))
    assert handin.notebook.cells[0].source == "attempt = 2"
    # Equal times: the name decides, the same each time.
    for path in sorted((tmp_path / "a" / "anna").glob("*.ipynb")):
        os.utime(path, (1_700_000_000,) * 2)
    assert only(tmp_path / "a").notebook.cells[0].source == "attempt = 1"


def test_an_unreadable_attempt_gives_way_to_an_older_one_and_is_noted(tmp_path: Path) -> None:
    handin = only(lay_out(tmp_path, {"anna/1.ipynb": notebook(), "anna/2.ipynb": b"{ half a note"}))
    assert handin.source == "anna/1.ipynb"
    assert [(note.kind, "2.ipynb" in note.text) for note in handin.notes] == [("unreadable", True)]


def test_a_notebook_of_another_lab_is_not_graded_as_this_one(tmp_path: Path) -> None:
    assert (
        "not a notebook of lab 02" in only(lay_out(tmp_path / "a", {"anna/x.ipynb": notebook("x", number="01")})).error
    )
    assert "not a notebook of lab 02" in only(lay_out(tmp_path / "b", {"anna/x.ipynb": notebook("x", number="")})).error
    # Its metadata lost, as some editors do: known by what it defines.
    assert not only(lay_out(tmp_path / "c", {"anna/x.ipynb": notebook(number="")})).error


DEEP = b'{"nbformat": 4, "metadata": {}, "cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
BROKEN = {
    "empty": b"",
    "zeros": b"\0" * 500,
    "text": b"print('hello')",
    "half": notebook()[:80],
    "not UTF-8": notebook().replace(b"neuron", b"\xff\xfeneuron"),
    "UTF-16": notebook().decode().encode("utf-16"),
    "NUL between": notebook().replace(b"{", b"{\0", 1),
    "deep": DEEP,
    "a list": b"[]",
    "a number": b"1",
    "huge number": b'{"nbformat": ' + b"9" * 5000 + b"}",
    "huge number elsewhere": notebook(x=0).replace(b'"x": 0', b'"x": ' + b"9" * 5000),
    "no format": b'{"cells": []}',
    "format true": notebook(nbformat=True),
    "format 4.0": notebook(nbformat=4.0),
    "format 5": notebook(nbformat=5),
    "format 2": notebook(nbformat=2),
    "cells an object": notebook(cells={}),
    "cells gone": notebook(cells=None),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_notebook_is_an_error_and_nothing_else(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableNotebookError) as problem:
        read_notebook(BROKEN[name])
    assert str(problem.value).isprintable() and len(str(problem.value)) < 200
    batch = found(lay_out(tmp_path, {"anna/02.ipynb": BROKEN[name], "bob/02.ipynb": notebook()}))
    assert batch["anna"].error and not batch["bob"].error


def test_what_is_only_odd_about_a_notebook_is_read_past() -> None:
    cells = [
        {"cell_type": "code", "id": 7, "metadata": [], "source": ["a = 1\r\n", None, "b = 2"]},
        "no cell",
        {"cell_type": "code"},
        {"cell_type": "markdown", "source": "# text"},
        {
            "cell_type": "code",
            "id": "x" * 65,
            "metadata": {"tags": [1, "t"], "dlcourse": "?"},
            "source": "s = '\ud800'",
        },
    ]
    read = read_notebook(b"\xef\xbb\xbf" + notebook(cells=cells, metadata={"kernelspec": {"language": "R"}}))
    assert [cell.source for cell in read.cells] == ["a = 1\nb = 2", "", "", "s = '?'"]
    assert [cell.id for cell in read.cells] == ["", "", "", ""]
    assert read.cells[3].tags == ("t",)
    assert [note.kind for note in read.notes] == ["suspicious", "suspicious"]
    assert read_notebook(notebook("\0")).cells[0].source == "\0"
    twice = read_notebook(notebook().replace(b'"source": ', b'"source": "other", "source": '))
    assert "twice" in twice.notes[0].text and twice.cells[0].source.startswith("def neuron")


def test_format_3_is_brought_up_and_colabs_ids_are_found() -> None:
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1"], "language": "python"}]}]}
    assert read_notebook(json.dumps({"nbformat": 3, "metadata": {}, **old}).encode()).cells[0].source == "x = 1"
    cell = {"cell_type": "code", "metadata": {"id": "exercise-2-1"}, "source": ""}
    assert read_notebook(notebook(cells=[cell])).cells[0].id == "exercise-2-1"


def test_a_notebook_that_would_fill_the_memory_is_refused_before_it_does(tmp_path: Path) -> None:
    with pytest.raises(UnreadableNotebookError, match="100,000 cells"):
        read_notebook(notebook(cells=[{"cell_type": "code"}] * 100_000))
    with pytest.raises(UnreadableNotebookError, match="values"):
        read_notebook(b"[" + b"[]," * 1_000_000 + b"[]]")
    with pytest.raises(UnreadableNotebookError, match="bytes of code"):
        read_notebook(notebook("#" * 1_000_001))
    # Many commas inside text are not many values.
    assert read_notebook(notebook(metadata={"text": ',[{\\"' * 300_000})).cells
    gigabyte = tmp_path / "anna" / "02.ipynb"
    gigabyte.parent.mkdir()
    with open(gigabyte, "wb") as file:
        file.truncate(2**30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "larger than 25 MiB" in only(tmp_path).error
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_links_pipes_sockets_and_devices_are_neither_opened_nor_followed(tmp_path: Path) -> None:
    secret = lay_out(tmp_path / "grader", {"02.ipynb": notebook("secret = 1")})
    root = lay_out(tmp_path / "batch", {"good/02.ipynb": notebook()})
    for name in ("link", "folder_link", "pipe", "socket", "hard"):
        (root / name).mkdir()
    (root / "link" / "02.ipynb").symlink_to(secret / "02.ipynb")
    (root / "folder_link" / "inner").symlink_to(secret, target_is_directory=True)
    (root / "linked_student").symlink_to(secret, target_is_directory=True)
    os.mkfifo(root / "pipe" / "02.ipynb")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(root / "socket" / "02.ipynb"))
        os.link(secret / "02.ipynb", root / "hard" / "02.ipynb")
        batch = found(root)
    assert set(batch) == {"good", "link", "folder_link", "pipe", "socket", "hard"}
    for name in ("link", "folder_link"):
        assert "symbolic link" in batch[name].error
    for name in ("pipe", "socket"):
        assert "not a file" in batch[name].error
    assert not batch["good"].error
    assert any("hard link" in note.text for note in batch["hard"].notes)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device file")
def test_a_device_file_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "anna").mkdir()
    try:
        os.mknod(tmp_path / "anna" / "02.ipynb", stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero
    except PermissionError:
        pytest.skip("device files are not allowed here")
    assert "not a file" in only(tmp_path).error


def test_a_file_or_folder_without_permission_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = lay_out(tmp_path, {"anna/02.ipynb": notebook(), "bob/02.ipynb": notebook(), "carla/02.ipynb": notebook()})
    real_open, real_scandir = os.open, os.scandir

    def refuse(path: Any, *args: Any, **kwargs: Any) -> int:
        if str(path).endswith("anna/02.ipynb"):
            raise PermissionError(13, "Permission denied")
        return real_open(path, *args, **kwargs)

    def refuse_folder(path: Any) -> Any:
        if str(path).endswith("bob"):
            raise PermissionError(13, "Permission denied")
        return real_scandir(path)

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "scandir", refuse_folder)
    batch = found(root)
    assert "Permission denied" in batch["anna"].error and "Permission denied" in batch["bob"].error
    assert not batch["carla"].error


def test_paths_that_leave_a_zip_are_not_read_and_nothing_is_written(tmp_path: Path) -> None:
    names = ("../../02.ipynb", "/etc/02.ipynb", "..\\..\\02.ipynb", "C:\\02.ipynb", "a/../../b/02.ipynb")
    for place, name in enumerate(names):
        lay_out(tmp_path / "batch", {f"s{place}/work.zip": zipped({name: notebook()})})
    lay_out(tmp_path / "batch", {"good/work.zip": zipped({"./a//02.ipynb": notebook()})})
    before = sorted(tmp_path.rglob("*"))
    batch = found(tmp_path / "batch")
    assert sorted(tmp_path.rglob("*")) == before
    assert not batch.pop("good").error
    assert len(batch) == len(names) and all("leaves the zip" in handin.error for handin in batch.values())


def test_links_in_a_zip_and_encrypted_members_are_not_read(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        link = zipfile.ZipInfo("02.ipynb")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/shadow")
    locked = bytearray(zipped({"02.ipynb": notebook()}))
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    locked[6] |= 1
    lzma = zipped({"02.ipynb": notebook()}, zipfile.ZIP_LZMA)
    batch = found(lay_out(tmp_path, {"a/1.zip": packed.getvalue(), "b/1.zip": bytes(locked), "c/1.zip": lzma}))
    assert "link" in batch["a"].error and "encrypted" in batch["b"].error and "ordinary zip" in batch["c"].error


def test_zip_bombs_stay_small(tmp_path: Path) -> None:
    bomb = zipped({"02.ipynb": b" " * (24 * 2**20)})
    many = zipped({f"{number}.ipynb": os.urandom(15_000) for number in range(20)}, zipfile.ZIP_STORED)
    crowd = zipped({f"{number}.txt": b"" for number in range(101)})
    nested = zipped({"02.ipynb": notebook()})
    for _ in range(30):
        nested = zipped({"inner.zip": nested})
    assert "zip bomb" in only(lay_out(tmp_path / "a", {"anna/1.zip": bomb})).error
    assert "more than 100 files" in only(lay_out(tmp_path / "c", {"anna/1.zip": crowd}), SMALL).error
    assert "nested too deeply" in only(lay_out(tmp_path / "d", {"anna/1.zip": nested})).error
    handin = only(lay_out(tmp_path / "e", {"anna/1.zip": zipped({"02.ipynb": b"x" * 20_001})}), SMALL)
    assert "larger than" in handin.error
    archive = open_archive(io.BytesIO(many), SMALL)
    budget = Budget(SMALL)
    with pytest.raises(UnreadableArchiveError, match="more than the limit"):
        for member in members(archive, budget):
            read_member(archive, member, SMALL.notebook_bytes, budget)
    assert budget.unpacked <= SMALL.unpacked_bytes + SMALL.notebook_bytes


def test_a_zip_that_lies_about_its_sizes_gives_no_more_than_is_allowed() -> None:
    content = os.urandom(1000) * 200
    packed = bytearray(zipped({"02.ipynb": content}))
    entry = packed.index(b"PK\x01\x02")
    struct.pack_into("<L", packed, entry + 24, 100)  # "100 bytes unpacked"
    archive = open_archive(io.BytesIO(bytes(packed)), SMALL)
    (member,) = members(archive)
    with pytest.raises(UnreadableArchiveError):
        assert len(read_member(archive, member, 20_000, Budget(SMALL))) <= 20_000
    end = packed.rindex(b"PK\x05\x06")
    struct.pack_into("<L", packed, end + 12, 2**31)  # a table of contents of 2 GiB
    with pytest.raises(UnreadableArchiveError, match="table of contents"):
        open_archive(io.BytesIO(bytes(packed)), SMALL)
    assert archives._directory_size(io.BytesIO(zipped({}))) == 0


def test_names_that_would_act_on_a_terminal_are_spelt_out(tmp_path: Path) -> None:
    evil = "an\x1b[2Jna\n\u202e=cmd|' C'!A0"
    root = lay_out(tmp_path, {f"{evil}/02.ipynb": notebook(), "<script>/a.zip": zipped({f"x{evil}.ipynb": notebook()})})
    os.mkdir(os.fsencode(root) + b"/\xff\xfe")
    (root / os.fsdecode(b"\xff\xfe") / "02.ipynb").write_bytes(notebook())
    batch = found(root)
    assert len(batch) == 3 and not any(handin.error for handin in batch.values())
    for handin in batch.values():
        json.dumps([handin.student, handin.source]).encode()
        handin.student.encode()


def test_a_batch_without_anything_to_grade_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        find_handins(tmp_path / "nowhere", LAB)
    with pytest.raises(ValueError, match="no hand-in"):
        find_handins(tmp_path, LAB)
    lay_out(tmp_path, {"broken.zip": b"PK\x03\x04", "x.txt": b""})
    for name in ("broken.zip", "x.txt"):
        with pytest.raises(ValueError, match=name):
            find_handins(tmp_path / name, LAB)


GOOD_ZIP = zipped({"anna/02.ipynb": notebook(), "bob/work.zip": zipped({"02.ipynb": notebook()})})


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_to_a_zip_or_a_notebook_raises(tmp_path: Path, data: st.DataObject) -> None:
    damaged = bytearray(data.draw(st.sampled_from([GOOD_ZIP, notebook(), notebook("x = 'ü'\n%time y")])))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        if not damaged:
            break
    suffix = "zip" if damaged.startswith(b"PK") else "ipynb"
    root = tmp_path / "batch"
    lay_out(root, {f"anna/work.{suffix}": bytes(damaged), "bob/02.ipynb": notebook()})
    try:
        batch = found(root)
    finally:
        (root / "anna" / f"work.{suffix}").unlink()
    assert not batch["bob"].error and set(batch) == {"anna", "bob"}


def test_what_is_kept_of_a_hand_in_is_small(tmp_path: Path) -> None:
    """200 hand-ins with their pictures would not fit into memory; the pictures are dropped."""
    picture = [{"output_type": "display_data", "data": {"image/png": "A" * 5_000_000}}]
    cell = {"cell_type": "code", "id": "exercise-2-1", "metadata": {}, "source": "x = 1", "outputs": picture}
    handin = only(lay_out(tmp_path, {"anna/02.ipynb": notebook(cells=[cell])}))
    assert len(repr(handin)) < 2_000
    assert len(handin.digest) == 64
    assert handins.MOST_NOTES <= 100
