"""Names of files as people write them."""

from pathlib import Path

import pytest

from trainers.files.paths import expanded


def test_what_stands_for_something_is_replaced_and_all_else_stays(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("DATA", "~/data")
    monkeypatch.delenv("NOT_THERE", raising=False)
    written = {
        "~/x.yaml": "/home/me/x.yaml",
        "$DATA/x": "/home/me/data/x",
        "~nosuchuser/x.yaml": "~nosuchuser/x.yaml",
        "~flowers.yaml": "~flowers.yaml",
        "${NOT_THERE}/x": "${NOT_THERE}/x",
        "plain/x": "plain/x",
    }
    assert {text: expanded(text) for text in written} == {text: Path(path) for text, path in written.items()}
