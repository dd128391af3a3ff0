"""Seeds until it is settled, in the file and in what is expanded."""

from pathlib import Path

import pytest

from search_spaces import SweepFileError, expand, read, renewed, restore
from search_spaces.files.seeds import UntilSettled
from tests.search_spaces.sweep_texts import SMALL, sweep_of, write

SETTLED = SMALL.replace("seeds: 2", "seeds: {first: 3, most: 12, settle: kd}")


@pytest.mark.parametrize(
    ("first", "most", "looks"),
    [
        (3, 12, (3, 5, 8, 12)),
        (3, 3, (3,)),
        (3, 4, (3, 4)),
        (3, 6, (3, 6)),
        (4, 10, (4, 6, 10)),
        (5, 20, (5, 8, 13, 20)),
        (3, 100, (3, 5, 8, 13, 22, 37, 61, 100)),
    ],
)
def test_each_look_has_about_so_many_times_the_seeds_of_the_one_before(first, most, looks):
    assert UntilSettled(first=first, most=most).looks == looks


def test_looks_rise_whatever_they_go_from_and_to():
    for first in range(3, 40):
        for most in range(first, 200):
            looks = UntilSettled(first=first, most=most).looks
            assert (looks[0], looks[-1]) == (first, most)
            assert list(looks) == sorted(set(looks))


def test_rows_have_the_keys_of_as_many_seeds_as_ever(tmp_path: Path) -> None:
    settled, fixed = sweep_of(tmp_path, SETTLED), sweep_of(tmp_path, SMALL.replace("seeds: 2", "seeds: 3"))
    assert settled.fixed == fixed.fixed
    assert (settled.seeds, fixed.settling) == (fixed.seeds, None)
    twelve = sweep_of(tmp_path, SMALL.replace("seeds: 2", "seeds: 12"))
    base = settled.fixed[0]
    added = settled.further(base, settled.most_seeds[3:])
    assert [one.seed for one in added] == list(range(3, 12))
    expected = [one for one in twelve.fixed if (one.cell, one.row) == (base.cell, base.row) and one.seed >= 3]
    assert list(added) == expected


def test_the_declared_row_is_the_proposal_where_none_is_named(tmp_path: Path) -> None:
    text = SETTLED.replace(", settle: kd", "") + "report: {proposal: kd, level: 0.01}\n"
    sweep = sweep_of(tmp_path, text)
    assert sweep.settling is not None
    assert (sweep.settling.declared, sweep.settling.level) == ("kd", 0.01)
    assert sweep.resolved["settling"] == {"declared": "kd", "looks": [3, 5, 8, 12]}


def test_a_sweep_is_restored_with_it(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, SETTLED)
    assert restore(sweep.resolved, sweep.source, tmp_path).settling == sweep.settling


def test_nothing_is_said_of_it_where_all_rows_have_the_same_seeds(tmp_path: Path) -> None:
    assert "settling" not in sweep_of(tmp_path, SMALL).resolved


@pytest.mark.parametrize(
    ("seeds", "told"),
    [
        ("{first: 5, most: 3, settle: kd}", "seeds.most: must be at least first (5), got 3"),
        ("{first: 3, mots: 12, settle: kd}", "seeds.mots: unknown key; did you mean 'most'?"),
        ("{first: 3, most: 20000, settle: kd}", "seeds.most: must be at most 10000, got 20000"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, seeds: str, told: str) -> None:
    text = SMALL.replace("seeds: 2", f"seeds: {seeds}")
    with pytest.raises(SweepFileError) as caught:
        read(write(tmp_path, text))
    (problem,) = caught.value.problems
    assert f"{problem.where}: {problem.message}" == told
    assert problem.line == text[: text.index("seeds:")].count("\n") + 1


def test_a_row_alone_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    text = "".join(line for line in SETTLED.splitlines(keepends=True) if line.strip() != "ce:")
    with pytest.raises(SweepFileError, match="needs a row to compare with, got 'kd' alone"):
        expand(read(write(tmp_path, text)))


def test_a_seed_that_is_added_learns_from_the_weights_of_now_but_where_it_has_a_result(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, SETTLED)
    base = next(member for member in sweep.fixed if member.row == "kd")
    assert base.trial.teacher is not None
    third, fourth = sweep.further(base, (3, 4))
    again = renewed(sweep, {base.trial.teacher.id: ["other"]}, {base.key, third.key}, lambda search: True)
    kept, newer = again.further(base, (3, 4))
    assert kept == third
    assert newer.trial.teacher is not None
    assert (newer.trial.teacher.weights, newer.seed) == ("other", 4)
    assert newer.key != fourth.key
