"""Order entry: what happens to an order from its arrival at the venue to its rest or end.

docs/rules/matching lists the conditions in order. The matching engine knows prices and queues; here
its fills become money, and refusals become counted reasons.
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.engine.book import available, best_price, crosses, has_side, reduce, remove, rest
from gammagym.engine.matching import match
from gammagym.exchange.attribution import attribute_maker_fill, attribute_taker_fill
from gammagym.exchange.ledger import book_trade, charge_fee, holding
from gammagym.exchange.margin import can_afford
from gammagym.world import (
    ACCEPTED,
    BUY,
    CANCEL,
    FOK,
    IOC,
    LARGEST_QUANTA,
    MODIFY,
    NEW,
    NO_ACCOUNT,
    NO_ORDER,
    POST_ONLY,
    REJECT_FULL,
    REJECT_HALTED,
    REJECT_MARGIN,
    REJECT_OVERFLOW,
    REJECT_PRICE,
    REJECT_QUANTITY,
    REJECT_UNKNOWN_ORDER,
    REJECT_WOULD_CROSS,
    SELL,
)


@kernel
def mid_price(world, instrument):
    """Return the middle of the best quotes (price units), or the mark when a side is empty."""
    head = world.heads[instrument]
    contract = world.instruments[instrument]
    if not (has_side(head, BUY) and has_side(head, SELL)):
        return contract.mark_price
    bid = best_price(world.levels, head, BUY)
    ask = best_price(world.levels, head, SELL)
    return 0.5 * (bid + ask) * contract.tick_size


@kernel
def next_order_id(world):
    """Return a fresh order id. Writes: next_order_id."""
    world.next_order_id += 1
    return world.next_order_id - 1


@kernel
def find_order(world, instrument, account, order_id):
    """Return the row of an account's resting order, or NO_ORDER. O(rows of the pool)."""
    for row in range(len(world.orders)):
        order = world.orders[row]
        if (
            order.live
            and order.order_id == order_id
            and order.owner == account
            and order.instrument == instrument
        ):
            return row
    return NO_ORDER


@kernel
def execute(world, message):
    """Carry out one new, cancel or modify that has arrived; returns the row it rests at.

    Writes: book, cash, positions, rejects; `message.quantity_lots` becomes what is left.
    """
    if message.kind == CANCEL:
        row = find_order(world, message.instrument, message.account, message.order_id)
        if row == NO_ORDER:
            return refuse(world, message, REJECT_UNKNOWN_ORDER)
        remove(world.orders, world.levels, world.heads[message.instrument], row)
        return NO_ORDER
    if message.kind == MODIFY:
        return _modify(world, message)
    return enter(world, message)


@kernel
def enter(world, message):
    """Check, match and, if its time in force allows it, rest a new order; returns its row."""
    reason = _check(world, message)
    if reason != ACCEPTED:
        return refuse(world, message, reason)
    return _match_and_rest(world, message)


@kernel
def _match_and_rest(world, message):
    take(world, message)
    if message.quantity_lots == 0 or message.tif == IOC or message.tif == FOK:
        return NO_ORDER
    row = rest(
        world.orders,
        world.levels,
        world.heads[message.instrument],
        message.order_id,
        message.account,
        message.side,
        message.price_ticks,
        message.quantity_lots,
        message.tif,
    )
    if row == NO_ORDER:
        return refuse(world, message, REJECT_FULL)
    world.orders[row].instrument = message.instrument
    return row


@kernel
def _check(world, message):
    """Return the first rule a new order breaks, or ACCEPTED."""
    contract = world.instruments[message.instrument]
    head = world.heads[message.instrument]
    if world.venues[contract.venue].halted or contract.settled:
        return REJECT_HALTED
    if message.quantity_lots <= 0:
        return REJECT_QUANTITY
    if message.price_ticks <= 0:
        return REJECT_PRICE
    notional = float(message.price_ticks) * contract.tick_quanta * message.quantity_lots
    if notional > LARGEST_QUANTA:
        return REJECT_OVERFLOW
    if message.tif == POST_ONLY and crosses(world.levels, head, message.side, message.price_ticks):
        return REJECT_WOULD_CROSS
    if message.reduce_only:
        message.quantity_lots = min(message.quantity_lots, _closable(world, message))
        if message.quantity_lots == 0:
            return REJECT_QUANTITY
    if not message.liquidation and not can_afford(world, message):
        return REJECT_MARGIN
    if message.tif == FOK and _available(world, message) < message.quantity_lots:
        return REJECT_FULL
    return ACCEPTED


@kernel
def _available(world, message):
    head = world.heads[message.instrument]
    return available(world.levels, head, message.side, message.price_ticks, message.quantity_lots)


@kernel
def _closable(world, message):
    held = holding(world, message.account, message.instrument)
    return max(-held, 0) if message.side == BUY else max(held, 0)


@kernel
def refuse(world, message, reason):
    """Count a refusal; returns NO_ORDER. Writes: rejects or rejected_background."""
    agent = world.accounts[message.account].agent
    if agent == NO_ACCOUNT:
        world.rejected_background += 1
    else:
        world.agents[agent].rejects[reason] += 1
    return NO_ORDER


@kernel
def _modify(world, message):
    """Change price or open quantity of a resting order; priority as the venue has it."""
    row = find_order(world, message.instrument, message.account, message.order_id)
    if row == NO_ORDER:
        return refuse(world, message, REJECT_UNKNOWN_ORDER)
    order = world.orders[row]
    head = world.heads[message.instrument]
    message.side, message.tif = order.side, order.tif
    keeps = world.venues[world.instruments[message.instrument].venue].modify_keeps_priority
    smaller = message.quantity_lots <= order.quantity_lots
    if keeps and smaller and message.quantity_lots > 0 and message.price_ticks == order.price_ticks:
        reduce(world.orders, world.levels, head, row, message.quantity_lots)
        return row
    # Its own margin must not count against it: margin looks at positions, not at resting orders.
    reason = _check(world, message)
    if reason != ACCEPTED:
        refuse(world, message, reason)
        return row
    remove(world.orders, world.levels, head, row)
    return _match_and_rest(world, message)


@kernel
def take(world, message):
    """Match an order against the book and book its fills; leaves the rest in `message`."""
    head = world.heads[message.instrument]
    mid = mid_price(world, message.instrument)
    while message.quantity_lots > 0:
        count = match(
            world.orders,
            world.levels,
            head,
            message.side,
            message.price_ticks,
            message.quantity_lots,
            world.trades,
        )
        for index in range(count):
            fill = world.trades[index]
            message.quantity_lots -= fill.quantity_lots
            if fill.maker_owner != message.account:
                _book_fill(world, message, fill, mid)
        if count < len(world.trades):
            return


@kernel
def _book_fill(world, message, fill, mid):
    """Move position, cash and fees of one trade between two different accounts."""
    instrument, quantity = message.instrument, fill.quantity_lots
    taker, maker = world.accounts[message.account], world.accounts[fill.maker_owner]
    book_trade(
        world,
        instrument,
        message.account,
        fill.maker_owner,
        message.side,
        fill.price_ticks,
        quantity,
    )
    notional = abs(fill.price_ticks) * world.instruments[instrument].tick_quanta * quantity
    taker_rate = 0 if message.liquidation else taker.taker_fee_e9
    taker_fee = charge_fee(world, instrument, message.account, notional, taker_rate)
    maker_fee = charge_fee(world, instrument, fill.maker_owner, notional, maker.maker_fee_e9)
    taker.traded_quanta += notional
    maker.traded_quanta += notional
    taker.taker_fills += 1
    maker.maker_fills += 1
    if taker.agent != NO_ACCOUNT:
        attribute_taker_fill(world, message, fill, mid, taker_fee)
        _log_fill(world, message.account, message, fill, taker_fee, 0)
    if maker.agent != NO_ACCOUNT:
        attribute_maker_fill(world, message, fill, mid, maker_fee)
        _log_fill(world, fill.maker_owner, message, fill, maker_fee, 1)


@kernel
def _log_fill(world, account, message, fill, fee, as_maker):
    """Write one line of the ring of competitors' trades. Writes: fills, fill_count."""
    line = world.fills[world.fill_count % len(world.fills)]
    world.fill_count += 1
    bought = (message.side == BUY) != (as_maker == 1)
    line.time_ns = world.time_ns
    line.order_id = fill.maker_id if as_maker else message.order_id
    line.price_ticks = fill.price_ticks
    line.quantity_lots = fill.quantity_lots if bought else -fill.quantity_lots
    line.fee_quanta = fee
    line.account = account
    line.instrument = message.instrument
    line.maker = as_maker
    line.liquidation = 0 if as_maker else message.liquidation


@kernel
def cancel_orders(world, account):
    """Cancel every resting order of an account. O(rows of the pool)."""
    for row in range(len(world.orders)):
        order = world.orders[row]
        if order.live and order.owner == account:
            remove(world.orders, world.levels, world.heads[order.instrument], row)


@kernel
def empty_book(world, instrument):
    """Cancel every order that rests in an instrument's book. O(rows of the pool)."""
    for row in range(len(world.orders)):
        order = world.orders[row]
        if order.live and order.instrument == instrument:
            remove(world.orders, world.levels, world.heads[instrument], row)


@kernel
def market_order(world, account, instrument, signed_lots, liquidation):
    """Trade at once against everything the book has; returns the signed quantity left over.

    Writes: incoming (the work space), book, cash, positions.
    """
    message = world.incoming
    message.kind = NEW
    message.order_id = 0 if liquidation else next_order_id(world)
    message.side = BUY if signed_lots > 0 else SELL
    message.price_ticks = _through_everything(world, instrument, signed_lots)
    message.quantity_lots = abs(signed_lots)
    message.tif = IOC
    message.account = account
    message.instrument = instrument
    message.reduce_only = 1
    message.liquidation = liquidation
    message.decision_mid = mid_price(world, instrument)
    if _check(world, message) != ACCEPTED:
        return signed_lots
    take(world, message)
    return message.quantity_lots if signed_lots > 0 else -message.quantity_lots


@kernel
def _through_everything(world, instrument, signed_lots):
    """Return a limit no resting price is beyond, small enough for the largest notional."""
    contract = world.instruments[instrument]
    if signed_lots <= 0:
        return 1
    highest = LARGEST_QUANTA // (contract.tick_quanta * signed_lots)
    return min(int(100.0 * contract.mark_price / contract.tick_size), highest)


@kernel
def limit_order(world, account, instrument, side, price_ticks, quantity_lots, tif):
    """Enter a limit order at once, without latency; returns the row it rests at, or NO_ORDER.

    Writes: incoming (the work space), next_order_id and all that `enter` does.
    """
    message = world.incoming
    message.kind = NEW
    message.order_id = next_order_id(world)
    message.side = side
    message.tif = tif
    message.account = account
    message.instrument = instrument
    message.price_ticks = price_ticks
    message.quantity_lots = quantity_lots
    message.reduce_only = 0
    message.liquidation = 0
    message.decision_mid = 0.0
    return enter(world, message)
