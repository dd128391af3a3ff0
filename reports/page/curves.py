"""Accuracy epoch by epoch of every trial, thinned to what an eye can tell apart."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reports.page.compact import CURVE_POINTS, Points, points_a_curve, steps_and_values
from reports.results.runs import histories

if TYPE_CHECKING:
    import pandas as pd

    from reports.results.results import Results

SCORES = ("test_top1", "test_miou", "val_top1", "val_miou")
"""What a curve is of: of a trial there is one of them, test scores first."""


def of_trials(results: "Results") -> tuple[dict[str, Any], str]:
    """Return the curves by line of the table of trials, and a sentence on what was left out; empty: nothing.

    Where all would be too much, each has fewer points; where that is not enough, searches have none.
    """
    trials = results.trials
    wanted, most = trials[trials["run_id"].notna()], 0
    for some in (wanted, wanted[wanted["phase"] != "search"]):
        most = points_a_curve(len(some))
        if most:
            wanted = some
            break
    if not most:
        return steps_and_values({}, len(trials), CURVE_POINTS), "Too many trials for curves to be in this page."
    by_line = _by_line(wanted, histories(results, SCORES, run_ids=wanted["run_id"].unique().tolist()))
    return steps_and_values(by_line, len(trials), most), _note(by_line, most, trials, wanted)


def _by_line(trials: "pd.DataFrame", found: Mapping[str, Mapping[str, Points]]) -> dict[int, Points]:
    lines: dict[int, Points] = {}
    for line, run_id in zip(trials.index, trials["run_id"], strict=True):
        of = found.get(run_id, {})
        points = next((of[name] for name in SCORES if of.get(name)), None)
        if points:
            lines[int(line)] = points
    return lines


def _note(curves: Mapping[int, Points], most: int, trials: "pd.DataFrame", wanted: "pd.DataFrame") -> str:
    notes = []
    if any(len(points) > most for points in curves.values()):
        notes.append(f"Curves are shown by {most} of their epochs.")
    if len(wanted) < trials["run_id"].notna().sum():
        notes.append("Trials of searches have no curves in this page: there are too many.")
    return " ".join(notes)
