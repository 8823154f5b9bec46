"""Draw the future anew: what a fork for planning does to its copy of a world.

A world has drawn a little of its future already: the way of the price to the next tick, and when
the next orders come. All of that is drawn again, from new streams. Waiting times have no memory, or
one that is part of the world, so a new one from now on has the law that the old one had.

What stays is what is no draw of the future: instructions and transfers on their way, the timeline
and the calendar, the recorded prices of a replay, and the hidden state of price, crowd and makers.
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.market.arbitrage import redraw_looks
from gammagym.market.customers import redraw_customers
from gammagym.market.flow import redraw_flow
from gammagym.market.price import redraw_path
from gammagym.market.streams import open_streams, stream_key


@kernel
def redraw_worlds(worlds, tape, rows, numbers):
    """Let all that is random in some worlds happen otherwise from now on.

    Args:
        worlds: array of worlds.
        tape: recorded prices of a replay, shape (n,).
        rows: which worlds, shape (k,).
        numbers: what each is reseeded with, uint64, shape (k,).

    Reads: everything. Writes: fork, keys, price.ahead*, price.path, and when the next orders of
    crowds, customers and arbitrageurs come.
    """
    for index in range(len(rows)):
        world = worlds[rows[index]]
        # A fork of a fork with the same number does not find its way back into the same future.
        world.fork = stream_key(world.fork, numbers[index], 0)
        open_streams(world)
        redraw_path(world, tape)
        for row in range(world.flow_count):
            redraw_flow(world, row)
        if world.customers.rate > 0.0:
            redraw_customers(world)
        redraw_looks(world)
