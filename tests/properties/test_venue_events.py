"""Through every event of a venue money and attribution stay right, and the world outside as is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gammagym.envs.core import relative_profit
from gammagym.exchange.attribution import agent_equity
from gammagym.exchange.ledger import conserved
from gammagym.world import fingerprint
from gammagym.world.codes import PARTS, SPOT
from gammagym.world.sizes import QUANTA

SHORT: dict[str, Any] = {"horizon_seconds": 1_200.0, "decision_interval": 20.0}
OUTAGE = {"kind": "outage", "at": "30%", "hold": "20%"}
FALL = {"kind": "price", "at": "40%", "move": "-3%"}
EVENTS: dict[str, list[dict[str, Any]]] = {
    "matching": [OUTAGE | {"what": "matching"}, FALL],
    "data": [OUTAGE | {"what": "data"}, FALL],
    "cancels": [OUTAGE | {"what": "cancels"}, FALL],
    "latency": [{"kind": "latency", "at": "30%", "hold": "20%", "multiple": 100.0}],
    "fees": [{"kind": "fees", "at": "30%", "hold": "20%", "taker": "0.005%", "maker": "0.01%"}],
    "funding": [{"kind": "funding", "at": "10%", "hold": "60%", "move": "1%"}],
    "collateral": [{"kind": "collateral", "at": "30%", "hold": "20%", "move": "-30%"}],
    "deleveraging": [
        FALL,
        {"kind": "deleveraging", "at": "50%", "share": "60%", "side": "sell"},
        {"kind": "deleveraging", "at": "60%", "share": "100%", "side": "buy"},
    ],
    "default": [FALL, {"kind": "default", "at": "60%", "share": "70%"}],
}


def assert_right(run: Any) -> None:
    """Check money, positions, attribution and observation of every world."""
    instruments = len(run.compiled.instruments)
    for world, seen in zip(run.worlds, run.observations, strict=True):
        for currency in range(world["cash"].shape[1]):
            assert conserved(world, currency) == world["deposits"][currency]
        held = world["positions"]["quantity_lots"][:, :instruments].sum(axis=0)
        assert not held[world["instruments"]["kind"][:instruments] != SPOT].any()
        agent = world["agents"][0]
        assert int(agent_equity(world, 0)) == agent["equity_quanta"]
        change = (int(agent["equity_quanta"]) - int(agent["initial_equity_quanta"])) / QUANTA
        assert agent["parts"].sum() == pytest.approx(change, abs=1e-6 * agent["stake"])
        assert run.batch.face.observation_space.contains(seen)
    assert np.isfinite(run.rewards).all()


def played(make_worlds: Any, scenario: str, task: str, shocks: Any, **keys: Any) -> Any:
    """Play random wishes to the end, checking everything at every step; returns the run."""
    run = make_worlds(scenario, task, 2, 21, overrides={"shocks": shocks}, **SHORT | keys)
    random, total = np.random.default_rng(2), 0.0
    while not run.over:
        run.step(random.uniform(-1.3, 1.3, (2, 2)))
        total = total + run.rewards
        assert_right(run)
    agent = run.worlds["agents"][:, 0]
    penalty = 0.5 * agent["risk_aversion"] * agent["risk_penalty"]
    assert total == pytest.approx((relative_profit(run.worlds) - penalty) / agent["stake"])
    return run


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize(
    ("scenario", "task"),
    [("calm", "GammaScalp"), ("calm", "SpotHedge"), ("two_venues", "GammaScalp")],
)
def test_money_and_attribution_are_right_through_every_event(
    make_worlds: Any, name: str, scenario: str, task: str
) -> None:
    run = played(make_worlds, scenario, task, EVENTS[name])
    assert run.worlds["accounts"]["taker_fills"].sum() > 0


@pytest.mark.parametrize("name", ["deleveraging", "default"])
@pytest.mark.parametrize("venue", ["deribit", "binance_coinm"])
def test_money_is_right_where_contracts_settle_in_coins(
    make_worlds: Any, name: str, venue: str
) -> None:
    played(make_worlds, f"calm@{venue}", "GammaScalp", EVENTS[name])


def test_a_default_of_the_books_venue_leaves_nothing_to_hedge(make_worlds: Any) -> None:
    """The book is gone, and with it the reference's hedge: rewards are nought from then on."""
    run = make_worlds("calm", "GammaScalp", 2, 21, overrides={"shocks": EVENTS["default"]}, **SHORT)
    for _ in range(36):
        run.step(np.full((2, 2), [-0.2, 1.0]))
    agent = run.worlds["agents"][:, 0]
    for name in ("book_delta", "book_gamma", "book_vega", "book_theta", "reference_units"):
        assert not agent[name].any()
    lost = agent["parts"][:, PARTS.index("liquidation")]
    profit = agent["equity_quanta"].copy()
    assert (lost < -0.5 * 30_000).all()
    while not run.over:
        run.step(np.full((2, 2), [-0.2, 1.0]))
        assert not run.rewards.any()
    assert run.worlds["agents"]["equity_quanta"][:, 0].tolist() == profit.tolist()


def test_what_deleveraging_costs_is_a_part_of_its_own(make_worlds: Any) -> None:
    """On a venue whose mark is not the fair price; at a mark that is, it costs nothing."""
    overrides = {"shocks": EVENTS["deleveraging"][:2]}
    run = make_worlds("calm@binance", "GammaScalp", 2, 21, overrides=overrides, **SHORT)
    for step in range(40):
        run.step(np.full((2, 2), [-0.2 if step < 9 else 0.0, 1.0]))
        assert_right(run)
    assert (run.worlds["accounts"]["deleveragings"].sum(axis=1) > 0).all()
    assert run.worlds["agents"]["parts"][:, 0, PARTS.index("deleveraging")].any()


@pytest.mark.parametrize("name", EVENTS)
def test_the_outside_world_is_shared_until_the_event(make_worlds: Any, name: str) -> None:
    """And the process of the price, with every event of the clock of orders, for ever."""
    shocks = [one for one in EVENTS[name] if one["kind"] != "price"]
    calm = make_worlds("calm", "GammaScalp", 1, 5, **SHORT)
    struck = make_worlds("calm", "GammaScalp", 1, 5, overrides={"shocks": shocks}, **SHORT)
    first = min(float(one["at"].rstrip("%")) for one in shocks) / 100
    random = np.random.default_rng(3)
    while not calm.over:
        before = (calm.worlds["time_ns"][0] + 20e9) / calm.worlds["end_ns"][0] < first
        action = random.uniform(-1, 1, (1, 2))
        for run in (calm, struck):
            run.step(action)
        if before:
            assert struck.observations.tobytes() == calm.observations.tobytes()
            for table in ("price", "cash", "orders", "positions"):
                assert struck.worlds[table].tobytes() == calm.worlds[table].tobytes()
        assert struck.worlds["price"]["process"] == calm.worlds["price"]["process"]
    assert fingerprint(struck.worlds[0]) != fingerprint(calm.worlds[0])


@pytest.mark.parametrize("name", EVENTS)
def test_a_copy_taken_at_any_time_goes_on_alike(make_worlds: Any, name: str) -> None:
    overrides = {"shocks": EVENTS[name]}
    run, other = (
        make_worlds("calm", "GammaScalp", 1, 8, overrides=overrides, **SHORT) for _ in range(2)
    )
    random = np.random.default_rng(6)
    while not run.over:
        other.worlds[:] = run.worlds
        action = random.uniform(-1, 1, (1, 2))
        for one in (run, other):
            one.step(action)
        assert fingerprint(run.worlds[0]) == fingerprint(other.worlds[0])
