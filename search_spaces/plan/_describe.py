"""From a sweep to its plan: rows, teachers, searches, and a line for each recipe that networks are trained by."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from search_spaces import recipes
from search_spaces.files.dimensions import Dimension, value_text
from search_spaces.files.schema import SweepModel
from search_spaces.plan._base import Plan, RecipeLine, RowPlan, Speed, TeacherLine
from search_spaces.plan._costs import Costs
from search_spaces.plan._trainings import distinct_searches, trainings
from search_spaces.plan.notes import notes
from search_spaces.recipes import SCALE
from search_spaces.sweeps.reading import model_of
from search_spaces.sweeps.searches import Search
from search_spaces.sweeps.sweep import Sweep, TeacherPlan
from trainers.texts.counting import counted
from trainers.trials.recipe import Recipe

LISTED = 8
"""So many sizes of a race are told; of more the first ones and the last."""


def describe_plan(sweep: Sweep, *, assumed: Sequence[str] = (), speed: Speed | None = None) -> Plan:
    """Return what a sweep will take.

    Args:
        assumed: what its file was read by without finding it (`SweepFile.assumed`).
        speed: of a GPU; by default that of a V100 or a better card.
    """
    found = trainings(sweep)
    costs = Costs(sweep, found, speed or Speed())
    students = [training for training in found if training.trial.role == "student"]
    return Plan(
        name=sweep.name,
        cells=tuple(cell.id for cell in sweep.cells),
        seeds=sweep.seeds,
        settling=_settling(sweep),
        precision=sweep.resolved["autos"]["precision"],
        rows=tuple(_row_plans(sweep)),
        recipes=tuple(recipe_lines(sweep)),
        teachers=tuple(_teacher_lines(sweep, costs)),
        distinct_trainings=len({member.key for member in sweep.fixed}),
        least_trainings=sum(one.count for one in trainings(sweep, least=True) if one.trial.role == "student"),
        most_trainings=sum(training.count for training in students),
        teacher_trainings=len(found) - len(students),
        searches=tuple(_search_lines(sweep)),
        epochs=sum(training.count * training.trial.recipe.epochs for training in students),
        disk=costs.disk(),
        work=costs.work(),
        notes=notes(sweep),
        assumed=tuple(dict.fromkeys(assumed)),
    )


def _settling(sweep: Sweep) -> str:
    if sweep.settling is None:
        return ""
    *looks, last = map(str, sweep.settling.looks)
    every = f"{', '.join(looks)} and {last}" if looks else last
    return f"{every}, as long as comparisons with {sweep.settling.declared} are open; counted above are the first"


def _row_plans(sweep: Sweep) -> Iterable[RowPlan]:
    fixed = dict.fromkeys((row.label for row in sweep.rows), 0)
    proposals, confirming = dict(fixed), dict(fixed)
    for member in sweep.fixed:
        fixed[member.row] += 1
    for search in sweep.searches:
        proposals[search.row] += search.trials + sum(search.race_sizes)
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


def _teacher_lines(sweep: Sweep, costs: Costs) -> Iterable[TeacherLine]:
    for plan in sweep.teachers:
        yield TeacherLine(
            dataset=plan.dataset,
            model=plan.model,
            id=plan.id,
            source=_source(sweep, plan),
            variant=plan.variant,
            stored_answers=costs.stored_answers(plan),
            live_answers=costs.live_answers(plan),
            logits_bytes=costs.logits_bytes(plan),
        )


def _source(sweep: Sweep, plan: TeacherPlan) -> str:
    if plan.checkpoint is None:
        return "trained"
    return "published" if model_of(sweep.resolved["given"]).teachers[plan.model].pretrained else str(plan.checkpoint)


def _search_lines(sweep: Sweep) -> Iterable[str]:
    shared = len(sweep.searches) - len(distinct_searches(sweep))
    for search in sweep.searches:
        pruned = "" if search.pruner == "none" else f", {search.pruner} pruner"
        proposals, epochs = counted(search.trials, "proposal"), counted(search.recipe.epochs, "epoch")
        yield (
            f"{search.cell}, {search.row}: {proposals} by {search.sampler}, {search.parallel} at once, "
            f"{epochs} each{pruned}{_race(search)}; best {search.confirm} confirmed"
        )
    if shared:
        are = "is" if shared == 1 else "are"
        yield f"{shared} of these {are} the same search as another, and {are} made once"


def _race(search: Search) -> str:
    """Return the race in words: `; race of the best 6, 3, 3 by 3 more seeds (at most 12 trainings)`."""
    sizes = search.race_sizes
    more, total = counted(len(sizes), "more seed"), counted(sum(sizes), "training")
    listed = [*map(str, sizes)] if len(sizes) <= LISTED else [*map(str, sizes[: LISTED - 2]), "…", str(sizes[-1])]
    return f"; race of the best {', '.join(listed)} by {more} (at most {total})" if sizes else ""


def _dimension_text(dimension: Dimension) -> str:
    if dimension.choices is not None:
        return f"{dimension.name} {' | '.join(map(value_text, dimension.choices))}"
    low, high = (value_text(end) for end in (dimension.low, dimension.high) if end is not None)
    return f"{dimension.name} {low}…{high}{' (log)' * dimension.log}"


def recipe_lines(sweep: Sweep) -> Iterator[RecipeLine]:
    """Yield the recipes of each data set, the one of most networks first and without their names."""
    model = model_of(sweep.resolved["given"])
    for dataset in (plan.name for plan in sweep.datasets):
        by_words: dict[str, list[str]] = {}
        for network, recipe in _used(sweep, dataset).items():
            by_words.setdefault(_words(recipe, _base_rate(model, sweep, dataset, network)), []).append(network)
        ordered = sorted(by_words.items(), key=lambda item: -len(item[1]))
        for number, (words, networks) in enumerate(ordered):
            yield RecipeLine(dataset=dataset, networks=tuple(networks) if number else (), recipe=words)


TEACHER = "teacher "
"""Before the name of one."""


def _used(sweep: Sweep, dataset: str) -> Mapping[str, Recipe]:
    """Return the recipe of each student and of each teacher that is trained."""
    students = {cell.id: cell.student for cell in sweep.cells if cell.dataset == dataset}
    found = {students[one.cell]: one.trial.recipe for one in sweep.fixed if one.cell in students}
    found |= {students[one.cell]: one.blueprint.recipe for one in sweep.searches if one.cell in students}
    of_teachers = {TEACHER + plan.model: plan.trial for plan in sweep.teachers if plan.dataset == dataset}
    return found | {name: trial.recipe for name, trial in of_teachers.items() if trial is not None}


def _base_rate(model: SweepModel, sweep: Sweep, dataset: str, network: str) -> float | None:
    """Return the learning rate that was scaled to another batch; None where none was."""
    plain = network.removeprefix(TEACHER)
    of_teacher = model.teacher(plain).recipe if network != plain else None
    (info,) = (plan.info for plan in sweep.datasets if plan.name == dataset)
    base, changes = recipes.chain(info.recipe, model.recipe, of_teacher)
    return recipes.get(base, plain).learning_rate if any(getattr(one, SCALE) for one in changes) else None


def _words(recipe: Recipe, base_rate: float | None) -> str:
    steps = f" of {counted(recipe.epoch_steps, 'step')}" if recipe.epoch_steps else ""
    batches = f" x {recipe.accumulate}" if recipe.accumulate > 1 else ""
    scaled = "" if base_rate in (None, recipe.learning_rate) else f" ({base_rate:g} scaled with the batch)"
    parts = [
        f"{counted(recipe.epochs, 'epoch')}{steps}",
        f"batch {recipe.batch_size}{batches}",
        f"{recipe.optimizer} at {recipe.learning_rate:g}{scaled}",
        _schedule(recipe),
    ]
    parts += [f"warm-up {counted(recipe.lr_warmup_epochs, 'epoch')}"] if recipe.lr_warmup_epochs else []
    parts += [f"gradients clipped to {recipe.clip_norm:g}"] if recipe.clip_norm else []
    parts += ["from published weights"] if recipe.start == "published" else []
    return ", ".join(parts)


def _schedule(recipe: Recipe) -> str:
    if recipe.schedule == "step":
        after = ", ".join(map(str, recipe.milestones))
        return f"x {recipe.gamma:g} after epochs {after}" if after else "constant"
    power = f" {recipe.power:g}" if recipe.schedule == "poly" else ""
    down_to = "" if recipe.schedule == "constant" else f" to {recipe.min_learning_rate:g}"
    return f"{recipe.schedule}{power}{down_to}"
