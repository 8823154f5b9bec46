"""Makers who leave: the share of a crowd's makers whom the timeline keeps away (docs/rules/shocks).

Each place of the crowd's list of orders belongs to one maker, whose patience is a number of its own
between 0 and 1. Who has less than the share that leaves is away: its orders go at the next price
tick, and it sends no others until it is back. Nothing writes a spread or a depth: with fewer makers
the book opens and thins by itself. Patience is fixed, so who leaves first comes back last, and the
flow draws the same random numbers whoever is there.
"""

from __future__ import annotations

import math

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import remove
from gammagym.exchange.trading import is_closed
from gammagym.market.streams import uniform
from gammagym.world.codes import NO_ORDER, STREAM_PATIENCE

# Steps of the golden section share out the unit interval: of any places in a row as many leave as
# should, but for one or two (Weyl, 1916). So both sides of the touch lose the same share.
_STEP = 0.6180339887498949


@kernel
def withdraw(world):
    """Cancel what rests in places whose makers are away. Reads: instruments. Writes: books, flows.

    In a closed market nobody can: then at the first price tick after it has opened.
    """
    for row in range(world.flow_count):
        flow = world.flows[row]
        away = world.instruments[flow.instrument].makers_away
        if away > 0.0 and not is_closed(world, flow.instrument):
            for place in range(flow.slots):
                if patience(world, flow, place) < away:
                    drop(world, flow, place)


@kernel
def is_away(world, flow, place):
    """Return whether the maker of a place has left."""
    away = world.instruments[flow.instrument].makers_away
    return away > 0.0 and patience(world, flow, place) < away


@kernel
def patience(world, flow, place):
    """Return the share of makers, from 0 to 1, that leaves before the one of this place."""
    first = uniform(world.keys[STREAM_PATIENCE] + np.uint64(flow.instrument), 0)
    turns = first + place * _STEP
    return turns - math.floor(turns)


@kernel
def drop(world, flow, place):
    """Cancel the order in one place of the list, if one is there and still rests."""
    row = flow.rows[place]
    if row == NO_ORDER:
        return
    flow.rows[place] = NO_ORDER
    order = world.orders[row]
    if order.live and order.order_id == flow.ids[place]:
        remove(world.books[flow.instrument], row)
