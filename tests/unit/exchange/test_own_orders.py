"""Orders of the world's own accounts take a short way into the book, and come to the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gammagym.exchange.ledger import deposit
from gammagym.exchange.orders import enter, next_order_id, open_times
from gammagym.exchange.own_orders import limit_order
from gammagym.world import viewed
from gammagym.world.codes import (
    BUY,
    CROWD,
    FIRST_AGENT_ACCOUNT,
    GTC,
    IOC,
    LIMIT,
    MAKERS,
    NEW,
    NO_ORDER,
    ON_MARK,
    SELL,
)
from gammagym.world.sizes import QUANTA

PERP, MARK = 0, 600_000
HEDGE, OTHER = FIRST_AGENT_ACCOUNT + 1, FIRST_AGENT_ACCOUNT + 2
ORDERS = 400
# Where matching keeps the order in hand: what is left there means nothing.
WORK_SPACES = {"work", "incoming"}


def copy_of(world: Any) -> Any:
    copies = np.zeros(1, world.dtype)
    copies[0] = world
    return viewed(copies)[0]


def enter_as_anybody(world: Any, account: int, side: int, price: int, lots: int, tif: int) -> int:
    """Do as `limit_order` does, but by the way that competitors' orders take."""
    message = world["incoming"]
    for name in message.dtype.names:
        message[name] = 0
    given = {"kind": NEW, "type": LIMIT, "account": account, "instrument": PERP, "side": side}
    given |= {"tif": tif, "price_ticks": price, "quantity_lots": lots}
    for name, value in given.items():
        message[name] = value
    message["order_id"] = next_order_id(world)
    return int(enter(world, message))


def set_rules(**rules: int) -> Callable[[Any], None]:
    def change(world: Any) -> None:
        for name, value in rules.items():
            world["books"]["rules"][name][PERP] = value

    return change


def close_venue(world: Any) -> None:
    world["venues"]["halted"] = 1


def set_band(world: Any) -> None:
    world["instruments"]["price_band"][PERP] = 0.0002


def expire_contract(world: Any) -> None:
    world["instruments"]["settled"][PERP] = 1


def pause_trading(world: Any) -> None:
    world["instruments"]["paused_until_ns"][PERP] = 2


def owe_triggers(world: Any) -> None:
    """As after a pause: a price has moved, but nobody has looked at the triggers yet."""
    world["books"]["price_moved"][PERP, ON_MARK] = 1


CHANGES = {
    "no rules": set_rules(),
    "coarse ticks and lots": set_rules(tick=5, lot=10),
    "least and most": set_rules(minimum_lots=20, maximum_lots=60),
    "least notional": set_rules(minimum_notional=20 * MARK),
    "edges of a band": set_rules(lowest_ticks=MARK - 5, highest_ticks=MARK + 5),
    "a band about the mark": set_band,
    "few orders each": set_rules(maximum_orders=3),
    "a closed venue": close_venue,
    "an expired contract": expire_contract,
    "a pause": pause_trading,
    "triggers that are owed": owe_triggers,
}
TAKES_NOTHING = {"a closed venue", "an expired contract", "a pause"}


@pytest.mark.parametrize("case", CHANGES)
def test_the_short_way_of_an_order_comes_to_the_same_as_that_of_everybody(make_exchange, case):
    world = make_exchange()
    deposit(world, HEDGE, 0, 10**6 * QUANTA)
    world["time_ns"] = 1
    open_times(world)
    CHANGES[case](world)
    twin = copy_of(world)
    random = np.random.default_rng(7)
    rows: list[int] = []
    for _ in range(ORDERS):
        account = int(random.choice([CROWD, MAKERS, OTHER, HEDGE], p=[0.7, 0.1, 0.1, 0.1]))
        side, tif = int(random.choice([BUY, SELL])), int(random.choice([GTC, IOC], p=[0.8, 0.2]))
        price = MARK + int(random.integers(-15, 16)) + (-8 if side == BUY else 8)
        lots = int(random.choice([1, 10, 20, 30, 50, 70]))
        if random.random() < 0.05:
            # Some prices and quantities are none, or more than any venue takes.
            price = int(random.choice([0, -3, price, 2**62]))
            lots = int(random.choice([0, -1, 10**13, 2**62]))
        rows.append(int(limit_order(world, account, PERP, side, price, lots, tif)))
        assert rows[-1] == enter_as_anybody(twin, account, side, price, lots, tif)
        for name in set(world.dtype.names) - WORK_SPACES:
            assert world[name].tobytes() == twin[name].tobytes(), name
    assert world["rejected_background"] > 0
    assert (set(rows) == {NO_ORDER}) == (case in TAKES_NOTHING)
    assert (world["books"]["trades"][PERP] > 0) == (case not in TAKES_NOTHING)
