"""The action scheme `hedge`: one wish, reconciled with the order that is in the market."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gammagym.envs.kernels.placing import REST_DEPTH, begin_decision, wish
from gammagym.exchange.ledger import deposit
from gammagym.exchange.own_orders import limit_order
from gammagym.loop import advance
from gammagym.market.latency import travel_ns
from gammagym.scenario.competitors import write_latency
from gammagym.venues.schema import Latency
from gammagym.world.codes import (
    BUY,
    FIRST_AGENT_ACCOUNT,
    GTC,
    IOC,
    REJECT_UNKNOWN_ORDER,
    REJECT_WOULD_CROSS,
    SELL,
    WAY_ACKNOWLEDGEMENT,
    WAY_CANCEL,
    WAY_DATA,
    WAY_ENTRY,
)
from gammagym.world.sizes import QUANTA

PERP = 0
HEDGE, MAKER, TAKER = (FIRST_AGENT_ACCOUNT + number for number in (1, 2, 3))
TAPE = np.array([0.0])
LARGEST = 200  # lots
BID, ASK = 599_990, 600_010
STEP = 100_000_000
MS = 1_000_000


@pytest.fixture
def world(make_exchange) -> Any:
    """A market of 599,990 to 600,010 ticks, 500 lots each side, whose price stands still."""
    world = make_exchange()
    world["price"]["volatility"] = 0.0
    deposit(world, HEDGE, 0, 10**6 * QUANTA)
    limit_order(world, MAKER, PERP, BUY, BID, 500, GTC)
    limit_order(world, MAKER, PERP, SELL, ASK, 500, GTC)
    assert world["agents"]["largest_order_lots"][0] == LARGEST
    return world


def decide(world: Any, size: float, urgency: float) -> int:
    """Wish, let it arrive, and return how many instructions were sent."""
    begin_decision(world, 0)
    wish(world, 0, 0, size, urgency)
    sent = int(world["message_count"])
    advance(world, TAPE, int(world["time_ns"]) + STEP)
    return sent


def own(world: Any) -> list[tuple[int, int, int]]:
    """Return side, price and quantity of the agent's resting orders."""
    orders = world["orders"]
    mine = orders[(orders["live"] == 1) & (orders["owner"] == HEDGE)]
    return [(int(one["side"]), int(one["price_ticks"]), int(one["quantity_lots"])) for one in mine]


def position(world: Any) -> int:
    return int(world["positions"]["quantity_lots"][HEDGE, PERP])


def hit(world: Any, lots: int, side: int = SELL) -> None:
    """Let somebody else take from the book."""
    price = 1 if side == SELL else 10**6
    limit_order(world, TAKER, PERP, side, price, lots, IOC)


@pytest.mark.parametrize("size", [0.0, 0.049, -0.049])
def test_in_the_dead_zone_nothing_is_sent(world, size):
    assert decide(world, size, 1.0) == 0
    assert (own(world), position(world)) == ([], 0)


@pytest.mark.parametrize(("size", "lots"), [(0.05, 10), (0.5, 100), (1.0, 200), (-1.0, -200)])
@pytest.mark.parametrize("urgency", [0.5, 0.8, 1.0])
def test_urgency_from_a_half_on_crosses_the_spread(world, size, lots, urgency):
    assert decide(world, size, urgency) == 1
    assert (own(world), position(world)) == ([], lots)
    assert world["fills"]["price_ticks"][0] == (ASK if size > 0 else BID)


def test_a_crossing_order_takes_no_more_than_its_protection_allows(world):
    world["instruments"]["protection"][PERP] = 0.0
    limit_order(world, MAKER, PERP, SELL, ASK + 1, 500, GTC)
    hit(world, 450, BUY)
    decide(world, 1.0, 1.0)
    assert position(world) == 50
    assert own(world) == []


def test_orders_arrive_after_both_latencies(world):
    begin_decision(world, 0)
    wish(world, 0, 0, 1.0, 1.0)
    advance(world, TAPE, 29_999_999)
    assert position(world) == 0
    advance(world, TAPE, 30_000_000)
    assert position(world) == 200


@pytest.mark.parametrize(
    ("size", "urgency", "side", "price"),
    [
        (1.0, 0.0, BUY, BID),
        (-1.0, 0.0, SELL, ASK),
        (1.0, -1.0, BUY, BID - int(REST_DEPTH * BID)),
        (-1.0, -1.0, SELL, ASK + int(REST_DEPTH * ASK)),
        (1.0, -0.5, BUY, BID - int(0.5 * REST_DEPTH * BID)),
        (1.0, 0.25, BUY, BID + 9),
        (-1.0, 0.25, SELL, ASK - 9),
        (1.0, 0.499, BUY, BID + 18),
        (-1.0, 0.499, SELL, ASK - 18),
    ],
)
def test_below_it_joins_improves_or_rests_behind(world, size, urgency, side, price):
    assert decide(world, size, urgency) == 1
    assert own(world) == [(side, price, LARGEST)]
    assert position(world) == 0
    assert world["agents"]["rejects"].sum() == 0


def test_the_same_wish_again_sends_nothing_and_keeps_its_place(world):
    decide(world, 1.0, 0.0)
    limit_order(world, TAKER, PERP, BUY, BID, 100, GTC)
    arrival = world["orders"]["arrival"][world["agents"]["working"]["row"][0, 0]]
    for size in (1.0, 0.99, 0.951):
        assert decide(world, size, 0.0) == 0
    assert world["orders"]["arrival"][world["agents"]["working"]["row"][0, 0]] == arrival
    assert own(world) == [(BUY, BID, LARGEST)]


def test_a_partial_fill_is_filled_up_again(world):
    """The wish is for the order, not for the position."""
    decide(world, 1.0, 0.0)
    hit(world, 650)
    assert own(world) == [(BUY, BID, 50)]
    assert decide(world, 1.0, 0.0) == 1
    assert own(world) == [(BUY, BID, 200)]
    assert position(world) == 150


def test_another_size_amends_the_order(world):
    decide(world, 1.0, 0.0)
    assert decide(world, 0.5, 0.0) == 1
    assert own(world) == [(BUY, BID, 100)]


def test_the_order_follows_the_touch(world):
    decide(world, 1.0, 0.0)
    limit_order(world, TAKER, PERP, BUY, BID + 5, 100, GTC)
    assert decide(world, 1.0, 0.0) == 1
    assert own(world) == [(BUY, BID + 5, LARGEST)]


def test_changing_the_side_cancels_first(world):
    decide(world, 1.0, 0.0)
    assert decide(world, -1.0, 0.0) == 2
    assert own(world) == [(SELL, ASK, LARGEST)]


def test_crossing_cancels_the_resting_order_first(world):
    decide(world, 1.0, 0.0)
    assert decide(world, 1.0, 1.0) == 2
    assert (own(world), position(world)) == ([], LARGEST)


def test_the_dead_zone_cancels_what_rests(world):
    decide(world, 1.0, 0.0)
    assert decide(world, 0.0, 0.0) == 1
    assert own(world) == []
    assert decide(world, 0.0, 0.0) == 0


def test_a_post_only_order_never_crosses_a_book_that_has_moved(world):
    """The other side came closer while the order was on its way."""
    begin_decision(world, 0)
    wish(world, 0, 0, 1.0, 0.45)
    limit_order(world, TAKER, PERP, SELL, BID + 1, 100, GTC)
    advance(world, TAPE, STEP)
    assert (own(world), position(world)) == ([], 0)
    assert world["agents"]["rejects"][0, REJECT_WOULD_CROSS] == 1


def test_after_a_refused_change_of_price_the_next_wish_asks_again(world):
    """The order stayed where it was; what was asked for must not be taken for what rests."""
    decide(world, 1.0, 0.0)
    begin_decision(world, 0)
    wish(world, 0, 0, 1.0, 0.45)
    limit_order(world, TAKER, PERP, SELL, BID + 1, 100, GTC)
    advance(world, TAPE, 2 * STEP)
    assert own(world) == [(BUY, BID, LARGEST)]
    assert world["agents"]["rejects"][0, REJECT_WOULD_CROSS] == 1
    hit(world, 100, BUY)
    assert decide(world, 1.0, 0.45) == 1
    assert own(world)[0][1] > BID


def test_while_an_order_is_in_flight_the_same_wish_sends_nothing(world):
    begin_decision(world, 0)
    wish(world, 0, 0, 1.0, 0.0)
    begin_decision(world, 0)
    wish(world, 0, 0, 1.0, 0.0)
    assert world["message_count"] == 1
    advance(world, TAPE, STEP)
    assert own(world) == [(BUY, BID, LARGEST)]


def test_a_filled_order_is_followed_by_a_new_one(world):
    decide(world, 1.0, 0.0)
    hit(world, 700)
    assert (own(world), position(world)) == ([], LARGEST)
    limit_order(world, MAKER, PERP, BUY, BID, 500, GTC)
    assert decide(world, 1.0, 0.0) == 1
    assert own(world) == [(BUY, BID, LARGEST)]


# --- Latencies that differ or vary ------------------------------------------------------------


def set_latency(world: Any, way: int, **keys: Any) -> None:
    row = world["agents"]["latencies"][0, way : way + 1].view(np.recarray)[0]
    write_latency(row, Latency.model_validate(keys))


def test_a_slow_cancel_loses_to_a_fill(world):
    decide(world, 1.0, 0.0)
    set_latency(world, WAY_CANCEL, median="200ms")
    begin_decision(world, 0)
    wish(world, 0, 0, 0.0, 0.0)
    advance(world, TAPE, 2 * STEP)
    hit(world, 700)
    advance(world, TAPE, 2 * STEP + 110 * MS)
    assert (own(world), position(world)) == ([], LARGEST)
    assert world["agents"]["rejects"][0, REJECT_UNKNOWN_ORDER] == 1


def test_a_quick_cancel_wins(world):
    decide(world, 1.0, 0.0)
    set_latency(world, WAY_CANCEL, median="50ms")
    begin_decision(world, 0)
    wish(world, 0, 0, 0.0, 0.0)
    advance(world, TAPE, 2 * STEP)
    hit(world, 700)
    assert (own(world), position(world)) == ([], 0)


def test_an_order_arrives_after_the_delays_drawn_for_its_decision(world):
    set_latency(world, WAY_DATA, median="10ms", sigma=0.5)
    set_latency(world, WAY_ENTRY, samples=["5ms", "50ms"], jitter="1ms")
    data, entry = (travel_ns(world, 0, way, 0) for way in (WAY_DATA, WAY_ENTRY))
    begin_decision(world, 0)
    wish(world, 0, 0, 1.0, 0.0)
    assert world["messages"]["arrival_ns"][0] == data + entry
    assert world["agents"]["data_delay_ns"][0] == data


def test_an_answer_that_takes_no_longer_than_the_data_is_there_with_the_data(world):
    set_latency(world, WAY_ACKNOWLEDGEMENT, median="10ms")
    begin_decision(world, 0)
    wish(world, 0, 0, 1.0, 0.0)
    advance(world, TAPE, 30 * MS)
    assert world["agents"]["working"]["pending"][0, 0] == 0
    assert world["message_count"] == 0


def test_an_agent_has_no_answer_until_the_acknowledgement_is_back(world):
    """It was sent at 0, arrived at 30 ms and is answered 70 ms later, 60 ms after the data."""
    set_latency(world, WAY_ACKNOWLEDGEMENT, median="70ms")
    begin_decision(world, 0)
    wish(world, 0, 0, 1.0, 0.0)
    advance(world, TAPE, 30 * MS)
    assert own(world) == [(BUY, BID, LARGEST)]
    agent = world["agents"]
    assert (agent["working"]["pending"][0, 0], agent["working"]["unacknowledged"][0, 0]) == (1, 1)
    advance(world, TAPE, 90 * MS - 1)
    assert (agent["working"]["pending"][0, 0], agent["working"]["unacknowledged"][0, 0]) == (1, 1)
    advance(world, TAPE, 90 * MS)
    assert (agent["working"]["pending"][0, 0], agent["working"]["unacknowledged"][0, 0]) == (0, 0)
    assert world["message_count"] == 0


def test_without_an_answer_it_takes_a_refused_order_for_a_working_one(world):
    set_latency(world, WAY_ACKNOWLEDGEMENT, median="500ms")
    begin_decision(world, 0)
    wish(world, 0, 0, 1.0, 0.45)
    limit_order(world, TAKER, PERP, SELL, BID + 1, 100, GTC)
    advance(world, TAPE, STEP)
    assert world["agents"]["rejects"][0, REJECT_WOULD_CROSS] == 1
    hit(world, 100, BUY)
    assert decide(world, 1.0, 0.45) == 1  # the acknowledgement, and no new order
    assert own(world) == []
    advance(world, TAPE, 6 * STEP)
    assert decide(world, 1.0, 0.45) == 1
    assert len(own(world)) == 1


def test_an_answer_about_an_order_given_up_changes_nothing(world):
    set_latency(world, WAY_ACKNOWLEDGEMENT, median="70ms")
    begin_decision(world, 0)
    wish(world, 0, 0, 1.0, 0.0)
    advance(world, TAPE, 50 * MS)
    begin_decision(world, 0)
    wish(world, 0, 0, -1.0, 0.0)
    advance(world, TAPE, 120 * MS)
    agent = world["agents"]
    assert (agent["working"]["pending"][0, 0], agent["working"]["unacknowledged"][0, 0]) == (1, 1)
    advance(world, TAPE, 2 * STEP)
    assert (agent["working"]["pending"][0, 0], agent["working"]["unacknowledged"][0, 0]) == (0, 0)
    assert own(world) == [(SELL, ASK, LARGEST)]


@pytest.mark.parametrize(("size", "side"), [(1.0, BUY), (-1.0, SELL)])
def test_in_an_empty_book_an_order_rests_beside_the_mark(world, size, side):
    hit(world, 500, SELL)
    hit(world, 500, BUY)
    decide(world, size, 0.0)
    assert own(world) == [(side, 599_999 if side == BUY else 600_001, LARGEST)]
    decide(world, -size, 1.0)
    assert position(world) == 0


def test_environments_clip_sizes_beyond_the_largest_order(make_worlds):
    run = make_worlds("textbook", horizon_seconds=240.0)
    run.step([[7.0, 3.0]])
    largest = run.worlds["agents"]["largest_order_lots"][0, 0]
    hedge = run.worlds["agents"]["hedge_account"][0, 0]
    assert run.worlds["positions"]["quantity_lots"][0, hedge, 0] == largest
