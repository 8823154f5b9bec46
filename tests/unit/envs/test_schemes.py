"""The action schemes beside `hedge`, in a market that stands still."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gammagym.agent import FIELD_NAMES
from gammagym.envs.kernels import band, moves
from gammagym.envs.kernels.band import half_width
from gammagym.envs.kernels.moves import LEG_SHARES, MOVES
from gammagym.envs.kernels.placing import REST_DEPTH
from gammagym.envs.kernels.schemes import decide
from gammagym.exchange.ledger import deposit
from gammagym.exchange.own_orders import limit_order
from gammagym.hedging import whalley_wilmott_half_width
from gammagym.loop import advance
from gammagym.world.codes import (
    BUY,
    FIRST_AGENT_ACCOUNT,
    GTC,
    IOC,
    REJECT_NOTHING_TO_REDUCE,
    REJECT_WOULD_CROSS,
    SCHEME_DISCRETE,
    SCHEME_ORDERS,
    SCHEME_QUOTES,
    SELL,
)
from gammagym.world.sizes import FREE_ORDERS, QUANTA

PERP, FUTURE = 0, 4
HEDGE, MAKER, TAKER = (FIRST_AGENT_ACCOUNT + number for number in (1, 2, 3))
TAPE = np.array([0.0])
LARGEST = 200  # lots
BID, ASK = 599_990, 600_010
DEPTH = int(REST_DEPTH * BID)
STEP = 100_000_000
# Numbers that choose the kind of an order.
POST_ONLY, PLAIN, AT_ONCE = -1.0, 0.0, 1.0


@pytest.fixture
def market(make_exchange) -> Any:
    """Return a maker of markets of 599,990 to 600,010 ticks, 500 lots a side, for one scheme."""

    def make(scheme: int, slots: int, hedges: tuple[int, ...] = (PERP,)) -> Any:
        world = make_exchange()
        world["price"]["volatility"] = 0.0
        deposit(world, HEDGE, 0, 10**7 * QUANTA)
        for instrument in hedges:
            limit_order(world, MAKER, instrument, BUY, BID, 500, GTC)
            limit_order(world, MAKER, instrument, SELL, ASK, 500, GTC)
        agent = world["agents"][0]
        agent["scheme"], agent["slots"], agent["hedge_count"] = scheme, slots, len(hedges)
        agent["hedges"][: len(hedges)] = hedges
        agent["working"][1:slots] = agent["working"][0]
        for slot in range(slots):
            agent["working"]["instrument"][slot] = hedges[slot % len(hedges)]
        world["agents"][0] = agent
        return world

    return make


def act(world: Any, *numbers: float) -> int:
    """Decide, let it arrive, and return how many instructions were sent."""
    decide(world, 0, np.array(numbers, np.float32))
    sent = int(world["message_count"])
    advance(world, TAPE, int(world["time_ns"]) + STEP)
    return sent


def own(world: Any) -> list[tuple[int, int, int]]:
    """Return side, price and quantity of the agent's resting orders, bids first."""
    orders = world["orders"]
    mine = orders[(orders["live"] == 1) & (orders["owner"] == HEDGE)]
    return sorted(
        (int(one["side"]), int(one["price_ticks"]), int(one["quantity_lots"])) for one in mine
    )


def position(world: Any, instrument: int = PERP) -> int:
    return int(world["positions"]["quantity_lots"][HEDGE, instrument])


def rejects(world: Any) -> int:
    return int(world["agents"]["rejects"].sum())


def ids(world: Any) -> list[int]:
    orders = world["orders"]
    mine = orders[(orders["live"] == 1) & (orders["owner"] == HEDGE)]
    return sorted(mine["order_id"].tolist())


# --- quotes -----------------------------------------------------------------------------------


@pytest.fixture
def quoted(market) -> Any:
    return market(SCHEME_QUOTES, 2)


def test_both_sides_are_quoted_at_once(quoted):
    assert act(quoted, 1.0, 0.0, 0.5, 0.0) == 2
    assert own(quoted) == [(BUY, BID, 200), (SELL, ASK, 100)]
    assert position(quoted) == 0


@pytest.mark.parametrize("nothing", [0.0, 0.049, -0.5, -1.0])
def test_a_size_in_the_dead_zone_or_below_is_no_quote(quoted, nothing):
    act(quoted, 1.0, 0.0, 1.0, 0.0)
    assert act(quoted, nothing, 0.0, 1.0, 0.0) == 1
    assert own(quoted) == [(SELL, ASK, 200)]


@pytest.mark.parametrize(
    ("placement", "bid", "ask"),
    [
        (0.0, BID, ASK),
        (-1.0, BID - DEPTH, ASK + int(REST_DEPTH * ASK)),
        (-0.5, BID - int(0.5 * REST_DEPTH * BID), ASK + int(0.5 * REST_DEPTH * ASK)),
        (0.5, BID + 4, ASK - 4),
        (1.0, BID + 9, ASK - 9),
        (7.0, BID + 9, ASK - 9),
    ],
)
def test_placement_runs_from_well_behind_to_the_middle_where_quotes_do_not_meet(
    quoted, placement, bid, ask
):
    act(quoted, 1.0, placement, 1.0, placement)
    assert own(quoted) == [(BUY, bid, 200), (SELL, ask, 200)]
    assert (position(quoted), rejects(quoted)) == (0, 0)


@pytest.mark.parametrize("placement", [-0.7, 0.0, 0.5, 1.0])
def test_the_same_wish_sends_nothing_so_that_no_quote_improves_on_itself(quoted, placement):
    act(quoted, 1.0, placement, 1.0, placement)
    before = own(quoted)
    for _ in range(3):
        assert act(quoted, 1.0, placement, 1.0, placement) == 0
    assert own(quoted) == before


def test_a_wish_that_hardly_changes_keeps_its_place(quoted):
    act(quoted, 1.0, -0.5, 1.0, 0.0)
    assert act(quoted, 0.97, -0.52, 0.96, 0.0) == 0
    assert act(quoted, 0.97, -0.60, 0.96, 0.0) == 1


def test_a_changed_quote_is_amended_and_no_new_order(quoted):
    act(quoted, 1.0, 0.0, 1.0, 0.0)
    before = ids(quoted)
    assert act(quoted, 0.5, 0.0, 1.0, -0.5) == 2
    assert ids(quoted) == before
    assert own(quoted)[0] == (BUY, BID, 100)


def test_behind_others_the_touch_is_theirs(quoted):
    act(quoted, 1.0, 1.0, 0.0, 0.0)
    limit_order(quoted, TAKER, PERP, BUY, BID + 5, 100, GTC)
    act(quoted, 1.0, 0.0, 0.0, 0.0)
    assert own(quoted) == [(BUY, BID + 5, 200)]


@pytest.mark.parametrize("ticks", [100, -100])
def test_quotes_follow_a_market_that_jumps_without_meeting_each_other(quoted, ticks):
    act(quoted, 1.0, 0.0, 1.0, 0.0)
    side = SELL if ticks < 0 else BUY
    limit_order(quoted, TAKER, PERP, side, 1 if side == SELL else 10**6, 700, IOC)
    limit_order(quoted, MAKER, PERP, BUY, BID + ticks, 500, GTC)
    limit_order(quoted, MAKER, PERP, SELL, ASK + ticks, 500, GTC)
    act(quoted, 1.0, 0.0, 1.0, 0.0)
    assert own(quoted) == [(BUY, BID + ticks, 200), (SELL, ASK + ticks, 200)]
    assert rejects(quoted) == 0


def test_the_quote_in_the_way_of_the_other_moves_first(quoted):
    """The others ask for much more now, so the bid wishes to be where its own ask still is."""
    act(quoted, 1.0, 0.0, 1.0, 0.0)
    limit_order(quoted, TAKER, PERP, BUY, ASK, 500, IOC)
    limit_order(quoted, MAKER, PERP, SELL, ASK + 200, 500, GTC)
    assert own(quoted) == [(BUY, BID, 200), (SELL, ASK, 200)]
    act(quoted, 1.0, 1.0, 1.0, 0.0)
    assert own(quoted) == [(BUY, BID + 109, 200), (SELL, ASK + 200, 200)]
    assert rejects(quoted) == 0


def test_an_empty_side_is_quoted_beside_the_mark(quoted):
    limit_order(quoted, TAKER, PERP, SELL, 1, 500, IOC)
    limit_order(quoted, TAKER, PERP, BUY, 10**6, 500, IOC)
    act(quoted, 1.0, 0.0, 1.0, 0.0)
    assert own(quoted) == [(BUY, 599_999, 200), (SELL, 600_001, 200)]


# --- orders -----------------------------------------------------------------------------------


@pytest.fixture
def free(market) -> Any:
    return market(SCHEME_ORDERS, FREE_ORDERS)


NONE = (0.0, 0.0, 0.0, 0.0)


def orders_of(*orders: tuple[float, ...]) -> list[float]:
    """Return the action of some orders, the other slots empty."""
    return [
        number for order in (*orders, *[NONE] * (FREE_ORDERS - len(orders))) for number in order
    ]


def test_four_orders_rest_at_the_prices_they_ask_for(free):
    wished = ((1.0, 0.0), (0.5, -0.5), (-1.0, 0.0), (-0.25, -1.0))
    assert act(free, *orders_of(*[(*each, POST_ONLY, -1.0) for each in wished])) == 4
    assert own(free) == [
        (BUY, BID - int(0.5 * REST_DEPTH * BID), 100),
        (BUY, BID, 200),
        (SELL, ASK, 200),
        (SELL, ASK + int(REST_DEPTH * ASK), 50),
    ]


def test_orders_not_wished_for_any_more_are_canceled(free):
    act(free, *orders_of(*[(0.5, -0.1 * slot, PLAIN, 0.0) for slot in range(4)]))
    assert act(free, *orders_of(NONE, (0.5, -0.1, PLAIN, 0.0))) == 3
    assert own(free) == [(BUY, BID - int(0.1 * REST_DEPTH * BID), 100)]


def test_orders_that_hardly_change_keep_their_place(free):
    act(free, *orders_of((1.0, -0.5, PLAIN, 0.0), (-1.0, 0.0, PLAIN, 0.0)))
    before = ids(free)
    assert act(free, *orders_of((0.96, -0.51, PLAIN, 0.0), (-0.96, 0.0, PLAIN, 0.0))) == 0
    assert act(free, *orders_of((0.96, -0.60, PLAIN, 0.0), (-0.5, 0.0, PLAIN, 0.0))) == 2
    assert ids(free) == before


def test_a_plain_order_through_the_spread_trades_and_the_rest_of_it_rests(free):
    limit_order(free, TAKER, PERP, BUY, 10**6, 400, IOC)
    act(free, *orders_of((1.0, 0.1, PLAIN, 0.0)))
    assert position(free) == 100
    assert own(free) == [(BUY, BID + int(0.1 * REST_DEPTH * BID), 100)]


def test_a_post_only_order_through_the_spread_is_refused(free):
    act(free, *orders_of((1.0, 0.1, POST_ONLY, 0.0)))
    assert (position(free), own(free)) == (0, [])
    assert free["agents"]["rejects"][0, REJECT_WOULD_CROSS] == 1


@pytest.mark.parametrize(("price", "lots"), [(0.1, 200), (0.0, 0)])
def test_an_order_to_trade_at_once_never_rests(free, price, lots):
    act(free, *orders_of((1.0, price, AT_ONCE, 0.0)))
    assert (position(free), own(free)) == (lots, [])


def test_another_kind_is_another_order(free):
    act(free, *orders_of((1.0, -0.5, POST_ONLY, 0.0)))
    first = ids(free)
    assert act(free, *orders_of((1.0, -0.5, PLAIN, 0.0))) == 2
    assert ids(free) != first
    assert len(own(free)) == 1


def test_a_reduce_only_order_never_opens_a_position(free):
    act(free, *orders_of((1.0, 0.1, AT_ONCE, 1.0)))
    assert position(free) == 0
    assert free["agents"]["rejects"][0, REJECT_NOTHING_TO_REDUCE] == 1
    act(free, *orders_of((0.5, 0.1, AT_ONCE, 0.0)))
    act(free, *orders_of((-1.0, 0.1, AT_ONCE, 1.0)))
    assert position(free) == 0
    assert rejects(free) == 1


def test_with_several_hedges_each_order_is_for_the_chosen_one(market):
    world = market(SCHEME_ORDERS, FREE_ORDERS, (PERP, FUTURE))
    empty = (*NONE, 0.0)

    def numbers(*orders: tuple[float, ...]) -> list[float]:
        return [n for each in (*orders, *[empty] * (FREE_ORDERS - len(orders))) for n in each]

    act(world, *numbers((0.5, 0.1, AT_ONCE, 0.0, -1.0), (1.0, 0.1, AT_ONCE, 0.0, 1.0)))
    assert (position(world, PERP), position(world, FUTURE)) == (100, 200)
    assert act(world, *numbers((0.5, 0.0, PLAIN, 0.0, -1.0))) == 1
    assert act(world, *numbers((0.5, 0.0, PLAIN, 0.0, 1.0))) == 2
    resting = world["orders"][(world["orders"]["live"] == 1) & (world["orders"]["owner"] == HEDGE)]
    assert resting["instrument"].tolist() == [FUTURE]
    assert act(world, *numbers()) == 1
    assert own(world) == []


# --- discrete ---------------------------------------------------------------------------------


@pytest.fixture
def table(market) -> Any:
    return market(SCHEME_DISCRETE, 1)


def number_of(name: str) -> int:
    """Return the row of the one move whose name begins like this."""
    rows = [row for row, move in enumerate(MOVES) if move.name.startswith(name)]
    assert len(rows) == 1
    return rows[0]


@pytest.mark.parametrize(
    ("name", "lots"),
    [
        ("buy a tenth", 20),
        ("buy a third", 67),
        ("buy all", 200),
        ("sell a tenth", -20),
        ("sell a third", -67),
        ("sell all", -200),
    ],
)
def test_moves_at_market_trade_a_share_of_the_largest_order(table, name, lots):
    act(table, number_of(name))
    assert (position(table), own(table)) == (lots, [])


@pytest.mark.parametrize(
    ("name", "order"),
    [("join the best bid", (BUY, BID, 67)), ("join the best ask", (SELL, ASK, 67))],
)
def test_a_joining_order_stays_through_nothing_until_it_is_canceled(table, name, order):
    act(table, number_of(name))
    assert own(table) == [order]
    assert act(table, number_of("nothing")) == 0
    assert own(table) == [order]
    assert act(table, number_of("cancel")) == 1
    assert own(table) == []


@pytest.mark.parametrize("net_delta", [0.05, -0.05])
def test_the_net_delta_is_traded_away_as_it_was_observed(table, net_delta):
    gross = float(table["agents"]["gross_units"][0])
    table["agents"]["observed"][0, FIELD_NAMES.index("net_delta")] = net_delta
    lots = -round(net_delta * gross / 0.001)
    act(table, number_of("trade the net delta away by resting"))
    side, price = (SELL, ASK) if lots < 0 else (BUY, BID)
    assert own(table) == [(side, price, abs(lots))]
    act(table, number_of("trade the net delta away at market"))
    assert (position(table), own(table)) == (lots, [])


def test_the_table_says_what_its_rows_are_for():
    assert len({move.name for move in MOVES}) == len(MOVES)
    assert LEG_SHARES[0] == 0.0
    assert FIELD_NAMES[moves._NET_DELTA] == "net_delta"


# --- band -------------------------------------------------------------------------------------


def test_the_band_reads_the_fields_it_means():
    rows = {"_NET_DELTA": "net_delta", "_GAMMA": "gamma", "_PRICE": "price"}
    for constant, name in (rows | {"_SPREAD": "spread", "_TAKER_FEE": "taker_fee"}).items():
        assert FIELD_NAMES[getattr(band, constant)] == name


def test_its_half_width_is_that_of_the_one_place_for_formulas():
    draws = np.random.default_rng(0)
    for _ in range(200):
        price, gamma = (
            10.0 ** draws.uniform(1, 6),
            draws.uniform(-1, 1) * 10.0 ** draws.uniform(-9, 0),
        )
        cost, aversion = draws.uniform(-1e-4, 1e-2), 10.0 ** draws.uniform(-8, 0)
        expected = float(whalley_wilmott_half_width(price, gamma, cost, aversion))
        assert half_width(price, gamma, cost, aversion) == pytest.approx(expected, rel=1e-14)
