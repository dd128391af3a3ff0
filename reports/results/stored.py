"""Results as a report leaves them behind in a results.parquet, and back; which scores a new report would lose."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.errors import ReportError
from reports.results import naming
from reports.results.results import MEMBER_COLUMNS, TRIAL_COLUMNS, Results
from reports.results.states import TEACHER
from reports.stores import METHOD_PREFIX
from trainers.files.files import MOST_DATA_BYTES, regular_file

if TYPE_CHECKING:
    import pandas as pd

FILE = "results.parquet"
SCORES = ("final_top1", "final_miou")
"""Columns with the score of a trial on test images."""


def frame(results: Results, rows: Mapping[str, str], more: Mapping[str, Sequence[Any]] | None = None) -> "pd.DataFrame":
    """Return the trials, with what people read of them at the end; `rows` has the shown names of students' rows.

    Args:
        more: further columns of numbers.
    """
    from reports.results.loading import column

    trials, names = results.trials.reset_index(drop=True), naming.names_of(results.resolved)
    is_teacher = trials["phase"] == TEACHER
    of_rows = trials["row"].map(rows).fillna(trials["row"]).where(~is_teacher, trials["row"])
    shown = {"row_shown": of_rows, "dataset_shown": _shown(trials["dataset"], names, naming.dataset)}
    shown |= {f"{kind}_shown": _shown(trials[kind], names, naming.network) for kind in ("teacher", "student")}
    trials = trials.assign(**{name: column("float64", values) for name, values in (more or {}).items()})
    found = trials.assign(**{name: values.astype("str") for name, values in shown.items()})
    if results.resolved.get("settling"):  # what is read from the file is to be judged by it, too
        found.attrs["settling"] = results.resolved["settling"]
    return found


def _shown(
    column: "pd.Series[str]", names: naming.Names, title: Callable[[str, naming.Names], str]
) -> "pd.Series[str]":
    """Return each text as people read it; what is missing stays so."""
    return column.map({name: title(name, names) for name in column.dropna().unique()})


def load(path: Path | str) -> Results:
    """Return the results that a report has left behind: its folder, or results.parquet itself.

    Names, order and settings are those of the trials: what only the sweep file knows is not there.

    Raises:
        ReportError: there is none, or it is another kind of file.
    """
    path = Path(path)
    import pandas as pd

    from reports.results.loading import column

    file = path / FILE if path.is_dir() else path
    try:
        stored = _read(file)
    except FileNotFoundError:
        raise ReportError(f"{path} is no report: there is no {file}") from None
    except (OSError, ValueError) as error:
        raise ReportError(f"{file} cannot be read as {FILE}: {str(error).splitlines()[0]}") from error
    needed = ("cell", "row", "phase", "seed", "trial_key", "state", "status")
    lacking = [name for name in needed if name not in stored.columns]
    if lacking:
        raise ReportError(f"{file} is not the {FILE} of a report: it lacks {', '.join(lacking)}")
    columns = {
        name: column(dtype, [None if pd.isna(value) else value for value in stored.get(name, [None] * len(stored))])
        for name, (dtype, _) in TRIAL_COLUMNS.items()
    }
    settings = {name: stored[name] for name in stored.columns if name.startswith(METHOD_PREFIX)}
    trials = pd.DataFrame({**columns, **settings})
    known = {"settling": stored.attrs["settling"]} if "settling" in stored.attrs else {}
    return Results(file.absolute().parent.name, trials[list(MEMBER_COLUMNS)].copy(), trials, known)


def lost_scores(results: "Results", folder: Path) -> int:
    """Return how many trials of the results have a score in the report that is in the folder, and have none now."""
    try:
        before = _read(folder / FILE)
    except (OSError, ValueError):  # there is none, or what is there is none
        return 0
    members = frozenset(str(key) for key in results.trials["trial_key"].dropna())
    return len((scored(before) & members) - scored(results.trials))


def scored(trials: "pd.DataFrame") -> frozenset[str]:
    """Return the keys of the trials that have ended with a score on test images."""
    scores = [name for name in SCORES if name in trials]
    if not scores or not {"trial_key", "state"} <= {*trials}:
        return frozenset()
    ended = (trials["state"] == "COMPLETE") & trials[scores].notna().any(axis=1)
    return frozenset(str(key) for key in trials.loc[ended.fillna(value=False), "trial_key"].dropna())


def _read(file: Path) -> "pd.DataFrame":
    """Return what stands in a parquet file.

    Raises:
        OSError, ValueError: there is none, or it is none (pyarrow's errors are ValueErrors).
    """
    import pandas as pd

    with regular_file(file, MOST_DATA_BYTES) as handle:
        return pd.read_parquet(handle)
