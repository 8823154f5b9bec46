"""Books in which orders wait, in the plainest form: a list; and what a trade costs.

All rules of books and orders are in `gammagym.reference.book`. Here are only those that a
liquidation needs: it trades at the best price first, at the prices that the book really has.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from gammagym.reference.accounts import Contract, Venue
from gammagym.reference.margin import Margins
from gammagym.world.codes import BUY, FUTURE, NO_ACCOUNT, PERPETUAL, SELL
from gammagym.world.sizes import LARGEST_QUANTA


@dataclass
class Resting:
    """An order that waits in a book; those at one price trade in the order in which they came.

    One that closes may only bring the position of its account closer to zero.
    """

    account: int
    side: int
    price_ticks: int
    lots: int
    closes: bool = False


class Books(Margins):
    """Accounts, margins, and a book for every contract."""

    def __init__(
        self, contracts: list[Contract], accounts: int, venues: list[Venue] | None = None
    ) -> None:
        super().__init__(contracts, accounts, venues)
        self.books: list[list[Resting]] = [[] for _ in contracts]

    def cancel_orders(self, account: int) -> None:
        """Cancel every order of an account, those of both legs."""
        for book in self.books:
            book[:] = [order for order in book if self.payer(order.account) != self.payer(account)]

    def closes(self, account: int, contract: int, side: int) -> bool:
        """Return whether an order may only close: in hedge mode sales of longs, buys of shorts.

        So a position never turns into one of the other side. Spot and options have no two legs.
        """
        owner = self.accounts[account]
        if owner.partner == NO_ACCOUNT or self.contracts[contract].kind not in (PERPETUAL, FUTURE):
            return False
        return side == (BUY if owner.short_legs else SELL)

    def _keep_to_the_position(self, account: int, contract: int) -> None:
        """Cut the orders that would close more than there is: those at the best price stay."""
        left = abs(self.accounts[account].position(contract).quantity)
        closing = [one for one in self.books[contract] if one.closes and one.account == account]
        sign = -1 if self.accounts[account].short_legs else 1
        for order in sorted(closing, key=lambda one: sign * one.price_ticks):
            order.lots = min(order.lots, left)
            left -= order.lots
        self.books[contract] = [order for order in self.books[contract] if order.lots > 0]

    def limits(self, contract: int) -> tuple[int, int]:
        """Return the lowest price that may be asked and the highest that may be bid (ticks)."""
        terms = self.contracts[contract]
        lowest, highest = 1, LARGEST_QUANTA
        if terms.band > 0.0:
            reach = terms.price * terms.band
            lowest = round((terms.price - reach) / terms.tick_size)
            highest = round((terms.price + reach) / terms.tick_size)
        return max(lowest, 1), highest

    def limit_order(
        self, account: int, contract: int, side: int, price_ticks: int, lots: int
    ) -> bool:
        """Enter a limit order, which trades with what is there and waits; returns if it may."""
        terms, (lowest, highest) = self.contracts[contract], self.limits(contract)
        inside = price_ticks <= highest if side == BUY else price_ticks >= lowest
        if terms.settled or self.venues[terms.venue].halted or not inside:
            return False
        closes = self.closes(account, contract, side)
        if closes:
            lots = min(lots, abs(self.accounts[account].position(contract).quantity))
        if lots == 0 or not self.may_trade(account, contract, lots if side == BUY else -lots):
            return False
        left = self._match(account, contract, side, price_ticks, lots, forced=False)
        if left > 0:
            self.books[contract].append(Resting(account, side, price_ticks, left, closes))
            self._keep_to_the_position(account, contract)
        return True

    def market_order(
        self, account: int, contract: int, signed_lots: int, worst_ticks: int = 0
    ) -> int:
        """Let the liquidation engine trade at once, within the price band; returns the lots traded.

        No price is worse than `worst_ticks`, if that is not 0. No rule on the size of orders holds.
        """
        terms, (lowest, highest) = self.contracts[contract], self.limits(contract)
        if terms.settled or self.venues[terms.venue].halted:
            return 0
        limit, lots = max(lowest, worst_ticks), abs(signed_lots)
        if signed_lots > 0:
            if not terms.inverse:
                highest = min(highest, LARGEST_QUANTA // (terms.tick_quanta * lots))
            limit = min(int(100.0 * terms.price / terms.tick_size), highest)
            limit = min(limit, worst_ticks) if worst_ticks > 0 else limit
        side = BUY if signed_lots > 0 else SELL
        return lots - self._match(account, contract, side, limit, lots, forced=True)

    def _match(
        self, account: int, contract: int, side: int, limit: int, lots: int, forced: bool
    ) -> int:
        """Trade against the best prices first; returns what is left (lots)."""
        sign = 1 if side == BUY else -1
        others = [order for order in self.books[contract] if order.side != side]
        for order in sorted(others, key=lambda one: sign * one.price_ticks):
            if lots == 0 or sign * order.price_ticks > sign * limit:
                break
            if order.account == account:
                # Nobody trades with himself: the order that waited is canceled.
                order.lots = 0
            traded = min(lots, order.lots)
            if traded > 0:
                self._fill(account, contract, side, order, traded, forced)
            lots -= traded
            order.lots -= traded
            for one in (account, order.account):
                self._keep_to_the_position(one, contract)
        return lots

    def _fill(
        self, taker: int, contract: int, side: int, order: Resting, lots: int, forced: bool
    ) -> None:
        """Book one trade with its fees; in a liquidation the insurance fund gets the taker's."""
        terms, maker = self.contracts[contract], order.account
        value = self.trade(contract, taker, maker, side, order.price_ticks, lots)
        if forced:
            self._charge_liquidation_fee(terms, taker, value)
        else:
            rate = self.accounts[self.payer(taker)].taker_fee[terms.fee_class]
            self.charge_fee(contract, taker, value, lots, rate)
        rate = self.accounts[self.payer(maker)].maker_fee[terms.fee_class]
        self.charge_fee(contract, maker, value, lots, rate)
        for account in (taker, maker):
            self.accounts[self.payer(account)].traded += self.in_quote(value, terms.currency)
            self.set_aside(account, contract)

    def _charge_liquidation_fee(self, terms: Contract, account: int, value: int) -> None:
        venue = self.venues[terms.venue]
        if account != venue.insurance_account:
            fee = math.floor(value * venue.liquidation_fee)
            self.pay(self.payer(account), venue.insurance_account, terms.currency, fee)
