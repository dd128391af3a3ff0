"""What a sweep will take, told before anything starts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from search_spaces.dimensions import Dimension, value_text
from search_spaces.facts import logits_bytes
from search_spaces.sweep import Sweep
from trainers.trial import Trial

LOGIT_BYTES = {"float32": 4, "float16": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPlan:
    """Trials of one row, over all cells."""

    label: str
    method: str
    searched: tuple[str, ...]
    """Dimensions in words: `k 1…50 (log)`."""
    fixed: int
    """Trials over all seeds that are known now."""
    proposals: int
    """Search trials, at most."""
    confirming: int
    """Trials over all seeds that wait for the search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherLine:
    """A teacher, and the logits it will store."""

    dataset: str
    model: str
    id: str
    source: str
    """`trained` or the weights file."""
    logits_bytes: int
    """0 where the bank is off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a sweep will take. Counts are of the whole sweep; what has ended before is not taken off."""

    name: str
    cells: tuple[str, ...]
    seeds: tuple[int, ...]
    precision: str
    rows: tuple[RowPlan, ...]
    teachers: tuple[TeacherLine, ...]
    distinct_trainings: int
    """Fixed trials with different keys, without teachers: rows and cells may share some."""
    searches: tuple[str, ...]
    """One line for each search."""
    epochs: int
    """Passes of students over their training images, proposals included, at most."""
    assumed: tuple[str, ...] = ()
    """What was not found here and taken as published, in words."""

    @property
    def most_trainings(self) -> int:
        """Trainings of students, proposals and confirming trials included, at most."""
        return self.distinct_trainings + sum(row.proposals + row.confirming for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain JSON values."""
        return {
            "name": self.name,
            "cells": list(self.cells),
            "seeds": list(self.seeds),
            "precision": self.precision,
            "rows": [
                {
                    "label": row.label,
                    "method": row.method,
                    "searched": list(row.searched),
                    "fixed": row.fixed,
                    "proposals": row.proposals,
                    "confirming": row.confirming,
                }
                for row in self.rows
            ],
            "teachers": [
                {
                    "dataset": teacher.dataset,
                    "model": teacher.model,
                    "id": teacher.id,
                    "source": teacher.source,
                    "logits_bytes": teacher.logits_bytes,
                }
                for teacher in self.teachers
            ],
            "distinct_trainings": self.distinct_trainings,
            "most_trainings": self.most_trainings,
            "searches": list(self.searches),
            "epochs": self.epochs,
        }

    def to_text(self) -> str:
        """Return the plan for people."""
        trained = sum(teacher.source == "trained" for teacher in self.teachers)
        stored = sum(teacher.logits_bytes for teacher in self.teachers)
        counts = (_counted(len(self.cells), "cell"), _counted(len(self.rows), "row"), _counted(len(self.seeds), "seed"))
        known = f"{self.distinct_trainings} distinct ones are known now"
        lines = [
            f"{self.name}: {', '.join(counts)}, {self.precision}",
            *(f"  {cell}" for cell in self.cells),
            "",
            *_table(self.rows),
            "",
            *(f"search   {line}" for line in self.searches),
            *(f"teacher  {line.dataset}: {line.model}, {_teacher_text(line)}" for line in self.teachers),
            f"students {self.most_trainings} trainings at most, {self.epochs} epochs; {known}",
            f"teachers {_counted(trained, 'training')}, {_size(stored)} of stored logits",
        ]
        return "\n".join(lines)


def describe_plan(sweep: Sweep) -> Plan:
    """Return what a sweep will take."""
    distinct = {member.key: member.trial for member in sweep.fixed}
    return Plan(
        name=sweep.name,
        cells=tuple(cell.id for cell in sweep.cells),
        seeds=sweep.seeds,
        precision=sweep.resolved["autos"]["precision"],
        rows=tuple(_row_plans(sweep)),
        teachers=tuple(_teacher_lines(sweep)),
        distinct_trainings=len(distinct),
        searches=tuple(_search_lines(sweep)),
        epochs=_epochs(sweep, distinct.values()),
    )


def _row_plans(sweep: Sweep) -> Iterable[RowPlan]:
    fixed = dict.fromkeys((row.label for row in sweep.rows), 0)
    proposals, confirming = dict(fixed), dict(fixed)
    for member in sweep.fixed:
        fixed[member.row] += 1
    for search in sweep.searches:
        proposals[search.row] += search.trials
        confirming[search.row] += search.confirm * len(sweep.seeds)
    for row in sweep.rows:
        yield RowPlan(
            label=row.label,
            method=row.method,
            searched=tuple(_dimension_text(dimension) for dimension in row.dimensions),
            fixed=fixed[row.label],
            proposals=proposals[row.label],
            confirming=confirming[row.label],
        )


def _teacher_lines(sweep: Sweep) -> Iterable[TeacherLine]:
    infos = {plan.name: plan.info for plan in sweep.datasets}
    for plan in sweep.teachers:
        each = LOGIT_BYTES[sweep.resolved["autos"]["logit_type"][plan.dataset]]
        yield TeacherLine(
            dataset=plan.dataset,
            model=plan.model,
            id=plan.id,
            source="trained" if plan.checkpoint is None else str(plan.checkpoint),
            logits_bytes=logits_bytes(infos[plan.dataset], each) if sweep.bank else 0,
        )


def _search_lines(sweep: Sweep) -> Iterable[str]:
    for search in sweep.searches:
        pruned = "" if search.pruner == "none" else f", {search.pruner} pruner"
        yield (
            f"{search.cell}, {search.row}: {search.trials} proposals by {search.sampler}, {search.parallel} at once, "
            f"{search.recipe.epochs} epochs each{pruned}; best {search.confirm} confirmed"
        )


def _epochs(sweep: Sweep, fixed: Iterable[Trial]) -> int:
    searching = sum(
        search.trials * search.recipe.epochs + search.confirm * len(sweep.seeds) * search.blueprint.recipe.epochs
        for search in sweep.searches
    )
    return searching + sum(trial.recipe.epochs for trial in fixed)


def _dimension_text(dimension: Dimension) -> str:
    if dimension.choices is not None:
        return f"{dimension.name} {' | '.join(map(value_text, dimension.choices))}"
    low, high = (value_text(end) for end in (dimension.low, dimension.high) if end is not None)
    return f"{dimension.name} {low}…{high}{' (log)' * dimension.log}"


def _table(rows: tuple[RowPlan, ...]) -> Iterable[str]:
    width = max(len(row.label) for row in rows)
    named = max(len("method"), *(len(row.method) for row in rows))
    yield f"{'row':<{width}}  {'method':<{named}} {'trials':>7} {'search':>7} {'confirm':>8}"
    for row in rows:
        line = f"{row.label:<{width}}  {row.method:<{named}} {row.fixed:>7} {row.proposals:>7} {row.confirming:>8}"
        yield f"{line}  {', '.join(row.searched)}".rstrip()


def _teacher_text(teacher: TeacherLine) -> str:
    logits = f"{_size(teacher.logits_bytes)} of logits" if teacher.logits_bytes else "no stored logits"
    return f"{teacher.source}, {logits}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _size(count: int) -> str:
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count / 1000:.0f} kB"
