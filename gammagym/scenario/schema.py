"""What a scenario file may say: price, options, markets, accounts, and a timeline of shocks."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from gammagym.quantities import (
    Duration,
    Exact,
    Model,
    Moment,
    Percent,
    Problems,
    Rate,
    Span,
    format_duration,
    parse_span,
)
from gammagym.scenario.arbitrageurs import MOST_ARBITRAGEURS, ArbitrageurSpec
from gammagym.scenario.carry import CarryTerms
from gammagym.scenario.crowd import CrowdSpec
from gammagym.scenario.hedgers import MOST_HEDGERS, HedgerSpec
from gammagym.scenario.markets import MOST_MARKETS, MarketSpec
from gammagym.scenario.options import Options, arbitrage
from gammagym.scenario.order_flow import Flow
from gammagym.scenario.prices import Price
from gammagym.venues.dates import Instant

NEVER = "never"
MOST_SHOCKS = 8
_MINUTE_NS = 60_000_000_000

# Of an account: every discount that its venue has.
ALL_DISCOUNTS = ("all",)
# Shocks that are a return; the others are a factor.
_MOVES = ("price", "index")

Amount = Annotated[Exact, Field(ge=0, le=10**10)]


def _parse_recovery(value: object) -> Span | None:
    if value is None or value == NEVER:
        return None
    try:
        return parse_span(value)
    except ValueError as error:
        raise ValueError(f'{error}, or "{NEVER}"') from error


def _format_recovery(recovery: Span | None) -> str:
    return NEVER if recovery is None else str(recovery)


Recovery = Annotated[
    Span | None,
    BeforeValidator(_parse_recovery, json_schema_input_type=str),
    PlainSerializer(_format_recovery, return_type=str),
]


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


class Shock(Model):
    """One event of the timeline: it ramps up, holds, and recovers."""

    kind: Literal["price", "spread", "depth", "index", "transfers"] = Field(
        description="what it acts on; index: one of the sources of the index price; transfers "
        "between venues are halted"
    )
    at: Moment = Field(description='when it begins: "40%" of the episode, "90min", "40%+5min"')
    ramp: Moment = Field(default=Span(), description="time to full strength")
    hold: Moment = Field(default=Span(), description="time at full strength")
    recovery: Recovery = Field(
        default=None, description='time back to nothing, or "never": it stays'
    )
    move: Percent | None = Field(
        default=None,
        gt=-1,
        le=10,
        description='price, index: simple return at full strength, such as "-12%"',
    )
    multiple: float | None = Field(
        default=None, gt=0, le=10_000, description="spread, depth: factor at full strength"
    )

    @property
    def magnitude(self) -> float:
        """Logarithm of the price ratio or of the multiple at full strength."""
        if self.kind in _MOVES:
            return math.log1p(float(self.move or 0))
        return math.log(self.multiple or 1.0)

    @model_validator(mode="after")
    def _strength_fits_the_kind(self) -> Shock:
        problems = Problems(self)
        if self.kind in _MOVES:
            problems.need("move", f'a shock of {self.kind} needs a return, such as "-12%"')
            problems.forbid("multiple", f"a shock of {self.kind} has a 'move'")
        elif self.kind == "transfers":
            for key in ("move", "multiple"):
                problems.forbid(key, "transfers are halted or not: there is no strength to give")
        else:
            problems.need("multiple", f"a {self.kind} shock needs a factor, such as 10 or 0.1")
            problems.forbid("move", f"a {self.kind} shock has a 'multiple'")
        problems.raise_if_any()
        return self


class Scenario(Model):
    """What happens to the market in an episode."""

    name: str = Field(min_length=1, description="name of the scenario; by default its file's")
    purpose: str = Field(min_length=1, max_length=200, description="one line: what it is for")
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
