"""Two sweeps, or two states of one: which numbers moved, by how much, and whether beyond noise."""

import csv
import dataclasses
import io
import shutil
import subprocess
from pathlib import Path

import pytest

import reports
from reports.tables.against.sweep import FIELDS, Change, SweepComparison
from tests.reports.fake_sweep import CELL, NASTY, FakeSweep, FakeTrial, row, seeds, teacher
from tests.reports.in_memory import results
from tests.reports.shown import as_csv, as_markdown

OTHER = "digits100: tinyresnet -> tinier"
OURS = {
    "moved": (63.0, 62.1, 64.2, 60.9),
    "noise": (60.0, 61.0, 62.0),
    "same": (60.0, 61.0),
    "more seeds": (60.0, 61.0, 70.0),
    "one seed": (60.0,),
    "only ours": (60.0,),
}
THEIRS = {
    "moved": (60.0, 59.0, 61.0, 58.0),
    "noise": (60.5, 60.0, 62.5),
    "same": (60.0, 61.0),
    "more seeds": (60.0, 61.0),
    "one seed": (61.5,),
    "only theirs": (60.0,),
}


def sweep(name: str, scores: dict[str, tuple[float, ...]], first_seed: int = 0) -> FakeSweep:
    trials = [
        dataclasses.replace(trial, seed=trial.seed + first_seed)
        for label, top1s in scores.items()
        for trial in seeds(label, top1s)
    ]
    return FakeSweep(name, trials, [row(label) for label in scores])


def compared(ours: FakeSweep, theirs: FakeSweep) -> SweepComparison:
    return reports.compare_sweeps(results(ours), results(theirs))


def by_row(comparison: SweepComparison) -> dict[str, Change]:
    return {change.row: change for change in comparison.changes}


@pytest.fixture(scope="module")
def changes() -> dict[str, Change]:
    return by_row(compared(sweep("ours", OURS), sweep("theirs", THEIRS)))


def test_paired_by_seed_and_holm_over_all() -> None:
    """By hand. Differences 3, 3.1, 3.2, 2.9: mean 3.05, std 0.129099, t = 3.05/(0.129099/2) = 47.25 on 3 degrees of
    freedom, p = 2.08e-5 (R: t.test(c(3, 3.1, 3.2, 2.9))). Differences -0.5, 1, -0.5: t = 0 and p = 1. Holm: 2 × the
    smaller, the other stays."""
    found = by_row(compared(sweep("ours", OURS), sweep("theirs", THEIRS)))
    moved, noise = found["moved"], found["noise"]
    assert (moved.test, moved.pairs, moved.difference) == ("paired t", 4, pytest.approx(3.05))
    assert moved.p == pytest.approx(2.08e-5, rel=0.01)
    assert moved.adjusted == pytest.approx(2 * moved.p)
    assert moved.verdict == "moved"
    assert (noise.difference, noise.p, noise.adjusted, noise.verdict) == (
        pytest.approx(0),
        pytest.approx(1),
        pytest.approx(1),
        "within noise",
    )


def test_what_has_no_test(changes: dict[str, Change]) -> None:
    assert (changes["same"].verdict, changes["same"].difference, changes["same"].p) == ("the same", 0.0, None)
    more = changes["more seeds"]
    assert (more.verdict, more.difference, more.why) == ("the same", 0.0, "in the 2 common seeds")
    one = changes["one seed"]
    assert (one.verdict, one.difference, one.p) == ("too few seeds", -1.5, None)
    assert (changes["only ours"].verdict, changes["only theirs"].verdict) == ("only ours", "only theirs")
    assert changes["only ours"].difference is None
    assert "teacher" not in changes  # not trained here, in neither


def test_unrelated_seeds_are_compared_by_welch() -> None:
    """R: t.test(c(60, 61, 62), c(65, 66, 67)): t = -6.1237, df = 4, p = 0.0036."""
    ours, theirs = sweep("a", {"kd": (60.0, 61.0, 62.0)}), sweep("b", {"kd": (65.0, 66.0, 67.0)}, first_seed=5)
    change = by_row(compared(ours, theirs))["kd"]
    assert (change.test, change.pairs, change.difference, change.verdict) == ("Welch", 0, -5.0, "moved")
    assert change.p == pytest.approx(0.0036, abs=1e-4)


def test_what_moved_alike_in_every_seed_is_judged_by_the_number_of_seeds() -> None:
    """Without a spread t says nothing: five equal signs out of five have p = 2/32, six have 2/64."""
    for n, verdict, p in ((5, "within noise", 2 / 32), (6, "moved", 2 / 64)):
        ours, theirs = sweep("a", {"kd": (61.0,) * n}), sweep("b", {"kd": (60.0,) * n})
        change = by_row(compared(ours, theirs))["kd"]
        assert (change.test, change.p, change.verdict) == ("sign flip", p, verdict)


def test_comparing_the_other_way_round_changes_the_signs_alone(changes: dict[str, Change]) -> None:
    back = by_row(compared(sweep("theirs", THEIRS), sweep("ours", OURS)))
    for label, change in changes.items():
        assert back[label].p == (None if change.p is None else pytest.approx(change.p))
        assert back[label].difference == (None if change.difference is None else pytest.approx(-change.difference))


def test_cells_of_one_side_alone() -> None:
    theirs = [FakeTrial(row="kd", cell=OTHER, top1=50.0)]
    comparison = compared(sweep("a", {"kd": (60.0,)}), FakeSweep("b", theirs, [row("kd")], (OTHER,)))
    assert [of.cell.id for of in comparison.cells] == [CELL, OTHER]
    verdicts = [[change.verdict for change in of.changes if change.row == "kd"] for of in comparison.cells]
    assert verdicts == [["only ours"], ["only theirs"]]


def test_what_both_have_comes_first() -> None:
    ours = FakeSweep("a", [*seeds("kd", (60.0,)), *seeds("x", (61.0,))], [row("x"), row("kd")], (OTHER, CELL))
    theirs = FakeSweep("b", [*seeds("y", (62.0,)), *seeds("kd", (60.0,))], [row("y"), row("kd")], (CELL,))
    comparison = compared(ours, theirs)
    assert [of.cell.id for of in comparison.cells] == [CELL, OTHER]
    assert [change.row for change in comparison.cells[0].changes] == ["kd", "x", "y"]


def test_an_entry_that_is_called_teacher_does_not_hide_the_teacher() -> None:
    """Both are compared; the entry comes after the teacher, so it would take its place."""
    sides = [
        FakeSweep(name, [teacher(top1), *seeds("teacher", (60.0, 61.0))], [row("teacher")])
        for name, top1 in (("a", 80.0), ("b", 78.0))
    ]
    found = [(change.difference, change.verdict) for change in compared(*sides).changes]
    assert found == [(2.0, "too few seeds"), (0.0, "the same")]


def test_an_earlier_report_is_another_state(tmp_path: Path) -> None:
    before = sweep("ours", {"kd": (60.0, 61.0), "dkd": (61.0, 62.0)})
    reports.write(results(before), tmp_path / "ours")
    after = dataclasses.replace(before, trials=[*before.trials, FakeTrial(row="kd", seed=2, top1=62.0)])
    for place in (tmp_path / "ours", tmp_path / "ours" / "results.parquet"):
        comparison = reports.changes(results(after), "ours", str(place), home=tmp_path)
        found = by_row(comparison)
        assert (found["kd"].ours.n, found["kd"].theirs.n, found["kd"].verdict) == (3, 2, "the same")
        assert found["dkd"].verdict == "the same"
    pandas_equal = reports.load_stored(tmp_path / "ours").trials.equals(results(before).trials)
    assert pandas_equal


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    ours = results(sweep("ours", {"kd": (60.0,)}))
    with pytest.raises(reports.ReportError, match="compared with itself"):
        reports.changes(ours, "ours", "ours", home=tmp_path)
    with pytest.raises(reports.ReportError, match=r"there is no .*results\.parquet"):
        reports.changes(ours, "ours", str(tmp_path), home=tmp_path)
    (tmp_path / "text").write_text("no table")
    with pytest.raises(reports.ReportError, match=r"cannot be read as results\.parquet"):
        reports.load_stored(tmp_path / "text")
    with pytest.raises(reports.StoreUnavailableError, match="no tracking database"):
        reports.changes(ours, "ours", None, home=tmp_path, other_home=str(tmp_path / "nowhere"))
    assert reports.changes(ours, "ours", None, home=tmp_path) is None


def test_texts() -> None:
    comparison = compared(sweep("ours", OURS), sweep("theirs", THEIRS))
    text = reports.console_comparison(comparison, 120)
    assert (
        "Of 7 numbers: 1 moved, 1 within noise, 2 the same, 1 too few seeds, 1 only in ours, 1 only in theirs" in text
    )
    assert "the same in the 2 common seeds" in text and "<0.001" in text
    markdown = as_markdown(*comparison.tables())
    assert "| moved | 62.5 ± 1.4 (4) | 59.5 ± 1.3 (4) | +3.1 | &lt;0.001 | **moved** |" in markdown
    lines = {line["row"]: line for line in csv.DictReader(io.StringIO(as_csv(*comparison.tables())))}
    assert tuple(lines["moved"]) == FIELDS
    assert (lines["one seed"]["difference"], lines["one seed"]["p"], lines["one seed"]["verdict"]) == (
        "-1.5",
        "",
        "too few seeds",
    )
    assert lines["more seeds"]["why"] == "in the 2 common seeds"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex: apt install texlive-latex-recommended")
@pytest.mark.slow
def test_latex_compiles_with_any_name(tmp_path: Path) -> None:
    comparison = compared(sweep("ours", {NASTY: (60.0, 61.0)}), sweep("theirs", {NASTY: (60.0, 62.0)}))
    paths = reports.write_comparison(dataclasses.replace(comparison, theirs="/a_b/%c"), tmp_path)
    assert [path.name for path in paths] == ["compare.md", "compare.tex", "compare.csv"]
    assert "<script>" not in paths[0].read_text()
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "compare.tex"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-2000:]
