"""Runs the sweeps of docs/findings.md and writes down what came out: `make findings`.

`results.csv` has a line for each row of each pair with the scores of all its seeds, `trainings.csv` how many trainings
each sweep took, `accuracy_over_k.png` the curve: all that the page's numbers are made from (`tables.py`). What has been
trained is not trained again, so a run that was stopped goes on; `python -m docs.findings.collect --collect` trains
nothing.
"""

import argparse
import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import orchestrator
import reports
from docs import generate
from docs.findings.tables import CURVE, FOLDER, SWEEPS, curve
from reports.board.settled import trained
from reports.results.states import ENDED, TEACHER
from reports.results.sweep import setting_text

FIELDS = ("sweep", "teacher", "student", "row", "shown", "method", "declared", "searched", "setting", "top1")


def lines(name: str, results: reports.Results) -> Iterator[tuple[object, ...]]:
    """Yield what results.csv has of a sweep."""
    board = reports.table(results)
    declared = None if board.settling is None else board.settling.place
    for column, cell in enumerate(board.cells):
        for place, line in enumerate(board.lines):
            score = line.scores[column]
            row = None if line.kind == TEACHER else line.row
            found = trained(board.behind.of(cell, row), board.measure(cell)) if row else None
            outcomes = {seed: value for seed, (_, value) in (found or {}).items()} if row else dict(score.by_seed)
            if outcomes:
                yield (
                    *(name, cell.teacher, cell.student, "teacher" if row is None else row.label, line.shown),
                    *("teacher" if row is None else row.method, "yes" if place == declared else ""),
                    *(line.spent[column] if line.spent else "", setting_text(score.setting)),
                    " ".join(f"{seed}={'' if top1 is None else f'{top1:.2f}'}" for seed, top1 in outcomes.items()),
                )


def trainings(found: Iterable[tuple[str, reports.Results]]) -> Iterator[tuple[object, ...]]:
    """Yield how many trainings each sweep took: for its rows, for its searches, and its teachers; each training is
    counted where it is first asked for."""
    seen: set[str] = set()
    for name, results in found:
        ended = results.trials[results.trials["state"].isin(ENDED)].drop_duplicates("trial_key")
        new = ended[~ended["trial_key"].isin(seen)]
        seen |= set(new["trial_key"])
        phases = new["phase"].tolist()
        counts = [phases.count("fixed") + phases.count("confirm"), phases.count("search"), phases.count(TEACHER)]
        yield (name, *counts)


def write(path: Path, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(heads)
        writer.writerows(rows)


def main() -> None:
    """Run, collect, draw, and make the page's numbers anew."""
    parser = argparse.ArgumentParser(description="Run the sweeps of docs/findings.md and write down what came out.")
    parser.add_argument("sweeps", nargs="*", choices=[[], *SWEEPS], help="which to run; all where none is named")
    parser.add_argument("--home", type=Path, help="where runs are kept")
    parser.add_argument("--workers", type=int, default=2, help="trainings at a time")
    parser.add_argument("--collect", action="store_true", help="train nothing, write down what there is")
    options = parser.parse_args()
    if not options.collect:
        files = [FOLDER / f"{name}.yaml" for name in options.sweeps or SWEEPS]
        result = orchestrator.run(
            files, home=options.home, workers=options.workers, screen=orchestrator.fitting_screen()
        )
        if result.exit_code:
            sys.exit(result.exit_code)
    found = []
    for name in SWEEPS:
        try:
            found.append((name, reports.load(f"findings-{name.replace('_', '-')}", home=options.home)))
        except reports.UnknownSweepError:
            print(f"not run: {name}")
    write(FOLDER / "results.csv", FIELDS, (line for name, results in found for line in lines(name, results)))
    write(FOLDER / "trainings.csv", ("sweep", "rows", "searches", "teachers"), trainings(found))
    reports.draw(curve(), CURVE)
    generate.main()


if __name__ == "__main__":
    main()
