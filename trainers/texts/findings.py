"""What pydantic finds wrong with a value, in house words: the rule, the value, the nearest right word."""

from pydantic_core import ErrorDetails

from trainers.texts.nearest import one_of
from trainers.texts.words import shown

RULES = {
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be on or off",
    "string_type": "must be text",
    "finite_number": "must be a finite number",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be below {lt}",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "model_type": "must be a mapping",
    "dict_type": "must be a mapping",
    "tuple_type": "must be a list",
}
"""By pydantic's name of a finding; the value follows."""


def told(finding: ErrorDetails) -> str:
    """Return what is said of a finding."""
    kind, given = finding["type"], finding["input"]
    context = {name: int(v) if type(v) is float and v.is_integer() else v for name, v in finding.get("ctx", {}).items()}
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        words = str(context["expected"]).replace(" or ", ", ").split(", ")
        return one_of([word.strip("'") for word in words], given)
    if kind == "too_short":
        return f"must hold at least {context['min_length']}, got none"
    if kind == "too_long":
        return f"must hold at most {context['max_length']}"
    if kind == "float_type" and type(given) is int:  # one that no float can hold
        kind = "finite_number"
    rule = RULES[kind].format(**context) if kind in RULES else finding["msg"]
    return f"{rule}, got {shown(given)}"
