"""Writes a report into a folder. Every file is whole or not there; equal results give equal bytes."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reports import csv_table, further, head_to_head, latex, markdown, page
from trainers.files import replaced

if TYPE_CHECKING:
    from reports.comparison import Comparison
    from reports.plots import Plot
    from reports.results import Results
    from reports.sweep_comparison import SweepComparison


def write(results: "Results", out: Path) -> list[Path]:
    """Write all files of the report into `out` (see `reports.write`)."""
    from reports import plots
    from reports.plots import folder

    table = head_to_head.build(results)
    sheets, tables = further.sheets(results, table), further.tables(results, table)
    drawn, not_drawn = plots.build(results, table)
    written = [
        _write_text(out / "table.md", markdown.render(table, sheets, tables)),
        _write_text(out / "table.tex", latex.render(table, sheets, tables)),
        _write_text(out / "table.csv", csv_table.render(table)),
        _write_parquet(out / "results.parquet", results),
        _write_text(out / "index.html", page.render(results, table, sheets, tables, drawn)),
    ]
    for name, text in latex.fragments(table, sheets, tables).items():
        written.append(_write_text(out / "tables" / f"{name}.tex", latex.fragment_file(text)))
    written += _write_ablations(results, table, out)
    return [*written, *folder.write(drawn, not_drawn, table, out / "figures")]


def _write_ablations(results: "Results", table: head_to_head.Table, out: Path) -> Iterator[Path]:
    from reports import ablating, ablation_tables
    from reports.plots import slug

    found = ablating.build(results, table)
    if not found.items:
        return
    yield _write_text(out / "ablations.md", ablation_tables.as_markdown(found))
    yield _write_text(out / "ablations.tex", ablation_tables.as_latex(found))
    yield _write_text(out / "ablations.csv", ablation_tables.as_csv(found))
    for name, text in ablation_tables.fragments(found):
        yield _write_text(out / "tables" / f"ablation-{slug(name)}.tex", text)


def write_comparison(comparison: "Comparison", out: Path) -> list[Path]:
    """Write against.md, against.tex and against.csv into `out` (see `reports.write_comparison`)."""
    from reports import comparison_tables

    return [
        _write_text(out / "against.md", comparison_tables.as_markdown(comparison)),
        _write_text(out / "against.tex", comparison_tables.as_latex(comparison)),
        _write_text(out / "against.csv", comparison_tables.as_csv(comparison)),
    ]


def write_changes(comparison: "SweepComparison", out: Path) -> list[Path]:
    """Write compare.md, compare.tex and compare.csv into `out` (see `reports.write_changes`)."""
    from reports import sweep_comparison_tables

    return [
        _write_text(out / "compare.md", sweep_comparison_tables.as_markdown(comparison)),
        _write_text(out / "compare.tex", sweep_comparison_tables.as_latex(comparison)),
        _write_text(out / "compare.csv", sweep_comparison_tables.as_csv(comparison)),
    ]


def _write_text(path: Path, text: str) -> Path:
    with replaced(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))
    return path


def _write_parquet(path: Path, results: "Results") -> Path:
    with replaced(path) as temporary:
        results.trials.to_parquet(temporary, engine="pyarrow", index=False)
    return path


def draw_figure(figure: "Plot", path: Path, width: float | None = None) -> Path:
    """Draw one figure into a file of its own (see `reports.draw`)."""
    from reports.plots.saving import KINDS, save_as

    if path.suffix.removeprefix(".").lower() not in KINDS:
        raise ValueError(f"a figure is drawn as {', '.join(KINDS[:-1])} or {KINDS[-1]}, got '{path.name}'")
    (written,) = save_as(figure, [path], width=width)
    return written
