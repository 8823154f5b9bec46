"""Feed the books of a world: an ideal maker, or a crowd with its order flow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gammagym.errors import CapacityError
from gammagym.scenario.instruments import quoted_lots
from gammagym.scenario.load import Scenario, flow_parameters
from gammagym.scenario.order_flow import Flow
from gammagym.scenario.places import (
    HEDGE_ROW,
    Venues,
    hedge_listing,
    leg_listing,
    market_rows,
    market_venue,
)
from gammagym.scenario.sentiment import write_sentiment
from gammagym.scenario.tasks import Task
from gammagym.venues.schema import Listing
from gammagym.world.codes import FLOW_CROWD, FLOW_IDEAL, NO_ORDER
from gammagym.world.sizes import YEAR_NS

# Sizes in flow files are in units; in a world, in lots.
_SIZES = {
    "add_size": "add_size_lots",
    "market_size": "market_size_lots",
    "touch_size": "touch_size_lots",
    "informed_size": "informed_size_lots",
    "impact_scale": "impact_scale_lots",
}
# Distances in flow presets are in ticks of this size; another venue has as many of its own.
_TICK = 0.1
_DISTANCES = (
    "distance_scale",
    "distance_maximum",
    "growth_distance",
    "informed_scale",
    "market_reach",
    "impact_ticks",
    "surprise_ticks",
    "stale_ticks",
    "widening",
)
_BASIS_POINT = 1e-4
# What makers take for a calm market where the price does not move at all.
_LEAST_VOLATILITY = 0.01


def write_feeds(
    world: Any, scenario: Scenario, venues: Venues, task: Task, start: float, volatility: float
) -> None:
    """Feed the hedge's book, and those of further markets that have a flow.

    Args:
        world: to be written.
        scenario: what it says of flows.
        venues: of the world.
        task: whose wish counts where the scenario names no preset.
        start: first price of the underlying.
        volatility: annual volatility of a calm market.
    """
    calm = start * max(volatility, _LEAST_VOLATILITY) / (YEAR_NS / 1e9) ** 0.5
    _feed(world, HEDGE_ROW, scenario.flow, hedge_listing(venues.hedge), calm, task.flow)
    for row, market in zip(market_rows(scenario, venues, task), scenario.markets, strict=True):
        if market.flow is not None:
            venue = venues.both[market_venue(market, venues)]
            listing = leg_listing(venue, market.kind, task)
            _feed(world, row, market.flow, listing, calm, None)


def _feed(
    world: Any, row: int, flow: Flow, listing: Listing, calm: float, wish: str | None
) -> None:
    """Feed one book; `calm` is the standard deviation of the price over a second."""
    contract = world.instruments[row]
    contract.maker_size_lots = 0
    if flow.kind == "ideal":
        contract.flow = FLOW_IDEAL
        contract.maker_half_spread = flow.half_spread
        contract.maker_size_lots = quoted_lots(flow.size or 0.0, contract, listing)
        return
    if world.flow_count == len(world.flows):
        raise CapacityError(f"a world has room for {len(world.flows)} order flows")
    contract.flow = FLOW_CROWD
    target = world.flows[world.flow_count]
    world.flow_count += 1
    parameters = flow_parameters(flow, wish)
    own = flow.overrides()
    for name in _DISTANCES:
        # A preset's distances hold for its tick; a scenario's own, for the venue's.
        if name not in own:
            parameters[name] *= _TICK / contract.tick_size
    _write_parameters(target, parameters, contract.lot_size)
    target.slots = min(target.slots, len(target.rows))
    target.instrument = row
    target.rows[:] = NO_ORDER
    _write_excitation(target)
    if flow.sentiment is not None:
        write_sentiment(target, flow.sentiment, flow.preset_name(wish), contract.lot_size)
    reach = 1.0 + target.distance_maximum / target.distance_scale
    target.distance_cut = reach**-target.distance_exponent
    target.calm_variance = (calm / contract.tick_size) ** 2
    if target.lasting_impact > 0.0:
        world.price.pressed = 1


def _write_parameters(target: Any, parameters: Mapping[str, float], lot_size: float) -> None:
    for name, value in parameters.items():
        if name in _SIZES:
            setattr(target, _SIZES[name], value / lot_size)
        else:
            setattr(target, name, value)
    target.lasting_impact *= _BASIS_POINT


def _write_excitation(target: Any) -> None:
    """Write what one market order adds to the rate of all events, so that the branching is right.

    Market orders come at the base rate, and each sets off `branching` others on average over the
    time constant of the burst.
    """
    base = target.rate * (1.0 - target.branching - target.slow_branching)
    orders = target.probability_market * base
    if orders > 0.0:
        target.burst = target.branching / (orders * target.excitation_decay)
        target.slow_burst = target.slow_branching / (orders * target.slow_decay)
