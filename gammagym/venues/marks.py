"""Prices that positions are valued at: the index, the mark, and the funding that ties them."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from gammagym.quantities import Duration, Problems, Rate, format_percent
from gammagym.venues.section import Section, rule
from gammagym.venues.units import HOUR_NS, Share, Size, Window


class Index(Section):
    """The average of spot prices elsewhere."""

    sources: int = Field(default=3, ge=1, le=4, description="markets it is taken from")
    outlier: Share = Field(
        default=Decimal("0.05"),
        description="how far from the median of all a source is left out (share)",
    )


class Mark(Section):
    """The price at which positions are valued and liquidated."""

    method: Literal["index", "median", "average_basis"] = Field(
        default="index",
        description="index: the index itself; average_basis: the index plus the average of what "
        "the middle of the book is above it; median: of the index with the funding to come, "
        "average_basis and the last price",
    )
    window: Window = Field(
        default=30_000_000_000, description="how long the basis is averaged over"
    )


class Funding(Section):
    """What longs pay to shorts so that the perpetual stays near the index."""

    method: Literal["premium", "continuous", "imposed"] = Field(
        default="premium",
        description="premium: the average premium of an interval, paid at its end; continuous: "
        "that of each moment, paid all the time; imposed: the scenario's rate",
    )
    interest: Rate = Field(
        default=Decimal("0.0001"),
        ge=Decimal("-0.01"),
        le=Decimal("0.01"),
        description="interest rate of eight hours, which the rate is drawn to",
    )
    clamp: Annotated[Rate, Field(ge=0, le=1)] = Field(
        default=Decimal("0.0005"),
        description="premium: how far it is drawn there, half the width of clamp(interest - "
        "premium); continuous: premium that nothing is paid for",
    )
    cap: Share | None = Field(
        default=None, description="largest rate per interval either way; left out: any"
    )
    sample: Annotated[Duration, Field(ge=1_000_000, le=HOUR_NS)] = Field(
        default=5_000_000_000, description="premium: time between two samples"
    )
    weights: Literal["linear", "equal"] = Field(
        default="linear", description="premium: whether later samples count for more"
    )
    impact_notional: Size = Field(
        default=Decimal(25_000),
        description="order whose average price makes the premium (quote currency)",
    )

    @rule
    def _clamp_is_within_the_cap(self, problems: Problems) -> None:
        if self.cap is not None and self.clamp > self.cap:
            problems.add(
                "clamp",
                f"clamp wider than the cap: must be <= cap, {format_percent(self.cap)}; "
                "take a smaller clamp or a larger cap",
            )
