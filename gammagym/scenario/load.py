"""Load scenarios, venues and flow presets by name or by path; every problem is told at once.

Loading reads data and never executes anything. A relative path inside a file is relative to that
file; a relative path in an override or a dict is relative to the current directory.
"""

from __future__ import annotations

import copy
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from gammagym import content
from gammagym.errors import ScenarioError
from gammagym.quantities import Model
from gammagym.scenario.hedgers import hedger_problems
from gammagym.scenario.order_flow import Flow, FlowParameters
from gammagym.scenario.problems import describe, report
from gammagym.scenario.ranges import end_problems, inline_ranges, take_ranges
from gammagym.scenario.reference import Reference, parse_scenario
from gammagym.scenario.schema import Scenario
from gammagym.venues.schema import Venue

Table = dict[str, Any]
Overrides = Mapping[str, Any]
Loaded = TypeVar("Loaded", bound=Model)


def load_scenario(
    source: str | os.PathLike[str] | Mapping[str, Any] | Scenario,
    overrides: Overrides | None = None,
) -> Scenario:
    """Load a scenario.

    Args:
        source: A name ("calm"), a path ("./mine.toml"), one of them at a venue ("calm@binance"), a
            dict of the same keys, or a Scenario.
        overrides: Values by dotted key, put in place before validation; a list item is reached by
            its index ("shocks.0.move"), and None takes a key away.

    Returns:
        The validated scenario; `price.file` and a `venue` given as a path are absolute.

    Raises:
        ScenarioError: Naming the file and every problem.

    >>> load_scenario("calm", {"price.volatility": 0.8}).price.volatility
    0.8
    """
    if isinstance(source, Scenario) and not overrides:
        return source
    reference = parse_scenario(source) if isinstance(source, str) else None
    label, folder, table = _read("scenarios", reference.scenario if reference else source)
    table = {key: _anchored(key, value, folder) for key, value in table.items()}
    if reference and reference.venue:
        label += f" at {reference.venue}"
        _move_to_venue(table, reference)
    changes = dict(overrides or {})
    problems = inline_ranges(table) | _override(table, changes) | take_ranges(table)
    scenario, found = _validate(Scenario, table)
    problems = found | problems
    if scenario is not None:
        problems |= _unresolved(scenario)
    problems |= end_problems(table, problems, _examine)
    if scenario is None or problems:
        if changes:
            label += f" with overrides of {', '.join(map(str, changes))}"
        raise ScenarioError(report(label, _with_origin(problems, changes)))
    return scenario


def _move_to_venue(table: Table, reference: Reference) -> None:
    """Let a scenario be played at another venue, on other terms of the account."""
    venue = load_venue(reference.venue)
    table["name"] = ", ".join(
        filter(None, (f"{table['name']} @ {venue.name}", reference.told_terms))
    )
    table["venue"] = _anchored("venue", reference.venue, Path.cwd())
    account = table.get("account", {})
    if reference.terms and isinstance(account, dict):
        table["account"] = cast(Table, account) | reference.terms


def load_venue(
    source: str | os.PathLike[str] | Mapping[str, Any] | Venue,
    changes: Overrides | None = None,
) -> Venue:
    """Load a venue's rules.

    Args:
        source: A name ("generic"), a path, a dict of the same keys, or a Venue.
        changes: Rules by dotted key, put in place before validation.

    Raises:
        ScenarioError: Naming the file and every problem.

    >>> load_venue("generic").taker_fee
    Decimal('0.0005')
    """
    if isinstance(source, Venue) and not changes:
        return source
    label, _, table = _read("venues", source)
    changes = dict(changes or {})
    problems = _override(table, changes)
    venue, found = _validate(Venue, table)
    problems |= found
    if venue is None or problems:
        raise ScenarioError(report(label, _with_origin(problems, changes)))
    return venue


def load_flow(preset: str) -> dict[str, float]:
    """Load a preset of order flow: every parameter of `FlowParameters`, none left out.

    Args:
        preset: "thin", "full" or "sparse", or a path.

    Raises:
        ScenarioError: Naming the file and every problem.

    >>> load_flow("sparse")["rate"] < load_flow("thin")["rate"]
    True
    """
    path = content.resolve("flows", preset)
    label, table = f"flow preset {path}", _read_toml(path, "flow preset")
    flow, problems = _validate(FlowParameters, table)
    for name, value in (flow.model_dump() if flow else {}).items():
        if value is None:
            problems[name] = f"{name}: is missing"
    if flow is not None and not problems:
        parameters = {name: float(value) for name, value in flow.model_dump().items()}
        problems = _inconsistent(parameters)
        if not problems:
            return parameters
    raise ScenarioError(report(label, problems.values()))


def flow_parameters(flow: Flow, wish: str | None = None) -> dict[str, float]:
    """Return the parameters of a crowd's flow: those of its preset, then its own.

    Args:
        flow: of any kind but ideal.
        wish: preset to take if the flow names none, such as a task's.

    >>> flow_parameters(Flow(preset="thin", rate=12.0))["rate"]
    12.0
    """
    return load_flow(flow.preset_name(wish)) | flow.overrides()


def list_scenarios() -> dict[str, str]:
    """Return the known scenarios: name to purpose line, in alphabetical order."""
    return _purposes("scenarios")


def list_venues() -> dict[str, str]:
    """Return the known venues: name to purpose line, in alphabetical order."""
    return _purposes("venues")


def _purposes(kind: content.Kind) -> dict[str, str]:
    """Read purposes without validating, so that one broken file does not hide the others."""
    result: dict[str, str] = {}
    for name in content.available(kind):
        try:
            table = _read_toml(content.resolve(kind, name), kind)
        except ScenarioError as error:
            result[name] = f"(broken: {error})"
        else:
            result[name] = str(table.get("purpose", ""))
    return result


def _read(
    kind: content.Kind, source: str | os.PathLike[str] | Mapping[str, Any] | Model
) -> tuple[str, Path, Table]:
    """Return a label for messages, the folder that paths are relative to, and the raw table."""
    noun = kind.removesuffix("s")
    if isinstance(source, Model):
        table = source.model_dump()
        return f"{noun} {table['name']!r}", Path.cwd(), table
    if isinstance(source, Mapping):
        table = {"name": "unnamed", **copy.deepcopy(dict(source))}
        return f"{noun} given as a dict", Path.cwd(), table
    if not isinstance(cast(object, source), str | os.PathLike):
        raise ScenarioError(
            f"{noun}: must be a name, a path, a dict or a {noun.title()}, "
            f"was {type(source).__name__}"
        )
    path = content.resolve(kind, source)
    return f"{noun} {path}", path.parent, {"name": path.stem, **_read_toml(path, noun)}


def _read_toml(path: Path, noun: str) -> Table:
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


def _anchored(key: str, value: Any, folder: Path) -> Any:
    """Return the value of a key with the paths in it made absolute."""
    if key == "price" and isinstance(value, dict):
        price = cast(Table, value)
        return {name: _anchored(f"price.{name}", item, folder) for name, item in price.items()}
    if not isinstance(value, str | os.PathLike) or not str(cast(object, value)):
        return cast(Any, value)
    given = cast("str | os.PathLike[str]", value)
    if key == "price.file" or (key == "venue" and content.is_path("venues", given)):
        return str(folder / os.path.expanduser(given))
    return cast(Any, value)


def _override(table: Table, overrides: Overrides) -> dict[str, str]:
    """Put overrides into a table; return problems by key."""
    problems: dict[str, str] = {}
    for key, value in overrides.items():
        try:
            _put(table, str(key).split("."), _anchored(key, copy.deepcopy(value), Path.cwd()))
        except KeyError as error:
            problems[key] = f"{key}: {error.args[0]}"
    return problems


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


def _validate(model: type[Loaded], table: Table) -> tuple[Loaded | None, dict[str, str]]:
    try:
        return model.model_validate(table), {}
    except ValidationError as error:
        return None, describe(error, model, table)


def _examine(table: Table) -> dict[str, str]:
    """Return what is wrong with the table of a scenario."""
    scenario, problems = _validate(Scenario, table)
    return problems if scenario is None else _unresolved(scenario)


def _with_origin(problems: dict[str, str], overrides: Overrides) -> list[str]:
    """Say of each problem whether an override brought it."""
    lines: list[str] = []
    for key, line in problems.items():
        origins = [
            name
            for name in map(str, overrides)
            if f"{key}.".startswith(f"{name}.") or name.startswith(f"{key}.")
        ]
        lines.append(f"{line} [override {max(origins, key=len)!r}]" if origins else line)
    return lines


def _unresolved(scenario: Scenario) -> dict[str, str]:
    """Return what is wrong with things that a scenario refers to."""
    problems: dict[str, str] = {}
    try:
        venue = load_venue(scenario.venue, scenario.rules)
    except ScenarioError as error:
        key = "rules" if scenario.rules else "venue"
        problems[key] = f"{key} = {getattr(scenario, key)!r}: {error}"
    else:
        problems |= hedger_problems(scenario.hedgers, venue)
    flows = {"flow": scenario.flow}
    for place, market in enumerate(scenario.markets):
        if market.flow is not None:
            flows[f"markets.{place}.flow"] = market.flow
    for key, flow in flows.items():
        if flow.kind != "ideal":
            found = _inconsistent(flow_parameters(flow))
            problems |= {f"{key}.{name}": f"{key}.{line}" for name, line in found.items()}
    return problems


def _inconsistent(parameters: Mapping[str, float]) -> dict[str, str]:
    """Return what is wrong across the parameters of a complete flow."""
    problems: dict[str, str] = {}
    total = parameters["probability_market"] + parameters["probability_add"]
    if total > 1:
        problems["probability_add"] = (
            f"probability_add = {parameters['probability_add']}: with "
            f"probability_market {parameters['probability_market']} it makes {total:g}; "
            "together they must be <= 1, the rest of the events cancel"
        )
    if parameters["distance_exponent"] == 0:
        problems["distance_exponent"] = (
            "distance_exponent = 0: must not be 0; 0.01 is as good as a density that falls as one "
            "over the distance"
        )
    total = parameters["branching"] + parameters["slow_branching"]
    if total >= 1:
        problems["slow_branching"] = (
            f"slow_branching = {parameters['slow_branching']}: with branching "
            f"{parameters['branching']} it makes {total:g}; together they must be < 1: at 1 every "
            "market order sets off another one for ever"
        )
    if parameters["slots"] <= 2 * parameters["touch_slots"]:
        problems["slots"] = (
            f"slots = {parameters['slots']:g}: must be more than twice touch_slots = "
            f"{parameters['touch_slots']:g}, the places kept for the touch of each side"
        )
    return problems
