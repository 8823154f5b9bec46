"""What depends on the date: instruments that expire, and rules that change."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from gammagym.quantities import Problems, Rate
from gammagym.venues.section import Section, rule
from gammagym.venues.units import Size

CALLS_AND_PUTS = ("call", "put")
# Nanoseconds between any two dates of these years fit into 64 bits.
_FIRST_YEAR, _LAST_YEAR = 1970, 2200


def _parse_instant(value: object) -> datetime.datetime:
    """Return a moment in UTC; one without an offset is in UTC already."""
    found: Any = value
    if isinstance(value, str):
        try:
            found = datetime.datetime.fromisoformat(value)
        except ValueError:
            found = None
    if not isinstance(found, datetime.datetime):
        raise ValueError("must be a date and a time such as 2025-09-18T08:00:00Z")
    if not _FIRST_YEAR <= found.year < _LAST_YEAR:
        raise ValueError(f"must be a date from {_FIRST_YEAR} to {_LAST_YEAR - 1}")
    if found.tzinfo is None:
        return found.replace(tzinfo=datetime.UTC)
    return found.astimezone(datetime.UTC)


Instant = Annotated[datetime.datetime, BeforeValidator(_parse_instant)]
ChangeKey = Literal[
    "maker_fee",
    "taker_fee",
    "liquidation_fee",
    "perpetual.funding.clamp",
    "perpetual.funding.cap",
    "perpetual.funding.interest",
]


class Change(Section):
    """A rule that changes on a date."""

    at: Instant = Field(description="when: a date and a time; without an offset it is UTC")
    key: ChangeKey = Field(description="which rule")
    value: Annotated[Rate, Field(ge=Decimal("-0.01"), le=1)] = Field(
        description="what it is from then on"
    )

    @rule
    def _only_some_may_be_negative(self, problems: Problems) -> None:
        if self.value < 0 and self.key not in ("maker_fee", "perpetual.funding.interest"):
            problems.add("value", f"must be >= 0%: {self.key} is never negative")


class Listed(Section):
    """An instrument that the venue lists until a date."""

    name: str = Field(min_length=1, description="its name")
    kind: Literal["future", "call", "put"] = Field(description="what it is")
    expiry: Instant = Field(description="when it expires; without an offset it is UTC")
    strike: Size | None = Field(default=None, description="options: price of exercise")

    @rule
    def _options_have_a_strike(self, problems: Problems) -> None:
        if self.kind in CALLS_AND_PUTS:
            problems.need("strike", f'a {self.kind} needs a price of exercise, such as "60000"')
        else:
            problems.forbid("strike", "a future has none")


def check_changes(problems: Problems, changes: Sequence[Change]) -> None:
    """Refuse changes out of order, and two of one rule at one moment."""
    for place, change in enumerate(changes[1:], start=1):
        if change.at < changes[place - 1].at:
            problems.add(
                f"changes.{place}.at",
                f"must not be before the change above, {changes[place - 1].at:%Y-%m-%d %H:%M} "
                "UTC: put the changes in order",
            )
        if any((one.at, one.key) == (change.at, change.key) for one in changes[:place]):
            problems.add(f"changes.{place}.key", "changes twice at this moment: leave one out")


def rates_after(
    changes: Sequence[Change], rates: dict[str, Decimal | None]
) -> Iterator[tuple[int, dict[str, Decimal | None]]]:
    """Yield the place of each change of some rates, and those rates after it."""
    for place, change in enumerate(changes):
        if change.key in rates:
            rates = {**rates, change.key: change.value}
            yield place, rates


def check_instruments(
    problems: Problems, instruments: Sequence[Listed], as_of: datetime.date
) -> None:
    """Refuse instruments that have expired, and two of one name."""
    names = [one.name for one in instruments]
    for place, one in enumerate(instruments):
        if one.expiry.date() <= as_of:
            problems.add(
                f"instruments.{place}.expiry",
                f"has expired: it is not after as_of, {as_of}; "
                "take the instrument out, or give a later expiry",
            )
        if one.name in names[:place]:
            problems.add(f"instruments.{place}.name", "is there twice: give it a name of its own")
