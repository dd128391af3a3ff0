"""What a person sees: lines that fit, one region in a terminal, plain lines elsewhere, and nothing that can raise."""

import dataclasses
import io
import threading
from pathlib import Path

import pytest

from orchestrator.display import Lines, Nothing, View, Watch, fitting_screen
from orchestrator.display import watch as watch_module
from orchestrator.display.notebook import Notebook
from orchestrator.display.progress import Counts, RowProgress, SweepProgress
from orchestrator.display.terminal import Terminal
from orchestrator.display.words import cut, duration, load, picture, summary
from orchestrator.ledger.ledger import Ledger
from tests.orchestrator.simulation import SWEEP, new_planner, sweep_of


def view(rows: int = 4, cells: int = 1, problems: tuple[str, ...] = (), sweeps: int = 1) -> View:
    lines = tuple(
        RowProgress(
            cell=f"cifar100: teacher{c} -> student{c}",
            row=f"method {r}",
            counts=Counts(total=5, done=r % 6, running=r == 2),
            best=70.0 + r,
            on_test=r % 2 == 0,
        )
        for c in range(cells)
        for r in range(rows)
    )
    counts = Counts(total=5 * rows, done=7, running=1, failed=2)
    known = {"counts": counts, "planned": counts.total, "rows": lines, "work_seconds": 300.0, "problems": problems}
    progress = SweepProgress(name="gdkd-k", state="RUNNING", **known)
    return View(sweeps=[progress] * sweeps, slots=2, busy=1, elapsed_seconds=65.0, left_seconds=150.0)


def test_a_small_sweep_is_shown_row_by_row():
    lines = picture(view(), 80, 24)
    assert lines[0] == "gdkd-k: 7 of 20 trials done, 1 running, 2 failed"
    assert lines[2].split() == ["method", "0", "0", "0", "0", "5", "70.0"]
    assert lines[5].split() == ["method", "3", "3", "0", "0", "5", "73.0", "(validation)"]
    assert lines[-1] == "1 of 2 slots in use, 1 min 5 s passed, about 2 min 30 s left"


def test_numbers_are_whole_and_rows_stand_below_their_pair():
    lines = picture(view(rows=4, cells=3), 79, 24)
    assert [line.strip() for line in lines if "->" in line] == [f"teacher{c} -> student{c}" for c in range(3)]
    (table,) = {line.index(" done") for line in lines if "best top-1" in line}
    assert [line.split()[-2:] for line in lines if line.endswith("(validation)")] == [
        ["71.0", "(validation)"],
        ["73.0", "(validation)"],
    ] * 3
    long = dataclasses.replace(view().sweeps[0].rows[1], row="a name " * 9)
    shown = View(
        sweeps=[dataclasses.replace(view().sweeps[0], rows=(long,))],
        slots=2,
        busy=1,
        elapsed_seconds=1.0,
        left_seconds=None,
    )
    for width in (79, 110):
        (line,) = [line for line in picture(shown, width, 24) if "a name" in line]
        assert line.split()[-6:] == ["1", "0", "0", "5", "71.0", "(validation)"] and len(line) <= width
    assert table > 0


def test_several_trials_of_one_worker_fill_one_slot():
    counts = Counts(total=9, running=3)
    sweep = dataclasses.replace(view().sweeps[0], counts=counts)
    shown = View(sweeps=[sweep], slots=2, busy=1, elapsed_seconds=1.0, left_seconds=None)
    assert picture(shown, 80, 24)[0].endswith("0 of 9 trials done, 3 running")
    assert load(shown) == "1 of 2 slots in use, 1 s passed"


def test_when_all_has_ended_nothing_is_left():
    over = dataclasses.replace(view().sweeps[0], counts=Counts(total=3, done=2, failed=1))
    shown = View(sweeps=[over], slots=2, busy=0, elapsed_seconds=9.0, left_seconds=0.0)
    assert load(shown) == "all has ended and is being told, 9 s passed"


@pytest.mark.parametrize("sweeps", [1, 2])
def test_a_run_that_was_stopped_leaves_its_last_counts(sweeps: int, monkeypatch):
    last = dataclasses.replace(view(rows=20, sweeps=sweeps, problems=("it broke",)), stopped=True)
    counts = "gdkd-k: 7 of 100 trials done, 91 left, 2 failed"
    out = io.StringIO()
    Lines(out).close(last)
    assert out.getvalue().splitlines() == [*[counts] * (sweeps - 1), f"{counts}; 1 min 5 s passed"]
    monkeypatch.setenv("TERM", "xterm")
    out = io.StringIO()
    screen = Terminal(out, 80, 24)
    screen.show(view(rows=20, sweeps=sweeps))
    screen.close(last)
    left = out.getvalue().splitlines()
    assert left[-sweeps:] == [*[counts] * (sweeps - 1), f"{counts}; 1 min 5 s passed"]
    assert "! it broke" in left


@pytest.mark.parametrize("rows", [1, 5, 40, 400])
@pytest.mark.parametrize("cells", [1, 3, 13])
@pytest.mark.parametrize("sweeps", [1, 2, 9])
@pytest.mark.parametrize("size", [(80, 24), (40, 8), (120, 50), (20, 3)])
def test_whatever_there_is_it_fits(rows, cells, sweeps, size):
    width, height = size
    shown = picture(view(rows, cells, ("a problem\nof two lines " + "x" * 200,) * 3, sweeps), width, height)
    assert len(shown) <= height
    assert all(len(line) <= max(width, 40) and "\n" not in line for line in shown)
    assert shown[-1] == cut(load(view(rows, cells, sweeps=sweeps)), max(width, 40))


def test_rows_without_room_are_counted():
    lines = picture(view(rows=40), 80, 12)
    assert any("other rows" in line for line in lines)
    assert not any("1 other rows" in line for rows in range(2, 12) for line in picture(view(rows=rows), 80, 9))
    assert any(line.split()[:2] == ["method", "2"] for line in lines)  # the one that runs


def test_one_of_a_thing_is_one():
    one = SweepProgress(
        name="one", state="RUNNING", counts=Counts(total=1, running=1), planned=1, rows=(), work_seconds=None
    )
    lines = picture(View(sweeps=[one], slots=1, busy=1, elapsed_seconds=1.0, left_seconds=None), 80, 24)
    assert (lines[0], lines[-1]) == ("one: 0 of 1 trial done, 1 running", "1 of 1 slot in use, 1 s passed")


@pytest.mark.parametrize(
    ("fall", "repeated", "reason"),
    [
        (2, 2, "2 fewer than planned: 2 of 8 proposals repeated earlier ones"),
        (1, 1, "1 fewer than planned: 1 of 8 proposals repeated an earlier one"),
        (2, 0, "2 fewer than planned: searches had no more settings, share theirs, or some failed or diverged in a"),
        (3, 1, "3 fewer than planned: 1 of 8 proposals repeated an earlier one; searches had no more settings, share"),
    ],
)
def test_it_is_said_why_there_are_fewer_trials_than_there_were_to_be(fall: int, repeated: int, reason: str):
    (sweep,) = view().sweeps
    fewer = dataclasses.replace(sweep, planned=sweep.counts.total + fall, proposals=8, repeated=repeated)
    shown = View(sweeps=[fewer, fewer], slots=2, busy=2, elapsed_seconds=65.0, left_seconds=None)
    assert any(line.startswith(f"  {reason}") for line in picture(shown, 160, 24))
    assert [reason in line for line in summary(shown)] == [True, True]
    assert not any("planned" in line for line in [*picture(view(), 80, 24), *summary(view())])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (1e5, "1 d 3 h"),
        (-5, "0 s"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_lines_are_summed_up_once_a_minute():
    out, now = io.StringIO(), [0.0]
    screen = Lines(out, clock=lambda: now[0])
    screen.ended("COMPLETE", trouble=False)
    for now[0] in (1.0, 59.0, 61.0, 62.0):
        screen.show(view())
    assert out.getvalue().splitlines() == [
        "COMPLETE",
        f"gdkd-k: 7 of 20 trials done, 1 running, 2 failed; {load(view())}",
    ]


class Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("make", [Lines, lambda out: Terminal(out, 80, 24)])
def test_a_reader_that_has_gone_stops_nothing(make):
    screen = make(Gone())
    screen.say("text")
    screen.ended("text", trouble=True)
    screen.show(view())
    screen.close()


def test_a_terminal_keeps_what_is_said_and_wipes_the_region(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = io.StringIO()
    out.isatty = lambda: True  # type: ignore[method-assign]
    screen = Terminal(out, 80, 24)
    screen.ended("COMPLETE fine", trouble=False)
    screen.ended("FAIL [bold]not markup[/bold]", trouble=True)
    screen.show(view())
    screen.show(view())
    screen.close()
    screen.say("the table")
    text = out.getvalue()
    assert "COMPLETE fine" not in text
    assert "FAIL [bold]not markup[/bold]" in text
    assert text.count("7 of 20 trials done") >= 2
    assert text.rstrip().endswith("the table")
    assert "\x1b[" in text  # the second picture is drawn over the first


def test_a_notebook_replaces_one_output(capsys):
    shown: list[tuple[str, dict[str, str]]] = []

    class Handle:
        def update(self, content: dict[str, str], raw: bool) -> None:
            shown.append(("update", content))

    def display(content: dict[str, str], raw: bool, display_id: bool) -> Handle:
        shown.append(("new", content))
        return Handle()

    screen = Notebook(display)
    screen.show(view(problems=("<script>",)))
    screen.show(view())
    screen.ended("FAIL", trouble=True)
    assert [kind for kind, _ in shown] == ["new", "update"]
    assert "&lt;script&gt;" in shown[0][1]["text/html"]
    assert capsys.readouterr().out == "FAIL\n"


def test_a_pipe_gets_lines(monkeypatch):
    assert isinstance(fitting_screen(io.StringIO()), Lines)


def test_the_watch_shows_the_ledger_from_a_thread_of_its_own(home: Path, tmp_path: Path):
    home.mkdir()
    sweep = sweep_of(SWEEP, tmp_path)
    new_planner(Ledger(home / "ledger.db"), sweep)
    seen = threading.Event()
    views: list[View] = []

    class Screen(Nothing):
        def show(self, view: View) -> None:
            views.append(view)
            seen.set()

    with Watch(Screen(), home / "ledger.db", [sweep]):
        assert seen.wait(30)
    assert views[0].sweeps[0].counts.total == 19


@pytest.mark.parametrize("stopped", [False, True])
def test_what_is_said_when_the_watch_ends(home: Path, tmp_path: Path, monkeypatch, stopped: bool):
    home.mkdir()
    sweep = sweep_of(SWEEP, tmp_path)
    new_planner(Ledger(home / "ledger.db"), sweep)
    (shown,) = view().sweeps
    fewer = dataclasses.replace(shown, planned=shown.counts.total + 2, proposals=8, repeated=2)
    monkeypatch.setattr(watch_module, "sweep_progress", lambda *_: fewer)
    out = io.StringIO()
    with Watch(Lines(out), home / "ledger.db", [sweep]) as watch:
        watch.stopped = stopped
    reason = "2 fewer than planned: 2 of 8 proposals repeated earlier ones"
    (line,) = out.getvalue().splitlines()
    if stopped:
        assert line.startswith(f"gdkd-k: 7 of 20 trials done, 11 left, 2 failed; {reason}; ")
    else:
        assert line == f"gdkd-k: {reason}"
