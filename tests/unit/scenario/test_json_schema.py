"""The JSON Schema of scenario files: what ships is valid, typical mistakes are not."""

from __future__ import annotations

import datetime
import json
import re
import tomllib
from typing import Any

import pytest

from gammagym import content
from gammagym.scenario.json_schema import DRAFT, scenario_schema
from gammagym.scenario.load import load_scenario

SCHEMA = scenario_schema()
HEAD = 'purpose = "x"\n'
OWN = f'{HEAD}[price]\nmodel = "gbm"\nstart = "60000"\nvolatility = 0.6\n'
CHILD = f'extends = "calm"\n{HEAD}'
SHOCK = '[[shocks]]\nkind = "price"\nat = "40%"\nmove = "-5%"\n'

TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}
KNOWN = {
    "$schema", "$defs", "$ref", "title", "description", "default", "type", "enum", "const",
    "pattern", "format", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "properties", "additionalProperties", "required", "items", "prefixItems",
    "minItems", "maxItems", "anyOf", "not", "if", "then",
}  # fmt: skip


def fits(schema: dict[str, Any], value: Any) -> bool:
    """Validate as draft 2020-12 says, for the keywords that the schema uses."""
    assert set(schema) <= KNOWN, set(schema) - KNOWN
    if "$ref" in schema and not fits(SCHEMA["$defs"][schema["$ref"].split("/")[-1]], value):
        return False
    return all(
        (
            _has_type(schema.get("type"), value),
            "enum" not in schema or value in schema["enum"],
            "const" not in schema or value == schema["const"],
            "anyOf" not in schema or any(fits(one, value) for one in schema["anyOf"]),
            "not" not in schema or not fits(schema["not"], value),
            "if" not in schema or not fits(schema["if"], value) or fits(schema["then"], value),
            not isinstance(value, str) or _text_fits(schema, value),
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or _number_fits(schema, value),
            not isinstance(value, list) or _list_fits(schema, value),
            not isinstance(value, dict) or _table_fits(schema, value),
        )
    )


def _has_type(names: Any, value: Any) -> bool:
    allowed = [names] if isinstance(names, str) else names
    if allowed is None:
        return True
    if isinstance(value, bool):
        return "boolean" in allowed
    return any(isinstance(value, TYPES[name]) for name in allowed)


def _text_fits(schema: dict[str, Any], value: str) -> bool:
    return (
        re.search(schema.get("pattern", ""), value) is not None
        and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**9)
    )  # fmt: skip


def _number_fits(schema: dict[str, Any], value: float) -> bool:
    low, high = schema.get("minimum", value), schema.get("maximum", value)
    above = schema.get("exclusiveMinimum", value - 1)
    below = schema.get("exclusiveMaximum", value + 1)
    return low <= value <= high and above < value < below


def _list_fits(schema: dict[str, Any], value: list[Any]) -> bool:
    heads = schema.get("prefixItems", [])
    return (
        schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 10**9)
        and all(fits(one, item) for one, item in zip(heads, value, strict=False))
        and all(fits(schema.get("items", {}), item) for item in value[len(heads) :])
    )


def _table_fits(schema: dict[str, Any], value: dict[str, Any]) -> bool:
    properties = schema.get("properties", {})
    unknown = set(value) - set(properties)
    return (
        set(schema.get("required", ())) <= set(value)
        and (not unknown or schema.get("additionalProperties", True) is not False)
        and all(fits(properties[key], value[key]) for key in set(value) & set(properties))
    )


def plain(value: Any) -> Any:
    """Return a TOML value with dates as text, as editors hand it to a JSON Schema."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


def read(text: str) -> dict[str, Any]:
    return plain(tomllib.loads(text))


SHIPPED = [content.resolve("scenarios", name) for name in content.available("scenarios")]
GOOD = [
    OWN,
    CHILD,
    f"{CHILD}[options.customers]\nsize = 2.0\n",
    f"{CHILD}[crowd]\nlongs = 5\n",
    f"{CHILD}{SHOCK}",
    f'{CHILD}{SHOCK}ramp = "5 min"\nhold = "40% + 1.5h"\nrecovery = "never"\n',
    f'{CHILD}start = 2026-09-07T12:00:00Z\nfunding = "-0.03%"\naccount = {{volume = 3}}\n',
    f'{CHILD}rules = {{taker_fee = "1%", order_latency = {{median = "5ms"}}}}\n',
    f"{CHILD}price.volatility = {{low = 0.4, high = 0.9}}\n",
    f'{CHILD}price.volatility = {{low = 0.4, high = 0.9, distribution = "log_uniform"}}\n',
    f'{CHILD}price.volatility = {{distribution = "normal", mean = 0.6, sd = 0.1}}\n',
    f'{CHILD}price.volatility = {{distribution = "lognormal", median = 0.6, sigma = 0.1}}\n',
    f'{CHILD}price.start = {{low = "100.5", high = 200}}\n',
    f'{CHILD}warmup = {{choices = ["20s", "2min"]}}\nflow.preset = {{choices = ["thin"]}}\n',
    CHILD + SHOCK.replace('"-5%"', '{low = "-15%", high = "-5%"}'),
]
BAD = [
    "",
    HEAD,
    f'{HEAD}price = {{start = "60000"}}\n',
    CHILD.replace("extends", "extend"),
    CHILD.replace('"calm"', '["calm"]'),
    CHILD.replace('"x"', f'"{"x" * 201}"'),
    f"{CHILD}warmup = 20\n",
    f'{CHILD}warmup = "20 seconds"\n',
    f'{CHILD}warmup = "20"\n',
    f"{CHILD}funding = 0.0001\n",
    f'{CHILD}price.model = "gbn"\n',
    f"{CHILD}price.start = 60000.5\n",
    f"{CHILD}price.volatility = -1\n",
    f'{CHILD}price.volatility = "0.6"\n',
    f"{CHILD}price.volatilty = 0.6\n",
    f"{CHILD}price.volatility = {{low = 0.4}}\n",
    f'{CHILD}price.volatility = {{low = "0.4", high = "0.9"}}\n',
    f"{CHILD}price.volatility = {{choices = []}}\n",
    f'{CHILD}price.volatility = {{distribution = "normal", mean = 0.6}}\n',
    f"{CHILD}flow.slots = 1.5\n",
    f'{CHILD}flow.preset = "thick"\n',
    f'{CHILD}account.joint = "yes"\n',
    f'{CHILD}shocks = {{kind = "price"}}\n',
    CHILD + SHOCK.replace('at = "40%"\n', ""),
    CHILD + SHOCK.replace('"40%"', '"5min+40%"'),
    CHILD + SHOCK.replace('"-5%"', "-0.05"),
    CHILD + SHOCK.replace('"price"', '"prices"'),
]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_scenario_is_valid(path: Any) -> None:
    assert fits(SCHEMA, read(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("text", GOOD)
def test_what_a_file_may_say_is_valid(text: str) -> None:
    assert fits(SCHEMA, read(text))


@pytest.mark.parametrize("text", BAD)
def test_typical_mistakes_are_not_valid(text: str) -> None:
    assert not fits(SCHEMA, read(text))


def test_the_keys_of_the_schema_are_those_of_the_loader() -> None:
    """A key that the loader took and the schema did not would be marked in an editor as wrong."""
    known = json.loads(load_scenario("calm").model_dump_json())
    assert set(known) | {"extends"} == set(SCHEMA["properties"])
    for table in ("price", "flow", "options", "account", "carry"):
        name = SCHEMA["properties"][table]["$ref"].split("/")[-1]
        assert set(known[table]) == set(SCHEMA["$defs"][name]["properties"])


def test_every_key_is_described() -> None:
    tables = [SCHEMA, *(one for one in SCHEMA["$defs"].values() if "properties" in one)]
    keys = [value for table in tables for value in table["properties"].values()]
    assert len(keys) > 100
    assert all(value["description"] for value in keys)


def test_it_is_a_schema_of_the_draft_it_names_and_means_what_it_means_here() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="the validator is not installed")
    assert SCHEMA["$schema"] == DRAFT
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for text in [*GOOD, *BAD, *(path.read_text(encoding="utf-8") for path in SHIPPED)]:
        assert validator.is_valid(read(text)) == fits(SCHEMA, read(text)), text
