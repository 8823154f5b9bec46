"""The catalogue of scenarios: every one is there, tells its story, and fits the tasks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gammagym import content
from gammagym.evaluation.plan import DEMO_SCENARIOS, REPLAYS, default_scenarios
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.tasks import get_task
from gammagym.world.sizes import NANOSECONDS

EVERYDAY = (
    "textbook",
    "calm",
    "choppy",
    "trending",
    "high_volatility",
    "low_liquidity",
    "weekend",
)
STRESS = (
    "flash_crash",
    "flash_rally",
    "spread_blowout",
    "liquidity_withdrawal",
    "exchange_outage",
    "data_outage",
    "cancel_outage",
    "latency_storm",
    "fee_hike",
    "funding_spike",
    "basis_blowout",
    "contango",
    "backwardation",
    "volatility_crush",
    "volatility_spike",
    "liquidation_cascade",
    "adl_event",
    "index_glitch",
    "gap_open",
    "expiry_pin",
    "cme_weekend_gap",
    "collateral_depeg",
    "counterparty_default",
    "large_seller",
)
SHIPPED = tuple(name for name in content.available("scenarios") if name not in REPLAYS)
# What can be played without a file, in an episode of four hours and in one of a day.
HORIZONS = (14_400.0, 86_400.0)
LONGEST_LINE = 102


def text_of(name: str) -> str:
    return Path(content.resolve("scenarios", name)).read_text(encoding="utf-8")


def story_of(name: str) -> list[str]:
    """Return the lines of the comment that a file begins with."""
    lines = text_of(name).splitlines()
    return lines[: next(row for row, line in enumerate(lines) if not line.startswith("#"))]


@pytest.mark.parametrize("group", ["everyday", "stress"])
def test_the_catalogue_has_what_it_should_have(group):
    names = EVERYDAY if group == "everyday" else STRESS
    found = [name for name in SHIPPED if load_scenario(name).group == group]
    assert sorted(found) == sorted(names)


@pytest.mark.parametrize("name", content.available("scenarios"))
def test_every_scenario_tells_a_story_with_its_sources(name):
    story = story_of(name)
    assert len(story) >= 6
    opening = "\n".join(story).split("\n#\n")[0]
    assert opening.endswith((".", "!", "?")), "the first paragraph is a sentence or two"
    assert name in REPLAYS or re.search(r"\bSources?:", "\n".join(story))
    assert max(map(len, story)) <= LONGEST_LINE


@pytest.mark.parametrize("name", EVERYDAY + STRESS)
def test_a_scenario_says_its_group_and_purpose_itself(name):
    for key in ("purpose", "group"):
        assert re.search(rf"^{key} = ", text_of(name), re.MULTILINE)


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("name", SHIPPED)
def test_all_events_begin_within_the_episode_whatever_the_seed(name, horizon):
    task = get_task("GammaScalp", horizon_seconds=horizon)
    world = compile_world(load_scenario(name), task).template[0]
    starts = world["shocks"]["start_ns"][: int(world["shock_count"])]
    latest = starts.max(initial=0) + int(world["shock_jitter_ns"])
    assert latest < horizon * NANOSECONDS


@pytest.mark.parametrize("task", ["ShortGamma", "SpotHedge"])
@pytest.mark.parametrize("name", SHIPPED)
def test_a_scenario_can_be_played_by_the_other_tasks(name, task):
    assert compile_world(load_scenario(name), get_task(task)).template[0]["instrument_count"] >= 2


@pytest.mark.parametrize("name", STRESS)
def test_a_stress_scenario_is_calm_and_what_the_file_adds(name):
    calm, stress = load_scenario("calm"), load_scenario(name)
    assert stress.price == calm.price
    assert stress.options == calm.options
    given = [key for key in type(calm).model_fields if getattr(calm, key) != getattr(stress, key)]
    assert {"name", "purpose", "group"} < set(given)
    assert re.search(r'^extends = "calm"$', text_of(name), re.MULTILINE)


def test_a_file_of_ones_own_is_in_no_group(tmp_path):
    (tmp_path / "mine.toml").write_text('extends = "calm"\npurpose = "a day of my own"\n')
    assert load_scenario(tmp_path / "mine.toml").group is None
    assert load_scenario("calm + flash_crash").group is None


def test_stress_can_be_laid_over_another_day():
    combined = load_scenario("weekend + exchange_outage")
    assert combined.price == load_scenario("weekend").price
    assert combined.shocks == load_scenario("exchange_outage").shocks


def test_a_tournament_plays_everyday_and_stress_scenarios_of_one_market():
    chosen = default_scenarios()
    assert set(chosen) < set(EVERYDAY + STRESS)
    left_out = set(EVERYDAY + STRESS) - set(chosen)
    assert left_out == {"contango", "backwardation", "liquidation_cascade", "expiry_pin"}
    assert default_scenarios("prices.csv") == REPLAYS


def test_the_demo_plays_scenarios_of_both_groups():
    groups = [load_scenario(name).group for name in DEMO_SCENARIOS]
    assert set(groups) == {"everyday", "stress"}
    assert not any(load_scenario(name).has_several_markets for name in DEMO_SCENARIOS)
