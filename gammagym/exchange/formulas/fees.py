"""Fees of trades, options and exercise. A rate is a fraction of notional; negative is a rebate."""

from __future__ import annotations

from gammagym._kernel import kernel


@kernel
def trade_fee(notional, rate):
    """Return the fee of a trade, in the currency of its notional.

    Linear and inverse contracts differ only in their notional. Liquidation and delivery fees are
    of the same form. Source: Binance FAQ 360033544231; Bybit, Deribit fee pages.
    """
    return notional * float(rate)


@kernel
def capped_option_fee(rate, underlying, cap, option_price, quantity):
    """Return the fee of an option trade or exercise: a rate on the underlying, capped.

    Args:
        rate: fraction of the underlying's value.
        underlying: value of the underlying of one contract: index times unit, or 1 coin for an
            option that is priced in the coin; at exercise the settlement price times unit.
        cap: largest fee as a fraction of the option's price.
        option_price: premium of one contract; at exercise its payoff.
        quantity: number of contracts, never negative.

    Source: Deribit help 25944746248989; Binance FAQ 5326e5de61c34fed98abe28d2f175a23.
    """
    return min(rate * underlying, cap * option_price) * float(quantity)


@kernel
def fee_rate(ladder, volume, column):
    """Return the rate at a trading volume, in the highest row that the volume reaches.

    Args:
        ladder: float64 array of rows (least volume, maker rate, taker rate), rising.
        volume: volume over the venue's window, in the ladder's currency.
        column: 1 for the maker's rate, 2 for the taker's.
    """
    row = 0
    for tier in range(len(ladder)):
        if volume >= ladder[tier, 0]:
            row = tier
    return ladder[row, column]


@kernel
def discounted_rate(rate, discount):
    """Return a rate less a discount; a rebate (a negative rate) is not discounted."""
    return rate * (1.0 - discount) if rate > 0.0 else float(rate)
