"""Orders at the venue: entered, changed, canceled, triggered, expired.

The engine's rules come from `gammagym.engine.entry`; here are those of the exchange around them:
halts, margin, the value of an order, positions. docs/rules/matching lists the conditions in order.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import crosses, shrink
from gammagym.engine.entry import (
    get_ready,
    has_trigger,
    is_malformed,
    is_market,
    keeps_place,
    load_order,
    reason_against_change,
    reason_against_entering,
    reason_against_new,
    reason_against_price,
    reason_against_size,
    rest_plain,
)
from gammagym.engine.matching import available
from gammagym.engine.members import allow_message, join, tell_position
from gammagym.engine.terms import next_expired
from gammagym.engine.waiting import any_price_moved, leave, next_triggered, take_out, wait
from gammagym.exchange.ledger import holding
from gammagym.exchange.margin import can_afford
from gammagym.exchange.marks import tell_book
from gammagym.exchange.trading import is_closed, mid_price, refuse, trade_and_rest
from gammagym.world.codes import (
    ACCEPTED,
    BUY,
    CANCEL,
    CANCEL_ALL,
    DISCONNECT,
    FOK,
    FUTURE,
    GTC,
    IOC,
    LIMIT,
    MODIFY,
    NEW,
    NO_ACCOUNT,
    NO_ORDER,
    NO_TERMS,
    NOBODY,
    PERPETUAL,
    REJECT_DISCONNECTED,
    REJECT_EXPIRED,
    REJECT_FULL,
    REJECT_HALTED,
    REJECT_MARGIN,
    REJECT_MESSAGE,
    REJECT_OVERFLOW,
    REJECT_PRICE,
    REJECT_RATE,
    REJECT_UNKNOWN_ORDER,
    REJECT_WAITING,
    SELL,
    UNSET,
)
from gammagym.world.sizes import LARGEST_QUANTA, WATCHED


@kernel(counted=False)
def next_order_id(world):
    """Return a fresh order id. Writes: next_order_id."""
    world.next_order_id += 1
    return world.next_order_id - 1


@kernel(counted=False)
def find_order(world, instrument, account, order_id):
    """Return the row of an account's order, or NO_ORDER. O(rows of the pool), mostly O(1)."""
    # Competitors' orders are watched, the last of them at least.
    row = np.int64(world.watched_rows[order_id % WATCHED])
    if _is_order(world, row, instrument, account, order_id):
        return row
    for row in range(len(world.orders)):
        if _is_order(world, row, instrument, account, order_id):
            return row
    return NO_ORDER


@kernel(inline=True, counted=False)
def _is_order(world, row, instrument, account, order_id):
    """Return whether a row holds this order."""
    order = world.orders[row]
    is_named = order.order_id == order_id and order.owner == account
    return is_named and order.live == 1 and order.instrument == instrument


# --- Instructions ----------------------------------------------------------------------------


@kernel(counted=False)
def is_shut(world, message):
    """Return whether a venue takes no such instruction now: it is closed, or takes no cancels."""
    venue = world.venues[world.instruments[message.instrument].venue]
    cancels = message.kind == CANCEL or message.kind == MODIFY or message.kind == CANCEL_ALL
    return venue.halted or (venue.cancels_halted and cancels)


@kernel(counted=False)
def execute(world, message):
    """Carry out one instruction that has arrived; returns the row at which its order is then.

    Writes: book, cash, positions, rejects.
    """
    book = world.books[message.instrument]
    open_times(world)
    if is_shut(world, message):
        return refuse(world, message.account, REJECT_HALTED)
    if message.kind == CANCEL_ALL:
        cancel_orders(world, message.account)
        return NO_ORDER
    if message.kind == DISCONNECT:
        return _disconnect(world, message)
    _load(world.work, message)
    if message.kind == NEW and is_malformed(world.work):
        return refuse(world, message.account, REJECT_MESSAGE)
    if not allow_message(book, message.account, world.time_ns):
        return refuse(world, message.account, REJECT_RATE)
    if message.kind == NEW:
        return enter(world, message)
    row = find_order(world, message.instrument, message.account, message.order_id)
    if row == NO_ORDER:
        return refuse(world, message.account, REJECT_UNKNOWN_ORDER)
    if message.kind == CANCEL:
        take_out(book, row)
        return NO_ORDER
    return _modify(world, message, row)


@kernel(counted=False)
def open_times(world):
    """Tell all books the time, and let the orders end that it has overtaken."""
    for instrument in range(world.instrument_count):
        _open_time(world, instrument)


@kernel(inline=True, counted=False)
def _open_time(world, instrument):
    """Tell a book the time, and let the orders end that it has overtaken. Writes: book, rejects."""
    book = world.books[instrument]
    book.time_ns = world.time_ns
    if book.first_expiry != NO_TERMS:
        _end_overtaken(world, book)


@kernel(counted=False)
def _end_overtaken(world, book):
    row = next_expired(book, world.time_ns)
    while row != NO_ORDER:
        refuse(world, world.orders[row].owner, REJECT_EXPIRED)
        take_out(book, row)
        row = next_expired(book, world.time_ns)


@kernel(counted=False)
def _disconnect(world, message):
    """Cancel an account's orders where the venue does so. Writes: books, rejects."""
    partner = world.accounts[message.account].partner
    for row in range(len(world.orders)):
        order = world.orders[row]
        if order.live and (order.owner == message.account or order.owner == partner):
            book = world.books[order.instrument]
            if book.rules.cancel_on_disconnect:
                refuse(world, message.account, REJECT_DISCONNECTED)
                take_out(book, row)
    return NO_ORDER


@kernel(counted=False)
def enter(world, message):
    """Check, match and, if its time in force allows it, rest a new order; returns its row.

    Writes: work, book, cash, positions, rejects; `message` becomes as the venue took it.
    """
    if world.accounts[message.account].partner != NO_ACCOUNT and _closes_leg(world, message):
        # So it never turns a leg, and several of them never close more than there is.
        message.reduce_only = 1
    _load(world.work, message)
    reason = _reason_against(world, message)
    if reason != ACCEPTED:
        return refuse(world, message.account, reason)
    if has_trigger(world.work):
        row = wait(world.books[message.instrument], world.work)
        return refuse(world, message.account, REJECT_FULL) if row == NO_ORDER else row
    return trade_and_rest(world, message)


@kernel(counted=False)
def _closes_leg(world, message):
    """Return whether an order in hedge mode is on the side that closes (docs/rules/margin).

    Spot and options have one position only.
    """
    kind = world.instruments[message.instrument].kind
    closing = BUY if world.accounts[message.account].short_legs else SELL
    return message.side == closing and kind in (PERPETUAL, FUTURE)


@kernel(counted=False)
def _load(work, message):
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


# --- What is refused -------------------------------------------------------------------------


@kernel(counted=False)
def _reason_against(world, message):
    """Return the first rule that the new order in `work` breaks, or ACCEPTED."""
    book, work = world.books[message.instrument], world.work
    contract = world.instruments[message.instrument]
    if is_closed(world, message.instrument):
        return REJECT_HALTED
    if message.liquidation:
        # The exchange's own orders may be of any size: what is left over has to go, too.
        _know_owner(world, book, message)
        reason = reason_against_entering(book, work)
    else:
        reason = reason_against_size(book, work.left_lots, work.display_lots)
        if reason != ACCEPTED:
            return reason
        if contract.price_band > 0.0 or work.kind != LIMIT:
            tell_book(world, message.instrument)
        _know_owner(world, book, message)
        reason = reason_against_new(book, work)
    if reason != ACCEPTED or has_trigger(work):
        return reason
    get_ready(book, work)
    return _reason_of_exchange(world, message)


@kernel(counted=False)
def _know_owner(world, book, message):
    """Let the book know an owner who is limited, or what it holds. Writes: members."""
    rules = book.rules
    if message.account == NOBODY:
        return
    if rules.maximum_orders > 0 or rules.maximum_waiting > 0:
        join(book, message.account)
    if message.reduce_only:
        tell_position(book, message.account, holding(world, message.account, message.instrument))


@kernel(counted=False)
def _reason_of_exchange(world, message):
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


@kernel(counted=False)
def _modify(world, message, row):
    """Change price or open quantity of an order that rests; priority as the venue has it."""
    book, work = world.books[message.instrument], world.work
    if world.orders[row].side > SELL:
        refuse(world, message.account, REJECT_WAITING)
        return row
    load_order(book, work, row)
    message.side, message.tif, message.reduce_only = work.side, work.tif, work.reduce_only
    work.price_ticks, work.left_lots = message.price_ticks, message.quantity_lots
    contract = world.instruments[message.instrument]
    reason = REJECT_HALTED
    if not is_closed(world, message.instrument):
        _know_owner(world, book, message)
        if contract.price_band > 0.0:
            tell_book(world, message.instrument)
        reason = reason_against_change(book, work, row)
    if reason == ACCEPTED:
        get_ready(book, work)
        # Its own margin must not count against it: margin looks at positions, not at orders.
        reason = _reason_of_exchange(world, message)
    if reason != ACCEPTED:
        refuse(world, message.account, reason)
        return row
    if keeps_place(book, work, row):
        shrink(book, row, work.left_lots)
        return row
    take_out(book, row)
    return trade_and_rest(world, message)


# --- Triggers --------------------------------------------------------------------------------


@kernel(counted=False)
def carry_out_triggers(world):
    """Carry out every order whose trigger has been reached, one after the other, in every book.

    Where nothing trades they wait on; what has triggered them meanwhile is remembered.
    Writes: triggers_due, incoming (the work space), books, cash, positions, rejects.
    """
    world.triggers_due = 0
    for instrument in range(world.instrument_count):
        if is_closed(world, instrument):
            continue
        book = world.books[instrument]
        row = next_triggered(book)
        while row != NO_ORDER:
            leave(book, row, world.work)
            _enter_triggered(world, instrument)
            row = next_triggered(book)
    world.triggers_due = 0


@kernel(counted=False)
def _enter_triggered(world, instrument):
    """Let the order in `work`, which has left the waiting room, into its book."""
    book, work, message = world.books[instrument], world.work, world.incoming
    message.kind = NEW
    message.order_id = work.order_id
    message.account = work.owner
    message.instrument = instrument
    message.side = work.side
    message.tif = work.tif
    message.reduce_only = work.reduce_only
    message.liquidation = 0
    message.decision_mid = mid_price(world, instrument)
    _know_owner(world, book, message)
    reason = reason_against_entering(book, work)
    if reason == ACCEPTED:
        get_ready(book, work)
        reason = _reason_of_exchange(world, message)
    if reason != ACCEPTED:
        refuse(world, message.account, reason)
    else:
        trade_and_rest(world, message)


# --- The exchange's own ----------------------------------------------------------------------


@kernel(counted=False)
def cancel_orders(world, account):
    """Cancel every order of an account, those of both legs. O(rows of the pool)."""
    partner = world.accounts[account].partner
    for row in range(len(world.orders)):
        order = world.orders[row]
        if order.live and (order.owner == account or order.owner == partner):
            take_out(world.books[order.instrument], row)


@kernel(counted=False)
def empty_book(world, instrument):
    """Cancel every order in an instrument's book. O(rows of the pool)."""
    for row in range(len(world.orders)):
        order = world.orders[row]
        if order.live and order.instrument == instrument:
            take_out(world.books[instrument], row)


@kernel(counted=False)
def market_order(world, account, instrument, signed_lots, liquidation, worst_ticks):
    """Trade at once against what the book has; returns the signed quantity left over.

    No price is worse than `worst_ticks`; any price is taken if that is 0.
    Writes: incoming (the work space), book, cash, positions.
    """
    message = world.incoming
    _open_time(world, instrument)
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
    _load(world.work, message)
    if _reason_against(world, message) != ACCEPTED:
        return signed_lots
    trade_and_rest(world, message)
    left = abs(signed_lots) - message.quantity_lots + world.work.left_lots
    return left if signed_lots > 0 else -left


@kernel(counted=False)
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


@kernel(counted=False)
def limit_order(world, account, instrument, side, price_ticks, quantity_lots, tif):
    """Enter a limit order at once, without latency; returns the row it rests at, or NO_ORDER.

    Writes: incoming (the work space), next_order_id and all that `enter` does.
    """
    _open_time(world, instrument)
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
    _load(world.work, message)
    get_ready(book, world.work)
    return trade_and_rest(world, message)


@kernel(counted=False)
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
    if account != NOBODY and book.rules.maximum_orders + book.rules.maximum_waiting > 0:
        return False
    if reason_against_size(book, quantity_lots, 0) != ACCEPTED:
        return False
    if reason_against_price(book, side, price_ticks, quantity_lots) != ACCEPTED:
        return False
    value = float(price_ticks) * contract.tick_quanta * quantity_lots
    return price_ticks > 0 and value <= LARGEST_QUANTA


@kernel(counted=False)
def _draft(world, account, instrument, side, quantity_lots):
    """Write an order with nothing special about it into `incoming`. Writes: incoming."""
    message = world.incoming
    message.kind = NEW
    message.type = LIMIT
    message.account = account
    message.instrument = instrument
    message.side = side
    message.quantity_lots = quantity_lots
    plain(message)
    message.reduce_only = 0
    message.liquidation = 0
    message.decision_mid = 0.0


@kernel(inline=True, counted=False)
def plain(message):
    """Leave out of an instruction all that an ordinary order does not say. Writes: message."""
    message.trigger = 0
    message.self_trade = UNSET
    message.display_lots = 0
    message.trigger_ticks = 0
    message.trail_ticks = 0
    message.expiry_ns = 0
