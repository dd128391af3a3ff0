"""Looking into a home after a real run in this process: status, repeat, doctor, sync, the viewers' lines."""

import contextlib
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import orchestrator
import reports
from orchestrator.commands.repeat import UnknownTrialError
from orchestrator.commands.status import UnreadableSweepError
from orchestrator.commands.viewers import viewer_lines
from orchestrator.ledger.ledger import Ledger

SWEEP = """
name: looked-at
dataset: digits100
pairs: tinyresnet -> tinycnn
teachers: {tinyresnet: {recipe: {base: digits-teacher, epochs: 1}}}
recipe: {base: digits, epochs: 2}
methods:
  ce:
  kd:
seeds: 1
bank: off
"""

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home of a sweep that has been run by the Python API, without any screen."""
    folder = tmp_path_factory.mktemp("looking")
    (folder / "sweep.yaml").write_text(SWEEP)
    result = orchestrator.run([folder / "sweep.yaml"], home=folder / "home", workers=0)
    assert (result.exit_code, result.problems, result.trained) == (0, (), 3)
    assert result.reports == (folder / "home" / "reports" / "looked-at",)
    return folder / "home"


def keys(home: Path, sweep: str = "looked-at") -> dict[str, str]:
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        return {member.row: member.key for member in ledger.members(sweep)}


def content(home: Path) -> dict[str, list[tuple]]:
    """Return the ledger's rows, to see that nothing has been recorded."""
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        return {
            name: [tuple(row) for row in ledger.rows(f"SELECT * FROM {name}")] for name in ("trial", "attempt", "epoch")
        }


def test_the_functions_stay_functions(looked_at: Path):
    from orchestrator import run
    from orchestrator.commands.course.course import RunResult

    assert callable(run)
    assert orchestrator.RunResult is RunResult
    for name in orchestrator.__all__:
        assert getattr(orchestrator, name)
    with pytest.raises(AttributeError):
        orchestrator.nothing  # noqa: B018


def test_a_sweep_whose_method_is_gone(looked_at: Path, tmp_path: Path):
    home = shutil.copytree(looked_at, tmp_path / "home")
    with contextlib.closing(sqlite3.connect(home / "ledger.db")) as database:
        database.execute("""UPDATE sweep SET resolved = replace(resolved, '"kd": ', '"theirs": ')""")
        database.commit()
    with pytest.raises(UnreadableSweepError) as caught:
        orchestrator.status("looked-at", home)
    assert str(caught.value) == (
        "sweep 'looked-at' cannot be looked into here: unknown method 'theirs' (all: run_sweep.py methods); its report "
        "can be made"
    )
    assert "UNREADABLE" in orchestrator.list_text(orchestrator.sweeps(home))


def test_the_same_again_trains_nothing(looked_at: Path):
    result = orchestrator.run([looked_at.parent / "sweep.yaml"], home=looked_at)
    assert (result.exit_code, result.trained) == (0, 0)


def test_status_of_a_finished_sweep(looked_at: Path):
    found = orchestrator.status("looked-at", looked_at)
    assert found.state == "COMPLETE"
    assert found.progress.counts.done == found.progress.counts.total == 3
    assert found.progress.untold == {}


def test_a_trial_repeated_here_is_equal_digit_for_digit_and_recorded_nowhere(looked_at: Path):
    before = content(looked_at)
    for row in ("ce", "kd", "teacher"):
        epochs: list[tuple[int, int]] = []
        result = orchestrator.repeat(
            keys(looked_at)[row][:12], looked_at, lambda *epoch, seen=epochs: seen.append(epoch)
        )
        assert result.differing == []
        assert "equal, digit for digit" in result.to_text()
        assert {number.name for number in result.numbers} >= {"train_loss", "test_top1", "final_top1", "lr"}
        assert epochs[-1][0] == epochs[-1][1]
    assert content(looked_at) == before


def test_a_number_that_differs_is_told(looked_at: Path, tmp_path: Path):
    home = tmp_path / "copy"
    shutil.copytree(looked_at, home)
    key = keys(home)["ce"]
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger, ledger.transaction():
        ledger._db.execute(
            "UPDATE epoch SET metrics = json_set(metrics, '$.test_top1', 1.5) WHERE key = ? AND number = 2", (key,)
        )
        ledger._db.execute("UPDATE trial SET provenance = json_set(provenance, '$.torch', '1.0') WHERE key = ?", (key,))
    result = orchestrator.repeat(key, home)
    assert [(number.where, number.name, number.stored) for number in result.differing] == [
        ("epoch 2", "test_top1", 1.5)
    ]
    assert "1 of " in result.to_text()
    assert "recorded with torch 1.0, here " in result.to_text()


@pytest.mark.parametrize(
    ("key", "message"), [("abc", "at least 6"), ("zzzzzzzz", "0-9 and a-f"), ("0" * 12, "no trial")]
)
def test_a_key_that_names_no_trial(looked_at: Path, key: str, message: str):
    with pytest.raises(UnknownTrialError, match=message):
        orchestrator.repeat(key, looked_at)


def test_a_teacher_that_is_gone_is_named(looked_at: Path, tmp_path: Path):
    home = tmp_path / "copy"
    shutil.copytree(looked_at, home)
    shutil.rmtree(home / "weights")
    with pytest.raises(UnknownTrialError, match="weights of its teacher"):
        orchestrator.repeat(keys(home)["kd"], home)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.unlink(), "the data set mine cannot be read: no such file: '{path}'"),
        (lambda path: save_arrays(path, 1), "the data set mine ({path}) is another one than the trial was trained on"),
    ],
)
def test_data_that_are_gone_or_others_are_named(
    tmp_path: Path, change: Callable[[Path], None], message: str, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "data.npz"
    save_arrays(path, 0)
    (tmp_path / "sweep.yaml").write_text(
        "name: own\ndatasets: {mine: {from: ./data.npz}}\npairs: tinyresnet -> tinycnn\nseeds: 1\n"
        "recipe: {base: quick, epochs: 1, epoch_steps: 1, batch_size: 8}\nmethods: {ce: }\n"
    )
    home = tmp_path / "home"
    assert orchestrator.run([tmp_path / "sweep.yaml"], home=home, workers=0).problems == ()
    assert orchestrator.repeat(keys(home, "own")["ce"], home).differing == []
    change(path)
    monkeypatch.setenv("KDSWEEP_DATA", str(tmp_path))  # with it what has been read is forgotten
    with pytest.raises(UnknownTrialError) as told:
        orchestrator.repeat(keys(home, "own")["ce"], home)
    assert str(told.value) == message.format(path=path)


def save_arrays(path: Path, seed: int) -> None:
    images = np.random.default_rng(seed).integers(0, 256, (30, 16, 16), dtype=np.uint8)
    labels = np.arange(30) % 3
    np.savez(path, train_images=images, train_labels=labels, test_images=images[:9], test_labels=labels[:9])


def test_the_doctor_finds_a_sound_home_sound(looked_at: Path):
    findings = {finding.name: finding for finding in orchestrator.doctor(looked_at)}
    assert not [finding for finding in findings.values() if finding.wrong and finding.name != "disk"]
    assert "3 COMPLETE" in findings["ledger"].text
    assert "torch" in findings["versions"].text
    assert "answers" in findings["tracking"].text
    assert "nobody" in findings["driver"].text


def test_the_doctor_finds_what_is_wrong_and_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    home = tmp_path / "home"
    home.mkdir()
    (home / "ledger.db").write_bytes(b"torn" * 1000)
    findings = {finding.name: finding for finding in orchestrator.doctor(home)}
    assert findings["ledger"].wrong
    assert findings["tracking"].wrong
    assert [path.name for path in home.iterdir()] == ["ledger.db"]


def test_sync_has_nothing_to_tell_and_tells_another_store_everything(
    looked_at: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home = tmp_path / "copy"
    shutil.copytree(looked_at, home)
    assert orchestrator.sync(home).told == 0
    other = tmp_path / "other.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{other}")
    result = orchestrator.sync(home)
    assert (result.told, result.problems) == (4, ())
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    first, second = reports.load("looked-at", home=home), reports.load("looked-at", tracking_uri=f"sqlite:///{other}")
    assert reports.table(first).lines[1].scores == reports.table(second).lines[1].scores


def test_what_a_dead_driver_left_running_is_told_as_interrupted(looked_at: Path, tmp_path: Path):
    home = tmp_path / "copy"
    shutil.copytree(looked_at, home)
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        ledger.start_attempt(keys(home)["ce"])
    orchestrator.sync(home)
    assert orchestrator.status("looked-at", home).progress.counts.done == 2
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        assert ledger.trial(keys(home)["ce"]).state == "INTERRUPTED"
        assert ledger.untold_count() == 0


def test_the_viewers_lines(looked_at: Path, monkeypatch: pytest.MonkeyPatch):
    runs, searches = viewer_lines(looked_at)
    assert "mlflow ui --backend-store-uri sqlite:///" in runs
    assert "optuna-dashboard sqlite:///" in searches
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:5000")
    runs, searches = viewer_lines(looked_at, "postgresql://me:secret@127.0.0.1/optuna")
    assert runs == "runs: http://127.0.0.1:5000"
    assert "secret" not in searches
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:secret@127.0.0.1/mlflow")
    assert '"$MLFLOW_TRACKING_URI"' in next(iter(viewer_lines(looked_at)))
