"""Large orders move the price less than in proportion, and it comes back (docs/rules/flow)."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numba.core import config

sys.path.insert(0, str(Path(__file__).resolve().parent))
from adverse_measures import LargeOrder, large_orders

pytestmark = pytest.mark.skipif(
    getattr(config, "DISABLE_JIT", 0) != 0, reason="takes hours without compilation"
)

QUANTITIES = (5.0, 20.0, 80.0, 320.0)
SECONDS = 60


@pytest.fixture(scope="module")
def orders() -> list[LargeOrder]:
    return large_orders(QUANTITIES, SECONDS, after=120, worlds=8)


def at_the_end(order: LargeOrder) -> float:
    return order.at(SECONDS - 10, SECONDS)[0]


def test_all_of_a_large_order_is_filled(orders: list[LargeOrder]) -> None:
    assert [order.quantity for order in orders] == pytest.approx(QUANTITIES)


def test_impact_is_concave_in_size(orders: list[LargeOrder]) -> None:
    """The exponent falls from 0.9 to 0.4; the square-root law has 0.5 (docs/rules/flow)."""
    ends = [at_the_end(order) for order in orders]
    exponents = np.diff(np.log(ends)) / np.log(4.0)
    assert (np.diff(exponents) < 0).all()
    assert 0.3 < exponents[-1] < 0.5
    assert 0.5 < np.polyfit(np.log(QUANTITIES), np.log(ends), 1)[0] < 0.8


@pytest.mark.parametrize("row", range(len(QUANTITIES)))
def test_impact_grows_while_the_order_is_worked_and_decays_after_it(
    orders: list[LargeOrder], row: int
) -> None:
    order = orders[row]
    early, end = order.at(1, 10)[0], at_the_end(order)
    later = order.at(SECONDS + 10, SECONDS + 10)[0]
    assert 0 < early < end
    assert 0.25 * end < later < 0.6 * end
    mean, error = order.at(SECONDS + 80, SECONDS + 120)
    assert abs(mean) < 0.02 + 3 * error
