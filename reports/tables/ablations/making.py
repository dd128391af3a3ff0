"""Makes the ablations of a sweep: those that its `report:` asks for, else all that its rows are (`ablation_rules`).

The base of an ablation is, in this order: the row that the ablation names; the sweep's baseline, where it is among
the rows; the row at the method's defaults (of a grid, the one whose value is the default; in every cell the same); of
terms, the row that has them all; a fixed row of the method elsewhere that differs from the grid's rows in its grid
alone; the sweep's baseline elsewhere. Without one there are no differences.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.board.board import Board, Line
from reports.board.differences import differences
from reports.results.sweep import Value, value_text
from reports.statistics.spread import best
from reports.tables.ablations.ablation import Ablation, Factor, Level
from reports.tables.ablations.rules import Group, chosen_group, grids, term_of, terms
from reports.tables.ablations.switches import Record, record_of
from trainers import titles

if TYPE_CHECKING:
    from reports.results.results import Results

CE_WEIGHT = "ce_weight"


def ablations(results: "Results", table: Board) -> list[Ablation]:
    """Return the ablations of a sweep, with whatever has ended so far."""
    asked = (results.resolved.get("report") or {}).get("ablations") if table.options.wants("ablations") else []
    lines = [line for line in table.lines if line.kind == "method"]
    records = _records(lines, next(iter(_classes(results).values()), None)) if len(lines) > 1 and asked != [] else {}
    making = _Making(results, table, records)
    if asked is not None:
        items = [item for one in asked for item in making.chosen(one)]
    else:
        made = [making.ablation(group) for group in (*grids(lines), *terms(lines, records))]
        items = [item for item in made if any(score.by_seed for level in item.inner for score in level.scores)]
    return list(_distinct(items))


def _records(lines: Sequence[Line], classes: int | None) -> dict[str, Record]:
    found = {name: record_of(name, classes) for name in dict.fromkeys(line.row.method for line in lines) if name}
    return {name: record for name, record in found.items() if record is not None}


def _classes(results: "Results") -> dict[str, int | None]:
    """Return the classes of the data sets in their order, as far as they are known."""
    infos = (results.resolved.get("facts") or {}).get("datasets") or {}
    known = {name: info.get("classes") for name, info in infos.items() if isinstance(info, Mapping)}
    return {name: int(classes) if classes else None for name, classes in known.items()}


def _distinct(items: Sequence[Ablation]) -> Iterator[Ablation]:
    """Yield the ablations with names that differ."""
    seen: dict[str, int] = {}
    for item in items:
        seen[item.name] = seen.get(item.name, 0) + 1
        yield item if seen[item.name] == 1 else dataclasses.replace(item, name=f"{item.name} ({seen[item.name]})")


class _Making:
    """Turns groups of rows into ablations."""

    def __init__(self, results: "Results", table: Board, records: Mapping[str, Record]) -> None:
        self._results = results
        self._table = table
        self._records = records
        self._classes = _classes(results)
        self._lines = [line for line in table.lines if line.kind != "teacher"]
        self._by_name: dict[tuple[str, str], list[Line]] = {}
        for line in self._lines:
            self._by_name.setdefault(("label", line.row.label), []).append(line)
            self._by_name.setdefault(("entry", line.row.entry), []).append(line)

    def chosen(self, asked: Mapping[str, Any]) -> Iterator[Ablation]:
        """Yield the ablation that a user has asked for; nothing where its rows are not there, or make none."""
        lines = [line for name in _names(asked.get("entries")) for line in self._named(name)]
        group = chosen_group(lines, _names(asked.get("terms")), self._records) if len(lines) > 1 else None
        if group is None:
            return
        found = self.ablation(group, str(asked.get("base") or ""))
        caption, label = (" ".join(str(asked.get(name) or "").split()) for name in ("caption", "label"))
        yield dataclasses.replace(found, caption=caption, label=label)

    def _named(self, name: str) -> list[Line]:
        """Return the row with a label, else all rows of an entry."""
        return self._by_name.get(("label", name)) or self._by_name.get(("entry", name)) or []

    def ablation(self, group: Group, base_name: str = "") -> Ablation:
        """Return a group as an ablation."""
        base = self._base(group, base_name)
        inside = {line.row.label for line in group.lines}
        outside = [] if base is None or base.row.label in inside else [base]
        apart = {*inside, *(line.row.label for line in outside)}
        alone = [line for line in self._lines if line.kind == "alone" and line.row.label not in apart]
        lines = [*outside, *(alone if group.kind == "terms" else []), *group.lines]
        marks = self._best(lines)
        levels = [self._level(line, group, base, marks[i], line in outside) for i, line in enumerate(lines)]
        notes = tuple(self._notes(group))
        return Ablation(
            kind=group.kind,
            name=group.name,
            title=group.title,
            factors=group.factors,
            levels=tuple(levels),
            notes=notes,
        )

    def _best(self, lines: Sequence[Line]) -> list[tuple[bool, ...]]:
        columns = [
            best([ln.scores[c].stat if ln.kind == "method" else None for ln in lines], self._table.options.digits)
            for c in range(len(self._table.cells))
        ]
        return [tuple(column[i] for column in columns) for i in range(len(lines))]

    def _level(self, line: Line, group: Group, base: Line | None, marks: Sequence[bool], is_outside: bool) -> Level:
        others = [] if base is None or line is base else base.scores
        gains = differences([(ours.by_seed, theirs.by_seed) for ours, theirs in zip(line.scores, others, strict=False)])
        return Level(
            row=line.row,
            shown=line.shown,
            factors=() if is_outside else tuple(self._factors(line, group)),
            scores=tuple(dataclasses.replace(score, best=mark) for score, mark in zip(line.scores, marks, strict=True)),
            gains=tuple(gains) or (None,) * len(line.scores),
            is_base=line is base,
        )

    def _factors(self, line: Line, group: Group) -> Iterator[Factor]:
        record = self._records.get(line.row.method)
        if group.kind != "terms":
            yield from (value_text(line.row.hyperparameters[name]) for name in group.factors)
            return
        dead = frozenset() if record is None else record.dead(line.row)
        yield from (False if record is None else term_of(record, line, name, dead) for name in group.factors)

    # --- the base -----------------------------------------------------------------------------------------------

    def _base(self, group: Group, name: str) -> Line | None:
        baseline = self._first(self._table.options.baseline)
        candidates = [
            self._first(name),
            baseline if any(line is baseline for line in group.lines) else None,
            self._at_default(group),
            group.full,
            self._default_elsewhere(group),
            baseline,
        ]
        return next((line for line in candidates if line is not None), None)

    def _first(self, name: str) -> Line | None:
        return next(iter(self._named(name)), None) if name else None

    def _at_default(self, group: Group) -> Line | None:
        """Return the row at the method's defaults: in all hyperparameters for terms, in the grid's for a grid."""
        record = self._records.get(group.lines[0].row.method)
        methods = {line.row.method for line in group.lines}
        if record is None or len(methods) > 1:
            return None
        if group.kind == "terms":
            plain = [line for line in group.lines if record.values(line.row) == record.defaults()]
            return plain[0] if plain else None
        wanted = [self._defaults(record, name) for name in group.factors]
        if any(len(values) != 1 for values in wanted):  # cells whose authors' settings differ have no row in common
            return None
        texts = [value_text(values[0]) for values in wanted]
        at = [ln for ln in group.lines if [value_text(ln.row.hyperparameters[n]) for n in group.factors] == texts]
        return at[0] if at else None

    def _defaults(self, record: Record, name: str) -> list[Value]:
        """Return the defaults of a hyperparameter in the cells of the sweep, each once."""
        values = [
            record.default(name, cell.dataset, *self._networks(cell.id), self._classes.get(cell.dataset))
            for cell in self._table.cells
        ]
        return list(dict.fromkeys(value for value in values if value is not None))

    def _networks(self, cell: str) -> tuple[str, str]:
        """Return timm's names of a cell's teacher and student, as any of its runs has them."""
        trials = self._results.trials
        for key in trials.loc[(trials["cell"] == cell) & trials["run_id"].notna(), "trial_key"]:
            params = self._results.params.get(key, {})
            if params.get("teacher"):
                return params["teacher"], params.get("student", "")
        return "", ""

    def _default_elsewhere(self, group: Group) -> Line | None:
        """Return a fixed row of the same method, outside the grid, that differs from its rows in the grid alone."""
        own = group.lines[0].row
        given = {name: value for name, value in own.hyperparameters.items() if name not in own.grid}
        for line in self._lines:
            same = line.row.method == own.method and line.row.hyperparameters == given
            if same and not line.row.grid and not line.searched and not group.lines[0].searched:
                return line
        return None

    # --- what a reader must know --------------------------------------------------------------------------------

    def _notes(self, group: Group) -> Iterator[str]:
        if group.kind != "terms":
            if any(line.searched for line in group.lines):
                searched = dict.fromkeys(str(d["name"]) for line in group.lines for d in line.row.dimensions)
                yield f"{', '.join(map(titles.symbol, searched))} searched for each row."
            return
        records = [self._records[line.row.method] for line in group.lines if line.row.method in self._records]
        docs = {name: next((r.doc(name) for r in records if r.doc(name)), "") for name in group.factors}
        told = [f"{titles.symbol(name)}: {doc[:1].lower()}{doc[1:]}" for name, doc in docs.items() if doc]
        if told:
            yield "; ".join(told) + "."
        weights = [(ln.shown, r.values(ln.row).get(CE_WEIGHT)) for ln, r in zip(group.lines, records, strict=False)]
        if len(records) == len(group.lines) and len({weight for _, weight in weights}) > 1:
            shown = ", ".join(f"{name} {value_text(v)}" for name, v in weights if v is not None)
            yield f"The factor of the cross-entropy differs, too: {shown}."


def _names(given: object) -> list[str]:
    return [] if given is None else [given] if isinstance(given, str) else [str(name) for name in given]  # type: ignore[attr-defined]
