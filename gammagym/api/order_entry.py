"""What an order says, as people write it: checked, then turned into ticks, lots and nanoseconds.

What contradicts itself is refused here, before anything is sent; what the venue refuses is known
when the order has arrived (docs/rules/matching).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gammagym.engine.rules import SELF_TRADE
from gammagym.errors import OrderError, nearest
from gammagym.world.codes import (
    BUY,
    FOK,
    GTC,
    GTT,
    IOC,
    LIMIT,
    MARKET,
    ON_INDEX,
    ON_LAST,
    ON_MARK,
    POST_ONLY,
    SELL,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRAILING_STOP,
    UNSET,
)

SIDES = {"buy": BUY, "sell": SELL}
TYPES = {
    "limit": LIMIT,
    "market": MARKET,
    "stop": STOP,
    "stop_limit": STOP_LIMIT,
    "take_profit": TAKE_PROFIT,
    "take_profit_limit": TAKE_PROFIT_LIMIT,
    "trailing_stop": TRAILING_STOP,
}
TIFS = {"gtc": GTC, "ioc": IOC, "fok": FOK, "gtt": GTT}
TRIGGERS = {"last": ON_LAST, "mark": ON_MARK, "index": ON_INDEX}
_SELF_TRADE = {name: mode for name, mode in SELF_TRADE.items() if mode != UNSET}
# The prices that a type must be given; it must not be given the others.
_PRICES = {
    "limit": ("price",),
    "market": (),
    "stop": ("trigger_price",),
    "stop_limit": ("price", "trigger_price"),
    "take_profit": ("trigger_price",),
    "take_profit_limit": ("price", "trigger_price"),
    "trailing_stop": ("trail",),
}
YEAR_SECONDS = 365 * 86_400
# Prices and quantities stay below this many steps, so that their product fits money's 64 bits.
_MOST_STEPS = 2**40
_LARGEST_NUMBER = float(np.finfo(np.float64).max)


@dataclass(frozen=True)
class SentOrder:
    """An order as it was sent; whether it rests is known when it has arrived (`Market.orders`).

    Attributes:
        id: its order id.
        agent: who sent it.
        instrument: what it is for.
        side: ``buy`` or ``sell``.
        quantity: units of the underlying.
        price: limit, or the protection price of a market order; None: it becomes a market order.
        reduce_only: whether it may only bring the position closer to zero.
        type: ``limit``, ``market``, ``stop``, ``stop_limit``, ``take_profit``,
            ``take_profit_limit`` or ``trailing_stop``.
        trigger_price: what it waits for, None if it does not wait or trails.
        position: hedge mode: ``long`` or ``short``, the position it is for.
    """

    id: int
    agent: str
    instrument: str
    side: str
    quantity: float
    price: float | None
    reduce_only: bool = False
    type: str = "limit"
    trigger_price: float | None = None
    position: str | None = None


@dataclass(frozen=True)
class OrderTerms:
    """The arguments of `Market.submit` that say what the order is like, as they were given.

    Raises:
        OrderError: a word is unknown, something is missing, or two arguments contradict each other.
    """

    side: str
    quantity: float
    price: float | None
    tif: str
    type: str | None
    trigger_price: float | None
    trigger_by: str
    trail: float | None
    display: float | None
    expire_in: float | None
    self_trade: str | None
    post_only: bool
    reduce_only: bool

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.side not in ("buy", "sell"):
            raise OrderError(f"side must be 'buy' or 'sell', was {self.side!r}")
        _known("tif", self.tif, TIFS)
        if self.type is not None:
            _known("type", self.type, TYPES)
        _known("trigger_by", self.trigger_by, TRIGGERS)
        if self.self_trade is not None:
            _known("self_trade", self.self_trade, _SELF_TRADE)
        _check_prices(self)
        _check_resting(self)

    @property
    def kind(self) -> str:
        """The type; without one, a limit order if there is a price, else a market order."""
        if self.type is not None:
            return self.type
        return "market" if self.price is None else "limit"

    @property
    def waits(self) -> bool:
        """Whether it waits for a trigger."""
        return self.kind not in ("limit", "market")

    @property
    def has_limit(self) -> bool:
        """Whether it is, or becomes, a limit order."""
        return "price" in _PRICES[self.kind]


def message_fields(terms: OrderTerms, contract: Any, now_ns: int) -> dict[str, int]:
    """Return the fields of a message that say what an order is like.

    Args:
        terms: what was asked for.
        contract: the instrument's row of the world.
        now_ns: time it is sent at (ns).

    Raises:
        OrderError: a number is not finite, not positive, too large, or no multiple of its step.
    """
    tick, lot = float(contract["tick_size"]), float(contract["lot_quantity"])
    fields = {
        "type": TYPES[terms.kind],
        "side": SIDES[terms.side],
        "tif": POST_ONLY if terms.post_only else TIFS[terms.tif],
        "trigger": TRIGGERS[terms.trigger_by],
        "self_trade": UNSET if terms.self_trade is None else _SELF_TRADE[terms.self_trade],
        "reduce_only": int(bool(terms.reduce_only)),
        "quantity_lots": steps("quantity", terms.quantity, lot),
        "price_ticks": _steps_or_zero("price", terms.price, tick),
        "trigger_ticks": _steps_or_zero("trigger_price", terms.trigger_price, tick),
        "trail_ticks": _steps_or_zero("trail", terms.trail, tick),
        "display_lots": _steps_or_zero("display", terms.display, lot),
        "expiry_ns": 0,
    }
    if terms.expire_in is not None:
        fields["expiry_ns"] = now_ns + seconds_to_ns("expire_in", terms.expire_in)
    if terms.kind == "market":
        fields["tif"] = FOK if terms.tif == "fok" else IOC
    return fields


# --- Contradictions --------------------------------------------------------------------------


def _known(name: str, value: object, known: dict[str, int]) -> None:
    if not isinstance(value, str) or value not in known:
        raise OrderError(f"unknown {name} {value!r}: {nearest(str(value), list(known))}")


def _check_prices(terms: OrderTerms) -> None:
    """Refuse prices that are missing or do not belong to the type."""
    kind = terms.kind
    for name in ("price", "trigger_price", "trail"):
        given, needed = getattr(terms, name) is not None, name in _PRICES[kind]
        if needed and not given:
            raise OrderError(f"type={kind!r} needs {name}, which is missing")
        if given and not needed:
            fitting = [other for other, names in _PRICES.items() if name in names]
            raise OrderError(
                f"{name} does not go with type={kind!r}: leave it out, or take one of {fitting}"
            )
    if not terms.waits and terms.trigger_by != "last":
        raise OrderError(
            f"trigger_by does not go with type={kind!r}, which waits for no trigger: leave it out"
        )


def _check_resting(terms: OrderTerms) -> None:
    """Refuse what only makes sense of an order that rests, for one that never does."""
    if terms.post_only and (terms.tif != "gtc" or not terms.has_limit):
        raise OrderError("post_only needs tif='gtc' and a price: other orders are there to take")
    if (terms.tif == "gtt") != (terms.expire_in is not None):
        raise OrderError(
            f"tif='gtt' and expire_in go together: give both or neither, were tif={terms.tif!r} "
            f"and expire_in={terms.expire_in!r}"
        )
    if terms.tif == "gtt" and not terms.has_limit:
        raise OrderError(f"tif='gtt' needs a price: an order of type={terms.kind!r} never rests")
    if terms.display is not None and not (terms.has_limit and terms.tif in ("gtc", "gtt")):
        raise OrderError(
            "display needs a price and tif='gtc' or 'gtt': an order that never rests shows nothing"
        )


# --- Numbers ---------------------------------------------------------------------------------


def number(name: str, value: object) -> float:
    """Return a value that is a finite number, or say that it is not."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise OrderError(f"{name} must be a number, was {value!r}")
    if not abs(value) <= _LARGEST_NUMBER:
        raise OrderError(f"{name} must be a finite number, was {value!r}")
    return float(value)


def seconds_to_ns(name: str, value: object) -> int:
    """Return seconds as nanoseconds (> 0, at most a year), or say why that cannot be."""
    if not 0 < number(name, value) <= YEAR_SECONDS:
        raise OrderError(f"{name} must be > 0 and at most a year, was {value!r}")
    return round(number(name, value) * 1e9)


def steps(name: str, value: float, step: float) -> int:
    """Return a price in ticks or a quantity in lots, refusing what is no multiple or too large."""
    if not abs(number(name, value)) < _MOST_STEPS * step:
        raise OrderError(f"{name} must be less than {_MOST_STEPS * step:g}, was {value!r}")
    count = round(value / step)
    if abs(value / step - count) > 1e-6:
        raise OrderError(f"{name} must be a multiple of {step:g}, was {value!r}")
    if count <= 0:
        raise OrderError(f"{name} must be at least {step:g}, was {value!r}")
    return count


def _steps_or_zero(name: str, value: float | None, step: float) -> int:
    return 0 if value is None else steps(name, value, step)
