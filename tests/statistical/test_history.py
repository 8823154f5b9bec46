"""Historical scenarios reproduce what was recorded of the events, or say where they do not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gammagym.evaluation.history import SEEDS, Finding, compare_scenario, recorded_scenarios
from gammagym.evaluation.history.compare import NO, STALE
from gammagym.evaluation.history.results import as_data
from gammagym.scenario.load import load_scenario

PAGE = Path(__file__).resolve().parents[2] / "docs" / "_static" / "history.json"


@pytest.fixture(scope="module", params=recorded_scenarios())
def findings(request) -> list[Finding]:
    return compare_scenario(request.param, range(SEEDS))


def test_every_outcome_is_within_a_quarter_or_its_miss_is_listed(findings):
    off = [(each.fact.label, each.median) for each in findings if each.verdict == NO]
    assert off == []


def test_no_miss_is_listed_that_is_none(findings):
    assert [each.fact.label for each in findings if each.verdict == STALE] == []


def test_the_documentation_shows_these_results(findings):
    """Measured again they are the same to a twentieth: a stale page fails."""
    name = findings[0].scenario
    shown = [each for each in json.loads(PAGE.read_text()) if each["scenario"] == name]
    fresh = as_data(findings)
    for key in ("measure", "recorded", "role", "verdict", "miss", "source"):
        assert [each[key] for each in shown] == [each[key] for each in fresh]
    for old, new in zip(shown, fresh, strict=True):
        assert old["median"] == pytest.approx(new["median"], rel=0.05)


@pytest.mark.parametrize("name", recorded_scenarios())
def test_a_scenario_with_records_is_history_and_has_an_outcome(name):
    scenario = load_scenario(name)
    assert scenario.group == "history"
    assert any(fact.role == "outcome" for fact in scenario.record)


def test_the_last_leg_of_2010_is_there_only_because_makers_leave():
    """The seller alone makes a slow fall; the 15 seconds of -1.7 % come of the empty book."""
    stays = load_scenario("es_2010_05_06", {"shocks.1.share": "0.001%"})
    left, right = (
        {each.fact.label: each.median for each in compare_scenario(scenario, range(SEEDS))}
        for scenario in ("es_2010_05_06", stays)
    )
    assert left["fall (30min)"] < 1.15 * right["fall (30min)"]
    assert left["fall_within (15s)"] < 2.5 * right["fall_within (15s)"]


def test_without_forced_sellers_the_cascade_of_2025_is_little_more_than_its_news():
    scenario = load_scenario("cascade_2025_10_10")
    facts = [fact.model_dump() for fact in scenario.record if fact.measure == "fall"]
    quiet = load_scenario(scenario, {"crowd": None, "record": facts})
    alone = compare_scenario(quiet, range(3))[0].median
    assert -0.11 < alone < -0.065


def test_without_forced_sellers_the_sale_of_2017_falls_by_a_third_less():
    scenario = load_scenario("eth_gdax_2017_06_21")
    facts = [fact.model_dump() for fact in scenario.record if fact.measure == "fall"]
    quiet = load_scenario(scenario, {"crowd": None, "record": facts})
    alone, forced = (compare_scenario(each, range(SEEDS))[0].median for each in (quiet, scenario))
    assert forced < alone / 0.67
