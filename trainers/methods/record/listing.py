"""The methods as a person reads them: what each is, its hyperparameters, and where to search them."""

from collections.abc import Iterator, Mapping

from trainers.methods.record.hyperparameters import Choice, Hyperparameter, Log
from trainers.methods.record.method import ForPair, Method
from trainers.trials.trial import Value

INDENT = " " * 11


def lines_of(method: Method) -> Iterator[str]:
    """Yield a line with name, kind, summary and source, and one for each hyperparameter and each pair with defaults of
    its own."""
    yield f"{method.name:<10} {method.kind:<8} {method.summary}  [{method.source}]"
    for field in method.fields():
        yield f"{INDENT}{field.name} = {value_text(field.default)}  {field.doc} {_rules(field)}".rstrip()
    for tuned in method.by_pair:
        yield f"{INDENT}{_where(tuned)}: {_values(tuned.values)}"
    if method.inference:
        yield f"{INDENT}at inference: {method.inference}"


def value_text(value: Value) -> str:
    """Return the value as a sweep file has it."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(value_text, value))}]"
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _rules(field: Hyperparameter) -> str:
    allowed, searched = allowed_text(field), search_text(field)
    parts = [*([allowed] if allowed else []), *([f"search {searched}"] if searched else [])]
    return f"({'; '.join(parts)})" if parts else ""


def allowed_text(field: Hyperparameter) -> str:
    """Return the values that the hyperparameter may take, in signs; empty where its type says all."""
    if field.choices:
        return " | ".join(map(value_text, field.choices))
    if (rule := field.range) is None:
        return ""
    ends = ((rule.gt, ">"), (rule.ge, "≥"), (rule.lt, "<"), (rule.le, "≤"))
    return ", ".join(
        f"{sign} {end if isinstance(end, str) else value_text(end)}" for end, sign in ends if end is not None
    )


def search_text(field: Hyperparameter) -> str:
    """Return where the hyperparameter is searched by default; empty where nowhere."""
    space = None if field.range is None else field.range.search
    if space is None:
        return ""
    if isinstance(space, Choice):
        return " | ".join(map(value_text, space.values))
    return f"{value_text(space.low)}…{value_text(space.high)}{' (log)' if isinstance(space, Log) else ''}"


def _where(tuned: ForPair) -> str:
    pairs = ", ".join(f"{teacher} -> {student}" for teacher, student in tuned.pairs or ())
    return f"{', '.join(tuned.datasets)}{f', {pairs}' if pairs else ''}".replace("cifar_", "")


def _values(values: Mapping[str, Value]) -> str:
    return ", ".join(f"{name} = {value_text(value)}" for name, value in values.items())
