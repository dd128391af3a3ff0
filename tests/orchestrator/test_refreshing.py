"""`run --report-every`: how often reports are written while a run goes on, and that nothing of it can hurt the run."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator import refreshing
from orchestrator.refreshing import ProcessWriter, Refresh, refresh


class Times:
    """A clock that only pauses and writing move."""

    def __init__(self, rounds: int, writing: float = 1.0) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        self.written: list[str] = []
        self._rounds = rounds
        self._writing = writing

    def pause(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        self.now += seconds
        return len(self.pauses) > self._rounds

    def write(self, sweep: str) -> str:
        self.written.append(sweep)
        self.now += self._writing
        return ""

    def clock(self) -> float:
        return self.now


def run(times: Times, every: float, write: Callable[[str], str] | None = None) -> list[str]:
    said: list[str] = []
    refresh(["a", "b"], every, write or times.write, said.append, times.pause, times.clock)
    return said


def test_all_sweeps_are_written_once_a_pause_and_none_after_the_end() -> None:
    times = Times(rounds=3)
    assert run(times, 60.0) == []
    assert times.written == ["a", "b"] * 3
    assert times.pauses == [60.0] * 4


def test_a_report_that_takes_long_is_written_less_often() -> None:
    times = Times(rounds=2, writing=50.0)  # both take 100 s
    run(times, 60.0)
    assert times.pauses == [60.0, 400.0, 400.0]


def test_what_goes_wrong_is_said_once_and_it_goes_on() -> None:
    times = Times(rounds=4)
    problems: Iterator[str] = iter(["disk full", "", "", "", "gone", "gone", "", ""])

    def write(sweep: str) -> str:
        times.written.append(sweep)
        return next(problems)

    assert run(times, 60.0, write) == ["the report could not be refreshed; training goes on (a: disk full)"]
    assert times.written == ["a", "b"] * 4


CHILD = "from orchestrator.refreshing import main; main()"


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let the process run other code."""
    popen = subprocess.Popen

    def replace(code: str) -> None:
        def start(command: list[str], **options: object) -> "subprocess.Popen[bytes]":
            assert command[:3] == [sys.executable, "-c", CHILD]
            return popen([sys.executable, "-S", "-c", code, *command[3:]], **options)

        monkeypatch.setattr(refreshing.subprocess, "Popen", start)

    return replace


def test_a_process_that_fails_is_a_line_without_a_password(child: Callable[[str], None], tmp_path: Path) -> None:
    child("import sys; sys.exit('first\\nno answer from postgresql://me:secret@db/mlflow')")
    problem = ProcessWriter(tmp_path)("a")
    assert problem.startswith("no answer from postgresql://") and "secret" not in problem
    child(f"import sys; sys.exit({refreshing.NOT_TOLD_YET})")
    assert ProcessWriter(tmp_path)("a") == ""
    child("import os; os._exit(9)")
    assert ProcessWriter(tmp_path)("a") == "its process ended with 9"


def test_a_process_that_hangs_is_ended_with_the_run(child: Callable[[str], None], tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    child(f"import time; open({str(ready)!r}, 'w').close(); time.sleep(100)")
    writer, found = ProcessWriter(tmp_path), []
    thread = threading.Thread(target=lambda: found.append(writer("a")))
    thread.start()
    while not ready.exists():
        time.sleep(0.001)
    writer.end()
    thread.join(10)
    assert found == [""]  # no trouble: the run ended it
    assert writer("a") == ""  # and none is started any more


def test_what_cannot_be_started_is_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(refreshing.sys, "executable", str(tmp_path / "nothing"))
    assert "No such file" in ProcessWriter(tmp_path)("a")


def test_a_run_that_ends_at_once_does_not_wait_for_the_first_report(tmp_path: Path) -> None:
    started = time.monotonic()
    with Refresh(["a"], tmp_path, 3600.0, print):
        pass
    assert time.monotonic() - started < 5


RUN = """
import sys
from pathlib import Path
from orchestrator import refreshing
import subprocess
popen = subprocess.Popen
def start(command, **options):
    code = "import time, reports; reports.load = lambda *_, **__: (print(1), time.sleep(1000)); " + command[2]
    child = popen([sys.executable, "-c", code, *command[3:]], **options)
    print(child.pid, flush=True)
    return child
subprocess.Popen = start
refreshing.ProcessWriter(Path(sys.argv[1]))("a")
"""


def test_a_process_ends_with_a_run_that_was_killed(tmp_path: Path) -> None:
    import psutil

    run_of_it = subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert run_of_it.stdout is not None
    writer = psutil.Process(int(run_of_it.stdout.readline()))
    run_of_it.kill()
    run_of_it.communicate()
    _, left = psutil.wait_procs([writer], timeout=60)
    for process in left:
        process.kill()
    assert left == []
