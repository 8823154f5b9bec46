"""Numbers of a venue file and the bounds they all keep."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from gammagym.quantities import Duration, Exact, Rate
from gammagym.world.sizes import LONGEST_LATENCY_NS

QUANTUM = Decimal("0.00000001")
HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS

Size = Annotated[Exact, Field(gt=0, le=10**9)]
Notional = Annotated[Exact, Field(gt=0, le=10**12)]
Share = Annotated[Rate, Field(gt=0, le=1)]
MakerFee = Annotated[Rate, Field(ge=Decimal("-0.01"), le=Decimal("0.1"))]
TakerFee = Annotated[Rate, Field(ge=0, le=Decimal("0.1"))]
Delay = Annotated[Duration, Field(ge=0, le=LONGEST_LATENCY_NS)]
Window = Annotated[Duration, Field(ge=0, le=DAY_NS)]
