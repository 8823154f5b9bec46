"""Resting is not free: fills come just before the price goes on (docs/rules/flow)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba.core import config

sys.path.insert(0, str(Path(__file__).resolve().parent))
from adverse_measures import Markouts, Overrun, markouts, overrun

pytestmark = pytest.mark.skipif(
    getattr(config, "DISABLE_JIT", 0) != 0, reason="takes hours without compilation"
)

# Worlds enough for standard errors below 0.03 bp at five seconds, a fifth of the narrowest band.
WORLDS = {"full": 96, "thin": 256, "sparse": 256}
ROUNDS = 24
LOTS = {"calm": 1, "btc": 2}  # the smallest orders of their venues
# The price alone: nobody trades, and an order is taken as soon as a look finds it overtaken.
PRICE_ALONE = {"flow.probability_market": 0.0, "flow.stale_ticks": 0.0}


@pytest.fixture(
    scope="module",
    params=[*(("calm", preset) for preset in WORLDS), ("btc", "thin"), ("btc", "sparse")],
    ids="-".join,
)
def joined(request: pytest.FixtureRequest) -> Markouts:
    scenario, preset = request.param
    return markouts(scenario, preset, WORLDS[preset], ROUNDS, lots=LOTS[scenario])


@pytest.mark.parametrize("wait", [0.1, 1.0, 5.0])
def test_a_filled_order_of_the_touch_is_a_tenth_to_half_a_basis_point_behind(
    joined: Markouts, wait: float
) -> None:
    assert joined.error[wait] < 0.03
    assert 0.1 < -joined.mean[wait] < 0.5


def test_most_orders_at_the_touch_are_filled_so_that_fills_are_no_select_few(
    joined: Markouts,
) -> None:
    assert joined.filled > 0.8


def test_who_waits_behind_the_touch_is_filled_less_often() -> None:
    filled = [markouts("calm", "thin", 64, 12, behind=behind).filled for behind in (0, 10, 50)]
    assert filled[0] > filled[1] > filled[2] > 0.1


# --- Overrun ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def alone() -> dict[str, Overrun]:
    return {preset: overrun(preset, 1024, 150, **PRICE_ALONE) for preset in ("thin", "sparse")}


def error(values: Any) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


@pytest.mark.parametrize("step", [0.1, 0.2, 1.0])
def test_who_looks_in_steps_is_overrun_by_the_closed_form(
    alone: dict[str, Overrun], step: float
) -> None:
    """Chernoff (1965), Siegmund (1985): 0.5826 standard deviations of one step."""
    found = alone["thin" if step < 0.2 else "sparse"]
    beyond = found.steps[step]
    assert len(beyond) > 900
    assert beyond.mean() == pytest.approx(found.expected(step), abs=4 * error(beyond))


@pytest.mark.parametrize(
    ("preset", "shortest", "longest"), [("thin", 0.1, 0.2), ("sparse", 0.15, 0.3)]
)
def test_an_order_far_away_is_overrun_as_by_looks_of_a_tenth_or_two_of_a_second(
    alone: dict[str, Overrun], preset: str, shortest: float, longest: float
) -> None:
    found = alone[preset]
    assert len(found.flow) > 900
    assert found.expected(shortest) < found.flow.mean() < found.expected(longest)
    assert found.flow.mean() < 0.55 * found.expected(1.0)


@pytest.mark.parametrize("preset", ["thin", "sparse"])
def test_in_a_market_that_trades_it_is_overrun_less_than_by_ticks_of_a_second(preset: str) -> None:
    found = overrun(preset, 512, 150)
    assert found.flow.mean() < 0.55 * found.expected(1.0)
