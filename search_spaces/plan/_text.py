"""The plan for people."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from search_spaces.plan._base import Speed
from trainers.texts.counting import counted

if TYPE_CHECKING:
    from search_spaces.plan._base import Disk, Plan, RecipeLine, RowPlan, TeacherLine, Work

LEAST_HOURS = 0.1


def text(plan: "Plan") -> str:
    """Return the plan as lines: the table, what each part takes, the whole."""
    counts = (counted(len(plan.cells), "cell"), counted(len(plan.rows), "row"), counted(len(plan.seeds), "seed"))
    lines = [
        f"{plan.name}: {', '.join(counts)}, {plan.precision}",
        *(f"  {cell}" for cell in plan.cells),
        "",
        *_table(plan.rows),
        "",
        *(f"search   {line}" for line in plan.searches),
        *(f"recipe   {_recipe(line)}" for line in plan.recipes),
        *(f"teacher  {line.dataset}: {line.model}, {_teacher(line)}" for line in plan.teachers),
        f"students {_students(plan)}",
        f"teachers {_teachers(plan)}",
        f"disk     {_disk(plan.disk)}",
        *_work(plan.work),
        *(f"note     {line}" for line in plan.notes),
        *_assumed(plan.assumed),
    ]
    return "\n".join(lines)


def _table(rows: "tuple[RowPlan, ...]") -> Iterable[str]:
    width = max(len(row.label) for row in rows)
    named = max(len("method"), *(len(row.method) for row in rows))
    yield f"{'row':<{width}}  {'method':<{named}} {'trials':>7} {'search':>7} {'confirm':>8}"
    for row in rows:
        line = f"{row.label:<{width}}  {row.method:<{named}} {row.fixed:>7} {row.proposals:>7} {row.confirming:>8}"
        yield f"{line}  {', '.join(row.searched)}".rstrip()


def _recipe(line: "RecipeLine") -> str:
    return f"{', '.join((line.dataset, *line.networks))}: {line.recipe}"


def _teacher(line: "TeacherLine") -> str:
    source = {"trained": "trained here", "published": "published weights"}.get(line.source, Path(line.source).name)
    stored = f"at most {_many(line.stored_answers)} images for {_size(line.logits_bytes)} of logits"
    live = f"{_many(line.live_answers)} images in training steps"
    answers = [stored] * bool(line.stored_answers) + [live] * bool(line.live_answers)
    kept = "" if line.stored_answers else "; no stored logits"
    return f"{line.variant}, {source}; answers {' and '.join(answers) or 'nothing'}{kept}"


def _students(plan: "Plan") -> str:
    ones = "one is" if plan.distinct_trainings == 1 else "ones are"
    known = f"{plan.distinct_trainings} distinct {ones} known now"
    return f"{counted(plan.most_trainings, 'training')} at most, {counted(plan.epochs, 'epoch')}; {known}"


def _teachers(plan: "Plan") -> str:
    stored, live = (
        sum(getattr(line, name) for line in plan.teachers) for name in ("stored_answers", "live_answers")
    )  # fmt: skip
    answered = f"at most {_many(stored)} images answered to be stored, {_many(live)} in training steps"
    return f"{counted(plan.teacher_trainings, 'training')}; {answered}"


def _disk(disk: "Disk") -> str:
    logits = f"{_size(disk.logits_bytes)} of stored logits" if disk.logits_bytes else "no stored logits"
    running = f"checkpoints of up to {_size(disk.checkpoint_bytes)} for each trial that runs"
    return f"at most {logits}, {_size(disk.weights_bytes)} of weights; {running}"


def _work(work: "Work") -> Iterable[str]:
    together = round(1 / work.share) if work.share < 1 else 1
    least = f"{1000 * work.speed.step_seconds:g} ms"
    shared = f" ({together} trials share a GPU)" if together > 1 else ""
    speed = f"{work.speed.tflops:g} TFLOP/s"
    rests = f"{_power(work.multiply_adds)} multiply-adds at {speed}, steps of at least {least}{shared}"
    yield f"work     {_hours(work.gpu_hours)} GPU hours: {rests}; not measured"
    usual = f"{speed}, as a V100 or a better card may reach with ResNets and less with MobileNets (--tflops N)"
    for line in (
        "two operations a multiply-add; an image costs 3 forward passes in training, 1 in scoring and for an answer",
        "no search stops early; reading pictures, losses and what methods learn besides the student are left out",
        f"assumed: {usual if work.speed.tflops == Speed().tflops else f'{speed}, as given'};",
        f"{least} for the launches of a step, forward and back, which small networks wait for",
        *(["resources.gpus is 0: this sweep asks for no GPU, and takes longer on the CPU"] * work.on_cpu),
    ):
        yield f"         {line}"


def _assumed(assumed: Iterable[str]) -> Iterable[str]:
    lines = [f"  {line}" for line in assumed]
    return ["", "not found here, taken as published:", *lines] if lines else []


def _many(count: int) -> str:
    for word, factor in (("billion", 10**9), ("million", 10**6)):
        if count >= factor:
            return f"{count / factor:.1f} {word}"
    return f"{count:,}"


def _size(count: int) -> str:
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count / 1000:.0f} kB"


def _hours(hours: float) -> str:
    if hours < LEAST_HOURS:
        return f"less than {LEAST_HOURS}"
    return f"about {float(f'{hours:.2g}'):,g}"


def _power(count: int) -> str:
    return f"{count:.1e}".replace("e+", "e").replace("e0", "e")
