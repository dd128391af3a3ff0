"""A node that does not see the home: files come and go by the keeper, whole or not at all, and no number changes."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.worker.attempts import Report
from orchestrator.worker.keeper import MOST_WEIGHTS, FarFiles, HomeFiles, KeeperLostError
from orchestrator.worker.pulse import node_of, pulse_file
from orchestrator.worker.worker import Order, run_order
from tests.orchestrator.worker.test_checkpoints_read import EPOCHS, order
from trainers.files import passing
from trainers.files.store import Store
from trainers.training.distill import Training


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Training, "_images", property(lambda _training: 64))
    monkeypatch.setattr(passing, "PAUSES_SECONDS", (0.0, 0.0, 0.0))


class Way:
    """The way to a keeper in this process, which notes what is asked of it."""

    def __init__(self, home: Path) -> None:
        self.asked: list[str] = []
        self.brought: list[str] = []
        self.damage: Callable[[str, Any], Any] = lambda what, argument: argument
        self._files = HomeFiles(home)

    def __call__(self, what: str, *arguments: Any) -> Any:
        self.asked.append(what)
        answer = getattr(self._files, what)(*(self.damage(what, argument) for argument in arguments))
        if what == "read" and answer is not None:
            self.brought.append(arguments[0])
        return answer


@pytest.fixture
def way(home: Path) -> Way:
    home.mkdir()
    return Way(home)


@pytest.fixture
def far(way: Way) -> FarFiles:
    return FarFiles(way, way, "node-b")


def without_home(told: Order, tmp_path: Path) -> Order:
    """Return an order as a node gets it on which the home's place is another folder's."""
    (tmp_path / "elsewhere").touch()
    return Order.from_text(told.to_text().replace(told.home, str(tmp_path / "elsewhere")))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def scores(values: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if "second" not in name}


def test_a_trial_is_the_same_and_goes_on_on_another_node(home: Path, tmp_path: Path, way: Way, far: FarFiles) -> None:
    told = order(tmp_path / "seen", 1)
    expected = list(run_order(told))
    first = run_order(without_home(told, tmp_path), keeper=far, copies=tmp_path / "b")
    reports = [next(first), next(first)]
    first.close()
    checkpoints = home / "checkpoints" / told.key
    assert [name[:11] for name in names(checkpoints)] == ["attempt-001", "epoch-00001", "epoch-00002"]
    assert node_of(checkpoints, 1) == "node-b"
    again = without_home(order(tmp_path / "seen", 2), tmp_path)
    reports += run_order(again, keeper=far, copies=tmp_path / "c")
    assert [report.number for report in reports] == [1, 2, 3, 4]
    assert reports[-1].ending == "COMPLETE" and len(reports) == EPOCHS
    assert [scores(report.values) for report in reports] == [scores(report.values) for report in expected]
    weights = [Store(place).weights(told.key).read_bytes() for place in (home, tmp_path / "seen")]
    assert weights[0] == weights[1]
    for copies in (tmp_path / "b", tmp_path / "c"):
        assert [path for path in copies.rglob("*") if path.is_file()] == []
    assert way.asked.count("write") == EPOCHS


def test_what_comes_over_damaged_is_sent_again(home: Path, tmp_path: Path, way: Way, far: FarFiles) -> None:
    left = [1]

    def damage(what: str, argument: Any) -> Any:
        if what == "write" and not isinstance(argument, str) and left[0]:
            left[0] -= 1
            return argument[:-1]
        return argument

    way.damage = damage
    told = without_home(order(tmp_path, 1), tmp_path)
    assert next(run_order(told, keeper=far, copies=tmp_path / "b")).warnings == []
    left[0] = 1000
    report = next(run_order(without_home(order(tmp_path, 2), tmp_path), keeper=far, copies=tmp_path / "b"))
    assert report.number == 2 and "it is not what was sent" in report.warnings[0]
    assert not [name for name in names(home / "checkpoints" / told.key) if name.startswith(("epoch-00002", "."))]


def test_a_file_is_brought_once_and_again_when_it_has_changed(home: Path, tmp_path: Path, way: Way) -> None:
    place = Store(home).weights("teacher")
    place.parent.mkdir()
    place.write_bytes(b"weights")
    for content in (b"weights", b"weights", b"others"):
        if place.read_bytes() != content:
            place.write_bytes(content)
        store = Store(tmp_path / "b", keeper=FarFiles(way, way))  # as another process of the node
        assert store.fetched(store.weights("teacher")).read_bytes() == content
    assert way.brought == ["weights/teacher.safetensors"] * 2
    place.unlink()
    with pytest.raises(FileNotFoundError):
        store.fetched(store.weights("teacher"))


def test_a_node_keeps_the_weights_that_were_used_last(home: Path, tmp_path: Path, far: FarFiles) -> None:
    store = Store(tmp_path / "b", keeper=far)
    for number in range(MOST_WEIGHTS + 2):
        place = Store(home).weights(f"{number}")
        place.parent.mkdir(exist_ok=True)
        place.touch()
        store.fetched(store.weights(f"{number}"))
        store.fetched(store.weights("0"))
    left = {path.stem for path in (tmp_path / "b" / "weights").glob("*.safetensors")}
    assert left == {"0", *map(str, range(3, MOST_WEIGHTS + 2))}


def test_a_disk_that_is_full_at_the_keepers_side_is_told_as_here(
    tmp_path: Path, far: FarFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: HomeFiles, *_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(HomeFiles, "write", full)
    reports: list[Report] = []
    with pytest.raises(OSError, match="No space left"):
        reports.extend(run_order(without_home(order(tmp_path, 1), tmp_path), keeper=far, copies=tmp_path / "b"))
    assert "no checkpoint of epoch 1 could be written" in reports[0].warnings[0]
    assert reports[-1].ending == "FAIL" and "No space left on device" in reports[-1].reason


def test_one_that_was_replaced_sees_it_by_the_keeper(home: Path, tmp_path: Path, far: FarFiles) -> None:
    told = order(tmp_path, 1)
    reports = run_order(without_home(told, tmp_path), keeper=far, copies=tmp_path / "b")
    next(reports)
    pulse_file(home / "checkpoints" / told.key, 2).touch()
    assert list(reports) == []


def test_where_the_home_is_seen_pulses_alone_go_by_the_keeper(home: Path, way: Way, far: FarFiles) -> None:
    told = order(home, 1)
    assert [report.ending for report in run_order(told, keeper=far)][-1] == "COMPLETE"
    assert set(way.asked) == {"touch", "beat", "names"}
    assert node_of(Store(home).checkpoints(told.key), 1) == "node-b"


def test_the_end_of_the_keeper_is_no_failure_of_the_trial(tmp_path: Path, far: FarFiles) -> None:
    def gone(*_: object) -> None:
        raise KeeperLostError

    reports = run_order(order(tmp_path, 1), keeper=FarFiles(lambda *_: None, gone))
    with pytest.raises(KeeperLostError):
        next(reports)


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../ledger.db", "weights/../../x"])
def test_nothing_but_the_homes_files(name: str, way: Way) -> None:
    with pytest.raises(ValueError, match="names no file of a home"):
        way("read", name, None)
