"""What the exchange refuses, and why: its own rules, around those of the book.

Halts, positions, margin and the value of an order are the exchange's; price, size and number of
orders are the engine's (`gammagym.engine.entry`), whose conditions docs/rules/matching numbers.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.entry import (
    get_ready,
    has_trigger,
    is_market,
    reason_against_entering,
    reason_against_new,
    reason_against_size,
)
from gammagym.engine.matching import available
from gammagym.engine.members import join, tell_position
from gammagym.exchange.ledger import holding
from gammagym.exchange.margin import can_afford
from gammagym.exchange.marks import tell_book
from gammagym.exchange.trading import is_closed
from gammagym.world.codes import (
    ACCEPTED,
    FOK,
    LIMIT,
    NOBODY,
    REJECT_FULL,
    REJECT_HALTED,
    REJECT_MARGIN,
    REJECT_OVERFLOW,
    REJECT_PRICE,
)
from gammagym.world.sizes import LARGEST_QUANTA


@kernel
def load_message(work, message):
    """Write an order that has arrived into `work`. Writes: work."""
    work.order_id = message.order_id
    work.owner = message.account
    work.side = message.side
    work.kind = message.type
    work.tif = message.tif
    work.trigger = message.trigger
    work.self_trade = message.self_trade
    work.reduce_only = message.reduce_only
    work.instrument = message.instrument
    work.price_ticks = message.price_ticks
    work.left_lots = message.quantity_lots
    work.display_lots = message.display_lots
    work.trigger_ticks = message.trigger_ticks
    work.trail_ticks = message.trail_ticks
    work.expiry_ns = message.expiry_ns


@kernel
def reason_against(world, message):
    """Return the first rule that the new order in `work` breaks, or ACCEPTED."""
    book, work = world.books[message.instrument], world.work
    contract = world.instruments[message.instrument]
    if is_closed(world, message.instrument):
        return REJECT_HALTED
    if message.liquidation:
        # The exchange's own orders may be of any size: what is left over has to go, too.
        know_owner(world, book, message)
        reason = reason_against_entering(book, work)
    else:
        reason = reason_against_size(book, work.left_lots, work.display_lots)
        if reason != ACCEPTED:
            return reason
        if contract.price_band > 0.0 or work.kind != LIMIT:
            tell_book(world, message.instrument)
        know_owner(world, book, message)
        reason = reason_against_new(book, work)
    if reason != ACCEPTED or has_trigger(work):
        return reason
    get_ready(book, work)
    return reason_of_exchange(world, message)


@kernel
def know_owner(world, book, message):
    """Let the book know an owner who is limited, or what it holds. Writes: members."""
    rules = book.rules
    if message.account == NOBODY:
        return
    if rules.maximum_orders > 0 or rules.maximum_waiting > 0:
        join(book, message.account)
    if message.reduce_only:
        tell_position(book, message.account, holding(world, message.account, message.instrument))


@kernel
def reason_of_exchange(world, message):
    """Return ACCEPTED, or why the exchange refuses the order in `work`, which the book would take.

    Writes: `message`, which becomes as the book would take it.
    """
    work, contract = world.work, world.instruments[message.instrument]
    if not is_market(work.kind) and work.price_ticks <= 0:
        return REJECT_PRICE
    price = work.price_ticks
    if is_market(work.kind):
        price = np.int64(contract.mark_price / contract.tick_size)
    if contract.inverse:
        price = 1
    if float(price) * contract.tick_quanta * work.left_lots > LARGEST_QUANTA:
        return REJECT_OVERFLOW
    message.price_ticks = work.price_ticks
    message.quantity_lots = work.left_lots
    if not message.liquidation and not can_afford(world, message):
        return REJECT_MARGIN
    if work.tif == FOK:
        if available(world.books[message.instrument], work) < work.left_lots:
            return REJECT_FULL
    return ACCEPTED
