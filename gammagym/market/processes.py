"""Price processes with jumps, with a variance of their own, or with regimes (docs/rules/price).

Merton's jumps and the regimes are drawn exactly, whatever the tick. The variance of Heston's model
moves by the quadratic-exponential scheme with martingale correction (Andersen, "Efficient
simulation of the Heston stochastic volatility model", 2008): never negative, sound where Feller's
condition fails, and with one uniform number a tick. Jumps come at the end of their tick.

Every purpose has a stream of its own, numbered by the tick: a world with other parameters, or with
another process, draws the same numbers.
"""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.market.streams import exponential, normal, normal_quantile, uniform
from gammagym.world.codes import (
    PRICE_MERTON,
    PRICE_REGIME,
    REGIME_DOWN,
    REGIME_RANGE,
    REGIME_UP,
    STREAM_JUMP_SIZES,
    STREAM_JUMPS,
    STREAM_REGIME,
    STREAM_VARIANCE,
)

# Ratio of variance to squared mean above which the variance has an atom at zero (Andersen).
_SWITCH = 1.5
# Jumps in one tick; with a mean of at most one, more never happen.
_MOST_JUMPS = 16


@kernel
def start_process(world):
    """Draw the first regime: a range as often as the price is in one in the long run.

    Reads: keys. Writes: price.dynamics, price.volatility.
    """
    price = world.price
    dynamics = price.dynamics
    if price.model == PRICE_REGIME:
        rates = dynamics.leave_range + dynamics.leave_trend
        key = world.keys[STREAM_REGIME]
        dynamics.regime = REGIME_RANGE
        if uniform(key, 0) * rates >= dynamics.leave_trend:
            dynamics.regime = REGIME_UP if uniform(key, 1) < 0.5 else REGIME_DOWN
        _enter_regime(price)
    price.volatility = math.sqrt(dynamics.variance + dynamics.jump_variance)


@kernel
def move_process(world, number, years, shock):
    """Move the price before shocks by one tick.

    Args:
        world: one world, of a model other than gbm and replay.
        number: index of the tick, which numbers its random draws.
        years: length of the tick.
        shock: standard normal draw of the price stream.

    Reads: keys. Writes: price.process, price.jump, price.dynamics.
    """
    price = world.price
    dynamics = price.dynamics
    if price.model == PRICE_REGIME:
        _switch_regime(world, number, years)
        growth = _regime_growth(price, years, shock)
    else:
        growth = (price.drift - dynamics.compensator) * years
        if price.model == PRICE_MERTON:
            deviation = math.sqrt(dynamics.variance * years)
            growth += deviation * shock - 0.5 * dynamics.variance * years
        else:
            growth += _move_variance(world, number, years, shock)
        price.jump = _jump(world, number, years)
        growth += price.jump
    price.process *= math.exp(growth)


# --- Jumps -----------------------------------------------------------------------------------


@kernel
def _jump(world, number, years):
    """Add the jumps of a tick to the variance and return their sum in the logarithm of the price.

    Jumps that are normal given those of the variance add up to one normal number.
    """
    dynamics = world.price.dynamics
    jumps = poisson(dynamics.jump_rate * years, uniform(world.keys[STREAM_JUMPS], number))
    if jumps == 0:
        return 0.0
    key = world.keys[STREAM_JUMP_SIZES]
    first = number * (_MOST_JUMPS + 1)
    variance = 0.0
    for jump in range(jumps):
        variance += dynamics.variance_jump * exponential(key, first + 1 + jump)
    dynamics.variance += variance
    centre = jumps * dynamics.jump_mean + dynamics.jump_correlation * variance
    return centre + dynamics.jump_sigma * math.sqrt(jumps) * normal(key, first)


@kernel
def poisson(mean, share):
    """Return the Poisson quantile of a share in (0, 1), at most _MOST_JUMPS."""
    chance = math.exp(-mean)
    total = chance
    count = 0
    while share > total and count < _MOST_JUMPS:
        count += 1
        chance *= mean / count
        total += chance
    return count


# --- Variance --------------------------------------------------------------------------------


@kernel
def _move_variance(world, number, years, shock):
    """Move the variance by one tick and return what it gives to the logarithm of the price.

    Andersen's scheme for the price, with both ends of the tick weighing one half, and his
    martingale correction: the expected growth is 1 exactly.
    """
    dynamics = world.price.dynamics
    before = dynamics.variance
    ratio = dynamics.correlation / dynamics.variance_volatility
    middle = 0.5 * years * (dynamics.reversion * ratio - 0.5)
    spread = 0.5 * years * (1.0 - dynamics.correlation * dynamics.correlation)
    from_before, from_after = middle - ratio, middle + ratio
    mean, dispersion = _variance_moments(dynamics, years)
    share = uniform(world.keys[STREAM_VARIANCE], number)
    tilt = from_after + 0.5 * spread
    if dispersion <= _SWITCH:
        after, expected = _squared_normal(mean, dispersion, share, tilt)
    else:
        after, expected = _exponential_with_atom(mean, dispersion, share, tilt)
    dynamics.variance = after
    constant = -expected - (from_before + 0.5 * spread) * before
    deviation = math.sqrt(spread * (before + after))
    return constant + from_before * before + from_after * after + deviation * shock


@kernel
def _variance_moments(dynamics, years):
    """Return the exact mean of the next variance, and its variance over that mean squared."""
    reversion, goal = dynamics.reversion, dynamics.long_run_variance
    done = -math.expm1(-reversion * years)
    mean = dynamics.variance + (goal - dynamics.variance) * done
    noise = dynamics.variance_volatility * dynamics.variance_volatility / reversion * done
    return mean, noise * (dynamics.variance * (1.0 - done) + 0.5 * goal * done) / (mean * mean)


@kernel
def _squared_normal(mean, dispersion, share, tilt):
    """Return the next variance, and the logarithm of the mean of exp(tilt x variance)."""
    inverse = 2.0 / dispersion
    square = inverse - 1.0 + math.sqrt(inverse) * math.sqrt(inverse - 1.0)
    scale = mean / (1.0 + square)
    # Products, not powers: `pow` rounds otherwise in plain Python now and then.
    root = math.sqrt(square) + normal_quantile(share)
    after = scale * root * root
    left = 1.0 - 2.0 * tilt * scale
    if left <= 0.0:  # the mean is infinite: a tick far too long for a correlation above zero
        return after, tilt * mean
    return after, tilt * square * scale / left - 0.5 * math.log(left)


@kernel
def _exponential_with_atom(mean, dispersion, share, tilt):
    """Return the same where the variance is close to zero."""
    zero = (dispersion - 1.0) / (dispersion + 1.0)
    rate = (1.0 - zero) / mean
    after = 0.0 if share <= zero else math.log((1.0 - zero) / (1.0 - share)) / rate
    if tilt >= rate:
        return after, tilt * mean
    return after, math.log(zero + rate * (1.0 - zero) / (rate - tilt))


# --- Regimes ---------------------------------------------------------------------------------


@kernel
def _switch_regime(world, number, years):
    """Leave the regime, or stay: a Markov chain in continuous time, seen at the ticks."""
    price = world.price
    dynamics = price.dynamics
    key = world.keys[STREAM_REGIME]
    rates = dynamics.leave_range + dynamics.leave_trend
    leave = dynamics.leave_range if dynamics.regime == REGIME_RANGE else dynamics.leave_trend
    # Draws 0 and 1 were those of the start.
    if uniform(key, 2 * number + 2) * rates >= leave * -math.expm1(-rates * years):
        return
    if dynamics.regime != REGIME_RANGE:
        dynamics.regime = REGIME_RANGE
    else:
        dynamics.regime = REGIME_UP if uniform(key, 2 * number + 3) < 0.5 else REGIME_DOWN
    _enter_regime(price)


@kernel
def _enter_regime(price):
    """Set the variance of the regime; a range lies around the price at which it begins."""
    dynamics = price.dynamics
    in_range = dynamics.regime == REGIME_RANGE
    dynamics.variance = dynamics.range_variance if in_range else dynamics.trend_variance
    dynamics.level = math.log(price.process)


@kernel
def _regime_growth(price, years, shock):
    """Return the move of the logarithm: Ornstein and Uhlenbeck's in a range, or a drift."""
    dynamics = price.dynamics
    if dynamics.regime == REGIME_RANGE:
        done = -math.expm1(-dynamics.reversion * years)
        # 1 - exp(-2x) = done (2 - done).
        variance = dynamics.variance * done * (2.0 - done) / (2.0 * dynamics.reversion)
        distance = dynamics.level - math.log(price.process)
        return distance * done + math.sqrt(variance) * shock
    drift = dynamics.trend_drift if dynamics.regime == REGIME_UP else -dynamics.trend_drift
    return (drift - 0.5 * dynamics.variance) * years + math.sqrt(dynamics.variance * years) * shock
