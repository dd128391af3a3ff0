"""How a table is arranged, what is marked in it, and which differences are more than noise."""

import statistics

import pytest

import reports
from reports.board import board as head_to_head
from reports.board.averages import averages
from reports.board.board import Board
from reports.board.order import architecture, arranged_cells, arranged_rows
from reports.board.score import Score
from reports.board.verdicts import verdicts
from reports.formats.parts import parts
from reports.formats.text import content
from reports.results.measures import TOP5
from reports.results.sweep import Options, Row, parse_cell
from reports.statistics.spread import Stat, second, summarise
from reports.tables.statistics import _settle
from reports.tables.table import Column, Table
from reports.tables.wording import pair_text
from tests.reports.fake_store import results_of
from tests.reports.fake_sweep import FakeSweep, row, seeds, teacher
from tests.reports.shown import main


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
        ("a, same architecture", (0, 1, 2)),
        ("a, different architecture", (0, 3, 5)),  # with what sums the data set up
        ("b, same architecture", (0, 4)),
    ]
    assert [part.places for part in parts(table, 2)] == [(0, 1, 2), (0, 3, 4, 5)]
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


def test_marks_where_a_difference_to_the_best_is_not_significant(tested: Board) -> None:
    marks = {ln.row.label: [(s.best, s.second, s.tied) for s in ln.scores] for ln in tested.lines}
    assert marks["top"] == [(True, False, False)] * 2
    assert marks["close"] == [(False, True, True)] * 2
    assert marks["clear"] == [(False, False, False)] * 2
    assert marks["single"] == marks["none"] == marks["ce"] == [(False, False, False)] * 2


def test_verdicts_against_the_best_are_one_family(tested: Board) -> None:
    """Worked out with scipy and Holm by hand, from the accuracies."""
    from scipy.stats import ttest_rel

    noise = [0.0, 0.4, -0.2, 0.3, -0.5]
    top = [60 + e for e in noise]
    close = ttest_rel([59.9 - e for e in noise], top).pvalue
    clear = ttest_rel([55 + e * e for e in noise], top).pvalue
    short = ttest_rel([58.0, 58.7], top[:2]).pvalue
    verdicts = {line.row.label: of[0] for line, of in zip(tested.lines, tested.to_best, strict=True)}
    assert verdicts["ce"] is verdicts["teacher"] is verdicts["top"] is verdicts["none"] is None
    assert verdicts["single"].contrast.p is None and verdicts["single"].significant(0.05) is None
    assert verdicts["close"].family == 3
    smallest, middle, largest = sorted([close, clear, short])
    assert verdicts["clear"].holm == pytest.approx(3 * smallest) and smallest == clear
    assert verdicts["short"].holm == pytest.approx(2 * middle) and middle == short
    assert verdicts["close"].holm == pytest.approx(largest) and largest == close


@pytest.mark.parametrize(("gain", "rows", "settle"), [(0.3, 1, "6"), (0.3, 3, "7"), (0.0, 1, ">1,000")])
def test_seeds_to_settle_equal_differences(gain: float, rows: int, settle: str) -> None:
    """The sign flip decides, and its floor: 2^-5 with six seeds, 2^-6 with seven."""
    reference = {seed: 60 + 0.1 * seed for seed in range(3)}
    ours = {seed: value + gain for seed, value in reference.items()}
    for verdict in verdicts([reference, *[ours] * rows], 0, 0.05)[1:]:
        assert verdict is not None and content(_settle(verdict, 0.05)) == settle


def test_the_caption_says_which_test_decides_where_all_differences_are_equal() -> None:
    trials = [*seeds("a", (60.0, 61.0, 63.0)), *seeds("b", (60.5, 61.5, 63.5))]
    text = told(results_of(FakeSweep("equal", trials, [row("a"), row("b")])))
    assert "(paired t-test by seed, exact sign flip where all differences are equal; Holm's" in text


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
    assert (table.baseline, table.reference) == ("", "ce")
    kd = table.to_reference[[ln.row.label for ln in table.lines].index("kd")][0]
    assert kd.contrast.mean == pytest.approx(63.1 - 55.4)


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


def test_a_column_whose_best_has_one_seed_is_named() -> None:
    """Its numbers have no mark, which elsewhere says that they differ beyond noise."""
    trials = [*seeds("kd", (60.0, 61.0), cell=PAIRS[0]), *seeds("dkd", (62.0,), cell=PAIRS[0])]
    trials += [*seeds("kd", (60.0, 61.0), cell=PAIRS[1]), *seeds("dkd", (60.5, 61.6), cell=PAIRS[1])]
    results = results_of(FakeSweep("lucky", trials, [row("kd"), row("dkd")], PAIRS))
    table = reports.table(results)
    pairs = [pair_text(cell, table) for cell in table.cells]
    text = told(results)
    assert f"{pairs[0]}: the best has one seed, so nothing in that column is tested" in text
    assert f"{pairs[1]}: the best" not in text
    alone = results_of(FakeSweep("all", [t for t in trials if not t.seed], [row("kd"), row("dkd")], PAIRS))
    assert "the best has one seed" not in told(alone)
