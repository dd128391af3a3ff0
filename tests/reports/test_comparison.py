"""Our numbers beside published figures: which figure belongs to a row, when the two may be compared, every file."""

import csv
import dataclasses
import io
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import reports
import run_sweep
from reports.formats.footnotes import letters
from reports.published import figures as published_figures
from reports.published.comparable import Setting, reasons
from reports.published.figures import Figure
from reports.tables.against.published import FIELDS, Beside, Comparison
from tests.reports.conftest import Loader, tell
from tests.reports.fake_sweep import CIFAR, PAIR, FakeSweep, mixed_sweep, published_sweep, row, trained
from tests.reports.shown import as_csv, as_latex, as_markdown

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def home(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    shutil.copy(empty_store, folder / "mlflow.db")
    tell(folder, published_sweep(), mixed_sweep())
    return folder


@pytest.fixture(scope="module")
def comparison(home: Path) -> Comparison:
    return reports.compare(reports.load("published", home=home))


@pytest.fixture(scope="module")
def mixed(home: Path) -> Comparison:
    return reports.compare(reports.load("mixed", home=home))


def of_row(comparison: Comparison, label: str, cell: int = 0) -> list[Beside]:
    return [beside for beside in comparison.cells[cell].lines if beside.row == label]


# --- the figures ----------------------------------------------------------------------------------------------------


def test_every_figure_is_whole_and_has_a_source() -> None:
    found = published_figures.all_figures()
    assert len(found) == 546
    assert all(0 < one.value < 100 and one.source and one.student and one.method for one in found)
    assert {one.metric for one in found} == {"top1", "val_miou"}
    assert all(published_figures.conditions(one.dataset) is not None for one in found)
    assert all((one.method == "ce") == (not one.teacher) for one in found)
    identities = [(one.dataset, one.teacher, one.student, one.method, one.source) for one in found]
    assert len(set(identities)) == len(identities)


def test_nothing_is_made_up_for_gdkd() -> None:
    assert not [one for one in published_figures.all_figures() if "gdkd" in one.method]
    assert published_figures.why_unknown("gdkd3+ls") == "GDKD's own figures are not known to us"
    assert published_figures.why_unknown("kd") == ""


def test_a_method_has_a_figure_for_each_source() -> None:
    found = published_figures.figures("cifar100", "resnet32x4", "resnet8x4", "dist")
    assert [(one.value, one.source.partition(" README")[0]) for one in found] == [
        (76.31, "DIST_KD"),
        (76.31, "TTM (WTTM)"),
        (75.79, "Knowledge-Distillation-via-ND"),
    ]


@pytest.mark.parametrize(
    ("dataset", "name", "published"),
    [
        ("cifar100", "resnet50", "resnet50"),
        ("cifar100", "timm:cifar_resnet50", "resnet50"),
        ("cifar100", "timm:resnet50", "timm:resnet50"),
        ("imagenet", "torchvision:resnet34", "resnet34"),
        ("imagenet", "timm:mobilenetv1", "mobilenetv1"),
        ("digits100", "tinycnn", "tinycnn"),
    ],
)
def test_what_a_network_is_called(dataset: str, name: str, published: str) -> None:
    assert published_figures.published_network(dataset, name) == published


@pytest.mark.parametrize(
    ("dataset", "networks", "spread"),
    [
        ("cifar100", ("resnet32x4", "resnet8x4"), 0.6),
        ("cifar100", ("wrn_40_2", "shufflev1"), 1.0),
        ("cifar100", ("vgg13", "mobilenetv2"), 1.0),
        ("imagenet", ("resnet50", "mobilenetv1"), 0.4),
        ("cityscapes", ("deeplabv3_resnet101", "deeplabv3_mobilenetv2"), None),
        ("digits100", ("tinyresnet", "tinycnn"), None),
    ],
)
def test_usual_spreads(dataset: str, networks: tuple[str, ...], spread: float | None) -> None:
    assert published_figures.usual_spread(dataset, networks) == spread


def test_the_literatures_recipe_is_ours_where_we_have_one() -> None:
    from search_spaces import recipes

    named = recipes.get("cifar")
    figure = published_figures.figures("cifar100", "resnet56", "resnet20", "kd")[0]
    for name, value in published_figures.recipe(figure).items():
        ours = getattr(named, name, value)
        assert (list(ours) if isinstance(ours, tuple) else ours) == value, name
    assert published_figures.recipe(published_figures.figures("cifar100", "", "shufflev1")[0])["learning_rate"] == 0.01


# --- which belongs to which, and what may be compared ---------------------------------------------------------------


def test_best_epoch_against_best_epoch(comparison: Comparison) -> None:
    kd, _ = of_row(comparison, "kd")
    assert kd.stat is not None and (kd.stat.n, kd.stat.mean) == (3, pytest.approx(73.5))  # 73.25 after the last epoch
    assert kd.figure is not None and (kd.figure.value, kd.figure.source) == (73.33, "RepDistiller README")
    assert (kd.difference, kd.within, kd.comparable, kd.gain) == (0.17, True, True, None)


def test_gains_over_kd(comparison: Comparison) -> None:
    dkd, _ = of_row(comparison, "dkd")
    assert dkd.gain is not None and (dkd.gain.n, dkd.gain.mean) == (2, pytest.approx(2.9))
    assert dkd.kd is not None and (dkd.kd.value, dkd.published_gain) == (73.33, 2.99)  # mdistiller's kd is not listed


def test_the_kd_of_the_same_source_goes_before_the_first(results_of: Loader) -> None:
    cell = "imagenet: timm:resnet34 -> torchvision:resnet18"
    trials = [*trained("kd", (71.0,), "kd", cell=cell), *trained("wttm", (72.0,), "wttm", cell=cell)]
    results = results_of(FakeSweep("large", trials, [row("kd"), row("wttm", "wttm")], (cell,)))
    lines = reports.compare(results).cells[0].lines
    values = {beside.kd.value for beside in lines if beside.method == "wttm" and beside.kd is not None}
    assert values == {70.66}  # TTM's, not mdistiller's 71.03
    kds = [beside for beside in lines if beside.row == "kd"]
    assert [beside.figure.value for beside in kds if beside.figure] == [71.03, 70.66, 71.37, 71.21]
    assert "published with temperature 4" in kds[3].reasons
    assert any(reason.startswith("recipe: epochs 240 instead of 100") for reason in kds[0].reasons)


def test_what_is_the_same_is_comparable(comparison: Comparison) -> None:
    for label in ("teacher", "ce", "kd", "dkd", "kd & ls", "wkd"):
        own = [one for one in of_row(comparison, label) if one.figure and not one.figure.source.startswith("SimKD")]
        assert [beside.reasons for beside in own] == [()] * len(own), label
    assert [beside.method for label in ("kd & ls", "wkd") for beside in of_row(comparison, label)] == ["kd+ls", "wkd-l"]
    (wkd,) = of_row(comparison, "wkd")
    assert (wkd.difference, wkd.within) == (-1.53, False)


def test_what_differs_is_not(comparison: Comparison) -> None:
    why = {label: of_row(comparison, label)[0].reasons for label in ("dkd beta=2", "short", "mlkd", "tuned")}
    assert why["dkd beta=2"] == ("hyperparameters: β = 2 instead of 8",)
    recipe = "recipe: epochs 24 instead of 240, milestones 15,18,21 instead of 150,180,210"
    assert why["short"] == (recipe,)
    assert why["mlkd"] == ("published with 480 epochs or more and a strong view beside the weak one",)
    assert why["tuned"] == ("searched here: temperature",)


def test_figures_of_another_recipe_are_not_comparable(comparison: Comparison) -> None:
    kds = of_row(comparison, "kd")
    assert [(one.figure.value, bool(one.reasons)) for one in kds if one.figure] == [(73.33, False), (74.42, True)]
    assert kds[1].reasons == ("published with a recipe of its own, whose students and KD score more",)
    transformer = published_figures.figures("cifar100", "resnet56", "deit_tiny", "kd+ls")[0]
    assert published_figures.differences(transformer) == (
        "published with a recipe for transformers that is not known to us",
    )


def test_no_figure_is_said(comparison: Comparison) -> None:
    (gdkd,), (svd,) = of_row(comparison, "gdkd"), of_row(comparison, "svd")
    assert (gdkd.figure, gdkd.withheld, gdkd.note) == (None, True, "GDKD's own figures are not known to us")
    assert gdkd.gain is not None and gdkd.gain.mean == pytest.approx(3.3)
    assert (svd.stat, svd.missing, svd.note) == (None, "failed 1 of 1", "no published figure known")


def test_published_methods_that_were_not_run_come_last(comparison: Comparison) -> None:
    kinds = [beside.kind for beside in comparison.cells[0].lines]
    assert kinds == sorted(kinds, key="published".__eq__)
    names = {beside.method for beside in comparison.cells[0].lines if beside.kind == "published"}
    assert {"fitnet", "kd++", "wkd-l+f", "dkd+ls"} <= names
    assert not names & {"ce", "kd", "dkd", "dist", "kd+ls", "wkd-l", "mlkd"}


def figure_of(method: str, student: str = "resnet8x4") -> Figure:
    return published_figures.figures("cifar100", "resnet32x4", student, method)[0]


def setting(method: str, recipe: dict[str, Any] | None = None, views: str = "", **values: Any) -> Setting:
    trial = trained("x", (1.0,), method, **values)[0]
    networks = {"teacher": "cifar_resnet32x4", "student": "cifar_resnet8x4", "method": method}
    params = {**networks, **{f"method.{name}": str(value) for name, value in trial.settings.items()}}
    return Setting(params=params | {f"recipe.{name}": str(v) for name, v in (recipe or CIFAR).items()}, views=views)


@pytest.mark.parametrize(
    ("recipe", "why"),
    [
        ({**CIFAR, "weight_decay": 1e-4}, "recipe: weight_decay 0.0001 instead of 0.0005"),
        ({**CIFAR, "milestones": ""}, "recipe: milestones none instead of 150,180,210"),
        ({**CIFAR, "label_smoothing": 0.1}, "recipe: label_smoothing 0.1 instead of 0"),
        ({**CIFAR, "precision": "float32"}, None),
        ({name: value for name, value in CIFAR.items() if name != "gamma"}, "recipe: gamma not recorded"),
    ],
)
def test_any_field_of_the_recipe(recipe: dict[str, Any], why: str | None) -> None:
    assert list(reasons(setting("kd", recipe), figure_of("kd"))) == ([] if why is None else [why])


def test_the_rate_of_light_students_is_lower() -> None:
    ours = setting("kd")
    assert list(reasons(ours, figure_of("kd", "shufflev2"))) == ["recipe: learning_rate 0.05 instead of 0.01"]


def test_views() -> None:
    ours = setting("kd", views="pad4-crop-flip-autoaugment")
    assert list(reasons(ours, figure_of("kd"))) == ["views: pad4-crop-flip-autoaugment instead of pad4-crop-flip"]


def test_standardized_logits_have_hyperparameters_of_their_own() -> None:
    plain = list(reasons(setting("kd", standardize=True), figure_of("kd+ls")))
    assert plain == ["hyperparameters: T = 4 instead of 2, w = 0.9 instead of 9"]
    tuned = setting("dkd", standardize=True, temperature=2.0, weight=9.0)
    assert list(reasons(tuned, figure_of("dkd+ls"))) == []


def test_a_list_is_the_same_however_it_is_written_and_what_has_no_effect_is_no_difference() -> None:
    whole = {"temperatures": (2.0, 3.0, 4.0, 5.0, 6.0)}
    assert len(list(reasons(setting("mlkd", **whole), figure_of("mlkd")))) == 1
    assert len(list(reasons(setting("mlkd", temperatures=(2.0, 3.0)), figure_of("mlkd")))) == 2


def test_a_teacher_that_is_another_one(results_of: Loader) -> None:
    sweep = published_sweep()
    weak = {"final_top1": 70.0, "best_top1": 70.25}
    trials = [dataclasses.replace(t, metrics=weak) if t.phase == "teacher" else t for t in sweep.trials]
    found = reports.compare(results_of(dataclasses.replace(sweep, trials=trials)))
    assert of_row(found, "kd")[0].reasons == ("our teacher has 70.25, theirs 79.42",)
    assert of_row(found, "ce")[0].reasons == of_row(found, "teacher")[0].reasons == ()


def test_a_strongly_augmented_teacher_is_another_one(results_of: Loader) -> None:
    trials = trained("kd", (74.0,), "kd", tags={"teacher_variant": "strong"})
    found, _ = of_row(reports.compare(results_of(FakeSweep("strong", trials, [row("kd")], (PAIR,)))), "kd")
    assert found.reasons == ("taught by a teacher of another kind: strong",)


# --- segmentation ---------------------------------------------------------------------------------------------------


def test_segmentation_is_compared_by_its_own_measure(mixed: Comparison) -> None:
    (dist,) = of_row(mixed, "dist", cell=1)
    assert dist.figure is not None and (dist.figure.metric, dist.figure.value) == ("val_miou", 77.10)
    assert (dist.difference, dist.spread, dist.within) == (-0.3, None, None)
    assert not [reason for reason in dist.reasons if reason.startswith("recipe")]  # 100 stretches of 400 steps
    assert "no spread is known" in markdown_of(mixed)
    assert [of.measure.label for of in mixed.cells] == ["top-1 (%)", "mIoU (%)"]


# --- files ----------------------------------------------------------------------------------------------------------


def test_the_command_writes_and_prints(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["report", "published", "--home", str(home), "--out", str(tmp_path), "--against", "published"]
    assert run_sweep.main(arguments) == 0
    out = capsys.readouterr().out
    assert "KD                  73.50 ± 0.20 (3)  73.33 [1]       +0.17" in out
    assert "(f) not published in text form: GDKD's own figures are not known to us." in out
    assert "Best epoch against best epoch" in out
    assert max(map(len, out.splitlines())) <= 120
    assert {path.name for path in tmp_path.glob("against.*")} == {"against.md", "against.csv", "against.tex"}
    assert (tmp_path / "table.md").is_file()


def markdown_of(comparison: Comparison) -> str:
    return as_markdown(*comparison.tables())


def test_another_word_is_a_wrong_request(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["report", "published", "--home", str(home), "--out", str(tmp_path), "--against", "peers"]
    assert run_sweep.main(arguments) == 2
    assert capsys.readouterr().err == "--against takes published, got 'peers'\n"
    assert not list(tmp_path.iterdir())


def test_against_md(comparison: Comparison) -> None:
    text = markdown_of(comparison)
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} == {9}
    assert r"| KD | 73.50 ± 0.20 (3) | 73.33 \[1\] | +0.17 | – | – | within ±0.6 | yes |" in text
    assert r"\[1\] RepDistiller README." in text
    assert "| GDKD | 76.70 ± 0.28 (2) | – | – | +3.30 | – | – | – (f) |" in text
    assert "(f) not published in text form: GDKD's own" in text
    assert "outside ±0.6 | no (c) |" in text and "(c) hyperparameters: β = 2 instead of 8." in text
    assert "Published, not run here: FitNet 73.50 (RepDistiller README), AT 73.44" in text
    assert "kd &amp; ls" in text


def test_against_csv(comparison: Comparison) -> None:
    lines = list(csv.DictReader(io.StringIO(as_csv(*comparison.tables()))))
    assert tuple(lines[0]) == FIELDS
    dkd = next(line for line in lines if line["row"] == "dkd")
    assert (dkd["n"], dkd["ours"], dkd["published"], dkd["difference"]) == ("2", "76.3", "76.32", "-0.02")
    assert (dkd["gain"], dkd["published_gain"], dkd["published_kd"]) == ("2.9", "2.99", "73.33")
    assert (dkd["usual_spread"], dkd["within"], dkd["comparable"], dkd["measure"]) == ("0.6", "yes", "yes", "top1")
    fitnet = next(line for line in lines if line["method"] == "fitnet")
    assert (fitnet["row"], fitnet["n"], fitnet["ours"], fitnet["comparable"]) == ("", "0", "", "")


def test_the_lines_in_the_docs_are_printed(comparison: Comparison) -> None:
    (block,) = re.findall(r"```console\n(.*?)```", (DOCS / "results.md").read_text(), re.DOTALL)
    assert set(block.splitlines()) <= set(reports.console_comparison(comparison, 110).splitlines())


def test_against_tex_is_balanced(comparison: Comparison, mixed: Comparison) -> None:
    for found in (comparison, mixed):
        text = as_latex(*found.tables())
        plain = re.sub(r"\\[{}$&%]", "", text)
        assert plain.count("{") == plain.count("}")
        assert plain.count("$") % 2 == 0
        assert "%" not in plain.partition("\\begin{document}")[2].replace("{%\n", "")
        assert plain.count(r"\begin{tabular}") == plain.count(r"\end{tabular}") >= len(found.cells)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex: apt install texlive-latex-recommended")
def test_against_tex_compiles_alone(comparison: Comparison, mixed: Comparison, tmp_path: Path) -> None:
    for found in (comparison, mixed):
        (tmp_path / "against.tex").write_text(as_latex(*found.tables()))
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "against.tex"]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout[-2000:]


def test_a_sweep_that_no_paper_has(nasty: reports.Results, tmp_path: Path) -> None:
    found = reports.compare(nasty)
    assert {beside.note for of in found.cells for beside in of.lines} >= {"no published figure known"}
    names = [path.name for path in reports.write_comparison(found, tmp_path)]
    assert names == ["against.md", "against.tex", "against.csv"]
    assert "<script>" not in (tmp_path / "against.md").read_text()
    assert reports.console_comparison(found, 60)


def test_marks_go_on_after_z() -> None:
    assert [letters(number) for number in (0, 25, 26, 27, 701, 702)] == ["a", "z", "aa", "ab", "zz", "aaa"]


def test_the_package_holds_the_figures() -> None:
    import tomllib

    packaging = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    assert packaging["reports"] == ["published/*", "page/*.html", "page/*.css", "page/*.js"]
    assert {path.name for path in published_figures.FOLDER.iterdir() if path.suffix not in (".py", "")} == {
        "README.md",
        "conditions.yaml",
        "results.csv",
    }
