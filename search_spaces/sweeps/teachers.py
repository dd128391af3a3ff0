"""Teachers: one plan for each data set and network, shared by all cells."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from search_spaces.checks.networks import SMALL_PIXELS
from search_spaces.sweeps.autos import Decisions
from search_spaces.sweeps.blueprint import Blueprint
from search_spaces.sweeps.sweep import TeacherPlan
from trainers import methods
from trainers.data import DataOptions, with_options
from trainers.files.paths import expanded
from trainers.training.teaching.scoring import scoring
from trainers.trials.trial import Teacher, Trial, trial_key

STRONG = {True: ("autoaugment", "cutout"), False: ("randaugment",)}
"""What a strongly augmented teacher's training images get besides: small images, and pictures. The first is that of
the GDKD authors' code, whose students learn from such teachers by default."""


def plan_teachers(decisions: Decisions) -> Iterator[TeacherPlan]:
    """Yield a plan for each data set and teacher of a pair, in the order of the file."""
    names = dict.fromkeys(pair.teacher for pair in decisions.file.model.pairs)
    for dataset in decisions.file.facts.datasets:
        for name in names:
            yield _plan(decisions, dataset, name)


def as_teacher(plan: TeacherPlan, decisions: Decisions) -> Teacher:
    """Return the planned teacher as trials know it."""
    seen = decisions.file.facts.lens_of(plan.dataset, plan.model)
    return Teacher(
        id=plan.id,
        model=plan.timm_name,
        model_args=dict(plan.model_args),
        precision=decisions.precision,
        logit_type=decisions.autos["logit_type"][plan.dataset],
        size=seen.get("size", 0),
        mean=tuple(seen.get("mean", ())),
        std=tuple(seen.get("std", ())),
        variant=plan.variant,
    )


def _plan(decisions: Decisions, dataset: str, name: str) -> TeacherPlan:
    timm_name = decisions.file.facts.models[dataset][name]
    size = decisions.file.facts.lens_of(dataset, name).get("size", 0)
    digest = decisions.file.facts.weights_of(dataset, name)
    trial = _trial(decisions, dataset, name, timm_name) if digest is None else None
    given = decisions.file.model.teacher(name)
    plan = TeacherPlan(
        dataset=dataset,
        model=name,
        timm_name=timm_name,
        model_args=decisions.file.facts.arguments_of(dataset, name, size),
        id=trial_key(trial) if trial is not None else str(digest),
        trial=trial,
        checkpoint=None if trial is not None else _weights_file(decisions, dataset, name, timm_name),
        variant=given.variant,
        reading=decisions.file.facts.readings.get(dataset, {}).get(name, ""),
        accept=given.accept,
    )
    if trial is not None:
        return plan
    info = decisions.file.facts.datasets[dataset]
    return dataclasses.replace(plan, scoring=scoring(info, as_teacher(plan, decisions)))


def _weights_file(decisions: Decisions, dataset: str, name: str, timm_name: str) -> Path:
    from trainers.models.pretrained import pretrained_path, tagged

    given = decisions.file.model.teacher(name)
    if given.pretrained:
        size = decisions.file.facts.lens_of(dataset, name).get("size", 0)
        return pretrained_path(tagged(timm_name, given.pretrained), size or decisions.file.facts.datasets[dataset].size)
    return decisions.file.path.parent / expanded(str(given.checkpoint))


def _trial(decisions: Decisions, dataset: str, name: str, timm_name: str) -> Trial:
    info = decisions.file.facts.datasets[dataset]
    if decisions.file.model.teacher(name).variant == "strong":
        info = with_options(info, DataOptions(augment=STRONG[info.size <= SMALL_PIXELS]))
    recipe = decisions.teacher_recipe(dataset, name)
    alone = Blueprint(
        info=info,
        initial=decisions.file.facts.initial_of(dataset, name, recipe),
        student=timm_name,
        student_args=decisions.file.facts.arguments_of(dataset, name),
        teacher=None,
        method=methods.get("ce"),
        settings={},
        recipe=recipe,
        norm_parts=decisions.norm_parts,
    )
    return dataclasses.replace(alone.trial({}, split="full"), role="teacher")
