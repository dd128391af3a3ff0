"""Several sweeps as one: what is one row, what is kept apart and told; report files and what is wrong in them."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

import reports
from reports.figures.kinds.over_values import Panel
from reports.report_file import ReportFileError, read_report_file
from reports.results.joining import NotAlikeError, join
from search_spaces.files.report_keys import ReportModel
from tests.reports.fake_sweep import FakeSweep, FakeTrial, grid, row, seeds, teacher
from tests.reports.in_memory import told

OTHER = "digits100: tinyresnet -> tinier"
CONFIG = {"config_key": "c" * 64}


def first(**values: Any) -> FakeSweep:
    trials = [teacher(80.0), *seeds("kd", (60.0, 61.0), tags=CONFIG)]
    trials += [
        trial for k in (1, 20) for trial in seeds(f"g k={k}", (62.0,), entry="g", method="gdkd", settings={"k": k})
    ]
    return dataclasses.replace(FakeSweep("first", trials, [row("kd"), *grid("g", "k", (1, 20))]), **values)


def second(**values: Any) -> FakeSweep:
    trials = [teacher(80.0), *seeds("kd", (60.0, 61.0, 64.0), tags=CONFIG), *seeds("dkd", (63.0,), method="dkd")]
    trials += seeds("g k=5", (65.0,), entry="g", method="gdkd", settings={"k": 5})
    rows = [row("kd"), row("dkd", "dkd"), *grid("g", "k", (5,))]
    return dataclasses.replace(FakeSweep("second", trials, rows), **values)


def joined(*sweeps: FakeSweep) -> reports.Results:
    with told(*sweeps):
        return reports.load([sweep.name for sweep in sweeps])


def means(results: reports.Results) -> dict[str, list[float | None]]:
    table = reports.table(results)
    return {ln.row.label: [None if s.stat is None else s.stat.mean for s in ln.scores] for ln in table.lines}


def write(folder: Path, text: str) -> Path:
    path = folder / "paper.yaml"
    path.write_text(text)
    return path


# --- joining --------------------------------------------------------------------------------------------------------


def test_rows_of_one_name_that_were_trained_alike_are_one() -> None:
    results = joined(first(), second())
    assert results.name == "first+second"
    found = means(results)
    assert found["kd"] == [pytest.approx((60 + 61 + 64) / 3)]  # seeds 0 and 1 are the same trials: counted once
    assert found["teacher"] == [80.0]
    assert found["dkd"] == [63.0]
    assert results.notes == ("Joined from the sweeps first and second.",)


def test_the_values_of_one_grid_from_two_sweeps_are_in_order() -> None:
    labels = [line.row.label for line in reports.table(joined(first(), second())).lines if line.row.entry == "g"]
    assert labels == ["g k=1", "g k=5", "g k=20"]
    (figure,) = (one for one in reports.Report(joined(first(), second())).figures if isinstance(one.data, Panel))
    assert [value for value, _ in figure.data.curves[0].points] == [1.0, 5.0, 20.0]


def refused(*sweeps: FakeSweep) -> tuple[str, ...]:
    """What is not alike in sweeps that cannot be joined."""
    with pytest.raises(NotAlikeError) as caught:
        joined(*sweeps)
    return caught.value.clashes


def renamed(sweeps: tuple[FakeSweep, ...], **renames: dict[str, str]) -> reports.Results:
    with told(*sweeps):
        loaded = [reports.load(sweep.name) for sweep in sweeps]
    return join("whole", loaded, {}, renames)


def test_rows_of_one_name_with_other_hyperparameters_are_refused() -> None:
    trials = [teacher(80.0), *seeds("kd", (60.0, 61.0, 64.0), tags={"config_key": "d" * 64})]
    other = second(trials=trials, rows=[row("kd", hyperparameters={"temperature": 2.0}), *second().rows[1:]])
    (clash,) = refused(first(), other)
    assert clash == (
        "kd is not the same in first and second (other hyperparameters); in a report file, give it another name in one "
        "of them: rename: {second: {kd: …}}"
    )
    results = renamed((first(), other), second={"kd": "kd (T = 2)"})
    found = means(results)
    assert (found["kd"], found["kd (T = 2)"]) == ([60.5], [pytest.approx(185 / 3)])
    assert [line.row.entry for line in reports.table(results).lines].count("kd (T = 2)") == 1


def test_what_differs_in_its_recipe_is_refused_and_the_difference_is_named() -> None:
    longer = {"recipe": {"epochs": 20}, "tags": {"config_key": "d" * 64}}
    trials = [
        dataclasses.replace(trial, key=f"{trial.seed:064x}", **longer) if trial.row == "kd" else trial
        for trial in second().trials
    ]
    (clash,) = refused(first(), second(trials=trials))
    assert "(recipe.epochs 10 and 20)" in clash


def test_seeds_of_another_configuration_are_refused_even_without_a_common_one() -> None:
    trials = [FakeTrial(row="kd", seed=7, top1=90.0, tags={"config_key": "e" * 64}), teacher(80.0)]
    sweeps = first(), second(trials=trials, rows=[row("kd")])
    assert len(refused(*sweeps)) == 1
    found = means(renamed(sweeps, first={"kd": "old kd"}))
    assert (found["old kd"], found["kd"]) == ([60.5], [90.0])


def test_another_search_is_refused() -> None:
    def search(k: int) -> list[FakeTrial]:
        own: dict[str, Any] = {"row": "t", "method": "gdkd", "settings": {"k": k}}
        return [FakeTrial(phase="search", seed=1_000_000, top1=50.0, **own), FakeTrial(phase="confirm", rank=1, **own)]

    rows = [row("t", "gdkd", dimensions=[{"name": "k", "low": 1, "high": 30}])]
    same = joined(first(trials=search(3), rows=rows), second(trials=search(3), rows=rows))
    assert len(reports.table(same).choices) == 1
    others = first(trials=search(3), rows=rows), second(trials=search(4), rows=rows)
    assert "another search" in refused(*others)[0]
    found = renamed(others, first={"t": "t1"}, second={"t": "t2"})
    assert [choice.shown for choice in reports.table(found).choices] == ["t1", "t2"]


def test_another_teacher_is_refused_or_has_columns_of_its_own() -> None:
    trials = [
        dataclasses.replace(trial, key="9" * 64) if trial.phase == "teacher" else trial for trial in second().trials
    ]
    sweeps = first(), second(trials=trials)
    assert "the teacher tinyresnet on digits100 is another one in first and second" in refused(*sweeps)[0]
    results = renamed(sweeps, second={"tinyresnet": "tinyresnet (new)"})
    table = reports.table(results)
    assert [cell.id for cell in table.cells] == [
        "digits100: tinyresnet -> tinycnn",
        "digits100: tinyresnet (new) -> tinycnn",
    ]
    assert means(results)["kd"] == [60.5, pytest.approx(185 / 3)]
    assert means(results)["teacher"] == [80.0, 80.0]
    assert [score.missing for score in table.lines[-1].scores].count("not asked for") == 1


def taught(sweep: FakeSweep, teacher_id: str) -> FakeSweep:
    """The sweep with a teacher of given weights: no trial trains it."""
    trials = [
        dataclasses.replace(t, tags={**t.tags, "teacher_id": teacher_id} if t.method != "ce" else t.tags)
        for t in sweep.trials
        if t.phase != "teacher"
    ]
    return dataclasses.replace(sweep, trials=trials)


def test_other_weights_of_a_given_teacher_are_refused() -> None:
    """A student alone has no teacher, so it says nothing of it."""
    alone = taught(first(trials=[*first().trials, *seeds("ce", (50.0,), method="ce")]), "a" * 64)
    assert "the teacher tinyresnet on digits100 is another one" in refused(alone, taught(second(), "b" * 64))[0]
    same = joined(alone, taught(second(), "a" * 64))
    assert len(reports.table(same).cells) == 1 and len(same.notes) == 1


def test_a_trained_and_a_given_teacher_are_not_one() -> None:
    assert len(refused(first(), taught(second(), "b" * 64))) == 1
    (key,) = {trial.trial_key for trial in first().trials if trial.phase == "teacher"}
    assert len(reports.table(joined(first(), taught(second(), key))).cells) == 1


def test_other_recipes_of_entries_with_other_names_are_told() -> None:
    """Neither entry is in both sweeps, so nothing is kept apart; proposals of a search are trained shorter anyway."""
    longer = {"recipe": {"epochs": 20, "batch_size": 32}}
    search = FakeTrial(row="t", phase="search", seed=1_000_000, method="gdkd", settings={"k": 1}, recipe={"epochs": 5})
    ours = first(trials=[teacher(80.0), *seeds("kd", (60.0,)), search], rows=[row("kd"), row("t", "gdkd")])
    theirs = second(trials=[teacher(80.0), *seeds("dkd", (63.0,), method="dkd", **longer)], rows=[row("dkd", "dkd")])
    results = joined(ours, theirs)
    (told,) = results.notes[1:]
    assert told == (
        "Recipes are not the same in digits100: tinyresnet -> tinycnn, so rows differ in more than their method: "
        "epochs 10 in first, 20 in second; batch_size the default in first, 32 in second."
    )
    assert told in reports.table(results).notes


def test_another_data_set_of_one_name_is_refused_or_has_columns_of_its_own() -> None:
    infos = {"digits100": {"digest": "a"}}, {"digits100": {"digest": "b"}}
    sweeps = first(datasets=infos[0]), second(datasets=infos[1])
    assert "the data set digits100 is not the same in first and second" in refused(*sweeps)[0]
    results = renamed(sweeps, first={"digits100": "old digits"})
    assert [cell.dataset for cell in reports.table(results).cells] == ["old digits", "digits100"]
    assert means(results)["kd"] == [60.5, pytest.approx(185 / 3)]


def test_what_no_sweep_asks_for_is_not_called_missing() -> None:
    trials = [dataclasses.replace(trial, cell=OTHER) for trial in second().trials if trial.phase != "teacher"]
    table = reports.table(joined(first(), second(trials=trials, cells=(OTHER,))))
    scores = {line.row.label: line.scores for line in table.lines}
    assert [score.missing for score in scores["dkd"]] == ["not asked for", ""]
    assert [score.missing for score in scores["g k=1"]] == ["", "not asked for"]


def test_the_trials_keep_their_types() -> None:
    alone, both = joined(first()), joined(first(), second())
    assert dict(both.trials.dtypes) == dict(alone.trials.dtypes)
    assert both.trials["trial_key"].duplicated().sum() == 0


# --- report files ---------------------------------------------------------------------------------------------------


def test_a_report_file_joins_and_chooses(tmp_path: Path) -> None:
    path = write(tmp_path, "name: paper\nsweeps: [first, second]\nbaseline: kd\ndigits: 2\nnames: {g: GDKD}\n")
    with told(first(), second()):
        results = reports.load_any(str(path))
        written = reports.write(results, tmp_path / "out")
    table = reports.table(results)
    assert (results.name, table.baseline, table.options.digits) == ("paper", "KD", 2)
    assert "GDKD (k = 5)" in [line.shown for line in table.lines]
    before = {path.name: path.read_bytes() for path in written}
    with told(first(), second()):
        again = reports.write(reports.load_file(path), tmp_path / "again")
    assert {path.name: path.read_bytes() for path in again} == before
    assert b"Joined from the sweeps first and second." in before["table.md"]


def test_a_report_file_renames(tmp_path: Path) -> None:
    """All that is not alike is told at once, on the line of the sweeps; with other names the choices are of those."""
    other = second(rows=[row("kd", hyperparameters={"temperature": 2.0}), *second().rows[1:]])
    ((line, where, message),) = problems("name: paper\nsweeps: [first, second]\n", tmp_path, first(), other)
    assert (line, where) == (2, "sweeps") and "rename: {second: {kd: …}}" in message
    text = "name: paper\nsweeps: [first, second]\nrename: {second: {kd: kd T2}}\nbaseline: kd T2\nnames: {kd T2: KD}\n"
    with told(first(), other):
        table = reports.table(reports.load_file(write(tmp_path, text)))
    assert table.baseline == "KD" and {"kd", "kd T2"} <= {line.row.label for line in table.lines}


def test_two_names_are_swapped(tmp_path: Path) -> None:
    """Also those of a grid, whose rows keep their values."""
    text = "name: paper\nsweeps: [first, second]\nrename: {SWEEP: {kd: g, g: kd}, OTHER: {kd: g, g: kd}}\n"
    text = text.replace("SWEEP", "first").replace("OTHER", "second")
    with told(first(), second()):
        before = reports.table(reports.load(["first", "second"]))
        after = reports.table(reports.load_file(write(tmp_path, text)))
    numbers = {line.row.label: [score.by_seed for score in line.scores] for line in before.lines}
    swapped = {label: numbers[swap(label)] for label in map(swap, numbers)}
    assert {line.row.label: [score.by_seed for score in line.scores] for line in after.lines} == swapped
    assert any(swapped.values()) and swapped["g"] == numbers["kd"]


def swap(label: str) -> str:
    names = {"kd": "g", "g": "kd"}
    entry, _, rest = label.partition(" ")
    return " ".join(filter(None, (names.get(entry, entry), rest)))


def test_a_name_that_another_keeps_is_refused(tmp_path: Path) -> None:
    text = "name: paper\nsweeps: [first, second]\nrename: {first: {kd: g}}\n"
    ((line, where, message),) = problems(text, tmp_path, first(), second())
    assert (line, where, message) == (3, "rename.first.kd", "must not be the name of another in first, got 'g'")


def test_what_is_renamed_must_be_there(tmp_path: Path) -> None:
    text = "name: paper\nsweeps: [first, second]\nrename:\n  secnd: {kd: a}\n  first: {kdd: b, tinyresnet: c}\n"
    found = problems(text, tmp_path, first(), second())
    assert [(line, where) for line, where, _ in found] == [(4, "rename.secnd"), (5, "rename.first.kdd")]
    assert "did you mean 'second'?" in found[0][2] and "did you mean 'kd'?" in found[1][2]


def test_one_sweep_with_other_choices_is_a_report_too(tmp_path: Path) -> None:
    with told(first()):
        results = reports.load_file(write(tmp_path, "name: slides\nsweeps: first\ncaption: For slides\n"))
    assert results.notes == ()
    assert reports.table(results).options.caption == "For slides"


def test_every_key_of_a_sweep_files_report_is_one_here() -> None:
    from reports.report_file import ReportFileModel

    assert set(ReportFileModel.model_fields) == {*ReportModel.model_fields, "name", "sweeps", "rename"}


WRONG = """name: Paper
sweeps: [first, secnd]
baselin: kd
digits: 9
names: {kdd: KD}
ablations:
  - {entries: [g], bas: kd}
"""


def problems(text: str, folder: Path, *sweeps: FakeSweep) -> list[tuple[int | None, str, str]]:
    with told(*sweeps), pytest.raises(ReportFileError) as caught:
        reports.load_file(write(folder, text))
    assert isinstance(caught.value, reports.ReportError)
    assert "nothing was written" in str(caught.value) or len(caught.value.problems) == 1
    return [(problem.line, problem.where, problem.message) for problem in caught.value.problems]


def test_all_wrong_keys_are_told_with_their_lines(tmp_path: Path) -> None:
    found = problems(WRONG, tmp_path)
    assert [(line, where) for line, where, _ in found] == [
        (1, "name"),
        (3, "baselin"),
        (4, "digits"),
        (7, "ablations[0].bas"),
    ]
    assert "did you mean 'baseline'?" in found[1][2] and "did you mean 'base'?" in found[3][2]
    assert found[2][2] == "must be at most 6, got 9"


def test_names_that_the_sweeps_have_not_are_told_with_their_lines(tmp_path: Path) -> None:
    text = "name: paper\nsweeps:\n  - first\n  - secnd\n"
    ((line, where, message),) = problems(text, tmp_path, first(), second())
    assert (line, where) == (4, "sweeps[1]") and "did you mean 'second'?" in message
    text = (
        "name: paper\nsweeps: [first]\nbaseline: kdd\nnames: {h: H}\nablations: [{entries: [g, i]}]\norder: [kd, gg]\n"
    )
    found = problems(text, tmp_path, first())
    assert {(line, where) for line, where, _ in found} == {
        (3, "baseline"),
        (4, "names.h"),
        (5, "ablations[0].entries[1]"),
        (6, "order[1]"),
    }
    assert "did you mean 'kd'?" in found[0][2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be a mapping"),
        ("name: a\n", "sweeps: is missing"),
        ("name: a\nsweeps: []\n", "sweeps: must hold at least 1, got none"),
        ("name: a\nname: b\nsweeps: [first]\n", "given twice"),
        ("name: first\nsweeps: [first]\n", "must not be the name of a sweep"),
        ("name: quick\nmethods: {kd: }\nseeds: 3\n", "is a sweep file; a report takes the name of a sweep, 'quick'"),
        ("name: [\n", "is not YAML"),
    ],
)
def test_other_files_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with told(first()), pytest.raises(ReportFileError, match=message.replace("(", r"\(")):
        reports.load_file(write(tmp_path, text))


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ReportFileError, match="no such file"):
        read_report_file(tmp_path / "paper.yaml")


def test_a_sweep_named_like_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with told(first(name="x.yaml"), second(name="other")):
        assert reports.load_any("x.yaml").name == "x.yaml"
        Path("x.yaml").write_text("name: joined\nsweeps: [x.yaml, other]\n")
        assert reports.load_any("x.yaml").name == "x.yaml"
        assert reports.load_any("./x.yaml").name == "joined"
        with pytest.raises(reports.ReportError, match=r"y\.yaml"):
            reports.load_any("y.yaml")
        Path("other").mkdir()  # a folder named like a sweep
        ours = reports.load("x.yaml")
        assert reports.changes(ours, "x.yaml", "other", home=tmp_path).theirs == "other"
        with pytest.raises(reports.ReportError, match=r"results\.parquet"):
            reports.changes(ours, "x.yaml", "./other", home=tmp_path)
