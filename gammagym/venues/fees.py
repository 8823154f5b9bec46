"""What trading costs: fees, lower ones for those who trade much, and the rule of rebates."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pydantic import Field

from gammagym.quantities import Model, Problems, format_percent
from gammagym.venues.units import MakerFee, Notional, TakerFee


class FeeTier(Model):
    """Fees of those who traded at least a volume in the last 30 days."""

    volume: Notional = Field(description="30-day volume from which on they hold (quote currency)")
    maker: MakerFee = Field(description="fee of an order that rested; negative: a rebate")
    taker: TakerFee = Field(description="fee of an order that took")


def check_rebate(problems: Problems, key: str, maker: Decimal, taker: Decimal) -> None:
    """Refuse a rebate above what takers pay: trading with oneself would earn money."""
    if -maker > taker:
        problems.add(
            key,
            f"a rebate may not exceed taker_fee ({format_percent(taker)}), "
            "or trading with oneself earns money: take a smaller rebate or a higher taker fee",
        )


def check_fee_tiers(
    problems: Problems, tiers: Sequence[FeeTier], maker: Decimal, taker: Decimal
) -> None:
    """Refuse fee tiers that are out of order, rise with the volume, or pay too high a rebate."""
    volume = Decimal(0)
    for row, tier in enumerate(tiers):
        key = f"fee_tiers.{row}"
        if tier.volume <= volume:
            problems.add(
                f"{key}.volume",
                f"must be above that of the row before, {volume:f}: put the rows in order",
            )
        for name, fee, before in (("maker", tier.maker, maker), ("taker", tier.taker, taker)):
            if fee > before:
                problems.add(
                    f"{key}.{name}",
                    f"must not be above that of the row before, {format_percent(before)}: "
                    "fees fall with the volume",
                )
        check_rebate(problems, f"{key}.maker", tier.maker, tier.taker)
        volume, maker, taker = tier.volume, tier.maker, tier.taker
