"""How much an account must have, and what it may do with the rest.

*Initial margin* is what a position needs to be opened, *maintenance margin* what it needs to be
kept. Both are shares of the marked notional, in the contract's currency, rising with its size in
tiers, and are compared in QUOTE. Three modes differ in what stands behind a position: in *cross*
margin the whole account; in *isolated* margin what was set aside for it and nothing else; in
*portfolio* margin again the whole account, against the worst loss of all positions together.

In *hedge mode* a long and a short position of one contract are two positions: the gain of one
offsets the loss of the other, but each of them needs its own margin.

Some of these rules are formulas of models, in floating point: the margin of a short option, the
scenarios of a portfolio, the part of a rate that grows with size. Those are called from
`gammagym.exchange.formulas` or repeated here in plain floats; only what they return is rounded.
"""

from __future__ import annotations

import math
from fractions import Fraction

from gammagym.exchange.formulas.margin import inverse_scenario_pnl
from gammagym.exchange.formulas.option_contracts import (
    short_option_initial,
    short_option_maintenance,
)
from gammagym.reference.accounts import CURRENCIES, Contract, Scenario, Tier
from gammagym.reference.ledger import Ledger
from gammagym.reference.options import black_76
from gammagym.world.codes import (
    COIN,
    FEES_DERIVATIVE,
    FUNDING_CONTINUOUS,
    MARGIN_ISOLATED,
    MARGIN_PORTFOLIO,
    SPOT,
)
from gammagym.world.sizes import QUANTA, RATE_UNIT

_DAYS_OF_YEAR = 365.0
_NEAR_DAYS = 30.0


class Margins(Ledger):
    """A ledger that asks for margin."""

    # --- What counts as margin ---------------------------------------------------------------

    def gain(self, account: int, contract: int) -> int:
        """Return value less entry of a position at the mark (quanta of its currency)."""
        terms, position = self.contracts[contract], self.accounts[account].position(contract)
        return terms.value(terms.mark, position.quantity) - position.entry

    def worth(self, account: int, currency: int) -> int:
        """Return cash and everything held in one currency, at the marks (quanta)."""
        gains = sum(
            self.gain(leg, number)
            for leg, number, terms, _ in self.listed(account)
            if terms.currency == currency
        )
        return self.accounts[account].cash[currency] + gains

    def balance(self, account: int, currency: int) -> int:
        """Return what of it counts as margin: in a portfolio all of it, else not the options.

        An option that was paid for in full can lose nothing more. But neither does it help, except
        where the worst case of everything together is looked at.
        """
        total = self.worth(account, currency)
        if self.accounts[account].mode == MARGIN_PORTFOLIO:
            return total
        return total - sum(
            self.gain(leg, number)
            for leg, number, terms, _ in self.listed(account)
            if terms.currency == currency and terms.is_option
        )

    def collateral_rate(self, account: int, currency: int) -> Fraction:
        """Return which share of a currency counts as margin now: in whole 1e-9, once it slips."""
        rate = self.venue_of(account).collateral[currency]
        slipped = self.slips.get(currency)
        if slipped is None:
            return rate
        return Fraction(round(float(rate * RATE_UNIT) * slipped), RATE_UNIT)

    def margin_balance(self, account: int) -> int:
        """Return the margin of an account: haircuts taken off, debts in full, bonus added (QUOTE).

        Source: Binance, multi-assets mode: a coin counts for 95 % of what it is worth.
        """
        total = self.accounts[account].bonus
        for currency in CURRENCIES:
            amount = self.balance(account, currency)
            if amount > 0:
                amount = math.floor(amount * self.collateral_rate(account, currency))
            total += self.in_quote(amount, currency)
        return total

    # --- What is needed ----------------------------------------------------------------------

    def tier_of(self, terms: Contract, notional: int) -> int:
        """Return the number of a notional's tier; exactly at a top it is still in it."""
        for number, tier in enumerate(terms.tiers[:-1]):
            if notional <= tier.top:
                return number
        return max(len(terms.tiers) - 1, 0)

    def size_rate(self, terms: Contract, lots: int) -> Fraction:
        """Return what a position's size adds to its margin rates, at most 1: a float formula.

        Source: Deribit help 25944738177565: 0.5 % for every 100 coins.
        """
        rate_e9 = abs(lots) * terms.units * float(terms.margin_slope * RATE_UNIT)
        return min(Fraction(int(rate_e9), RATE_UNIT), Fraction(1))

    def position_maintenance(self, account: int, contract: int) -> int:
        """Return the maintenance margin of one position, without other positions' help (QUOTE).

        notional x rate - amount, by the tier of the notional; where the venue counts it, with the
        fee to close. Source: Binance FAQ b3c689c1f50a44cabb3a84e663b81d93; OKX, Gate (fee).
        """
        owner, terms = self.accounts[self.payer(account)], self.contracts[contract]
        lots = self.accounts[account].position(contract).quantity
        if lots == 0 or terms.kind == SPOT:
            return 0
        if terms.is_option:
            return self._short_option(terms, lots, initial=False)
        notional, needed = terms.notional(lots), 0
        if terms.tiers:
            tier = terms.tiers[self.tier_of(terms, notional)]
            needed += math.floor(notional * tier.maintenance) - tier.amount
            needed += math.floor(notional * self.size_rate(terms, lots))
        if self.venue_of(account).counts_closing_fee:
            needed += math.floor(notional * owner.taker_fee[FEES_DERIVATIVE])
        return self.in_quote(needed, terms.currency)

    def initial_rate(self, account: int, contract: int, lots: int) -> Fraction:
        """Return the initial margin rate: 1 / leverage, but no less than the tier allows."""
        terms = self.contracts[contract]
        tier: Tier = terms.tiers[self.tier_of(terms, terms.notional(lots))]
        chosen = self.accounts[account].position(contract).initial
        return max(tier.initial, chosen) + self.size_rate(terms, lots)

    def position_initial(self, account: int, contract: int, lots: int) -> int:
        """Return the initial margin of a position if it were `lots` (QUOTE)."""
        terms = self.contracts[contract]
        if lots == 0 or terms.kind == SPOT:
            return 0
        if terms.is_option:
            return self._short_option(terms, lots, initial=True)
        if not terms.tiers:
            return 0
        needed = math.floor(terms.notional(lots) * self.initial_rate(account, contract, lots))
        return self.in_quote(needed, terms.currency)

    def _short_option(self, terms: Contract, lots: int, initial: bool) -> int:
        """Return the margin of an option on its own: a share of its coins, nothing if it is long.

        Source: Deribit, standard margin.
        """
        share, least, maintenance = terms.short_margins
        if initial:
            needed = short_option_initial(
                terms.kind, terms.strike, self.spot, terms.option_value, share, least, maintenance
            )
        else:
            needed = short_option_maintenance(
                terms.kind, self.spot, terms.option_value, maintenance
            )
        coins = max(-lots, 0) * terms.lot_coin_quanta
        rate = Fraction(round(needed * RATE_UNIT), RATE_UNIT)
        return self.in_quote(math.floor(coins * rate), COIN)

    def maintenance_margin(self, account: int) -> int:
        """Return the maintenance margin of an account (QUOTE)."""
        if self.accounts[account].mode == MARGIN_PORTFOLIO:
            share = self.venue_of(account).portfolio["maintenance_share"]
            return self._portfolio_margin(account, share)
        return sum(
            self.position_maintenance(leg, number) for leg, number, _, _ in self.listed(account)
        )

    def initial_margin(self, account: int, contract: int = 0, change: int = 0) -> int:
        """Return the initial margin of an account if one position were changed by some lots."""
        if self.accounts[account].mode == MARGIN_PORTFOLIO:
            position = self.accounts[account].position(contract)
            position.quantity += change
            needed = self._portfolio_margin(account, None)
            position.quantity -= change
            return needed
        total = 0
        for leg, number, _, position in self.listed(self.payer(account)):
            lots = position.quantity + (change if (leg, number) == (account, contract) else 0)
            total += self.position_initial(leg, number, lots)
        return total

    def is_below(self, account: int) -> bool:
        """Return whether an account must be liquidated: less margin than its maintenance margin."""
        owner = self.accounts[account]
        return owner.margined and self.margin_balance(account) < self.maintenance_margin(account)

    # --- Portfolio margin, a float formula ---------------------------------------------------

    def _portfolio_margin(self, account: int, maintenance_share: float | None) -> int:
        """Return the worst loss over the venue's scenarios, with a contingency for futures.

        Source: Deribit help 25944756247837.
        """
        venue, worst, futures = self.venue_of(account), 0.0, 0.0
        for scenario in venue.scenarios:
            loss = -scenario.share * self._scenario_profit(account, scenario)
            worst = max(worst, loss - scenario.dampener)
        for _, _, terms, position in self.listed(account):
            if not terms.is_option:
                futures += abs(position.quantity) * terms.units * self.spot
        worst += venue.portfolio["contingency"] * futures
        if maintenance_share is not None:
            worst *= maintenance_share
        return math.ceil(worst * QUANTA)

    def _scenario_profit(self, account: int, scenario: Scenario) -> float:
        total = 0.0
        for _, _, terms, position in self.listed(account):
            if position.quantity != 0:
                profit = self._unit_profit(account, terms, scenario)
                total += position.quantity * terms.units * profit
        return total

    def _unit_profit(self, account: int, terms: Contract, scenario: Scenario) -> float:
        """Return what one unit gains: an option is valued anew, a future moves with the price."""
        move = scenario.move
        if not terms.is_option:
            if terms.inverse:
                return inverse_scenario_pnl(1.0, move) * self.spot
            return self.spot * move
        later = self.spot * (1.0 + move)
        volatility = self._shocked_volatility(account, terms, scenario.volatility)
        value = black_76(terms.kind, later, terms.strike, volatility, terms.years).value
        if terms.currency == COIN:
            return value / later * self.spot - terms.option_value
        return value - terms.option_value

    def _shocked_volatility(self, account: int, terms: Contract, shift: float) -> float:
        """Return the volatility in a scenario: the nearer the expiry, the further it moves."""
        if shift == 0.0:
            return terms.implied_volatility
        rules = self.venue_of(account).portfolio
        days = max(terms.years * _DAYS_OF_YEAR, 1.0)
        power = rules["short_power" if days < _NEAR_DAYS else "long_power"]
        factor = max(1.0 + shift * (_NEAR_DAYS / days) ** power, 0.0)
        shifted = terms.implied_volatility * factor
        return max(shifted, rules["least_shocked_volatility"]) if shift > 0.0 else shifted

    # --- What an account may do --------------------------------------------------------------

    def may_trade(self, account: int, contract: int, lots: int) -> bool:
        """Return whether the margin carries what an order of signed lots could lead to.

        Who only brings a position closer to zero may always do so, unless the liquidation engine
        does it already. What is paid at once (a spot coin, an option) must be there besides.
        """
        payer = self.payer(account)
        owner = self.accounts[payer]
        if not owner.margined:
            return True
        if owner.liquidating:
            return False
        held = self.holding(account, contract)
        after = held + lots
        if after == 0 or (after * held > 0 and abs(after) <= abs(held)):
            return True
        terms = self.contracts[contract]
        if owner.mode == MARGIN_ISOLATED:
            return self._can_set_aside(account, contract, lots)
        price = 0
        # In a portfolio margin an option counts with its value, which is what was paid for it.
        is_counted = terms.is_option and owner.mode == MARGIN_PORTFOLIO
        if lots > 0 and (terms.is_option or terms.kind == SPOT) and not is_counted:
            price = self._price_of(account, contract, lots)
        return self.margin_balance(payer) - price >= self.initial_margin(account, contract, lots)

    def _price_of(self, account: int, contract: int, lots: int) -> int:
        """Return by how much the margin falls when something is paid for: its value at the mark.

        Coins that are bought count as margin themselves, as far as coins do.
        """
        terms = self.contracts[contract]
        price = self.in_quote(terms.notional(lots), terms.currency)
        if terms.kind == SPOT:
            price -= math.floor(price * self.collateral_rate(account, COIN))
        return price

    def _can_set_aside(self, account: int, contract: int, lots: int) -> bool:
        """Return whether free cash pays for what an isolated position still needs."""
        terms, position = self.contracts[contract], self.accounts[account].position(contract)
        after = self.holding(account, contract) + lots
        needed = self.position_initial(account, contract, after)
        needed -= self.in_quote(position.margin, terms.currency)
        if lots > 0 and (terms.is_option or terms.kind == SPOT):
            needed += self.in_quote(terms.notional(lots), terms.currency)
        free = self.free_cash(account, terms.currency)
        return self.in_quote(free, terms.currency) >= needed

    # --- Isolated margin ---------------------------------------------------------------------

    def free_cash(self, account: int, currency: int) -> int:
        """Return the cash that is not set aside for a position (quanta)."""
        payer = self.payer(account)
        aside = sum(
            position.margin
            for _, _, terms, position in self.listed(payer)
            if terms.currency == currency
        )
        return self.accounts[payer].cash[currency] - aside

    def set_aside(self, account: int, contract: int) -> None:
        """After a trade, bring an isolated position's margin to the initial margin, cash allowing.

        It is only ever raised here: what closes has released its share already.
        """
        owner, terms = self.accounts[account], self.contracts[contract]
        if owner.mode != MARGIN_ISOLATED or not terms.tiers:
            return
        position = owner.position(contract)
        rate = self.initial_rate(account, contract, position.quantity)
        needed = math.floor(terms.notional(position.quantity) * rate)
        free = self.free_cash(account, terms.currency)
        position.margin += max(min(needed - position.margin, free), 0)

    def draw_on_margins(self, account: int) -> None:
        """Let margins set aside pay for what free cash could not: funding, fees and losses.

        They are part of the cash, so cash that is gone cannot stand behind a position. The first
        position pays first.
        """
        for _, _, terms, position in self.listed(account):
            short = -self.free_cash(account, terms.currency)
            if short > 0:
                position.margin -= min(short, position.margin)

    def isolated_worth(self, account: int, contract: int) -> int:
        """Return margin and gain of an isolated position (quanta of its currency)."""
        margin = self.accounts[account].position(contract).margin
        return margin + self.gain(account, contract)

    # --- Transfers ---------------------------------------------------------------------------

    def withdrawable(self, account: int, currency: int) -> int:
        """Return what may be withdrawn: cash beyond the initial margin; the bonus never."""
        owner = self.accounts[account]
        free = self.free_cash(account, currency)
        if not owner.margined or owner.mode == MARGIN_ISOLATED:
            return max(free, 0)
        excess = self.margin_balance(account) - owner.bonus - self.initial_margin(account)
        worth = self.in_quote(free, currency)
        if worth <= 0 or excess >= worth:
            return max(free, 0)
        return max(free * excess // worth, 0)

    def transfer(self, source: int, target: int, currency: int, amount: int) -> bool:
        """Send money to another account; returns whether it was allowed."""
        allowed = 0 < amount <= self.withdrawable(source, currency)
        if allowed and not self.venue_of(source).transfers_halted:
            self.send(source, target, currency, amount)
            return True
        return False

    # --- Funding that nobody has asked for yet -----------------------------------------------

    def settle_all_funding(self, account: int) -> None:
        """Let an account pay its continuous funding of all contracts up to now."""
        for number, terms in enumerate(self.contracts):
            if terms.funding == FUNDING_CONTINUOUS:
                for leg in self.legs(account):
                    self.settle_funding(number, leg)
