"""The GPUs that trials will have, where the nodes of a cluster have others than this machine."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.ray_tune.nodes import survey
from orchestrator.ray_tune.nodes.survey import Surveyed, with_gpus
from orchestrator.sweep_run import cards
from orchestrator.sweep_run.cards import Cards
from tests.orchestrator.ray_tune.nodes.test_survey import GOOD, node

SMALL = replace(GOOD, gpus=(("NVIDIA A10", 24 * 2**30),), capability=(8, 6))


def cluster(monkeypatch: pytest.MonkeyPatch, *looks: list[Surveyed], growing: bool = False) -> list[list[Surveyed]]:
    """Let each look at the nodes find these; return the looks that are left."""
    left = list(looks)
    monkeypatch.setattr(survey, "_survey", lambda *_: (left.pop(0), growing))
    return left


def test_the_smallest_of_several_kinds_is_shared_out_and_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    left = cluster(monkeypatch, [node(GOOD), node(SMALL), replace(node(SMALL), gpus=0), node(None)])
    asked, said = [], []
    monkeypatch.setattr(
        cards, "gpu_share", lambda sweeps, ledger, name, size, measure: asked.append((name, size)) or 0.5
    )
    found = Cards("10.0.0.1:6379", tmp_path, 0.0, said.append)
    assert found.capability() == (8, 6)
    assert found.share([], None) == 0.5 and found.share([], None) == 0.5
    assert asked == [("NVIDIA A10", 24 * 2**30)] * 2
    assert said == ["note: the nodes have several kinds of GPUs; shares are those of the smallest, NVIDIA A10"]
    assert left == []  # one look for all


def test_what_this_machine_cannot_measure_gets_a_whole_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cluster(monkeypatch, [node(SMALL)])
    monkeypatch.setattr(cards, "gpu_share", lambda sweeps, ledger, name, size, measure: measure([{}, {}]))
    assert Cards("10.0.0.1:6379", tmp_path, 0.0, print).share([], None) == [0, 0]


def test_nodes_with_gpus_may_be_on_their_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    head, now = replace(node(replace(GOOD, gpus=(), capability=None)), gpus=0), [0.0]

    def pause(seconds: float) -> None:
        now[0] += seconds

    left = cluster(monkeypatch, [head], [head], [head, node(GOOD)], [head])
    given = {"clock": lambda: now[0], "pause": pause}
    assert with_gpus("a:1", tmp_path, None, 60.0, **given) == [head, node(GOOD)]
    assert len(left) == 1
    left[:] = [[head]] * 99
    assert with_gpus("a:1", tmp_path, None, 60.0, **given) == [head]
    assert 99 - len(left) <= 14
    left[:] = [[head]]
    assert with_gpus("a:1", tmp_path, None, **given) == [head] and left == []
    left[:] = [[head]]
    assert with_gpus("a:1", tmp_path, None, None, **given) == [head] and left == []
    left = cluster(monkeypatch, [head], [head, node(GOOD)], growing=True)
    assert with_gpus("a:1", tmp_path, None, None, **given) == [head, node(GOOD)] and left == []
