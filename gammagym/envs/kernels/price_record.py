"""Let a market run without an agent and write down its mid price at equal steps of time."""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.exchange.trading import mid_price
from gammagym.loop import advance, open_world

# The first instrument is what agents and dealers hedge with.
_HEDGE = 0


@kernel
def record_mids(world, tape, seed, step_ns, mids):
    """Open a world and write down its mid price at the end of each step, before what is due then.

    Args:
        world: one world, fresh from the template.
        tape: recorded prices, shape (n,).
        seed: seed of the world.
        step_ns: length of a step (ns).
        mids: to be filled with mid prices (price units), shape (steps,).

    Writes: the world, mids.
    """
    open_world(world, tape, seed)
    for step in range(len(mids)):
        advance(world, tape, (step + 1) * step_ns - 1)
        mids[step] = mid_price(world, _HEDGE)
