"""Venue files that are wrong: each problem with its key, the reason and the way out."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gammagym.errors import ScenarioError
from gammagym.exchange.formulas.margin import fill_tier_amounts
from gammagym.scenario.load import load_venue
from gammagym.venues.schema import Venue

TIERS = [
    {"to": 100, "maintenance": "1%", "leverage": 50},
    {"to": 200, "maintenance": "2%", "leverage": 25},
    {"to": 300, "maintenance": "5%", "leverage": 10},
]
PERPETUAL = {"tick": "0.1", "lot": "0.001", "funding_interval": "8h", "tiers": TIERS}
FUTURE = {"tick": "0.1", "lot": "0.001", "initial_margin": "2%", "maintenance_margin": "1%"}
OPTION = {"tick": 5, "lot": "0.01"}
CALENDAR = {"timezone": "America/Chicago", "open": "Sun 17:00", "close": "Fri 16:00"}
SCENARIOS = {
    "moves": ["-10%", "0%", "10%"],
    "volatility_up": "50%",
    "volatility_down": "25%",
    "short_term_vega_power": 0.3,
    "long_term_vega_power": 0.1,
    "maintenance_factor": "80%",
}
BASE: dict[str, Any] = {
    "purpose": "a test",
    "as_of": "2025-06-30",
    "sources": ["a test"],
    "maker_fee": "0.02%",
    "taker_fee": "0.05%",
    "order_latency": "20ms",
    "data_latency": "10ms",
    "liquidation_fee": "0.5%",
    "perpetual": PERPETUAL,
}


def with_keys(changes: dict[str, Any]) -> dict[str, Any]:
    """Return a small valid venue with some dotted keys changed; None takes one away."""
    rules = copy.deepcopy(BASE)
    for key, value in changes.items():
        *path, last = key.split(".")
        here: Any = rules
        for part in path:
            here = here[int(part)] if part.isdecimal() else here.setdefault(part, {})
        if value is None:
            del here[last]
        else:
            here[last] = value
    return rules


def message(changes: dict[str, Any]) -> str:
    """Return the message of the error that loading the changed venue raises."""
    with pytest.raises(ScenarioError) as caught:
        load_venue(with_keys(changes))
    return str(caught.value)


def tier(place: int, **changes: Any) -> dict[str, Any]:
    """Return the change that gives one tier other values."""
    tiers = copy.deepcopy(TIERS)
    tiers[place] = {**tiers[place], **changes}
    return {"perpetual.tiers": tiers}


def fee_tier(*rows: tuple[int, str, str]) -> dict[str, Any]:
    """Return the change that gives the venue a table of fees."""
    return {"fee_tiers": [{"volume": a, "maker": b, "taker": c} for a, b, c in rows]}


def change(*rows: tuple[str, str, str]) -> dict[str, Any]:
    """Return the change that gives the venue rules that change."""
    return {"changes": [{"at": a, "key": b, "value": c} for a, b, c in rows]}


def listed(**keys: Any) -> dict[str, Any]:
    """Return the change that makes the venue list a future, with some keys of it changed."""
    one = {"name": "F", "kind": "future", "expiry": "2025-12-26T08:00:00Z", **keys}
    return {"future": FUTURE, "instruments": [one]}


BAD: list[tuple[dict[str, Any], list[str]]] = [
    # Tiers
    (tier(1, to=90), ["perpetual.tiers.1.to = 90", "overlapping tiers", "100", "in order"]),
    (tier(1, to=100), ["perpetual.tiers.1.to = 100", "overlapping tiers"]),
    ({"perpetual.tiers": [{k: v for k, v in TIERS[0].items() if k != "to"}, *TIERS[1:]]},
     ["perpetual.tiers.0.to: is missing", "only the last"]),
    (tier(2, maintenance="1.5%"), ["perpetual.tiers.2.maintenance = '1.5%'", "not be below", "2%"]),
    (tier(1, leverage=60), ["perpetual.tiers.1.leverage", "not be above", "50"]),
    (tier(0, leverage=100), ["perpetual.tiers.0.leverage = 100", "leverage above the tier",
                             "1/100 must exceed the maintenance margin, 1%", "less than 100"]),
    (tier(0, leverage=0), ["perpetual.tiers.0.leverage = 0", "must be > 0"]),
    (tier(1, amount="1.5"), ["perpetual.tiers.1.amount = '1.5'", "must be 1,", "leave it out"]),
    (tier(2, amount=0), ["perpetual.tiers.2.amount = 0", "must be 7,"]),
    (tier(1, maximum=3), ["perpetual.tiers.1.maximum: unknown key", "known: amount, leverage"]),
    ({"perpetual.tiers": []}, ["initial_margin: is missing", "or tiers"]),
    ({"perpetual.initial_margin": "2%"}, ["perpetual.initial_margin = '2%'", "must not be given"]),
    ({"perpetual.tiers": None, "perpetual.initial_margin": "2%"},
     ["perpetual.maintenance_margin: is missing", "or tiers"]),
    ({"perpetual.tiers": None, "perpetual.initial_margin": "2%",
      "perpetual.maintenance_margin": "2%"},
     ["perpetual.maintenance_margin = '2%'", "must be less than initial_margin (2%)"]),
    ({"perpetual.leverage": 51.0}, ["perpetual.leverage = 51.0", "must be <=", "50"]),
    # Contracts
    ({"perpetual.contract": "inverse", "perpetual.lot": 1},
     ["perpetual.face: is missing", "'inverse' needs"]),
    ({"perpetual.face": 100}, ["perpetual.face = 100", "must not be given", "'inverse'"]),
    ({"perpetual.contract": "inverse", "perpetual.face": 100}, ["perpetual.lot", "whole number"]),
    ({"perpetual.contract": "inverse", "perpetual.face": 1, "perpetual.lot": 1,
      "perpetual.tick": "0.3"}, ["perpetual.tick = '0.3'", "divides the face"]),
    ({"perpetual.tick": "0.000001"}, ["perpetual.tick", "whole number of quanta"]),
    ({"perpetual.contract": "quanto"}, ["perpetual.contract = 'quanto'", "linear"]),
    ({"perpetual": None}, ["perpetual: is missing", "[future]", "hedge"]),
    # Funding, mark, index
    ({"perpetual.funding.clamp": "0.5%", "perpetual.funding.cap": "0.3%"},
     ["perpetual.funding.clamp = '0.5%'", "clamp wider than the cap", "0.3%", "larger cap"]),
    ({"perpetual.funding.cap": "0.01%"}, ["perpetual.funding.clamp", "clamp wider than the cap"]),
    ({"perpetual.funding.sample": "0s"}, ["perpetual.funding.sample = '0s'", "must be >= 1ms"]),
    ({"perpetual.funding.sample": "2h"}, ["perpetual.funding.sample = '2h'", "must be <= 1h"]),
    ({"perpetual.funding.method": "premum"}, ["funding.method = 'premum'", "mean 'premium'?"]),
    ({"perpetual.mark.method": "mean"}, ["perpetual.mark.method = 'mean'", "median"]),
    ({"index.sources": 5}, ["index.sources = 5", "must be <= 4"]),
    ({"index.outlier": "0%"}, ["index.outlier = '0%'", "must be > 0%"]),
    # Fees
    ({"maker_fee": "-0.06%"}, ["maker_fee = '-0.06%'", "rebate", "0.05%", "smaller rebate"]),
    ({"perpetual.maker_fee": "-0.06%"}, ["perpetual.maker_fee = '-0.06%'", "rebate", "0.05%"]),
    ({"maker_fee": "-0.02%", "perpetual.taker_fee": "0.01%"}, ["perpetual.maker_fee", "rebate"]),
    (fee_tier((100, "0.02%", "0.05%"), (50, "0.02%", "0.05%")),
     ["fee_tiers.1.volume = 50", "above that of the row before, 100"]),
    (fee_tier((100, "0.03%", "0.05%")), ["fee_tiers.0.maker = '0.03%'", "0.02%", "fall"]),
    (fee_tier((100, "0.02%", "0.06%")), ["fee_tiers.0.taker = '0.06%'", "0.05%"]),
    (fee_tier((100, "-0.05%", "0.04%")), ["fee_tiers.0.maker = '-0.05%'", "rebate", "0.04%"]),
    ({"discounts": {"token": "110%"}}, ["discounts.token = '110%'", "must be <= 100%"]),
    ({"discounts": {"token": "0%"}}, ["discounts.token = '0%'", "must be > 0%"]),
    # Margin and collateral
    ({"margin.modes": ["crossed"]}, ["margin.modes.0 = 'crossed'", "did you mean 'cross'?"]),
    ({"margin.modes": []}, ["margin.modes", "at least 1"]),
    ({"margin.modes": ["cross", "cross"]}, ["margin.modes.1 = 'cross'", "twice"]),
    ({"margin.modes": ["portfolio"]}, ["portfolio_margin: is missing", "'portfolio'"]),
    ({"collateral": {"EUR": "100%"}}, ["collateral.EUR", "not a currency", "'USD'", "'BTC'"]),
    ({"collateral": {"a.b": "1%", "1": "1%"}}, ["collateral.a.b = '1%'", "collateral.1 = '1%'"]),
    ({"collateral": {"USD": "101%"}}, ["collateral.USD = '101%'", "must be <= 100%"]),
    ({"portfolio_margin": {**SCENARIOS, "moves": ["10%", "-10%"]}},
     ["portfolio_margin.moves.1 = '-10%'", "in order"]),
    ({"portfolio_margin": {**SCENARIOS, "extended_moves": ["-100%"]}},
     ["portfolio_margin.extended_moves.0 = '-100%'", "must be > -100%"]),
    # Liquidation
    ({"liquidation.steps": ["reduce_to_restor"]},
     ["liquidation.steps.0 = 'reduce_to_restor'", "did you mean 'reduce_to_restore'?"]),
    ({"liquidation.steps": ["take_over", "close_in_book"]},
     ["liquidation.steps.1 = 'close_in_book'", "no step may follow 'take_over'", "put it last"]),
    ({"liquidation.steps": ["close_in_book", "reduce_slice"]},
     ["liquidation.steps.1 = 'reduce_slice'", "no step may follow 'close_in_book'"]),
    ({"liquidation.steps": []}, ["liquidation.steps", "at least 1"]),
    ({"liquidation.slice": "0%"}, ["liquidation.slice = '0%'", "must be > 0%"]),
    ({"liquidation.rank": "leverage"},
     ["liquidation.rank = 'leverage'", "only for backstop = 'deleveraging'", "'insurance'"]),
    ({"liquidation.insurance_fund": -1}, ["liquidation.insurance_fund = -1", "must be >= 0"]),
    # Calendar
    ({"calendar": {**CALENDAR, "open": "Son 17:00"}}, ["calendar.open", "no day 'Son'", "'Sun'"]),
    ({"calendar": {**CALENDAR, "open": "Sun 25:00"}}, ["calendar.open", "no time 25:00"]),
    ({"calendar": {**CALENDAR, "open": "5pm"}}, ["calendar.open = '5pm'", '"Sun 17:00"']),
    ({"calendar": {**CALENDAR, "close": "Sun 17:00"}}, ["calendar.close", "other time than open"]),
    ({"calendar": {**CALENDAR, "daily_break": "16:00-16:00"}}, ["calendar.daily_break", "end"]),
    ({"calendar": {**CALENDAR, "daily_break": "noon"}},
     ["calendar.daily_break = 'noon'", '"16:00-17:00"']),
    ({"calendar": {**CALENDAR, "timezone": "America/Chcago"}},
     ["calendar.timezone = 'America/Chcago'", "did you mean 'America/Chicago'?"]),
    ({"calendar": {"timezone": "UTC", "open": "Mon 00:00"}}, ["calendar.close: is missing"]),
    # Dates
    (change(("2025-09-18T08:01:00Z", "taker_fees", "1%")),
     ["changes.0.key = 'taker_fees'", "did you mean 'taker_fee'?"]),
    (change(("soon", "taker_fee", "1%")), ["changes.0.at = 'soon'", "2025-09-18T08:00:00Z"]),
    (change(("2025-09-18T08:01:00Z", "taker_fee", "-1%")), ["changes.0.value = '-1%'", ">= 0%"]),
    (change(("2025-09-18T08:01:00Z", "taker_fee", "1%"), ("2025-09-01", "maker_fee", "1%")),
     ["changes.1.at", "not be before", "2025-09-18 08:01 UTC"]),
    (change(("2025-09-18T08:01:00+02:00", "taker_fee", "1%"),
            ("2025-09-18T06:01:00Z", "taker_fee", "2%")), ["changes.1.key", "twice"]),
    (change(("2025-09-18", "maker_fee", "-0.06%")), ["changes.0.value = '-0.06%'", "rebate"]),
    (change(("2025-09-18", "perpetual.funding.cap", "0.01%")),
     ["changes.0.value = '0.01%'", "clamp wider than the cap"]),
    (change(("2025-09-18", "perpetual.funding.cap", "1%")) | {"perpetual": None, "future": FUTURE},
     ["changes.0.key", "no [perpetual]"]),
    (listed(expiry="2025-06-27T08:00:00Z"),
     ["instruments.0.expiry = '2025-06-27T08:00:00Z'", "has expired", "as_of, 2025-06-30"]),
    (listed(expiry="2025-06-30T08:00:00Z"), ["instruments.0.expiry", "has expired"]),
    (listed(strike=100), ["instruments.0.strike = 100", "must not be given"]),
    (listed(kind="call", strike=100), ["instruments.0.kind = 'call'", "needs [option]"]),
    (listed(kind="put") | {"option": OPTION}, ["instruments.0.strike: is missing"]),
    (listed(kind="put", strike=101) | {"option": OPTION},
     ["instruments.0.strike = 101", "multiple of option.tick, 5"]),
    (listed() | {"future": {**FUTURE, "lot": "x"}}, ["future.lot = 'x'"]),
    ({"instruments": [{"name": "F", "kind": "future", "expiry": "2026-01-01"}] * 2},
     ["3 problems", "instruments.0.kind", "needs [future]", "instruments.1.name = 'F'", "twice"]),
    # Options
    ({"option": {**OPTION, "short_maintenance": "20%"}},
     ["option.short_maintenance = '20%'", "must be <= short_initial, 15%"]),
    ({"option": {**OPTION, "fee_cap": "0%"}}, ["option.fee_cap = '0%'", "must be > 0%"]),
    # Names
    ({"unverified": ["perpetual.teirs"]},
     ["unverified.0 = 'perpetual.teirs'", "did you mean 'perpetual.tiers'?"]),
    ({"unverified": ["amend_keeps_priority"]}, ["did you mean 'orders.amend_keeps_priority'?"]),
    ({"unverified": ["option.tick"]}, ["unverified.0", "there is no [option]"]),
    ({"unverified": ["zzz"]}, ["unverified.0 = 'zzz'", 'name one such as "perpetual.tiers"']),
    ({"quote": "dollars"}, ["quote = 'dollars'", "pattern"]),
    ({"takerfee": "1%"}, ["takerfee: unknown key", "did you mean 'taker_fee'?"]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), BAD)
def test_a_wrong_venue_is_refused_with_key_reason_and_way_out(
    changes: dict[str, Any], expected: list[str]
) -> None:
    text = message(changes)
    for part in ["venue given as a dict", *expected]:
        assert part in text


def test_all_problems_of_a_file_are_told_at_once_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_text(
        """
purpose = "everything is wrong"
as_of = 2025-06-30
sources = []
unverified = ["perpetual.teirs"]
maker_fee = "-0.06%"
taker_fee = "0.05%"
order_latency = "20ms"
data_latency = 10
liquidation_fee = "0.5%"
collateral = { EUR = "90%" }
instruments = [{ name = "F", kind = "future", expiry = 2025-03-28T08:00:00Z }]

[liquidation]
steps = ["take_over", "reduce_slice"]

[calendar]
timezone = "UTC"
open = "Sun 17:00"
close = "Sun 17:00"

[perpetual]
tick = "0.1"
lot = "0.001"
typo = 3
tiers = [
    { to = 100, maintenance = "1%", leverage = 100 },
    { to = 90, maintenance = "2%", leverage = 25, amount = 3 },
]

[perpetual.funding]
clamp = "0.5%"
cap = "0.3%"
""",
        "utf-8",
    )
    with pytest.raises(ScenarioError) as caught:
        load_venue(file)
    head, *lines = str(caught.value).splitlines()
    assert str(file) in head
    assert {line.split()[0].rstrip(":") for line in lines} == {
        "unverified.0",
        "maker_fee",
        "data_latency",
        "collateral.EUR",
        "instruments.0.expiry",
        "instruments.0.kind",
        "liquidation.steps.1",
        "calendar.close",
        "perpetual.typo",
        "perpetual.funding_interval",
        "perpetual.tiers.0.leverage",
        "perpetual.tiers.1.to",
        "perpetual.tiers.1.amount",
        "perpetual.funding.clamp",
    }
    assert f"{len(lines)} problems" in head


GOOD: list[dict[str, Any]] = [
    {},
    {"perpetual": None, "future": FUTURE},
    {"perpetual.contract": "inverse", "perpetual.face": 100, "perpetual.lot": 1},
    {"perpetual.leverage": 50.0},
    {"maker_fee": "-0.05%"},
    {"liquidation.backstop": "deleveraging", "liquidation.rank": "leverage"},
    {"margin.modes": ["portfolio"], "portfolio_margin": SCENARIOS},
    {"calendar": {**CALENDAR, "daily_break": "23:00-01:00"}},
    {"unverified": ["perpetual.tiers", "perpetual.funding", "orders.iceberg_parts", "calendar"]},
    {"discounts": {"token": "25%", "referral": "10%"}, "unverified": ["discounts.token"]},
    {"option": OPTION, **listed(kind="call", strike=60_000)},
    change(("2025-09-18", "maker_fee", "0.01%"), ("2025-09-18", "taker_fee", "0.04%")),
    fee_tier((1_000, "-0.01%", "0.04%"), (2_000, "-0.02%", "0.03%")),
]


@pytest.mark.parametrize("changes", GOOD)
def test_a_right_venue_loads_and_loads_again(changes: dict[str, Any]) -> None:
    venue = load_venue(with_keys(changes))
    assert load_venue(venue.model_dump()) == venue
    assert load_venue(venue.model_dump(mode="json")) == venue


def perpetual_of(venue: Venue) -> Any:
    """Return the terms of the perpetual."""
    assert venue.perpetual is not None
    return venue.perpetual


def test_amounts_of_tiers_are_those_of_the_published_formula() -> None:
    venue = load_venue("binance")
    tiers = perpetual_of(load_venue(with_keys({}))).tiers
    assert [float(one.amount) for one in tiers] == [0, 1, 7]
    published = perpetual_of(venue).tiers
    floors = [0, *(one.to for one in published[:-1])]
    table = np.array([(a, one.maintenance, 0) for a, one in zip(floors, published, strict=True)])
    table = table.astype(np.float64)
    fill_tier_amounts(table)
    assert table[:, 2] == pytest.approx([float(one.amount) for one in published])


def test_two_margins_are_one_tier_without_end() -> None:
    (only,) = perpetual_of(load_venue("generic")).tiers
    assert (only.to, only.leverage, float(only.maintenance), only.amount) == (None, 50.0, 0.01, 0)


def test_collateral_is_by_default_what_contracts_are_paid_in() -> None:
    linear, inverse = load_venue(with_keys({})), load_venue(with_keys(GOOD[2]))
    assert (linear.collateral, inverse.collateral) == ({"USD": 1}, {"BTC": 1})


def test_moments_without_an_offset_are_in_utc() -> None:
    rows = [("2025-09-18T08:00:00+02:00", "taker_fee", "1%"), ("2025-09-18", "maker_fee", "0%")]
    times = [one.at.isoformat() for one in load_venue(with_keys(change(*rows[::-1]))).changes]
    assert times == ["2025-09-18T00:00:00+00:00", "2025-09-18T06:00:00+00:00"]
