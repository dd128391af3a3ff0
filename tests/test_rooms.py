"""The rooms: who may import whom, found out in fresh processes; the command line answers at once."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def loaded_after(statement: str) -> set[str]:
    """Return the top-level modules that a statement loads in a fresh interpreter."""
    code = f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(answer.stdout.split())


@pytest.mark.parametrize(
    ("statement", "strangers"),
    [
        ("import trainers.training.distill", {"ray", "mlflow", "optuna", "search_spaces", "orchestrator", "reports"}),
        ("from trainers import methods; methods.get('gdkd+fitnet')", {"torch"}),
        ("import search_spaces", {"ray", "mlflow", "optuna", "torch", "timm", "orchestrator", "reports"}),
        ("import reports", {"ray", "optuna", "orchestrator", "mlflow", "matplotlib", "torch"}),
        ("import orchestrator", {"ray", "mlflow", "optuna", "torch"}),
        ("import orchestrator.planning.planner", {"ray", "mlflow", "torch"}),
        ("import orchestrator.commands.run", {"ray", "mlflow", "torch"}),
        ("import orchestrator.worker.worker", {"ray", "mlflow", "optuna", "torch"}),
        ("import run_sweep", {"ray", "mlflow", "optuna", "torch", "pydantic", "yaml", "numpy"}),
    ],
)
def test_a_room_loads_no_stranger(statement, strangers):
    assert not loaded_after(statement) & strangers


def test_every_python_file_is_in_a_room():
    rooms = {"docs", "orchestrator", "reports", "search_spaces", "tests", "trainers"}
    files = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    places = {Path(name).parts[0] for name in files.stdout.split()}
    assert places <= rooms | {"run_sweep.py"}


ENGINES = {
    "ray": {"orchestrator/ray_tune"},
    "optuna": {"orchestrator/optuna_studies"},
    "mlflow": {"orchestrator/mlflow_store", "reports/stores"},
}


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_is_known_by_its_folder_alone(engine):
    places = set()
    for room in ("orchestrator", "reports", "search_spaces", "trainers"):
        for path in (ROOT / room).rglob("*.py"):
            if engine in imported_by(path):
                places.add("/".join(path.relative_to(ROOT).parts[:2]))
    assert places == ENGINES[engine]


def imported_by(path: Path) -> set[str]:
    """Return the top-level packages that a file imports anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names
