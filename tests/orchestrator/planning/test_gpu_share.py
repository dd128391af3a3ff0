"""How many trials share a GPU: by what trials like them have taken, or take in a step that tries it."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from orchestrator.ledger.ledger import Ledger
from orchestrator.planning.gpu_share import ROOT, Probe, gpu_share, share
from search_spaces import Sweep
from tests.orchestrator.simulation import drive, new_planner, sweep_of
from trainers.trials.trial import to_json

GIB = 2**30
KD, DKD = "kd", "dkd"
TEXT = """
name: shared
dataset: digits100
pairs: tinyresnet -> tinycnn
recipe: {base: digits, epochs: 2}
methods: {kd: , gdkd: {k: {low: 1, high: 9}}}
search: {trials: 2}
seeds: 1
"""


@pytest.mark.parametrize(
    ("peaks", "gpu", "expected"),
    [
        ({}, 80 * GIB, 1.0),
        ({KD: 3 * GIB}, 80 * GIB, 1.0),  # dkd was never measured
        ({KD: 3 * GIB, DKD: 20 * GIB}, 80 * GIB, 0.3333),  # 20 GiB x 1.2 and the context: three of them
        ({KD: 30 * GIB, DKD: 60 * GIB}, 80 * GIB, 1.0),
        ({KD: 1 * GIB, DKD: 1 * GIB}, 80 * GIB, 0.125),  # eight at most
        ({KD: 90 * GIB, DKD: 1 * GIB}, 80 * GIB, 1.0),
        ({KD: 1 * GIB, DKD: 1 * GIB}, 0, 1.0),
    ],
)
def test_the_largest_decides(peaks: dict, gpu: int, expected: float) -> None:
    assert share([KD, DKD], peaks, gpu) == expected


def test_as_often_as_trials_are_trained_in_step() -> None:
    assert share([KD], {KD: GIB}, 80 * GIB, together=1) == 0.125
    assert share([KD], {KD: GIB}, 80 * GIB, together=32) == 0.5


class Meter:
    """Measures what it is asked for, and remembers."""

    def __init__(self, *gibibytes: int) -> None:
        self.gibibytes = gibibytes
        self.asked: list[list[Probe]] = []

    def __call__(self, trials: Sequence[Probe]) -> list[int]:
        self.asked.append(list(trials))
        return [GIB * size for size in self.gibibytes[: len(trials)]]


def none(trials: Sequence[Probe]) -> list[int]:
    raise AssertionError("nothing is to be measured")


def test_what_is_left_is_compared_with_what_has_ended_on_such_a_gpu(tmp_path: Path) -> None:
    sweep = sweep_of(TEXT, tmp_path)
    with contextlib.closing(Ledger(tmp_path / "ledger.db")) as ledger:
        planner = new_planner(ledger, sweep)
        meter = Meter(0, 1, 1)
        assert gpu_share([sweep], ledger, "H", 80 * GIB, meter) == 1.0  # of one it is not known
        kinds = {(one["trial"]["role"], one["trial"]["method"]) for one in meter.asked[0]}
        assert kinds == {("teacher", "ce"), ("student", "kd"), ("student", "gdkd")}
        assert gpu_share([sweep], ledger, "H", 80 * GIB, Meter(10, 20, 3)) == 0.3333
        assert gpu_share([sweep], ledger, "", 0, none) == 1.0
        drive(planner, slots=1)
        for own, held in ((10, 0), (4, 6)):  # which others need, too: the same trial needs the same room
            with ledger.transaction():
                ledger._db.execute(
                    "UPDATE trial SET provenance = ?, metrics = json_set(metrics, '$.peak_memory_bytes', ?, "
                    "'$.held_memory_bytes', ?)",
                    (json.dumps({"device": "H"}), own * GIB, held * GIB),
                )
            assert gpu_share([sweep], ledger, "H", 80 * GIB, none) == 0.1666
        assert gpu_share([sweep], ledger, "another", 80 * GIB, Meter(70, 70, 70)) == 1.0


MORE = {"batch_size: 32", "optimizer: adamw", "ema_decay: 0.9", "compile: on", "accumulate: 2", "mixup: 0.2"}


def test_trials_are_of_a_kind_where_they_take_as_much(tmp_path: Path) -> None:
    def asked(name: str, recipe: str, more: str = "") -> list[Probe]:
        text = TEXT.replace("epochs: 2", recipe).replace("seeds: 1", f"seeds: 2\n{more}")
        sweep, meter = sweep_of(text.replace("shared", name), tmp_path / name), Meter(1, 1, 1)
        with contextlib.closing(Ledger(tmp_path / name / "ledger.db")) as ledger:
            plain = sweep_of(TEXT, tmp_path)
            drive(new_planner(ledger, plain), slots=1)
            with ledger.transaction():
                ledger._db.execute(
                    "UPDATE trial SET provenance = ?, metrics = json_set(metrics, '$.peak_memory_bytes', 1)",
                    (json.dumps({"device": "H"}),),
                )
            new_planner(ledger, sweep)
            gpu_share([sweep], ledger, "H", 80 * GIB, meter)
        return meter.asked[0] if meter.asked else []

    for number, setting in enumerate(sorted(MORE)):
        assert asked(f"more-{number}", f"epochs: 2, {setting}"), setting
    assert asked("half", "epochs: 2", "precision: bfloat16")
    assert not asked("longer", "epochs: 3, learning_rate: 0.01, label_smoothing: 0.1, clip_norm: 0")


def probe(sweep: Sweep) -> list[int]:
    """Measure every kind of trial on the CPU, as a driver does on a GPU."""
    asked: list[Any] = [{"trial": to_json(member.trial), "data_root": None} for member in sweep.fixed]
    command = [sys.executable, "-m", "orchestrator.worker.probe", "cpu"]
    done = subprocess.run(
        command, input=json.dumps(asked), cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    found: list[int] = json.loads(done.stdout)
    return found


def test_a_step_is_tried_before_there_is_a_teacher(tmp_path: Path) -> None:
    text = TEXT.replace("{kd: , gdkd: {k: {low: 1, high: 9}}}", "{kd: , fitnet: }").replace("search: {trials: 2}", "")
    found = probe(sweep_of(text, tmp_path))
    assert len(found) == 2
    assert all(10 * 2**20 < size < 8 * GIB for size in found), found
