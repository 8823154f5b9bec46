"""What a scenario file may say of its timeline: what happens, when, how hard, and where.

An event is a trapezoid in time: it begins, grows to full strength, stays, and goes back, or stays
for good (docs/rules/shocks). Some are on or off, some happen once. Of each kind `_KEYS` says what
it must be given and what it may be given.
"""

from __future__ import annotations

import math
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from gammagym.quantities import Model, Moment, MomentText, Percent, Problems, Rate, Span, parse_span

NEVER = "never"
# Events of a timeline, and points of a path of prices.
MOST_SHOCKS = 24
MOST_POINTS = 16

Kind = Literal[
    "price",
    "spread",
    "depth",
    "makers",
    "orders",
    "outage",
    "latency",
    "fees",
    "funding",
    "index",
    "basis",
    "collateral",
    "implied_volatility",
    "volatility",
    "transfers",
    "deleveraging",
    "large_order",
    "default",
]

# What an event of each kind needs, and what it may have besides its time.
_KEYS = MappingProxyType(
    {
        "price": ((), ("move", "path")),
        "spread": (("multiple",), ()),
        "depth": (("multiple",), ()),
        "makers": (("share",), ("market",)),
        "orders": (("multiple",), ("market",)),
        "outage": (("what",), ("venue",)),
        "latency": (("multiple",), ()),
        "fees": ((), ("maker", "taker", "venue")),
        "funding": (("move",), ()),
        "index": (("move",), ("sources",)),
        "basis": (("move",), ("market",)),
        "collateral": (("move",), ("currency",)),
        "implied_volatility": (("multiple",), ()),
        "volatility": (("multiple",), ()),
        "transfers": ((), ()),
        "deleveraging": (("share", "side"), ()),
        "large_order": (("side", "quantity", "hold"), ("market",)),
        "default": (("share",), ("venue",)),
    }
)
_EXAMPLES = MappingProxyType(
    {
        "move": 'a return, such as "-12%"',
        "multiple": "a factor, such as 10 or 0.1",
        "share": 'a share, such as "60%"',
        "what": '"matching", "data" or "cancels"',
        "side": 'a side, "buy" or "sell"',
        "quantity": "a quantity (units)",
        "hold": 'the time it is worked over, such as "10min"',
    }
)
# Events that are there or not, and events that happen once.
SWITCHES = ("outage", "transfers", "fees")
ONCE = ("deleveraging", "default")
# Events whose strength is the logarithm of a price ratio.
_MOVES = ("price", "index", "basis", "collateral")


def _parse_recovery(value: object) -> Span | None:
    if value is None or value == NEVER:
        return None
    try:
        return parse_span(value)
    except ValueError as error:
        raise ValueError(f'{error}, or "{NEVER}"') from error


def _format_recovery(recovery: Span | None) -> str:
    return NEVER if recovery is None else str(recovery)


Recovery = Annotated[
    Span | None,
    BeforeValidator(_parse_recovery, json_schema_input_type=MomentText | Literal["never"]),
    PlainSerializer(_format_recovery, return_type=str),
]


class Point(Model):
    """A point of a path of prices."""

    after: Moment = Field(description="time since the event began")
    move: Annotated[Percent, Field(gt=-1, le=10)] = Field(
        description="return by then, since the event began"
    )


class Shock(Model):
    """One event of the timeline: it ramps up, holds, and recovers."""

    kind: Kind = Field(
        description="what it acts on: price; spread, depth: what makers quote; makers: they leave; "
        "orders: events a second; outage: of a venue; latency; fees; funding: the measured "
        "premium; index: its sources; basis: of one market; collateral: what it is taken for; "
        "implied_volatility, volatility: of options, of the price; transfers: halted; "
        "deleveraging: positions closed by force; large_order: worked by somebody; default: of a "
        "venue"
    )
    at: Moment = Field(description='when it begins: "40%" of the episode, "90min", "40%+5min"')
    ramp: Moment = Field(default=Span(), description="time to full strength")
    hold: Moment = Field(
        default=Span(), description="time at full strength; large_order: it is worked so long"
    )
    recovery: Recovery = Field(
        default=None,
        description='time back to nothing, or "never": it stays; left out: at once where a hold '
        "is given, else never",
    )
    move: Percent | None = Field(
        default=None,
        gt=-1,
        le=10,
        description="price, index, basis, collateral: simple return at full strength, such as "
        '"-12%"; funding: what is added to the premium',
    )
    path: Annotated[tuple[Point, ...], Field(strict=False, max_length=MOST_POINTS)] = Field(
        default=(), description="price: points that it goes through, instead of one move"
    )
    multiple: float | None = Field(
        default=None,
        gt=0,
        le=10_000,
        description="spread, depth, orders, latency, volatilities: factor at full strength",
    )
    share: Percent | None = Field(
        default=None,
        gt=0,
        le=1,
        description="makers: who leave; deleveraging: of positions; default: of equity that is "
        "lost",
    )
    what: Literal["matching", "data", "cancels"] | None = Field(
        default=None, description="outage: what the venue does not do"
    )
    maker: Rate | None = Field(default=None, description="fees: what is added to the maker fee")
    taker: Rate | None = Field(default=None, description="fees: what is added to the taker fee")
    sources: Annotated[int, Field(ge=1, le=4)] | None = Field(
        default=None, description="index: how many of its sources are wrong; left out: one"
    )
    currency: Literal["quote", "coin"] | None = Field(
        default=None, description="collateral: which of the two; left out: quote"
    )
    side: Literal["buy", "sell"] | None = Field(
        default=None,
        description="large_order: what it does; deleveraging: side of the positions that are "
        "closed (sell: shorts)",
    )
    quantity: Annotated[float, Field(gt=0, le=1e9)] | None = Field(
        default=None, description="large_order: how much (units)"
    )
    market: str | None = Field(
        default=None,
        min_length=1,
        description="makers, orders, basis, large_order: name of the market; left out: every one, "
        "but for basis and large_order that of the hedge",
    )
    venue: str | None = Field(
        default=None,
        min_length=1,
        description="outage, fees, default: name of the venue; left out: the hedge's",
    )

    @property
    def magnitude(self) -> float:
        """Strength in full: a log move, a log multiple, a share, or a rate, by its kind."""
        if self.kind in _MOVES:
            return math.log1p(float(self.move or 0))
        if self.kind == "funding":
            return float(self.move or 0)
        if self.share is not None:
            return float(self.share)
        return math.log(self.multiple or 1.0)

    @model_validator(mode="before")
    @classmethod
    def _held_is_over_some_time(cls, value: Any) -> Any:
        """Let an event that is held end with it, unless the file says otherwise."""
        if isinstance(value, dict):
            keys = cast("dict[str, Any]", value)
            if keys.get("hold", "0s") not in ("0s", Span()) and "recovery" not in keys:
                return {**keys, "recovery": "0s"}
        return cast(Any, value)

    @model_validator(mode="after")
    def _keys_fit_the_kind(self) -> Shock:
        problems = Problems(self)
        needed, allowed = _KEYS[self.kind]
        for key in needed:
            if not getattr(self, key) or getattr(self, key) == Span():
                problems.add(key, f"is missing: a {self.kind} event needs {_EXAMPLES[key]}")
        own = {"kind", "at", "ramp", "hold", "recovery", *needed, *allowed}
        for key in self.model_fields_set - own:
            if getattr(self, key) != type(self).model_fields[key].default:
                kinds = [kind for kind, keys in _KEYS.items() if key in (*keys[0], *keys[1])]
                problems.add(
                    key,
                    f"must not be given: it is of {', '.join(kinds)}, not of a {self.kind} event",
                )
        self._check_time(problems)
        self._check_strength(problems)
        problems.raise_if_any()
        return self

    def _check_time(self, problems: Problems) -> None:
        """Add what does not fit about ramp, hold and recovery."""
        if self.hold != Span() and self.recovery is None:
            problems.add("hold", 'must not be given where the recovery is "never": it stays')
        if self.at.share >= 1:
            problems.add("at", "must be before the end of the episode, 100%")
        if self.kind in ONCE:
            for key in ("ramp", "hold", "recovery"):
                if getattr(self, key) not in (Span(), None):
                    problems.add(key, f"must not be given: a {self.kind} happens once")
        if self.kind in (*SWITCHES, "large_order"):
            for key in ("ramp", "recovery"):
                if getattr(self, key) not in (Span(), None):
                    problems.add(
                        key, f"must not be given: {self.kind} has no half strength; give a hold"
                    )

    def _check_strength(self, problems: Problems) -> None:
        """Add what does not fit about how hard it is."""
        if self.kind == "price":
            if (self.move is None) == (not self.path):
                problems.add(
                    "move", 'is missing: a price event needs a return, such as "-12%", or a path'
                )
            if self.path and (self.ramp != Span() or self.hold != Span()):
                problems.add("path", "has times of its own: leave out ramp and hold")
        if self.kind == "fees" and not (self.maker or self.taker):
            problems.add("taker", 'is missing: say what is added, such as taker = "+0.005%"')
        if self.kind == "collateral" and (self.move or 0) > 0:
            problems.add("move", "must be negative: collateral loses value")


def log_return(move: Decimal) -> float:
    """Return the logarithm of the price ratio of a simple return."""
    return math.log1p(float(move))
