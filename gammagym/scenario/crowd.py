"""What a scenario file may say of the leveraged crowd.

Longs and shorts of the perpetual are given by their size, how it is shared over leverages, and how
far apart they came in. Where they are liquidated follows by the venue's rules.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, model_validator

from gammagym.quantities import Duration, Model, Percent, Problems, format_percent

# Leverages that a crowd may have, at most; each has buckets of its own.
MOST_LEVERAGES = 8
_DAY_NS = 86_400_000_000_000
_HIGHEST_LEVERAGE = 1000.0


class LeverageShare(Model):
    """How much of the crowd has which leverage."""

    leverage: float = Field(ge=1, le=_HIGHEST_LEVERAGE, description="notional over margin")
    share: Percent = Field(gt=0, le=1, description="share of the positions that have it")


class CrowdSpec(Model):
    """The leveraged crowd: positions of many small traders in the perpetual."""

    longs: float = Field(default=0.0, ge=0, le=1e9, description="what its longs hold (units)")
    shorts: float = Field(default=0.0, ge=0, le=1e9, description="what its shorts hold (units)")
    leverages: tuple[LeverageShare, ...] = Field(
        strict=False,
        min_length=1,
        max_length=MOST_LEVERAGES,
        description="leverages and their shares, which make 100%: "
        '[{leverage = 10.0, share = "60%"}, {leverage = 25.0, share = "40%"}]',
    )
    entry_spread: Percent = Field(
        default=Decimal("0.03"),
        ge=Decimal("0.0001"),
        le=1,
        description="how far apart their entry prices are: standard deviation of the logarithm, "
        "about the first price",
    )
    swept: Percent = Field(
        default=Decimal("0.01"),
        ge=0,
        lt=Decimal("0.5"),
        description="how far the price has been up and down lately: nobody is left whose "
        "liquidation price is nearer to the first price",
    )
    position: float = Field(
        default=100_000.0,
        gt=0,
        le=1e9,
        description="size of one position, for the venue's margin tiers (quote currency)",
    )
    reopening: Annotated[Duration | None, Field(gt=0, le=365 * _DAY_NS)] = Field(
        default=None,
        description="time constant in which new positions are opened for those that are gone, by "
        "orders at the price of then; left out: none are",
    )

    @model_validator(mode="after")
    def _shares_make_a_crowd(self) -> CrowdSpec:
        problems = Problems(self)
        if self.longs == 0.0 and self.shorts == 0.0:
            problems.add("longs", "a crowd needs longs or shorts (units): give one, or both")
        total = sum((item.share for item in self.leverages), Decimal(0))
        if total != 1:
            given = format_percent(total)
            problems.add("leverages", f"the shares make {given}, they must make 100%")
        if len({item.leverage for item in self.leverages}) < len(self.leverages):
            problems.add("leverages", "name each leverage once")
        problems.raise_if_any()
        return self
