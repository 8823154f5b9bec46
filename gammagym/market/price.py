"""The fundamental price: geometric Brownian motion, the replay of recorded prices, and others.

At each price tick the price of the next one is drawn, and the way to it: a Brownian bridge of small
steps, on which the crowd walks (`price_now`). Marks and everything that agents see stand still from
tick to tick. Jumps come at the end of the way, so that nobody walks ahead of them.

Between two recorded prices a replay moves as a Brownian bridge in the logarithm, so that every
recorded price is met exactly and the seconds between them look like a market. Jumps, variance and
regimes are in `processes`.
"""

from __future__ import annotations

import math

import numpy as np

from gammagym._kernel import kernel
from gammagym.exchange.formulas.marks import index_price
from gammagym.market.processes import move_process, start_process
from gammagym.market.streams import bits, normal, uniform
from gammagym.world.codes import (
    CROWD,
    MAKERS,
    PRICE_GBM,
    PRICE_REPLAY,
    STREAM_ACTIVITY,
    STREAM_PATH,
    STREAM_PRICE,
    STREAM_SEEDING,
)
from gammagym.world.sizes import FINE_UNIT, LARGEST_PRESSURE, YEAR_NS

# Steps of the way that one draw is good for, and masks to count its bits with.
_LANES = 4
# Draws that the way of one tick may take, PATH_STEPS / _LANES or more.
_WORDS = 50
_S1, _S2, _S4, _S8 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(8)
_BYTE, _SUMMED_UP = np.uint64(0xFF), np.uint64(0x0001000100010001)
_PAIRS, _NIBBLES = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
_BYTES, _LANE_BYTES = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x001F001F001F001F)


@kernel
def start_price(world, tape):
    """Set the first price; a replay begins at a place of the tape that the seed draws.

    Reads: keys. Writes: price.
    """
    price = world.price
    if price.model == PRICE_REPLAY:
        cell = 0
        if price.tape_choices > 0:
            cell = int(uniform(world.keys[STREAM_SEEDING], 0) * price.tape_choices)
        price.tape_start_ns = cell * price.tape_step_ns
        price.process = tape[cell]
    elif price.model != PRICE_GBM:
        start_process(world)
    price.value = price.process
    price.previous = price.process
    price.changed_ns = world.time_ns
    price.source_weights[:] = 1.0
    price.pressure = 0.0
    _draw_activity(world, 0)
    # The first tick comes at once, and moves nothing.
    price.ahead = price.process
    _keep_ahead(price)
    price.path[:] = price.process
    set_index(world)


@kernel
def step_price(world, tape):
    """Move the fundamental price by one price tick, and draw the way to the next one.

    Args:
        world: one world.
        tape: recorded prices on a regular grid, shape (n,); not read by other models.

    Reads: stress, keys. Writes: price.
    """
    price = world.price
    price.tick += 1
    price.process = price.ahead
    price.dynamics.variance = price.ahead_variance
    price.dynamics.regime, price.dynamics.level = price.ahead_regime, price.ahead_level
    if price.model != PRICE_GBM and price.model != PRICE_REPLAY:
        price.volatility = math.sqrt(price.dynamics.variance + price.dynamics.jump_variance)
    price.changed_ns = world.time_ns
    price.previous, price.jumped = price.value, price.jump
    price.pressure = pressure(world)
    price.value = price.process * math.exp(world.stress.price_shift + price.pressure)
    if price.activity_sigma > 0.0:
        _draw_activity(world, price.tick)
    draw_path(world, tape)
    set_index(world)


# --- Between two ticks -----------------------------------------------------------------------


@kernel
def price_now(world, time_ns):
    """Return the fundamental price between two ticks, which nobody is shown.

    Args:
        world: one world.
        time_ns: from the last tick to the next (ns).
    """
    price, stress = world.price, world.stress
    since = (time_ns - price.changed_ns) / price.tick_ns
    since = min(max(since, 0.0), 1.0)
    place = since * price.path_steps
    step = min(int(place), price.path_steps - 1)
    value = price.path[step] + (price.path[step + 1] - price.path[step]) * (place - step)
    shift = stress.price_shift
    if stress.next_shift != shift:
        shift += (stress.next_shift - shift) * since
    if price.pressed:
        shift += pressure(world)
    return value if shift == 0.0 else value * math.exp(shift)


@kernel
def furthest_price(world, sign, start_ns, end_ns):
    """Return a price that none of the way between two moments is beyond: above, if sign > 0.

    Args:
        world: one world.
        sign: 1 or -1.
        start_ns: from the last tick to the next (ns).
        end_ns: from then to the next tick (ns).
    """
    price, stress = world.price, world.stress
    steps = price.path_steps
    first = int(min(max((start_ns - price.changed_ns) / price.tick_ns, 0.0), 1.0) * steps)
    last = min(int(min((end_ns - price.changed_ns) / price.tick_ns, 1.0) * steps) + 1, steps)
    value = sign * price.path[first]
    for step in range(first + 1, last + 1):
        value = max(value, sign * price.path[step])
    shift = sign * max(sign * stress.price_shift, sign * stress.next_shift) + pressure(world)
    return sign * value * math.exp(shift)


@kernel
def pressure(world):
    """Return how far participants' trading has moved the price for good (log).

    A function of what the crowd and the makers hold on the other side: whoever buys and sells again
    leaves nothing behind, so that nobody can profit from pushing the price alone (Huberman and
    Stanzl, "Price manipulation and quasi-arbitrage", Econometrica 72, 2004). At most a factor of
    ten, so that no feedback leaves the range of integers.
    """
    total = 0.0
    if world.price.pressed:
        for row in range(world.flow_count):
            flow = world.flows[row]
            held = world.positions[CROWD, flow.instrument].quantity_lots
            held += world.positions[MAKERS, flow.instrument].quantity_lots
            lot = world.instruments[flow.instrument].lot_size
            total -= flow.lasting_impact * lot * (held - flow.initial_lots)
    return min(max(total, -LARGEST_PRESSURE), LARGEST_PRESSURE)


@kernel
def draw_path(world, tape):
    """Draw the price of the next tick and the way to it; while the market warms up it stands still.

    Reads: keys, price. Writes: price.ahead*, path, jump.
    """
    price = world.price
    dynamics = price.dynamics
    process, volatility = price.process, price.volatility
    variance, regime, level = dynamics.variance, dynamics.regime, dynamics.level
    price.jump = 0.0
    if world.time_ns + price.tick_ns > 0:
        _move(world, tape, price.tick)
    price.ahead = price.process
    _keep_ahead(price)
    price.process, price.volatility = process, volatility
    dynamics.variance, dynamics.regime, dynamics.level = variance, regime, level
    _bridge_path(world)


@kernel
def _keep_ahead(price):
    """Keep the state of the process for the next tick. Writes: price.ahead_*."""
    price.ahead_variance = price.dynamics.variance
    price.ahead_regime = price.dynamics.regime
    price.ahead_level = price.dynamics.level


@kernel
def redraw_path(world, tape):
    """Draw the next price anew, for a fork with other random numbers.

    A price that is already on its way goes on from the next step of its path; the step that it is
    on stays. From there it moves as a new way would have moved from there. A replay must still
    arrive where it did: its way is bent, which is what a bridge through the next step would be.

    Reads: keys, price. Writes: price.ahead*, path, jump.
    """
    price = world.price
    steps = price.path_steps
    share = (world.time_ns - price.changed_ns) / price.tick_ns
    first = min(math.ceil(share * steps), steps)
    last = max(first - 1, 0)
    left, reached = price.path[last], price.path[first]
    if price.model == PRICE_REPLAY:
        if first < steps:
            draw_path(world, tape)
            slope = (reached - price.path[first]) / (steps - first)
            for step in range(first, steps):
                price.path[step] += slope * (steps - step)
    else:
        draw_path(world, tape)
        ratio = reached / price.path[first]
        price.ahead *= ratio
        for step in range(first, steps + 1):
            price.path[step] *= ratio
    price.path[last], price.path[first] = left, reached


@kernel
def _draw_activity(world, number):
    """Draw how fast business time runs until the next tick: its logarithm reverts to its mean.

    The pace of orders is its square root, with a mean of 1. More happens and prices move more in
    the same time (Clark, "A subordinated stochastic process model with finite variance for
    speculative prices", Econometrica 41, 1973).
    """
    price = world.price
    price.activity = price.pace = 1.0
    if price.activity_sigma > 0.0:
        kept = 0.0 if number == 0 else math.exp(-price.activity_reversion * price.tick_ns * 1e-9)
        shock = normal(world.keys[STREAM_ACTIVITY], number)
        price.activity_state = kept * price.activity_state + math.sqrt(1.0 - kept * kept) * shock
        sigma = price.activity_sigma
        price.activity = math.exp(sigma * price.activity_state - 0.5 * sigma * sigma)
        price.pace = math.exp(0.5 * sigma * price.activity_state - 0.125 * sigma * sigma)


@kernel(inline=True)
def _business_years(world):
    """Return the business time of a tick (years), which the timeline makes longer or shorter."""
    price = world.price
    return price.tick_ns / YEAR_NS * price.activity * world.stress.variance_multiple


@kernel
def _move(world, tape, number):
    """Move the process and its state to the next tick. Writes: price."""
    price = world.price
    shock = normal(world.keys[STREAM_PRICE], number)
    if price.model == PRICE_REPLAY:
        price.process = _replay(world, tape, shock)
    elif price.model == PRICE_GBM:
        price.process *= _growth(price, _business_years(world), shock)
    else:
        move_process(world, number, _business_years(world), shock)


@kernel
def _bridge_path(world):
    """Fill the way to the next price with a Brownian bridge. Writes: price.path."""
    price = world.price
    steps = price.path_steps
    end = price.ahead if price.jump == 0.0 else price.ahead * math.exp(-price.jump)
    deviation = 0.0
    if world.time_ns + price.tick_ns > 0:
        years = _business_years(world) / steps
        deviation = price.process * _diffusion(price) * math.sqrt(years)
    walked = _walk(price, world.keys[STREAM_PATH])
    start = price.process
    slope = (end - start - deviation * walked) / steps
    price.path[0] = start
    for step in range(1, steps):
        price.path[step] = start + slope * step + deviation * price.path[step]
    price.path[steps] = end


@kernel
def _walk(price, key):
    """Walk from 0 in steps of variance 1, as many as the way has; returns where they led.

    A step is the sum of 16 fair coins, which is nearly normal (excess kurtosis -1/8), so that a
    draw of 64 bits is good for four of them. Writes: price.path.
    """
    place = 0.0
    for word in range(price.path_steps // _LANES + 1):
        # The product sums each quarter up with those before it.
        sums = _counts(bits(key, price.tick * _WORDS + word)) * _SUMMED_UP
        if word == 0:
            # The way begins at 0: the first quarter is no step.
            place = -_walked(sums, 0)
        for lane in range(_LANES):
            if word * _LANES + lane <= price.path_steps:
                price.path[word * _LANES + lane] = place + _walked(sums, lane)
        place += _walked(sums, _LANES - 1)
    return price.path[price.path_steps]


@kernel(inline=True)
def _walked(sums, lane):
    """Return where steps lead, up to that of a lane, whose coins are summed up."""
    return 0.5 * np.float64((sums >> np.uint64(16 * lane)) & _BYTE) - 4.0 * (lane + 1)


@kernel(inline=True)
def _counts(word):
    """Return how many bits are set in each quarter of 64 bits, in the same quarter."""
    word -= (word >> _S1) & _PAIRS
    word = (word & _NIBBLES) + ((word >> _S2) & _NIBBLES)
    word = (word + (word >> _S4)) & _BYTES
    return (word + (word >> _S8)) & _LANE_BYTES


@kernel
def _diffusion(price):
    """Return the annual volatility between jumps."""
    if price.model == PRICE_GBM or price.model == PRICE_REPLAY:
        return price.volatility
    return math.sqrt(price.dynamics.variance)


@kernel
def set_index(world):
    """Write the value of a coin, and the index from its sources, of which some may be off.

    Reads: price, stress, the rule of the hedge's venue. Writes: price.index, sources, coin_quanta.
    """
    price = world.price
    price.coin_quanta = round(price.value * FINE_UNIT)
    price.previous_index = price.index if price.index > 0.0 else price.value
    price.index = price.value
    if world.stress.source_shift != 0.0:
        count = price.source_count
        price.sources[:] = price.value
        for source in range(world.stress.sources_off):
            price.sources[source] *= math.exp(world.stress.source_shift)
        price.index = index_price(
            price.sources[:count], price.source_weights[:count], world.venues[0].outlier
        )


@kernel
def _growth(price, years, shock):
    """Return the exact growth factor of a geometric Brownian motion."""
    deviation = price.volatility * math.sqrt(years)
    return math.exp((price.drift - 0.5 * price.volatility**2) * years + deviation * shock)


@kernel
def _replay(world, tape, shock):
    """Return the price of a replay at the next tick, on the bridge to the next recorded price."""
    price = world.price
    on_tape = price.tape_start_ns + world.time_ns + price.tick_ns
    cell = on_tape // price.tape_step_ns
    into_cell = on_tape - cell * price.tape_step_ns
    if cell >= len(tape) - 1:
        return tape[len(tape) - 1]
    if into_cell == 0:
        return tape[cell]
    elapsed = min(price.tick_ns, into_cell)
    start = price.process if elapsed < into_cell else tape[cell]
    left = price.tape_step_ns - into_cell
    weight = elapsed / (left + elapsed)
    years = elapsed / YEAR_NS * (left / (left + elapsed)) * world.stress.variance_multiple
    centre = math.log(start) + weight * (math.log(tape[cell + 1]) - math.log(start))
    return math.exp(centre + price.volatility * math.sqrt(years) * shock)
