"""The rules on money in plain Python. Read this before the fast ones.

An exchange keeps books for others. For each *account* it knows how much *cash* is there, and which
*position* is held in each contract: a signed quantity, and the signed value at which it was
entered. Four principles decide everything:

1. **Double entry.** Whatever one account gets, another one pays, in the same whole number of
   *quanta* (1e-8 of a currency). Fees go to an account, insurance comes from an account, and what
   rounding leaves over goes to an account too. So money is neither made nor lost.
2. **No average prices.** A purchase of 2 at 100 and 1 at 106 is held as (quantity 3, entry value
   306). Whoever closes a third of it releases a third of the entry value; the difference between
   that and what the trade brought is the realised profit, and goes to cash.
3. **Equity is cash plus what the positions have gained**: quantity x mark - entry value. The mark
   is a price that no trade moves.
4. **Margin is a share of the marked notional.** Less equity than the initial margin: no larger
   position. Less than the maintenance margin: the exchange closes the positions, and where the
   money does not reach, the insurance fund pays.

Spot and options are paid for at once, in full; perpetuals and futures are settled in cash by
difference. Amounts are Python integers, which have no largest one, rates are exact fractions, and
every rounding is downwards (`floor`), whoever it favours. The kernels in `gammagym.exchange` follow
the same rules in 64 bits, and tests compare the two to the last quantum.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from gammagym.world import (
    BUY,
    CALL,
    FEE_INCOME,
    FUTURE,
    INSURANCE,
    PERPETUAL,
    PUT,
    ROUNDING,
    SPOT,
)

DERIVATIVES = (PERPETUAL, FUTURE, CALL, PUT)
PAID_AT_ONCE = (CALL, PUT)


@dataclass
class Contract:
    """The terms of one instrument, and its mark.

    Attributes:
        kind: SPOT, PERPETUAL, FUTURE, CALL or PUT.
        tick_quanta: what one tick of one lot is worth (quanta).
        lot_coin_quanta: spot: coin that one lot delivers (quanta of the coin).
        mark_quanta: mark value of one lot (quanta).
        initial_margin: share of the notional that a position needs to be opened.
        maintenance_margin: share below which it is closed.
        currency: what it is paid in.
        coin: spot: what it delivers.
    """

    kind: int
    tick_quanta: int
    lot_coin_quanta: int = 0
    mark_quanta: int = 0
    initial_margin: Fraction = Fraction(0)
    maintenance_margin: Fraction = Fraction(0)
    currency: int = 0
    coin: int = 1


@dataclass
class Position:
    """What an account holds of one derivative."""

    quantity: int = 0
    entry: int = 0


class Fill(NamedTuple):
    """A trade of an order that is being closed by force: with whom, at which price, how much."""

    maker: int
    price_ticks: int
    lots: int


@dataclass
class Account:
    """One account: cash by currency, positions by contract, and totals that are reported."""

    cash: dict[int, int] = field(default_factory=dict[int, int])
    positions: dict[int, Position] = field(default_factory=dict[int, Position])
    fees: int = 0
    funding: int = 0
    covered: int = 0

    def pay(self, currency: int, amount: int) -> None:
        """Take an amount out of the cash; a negative one is paid in."""
        self.cash[currency] = self.cash.get(currency, 0) - amount

    def position(self, contract: int) -> Position:
        """Return the position in a contract, an empty one if there was none."""
        return self.positions.setdefault(contract, Position())


class Exchange:
    """All accounts and contracts of one exchange.

    Args:
        contracts: terms of what is traded; referred to by place in the list.
        accounts: number of accounts; FEE_INCOME, INSURANCE and ROUNDING are among them.

    >>> exchange = Exchange([Contract(PERPETUAL, tick_quanta=1, mark_quanta=100)], accounts=8)
    >>> exchange.trade(0, taker=5, maker=6, side=BUY, price_ticks=100, lots=3)
    >>> exchange.contracts[0].mark_quanta = 110
    >>> exchange.equity(5), exchange.equity(6)
    (30, -30)
    """

    def __init__(self, contracts: list[Contract], accounts: int) -> None:
        self.contracts = contracts
        self.accounts = [Account() for _ in range(accounts)]

    # --- Trades ------------------------------------------------------------------------------

    def deposit(self, account: int, currency: int, amount: int) -> None:
        """Bring money into the exchange; nothing else makes any."""
        self.accounts[account].pay(currency, -amount)

    def trade(
        self, contract: int, taker: int, maker: int, side: int, price_ticks: int, lots: int
    ) -> None:
        """Book a trade to both sides; `side` is the taker's."""
        signed = lots if side == BUY else -lots
        self._book(contract, taker, signed, price_ticks)
        self._book(contract, maker, -signed, price_ticks)

    def _book(self, contract: int, account: int, signed_lots: int, price_ticks: int) -> None:
        terms, owner = self.contracts[contract], self.accounts[account]
        value = signed_lots * price_ticks * terms.tick_quanta
        if terms.kind == SPOT:
            owner.pay(terms.currency, value)
            owner.pay(terms.coin, -signed_lots * terms.lot_coin_quanta)
        elif terms.kind in PAID_AT_ONCE:
            owner.pay(terms.currency, value)
            owner.position(contract).quantity += signed_lots
        else:
            self._change_position(contract, account, signed_lots, price_ticks)

    def _change_position(
        self, contract: int, account: int, signed_lots: int, price_ticks: int
    ) -> None:
        """Close what is held on the other side first, then open with the rest."""
        terms, owner = self.contracts[contract], self.accounts[account]
        position = owner.position(contract)
        unit = price_ticks * terms.tick_quanta
        closing = 0
        if position.quantity * signed_lots < 0:
            closing = min(abs(position.quantity), abs(signed_lots))
            share = Fraction(closing, abs(position.quantity))
            released = math.floor(position.entry * share)
            sign = 1 if position.quantity > 0 else -1
            owner.pay(terms.currency, released - sign * closing * unit)
            position.entry -= released
            position.quantity -= sign * closing
            signed_lots += sign * closing
        position.quantity += signed_lots
        position.entry += signed_lots * unit

    def charge_fee(self, contract: int, account: int, notional: int, rate: Fraction) -> int:
        """Take a fee, or with a negative rate pay a rebate; returns what was taken."""
        fee = math.floor(notional * rate)
        currency = self.contracts[contract].currency
        self._transfer(account, FEE_INCOME, currency, fee)
        self.accounts[account].fees += fee
        return fee

    def _transfer(self, source: int, target: int, currency: int, amount: int) -> None:
        self.accounts[source].pay(currency, amount)
        self.accounts[target].pay(currency, -amount)

    # --- Funding and settlement --------------------------------------------------------------

    def pay_funding(self, contract: int, rate: Fraction) -> None:
        """Let longs pay shorts a share of the marked notional; the other way if it is negative.

        Each amount is rounded downwards, so that a few quanta are left over: they are booked too.
        """
        terms = self.contracts[contract]
        collected = 0
        for owner in self.accounts:
            amount = math.floor(owner.position(contract).quantity * terms.mark_quanta * rate)
            owner.pay(terms.currency, amount)
            owner.funding -= amount
            collected += amount
        self.accounts[ROUNDING].pay(terms.currency, -collected)

    def settle(self, contract: int, payoff: int) -> None:
        """Pay every position of an expired contract out, at `payoff` quanta a lot."""
        for owner in self.accounts:
            position = owner.position(contract)
            currency = self.contracts[contract].currency
            owner.pay(currency, position.entry - position.quantity * payoff)
            position.quantity = position.entry = 0

    # --- Equity and margin -------------------------------------------------------------------

    def equity(self, account: int) -> int:
        """Return cash, coins and marked positions in currency 0 (quanta)."""
        owner = self.accounts[account]
        total = owner.cash.get(0, 0)
        for number, terms in enumerate(self.contracts):
            if terms.kind == SPOT:
                coins = Fraction(owner.cash.get(terms.coin, 0), terms.lot_coin_quanta)
                total += math.floor(coins * terms.mark_quanta)
            else:
                position = owner.position(number)
                total += position.quantity * terms.mark_quanta - position.entry
        return total

    def holding(self, account: int, contract: int) -> int:
        """Return the signed quantity an account holds (lots)."""
        terms, owner = self.contracts[contract], self.accounts[account]
        if terms.kind == SPOT:
            return owner.cash.get(terms.coin, 0) // terms.lot_coin_quanta
        return owner.position(contract).quantity

    def maintenance_margin(self, account: int) -> int:
        """Return the equity below which the account's positions are closed."""
        return sum(
            math.floor(self._notional(account, number) * terms.maintenance_margin)
            for number, terms in enumerate(self.contracts)
        )

    def initial_margin(self, account: int, contract: int, lots: int) -> int:
        """Return the equity that is needed to hold `lots` of one contract beside the rest."""
        total = 0
        for number, terms in enumerate(self.contracts):
            notional = self._notional(account, number)
            if number == contract:
                notional = abs(lots) * terms.mark_quanta
            if terms.kind in DERIVATIVES:
                total += math.floor(notional * terms.initial_margin)
        return total

    def _notional(self, account: int, contract: int) -> int:
        terms = self.contracts[contract]
        return abs(self.accounts[account].position(contract).quantity) * terms.mark_quanta

    def may_trade(self, account: int, contract: int, signed_lots: int) -> bool:
        """Return whether an order is within the initial margin; reducing is always allowed."""
        held = self.holding(account, contract)
        after = held + signed_lots
        if after == 0 or (after * held > 0 and abs(after) <= abs(held)):
            return True
        return self.equity(account) >= self.initial_margin(account, contract, after)

    # --- Liquidation -------------------------------------------------------------------------

    def must_be_liquidated(self, account: int) -> bool:
        """Return whether equity has fallen below the maintenance margin."""
        return self.equity(account) < self.maintenance_margin(account)

    def liquidate(
        self, account: int, contract: int, fills: Iterable[Fill], fee_rate: Fraction
    ) -> None:
        """Close a position at the prices the book really has, for a fee to the insurance fund."""
        notional = 0
        side = 1 - BUY if self.holding(account, contract) > 0 else BUY
        for fill in fills:
            self.trade(contract, account, fill.maker, side, fill.price_ticks, fill.lots)
            notional += fill.price_ticks * self.contracts[contract].tick_quanta * fill.lots
        fee = math.floor(notional * fee_rate)
        self._transfer(account, INSURANCE, self.contracts[contract].currency, fee)
        if all(position.quantity == 0 for position in self.accounts[account].positions.values()):
            self._cover_deficit(account)

    def _cover_deficit(self, account: int) -> None:
        owner = self.accounts[account]
        deficit = max(-owner.cash.get(0, 0), 0)
        self._transfer(INSURANCE, account, 0, deficit)
        owner.covered += deficit

    # --- What must always hold ---------------------------------------------------------------

    def conserved(self, currency: int) -> int:
        """Return all cash less all entry values: what was ever deposited, no quantum more."""
        total = sum(owner.cash.get(currency, 0) for owner in self.accounts)
        for number, terms in enumerate(self.contracts):
            if terms.currency == currency:
                total -= sum(owner.position(number).entry for owner in self.accounts)
        return total
