"""The order in which things happen."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gammagym.exchange.funding import schedule_funding
from gammagym.exchange.ledger import book_trade, deposit
from gammagym.exchange.messages import send
from gammagym.exchange.opening import QUIET_ROWS
from gammagym.exchange.orders import next_order_id
from gammagym.exchange.own_orders import limit_order
from gammagym.loop import advance
from gammagym.world import fingerprint
from gammagym.world.codes import (
    BUY,
    CANCEL,
    FILL_LIQUIDATION,
    FIRST_AGENT_ACCOUNT,
    GTC,
    IOC,
    MODIFY,
    NEW,
    REJECT_FULL,
    REJECT_UNKNOWN_ORDER,
    SELL,
    SHOCK_PRICE,
)
from gammagym.world.sizes import QUANTA

PERP = 0
HEDGE, OTHER, THIRD = (FIRST_AGENT_ACCOUNT + number for number in (1, 2, 3))
TAPE = np.array([0.0])
SECOND = 1_000_000_000
LATENCY = 30_000_000


@pytest.fixture
def world(make_exchange) -> Any:
    """A bare exchange whose price stands still."""
    world = make_exchange()
    world["price"]["volatility"] = 0.0
    deposit(world, HEDGE, 0, 10**6 * QUANTA)
    return world


def post(world: Any, latency: int = LATENCY, **message: int) -> int:
    """Send an instruction of the hedge account; returns the order's id."""
    draft = {"kind": NEW, "side": BUY, "tif": GTC, "price_ticks": 600_000, "quantity_lots": 100}
    draft |= {"account": HEDGE, "instrument": PERP} | message
    if "order_id" not in draft:
        draft["order_id"] = next_order_id(world)
    for name, value in draft.items():
        world["incoming"][name] = value
    send(world, latency, 0)
    return int(draft["order_id"])


def resting(world: Any) -> list[int]:
    """Return the ids of resting orders in order of arrival."""
    live = world["orders"][world["orders"]["live"] == 1]
    return live["order_id"][np.argsort(live["arrival"])].tolist()


def position(world: Any, account: int = HEDGE) -> int:
    return int(world["positions"]["quantity_lots"][account, PERP])


def test_the_clock_stands_where_it_was_told_to(world):
    advance(world, TAPE, 12_345)
    assert world["time_ns"] == 12_345
    assert world["events"] == 0
    advance(world, TAPE, 3 * SECOND)
    assert (world["time_ns"], world["events"]) == (3 * SECOND, 3)


def test_an_order_is_in_the_book_when_it_arrives_and_not_before(world):
    order = post(world)
    advance(world, TAPE, LATENCY - 1)
    assert resting(world) == []
    advance(world, TAPE, LATENCY)
    assert resting(world) == [order]


def test_an_order_meets_the_book_that_it_finds_on_arrival(world):
    """The quote that it was sent for is gone, another one has come."""
    row = limit_order(world, OTHER, PERP, SELL, 600_000, 100, GTC)
    quote = int(world["orders"]["order_id"][row])
    post(world, price_ticks=600_010, tif=IOC)
    post(world, LATENCY - 1, kind=CANCEL, order_id=quote, account=OTHER)
    post(world, LATENCY - 1, account=THIRD, side=SELL, price_ticks=600_005, quantity_lots=40)
    advance(world, TAPE, LATENCY)
    assert position(world) == 40
    assert world["fills"]["price_ticks"][0] == 600_005
    assert world["fills"]["time_ns"][0] == LATENCY


def test_a_cancel_can_lose_to_a_fill(world):
    order = post(world, 0)
    advance(world, TAPE, 0)
    post(world, kind=CANCEL, order_id=order)
    post(world, LATENCY - 1, account=OTHER, side=SELL, quantity_lots=100)
    advance(world, TAPE, LATENCY)
    assert position(world) == 100
    assert world["agents"]["rejects"][0, REJECT_UNKNOWN_ORDER] == 1


def test_a_cancel_can_win(world):
    order = post(world, 0)
    advance(world, TAPE, 0)
    post(world, kind=CANCEL, order_id=order)
    post(world, LATENCY + 1, account=OTHER, side=SELL, quantity_lots=100, tif=IOC)
    advance(world, TAPE, SECOND)
    assert position(world) == 0
    assert world["agents"]["rejects"].sum() == 0


def test_a_slow_instruction_is_overtaken_by_a_quick_one(world):
    slow, quick = post(world, 2 * LATENCY), post(world, LATENCY)
    assert world["messages"]["order_id"][:2].tolist() == [quick, slow]
    advance(world, TAPE, SECOND)
    assert resting(world) == [quick, slow]


def test_a_cancel_never_overtakes_the_order_it_is_for(world):
    """Else the venue would not know the order yet, and nobody would cancel it later."""
    order = post(world, 2 * LATENCY)
    post(world, LATENCY, kind=CANCEL, order_id=order)
    other = post(world, LATENCY, account=OTHER)
    assert world["messages"]["arrival_ns"][:3].tolist() == [LATENCY, 2 * LATENCY, 2 * LATENCY]
    advance(world, TAPE, SECOND)
    assert resting(world) == [other]
    assert world["agents"]["rejects"].sum() == 0


def test_of_two_that_arrive_at_once_the_one_sent_first_goes_first(world):
    orders = [post(world) for _ in range(4)]
    advance(world, TAPE, SECOND)
    assert resting(world) == orders


def test_when_too_many_are_in_flight_the_last_one_is_refused(world):
    room = len(world["messages"])
    for _ in range(room + 3):
        post(world)
    assert world["message_count"] == room
    assert world["agents"]["rejects"][0, REJECT_FULL] == 3
    advance(world, TAPE, SECOND)
    assert world["message_count"] == 0


def test_when_a_book_is_full_an_order_is_refused_and_nothing_else_happens(world):
    orders = [post(world, 0) for _ in range(QUIET_ROWS + 3)]
    advance(world, TAPE, SECOND)
    assert resting(world) == orders[:QUIET_ROWS]
    assert world["agents"]["rejects"][0, REJECT_FULL] == 3


# --- Of simultaneous events: price tick, funding, instruction, background order ---------------


def shock_at(world: Any, time_ns: int, move: float) -> None:
    shock = world["shocks"][0]
    shock["kind"], shock["start_ns"], shock["recovery_ns"] = SHOCK_PRICE, time_ns, -1
    shock["magnitude"] = math.log1p(move)
    world["shock_count"] = 1


def test_a_price_tick_comes_before_a_funding_payment(world):
    """Funding is paid on the mark of that moment."""
    book_trade(world, PERP, HEDGE, OTHER, SELL, 600_000, 10_000)
    world["instruments"]["funding"]["next_ns"][:] = SECOND
    schedule_funding(world)
    shock_at(world, SECOND, 0.01)
    advance(world, TAPE, SECOND)
    assert world["accounts"]["funding_quanta"][HEDGE] == pytest.approx(60.6 * QUANTA, rel=1e-9)


def test_a_funding_payment_comes_before_an_order_that_arrives(world):
    book_trade(world, PERP, HEDGE, OTHER, SELL, 600_000, 10_000)
    world["instruments"]["funding"]["next_ns"][:] = SECOND
    schedule_funding(world)
    limit_order(world, OTHER, PERP, SELL, 600_000, 10_000, GTC)
    post(world, SECOND, quantity_lots=10_000)
    advance(world, TAPE, SECOND)
    assert position(world) == 0
    assert world["accounts"]["funding_quanta"][HEDGE] == 60 * QUANTA


def test_a_liquidation_comes_before_an_order_that_would_have_saved_the_account(world):
    world["cash"][HEDGE, 0] = world["deposits"][0] = 3_000 * QUANTA
    book_trade(world, PERP, HEDGE, OTHER, BUY, 600_000, 1_000)
    limit_order(world, OTHER, PERP, BUY, 580_000, 1_000, GTC)
    shock_at(world, SECOND, -0.05)
    post(world, SECOND, side=SELL, price_ticks=570_000, quantity_lots=1_000, tif=IOC)
    advance(world, TAPE, SECOND)
    assert position(world) == 0
    assert world["accounts"]["liquidations"][HEDGE] == 1
    assert world["fills"]["cause"][0] == FILL_LIQUIDATION


def test_an_option_expires_at_the_price_of_its_last_tick(world):
    world["instruments"]["expiry_ns"][1] = 2 * SECOND
    world["instruments"]["implied_volatility"][1:3] = 0.6
    book_trade(world, 1, HEDGE, OTHER, BUY, 100, 10)
    paid = int(world["cash"][HEDGE, 0])
    shock_at(world, 2 * SECOND, 0.1)
    advance(world, TAPE, 2 * SECOND - 1)
    assert world["positions"]["quantity_lots"][HEDGE, 1] == 10
    advance(world, TAPE, 2 * SECOND)
    assert world["positions"]["quantity_lots"][HEDGE, 1] == 0
    units = 10 * float(world["instruments"]["lot_size"][1])
    assert int(world["cash"][HEDGE, 0]) - paid == pytest.approx(6_000 * units * QUANTA, abs=10)


def test_an_order_that_arrives_comes_before_a_background_order(make_worlds):
    """Made to add an order at every event, the flow queues behind."""
    world = make_worlds("calm", horizon_seconds=60.0).worlds[0]
    flow = world["flows"][0]
    for name in flow.dtype.names:
        if "probability" in name:
            flow[name] = 0.0
    flow["probability_add"], flow["stale_ticks"] = 1.0, 1e9
    when = 500_000_000
    flow["next_ns"] = when
    agent = world["agents"][0]
    before = set(resting(world))
    world["incoming"]["account"] = agent["hedge_account"]
    order = post(world, when, account=int(agent["hedge_account"]), price_ticks=590_000)
    advance(world, TAPE, when)
    assert flow["event"] > 0
    arrived = [one for one in resting(world) if one not in before]
    assert len(arrived) == 2
    assert arrived[0] == order


def test_advancing_in_pieces_is_the_same_as_at_once(make_worlds):
    once = make_worlds("flash_crash", horizon_seconds=3_600.0).worlds
    pieces = make_worlds("flash_crash", horizon_seconds=3_600.0).worlds
    advance(once[0], TAPE, 40 * SECOND)
    for until in (1, SECOND, SECOND, 7 * SECOND + 123, 30 * SECOND, 40 * SECOND):
        advance(pieces[0], TAPE, until)
    assert fingerprint(once) == fingerprint(pieces)


@pytest.mark.parametrize(
    ("price", "lots", "keeps", "first"),
    [
        (600_000, 40, 1, True),  # smaller at the same price: the place is kept
        (600_000, 100, 1, True),
        (600_000, 101, 1, False),
        (600_000, 40, 0, False),  # a venue where any change goes to the back
        (599_999, 40, 1, False),
    ],
)
def test_a_modify_keeps_its_place_only_where_the_venue_says_so(world, price, lots, keeps, first):
    world["books"]["rules"]["amend_keeps_priority"] = keeps
    ours = post(world, 0)
    theirs = post(world, 0, account=OTHER)
    advance(world, TAPE, 0)
    post(world, 0, kind=MODIFY, order_id=ours, price_ticks=price, quantity_lots=lots)
    advance(world, TAPE, 0)
    expected = [ours, theirs] if first else [theirs, ours]
    assert resting(world) == expected
    row = int(np.flatnonzero(world["orders"]["order_id"] == ours)[0])
    assert world["orders"]["quantity_lots"][row] == lots


def test_nobody_can_cancel_the_order_of_another(world):
    order = post(world, 0, account=OTHER)
    advance(world, TAPE, 0)
    post(world, 0, kind=CANCEL, order_id=order)
    post(world, 0, kind=MODIFY, order_id=order, price_ticks=1)
    advance(world, TAPE, 0)
    assert resting(world) == [order]
    assert world["agents"]["rejects"][0, REJECT_UNKNOWN_ORDER] == 2


def test_orders_of_one_account_do_not_trade_with_each_other(world):
    post(world, 0, side=SELL)
    post(world, 0, side=BUY)
    advance(world, TAPE, 0)
    assert position(world) == 0
    assert world["fill_count"] == 0
    assert world["accounts"]["fees_quanta"][HEDGE] == 0
