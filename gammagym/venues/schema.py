"""What a venue file may say: fees, latencies, margins, and the terms of what it lists."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field, model_validator

from gammagym.quantities import (
    Duration,
    Exact,
    Model,
    Problems,
    Rate,
    format_duration,
    parse_duration,
)
from gammagym.world import LATENCY_SAMPLES, LONGEST_LATENCY_NS

QUANTUM = Decimal("0.00000001")
_HOUR_NS = 3_600_000_000_000
_DAY_NS = 24 * _HOUR_NS

Size = Annotated[Exact, Field(gt=0, le=10**9)]
Margin = Annotated[Rate, Field(gt=0, le=1)]
Delay = Annotated[Duration, Field(ge=0, le=LONGEST_LATENCY_NS)]


class Latency(Model):
    """How long messages take on one way: a median or a table of samples, and jitter on top."""

    median: Delay | None = Field(
        default=None, description="constant without sigma, else median of a lognormal"
    )
    sigma: float = Field(
        default=0.0, ge=0, le=3, description="lognormal: standard deviation of the logarithm"
    )
    minimum: Delay = Field(
        default=0, description="lognormal: floor; what varies is the part of the median above it"
    )
    samples: tuple[Delay, ...] | None = Field(
        default=None,
        strict=False,
        min_length=1,
        max_length=LATENCY_SAMPLES,
        description=f"instead of a median: a list of up to {LATENCY_SAMPLES}, equally likely",
    )
    jitter: Delay = Field(default=0, description="added on top, uniform from nothing to this")

    @model_validator(mode="after")
    def _is_a_median_or_a_table(self) -> Latency:
        problems = Problems(self)
        if self.samples is None:
            problems.need("median", 'a latency needs a median, such as "20ms", or samples')
            if self.median is not None and self.minimum > self.median:
                problems.add("minimum", f"must be <= the median, {format_duration(self.median)}")
        else:
            problems.forbid("median", "a table of samples has none")
            if self.sigma:
                problems.add("sigma", "must not be given: a table of samples has none")
            if self.minimum:
                problems.add("minimum", "must not be given: a table of samples has none")
        problems.raise_if_any()
        return self


def _parse_latency(value: object) -> Any:
    """Read a duration as a latency that does not vary; a table is for the model to read."""
    if isinstance(value, dict | Latency):
        return cast(Any, value)
    if parse_duration(value) > LONGEST_LATENCY_NS:
        raise ValueError(f"must be <= {format_duration(LONGEST_LATENCY_NS)}")
    return {"median": value}


Way = Annotated[Latency, BeforeValidator(_parse_latency, json_schema_input_type=str | Latency)]


class OrderRules(Model):
    """What orders may do, how they are matched, how many there may be (docs/rules/matching)."""

    amend_keeps_priority: bool = Field(
        default=False,
        description="whether an order made no larger at the same price keeps its place",
    )
    post_only: Literal["reject", "slide"] = Field(
        default="reject", description="what happens to a post-only order that would trade"
    )
    self_trade: Literal["allow", "expire_taker", "expire_maker", "expire_both", "decrement"] = (
        Field(default="expire_maker", description="what happens when an account meets itself")
    )
    self_trade_decides: Literal["taker", "maker"] = Field(
        default="taker", description="whose self-trade mode counts when an order sets one"
    )
    cancel_on_disconnect: bool = Field(
        default=False, description="whether the orders of an account that disconnects are canceled"
    )
    maximum_orders: int = Field(
        default=0, ge=0, le=10**6, description="resting orders of an account in one book; 0: any"
    )
    maximum_waiting: int = Field(
        default=0, ge=0, le=10**6, description="orders that wait for a trigger, likewise; 0: any"
    )
    iceberg_parts: int = Field(
        default=100, ge=1, le=10**6, description="most that an iceberg has, in times what it shows"
    )
    rate_burst: int = Field(
        default=1, ge=1, le=10**6, description="messages an account may send at once to one book"
    )
    rate_interval: Duration = Field(
        default=0,
        ge=0,
        le=_HOUR_NS,
        description='time after which it may send one more; "0s": no limit',
    )


class Listing(Model):
    """Grid of prices and sizes of one kind of instrument."""

    tick: Size = Field(description="smallest step of the price (quote currency per unit)")
    lot: Size = Field(description="smallest step of the quantity (units of the underlying)")
    minimum_quantity: Size | None = Field(
        default=None, description="smallest quantity of an order (units); left out: one lot"
    )
    maximum_quantity: Size | None = Field(
        default=None, description="largest quantity of an order (units); left out: any"
    )
    minimum_notional: Size | None = Field(
        default=None, description="smallest price times quantity of a limit order; left out: any"
    )
    price_band: Margin | None = Field(
        default=None,
        description="how far above the mark buyers may bid, or below it sellers may ask (share)",
    )
    market_protection: Margin = Field(
        default=Decimal("0.05"),
        description="how far through the touch a market order reaches (share of the mark)",
    )
    matching: Literal["price_time", "pro_rata"] = Field(
        default="price_time", description="who trades first at one price"
    )
    top_share: Rate = Field(
        default=Decimal(0), ge=0, le=1, description="pro-rata: share of the top order"
    )
    top_maximum: Size | None = Field(
        default=None, description="pro-rata: most that the top order gets first (units)"
    )
    pro_rata_minimum: Exact = Field(
        default=Decimal(0),
        ge=0,
        le=10**9,
        description="pro-rata: smaller shares are nothing (units)",
    )

    @model_validator(mode="after")
    def _values_are_whole_quanta(self) -> Listing:
        value = self.tick * self.lot
        if value % QUANTUM:
            problems = Problems(self)
            problems.add(
                "tick",
                f"tick {self.tick:f} x lot {self.lot:f} = {value:f}, which must be a whole number "
                "of quanta (0.00000001 of the currency, the unit money is counted in): "
                "take a larger tick or lot",
            )
            problems.raise_if_any()
        return self


class PerpetualListing(Listing):
    """Terms of linear perpetuals."""

    initial_margin: Margin = Field(
        description='margin needed to open, share of the notional: "2%" allows a leverage of 50'
    )
    maintenance_margin: Margin = Field(
        description="margin below which a position is liquidated, share of the notional"
    )
    funding_interval: Duration = Field(
        ge=0, le=30 * _DAY_NS, description='time between funding payments; "0s": never'
    )

    @model_validator(mode="after")
    def _maintenance_is_below_initial(self) -> PerpetualListing:
        if self.maintenance_margin >= self.initial_margin:
            problems = Problems(self)
            problems.add(
                "maintenance_margin",
                "must be less than initial_margin "
                f"({self.initial_margin * 100:f}%), or positions are liquidated as they open",
            )
            problems.raise_if_any()
        return self


class Venue(Model):
    """The rules of one exchange."""

    name: str = Field(min_length=1, description="name of the venue; by default that of its file")
    purpose: str = Field(min_length=1, max_length=200, description="one line: what it stands for")
    as_of: datetime.date = Field(strict=False, description="date on which the rules were such")
    sources: tuple[str, ...] = Field(strict=False, description="where the figures come from")
    maker_fee: Rate = Field(
        ge=Decimal("-0.01"),
        le=Decimal("0.1"),
        description="fee on the notional of a trade whose order rested; negative: a rebate",
    )
    taker_fee: Rate = Field(
        ge=0, le=Decimal("0.1"), description="fee on the notional of a trade whose order took"
    )
    order_latency: Way = Field(description="time an instruction takes to the matching engine")
    cancel_latency: Way | None = Field(
        default=None, description="the same for cancels; left out: as order_latency"
    )
    data_latency: Way = Field(description="time market data takes to an agent")
    acknowledgement_latency: Way | None = Field(
        default=None, description="time the answer takes to an agent; left out: as data_latency"
    )
    liquidation_fee: Rate = Field(
        ge=0, le=Decimal("0.1"), description="share of a liquidated notional paid to insurance"
    )
    orders: OrderRules = Field(
        default_factory=OrderRules, description="what orders may do and how they are matched"
    )
    perpetual: PerpetualListing = Field(description="terms of perpetuals")
    spot: Listing = Field(description="terms of spot")
    option: Listing = Field(description="terms of options")

    @model_validator(mode="after")
    def _a_rebate_is_paid_by_the_taker(self) -> Venue:
        if -self.maker_fee > self.taker_fee:
            problems = Problems(self)
            problems.add(
                "maker_fee",
                f"a rebate may not exceed taker_fee ({self.taker_fee * 100:f}%), "
                "or trading with oneself earns money",
            )
            problems.raise_if_any()
        return self
