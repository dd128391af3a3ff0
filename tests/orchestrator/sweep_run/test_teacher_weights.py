"""Teachers whose weights are lost: fetched, trained again where the store says that it has none, and else refused."""

import contextlib
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

import orchestrator
from orchestrator.commands.repeat import UnknownTrialError
from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store import TrackingError
from orchestrator.mlflow_store.moved import forget_places
from orchestrator.sweep_run.teacher_weights import TeacherWeightsError
from tests.orchestrator.acceptance.test_notes import Listening
from tests.trainers.layouts import write_imagefolder
from trainers.files.store import Store
from trainers.files.tensor_digest import weights_digest
from trainers.files.tensor_files import load_tensors, save_tensors
from trainers.training.distill import Epoch

SWEEP = """\
name: lost
datasets: {imagefolder: {root: pictures, size: 16, views: 1}}
pairs: tinycnn -> tinycnn
recipe: {base: quick, epochs: 1, batch_size: 8}
teachers: {tinycnn: {accept: true}}
methods: {kd: }
seeds: 1
"""
SEARCHED = SWEEP.replace("{kd: }", "{kd: {temperature: {low: 1, high: 4}}}") + "search: {trials: 1, parallel: 1}\n"
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Path:
    """The place of a sweep that has ended, with all its results told."""
    place = tmp_path_factory.mktemp("trained")
    write_imagefolder(place / "pictures", classes=3, per_class=8, test_per_class=6, size=16)
    (place / "home").mkdir()
    shutil.copy(empty_store, place / "home/mlflow.db")
    result, _ = go(place)
    assert result.exit_code == 0 and result.trained == 2
    return place


@pytest.fixture
def place(trained: Path, tmp_path: Path) -> Path:
    """A copy without any weights; its artifacts are where the store says."""
    shutil.copytree(trained, tmp_path / "place")
    shutil.rmtree(tmp_path / "place/home/weights")
    artifacts_were_in(tmp_path / "place", str(trained), str(tmp_path / "place"))
    return tmp_path / "place"


def artifacts_were_in(place: Path, before: str, after: str) -> None:
    with contextlib.closing(sqlite3.connect(place / "home/mlflow.db")) as database, database:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            database.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (before, after))
    forget_places()


def go(place: Path, text: str = SWEEP) -> tuple[orchestrator.RunResult, list[str]]:
    (place / "lost.yaml").write_text(text)
    screen = Listening()
    return orchestrator.run([place / "lost.yaml"], home=place / "home", workers=0, screen=screen), screen.lines


def attempts(place: Path) -> dict[str, int]:
    """Return how often trials were tried, by role."""
    with contextlib.closing(Ledger(place / "home/ledger.db")) as ledger:
        rows = ledger.rows("SELECT json_extract(spec, '$.role') AS role, sum(attempts) FROM trial GROUP BY role")
    return {row["role"]: row[1] for row in rows}


def teacher(place: Path) -> str:
    with contextlib.closing(Ledger(place / "home/ledger.db")) as ledger:
        ((key,),) = ledger.rows("SELECT key FROM trial WHERE json_extract(spec, '$.role') = 'teacher'")
    return str(key)


def nothing_about_it(place: Path) -> None:
    """The store has them."""


def mlflow_is_removed(place: Path) -> None:
    (place / "home/mlflow.db").unlink()


def artifacts_are_removed(place: Path) -> None:
    shutil.rmtree(place / "home/mlartifacts")


MORE = SWEEP.replace("seeds: 1", "seeds: 2")


@pytest.mark.parametrize("text", [MORE, SEARCHED])
def test_a_store_that_is_away_is_not_one_without_weights(
    text: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setenv("MLFLOW_TRACKING_URI", NOBODY)
        with pytest.raises(TeacherWeightsError) as refused:
            go(place, text)
    words = str(refused.value)
    for part in (f"{teacher(place)}.safetensors", "are missing", NOBODY, "imagefolder: tinycnn", "MLFLOW_TRACKING_URI"):
        assert part in words, words
    assert attempts(place) == {"teacher": 1, "student": 1}
    with contextlib.closing(Ledger(place / "home/ledger.db")) as ledger:
        assert ledger.rows("SELECT state FROM sweep")[0]["state"] == "INTERRUPTED"
    result, lines = go(place, text)  # it is back
    assert result.exit_code == 0 and attempts(place)["teacher"] == 1
    assert not any("trained again" in line and "had been trained" in line for line in lines)


@pytest.mark.slow
def test_a_store_that_is_away_is_no_trouble_to_who_needs_nothing_of_it(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    monkeypatch.setattr("orchestrator.commands.course.course.drain", lambda *_: [])
    _, lines = go(place)
    assert "nothing to train: every trial has ended before" in lines


@pytest.mark.parametrize("loss", [mlflow_is_removed, artifacts_are_removed])
def test_where_the_store_has_none_the_teacher_is_trained_again_which_is_said(
    loss: Callable[[Path], None], place: Path
) -> None:
    loss(place)
    result, lines = go(place, MORE)
    assert result.exit_code == 0 and attempts(place) == {"teacher": 2, "student": 2}
    said = "\n".join(lines)
    assert "the teacher imagefolder: tinycnn had been trained, and is trained again" in said
    assert "lost: 1 trial has ended before and is not trained again: 1 of its own" in said
    assert "to train: 2 trials (teacher, kd)" in said
    key = teacher(place)
    assert list((place / "home/mlartifacts").rglob(f"{key}.safetensors"))  # and the store has them again


@pytest.mark.slow
def test_what_the_store_cannot_hand_out_it_may_still_have(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers, but for the weights: its disk is away, say."""
    from mlflow import MlflowClient

    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as away:
        away.setattr(MlflowClient, "list_artifacts", broken)
        shutil.move(place / "home/mlartifacts", place / "elsewhere")
        with pytest.raises(TeacherWeightsError, match="Input/output error"):
            go(place, MORE)
    shutil.move(place / "elsewhere", place / "home/mlartifacts")
    assert go(place, MORE)[0].exit_code == 0 and attempts(place)["teacher"] == 1


def test_a_moved_home_finds_its_weights(place: Path) -> None:
    artifacts_were_in(place, str(place), "/before")
    result, _ = go(place, MORE)
    assert result.exit_code == 0 and attempts(place)["teacher"] == 1


@pytest.mark.slow
def test_artifacts_of_another_machine_are_out_of_reach(place: Path) -> None:
    from orchestrator.mlflow_store.target import _must_be_here

    _must_be_here((place / "home/mlartifacts/run/artifacts").as_uri(), place / "home")
    _must_be_here("mlflow-artifacts:/1/run/artifacts", place / "home")
    (place / "mounted").mkdir()
    _must_be_here((place / "mounted/run/artifacts").as_uri(), place / "home")
    with pytest.raises(TrackingError, match="not on this machine"):
        _must_be_here((place / "unmounted/run/artifacts").as_uri(), place / "home")


@pytest.mark.slow
def test_a_search_that_has_only_to_confirm_needs_its_teacher_too(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert go(place, SEARCHED)[0].exit_code == 0
    shutil.rmtree(place / "home/weights")
    artifacts_are_removed(place)
    result, lines = go(place, SEARCHED.replace("seeds: 1", "seeds: 2"))
    assert result.exit_code == 0 and attempts(place)["teacher"] == 2
    assert any("is trained again" in line for line in lines)


# --- weights that are others ----------------------------------------------------------------------------------------


def specs(place: Path) -> list[tuple[str, int, str, int, str]]:
    """Return role, seed, state, attempts and the teacher's weights in the key, of all trials."""
    with contextlib.closing(Ledger(place / "home/ledger.db")) as ledger:
        return [
            tuple(row)
            for row in ledger.rows(
                "SELECT json_extract(spec, '$.split') || ' ' || json_extract(spec, '$.role'), "
                "json_extract(spec, '$.seed'), state, attempts, coalesce(json_extract(spec, '$.teacher.weights'), '-') "
                "FROM trial ORDER BY rowid"
            )
        ]


def trial_keys(place: Path) -> list[str]:
    with contextlib.closing(Ledger(place / "home/ledger.db")) as ledger:
        return [row["key"] for row in ledger.rows("SELECT key FROM trial ORDER BY rowid")]


def tags_of(place: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(place / "home/mlflow.db")) as database:
        return {value for (value,) in database.execute("SELECT value FROM tags WHERE key = 'teacher_weights'")}


@pytest.fixture
def otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings of teachers come out otherwise than they did, as on a GPU."""
    save = Epoch.save_weights

    def changed(self: Epoch, path: Path) -> None:
        save(self, path)
        if self.training.trial.role == "teacher":
            tensors, metadata = load_tensors(path)
            save_tensors(path, {n: t + 0.001 if t.is_floating_point() else t for n, t in tensors.items()}, metadata)

    monkeypatch.setattr(Epoch, "save_weights", changed)


def test_equal_weights_keep_todays_keys(place: Path) -> None:
    artifacts_are_removed(place)
    assert go(place, MORE)[0].exit_code == 0
    assert {weights for *_, weights in specs(place)} == {"-", ""}
    assert len(tags_of(place)) == 1


@pytest.mark.usefixtures("otherwise")
def test_students_of_other_weights_have_other_keys(place: Path) -> None:
    artifacts_are_removed(place)
    result, lines = go(place, MORE)
    assert result.exit_code == 0 and result.trained == 2
    assert any("are others than those of before" in line for line in lines)
    trials = specs(place)
    first = next(trial for trial in trials if trial[0] == "full student" and trial[1] == 0)
    assert first[2:] == ("COMPLETE", 1, "")  # it has a result
    (renewed,) = [trial for trial in trials if trial[4] not in ("", "-")]
    assert renewed[:4] == ("full student", 1, "COMPLETE", 1)
    assert renewed[4] == weights_digest(Store(place / "home").weights(teacher(place)))
    assert len(tags_of(place)) == 2 and renewed[4] in tags_of(place)
    keys = dict(zip(trials, trial_keys(place), strict=True))
    assert not orchestrator.repeat(keys[renewed], place / "home").differing
    with pytest.raises(UnknownTrialError, match="holds others than the weights that it learnt from"):
        orchestrator.repeat(keys[first], place / "home")
    result, lines = go(place, MORE)
    assert result.exit_code == 0 and "nothing to train: every trial has ended before" in lines
    assert go(place, MORE.replace("seeds: 2", "seeds: 3"))[0].trained == 1
    assert [trial[4] for trial in specs(place)].count(renewed[4]) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("otherwise")
def test_a_search_is_not_searched_again_but_confirmed_by_students_of_now(place: Path) -> None:
    assert go(place, SEARCHED)[0].exit_code == 0
    shutil.rmtree(place / "home/weights")
    artifacts_are_removed(place)
    assert go(place, SEARCHED.replace("seeds: 1", "seeds: 2"))[0].exit_code == 0
    found = [(what, seed, weights != "") for what, seed, state, _, weights in specs(place) if state == "COMPLETE"]
    assert [weights for what, _, weights in found if what == "search student"] == [False]
    assert ("full student", 1, True) in found and ("full student", 0, True) not in found
    more = SEARCHED.replace("trials: 1", "trials: 2")
    assert go(place, more)[0].exit_code == 0  # more proposals: all of them among students of one teacher
    searched = [weights for what, *_, weights in specs(place) if what == "search student"]
    assert len(searched) == 3 and len(set(searched)) == 2
    assert "COMPLETE" in str(orchestrator.status("lost", home=place / "home"))
