"""Predictions are kept when a trial ends: a student's beside those of its teacher, which answers once."""

import dataclasses
from pathlib import Path

import pytest
import torch

from orchestrator.worker.attempts import Attempt, Report
from orchestrator.worker.keeper import FarFiles, HomeFiles
from orchestrator.worker.worker import make_order, run_order
from reports.results import predictions
from tests.trainers.tiny import student_trial, teacher_trial
from trainers import data
from trainers.files.store import Store
from trainers.files.tensor_files import load_tensors
from trainers.teachers.frozen import FrozenTeacher
from trainers.training.distill import Training
from trainers.training.teaching.scoring import scoring, scoring_of
from trainers.trials.trial import Teacher, Trial, trial_key


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Training, "_images", property(lambda _training: 64))


def trained(trial: Trial, home: Path, *, predictions: bool = True, **way: object) -> Report:
    attempt = Attempt(
        key=trial_key(trial),
        number=1,
        trial=trial,
        phase="fixed",
        sweep="s",
        keep_weights=True,
        bank=True,
        predictions=predictions,
    )
    *_, last = run_order(make_order(attempt, home=home, threads=1, device="cpu"), **way)
    assert last.ending == "COMPLETE"
    return last


def short(trial: Trial) -> Trial:
    return dataclasses.replace(trial, recipe=trial.recipe.replaced(batch_size=32, epochs=1))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a teacher that was trained there."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Training, "_images", property(lambda _training: 64))
        report = trained(teacher_trial(), folder)
    found, told = load_tensors(Store(folder).predictions(trial_key(teacher_trial())))
    right = (found["logits"].argmax(1) == found["targets"]).double().mean()
    assert report.metrics["final_top1"] == pytest.approx(100 * float(right))
    assert told["teacher"] == "" and "by_rank" not in found
    return folder


def test_a_student_is_compared_with_what_its_teacher_answered(home: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []
    whole = FrozenTeacher.at_once
    monkeypatch.setattr(FrozenTeacher, "at_once", lambda own, x: asked.append(len(x)) or whole(own, x))
    trial = short(student_trial("kd", split="full"))
    report = trained(trial, home)
    assert sum(asked) <= 64 * 25  # of training images, never test images, of which there are 6,000
    found, told = load_tensors(Store(home).predictions(trial_key(trial)))
    theirs, _ = load_tensors(Store(home).predictions(trial_key(teacher_trial())))
    assert told["teacher"] == trial_key(teacher_trial())
    assert torch.equal(found["targets"], torch.from_numpy(data.load("digits100").test_targets).int())
    assert report.metrics["final_top1"] == pytest.approx(100 * float(found["right"].double().mean()))
    agreement = (found["logits"].argmax(1) == theirs["logits"].argmax(1)).double().mean()
    assert isinstance(told["measures"], dict) and told["measures"]["agreement"] == pytest.approx(100 * float(agreement))


def test_by_the_keeper_and_with_it_as_here(home: Path, tmp_path: Path):
    trial = short(student_trial("dkd", split="full"))
    trained(trial, home)
    here = Store(home).predictions(trial_key(trial))
    expected = here.read_bytes()
    here.unlink()
    files = HomeFiles(home)

    def way(what: str, *arguments: object) -> object:
        return getattr(files, what)(*arguments)

    trained(trial, home, keeper=FarFiles(way, way), copies=tmp_path / "copies")
    assert here.read_bytes() == expected
    assert not Store(tmp_path / "copies").predictions(trial_key(trial)).exists()


def test_a_given_teacher_answers_when_it_is_scored(home: Path):
    teacher = Teacher(id="ab" * 32, model="cifar_tinycnn")
    weights = Store(home).weights(teacher.id)
    weights.write_bytes(Store(home).weights(trial_key(teacher_trial())).read_bytes())
    trial = scoring(data.describe("digits100"), teacher)
    trained(trial, home)
    given, told = load_tensors(Store(home).predictions(trial_key(trial)))
    own, _ = load_tensors(Store(home).predictions(trial_key(teacher_trial())))
    assert told["trial_key"] == trial_key(trial)
    assert torch.allclose(given["logits"].float(), own["logits"].float(), atol=0.01)


def test_one_file_of_weights_that_is_scored_in_two_ways_answers_twice(home: Path):
    plain = Teacher(id="cd" * 32, model="cifar_tinycnn")
    weights = Store(home).weights(plain.id)
    weights.write_bytes(Store(home).weights(trial_key(teacher_trial())).read_bytes())
    ways = [plain, dataclasses.replace(plain, mean=(0.9,), std=(0.05,))]
    scored = [scoring(data.describe("digits100"), teacher) for teacher in ways]
    students = [short(dataclasses.replace(student_trial("kd", split="full"), teacher=teacher)) for teacher in ways]
    assert [scoring_of(student) for student in students] == scored
    for trial in (*scored, *students):  # the second scoring stands between the first one and its student
        trained(trial, home)
    answers = [load_tensors(Store(home).predictions(trial_key(trial)))[0]["logits"].argmax(1) for trial in scored]
    assert not torch.equal(*answers)
    for theirs, trial, student in zip(answers, scored, students, strict=True):
        found, told = load_tensors(Store(home).predictions(trial_key(student)))
        agreement = 100 * float((found["logits"].argmax(1) == theirs).double().mean())
        assert told["teacher"] == trial_key(trial)
        assert isinstance(told["measures"], dict) and told["measures"]["agreement"] == pytest.approx(agreement)
    lines = [{"trial_key": trial_key(trial), "phase": "teacher"} for trial in scored]
    assert len({one.file for one in predictions.read(home, lines).values()}) == len(ways)


def test_nothing_is_kept_where_it_is_not_asked_for_or_validated(home: Path):
    off, searched = short(student_trial("nkd", split="full")), short(student_trial("nkd", split="search"))
    trained(off, home, predictions=False)
    trained(searched, home)
    assert not any(Store(home).predictions(trial_key(trial)).exists() for trial in (off, searched))


def test_a_full_disk_is_told_and_ends_nothing(home: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trainers.predictions.answers.save_tensors", full)
    report = trained(short(student_trial("kd", split="full", seed=7)), home)
    assert "predictions could not be kept" in report.warnings[0]


def test_beside_a_teacher_of_before_what_needs_it_is_left_out(home: Path, tmp_path: Path):
    trial = short(student_trial("kd", split="full"))
    place = Store(tmp_path).weights(trial_key(teacher_trial()))
    place.parent.mkdir()
    place.write_bytes(Store(home).weights(trial_key(teacher_trial())).read_bytes())
    assert trained(trial, tmp_path).warnings == []
    _, told = load_tensors(Store(tmp_path).predictions(trial_key(trial)))
    assert told["teacher"] == "" and isinstance(told["measures"], dict) and told["measures"].keys() == {"nll", "ece"}
