"""Load scenarios, venues and flow presets by name or by path; every problem is told at once.

Loading reads data and never executes anything. A relative path inside a file is relative to that
file; a relative path in an override or a dict is relative to the current directory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from gammagym import content
from gammagym.errors import ScenarioError
from gammagym.quantities import Model
from gammagym.scenario.hedgers import hedger_problems
from gammagym.scenario.inheritance import EXTENDS, read_draft
from gammagym.scenario.order_flow import MOST_EVENTS, Flow, FlowParameters
from gammagym.scenario.problems import describe, report
from gammagym.scenario.ranges import end_problems, inline_ranges, take_ranges
from gammagym.scenario.reference import Reference, parse_scenario
from gammagym.scenario.schema import Scenario
from gammagym.scenario.tables import (
    Overrides,
    Table,
    anchored,
    override,
    read_table,
    read_toml,
)
from gammagym.venues.schema import Venue

Loaded = TypeVar("Loaded", bound=Model)


def load_scenario(
    source: str | os.PathLike[str] | Mapping[str, Any] | Scenario,
    overrides: Overrides | None = None,
) -> Scenario:
    """Load a scenario.

    Args:
        source: A name ("calm"), a path ("./mine.toml"), several of them laid over each other
            ("calm + flash_crash"), each of these at a venue ("calm@binance"), a dict of the same
            keys as a file, or a Scenario.
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
    draft = read_draft(reference.scenarios if reference else [source])
    if reference and reference.venue:
        draft.label += f" at {reference.venue}"
        _move_to_venue(draft.table, reference)
    changes = dict(overrides or {})
    problems = inline_ranges(draft.table) | override(draft.table, changes)
    problems |= take_ranges(draft.table)
    if EXTENDS in draft.table:
        problems[EXTENDS] = (
            f"{EXTENDS}: stands in a file or a dict; of two scenarios make a combination, such as "
            "calm + flash_crash"
        )
        del draft.table[EXTENDS]
    scenario, found = _validate(
        Scenario, draft.table, besides=(EXTENDS,), partial=bool(draft.problems)
    )
    problems = found | problems
    if scenario is not None:
        problems |= _unresolved(scenario)
    problems |= end_problems(draft.table, problems, _examine)
    if scenario is None or problems or draft.problems:
        if changes:
            draft.label += f" with overrides of {', '.join(map(str, changes))}"
        lines = _with_origin(problems, changes, draft.placed)
        raise ScenarioError(report(draft.label, [*draft.problems, *lines]))
    return scenario


def _move_to_venue(table: Table, reference: Reference) -> None:
    """Let a scenario be played at another venue, on other terms of the account."""
    venue = load_venue(reference.venue)
    table["name"] = ", ".join(
        filter(None, (f"{table['name']} @ {venue.name}", reference.told_terms))
    )
    table["venue"] = anchored("venue", reference.venue, Path.cwd())
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
    raw = read_table("venues", source)
    changes = dict(changes or {})
    problems = override(raw.table, changes)
    venue, found = _validate(Venue, raw.table)
    problems |= found
    if venue is None or problems:
        raise ScenarioError(report(raw.label, _with_origin(problems, changes)))
    return venue


def load_flow(preset: str) -> dict[str, float]:
    """Load a preset of order flow: every parameter of `FlowParameters`, none left out.

    Args:
        preset: a name, such as "thin", "full" or "sparse", or a path.

    Raises:
        ScenarioError: Naming the file and every problem.

    >>> load_flow("sparse")["rate"] < load_flow("thin")["rate"]
    True
    """
    path = content.resolve("flows", preset)
    label, table = f"flow preset {path}", read_toml(path, "flow preset")
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

    The rate is multiplied by the intensity of the flow.

    Args:
        flow: of any kind but ideal.
        wish: preset to take if the flow names none, such as a task's.

    >>> flow_parameters(Flow(preset="thin", rate=12.0))["rate"]
    12.0
    """
    parameters = load_flow(flow.preset_name(wish)) | flow.overrides()
    if flow.intensity is not None:
        parameters["rate"] *= flow.intensity
    return parameters


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
            table = read_toml(content.resolve(kind, name), kind)
        except ScenarioError as error:
            result[name] = f"(broken: {error})"
        else:
            result[name] = str(table.get("purpose", ""))
    return result


def _validate(
    model: type[Loaded], table: Table, *, besides: Sequence[str] = (), partial: bool = False
) -> tuple[Loaded | None, dict[str, str]]:
    try:
        return model.model_validate(table), {}
    except ValidationError as error:
        return None, describe(error, model, table, besides=besides, partial=partial)


def _examine(table: Table) -> dict[str, str]:
    """Return what is wrong with the table of a scenario."""
    scenario, problems = _validate(Scenario, table)
    return problems if scenario is None else _unresolved(scenario)


def _with_origin(
    problems: dict[str, str],
    overrides: Overrides,
    placed: Callable[[str, str], str] = lambda _, line: line,
) -> list[str]:
    """Say of each problem which override brought it, or else which file, where that is known."""
    lines: list[str] = []
    for key, line in problems.items():
        origins = [
            name
            for name in map(str, overrides)
            if f"{key}.".startswith(f"{name}.") or name.startswith(f"{key}.")
        ]
        brought = f"{line} [override {max(origins, key=len)!r}]" if origins else ""
        lines.append(brought or placed(key, line))
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
    if parameters["rate"] > MOST_EVENTS:
        problems["intensity"] = (
            f"intensity: makes {parameters['rate']:g} events a second; at most {MOST_EVENTS:,} are "
            "allowed: take a smaller intensity or a smaller rate"
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
