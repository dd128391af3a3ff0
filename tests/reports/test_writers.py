"""What lies in the folder: every file whole, the same bytes for the same results, names printed as they are."""

import csv
import dataclasses
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import reports
from reports.formats import latex, markdown
from reports.formats.csv import guarded
from reports.formats.latex_escape import escape
from reports.report import Report
from reports.tables.main_records import FIELDS
from reports.tables.wording import SHOWN
from tests.reports.conftest import Loader
from tests.reports.fake_sweep import NASTY, FakeSweep, grid, row, seeds
from tests.reports.shown import as_csv, as_text, main

FILES = ["table.md", "table.tex", "methods.md", "methods.tex", "table.csv", "results.parquet", "index.html"]
TABLES = ["head_to_head", "search", "top5", "statistics", "statistics-best", "best_epoch", "cost"]
FIGURES = ["accuracy_over_k", "accuracy_over_budget", "settings_map", "cost"]
"""Of the whole sweep."""


@pytest.fixture(scope="module")
def written(whole: reports.Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("written")
    paths = reports.write(whole, out)
    assert [str(path.relative_to(out)) for path in paths] == [
        *FILES,
        *(f"tables/{name}.tex" for name in TABLES),
        "ablations.md",
        "ablations.tex",
        "ablations.csv",
        "tables/ablation-gdkd-by-k-859f308a.tex",
        *(f"figures/{stem}.{kind}" for stem in FIGURES for kind in ("pdf", "png", "svg")),
        "figures/README.md",
    ]
    return out


def latex_of(results: reports.Results) -> str:
    return latex.document("table.tex", Report(results).tables)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_results_give_the_same_bytes(whole: reports.Results, written: Path, tmp_path: Path) -> None:
    shutil.copytree(written, tmp_path / "out")
    reports.write(whole, tmp_path / "out")  # over what is there
    assert contents(tmp_path / "out") == contents(written)


def test_another_process_gives_the_same_bytes(told_home: Path, written: Path, tmp_path: Path) -> None:
    code = f"import reports; reports.write(reports.load('whole', home={str(told_home)!r}), {str(tmp_path)!r})"
    environment = {**os.environ, "PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert contents(tmp_path) == contents(written)


def test_table_csv_does_not_tell_two_runs_of_a_sweep_apart(whole: reports.Results, written: Path) -> None:
    """Order of members, run ids and times are those of another run; the numbers are the same."""
    trials = whole.trials.iloc[::-1].assign(run_id="another", experiment_id="9", train_seconds=9.0)
    other = reports.Results("whole", whole.members, trials, whole.resolved)
    text = as_csv(main(other))
    assert text.encode() == (written / "table.csv").read_bytes()
    assert not re.search(r"[0-9a-f]{32}", text)


def test_table_csv(written: Path) -> None:
    lines = list(csv.DictReader(io.StringIO((written / "table.csv").read_text())))
    assert tuple(lines[0]) == FIELDS
    by_row = {line["row"]: line for line in lines}
    assert len(by_row) == len(lines)
    k5 = by_row["gdkd (by k) k=5"]
    assert [k5[name] for name in SHOWN] == ["GDKD (k = 5)", "Digits-100", "TinyResNet", "TinyCNN"]
    assert (k5["n"], k5["mean"], k5["std"], k5["min"], k5["max"]) == ("3", "66.7333", "0.2082", "66.5", "66.9")
    assert (k5["seeds"], k5["setting"], k5["missing"]) == ("0 1 2", "k=5", "")
    assert by_row["teacher"]["method"] == "teacher"
    assert (by_row["pruned"]["n"], by_row["pruned"]["mean"], by_row["pruned"]["missing"]) == ("0", "", "pruned")
    assert by_row["gdkd (tuned)"]["setting"] == "k=7; w2=8.5"


def test_results_parquet_is_the_trials(whole: reports.Results, written: Path) -> None:
    stored = pd.read_parquet(written / "results.parquet")
    pd.testing.assert_frame_equal(stored[[*whole.trials.columns]], whole.trials, check_dtype=False)
    assert [*stored.columns][-len(SHOWN) :] == [*SHOWN]
    k5 = stored[stored["row"] == "gdkd (by k) k=5"].iloc[0]
    assert [k5[name] for name in SHOWN] == ["GDKD (k = 5)", "Digits-100", "TinyResNet", "TinyCNN"]
    top = stored[stored["phase"] == "teacher"].iloc[0]
    assert (top["row_shown"], top["student_shown"], pd.isna(top["teacher_shown"])) == ("teacher", "TinyResNet", True)


def test_table_md(written: Path) -> None:
    text = (written / "table.md").read_text()
    assert "| KD | 63.1 ± 0.7 (3) †\\* |  |" in text
    assert "| GDKD (tuned) | **66.9** ± 0.2 (3) \\* | 6 |" in text
    assert "| GDKD (k = 5) | *66.7* ± 0.2 (3) \\* |  |" in text
    assert "| DKD | 65.8 ± 0.4 (2) |  |" in text
    assert "| half | 60.0 (1) |  |" in text
    assert "| broken | – failed 2 of 3, interrupted 1 of 3 |  |" in text
    assert "Italics: the one below." in text
    assert "n differs (1 to 3)" in text
    assert "Not in the means: DKD: diverged 1 of 3;" in text
    assert "A caption of mine. Top-1" in text
    search = text.partition("## Search")[2].partition("\n## ")[0]
    heads = "| method | tuned | trials | epochs | time | rank | setting | validation | test | gap |"
    assert heads in search  # one pair, two ranks
    spent = "6: 4 complete, 1 pruned, 1 diverged | ≤ 60 | 9 s"
    assert f"| {spent} | 1 | k = 7, w₂ = 8.5 | 64.5 | 66.9 ± 0.2 (3) | -2.4 |" in search


def test_names_in_markdown(nasty: reports.Results) -> None:
    text = markdown.render(main(nasty))
    assert "<script>" not in text
    assert "<b>" not in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    columns = {len(re.findall(r"(?<!\\)\|", line)) for line in tables}
    assert columns == {4}
    assert r"b\_c %d \| &lt;script>" in text
    assert r"KD\_{paper}" in text
    assert "more&lt;/b>. Top-1" in text


@pytest.mark.parametrize("text", ["> x", ">x", "- x", "+ x", "-", "---", "- - -", "===", "1. x", "12) x", "1. > x"])
def test_no_paragraph_of_markdown_begins_a_block(text: str) -> None:
    at = next(i for i, c in enumerate(text) if not c.isdigit())
    assert markdown.escape(f" {text}") == f"{text[:at]}\\{text[at:]}"


@pytest.mark.parametrize("text", ["-1.5", "+1.5 ± 0.2", "1.5", "2024 x", "-x", "x > 1", "=x", "1.5. x", "–"])
def test_numbers_of_markdown_stay_plain(text: str) -> None:
    assert markdown.escape(text) == text


def test_names_in_csv(nasty: reports.Results) -> None:
    lines = list(csv.DictReader(io.StringIO(as_csv(main(nasty)))))
    assert lines[2]["row"] == f"'{NASTY}"
    assert lines[1]["row"] == "kd"
    assert [guarded(text) for text in ("=1", "+1", "-1", "@a", "a-1", "")] == [
        "'=1",
        "'+1",
        "'-1",
        "'@a",
        "a-1",
        "",
    ]


def test_names_in_latex(nasty: reports.Results) -> None:
    text = latex_of(nasty)
    body = text.partition("\\begin{document}")[2]
    assert r"=a \& b\_c \%d \textbar{} \textless{}script\textgreater{}" in body
    assert (
        r"ünï $\alpha${[}U+4E2D] $\mathdollar$x$\mathdollar$ "
        r"\#1 \{\textasciitilde{}\textasciicircum{}\textbackslash{}\}" in body
    )
    assert r"\textbf{61.00} & {\scriptsize \,$\pm$\,0.00} &" in body
    assert r"\underline{60.80} & {\scriptsize \,$\pm$\,0.14} &" in body
    assert "over n = 2 seeds, or as many as stand in brackets." in body
    assert "%" not in body.replace(r"\%", "").replace("{%\n", "")
    assert escape("a--b,,c - – ²\n\tx") == r"a-{}-b,{},c - \textendash{} $^2$ x"


def test_a_row_of_latex_never_begins_with_an_optional_argument() -> None:
    r"""Before it stand \\ and \midrule, which take [ and * for theirs; a name without glyphs begins with [ too."""
    assert escape("[ours] x") == "{[}ours] x" and escape("*ours") == "{*}ours"
    assert escape("蒸").startswith("{[}U+")


def test_latex_is_balanced(nasty: reports.Results, whole: reports.Results) -> None:
    for results in (nasty, whole):
        text = latex_of(results)
        plain = re.sub(r"\\[{}$&%]", "", text)
        assert plain.count("{") == plain.count("}")
        assert plain.count("$") % 2 == 0
        assert sorted(re.findall(r"\\begin\{(\w+)\}", plain)) == sorted(re.findall(r"\\end\{(\w+)\}", plain))
        found = re.findall(r"^\\begin\{tabular(.*?)\n(.*?)^\\end\{tabular", plain, re.DOTALL | re.MULTILINE)
        assert found
        for spec, inside in found:
            rows = [line for line in inside.splitlines() if line.endswith("\\\\")]
            assert {width_of(row) for row in rows} == {columns_of(spec)}, spec


def columns_of(spec: str) -> int:
    """Return how many columns the heads of a tabular have: letters that are within one pair of braces."""
    depth, count = 0, 0
    for c in spec.removeprefix(r"*}{\linewidth").removeprefix("}"):
        depth += {"{": 1, "}": -1}.get(c, 0)
        count += depth == 1 and c in "lrcp"
    return count


def width_of(row: str) -> int:
    """Return how many columns a row of a tabular fills."""
    return row.count(" & ") + 1 + sum(int(span) - 1 for span in re.findall(r"multicolumn\{(\d+)\}", row))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex: apt install texlive-latex-recommended")
def test_latex_compiles_alone(nasty: reports.Results, whole: reports.Results, tmp_path: Path) -> None:
    for results in (nasty, whole):
        (tmp_path / "table.tex").write_text(latex_of(results))
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout[-2000:]


def test_the_printed_table_fits(whole: reports.Results, nasty: reports.Results) -> None:
    for results in (whole, nasty):
        text = reports.console_table(results)
        assert max(len(line) for line in text.splitlines()) <= 80
    assert "66.9 ± 0.2 (3)^*" in reports.console_table(whole)
    assert "^: highest mean of a column" in reports.console_table(whole)


def test_the_printed_table_breaks_into_blocks(results_of: Loader) -> None:
    cells = tuple(f"digits100: teacher_{i} -> student_{i}" for i in range(8))
    trials = [trial for cell in cells for trial in seeds("kd", (60.0, 61.0), cell=cell)]
    text = reports.console_table(results_of(FakeSweep("wide", trials, [row("kd")], cells)))
    assert max(len(line) for line in text.splitlines()) <= 80
    assert text.count("60.5 ± 0.7 (2)") == 8
    assert text.count("\nKD ") > 1


def test_the_note_fits(whole: reports.Results, results_of: Loader) -> None:
    assert len(reports.Report(whole).note()) < 8000
    assert "| KD | 63.1 ± 0.7 (3) †\\* |" in reports.Report(whole).note()
    short = reports.Report(whole).note(300)
    assert len(short) <= 300
    assert short.endswith("the whole table is in table.md.")


def test_figures_of_several_cells_have_names_of_their_own(nasty: reports.Results, tmp_path: Path) -> None:
    names = [path.name for path in reports.write(nasty, tmp_path) if path.suffix == ".pdf"]
    assert names[0] == "accuracy_over_k-digits100-tinyresnet-tinycnn.pdf"
    assert re.fullmatch(r"accuracy_over_k-odd_set-t_1-co-s-2-[0-9a-f]{8}\.pdf", names[1])


def test_no_grid_no_figure(results_of: Loader, tmp_path: Path) -> None:
    rows = [row("kd"), *grid("g", "k", (1, 5))]
    results = results_of(FakeSweep("flat", seeds("kd", (60.0,)), rows))
    written = [str(path.relative_to(tmp_path / "out")) for path in reports.write(results, tmp_path / "out")]
    assert [name for name in written if not name.startswith("tables/")] == [*FILES, "figures/README.md"]
    assert "Not drawn:" in (tmp_path / "out" / "figures" / "README.md").read_text()


def test_a_write_that_fails_leaves_the_old_file(
    whole: reports.Results, written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(written, tmp_path / "out")

    def fails(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="disk full"):
        reports.write(whole, tmp_path / "out")
    assert contents(tmp_path / "out") == contents(written)


def test_a_method_that_costs_more_at_inference_says_so_in_every_table(whole: reports.Results) -> None:
    rows = [dict(one) for one in whole.resolved["rows"]]
    rows[1]["inference"] = "keeps a projector of 40,000 parameters & its ReLU"
    table = main(dataclasses.replace(whole, resolved={**whole.resolved, "rows": rows}))
    sentence = "At inference a student of KD costs more than a plain one: keeps a projector"
    for text in (markdown.render(table), latex.render(table), as_text(table, width=10_000)):
        assert sentence in text.replace("\\_", "_")
    assert "At inference" not in markdown.render(main(whole))
