"""docs/sweep_file.md holds to the code: every key, type, bound, default, example and message in it is the real one."""

import functools
import itertools
import math
import re
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import pydantic
import pytest
import yaml
from pydantic import BaseModel, TypeAdapter, create_model

from reports.results.sweep import Options
from search_spaces import Sweep, SweepFileError, expand, read, recipes
from search_spaces.checks import rules as checks
from search_spaces.files import entries, schema, yaml_lines
from search_spaces.files.yaml_lines import YamlError, read_tree
from tests.search_spaces.sweep_texts import SMALL
from tests.trainers.layouts import write_imagefolder
from trainers import data, methods, models
from trainers.data.view_sets import EXTRAS
from trainers.files.tensor_files import save_tensors
from trainers.methods import METHODS
from trainers.trials.recipe import Recipe, compress, rungs
from trainers.trials.trial import Trial

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("sweep_file.md", "search_and_confirm.md", "results.md")
PAGE = (DOCS / "sweep_file.md").read_text()

KEYS = ("key", "type", "default", "trials", "meaning")
SHARED = ("key", "type", "default of kd", "default of gdkd", "meaning")
TRIED = ("key", "right", "wrong", "printed")

PLACEHOLDERS = {"datasets": "DATASET", "teachers": "TEACHER", "methods": "ENTRY"}
HYPERPARAMETER = "methods.ENTRY.HYPERPARAMETER"
SHARED_NAMES = ("ce_weight", "weight", "warmup_epochs", "standardize")
FOR_ANY = ("value", "value or mapping", "list of values")
"""Types of keys whose values the method decides."""
NOT_TRIED = ("dataset", "datasets", "recipe.start")
"""Keys whose effect on trials cannot be tried with one data set, and without published weights."""
NOTHING = "(nothing)"

Table = list[dict[str, str]]


# --- reading a page -------------------------------------------------------------------------------------------------


def tables(text: str) -> Iterator[tuple[tuple[str, ...], Table]]:
    """Yield heads and lines of every Markdown table."""
    for part in re.findall(r"^\|.*\n\|[ :|-]+\|\n(?:\|.*\n)*", text, re.MULTILINE):
        lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines()]
        assert {len(line) for line in lines} == {len(lines[0])}, lines
        yield tuple(lines[0]), [dict(zip(lines[0], line, strict=True)) for line in lines[2:]]


def lines_of(text: str, heads: tuple[str, ...]) -> Table:
    """Return the lines of all tables with these heads."""
    found = [line for names, lines in tables(text) if names == heads for line in lines]
    assert found, heads
    return found


def by_key(text: str, heads: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Return the lines of the tables of keys, by key."""
    listed = lines_of(text, heads)
    found = {bare(line["key"]): line for line in listed}
    assert len(found) == len(listed), "a key stands twice"
    return found


def bare(cell: str) -> str:
    """Return what stands in a cell as code."""
    match = re.fullmatch(r"`([^`]+)`", cell)
    assert match, f"{cell} is not code"
    return match[1]


def is_code(cell: str) -> bool:
    return re.fullmatch(r"`[^`]+`", cell) is not None


class Block(NamedTuple):
    mark: str
    language: str
    text: str


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks, each with the word in the comment above it."""
    return [Block(*found) for found in re.findall(r"(?:<!-- (\w+) -->\n)?```(\w+)\n(.*?)```", text, re.DOTALL)]


def base_of(text: str) -> dict[str, Any]:
    """Return the file that the tables of values change."""
    (found,) = [read_tree(b.text).values for b in blocks(text) if b.text.startswith("name: small\n")]
    assert isinstance(found, dict)
    return found


def value_of(cell: str) -> Any:
    """Return the YAML value in a cell."""
    tree = read_tree(f"x: {bare(cell)}")
    assert not tree.problems, cell
    return tree.values["x"]


# --- trying values --------------------------------------------------------------------------------------------------


def changed(base: Mapping[str, Any], key: str, cell: str) -> dict[str, Any]:
    """Return the file with the value of one key replaced, or taken out."""
    file = read_tree(yaml.safe_dump(dict(base), sort_keys=False)).values
    if key == "datasets" or key.startswith("datasets.digits100"):
        file["datasets"] = {file.pop("dataset"): {}}
    *above, last = key.split(".")
    if above == ["report", "ablations"]:
        one = {"entries": ["by k"], **({} if cell == NOTHING else {last: value_of(cell)})}
        return {**file, "report": {**file.get("report", {}), "ablations": [one]}}
    holder = file
    for name in above:
        if not isinstance(holder.get(name), dict):
            holder[name] = {}
        holder = holder[name]
    if cell == NOTHING:
        del holder[last]
    else:
        holder[last] = value_of(cell)
    return file


def base_for(base: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the file that a key is changed in: some need more than the small one has."""
    if key.startswith("datasets.imagefolder"):
        return {name: value for name, value in base.items() if name != "dataset"} | {
            "datasets": {"imagefolder": {"size": 32}}
        }
    if key in ("recipe.power", "recipe.min_learning_rate"):
        return {**base, "recipe": {"base": "cifar", "schedule": "poly"}}
    if key == "recipe.scale_learning_rate":
        return {**base, "recipe": {"base": "cifar", "batch_size": 128}}
    if key in [f"teachers.tinyresnet.{name}" for name in ("size", "mean", "std")]:
        given = {"checkpoint": "tinyresnet.safetensors", "mean": [0.5], "std": [0.25]}
        return {**base, "teachers": {"tinyresnet": given}}
    return dict(base)


def write_weights(path: Path) -> None:
    if not path.exists():
        network = models.create("cifar_tinyresnet", classes=100, channels=1)
        save_tensors(path, network.state_dict())


def expanded(file: Mapping[str, Any], folder: Path) -> Sweep:
    write_weights(folder / "tinyresnet.safetensors")
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump(dict(file), sort_keys=False))
    return expand(read(path), capability=lambda: None)


def told(file: Mapping[str, Any] | str, folder: Path, monkeypatch: pytest.MonkeyPatch, *overrides: str) -> list[str]:
    """Return what is printed of the file's mistakes, without their lines."""
    write_weights(folder / "tinyresnet.safetensors")
    text = file if isinstance(file, str) else yaml.safe_dump(dict(file), sort_keys=False)
    (folder / "sweep.yaml").write_text(text)
    monkeypatch.chdir(folder)
    with pytest.raises(SweepFileError) as caught:
        read(Path("sweep.yaml"), overrides)
    return [f"{p.where}: {p.message}" if p.where else p.message for p in caught.value.problems]


def effect(before: Sweep, after: Sweep) -> str:
    """Return what a change does to the trials, in the words of the page."""
    trials = [{(m.cell, m.row, m.seed): m.key for m in sweep.fixed} for sweep in (before, after)]
    studies = [{(s.cell, s.row): s.study_id for s in sweep.searches} for sweep in (before, after)]
    budgets = [{(s.cell, s.row): (s.trials, s.confirm) for s in sweep.searches} for sweep in (before, after)]
    if differ_where_both_have(*trials):
        return "other"
    if differ_where_both_have(*studies):
        return "search"
    return "same" if trials[0] == trials[1] and studies[0] == studies[1] and budgets[0] == budgets[1] else "more"


def differ_where_both_have(old: Mapping[Any, str], new: Mapping[Any, str]) -> bool:
    return any(old[place] != new[place] for place in old.keys() & new.keys())


def general(key: str) -> str:
    """Return the key with the names that a user gives as placeholders."""
    first, *rest = key.split(".")
    if first not in PLACEHOLDERS or not rest:
        return key
    names = [first, PLACEHOLDERS[first], *rest[1:]]
    if first == "methods" and len(names) > 2 and names[2] not in ("method", *SHARED_NAMES):
        names[2] = "HYPERPARAMETER"
    return ".".join(names)


# --- the schema -----------------------------------------------------------------------------------------------------

Field = tuple[str, pydantic.fields.FieldInfo]


def schema_fields(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[Field]:
    """Yield every key of the schema with its field, those within mappings by dotted path."""
    for name, field in model.model_fields.items():
        yield ".".join((*path, name)), field
        inner = (*path, name, *([PLACEHOLDERS[name]] if not path and name in PLACEHOLDERS else []))
        for held in set(models_in(field.annotation)):
            if not (issubclass(held, schema.RecipeModel) and path):  # a teacher's recipe has the keys of the sweep's
                yield from schema_fields(held, inner)
    if issubclass(model, schema.EntryModel):
        shapes = (schema.Grid, schema.Range, schema.Choice, schema.DefaultSearch)
        yield from itertools.chain.from_iterable(schema_fields(s, (*path, "HYPERPARAMETER")) for s in shapes)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that a type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from models_in(part)


def accepts(field: pydantic.fields.FieldInfo, value: Any) -> bool:
    kind: Any = Annotated[field.annotation, pydantic.Field(), *field.metadata]
    try:
        TypeAdapter(kind).validate_python(value)
    except pydantic.ValidationError:
        return False
    return True


def recipe_accepts(name: str, value: Any) -> bool:
    base = recipes.get("cifar")
    found = dict(recipes.problems(base, schema.RecipeModel(**{name: value})))
    return name not in found


def hyperparameter_accepts(name: str, value: Any) -> bool:
    return not any(METHODS["gdkd"].value_problems(name, value, None))


# --- what is held ---------------------------------------------------------------------------------------------------


def check_keys(text: str, model: type[BaseModel] = schema.SweepModel) -> None:
    documented = set(by_key(text, KEYS))
    known = {key for key, _ in schema_fields(model)} | {HYPERPARAMETER}
    assert documented == known
    assert set(by_key(text, SHARED)) == {f"methods.ENTRY.{name}" for name in SHARED_NAMES}
    top = [bare(word) for line in lines_of(text, ("key", "must be there", "what it says")) for word in codes(line)]
    assert set(top) == set(model.model_fields)
    needed = {bare(line["key"]) for line in lines_of(text, ("key", "must be there", "what it says")) if is_needed(line)}
    assert needed == {name for name, field in model.model_fields.items() if field.is_required()}


def codes(line: Mapping[str, str]) -> list[str]:
    return re.findall(r"`[^`]+`", line["key"])


def is_needed(line: Mapping[str, str]) -> bool:
    return line["must be there"] == "yes"


def check_defaults(text: str) -> None:
    listed = by_key(text, KEYS)
    for key, field in schema_fields(schema.SweepModel):
        cell = listed[key]["default"]
        if field.is_required():
            assert cell == "needed", key
        elif is_code(cell):
            expected = value_of(cell)
            assert field.default == expected and isinstance(field.default, bool) == isinstance(expected, bool), key
        else:
            assert cell and field.default in (None, {}, (), schema.ResourcesModel(), schema.ReportModel()), key
    for key, line in by_key(text, SHARED).items():
        for method in ("kd", "gdkd"):
            check_shared_default(key.rpartition(".")[2], line[f"default of {method}"], method)


def check_shared_default(name: str, cell: str, method: str) -> None:
    (field,) = [field for field in METHODS[method].fields() if field.name == name]
    if is_code(cell):
        assert field.default == value_of(cell), (method, name)
    else:
        assert (cell, name) == ("the recipe's", "warmup_epochs")
        assert isinstance(field.default, float) and field.default > 0, method


def check_types(text: str) -> None:
    fields = dict(schema_fields(schema.SweepModel))
    for key, line in by_key(text, KEYS).items():
        last = key.rpartition(".")[2]
        if line["type"] in FOR_ANY:
            assert key.startswith(HYPERPARAMETER), key
        elif key.startswith("recipe.") and last in schema.OVERRIDABLE:
            check_type(line["type"], functools.partial(recipe_accepts, last), key)
        else:
            check_type(line["type"], functools.partial(accepts, fields[key]), key)
    for key, line in by_key(text, SHARED).items():
        check_type(line["type"], functools.partial(hyperparameter_accepts, key.rpartition(".")[2]), key)


def check_type(words: str, takes: typing.Callable[[Any], bool], key: str) -> None:
    """Hold a type in words, with its bounds, to what the schema takes."""
    kind, _, rule = words.partition(", ")
    if kind.startswith("one of "):
        choices = [kind.removeprefix("one of "), *filter(None, rule.split(", "))]
        assert all(takes(choice) for choice in choices), key
        assert not any(takes(f"{choice}x") for choice in choices) and not takes(5), key
        assert tuple(choices) in LITERALS, (key, choices)
        return
    if kind.startswith("list of ") and rule and kind.removeprefix("list of ") in EXTRAS:
        choices = [kind.removeprefix("list of "), *rule.split(", ")]
        assert tuple(choices) == EXTRAS
        assert takes(choices)
        assert not takes(["x"])
        assert not takes(choices[0])
        return
    if kind.removeprefix("list of ") in TABLES:
        assert (kind.removeprefix("list of "), *rule.split(", ")) == TABLES
        assert takes([*TABLES]) and not any(takes(value) for value in (["x"], TABLES[0], [], [TABLES[0]] * 2))
        return
    wrong = {"whole number": [1.5, "x", True], "number": ["x", True], "on or off": [1, "on"], "text": [5, True]}
    wrong |= {"mapping": [5, "x"], "text or mapping": [5, [1]], "text or list of texts": [5, {}]}
    wrong |= {"list of whole numbers": [5, [1.5], ["x"]], "list of texts": [5, {}, "x", [5]]}
    wrong |= {"switch or tag": [1, ""], "list of mappings": [5, {}, ["x"]]}
    wrong |= {"list of numbers": [5, ["x"]], "size": ["x", [8], [8, 8, 8], 1.5]}
    assert kind in wrong, f"{key}: {words}"
    assert not any(takes(value) for value in wrong[kind]), (key, words)  # type: ignore[attr-defined]
    for good, bad in BOUNDS[bool(rule), kind](rule):
        assert takes(good), (key, words, good)
        assert bad is None or not takes(bad), (key, words, bad)


TABLES = typing.get_args(schema.TableName)
LITERALS = {
    typing.get_args(kind)
    for kind in (*typing.get_type_hints(Recipe).values(), *typing.get_type_hints(schema.SearchModel).values())
    if typing.get_origin(kind) is Literal
} | {typing.get_args(schema.SweepModel.model_fields["precision"].annotation), ("default",)}
LITERALS |= {typing.get_args(schema.TeacherModel.model_fields["variant"].annotation), ("pooled", "separate")}
"""All choices of words; a type in a page lists one of them whole."""


def whole_bounds(rule: str) -> list[tuple[Any, Any]]:
    """Return pairs of a value at a bound and the one beyond it."""
    if match := re.fullmatch(r"(\d+) to (\d+)(, or list)?", rule):
        low, high = int(match[1]), int(match[2])
        return [(low, low - 1), (high, high + 1), *([([0, 999_999], [1_000_000])] if match[3] else [])]
    match = re.fullmatch(r"at least (\d+)", rule)
    assert match, rule
    return [(int(match[1]), int(match[1]) - 1), (10**9, None)]


def number_bounds(rule: str) -> list[tuple[Any, Any]]:
    if match := re.fullmatch(r"(\d+) to (\d+)", rule):
        low, high = float(match[1]), float(match[2])
        return [(low, math.nextafter(low, -math.inf)), (high, math.nextafter(high, math.inf)), (0.25, math.nan)]
    if rule == "above 0":
        return [(math.nextafter(0, 1), 0.0), (1e300, math.inf)]
    if rule == "at least 0":
        return [(0.0, -math.nextafter(0, 1)), (1e300, math.inf)]
    if rule == "at least 0, at most the learning rate":
        return [(0.0, -math.nextafter(0, 1)), (0.05, math.nextafter(0.05, 1))]
    if rule == "above 0, at most 0.5":
        return [(math.nextafter(0, 1), 0.0), (0.5, math.nextafter(0.5, 1))]
    assert rule == "at least 0, below 1", rule
    return [(0.0, -math.nextafter(0, 1)), (math.nextafter(1, 0), 1.0)]


def text_bounds(rule: str) -> list[tuple[Any, Any]]:
    if match := re.fullmatch(r"(\d+) to (\d+) characters", rule):
        low, high = int(match[1]), int(match[2])
        return [("a" * low, "a" * (low - 1)), ("a" * high, "a" * (high + 1))]
    if match := re.fullmatch(r"at most (\d+) characters", rule):
        return [("", None), ("a" * int(match[1]), "a" * (int(match[1]) + 1))]
    assert rule == "at least 1 character", rule
    return [("a", ""), ("a" * 5000, None)]


BOUNDS: dict[tuple[bool, str], typing.Callable[[str], list[tuple[Any, Any]]]] = {
    (True, "whole number"): whole_bounds,
    (True, "number"): number_bounds,
    (True, "text"): text_bounds,
    (False, "text"): lambda _rule: [("a" * 5000, None)],
    (False, "on or off"): lambda _rule: [(True, None), (False, None)],
    (False, "switch or tag"): lambda _rule: [(True, None), (False, None), ("tv_in1k", None)],
    (False, "mapping"): lambda _rule: [],
    (False, "text or mapping"): lambda _rule: [("digits", None), ({"base": "digits"}, None)],
    (False, "text or list of texts"): lambda _rule: [("a -> b", ""), (["a -> b", "b -> b"], [])],
    (True, "list of numbers"): lambda _rule: [([1.0], [1.5]), ([0.5, 0.5, 0.5], [0.5, 0])],
    (False, "list of mappings"): lambda _rule: [([], None), ([{"entries": "a"}], [{}])],
    (False, "size"): lambda _rule: [(8, 7), ([512, 1024], [7, 1024]), (8192, 8193)],
    (False, "list of texts"): lambda _rule: [(["a", "b"], ["a", "a"]), (["a"], [])],
    (False, "list of whole numbers"): lambda _rule: [([], None), ([1, 2], [2, 1]), ([239], [240]), ([1], [0])],
}
"""By whether there is a rule, and kind: pairs of a value that is taken and one that is not (None: no such one)."""


def check_tried(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold every right value to being right, every wrong one to its message, and the first to its effect on trials."""
    small, listed = base_of(text), by_key(text, KEYS)
    write_imagefolder(folder / "data" / "imagefolder", classes=60, per_class=2, test_per_class=1)
    monkeypatch.setenv("KDSWEEP_DATA", str(folder / "data"))
    tried: set[str] = set()
    for line in lines_of(text, TRIED):
        key, known = bare(line["key"]), general(bare(line["key"]))
        base = base_for(small, key)
        wrong = changed(base, key, line["wrong"])
        assert told(wrong, folder, monkeypatch) == [bare(line["printed"])], line
        if not line["right"]:
            continue
        after = expanded(changed(base, key, line["right"]), folder)
        if known not in tried and known not in NOT_TRIED and (known in listed or known in by_key(text, SHARED)):
            assert effect(expanded(base, folder), after) == listed.get(known, {"trials": "other"})["trials"], line
        tried.add(known)
    missing = (set(listed) | set(by_key(text, SHARED))) - tried
    assert not missing, f"no values are tried of {missing}"


def check_recipes(text: str) -> None:
    ((heads, lines),) = [(heads, lines) for heads, lines in tables(text) if heads[0] == "field"]
    assert [bare(head) for head in heads[1:]] == list(recipes.names())
    assert [bare(line["field"]) for line in lines] == list(schema.OVERRIDABLE)
    for line, head in itertools.product(lines, heads[1:]):
        value = getattr(recipes.get(bare(head)), bare(line["field"]))
        shown = read_tree(f"x: {line[head]}").values["x"]
        assert (list(value) if isinstance(value, tuple) else value) == shown, (head, line)
        assert isinstance(value, bool) == isinstance(shown, bool)


# --- tests ----------------------------------------------------------------------------------------------------------


def test_every_key_is_documented_and_every_documented_key_is_there() -> None:
    check_keys(PAGE)


def test_defaults() -> None:
    check_defaults(PAGE)
    assert Options().digits == 1  # "1 digit"
    assert Options().level == 0.05


def test_types_and_bounds() -> None:
    check_types(PAGE)


def test_values_messages_and_effects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_tried(PAGE, tmp_path, monkeypatch)


def test_named_recipes() -> None:
    check_recipes(PAGE)
    assert compress(recipes.get("cifar"), 60).milestones == (38, 45, 52)


def test_what_depends_on_the_data_set_is_in_every_trial() -> None:
    assert {"dataset", "data_digest", "view_set"} <= set(Trial.__dataclass_fields__)


def test_the_shared_hyperparameters_are_those_of_every_method_with_a_teacher() -> None:
    for method in METHODS.values():
        names = {field.name for field in method.fields()}
        shared = set(SHARED_NAMES) - ({"standardize"} if method.features else set())
        assert names & set(SHARED_NAMES) == shared if method.teacher else not names
    assert methods.get("gdkd").canonical({"k": 1, "w1": 3}, 100)["w1"] == 1.0


class Case(NamedTuple):
    check: str
    old: str
    new: str


DAMAGE = {
    "a key that is not there": Case("keys", "| `search.parallel` | whole", "| `search.paralel` | whole"),
    "a key that is not described": Case(
        "keys",
        "| `resources.cpus` | whole number, 1 to 10000 | `1` | same | cores of a student's trial, and its threads |\n",
        "",
    ),
    "another default": Case("defaults", "1 to 1000 | `4` |", "1 to 1000 | `5` |"),
    "a default for a needed key": Case("defaults", "1 to 100000 | needed |", "1 to 100000 | `20` |"),
    "another default of a method": Case("defaults", "`0.9` | `1` |", "`0.9` | `2` |"),
    "a bound too low": Case("types", "whole number, 1 to 1000 |", "whole number, 1 to 999 |"),
    "a bound too high": Case("types", "whole number, 1 to 1000 |", "whole number, 1 to 1001 |"),
    "another type": Case("types", "`search.seed` | whole number, 0 to 999999", "`search.seed` | number, 0 to 999999"),
    "a word too few": Case("types", "one of median, halving, none", "one of median, none"),
    "a recipe's bound": Case("types", "number, at least 0, below 1", "number, at least 0"),
    "another message": Case("tried", "must be at least 1, got 0`", "must be above 0, got 0`"),
    "another effect": Case("tried", "| `1` | more | how many of the best", "| `1` | search | how many of the best"),
    "a recipe's value": Case("recipes", "| `batch_size` | 64 |", "| `batch_size` | 128 |"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_these_tests_can_fail(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check, old, new = DAMAGE[damage]
    assert old in PAGE
    held = {
        "keys": check_keys,
        "defaults": check_defaults,
        "types": check_types,
        "recipes": check_recipes,
        "tried": lambda text: check_tried(text, tmp_path, monkeypatch),
    }[check]
    with pytest.raises(AssertionError):
        held(PAGE.replace(old, new, 1))


def test_a_new_key_without_a_line_here_is_found() -> None:
    check_keys(PAGE, create_model("Same", __base__=schema.SweepModel))
    with pytest.raises(AssertionError, match="colour"):
        check_keys(PAGE, create_model("More", __base__=schema.SweepModel, colour=(str, "red")))
    longer = create_model("Longer", __base__=schema.SearchModel, patience=(int, 3))
    with pytest.raises(AssertionError, match=r"search\.patience"):
        check_keys(PAGE, create_model("Deeper", __base__=schema.SweepModel, search=(longer | None, None)))


@pytest.mark.parametrize("page", PAGES)
def test_every_yaml_block_is_real(page: str, tmp_path: Path) -> None:
    """A block with a name is a whole file; any other replaces keys of the small one."""
    text = (DOCS / page).read_text()
    found = [block for block in blocks(text) if block.language == "yaml" and not block.mark]
    assert found or page == "results.md"
    for block in found:
        tree = read_tree(block.text)
        assert not tree.problems
        whole = "name" in tree.values
        path = tmp_path / "sweep.yaml"
        path.write_text(block.text if whole else yaml.safe_dump({**base_of(PAGE), **tree.values}, sort_keys=False))
        assert expand(read(path), capability=lambda: None).rows


def test_the_whole_file_has_every_key_of_the_top() -> None:
    (text,) = [block.text for block in blocks(PAGE) if block.text.startswith("name: gdkd-k")]
    assert set(read_tree(text).values) == set(schema.SweepModel.model_fields) - {"datasets"}
    assert set(read_tree(text).values["search"]) == set(schema.SearchModel.model_fields) - {"seed"}
    assert set(read_tree(text).values["report"]) == set(schema.ReportModel.model_fields)


def test_the_broken_file_is_answered_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = blocks(PAGE)
    ((at, broken),) = [(i, block) for i, block in enumerate(found) if block.mark == "broken"]
    monkeypatch.chdir(tmp_path)
    Path("broken.yaml").write_text(broken.text)
    with pytest.raises(SweepFileError) as caught:
        read(Path("broken.yaml"))
    assert str(caught.value) + "\n" == found[at + 1].text


def test_the_four_forms_become_the_lines_that_the_page_says(tmp_path: Path) -> None:
    (text,) = [block.text for block in blocks(PAGE) if "all of it:" in block.text]
    sweep = expanded({**base_of(PAGE), **read_tree(text).values}, tmp_path)
    labels = [row.label for row in sweep.rows]
    assert labels[:4] == ["value", "grid k=1", "grid k=5", "grid k=20"]
    assert [search.row for search in sweep.searches][-3:] == ["all of it k=1", "all of it k=5", "default"]
    assert labels[-2:] == ["cuts", "both"]
    assert sweep.rows[-1].method == "gdkd+reviewkd"


def test_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(yaml.safe_dump(base_of(PAGE), sort_keys=False))
    for line in lines_of(PAGE, ("`--set`", "what it does")):
        assert expand(read(path, [bare(line["`--set`"])]), capability=lambda: None).rows
    for line in lines_of(PAGE, ("`--set` that is wrong", "printed")):
        override = bare(line["`--set` that is wrong"])
        assert told(base_of(PAGE), tmp_path, monkeypatch, override) == [bare(line["printed"])]
    path.write_text(SMALL + "recipe: cifar\n")
    assert expand(read(path, ["recipe.epochs=24"]), capability=lambda: None).fixed[0].trial.recipe.milestones == (
        15,
        18,
        21,
    )


def test_words_of_yaml() -> None:
    for line in lines_of(PAGE, ("written", "read as")):
        value = value_of(line["written"])
        names = {int: "whole number ", float: "number ", str: "text ", bool: "", types.NoneType: ""}
        shown = {"True": "true", "False": "false", "None": "nothing"}.get(repr(value), repr(value))
        assert line["read as"] == f"{names[type(value)]}{shown}", line


def test_what_yaml_allows_and_we_refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = [block.text for block in blocks(PAGE) if block.text.startswith("name: small\n")]
    files = {
        "`seeds: 3` twice": text + "seeds: 3\n",
        "`bank: !!python/name:os.system x`": text + "bank: !!python/name:os.system x\n",
        "`plain: {method: gdkd, <<: {k: 5}}`": text.replace("{method: gdkd}", "{method: gdkd, <<: {k: 5}}"),
        "a tab before a key": text + "\tbank: on\n",
        "`---` and a second document": text + "---\nname: b\n",
    }
    listed = {line["in the file"]: bare(line["printed"]) for line in lines_of(PAGE, ("in the file", "printed"))}
    assert {name: told(file, tmp_path, monkeypatch) for name, file in files.items()} == {
        name: [printed] for name, printed in listed.items()
    }


def test_limits() -> None:
    (sentence,) = re.findall(r"^A file may have at most .*?included\.", PAGE, re.MULTILINE | re.DOTALL)
    limits = [yaml_lines.MAX_BYTES, yaml_lines.MAX_NODES, yaml_lines.MAX_DIGITS, entries.MAX_ROWS, checks.MAX_TRIALS]
    assert [int(number) for number in re.findall(r"\d+", sentence)] == limits
    with pytest.raises(YamlError, match=str(yaml_lines.MAX_NODES)):
        read_tree("[" + "1," * yaml_lines.MAX_NODES + "]")


def test_every_data_set_is_listed_with_its_views() -> None:
    listed = {
        bare(line["data set"]): line for line in lines_of(PAGE, ("data set", "images", "views", "files, below `root`"))
    }
    assert set(listed) == set(data.names())
    for name, line in listed.items():
        info = data.get(name).published or (data.describe(name) if name == "digits100" else None)
        if info is not None:
            assert re.match(rf"{info.views}\b", line["views"]), name
            assert re.search(rf"\b{info.classes} classes", line["images"]), name


def test_links_and_machine_paths() -> None:
    for page in PAGES:
        text = (DOCS / page).read_text()
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (DOCS / target).exists(), f"{page}: {target}"
        assert not re.search(r"(?<![\w.])/(home|root|work|tmp|Users)/", text), page
        prose = [line for line in text.splitlines() if not line.startswith("|")]
        assert max(map(len, prose)) <= 125, page


def test_rungs_of_the_page_on_searches() -> None:
    heads = ("recipe", "the learning rate drops after", "rungs: a pruner may stop after")
    for line in lines_of((DOCS / "search_and_confirm.md").read_text(), heads):
        name, _, epochs = bare(line["recipe"]).partition(" in ")
        recipe = compress(recipes.get(name), int(epochs)) if epochs else recipes.get(name)
        drops = ", ".join(map(str, recipe.milestones)) if recipe.schedule == "step" else "smoothly"
        assert line[heads[1]] == drops
        assert line[heads[2]] == ", ".join(map(str, rungs(recipe)))


def test_numbers_of_the_page_on_searches() -> None:
    from orchestrator.optuna_studies.live import STARTUP_PROPOSALS
    from orchestrator.planning.search_run import MAX_REPEATS

    text = " ".join((DOCS / "search_and_confirm.md").read_text().split())
    info = data.describe("digits100")
    for sentence in (
        f"After {MAX_REPEATS} repeats in a row the search ends",
        f"draw at random until they know {STARTUP_PROPOSALS} outcomes",
        f"the first {STARTUP_PROPOSALS} + `parallel` − 1 proposals",
        f"before it knows {STARTUP_PROPOSALS} of those",
        f"the seed {schema.SEARCH_SEEDS} + `search.seed`",
        f"{info.validation:,} of digits100's {info.fit + info.validation:,}, beside its {info.test:,} test images",
        f"{100 / info.classes:g} % with {info.classes} classes",
    ):
        assert sentence in text, sentence
