"""Writes a report into a folder. Every file is whole or not there; equal results give equal bytes."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reports import csv_table, further, head_to_head, latex, markdown, page
from reports.curves import Figure, figures
from trainers.files import replaced

if TYPE_CHECKING:
    from reports.comparison import Comparison
    from reports.results import Results

KINDS = ("pdf", "png")


def write(results: "Results", out: Path) -> list[Path]:
    """Write all files of the report into `out` (see `reports.write`)."""
    table = head_to_head.build(results)
    sheets, tables = further.sheets(results, table), further.tables(results, table)
    written = [
        _write_text(out / "table.md", markdown.render(table, sheets, tables)),
        _write_text(out / "table.tex", latex.render(table, sheets, tables)),
        _write_text(out / "table.csv", csv_table.render(table)),
        _write_parquet(out / "results.parquet", results),
        _write_text(out / "index.html", page.render(results, table, sheets, tables)),
    ]
    drawn = list(figures(table))
    several = len(table.cells) > 1
    for figure, stem in zip(drawn, stems(drawn, several=several), strict=True):
        written += _write_figure(figure, out / "figures", stem, figure.cell.id if several else "")
    for name, text in latex.fragments(table, sheets, tables).items():
        written.append(_write_text(out / "tables" / f"{name}.tex", latex.fragment_file(text)))
    return written


def write_comparison(comparison: "Comparison", out: Path) -> list[Path]:
    """Write against.md, against.tex and against.csv into `out` (see `reports.write_comparison`)."""
    from reports import comparison_tables

    return [
        _write_text(out / "against.md", comparison_tables.as_markdown(comparison)),
        _write_text(out / "against.tex", comparison_tables.as_latex(comparison)),
        _write_text(out / "against.csv", comparison_tables.as_csv(comparison)),
    ]


def _write_text(path: Path, text: str) -> Path:
    with replaced(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))
    return path


def _write_parquet(path: Path, results: "Results") -> Path:
    with replaced(path) as temporary:
        results.trials.to_parquet(temporary, engine="pyarrow", index=False)
    return path


def _write_figure(figure: Figure, folder: Path, stem: str, title: str) -> Iterator[Path]:
    from reports.drawing import draw

    for kind in KINDS:
        path = folder / f"{stem}.{kind}"
        with replaced(path) as temporary:
            draw(figure, temporary, kind, title)
        yield path


def draw_figure(figure: Figure, path: Path) -> Path:
    """Draw one figure into a file of its own (see `reports.draw`)."""
    from reports.drawing import draw

    kind = path.suffix.removeprefix(".").lower()
    if kind not in KINDS:
        raise ValueError(f"a figure is drawn as {' or '.join(KINDS)}, got '{path.name}'")
    with replaced(path) as temporary:
        draw(figure, temporary, kind, "")
    return path


def stems(drawn: Iterable[Figure], *, several: bool) -> list[str]:
    """Return a file name without its ending for each figure; the cell is in it where the sweep has several."""
    return [_stem(figure) + (f"-{slug(figure.cell.id)}" if several else "") for figure in drawn]


def _stem(figure: Figure) -> str:
    return f"{figure.measure.short.lower()}_over_{slug(figure.hyperparameter)}"


def slug(text: str) -> str:
    """Return the text as a part of a file name; with a digest where something was lost, so that no two meet."""
    plain = re.sub(r"[^a-z0-9_.]+", "-", text.lower()).strip("-.")[:80]
    readable = re.sub(r": | -> ", "-", text)
    return plain if plain == readable else f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:8]}".lstrip("-")
