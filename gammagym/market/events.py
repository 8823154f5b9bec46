"""What the timeline lets happen once: auto-deleveraging, and the default of a venue.

Both close positions at the mark, outside the book, against the makers; so positions sum to zero and
no money is made or lost (docs/rules/shocks).
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.exchange.attribution import attribute_loss, measure_book, owner_equity
from gammagym.exchange.deleveraging import deleverage, log_closing
from gammagym.exchange.ledger import (
    change_position,
    in_quote,
    mul_div,
    settle_account,
    shorts_of,
    transfer,
    value_at,
)
from gammagym.exchange.margin import check_margin, marked_gain
from gammagym.exchange.orders import cancel_orders
from gammagym.world.codes import (
    COIN,
    FILL_LIQUIDATION,
    FIRST_AGENT_ACCOUNT,
    FUTURE,
    MAKERS,
    NO_ACCOUNT,
    PART_LIQUIDATION,
    PERPETUAL,
    QUOTE,
    SELL,
    SHOCK_DEFAULT,
    SHOCK_DELEVERAGING,
)
from gammagym.world.sizes import RATE_UNIT


@kernel
def carry_out_events(world):
    """Carry out the events that happen once and are due; marks are those of this tick.

    Writes: shocks.done, cash, positions, fills, orders, accounts, agents, flows.initial_lots.
    """
    for row in range(world.shock_count):
        shock = world.shocks[row]
        once = shock.kind == SHOCK_DELEVERAGING or shock.kind == SHOCK_DEFAULT
        if not once or shock.done or world.time_ns < shock.start_ns:
            continue
        shock.done = 1
        share_e9 = round(shock.magnitude * RATE_UNIT)
        if shock.kind == SHOCK_DELEVERAGING:
            _deleverage_side(world, shock, share_e9)
        else:
            _fail(world, shock.venue, share_e9)
        for agent in range(world.agent_count):
            measure_book(world, agent)


@kernel
def _deleverage_side(world, shock, share_e9):
    """Close a share of all winning futures positions of one side, of competitors and the crowd."""
    for account in range(FIRST_AGENT_ACCOUNT, world.account_count):
        if world.accounts[account].agent == NO_ACCOUNT and not _is_leveraged(world, account):
            continue
        for instrument in range(world.instrument_count):
            contract = world.instruments[instrument]
            is_future = contract.kind == PERPETUAL or contract.kind == FUTURE
            held = world.positions[account, instrument].quantity_lots
            if not is_future or contract.venue != shock.venue or (held < 0) != (shock.code == SELL):
                continue
            lots = mul_div(abs(held), share_e9)
            # Who has lost is no counterparty of those who could not pay.
            if lots > 0 and marked_gain(world, account, instrument) > 0:
                signed = lots if held < 0 else -lots
                value = value_at(contract, contract.mark_quanta, signed)
                deleverage(world, instrument, account, signed, value, MAKERS)
                _give_to_makers(world, instrument, -signed, -value)


@kernel
def _is_leveraged(world, account):
    """Return whether an account is one of the two of the leveraged crowd."""
    last = world.bucket_count - 1
    return last >= 0 and world.buckets[0].account <= account <= world.buckets[last].account


@kernel
def _give_to_makers(world, instrument, signed_lots, value):
    """Book the other side of a closing to the makers.

    Nobody has traded, so it is no pressure on the price. Writes: cash, positions, flows.
    """
    change_position(world, instrument, MAKERS, signed_lots, value)
    for row in range(world.flow_count):
        if world.flows[row].instrument == instrument:
            world.flows[row].initial_lots += signed_lots


@kernel
def _fail(world, venue, share_e9):
    """Let a venue fail: competitors there lose their positions, their coins, and a share of all.

    The frictionless reference has no book to hedge any more from the same moment on.
    """
    for account in range(FIRST_AGENT_ACCOUNT, world.account_count):
        state = world.accounts[account]
        if state.agent != NO_ACCOUNT and state.venue == venue and not state.short_legs:
            _write_off(world, account, share_e9)
    for row in range(world.agent_count):
        agent = world.agents[row]
        if world.accounts[agent.book_account].venue == venue:
            agent.book_coins = 0.0
            agent.reference_units = 0.0


@kernel
def _write_off(world, account, share_e9):
    """Close all that an account has, turn it into QUOTE, and take a share of what it is worth.

    Writes: orders, cash, positions, fills, accounts, agents.parts.
    """
    settle_account(world, account)
    before = owner_equity(world, account)
    cancel_orders(world, account)
    leg = account
    while leg != NO_ACCOUNT:
        for instrument in range(world.instrument_count):
            contract = world.instruments[instrument]
            signed = -world.positions[leg, instrument].quantity_lots
            if signed != 0:
                value = value_at(contract, contract.mark_quanta, signed)
                change_position(world, instrument, leg, signed, value)
                log_closing(world, instrument, leg, signed, value, FILL_LIQUIDATION)
                _give_to_makers(world, instrument, -signed, -value)
        leg = shorts_of(world, leg)
    coins = world.cash[account, COIN]
    transfer(world, account, MAKERS, COIN, coins)
    transfer(world, MAKERS, account, QUOTE, in_quote(world, coins, COIN))
    fees = world.venues[world.accounts[account].venue].fee_account
    transfer(world, account, fees, QUOTE, mul_div(max(world.cash[account, QUOTE], 0), share_e9))
    check_margin(world, account)
    attribute_loss(world, account, PART_LIQUIDATION, before)
