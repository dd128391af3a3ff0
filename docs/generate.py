"""Writes into the pages what they take from the code: options, keys, recipes, methods, columns. `make docs` runs it.

What stands between `<!-- generated: NAME -->` and `<!-- end -->` in a page is made here; all else is written by hand.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
BLOCK = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_blocks(page: str) -> str:
    """Return the text of a page with its generated blocks made anew."""
    return BLOCK.sub(lambda found: f"{found[1]}{_block(*found[2].split())}\n{found[3]}", page)


def _block(kind: str, *of: str) -> str:
    return KINDS[kind](*of)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [
        heads,
        ["---"] * len(heads),
        *([" ".join(cell.split()).replace("|", r"\|") for cell in row] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def commands() -> dict[str, argparse.ArgumentParser]:
    """Return what reads the arguments of each command."""
    import run_sweep

    (found,) = (one for one in run_sweep.command_line()._actions if isinstance(one, argparse._SubParsersAction))
    return dict(found.choices)


def command(name: str) -> str:
    """Return what a command does, how it is called, and its options; `--home` and `--help` are those of all."""
    parser = commands()[name]
    actions = [
        one
        for one in parser._actions
        if one.help != argparse.SUPPRESS and not {"--help", "--home"} & {*one.option_strings}
    ]
    usage = " ".join(["python run_sweep.py", name, *(_usage(one) for one in actions)])
    rows = [(f"`{one.option_strings[0] if one.option_strings else one.metavar}`", one.help or "") for one in actions]
    listed = "\n\n" + table(("argument", "what it is"), rows) if rows else ""
    return f"    {usage}\n\n{parser.description}{listed}"


def _usage(action: argparse.Action) -> str:
    if not action.option_strings:
        return {"+": "{}...", "*": "[{}]...", "?": "[{}]"}.get(str(action.nargs), "{}").format(action.metavar)
    value = action.metavar or "|".join(action.choices or ())
    more = "..." if isinstance(action, argparse._AppendAction) else ""
    return f"[{' '.join(filter(None, (action.option_strings[0], str(value))))}]{more}"


KINDS: dict[str, Callable[..., str]] = {"command": command}


def main() -> None:
    """Write every page whose generated blocks have changed."""
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        if (made := with_blocks(text)) != text:
            path.write_text(made, encoding="utf-8")
            print(f"written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
