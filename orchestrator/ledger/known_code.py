"""Code of people's own that trials were made of, by name and digest: a file may say something else by now."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator.ledger.ledger import Ledger
from trainers.data import source_of
from trainers.model_names import OWN
from trainers.trials.trial import Trial

OWN_CODE = "own-code"


def note_code(ledger: Ledger, codes: Mapping[str, Mapping[str, Any]]) -> None:
    """Keep the code that a sweep was accepted with."""
    for name, code in codes.items():
        if ledger.remembered(OWN_CODE, name) is None:
            ledger.remember(OWN_CODE, name, json.dumps(dict(code)))


def code_for(ledger: Ledger, trial: Trial, data_root: str | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the code that a trial was made of, as `trainers.own.provide` takes it.

    Args:
        data_root: where its data set came from.
    """
    networks = [trial.student, *([] if trial.teacher is None else [trial.teacher.model])]
    names = [name.removeprefix(OWN) for name in networks if name.startswith(OWN)]
    names += [] if data_root is None else [source_of(Path(data_root)).code]
    for name in filter(None, names):
        found = ledger.remembered(OWN_CODE, name)
        if found is not None:
            yield name, json.loads(found)
