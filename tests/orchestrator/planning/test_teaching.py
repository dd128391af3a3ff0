"""Teachers are scored before students learn from them, and those that are worth nothing are refused."""

import contextlib
import dataclasses
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import orchestrator
from orchestrator.acceptance import accept as acceptance
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import TrialRow
from orchestrator.planning.teaching import refusal
from search_spaces import TeacherPlan
from tests.orchestrator.acceptance.test_notes import Listening
from tests.trainers.layouts import write_imagefolder
from tests.trainers.picture_trials import CPU, recipe, trial
from trainers.files.store import Store
from trainers.files.tensor_files import load_tensors
from trainers.teachers.frozen import TeacherError
from trainers.training.distill import Training, distill
from trainers.training.teaching.scoring import CLAIMED, REORDERED

CLASSES = 6
SWEEP = """\
name: given
datasets: {imagefolder: {root: pictures, size: 16, views: 1}}
pairs: tinycnn -> tinycnn
recipe: {base: quick, epochs: 1, batch_size: 8}
teachers: {tinycnn: {checkpoint: teacher.pth}}
methods: {kd: }
seeds: 1
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data") / "pictures"
    write_imagefolder(root, classes=CLASSES, per_class=8, test_per_class=6, size=16)
    return root


@pytest.fixture(scope="module")
def weights(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    """Return the weights of a network that knows the pictures."""
    home = tmp_path_factory.mktemp("home")
    learning = trial(pictures, views="rrc16-flip", count=1, changes=recipe(epochs=12, learning_rate=0.1))
    *_, last = distill(learning, Store(home), data_root=pictures)
    assert last.values["test_top1"] > 90
    last.save_weights(home / "weights.safetensors")
    return load_tensors(home / "weights.safetensors")[0]


@pytest.fixture
def place(pictures: Path, tmp_path: Path) -> Path:
    shutil.copytree(pictures, tmp_path / "pictures")
    return tmp_path


def shifted(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights that answer every class by the next one's name."""
    return {name: one.roll(1, 0) if name.startswith("fc.") else one for name, one in weights.items()}


def at_random(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(one.shape, generator=generator) / 10 if name.endswith("weight") and one.ndim > 1 else one
        for name, one in weights.items()
    }


def go(place: Path, text: str = SWEEP) -> tuple[orchestrator.RunResult, list[str]]:
    (place / "given.yaml").write_text(text)
    screen = Listening()
    return orchestrator.run([place / "given.yaml"], home=place / "home", workers=0, screen=screen), screen.lines


def rows(place: Path) -> list[tuple[str, str, int]]:
    """Return role, state and attempts of every trial."""
    with contextlib.closing(Ledger(place / "home/ledger.db")) as ledger:
        found = ledger.rows("SELECT json_extract(spec, '$.role') AS role, state, attempts FROM trial ORDER BY role")
    return [tuple(row) for row in found]


def test_a_good_teacher_is_scored_once_and_shown(weights, place: Path) -> None:
    torch.save({"net": weights, "best_acc": 0.97}, place / "teacher.pth")
    result, lines = go(place)
    assert result.exit_code == 0 and result.trained == 2
    assert rows(place) == [("given", "COMPLETE", 1), ("student", "COMPLETE", 1)]
    table = (place / "home/reports/given/table.md").read_text()
    line = next(line for line in table.splitlines() if line.startswith("| teacher"))
    assert re.search(r"\| (9\d\.\d|100)", line), line
    assert any(line.startswith("note: teachers.tinycnn.checkpoint: weights under 'net'") for line in lines)
    with contextlib.closing(Ledger(place / "home/ledger.db")) as ledger:
        (scored,), (key,) = ledger.rows("SELECT key FROM trial ORDER BY json_extract(spec, '$.role')")
    _, told = load_tensors(Store(place / "home").predictions(key))
    assert told["teacher"] == scored
    result, _ = go(place, SWEEP.replace("seeds: 1", "seeds: 2"))
    assert result.exit_code == 0 and result.trained == 1


BAD: dict[str, tuple[Callable[[Mapping[str, Tensor]], Any], str]] = {
    "another order": (shifted, "if its classes were in another order"),
    "another order, and it says what it scores": (lambda w: {"model": shifted(w), "acc": 97.0}, "its file says 97.0 %"),
    "random": (at_random, "are right, where guessing gets|it answers class"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_teacher_is_refused_until_it_is_accepted(case: str, weights, place: Path) -> None:
    make, reason = BAD[case]
    torch.save(make(weights), place / "teacher.pth")
    result, _ = go(place)
    assert result.exit_code == 2 and rows(place) == [("given", "COMPLETE", 1), ("student", "WAITING", 0)]
    (told,) = [line for line in result.problems if "is refused" in line]
    assert re.search(reason, told)
    for cause in ("order", "normalisation", "size", "teachers.tinycnn.accept: true"):
        assert cause in told
    result, lines = go(place)  # known by now, and refused again
    assert result.exit_code == 2 and result.trained == 0 and not any("nothing to train" in line for line in lines)
    result, _ = go(place, SWEEP.replace("teacher.pth", "teacher.pth, accept: true"))
    assert result.exit_code == 0 and result.trained == 1
    assert rows(place) == [("given", "COMPLETE", 1), ("student", "COMPLETE", 1)]
    result, lines = go(place)  # nothing is left that could learn from it
    assert result.exit_code == 0 and any("nothing to train" in line for line in lines)


@pytest.mark.slow
def test_searches_wait_too(weights, place: Path) -> None:
    torch.save(shifted(weights), place / "teacher.pth")
    searched = SWEEP.replace("{kd: }", "{kd: {temperature: {low: 1, high: 4}}}\nsearch: {trials: 2, parallel: 1}")
    result, _ = go(place, searched)
    assert result.exit_code == 2 and rows(place) == [("given", "COMPLETE", 1)]


@pytest.mark.slow
def test_what_was_accepted_without_a_score_goes_on_without(
    weights, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A home of before: its students go on; what joins them has the teacher scored."""
    torch.save(shifted(weights), place / "teacher.pth")
    with monkeypatch.context() as before:
        before.setattr(acceptance, "_has_new_students", lambda *_: False)
        (place / "given.yaml").write_text(SWEEP)
        before.setattr(orchestrator.commands.course.course, "drive", lambda *_, **__: None)
        go(place)
    assert rows(place) == [("student", "WAITING", 0)]
    result, _ = go(place)
    assert result.exit_code == 0 and rows(place) == [("student", "COMPLETE", 1)]
    result, _ = go(place, SWEEP.replace("{kd: }", "{kd: , dkd: }"))
    assert result.exit_code == 2
    assert rows(place) == [("given", "COMPLETE", 1), ("student", "COMPLETE", 1), ("student", "WAITING", 0)]


@pytest.mark.slow
def test_a_teacher_that_was_trained_to_nothing_is_refused(place: Path) -> None:
    trained = SWEEP.replace("checkpoint: teacher.pth", "recipe: {learning_rate: 1e-9, epochs: 1}")
    result, _ = go(place, trained)
    assert result.exit_code == 2 and rows(place) == [("student", "WAITING", 0), ("teacher", "COMPLETE", 1)]
    (told,) = [line for line in result.problems if "is refused" in line]
    assert "learning_rate" in told and "accept: true" in told
    result, _ = go(place, trained.replace("epochs: 1}}", "epochs: 1}, accept: true}"))
    assert result.exit_code == 0


@pytest.mark.parametrize("what", ["weights", "answers"])
def test_a_teacher_that_ends_with_what_is_no_number_fails_itself(what: str, pictures: Path, tmp_path: Path) -> None:
    """The loss of the last step is finite, the step is not."""
    given = dataclasses.replace(trial(pictures, views="rrc16-flip", count=1, changes=recipe(epochs=1)), role="teacher")
    training = Training(given, Store(tmp_path), device=CPU, data_root=pictures)
    training.train_epoch()
    training.check_finite()
    with torch.no_grad():
        training.student.state_dict()["fc.weight"].fill_(torch.nan if what == "weights" else 3e38)
    list(training.scores.score(1, training.student, training.scored))
    with pytest.raises(TeacherError, match="weights are not finite: fc.weight" if what == "weights" else "answers"):
        training.check_finite()


@pytest.mark.slow
def test_a_given_teacher_that_answers_no_numbers_fails(weights, place: Path) -> None:
    torch.save(dict(weights) | {"fc.weight": torch.full_like(weights["fc.weight"], 3e38)}, place / "teacher.pth")
    result, lines = go(place)
    assert result.exit_code == 1 and rows(place) == [("given", "FAIL", 1), ("student", "WAITING", 0)]
    assert any("cannot be learnt from" in line for line in lines) or any("failed" in line for line in result.problems)


@pytest.mark.parametrize(
    ("metrics", "refused"),
    [
        ({"final_top1": 50.0}, False),
        ({"final_top1": 50.0, CLAIMED: 75.0}, False),
        ({"final_top1": 37.4, CLAIMED: 75.0}, True),
        ({"final_top1": 40.0, REORDERED: 85.0}, True),
        ({"final_miou": 30.0, CLAIMED: 71.0}, True),
    ],
)
def test_bounds(metrics: dict[str, float], refused: bool) -> None:
    row = TrialRow(key="k", config_key="c", spec={}, state="COMPLETE", metrics=metrics)
    plan: Any = TeacherPlan(
        dataset="d", model="m", timm_name="m", model_args={}, id="i", trial=None, checkpoint=Path("w"),
        scoring=trial_of_nothing(),
    )  # fmt: skip
    assert bool(refusal(row, plan)) == refused
    assert refusal(row, dataclasses.replace(plan, accept=True)) == ""
    assert refusal(dataclasses.replace(row, state="RUNNING"), plan) == ""


def trial_of_nothing() -> Any:
    return object()
