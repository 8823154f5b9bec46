"""Market makers who quote both sides around a fair price: options, and the ideal market.

At every price tick they replace the quotes that are not where or as large as they should be; in the
ideal market also in between, while a competitor's order rests. The half spread is a share of spot
or, of options, volatility points times vega. Then quotes are wider while the price moves more than
options say, and lower while makers are long vega (docs/rules/options). Of makers some of whom the
timeline keeps away, the others quote: less, or nothing at all (docs/rules/shocks).
"""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.engine.book import remove
from gammagym.exchange.margin import is_option
from gammagym.exchange.own_orders import limit_order
from gammagym.exchange.trading import is_closed
from gammagym.market.price import price_now
from gammagym.world.codes import BUY, COIN, FLOW_IDEAL, FUTURE, GTC, MAKERS, NO_ORDER, SELL
from gammagym.world.sizes import NANOSECONDS, YEAR_NS

# Makers look back so far, or so many price ticks where these are rare.
_MEMORY_SECONDS = 1800.0
_MEMORY_TICKS = 30.0
# However wild the price, spreads become no more times as wide.
_WIDEST = 5.0
# Vega of one unit at the money, 30 days before expiry, as a share of the price.
_UNIT_VEGA = math.sqrt(30.0 / 365.0 / (2.0 * math.pi))


@kernel
def open_makers(world):
    """Let makers begin with what the hand-over left them, which they do not count as inventory.

    Reads: positions, price. Writes: option_makers, instruments.maker_start_lots.
    """
    makers = world.option_makers
    makers.realised_variance = world.surface.long_volatility * world.surface.long_volatility
    makers.seen_price = world.price.value
    makers.seen_ns = max(world.time_ns, 0)
    makers.lean = 0.0
    for instrument in range(world.instrument_count):
        held = world.positions[MAKERS, instrument].quantity_lots
        world.instruments[instrument].maker_start_lots = held


@kernel
def quote(world):
    """Requote every instrument that makers quote.

    Reads: marks, stress, positions. Writes: books, option_makers.
    """
    if world.option_makers.band_count > 0:
        _watch_price(world)
        _lean(world)
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if contract.maker_size_lots > 0 and not is_closed(world, instrument):
            _quote_about(world, instrument, _quoted_price(contract))


@kernel
def requote(world):
    """Requote the ideal market about the price of this moment, between two price ticks.

    Reads: price, stress. Writes: books.
    """
    moved = price_now(world, world.time_ns) / world.price.value
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if contract.flow == FLOW_IDEAL and not is_closed(world, instrument):
            _quote_about(world, instrument, _quoted_price(contract) * moved)


@kernel
def _watch_price(world):
    """Count the move of the price since the last tick. Writes: option_makers.realised_variance."""
    makers, price = world.option_makers, world.price
    elapsed = (world.time_ns - makers.seen_ns) / NANOSECONDS
    if elapsed <= 0.0:
        return
    move = math.log(price.value / makers.seen_price)
    memory = max(_MEMORY_SECONDS, _MEMORY_TICKS * price.tick_ns / NANOSECONDS)
    annual = move * move * YEAR_NS / NANOSECONDS / elapsed
    makers.realised_variance += -math.expm1(-elapsed / memory) * (annual - makers.realised_variance)
    makers.seen_price, makers.seen_ns = price.value, world.time_ns


@kernel
def _lean(world):
    """Lower quotes by the vega that makers have bought, raise them by what they have sold.

    Reads: positions, Greeks. Writes: option_makers.lean.
    """
    makers, vega = world.option_makers, 0.0
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if is_option(contract) and not contract.settled:
            lots = world.positions[MAKERS, instrument].quantity_lots - contract.maker_start_lots
            vega += lots * contract.lot_size * contract.vega
    most = makers.inventory_units * world.price.value * _UNIT_VEGA
    makers.lean = min(max(vega / most, -1.0), 1.0)


@kernel
def _quoted_price(contract):
    """Return what makers quote about: the fair price, which of futures has the basis already."""
    if contract.kind == FUTURE or contract.basis_shift == 0.0:
        return contract.fair_price
    return contract.fair_price * math.exp(contract.basis_shift)


@kernel
def _quote_about(world, instrument, centre):
    """Put the quotes of an instrument where they belong around a price. Writes: books."""
    contract = world.instruments[instrument]
    bid, ask = _ticks_about(world, contract, centre)
    share = world.stress.depth_multiple * (1.0 - contract.makers_away)
    size = max(int(contract.maker_size_lots * share), 1)
    stands = _stands(world, contract, BUY, bid, size) and _stands(world, contract, SELL, ask, size)
    if stands:
        return
    for side in (BUY, SELL):
        _withdraw(world, contract, instrument, side)
    if contract.makers_away >= 1.0:
        return
    if bid > 0:
        contract.maker_orders[BUY] = limit_order(world, MAKERS, instrument, BUY, bid, size, GTC)
    contract.maker_orders[SELL] = limit_order(world, MAKERS, instrument, SELL, ask, size, GTC)


@kernel(inline=True)
def quoted_ticks(world, contract, moved):
    """Return bid and ask of the ideal market when the price has moved by a factor (ticks)."""
    return _ticks_about(world, contract, _quoted_price(contract) * moved)


@kernel
def _ticks_about(world, contract, centre):
    """Return the bid and the ask that belong around a price (ticks)."""
    half = _half_spread(world, contract)
    if is_option(contract):
        centre -= world.option_makers.lean * half
    bid = math.floor((centre - half) / contract.tick_size)
    ask = math.ceil((centre + half) / contract.tick_size)
    return bid, max(ask, bid + 1)


@kernel
def _half_spread(world, contract):
    """Return half the spread of the makers' quotes, in the currency of the quote."""
    # Options that settle in coins are quoted in them, and so is the spread.
    in_coins = contract.currency == COIN and not contract.inverse
    if world.option_makers.band_count > 0 and is_option(contract):
        half = 0.5 * _width(world, contract) * contract.vega * world.stress.spread_multiple
        return half / world.price.value if in_coins else half
    half = contract.maker_half_spread * world.stress.spread_multiple
    return half * (1.0 if in_coins else world.price.value)


@kernel
def _width(world, contract):
    """Return the width of an option's quotes without stress (annual volatility)."""
    makers = world.option_makers
    left, band = contract.expiry_ns - world.time_ns, 0
    while band + 1 < makers.band_count and left > makers.until_ns[band]:
        band += 1
    excess = math.sqrt(makers.realised_variance) / world.surface.long_volatility
    return makers.widths[band] * min(max(excess, 1.0), _WIDEST)


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
