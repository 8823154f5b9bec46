"""What a scenario file may say of the carry of dated futures, and what was measured of it."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field

from gammagym.quantities import Duration, Model, Percent
from gammagym.world.codes import FUTURE
from gammagym.world.sizes import YEAR_NS

_HOUR = 3_600.0
_DAY_NS = 86_400_000_000_000

# Mean and standard deviation (per year) and half-life (s) of ln(future / perpetual) / time to
# expiry, by the longest time to expiry that they hold for (years). From 5,016 marks of Deribit's
# futures, one each six hours (docs/rules/basis).
MEASURED = MappingProxyType(
    {
        "btc": (
            (0.12, (0.0211, 0.0206, 8.5 * _HOUR)),
            (0.35, (0.0316, 0.0117, 73.0 * _HOUR)),
            (math.inf, (0.0388, 0.0075, 205.0 * _HOUR)),
        ),
        "eth": (
            (0.12, (0.0225, 0.0182, 4.0 * _HOUR)),
            (0.35, (0.0283, 0.0076, 10.0 * _HOUR)),
            (math.inf, (0.0337, 0.0035, 25.0 * _HOUR)),
        ),
    }
)
# Without a preset: no carry, and what a half-life is if only the other two are given.
_NONE = (0.0, 0.0, 8.5 * _HOUR)


class CarryTerms(Model):
    """How far dated futures are above the price they settle at: an annual rate that varies."""

    preset: Literal["none", "btc", "eth"] = Field(
        default="none",
        description="where the keys that are not given come from: measured by time to expiry; "
        "none: futures are at the price itself",
    )
    mean: Annotated[Percent | None, Field(ge=-2, le=2)] = Field(
        default=None, description="level that the rate reverts to (per year)"
    )
    deviation: Annotated[Percent | None, Field(ge=0, le=2)] = Field(
        default=None, description="its standard deviation in the long run (per year)"
    )
    half_life: Annotated[Duration | None, Field(ge=1_000_000_000, le=3650 * _DAY_NS)] = Field(
        default=None, description="time in which half of a distance from the level is gone"
    )

    def at(self, years: float) -> tuple[float, float, float]:
        """Return mean and deviation (per year) and half-life (s) for a time to expiry.

        >>> CarryTerms(preset="btc", mean="10%").at(30 / 365)
        (0.1, 0.0206, 30600.0)
        """
        measured = _NONE
        if self.preset != "none":
            measured = next(row for longest, row in MEASURED[self.preset] if years <= longest)
        mean, deviation, half_life = measured
        return (
            mean if self.mean is None else float(self.mean),
            deviation if self.deviation is None else float(self.deviation),
            half_life if self.half_life is None else self.half_life / 1e9,
        )


def write_carries(world: Any, terms: CarryTerms) -> None:
    """Write the carry of every future of a world, by its time to expiry at the start."""
    for contract in world.instruments[: world.instrument_count]:
        if contract["kind"] != FUTURE:
            continue
        mean, deviation, half_life = terms.at(float(contract["expiry_ns"]) / YEAR_NS)
        if mean == 0.0 and deviation == 0.0:
            continue
        carry = contract["carry"]
        carry["level"], carry["deviation"] = mean, deviation
        carry["reversion"] = math.log(2.0) / half_life
