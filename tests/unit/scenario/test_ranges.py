"""Ranges in scenario files: how they are written, what they draw, and what the errors say."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest
from pydantic import ValidationError

from gammagym.errors import ScenarioError
from gammagym.quantities import Span
from gammagym.scenario.load import load_scenario
from gammagym.scenario.ranges import LATTICE, Range, is_range, is_whole, put
from gammagym.scenario.schema import Scenario
from gammagym.venues.schema import Venue

TENTH = {"low": 0.4, "high": 0.9}


def broken(overrides: dict[str, Any], source: Any = "calm") -> str:
    """Return the message of the error that these overrides raise."""
    with pytest.raises(ScenarioError) as caught:
        load_scenario(source, overrides)
    return str(caught.value)


# --- Quantiles -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "quantile", "expected"),
    [
        ({"low": 0.4, "high": 0.9}, 0.1, 0.45),
        ({"low": 1.0, "high": 100.0, "distribution": "log_uniform"}, 0.25, math.sqrt(10.0)),
        ({"distribution": "normal", "mean": 2.0, "sd": 0.5}, 0.975, 2.0 + 0.5 * 1.959963984540054),
        (
            {"distribution": "lognormal", "median": 3.0, "sigma": 0.5},
            0.025,
            3.0 * math.exp(-0.5 * 1.959963984540054),
        ),
        ({"choices": [1, 2, 3, 4]}, 0.74, 3),
    ],
)
def test_quantiles_are_those_of_the_closed_forms(given, quantile, expected):
    assert Range.model_validate(given).at(quantile) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("given", "quantile", "expected"),
    [
        ({"low": "20s", "high": "2min"}, 0.25, "45s"),
        ({"low": "-15%", "high": "-5%"}, 0.25, "-12.5%"),
        ({"low": "0.01%", "high": "0.05%"}, 1 / 3, "0.0233333%"),
        ({"low": "0.1", "high": "0.4"}, 0.5, "0.25"),
        ({"low": "50000", "high": "70000"}, 0.5, "60000"),
        ({"distribution": "normal", "mean": "1min", "sd": "10s"}, 0.5, "1min"),
        ({"choices": ["thin", "full"]}, 0.2, "thin"),
    ],
)
def test_values_are_written_as_the_ends_are(given, quantile, expected):
    assert Range.model_validate(given).at(quantile) == expected


@pytest.mark.parametrize(
    ("value", "number"), [("-12.5%", -0.125), ("90s", 90.0), ("0.25", 0.25), (3, 3.0)]
)
def test_drawn_values_are_told_as_numbers(value, number):
    assert Range.model_validate({"low": value, "high": value}).number(value) == number


def test_choices_are_told_as_numbers_if_all_of_them_are():
    assert Range(choices=("-5%", "-10%")).number("-10%") == -0.1
    assert Range(choices=("1min", "2min")).number("2min") == 120.0
    assert Range(choices=(1, "thin")).number(1) == 1
    assert Range(choices=("thin", "full")).number("full") == "full"


def test_a_range_of_one_value_has_that_value_at_every_quantile():
    for given in (
        {"low": 0.6, "high": 0.6},
        {"low": 0.6, "high": 0.6, "distribution": "log_uniform"},
        {"distribution": "normal", "mean": 0.6, "sd": 0},
        {"distribution": "lognormal", "median": 0.6, "sigma": 0.0},
    ):
        one = Range.model_validate(given)
        assert {one.at((rank + 0.5) / LATTICE) for rank in range(LATTICE)} == {0.6}


def test_whole_numbers_have_all_the_same_chance():
    drawn = [Range(low=1, high=4).at((rank + 0.5) / 64, whole=True) for rank in range(64)]
    assert [drawn.count(value) for value in (1, 2, 3, 4)] == [16, 16, 16, 16]


def test_the_ends_of_a_normal_are_the_outermost_values_that_are_drawn():
    least, most = Range(distribution="normal", mean=0.0, sd=1.0).ends()
    assert most == NormalDist().inv_cdf(1 - 1 / 128) == -float(least)


@pytest.mark.parametrize(
    ("key", "whole"),
    [
        ("flow.slots", True),
        ("price.start", True),
        ("flow.rate", False),
        ("shocks.0.multiple", False),
        ("rules.orders.maximum_orders", True),
        ("rules.order_latency.sigma", False),
        ("no.such.key", False),
    ],
)
def test_keys_that_take_no_fractions_are_known(key, whole):
    assert is_whole(key) is whole


# --- In a scenario ---------------------------------------------------------------------------


def test_a_range_is_replaced_by_its_centre_and_kept():
    scenario = load_scenario(
        "flash_crash",
        {
            "price.volatility": TENTH,
            "shocks.0.move": {"low": "-15%", "high": "-5%"},
            "shocks.2.at": {"low": "20%", "high": "40%"},
            "flow.preset": {"choices": ["sparse", "thin"]},
        },
    )
    assert scenario.price.volatility == 0.65
    assert scenario.shocks[0].move == Decimal("-0.1")
    assert scenario.shocks[2].at == Span(Decimal("0.3"))
    assert scenario.flow.preset == "sparse"
    assert list(scenario.ranges) == [
        "price.volatility",
        "flow.preset",
        "shocks.0.move",
        "shocks.2.at",
    ]


def test_a_file_may_have_ranges_in_place_or_in_a_table(tmp_path: Path):
    story = 'purpose = "a test"\n[price]\nmodel = "gbm"\nstart = "100"\n'
    (tmp_path / "in_place.toml").write_text(story + "volatility = {low = 0.4, high = 0.9}\n")
    (tmp_path / "dotted.toml").write_text(
        story + "volatility = 0.5\n[ranges]\nprice.volatility = {low = 0.4, high = 0.9}\n"
    )
    (tmp_path / "quoted.toml").write_text(
        story + 'volatility = 0.5\n[ranges]\n"price.volatility" = {low = 0.4, high = 0.9}\n'
    )
    loaded = [
        load_scenario(tmp_path / name, {"name": "one"})
        for name in ("in_place.toml", "dotted.toml", "quoted.toml")
    ]
    assert loaded[0] == loaded[1] == loaded[2]
    assert loaded[0].ranges["price.volatility"] == Range(low=0.4, high=0.9)


def test_a_scenario_with_ranges_survives_being_dumped_and_loaded():
    scenario = load_scenario(
        "flash_crash",
        {
            "price.volatility": TENTH,
            "rules": {"perpetual.initial_margin": {"choices": ["5%", "8%"]}},
        },
    )
    assert load_scenario(scenario.model_dump()) == scenario
    assert Scenario.model_validate_json(scenario.model_dump_json()).ranges == scenario.ranges
    assert scenario.model_dump()["ranges"]["price.volatility"] == {
        "distribution": "uniform",
        "low": 0.4,
        "high": 0.9,
    }


def test_an_override_takes_a_range_away():
    scenario = load_scenario("calm", {"price.volatility": TENTH, "flow.rate": {"choices": [10.0]}})
    fixed = load_scenario(scenario, {"price.volatility": 0.5})
    assert fixed.price.volatility == 0.5
    assert list(fixed.ranges) == ["flow.rate"]


def test_a_latency_is_no_range():
    assert not is_range({"median": "20ms", "sigma": 0.4})
    latency = {"median": "20ms", "sigma": {"low": 0.2, "high": 0.6}}
    scenario = load_scenario("calm", {"rules": {"order_latency": latency}})
    assert list(scenario.ranges) == ["rules.order_latency.sigma"]
    assert scenario.rules["order_latency"]["sigma"] == pytest.approx(0.4)


def test_no_key_of_a_scenario_or_venue_is_a_word_that_makes_a_range():
    def words(schema: Any) -> set[str]:
        if isinstance(schema, list):
            return {word for item in schema for word in words(item)}
        if not isinstance(schema, dict):
            return set()
        inner = {word for key, item in schema.items() if key != "$defs" for word in words(item)}
        models = {name: item for name, item in schema.get("$defs", {}).items() if name != "Range"}
        return inner | set(schema.get("properties", {})) | words(list(models.values()))

    for model in (Scenario, Venue):
        known = words(model.model_json_schema())
        assert {"venue", "maker_fee"} & known
        assert known.isdisjoint({"distribution", "low", "high", "choices"})


def test_values_are_put_under_names_that_have_dots():
    table: dict[str, Any] = {"rules": {"perpetual.initial_margin": "5%"}, "shocks": [{"at": "1%"}]}
    put(table, "rules.perpetual.initial_margin", "8%")
    put(table, "rules.taker_fee", "1%")
    put(table, "shocks.0.at", "2%")
    put(table, "price.volatility", 0.5)
    assert table == {
        "rules": {"perpetual.initial_margin": "8%", "taker_fee": "1%"},
        "shocks": [{"at": "2%"}],
        "price": {"volatility": 0.5},
    }


# --- Errors ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "given", "told"),
    [
        ("price.volatility", {"low": 0.4}, "price.volatility.high: is missing"),
        ("price.volatility", {"low": 0.9, "high": 0.4}, "high = 0.4: must be >= low"),
        ("price.volatility", {"low": 0.4, "hi": 0.9}, "price.volatility.hi: unknown key"),
        ("price.volatility", {"low": "1s", "high": 0.9}, "high = 0.9: is a number, low a duration"),
        ("price.volatility", {"low": "much", "high": "more"}, "low = 'much': must be a number, a"),
        (
            "price.volatility",
            {"distribution": "beta", "low": 0, "high": 1},
            "price.volatility.distribution = 'beta': is not a choice",
        ),
        (
            "price.volatility",
            {"distribution": "log_uniform", "low": 0.0, "high": 1.0},
            "low = 0.0: must be > 0 in distribution 'log_uniform'",
        ),
        (
            "price.volatility",
            {"distribution": "normal", "mean": 0.5, "sd": -0.1},
            "sd = -0.1: must be >= 0",
        ),
        (
            "price.volatility",
            {"distribution": "normal", "low": 0.1, "high": 0.2},
            "price.volatility.low = 0.1: must not be given: distribution 'normal' has mean and sd",
        ),
        ("price.volatility", {"choices": []}, "price.volatility.choices = []: needs at least 1"),
        (
            "price.volatility",
            {"low": 0.4, "high": 30.0},
            "its range reaches 30.0: price.volatility",
        ),
        (
            "price.volatility",
            {"distribution": "normal", "mean": 0.5, "sd": 0.3},
            "price.volatility: its range reaches -0.22",
        ),
        ("flow.preset", {"choices": ["thin", "thick"]}, "its range reaches 'thick'"),
        (
            "rules",
            {"taker_fee": {"low": "1%", "high": "15%"}},
            "rules.taker_fee: its range reaches",
        ),
        ("price.volatily", TENTH, "price.volatily: unknown key; did you mean 'volatility'?"),
        ("price.file", {"choices": ["a.csv", "b.csv"]}, "price.file: cannot be a range"),
        ("venue", {"choices": ["binance", "bybit"]}, "venue: cannot be a range"),
        ("ranges.price.volatility", 0.5, "ranges.price.volatility = 0.5: must be a range"),
        (
            "ranges",
            {"price.start.high": {"low": 1, "high": 2}},
            "'high' is a key of what is no table",
        ),
    ],
)
def test_a_wrong_range_is_refused_with_key_value_and_reason(key, given, told):
    assert told in broken({key: given})


def test_all_problems_of_ranges_are_told_together_with_the_others():
    told = broken(
        {
            "price.volatility": {"low": 0.4},
            "flow.rate": {"low": -1.0, "high": 30.0},
            "options.implied_volatility": {"low": 0.5, "high": "x"},
            "carry.mean": "300%",
        }
    )
    for line in (
        "price.volatility.high: is missing",
        "flow.rate: its range reaches -1.0",
        "options.implied_volatility.high = 'x'",
        "carry.mean = '300%'",
    ):
        assert line in told
    assert "4 problems" in told


def test_a_range_in_a_list_that_is_too_short_is_refused():
    ranges = {"shocks.9.move": {"low": "-5%", "high": "-1%"}}
    told = broken({"ranges": ranges}, "flash_crash")
    assert "ranges.shocks.9.move: there is no key '9.move' in a list of 4" in told


def test_parameters_of_another_distribution_are_refused_by_the_model_too():
    with pytest.raises(ValidationError, match="choices have all the same chance"):
        Range(choices=(1, 2), distribution="normal")
