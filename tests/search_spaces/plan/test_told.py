"""What is said of wrong files: few short lines, no character that acts on a terminal, one word for one fault."""

import os
import socket
from pathlib import Path

import pytest

from search_spaces import SweepFileError, describe_plan, expand, read
from tests.search_spaces.sweep_texts import SMALL, sweep_of, told, told_of, write
from trainers.texts.words import block_of, escaped, is_unseen, line_of, shown


def lines(folder: Path, old: str, new: str) -> list[str]:
    """Return what is said, without the places."""
    return [line.split("  ", 1)[1] for line in told_of(folder, old, new)]


# --- length and characters ----------------------------------------------------------------------------------------


def test_at_most_twenty_problems_are_told(tmp_path: Path) -> None:
    found = told(tmp_path, SMALL + "".join(f"key{i}: 1\n" for i in range(500)))
    assert len(found) == 22
    assert found[0] == "500 problems, nothing was started"
    assert found[-1] == "and 480 more"


@pytest.mark.parametrize("long", ["x" * 100_000, "\\e[31m" * 10_000, "\\u202e" * 10_000])
def test_a_line_has_at_most_500_characters(tmp_path: Path, long: str) -> None:
    for old, new in (("dataset: digits100", f'dataset: "{long}"'), ("  kd:", f'  "{long}": {{metod: kd}}')):
        for line in told_of(tmp_path, old, new):
            assert len(line) <= 520
            assert not any(map(is_unseen, line))


def test_nothing_that_acts_on_a_terminal_is_printed(tmp_path: Path) -> None:
    path = tmp_path / "evil\x1b[31m\u202e.yaml"
    path.write_text(SMALL.replace("digits100", '"a\\e[31m\\0\\u200b"'))
    with pytest.raises(SweepFileError) as caught:
        read(path, ["na\x1bme=\x00", "recipe.epo\u202echs=1"])
    assert not any(is_unseen(letter) for letter in str(caught.value).replace("\n", ""))
    assert "evil\\x1b[31m\\u202e.yaml" in str(caught.value)


def test_texts_of_others_are_written_out() -> None:
    assert escaped("a\x1b\u202e\xa0\u200d\U000e0001é→") == "a\\x1b\\u202e\\xa0\\u200d\\U000e0001é→"
    assert line_of("a\nb\tc") == "a\\nb\\tc"
    assert block_of("a\nb\rc") == "a\nb\\rc"
    assert len(line_of("x" * 10**6)) == 500


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "nothing"),
        (True, "true"),
        ([None, True, [False]], "[null, true, [false]]"),
        (float("inf"), ".inf"),
        (float("nan"), ".nan"),
        ([{"a": None}], "[{a: null}]"),
        ("it's", '"it\'s"'),
        (1e-05, "1e-05"),
    ],
)
def test_a_value_is_shown_as_yaml_writes_it(value: object, expected: str) -> None:
    assert shown(value) == expected


# --- once, and with nothing behind it -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("dataset: digits100", "datset: digits100", "datset: unknown key; did you mean 'dataset'?"),
        ("seeds: 2", "seeds: 12345678901234567890123", "seeds: must have at most 18 digits, got 23"),
        ("seeds: 2", "seeds: !!int abc", "seeds: 'abc' is not a YAML int"),
        ("name: small", "name: !!binary abc", "name: the YAML tag 'tag:yaml.org,2002:binary' is not supported"),
        ("seeds: 2", "seeds: 2\nepocs:", "epocs: unknown key; did you mean 'recipe.epochs'?"),
        ("seeds: 2", "seeds: 2\nreport: {captoin: }", "report.captoin: unknown key; did you mean 'caption'?"),
        (
            "  kd:",
            "  kd: {wight: }",
            "methods.kd.wight: unknown hyperparameter of kd; did you mean 'weight'?",
        ),
        ("methods:", "\xa0methods:", "methods: the key has a no-break space (U+00A0) in it; write it without"),
        ("methods:", "methods\xa0:", "methods: the key has a no-break space (U+00A0) in it; write it without"),
        ("methods:", '"methods\u2003":', "methods: the key has a em space (U+2003) in it; write it without"),
        ("methods:", "met\u200bhods:", "methods: the key has a zero width space (U+200B) in it; write it without"),
        ("pairs:", "\ufeffpairs:", "pairs: the key has a byte order mark (U+FEFF) in it; write it without"),
    ],
)
def test_a_fault_is_told_once(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert lines(tmp_path, old, new) == [expected]


def test_a_space_that_is_none_is_named_where_the_file_is_no_yaml(tmp_path: Path) -> None:
    (line,) = told(tmp_path, SMALL.replace("seeds: 2", "seeds:\xa02"))[-1:]
    assert line.endswith("(there is a no-break space (U+00A0) near here)")


def test_unknown_recipe_keys_hide_nothing(tmp_path: Path) -> None:
    found = lines(tmp_path, "methods:", "recipe: {base: digits, epocs: 5, batch_size: 0, learning_rate: -1}\nmethods:")
    assert found == [
        "recipe.epocs: unknown key; did you mean 'epochs'?",
        "recipe.batch_size: must be a whole number of at least 1, got 0",
        "recipe.learning_rate: must be a finite number above 0, got -1.0",
    ]
    (base, *others) = lines(tmp_path, "methods:", "recipe: {base: digts, batch_size: 0}\nmethods:")
    assert base.startswith("recipe.base: unknown recipe 'digts'")
    assert others == ["recipe.batch_size: must be a whole number of at least 1, got 0"]


def test_a_step_and_a_log_range_from_0_are_refused_with_the_way_out(tmp_path: Path) -> None:
    (line,) = lines(tmp_path, "  kd:", "  kd: {temperature: {low: 1, high: 9, step: 2}}\nsearch: {trials: 2}")
    assert line == "methods.kd.temperature.step: a range has no step; list the values: {choice: [1, 3, 5, …]}"
    (line,) = lines(tmp_path, "  kd:", "  kd: {weight: {low: 0, high: 9, log: true}}\nsearch: {trials: 2}")
    assert line.endswith("for values with 0 among them give {choice: [0, …]}")


def test_urls_are_shown_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(SweepFileError, match=r"^https://example\.org/a: is a URL; give a file on this machine$"):
        read("https://example.org/a")
    (line,) = lines(tmp_path, "methods:", "teachers: {tinyresnet: {checkpoint: 's3://b/w.pth'}}\nmethods:")
    assert "got 's3://b/w.pth'" in line


# --- what cannot be meant -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("methods:", "recipe: {epochs: 100000000000000000}\nmethods:", "recipe.epochs: must be at most 1e+06, got 1"),
        (
            "methods:",
            "recipe: {learning_rate: 1e300}\nmethods:",
            "recipe.learning_rate: must be at most 1000, got 1e",
        ),
        ("methods:", "recipe: {learning_rate: 1e-300}\nmethods:", "recipe.learning_rate: must be at least 1e-12"),
        ("methods:", "recipe: {batch_size: 99999999999}\nmethods:", "recipe.batch_size: must be at most 1e+06"),
        ("  kd:", "  kd: {weight: 1e308}", "methods.kd.weight: must be at most 1e+09, got 1e+308"),
        ("  kd:", "  kd: {weight: {grid: [1, 1e308]}}", "methods.kd.weight.grid[1]: must be at most 1e+09, got 1e+308"),
        ("  kd:", "  kd: {weight: 0, ce_weight: 0}", "methods.kd: row 'kd' trains nothing: ce_weight and weight are 0"),
        (
            "  kd:",
            "  gdkd: {k: 1, w0: 0, w2: 0, ce_weight: 0}",  # k = 1: w1 changes nothing
            "methods.gdkd: row 'gdkd' trains nothing: ce_weight and w0 and w2 are 0",
        ),
        (
            "  kd:",
            "  partition: {weights: [0, 0, 0], w0: 0, ce_weight: 0}",
            "methods.partition: row 'partition' trains nothing: ce_weight and w0 and weights are 0",
        ),
        (
            "  kd:",
            "  two: {method: [kd, rkd], ce_weight: 0, kd.weight: 0, rkd.distance_weight: 0, rkd.angle_weight: 0}",
            "methods.two: row 'two' trains nothing: ce_weight and kd.weight and rkd.distance_weight and rkd.angle_w",
        ),
        (
            "seeds: 2",
            "  dist: {beta: {choice: [0]}, gamma: 0, ce_weight: 0}\nsearch: {trials: 3}\nseeds: 2",
            "methods.dist: row 'dist' trains nothing: ce_weight and beta and gamma are 0",
        ),
        ("seeds: 2", "seeds: 2\nreport: {level: '0.05'}", "report.level: must be a number, got '0.05'"),
        (
            "seeds: 2",
            'seeds: 2\nreport: {caption: "a\\e[1m"}',
            "report.caption: must have no control char",
        ),
        (
            "seeds: 2",
            'seeds: 2\nreport: {names: {kd: "K\\u202eD"}}',
            "report.names.kd: must have no right-to-left ov",
        ),
        ("  kd:", '  "k\\u200bd": {method: kd}', "methods.kd: the key has a zero width space (U+200B) in it"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, old: str, new: str, expected: str) -> None:
    (line,) = lines(tmp_path, old, new)
    assert line.startswith(expected)


def test_a_warm_up_without_an_end_is_a_note(tmp_path: Path) -> None:
    text = SMALL.replace("  kd:", "  kd: {warmup_epochs: 20}").replace("methods:", "recipe: {epochs: 2}\nmethods:")
    sweep = sweep_of(tmp_path, text)
    assert describe_plan(sweep).notes == (
        "kd: warmup_epochs is 20 in 2 epochs: the term reaches 10 % of its weight at the end",
    )
    assert describe_plan(sweep_of(tmp_path, SMALL)).notes == ()


@pytest.mark.parametrize(
    ("method", "note"),
    [
        ("kd: {weight: {choice: [1, 0]}, ce_weight: 0}", "ce_weight and weight"),
        ("kd: {weight: {low: 0, high: 1}, ce_weight: {choice: [0.1, 0]}}", "ce_weight and weight"),
        ("gdkd: {k: {low: 1, high: 50}, w0: 0, w2: 0, ce_weight: 0}", "ce_weight and w0 and w2"),
        ("kd: {weight: {low: 0, high: 1}}", ""),
        ("kd: {weight: 0, ce_weight: {low: 0.1, high: 1}}", ""),
        ("gdkd: {w0: {choice: [0, 1]}, w1: 0, ce_weight: 0}", ""),
    ],
)
def test_a_search_that_may_propose_what_trains_nothing_is_a_note(tmp_path: Path, method: str, note: str) -> None:
    sweep = sweep_of(
        tmp_path, SMALL.replace("seeds: 2", f"  {method}\nsearch: {{trials: 3}}\nseeds: 2", 1).replace("  kd:\n", "")
    )
    name = method.partition(":")[0]
    expected = (f"{name}: a proposal with {note} at 0 would train nothing",) if note else ()
    assert tuple(line for line in describe_plan(sweep).notes if "train nothing" in line) == expected


# --- files ----------------------------------------------------------------------------------------------------------


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "none")
    (tmp_path / "to_pipe").symlink_to(tmp_path / "pipe")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket"))
    for name, what in (
        ("pipe", "is a named pipe, not a sweep file"),
        ("to_pipe", "is a named pipe, not a sweep file"),
        ("socket", "is a socket, not a sweep file"),
        ("link", "no such file behind this link"),
        ("/dev/zero", "is a device, not a sweep file"),
    ):
        with pytest.raises(SweepFileError) as caught:
            read(tmp_path / name)
        assert str(caught.value) == f"{tmp_path / name}: {what}"
    server.close()


# --- size -----------------------------------------------------------------------------------------------------------


def test_keys_put_together_are_those_of_whole_trials(tmp_path: Path) -> None:
    from trainers.trials.trial import config_key, trial_key

    text = SMALL.replace("  kd:", "  kd:\n  p: {method: partition, cuts: {grid: [[1], [1, 5]]}, weights: []}")
    for member in expand(read(write(tmp_path, text)), capability=lambda: None).fixed:
        assert (member.key, member.config_key) == (trial_key(member.trial), config_key(member.trial))


# --- predictions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "kept", "told"), [(None, False, True), (True, True, False), (False, False, False)])
def test_predictions_that_are_too_large_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: bool | None, kept: bool, told: bool
) -> None:
    monkeypatch.setattr("trainers.predictions.kept.MOST_BYTES", 6000 * 100 * 2 - 1)
    sweep = sweep_of(tmp_path, SMALL if asked is None else SMALL + f"predictions: {'on' if asked else 'off'}\n")
    line = "digits100: predictions (1.2 MB a training) are not kept; predictions: on keeps them"
    assert sweep.keeps_predictions("digits100") is kept
    assert (line in describe_plan(sweep).notes) is told
    monkeypatch.undo()
    assert sweep.keeps_predictions("digits100") is (asked is not False)
