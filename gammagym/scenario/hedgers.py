"""What a scenario file may say of dealers who hedge options in the market, and so move its price.

They hold options that are no instruments of the world: all that is said of them is their gamma,
which stays as it is, as that of a dealer does who rolls the book (docs/feedback).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gammagym.quantities import Duration, Model, Problems
from gammagym.venues.schema import Venue

MOST_HEDGERS = 12
_LONGEST_NS = 30 * 86_400_000_000_000


class HedgerSpec(Model):
    """Dealers of one kind: their gamma together, and how they hedge it with the perpetual."""

    gamma: Annotated[float, Field(ge=-1e6, le=1e6)] = Field(
        description="delta that their options gain when the price rises by 1 % (units); negative: "
        "they have sold options"
    )
    interval: Annotated[Duration, Field(gt=0, le=_LONGEST_NS)] = Field(
        description="time between two hedges of each"
    )
    count: Annotated[int, Field(ge=1, le=MOST_HEDGERS)] = Field(
        default=1, description="dealers who share the gamma in equal parts"
    )
    phase: Literal["equal", "staggered"] = Field(
        default="equal",
        description="equal: all hedge at the same times; staggered: one after the other, at equal "
        "distances",
    )
    band: Annotated[float, Field(ge=0, le=1e9)] = Field(
        default=0.0, description="net delta that each of them leaves alone (units)"
    )

    @model_validator(mode="after")
    def _there_is_something_to_hedge(self) -> HedgerSpec:
        problems = Problems(self)
        if self.gamma == 0:
            problems.add("gamma", "must not be 0: options without gamma need no hedging")
        problems.raise_if_any()
        return self


def hedger_problems(hedgers: Sequence[HedgerSpec], venue: Venue) -> dict[str, str]:
    """Return what keeps hedgers from trading at a venue, by key."""
    if not hedgers or venue.perpetual is not None:
        return {}
    return {
        "hedgers": f"hedgers: venue {venue.name!r} lists no perpetual to hedge with: take them "
        "out, or name a venue that has one"
    }
