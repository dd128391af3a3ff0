"""A network of a sweep is loaded as it was scored; asked for, MLflow has the winners as its users load them."""

import os
import subprocess
import sys
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
import torch

import orchestrator
import reports
from reports.results.results import Results
from reports.stores.models import own_code_whole
from trainers.data.sets import digits100
from trainers.own.importing import module_of

pytestmark = pytest.mark.timeout(400)  # a sweep is trained
TEXT = """
name: small
dataset: digits100
pairs: tinyresnet -> tinycnn
teachers: {tinyresnet: {recipe: {base: digits-teacher, epochs: 1}}}
recipe: {base: digits, epochs: 1}
methods:
  ce:
  simkd:
  gdkd (tuned): {method: gdkd, k: {low: 1, high: 30, log: true}}
search: {trials: 2, parallel: 1, sampler: random}
seeds: 1
precision: float32
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a sweep that was trained."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "small.yaml").write_text(TEXT)
    assert orchestrator.run([str(folder / "small.yaml")], home=folder / "home", workers=0).exit_code == 0
    return folder / "home"


@pytest.fixture
def results(home: Path, monkeypatch: pytest.MonkeyPatch) -> Results:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return reports.load("small", home=home)


def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    """Return the test images as networks take them, and their classes."""
    images = digits100.load()
    train = torch.from_numpy(images.train_images).float()
    pixels = torch.from_numpy(images.test_images).float()
    return (pixels - train.mean()) / train.std(), torch.from_numpy(images.test_targets)


@pytest.mark.parametrize("row", ["ce", "simkd", "gdkd (tuned)", "teacher"])
def test_a_loaded_network_scores_what_was_recorded(row: str, results: Results):
    network = results.model(row, "tinyresnet -> tinycnn", 0) if row != "teacher" else results.model(row)
    assert not network.training
    images, targets = inputs()
    with torch.no_grad():
        found = 100 * (network(images).argmax(1) == targets).double().mean().item()
    trials = results.trials
    of_row = (trials["row"] == row) & (trials["phase"] != "search") & (trials["rank"].fillna(1) == 1)
    (recorded,) = trials.loc[of_row, "final_top1"]
    assert found == pytest.approx(recorded, abs=0.05)


def test_what_is_not_there_is_told(results: Results, home: Path):
    with pytest.raises(reports.ReportError, match=r"unknown row 'cee'; did you mean 'ce'\?"):
        results.model("cee")
    with pytest.raises(reports.ReportError, match=r"unknown seed '7' \(known: 0\)"):
        results.model("ce", seed=7)
    with pytest.raises(reports.ReportError, match="unknown pair 'a -> b'"):
        results.model("ce", "a -> b")
    (key,) = results.trials.loc[results.trials["row"] == "ce", "trial_key"]
    weights = home / "weights" / f"{key}.safetensors"
    weights.rename(home / "away")
    try:
        with pytest.raises(reports.ReportError, match="is not there: the weights of a student stay in the home"):
            results.model("ce")
    finally:
        (home / "away").rename(weights)


@pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")
def test_mlflow_loads_the_winner_and_its_teacher(results: Results, home: Path):
    import mlflow

    from orchestrator.mlflow_store import tracking_uri

    logged = reports.export_models(results, home=home)
    assert len(logged) == 2
    assert reports.export_models(results, home=home) == logged  # once
    assert "MLFLOW_TRACKING_URI" not in os.environ  # nothing is left behind
    uri = tracking_uri(home)
    mlflow.set_tracking_uri(uri)
    try:
        for name, address in logged.items():
            loaded = mlflow.pyfunc.load_model(address)
            assert loaded.metadata.signature.inputs.inputs[0].shape == (-1, 1, 16, 16)
            answer = loaded.predict(np.zeros((3, 1, 16, 16), dtype=np.float32))
            row = (
                "teacher"
                if name.startswith("teacher")
                else next(label for label in ("ce", "simkd", "gdkd (tuned)") if name.split()[0] == label.split()[0])
            )
            with torch.no_grad():
                expected = results.model(row)(torch.zeros(3, 1, 16, 16))
            np.testing.assert_allclose(answer, expected.numpy(), rtol=1e-5, atol=1e-5)
    finally:
        mlflow.set_tracking_uri(None)
    client = mlflow.MlflowClient(uri)
    (key,) = results.trials.loc[results.trials["phase"] == "teacher", "run_id"]
    assert client.get_run(key).info.status == "FINISHED"


def test_code_of_somebodys_own_goes_into_its_pickle(tmp_path: Path):
    text = "from torch import nn\nclass Net(nn.Linear):\n    def forward(self, x):\n        return super().forward(x)\n"
    network = module_of("0" * 16, {"net.py": text}, "net.py", tmp_path).Net(3, 2)
    with own_code_whole():
        (tmp_path / "net.pkl").write_bytes(cloudpickle.dumps(torch.nn.Sequential(network)))
    loading = "import pickle, sys, torch; print(pickle.load(open(sys.argv[1], 'rb'))(torch.zeros(1, 3)).shape)"
    done = subprocess.run(
        [sys.executable, "-c", loading, tmp_path / "net.pkl"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == "torch.Size([1, 2])\n", done.stderr
