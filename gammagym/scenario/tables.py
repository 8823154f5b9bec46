"""Raw tables of scenario and venue files: read, paths in them made absolute, values overridden.

Nothing here knows what a value means; the schema decides later.
"""

from __future__ import annotations

import copy
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from gammagym import content
from gammagym.errors import ScenarioError
from gammagym.quantities import Model

Table = dict[str, Any]
Overrides = Mapping[str, Any]
Source = str | os.PathLike[str] | Mapping[str, Any] | Model

# Keys of a table of free names: what follows is one name, whatever dots there are in it.
_FREE_NAMES = "rules"
# Keys that are the name or the path of something.
_REFERENCES: Mapping[str, content.Kind] = {"venue": "venues", "extends": "scenarios"}


@dataclass(frozen=True)
class RawTable:
    """What one file, dict or model says, before anything is checked.

    Attributes:
        label: what messages call it.
        folder: what paths in it are relative to.
        table: its keys and values; the name is by default that of the file.
        path: the file, or None.
    """

    label: str
    folder: Path
    table: Table
    path: Path | None = None


def read_table(kind: content.Kind, source: Source) -> RawTable:
    """Read a table from a file by name or path, or take it from a dict or a model.

    Raises:
        ScenarioError: There is no such file, or it is not TOML.
    """
    noun = kind.removesuffix("s")
    if isinstance(source, Model):
        table = source.model_dump()
        return RawTable(f"{noun} {table['name']!r}", Path.cwd(), table)
    if isinstance(source, Mapping):
        table = {"name": "unnamed", **copy.deepcopy(dict(source))}
        return RawTable(f"{noun} given as a dict", Path.cwd(), table)
    if not isinstance(cast(object, source), str | os.PathLike):
        raise ScenarioError(
            f"{noun}: must be a name, a path, a dict or a {noun.title()}, "
            f"was {type(source).__name__}"
        )
    path = content.resolve(kind, source)
    table = {"name": path.stem, **read_toml(path, noun)}
    return RawTable(f"{noun} {path}", path.parent, table, path)


def read_toml(path: Path, noun: str) -> Table:
    """Read a TOML file.

    Raises:
        ScenarioError: It cannot be read, is not UTF-8 text, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{noun} {path}: not valid TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{noun} {path}: not UTF-8 text (byte {error.start})") from error
    except RecursionError as error:
        raise ScenarioError(f"{noun} {path}: tables are nested too deeply") from error
    except OSError as error:
        raise ScenarioError(f"{noun} {path}: cannot be read: {error.strerror}") from error


def anchored(key: str, value: Any, folder: Path) -> Any:
    """Return the value of a key with the paths in it made absolute."""
    if key == "price" and isinstance(value, dict):
        price = cast(Table, value)
        return {name: anchored(f"price.{name}", item, folder) for name, item in price.items()}
    if not isinstance(value, str | os.PathLike) or not str(cast(object, value)):
        return cast(Any, value)
    given = cast("str | os.PathLike[str]", value)
    if key == "price.file" or (key in _REFERENCES and content.is_path(_REFERENCES[key], given)):
        return str(folder / os.path.expanduser(given))
    return cast(Any, value)


def override(table: Table, overrides: Overrides) -> dict[str, str]:
    """Put overrides into a table; return problems by key."""
    problems: dict[str, str] = {}
    for key, value in overrides.items():
        try:
            _put(table, _parts(str(key)), anchored(key, copy.deepcopy(value), Path.cwd()))
        except KeyError as error:
            problems[key] = f"{key}: {error.args[0]}"
    return problems


def _parts(key: str) -> list[str]:
    if key.startswith(f"{_FREE_NAMES}."):
        return key.split(".", 1)
    return key.split(".")


def _put(table: Table, path: list[str], value: Any) -> None:
    """Set the value at a key path, making tables on the way; None removes the key.

    Raises:
        KeyError: If the path leads through something that is not a table, or past a list.
    """
    here: Any = table
    for depth, part in enumerate(path):
        last = depth == len(path) - 1
        if isinstance(here, list | tuple):
            items = cast("list[Any]", here)
            if not part.isdecimal() or int(part) >= len(items):
                raise KeyError(f"there is no item {part!r}; the list has {len(items)}, from 0")
            if last:
                raise KeyError(f"name a key of item {part}, such as {'.'.join(path)}.kind")
            here = items[int(part)]
        elif isinstance(here, dict):
            keys = cast(Table, here)
            if last and value is None:
                keys.pop(part, None)
            elif last:
                keys[part] = value
            else:
                # A path that goes on with a number means an item of a list, here an empty one.
                here = keys.setdefault(part, [] if path[depth + 1].isdecimal() else {})
        else:
            raise KeyError(f"{'.'.join(path[:depth])!r} is a value, not a table of keys")
