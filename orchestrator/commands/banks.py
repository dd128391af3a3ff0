"""`banks`: what stored logits of teachers there are, and clearing them. A bank that is gone is filled again."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestrator.home.home import HomeError, banks_folder, lock_holder
from trainers.errors import RequestError
from trainers.files.files import remove
from trainers.teachers.bank_rows import READ_AT_ONCE
from trainers.texts.counting import size_text


class UnknownBankError(RequestError):
    """There is no bank of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BankOnDisk:
    """The stored logits of one teacher, or what is left of such."""

    name: str
    network: str
    """timm's name of the teacher's; empty where the manifest cannot be read."""
    dataset: str
    view_set: str
    rows: int
    """Logits that there can be: images times views."""
    filled: int
    """Logits that are there."""
    disk_bytes: int
    damaged: bool
    """It was set aside: nobody reads it any more."""

    def to_json(self) -> dict[str, Any]:
        """Return the bank as plain JSON values."""
        return asdict(self)


def banks(home: Path | str) -> list[BankOnDisk]:
    """Return all banks of a home, by name."""
    folder = banks_folder(Path(home))
    found = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return [_read(path) for path in found]


def _read(path: Path) -> BankOnDisk:
    try:
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
        images, views, _ = manifest["shape"]
        named = {key: str(manifest[key]) for key in ("network", "dataset", "view_set")}
        rows = int(images) * int(views)
    except (OSError, ValueError, KeyError, TypeError):
        named, rows = {"network": "", "dataset": "", "view_set": ""}, 0
    disk = sum(file.stat().st_blocks * 512 for file in path.rglob("*") if file.is_file())
    return BankOnDisk(
        name=path.name,
        rows=rows,
        filled=_filled(path) if rows else 0,
        disk_bytes=disk,
        damaged=path.suffix == ".damaged",
        **named,
    )


def _filled(path: Path) -> int:
    import numpy as np

    found = 0
    try:
        with (path / "checks.bin").open("rb") as file:  # read, not mapped: a full disk under a map ends the process
            while len(some := np.fromfile(file, np.uint32, READ_AT_ONCE)):
                found += int(np.count_nonzero(some))
    except OSError:
        return 0
    return found


def to_clear(home: Path | str, names: Sequence[str]) -> list[BankOnDisk]:
    """Return the banks of these names, or all; a name may be its beginning.

    Raises:
        HomeError: a driver works in the home.
        UnknownBankError: a name is no bank's.
    """
    holder = lock_holder(Path(home))
    if holder is not None:
        raise HomeError(f"a driver works in {home}: {holder}; clear banks when it has ended")
    every = banks(home)
    chosen = []
    for name in names:
        found = [bank for bank in every if bank.name.startswith(name)]
        if not found:
            raise UnknownBankError(f"no bank begins with '{name}' (all: {', '.join(b.name for b in every) or 'none'})")
        chosen += found
    return list({bank.name: bank for bank in (chosen if names else every)}.values())


def clear(home: Path | str, chosen: Sequence[BankOnDisk]) -> int:
    """Remove banks; return the bytes that this has freed."""
    folder = banks_folder(Path(home))
    for bank in chosen:
        remove(folder / bank.name)
        for lock in folder.glob(f"{bank.name}*.lock"):
            remove(lock)
    return sum(bank.disk_bytes for bank in chosen)


def banks_text(found: Sequence[BankOnDisk]) -> str:
    """Return a line for each bank, for people."""
    return "\n".join(_lines(found)) if found else "no logits are stored"


def _lines(found: Sequence[BankOnDisk]) -> Iterator[str]:
    yield f"{'bank':<33} {'data set':<14} {'teacher':<28} {'views':<18} {'filled':>7} {'on disk':>9}"
    for bank in found:
        share = f"{100 * bank.filled / bank.rows:.1f} %" if bank.rows else "?"
        note = "  set aside" if bank.damaged else "" if bank.rows else "  not readable"
        yield (
            f"{bank.name[:32]:<33} {bank.dataset:<14} {bank.network:<28} {bank.view_set:<18} {share:>7} "
            f"{size_text(bank.disk_bytes):>9}{note}"
        )
    yield f"{size_text(sum(bank.disk_bytes for bank in found))} in all"
