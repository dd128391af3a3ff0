"""Who runs what when: planner, ledger, drivers, searches, tracking.

    result = orchestrator.run(["sweep.yaml"], home=Path("kdsweep_home"), screen=orchestrator.fitting_screen())
    print(orchestrator.status("my-sweep", Path("kdsweep_home")).to_text())

The functions here are what the commands of the same names call. Everything is imported when it is first asked for:
the engines take seconds.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.diagnosis import Finding, doctor
    from orchestrator.display import Screen, fitting_screen
    from orchestrator.home import home_folder
    from orchestrator.left_behind import told_in_plan
    from orchestrator.picture_checks import PicturesError, check_pictures
    from orchestrator.repeating import Repetition, repeat
    from orchestrator.running import RunResult, run
    from orchestrator.standing import SweepStatus, list_text, status, sweeps
    from orchestrator.stored_logits import BankOnDisk, banks, banks_text, clear, size_text, to_clear
    from orchestrator.syncing import SyncResult, sync
    from orchestrator.viewers import viewer_lines

__all__ = [
    "BankOnDisk",
    "Finding",
    "PicturesError",
    "Repetition",
    "RunResult",
    "Screen",
    "SweepStatus",
    "SyncResult",
    "banks",
    "banks_text",
    "check_pictures",
    "clear",
    "doctor",
    "fitting_screen",
    "home_folder",
    "list_text",
    "repeat",
    "run",
    "size_text",
    "status",
    "sweeps",
    "sync",
    "to_clear",
    "told_in_plan",
    "viewer_lines",
]

_PLACES = {
    "stored_logits": ("BankOnDisk", "banks", "banks_text", "clear", "size_text", "to_clear"),
    "display": ("Screen", "fitting_screen"),
    "diagnosis": ("Finding", "doctor"),
    "home": ("home_folder",),
    "left_behind": ("told_in_plan",),
    "picture_checks": ("PicturesError", "check_pictures"),
    "repeating": ("Repetition", "repeat"),
    "running": ("RunResult", "run"),
    "standing": ("SweepStatus", "list_text", "status", "sweeps"),
    "syncing": ("SyncResult", "sync"),
    "viewers": ("viewer_lines",),
}
_HOMES = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'orchestrator' has no attribute '{name}'")
    return getattr(importlib.import_module(f"orchestrator.{_HOMES[name]}"), name)
