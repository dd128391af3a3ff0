"""A first sweep file: what is proposed for data, and the commented text that says it."""

from search_spaces.init.first_file import (
    METHODS,
    Choices,
    checked_text,
    name_of,
    shipped_text,
    words_of,
    write_new,
)
from search_spaces.init.proposal import Proposal, propose

__all__ = [
    "METHODS",
    "Choices",
    "Proposal",
    "checked_text",
    "name_of",
    "propose",
    "shipped_text",
    "words_of",
    "write_new",
]
