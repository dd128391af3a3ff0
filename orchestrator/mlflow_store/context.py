"""MLflow's own tags for who runs what from where; a client's runs get none by themselves."""

import functools
import subprocess
from pathlib import Path
from typing import Any

from trainers.texts.letters import fitting


@functools.cache
def context_tags() -> dict[str, str]:
    """Return the tags of this process."""
    from mlflow.tracking.context.registry import resolve_tags

    tags: dict[str, Any] = resolve_tags()
    return {name: fitting(str(value)) for name, value in tags.items()} | _checkout()


def _checkout() -> dict[str, str]:
    """Return commit, branch and whether there are changes of the checkout that this code runs from; nothing where it
    runs from none. MLflow looks where the main script lies, which is elsewhere for an installed command."""
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return {}
    return {
        "mlflow.source.git.commit": commit,
        "mlflow.source.git.branch": _git("rev-parse", "--abbrev-ref", "HEAD"),
        "mlflow.source.git.dirty": str(bool(_git("status", "--porcelain"))),
    }


def _git(*arguments: str) -> str:
    folder = Path(__file__).resolve().parent
    try:
        answer = subprocess.run(  # noqa: S603
            ["git", *arguments],  # noqa: S607
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
