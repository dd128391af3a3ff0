"""The numbers of docs/findings.md, from results.csv, trainings.csv and cost.csv beside this file.

Verdicts are worked out anew from the seeds' scores, by the function that added the seeds.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from reports.published.figures import figures as published_figures
from reports.results.states import TEACHER
from reports.statistics.settling import Standing, follow
from trainers import methods, titles

if TYPE_CHECKING:
    from reports.figures import Figure

FOLDER = Path(__file__).resolve().parent
CURVE = FOLDER.parent / "findings_accuracy_over_k.png"
SWEEPS = ("k", "methods", "tuned", "cuts", "ls_kd", "ls_dkd", "ls_dist", "ls_gdkd", "ls_gdkd3")
"""In the order in which they are asked for."""
LOOKS = (3, 5, 8, 12)
LEVEL = 0.05
PUBLISHED_PAIR = ("resnet32x4", "resnet8x4")
COMPARED = ("ce", "kd", "dkd")
"""Drawn as lines beside the curve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a sweep of one pair."""

    sweep: str
    label: str
    shown: str
    method: str
    declared: bool
    searched: int | None
    """Trainings of its search; None: it had none."""
    setting: str
    outcomes: Mapping[int, float | None]
    """Test accuracy of each seed in percent; None where the training came to none."""
    standing: Standing | None = None
    """Against the declared row; None for the teacher."""

    @property
    def scores(self) -> list[float]:
        """Of the seeds that came to one."""
        return [top1 for top1 in self.outcomes.values() if top1 is not None]

    @property
    def mean(self) -> str:
        """Mean, deviation and number of seeds."""
        spread = f" ± {stdev(self.scores):.1f}" if len(self.scores) > 1 else ""
        lost = len(self.outcomes) - len(self.scores)
        return f"{fmean(self.scores):.1f}{spread} ({len(self.scores)}{f', {lost} diverged' if lost else ''})"

    @property
    def search(self) -> tuple[str, str]:
        """Trainings of its search, and what that chose; neither where it had none."""
        if self.searched is None:
            return ("", "")
        pairs = (one.split("=") for one in self.setting.split("; ") if one)
        return (str(self.searched), ", ".join(f"{name} {float(value):.3g}" for name, value in pairs))


def rows(sweep: str) -> list[Row]:
    """Return the rows of a sweep, its teacher first, each with how it stands to the declared one. None: not run."""
    with (FOLDER / "results.csv").open(encoding="utf-8", newline="") as file:
        found = [_row(line) for line in csv.DictReader(file) if line["sweep"] == sweep]
    students = [row for row in found if row.label != TEACHER]
    declared = next((place for place, row in enumerate(students) if row.declared), None)
    if declared is None:
        return []
    standings = iter(follow([row.outcomes for row in students], declared, LOOKS, LEVEL))
    return [row if row.label == TEACHER else replace(row, standing=next(standings)) for row in found]


def _row(line: Mapping[str, str]) -> Row:
    scores = (one.partition("=") for one in line["top1"].split())
    return Row(
        sweep=line["sweep"],
        label=line["row"],
        shown=line["shown"],
        method=line["method"],
        declared=bool(line["declared"]),
        searched=int(line["searched"]) if line["searched"] else None,
        setting=line["setting"],
        outcomes={int(seed): float(top1) if top1 else None for seed, _, top1 in scores},
    )


def against(row: Row) -> str:
    """Return the difference from the declared row with its repeated interval, bold where it is settled."""
    if row.declared:
        return "declared"
    found = row.standing
    if found is None or found.difference is None or found.interval is None:
        return ""
    low, high = found.interval
    difference = f"{found.difference:+.1f}"
    return f"{f'**{difference}**' if found.settled else difference} ({low:+.1f} … {high:+.1f})"


def table(heads: Sequence[str], lines: Iterable[Sequence[str]], texts: int = 1) -> str:
    """Return a Markdown table whose first columns are text."""
    rules = ["---" if place < texts else "---:" for place in range(len(heads))]
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, rules, *lines))


def sweep(name: str) -> str:
    """Return the rows of a sweep in its own order."""
    found = rows(name)
    declared = next(row.shown for row in found if row.declared)
    searched = any(row.searched for row in found)
    heads = ("method", "top-1", f"less {declared}", *(("search", "found") if searched else ()))
    lines = ((row.shown, row.mean, against(row), *(row.search if searched else ())) for row in found)
    return table(heads, lines)


def standardized() -> str:
    """Return each method with logit standardization beside itself without."""
    lines = []
    for name in (one for one in SWEEPS if one.startswith("ls_")):
        found = [row for row in rows(name) if row.label != TEACHER]
        without = next(row for row in found if row.declared)
        lines += [(row.label, without.mean, row.mean, against(row)) for row in found if not row.declared]
    return table(("method", "without", "with LS", "difference"), lines)


def _k(row: Row) -> int:
    setting = dict(one.split("=") for one in row.setting.split("; ") if one)
    return int(setting.get("k", methods.get("gdkd").defaults()["k"]))


def curve() -> "Figure":
    """Return the figure of the accuracy over k."""
    from reports.figures import Figure
    from reports.figures.kinds.over_values import Curve, Panel, draw
    from reports.results.sweep import Cell

    points = sorted((_k(row), row) for row in rows("k") if row.label != TEACHER)
    by_seed = ((k, {seed: top1 for seed, top1 in row.outcomes.items() if top1 is not None}) for k, row in points)
    curves = (Curve("GDKD", tuple(by_seed)),)
    levels = tuple((row.shown, fmean(row.scores)) for row in rows("methods") if row.label in COMPARED)
    cell = Cell("digits100", "digits100", "tinyresnet", "tinycnn", "Digits-100", "TinyResNet", "TinyCNN")
    return Figure(name="accuracy_over_k", caption="", data=Panel("k", cell, curves, levels), drawn_by=draw)


def trainings() -> str:
    """Return how many trainings each sweep took, and all together."""
    with (FOLDER / "trainings.csv").open(encoding="utf-8", newline="") as file:
        (heads, *lines) = csv.reader(file)
    sums = [str(sum(int(line[column]) for line in lines)) for column in range(1, len(heads))]
    return table(heads, [*lines, ["all", *sums]])


def cost() -> str:
    """Return what each loss costs beside the student's own step."""
    with (FOLDER / "cost.csv").open(encoding="utf-8", newline="") as file:
        _, *lines = csv.reader(file)
    found = {name: float(microseconds) for name, microseconds in lines}
    student, two = found.pop("student"), found["gdkd"]
    rows = (
        (titles.method(name), f"{own:.0f}", f"{own / two:.2f}", f"{100 * (own / student):.1f}")
        for name, own in found.items()
    )
    return table(("loss", "µs a call", "× GDKD", "% of the student's own step"), rows)


def published() -> str:
    """Return what methods gain over KD, published and here, each from its first source."""
    ours = {row.label: row for row in rows("methods") if row.scores}
    figures = {name: published_figures("cifar100", *PUBLISHED_PAIR, name) for name in ours}
    kd, own = figures["kd"][0].value, fmean(ours["kd"].scores)
    lines = [
        (
            ours[name].shown,
            f"{found[0].value:.2f}",
            f"{found[0].value - kd:+.2f}",
            found[0].source,
            f"{fmean(ours[name].scores):.1f}",
            f"{fmean(ours[name].scores) - own:+.1f}",
        )
        for name, found in figures.items()
        if found
    ]
    heads = ("method", "CIFAR-100", "less KD", "source", "digits100", "less KD")
    return table(heads, sorted(lines, key=lambda line: float(line[1])))
