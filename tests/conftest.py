"""Shared by all tests: one thread, no network store by accident, fresh homes."""

from pathlib import Path

import pytest
import torch


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the user's tracking server, home or cluster; every test computes on one thread."""
    for name in ("MLFLOW_TRACKING_URI", "KDSWEEP_HOME", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    torch.set_num_threads(1)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a folder for a home that is not there yet."""
    return tmp_path / "home"
