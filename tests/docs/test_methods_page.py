"""docs/methods.md holds to the code: its table is the registry, its examples are sound, and what it says cannot work
cannot."""

import re
from pathlib import Path

import pytest
import yaml

from search_spaces import SweepFileError, expand, read
from tests.docs.test_sweep_file import bare, lines_of
from tests.search_spaces.sweep_texts import SMALL
from trainers import methods
from trainers.methods import NetworkShape, value_text

PAGE = (Path(__file__).parents[2] / "docs" / "methods.md").read_text()
HEADS = ("method", "kind", "what it compares", "ce_weight", "weight", "warm-up", "source")
POINT = NetworkShape(maps=((4, 1, 1), (8, 1, 1)), vector=8)


def test_the_table_is_the_registry() -> None:
    listed = lines_of(PAGE, HEADS)
    assert [bare(line["method"]) for line in listed] == list(methods.METHODS)
    for line in listed:
        method = methods.METHODS[bare(line["method"])]
        defaults = {name: value_text(value) for name, value in method.defaults().items()}
        assert (line["kind"], line["what it compares"], line["source"]) == (method.kind, method.summary, method.source)
        for head, name in (("ce_weight", "ce_weight"), ("weight", "weight"), ("warm-up", "warmup_epochs")):
            assert line[head] == defaults.get(name, ""), (method.name, name)


WAYS = lines_of(PAGE, ("what you want", "how it is written"))


@pytest.mark.parametrize("line", WAYS, ids=lambda line: line["what you want"])
def test_every_way_to_write_a_partition_is_sound(line: dict[str, str], tmp_path: Path) -> None:
    file = yaml.safe_load(SMALL)
    file["methods"] = {"entry": yaml.safe_load(bare(line["how it is written"]))}
    file["search"] = {"trials": 2}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(file, sort_keys=False))
    assert expand(read(tmp_path / "a.yaml")).rows


def test_what_cannot_work_cannot() -> None:
    listed = lines_of(PAGE, ("method", "cannot work"))
    named = {name for line in listed for name in re.findall(r"`(\w+)`", line["method"])}
    refusing = set()
    for method in methods.ALL:
        try:
            method.fits(method.defaults(), POINT, POINT)
        except ValueError:
            refusing.add(method.name)
    assert refusing == named


def test_a_pair_that_cannot_work_is_told_with_the_entry_before_anything_starts(tmp_path: Path) -> None:
    file = yaml.safe_load(SMALL)
    file["methods"] = {"hint": {"method": "fitnet", "layer": 4}}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(file, sort_keys=False))
    with pytest.raises(SweepFileError) as refusal:
        read(tmp_path / "a.yaml")
    (problem,) = refusal.value.problems
    assert problem.where == "methods.hint"
    assert "tinyresnet -> tinycnn: 'fitnet' cannot work with these networks: layer is 4" in problem.message
