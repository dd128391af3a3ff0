"""What rows, networks and data sets are called for people: as `report.names` says, else as papers print them.

Names are for people alone: an entry, a row or a column is known by its own name, and two may be shown alike.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from trainers import titles

Names = Mapping[str, str]
"""Of an entry, a row, a network or a data set -> the name that the sweep wants shown."""
STANDARDIZE = "standardize"
LS = "ls"
BEHIND = re.compile(r"(?P<head>.*\S)\s*\((?P<inside>[^()]*)\)")
JOINED = re.compile(r"\s*[+ -]\s*")


def names_of(resolved: Mapping[str, object]) -> Names:
    """Return what a resolved sweep wants shown, by the names of its own."""
    report = resolved.get("report")
    given = report.get("names") if isinstance(report, Mapping) else None
    return {str(name): str(shown) for name, shown in given.items()} if isinstance(given, Mapping) else {}


def dataset(name: str, names: Names) -> str:
    """Return a data set's name."""
    return names.get(name) or titles.dataset(name)


def network(name: str, names: Names) -> str:
    """Return a network's name."""
    return names.get(name) or titles.network(name)


def entry(
    name: str, method: str, grid: Sequence[str], names: Names, *, standardized: bool = False, tuned: bool = False
) -> str:
    """Return an entry's name, without the values of its grid.

    One that is called by its methods, as `kd`, `kd+ls` or `gdkd (tuned)`, is shown by their titles: `KD`, `KD + LS`,
    `GDKD (tuned)`. Another name is the user's own and stays as it is. `(by k)` goes where the grid says it.

    Args:
        method: the method's name, of a combination such as `gdkd+at`; empty where it is not known.
        grid: hyperparameters that its rows differ in.
        standardized: all its rows compare standardized logits.
        tuned: its rows are searched.
    """
    if name in names:
        return names[name]
    head, inside = _apart(name)
    if grid and set(re.split(r"[,\s]+", inside)) - {"and"} == {"by", *grid}:
        inside = ""
    words = JOINED.split(head)
    if method and [word for word in words if word != LS or word == method] == JOINED.split(method):
        head = titles.method(method)
        head += f" + {titles.STANDARDIZED}" if standardized or LS in words else ""
        inside = inside or ("tuned" if tuned else "")
    return f"{head} ({inside})" if inside else head


def row(shown: str, values: Mapping[str, str]) -> str:
    """Return a row's name, such as `GDKD (k = 5)`: its entry's, as it is shown, with the row's values of the grid."""
    head, inside = _apart(shown)
    told = [*([inside] if inside else []), *(setting(name, text) for name, text in values.items())]
    return f"{head} ({', '.join(told)})" if told else shown


def setting(name: str, value: str) -> str:
    """Return a hyperparameter with its value, such as `w₂ = 8`."""
    return f"{titles.symbol(name)} = {value}"


def alike(what: str, known: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield which of these, by own and shown name, are shown alike, in a sentence each."""
    by_shown: dict[str, list[str]] = {}
    for own, shown in known:
        by_shown.setdefault(shown, []).append(own)
    for shown, names in by_shown.items():
        if len(names) > 1:
            told = " and ".join([", ".join(names[:-1]), names[-1]])
            yield f"{len(names)} {what} are shown as {shown}: {told}; report.names can tell them apart."


def _apart(name: str) -> tuple[str, str]:
    """Return what stands before brackets at the end of a name, and what stands in them."""
    found = BEHIND.fullmatch(name)
    return (found["head"], found["inside"]) if found else (name, "")
