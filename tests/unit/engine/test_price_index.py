"""Every level is found by its price, wherever prices are and however they come and go."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sortedcontainers import SortedDict

from gammagym.engine import book as engine
from gammagym.engine.inspection import SOUND, check_book, free_levels, free_orders
from gammagym.world.codes import BUY, NO_LEVEL, NO_ORDER, SELL, SIDES

LOWEST, HIGHEST = -(2**63), 2**63 - 1
ROWS = 200

SHAPES: dict[str, Any] = {
    "side by side": lambda random: random.integers(-150, 150),
    "any size": lambda random: random.integers(LOWEST, HIGHEST) >> random.integers(64),
    "one bit each": lambda random: (1 << random.integers(63)) * random.choice([-1, 1]),
    "at the ends": lambda random: random.choice([LOWEST, HIGHEST - 199]) + random.integers(200),
    "same place in the cache": lambda random: random.integers(-150, 150) * 2**20,
}


def draw(random: np.random.Generator, shape: str) -> int:
    return int(SHAPES[shape](random))


class Levels:
    """One side of a book with one order a price, next to a sorted list of the same."""

    def __init__(self, tables: Any, side: int) -> None:
        self.book, self.side = tables.book, side
        self.rows: SortedDict = SortedDict()

    def add(self, price: int) -> None:
        if price not in self.rows:
            row = engine.rest(self.book, self.side, price, 1 + abs(price) % 7)
            assert row != NO_ORDER
            self.rows[price] = row

    def drop(self, price: int) -> None:
        engine.remove(self.book, self.rows.pop(price))

    def best(self) -> int:
        return self.rows.peekitem(-1 if self.side % 2 == 0 else 0)[0]

    def assert_found(self, price: int) -> None:
        lots = 1 + abs(price) % 7 if price in self.rows else 0
        assert engine.quantity_at(self.book, self.side, price) == lots
        found = engine.find_level(self.book, self.side, price)
        assert (found != NO_LEVEL) == (price in self.rows)

    def assert_in_order(self) -> None:
        prices = list(self.rows)
        expected = prices[::-1] if self.side % 2 == 0 else prices
        seen, row = [], engine.first_order(self.book, self.side)
        while row != NO_ORDER:
            seen.append(row)
            row = engine.next_order(self.book, row)
        assert seen == [self.rows[price] for price in expected]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("side", [BUY, SELL])
def test_levels_that_come_and_go_are_always_found_and_in_order(
    make_book, shape: str, side: int
) -> None:
    random = np.random.default_rng([side, *shape.encode()])
    levels = Levels(make_book(orders=ROWS, levels=ROWS), side)
    for turn in range(3_000):
        grows = random.random() < (0.7 if turn // 500 % 2 == 0 else 0.3)
        if grows and len(levels.rows) < ROWS:
            levels.add(draw(random, shape))
        elif levels.rows:
            levels.drop(levels.rows.keys()[random.integers(len(levels.rows))])
        levels.assert_found(draw(random, shape))
        if levels.rows:
            levels.assert_found(levels.rows.keys()[random.integers(len(levels.rows))])
            assert engine.best_price(levels.book, side) == levels.best()
        if turn % 50 == 0:
            levels.assert_in_order()
            assert check_book(levels.book) == SOUND
    assert free_levels(levels.book) == free_orders(levels.book) == ROWS - len(levels.rows)


@pytest.mark.parametrize("order", ["rising", "falling", "from outside in"])
@pytest.mark.parametrize("shape", SHAPES)
def test_levels_that_go_in_any_order_leave_nothing_behind(
    make_book, shape: str, order: str
) -> None:
    random = np.random.default_rng(9)
    levels = Levels(make_book(orders=ROWS, levels=ROWS), SELL)
    for _ in range(150):
        levels.add(draw(random, shape))
    while levels.rows:
        count = len(levels.rows)
        place = {"rising": 0, "falling": -1, "from outside in": -(count % 2)}[order]
        levels.drop(levels.rows.peekitem(place)[0])
        levels.assert_in_order()
        assert check_book(levels.book) == SOUND
    assert free_levels(levels.book) == ROWS


def test_sides_share_prices_and_rows_but_nothing_else(make_book) -> None:
    random = np.random.default_rng(3)
    tables = make_book(orders=ROWS, levels=ROWS)
    sides = [Levels(tables, side) for side in range(SIDES)]
    for _ in range(2_000):
        levels = sides[random.integers(SIDES)]
        price = draw(random, "side by side") // 10
        if price in levels.rows:
            levels.drop(price)
        elif free_orders(tables.book) > 0:
            levels.add(price)
        for other in sides:
            other.assert_found(price)
    for levels in sides:
        levels.assert_in_order()
    assert tables.book["level_count"].tolist() == [len(levels.rows) for levels in sides]
