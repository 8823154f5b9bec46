"""Recorded facts of a scenario: how they are written, and outcomes that are imposed are refused."""

from __future__ import annotations

from typing import Any

import pytest

from gammagym.errors import ScenarioError
from gammagym.scenario.load import load_scenario

FALL = {"measure": "fall", "value": "-12%", "role": "outcome", "source": "a newspaper"}


def scenario(record: dict[str, Any], *shocks: dict[str, Any], **others: Any) -> Any:
    table: dict[str, Any] = {
        "purpose": "a fall",
        "price": {"model": "gbm", "start": "60000", "volatility": 0.6},
        "shocks": list(shocks),
        "record": [record],
    }
    return load_scenario(table | others)


def fact(measure: str, value: Any, **keys: Any) -> dict[str, Any]:
    return FALL | {"measure": measure, "value": value} | keys


@pytest.mark.parametrize(
    ("record", "number"),
    [
        (FALL, -0.12),
        (fact("fall_time", "40min"), 2_400.0),
        (fact("spread_multiple", 1321), 1_321.0),
        (fact("depth_multiple", 0.02), 0.02),
        (fact("funding", "-0.375%"), -0.00375),
    ],
)
def test_a_figure_is_read_in_the_notation_of_its_measure(record, number):
    assert scenario(record).record[0].number == pytest.approx(number)


@pytest.mark.parametrize(
    ("record", "key", "words"),
    [
        (fact("fall", "12%"), "value", "must be negative"),
        (fact("rise", "-12%"), "value", "must be positive"),
        (fact("fall", -0.12), "value", 'must be a percentage in quotes, such as "-12%"'),
        (fact("fall", "12 days"), "value", "must be a percentage in quotes"),
        (fact("fall_time", "40%"), "value", 'must be a duration, such as "40min"'),
        (fact("spread_multiple", "1321"), "value", "must be a factor, such as 0.02"),
        (fact("depth_multiple", -1.0), "value", "must be more than 0"),
        (fact("fall", "0%"), "value", "must not be 0"),
        (fact("retracement", "50%"), "within", "is missing"),
        (fact("fall_within", "-5%"), "within", "is missing"),
        (FALL | {"role": "imposed", "miss": "too slow"}, "miss", "only outcomes are compared"),
        (FALL | {"measure": "fal"}, "measure", "did you mean 'fall'"),
        (FALL | {"sorce": "x"}, "sorce", "did you mean 'source'"),
    ],
)
def test_a_fact_that_is_written_wrong_is_refused_at_its_key(record, key, words):
    with pytest.raises(ScenarioError) as error:
        scenario(record)
    assert f"record.0.{key}" in str(error.value)
    assert words in str(error.value)


FALLS = {"kind": "price", "at": "40%", "ramp": "3min", "move": "-3%"}
HELD = {"at": "40%", "hold": "5min"}


@pytest.mark.parametrize(
    ("record", "shock", "reason"),
    [
        (fact("spread_multiple", 10), HELD | {"kind": "spread", "multiple": 3.0}, "kind spread"),
        (fact("depth_multiple", 0.1), HELD | {"kind": "depth", "multiple": 0.5}, "kind depth"),
        (fact("volume_multiple", 10), HELD | {"kind": "orders", "multiple": 3.0}, "kind orders"),
        (fact("funding", "-0.1%"), HELD | {"kind": "funding", "move": "-1%"}, "kind funding"),
        (fact("perp_spot_gap", "-5%"), HELD | {"kind": "basis", "move": "-1%"}, "kind basis"),
        (fact("venue_gap", "-5%"), HELD | {"kind": "basis", "move": "-1%"}, "kind basis"),
        (
            fact("liquidated_share", "10%"),
            {"kind": "deleveraging", "at": "40%", "share": "5%", "side": "buy"},
            "kind deleveraging",
        ),
        (fact("outage", "20min"), HELD | {"kind": "outage", "what": "matching"}, "kind outage"),
        (
            fact("retracement", "50%", within="1h"),
            FALLS | {"recovery": "10min"},
            "fall and rise again",
        ),
        (
            fact("retracement", "50%", within="1h"),
            {
                "kind": "price",
                "at": "40%",
                "path": [{"after": "1min", "move": "-5%"}, {"after": "9min", "move": "-2%"}],
            },
            "fall and rise again",
        ),
        (FALL, FALLS | {"move": "-9.5%"}, "price events alone make -9.5% of it"),
    ],
)
def test_an_outcome_that_the_timeline_imposes_is_refused_with_the_reason(record, shock, reason):
    with pytest.raises(ScenarioError) as error:
        scenario(record, shock)
    assert "record.0.role" in str(error.value)
    assert reason in str(error.value)
    assert scenario(record | {"role": "imposed"}, shock).record[0].role == "imposed"


def test_a_rate_that_is_given_makes_funding_no_outcome():
    with pytest.raises(ScenarioError, match="the key funding gives the rate"):
        scenario(fact("funding", "0.03%"), funding="0.03%")


def test_news_smaller_than_the_fall_leave_it_an_outcome():
    assert scenario(FALL, FALLS).record[0].role == "outcome"


def test_a_price_that_falls_in_two_legs_leaves_the_retracement_an_outcome():
    path = [{"after": "1min", "move": "-2%"}, {"after": "9min", "move": "-5%"}]
    legs = {"kind": "price", "at": "40%", "path": path}
    assert scenario(fact("retracement", "50%", within="1h"), legs).record[0].role == "outcome"


def test_a_scenario_with_records_is_dumped_and_loaded_unchanged():
    loaded = scenario(fact("depth_multiple", 0.02, within="5min", band="0.1%"), FALLS)
    assert load_scenario(loaded.model_dump()) == loaded
