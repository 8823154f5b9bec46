"""Liquidation: into the book, at the prices that are really there."""

from __future__ import annotations

from typing import Any

import pytest

from gammagym.exchange.attribution import close_attribution
from gammagym.exchange.ledger import book_trade, conserved, deposit
from gammagym.exchange.liquidation import check_accounts
from gammagym.exchange.marks import write_price
from gammagym.exchange.own_orders import limit_order
from gammagym.world import viewed
from gammagym.world.codes import (
    BUY,
    FILL_LIQUIDATION,
    FIRST_AGENT_ACCOUNT,
    GTC,
    INSURANCE,
    PART_LIQUIDATION,
    PARTS,
    SELL,
)
from gammagym.world.sizes import QUANTA

PERP = 0
HEDGE, OTHER, MAKER = (FIRST_AGENT_ACCOUNT + number for number in (1, 2, 3))
FUND = 10**7
FEE = 0.005


def dollars(amount: float) -> int:
    return round(amount * QUANTA)


def ticks(price: float) -> int:
    return round(price * 10)


def levered(make_exchange: Any, coins: float, money: float = 3_000.0) -> Any:
    """An account with a position entered at 60,000; negative is short."""
    world = make_exchange()
    deposit(world, INSURANCE, 0, dollars(FUND))
    deposit(world, HEDGE, 0, dollars(money))
    side = BUY if coins > 0 else SELL
    book_trade(world, PERP, HEDGE, OTHER, side, ticks(60_000), round(abs(coins) * 1_000))
    world["agents"]["initial_equity_quanta"][0] = dollars(money)
    return world


def move(world: Any, price: float) -> None:
    """Let fair price and mark move to a price and the exchange check its accounts."""
    write_price(viewed(world["instruments"])[PERP], price)
    check_accounts(world)


def quote(world: Any, side: int, price: float, coins: float) -> None:
    limit_order(world, MAKER, PERP, side, ticks(price), round(coins * 1_000), GTC)


def position(world: Any) -> float:
    return int(world["positions"]["quantity_lots"][HEDGE, PERP]) / 1_000


def cash(world: Any, account: int) -> float:
    return int(world["cash"][account, 0]) / QUANTA


# coins held, side of the makers who take them, price of the mark, price of the book
LONG = (1.0, BUY, 57_500.0, 57_400.0)
SHORT = (-1.0, SELL, 62_500.0, 62_600.0)


@pytest.mark.parametrize(("coins", "side", "mark", "price"), [LONG, SHORT])
def test_a_liquidation_is_booked_at_the_price_of_the_book_and_not_at_the_mark(
    make_exchange, coins, side, mark, price
):
    world = levered(make_exchange, coins)
    quote(world, side, price, 5.0)
    move(world, mark)
    assert position(world) == 0.0
    fee = price * FEE
    assert cash(world, HEDGE) == pytest.approx(3_000 + coins * (price - 60_000) - fee, abs=1e-8)
    assert cash(world, INSURANCE) == pytest.approx(FUND + fee, abs=1e-8)
    account = world["accounts"][HEDGE]
    assert (account["liquidations"], account["liquidating"], account["covered_quanta"]) == (1, 0, 0)
    assert account["fees_quanta"] == 0


@pytest.mark.parametrize(
    ("coins", "side", "mark", "price"),
    [(1.0, BUY, 55_000.0, 54_000.0), (-1.0, SELL, 65_000.0, 66_000.0)],
)
def test_insurance_pays_what_a_gap_takes_beyond_the_collateral(
    make_exchange, coins, side, mark, price
):
    world = levered(make_exchange, coins)
    quote(world, side, price, 5.0)
    move(world, mark)
    loss = 3_000 + coins * (price - 60_000) - price * FEE
    assert loss < 0
    assert cash(world, HEDGE) == 0.0
    assert int(world["accounts"]["covered_quanta"][HEDGE]) == dollars(-loss)
    assert cash(world, INSURANCE) == pytest.approx(FUND + price * FEE + loss, abs=1e-8)
    assert conserved(world, 0) == dollars(FUND + 3_000)
    # What insurance paid counts in full against the competitor.
    close_attribution(world, 0)
    assert world["agents"]["equity_quanta"][0] == dollars(loss)


def test_large_positions_walk_through_the_book(make_exchange):
    world = levered(make_exchange, 3.0, 9_000.0)
    for price, coins in ((57_400, 1.0), (57_000, 1.0), (56_000, 1.0)):
        quote(world, BUY, price, coins)
    move(world, 57_500)
    value = 57_400 + 57_000 + 56_000
    assert position(world) == 0.0
    deficit = 9_000 + value - 180_000 - value * FEE
    assert deficit < 0
    assert int(world["accounts"]["covered_quanta"][HEDGE]) == dollars(-deficit)


def test_what_the_book_cannot_take_stays_and_is_tried_again(make_exchange):
    world = levered(make_exchange, 1.0)
    quote(world, BUY, 57_400, 0.4)
    move(world, 57_500)
    assert position(world) == 0.6
    assert world["accounts"]["liquidating"][HEDGE] == 1
    quote(world, BUY, 57_300, 0.1)
    move(world, 57_500)
    assert position(world) == 0.5
    quote(world, BUY, 57_300, 5.0)
    move(world, 59_900)  # it goes on although the mark has come back
    assert position(world) == 0.0
    assert world["accounts"]["liquidating"][HEDGE] == 0
    assert world["accounts"]["liquidations"][HEDGE] == 1


def test_in_an_empty_book_nothing_happens_yet(make_exchange):
    world = levered(make_exchange, -1.0)
    move(world, 63_000)
    assert position(world) == -1.0
    assert world["accounts"]["liquidating"][HEDGE] == 1
    assert cash(world, INSURANCE) == FUND


def test_a_healthy_account_is_left_alone(make_exchange):
    world = levered(make_exchange, 1.0)
    quote(world, BUY, 57_500, 5.0)
    move(world, 57_600)
    assert position(world) == 1.0
    assert world["accounts"]["liquidations"].sum() == 0


def test_its_resting_orders_are_canceled_first(make_exchange):
    world = levered(make_exchange, 1.0)
    limit_order(world, HEDGE, PERP, SELL, ticks(61_000), 500, GTC)
    limit_order(world, MAKER, PERP, SELL, ticks(61_000), 500, GTC)
    move(world, 57_000)
    assert world["books"]["order_count"][PERP, :2].tolist() == [0, 1]


def test_the_loss_is_attributed_to_liquidation(make_exchange):
    """The distance from the mark, and the fee; the move of the mark itself is delta's."""
    world = levered(make_exchange, 1.0)
    quote(world, BUY, 57_400, 5.0)
    move(world, 57_500)
    parts = dict(zip(PARTS, world["agents"]["parts"][0].tolist(), strict=True))
    assert parts["liquidation"] == pytest.approx(-100 - 57_400 * FEE)
    assert world["agents"]["parts"][0, PART_LIQUIDATION] == parts["liquidation"]
    assert parts["fees"] == parts["spread"] == 0.0
    line = world["fills"][0]
    assert (line["cause"], line["maker"], line["order_id"]) == (FILL_LIQUIDATION, 0, 0)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_position_that_money_holds_can_be_liquidated(make_exchange, sign):
    """An order through the whole book may not be refused because its limit is far away."""
    world = levered(make_exchange, sign * 20_000, 60_000_000.0)
    quote(world, BUY if sign > 0 else SELL, 60_000 - sign * 5_000, 20_000)
    move(world, 60_000 - sign * 4_000)
    assert position(world) == 0.0
    assert world["agents"]["rejects"].sum() == 0


@pytest.mark.parametrize(("sign", "price"), [(1, 200.0), (-1, 119_000.0)])
def test_leverage_of_one_survives_almost_everything(make_exchange, sign, price):
    """A linear short at 1x is liquidated only near twice the entry price."""
    world = levered(make_exchange, sign * 5.0, 300_000.0)
    if sign < 0:
        quote(world, SELL, 120_000, 10)
        move(world, 118_000)
        assert position(world) == -5.0
    else:
        move(world, price)
        assert position(world) == 5.0
        return
    move(world, price)
    assert position(world) == 0.0
