"""Initial and maintenance margin: cross, one tier, on marked notional (docs/rules/margin)."""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.exchange.ledger import equity, holding, mul_div
from gammagym.world import BUY, SPOT


@kernel
def maintenance_margin(world, account):
    """Return the maintenance margin of an account's derivatives (quanta)."""
    total = 0
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        quantity = world.positions[account, instrument].quantity_lots
        if quantity != 0:
            total += mul_div(abs(quantity) * contract.mark_quanta, contract.maintenance_margin_e9)
    return total


@kernel
def initial_margin(world, account, instrument, quantity_lots):
    """Return the initial margin if the position in `instrument` were `quantity_lots` (quanta)."""
    total = 0
    for row in range(world.instrument_count):
        contract = world.instruments[row]
        held = quantity_lots if row == instrument else world.positions[account, row].quantity_lots
        if held != 0 and contract.kind != SPOT:
            total += mul_div(abs(held) * contract.mark_quanta, contract.initial_margin_e9)
    return total


@kernel
def can_afford(world, message):
    """Return whether an account's equity carries the position an order could lead to.

    An order that only brings the position closer to zero is allowed, whatever the equity; nothing
    is while the liquidation engine holds the account.
    """
    account = world.accounts[message.account]
    if not account.margined:
        return True
    if account.liquidating:
        return False
    held = holding(world, message.account, message.instrument)
    after = held + message.quantity_lots if message.side == BUY else held - message.quantity_lots
    if abs(after) <= abs(held) and (after == 0 or (after > 0) == (held > 0)):
        return True
    needed = initial_margin(world, message.account, message.instrument, after)
    return equity(world, message.account) >= needed


@kernel
def check_margin(world, account):
    """Write an account's equity and maintenance margin; returns whether it must be liquidated."""
    state = world.accounts[account]
    state.equity_quanta = equity(world, account)
    state.maintenance_quanta = maintenance_margin(world, account)
    return state.margined and state.equity_quanta < state.maintenance_quanta
