"""Sentiment: the side that the traders of a book lean to, and the premium that their trading opens.

Market orders lean to one side for hours: the lean is an Ornstein-Uhlenbeck process of each flow,
drawn exactly at price ticks. What takers buy net leaves a premium that decays within `decay`: the
crowd of that book believes in a price that much above the fundamental one. So the basis of a
perpetual follows from trading, whoever trades, and pays for itself through funding
(docs/rules/basis).
"""

from __future__ import annotations

import math

import numpy as np

from gammagym._kernel import kernel
from gammagym.market.carry import reverted
from gammagym.market.streams import normal
from gammagym.world.codes import FUTURE, STREAM_SENTIMENT
from gammagym.world.sizes import NANOSECONDS

# There is always somebody who takes the other side.
LARGEST_LEAN = 0.95


@kernel
def start_sentiments(world):
    """Draw the first lean of every flow, and let the premium be what such a lean would make of it.

    Reads: keys, books. Writes: flows.sentiment.
    """
    for row in range(world.flow_count):
        sentiment = world.flows[row].sentiment
        if sentiment.reversion > 0.0:
            shock = normal(sentiment_key(world, row), 0)
            _lean(sentiment, sentiment.level + sentiment.deviation * shock)
            sentiment.premium = sentiment.lean * sentiment.start_premium
            sentiment.seen_lots = _net_lots(world, row)


@kernel
def step_sentiments(world, elapsed_ns):
    """Move lean and premium of every flow by one price tick; nothing while the market warms up.

    Reads: keys, books. Writes: flows.sentiment.
    """
    for row in range(world.flow_count):
        sentiment = world.flows[row].sentiment
        if sentiment.reversion <= 0.0:
            continue
        net = _net_lots(world, row)
        bought, sentiment.seen_lots = net - sentiment.seen_lots, net
        if elapsed_ns == 0:
            continue
        elapsed = elapsed_ns / NANOSECONDS
        kept = math.exp(-sentiment.reversion * elapsed)
        shock = normal(sentiment_key(world, row), world.price.tick)
        mean, deviation = sentiment.level, sentiment.deviation
        _lean(sentiment, reverted(sentiment.lean, mean, deviation, kept, shock))
        units = bought * world.instruments[world.flows[row].instrument].lot_size
        sentiment.premium *= math.exp(-elapsed / sentiment.decay)
        sentiment.premium += sentiment.impact * units


@kernel(inline=True)
def sentiment_key(world, row):
    """Return the key of a flow's stream."""
    return world.keys[STREAM_SENTIMENT] + np.uint64(row)


@kernel
def believed_price(world, flow, price):
    """Return what the crowd of a book makes of a fundamental price: with carry and premium.

    A basis of the timeline is part of a future's carry already.
    """
    contract = world.instruments[flow.instrument]
    shift = contract.carry.log_basis + flow.sentiment.premium
    if contract.kind != FUTURE:
        shift += contract.basis_shift
    return price if shift == 0.0 else price * math.exp(shift)


@kernel
def _lean(sentiment, value):
    sentiment.lean = min(max(value, -LARGEST_LEAN), LARGEST_LEAN)


@kernel
def _net_lots(world, row):
    book = world.books[world.flows[row].instrument]
    return 2 * book.bought_lots - book.volume_lots
