"""The figures of the page: accuracy over each grid, against search budget, against cost."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from reports.curves import Curve, Figure
from reports.page.charts import Chart, Point, Series, at
from reports.plots import budget, cost
from reports.spread import summarise
from reports.wording import mean_text, pair_text, percent, value_text

if TYPE_CHECKING:
    from reports.head_to_head import Table
    from reports.plots import Plot

DECADE = 10
MOST_MARKERS = 30


def charts(plots: "Iterable[Plot]", table: "Table") -> Iterator[dict[str, Any]]:
    """Yield the figures that the page draws too, cell by cell, as its script reads them."""
    for plot in plots:
        if isinstance(plot, Figure):
            yield _over_grid(plot, table).to_json()
        elif isinstance(plot, budget.Budget):
            yield from (_over_budget(panel, table).to_json() for panel in plot.panels)
        elif isinstance(plot, cost.Cost):
            yield from (_against_cost(panel, table).to_json() for panel in plot.panels)


def _over_grid(figure: Figure, table: "Table") -> Chart:
    xs = sorted({value for curve in figure.curves for value, _ in curve.points})
    short = figure.measure.short
    return Chart(
        kind="grid",
        cell=table.cells.index(figure.cell),
        title=f"Test {short} over {figure.hyperparameter}, {pair_text(figure.cell, table, '→')}",
        about="Lines join the means over seeds, bands are ± one sample standard deviation, small dots are the seeds.",
        x_label=figure.hyperparameter,
        y_label=f"test {short} (%)",
        log_x=xs[0] > 0 and xs[-1] > DECADE * xs[0],
        ticks=tuple(xs),
        series=tuple(_grid_series(curve, figure.hyperparameter, table.options.digits) for curve in figure.curves),
        levels=figure.levels,
    )


def _grid_series(curve: Curve, name: str, digits: int) -> Series:
    points, dots = [], []
    for value, by_seed in curve.points:
        where = f"{name} = {value_text(value, 4)}"
        stat = summarise(by_seed)
        assert stat is not None  # a curve has no empty points
        points.append(at(value, stat, f"{where}: {mean_text(stat, digits)}"))
        texts = ((seed, f"{where}, seed {seed}: {percent(by_seed[seed], digits)}") for seed in sorted(by_seed))
        dots += [Point(x=value, y=by_seed[seed], text=text) for seed, text in texts]
    return Series(name=curve.shown, points=tuple(points), dots=tuple(dots))


def _over_budget(panel: budget.Panel, table: "Table") -> Chart:
    most = max(curve.budgets[-1] for curve in panel.curves)
    return Chart(
        kind="budget",
        cell=table.cells.index(panel.cell),
        title=f"Expected best validation {panel.measure.short} by search budget, {pair_text(panel.cell, table, '→')}",
        about=(
            "The best of n trials of a search, in the mean over all ways to choose n of those that it has trained; the "
            "band holds the middle 80 % of them. Pruned and diverged trials count as spent. Compare methods at one "
            f"budget: all have spent {panel.common}. Scores are of validation images, not of test images."
        ),
        x_label="trials of the search (n)",
        y_label=f"best validation {panel.measure.short} (%)",
        log_x=most > DECADE * DECADE,
        series=tuple(_budget_series(curve) for curve in panel.curves),
    )


def _budget_series(curve: budget.Curve) -> Series:
    places = zip(curve.budgets, curve.expected, curve.low, curve.high, strict=True)
    points = tuple(
        Point(x=n, y=mean, low=low, high=high, text=f"best of {n}: {percent(mean, 2)}") for n, mean, low, high in places
    )
    return Series(name=curve.shown, points=points, marked=len(points) <= MOST_MARKERS)


def _against_cost(panel: cost.Panel, table: "Table") -> Chart:
    digits, entries = table.options.digits, dict.fromkeys(point.entry for point in panel.points)
    series = [
        Series(
            name=entry,
            points=tuple(_cost_point(point, digits) for point in panel.points if point.entry == entry),
            line=False,
        )
        for entry in entries
    ]
    front = tuple(Point(x=point.seconds, y=point.mean) for point in panel.front)
    costs = [point.seconds for point in panel.points]
    return Chart(
        kind="cost",
        cell=table.cells.index(panel.cell),
        title=f"Test {panel.measure.short} against training time, {pair_text(panel.cell, table, '→')}",
        about=(
            "Seconds of one training, without scoring and without any search: means over the seeds in the table; bars "
            "are ± one sample standard deviation of the score. The grey line is the Pareto front: rows that no other "
            "beats in both. Times compare only where the trials ran on equal machines under equal load."
        ),
        x_label="seconds of one training",
        y_label=f"test {panel.measure.short} (%)",
        log_x=min(costs) > 0 and max(costs) > DECADE * min(costs),
        series=(*series, Series(name="Pareto front", points=front, marked=False, aside=True)),
    )


def _cost_point(point: cost.Point, digits: int) -> Point:
    spread = point.std
    score = percent(point.mean, digits) + ("" if spread is None else f" ± {percent(spread, digits)}")
    search = "" if point.search_seconds is None else f"; its search took {value_text(point.search_seconds, 3)} s"
    low, high = (None, None) if spread is None else (point.mean - spread, point.mean + spread)
    text = f"{point.shown}: {score} in {value_text(point.seconds, 3)} s{search}"
    return Point(x=point.seconds, y=point.mean, low=low, high=high, text=text)
