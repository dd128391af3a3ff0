"""`compile: graph` is for GPUs: refused before anything starts where trials train on a CPU, whoever decided that."""

from pathlib import Path

import pytest

from search_spaces import expand, read
from search_spaces.files.errors import SweepFileError
from trainers.trials.trial import recipe_content, trial_key

TEXT = """name: graphs
dataset: digits100
pairs: tinyresnet -> tinycnn
teachers:
  tinyresnet: {recipe: {epochs: 1}}
recipe: {base: digits, compile: WHAT}
methods: {kd: }
seeds: 1
"""


def file_of(folder: Path, what: str, more: str = "", **changes: str) -> Path:
    path = folder / "graphs.yaml"
    text = TEXT.replace("WHAT", what) + more
    for old, new in changes.items():
        text = text.replace(old, new)
    path.write_text(text)
    return path


@pytest.mark.parametrize("more", ["", "resources: {gpus: 0}\n"])
def test_a_graph_on_a_cpu_is_refused(tmp_path: Path, more: str) -> None:
    file = read(file_of(tmp_path, "graph", more))
    with pytest.raises(SweepFileError) as caught:
        expand(file, capability=lambda: None)
    assert str(caught.value).splitlines()[1:] == [
        "  line 6  recipe.compile: graph is for trials on a GPU, and these train on a CPU; say on or off"
    ]


def test_one_that_is_set_or_a_teachers_is_refused_likewise(tmp_path: Path) -> None:
    path = file_of(tmp_path, "off", epochs="compile: graph, epochs")
    with pytest.raises(SweepFileError) as caught:
        expand(read(path, ["recipe.compile=graph"]), capability=lambda: None)
    assert [(one.line, one.place, one.where) for one in caught.value.problems] == [
        (5, "", "teachers.tinyresnet.recipe.compile"),
        (None, "--set", "recipe.compile"),
    ]


def test_on_a_gpu_it_is_in_the_key_and_off_is_not(tmp_path: Path) -> None:
    keys = {}
    for what in ("off", "on", "graph"):
        (member,) = expand(read(file_of(tmp_path, what)), capability=lambda: (9, 0)).fixed
        keys[what] = trial_key(member.trial)
        assert recipe_content(member.trial.recipe).get("compile", False) == {"off": False, "on": True}.get(what, what)
    assert len(set(keys.values())) == 3
