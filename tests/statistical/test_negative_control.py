"""The stylised facts tell a calibrated market from one of zero intelligence (docs/facts)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numba.core import config

from gammagym.evaluation.facts import Finding, compare, load_targets, measure, record_world

pytestmark = pytest.mark.skipif(
    getattr(config, "DISABLE_JIT", 0) != 0, reason="takes hours without compilation"
)

# One venue for all, so that nothing differs but the flow.
CALIBRATED = {"venue": "generic", "flow.preset": "full"}
LEVELS = {"venue": "generic", "flow.kind": "zero_intelligence", "flow.preset": "levels"}


def findings(changes: Mapping[str, Any]) -> dict[str, Finding]:
    """Return the facts of the scenario "btc" with a flow, means over three seeds."""
    seeds = [measure(record_world("btc", changes, seed=seed)) for seed in range(3)]
    means = {
        fact: float(np.mean(known)) if known else math.nan
        for fact in seeds[0]
        for known in [[each[fact] for each in seeds if math.isfinite(each[fact])]]
    }
    return {each.fact: each for each in compare(means, load_targets("usdm").facts)}


@pytest.fixture(scope="module")
def calibrated() -> dict[str, Finding]:
    return findings(CALIBRATED)


@pytest.fixture(scope="module")
def levels() -> dict[str, Finding]:
    return findings(LEVELS)


def share_inside(found: Mapping[str, Finding]) -> float:
    judged = [each.verdict for each in found.values() if each.verdict != "not judged"]
    return judged.count("inside") / len(judged)


def test_the_calibrated_flow_has_nine_facts_of_ten_and_zero_intelligence_not_half(
    calibrated: dict[str, Finding], levels: dict[str, Finding]
) -> None:
    assert share_inside(calibrated) >= 0.9
    assert share_inside(levels) <= 0.45


@pytest.mark.parametrize(
    "fact",
    [
        pytest.param("sign_acf_1", id="signs have no memory at lag 1"),
        pytest.param("sign_acf_2", id="nor at 2"),
        pytest.param("sign_acf_5", id="nor at 5"),
        pytest.param("trade_sign_acf_10", id="nor those of trades at 10"),
        pytest.param("order_size_q99", id="sizes have no tail"),
        pytest.param("impact_10ms", id="orders move no price at once"),
        pytest.param("impact_1s", id="nor after a second"),
        pytest.param("impact_1s_0.1_to_1", id="nor at their size"),
        pytest.param("volatility_10s", id="the price hardly moves"),
        pytest.param("depth_50bp", id="the book ends after a few levels"),
    ],
)
def test_zero_intelligence_lacks_what_it_is_known_to_lack(
    levels: dict[str, Finding], calibrated: dict[str, Finding], fact: str
) -> None:
    assert levels[fact].verdict == "below"
    # What trades of one order do to each other is the one the calibrated flow has too little of.
    assert calibrated[fact].verdict == "inside" or fact == "trade_sign_acf_10"


def test_arrivals_of_zero_intelligence_do_not_cluster_as_calibrated_ones_do(
    levels: dict[str, Finding], calibrated: dict[str, Finding]
) -> None:
    """A Poisson process has a coefficient of variation of 1, the sample 1.5."""
    assert levels["interarrival_cv"].simulated == pytest.approx(1.0, abs=0.1)
    assert calibrated["interarrival_cv"].simulated > 1.35


def test_only_the_calibrated_flow_trades_more_when_prices_move_more(
    levels: dict[str, Finding], calibrated: dict[str, Finding]
) -> None:
    fact = "volume_volatility_correlation"
    assert calibrated[fact].simulated > levels[fact].simulated + 0.15


def test_without_orders_of_several_sizes_impact_by_size_cannot_be_measured(
    levels: dict[str, Finding], calibrated: dict[str, Finding]
) -> None:
    sizes = ["impact_1s_below_0.1", "impact_1s_0.1_to_1", "impact_1s_1_to_5", "impact_1s_above_5"]
    assert [levels[each].verdict == "not judged" for each in sizes] == [True, False, True, True]
    responses = [calibrated[each].simulated for each in sizes]
    assert responses == sorted(responses)
