"""Distances of distributions, on samples that are known distances apart."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from gammagym.errors import DataError
from gammagym.evaluation.facts import record as tables
from gammagym.evaluation.facts.distributions import (
    distances,
    distributions,
    l1_distance,
    order_flow_imbalance,
    shared_bins,
    wasserstein,
)
from gammagym.evaluation.facts.worlds import record_world


def uniform(low: float, high: float, count: int = 50_001) -> Any:
    return np.linspace(low, high, count)


def test_equal_samples_are_no_distance_apart() -> None:
    values = np.random.default_rng(1).normal(size=1_000)
    assert l1_distance(values, values) == 0.0
    assert wasserstein(values, values) == 0.0


def test_disjoint_samples_are_as_far_apart_as_can_be() -> None:
    assert l1_distance(uniform(0, 1), uniform(2, 3)) == pytest.approx(1.0)
    assert l1_distance([1.0, 1.0], [2.0, 2.0], discrete=True) == 1.0


def test_uniform_samples_that_overlap_by_half_are_half_apart() -> None:
    """The interquartile range of the real one is a half, and it lies a half further."""
    assert l1_distance(uniform(0.5, 1.5), uniform(0, 1)) == pytest.approx(0.5, abs=0.02)
    assert wasserstein(uniform(0.5, 1.5), uniform(0, 1)) == pytest.approx(1.0, rel=1e-3)


def test_shares_of_discrete_values_are_compared_value_by_value() -> None:
    assert l1_distance([1, 1, 1, 2], [1, 2, 2, 3], discrete=True) == pytest.approx(0.5)


def test_the_wasserstein_distance_is_that_of_scipy_over_the_interquartile_range() -> None:
    draw = np.random.default_rng(2)
    ours, theirs = draw.normal(size=300), draw.exponential(size=501)
    quarter, three_quarters = np.quantile(theirs, (0.25, 0.75))
    expected = wasserstein_distance(ours, theirs) / (three_quarters - quarter)
    assert wasserstein(ours, theirs) == pytest.approx(expected, rel=1e-12)


def test_a_real_sample_without_quartiles_apart_is_measured_in_standard_deviations() -> None:
    theirs = np.array([1.0] * 9 + [2.0])
    assert wasserstein(theirs + 0.6, theirs) == pytest.approx(0.6 / 0.3)
    assert wasserstein([3.0], [1.0, 1.0]) == 2.0


def test_bins_are_as_wide_as_freedman_and_diaconis_say() -> None:
    values = np.random.default_rng(3).normal(size=4_000)
    edges = shared_bins(values[:2_000], values[2_000:])
    width = np.subtract(*np.quantile(values, (0.75, 0.25))) * 2 / 4_000 ** (1 / 3)
    assert np.diff(edges)[0] == pytest.approx(width, rel=0.05)


def test_a_distance_from_nothing_is_nothing_and_from_infinity_refused() -> None:
    assert math.isnan(l1_distance([], [1.0]))
    assert math.isnan(wasserstein([1.0], []))
    with pytest.raises(DataError, match="finite numbers"):
        wasserstein([1.0, math.nan], [1.0])


def test_order_flow_imbalance_counts_what_came_and_went_at_the_touch() -> None:
    """Bid grows by 2; bid rises with size 5; ask falls with size 3; bid falls, taking 5 away."""
    touch = np.zeros(5, tables.TOUCH)
    touch["bid"] = (10, 10, 11, 11, 10)
    touch["bid_size"] = (4, 6, 5, 5, 7)
    touch["ask"] = (20, 20, 20, 19, 19)
    touch["ask_size"] = (1, 1, 1, 3, 3)
    assert order_flow_imbalance(touch).tolist() == [2.0, 5.0, -3.0, -5.0]


def test_a_market_is_no_distance_from_itself_and_some_from_another_one() -> None:
    thin = record_world("calm", seconds=120.0)
    sparse = record_world("calm", {"flow.preset": "sparse"}, seconds=120.0)
    assert set(distances(thin, thin).values()) == {(0.0, 0.0)}
    assert all(l1 > 0.0 for name, (l1, _) in distances(sparse, thin).items() if name != "spread")


def test_what_is_looked_at_is_within_its_bounds() -> None:
    found = distributions(record_world("calm", seconds=120.0))
    assert (found["spread"] >= 1).all()
    assert (np.abs(found["imbalance"]) <= 1).all()
    assert len(found["volume"]) == 120
    assert all((found[f"{kind}_distance_bid"] <= 50).all() for kind in ("limit", "cancel"))
