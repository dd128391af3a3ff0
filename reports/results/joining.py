"""Several sweeps as one: the same cells, rows and trials once.

- A row with the same hyperparameters in several sweeps is one row, over the trials of all of them.
- What has one name and is not alike is refused, with what differs: a data set, a teacher, or an entry that was trained
  otherwise (its hyperparameters or ranges differ, or both sweeps have it in a cell and their trials differ there). A
  report file gives it another name in one of the sweeps: `rename: {SWEEP: {NAME: OTHER}}`.
- Sweeps whose recipes differ in a column still share it; a note names the fields.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from reports.errors import ReportError
from reports.results.joined_trainings import Teachers, recipe_notes, recipes
from reports.results.results import Results
from reports.results.sweep import Row, read_cells, read_rows
from trainers.texts.counting import counted

DIFFERENCES = 3
"""So many are named in a message."""
Renames = Mapping[str, Mapping[str, str]]
"""By sweep: its name of an entry, a teacher or a data set -> the name that it has in the whole."""


class NotAlikeError(ReportError):
    """Sweeps have one name for things that are not alike; holds a sentence for each."""

    def __init__(self, clashes: Sequence[str]) -> None:
        self.clashes = tuple(clashes)
        told = "".join(f"\n  {clash}" for clash in clashes)
        super().__init__(f"sweeps that cannot be joined as they are: {counted(len(clashes), 'name')}{told}")


def join(name: str, sweeps: Sequence[Results], report: Mapping[str, Any], renames: Renames | None = None) -> Results:
    """Return the results of several sweeps as those of one.

    Args:
        name: of the whole.
        report: what a sweep file could have under `report:`.
        renames: what has another name in the whole.

    Raises:
        NotAlikeError: they have one name for things that are not alike.
    """
    parts = [_Part.of(results) for results in sweeps]
    for part in parts:
        part.rename((renames or {}).get(part.sweep, {}))
    clashes = [*_columns_clash(parts), *_entries_clash(parts)]
    if clashes:
        raise NotAlikeError(clashes)
    notes: list[str] = []
    if len(parts) > 1:
        notes += [f"Joined from the sweeps {_and([part.sweep for part in parts])}."]
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
        mlflow=first.mlflow,
        notes=tuple(notes),
    )


IDENTITY = ["cell", "row", "phase", "rank", "seed", "trial_key"]


@dataclasses.dataclass(slots=True)
class _Part:
    """A sweep on its way into the whole."""

    sweep: str
    trials: pd.DataFrame
    members: pd.DataFrame
    cells: list[dict[str, str]]
    rows: list[dict[str, Any]]
    facts: Mapping[str, Any]
    params: Mapping[str, Mapping[str, str]]
    notes: tuple[str, ...]

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

    def rename(self, names: Mapping[str, str]) -> None:
        """Give entries, teachers and data sets other names in all that names them, all at once: two may swap theirs."""
        for cell in self.cells:
            if cell["dataset"] in names or cell["teacher"] in names:
                cell |= {kind: names.get(cell[kind], cell[kind]) for kind in ("dataset", "teacher")}
                cell["id"] = f"{cell['dataset']}: {cell['teacher']} -> {cell['student']}"
        for row in self.rows:
            own = row["entry"]
            if own in names:
                row["entry"], row["label"] = names[own], names[own] + row["label"].removeprefix(own)
        self.facts = {names.get(dataset, dataset): info for dataset, info in self.facts.items()}
        self.trials = _renamed_columns(self.trials, names)
        for frame in (self.trials, self.members):
            there = frame["entry"].isin(list(names))
            pairs = [*zip(frame.loc[there, "entry"], frame.loc[there, "row"], strict=True)]
            frame.loc[there, "row"] = [names[entry] + label.removeprefix(entry) for entry, label in pairs]
            frame.loc[there, "entry"] = [names[entry] for entry, _ in pairs]


def _renamed_columns(trials: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Return the trials with other names of data sets and teachers, and with cells that have them."""
    trials = trials.copy()
    is_teacher = trials["phase"] == "teacher"
    places = {name: trials[name].isin(list(names)) for name in ("dataset", "teacher")}
    places["student"] = is_teacher & trials["student"].isin(list(names))
    for column, there in places.items():
        trials.loc[there, column] = trials.loc[there, column].map(dict(names))
    changed = places["dataset"] | places["teacher"] | places["student"]
    of = trials.loc[changed]
    networks = of["student"].where(of["phase"] == "teacher", of["teacher"].fillna("") + " -> " + of["student"])
    trials.loc[changed, "cell"] = of["dataset"] + ": " + networks
    return trials


# --- columns ----------------------------------------------------------------------------------------------------------


def _columns_clash(parts: Sequence[_Part]) -> Iterator[str]:
    """Yield which data sets and teachers of one name are not the same."""
    for dataset in dict.fromkeys(cell["dataset"] for part in parts for cell in part.cells):
        infos = {part.sweep: _info(part.facts[dataset]) for part in parts if dataset in part.facts}
        if len(set(infos.values())) > 1:
            yield _refused(f"the data set {dataset} is not the same in {_and(infos)}", infos, dataset)
    for dataset, teacher in dict.fromkeys((cell["dataset"], cell["teacher"]) for part in parts for cell in part.cells):
        every = {part.sweep: Teachers.of(part.trials, part.params, dataset, teacher) for part in parts}
        known = {sweep: found for sweep, found in every.items() if found.all}
        if any(a.differ(b) for a, b in combinations(known.values(), 2)):
            yield _refused(f"the teacher {teacher} on {dataset} is another one in {_and(known)}", known, teacher)


def _refused(told: str, sweeps: Mapping[str, Any], name: str) -> str:
    """Return what is not alike, with the way out."""
    return (
        f"{told}; in a report file, give it another name in one of them: rename: {{{list(sweeps)[-1]}: {{{name}: …}}}}"
    )


def _info(info: Any) -> str:
    return repr(sorted(info.items())) if isinstance(info, Mapping) else repr(info)


# --- rows -------------------------------------------------------------------------------------------------------------


def _entries_clash(parts: Sequence[_Part]) -> Iterator[str]:
    """Yield which entries of one name were not trained alike."""
    holders: dict[str, list[_Part]] = {}
    for part in parts:
        for entry in part.entries:
            holders.setdefault(entry, []).append(part)
    for entry, own in holders.items():
        why = next((found for i, a in enumerate(own) for b in own[i + 1 :] if (found := _differ(entry, a, b))), "")
        if why:
            sweeps = {part.sweep: part for part in own}
            yield _refused(f"{entry} is not the same in {_and(sweeps)} ({why})", sweeps, entry)


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
        "report": dict(report),
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
    """Return the rows of all sweeps, those of an entry together."""
    entries: dict[str, dict[str, dict[str, Any]]] = {}
    for part in parts:
        for row in part.rows:
            entries.setdefault(row["entry"], {}).setdefault(row["label"], row)
    return [row for rows in entries.values() for row in _by_grid(list(rows.values()))]


def _by_grid(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of an entry by rising values of its one grid, where they are numbers; else as they are."""
    grids = {tuple(row.get("grid") or ()) for row in rows}
    if len(grids) != 1 or len(name := next(iter(grids))) != 1:
        return rows
    values = [row["hyperparameters"][name[0]] for row in rows]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return rows
    return sorted(rows, key=lambda row: float(row["hyperparameters"][name[0]]))


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
