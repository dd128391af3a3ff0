"""From a sweep to its plan."""

from collections.abc import Iterable, Sequence

from search_spaces.files.dimensions import Dimension, value_text
from search_spaces.plan._base import Plan, RowPlan, Speed, TeacherLine
from search_spaces.plan._costs import Costs
from search_spaces.plan._recipes import recipe_lines
from search_spaces.plan._trainings import distinct_searches, trainings
from search_spaces.plan.notes import notes
from search_spaces.sweeps.reading import model_of
from search_spaces.sweeps.sweep import Sweep, TeacherPlan
from trainers.texts.counting import counted


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
        precision=sweep.resolved["autos"]["precision"],
        rows=tuple(_row_plans(sweep)),
        recipes=tuple(recipe_lines(sweep)),
        teachers=tuple(_teacher_lines(sweep, costs)),
        distinct_trainings=len({member.key for member in sweep.fixed}),
        most_trainings=sum(training.count for training in students),
        teacher_trainings=len(found) - len(students),
        searches=tuple(_search_lines(sweep)),
        epochs=sum(training.count * training.trial.recipe.epochs for training in students),
        disk=costs.disk(),
        work=costs.work(),
        notes=notes(sweep),
        assumed=tuple(dict.fromkeys(assumed)),
    )


def _row_plans(sweep: Sweep) -> Iterable[RowPlan]:
    fixed = dict.fromkeys((row.label for row in sweep.rows), 0)
    proposals, confirming = dict(fixed), dict(fixed)
    for member in sweep.fixed:
        fixed[member.row] += 1
    for search in sweep.searches:
        proposals[search.row] += search.trials
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
            f"{epochs} each{pruned}; best {search.confirm} confirmed"
        )
    if shared:
        are = "is" if shared == 1 else "are"
        yield f"{shared} of these {are} the same search as another, and {are} made once"


def _dimension_text(dimension: Dimension) -> str:
    if dimension.choices is not None:
        return f"{dimension.name} {' | '.join(map(value_text, dimension.choices))}"
    low, high = (value_text(end) for end in (dimension.low, dimension.high) if end is not None)
    return f"{dimension.name} {low}…{high}{' (log)' * dimension.log}"
