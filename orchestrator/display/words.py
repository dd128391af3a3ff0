"""How a sweep stands, in lines of text. The same for every screen."""

from collections.abc import Iterator, Sequence

from orchestrator.display._base import View
from orchestrator.display.progress import Counts, RowProgress, SweepProgress
from trainers.texts.counting import counted
from trainers.texts.words import escaped

NARROW, LABEL = 40, 34
"""Least width that is written for; most characters of a row's name."""


def duration(seconds: float) -> str:
    """Return a duration for people: `40 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    whole = max(0, round(seconds))
    for size, name, lower_size, lower in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // lower_size
            return f"{whole // size} {name}" + (f" {rest} {lower}" if rest else "")
    return f"{whole} s"


def summary(view: View) -> Iterator[str]:
    """Yield a line for each sweep, the last with slots and time."""
    for sweep in view.sweeps[:-1]:
        yield f"{sweep.name}: {'; '.join([counts_text(sweep.counts), *_fewer(sweep)])}"
    last = view.sweeps[-1]
    yield f"{last.name}: {'; '.join([counts_text(last.counts), *_fewer(last), load(view)])}"


def counts_text(counts: Counts) -> str:
    """Return counts in words."""
    failed = f", {counts.failed} failed" if counts.failed else ""
    return f"{counts.done} of {counted(counts.total, 'trial')} done, {counts.running} running{failed}"


def _fewer(sweep: SweepProgress) -> list[str]:
    """Return why there are fewer trials than there were to be; nothing where there are as many."""
    count = sweep.planned - sweep.counts.total
    if count <= 0:
        return []
    repeated = f"{sweep.repeated} of {counted(sweep.proposals, 'proposal')} repeated"
    reasons = [f"{repeated} {'an earlier one' if sweep.repeated == 1 else 'earlier ones'}"] * (sweep.repeated > 0)
    others = "searches had no more settings, share theirs, or some failed or diverged in a race"
    reasons += [others] * (count > sweep.repeated)
    return [f"{count} fewer than planned: {'; '.join(reasons)}"]


def load(view: View) -> str:
    """Return slots in use, time passed and time left, in words."""
    running = sum(sweep.counts.running for sweep in view.sweeps)
    in_use = f"{min(running, view.slots)} of {counted(view.slots, 'slot')} in use"
    slots = in_use if view.slots else "workers are being started"
    left = "" if view.left_seconds is None else f", about {duration(view.left_seconds)} left"
    return f"{slots}, {duration(view.elapsed_seconds)} passed{left}"


def picture(view: View, width: int, height: int) -> list[str]:
    """Return everything in at most `height` lines of at most `width` columns: rows where there is room for them, those
    that wait and those that have ended counted where there is not."""
    width = max(width, NARROW)
    room = max(1, (height - 1) // max(1, len(view.sweeps)))
    lines = [line for sweep in view.sweeps for line in _sweep(sweep, room, width)]
    return [cut(line, width) for line in [*lines[: height - 1], load(view)]]


def _sweep(sweep: SweepProgress, room: int, width: int) -> list[str]:
    head = f"{sweep.name}: {counts_text(sweep.counts)}"
    heads = [head, *(f"  {text}" for text in _fewer(sweep))]
    problems = [f"! {text}" for text in sweep.problems]
    left = room - len(heads) - len(problems)
    table = _table(sweep, left) if left >= 3 else []
    return [*heads, *table, *problems][:room]


def _table(sweep: SweepProgress, room: int) -> list[str]:
    """Return the rows by cell where they fit, else summed over cells, else those that move."""
    cells = list(dict.fromkeys(row.cell for row in sweep.rows))
    named = [(row.row, row) for row in sweep.rows]
    if len(cells) > 2:  # a cell of its own for the teacher is none to tell apart
        by_cell = [(f"{row.cell} | {row.row}", row) for row in sweep.rows]
        named = by_cell if len(by_cell) < room else list(_over_cells(sweep.rows).items())
    rest: list[str] = []
    if len(named) >= room:
        moving = [(name, row) for name, row in named if row.counts.running or 0 < row.counts.done < row.counts.total]
        kept = moving[: room - 2]
        over = sum(row.counts.open == 0 for _, row in named)
        rest = [f"  and {counted(len(named) - len(kept), 'other row')}; {over} of {len(named)} have ended"]
        named = kept
    size = max([3, *(len(name) for name, _ in named)])
    size = min(size, LABEL)
    lines = [f"  {'row':<{size}} {'done':>6} {'running':>8} {'failed':>7} {'of':>6}  best top-1"]
    return [*lines, *(_line(name, row, size) for name, row in named), *rest]


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
    best = "" if row.best is None else f"{row.best:.1f}" + ("" if row.on_test else " (validation)")
    label = f"{cut(name, size):<{size}}"
    return f"  {label} {counts.done:>6} {counts.running:>8} {counts.failed:>7} {counts.total:>6}  {best}".rstrip()


def cut(text: str, width: int) -> str:
    """Return the text in `width` characters; the middle goes, for rows of one entry differ at the end."""
    flat = escaped(" ".join(text.split()) if "\n" in text else text)
    tail = width // 3
    return flat if len(flat) <= width else f"{flat[: width - tail - 1]}…{flat[-tail:]}"
