"""Funding: the premium of a perpetual over its index, sampled, averaged, clamped, paid.

Positive rate: longs pay shorts. Three ways: a rate imposed from outside; a premium of impact prices
averaged over the interval, as most venues do; or a rate that is paid all the time, kept as what one
long lot has paid so far (docs/rules/funding).
"""

from __future__ import annotations

import math

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import has_side
from gammagym.engine.tables import levels_of
from gammagym.exchange.formulas.funding import (
    clamp,
    clamped_funding_rate,
    damped_funding_rate,
    premium_index,
    rescaled_rate,
)
from gammagym.exchange.ledger import pay_funding, settle_funding
from gammagym.exchange.marks import known_index
from gammagym.exchange.trading import is_closed
from gammagym.world.codes import (
    BUY,
    FUNDING_CONTINUOUS,
    FUNDING_IMPOSED,
    FUNDING_PREMIUM,
    NO_LEVEL,
    PERPETUAL,
    SELL,
)
from gammagym.world.sizes import FINE_UNIT, RATE_UNIT

NEVER_NS = 2**62
# Interest, clamp and premium are rates of eight hours, whatever the interval.
PERIOD_NS = 8 * 3_600_000_000_000


@kernel
def schedule_funding(world):
    """Write when the next funding payment is due."""
    due = NEVER_NS
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if contract.kind == PERPETUAL and contract.funding.interval_ns > 0:
            due = min(due, contract.funding.next_ns)
    world.next_funding_ns = due


@kernel
def fund(world):
    """Pay the funding that is due and schedule the next payment (docs/rules/funding)."""
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        funding = contract.funding
        due = contract.kind == PERPETUAL and funding.next_ns <= world.time_ns
        if not due or funding.interval_ns == 0:
            continue
        if funding.method == FUNDING_CONTINUOUS:
            settle_all(world, instrument)
        else:
            pay_funding(world, instrument, funding.rate_e9)
        funding.premium_sum = 0.0
        funding.premium_weight = 0.0
        funding.samples = 0
        funding.next_ns += funding.interval_ns
    schedule_funding(world)


@kernel
def settle_all(world, instrument):
    """Pay the continuous funding of every account up to now. Writes: cash, positions."""
    for account in range(world.account_count):
        settle_funding(world, instrument, account)


@kernel
def watch_premiums(world, elapsed_ns):
    """Sample premiums that are due, and let continuous funding run on. At every price tick.

    Of a book that is closed no sample is taken. Reads: books, marks, stress. Writes:
    instruments.funding.
    """
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        funding = contract.funding
        if contract.kind != PERPETUAL or funding.interval_ns == 0:
            continue
        if funding.method == FUNDING_CONTINUOUS:
            _run_on(world, contract, elapsed_ns)
        elif funding.method == FUNDING_PREMIUM and funding.next_sample_ns <= world.time_ns:
            if not is_closed(world, instrument):
                _sample(world, instrument)
            while funding.next_sample_ns <= world.time_ns:
                funding.next_sample_ns += funding.sample_ns
        elif funding.method == FUNDING_IMPOSED and world.shock_count > 0:
            imposed = funding.imposed_e9 / RATE_UNIT
            largest = max(funding.cap, abs(imposed))
            rate = clamp(imposed + world.stress.premium_shift, -largest, largest)
            funding.rate_e9 = round(rate * RATE_UNIT)


@kernel
def _sample(world, instrument):
    """Take one sample of the premium and write the rate as it now stands."""
    contract = world.instruments[instrument]
    funding, index = contract.funding, known_index(world, contract)
    bid = impact_price(world, instrument, BUY)
    ask = impact_price(world, instrument, SELL)
    funding.samples += 1
    weight = float(funding.samples) if funding.rising_weights else 1.0
    measured = premium_index(index, bid, ask) + world.stress.premium_shift
    funding.premium_sum += weight * measured
    funding.premium_weight += weight
    premium = funding.premium_sum / funding.premium_weight
    rate = clamped_funding_rate(premium, funding.interest, -funding.clamp, funding.clamp)
    rate = rescaled_rate(rate, float(PERIOD_NS), float(funding.interval_ns))
    funding.rate_e9 = round(clamp(rate, -funding.cap, funding.cap) * RATE_UNIT)


@kernel
def impact_price(world, instrument, side):
    """Return the mean price of trading the impact notional against a side of the book.

    What the book does not have is priced at its last level; an empty side at the mark.
    """
    contract, book = world.instruments[instrument], world.books[instrument]
    if not has_side(book, side):
        return contract.mark_price
    levels, row = levels_of(book), book.best[side]
    left, units, price = contract.funding.impact_notional, 0.0, 0.0
    while row != NO_LEVEL and left > 0.0:
        level = levels[row]
        price = level.price_ticks * contract.tick_size
        # A lot of an inverse contract has the same notional at any price.
        worth = contract.face if contract.inverse else contract.lot_size * price
        taken = min(level.quantity_lots * worth, left)
        left -= taken
        units += taken / price
        row = level.worse
    units += left / price
    return contract.funding.impact_notional / units


@kernel
def _run_on(world, contract, elapsed_ns):
    """Add to what a long lot has paid the funding of the time since the last price tick."""
    funding, index = contract.funding, world.price.index
    premium = (contract.mark_price - index) / index + world.stress.premium_shift
    rate = clamp(damped_funding_rate(premium, funding.clamp), -funding.cap, funding.cap)
    funding.rate_e9 = round(rate * RATE_UNIT)
    lot = float(contract.mark_quanta)
    if not contract.inverse:
        lot *= FINE_UNIT
    paid = rescaled_rate(rate * lot, float(PERIOD_NS), float(elapsed_ns)) + funding.carry
    whole = math.floor(paid)
    funding.carry = paid - whole
    funding.index += np.int64(whole)
