"""Letters that a stream lacks: everything is said, in other letters, and nothing ends for it."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from orchestrator.display import Lines
from orchestrator.display.terminal import Terminal
from orchestrator.ledger.ledger import Ledger
from trainers.texts.letters import ALIKE, all_fitting, fitting, let_write
from trainers.views.pictures import FilePictures

TEXT = "kd – 60.1 ± 0.2 → ≥ × 中 é … \u2500 \udce9 \ud800"
ENCODINGS = ["ascii", "latin-1", "cp1252", "cp437", "iso8859-15", "koi8-r", "euc-jp", "utf-8", "utf-16", "cp037"]


def stream(encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict", newline="\n", write_through=True)


def said(out: io.TextIOWrapper, encoding: str) -> str:
    return out.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_stream_takes_every_letter(encoding: str) -> None:
    out = stream(encoding)
    let_write(out)
    print(TEXT, file=out, flush=True)
    text = said(out, encoding)
    assert text.startswith("kd ") and " 60.1 " in text
    assert text.rstrip().endswith("\\xe9 \\ud800")
    assert fitting(TEXT, encoding) == text.rstrip("\n").lstrip("\ufeff")


def test_our_own_letters_have_others_that_are_like_them() -> None:
    assert fitting("60.1 ± 0.2 → gdkd–k ≥ 5 × 3 … −1", "ascii") == "60.1 +/- 0.2 -> gdkd-k >= 5 x 3 ... -1"
    assert all(instead.isascii() for instead in ALIKE.values())
    assert fitting("é ± ×", "latin-1") == "é ± ×"
    assert fitting("whatever – 中") == "whatever – 中"
    assert fitting("中", "no-such-encoding") == "\\u4e2d"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_lines_go_on_after_a_letter_that_a_stream_lacks(encoding: str) -> None:
    """It was taken for a reader who had gone."""
    out = stream(encoding)
    lines = Lines(out)
    lines.say("one → 中")
    lines.say("two")
    assert said(out, encoding).splitlines()[1] == "two"


def test_lines_on_a_stream_of_somebody_elses_kind() -> None:
    class Strict(io.StringIO):
        def write(self, text: str) -> int:
            text.encode("ascii")
            return super().write(text)

    out = Strict()
    lines = Lines(out)
    lines.say("one → two")
    lines.say("three")
    assert out.getvalue() == "one -> two\nthree\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_with_few_letters(encoding: str) -> None:
    out = stream(encoding)
    screen = Terminal(out, width=80, height=10)
    screen.say("one → 中 \udce9")
    screen.say("two")
    assert said(out, encoding).splitlines() == ["one -> \\u4e2d \\xe9", "two"]


def test_streams_that_cannot_be_told_are_left_as_they_are() -> None:
    let_write(None)
    let_write(io.StringIO())
    closed = stream("ascii")
    closed.close()
    let_write(closed)


def test_no_lone_surrogate_reaches_the_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.add_notice("k" * 64, "the picture \udce9.png is broken")
    assert ledger.rows("SELECT text FROM notice")[0][0] == "the picture \\xe9.png is broken"
    ledger.close()


def test_what_a_sweep_has_become_can_be_read_again_wherever_its_files_lie() -> None:
    resolved = {"teachers": {"t": {"checkpoint": "/d\udce9r/w.pth", "sizes": [1, 2.5, None, True]}}, "名": ("a",)}
    text = yaml.safe_dump(all_fitting(resolved))
    teachers = {"t": {"checkpoint": "/d\\xe9r/w.pth", "sizes": [1, 2.5, None, True]}}
    assert yaml.load(text, Loader=yaml.CSafeLoader) == {"teachers": teachers, "名": ["a"]}


def test_pictures_whose_names_are_not_utf8_are_read(tmp_path: Path) -> None:
    from trainers.data import load
    from trainers.views.device_data import FILE_NAMES

    for part in ("train", "val"):
        for kind in (b"caf\xe9", b"tea"):
            folder = tmp_path / part / os.fsdecode(kind)
            folder.mkdir(parents=True)
            for name in (b"1.png", b"str\xe9e.png", "中.png".encode()):
                Image.fromarray(np.full((8, 8, 3), 7, np.uint8)).save(folder / os.fsdecode(name))
    found = load("imagefolder", tmp_path)
    packed = np.char.encode(found.train_files, *FILE_NAMES)
    pictures = FilePictures(tmp_path, packed)
    assert [pictures.picture(number).size for number in range(len(pictures))] == [(8, 8)] * 6
