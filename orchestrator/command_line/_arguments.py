"""What several commands are asked for, and what makes a value of a word or refuses it."""

import argparse
import math
import os
from pathlib import Path


def add_home(parser: argparse.ArgumentParser) -> None:
    """Add `--home`."""
    parser.add_argument(
        "--home", metavar="DIR", help="folder that holds everything (else KDSWEEP_HOME, else ./kdsweep_home)"
    )


def add_unused_home(parser: argparse.ArgumentParser) -> None:
    """Add `--home` where nothing is asked of it: a line that has it with every command works."""
    parser.add_argument("--home", help=argparse.SUPPRESS)


def add_storage(parser: argparse.ArgumentParser) -> None:
    """Add `--storage`."""
    parser.add_argument(
        "--storage",
        metavar="URL",
        help="of the Optuna storage that ended proposals are copied to (else KDSWEEP_STORAGE, else a file in the home)",
    )


def add_set(parser: argparse.ArgumentParser, text: str) -> None:
    """Add `--set`, which changes values of sweep files."""
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=text)


def add_json(parser: argparse.ArgumentParser, text: str = "as JSON") -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help=text)


def storage(options: argparse.Namespace) -> str | None:
    """Return the URL of the Optuna storage: from the environment it stands in no list of processes."""
    return options.storage or os.environ.get("KDSWEEP_STORAGE") or None


def count(text: str) -> int:
    """Return how many."""
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= 10_000:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 10000, got '{text}'")
    return number


def local(text: str) -> str:
    """Return the name of a file or folder: as one, a URL would be a folder `https:` here."""
    from trainers.files.paths import expanded
    from trainers.texts.words import is_url, shown

    if is_url(text):
        raise argparse.ArgumentTypeError(f"must be on this machine, got {shown(text)}")
    return str(expanded(text))


def new_file(text: str) -> str:
    """Return the name of a file that can be written, as far as its folder is there."""
    path = local(text)
    if not Path(path).parent.is_dir():
        raise argparse.ArgumentTypeError(f"must be in a folder that is there, got {path}")
    return path


def seconds(text: str) -> float:
    """Return a time to wait."""
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of seconds, 0 or more, got {text}")
    return number
