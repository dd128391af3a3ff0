import json
import time
from pathlib import Path

from search_spaces import describe_plan
from tests.search_spaces.sweep_texts import SMALL, sweep_of

TEXT = SMALL.replace(
    "  kd:",
    "  same: {method: ce}\n  grid: {method: gdkd, k: {grid: [1, 5]}}\n"
    "  tuned: {method: kd, temperature: {low: 1, high: 8, log: true}}",
)
SEARCH = "search: {trials: 4, epochs: 5, pruner: median}\n"


def test_counts(tmp_path: Path) -> None:
    plan = describe_plan(sweep_of(tmp_path, TEXT + SEARCH))
    assert [(row.label, row.fixed, row.proposals, row.confirming) for row in plan.rows] == [
        ("ce", 2, 0, 0),
        ("same", 2, 0, 0),
        ("grid k=1", 2, 0, 0),
        ("grid k=5", 2, 0, 0),
        ("tuned", 0, 4, 2),
    ]
    assert plan.distinct_trainings == 6
    assert plan.most_trainings == 12
    assert plan.epochs == 6 * 10 + 4 * 5 + 2 * 10
    (teacher,) = plan.teachers
    assert teacher.stored_answers == 2 * 10 * 10_000 + 5 * 7_500  # two seeds, and the one of the proposals
    assert teacher.logits_bytes == teacher.stored_answers * 100 * 4


def test_the_same_in_words_and_in_json(tmp_path: Path) -> None:
    plan = describe_plan(sweep_of(tmp_path, TEXT + SEARCH))
    text = plan.to_text()
    assert "tuned     kd           0       4        2  temperature 1…8 (log)" in text
    assert "tuned: 4 proposals by tpe, 4 at once, 5 epochs each, median pruner; best 1 confirmed" in text
    assert "students 12 trainings at most, 100 epochs; 6 distinct ones are known now" in text
    assert "teachers 1 training; at most 237,500 images answered to be stored, 0 in training steps" in text
    assert json.loads(json.dumps(plan.to_json()))["most_trainings"] == 12


def test_without_a_bank_no_logits_are_stored(tmp_path: Path) -> None:
    plan = describe_plan(sweep_of(tmp_path, SMALL + "bank: off\n"))
    assert plan.teachers[0].logits_bytes == 0
    assert (plan.teachers[0].stored_answers, plan.teachers[0].live_answers) == (0, 2 * 10 * 10_000)


def test_ten_thousand_trials_take_seconds(tmp_path: Path) -> None:
    grid = "{grid: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}"
    text = SMALL.replace("  kd:", f"  gdkd: {{k: {grid}, w1: {grid}, w2: {grid}}}").replace("seeds: 2", "seeds: 10")
    started = time.process_time()
    sweep = sweep_of(tmp_path, text)
    describe_plan(sweep).to_text()
    assert len(sweep.fixed) == 10_010
    assert time.process_time() - started < 5
