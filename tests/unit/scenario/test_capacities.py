"""Which capacity a scenario is compiled into: the smallest with room for it."""

from __future__ import annotations

from typing import Any

import pytest

from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.tasks import Leg, Task, get_task
from gammagym.world import LARGE, SMALL, STANDARD, capacity_of


def taken(changes: dict[str, Any], task: Any = None, agents: int = 1, name: str = "calm") -> Any:
    compiled = compile_world(load_scenario(name, changes), task or get_task("GammaScalp"), agents)
    return capacity_of(compiled.template)


@pytest.mark.parametrize("preset", ["thin", "sparse"])
def test_markets_that_are_not_busy_are_small(preset: str) -> None:
    assert taken({"flow.preset": preset}) == SMALL
    assert taken({"flow.preset": preset}, agents=SMALL.agents) == SMALL


def test_more_background_orders_than_a_small_world_holds_take_a_standard_one() -> None:
    assert taken({"flow.preset": "full"}) == STANDARD
    assert taken({"flow.slots": SMALL.background}) == SMALL
    assert taken({"flow.slots": SMALL.background + 1}) == STANDARD


def test_a_range_of_slots_takes_a_world_with_room_for_all_it_may_draw() -> None:
    changes = {"flow.slots": {"low": 100, "high": 400}}
    assert taken(changes) == STANDARD
    assert taken({"flow.preset": {"choices": ["thin", "full"]}}) == STANDARD
    assert taken({"price.volatility": {"low": 0.4, "high": 0.8}}) == SMALL


def test_more_competitors_or_instruments_take_a_larger_world() -> None:
    assert taken({}, agents=SMALL.agents + 1) == STANDARD
    assert taken({}, agents=STANDARD.agents + 1) == LARGE
    legs = tuple(Leg("call", 1.0, moneyness=1.0 + 0.1 * row) for row in range(SMALL.instruments))
    assert taken({}, Task("test", legs[1:])) == SMALL
    assert taken({}, Task("test", legs)) == STANDARD


@pytest.mark.parametrize("name", ["liquidation_cascade", "basis", "expiry_pin"])
def test_crowds_arbitrageurs_and_hedgers_take_a_large_world(name: str) -> None:
    assert taken({}, name=name) == LARGE
