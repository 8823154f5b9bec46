"""Funding times and expiries."""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.exchange.ledger import pay_funding, settle
from gammagym.exchange.orders import empty_book
from gammagym.world import CALL, FUTURE, PERPETUAL, PUT

NEVER_NS = 2**62


@kernel
def schedule_funding(world):
    """Write when the next funding payment is due."""
    due = NEVER_NS
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if contract.kind == PERPETUAL and contract.funding_interval_ns > 0:
            due = min(due, contract.next_funding_ns)
    world.next_funding_ns = due


@kernel(once=True)
def fund(world):
    """Pay the funding that is due and schedule the next payment (docs/rules/funding)."""
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        due = contract.kind == PERPETUAL and contract.next_funding_ns <= world.time_ns
        if due and contract.funding_interval_ns > 0:
            pay_funding(world, instrument, contract.funding_rate_e9)
            contract.next_funding_ns += contract.funding_interval_ns
    schedule_funding(world)


@kernel(once=True)
def expire(world):
    """Settle every instrument whose expiry has come, at the mark of this tick: its payoff."""
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        expires = contract.kind == CALL or contract.kind == PUT or contract.kind == FUTURE
        if expires and not contract.settled and contract.expiry_ns <= world.time_ns:
            empty_book(world, instrument)
            settle(world, instrument, contract.mark_quanta)
            contract.settled = 1
