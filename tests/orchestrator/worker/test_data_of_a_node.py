"""Where a worker finds data sets: where its node says, else where the driver does."""

import os
from pathlib import Path

import pytest

from orchestrator.worker.worker import SHARED_DATA, Order, run_order
from tests.orchestrator.worker.test_worker_memory import order
from trainers.data.formats.places import VARIABLE


@pytest.mark.parametrize("own", [None, "/scratch"])
def test_a_node_that_says_nothing_is_told(own: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SHARED_DATA == VARIABLE
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "data")  # of the driver, from where it was started
    made = order(tmp_path)
    assert made.shared_data == str(tmp_path / "data")
    monkeypatch.delenv(VARIABLE)
    if own is not None:
        monkeypatch.setenv(VARIABLE, own)
    reports = run_order(Order.from_text(made.to_text()))
    next(reports)
    reports.close()
    assert os.environ[VARIABLE] == (own or str(tmp_path / "data"))
