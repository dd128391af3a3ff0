"""The figures of the page: accuracy over each grid, against search budget, against cost."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from reports.curves import Curve, Figure
from reports.curves import figures as over_grids
from reports.page.budget import expected_best
from reports.page.charts import Chart, Point, Series, at, pareto_front
from reports.page.trials import counted
from reports.spread import summarise
from reports.wording import mean_text, pair_text, percent, value_text

if TYPE_CHECKING:
    from reports.head_to_head import Line, Table
    from reports.results import Results

DECADE = 10
MOST_MARKERS = 30


def charts(results: "Results", table: "Table") -> Iterator[dict[str, Any]]:
    """Yield every figure that the sweep has numbers for, as the page's script reads it."""
    for figure in over_grids(table):
        yield _over_grid(figure, table).to_json()
    for column in range(len(table.cells)):
        for chart in (_over_budget(results, table, column), _against_cost(results, table, column)):
            if chart is not None:
                yield chart.to_json()


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


def _over_budget(results: "Results", table: "Table", column: int) -> Chart | None:
    cell, trials = table.cells[column], results.trials
    measure = table.measure(cell)
    searches = trials[(trials["phase"] == "search") & (trials["cell"] == cell.id)]
    by_row = dict(iter(searches.drop_duplicates(["row", "trial_key"]).groupby("row", sort=False)))
    series = []
    for line in table.lines:
        own = by_row.get(line.row.label)
        if own is None:
            continue
        complete = own["state"].eq("COMPLETE") & own[measure.validation].notna()
        lost = int(own["state"].isin(["PRUNED", "DIVERGED"]).sum())
        best = expected_best(own.loc[complete, measure.validation].tolist(), lost)
        points = tuple(_best_of(n, mean, std) for n, mean, std in best)
        series.append(Series(name=line.shown, points=points, marked=len(best) <= MOST_MARKERS))
    drawn = tuple(one for one in series if one.points)
    if not drawn:
        return None
    most = max(point.x for one in drawn for point in one.points)
    return Chart(
        kind="budget",
        cell=column,
        title=f"Expected best validation {measure.short} by search budget, {pair_text(cell, table, '→')}",
        about=(
            "The best of n trials drawn from those that the search has trained: mean and standard deviation over all "
            "draws. Pruned and diverged trials count as spent. Scores are of validation images, not of test images."
        ),
        x_label="trials of the search (n)",
        y_label=f"best validation {measure.short} (%)",
        log_x=most > DECADE * DECADE,
        series=drawn,
    )


def _best_of(n: int, mean: float, std: float) -> Point:
    text = f"best of {n}: {percent(mean, 2)} ± {percent(std, 2)}"
    return Point(x=n, y=mean, low=mean - std, high=mean + std, text=text)


def _against_cost(results: "Results", table: "Table", column: int) -> Chart | None:
    cell, trials = table.cells[column], results.trials
    own = trials[counted(trials) & (trials["cell"] == cell.id) & trials["train_seconds"].notna()]
    seconds = own.groupby("row")["train_seconds"].mean().to_dict()
    entries: dict[str, list[Point]] = {}
    for line in table.lines:
        point = _cost_point(line, column, seconds.get(line.row.label), table.options.digits)
        if point is not None:
            entries.setdefault(table.options.names.get(line.row.entry, line.row.entry), []).append(point)
    every = [point for points in entries.values() for point in points]
    if len(every) < 2:
        return None
    front = tuple(Point(x=point.x, y=point.y) for point in pareto_front(every))
    joined = Series(name="Pareto front", points=front, marked=False, aside=True)
    measure = table.measure(cell)
    return Chart(
        kind="cost",
        cell=column,
        title=f"Test {measure.short} against training time, {pair_text(cell, table, '→')}",
        about=(
            "Mean over seeds of the seconds of training, without scoring and without any search; bars are ± one sample "
            "standard deviation. Times compare only where the trials ran on equal machines under equal load."
        ),
        x_label="training time of a trial (s)",
        y_label=f"test {measure.short} (%)",
        series=(*(Series(name=n, points=tuple(points), line=False) for n, points in entries.items()), joined),
    )


def _cost_point(line: "Line", column: int, seconds: float | None, digits: int) -> Point | None:
    stat = line.scores[column].stat
    if line.kind == "teacher" or stat is None or seconds is None:
        return None
    return at(seconds, stat, f"{line.shown}: {mean_text(stat, digits)} in {value_text(seconds, 3)} s")
