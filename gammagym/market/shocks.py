"""The timeline: shocks that act on price, spread, depth and index, each a trapezoid in time.

A shock is a function of the clock alone; only when it comes may depend on the seed, through a
stream of its own. So a market with a shock and the same one without share every other number.
"""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.market.streams import uniform
from gammagym.world import (
    SHOCK_DEPTH,
    SHOCK_INDEX,
    SHOCK_PRICE,
    SHOCK_SPREAD,
    SHOCK_TRANSFERS,
    STREAM_SHOCKS,
)


@kernel
def start_timeline(world):
    """Delay the whole timeline by a time that the seed draws. Writes: shocks.start_ns."""
    delay = int(uniform(world.keys[STREAM_SHOCKS], 0) * world.shock_jitter_ns)
    for row in range(world.shock_count):
        world.shocks[row].start_ns += delay


@kernel
def strength(shock, time_ns):
    """Return how far a shock is switched on at a time, 0 to 1."""
    since = time_ns - shock.start_ns
    if since < 0:
        return 0.0
    if since < shock.ramp_ns:
        return since / shock.ramp_ns
    past = since - shock.ramp_ns - shock.hold_ns
    if past <= 0 or shock.recovery_ns < 0:
        return 1.0
    if past >= shock.recovery_ns:
        return 0.0
    return 1.0 - past / shock.recovery_ns


@kernel
def apply_shocks(world):
    """Write what the timeline does to the market now.

    Reads: shocks, time. Writes: stress, venues.transfers_halted.
    """
    shift, spread, depth, source, transfers = 0.0, 0.0, 0.0, 0.0, 0
    next_shift, next_ns = 0.0, world.time_ns + world.price.tick_ns
    for row in range(world.shock_count):
        shock = world.shocks[row]
        effect = shock.magnitude * strength(shock, world.time_ns)
        if shock.kind == SHOCK_PRICE:
            shift += effect
            next_shift += shock.magnitude * strength(shock, next_ns)
        elif shock.kind == SHOCK_SPREAD:
            spread += effect
        elif shock.kind == SHOCK_DEPTH:
            depth += effect
        elif shock.kind == SHOCK_INDEX:
            source += effect
        elif shock.kind == SHOCK_TRANSFERS and strength(shock, world.time_ns) > 0.0:
            transfers = 1
    world.stress.price_shift = shift
    world.stress.next_shift = next_shift
    world.stress.spread_multiple = math.exp(spread)
    world.stress.depth_multiple = math.exp(depth)
    world.stress.source_shift = source
    for row in range(len(world.venues)):
        world.venues[row].transfers_halted = transfers
