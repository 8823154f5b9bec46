"""The venue's rules for one book, as a person writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gammagym.errors import OrderError
from gammagym.world.codes import DECREMENT, EXPIRE_BOTH, EXPIRE_MAKER, EXPIRE_TAKER, UNSET

SELF_TRADE = {
    "allow": UNSET,
    "expire_taker": EXPIRE_TAKER,
    "expire_maker": EXPIRE_MAKER,
    "expire_both": EXPIRE_BOTH,
    "decrement": DECREMENT,
}
_CHOICES = {
    "matching": ("price_time", "pro_rata"),
    "post_only": ("reject", "slide"),
    "self_trade": tuple(SELF_TRADE),
    "self_trade_decides": ("taker", "maker"),
}
_LARGEST = 2**63 - 1
_LONGEST_NS = 2**60
_SMALLEST = {
    "tick": 1,
    "lot": 1,
    "maximum_quantity": 1,
    "iceberg_parts": 1,
    "rate_burst": 1,
    "protection": 0,
}
_LARGEST_COUNT = {"maximum_orders": 2**31 - 1, "maximum_waiting": 2**31 - 1}


@dataclass(frozen=True)
class BookRules:
    """Rules of one book (docs/rules/matching): prices in ticks, quantities in lots, times in ns.

    Attributes:
        tick: prices are multiples of it.
        lot: quantities are multiples of it.
        minimum_quantity: smallest quantity of an order.
        maximum_quantity: largest quantity of an order, None for any.
        iceberg_parts: an iceberg may have at most so many times what it displays.
        minimum_notional: smallest price times quantity of a limit order (ticks x lots).
        lowest_price: sellers may not ask less, None for no band.
        highest_price: buyers may not bid more, None for no band.
        protection: how far beyond the touch a market order reaches, None for everywhere.
        maximum_orders: resting orders of one owner, 0 for any number.
        maximum_waiting: orders of one owner that wait for a trigger, 0 for any number.
        rate_burst: messages that an owner may send at once.
        rate_interval: time after which it may send one more (ns); 0: no limit at all.
        matching: ``price_time`` or ``pro_rata``.
        top_share: pro-rata: share of the top order, between 0 and 1.
        top_maximum: pro-rata: most that the top order gets first, None for any.
        pro_rata_minimum: pro-rata: smaller shares are nothing.
        post_only: ``reject`` or ``slide`` a post-only order that would trade.
        amend_keeps_priority: whether no larger a size at the same price keeps its place.
        self_trade: mode of orders that set none: ``allow``, ``expire_taker``, ``expire_maker``,
            ``expire_both`` or ``decrement``.
        self_trade_decides: whose mode counts, ``taker`` or ``maker``.
        cancel_on_disconnect: whether the orders of an owner who disconnects are canceled.

    Raises:
        OrderError: a value is not allowed.

    Example:
        >>> BookRules(post_only="slide", self_trade="expire_taker").tick
        1
    """

    tick: int = 1
    lot: int = 1
    minimum_quantity: int = 0
    maximum_quantity: int | None = None
    iceberg_parts: int = 100
    minimum_notional: int = 0
    lowest_price: int | None = None
    highest_price: int | None = None
    protection: int | None = None
    maximum_orders: int = 0
    maximum_waiting: int = 0
    rate_burst: int = 1
    rate_interval: int = 0
    matching: str = "price_time"
    top_share: float = 0.0
    top_maximum: int | None = None
    pro_rata_minimum: int = 0
    post_only: str = "reject"
    amend_keeps_priority: bool = False
    self_trade: str = "allow"
    self_trade_decides: str = "taker"
    cancel_on_disconnect: bool = False

    def __post_init__(self) -> None:
        """Refuse values that are not allowed."""
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                raise OrderError(f"rules: {name} must be one of {allowed}, was {value!r}")
        if not 0.0 <= self.top_share <= 1.0:
            raise OrderError(f"rules: top_share must lie between 0 and 1, was {self.top_share!r}")
        if self.rate_burst * self.rate_interval > _LONGEST_NS:
            raise OrderError(
                f"rules: rate_burst times rate_interval must be at most {_LONGEST_NS} ns, "
                f"was {self.rate_burst!r} times {self.rate_interval!r}"
            )
        for name in self._whole_numbers():
            value = getattr(self, name)
            smallest = _SMALLEST.get(name, -(2**63) if name.endswith("_price") else 0)
            largest = _LARGEST_COUNT.get(name, _LARGEST)
            if value is None:
                continue
            if isinstance(value, bool) or int(value) != value or not smallest <= value <= largest:
                raise OrderError(
                    f"rules: {name} must be a whole number from {smallest} to {largest}, "
                    f"was {value!r}"
                )

    def _whole_numbers(self) -> list[str]:
        names = set(self.__dataclass_fields__) - set(_CHOICES)
        return sorted(names - {"top_share", "amend_keeps_priority", "cancel_on_disconnect"})

    def write(self, record: Any) -> None:
        """Write the rules into a record of `gammagym.world.Rules`."""
        record["tick"], record["lot"] = self.tick, self.lot
        record["minimum_lots"] = self.minimum_quantity
        record["maximum_lots"] = _or(self.maximum_quantity, _LARGEST)
        record["iceberg_parts"] = self.iceberg_parts
        record["minimum_notional"] = self.minimum_notional
        record["lowest_ticks"] = _or(self.lowest_price, -(2**63))
        record["highest_ticks"] = _or(self.highest_price, _LARGEST)
        record["protection_ticks"] = _or(self.protection, -1)
        record["rate_interval_ns"] = self.rate_interval
        record["rate_burst"] = self.rate_burst
        record["top_share_e9"] = self.top_share_e9
        record["top_maximum_lots"] = _or(self.top_maximum, _LARGEST)
        record["pro_rata_minimum_lots"] = self.pro_rata_minimum
        record["maximum_orders"] = self.maximum_orders
        record["maximum_waiting"] = self.maximum_waiting
        record["pro_rata"] = self.matching == "pro_rata"
        record["post_only_slides"] = self.post_only == "slide"
        record["amend_keeps_priority"] = self.amend_keeps_priority
        record["self_trade"] = SELF_TRADE[self.self_trade]
        record["maker_decides"] = self.self_trade_decides == "maker"
        record["cancel_on_disconnect"] = self.cancel_on_disconnect

    @property
    def top_share_e9(self) -> int:
        """Share of the top order in billionths."""
        return round(self.top_share * 1_000_000_000)


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
