"""Marks: what positions are worth at a price tick, and what margins look at.

Every instrument has two prices. The *fair price* is one that no order can move: the fundamental
price, that of a future with its carry, options at Black-76 on it; profit and loss are counted at
it, attributed with the Greeks of the tick before. The *mark* is made as the venue makes it, from
index, basis and last price; margin, liquidation and funding look at it (docs/rules/marks).
"""

from __future__ import annotations

import math

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.waiting import any_price_moved, anybody_waits, note_price
from gammagym.exchange.attribution import (
    attribute_coins,
    attribute_mark,
    attribute_option,
    note_book_profit,
)
from gammagym.exchange.formulas import marks as formulas
from gammagym.exchange.formulas.order_limits import band_high, band_low
from gammagym.exchange.options import are_a_pair, value_option, value_put
from gammagym.exchange.trading import is_closed, mid_price
from gammagym.world.codes import (
    CALL,
    COIN,
    FLOW_CROWD,
    MARK_INDEX,
    MARK_MEDIAN,
    ON_INDEX,
    ON_LAST,
    ON_MARK,
    PUT,
)
from gammagym.world.sizes import FINE_UNIT, NANOSECONDS, RATE_UNIT


@kernel
def set_marks(world, elapsed_ns):
    """Mark every instrument at the prices of this tick.

    Reads: price, time, books, instruments.volatility_change. Writes: instruments (fair prices,
    marks, implied volatilities, Greeks), agents.parts.
    """
    forward = world.price.value
    move = forward - world.price.previous
    attribute_coins(world, move)
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if contract.settled:
            continue
        if contract.kind == CALL or contract.kind == PUT:
            attribute_option(world, instrument, move, elapsed_ns, contract.volatility_change)
            contract.implied_volatility += contract.volatility_change
            contract.volatility_change = 0.0
            before = contract.value
            _value_listed(world, instrument)
            note_book_profit(world, instrument, contract.value - before)
            write_price(contract, option_price(world, contract))
        else:
            fair = carried(contract, forward)
            attribute_mark(world, instrument, move, fair)
            write_price(contract, fair)
            if contract.mark_method != MARK_INDEX or world.price.index != forward:
                write_mark(contract, _venue_mark(world, instrument, elapsed_ns))
        if anybody_waits(world.books[instrument]):
            tell_book(world, instrument)


@kernel
def _value_listed(world, instrument):
    """Value an option; a put that is listed right after its call costs next to nothing.

    Reads: price, time. Writes: instruments (value, Greeks).
    """
    contract, forward = world.instruments[instrument], world.price.value
    before = world.instruments[max(instrument - 1, 0)]
    if are_a_pair(before, contract, world.time_ns):
        value_put(contract, before, forward)
    else:
        value_option(contract, forward, world.time_ns)


@kernel(inline=True)
def known_index(world, contract):
    """Return the index that the book of a contract stands about at a price tick.

    A crowd has walked with the price to this tick; makers have not quoted since the index moved.
    """
    return world.price.index if contract.flow == FLOW_CROWD else world.price.previous_index


@kernel
def carried(contract, price):
    """Return a price with the carry to a future's expiry; of anything else as it is."""
    basis = contract.carry.log_basis
    return price if basis == 0.0 else price * math.exp(basis)


@kernel(inline=True)
def option_price(world, contract):
    """Return the price of one unit of an option as it is quoted: in coins, if it settles so."""
    return contract.value / world.price.value if contract.currency == COIN else contract.value


@kernel
def _venue_mark(world, instrument, elapsed_ns):
    """Return the mark as the venue makes it. Writes: instruments.mean_basis."""
    contract, index = world.instruments[instrument], world.price.index
    if contract.mark_method == MARK_INDEX:
        return carried(contract, index)
    elapsed = elapsed_ns / NANOSECONDS
    basis = mid_price(world, instrument) - known_index(world, contract)
    if not is_closed(world, instrument):
        # Where nothing trades the book stands still, and says nothing of the basis.
        contract.mean_basis = formulas.moving_average(
            contract.mean_basis, basis, elapsed, contract.basis_window
        )
    if contract.mark_method != MARK_MEDIAN:
        return formulas.basis_price(index, contract.mean_basis)
    funding, book = contract.funding, world.books[instrument]
    last = index + basis
    if book.price_known[ON_LAST]:
        last = book.price_ticks[ON_LAST] * contract.tick_size
    return formulas.mark_price(
        index,
        funding.rate_e9 / RATE_UNIT,
        float(max(funding.next_ns - world.time_ns, 0)),
        float(max(funding.interval_ns, 1)),
        contract.mean_basis,
        last,
    )


@kernel
def tell_book(world, instrument):
    """Tell a book the mark and the index, which may trigger orders, and how far orders may reach.

    A book that has to know is told at every price tick while orders wait there, and before it
    takes in an order to which it matters: most books never need to.
    Writes: books, triggers_due.
    """
    contract, book = world.instruments[instrument], world.books[instrument]
    note_price(book, ON_MARK, _ticks(contract.mark_price, contract))
    note_price(book, ON_INDEX, _ticks(world.price.index, contract))
    if any_price_moved(book):
        world.triggers_due = 1
    book.rules.protection_ticks = _ticks(contract.mark_price * contract.protection, contract)
    if contract.price_band > 0.0:
        mark, band = contract.mark_price, contract.price_band
        book.rules.highest_ticks = _ticks(band_high(mark, band), contract)
        book.rules.lowest_ticks = _ticks(band_low(mark, band), contract)


@kernel(inline=True)
def _ticks(price, contract):
    return np.int64(round(price / contract.tick_size))


@kernel
def write_price(contract, price):
    """Write the fair price, and the mark, which is the same unless the venue's rule differs."""
    contract.fair_price = price
    contract.fair_quanta = lot_quanta(contract, price)
    contract.mark_price = price
    contract.mark_quanta = contract.fair_quanta
    if contract.inverse:
        contract.lot_size = contract.face / price


@kernel
def write_mark(contract, price):
    """Write a mark as a price and as quanta a lot."""
    contract.mark_price = price
    contract.mark_quanta = lot_quanta(contract, price)


@kernel
def lot_quanta(contract, price):
    """Return the value of one lot at a price (quanta; inverse: 1e-4 quanta)."""
    ticks = price / contract.tick_size
    if contract.inverse:
        return np.int64(round(contract.tick_quanta / ticks * FINE_UNIT))
    return np.int64(round(ticks * contract.tick_quanta))
