"""Makes the ablations of a sweep: those that its `report:` asks for, else all that its rows are (`rules`).

The base of an ablation is, in this order: the row that the ablation names; the sweep's baseline, where it is among
the rows; the row at the method's defaults (of a grid, the one whose value is the default; in every cell the same); of
terms, the row that has them all; a fixed row of the method elsewhere that differs from the grid's rows in its grid
alone; the sweep's baseline elsewhere. Without one there are no differences.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reports.board.board import Board, Line, named
from reports.board.verdicts import difference
from reports.results.sweep import dataset_facts, value_text
from reports.statistics.spread import Stat, best
from reports.tables.ablations.ablation import Ablation, Factor, Level
from reports.tables.ablations.rules import chosen_group, grids, term_of, terms
from reports.tables.ablations.switches import Record, record_of
from search_spaces.files.report_keys import AblationModel
from trainers import titles

if TYPE_CHECKING:
    from reports.results.results import Results

CE_WEIGHT = "ce_weight"


def ablations(results: "Results", board: Board) -> list[Ablation]:
    """Return the ablations of a sweep, with whatever has ended so far."""
    asked = board.options.ablations if board.options.wants("ablations") else ()
    lines = [line for line in board.lines if line.kind == "method"]
    making = _Making(results, board, lines if len(lines) > 1 and asked != () else [])
    if asked is not None:
        items = [item for one in asked for item in making.chosen(one)]
    else:
        made = [making.ablation(group) for group in (*grids(lines), *terms(lines, making.records))]
        items = [item for item in made if any(score.by_seed for level in item.inner for score in level.scores)]
    seen: Counter[str] = Counter()
    for place, item in enumerate(items):  # names that differ
        seen[item.name] += 1
        if seen[item.name] > 1:
            items[place] = replace(item, name=f"{item.name} ({seen[item.name]})")
    return items


class _Making:
    """Works out what the rows of ablations have over one another."""

    def __init__(self, results: "Results", board: Board, lines: Sequence[Line]) -> None:
        self._results, self._board = results, board
        infos = dataset_facts(results.resolved).items()
        known = {name: info.get("classes") for name, info in infos if isinstance(info, Mapping)}
        self._classes = {name: int(classes) if classes else None for name, classes in known.items()}
        self._columns = range(len(board.cells))
        self._lines = [line for line in board.lines if line.kind != "teacher"]
        first = next(iter(self._classes.values()), None)
        found = {name: record_of(name, first) for name in dict.fromkeys(line.row.method for line in lines) if name}
        self.records: dict[str, Record] = {name: record for name, record in found.items() if record is not None}

    def chosen(self, asked: AblationModel) -> Iterator[Ablation]:
        """Yield the ablation that a user has asked for; nothing where its rows are not there, or make none."""
        lines = [line for name in asked.entries for line in self._all_of(name)]
        group = chosen_group(lines, asked.terms or (), self.records) if len(lines) > 1 else None
        if group is not None:
            found = self.ablation(group, asked.base or "")
            yield replace(found, caption=asked.caption or "", label=asked.label or "")

    def _all_of(self, name: str) -> list[Line]:
        """Return the row with a label, else all rows of an entry."""
        labelled = [line for line in self._lines if line.row.label == name]
        return labelled or [line for line in self._lines if line.row.entry == name]

    def ablation(self, group: Ablation, base_name: str = "") -> Ablation:
        """Return an ablation with its levels and notes."""
        base = self._base(group, base_name)
        outside = [] if base is None or base in group.lines else [base]
        alone = [line for line in self._lines if line.kind == "alone" and line not in (*group.lines, *outside)]
        lines = [*outside, *(alone if group.kind == "terms" else []), *group.lines]
        digits, columns = self._board.options.digits, self._columns
        stats = ([line.scores[i].stat if line.kind == "method" else None for line in lines] for i in columns)
        marks = [best(of, digits) for of in stats]
        levels = []
        for place, line in enumerate(lines):
            gains: list[Stat | None] = [None] * len(columns)
            if base is not None and line is not base:
                both = zip(line.scores, base.scores, strict=True)
                gains = [difference(ours.by_seed, theirs.by_seed) for ours, theirs in both]
            levels.append(
                Level(
                    row=line.row,
                    shown=line.shown,
                    factors=() if line in outside else tuple(self._factors(line, group)),
                    scores=tuple(replace(ours, best=of[place]) for ours, of in zip(line.scores, marks, strict=True)),
                    gains=tuple(gains),
                    is_base=line is base,
                )
            )
        return replace(group, levels=tuple(levels), notes=tuple(self._notes(group)))

    def _factors(self, line: Line, group: Ablation) -> Iterator[Factor]:
        record = self.records.get(line.row.method)
        if group.kind != "terms":
            yield from (value_text(line.row.hyperparameters[name]) for name in group.factors)
            return
        dead = frozenset() if record is None else record.dead(line.row)
        yield from (False if record is None else term_of(record, line, name, dead) for name in group.factors)

    # --- the base -----------------------------------------------------------------------------------------------

    def _base(self, group: Ablation, name: str) -> Line | None:
        baseline = named(self._lines, self._board.options.baseline)
        candidates = (
            named(self._lines, name),
            baseline if baseline in group.lines else None,
            self._at_default(group),
            group.full,
            self._default_elsewhere(group),
            baseline,
        )
        return next((line for line in candidates if line is not None), None)

    def _at_default(self, group: Ablation) -> Line | None:
        """Return the row at the method's defaults: in all hyperparameters for terms, in the grid's for a grid."""
        methods = {line.row.method for line in group.lines}
        record = self.records.get(next(iter(methods)))
        if record is None or len(methods) > 1:
            return None
        if group.kind == "terms":
            at = [line for line in group.lines if record.values(line.row) == record.defaults()]
            return at[0] if at else None
        wanted = []
        for name in group.factors:
            values = {self._default(record, name, place) for place in self._columns} - {None}
            if len(values) != 1:  # cells whose authors' settings differ have no row in common
                return None
            wanted.append(values.pop())
        at = [ln for ln in group.lines if [value_text(ln.row.hyperparameters[n]) for n in group.factors] == wanted]
        return at[0] if at else None

    def _default(self, record: Record, name: str, place: int) -> str | None:
        """Return the default of a hyperparameter in a cell."""
        cell, trials = self._board.cells[place], self._results.trials
        keys = trials.loc[(trials["cell"] == cell.id) & trials["run_id"].notna(), "trial_key"]
        runs = (self._results.params(key) for key in keys)  # any has timm's names of the networks
        run: Mapping[str, str] = next((run for run in runs if run.get("teacher")), {})
        networks = run.get("teacher", ""), run.get("student", "")
        value = record.default(name, cell.dataset, *networks, self._classes.get(cell.dataset))
        return None if value is None else value_text(value)

    def _default_elsewhere(self, group: Ablation) -> Line | None:
        """Return a fixed row of the same method, outside the grid, that differs from its rows in the grid alone."""
        first = group.lines[0]
        given = {name: value for name, value in first.row.hyperparameters.items() if name not in first.row.grid}
        for line in self._lines:
            same = line.row.method == first.row.method and line.row.hyperparameters == given
            if same and not line.row.grid and not line.searched and not first.searched:
                return line
        return None

    # --- what a reader must know --------------------------------------------------------------------------------

    def _notes(self, group: Ablation) -> Iterator[str]:
        if group.kind != "terms":
            if any(line.searched for line in group.lines):
                searched = dict.fromkeys(str(d["name"]) for line in group.lines for d in line.row.dimensions)
                yield f"{', '.join(map(titles.symbol, searched))} searched for each row."
            return
        records = [self.records[line.row.method] for line in group.lines if line.row.method in self.records]
        docs = {name: next((r.doc(name) for r in records if r.doc(name)), "") for name in group.factors}
        told = [f"{titles.symbol(name)}: {doc[:1].lower()}{doc[1:]}" for name, doc in docs.items() if doc]
        if told:
            yield "; ".join(told) + "."
        weights = [(ln.shown, r.values(ln.row).get(CE_WEIGHT)) for ln, r in zip(group.lines, records, strict=False)]
        if len(records) == len(group.lines) and len({weight for _, weight in weights}) > 1:
            shown = ", ".join(f"{name} {value_text(v)}" for name, v in weights if v is not None)
            yield f"The factor of the cross-entropy differs, too: {shown}."
