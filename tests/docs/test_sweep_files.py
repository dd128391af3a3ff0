"""Sweep files and numbers in the pages are sound."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from search_spaces import Sweep, expand, read, recipes
from search_spaces.checks import rules
from search_spaces.files import entries, races, schema, yaml_lines
from search_spaces.files.report_keys import ReportModel
from search_spaces.files.yaml_lines import read_tree
from tests.docs.pages import DOCS, bare, blocks, lines_of
from tests.search_spaces.sweeps.test_keys import SMALL
from tests.trainers.layouts import write_imagefolder
from trainers import data
from trainers.trials.recipe import compress, rungs

PAGE = (DOCS / "sweep_file.md").read_text()
SEARCHES = (DOCS / "search_and_confirm.md").read_text()
EXAMPLES = [
    pytest.param(block.text, id=f"{path.name}-{number}")
    for path in (*sorted(DOCS.glob("*.md")), DOCS.parent / "README.md")
    for number, block in enumerate(blocks(path.read_text()))
    if block.language == "yaml" and not block.mark
]


def expanded(file: Mapping[str, Any] | str, folder: Path, *overrides: str) -> Sweep:
    path = folder / "sweep.yaml"
    path.write_text(file if isinstance(file, str) else yaml.safe_dump(dict(file), sort_keys=False))
    return expand(read(path, overrides), capability=lambda: None)


def changed(text: str) -> dict[str, Any]:
    """Return the small sweep file with other keys."""
    return {**read_tree(SMALL).values, **read_tree(text).values}


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_sound(text: str, tmp_path: Path) -> None:
    """One with a name is a whole file; any other replaces keys of a small one."""
    assert expanded(text if "name" in read_tree(text).values else changed(text), tmp_path).rows


def test_the_first_page_is_short_and_its_sweep_is_sound(tmp_path: Path) -> None:
    text = (DOCS.parent / "README.md").read_text()
    assert len(re.findall(r"\S*\w\S*", text)) <= 700
    (block,) = [block for block in blocks(text) if block.mark == "pictures"]
    assert len(block.text.splitlines()) <= 13
    write_imagefolder(tmp_path / "pictures", size=64)
    assert len(expanded(block.text, tmp_path).rows) == 4


def test_the_whole_file_has_every_key() -> None:
    whole = read_tree(blocks(PAGE)[0].text).values
    assert set(whole) == set(schema.SweepModel.model_fields) - {"datasets", "networks"}
    assert set(whole["search"]) == set(schema.SearchModel.model_fields) - {"seed"}
    assert set(whole["report"]) == set(ReportModel.model_fields)


def test_forms_of_hyperparameters_become_the_lines_that_the_page_says(tmp_path: Path) -> None:
    (text,) = [block.text for block in blocks(PAGE) if "all of it:" in block.text]
    sweep = expanded(changed(text), tmp_path)
    labels = [row.label for row in sweep.rows]
    assert labels[:4] == ["value", "grid k=1", "grid k=5", "grid k=20"]
    assert [search.row for search in sweep.searches][-3:] == ["all of it k=1", "all of it k=5", "default"]
    assert labels[-2:] == ["cuts", "both"]
    assert sweep.rows[-1].method == "gdkd+reviewkd"


def test_overrides_that_are_shown_are_taken(tmp_path: Path) -> None:
    shown = [one.strip("'") for one in re.findall(r"--set ('[^'\n]+'|[a-z][\w.]*=\S*)", PAGE)]
    assert len(shown) == 6
    file = SMALL.replace("tinyresnet -> tinycnn", "[tinycnn -> tinycnn, tinyresnet -> tinycnn]")
    for override in shown:
        assert expanded(file, tmp_path, override).rows


def test_limits() -> None:
    (sentence,) = re.findall(r"^A file may have at most .*?included\.", PAGE, re.MULTILINE | re.DOTALL)
    limits = [yaml_lines.MAX_BYTES, yaml_lines.MAX_NODES, entries.MAX_ROWS, rules.MAX_TRIALS]
    assert [int(number) for number in re.findall(r"\d+", sentence)] == limits


def test_rungs_of_the_page_on_searches() -> None:
    heads = ("recipe", "the learning rate drops after", "rungs: a pruner may stop after")
    for line in lines_of(SEARCHES, heads):
        name, _, epochs = bare(line["recipe"]).partition(" in ")
        recipe = compress(recipes.get(name), int(epochs)) if epochs else recipes.get(name)
        drops = ", ".join(map(str, recipe.milestones)) if recipe.schedule == "step" else "smoothly"
        assert line[heads[1]] == drops
        assert line[heads[2]] == ", ".join(map(str, rungs(recipe)))


def test_numbers_of_the_page_on_searches() -> None:
    from orchestrator.optuna_studies.live import STARTUP_PROPOSALS
    from orchestrator.planning.search.outcomes import MAX_REPEATS

    text = " ".join(SEARCHES.split())
    info = data.describe("digits100")
    for sentence in (
        f"After {MAX_REPEATS} repeats in a row the search ends",
        f"draw at random until they know {STARTUP_PROPOSALS} outcomes",
        f"the first {STARTUP_PROPOSALS} + `parallel` − 1 proposals",
        f"before it knows {STARTUP_PROPOSALS} of those",
        f"the seed {races.SEARCH_SEEDS} + `search.seed`",
        f"{info.validation:,} of digits100's {info.fit + info.validation:,}, beside its {info.test:,} test images",
        f"{100 / info.classes:g} % with {info.classes} classes",
    ):
        assert sentence in text, sentence
