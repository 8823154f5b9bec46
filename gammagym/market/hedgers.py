"""Dealers who hedge options: short of gamma they buy what has risen, long of gamma they sell it.

Their options are no instruments of the world: a constant gamma stands for a book that is rolled.
At its times each dealer looks at the mid price, as everybody may, and brings its net delta to zero
with a market order; what the book does not take is left to the next time. They act at price ticks.
What their orders do to the price they meet again: docs/feedback has the theory.
"""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.exchange.trading import is_closed, mid_price
from gammagym.market.crossing import cross
from gammagym.world.codes import BUY, SELL
from gammagym.world.sizes import LARGEST_PRESSURE

# A log move at which dealers give up: eight times as high or low. It is within what trading can do
# to the price, so that feedback that has run away also gets there.
_RUN_AWAY = 0.9 * LARGEST_PRESSURE


@kernel
def hedge(world):
    """Let every dealer hedge whose time has come, in the order of their rows.

    Reads: books, positions. Writes: hedgers, and what trades write.
    """
    for row in range(world.hedger_count):
        hedger = world.hedgers[row]
        if world.time_ns >= hedger.next_ns:
            hedger.next_ns += hedger.interval_ns
            if not hedger.stopped and not is_closed(world, hedger.instrument):
                _hedge(world, hedger)


@kernel
def _hedge(world, hedger):
    """Send the order that brings a dealer's net delta to zero, unless it is within the band.

    A price eight times as high or low is one that has run away: there it gives up for good.
    """
    price = mid_price(world, hedger.instrument)
    if hedger.reference_price == 0.0:
        hedger.reference_price = price
    move = math.log(price / hedger.reference_price)
    if abs(move) > _RUN_AWAY:
        hedger.stopped = 1
        return
    contract = world.instruments[hedger.instrument]
    held = world.positions[hedger.account, hedger.instrument].quantity_lots
    if abs(hedger.gamma * move + held * contract.lot_size) <= hedger.band:
        return
    lots = round(-hedger.gamma * move / contract.lot_size) - held
    if lots != 0:
        side = BUY if lots > 0 else SELL
        hedger.hedges += cross(world, hedger.account, hedger.instrument, side, abs(lots))
