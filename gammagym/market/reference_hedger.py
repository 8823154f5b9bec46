"""The frictionless reference: a hedger that trades at the fundamental price, free of charge.

It sees the same outside path as the competitor. What the book itself earned is in both, so the
difference between the two is what frictions and decisions cost.
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.exchange.attribution import hedge_units, measure_book
from gammagym.world.sizes import NANOSECONDS, YEAR_NS

_INTERVAL_NS = 60 * NANOSECONDS


@kernel
def step_reference(world, elapsed_ns):
    """Mark the reference hedge, rebalance it when due, and add up the competitor's delta risk.

    Reads: price, positions. Writes: agents (reference_*, risk_penalty, book Greeks).
    """
    for row in range(world.agent_count):
        agent = world.agents[row]
        price = world.price.value
        agent.reference_profit += agent.reference_units * (price - agent.reference_price)
        # Greeks and positions of the start of the tick carried the risk of the tick.
        net = agent.book_delta + hedge_units(world, row)
        deviation = net * agent.reference_price * world.price.volatility
        agent.risk_penalty += deviation * deviation * elapsed_ns / YEAR_NS
        agent.reference_price = price
        measure_book(world, row)
        if world.time_ns >= agent.reference_next_ns:
            # Its own collateral is no coin, and it keeps the options it was handed.
            book_delta = agent.book_delta - agent.traded_delta
            agent.reference_units = agent.collateral_delta - book_delta
            agent.reference_next_ns += _INTERVAL_NS
