"""Segmentations are scored by mean intersection over union, and every table and figure says what it holds."""

import re
from pathlib import Path

import pytest

import reports
from reports.board.board import Board, Line
from reports.formats import latex, markdown
from reports.results.measures import MIOU, TOP1
from reports.tables.table import Number
from tests.reports.conftest import Loader
from tests.reports.fake_sweep import SCENES, FakeSweep, FakeTrial, miou, mixed_sweep, row
from tests.reports.shown import main, tables


@pytest.fixture
def mixed(results_of: Loader) -> reports.Results:
    return results_of(mixed_sweep())


def line(table: Board, label: str) -> Line:
    return next(line for line in table.lines if line.row.label == label)


def test_each_cell_has_its_measure(mixed: reports.Results) -> None:
    table = reports.table(mixed)
    assert [table.measure(cell) for cell in table.cells] == [TOP1, MIOU]
    means = [None if score.stat is None else score.stat.mean for score in line(table, "dist").scores]
    assert means == [62.25, 76.0]
    assert [score.stat.mean for score in line(table, "teacher").scores if score.stat] == [80.0, 77.5]
    difference = tables(mixed)["difference"].rows[0].cells[2]
    assert isinstance(difference, Number) and (difference.value, difference.count) == (1.5, "1/2")
    found = next(choice for choice in table.choices if choice.cell.id == SCENES)
    assert found.validation is not None
    assert (found.setting, found.validation.mean) == ({"k": 3}, 71.0)


def test_columns_of_a_mixed_table_are_labelled(mixed: reports.Results) -> None:
    heads = markdown.render(main(mixed)).splitlines()[0]
    assert re.findall(r"top-1 \(%\)|mIoU \(%\)", heads) == ["top-1 (%)", "mIoU (%)"]
    assert r"mIoU (\%)" in latex.render(main(mixed))
    text = reports.console_table(mixed)
    assert text.startswith("mixed: test accuracy and mIoU\n")
    assert re.search(r"top-1 \(%\) +mIoU \(%\)", text)
    assert "(mIoU) in percent on the test images of Cityscapes after the last epoch" in " ".join(text.split())


def test_a_segmentation_alone(results_of: Loader) -> None:
    trials = [FakeTrial(row="kd", cell=SCENES, metrics=miou(74.0))]
    results = results_of(FakeSweep("scenes", trials, [row("kd")], (SCENES,)))
    text = " ".join(reports.console_table(results).split())
    assert "scenes: test mIoU" in text
    assert "Mean intersection over union (mIoU) in percent on the test images of Cityscapes" in text
    assert "ccuracy" not in text


def test_before_any_trial_has_ended_the_task_tells(results_of: Loader) -> None:
    trials = [FakeTrial(row="kd", cell=SCENES, state="WAITING")]
    facts = {"cityscapes": {"task": "segmentation"}}
    results = results_of(FakeSweep("early", trials, [row("kd")], (SCENES,), datasets=facts))
    assert reports.table(results).measures == (MIOU,)


def test_figures_say_what_they_show(mixed: reports.Results, tmp_path: Path) -> None:
    (figure,) = reports.Report(mixed).figures
    assert "mIoU" in figure.caption
    names = [path.name for path in reports.write(mixed, tmp_path) if path.suffix == ".pdf"]
    assert names == ["miou_over_k-cityscapes-deeplabv3_resnet101-deeplabv3_resnet18.pdf"]


def test_a_classification_says_nothing_of_it(whole: reports.Results) -> None:
    table = reports.table(whole)
    assert table.measures == (TOP1,)
    assert "(%)" not in markdown.render(main(whole))
