"""Attempts that are handed out together: those that see the same batches, and nothing else changes by it."""

from pathlib import Path

import pytest

from orchestrator.ledger.ledger import Ledger
from orchestrator.planning.planner import Planner
from orchestrator.sweep_run.drive import each_share
from orchestrator.worker.attempts import Attempt, Outcome
from tests.orchestrator.simulation import SWEEP, content, drive, new_planner, run_trial, sweep_of


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory):
    return sweep_of(SWEEP, tmp_path_factory.mktemp("sweep"))


@pytest.fixture
def ledger(tmp_path: Path):
    return Ledger(tmp_path / "ledger.db")


def drive_together(planner: Planner, most: int) -> list[list[Attempt]]:
    """Run everything, cohort after cohort; return the cohorts."""
    cohorts = []
    while isinstance(first := planner.next(), Attempt):
        cohorts.append([first, *planner.beside(first, most - 1)])
        for attempt in cohorts[-1]:
            run_trial(planner, attempt, lambda attempt: None)
    return cohorts


@pytest.mark.parametrize("most", [2, 3, 8])
def test_together_or_alone_the_results_are_the_same(sweep, ledger, tmp_path, most):
    alone = Ledger(tmp_path / "alone.db")
    drive(new_planner(alone, sweep))
    cohorts = drive_together(new_planner(ledger, sweep), most)
    assert content(ledger, sweep.name) == content(alone, sweep.name)
    assert max(map(len, cohorts)) == min(most, 5)  # five rows of a seed: four fixed ones and what was searched


def test_those_of_a_cohort_share_split_and_seed(sweep, ledger):
    for cohort in drive_together(new_planner(ledger, sweep), 8):
        assert len({(one.trial.role, one.trial.split, one.trial.seed) for one in cohort}) == 1
        assert len({one.trial.recipe.batch_size for one in cohort}) == 1


def test_proposals_go_together_as_far_as_they_may_be_made(sweep, ledger):
    cohorts = drive_together(new_planner(ledger, sweep), 8)
    proposals = [len(cohort) for cohort in cohorts if cohort[0].phase == "search"]
    assert max(proposals) == 2  # search: parallel
    assert sum(proposals) == len({m.key for m in ledger.members(sweep.name) if m.phase == "search"})


def test_what_was_lost_once_trains_alone(sweep, ledger):
    planner = new_planner(ledger, sweep)
    run_trial(planner, planner.next(), lambda attempt: None)
    first = planner.next()
    cohort = [first, *planner.beside(first, 7)]
    assert len(cohort) > 1
    for attempt in cohort:
        planner.ended(attempt, Outcome(ending="LOST", reason="killed"))
    again = planner.next()
    assert again.key in {attempt.key for attempt in cohort}
    assert planner.beside(again, 7) == []


def test_workers_that_have_nothing_to_do_get_equal_shares():
    ready, sizes = 16, []
    while ready:
        sizes.append(min(8, each_share(ready, 2 - len(sizes))))
        ready -= sizes[-1]
    assert sizes == [8, 8]
    assert [each_share(1, 4), each_share(9, 4), each_share(9, 0), each_share(9, -2)] == [1, 3, 9, 9]


def test_nothing_more_is_handed_out_once_it_stops(sweep, ledger):
    planner = new_planner(ledger, sweep)
    run_trial(planner, planner.next(), lambda attempt: None)
    first = planner.next()
    planner.stop()
    assert planner.beside(first, 7) == []
