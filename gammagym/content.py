"""Content that is referred to by name or by path: agents, scenarios, venues and flow presets.

A **name** is looked up in what ships with the package (`gammagym/_bundled/<kind>`; venues and flow
presets lie in the package itself), then in the checkout: the folder of that kind beside the
`pyproject.toml` next to the package. Anything with a slash or a backslash in it, or ending in the
kind's suffix (`.py`, `.toml`), is a **path**, relative to the current directory; a folder stands
for its `agent.py`. Nothing depends on the current directory but such relative paths.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gammagym.errors import AgentError, GammagymError, ScenarioError, nearest

Kind = Literal["agents", "scenarios", "venues", "flows"]

PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class _Shelf:
    """Where one kind of content lies and what it is called in messages."""

    noun: str
    suffix: str
    folder: str
    in_package: bool
    error: type[GammagymError]


_SHELVES: dict[Kind, _Shelf] = {
    "agents": _Shelf("agent", ".py", "agents", False, AgentError),
    "scenarios": _Shelf("scenario", ".toml", "scenarios", False, ScenarioError),
    "venues": _Shelf("venue", ".toml", "venues", True, ScenarioError),
    "flows": _Shelf("flow preset", ".toml", "scenario/flows", True, ScenarioError),
}


def is_path(kind: Kind, name: str | os.PathLike[str]) -> bool:
    """Return whether a reference is a path rather than a name.

    >>> is_path("agents", "whalley_wilmott"), is_path("agents", "./mine.py")
    (False, True)
    """
    if not isinstance(name, str):
        return True
    return "/" in name or "\\" in name or name.endswith(_SHELVES[kind].suffix)


def resolve(kind: Kind, name: str | os.PathLike[str]) -> Path:
    """Return the file that a name or a path refers to.

    Args:
        kind: What is looked for.
        name: A name such as "calm", or a path such as "./mine.toml"; a folder stands for its
            `agent.py`.

    Returns:
        The absolute path of an existing file.

    Raises:
        AgentError: If there is no such agent.
        ScenarioError: If there is no such scenario, venue or flow preset.

    >>> resolve("venues", "generic").name
    'generic.toml'
    """
    shelf = _SHELVES[kind]
    if is_path(kind, name):
        return _resolve_path(shelf, os.fspath(name))
    known = _catalogue(kind)
    if str(name) not in known:
        raise shelf.error(f"no {shelf.noun} {str(name)!r}: {nearest(str(name), list(known))}")
    return known[str(name)]


def opening_comment(path: Path) -> str:
    """Return the comment that a TOML file begins with, which tells its story."""
    lines: list[str] = []
    for line in path.read_text("utf-8-sig").splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith("#:"):  # a directive for editors, such as #:schema
            lines.append(line.removeprefix("#").strip())
    return "\n".join(lines).strip()


def available(kind: Kind) -> list[str]:
    """Return the names that `resolve` knows, in alphabetical order.

    >>> "frictionless" in available("venues")
    True
    """
    return sorted(_catalogue(kind))


def _resolve_path(shelf: _Shelf, given: str) -> Path:
    try:
        path = Path(given).expanduser().resolve()
        if path.is_dir() and shelf.suffix == ".py":
            path = path / "agent.py"
        exists, is_folder = path.is_file(), path.is_dir()
    except (OSError, RuntimeError, ValueError) as error:
        raise shelf.error(f"{shelf.noun} {given!r} is not a usable path: {error}") from error
    if is_folder:
        raise shelf.error(f"{shelf.noun} {given!r}: {path} is a folder, not a file")
    if not exists:
        raise shelf.error(f"{shelf.noun} {given!r}: there is no file {path}")
    return path


def _folders(kind: Kind) -> list[Path]:
    shelf = _SHELVES[kind]
    if shelf.in_package:
        return [PACKAGE / shelf.folder]
    folders = [PACKAGE / "_bundled" / shelf.folder]
    # Only a checkout: beside an installed package there may be somebody else's `agents`.
    if (PACKAGE.parent / "pyproject.toml").is_file():
        folders.append(PACKAGE.parent / shelf.folder)
    return folders


def _catalogue(kind: Kind) -> dict[str, Path]:
    """Return every known name and its file; the first folder wins."""
    suffix = _SHELVES[kind].suffix
    found: dict[str, Path] = {}
    for folder in _folders(kind):
        entries = sorted(folder.iterdir()) if folder.is_dir() else []
        for entry in entries:
            if entry.name.startswith(("_", ".")):
                continue
            if entry.suffix == suffix and entry.is_file():
                found.setdefault(entry.stem, entry)
            elif suffix == ".py" and (entry / "agent.py").is_file():
                found.setdefault(entry.name, entry / "agent.py")
    return found
