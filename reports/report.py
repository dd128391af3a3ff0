"""A report: from results, each thing built once, and written into a folder.

Every file is whole or not there; equal results give equal bytes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from reports import figures, methods_text, tables
from reports.board import board, fidelity
from reports.board.board import Board
from reports.board.numbers import numbers
from reports.figures import Figure, NotDrawn, chosen
from reports.formats import csv, latex, markdown, text
from reports.results import stored
from reports.results.results import Results
from reports.tables import head_to_head, searches
from reports.tables.ablations import tables as ablation_tables
from reports.tables.against.published import Comparison
from reports.tables.against.sweep import SweepComparison
from reports.tables.audit import Audit
from reports.tables.table import Table
from trainers.files.files import remove, replaced


class Report:
    """What came out of a sweep, or of several as one; beside published figures, another sweep, and what habits would
    have claimed, where these are given.
    """

    def __init__(
        self,
        results: Results,
        comparison: Comparison | None = None,
        changes: SweepComparison | None = None,
        audit: Audit | None = None,
    ) -> None:
        self.results = results
        self._comparisons = [one for one in (comparison, changes, audit) if one is not None]

    @cached_property
    def board(self) -> Board:
        """Rows against pairs."""
        return board.build(self.results)

    @property
    def _mains(self) -> list[Table]:
        """Rows against pairs, whether the sweep asks for it or not."""
        return tables.main(self.results, self.board)

    @cached_property
    def _own(self) -> list[Table]:
        """The tables that the sweep asks for and has numbers for, the main one first."""
        return list(tables.build(self.results, self.board))

    @cached_property
    def ablations(self) -> list[Table]:
        """Tables of what hyperparameters and terms are worth."""
        return ablation_tables.build(self.results, self.board)

    @property
    def tables(self) -> list[Table]:
        """Every table by its name: those that the sweep asks for, the main one first, ablations, and beside others."""
        beside = (
            replace(table, title=f"Beside {one.beside}: {table.title}")
            for one in self._comparisons
            if self.board.options.wants(one.stem)
            for table in one.tables()
        )
        return [*self._own, *self.ablations, *beside]

    @property
    def figures(self) -> list[Figure]:
        """The figures that there are numbers for, each with a caption."""
        return self._figures[0]

    @cached_property
    def _figures(self) -> tuple[list[Figure], list[NotDrawn]]:
        """The figures, and those that there are not, with the reasons."""
        return figures.build(self.results, self.board)

    def console(self, width: int = 80) -> str:
        """Return the main table and the searches as plain text of at most `width` columns where it can."""
        measured = " and ".join(measure.short for measure in self.board.measures)
        title = f"{self.board.name}: test {measured}"
        names = (f"{title}, {part.part}" if part.part else title for part in self.board.parts())
        found = [text.render(table, width, name) for table, name in zip(self._mains, names, strict=True)]
        searched = searches.build(self.results, self.board)
        return "\n\n".join([*found, *([text.render(searched, width, "Searches:")] if searched else [])])

    def note(self, limit: int = 8000) -> str:
        """Return the main table in Markdown of at most `limit` characters."""
        return markdown.cut("\n\n".join(map(markdown.render, self._mains)), limit)

    def numbers(self) -> dict[str, float]:
        """Return mean, spread and count of each cell of the main table by name (`reports.board.numbers.NAMES`)."""
        return numbers(self.board)

    def write(self, out: Path) -> list[Path]:
        """Write all files of the report; return the paths."""
        return list(self._write(out))

    def _write(self, out: Path) -> Iterator[Path]:
        from reports import page
        from reports.figures import saving

        name, out_figures = self.board.name, out / "figures"
        wanted, beyond = chosen(self.figures)
        drawn, saved, missing = [], [], list(self._figures[1])
        for one in wanted:
            try:
                saved.append(list(saving.save(one, out_figures)))
            except OSError:  # of the folder: told by whoever asked for the report
                raise
            except Exception as error:  # noqa: BLE001 (whatever its numbers are like, a figure ends no report)
                for kind in saving.KINDS:  # an earlier report's would be taken for one of these numbers
                    remove(out_figures / f"{one.name}.{kind}")
                missing.append(figures.undrawable(one.name, error))
            else:
                drawn.append(one)
        yield write_text(out / "table.md", markdown.document(name, self._own))
        yield write_text(out / "table.tex", latex.document("table.tex", self._own))
        for ending, content in methods_text.documents(self.results, self.board).items():
            yield write_text(out / f"methods.{ending}", content)
        yield write_text(out / "table.csv", csv.render(head_to_head.build(self.results, self.board)))
        learnt = [table for table in self._own if table.name.startswith("fidelity")]
        if learnt:
            yield write_text(out / "fidelity.csv", csv.render(*learnt))
        yield _write_parquet(out / "results.parquet", self.results, self.board)
        shown = [(one, (out_figures / f"{one.name}.svg").read_text(encoding="utf-8")) for one in drawn]
        yield write_text(out / "index.html", page.render(self.results, self.board, self.tables, shown))
        for table in self._own:
            yield write_text(out / "tables" / f"{table.name}.tex", latex.fragment(table))
        yield from self._write_ablations(out)
        for comparison in self._comparisons:
            yield from write_comparison(comparison, out)
        yield from (path for paths in saved for path in paths)
        yield write_text(out_figures / "README.md", figure_list(drawn, beyond, missing))

    def _write_ablations(self, out: Path) -> Iterator[Path]:
        if not self.ablations:
            return
        yield from write_tables(self.ablations, out, "ablations", f"{self.board.name}: ablations")
        by_name: dict[str, list[Table]] = {}
        for table in self.ablations:
            by_name.setdefault(table.name, []).append(table)
        for name, some in by_name.items():
            yield write_text(out / "tables" / f"{name}.tex", latex.fragment(*some))


def write_tables(found: Sequence[Table], out: Path, stem: str, title: str, before: Sequence[str] = ()) -> list[Path]:
    """Write tables of one kind as Markdown, LaTeX and CSV; return the paths.

    Args:
        stem: of the files' names.
        before: paragraphs that stand before them in Markdown.
    """
    records = [table for table in found if table.records is not None]
    return [
        write_text(out / f"{stem}.md", markdown.document(title, found, before)),
        write_text(out / f"{stem}.tex", latex.document(f"{stem}.tex", found)),
        write_text(out / f"{stem}.csv", csv.render(*records)),
    ]


def write_comparison(comparison: Comparison | SweepComparison | Audit, out: Path | str) -> list[Path]:
    """Write against.*, compare.* or audit.* as Markdown, LaTeX and CSV into `out`; return the paths. Each file is whole
    or not there."""
    before = [comparison.summary] if comparison.summary else []
    return write_tables(comparison.tables(), Path(out), comparison.stem, comparison.title, before)


def console_comparison(comparison: Comparison | SweepComparison | Audit, width: int = 80) -> str:
    """Return the numbers beside others, or an audit, as plain text of at most `width` columns where it can."""
    found = [comparison.title, comparison.summary, *(text.render(table, width) for table in comparison.tables())]
    return "\n\n".join(filter(None, found))


def write(results: Results, out: Path | str) -> list[Path]:
    """Write table.md, table.tex, table.csv, results.parquet, index.html and figures/ into `out`; return the paths.

    Each file is whole or not there; the same results give the same bytes.
    """
    return Report(results).write(Path(out))


def console_table(results: Results, width: int = 80) -> str:
    """Return the head-to-head table as plain text of at most `width` columns where it can."""
    return Report(results).console(width)


def write_text(path: Path, content: str) -> Path:
    """Write a text file, whole or not at all."""
    with replaced(path) as temporary:
        temporary.write_bytes(content.encode("utf-8"))
    return path


def _write_parquet(path: Path, results: Results, board: Board) -> Path:
    rows = {line.row.label: line.shown for line in board.lines if line.kind != "teacher"}
    frame = stored.frame(results, rows, fidelity.columns(results, board))
    with replaced(path) as temporary:
        frame.to_parquet(temporary, engine="pyarrow", index=False)
    return path


def figure_list(drawn: Sequence[Figure], beyond: Sequence[Figure], missing: Sequence[NotDrawn]) -> str:
    """Return the list of figures in Markdown."""
    lines = ["# Figures", ""]
    if drawn:
        lines += ["Each as PDF with embedded fonts, PNG and SVG, with a caption to copy.", ""]
    for one in drawn:
        lines += [f"- `{one.name}`: {markdown.escape(one.caption)}"]
    if missing:
        lines += [
            "",
            "Not drawn:",
            "",
            *(f"- {markdown.escape(one.what)}: {markdown.escape(one.why)}" for one in missing),
        ]
    if beyond:
        lines += [
            "",
            "Too many to draw in every report; `reports.figures` has them, `reports.draw` draws them:",
        ]
        lines += ["", *(f"- `{one.name}`" for one in beyond)]
    return "\n".join(lines) + "\n"
