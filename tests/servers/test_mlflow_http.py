"""An MLflow server that is away, slow, restarted, or whose answers get lost: nothing lost, nothing twice."""

import math
import signal
import threading
from collections.abc import Callable

import pytest

from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store import MlflowTarget
from orchestrator.worker.attempts import Attempt, Outcome
from search_spaces import Sweep
from tests.orchestrator.simulation import drive, new_planner, run_trial
from tests.servers.counting import PARENTS, RUNS, check_runs, doubles, in_file
from tests.servers.mlflow_server import MlflowServer
from tests.servers.ports import wait_until
from tests.servers.proxy import Proxy
from tests.servers.tellers import SETTLE_SECONDS, TIMEOUT_SECONDS, finished, tell_some, to_mlflow, told

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]

ProxyTo = Callable[[int], Proxy]
LATE_SECONDS = TIMEOUT_SECONDS + 0.5 * SETTLE_SECONDS
TOO_LATE = math.inf


def test_away_before(sweep: Sweep, ledger: Ledger, home, mlflow_server: MlflowServer, proxy_to: ProxyTo):
    finished(ledger, sweep)
    proxy = proxy_to(mlflow_server.port)
    proxy.refuses = True
    teller = to_mlflow(ledger, home, mlflow_server.url(proxy.port))
    teller.start()
    while not teller.problem:
        teller._thread.join(0.02)
    assert len(ledger.untold("mlflow")) == len(ledger.states()) + 1
    proxy.refuses = False
    assert teller.drain(60), teller.problem
    check_runs(in_file(mlflow_server), ledger, sweep.name)


def test_away_in_the_middle_and_at_the_end(sweep, ledger, home, mlflow_server: MlflowServer, proxy_to: ProxyTo):
    proxy = proxy_to(mlflow_server.port)
    url = mlflow_server.url(proxy.port)
    first = to_mlflow(ledger, home, url)
    planner = new_planner(ledger, sweep)
    tell_some(first, 1)

    def ending(attempt: Attempt) -> Outcome | None:
        proxy.refuses = ledger.untold_count() > 5
        return None

    drive(planner, ending=ending)
    proxy.refuses = False
    while ledger.untold_count() > 8:
        first._thread.join(0.02)
    proxy.refuses = True
    ledger.end_sweep(sweep.name, "COMPLETE")
    assert not first.drain(1)
    assert first.problem
    proxy.refuses = False
    told(to_mlflow(ledger, home, url))  # as the next run does
    check_runs(in_file(mlflow_server), ledger, sweep.name)


def test_killed_in_the_middle_and_started_again(sweep, ledger, home, mlflow_server: MlflowServer):
    finished(ledger, sweep)
    teller = to_mlflow(ledger, home, mlflow_server.url())
    tell_some(teller, 3)
    mlflow_server.kill()
    assert ledger.untold("mlflow")
    mlflow_server.start()
    assert teller.drain(60), teller.problem
    check_runs(in_file(mlflow_server), ledger, sweep.name)


def test_stopped_for_longer_than_the_client_waits(sweep, ledger, home, mlflow_server: MlflowServer):
    """What it was asked meanwhile, and we gave up, it does when it goes on."""
    finished(ledger, sweep)
    teller = to_mlflow(ledger, home, mlflow_server.url())
    tell_some(teller, 3)
    mlflow_server.send(signal.SIGSTOP)
    threading.Event().wait(2.5 * TIMEOUT_SECONDS)  # another process is to do nothing for so long
    mlflow_server.send(signal.SIGCONT)
    assert teller.drain(60), teller.problem
    check_runs(in_file(mlflow_server), ledger, sweep.name)


def test_slow(sweep, ledger, home, mlflow_server: MlflowServer, proxy_to: ProxyTo):
    finished(ledger, sweep)
    proxy = proxy_to(mlflow_server.port)
    proxy.answer_seconds = TIMEOUT_SECONDS + 1  # every answer is too late, what was asked is done
    teller = to_mlflow(ledger, home, mlflow_server.url(proxy.port))
    teller.start()
    threading.Event().wait(4 * TIMEOUT_SECONDS)
    assert teller.problem
    proxy.answer_seconds = 0.05
    assert teller.drain(60), teller.problem
    check_runs(in_file(mlflow_server), ledger, sweep.name)


@pytest.mark.parametrize("order", [b"runs/create", b"runs/log-batch", b"runs/update", b"experiments/create"])
def test_lost_answers(order, sweep, ledger, home, mlflow_server: MlflowServer, proxy_to: ProxyTo):
    finished(ledger, sweep)
    proxy = proxy_to(mlflow_server.port)
    proxy.lose_answers(order, times=3)
    told(to_mlflow(ledger, home, mlflow_server.url(proxy.port)))
    assert proxy.hits == (1 if order == b"experiments/create" else 3)
    query = in_file(mlflow_server)
    check_runs(query, ledger, sweep.name)
    assert doubles(query, sweep.name) == 0


@pytest.mark.parametrize("seconds", [LATE_SECONDS, TOO_LATE])
def test_runs_that_are_made_after_we_gave_up(
    seconds: float, sweep, ledger, home, mlflow_server: MlflowServer, proxy_to: ProxyTo
):
    finished(ledger, sweep)
    query = in_file(mlflow_server)
    proxy = proxy_to(mlflow_server.port)
    teller = to_mlflow(ledger, home, mlflow_server.url(proxy.port))
    tell_some(teller, 1)
    proxy.hold_requests(b"runs/create", seconds, times=1)
    while not proxy.hits:
        teller._thread.join(0.02)
    assert teller.drain(60), teller.problem
    if seconds == TOO_LATE:  # another one was asked for, and the run is over before this one comes to be
        proxy.release()
        wait_until(lambda: len(query(RUNS.format(name=sweep.name))) > len(ledger.states()), "the late run")
        told(to_mlflow(ledger, home, mlflow_server.url()))
    check_runs(query, ledger, sweep.name)
    assert doubles(query, sweep.name) == (1 if seconds == TOO_LATE else 0)


def test_a_killed_run_whose_parent_run_came_to_be_late(
    sweep, ledger, home, mlflow_server: MlflowServer, proxy_to: ProxyTo
):
    finished(ledger, sweep)
    query = in_file(mlflow_server)
    proxy = proxy_to(mlflow_server.port)
    proxy.hold_requests(b"runs/create", 2 * TIMEOUT_SECONDS, times=1)
    killed = MlflowTarget(mlflow_server.url(proxy.port), home, ledger, SETTLE_SECONDS)
    with pytest.raises(Exception, match="timed out"):
        killed.tell(f"sweep:{sweep.name}")
    impatient = MlflowTarget(mlflow_server.url(), home, ledger, settle_seconds=0.0)  # asks for another one at once
    impatient.tell(f"sweep:{sweep.name}")
    wait_until(lambda: len(query(PARENTS.format(name=sweep.name))) == 2, "the late run")
    told(to_mlflow(ledger, home, mlflow_server.url()))
    check_runs(query, ledger, sweep.name)


def test_an_old_write_that_lands_on_a_newer_one(sweep, ledger, home, mlflow_server: MlflowServer, proxy_to: ProxyTo):
    proxy = proxy_to(mlflow_server.port)
    planner = new_planner(ledger, sweep)
    teller = to_mlflow(ledger, home, mlflow_server.url(proxy.port))
    tell_some(teller, 1)
    proxy.hold_requests(b"runs/update", LATE_SECONDS, times=1)
    attempt = planner.next()  # it is told that this one is RUNNING, but not before it has ended
    while not teller.problem:
        teller._thread.join(0.02)
    assert proxy.hits == 1
    run_trial(planner, attempt, lambda attempt: None)
    drive(planner)
    ledger.end_sweep(sweep.name, "COMPLETE")
    assert teller.drain(60), teller.problem
    check_runs(in_file(mlflow_server), ledger, sweep.name)


def test_runs_of_another_home_are_left_alone(sweep, ledger, home, mlflow_server: MlflowServer, proxy_to: ProxyTo):
    finished(ledger, sweep)
    query = in_file(mlflow_server)
    proxy = proxy_to(mlflow_server.port)
    proxy.lose_answers(b"runs/create", times=1)
    lost = MlflowTarget(mlflow_server.url(proxy.port), home, ledger, SETTLE_SECONDS)
    with pytest.raises(Exception, match=r"RemoteDisconnected|Connection aborted"):
        lost.tell(f"sweep:{sweep.name}")
    client = lost.client
    experiment = client.get_experiment_by_name(sweep.name).experiment_id
    others = client.create_run(experiment, tags={"kind": "sweep", "sweep": sweep.name}, start_time=1).info.run_id
    told(to_mlflow(ledger, home, mlflow_server.url()))
    assert client.get_run(others).info.lifecycle_stage == "active"
    client.delete_run(others)
    check_runs(query, ledger, sweep.name)
