"""Results out of a results.parquet that an earlier report has left behind."""

from pathlib import Path

from reports.errors import ReportError
from reports.results.results import MEMBER_COLUMNS, TRIAL_COLUMNS, Results
from reports.stores import METHOD_PREFIX
from trainers.files.files import MOST_DATA_BYTES, regular_file

FILE = "results.parquet"


def load(path: Path) -> Results:
    """Return the results in a report's folder, or in the file itself (see `reports.load_stored`)."""
    import pandas as pd

    from reports.results.loading import column

    file = path / FILE if path.is_dir() else path
    try:
        with regular_file(file, MOST_DATA_BYTES) as handle:
            stored = pd.read_parquet(handle)
    except FileNotFoundError:
        raise ReportError(f"{path} is no report: there is no {file}") from None
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
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
    return Results(file.absolute().parent.name, trials[list(MEMBER_COLUMNS)].copy(), trials, {})
