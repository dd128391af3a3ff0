"""Who runs what when: planner, ledger, drivers, searches, tracking.

    result = orchestrator.run(["sweep.yaml"], home=Path("kdsweep_home"), screen=orchestrator.fitting_screen())
    print(orchestrator.status("my-sweep", Path("kdsweep_home")).to_text())

The functions here are what the commands of the same names call. Everything is imported when it is first asked for:
the engines take seconds.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.acceptance.left_behind import told_in_plan
    from orchestrator.acceptance.picture_checks import PicturesError, check_pictures
    from orchestrator.commands.banks import BankOnDisk, banks, banks_text, clear, to_clear
    from orchestrator.commands.course.course import RunResult
    from orchestrator.commands.doctor import Finding, doctor
    from orchestrator.commands.plan import PlanHere, plan_here
    from orchestrator.commands.repeat import Repetition, repeat
    from orchestrator.commands.run import run
    from orchestrator.commands.status import SweepStatus, list_text, status, sweeps
    from orchestrator.commands.sync import SyncResult, sync
    from orchestrator.commands.viewers import viewer_lines
    from orchestrator.display import Screen, fitting_screen
    from orchestrator.home.home import home_folder

__all__ = [
    "BankOnDisk",
    "Finding",
    "PicturesError",
    "PlanHere",
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
    "plan_here",
    "repeat",
    "run",
    "status",
    "sweeps",
    "sync",
    "to_clear",
    "told_in_plan",
    "viewer_lines",
]

_PLACES = {
    "commands.banks": ("BankOnDisk", "banks", "banks_text", "clear", "to_clear"),
    "display": ("Screen", "fitting_screen"),
    "commands.doctor": ("Finding", "doctor"),
    "home.home": ("home_folder",),
    "acceptance.left_behind": ("told_in_plan",),
    "acceptance.picture_checks": ("PicturesError", "check_pictures"),
    "commands.plan": ("PlanHere", "plan_here"),
    "commands.repeat": ("Repetition", "repeat"),
    "commands.run": ("run",),
    "commands.course.course": ("RunResult",),
    "commands.status": ("SweepStatus", "list_text", "status", "sweeps"),
    "commands.sync": ("SyncResult", "sync"),
    "commands.viewers": ("viewer_lines",),
}
_HOMES = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'orchestrator' has no attribute '{name}'")
    return getattr(importlib.import_module(f"orchestrator.{_HOMES[name]}"), name)
