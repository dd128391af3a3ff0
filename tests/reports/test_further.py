"""The tables beside the main one, and what stands behind its columns: recomputed, and right where little has ended."""

import csv
import io
import re
import shutil
import statistics
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t

import reports
from reports.board.board import Board
from reports.formats import latex, markdown
from reports.report import Report
from reports.tables.table import Table
from tests.reports.fake_store import results_of
from tests.reports.fake_sweep import RANGES, SEARCH_SEED, FakeSweep, FakeTrial, row, seeds, teacher
from tests.reports.shown import as_csv, as_latex, lines_of, main, tables

PAIRS = (
    "big_data: resnet32x4 -> resnet8x4",
    "big_data: vgg13 -> vgg8",
    "big_data: wrn_40_2 -> wrn_16_2",
    "big_data: vgg13 -> mobilenetv2",
    "big_data: wrn_40_2 -> shufflev1",
)
NOISE = (0.0, 0.5, -0.25, 0.25, -0.5)


def several() -> FakeSweep:
    """Five pairs, five seeds, methods of each kind; one failed in the last pair."""
    trials = [teacher(80.0, cell=name) for name in dict.fromkeys(pair.partition(" -> ")[0] for pair in PAIRS)]
    for up, cell in enumerate(PAIRS):
        cost = {"train_seconds": 20.0, "teacher_images": 5000.0, "peak_memory_bytes": 2**20 * 50.0}
        for place, (label, gain) in enumerate({"ce": -2.0, "kd": 0.0, "dkd": 1.0, "crd": 0.5}.items()):
            for seed, noise in enumerate(NOISE):
                top1 = 60 + up + gain + noise * (1 - place)
                ends = {"final_top1": top1, "best_top1": top1 + 0.25 * place, "final_top5": 90 + gain, **cost}
                ends |= {"train_seconds": 30.0, "extra_parameters": 1234.0} if label == "crd" else {}
                trials.append(FakeTrial(row=label, seed=seed, cell=cell, method=label, metrics=ends))
        for number in range(3):
            where = {"row": "kd tuned", "cell": cell, "method": "kd", "settings": {"k": number + 1}}
            trials.append(FakeTrial(phase="search", seed=SEARCH_SEED, top1=50.0 + number, **where))
        trials += seeds("kd tuned", [60.75 + up] * 5, cell=cell, phase="confirm", rank=1, method="kd")
        trials += seeds("kd+at", [61 + up + n * n for n in NOISE] if up < 4 else [], cell=cell, method="kd+at")
    trials += [FakeTrial(row="kd+at", seed=s, cell=PAIRS[4], state="FAIL", top1=99.0) for s in range(5)]
    rows = [row("ce", "ce", group="baseline"), row("kd"), row("crd", "crd", group="feature"), row("dkd", "dkd")]
    rows += [row("kd+at", "kd+at", group="combined"), row("kd tuned", "kd", dimensions=RANGES[:1])]
    return FakeSweep("several", trials, rows, PAIRS, {"baseline": "kd", "digits": 2, "label": "tab:mine"})


@pytest.fixture(scope="module")
def results() -> reports.Results:
    return results_of(several())


@pytest.fixture(scope="module")
def table(results: reports.Results) -> Board:
    return reports.table(results)


@pytest.fixture(scope="module")
def sheets(results: reports.Results) -> dict[str, Table]:
    return tables(results)


def line(one: Table, *names: str) -> dict[str, str]:
    (found,) = [values for values in lines_of(one) if tuple(values.values())[: len(names)] == names]
    return found


def test_rows_and_columns_stand_as_in_papers(results: reports.Results, table: Board) -> None:
    assert [ln.row.label for ln in table.lines] == ["teacher", "ce", "kd", "kd tuned", "dkd", "crd", "kd+at"]
    text = markdown.render(main(results))
    assert re.findall(r"^\*\*(.*)\*\*$", text, re.MULTILINE) == ["same architecture", "different architecture"]
    same, different = text.split("**different architecture**")
    assert "MobileNetV2" in different and "MobileNetV2" not in same
    assert re.findall(r"^\| \*(\w+)\* \|", different, re.MULTILINE) == ["logit", "feature", "combined"]
    assert "| kd tuned | 63.75 ± 0.00 (5) \\* | *64.75* ± 0.00 (5) | 3 | +0.75 | 2.0 |" in different


def test_columns_behind_worked_by_hand(results: reports.Results) -> None:
    """dkd is 1 above kd everywhere, kd+at has its mean and is missing once: it has no rank."""
    lines = {line["method"]: line for line in lines_of(main(results))}
    assert list(lines["KD"])[-3:] == ["search trials", "mean Δ KD (5 pairs)", "mean rank (5 pairs)"]
    gains = {name: line["mean Δ KD (5 pairs)"] for name, line in lines.items()}
    above = statistics.fmean(n * n for n in NOISE) + 1
    assert (gains["DKD"], gains["KD"], gains["teacher"]) == ("+1.00", "", "")
    assert (gains["CE (student alone)"], gains["KD + AT"]) == ("-2.00", f"+{above:.2f} (4 of 5)")
    ranks = [lines[name]["mean rank (5 pairs)"] for name in ("DKD", "kd tuned", "CRD", "KD", "KD + AT")]
    assert ranks == ["1.0", "2.0", "3.0", "4.0", "–"]


def test_statistics_against_the_baseline(sheets: dict[str, Table]) -> None:
    """dkd is 1 above kd; against that, the rows' residual as numpy has it."""
    one = sheets["statistics"]
    of = line(one, "ResNet32×4 → ResNet8×4", "DKD")
    noise = np.array(NOISE)
    rows = np.array([58 + noise, 60 + 0 * noise, 61 - noise, 60.5 - 2 * noise, 60.75 + 0 * noise, 61 + noise**2])
    rest = rows - rows.mean(0) - rows.mean(1, keepdims=True) + rows.mean()
    error = np.sqrt((rest**2).sum() / 20 * 2 / 5)
    assert (of["n"], of["difference"], of["test"]) == ("5", "+1.00", "Dunnett")
    assert of["p"] == f"{2 * t.sf(1 / error, 20):.4f}"
    half = t.isf(0.025, 20) * error
    assert of["interval"] == f"[{1 - half:+.2f}, {1 + half:+.2f}]"
    assert float(of["corrected p"]) >= float(of["p"])
    assert "one variance for the rows of a column" in " ".join(one.notes)


def test_statistics_over_pairs(sheets: dict[str, Table]) -> None:
    one = sheets["statistics-pairs"]
    of = line(one, "DKD")
    assert (of["pairs"], of["mean gain"], of["range"]) == ("5", "+1.00", "[+1.00, +1.00]")
    assert (of["signed-rank p"], of["mean rank"]) == ("0.0625", "1.00")
    assert line(one, "KD + AT")["pairs"] == "4"
    assert "4 pairs cannot pass 0.125, 5 pairs cannot pass 0.0625; 6 pairs could" in " ".join(one.notes)


def test_best_epoch_beside_the_last(sheets: dict[str, Table]) -> None:
    one = sheets["best_epoch"]
    of = line(one, "VGG-13 → VGG-8", "DKD")
    assert (of["last epoch"], of["best epoch (by test)"], of["bias"]) == (
        "62.00 ± 0.40 (5)",
        "62.50 ± 0.40 (5)",
        "+0.50",
    )
    assert line(one, "VGG-13 → VGG-8", "CE")["bias"] == "0.00"
    assert "chosen on test" in one.title and "too high" in one.notes[0]


def test_a_training_that_several_cells_share_is_in_the_bias_once() -> None:
    """The teacher, 2 higher in its best epoch, serves two cells; kd has 1 and 1: (2 + 1 + 1) / 3."""
    cells = ("d: vgg13 -> vgg8", "d: vgg13 -> mobilenetv2")
    ends = {"final_top1": 80.0, "best_top1": 82.0}
    top = FakeTrial(row="teacher", cell="d: vgg13", phase="teacher", method="ce", metrics=ends)
    trials = [top, *(trial for cell in cells for trial in seeds("kd", (60.0,), cell=cell))]
    results = results_of(FakeSweep("shared", trials, [row("kd")], cells))
    one = tables(results)["best_epoch"]
    assert "+1.3 on average over 3 trainings" in one.notes[0]


def test_cost(sheets: dict[str, Table]) -> None:
    one = sheets["cost"]
    of = line(one, "VGG-13 → VGG-8", "CRD")
    assert (of["s/epoch"], of["× KD"], of["extra parameters"], of["n"]) == ("3.00", "1.50", "1,234", "5")
    assert (of["teacher passes"], of["memory (MiB)"]) == ("5,000", "50.0")
    assert line(one, "VGG-13 → VGG-8", "kd tuned")["search trials"] == "3"


def test_what_a_student_keeps_of_its_method_is_said_with_the_costs() -> None:
    trials = [teacher(80.0), *seeds("kd", (60.0, 61.0)), *seeds("simkd", (62.0, 63.0), method="simkd")]
    kept = row("simkd", "simkd", inference="a projector")
    one = tables(results_of(FakeSweep("kept", trials, [row("kd"), kept])))["cost"]
    assert one.notes[1:] == ("What SimKD learns beside the student is needed afterwards: a projector.",)
    one = tables(results_of(FakeSweep("plain", trials[:3], [row("kd")])))["cost"]
    assert len(one.notes) == 1


def test_backward_passes_have_a_column_where_a_row_has_several() -> None:
    trials = [teacher(80.0), *seeds("kd", (60.0, 61.0)), *seeds("deepkd", (62.0, 63.0), method="deepkd")]
    one = tables(results_of(FakeSweep("momenta", trials, [row("kd"), row("deepkd", "deepkd")])))["cost"]
    assert [line["backward passes"] for line in lines_of(one)][-2:] == ["1", "3"]
    one = tables(results_of(FakeSweep("plain", trials[:3], [row("kd")])))["cost"]
    assert "backward passes" not in [column.head for column in one.columns]


@pytest.mark.parametrize(
    ("baseline", "names"),
    [("teacher", {}), ("teacher", {"other": "teacher"}), ("last", {"other": "alike", "last": "alike"})],
)
def test_rows_that_are_shown_alike(baseline: str, names: dict[str, str]) -> None:
    """Also an entry with the name of the first line, which trains twice as fast as the baseline."""
    trials = [teacher(80.0)]
    for label, up, took in (("other", 1.0, 30.0), (baseline, 0.0, 20.0)):
        for seed, noise in enumerate(NOISE):
            ends = {"final_top1": 60 + up + noise * (1 - up / 2) + up * noise**2, "train_seconds": took}
            trials.append(FakeTrial(row=label, seed=seed, metrics=ends))
    report = {"baseline": baseline, "names": names}
    results = results_of(FakeSweep("alike", trials, [row("other"), row(baseline)], report=report))
    table = reports.table(results)
    other, reference = (i for i, ln in enumerate(table.lines) if ln.kind == "method")
    assert table.reference_place == reference
    gains = [line["Δ " + table.reference] for line in lines_of(main(results))]
    assert (gains[other], gains[reference]) == ("+1.1", "")
    by_name = tables(results)
    (tested,) = lines_of(by_name["statistics"])
    assert tested["difference"] == "+1.1"
    assert [line["× " + table.reference] for line in lines_of(by_name["cost"])][-2:] == ["1.50", "1.00"]


def test_new_columns_of_table_csv(results: reports.Results) -> None:
    lines = list(csv.DictReader(io.StringIO(as_csv(main(results)))))
    of = {(each["cell"], each["row"]): each for each in lines}
    dkd = of[PAIRS[1], "dkd"]
    assert (dkd["group"], dkd["architecture"], dkd["measure"]) == ("logit", "same", "top1")
    assert (dkd["difference"], dkd["best"], of[PAIRS[3], "dkd"]["architecture"]) == ("1.0", "second", "different")
    best = of[PAIRS[1], "kd+at"]
    assert (best["best"], best["best_difference"], best["best_p"]) == ("best", "", "")
    assert of[PAIRS[1], "kd tuned"]["search_trials"] == "3"
    assert 0 < float(dkd["difference_p"]) < 0.05
    assert of[PAIRS[4], "kd+at"]["best_p"] == of[PAIRS[4], "teacher"]["difference"] == ""


def test_only_the_tables_that_are_wanted() -> None:
    import dataclasses

    results = results_of(FakeSweep("small", LITTLE["one seed"], [row("kd"), row("dkd", "dkd")]))
    chosen = {**results.resolved, "report": {"tables": ["cost", "head_to_head"]}}
    wanted = dataclasses.replace(results, resolved=chosen)
    assert list(tables(wanted)) == ["head_to_head", "cost"]
    only = dataclasses.replace(results, resolved={**results.resolved, "report": {"tables": ["statistics"]}})
    assert "| teacher |" not in markdown.document("only", Report(only).tables)


LITTLE = {
    "one seed": [teacher(80.0), *seeds("kd", (60.0,)), *seeds("dkd", (61.0,))],
    "all failed": [FakeTrial(row=r, seed=s, state="FAIL") for r in ("kd", "dkd") for s in range(3)],
    "nothing ended": [FakeTrial(row="kd", state="RUNNING"), FakeTrial(row="dkd", state="WAITING")],
    "baseline failed": [FakeTrial(row="kd", state="FAIL"), *seeds("dkd", (61.0, 62.0))],
    "no seed in common": [*seeds("kd", (60.0, 61.0)), *(FakeTrial(row="dkd", seed=s, top1=62.5 + s) for s in (5, 6))],
}


@pytest.mark.parametrize("name", LITTLE)
def test_little_has_ended(name: str, tmp_path: Path) -> None:
    sweep = FakeSweep("little", LITTLE[name], [row("kd"), row("dkd", "dkd")], report={"baseline": "kd"})
    results = results_of(sweep)
    written = reports.write(results, tmp_path / "out")
    text = (tmp_path / "out" / "table.md").read_text()
    first = text.partition("\n## ")[2].partition("\n## ")[0]
    assert len({line.count("|") for line in first.splitlines() if line.startswith("|")}) == 1
    assert "†:" not in first  # nothing is judged of two seeds
    assert ("±" in first) == (name in ("no seed in common", "baseline failed"))
    if name == "one seed":
        assert "| DKD | **61.0** (1) | +1.0 |" in first
        assert "A row of fewer than three seeds" in text
    assert "nan" not in text and "None" not in text
    assert all(path.stat().st_size for path in written)


def test_a_long_table_is_several_floats() -> None:
    labels = [f"kd k={k}" for k in range(1, 101)]
    trials = [trial for label in labels for trial in seeds(label, (60.0,))]
    text = as_latex(main(results_of(FakeSweep("long", trials, [row(label) for label in labels]))))
    assert text.count(r"\begin{tabular*}{\linewidth}") == 3 and text.count(r"\caption") == 1
    assert text.count("(continued)") == 2 and all(label in text for label in labels)


def test_fragments_hold_tables_and_nothing_else(results: reports.Results, tmp_path: Path) -> None:
    reports.write(results, tmp_path)
    names = sorted(path.name for path in (tmp_path / "tables").iterdir())
    assert "head_to_head.tex" in names and "statistics-pairs.tex" in names
    for path in (tmp_path / "tables").iterdir():
        lines = path.read_text().splitlines()
        assert lines[0].startswith("% ") and all(word in lines[0] for word in ("\\input", "booktabs", "threeparttable"))
        assert lines[1].startswith((r"\begin{table", r"\ifdim")) and lines[-1].startswith((r"\end{table", r"\fi"))
    first, second = ((tmp_path / "tables" / f"head_to_head{part}.tex").read_text() for part in ("", "-cross"))
    assert r"\label{tab:mine}" in first and r"\label{tab:mine-cross}" in second
    assert "of same architecture" in first and "of different architecture" in second
    assert "MobileNetV2" in second and "MobileNetV2" not in first
    if shutil.which("pdflatex"):
        _compile(tmp_path, names)


def _compile(folder: Path, names: list[str]) -> None:
    """Put all fragments into a paper of two columns."""
    inputs = "\n".join(f"\\input{{tables/{name}}}" for name in names)
    for columns in ("twocolumn", "onecolumn"):
        head = latex.HEAD.replace("[twocolumn]", f"[{columns}]").replace(r"\usepackage[margin=0.75in]{geometry}", "")
        (folder / "paper.tex").write_text(f"{head}x\n{inputs}\\end{{document}}")
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout[-2000:]
        assert "Overfull" not in ended.stdout
