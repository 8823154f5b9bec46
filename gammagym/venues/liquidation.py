"""How accounts that lack margin are closed, and who pays what is missing."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from gammagym.quantities import Exact, Problems
from gammagym.venues.section import Section, rule
from gammagym.venues.units import Share, Window

Step = Literal[
    "reduce_to_restore",
    "reduce_to_lower_tier",
    "reduce_two_tiers",
    "reduce_slice",
    "close_in_book",
    "take_over",
]
LAST_STEPS = ("close_in_book", "take_over")


class Liquidation(Section):
    """Steps taken one after another, after orders are canceled, while margin is lacking."""

    counts_closing_fee: bool = Field(
        default=False,
        description="whether the taker fee of closing counts as maintenance margin",
    )
    steps: tuple[Step, ...] = Field(
        default=("close_in_book",),
        strict=False,
        min_length=1,
        description="reduce_to_restore: one order that brings margin back; reduce_to_lower_tier, "
        "reduce_two_tiers: down to the floor of the tier, or of the one before; reduce_slice: part "
        "of the position; close_in_book: all of it by market orders; take_over: the insurance fund "
        "takes it at its bankruptcy price; the last step is repeated",
    )
    slice: Share = Field(
        default=Decimal("0.2"), description="reduce_slice: part of the position (share)"
    )
    interval: Window = Field(default=0, description="time between two steps")
    backstop: Literal["insurance", "deleveraging", "socialised_loss"] = Field(
        default="insurance",
        description="who pays when the insurance fund is empty: the fund, which goes below zero; "
        "those with the best positions, which are closed; or all who earned",
    )
    rank: Literal["margin_ratio", "leverage", "signed_leverage"] = Field(
        default="margin_ratio",
        description="deleveraging: who is first: profit share times margin ratio, times leverage, "
        "or, in a loss, divided by leverage",
    )
    insurance_fund: Annotated[Exact, Field(ge=0, le=10**9)] = Field(
        default=Decimal(10_000_000), description="what the fund has at the start (quote currency)"
    )

    @rule
    def _nothing_follows_a_last_step(self, problems: Problems) -> None:
        for place, step in enumerate(self.steps[:-1]):
            if step in LAST_STEPS:
                problems.add(
                    f"steps.{place + 1}",
                    f"no step may follow {step!r}, after which there is no position: "
                    "put it last, or leave the rest out",
                )

    @rule
    def _the_last_step_closes_everything(self, problems: Problems) -> None:
        if self.steps[-1] in ("reduce_to_lower_tier", "reduce_two_tiers"):
            problems.add(
                f"steps.{len(self.steps) - 1}",
                f"{self.steps[-1]!r} closes nothing in the lowest tier: let close_in_book or "
                "take_over follow",
            )

    @rule
    def _rank_is_for_deleveraging(self, problems: Problems) -> None:
        default = type(self).model_fields["rank"].default
        if self.rank != default and self.backstop != "deleveraging":
            problems.add(
                "rank",
                "rank is only for backstop = 'deleveraging', "
                f"was {self.backstop!r}: leave it out, or change the backstop",
            )
