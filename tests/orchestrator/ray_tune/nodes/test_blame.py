"""Whose fault a failure is: a node is set aside for what happens twice there and nowhere else, and no trial pays for
it."""

from pathlib import Path

import pytest

from orchestrator.ledger.ledger import Ledger
from orchestrator.planning.planner import MAX_LOST_IN_A_ROW, Planner
from orchestrator.ray_tune.bridge import Bridge
from orchestrator.ray_tune.nodes.blame import Blame
from orchestrator.worker.attempts import Attempt, Report
from orchestrator.worker.pulse import pulse_file
from orchestrator.worker.worker import Order, make_order
from tests.orchestrator.simulation import new_planner, sweep_of
from trainers.files.store import Store

RAISED = "Traceback (most recent call last):\n  ...\nRuntimeError: CUDA error at 0x7f{}"


class Nodes:
    """Nodes that are there, and what is done with them."""

    def __init__(self, *names: str) -> None:
        self.there = set(names)
        self.lost = False
        self.done: list[str] = []

    def is_alive(self, node_id: str) -> bool:
        return node_id in self.there

    def has_lost_one(self) -> bool:
        return self.lost

    def has_others(self, node_id: str) -> bool:
        return bool(self.there - {node_id})

    def name(self, node_id: str) -> str:
        return node_id

    def set_aside(self, node_id: str, why: str) -> None:
        self.done.append(f"{node_id} aside: {why}")

    def take_back(self, node_id: str) -> None:
        self.done.append(f"{node_id} back")


def test_a_node_that_fails_the_same_way_twice_is_set_aside():
    nodes = Nodes("a", "b")
    blame = Blame(nodes)
    first, second = (blame.failed("a", RAISED.format(number)) for number in (1, 22))
    assert first == "RuntimeError: CUDA error at 0x7f1; the node a may be the cause: the trial is tried again"
    assert "node a may be the cause" in second
    assert nodes.done == ["a aside: trials fail there again and again: RuntimeError: CUDA error at 0x7f22"]


def test_what_happens_on_another_node_too_is_the_trials():
    nodes = Nodes("a", "b")
    blame = Blame(nodes)
    told = [bool(blame.failed(node, RAISED.format(0))) for node in ("a", "a", "b", "b", "a")]
    assert told == [True, True, False, False, False]
    assert [line.partition(":")[0] for line in nodes.done] == ["a aside", "a back"]


def test_different_things_set_nobody_aside():
    nodes = Nodes("a", "b")
    blame = Blame(nodes)
    assert blame.failed("a", "ValueError: one") and blame.failed("a", "ValueError: another")
    assert nodes.done == []


def test_the_last_node_and_one_that_nobody_knows_are_no_cause():
    nodes = Nodes("a")
    blame = Blame(nodes)
    assert [blame.failed(node, RAISED) for node in ("a", "a", "")] == ["", "", ""]
    assert not blame.lost("", "it died")
    assert nodes.done == []


def test_workers_that_are_lost_with_their_node_and_without():
    nodes = Nodes("a", "b")
    blame = Blame(nodes)
    assert blame.lost("gone", "it died")
    assert not blame.lost("a", "it died")
    blame.got_on("a")
    assert not blame.lost("a", "it died") and nodes.done == []
    assert not blame.lost("a", "it died")
    assert nodes.done == ["a aside: trials fail there again and again: it died"]


def test_a_worker_that_had_not_begun_is_innocent_where_a_node_has_just_gone():
    nodes = Nodes("a", "b")
    blame = Blame(nodes)
    assert not blame.lost("", "it died")
    nodes.lost = True
    assert blame.lost("", "it died") and nodes.done == []


SWEEP = """
name: small
dataset: digits100
pairs: tinyresnet -> tinycnn
recipe: {base: digits, epochs: 2}
methods: {ce: }
seeds: 1
"""


class Alive:
    def is_alive(self) -> bool:
        return True

    def revives_keeper(self) -> bool:
        return False


@pytest.fixture
def ledger(home: Path) -> Ledger:
    home.mkdir()
    return Ledger(home / "ledger.db")


class Running:
    """A bridge whose attempts end as they are told to on a node."""

    def __init__(self, home: Path, planner: Planner, nodes: Nodes) -> None:
        self.home = home
        self.bridge = Bridge(
            planner,
            self._order,
            Store(home),
            Alive(),
            most_in_flight=lambda: 1,
            stall_seconds=lambda attempt: 1e9,
            for_workers={"marker": "m"},
            blame=Blame(nodes),
        )
        self.count = 0

    def _order(self, attempt: Attempt) -> Order:
        return make_order(attempt, home=self.home, threads=1, device="cpu")

    def ends(self, node: str, report: Report | None = None) -> None:
        """Run an attempt on a node, which reports and then dies."""
        self.count += 1
        name = f"{self.count}"
        config = self.bridge.suggest(name)
        assert isinstance(config, dict) and config["marker"] == "m"
        (attempt,) = self.bridge._attempts[name].values()
        pulse = pulse_file(Store(self.home).checkpoints(attempt.key), attempt.number, attempt.life)
        pulse.parent.mkdir(parents=True, exist_ok=True)
        pulse.write_text(node)
        if report is not None:
            assert self.bridge.reported(name, [(attempt.key, report.to_text())]) == "CONTINUE"
        self.bridge.completed(name, error=True)
        assert self.bridge.error is None


def test_a_trial_outlives_any_number_of_nodes(home: Path, tmp_path: Path, ledger: Ledger):
    running = Running(home, new_planner(ledger, sweep_of(SWEEP, tmp_path)), Nodes("a"))
    for _ in range(3 * MAX_LOST_IN_A_ROW):
        running.ends("gone")
    (key,) = ledger.states()
    assert ledger.states() == {key: "INTERRUPTED"}
    for _ in range(MAX_LOST_IN_A_ROW):
        running.ends("a")
    assert ledger.states() == {key: "FAIL"}


def test_a_trial_that_raises_on_one_node_goes_on_on_another(home: Path, tmp_path: Path, ledger: Ledger):
    troubles: list[str] = []
    planner = new_planner(ledger, sweep_of(SWEEP, tmp_path))
    planner._on_trouble = lambda row, text: troubles.append(text)
    nodes = Nodes("a", "b")
    running = Running(home, planner, nodes)
    failed = Report(number=0, ending="FAIL", reason=RAISED)
    for _ in range(2):
        running.ends("a", failed)
    (key,) = ledger.states()
    assert ledger.states() == {key: "INTERRUPTED"} and len(nodes.done) == 1
    assert [row.state for row in ledger.attempts(key)] == ["FAIL", "FAIL"]  # never LOST
    assert all(text.startswith(RAISED) and "the trial is tried again" in text for text in troubles)
    running.ends("b", failed)
    assert ledger.states() == {key: "FAIL"}
    assert nodes.done[1] == "a back"
