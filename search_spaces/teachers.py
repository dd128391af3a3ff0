"""Teachers: one plan for each data set and network, shared by all cells."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from search_spaces.blueprint import Blueprint
from search_spaces.decisions import Decisions
from search_spaces.sweep import TeacherPlan
from trainers.trial import Teacher, Trial, trial_key


def plan_teachers(decisions: Decisions) -> Iterator[TeacherPlan]:
    """Yield a plan for each data set and teacher of a pair, in the order of the file."""
    names = dict.fromkeys(pair.teacher for pair in decisions.file.model.pairs)
    for dataset in decisions.file.facts.datasets:
        for name in names:
            yield _plan(decisions, dataset, name)


def as_teacher(plan: TeacherPlan, decisions: Decisions) -> Teacher:
    """Return the planned teacher as trials know it."""
    return Teacher(
        id=plan.id,
        model=plan.timm_name,
        model_args=dict(plan.model_args),
        precision=decisions.precision,
        logit_type=decisions.autos["logit_type"][plan.dataset],
    )


def _plan(decisions: Decisions, dataset: str, name: str) -> TeacherPlan:
    timm_name = decisions.file.facts.models[dataset][name]
    arguments = decisions.file.facts.arguments_of(dataset, name)
    digest = decisions.file.facts.checkpoints.get(name)
    if digest is None:
        trial = _trial(decisions, dataset, name, timm_name)
        return TeacherPlan(
            dataset=dataset,
            model=name,
            timm_name=timm_name,
            model_args=arguments,
            id=trial_key(trial),
            trial=trial,
            checkpoint=None,
        )
    file = _weights_file(decisions, dataset, name, timm_name)
    return TeacherPlan(
        dataset=dataset,
        model=name,
        timm_name=timm_name,
        model_args=arguments,
        id=digest,
        trial=None,
        checkpoint=file,
    )


def _weights_file(decisions: Decisions, dataset: str, name: str, timm_name: str) -> Path:
    from trainers.models.pretrained import pretrained_path

    given = decisions.file.model.teachers[name]
    if given.pretrained:
        return pretrained_path(timm_name, decisions.file.facts.datasets[dataset].size)
    return decisions.file.path.parent / str(given.checkpoint)


def _trial(decisions: Decisions, dataset: str, name: str, timm_name: str) -> Trial:
    from trainers import methods

    alone = Blueprint(
        info=decisions.file.facts.datasets[dataset],
        student=timm_name,
        student_args=decisions.file.facts.arguments_of(dataset, name),
        teacher=None,
        method=methods.get("ce"),
        settings={},
        recipe=decisions.teacher_recipe(dataset, name),
    )
    return dataclasses.replace(alone.trial({}, split="full"), role="teacher")
