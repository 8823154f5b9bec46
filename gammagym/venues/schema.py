"""What a venue file may say: the whole of it, and the rules across its tables."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from gammagym.quantities import Problems
from gammagym.venues.calendar import Calendar
from gammagym.venues.dates import (
    CALLS_AND_PUTS,
    Change,
    Listed,
    check_changes,
    check_instruments,
    rates_after,
)
from gammagym.venues.fees import FeeTier, check_fee_tiers, check_rebate
from gammagym.venues.keys import unknown_key
from gammagym.venues.latency import Latency, Way
from gammagym.venues.liquidation import Liquidation
from gammagym.venues.listings import (
    FutureListing,
    Listing,
    OptionListing,
    PerpetualListing,
)
from gammagym.venues.margins import MarginRules
from gammagym.venues.marks import Index
from gammagym.venues.orders import OrderRules
from gammagym.venues.portfolio import PortfolioMargin
from gammagym.venues.section import Section, rule
from gammagym.venues.units import MakerFee, Share, TakerFee, Window

__all__ = ["Latency", "Listing", "OrderRules", "Venue"]

Currency = Annotated[str, Field(pattern="^[A-Z0-9]{2,10}$")]


class Venue(Section):
    """The rules of one exchange."""

    name: str = Field(min_length=1, description="name of the venue; by default that of its file")
    purpose: str = Field(min_length=1, max_length=200, description="one line: what it stands for")
    as_of: datetime.date = Field(strict=False, description="date on which the rules were such")
    sources: tuple[str, ...] = Field(strict=False, description="where the figures come from")
    unverified: tuple[str, ...] = Field(
        default=(),
        strict=False,
        description='dotted keys whose figures no source confirms, such as "perpetual.tiers"',
    )
    quote: Currency = Field(default="USD", description="currency that prices are quoted in")
    coin: Currency = Field(default="BTC", description="the coin")
    maker_fee: MakerFee = Field(
        description="fee on the notional of a trade whose order rested; negative: a rebate"
    )
    taker_fee: TakerFee = Field(description="fee on the notional of a trade whose order took")
    fee_tiers: tuple[FeeTier, ...] = Field(
        default=(), strict=False, description="lower fees of those who trade more, volumes rising"
    )
    discounts: dict[str, Share] = Field(
        default={}, description='share taken off the fees, by name: {token = "10%"}'
    )
    order_latency: Way = Field(description="time an instruction takes to the matching engine")
    cancel_latency: Way | None = Field(
        default=None, description="the same for cancels; left out: as order_latency"
    )
    data_latency: Way = Field(description="time market data takes to an agent")
    acknowledgement_latency: Way | None = Field(
        default=None, description="time the answer takes to an agent; left out: as data_latency"
    )
    liquidation_fee: TakerFee = Field(
        description="share of a liquidated notional paid to insurance"
    )
    orders: OrderRules = Field(
        default_factory=OrderRules, description="what orders may do and how they are matched"
    )
    margin: MarginRules = Field(
        default=MarginRules(), description="how positions can be margined and counted"
    )
    collateral: dict[str, Share] = Field(
        default={},
        description="share of each currency's value that counts as margin; left out: all of the "
        "quote currency (inverse contracts: of the coin)",
    )
    liquidation: Liquidation = Field(
        default=Liquidation(), description="how accounts that lack margin are closed"
    )
    index: Index = Field(default=Index(), description="the average of spot prices elsewhere")
    transfer_time: Window = Field(
        default=600_000_000_000, description="time a transfer to another venue takes"
    )
    calendar: Calendar | None = Field(
        default=None, description="when the venue trades; left out: always"
    )
    portfolio_margin: PortfolioMargin | None = Field(
        default=None, description="scenarios of margin mode 'portfolio'"
    )
    perpetual: PerpetualListing | None = Field(
        default=None, description="terms of perpetuals; left out: none are listed"
    )
    future: FutureListing | None = Field(
        default=None, description="terms of dated futures; left out: none are listed"
    )
    spot: Listing | None = Field(
        default=None, description="terms of spot; left out: it is not traded"
    )
    option: OptionListing | None = Field(
        default=None, description="terms of options; left out: none are listed"
    )
    changes: tuple[Change, ...] = Field(
        default=(), strict=False, description="rules that change on a date, in order"
    )
    instruments: tuple[Listed, ...] = Field(
        default=(), strict=False, description="instruments that are listed until a date"
    )

    @rule
    def _something_to_hedge_with(self, problems: Problems) -> None:
        if self.perpetual is None and self.future is None:
            problems.add("perpetual", "is missing: give [perpetual] or [future], to hedge with")

    @rule
    def _a_rebate_is_paid_by_the_taker(self, problems: Problems) -> None:
        check_rebate(problems, "maker_fee", self.maker_fee, self.taker_fee)

    @rule
    def _so_is_that_of_a_perpetual(self, problems: Problems) -> None:
        self._check_own_fees(problems, "perpetual", self.perpetual)

    @rule
    def _so_is_that_of_a_future(self, problems: Problems) -> None:
        self._check_own_fees(problems, "future", self.future)

    @rule
    def _so_is_that_of_spot(self, problems: Problems) -> None:
        self._check_own_fees(problems, "spot", self.spot)

    @rule
    def _so_is_that_of_an_option(self, problems: Problems) -> None:
        self._check_own_fees(problems, "option", self.option)

    def _check_own_fees(self, problems: Problems, key: str, listing: Listing | None) -> None:
        if listing is None or listing.maker_fee is listing.taker_fee is None:
            return
        maker = self.maker_fee if listing.maker_fee is None else listing.maker_fee
        taker = self.taker_fee if listing.taker_fee is None else listing.taker_fee
        check_rebate(problems, f"{key}.maker_fee", maker, taker)

    @rule
    def _fees_fall_with_volume(self, problems: Problems) -> None:
        check_fee_tiers(problems, self.fee_tiers, self.maker_fee, self.taker_fee)

    @rule
    def _a_ladder_is_the_only_fee_of_a_perpetual(self, problems: Problems) -> None:
        if self.perpetual is None or not self.fee_tiers:
            return
        for key in ("maker_fee", "taker_fee"):
            if getattr(self.perpetual, key) is not None:
                problems.add(
                    f"perpetual.{key}", f"with fee_tiers there is one fee for all: give {key}"
                )

    @rule
    def _futures_pay_what_perpetuals_pay(self, problems: Problems) -> None:
        if self.perpetual is None or self.future is None:
            return
        for key in ("maker_fee", "taker_fee"):
            if getattr(self.future, key) is not None:
                problems.add(
                    f"future.{key}",
                    "futures pay what perpetuals pay: leave it out, and give the perpetual's",
                )

    @rule
    def _two_currencies(self, problems: Problems) -> None:
        if self.quote == self.coin:
            problems.add("coin", f"must be another currency than quote, {self.quote!r}")

    @rule
    def _collateral_is_money_of_the_venue(self, problems: Problems) -> None:
        for currency in self.collateral:
            if currency not in (self.quote, self.coin):
                problems.add(
                    f"collateral.{currency}",
                    f"is not a currency of this venue: take quote, {self.quote!r}, "
                    f"or coin, {self.coin!r}",
                )

    @rule
    def _portfolio_margin_has_scenarios(self, problems: Problems) -> None:
        if "portfolio" in self.margin.modes:
            problems.need("portfolio_margin", "margin.modes has 'portfolio', which needs its table")

    @rule
    def _changes_are_in_order(self, problems: Problems) -> None:
        check_changes(problems, self.changes)

    @rule
    def _changed_fees_keep_the_rules(self, problems: Problems) -> None:
        fees = {"maker_fee": self.maker_fee, "taker_fee": self.taker_fee}
        for place, after in rates_after(self.changes, {**fees}):
            maker, taker = after["maker_fee"] or Decimal(0), after["taker_fee"] or Decimal(0)
            check_rebate(problems, f"changes.{place}.value", maker, taker)

    @rule
    def _changed_funding_keeps_the_rules(self, problems: Problems) -> None:
        if self.perpetual is None:
            for place, change in enumerate(self.changes):
                if change.key.startswith("perpetual."):
                    problems.add(f"changes.{place}.key", "there is no [perpetual] in this file")
            return
        funding = self.perpetual.funding
        clamp, cap = "perpetual.funding.clamp", "perpetual.funding.cap"
        for place, after in rates_after(self.changes, {clamp: funding.clamp, cap: funding.cap}):
            if (after[clamp] or 0) > (Decimal(1) if after[cap] is None else after[cap] or 0):
                problems.add(f"changes.{place}.value", "clamp wider than the cap from then on")

    @rule
    def _instruments_are_alive(self, problems: Problems) -> None:
        check_instruments(problems, self.instruments, self.as_of)

    @rule
    def _futures_have_terms(self, problems: Problems) -> None:
        if self.future is None:
            self._refuse_kinds(problems, ("future",), "future")

    @rule
    def _options_have_terms(self, problems: Problems) -> None:
        if self.option is None:
            self._refuse_kinds(problems, CALLS_AND_PUTS, "option")
            return
        for place, one in enumerate(self.instruments):
            if one.strike is not None and one.strike % self.option.tick:
                problems.add(
                    f"instruments.{place}.strike",
                    f"must be a multiple of option.tick, {self.option.tick:f}",
                )

    def _refuse_kinds(self, problems: Problems, kinds: tuple[str, ...], section: str) -> None:
        for place, one in enumerate(self.instruments):
            if one.kind in kinds:
                problems.add(f"instruments.{place}.kind", f"needs [{section}], which gives terms")

    @rule
    def _unverified_names_keys(self, problems: Problems) -> None:
        for place, key in enumerate(self.unverified):
            reason = unknown_key(self, key)
            if reason:
                problems.add(f"unverified.{place}", reason)

    def complete(self) -> None:
        """Take the currency of the contracts as the only collateral if none is named."""
        main = self.perpetual or self.future
        if not self.collateral and main is not None:
            currency = self.coin if main.contract == "inverse" else self.quote
            vars(self)["collateral"] = {currency: Decimal(1)}
