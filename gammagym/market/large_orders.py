"""Large orders of the timeline: somebody buys or sells a quantity over a time (docs/rules/shocks).

At every price tick the part that is due by then and has not been traded is sent to the book, as far
through it as the venue lets market orders go. What the book does not take is tried again at the
next tick, until the time is over; what is left then is left. The account is one of its own, so what
it has bought presses the price for good where the flow has a lasting impact.
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.exchange.ledger import holding
from gammagym.exchange.trading import is_closed
from gammagym.market.crossing import cross
from gammagym.world.codes import BUY, SELL, SHOCK_LARGE_ORDER


@kernel
def work_large_orders(world):
    """Send what is due of every large order, in the order of the timeline.

    Reads: books, time. Writes: shocks.done, and what trades write.
    """
    for row in range(world.shock_count):
        shock = world.shocks[row]
        if shock.kind == SHOCK_LARGE_ORDER and not is_closed(world, shock.instrument):
            due = lots_due(shock, world.time_ns, world.price.tick_ns)
            if due > shock.done:
                _work(world, shock, due - shock.done)


@kernel
def lots_due(shock, time_ns, tick_ns):
    """Return how much of an order should be traded by now (lots); 0 before it and after it.

    In proportion to the time; all of it at the first price tick at its end or after it.
    """
    since = time_ns - shock.start_ns
    if since <= 0 or since >= shock.hold_ns + tick_ns:
        return 0
    return int(abs(shock.lots) * min(since / shock.hold_ns, 1.0))


@kernel
def _work(world, shock, lots):
    """Send one order and note what it has traded. Writes: shocks.done, and what trades write."""
    before = holding(world, shock.account, shock.instrument)
    side = BUY if shock.lots > 0 else SELL
    cross(world, shock.account, shock.instrument, side, lots)
    shock.done += abs(holding(world, shock.account, shock.instrument) - before)
