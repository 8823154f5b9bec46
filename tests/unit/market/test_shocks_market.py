"""Events that act on books, prices and volatilities: each measured in a market beside its twin."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

import gammagym
from gammagym.errors import CapacityError, OrderError, ScenarioError
from gammagym.exchange.ledger import conserved
from gammagym.loop import advance, open_world
from gammagym.market.large_orders import lots_due
from gammagym.market.withdrawal import patience
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.tasks import Leg, Task
from gammagym.world import LARGE, SMALL, empty_worlds, fingerprint
from gammagym.world.codes import (
    BUY,
    COIN,
    CROWD,
    FIRST_AGENT_ACCOUNT,
    FUTURE,
    MAKERS,
    NO_LEVEL,
    NO_ORDER,
    PART_BASIS,
    PART_DELTA,
    PART_VEGA,
    SELL,
)

SECOND = 1_000_000_000
PERP, OPTION, SECOND_BOOK = 0, 1, 2
IDEAL = {"flow": {"kind": "ideal", "half_spread": 0.0001, "size": 100.0}}
TWO_BOOKS = {
    "venue": "binance",
    "markets": [{"kind": "future", "expiry": "30d", "flow": {"preset": "thin"}}],
}


def market(*shocks: dict[str, Any], seed: int = 1, capacity: Any = None, **keys: Any) -> Any:
    """Return a template's open world with a short option in its book, and its tape."""
    table = {
        "purpose": "test",
        "price": {"model": "gbm", "start": "60000", "volatility": 0.6},
        "flow": {"preset": "thin"},
        "funding": "0%",
        "shocks": list(shocks),
    }
    compiled = compile_world(
        load_scenario(table | keys),
        Task("test", (Leg("call", 10.0, expiry_days=7.0),), horizon_seconds=3_600.0),
        capacity=capacity,
    )
    worlds = compiled.template.copy()
    open_world(worlds[0], compiled.tape, seed)
    return worlds, compiled.tape


def go(here: Any, seconds: float) -> Any:
    advance(here[0][0], here[1], round(seconds * SECOND))
    return here[0][0]


def touch(world: Any, row: int = PERP) -> list[int | None]:
    """Return the best bid and ask (ticks), None where there is none."""
    best = world["books"][row]["best"]
    return [
        None if best[side] == NO_LEVEL else int(world["levels"]["price_ticks"][best[side]])
        for side in (BUY, SELL)
    ]


def resting(world: Any, row: int = PERP) -> float:
    """Return the quantity that rests in a book (lots)."""
    orders = world["orders"]
    return float(
        orders["quantity_lots"][(orders["live"] == 1) & (orders["instrument"] == row)].sum()
    )


def rests(world: Any, flow: Any, place: int) -> bool:
    """Return whether the order in a place of the crowd's list still rests."""
    row = int(flow["rows"][place])
    if row == NO_ORDER:
        return False
    order = world["orders"][row]
    return bool(order["live"]) and order["order_id"] == flow["ids"][place]


def spreads(here: Any, start: int, stop: int) -> list[float]:
    found = []
    for seconds in range(start, stop):
        bid, ask = touch(go(here, seconds))
        found.append(math.inf if bid is None or ask is None else float(ask - bid))
    return found


def assert_money_is_right(world: Any) -> None:
    for currency in range(2):
        assert int(conserved(world, currency)) == int(world["deposits"][currency])
    derivatives = [row for row in range(int(world["instrument_count"])) if row < 3]
    assert not world["positions"]["quantity_lots"][:, derivatives].sum(axis=0).any()


# --- Makers leave ----------------------------------------------------------------------------

GONE = {"kind": "makers", "at": "60s", "hold": "60s"}


def test_the_spread_opens_while_makers_are_away_and_closes_when_they_are_back():
    here = market(GONE | {"share": "80%"})
    before, during, after = spreads(here, 30, 60), spreads(here, 70, 120), spreads(here, 150, 200)
    assert np.median(before) == 1
    assert np.median(during) > 10
    assert np.median(after) == 1


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_the_share_of_orders_that_is_gone_is_that_of_makers(share):
    here = market(GONE | {"share": f"{100 * share:g}%"}, flow={"preset": "full"})
    world = go(here, 59.999)
    flow = world["flows"][0]
    live = [place for place in range(int(flow["slots"])) if rests(world, flow, place)]
    world = go(here, 60.0)
    left = [place for place in live if rests(world, world["flows"][0], place)]
    assert len(left) / len(live) == pytest.approx(1 - share, abs=0.06)
    assert all(patience(world, world["flows"][0], place) >= share for place in left)


def test_who_is_away_rests_nowhere_and_the_most_patient_stay():
    world = go(market(GONE | {"share": "50%"}), 100.0)
    flow = world["flows"][0]
    for place in range(int(flow["slots"])):
        if patience(world, flow, place) < 0.5:
            assert flow["rows"][place] == NO_ORDER


def test_of_any_places_in_a_row_as_many_leave_as_should():
    world = go(market(), 0.0)
    flow = world["flows"][0]
    shares = np.array([patience(world, flow, place) for place in range(int(flow["slots"]))])
    assert shares.min() > 0
    assert shares.max() < 1
    for first in range(len(shares) - 12):
        for share in (0.25, 0.5, 0.75):
            assert abs((shares[first : first + 12] < share).sum() - 12 * share) <= 2


def test_who_leaves_first_differs_between_seeds():
    first = [
        patience(go(market(seed=seed), 0), go(market(seed=seed), 0)["flows"][0], 0)
        for seed in (1, 2, 3)
    ]
    assert len(set(first)) == 3


@pytest.mark.parametrize("preset", ["thin", "sparse", "levels", "large_tick"])
def test_a_market_that_all_makers_have_left_is_empty_and_everything_stays_finite(preset):
    kinds = {"levels": "zero_intelligence", "large_tick": "queue_reactive"}
    flow = {"kind": kinds.get(preset, "hawkes"), "preset": preset}
    here = market(
        GONE | {"share": "100%"},
        {"kind": "price", "at": "70s", "ramp": "20s", "move": "-10%"},
        {"kind": "large_order", "at": "65s", "hold": "10s", "side": "sell", "quantity": 5},
        flow=flow,
    )
    world = go(here, 119.0)
    assert touch(world) == [None, None]
    assert resting(world) == 0
    assert world["shocks"]["done"][2] == 0
    for name in ("mark_price", "fair_price", "mean_basis"):
        assert np.isfinite(world["instruments"][name][:2]).all()
    assert np.isfinite(world["agents"]["parts"][0]).all()
    world = go(here, 400.0)
    assert None not in touch(world)
    assert_money_is_right(world)


def test_makers_of_the_ideal_market_and_of_options_quote_less_or_nothing():
    for share, left in ((0.75, 0.25), (1.0, 0.0)):
        here = market(GONE | {"share": f"{100 * share:g}%"}, **IDEAL)
        before = [resting(go(here, 30.0), row) for row in (PERP, OPTION)]
        during = [resting(go(here, 90.0), row) for row in (PERP, OPTION)]
        after = [resting(go(here, 150.0), row) for row in (PERP, OPTION)]
        assert during == pytest.approx([left * each for each in before])
        assert after == before


def test_makers_that_leave_one_market_leave_the_others_book_untouched():
    calm = market(**TWO_BOOKS)
    names = {"market": "BTC-30D"}
    gone = market(GONE | {"share": "90%"} | names, **TWO_BOOKS)
    for seconds in (50.0, 100.0, 200.0):
        one, other = go(calm, seconds), go(gone, seconds)
        assert resting(one) == resting(other)
        assert touch(one) == touch(other)
    assert resting(go(market(GONE | {"share": "90%"} | names, **TWO_BOOKS), 100.0), 2) < 0.3 * (
        resting(go(market(**TWO_BOOKS), 100.0), 2)
    )


# --- Orders ----------------------------------------------------------------------------------


@pytest.mark.parametrize("multiple", [0.25, 4.0])
def test_events_come_as_many_times_as_often(multiple):
    burst = {"kind": "orders", "at": "600s", "hold": "1800s", "multiple": multiple}
    counts = []
    for shocks in ((), (burst,)):
        total = 0
        for seed in range(3):
            here = market(*shocks, seed=seed)
            before = int(go(here, 600.0)["flows"]["event"][0])
            total += int(go(here, 2_400.0)["flows"]["event"][0]) - before
        counts.append(total)
    assert counts[1] / counts[0] == pytest.approx(multiple, rel=0.08)


# --- Volatility ------------------------------------------------------------------------------

HESTON = {"price": {"model": "heston", "start": "60000", "preset": "btc"}}
MERTON = {"price": {"model": "merton", "start": "60000", "preset": "btc"}}


def log_prices(here: Any, start: int, stop: int) -> Any:
    return np.log([float(go(here, second)["price"]["value"]) for second in range(start, stop)])


@pytest.mark.parametrize("keys", [{}, HESTON, MERTON])
def test_realised_volatility_is_as_many_times_as_high(keys):
    wild = {"kind": "volatility", "at": "100s", "hold": "2000s", "multiple": 3.0}
    here, calm = market(wild, **keys, **IDEAL), market(**keys, **IDEAL)
    moves = [np.diff(log_prices(each, 101, 2_100)) for each in (here, calm)]
    # The same random numbers, so the ratio is closer than two samples could tell.
    assert moves[0].std() / moves[1].std() == pytest.approx(3.0, rel=0.03)


def test_the_path_between_two_ticks_is_as_wild_as_the_price():
    wild = {"kind": "volatility", "at": "0s", "hold": "1000s", "multiple": 3.0}
    paths = []
    for here in (market(wild, **IDEAL), market(**IDEAL)):
        steps = [np.diff(np.log(go(here, second)["price"]["path"])) for second in range(1, 400)]
        paths.append(np.concatenate(steps).std())
    assert paths[0] / paths[1] == pytest.approx(3.0, rel=0.02)


def test_a_replay_meets_its_tape_whatever_the_volatility(tmp_path):
    rows = "\n".join(f"{60 * minute},{60_000 + 10 * (minute % 7)}" for minute in range(200))
    (tmp_path / "prices.csv").write_text(f"timestamp,price\n{rows}\n")
    keys = {
        "price": {
            "model": "replay",
            "file": str(tmp_path / "prices.csv"),
            "volatility": 0.6,
            "offset_mode": "start",
        }
    }
    wild = {"kind": "volatility", "at": "0s", "hold": "1h", "multiple": 3.0}
    here, calm = market(wild, **keys, **IDEAL), market(**keys, **IDEAL)
    prices = [log_prices(each, 0, 1_201) for each in (here, calm)]
    np.testing.assert_array_equal(prices[0][::60], prices[1][::60])
    noise = [np.diff(each).std() for each in prices]
    assert noise[0] / noise[1] == pytest.approx(3.0, rel=0.05)


def test_implied_volatilities_go_up_come_back_exactly_and_the_vega_part_is_vega_times_the_change():
    up = {"kind": "implied_volatility", "at": "60s", "hold": "60s", "multiple": 1.5}
    price = {
        "price": {"model": "gbm", "start": "60000", "volatility": 0.0},
        "options": {"implied_volatility": 0.6},
    }
    here = market(up, **price, **IDEAL)
    world = go(here, 59.0)
    option, agent = world["instruments"][OPTION], world["agents"][0]
    assert option["implied_volatility"] == 0.6
    vega, before = float(option["vega"]), float(agent["parts"][PART_VEGA])
    go(here, 60.0)
    assert option["implied_volatility"] == pytest.approx(0.9, rel=1e-15)
    assert agent["parts"][PART_VEGA] - before == pytest.approx(10.0 * vega * 0.3, rel=1e-12)
    go(here, 180.0)
    assert option["implied_volatility"] == 0.6


def test_a_crush_acts_on_a_smile_as_on_its_level_and_goes_beyond_what_noise_may():
    smile = {"options": {"preset": "btc", "implied_volatility": 0.6}}
    crush = {"kind": "implied_volatility", "at": "60s", "hold": "60s", "multiple": 0.2}
    one, other = market(**smile), market(crush, **smile)
    for here in (one, other):
        go(here, 100.0)
    ratio = [
        float(each[0][0]["instruments"]["implied_volatility"][OPTION]) for each in (other, one)
    ]
    assert ratio[0] / ratio[1] == pytest.approx(0.2, rel=0.05)
    for here in (one, other):
        go(here, 200.0)
    back = [float(each[0][0]["instruments"]["implied_volatility"][OPTION]) for each in (other, one)]
    assert back[0] == pytest.approx(back[1], rel=1e-6)


# --- Basis and index -------------------------------------------------------------------------

BASIS = {"kind": "basis", "at": "60s", "hold": "60s", "move": "-2%"}


def mid(world: Any, row: int) -> float:
    return sum(touch(world, row)) / 2 * float(world["instruments"]["tick_size"][row])


@pytest.mark.parametrize("keys", [{}, IDEAL])
def test_a_basis_moves_the_book_of_the_perpetual_and_not_what_is_fair(keys):
    here = market(BASIS, **keys)
    for seconds, gap in ((50.0, 0.0), (110.0, -0.02), (170.0, 0.0)):
        world = go(here, seconds)
        value = float(world["price"]["value"])
        assert mid(world, PERP) / value - 1 == pytest.approx(gap, abs=1e-3)
        assert float(world["instruments"]["fair_price"][PERP]) == value


def test_a_basis_of_a_future_moves_its_fair_price_and_its_holder_sees_it_as_basis():
    here = market(BASIS | {"market": "BTC-30D"}, **TWO_BOOKS)
    world = go(here, 59.0)
    world["positions"]["quantity_lots"][FIRST_AGENT_ACCOUNT + 1, SECOND_BOOK] += 1_000
    world["positions"]["quantity_lots"][CROWD, SECOND_BOOK] -= 1_000
    before = world["agents"]["parts"][0].copy()
    price = float(world["price"]["value"])
    world = go(here, 60.0)
    assert world["instruments"]["kind"][SECOND_BOOK] == FUTURE
    value = float(world["price"]["value"])
    fair = float(world["instruments"]["fair_price"][SECOND_BOOK])
    assert fair / value == pytest.approx(0.98, rel=1e-12)
    parts = world["agents"]["parts"][0] - before
    assert parts[PART_BASIS] == pytest.approx(fair - value, rel=1e-9)
    coins_and_option = float(world["instruments"]["delta"][OPTION]) * 10 * (value - price)
    assert parts[PART_DELTA] - (value - price) == pytest.approx(coins_and_option, rel=0.02)
    world = go(here, 110.0)
    fair = float(world["instruments"]["fair_price"][SECOND_BOOK])
    assert mid(world, SECOND_BOOK) == pytest.approx(fair, rel=1e-3)


@pytest.mark.parametrize(("sources", "moved"), [(1, 0.0), (2, -0.3), (3, -0.3)])
def test_one_bad_source_is_outvoted_and_two_are_the_median(sources, moved):
    bad = {"kind": "index", "at": "60s", "hold": "60s", "move": "-30%", "sources": sources}
    world = go(market(bad), 90.0)
    price = world["price"]
    assert float(price["index"]) / float(price["value"]) - 1 == pytest.approx(moved, abs=1e-9)


# --- Price paths -----------------------------------------------------------------------------


def test_a_path_goes_through_its_points_in_straight_lines_of_the_logarithm():
    points = [
        {"after": "100s", "move": "-10%"},
        {"after": "200s", "move": "5%"},
        {"after": "260s", "move": "0%"},
    ]
    still = {
        "price": {"model": "gbm", "start": "60000", "volatility": 0.0},
        "options": {"implied_volatility": 0.6},
    }
    here = market({"kind": "price", "at": "40s", "path": points}, **still, **IDEAL)
    expected = {
        40: 1.0,
        90: 0.9**0.5,
        140: 0.9,
        190: (0.9 * 1.05) ** 0.5,
        240: 1.05,
        300: 1.0,
        600: 1.0,
    }
    for seconds, ratio in expected.items():
        assert float(go(here, seconds)["price"]["value"]) == pytest.approx(60_000 * ratio, rel=1e-9)


# --- Large orders ----------------------------------------------------------------------------

SALE = {"kind": "large_order", "at": "60s", "hold": "100s", "side": "sell", "quantity": 20}


def test_a_large_order_is_due_in_proportion_to_the_time():
    shock = empty_worlds(1, SMALL)["shocks"][0, 0]
    shock["start_ns"], shock["hold_ns"], shock["lots"] = 100, 50, -1_000
    times = (99, 100, 101, 125, 149, 150, 155, 160)
    due = [lots_due(shock, time, 10) for time in times]
    assert due == [0, 0, 20, 500, 980, 1_000, 1_000, 0]


@pytest.mark.parametrize(("side", "sign"), [("sell", -1), ("buy", 1)])
def test_a_large_order_trades_its_quantity_as_time_goes_by(side, sign):
    here = market(SALE | {"side": side})
    for seconds, units in ((59.0, 0.0), (110.0, 10.0), (160.0, 20.0), (300.0, 20.0)):
        world = go(here, seconds)
        held = world["positions"]["quantity_lots"][:, PERP] * 0.001
        seller = int(world["shocks"]["account"][0])
        assert held[seller] == pytest.approx(sign * units, abs=0.01)
        assert world["shocks"]["done"][0] == round(abs(held[seller]) / 0.001)
    assert held[CROWD] + held[MAKERS] == -held[seller]
    assert_money_is_right(world)


def test_a_large_order_pays_fees_like_everybody():
    world = go(market(SALE), 200.0)
    account = world["accounts"][int(world["shocks"]["account"][0])]
    fee = int(account["fees_quanta"]) / int(account["traded_quanta"])
    assert fee == pytest.approx(0.0005, rel=1e-6)


def test_what_the_book_does_not_take_is_tried_again_until_the_time_is_over():
    tiny = {"flow": {"kind": "ideal", "half_spread": 0.0001, "size": 0.05}}
    world = go(market(SALE, **tiny), 300.0)
    # One quote of 0.05 a second for 101 ticks.
    assert world["shocks"]["done"][0] == pytest.approx(5_000, abs=100)
    assert_money_is_right(world)


def test_a_large_order_moves_the_price_for_good_where_trading_does():
    pressed = {"flow": {"preset": "thin", "lasting_impact": 1.0}}
    world = go(market(SALE, **pressed), 300.0)
    assert float(world["price"]["pressure"]) == pytest.approx(-20e-4, rel=1e-9)


def test_spot_is_sold_by_somebody_who_has_it():
    spot = {"markets": [{"kind": "spot", "flow": {"preset": "spot"}}]}
    here = market(SALE | {"market": "BTC-SPOT"}, **spot)
    world = go(here, 0.0)
    seller = int(world["shocks"]["account"][0])
    assert world["cash"][seller, COIN] == 20 * 10**8
    world = go(here, 200.0)
    assert world["cash"][seller, COIN] == 0
    assert_money_is_right(world)


def test_a_large_order_without_an_account_left_is_refused():
    shocks = [SALE] * 16
    with pytest.raises(CapacityError, match=r"shocks\.\d.*accounts.*large order"):
        market(*shocks, capacity=SMALL)


# --- Twins -----------------------------------------------------------------------------------

EVENTS = [
    {"kind": "makers", "share": "50%"},
    {"kind": "orders", "multiple": 3.0},
    {"kind": "implied_volatility", "multiple": 1.5},
    {"kind": "basis", "move": "1%"},
    {"kind": "index", "move": "-20%", "sources": 2},
    {"kind": "large_order", "side": "sell", "quantity": 5},
    {"kind": "spread", "multiple": 10.0},
    {"kind": "depth", "multiple": 0.2},
]


def outside(world: Any) -> tuple[Any, ...]:
    """Return what the world is made of that an event must not touch before it begins."""
    flow = world["flows"][0]
    return (
        world["price"].tobytes(),
        flow.tobytes(),
        world["orders"].tobytes(),
        world["instruments"]["implied_volatility"].tobytes(),
    )


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event["kind"])
def test_a_market_and_its_shocked_twin_are_the_same_until_the_event(event):
    calm, twin = market(), market(event | {"at": "100s", "hold": "60s"})
    one, other = go(calm, 99.999), go(twin, 99.999)
    assert outside(one) == outside(other)
    for seconds in (130.0, 400.0):
        one, other = go(calm, seconds), go(twin, seconds)
        assert one["price"]["process"] == other["price"]["process"]
        assert one["price"]["value"] == other["price"]["value"]
    assert outside(one) != outside(other)


@pytest.mark.parametrize(
    "event", [*EVENTS, {"kind": "volatility", "multiple": 2.0}], ids=lambda event: event["kind"]
)
def test_money_is_conserved_and_the_same_seed_gives_the_same_world(event):
    timed = event | {"at": "30s", "hold": "60s"}
    one, other = market(timed, capacity=LARGE), market(timed, capacity=LARGE)
    for seconds in (20.0, 60.0, 120.0):
        assert_money_is_right(go(one, seconds))
    go(other, 120.0)
    assert one[0].tobytes() == other[0].tobytes()


# --- Refused ---------------------------------------------------------------------------------

_OUTAGE = {"kind": "outage", "at": "10s", "hold": "60s"}

REFUSED = [
    (
        [
            {
                "kind": "price",
                "at": "10s",
                "path": [{"after": "9s", "move": "1%"}, {"after": "5s", "move": "2%"}],
            }
        ],
        {},
        [r"shocks\.0\.path\.1\.after = '5s': must be later"],
    ),
    ([{"kind": "index", "at": "10s", "move": "5%", "sources": 4}], {}, [r"shocks\.0\.sources = 4"]),
    ([{"kind": "orders", "at": "10s", "multiple": 2}], IDEAL, [r"shocks\.0\.market: has no order"]),
    (
        [{"kind": "basis", "at": "10s", "move": "2%", "market": "BTC-7D-100-C"}],
        {},
        [r"shocks\.0\.market = 'BTC-7D-100-C': is an option"],
    ),
    ([SALE | {"quantity": 0.0001}], {}, [r"shocks\.0\.quantity = 0\.0001: is less than a lot"]),
    (
        [_OUTAGE | {"what": "matching"}, _OUTAGE | {"what": "data", "at": "30s"}],
        {},
        [r"shocks\.1\.what = 'data': overlaps shocks\.0"],
    ),
    (
        [
            {"kind": "funding", "at": "10s", "hold": "60s", "move": "1%"},
            {"kind": "funding", "at": "40s", "hold": "60s", "move": "-1%"},
        ],
        {},
        [r"shocks\.1\.move: overlaps shocks\.0"],
    ),
    (
        [
            {"kind": "default", "at": "60s", "share": "50%"},
            SALE | {"at": "90s"},
            _OUTAGE | {"what": "data", "at": "100s"},
        ],
        {},
        [
            r"shocks\.1: comes when its venue is closed",
            r"shocks\.2: comes when its venue is closed",
        ],
    ),
    (
        [{"kind": "price", "at": "2h", "move": "1%"}, SALE | {"market": "BTC-PREP"}],
        {},
        [r"shocks\.0\.at = '2h'", r"shocks\.1\.market = 'BTC-PREP'.*did you mean 'BTC-PERP'"],
    ),
    ([SALE | {"quantity": 1e9}], {}, [r"shocks\.quantity.*more than 64-bit money holds"]),
]


@pytest.mark.parametrize(("shocks", "keys", "messages"), REFUSED)
def test_events_that_contradict_or_act_on_nothing_are_refused_all_at_once(shocks, keys, messages):
    with pytest.raises(ScenarioError) as error:
        market(*shocks, **keys)
    for message in messages:
        assert re.search(message, str(error.value)), str(error.value)


@pytest.mark.parametrize(
    "shocks",
    [
        [_OUTAGE | {"what": "data"}, _OUTAGE | {"what": "cancels"}],
        [_OUTAGE | {"what": "matching"}, _OUTAGE | {"what": "data", "at": "70s"}],
        [SALE, {"kind": "default", "at": "120s", "share": "50%"}],
        [{"kind": "makers", "at": "10s", "share": "50%"}],
    ],
)
def test_events_that_can_be_together_are_accepted(shocks):
    assert int(market(*shocks)[0]["shock_count"][0]) == len(shocks)


# --- Saved -----------------------------------------------------------------------------------


def saved_market() -> Any:
    price = {"model": "gbm", "start": "60000", "volatility": 0.6}
    return gammagym.Market({"purpose": "test", "price": price, "shocks": [SALE]}, seed=1)


def test_a_market_in_the_middle_of_a_large_order_is_saved_and_goes_on_equally(tmp_path):
    here = saved_market()
    here.advance(seconds=100)
    here.save(tmp_path / "m.npz")
    there = gammagym.Market.load(tmp_path / "m.npz")
    for each in (here, there):
        each.advance(seconds=100)
    assert fingerprint(here.world) == fingerprint(there.world)
    assert here.world["shocks"]["done"][0] == 20_000


@pytest.mark.parametrize(
    ("field", "value"),
    [("account", 10**6), ("account", CROWD), ("instrument", -1), ("hold_ns", 0), ("kind", 3)],
)
def test_a_saved_market_with_an_impossible_event_is_refused(tmp_path, field, value):
    here = saved_market()
    here.world["shocks"][field][0] = value
    here.save(tmp_path / "m.npz")
    with pytest.raises(OrderError, match=f"shocks.{field}"):
        gammagym.Market.load(tmp_path / "m.npz")
