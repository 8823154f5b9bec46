"""Where a dotted key leads in a model of a configuration file."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

Location = tuple[int | str, ...]


def field_at(model: type[BaseModel], location: Location) -> tuple[FieldInfo | None, list[str]]:
    """Return the field at a key path, or None, and the names that are valid beside it."""
    fields: Mapping[str, FieldInfo] = model.model_fields
    field: FieldInfo | None = None
    for place, part in enumerate(location):
        if isinstance(part, int):
            continue
        field = fields.get(part)
        if field is None:
            break
        inner = model_in(field.annotation)
        if place < len(location) - 1:
            fields = inner.model_fields if inner else {}
    return field, list(fields)


def model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that a field holds, directly or as the items of a tuple."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (model_in(part) for part in typing.get_args(annotation))
    return next((found for found in inner if found is not None), None)


def is_exact(model: type[BaseModel], key: str) -> bool:
    """Return whether a key's value is kept as an exact decimal, so that no float may stand for it.

    >>> from gammagym.scenario.schema import Scenario
    >>> is_exact(Scenario, "price.start"), is_exact(Scenario, "price.volatility")
    (True, False)
    """
    location = tuple(int(part) if part.isdecimal() else part for part in key.split("."))
    field, _ = field_at(model, location)
    return field is not None and _holds_decimal(field.annotation)


def _holds_decimal(annotation: Any) -> bool:
    return annotation is Decimal or any(map(_holds_decimal, typing.get_args(annotation)))
