"""What of a sweep is not as a reader of its file may think: told in plans and when a run begins, refused never."""

from collections.abc import Iterator

from search_spaces.dimensions import value_text
from search_spaces.split_notes import split_notes
from search_spaces.sweep import Sweep
from trainers.trial import Value


def notes(sweep: Sweep) -> tuple[str, ...]:
    """Return them in words, each once."""
    return tuple(dict.fromkeys((*_read(sweep), *_fitted(sweep), *split_notes(sweep))))


def _read(sweep: Sweep) -> Iterator[str]:
    """Yield where the weights of teachers were found in their files, where that is not plain."""
    for plan in sweep.teachers:
        if plan.reading:
            yield f"teachers.{plan.model}.checkpoint: weights {plan.reading}"


def _fitted(sweep: Sweep) -> Iterator[str]:
    """Yield every default that is another on a data set of few classes."""
    from trainers import methods  # imports torch

    classes = {plan.name: plan.info.classes for plan in sweep.datasets}
    rows = {row.label: row for row in sweep.rows}
    known = {
        (name, row.method): methods.get(row.method).fitted(classes[name]) for name in classes for row in sweep.rows
    }
    seen: set[tuple[str, str]] = set()
    for member in sweep.fixed if any(known.values()) else ():
        trial, row = member.trial, rows[member.row]
        if (trial.dataset, row.label) in seen:
            continue
        seen.add((trial.dataset, row.label))
        found = known[trial.dataset, trial.method].items()
        taken = {n: v for n, v in found if trial.hyperparameters[n] == v and n not in row.hyperparameters}
        defaults = methods.get(trial.method).defaults()
        yield from _lines(trial.dataset, classes[trial.dataset], trial.method, taken, defaults)
    for search in sweep.searches:
        info, method = search.blueprint.info, search.blueprint.method
        taken = search.blueprint.fitted(search.dimensions)
        yield from _lines(info.name, info.classes, method.name, taken, method.defaults())


def _lines(
    dataset: str, classes: int, method: str, taken: dict[str, Value], defaults: dict[str, Value]
) -> Iterator[str]:
    for name, value in taken.items():
        instead = f"{name} = {value_text(value)}, the default is {value_text(defaults[name])}"
        yield f"{dataset} has {classes} classes: {method} takes {instead}"
