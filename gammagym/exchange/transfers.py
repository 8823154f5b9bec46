"""Transfers between two accounts of one owner: they take time, and can be halted."""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.exchange.ledger import in_quote, share_of, transfer
from gammagym.exchange.margin import free_cash, initial_margin, margin_balance
from gammagym.world.codes import MARGIN_ISOLATED, TRANSIT


@kernel
def withdrawable(world, account, currency):
    """Return what an account may give away: cash that no margin needs and no bonus is (quanta)."""
    state = world.accounts[account]
    free = free_cash(world, account, currency)
    if not state.margined or state.margin_mode == MARGIN_ISOLATED:
        return max(free, 0)
    held = world.positions[account, 0].quantity_lots
    excess = margin_balance(world, account) - state.bonus_quanta
    excess -= initial_margin(world, account, 0, held)
    worth = in_quote(world, free, currency)
    if excess >= worth or worth <= 0:
        return max(free, 0)
    return share_of(free, excess, worth) if excess > 0 else 0


@kernel
def send_transfer(world, source, target, currency, amount_quanta):
    """Send money on its way to another account; returns whether it was allowed.

    Reads: venues. Writes: cash (TRANSIT holds it meanwhile), transfers.
    """
    venue = world.venues[world.accounts[source].venue]
    if venue.transfers_halted or not 0 < amount_quanta <= withdrawable(world, source, currency):
        return False
    for row in range(len(world.transfers)):
        way = world.transfers[row]
        if way.amount_quanta == 0:
            transfer(world, source, TRANSIT, currency, amount_quanta)
            way.arrival_ns = world.time_ns + venue.transfer_ns
            way.amount_quanta = amount_quanta
            way.target = target
            way.currency = currency
            world.in_transit += 1
            return True
    return False


@kernel
def deliver_transfers(world):
    """Let transfers arrive whose time has come. Writes: cash, transfers."""
    for row in range(len(world.transfers)):
        way = world.transfers[row]
        if way.amount_quanta > 0 and way.arrival_ns <= world.time_ns:
            transfer(world, TRANSIT, way.target, way.currency, way.amount_quanta)
            way.amount_quanta = 0
            world.in_transit -= 1
