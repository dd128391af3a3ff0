"""Counts in words."""

import pytest

from trainers.texts.counting import counted


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 epochs"), (1, "1 epoch"), (2, "2 epochs"), (1.0, "1 epoch"), (0.5, "0.5 epochs"), (1000, "1000 epochs")],
)
def test_one_is_one(count, words):
    assert counted(count, "epoch") == words


def test_nouns_with_a_plural_of_their_own():
    assert [counted(count, "search", "searches") for count in (1, 2)] == ["1 search", "2 searches"]
