"""Books without anything around them, for tests of kernels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from gammagym.engine import book as engine
from gammagym.engine.entry import rest_order
from gammagym.engine.rules import BookRules
from gammagym.engine.tables import place
from gammagym.engine.waiting import wait
from gammagym.world import BOOK, LEVEL, MEMBER, NODE, ORDER, TERMS, WORK, viewed
from gammagym.world.codes import GTC, STOP


def working(**fields: int) -> Any:
    """Return an order that is about to be carried out, with the fields of `WORK`."""
    work = viewed(np.zeros(1, WORK))[0]
    for name, value in ({"tif": GTC} | fields).items():
        work[name] = value
    return work


@dataclass
class Tables:
    """Books that share their tables in equal parts."""

    orders: Any
    levels: Any
    nodes: Any
    terms: Any
    members: Any
    books: Any

    @property
    def book(self) -> Any:
        """The first book."""
        return self.books[0]

    def enter(self, **fields: int) -> int:
        """Let an order rest in the first book, or wait if it is of such a kind."""
        work = working(**fields)
        return wait(self.book, work) if work["kind"] >= STOP else rest_order(self.book, work)

    def open(self) -> None:
        """Empty all books."""
        count = len(self.books)
        parts = [len(table) // count for table in (self.orders, self.levels, self.terms)]
        members = len(self.members) // count
        for number in range(count):
            place(
                self.books[number : number + 1],
                orders=self.orders,
                levels=self.levels,
                nodes=self.nodes,
                terms=self.terms,
                members=self.members[number * members : (number + 1) * members],
            )
            ranges = [value for part in parts for value in (number * part, part)]
            engine.open_book(self.books[number], *ranges)

    def content(self) -> tuple[bytes, ...]:
        """Everything that is in the tables."""
        tables = (self.orders, self.levels, self.nodes, self.terms, self.members, self.books)
        return tuple(table.tobytes() for table in tables)


@pytest.fixture
def make_book() -> Callable[..., Tables]:
    """Return a maker of empty books: rows of each table for each book, and the rules."""
    kept: list[Tables] = []  # a book does not hold its tables, it only knows where they are

    def make(
        orders: int = 8,
        levels: int = 8,
        terms: int = 8,
        members: int = 8,
        books: int = 1,
        **rules: Any,
    ) -> Tables:
        tables = Tables(
            viewed(np.zeros(orders * books, ORDER)),
            viewed(np.zeros(levels * books, LEVEL)),
            viewed(np.zeros(levels * books, NODE)),
            viewed(np.zeros(terms * books, TERMS)),
            viewed(np.zeros(members * books, MEMBER)),
            viewed(np.zeros(books, BOOK)),
        )
        for number in range(books):
            BookRules(**rules).write(tables.books["rules"][number])
        tables.open()
        kept.append(tables)
        return tables

    return make


@pytest.fixture(name="working")
def working_order() -> Callable[..., Any]:
    """Return a maker of orders that are about to be carried out."""
    return working
