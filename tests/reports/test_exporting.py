"""`report --export mlflow`: a report among the artifacts of its sweep's run, in a home that may have moved."""

import shutil
from pathlib import Path

import pytest

import reports
from tests.reports.conftest import tell
from tests.reports.fake_sweep import FakeSweep, FakeTrial, row


@pytest.fixture(scope="module")
def home(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("exporting")
    shutil.copy(empty_store, home / "mlflow.db")
    tell(home, *(FakeSweep(name, [FakeTrial(row="kd", top1=60.0)], [row("kd")]) for name in ("first", "second")))
    return home


def artifacts(home: Path, run_id: str) -> dict[str, bytes]:
    folder = home / "mlartifacts" / run_id / "artifacts" / "report"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def export(results: reports.Results, home: Path) -> tuple[list[str], dict[str, bytes]]:
    out = home / "reports" / results.name
    written = reports.write(results, out)
    return reports.export(results, written, out, home=home), {str(p.relative_to(out)): p.read_bytes() for p in written}


def test_the_files_are_those_that_were_written(home: Path) -> None:
    (run_id,), written = export(reports.load("first", home=home), home)
    assert artifacts(home, run_id) == written
    assert export(reports.load("first", home=home), home)[0] == [run_id]  # over what is there
    assert artifacts(home, run_id) == written


def test_a_copied_home_gets_its_own_and_the_old_one_is_left_alone(home: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(home, copy)
    shutil.rmtree(copy / "mlartifacts", ignore_errors=False)
    shutil.copytree(home / "mlartifacts", copy / "mlartifacts", ignore=shutil.ignore_patterns("report"))
    before = {str(path) for path in home.rglob("*")}
    (run_id,), written = export(reports.load("second", home=copy), copy)
    assert artifacts(copy, run_id) == written
    assert {str(path) for path in home.rglob("*")} == before


def test_a_joined_report_is_attached_to_the_run_of_each_sweep(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "paper.yaml"
    file.write_text("name: paper\nsweeps: [first, second]\n")
    runs, written = export(reports.load_any(str(file), home=home), home)
    assert len(set(runs)) == 2
    for run_id in runs:
        assert {name: data for name, data in artifacts(home, run_id).items() if name.startswith("paper/")} == {
            f"paper/{name}": data for name, data in written.items()
        }


def test_artifacts_that_are_not_here_are_told(home: Path, tmp_path: Path) -> None:
    results = reports.load("first", home=home)
    shutil.copy(home / "mlflow.db", tmp_path / "mlflow.db")
    (home / "mlartifacts").rename(home / "away")
    try:
        with pytest.raises(reports.StoreUnavailableError, match="is the artifact store on this machine"):
            reports.export(results, [], tmp_path, home=tmp_path)
    finally:
        (home / "away").rename(home / "mlartifacts")
