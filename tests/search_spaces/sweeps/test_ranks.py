"""Several ranks of a trial, from the sweep file to the keys and the plan."""

from pathlib import Path

import pytest

from search_spaces import Sweep, describe_plan, expand, read
from tests.search_spaces.sweep_texts import SMALL, write
from trainers.models import dropping


def sweep_of(folder: Path, resources: str, capability: tuple[int, int] | None = None, text: str = SMALL) -> Sweep:
    file = read(write(folder, text + f"precision: float32\nresources: {resources}\n"))
    return expand(file, capability=lambda: capability)


def keys(sweep: Sweep) -> list[str]:
    return [member.key for member in sweep.fixed]


@pytest.mark.parametrize(
    ("resources", "capability", "gpus", "ranks"),
    [
        ("{gpus: 4}", None, 4.0, 4),
        ("{gpus: 1}", None, 1.0, 1),
        ("{gpus: 0.5}", None, 0.5, 1),
        ("{ranks: 2}", None, 0.0, 2),
        ("{ranks: 2}", (9, 0), 2.0, 2),
        ("{ranks: 2, gpus: 0}", (9, 0), 0.0, 2),
        ("{ranks: 2, gpus: 2}", None, 2.0, 2),
        ("{cpus: 2}", (9, 0), 1.0, 1),
    ],
)
def test_how_many_ranks_and_gpus(
    resources: str, capability: tuple[int, int] | None, gpus: float, ranks: int, tmp_path: Path
) -> None:
    found = sweep_of(tmp_path, resources, capability).resources
    assert (found.gpus, found.ranks) == (gpus, ranks)
    assert found.share_gpus == (gpus == 1 and "gpus" not in resources)


def test_synced_ranks_have_the_keys_of_one_and_local_ones_their_own(tmp_path: Path) -> None:
    one, two, local, three = (
        sweep_of(tmp_path, resources)
        for resources in ("{}", "{ranks: 2}", "{ranks: 2, batch_norm: local}", "{ranks: 3, batch_norm: local}")
    )
    assert keys(one) == keys(two) == keys(sweep_of(tmp_path, "{batch_norm: local}"))
    assert len({*keys(one), *keys(local), *keys(three)}) == 3 * len(set(keys(one)))
    (teacher,) = local.teachers
    assert teacher.trial is not None and teacher.trial.norm_parts == 2


def test_local_ranks_have_studies_of_their_own(tmp_path: Path) -> None:
    searched = SMALL.replace("  kd:", "  kd: {weight: {low: 1, high: 9}}") + "search: {trials: 4}\n"
    studies = [
        sweep_of(tmp_path, resources, text=searched).searches[0].study_id
        for resources in ("{}", "{ranks: 2}", "{ranks: 2, batch_norm: local}")
    ]
    assert studies[0] == studies[1] != studies[2]


def test_the_plan_counts_them_and_says_what_is_not_as_with_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dropping, "drops", lambda name, *_: name == "cifar_tinyresnet")
    plan = describe_plan(sweep_of(tmp_path, "{gpus: 4, cpus: 3}"))
    held, untried, dropout = plan.notes[:3]
    assert held == "4 ranks train a trial together, which holds 12 cores and 4 GPUs"
    assert "NCCL" in untried
    assert dropout.startswith("cifar_tinyresnet has dropout")
    alone = describe_plan(sweep_of(tmp_path, "{gpus: 1}"))
    assert not any("rank" in note for note in alone.notes)
    assert plan.work.multiply_adds == alone.work.multiply_adds


def test_networks_that_draw_numbers_in_training() -> None:
    assert dropping.drops("pspnet_mobilenetv2", 19, 3, {})
    assert not dropping.drops("cifar_tinycnn", 10, 1, {})
