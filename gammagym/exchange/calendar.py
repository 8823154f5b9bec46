"""What happens by the clock: hours of trading, rules that change, settlement, expiries."""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.exchange.attribution import attribute_settlement, note_book_profit, note_delivery
from gammagym.exchange.fees import shift_fees, walk_ladder
from gammagym.exchange.ledger import mul_div, settle
from gammagym.exchange.marks import write_price
from gammagym.exchange.options import value_option
from gammagym.exchange.own_orders import empty_book
from gammagym.exchange.trading import mid_price
from gammagym.world.codes import (
    CALL,
    CHANGE_FUNDING_CAP,
    CHANGE_FUNDING_CLAMP,
    CHANGE_FUNDING_INTEREST,
    CHANGE_LIQUIDATION_FEE,
    CHANGE_MAKER_FEE,
    CHANGE_TAKER_FEE,
    COIN,
    FUTURE,
    PUT,
)
from gammagym.world.sizes import FINE_UNIT, QUANTA, RATE_UNIT

DAY_NS = 86_400_000_000_000


@kernel
def turn_pages(world):
    """Open and close venues, change rules whose date has come, look at fee ladders once a day.

    Writes: venues, accounts, instruments.funding.
    """
    if world.closure_count > 0 or world.shock_count > 0:
        _open_and_close(world)
    make_changes(world)
    if world.next_day_ns <= world.time_ns:
        world.next_day_ns += DAY_NS
        for account in range(world.account_count):
            walk_ladder(world, account)
        for instrument in range(world.instrument_count):
            world.instruments[instrument].first_price = 0.0


@kernel
def make_changes(world):
    """Change the rules whose date has come. Writes: venues, accounts, instruments.funding."""
    while world.changes_made < world.change_count:
        change = world.changes[world.changes_made]
        if change.time_ns > world.time_ns:
            break
        _change_rule(world, change)
        world.changes_made += 1


@kernel
def _open_and_close(world):
    """Close venues by their hours; what the timeline closes follows. Writes: venues.halted."""
    for row in range(len(world.venues)):
        world.venues[row].halted = 0
    for row in range(world.closure_count):
        closure = world.closures[row]
        if closure.start_ns <= world.time_ns < closure.end_ns:
            world.venues[closure.venue].halted = 1


@kernel
def watch_breakers(world):
    """Look at the circuit breakers of all instruments. Reads: books. Writes: instruments."""
    for instrument in range(world.instrument_count):
        if world.instruments[instrument].breaker_count > 0:
            _watch_breaker(world, instrument)


@kernel
def _watch_breaker(world, instrument):
    """Pause trading for a while when the price has moved too far since the day's first one.

    Each of the venue's moves does so once a day. Reads: book. Writes: instruments.
    """
    contract = world.instruments[instrument]
    price = mid_price(world, instrument)
    if contract.first_price == 0.0:
        contract.first_price = price
        contract.breakers_hit = 0
    hit = contract.breakers_hit
    if hit < contract.breaker_count:
        if abs(price / contract.first_price - 1.0) >= contract.breaker_moves[hit]:
            contract.breakers_hit += 1
            contract.paused_until_ns = world.time_ns + contract.pause_ns


@kernel
def _change_rule(world, change):
    """Let a rule have its new value; fees change for everybody by what they change at the base."""
    if change.key == CHANGE_LIQUIDATION_FEE:
        world.venues[change.venue].liquidation_fee_e9 = change.value_e9
    elif change.key == CHANGE_MAKER_FEE:
        shift_fees(world, change.venue, change.value_e9, 0)
    elif change.key == CHANGE_TAKER_FEE:
        shift_fees(world, change.venue, 0, change.value_e9)
    else:
        for row in range(world.instrument_count):
            contract = world.instruments[row]
            if contract.venue == change.venue:
                _change_funding(contract.funding, change)


@kernel
def _change_funding(funding, change):
    value = change.value_e9 / RATE_UNIT
    if change.key == CHANGE_FUNDING_INTEREST:
        funding.interest = value
    elif change.key == CHANGE_FUNDING_CLAMP:
        funding.clamp = value
    elif change.key == CHANGE_FUNDING_CAP:
        funding.cap = value


# --- Settlement ------------------------------------------------------------------------------


@kernel
def expire(world):
    """Average the index before expiries, and settle every instrument whose expiry has come.

    Writes: books, cash, positions, instruments.
    """
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        expires = contract.kind == CALL or contract.kind == PUT or contract.kind == FUTURE
        if not expires or contract.settled:
            continue
        left = contract.expiry_ns - world.time_ns
        if left < contract.settlement_ns:
            contract.settlement_sum += world.price.index
            contract.settlement_samples += 1
        if left <= 0:
            _deliver(world, instrument)


@kernel
def _deliver(world, instrument):
    """Settle an instrument at the average of the index before its expiry, and close its book."""
    contract = world.instruments[instrument]
    price = world.price.index
    if contract.settlement_samples > 0:
        price = contract.settlement_sum / contract.settlement_samples
    empty_book(world, instrument)
    if contract.kind == FUTURE:
        attribute_settlement(world, instrument, price - contract.fair_price)
        write_price(contract, price)
    else:
        before = contract.value
        value_option(contract, price, world.time_ns)
        note_book_profit(world, instrument, contract.value - before)
        in_coins = contract.currency == COIN
        write_price(contract, contract.value / price if in_coins else contract.value)
        note_delivery(world, instrument, _delivery_fee(contract, price))
    settle(world, instrument, contract.fair_quanta, _delivery_fee(contract, price))
    contract.settled = 1


@kernel
def _delivery_fee(contract, price):
    """Return the fee on the delivery of one lot (1e-4 quanta): a share of the underlying."""
    units = contract.face / price if contract.inverse else contract.lot_size
    worth = units if contract.currency == COIN else units * price
    fee = np.int64(worth * QUANTA * (contract.delivery_fee_e9 / RATE_UNIT) * FINE_UNIT)
    if contract.kind == FUTURE:
        return fee
    # An option that ends worthless is not delivered.
    payoff = contract.fair_quanta * FINE_UNIT
    return min(fee, mul_div(payoff, contract.delivery_fee_cap_e9))
