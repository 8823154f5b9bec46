"""Write the options market of a world: its surface, how makers quote it, who trades with them."""

from __future__ import annotations

import math
from typing import Any

from gammagym.errors import ScenarioError
from gammagym.scenario.options import LONGEST_YEARS, arbitrage, ssvi
from gammagym.scenario.schema import Scenario
from gammagym.world.codes import CALL, PUT
from gammagym.world.sizes import YEAR_NS

_DAY_NS = 86_400 * 10**9


def write_option_market(world: Any, scenario: Scenario, volatility: float) -> None:
    """Write surface, makers and customers; `volatility` is the level where nothing gives one.

    Reads: instruments.expiry_ns. Writes: surface, option_makers, customers.

    Raises:
        ScenarioError: the surface admits arbitrage before the last expiry.
    """
    own = scenario.options.parameters(volatility)
    contracts = world.instruments[: world.instrument_count]
    options = (contracts["kind"] == CALL) | (contracts["kind"] == PUT)
    longest = max(contracts["expiry_ns"][options], default=0) / YEAR_NS
    problem = arbitrage(own, max(longest, LONGEST_YEARS)) if own["implied_volatility"] else None
    if problem is not None:
        raise ScenarioError(f"scenario {scenario.name!r}: options: {problem}")
    _write_surface(world.surface, own)
    _write_makers(world.option_makers, own)
    customers = world.customers
    customers.rate = own["customers"].rate
    customers.size_units = own["customers"].size
    customers.size_sigma = own["customers"].size_sigma


def _write_surface(surface: Any, own: dict[str, Any]) -> None:
    surface.long_volatility = own["implied_volatility"]
    surface.short_volatility = own["short_volatility"]
    surface.term_rate = _rate(own["term_half_life"])
    surface.volatility = own["volatility_of_volatility"]
    surface.reversion = _rate(own["volatility_half_life"])
    surface.stickiness = own["skew_stickiness"]
    if own["implied_volatility"]:
        surface.correlation, surface.curvature, surface.decay = ssvi(own)
    has_term = own["short_volatility"] != own["implied_volatility"]
    surface.shaped = has_term or surface.curvature > 0.0 or surface.volatility > 0.0


def _write_makers(makers: Any, own: dict[str, Any]) -> None:
    makers.inventory_units = own["inventory"]
    makers.band_count = len(own["spreads"])
    for row, spread in enumerate(own["spreads"]):
        makers.widths[row] = spread.points / 100.0
        days = math.inf if spread.days is None else spread.days
        makers.until_ns[row] = min(days * _DAY_NS, 2**62)


def _rate(half_life_ns: int) -> float:
    """Return the rate of a decay (per year)."""
    return math.log(2.0) * YEAR_NS / half_life_ns
