import contextlib
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces.files.yaml_lines import YamlError, dotted, read_tree
from tests.search_spaces.sweep_texts import SMALL, told

REPEATABLE = settings(max_examples=60, deadline=None, derandomize=True, database=None)

# Plain words that PyYAML and we read differently on purpose stay out: numbers, dates and sexagesimals are tested below.
words = st.from_regex(r"[a-zA-Z _.:,'\"#\[\]{}>-]{0,12}", fullmatch=True)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**17), 10**17),
    st.floats(allow_nan=False, allow_infinity=False),
    words,
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=4)),
    max_leaves=20,
)


@REPEATABLE
@given(st.dictionaries(words, values, max_size=5), st.booleans())
def test_what_pyyaml_writes_is_read_as_pyyaml_reads_it(mapping: dict[str, object], flow: bool) -> None:
    text = yaml.safe_dump(mapping, default_flow_style=flow, allow_unicode=True)
    tree = read_tree(text)
    assert tree.problems == []
    assert tree.values == yaml.safe_load(text) == mapping


@REPEATABLE
@given(st.dictionaries(words, values, max_size=5))
def test_json_is_read_as_json(mapping: dict[str, object]) -> None:
    assert read_tree(json.dumps(mapping)).values == mapping


@REPEATABLE
@given(st.dictionaries(words, values, min_size=1, max_size=5))
def test_every_key_and_item_has_its_line(mapping: dict[str, object]) -> None:
    text = yaml.safe_dump(mapping, default_flow_style=False, sort_keys=False, width=10**6)
    tree = read_tree(text)
    for number, key in enumerate(mapping):
        line = tree.lines[(key,)]
        assert line is not None
        assert line >= number + 1
    assert all(line is not None and 1 <= line <= text.count("\n") for line in tree.lines.values())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1E5", 1e5),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("1_000", 1000),
        ("-3", -3),
        ("010", 10),
        ("08", 8),
        ("0o17", 15),
        (".5e3", 500.0),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("0x10", 16),
        ("on", True),
        ("Off", False),
        ("'on'", "on"),
        ("~", None),
        ("", None),
        (".inf", float("inf")),
        ("!!str 5", "5"),
        ("!!float 5.0", 5.0),
        ("y", "y"),
        ("=", "="),
        ("1.2.3", "1.2.3"),
    ],
)
def test_plain_words(text: str, value: object) -> None:
    read = read_tree(f"key: {text}").values["key"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("!!int abc", "'abc' is not a YAML int"),
        ("!!bool 2", "'2' is not a YAML bool"),
        ("!!float ''", "'' is not a YAML float"),
        ("0x_", "'0x_' is not a YAML int"),
    ],
)
def test_a_word_that_is_not_what_it_says(text: str, message: str) -> None:
    assert [problem.message for problem in read_tree(f"key: {text}").problems] == [message]


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_words_mean_the_same_whatever_version_a_file_names(version: str) -> None:
    assert read_tree(f"%YAML {version}\n---\na: [010, 1:30, y, 1e-4]").values == {"a": [10, "1:30", "y", 1e-4]}


def test_a_message_of_ruamel_has_words_not_tuples() -> None:
    with pytest.raises(YamlError, match=r"expected '<document start>', but found '<block mapping start>'$"):
        read_tree("|2-\na: b")


def test_a_version_that_there_is_not() -> None:
    with pytest.raises(YamlError, match="is not YAML: version minor part can only be 2 or 1"):
        read_tree("%YAML 1.3\n---\na: b")


def test_a_key_is_text_whatever_it_looks_like() -> None:
    assert read_tree("{5: a, on: b, 1e-4: c}").values == {"5": "a", "on": "b", "1e-4": "c"}


def test_a_key_twice_is_a_problem_at_any_level() -> None:
    tree = read_tree("a:\n  b: 1\n  c: [{d: 1, d: 2}]\n  b: 2\n")
    assert [(p.line, p.where, p.message) for p in tree.problems] == [
        (3, "a.c[0].d", "given twice, first on line 3"),
        (4, "a.b", "given twice, first on line 2"),
    ]
    assert tree.values == {"a": {"b": 1, "c": [{"d": 1}]}}


def test_aliases_are_read_as_what_they_stand_for() -> None:
    assert read_tree("a: &x {k: 1}\nb: *x\n").values == {"a": {"k": 1}, "b": {"k": 1}}


def test_a_merge_key_is_a_key_like_any_other(tmp_path: Path) -> None:
    text = SMALL.replace("  kd:", "  kd: &kd {weight: 1}\n  dkd: {<<: *kd}")
    assert told(tmp_path, text)[1].startswith("line 7  methods.dkd.<<: unknown hyperparameter of dkd")


def test_a_number_beyond_64_bits_is_a_problem() -> None:
    assert read_tree(f"a: -{'9' * 18}").values == {"a": -(10**18) + 1}
    assert read_tree(f"a: {'9' * 5000}").problems[0].message == "must have at most 18 digits, got 5000"


def test_half_a_character_is_a_problem() -> None:
    tree = read_tree('a: "\\ud800"\n"\\udfff": 1')
    assert [(p.line, p.where, p.message) for p in tree.problems] == [
        (1, "a", "must be Unicode text, got '\\ud800'"),
        (2, "", "a key must be text"),
    ]


@REPEATABLE
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(YamlError):
        read_tree(text)


def test_paths_in_words() -> None:
    assert dotted(("methods", "gdkd (by k)", "k", "grid", 2)) == "methods.gdkd (by k).k.grid[2]"
