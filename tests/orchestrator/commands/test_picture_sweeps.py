"""Sweeps on data sets that lie in files, from accepting to repeating, wherever they are run from."""

import contextlib
import json
import math
import shutil
from pathlib import Path

import pytest
import torch

import orchestrator
from orchestrator.commands.repeat import repeat
from orchestrator.ledger.ledger import Ledger
from orchestrator.sweep_run.drive import Orders
from orchestrator.worker.attempts import Attempt
from search_spaces import expand, read
from search_spaces.checks import plausible
from tests.trainers.layouts import write_cityscapes, write_imagefolder
from trainers import models
from trainers.files.tensor_files import load_tensors, save_tensors
from trainers.models.start import start_path
from trainers.trials.trial import from_json

PICTURES = """\
name: pictures
datasets: {imagefolder: {root: pictures, size: 16, views: 2}}
pairs: tinycnn -> tinycnn
teachers: {tinycnn: {variant: strong}}
recipe: {base: quick, epochs: 2, batch_size: 8, clip_norm: 0}
methods:
  kd:
  tuned: {method: kd, weight: {choice: [0.5, 1e30]}, warmup_epochs: 0}
search: {trials: 4, parallel: 2, sampler: random}
seeds: 1
"""
SCENES = """\
name: scenes
datasets: {cityscapes: {root: ../scenes, size: [32, 64]}}
pairs: pspnet_mobilenetv2 -> pspnet_mobilenetv2
recipe: {epochs: 2, epoch_steps: 2, batch_size: 2}
methods:
  ce:
  tuned: {method: dist, weight: {low: 0.5, high: 2}}
search: {trials: 2, parallel: 2, pruner: median}
seeds: 1
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with sweep files and data sets, and two empty folders to run from."""
    write_imagefolder(tmp_path / "sweeps/pictures", per_class=10, size=20)
    write_cityscapes(tmp_path / "scenes")
    for name, text in (("pictures", PICTURES), ("scenes", SCENES)):
        (tmp_path / "sweeps" / f"{name}.yaml").write_text(text)
    monkeypatch.setattr(plausible, "MOST", math.inf)  # a weight of 1e30 is there to diverge
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.mark.parametrize("way", ["../sweeps/pictures.yaml", "ABSOLUTE"])
def test_a_root_is_seen_from_the_sweep_file_and_told_in_full(
    way: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder / "here")
    sweep = expand(read(Path(way.replace("ABSOLUTE", str(folder / "sweeps/pictures.yaml")))), capability=lambda: None)
    trial = sweep.fixed[0].trial
    attempt = Attempt(
        key=sweep.fixed[0].key, number=1, trial=trial, phase="fixed", keep_weights=False, sweep=sweep.name, bank=True
    )
    order = Orders([sweep], folder / "home")(attempt)
    assert order.data_root == str(folder / "sweeps/pictures")
    assert order.loaders == 0


def write_start(name: str) -> dict[str, torch.Tensor]:
    """Publish weights for the backbone of a network."""
    torch.manual_seed(3)
    network = models.create(name, classes=19, channels=3)
    backbone = {n: t.clone() for n, t in network.state_dict().items() if n.startswith("backbone.")}
    save_tensors(start_path(name, 32), backbone)
    return backbone


@pytest.mark.slow  # with the stores and reports of two sweeps
def test_two_sweeps_are_run_and_repeated_from_other_folders(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(folder / "torch"))
    backbone = write_start("pspnet_mobilenetv2")
    monkeypatch.chdir(folder / "here")
    home = folder / "home"
    result = orchestrator.run(["../sweeps/pictures.yaml", "../sweeps/scenes.yaml"], home=home, workers=0)
    assert (result.exit_code, result.problems) == (0, ())
    monkeypatch.chdir(folder / "there")
    shutil.rmtree(folder / "here")
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        rows = [row for key in ledger.states() if (row := ledger.trial(key)) is not None]
        searches = {
            name: {
                (proposal.state, proposal.value)
                for study, of in ledger.rows("SELECT id, name FROM study")
                if of.startswith(name)
                for proposal in ledger.proposals(study)
            }
            for name in ("pictures", "scenes")
        }
    # a search whose proposals diverge has the accuracy of guessing for them
    assert ("DIVERGED", 100 / 3) in searches["pictures"]
    assert any(state == "COMPLETE" for state, _ in searches["pictures"])
    assert all(state == "COMPLETE" and 0 <= value <= 100 for state, value in searches["scenes"])
    assert sum("final_val_miou" in row.metrics for row in rows) == 2
    # a strong teacher is trained in its own views, and asked in its students'
    (teacher,) = (row for row in rows if row.origin["phase"] == "teacher" and row.origin["sweep"] == "pictures")
    assert from_json(teacher.spec).view_set == "rrc16-flip-autoaugment-cutout8"
    students = [from_json(row.spec) for row in rows if row.origin["sweep"] == "pictures" and row is not teacher]
    assert {trial.view_set for trial in students} == {"rrc16-flip"}
    assert {trial.teacher.variant for trial in students if trial.teacher} == {"strong"}
    (manifest,) = (json.loads(path.read_text()) for path in home.glob("banks/*/manifest.json"))
    assert (manifest["view_set"], manifest["views"]) == ("rrc16-flip", 2)
    # networks of the other sweep start from published weights
    started = [from_json(row.spec) for row in rows if row.origin["sweep"] == "scenes"]
    (digest,) = {trial.initial for trial in started}
    assert all(torch.equal(t, backbone[n]) for n, t in load_tensors(home / f"weights/{digest}.safetensors")[0].items())
    # and everything can be trained again from anywhere
    for row in rows:
        if row.state == "COMPLETE":
            again = repeat(row.key, home)
            assert again.numbers and not again.differing, again.to_text()
    for name in ("pictures", "scenes"):
        assert "tuned" in (home / "reports" / name / "table.md").read_text()
