"""The pages have what the code says: each equals what `make docs` makes of it, and its links lead somewhere."""

import importlib.util
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(path.name for path in DOCS.glob("*.md"))

_spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
assert _spec is not None and _spec.loader is not None
generate = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(generate)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_what_the_code_makes_of_it(page: str) -> None:
    text = (DOCS / page).read_text()
    assert generate.with_blocks(text) == text, "run make docs"


def test_the_notebook_is_what_the_tutorial_makes_of_it() -> None:
    made = generate.notebook((DOCS / "tutorial.md").read_text())
    assert (DOCS / "tutorial.ipynb").read_text() == made, "run make docs"


@pytest.mark.parametrize("page", [*PAGES, "../README.md"])
def test_links_lead_to_headings_that_are_there(page: str) -> None:
    text = (DOCS / page).read_text()
    for target, heading in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", text):
        found = (DOCS / page).parent / target if target else DOCS / page
        assert found.exists(), target
        assert not heading or heading in anchors(found.read_text()), f"{target}#{heading}"


def anchors(text: str) -> set[str]:
    """Return the names that headings have in links."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES)
def test_no_page_names_a_folder_of_some_machine(page: str) -> None:
    assert not re.search(r"(?<![\w.])/(home|root|work|tmp|Users)/", (DOCS / page).read_text())


def test_every_command_has_a_section() -> None:
    made = set(re.findall(r"<!-- generated: command ([\w ]+?) -->", (DOCS / "commands.md").read_text()))
    assert made == set(generate.commands())
