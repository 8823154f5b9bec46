"""Ranges: where a scenario has one value, it may have a distribution that the seed draws it from.

A range stands where its value would stand, `volatility = {low = 0.4, high = 0.9}`, or under its
dotted key in a table `[ranges]`. It is taken out before the scenario is validated, and its centre
put in its place, so that a scenario with ranges is also a plain one; `Scenario.ranges` keeps them.
Values are drawn from a lattice of quantiles (`variants`), so a range has a quantile function here.
"""

from __future__ import annotations

import copy
import math
import typing
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from statistics import NormalDist
from typing import Any, Literal, cast

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from gammagym.quantities import (
    DURATION_HINT,
    Model,
    Problems,
    format_duration,
    format_percent,
    parse_decimal,
    parse_duration,
    parse_percent,
)
from gammagym.scenario.keys import field_at
from gammagym.scenario.problems import describe
from gammagym.venues.schema import Venue

Table = dict[str, Any]
Scalar = float | int | str | bool
Unit = Literal["number", "percentage", "duration", "decimal"]

# Quantiles that a range has values at: the middles of as many equal shares.
LATTICE = 64
# Words that make a table a range; no table of a scenario or of a venue's rules has them.
_MARKS = frozenset({"distribution", "low", "high", "choices"})
_PARAMETERS = {
    "uniform": ("low", "high"),
    "log_uniform": ("low", "high"),
    "normal": ("mean", "sd"),
    "lognormal": ("median", "sigma"),
}
# They say which world it is, or are read before it: a list of scenarios varies them.
_FIXED = ("name", "purpose", "venue", "book_venue", "price.file")
_SECOND_NS = 1e9
# Percentages and decimals are drawn as multiples of 1e-9, which fees and prices can have.
_FINEST = Decimal("0.000000001")
_NORMAL = NormalDist()


class Range(Model):
    """A distribution that the value of a key is drawn from, once an episode."""

    distribution: Literal["uniform", "log_uniform", "normal", "lognormal"] = Field(
        default="uniform",
        description="log_uniform: uniform in the logarithm; choices have all the same chance",
    )
    low: Scalar | None = Field(default=None, description="uniform, log_uniform: least value")
    high: Scalar | None = Field(default=None, description="uniform, log_uniform: largest value")
    mean: Scalar | None = Field(default=None, description="normal: mean")
    sd: Scalar | None = Field(default=None, description="normal: standard deviation")
    median: Scalar | None = Field(default=None, description="lognormal: median")
    sigma: float | None = Field(
        default=None, ge=0, description="lognormal: standard deviation of the logarithm"
    )
    choices: tuple[Scalar, ...] | None = Field(
        default=None,
        strict=False,
        min_length=1,
        max_length=256,
        description="values to choose from",
    )

    @model_validator(mode="after")
    def _parameters_fit_the_distribution(self) -> Range:
        problems = Problems(self)
        if self.choices is not None and self.distribution != "uniform":
            problems.add("distribution", "must not be given: choices have all the same chance")
        wanted = () if self.choices is not None else _PARAMETERS[self.distribution]
        what = "choices" if self.choices is not None else f"distribution '{self.distribution}'"
        for key in dict.fromkeys(name for names in _PARAMETERS.values() for name in names):
            if key in wanted:
                problems.need(key, f"{what} needs {' and '.join(wanted)}")
            else:
                problems.forbid(key, f"{what} has {' and '.join(wanted) or 'no parameters'}")
        if not problems.details and wanted:
            self._check_values(problems, wanted)
        problems.raise_if_any()
        return self

    def _check_values(self, problems: Problems, wanted: tuple[str, ...]) -> None:
        """Add what is wrong with parameters that are all there."""
        read: dict[str, tuple[Unit, float]] = {}
        for key in wanted:
            try:
                read[key] = _parsed(getattr(self, key))
            except ValueError as error:
                problems.add(key, str(error))
        first, second = wanted
        if len(read) < 2:
            return
        if self.distribution != "lognormal" and read[first][0] != read[second][0]:
            problems.add(
                second,
                f"is a {read[second][0]}, {first} a {read[first][0]}: write both in one way",
            )
        elif self.distribution in ("log_uniform", "lognormal") and not read[first][1] > 0:
            problems.add(first, f"must be > 0 in distribution '{self.distribution}'")
        elif first == "low" and read[first][1] > read[second][1]:
            problems.add(second, f"must be >= low, which is {self.low}")
        elif second == "sd" and read[second][1] < 0:
            problems.add(second, "must be >= 0")

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Return what was given, without the parameters of other distributions."""
        dumped = cast(Table, handler(self))
        return {key: value for key, value in dumped.items() if value is not None}

    def __str__(self) -> str:
        """Return the range as people read it."""
        if self.choices is not None:
            return f"one of {', '.join(map(str, self.choices))}"
        first, second = _PARAMETERS[self.distribution]
        if self.distribution == "uniform":
            return f"{self.low} to {self.high}"
        if self.distribution == "log_uniform":
            return f"{self.low} to {self.high}, uniform in the logarithm"
        return (
            f"{self.distribution}, {first} {getattr(self, first)}, {second} {getattr(self, second)}"
        )

    def at(self, quantile: float, whole: bool = False) -> Scalar:
        """Return the value at a quantile, written as the range is.

        Args:
            quantile: share of draws below it, in (0, 1).
            whole: the key takes whole numbers only.

        >>> Range(low="20s", high="40s").at(0.25), Range(choices=("thin", "full")).at(0.9)
        ('25s', 'full')
        """
        if self.choices is not None:
            return self.choices[min(int(quantile * len(self.choices)), len(self.choices) - 1)]
        first, second = (getattr(self, key) for key in _PARAMETERS[self.distribution])
        unit, centre = _parsed(first)
        spread = _parsed(second)[1]
        if self.distribution == "normal":
            value = centre + spread * _NORMAL.inv_cdf(quantile)
        elif self.distribution == "lognormal":
            value = centre * math.exp(spread * _NORMAL.inv_cdf(quantile))
        elif self.distribution == "log_uniform":
            value = math.exp(math.log(centre) + quantile * (math.log(spread) - math.log(centre)))
            value = min(max(value, centre), spread)
        elif whole and unit == "number":
            value = min(math.floor(centre + quantile * (spread + 1.0 - centre)), spread)
        else:
            value = centre + quantile * (spread - centre)
        return round(value) if whole and unit == "number" else _written(unit, value)

    def centre(self, whole: bool = False) -> Scalar:
        """Return the median; of choices, the first."""
        return self.choices[0] if self.choices is not None else self.at(0.5, whole)

    def ends(self, whole: bool = False) -> tuple[Scalar, ...]:
        """Return the least and the largest value that can be drawn; of choices, all of them."""
        if self.choices is not None:
            return self.choices
        if self.distribution in ("uniform", "log_uniform"):
            return (cast(Scalar, self.low), cast(Scalar, self.high))
        return (self.at(0.5 / LATTICE, whole), self.at(1.0 - 0.5 / LATTICE, whole))

    def number(self, value: Scalar) -> Scalar:
        """Return a drawn value as a number: a percentage as a share, a duration in seconds.

        Choices of which one is no number stay what they are.

        >>> Range(low="-15%", high="-5%").number("-10%")
        -0.1
        """
        try:
            units = {_parsed(choice)[0] for choice in self.choices or (value,)}
        except ValueError:
            return value
        number = _parsed(value)[1]
        return number / _SECOND_NS if units == {"duration"} else number


def _parsed(value: object) -> tuple[Unit, float]:
    """Return how a value is written, and what it is: a share, nanoseconds, a number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number", float(value)
    readers: tuple[tuple[Unit, Callable[[object], int | Decimal]], ...] = (
        ("percentage", parse_percent),
        ("duration", parse_duration),
        ("decimal", parse_decimal),
    )
    for unit, read in readers:
        try:
            return unit, float(read(value))
        except ValueError:
            continue
    raise ValueError(
        f'must be a number, a percentage in quotes such as "5%", {DURATION_HINT}, or a decimal in '
        "quotes; other values go into choices"
    )


def _written(unit: Unit, value: float) -> Scalar:
    """Return a value as it is written in a file."""
    if unit == "number":
        return value
    if unit == "duration":
        return format_duration(round(value))
    exact = Decimal(value).quantize(_FINEST)
    return format_percent(exact) if unit == "percentage" else f"{exact.normalize():f}"


# --- Ranges of a table -----------------------------------------------------------------------


def is_range(value: object) -> bool:
    """Return whether a table of a file is a range.

    >>> is_range({"low": 0.4, "high": 0.9}), is_range({"median": "20ms", "sigma": 0.4})
    (True, False)
    """
    return isinstance(value, Mapping) and not _MARKS.isdisjoint(cast("Mapping[str, Any]", value))


def is_whole(key: str) -> bool:
    """Return whether a key of a scenario takes no broken numbers without quotes."""
    from gammagym.scenario.schema import Scenario

    model = Venue if key.startswith("rules.") else Scenario
    parts = key.removeprefix("rules.").split(".")
    field, _ = field_at(model, tuple(int(part) if part.isdecimal() else part for part in parts))
    kinds = _kinds(field.annotation) if field is not None else set[Any]()
    return float not in kinds and not kinds.isdisjoint({int, Decimal})


def _kinds(annotation: Any) -> set[Any]:
    """Return the types that an annotation is made of."""
    parts = typing.get_args(annotation)
    return {annotation} if not parts else {kind for part in parts for kind in _kinds(part)}


def put(table: Any, key: str, value: Any) -> None:
    """Write the value of a dotted key into a table, where names may have dots themselves.

    Raises:
        KeyError: the key leads past a list, or through something that is not a table.
    """
    parts = key.split(".")
    if isinstance(table, list | tuple):
        items = cast("list[Any]", table)
        if not parts[0].isdecimal() or int(parts[0]) >= len(items) or len(parts) == 1:
            raise KeyError(f"there is no key {key!r} in a list of {len(items)}, counted from 0")
        put(items[int(parts[0])], ".".join(parts[1:]), value)
        return
    if not isinstance(table, dict):
        raise KeyError(f"{key!r} is a key of what is no table")
    here = cast(Table, table)
    for count in range(len(parts), 0, -1):
        name = ".".join(parts[:count])
        if name in here and count == len(parts):
            here[name] = value
            return
        if name in here and here[name] is not None:
            put(here[name], ".".join(parts[count:]), value)
            return
    if parts[0] == "rules" or len(parts) == 1:
        # Rules have dotted names.
        here |= {parts[0]: {".".join(parts[1:]): value}} if len(parts) > 1 else {key: value}
    else:
        here[parts[0]] = {}
        put(here[parts[0]], ".".join(parts[1:]), value)


def inline_ranges(table: Table) -> dict[str, str]:
    """Move what a table `[ranges]` says to where the values are; return problems by key."""
    problems: dict[str, str] = {}
    given = table.pop("ranges", None)
    for key, value in _leaves(given, "") if given is not None else ():
        if not is_range(value):
            problems[f"ranges.{key}"] = (
                f"ranges.{key} = {value!r}: must be a range, such as {{low = 0.4, high = 0.9}}"
            )
            continue
        try:
            put(table, key, value)
        except KeyError as error:
            problems[f"ranges.{key}"] = f"ranges.{key}: {error.args[0]}"
    return problems


def _leaves(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    """Yield the dotted keys and the values of a table whose values are ranges."""
    if not isinstance(value, Mapping) or is_range(value):
        yield key, value
        return
    for name, item in cast("Mapping[str, Any]", value).items():
        yield from _leaves(item, f"{key}.{name}" if key else name)


def _ranges_in(value: Any, key: str) -> Iterator[tuple[str, Any, Any, str]]:
    """Yield every range of a table: its key, its value, and where it stands."""
    items: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        items = list(cast(Table, value).items())
    elif isinstance(value, list | tuple):
        items = [(str(place), item) for place, item in enumerate(cast("list[Any]", value))]
    for name, item in items:
        inner = f"{key}.{name}" if key else name
        if is_range(item) and isinstance(value, dict):
            yield inner, item, value, name
        else:
            yield from _ranges_in(item, inner)


def take_ranges(table: Table) -> dict[str, str]:
    """Put the centre of each range in its place, and all ranges under `ranges`.

    Args:
        table: raw table of a scenario; changed.

    Returns:
        What is wrong with the ranges, by key.
    """
    problems = inline_ranges(table)
    ranges: dict[str, Range] = {}
    for key, given, here, name in list(_ranges_in(table, "")):
        if key in _FIXED:
            problems[key] = f"{key}: cannot be a range: play several scenarios instead"
            continue
        try:
            ranges[key] = Range.model_validate(given)
        except ValidationError as error:
            lines = describe(error, Range, given).values()
            problems[key] = "; ".join(f"{key}.{line}" for line in lines)
            continue
        here[name] = ranges[key].centre(is_whole(key))
    if ranges:
        table["ranges"] = ranges
    return problems


def end_problems(
    table: Table, known: Mapping[str, str], examine: Callable[[Table], dict[str, str]]
) -> dict[str, str]:
    """Return what is wrong with scenarios that have one range at one of its ends.

    Args:
        table: raw table of a scenario whose ranges were taken out.
        known: what is wrong with its other values, or at the centres, by key.
        examine: returns what is wrong with such a table, by key.
    """
    problems: dict[str, str] = {}
    ranges: dict[str, Range] = table.get("ranges", {})
    for key, drawn in ranges.items():
        if key in known:
            continue
        for value in drawn.ends(is_whole(key)):
            trial = copy.deepcopy({name: item for name, item in table.items() if name != "ranges"})
            put(trial, key, value)
            for place, line in examine(trial).items():
                if place not in known:
                    problems.setdefault(key, f"{key}: its range reaches {value!r}: {line}")
    return problems
