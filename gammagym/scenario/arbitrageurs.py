"""What a scenario file may say of arbitrageurs, who trade two of its books against each other."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, model_validator

from gammagym.quantities import Duration, Model, Percent, Problems, Rate

MOST_ARBITRAGEURS = 4
_MILLISECOND_NS = 1_000_000
_DAY_NS = 86_400_000_000_000


class ArbitrageurSpec(Model):
    """One arbitrageur: it sells the dear one of two books and buys the cheap one."""

    between: tuple[str, str] = Field(
        strict=False,
        description='names of the two instruments, such as ["BTC-PERP", "BTC-SPOT"]; the first is '
        "traded first, the second follows",
    )
    limit: float = Field(
        ge=0,
        le=1e6,
        description="its capital: largest position in the first (units); 0: it only looks",
    )
    size: float = Field(default=1.0, gt=0, le=1e6, description="largest order (units)")
    margin: Annotated[Percent, Field(ge=0, le=1)] = Field(
        default=Decimal("0.0001"),
        description="what a trade must promise beyond the fees of both books, in and out",
    )
    fee: Annotated[Rate | None, Field(ge=0, le=Decimal("0.1"))] = Field(
        default=None, description="taker fee that it pays; left out: the venue's for newcomers"
    )
    interval: Annotated[Duration, Field(ge=_MILLISECOND_NS, le=_DAY_NS)] = Field(
        default=1_000 * _MILLISECOND_NS,
        description="mean time between two looks, which come at random",
    )
    financing: Annotated[Percent, Field(ge=-2, le=2)] = Field(
        default=Decimal(0),
        description="carry of a dated future that it takes for fair (per year)",
    )
    horizon: Annotated[Duration, Field(ge=0, le=3650 * _DAY_NS)] = Field(
        default=0, description="time for which it counts on a perpetual's funding rate of now"
    )
    withdraws_above: float | None = Field(
        default=None,
        gt=0,
        le=1_000,
        description="annual volatility of the last minute above which it opens nothing; left out: "
        "it is never afraid",
    )

    @model_validator(mode="after")
    def _books_are_two(self) -> ArbitrageurSpec:
        problems = Problems(self)
        if self.between[0] == self.between[1]:
            problems.add("between", "must name two different instruments")
        problems.raise_if_any()
        return self
