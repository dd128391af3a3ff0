"""What is said when a run begins."""

from pathlib import Path

import orchestrator
from orchestrator.display import Nothing
from tests.trainers.layouts import write_imagefolder

SWEEP = """\
name: few
datasets: {imagefolder: {root: pictures, size: 16, views: 1}}
pairs: tinycnn -> tinycnn
recipe: {base: quick, epochs: 1, batch_size: 8}
methods: {gdkd: }
seeds: 1
"""


class Listening(Nothing):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str, *, command: bool = False) -> None:
        self.lines.append(line)


def test_a_run_says_what_was_fitted_and_trains(tmp_path: Path) -> None:
    write_imagefolder(tmp_path / "pictures", classes=2, per_class=6, size=16)
    (tmp_path / "few.yaml").write_text(SWEEP)
    screen = Listening()
    result = orchestrator.run([tmp_path / "few.yaml"], home=tmp_path / "home", workers=0, screen=screen)
    assert result.exit_code == 0
    assert "note: imagefolder has 2 classes: gdkd takes k = 1, the default is 5" in screen.lines
