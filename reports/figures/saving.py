"""Writes figures: drawn and laid out once, then saved as PDF, PNG and SVG. Equal figures give equal bytes."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from fontTools.subset import Options
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

from reports.figures import style
from reports.figures._base import Plot
from trainers.files.files import replaced

KINDS = ("pdf", "png", "svg")

WITHOUT_TIME: dict[str, Any] = {
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
}
"""Equal inputs give equal bytes."""
TOLD = re.compile(rb'<g id="title:([^"]*)">')
"""Of an SVG: a mark that says something, which SVG has an element for."""
FAST_PNG = {"compress_level": 3}
"""A third larger than with the most, in a third of the time."""


def save(plot: Plot, stem: Path, title: str = "", kinds: Sequence[str] = KINDS) -> Iterator[Path]:
    """Write the figure as `stem` with each kind's ending; yield the paths. The user's own matplotlib settings have no
    say.

    Args:
        title: of the cell, where there are figures of several.
    """
    yield from save_as(plot, [stem.with_name(f"{stem.name}.{kind}") for kind in kinds], title)


def save_as(plot: Plot, paths: Sequence[Path], title: str = "", width: float | None = None) -> Iterator[Path]:
    """Write the figure into files whose endings say their kinds.

    Args:
        width: in inches; by default what suits the figure, a column or both.
    """
    from reports.figures import drawer

    with mpl.rc_context(), _embedding_glyphs_alone():
        style.apply()
        canvas = Canvas(figsize=(style.COLUMN_INCHES, style.HEIGHT_INCHES), layout="constrained")
        FigureCanvasAgg(canvas)
        drawer(plot)(canvas, plot, title)
        if width is not None:
            canvas.set_figwidth(width)
        layout = canvas.get_layout_engine()
        assert layout is not None  # as made above
        layout.execute(canvas)
        canvas.set_layout_engine("none")  # laid out: the three savings need not do it again
        for path in paths:
            kind = path.suffix.removeprefix(".").lower()
            with replaced(path) as temporary:
                extra: Any = {"pil_kwargs": FAST_PNG} if kind == "png" else {}
                canvas.savefig(temporary, format=kind, metadata=WITHOUT_TIME[kind], **extra)
                if kind == "svg":
                    temporary.write_bytes(TOLD.sub(rb"<g><title>\1</title>", temporary.read_bytes()))
            yield path


@contextmanager
def _embedding_glyphs_alone() -> Iterator[None]:
    """Have fonts embedded without the tables that text is laid out by, which a PDF has no use for: to read them takes
    most of the time of saving one."""
    kept: list[str] = Options._drop_tables_default  # fontTools has no other way through matplotlib
    Options._drop_tables_default = [*kept, "GDEF", "GPOS", "GSUB"]
    try:
        yield
    finally:
        Options._drop_tables_default = kept


def draw(plot: Plot, path: Path, width: float | None = None) -> Path:
    """Draw one figure into a file of its own (see `reports.draw`)."""
    if path.suffix.removeprefix(".").lower() not in KINDS:
        raise ValueError(f"a figure is drawn as {', '.join(KINDS[:-1])} or {KINDS[-1]}, got '{path.name}'")
    (written,) = save_as(plot, [path], width=width)
    return written
