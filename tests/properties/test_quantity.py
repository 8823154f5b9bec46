"""No quantity appears or vanishes: what entered has traded, was canceled or reduced, or is open."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gammagym.api.order_book import OrderBook
from gammagym.engine.protocol import (
    ACKNOWLEDGED,
    CANCELED,
    MODIFIED,
    REDUCED,
    REFILLED,
    TRADE,
    TRIGGERED,
)
from gammagym.world.codes import BUY, SELL

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks import streams


class Accounting:
    """The open quantity of every order, known from the reports alone."""

    def __init__(self) -> None:
        self.open: dict[int, int] = {}

    def read(self, report: NDArray) -> None:
        kind, order_id, quantity = report["kind"], int(report["order_id"]), int(report["quantity"])
        if kind == ACKNOWLEDGED:
            assert order_id not in self.open
            self.open[order_id] = quantity
        elif kind == MODIFIED:
            assert order_id in self.open
            self.open[order_id] = quantity
        elif kind == TRADE:
            self.take(int(report["maker_id"]), quantity)
            self.take(int(report["taker_id"]), quantity)
        elif kind == CANCELED:
            assert self.open.pop(order_id) == quantity
        elif kind == REDUCED:
            assert 0 < quantity < self.open[order_id]
            self.open[order_id] = quantity
        elif kind == TRIGGERED:
            assert self.open[order_id] == quantity
        elif kind == REFILLED:
            assert 0 < quantity <= self.open[order_id]

    def take(self, order_id: int, quantity: int) -> None:
        assert 0 < quantity <= self.open[order_id]
        self.open[order_id] -= quantity
        if self.open[order_id] == 0:
            del self.open[order_id]


@pytest.mark.parametrize("seed", range(12))
def test_every_lot_is_accounted_for(seed: int) -> None:
    book, accounting = OrderBook(streams.rules(seed)), Accounting()
    # Cut to a reduce-only position, a triggered order is smaller than it was: report by report.
    for part in np.array_split(streams.instructions(8_000, np.arange(-20, 21), seed), 8):
        for report in book.process(part):
            accounting.read(report)
        resting = np.concatenate([book.orders(BUY), book.orders(SELL)])
        for order in resting:
            assert 0 < order["quantity"] <= accounting.open[int(order["order_id"])]
        displayed = int(resting["quantity"].sum())
        assert displayed <= sum(accounting.open.values())
    assert accounting.open
