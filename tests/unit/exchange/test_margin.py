"""Positions, margin, and who may send what."""

from __future__ import annotations

from typing import Any

import pytest

from gammagym.exchange.ledger import book_trade, charge_fee, deposit, equity, holding
from gammagym.exchange.margin import can_afford, check_margin, initial_margin, maintenance_margin
from gammagym.exchange.marks import write_price
from gammagym.exchange.own_orders import limit_order
from gammagym.market.price import set_index
from gammagym.world import viewed
from gammagym.world.codes import (
    BUY,
    FEES_DERIVATIVE,
    FIRST_AGENT_ACCOUNT,
    GTC,
    IOC,
    NO_ORDER,
    REJECT_MARGIN,
    REJECT_PRICE,
    REJECT_QUANTITY,
    SELL,
)
from gammagym.world.sizes import QUANTA

PERP, SPOT_ROW = 0, 3
# The first two traders are competitor 0's: the book's account is not margined, the hedge's is.
BOOK, HEDGE, OTHER = FIRST_AGENT_ACCOUNT, FIRST_AGENT_ACCOUNT + 1, FIRST_AGENT_ACCOUNT + 2
LOTS_A_COIN = 1_000


def dollars(amount: float) -> int:
    return round(amount * QUANTA)


def mark(world: Any, price: float) -> None:
    """Let the fundamental price, and with it perpetual and coins, be a price."""
    world["price"]["value"] = price
    set_index(world)
    for row in (PERP, SPOT_ROW):
        write_price(viewed(world["instruments"])[row], price)


def trade(world: Any, account: int, coins: float, price: float, row: int = PERP) -> None:
    """Trade with the other account; a negative number of coins is a sale."""
    ticks = round(price / float(world["instruments"]["tick_size"][row]))
    side = BUY if coins > 0 else SELL
    book_trade(world, row, account, OTHER, side, ticks, round(abs(coins) * LOTS_A_COIN))


def affordable(world: Any, coins: float) -> bool:
    order = world["incoming"]
    order["account"], order["instrument"] = HEDGE, PERP
    order["side"] = BUY if coins > 0 else SELL
    order["quantity_lots"] = round(abs(coins) * LOTS_A_COIN)
    return bool(can_afford(world, world["incoming"]))


def test_long_spot_and_short_perpetual_cancel_out(make_exchange):
    """100 coins each from 60,000 to 61,000: +100,000, -100,000, together nothing."""
    world = make_exchange()
    trade(world, BOOK, 100, 60_000, SPOT_ROW)
    trade(world, HEDGE, -100, 60_000)
    before = equity(world, BOOK), equity(world, HEDGE)
    assert before == (0, 0)
    mark(world, 61_000)
    assert equity(world, BOOK) == dollars(100_000)
    assert equity(world, HEDGE) == -dollars(100_000)


def test_five_coins_at_60000_are_a_notional_of_300000(make_exchange):
    world = make_exchange()
    trade(world, HEDGE, -5, 60_000)
    assert maintenance_margin(world, HEDGE) == dollars(300_000 * 0.01)
    assert initial_margin(world, HEDGE, PERP, -5 * LOTS_A_COIN) == dollars(300_000 * 0.02)
    fee = charge_fee(world, PERP, HEDGE, dollars(300_000), 5 * LOTS_A_COIN, 500_000)
    assert fee == dollars(150)


@pytest.mark.parametrize(
    ("trades", "cash", "quantity", "entry"),
    [
        ([(2, 100)], 0, 2, 200),
        ([(2, 100), (1, 106)], 0, 3, 306),
        ([(2, 100), (1, 106), (-1, 110)], 8, 2, 204),
        ([(2, 100), (-2, 90)], -20, 0, 0),
        ([(2, 100), (-3, 90)], -20, -1, -90),
        ([(-2, 100)], 0, -2, -200),
        ([(-2, 100), (1, 90)], 10, -1, -100),
        ([(-2, 100), (5, 110)], -20, 3, 330),
    ],
)
def test_what_closes_is_realised_and_what_opens_is_carried(
    make_exchange, trades, cash, quantity, entry
):
    world = make_exchange()
    for coins, price in trades:
        trade(world, HEDGE, coins, price)
    position = world["positions"][HEDGE, PERP]
    assert world["cash"][HEDGE, 0] == dollars(cash)
    assert position["quantity_lots"] == quantity * LOTS_A_COIN
    assert position["entry_quanta"] == dollars(entry)


def test_a_third_of_an_odd_entry_value_loses_no_quantum(make_exchange):
    world = make_exchange()
    for lots, ticks in ((1, 100_001), (2, 100_002)):
        book_trade(world, PERP, HEDGE, OTHER, BUY, ticks, lots)
    for _ in range(3):
        book_trade(world, PERP, HEDGE, OTHER, SELL, 100_000, 1)
    position = world["positions"][HEDGE, PERP]
    assert (position["quantity_lots"], position["entry_quanta"]) == (0, 0)
    tick = int(world["instruments"]["tick_quanta"][PERP])
    assert world["cash"][HEDGE, 0] == -5 * tick
    assert world["cash"][OTHER, 0] == 5 * tick


def test_spot_is_counted_in_coins(make_exchange):
    world = make_exchange()
    deposit(world, BOOK, 1, 250_000_000)
    assert holding(world, BOOK, SPOT_ROW) == 2_500
    assert equity(world, BOOK) == dollars(150_000)


@pytest.mark.parametrize(
    ("money", "held", "order", "allowed"),
    [
        (1_200, 0, 1, True),  # 2 % of 60,000
        (1_199.99, 0, 1, False),
        (1_200, 0, -1, True),
        (1_199.99, 0, -1, False),
        (0, 5, -1, True),  # closer to zero
        (0, 5, -5, True),
        (-50_000, -5, 5, True),
        (0, 5, -6, False),  # through zero
        (0, 5, -10, False),  # through zero, to a position as large
        (6_000, 5, -10, True),
        (6_000, 5, 1, False),
        (7_200, 5, 1, True),
    ],
)
def test_equity_must_carry_what_an_order_could_lead_to(make_exchange, money, held, order, allowed):
    world = make_exchange()
    deposit(world, HEDGE, 0, dollars(money))
    if held:
        trade(world, HEDGE, held, 60_000)
    assert affordable(world, order) is allowed


def test_an_account_in_liquidation_may_send_nothing(make_exchange):
    world = make_exchange()
    deposit(world, HEDGE, 0, dollars(10**6))
    trade(world, HEDGE, 1, 60_000)
    world["accounts"]["liquidating"][HEDGE] = 1
    assert not affordable(world, -1)


def test_the_book_account_needs_no_margin(make_exchange):
    world = make_exchange()
    world["incoming"]["account"], world["incoming"]["quantity_lots"] = BOOK, 10**6
    assert can_afford(world, world["incoming"])


@pytest.mark.parametrize(
    ("price", "liquidated"),
    [(60_000, False), (57_600, False), (57_576, False), (57_575.7, True), (50_000, True)],
)
def test_a_position_must_go_when_equity_is_below_the_maintenance_margin(
    make_exchange, price, liquidated
):
    """Long 1 coin with 3,000: at p, 3,000 + p - 60,000 against 1 % of p, equal at 57,575.76."""
    world = make_exchange()
    deposit(world, HEDGE, 0, dollars(3_000))
    trade(world, HEDGE, 1, 60_000)
    mark(world, price)
    assert bool(check_margin(world, HEDGE)) is liquidated
    account = world["accounts"][HEDGE]
    assert account["equity_quanta"] == dollars(3_000 + price - 60_000)
    assert account["maintenance_quanta"] == dollars(price * 0.01)


@pytest.mark.parametrize(
    ("price", "lots", "money", "reason"),
    [
        (600_000, 1_000, 1_199, REJECT_MARGIN),
        (0, 1_000, 10**6, REJECT_PRICE),
        (-5, 1_000, 10**6, REJECT_PRICE),
        (600_000, 0, 10**6, REJECT_QUANTITY),
        (600_000, -1, 10**6, REJECT_QUANTITY),
    ],
)
@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_bad_order_is_refused_and_its_reason_counted(
    make_exchange, price, lots, money, reason, side
):
    world = make_exchange()
    deposit(world, HEDGE, 0, dollars(money))
    assert limit_order(world, HEDGE, PERP, side, price, lots, GTC) == NO_ORDER
    rejects = world["agents"]["rejects"][0]
    assert rejects[reason] == rejects.sum() == 1
    assert world["books"]["order_count"].sum() == 0


@pytest.mark.parametrize(("maker_fee", "taker_fee"), [(200_000, 500_000), (-100_000, 500_000)])
def test_fees_and_rebates_are_paid_on_the_notional_of_both_sides(
    make_exchange, maker_fee, taker_fee
):
    world = make_exchange()
    deposit(world, HEDGE, 0, dollars(10**6))
    world["accounts"]["maker_fee_e9"][OTHER, FEES_DERIVATIVE] = maker_fee
    world["accounts"]["taker_fee_e9"][HEDGE, FEES_DERIVATIVE] = taker_fee
    limit_order(world, OTHER, PERP, SELL, 600_000, 2_000, GTC)
    limit_order(world, HEDGE, PERP, BUY, 600_000, 1_000, IOC)
    assert world["accounts"]["fees_quanta"][OTHER] == dollars(60_000 * maker_fee / 1e9)
    assert world["accounts"]["fees_quanta"][HEDGE] == dollars(60_000 * taker_fee / 1e9)
    income = int(world["cash"][2, 0])
    assert income == dollars(60_000 * (maker_fee + taker_fee) / 1e9)
