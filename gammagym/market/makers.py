"""Market makers who quote both sides around a fair price: options, and the ideal market.

At every price tick they replace the quotes that are not where or as large as they should be.
"""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.engine.book import remove
from gammagym.exchange.orders import limit_order
from gammagym.exchange.trading import is_closed
from gammagym.world import BUY, COIN, GTC, MAKERS, NO_ORDER, SELL


@kernel(counted=False)
def quote(world):
    """Requote every instrument that makers quote. Reads: marks, stress. Writes: books."""
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if contract.maker_size_lots > 0 and not is_closed(world, instrument):
            _quote_instrument(world, instrument)


@kernel(counted=False)
def _quote_instrument(world, instrument):
    contract = world.instruments[instrument]
    # Options that settle in coins are quoted in them, and so is the spread.
    in_coins = contract.currency == COIN and not contract.inverse
    half = contract.maker_half_spread * world.stress.spread_multiple
    half *= 1.0 if in_coins else world.price.value
    bid = math.floor((contract.fair_price - half) / contract.tick_size)
    ask = math.ceil((contract.fair_price + half) / contract.tick_size)
    ask = max(ask, bid + 1)
    size = max(int(contract.maker_size_lots * world.stress.depth_multiple), 1)
    stands = _stands(world, contract, BUY, bid, size) and _stands(world, contract, SELL, ask, size)
    if stands:
        return
    for side in (BUY, SELL):
        _withdraw(world, contract, instrument, side)
    if bid > 0:
        contract.maker_orders[BUY] = limit_order(world, MAKERS, instrument, BUY, bid, size, GTC)
    contract.maker_orders[SELL] = limit_order(world, MAKERS, instrument, SELL, ask, size, GTC)


@kernel
def _is_own(world, row):
    return row != NO_ORDER and world.orders[row].live and world.orders[row].owner == MAKERS


@kernel
def _stands(world, contract, side, price_ticks, size):
    """Return whether a side is already quoted at this price and size (no bid below one tick)."""
    row = contract.maker_orders[side]
    if side == BUY and price_ticks <= 0:
        return not _is_own(world, row)
    if not _is_own(world, row):
        return False
    return world.orders[row].price_ticks == price_ticks and world.orders[row].quantity_lots == size


@kernel
def _withdraw(world, contract, instrument, side):
    row = contract.maker_orders[side]
    # A row is reused once its order is gone, so it must still be the makers' quote of this book.
    if _is_own(world, row) and world.orders[row].instrument == instrument:
        remove(world.books[instrument], row)
    contract.maker_orders[side] = NO_ORDER
