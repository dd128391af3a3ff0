"""The JSON schema of sweep files, by which an editor completes keys and refuses what `plan` would, before it is asked.

Made from what the checks themselves go by: the models of `files.schema`, the recipe's, the records of the methods. What
needs more than one key, the data, or a look at files stays with `plan`; `LEFT_TO_PLAN` says what that is.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from search_spaces import recipes
from search_spaces.checks.plausible import LEAST_RATE, MOST, MOST_OF_RECIPE, MOST_WHOLE
from search_spaces.files.names import MAX_NAME
from search_spaces.files.schema import OVERRIDABLE, SweepModel
from search_spaces.files.yaml_lines import SWITCHES
from trainers import data, methods, own
from trainers.methods import Hyperparameter, Method, search_text
from trainers.trials.recipe import Recipe

Schema = dict[str, Any]
FILE = Path(__file__).with_name("sweep.schema.json")
"""What is shipped: the schema of the program's own methods. `make docs` writes it."""
DRAFT = "http://json-schema.org/draft-07/schema#"
"""What editors' language servers know best."""
LEFT_TO_PLAN = (
    "which networks there are, and what suits their data",
    "what lies at a path: data sets, checkpoints, published weights",
    "values that depend on the number of classes",
    "values that depend on one another: low and high, ranks and gpus, epochs and milestones, mean and std",
    "names of entries, rows and teachers that another key must have",
    "keys that need another or exclude it: search, dataset and datasets, checkpoint and recipe",
    "what YAML itself refuses, such as a key given twice",
    "a number that is none: .nan",
    "whole numbers that are written with a point: 5.0",
    "how many rows and trials there are in all",
)
"""Rules that no editor can hold."""
NAME: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_NAME,
    "pattern": r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$",
}


def sweep_schema(known: Iterable[Method] | None = None) -> Schema:
    """Return the schema.

    Args:
        known: the methods; by default those of plug-ins, too.
    """
    plugins = list(own.offered(own.DATASETS)) if known is None else []
    known = [methods.get(name) for name in methods.names()] if known is None else list(known)
    schema: Schema = _plain(SweepModel.model_json_schema())
    parts, inner = schema["properties"], schema["$defs"]
    for name in set(parts) - set(schema["required"]):  # a key with nothing behind it counts as not given
        parts[name] = {"anyOf": [parts[name], {"type": "null"}], **_told(parts[name])}
    parts["name"]["pattern"] = parts["name"]["pattern"].removesuffix("$") + r"(?![\s\S])"  # no line break either
    gpus = inner["ResourcesModel"]["properties"]["gpus"]["anyOf"]
    part, *others = gpus
    gpus[:] = [{**part, "maximum": 1}, {**part, "type": "integer"}, *others]
    recipe = {
        "anyOf": [{"enum": list(recipes.names())}, {"$ref": "#/$defs/RecipeModel"}, {"type": "null"}],
        **_told(parts["recipe"]),
    }
    parts["recipe"] = recipe
    inner["TeacherModel"]["properties"]["recipe"] = {**recipe, **_told(inner["TeacherModel"]["properties"]["recipe"])}
    inner["RecipeModel"] = _recipe(inner["RecipeModel"])
    parts["dataset"] = {"enum": [*data.names(), *plugins, None], **_told(parts["dataset"])}
    parts["datasets"] = _datasets(inner, parts["datasets"], plugins)
    parts["teachers"]["propertyNames"] = NAME
    parts["networks"]["propertyNames"] = NAME
    del inner["EntryModel"]
    inner |= {_key(one): _method(one) for one in known}
    inner |= {"Entry": _entry(known), "Combination": _combination(known)}
    parts["methods"] = _methods(known, parts["methods"]["description"])
    head = {"$schema": DRAFT, "$comment": f"Left to `plan`: {'; '.join(LEFT_TO_PLAN)}."}
    whole: Schema = _switched({**head, **schema, "anyOf": [{"required": ["dataset"]}, {"required": ["datasets"]}]})
    return whole


def schema_text(known: Iterable[Method] | None = None) -> str:
    """Return the schema as JSON, with a line for each definition."""
    schema = sweep_schema(known)
    lines = [f"{json.dumps(name)}: {json.dumps(part)}" for name, part in schema.pop("$defs").items()]
    return json.dumps(schema)[:-1] + ', "$defs": {\n' + ",\n".join(lines) + "\n}}\n"


def _plain(part: Any) -> Any:
    """Return what pydantic has made without its titles, and with draft 7's word for the items of a pair."""
    if isinstance(part, list):
        return [_plain(one) for one in part]
    if not isinstance(part, dict):
        return part
    found = {name: _plain(one) for name, one in part.items() if not (name == "title" and isinstance(one, str))}
    if "prefixItems" in found:
        found["items"] = found.pop("prefixItems")[0]
    return found


def _switched(part: Any) -> Any:
    """Return the schema with all words for true and false: to an editor, which reads YAML 1.2, `on` is a text."""
    if isinstance(part, list):
        return [_switched(one) for one in part]
    if not isinstance(part, dict):
        return part
    found = {name: _switched(one) for name, one in part.items()}
    if found.get("type") == "boolean":
        del found["type"]
        found["enum"] = [True, False, *SWITCHES]
    return found


def _datasets(inner: Schema, part: Schema, plugins: list[str]) -> Schema:
    """Return what stands under `datasets:`: ours, whose keys are known, and others, of which `from` tells."""
    any_of = inner["DataSetModel"]
    inner["DataSetModel"] = {
        **any_of,
        "additionalProperties": False,
        "properties": {name: one for name, one in any_of["properties"].items() if name != "from"},
    }
    inner["OwnDataSet"] = {**any_of, "required": ["from"]}
    ours = {"anyOf": [{"$ref": "#/$defs/DataSetModel"}, {"type": "null"}]}
    others = {"anyOf": [{"$ref": "#/$defs/OwnDataSet"}, {"type": "string", "minLength": 1}]}
    return {
        **_told(part),
        "anyOf": [
            {
                "type": "object",
                "propertyNames": NAME,
                "properties": dict.fromkeys(data.names(), ours) | {name: {} for name in plugins},
                "additionalProperties": others,
                "minProperties": 1,
            },
            {"type": "null"},
        ],
    }


def _told(part: Mapping[str, Any]) -> Schema:
    return {name: part[name] for name in ("description",) if name in part}


def _recipe(model: Schema) -> Schema:
    """Return the keys of a recipe with the rules that the recipe itself has."""
    own = _plain(Recipe.model_json_schema())["properties"]
    settings = {name: {key: one for key, one in own[name].items() if key != "default"} for name in OVERRIDABLE}
    for name, most in MOST_OF_RECIPE.items():
        settings[name]["maximum"] = most
    settings["learning_rate"]["minimum"] = LEAST_RATE
    settings["milestones"] |= {"items": {"type": "integer", "minimum": 1}, "uniqueItems": True}
    base = {"enum": [*recipes.names(), None], **_told(model["properties"]["base"])}
    return {**model, "properties": {**model["properties"], "base": base, **settings}}


def _key(method: Method) -> str:
    return f"method {method.name}".replace(" ", "_")


def _methods(known: Iterable[Method], description: str) -> Schema:
    """Return what stands under `methods:`: entries called as a method, and others, which name theirs."""
    called = {
        one.name: {
            "description": one.summary,
            "if": {"type": "object", "required": ["method"], "properties": {"method": {"not": {"type": "null"}}}},
            "then": {"$ref": "#/$defs/Entry"},
            "else": {"anyOf": [{"$ref": f"#/$defs/{_key(one)}"}, {"type": "null"}]},
        }
        for one in known
    }
    return {
        "type": "object",
        "description": description,
        "minProperties": 1,
        "propertyNames": NAME,
        "properties": called,
        "additionalProperties": {"$ref": "#/$defs/Entry"},
    }


def _entry(known: Iterable[Method]) -> Schema:
    """Return an entry that names its method, or several."""
    names = [one.name for one in known]
    several = {
        "type": "array",
        "items": {"enum": names},
        "minItems": 1,
        "uniqueItems": True,
        "if": {"minItems": 2},
        "then": {"items": {"enum": [one.name for one in known if _joins(one)]}},
    }
    by_method = [
        {
            "if": {"properties": {"method": {"enum": [one.name, [one.name]]}}},
            "then": {"$ref": f"#/$defs/{_key(one)}"},
        }
        for one in known
    ]
    combined = {
        "if": {"properties": {"method": {"type": "array", "minItems": 2}}},
        "then": {"$ref": "#/$defs/Combination"},
    }
    return {
        "type": "object",
        "description": "An entry of your own name: its method, and hyperparameters of that.",
        "required": ["method"],
        "properties": {"method": {"anyOf": [{"enum": names}, several]}},
        "allOf": [*by_method, combined],
    }


def _joins(method: Method) -> bool:
    """Return whether a method can be combined with others."""
    other = next(one for one in methods.ALL if one.name not in (method.name, "ce"))
    try:
        methods.combine([method, other])
    except ValueError:
        return False
    return True


def _method(method: Method) -> Schema:
    settings = {field.name: _setting(field) for field in method.fields()}
    return {
        "type": "object",
        "description": method.summary,
        "additionalProperties": False,
        "properties": {"method": {}, **settings},
    }


def _combination(known: Iterable[Method]) -> Schema:
    """Return a combination of any methods: which of them it names is another key's."""
    joined = [one for one in known if _joins(one)]
    own = {
        f"{one.name}.{field.name}": {"$ref": f"#/$defs/{_key(one)}/properties/{field.name}"}
        for one in joined
        for field in one.fields()
        if field.name != methods.CE_WEIGHT
    }
    shared = [field for one in joined for field in one.fields() if field.name == methods.CE_WEIGHT][:1]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {"method": {}, **{field.name: _setting(field) for field in shared}, **own},
    }


def _setting(field: Hyperparameter) -> Schema:
    """Return what may stand behind a hyperparameter: a value, rows, or a search."""
    own = field.name.rpartition(".")[2]
    value = _plain(field.model.model_json_schema())["properties"][own]
    default = {"default": value.pop("default")} if "default" in value else {}
    told = f"{value.pop('description', field.doc)} Searched by default: {search_text(field) or 'nowhere'}."
    if field.type in (int, float):
        bounded = {"maximum": MOST_WHOLE if field.type is int or own == "warmup_epochs" else MOST}
        value = {**bounded, **value}
    listed = {"type": "array", "items": value, "minItems": 1, "uniqueItems": True}
    forms = [value, _mapping(grid=listed), _mapping(choice=listed)]
    if field.type in (int, float):
        forms.append(_mapping("log", low=value, high=value, log={"type": "boolean"}))
    if field.choices or field.type is bool or (field.range is not None and field.range.search is not None):
        forms.append(_mapping(search={"const": "default"}))
    return {"description": told, **default, "anyOf": forms}


def _mapping(*optional: str, **keys: Schema) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [name for name in keys if name not in optional],
        "properties": keys,
    }
