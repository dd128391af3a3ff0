"""docs/results.md holds to the code: columns, notes, states, what MLflow holds, and every query and example works."""

import fnmatch
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pandas as pd
import pyarrow.parquet
import pytest

import reports
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import State, TrialRow
from orchestrator.mlflow_store import MlflowTarget, content, tracking_uri
from orchestrator.mlflow_store.location import ensure_database
from orchestrator.worker.attempts import Attempt, Outcome
from reports.board import score as scores
from reports.board.board import NO_TEACHER, NOT_ASKED
from reports.report_file import read_report_file
from reports.results.results import TRIAL_COLUMNS
from reports.statistics.spread import Stat
from reports.tables import main_records
from reports.tables.ablations import tables as ablation_tables
from reports.tables.against import sweep as against_sweep
from reports.tables.wording import SHOWN
from search_spaces import nothing_to_confirm
from tests.docs.pages import bare, blocks, lines_of
from tests.orchestrator.simulation import SWEEP, drive, new_planner, sweep_of
from tests.reports.conftest import tell
from tests.reports.fake_sweep import whole_sweep
from tests.trainers.methods.examples import answers, built
from tests.trainers.tiny import run, student_trial, teacher_trial
from trainers import methods
from trainers.files.store import Store
from trainers.training.tasks import metrics
from trainers.training.teaching import scoring
from trainers.trials.trial import to_json

PAGE = (Path(__file__).parents[2] / "docs" / "results.md").read_text()
STATES = ("state", "MLflow status", "what it means")
STORED = {"string": "str", "large_string": "str", "int64": "Int64", "double": "float64"}
"""Types of a parquet file -> those of pandas."""


def listed(*heads: str) -> list[str]:
    """Return what stands as code in the first column of the tables with these heads."""
    return [bare(line[heads[0]]) for line in lines_of(PAGE, heads)]


def examples(language: str) -> list[str]:
    return [block.text for block in blocks(PAGE) if block.language == language]


# --- stores ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its tables: making one takes seconds, so it is copied."""
    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    ensure_database(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="module")
def fake(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> reports.Results:
    """An invented sweep to which everything has happened."""
    home = tmp_path_factory.mktemp("fake")
    shutil.copy(empty_store, home / "mlflow.db")
    tell(home, whole_sweep())
    return reports.load("whole", home=home)


@pytest.fixture(scope="module")
def written(fake: reports.Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    reports.write(fake, folder)
    return folder


def with_trouble(attempt: Attempt) -> Outcome:
    """Return an end with metrics; one trial diverges, with metrics too, and one fails."""
    if attempt.trial.split == "search":
        return Outcome(ending="COMPLETE", metrics={"final_val_top1": 50.0 + attempt.trial.hyperparameters["k"]})
    metrics = {"final_top1": 60.0 + attempt.trial.seed, "best_top1": 61.5, "final_top5": 90.0, "train_seconds": 2.0}
    if attempt.trial.method == "kd" and attempt.trial.seed == 1:
        return Outcome(ending="DIVERGED", metrics={**metrics, "final_top1": 1.0})
    if attempt.trial.method == "ce" and attempt.phase == "fixed" and attempt.trial.seed == 1:
        return Outcome(ending="FAIL", reason="Traceback: it broke")
    return Outcome(ending="COMPLETE", metrics=metrics)


@pytest.fixture(scope="module")
def told(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home in it whose store was told by our own code, of trials that were not trained."""
    folder = tmp_path_factory.mktemp("told")
    home = folder / "kdsweep_home"
    home.mkdir()
    shutil.copy(empty_store, home / "mlflow.db")
    sweep = sweep_of(SWEEP.replace("name: small", "name: quickstart"), folder)
    ledger = Ledger(home / "ledger.db")
    drive(new_planner(ledger, sweep), ending=with_trouble)
    ledger.end_sweep(sweep.name, "FAIL")
    target = MlflowTarget(tracking_uri(home), home, ledger)
    for ref in (*(f"trial:{key}" for key in ledger.states()), f"sweep:{sweep.name}"):
        target.tell(ref)
    ledger.close()
    reports.write(reports.load("quickstart", home=home), home / "reports" / "quickstart")
    return folder


# --- files and tables -----------------------------------------------------------------------------------------------


def test_the_files_are_those_that_are_written(written: Path) -> None:
    files = {str(path.relative_to(written)) for path in written.rglob("*") if path.is_file()}
    shown = "".join(line["file"] for line in lines_of(PAGE, ("file", "what it is")))
    found = {pattern: fnmatch.filter(files, pattern) for pattern in re.findall(r"`(.+?)`", shown)}
    assert files == {file for matching in found.values() for file in matching}
    assert {pattern for pattern in found if not found[pattern]} == {"against.*", "audit.*", "compare.*", "fidelity.csv"}


def test_the_lines_shown_are_lines_of_the_invented_sweep(written: Path) -> None:
    lines = (written / "table.md").read_text().splitlines()
    for text in examples("text"):
        assert set(text.splitlines()) <= set(lines)
    assert any("DKD: diverged 1 of 3" in line for line in lines)


def test_a_spread_is_of_the_sample(fake: reports.Results) -> None:
    line = next(line for line in reports.table(fake).lines if line.shown == "GDKD (k = 5)")
    (score,) = line.scores
    assert score.stat is not None and score.stat.std == pytest.approx(pd.Series([66.5, 66.8, 66.9]).std(ddof=1))


def test_columns_are_those_of_the_contracts(written: Path) -> None:
    assert list(pd.read_csv(written / "table.csv").columns) == list(main_records.CONTRACT)
    assert list(pd.read_csv(written / "ablations.csv").columns) == list(ablation_tables.CONTRACT)
    stored = pyarrow.parquet.read_schema(written / "results.parquet")
    settings = [name for name in stored.names if name.startswith("method.")]
    assert stored.names == [*TRIAL_COLUMNS, *settings, *SHOWN] and settings == sorted(settings)
    types = {name: STORED[str(stored.field(name).type)] for name in TRIAL_COLUMNS}
    assert types == {name: dtype for name, (dtype, _) in TRIAL_COLUMNS.items()}


def test_verdicts_of_a_comparison() -> None:
    verdicts = {name.replace("in A", "ours") for name in listed("verdict", "what it means")}
    assert verdicts == {*against_sweep.Verdict.__args__} - {"only theirs", "no number"}  # type: ignore[attr-defined]


def test_the_report_file_shown_is_one(tmp_path: Path) -> None:
    (text,) = [block.text for block in blocks(PAGE) if block.text.startswith("name: gdkd-paper")]
    (tmp_path / "paper.yaml").write_text(text)
    assert read_report_file(tmp_path / "paper.yaml").model.sweeps == ("gdkd-k", "gdkd-weights")


def test_notes() -> None:
    noted = set(listed("in the table", "what it means"))
    reasons = set(scores.REASONS.values())
    assert noted >= reasons
    in_code = {NO_TEACHER, NOT_ASKED, "not confirmed", "search not finished"}
    fruitless = nothing_to_confirm(["DIVERGED"] * 8)
    assert noted - reasons == {*in_code, "not run: teacher failed", fruitless}
    source = Path(scores.__file__).read_text()
    assert all(text in source for text in in_code - {NO_TEACHER, NOT_ASKED})


def test_states() -> None:
    documented = {bare(line["state"]): line["MLflow status"] for line in lines_of(PAGE, STATES)}
    assert documented == {**content.STATUS, "WAITING": "no run yet"}
    assert set(documented) == set(State.__args__)  # type: ignore[attr-defined]
    assert set(content.SWEEP_STATUS.values()) == {"RUNNING", "FINISHED", "FAILED", "KILLED"}


# --- what MLflow holds ----------------------------------------------------------------------------------------------


def a_trial(**values: object) -> TrialRow:
    origin = dict.fromkeys(("sweep", "cell", "entry", "row", "phase"), "x") | {"rank": 1, "proposal": 3}
    spec = to_json(student_trial("gdkd"))
    return TrialRow(key="k", config_key="c", spec=spec, origin=origin, reason="because", **values)


def test_params() -> None:
    names = {re.sub(r"^(method|recipe)\..*", r"\1.*", name) for name in content.params(a_trial())}
    assert names == set(content.PARAMS) - {"last_image", "norm_parts"}


def test_tags(told: Path) -> None:
    where = ("host", "device", "threads", "ranks", "bank", "deterministic", "torch", "cuda", "python", "data_root")
    tags = content.tags(
        a_trial(provenance=dict.fromkeys(where, "x"), collapsed="why"), seconds=1.0, teacher_weights="x", current=True
    )
    assert set(content.TAGS) == set(tags)
    assert f"last {content.REASON_CHARACTERS} characters" in content.TAGS["reason"]
    ours = {name for (name,) in query(told, "SELECT DISTINCT key FROM tags") if not name.startswith("mlflow.")}
    assert ours == set(tags) - set(where) - {"collapsed", "teacher_weights"}  # nothing was trained


def test_provenance_is_what_a_worker_tells() -> None:
    from orchestrator.worker.worker import provenance

    assert set(provenance(threads=1, device="cpu", bank=True)) <= set(content.TAGS)


def test_metrics(tmp_path: Path) -> None:
    store = Store(tmp_path)
    full = run(teacher_trial(), store)[-1]
    search = run(student_trial("ce"), store)[0]
    for ours, found in (
        (metrics.EACH_EPOCH, full.values.keys() | search.values.keys()),
        (metrics.AT_THE_END, full.summary().keys() | search.summary().keys() | {scoring.CLAIMED, scoring.REORDERED}),
    ):
        assert {name for name in ours if not name.endswith("miou")} == found


def parts_of(name: str) -> set[str]:
    method = methods.get(name)
    student, teacher, target = answers(100)
    return set(built(method, 100)(student, teacher if method.teacher else None, target, 1)) - {"loss"}


def test_a_method_logs_the_terms_that_it_says() -> None:
    for method in methods.ALL:
        own = set(method.logs or ({method.name} if method.teacher else ()))
        assert parts_of(method.name) == {"ce", *own}, method.name


def test_artifacts(told: Path) -> None:
    from mlflow import MlflowClient

    ((run_id,),) = query(told, "SELECT run_uuid FROM tags WHERE key = 'kind' AND value = 'sweep'")
    client = MlflowClient(tracking_uri(told / "kdsweep_home"))
    assert {found.path for found in client.list_artifacts(run_id)} == set(listed("artifact", "what it is"))
    assert not client.get_run(run_id).data.params and not client.get_run(run_id).data.metrics
    (sentence,) = re.findall(r"^`members.csv` has the columns .*?\.\s", PAGE, re.MULTILINE | re.DOTALL)
    assert tuple(re.findall(r"`(\w+)`", sentence)) == content.MEMBER_COLUMNS


# --- examples -------------------------------------------------------------------------------------------------------


def query(told: Path, sql: str) -> list[tuple]:
    connection = sqlite3.connect(f"file:{told}/kdsweep_home/mlflow.db?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_queries(told: Path) -> None:
    answers = [query(told, sql) for sql in examples("sql")]
    line, over_k, wrong = answers
    assert [(seed, top1) for seed, top1, _ in line] == [("0", 60.0), ("1", 61.0)]
    assert {(1, 2, 60.5), (5, 2, 60.5)} <= set(over_k)
    place = ("quickstart", "digits100: tinyresnet -> tinycnn")
    assert sorted(wrong) == [(*place, "ce", "FAIL", "Traceback: it broke"), (*place, "kd", "DIVERGED", None)]


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs sqlite3")
def test_queries_by_the_command(told: Path) -> None:
    command = ["sqlite3", "-readonly", "kdsweep_home/mlflow.db"]
    answer = subprocess.run(
        command, input="\n".join(examples("sql")), cwd=told, capture_output=True, text=True, check=True
    )
    assert len(answer.stdout.splitlines()) >= 3


@pytest.mark.parametrize("number", range(len(examples("python"))))
def test_python_examples(
    number: int, told: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(told)
    exec(compile(examples("python")[number], f"example {number}", "exec"), {})
    assert capsys.readouterr().out.strip()


def test_a_mean_of_your_own_is_the_tables(told: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(told)
    names: dict[str, object] = {}
    exec(examples("python")[0], names)
    ours = names["complete"].groupby("row")["final_top1"].mean()  # type: ignore[attr-defined]
    table = reports.table(reports.load("quickstart", home="kdsweep_home"))
    stats = {line.row.label: line.scores[0].stat for line in table.lines if line.kind != "teacher"}
    assert {row: stat.mean for row, stat in stats.items() if stat is not None} == pytest.approx(ours.to_dict())


def test_what_a_stat_has() -> None:
    (sentence,) = re.findall(r"^`score\.stat` has .*?None", PAGE, re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`(\w+)`", sentence))
    assert named == {"n", *Stat.__dataclass_fields__}
