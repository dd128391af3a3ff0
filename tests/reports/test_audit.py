"""What habits would have claimed, worked out by hand."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

import reports
import run_sweep
from reports.report import Report
from reports.tables.audit import CONTRACT, Audited
from reports.tables.table import Missing, Number, Text
from tests.reports.fake_sweep import FakeSweep, FakeTrial, row, seeds
from tests.reports.plain import plain_results

ONE, OTHER = "digits100: tinyresnet -> tinycnn", "digits100: tinyresnet -> smallcnn"
TEMPERATURE = [{"name": "temperature", "type": "float", "low": 1.0, "high": 8.0}]
K = [{"name": "k", "type": "int", "low": 1, "high": 30}]


def trial(label: str, seed: int, final: float, best: float, **values: Any) -> FakeTrial:
    return FakeTrial(row=label, seed=seed, metrics={"final_top1": final, "best_top1": best}, **values)


def tuned(label: str, top1s: tuple[float, ...], cell: str, method: str, **settings: Any) -> list[FakeTrial]:
    searched = FakeTrial(row=label, phase="search", seed=10**6, cell=cell, method=method, settings=settings)
    return [searched, *seeds(label, top1s, phase="confirm", rank=1, cell=cell, method=method, settings=settings)]


def found(sweep: FakeSweep) -> dict[tuple[str, str], Audited]:
    return {(one.habit, one.cell.id): one for one in reports.audit(plain_results(sweep)).found}


def test_best_epoch_and_best_seed_by_hand():
    trials = [trial("kd", 0, 70.0, 70.5), trial("kd", 1, 72.0, 72.1), trial("ours", 0, 71.0, 73.0)]
    trials += [trial("ours", 1, 71.4, 72.4), trial("dkd", 0, 71.6, 71.6), trial("dkd", 1, 71.2, 71.4)]
    sweep = FakeSweep("habits", trials, [row("kd"), row("dkd"), row("ours")], report={"proposal": "ours", "digits": 2})
    audited = found(sweep)
    epoch, seed = audited["best epoch", ONE], audited["best seed", ONE]
    assert epoch.lead == seed.lead == pytest.approx(71.2 - 71.4)  # of means: kd 71.0, ours 71.2, dkd 71.4
    assert epoch.claimed == pytest.approx(72.7 - 71.5) and epoch.adds == pytest.approx(1.2 + 0.2)
    assert epoch.changes and epoch.first == "ours"  # kd 71.3, dkd 71.5: ours has passed dkd
    assert seed.claimed == pytest.approx(71.4 - 72.0) and seed.adds == pytest.approx(-0.4)
    assert seed.changes and seed.first == "KD"  # kd has passed both
    assert audited["defaults", ONE].why == "the proposal is not tuned"
    assert audited["copied", ONE].why == "one pair"


def both_pairs(*, with_copy: bool = True, with_defaults: bool = True) -> FakeSweep:
    """ours 75.0 and 74.0; kd tuned 74.0 at T = 2, 74.4 at T = 4, by default 72.0 and 71.0; dkd 73.0 in both."""
    trials = tuned("ours", (74.5, 75.5), ONE, "gdkd", k=5, w=1.0)
    trials += tuned("ours", (73.5, 74.5), OTHER, "gdkd", k=5, w=1.0)
    trials += tuned("kd (tuned)", (73.0, 75.0), ONE, "kd", temperature=2.0, w=1.0)
    trials += tuned("kd (tuned)", (74.2, 74.6), OTHER, "kd", temperature=4.0, w=1.0)
    for cell, top1 in ((ONE, 72.0), (OTHER, 71.0)):
        trials += seeds("dkd", (73.0, 73.0), cell=cell, method="dkd")
        if with_defaults:
            trials += seeds("kd", (top1, top1), cell=cell, settings={"temperature": 3.0, "w": 1.0})
    if with_copy:
        trials += seeds("kd T=2", (73.5, 73.7), cell=OTHER, settings={"temperature": 2.0, "w": 1.0})
        trials += seeds("kd other", (99.0,), cell=OTHER, settings={"temperature": 2.0, "w": 2.0})
        trials += seeds("kd T=2", (99.0,), cell=ONE, settings={"temperature": 5.0, "w": 1.0})
    rows = [row("kd (tuned)", "kd", dimensions=TEMPERATURE), row("dkd", "dkd"), row("ours", "gdkd", dimensions=K)]
    rows += [row("kd")] if with_defaults else []
    report = {"proposal": "ours", "digits": 2}
    return FakeSweep("pairs", trials, rows, (ONE, OTHER), report)


def test_defaults_by_hand():
    audited = found(both_pairs())
    one, other = audited["defaults", ONE], audited["defaults", OTHER]
    assert one.lead == pytest.approx(75.0 - 74.0) and one.claimed == pytest.approx(75.0 - 73.0)  # dkd is next now
    assert other.lead == pytest.approx(74.0 - 74.4) and other.claimed == pytest.approx(74.0 - 73.0)
    assert one.changes and one.first == "ours"  # kd stood before dkd, and stands behind it
    assert other.changes and other.first == "ours"


def test_copied_by_hand():
    audited = found(both_pairs())
    one, other = audited["copied", ONE], audited["copied", OTHER]
    assert one.claimed is None and one.why == "settings are copied from this pair"
    assert other.lead == pytest.approx(-0.4)
    assert other.claimed == pytest.approx(74.0 - 73.6)  # k is the same in both; of kd only what has its own w
    assert other.changes and other.first == "ours"


def test_what_is_missing_is_said():
    audited = found(both_pairs(with_copy=False, with_defaults=False))
    missing = "kd at its defaults for KD (tuned), TinyResNet → TinyCNN, 2 seeds"
    assert audited["defaults", ONE].missing == (missing,)
    assert audited["defaults", ONE].claimed is None and audited["defaults", ONE].adds is None
    assert audited["copied", OTHER].missing == ("KD (tuned) with T = 2, TinyResNet → smallcnn, 2 seeds",)
    assert audited["copied", OTHER].claimed is None


def test_a_table_beside_a_proposal_that_alone_is_tuned_has_the_habit_itself():
    trials = [*tuned("ours", (74.0, 75.0), ONE, "gdkd", k=5), *seeds("kd", (70.0, 71.0))]
    rows = [row("kd"), row("ours", "gdkd", dimensions=K)]
    audited = found(FakeSweep("alone", trials, rows, report={"proposal": "ours"}))
    assert "the main table has this habit" in audited["defaults", ONE].why


def test_variants_of_the_proposal_are_not_among_the_others():
    trials = [trial("ours", 0, 71.0, 71.0), trial("kd", 0, 70.0, 70.0)]
    trials += [trial("ours k=1", 0, 75.0, 75.0, entry="ours")]
    rows = [row("ours"), row("ours k=1", entry="ours"), row("kd")]
    audited = found(FakeSweep("own", trials, rows, report={"proposal": "ours"}))
    assert audited["best seed", ONE].lead == pytest.approx(1.0)


@pytest.mark.parametrize("first", ["ours", "its twin", "neither"])
def test_rows_with_the_trainings_of_the_proposal_are_not_among_the_others(first: str):
    orders = {"ours": ("ours", "its twin"), "its twin": ("its twin", "ours"), "neither": ("third", "its twin", "ours")}
    labels = orders[first]
    trials = [trial(label, 0, 71.0, 71.0, key="one") for label in labels] + [trial("kd", 0, 70.0, 70.0)]
    results = plain_results(FakeSweep("twins", trials, [*map(row, labels), row("kd")], report={"proposal": "ours"}))
    results.trials["config_key"] = [*("same" for _ in labels), "other"]
    assert [line.scores[0].same_as for line in reports.table(results).lines].count(None) == 3  # teacher, first, kd
    assert reports.audit(results).found[0].lead == pytest.approx(1.0)


def test_a_setting_that_some_seeds_lack_is_missing():
    copied = seeds("kd T=2", (90.0,), cell=OTHER, settings={"temperature": 2.0, "w": 1.0})
    sweep = both_pairs(with_copy=False)
    part = dataclasses.replace(sweep, trials=[*sweep.trials, *copied])
    audited = found(part)["copied", OTHER]
    assert audited.claimed is None and audited.missing == ("KD (tuned) with T = 2, TinyResNet → smallcnn, 1 seed",)
    more = seeds("kd T=2", (73.0, 75.0, 99.0), cell=OTHER, settings={"temperature": 2.0, "w": 1.0})
    audited = found(dataclasses.replace(sweep, trials=[*sweep.trials, *more]))["copied", OTHER]
    assert audited.claimed == pytest.approx(74.0 - 74.0)  # the row has two seeds


def test_the_table_is_of_means_over_pairs(tmp_path: Path):
    results = plain_results(both_pairs())
    audit = reports.audit(results)
    (table,) = audit.tables()
    texts = [text.text for one in table.rows if isinstance(text := one.cells[0], Text)]
    assert texts == ["best epoch by test", "best seed", "baselines at defaults", "tuned on one pair"]
    defaults = [cell.value for cell in table.rows[2].cells if isinstance(cell, Number)]
    assert defaults == pytest.approx([2, 0.3, 1.5, 1.2])  # pairs, lead, claimed, what it adds
    copied = [cell.value for cell in table.rows[3].cells if isinstance(cell, Number)]
    assert copied == pytest.approx([1, -0.4, 0.4, 0.8])
    assert [one.cells[5].text for one in table.rows[2:] if isinstance(one.cells[5], Text)] == [
        "in 2 of 2 pairs",
        "in 1 of 1 pairs",
    ]
    assert table.records is not None and table.records.fields == tuple(CONTRACT) and len(table.records.lines) == 8
    report = Report(results, audit=audit)
    title = "Beside what habits would have claimed: lead of ours over the best other row"
    assert [one.title for one in report.tables][-1] == title
    files = {path.name for path in report.write(tmp_path)}
    assert {"audit.md", "audit.tex", "audit.csv"} <= files
    lacking = reports.audit(plain_results(both_pairs(with_copy=False, with_defaults=False))).tables()[0]
    assert {one.cells[2].why for one in lacking.rows[2:] if isinstance(one.cells[2], Missing)} == {"trainings missing"}
    assert len(lacking.notes) == 2 and all("Trainings missing for" in note for note in lacking.notes)


def test_without_a_proposal_it_is_refused(told_home: Path, capsys: pytest.CaptureFixture[str]):
    assert run_sweep.main(["report", "whole", "--home", str(told_home), "--audit"]) == 2
    assert "--audit needs report.proposal" in capsys.readouterr().err
