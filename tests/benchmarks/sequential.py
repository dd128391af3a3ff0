"""How often seeds until it is settled claim what is not, how often they find what is there, and what they cost.

    python tests/benchmarks/sequential.py [--tables 20000] [--rows 12]

Drawn columns: the first row is the declared one, the others are compared with it at looks of 3, 5, 8 and 12 seeds as
`reports.statistics.settling` does, whose standings are held against those here for the first tables. Beside it the
same without futility, and all seeds at once. False claims: columns with at least one claim of a row that is level with
the declared one. Power: rows that differ and are claimed, with the right sign.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import ndtr, stdtr, stdtrit

sys.path.insert(0, str(Path(__file__).parents[2]))  # a script's own folder is all that it is given

from reports.statistics.settling import LEAST_POWER, follow
from reports.statistics.spending import nominal_levels

LEVEL = 0.05
LOOKS = (3, 5, 8, 12)
HELD = 100
"""Tables that are also worked out one by one."""
MIXED = (0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.5, 1.5, 2.0, 2.0, 3.0)
"""What the rows of a mixed table lie below the declared one, in standard deviations."""


@dataclass(frozen=True)
class Outcome:
    """What became of tables [T] with rows [R], the declared one not among them."""

    settled: np.ndarray
    """[T, R]"""
    seeds: np.ndarray
    """Of each row [T, R]."""
    seen: np.ndarray
    """Difference when the row stopped [T, R]."""

    @property
    def trainings(self) -> np.ndarray:
        """[T]; the declared row has as many seeds as the row that has most."""
        return self.seeds.sum(1) + self.seeds.max(1)


def tests(tables: np.ndarray, n: int, *, pool: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return t, p and differences [T, R] of the first n seeds of tables [T, 1 + R, N]: by Welch, or by one variance."""
    some = tables[:, :, :n]
    means, errors = some.mean(2), some.var(2, ddof=1) / n
    if pool:
        errors = np.repeat(errors.mean(1, keepdims=True), tables.shape[1], 1)
    squared = errors[:, 1:] + errors[:, :1]
    df = squared**2 * (n - 1) / (errors[:, 1:] ** 2 + errors[:, :1] ** 2)
    if pool:
        df = np.full_like(squared, tables.shape[1] * (n - 1))
    t = (means[:, 1:] - means[:, :1]) / np.sqrt(squared)
    return t, 2 * stdtr(df, -np.abs(t)), means[:, 1:] - means[:, :1]


def settle(tables: np.ndarray, looks: tuple[int, ...] = LOOKS, *, futility: bool = True, pool: bool = False) -> Outcome:
    """Return what becomes of tables [T, 1 + R, N] of which every row has all seeds.

    Args:
        pool: take one variance for all rows of a table, which is not done, since it claims what is not.
    """
    count, rows, most = len(tables), tables.shape[1] - 1, looks[-1]
    levels = np.array([nominal_levels(LEVEL / left, tuple(n / most for n in looks)) for left in range(1, rows + 1)])
    p_all = np.full((count, rows, len(looks)), 2.0)
    settled, stopped = np.zeros((2, count, rows), bool)
    seeds, seen = np.full((count, rows), looks[0]), np.zeros((count, rows))
    for look, n in enumerate(looks):
        t, p, differences = tests(tables, n, pool=pool)
        going = ~stopped
        seeds[going], seen[going] = n, differences[going]
        p_all[going, look] = p[going]
        for _ in range(rows + 1):
            left = rows - settled.sum(1)
            crossing = (p_all <= levels[np.maximum(left, 1) - 1][:, None, :]).any(2)
            settled |= crossing
        left = np.maximum(rows - settled.sum(1), 1)
        stopped |= settled
        if futility and n < most:
            critical = -stdtrit(2 * (most - 1), levels[left - 1, -1] / 2)[:, None]
            power = ndtr((np.abs(t) * np.sqrt(most / n) - critical) / np.sqrt(1 - n / most))
            stopped |= going & (power < LEAST_POWER)
    return Outcome(settled, seeds, seen)


def hold(tables: np.ndarray, found: Outcome) -> None:
    """Stop where the function that planner and report call says otherwise."""
    for table, settled, seeds, seen in zip(tables[:HELD], found.settled, found.seeds, found.seen, strict=False):
        column = [dict(enumerate(map(float, row))) for row in table]
        standings = follow(column, 0, LOOKS, LEVEL)[1:]
        told = [(one.settled, one.asked) for one in standings]
        gaps = [one.difference for one in standings]
        if told != list(zip(settled.tolist(), seeds.tolist(), strict=True)) or not np.allclose(gaps, seen):
            raise SystemExit(f"differs: {told} {settled} {seeds}")


def spreads(rows: int) -> dict[str, np.ndarray]:
    """Return standard deviations of the rows of tables without a difference, by what they are like."""
    ones = np.ones(rows)
    alternating = np.where(np.arange(rows) % 2 == 0, 1.0, np.sqrt(3.0))
    noisy, quiet = ones.copy(), np.full(rows, 3.0)
    noisy[0], quiet[0] = 3.0, 1.0
    return {
        "all rows equal": ones,
        "variances alternate 1:3": alternating,
        "deviations alternate 1:3": np.where(np.arange(rows) % 2 == 0, 1.0, 3.0),
        "noisy declared row, 3:1": noisy,
        "quiet declared row, 1:3": quiet,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=20_000)
    parser.add_argument("--rows", type=int, default=12)
    options = parser.parse_args()
    draw = np.random.default_rng(0)
    rows, most = options.rows, LOOKS[-1]
    every = rows * most
    print(f"{options.tables} tables of {rows} rows, looks of {', '.join(map(str, LOOKS))} seeds, level {LEVEL}")
    print(
        "no differences: tables with a false claim, %   settle  without futility  12 seeds  pooled   trainings of",
        every,
    )
    for name, spread in spreads(rows).items():
        tables = draw.normal(size=(options.tables, rows, most)) * spread[:, None]
        each = settle(tables), settle(tables, futility=False), settle(tables, (most,))
        hold(tables, each[0])
        rates = [100 * one.settled.any(1).mean() for one in (*each, settle(tables, pool=True))]
        told = f"{rates[0]:9.2f}{rates[1]:18.2f}{rates[2]:10.2f}{rates[3]:8.1f}"
        print(f"  {name:42}{told}{each[0].trainings.mean():14.1f}")
    gaps = np.resize(MIXED, rows - 1)
    tables = draw.normal(size=(options.tables, rows, most))
    tables[:, 1:] -= gaps[:, None]
    each = settle(tables), settle(tables, futility=False), settle(tables, (most,))
    hold(tables, each[0])
    print(
        "a mixed table: power by true difference        settle  without futility  12 seeds   difference read at n = 3"
    )
    right = [one.settled & (one.seen < 0) for one in each]
    for gap in np.unique(gaps[gaps > 0]):
        which = gaps == gap
        rates = [one[:, which].mean() for one in right]
        early = (right[0] & (each[0].seeds == LOOKS[0]))[:, which]
        read = -each[0].seen[:, which][early].mean() if early.any() else np.nan
        print(f"  {gap:3g} standard deviations {'':21}{rates[0]:9.2f}{rates[1]:18.2f}{rates[2]:10.2f}{read:14.2f}")
    rates = [one[:, gaps > 0].mean() for one in right]
    print(f"  {'all':42}{rates[0]:9.2f}{rates[1]:18.2f}{rates[2]:10.2f}")
    spent = [one.trainings.mean() for one in each]
    print(f"  {f'trainings of {every}':42}{spent[0]:9.1f}{spent[1]:18.1f}{spent[2]:10.1f}")
    false = [100 * one.settled[:, gaps == 0].any(1).mean() for one in each]
    print(f"  {'false claims, %':42}{false[0]:9.2f}{false[1]:18.2f}{false[2]:10.2f}")


if __name__ == "__main__":
    main()
