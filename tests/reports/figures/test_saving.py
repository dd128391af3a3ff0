"""Files of figures: sizes, fonts, no times in them, the same bytes whatever the user has set."""

import html
import re
import struct
from pathlib import Path

import pytest
from matplotlib.figure import Figure as Canvas

import reports
from reports.figures import Figure, build, style
from tests.reports.figures.test_folder import every_kind
from tests.reports.plain import plain_results


@pytest.fixture(scope="module")
def figure(whole: reports.Results) -> Figure:
    return build(whole, reports.table(whole))[0][0]


def test_the_three_kinds(figure: Figure, tmp_path: Path) -> None:
    pdf, png, svg = (reports.draw(figure, tmp_path / f"a.{kind}").read_bytes() for kind in ("pdf", "png", "svg"))
    assert b"/FontFile2" in pdf  # TrueType, embedded
    assert b"/Type3" not in pdf
    assert b"/MediaBox [ 0 0 250.56 172.8 ]" in pdf  # 3.48 in by 2.4 in, in points
    assert b"CreationDate" not in pdf
    assert b"matplotlib" not in pdf.lower()
    assert b"tEXt" not in png
    assert struct.unpack(">II", png[16:24]) == (1044, 720)
    assert b'width="250.56pt" height="172.8pt"' in svg
    assert b"date" not in svg.lower()
    assert b"http://matplotlib" not in svg.lower()
    assert b"<text" not in svg  # letters are outlines: no reader needs the font


def test_the_users_matplotlib_settings_have_no_say(figure: Figure, tmp_path: Path) -> None:
    import matplotlib as mpl

    first = reports.draw(figure, tmp_path / "a.svg")
    with mpl.rc_context({"font.size": 20, "lines.linewidth": 9, "svg.hashsalt": None}):
        second = reports.draw(figure, tmp_path / "b.svg")
        assert mpl.rcParams["font.size"] == 20
    assert first.read_bytes() == second.read_bytes()


def test_marks_of_an_svg_say_what_they_are(figure: Figure, tmp_path: Path) -> None:
    """The line, each dot of it, and the rows beside it: with the row, the pair and the value."""
    svg = reports.draw(figure, tmp_path / "a.svg").read_text()
    of_dots = [html.unescape(title) for title in re.findall(r"<use [^>]*><title>([^<]*)</title></use>", svg)]
    where = "GDKD, Digits-100: TinyResNet → TinyCNN, k"
    assert of_dots[:2] == [f"{where} = 1, seed 0: 66.20", f"{where} = 1, seed 1: 66.60"] and len(of_dots) == 12
    of_lines = [html.unescape(title) for title in re.findall(r"<g><title>([^<]*)</title>", svg)]
    assert of_lines[1].splitlines()[:2] == [f"{where} = 1: 66.20 ± 0.40", f"{where} = 5: 66.73 ± 0.21"]
    assert of_lines[3] == "CE, Digits-100: TinyResNet → TinyCNN: 55.40"
    assert "title:" not in svg and "␟" not in svg


def test_every_mark_of_every_kind_says_what_it_is() -> None:
    """Lines, bands, dots, bars and tiles; not what only scales them: colour bars, and the ruler of ranks."""
    results = plain_results(every_kind(), {n: [(e, 10.0 * e + n) for e in range(1, 5)] for n in range(2)})
    for one in build(results, reports.table(results))[0]:
        canvas = Canvas()
        one.draw(canvas)
        panels = [axes for axes in canvas.axes if axes.get_label() != "<colorbar>"]
        silent = [
            artist
            for axes in panels
            for artist in (*axes.lines, *axes.collections)
            if not str(artist.get_gid()).startswith(style.TITLE)
        ]
        assert len(silent) == (7 if one.name == "ranks" else 0), (one.name, silent)


def test_at_another_width(figure: Figure, tmp_path: Path) -> None:
    png = reports.draw(figure, tmp_path / "a.PNG", width=7.13).read_bytes()
    assert struct.unpack(">II", png[16:24]) == (2139, 720)


def test_another_ending_is_refused_and_nothing_is_written(figure: Figure, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"pdf, png or svg, got 'a\.jpg'"):
        reports.draw(figure, tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []
