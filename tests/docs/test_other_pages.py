"""Python and troubleshooting: what the pages say is what the code has."""

import contextlib
import re
from pathlib import Path

import pytest

from tests.docs.pages import blocks
from tests.docs.test_generated import generate

ROOT = Path(__file__).resolve().parents[2]
PYTHON = (ROOT / "docs" / "python.md").read_text()
CLUSTER = (ROOT / "docs" / "cluster.md").read_text().partition("## Messages")[2]
TROUBLE = (ROOT / "docs" / "troubleshooting.md").read_text()


def test_every_command_has_its_function():
    rows = dict(re.findall(r"^\| `([a-z ]+)` \| (.+) \|$", PYTHON, re.MULTILINE))
    assert set(rows) == set(generate.commands())
    import importlib

    for text in rows.values():
        for dotted in re.findall(r"\b((?:orchestrator|reports|search_spaces|trainers)(?:\.[a-z_]+)+)\(", text):
            module, _, name = dotted.rpartition(".")
            assert callable(getattr(importlib.import_module(module), name)), dotted


@pytest.mark.slow  # trains two sweeps
@pytest.mark.timeout(240)
def test_the_python_page_runs_as_it_stands(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (code,) = [block.text for block in blocks(PYTHON) if block.language == "python" and not block.mark]
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
    rows = re.findall(r"^\| (`.+?) \| ", TROUBLE + CLUSTER, re.MULTILINE)
    texts = [text for row in rows for text in re.findall(r"`([^`]+)`", row)]
    assert len(texts) > 25
    rooms = ("orchestrator", "search_spaces", "trainers", "reports")
    code = " ".join(path.read_text() for room in rooms for path in (ROOT / room).rglob("*.py"))
    code += " ".join(path.read_text() for path in [ROOT / "run_sweep.py", *ROOT.glob("orchestrator/launching/*.sh")])
    flat = re.sub(r'"\s*\n\s*f?"', "", code)
    for text in texts:
        for part in re.split(r"…|\bN\b", text):
            words = part.strip(" '")
            assert words in flat, text
