"""Hawkes processes: known parameters are found again, and published fits of real orders."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gammagym.calibration.hawkes import (
    fit_hawkes,
    residuals,
)
from gammagym.calibration.orders import marketable_orders
from gammagym.data.exchange_stream import read_stream
from gammagym.errors import DataError
from gammagym.evaluation.facts.estimators import decayed_counts


def simulate(
    rate: float, kernels: Sequence[tuple[float, float]], duration: float, seed: int
) -> NDArray[np.float64]:
    """Return the times of a process, made of families: each order has children of its own."""
    random = np.random.default_rng(seed)
    waiting = list(random.uniform(0.0, duration, random.poisson(rate * duration)))
    times: list[float] = []
    while waiting:
        parent = waiting.pop()
        times.append(parent)
        for branching, decay in kernels:
            for _ in range(random.poisson(branching)):
                child = parent + random.exponential(1.0 / decay)
                if child < duration:
                    waiting.append(child)
    return np.sort(times)


def test_decayed_counts_are_the_sums_of_their_definition() -> None:
    times = simulate(2.0, [(0.5, 5.0)], 50.0, 1)
    gaps = np.diff(times, prepend=times[0])
    for decay in (0.01, 3.0, 500.0):
        plain = [float(np.exp(-decay * (now - times[:row])).sum()) for row, now in enumerate(times)]
        assert decayed_counts(gaps, decay) == pytest.approx(plain, rel=1e-9, abs=1e-12)


def test_the_likelihood_is_that_of_its_definition() -> None:
    times = simulate(2.0, [(0.5, 5.0)], 60.0, 2)
    fit = fit_hawkes(times, 60.0)
    rate, branching, decay = (each.value for each in fit.parameters.values())
    plain = -rate * 60.0
    for row, now in enumerate(times):
        ages = now - times[:row]
        plain += math.log(rate + branching * decay * float(np.exp(-decay * ages).sum()))
        plain -= branching * (1.0 - math.exp(-decay * (60.0 - now)))
    assert fit.log_likelihood == pytest.approx(plain, rel=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_kernel_is_found_again(seed: int) -> None:
    times = simulate(3.0, [(0.5, 40.0)], 800.0, seed)
    fit = fit_hawkes(times, 800.0)
    for name, true in (("rate", 3.0), ("branching", 0.5), ("decay", 40.0)):
        found = fit.parameters[name]
        assert found.value == pytest.approx(true, abs=3 * found.error)
        assert found.error < 0.1 * true
    quality = residuals(times, fit)
    assert quality.mean == pytest.approx(1.0, abs=0.01)
    assert quality.p_value > 0.01
    assert abs(quality.autocorrelation) < 3 / math.sqrt(len(times))


def test_two_kernels_are_found_again_and_one_is_seen_not_to_fit() -> None:
    times = simulate(2.0, [(0.3, 100.0), (0.3, 1.0)], 1_500.0, 4)
    two, one = fit_hawkes(times, 1_500.0, 2), fit_hawkes(times, 1_500.0, 1)
    true = {"rate": 2.0, "branching": 0.3, "decay": 100.0, "slow_branching": 0.3, "slow_decay": 1.0}
    for name, value in true.items():
        found = two.parameters[name]
        assert found.value == pytest.approx(value, abs=3 * found.error), name
    assert two.aic < one.aic - 100
    assert residuals(times, two).p_value > 0.01
    # What the slow kernel does is left over: busy times follow busy times.
    assert residuals(times, one).autocorrelation > 3 / math.sqrt(len(times))
    assert abs(residuals(times, two).autocorrelation) < 3 / math.sqrt(len(times))


def test_independent_orders_have_no_children() -> None:
    times = np.sort(np.random.default_rng(5).uniform(0.0, 500.0, 5_000))
    fit = fit_hawkes(times, 500.0)
    assert not fit.parameters["branching"].identified


def test_too_few_orders_are_refused() -> None:
    with pytest.raises(DataError, match="3 orders are too few"):
        fit_hawkes(np.array([0.0, 1.0, 2.0]), 3.0)


# Fits to times of receipt, from an independent program.
PUBLISHED = {
    "usdm_btcusdt": (9.0, 0.43, 71.0),
    "spot_btcusdt": (4.65, 0.50, 56.0),
    "coinm_btcusd_perp": (1.0, 0.52, 51.0),
}


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_real_orders_have_the_published_parameters(
    name: str, real_data: Callable[[str], Path]
) -> None:
    stream = read_stream(real_data(f"binance_{name}_20240808.gz"))
    received = marketable_orders(stream).received
    fit = fit_hawkes(received, float(received[-1]))
    rate, branching, decay = (fit.parameters[each].value for each in ("rate", "branching", "decay"))
    expected = PUBLISHED[name]
    assert rate == pytest.approx(expected[0], abs=0.05)
    assert branching == pytest.approx(expected[1], abs=0.006)
    assert decay == pytest.approx(expected[2], abs=0.6)
