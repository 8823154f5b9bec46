"""Orders at a venue follow the rules of the plain book: the exchange has its own way through them.

A book on its own and a venue run the same kernels, but in sequences of their own
(`engine/process.py` and `exchange/orders.py`). Here a world's book is compared with the reference
after every instruction: every order that rests or waits, and every position.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gammagym.engine.book import first_order, next_order
from gammagym.engine.inspection import SOUND, check_book, free_levels, free_orders, free_terms
from gammagym.engine.rules import BookRules
from gammagym.exchange.ledger import conserved, deposit
from gammagym.exchange.messages import send
from gammagym.exchange.orders import next_order_id
from gammagym.loop import advance
from gammagym.reference.book import Message, ReferenceBook
from gammagym.world import viewed
from gammagym.world.codes import (
    CANCEL,
    CANCEL_ALL,
    DISCONNECT,
    FIRST_AGENT_ACCOUNT,
    GTC,
    GTT,
    LIMIT,
    MODIFY,
    NEW,
    NO_TERMS,
    ON_INDEX,
    ON_MARK,
    POST_ONLY,
    SIDES,
    TELL_POSITION,
    TELL_PRICE,
)
from gammagym.world.sizes import QUANTA

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks import streams

PERP, MARK = 0, 600_000
OWNERS = [FIRST_AGENT_ACCOUNT + number for number in (1, 2, 3)]
TAPE = np.array([0.0])
SECOND = 1_000_000_000
STEPS = 500


class Venue:
    """A world whose perpetual only the owners trade, and the reference beside it."""

    def __init__(self, world: Any, rules: BookRules) -> None:
        self.world, self.plain = world, ReferenceBook(rules)
        self.book = viewed(world["books"])[PERP]
        rules.write(world["books"]["rules"][PERP])
        world["instruments"]["protection"][PERP] = 1_000.0  # as far as anybody
        world["price"]["volatility"] = 0.0
        for owner in OWNERS:
            deposit(world, owner, 0, 10**7 * QUANTA)
            self.tell(kind=TELL_POSITION, owner=owner)
        self.tick(0)

    def tell(self, **fields: int) -> None:
        """Let the reference carry out an instruction at the world's time."""
        message = dict.fromkeys(Message.__dataclass_fields__, 0) | fields
        self.plain.run(Message(**message | {"time": int(self.world["time_ns"]), "plain": False}))

    def tick(self, ticks: int) -> None:
        """Let the next price tick bring a mark so many ticks above the first one."""
        self.world["price"]["ahead"] = (MARK + ticks) / 10
        advance(self.world, TAPE, int(self.world["price"]["next_tick_ns"]))
        for source in (ON_MARK, ON_INDEX):
            self.tell(kind=TELL_PRICE, trigger=source, price=MARK + ticks)

    def send(self, order: dict[str, int]) -> None:
        """Let an instruction arrive at both."""
        draft = dict.fromkeys(self.world["incoming"].dtype.names, 0)
        names = {"owner": "account", "price": "price_ticks", "quantity": "quantity_lots"}
        names |= {"display": "display_lots", "trigger_price": "trigger_ticks"}
        names |= {"trail": "trail_ticks", "expiry": "expiry_ns"}
        draft |= {names.get(name, name): value for name, value in order.items()}
        for name, value in draft.items():
            self.world["incoming"][name] = value
        send(self.world, 0, 0)
        advance(self.world, TAPE, int(self.world["time_ns"]))
        self.tell(**order)

    def orders(self) -> list[tuple[int, ...]]:
        """Return side, id, price, displayed and open quantity of the world's orders."""
        result = []
        for side in range(SIDES):
            row = first_order(self.book, side)
            while row != -1:
                order = self.world["orders"][row]
                terms = int(order["terms"])
                hidden = 0 if terms == NO_TERMS else int(self.world["terms"]["hidden_lots"][terms])
                shown = int(order["quantity_lots"])
                price = int(order["price_ticks"])
                result.append((side, int(order["order_id"]), price, shown, shown + hidden))
                row = next_order(self.book, row)
        return result

    def check(self) -> None:
        """Compare both, and see that the world is sound."""
        expected = [
            (side, order.order_id, order.price, order.shown, order.quantity)
            for side in range(SIDES)
            for order in self.plain.sides[side].values()
        ]
        assert self.orders() == expected
        held = self.world["positions"]["quantity_lots"][OWNERS, PERP].tolist()
        assert held == [self.plain.positions[owner] for owner in OWNERS]
        assert check_book(self.book) == SOUND
        assert conserved(self.world, 0) == self.world["deposits"][0]


def drawn_price(random: np.random.Generator) -> int:
    """Return a price near the mark, mostly one that every tick allows."""
    return MARK + 2 * int(random.integers(-6, 7)) + int(random.random() < 0.05)


def drawn_lots(random: np.random.Generator) -> int:
    """Return a quantity, mostly one that every lot and maximum allows."""
    return 6 * int(random.integers(1, 5)) + int(random.choice([0, 0, 0, 0, 1, 30]))


def drawn_order(random: np.random.Generator, venue: Venue) -> dict[str, int]:
    """Return a new order of any kind; one without details when the world is short of rows."""
    order = {
        "kind": NEW,
        "side": random.integers(2),
        "owner": random.choice(OWNERS),
        "order_id": next_order_id(venue.world),
        "price": drawn_price(random),
        "quantity": drawn_lots(random),
        "tif": random.choice(POST_ONLY + 1, p=[0.7, 0.1, 0.1, 0.1]),
        "self_trade": random.choice(5, p=[0.6, 0.1, 0.1, 0.1, 0.1]),
        "reduce_only": random.random() < 0.15,
    }
    if free_terms(venue.book) > 1:
        order["tif"] = random.choice([order["tif"], GTT], p=[0.8, 0.2])
        order["type"] = random.choice([LIMIT, random.integers(8)])
        order["trigger"] = random.integers(3)
        order["trigger_price"] = drawn_price(random)
        order["trail"] = random.integers(-1, 12)
        if order["type"] == LIMIT and order["tif"] in (GTC, GTT):
            order["display"] = random.choice([0, 0, random.integers(-1, 8)])
        order["expiry"] = int(venue.world["time_ns"]) + random.integers(-1, 30) * SECOND // 2
    return {name: int(value) for name, value in order.items()}


def has_room(venue: Venue) -> bool:
    """Return whether the world can take one more order: the reference always can."""
    return min(free_orders(venue.book), free_levels(venue.book)) > 1


def drawn_change(random: np.random.Generator, venue: Venue) -> dict[str, int]:
    """Return an instruction about an order that is there, or about all of somebody's."""
    kinds, often = [CANCEL, MODIFY, CANCEL_ALL, DISCONNECT], [0.38, 0.58, 0.02, 0.02]
    kind = int(random.choice(kinds, p=often)) if has_room(venue) else CANCEL_ALL
    change = {"kind": kind, "owner": int(random.choice(OWNERS))}
    if kind in (CANCEL, MODIFY) and venue.plain.orders:
        order = venue.plain.orders[int(random.choice(list(venue.plain.orders)))]
        change |= {"order_id": order.order_id, "owner": order.owner, "side": order.side}
        change |= {"price": drawn_price(random), "quantity": drawn_lots(random)}
    return change


@pytest.mark.parametrize("seed", range(24))
def test_a_venue_follows_the_rules_of_the_plain_book(make_exchange, seed: int) -> None:
    random = np.random.default_rng(seed)
    rules = replace(
        streams.rules(seed),
        lowest_price=None,
        highest_price=None,
        protection=None,
        rate_interval=SECOND // 8 if seed % 4 == 0 else 0,
    )
    venue = Venue(make_exchange(), rules)
    for _ in range(STEPS):
        draw = random.random()
        if draw < 0.1:
            venue.tick(int(random.integers(-15, 16)))
        else:
            is_new = draw < 0.8 and has_room(venue)
            venue.send((drawn_order if is_new else drawn_change)(random, venue))
        venue.check()
    assert int(venue.world["books"]["trades"][PERP]) > 10
