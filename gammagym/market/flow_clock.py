"""The clock of a crowd's order flow: a Hawkes process of market orders that all events ride on."""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.market.streams import exponential
from gammagym.world import NANOSECONDS

# Draws of an event (`flow.DRAWS`) that its waiting time takes.
ARRIVAL, ARRIVAL_BURST, ARRIVAL_SLOW = 0, 16, 17


@kernel(counted=False)
def let_pass(world, flow):
    """Let memory and excitation decay since the last event. Writes: flow."""
    elapsed = (world.time_ns - flow.memory_ns) / NANOSECONDS
    flow.memory_ns = world.time_ns
    if flow.memory != 0.0:
        flow.memory *= math.exp(-elapsed / flow.impact_decay)
    if flow.surprise != 0.0:
        flow.surprise *= math.exp(-elapsed / flow.informed_horizon)
    if flow.burst > 0.0:
        flow.excitation *= math.exp(-elapsed / flow.excitation_decay)
    if flow.slow_burst > 0.0:
        flow.slow_excitation *= math.exp(-elapsed / flow.slow_decay)


@kernel(inline=True, counted=False)
def excite(flow, is_market):
    """Let a market order quicken the clock. Writes: flow."""
    if is_market:
        flow.excitation += flow.burst
        flow.slow_excitation += flow.slow_burst


@kernel(counted=False)
def wait(flow, pace, key, draw):
    """Return the time to the next event (s): the first of the base's and of those set off.

    The base runs faster while the market is active, and while the timeline says so; bursts do not,
    or they would feed themselves where pace times branching is above 1. Each part of the intensity
    decays exponentially and is drawn exactly (Dassios and Zhao, "Exact simulation of Hawkes process
    with exponentially decaying intensity", 2013).
    """
    base = flow.rate * (1.0 - flow.branching - flow.slow_branching)
    wait = exponential(key, draw + ARRIVAL) / (base * pace * flow.quickening)
    if flow.excitation > 0.0:
        mass = base * flow.excitation * flow.excitation_decay
        left = 1.0 - exponential(key, draw + ARRIVAL_BURST) / mass
        if left > 0.0:
            wait = min(wait, -flow.excitation_decay * math.log(left))
    if flow.slow_excitation > 0.0:
        mass = base * flow.slow_excitation * flow.slow_decay
        left = 1.0 - exponential(key, draw + ARRIVAL_SLOW) / mass
        if left > 0.0:
            wait = min(wait, -flow.slow_decay * math.log(left))
    return wait
