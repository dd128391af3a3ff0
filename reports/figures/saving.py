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
from reports.figures.figure import Figure
from trainers.files.files import replaced

KINDS = ("pdf", "png", "svg")

WITHOUT_TIME: dict[str, Any] = {
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
}
"""Equal inputs give equal bytes."""
TOLD = re.compile(rf'<g id="{style.TITLE}([^"]*)">')
GROUP = re.compile(r"<g[ >]|</g>")
DEFINED = re.compile(r"<defs>.*?</defs>", re.DOTALL)
MARKS = re.compile(r"<use [^>]*/>"), re.compile(r"<path [^>]*/>")
"""What an artist's marks are in an SVG, in this order: copies of one mark, or a path each."""
FAST_PNG = {"compress_level": 3}
"""A third larger than with the most, in a third of the time."""


def save(figure: Figure, folder: Path) -> Iterator[Path]:
    """Write the figure into a folder in each kind of file; yield the paths. The user's own matplotlib settings have no
    say."""
    yield from save_as(figure, [folder / f"{figure.name}.{kind}" for kind in KINDS])


def save_as(figure: Figure, paths: Sequence[Path], width: float | None = None) -> Iterator[Path]:
    """Write the figure into files whose endings say their kinds.

    Args:
        width: in inches; by default what suits the figure, a column or both.
    """
    with mpl.rc_context(), _embedding_glyphs_alone():
        style.apply()
        canvas = Canvas(figsize=(style.COLUMN_INCHES, style.HEIGHT_INCHES), layout="constrained")
        FigureCanvasAgg(canvas)
        figure.draw(canvas)
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
                    temporary.write_text(_with_titles(temporary.read_text(encoding="utf-8")), encoding="utf-8")
            yield path


def _with_titles(svg: str) -> str:
    """Return the picture with what artists say (see `style.told`) as titles, which browsers show: of each mark where
    there are as many as sayings, else of the whole artist."""
    parts, done = [], 0
    for found in TOLD.finditer(svg):
        whole, *marks = found[1].split(style.BETWEEN)
        end = _end_of_group(svg, found.end())
        parts += [svg[done : found.start()], f"<g><title>{whole}</title>", _marked(svg[found.end() : end], marks)]
        done = end
    return "".join([*parts, svg[done:]])


def _end_of_group(svg: str, start: int) -> int:
    """Return where the group that begins before `start` ends."""
    depth = 1
    for tag in GROUP.finditer(svg, start):
        depth += -1 if tag[0] == "</g>" else 1
        if not depth:
            return tag.start()
    return start


def _marked(content: str, marks: Sequence[str]) -> str:
    hidden = [found.span() for found in DEFINED.finditer(content)]
    for kind in MARKS if marks else ():
        every = kind.finditer(content)
        seen = [found for found in every if not any(low <= found.start() < high for low, high in hidden)]
        if len(seen) == len(marks):
            parts, done = [], 0
            for found, text in zip(seen, marks, strict=True):
                name = found[0][1:].partition(" ")[0]
                title = f"{found[0][:-2].rstrip()}><title>{text}</title></{name}>"
                parts += [content[done : found.start()], title]
                done = found.end()
            return "".join([*parts, content[done:]])
    return content


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


def draw(figure: Figure, path: Path | str, width: float | None = None) -> Path:
    """Draw a figure as a file, by its ending a PDF, a PNG or an SVG; return the path. The file is whole or not there.

    Args:
        width: in inches; by default 3.48, a column, or 7.13, both, as suits the figure.

    Raises:
        ValueError: the ending is another.
    """
    path = Path(path)
    if path.suffix.removeprefix(".").lower() not in KINDS:
        raise ValueError(f"a figure is drawn as {', '.join(KINDS[:-1])} or {KINDS[-1]}, got '{path.name}'")
    (written,) = save_as(figure, [path], width)
    return written
