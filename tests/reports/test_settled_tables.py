"""Seeds until it is settled, as tables, files and the page tell it: this verdict and no other."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import reports
from reports import Report
from reports.formats import latex, markdown
from reports.results import joining
from reports.statistics.settling import follow
from reports.tables import head_to_head, main_records
from reports.tables.against.sweep import compare_boards
from tests.reports.fake_store import results_of
from tests.reports.fake_sweep import FakeSweep, FakeTrial, row, seeds, teacher

LOOKS = [3, 5, 8, 12]
OURS = [70.0, 70.3, 69.8, 70.1, 69.9]
FAR = [60.0, 60.3, 59.9]
NEAR = [69.1, 69.8, 68.9, 69.6, 69.0]
LEVEL = [70.1, 69.9, 70.0]
OTHER_CELL = "digits100: tinycnn -> tinyresnet"


def sweep(trials: Sequence[FakeTrial] = (), *, rows: Sequence[str] = (), **values) -> FakeSweep:
    every = [
        teacher(80.0),
        *seeds("gdkd", OURS, method="gdkd"),
        *seeds("ce", FAR, method="ce"),
        *seeds("kd", NEAR),
        *seeds("dkd", LEVEL, method="dkd"),
        *trials,
    ]
    names = dict.fromkeys(["ce", "kd", "dkd", "gdkd", *rows])
    listed = [row(name, name if name in ("ce", "kd", "dkd", "gdkd") else "kd") for name in names]
    given = {"report": {"baseline": "kd"}, "settling": {"declared": "gdkd", "looks": LOOKS}}
    return FakeSweep("settled", every, listed, **{**given, **values})


def standings_of(report: Report, column: int = 0) -> dict[str, Any]:
    return {line.row.label: line.scores[column].standing for line in report.board.lines}


def test_verdicts_are_those_that_seeds_were_added_by() -> None:
    found = standings_of(Report(results_of(sweep())))
    column = [dict(enumerate(values)) for values in (FAR, NEAR, LEVEL, OURS)]
    expected = follow(column, 3, LOOKS, 0.05)
    assert [found[name] for name in ("ce", "kd", "dkd")] == expected[:3]
    assert found["gdkd"] is None
    assert found["teacher"] is None
    assert [expected[i].settled for i in range(3)] == [True, False, False]
    assert [expected[i].n for i in range(3)] == [3, 5, 3]


def test_the_main_table_has_n_and_this_verdict_alone() -> None:
    results = results_of(sweep())
    report = Report(results)
    text = markdown.render(head_to_head.build(results, report.board))
    assert "60.1 ± 0.2 (3), settled after 3" in text
    assert "*69.3* ± 0.4 (5), open" in text
    assert "| GDKD | **70.0** ± 0.2 (5) |" in text
    assert "Welch's test" in text
    assert "too large" in text
    for word in ("Tukey", "Dunnett", "†", "‡"):
        assert word not in text
    assert not any(score.lower or score.differs for line in report.board.lines for score in line.scores)


def test_the_table_of_what_is_settled_has_repeated_intervals() -> None:
    report = Report(results_of(sweep()))
    (table,) = [one for one in report.tables if one.name == "settled"]
    assert not [one for one in report.tables if one.name.startswith("statistics")]
    text = markdown.render(table)
    low, high = standings_of(report)["ce"].interval
    assert rf"\[{low:.1f}, {high:.1f}\]" in text
    assert "open, given up after 3" in text
    assert "settled after 3" in text
    assert "too large" in latex.fragment(table)


def test_without_such_seeds_nothing_is_said_of_it() -> None:
    results = results_of(sweep(settling={}))
    report = Report(results)
    text = "\n".join(map(markdown.render, report.tables))
    assert "ettled after" not in text
    assert "Dunnett" in text
    records = head_to_head.build(results, report.board).records
    assert records.fields == main_records.FIELDS


def test_the_csv_says_how_each_row_stands(tmp_path: Path) -> None:
    Report(results_of(sweep())).write(tmp_path)
    lines = {line["row"]: line for line in csv.DictReader(io.StringIO((tmp_path / "table.csv").read_text()))}
    assert list(lines["ce"]) == [*main_records.CONTRACT, *main_records.SETTLED]
    told = {name: line["settled"] for name, line in lines.items()}
    assert told == {"teacher": "", "ce": "settled", "kd": "open", "dkd": "given up", "gdkd": ""}
    assert (lines["ce"]["settled_n"], lines["kd"]["settled_n"]) == ("3", "5")
    assert float(lines["ce"]["settled_low"]) < float(lines["ce"]["settled_difference"]) < 0
    assert all(line["difference_p"] == line["best_p"] == "" for line in lines.values())
    page = (tmp_path / "index.html").read_text()
    assert "settled after 3" in page
    methods = (tmp_path / "methods.md").read_text()
    assert "Hwang, Shih and DeCani" in methods
    assert "Tukey" not in methods


def test_a_report_left_behind_is_read_with_its_verdicts(tmp_path: Path) -> None:
    report = Report(results_of(sweep()))
    report.write(tmp_path)
    stored = Report(reports.load_stored(tmp_path))
    assert standings_of(stored) == standings_of(report)


def test_while_a_look_is_under_way_nothing_is_told_by_it() -> None:
    waiting = [*seeds("gdkd", OURS, method="gdkd"), FakeTrial(row="kd", seed=5, state="WAITING")]
    more = [FakeTrial(row="gdkd", top1=60.0, seed=5, method="gdkd"), *waiting[-1:]]
    report = Report(results_of(sweep(more)))
    assert standings_of(report)["kd"].n == 5


def test_a_row_without_a_result_has_no_verdict() -> None:
    lost = [FakeTrial(row="lost", seed=seed, state="DIVERGED") for seed in range(3)]
    report = Report(results_of(sweep(lost, rows=["lost"])))
    found = standings_of(report)
    assert found["lost"] is None
    column = [dict(enumerate(values)) for values in (FAR, NEAR, LEVEL, OURS)] + [dict.fromkeys(range(3))]
    assert found["kd"] == follow(column, 3, LOOKS, 0.05)[1]  # it is one of the family


def test_rows_of_one_configuration_share_a_verdict_and_a_place() -> None:
    keys = {"kd": "k", "gdkd": "g"}
    again = [
        FakeTrial(row="again", top1=top1, seed=seed, key=f"{keys['kd']}{seed}", tags={"config_key": "k"})
        for seed, top1 in enumerate(NEAR)
    ]
    same = [
        FakeTrial(
            row="same", top1=top1, seed=seed, method="gdkd", key=f"{keys['gdkd']}{seed}", tags={"config_key": "g"}
        )
        for seed, top1 in enumerate(OURS)
    ]
    firsts = [
        *(FakeTrial(row="kd", top1=t, seed=s, key=f"k{s}", tags={"config_key": "k"}) for s, t in enumerate(NEAR)),
        *(
            FakeTrial(row="gdkd", top1=t, seed=s, method="gdkd", key=f"g{s}", tags={"config_key": "g"})
            for s, t in enumerate(OURS)
        ),
    ]
    others = [teacher(80.0), *seeds("ce", FAR, method="ce"), *seeds("dkd", LEVEL, method="dkd")]
    listed = [row("ce", "ce"), row("kd"), row("again"), row("dkd", "dkd"), row("gdkd", "gdkd"), row("same", "gdkd")]
    fake = FakeSweep(
        "settled", [*others, *firsts, *again, *same], listed, settling={"declared": "gdkd", "looks": LOOKS}
    )
    found = standings_of(Report(results_of(fake)))
    assert found["same"] is None
    assert found["again"] == found["kd"] == standings_of(Report(results_of(sweep())))["kd"]


def test_top5_is_not_judged_by_looks_at_top1() -> None:
    results = results_of(sweep())
    board = head_to_head.board_of_top5(results, Report(results).board)
    assert all(score.standing is None for line in board.lines for score in line.scores)
    text = markdown.render(head_to_head.build(results, board, "top5"))
    assert "nothing is tested here" in text
    assert "Tukey" not in text


def test_sweeps_that_are_joined_are_not_judged_and_one_renamed_is() -> None:
    settled, other = (
        results_of(sweep()),
        results_of(FakeSweep("other", seeds("at", LEVEL, method="at"), [row("at", "at")])),
    )
    joined = Report(joining.join("both", [settled, other], {"proposal": "gdkd"}))
    text = "\n".join(map(markdown.render, joined.tables))
    assert "nothing is tested here" in text
    assert "settled after" not in text
    renamed = Report(joining.join("one", [settled], {}, {"settled": {"gdkd": "ours"}}))
    assert renamed.board.declared
    assert standings_of(renamed)["kd"] == standings_of(Report(settled))["kd"]


@pytest.mark.parametrize("missing", ["search not finished", "not run"])
def test_a_row_that_is_searched_is_not_waited_for_by_the_report(missing: str) -> None:
    trials = [FakeTrial(row="tuned", top1=60.0, seed=1_000_000, phase="search")] if "search" in missing else []
    report = Report(results_of(sweep(trials, rows=["tuned"])))
    assert standings_of(report)["tuned"] is None
    assert standings_of(report)["ce"].settled


def test_every_pair_has_verdicts_of_its_own() -> None:
    far = [
        *seeds("gdkd", OURS[:3], method="gdkd", cell=OTHER_CELL),
        *seeds("kd", FAR, cell=OTHER_CELL),
        *seeds("ce", FAR, cell=OTHER_CELL, method="ce"),
        *seeds("dkd", LEVEL, cell=OTHER_CELL, method="dkd"),
    ]
    fake = sweep(far, cells=["digits100: tinyresnet -> tinycnn", OTHER_CELL])
    report = Report(results_of(fake))
    assert {report.board.cells[i].id: standings_of(report, i)["kd"].settled for i in (0, 1)} == {
        "digits100: tinyresnet -> tinycnn": False,
        OTHER_CELL: True,
    }


def test_two_sweeps_are_compared_by_the_seeds_that_nothing_was_stopped_by() -> None:
    ours, theirs = sweep(), sweep([FakeTrial(row="kd", top1=20.0, seed=5), FakeTrial(row="kd", top1=20.0, seed=6)])
    boards = [Report(results_of(one)).board for one in (ours, theirs)]
    changes = {one.row: one for one in compare_boards(*boards).changes}
    assert (changes["kd"].verdict, changes["kd"].pairs) == ("the same", 3)
    fixed = [Report(results_of(replace(one, settling={}))).board for one in (ours, theirs)]
    assert {one.row: one for one in compare_boards(*fixed).changes}["kd"].pairs == 5
