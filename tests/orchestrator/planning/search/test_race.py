"""The race of a search's best settings: a function of outcomes, whoever trains, however often it is killed."""

from pathlib import Path

import pytest

from orchestrator.acceptance.renewed_students import under_known_weights
from orchestrator.display import View
from orchestrator.display.progress import sweep_progress
from orchestrator.display.words import summary
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import ProposalRow
from orchestrator.planning.search.race import race
from orchestrator.planning.search.search_ends import is_whole, search_standing
from orchestrator.worker.attempts import Attempt, Outcome
from search_spaces import describe_plan
from search_spaces.files.races import race_sizes
from tests.orchestrator.simulation import (
    SWEEP,
    Killed,
    content,
    drive,
    drive_interleaved,
    kill_at,
    new_planner,
    sweep_of,
)

RACE = SWEEP.replace("trials: 8, parallel: 2, sampler: tpe", "trials: 12, parallel: 3, sampler: random, race: 5")


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory):
    return sweep_of(RACE, tmp_path_factory.mktemp("sweep"))


# --- the rule ---------------------------------------------------------------------------------------------------------


def proposals(*values: float) -> list[ProposalRow]:
    return [
        ProposalRow(number=number, params={}, key=str(number), state="COMPLETE", value=value)
        for number, value in sorted(enumerate(values), key=lambda pair: -pair[1])
    ]


def test_a_quarter_then_an_eighth_then_a_twelfth():
    assert race_sizes(24, 6) == (6, 3, 3, 2, 2)
    assert race_sizes(60, 4) == (15, 8, 8)
    assert race_sizes(24, 1) == ()
    assert race_sizes(5, 3) == (2, 2)
    assert race_sizes(1, 3) == ()


def test_the_best_mean_among_those_with_most_seeds_wins():
    lucky, steady, low, lower = 70.0, 69.0, 60.0, 59.0
    second = {0: 60.0, 1: 69.5, 2: 90.0, 3: 90.0}
    rows = proposals(lucky, steady, low, lower)
    over = race(rows, [2], lambda row, place: second[row.number])
    assert over.asked == ()
    assert [racer.proposal.number for racer in over.racers] == [1, 0, 2, 3]  # 2 and 3 have one seed
    assert [racer.scores for racer in over.racers] == [(69.0, 69.5), (70.0, 60.0), (60.0,), (59.0,)]


def test_each_seed_goes_to_the_best_means_of_those_that_have_all_before_it():
    scores = {(0, 1): 50.0, (1, 1): 68.0, (2, 1): 67.0, (1, 2): 60.0, (2, 2): 66.0}
    over = race(proposals(70.0, 69.0, 68.0, 40.0), [3, 2], lambda row, place: scores[row.number, place])
    assert [racer.proposal.number for racer in over.racers] == [2, 1, 0, 3]


def test_it_waits_for_all_of_a_seed():
    rows = proposals(70.0, 69.0, 68.0)
    standing = race(rows, [2, 2], lambda row, place: "open" if row.number == 1 else 71.0)
    assert [(row.number, place) for row, place in standing.asked] == [(1, 1)]


def test_equal_means_go_to_the_lower_number():
    over = race(proposals(70.0, 68.0, 60.0), [2], lambda row, place: {0: 68.0, 1: 70.0}[row.number])
    assert over.racers[0].proposal.number == 0


def test_one_that_is_out_comes_behind_all_others():
    over = race(proposals(70.0, 69.0, 68.0), [2, 2], lambda row, place: "out" if row.number == 0 else 50.0)
    assert [racer.proposal.number for racer in over.racers] == [1, 2, 0]
    assert over.racers[0].scores == (69.0, 50.0)  # alone among those with two seeds: no third would change the choice


def test_where_all_finalists_are_out_the_best_of_the_others_is_chosen():
    over = race(proposals(70.0, 69.0, 68.0), [2, 2], lambda row, place: "out")
    assert [racer.proposal.number for racer in over.racers] == [2, 0, 1]
    assert race(proposals(70.0), [2], lambda row, place: "out").racers[0].proposal.number == 0


# --- the planner ------------------------------------------------------------------------------------------------------


def members(ledger: Ledger, phase: str):
    return [member for member in ledger.members("small") if member.phase == phase]


def values(ledger: Ledger, sweep) -> dict[int, list[float]]:
    """Return the scores of each proposal in a race by its number, from what was trained alone."""
    (search,) = sweep.searches
    found: dict[int, list[float]] = {}
    for place in range(search.race):
        for member in members(ledger, "search"):
            if member.seed == search.seed_at(place):
                score = ledger.trial(member.key).metrics["final_val_top1"]
                found.setdefault(member.proposal, []).append(score)
    return found


def test_the_best_are_trained_by_further_seeds_and_the_best_mean_is_confirmed(sweep, ledger):
    handed = drive(new_planner(ledger, sweep))
    (search,) = sweep.searches
    by_seed = [sum(m.seed == search.seed_at(place) for m in members(ledger, "search")) for place in range(5)]
    assert by_seed == [12, 3, 2, 2, 2]
    assert len({attempt.key for attempt in handed}) == len(handed)
    found = values(ledger, sweep)
    most = max(map(len, found.values()))
    best = max((number for number in found if len(found[number]) == most), key=lambda n: sum(found[n]))
    assert {member.proposal for member in members(ledger, "confirm")} == {best}
    assert sorted(m.seed for m in members(ledger, "confirm")) == [0, 1]
    alone = max(found, key=lambda number: found[number][0])
    assert alone != best  # else this sweep could not tell a race from none


def test_race_is_no_part_of_a_studys_identity(sweep, tmp_path: Path):
    without = sweep_of(RACE.replace(", race: 5", ""), tmp_path / "without")
    assert without.searches[0].study_id == sweep.searches[0].study_id
    assert without.searches[0].race_sizes == ()


@pytest.mark.parametrize("slots", [2, 3, 20])
def test_any_number_of_slots_gives_the_same(sweep, ledger, undisturbed, slots):
    drive(new_planner(ledger, sweep), slots=slots)
    assert content(ledger, sweep.name) == undisturbed


@pytest.mark.parametrize("seed", range(3))
def test_ends_in_any_order_give_the_same(sweep, ledger, undisturbed, seed):
    drive_interleaved(new_planner(ledger, sweep), slots=4, seed=seed)
    assert content(ledger, sweep.name) == undisturbed


def test_killed_at_every_commit_it_ends_the_same(sweep, tmp_path: Path, undisturbed):
    path = tmp_path / "ledger.db"
    at, kills = 1, 0
    while True:
        ledger = Ledger(path, on_commit=kill_at(at))
        try:
            drive(new_planner(ledger, sweep), slots=2)
        except Killed:
            ledger.close()
            kills, at = kills + 1, at + 1
            continue
        break
    assert kills > 20
    assert content(ledger, sweep.name) == undisturbed


@pytest.mark.parametrize("before_the_end", range(2, 42, 4))
def test_killed_in_the_race_it_ends_the_same(sweep, tmp_path: Path, undisturbed, before_the_end):
    calls = 0

    def count(moment: str) -> None:
        nonlocal calls
        calls += 1

    drive(new_planner(Ledger(tmp_path / "counted.db", on_commit=count), sweep), slots=2)
    first = Ledger(tmp_path / "ledger.db", on_commit=kill_at(calls - before_the_end))
    with pytest.raises(Killed):
        drive(new_planner(first, sweep), slots=2)
    first.close()
    ledger = Ledger(tmp_path / "ledger.db")
    drive(new_planner(ledger, sweep), slots=3)
    assert content(ledger, sweep.name) == undisturbed


def test_the_same_again_trains_nothing(sweep, ledger, undisturbed):
    drive(new_planner(ledger, sweep))
    assert drive(new_planner(ledger, sweep)) == []
    assert content(ledger, sweep.name) == undisturbed


def test_a_race_asked_for_later_or_no_more_trains_no_proposal_again(sweep, tmp_path: Path, ledger, undisturbed):
    without = sweep_of(RACE.replace(", race: 5", ""), tmp_path / "without")
    drive(new_planner(ledger, without))
    before = content(ledger, "small")
    handed = drive(new_planner(ledger, sweep))
    assert [attempt.phase for attempt in handed] == ["search"] * 9 + ["confirm"] * 2
    assert content(ledger, "small") == undisturbed
    assert drive(new_planner(ledger, without)) == []
    assert content(ledger, "small") == before


def test_more_trials_race_anew_and_train_only_what_is_new(sweep, tmp_path: Path, ledger):
    drive(new_planner(ledger, sweep))
    longer = sweep_of(RACE.replace("trials: 12", "trials: 30"), tmp_path / "longer")
    known = set(ledger.states())
    handed = drive(new_planner(ledger, longer))
    assert not known & {attempt.key for attempt in handed}
    fresh = Ledger(tmp_path / "fresh.db")
    drive(new_planner(fresh, longer))
    assert content(ledger, "small") == content(fresh, "small")


def test_a_pruner_stops_proposals_and_no_race(tmp_path: Path, ledger):
    pruned = sweep_of(RACE.replace("race: 5", "race: 5, pruner: median"), tmp_path / "pruned")
    (search,) = pruned.searches
    drive(new_planner(ledger, pruned), slots=3)
    states = {(m.seed > search.training_seed, ledger.trial(m.key).state) for m in members(ledger, "search")}
    assert states == {(False, "COMPLETE"), (False, "PRUNED"), (True, "COMPLETE")}
    one = content(ledger, "small")
    other = Ledger(tmp_path / "other.db")
    drive_interleaved(new_planner(other, pruned), slots=5, seed=1)
    assert content(other, "small") == one


def test_settings_that_come_again_race_once(tmp_path: Path, ledger):
    few = RACE.replace("k: {low: 1, high: 30, log: true}, w2: {low: 1, high: 16, log: true}", "k: {choice: [1, 2, 3]}")
    small = sweep_of(few, tmp_path / "few")
    (search,) = small.searches
    drive(new_planner(ledger, small))
    by_seed = [sum(m.seed == search.seed_at(place) for m in members(ledger, "search")) for place in range(5)]
    assert by_seed == [3, 3, 2, 2, 2]
    assert len({m.key for m in members(ledger, "search")}) == sum(by_seed)
    assert sweep_progress(small, ledger).counts.open == 0


def ending_in_race(sweep, ending: str, numbers: set[int] | None = None):
    (search,) = sweep.searches

    def choose(attempt: Attempt) -> Outcome | None:
        races = attempt.phase == "search" and attempt.trial.seed > search.training_seed
        hit = races and (numbers is None or attempt.trial.seed // search.training_seed in numbers)
        return Outcome(ending=ending, reason="because") if hit else None

    return choose


def test_a_setting_that_diverges_with_a_further_seed_cannot_win(sweep, ledger):
    drive(new_planner(ledger, sweep), ending=ending_in_race(sweep, "DIVERGED"))
    (search,) = sweep.searches
    out = {m.proposal for m in members(ledger, "search") if m.seed != search.training_seed}
    assert len(out) == 3  # and none is trained with a third seed
    assert len(members(ledger, "confirm")) == 2
    assert not out & {m.proposal for m in members(ledger, "confirm")}
    assert search_standing("small", search, ledger, tries_again=False).failure == ""
    shown = View(sweeps=[sweep_progress(sweep, ledger)], slots=1, busy=0, elapsed_seconds=1.0, left_seconds=None)
    (line,) = summary(shown)
    assert "6 fewer than planned: " in line
    assert "or some failed or diverged in a race" in line
    assert drive(new_planner(ledger, sweep)) == []


def test_a_failure_in_a_race_is_tried_again_and_ends_the_same(sweep, ledger, undisturbed):
    drive(new_planner(ledger, sweep), ending=ending_in_race(sweep, "FAIL"))
    assert list(ledger.states().values()).count("FAIL") == 3
    assert len(members(ledger, "confirm")) == 2
    drive(new_planner(ledger, sweep))
    assert content(ledger, "small") == undisturbed


# --- counts -----------------------------------------------------------------------------------------------------------


def test_what_is_left_is_told_at_every_moment_and_never_grows(sweep, ledger):
    planner = new_planner(ledger, sweep)
    left = [sweep_progress(sweep, ledger).counts.open]
    planned = sweep_progress(sweep, ledger).planned

    def look(attempt: Attempt) -> None:
        left.append(sweep_progress(sweep, ledger).counts.open)

    drive(planner, ending=look)
    left.append(sweep_progress(sweep, ledger).counts.open)
    assert left[0] == planned == 1 + 8 + 12 + 9 + 2
    assert left == sorted(left, reverse=True)
    assert left[-1] == 0
    assert sweep_progress(sweep, ledger).counts.total == planned


def test_the_plan_counts_the_trainings_of_the_race(sweep, ledger):
    plan = describe_plan(sweep)
    handed = drive(new_planner(ledger, sweep))
    assert plan.most_trainings + plan.teacher_trainings == len(handed)
    assert plan.rows[-1].proposals == 12 + 9
    assert "race of the best 3, 2, 2, 2 by 4 more seeds (at most 9 trainings)" in plan.to_text()


def test_a_long_race_is_told_in_short(tmp_path):
    plan = describe_plan(sweep_of(RACE.replace("race: 5", "race: 100"), tmp_path))
    assert "race of the best 3, 2, 2, 2, 2, 2, …, 2 by 99 more seeds (at most 199 trainings)" in plan.to_text()


def test_a_search_is_whole_once_its_race_is_over(sweep, ledger):
    (search,) = sweep.searches
    drive(new_planner(ledger, sweep), ending=ending_in_race(sweep, "FAIL", {4}))
    assert not is_whole(search, ledger)
    drive(new_planner(ledger, sweep))
    assert is_whole(search, ledger)
    assert under_known_weights(sweep, ledger) == sweep


def test_titles_tell_the_seed_of_a_race(sweep, ledger):
    drive(new_planner(ledger, sweep))
    (search,) = sweep.searches
    titles = {m.seed: ledger.trial(m.key).title for m in members(ledger, "search")}
    assert titles[search.seed_at(0)].split("  ")[-1].startswith("proposal ")
    assert titles[search.seed_at(2)].endswith(", search seed 3")
