"""Carry: how far a dated future is above the price it will settle at.

The annualised basis of each future is an Ornstein-Uhlenbeck process of its own, drawn exactly at
price ticks; times the time that is left it is the basis, so that the future meets the price at
expiry whatever the process does (docs/rules/basis).
"""

from __future__ import annotations

import math

import numpy as np

from gammagym._kernel import kernel
from gammagym.exchange.marks import carried
from gammagym.market.streams import normal
from gammagym.world.codes import FUTURE, STREAM_CARRY
from gammagym.world.sizes import NANOSECONDS, YEAR_NS


@kernel
def start_carries(world):
    """Draw the first carry of every future from its law in the long run.

    Reads: keys, price. Writes: instruments.carry, mean_basis.
    """
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if has_carry(contract):
            carry = contract.carry
            shock = normal(carry_key(world, instrument), 0)
            carry.rate = carry.level + carry.deviation * shock
            _write_basis(world, contract)
            contract.mean_basis = carried(contract, world.price.value) - world.price.value


@kernel
def step_carries(world, elapsed_ns):
    """Move the carry of every future by one price tick. Writes: instruments.carry."""
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if contract.kind != FUTURE or contract.settled:
            continue
        carry = contract.carry
        if elapsed_ns > 0 and has_carry(contract):
            kept = math.exp(-carry.reversion * elapsed_ns / NANOSECONDS)
            shock = normal(carry_key(world, instrument), world.price.tick)
            carry.rate = reverted(carry.rate, carry.level, carry.deviation, kept, shock)
        _write_basis(world, contract)


@kernel(inline=True)
def has_carry(contract):
    """Return whether a contract is a future whose basis follows a process."""
    return contract.kind == FUTURE and contract.carry.reversion > 0.0


@kernel(inline=True)
def reverted(value, mean, deviation, kept, shock):
    """Return an Ornstein-Uhlenbeck process after a time in which `kept` of its distance stays."""
    return mean + (value - mean) * kept + deviation * math.sqrt(1.0 - kept * kept) * shock


@kernel(inline=True)
def carry_key(world, instrument):
    """Return the key of a future's stream."""
    return world.keys[STREAM_CARRY] + np.uint64(instrument)


@kernel
def _write_basis(world, contract):
    """Write the basis that is left, and what the timeline adds; a market that warms up stands."""
    left_ns = max(contract.expiry_ns - max(world.time_ns, 0), 0)
    contract.carry.log_basis = contract.carry.rate * left_ns / YEAR_NS + contract.basis_shift
