"""How a table is arranged, what is marked in it, and which differences are more than noise."""

import statistics

import numpy as np
import pytest
from scipy.stats import studentized_range

import reports
from reports.board import board as head_to_head
from reports.board.averages import averages
from reports.board.board import Board
from reports.board.order import architecture, arranged_cells, arranged_rows
from reports.board.score import Score
from reports.formats.parts import parts
from reports.results.measures import TOP5
from reports.results.sweep import Options, Row, parse_cell
from reports.statistics.spread import Stat, second, summarise
from reports.tables.table import Column, Table
from tests.reports.fake_store import results_of
from tests.reports.fake_sweep import FakeSweep, FakeTrial, row, seeds, teacher
from tests.reports.shown import as_markdown, main


def only(table: Board, label: str) -> Score:
    (score,) = next(line for line in table.lines if line.row.label == label).scores
    return score


def stats_of(*pairs: tuple[float, int]) -> list[Stat]:
    return [summarise(dict.fromkeys(range(n), mean)) for mean, n in pairs]


def test_second_is_the_highest_below_the_best_as_printed() -> None:
    stats = [*stats_of((66.04, 2), (65.96, 1), (65.94, 3), (65.86, 1), (60.0, 1)), None]
    assert second(stats, digits=1) == (False, False, True, True, False, False)
    assert second(stats[:2], digits=1) == (False, False)


@pytest.mark.parametrize(
    ("pair", "same"),
    [
        ("resnet32x4 -> resnet8x4", True),
        ("wrn_40_2 -> wrn_16_2", True),
        ("vgg13 -> vgg8", True),
        ("tinyresnet -> resnet8", True),
        ("torchvision:resnet34 -> timm:resnet18.a1_in1k", True),
        ("torchvision:wide_resnet50_2 -> wrn_16_2", True),
        ("timm:shufflenet_v2_x1_0 -> shufflev1", True),
        ("deeplabv3_resnet101 -> deeplabv3_resnet18", True),
        ("wrn_40_2 -> resnet8x4", False),
        ("resnet50 -> mobilenetv2", False),
        ("resnet50 -> vgg8", False),
        ("deeplabv3_resnet101 -> deeplabv3_mobilenetv2", False),
        ("deeplabv3_resnet101 -> pspnet_resnet18", False),
        ("timm:deit_tiny_patch16_224 -> timm:resnet18", False),
    ],
)
def test_architectures_by_name(pair: str, same: bool) -> None:
    assert architecture(parse_cell(f"d: {pair}")) == ("same architecture" if same else "different architecture")


def test_columns_of_one_architecture_stand_together() -> None:
    pairs = ("a: vgg13 -> mobilenetv2", "a: vgg13 -> vgg8", "b: vgg13 -> vgg8", "a: vgg19 -> vgg8")
    cells = arranged_cells(parse_cell(pair) for pair in pairs)
    assert [cell.id for cell in cells] == [pairs[1], pairs[3], pairs[0], pairs[2]]
    columns = (Column(head=c.id, groups=(c.dataset, architecture(c)), scope=c.dataset) for c in cells)
    name, gain = Column(head="method", kind="text"), Column(head="gain", scope="a", sums=True)
    table = Table(name="t", title="t", label="t", columns=(name, *columns, gain), rows=())
    assert [(part.title, part.places) for part in parts(table, 1, cut=False)] == [
        ("a, same architecture", (0, 1, 2, 5)),  # with what sums the data set up, like the next
        ("a, different architecture", (0, 3, 5)),
        ("b, same architecture", (0, 4)),
    ]
    assert [part.places for part in parts(table, 2)] == [(0, 1, 2, 5), (0, 3, 4, 5)]
    assert [part.places for part in parts(table, 4)] == [(0, 1, 2, 3, 4, 5)]


ROWS = [
    Row("kd", "kd", "kd", group="logit"),
    Row("at", "at", "at", group="feature"),
    Row("dkd", "dkd", "dkd", group="logit"),
    Row("kd+at", "kd+at", "kd+at", group="combined"),
    Row("tuned kd", "tuned kd", "kd", group="logit"),
]
SEARCHED = {row.label: row.label == "tuned kd" for row in ROWS}


@pytest.mark.parametrize(
    ("options", "order"),
    [
        (Options(), ["kd", "tuned kd", "dkd", "at", "kd+at"]),
        (Options(order=("tuned kd", "kd+at")), ["tuned kd", "kd", "dkd", "kd+at", "at"]),
        (Options(groups={"dkd": "ours", "at": "ours"}), ["kd", "tuned kd", "at", "dkd", "kd+at"]),
    ],
)
def test_rows_stand_under_their_headings(options: Options, order: list[str]) -> None:
    """A method's searched row stands beside its fixed one, unless the sweep says otherwise."""
    assert [row.label for row in arranged_rows(ROWS, options, SEARCHED)] == order


def told(results: reports.Results) -> str:
    """What stands below the main table."""
    table = main(results)
    return " ".join([table.caption, *(text for _, text in table.legend), *table.notes])


PAIRS = ("d: vgg13 -> vgg8", "d: vgg13 -> mobilenetv2")


@pytest.fixture(scope="module")
def tested() -> Board:
    """Two pairs; `clear` is clearly worse than `top`, `close` is not; two seeds of `short`, one of `single`."""
    trials = []
    for cell, up in zip(PAIRS, (0.0, 10.0), strict=True):
        noise = (0.0, 0.4, -0.2, 0.3, -0.5)
        trials += seeds("ce", [50 + up + e for e in noise], cell=cell, method="ce")
        trials += seeds("top", [60 + up + e for e in noise], cell=cell)
        trials += seeds("close", [59.9 + up - e for e in noise], cell=cell)
        trials += seeds("clear", [55 + up + e * e for e in noise], cell=cell)
        trials += seeds("short", [58 + up + e for e in (0.0, 0.7)], cell=cell)
        trials += seeds("single", [57 + up], cell=cell)
    trials += [teacher(80.0, cell="d: vgg13")]
    rows = [row("ce", "ce"), *(row(name) for name in ("top", "close", "clear", "short", "single", "none"))]
    return reports.table(results_of(FakeSweep("tested", trials, rows, PAIRS, {"baseline": "clear"})))


def test_marks_say_what_differs(tested: Board) -> None:
    """† is lower than the best, * differs from the baseline, which is `clear`; nothing is said of what is not known."""
    marks = {ln.row.label: [(s.best, s.second, s.lower, s.differs) for s in ln.scores] for ln in tested.lines}
    assert marks["top"] == [(True, False, False, True)] * 2
    assert marks["close"] == [(False, True, False, True)] * 2
    assert marks["clear"] == [(False, False, True, False)] * 2
    assert marks["ce"] == [(False, False, False, True)] * 2  # the student alone does not compete
    assert marks["short"] == marks["single"] == marks["none"] == [(False, False, False, False)] * 2  # not judged


def test_verdicts_of_a_column_are_one_family(tested: Board) -> None:
    """Worked out from the accuracies: four rows with five shared seeds, what row and seed do not explain."""
    noise = np.array([0.0, 0.4, -0.2, 0.3, -0.5])
    rows = np.array([50 + noise, 60 + noise, 59.9 - noise, 55 + noise**2])
    rest = rows - rows.mean(0) - rows.mean(1, keepdims=True) + rows.mean()
    error = np.sqrt((rest**2).sum() / 12 * 2 / 5)
    verdicts = {line.row.label: of[0] for line, of in zip(tested.lines, tested.to_best, strict=True)}
    assert verdicts["ce"] is verdicts["teacher"] is verdicts["top"] is verdicts["none"] is None
    assert verdicts["single"].test is None and verdicts["single"].significant(0.05) is None
    test = verdicts["clear"].test
    assert (test.test, test.family) == ("Tukey", 4)
    gap = rows[3].mean() - rows[1].mean()
    assert verdicts["clear"].difference.mean == pytest.approx(gap)
    assert test.corrected_p == pytest.approx(studentized_range.sf(abs(gap) / error * np.sqrt(2), 4, 12), abs=1e-7)
    assert tested.to_reference[1][0].test.test == "Dunnett"


def test_the_level_decides() -> None:
    trials = [*seeds("a", (60.0, 60.4, 61.1)), *seeds("b", (61.2, 61.3, 62.4)), *seeds("c", (55.0, 55.9, 56.0))]
    rows = [row(name) for name in "abc"]
    p = next(of[0].test.corrected_p for of in reports.table(results_of(FakeSweep("s", trials, rows))).to_best[1:2])
    for level, lower in ((p * 1.01, True), (p * 0.99, False)):
        board = reports.table(results_of(FakeSweep("s", trials, rows, report={"level": level})))
        assert only(board, "a").lower is lower


def test_separate_variances_are_tested_apart() -> None:
    trials = [*seeds("a", (60.0, 60.1, 60.2)), *seeds("b", (61.0, 66.0, 58.0)), *seeds("c", (55.0, 55.1, 55.3))]
    board = reports.table(results_of(FakeSweep("s", trials, [row(n) for n in "abc"], report={"variances": "separate"})))
    assert {v.test.test for of in board.to_best for v in of if v} == {"Games–Howell"}
    assert only(board, "c").lower is False  # the best has a spread of 4 points


def test_collapsed_rows_and_rows_of_two_seeds_stand_outside() -> None:
    trials = [*seeds("a", (60.0, 60.4, 61.1)), *seeds("b", (61.2, 61.3, 62.4)), *seeds("two", (50.0, 51.0))]
    trials += seeds("broken", (10.0, 45.0, 10.0), tags={"collapsed": "guesses"})
    results = results_of(FakeSweep("s", trials, [row(n) for n in ("a", "b", "two", "broken")]))
    board = reports.table(results)
    (judged,) = board.families
    assert [board.lines[place].row.label for place in judged.rows] == ["a", "b"]
    assert only(board, "broken").lower is False
    assert "Not judged, for fewer than 3 seeds or a collapsed training: two, broken." in told(results)


def test_rows_of_one_configuration_are_one_competitor() -> None:
    """They share all their seeds, count once in tests and ranks, and say so."""
    same = {"tags": {"config_key": "e" * 64}}
    trials = [*seeds("gdkd", (66.0, 66.4, 67.0), **same), *seeds("kd", (63.0, 62.5, 63.3))]
    trials += [FakeTrial(row="gdkd k=5", seed=s, top1=x, **same) for s, x in ((1, 66.4), (3, 68.0))]
    trials += seeds("dkd", (65.0, 64.5, 65.5))
    results = results_of(FakeSweep("s", trials, [row(n) for n in ("gdkd", "kd", "gdkd k=5", "dkd")]))
    board = reports.table(results)
    assert only(board, "gdkd").by_seed == only(board, "gdkd k=5").by_seed == {0: 66.0, 1: 66.4, 2: 67.0, 3: 68.0}
    assert only(board, "gdkd").best and only(board, "gdkd k=5").best
    (judged,) = board.families
    assert len(judged.rows) == 3
    ranks = {ln.row.label: a.rank for ln, a in zip(board.lines, averages(board, (0,)), strict=True)}
    assert ranks == {"teacher": None, "gdkd": 1, "gdkd k=5": 1, "dkd": 2, "kd": 3}
    assert "(= gdkd)" in as_markdown(main(results))


def test_what_the_table_says_of_its_marks(tested: Board) -> None:
    trials = [*seeds("ce", (50.0, 51.0, 50.4), method="ce"), *seeds("a", (60.0, 60.4, 61.1))]
    trials += seeds("b", (65.2, 65.3, 66.4))
    text = told(results_of(FakeSweep("s", trials, [row("ce", "ce"), row("a"), row("b")])))
    assert "lower than the best (Tukey). differs from CE (Dunnett)." in text
    assert "Level 0.05 a column, n = 3 shared seeds. No mark: not told apart, which is not equal." in text


def test_averages_over_pairs(tested: Board) -> None:
    found = {ln.row.label: a for ln, a in zip(tested.lines, averages(tested, (0, 1)), strict=True)}
    noise = [0.0, 0.4, -0.2, 0.3, -0.5]
    gain = statistics.fmean(5 + e - e * e for e in noise)
    assert found["top"].gain == pytest.approx(gain)
    assert found["top"].gains == pytest.approx([gain, gain])
    assert [found[name].rank for name in ("top", "close", "clear", "short", "single")] == [1, 2, 5, 3, 4]
    assert found["clear"].gain is None and found["none"].gain is None and found["none"].rank is None
    assert found["ce"].rank is None and found["ce"].gain < 0


def test_equal_means_share_their_rank() -> None:
    trials = [t for name, x in (("a", 60.01), ("b", 60.04), ("c", 59.0)) for t in seeds(name, (x,))]
    table = reports.table(results_of(FakeSweep("ranks", trials, [row(name) for name in "abc"])))
    assert [average.rank for average in averages(table, (0,))] == [None, 1.5, 1.5, 3.0]


def test_the_student_alone_is_the_reference_without_a_baseline(whole: reports.Results) -> None:
    table = reports.table(whole)
    assert (table.baseline, table.reference) == ("", "CE")
    kd = table.to_reference[[ln.row.label for ln in table.lines].index("kd")][0]
    assert kd.difference.mean == pytest.approx(63.1 - 55.4)


def test_trials_spent_by_searches(whole: reports.Results) -> None:
    table = reports.table(whole)
    assert {ln.row.label: ln.spent for ln in table.lines if ln.spent} == {"gdkd (tuned)": (6,), "searching": (1,)}


def test_top5_is_a_table_of_its_own(whole: reports.Results) -> None:
    table = head_to_head.build(whole, TOP5)
    assert only(table, "kd").stat.mean == 99.0
    assert table.measures == (TOP5,)
    assert only(table, "dkd").missing == "diverged 1 of 3"


def test_columns_without_top5_are_not_in_its_table() -> None:
    """A data set of few classes records none."""
    cells = ("few: vgg13 -> vgg8", "many: vgg13 -> vgg8")
    trials = [
        *seeds("kd", (60.0, 61.0), cell=cells[0], metrics={"final_top1": 60.0}),
        *seeds("kd", (70.0,), cell=cells[1]),
    ]
    results = results_of(FakeSweep("two", trials, [row("kd")], cells))
    assert [cell.id for cell in reports.table(results).cells] == list(cells)
    assert [cell.id for cell in head_to_head.build(results, TOP5).cells] == [cells[1]]
