"""How long others wait while a search proposes: `python tests/benchmarks/proposing.py [TRIALS]`, by default 72 with GP.

32 trials without training are in flight, the newest ending first, so that the end of the oldest frees many proposals at
once: the worst that a sampler can do. Meanwhile one thread looks as `status` does, and one writes as a teller does.
"""

import contextlib
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from orchestrator.commands.status import status
from orchestrator.ledger.ledger import Ledger
from orchestrator.planning.planner import Planner
from orchestrator.worker.attempts import Attempt, Signal
from tests.orchestrator.simulation import new_planner, run_trial, sweep_of

PARALLEL = 32
SWEEP = """
name: proposing
dataset: digits100
pairs: tinyresnet -> tinycnn
recipe: {{base: digits, epochs: 2}}
methods:
  gdkd (tuned):
    {{method: gdkd, k: {{low: 1, high: 30, log: true}}, w1: {{low: 0.5, high: 8}}, w2: {{low: 1, high: 16, log: true}}}}
search: {{trials: {trials}, parallel: {parallel}, sampler: gp}}
seeds: 1
"""


class TimedLedger(Ledger):
    """A ledger that knows how long its commits took."""

    longest = 0.0
    commits = 0

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """As that of a ledger."""
        began, outermost = time.monotonic(), self._depth == 0
        with super().transaction():
            yield
        if outermost:
            self.commits += 1
            self.longest = max(self.longest, time.monotonic() - began)


def again_and_again(action: Callable[[], object], stop: threading.Event, longest: list[float]) -> threading.Thread:
    """Start a thread that does it ten times a second; it appends how long the longest took."""

    def work() -> None:
        took = [0.0]
        while not stop.wait(0.1):
            began = time.monotonic()
            action()
            took.append(time.monotonic() - began)
        longest.append(max(took))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def drive(planner: Planner) -> None:
    """End the newest trial first."""
    flight: list[Attempt] = []
    while True:
        step = planner.next() if len(flight) < PARALLEL else Signal.WAIT
        if isinstance(step, Attempt):
            flight.append(step)
        elif flight:
            run_trial(planner, flight.pop(), lambda attempt: None)
        else:
            return


def main() -> None:
    """Measure and print."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 72
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        sweep = sweep_of(SWEEP.format(trials=trials, parallel=PARALLEL), home / "file")
        ledger = TimedLedger(home / "ledger.db")
        planner = new_planner(ledger, sweep)
        stop, looked, wrote = threading.Event(), [0.0], [0.0]

        def write() -> None:
            with contextlib.closing(Ledger(home / "ledger.db")) as other:
                other.remember("other", "time", str(time.time()))

        threads = [
            again_and_again(lambda: status(sweep.name, home), stop, looked),
            again_and_again(write, stop, wrote),
        ]
        began = time.monotonic()
        drive(planner)
        whole = time.monotonic() - began
        stop.set()
        for thread in threads:
            thread.join()
        again = TimedLedger(home / "ledger.db")
        began = time.monotonic()
        new_planner(again, sweep)
        print(f"{trials} proposals, {PARALLEL} in parallel: {whole:.1f} s; longest commit {ledger.longest:.2f} s")
        print(f"meanwhile longest look {max(looked):.2f} s, longest write of another {max(wrote):.2f} s")
        print(f"going on: {time.monotonic() - began:.2f} s, {again.commits} commits")


if __name__ == "__main__":
    main()
