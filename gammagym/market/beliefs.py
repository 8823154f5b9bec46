"""What a crowd believes: its price, what trades have taught it, and whether the market is calm."""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.exchange.trading import mid_price
from gammagym.market.price import price_now
from gammagym.market.sentiment import believed_price
from gammagym.world.sizes import NANOSECONDS

# Makers' memory of the variance (s), the time between two looks at the price (ns), and the multiple
# of a calm volatility up to which there is no storm.
_VARIANCE_MEMORY, _VARIANCE_STEP_NS = 10.0, 250_000_000
_CALM_MULTIPLE = 2.0


@kernel(inline=True)
def contract_tick(world, flow):
    """Return the price of one tick of a flow's contract (price units)."""
    return world.instruments[flow.instrument].tick_size


@kernel
def believed_ticks(world, flow):
    """Return the price of this moment as the crowd knows it (ticks), without what trades tell it.

    A crowd that is not anchored believes in what the book shows.
    """
    if not flow.anchored:
        return mid_price(world, flow.instrument) / contract_tick(world, flow)
    price = believed_price(world, flow, price_now(world, world.time_ns))
    return price / contract_tick(world, flow)


@kernel(inline=True)
def reference_ticks(flow, believed):
    """Return the price the crowd quotes about (ticks): what it knows, moved by trades."""
    return believed + flow.memory + flow.surprise


@kernel
def remember_trades(world, flow):
    """Add to the impact memory what was traded since, by noise and agents alike. Writes: flow."""
    book = world.books[flow.instrument]
    bought = 2 * book.bought_lots - book.volume_lots
    net = bought - flow.seen_lots
    flow.seen_lots = bought
    if net != 0:
        lot = world.instruments[flow.instrument].lot_size
        size, scale = abs(net) * lot, flow.impact_scale_lots * lot
        impact = size**0.3 * size / (size + scale)
        impact = impact if net > 0 else -impact
        flow.memory += flow.impact_ticks * impact
        flow.surprise += flow.surprise_ticks * impact


@kernel
def watch(world, flow, reference):
    """Let makers see how much the reference has moved since they last looked. Writes: flow."""
    elapsed_ns = world.time_ns - flow.looked_ns
    if elapsed_ns < _VARIANCE_STEP_NS:
        return
    elapsed = elapsed_ns / NANOSECONDS
    move = reference - flow.last_reference
    flow.recent_variance *= math.exp(-elapsed / _VARIANCE_MEMORY)
    flow.recent_variance += move * move / _VARIANCE_MEMORY
    flow.last_reference = reference
    flow.looked_ns = world.time_ns


@kernel
def storm(flow):
    """Return by how many multiples of a calm volatility the recent one is beyond the usual."""
    if flow.recent_variance <= _CALM_MULTIPLE * _CALM_MULTIPLE * flow.calm_variance:
        return 0.0
    return math.sqrt(flow.recent_variance / flow.calm_variance) - _CALM_MULTIPLE


@kernel
def half_touch(world, flow):
    """Return half the spread that makers want (ticks)."""
    half = 0.5 * max(1.0, world.stress.spread_multiple)
    return half + flow.widening * storm(flow) if flow.widening > 0.0 else half
