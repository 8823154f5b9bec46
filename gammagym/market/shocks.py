"""The timeline: events that act on the market, each a trapezoid in time (docs/rules/shocks).

An event is a function of the clock alone; only when it comes may depend on the seed, through a
stream of its own. So a market with an event and the same one without share every other number.

Here is what each event comes to at a price tick. What that does is the matter of those who read it:
the price, the crowd's flow, venues, margins.
"""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.exchange.fees import shift_fees
from gammagym.market.streams import uniform
from gammagym.world.codes import (
    NO_INSTRUMENT,
    OUTAGE_CANCELS,
    OUTAGE_DATA,
    OUTAGE_MATCHING,
    SHOCK_BASIS,
    SHOCK_COLLATERAL,
    SHOCK_DEFAULT,
    SHOCK_DEPTH,
    SHOCK_FUNDING,
    SHOCK_IMPLIED_VOLATILITY,
    SHOCK_INDEX,
    SHOCK_LATENCY,
    SHOCK_MAKER_FEE,
    SHOCK_MAKERS,
    SHOCK_ORDERS,
    SHOCK_OUTAGE,
    SHOCK_PRICE,
    SHOCK_SPREAD,
    SHOCK_TAKER_FEE,
    SHOCK_TRANSFERS,
    SHOCK_VOLATILITY,
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
    """Return how far an event is switched on at a time, 0 to 1."""
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

    Reads: shocks, time. Writes: stress; of instruments makers_away, basis_shift; of flows
    quickening; of venues transfers_halted, data_halted, cancels_halted, and halted where hours have
    not closed it; fees.
    """
    _begin(world)
    next_ns = world.time_ns + world.price.tick_ns
    for row in range(world.shock_count):
        shock = world.shocks[row]
        now = strength(shock, world.time_ns)
        if shock.kind == SHOCK_PRICE:
            world.stress.next_shift += shock.magnitude * strength(shock, next_ns)
        if now > 0.0:
            _add_to_market(world, shock, now)
            _add_to_venues(world, shock, shock.magnitude * now)
        if shock.kind == SHOCK_MAKER_FEE or shock.kind == SHOCK_TAKER_FEE:
            _turn_fee(world, shock, now)
    _end(world)


@kernel
def _begin(world):
    """Let nothing be out of the ordinary; multiples are logarithms until `_end`."""
    stress = world.stress
    stress.price_shift = stress.next_shift = 0.0
    stress.spread_multiple = stress.depth_multiple = stress.latency_multiple = 0.0
    stress.source_shift = stress.implied_shift = stress.variance_multiple = 0.0
    stress.premium_shift = 0.0
    stress.sources_off = 0
    stress.collateral_shift[:] = 0.0
    for row in range(world.instrument_count):
        contract = world.instruments[row]
        contract.makers_away = contract.basis_shift = 0.0
    for row in range(world.flow_count):
        world.flows[row].quickening = 0.0
    for row in range(len(world.venues)):
        venue = world.venues[row]
        venue.transfers_halted = venue.data_halted = venue.cancels_halted = 0


@kernel
def _end(world):
    """Make factors of the sums of logarithms."""
    stress = world.stress
    stress.spread_multiple = math.exp(stress.spread_multiple)
    stress.depth_multiple = math.exp(stress.depth_multiple)
    stress.latency_multiple = math.exp(stress.latency_multiple)
    stress.variance_multiple = math.exp(2.0 * stress.variance_multiple)
    for row in range(world.flow_count):
        world.flows[row].quickening = math.exp(world.flows[row].quickening)


@kernel
def _add_to_market(world, shock, now):
    """Add an event to what happens to price, volatility and books.

    Writes: stress, instruments, flows.
    """
    stress, effect = world.stress, shock.magnitude * now
    if shock.kind == SHOCK_PRICE:
        stress.price_shift += effect
    elif shock.kind == SHOCK_SPREAD:
        stress.spread_multiple += effect
    elif shock.kind == SHOCK_DEPTH:
        stress.depth_multiple += effect
    elif shock.kind == SHOCK_IMPLIED_VOLATILITY:
        stress.implied_shift += effect
    elif shock.kind == SHOCK_VOLATILITY:
        stress.variance_multiple += effect
    elif shock.kind == SHOCK_MAKERS or shock.kind == SHOCK_BASIS:
        for row in range(world.instrument_count):
            if _acts_on(shock, row):
                _add_to_book(world.instruments[row], shock, effect)
    elif shock.kind == SHOCK_ORDERS:
        for row in range(world.flow_count):
            if _acts_on(shock, world.flows[row].instrument):
                world.flows[row].quickening += effect


@kernel(inline=True)
def _acts_on(shock, instrument):
    return shock.instrument == NO_INSTRUMENT or shock.instrument == instrument


@kernel
def _add_to_book(contract, shock, effect):
    """Add an event to one book: of two that drive makers away, each takes its share of the rest."""
    if shock.kind == SHOCK_MAKERS:
        contract.makers_away = 1.0 - (1.0 - contract.makers_away) * (1.0 - effect)
    else:
        contract.basis_shift += effect


@kernel
def _add_to_venues(world, shock, effect):
    """Add an event to what happens at venues. Writes: stress, venues."""
    stress, venue = world.stress, world.venues[shock.venue]
    if shock.kind == SHOCK_INDEX:
        stress.source_shift += effect
        stress.sources_off = max(stress.sources_off, shock.code)
    elif shock.kind == SHOCK_LATENCY:
        stress.latency_multiple += effect
    elif shock.kind == SHOCK_FUNDING:
        stress.premium_shift += effect
    elif shock.kind == SHOCK_COLLATERAL:
        stress.collateral_shift[shock.code] += effect
    elif shock.kind == SHOCK_OUTAGE:
        if shock.code == OUTAGE_MATCHING:
            venue.halted = 1
        elif shock.code == OUTAGE_DATA:
            venue.data_halted = 1
        elif shock.code == OUTAGE_CANCELS:
            venue.cancels_halted = 1
    elif shock.kind == SHOCK_TRANSFERS or shock.kind == SHOCK_DEFAULT:
        if shock.kind == SHOCK_DEFAULT:
            venue.halted = 1
        for row in range(len(world.venues)):
            world.venues[row].transfers_halted = 1


@kernel
def _turn_fee(world, shock, now):
    """Let a fee rise when its event begins, and fall again when it ends.

    Writes: accounts, venues.ladder, shocks.done.
    """
    rise = (shock.lots if now > 0.0 else 0) - shock.done
    if rise != 0:
        is_maker = shock.kind == SHOCK_MAKER_FEE
        shift_fees(world, shock.venue, rise if is_maker else 0, 0 if is_maker else rise)
        shock.done += rise
