"""When a venue trades: a weekly session with a daily break."""

from __future__ import annotations

import datetime
import re
import zoneinfo
from typing import Annotated

from pydantic import AfterValidator, Field

from gammagym.errors import nearest
from gammagym.quantities import Problems
from gammagym.venues.section import Section, rule

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_CLOCK = r"([0-9]{2}):([0-9]{2})"
_WEEK_TIME = re.compile(rf"([A-Za-z]+) {_CLOCK}")
_BREAK = re.compile(rf"{_CLOCK}-{_CLOCK}")


def _time(hour: str, minute: str) -> datetime.time:
    if int(hour) > 23 or int(minute) > 59:
        raise ValueError(f"there is no time {hour}:{minute}: take 00:00 to 23:59")
    return datetime.time(int(hour), int(minute))


def _parse_week_time(text: str) -> tuple[int, datetime.time]:
    """Return weekday (Monday is 0) and time of such as "Sun 17:00"."""
    match = _WEEK_TIME.fullmatch(text)
    if match is None:
        raise ValueError('must be a day and a time, such as "Sun 17:00"')
    if match[1] not in WEEKDAYS:
        raise ValueError(f"there is no day {match[1]!r}; {nearest(match[1], list(WEEKDAYS))}")
    return WEEKDAYS.index(match[1]), _time(match[2], match[3])


def _parse_break(text: str) -> tuple[datetime.time, datetime.time]:
    """Return beginning and end of such as "16:00-17:00"."""
    match = _BREAK.fullmatch(text)
    if match is None:
        raise ValueError('must be two times, such as "16:00-17:00"')
    return _time(match[1], match[2]), _time(match[3], match[4])


def _check_week_time(text: str) -> str:
    _parse_week_time(text)
    return text


def _check_break(text: str) -> str:
    begins, ends = _parse_break(text)
    if begins == ends:
        raise ValueError("a break must end at another time than it begins: leave it out if none")
    return text


def _check_timezone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = sorted(zoneinfo.available_timezones())
        hint = nearest(name, known).partition("known:")[0].strip() or "take an IANA name"
        raise ValueError(f'is not a time zone; {hint}, such as "America/Chicago"') from None
    return name


WeekTime = Annotated[str, AfterValidator(_check_week_time)]


class Calendar(Section):
    """The weekly session, in the time of a place."""

    timezone: Annotated[str, AfterValidator(_check_timezone)] = Field(
        description='IANA name of the time zone, such as "America/Chicago"'
    )
    open: WeekTime = Field(description='when the session of the week begins: "Sun 17:00"')
    close: WeekTime = Field(description='when it ends: "Fri 16:00"')
    daily_break: Annotated[str, AfterValidator(_check_break)] | None = Field(
        default=None, description='when nothing trades on each day: "16:00-17:00"; left out: never'
    )

    @rule
    def _a_week_has_a_session(self, problems: Problems) -> None:
        if _parse_week_time(self.open) == _parse_week_time(self.close):
            problems.add(
                "close",
                "must be another time than open: leave [calendar] out if it never closes",
            )

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The time zone."""
        return zoneinfo.ZoneInfo(self.timezone)

    @property
    def open_weekday(self) -> int:
        """Day on which the session begins; Monday is 0."""
        return _parse_week_time(self.open)[0]

    @property
    def open_time(self) -> datetime.time:
        """Local time at which it begins."""
        return _parse_week_time(self.open)[1]

    @property
    def close_weekday(self) -> int:
        """Day on which the session ends; Monday is 0."""
        return _parse_week_time(self.close)[0]

    @property
    def close_time(self) -> datetime.time:
        """Local time at which it ends."""
        return _parse_week_time(self.close)[1]

    @property
    def break_times(self) -> tuple[datetime.time, datetime.time] | None:
        """Local times between which nothing trades; the second may be on the next day."""
        return None if self.daily_break is None else _parse_break(self.daily_break)
