"""What a node says of itself when it is looked at, and why that keeps it from working for a home."""

import functools
import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray

from orchestrator.ray_tune.nodes.wanted import Wanted

PACKAGES = ("orchestrator", "reports", "search_spaces", "trainers")


def looker() -> Callable[..., dict[str, Any]]:
    def look(
        marker: str, folders: list[str], shared: str | None, names: list[str], copies: str, alive: list[str]
    ) -> dict[str, Any]:
        """Runs on a node; travels whole, so that it can say that this package is missing there."""
        import os
        import time
        from pathlib import Path

        try:
            from orchestrator.ray_tune.nodes.keeper import clear_copies
            from orchestrator.ray_tune.nodes.looking import versions
        except ImportError as error:
            return {"error": str(error)}
        for _ in range(10):  # a network's file system may show what is new after a while
            if Path(marker).exists():
                break
            time.sleep(0.3)
        clear_copies(copies, alive)
        own = os.environ.get("KDSWEEP_DATA") or shared
        wanted = folders + ([str(Path(own) / name) for name in names] if own else [])
        missing = [folder for folder in wanted if not Path(folder).exists()]
        return {"versions": versions(), "home": Path(marker).exists(), "missing": missing}

    return look


def own_code() -> list[Path]:
    """Return the folders of this package's rooms, wherever each of them was loaded from."""
    specs = (importlib.util.find_spec(package) for package in PACKAGES)
    return [Path(spec.origin).parent for spec in specs if spec is not None and spec.origin is not None]


@functools.cache
def versions() -> dict[str, str]:
    """Return what must be the same on every node: rounding and orders depend on it."""
    files = [path for folder in own_code() for path in sorted(folder.rglob("*.py"))]
    code = hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()
    return {"kdsweep": code[:12], "torch": importlib.metadata.version("torch")}


def reason_of(wanted: Wanted, answer: Any) -> tuple[str, bool]:
    """Return why a node cannot work for the home, empty where it can, and whether it sees it."""
    try:
        found = ray.get(answer)
    except ray.exceptions.RayError as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[-1]
        return f"nothing can be run on it: {why}", False
    if "error" in found:
        return f"kdsweep cannot be loaded there, or is an older one: {found['error']}", False
    there, here = found["versions"], versions()
    allowed = {"torch"} if wanted.mixed else set()
    others = [
        f"{name} {there.get(name)}, here {own}"
        for name, own in here.items()
        if there.get(name) != own and name not in allowed
    ]
    reasons = [f"it has other versions: {'; '.join(others)}"] if others else []
    if found["missing"]:
        reasons.append(f"it has no data in {', '.join(found['missing'])}")
    return "; ".join(reasons), found["home"]
