"""Commands, Python and troubleshooting: what the pages say is what the code has."""

import argparse
import contextlib
import re
from pathlib import Path

import pytest

import run_sweep

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (ROOT / "docs" / "commands.md").read_text()
PYTHON = (ROOT / "docs" / "python.md").read_text()
TROUBLE = (ROOT / "docs" / "troubleshooting.md").read_text()


def subparsers() -> dict[str, argparse.ArgumentParser]:
    (action,) = (a for a in run_sweep._parser()._actions if isinstance(a, argparse._SubParsersAction))
    return action.choices


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", COMMANDS, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_command_has_a_section_and_a_help():
    assert {name for name in sections() if name in subparsers() or name.islower()} == set(subparsers())
    for name, parser in subparsers().items():
        assert parser.description, name


@pytest.mark.parametrize("name", subparsers())
def test_a_section_shows_every_option_of_its_command(name: str):
    parser = subparsers()[name]
    options = {o for a in parser._actions for o in a.option_strings if o.startswith("--") and a.help != "==SUPPRESS=="}
    line = re.search(r"^    python run_sweep\.py .*$", sections()[name], re.MULTILINE).group()
    assert line.split()[2] == name
    assert set(re.findall(r"--[a-z-]+", line)) == options - {"--help", "--home"}


def test_the_table_of_runs_options_is_whole():
    listed = set(re.findall(r"^\| `(--[a-z-]+)` \|", sections()["run"], re.MULTILINE))
    parser = subparsers()["run"]
    options = {o for action in parser._actions for o in action.option_strings if o.startswith("--")}
    assert listed == options - {"--help", "--home"}


def test_every_command_has_its_function():
    rows = dict(re.findall(r"^\| `([a-z]+)` \| (.+) \|$", PYTHON, re.MULTILINE))
    assert set(rows) == set(subparsers())
    import importlib

    for text in rows.values():
        for dotted in re.findall(r"\b((?:orchestrator|reports|search_spaces|trainers)(?:\.[a-z_]+)+)\(", text):
            module, _, name = dotted.rpartition(".")
            assert callable(getattr(importlib.import_module(module), name)), dotted


@pytest.mark.timeout(240)
def test_the_python_page_runs_as_it_stands(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (code,) = re.findall(r"```python\n(.+?)```", PYTHON, re.DOTALL)
    with contextlib.chdir(tmp_path):
        exec(compile(code, "docs/python.md", "exec"), {"__name__": "page"})
    out = capsys.readouterr().out
    assert "0 9 ()" in out  # a teacher and four rows of two seeds
    assert "gdkd (by k) k=5" in out
    assert (tmp_path / "accuracy_over_k.png").stat().st_size > 1000
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "accuracy_over_k.png",
        "from_python.yaml",
        "kdsweep_home",
    ]


def test_every_message_in_troubleshooting_is_in_the_code():
    rows = re.findall(r"^\| (`.+?) \| ", TROUBLE, re.MULTILINE)
    texts = [text for row in rows for text in re.findall(r"`([^`]+)`", row)]
    assert len(texts) > 25
    rooms = ("orchestrator", "search_spaces", "trainers", "reports")
    code = " ".join(path.read_text() for room in rooms for path in (ROOT / room).rglob("*.py"))
    code += (ROOT / "run_sweep.py").read_text()
    flat = re.sub(r'"\s*\n\s*f?"', "", code)
    for text in texts:
        for part in re.split(r"…|\bN\b", text):
            words = part.strip(" '")
            assert words in flat, text
