"""The page in a real browser: no complaint, no request, and everything works by mouse and by keyboard."""

import dataclasses
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import reports
from reports import page
from reports.report import Report
from reports.stores import COMMIT
from tests.reports.conftest import Loader
from tests.reports.fake_sweep import NASTY, FakeSweep, FakeTrial, mixed_sweep, row, seeds
from tests.reports.learnt import results_with, sweep
from tests.reports.page.chromium import PROGRAM, Page, browser
from tests.reports.page.many import many
from tests.reports.plain import plain_results

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="needs Chromium: apt install chromium"),
]
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def nothing_is_wrong(tab: Page) -> Iterator[None]:
    tab.complaints.clear()
    tab.asked_for.clear()
    yield
    assert tab.complaints == []
    fetched = [address for address in tab.asked_for if not address.startswith("data:")]  # pictures within figures
    assert [address.partition(":")[0] for address in fetched] == ["file"]  # the page itself


def with_curves(results: reports.Results) -> reports.Results:
    """Give each run a curve and a commit."""

    def curves(run_ids: list[str], _: tuple[str, ...]) -> dict[str, dict[str, list[tuple[int, float]]]]:
        points = [(epoch, 20.0 + epoch * 4) for epoch in range(1, 11)]
        return {run_id: {"test_top1": [(e, v + i % 7) for e, v in points]} for i, run_id in enumerate(run_ids)}

    runs = {
        key: dataclasses.replace(run, start_time=0, end_time=61_000, tags={**run.tags, COMMIT: "c0ffee"})
        for key, run in results.runs.items()
    }
    return dataclasses.replace(results, curves_of=curves, runs=runs)


def opened(tab: Page, results: reports.Results, folder: Path, width: int = 1280) -> None:
    report = Report(results)
    text = page.render(results, report.board, report.tables)
    (folder / "index.html").write_text(text, encoding="utf-8")
    tab.look(width, 800)
    tab.open(folder / "index.html")


def texts_of(tab: Page, elements: str) -> Any:
    return tab.run(f"[...document.querySelectorAll('{elements}')].map((one) => one.textContent.trim())")


def names(tab: Page) -> Any:
    return texts_of(tab, "#head_to_head tbody:last-child tr:not(.heading) th")


def choose(tab: Page, section: str, **values: str) -> None:
    """Fill in what a table is chosen by, as a reader does."""
    for name, value in values.items():
        control = f"document.querySelector('#{section} form').elements.{name}"
        write = f"const one = {control}; one.value = {json.dumps(value)};"
        tab.run(f"{{{write} one.dispatchEvent(new Event('input', {{bubbles: true}}))}}")


def hide(tab: Page, section: str, column: int) -> None:
    tab.run(f"document.querySelector('#{section} [name=hide][value=\"{column}\"]').click()")


def clicked(tab: Page, elements: str, place: int = 0) -> None:
    tab.run(f"document.querySelectorAll('{elements}')[{place}].click()")


def test_sorting_by_keyboard(tab: Page, whole: reports.Results, tmp_path: Path) -> None:
    opened(tab, whole, tmp_path)
    before = names(tab)
    tab.run("document.querySelectorAll('#head_to_head button.sort')[1].focus()")
    head = "document.querySelectorAll('#head_to_head thead th')[1].getAttribute('aria-sort')"
    assert tab.run(head) is None
    tab.press("Enter")
    assert tab.run(head) == "descending"
    assert names(tab)[:2] == ["GDKD (tuned)", "GDKD (k = 5)"] and names(tab)[-1] in before[-5:]
    tab.press("Enter")
    assert tab.run(head) == "ascending" and names(tab)[0] == "half"
    tab.press("Enter")
    assert tab.run(head) is None and names(tab) == before


def test_filtering(tab: Page, whole: reports.Results, tmp_path: Path) -> None:
    opened(tab, whole, tmp_path)
    choose(tab, "head_to_head", find="GDKD 5)")
    assert names(tab) == ["GDKD (k = 5)"]
    choose(tab, "trials", find="dkd diverged")
    assert texts_of(tab, "#trials tbody th") == ["DKD", "GDKD (tuned)"]
    assert texts_of(tab, "#trials .count") == ["2 trials of 48"]
    choose(tab, "trials", find="", state="diverged", phase="search")
    assert texts_of(tab, "#trials tbody th") == ["GDKD (tuned)"]


def test_the_panel_by_keyboard(tab: Page, whole: reports.Results, tmp_path: Path) -> None:
    opened(tab, with_curves(whole), tmp_path)
    tab.run("document.querySelectorAll('#head_to_head tbody:last-child button.cell')[0].focus()")
    tab.press("Enter")
    assert tab.run("document.getElementById('panel').open")
    assert tab.run("document.activeElement.textContent") == "Close"
    text = tab.run("document.getElementById('panel').innerText")
    kd = whole.trials[whole.trials["row"] == "kd"]
    for run_id, key in zip(kd["run_id"], kd["trial_key"], strict=True):
        assert run_id in text and f"python run_sweep.py repeat {key}" in text
    assert "seed 2" in text and "weight=0.9" in text and "c0ffee" in text and "1.0 min" in text and "FINISHED" in text
    assert tab.run("document.querySelectorAll('#panel .run svg.spark title').length") == 3
    assert "[object" not in text
    focused = "document.activeElement"
    inside = f"{focused} === document.body || document.getElementById('panel').contains({focused})"
    for _ in range(30):  # the focus cannot leave it
        tab.press("Tab")
        assert tab.run(inside)
    tab.press("Escape")
    assert not tab.run("document.getElementById('panel').open")
    assert tab.run("document.activeElement.textContent").startswith("63.1")


def test_every_cell_opens(tab: Page, nasty: reports.Results, whole: reports.Results, tmp_path: Path) -> None:
    for results in (with_curves(nasty), whole):
        tab.asked_for.clear()
        opened(tab, results, tmp_path)
        opening = """(() => { let opened = 0;
            for (const button of document.querySelectorAll('button.cell')) {
              button.click(); opened += document.getElementById('panel').open; document.getElementById('panel').close();
            } return [opened, document.querySelectorAll('button.cell').length]; })()"""
        count, wanted = tab.run(opening)
        assert count == wanted > 20
        assert "[object" not in tab.run("document.body.innerText")
    assert tab.run("document.scripts.length") == 2


def test_figures_are_those_of_the_files(tab: Page, whole: reports.Results, tmp_path: Path) -> None:
    Report(whole).write(tmp_path)
    tab.open(tmp_path / "index.html")
    shown = tab.run("[...document.querySelectorAll('#figures figure svg')].map((svg) => svg.getBBox().width > 100)")
    assert shown == [True] * len(list((tmp_path / "figures").glob("*.svg"))) and len(shown) >= 4
    assert tab.run("document.querySelectorAll('#figures [style]').length") == 0
    ids = tab.run("[...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(tab: Page, whole: reports.Results, tmp_path: Path, scheme: str) -> None:
    """4.5 for text: WCAG 2.1, 1.4.3."""
    opened(tab, with_curves(whole), tmp_path)
    tab.look(1280, 800, scheme)
    back = tab.run("getComputedStyle(document.body).backgroundColor")
    for of in ("body", ".muted", ".why", "nav a", "caption", ".copies", "summary", "legend"):
        assert contrast(tab.run(f"getComputedStyle(document.querySelector('{of}')).color"), back) >= 4.5, of


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_scheme_can_be_chosen(tab: Page, whole: reports.Results, tmp_path: Path) -> None:
    opened(tab, whole, tmp_path)
    colours = []
    for _ in range(3):
        colours.append(tab.run("getComputedStyle(document.body).backgroundColor"))
        tab.run("document.querySelector('header button').click()")
    assert colours[0] == colours[1] != colours[2]


def test_phones(tab: Page, nasty: reports.Results, results_of: Loader, tmp_path: Path) -> None:
    for results in (nasty, results_of(mixed_sweep())):
        tab.asked_for.clear()
        opened(tab, results, tmp_path, width=360)
        assert tab.run("document.documentElement.scrollWidth") <= 360
        tab.run("document.querySelector('button.cell').click()")
        assert tab.run("document.getElementById('panel').scrollWidth") <= 360


def rows_of(tab: Page, section: str, column: int) -> dict[str, str]:
    """What a column of a table shows, by the name of the row."""
    row = f"[row.cells[0].textContent, row.cells[{column}].textContent]"
    rows = f"[...document.querySelectorAll('#{section} tr[data-row]')]"
    return dict(tab.run(f"{rows}.map((row) => {row})"))


def test_differences_from_any_row(tab: Page, nasty: reports.Results, tmp_path: Path) -> None:
    opened(tab, nasty, tmp_path)
    before = rows_of(tab, "head_to_head", 1)
    choose(tab, "head_to_head", base="2")
    shown = rows_of(tab, "head_to_head", 1)
    plain = rows_of(tab, "difference", 1)
    assert shown["KD_{paper}"] == "-0.25" and plain[NASTY].startswith("+0.25")
    assert shown[NASTY] == before[NASTY] == "61.00 ± 0.00 (2)"
    assert tab.run("document.querySelector('#head_to_head .count').textContent").startswith("4 rows; numbers are diff")
    choose(tab, "head_to_head", base="")
    assert rows_of(tab, "head_to_head", 1) == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_proposal_is_shaded_and_keeps_its_differences(
    tab: Page, results_of: Loader, tmp_path: Path, scheme: str
) -> None:
    trials = [*seeds("a", (70.0, 71.0)), *seeds("b", (69.0, 70.0)), *seeds("c", (61.0, 62.0))]
    report = {"baseline": "a", "proposal": "b"}
    results = results_of(FakeSweep("proposed", trials, [row("a"), row("b"), row("c")], report=report))
    opened(tab, results, tmp_path)
    tab.look(1280, 800, scheme)
    style = "getComputedStyle(document.querySelector('#head_to_head tr.proposal td'))"
    assert contrast(tab.run(f"{style}.color"), tab.run(f"{style}.backgroundColor")) >= 4.5
    assert tab.run(f"{style}.backgroundColor") != tab.run("getComputedStyle(document.body).backgroundColor")
    assert names(tab) == ["a", "b", "Δ over a", "c"]
    gain = rows_of(tab, "head_to_head", 1)["Δ over a"]
    clicked(tab, "#head_to_head button.sort", 1)
    assert names(tab) == ["a", "b", "Δ over a", "c"]
    clicked(tab, "#head_to_head button.sort", 1)
    assert names(tab) == ["c", "b", "Δ over a", "a"]
    offered = texts_of(tab, "#head_to_head [name=base] option")
    values = tab.run("[...document.querySelectorAll('#head_to_head [name=base] option')].map((one) => one.value)")
    assert "Δ over a" not in offered
    choose(tab, "head_to_head", base=values[offered.index("c")])
    assert rows_of(tab, "head_to_head", 1)["b"] == "+8.0"
    assert rows_of(tab, "head_to_head", 1)["Δ over a"] == gain


def test_two_rows(tab: Page, whole: reports.Results, tmp_path: Path) -> None:
    opened(tab, whole, tmp_path)
    choose(tab, "head_to_head", one="8", other="2")
    clicked(tab, "#head_to_head [data-do=compare]")
    shown = texts_of(tab, "#panel tr > *")
    assert shown[:4] == ["column", "GDKD (tuned)", "KD", "difference"]
    assert shown[4:8] == ["TinyResNet → TinyCNN", "66.9 ± 0.2 (3)*", "63.1 ± 0.7 (3)†*", "+3.8"]


def test_two_rows_image_by_image(tab: Page, tmp_path: Path) -> None:
    results = results_with(tmp_path, sweep(baseline="ce"))
    opened(tab, results, tmp_path)
    found = reports.mcnemar(results, "kd", "ce")
    assert found is not None
    for one, other, counts in ((2, 1, (found.only_one, found.only_other)), (1, 2, (found.only_other, found.only_one))):
        choose(tab, "head_to_head", one=str(one), other=str(other))
        clicked(tab, "#head_to_head [data-do=compare]")
        shown = texts_of(tab, "#panel tr > *")
        assert shown[4] == "image by image"
        p = f"= {found.p:.4f}" if found.p >= 1e-4 else "<0.0001"
        assert shown[9] == f"{counts[0]:g} against {counts[1]:g}, p {p}"
        clicked(tab, "#panel [data-do=close]")


def test_columns_are_hidden(tab: Page, nasty: reports.Results, tmp_path: Path) -> None:
    opened(tab, nasty, tmp_path)
    heads = "[...document.querySelectorAll('#head_to_head thead th')].map((one) => one.checkVisibility())"
    assert all(tab.run(heads))
    hide(tab, "head_to_head", 2)
    assert tab.run(heads)[:3] == [True, True, False]
    hide(tab, "head_to_head", 2)
    choose(tab, "head_to_head", pairs="odd")
    assert tab.run(heads)[:3] == [True, False, True]


def test_a_link_shows_what_its_sender_saw(tab: Page, nasty: reports.Results, tmp_path: Path) -> None:
    opened(tab, nasty, tmp_path)
    clicked(tab, "#head_to_head summary")
    choose(tab, "head_to_head", find="script", base="1")
    clicked(tab, "#head_to_head button.sort", 2)
    hide(tab, "head_to_head", 1)
    choose(tab, "trials", phase="teacher")
    clicked(tab, "#head_to_head tr:has(th) td:nth-child(3) button.cell", 1)
    state = """JSON.stringify([document.getElementById('panel').innerText, document.querySelector('main').innerText,
        [...document.querySelectorAll('form')].map((form) => [...new FormData(form)])])"""
    seen = tab.run(state)
    tab.until("location.hash.includes('open=')")
    fragment = tab.run("location.hash")
    (tmp_path / "sent.html").write_bytes((tmp_path / "index.html").read_bytes())
    tab.asked_for.clear()
    tab.open(tmp_path / "sent.html", fragment)
    assert json.loads(tab.run(state)) == json.loads(seen)
    assert tab.run("document.getElementById('panel').open")
    tab.press("Escape")
    tab.until("!location.hash.includes('open=')")
    tab.run("location.hash = '#statistics'")  # as a link to a part of the page
    tab.until("location.hash.startsWith('#statistics?head_to_head.')")
    assert names(tab)[0] == NASTY


@pytest.mark.parametrize(
    "fragment", ["#?open=nothing.1.2&trials.state=x&head_to_head.sort=99d", "#?%&=&&open=.", "#x?y"]
)
def test_a_wrong_address_is_no_fault(tab: Page, whole: reports.Results, tmp_path: Path, fragment: str) -> None:
    opened(tab, whole, tmp_path)
    before = names(tab)
    (tmp_path / "sent.html").write_bytes((tmp_path / "index.html").read_bytes())
    tab.asked_for.clear()
    tab.open(tmp_path / "sent.html", fragment)
    assert names(tab) == before and texts_of(tab, "#trials .count") == ["48 trials"]
    assert not tab.run("document.getElementById('panel').open")


def test_copying(tab: Page, nasty: reports.Results, tmp_path: Path) -> None:
    """What is copied is what the files have."""
    Report(nasty).write(tmp_path)
    tab.ask("Emulation.setFocusEmulationEnabled", enabled=True)  # only who has the focus may copy
    tab.ask("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    tab.open(tmp_path / "index.html")
    said = "document.querySelector('#head_to_head .copies [role=status]').textContent"
    files = {"LaTeX": tmp_path / "tables" / "head_to_head.tex", "CSV": tmp_path / "table.csv"}
    for kind, file in files.items():
        clicked(tab, f"#head_to_head [data-kind={kind}]")
        tab.until(f"{said} === '{kind} copied'")
        assert tab.run("navigator.clipboard.readText()") == file.read_text(encoding="utf-8")


def test_what_cannot_be_copied_is_marked(tab: Page, whole: reports.Results, tmp_path: Path) -> None:
    opened(tab, whole, tmp_path)
    tab.ask("Browser.setPermission", permission={"name": "clipboard-write"}, setting="denied")
    clicked(tab, "#head_to_head [data-do=copy]", 1)
    tab.until("getSelection().toString().startsWith('cell,dataset')")
    tab.ask("Browser.resetPermissions")


def test_heads_stay_in_sight_and_paper_gets_parts(tab: Page, tmp_path: Path) -> None:
    cells = [f"digits100: tinyresnet -> net{i}" for i in range(12)]
    trials = [trial for cell in cells for i in range(30) for trial in seeds(f"kd {i}", (60.0, 61.0), cell=cell)]
    sweep = FakeSweep("wide", trials, [row(f"kd {i}") for i in range(30)], cells)
    opened(tab, plain_results(sweep), tmp_path, width=1000)
    scroll = "document.querySelector('#head_to_head .scroll')"
    tab.run(f"{scroll}.scrollIntoView(); {scroll}.scrollTo(500, 400)")
    at = "(({{left, top}}) => [left, top])({}.getBoundingClientRect())"
    left, top = tab.run(at.format(scroll))
    row_head, head = f"{scroll}.querySelectorAll('tbody th')[25]", f"{scroll}.querySelectorAll('thead th')[9]"
    assert tab.run(f"[{scroll}.scrollLeft, {scroll}.scrollTop]") == [500, 400]
    assert tab.run(at.format(row_head))[0] == pytest.approx(left, abs=1)
    assert tab.run(at.format(head))[1] == pytest.approx(top, abs=1)
    tab.look(2400, 800)
    assert tab.run(f"{scroll}.scrollWidth === {scroll}.clientWidth && {scroll}.clientWidth > 1500")
    tab.run("dispatchEvent(new Event('beforeprint'))")
    heads = "[...one.tHead.rows[0].cells].filter((th) => !th.hidden).map((th) => th.textContent)"
    parts = tab.run(f"[...document.querySelectorAll('#head_to_head table.part')].map((one) => {heads})")
    assert len(parts) > 1 and all(part[0] == "method" for part in parts)
    assert [head for part in parts for head in part[1:]] == texts_of(tab, "#head_to_head table.whole thead th")[1:]
    tab.run("dispatchEvent(new Event('afterprint'))")
    assert tab.run("document.querySelectorAll('table.part, table.whole').length") == 0


def test_rows_that_look_alike(tab: Page, results_of: Loader, tmp_path: Path) -> None:
    """Each opens its own runs, and is compared with the other."""
    trials = [*seeds("first", (60.0, 61.0)), *seeds("second", (70.0, 71.0)), *seeds("kd", (50.0, 50.0))]
    rows, shown = [row("first"), row("second"), row("kd")], {"first": "same", "second": "same"}
    results = results_of(FakeSweep("alike", trials, rows, report={"names": shown, "baseline": "kd"}))
    opened(tab, results, tmp_path)
    names_at = texts_of(tab, "#head_to_head tr[data-row] th")
    first, second = (place for place, name in enumerate(names_at) if name == "same")
    for place, label in ((first, "first"), (second, "second")):
        tab.run(f"document.querySelectorAll('#head_to_head tr[data-row]')[{place}].querySelector('button').click()")
        text = tab.run("document.getElementById('panel').innerText")
        runs = results.trials.set_index("row")["run_id"]
        assert all(run_id in text for run_id in runs[label]) and label in text
        assert not any(run_id in text for run_id in runs if run_id not in set(runs[label]))
        tab.run("document.getElementById('panel').close()")
    choose(
        tab,
        "head_to_head",
        base=tab.run(f"document.querySelectorAll('#head_to_head tr[data-row]')[{first}].dataset.row"),
    )
    numbers = texts_of(tab, "#head_to_head tr[data-row] td:nth-child(2)")
    assert numbers[second] == "+10.0" and numbers[first].startswith("60.5")


def test_a_link_to_the_run(tab: Page, whole: reports.Results, tmp_path: Path) -> None:
    opened(tab, dataclasses.replace(whole, mlflow="https://mlflow.example/prefix"), tmp_path)
    clicked(tab, "#head_to_head tbody:last-child button.cell")
    kd = whole.trials[whole.trials["row"] == "kd"].iloc[0]
    link = f"https://mlflow.example/prefix/#/experiments/{kd['experiment_id']}/runs/{kd['run_id']}"
    assert tab.run("document.querySelector('#panel .run a').href") == link
    tab.run("document.getElementById('panel').close()")
    choose(tab, "trials", state="not started")
    clicked(tab, "#trials tbody button.cell")
    assert tab.run("document.querySelectorAll('#panel .run').length") == 1
    assert tab.run("document.querySelectorAll('#panel .run a').length") == 0


def test_printing(tab: Page, whole: reports.Results, tmp_path: Path) -> None:
    opened(tab, whole, tmp_path)
    tab.printed(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
    tab.ask("Emulation.setEmulatedMedia", media="print")
    hidden = "[...document.querySelectorAll('nav, .controls, dialog, button.tool')].every((e) => !e.checkVisibility())"
    assert tab.run(hidden)


@pytest.mark.parametrize("state", ["WAITING", "FAIL", "COMPLETE"])
def test_hardly_anything_there(tab: Page, results_of: Loader, tmp_path: Path, state: str) -> None:
    trials = [FakeTrial(row="kd", state=state, top1=60.0)]
    opened(tab, results_of(FakeSweep("little", trials, [row("kd")])), tmp_path)
    expected = {"WAITING": "– not run", "FAIL": "– failed 1 of 1", "COMPLETE": "60.0 (1)"}[state]
    assert tab.run("document.querySelector('#head_to_head tbody:last-child td').textContent") == expected


def test_nothing_at_all(tab: Page, results_of: Loader, tmp_path: Path) -> None:
    opened(tab, results_of(FakeSweep("empty", [], [row("kd")])), tmp_path)
    assert "not run" in tab.run("document.body.innerText")


def test_ten_thousand_trials(tab: Page, tmp_path: Path) -> None:
    results = many(plain_results(FakeSweep("one", seeds("kd", (60.0,)), [row("kd")])), 10_000)
    report = Report(results)
    found = report.tables
    before = time.process_time()
    text = page.render(results, report.board, found)
    written = time.process_time() - before
    (tmp_path / "index.html").write_text(text, encoding="utf-8")
    tab.look(1280, 800)
    tab.open(tmp_path / "index.html")
    shown = tab.run("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd") / 1000
    print(f"{len(text.encode()) / MEGABYTE:.1f} MB, written in {written:.1f} s, shown after {shown:.1f} s")
    assert len(text.encode()) <= 10 * MEGABYTE
    assert written <= 3
    assert shown <= 2
    sort = "document.querySelectorAll('#trials button.sort')[5].click()"
    assert tab.run(f"(() => {{ const start = performance.now(); {sort}; return performance.now() - start; }})()") < 500
    assert tab.run("document.querySelectorAll('#trials tbody tr').length") == 100
    assert texts_of(tab, "#trials .count") == ["10,000 trials"]
