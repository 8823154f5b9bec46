"""How long a price tick is where the scenario does not say it."""

from __future__ import annotations

from typing import Any

import pytest

from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.tasks import Leg, Task, get_task

SPARSE = {"flow.preset": "sparse"}
JUMP = {"kind": "price", "at": "20s", "move": "-10%"}


def tick_seconds(changes: dict[str, Any], task: str = "GammaScalp", interval: float = 60.0) -> Any:
    """Return the price tick of a world (s)."""
    scenario = load_scenario("calm", changes)
    compiled = compile_world(scenario, get_task(task, decision_interval=interval))
    return compiled.template["price"]["tick_ns"][0] / 1e9


def test_in_sparse_flow_a_price_tick_is_half_a_minute_or_ten_seconds():
    assert tick_seconds(SPARSE) == 30.0
    assert tick_seconds(SPARSE, interval=300.0) == 30.0
    assert tick_seconds(SPARSE, interval=20.0) == tick_seconds(SPARSE, interval=50.0) == 10.0
    assert tick_seconds({}) == 1.0


def test_a_task_that_wishes_for_sparse_flow_has_its_clock_too():
    assert tick_seconds({}, "CoveredCall", 3_600.0) == 30.0


@pytest.mark.parametrize("tick", ["1s", "500ms", "10s"])
def test_what_a_scenario_says_of_its_tick_counts(tick: str):
    said = {"1s": 1.0, "500ms": 0.5, "10s": 10.0}
    assert tick_seconds(SPARSE | {"price.tick": tick}) == said[tick]


@pytest.mark.parametrize(
    "changes",
    [
        {"shocks": [JUMP]},
        {"hedgers": [{"gamma": -5.0, "interval": "1s"}]},
        {"flow.preset": "thin"},
        {"flow": {"kind": "ideal", "half_spread": 1e-4, "size": 1_000.0}},
    ],
    ids=["timeline", "hedgers", "thin", "ideal"],
)
def test_what_needs_a_second_keeps_it(changes: dict[str, Any]):
    assert tick_seconds((SPARSE if "flow" not in changes else {}) | changes) == 1.0


@pytest.mark.parametrize("interval", [1.0, 15.0])
def test_decisions_come_at_price_ticks(interval: float):
    assert tick_seconds(SPARSE, interval=interval) == 1.0


def test_an_option_that_expires_within_the_day_minds_long_ticks():
    for days, tick in ((1.0, 30.0), (0.9, 1.0)):
        task = Task("Short", (Leg("call", 1.0, 1.0, 7.0), Leg("put", 1.0, 1.0, days)))
        compiled = compile_world(load_scenario("calm", SPARSE), task)
        assert compiled.template["price"]["tick_ns"][0] / 1e9 == tick


def test_futures_whose_makers_quote_at_ticks_keep_ticks_of_a_second():
    assert tick_seconds({"venue": "deribit"}, "SpotHedge", 3_600.0) == 1.0
