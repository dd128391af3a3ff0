"""How many trials share a GPU: by what trials like them have taken, and only once all are known."""

import contextlib
import json
from pathlib import Path

import pytest

from orchestrator.ledger.ledger import Ledger
from orchestrator.planning.gpu_share import gpu_share, share
from tests.orchestrator.simulation import drive, new_planner, sweep_of

GIB = 2**30
KD, DKD = ("cifar100", "a", "b", "kd", 64, "float32"), ("cifar100", "a", "b", "dkd", 64, "float32")
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


def test_what_is_left_is_compared_with_what_has_ended_on_such_a_gpu(tmp_path: Path) -> None:
    sweep = sweep_of(TEXT, tmp_path)
    with contextlib.closing(Ledger(tmp_path / "ledger.db")) as ledger:
        planner = new_planner(ledger, sweep)
        assert gpu_share([sweep], ledger, "H", 80 * GIB) == 1.0
        drive(planner, slots=1)
        with ledger.transaction():
            ledger._db.execute(
                "UPDATE trial SET provenance = ?, metrics = json_set(metrics, '$.peak_memory_bytes', ?)",
                (json.dumps({"device": "H"}), 10 * GIB),
            )
        assert gpu_share([sweep], ledger, "H", 80 * GIB) == 0.1666
        with ledger.transaction():  # of which 4 GiB are its own increase: the same trial needs the same room
            ledger._db.execute(
                "UPDATE trial SET metrics = json_set(metrics, '$.peak_memory_bytes', ?, '$.held_memory_bytes', ?)",
                (4 * GIB, 6 * GIB),
            )
        assert gpu_share([sweep], ledger, "H", 80 * GIB) == 0.1666
        assert gpu_share([sweep], ledger, "another", 80 * GIB) == 1.0
