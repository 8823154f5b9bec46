"""What a scenario says of itself: its story, its place in the catalogue, and a digest of it all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from gammagym import content
from gammagym.errors import ScenarioError
from gammagym.scenario.inheritance import read_draft
from gammagym.scenario.load import list_scenarios, load_scenario
from gammagym.scenario.reference import parse_scenario
from gammagym.scenario.schema import Scenario

GROUPS: dict[str, str] = {
    "everyday": "Everyday markets",
    "stress": "Stress",
    "history": "History",
    "market": "Market structure and replay",
    "": "Others",
}


def needs_a_file(reference: str) -> bool:
    """Return whether a scenario is shipped without the price file that it plays.

    >>> needs_a_file("replay_mirrored"), needs_a_file("calm")
    (True, False)
    """
    price = read_draft(parse_scenario(reference).scenarios).table.get("price")
    return isinstance(price, dict) and price.get("model") == "replay" and "file" not in price


def load_described(
    reference: str,
    price_file: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Scenario:
    """Load a scenario to be shown; FILE stands for a price file that is not given."""
    changes = dict(overrides or {})
    if price_file is None and needs_a_file(reference) and "price.file" not in changes:
        price_file = "FILE"
    return load_scenario(reference, changes | ({"price.file": price_file} if price_file else {}))


def story(reference: str) -> str:
    """Return the story of a scenario: the comments that its files begin with.

    Files that it extends have stories of their own, which are not told again.
    """
    tops = parse_scenario(reference).scenarios
    files = [content.resolve("scenarios", name) for name in tops]
    return "\n\n".join(map(content.opening_comment, files))


def scenario_digest(reference: str) -> str:
    """Return a digest of a scenario's story and of all values that it sets or inherits.

    Keys that are added to the schema later do not change it; venues and presets of flow that it
    names are not in it.

    >>> scenario_digest("calm") == scenario_digest("choppy")
    False
    """
    said: dict[str, Any] = load_described(reference).model_dump(mode="json", exclude_unset=True)
    said["price"].pop("file", None)  # absolute, so it differs from machine to machine
    described = json.dumps([story(reference), said], sort_keys=True)
    return hashlib.sha256(described.encode()).hexdigest()[:16]


def by_group() -> dict[str, dict[str, str]]:
    """Return the known scenarios: group to name to purpose; a broken one has no group."""
    found: dict[str, dict[str, str]] = {group: {} for group in GROUPS}
    for name, purpose in list_scenarios().items():
        try:
            group = load_described(name).group or ""
        except ScenarioError:
            group = ""
        found[group][name] = purpose
    return {group: scenarios for group, scenarios in found.items() if scenarios}
