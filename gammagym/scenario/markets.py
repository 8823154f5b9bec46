"""What a scenario file may say of further books: instruments beside the hedge and the agent's book.

A market that the agent's book already has, such as the spot of a spot book, is that one.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gammagym.quantities import Duration, Model, Problems
from gammagym.scenario.order_flow import Flow

MOST_MARKETS = 12
_DAY_NS = 86_400_000_000_000
_DATED = ("future", "call", "put")


class MarketSpec(Model):
    """One further book: what is traded in it, where, and who feeds it."""

    kind: Literal["spot", "perpetual", "future", "call", "put"] = Field(
        description="what is traded"
    )
    venue: str | None = Field(
        default=None,
        min_length=1,
        description="the scenario's venue or book_venue; left out: the venue, if it lists this "
        "kind, else the book_venue",
    )
    expiry: Annotated[Duration | None, Field(gt=0, le=3650 * _DAY_NS)] = Field(
        default=None, description='future, call, put: time to expiry, such as "30d"'
    )
    moneyness: Annotated[float | None, Field(gt=0, le=100)] = Field(
        default=None,
        description="call, put: strike as a multiple of the first price; 1 if left out",
    )
    flow: Flow | None = Field(
        default=None,
        description="background order flow of its book; left out: makers quote it, as they do "
        "options",
    )

    @model_validator(mode="after")
    def _keys_fit_the_kind(self) -> MarketSpec:
        problems = Problems(self)
        if self.kind in _DATED:
            problems.need("expiry", f'a {self.kind} needs a time to expiry, such as "30d"')
        else:
            problems.forbid("expiry", f"a {self.kind} does not expire")
        if self.kind not in ("call", "put"):
            problems.forbid("moneyness", "only options have a strike")
        elif self.flow is not None:
            problems.add("flow", "options are quoted by makers: leave it out")
        problems.raise_if_any()
        return self
