"""Where members of the leveraged crowd come in, and where they are liquidated and bankrupt."""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.exchange.formulas.liquidation import (
    bankruptcy_price,
    inverse_bankruptcy_price,
    inverse_liquidation_price,
    liquidation_price,
    rate_with_fee,
)
from gammagym.exchange.ledger import deposit, mul_div
from gammagym.exchange.margin import tier_of
from gammagym.exchange.options import normal_distribution
from gammagym.market.streams import normal_quantile, uniform
from gammagym.world.codes import FEES_DERIVATIVE, STREAM_ENTRIES
from gammagym.world.sizes import QUANTA, RATE_UNIT

# Smallest probability whose quantile is asked for.
_LEAST_SHARE = 1e-300


@kernel
def enter(world, bucket, value):
    """Add a trade worth `value` to a bucket, whose quantity has it already, with its margin.

    Writes: buckets, cash, deposits.
    """
    currency = world.instruments[bucket.instrument].currency
    margin = mul_div(abs(value), bucket.initial_e9)
    deposit(world, bucket.account, currency, margin)
    bucket.entry_quanta += value
    bucket.margin_quanta += margin
    _set_prices(world, bucket)


@kernel
def _set_prices(world, bucket):
    """Write where a bucket is liquidated and where it is bankrupt. Writes: buckets."""
    contract = world.instruments[bucket.instrument]
    lots = bucket.quantity_lots
    margin = bucket.margin_quanta / QUANTA
    if contract.inverse:
        face = lots * contract.face
        entry = -face / (bucket.entry_quanta / QUANTA)
        bucket.bankruptcy_price = inverse_bankruptcy_price(face, entry, margin, 0.0)
    else:
        quantity = lots * contract.lot_size
        entry = bucket.entry_quanta / QUANTA / quantity
        bucket.bankruptcy_price = bankruptcy_price(quantity, entry, margin, 0.0)
    multiple = _liquidation_multiple(world, bucket, margin / abs(bucket.entry_quanta / QUANTA))
    bucket.liquidation_price = entry * multiple


@kernel
def _liquidation_multiple(world, bucket, margin):
    """Return liquidation price over entry price of members with this margin (share of notional).

    The venue's formula for a position worth one: what it asks for grows with the entry price.
    """
    contract = world.instruments[bucket.instrument]
    size = world.leverage.member_notional
    notional = size / world.price.value if contract.inverse else size
    tier = world.tiers[tier_of(world, contract, round(notional * QUANTA))]
    rate = tier.maintenance_e9 / RATE_UNIT
    if world.venues[contract.venue].counts_closing_fee:
        taker = world.accounts[bucket.account].taker_fee_e9[FEES_DERIVATIVE]
        rate = rate_with_fee(rate, taker / RATE_UNIT)
    amount = tier.amount_quanta / QUANTA / notional
    unit = 1.0 if bucket.quantity_lots > 0 else -1.0
    if contract.inverse:
        return inverse_liquidation_price(unit, 1.0, margin, rate, amount)
    return liquidation_price(unit, 1.0, margin, rate, amount)


@kernel
def entry_price(world, row):
    """Draw the price at which a bucket came in: lognormal about now, if it is not liquidated yet.

    The buckets of a side and a leverage share the distribution out, each with its part.
    """
    bucket, crowd, now = world.buckets[row], world.leverage, world.price.value
    sign = 1.0 if bucket.quantity_lots > 0 else -1.0
    multiple = _liquidation_multiple(world, bucket, bucket.initial_e9 / RATE_UNIT)
    room = math.inf
    if 0.0 < multiple < math.inf:
        room = sign * math.log((1.0 - sign * crowd.swept) / multiple) / crowd.entry_sigma
    drawn = uniform(world.keys[STREAM_ENTRIES], row)
    share = (bucket.place + drawn) / bucket.places * normal_distribution(room)
    deviations = min(normal_quantile(max(share, _LEAST_SHARE)), room)
    return now * math.exp(sign * crowd.entry_sigma * deviations)
