"""Dotted keys of a venue: whether there is one, and which was meant if not."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterator
from typing import Any, cast

from pydantic import BaseModel

_NOT_FIGURES = ("name", "purpose", "as_of", "sources", "unverified")


def unknown_key(venue: BaseModel, key: str) -> str:
    """Return why a dotted key is no key of a venue, and which one comes nearest, or ""."""
    known = list(_keys(type(venue), venue))
    if key in known:
        return ""
    section = key.partition(".")[0]
    if section != key and vars(venue).get(section, key) is None:
        return f"there is no [{section}] in this file: leave it out"
    last = key.rpartition(".")[2]
    same_end = [one for one in known if one.rpartition(".")[2] == last]
    close = difflib.get_close_matches(key, known, n=1) or same_end
    hint = f"did you mean {close[0]!r}?" if close else 'name one such as "perpetual.tiers"'
    return f"no such key in this file; {hint}"


def _keys(model: type[BaseModel], section: BaseModel | None, prefix: str = "") -> Iterator[str]:
    """Yield the dotted keys of a section and of those below it; items of lists have none.

    A section that is not there has no keys below it; one that is wrong has those of its model.
    """
    given: dict[str, Any] = {} if section is None else vars(section)
    for name, field in model.model_fields.items():
        if not prefix and name in _NOT_FIGURES:
            continue
        key = f"{prefix}{name}"
        yield key
        inner = _model_in(field.annotation)
        value = given.get(name, ...)
        if isinstance(value, dict):
            yield from (f"{key}.{each}" for each in cast("dict[str, Any]", value))
        elif inner is not None and value is ...:
            yield from _keys(inner, None, f"{key}.")
        elif isinstance(value, BaseModel):
            yield from _keys(type(value), value, f"{key}.")


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that a field holds by itself, also if it may be left out."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) is tuple:
        return None
    inner = (_model_in(part) for part in typing.get_args(annotation))
    return next((found for found in inner if found is not None), None)
