"""A home of an earlier version, moved since: opened, gone on with and reported."""

import contextlib
import csv
import tarfile
from pathlib import Path

import pytest

import orchestrator
import reports
from orchestrator.ledger.ledger import Ledger

GOLDEN = Path(__file__).parents[2] / "golden"
SWEEP = GOLDEN / "home.yaml"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with tarfile.open(GOLDEN / "home.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "home"


def by_row(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    with path.open(newline="") as file:
        return {(line["cell"], line["row"]): line for line in csv.DictReader(file)}


def test_its_numbers_are_reported_as_they_were(home: Path):
    then = by_row(home / "reports" / "small" / "table.csv")
    result = orchestrator.run([SWEEP], home=home, workers=0)
    assert (result.exit_code, result.problems) == (0, ())
    now = by_row(home / "reports" / "small" / "table.csv")
    assert {place: {name: now[place][name] for name in line} for place, line in then.items()} == then
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        assert {row["attempts"] for row in ledger.rows("SELECT attempts FROM trial")} == {1}, "nothing is trained twice"


def test_it_is_gone_on_with(home: Path, tmp_path: Path):
    (tmp_path / "more.yaml").write_text(
        SWEEP.read_text().split("methods:")[0] + "methods: {kd: {}}\nseeds: 3\nresources: {cpus: 1}\n"
    )
    then = reports.load("small", home=home).trials.set_index("trial_key")["final_top1"].dropna()
    result = orchestrator.run([tmp_path / "more.yaml"], home=home, workers=0)
    assert (result.exit_code, result.problems) == (0, ())
    trials = reports.load("small", home=home).trials
    kd = trials[trials["row"] == "kd"]
    assert kd["seed"].tolist() == [0, 1, 2]
    assert kd["state"].eq("COMPLETE").all()
    kept = trials.set_index("trial_key")["final_top1"]
    shared = kept.index.intersection(then.index)
    assert len(shared) == 3, "the teacher and two students"
    assert kept[shared].tolist() == then[shared].tolist()
