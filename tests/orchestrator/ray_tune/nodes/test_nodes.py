"""The look at the nodes of a cluster that is not ours: why one cannot work, and how much room the others have."""

import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.ray_tune.nodes import nodes, scaling
from orchestrator.ray_tune.nodes.looking import looker, reason_of, versions
from orchestrator.ray_tune.nodes.nodes import GONE_SECONDS, LOOK_SECONDS, Nodes
from orchestrator.ray_tune.nodes.wanted import Wanted

GOOD: dict[str, Any] = {"versions": versions(), "home": True, "missing": []}


def number(name: str) -> str:
    """Return what Ray may number the node of that name by."""
    return name.encode().hex().ljust(56, "0")


def node(name: str, cpus: float, gpus: float = 0, *, alive: bool = True) -> dict[str, Any]:
    resources = {"CPU": cpus, **({"GPU": gpus} if gpus else {})}
    return {
        "NodeID": number(name),
        "Alive": alive,
        "NodeManagerHostname": name,
        "NodeManagerAddress": "10.0.0.1",
        "Resources": resources,
    }


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return what is held on nodes that are set aside."""
    found: list[dict[str, Any]] = []

    class Actor:
        class __ray_ready__:  # noqa: N801 (Ray's name)
            @staticmethod
            def remote() -> str:
                return "ready"

    def remote(**options: Any) -> Callable[[type], Any]:
        found.append(options)
        return lambda _: type("Holder", (), {"remote": staticmethod(Actor)})

    monkeypatch.setattr(nodes.ray, "remote", remote)
    monkeypatch.setattr(nodes.ray, "wait", lambda refs, **_: (refs, []))
    return found


class Looking:
    """A look at nodes that answer what they are told to, or not yet."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, home: Path, gpus: float = 0) -> None:
        self.now = 1000.0
        self.said: list[str] = []
        self.reasons: dict[str, str] = {}
        self.late: set[str] = set()
        self.far: set[str] = set()
        """Those that do not see the home."""
        self.given_up = False
        wanted = Wanted(home=home, cpus=2, gpus=gpus)
        self.nodes = Nodes(wanted, self.said.append, lambda: self.given_up, lambda: self.now)
        monkeypatch.setattr(self.nodes, "_ask", lambda node_id, alive: node_id)
        monkeypatch.setattr(nodes, "reason_of", self._reason)
        monkeypatch.setattr(nodes.ray, "wait", self._wait)

    def _reason(self, _: Wanted, node_id: str) -> tuple[str, bool]:
        return self.reasons.get(node_id, ""), node_id not in self.far

    def _wait(self, refs: list[str], *, timeout: float, **_: Any) -> tuple[list[str], list[str]]:
        self.now += timeout if self.late.intersection(refs) else 0
        return [ref for ref in refs if ref not in self.late], [ref for ref in refs if ref in self.late]


def test_room_is_counted_node_by_node(monkeypatch: pytest.MonkeyPatch, home: Path):
    there = [node("a", 3), node("b", 5), node("gone", 8, alive=False)]
    monkeypatch.setattr(nodes.ray, "nodes", lambda: there)
    looking = Looking(monkeypatch, home)
    found, said = looking.nodes, looking.said
    assert found.look() == 1 + 2  # two cores a trial, which no trial takes from two nodes
    there.append(node("c", 2))
    assert found.look() == 4 and said == []
    there[1]["Alive"] = False
    assert found.look() == 2


def test_ranks_of_a_trial_may_be_on_several_nodes(home: Path):
    wanted = Wanted(home=home, cpus=2, gpus=0, ranks=3)
    assert wanted.trials([{"CPU": 3}, {"CPU": 5}]) == 1  # one rank and two
    assert wanted.trials([{"CPU": 3}, {"CPU": 3}]) == 0
    assert wanted.bundles == [{"CPU": 2}] * 3
    assert str(wanted) == "3 ranks of 2 CPUs and 0 GPUs each"


@pytest.mark.parametrize(("gpus", "room"), [(1, 3), (0.25, 12), (2, 1)])
def test_room_by_gpus(gpus: float, room: int, monkeypatch: pytest.MonkeyPatch, home: Path):
    there = [node("a", 16, 2), node("b", 16, 1), node("head", 16)]
    monkeypatch.setattr(nodes.ray, "nodes", lambda: there)
    found = Looking(monkeypatch, home, gpus).nodes
    assert found.look() == room


def test_a_node_that_cannot_work_is_named_once_and_held_piece_by_piece(
    monkeypatch: pytest.MonkeyPatch, home: Path, held: list[dict[str, Any]]
):
    there = [node("a", 4), node("b", 3, 1)]
    monkeypatch.setattr(nodes.ray, "nodes", lambda: there)
    looking = Looking(monkeypatch, home)
    looking.reasons[number("b")] = "it has no data in /data"
    assert looking.nodes.look() == 2 and looking.nodes.look() == 2
    assert looking.said == ["node b (10.0.0.1) is set aside: it has no data in /data"]
    assert looking.nodes.aside_with_room() == "b (10.0.0.1): it has no data in /data"
    assert [(one["num_cpus"], one["num_gpus"]) for one in held] == [(1, 0)] * 3 + [(0, 1)]
    assert {one["scheduling_strategy"].node_id for one in held} == {number("b")}
    there.pop()
    assert looking.nodes.look() == 2 and looking.nodes.aside_with_room() == ""


def test_nothing_starts_on_a_node_before_it_has_answered(
    monkeypatch: pytest.MonkeyPatch, home: Path, held: list[dict[str, Any]]
):
    monkeypatch.setattr(nodes.ray, "nodes", lambda: [node("a", 4), node("b", 8), node("c", 8)])
    looking = Looking(monkeypatch, home)
    looking.late = {number("b"), number("c")}
    assert looking.nodes.look() == 2 and looking.said == []
    looking.late = {number("c")}
    assert looking.nodes.look() == 6
    looking.now += LOOK_SECONDS
    assert looking.nodes.look() == 6
    assert looking.said == ["node c (10.0.0.1) is set aside: it has not answered within 120 s"]


def test_nobody_waits_for_answers_who_is_asked_to_stop(monkeypatch: pytest.MonkeyPatch, home: Path):
    monkeypatch.setattr(nodes.ray, "nodes", lambda: [node("a", 4), node("b", 8)])
    looking = Looking(monkeypatch, home)
    looking.late = {number("b")}
    before = looking.now
    assert looking.nodes.look(30.0) == 2 and looking.now == pytest.approx(before + 30)
    looking.given_up = True
    assert looking.nodes.look(30.0) == 2 and looking.now < before + 31


@pytest.mark.parametrize(
    ("there", "of_job", "autoscaled", "may"),
    [
        ([("head", 4)], "", False, False),
        ([("head", 0)], "", False, True),
        ([("head", 4)], "2", False, True),
        ([("head", 4), ("other", 4)], "2", False, False),
        ([("head", 4)], "", True, True),
    ],
)
def test_whether_nodes_may_come(
    there: list[tuple[str, float]],
    of_job: str,
    autoscaled: bool,
    may: bool,
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
):
    monkeypatch.setattr(nodes.ray, "nodes", lambda: [node(*one) for one in there])
    monkeypatch.setattr(scaling, "autoscales", lambda: autoscaled)
    monkeypatch.setenv("SLURM_JOB_NUM_NODES", of_job)
    looking = Looking(monkeypatch, home)
    looking.nodes.look()
    assert looking.nodes.may_be_more() is may


def test_a_node_that_has_not_answered_may_be_one_with_room(monkeypatch: pytest.MonkeyPatch, home: Path):
    there = [node("a", 1), node("b", 1), node("c", 8)]
    monkeypatch.setattr(nodes.ray, "nodes", lambda: there)
    monkeypatch.setattr(scaling, "autoscales", lambda: False)
    looking = Looking(monkeypatch, home)
    looking.late = {number("c")}
    assert looking.nodes.look() == 0 and looking.nodes.may_be_more()
    looking.late = set()
    assert looking.nodes.look() == 4 and not looking.nodes.may_be_more()
    monkeypatch.setattr(nodes.ray, "nodes", lambda: [*there, node("d", 8)])
    assert looking.nodes.may_be_more()  # it has just joined, and is looked at next
    monkeypatch.setattr(nodes.ray, "nodes", lambda: there)
    assert looking.nodes.look() == 4 and not looking.nodes.may_be_more()
    assert looking.nodes.told() == "2 times 1 CPU and 0 GPUs; 8 CPUs and 0 GPUs"


def test_a_node_that_does_not_see_the_home_works_and_is_named_once(monkeypatch: pytest.MonkeyPatch, home: Path):
    monkeypatch.setattr(nodes.ray, "nodes", lambda: [node("a", 4), node("b", 8), node("c", 8)])
    looking = Looking(monkeypatch, home)
    looking.far = {number("b"), number("c")}
    assert looking.nodes.look() == looking.nodes.look() == 10
    (line,) = looking.said
    assert line.startswith(f"without the home {home}, by way of this node, works ")
    assert line.count("(10.0.0.1)") == 2


def test_a_node_that_has_gone_is_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch, home: Path):
    there = [node("a", 4), node("b", 8)]
    monkeypatch.setattr(nodes.ray, "nodes", lambda: there)
    monkeypatch.setattr(nodes, "_listens", lambda node: True)
    looking = Looking(monkeypatch, home)
    looking.nodes.look()
    assert not looking.nodes.has_lost_one()
    there.pop()
    assert looking.nodes.has_lost_one()  # before the next look
    looking.nodes.look()
    looking.now += GONE_SECONDS / 2
    assert looking.nodes.has_lost_one()
    looking.now += GONE_SECONDS
    assert not looking.nodes.has_lost_one()


def test_a_node_that_could_not_work_is_no_loss(monkeypatch: pytest.MonkeyPatch, home: Path, held: list[dict[str, Any]]):
    there = [node("a", 4), node("b", 8)]
    monkeypatch.setattr(nodes.ray, "nodes", lambda: there)
    monkeypatch.setattr(nodes, "_listens", lambda node: True)
    looking = Looking(monkeypatch, home)
    looking.reasons[number("b")] = "it has no data in /data"
    looking.nodes.look()
    there.pop()
    looking.nodes.look()
    assert held and not looking.nodes.has_lost_one()


def test_a_node_is_alive_while_it_listens(monkeypatch: pytest.MonkeyPatch, home: Path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = node("a", 4) | {"NodeManagerAddress": "127.0.0.1", "NodeManagerPort": server.getsockname()[1]}
        monkeypatch.setattr(nodes.ray, "nodes", lambda: [there])
        found = Looking(monkeypatch, home).nodes
        assert found.is_alive(number("a")) and not found.is_alive(number("b"))
    assert not found.is_alive(number("a"))  # though Ray does not know it yet


def test_a_node_that_fails_is_set_aside_and_may_be_taken_back(
    monkeypatch: pytest.MonkeyPatch, home: Path, held: list[dict[str, Any]]
):
    monkeypatch.setattr(nodes.ray, "nodes", lambda: [node("a", 4), node("b", 8)])
    killed: list[object] = []
    monkeypatch.setattr(nodes.ray, "kill", killed.append)
    looking = Looking(monkeypatch, home)
    found = looking.nodes
    assert found.look() == 6 and found.has_others(number("b"))
    found.set_aside(number("b"), "it fails")
    assert found.look() == 2 and not found.has_others(number("a")) and len(held) == 8
    found.take_back(number("a"))  # that was not set aside
    found.take_back(number("b"))
    assert found.look() == 6 and len(killed) == 8
    assert looking.said == [
        "node b (10.0.0.1) is set aside: it fails",
        "node b (10.0.0.1) is taken back: it was not the cause",
    ]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (GOOD, ""),
        (GOOD | {"home": False}, ""),
        (GOOD | {"missing": ["/data/a", "/b"]}, "it has no data in /data/a, /b"),
        (
            GOOD | {"versions": versions() | {"torch": "2.9.1"}},
            f"it has other versions: torch 2.9.1, here {versions()['torch']}",
        ),
        ({"error": "No module named 'orchestrator'"}, "kdsweep cannot be loaded there, or is an older one: No module"),
        (RuntimeError, "nothing can be run on it: its process died"),
    ],
)
def test_reasons(answer: Any, reason: str, monkeypatch: pytest.MonkeyPatch, home: Path):
    def get(_: object) -> Any:
        if answer is RuntimeError:
            raise nodes.ray.exceptions.RayError("a long story\nits process died")
        return answer

    monkeypatch.setattr(nodes.ray, "get", get)
    told, sees_home = reason_of(Wanted(home=home, cpus=1, gpus=0), "asked")
    assert told.startswith(reason) and bool(told) == bool(reason)
    assert sees_home == (isinstance(answer, dict) and answer.get("home", False))


def test_another_torch_may_work_where_it_is_allowed(monkeypatch: pytest.MonkeyPatch, home: Path):
    monkeypatch.setattr(nodes.ray, "get", lambda answer: GOOD | {"versions": answer})
    wanted = Wanted(home=home, cpus=1, gpus=0, mixed=True)
    assert reason_of(wanted, versions() | {"torch": "2.9.1"}) == ("", True)
    other = versions() | {"torch": "2.9.1", "kdsweep": "an older one"}
    assert reason_of(wanted, other)[0].startswith("it has other versions: kdsweep an older one, here ")


def test_what_travels_needs_nothing_of_this_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Its answer where the package is there; the marker and folders are looked for."""
    monkeypatch.delenv("KDSWEEP_DATA", raising=False)
    (tmp_path / "marker").touch()
    (tmp_path / "cifar100").mkdir()
    marker, none, copies = str(tmp_path / "marker"), str(tmp_path / "none"), "kdsweep-nobody's"
    look = looker()
    found = look(marker, [str(tmp_path), none], str(tmp_path), ["cifar100", "mnist"], copies, [])
    assert found == {"versions": versions(), "home": True, "missing": [none, str(tmp_path / "mnist")]}
    monkeypatch.setenv("KDSWEEP_DATA", none)  # of the node
    assert look(marker, [], str(tmp_path), ["cifar100"], copies, [])["missing"] == [str(Path(none, "cifar100"))]
    assert not look.__closure__ and set(look.__code__.co_names).isdisjoint(
        vars(nodes).keys() - {"Path", "versions", "time", "clear_copies"}
    )


def test_the_marker_is_one_a_run_and_leaves_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / ".look-of-a-killed-driver").touch()

    class Task:
        @staticmethod
        def remote(marker: str, *_: object) -> str:
            return marker

    monkeypatch.setattr(nodes.ray, "remote", lambda **_: lambda _: Task)
    monkeypatch.setattr(nodes, "start_keeper", lambda home, name: SimpleNamespace(sees=Task))
    found = Nodes(Wanted(home=tmp_path, cpus=1, gpus=0), print)
    first, second = found._ask(number("a"), []), found._ask(number("b"), [])
    assert first == second and [str(path) for path in tmp_path.iterdir()] == [first]
    found.close()
    assert not [*tmp_path.iterdir()]
