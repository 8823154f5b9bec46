"""What a scenario file may say of the sentiment of a book's traders."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field

from gammagym.quantities import Duration, Model

_SECOND_NS = 1_000_000_000
_HOUR_NS = 3_600 * _SECOND_NS
_BASIS_POINT = 1e-4


# What takers buy net at a lean of 1, as a share of what market orders ask for. Who knows where the
# price is going does not lean, and not everyone finds as much as he asks for. Measured; a test
# measures it again (tests/statistical/test_sentiment.py).
BOUGHT_SHARE: Mapping[str, float] = MappingProxyType(
    {
        "full": 0.71,
        "medium": 0.5,
        "thin": 0.38,
        "sparse": 0.145,
        "spot": 0.745,
        "levels": 1.0,
        "santa_fe": 1.0,
        "large_tick": 0.785,
    }
)


class SentimentTerms(Model):
    """Market orders of a book lean to one side, and leave a premium over the other books."""

    mean: float = Field(
        default=0.0,
        ge=-0.9,
        le=0.9,
        description="mean lean: chance that a market order buys, less that it sells",
    )
    deviation: float = Field(
        default=0.015, ge=0, le=0.5, description="standard deviation of the lean in the long run"
    )
    half_life: Annotated[Duration, Field(ge=_SECOND_NS, le=8_760 * _HOUR_NS)] = Field(
        default=4 * _HOUR_NS, description="half-life of the lean"
    )
    impact: float = Field(
        default=0.004,
        ge=0,
        le=1_000,
        description="premium that a unit leaves which takers buy net (basis points)",
    )
    decay: Annotated[Duration, Field(ge=_SECOND_NS, le=8_760 * _HOUR_NS)] = Field(
        default=2 * _HOUR_NS, description="time constant with which the premium decays"
    )


def write_sentiment(flow: Any, terms: SentimentTerms, preset: str, lot_size: float) -> None:
    """Write the sentiment of one flow, whose other parameters are written.

    Args:
        flow: row of `world.flows`.
        terms: what the scenario says.
        preset: of the flow.
        lot_size: units in one lot of the book.
    """
    target = flow.sentiment
    target.level, target.deviation = terms.mean, terms.deviation
    target.reversion = math.log(2.0) * _SECOND_NS / terms.half_life
    target.impact = terms.impact * _BASIS_POINT
    target.decay = terms.decay / _SECOND_NS
    # What a lean of 1 makes in the long run: what it buys, for as long as the premium lasts.
    mean_size = flow.market_size_lots * math.exp(0.5 * flow.market_size_sigma**2) * lot_size
    asked = flow.rate * flow.probability_market * mean_size
    target.start_premium = BOUGHT_SHARE[preset] * asked * target.impact * target.decay
