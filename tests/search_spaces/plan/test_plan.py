import json
import time
from pathlib import Path

import pytest

import run_sweep
from search_spaces import Speed, describe_plan, expand, read
from tests.search_spaces.sweep_texts import SMALL, sweep_of, write
from trainers.data import describe
from trainers.models.sizes import size_of

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
    assert teacher.logits_bytes == 10_000 * 25 * 100 * 4  # as good as all blocks of the file have one


def test_the_same_in_words_and_in_json(tmp_path: Path) -> None:
    plan = describe_plan(sweep_of(tmp_path, TEXT + SEARCH))
    text = plan.to_text()
    assert "tuned     kd           0       4        2  temperature 1…8 (log)" in text
    assert "tuned: 4 proposals by tpe, 4 at once, 5 epochs each, median pruner; best 1 confirmed" in text
    assert "students 12 trainings at most, 100 epochs; 6 distinct ones are known now" in text
    assert "teachers 1 training; at most 237,500 images answered to be stored, 0 in training steps" in text
    assert json.loads(json.dumps(plan.to_json()))["most_trainings"] == 12


def test_seeds_until_settled_are_counted_at_least_and_at_most(tmp_path: Path) -> None:
    text = TEXT.replace("seeds: 2", "seeds: {first: 3, most: 12, settle: grid}") + SEARCH
    plan = describe_plan(sweep_of(tmp_path, text))
    assert (plan.least_trainings, plan.most_trainings) == (3 * 3 + 4 + 3, 3 * 12 + 4 + 12)  # ce and same are one
    assert plan.epochs == 36 * 10 + 4 * 5 + 12 * 10
    told = plan.to_text()
    assert "1 cell, 5 rows, 3 seeds or more, float32" in told
    assert "seeds    3, 5, 8 and 12, as long as comparisons with grid k=1 are open" in told
    assert "students 16 to 52 trainings, 500 epochs; 9 distinct ones are known now" in told
    assert plan.teachers[0].stored_answers == 25 * 10_000  # all views of all images
    alike = describe_plan(sweep_of(tmp_path, text.replace("most: 12", "most: 3")))
    assert "students 16 trainings, 140 epochs; " in alike.to_text()


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


def test_rows_that_share_a_search_search_once(tmp_path: Path) -> None:
    again = "  tuned:", "  again: {method: kd, temperature: {low: 1, high: 8, log: true}}\n  tuned:"
    plan = describe_plan(sweep_of(tmp_path, TEXT.replace(*again) + SEARCH))
    assert plan.most_trainings == 12
    assert plan.searches[-1] == "1 of these is the same search as another, and is made once"


def test_multiply_adds_and_hours_worked_by_hand(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, SMALL)
    info = describe("digits100")
    student, teacher = (
        size_of(name, f"cifar_{name}", 16, 100, channels=1).multiply_adds for name in ("tinycnn", "tinyresnet")
    )
    images, epochs, trainings = 10_000, 10, 4
    trained = epochs * (3 * images + info.test)
    work = describe_plan(sweep, speed=Speed(tflops=1e-6, step_seconds=0)).work
    assert work.multiply_adds == trainings * trained * student + trained * teacher + 2 * epochs * images * teacher
    assert work.gpu_hours == pytest.approx(2 * work.multiply_adds / 1e6 / 3600)
    steps = 5 * epochs * 79  # batches of 128
    waiting = describe_plan(sweep, speed=Speed(tflops=1e9)).work
    assert (waiting.steps, waiting.gpu_hours) == (steps, pytest.approx(0.01 * steps / 3600, rel=1e-3))


def test_a_network_that_a_method_makes_of_the_student_is_counted_whole(tmp_path: Path) -> None:
    plain, whole = (describe_plan(sweep_of(tmp_path, SMALL.replace("  kd:", f"  {name}:"))) for name in ("at", "simkd"))
    channels, inner, width = 64, 48, 96
    convolutions = channels * inner + 9 * inner**2 + inner * width
    added = convolutions + 2 * (inner + inner + width) + 100 * (width + 1)
    assert whole.disk.weights_bytes - plain.disk.weights_bytes == 2 * 4 * added  # of two seeds, in float32
    an_image = 4 * convolutions + 100 * width
    trained = 2 * 10 * (3 * 10_000 + describe("digits100").test)
    assert whole.work.multiply_adds - plain.work.multiply_adds == trained * an_image


def test_predictions_take_disk_for_each_training_that_is_no_proposal(tmp_path: Path) -> None:
    searched = SMALL.replace("  kd:", "  kd:\n  tuned: {method: gdkd, k: {low: 1, high: 8}}") + SEARCH
    kept, off = (describe_plan(sweep_of(tmp_path, SMALL + more)).disk for more in ("", "predictions: off\n"))
    with_search = describe_plan(sweep_of(tmp_path, searched)).disk
    each = describe("digits100").test * 100 * 2
    assert kept.predictions_bytes == 5 * each  # four students and the teacher
    assert off.predictions_bytes == 0
    assert with_search.predictions_bytes == (5 + 2) * each  # the choice with two seeds


def test_trials_that_share_a_gpu_wait_together(tmp_path: Path) -> None:
    whole, half = (
        describe_plan(sweep_of(tmp_path, SMALL + f"resources: {{gpus: {gpus}}}\n"), speed=Speed(tflops=1e9))
        for gpus in (1, 0.5)
    )
    assert half.work.gpu_hours == pytest.approx(whole.work.gpu_hours / 2, rel=1e-3)
    assert "steps of at least 10 ms (2 trials share a GPU); not measured" in half.to_text()
    assert "asks for no GPU" not in half.to_text()


@pytest.mark.parametrize(
    "change", [("  kd:", "  at:"), ("  kd:", "  kd:\nbank: off"), ("  kd:", "  kd:\nrecipe: {mixup: 0.2}")]
)
def test_teachers_whose_logits_nobody_stores(change: tuple[str, str], tmp_path: Path) -> None:
    plan = describe_plan(sweep_of(tmp_path, SMALL.replace(*change)))
    (teacher,) = plan.teachers
    assert (teacher.stored_answers, teacher.live_answers, teacher.logits_bytes) == (0, 2 * 10 * 10_000, 0)
    assert "answers 200,000 images in training steps; no stored logits" in plan.to_text()
    assert "disk     at most no stored logits" in plan.to_text()


def test_a_teacher_answers_no_view_twice(tmp_path: Path) -> None:
    plan = describe_plan(sweep_of(tmp_path, SMALL.replace("seeds: 2", "seeds: 9")))
    assert plan.teachers[0].stored_answers == 10_000 * 25


def test_few_answers_take_a_block_each(tmp_path: Path) -> None:
    few = "recipe: {base: digits, epoch_steps: 1, epochs: 2}\n"
    (teacher,) = describe_plan(sweep_of(tmp_path, SMALL + few)).teachers
    assert teacher.stored_answers == 2 * 2 * 128
    assert teacher.logits_bytes == teacher.stored_answers * (400 + 4096)


def test_recipes_in_words(tmp_path: Path) -> None:
    text = """\
        name: small
        dataset: digits100
        pairs: [tinyresnet -> tinycnn, tinyresnet -> shufflev1, vgg13 -> vgg8]
        recipe: {base: cifar, batch_size: 32, accumulate: 4, scale_learning_rate: on}
        teachers: {vgg13: {recipe: {base: transformer, epochs: 30}, variant: strong}}
        methods: {kd: }
        seeds: 1
        """
    plan = describe_plan(sweep_of(tmp_path, text))
    schedule = "x 0.1 after epochs 150, 180, 210"
    assert [(line.networks, line.recipe) for line in plan.recipes] == [
        ((), f"240 epochs, batch 32 x 4, sgd at 0.1 (0.05 scaled with the batch), {schedule}"),
        (("shufflev1",), f"240 epochs, batch 32 x 4, sgd at 0.02 (0.01 scaled with the batch), {schedule}"),
        (
            ("teacher vgg13",),
            "30 epochs, batch 1024, adamw at 0.001, cosine to 1e-05, warm-up 2 epochs, gradients clipped to 5",
        ),
    ]
    assert "recipe   digits100, teacher vgg13: 30 epochs" in plan.to_text()
    assert "teacher  digits100: vgg13, strong, trained here; answers" in plan.to_text()


ELSEWHERE = """\
name: elsewhere
datasets: {cityscapes: }
pairs: deeplabv3_resnet101 -> deeplabv3_resnet18
methods: {kd: }
seeds: 1
resources: {gpus: 1}
"""


def test_what_is_not_here_is_named_once_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KDSWEEP_DATA", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    file = read(write(tmp_path, ELSEWHERE), planning=True)
    plan = describe_plan(expand(file, capability=lambda: None), assumed=[*file.assumed, *file.assumed])
    lines = plan.to_text().partition("\nnot found here, taken as published:\n")[2].splitlines()
    assert [line.partition(":")[0].strip() for line in lines] == [
        "cityscapes",
        "deeplabv3_resnet101",
        "deeplabv3_resnet18",
    ]
    assert plan.to_json()["assumed"] == [line.strip() for line in lines]
    assert plan.recipes[0].recipe == (
        "100 epochs of 400 steps, batch 16, sgd at 0.02, poly 0.9 to 0.0001, from published weights"
    )
    assert plan.teachers[0].live_answers == 40_000 * 16


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("KDSWEEP_DATA", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    file = str(write(tmp_path, ELSEWHERE))
    assert run_sweep.main(["plan", file, "--json"]) == 0
    usual = json.loads(capsys.readouterr().out)
    assert run_sweep.main(["plan", file, "--json", "--tflops", "20"]) == 0
    fast = json.loads(capsys.readouterr().out)
    assert fast["work"]["gpu_hours"] == pytest.approx(usual["work"]["gpu_hours"] / 2)
    assert len(fast["assumed"]) == 3
    assert run_sweep.main(["plan", file, "--tflops", "20", "--details"]) == 0
    out = capsys.readouterr().out
    assert "at 20 TFLOP/s, steps of at least 10 ms; not measured" in out
    assert out.count("not found here") == 1
    with pytest.raises(SystemExit):
        run_sweep.main(["plan", file, "--tflops", "0"])
    assert "must be a finite number above 0" in capsys.readouterr().err


def test_two_views_cost_twice_and_store_both(tmp_path: Path) -> None:
    texts = [SMALL.replace("  kd:", f"  mlkd: {{views: {views}}}") for views in ("one", "released")]
    one, two = (describe_plan(sweep_of(tmp_path, text)) for text in texts)
    assert two.teachers[0].stored_answers == 2 * one.teachers[0].stored_answers
    assert (one.work.views, two.work.views) == (1, 2)
    assert 1 < two.work.multiply_adds / one.work.multiply_adds < 2  # scoring and the teacher's training stay
    assert "of two views of an image each costs as much" in two.to_text()
    assert "two views" not in one.to_text()
