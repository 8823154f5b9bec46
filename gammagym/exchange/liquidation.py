"""Liquidation into the book (docs/rules/liquidation).

When the mark takes an account's equity below its maintenance margin, its orders are canceled and
its derivatives are closed by market orders, at the prices the book really has, until none is left.
The fee goes to the insurance fund, which in turn pays what the account cannot.
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.exchange.attribution import attribute_liquidation_fee
from gammagym.exchange.ledger import mul_div, transfer
from gammagym.exchange.margin import check_margin
from gammagym.exchange.orders import cancel_orders, market_order
from gammagym.world import NO_ACCOUNT, SPOT


@kernel(once=True)
def check_accounts(world):
    """Check every account's margin and go on with those being liquidated.

    Writes: accounts and, in a liquidation, book, cash, positions.
    """
    for account in range(world.account_count):
        state = world.accounts[account]
        if not state.margined:
            continue
        if check_margin(world, account) and not state.liquidating:
            state.liquidating = 1
            state.liquidations += 1
            cancel_orders(world, account)
        if state.liquidating:
            _close_positions(world, account)
            check_margin(world, account)


@kernel(once=True)
def _close_positions(world, account):
    """Sell or buy back everything the book takes; when flat, settle what is owed."""
    left = 0
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        quantity = world.positions[account, instrument].quantity_lots
        if quantity == 0 or contract.kind == SPOT:
            continue
        before = world.accounts[account].traded_quanta
        left += abs(market_order(world, account, instrument, -quantity, 1))
        _charge_liquidation_fee(
            world, account, instrument, world.accounts[account].traded_quanta - before
        )
    if left == 0:
        world.accounts[account].liquidating = 0
        _cover_deficit(world, account)


@kernel
def _charge_liquidation_fee(world, account, instrument, notional_quanta):
    contract = world.instruments[instrument]
    venue = world.venues[contract.venue]
    fee = mul_div(notional_quanta, venue.liquidation_fee_e9)
    transfer(world, account, venue.insurance_account, contract.currency, fee)
    if world.accounts[account].agent != NO_ACCOUNT:
        attribute_liquidation_fee(world, world.accounts[account].agent, fee)


@kernel
def _cover_deficit(world, account):
    """Let the insurance fund bring negative cash back to zero. Writes: cash, covered_quanta."""
    deficit = -world.cash[account, 0]
    if deficit > 0:
        venue = world.venues[world.accounts[account].venue]
        transfer(world, venue.insurance_account, account, 0, deficit)
        world.accounts[account].covered_quanta += deficit
