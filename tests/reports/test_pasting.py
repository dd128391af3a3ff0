"""Tables that are pasted into a paper as they are: two columns or one, many pairs, long names; and the text beside."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import reports
from reports import methods_text
from reports.formats import latex, markdown
from reports.formats.latex_layout import Layout, layouts
from reports.formats.text import content
from reports.report import Report
from reports.tables import head_to_head
from reports.tables.table import Column, Number, Row, Table, Text
from tests.reports.fake_store import results_of
from tests.reports.fake_sweep import NASTY
from tests.reports.thirteen import CROSS, SAME, thirteen_pairs

LONG = "gdkd + reviewkd with a name that is long"
CLASSES = {"two columns": "[twocolumn]{article}", "one column": "{article}", "larger type": "[11pt]{article}"}


@pytest.fixture(scope="module")
def report() -> Report:
    return Report(results_of(thirteen_pairs(grids=False)))


def pairs_of(layout: Layout) -> list[int]:
    columns = layout.table.columns
    return [sum(bool(columns[i].groups) for i in part.places) for part in layout.parts]


def test_pairs_of_one_architecture_and_of_two_have_tables_of_their_own(report: Report) -> None:
    same, cross = (next(table for table in report.tables if table.name == name) for name in NAMES)
    assert [len([c for c in table.columns if c.groups]) for table in (same, cross)] == [len(SAME), len(CROSS)]
    assert [table.label for table in (same, cross)] == ["tab:thirteen", "tab:thirteen-cross"]
    gains = [averages(table, "GDKD", f"mean Δ KD ({n} pairs)") for table, n in ((same, 7), (cross, 6))]
    board = report.board
    place = next(i for i, line in enumerate(board.lines) if line.row.label == "gdkd")
    means = [v.difference.mean for v in board.to_reference[place] if v is not None]
    assert gains == pytest.approx([sum(means[:7]) / 7, sum(means[7:]) / 6])
    assert averages(same, "GDKD (tuned)", "mean rank (7 pairs)") == 1.0


NAMES = ("head_to_head", "head_to_head-cross")


def test_a_head_to_head_comparison_has_no_ablations(report: Report) -> None:
    assert not report.ablations


def averages(table: Table, row: str, head: str) -> float:
    place = [column.head for column in table.columns].index(head)
    (cell,) = (line.cells[place] for line in table.rows if line.cells[0] == Text(text=row))
    assert isinstance(cell, Number)
    return cell.value


def test_more_pairs_than_fit_are_split_evenly_with_average_and_rank_in_each(report: Report) -> None:
    wide, narrow = layouts(report.tables[0])
    assert (pairs_of(wide), pairs_of(narrow)) == ([4, 3], [3, 2, 2])
    for layout in (wide, narrow):
        heads = [[layout.table.columns[i].head for i in part.places] for part in layout.parts]
        assert all({"mean Δ KD (7 pairs)", "mean rank (7 pairs)"} <= set(of) for of in heads)
    assert wide.least <= 49.5 and narrow.least <= 32.5


def test_seven_pairs_stand_in_one_piece_where_they_fit() -> None:
    columns = [Column(head=f"pair {i}", stacked=("net", "work"), groups=("",)) for i in range(7)]
    numbers = tuple(Number(value=70.1, std=0.2) for _ in columns)
    table = Table(
        name="t",
        title="t",
        label="t",
        columns=(Column(head="method", stacked=("Teacher", "Student"), kind="text"), *columns),
        rows=(Row(cells=(Text(text="GDKD"), *numbers)),),
    )
    wide, narrow = layouts(table)
    assert (pairs_of(wide), pairs_of(narrow)) == ([7], [7])
    several = Number(value=70.12, std=0.23, digits=2, claims=("†", "*"))
    wide, narrow = layouts(replaced(table, several))
    assert (pairs_of(wide), pairs_of(narrow)) == ([7], [4, 3])


def replaced(table: Table, number: Number) -> Table:
    rows = (Row(cells=(table.rows[0].cells[0], *[number] * 7)),)
    return Table(name="t", title="t", label="t", columns=table.columns, rows=rows)


def test_accuracies_of_teacher_and_student_stand_under_their_networks(report: Report) -> None:
    text = latex.render(report.tables[1])
    head = text[text.index(r"\toprule") : text.index(r"\midrule")].splitlines()
    first = [line.split("&")[0].strip() for line in head if line.endswith(r"\\")]
    assert first == ["Teacher", "", "Student", ""]
    assert "student alone" not in text.partition("tablenotes")[0] and "(1)" not in text


def test_nothing_is_smaller_than_scriptsize_and_nothing_is_shrunk(report: Report) -> None:
    text = "".join(latex.render(table) for table in report.tables)
    assert not re.findall(r"\\(tiny|resizebox|scalebox|adjustbox|fontsize)", text)


def test_captions_are_short_and_notes_are_lists(report: Report) -> None:
    for table in report.tables:
        assert len(table.caption or table.title) <= 220, table.caption
        text = markdown.render(table)
        assert text.count("\n- ") + text.startswith("- ") >= len(table.notes)
        assert latex.render(table).count("\\item") >= len(table.notes)


def compiled(folder: Path, body: str, options: str) -> str:
    head = latex.HEAD.replace("[twocolumn]{article}", options).replace(r"\usepackage[margin=0.75in]{geometry}", "")
    (folder / "paper.tex").write_text(f"{head}{'Words before it. ' * 40}\n{body}{latex.END}")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, errors="replace")
    assert ended.returncode == 0, ended.stdout[-2000:]
    return ended.stdout


def complaints(log: str) -> Iterator[str]:
    yield from re.findall(r"^(?:Overfull .*|.*[Tt]oo large.*)$", log, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex: apt install texlive-latex-recommended")
@pytest.mark.parametrize("options", CLASSES.values(), ids=CLASSES)
def test_every_table_fits_as_it_is_pasted(options: str, tmp_path: Path) -> None:
    found = Report(results_of(thirteen_pairs({"names": {"at": NASTY}})))
    for table in found.tables:
        assert not list(complaints(compiled(tmp_path, latex.render(table), options))), table.name


# --- the row that is proposed ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proposal", "rows"),
    [
        ("gdkd (tuned)", ["GDKD (tuned)", "Δ over KD"]),
        ("gdkd+ls", ["GDKD + LS", "Δ over KD", "Δ over GDKD"]),
        (LONG, [LONG, "Δ over KD", "Δ over GDKD"]),
        ("kd", ["KD"]),
    ],
)
def test_the_proposal_is_shaded_with_what_it_gains(report: Report, proposal: str, rows: list[str]) -> None:
    board = replace(report.board, options=report.board.options.model_copy(update={"proposal": proposal}))
    table = head_to_head.build(report.results, board)
    shaded = [row for row in table.rows if row.shaded]
    assert [content(row.cells[0]) for row in shaded] == rows
    assert latex.render(table).count(r"\color[gray]") >= len(rows)
    means = {content(row.cells[0]): row.cells[1] for row in table.rows}
    for row in shaded[1:]:
        other, gain = means[content(row.cells[0]).removeprefix("Δ over ")], row.cells[1]
        own = shaded[0].cells[1]
        assert isinstance(own, Number) and isinstance(other, Number) and isinstance(gain, Number)
        assert gain.value == pytest.approx(own.value - other.value) and gain.signed


def test_without_a_baseline_it_gains_over_the_student_alone(whole: reports.Results) -> None:
    board = reports.table(whole)
    proposed = next(line for line in board.lines if line.kind == "method")
    assert not board.baseline and board.reference
    board = replace(board, options=board.options.model_copy(update={"proposal": proposed.row.entry}))
    names = [content(row.cells[0]) for row in head_to_head.build(whole, board).rows if row.shaded]
    assert names[:2] == [proposed.shown, f"Δ over {board.reference}"]


# --- the text beside ------------------------------------------------------------------------------------------------


def test_methods_are_told_from_the_records(report: Report, whole: reports.Results) -> None:
    told = dict(methods_text.paragraphs(report.results, report.board))
    assert "epochs 240, batch size 64, optimizer sgd, learning rate 0.05" in told["Training"]
    assert "3 trainings with the seeds 0, 1, 2" in told["Training"]
    assert told["Teachers"].startswith("Teachers were trained like students.")
    assert "KD + LS: standardize = True, T = 2." in told["Hyperparameters"]
    assert "GDKD (tuned) over k = 1…30 (log), w₂ = 1…16 (log)" in told["Search"]
    assert "chosen by accuracy on validation images held out of the training set" in told["Search"]
    assert "level 0.05" in told["Statistics"] and "Dunnett's two-sided comparison with KD" in told["Statistics"]
    assert "Data" not in {
        title for title, text in methods_text.paragraphs(whole, reports.table(whole))
    }  # none recorded


def test_methods_tell_of_a_race(report: Report) -> None:
    given = {"search": {"trials": 24, "race": 4}}
    found = replace(report.results, resolved={**report.results.resolved, "given": given})
    told = dict(methods_text.paragraphs(found, report.board))["Search"]
    assert "made 24 proposals, each a training. The best 6, 3, 3 were trained with 3 further seeds" in told


def test_methods_name_what_differs_between_students(report: Report) -> None:
    runs = dict(report.results.runs)
    light = report.results.trials["student"] == "mobilenetv2"
    for key in report.results.trials.loc[light, "trial_key"]:
        runs[key] = replace(runs[key], params={**runs[key].params, "recipe.learning_rate": "0.01"})
    found = Report(replace(report.results, runs=runs))
    told = dict(methods_text.paragraphs(found.results, report.board))
    assert "0.01 for MobileNetV2." in told["Training"] and "Learning rate: 0.05 for ResNet-20," in told["Training"]


def test_names_in_methods_tex_are_escaped(nasty: reports.Results) -> None:
    text = methods_text.documents(nasty, reports.table(nasty))["tex"]
    assert "seeds (n $-$ 1)." in text
    assert r"\paragraph{Statistics}" in text and r"=a \& b\_c" in text
