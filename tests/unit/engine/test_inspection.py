"""The checker must see every kind of damage, or tests that rely on it prove nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gammagym.engine import inspection as codes
from gammagym.engine.inspection import SOUND, check_book, free_levels, free_orders, free_terms
from gammagym.engine.matching import match, start_matching
from gammagym.engine.members import join, tell_position
from gammagym.world.codes import BUY, GTT, NO_LEVEL, NO_ORDER, NO_TERMS, SELL, STOP

OWNER = 3


class Sample:
    """A book with a bit of everything, and the rows where it is."""

    def __init__(self, tables: Any) -> None:
        self.tables, self.book = tables, tables.book
        join(self.book, OWNER)
        tell_position(self.book, OWNER, 50)
        enter = tables.enter
        self.first = enter(side=BUY, price_ticks=9, left_lots=5)
        self.second = enter(side=BUY, price_ticks=9, left_lots=6)
        self.lower = enter(side=BUY, price_ticks=7, left_lots=2)
        self.ours = enter(side=SELL, price_ticks=12, left_lots=4, owner=OWNER, reduce_only=1)
        self.iceberg = enter(side=SELL, price_ticks=13, left_lots=9, display_lots=2)
        self.early = enter(side=SELL, price_ticks=14, left_lots=1, tif=GTT, expiry_ns=10)
        self.late = enter(side=SELL, price_ticks=14, left_lots=1, tif=GTT, expiry_ns=20)
        self.stop = enter(kind=STOP, side=BUY, trigger_ticks=20, left_lots=3, owner=OWNER)

    def order(self, name: str) -> Any:
        return self.tables.orders[getattr(self, name)]

    def level(self, name: str) -> Any:
        return self.tables.levels[int(self.order(name)["level"])]

    def terms(self, name: str) -> Any:
        return self.tables.terms[int(self.order(name)["terms"])]

    def member(self) -> Any:
        rows = self.tables.members["owner"] == OWNER
        return self.tables.members[int(rows.argmax())]


@pytest.fixture
def sample(make_book) -> Sample:
    return Sample(make_book(orders=12, levels=12, maximum_orders=9, maximum_waiting=9))


def change(where: Any, field: str, by: int) -> None:
    where[field] += by


def swap_levels(sample: Sample) -> None:
    """Hang the worse level of the buyers before the better one."""
    better, worse = sample.level("first"), sample.level("lower")
    rows = int(sample.order("first")["level"]), int(sample.order("lower")["level"])
    sample.book["best"][BUY] = rows[1]
    worse["better"], worse["worse"] = NO_LEVEL, rows[0]
    better["better"], better["worse"] = rows[1], NO_LEVEL


def move_level(sample: Sample) -> None:
    """Change the price of a level without telling the index."""
    sample.order("lower")["price_ticks"] = sample.level("lower")["price_ticks"] = 8


def cross(sample: Sample) -> None:
    sample.tables.enter(side=SELL, price_ticks=9, left_lots=1)


def put_in_cache(sample: Sample) -> None:
    sample.book["cache"][SELL, 9] = sample.order("first")["level"]


def swap_expiries(sample: Sample) -> None:
    sample.terms("early")["expiry_ns"], sample.terms("late")["expiry_ns"] = 20, 10


def forget_terms(sample: Sample) -> None:
    sample.order("stop")["terms"] = NO_TERMS


def leave_line(sample: Sample) -> None:
    """Take the last order out of the line of expiry, neatly."""
    sample.terms("early")["next"] = NO_TERMS
    sample.book["last_expiry"] = sample.order("early")["terms"]


DAMAGE: list[tuple[int, Callable[[Sample], object]]] = [
    (codes.CROSSED, cross),
    (codes.WRONG_ORDER_COUNT, lambda s: change(s.book["order_count"], BUY, -1)),
    (codes.WRONG_LEVEL_COUNT, lambda s: change(s.book["level_count"], SELL, -1)),
    (codes.WRONG_LEVEL_TOTAL, lambda s: change(s.level("first"), "quantity_lots", 1)),
    (codes.WRONG_LEVEL_TOTAL, lambda s: change(s.order("second"), "quantity_lots", -1)),
    (codes.WRONG_ORDER, lambda s: change(s.order("second"), "quantity_lots", -6)),
    (codes.WRONG_ORDER, lambda s: change(s.order("first"), "price_ticks", 1)),
    (codes.WRONG_ORDER, lambda s: s.order("first").__setitem__("live", 0)),
    (codes.WRONG_ORDER, lambda s: change(s.order("first"), "side", 1)),
    (codes.WRONG_ORDER, lambda s: change(s.order("second"), "level", 1)),
    (codes.WRONG_ARRIVAL, lambda s: change(s.order("first"), "arrival", 1)),
    (codes.WRONG_ARRIVAL, lambda s: change(s.book, "next_arrival", -6)),
    (codes.WRONG_QUEUE_LINK, lambda s: change(s.order("second"), "previous", 1)),
    (codes.WRONG_QUEUE_LINK, lambda s: change(s.level("first"), "last", -1)),
    (codes.WRONG_LEVEL, swap_levels),
    (codes.WRONG_LEVEL, lambda s: s.level("lower").__setitem__("first", NO_ORDER)),
    (codes.WRONG_LEVEL_LINK, lambda s: s.level("lower").__setitem__("better", NO_LEVEL)),
    (codes.WRONG_INDEX, move_level),
    (codes.WRONG_INDEX, lambda s: change(s.level("lower"), "side", 1)),
    (codes.WRONG_INDEX, lambda s: change(s.level("lower"), "parent", 1)),
    (codes.WRONG_INDEX, lambda s: s.book["root"].__setitem__(BUY, 10**6)),
    (codes.WRONG_INDEX, lambda s: s.book["root"].__setitem__(BUY, -(10**6))),
    (codes.WRONG_CACHE, put_in_cache),
    (codes.WRONG_FREE_LIST, lambda s: s.book.__setitem__("free_order", s.first)),
    (codes.WRONG_FREE_LIST, lambda s: s.book.__setitem__("free_level", s.order("first")["level"])),
    (codes.WRONG_FREE_LIST, lambda s: change(s.book["order_count"], SELL, 1)),
    (codes.WRONG_TERMS, forget_terms),
    (codes.WRONG_TERMS, lambda s: s.terms("iceberg").__setitem__("hidden_lots", -1)),
    (codes.WRONG_TERMS, lambda s: s.terms("iceberg").__setitem__("display_lots", 0)),
    (codes.WRONG_TERMS, lambda s: change(s.terms("iceberg"), "order", 1)),
    (codes.WRONG_EXPIRY_LINE, swap_expiries),
    (codes.WRONG_EXPIRY_LINE, leave_line),
    (codes.WRONG_EXPIRY_LINE, lambda s: s.book.__setitem__("last_expiry", NO_TERMS)),
    (codes.WRONG_MEMBER, lambda s: change(s.member(), "resting", 1)),
    (codes.WRONG_MEMBER, lambda s: change(s.member(), "waiting", 1)),
    (codes.WRONG_MEMBER, lambda s: change(s.member(), "reducing", -1)),
    (codes.WRONG_MEMBER, lambda s: s.member().__setitem__("next", -1)),
    (codes.WRONG_MEMBER, lambda s: change(s.book, "known_members", 1)),
    (codes.WRONG_MEMBER, lambda s: change(s.book, "members", 1)),
]


def test_the_sample_is_sound_and_its_free_rows_are_counted(sample: Sample) -> None:
    assert check_book(sample.book) == SOUND
    assert (free_orders(sample.book), free_levels(sample.book)) == (12 - 8, 12 - 6)
    assert free_terms(sample.book) == 8 - 4


@pytest.mark.parametrize(("code", "damage"), DAMAGE)
def test_damage_is_seen_and_called_by_its_name(
    sample: Sample, code: int, damage: Callable[[Sample], object]
) -> None:
    damage(sample)
    assert check_book(sample.book) == code


def test_every_code_has_been_provoked() -> None:
    assert {code for code, _ in DAMAGE} == set(range(codes.CROSSED, codes.WRONG_MEMBER + 1))


def test_quantity_that_matching_makes_or_loses_is_seen(make_book, working) -> None:
    tables = make_book()
    tables.enter(side=BUY, price_ticks=5, left_lots=40)
    book, taker = tables.book, working(side=SELL, price_ticks=5, left_lots=30)
    held = codes.open_quantity(book, BUY)
    start_matching(taker)
    count = match(book, taker)
    assert count == 1
    assert codes.is_quantity_conserved(book, taker, count, held, 30)
    assert not codes.is_quantity_conserved(book, taker, count, held + 1, 30)
    assert not codes.is_quantity_conserved(book, taker, count, held, 31)
