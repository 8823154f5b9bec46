"""Orders that nobody sends: those of the world's own accounts, and what the exchange does itself.

They have no latency and are never in flight; `incoming` is where they are written.
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.engine.book import crosses
from gammagym.engine.entry import (
    get_ready,
    reason_against_price,
    reason_against_size,
    rest_plain,
)
from gammagym.engine.waiting import any_price_moved, take_out
from gammagym.exchange.admission import load_message, reason_against
from gammagym.exchange.marks import tell_book
from gammagym.exchange.orders import enter, make_plain, next_order_id, open_time
from gammagym.exchange.trading import is_closed, mid_price, refuse, trade_and_rest
from gammagym.world.codes import (
    ACCEPTED,
    BUY,
    GTC,
    IOC,
    LIMIT,
    NEW,
    NO_ACCOUNT,
    NO_ORDER,
    NOBODY,
    REJECT_FULL,
    SELL,
)
from gammagym.world.sizes import LARGEST_QUANTA


@kernel
def empty_book(world, instrument):
    """Cancel every order in an instrument's book. O(rows of the pool)."""
    for row in range(len(world.orders)):
        order = world.orders[row]
        if order.live and order.instrument == instrument:
            take_out(world.books[instrument], row)


@kernel
def market_order(world, account, instrument, signed_lots, liquidation, worst_ticks):
    """Trade at once against what the book has; returns the signed quantity left over.

    No price is worse than `worst_ticks`; any price is taken if that is 0.
    Writes: incoming (the work space), book, cash, positions.
    """
    message = world.incoming
    open_time(world, instrument)
    _draft(world, account, instrument, BUY if signed_lots > 0 else SELL, abs(signed_lots))
    message.order_id = 0 if liquidation else next_order_id(world)
    message.price_ticks = _through_everything(world, instrument, signed_lots)
    if worst_ticks > 0 and signed_lots > 0:
        message.price_ticks = min(message.price_ticks, worst_ticks)
    elif worst_ticks > 0:
        message.price_ticks = max(message.price_ticks, worst_ticks)
    message.tif = IOC
    message.reduce_only = 1
    message.liquidation = liquidation
    message.decision_mid = mid_price(world, instrument)
    load_message(world.work, message)
    if reason_against(world, message) != ACCEPTED:
        return signed_lots
    trade_and_rest(world, message)
    left = abs(signed_lots) - message.quantity_lots + world.work.left_lots
    return left if signed_lots > 0 else -left


@kernel
def _through_everything(world, instrument, signed_lots):
    """Return a limit no resting price is beyond, small enough for band and largest notional.

    Writes: the book's rules.
    """
    contract, rules = world.instruments[instrument], world.books[instrument].rules
    tell_book(world, instrument)
    if signed_lots <= 0:
        return max(rules.lowest_ticks, 1)
    highest = rules.highest_ticks
    if not contract.inverse:
        highest = min(highest, LARGEST_QUANTA // (contract.tick_quanta * signed_lots))
    return min(int(100.0 * contract.mark_price / contract.tick_size), highest)


@kernel
def limit_order(world, account, instrument, side, price_ticks, quantity_lots, tif):
    """Enter a limit order at once, without latency; returns the row it rests at, or NO_ORDER.

    Writes: incoming (the work space), next_order_id and all that `enter` does.
    """
    open_time(world, instrument)
    order_id, book = next_order_id(world), world.books[instrument]
    allowed = _is_plainly_allowed(world, account, instrument, side, price_ticks, quantity_lots)
    trades = tif != GTC or crosses(book, side, price_ticks) or any_price_moved(book)
    if allowed and not trades:
        row = rest_plain(book, side, price_ticks, quantity_lots, order_id, account, instrument)
        return row if row != NO_ORDER else refuse(world, account, REJECT_FULL)
    message = world.incoming
    _draft(world, account, instrument, side, quantity_lots)
    message.order_id = order_id
    message.price_ticks = price_ticks
    message.tif = tif
    if not allowed:
        return enter(world, message)
    load_message(world.work, message)
    get_ready(book, world.work)
    return trade_and_rest(world, message)


@kernel
def _is_plainly_allowed(world, account, instrument, side, price_ticks, quantity_lots):
    """Return whether no rule speaks against a plain limit order.

    The world's own accounts need no margin and have no second leg, so few rules are left. Nearly
    every order of a world is theirs; `enter`, which would come to the same, is for all others.
    """
    book, contract = world.books[instrument], world.instruments[instrument]
    owner = world.accounts[account]
    if owner.margined or owner.partner != NO_ACCOUNT or owner.agent != NO_ACCOUNT:
        return False
    if contract.price_band > 0.0 or is_closed(world, instrument):
        return False
    if book.rules.maximum_orders + book.rules.maximum_waiting > 0 and account != NOBODY:
        return False
    if reason_against_size(book, quantity_lots, 0) != ACCEPTED:
        return False
    if reason_against_price(book, side, price_ticks, quantity_lots) != ACCEPTED:
        return False
    value = float(price_ticks) * contract.tick_quanta * quantity_lots
    return price_ticks > 0 and value <= LARGEST_QUANTA


@kernel
def _draft(world, account, instrument, side, quantity_lots):
    """Write an order with nothing special about it into `incoming`. Writes: incoming."""
    message = world.incoming
    message.kind = NEW
    message.type = LIMIT
    message.account = account
    message.instrument = instrument
    message.side = side
    message.quantity_lots = quantity_lots
    make_plain(message)
    message.reduce_only = 0
    message.liquidation = 0
    message.decision_mid = 0.0
