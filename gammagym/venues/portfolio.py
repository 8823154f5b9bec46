"""Portfolio margin: the worst loss of all positions together over scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pydantic import Field

from gammagym.quantities import Percent, Problems, Rate
from gammagym.venues.section import Section, rule
from gammagym.venues.units import Share, Size


class PortfolioMargin(Section):
    """Moves of price and volatility under which all positions are valued."""

    moves: tuple[Percent, ...] = Field(
        strict=False,
        min_length=1,
        description="moves of the price, rising, each with and without the two moves of volatility",
    )
    volatility_up: Rate = Field(ge=0, le=10, description="rise of volatility (share of it)")
    volatility_down: Rate = Field(ge=0, lt=1, description="fall of volatility (share of it)")
    short_term_vega_power: float = Field(
        ge=0,
        le=1,
        description="power of (30 / days to expiry) that scales the moves of "
        "volatility up to 30 days",
    )
    long_term_vega_power: float = Field(ge=0, le=1, description="the same beyond 30 days")
    minimum_volatility_up: float = Field(
        default=0.0, ge=0, le=20, description="annual volatility that the rise leads to at least"
    )
    extended_moves: tuple[Percent, ...] = Field(
        default=(), strict=False, description="larger moves, rising, with volatility up only"
    )
    extended_dampener: Size | None = Field(
        default=None,
        description="taken off the losses of the larger moves, which count in the proportion of "
        "the largest of `moves` to them (quote currency)",
    )
    futures_contingency: Rate = Field(
        default=Decimal(0), ge=0, le=1, description="added for futures and perpetuals (share)"
    )
    option_contingency: Rate = Field(
        default=Decimal(0), ge=0, le=1, description="added for short options (share)"
    )
    maintenance_factor: Share = Field(
        description="maintenance margin as a share of the initial margin"
    )

    @rule
    def _moves_rise(self, problems: Problems) -> None:
        _check_moves(problems, "moves", self.moves)

    @rule
    def _extended_moves_rise(self, problems: Problems) -> None:
        _check_moves(problems, "extended_moves", self.extended_moves)


def _check_moves(problems: Problems, key: str, moves: Sequence[Decimal]) -> None:
    for place, move in enumerate(moves):
        if move <= -1:
            problems.add(f"{key}.{place}", "must be > -100%: prices stay above zero")
        if place and move <= moves[place - 1]:
            problems.add(f"{key}.{place}", "must be above the move before: put them in order")
