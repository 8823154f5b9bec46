"""What moves money between accounts: trades, fees, funding, settlement, transfers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from gammagym.reference.accounts import ZERO, Account, Contract, Position, Transfer, Venue
from gammagym.world.codes import (
    BUY,
    COIN,
    FEES_DERIVATIVE,
    FEES_OPTION,
    FUNDING_CONTINUOUS,
    NO_ACCOUNT,
    QUOTE,
    ROUNDING,
    SPOT,
    TRANSIT,
)
from gammagym.world.sizes import FINE_UNIT, QUANTA


class Ledger:
    """All accounts, and the only functions that change what they own.

    Args:
        contracts: terms of what is traded; referred to by place in the list.
        accounts: number of accounts; those of the exchange are among them.
        venues: rules of the exchanges; one of its own if left out.
    """

    def __init__(
        self, contracts: list[Contract], accounts: int, venues: list[Venue] | None = None
    ) -> None:
        self.contracts = contracts
        self.venues = venues or [Venue()]
        self.accounts = [Account() for _ in range(accounts)]
        self.transfers: list[Transfer] = []
        # What is left, by currency, of what it is taken for as margin, while a timeline has it so.
        self.slips: dict[int, float] = {}
        self.deposits = [0, 0]
        self.time = 0
        # Price of the coin: in quanta for a quantum, and as a number.
        self.coin_price = ZERO
        self.spot = 0.0

    # --- Small things ------------------------------------------------------------------------

    def deposit(self, account: int, currency: int, amount: int) -> None:
        """Bring money into the exchange; nothing else makes any."""
        self.accounts[account].cash[currency] += amount
        self.deposits[currency] += amount

    def pay(self, source: int, target: int, currency: int, amount: int) -> None:
        """Move money from one account to another; a negative amount moves back."""
        self.accounts[source].cash[currency] -= amount
        self.accounts[target].cash[currency] += amount

    def in_quote(self, amount: int, currency: int) -> int:
        """Return what an amount is worth in QUOTE, rounded down as everything."""
        return amount if currency == QUOTE else math.floor(amount * self.coin_price)

    def venue_of(self, account: int) -> Venue:
        """Return the rules of the venue that an account is at."""
        return self.venues[self.accounts[account].venue]

    def payer(self, account: int) -> int:
        """Return whose money an account trades with: its own, or that of the long legs.

        In *hedge mode* long and short positions stand side by side: there are two accounts, and the
        one of the short positions has no money, no fees and no margin of its own.
        """
        owner = self.accounts[account]
        return owner.partner if owner.short_legs else account

    def legs(self, account: int) -> list[int]:
        """Return the accounts that hold an account's positions: itself, and that of the shorts."""
        partner = self.accounts[account].partner
        if partner == NO_ACCOUNT or self.accounts[account].short_legs:
            return [account]
        return [account, partner]

    def listed(self, account: int) -> Iterator[tuple[int, int, Contract, Position]]:
        """Yield holder, number, terms and position of every contract, of both legs.

        Spot is left out: it is a balance.
        """
        for leg in self.legs(account):
            for number, terms in enumerate(self.contracts):
                if terms.kind != SPOT:
                    yield leg, number, terms, self.accounts[leg].position(number)

    def holding(self, account: int, contract: int) -> int:
        """Return the signed quantity an account holds (lots); of spot: its coins."""
        terms = self.contracts[contract]
        if terms.kind == SPOT:
            return self.accounts[account].cash[COIN] // terms.lot_coin_quanta
        return self.accounts[account].position(contract).quantity

    # --- Trades ------------------------------------------------------------------------------

    def trade(
        self, contract: int, taker: int, maker: int, side: int, price_ticks: int, lots: int
    ) -> int:
        """Book a trade to both sides, `side` being the taker's; returns its absolute value.

        The value is rounded once, and what one side gets the other gives.
        """
        value = self.contracts[contract].traded_value(price_ticks, lots)
        sign = 1 if side == BUY else -1
        self._book(contract, taker, sign * lots, sign * value)
        self._book(contract, maker, -sign * lots, -sign * value)
        return abs(value)

    def _book(self, contract: int, account: int, lots: int, value: int) -> None:
        terms, cash = self.contracts[contract], self.accounts[account].cash
        if terms.kind == SPOT:
            cash[QUOTE] -= value
            cash[COIN] += lots * terms.lot_coin_quanta
        else:
            self.change_position(contract, account, lots, value)

    def change_position(self, contract: int, account: int, lots: int, value: int) -> None:
        """Add lots worth `value` to a position: close what is on the other side, open the rest.

        An option is paid for at once, so it has no entry value. Of everything else, what closes
        releases its share of the entry value (rounded down), and of the margin set aside for it;
        profit is what was paid less what is released, and goes to cash.
        """
        terms, position = self.contracts[contract], self.accounts[account].position(contract)
        owner = self.accounts[self.payer(account)]
        if terms.is_option:
            owner.cash[terms.currency] -= value
            position.quantity += lots
            return
        self.settle_funding(contract, account)
        if position.quantity * lots < 0:
            closing = min(abs(position.quantity), abs(lots))
            released = position.entry * closing // abs(position.quantity)
            freed = position.margin * closing // abs(position.quantity)
            paid = value * closing // abs(lots)
            owner.cash[terms.currency] -= released + paid
            position.entry -= released
            position.margin -= freed
            value -= paid
        position.quantity += lots
        position.entry += value

    # --- Fees --------------------------------------------------------------------------------

    def fee_on(self, contract: int, value: int, lots: int, rate: Fraction) -> int:
        """Return the fee on a trade; of options it goes by the underlying, up to a cap.

        Source: Deribit help 25944746248989: 0.03 % of the underlying, at most 12.5 % of the price.
        """
        terms = self.contracts[contract]
        if terms.fee_class != FEES_OPTION:
            return math.floor(value * rate)
        coins = lots * terms.lot_coin_quanta
        underlying = coins if terms.currency == COIN else self.in_quote(coins, COIN)
        fee = math.floor(underlying * rate)
        return min(fee, math.floor(value * terms.fee_cap)) if terms.fee_cap > 0 else fee

    def charge_fee(self, contract: int, account: int, value: int, lots: int, rate: Fraction) -> int:
        """Take a fee, or with a negative rate pay a rebate; returns what was taken.

        The discount comes off first, then what a fee credit pays. Rebates have neither.
        """
        account = self.payer(account)
        terms, owner = self.contracts[contract], self.accounts[account]
        fee = self.fee_on(contract, value, lots, rate)
        if fee > 0:
            fee -= math.floor(fee * owner.discount)
            fee -= self._use_credit(owner, fee, terms.currency)
        self.pay(account, self.venues[terms.venue].fee_account, terms.currency, fee)
        owner.fees += self.in_quote(fee, terms.currency)
        return fee

    def _use_credit(self, owner: Account, fee: int, currency: int) -> int:
        """Pay a fee from a credit in dollars, as far as that goes; returns what it paid."""
        if owner.credit == 0:
            return 0
        worth = self.in_quote(fee, currency)
        paid = fee if worth <= owner.credit else fee * owner.credit // worth
        owner.credit -= min(worth, owner.credit)
        return paid

    def walk_ladder(self, account: int) -> None:
        """Give a competitor the fees of its volume: the highest row of the ladder it reaches."""
        owner = self.accounts[account]
        if owner.competitor == NO_ACCOUNT:
            return
        for volume, maker, taker in self.venue_of(account).ladder:
            if owner.volume + owner.traded >= volume:
                owner.maker_fee[FEES_DERIVATIVE] = maker
                owner.taker_fee[FEES_DERIVATIVE] = taker

    # --- Funding -----------------------------------------------------------------------------

    def pay_funding(self, contract: int, rate: Fraction) -> None:
        """Let longs pay shorts a share of the marked notional; the other way if it is negative.

        Each amount is rounded downwards, so that a few quanta are left over: they are booked too.
        """
        terms = self.contracts[contract]
        for account, owner in enumerate(self.accounts):
            lots = owner.position(contract).quantity
            notional = terms.notional(lots) if lots > 0 else -terms.notional(lots)
            self._pay_funding(contract, account, math.floor(notional * rate))

    def settle_funding(self, contract: int, account: int) -> None:
        """Let a position pay the continuous funding that has come up since it last paid.

        The contract knows what one long lot has paid since the beginning, so nobody has to be asked
        until its position changes.
        """
        terms = self.contracts[contract]
        if terms.funding != FUNDING_CONTINUOUS:
            return
        position = self.accounts[account].position(contract)
        due = terms.funding_paid - position.funding_paid
        position.funding_paid = terms.funding_paid
        self._pay_funding(contract, account, math.floor(position.quantity * due))

    def _pay_funding(self, contract: int, account: int, amount: int) -> None:
        currency, account = self.contracts[contract].currency, self.payer(account)
        self.pay(account, ROUNDING, currency, amount)
        self.accounts[account].funding -= self.in_quote(amount, currency)

    # --- Settlement --------------------------------------------------------------------------

    def deliver(self, contract: int, lot_value: Fraction, price: float) -> None:
        """Settle an expired contract, whose underlying was worth `price` in the end.

        The fee on a lot is a share of its underlying, whose worth is a float formula; of an option
        at most a share of what it pays out, so that a worthless one costs nothing. Source: Deribit
        help 25944746248989.
        """
        terms = self.contracts[contract]
        units = terms.face / price if terms.inverse else terms.units
        worth = units if terms.currency == COIN else units * price
        fee = math.floor(round(worth * QUANTA * FINE_UNIT) * terms.delivery_fee)
        if terms.is_option:
            fee = min(fee, math.floor(lot_value * FINE_UNIT * terms.delivery_fee_cap))
        self.settle(contract, lot_value, Fraction(fee, FINE_UNIT))

    def settle(self, contract: int, lot_value: Fraction, fee: Fraction) -> None:
        """Pay out every position of an expired contract, at so much a lot, for a fee on each lot.

        Positions sum to zero, and so do payouts, but for what rounding leaves. Only competitors pay
        the delivery fee.
        """
        terms = self.contracts[contract]
        for holder in range(len(self.accounts)):
            account, position = self.payer(holder), self.accounts[holder].position(contract)
            owner = self.accounts[account]
            value = terms.value(lot_value, position.quantity)
            owner.cash[terms.currency] += value - position.entry
            self.accounts[ROUNDING].cash[terms.currency] -= value
            if owner.competitor != NO_ACCOUNT:
                paid = math.floor(abs(position.quantity) * fee)
                self.pay(account, self.venues[terms.venue].fee_account, terms.currency, paid)
                owner.fees += self.in_quote(paid, terms.currency)
            position.quantity = position.entry = position.margin = 0
        terms.settled = True

    # --- Transfers ---------------------------------------------------------------------------

    def send(self, source: int, target: int, currency: int, amount: int) -> None:
        """Send money on its way; an account of the exchange holds it meanwhile."""
        self.pay(source, TRANSIT, currency, amount)
        arrival = self.time + self.venue_of(source).transfer_time
        self.transfers.append(Transfer(arrival, target, currency, amount))

    def deliver_transfers(self) -> None:
        """Let transfers arrive whose time has come."""
        for way in [way for way in self.transfers if way.arrival <= self.time]:
            self.pay(TRANSIT, way.target, way.currency, way.amount)
            self.transfers.remove(way)

    # --- Equity, and what must always hold ---------------------------------------------------

    def equity(self, account: int) -> int:
        """Return cash and positions at fair prices, coins at the price of the coin (QUOTE)."""
        totals = list(self.accounts[account].cash)
        for _, _, terms, position in self.listed(account):
            totals[terms.currency] += terms.value(terms.fair, position.quantity) - position.entry
        return totals[QUOTE] + self.in_quote(totals[COIN], COIN)

    def conserved(self, currency: int) -> int:
        """Return all cash less all entry values: what was ever deposited, no quantum more."""
        total = sum(owner.cash[currency] for owner in self.accounts)
        for number, terms in enumerate(self.contracts):
            if terms.currency == currency:
                total -= sum(owner.position(number).entry for owner in self.accounts)
        return total
