"""How often a table's marks are wrong, and how often they find what is there: drawn tables, one column each.

    python tests/benchmarks/verdicts.py [--tables 20000] [--rows 12] [--seeds 3]

False claims: tables without any difference that have at least one mark, with equal variances and with rows whose
standard deviations are 1:2 and 1:3. Power: how often a row that is 2, 3 or 4 standard deviations away from one other
is marked against it, the others being level. Critical values are those of `reports.statistics.ranges`; the marks of
the first tables are held against `reports.statistics.families`, which makes them one by one.
"""

import argparse
import math
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # a script's own folder is all that it is given

from reports.statistics.families import against_any, against_declared, family
from reports.statistics.ranges import dunnett_critical, tukey_critical

LEVEL = 0.05
HELD = 50
"""Tables whose marks are also made one by one."""


def standardised(tables: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return means [T, R] and the standard error of a difference [T], of tables [T, R, N] with shared seeds."""
    rest = tables - tables.mean(1, keepdims=True)
    rest -= rest.mean(2, keepdims=True)
    rows, seeds = tables.shape[1:]
    variance = (rest**2).sum((1, 2)) / ((rows - 1) * (seeds - 1))
    return tables.mean(2), np.sqrt(2 * variance / seeds)


def critical(rows: int, seeds: int) -> tuple[float, float]:
    """Return what a difference must exceed, in its standard errors: by Tukey, by Dunnett."""
    df = (rows - 1) * (seeds - 1)
    return tukey_critical(LEVEL, rows, df) / math.sqrt(2), dunnett_critical(LEVEL, (seeds,) * (rows - 1), seeds, df)


def claims(tables: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which tables have a mark [T]: † (lower than the best), * (differs from the first row)."""
    means, errors = standardised(tables)
    tukey, dunnett = critical(*tables.shape[1:])
    return (
        (means.max(1) - means.min(1)) / errors > tukey,
        np.abs(means[:, 1:] - means[:, :1]).max(1) / errors > dunnett,
    )


def hold(tables: np.ndarray) -> None:
    """Stop where the functions that a report calls say otherwise."""
    for table, *expected in zip(tables[:HELD], *claims(tables[:HELD]), strict=True):
        column = [dict(enumerate(map(float, row))) for row in table]
        judged, best = family(column), int(table.mean(1).argmax())
        found = [against_any(column, best, judged, LEVEL), against_declared(column, 0, judged, LEVEL)]
        marks = [any(v is not None and v.significant(LEVEL) for v in verdicts) for verdicts in found]
        if marks != [bool(each) for each in expected]:
            raise SystemExit(f"differs: {marks} {expected}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=20_000)
    parser.add_argument("--rows", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    draw = np.random.default_rng(0)
    shape = (options.tables, options.rows, options.seeds)
    print(f"{options.tables} tables of {options.rows} rows and {options.seeds} seeds, level {LEVEL}")
    print("tables with a false claim, %     Tukey  Dunnett")
    for name, last in (("equal variances", 1.0), ("standard deviations 1:2", 2.0), ("standard deviations 1:3", 3.0)):
        spread = np.where(np.arange(options.rows) % 2 == 0, 1.0, last)[:, None]
        tables = draw.normal(size=shape) * spread + 3 * draw.normal(size=(options.tables, 1, options.seeds))
        hold(tables)
        print(f"  {name:28} {'':1}" + "".join(f"{100 * each.mean():8.2f}" for each in claims(tables)))
    print("differences that are found, %    Tukey  Dunnett")
    for gap in (2.0, 3.0, 4.0):
        tables = draw.normal(size=shape)
        tables[:, 1] += gap
        means, errors = standardised(tables)
        t = (means[:, 1] - means[:, 0]) / errors
        rates = [100 * float((t > bound).mean()) for bound in critical(options.rows, options.seeds)]
        print(f"  {gap:g} standard deviations {'':8}" + "".join(f"{rate:8.1f}" for rate in rates))


if __name__ == "__main__":
    main()
