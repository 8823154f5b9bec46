"""Portfolio margin: the worst loss of an account's joint book over the venue's scenarios.

A scenario moves the underlying, and all volatilities with it, the more the nearer the expiry.
Profits are in the currency of the contract, at today's price of the coin (docs/rules/margin).
"""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.exchange.formulas.margin import inverse_scenario_pnl
from gammagym.exchange.options import black_value
from gammagym.world.codes import CALL, COIN, PUT, SPOT
from gammagym.world.sizes import QUANTA, YEAR_NS

_DAYS = 30.0
_DAYS_OF_YEAR = 365.0


@kernel
def portfolio_margin(world, account, maintenance):
    """Return the margin of an account's joint book (quanta of QUOTE).

    Args:
        world: one world.
        account: whose book.
        maintenance: 1 for the maintenance margin, 0 for the initial margin.
    """
    venue = world.venues[world.accounts[account].venue]
    worst = 0.0
    for row in range(venue.scenario_count):
        scenario = venue.scenarios[row]
        loss = -scenario.share * _profit(world, account, venue, scenario) - scenario.dampener
        worst = max(worst, loss)
    worst += venue.contingency * _gross_futures(world, account)
    if maintenance:
        worst *= venue.maintenance_share
    return math.ceil(worst * QUANTA)


@kernel
def _profit(world, account, venue, scenario):
    """Return what an account gains in a scenario (QUOTE currency)."""
    total = 0.0
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        lots = world.positions[account, instrument].quantity_lots
        if lots != 0 and contract.kind != SPOT:
            units = lots * contract.lot_size
            total += units * _unit_profit(world, venue, contract, scenario)
    return total


@kernel
def _unit_profit(world, venue, contract, scenario):
    """Return what one unit of an instrument gains in a scenario (QUOTE currency)."""
    spot = world.price.value
    if contract.kind == CALL or contract.kind == PUT:
        later = spot * (1.0 + scenario.move)
        years = max((contract.expiry_ns - world.time_ns) / YEAR_NS, 0.0)
        volatility = shocked_volatility(venue, contract, scenario, years)
        value = black_value(contract.kind, later, contract.strike, volatility, years)
        if contract.currency == COIN:
            return value / later * spot - contract.value
        return value - contract.value
    if contract.inverse:
        return inverse_scenario_pnl(1.0, scenario.move) * spot
    return spot * scenario.move


@kernel
def shocked_volatility(venue, contract, scenario, years):
    """Return an option's volatility in a scenario: shifts grow as expiry comes near."""
    volatility = contract.implied_volatility
    if scenario.volatility == 0.0:
        return volatility
    days = max(years * _DAYS_OF_YEAR, 1.0)
    power = venue.short_power if days < _DAYS else venue.long_power
    shifted = volatility * max(1.0 + scenario.volatility * (_DAYS / days) ** power, 0.0)
    return max(shifted, venue.least_shocked_volatility) if scenario.volatility > 0.0 else shifted


@kernel
def _gross_futures(world, account):
    """Return the absolute value of everything that is no option (QUOTE currency)."""
    total = 0.0
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        lots = world.positions[account, instrument].quantity_lots
        if contract.kind != CALL and contract.kind != PUT and contract.kind != SPOT:
            total += abs(lots) * contract.lot_size * world.price.value
    return total
