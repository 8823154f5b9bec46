"""The clock of a crowd's order flow: a Hawkes process of market orders that all events ride on."""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.market.streams import bits, exponential, in_unit, mix
from gammagym.world.sizes import NANOSECONDS

# Draws of an event (`flow.DRAWS`) that its waiting time takes.
ARRIVAL, STAYS = 0, 16


@kernel
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


@kernel(inline=True)
def excite(flow, is_market):
    """Let a market order quicken the clock. Writes: flow."""
    if is_market:
        flow.excitation += flow.burst
        flow.slow_excitation += flow.slow_burst


@kernel
def wait(flow, pace, key, draw):
    """Return the time to the next event (s).

    The base runs faster while the market is active, and while the timeline says so; bursts do not,
    or they would feed themselves where pace times branching is above 1. What bursts add only decays
    until the next event, so the intensity of now bounds that of later: candidates come at that
    bound, and each stays with the share of it that is left then (Ogata, "On Lewis' simulation
    method for point processes", 1981). This is exact, and it is mostly the first that stays.
    """
    base = flow.rate * (1.0 - flow.branching - flow.slow_branching)
    steady = base * pace * flow.quickening
    if flow.excitation == 0.0 and flow.slow_excitation == 0.0:
        return exponential(key, draw + ARRIVAL) / steady
    burst, slow = base * flow.excitation, base * flow.slow_excitation
    bound, waited = steady + burst + slow, 0.0
    number, chance = bits(key, draw + ARRIVAL), bits(key, draw + STAYS)
    while True:
        waited -= math.log(in_unit(number)) / bound
        threshold = in_unit(chance) * bound - steady
        if threshold < _least_left(flow, burst, slow, waited):
            return waited
        left = burst * math.exp(-waited / flow.excitation_decay)
        left += slow * math.exp(-waited / flow.slow_decay)
        if threshold < left:
            return waited
        bound = steady + left
        number, chance = mix(number), mix(chance)


@kernel(inline=True)
def _least_left(flow, burst, slow, waited):
    """Return what is left of bursts at the least (events a second), at a tenth of the work."""
    left = burst * (1.0 - waited / flow.excitation_decay)
    return left + slow * (1.0 - waited / flow.slow_decay)
