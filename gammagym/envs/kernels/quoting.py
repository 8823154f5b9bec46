"""Action schemes that set prices: `quotes`, a bid and an ask at once, and `orders`, full control.

Distances count from the best price of the others. Counted from one's own, an order that improves on
the best price would improve on itself at every decision.
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.engine.book import levels_of
from gammagym.envs.kernels.limits import allowed_lots
from gammagym.envs.kernels.observe import is_dark, seen_touch
from gammagym.envs.kernels.placing import (
    REST_DEPTH,
    cancel_working,
    clipped,
    is_working,
    price_beside_mid,
    price_from_touch,
    replace,
    rest,
    send_new,
    standing_price,
)
from gammagym.exchange.messages import working_quantity
from gammagym.world.codes import BUY, GTC, IOC, NO_LEVEL, ONLY_REDUCE, POST_ONLY, SELL

# Urgency (of the scheme `hedge`) at which a quote is half way to the opposite best price: bid and
# ask of one competitor never meet.
_MIDDLE = 0.25
# Numbers beyond this, either way, choose the kind of an order.
_KIND = 1.0 / 3.0


@kernel
def quote_both(world, agent, action):
    """Turn the two quotes into the wished ones, post-only.

    Args:
        world: one world.
        agent: row of agents, the record.
        action: size and placement of the bid, then of the ask, each from -1 to 1.
    """
    first = BUY
    ask = agent.working[SELL]
    if is_working(world, ask):
        # Of two that move up, the upper goes first, so that the lower does not run into it.
        if _quote_price(world, agent, BUY, action[1]) >= standing_price(world, ask):
            first = SELL
    for side in (first, 1 - first):
        working, size = agent.working[side], clipped(action[2 * side])
        lots = round(size * working.largest_lots)
        if size < agent.dead_zone or lots <= 0:
            cancel_working(world, agent, working)
        else:
            price = _quote_price(world, agent, side, action[2 * side + 1])
            rest(world, agent, working, side, price, lots, POST_ONLY)


@kernel
def _quote_price(world, agent, side, placement):
    """Return the price of a quote, or that of the one that stands where it hardly differs."""
    working = agent.working[side]
    touch = _touch_of_others(world, agent, working.instrument, side)
    far = _touch_of_others(world, agent, working.instrument, 1 - side)
    urgency = clipped(placement) * (1.0 if placement < 0.0 else _MIDDLE)
    return _kept(world, agent, working, touch, price_from_touch(side, touch, far, urgency))


@kernel
def place_order(world, agent, working, action, first):
    """Turn the order of a slot into the wished one.

    Args:
        world: one world.
        agent: row of agents, the record.
        working: slot, the record.
        action: numbers from -1 to 1.
        first: place of the slot's first: signed size, price, kind, reduce-only, and with several
            hedges which one.
    """
    size = clipped(action[first])
    if abs(size) < agent.dead_zone:
        cancel_working(world, agent, working)
        return
    moved = agent.hedge_count > 1 and _choose_hedge(world, agent, working, action[first + 4])
    side, sign = (BUY, 1) if size > 0.0 else (SELL, -1)
    touch = _touch_of_others(world, agent, working.instrument, side)
    price = touch + int(clipped(action[first + 1]) * REST_DEPTH * touch) * sign
    lots = round(abs(size) * working.largest_lots)
    terms = _terms(action[first + 2], action[first + 3])
    if moved:
        lots = allowed_lots(world, working, side, lots)
        if lots > 0 and not working.strays:
            send_new(world, agent, working, side, price, lots, terms)
    elif lots == 0:
        cancel_working(world, agent, working)
    elif terms % ONLY_REDUCE == IOC or _has_other_terms(world, working, terms):
        replace(world, agent, working, side, price, lots, terms)
    else:
        if working.side == side:
            price = _kept(world, agent, working, touch, price)
        rest(world, agent, working, side, price, lots, terms)


@kernel
def _terms(kind, reduce_only):
    """Return the terms of an order that two numbers of an action choose."""
    terms = GTC
    if kind < -_KIND:
        terms = POST_ONLY
    elif kind > _KIND:
        terms = IOC
    return terms + (ONLY_REDUCE if reduce_only > 0.0 else 0)


@kernel
def _has_other_terms(world, working, terms):
    return not working.strays and working.terms != terms and is_working(world, working)


@kernel
def _choose_hedge(world, agent, working, number):
    """Let a slot be for the chosen hedge; returns whether that is another. Writes: the slot.

    What it has in the market goes.
    """
    place = min(int(0.5 * (clipped(number) + 1.0) * agent.hedge_count), agent.hedge_count - 1)
    instrument = agent.hedges[place]
    if instrument == working.instrument:
        return False
    cancel_working(world, agent, working)
    working.instrument = instrument
    lot_size = world.instruments[instrument].lot_size
    working.largest_lots = max(1, round(agent.largest_order_units / lot_size))
    return True


@kernel
def _kept(world, agent, working, touch, price):
    """Return the standing price of an order where the wished one hardly differs, else this.

    At the best price it must be the same; behind it, the more may be amiss the further away.
    """
    if not is_working(world, working):
        return price
    standing = standing_price(world, working)
    return standing if abs(price - standing) <= agent.dead_zone * abs(price - touch) else price


@kernel
def _touch_of_others(world, agent, instrument, side):
    """Return the best price at which others rest, as an agent knows it, or one beside the middle.

    O(own orders that are better).
    """
    touch = seen_touch(world, agent, instrument, side)
    if not is_dark(world, agent, agent.hedge_account):
        book = world.books[instrument]
        levels, row, touch = levels_of(book), book.best[side], 0
        while row != NO_LEVEL:
            level = levels[row]
            if level.quantity_lots > _own_quantity(world, agent, instrument, level.price_ticks):
                touch = level.price_ticks
                break
            row = level.worse
    return touch if touch != 0 else price_beside_mid(world, agent, instrument, side)


@kernel
def _own_quantity(world, agent, instrument, price_ticks):
    """Return what an agent's own orders at a price add up to (lots)."""
    lots = 0
    for slot in range(agent.slots):
        working = agent.working[slot]
        if working.instrument == instrument and working_quantity(world, working) > 0:
            if world.orders[working.row].price_ticks == price_ticks:
                lots += working_quantity(world, working)
    return lots
