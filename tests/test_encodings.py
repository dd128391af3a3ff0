"""Every command on an output with few letters, and from folders whose names are not UTF-8."""

import io
import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import run_sweep

SWEEP = """
name: letters
dataset: digits100
pairs: tinyresnet -> tinycnn
recipe: {base: digits, epochs: 1}
methods: {ce – größer ≥ 中: {method: ce}}
seeds: 1
report: {caption: "± → 中 –"}
"""
pytestmark = pytest.mark.timeout(300)  # of which the one run takes most
ENCODINGS = ("ascii", "latin-1", "cp1252")
COMMANDS = (
    ("plan", "letters.yaml"),
    ("status", "letters"),
    ("list",),
    ("sync",),
    ("doctor",),
    ("banks",),
    ("methods",),
    ("methods", "gdkd"),
    ("datasets",),
    ("status", "中"),
    ("report", "größer–"),
    ("methods", "→"),
    ("run", "no–such–file.yaml"),
    ("plan", os.fsdecode(b"no\xe9such.yaml")),
    ("repeat", "中中中中中中"),
)


def printed(encoding: str, *arguments: str) -> tuple[int, str, str]:
    """Run a command in this process; return its exit code and what it printed where only some letters are."""
    out, errors = (
        io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict", write_through=True) for _ in range(2)
    )
    kept, terminate = (sys.stdout, sys.stderr), signal.getsignal(signal.SIGTERM)
    sys.stdout, sys.stderr = out, errors
    try:
        code = run_sweep.main(arguments)
    finally:
        sys.stdout, sys.stderr = kept
        signal.signal(signal.SIGTERM, terminate)
    return code, *(one.buffer.getvalue().decode(encoding) for one in (out, errors))  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that is no UTF-8, with a sweep that has run; nothing of it is told in UTF-8."""
    folder = tmp_path_factory.mktemp("letters") / os.fsdecode(b"f\xf6lder")
    folder.mkdir()
    (folder / "letters.yaml").write_text(SWEEP, encoding="utf-8")
    before = Path.cwd()
    os.chdir(folder)
    logging.getLogger("mlflow").setLevel(logging.ERROR)  # as a process has it in which nobody imported it before
    home = str(folder.parent / "home")
    code, text, errors = printed("ascii", "run", "letters.yaml", "--workers", "0", "--home", home)
    assert (code, errors) == (0, "")
    assert "report: " in text and "ce - gr\\xf6\\xdfer >= \\u4e2d" in text
    yield folder
    os.chdir(before)


@pytest.mark.parametrize(
    ("command", "encoding"),
    [
        *((command, encoding) for command in COMMANDS for encoding in ENCODINGS),
        (("report", "letters", "--against", "published"), "ascii"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_every_command_says_everything(encoding: str, command: tuple[str, ...], world: Path) -> None:
    code, text, errors = printed(encoding, *command, "--home", str(world.parent / "home"))
    wrong = command[-1].startswith(("no", "größer", "→", "中"))
    assert code == (2 if wrong else 0), errors
    assert (errors if wrong else text).strip()
    assert "Traceback" not in text + errors
