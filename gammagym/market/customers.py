"""Customers of options: market orders at random times, which give the makers their inventory.

A Poisson clock that does not look at the market says when, and every number an order may need is
drawn by its index. The state decides only what the numbers mean: which options are alive, what is
quoted, and, by how far makers lean, how many customers find the offer better than the bid.
"""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.engine.book import best_price, has_side
from gammagym.exchange.margin import is_option
from gammagym.exchange.own_orders import limit_order
from gammagym.exchange.trading import is_closed
from gammagym.market.streams import exponential, normal, uniform
from gammagym.world.codes import BUY, CROWD, IOC, NO_INSTRUMENT, SELL, STREAM_CUSTOMERS
from gammagym.world.sizes import NANOSECONDS

# The draws of one order, by purpose.
_DRAWS = 4
_ARRIVAL, _OPTION, _SIDE, _SIZE = 0, 1, 2, 3


@kernel
def open_customers(world):
    """Start the customers' clock: the first comes after the warm-up. Writes: customers."""
    customers = world.customers
    customers.event = 0
    customers.next_ns = 0
    if customers.rate > 0.0:
        _wait(world)


@kernel
def redraw_customers(world):
    """Draw the time of the next order anew, from now on. Writes: customers.next_ns."""
    world.customers.next_ns = world.time_ns
    _wait(world)


@kernel
def _wait(world):
    """Draw the time of the next order. Writes: customers.next_ns."""
    customers = world.customers
    draw = exponential(world.keys[STREAM_CUSTOMERS], customers.event * _DRAWS + _ARRIVAL)
    customers.next_ns += 1 + int(draw / customers.rate * NANOSECONDS)


@kernel
def customer_order(world):
    """Send the next customer's order, which takes what the best quote has.

    Reads: books, option_makers.lean. Writes: customers, and what trades write.
    """
    customers = world.customers
    key, draw = world.keys[STREAM_CUSTOMERS], customers.event * _DRAWS
    customers.event += 1
    _wait(world)
    instrument = _choose(world, uniform(key, draw + _OPTION))
    if instrument == NO_INSTRUMENT or is_closed(world, instrument):
        return
    buys = uniform(key, draw + _SIDE) < 0.5 * (1.0 + world.option_makers.lean)
    side = BUY if buys else SELL
    book = world.books[instrument]
    if has_side(book, 1 - side):
        units = customers.size_units * math.exp(customers.size_sigma * normal(key, draw + _SIZE))
        lots = units / world.instruments[instrument].lot_size
        lots = int(min(max(lots, book.rules.minimum_lots), book.rules.maximum_lots))
        limit_order(world, CROWD, instrument, side, best_price(book, 1 - side), lots, IOC)


@kernel
def _choose(world, share):
    """Return the option that a share in (0, 1) stands for, all that are alive alike."""
    alive = 0
    for instrument in range(world.instrument_count):
        alive += _is_alive(world.instruments[instrument])
    place = int(share * alive)
    for instrument in range(world.instrument_count):
        if _is_alive(world.instruments[instrument]):
            if place == 0:
                return instrument
            place -= 1
    return NO_INSTRUMENT


@kernel(inline=True)
def _is_alive(contract):
    return is_option(contract) and not contract.settled
