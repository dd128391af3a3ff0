"""A method from another package that gets into trouble on request: what the driver must live with."""

import os
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from torch import Tensor

from trainers.methods import Method, Needs, Range, Value

TRIED_ON = 4
"""Images that a plug-in's loss is tried on before anything starts: there it behaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    mode: Literal["none", "raise", "raise there", "nan", "die", "die once", "hang once", "hang"] = "none"
    """What happens in a step."""
    place: str = ""
    """Folder for the mark that "die once" and "hang once" leave; "raise there" raises on a node that sees none."""
    ce_weight: Annotated[float, Range(ge=0)] = 1.0
    """Factor of the cross-entropy."""
    weight: Annotated[float, Range(ge=0)] = 1.0
    """Factor of the term."""
    warmup_epochs: Annotated[float, Range(ge=0)] = 0.0
    """Epochs of the ramp."""
    standardize: bool = False
    """As everywhere."""


def _term(
    values: Mapping[str, Value], student: Tensor, teacher: Tensor, target: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    mode = values["mode"] if len(student) > TRIED_ON else "none"
    if mode == "raise" or (mode == "raise there" and not any(Path(str(values["place"])).iterdir())):
        raise RuntimeError("the method is broken & <unwell>")
    if mode == "die" or (mode == "die once" and _first_time(Path(str(values["place"])))):
        os.kill(os.getpid(), signal.SIGKILL)
    if mode == "hang" or (mode == "hang once" and _first_time(Path(str(values["place"])))):
        threading.Event().wait()
    loss = student.mean() * (float("nan") if mode == "nan" else 0.0)
    return loss, {}


def _first_time(place: Path) -> bool:
    try:
        (place / "died").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


METHOD = Method(
    name="trouble",
    version=1,
    hyperparameters=Trouble,
    loss=None,
    term=_term,
    needs=Needs.LOGITS,
    summary="gets into trouble on request",
    source="tests",
)
