"""Marketable orders are put together from trades, and their sizes measured."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gammagym.calibration.orders import MarketableOrders, marketable_orders, measure_sizes
from gammagym.data.exchange_stream import read_stream
from gammagym.errors import DataError


def trade(number: int, ms: int, size: str, sells: bool = False) -> str:
    event = {"e": "trade", "E": ms, "T": ms, "s": "X", "t": number, "p": "100.1", "q": size}
    return f"{ms * 1_000_000 + number} {json.dumps(event | {'m': sells})}\n"


def test_trades_of_one_millisecond_and_side_are_one_order(tmp_path: Path) -> None:
    lines = [
        trade(1, 1000, "0.5"),
        trade(2, 1000, "0.25"),
        trade(3, 1000, "1", sells=True),
        trade(4, 1001, "2", sells=True),
    ]
    lines += [trade(number, 2_000 + number, "1") for number in range(5, 30)]
    file = tmp_path / "stream.txt"
    file.write_text("".join(lines))
    orders = marketable_orders(read_stream(file))
    assert orders.sizes[:4].tolist() == [0.75, 1.0, 2.0, 1.0]
    assert orders.signs[:4].tolist() == [1, -1, -1, 1]
    assert orders.times[:3].tolist() == [0.0, 0.0, 0.001]
    assert (orders.trades, len(orders.sizes)) == (29, 28)
    assert orders.rate.value == pytest.approx(28 / orders.duration)


def test_too_few_orders_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "stream.txt"
    file.write_text(trade(1, 1000, "0.5"))
    with pytest.raises(DataError, match="1 marketable orders are too few"):
        marketable_orders(read_stream(file))


def orders_of(sizes: Any) -> MarketableOrders:
    times = np.arange(len(sizes), dtype=float)
    signs = np.ones(len(sizes), np.int64)
    return MarketableOrders(times, times, 0, signs, np.asarray(sizes), len(sizes), times[-1])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_lognormal_sizes_are_found_again(seed: int) -> None:
    sizes = 0.03 * np.exp(1.5 * np.random.default_rng(seed).normal(size=20_000))
    found = measure_sizes(orders_of(sizes))
    for estimate, true in (
        (found.median, 0.03),
        (found.mean, 0.03 * math.exp(1.125)),
        (found.log_sigma, 1.5),
        (found.sigma, 1.5),
    ):
        assert estimate.value == pytest.approx(true, abs=3.5 * estimate.error)
        assert estimate.error < 0.05 * true


def test_errors_of_sizes_are_those_of_many_samples() -> None:
    random = np.random.default_rng(9)
    samples = [measure_sizes(orders_of(np.exp(random.normal(size=2_000)))) for _ in range(200)]
    for name in ("median", "log_sigma", "sigma"):
        values = [getattr(each, name).value for each in samples]
        errors = [getattr(each, name).error for each in samples]
        assert np.mean(errors) == pytest.approx(np.std(values), rel=0.25), name


def test_the_exponent_of_a_pareto_tail_is_found_again() -> None:
    sizes = np.random.default_rng(4).pareto(1.4, 40_000) + 1.0
    tail = measure_sizes(orders_of(sizes)).tail
    assert tail.value == pytest.approx(1.4, abs=3 * tail.error)


def test_sizes_that_are_all_equal_have_no_spread() -> None:
    found = measure_sizes(orders_of(np.full(100, 2.0)))
    assert (found.median.value, found.log_sigma.value, found.sigma.value) == (2.0, 0.0, 0.0)


# Measured by an independent program: trades and orders a second, size median, mean, 90, 99, 99.9 %.
PUBLISHED = {
    "usdm_btcusdt": (62.1, 15.8, 0.03, 0.447, (0.65, 7.1, 49.0)),
    "spot_btcusdt": (28.2, 9.4, 0.0035, 0.065, None),
    "coinm_btcusd_perp": (6.7, 2.1, 15.0, 117.0, None),
}


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_real_orders_have_the_published_sizes(name: str, real_data: Callable[[str], Path]) -> None:
    orders = marketable_orders(read_stream(real_data(f"binance_{name}_20240808.gz")))
    sizes = measure_sizes(orders)
    trades, rate, median, mean, quantiles = PUBLISHED[name]
    assert orders.trades / orders.duration == pytest.approx(trades, rel=0.01)
    assert orders.rate.value == pytest.approx(rate, abs=0.05)
    assert sizes.median.value == pytest.approx(median, rel=0.01)
    assert sizes.mean.value == pytest.approx(mean, rel=0.01)
    if quantiles:
        assert sizes.quantiles == pytest.approx(quantiles, rel=0.01)
