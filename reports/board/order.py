"""In which order a table has its columns and rows, and under which headings they stand."""

from collections.abc import Iterable, Mapping, Sequence

from reports.results.sweep import Cell, Options, Row
from trainers.model_names import family

KINDS = ("baseline", "logit", "feature", "combined")
"""Kinds of methods in the order of their headings; others follow."""
SAME, DIFFERENT = "same architecture", "different architecture"


def architecture(cell: Cell) -> str:
    """Return whether teacher and student of a cell are of one family; empty where there is no teacher."""
    if not cell.teacher:
        return ""
    return SAME if family(cell.teacher) == family(cell.student) else DIFFERENT


def architecture_matters(cells: Iterable[Cell]) -> bool:
    """Return whether there are pairs of one family and others."""
    return len({architecture(cell) for cell in cells}) > 1


def arranged_cells(cells: Iterable[Cell]) -> list[Cell]:
    """Return the cells by data set, pairs of one family before the others, else in the sweep's order."""
    cells = list(cells)
    datasets = list(dict.fromkeys(cell.dataset for cell in cells))
    return sorted(cells, key=lambda cell: (datasets.index(cell.dataset), architecture(cell) == DIFFERENT))


def arranged_rows(rows: Sequence[Row], options: Options, searched: Mapping[str, bool]) -> list[Row]:
    """Return the rows in the order in which tables have them.

    As `report.order` says. Without it by kind of method, and a method's searched rows (`searched` is by label) next to
    its fixed ones, so that what tuning was worth is seen. Rows under one heading are together.
    """
    if options.order:
        places = {entry: place for place, entry in enumerate(options.order)}
        rows = sorted(rows, key=lambda row: places.get(row.entry, len(places)))
    else:
        rows = _beside(rows, searched)
    headings = [heading_of(row, options) for row in rows]
    known = list(dict.fromkeys(headings if options.order or options.groups else [*KINDS, *headings]))
    return sorted(rows, key=lambda row: known.index(heading_of(row, options)))


def heading_of(row: Row, options: Options) -> str:
    """Return the heading that a row stands under: the sweep's, or the kind of its method."""
    return options.groups.get(row.entry, row.group)


def _beside(rows: Sequence[Row], searched: Mapping[str, bool]) -> list[Row]:
    """Put the rows of each method that has fixed and searched ones where its first one is, fixed ones first."""
    kinds: dict[tuple[str, str], set[bool]] = {}
    for row in rows:
        kinds.setdefault((row.group, row.method), set()).add(searched[row.label])
    first: dict[tuple[str, str], int] = {}
    keyed = []
    for place, row in enumerate(rows):
        method = (row.group, row.method)
        both = bool(row.method) and len(kinds[method]) == 2
        anchor = first.setdefault(method, place) if both else place
        keyed.append((anchor, both and searched[row.label], place, row))
    return [row for *_, row in sorted(keyed, key=lambda item: item[:3])]
