"""Errors of configuration files as people read them: every problem, its key, what is allowed."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from gammagym.errors import nearest
from gammagym.quantities import format_duration, format_percent, parse_duration

Location = tuple[int | str, ...]

_BOUNDS = {
    "greater_than": ("gt", ">"),
    "greater_than_equal": ("ge", ">="),
    "less_than": ("lt", "<"),
    "less_than_equal": ("le", "<="),
}
_TYPES = {
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text in quotes",
    "string_too_short": "must not be empty",
    "bool_type": "must be true or false",
    "model_type": "must be a table of keys",
    "model_attributes_type": "must be a table of keys",
    "tuple_type": "must be a list",
}
_LONGEST = 80
_WRITTEN_DECIMAL = re.compile(r"Decimal\('(.+)'\)")


def dotted(location: Iterable[int | str]) -> str:
    """Return a key path as people write it.

    >>> dotted(("shocks", 0, "move"))
    'shocks.0.move'
    """
    return ".".join(str(part) for part in location)


def describe(
    error: ValidationError, model: type[BaseModel], table: Mapping[str, Any]
) -> dict[str, str]:
    """Return every problem of a failed validation of a table: dotted key to one line of text."""
    lines: dict[str, str] = {}
    for item in error.errors():
        # What was written, not what a validator had already made of it.
        item["input"] = _written(table, item["loc"], item["input"])
        lines[dotted(item["loc"])] = _line(item, model)
    return lines


def report(label: str, lines: Iterable[str]) -> str:
    """Return the text of one error: one problem on its line, several each on a line of its own.

    >>> report("scenario x.toml", ["price.start: is missing"])
    'scenario x.toml: price.start: is missing'
    """
    lines = list(lines)
    if len(lines) == 1:
        return f"{label}: {lines[0]}"
    return "\n  ".join([f"{label}: {len(lines)} problems", *lines])


def _line(item: ErrorDetails, model: type[BaseModel]) -> str:
    key = dotted(item["loc"])
    field, siblings = field_at(model, item["loc"])
    about = f" ({field.description})" if field is not None and field.description else ""
    if item["type"] == "extra_forbidden":
        return f"{key}: unknown key; {nearest(str(item['loc'][-1]), siblings)}"
    if item["type"] == "missing":
        return f"{key}: is missing{about}"
    if item["type"] == "rule" and item["input"] is None:
        return f"{key}: {item['msg']}"
    return f"{key} = {_shown(item['input'])}: {_allowed(item, field)}{about}"


def _written(table: Any, location: Location, otherwise: Any) -> Any:
    """Return the value at a key path of the raw table, or another if there is none."""
    here = table
    for part in location:
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            return otherwise
    return here


def _shown(value: Any) -> str:
    """Return a value as it would be written in a file, shortened."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, BaseModel):
        return "{...}"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _allowed(item: ErrorDetails, field: FieldInfo | None) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind in _BOUNDS:
        name, sign = _BOUNDS[kind]
        return f"must be {sign} {_like(item['input'], context[name])}"
    if kind == "literal_error" and field is not None:
        choices = _choices(field.annotation)
        return f"is not a choice; {nearest(str(item['input']), choices)}"
    if kind == "too_long":
        return f"at most {context['max_length']} are allowed, {context['actual_length']} were given"
    if kind == "too_short":
        return f"needs at least {context['min_length']}"
    if kind == "string_too_long":
        return f"must have at most {context['max_length']} characters"
    if kind.startswith("date"):
        return "must be a date such as 2025-01-31"
    if kind == "value_error":
        return str(context["error"])
    return _TYPES.get(kind, item["msg"].replace("Input should be", "must be"))


def _like(given: Any, bound: Any) -> str:
    """Return a bound in the notation of the value that broke it."""
    written = _WRITTEN_DECIMAL.fullmatch(str(bound))
    if written:  # how pydantic tells it of a value that may be left out
        bound = Decimal(written[1])
    if isinstance(given, str) and given.strip().endswith("%"):
        return format_percent(Decimal(bound))
    try:
        parse_duration(given)
    except ValueError:
        return f"{bound:g}" if isinstance(bound, float) else str(bound)
    return format_duration(int(bound))


def _choices(annotation: Any) -> list[str]:
    """Return the values of a Literal, also inside a union."""
    values: list[str] = []
    for part in typing.get_args(annotation):
        values += [part] if isinstance(part, str) else _choices(part)
    return values


def field_at(
    model: type[BaseModel], location: Sequence[int | str]
) -> tuple[FieldInfo | None, list[str]]:
    """Return the field at a key path, or None, and the names that are valid beside it."""
    fields: Mapping[str, FieldInfo] = model.model_fields
    field: FieldInfo | None = None
    for part in location:
        if isinstance(part, int):
            continue
        field = fields.get(part)
        if field is None:
            break
        inner = _model_in(field.annotation)
        if part != location[-1]:
            fields = inner.model_fields if inner else {}
    return field, list(fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that a field holds, directly or as the items of a tuple."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(part) for part in typing.get_args(annotation))
    return next((found for found in inner if found is not None), None)
