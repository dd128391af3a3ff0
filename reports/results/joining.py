"""Several sweeps as one: the same cells, rows and trials once.

- A row with the same hyperparameters in several sweeps is one row, over the trials of all of them.
- What has one name and is not alike is refused, with what differs: a data set, a teacher, or an entry that was trained
  otherwise (its hyperparameters or ranges differ, or both sweeps have it in a cell and their trials differ there). A
  report file gives it another name in one of the sweeps: `rename: {SWEEP: {NAME: OTHER}}`.
- Sweeps whose recipes differ in a column still share it; a note names the fields.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd

from reports.errors import ReportError
from reports.results import loading
from reports.results.results import Results
from reports.results.states import is_reported
from reports.results.sweep import dataset_facts
from reports.stores import METHOD_PREFIX, RECIPE_PREFIX, TEACHER_ID, of_prefix
from trainers.texts.counting import counted

DIFFERENCES = 3
"""So many are named in a message."""
MOST_CELLS = 3
"""So many are named in a note."""
DEFAULT = "the default"
"""Of a field that a run does not record: fields that came later are recorded where they are not at their default."""
IDENTITY = ["cell", "row", "phase", "rank", "seed", "trial_key"]
Names = Mapping[str, str]
"""Name of an entry, a teacher or a data set in a sweep -> the name that it has in the whole."""


class NotAlikeError(ReportError):
    """Sweeps have one name for things that are not alike; holds a sentence for each."""

    def __init__(self, clashes: Sequence[str]) -> None:
        self.clashes = tuple(clashes)
        told = "".join(f"\n  {clash}" for clash in clashes)
        super().__init__(f"sweeps that cannot be joined as they are: {counted(len(clashes), 'name')}{told}")


def load(name: str | Sequence[str], *, home: Path | str | None = None, tracking_uri: str | None = None) -> Results:
    """Return what the tracking store holds of the sweep as last accepted, also while it runs.

    Args:
        name: the sweep's name, which is its MLflow experiment's; of several sweeps the results are joined into one,
            whose report has the choices of the first.
        home: where kdsweep keeps its files; `KDSWEEP_HOME`, else ./kdsweep_home.
        tracking_uri: of MLflow; `MLFLOW_TRACKING_URI`, else the database in `home`.

    Raises:
        UnknownSweepError: no such sweep.
        StoreUnavailableError: no such store, or it does not answer.
    """
    names = [name] if isinstance(name, str) else dict.fromkeys(name)
    sweeps = [loading.load(one, home=home, tracking_uri=tracking_uri) for one in names]
    if isinstance(name, str):
        return sweeps[0]
    return join("+".join(one.name for one in sweeps), sweeps, sweeps[0].resolved.get("report") or {})


def join(
    name: str, sweeps: Sequence[Results], report: Mapping[str, Any], renames: Mapping[str, Names] | None = None
) -> Results:
    """Return the results of several sweeps as those of one.

    Args:
        name: of the whole.
        report: what a sweep file could have under `report:`.
        renames: by sweep, what has another name in the whole.

    Raises:
        NotAlikeError: they have one name for things that are not alike.
    """
    parts = [_renamed(results, (renames or {}).get(results.name, {})) for results in sweeps]
    clashes = [*_columns_clash(parts), *_entries_clash(parts)]
    if clashes:
        raise NotAlikeError(clashes)
    names = [results.name for results in sweeps]
    told = [f"Joined from the sweeps {_and(names)}.", *_recipe_notes(parts)] if len(parts) > 1 else []
    cells = {cell["id"]: cell for part in parts for cell in _listed(part, "cells")}
    asked = {(c["id"], row["label"]) for part in parts for c in _listed(part, "cells") for row in _listed(part, "rows")}
    labels = dict.fromkeys(row["label"] for part in parts for row in _listed(part, "rows"))
    resolved = {
        "name": name,
        "sweeps": names,
        "cells": list(cells.values()),
        "rows": _rows(parts),
        "report": dict(report),
        "facts": {"datasets": {name: info for part in parts for name, info in dataset_facts(part.resolved).items()}},
        "not_asked": [[cell, label] for cell in cells for label in labels if (cell, label) not in asked],
    }
    settling = [given for part in parts if (given := part.resolved.get("settling"))]
    if settling:  # several sweeps together are no column of any of them
        resolved["settling"] = settling[0] if len(parts) == 1 else {"declared": "", "looks": []}
    trials = pd.concat([part.trials for part in parts], ignore_index=True)
    return replace(  # all were read from one store
        sweeps[0],
        name=name,
        members=pd.concat([part.members for part in parts], ignore_index=True),
        trials=_settings_last(trials.drop_duplicates(IDENTITY, ignore_index=True)),
        resolved=resolved,
        runs={key: run for part in parts for key, run in part.runs.items()},
        predictions={key: one for part in parts for key, one in part.predictions.items()},
        notes=tuple(dict.fromkeys([*told, *(note for part in parts for note in part.notes)])),
    )


def _listed(part: Results, what: str) -> list[dict[str, Any]]:
    """Return the cells or the rows of a sweep."""
    return part.resolved.get(what) or []


def _rows_of(part: Results, entry: str) -> dict[str, dict[str, Any]]:
    """Return the rows of an entry by label."""
    return {row["label"]: row for row in _listed(part, "rows") if row["entry"] == entry}


def _renamed(results: Results, names: Names) -> Results:
    """Return a sweep with other names in all that names them, all at once: two may swap theirs."""
    cells, rows = [dict(cell) for cell in _listed(results, "cells")], [dict(row) for row in _listed(results, "rows")]
    for cell in cells:
        if cell["dataset"] in names or cell["teacher"] in names:
            cell |= {kind: names.get(cell[kind], cell[kind]) for kind in ("dataset", "teacher")}
            cell["id"] = f"{cell['dataset']}: {cell['teacher']} -> {cell['student']}"
    for row in rows:
        if (own := row["entry"]) in names:
            row |= {"entry": names[own], "label": names[own] + row["label"].removeprefix(own)}
    facts = {"datasets": {names.get(name, name): info for name, info in dataset_facts(results.resolved).items()}}
    trials, members = _renamed_columns(results.trials, names), results.members.copy()
    for frame in (trials, members):
        there = frame["entry"].isin(list(names))
        pairs = [*zip(frame.loc[there, "entry"], frame.loc[there, "row"], strict=True)]
        frame.loc[there, "row"] = [names[entry] + label.removeprefix(entry) for entry, label in pairs]
        frame.loc[there, "entry"] = [names[entry] for entry, _ in pairs]
    resolved = {**results.resolved, "cells": cells, "rows": rows, "facts": facts}
    if settling := results.resolved.get("settling"):
        labels = [row["label"] for row in _listed(results, "rows")]
        resolved["settling"] = {**settling, "declared": rows[labels.index(settling["declared"])]["label"]}
    return replace(results, trials=trials, members=members, resolved=resolved)


def _renamed_columns(trials: pd.DataFrame, names: Names) -> pd.DataFrame:
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


def _columns_clash(parts: Sequence[Results]) -> Iterator[str]:
    """Yield which data sets and teachers of one name are not the same."""
    for dataset in dict.fromkeys(cell["dataset"] for part in parts for cell in _listed(part, "cells")):
        infos = {part.name: facts[dataset] for part in parts if dataset in (facts := dataset_facts(part.resolved))}
        if any(ours != theirs for ours, theirs in combinations(infos.values(), 2)):
            yield _refused(f"the data set {dataset} is not the same in {_and(infos)}", infos, dataset)
    for dataset, teacher in dict.fromkeys(
        (cell["dataset"], cell["teacher"]) for part in parts for cell in _listed(part, "cells")
    ):
        every = {part.name: _teachers(part, dataset, teacher) for part in parts}
        known = {sweep: found for sweep, found in every.items() if any(found)}
        if any(_other_teachers(*two) for two in combinations(known.values(), 2)):
            yield _refused(f"the teacher {teacher} on {dataset} is another one in {_and(known)}", known, teacher)


def _refused(told: str, sweeps: Collection[str], name: str) -> str:
    """Return what is not alike, with the way out."""
    return (
        f"{told}; in a report file, give it another name in one of them: rename: {{{list(sweeps)[-1]}: {{{name}: …}}}}"
    )


def _teachers(part: Results, dataset: str, teacher: str) -> tuple[set[str], set[str]]:
    """Return the ids of the teachers that students in means learned from, and the keys of those that the sweep trains;
    an id is the key of a training, or the digest of given weights. A student alone has none."""
    trials = part.trials[part.trials["dataset"] == dataset]
    students = trials[is_reported(trials) & (trials["teacher"] == teacher).fillna(False)]
    ids = {run.tags.get(TEACHER_ID, "") for key in students["trial_key"] if (run := part.runs.get(key))}
    trained = trials.loc[(trials["phase"] == "teacher") & (trials["student"] == teacher), "trial_key"]
    return ids - {""}, set(trained)


def _other_teachers(ours: tuple[set[str], set[str]], theirs: tuple[set[str], set[str]]) -> bool:
    """Return whether teachers of two sweeps are known not to be the same."""
    unlike = any(a and b and a != b for a, b in zip(ours, theirs, strict=True))
    return unlike or (ours[0] | ours[1]).isdisjoint(theirs[0] | theirs[1])


def _recipe_notes(parts: Sequence[Results]) -> Iterator[str]:
    """Yield where recipes of the trials in means differ in one column, in sentences."""
    sweeps = {part.name: _recipes(part) for part in parts}
    cells_of: dict[str, list[str]] = {}
    for cell in dict.fromkeys(cell for cells in sweeps.values() for cell in cells):
        by_sweep = {sweep: cells[cell] for sweep, cells in sweeps.items() if cells.get(cell)}
        told = []
        for name in dict.fromkeys(name for own in by_sweep.values() for recipe in own for name in recipe):
            values = {sweep: sorted({recipe.get(name, DEFAULT) for recipe in own}) for sweep, own in by_sweep.items()}
            if len({tuple(found) for found in values.values()}) > 1:
                every = (f"{' or '.join(found)} in {sweep}" for sweep, found in values.items())
                told.append(f"{name} {', '.join(every)}")
        if told:
            cells_of.setdefault("; ".join(told), []).append(cell)
    for text, cells in cells_of.items():
        more = f" and {len(cells) - MOST_CELLS} more" if len(cells) > MOST_CELLS else ""
        where = "; ".join(cells[:MOST_CELLS]) + more
        yield f"Recipes are not the same in {where}, so rows differ in more than their method: {text}."


def _recipes(part: Results) -> dict[str, list[dict[str, str]]]:
    """Return the recipes of the trials in means by cell, each once."""
    found: dict[str, list[dict[str, str]]] = {}
    for cell, own in part.trials[is_reported(part.trials)].groupby("cell", sort=False):
        every = {id(params): of_prefix(params, RECIPE_PREFIX) for params in map(part.params, own["trial_key"])}.values()
        found[str(cell)] = [recipe for n, recipe in enumerate(every) if recipe and recipe not in list(every)[:n]]
    return found


# --- rows -------------------------------------------------------------------------------------------------------------


def _entries_clash(parts: Sequence[Results]) -> Iterator[str]:
    """Yield which entries of one name were not trained alike."""
    for entry in dict.fromkeys(row["entry"] for part in parts for row in _listed(part, "rows")):
        own = [part for part in parts if _rows_of(part, entry)]
        why = next((found for two in combinations(own, 2) if (found := _differ(entry, *two))), "")
        if why:
            sweeps = [part.name for part in own]
            yield _refused(f"{entry} is not the same in {_and(sweeps)} ({why})", sweeps, entry)


def _differ(entry: str, a: Results, b: Results) -> str:
    """Return why an entry of two sweeps is not the same; empty where it is."""
    ours, theirs = _rows_of(a, entry), _rows_of(b, entry)
    methods = [next(iter(rows.values()))["method"] for rows in (ours, theirs)]
    if methods[0] != methods[1]:
        return " and ".join(methods)
    for label in (label for label in ours if label in theirs):
        for name in ("hyperparameters", "dimensions"):
            if ours[label].get(name) != theirs[label].get(name):
                return f"other {name}"
    return _trials_differ(entry, a, b)


def _trials_differ(entry: str, a: Results, b: Results) -> str:
    """Return how trials of an entry differ in a cell that both sweeps have; empty where they do not."""
    ours, theirs = (part.trials[(part.trials["entry"] == entry).fillna(False)] for part in (a, b))
    in_b = dict(iter(theirs.groupby(["cell", "row"], sort=False)))
    for place, own in ours.groupby(["cell", "row"], sort=False):
        if place not in in_b:
            continue
        others = in_b[place]
        if "search" in {*own["phase"], *others["phase"]}:
            if set(own["trial_key"]) != set(others["trial_key"]):
                return "another search"
            continue
        keys = dict(zip(others["seed"], others["trial_key"], strict=True))
        unequal = any(keys.get(seed, key) != key for seed, key in zip(own["seed"], own["trial_key"], strict=True))
        if unequal or len({*own["config_key"].dropna(), *others["config_key"].dropna()}) > 1:
            return _params_differ(own, others, a, b) or "their trials have other keys"
    return ""


def _params_differ(ours: pd.DataFrame, theirs: pd.DataFrame, a: Results, b: Results) -> str:
    """Return in which params the runs of two groups differ, in words."""
    left, right = (
        next((part.params(key) for key in own["trial_key"] if key in part.runs), {})
        for own, part in ((ours, a), (theirs, b))
    )
    if not left or not right:
        return ""
    names = [name for name in dict.fromkeys([*left, *right]) if left.get(name) != right.get(name) and name != "seed"]
    shown = [f"{name} {left.get(name, 'none')} and {right.get(name, 'none')}" for name in names[:DIFFERENCES]]
    return ", ".join([*shown, *(["…"] if len(names) > DIFFERENCES else [])])


# --- the whole --------------------------------------------------------------------------------------------------------


def _rows(parts: Sequence[Results]) -> list[dict[str, Any]]:
    """Return the rows of all sweeps, those of an entry together, by rising values of its grid where that is one."""
    entries: dict[str, dict[str, dict[str, Any]]] = {}
    for part in parts:
        for row in _listed(part, "rows"):
            entries.setdefault(row["entry"], {}).setdefault(row["label"], row)
    return [row for rows in entries.values() for row in _by_grid(list(rows.values()))]


def _by_grid(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    grids = {tuple(row.get("grid") or ()) for row in rows}
    if len(grids) != 1 or len(name := next(iter(grids))) != 1:
        return rows
    values = [row["hyperparameters"][name[0]] for row in rows]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return rows
    return sorted(rows, key=lambda row: float(row["hyperparameters"][name[0]]))


def _settings_last(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials with hyperparameters sorted by name at the end, of one type each."""
    settings = sorted(name for name in trials.columns if name.startswith(METHOD_PREFIX))
    plain = trials[[name for name in trials.columns if name not in settings]].copy()
    for name in settings:
        plain[name] = loading.setting_column([None if pd.isna(value) else str(value) for value in trials[name]])
    return plain


def _and(names: Collection[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
