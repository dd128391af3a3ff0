"""The look at the nodes of a cluster that is not ours: why one cannot work, and how much room the others have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.ray_tune import nodes
from orchestrator.ray_tune.nodes import Nodes, Wanted, versions

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

    def remote(**options: Any) -> Callable[[type], Any]:
        found.append(options)
        return lambda _: type("Holder", (), {"remote": staticmethod(lambda: "holder")})

    monkeypatch.setattr(nodes.ray, "remote", remote)
    return found


def looking(monkeypatch: pytest.MonkeyPatch, home: Path, gpus: float = 0) -> tuple[Nodes, list[str], dict[str, str]]:
    said: list[str] = []
    reasons: dict[str, str] = {}
    monkeypatch.setattr(nodes, "_reasons", lambda _, ids: {one: reasons.get(one, "") for one in ids})
    return Nodes(Wanted(home, (), 2, gpus), said.append), said, reasons


def test_room_is_counted_node_by_node(monkeypatch: pytest.MonkeyPatch, home: Path):
    there = [node("a", 3), node("b", 5), node("gone", 8, alive=False)]
    monkeypatch.setattr(nodes.ray, "nodes", lambda: there)
    found, said, _ = looking(monkeypatch, home)
    assert found.look() == 1 + 2  # two cores a trial, which no trial takes from two nodes
    there.append(node("c", 2))
    assert found.look() == 4 and said == []
    there[1]["Alive"] = False
    assert found.look() == 2


@pytest.mark.parametrize(("gpus", "room"), [(1, 3), (0.25, 12), (2, 1)])
def test_room_by_gpus(gpus: float, room: int, monkeypatch: pytest.MonkeyPatch, home: Path):
    there = [node("a", 16, 2), node("b", 16, 1), node("head", 16)]
    monkeypatch.setattr(nodes.ray, "nodes", lambda: there)
    found, _, _ = looking(monkeypatch, home, gpus)
    assert found.look() == room


def test_a_node_that_cannot_work_is_named_once_and_held(
    monkeypatch: pytest.MonkeyPatch, home: Path, held: list[dict[str, Any]]
):
    monkeypatch.setattr(nodes.ray, "nodes", lambda: [node("a", 4), node("b", 8, 1)])
    found, said, reasons = looking(monkeypatch, home)
    reasons[number("b")] = "it has no data in /data"
    assert found.look() == 2 and found.look() == 2
    assert said == ["node b (10.0.0.1) is set aside: it has no data in /data"]
    assert found.aside == {"b (10.0.0.1)": "it has no data in /data"}
    (options,) = held
    assert (options["num_cpus"], options["num_gpus"]) == (8, 1)
    assert options["scheduling_strategy"].node_id == number("b")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (GOOD, ""),
        (GOOD | {"home": False}, "it does not see the home {home}; give one with --home that all nodes share"),
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
    told = nodes._reason(Wanted(home, (), 1, 0), "asked")
    assert told.startswith(reason.format(home=home)) and bool(told) == bool(reason)


def test_what_travels_needs_nothing_of_this_package(tmp_path: Path):
    """Its answer where the package is there; the marker and a folder are looked for."""
    (tmp_path / "marker").touch()
    look = nodes._looker()
    found = look(str(tmp_path / "marker"), [str(tmp_path), str(tmp_path / "none")])
    assert found == {"versions": versions(), "home": True, "missing": [str(tmp_path / "none")]}
    assert not look.__closure__ and set(look.__code__.co_names).isdisjoint(vars(nodes).keys() - {"Path", "versions"})
