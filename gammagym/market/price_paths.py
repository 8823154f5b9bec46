"""The fundamental price on its own, without a market: to measure its law and to draw it."""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.market.price import start_price, step_price
from gammagym.market.streams import open_streams


@kernel
def walk_price(world, tape, path):
    """Walk the price from time zero; a row of `path` for each tick.

    Writes: time_ns, price, keys; path: price, annual variance, regime, annual volatility.
    """
    world.time_ns = 0
    world.price.tick = 0
    open_streams(world)
    start_price(world, tape)
    step_price(world, tape)
    for tick in range(len(path)):
        world.time_ns += world.price.tick_ns
        step_price(world, tape)
        path[tick, 0] = world.price.value
        path[tick, 1] = world.price.dynamics.variance
        path[tick, 2] = world.price.dynamics.regime
        path[tick, 3] = world.price.volatility


@kernel
def walk_prices(world, tape, ticks, ends):
    """Walk one price after another for some ticks, with seeds that count up from the world's.

    Writes: seed, time_ns, price, keys; ends: the last price of each.
    """
    price = world.price
    start, variance = price.process, price.dynamics.variance
    for walk in range(len(ends)):
        price.process, price.dynamics.variance = start, variance
        world.time_ns = 0
        price.tick = 0
        open_streams(world)
        start_price(world, tape)
        step_price(world, tape)
        for _ in range(ticks):
            world.time_ns += price.tick_ns
            step_price(world, tape)
        ends[walk] = price.value
        world.seed += np.uint64(1)
