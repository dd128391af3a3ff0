"""What people read: names of papers, the user's own, and that nothing is known by them."""

import pytest

import reports
from reports.formats.latex_escape import escape
from reports.formats.latex_tabular import breakable
from reports.results.sweep import Row
from tests.reports.fake_store import results_of
from tests.reports.fake_sweep import RANGES, FakeSweep, grid, row, seeds, teacher
from tests.reports.shown import as_latex, as_markdown, main


@pytest.mark.parametrize(
    ("entry", "method", "values", "shown"),
    [
        ("kd", "kd", {}, "KD"),
        ("kd", "kd", {"standardize": True}, "KD + LS"),
        ("kd+ls", "kd", {"standardize": True}, "KD + LS"),
        ("ls-gdkd", "gdkd", {"standardize": True}, "GDKD + LS"),
        ("gdkd-dist", "gdkd+dist", {}, "GDKD + DIST"),
        ("gdkd (old)", "gdkd", {}, "GDKD (old)"),
        ("KD", "kd", {}, "KD"),
        ("my kd", "kd", {}, "my kd"),
        ("kd", "dkd", {}, "kd"),
        ("kd", "", {}, "kd"),
    ],
)
def test_an_entry_called_by_its_methods_has_their_titles(
    entry: str, method: str, values: dict[str, bool], shown: str
) -> None:
    assert Row(entry, entry, method, values).named({}).shown == shown


@pytest.mark.parametrize(
    ("entry", "values", "names", "shown"),
    [
        ("gdkd", {"k": 5}, {}, "GDKD (k = 5)"),
        ("gdkd (by k)", {"k": 5}, {}, "GDKD (k = 5)"),
        ("gdkd (by k and w2)", {"k": 5, "w2": 8.0}, {}, "GDKD (k = 5, w₂ = 8)"),
        ("gdkd (mine)", {"temperature": 2}, {}, "GDKD (mine, T = 2)"),
        ("top k", {"w1": 0.5}, {}, "top k (w₁ = 0.5)"),
        ("gdkd", {"k": 5}, {"gdkd": "Ours"}, "Ours (k = 5)"),
        ("gdkd", {"k": 5}, {"gdkd": "Ours", "gdkd k=5": "Ours at 5"}, "Ours at 5"),
        ("gdkd", {"standardize": True}, {}, "GDKD (standardize = true)"),
    ],
)
def test_a_row_of_a_grid_says_its_values(
    entry: str, values: dict[str, float], names: dict[str, str], shown: str
) -> None:
    words = (f"{name}={str(value).lower().removesuffix('.0')}" for name, value in values.items())
    label = " ".join([entry, *words])
    assert Row(entry, label, "gdkd", values, grid=tuple(values)).named(names).shown == shown
    if "standardize" not in values:  # as read from members alone
        assert Row(entry, label, "gdkd").named(names).shown == shown


def test_a_searched_entry_without_a_name_of_its_own_is_tuned() -> None:
    assert Row("gdkd", "gdkd", "gdkd", dimensions=tuple(RANGES)).named({}).shown == "GDKD (tuned)"
    assert Row("mine", "mine", "gdkd", dimensions=tuple(RANGES)).named({}).shown == "mine"


def test_hyperparameters_are_mathematics_in_latex_where_they_have_a_value() -> None:
    assert escape("GDKD (k = 5, w₂ = 8, T = 4)") == "GDKD ($k$ = 5, $w_2$ = 8, $T$ = 4)"
    assert escape("top k of w_2, w₂; T-5, Swin-T, T") == r"top $k$ of w\_2, $w_2$; T-5, Swin-T, $T$"
    assert escape("w_CE = 1") == r"$w_{\mathrm{CE}}$ = 1" and escape("w_CE") == r"w\_CE"
    assert escape("k \\ T", signs=True) == r"$k$ \textbackslash{} $T$"
    assert breakable("w = 5, k", 99.0) == "$w$ = 5, $k$" and "$" not in breakable("token", 0.1)


NAMES = {"kd": "A & B_1 %", "resnet32x4": "<script>", "resnet8x4": "Ré中" + "s" * 76, "cifar100": "C #100"}


def test_networks_and_data_sets_are_shown_by_other_names() -> None:
    cells = ("cifar100: resnet32x4 -> resnet8x4", "tiny_imagenet: wrn_40_2 -> wrn_16_2")
    trials = [trial for cell in cells for trial in seeds("kd", (60.0, 61.0), cell=cell)]
    rows, names = [row("kd"), *grid("gdkd", "k", (5,))], {"names": NAMES}
    one = main(results_of(FakeSweep("named", trials, rows, cells, names)))
    text, latex = as_markdown(one), as_latex(one)
    long = NAMES["resnet8x4"]
    assert f"| C \\#100: &lt;script> → {long} | Tiny-ImageNet: WRN-40-2 → WRN-16-2 |" in text
    assert "| A &amp; B\\_1 % | " in text and "images of C \\#100, Tiny-ImageNet after" in text
    assert r"A \& B\_1 \% &" in latex and r"\textless{}script\textgreater{}" in latex and r"C \#100" in latex
    assert r"GDKD ($k$ = 5)" in latex and "WRN-40-2" in latex


def test_rows_and_columns_that_are_shown_alike_stay_two_and_are_told() -> None:
    cells = ("cifar100: resnet18 -> resnet8x4", "cifar100: timm:resnet18 -> resnet8x4")
    trials = [trial for cell in cells for trial in seeds("kd", (60.0, 61.0), cell=cell)]
    trials += [trial for cell in cells for trial in seeds("KD", (62.0, 63.0), cell=cell)]
    results = results_of(FakeSweep("alike", trials, [row("kd"), row("KD")], cells))
    board = reports.table(results)
    assert [line.shown for line in board.lines[1:]] == ["KD", "KD"]
    assert [score.stat.mean for line in board.lines[1:] for score in line.scores] == [60.5, 60.5, 62.5, 62.5]
    told = " ".join(main(results).notes)
    assert "2 rows are shown as KD: kd and KD; report.names can tell them apart." in told
    assert f"2 columns are shown as CIFAR-100: ResNet-18 → ResNet8×4: {cells[0]} and {cells[1]};" in told


def test_an_entry_called_teacher_does_not_name_the_teachers_trials() -> None:
    from reports.page.data import columns

    trials = [teacher(80.0), *seeds("teacher", (60.0,))]
    results = results_of(FakeSweep("own", trials, [row("teacher")], report={"names": {"teacher": "Mine"}}))
    shown = columns(results, reports.table(results))["row"]
    assert [shown["values"][place] for place in shown["at"]] == ["teacher", "Mine"]
