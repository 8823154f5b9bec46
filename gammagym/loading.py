"""Load agents: turn what a user typed after ``--agent`` into an object that acts.

A reference is ``name``, ``path.py`` or ``folder`` (its ``agent.py``), with parameters if wished:
``delta_band:band=0.02,edge=true``. A name is one of the agents that gammagym ships, or one that
another package registers under the entry-point group ``gammagym.agents`` (as ``module`` or as
``module:make_agent``). An agent file is code and is run: load only what you trust.
"""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import math
import os
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, cast, get_type_hints

import numpy as np

from gammagym import content
from gammagym.agent import Agent, AgentSpec, Array
from gammagym.errors import AgentError, nearest

ENTRY_POINT_GROUP = "gammagym.agents"
Parameter = bool | int | float | str

# A colon begins the parameters only where `key=` follows: paths may contain colons too.
_PARAMETERS = re.compile(r":(?=[A-Za-z_]\w*=)")
_PRIVATE = "_gammagym_agent_"
_module_numbers = itertools.count()


class _Source(NamedTuple):
    """Where an agent comes from: how errors call it, the callable, what is allowed after `:`."""

    title: str
    make_agent: Callable[..., Any]
    parameters: dict[str, Any]  # allowed names and their types
    any_parameter: bool  # make_agent takes **params and there is no Params to say which
    file: str | None  # where it is written


def parse_reference(reference: str) -> tuple[str, dict[str, Parameter]]:
    """Split a reference into name and parameters.

    Args:
        reference: ``name``, ``path.py`` or ``folder``, optionally ``:key=value,key=value``.

    Returns:
        The name or path, and the parameters: ``true`` and ``false`` are booleans, what reads as
        a number is one, the rest are strings.

    Raises:
        AgentError: the reference is empty or its parameters are malformed.

    >>> parse_reference("delta_band:band=0.02,edge=true")
    ('delta_band', {'band': 0.02, 'edge': True})
    """
    name, texts = _split_reference(reference)
    return name, {key: _value(text) for key, text in texts.items()}


def agent_title(reference: str) -> str:
    """Return the short name that tables and legends print for a reference.

    >>> agent_title("./bots/mine.py:move=0.0020")
    'mine (move=0.002)'
    """
    name, parameters = parse_reference(reference)
    if content.is_path("agents", name):
        path = Path(os.path.abspath(os.path.expanduser(name)))
        path = path.parent if path.name == "agent.py" else path
        name = path.stem if path.suffix == ".py" else path.name
    settings = ", ".join(f"{key}={value}" for key, value in parameters.items())
    return f"{name} ({settings})" if settings else name


def available_agents() -> list[str]:
    """Return the names that ``load_agent`` knows: those shipped and those of other packages."""
    registered = {entry.name for entry in entry_points(group=ENTRY_POINT_GROUP)}
    return sorted({*content.available("agents"), *registered})


def load_agent(reference: str, spec: AgentSpec) -> Agent:
    """Load an agent and make it for a task.

    Args:
        reference: ``name``, ``path.py`` or ``folder``, optionally ``:key=value,key=value``.
        spec: what the agent is told of its task.

    Returns:
        A new agent. Loading a file twice gives two modules that share nothing.

    Raises:
        AgentError: there is no such agent, its file fails, a parameter is unknown or not allowed,
            or ``make_agent`` is missing, raises, or returns something that is not an agent.
    """
    name, texts = _split_reference(reference)
    title, loaded = _find(name)
    try:
        return _made(_source(title, loaded), texts, spec)
    except BaseException:
        if isinstance(loaded, ModuleType) and loaded.__name__.startswith(_PRIVATE):
            sys.modules.pop(loaded.__name__, None)
        raise


def checked_action(action: Any, shape: tuple[int, ...], title: str = "agent") -> Array:
    """Return what an agent's ``act`` returned as a float32 array.

    Args:
        action: what ``act`` returned.
        shape: shape that the environment expects, such as ``(2,)`` or ``(worlds, 2)``.
        title: how errors call the agent.

    Raises:
        AgentError: it is not an array of real, finite numbers of that shape.

    >>> checked_action([0.5, 1], (2,)).dtype
    dtype('float32')
    """
    try:
        given = np.asarray(action)
    except ValueError as error:
        raise AgentError(f"{title}: the action is not an array of numbers: {error}") from error
    if given.dtype.kind not in "iuf":
        raise AgentError(f"{title}: an action must be real numbers, was of dtype {given.dtype}")
    if given.shape != shape:
        raise AgentError(f"{title}: an action must have shape {shape}, had {given.shape}")
    with np.errstate(over="ignore"):
        result = given.astype(np.float32)
    finite = np.isfinite(result)
    if not finite.all():
        place = tuple(int(index) for index in np.argwhere(~finite)[0])
        raise AgentError(f"{title}: an action must be finite, was {result[place]} at {place}")
    return result


# References


def _split_reference(reference: str) -> tuple[str, dict[str, str]]:
    """Split a reference into name and parameters, both as text."""
    name, *rest = _PARAMETERS.split(reference.strip(), maxsplit=1)
    texts: dict[str, str] = {}
    head, colon, tail = name.rpartition(":")
    if not rest and colon and not content.is_path("agents", tail):
        name, rest = head, [tail]
    if not name:
        raise AgentError(f"agent {reference!r}: expected a name, a .py file or a folder")
    for part in rest[0].split(",") if rest else []:
        key, equals, text = (each.strip() for each in part.partition("="))
        if not (equals and text and key.isidentifier()):
            raise AgentError(f"agent {reference!r}: expected key=value after ':', found {part!r}")
        if key in texts:
            raise AgentError(f"agent {reference!r}: {key!r} is given twice")
        texts[key] = text
    return name, texts


def _value(text: str) -> Parameter:
    """Return the boolean or number that a text stands for, or the text."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


# Finding


def _find(name: str) -> tuple[str, Any]:
    """Find an agent: a path by its form; else a shipped name, else a registered one.

    Returns:
        How errors call it, and its module or its ``make_agent``.
    """
    if content.is_path("agents", name):
        title = f"agent {name!r}"
        return title, _run_file(title, content.resolve("agents", name))
    if name in content.available("agents"):
        path = content.resolve("agents", name)
        title = f"agent {name!r} ({path})"
        return title, _run_file(title, path)
    for entry in entry_points(group=ENTRY_POINT_GROUP, name=name):
        title = f"agent {name!r} ({entry.value})"
        try:
            return title, entry.load()
        except (Exception, SystemExit) as error:
            raise AgentError(f"{title}: cannot be loaded: {_told(error)}") from error
    raise AgentError(
        f"no agent {name!r}: {nearest(name, available_agents())}; "
        "a file of your own is given by its path, such as ./mine.py"
    )


def _run_file(title: str, path: Path) -> ModuleType:
    """Run a file as a module of a private name that nothing else has."""
    stem = re.sub(r"\W", "_", path.parent.name if path.stem == "agent" else path.stem)
    private = f"{_PRIVATE}{next(_module_numbers)}_{stem}"
    module_spec = importlib.util.spec_from_file_location(private, path)
    if module_spec is None or module_spec.loader is None:
        raise AgentError(f"{title}: not a Python file")
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[private] = module  # before it runs: dataclasses look their module up
    try:
        module_spec.loader.exec_module(module)
    except BaseException as error:
        sys.modules.pop(private, None)
        if not isinstance(error, (Exception, SystemExit)):
            raise
        raise AgentError(f"{title}: cannot be loaded: {_told(error, str(path))}") from error
    return module


def _source(title: str, loaded: Any) -> _Source:
    """Find ``make_agent`` and ``Params`` in a module (or in that of a callable)."""
    if isinstance(loaded, ModuleType):
        make_agent, module = getattr(loaded, "make_agent", None), loaded
    else:
        make_agent, module = loaded, inspect.getmodule(loaded)
    if make_agent is None:
        raise AgentError(f"{title}: defines no make_agent(spec)")
    if not callable(make_agent):
        raise AgentError(f"{title}: make_agent must be a function, is {make_agent!r}")
    allowed, takes_more = _signature(make_agent)
    params = getattr(module, "Params", None)
    if takes_more and isinstance(params, type) and is_dataclass(params):
        hints = _hints(params)
        allowed |= {each.name: hints.get(each.name, Any) for each in fields(params) if each.init}
        takes_more = False
    return _Source(title, make_agent, allowed, takes_more, getattr(module, "__file__", None))


def _signature(make_agent: Callable[..., Any]) -> tuple[dict[str, Any], bool]:
    """Return the named parameters after the first with their types, and if it takes others."""
    try:
        _, *rest = inspect.signature(make_agent).parameters.values()
    except ValueError:  # written in C, or takes nothing: calling it will tell
        return {}, True
    hints = _hints(make_agent)
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    named = {each.name: hints.get(each.name, Any) for each in rest if each.kind in by_name}
    return named, any(each.kind is inspect.Parameter.VAR_KEYWORD for each in rest)


def _hints(thing: Any) -> dict[str, Any]:
    """Return the type hints of a class or function; none where they cannot be read."""
    try:
        return get_type_hints(thing)
    except Exception:
        return {}


# Making


def _made(source: _Source, texts: dict[str, str], spec: AgentSpec) -> Agent:
    """Call ``make_agent`` and look at what it returned."""
    parameters = _checked_parameters(source, texts)
    try:
        agent = source.make_agent(spec, **parameters)
    except AgentError as error:
        raise AgentError(f"{source.title}: {error}") from error
    except (Exception, SystemExit) as error:
        raise AgentError(
            f"{source.title}: make_agent raised {_told(error, source.file)}"
        ) from error
    if isinstance(agent, type):
        raise AgentError(
            f"{source.title}: make_agent returned the class {agent.__name__}, not an object of it"
        )
    missing = [each for each in ("reset", "act") if not callable(getattr(agent, each, None))]
    if missing:
        raise AgentError(
            f"{source.title}: make_agent must return an object with reset(info, worlds=None) and "
            f"act(observation); what it returned ({type(agent).__name__}) has no "
            f"{' and no '.join(missing)}"
        )
    return cast(Agent, agent)


def _checked_parameters(source: _Source, texts: dict[str, str]) -> dict[str, Parameter]:
    """Return the parameters with the types that the agent declares."""
    result: dict[str, Parameter] = {}
    for key, text in texts.items():
        if key not in source.parameters and not source.any_parameter:
            known = list(source.parameters)
            hint = nearest(key, known) if known else "it takes none"
            raise AgentError(f"{source.title}: unknown parameter {key!r}; {hint}")
        result[key] = _typed(source, key, text)
    return result


def _typed(source: _Source, key: str, text: str) -> Parameter:
    """Return a parameter's text as the type that the agent declares for it."""
    wanted: Any = source.parameters.get(key)
    value = _value(text)
    if wanted is str:
        return text
    if isinstance(value, (bool, str)):
        allowed = wanted not in (bool, int, float) or (wanted is bool and isinstance(value, bool))
    elif wanted is int:
        allowed = float(value).is_integer()
    else:
        allowed = wanted is not bool and math.isfinite(value)
    if not allowed:
        expected = "true or false" if wanted is bool else "a number"
        expected = "a whole number" if wanted is int else expected
        raise AgentError(f"{source.title}: parameter {key!r} must be {expected}, was {text!r}")
    return wanted(value) if wanted in (int, float) else value


def _told(error: BaseException, file: str | None = None) -> str:
    """Return an error of somebody's code in one line: type, message and the line of its file."""
    message = " ".join(str(error).split())
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == file
    ]
    return f"{text} (line {lines[-1]})" if lines else text
