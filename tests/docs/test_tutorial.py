"""The tutorial does what it says: its notebook's cells are run, one after the other, in a fresh folder.

In one Python process, by what a notebook makes of them: `%%writefile FILE` writes the cell, `!COMMAND` asks a shell.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import run_sweep
from tests.docs.pages import DOCS, tables
from tests.orchestrator.cli import ROOT

SHORTER = {
    "range(1000)": "range(250)",
    "number < 800": "number < 200",
    "epochs: 20": "epochs: 1",
    "{trials: 6, epochs: 10}": "{trials: 2, epochs: 1}",
    "seeds: 3": "seeds: 2",
    "kdsweep run pictures.yaml": "kdsweep run pictures.yaml --workers 0",
}
"""What makes seconds of minutes; the teacher needs its epochs, or it is refused."""


@pytest.fixture
def same_signals() -> Iterator[None]:
    """A command takes signals for itself; here they are given back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def run_cells(changed: Callable[[str], str], asked: Callable[[str], None]) -> None:
    """Run the notebook in the present folder.

    Args:
        changed: returns what a cell is to be.
        asked: runs a command.
    """
    names: dict[str, object] = {}
    for cell in json.loads((DOCS / "tutorial.ipynb").read_text())["cells"]:
        text = changed("".join(cell["source"])) if cell["cell_type"] == "code" else ""
        if text.startswith("%%writefile "):
            head, _, content = text.partition("\n")
            Path(head.split()[1]).write_text(content)
        elif text.startswith("!"):
            for line in text.splitlines():
                if (
                    line.startswith("!kdsweep") or shutil.which(line[1:].split()[0]) is not None
                ):  # LaTeX may not be here
                    asked(line[1:])
        else:
            exec(compile(text, "cell", "exec"), names)


def shell(line: str) -> None:
    """Run a command as a notebook does."""
    done = subprocess.run(line, shell=True, capture_output=True, text=True)
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


@pytest.mark.timeout(300)  # on a machine that is busy otherwise
def test_in_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, same_signals: None) -> None:
    """Called in this process: each command by itself would load torch again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")  # each command sets it for its process
    used: set[str] = set()

    def shorter(text: str) -> str:
        for long, short in SHORTER.items():
            used.update([long] * (long in text))
            text = text.replace(long, short)
        return text

    def asked(line: str) -> None:
        words = shlex.split(line)
        if words[0] == "kdsweep":
            assert run_sweep.main(words[1:]) == 0, line
        else:
            shell(line)

    run_cells(shorter, asked)
    assert used == set(SHORTER), "these are no more in the page"
    check(tmp_path)


@pytest.mark.slow  # minutes: trains as the page says
@pytest.mark.timeout(1800)
def test_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called = tmp_path / "bin" / "kdsweep"
    called.parent.mkdir()
    called.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT / "run_sweep.py"} "$@"\n')
    called.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{called.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("MPLBACKEND", "module://a_notebooks.own")  # commands called there inherit it
    run_cells(lambda text: text, shell)
    check(tmp_path)


def check(folder: Path) -> None:
    """Hold that the table has the rows that it has in the page, and that it is in the paper, where there is LaTeX."""
    written = (folder / "kdsweep_home" / "reports" / "pictures" / "table.md").read_text()
    (heads, lines), (shown_heads, shown) = (
        next(tables(text)) for text in (written, (DOCS / "tutorial.md").read_text())
    )
    assert heads == shown_heads
    assert [line["method"] for line in lines] == [line["method"] for line in shown]
    if shutil.which("pdflatex") is not None:
        assert (folder / "paper.pdf").stat().st_size > 10_000
        told = (folder / "paper.log").read_text()
        assert not re.findall(r"^(?:!|LaTeX Warning: (?!Label|Reference)).*", told, re.MULTILINE)


def test_it_is_short() -> None:
    page = re.sub(r"```.*?```", "", (DOCS / "tutorial.md").read_text(), flags=re.DOTALL)
    assert len(re.findall(r"\S*\w\S*", page)) <= 700
