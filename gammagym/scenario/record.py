"""What a scenario file may say of the real event it is modelled on: recorded figures.

Each figure says whether the file itself imposes it, or whether it is an outcome of what the file
imposes. Only outcomes are evidence, so a file that imposes one all the same is refused
(docs/history).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gammagym.quantities import (
    Duration,
    Model,
    Problems,
    format_duration,
    parse_duration,
    parse_percent,
)
from gammagym.scenario.shocks import Shock, log_return

# How far from a recorded figure a simulated one may be, as a share of it.
TOLERANCE = 0.25
MOST_FACTS = 32
_NANOSECONDS = 1_000_000_000
_DAY_NS = 86_400 * _NANOSECONDS

Measure = Literal[
    "fall",
    "rise",
    "fall_within",
    "fall_time",
    "retracement",
    "spread_multiple",
    "depth_multiple",
    "volume_multiple",
    "funding",
    "perp_spot_gap",
    "venue_gap",
    "liquidated_share",
    "open_interest_change",
    "outage",
]

_PERCENT, _DURATION, _FACTOR = "percentage", "duration", "factor"
# How each measure is written; the others are percentages.
_NOTATIONS = MappingProxyType(
    {
        "fall_time": _DURATION,
        "outage": _DURATION,
        "spread_multiple": _FACTOR,
        "depth_multiple": _FACTOR,
        "volume_multiple": _FACTOR,
    }
)
_EXAMPLES = MappingProxyType(
    {
        _PERCENT: 'a percentage in quotes, such as "-12%"',
        _DURATION: 'a duration, such as "40min"',
        _FACTOR: "a factor, such as 0.02",
    }
)
_FALLS = ("fall", "fall_within", "open_interest_change")
_WINDOWED = ("fall_within", "retracement")
# Events that write a measure down themselves, so that it cannot be an outcome beside them.
_IMPOSED_BY = MappingProxyType(
    {
        "spread_multiple": ("spread",),
        "depth_multiple": ("depth",),
        "volume_multiple": ("orders",),
        "funding": ("funding",),
        "perp_spot_gap": ("basis",),
        "venue_gap": ("basis",),
        "liquidated_share": ("deleveraging",),
        "open_interest_change": ("deleveraging",),
        "outage": ("outage", "default"),
    }
)


class RecordedFact(Model):
    """One recorded figure of the real event."""

    measure: Measure = Field(description="what was recorded; docs/history says how it is measured")
    value: str | float | int = Field(
        description="the recorded figure: a percentage, a duration or a factor, by its measure"
    )
    role: Literal["imposed", "outcome"] = Field(
        description="imposed: this file writes it down; outcome: it follows from what the file says"
    )
    source: str = Field(min_length=1, max_length=200, description="where the figure comes from")
    within: Annotated[Duration | None, Field(gt=0, le=10 * _DAY_NS)] = Field(
        default=None,
        description="fall_within: length of the window; retracement: time after the low; fall, "
        "rise, fall_time: time that is looked at; multiples: time that is averaged, a minute if "
        "left out",
    )
    band: Literal["0.1%", "1%", "2%"] = Field(
        default="1%", description="depth_multiple: distance from the mid that counts"
    )
    market: str | None = Field(
        default=None, min_length=1, description="name of the market; left out: the hedge's"
    )
    miss: str | None = Field(
        default=None,
        min_length=1,
        max_length=400,
        description="outcome: why the simulation is further off than a quarter",
    )

    @property
    def notation(self) -> str:
        """How its value is written: as a percentage, a duration or a factor."""
        return _NOTATIONS.get(self.measure, _PERCENT)

    @property
    def number(self) -> float:
        """The recorded figure: a share, seconds, or a factor."""
        if self.notation == _PERCENT:
            return float(parse_percent(self.value))
        if self.notation == _DURATION:
            return parse_duration(self.value) / _NANOSECONDS
        return float(self.value)

    @property
    def label(self) -> str:
        """The measure with its window, band and market, as tables show it."""
        told: list[str] = []
        if self.within is not None:
            told.append(format_duration(self.within))
        if self.measure == "depth_multiple":
            told.append(self.band)
        if self.market is not None:
            told.append(self.market)
        return f"{self.measure} ({', '.join(told)})" if told else self.measure

    @model_validator(mode="after")
    def _value_fits_the_measure(self) -> RecordedFact:
        problems = Problems(self)
        try:
            number = self.number if self._is_written_right() else math.nan
        except ValueError:
            number = math.nan
        if math.isnan(number):
            problems.add("value", f"must be {_EXAMPLES[self.notation]}: so {self.measure} is told")
        elif number == 0.0:
            problems.add("value", "must not be 0: nothing is within a quarter of it")
        elif self.notation != _PERCENT and number < 0.0:
            problems.add("value", "must be more than 0")
        elif self.measure in _FALLS and number > 0.0:
            problems.add("value", f"must be negative: {self.measure} is a fall")
        elif self.measure == "rise" and number < 0.0:
            problems.add("value", "must be positive: it is a rise")
        if self.measure in _WINDOWED and self.within is None:
            problems.add("within", f"is missing: {self.measure} needs a time, such as " + '"5min"')
        if self.role == "imposed":
            problems.forbid("miss", "only outcomes are compared")
        problems.raise_if_any()
        return self

    def _is_written_right(self) -> bool:
        return isinstance(self.value, str) != (self.notation == _FACTOR)


def check_roles(
    facts: Sequence[RecordedFact],
    shocks: Sequence[Shock],
    funding_is_imposed: bool,
    add: Callable[[str, str], None],
) -> None:
    """Report the facts that are called outcomes although the scenario imposes them.

    Args:
        facts: of the scenario.
        shocks: its timeline.
        funding_is_imposed: whether it gives a rate of funding.
        add: takes the key and what is wrong about it.
    """
    for place, fact in enumerate(facts):
        if fact.role != "outcome":
            continue
        reason = _imposes(fact, shocks)
        if fact.measure == "funding" and funding_is_imposed:
            reason = "the key funding gives the rate"
        if reason is not None:
            add(
                f"record.{place}.role",
                f'{fact.measure} is no outcome here: {reason}; write role = "imposed", or take '
                "that out",
            )


def _imposes(fact: RecordedFact, shocks: Sequence[Shock]) -> str | None:
    """Return what in a timeline writes a fact down, or None."""
    for place, shock in enumerate(shocks):
        if shock.kind in _IMPOSED_BY.get(fact.measure, ()):
            return f"shocks.{place} is an event of kind {shock.kind}"
    moves = [move for shock in shocks for move in _moves(shock)]
    if fact.measure == "retracement" and any(move > 0 for move in moves) and min(moves) < 0:
        return "the price events of the timeline fall and rise again"
    if fact.measure in ("fall", "rise"):
        sign = 1.0 if fact.measure == "rise" else -1.0
        given = math.expm1(sum(move for move in moves if move * sign > 0))
        if given * sign >= (1.0 - TOLERANCE) * fact.number * sign:
            return f"price events alone make {given:.1%} of it"
    return None


def _moves(shock: Shock) -> list[float]:
    """Return the moves of a price event (log), its recovery one of them."""
    if shock.kind != "price":
        return []
    levels = [Decimal(0), *(point.move for point in shock.path)]
    if not shock.path:
        levels.append(shock.move or Decimal(0))
    logs = [log_return(level) for level in levels]
    if shock.recovery is not None:
        logs.append(0.0)
    return [after - before for before, after in pairwise(logs)]
