"""How much money positions need: margin tiers, and the modes an account can choose from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from gammagym.quantities import Exact, Problems, format_percent
from gammagym.venues.section import Section, rule
from gammagym.venues.units import Notional, Share

_AMOUNT_TOLERANCE = Decimal("0.000001")


class Tier(Section):
    """Margin of the part of a position between the tier before and this one's top."""

    to: Notional | None = Field(
        default=None,
        description="top of the tier: notional in quote currency, of inverse contracts in coins; "
        "left out: without end, in the last tier only",
    )
    maintenance: Share = Field(description="maintenance margin rate, share of the notional")
    leverage: float = Field(gt=0, le=10**6, description="highest leverage of a position this large")
    amount: Annotated[Exact, Field(ge=0, le=10**12)] | None = Field(
        default=None,
        description="maintenance amount (deduction) as published, checked; left out: it follows",
    )


class MarginRules(Section):
    """The ways in which positions can be margined and counted; the first of each is the default."""

    modes: tuple[Literal["cross", "isolated", "portfolio"], ...] = Field(
        default=("cross", "isolated"),
        strict=False,
        min_length=1,
        description="how positions share money: all of it, each its own, or by their joint risk",
    )
    position_modes: tuple[Literal["one_way", "hedge"], ...] = Field(
        default=("one_way",),
        strict=False,
        min_length=1,
        description="one position in an instrument, or a long one beside a short one",
    )

    @rule
    def _nothing_twice(self, problems: Problems) -> None:
        for key, values in (("modes", self.modes), ("position_modes", self.position_modes)):
            for place, value in enumerate(values):
                if value in values[:place]:
                    problems.add(f"{key}.{place}", "is there twice: name each once")


def amounts(tiers: Sequence[Tier]) -> Iterator[Decimal]:
    """Yield what is taken off in each tier, so that the margin is continuous across its floor.

    It is floor * (rate - rate before) + amount before, as
    `gammagym.exchange.formulas.margin.next_tier_amount` but exact.
    """
    floor = rate = amount = Decimal(0)
    for place, tier in enumerate(tiers):
        if place:
            amount += floor * (tier.maintenance - rate)
        yield amount
        floor, rate = tier.to or floor, tier.maintenance


def check_tiers(problems: Problems, tiers: Sequence[Tier]) -> None:
    """Refuse tiers that overlap, get easier with size, or liquidate positions as they open."""
    floor = Decimal(0)
    for place, (tier, expected) in enumerate(zip(tiers, amounts(tiers), strict=True)):
        key = f"tiers.{place}"
        if tier.to is None and place < len(tiers) - 1:
            problems.add(f"{key}.to", "is missing: only the last tier is without end")
        elif tier.to is not None and tier.to <= floor:
            problems.add(
                f"{key}.to",
                f"overlapping tiers: must be above the top of the tier before, {floor:f}; "
                "put the tiers in order",
            )
        if place:
            _check_no_easier(problems, key, tiers[place - 1], tier)
        if not place or tier.leverage <= tiers[place - 1].leverage:
            _check_leverage(problems, f"{key}.leverage", tier)
        if tier.amount is not None and abs(tier.amount - expected) > _AMOUNT_TOLERANCE * expected:
            problems.add(
                f"{key}.amount",
                f"must be {_plain(expected)}, floor x (rate - rate before) + amount before, "
                "so that the margin is continuous: correct it, or leave it out",
            )
        floor = tier.to or floor


def _check_no_easier(problems: Problems, key: str, before: Tier, tier: Tier) -> None:
    if tier.maintenance < before.maintenance:
        problems.add(
            f"{key}.maintenance",
            f"must not be below that of the tier before, {format_percent(before.maintenance)}: "
            "larger positions need no less margin",
        )
    if tier.leverage > before.leverage:
        problems.add(
            f"{key}.leverage",
            f"must not be above that of the tier before, {before.leverage:g}: "
            "larger positions are allowed no more leverage",
        )


def _check_leverage(problems: Problems, key: str, tier: Tier) -> None:
    if Decimal(str(tier.leverage)) * tier.maintenance >= 1:
        problems.add(
            key,
            f"leverage above the tier: 1/{tier.leverage:g} must exceed the maintenance margin, "
            f"{format_percent(tier.maintenance)}, or positions are liquidated as they open: "
            f"take less than {float(1 / tier.maintenance):g}",
        )


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
