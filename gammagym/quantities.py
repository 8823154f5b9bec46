"""Quantities as people write them in a file, and the exact numbers they become.

Durations are text with a unit ("250ms") and become whole nanoseconds; prices, tick and lot sizes
are text or whole numbers and become `Decimal`; rates are percentages ("0.02%") and become `Decimal`
shares (0.0002). Binary floats are refused for all three, since 0.1 is not exact in them. Every
type also knows the way back, so that a model can be dumped and loaded again unchanged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

UNITS_NS = {
    "d": 86_400_000_000_000,
    "h": 3_600_000_000_000,
    "min": 60_000_000_000,
    "s": 1_000_000_000,
    "ms": 1_000_000,
    "us": 1_000,
    "ns": 1,
}
LONGEST_NS = 3_650 * UNITS_NS["d"]
DURATION_HINT = 'a duration with its unit, such as "250ms", "30s", "5min", "2h" or "7d"'
SPAN_HINT = f'{DURATION_HINT}, a share of the episode such as "40%", or "40%+5min"'
DECIMAL_HINT = 'a whole number or a decimal in quotes, such as "0.1"'
PERCENT_HINT = 'a percentage in quotes, such as "0.02%"'

_NUMBER = r"[0-9]{1,18}(?:\.[0-9]{1,18})?"
_DURATION = re.compile(rf"({_NUMBER}) ?({'|'.join(UNITS_NS)})")
_SHARE = re.compile(rf"({_NUMBER}) ?%")
_DECIMAL = re.compile(rf"-?{_NUMBER}")
_PERCENT = re.compile(rf"([+-]?{_NUMBER}) ?%")
# The same for the JSON Schema of a file, which editors read.
_LENGTH = rf"{_NUMBER} ?({'|'.join(UNITS_NS)})"
DURATION_PATTERN = f"^{_LENGTH}$"
MOMENT_PATTERN = rf"^({_LENGTH}|{_NUMBER} ?%( ?\+ ?{_LENGTH})?)$"
DECIMAL_PATTERN = f"^-?{_NUMBER}$"
PERCENT_PATTERN = f"^[+-]?{_NUMBER} ?%$"


class Model(BaseModel):
    """Base of everything read from a file: immutable, no unknown keys, no silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Span:
    """A length of time within an episode: a share of it plus a fixed part.

    Attributes:
        share: Share of the episode's length, 0 to 1.
        fixed_ns: Fixed part (ns), >= 0.
    """

    share: Decimal = Decimal(0)
    fixed_ns: int = 0

    def nanoseconds(self, episode_ns: int) -> int:
        """Return the length in an episode of the given length (ns).

        >>> parse_span("50%+1s").nanoseconds(10_000_000_000)
        6000000000
        """
        return int(self.share * episode_ns) + self.fixed_ns

    def __str__(self) -> str:
        """Return the text that parses back into this span."""
        fixed = format_duration(self.fixed_ns)
        if not self.share:
            return fixed
        share = format_percent(self.share)
        return f"{share}+{fixed}" if self.fixed_ns else share


def parse_duration(value: object) -> int:
    """Return nanoseconds from text with a unit.

    Args:
        value: Text such as "250ms"; units are ns, us, ms, s, min, h and d.

    Returns:
        Nanoseconds, 0 to ten years.

    Raises:
        ValueError: If it is not such text, too long, or not a whole number of nanoseconds.

    >>> parse_duration("1.5h")
    5400000000000
    """
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"must be {DURATION_HINT}")
    nanoseconds = Decimal(match[1]) * UNITS_NS[match[2]]
    if nanoseconds > LONGEST_NS:
        raise ValueError("must be at most 3650d")
    if nanoseconds != int(nanoseconds):
        raise ValueError("must be a whole number of nanoseconds")
    return int(nanoseconds)


def format_duration(nanoseconds: int) -> str:
    """Return the shortest text of a duration in one unit.

    >>> format_duration(90_000_000_000)
    '90s'
    """
    if nanoseconds == 0:
        return "0s"
    for unit, size in UNITS_NS.items():
        if nanoseconds % size == 0:
            return f"{nanoseconds // size}{unit}"
    raise AssertionError("every whole number is a multiple of 1 ns")


def parse_span(value: object) -> Span:
    """Return a span of time from "40%", "30s" or "40%+30s".

    Raises:
        ValueError: If the text is none of these, or the share is above 100 %.

    >>> parse_span("40%")
    Span(share=Decimal('0.4'), fixed_ns=0)
    """
    if isinstance(value, Span):
        return value
    if not isinstance(value, str):
        raise ValueError(f"must be {SPAN_HINT}")
    first, plus, second = (part.strip() for part in value.partition("+"))
    match = _SHARE.fullmatch(first)
    if match is None:
        if plus or not _DURATION.fullmatch(first):
            raise ValueError(f"must be {SPAN_HINT}")
        return Span(fixed_ns=parse_duration(first))
    share = Decimal(match[1]) / 100
    if share > 1:
        raise ValueError("must be at most 100% of the episode")
    return Span(share, parse_duration(second) if plus else 0)


def parse_decimal(value: object) -> Decimal:
    """Return an exact number from text or an int; binary floats are refused.

    Raises:
        ValueError: If it is anything else, or has more than 18 digits on a side of the point.

    >>> parse_decimal("0.10")
    Decimal('0.10')
    """
    if isinstance(value, Decimal) and value.is_finite():
        return value
    if isinstance(value, float):
        raise ValueError(f"must be {DECIMAL_HINT}; a bare {value!r} is not exact: quote it")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return Decimal(value)
    if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()):
        return Decimal(value.strip())
    raise ValueError(f"must be {DECIMAL_HINT}")


def parse_percent(value: object) -> Decimal:
    """Return the share that a percentage stands for.

    Raises:
        ValueError: If it is not text of the form "0.02%".

    >>> parse_percent("-12%")
    Decimal('-0.12')
    """
    if isinstance(value, Decimal) and value.is_finite():
        return value
    match = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"must be {PERCENT_HINT}")
    try:
        return Decimal(match[1]) / 100
    except InvalidOperation as error:  # pragma: no cover - the pattern admits only numbers
        raise ValueError(f"must be {PERCENT_HINT}") from error


def parse_rate(value: object) -> Decimal:
    """Return a percentage that money is multiplied by: a whole number of 1e-9.

    Raises:
        ValueError: If it is not a percentage, or is finer than 0.0000001 %.

    >>> parse_rate("0.02%")
    Decimal('0.0002')
    """
    rate = parse_percent(value)
    if rate * 10**9 != int(rate * 10**9):
        raise ValueError("must be a multiple of 0.0000001% (rates are kept in 1e-9)")
    return rate


def format_percent(share: Decimal) -> str:
    """Return a share as a percentage.

    >>> format_percent(Decimal("0.0002"))
    '0.02%'
    """
    return f"{_plain(share * 100)}%"


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


DurationText = Annotated[str, Field(pattern=DURATION_PATTERN)]
MomentText = Annotated[str, Field(pattern=MOMENT_PATTERN)]
DecimalText = Annotated[str, Field(pattern=DECIMAL_PATTERN)]
PercentText = Annotated[str, Field(pattern=PERCENT_PATTERN)]

Duration = Annotated[
    int,
    BeforeValidator(parse_duration, json_schema_input_type=DurationText),
    PlainSerializer(format_duration, return_type=str),
]
Exact = Annotated[
    Decimal,
    BeforeValidator(parse_decimal, json_schema_input_type=DecimalText | int),
    PlainSerializer(_plain, return_type=str),
]
Percent = Annotated[
    Decimal,
    BeforeValidator(parse_percent, json_schema_input_type=PercentText),
    PlainSerializer(format_percent, return_type=str),
]
Rate = Annotated[
    Decimal,
    BeforeValidator(parse_rate, json_schema_input_type=PercentText),
    PlainSerializer(format_percent, return_type=str),
]
Moment = Annotated[
    Span,
    PlainValidator(parse_span, json_schema_input_type=MomentText),
    PlainSerializer(str, return_type=str),
]


class Problems:
    """Collects what is wrong across the keys of one model, to report it all at once."""

    def __init__(self, model: BaseModel) -> None:
        """Start an empty list of problems of a model."""
        self._model = model
        self._details: list[InitErrorDetails] = []

    @property
    def details(self) -> list[InitErrorDetails]:
        """What was added."""
        return self._details

    def add(self, key: str, message: str) -> None:
        """Add a problem of one key of the model, or of one below it, such as "tiers.3.to"."""
        place: list[int | str] = []
        given: Any = self._model
        rest = key
        while rest:
            # The names in a table of free names may have dots themselves.
            part, _, rest = (rest, "", "") if isinstance(given, dict) else rest.partition(".")
            place.append(int(part) if isinstance(given, tuple) else part)
            is_model = isinstance(given, BaseModel)
            given = getattr(given, part) if is_model else cast(Any, given)[place[-1]]
        kind = PydanticCustomError("rule", "{message}", {"message": message})
        self._details.append(InitErrorDetails(type=kind, loc=tuple(place), input=given))

    def need(self, key: str, reason: str) -> None:
        """Add a problem if the key was left out."""
        if getattr(self._model, key) is None:
            self.add(key, f"is missing: {reason}")

    def forbid(self, key: str, reason: str) -> None:
        """Add a problem if the key was given."""
        if getattr(self._model, key) is not None:
            self.add(key, f"must not be given: {reason}")

    def raise_if_any(self) -> None:
        """Raise all problems together, each at its own key.

        Raises:
            ValidationError: If there is any problem.
        """
        if self._details:
            raise ValidationError.from_exception_data(type(self._model).__name__, self._details)
