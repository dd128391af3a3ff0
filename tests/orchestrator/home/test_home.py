"""The home: where it is, whether it can be used, and that one driver holds it."""

import contextlib
import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.home.filesystem import filesystem_type, is_network
from orchestrator.home.home import HomeError, check_writable, driver_lock, home_folder


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    assert home_folder(None) == tmp_path / "kdsweep_home"
    monkeypatch.setenv("KDSWEEP_HOME", str(tmp_path / "env"))
    assert home_folder(None) == tmp_path / "env"
    assert home_folder("given") == tmp_path / "given"


def test_a_file_in_the_way_is_named_and_nothing_is_made(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError, match="is a file"):
        check_writable(tmp_path / "file")
    with pytest.raises(HomeError, match="is a file"):
        check_writable(tmp_path / "file" / "home")
    check_writable(tmp_path / "new" / "home")
    assert [*tmp_path.iterdir()] == [tmp_path / "file"]


def test_a_read_only_file_system_is_named():
    with pytest.raises(HomeError, match="cannot be"):
        check_writable(Path("/proc/home"))


def _hold(home: Path, held, release) -> None:
    with driver_lock(home, ["first"]):
        held.set()
        release.wait()


def test_a_second_driver_is_told_who_holds_the_home(home: Path):
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(home, held, release))
    holder.start()
    held.wait()
    with pytest.raises(HomeError, match=f"process {holder.pid} on .*sweep first"), driver_lock(home, ["second"]):
        pass
    holder.kill()  # not asked: the lock goes with the process
    holder.join()
    with driver_lock(home, ["second"]):
        pass


class Waiting:
    """Time that passes while one waits for a lock.

    Args:
        until: the second at which whoever holds the lock ends.
    """

    def __init__(self, until: float, end: Callable[[], None]) -> None:
        self.now, self._until, self._end = 0.0, until, end
        self.said: list[str] = []

    def pause(self, seconds: float) -> None:
        self.now += seconds
        if self.now >= self._until:
            self._end()


def test_a_driver_that_is_just_ending_is_waited_for(home: Path):
    with contextlib.ExitStack() as first:
        first.enter_context(driver_lock(home, ["first"]))
        time = Waiting(30, first.close)
        with driver_lock(
            home, ["second"], wait_seconds=60, say=time.said.append, clock=lambda: time.now, pause=time.pause
        ):
            assert 30 <= time.now < 32
        (line,) = time.said
        assert line.startswith(f"another driver works in {home}: process ")
        assert line.endswith("sweep first; its end is waited for, 60 s")


def test_one_that_does_not_end_is_not_waited_for_longer(home: Path):
    with driver_lock(home, ["first"]):
        time = Waiting(1000, lambda: None)
        options = {"wait_seconds": 60, "clock": lambda: time.now, "pause": time.pause}
        with pytest.raises(HomeError, match="sweep first; still after 60 s"), driver_lock(home, ["second"], **options):
            pass
        assert 60 <= time.now < 62


def test_network_file_systems_are_known(tmp_path: Path):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/a / ext4 rw 0 0\nserver:/x {tmp_path}/net nfs4 rw 0 0\n")
    (tmp_path / "net" / "home").mkdir(parents=True)
    assert filesystem_type(tmp_path, mounts) == "ext4"
    assert is_network(tmp_path / "net" / "home", mounts)
    assert not is_network(tmp_path, mounts)
