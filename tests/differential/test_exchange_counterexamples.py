"""What the plain rules found wrong with the fast ones, each as small as it gets."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from gammagym.exchange.deleveraging import share_losses
from gammagym.exchange.ledger import book_trade, deposit, share_of, transfer
from gammagym.exchange.liquidation import check_accounts
from gammagym.exchange.margin import (
    can_afford,
    check_margin,
    initial_margin,
    margin_balance,
    position_initial,
    set_margin_aside,
)
from gammagym.exchange.own_orders import limit_order
from gammagym.world.codes import (
    BACKSTOP_DELEVERAGING,
    BACKSTOP_INSURANCE,
    BUY,
    COIN,
    FIRST_AGENT_ACCOUNT,
    GTC,
    INSURANCE,
    MARGIN_CROSS,
    MARGIN_ISOLATED,
    MARGIN_PORTFOLIO,
    QUOTE,
    RANK_SIGNED_LEVERAGE,
    SELL,
    STEP_CLOSE_IN_BOOK,
    STEP_REDUCE_TO_RESTORE,
    STEP_TAKE_OVER,
)
from gammagym.world.sizes import LARGEST_QUANTA, QUANTA, RATE_UNIT

sys.path.insert(0, str(Path(__file__).resolve().parent))
from exchange_worlds import (
    CALL_ROW,
    FUTURE_ROW,
    INVERSE,
    PERP,
    SPOT_ROW,
    START,
    bare_world,
    set_price,
    write_tiers,
)

ACCOUNT, OTHER, THIRD = FIRST_AGENT_ACCOUNT + 1, FIRST_AGENT_ACCOUNT + 2, FIRST_AGENT_ACCOUNT + 3
LINEAR = (PERP, FUTURE_ROW)


def dollars(amount: float) -> int:
    return round(amount * QUANTA)


@pytest.fixture
def world() -> Any:
    """Return an exchange with a maintenance margin of 1 %, which takes over at once."""
    world = bare_world()
    for row in (PERP, FUTURE_ROW, INVERSE):
        write_tiers(world, row, [(LARGEST_QUANTA, 2 * 10**7, 10**7, 0)])
    world["venues"]["liquidation_steps"][:, 0] = STEP_TAKE_OVER
    world["venues"]["step_count"] = 1
    world["venues"]["backstop"] = BACKSTOP_INSURANCE
    world["venues"]["collateral_e9"][:, COIN] = RATE_UNIT
    world["venues"]["liquidation_slice_e9"] = 10**8
    world["instruments"]["venue"] = 0
    world["accounts"]["margin_mode"] = MARGIN_CROSS
    world["accounts"]["margined"][ACCOUNT] = 1
    return world


def trade(world: Any, row: int, lots: int, price: float, other: int = OTHER) -> None:
    """Let the account trade some lots, with another one."""
    ticks = round(price / float(world["instruments"]["tick_size"][row]))
    book_trade(world, row, ACCOUNT, other, BUY if lots > 0 else SELL, ticks, abs(lots))


def move(world: Any, price: float) -> None:
    set_price(world, price, price, 0)


def cash(world: Any, account: int = ACCOUNT) -> list[int]:
    return world["cash"][account].tolist()


def affordable(world: Any, row: int, lots: int) -> bool:
    order = world["incoming"]
    order["account"], order["instrument"] = ACCOUNT, row
    order["side"], order["quantity_lots"] = (BUY, lots) if lots > 0 else (SELL, -lots)
    return bool(can_afford(world, order))


def test_a_third_of_ten_thousand_dollars_does_not_wrap():
    third, whole = dollars(10_000), dollars(30_000)
    assert share_of(dollars(9_000), third, whole) == dollars(3_000)


def test_losses_of_thousands_of_dollars_are_shared_by_gains(world):
    trade(world, PERP, 2_000, 60_000, other=INSURANCE)
    trade(world, PERP, 1_000, 60_000, other=INSURANCE)
    book_trade(world, PERP, THIRD, ACCOUNT, BUY, 600_000, 1_000)
    move(world, 65_000)
    deposit(world, INSURANCE, QUOTE, dollars(3_000))
    share_losses(world, 0)
    # The fund has lost 15,000 on three coins, of which one account holds two and another one.
    assert world["accounts"]["socialised_quanta"][ACCOUNT] == dollars(8_000)
    assert world["accounts"]["socialised_quanta"][THIRD] == dollars(4_000)


def test_an_option_held_is_no_gain_that_pays_for_losses(world):
    move(world, 60_000)
    trade(world, CALL_ROW, 10, 5_000)
    trade(world, PERP, 1, 60_000, other=THIRD)
    transfer(world, INSURANCE, OTHER, QUOTE, dollars(100))
    share_losses(world, 0)
    assert not world["accounts"]["socialised_quanta"].any()


def test_a_loss_in_coins_is_compared_with_the_fund_in_dollars(world):
    """One coin is 1e8 quanta and so is one dollar; a fund of 1,000 dollars cannot bear it."""
    world["venues"]["backstop"] = BACKSTOP_DELEVERAGING
    deposit(world, INSURANCE, QUOTE, dollars(1_000))
    deposit(world, ACCOUNT, COIN, QUANTA // 10)
    trade(world, INVERSE, 600, 60_000)
    move(world, 30_000)
    check_accounts(world)
    assert world["positions"]["quantity_lots"][OTHER, INVERSE] == 0
    assert world["positions"]["quantity_lots"][INSURANCE, INVERSE] == 0
    assert cash(world, INSURANCE) == [dollars(1_000), 0]


def test_what_is_handed_over_leaves_nothing_of_a_long_option(world):
    """The fund bore the loss of the future, and the account kept what its option was worth."""
    deposit(world, INSURANCE, QUOTE, dollars(10**6))
    deposit(world, ACCOUNT, QUOTE, dollars(2_000))
    trade(world, CALL_ROW, 1, 1_000)
    trade(world, PERP, 1_000, 60_000)
    move(world, 57_000)
    worth = int(world["instruments"]["mark_quanta"][CALL_ROW]) - dollars(1_100)
    check_accounts(world)
    assert not world["positions"]["quantity_lots"][ACCOUNT].any()
    assert cash(world) == [0, 0]
    assert world["accounts"]["covered_quanta"][ACCOUNT] == max(-worth, 0)


def test_a_short_option_worth_nothing_is_handed_over_and_ranked(world):
    world["instruments"]["implied_volatility"][CALL_ROW] = 0.01
    world["instruments"]["expiry_ns"][CALL_ROW] = 10**12
    world["instruments"]["short_maintenance"][CALL_ROW] = 0.075
    world["venues"]["backstop"] = BACKSTOP_DELEVERAGING
    world["venues"]["rank"] = RANK_SIGNED_LEVERAGE
    world["accounts"]["margined"][OTHER] = 1
    trade(world, CALL_ROW, -10, 100)
    move(world, 30_000)
    assert world["instruments"]["mark_quanta"][CALL_ROW] == 0
    check_accounts(world)
    assert not world["positions"]["quantity_lots"][:, CALL_ROW].any()


def test_restoring_the_margin_of_two_positions_takes_no_position_over(world):
    """Each frees its own margin only: taking both for one's closed too little."""
    steps = (STEP_REDUCE_TO_RESTORE, STEP_TAKE_OVER)
    world["venues"]["liquidation_steps"][:, :2] = steps
    world["venues"]["step_count"] = 2
    deposit(world, ACCOUNT, QUOTE, dollars(3_000))
    for row in LINEAR:
        trade(world, row, 1_000, 60_000)
        limit_order(world, OTHER, row, BUY, 590_500, 10_000, GTC)
    trade(world, PERP, 500, 60_000)
    move(world, 59_050)
    assert check_margin(world, ACCOUNT)
    check_accounts(world)
    assert world["positions"]["quantity_lots"][ACCOUNT, PERP] > 0
    assert world["positions"]["quantity_lots"][ACCOUNT, FUTURE_ROW] == 1_000
    assert not check_margin(world, ACCOUNT)


def test_a_bonus_pays_for_one_loss_only(world):
    world["accounts"]["bonus_quanta"][ACCOUNT] = dollars(100)
    deposit(world, ACCOUNT, QUOTE, dollars(600))
    trade(world, PERP, 100, 60_000)
    move(world, 53_500)
    check_accounts(world)
    assert world["accounts"]["covered_quanta"][ACCOUNT] == dollars(50)
    assert world["accounts"]["bonus_quanta"][ACCOUNT] == dollars(50)
    assert margin_balance(world, ACCOUNT) == dollars(50)


def test_a_premium_must_be_there_to_be_paid(world):
    move(world, START)
    price = float(world["instruments"]["fair_price"][CALL_ROW]) / 10
    deposit(world, ACCOUNT, QUOTE, dollars(5.5 * price))
    assert affordable(world, CALL_ROW, 5)
    assert not affordable(world, CALL_ROW, 6)
    world["accounts"]["margin_mode"][ACCOUNT] = MARGIN_ISOLATED
    assert affordable(world, CALL_ROW, 5)
    assert not affordable(world, CALL_ROW, 6)


def test_coins_that_do_not_count_as_margin_are_paid_in_full(world):
    deposit(world, ACCOUNT, QUOTE, dollars(600))
    assert affordable(world, SPOT_ROW, 1_000)
    world["venues"]["collateral_e9"][:, COIN] = 0
    assert affordable(world, SPOT_ROW, 10)
    assert not affordable(world, SPOT_ROW, 11)


def test_spot_is_no_part_of_a_portfolio_margin(world):
    world["accounts"]["margin_mode"][ACCOUNT] = MARGIN_PORTFOLIO
    world["venues"]["scenarios"]["move"][:, 0] = -0.1
    world["venues"]["scenarios"]["share"][:, 0] = 1.0
    world["venues"]["scenario_count"] = 1
    trade(world, PERP, 1_000, 60_000)
    alone = initial_margin(world, ACCOUNT, PERP, 1_000)
    assert alone == dollars(6_000)
    assert initial_margin(world, ACCOUNT, SPOT_ROW, 1_000) == alone


def test_the_venues_limits_on_orders_do_not_hold_for_liquidations(world):
    world["venues"]["liquidation_steps"][:, 0] = STEP_CLOSE_IN_BOOK
    rules = world["books"]["rules"][PERP]
    rules["minimum_lots"], rules["minimum_notional"] = 100, 10**9
    deposit(world, ACCOUNT, QUOTE, dollars(70))
    trade(world, PERP, 10, 60_000)
    limit_order(world, OTHER, PERP, BUY, 540_000, 2_000, GTC)
    move(world, 53_500)
    check_accounts(world)
    assert world["positions"]["quantity_lots"][ACCOUNT, PERP] == 0
    assert cash(world) == [dollars(10), 0]


def test_size_raises_a_margin_by_no_more_than_all_of_it(world):
    """A rate of 1,000 % of 16 billion dollars wrapped, and the order was affordable."""
    world["instruments"]["margin_slope_e9"][PERP] = 50_000
    deposit(world, ACCOUNT, QUOTE, dollars(10**6))
    assert not affordable(world, PERP, 3 * 10**8)
    needed = position_initial(world, ACCOUNT, PERP, 3 * 10**8)
    assert needed == dollars(18e9 * 1.02)


# --- Isolated margin -------------------------------------------------------------------------


@pytest.fixture
def isolated(world) -> Any:
    """Return an exchange in which a long of one coin has 1,200 set aside, and 100 are free."""
    world["accounts"]["margin_mode"][ACCOUNT] = MARGIN_ISOLATED
    deposit(world, INSURANCE, QUOTE, dollars(10**6))
    deposit(world, ACCOUNT, QUOTE, dollars(1_300))
    trade(world, PERP, 1_000, 60_000)
    set_margin_aside(world, ACCOUNT, PERP)
    assert world["positions"]["margin_quanta"][ACCOUNT, PERP] == dollars(1_200)
    return world


def test_funding_that_free_cash_cannot_pay_comes_out_of_the_margin(isolated):
    transfer(isolated, ACCOUNT, OTHER, QUOTE, dollars(300))
    check_accounts(isolated)
    assert isolated["positions"]["margin_quanta"][ACCOUNT, PERP] == dollars(1_000)
    assert isolated["positions"]["quantity_lots"][ACCOUNT, PERP] == 1_000
    # A loss of 450 leaves 550 of 1,000: less than 1 % of 59,550.
    move(isolated, 59_550)
    check_accounts(isolated)
    assert isolated["positions"]["quantity_lots"][ACCOUNT, PERP] == 0
    assert cash(isolated) == [0, 0]


def test_debts_of_an_isolated_account_without_positions_are_settled(isolated):
    trade(isolated, PERP, -1_000, 58_000)
    assert cash(isolated) == [-dollars(700), 0]
    check_accounts(isolated)
    assert cash(isolated) == [0, 0]
    assert isolated["accounts"]["covered_quanta"][ACCOUNT] == dollars(700)


def test_what_is_set_aside_rises_with_size_as_what_is_needed(isolated):
    isolated["instruments"]["margin_slope_e9"][PERP] = 10**6
    set_margin_aside(isolated, ACCOUNT, PERP)
    needed = position_initial(isolated, ACCOUNT, PERP, 1_000)
    assert needed == dollars(1_260)
    assert isolated["positions"]["margin_quanta"][ACCOUNT, PERP] == needed


def test_funding_that_is_due_is_paid_before_a_position_is_handed_over(world):
    deposit(world, INSURANCE, COIN, 100 * QUANTA)
    deposit(world, ACCOUNT, COIN, QUANTA // 10)
    trade(world, INVERSE, 600, 60_000)
    world["instruments"]["funding"]["index"][INVERSE] = -(10**8)
    move(world, 54_900)
    check_accounts(world)
    assert world["positions"]["quantity_lots"][ACCOUNT, INVERSE] == 0
    assert world["accounts"]["funding_quanta"][ACCOUNT] != 0
    assert 0 <= cash(world)[COIN] <= 1
