"""The numbers of the page of findings: from the scores in docs/findings/, by the product's own test, of its sweeps."""

import csv
import re
from pathlib import Path

import pytest

from docs.findings import tables
from search_spaces import expand, read
from search_spaces.files.schema import UntilSettled
from tests.docs.pages import DOCS

HEADS = "sweep,teacher,student,row,shown,method,declared,searched,setting,top1"
LINES = (
    "one,tinyresnet,tinycnn,teacher,teacher,teacher,,,,0=83.20",
    "one,tinyresnet,tinycnn,gdkd,GDKD,gdkd,yes,,k=5,0=60.00 1=61.00 2=62.00",
    "one,tinyresnet,tinycnn,kd,KD,kd,,,,0=40.00 1=41.00 2=42.00",
    "one,tinyresnet,tinycnn,dkd,DKD,dkd,,12,beta=2.345678; temperature=4,0=60.50 1= 2=61.50",
)


@pytest.fixture
def numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the scores of three rows, in place of those of the page."""
    (tmp_path / "results.csv").write_text("\n".join((HEADS, *LINES)) + "\n")
    monkeypatch.setattr(tables, "FOLDER", tmp_path)
    return tmp_path


def test_a_row_is_bold_where_the_products_test_settles_it(numbers: Path) -> None:
    kd, dkd = (line for line in tables.sweep("one").splitlines() if re.match(r"\| (KD|DKD) ", line))
    assert "| 41.0 ± 1.0 (3) | **-20.0** (" in kd.replace("−", "-")
    assert "61.0 ± 0.7 (2, 1 diverged)" in dkd and "**" not in dkd
    assert dkd.endswith("| 12 | beta 2.35, temperature 4 |")


def test_the_declared_row_is_compared_with_nothing(numbers: Path) -> None:
    (line,) = (line for line in tables.sweep("one").splitlines() if line.startswith("| GDKD "))
    assert "61.0 ± 1.0 (3) | declared" in line


@pytest.mark.parametrize("name", tables.SWEEPS)
def test_what_is_written_down_of_a_sweep_is_what_its_file_asks_for(name: str) -> None:
    sweep = expand(read(DOCS / "findings" / f"{name}.yaml"))
    assert sweep.name == f"findings-{name.replace('_', '-')}"
    asked = {row.label for row in sweep.rows}
    with (DOCS / "findings" / "results.csv").open() as file:
        found = {line["row"] for line in csv.DictReader(file) if line["sweep"] == name}
    assert found <= asked | {tables.TEACHER}
    assert {row.label for row in tables.rows(name) if row.declared} <= {sweep.settling.declared}


def test_looks_and_level_are_those_of_the_sweeps() -> None:
    assert UntilSettled(first=3, most=12).looks == tables.LOOKS


def test_the_page_is_short() -> None:
    text = re.sub(r"^\|.*$", "", (DOCS / "findings.md").read_text(), flags=re.MULTILINE)
    assert len(re.findall(r"\S*\w\S*", text)) <= 900
