"""The rules on money in plain Python. Read this before the fast ones.

An exchange keeps books for others. For each *account* it knows how much *cash* is there, and which
*position* is held in each contract: a signed quantity, and the signed value at which it was
entered. Five principles decide everything:

1. **Double entry.** Whatever one account gets, another one pays, in the same whole number of
   *quanta* (1e-8 of a currency). Fees go to an account, insurance comes from an account, and what
   rounding leaves over goes to an account too. So money is neither made nor lost.
2. **No average prices.** A purchase of 2 at 100 and 1 at 106 is held as (quantity 3, entry value
   306). Whoever closes a third of it releases a third of the entry value; the difference between
   that and what the trade brought is the realised profit, and goes to cash.
3. **Equity is cash plus what the positions have gained**: quantity x mark - entry value. The mark
   is the venue's price for that, which a single trade should not move.
4. **Margin is a share of the marked notional.** Less equity than the initial margin: no larger
   position. Less than the maintenance margin: the exchange closes the positions.

5. **What one cannot pay, another one pays**: the insurance fund, those on the other side, or all
   who have gained. Who it was is written down.

Spot and options are paid for at once, in full; perpetuals and futures are settled in cash by
difference. *Linear* contracts are worth quantity x price in dollars; *inverse* ones quantity /
price in coins. Everything an account has can so be in two currencies, QUOTE and COIN, and where the
two must be compared it is in QUOTE, at the price of the coin.

Amounts are Python integers, which have no largest one, rates are exact fractions, and every
rounding is downwards (`floor`), whoever it favours. The kernels in `gammagym.exchange` follow the
same rules in 64 bits, and tests compare the two to the last quantum.

`gammagym.reference.accounts` has the things an exchange keeps. The rules are in four parts, each of
which builds on the one before:

- `gammagym.reference.ledger`: trades, fees, funding, settlement, transfers;
- `gammagym.reference.margin`: what counts as margin, what is needed, who may do what;
- `gammagym.reference.trading`: books, and what a trade costs;
- `gammagym.reference.liquidation`: liquidation, insurance, deleveraging, socialised losses.
"""

from __future__ import annotations

from gammagym.reference.accounts import (
    Account,
    Contract,
    Position,
    Scenario,
    Tier,
    Transfer,
    Venue,
)
from gammagym.reference.liquidation import Liquidations
from gammagym.reference.trading import Resting

__all__ = [
    "Account",
    "Contract",
    "Exchange",
    "Position",
    "Resting",
    "Scenario",
    "Tier",
    "Transfer",
    "Venue",
]


class Exchange(Liquidations):
    """All accounts and contracts of one exchange, and all its rules on money.

    Args:
        contracts: terms of what is traded; referred to by place in the list.
        accounts: number of accounts; those of the exchange are among them.
        venues: rules of the exchanges; one of its own if left out.

    >>> from fractions import Fraction
    >>> from gammagym.world.codes import BUY, PERPETUAL
    >>> exchange = Exchange([Contract(PERPETUAL, tick_quanta=1)], accounts=8)
    >>> exchange.trade(0, taker=6, maker=7, side=BUY, price_ticks=100, lots=3)
    300
    >>> exchange.contracts[0].fair = Fraction(110)
    >>> exchange.equity(6), exchange.equity(7)
    (30, -30)
    """
