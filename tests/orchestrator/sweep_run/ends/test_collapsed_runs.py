"""A training that comes to nothing is a result with a mark, from the worker to every table."""

import contextlib
import csv
import io
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

import orchestrator
import reports
from orchestrator.commands.repeat import repeat
from orchestrator.display import Lines
from orchestrator.ledger.database import ADDED_COLUMNS
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import MemberRow, TrialRow
from orchestrator.sweep_run.ends.collapses import collapse_warnings
from tests.trainers.layouts import write_imagefolder

SWEEP = """\
name: still
datasets: {imagefolder: {root: pictures, size: 16, views: 2}}
pairs: tinycnn -> tinycnn
teachers: {tinycnn: {recipe: {base: quick, epochs: 3, batch_size: 16, learning_rate: 0.05}}}
recipe: {base: quick, epochs: 1, batch_size: 16, learning_rate: 1e-12}
methods:
  kd:
  tuned: {method: kd, weight: {choice: [0.5, 1]}, warmup_epochs: 0}
search: {trials: 2, parallel: 2, sampler: random}
seeds: 1
"""
WHY = "% of 60 images"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the folder in which a sweep has been run whose students learn nothing, and what the run said."""
    folder = tmp_path_factory.mktemp("still")
    write_imagefolder(folder / "pictures", per_class=100, test_per_class=20, size=16)
    (folder / "still.yaml").write_text(SWEEP)
    said = io.StringIO()
    result = orchestrator.run([folder / "still.yaml"], home=folder / "home", workers=0, screen=Lines(said))
    assert (result.exit_code, result.problems) == (0, ())
    assert result.warnings[0].startswith("still: ")
    assert "clip_norm" in result.warnings[0]
    return folder, said.getvalue()


def students(home: Path) -> list[TrialRow]:
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        rows = [row for key in ledger.states() if (row := ledger.trial(key)) is not None]
    return [row for row in rows if row.spec["role"] == "student"]


def test_a_collapsed_trial_is_a_result_and_the_run_warns(ran: tuple[Path, str]) -> None:
    folder, said = ran
    rows = students(folder / "home")
    assert {(row.state, row.collapsed != "") for row in rows} == {("COMPLETE", True)}
    for cure in ("smaller learning_rate", "clip_norm", "warmup_epochs", "searching weight"):
        assert cure in said
    assert WHY in said
    count = f"still: {len(rows)} trials collapsed"
    assert f"{count} (kd, tuned)" in said
    found = orchestrator.status("still", folder / "home")
    assert count in found.to_text()
    assert count in found.to_json()["warnings"][0]


def test_a_search_is_told_the_value(ran: tuple[Path, str]) -> None:
    home = ran[0] / "home"
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        proposals = [p for row in ledger.rows("SELECT id FROM study") for p in ledger.proposals(row["id"])]
        values = {row.key: row.metrics.get("final_val_top1") for row in students(home)}
    assert len(proposals) == 2
    assert all(p.state == "COMPLETE" and p.value == values[p.key] for p in proposals)


def test_every_table_says_so(ran: tuple[Path, str]) -> None:
    folder = ran[0] / "home/reports/still"
    assert "(1), 1 collapsed |" in (folder / "table.md").read_text()
    assert "Collapsed trainings ended without an error" in (folder / "table.md").read_text()
    assert ", 1 collapsed" in (folder / "table.tex").read_text()
    assert ", 1 collapsed" in (folder / "index.html").read_text()
    lines = list(csv.DictReader(io.StringIO((folder / "table.csv").read_text())))
    assert {line["row"]: line["collapsed"] for line in lines} == {"teacher": "0", "kd": "1", "tuned": "1"}
    trials = reports.load_stored(folder).trials
    told = trials[trials["phase"] != "teacher"]["collapsed"]
    assert told.notna().all()
    assert trials[trials["phase"] == "teacher"]["collapsed"].isna().all()
    results = reports.load("still", home=ran[0] / "home")
    assert ", 1 collapsed" in reports.console_table(results)
    assert ", 1 collapsed" in reports.Report(results).note()


def test_a_home_that_is_lost_gets_the_marks_back(ran: tuple[Path, str], tmp_path: Path) -> None:
    folder = ran[0]
    for name in ("mlflow.db", "mlartifacts"):
        source = folder / "home" / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    said = io.StringIO()
    result = orchestrator.run([folder / "still.yaml"], home=tmp_path, workers=0, screen=Lines(said))
    assert (result.exit_code, result.trained) == (0, 0)
    assert [row.collapsed for row in students(tmp_path)] == [row.collapsed for row in students(folder / "home")]
    assert "trials collapsed (kd, tuned)" in said.getvalue()


def test_a_repetition_says_so_too(ran: tuple[Path, str]) -> None:
    home = ran[0] / "home"
    again = repeat(students(home)[0].key, home)
    assert not again.differing
    assert again.collapsed[0] != ""
    assert again.collapsed[0] == again.collapsed[1]
    assert "recorded as collapsed: " in again.to_text()
    assert "here as collapsed: " in again.to_text()


def test_a_ledger_of_before_is_read_and_written(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    Ledger(path).close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        for table, name, _ in ADDED_COLUMNS:
            db.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
        db.execute("INSERT INTO trial (key, config_key, spec, state, origin) VALUES ('a', 'c', '{}', 'COMPLETE', '{}')")
        db.execute("PRAGMA user_version=2")
        db.commit()
    with contextlib.closing(Ledger(path)) as ledger:
        row = ledger.trial("a")
        assert row is not None
        assert (row.state, row.collapsed) == ("COMPLETE", "")
        number = ledger.start_attempt("a")
        ledger.end_attempt("a", number, "COMPLETE", collapsed="it guesses")
    with contextlib.closing(Ledger(path)) as ledger:
        row = ledger.trial("a")
        assert row is not None
        assert row.collapsed == "it guesses"
        ledger.start_attempt("a")
        row = ledger.trial("a")
        assert row is not None
        assert row.collapsed == "", "what is trained again is judged anew"


def test_many_collapses_are_few_lines(tmp_path: Path) -> None:
    with contextlib.closing(Ledger(tmp_path / "ledger.db")) as ledger:
        keys = [f"key{number}" for number in range(9)]
        ledger.add_trials(TrialRow(key=key, config_key=key, spec=json.loads("{}")) for key in keys)
        ledger.add_members(
            "s", [MemberRow("cell", "e", f"row {n}", "fixed", None, n, key) for n, key in enumerate(keys)]
        )
        assert collapse_warnings("s", ledger) == ()
        for key in keys:
            ledger.end_attempt(key, ledger.start_attempt(key), "COMPLETE", collapsed="it guesses")
        head, *lines = collapse_warnings("s", ledger)
    assert head.startswith("s: 9 trials collapsed (row 0, row 1, row 2, row 3, row 4, row 5 and 3 more rows); likely")
    assert lines[0] == "  row 0, seed 0: it guesses"
    assert lines[-1].startswith("  and 6 more")
    assert len(lines) == 4
