"""Whole runs by the command line with real servers; the same table wherever results are kept."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.world import SWEEP, World
from tests.orchestrator.cli import kdsweep, start
from tests.servers.counting import PARENTS, RUNS, Query, in_file
from tests.servers.measured import without_measured
from tests.servers.mlflow_server import MlflowServer
from tests.servers.postgres import PASSWORD, Postgres
from tests.servers.proxy import Proxy

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]

SHORT = SWEEP.replace("seeds: 2", "seeds: 1").replace("trials: 6", "trials: 3").replace("epochs: 4", "epochs: 2")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return the world as it is without any server."""
    world = World(tmp_path_factory.mktemp("plain"), SHORT, workers=0)
    result = world.run()
    assert result.returncode == 0, result.stdout + result.stderr
    return world


def check(world: World, query: Query, name: str = "faulty") -> None:
    """Hold that the store has one run for every trial of the home, and that nothing is untold."""
    keys = [key for (key,) in world.rows("ledger.db", "SELECT key FROM trial WHERE attempts > 0")]
    runs = query(RUNS.format(name=name))
    assert sorted(key for key, _ in runs) == sorted(keys)
    assert {status for _, status in runs} <= {"FINISHED", "KILLED"}
    assert query(PARENTS.format(name=name)) == [("FINISHED",)]
    assert world.rows("ledger.db", "SELECT count(*) FROM outbox") == [(0,)]


def test_everything_in_postgresql(plain: World, tmp_path: Path, postgres: Postgres):
    world = World(tmp_path, SHORT, workers=0)
    runs, studies = postgres.new_database(), postgres.new_database()
    settings = {"MLFLOW_TRACKING_URI": postgres.url(runs)}
    result = kdsweep(*world.arguments, "--storage", postgres.url(studies), cwd=tmp_path, **settings)
    assert result.returncode == 0, result.stdout + result.stderr
    assert world.table == plain.table
    check(world, lambda sql: postgres.execute(sql, runs))
    assert postgres.execute("SELECT count(*) FROM trials", studies) == [(3,)]
    assert PASSWORD not in result.stdout + result.stderr
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith("mlruns")]
    assert not (world.home / "mlflow.db").exists()
    again = kdsweep("report", "faulty", "--home", world.home, "--out", tmp_path / "out", cwd=tmp_path, **settings)
    assert again.returncode == 0, again.stderr
    for name in ("table.csv", "table.md", "table.tex"):
        ours, theirs = ((folder / name).read_text() for folder in (tmp_path / "out", plain.home / "reports" / "faulty"))
        assert without_measured(ours) == without_measured(theirs)
        assert "GDKD (tuned)" in without_measured(ours)


def test_a_server_that_is_killed_in_the_middle_and_started_again(
    plain: World, tmp_path: Path, mlflow_server: MlflowServer, postgres: Postgres
):
    world = World(tmp_path, SHORT, workers=0)
    studies = postgres.new_database()
    settings = {"MLFLOW_TRACKING_URI": mlflow_server.url()}
    process = start(*world.arguments, "--storage", postgres.url(studies), cwd=tmp_path, **settings)
    for line in process.stdout:
        if line.startswith("COMPLETE"):
            break
    mlflow_server.kill()
    postgres.kill()
    postgres.start()
    mlflow_server.start()
    rest, _ = process.communicate(timeout=200)
    assert process.returncode == 0, rest
    assert "Traceback" not in rest
    check(world, in_file(mlflow_server))
    assert postgres.execute("SELECT count(*) FROM trials", studies) == [(3,)]
    assert world.table == plain.table


def test_results_move_to_another_store(plain: World, tmp_path: Path, postgres: Postgres):
    database = postgres.new_database()
    settings = {"MLFLOW_TRACKING_URI": postgres.url(database)}
    home = tmp_path / "home"
    subprocess.run(["cp", "-r", str(plain.home), str(home)], check=True)
    synced = kdsweep("sync", "--home", home, cwd=tmp_path, **settings)
    assert synced.returncode == 0, synced.stdout + synced.stderr
    world = World(tmp_path, SHORT)
    check(world, lambda sql: postgres.execute(sql, database))
    report = kdsweep("report", "faulty", "--home", home, "--out", tmp_path / "out", cwd=tmp_path, **settings)
    assert report.returncode == 0, report.stderr
    assert (tmp_path / "out" / "table.csv").read_bytes() == plain.table


@pytest.mark.parametrize("what", ["tracking", "storage"])
def test_a_new_sweep_with_a_server_away_starts_nothing(what: str, tmp_path: Path, postgres: Postgres):
    world = World(tmp_path, SHORT)
    wrong = postgres.url("no_such_database")
    more = ["--storage", wrong] if what == "storage" else []
    settings = {} if what == "storage" else {"MLFLOW_TRACKING_URI": wrong}
    result = kdsweep(*world.arguments, *more, cwd=tmp_path, **settings)
    assert result.returncode == 2, result.stdout + result.stderr
    assert "no_such_database" in result.stderr
    assert "Traceback" not in result.stderr
    assert PASSWORD not in result.stderr
    assert "s3cret" not in result.stderr
    assert not world.home.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["faulty.yaml"]


def test_a_stop_while_a_server_says_nothing(
    tmp_path: Path, mlflow_server: MlflowServer, proxy_to: Callable[[int], Proxy]
):
    """Slurm sends SIGKILL 30 s after SIGTERM."""
    other = SHORT.replace("name: faulty", "name: stopped").replace("epochs: 2", "epochs: 3")  # nothing to adopt
    world = World(tmp_path, other, workers=0)
    proxy = proxy_to(mlflow_server.port)
    process = start(*world.arguments, cwd=tmp_path, MLFLOW_TRACKING_URI=mlflow_server.url(proxy.port))
    for line in process.stdout:
        if line.startswith("COMPLETE"):
            break
    proxy.hangs = True
    stopped = time.monotonic()
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=120)
    assert process.returncode == 143, rest
    assert time.monotonic() - stopped < 30, rest
    assert "Traceback" not in rest
    assert "mlflow: results are still to be told" in rest
    synced = kdsweep("sync", "--home", world.home, cwd=tmp_path, MLFLOW_TRACKING_URI=mlflow_server.url())
    assert synced.returncode == 0, synced.stdout + synced.stderr
    query = in_file(mlflow_server)
    assert "RUNNING" not in {status for _, status in query(RUNS.format(name="stopped"))}
    assert world.rows("ledger.db", "SELECT count(*) FROM outbox") == [(0,)]
