"""How busy a flow is: the factor on its events a second."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gammagym.errors import ScenarioError
from gammagym.loop import advance, open_world
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import flow_parameters, load_flow, load_scenario
from gammagym.scenario.order_flow import Flow
from gammagym.scenario.tasks import get_task
from gammagym.world import viewed
from gammagym.world.sizes import NANOSECONDS


def template(scenario: str, **changes: Any) -> Any:
    """Return the world of a scenario before its first event."""
    return compile_world(load_scenario(scenario, changes), get_task("GammaScalp")).template


@pytest.mark.parametrize("preset", ["thin", "sparse", "full"])
def test_the_intensity_multiplies_the_rate_and_nothing_else(preset: str) -> None:
    parameters = flow_parameters(Flow(preset=preset, intensity=2.5))
    plain = load_flow(preset)
    assert parameters == plain | {"rate": 2.5 * plain["rate"]}
    assert flow_parameters(Flow(preset=preset, rate=4.0, intensity=2.5))["rate"] == 10.0
    assert flow_parameters(Flow(intensity=2.0), "sparse")["rate"] == 2 * load_flow("sparse")["rate"]


def test_a_world_twice_as_busy_is_one_with_twice_the_rate_to_the_byte() -> None:
    rate = load_flow("thin")["rate"]
    lean = {"flow.sentiment": {"mean": 0.1}}  # whose premium depends on what is traded
    busy = template("calm", **{"flow.intensity": 2.0}, **lean)
    assert busy.tobytes() == template("calm", **{"flow.rate": 2 * rate}, **lean).tobytes()
    assert busy.tobytes() != template("calm", **lean).tobytes()


def test_further_markets_have_an_intensity_of_their_own() -> None:
    plain = template("two_venues")["flows"]["rate"][0, :2]
    busy = template("two_venues", **{"markets.0.flow.intensity": 3.0})["flows"]["rate"][0, :2]
    assert (busy / plain).tolist() == [1.0, 3.0]


def test_twice_the_intensity_is_twice_the_events() -> None:
    events: list[int] = []
    for intensity in (1.0, 2.0):
        # Without bursts events are a Poisson process: 6,000 of them have a deviation of 1.3 %.
        changes = {"flow.intensity": intensity, "flow.branching": 0.0, "flow.slow_branching": 0.0}
        compiled = compile_world(load_scenario("calm", changes), get_task("GammaScalp"))
        world = viewed(compiled.template.copy())[0]
        open_world(world, compiled.tape, np.uint64(5))
        advance(world, compiled.tape, 1_000 * NANOSECONDS)
        events.append(int(world["flows"]["event"][0]))
    assert events[0] > 5_000
    assert events[1] / events[0] == pytest.approx(2.0, rel=0.06)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"flow.intensity": 0.0}, ["flow.intensity = 0", "must be > 0", "how many times as busy"]),
        ({"flow.intensity": "2"}, ["flow.intensity = '2'", "must be a number"]),
        (
            {"flow.intensity": 900.0, "flow.rate": 100.0},
            ["flow.intensity: makes 90000 events a second", "at most 20,000"],
        ),
        (
            {"flow": {"kind": "ideal", "half_spread": 0.0, "size": 1.0, "intensity": 2.0}},
            ["flow.intensity = 2.0", "must not be given", "has no events"],
        ),
    ],
)
def test_an_impossible_intensity_is_refused(changes: dict[str, Any], expected: list[str]) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario("calm", changes)
    for part in expected:
        assert part in str(caught.value)
