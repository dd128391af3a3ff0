"""A ledger of a test's own, and what a module's sweep comes to where nothing disturbs it."""

from pathlib import Path

import pytest

from orchestrator.ledger.ledger import Ledger
from tests.orchestrator.simulation import content, drive, new_planner


@pytest.fixture
def ledger(tmp_path: Path):
    return Ledger(tmp_path / "ledger.db")


@pytest.fixture(scope="module")
def undisturbed(sweep, tmp_path_factory: pytest.TempPathFactory):
    ledger = Ledger(tmp_path_factory.mktemp("undisturbed") / "ledger.db")
    drive(new_planner(ledger, sweep))
    return content(ledger, sweep.name)
