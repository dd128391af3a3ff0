"""How a process computes is what its order says, whoever used it before."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from orchestrator.sweep_run.drive import Orders
from orchestrator.worker.attempts import Attempt, Report
from orchestrator.worker.worker import run_order
from search_spaces import expand, read
from trainers.training.arithmetic import CUBLAS, set_arithmetic

TEXT = """
name: bits
dataset: digits100
pairs: tinyresnet -> tinycnn
recipe: {base: digits, epochs: 1, epoch_steps: 2}
methods: {ce: }
seeds: 1
resources: {deterministic: SWITCH}
"""


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(CUBLAS[0], raising=False)
    yield
    set_arithmetic(threads=1)


def told(home: Path, switch: str) -> Report:
    file = home / f"{switch}.yaml"
    file.write_text(TEXT.replace("SWITCH", switch))
    sweep = expand(read(file))
    (member,) = sweep.fixed
    attempt = Attempt(
        key=member.key, number=1, trial=member.trial, phase="fixed", sweep="bits", keep_weights=False, bank=True
    )
    (report,) = run_order(Orders([sweep], home / switch)(attempt))
    return report


def test_it_is_told_and_set_for_each_order(tmp_path: Path) -> None:
    by_itself = torch.backends.cudnn.benchmark, torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    reports = {}
    for switch in ("on", "off"):
        reports[switch] = told(tmp_path, switch)
        assert torch.are_deterministic_algorithms_enabled() == (switch == "on")
        assert torch.backends.cudnn.deterministic == (switch == "on")
    now = torch.backends.cudnn.benchmark, torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    assert now == by_itself == (False, True, False)
    assert os.environ[CUBLAS[0]] == CUBLAS[1]
    assert reports["on"].provenance["deterministic"] == "on"
    assert "deterministic" not in reports["off"].provenance
    assert reports["on"].values["train_loss"] == reports["off"].values["train_loss"]


def test_an_operation_that_cannot_raises() -> None:
    """On a CPU, too, so that the switch is seen to do something."""
    scattered, places = torch.zeros(4), torch.tensor([0, 0, 1])
    set_arithmetic(threads=1, deterministic=True)
    with pytest.raises(RuntimeError, match="deterministic"):
        torch.empty(4).put_(places, torch.ones(3), accumulate=False)
    set_arithmetic(threads=1)
    scattered.put_(places, torch.ones(3), accumulate=False)
