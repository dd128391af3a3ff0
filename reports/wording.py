"""How numbers, settings and notes read in every kind of table."""

from collections.abc import Iterator, Mapping

from reports.choices import Choice
from reports.head_to_head import Table
from reports.measures import TOP1
from reports.resolved import Cell, Value
from reports.spread import Stat

STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "DIVERGED": "diverged", "FAIL": "failed"}


def percent(value: float, digits: int) -> str:
    """Return the number with `digits` decimals, never as -0.0."""
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def mean_text(stat: Stat, digits: int) -> str:
    """Return `66.1 ± 0.5 (3)`; no ± for one seed."""
    spread = "" if stat.std is None else f" ± {percent(stat.std, digits)}"
    return f"{percent(stat.mean, digits)}{spread} ({stat.n})"


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
    return "" if table.measures == (TOP1,) else table.measure(cell).label


def measure_text(table: Table) -> str:
    """Return what the table's numbers are, in a sentence."""
    return " or ".join(measure.short for measure in table.measures)


def spent_text(choice: Choice) -> str:
    """Return how many trials a search has spent, such as `12: 10 complete, 2 pruned`."""
    parts = [f"{count} {STATES[state]}" for state, count in choice.ended.items()]
    parts += [f"{choice.open} not ended"] if choice.open else []
    total = sum(choice.ended.values())
    return str(total) if parts == [f"{total} complete"] else f"{total}: {', '.join(parts)}" if parts else "0"


def search_texts(table: Table, arrow: str = "→") -> tuple[list[str], list[list[str]]]:
    """Return heads and lines of what the searches did, but for their scores; pair and rank only where they differ."""
    heads = ["method", "pair", "tuned", "trials", "rank", "setting"]
    same = {"pair": len(table.cells) == 1, "rank": all(choice.rank == 1 for choice in table.choices)}
    lines = []
    for c in table.choices:
        setting = "not chosen yet" if c.setting is None else setting_text(c.setting, 4)
        texts = [c.shown, pair_text(c.cell, table, arrow), ", ".join(c.tuned), spent_text(c), str(c.rank), setting]
        lines.append([text for head, text in zip(heads, texts, strict=True) if not same.get(head)])
    return [head for head in heads if not same.get(head)], lines


def caption(table: Table) -> Iterator[str]:
    """Yield the sentences that a reader needs to trust the table: what the numbers are and how they came about."""
    if table.options.caption:
        yield table.options.caption + ("" if table.options.caption.endswith((".", "!", "?")) else ".")
    for measure in table.measures:
        named = (cell.dataset for cell in table.cells if cell.dataset and table.measure(cell) == measure)
        datasets = ", ".join(dict.fromkeys(named))
        of = f" of {datasets}" if datasets else ""
        yield f"{measure.long} in percent on the test images{of} after the last epoch."
    yield _spread_sentence(table)
    if any(score.best for line in table.lines for score in line.scores):
        yield "Best mean of a column in bold, all that print alike; teacher and student alone do not compete."
    for line in table.lines:
        if line.row.inference:
            yield f"At inference a student of {line.shown} costs more than a plain one: {line.row.inference}."
    if any(line.searched for line in table.lines):
        yield (
            f"The settings of searched rows were chosen by {measure_text(table)} on validation images held out of the "
            "training set, then trained anew on the whole training set with every seed; no test image took part in the "
            "choice."
        )


def _spread_sentence(table: Table) -> str:
    sizes = {s.stat.n for line in table.lines if line.kind != "teacher" for s in line.scores if s.stat is not None}
    if not sizes:
        return "No trial that counts has ended yet."
    if sizes == {1}:
        return "One seed (n = 1), so no spread is known."
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
