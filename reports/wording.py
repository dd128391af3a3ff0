"""How numbers, settings and notes read in every kind of table."""

from collections.abc import Iterator, Mapping

from reports.choices import Choice
from reports.columns import explained
from reports.head_to_head import Table
from reports.measures import TOP1, TOP5
from reports.resolved import Cell, Value
from reports.scores import Score
from reports.spread import Stat
from trainers.counting import counted

STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "DIVERGED": "diverged", "FAIL": "failed"}


def percent(value: float, digits: int) -> str:
    """Return the number with `digits` decimals, never as -0.0."""
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def mean_text(stat: Stat, digits: int) -> str:
    """Return `66.1 ± 0.5 (3)`; no ± for one seed."""
    spread = "" if stat.std is None else f" ± {percent(stat.std, digits)}"
    return f"{percent(stat.mean, digits)}{spread} ({stat.count})"


def score_text(score: Score, digits: int) -> str:
    """Return the mean with how many of its trainings have collapsed: `39.9 ± 28.1 (3), 2 collapsed`."""
    assert score.stat is not None
    return mean_text(score.stat, digits) + collapsed_text(score)


def collapsed_text(score: Score) -> str:
    """Return how many of a mean's trainings have collapsed; empty for none."""
    return f", {score.collapsed} collapsed" if score.collapsed else ""


def difference_text(stat: Stat, digits: int) -> str:
    """Return a difference with its sign, such as `+1.2 ± 0.4 (3)`."""
    text = mean_text(stat, digits)
    return text if text.startswith("-") or float(percent(stat.mean, digits)) == 0 else f"+{text}"


def value_text(value: Value, significant: int | None = None) -> str:
    """Return a hyperparameter as a sweep file has it: `5` for 5.0, `true` for True; rounded where asked."""
    if isinstance(value, list | tuple):
        return f"[{','.join(value_text(item, significant) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.{significant}g}" if isinstance(value, float) and significant else str(value)


def setting_text(setting: Mapping[str, Value], significant: int | None = None) -> str:
    """Return hyperparameters such as `k=5; w2=8`."""
    return "; ".join(f"{name}={value_text(value, significant)}" for name, value in setting.items())


def pair_text(cell: Cell, table: Table, arrow: str = "->") -> str:
    """Return what a cell's column is called: the pair, with the data set before it where there are several."""
    pair = f"{cell.teacher} {arrow} {cell.student}" if cell.teacher else cell.student
    return f"{cell.dataset}: {pair}" if table.several_datasets else pair


def column_text(cell: Cell, table: Table, arrow: str = "->") -> str:
    """Return what stands over a cell's column: the pair, and what is measured unless all columns have accuracies."""
    label = measure_label(cell, table)
    return pair_text(cell, table, arrow) + (f", {label}" if label else "")


def measure_label(cell: Cell, table: Table) -> str:
    """Return what is measured in a cell's column; empty where all columns have accuracies."""
    return "" if table.measures in ((TOP1,), (TOP5,)) else table.measure(cell).label


def measure_text(table: Table) -> str:
    """Return what the table's numbers are, in a sentence."""
    return " or ".join(measure.short for measure in table.measures)


def spent_text(choice: Choice) -> str:
    """Return how many trials a search has spent, such as `12: 10 complete, 2 pruned`."""
    parts = [f"{count} {STATES[state]}" for state, count in choice.ended.items()]
    parts += [f"{choice.open} not ended"] if choice.open else []
    total = sum(choice.ended.values())
    return str(total) if parts == [f"{total} complete"] else f"{total}: {', '.join(parts)}" if parts else "0"


def epochs_text(choice: Choice) -> str:
    """Return the epochs that a search has trained: `40`, or `≤ 40` where some trials did not run to the end."""
    return f"{'' if choice.spent.whole else '≤ '}{choice.spent.epochs}"


def time_text(choice: Choice) -> str:
    """Return how long the trials of a search have trained: `35 s`, `12.5 min`, `3.2 h`; `≥` where some do not say."""
    seconds = choice.spent.seconds
    if seconds is None:
        return "–"
    unit, size = next(
        (unit, size) for unit, size in (("h", 3600), ("min", 60), ("s", 1)) if seconds >= size or size == 1
    )
    return f"{'' if choice.spent.timed else '≥ '}{percent(seconds / size, 0 if unit == 's' else 1)} {unit}"


def gap_text(choice: Choice, digits: int) -> str:
    """Return validation less test with its sign."""
    if choice.gap is None:
        return "–"
    text = percent(choice.gap, digits)
    return f"+{text}" if float(text) > 0 else text


def search_sentence(table: Table) -> str:
    """Return what the table of searches shows."""
    measured = measure_text(table)
    return (
        "The searches: what was tuned; the trials, epochs and training time spent on it; the setting chosen by "
        f"validation {measured}, and its test {measured} when trained anew on the whole training set with every seed. "
        "Gap: validation less test, in points, of other trainings on other images: a check, not a result."
    )


def search_texts(table: Table, arrow: str = "→") -> tuple[list[str], list[list[str]]]:
    """Return heads and lines of what the searches did, but for their scores; pair and rank only where they differ."""
    heads = ["method", "pair", "tuned", "trials", "epochs", "time", "rank", "setting"]
    same = {"pair": len(table.cells) == 1, "rank": all(choice.rank == 1 for choice in table.choices)}
    lines = []
    for c in table.choices:
        setting = "not chosen yet" if c.setting is None else setting_text(c.setting, 4)
        cost = [spent_text(c), epochs_text(c), time_text(c)]
        texts = [c.shown, pair_text(c.cell, table, arrow), ", ".join(c.tuned), *cost, str(c.rank), setting]
        lines.append([text for head, text in zip(heads, texts, strict=True) if not same.get(head)])
    return [head for head in heads if not same.get(head)], lines


MARK = "†"
"""Behind a number that does not differ from the best of its column."""


def caption(
    table: Table, best: str = "in bold", second: str = "underlined", usual_n: int | None = None
) -> Iterator[str]:
    """Yield the sentences that a reader needs to trust the table: what the numbers are and how they came about.

    Args:
        best, second: how the best and the second of a column are marked.
        usual_n: number of seeds of a mean behind which no number stands.
    """
    if table.options.caption:
        yield table.options.caption + ("" if table.options.caption.endswith((".", "!", "?")) else ".")
    for measure in table.measures:
        named = (cell.dataset for cell in table.cells if cell.dataset and table.measure(cell) == measure)
        datasets = ", ".join(dict.fromkeys(named))
        of = f" of {datasets}" if datasets else ""
        yield f"{measure.long} in percent on the test images{of} after the last epoch."
    yield _spread_sentence(table, usual_n)
    yield from _mark_sentences(table, best, second)
    yield from _untested(table)
    if any(score.collapsed for line in table.lines for score in line.scores):
        yield (
            "Collapsed trainings ended without an error but with a network that guesses, answers one class for nearly "
            "all images, or whose loss has blown up; they are in the means."
        )
    yield from explained(table)
    for line in table.lines:
        if line.row.inference:
            yield f"At inference a student of {line.shown} costs more than a plain one: {line.row.inference}."
    if any(line.searched for line in table.lines):
        yield (
            f"The settings of searched rows were chosen by {_chosen_by(table)} on validation images held out of the "
            "training set, then trained anew on the whole training set with every seed; no test image took part in the "
            "choice."
        )
    yield from table.notes


def _chosen_by(table: Table) -> str:
    """Return what searches go by: top-5 accuracy chooses nothing."""
    return " or ".join(dict.fromkeys((m if m.validation else TOP1).short for m in table.measures))


def _mark_sentences(table: Table, best: str, second: str) -> Iterator[str]:
    scores = [score for line in table.lines for score in line.scores]
    if any(score.best for score in scores):
        seconds = f", second {second}" if any(score.second for score in scores) else ""
        yield f"Best mean of a column {best}{seconds}, all that print alike; teacher and student alone do not compete."
    verdicts = [verdict for line in table.to_best for verdict in line if verdict is not None]
    if not any(verdict.holm is not None for verdict in verdicts):
        return
    welch = any(verdict.contrast.kind == "Welch" for verdict in verdicts)
    test = "paired t-test by seed" + (", Welch's where fewer than two seeds are common" if welch else "")
    if any(verdict.contrast.kind == "sign flip" for verdict in verdicts):
        test += ", exact sign flip where all differences are equal"
    yield (
        f"{MARK}: difference from the best not significant ({test}; Holm's correction within the column; level "
        f"{table.options.level:g})."
    )
    if any(verdict.holm is None for verdict in verdicts):
        yield "A number of one seed is not tested, so it has no mark."


def _untested(table: Table) -> Iterator[str]:
    """Yield where no number has a mark for want of seeds of the best; where all have one seed, that is said anyway."""
    for column, (cell, leader) in enumerate(zip(table.cells, table.leaders, strict=False)):
        stats = [line.scores[column].stat for line in table.lines if line.kind == "method"]
        best = None if leader is None else table.lines[leader].scores[column].stat
        if best is not None and best.n == 1 and any(stat is not None and stat.n > 1 for stat in stats):
            yield f"{pair_text(cell, table)}: the best has one seed, so nothing in that column is tested against it."


def _spread_sentence(table: Table, usual_n: int | None) -> str:
    sizes = {s.stat.n for line in table.lines if line.kind != "teacher" for s in line.scores if s.stat is not None}
    if not sizes:
        return "No trial that counts has ended yet."
    if sizes == {1}:
        return "One seed (n = 1), so no spread is known."
    if usual_n is not None:
        others = "" if len(sizes) == 1 else f"; n differs ({min(sizes)} to {max(sizes)})"
        seeds = f"n = {counted(usual_n, 'seed')}"
        return f"Mean ± sample standard deviation over {seeds}, or as many as stand in brackets{others}."
    shown = "Mean ± sample standard deviation over seeds, number of seeds n in brackets"
    if len(sizes) == 1:
        return f"{shown} (n = {sizes.pop()})."
    return f"{shown}; n differs ({min(sizes)} to {max(sizes)})."


def gaps(table: Table) -> Iterator[str]:
    """Yield what is missing from means that are printed, such as `kd, a -> b: diverged 1 of 3`."""
    for line in table.lines:
        for cell, score in zip(table.cells, line.scores, strict=True):
            if score.missing and score.stat is not None:
                where = f"{line.shown}, {pair_text(cell, table)}" if len(table.cells) > 1 else line.shown
                yield f"{where}: {score.missing}"


def line_name(table: Table, index: int) -> str:
    """Return the name of a line: the shown one, with what it is for the two on top."""
    line = table.lines[index]
    return f"{line.shown} (student alone)" if line.kind == "alone" else line.shown
