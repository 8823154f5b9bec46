"""The living market: the thin flow is the full flow at a sixtieth of the work (docs/rules/flow)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gammagym.exchange.own_orders import limit_order
from gammagym.world.codes import BUY, IOC

sys.path.insert(0, str(Path(__file__).resolve().parent))
from flow_measures import (
    Measures,
    advance_to,
    build,
    fundamental,
    ladder,
    measure,
    touch,
)

WORLDS = {"full": 256, "thin": 1024, "sparse": 512}
WITHIN = 0.25


@pytest.fixture(scope="module")
def full() -> Measures:
    return measure("full", WORLDS["full"], 2)


@pytest.fixture(scope="module")
def thin() -> Measures:
    return measure("thin", WORLDS["thin"], 2)


@pytest.fixture(scope="module")
def sparse() -> Measures:
    return measure("sparse", WORLDS["sparse"], 2)


# --- The full flow is the measured market ----------------------------------------------------


def test_the_full_flow_has_the_intensity_of_the_measured_market(full: Measures) -> None:
    assert 1200 < full.events < 1450
    assert full.volume == pytest.approx(7.0, rel=0.15)
    assert 0.96 < full.tight < 0.999
    assert full.touch_median == pytest.approx(2.7, rel=0.1)


# --- The thin flow keeps what matters --------------------------------------------------------


def test_the_thin_flow_changes_its_book_about_twenty_times_a_second(thin: Measures) -> None:
    assert thin.events == pytest.approx(6.0, rel=0.05)
    assert 16 < thin.changes < 22


@pytest.mark.parametrize("seconds", [1, 10, 60])
def test_the_thin_mid_is_as_volatile_as_the_full_one(
    thin: Measures, full: Measures, seconds: int
) -> None:
    assert thin.volatility[seconds] == pytest.approx(full.volatility[seconds], rel=WITHIN)


@pytest.mark.parametrize("name", ["volume", "spread", "touch_median", "touch_mean"])
def test_the_thin_flow_keeps_volume_spread_and_touch(
    thin: Measures, full: Measures, name: str
) -> None:
    assert getattr(thin, name) == pytest.approx(getattr(full, name), rel=WITHIN)


@pytest.mark.parametrize("seconds", [10, 60])
def test_an_order_at_the_back_of_the_touch_is_filled_as_often_in_the_thin_flow(
    thin: Measures, full: Measures, seconds: int
) -> None:
    assert thin.filled[seconds] == pytest.approx(full.filled[seconds], rel=WITHIN)
    assert 0.5 < thin.filled[seconds] < 1.0


@pytest.mark.parametrize("preset", ["full", "thin"])
def test_a_filled_maker_has_lost_a_fraction_of_a_basis_point_a_little_later(
    preset: str, request: pytest.FixtureRequest
) -> None:
    markout = request.getfixturevalue(preset).markout
    assert -0.8 < markout[1] < -0.05
    assert -1.0 < markout[5] < 0.0


def test_the_sparse_flow_keeps_spread_touch_and_volatility(
    sparse: Measures, full: Measures
) -> None:
    assert sparse.events == pytest.approx(0.25, rel=0.1)
    assert sparse.spread == pytest.approx(full.spread, rel=WITHIN)
    assert sparse.touch_median == pytest.approx(full.touch_median, rel=WITHIN)
    for seconds in (10, 60):
        assert sparse.volatility[seconds] == pytest.approx(full.volatility[seconds], rel=WITHIN)
        assert sparse.filled[seconds] == pytest.approx(full.filled[seconds], rel=WITHIN)
    assert 0.05 < sparse.volume / full.volume < 0.2


# --- It stays a market -----------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["full", "thin", "sparse"])
def test_the_mid_tracks_the_fundamental_without_bias(
    preset: str, request: pytest.FixtureRequest
) -> None:
    measures = request.getfixturevalue(preset)
    assert abs(measures.bias) < 0.3
    assert measures.tracking < 4.0
    assert measures.excess_volatility[60] == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("preset", ["full", "thin", "sparse"])
def test_the_book_neither_empties_nor_overflows(
    preset: str, request: pytest.FixtureRequest
) -> None:
    measures = request.getfixturevalue(preset)
    assert measures.rejected == 0
    assert measures.empty == 0
    assert measures.orders[0] > 10
    assert measures.orders[1] < 320


SHOCK = {"at": "20s", "ramp": "10s", "hold": "60s", "recovery": "30s"}


def shocked(preset: str, worlds: int, **shock: Any) -> tuple[Any, Any]:
    return build(worlds, preset, shocks=[SHOCK | shock])


@pytest.mark.parametrize(("preset", "worlds"), [("full", 16), ("thin", 64)])
def test_a_spread_shock_widens_the_spread_and_heals(preset: str, worlds: int) -> None:
    compiled, market = shocked(preset, worlds, kind="spread", multiple=20.0)
    advance_to(compiled, market, 60)
    # A quote that the price has come nearer to stays, up to the stale ticks of each preset.
    stale = float(market["flows"]["stale_ticks"][0, 0])
    assert 20.0 - stale < touch(market).spreads.mean() < 25
    advance_to(compiled, market, 180)
    assert touch(market).spreads.mean() < 3


@pytest.mark.parametrize(("preset", "worlds"), [("full", 16), ("thin", 64)])
def test_a_depth_shock_thins_the_touch_and_heals(preset: str, worlds: int) -> None:
    compiled, market = shocked(preset, worlds, kind="depth", multiple=0.1)
    advance_to(compiled, market, 60)
    assert touch(market).sizes.mean() < 0.8
    advance_to(compiled, market, 180)
    assert touch(market).sizes.mean() > 2.0


@pytest.mark.parametrize(("preset", "worlds"), [("full", 16), ("thin", 64), ("sparse", 64)])
@pytest.mark.parametrize("move", ["-10%", "10%"])
def test_a_jump_of_a_tenth_is_followed_within_seconds(preset: str, worlds: int, move: str) -> None:
    jump = {"kind": "price", "at": "20s", "move": move}
    compiled, market = build(worlds, preset, shocks=[jump])
    for seconds in (30, 60):
        advance_to(compiled, market, seconds)
        now = touch(market)
        assert now.full.all()
        assert np.abs(now.mids / fundamental(market) - 1.0).max() < 30e-4
    assert market["rejected_background"].sum() == 0


# --- Twin worlds -----------------------------------------------------------------------------


@pytest.mark.parametrize(("preset", "seconds"), [("full", 500), ("thin", 1800)])
def test_twin_worlds_meet_the_same_events_and_their_books_meet_again(
    preset: str, seconds: int
) -> None:
    compiled, market = build(1, preset)
    twins = np.repeat(market, 2)
    account = int(twins[1]["agents"][0]["hedge_account"])
    price = int(1.05 * fundamental(twins)[1])
    limit_order(twins[1], account, 0, BUY, price, 10_000, IOC)
    assert twins[1]["positions"][account, 0]["quantity_lots"] == 10_000
    assert ladder(twins[0]) != ladder(twins[1])
    advance_to(compiled, twins, 0.5)
    mids = touch(twins).mids
    assert mids[1] > mids[0] + 5
    for now in np.linspace(1, seconds, 200):
        advance_to(compiled, twins, float(now))
        for name in ("event", "next_ns", "run_left", "run_side"):
            assert twins[0]["flows"][0][name] == twins[1]["flows"][0][name]
    assert ladder(twins[0]) == ladder(twins[1])
