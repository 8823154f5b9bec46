"""Looks at competitors' orders that rest, between the events of a quiet market.

An order that the price has overtaken is not left standing until the next price tick of the ideal
market, or the next event of a market of few events: it is overrun as in a market that is looked at
every LOOK_NS, whatever the price tick (docs/rules/flow).
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.exchange.funding import NEVER_NS
from gammagym.exchange.trading import is_closed
from gammagym.market.beliefs import believed_ticks
from gammagym.market.flow import DRAWS, answer
from gammagym.market.flow_clock import let_pass
from gammagym.market.makers import requote
from gammagym.world import LOOK_NS, STREAM_FLOW

# Draws of looks are numbered from here, where no event comes.
_FIRST_LOOK = 2**60


@kernel(counted=False)
def look(world):
    """Let the ideal market and quiet crowds answer to the price while competitors' orders rest.

    Reads: watched orders. Writes: next_look_ns, and what `quote` and `background_event` write.
    """
    if not _anybody_rests(world):
        world.next_look_ns = NEVER_NS
        return
    world.next_look_ns += LOOK_NS
    requote(world)
    for row in range(world.flow_count):
        flow = world.flows[row]
        quiet = world.time_ns - flow.memory_ns >= LOOK_NS
        if quiet and flow.anchored and not is_closed(world, flow.instrument):
            draw = _FIRST_LOOK + world.time_ns // LOOK_NS * DRAWS
            let_pass(world, flow)
            key, believed = world.keys[STREAM_FLOW + row], believed_ticks(world, flow)
            answer(world, flow, key, draw, believed)


@kernel
def _anybody_rests(world):
    """Return whether one of the watched orders still rests."""
    for place in range(len(world.watched_rows)):
        order = world.orders[world.watched_rows[place]]
        if order.live and order.order_id == world.watched_ids[place]:
            return True
    return False
