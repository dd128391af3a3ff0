"""The page in a real browser: no complaint, no request, and everything works by mouse and by keyboard."""

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import reports
from reports import page
from reports.report import Report
from reports.results.results import TRIAL_COLUMNS
from reports.stores import COMMIT, RunDetails
from tests.reports.conftest import Loader
from tests.reports.fake_sweep import FakeSweep, FakeTrial, mixed_sweep, row, seeds
from tests.reports.page.chromium import PROGRAM, Page, browser

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

    def details(run_ids: list[str]) -> dict[str, RunDetails]:
        return {run_id: RunDetails(run_id, 0, 61_000, {COMMIT: "c0ffee"}) for run_id in run_ids}

    return dataclasses.replace(results, curves_of=curves, details_of=details)


def opened(tab: Page, results: reports.Results, folder: Path, width: int = 1280) -> None:
    report = Report(results)
    text = page.render(results, report.board, report.shown)
    (folder / "index.html").write_text(text, encoding="utf-8")
    tab.look(width, 800)
    tab.open(folder / "index.html")


def names(tab: Page) -> Any:
    heads = "#head_to_head tbody:last-child tr:not(.heading) th"
    return tab.run(f"[...document.querySelectorAll('{heads}')].map((th) => th.textContent)")


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
    write = "const i = document.querySelector('#{}'); i.value = '{}'; i.dispatchEvent(new Event('input'))"
    tab.run(f"{{{write.format('head_to_head input', 'GDKD 5)')}}}")
    assert names(tab) == ["GDKD (k = 5)"]
    tab.run(f"{{{write.format('trials input', 'dkd diverged')}}}")
    shown = tab.run("[...document.querySelectorAll('#trials tbody th')].map((th) => th.textContent)")
    assert shown == ["DKD", "GDKD (tuned)"]
    assert tab.run("document.querySelector('#trials [role=status]').textContent") == "2 trials of 48"


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
    assert "seed 2" in text and "weight=0.9" in text and "c0ffee" in text and "61 s" in text and "FINISHED" in text
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
    """4.5 for text, 3 for what is drawn: WCAG 2.1, 1.4.3 and 1.4.11."""
    opened(tab, with_curves(whole), tmp_path)
    tab.look(1280, 800, scheme)
    back = tab.run("getComputedStyle(document.body).backgroundColor")
    for of, ratio in (("body", 4.5), (".muted", 4.5), (".why", 4.5), ("nav a", 4.5), ("caption", 4.5)):
        assert contrast(tab.run(f"getComputedStyle(document.querySelector('{of}')).color"), back) >= ratio, of


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


MANY = 10_000


def many(results: reports.Results) -> reports.Results:
    """Ten thousand trials of forty epochs, most of them of searches."""
    line = dict.fromkeys(TRIAL_COLUMNS) | results.trials.iloc[0].to_dict()
    lines, params, curves = [], {}, {}
    for i in range(MANY):
        searched, label = i >= MANY // 5, f"row {i % 40}"
        key = f"{i:064x}"
        place = {"row": label, "entry": label, "trial_key": key, "run_id": f"{i:032x}", "seed": i // 40}
        phase = {"phase": "search" if searched else "fixed", "final_top1": None if searched else 60 + i % 7}
        lines.append(
            {**line, **place, **phase, "final_val_top1": 50 + i % 11 if searched else None, "train_seconds": i}
        )
        params[key] = {"method.k": str(i % 99), "method.w2": repr(1 + i / 777), "recipe.epochs": "240"}
        curves[f"{i:032x}"] = {"test_top1": [(e, 60 + (i * e) % 977 / 100) for e in range(1, 41)]}
    trials = pd.DataFrame(lines).astype(results.trials.dtypes.to_dict())
    resolved = {**results.resolved, "rows": [row(f"row {i}") for i in range(40)]}
    details = lambda run_ids: {r: RunDetails(r, 0, 1000, {COMMIT: "c" * 40, "device": "H100"}) for r in run_ids}  # noqa: E731
    return reports.Results("many", results.members, trials, resolved, params, lambda *_: curves, None, details)


def test_ten_thousand_trials(tab: Page, results_of: Loader, tmp_path: Path) -> None:
    results = many(results_of(FakeSweep("one", seeds("kd", (60.0,)), [row("kd")])))
    report = Report(results)
    found = report.shown
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
    assert tab.run("document.querySelector('#trials [role=status]').textContent") == "10,000 trials"
