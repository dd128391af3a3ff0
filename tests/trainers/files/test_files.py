"""Files are whole or not there."""

import os
import socket
from pathlib import Path

import pytest

from trainers.files.files import read_regular, regular_file, replaced


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


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (_pipe, "a named pipe"),
        (_socket, "a socket"),
        (Path.mkdir, "a directory"),
        (lambda path: path.symlink_to("/dev/zero"), "a device"),
    ],
)
def test_what_is_no_file_is_named_and_never_waited_for(make, what: str, tmp_path: Path):
    make(tmp_path / "x")
    (tmp_path / "link").symlink_to(tmp_path / "x")
    for path in (tmp_path / "x", tmp_path / "link"):
        with pytest.raises(ValueError, match=f"must be a file, '.*' is {what}"):
            read_regular(path, 10)


def test_a_file_is_read_up_to_its_bound(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10)
    assert read_regular(path, 10) == b"x" * 10
    with pytest.raises(ValueError, match=r"has 10 bytes, at most 9 are read"):
        read_regular(path, 9)
    with pytest.raises(ValueError, match=r"/proc/self/maps' has more than 9 bytes"):
        read_regular(Path("/proc/self/maps"), 9)  # its size is told to be 0
    with pytest.raises(FileNotFoundError), regular_file(tmp_path / "none", 9):
        pass
