"""Every rule of a sweep file, broken alone: the one line that is said of it."""

from pathlib import Path

import pytest

from search_spaces import SweepFileError, read
from tests.search_spaces.sweep_texts import SMALL, told, told_of, write

WHOLE = {
    "nothing": (b"", "line 1  must be a mapping with keys such as name: and methods:, got nothing"),
    "a list": (b"- a\n", "line 1  must be a mapping with keys such as name: and methods:, got ['a']"),
    "text": (b"hello", "line 1  must be a mapping with keys such as name: and methods:, got 'hello'"),
    "not YAML": (b"name: [a\npairs: b", "line 2  is not YAML: expected ',' or ']', but got ':'"),
    "a tab": (b"name: a\n\tb: c", "line 2  is not YAML: found character '\\t' that cannot start any token"),
    "two documents": (b"name: a\n---\nname: b", "line 2  is not YAML: but found another document"),
    "a control character": (b"name: a\nx: \x01", "line 2  is not YAML: special characters are not allowed"),
    "Latin-1": (b"name: a\nx: caf\xe9", "line 2  must be UTF-8 text, got the byte 0xe9"),
    "a tag": (b"name: !!python/name:os.system x", "'tag:yaml.org,2002:python/name:os.system' is not supported"),
    "an alias of itself": (b"name: &a [*a]", "line 1  holds an alias that contains itself"),
}


@pytest.mark.parametrize("case", WHOLE)
def test_a_file_that_is_no_sweep_file(case: str, tmp_path: Path) -> None:
    text, expected = WHOLE[case]
    assert any(line.endswith(expected) for line in told(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SweepFileError) as caught:
        read(tmp_path / "none.yaml")
    assert str(caught.value) == f"{tmp_path}/none.yaml: no such file"


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SweepFileError) as caught:
        read(tmp_path)
    assert str(caught.value) == f"{tmp_path}: is a directory, not a sweep file"


def test_a_file_too_large(tmp_path: Path) -> None:
    assert told(tmp_path, b"# " + b"x" * 300_000) == ["must be at most 256 KiB long to be a sweep file"]


def test_aliases_that_stand_for_billions(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    (line,) = told(tmp_path, "\n".join(lines))[1:]
    assert line.endswith("must hold at most 50000 values, aliases written out")


def test_a_file_nested_too_deeply(tmp_path: Path) -> None:
    assert told(tmp_path, b"a: " + b"[" * 50_000) == ["is nested too deeply"]


NAME_RULE = "must be 1 to 64 of a-z, 0-9, '.', '_' and '-', the first a letter or digit"
RECIPES = (
    "(known: cifar, imagenet, tiny_imagenet, cub200, cityscapes, transformer, quick, small, finetune, digits, "
    "digits-teacher)"
)
SETTINGS = "must be a value, {grid: […]}, {low: …, high: …}, {choice: […]} or {search: default}"
ONE_LINE = [
    # the name
    ("name: small", "name: ../up", f"line 1  name: {NAME_RULE}, got '../up'"),
    ("name: small", "name: /etc/x", f"line 1  name: {NAME_RULE}, got '/etc/x'"),
    ("name: small", 'name: "a\\n"', f"line 1  name: {NAME_RULE}, got 'a\\n'"),
    ("name: small", "name: ..", f"line 1  name: {NAME_RULE}, got '..'"),
    ("name: small", "name: 5", "line 1  name: must be text, got 5"),
    ("name: small", "name:", "line 1  name: is missing"),
    ("name: small\n", "", "line 1  name: is missing"),
    # data sets
    (
        "dataset: digits100",
        "dataset: digit100",
        "line 2  dataset: unknown data set 'digit100'; did you mean 'digits100'? (all: run_sweep.py datasets)",
    ),
    (
        "dataset: digits100",
        "datasets: {emnist_letters: }",
        "line 2  datasets.emnist_letters: unknown data set 'emnist_letters' (all: run_sweep.py datasets)",
    ),
    ("dataset: digits100", "datasets: {}", "line 2  datasets: must name at least one data set, got none"),
    (
        "dataset: digits100",
        "datasets: {digits100: {rot: /x}}",
        "line 2  datasets.digits100.rot: unknown key; did you mean 'root'?",
    ),
    (
        "dataset: digits100",
        "datasets: {digits100: {download: 1}}",
        "line 2  datasets.digits100.download: must be on or off, got 1",
    ),
    ("dataset: digits100\n", "", "line 1  dataset: is missing"),
    (
        "dataset: digits100",
        "dataset: digits100\ndatasets: {digits100: }",
        "line 3  datasets: give dataset or datasets, not both",
    ),
    # pairs
    (
        "tinyresnet -> tinycnn",
        "tinyresnet tinycnn",
        "line 3  pairs: must be 'teacher -> student', got 'tinyresnet tinycnn'",
    ),
    ("tinyresnet -> tinycnn", "-> tinycnn", "line 3  pairs: must be 'teacher -> student', got '-> tinycnn'"),
    ("tinyresnet -> tinycnn", "a -> b -> c", "line 3  pairs: must be 'teacher -> student', got 'a -> b -> c'"),
    ("tinyresnet -> tinycnn", "[]", "line 3  pairs: must be 'teacher -> student', or a list of such, got []"),
    (
        "tinyresnet -> tinycnn",
        "{a: b}",
        "line 3  pairs: must be 'teacher -> student', or a list of such, got a mapping",
    ),
    (
        "tinyresnet -> tinycnn",
        "\n  - tinyresnet -> tinycnn\n  - tinyresnet -> tinycnn",
        "line 5  pairs[1]: the pair 'tinyresnet -> tinycnn' is given twice",
    ),
    (
        "tinyresnet -> tinycnn",
        "tinyresnt -> tinycnn",
        "line 3  pairs: unknown model 'tinyresnt'; did you mean 'tinyresnet'? (all: run_sweep.py models)",
    ),
    (
        "tinyresnet -> tinycnn",
        "tinyresnet -> timm:resnet81",
        "line 3  pairs: unknown model 'timm:resnet81'; did you mean 'timm:resnet18'? (all: run_sweep.py models)",
    ),
    # teachers
    (
        "methods:",
        "teachers: {tinyresnet: {checkpoint: no.pth}}\nmethods:",
        "line 4  teachers.tinyresnet.checkpoint: no such file: '{folder}/no.pth'",
    ),
    (
        "methods:",
        "teachers: {tinyresnet: {checkpoint: .}}\nmethods:",
        "line 4  teachers.tinyresnet.checkpoint: must be a file, '{folder}' is a directory",
    ),
    (
        "methods:",
        "teachers: {tinyresnet: {pretrained: true}}\nmethods:",
        "line 4  teachers.tinyresnet.pretrained: timm has no weights of 'cifar_tinyresnet'; give checkpoint:",
    ),
    (
        "methods:",
        "teachers: {tinyresnt: }\nmethods:",
        "line 4  teachers.tinyresnt: is no pair's teacher; did you mean 'tinyresnet'?",
    ),
    (
        "methods:",
        "teachers: {tinyresnet: {recpe: digits}}\nmethods:",
        "line 4  teachers.tinyresnet.recpe: unknown key; did you mean 'recipe'?",
    ),
    (
        "methods:",
        "teachers: {tinyresnet: {recipe: digts}}\nmethods:",
        f"line 4  teachers.tinyresnet.recipe: unknown recipe 'digts'; did you mean 'digits'? {RECIPES}",
    ),
    # recipes
    (
        "methods:",
        "recipe: cifr\nmethods:",
        f"line 4  recipe: unknown recipe 'cifr'; did you mean 'cifar'? {RECIPES}",
    ),
    ("methods:", "recipe: {epoch: 3}\nmethods:", "line 4  recipe.epoch: unknown key; did you mean 'epochs'?"),
    (
        "methods:",
        "recipe: {epochs: 1.5}\nmethods:",
        "line 4  recipe.epochs: must be a whole number of at least 1, got 1.5",
    ),
    (
        "methods:",
        "recipe: {base: cifar, learning_rate: fast}\nmethods:",
        "line 4  recipe.learning_rate: must be a finite number above 0, got 'fast'",
    ),
    (
        "methods:",
        "recipe: {base: cifar, precision: float32}\nmethods:",
        "line 4  recipe.precision: unknown key; precision is a key of the sweep",
    ),
    # methods
    ("  ce:\n  kd:\n", "", "line 4  methods: is missing"),
    ("methods:\n  ce:\n  kd:\n", "methods: {}\n", "line 4  methods: must hold at least 1, got none"),
    ("methods:\n  ce:\n  kd:\n", "methods: [kd]\n", "line 4  methods: must be a mapping, got ['kd']"),
    ("  kd:", "  kdd:", "line 6  methods.kdd: unknown method 'kdd'; did you mean 'kd'? (all: run_sweep.py methods)"),
    (
        "  kd:",
        "  gdkd (by k):",
        "line 6  methods.gdkd (by k): unknown method 'gdkd (by k)'; did you mean 'gdkd'? (all: run_sweep.py methods)",
    ),
    (
        "  kd:",
        "  kd: {method: gdk}",
        "line 6  methods.kd.method: unknown method 'gdk'; did you mean 'gdkd'? (all: run_sweep.py methods)",
    ),
    ("  kd:", "  kd: 5", "line 6  methods.kd: must be a mapping, got 5"),
    ("  kd:", "  kd:\n  ce:", "line 7  methods.ce: given twice, first on line 5"),
    ("  kd:", '  "a\\tb": {method: kd}', "line 6  methods.ab: the key has a tab (U+0009) in it; write it without"),
    (
        "  kd:",
        f"  {'x' * 81}: {{method: kd}}",
        f"line 6  methods.{'x' * 81}: a name must have 1 to 80 characters, got 81",
    ),
    ("  ce:", "  ce: {weight: 1}", "line 5  methods.ce.weight: unknown key; ce has no hyperparameters"),
    (
        "  kd:",
        "  kd: {temprature: 4}",
        "line 6  methods.kd.temprature: unknown hyperparameter of kd; did you mean 'temperature'?",
    ),
    ("  kd:", "  kd: {metod: gdkd}", "line 6  methods.kd.metod: unknown hyperparameter of kd; did you mean 'method'?"),
    # values
    ("  kd:", "  gdkd: {k: 0}", "line 6  methods.gdkd.k: must be at least 1, got 0"),
    ("  kd:", "  gdkd: {k: 100}", "line 6  methods.gdkd.k: must be less than the number of classes (100), got 100"),
    ("  kd:", "  gdkd: {k: five}", "line 6  methods.gdkd.k: must be a whole number, got 'five'"),
    ("  kd:", "  gdkd: {k: 5.0}", "line 6  methods.gdkd.k: must be a whole number, got 5.0"),
    ("  kd:", "  gdkd: {k: true}", "line 6  methods.gdkd.k: must be a whole number, got true"),
    ("  kd:", "  kd: {temperature: hot}", "line 6  methods.kd.temperature: must be a number, got 'hot'"),
    ("  kd:", "  kd: {temperature: .nan}", "line 6  methods.kd.temperature: must be a finite number, got .nan"),
    ("  kd:", "  kd: {temperature: .inf}", "line 6  methods.kd.temperature: must be a finite number, got .inf"),
    ("  kd:", "  kd: {temperature: }", "line 6  methods.kd.temperature: needs a value, got nothing"),
    (
        "  kd:",
        "  gdkd: {kl: forwards}",
        "line 6  methods.gdkd.kl: must be one of forward, reverse, both, got 'forwards'; did you mean 'forward'?",
    ),
    (
        "  kd:",
        "  gdkd: {k: [1, 5]}",
        "line 6  methods.gdkd.k: takes one value; a list is written {grid: [1, 5]} (rows) or {choice: …} (search)",
    ),
    # grids, ranges, choices
    ("  kd:", "  gdkd: {k: {grid: []}}", "line 6  methods.gdkd.k.grid: must be a list of at least one value, got []"),
    ("  kd:", "  gdkd: {k: {grid: 5}}", "line 6  methods.gdkd.k.grid: must be a list of at least one value, got 5"),
    ("  kd:", "  gdkd: {k: {grid: [1, 0]}}", "line 6  methods.gdkd.k.grid[1]: must be at least 1, got 0"),
    ("  kd:", "  gdkd: {k: {grid: [5, 1, 5]}}", "line 6  methods.gdkd.k.grid[2]: must be distinct values, got 5 twice"),
    (
        "  kd:",
        "  kd: {temperature: {grid: [4, 4.0]}}",
        "line 6  methods.kd.temperature.grid[1]: must be distinct values, got 4.0 twice",
    ),
    ("  kd:", "  gdkd: {k: {grd: [1]}}", "line 6  methods.gdkd.k.grd: unknown key; did you mean 'grid'?"),
    (
        "  kd:",
        "  gdkd: {k: {}}",
        f"line 6  methods.gdkd.k: {SETTINGS}, got an empty mapping",
    ),
    ("  kd:", "  gdkd: {k: {low: 1}}", "line 6  methods.gdkd.k.high: is missing"),
    (
        "  kd:",
        "  gdkd: {k: {low: 9, high: 2}}",
        "line 6  methods.gdkd.k.low: must be below high, got low 9 and high 2",
    ),
    (
        "  kd:",
        "  gdkd: {k: {low: 2, high: 2}}",
        "line 6  methods.gdkd.k.low: must be below high, got low 2 and high 2",
    ),
    ("  kd:", "  gdkd: {k: {low: 1.5, high: 9}}", "line 6  methods.gdkd.k.low: must be a whole number, got 1.5"),
    (
        "  kd:",
        "  gdkd: {k: {low: 1, high: 100}}",
        "line 6  methods.gdkd.k.high: must be less than the number of classes (100), got 100",
    ),
    (
        "  kd:",
        "  gdkd: {w2: {low: 0, high: 9, log: true}}",
        (
            "line 6  methods.gdkd.w2.low: must be above 0 where log is on, got 0; "
            "for values with 0 among them give {choice: [0, …]}"
        ),
    ),
    ("  kd:", "  gdkd: {k: {low: 1, high: 9, log: 1}}", "line 6  methods.gdkd.k.log: must be on or off, got 1"),
    ("  kd:", "  gdkd: {k: {low: 1, hihg: 9}}", "line 6  methods.gdkd.k.hihg: unknown key; did you mean 'high'?"),
    (
        "  kd:",
        "  gdkd: {standardize: {low: 0, high: 1}}",
        "line 6  methods.gdkd.standardize: takes on or off, not a range; use {choice: […]}",
    ),
    (
        "  kd:",
        "  gdkd: {k: {choice: [1, 1]}}",
        "line 6  methods.gdkd.k.choice[1]: must be distinct values, got 1 twice",
    ),
    (
        "  kd:",
        "  kd:\n  gdkd: {k: {low: 1, high: 9}}",
        "line 7  search: is missing; methods.gdkd.k is searched",
    ),
    # search
    ("seeds: 2", "seeds: 2\nsearch: {trials: 0}", "line 8  search.trials: must be at least 1, got 0"),
    ("seeds: 2", "seeds: 2\nsearch: {}", "line 8  search.trials: is missing"),
    (
        "seeds: 2",
        "seeds: 2\nsearch: {trial: 5, trials: 5}",
        "line 8  search.trial: unknown key; did you mean 'trials'?",
    ),
    (
        "seeds: 2",
        "seeds: 2\nsearch: {trials: 5, sampler: tpee}",
        "line 8  search.sampler: must be one of tpe, random, gp, got 'tpee'; did you mean 'tpe'?",
    ),
    (
        "seeds: 2",
        "seeds: 2\nsearch: {trials: 5, confirm: 6}",
        "line 8  search.confirm: must be at most trials (5), got 6",
    ),
    (
        "seeds: 2",
        "seeds: 2\nsearch: {trials: 5, epochs: 99}",
        "line 8  search.epochs: must be at most the recipe's epochs (10), got 99",
    ),
    # seeds and the rest
    ("seeds: 2", "", "line 1  seeds: is missing"),
    ("seeds: 2", "seeds:", "line 7  seeds: is missing"),
    ("seeds: 2", "seeds: 0", "line 7  seeds: must be from 1 to 10000 seeds, got 0"),
    ("seeds: 2", "seeds: []", "line 7  seeds: must hold at least one seed, got an empty list"),
    ("seeds: 2", "seeds: [1, 1]", "line 7  seeds: must be distinct, got 1 twice"),
    ("seeds: 2", "seeds: [-1]", "line 7  seeds[0]: must be at least 0, got -1"),
    ("seeds: 2", "seeds: [1000000]", "line 7  seeds[0]: must be below 1000000, got 1000000"),
    ("seeds: 2", "seeds: [x]", "line 7  seeds[0]: must be a whole number, got 'x'"),
    ("seeds: 2", "seeds: two", "line 7  seeds: must be a whole number or a list of whole numbers, got 'two'"),
    ("seeds: 2", "seeds: true", "line 7  seeds: must be a whole number or a list of whole numbers, got true"),
    (
        "seeds: 2",
        "seeds: 2\nprecision: flaot32",
        "line 8  precision: must be one of auto, float32, bfloat16, got 'flaot32'; did you mean 'float32'?",
    ),
    ("seeds: 2", "seeds: 2\nbank: maybe", "line 8  bank: must be on or off, got 'maybe'"),
    ("seeds: 2", "seeds: 2\nresources: {cpus: 0}", "line 8  resources.cpus: must be at least 1, got 0"),
    ("seeds: 2", "seeds: 2\nresources: {gpus: -1}", "line 8  resources.gpus: must be at least 0, got -1"),
    (
        "seeds: 2",
        "seeds: 2\nresources: {ranks: 2, gpus: 0.5}",
        "line 8  resources.gpus: must be 0, or as many as ranks (2), each of which has one; got 0.5",
    ),
    (
        "seeds: 2",
        "seeds: 2\nresources: {gpus: 1.5}",
        "line 8  resources.gpus: must be a fraction of one GPU or a whole number, got 1.5",
    ),
    ("seeds: 2", "seeds: 2\nresources: {cpu: 2}", "line 8  resources.cpu: unknown key; did you mean 'cpus'?"),
    (
        "seeds: 2",
        "seeds: 2\nreport: {baseline: kdd}",
        "line 8  report.baseline: unknown entry 'kdd'; did you mean 'kd'? (known: ce, kd)",
    ),
    ("seeds: 2", "seeds: 2\nepocs: 3", "line 8  epocs: unknown key; did you mean 'recipe.epochs'?"),
    ("seeds: 2", "seed: 2", "line 7  seed: unknown key; did you mean 'seeds'?"),
    ("seeds: 2", "seeds: 2\nmethod: {}", "line 8  method: unknown key; did you mean 'methods'?"),
    ("seeds: 2", "seeds: 1\nseeds: 2", "line 8  seeds: given twice, first on line 7"),
]


@pytest.mark.parametrize(("old", "new", "expected"), ONE_LINE, ids=[case[2][:60] for case in ONE_LINE])
def test_a_broken_rule_is_one_line(old: str, new: str, expected: str, tmp_path: Path) -> None:
    assert told_of(tmp_path, old, new) == [expected.replace("{folder}", str(tmp_path))]


def test_a_sweep_too_large(tmp_path: Path) -> None:
    new = "  gdkd: {w1: {grid: [1, 2, 3]}, w2: {grid: [1, 2, 3, 4]}}"
    (line,) = told(tmp_path, SMALL.replace("  kd:", new).replace("seeds: 2", "seeds: 10000"))[1:]
    assert line == "line 6  methods.gdkd: a sweep may have at most 100000 trials, got 130000, of these 120000 here"


def test_seeds_that_are_added_are_those_of_the_chosen_setting_alone(tmp_path: Path) -> None:
    new = "  gdkd: {w1: {low: 1, high: 2}}\nsearch: {trials: 100, confirm: 100}"
    text = SMALL.replace("  kd:", new)
    seeds = "seeds: {first: 3, most: 10000, settle: ce}"
    assert [entry.name for entry in read(write(tmp_path, text.replace("seeds: 2", seeds))).entries] == ["ce", "gdkd"]
    (line,) = told(tmp_path, text.replace("seeds: 2", "seeds: 10000"))[1:]
    assert line.endswith("a sweep may have at most 100000 trials, got 1010100, of these 1000100 here")


ALL_AT_ONCE = """\
name: ../up
dataset: digit100
pairs:
  - tinyresnet > tinycnn
  - tinyresnt -> tinycnn
methods:
  kdd:
  gdkd: {k: 0, w1: x}
  kd:
    temperature: {grid: []}
    weight: {low: 3, high: 2}
search:
  trials: 0
seeds: []
epocs: 1
epocs: 2
"""


def test_all_problems_are_told_at_once_by_line(tmp_path: Path) -> None:
    path = write(tmp_path, ALL_AT_ONCE)
    with pytest.raises(SweepFileError) as caught:
        read(path)
    assert str(caught.value) == "\n".join(
        [
            f"{path}: 13 problems, nothing was started",
            f"  line 1   name: {NAME_RULE}, got '../up'",
            "  line 2   dataset: unknown data set 'digit100'; did you mean 'digits100'? (all: run_sweep.py datasets)",
            "  line 4   pairs[0]: must be 'teacher -> student', got 'tinyresnet > tinycnn'",
            "  line 5   pairs[1]: unknown model 'tinyresnt'; did you mean 'tinyresnet'? (all: run_sweep.py models)",
            "  line 7   methods.kdd: unknown method 'kdd'; did you mean 'kd'? (all: run_sweep.py methods)",
            "  line 8   methods.gdkd.k: must be at least 1, got 0",
            "  line 8   methods.gdkd.w1: must be a number, got 'x'",
            "  line 10  methods.kd.temperature.grid: must be a list of at least one value, got []",
            "  line 11  methods.kd.weight.low: must be below high, got low 3 and high 2",
            "  line 13  search.trials: must be at least 1, got 0",
            "  line 14  seeds: must hold at least one seed, got an empty list",
            "  line 15  epocs: unknown key; did you mean 'recipe.epochs'?",
            "  line 16  epocs: given twice, first on line 15",
        ]
    )
    lines = [problem.line for problem in caught.value.problems]
    assert lines == sorted(line for line in lines if line is not None)
