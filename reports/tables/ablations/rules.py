"""Which rows make an ablation, where nobody has said so, and which of them is its base.

- Grid: the rows of an entry with a grid over one hyperparameter; over two they are a matrix; over more, a matrix of the
  last two for each setting of the others.
- Terms: a row, and every other fixed row of its method that has the same hyperparameters but for switches that are
  off (`ablations.switches`), one of them by name: `w1: 0`. So all are trained alike but for what is switched, and two
  methods at their defaults make none. A set of rows within another is left out, and so are rows of a grid, unless the
  grid itself turns switches on and off (`w1: {grid: [0, 1]}`), and rows that repeat the values of an earlier one.

Combinations beside their methods are made where they are asked for: the main table has these rows as they are.
"""

from collections.abc import Iterator, Mapping, Sequence

from reports.board.board import Line
from reports.results import naming
from reports.results.sweep import Value, value_text
from reports.tables.ablations.ablation import Ablation, Kind
from reports.tables.ablations.switches import Record, is_off


def grids(lines: Sequence[Line]) -> Iterator[Ablation]:
    """Yield the grids of entries, in the sweep's order."""
    entries: dict[str, list[Line]] = {}
    for line in lines:
        if line.row.grid:
            entries.setdefault(line.row.entry, []).append(line)
    for entry, own in entries.items():
        if len(own) > 1:
            yield from grid_groups(entry, own)


def grid_groups(entry: str, lines: Sequence[Line]) -> Iterator[Ablation]:
    """Yield the group of an entry's rows; several where more than two hyperparameters have a grid."""
    varied = [n for n in lines[0].row.grid if len({value_text(ln.row.hyperparameters[n]) for ln in lines}) > 1]
    names, outer = tuple(varied[-2:]), varied[:-2]
    slices: dict[tuple[str, ...], list[Line]] = {}
    for line in lines:
        slices.setdefault(tuple(line.row.grid_values[name] for name in outer), []).append(line)
    for where, own in slices.items():
        if names and len(own) > 1:
            kind: Kind = "matrix" if len(names) == 2 else "grid"
            given = dict(zip(outer, where, strict=True))
            name = " ".join([entry, *(f"{outer_name}={value}" for outer_name, value in given.items())])
            title = naming.row(own[0].row.shown_entry, given)
            yield Ablation(kind=kind, name=name, title=title, factors=names, lines=tuple(own))


def terms(lines: Sequence[Line], records: Mapping[str, Record]) -> Iterator[Ablation]:
    """Yield the groups of terms of each method, in the sweep's order."""
    fixed = list(_fixed(lines, records))
    for method, record in records.items():
        yield from _of_method([line for line in fixed if line.row.method == method], record)


def _fixed(lines: Sequence[Line], records: Mapping[str, Record]) -> Iterator[Line]:
    """Yield the rows that can be in a table of terms, each setting once; those of no grid go before those of one."""
    entries: dict[str, list[Line]] = {}
    for line in lines:
        if line.row.method in records and not line.searched:
            entries.setdefault(line.row.entry, []).append(line)
    kept: dict[tuple[str, str], str] = {}
    for own in sorted(entries.values(), key=lambda own: bool(own[0].row.grid)):
        record = records[own[0].row.method]
        if _turns_on_and_off(own, record):
            for line in own:
                values = repr(sorted(record.values(line.row).items()))
                kept.setdefault((line.row.method, values), line.row.label)
    yield from (line for line in lines if line.row.label in kept.values())


def _turns_on_and_off(lines: Sequence[Line], record: Record) -> bool:
    """Return whether an entry has no grid, or one over switches alone, each off and at one other value."""
    for name in lines[0].row.grid:
        values = {value_text(line.row.hyperparameters[name]) for line in lines}
        off = [line for line in lines if not line.row.hyperparameters[name]]
        if name not in record.switches or len(values) > 2 or not off:
            return False
    return True


def _of_method(lines: Sequence[Line], record: Record) -> Iterator[Ablation]:
    values = {line.row.label: record.values(line.row) for line in lines}
    switches = frozenset(record.switches)
    found: dict[frozenset[str], Line] = {}
    for full in lines:
        members = frozenset(
            line.row.label for line in lines if _turned_off(values[full.row.label], values[line.row.label], switches)
        )
        if len(members) > 1:
            found.setdefault(members, full)
    for members, full in found.items():
        if not any(members < other for other in found):
            own = tuple(line for line in lines if line.row.label in members)
            switched = _switched(own, record)
            if any(is_off({name: 1, **line.row.hyperparameters}, name) for line in own for name in switched):
                name, title = f"terms of {full.row.label}", f"terms of {full.shown}"
                yield Ablation(kind="terms", name=name, title=title, factors=switched, lines=own, full=full)


def _switched(lines: Sequence[Line], record: Record) -> tuple[str, ...]:
    """Return the switches that are on in some rows and off in others."""
    rows = [record.values(line.row) for line in lines]
    return tuple(name for name in record.switches if len({is_off(values, name) for values in rows}) > 1)


def _turned_off(full: Mapping[str, Value], other: Mapping[str, Value], switches: frozenset[str]) -> bool:
    """Return whether the other row is the full one with switches turned off."""
    differ = [name for name in full if full[name] != other.get(name)]
    return all(name in switches and is_off(other, name) for name in differ)


def chosen_group(lines: Sequence[Line], factors: Sequence[str], records: Mapping[str, Record]) -> Ablation | None:
    """Return the group of rows that a user has named: a grid where they are one entry's, else their terms.

    Args:
        factors: the terms to show; empty for all that differ.
    """
    entries = {line.row.entry for line in lines}
    shown = {line.row.entry: line.row.shown_entry for line in lines}
    names, title = " + ".join(shown), " + ".join(shown.values())
    if len(entries) == 1 and lines[0].row.grid and not factors:
        found = list(grid_groups(names, lines))
        return found[0] if len(found) == 1 else None
    known = [records[line.row.method] for line in lines if line.row.method in records]
    parts = {record.parts for record in known}
    if not factors and len(parts) > 1:
        factors = tuple(dict.fromkeys(name for record in known for name in record.parts))
    elif not factors and known:
        factors = _switched(lines, known[0])
    if not factors:
        return None
    pairs = [(line, records.get(line.row.method)) for line in lines]
    on = [sum(record is not None and bool(term_of(record, line, name)) for name in factors) for line, record in pairs]
    full = lines[on.index(max(on))]
    return Ablation(kind="terms", name=names, title=title, factors=tuple(factors), lines=tuple(lines), full=full)


def term_of(record: Record, line: Line, name: str, dead: frozenset[str] = frozenset()) -> bool | None:
    """Return whether a row has a term: a switch that is on, or a method in it; None where it changes nothing."""
    values = record.values(line.row)
    if name in values:
        return None if name in dead and not is_off(values, name) else not is_off(values, name)
    if name in record.parts:
        weight = values.get("weight" if len(record.parts) == 1 else f"{name}.weight", 1)
        return bool(weight)
    return False
