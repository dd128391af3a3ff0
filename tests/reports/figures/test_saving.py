"""Files of figures: sizes, fonts, no times in them, the same bytes whatever the user has set."""

import html
import re
import struct
from pathlib import Path

import pytest

import reports
from reports.figures.kinds.over_values import Figure, figures


@pytest.fixture(scope="module")
def figure(whole: reports.Results) -> Figure:
    (one,) = figures(reports.table(whole))
    return one


def test_the_three_kinds(figure: Figure, tmp_path: Path) -> None:
    pdf, png, svg = (reports.draw(figure, tmp_path / f"a.{kind}").read_bytes() for kind in ("pdf", "png", "svg"))
    assert b"/FontFile2" in pdf  # TrueType, embedded
    assert b"/Type3" not in pdf
    assert b"/MediaBox [ 0 0 252 172.8 ]" in pdf  # 3.5 in by 2.4 in, in points
    assert b"CreationDate" not in pdf
    assert b"matplotlib" not in pdf.lower()
    assert b"tEXt" not in png
    assert struct.unpack(">II", png[16:24]) == (1050, 720)
    assert b'width="252pt" height="172.8pt"' in svg
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
    svg = reports.draw(figure, tmp_path / "a.svg").read_text()
    (title,) = re.findall(r"<g><title>([^<]*)</title>", svg)
    assert html.unescape(title).splitlines()[:3] == ["GDKD", "1: 66.20 ± 0.40", "5: 66.73 ± 0.21"]
    assert "title:" not in svg


def test_at_another_width(figure: Figure, tmp_path: Path) -> None:
    png = reports.draw(figure, tmp_path / "a.PNG", width=7.16).read_bytes()
    assert struct.unpack(">II", png[16:24]) == (2148, 720)


def test_another_ending_is_refused_and_nothing_is_written(figure: Figure, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"pdf, png or svg, got 'a\.jpg'"):
        reports.draw(figure, tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []
