"""The folder of figures: every kind is drawn, lists itself with a caption, and is the same each time."""

import itertools
import math
from pathlib import Path

import pytest

import reports
from reports.figures import Figure, build, chosen, kinds
from reports.report import figure_list
from reports.results.sweep import Cell
from reports.tables.wording import slug
from tests.reports.fake_sweep import NASTY, SEARCH_SEED, FakeSweep, FakeTrial, grid, row, seeds
from tests.reports.plain import plain_results

CELLS = tuple(f"digits100: t{n} -> s" for n in range(3))
AXES = [
    {"name": "k", "low": 1, "high": 30, "log": True},
    {"name": "w2", "low": 1.0, "high": 16.0, "log": True},
    {"name": "cut", "choices": ["k", "mass"]},
]


def every_kind() -> FakeSweep:
    """A sweep with numbers for every figure but the teacher's profile, and a name that must be escaped."""
    trials, rows = [], [row("kd"), row(NASTY, "dkd"), *grid("by k", "k", (1, 5)), row("tuned", "gdkd", dimensions=AXES)]
    for number, cell in enumerate(CELLS):
        for shift, one in enumerate(rows[:4]):
            label = one["label"]
            trials += seeds(label, (60.0 + number + shift, 61.0), cell=cell, method=one["method"], entry=one["entry"])
        for k in range(1, 23):
            settings = {"k": k, "w2": 1 + (7 * k) % 15, "cut": "k" if k % 2 else "mass"}
            state, score = ("PRUNED" if k == 9 else "COMPLETE"), 70 - abs(math.log(k / 5))
            tuned = {"row": "tuned", "cell": cell, "method": "gdkd", "settings": settings}
            trials += [FakeTrial(phase="search", seed=SEARCH_SEED, top1=score, state=state, **tuned)]
            trials += [FakeTrial(phase="confirm", rank=1, top1=64.0, **tuned)] if k == 5 else []
    return FakeSweep("every", trials, rows, CELLS)


@pytest.fixture(scope="module")
def results() -> reports.Results:
    return plain_results(every_kind(), {seed: [(1, 10.0 + seed), (2, 30.0), (3, 40.0), (4, 41.0)] for seed in range(2)})


def test_every_kind_can_be_drawn(results: reports.Results, tmp_path: Path) -> None:
    plots, _ = build(results, reports.table(results))
    first = {plot.drawn_by: plot for plot in reversed(plots)}
    assert len(first) == 6
    for plot in first.values():
        assert reports.draw(plot, tmp_path / "a.svg").stat().st_size > 5000


def test_each_is_listed_with_its_caption_or_the_reason(results: reports.Results) -> None:
    plots, missing = build(results, reports.table(results))
    drawn, beyond = chosen(plots, most=9)
    text = figure_list(drawn, beyond, missing)
    assert all(f"- `{one.name}`: " in text for one in drawn)
    assert all(f"- `{one.name}`\n" in text for one in beyond)
    assert "- profile of the teacher: these results did not come with a home" in text
    assert "<script>" not in text


@pytest.mark.slow
def test_the_same_results_give_the_same_figures(results: reports.Results, tmp_path: Path) -> None:
    paths, again = ([p for p in reports.write(results, tmp_path / n) if p.parent.name == "figures"] for n in "ab")
    stems = {path.name.removesuffix(path.suffix) for path in paths} - {"README"}
    kinds = {"accuracy_over_budget", "settings_map", "training_curves"}
    assert stems > kinds | {"ranks", "cost"}
    assert len(paths) == 3 * len(stems) + 1
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]


def test_the_first_of_each_kind_come_before_the_second_of_any(results: reports.Results) -> None:
    every, _ = build(results, reports.table(results))
    drawn, beyond = chosen(every, most=10)
    assert {one.drawn_by for one in drawn} == {one.drawn_by for one in every}
    assert len(drawn) == 10 or not beyond
    assert {one.name for one in drawn}.isdisjoint(one.name for one in beyond)
    assert chosen(every, most=100)[1] == []


def test_names_of_files_never_meet() -> None:
    names = [NASTY, "a: b -> c", "a-b-c", "A: b -> c", "中", "α"]
    found = [slug(Cell(name, "", "", "").id) for name in names]
    assert len(set(found)) == len(names) - 1  # a: b -> c and a-b-c are one pair, written twice
    assert all(a != b for a, b in itertools.combinations(found[2:], 2))


def test_a_figure_that_cannot_be_drawn_ends_no_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One kind cannot be made of the numbers, another cannot be drawn: both are left out, and the report says so."""

    def fails(*_: object) -> None:
        raise ZeroDivisionError("axis limits cannot be NaN\x1b[2J\nor Inf")

    rows = [row("kd"), row("dkd")]
    trials = [one for place, label in enumerate(("kd", "dkd")) for one in seeds(label, (60.0 + place, 61.0))]
    results = plain_results(FakeSweep("few", trials, rows), {n: [(1, 10.0), (2, 30.0)] for n in range(2)})
    strange = Figure(name="strange", caption="Strange.", data=None, drawn_by=fails)
    unmade = dict.fromkeys(["accuracy over a hyperparameter"], fails)
    monkeypatch.setattr(kinds, "ALL", {**kinds.ALL, **unmade, "strange": lambda *_: iter([strange])})
    reports.write(results, tmp_path)
    listed = (tmp_path / "figures/README.md").read_text()
    reason = "it cannot be drawn (ZeroDivisionError: axis limits cannot be NaN"
    assert listed.count(reason) == 2 and "- strange: " in listed and "\x1b" not in listed
    assert (tmp_path / "index.html").exists()
