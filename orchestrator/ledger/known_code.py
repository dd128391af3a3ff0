"""Code of people's own that trials were made of, by name and digest: a file may say something else by now."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.ledger.ledger import Ledger
from trainers.model_names import OWN
from trainers.trials.trial import Trial

OWN_CODE = "own-code"


def note_code(ledger: Ledger, codes: Mapping[str, Mapping[str, Any]]) -> None:
    """Keep the code that a sweep was accepted with."""
    for name, code in codes.items():
        if ledger.remembered(OWN_CODE, name) is None:
            ledger.remember(OWN_CODE, name, json.dumps(dict(code)))


def code_for(ledger: Ledger, trial: Trial) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the code that a trial was made of, as `trainers.own.provide` takes it."""
    names = [trial.student, *([] if trial.teacher is None else [trial.teacher.model])]
    for name in names:
        found = ledger.remembered(OWN_CODE, name.removeprefix(OWN)) if name.startswith(OWN) else None
        if found is not None:
            yield name.removeprefix(OWN), json.loads(found)
