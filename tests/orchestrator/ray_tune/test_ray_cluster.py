"""A Ray cluster that does not come up: ours is tried again, somebody else's is the user's to mend."""

from pathlib import Path

import pytest

from orchestrator.ray_tune import cluster
from orchestrator.ray_tune.address import ClusterError
from orchestrator.ray_tune.cluster import Cluster
from orchestrator.ray_tune.entrance import ClusterStartError
from orchestrator.ray_tune.nodes.wanted import Wanted


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**options: object) -> None:
        raise RuntimeError("the raylet is gone\nand more")

    monkeypatch.setattr(cluster.ray, "init", init)


@pytest.mark.usefixtures("failing")
def test_one_of_our_own_may_be_tried_again(tmp_path: Path):
    with (
        pytest.raises(ClusterStartError, match="the raylet is gone"),
        Cluster(Wanted(home=tmp_path, cpus=1, gpus=0), None, workers=1),
    ):
        pass


@pytest.mark.usefixtures("failing")
def test_one_that_was_asked_for_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cluster, "check_address", lambda address: None)  # it is Ray that listens there
    given = Cluster(Wanted(home=tmp_path, cpus=1, gpus=0), "127.0.0.1:1", workers=0)
    with (
        pytest.raises(ClusterError, match=r"127\.0\.0\.1:1 does not answer: the raylet is gone; .*RAY_AUTH_TOKEN_PATH"),
        given,
    ):
        pass
