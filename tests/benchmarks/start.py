"""What starting costs: `python tests/benchmarks/start.py`.

`--help`, the median of a few; then `run` with trials to train on a home that exists, from the command to the first
training step, in parts: until the sweep is read, checked and accepted; until Ray has its places for workers; until one
has started, loaded everything and made a step. The median of a few runs, each with seeds that are new.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
LOOK_SECONDS = 0.01
PARTS = {"read, checked, accepted": "to train:", "Ray": "at a time"}
"""What a part is called -> what is printed at its end."""
FIRST_STEP = "worker, to the first step"


def sweep_text(seeds: range) -> str:
    """Return a sweep with a trial for each seed, of a few seconds."""
    return f"""name: start
dataset: digits100
pairs: tinyresnet -> tinycnn
recipe: {{base: digits, epochs: 1}}
methods: {{kd: }}
seeds: [{", ".join(map(str, seeds))}]
"""


def help_seconds() -> float:
    """Return how long `--help` takes."""
    started = time.perf_counter()
    subprocess.run([sys.executable, str(CHECKOUT / "run_sweep.py"), "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def run_once(folder: Path, seeds: range) -> dict[str, float]:
    """Run the sweep and return at which second each part ended."""
    file = folder / "start.yaml"
    file.write_text(sweep_text(seeds))
    ends: dict[str, float] = {}
    before = {path: path.stat().st_mtime_ns for path in folder.glob(PULSES)}
    started = time.perf_counter()
    command = [sys.executable, "-u", str(CHECKOUT / "run_sweep.py"), "run", str(file), "--home", str(folder / "home")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        watch = threading.Thread(target=_watch_pulses, args=(folder, before, process, ends, started))
        watch.start()
        said = []
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            for part, words in PARTS.items():
                if words in line:
                    ends.setdefault(part, time.perf_counter() - started)
        watch.join()
    if process.returncode:
        sys.exit("".join(said))
    return ends


PULSES = "home/checkpoints/*/*.pulse"


def _watch_pulses(
    folder: Path, before: dict[Path, int], process: "subprocess.Popen[str]", ends: dict[str, float], started: float
) -> None:
    """Note when a worker first touches a pulse that it has made: it has made a step."""
    made = dict(before)
    while process.poll() is None:
        for path in folder.glob(PULSES):
            try:
                changed = path.stat().st_mtime_ns
            except FileNotFoundError:
                continue  # of a trial that has ended
            if made.setdefault(path, changed) != changed:
                ends[FIRST_STEP] = time.perf_counter() - started
                return
        time.sleep(LOOK_SECONDS)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=3)
    times: int = parser.parse_args().times
    print(f"{'--help':<32} {statistics.median(help_seconds() for _ in range(times)):6.2f} s")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run_once(folder, range(1))  # makes the home, trains the teacher, warms the disk
        runs = [run_once(folder, range(turn + 2)) for turn in range(times)]
        before = 0.0
        for part in (*PARTS, FIRST_STEP):
            end = statistics.median(ends[part] for ends in runs)
            print(f"{part:<32} {end - before:6.2f} s")
            before = end
        print(f"{'run to the first step':<32} {before:6.2f} s")


if __name__ == "__main__":
    main()
