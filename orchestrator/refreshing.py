"""Reports that are written again now and then while a run goes on.

Each is written by a process of low priority: neither its memory nor its seconds are the driver's, and whatever goes
wrong in it is a line on the screen. A report is of what the tracking store has been told by then.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from trainers.addresses import without_password

SHARE = 4
"""A pause is so many times as long as the report before it took, at least: a fifth of the time is spent at most."""
NICENESS = 10
LIMIT_SECONDS = 1800.0
"""A report that takes longer is given up."""
JOIN_SECONDS = 5.0
NOT_TOLD_YET = 75
"""How the process ends where the store knows nothing of the sweep yet: `EX_TEMPFAIL` of sysexits.h."""

Write = Callable[[str], str]
"""Writes the report of a sweep; returns what went wrong in a line, empty for nothing."""
Pause = Callable[[float], bool]
"""Waits so many seconds; returns whether the run has ended."""


def refresh(
    sweeps: Sequence[str],
    every_seconds: float,
    write: Write,
    say: Callable[[str], None],
    pause: Pause,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Write the reports of sweeps every so often, until the run has ended.

    What goes wrong is said once. That the store has not been told of a sweep yet is not wrong.
    """
    said = False
    seconds = every_seconds
    while not pause(seconds):
        began = clock()
        problems = [f"{name}: {problem}" for name in sweeps if (problem := write(name))]
        if problems and not said:
            said = True
            say(f"the report could not be refreshed; training goes on ({problems[0]})")
        seconds = max(every_seconds, SHARE * (clock() - began))


class Refresh:
    """While entered, a thread has the reports of sweeps written every so often."""

    def __init__(self, sweeps: Sequence[str], home: Path, every_seconds: float, say: Callable[[str], None]) -> None:
        self._writer = ProcessWriter(home)
        self._stop = threading.Event()
        arguments = (sweeps, every_seconds, self._writer, say, self._stop.wait)
        self._thread = threading.Thread(target=refresh, args=arguments, name="refresh", daemon=True)

    def __enter__(self) -> "Refresh":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._writer.end()
        self._thread.join(JOIN_SECONDS)


class ProcessWriter:
    """Writes a report in a process of its own.

    Args:
        home: holds the sweep, and gets the report; the store is where a run's is, for the process has its environment.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._alive = -1
        """What the process sees close when this one is gone."""
        self._ended = False

    def __call__(self, sweep: str) -> str:
        """Write the report of a sweep; return what went wrong, in a line."""
        try:
            process = self._start(sweep)
        except OSError as error:
            return str(error)
        if process is None:
            return ""
        try:
            _, errors = process.communicate(timeout=LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return f"it took longer than {LIMIT_SECONDS:.0f} s"
        finally:
            os.close(self._alive)
        if process.returncode in (0, NOT_TOLD_YET) or self._ended:
            return ""
        lines = errors.decode(errors="replace").strip().splitlines()
        return without_password(lines[-1]) if lines else f"its process ended with {process.returncode}"

    def end(self) -> None:
        """End the process that is at it, and start none any more."""
        with self._lock:
            self._ended = True
            if self._process is not None:
                self._process.terminate()

    def _start(self, sweep: str) -> "subprocess.Popen[bytes] | None":
        root = str(Path(__file__).parents[1])
        paths = os.pathsep.join(path for path in (root, os.environ.get("PYTHONPATH", "")) if path)
        environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", f"from {__name__} import main; main()", sweep, str(self._home.absolute())]
        with self._lock:
            if self._ended:
                return None
            end_of_process, self._alive = os.pipe()  # whose other end closes with this process, however it ends
            try:
                self._process = subprocess.Popen(  # noqa: S603
                    command,
                    stdin=end_of_process,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    env=environment,
                    start_new_session=True,  # a Ctrl-C is for the run, which ends this itself
                )
            except OSError:
                os.close(self._alive)
                raise
            finally:
                os.close(end_of_process)
            return self._process


def main() -> None:
    """Write the report of one sweep: the whole of the process."""
    os.nice(NICENESS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(NOT_TOLD_YET))  # files that are half written go
    threading.Thread(target=_end_with_run, name="watch", daemon=True).start()
    import reports
    from orchestrator.keeping import why_kept

    sweep, home = sys.argv[1], Path(sys.argv[2])
    folder = home / "reports" / sweep
    try:
        results = reports.load(sweep, home=home)
        if why_kept(results, folder, home):
            sys.exit(NOT_TOLD_YET)
        reports.write(results, folder)
    except reports.UnknownSweepError:
        sys.exit(NOT_TOLD_YET)
    except (reports.ReportError, OSError) as error:
        if "MLFLOW_TRACKING_URI" not in os.environ and not (home / "mlflow.db").exists():
            sys.exit(NOT_TOLD_YET)
        sys.exit(str(error).replace("\n", " "))


def _end_with_run() -> None:
    """End this process when the run that started it is gone: the next one in its home writes reports of its own."""
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)
