"""The fundamental price: geometric Brownian motion, the replay of recorded prices, and others.

Between two recorded prices a replay moves as a Brownian bridge in the logarithm, so that every
recorded price is met exactly and the seconds between them look like a market. Jumps, variance and
regimes are in `processes`.
"""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.exchange.formulas.marks import index_price
from gammagym.market.processes import move_process, start_process
from gammagym.market.streams import normal, uniform
from gammagym.world import (
    FINE_UNIT,
    PRICE_GBM,
    PRICE_REPLAY,
    STREAM_PRICE,
    STREAM_SEEDING,
    YEAR_NS,
)


@kernel
def start_price(world, tape):
    """Set the first price; a replay begins at a place of the tape that the seed draws.

    Reads: keys. Writes: price.
    """
    price = world.price
    if price.model == PRICE_REPLAY:
        cell = 0
        if price.tape_choices > 0:
            cell = int(uniform(world.keys[STREAM_SEEDING], 0) * price.tape_choices)
        price.tape_start_ns = cell * price.tape_step_ns
        price.process = tape[cell]
    elif price.model != PRICE_GBM:
        start_process(world)
    price.value = price.process
    price.previous = price.process
    price.changed_ns = world.time_ns
    price.source_weights[:] = 1.0
    set_index(world)


@kernel(counted=False)
def step_price(world, tape):
    """Move the fundamental price by one price tick.

    Args:
        world: one world.
        tape: recorded prices on a regular grid, shape (n,); not read by other models.

    Reads: stress, keys. Writes: price.
    """
    price = world.price
    number = price.tick
    shock = normal(world.keys[STREAM_PRICE], number)
    price.tick += 1
    if world.time_ns > 0:
        if price.model == PRICE_REPLAY:
            price.process = _bridge(world, tape, shock)
        elif price.model == PRICE_GBM:
            price.process *= _growth(price, world.time_ns - price.changed_ns, shock)
        else:
            move_process(world, number, (world.time_ns - price.changed_ns) / YEAR_NS, shock)
    price.changed_ns = world.time_ns
    price.previous = price.value
    price.value = price.process * math.exp(world.stress.price_shift)
    set_index(world)


@kernel
def set_index(world):
    """Write the value of a coin, and the index from its sources, of which one may be off.

    Reads: price, stress, the rule of the hedge's venue. Writes: price.index, sources, coin_quanta.
    """
    price = world.price
    price.coin_quanta = round(price.value * FINE_UNIT)
    price.previous_index = price.index if price.index > 0.0 else price.value
    price.index = price.value
    if world.stress.source_shift != 0.0:
        price.sources[:] = price.value
        price.sources[0] *= math.exp(world.stress.source_shift)
        count = price.source_count
        price.index = index_price(
            price.sources[:count], price.source_weights[:count], world.venues[0].outlier
        )


@kernel
def _growth(price, elapsed_ns, shock):
    """Return the exact growth factor of a geometric Brownian motion."""
    years = elapsed_ns / YEAR_NS
    deviation = price.volatility * math.sqrt(years)
    return math.exp((price.drift - 0.5 * price.volatility**2) * years + deviation * shock)


@kernel(counted=False)
def _bridge(world, tape, shock):
    """Return the next price of a replay, on the bridge to the next recorded price."""
    price = world.price
    on_tape = price.tape_start_ns + world.time_ns
    cell = on_tape // price.tape_step_ns
    into_cell = on_tape - cell * price.tape_step_ns
    if cell >= len(tape) - 1:
        return tape[len(tape) - 1]
    if into_cell == 0:
        return tape[cell]
    elapsed = min(world.time_ns - price.changed_ns, into_cell)
    start = price.process if elapsed < into_cell else tape[cell]
    left = price.tape_step_ns - into_cell
    weight = elapsed / (left + elapsed)
    years = elapsed / YEAR_NS * (left / (left + elapsed))
    centre = math.log(start) + weight * (math.log(tape[cell + 1]) - math.log(start))
    return math.exp(centre + price.volatility * math.sqrt(years) * shock)
