"""A report needs no network: torch, whose import takes longer than many a report, is not loaded for one."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.reports.conftest import tell
from tests.reports.fake_sweep import FakeSweep, grid, published_sweep, row, seeds

REPORT = """
import sys
import run_sweep
assert run_sweep.main(["report", *sys.argv[1:]]) == 0
heavy = {name.partition(".")[0] for name in sys.modules} & {"torch", "timm", "ray", "optuna"}
assert not heavy, heavy
"""


@pytest.fixture(scope="module")
def home(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a sweep that has ablations of all kinds, and one that has published figures beside it."""
    folder = tmp_path_factory.mktemp("light")
    (folder / "mlflow.db").write_bytes(empty_store.read_bytes())
    rows = [row("ce", "ce"), *grid("gdkd", "k", (1, 5)), row("gdkd w1=0", "gdkd", hyperparameters={"w1": 0.0})]
    rows += [row("gdkd plain", "gdkd"), row("kd"), row("fitnet", "fitnet"), row("both", "fitnet+kd")]
    trials = [one for listed in rows for one in seeds(listed["label"], (60.0, 61.0), method=listed["method"])]
    tell(folder, FakeSweep("parts", trials, rows), published_sweep())
    return folder


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["parts"], "ablations.tex"),
        pytest.param(["published", "--against", "published"], "against.tex", marks=pytest.mark.slow),
        pytest.param(["parts", "--compare", "published"], "compare.tex", marks=pytest.mark.slow),
    ],
)
def test_a_report_loads_no_torch(home: Path, tmp_path: Path, arguments: list[str], found: str) -> None:
    code = [sys.executable, "-c", REPORT, *arguments, "--home", str(home), "--out", str(tmp_path)]
    answer = subprocess.run(code, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / found).is_file()
