"""What a scenario may say of the leveraged crowd, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from gammagym.errors import CapacityError, ScenarioError
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.tasks import get_task
from gammagym.world import LARGE, SMALL, STANDARD, capacity_of

CROWD = {"longs": 100.0, "leverages": [{"leverage": 10.0, "share": "100%"}]}


def compiled(capacity: Any = None, venue: str = "generic", **crowd: Any) -> Any:
    scenario = load_scenario("calm", {"venue": venue, "crowd": CROWD | crowd})
    return compile_world(scenario, get_task("GammaScalp"), capacity=capacity)


def shares(*given: tuple[float, str]) -> list[dict[str, Any]]:
    return [{"leverage": leverage, "share": share} for leverage, share in given]


# changes of a crowd, what the message must say
WRONG = [
    ({"leverages": shares((10.0, "60%"), (20.0, "30%"))}, "shares make 90%, they must make 100%"),
    ({"leverages": shares((10.0, "50%"), (10.0, "50%"))}, "name each leverage once"),
    ({"leverages": []}, "crowd.leverages"),
    ({"leverages": shares((0.5, "100%"))}, "crowd.leverages.0.leverage"),
    ({"longs": 0.0}, "a crowd needs longs or shorts"),
    ({"longs": -5.0}, "crowd.longs"),
    ({"entry_spread": "0%"}, "crowd.entry_spread"),
    ({"swept": "50%"}, "crowd.swept"),
    ({"reopening": "0s"}, "crowd.reopening"),
    ({"open_interest": 5.0}, "unknown key"),
]


@pytest.mark.parametrize(("changes", "told"), WRONG)
def test_what_makes_no_crowd_is_refused_with_its_key(changes, told):
    with pytest.raises(ScenarioError, match="crowd") as error:
        load_scenario("calm", {"crowd": CROWD | changes})
    assert told in str(error.value)


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(ScenarioError) as error:
        load_scenario("calm", {"crowd": {"longs": 0.0, "leverages": shares((10.0, "60%"))}})
    assert "needs longs or shorts" in str(error.value)
    assert "make 60%" in str(error.value)


def test_a_leverage_that_the_venue_does_not_allow_is_refused():
    told = r"crowd.leverages.1.leverage must be at most 50, .*'generic'.*, was 75"
    with pytest.raises(ScenarioError, match=told):
        compiled(leverages=shares((10.0, "50%"), (75.0, "50%")))


def test_large_positions_are_allowed_the_leverage_of_their_tier():
    """Binance: 150 up to 300,000, 75 up to 3,000,000."""
    compiled(venue="binance", leverages=shares((150.0, "100%")), position=300_000.0)
    with pytest.raises(ScenarioError, match="at most 75"):
        compiled(venue="binance", leverages=shares((150.0, "100%")), position=3_000_000.0)


def test_a_crowd_needs_a_perpetual():
    with pytest.raises(ScenarioError, match="'cme' lists no perpetual"):
        compiled(venue="cme")


def test_a_crowd_takes_a_world_with_room_for_it():
    assert capacity_of(compiled().template) == LARGE
    with pytest.raises(CapacityError, match="crowd: needs 1 accounts and 16 buckets"):
        compiled(STANDARD)


def test_a_crowd_too_large_for_64_bit_money_is_refused():
    with pytest.raises(ScenarioError, match="crowd"):
        compiled(longs=1e6)


def test_a_scenario_without_a_crowd_has_no_buckets():
    scenario = load_scenario("calm")
    template = compile_world(scenario, get_task("GammaScalp")).template
    assert template["bucket_count"][0] == 0
    assert capacity_of(template) == SMALL


def test_a_scenario_with_a_crowd_can_be_written_down_and_read_again():
    scenario = load_scenario("liquidation_cascade")
    assert load_scenario(scenario.model_dump(exclude_none=True)) == scenario
