"""How a sweep stands, in lines of text. The same for every screen."""

from collections.abc import Iterator, Sequence

from orchestrator.display._base import View
from orchestrator.display.progress import RowProgress, SweepProgress
from trainers.texts.counting import counted
from trainers.texts.folding import folded, folded_command
from trainers.texts.words import block_of, escaped

NARROW, LEAST_LABEL = 40, 12
"""Least width that is written for; as many characters of a row's name are shown in any."""
NUMBERS = 35
"""Columns of a row beside its name and its accuracy."""
OTHERS = "searches had no more settings, share theirs, or some failed or diverged in a race"


def duration(seconds: float) -> str:
    """Return a duration for people: `40 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    whole = max(0, round(seconds))
    for size, name, lower_size, lower in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // lower_size
            return f"{whole // size} {name}" + (f" {rest} {lower}" if rest else "")
    return f"{whole} s"


def said(text: str, width: int | None, *, command: bool = False) -> str:
    """Return a text that stays, as it is shown where lines have so many columns; None: any number.

    Args:
        command: it is `label: command`.
    """
    block = block_of(text)
    if width is None:
        return block
    return folded_command(block, width) if command else folded(block, width)


def summary(view: View) -> Iterator[str]:
    """Yield a line for each sweep, the last with slots and time."""
    for sweep in view.sweeps[:-1]:
        yield "; ".join([_head(sweep, view), *_fewer(sweep)])
    last = view.sweeps[-1]
    yield "; ".join([_head(last, view), *_fewer(last), load(view)])


def _head(sweep: SweepProgress, view: View) -> str:
    counts = sweep.counts
    now = f"{counts.open} left" if view.stopped else f"{counts.running} running"
    failed = f", {counts.failed} failed" if counts.failed else ""
    return f"{sweep.name}: {counts.done} of {counted(counts.total, 'trial')} done, {now}{failed}"


def fewer_lines(view: View) -> Iterator[str]:
    """Yield a line for each sweep that came to fewer trials than planned, with the reason."""
    for sweep in view.sweeps:
        yield from (f"{sweep.name}: {text}" for text in _fewer(sweep))


def _fewer(sweep: SweepProgress) -> list[str]:
    """Return why there are fewer trials than there were to be; nothing where there are as many."""
    count = sweep.planned - sweep.counts.total
    if count <= 0:
        return []
    repeated = f"{sweep.repeated} of {counted(sweep.proposals, 'proposal')} repeated"
    reasons = [f"{repeated} {'an earlier one' if sweep.repeated == 1 else 'earlier ones'}"] * (sweep.repeated > 0)
    reasons += [OTHERS] * (count > sweep.repeated)
    return [f"{count} fewer than planned: {'; '.join(reasons)}"]


def load(view: View) -> str:
    """Return workers that train, time passed and time left, in words."""
    passed = f"{duration(view.elapsed_seconds)} passed"
    if view.stopped:
        return passed
    if view.slots and not any(sweep.counts.open for sweep in view.sweeps):
        return f"all has ended and is being told, {passed}"
    slots = f"{view.busy} of {counted(view.slots, 'slot')} in use" if view.slots else "workers are being started"
    left = "" if view.left_seconds is None else f", about {duration(view.left_seconds)} left"
    return f"{slots}, {passed}{left}"


def picture(view: View, width: int, height: int) -> list[str]:
    """Return everything in at most `height` lines of at most `width` columns: rows where there is room for them, those
    that wait and those that have ended counted where there is not."""
    width = max(width, NARROW)
    room = max(1, (height - 1) // max(1, len(view.sweeps)))
    lines = [line for sweep in view.sweeps for line in _sweep(sweep, view, room, width)]
    return [cut(line, width) for line in [*lines[: height - 1], load(view)]]


def ending(view: View, width: int, height: int) -> list[str]:
    """Return how a run that was stopped leaves everything: rows, then the counts of each sweep, which are nearest to
    what is typed next."""
    width = max(width, NARROW)
    room = (height - len(view.sweeps)) // len(view.sweeps)
    lines = []
    for sweep in view.sweeps:
        name = [sweep.name] if len(view.sweeps) > 1 else []
        lines += [*name, *_table(sweep, room - len(name), width)] if room >= 4 else []
        lines += [f"! {text}" for text in sweep.problems]
    counts = [line for text in summary(view) for line in folded(text, width).split("\n")]
    return [*(cut(line, width) for line in lines), *counts]


def _sweep(sweep: SweepProgress, view: View, room: int, width: int) -> list[str]:
    heads = [_head(sweep, view), *(line for text in _fewer(sweep) for line in folded(f"  {text}", width).split("\n"))]
    problems = [f"! {text}" for text in sweep.problems]
    left = room - len(heads) - len(problems)
    table = _table(sweep, left, width) if left >= 3 else []
    return [*heads, *table, *problems][:room]


def _table(sweep: SweepProgress, room: int, width: int) -> list[str]:
    """Return the rows by cell where they fit, else summed over cells, else those that move."""
    named = list(_by_cell(sweep.rows))
    if len(named) >= room:
        named = list(_over_cells(sweep.rows).items())
    rest: list[str] = []
    if len(named) >= room:
        rows = [(name, row) for name, row in named if row is not None]
        moving = [(name, row) for name, row in rows if row.counts.running or 0 < row.counts.done < row.counts.total]
        kept = moving[: room - 2]
        over = sum(row.counts.open == 0 for _, row in rows)
        rest = [f"  and {counted(len(rows) - len(kept), 'other row')}; {over} of {len(rows)} have ended"]
        named = [*kept]
    best = max([0, *(len(_best(row)) for _, row in named if row is not None)])
    longest = max([3, *(len(name) for name, row in named if row is not None)])
    size = min(longest, max(LEAST_LABEL, width - NUMBERS - best))
    lines = [f"  {'row':<{size}} {'done':>6} {'running':>8} {'failed':>7} {'of':>6}  best top-1"]
    return [*lines, *(f"  {name}" if row is None else _line(name, row, size) for name, row in named), *rest]


def _by_cell(rows: Sequence[RowProgress]) -> Iterator[tuple[str, RowProgress | None]]:
    """Yield the rows with their names, below the name of their cell where there are several cells with several rows.
    What all cells have in common, a data set, is not said."""
    cells: dict[str, list[RowProgress]] = {}
    for row in rows:
        cells.setdefault(row.cell, []).append(row)
    datasets = {cell.partition(": ")[0] for cell in cells}
    shown = {cell: cell.partition(": ")[2] if len(datasets) == 1 else cell for cell in cells}
    if len(cells) <= 2:  # a cell of its own for the teacher is none to tell apart
        yield from ((row.row, row) for row in rows)
        return
    for cell, found in cells.items():
        if len(found) == 1:
            yield f"{shown[cell]} | {found[0].row}", found[0]
        else:
            yield shown[cell], None
            yield from ((f"  {row.row}", row) for row in found)


def _over_cells(rows: Sequence[RowProgress]) -> dict[str, RowProgress]:
    """Return the rows summed over cells; accuracies of different pairs are not compared."""
    summed: dict[str, RowProgress] = {}
    for row in rows:
        before = summed.get(row.row)
        counts = row.counts if before is None else before.counts + row.counts
        summed[row.row] = RowProgress(cell="", row=row.row, counts=counts)
    return summed


def _line(name: str, row: RowProgress, size: int) -> str:
    counts = row.counts
    indent = len(name) - len(name.lstrip(" "))
    label = f"{name[:indent] + cut(name[indent:], size - indent):<{size}}"
    return f"  {label} {counts.done:>6} {counts.running:>8} {counts.failed:>7} {counts.total:>6}  {_best(row)}".rstrip()


def _best(row: RowProgress) -> str:
    return "" if row.best is None else f"{row.best:.1f}" + ("" if row.on_test else " (validation)")


def cut(text: str, width: int) -> str:
    """Return the text in `width` characters; the middle goes, for rows of one entry differ at the end."""
    flat = escaped(" ".join(text.split()) if "\n" in text else text)
    tail = width // 3
    return flat if len(flat) <= width else f"{flat[: width - tail - 1]}…{flat[-tail:]}"
