"""The file itself: whole, escaped, with nothing that could run or be fetched but its own script and style."""

import base64
import dataclasses
import hashlib
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import reports
from reports.figures import Figure
from reports.formats.text import content
from reports.page.data import data
from reports.page.page import embedded, render
from reports.page.svg import inline
from reports.report import Report
from reports.results.loading import pages_at
from reports.results.sweep import Cell
from reports.tables.table import Missing
from tests.reports.conftest import Loader
from tests.reports.fake_sweep import NASTY, FakeSweep, published_sweep, row, seeds
from tests.reports.page.many import many
from tests.reports.plain import plain_results

WICKED = "</script><script>alert(1)</script><!-- & {{script}} {{data}} \u2028 é 中"


class Parsed(HTMLParser):
    """Elements in their order with attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), []))
        self._open = True

    def handle_endtag(self, tag: str) -> None:
        self._open = False

    def handle_data(self, data: str) -> None:
        if self.found and self._open:
            self.found[-1][2].append(data)

    def all(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attributes, "".join(texts)) for name, attributes, texts in self.found if name == tag]


@pytest.fixture(scope="module")
def text(nasty: reports.Results, tmp_path_factory: pytest.TempPathFactory) -> str:
    return page_of(nasty, tmp_path_factory.mktemp("page"))


def page_of(results: reports.Results, folder: Path) -> str:
    Report(results).write(folder)
    return (folder / "index.html").read_text(encoding="utf-8")


def test_only_the_pages_own_script_and_style_are_allowed(text: str) -> None:
    parsed = Parsed(text)
    (policy,) = (a["content"] for a, _ in parsed.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == rules["object-src"] == "'none'"
    ((_, style),) = parsed.all("style")
    (_, script) = next(one for one in parsed.all("script") if not one[0])
    for rule, own in (("script-src", script), ("style-src", style)):
        digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert "unsafe" not in policy


def test_nothing_is_fetched_from_anywhere(text: str) -> None:
    parsed = Parsed(text)
    assert not parsed.all("link") and not parsed.all("img") and not parsed.all("iframe")
    for _, attributes, _ in parsed.found:
        assert not {"src", "srcset", "style", "onclick", "onload"} & attributes.keys()
    ((_, style),) = parsed.all("style")
    assert "url(" not in style and "@import" not in style
    addresses = set(re.findall(r"https?://[^\s\"'`]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # the name of a kind of element


def test_names_cannot_become_markup(text: str) -> None:
    parsed = Parsed(text)
    assert [attributes for attributes, _ in parsed.all("script")] == [{"type": "application/json", "id": "data"}, {}]
    (_, inside), _ = parsed.all("script")
    assert not set("<>&") & set(inside)
    assert NASTY in shown(parsed)["trials"]["row"]["values"]
    assert NASTY in [text for _, text in parsed.all("th")]
    assert any(text.startswith("50 % of_it & <b>more</b>.") for _, text in parsed.all("p"))
    assert not parsed.all("b")


def shown(parsed: Parsed) -> dict[str, Any]:
    (_, inside), _ = parsed.all("script")
    return dict(json.loads(inside))


def test_every_table_of_the_report_is_a_section_with_all_its_cells(nasty: reports.Results, text: str) -> None:
    made = Report(nasty).tables
    found = sections(text)
    assert list(found) == [table.name for table in made] and len(made) > 6
    for table in made:
        lines = found[table.name]
        assert lines.keys() == {"", *(str(place) for place in range(len(table.rows)))}
        assert [head.startswith(column.head) for head, column in zip(lines[""], table.columns, strict=True)]
        for place, line in enumerate(table.rows):
            for cell, printed in zip(line.cells, lines[str(place)], strict=True):
                assert printed.removeprefix("– " * isinstance(cell, Missing)).startswith(content(cell))


def sections(text: str) -> dict[str, dict[str, list[str]]]:
    """The texts of the tables' cells by the section's id, then by the row's place; the heads' place is empty."""
    found = {}
    for name, section in re.findall(r'<section id="([^"]*)" class="table".*?>(.*?)</section>', text, re.DOTALL):
        lines = re.findall(r'<tr(?: data-row="(\d+)")?>(.*?)</tr>', section, re.DOTALL)
        cells = {place: re.findall(r"<t[hd].*?>(.*?)</t[hd]>", line, re.DOTALL) for place, line in lines}
        texts = {place: [html.unescape(re.sub(r"<[^>]*>", "", cell)) for cell in line] for place, line in cells.items()}
        found[name] = texts
    return found


def test_what_is_copied_is_what_the_files_have(nasty: reports.Results, tmp_path: Path) -> None:
    copied = shown(Parsed(page_of(nasty, tmp_path)))["copies"]
    assert list(copied) == [table.name for table in Report(nasty).tables]
    for name, texts in copied.items():
        assert texts["LaTeX"] == (tmp_path / "tables" / f"{name}.tex").read_text(encoding="utf-8")
    assert copied["head_to_head"]["CSV"] == (tmp_path / "table.csv").read_text(encoding="utf-8")
    document = "".join((tmp_path / file).read_text(encoding="utf-8") for file in ("table.md", "ablations.md"))
    for texts in copied.values():
        assert texts["Markdown"].strip() in document


def test_tables_against_others_are_in_the_page(results_of: Loader, tmp_path: Path) -> None:
    """Published figures, and another sweep; two tables of one name are two sections."""
    results = results_of(published_sweep())
    report = Report(results, reports.compare(results), reports.compare_sweeps(results, results))
    names = [path.name for path in report.write(tmp_path)]
    assert {"against.md", "against.csv", "compare.tex"} <= set(names)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    named = {table.name for table in report.tables}
    assert {"head_to_head", "statistics", "against-1", "compare-1"} <= named <= set(sections(text))
    asked = {"report": {"tables": ["best_epoch", "against"]}}
    chosen = dataclasses.replace(results, resolved={**results.resolved, **asked})
    both = Report(chosen, reports.compare(chosen), reports.compare_sweeps(chosen, chosen))
    assert [table.name for table in both.tables] == ["best_epoch", "against-1"]
    titles = [title for _, title in Parsed(text).all("h2")]
    assert any(title.startswith("Beside published figures: CIFAR-100") for title in titles)
    assert any(title.startswith("Beside published: CIFAR-100") for title in titles)  # the other sweep's name
    table = report.tables[0]
    assert list(sections(render(results, report.board, [table, table]))) == [table.name, f"{table.name}-2"]


def test_rows_are_known_by_their_place(results_of: Loader) -> None:
    """Two that look alike in everything are two rows, and two choices."""
    trials = [*seeds("first", (60.0, 61.0)), *seeds("second", (60.0, 61.0))]
    rows, names = [row("first"), row("second")], {"first": "same", "second": "same"}
    report = Report(results_of(FakeSweep("alike", trials, rows, report={"names": names})))
    main = render(report.results, report.board, report.tables[:1]).partition('<section id="trials"')[0]
    places = [str(place) for place in range(len(report.tables[0].rows))]
    assert sorted(re.findall(r'<tr data-row="(\d+)"', main)) == places
    assert re.findall(r'<option value="(\d+)">same<', main) == places[-2:] * 3  # difference, compare, with


def test_where_mlflow_shows_a_run() -> None:
    assert pages_at("https://me:secret@mlflow.example/prefix/") == "https://mlflow.example/prefix"
    assert pages_at("sqlite:////home/mlflow.db") == pages_at("postgresql://me:secret@host/db") == ""


def test_ten_thousand_trials_fit_into_ten_megabytes() -> None:
    results = many(plain_results(FakeSweep("one", seeds("kd", (60.0,)), [row("kd")])), 1000)
    assert 10 * len(embedded(data(results, reports.table(results))).encode()) <= 8_000_000  # beside tables and figures


def test_wicked_names(nasty: reports.Results) -> None:
    pair = Cell("x", "", "", "s", shown_student=WICKED)
    drawn = Figure(name="stem", caption=WICKED, data=None, drawn_by=lambda *_: None, cell=pair)
    svg = '<svg width="1"><g id="a" style="fill: none"/></svg>'
    board = dataclasses.replace(reports.table(nasty), name=WICKED)
    parsed = Parsed(render(nasty, board, [], [(drawn, svg)]))
    assert len(parsed.all("script")) == 2
    assert parsed.all("title")[0][1] == f"{WICKED} – report"
    assert parsed.all("svg")[0][0]["aria-label"] == WICKED
    assert json.loads(embedded({WICKED: [WICKED]})) == {WICKED: [WICKED]} and not set("<>&") & set(
        embedded({"a": WICKED})
    )
    with pytest.raises(ValueError):
        embedded({"score": float("nan")})


def test_a_figure_brings_no_style_and_no_id_of_another() -> None:
    head = '<?xml version="1.0"?><!DOCTYPE svg><svg width="9"><metadata>x</metadata><defs><style>*{a: b}</style></defs>'
    group = '<g id="axes_1" clip-path="url(#p1)"><use style="fill: #fff; stroke: none" xlink:href="#m"/></g></svg>'
    svg = head + group
    assert inline(svg, "cost", "T") == (
        '<svg stroke-linejoin="round" stroke-linecap="butt" role="img" aria-label="T" width="9">'
        '<g id="cost-axes_1" clip-path="url(#cost-p1)"><use fill="#fff" stroke="none" href="#cost-m"/></g></svg>'
    )


def test_the_same_results_give_the_same_page(nasty: reports.Results, text: str, tmp_path: Path) -> None:
    assert page_of(nasty, tmp_path) == text
    assert not re.search(r"\b20[2-9]\d-\d\d-\d\d", text)  # no day of writing


def test_the_page_has_what_every_page_needs(text: str) -> None:
    parsed = Parsed(text)
    assert text.startswith("<!doctype html>")
    assert parsed.all("html")[0][0] == {"lang": "en"}
    assert any(attributes.get("name") == "viewport" for attributes, _ in parsed.all("meta"))
    assert parsed.all("noscript")
