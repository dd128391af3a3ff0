"""Results of very many trials, without a store."""

import pandas as pd

import reports
from reports.results.results import TRIAL_COLUMNS
from reports.stores import COMMIT, RunRecord
from tests.reports.fake_sweep import row


def many(results: reports.Results, count: int) -> reports.Results:
    """So many trials of forty epochs, most of them of searches."""
    line = dict.fromkeys(TRIAL_COLUMNS) | results.trials.iloc[0].to_dict()
    tags = {COMMIT: "c" * 40, "device": "H100"}
    lines, runs, curves = [], {}, {}
    for i in range(count):
        searched, label = i >= count // 5, f"row {i % 40}"
        key = f"{i:064x}"
        place = {"row": label, "entry": label, "trial_key": key, "run_id": f"{i:032x}", "seed": i // 40}
        phase = {"phase": "search" if searched else "fixed", "final_top1": None if searched else 60 + i % 7}
        lines.append(
            {**line, **place, **phase, "final_val_top1": 50 + i % 11 if searched else None, "train_seconds": i}
        )
        params = {"method.k": str(i % 99), "method.w2": repr(1 + i / 777), "recipe.epochs": "240"}
        runs[key] = RunRecord(f"{i:032x}", end_time=1000, params=params, tags=tags)
        curves[f"{i:032x}"] = {"test_top1": [(e, 60 + (i * e) % 977 / 100) for e in range(1, 41)]}
    trials = pd.DataFrame(lines).astype(results.trials.dtypes.to_dict())
    resolved = {**results.resolved, "rows": [row(f"row {i}") for i in range(40)]}
    return reports.Results("many", results.members, trials, resolved, runs, lambda *_: curves)
