"""The check of a device goes its way without one, too, and tells what it left out."""

import json
from pathlib import Path

import pytest

from tests.device.check import main
from trainers.training.arithmetic import CUBLAS


def test_it_runs_on_a_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv(*CUBLAS)
    assert main(["--device", "cpu", "--small", "--out", str(tmp_path / "out")]) == 0
    written = json.loads((tmp_path / "out" / "check.json").read_text())
    verdicts = {one["name"]: one["verdict"] for one in written["findings"]}
    assert verdicts["resumption"] == verdicts["bank of a CPU, float32"] == "holds"
    assert verdicts["a cohort without room"] == "left out"
    measured = [name for name, verdict in verdicts.items() if verdict == "measured"]
    assert [name.rpartition(", ")[2] for name in measured] == ["1 together", "2 together"] * 2
    table = capsys.readouterr().out.rpartition("\n\n")[2]
    assert all(name in table for name in verdicts)


def test_without_a_gpu_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path)])
    assert "there is no CUDA device here" in capsys.readouterr().err
