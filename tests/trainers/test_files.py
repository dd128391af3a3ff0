"""Files are whole or not there."""

from pathlib import Path

import pytest

from trainers.files import replaced


def test_a_file_appears_when_it_is_whole(tmp_path: Path):
    path = tmp_path / "deep" / "file.txt"
    with replaced(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert [*path.parent.iterdir()] == [path]


def test_an_error_leaves_the_old_one_and_nothing_else(tmp_path: Path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(OSError, match="full"), replaced(path) as temporary:
        temporary.write_text("half")
        raise OSError("the disk is full")
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


def test_the_first_of_two_folders_wins(tmp_path: Path):
    path = tmp_path / "bank"
    for text in ("first", "second"):
        with replaced(path) as temporary:
            temporary.mkdir()
            (temporary / "content").write_text(text)
    assert (path / "content").read_text() == "first"
    assert [*tmp_path.iterdir()] == [path]
