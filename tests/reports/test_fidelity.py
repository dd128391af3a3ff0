"""What the students learnt: measures, tables, figures, parquet and McNemar's test, all from kept predictions."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import log_softmax, softmax
from scipy.stats import binomtest

import reports
from reports.board.fidelity import COLUMNS, PREFIX, group_sizes
from reports.results import predictions
from reports.statistics.mcnemar import together
from reports.tables import fidelity
from reports.tables.table import Missing, Number, Table, Text
from tests.reports.fake_sweep import CELL, FakeSweep, row, seeds, teacher
from tests.reports.learnt import CLASSES, IMAGES, K, keep, kept_of, logits_of, results_with, sweep
from tests.reports.plain import plain_results
from trainers import data
from trainers.files.store import Store
from trainers.segmentation import IGNORE


def by_hand(home: Path, key: str, teacher_key: str) -> dict[str, float]:
    """Return every measure of one trial by other code than ours, from what is kept."""
    own, theirs = kept_of(home, key), kept_of(home, teacher_key)
    q, p, y = own["logits"].astype(float), theirs["logits"].astype(float), own["targets"]
    right, confidence = q.argmax(1) == y, softmax(q, 1).max(1)
    bins = pd.cut(confidence, np.linspace(0, 1, 16))
    table = pd.DataFrame({"right": right, "confidence": confidence}).groupby(bins, observed=True).agg(["mean", "size"])
    gaps = (table["right"]["mean"] - table["confidence"]["mean"]).abs() * table["right"]["size"]
    rank = np.array([sorted(range(CLASSES), key=lambda c: -row_[c]).index(t) + 1 for row_, t in zip(p, y, strict=True)])
    return {
        "nll": float(np.mean([-log_softmax(z)[t] for z, t in zip(q, y, strict=True)])),
        "ece": float(100 * gaps.sum() / IMAGES),
        "agreement": float(100 * np.mean(q.argmax(1) == p.argmax(1))),
        "kl": float(np.mean((softmax(p, 1) * (log_softmax(p, 1) - log_softmax(q, 1))).sum(1))),
        "teacher_right": float(100 * right[p.argmax(1) == y].mean()),
        "teacher_wrong": float(100 * right[p.argmax(1) != y].mean()),
        "k": float(K),
        "rank_2_to_k": float(100 * right[(rank > 1) & (rank <= K)].mean()),
        "rank_above_k": float(100 * right[rank > K].mean()),
    }


def keys(given: FakeSweep, label: str) -> list[str]:
    return [t.trial_key for t in given.trials if t.row == label and t.phase != "search"]


def test_every_figure_is_that_of_the_logits(tmp_path: Path):
    given = sweep()
    table = fidelity.build(results := results_with(tmp_path, given), reports.table(results))
    assert table is not None and table.records is not None
    (teacher_key,) = keys(given, "teacher")
    heads = {fidelity.HEADS[name]: name for name in COLUMNS}
    for label, shown in (("ce", "CE"), ("kd", "KD"), ("gdkd", "GDKD")):
        each = [by_hand(tmp_path, key, teacher_key) for key in keys(given, label)]
        (line,) = [one for one in table.rows if text_of(one.cells[0]) == shown]
        for column, cell in zip(table.columns[1:], line.cells[1:], strict=True):
            expected = [values[heads[column.head]] for values in each]
            assert isinstance(cell, Number) and cell.value == pytest.approx(np.mean(expected)), (label, column.head)
            if column.head != "k":
                assert cell.std == pytest.approx(np.std(expected, ddof=1)) and cell.count == str(len(expected))
        told = {one[6]: one[7:9] for one in table.records.lines if one[5] == label}
        assert told["kl"] == (len(each), pytest.approx(np.mean([values["kl"] for values in each])))
    old = next(one for one in table.rows if text_of(one.cells[0]) == "old").cells
    assert {one.why for one in old if isinstance(one, Missing)} == {fidelity.NOT_KEPT}
    ours = next(one for one in table.rows if text_of(one.cells[0]) == "teacher").cells
    assert [isinstance(one, Number) for one in ours[1:5]] == [True, True, False, False]


def text_of(cell: Any) -> str:
    assert isinstance(cell, Text)
    return cell.text


def test_mcnemar_by_scipy(tmp_path: Path):
    given = sweep(baseline="ce")
    results = results_with(tmp_path, given)
    found = reports.mcnemar(results, "kd", "ce")
    assert found is not None and sorted(found.ps) == [0, 1]  # the third seed is kd's alone
    counts = []
    for seed, p in found.ps.items():
        one, other = (kept_of(tmp_path, keys(given, label)[seed])["right"].astype(bool) for label in ("kd", "ce"))
        counts.append((int((one & ~other).sum()), int((other & ~one).sum())))
        assert p == pytest.approx(binomtest(counts[-1][0], sum(counts[-1])).pvalue)
    assert (found.only_one, found.only_other) == tuple(np.mean(counts, axis=0))
    assert found.p == max(found.ps.values())  # the upper median of two
    assert [together(ps) for ps in ([0.3], [0.1, 0.3], [0.1, 0.3, 0.2], [0.9, 0.8, 0.7])] == pytest.approx(
        [0.3, 0.3, 0.3, 1.0]
    )
    turned = reports.mcnemar(results, "ce", "kd", CELL)
    assert turned is not None and (turned.only_one, turned.p) == (found.only_other, found.p)
    assert reports.mcnemar(results, "kd", "old") is None
    with pytest.raises(ValueError, match="has no 'kdd'; it has ce, kd"):
        reports.mcnemar(results, "kdd", "ce")
    table = fidelity.paired(results, reports.table(results))
    assert table is not None and [text_of(one.cells[0]) for one in table.rows] == ["KD", "GDKD"]
    p = table.rows[0].cells[4]
    assert isinstance(p, Number) and p.value == pytest.approx(max(found.p, 1e-4))


def test_a_report_has_it_everywhere(tmp_path: Path):
    given = sweep(baseline="ce")
    report = reports.Report(results_with(tmp_path, given))
    names = [table.name for table in report.tables]
    assert names[-2:] == ["fidelity", "fidelity-paired"]
    assert [one.name for one in report.figures if one.name in ("agreement", "teacher_ranks")] == [
        "agreement",
        "teacher_ranks",
    ]
    files = {path.relative_to(tmp_path / "out").as_posix() for path in report.write(tmp_path / "out")}
    assert {"fidelity.csv", "tables/fidelity.tex", "tables/fidelity-paired.tex"} <= files
    assert {f"figures/{name}.{kind}" for name in ("agreement", "teacher_ranks") for kind in ("svg", "pdf")} <= files
    stored = pd.read_parquet(tmp_path / "out" / "results.parquet").set_index("trial_key")
    (teacher_key,) = keys(given, "teacher")
    for key in keys(given, "ce") + keys(given, "gdkd"):
        for name, value in by_hand(tmp_path, key, teacher_key).items():
            assert stored.loc[key, PREFIX + name] == pytest.approx(value)
    assert stored.loc[keys(given, "old"), PREFIX + "nll"].isna().all()
    frame = pd.read_csv(tmp_path / "out" / "fidelity.csv")
    assert set(frame["measure"]) == {*COLUMNS, *fidelity.PAIRED} and tuple(frame.columns) == fidelity.FIELDS


def test_without_predictions_nothing_is_there(tmp_path: Path):
    report = reports.Report(plain_results(sweep()))
    assert not [table for table in report.tables if table.name.startswith("fidelity")]
    files = [path.name for path in report.write(tmp_path)]
    assert "fidelity.csv" not in files and "agreement" not in (tmp_path / "figures" / "README.md").read_text()
    assert not [name for name in pd.read_parquet(tmp_path / "results.parquet") if str(name).startswith(PREFIX)]
    assert '"paired":null' in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_off_and_damaged_files_are_as_if_they_were_not_there(tmp_path: Path):
    given = sweep()
    results = results_with(tmp_path, given)
    for key in keys(given, "kd"):
        Store(tmp_path).predictions(key).write_bytes(b"torn")
    lines = results.members.astype(object).to_dict("records")
    found = predictions.read(tmp_path, lines)
    assert not {*keys(given, "kd")} & found.keys() and {*keys(given, "ce")} <= found.keys()
    results.resolved["given"] = {"predictions": False}  # type: ignore[index]
    table = fidelity.build(results, reports.table(results))
    assert table is not None and fidelity.OFF in {one.why for one in table.rows[-1].cells if isinstance(one, Missing)}


def test_settled_sweeps_have_no_other_verdict(tmp_path: Path):
    results = results_with(tmp_path, sweep(baseline="ce"))
    settling = {**results.resolved, "settling": {"declared": "gdkd", "looks": [3, 5]}}
    board = reports.table(dataclasses.replace(results, resolved=settling))
    assert fidelity.paired(results, board) is None and fidelity.build(results, board) is not None


def test_classes_of_pixels(tmp_path: Path):
    given = FakeSweep("pixels", [teacher(70.0), *seeds("kd", (60.0, 61.0))], [row("kd")])
    labels = logits_of("labels", (4, CLASSES, 8, 10)).argmax(1)
    labels[:, 0], labels[labels == CLASSES - 1] = IGNORE, 0  # the last class is nowhere labelled
    for trial in given.trials:
        logits = logits_of(f"{trial.row} {trial.seed}", (4, CLASSES, 8, 10))
        logits[:, CLASSES - 1] = -9  # nor answered
        theirs = (
            {n: torch.from_numpy(v) for n, v in kept_of(tmp_path, given.trials[0].trial_key).items()}
            if trial.seed or trial.row == "kd"
            else None
        )
        keep(tmp_path, trial.trial_key, logits, labels, "t", theirs)
    results = plain_results(given)
    lines = results.members.astype(object).to_dict("records")
    results = dataclasses.replace(results, predictions=predictions.read(tmp_path, lines))
    table: Table | None = fidelity.classes(results, reports.table(results))
    assert table is not None and [one.head for one in table.columns] == ["class", "teacher", "KD"]
    for number, line in enumerate(table.rows):
        each = []
        for key in keys(given, "kd"):
            taken, known = torch.from_numpy(kept_of(tmp_path, key)["classes"]).long(), labels != IGNORE
            both = ((taken == number) & (labels == number) & known).sum()
            either = (((taken == number) | (labels == number)) & known).sum()
            each += [100 * float(both / either)] if either else []
        cell = line.cells[2]
        assert (
            (isinstance(cell, Number) and cell.value == pytest.approx(np.mean(each)))
            if each
            else isinstance(cell, Missing)
        )
    assert not each


@pytest.mark.parametrize(
    ("given", "info", "why"),
    [
        ({"predictions": False}, {}, fidelity.OFF),
        ({}, {"test": 10**7}, fidelity.TOO_LARGE),
        ({"predictions": True}, {"test": 10**7}, fidelity.NOT_KEPT),
        ({}, {}, fidelity.NOT_KEPT),
        (None, {"test": 10**7}, fidelity.NOT_KEPT),
    ],
)
def test_why_there_are_none(tmp_path: Path, given: dict[str, bool] | None, info: dict[str, int], why: str):
    results = results_with(tmp_path, sweep())
    facts = {**dataclasses.asdict(data.describe("digits100")), **info}
    resolved = {**results.resolved, "given": given, "facts": {"datasets": {"digits100": facts}}}
    table = fidelity.build(dataclasses.replace(results, resolved=resolved), reports.table(results))
    assert table is not None
    old = next(one for one in table.rows if text_of(one.cells[0]) == "old").cells
    assert {one.why for one in old if isinstance(one, Missing)} == {why}


@pytest.mark.parametrize(
    ("method", "settings", "k"),
    [
        ("gdkd", {"k": 2, "cut": "k"}, 2),
        ("gdkd3", {"k": 4}, 4),
        ("partition", {"cuts": "[1,3]"}, 3),
        ("gdkd+at", {"gdkd.k": 2, "gdkd.cut": "k"}, 2),
        ("gdkd", {"k": 5, "cut": "mass"}, None),
        ("kdsvd", {"k": 2}, None),
    ],
)
def test_k_is_where_a_method_cuts_the_ranking(tmp_path: Path, method: str, settings: dict[str, Any], k: int | None):
    trials = [teacher(80.0), *seeds("kd", (60.0, 61.0))]
    trials += seeds("other", (61.0, 62.0), method=method, settings=settings)
    results = results_with(tmp_path, FakeSweep("cuts", trials, [row("kd"), row("other", method)]))
    board = reports.table(results)
    assert group_sizes(results, board) == [k]
    table = fidelity.build(results, board)
    assert table is not None
    heads, (note,) = [column.head for column in table.columns], table.notes
    assert ("k" in heads) == ("rank > k (%)" in heads) == ("k-th" in note) == (k is not None)
    assert "KL:" in note and "Teacher wrong:" in note


@pytest.mark.parametrize(("ks", "k"), [((1, 5, 20), 5), ((1,), 1), ((20, 5), 20)])
def test_a_cut_after_the_first_class_is_taken_only_where_there_is_no_other(tmp_path: Path, ks: tuple[int, ...], k: int):
    trials, rows = [teacher(80.0)], []
    for one in ks:
        trials += seeds(f"cut {one}", (61.0, 62.0), method="gdkd", settings={"k": one, "cut": "k"})
        rows.append(row(f"cut {one}", "gdkd"))
    results = results_with(tmp_path, FakeSweep("cuts", trials, rows))
    assert group_sizes(results, reports.table(results)) == [k]
