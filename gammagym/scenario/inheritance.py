"""Lay scenario files over each other: those that one extends, and those of a combination.

A file that has `extends = "calm"` begins with all that calm says. A combination, `calm +
exchange_outage`, begins with the first scenario, and has laid over it what each further file says
itself, not what it inherits.

Tables are laid over each other key by key, and the value on top counts, but for three things:
shocks come after those below; a table whose model or kind changes starts anew; lists, ranges and
other values that happen to be tables are replaced as a whole.
"""

from __future__ import annotations

import copy
import os
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from gammagym import content
from gammagym.errors import ScenarioError
from gammagym.scenario.keys import model_in
from gammagym.scenario.problems import report
from gammagym.scenario.reference import PLUS, parse_scenario
from gammagym.scenario.schema import LONGEST_PURPOSE, Scenario
from gammagym.scenario.tables import RawTable, Source, Table, anchored, read_table

EXTENDS = "extends"
_TIMELINE = "shocks"
# What a file says of itself, and passes on to nobody.
_OWN_KEYS = ("name", "purpose", "group", "record")
# Keys that decide what else their table may say; where one changes, nothing below it is kept.
_DECISIVE = MappingProxyType({"price": "model", "flow": "kind"})


@dataclass
class Draft:
    """What one or more files say of a scenario together, before it is validated.

    Attributes:
        label: what messages call it.
        table: values, each from the topmost file that gives it.
        files: those files, the lowest first.
        origins: for each dotted key, the label of the file that its value is from, and the key
            that it has there; nothing where there is one file only.
        problems: what is wrong with how the files refer to each other.
    """

    label: str = ""
    table: Table = field(default_factory=dict[str, Any])
    files: tuple[Path, ...] = ()
    origins: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    problems: list[str] = field(default_factory=list[str])

    def placed(self, key: str, line: str) -> str:
        """Return a problem of a key with the file that it is in, if there are several."""
        where = self._places(key)
        return f"{line} [in {', '.join(where)}]" if where else line

    def _places(self, key: str) -> list[str]:
        """Return the files of the value at a key, or of the values below it."""
        below = [each for place, each in self.origins.items() if place.startswith(f"{key}.")]
        found = [origin for origin, _ in below]
        above = key
        while not found and above:
            if above in self.origins:
                origin, there = self.origins[above]
                own = there + key[len(above) :]
                found.append(origin if own == key else f"{origin}, there {own}")
            above = above.rpartition(".")[0]
        return list(dict.fromkeys(found))


def read_draft(sources: Sequence[Source]) -> Draft:
    """Read a scenario, or several that are combined, with all that the first one extends.

    Args:
        sources: names, paths, dicts or a `Scenario`; each is laid over those before it.

    Raises:
        ScenarioError: One of them cannot be read; every such problem is told. Problems of the
            files that they extend are in the draft.
    """
    tops = _read_all(sources)
    draft = Draft(" ".join((tops[0].label, *(f"{PLUS} {_short(top)}" for top in tops[1:]))))
    lowest = _ancestors(tops[0], draft)
    combined = len(tops) > 1
    for layer in [*lowest, *tops]:
        left_out = (EXTENDS, *_OWN_KEYS) if combined or layer is not tops[0] else (EXTENDS,)
        table = {
            key: anchored(key, value, layer.folder)
            for key, value in layer.table.items()
            if key not in left_out
        }
        _Merge(draft, _short(layer)).lay(draft.table, table, Scenario)
    if combined:
        _introduce(draft, tops)
    elif lowest:
        draft.origins["purpose"] = (_short(tops[0]), "purpose")
    else:
        draft.origins.clear()
    draft.files = tuple(layer.path for layer in [*lowest, *tops] if layer.path is not None)
    return draft


def scenario_files(reference: str) -> tuple[Path, ...]:
    """Return the files that a scenario is made of, those that it extends first.

    >>> [path.name for path in scenario_files("calm + flash_crash@binance")]
    ['calm.toml', 'flash_crash.toml']
    """
    return read_draft(parse_scenario(reference).scenarios).files


def _read_all(sources: Sequence[Source]) -> list[RawTable]:
    if len(sources) == 1:
        return [read_table("scenarios", sources[0])]
    tops: list[RawTable] = []
    problems: list[str] = []
    for source in sources:
        try:
            tops.append(read_table("scenarios", source))
        except ScenarioError as error:
            problems.append(str(error))
    if problems:
        label = f" {PLUS} ".join(map(str, sources))
        raise ScenarioError(report(f"scenario {label}", problems))
    return tops


def _short(layer: RawTable) -> str:
    return "the dict" if layer.path is None else str(layer.path)


# --- What a file extends ---------------------------------------------------------------------


def _ancestors(layer: RawTable, draft: Draft) -> list[RawTable]:
    """Return the files that one extends, the lowest first; what is wrong goes into the draft."""
    line = [layer]
    while EXTENDS in line[0].table:
        child = line[0]
        try:
            line.insert(0, _parent(child, line))
        except ScenarioError as error:
            told = f"{EXTENDS} = {child.table[EXTENDS]!r}: {error}"
            draft.problems.append(told if child is layer else f"{told} [in {_short(child)}]")
            break
    return line[:-1]


def _parent(child: RawTable, line: Sequence[RawTable]) -> RawTable:
    """Return the file that another extends.

    Raises:
        ScenarioError: It cannot be read, or is among those that have led here.
    """
    given = child.table[EXTENDS]
    if not isinstance(given, str | os.PathLike) or not given:
        raise ScenarioError(
            'must be the name or the path of one scenario, such as "calm" or "./mine.toml"'
        )
    if not content.is_path("scenarios", cast(str, given)):
        reference = parse_scenario(cast(str, given))
        if reference.venue:
            raise ScenarioError(f"names a venue: write venue = {reference.venue!r} instead")
        if len(reference.scenarios) > 1:
            raise ScenarioError(
                "must be one scenario: combinations are for whoever plays a scenario"
            )
    parent = read_table("scenarios", anchored(EXTENDS, given, child.folder))
    known = [each.path.resolve() for each in line if each.path is not None]
    if parent.path is not None and parent.path.resolve() in known:
        chain = [each.path for each in line if each.path is not None]
        turn = [*reversed(chain[: known.index(parent.path.resolve()) + 1]), parent.path]
        raise ScenarioError(f"makes a cycle: {_told_chain(turn)}")
    return parent


def _told_chain(paths: Sequence[Path]) -> str:
    """Return the names of files with arrows between; their paths, if two have the same name."""
    resolved = {path.resolve() for path in paths}
    distinct = len({path.stem for path in resolved}) == len(resolved)
    return " -> ".join(path.stem if distinct else str(path) for path in paths)


# --- One table over another ------------------------------------------------------------------


@dataclass(frozen=True)
class _Merge:
    """Lays the values of one file over a draft, and notes where they are from."""

    draft: Draft
    origin: str

    def lay(self, below: Table, above: Table, model: type[BaseModel] | None, at: str = "") -> None:
        """Lay a table over another one, in place.

        Args:
            below: what the values go into.
            above: values of the file.
            model: schema of the table; None: its keys are free names.
            at: dotted key of the table, with a dot at its end.
        """
        for key, value in above.items():
            place = f"{at}{key}"
            under = below.get(key)
            inner = _section(model, key)
            if place == _TIMELINE and isinstance(value, list):
                self._append(below, cast("list[Any]", value))
            elif isinstance(value, dict) and (inner or _has_free_names(model, key)):
                table = cast(Table, value)
                if not isinstance(under, dict) or _starts_anew(place, inner, under, table):
                    self._forget(place)
                    below[key] = under = {}
                self.lay(cast(Table, under), table, inner, f"{place}.")
            else:
                self._forget(place)
                self.draft.origins[place] = (self.origin, place)
                below[key] = copy.deepcopy(value)

    def _append(self, below: Table, shocks: list[Any]) -> None:
        timeline = below.setdefault(_TIMELINE, [])
        if not isinstance(timeline, list):
            return  # a mistake of the file below, which must not be covered up
        timeline = cast("list[Any]", timeline)
        for place, shock in enumerate(shocks):
            here = f"{_TIMELINE}.{len(timeline)}"
            self.draft.origins[here] = (self.origin, f"{_TIMELINE}.{place}")
            timeline.append(copy.deepcopy(shock))

    def _forget(self, place: str) -> None:
        """Forget where a value that is replaced came from."""
        for known in [*self.draft.origins]:
            if f"{known}.".startswith(f"{place}."):
                del self.draft.origins[known]


def _section(model: type[BaseModel] | None, key: str) -> type[BaseModel] | None:
    """Return the schema of the table at a key, or None for values and free names."""
    if model is None or key not in model.model_fields or _has_free_names(model, key):
        return None
    return model_in(model.model_fields[key].annotation)


def _has_free_names(model: type[BaseModel] | None, key: str) -> bool:
    """Return whether a key holds a table whose keys are not those of a schema."""
    if model is None or key not in model.model_fields:
        return False
    return typing.get_origin(model.model_fields[key].annotation) is dict


def _starts_anew(place: str, section: Any, below: Table, above: Table) -> bool:
    decisive = _DECISIVE.get(place)
    if decisive is None or decisive not in above:
        return False
    given = below.get(decisive, section.model_fields[decisive].default)
    return given is not PydanticUndefined and above[decisive] != given


# --- What a combination is called ------------------------------------------------------------


def _introduce(draft: Draft, tops: Iterable[RawTable]) -> None:
    """Make name and purpose of a combination out of those of its files."""
    for key, between in (("name", f" {PLUS} "), ("purpose", "; ")):
        values: list[str] = []
        for top in tops:
            value = top.table.get(key)
            draft.origins[key] = (_short(top), key)
            if not isinstance(value, str) or not value:
                draft.table |= {key: value} if key in top.table else {}
                break
            values.append(value)
        else:
            joined = between.join(values)
            draft.table[key] = _cut(joined) if key == "purpose" else joined


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_PURPOSE else f"{text[: LONGEST_PURPOSE - 3].rstrip()}..."
