"""What `doctor --address` says of a cluster's nodes."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.ray_tune.nodes import survey
from orchestrator.ray_tune.nodes.looking import versions
from orchestrator.ray_tune.nodes.survey import NodeFacts, Surveyed, facts, least_capability, table_of

GOOD = NodeFacts(
    python="3.11.2",
    versions=versions(),
    cores=8,
    gpus=(("NVIDIA H200", 150 * 2**30),) * 2,
    capability=(9, 0),
    cuda="13.0",
    free_bytes=2 * 10**12,
    sees_home=True,
    has_data=None,
    clock_seconds=0.2,
)


def node(said: NodeFacts | None, trouble: str = "", cpus: float = 8) -> Surveyed:
    return Surveyed(name="a (10.0.0.1)", cpus=cpus, gpus=2, facts=said, trouble=trouble)


@pytest.mark.parametrize(
    ("there", "problems"),
    [
        (node(GOOD), []),
        (node(replace(GOOD, sees_home=False)), []),  # files pass through Ray
        (
            node(replace(GOOD, versions={**versions(), "torch": "2.9.1"})),
            [f"torch 2.9.1, here {versions()['torch']}"],
        ),
        (node(replace(GOOD, has_data=False)), ["the folder of KDSWEEP_DATA is not there"]),
        (node(GOOD, cpus=16), ["Ray shares out 16 cores, a process there may use 8"]),
        (node(replace(GOOD, clock_seconds=-90.0)), ["its clock is -90 s from ours"]),
        (node(None, "nothing can be run on it: its process died"), ["nothing can be run on it: its process died"]),
    ],
)
def test_what_is_wrong_with_a_node(there: Surveyed, problems: list[str]) -> None:
    assert [*there.problems()] == problems


def test_a_line_for_each_node() -> None:
    head, first, second = table_of([node(GOOD), node(None, "it is silent")]).splitlines()
    assert head.split() == [*survey.HEADS]
    words = first.split("  ")
    assert "8 of 8" in words and "2 of 2 x NVIDIA H200 150 GiB" in [word.strip() for word in words]
    assert "2000.0 GB" in first and "seen" in first and "+0.2 s" in first
    assert second.startswith("a (10.0.0.1)") and second.count("?") == len(survey.HEADS) - 3


def test_what_this_machine_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KDSWEEP_DATA", raising=False)
    (tmp_path / "marker").touch()
    found = facts(str(tmp_path / "marker"), str(tmp_path / "none"))
    assert found.pop("now") > 0
    said = NodeFacts(clock_seconds=0.0, **found)
    assert said.versions == versions() and said.sees_home and said.has_data is False and said.free_bytes > 0
    assert facts(str(tmp_path / "other"), None)["sees_home"] is False


def test_the_least_card_that_is_shared_out_decides():
    old, none = replace(GOOD, capability=(7, 5)), replace(GOOD, gpus=(), capability=None)
    assert least_capability([node(GOOD), node(old), node(none), node(None, "dead")]) == (7, 5)
    assert least_capability([node(none), replace(node(old), gpus=0)]) is None
