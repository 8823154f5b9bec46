"""Auto-deleveraging: when it begins, and whose position is closed first."""

from __future__ import annotations

import math

from gammagym._kernel import kernel


@kernel
def profit_share(profit, balance, least_balance):
    """Return unrealised profit over balance; losses count as zero.

    Args:
        profit: unrealised profit of the position.
        balance: wallet balance of the account.
        least_balance: balance that is assumed at least, so that a small one does not top the queue.

    Source: Binance FAQ 360033525471.
    """
    return max(0.0, profit) / max(float(least_balance), balance)


@kernel
def levered_profit(share, leverage):
    """Return the rank of a position that is in profit: profit share times effective leverage.

    `leverage` is whatever the venue calls so: margin ratio (Binance), effective leverage (MEXC).
    """
    return share * float(leverage)


@kernel
def signed_rank(share, leverage):
    """Return the rank of any position: share * leverage in profit, share / leverage in loss.

    Source: MEXC help 360042504091.
    """
    return share * float(leverage) if share > 0.0 else share / leverage


@kernel
def effective_leverage(mark_value, bankruptcy_value):
    """Return value over the loss that it takes to bankruptcy; infinite when that is reached.

    Args:
        mark_value: signed value of the position at the mark.
        bankruptcy_value: signed value at its bankruptcy price.

    Source: MEXC help 360042504091.
    """
    room = mark_value - bankruptcy_value
    return abs(mark_value) / room if room > 0.0 else math.inf


@kernel
def price_rank(mark, entry, notional, equity):
    """Return mark over entry times leverage (notional over equity), the rank of a long.

    Source: Hyperliquid, liquidations.
    """
    return mark / entry * notional / equity


@kernel
def rank_quantile(rank, count):
    """Return the place of a position in the queue as a fraction, 1 being last. Source: Binance."""
    return rank / count


@kernel
def fund_drawdown(profit_change, peak_balance):
    """Return the change of the fund's profit from its peak, over its highest balance.

    Source: Bybit API, adl-alert.
    """
    return profit_change / peak_balance


@kernel
def deleveraging_begins(drawdown, limit, balance, least_balance):
    """Return whether the fund's losses begin auto-deleveraging.

    Args:
        drawdown: change of the fund's profit over its highest balance, negative in a loss.
        limit: the drawdown *below* which deleveraging begins; at the limit it does not yet.
        balance: balance of the fund; at zero or less deleveraging begins in any case.
        least_balance: balance that the fund must exceed for the drawdown to count.

    Source: Bybit API, adl-alert.
    """
    return balance <= 0.0 or (balance > least_balance and drawdown < limit)


@kernel
def loss_to_close(drawdown, limit, peak_balance):
    """Return the loss beyond the limit, which deleveraging has to take off the fund.

    Source: Bybit API, adl-alert, example 1.
    """
    return max(0.0, limit - drawdown) * peak_balance
