"""The implied volatility of options, by strike and expiry, and how it moves (docs/rules/options).

A smile is a slice of SSVI (Gatheral and Jacquier, "Arbitrage-free SVI volatility surfaces", 2014).
Its level at the money moves in two ways: by noise of its own, which reverts, and with the price,
by the skew-stickiness ratio (Bergomi, "Smile dynamics IV", 2009). Noise and price move all strikes
of an expiry together; every option gets its new volatility at every price tick.
"""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.exchange.margin import is_option
from gammagym.market.streams import normal
from gammagym.world.codes import STREAM_SURFACE
from gammagym.world.sizes import YEAR_NS

# Smiles of options that expire sooner are those of an hour.
SHORTEST_YEARS = 1.0 / (365.0 * 24.0)
# Noise and price together can lead volatilities at the money no further from where they began; what
# the timeline does comes on top.
LARGEST_FACTOR = 3.0
_LARGEST_SHIFT = math.log(LARGEST_FACTOR)


@kernel
def term_volatility(surface, years):
    """Return the volatility at the money of an expiry as it was at the start (annual).

    The mean of a variance that goes from short to long at `term_rate`, over the time to expiry.
    """
    long = surface.long_volatility
    if surface.short_volatility == long:
        return long
    fades = surface.term_rate * years
    excess = surface.short_volatility * surface.short_volatility - long * long
    return math.sqrt(long * long + excess * -math.expm1(-fades) / fades)


@kernel
def steepness(surface, total_variance):
    """Return phi of SSVI at a total variance at the money: eta * theta^-gamma."""
    # Logarithms, not powers: `pow` rounds otherwise in plain Python now and then.
    return surface.curvature * math.exp(-surface.decay * math.log(total_variance))


@kernel
def log_skew(surface, at_the_money, years):
    """Return the slope of the logarithm of volatility in k at the money: rho phi / 2."""
    if surface.curvature == 0.0:
        return 0.0
    return 0.5 * surface.correlation * steepness(surface, at_the_money * at_the_money * years)


@kernel
def smile_volatility(surface, at_the_money, years, log_moneyness):
    """Return the volatility of a strike: w = theta/2 (1 + rho phi k + sqrt((phi k + rho)^2 + ...)).

    Args:
        surface: the parameters.
        at_the_money: annual volatility at the money of the expiry.
        years: time to expiry, above 0.
        log_moneyness: k = ln(strike / forward).
    """
    if surface.curvature == 0.0:
        return at_the_money
    theta = at_the_money * at_the_money * years
    rho = surface.correlation
    bent = steepness(surface, theta) * log_moneyness
    root = math.sqrt((bent + rho) * (bent + rho) + 1.0 - rho * rho)
    return math.sqrt(0.5 * theta * (1.0 + rho * bent + root) / years)


@kernel(inline=True)
def moved(world, contract, volatility):
    """Return a volatility at the money of the start, led to where noise and price have led it."""
    shift = world.surface.level + contract.level_shift
    return volatility * math.exp(min(max(shift, -_LARGEST_SHIFT), _LARGEST_SHIFT))


@kernel
def at_the_money_volatility(world, contract, years):
    """Return the volatility at the money, now, of the expiry of an option (annual)."""
    term = term_volatility(world.surface, years)
    return moved(world, contract, term) * math.exp(world.stress.implied_shift)


@kernel
def strike_volatility(world, contract, years, term):
    """Return the volatility of an option on the surface of this moment (annual).

    Args:
        world: one world.
        contract: the option, with its strike.
        years: time to expiry.
        term: volatility at the money of the expiry as it was at the start.
    """
    log_moneyness = math.log(contract.strike / world.price.value)
    at_the_money = moved(world, contract, term) * math.exp(world.stress.implied_shift)
    return smile_volatility(world.surface, at_the_money, years, log_moneyness)


@kernel
def _years(world, contract):
    return max((contract.expiry_ns - world.time_ns) / YEAR_NS, SHORTEST_YEARS)


@kernel
def open_surface(world):
    """Give every option its first volatility; a surface without a shape leaves the template's.

    Reads: price, strikes. Writes: surface, instruments.implied_volatility, level_shift.
    """
    surface = world.surface
    surface.level = 0.0
    surface.forward = world.price.value
    if not surface.shaped:
        return
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if is_option(contract):
            contract.level_shift = 0.0
            years = _years(world, contract)
            term = term_volatility(surface, years)
            contract.implied_volatility = strike_volatility(world, contract, years, term)


@kernel
def move_surface(world, elapsed_ns):
    """Move the surface by one price tick; marks take the new volatilities in.

    Reads: price, time, keys. Writes: surface, instruments (level_shift, volatility_change).
    """
    surface = world.surface
    if not surface.shaped:
        return
    years = elapsed_ns / YEAR_NS
    kept = math.exp(-surface.reversion * years)
    noise = normal(world.keys[STREAM_SURFACE], world.price.tick)
    variance = -math.expm1(-2.0 * surface.reversion * years) / (2.0 * surface.reversion)
    surface.level = surface.level * kept + surface.volatility * math.sqrt(variance) * noise
    move = math.log(world.price.value / surface.forward)
    surface.forward = world.price.value
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if is_option(contract) and not contract.settled:
            years = _years(world, contract)
            term = term_volatility(surface, years)
            # Without what the timeline does, so that nothing of it stays.
            skew = log_skew(surface, moved(world, contract, term), years)
            # d ln(sigma) = R * d ln(sigma)/dk * d ln(F): Bergomi's skew-stickiness ratio.
            follows = surface.stickiness * skew * move
            contract.level_shift = contract.level_shift * kept + follows
            volatility = strike_volatility(world, contract, years, term)
            contract.volatility_change = volatility - contract.implied_volatility
