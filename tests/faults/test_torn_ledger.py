"""A ledger that is torn is found at the start, named, and left as it is; without it results come from MLflow."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.world import SWEEP, World

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

SHORT = SWEEP.replace("seeds: 2", "seeds: 1").replace("trials: 6, parallel: 2", "trials: 3, parallel: 1")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("finished"), SHORT)
    result = world.run()
    assert result.returncode == 0, result.stdout + result.stderr
    return world


def cut(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


def scribbled(content: bytes) -> bytes:
    """Overwrite the pages in the middle."""
    start, end = len(content) // 4, len(content) // 2
    return content[:start] + b"\xa5" * (end - start) + content[end:]


def headless(content: bytes) -> bytes:
    return b"not a database at all" + content[21:]


@pytest.mark.parametrize("tear", [cut, scribbled, headless])
def test_it_is_named_with_the_way_out(finished: World, tear: Callable[[bytes], bytes]):
    ledger = finished.home / "ledger.db"
    whole, table = ledger.read_bytes(), finished.table
    torn = tear(whole)
    try:
        ledger.write_bytes(torn)
        result = finished.run()
        assert result.returncode == 2, result.stdout + result.stderr
        assert str(ledger) in result.stderr
        assert "move it away and run again" in result.stderr
        assert "Traceback" not in result.stderr
        assert ledger.read_bytes() == torn
    finally:
        for path in finished.home.glob("ledger.db*"):
            path.unlink()
        ledger.write_bytes(whole)
    assert finished.table == table


def test_without_it_results_are_taken_from_the_tracking_store(finished: World):
    ledger = finished.home / "ledger.db"
    whole, table = ledger.read_bytes(), finished.table
    runs = finished.rows("mlflow.db", "SELECT count(*) FROM runs")
    try:
        ledger.unlink()
        result = finished.run()
        assert result.returncode == 0, result.stdout + result.stderr
        assert "from the tracking store" in result.stdout
        assert finished.table == table
        assert finished.rows("mlflow.db", "SELECT count(*) FROM runs") == runs
        assert finished.rows(
            "ledger.db", "SELECT count(*) FROM attempt JOIN trial USING (key) WHERE trial.state = 'COMPLETE'"
        ) == [(0,)]
    finally:
        for path in finished.home.glob("ledger.db*"):
            path.unlink()
        ledger.write_bytes(whole)


def test_a_second_driver_is_refused_and_changes_nothing(tmp_path: Path):
    world = World(tmp_path, SHORT)
    first = world.start()
    for line in first.stdout:
        if line.startswith("COMPLETE"):
            break
    second = world.run()
    assert second.returncode == 2
    assert f"another driver works in {world.home}: process {first.pid} on " in second.stderr
    assert "sweep faulty" in second.stderr
    text, _ = first.communicate()
    assert first.returncode == 0, text
    world.check()
