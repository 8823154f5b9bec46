"""Marks: what positions are worth at a price tick, from prices that no agent can move.

Spot and perpetual are marked at the index, options at Black-76 on it. The change since the tick
before is attributed with the Greeks of that tick before they are replaced.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.waiting import any_price_moved, anybody_waits, note_price
from gammagym.exchange.attribution import attribute_mark, attribute_option
from gammagym.exchange.options import value_option
from gammagym.world import CALL, ON_INDEX, ON_MARK, PUT


@kernel(once=True)
def set_marks(world, elapsed_ns):
    """Mark every instrument at the fundamental price of this tick.

    Reads: price, time. Writes: instruments (marks and Greeks), agents.parts.
    """
    forward = world.price.value
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if contract.settled:
            continue
        if contract.kind == CALL or contract.kind == PUT:
            move = forward - world.price.previous
            attribute_option(world, instrument, move, elapsed_ns, 0.0)
            value_option(contract, forward, world.time_ns)
            write_mark(contract, contract.value)
        else:
            attribute_mark(world, instrument, forward)
            write_mark(contract, forward)
        if anybody_waits(world.books[instrument]):
            tell_book(world, instrument)


@kernel
def tell_book(world, instrument):
    """Tell a book the mark and the index, which may trigger orders, and how far orders may reach.

    A book that has to know is told at every price tick while orders wait there, and before it
    takes in an order to which it matters: most books never need to.
    Writes: books, triggers_due.
    """
    contract, book = world.instruments[instrument], world.books[instrument]
    note_price(book, ON_MARK, _ticks(contract.mark_price, contract))
    note_price(book, ON_INDEX, _ticks(world.price.value, contract))
    if any_price_moved(book):
        world.triggers_due = 1
    book.rules.protection_ticks = _ticks(contract.mark_price * contract.protection, contract)
    if contract.price_band > 0.0:
        reach = contract.mark_price * contract.price_band
        book.rules.highest_ticks = _ticks(contract.mark_price + reach, contract)
        book.rules.lowest_ticks = _ticks(contract.mark_price - reach, contract)


@kernel(inline=True)
def _ticks(price, contract):
    return np.int64(round(price / contract.tick_size))


@kernel(inline=True)
def write_mark(contract, mark_price):
    """Write a mark as a price and as quanta a lot."""
    contract.mark_price = mark_price
    contract.mark_quanta = round(mark_price / contract.tick_size * contract.tick_quanta)
