"""`run` on a real Ray cluster, with real training: several slots, trouble in workers, signals, one table."""

import shlex
import signal
import sqlite3
import textwrap
from pathlib import Path

import matplotlib
import pytest

from tests.orchestrator.cli import kdsweep, start

HEAD = """
    name: {name}
    dataset: digits100
    pairs: tinyresnet -> tinycnn
    teachers: {{tinyresnet: {{recipe: {{base: digits-teacher, epochs: 1}}}}}}
    recipe: {{base: digits, epochs: {epochs}}}
    seeds: {seeds}
"""


def sweep_file(
    folder: Path, methods: str, *, name: str = "small", epochs: int = 2, seeds: int = 1, more: str = ""
) -> Path:
    text = textwrap.dedent(HEAD).format(name=name, epochs=epochs, seeds=seeds)
    path = folder / f"{name}.yaml"
    path.write_text(
        text + "methods:\n" + textwrap.indent(textwrap.dedent(methods), "  ") + "\n" + textwrap.dedent(more)
    )
    return path


def query(database: Path, sql: str) -> list[tuple]:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


TROUBLE = """
kd:
nan: {{method: trouble, mode: nan}}
raises: {{method: trouble, mode: raise}}
dies: {{method: trouble, mode: die}}
dies once: {{method: trouble, mode: die once, place: "{place}"}}
"""


@pytest.mark.timeout(300)
def test_trouble_in_workers_stays_where_it_is(tmp_path: Path):
    path = sweep_file(tmp_path, TROUBLE.format(place=tmp_path))
    ours = {"HOME": str(tmp_path), "MPLCONFIGDIR": matplotlib.get_cachedir()}  # fonts are looked through by now
    result = kdsweep("run", path, "--home", tmp_path / "home", "--workers", 2, cwd=tmp_path, **ours)
    assert result.returncode == 1, result.stdout + result.stderr
    assert not (tmp_path / ".ray").exists()  # a token there would turn authentication on for the next `ray start`
    assert result.stderr.splitlines() == [  # and not a word of Ray, Optuna or MLflow
        "small: 2 trials (dies, raises) failed; the next run tries again",
        "small: 1 trial (nan) diverged",
    ]
    ended, _, _ = result.stdout.partition("small: test accuracy")
    states = ("COMPLETE", "DIVERGED", "FAIL", "NOTE")
    assert all(line.startswith(("small: ", "2 trials at a time", *states)) for line in ended.splitlines() if line)

    ledger = tmp_path / "home" / "ledger.db"
    rows = dict(query(ledger, "SELECT row, trial.state FROM member JOIN trial USING (key)"))
    assert rows == {
        "teacher": "COMPLETE",
        "kd": "COMPLETE",
        "nan": "DIVERGED",
        "raises": "FAIL",
        "dies": "FAIL",
        "dies once": "COMPLETE",
    }
    attempts = dict(query(ledger, "SELECT row, attempts FROM member JOIN trial USING (key)"))
    assert attempts == {"teacher": 1, "kd": 1, "nan": 1, "raises": 1, "dies": 3, "dies once": 2}
    ((reason,),) = query(ledger, "SELECT reason FROM member JOIN trial USING (key) WHERE row = 'raises'")
    assert "the method is broken & <unwell>" in reason
    assert 'File "' in reason

    mlflow = tmp_path / "home" / "mlflow.db"
    statuses = dict(query(mlflow, STATUSES))
    assert statuses == {
        ("teacher"): "FINISHED",
        "kd": "FINISHED",
        "nan": "FAILED",
        "raises": "FAILED",
        "dies": "FAILED",
        "dies once": "FINISHED",
    }
    table = (tmp_path / "home" / "reports" / "small" / "table.csv").read_text()
    assert "diverged" in table
    assert "failed" in table


STATUSES = """SELECT t.value, r.status FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'row'"""


@pytest.mark.faults  # two minutes: four runs
@pytest.mark.timeout(300)
def test_stopped_by_a_signal_and_gone_on_with_gives_the_same_table(tmp_path: Path):
    methods = """
    ce:
    gdkd (tuned): {method: gdkd, k: {low: 1, high: 30, log: true}}
    """
    more = "search: {trials: 4, parallel: 2, sampler: random, pruner: median}"
    path = sweep_file(tmp_path, methods, epochs=2, seeds=2, more=more)

    undisturbed = kdsweep("run", path, "--home", tmp_path / "one", "--workers", 0, cwd=tmp_path)
    assert undisturbed.returncode == 0, undisturbed.stdout + undisturbed.stderr

    with start("run", path, "--home", tmp_path / "two", "--workers", 2, cwd=tmp_path) as process:
        for line in process.stdout:
            if line.startswith("COMPLETE") and "proposal" in line:
                process.send_signal(signal.SIGTERM)
                break
        rest = process.stdout.read()
    assert process.returncode == 143, rest
    _, *arguments = shlex.split(rest.partition("go on with: ")[2].splitlines()[0])
    states = {state for (state,) in query(tmp_path / "two" / "ledger.db", "SELECT DISTINCT state FROM trial")}
    assert "RUNNING" not in states
    assert "RUNNING" not in {s for (s,) in query(tmp_path / "two" / "mlflow.db", "SELECT DISTINCT status FROM runs")}

    again = kdsweep(*arguments[1:], cwd=tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    tables = [(tmp_path / home / "reports" / "small" / "table.csv").read_bytes() for home in ("one", "two")]
    assert tables[0] == tables[1]

    nothing = kdsweep("run", path, "--home", tmp_path / "two", cwd=tmp_path)
    assert nothing.returncode == 0
    assert "nothing to train" in nothing.stdout
