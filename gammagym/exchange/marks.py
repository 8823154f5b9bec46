"""Marks: what positions are worth at a price tick, from prices that no agent can move.

Spot and perpetual are marked at the index, options at Black-76 on it. The change since the tick
before is attributed with the Greeks of that tick before they are replaced.
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.exchange.attribution import attribute_mark, attribute_option
from gammagym.exchange.options import value_option
from gammagym.world import CALL, PUT


@kernel
def set_marks(world, elapsed_ns):
    """Mark every instrument at the fundamental price of this tick.

    Reads: price, time. Writes: instruments (marks and Greeks), agents.parts.
    """
    forward = world.price.value
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if contract.settled:
            continue
        if contract.kind == CALL or contract.kind == PUT:
            move = forward - world.price.previous
            attribute_option(world, instrument, move, elapsed_ns, 0.0)
            value_option(contract, forward, world.time_ns)
            write_mark(contract, contract.value)
        else:
            attribute_mark(world, instrument, forward)
            write_mark(contract, forward)


@kernel(inline=True)
def write_mark(contract, mark_price):
    """Write a mark as a price and as quanta a lot."""
    contract.mark_price = mark_price
    contract.mark_quanta = round(mark_price / contract.tick_size * contract.tick_quanta)
