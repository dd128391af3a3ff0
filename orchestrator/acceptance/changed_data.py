"""Pictures that were changed after a sweep on them was accepted: their digest is of names and sizes, so keys do not see
a picture in the place of another one of its size."""

import json
from collections.abc import Iterator, Sequence

from orchestrator.ledger.ledger import Ledger
from search_spaces import Sweep
from search_spaces.sweeps.sweep import DataSetPlan
from trainers import data

PICTURES = "pictures"
"""Under which the ledger keeps, by digest, when a file of a data set was changed last before it was first accepted."""


def remember_pictures(sweep: Sweep, ledger: Ledger) -> None:
    """Keep the state of the sweep's pictures, where none is known."""
    for plan in sweep.datasets:
        files = _files(plan)
        if files is not None and ledger.remembered(PICTURES, plan.info.digest) is None:
            ledger.remember(PICTURES, plan.info.digest, str(data.newest_change(files)))
    roots = {plan.name: str(plan.root.absolute()) for plan in sweep.datasets if plan.root is not None}
    ledger.remember("pictures root", sweep.name, json.dumps(roots))


def changed_pictures(sweeps: Sequence[Sweep], ledger: Ledger) -> Iterator[tuple[str, str]]:
    """Yield digest and a line for each data set of which files were changed since it was first accepted here."""
    for plan in {plan.info.digest: plan for sweep in sweeps for plan in sweep.datasets}.values():
        since = ledger.remembered(PICTURES, plan.info.digest)
        files = None if since is None else _files(plan)
        if files is None or since is None:
            continue
        changed = data.changed_after(files, int(since))
        if changed:
            more = f" and {len(changed) - 1:,} more" if len(changed) > 1 else ""
            what = f"{plan.name}: {changed[0]}{more} changed since a sweep on these pictures was first accepted here"
            harm = "where they show something else, trials of before and of now learn from different data"
            yield plan.info.digest, f"{what}: {harm}"


def _files(plan: DataSetPlan) -> data.PictureFiles | None:
    if not plan.info.found:
        return None
    found = data.load(plan.name, plan.root) if data.get(plan.name, plan.root).fetch is None else None
    return found if isinstance(found, data.PictureFiles) else None
