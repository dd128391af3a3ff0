"""What a paper's section on experiments says of a sweep: data, training, teachers, settings, search, statistics.

Made of what the results record and of nothing else: what is not recorded is not said.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.board.board import Board
from reports.formats import latex_escape, markdown
from reports.results import naming
from reports.results.measures import TOP1
from reports.results.naming import Names, names_of, setting
from reports.results.states import is_reported
from reports.results.sweep import dataset_facts, value_text
from reports.statistics.families import FEWEST_SEEDS
from reports.stores import COMMIT, METHOD_PREFIX, RECIPE_PREFIX, TEACHER_ID, TEACHER_VARIANT, of_prefix
from reports.tables import settled
from trainers.texts.counting import counted
from trainers.trials.recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd

    from reports.results.results import Results

Params = Mapping[str, str]

ALWAYS = frozenset({"optimizer", "momentum", "weight_decay", "precision", "schedule", "milestones", "gamma", "power"})
"""Fields of a recipe that are said whatever their value is; of the others nothing is where they are at their default,
which changes nothing."""
USUAL = {name: str(field.default) for name, field in Recipe.model_fields.items() if name not in ALWAYS}
OF_SCHEDULE = {
    "step": ("milestones", "gamma"),
    "cosine": ("min_learning_rate",),
    "poly": ("power", "min_learning_rate"),
}
"""Fields that a schedule reads; those of others are not said."""
SOFTWARE = {"torch": "PyTorch", "cuda": "CUDA", "python": "Python", "device": "on", "threads": "threads a trial:"}
COLLAPSED = (
    "A training counts as collapsed if it ended without an error but its network guesses, answers one class for nearly "
    "all images, or its loss has blown up; such trainings are in the means and marked."
)


def documents(results: "Results", board: Board) -> dict[str, str]:
    """Return methods.md and methods.tex by their endings; the latter is for \\input into a section."""
    told, plain, escape = paragraphs(results, board), markdown.escape, latex_escape.escape
    found = [f"# {plain(board.name)}: experiments", *(f"**{plain(title)}.** {plain(text)}" for title, text in told)]
    tex = [f"\\paragraph{{{escape(title)}}} {escape(text)}\n" for title, text in told]
    head = "% For \\input in a paper's section on experiments; needs no package.\n"
    return {"md": "\n\n".join(found) + "\n", "tex": head + "\n".join(tex)}


def paragraphs(results: "Results", board: Board) -> list[tuple[str, str]]:
    """Return what there is to say, by headings."""
    trials = results.trials
    students, teachers = trials[is_reported(trials)], trials[trials["phase"] == "teacher"]
    found = (
        ("Data", _data(results, board)),
        ("Training", _training(results, students)),
        ("Teachers", _teachers(results, teachers, students)),
        ("Hyperparameters", _settings(results, students, board)),
        ("Search", _search(results, board)),
        ("Statistics", _statistics(students, board)),
        ("Software", _software(results)),
    )
    told = ((title, " ".join(sentences)) for title, sentences in found)
    return [(title, text) for title, text in told if text]


def _data(results: "Results", board: Board) -> Iterator[str]:
    infos = dataset_facts(results.resolved)
    searched = any(line.searched for line in board.lines)
    for name, shown in {cell.dataset: cell.shown_dataset for cell in board.cells}.items():
        info = infos.get(name) or {}
        if "fit" in info:
            size = f"{info['size']} × {info.get('across') or info['size']} pixels"
            train = info["fit"] + info["validation"]
            yield (
                f"{shown}: {train:,} training and {info['test']:,} test images of {size} in "
                f"{counted(info['classes'], 'class', 'classes')}."
            )
        if searched and info.get("validation"):
            yield f"For searches {info['validation']:,} of the training images were held out for validation."
        if info.get("view_set"):
            yield f"Training images were seen as {info['view_set']}."


# --- training ---------------------------------------------------------------------------------------------------------


def _params(results: "Results", trials: "pd.DataFrame", prefix: str) -> list[tuple[Any, Params]]:
    """Return trials that have a run with their params of a prefix, one of those that say the same."""
    known: dict[tuple[Any, ...], Any] = {}
    names = ("trial_key", "dataset", "student", "row", "phase")
    line: Any
    for line in trials[[*names]].itertuples(index=False):
        if line.trial_key in results.runs:
            own = line.trial_key if line.phase == "teacher" else ""
            known.setdefault((line.dataset, line.student, line.row, own, id(results.params(line.trial_key))), line)
    return [(line, of_prefix(results.params(line.trial_key), prefix)) for line in known.values()]


def _training(results: "Results", students: "pd.DataFrame") -> Iterator[str]:
    yield from _recipes("Students", _params(results, students, RECIPE_PREFIX), names_of(results.resolved))
    seeds = sorted({int(seed) for seed in students["seed"].dropna()})
    if len(seeds) > 1:
        yield (
            f"Every reported number is a mean over {counted(len(seeds), 'training')} with the seeds "
            f"{', '.join(map(str, seeds))}, scored on the test images after the last epoch. A seed decides initial "
            "weights, order of images and views; trainings of one seed share them across methods."
        )


def _recipes(who: str, found: Sequence[tuple[Any, Params]], names: Names) -> Iterator[str]:
    """Yield how networks of each data set were trained: what all have in common, then what differs, by student."""
    for dataset in dict.fromkeys(line.dataset for line, _ in found):
        own = [(line, recipe) for line, recipe in found if line.dataset == dataset]
        every = dict.fromkeys(name for _, recipe in own for name in recipe)
        values = {name: _by_student(own, name, names) for name in every if _matters(name, own)}
        common = [f"{_words(name)} {next(iter(by))}" for name, by in values.items() if len(by) == 1]
        if common:
            yield f"{who} on {naming.dataset(dataset, names)} were trained with {', '.join(common)}."
        for name, by in values.items():
            told = [f"{text} for {', '.join(students)}" for text, students in by.items()]
            if len(by) > 1:
                yield f"{_words(name).capitalize()}: {'; '.join(told)}."


def _by_student(own: Sequence[tuple[Any, Params]], name: str, names: Names) -> dict[str, list[str]]:
    """Return the students by the value of a field that they were trained with."""
    found: dict[str, dict[str, None]] = {}
    for line, recipe in own:
        found.setdefault(_value(recipe.get(name, "not recorded")), {})[naming.network(line.student, names)] = None
    return {text: list(students) for text, students in found.items()}


def _matters(name: str, own: Sequence[tuple[Any, Params]]) -> bool:
    schedules = {recipe.get("schedule", "") for _, recipe in own}
    reads = {field for schedule in schedules for field in OF_SCHEDULE.get(schedule, ())}
    if any(name in fields for fields in OF_SCHEDULE.values()) and name not in reads:
        return False
    return any(_value(recipe.get(name, "")) not in ("", _value(USUAL.get(name, ""))) for _, recipe in own)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _teachers(results: "Results", teachers: "pd.DataFrame", students: "pd.DataFrame") -> Iterator[str]:
    of_students = [results.runs[key].tags for key in students["trial_key"] if key in results.runs]
    ids = {tags[TEACHER_ID] for tags in of_students if tags.get(TEACHER_ID)}
    known = _params(results, teachers, RECIPE_PREFIX)
    trained = [one for one in known if not ids or one[0].trial_key in ids]
    names = names_of(results.resolved)
    told = " ".join(_recipes("Teachers", trained, names))
    of_others = " ".join(_recipes("Students", _params(results, students, RECIPE_PREFIX), names))
    likewise = told.replace("Teachers", "Students") == of_others
    if trained:
        yield "Teachers were trained like students." if likewise else told
        yield "Each was trained once and is the same for all students; its spread is not in the deviations."
    unknown = [line.student for line, _ in known if ids and line.trial_key not in ids]
    given = dict.fromkeys(naming.network(student, names) for student in unknown)
    if given:
        yield f"Teachers that came with weights of their own: {', '.join(given)}."
    if any(tags.get(TEACHER_VARIANT) == "strong" for tags in of_students):
        yield "Training images of teachers were strongly augmented."


# --- rows -------------------------------------------------------------------------------------------------------------


def _settings(results: "Results", students: "pd.DataFrame", board: Board) -> Iterator[str]:
    """Yield the hyperparameters of every fixed row, all of them; the table of searches has the others."""
    found: dict[str, dict[str, set[str]]] = {}
    for line, params in _params(results, students[students["phase"] == "fixed"], METHOD_PREFIX):
        for name, text in params.items():
            found.setdefault(line.row, {}).setdefault(name, set()).add(text)
    for line in board.lines:
        values = found.get(line.row.label)
        if values:
            told = (setting(name, _value(next(iter(v))) if len(v) == 1 else "by pair") for name, v in values.items())
            yield f"{line.shown}: {', '.join(told)}."


def _value(text: str) -> str:
    try:
        return value_text(float(text))
    except ValueError:
        return text


def _search(results: "Results", board: Board) -> Iterator[str]:
    from pydantic import ValidationError

    from search_spaces.files.races import race_sizes
    from search_spaces.files.schema import SearchModel

    if not board.choices:
        return
    given = (results.resolved.get("given") or {}).get("search")
    rows = dict.fromkeys((choice.shown, ", ".join(choice.tuned)) for choice in board.choices)
    yield f"Searched: {'; '.join(f'{shown} over {tuned}' for shown, tuned in rows)}."
    with contextlib.suppress(ValidationError):  # of another version
        given = None if given is None else SearchModel.model_validate(given)
    if isinstance(given, SearchModel):
        samplers = {"tpe": "TPE", "gp": "a Gaussian process", "random": "random search"}
        length = f" of {counted(given.epochs, 'epoch')}" if given.epochs else ""
        pruned = "" if given.pruner == "none" else f", stopped early by the pruner {given.pruner}"
        yield (
            f"For each pair {samplers.get(given.sampler, given.sampler)} (Optuna, seed {given.seed}) made "
            f"{counted(given.trials, 'proposal')}, each a training{length}{pruned}."
        )
        if sizes := race_sizes(given.trials, given.race):
            yield (
                f"The best {', '.join(map(str, sizes))} were trained with {counted(len(sizes), 'further seed')}, each "
                "time the best means so far; of those with most seeds the best mean was chosen."
            )
    by = " or ".join(dict.fromkeys((m if m.validation else TOP1).short for m in board.measures))
    yield (
        f"Settings were chosen by {by} on validation images held out of the training set, then trained anew on the "
        "whole training set with every seed; no test image took part in the choice."
    )


# --- statistics and software ------------------------------------------------------------------------------------------


def _statistics(students: "pd.DataFrame", board: Board) -> Iterator[str]:
    yield "Spreads are sample standard deviations over seeds (n − 1)."
    if board.settling is not None:
        yield from settled.explained(board)
    if any(family is not None for family in board.families):
        level = f"{board.options.level:g}"
        yield f"In each column the rows are one family with level {level}:"
        if board.options.separate:
            yield "Games and Howell's procedure, which takes the variances of the two rows alone, compares them."
        else:
            reference = f", Dunnett's two-sided comparison with {board.reference}" if board.reference else ""
            yield (
                "Tukey's range (Tukey–Kramer where rows have unequally many seeds) compares with the best "
                f"row{reference}. The variance is the residual of rows and seeds where all rows share all seeds, else "
                "that within rows."
            )
        yield f"Rows of fewer than {FEWEST_SEEDS} seeds or with a collapsed training are not judged."
    if len(board.cells) > 1:
        yield (
            "Mean ranks are over pairs, of means as they are printed, among rows with a number for each pair; rows of "
            "one configuration count once. Wilcoxon's signed-rank test is of the gains of pairs, exact for few."
        )
    if any(isinstance(why, str) and why for why in students["collapsed"].tolist()):
        yield COLLAPSED


def _software(results: "Results") -> Iterator[str]:
    tags = [run.tags for run in results.runs.values()]
    found = {tag: sorted({of[tag] for of in tags if of.get(tag)}) for tag in (*SOFTWARE, COMMIT)}
    told = [f"{words} {', '.join(found[tag])}" for tag, words in SOFTWARE.items() if found[tag]]
    if told:
        yield f"Trained with kdsweep, {', '.join(told)}."
    if found[COMMIT]:
        yield f"Commit of the code: {', '.join(commit[:12] for commit in found[COMMIT])}."
