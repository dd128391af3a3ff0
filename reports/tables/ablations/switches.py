"""Which hyperparameters switch a part of a method on and off, and what a row has on: read from the method's record.

A switch is a yes or no (`standardize`), or a factor that may be 0 (`w0`, `weight`): a number whose range begins at 0
with 0 in it. A warm-up is none: 0 epochs of it take nothing away. In a combination the switches of every method count,
under its name (`gdkd.w0`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.results.sweep import Row, Value
from trainers import methods

if TYPE_CHECKING:
    from trainers.methods import Hyperparameter, Method

WARMUP = "warmup_epochs"
MANY = 1_000_000
"""Classes, where nobody knows how many: no group is one class."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a report needs of a method's registry record."""

    method: "Method"
    classes: int | None = None
    """Of the data set: where they are few, a default that is a rank becomes the last that there is; None: not known."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The methods of a combination; of any other method itself."""
        return tuple(part.name for part in self.method.parts) or (self.method.name,)

    @property
    def switches(self) -> tuple[str, ...]:
        """Names of the switches, in the order of the record."""
        return tuple(field.name for field in self.method.fields() if _switches(field))

    def values(self, row: Row) -> dict[str, Value]:
        """Return every hyperparameter of a row: what the sweep file gives, and the method's defaults."""
        given = {**self.defaults(), **row.hyperparameters}
        return {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}

    def defaults(self) -> dict[str, Value]:
        """Return every hyperparameter as it is where nobody gives one."""
        return {**self.method.defaults(), **self._fitted(self.classes)}  # type: ignore[dict-item]

    def dead(self, row: Row) -> frozenset[str]:
        """Return the hyperparameters that change nothing in a row, for they weigh a group of one class, say."""
        try:
            return frozenset(self.method.dead(self.values(row), self.classes or MANY))
        except (KeyError, TypeError, ValueError):  # values of another version of the method
            return frozenset()

    def doc(self, name: str) -> str:
        """Return what a hyperparameter is, in its first sentence; empty where the record does not say."""
        doc = next((field.doc for field in self.method.fields() if field.name == name), "")
        return doc.partition("; ")[0].split(". ")[0].rstrip(".")

    def default(
        self, name: str, dataset: str = "", teacher: str = "", student: str = "", classes: int | None = None
    ) -> Value | None:
        """Return the default on a data set of so many classes, or what the authors tuned for a pair; networks by timm's
        names."""
        values = {**self.method.defaults(dataset, teacher, student), **self._fitted(classes)}
        return values.get(name)  # type: ignore[return-value]

    def _fitted(self, classes: int | None) -> dict[str, Value]:
        return {} if classes is None else self.method.fitted(classes)  # type: ignore[return-value]


def record_of(name: str, classes: int | None = None) -> Record | None:
    """Return the record of a method or a combination; None where it is not known here, as a plug-in that is gone."""
    try:
        return Record(methods.get(name), classes)
    except ValueError:
        return None


def is_off(values: Mapping[str, Value], name: str) -> bool:
    """Return whether a switch is off: 0, or no."""
    return not values[name]


def _switches(field: "Hyperparameter") -> bool:
    if field.name.rpartition(".")[2] == WARMUP:
        return False
    if field.type is bool:
        return True
    return field.type is float and field.range is not None and field.range.ge == 0
