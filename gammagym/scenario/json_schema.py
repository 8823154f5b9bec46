"""The JSON Schema of a scenario file, for editors: completion, hover texts and early mistakes.

It says less than the loader, which also compares keys with each other. What is here comes from the
models, changed in three ways: a scalar may be a range, a file that extends another may leave out
what that one says, and there are no nulls, which TOML does not have.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, cast

from gammagym.quantities import (
    DECIMAL_HINT,
    DECIMAL_PATTERN,
    DURATION_HINT,
    DURATION_PATTERN,
    MOMENT_PATTERN,
    PERCENT_HINT,
    PERCENT_PATTERN,
    SPAN_HINT,
)
from gammagym.scenario.inheritance import EXTENDS
from gammagym.scenario.schema import Scenario

Json = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_MODELS = "#/$defs/"
# Texts that are names, of which there is one only.
_FIXED = ("name", "purpose")
_KEPT_OF_A_SCALAR = (
    "type",
    "enum",
    "const",
    "format",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
)
# Quantities with a notation of their own, which the schema defines once each.
_QUANTITIES: MappingProxyType[str, Json] = MappingProxyType(
    {
        "duration": {"type": "string", "pattern": DURATION_PATTERN, "description": DURATION_HINT},
        "moment": {"type": "string", "pattern": MOMENT_PATTERN, "description": SPAN_HINT},
        "percentage": {"type": "string", "pattern": PERCENT_PATTERN, "description": PERCENT_HINT},
        "decimal": {
            "type": ["string", "integer"],
            "pattern": DECIMAL_PATTERN,
            "description": DECIMAL_HINT,
        },
        "number": {"type": "number"},
    }
)
_BY_PATTERN = MappingProxyType(
    {value["pattern"]: name for name, value in _QUANTITIES.items() if "pattern" in value}
)


def scenario_schema() -> Json:
    """Return the JSON Schema of a scenario file, draft 2020-12.

    >>> sorted(scenario_schema()["properties"]["extends"])
    ['description', 'minLength', 'type']
    """
    made = Scenario.model_json_schema()
    models = cast("dict[str, Json]", made["$defs"])
    listed = _listed(made, models)
    whole = _required(made, models, listed)
    root = _table(made)
    del root["required"]
    extends = {
        "type": "string",
        "minLength": 1,
        "description": "name or path of the scenario that this one begins with: whatever is not "
        "here is as there",
    }
    return {
        "$schema": DRAFT,
        "title": "gammagym scenario",
        **root,
        "properties": {EXTENDS: extends, **root["properties"]},
        "required": ["purpose"],
        "if": {"not": {"required": [EXTENDS]}},
        "then": whole,
        "$defs": {
            **{name: _model(name, models, listed) for name in models},
            **_QUANTITIES,
            **{f"range_of_{name}s": _range({"$ref": _MODELS + name}) for name in _QUANTITIES},
        },
    }


def _model(name: str, models: dict[str, Json], listed: set[str]) -> Json:
    """Return the schema of a table; nothing is required of one that another file may complete."""
    table = _table(models[name])
    if name not in listed:
        table.pop("required", None)
    return table


def _table(made: Json) -> Json:
    properties = {
        key: _property(key, value)
        for key, value in cast("dict[str, Json]", made["properties"]).items()
    }
    kept = {key: made[key] for key in ("type", "description", "required") if key in made}
    return {**kept, "additionalProperties": False, "properties": properties}


def _property(key: str, made: Json) -> Json:
    """Return the schema of a key's value: without a null, and as a range if it is a scalar."""
    about = {"description": made["description"]} if "description" in made else {}
    choices = [one for one in _choices(made) if one.get("type") != "null"]
    if any("$ref" in one or one.get("type") in ("object", "array") for one in choices):
        (one,) = choices
        return {**about, **_structure(one)}
    if isinstance(made.get("default"), bool | int | float) and "pattern" not in choices[0]:
        about["default"] = made["default"]
    options = [_scalar(one) for one in choices]
    # A decimal may be a whole number, which its quantity says already.
    options = [one for one in options if one != {"type": "integer"}] or options
    if key not in _FIXED:
        options.append(_range_for(choices[0]))
    return {**about, **(options[0] if len(options) == 1 else {"anyOf": options})}


def _scalar(made: Json) -> Json:
    """Return the schema of a scalar; that of a quantity is a reference."""
    quantity = _BY_PATTERN.get(made.get("pattern", ""))
    if quantity is not None:
        return {"$ref": _MODELS + quantity}
    return {name: made[name] for name in _KEPT_OF_A_SCALAR if name in made}


def _choices(made: Json) -> list[Json]:
    """Return the alternatives of a value, also those inside of alternatives."""
    if "anyOf" not in made:
        return [made]
    return [choice for one in made["anyOf"] for choice in _choices(one)]


def _structure(made: Json) -> Json:
    """Return the schema of a table or a list as it is, without defaults and titles."""
    return {key: value for key, value in made.items() if key not in ("default", "title")}


def _range_for(scalar: Json) -> Json:
    if scalar["type"] in ("number", "integer"):
        return {"$ref": f"{_MODELS}range_of_numbers"}
    quantity = _BY_PATTERN.get(scalar.get("pattern", ""))
    return {"$ref": f"{_MODELS}range_of_{quantity}s"} if quantity else _one_of(_scalar(scalar))


def _one_of(value: Json) -> Json:
    """Return the schema of a choice at random."""
    return {
        "type": "object",
        "description": "one of these, drawn for each world",
        "additionalProperties": False,
        "required": ["choices"],
        "properties": {"choices": {"type": "array", "minItems": 1, "items": value}},
    }


def _range(value: Json) -> Json:
    """Return the schema of a distribution of values of one kind."""

    def keys(needed: Json, optional: Json | None = None) -> Json:
        return {
            "type": "object",
            "additionalProperties": False,
            "required": list(needed),
            "properties": {**needed, **(optional or {})},
        }

    uniform = {"enum": ["uniform", "log_uniform"]}
    return {
        "description": "a value drawn for each world",
        "anyOf": [
            keys({"low": value, "high": value}, {"distribution": uniform}),
            keys({"distribution": {"const": "normal"}, "mean": value, "sd": value}),
            keys(
                {"distribution": {"const": "lognormal"}, "median": value}
                | {"sigma": {"type": "number", "minimum": 0}}
            ),
            _one_of(value),
        ],
    }


def _listed(made: Json, models: dict[str, Json]) -> set[str]:
    """Return the models of items of lists, which no other file can complete."""
    found: set[str] = set()
    for table in [made, *models.values()]:
        for value in cast("dict[str, Json]", table["properties"]).values():
            for choice in _choices(value):
                reference = choice.get("items", {}).get("$ref")
                if reference:
                    found.add(str(reference).removeprefix(_MODELS))
    return found


def _required(made: Json, models: dict[str, Json], listed: set[str]) -> Json:
    """Return what a file must say that extends no other, table by table."""
    inner: Json = {}
    for key, value in cast("dict[str, Json]", made["properties"]).items():
        for choice in _choices(value):
            name = str(choice.get("$ref", "")).removeprefix(_MODELS)
            if name in models and name not in listed:
                inside = _required(models[name], models, listed)
                if inside:
                    inner[key] = inside
    needed = [key for key in made.get("required", []) if key != "name"]
    return ({"required": needed} if needed else {}) | ({"properties": inner} if inner else {})
