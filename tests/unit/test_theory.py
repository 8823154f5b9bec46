"""Known results come out: hedging errors, published costs, and probabilities of queues."""

from __future__ import annotations

import pytest

from gammagym.evaluation.theory import (
    Check,
    discrete_hedging,
    order_book_queues,
    transaction_costs,
)


@pytest.mark.slow
@pytest.mark.parametrize("group", [discrete_hedging, transaction_costs, order_book_queues])
def test_known_results_are_reproduced(group: object) -> None:
    checks: list[Check] = group()  # type: ignore[operator]
    assert checks
    for check in checks:
        assert check.passed, f"{check.name}: {check.measured:.4f}, expected {check.expected}"
