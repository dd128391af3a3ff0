"""The command itself in a terminal of 80 columns and 24 lines, stopped by Ctrl-C."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import run_sweep

COLUMNS, LINES = 80, 24
SWEEP = """
name: two-pairs-of-small-networks
dataset: digits100
pairs: [tinyresnet -> tinycnn, resnet8 -> tinycnn]
recipe: {base: quick, epochs: 30}
methods:
  ce:
  gdkd (tuned with a name that is long): {method: gdkd, k: {low: 1, high: 4}}
search: {trials: 4, parallel: 2}
seeds: 2
resources: {cpus: 1, together: 3}
"""
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def test_lines_fit_and_the_last_counts_stay(tmp_path: Path):
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    command = [sys.executable, run_sweep.__file__, "run", "sweep.yaml", "--workers", "0", "--home", "home"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    )
    os.close(theirs)
    text = _read(ours, process)
    assert process.wait() == 130
    assert "\x1b[?25l" not in text  # a cursor that is hidden stays so where the process is killed
    shown = ESCAPE.sub("", text).replace("^C", "")
    lines = [line for line in re.split(r"[\r\n]+", shown) if line]
    commands = lines.index("report of what there is:") if "report of what there is:" in lines else len(lines)
    assert all(len(line) <= COLUMNS or " " not in line.strip() for line in lines[:commands]), lines
    assert "1 worker, up to 3 trials at a time" in lines
    assert any(line.endswith("trials done, 2 running") for line in lines)  # the teachers, in step
    assert any(line.startswith("1 of 1 slot in use, ") for line in lines)
    (last,) = [number for number, line in enumerate(lines) if " left; " in line and line.endswith(" passed")]
    assert re.match(r"two-pairs-of-small-networks: 0 of \d+ trials done, \d+ left; \d+ s passed$", lines[last])
    assert any(line.strip().startswith("gdkd (tuned with ") for line in lines[:last])
    assert any("sqlite:///home/mlflow.db" in line for line in lines[last:])
    assert len(lines) - last < LINES - 2, "the counts have left the screen"


def _read(terminal: int, process: subprocess.Popen[bytes]) -> str:
    """Return all that is written; Ctrl-C is sent once something runs."""
    text, asked = "", False
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            return text
        if not piece:
            return text
        text += piece.decode(errors="replace")
        if not asked and "trials done, 2 running" in text:
            asked = True
            process.send_signal(signal.SIGINT)
