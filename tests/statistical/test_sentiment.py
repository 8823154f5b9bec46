"""What a lean buys, in every preset of the flow: the first premium is made of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from numba.core import config

sys.path.insert(0, str(Path(__file__).resolve().parent))
from many_worlds import advance_all, opened

from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.order_flow import PRESET_KINDS
from gammagym.scenario.sentiment import BOUGHT_SHARE
from gammagym.scenario.tasks import get_task
from gammagym.world.sizes import NANOSECONDS

pytestmark = pytest.mark.skipif(
    getattr(config, "DISABLE_JIT", 0) != 0, reason="takes hours without compilation"
)
SECONDS = {"sparse": 7_200}
WORLDS = 8
# In the full flow most is traded by those who know more, on one side or the other by chance.
CHANCE = {"full": 0.3}


def net_units(preset: str, lean: float) -> float:
    """Return what takers buy net, per world and second (units)."""
    sentiment = {"mean": lean, "deviation": 0.0, "impact": 0.0}
    flow = {"kind": PRESET_KINDS[preset], "preset": preset, "sentiment": sentiment}
    compiled = compile_world(load_scenario("calm", {"flow": flow}), get_task("GammaScalp"))
    worlds = opened(compiled, WORLDS)
    seconds = SECONDS.get(preset, 900)
    advance_all(worlds, compiled.tape, seconds * NANOSECONDS)
    book = worlds["books"][:, 0]
    lots = (2 * book["bought_lots"] - book["volume_lots"]).mean()
    return float(lots * worlds["instruments"]["lot_size"][0, 0] / seconds)


@pytest.mark.parametrize("preset", PRESET_KINDS)
def test_a_lean_buys_the_share_that_the_first_premium_is_made_of(preset: str) -> None:
    flow = {"kind": PRESET_KINDS[preset], "preset": preset, "sentiment": {"impact": 1.0}}
    compiled = compile_world(load_scenario("calm", {"flow": flow}), get_task("GammaScalp"))
    sentiment = compiled.template["flows"]["sentiment"][0, 0]
    foreseen = sentiment["start_premium"] / (sentiment["impact"] * sentiment["decay"])
    lean = 0.8
    bought = (net_units(preset, lean) - net_units(preset, -lean)) / (2 * lean)
    assert bought == pytest.approx(foreseen, rel=CHANCE.get(preset, 0.1))


def test_every_preset_has_a_share() -> None:
    assert set(BOUGHT_SHARE) == set(PRESET_KINDS)
