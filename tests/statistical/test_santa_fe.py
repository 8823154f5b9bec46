"""Zero-intelligence orders in the real book: the spreads of the model of Santa Fe (2003)."""

from __future__ import annotations

import numpy as np
import pytest
from numba.core import config

from gammagym.evaluation.theory import zero_intelligence_spreads
from gammagym.market.santa_fe import BAND_UNITS, TICKS_PER_UNIT, mean_spread

pytestmark = pytest.mark.skipif(
    getattr(config, "DISABLE_JIT", 0) != 0, reason="takes hours without compilation"
)


def plain_spread(epsilon: float, events: int, seed: int) -> tuple[float, float]:
    """Return the same as `mean_spread` from two lists of prices: no engine, no queues."""
    random = np.random.default_rng(seed)
    band, middle = BAND_UNITS * TICKS_PER_UNIT, 20_000
    rate, cancel = 0.5 / TICKS_PER_UNIT * band, 0.5 * epsilon
    bids, asks = [middle - 1], [middle + 1]  # prices of orders
    totals: list[tuple[float, float]] = []
    for event in range(events):
        best_bid, best_ask = max(bids), min(asks)
        whole = 1 + 2 * rate + cancel * (len(bids) + len(asks))
        if event >= events // 8:
            totals.append(((best_ask - best_bid) / whole, 1 / whole))
        mark = random.random() * whole
        if mark < 0.5:
            if len(asks) > 1:
                asks.remove(best_ask)
        elif mark < 1.0:
            if len(bids) > 1:
                bids.remove(best_bid)
        elif mark < 1.0 + rate:
            bids.append(best_ask - int(random.integers(1, band + 1)))
        elif mark < 1.0 + 2 * rate:
            asks.append(best_bid + int(random.integers(1, band + 1)))
        else:
            side = bids if random.random() * (len(bids) + len(asks)) < len(bids) else asks
            if len(side) > 1:
                side.pop(int(random.integers(len(side))))
    batches = np.array(totals)[: len(totals) // 20 * 20].reshape(20, -1, 2).sum(axis=1)
    spreads = batches[:, 0] / batches[:, 1] / TICKS_PER_UNIT
    return float(spreads.mean()), float(spreads.std(ddof=1) / np.sqrt(20))


@pytest.mark.parametrize("epsilon", [0.2, 0.5])
def test_the_engine_makes_the_spread_of_a_market_without_an_engine(epsilon: float) -> None:
    plain, plain_error = plain_spread(epsilon, 200_000, 1)
    ours, error = mean_spread(epsilon, 3_000_000, 2)
    assert ours == pytest.approx(plain, abs=3 * np.hypot(error, plain_error))


def test_known_spreads_are_reproduced() -> None:
    checks = zero_intelligence_spreads()
    assert len(checks) == 5
    for check in checks:
        assert check.passed, f"{check.name}: {check.measured:.4f}, expected {check.expected}"


def test_a_run_depends_on_its_seed_alone() -> None:
    runs = [mean_spread(0.1, 64_000, seed)[0] for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]
