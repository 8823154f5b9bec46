"""What happens to those who cannot keep their margin, and to those who stand against them.

An account whose margin falls below its maintenance margin loses control: its orders are canceled
and the venue's *steps* follow, one after the other, until the margin is right again or nothing is
left. Reducing steps trade in the book at the prices the book really has, however far from the mark.
*Taking over* means that another account gets the position at its *bankruptcy price*, which is where
its owner has nothing left.

Who takes it over? The *insurance fund*, as long as it can bear the loss; it sells in slices what it
got. If it cannot, then by the venue's choice either the best of those on the other side are
*deleveraged* (closed at the bankruptcy price, first in rank first), or all who have gains pay their
share of what the fund lacks.

In hedge mode an account that is liquidated has its long and short positions of the same contract
closed against each other first, at the mark. That alone may set its margin right.
"""

from __future__ import annotations

import math

from gammagym.exchange.formulas.deleveraging import levered_profit, profit_share, signed_rank
from gammagym.exchange.formulas.liquidation import (
    bankruptcy_price,
    inverse_bankruptcy_price,
    quantity_to_restore,
)
from gammagym.exchange.formulas.margin import margin_ratio
from gammagym.exchange.formulas.order_limits import rounded_safe
from gammagym.reference.accounts import CURRENCIES
from gammagym.reference.trading import Books
from gammagym.world.codes import (
    BACKSTOP_DELEVERAGING,
    BACKSTOP_SOCIALISED_LOSS,
    COIN,
    FIRST_AGENT_ACCOUNT,
    MARGIN_ISOLATED,
    NO_ACCOUNT,
    QUOTE,
    RANK_MARGIN_RATIO,
    RANK_SIGNED_LEVERAGE,
    SPOT,
    STEP_CLOSE_IN_BOOK,
    STEP_REDUCE_SLICE,
    STEP_REDUCE_TO_LOWER_TIER,
    STEP_REDUCE_TO_RESTORE,
    STEP_REDUCE_TWO_TIERS,
    STEP_TAKE_OVER,
)
from gammagym.world.sizes import QUANTA

# A smaller balance counts as this much, so that it does not top the queue (Binance 360033525471).
_LEAST_BALANCE = 1.0
_HIGHEST_LEVERAGE = 1e9
_BY_TIERS = (STEP_REDUCE_TO_LOWER_TIER, STEP_REDUCE_TWO_TIERS)
# A bankruptcy price beyond so many times the mark is none.
_HIGHEST = 100.0


class Liquidations(Books):
    """Accounts, margins and books, and the liquidation engine."""

    # --- The round of all accounts -----------------------------------------------------------

    def check_accounts(self) -> None:
        """Look at every account, then at every insurance fund: at each change of the marks."""
        for account in range(FIRST_AGENT_ACCOUNT, len(self.accounts)):
            owner = self.accounts[account]
            if not owner.margined or self.venue_of(account).halted:
                continue
            if owner.mode == MARGIN_ISOLATED:
                self._check_positions(account)
            elif owner.liquidating or self.is_below(account):
                self._liquidate(account)
        for number, venue in enumerate(self.venues):
            if venue.halted or not venue.steps:
                continue
            self._work_out(number)
            if venue.backstop == BACKSTOP_SOCIALISED_LOSS:
                self._share_losses(number)

    def _liquidate(self, account: int) -> None:
        """Take the steps that are due.

        With no time between them all steps follow each other at once, but the last one, which is
        repeated, only once in every round. It ends when the margin is right, or nothing is left.
        """
        owner, venue = self.accounts[account], self.venue_of(account)
        if not owner.liquidating:
            owner.liquidating, owner.step, owner.next_step = True, 0, self.time
            owner.liquidations += 1
            self.cancel_orders(account)
        if self._net_legs(account) and not self.is_below(account):
            owner.liquidating = False
            return
        while self.time >= owner.next_step:
            step, is_last = venue.steps[owner.step], owner.step + 1 == len(venue.steps)
            closed = self._take_step(account, step)
            if not self._has_positions(account):
                self.settle_debts(account)
                owner.liquidating = False
                return
            # Who is being closed is closed, even if the margin is right again half-way.
            if step != STEP_CLOSE_IN_BOOK and not self.is_below(account):
                owner.liquidating = False
                return
            owner.next_step = self.time + venue.interval
            if is_last:
                return
            # Tiers are gone down one after the other while the book takes it.
            if step not in _BY_TIERS or closed == 0:
                owner.step += 1

    def _held(self, account: int, contract: int) -> int:
        """Return the absolute position that can be liquidated (lots): coins cannot."""
        if self.contracts[contract].kind == SPOT:
            return 0
        return abs(self.accounts[account].position(contract).quantity)

    def _has_positions(self, account: int) -> bool:
        return any(self._held(leg, number) for leg, number, _, _ in self.listed(account))

    def _net_legs(self, account: int) -> bool:
        """Close long and short positions against each other at the mark; returns if there were."""
        found = False
        for shorts in self.legs(account)[1:]:
            for number, terms in enumerate(self.contracts):
                long = self.accounts[account].position(number).quantity
                lots = min(long, -self.accounts[shorts].position(number).quantity)
                if lots > 0 and not terms.is_option:
                    value = terms.value(terms.mark, lots)
                    self.change_position(number, account, -lots, -value)
                    self.change_position(number, shorts, lots, value)
                    found = True
        return found

    # --- Steps -------------------------------------------------------------------------------

    def _take_step(self, account: int, step: int) -> int:
        """Take one step; returns the lots that were closed in the book.

        Reducing is done with the position of the largest maintenance margin, at no price that would
        leave its owner in debt; closing everything, and where no step follows, at any price.
        """
        if step == STEP_TAKE_OVER:
            self._hand_over_all(account)
            return 0
        everything = [(leg, number) for leg, number, _, _ in self.listed(account)]
        if step == STEP_CLOSE_IN_BOOK:
            return sum(
                self._reduce(leg, number, self._held(leg, number), 0) for leg, number in everything
            )
        margins = [self.position_maintenance(leg, number) for leg, number in everything]
        if max(margins) <= 0:
            return 0
        leg, largest = everything[margins.index(max(margins))]
        lots = self._lots_to_close(leg, largest, step)
        is_last = self.accounts[account].step + 1 == len(self.venue_of(account).steps)
        worst_ticks = 0 if is_last else self._bankruptcy_ticks(leg, largest)
        return self._reduce(leg, largest, lots, worst_ticks)

    def _reduce(self, account: int, contract: int, lots: int, worst_ticks: int) -> int:
        if lots <= 0:
            return 0
        long = self.accounts[account].position(contract).quantity > 0
        return self.market_order(account, contract, -lots if long else lots, worst_ticks)

    def _bankruptcy_ticks(self, account: int, contract: int) -> int:
        """Return the price at which closing a position leaves its owner nothing: a float formula.

        A long's is rounded up, a short's down (Bybit help 900000031623). Where no price does that,
        any price will do: 1 tick for a seller, 0 for a buyer, who is not limited then.
        """
        terms, lots = self.contracts[contract], self.accounts[account].position(contract).quantity
        owner = self.payer(account)
        worth = sum(self._counted_worth(owner, currency) for currency in CURRENCIES) / QUANTA
        if terms.inverse:
            face = lots * terms.face
            price = inverse_bankruptcy_price(face, terms.price, worth / self.spot, 0.0)
        else:
            money = 1.0 if terms.currency == QUOTE else self.spot
            price = bankruptcy_price(lots * terms.units, terms.price, worth / money, 0.0)
        if not 0.0 < price < _HIGHEST * terms.price:
            return 1 if lots > 0 else 0
        return int(rounded_safe(price / terms.tick_size, 1.0, float(lots)))

    def _lots_to_close(self, account: int, contract: int, step: int) -> int:
        """Return how much of a position a step closes.

        A slice is a share of what is left. A lower tier is reached when the notional is the top of
        the tier below (Bybit help 900000167723). Margin is restored when closing has freed as much
        maintenance margin as is missing, less what it costs (Binance; a float formula).
        """
        terms, venue = self.contracts[contract], self.venue_of(account)
        held = self._held(account, contract)
        if step == STEP_REDUCE_SLICE:
            return max(math.floor(held * venue.slice), 1)
        if step == STEP_REDUCE_TO_RESTORE:
            return self._lots_to_restore(account, contract)
        tier = self.tier_of(terms, terms.notional(held))
        tier -= 2 if step == STEP_REDUCE_TWO_TIERS else 1
        if tier < 0:
            return 0
        return held - held * terms.tiers[tier].top // terms.notional(held)

    def _lots_to_restore(self, account: int, contract: int) -> int:
        """Return how much closing of this position alone would restore the margin: a float formula.

        What the others need is taken off the equity before: closing this one frees its own.
        """
        terms, held = self.contracts[contract], self._held(account, contract)
        notional = held * terms.units * terms.price
        if notional == 0.0:
            return held
        own, owner = self.position_maintenance(account, contract), self.payer(account)
        others = self.maintenance_margin(owner) - own
        rate = own / QUANTA / notional
        fee_rate = float(self.venues[terms.venue].liquidation_fee)
        units = quantity_to_restore(
            held * terms.units,
            terms.price,
            (self.margin_balance(owner) - others) / QUANTA,
            rate,
            # With a fee above the margin that is freed no part would be enough: it is left out.
            fee_rate if fee_rate < rate else 0.0,
        )
        return min(held, math.ceil(units / terms.units))

    # --- Handing over ------------------------------------------------------------------------

    def _hand_over_all(self, account: int) -> None:
        """Hand over every position, so that the account is left with nothing.

        What it is worth altogether, or owes, is shared over the positions by their size; the last
        one gets what is left. A position is handed over for its marked value less its share: that
        is its value at the bankruptcy price.
        """
        self.settle_all_funding(account)
        worth = sum(self._counted_worth(account, currency) for currency in CURRENCIES)
        sizes = {
            (leg, number): self._size(leg, number)
            for leg, number, _, _ in self.listed(account)
            if self._held(leg, number) > 0
        }
        left = sum(sizes.values())
        for (leg, number), size in sizes.items():
            share = worth * size // left if size < left else worth
            worth -= share
            left -= size
            self._hand_over(leg, number, share)
        self.settle_debts(account)
        self._take_collateral(account)

    def _take_collateral(self, account: int) -> None:
        """Let the fund have what is left when debts in one currency are as large as the other."""
        owner, venue = self.accounts[account], self.venue_of(account)
        if min(venue.collateral[one] for one in CURRENCIES) == 0:
            return
        if (owner.cash[QUOTE] < 0) != (owner.cash[COIN] < 0):
            for currency in CURRENCIES:
                self.pay(account, venue.insurance_account, currency, owner.cash[currency])

    def _counted_worth(self, account: int, currency: int) -> int:
        """Return what an account has in a currency, in QUOTE; nothing if it is no collateral."""
        if self.venue_of(account).collateral[currency] == 0:
            return 0
        return self.in_quote(self.worth(account, currency), currency)

    def _size(self, account: int, contract: int) -> int:
        terms = self.contracts[contract]
        return self.in_quote(terms.notional(self._held(account, contract)), terms.currency)

    def _hand_over(self, account: int, contract: int, share: int) -> None:
        """Hand over one position whose part of the account's worth is `share` (QUOTE)."""
        terms = self.contracts[contract]
        if share < 0:
            self._cover(self.payer(account), -share)
        if terms.currency == COIN:
            share = math.floor(share / self.coin_price)
        lots = self.accounts[account].position(contract).quantity
        value = terms.value(terms.mark, lots) - share
        self.change_position(contract, account, -lots, -value)
        venue = self.venues[terms.venue]
        loss = self.in_quote(min(share, 0), terms.currency)
        fund_bears = self.fund_balance(venue.insurance_account) + loss > 0
        if venue.backstop == BACKSTOP_DELEVERAGING and not fund_bears:
            self._deleverage(contract, lots, value)
        else:
            self.change_position(contract, venue.insurance_account, lots, value)

    def _cover(self, account: int, amount: int) -> None:
        """Note what others have paid for an account; a bonus it had is lost to that extent."""
        owner = self.accounts[account]
        owner.covered += amount
        owner.bonus -= min(owner.bonus, amount)

    def fund_balance(self, fund: int) -> int:
        """Return cash and positions of an insurance fund at the marks (QUOTE)."""
        return self.worth(fund, QUOTE) + self.in_quote(self.worth(fund, COIN), COIN)

    def settle_debts(self, account: int) -> None:
        """Let the insurance fund take what an account without positions owes, and what it has.

        Debts in one currency can be paid by what is there of the other; only if that is not enough
        are both taken.
        """
        owner, venue = self.accounts[account], self.venue_of(account)
        cash = [owner.cash[one] if venue.collateral[one] > 0 else 0 for one in CURRENCIES]
        debt = -(cash[QUOTE] + self.in_quote(cash[COIN], COIN))
        if debt > 0:
            for currency in CURRENCIES:
                self.pay(account, venue.insurance_account, currency, cash[currency])
            self._cover(account, debt)

    def _work_out(self, number: int) -> None:
        """Sell a slice of everything that an insurance fund has taken over."""
        venue = self.venues[number]
        for _, contract, terms, position in self.listed(venue.insurance_account):
            if terms.venue == number and position.quantity != 0:
                part = max(math.floor(abs(position.quantity) * venue.slice), 1)
                self.market_order(
                    venue.insurance_account, contract, -part if position.quantity > 0 else part
                )

    # --- Isolated positions ------------------------------------------------------------------

    def _check_positions(self, account: int) -> None:
        """Hand over every isolated position whose own margin is not enough: one by one, at once.

        What an account without positions still owes, the insurance fund pays.
        """
        self.settle_all_funding(account)
        self.draw_on_margins(account)
        for leg, number, terms, position in self.listed(account):
            if position.quantity == 0 or terms.is_option:
                continue
            worth = self.in_quote(self.isolated_worth(leg, number), terms.currency)
            if worth < self.position_maintenance(leg, number):
                self.accounts[account].liquidations += 1
                self.cancel_orders(account)
                self._hand_over(leg, number, worth)
        if not self._has_positions(account):
            self.settle_debts(account)

    # --- Deleveraging ------------------------------------------------------------------------

    def _deleverage(self, contract: int, lots: int, value: int) -> None:
        """Close a bankrupt position against others', first in rank first, at its bankruptcy price.

        Positions sum to zero, so there is always somebody on the other side.
        """
        while lots != 0:
            account = self._first_in_rank(contract, lots)
            owner = self.accounts[account]
            taken = min(abs(lots), abs(owner.position(contract).quantity))
            self.settle_funding(contract, account)
            amount = value * taken // abs(lots)
            if owner.competitor != NO_ACCOUNT:
                self.cancel_orders(account)
                self.accounts[self.payer(account)].deleveragings += 1
            signed = taken if lots > 0 else -taken
            self.change_position(contract, account, signed, amount)
            lots -= signed
            value -= amount

    def _first_in_rank(self, contract: int, lots: int) -> int:
        """Return whose opposite position goes first.

        Accounts without margin come last, participants before the world's own.
        """
        opposite = [
            account
            for account, owner in enumerate(self.accounts)
            if owner.position(contract).quantity * lots < 0
        ]
        ranked = [one for one in opposite if self.accounts[self.payer(one)].margined]
        if not ranked:
            participants = [one for one in opposite if one >= FIRST_AGENT_ACCOUNT]
            return (participants or opposite)[0]
        return max(ranked, key=lambda account: self.deleveraging_rank(account, contract))

    def deleveraging_rank(self, account: int, contract: int) -> float:
        """Return the rank of a position in the queue: a float formula, the highest goes first.

        Who has gained most with the highest leverage. Leverage is the margin ratio (Binance), or
        notional over equity (Bybit); MEXC also ranks those who have lost, by share / leverage.
        """
        terms, owner = self.contracts[contract], self.payer(account)
        currency = terms.currency
        cash = self.in_quote(self.accounts[owner].cash[currency], currency) / QUANTA
        gain = self.in_quote(self.gain(account, contract), currency) / QUANTA
        equity = self.margin_balance(owner) / QUANTA
        size = self._size_at_mark(account, contract) / QUANTA
        rank = self.venues[terms.venue].rank
        share = profit_share(gain, cash, _LEAST_BALANCE)
        if rank == RANK_MARGIN_RATIO:
            ratio = margin_ratio(self.maintenance_margin(owner) / QUANTA, equity)
            return levered_profit(share, min(ratio, _HIGHEST_LEVERAGE))
        if size == 0.0:
            return 0.0
        leverage = min(size / equity, _HIGHEST_LEVERAGE) if equity > 0.0 else _HIGHEST_LEVERAGE
        if rank == RANK_SIGNED_LEVERAGE:
            return signed_rank(gain / size, leverage)
        return levered_profit(share, leverage)

    def _size_at_mark(self, account: int, contract: int) -> int:
        terms, position = self.contracts[contract], self.accounts[account].position(contract)
        return self.in_quote(terms.notional(position.quantity), terms.currency)

    # --- Socialised loss ---------------------------------------------------------------------

    def _share_losses(self, number: int) -> None:
        """Let all who have gains pay what a fund lacks, in proportion: the last one what is left.

        Gains are those of open positions at the venue; nobody pays more than it has gained.
        """
        fund = self.venues[number].insurance_account
        for currency in CURRENCIES:
            gains = {
                account: self._gains(account, number, currency)
                for account in range(len(self.accounts))
                if account != fund and not self.accounts[account].short_legs
            }
            total = sum(gains.values())
            lacking = min(max(-self.worth(fund, currency), 0), total)
            for account, gained in gains.items():
                if lacking > 0 and gained > 0:
                    paid = lacking * gained // total
                    self.pay(account, fund, currency, paid)
                    self.accounts[account].socialised += self.in_quote(paid, currency)
                    lacking -= paid
                    total -= gained

    def _gains(self, account: int, number: int, currency: int) -> int:
        """Return what an account's open positions at a venue have gained together, if they have.

        Options are left out: they were paid for at once, and what they cost is not kept.
        """
        gains = sum(
            self.gain(leg, contract)
            for leg, contract, terms, _ in self.listed(account)
            if terms.venue == number and terms.currency == currency and not terms.is_option
        )
        return max(gains, 0)
