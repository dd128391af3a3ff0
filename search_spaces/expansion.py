"""From a sweep file to everything there is to do.

A function of the file, its facts (data digests, networks, weights files) and `autos`: it draws nothing and, when
`autos` are given, asks nothing.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search_spaces import facts, recipes
from search_spaces.autos import Capability, decide
from search_spaces.blueprint import Blueprint
from search_spaces.draft import root_of
from search_spaces.entries import Entry, Row, read_entries
from search_spaces.errors import SweepFileError
from search_spaces.facts import facts_from_json
from search_spaces.members import Member, over_seeds
from search_spaces.reading import SweepFile, model_of
from search_spaces.schema import SearchModel
from search_spaces.searches import Search, study_id
from search_spaces.sweep import Cell, DataSetPlan, Resources, Sweep, TeacherPlan
from search_spaces.yaml_lines import Tree
from trainers.recipe import Recipe, compress
from trainers.trial import Teacher, Trial, trial_key

FORMAT = 1
"""Of a resolved sweep."""


def expand(
    file: SweepFile,
    autos: Mapping[str, Any] | None = None,
    *,
    capability: Callable[[], Capability | None] = facts.cuda_capability,
) -> Sweep:
    """Return everything that the file asks for.

    Args:
        autos: what `auto` was decided to be when the sweep was accepted (`resolved["autos"]`); decided now by default.
        capability: of the CUDA device, asked only where `auto` depends on it.

    Raises:
        SweepFileError: a method refuses its settings (they have changed since the file was read).
        ValueError: `autos` has a value that is none of those possible.
    """
    return _Expansion(file, decide(file.model, file.facts, autos or {}, capability)).sweep()


def restore(resolved: Mapping[str, Any], source: str = "", folder: Path = Path()) -> Sweep:
    """Return the sweep whose `resolved` this is, without its file, data or weights.

    Args:
        source: the text of the sweep file, if it is at hand.
        folder: of the sweep file; paths in it are seen from here.

    Raises:
        ValueError: it was written by another format of resolved sweeps.
    """
    if resolved.get("format") != FORMAT:
        raise ValueError(f"a resolved sweep must have format {FORMAT}, got {resolved.get('format')!r}")
    file = SweepFile(
        path=folder / resolved["file"],
        source=source,
        overrides=tuple(resolved["overrides"]),
        given=resolved["given"],
        model=model_of(resolved["given"]),
        facts=facts_from_json(resolved["facts"]),
    )
    return expand(file, resolved["autos"])


@dataclass(frozen=True, slots=True)
class _Expansion:
    file: SweepFile
    autos: dict[str, Any]

    def sweep(self) -> Sweep:
        model = self.file.model
        entries = self._entries()
        cells = tuple(self._cells())
        teachers = self._teachers() if any(entry.method.teacher for entry in entries) else {}
        rows = [(entry, row) for entry in entries for row in entry.rows()]
        fixed: list[Member] = []
        searches: list[Search] = []
        for cell in cells:
            for entry, row in rows:
                blueprint = self._blueprint(cell, entry, row, teachers)
                if row.dimensions:
                    searches.append(self._search(cell, row, blueprint))
                else:
                    place = {"cell": cell.id, "entry": row.entry, "row": row.label}
                    fixed += over_seeds(blueprint.trial({}, split="full"), model.seeds, **place, phase="fixed")
        return Sweep(
            name=model.name,
            source=self.file.source,
            datasets=tuple(self._datasets()),
            cells=cells,
            rows=tuple(row for _, row in rows),
            teachers=tuple(teachers.values()),
            fixed=tuple(fixed),
            searches=tuple(searches),
            seeds=model.seeds,
            resources=self._resources(),
            bank=model.bank,
            report=model.report.model_dump(exclude_unset=True),
            resolved=self._resolved(),
        )

    def _entries(self) -> list[Entry]:
        tree = Tree(self.file.given, {(): 1})
        entries = read_entries(tree, self.file.model.methods, [d.classes for d in self.file.facts.datasets.values()])
        if tree.problems:
            raise SweepFileError(self.file.path, tree.problems)
        return entries

    def _cells(self) -> Iterator[Cell]:
        for dataset in self.file.facts.datasets:
            for pair in self.file.model.pairs:
                yield Cell(dataset=dataset, teacher=pair.teacher, student=pair.student)

    def _datasets(self) -> Iterator[DataSetPlan]:
        for name, source in self.file.model.sources.items():
            root = root_of(source, self.file.path.parent)
            yield DataSetPlan(name=name, root=root, download=source.download, info=self.file.facts.datasets[name])

    def _resources(self) -> Resources:
        given = self.file.model.resources
        return Resources(cpus=given.cpus, gpus=given.gpus, teacher_cpus=given.teacher_cpus or given.cpus)

    def _recipe(self, dataset: str) -> Recipe:
        """Return how students train on a data set."""
        given = self.file.model.recipe
        base = recipes.get(getattr(given, "base", None) or self.file.facts.datasets[dataset].recipe)
        return recipes.changed(base, given, self.autos["precision"])

    def _teacher_recipe(self, dataset: str, name: str) -> Recipe:
        teacher = self.file.model.teachers.get(name)
        given = None if teacher is None else teacher.recipe
        base = getattr(given, "base", None)
        whole = self._recipe(dataset)
        return recipes.changed(whole if base is None else recipes.get(base), given, self.autos["precision"])

    def _teachers(self) -> dict[tuple[str, str], TeacherPlan]:
        """Return a plan for each data set and teacher."""
        keys = dict.fromkeys((cell.dataset, cell.teacher) for cell in self._cells())
        return {key: self._teacher_plan(*key) for key in keys}

    def _teacher_plan(self, dataset: str, name: str) -> TeacherPlan:
        timm_name = self.file.facts.models[dataset][name]
        digest = self.file.facts.checkpoints.get(name)
        if digest is not None:
            file = self.file.path.parent / str(self.file.model.teachers[name].checkpoint)
            return TeacherPlan(
                dataset=dataset, model=name, timm_name=timm_name, id=digest, trial=None, checkpoint=file
            )
        trial = self._teacher_trial(dataset, name, timm_name)
        return TeacherPlan(
            dataset=dataset, model=name, timm_name=timm_name, id=trial_key(trial), trial=trial, checkpoint=None
        )

    def _teacher_trial(self, dataset: str, name: str, timm_name: str) -> Trial:
        from trainers import methods

        alone = Blueprint(
            info=self.file.facts.datasets[dataset],
            student=timm_name,
            teacher=None,
            method=methods.get("ce"),
            settings={},
            recipe=self._teacher_recipe(dataset, name),
        )
        return dataclasses.replace(alone.trial({}, split="full"), role="teacher")

    def _blueprint(
        self, cell: Cell, entry: Entry, row: Row, teachers: Mapping[tuple[str, str], TeacherPlan]
    ) -> Blueprint:
        teacher = None
        if entry.method.teacher:
            plan = teachers[cell.dataset, cell.teacher]
            teacher = Teacher(
                id=plan.id,
                model=plan.timm_name,
                precision=self.autos["precision"],
                logit_type=self.autos["logit_type"][cell.dataset],
            )
        return Blueprint(
            info=self.file.facts.datasets[cell.dataset],
            student=self.file.facts.models[cell.dataset][cell.student],
            teacher=teacher,
            method=entry.method,
            settings=row.hyperparameters,
            recipe=self._recipe(cell.dataset),
        )

    def _search(self, cell: Cell, row: Row, blueprint: Blueprint) -> Search:
        given: SearchModel | None = self.file.model.search
        assert given is not None  # a rule of the file: needed where a row has dimensions
        recipe = blueprint.recipe if given.epochs is None else compress(blueprint.recipe, given.epochs)
        decides = given.model_dump(include={"sampler", "pruner", "parallel", "seed"}) | {"epochs": recipe.epochs}
        return Search(
            study_id=study_id(decides, row.dimensions, blueprint),
            cell=cell.id,
            entry=row.entry,
            row=row.label,
            dimensions=row.dimensions,
            trials=given.trials,
            parallel=given.parallel,
            sampler=given.sampler,
            pruner=given.pruner,
            confirm=given.confirm,
            seed=given.seed,
            recipe=recipes.as_trained(recipe),
            reported_seeds=self.file.model.seeds,
            blueprint=blueprint,
        )

    def _resolved(self) -> dict[str, Any]:
        datasets: Sequence[str] = list(self.file.facts.datasets)
        return {
            "format": FORMAT,
            "file": self.file.path.name,
            "name": self.file.model.name,
            "overrides": list(self.file.overrides),
            "given": dict(self.file.given),
            "autos": self.autos,
            "facts": self.file.facts.to_json(),
            "recipes": {name: _plain(self._recipe(name)) for name in datasets},
        }


def _plain(recipe: Recipe) -> dict[str, Any]:
    return {**dataclasses.asdict(recipe), "milestones": list(recipe.milestones)}
