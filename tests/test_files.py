import os

import pytest

from dlcourse.files import write_atomically


def test_text_and_bytes_arrive_whole_and_folders_are_made(tmp_path):
    write_atomically(tmp_path / "a" / "b.txt", "Grüezi")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "Grüezi".encode()


@pytest.mark.parametrize("stage", ["fdopen", "replace"])
def test_interruption_keeps_the_old_file_and_leaves_no_rubbish(tmp_path, monkeypatch, stage):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, stage, interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]
