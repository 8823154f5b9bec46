"""What a scenario file may say: price, options, markets, accounts, and a timeline of shocks."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from gammagym.quantities import (
    Duration,
    Exact,
    Model,
    Moment,
    Problems,
    Rate,
    Span,
    format_duration,
)
from gammagym.scenario.arbitrageurs import MOST_ARBITRAGEURS, ArbitrageurSpec
from gammagym.scenario.carry import CarryTerms
from gammagym.scenario.crowd import CrowdSpec
from gammagym.scenario.hedgers import MOST_HEDGERS, HedgerSpec
from gammagym.scenario.markets import MOST_MARKETS, MarketSpec
from gammagym.scenario.options import Options, arbitrage
from gammagym.scenario.order_flow import Flow
from gammagym.scenario.prices import Price
from gammagym.scenario.ranges import Range
from gammagym.scenario.record import MOST_FACTS, RecordedFact, check_roles
from gammagym.scenario.shocks import MOST_SHOCKS, Shock
from gammagym.venues.dates import Instant

LONGEST_PURPOSE = 200
_MINUTE_NS = 60_000_000_000

# Of an account: every discount that its venue has.
ALL_DISCOUNTS = ("all",)

Amount = Annotated[Exact, Field(ge=0, le=10**10)]


class AccountTerms(Model):
    """What a competitor's account at the venue is like: history, discounts, bonuses, margin."""

    volume: Amount = Field(
        default=Decimal(0), description="traded in the last 30 days, for the fee ladder (quote)"
    )
    discounts: tuple[str, ...] = Field(
        default=(),
        strict=False,
        description='fee discounts of the venue it has: ["token"]; ["all"]: every one',
    )
    bonus: Amount = Field(
        default=Decimal(0), description="trading bonus that counts as margin, not paid out (quote)"
    )
    fee_credit: Amount = Field(
        default=Decimal(0), description="bonus that fees are taken from first (quote)"
    )
    margin: Literal["cross", "isolated", "portfolio"] | None = Field(
        default=None, description="margin mode; left out: cross, or else the venue's first"
    )
    position_mode: Literal["one_way", "hedge"] = Field(
        default="one_way",
        description="one position in a contract, or a long one beside a short one (only in a "
        "market by hand)",
    )
    joint: bool = Field(
        default=False,
        description="one account for book and hedge, so that they share margin; with margin "
        "'portfolio' it always is",
    )
    leverage: float | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="leverage of new positions; left out: the highest their tier allows",
    )

    @model_validator(mode="after")
    def _discounts_are_named_once(self) -> AccountTerms:
        problems = Problems(self)
        if len(set(self.discounts)) < len(self.discounts):
            problems.add("discounts", "name each once")
        if "all" in self.discounts and self.discounts != ALL_DISCOUNTS:
            problems.add("discounts", '"all" stands alone: it is every discount of the venue')
        problems.raise_if_any()
        return self


class Scenario(Model):
    """What happens to the market in an episode."""

    name: str = Field(min_length=1, description="name of the scenario; by default its file's")
    purpose: str = Field(
        min_length=1, max_length=LONGEST_PURPOSE, description="one line: what it is for"
    )
    group: Literal["everyday", "stress", "history", "market"] | None = Field(
        default=None, description="where it stands in the catalogue; left out: nowhere"
    )
    venue: str = Field(
        default="generic", min_length=1, description="name or path of the venue's rules"
    )
    book_venue: str | None = Field(
        default=None,
        min_length=1,
        description="venue that holds the book; left out: the venue, if it lists all of it, else "
        "'generic'",
    )
    start: Instant | None = Field(
        default=None,
        description="date and time of the beginning, UTC if it says no other; left out: the Monday "
        "after the date of the venue's rules",
    )
    account: AccountTerms = Field(
        default=AccountTerms(), description="what the competitor's account at the venue is like"
    )
    rules: dict[str, Any] = Field(
        default={},
        description='rules of the venue that are otherwise here, by dotted key: {taker_fee = "1%"}',
    )
    price: Price = Field(description="the fundamental price")
    options: Options = Field(
        default=Options(), description="how options are priced, quoted and traded"
    )
    flow: Flow = Field(default=Flow(), description="background order flow of what is hedged with")
    markets: tuple[MarketSpec, ...] = Field(
        default=(),
        strict=False,
        max_length=MOST_MARKETS,
        description="further books: spot, perpetual, dated futures, options",
    )
    crowd: CrowdSpec | None = Field(
        default=None,
        description="the leveraged crowd: positions spread over liquidation prices; left out: none",
    )
    hedgers: tuple[HedgerSpec, ...] = Field(
        default=(),
        strict=False,
        max_length=MOST_HEDGERS,
        description="dealers who hedge options with the perpetual, and so move its price",
    )
    carry: CarryTerms = Field(
        default=CarryTerms(), description="how far dated futures are above the price"
    )
    arbitrageurs: tuple[ArbitrageurSpec, ...] = Field(
        default=(),
        strict=False,
        max_length=MOST_ARBITRAGEURS,
        description="who trades two of the books against each other",
    )
    funding: Annotated[Rate, Field(ge=Decimal("-0.05"), le=Decimal("0.05"))] | None = Field(
        default=None,
        description="imposed funding rate of each interval, positive: longs pay shorts; left out: "
        "as the venue finds it, 0.01% where its method is 'imposed'",
    )
    warmup: Duration = Field(
        default=20_000_000_000,
        ge=0,
        le=60 * _MINUTE_NS,
        description="time the market runs before the episode begins",
    )
    jitter: Moment = Field(
        default=Span(), description="longest delay of the whole timeline; the seed draws the delay"
    )
    shocks: tuple[Shock, ...] = Field(
        default=(), strict=False, max_length=MOST_SHOCKS, description="timeline of shocks"
    )
    ranges: dict[str, Range] = Field(
        default={},
        description="keys that the seed draws from a distribution, by dotted key; a range may also "
        "stand in the place of its value",
    )
    record: tuple[RecordedFact, ...] = Field(
        default=(),
        strict=False,
        max_length=MOST_FACTS,
        description="figures of the real event that it is modelled on",
    )

    @property
    def has_several_markets(self) -> bool:
        """Whether there is more than one book and its crowd: other books, or participants."""
        return bool(self.markets or self.crowd or self.hedgers or self.arbitrageurs)

    @model_validator(mode="after")
    def _options_have_a_volatility(self) -> Scenario:
        problems = Problems(self)
        of_price = self.price.long_run_volatility()
        own = self.options.parameters(math.nan if of_price is None else of_price)
        level = own["implied_volatility"]
        if level == 0:
            problems.add("options", "implied_volatility must be given when price.volatility is 0")
        elif not math.isnan(level):  # that of a replay is known with its file only
            problem = arbitrage(own)
            if problem is not None:
                problems.add("options", problem)
        problems.raise_if_any()
        return self

    @model_validator(mode="after")
    def _outcomes_are_not_imposed(self) -> Scenario:
        problems = Problems(self)
        check_roles(self.record, self.shocks, self.funding is not None, problems.add)
        problems.raise_if_any()
        return self

    @model_validator(mode="after")
    def _hedgers_look_no_more_often_than_the_price_moves(self) -> Scenario:
        problems = Problems(self)
        for place, hedger in enumerate(self.hedgers):
            if hedger.interval < self.price.tick:
                problems.add(
                    f"hedgers.{place}.interval",
                    f"must be at least price.tick, {format_duration(self.price.tick)}: hedgers act "
                    "at price ticks",
                )
        if sum(hedger.count for hedger in self.hedgers) > MOST_HEDGERS:
            problems.add(
                "hedgers", f"the counts of all of them must be at most {MOST_HEDGERS} together"
            )
        problems.raise_if_any()
        return self
