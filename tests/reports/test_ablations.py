"""Ablation tables: which rows make one, what they are compared with, and how they are written."""

import csv
import dataclasses
import io
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import reports
from reports.tables.ablations import tables as ablation_tables
from reports.tables.ablations.ablation import Ablation
from reports.tables.ablations.making import ablations
from reports.tables.ablations.switches import record_of
from reports.tables.ablations.tables import FIELDS
from reports.tables.table import Table
from tests.reports.fake_sweep import CELL, NASTY, FakeSweep, FakeTrial, row, seeds
from tests.reports.in_memory import results
from tests.reports.shown import as_csv, as_latex, as_markdown

OTHER = "digits100: tinyresnet -> tinier"
TERMS = {
    "between": {"w1": 0, "w2": 0},
    "top k": {"w0": 0, "w2": 0},
    "between + rest": {"w1": 0},
    "all three": {},
}


def sweep(*entries: tuple[str, str, dict[str, Any], tuple[float, ...]], **values: Any) -> FakeSweep:
    """A sweep of rows as (label, method, hyperparameters, accuracies)."""
    trials, rows = [], []
    for label, method, given, top1s in entries:
        trials += seeds(label, top1s, method=method, settings=given)
        rows.append(row(label, method, hyperparameters=given))
    return FakeSweep("ablation", trials, rows, **values)


def with_grid(fake: FakeSweep, entry: str, method: str, grid: dict[str, list[Any]], top1: float) -> FakeSweep:
    """The sweep with an entry that has a grid; each row scores a bit more than the one before."""
    trials, rows = list(fake.trials), list(fake.rows)
    combinations = [{}]
    for name, values in grid.items():
        combinations = [{**one, name: value} for one in combinations for value in values]
    for i, given in enumerate(combinations):
        label = " ".join([entry, *(f"{name}={value}" for name, value in given.items())])
        scores = (top1 + i, top1 + i + 1)
        trials += seeds(label, scores, method=method, entry=entry, settings=given)
        rows.append(row(label, method, entry=entry, hyperparameters=given, grid=list(grid)))
    return dataclasses.replace(fake, trials=trials, rows=rows)


def built(fake: FakeSweep) -> list[Ablation]:
    found = results(fake)
    return ablations(found, reports.table(found))


def only(fake: FakeSweep) -> Ablation:
    (ablation,) = built(fake)
    return ablation


def tables_of(fake: FakeSweep) -> list[Table]:
    return reports.Report(results(fake)).ablations


def terms_sweep(**values: Any) -> FakeSweep:
    own = [(label, "gdkd", given, (60.0 + i, 61.0 + 2 * i)) for i, (label, given) in enumerate(TERMS.items())]
    return sweep(("ce", "ce", {}, (50.0, 50.0)), ("kd", "kd", {}, (59.0, 59.5)), *own, **values)


# --- which rows -----------------------------------------------------------------------------------------------------


def test_a_grid_over_one_hyperparameter() -> None:
    ablation = only(with_grid(sweep(("kd", "kd", {}, (60.0,))), "by k", "gdkd", {"k": [1, 5, 20]}, 60.0))
    assert (ablation.kind, ablation.name, ablation.factors) == ("grid", "by k", ("k",))
    assert [level.factors for level in ablation.levels] == [("1",), ("5",), ("20",)]
    assert ablation.base is not None and ablation.base.row.label == "by k k=5"  # the method's default
    first, base, last = (level.gains[0] for level in ablation.levels)
    assert (first.mean, first.n, base, last.mean) == (-1.0, 2, None, 1.0)
    assert [level.scores[0].best for level in ablation.levels] == [False, False, True]


def test_the_base_is_the_baseline_where_it_is_in_the_table() -> None:
    fake = with_grid(sweep(("kd", "kd", {}, (60.0,))), "by k", "gdkd", {"k": [1, 5, 20]}, 60.0)
    ablation = only(dataclasses.replace(fake, report={"baseline": "by k k=20"}))
    assert ablation.base.row.label == "by k k=20"
    assert ablation.levels[0].gains[0].mean == -2.0


def test_the_base_is_the_default_elsewhere_then_the_baseline() -> None:
    fake = sweep(("kd", "kd", {}, (58.0, 58.0)), ("gdkd", "gdkd", {}, (62.0, 64.0)), report={"baseline": "kd"})
    ablation = only(with_grid(fake, "by k", "gdkd", {"k": [1, 20]}, 60.0))
    assert (ablation.base.row.label, ablation.base.factors) == ("gdkd", ())
    assert [level.row.label for level in ablation.levels] == ["gdkd", "by k k=1", "by k k=20"]
    assert ablation.levels[1].gains[0].mean == -2.5
    without = sweep(("kd", "kd", {}, (58.0, 58.0)), report={"baseline": "kd"})
    assert only(with_grid(without, "by k", "gdkd", {"k": [1, 20]}, 60.0)).base.row.label == "kd"


def test_no_base_no_difference() -> None:
    ablation = only(with_grid(sweep(), "by k", "gdkd", {"k": [1, 20]}, 60.0))
    assert ablation.base is None
    assert "Δ" not in as_markdown(*tables_of(with_grid(sweep(), "by k", "gdkd", {"k": [1, 20]}, 60.0)))


@pytest.mark.parametrize(
    ("classes", "method", "name", "values", "base"),
    [
        (3, "gdkd", "k", [1, 2], "by gdkd k=2"),
        (2, "gdkd", "w0", [0.5, 1], "by gdkd w0=1"),
        (4, "gdkd3", "k", [2, 3], "by gdkd3 k=3"),
        (4, "partition", "cuts", [[1], [1, 3]], "by partition cuts=[1, 3]"),
        (100, "gdkd", "k", [2, 5], "by gdkd k=5"),
    ],
)
def test_the_base_on_few_classes_is_the_default_as_it_is_there(
    classes: int, method: str, name: str, values: list[Any], base: str
) -> None:
    fake = sweep(("kd", "kd", {}, (60.0,)), datasets={"digits100": {"classes": classes}})
    ablation = only(with_grid(fake, f"by {method}", method, {name: values}, 60.0))
    assert ablation.base is not None and ablation.base.row.label == base


def test_terms_on_few_classes_have_the_fitted_default_and_the_same_value_written_in_one_table() -> None:
    rows = (("plain", "gdkd", {}, (60.0,)), ("between", "gdkd", {"k": 2, "w1": 0}, (59.0,)))
    ablation = only(sweep(*rows, datasets={"digits100": {"classes": 3}}))
    assert ablation.kind == "terms" and ablation.base is not None and ablation.base.row.label == "plain"
    assert built(sweep(*rows)) == []  # of many classes k is 5 in one and 2 in the other


def test_a_default_that_the_authors_tuned_for_a_pair_is_no_base_of_others() -> None:
    """w2 is 8 by default and for one pair, 2 where the authors tuned another: no row is at the default in both."""
    record = record_of("gdkd")
    tuned = {record.default("w2", "cifar100", *pair) for pair in record.method.by_pair[0].pairs or ()}
    assert tuned  # else this test has no case
    cells = ("cifar100: resnet32x4 -> resnet8x4", "cifar100: resnet32x4 -> shufflev2")
    values = [record.default("w1", "cifar100", "cifar_resnet32x4", f"cifar_{s}") for s in ("resnet8x4", "shufflev2")]
    assert values[0] != values[1]
    fake = with_grid(sweep(cells=cells), "by w1", "gdkd", {"w1": [1.0, 2.0]}, 60.0)
    trials = [dataclasses.replace(trial, cell=cell) for trial in fake.trials for cell in cells]
    assert only(dataclasses.replace(fake, trials=trials)).base is None
    assert only(dataclasses.replace(fake, trials=trials, cells=cells[:1])).base.row.label == f"by w1 w1={values[0]}"


def test_two_grids_are_a_matrix() -> None:
    fake = with_grid(sweep(), "both", "gdkd", {"k": [1, 5], "w2": [1.0, 8.0, 16.0]}, 60.0)
    ablation = only(fake)
    assert (ablation.kind, ablation.factors, ablation.base.row.label) == ("matrix", ("k", "w2"), "both k=5 w2=8.0")
    text = as_markdown(*tables_of(fake))
    assert "| k \\\\ w₂ | 1 | 8 | 16 |" in text
    assert "| 5 | 63.5 ± 0.7 (2) | 64.5 ± 0.7 (2) | **65.5** ± 0.7 (2) |" in text
    assert "| 5 | -1.0 ± 0.0 (2) | base | +1.0 ± 0.0 (2) |" in text


def test_a_third_grid_makes_a_matrix_for_each_of_its_values() -> None:
    grid = {"temperature": [2.0, 4.0], "k": [1, 5], "w2": [1.0, 8.0]}
    items = built(with_grid(sweep(), "g", "gdkd", grid, 60.0))
    assert [(item.name, item.factors, len(item.inner)) for item in items] == [
        ("g temperature=2", ("k", "w2"), 4),
        ("g temperature=4", ("k", "w2"), 4),
    ]


def test_terms_on_and_off() -> None:
    ablation = only(terms_sweep(report={"baseline": "kd"}))
    assert (ablation.kind, ablation.factors) == ("terms", ("w0", "w1", "w2"))
    on = {level.row.label: level.factors for level in ablation.levels}
    assert on == {
        "ce": (False, False, False),
        "between": (True, False, False),
        "top k": (False, True, False),
        "between + rest": (True, False, True),
        "all three": (True, True, True),
    }
    assert ablation.base.row.label == "all three"  # at the method's defaults; the baseline is not among the rows
    assert {level.row.label: level.gains[0] and level.gains[0].mean for level in ablation.levels}["between"] == -4.5


def test_rows_that_differ_in_more_than_what_is_off_are_no_ablation() -> None:
    plain = ("gdkd", "gdkd", {"standardize": False}, (60.0, 61.0))
    ls = {"standardize": True, "temperature": 2.0}
    assert not built(sweep(plain, ("ls", "gdkd", ls, (62.0, 62.5))))


def test_only_what_is_switched_off_by_name_is_an_ablation() -> None:
    ls = ("ls", "gdkd", {"standardize": True}, (62.0, 62.5))
    assert not built(sweep(("gdkd", "gdkd", {}, (60.0, 61.0)), ls))
    ablation = only(sweep(("plain", "gdkd", {"standardize": False}, (60.0, 61.0)), ls))
    assert (ablation.factors, ablation.base.row.label) == (("standardize",), "plain")


def test_a_term_that_changes_nothing_is_not_ticked() -> None:
    """At k = 1 the top k is one class: w1 weighs nothing."""
    off = {"k": 1, "w2": 0, "w1": 0}
    ablation = only(sweep(("a", "gdkd", {"k": 1}, (60.0, 61.0)), ("b", "gdkd", off, (59.0, 60.0))))
    assert [level.factors for level in ablation.levels] == [(None, True), (False, False)]
    board = reports.table(results(terms_sweep()))
    assert "changes nothing" in as_markdown(*ablation_tables.tables(ablation, board))


def test_a_grid_that_turns_terms_off_is_both() -> None:
    items = built(with_grid(sweep(), "onoff", "gdkd", {"w1": [0, 1.0], "w2": [0, 8.0]}, 60.0))
    assert [(item.kind, item.factors) for item in items] == [("matrix", ("w1", "w2")), ("terms", ("w1", "w2"))]
    assert len(items[1].inner) == 4


def test_a_combination_with_its_methods_where_it_is_asked_for() -> None:
    fake = sweep(
        ("ce", "ce", {}, (50.0,)),
        ("gdkd", "gdkd", {}, (60.0, 61.0)),
        ("review", "reviewkd", {}, (59.0, 60.0)),
        ("both", "gdkd+reviewkd", {"gdkd.w2": 8.0}, (62.0, 63.0)),
    )
    assert not built(fake)
    ablation = only(dataclasses.replace(fake, report={"ablations": [{"entries": ["gdkd", "review", "both"]}]}))
    assert (ablation.kind, ablation.factors) == ("terms", ("gdkd", "reviewkd"))
    assert {level.row.label: level.factors for level in ablation.levels} == {
        "ce": (False, False),
        "gdkd": (True, False),
        "review": (False, True),
        "both": (True, True),
    }
    assert ablation.base.row.label == "both"


def test_a_difference_in_the_cross_entropy_is_told() -> None:
    asked = {"ablations": [{"entries": ["kd", "both"]}]}
    rows = (("kd", "kd", {}, (60.0, 61.0)), ("both", "kd+reviewkd", {}, (62.0, 63.0)))
    ablation = only(sweep(*rows, report=asked))
    assert any("factor of the cross-entropy differs" in note and "KD 0.1" in note for note in ablation.notes)


def test_a_method_that_is_not_known_any_more_makes_no_table_of_terms() -> None:
    assert not built(sweep(("a", "gone", {"w": 0}, (60.0,)), ("b", "gone", {}, (61.0,))))


def test_searched_rows_are_in_no_table_of_terms() -> None:
    fake = sweep(("a", "gdkd", {}, (60.0, 61.0)), ("b", "gdkd", {"w1": 0}, (59.0, 60.0)))
    search = [FakeTrial(row="b", phase="search", seed=1_000_000, method="gdkd", settings={"k": 3})]
    assert only(fake).kind == "terms"
    assert not built(dataclasses.replace(fake, trials=[*fake.trials, *search]))


# --- what a user chooses --------------------------------------------------------------------------------------------


def test_chosen_ablations() -> None:
    asked = [{"entries": ["top k", "all three"], "base": "kd", "caption": "Mine", "label": "tab:mine"}]
    (ablation,) = built(terms_sweep(report={"ablations": asked}))
    assert [level.row.label for level in ablation.levels] == ["kd", "ce", "top k", "all three"]
    assert (ablation.factors, ablation.base.row.label) == (("w0", "w2"), "kd")
    text = as_latex(*tables_of(terms_sweep(report={"ablations": asked})))
    assert "\\label{tab:mine}" in text and "\\caption{Mine. " in text


def test_chosen_terms() -> None:
    asked = [{"entries": ["between", "all three"], "terms": ["w0", "w2"]}]
    (ablation,) = built(terms_sweep(report={"ablations": asked}))
    assert [level.factors for level in ablation.inner][1:] == [(True, False), (True, True)]


@pytest.mark.parametrize("report", [{"ablations": []}, {"tables": ["search"]}])
def test_no_ablations(report: dict[str, Any], tmp_path: Path) -> None:
    assert not built(terms_sweep(report=report))
    written = reports.write(results(terms_sweep(report=report)), tmp_path)
    assert not [path for path in written if path.name.startswith("ablations")]


# --- how they are written -------------------------------------------------------------------------------------------


def nasty() -> FakeSweep:
    fake = with_grid(sweep(("kd", "kd", {}, (60.0, 61.0))), NASTY, "gdkd", {"k": [1, 5]}, 60.0)
    trials = [*fake.trials, *(dataclasses.replace(trial, cell=OTHER, top1=trial.top1 + 1) for trial in fake.trials)]
    return dataclasses.replace(fake, trials=trials, cells=(CELL, OTHER))


def test_markdown_of_terms() -> None:
    text = as_markdown(*tables_of(terms_sweep()))
    assert "| row | w₀ | w₁ | w₂ | TinyResNet → TinyCNN | Δ |" in text
    assert "| between + rest | ✓ |  | ✓ | 63.5 ± 2.1 (2) | -1.5 ± 0.7 (2) |" in text
    assert "w₀: factor of the KL between the masses of the two groups" in text  # from the method's record


def test_names_are_escaped_everywhere() -> None:
    found = tables_of(nasty())
    markdown, latex = as_markdown(*found), as_latex(*found)
    assert "<script>" not in markdown and r"b\_c %d \| &lt;script>" in markdown
    assert r"=a \& b\_c \%d \textbar{} \textless{}script\textgreater{}" in latex
    lines = list(csv.DictReader(io.StringIO(as_csv(*found))))
    assert lines[0]["ablation"] == f"'{NASTY}" and lines[0]["factors"] == "k=1"


def test_csv() -> None:
    text = as_csv(*tables_of(terms_sweep()))
    lines = {line["row"]: line for line in csv.DictReader(io.StringIO(text))}
    assert tuple(lines["ce"]) == FIELDS
    assert (lines["top k"]["factors"], lines["top k"]["gain"]) == ("w0=off; w1=on; w2=off", "-3.0")
    assert (lines["all three"]["base"], lines["all three"]["gain"], lines["all three"]["mean"]) == ("yes", "", "65.0")


def test_files_and_bytes(tmp_path: Path) -> None:
    found = results(terms_sweep())
    every = [str(path.relative_to(tmp_path)) for path in reports.write(found, tmp_path)]
    names = [name for name in every if "ablation" in name]
    assert names[-4:-1] == ["ablations.md", "ablations.tex", "ablations.csv"]
    assert re.fullmatch(r"tables/ablation-terms-of-all-three-[0-9a-f]{8}\.tex", names[-1])
    before = (tmp_path / names[-1]).read_bytes(), (tmp_path / "ablations.tex").read_bytes()
    reports.write(found, tmp_path)
    assert ((tmp_path / names[-1]).read_bytes(), (tmp_path / "ablations.tex").read_bytes()) == before
    assert before[0].decode().partition("\n")[2] in before[1].decode()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex: apt install texlive-latex-recommended")
def test_latex_compiles_alone_and_by_input(tmp_path: Path) -> None:
    matrix = with_grid(terms_sweep(), "both", "gdkd", {"k": [1, 5], "w2": [1.0, 8.0]}, 60.0)
    for number, fake in enumerate((nasty(), matrix)):
        folder = tmp_path / str(number)
        written = reports.write(results(fake), folder)
        parts = [path for path in written if path.stem.startswith("ablation-")]
        inputs = "".join(f"\\input{{tables/{path.stem}}}" for path in parts)
        head = "\\documentclass[twocolumn]{article}\\usepackage{amssymb,booktabs,graphicx,threeparttable}"
        (folder / "paper.tex").write_text(f"{head}\\begin{{document}}{inputs}\\end{{document}}")
        for name in ("ablations.tex", "paper.tex"):
            command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", name]
            ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            assert ended.returncode == 0, ended.stdout[-2000:]
            assert "Overfull \\hbox" not in ended.stdout


def test_a_collapsed_training_is_counted_in_its_cell() -> None:
    fake = with_grid(sweep(("ce", "ce", {}, (50.0, 51.0))), "by k", "gdkd", {"k": [1, 20]}, 60.0)
    first = next(trial for trial in fake.trials if trial.row == "by k k=20")
    trials = [dataclasses.replace(one, tags={"collapsed": "guesses"}) if one is first else one for one in fake.trials]
    before, after = (as_markdown(*tables_of(one)) for one in (fake, dataclasses.replace(fake, trials=trials)))
    assert "collapsed" not in before
    (line,) = (line for line in after.splitlines() if "collapsed" in line)
    assert line.startswith("| 20 | ") and ", 1 collapsed" in line
