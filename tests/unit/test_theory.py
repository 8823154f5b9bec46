"""Known results come out: hedging errors, published costs, and probabilities of queues."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from gammagym.evaluation.theory import (
    Check,
    discrete_hedging,
    order_book_queues,
    transaction_costs,
)

# Of 8,000 errors of a hedge the standard deviation is known to .8 %; it is to be right within 2 %.
GROUPS = {
    "discrete hedging": partial(discrete_hedging, episodes=8_000),
    "transaction costs": transaction_costs,
    "order book queues": order_book_queues,
}


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS.keys())
def test_known_results_are_reproduced(group: Callable[[], list[Check]]) -> None:
    checks = group()
    assert checks
    for check in checks:
        assert check.passed, f"{check.name}: {check.measured:.4f}, expected {check.expected}"
