"""Whether Ray, Optuna and MLflow may speak: they are silent unless somebody asked for them."""

import logging
import os

VARIABLE = "KDSWEEP_VERBOSE"


def let_speak() -> None:
    """Let them speak in this process, and us say what we do in detail."""
    os.environ[VARIABLE] = "1"
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("kdsweep").setLevel(logging.DEBUG)


def may_speak() -> bool:
    """Return whether they may."""
    return bool(os.environ.get(VARIABLE))


def level() -> int:
    """Return the level from which on they may speak."""
    return logging.INFO if may_speak() else logging.ERROR
