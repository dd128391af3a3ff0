"""Several sweeps as one: the same cells, rows and trials once, and what is named alike but is not alike kept apart.

- A data set or a teacher of one name that is another one in another sweep makes columns of its own, with the sweep's
  name in brackets behind it: `tinyresnet [second]`.
- An entry of one name that was trained otherwise makes rows of its own, likewise. It was trained otherwise where its
  hyperparameters or ranges differ, or where both sweeps have it in a cell and their trials differ there.
- Sweeps whose recipes differ in a column still share it; a note names the fields.
- Anything else of one name is one: trials of both sweeps serve it.

What was kept apart stands among the notes of the results.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from reports.results.joined_trainings import Teachers, recipe_notes, recipes
from reports.results.results import Results
from reports.results.sweep import Row, read_cells, read_rows

DIFFERENCES = 3
"""So many are named in a note."""


def join(name: str, sweeps: Sequence[Results], report: Mapping[str, Any]) -> Results:
    """Return the results of several sweeps as those of one.

    Args:
        name: of the whole.
        report: what a sweep file could have under `report:`.
    """
    parts = [_Part.of(results) for results in sweeps]
    notes: list[str] = []
    if len(parts) > 1:
        notes += [f"Joined from the sweeps {_and([part.sweep for part in parts])}."]
        notes += _part_columns(parts)
        notes += _part_entries(parts)
        notes += recipe_notes({part.sweep: recipes(part.trials, part.params) for part in parts})
    trials = pd.concat([part.trials for part in parts], ignore_index=True)
    trials = trials.drop_duplicates(IDENTITY, ignore_index=True)
    members = pd.concat([part.members for part in parts], ignore_index=True)
    params = {key: run for results in sweeps for key, run in results.params.items()}
    resolved = _resolved(name, parts, report)
    notes += [note for part in parts for note in part.notes if note not in notes]
    first = sweeps[0]  # all were read from one store
    return Results(
        name,
        members,
        _settings_last(trials),
        resolved,
        params,
        curves_of=first.curves_of,
        home=first.home,
        details_of=first.details_of,
        notes=tuple(notes),
    )


IDENTITY = ["cell", "row", "phase", "rank", "seed", "trial_key"]


@dataclasses.dataclass(slots=True)
class _Part:
    """A sweep on its way into the whole; what is named in it may get another name."""

    sweep: str
    trials: pd.DataFrame
    members: pd.DataFrame
    cells: list[dict[str, str]]
    rows: list[dict[str, Any]]
    facts: Mapping[str, Any]
    params: Mapping[str, Mapping[str, str]]
    notes: tuple[str, ...]
    renamed: dict[str, str] = dataclasses.field(default_factory=dict)
    """Data sets by the name that they have in the whole -> their own."""

    @classmethod
    def of(cls, results: Results) -> "_Part":
        trials = results.trials.copy()
        students = trials[trials["phase"] != "teacher"]
        cells = read_cells(results.resolved, students["cell"].dropna())
        known = zip(students["entry"], students["row"], students["method"].fillna(""), strict=True)
        rows = results.resolved.get("rows") or [_row_json(row) for row in read_rows(results.resolved, known)]
        facts = (results.resolved.get("facts") or {}).get("datasets") or {}
        return cls(
            sweep=results.name,
            trials=trials,
            members=results.members.copy(),
            cells=[dataclasses.asdict(cell) for cell in cells],
            rows=[dict(row) for row in rows],
            facts=facts,
            params=results.params,
            notes=results.notes,
        )

    @property
    def entries(self) -> dict[str, list[dict[str, Any]]]:
        """The rows of each entry."""
        found: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows:
            found.setdefault(row["entry"], []).append(row)
        return found

    def mark(self, name: str) -> str:
        """Return a name with the sweep behind it."""
        return f"{name} [{self.sweep}]"

    def rename_column(self, dataset: str, teacher: str | None = None) -> None:
        """Mark a data set, or one of its teachers, in all that names it."""
        for cell in self.cells:
            if cell["dataset"] == dataset and teacher in (None, cell["teacher"]):
                cell["dataset"] = self.mark(dataset) if teacher is None else dataset
                cell["teacher"] = cell["teacher"] if teacher is None else self.mark(teacher)
                cell["id"] = f"{cell['dataset']}: {cell['teacher']} -> {cell['student']}"
        self.trials = _marked_trials(self.trials, dataset, teacher, self.mark)
        if teacher is None:
            self.facts = {self.mark(n) if n == dataset else n: info for n, info in self.facts.items()}

    def rename_entry(self, entry: str) -> None:
        """Mark an entry and its rows."""
        for row in self.rows:
            if row["entry"] == entry:
                row["entry"], row["label"] = self.mark(entry), self.mark(entry) + row["label"].removeprefix(entry)
        for frame in (self.trials, self.members):
            own = (frame["entry"] == entry).fillna(False)
            frame.loc[own, "row"] = [self.mark(entry) + str(row).removeprefix(entry) for row in frame.loc[own, "row"]]
            frame.loc[own, "entry"] = self.mark(entry)


def _marked_trials(trials: pd.DataFrame, dataset: str, teacher: str | None, mark: Any) -> pd.DataFrame:
    trials = trials.copy()
    is_teacher = trials["phase"] == "teacher"
    own = trials["dataset"] == dataset
    if teacher is None:
        trials.loc[own, "dataset"] = mark(dataset)
    else:
        own &= (is_teacher & (trials["student"] == teacher)) | (
            ~is_teacher & (trials["teacher"] == teacher).fillna(False)
        )
        trials.loc[own & is_teacher, "student"] = mark(teacher)
        trials.loc[own & ~is_teacher, "teacher"] = mark(teacher)
    of = trials.loc[own]
    networks = of["student"].where(of["phase"] == "teacher", of["teacher"].fillna("") + " -> " + of["student"])
    trials.loc[own, "cell"] = of["dataset"] + ": " + networks
    return trials


# --- columns ----------------------------------------------------------------------------------------------------------


def _part_columns(parts: Sequence[_Part]) -> Iterator[str]:
    """Mark data sets and teachers of one name that are not the same; yield what was done, in sentences."""
    for dataset in dict.fromkeys(cell["dataset"] for part in parts for cell in part.cells):
        own = [part for part in parts if dataset in part.facts]
        infos = {part.sweep: _info(part.facts[dataset]) for part in own}
        if len(set(infos.values())) > 1:
            for part in own:
                part.rename_column(dataset)
            yield f"The data set {dataset} is not the same in {_and(infos)}, so each has columns of its own."
    for dataset, teacher in dict.fromkeys((cell["dataset"], cell["teacher"]) for part in parts for cell in part.cells):
        every = {part.sweep: Teachers.of(part.trials, part.params, dataset, teacher) for part in parts}
        known = {sweep: found for sweep, found in every.items() if found.all}
        if any(a.differ(b) for a, b in combinations(known.values(), 2)):
            for part in (part for part in parts if part.sweep in known):
                part.rename_column(dataset, teacher)
            yield f"The teacher {teacher} on {dataset} is another one in {_and(known)}, so each has columns of its own."


def _info(info: Any) -> str:
    return repr(sorted(info.items())) if isinstance(info, Mapping) else repr(info)


# --- rows -------------------------------------------------------------------------------------------------------------


def _part_entries(parts: Sequence[_Part]) -> Iterator[str]:
    """Mark entries of one name that were not trained alike; yield what was done, in sentences."""
    holders: dict[str, list[_Part]] = {}
    for part in parts:
        for entry in part.entries:
            holders.setdefault(entry, []).append(part)
    for entry, own in holders.items():
        why = next((found for i, a in enumerate(own) for b in own[i + 1 :] if (found := _differ(entry, a, b))), "")
        if why:
            for part in own:
                part.rename_entry(entry)
            sweeps = _and([part.sweep for part in own])
            yield f"{entry} is not the same in {sweeps} ({why}), so each has rows of its own."


def _differ(entry: str, a: _Part, b: _Part) -> str:
    """Return why an entry of two sweeps is not the same; empty where it is."""
    ours, theirs = (part.entries[entry][0] for part in (a, b))
    if ours["method"] != theirs["method"]:
        return f"{ours['method']} and {theirs['method']}"
    others = {row["label"]: row for row in b.entries[entry]}
    for row in a.entries[entry]:
        other = others.get(row["label"])
        if other is None:  # another value of the grid
            continue
        for name in ("hyperparameters", "dimensions"):
            if row.get(name) != other.get(name):
                return f"other {name}"
    return _trials_differ(entry, a, b)


def _trials_differ(entry: str, a: _Part, b: _Part) -> str:
    """Return how trials of an entry differ in a cell that both sweeps have; empty where they do not."""
    ours, theirs = (part.trials[(part.trials["entry"] == entry).fillna(False)] for part in (a, b))
    in_b = dict(iter(theirs.groupby(["cell", "row"], sort=False)))
    for place, own in ours.groupby(["cell", "row"], sort=False):
        others = in_b.get(place)
        if others is None:
            continue
        if (own["phase"] == "search").any() or (others["phase"] == "search").any():
            if set(own["trial_key"]) != set(others["trial_key"]):
                return "another search"
            continue
        keys = dict(zip(others["seed"], others["trial_key"], strict=True))
        unequal = any(keys.get(seed, key) != key for seed, key in zip(own["seed"], own["trial_key"], strict=True))
        groups = {str(key) for found in (own, others) for key in found["config_key"] if not pd.isna(key)}
        if unequal or len(groups) > 1:
            return _params_differ(own, others, a, b) or "their trials have other keys"
    return ""


def _params_differ(ours: pd.DataFrame, theirs: pd.DataFrame, a: _Part, b: _Part) -> str:
    """Return in which params the runs of two groups differ, in words."""
    left, right = (_params(own, part) for own, part in ((ours, a), (theirs, b)))
    if not left or not right:
        return ""
    names = [name for name in dict.fromkeys([*left, *right]) if left.get(name) != right.get(name) and name != "seed"]
    shown = [f"{name} {left.get(name, 'none')} and {right.get(name, 'none')}" for name in names[:DIFFERENCES]]
    return ", ".join([*shown, *(["…"] if len(names) > DIFFERENCES else [])])


def _params(trials: pd.DataFrame, part: _Part) -> Mapping[str, str]:
    return next((part.params[key] for key in trials["trial_key"] if key in part.params), {})


# --- the whole --------------------------------------------------------------------------------------------------------


def _resolved(name: str, parts: Sequence[_Part], report: Mapping[str, Any]) -> dict[str, Any]:
    cells = {cell["id"]: cell for part in parts for cell in part.cells}
    facts = {dataset: info for part in parts for dataset, info in part.facts.items()}
    return {
        "name": name,
        "sweeps": [part.sweep for part in parts],
        "cells": list(cells.values()),
        "rows": _rows(parts),
        "report": _report(parts, report),
        "facts": {"datasets": facts},
        "not_asked": _not_asked(parts),
    }


def _not_asked(parts: Sequence[_Part]) -> list[list[str]]:
    """Return the cells and rows that no sweep asks for together."""
    asked = {(cell["id"], row["label"]) for part in parts for cell in part.cells for row in part.rows}
    cells = dict.fromkeys(cell["id"] for part in parts for cell in part.cells)
    rows = dict.fromkeys(row["label"] for part in parts for row in part.rows)
    return [[cell, row] for cell in cells for row in rows if (cell, row) not in asked]


def _rows(parts: Sequence[_Part]) -> list[dict[str, Any]]:
    """Return the rows of all sweeps, those of an entry together, those of entries named alike after one another."""
    entries: dict[str, dict[str, dict[str, dict[str, Any]]]] = {}
    for part in parts:
        for row in part.rows:
            alike = entries.setdefault(row["entry"].removesuffix(f" [{part.sweep}]"), {})
            alike.setdefault(row["entry"], {}).setdefault(row["label"], row)
    return [row for alike in entries.values() for rows in alike.values() for row in _by_grid(list(rows.values()))]


def _by_grid(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of an entry by rising values of its one grid, where they are numbers; else as they are."""
    grids = {tuple(row.get("grid") or ()) for row in rows}
    if len(grids) != 1 or len(name := next(iter(grids))) != 1:
        return rows
    values = [row["hyperparameters"][name[0]] for row in rows]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return rows
    return sorted(rows, key=lambda row: float(row["hyperparameters"][name[0]]))


def _report(parts: Sequence[_Part], report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the choices, with shown name, heading and place for what has got a sweep's name behind it."""
    names, groups, order = _choices(report)
    for part in parts:
        for entry in part.entries:
            plain = entry.removesuffix(f" [{part.sweep}]")
            if plain != entry and plain in names:
                names.setdefault(entry, part.mark(names[plain]))
            if plain != entry and plain in groups:
                groups.setdefault(entry, groups[plain])
            if plain != entry and plain in order:
                order.insert(order.index(plain), entry)
    given = {"names": names, "groups": groups, "order": order}
    return {**report, **{key: value for key, value in given.items() if value}}


def _choices(report: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str], list[str]]:
    return dict(report.get("names") or {}), dict(report.get("groups") or {}), list(report.get("order") or ())


def _settings_last(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials with hyperparameters sorted by name at the end, of one type each."""
    from reports.results.loading import column, hyperparameter_dtype
    from reports.stores import METHOD_PREFIX

    settings = sorted(name for name in trials.columns if name.startswith(METHOD_PREFIX))
    plain = trials[[name for name in trials.columns if name not in settings]].copy()
    for name in settings:
        texts = [None if pd.isna(value) else str(value) for value in trials[name]]
        plain[name] = column(hyperparameter_dtype(text for text in texts if text is not None), texts)
    return plain


def _row_json(row: Row) -> dict[str, Any]:
    values = dataclasses.asdict(row)
    return {**values, "grid": list(row.grid), "dimensions": list(row.dimensions)}


def _and(names: Any) -> str:
    listed = list(names)
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}"
