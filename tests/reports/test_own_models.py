"""MLflow loads a network of somebody's own where the file that it was made from is not."""

import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

from reports.stores.models import logged_model
from trainers import models
from trainers.own import as_json, code_of, parse, provide

NET = """
import torch
from helpers import head
class Net(torch.nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.head = head(num_classes)
    def forward(self, x):
        return torch.relu(self.head(x.flatten(1)))
"""
HELPERS = """
from torch import nn
class Head(nn.Linear):
    pass
def head(classes):
    return Head(64, classes)
"""
LOADS = """
import sys, mlflow, torch
mlflow.set_tracking_uri(sys.argv[1])
print(list(mlflow.pytorch.load_model(sys.argv[2])(torch.zeros(3, 1, 8, 8)).shape))
"""


@pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")
def test_a_network_of_ones_own_is_loaded_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "helpers.py").write_text(HELPERS)
    reference = parse("./net.py:Net")
    assert reference is not None
    code = code_of(reference, tmp_path)
    provide({code.name: as_json(code)})
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = mlflow.MlflowClient(uri)
    run = client.create_run(client.create_experiment("own", artifact_location=(tmp_path / "artifacts").as_uri()))
    given = {"classes": 5, "channels": 1, "arguments": {}}
    address = logged_model(
        uri, run.info.run_id, "mine", "key", lambda: models.create(f"own_{code.name}", **given), (-1, 1, 8, 8), (-1, 5)
    )
    assert [*(tmp_path / "artifacts").rglob("model.pth")]  # not in the working folder
    assert not (tmp_path / "mlruns").exists()
    (tmp_path / "net.py").unlink()
    (tmp_path / "helpers.py").unlink()
    loaded = subprocess.run(
        [sys.executable, "-c", LOADS, uri, address], capture_output=True, text=True, check=False, timeout=200
    )
    assert loaded.stdout.strip() == "[3, 5]", loaded.stderr[-2000:]
