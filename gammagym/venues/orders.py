"""What orders may do at a venue."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gammagym.quantities import Duration, Model
from gammagym.venues.units import HOUR_NS


class OrderRules(Model):
    """What orders may do, how they are matched, how many there may be (docs/rules/matching)."""

    amend_keeps_priority: bool = Field(
        default=False,
        description="whether an order made no larger at the same price keeps its place",
    )
    post_only: Literal["reject", "slide"] = Field(
        default="reject", description="what happens to a post-only order that would trade"
    )
    self_trade: Literal["allow", "expire_taker", "expire_maker", "expire_both", "decrement"] = (
        Field(default="expire_maker", description="what happens when an account meets itself")
    )
    self_trade_decides: Literal["taker", "maker"] = Field(
        default="taker", description="whose self-trade mode counts when an order sets one"
    )
    cancel_on_disconnect: bool = Field(
        default=False, description="whether the orders of an account that disconnects are canceled"
    )
    maximum_orders: int = Field(
        default=0, ge=0, le=10**6, description="resting orders of an account in one book; 0: any"
    )
    maximum_waiting: int = Field(
        default=0, ge=0, le=10**6, description="orders that wait for a trigger, likewise; 0: any"
    )
    iceberg_parts: int = Field(
        default=100, ge=1, le=10**6, description="most that an iceberg has, in times what it shows"
    )
    rate_burst: int = Field(
        default=1, ge=1, le=10**6, description="messages an account may send at once to one book"
    )
    rate_interval: Duration = Field(
        default=0,
        ge=0,
        le=HOUR_NS,
        description='time after which it may send one more; "0s": no limit',
    )
