"""From a sweep file to everything there is to do.

A function of the file, its facts (data digests, networks, weights files) and `autos`: it draws nothing and, when
`autos` are given, asks nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from search_spaces.checks import facts
from search_spaces.files import overrides
from search_spaces.files.draft import root_of
from search_spaces.files.entries import Entry, Row
from search_spaces.files.errors import SweepFileError
from search_spaces.files.report_keys import LEVEL
from search_spaces.files.seeds import UntilSettled
from search_spaces.files.yaml_lines import Path as KeyPath
from search_spaces.files.yaml_lines import read_tree
from search_spaces.recipes import Definitions, as_accepted, definitions
from search_spaces.sweeps.autos import Capability, Decisions, decide
from search_spaces.sweeps.blueprint import Blueprint
from search_spaces.sweeps.members import Member, Place, over_seeds
from search_spaces.sweeps.reading import SweepFile, accepted_file
from search_spaces.sweeps.searches import Search, new_search
from search_spaces.sweeps.sweep import Cell, DataSetPlan, Initial, Resources, Settling, Sweep
from search_spaces.sweeps.teachers import as_teacher, plan_teachers
from trainers import own
from trainers.trials.trial import Teacher

FORMAT = 1
"""Of a resolved sweep."""

Teachers = Mapping[tuple[str, str], Teacher]
"""By data set and name."""


def expand(
    file: SweepFile,
    autos: Mapping[str, Any] | None = None,
    *,
    accepted: Definitions | None = None,
    capability: Callable[[], Capability | None] = facts.cuda_capability,
    cpu_bfloat16: Callable[[], bool] = facts.cpu_bfloat16,
) -> Sweep:
    """Return everything that the file asks for.

    Args:
        autos: what `auto` was decided to be when the sweep was accepted (`resolved["autos"]`); decided now by default.
        accepted: what was said of named recipes then; what recipes.yaml says now by default.
        capability: of the CUDA device, asked only where `auto` depends on it.
        cpu_bfloat16: whether the CPU multiplies in bfloat16, likewise.

    Raises:
        SweepFileError: it asks for CUDA graphs, and its trials train on a CPU.
        ValueError: `autos` has a value that is none of those possible.
    """
    own.provide(file.facts.own)
    decided = decide(file.model, file.facts, autos or {}, capability, cpu_bfloat16)
    decisions = Decisions(file, decided, accepted or {})
    _check_graphs(file, decisions.gpus)
    entries = file.entries
    cells = tuple(_cells(file))
    plans = tuple(plan_teachers(decisions)) if any(entry.method.teacher for entry in entries) else ()
    teachers = {(plan.dataset, plan.model): as_teacher(plan, decisions) for plan in plans}
    fixed, searches = _trials(decisions, _blueprints(decisions, entries, cells, teachers))
    rows = tuple(row for entry in entries for row in entry.rows())
    return Sweep(
        name=file.name,
        source=file.source,
        datasets=tuple(_datasets(file)),
        cells=cells,
        rows=rows,
        teachers=plans,
        fixed=tuple(fixed),
        searches=tuple(searches),
        seeds=file.model.reported_seeds,
        settling=_settling(file, rows),
        initials=tuple(_initials(file)),
        resources=_resources(decisions),
        bank=file.model.bank,
        predictions=file.model.predictions,
        report=file.model.report.model_dump(exclude_unset=True),
        own=file.facts.own,
        resolved=_resolved(decisions, cells, rows, _settling(file, rows)),
    )


def _check_graphs(file: SweepFile, gpus: float) -> None:
    """Refuse a CUDA graph where trials train on a CPU; what decides it may be the device that `auto` has found."""
    recipes: dict[KeyPath, Any] = {("recipe",): file.model.recipe}
    recipes |= {("teachers", name, "recipe"): teacher.recipe for name, teacher in file.model.teachers.items()}
    wrong = [place for place, recipe in recipes.items() if getattr(recipe, "compile", None) == "graph"]
    if wrong and gpus == 0:
        tree = read_tree(file.source)
        overrides.apply(tree, file.overrides)
        for place in wrong:
            tree.add((*place, "compile"), "graph is for trials on a GPU, and these train on a CPU; say on or off")
        raise SweepFileError(file.path, tree.problems)


def restore(resolved: Mapping[str, Any], source: str = "", folder: Path = Path()) -> Sweep:
    """Return the sweep whose `resolved` this is, without its file, data or weights.

    Args:
        source: the text of the sweep file, if it is at hand.
        folder: of the sweep file; paths in it are seen from here.

    Raises:
        SweepFileError: a method refuses its settings (its rules are no longer those that the file was read by).
        ValueError: it was written by another format of resolved sweeps.
    """
    if resolved.get("format") != FORMAT:
        raise ValueError(f"a resolved sweep must have format {FORMAT}, got {resolved.get('format')!r}")
    return expand(accepted_file(resolved, source, folder), resolved["autos"], accepted=as_accepted(resolved))


def _cells(file: SweepFile) -> Iterator[Cell]:
    for dataset in file.facts.datasets:
        for pair in file.model.pairs:
            yield Cell(dataset=dataset, teacher=pair.teacher, student=pair.student)


def _blueprints(
    decisions: Decisions, entries: Sequence[Entry], cells: tuple[Cell, ...], teachers: Teachers
) -> Iterator[tuple[Cell, Row, Blueprint]]:
    known = decisions.file.facts
    for cell in cells:
        recipe = decisions.recipe(cell.dataset, cell.student)
        for entry in entries:
            teacher = teachers[cell.dataset, cell.teacher] if entry.method.teacher else None
            shared: dict[Any, Any] = {}
            for row in entry.rows():
                yield (
                    cell,
                    row,
                    Blueprint(
                        info=known.datasets[cell.dataset],
                        student=known.models[cell.dataset][cell.student],
                        student_args=known.arguments_of(cell.dataset, cell.student),
                        teacher=teacher,
                        method=entry.method,
                        settings=row.hyperparameters,
                        recipe=recipe,
                        initial=known.initial_of(cell.dataset, cell.student, recipe),
                        norm_parts=decisions.norm_parts,
                        shared=shared,
                    ),
                )


def _trials(
    decisions: Decisions, blueprints: Iterable[tuple[Cell, Row, Blueprint]]
) -> tuple[list[Member], list[Search]]:
    """Return the trials of rows without dimensions, and the searches of the others."""
    model = decisions.file.model
    fixed: list[Member] = []
    searches: list[Search] = []
    for cell, row, blueprint in blueprints:
        if row.dimensions:
            assert model.search is not None  # a rule of the file
            searches.append(new_search(cell.id, row, blueprint, model.search, model.reported_seeds))
        else:
            place = Place(cell.id, row.entry, row.label)
            trial = blueprint.trial({}, split="full")
            fixed += over_seeds(trial, model.reported_seeds, place, phase="fixed", keys=blueprint.keys(trial))
    return fixed, searches


def _datasets(file: SweepFile) -> Iterator[DataSetPlan]:
    for name, source in file.model.sources.items():
        own_root = file.facts.roots.get(name)
        root = root_of(source, file.path.parent) if own_root is None else Path(own_root)
        yield DataSetPlan(name=name, root=root, download=source.download, info=file.facts.datasets[name])


def _initials(file: SweepFile) -> Iterator[Initial]:
    for dataset, digests in file.facts.initials.items():
        size = file.facts.datasets[dataset].size
        for network, digest in digests.items():
            yield Initial(digest=digest, timm_name=file.facts.models[dataset][network], size=size)


def _resources(decisions: Decisions) -> Resources:
    given = decisions.file.model.resources
    return Resources(
        cpus=given.cpus,
        gpus=decisions.gpus,
        ranks=decisions.ranks,
        share_gpus=given.gpus is None and decisions.gpus > 0 and decisions.ranks == 1,
        teacher_cpus=given.teacher_cpus or given.cpus,
        loaders=given.loaders,
        together=given.together or (decisions.together if decisions.ranks == 1 else 1),
        deterministic=given.deterministic,
        stall_seconds=given.stall_seconds,
    )


def _settling(file: SweepFile, rows: Sequence[Row]) -> Settling | None:
    seeds, report = file.model.seeds, file.model.report
    if not isinstance(seeds, UntilSettled):
        return None
    wanted = seeds.settle or report.proposal
    named = [row.label for row in rows if wanted == row.label] + [row.label for row in rows if wanted == row.entry]
    return Settling(declared=named[0], looks=seeds.looks, level=report.level or LEVEL)


def _resolved(
    decisions: Decisions, cells: tuple[Cell, ...], rows: tuple[Row, ...], settling: Settling | None
) -> dict[str, Any]:
    file = decisions.file
    return {
        "format": FORMAT,
        "file": file.path.name,
        "name": file.name,
        "overrides": list(file.overrides),
        "given": dict(file.given),
        "autos": dict(decisions.autos),
        "facts": file.facts.to_json(),
        "recipes": decisions.recipes_json(),
        "named_recipes": definitions(dict.fromkeys(name for name, _ in decisions.named_uses()), decisions.accepted),
        "cells": [cell.to_json() for cell in cells],
        "rows": [row.to_json() for row in rows],
        "seeds": list(file.model.reported_seeds),
        **({} if settling is None else {"settling": settling.to_json()}),
        "report": file.model.report.model_dump(mode="json", exclude_unset=True),
    }
