"""Terms of what a venue lists: spot, perpetuals, dated futures, options."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from gammagym.quantities import Duration, Exact, Problems, Rate, format_percent
from gammagym.venues.margins import Tier, amounts, check_tiers
from gammagym.venues.marks import Funding, Mark
from gammagym.venues.section import Section, rule
from gammagym.venues.units import (
    DAY_NS,
    QUANTUM,
    MakerFee,
    Share,
    Size,
    TakerFee,
    Window,
)
from gammagym.world.sizes import BREAKERS

_HALF_AN_HOUR_NS = 1_800_000_000_000


class Listing(Section):
    """Grid of prices and sizes of one kind of instrument."""

    tick: Size = Field(description="smallest step of the price (quote currency per unit)")
    lot: Size = Field(
        description="smallest step of the quantity (units of the underlying; inverse: contracts)"
    )
    maker_fee: MakerFee | None = Field(
        default=None, description="fee of an order that rested; left out: the venue's"
    )
    taker_fee: TakerFee | None = Field(
        default=None, description="fee of an order that took; left out: the venue's"
    )
    minimum_quantity: Size | None = Field(
        default=None, description="smallest quantity of an order (units); left out: one lot"
    )
    maximum_quantity: Size | None = Field(
        default=None, description="largest quantity of an order (units); left out: any"
    )
    minimum_notional: Size | None = Field(
        default=None, description="smallest price times quantity of a limit order; left out: any"
    )
    price_band: Share | None = Field(
        default=None,
        description="how far above the mark buyers may bid, or below it sellers may ask (share)",
    )
    market_protection: Share = Field(
        default=Decimal("0.05"),
        description="how far through the touch a market order reaches (share of the mark)",
    )
    breaker_moves: tuple[Share, ...] = Field(
        default=(),
        strict=False,
        max_length=BREAKERS,
        description="circuit breaker: moves from the day's first price at which trading pauses, "
        'each once a day, such as ["7%", "13%"]',
    )
    breaker_pause: Window = Field(
        default=120_000_000_000, description="circuit breaker: how long trading pauses"
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

    @rule
    def _breakers_rise(self, problems: Problems) -> None:
        for place, move in enumerate(self.breaker_moves[1:], start=1):
            if move <= self.breaker_moves[place - 1]:
                problems.add(f"breaker_moves.{place}", "must be above the one before")

    @rule
    def _values_are_whole_quanta(self, problems: Problems) -> None:
        value = self.tick * self.lot
        if value % QUANTUM:
            problems.add(
                "tick",
                f"tick {self.tick:f} x lot {self.lot:f} = {value:f}, which must be a whole number "
                "of quanta (0.00000001 of the currency, the unit money is counted in): "
                "take a larger tick or lot",
            )


class DerivativeListing(Listing):
    """Terms that perpetuals and dated futures share."""

    contract: Literal["linear", "inverse"] = Field(
        default="linear",
        description="linear: paid in the quote currency; inverse: quantities are contracts of "
        "`face`, paid in the coin",
    )
    face: Size | None = Field(
        default=None, description="inverse: value of one contract (quote currency)"
    )
    initial_margin: Share | None = Field(
        default=None,
        description='without tiers: margin needed to open, share of the notional: "2%" allows a '
        "leverage of 50; with tiers: that of the first",
    )
    maintenance_margin: Share | None = Field(
        default=None,
        description="without tiers: margin below which a position is liquidated, share of the "
        "notional; with tiers: that of the first",
    )
    tiers: tuple[Tier, ...] = Field(
        default=(),
        strict=False,
        description="instead of the two margins: tiers of rising margin for larger positions",
    )
    leverage: float | None = Field(
        default=None,
        gt=0,
        description="leverage of new positions; left out: the highest that their tier allows",
    )
    margin_slope: Annotated[Rate, Field(ge=0, le=1)] = Field(
        default=Decimal(0), description="added to both margin rates for each unit of the underlying"
    )
    mark: Mark = Field(default=Mark(), description="price at which positions are valued")

    @rule
    def _values_are_whole_quanta(self, problems: Problems) -> None:
        if self.contract == "linear":
            super()._values_are_whole_quanta(problems)
            problems.forbid("face", "only contract 'inverse' has a value in the quote currency")
            return
        problems.need("face", "contract 'inverse' needs the value of a contract, such as \"100\"")
        if self.lot % 1:
            problems.add("lot", "must be a whole number of contracts: contract is 'inverse'")
        if self.face is not None and (self.face / self.tick / QUANTUM) % 1:
            problems.add(
                "tick",
                f"face {self.face:f} / tick {self.tick:f} must be a whole number of quanta "
                "(0.00000001 of the coin): take a tick that divides the face",
            )

    @rule
    def _margins_are_given_in_one_way(self, problems: Problems) -> None:
        if "tiers" in self.model_fields_set and self.tiers:
            for key in {"initial_margin", "maintenance_margin"} & self.model_fields_set:
                problems.forbid(key, "it is that of the first of the tiers: give one or the other")
            return
        reason = "give initial_margin and maintenance_margin, or tiers"
        problems.need("initial_margin", reason)
        problems.need("maintenance_margin", reason)
        initial, maintenance = self.initial_margin, self.maintenance_margin
        if initial is not None and maintenance is not None and maintenance >= initial:
            problems.add(
                "maintenance_margin",
                f"must be less than initial_margin ({format_percent(initial)}), "
                "or positions are liquidated as they open",
            )

    @rule
    def _tiers_are_in_order(self, problems: Problems) -> None:
        if "tiers" in self.model_fields_set:
            check_tiers(problems, self.tiers)

    @rule
    def _leverage_is_allowed(self, problems: Problems) -> None:
        if self.leverage is None:
            return
        highest = Decimal(0)
        if "tiers" in self.model_fields_set and self.tiers:
            highest = Decimal(str(self.tiers[0].leverage))
        elif self.initial_margin:
            highest = 1 / self.initial_margin
        if highest and Decimal(str(self.leverage)) > highest:
            problems.add("leverage", f"must be <= that of the first tier, {float(highest):g}")

    def complete(self) -> None:
        """Write the one tier of the two margins, or the two margins of the first tier."""
        if "tiers" in self.model_fields_set and self.tiers:
            filled = tuple(
                tier if tier.amount is not None else tier.model_copy(update={"amount": amount})
                for tier, amount in zip(self.tiers, amounts(self.tiers), strict=True)
            )
            initial = 1 / Decimal(str(filled[0].leverage))
            derived = {"initial_margin": initial, "maintenance_margin": filled[0].maintenance}
            vars(self).update(tiers=filled, **derived)
            self.model_fields_set.difference_update(derived)
        elif self.initial_margin is not None and self.maintenance_margin is not None:
            leverage = float(1 / self.initial_margin)
            only = Tier(maintenance=self.maintenance_margin, leverage=leverage, amount=Decimal(0))
            vars(self).update(tiers=(only,))
            self.model_fields_set.discard("tiers")

    @model_serializer(mode="wrap")
    def _as_given(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what was derived, so that what is written loads again."""
        given = "tiers" in self.model_fields_set
        derived = ("initial_margin", "maintenance_margin") if given else ("tiers",)
        return {name: value for name, value in handler(self).items() if name not in derived}


class PerpetualListing(DerivativeListing):
    """Terms of perpetuals."""

    funding_interval: Duration = Field(
        ge=0, le=30 * DAY_NS, description='time between funding payments; "0s": never'
    )
    funding: Funding = Field(default=Funding(), description="what is paid then")


class FutureListing(DerivativeListing):
    """Terms of dated futures."""

    settlement_window: Window = Field(
        default=_HALF_AN_HOUR_NS,
        description='how long before expiry the index is averaged; "0s": the last index counts',
    )
    delivery_fee: TakerFee = Field(
        default=Decimal(0), description="fee on the notional held at expiry"
    )


class OptionListing(Listing):
    """Terms of European options; fees are shares of the underlying's value."""

    contract: Literal["linear", "inverse"] = Field(
        default="linear",
        description="linear: quoted and paid in the quote currency; inverse: both in the coin, "
        "ticks too",
    )
    fee_cap: Share | None = Field(
        default=None, description="largest fee, share of the option's price; left out: any"
    )
    delivery_fee: TakerFee = Field(
        default=Decimal(0), description="fee on the underlying of what ends in the money"
    )
    delivery_fee_cap: Share | None = Field(
        default=None, description="largest delivery fee, share of the payoff; left out: any"
    )
    settlement_window: Window = Field(
        default=_HALF_AN_HOUR_NS,
        description='how long before expiry the index is averaged; "0s": the last index counts',
    )
    short_initial: Share = Field(
        default=Decimal("0.15"),
        description="initial margin of a short option, share of the underlying, less what it is "
        "out of the money",
    )
    short_initial_minimum: Share = Field(
        default=Decimal("0.1"), description="least initial margin of a short option, likewise"
    )
    short_maintenance: Share = Field(
        default=Decimal("0.075"), description="maintenance margin of a short option, likewise"
    )

    @rule
    def _margins_are_in_order(self, problems: Problems) -> None:
        for key in ("short_initial_minimum", "short_maintenance"):
            if getattr(self, key) > self.short_initial:
                problems.add(key, f"must be <= short_initial, {format_percent(self.short_initial)}")
