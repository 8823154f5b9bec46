"""Whatever agents do, in every scenario and every task, money and books stay right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gammagym.engine.inspection import SOUND, check_book
from gammagym.envs.core import relative_profit
from gammagym.exchange.attribution import agent_equity
from gammagym.exchange.ledger import conserved
from gammagym.world import viewed
from gammagym.world.codes import PART_GAMMA, PART_RESIDUAL, PART_VANNA, PART_VEGA, PARTS, SPOT
from gammagym.world.sizes import QUANTA

BOOKS = ("GammaScalp", "ShortGamma", "SpotHedge")
SCENARIOS = (
    "basis",
    "calm",
    "choppy",
    "flash_crash",
    "replay",
    "smile",
    "spread_blowout",
    "textbook",
    "trending",
    "two_venues",
)
CONSTANT_VOLATILITY = ("textbook", "calm", "choppy", "trending")
SHORT: dict[str, Any] = {"horizon_seconds": 1_200.0, "decision_interval": 20.0}
# No protection on the price of a market order is felt, and a move of half a percent is too much.
LEVERED: dict[str, Any] = SHORT | {"collateral": 0.004, "largest_order": 1.0}


def changes_for(scenario: str, real_data: Any) -> dict[str, Any]:
    """Return what a scenario needs to run."""
    if scenario != "replay":
        return {}
    return {"price.file": str(real_data("btc_perp_1min_2022-01.csv.gz"))}


def assert_money_is_right(worlds: Any, instruments: int) -> None:
    """Check what must hold at every moment, exactly."""
    currency = worlds["instruments"]["currency"][:, None, :instruments]
    entry = worlds["positions"]["entry_quanta"][:, :, :instruments]
    for row in range(worlds["cash"].shape[2]):
        total = worlds["cash"][:, :, row].sum(axis=1)
        total -= np.where(currency == row, entry, 0).sum(axis=(1, 2))
        assert total.tolist() == worlds["deposits"][:, row].tolist()
    held = worlds["positions"]["quantity_lots"][:, :, :instruments].sum(axis=1)
    derivative = worlds["instruments"]["kind"][:, :instruments] != SPOT
    assert not held[derivative].any()


def assert_books_are_sound(worlds: Any, instruments: int) -> None:
    for world in worlds:
        for row in range(instruments):
            assert check_book(viewed(world["books"])[row]) == SOUND


def assert_attribution_adds_up(worlds: Any) -> None:
    agent = worlds["agents"][:, 0]
    parts = agent["parts"].sum(axis=1)
    for world, row, total in zip(worlds, agent, parts, strict=True):
        assert int(agent_equity(world, 0)) == row["equity_quanta"]
        change = (int(row["equity_quanta"]) - int(row["initial_equity_quanta"])) / QUANTA
        assert total == pytest.approx(change, abs=1e-6 * row["stake"])


def run_checked(run: Any, random: np.random.Generator) -> None:
    """Run episodes to their end with random wishes and check everything after each decision."""
    instruments = len(run.compiled.instruments)
    count = len(run.worlds)
    total = np.zeros(count)
    while not run.over:
        run.step(random.uniform(-1.3, 1.3, (count, 2)))
        total += run.rewards
        assert_money_is_right(run.worlds, instruments)
        assert_books_are_sound(run.worlds, instruments)
        assert_attribution_adds_up(run.worlds)
        assert all(run.batch.face.observation_space.contains(one) for one in run.observations)
        for currency in range(run.worlds["cash"].shape[2]):
            for world in run.worlds:
                assert conserved(world, currency) == world["deposits"][currency]
    agent = run.worlds["agents"][:, 0]
    penalty = 0.5 * agent["risk_aversion"] * agent["risk_penalty"]
    expected = (relative_profit(run.worlds) - penalty) / agent["stake"]
    assert total == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("task", BOOKS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_money_books_and_attribution_are_right_at_every_step(
    make_worlds, real_data, scenario, task
):
    changes = changes_for(scenario, real_data)
    run = make_worlds(scenario, task, 3, seed=11, overrides=changes, **SHORT)
    run_checked(run, np.random.default_rng(3))
    assert run.worlds["accounts"]["taker_fills"].sum() > 0
    if run.worlds["instruments"]["maker_size_lots"][0, 0] == 0:
        assert run.worlds["agents"]["rejects"].sum() < 60 * len(run.worlds)


# Gaps that no order can get out of: the ideal market's quotes jump with the price.
GAPS: dict[str, Any] = {
    "flow": {"kind": "ideal", "half_spread": 0.0001, "size": 1_000.0},
    "shocks": [
        {"kind": "price", "at": "30%", "recovery": "never", "move": "-5%"},
        {"kind": "price", "at": "60%", "recovery": "never", "move": "8%"},
    ],
}


@pytest.mark.parametrize("task", BOOKS)
@pytest.mark.parametrize("changes", [{}, GAPS], ids=["crash", "gaps"])
def test_money_is_right_through_liquidations(make_worlds, task, changes):
    scenario = "calm" if changes else "flash_crash"
    run = make_worlds(scenario, task, 6, seed=5, overrides=changes, **LEVERED)
    run_checked(run, np.random.default_rng(4))
    assert run.worlds["accounts"]["liquidations"].sum() > 0
    if changes:
        assert run.worlds["accounts"]["covered_quanta"].sum() > 0


@pytest.mark.parametrize("task", BOOKS)
def test_money_is_right_through_expiry_and_funding(make_worlds, task):
    """Options of an hour in an episode of two, on a venue that pays funding every ten minutes."""
    from gammagym.scenario.tasks import Leg, get_task

    legs = tuple(
        Leg(leg.kind, leg.quantity, leg.moneyness, expiry_days=1 / 24)
        for leg in get_task(task).book
    )
    run = make_worlds(
        "calm",
        task,
        3,
        seed=8,
        overrides={"rules": {"perpetual.funding_interval": "10min"}, "funding": "-0.5%"},
        book=legs,
        horizon_seconds=7_200.0,
        decision_interval=120.0,
    )
    run_checked(run, np.random.default_rng(9))
    assert (run.worlds["accounts"]["funding_quanta"] != 0).any(axis=1).all()
    options = len(legs) if task != "SpotHedge" else 0
    assert run.worlds["instruments"]["settled"].sum() == 3 * options
    assert not run.worlds["positions"]["quantity_lots"][:, :, 1:].any()


@settings(max_examples=12)
@given(
    st.lists(
        st.tuples(st.floats(-1, 1, width=32), st.sampled_from([-1.0, -0.3, 0.0, 0.4, 1.0])),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from(["flash_crash", "calm", "textbook", "smile"]),
    st.sampled_from(BOOKS),
    st.integers(0, 2**64 - 5),
)
@example(actions=[(1.0, 1.0), (-1.0, 1.0)] * 12, scenario="calm", task="ShortGamma", seed=0)
def test_money_is_right_for_any_actions(make_worlds, actions, scenario, task, seed):
    run = make_worlds(scenario, task, 1, seed=seed, **LEVERED | {"horizon_seconds": 600.0})
    for action in actions:
        run.step(np.array([action]))
        assert_money_is_right(run.worlds, len(run.compiled.instruments))
        assert_attribution_adds_up(run.worlds)
        assert run.batch.face.observation_space.contains(run.observations[0])
    assert_books_are_sound(run.worlds, len(run.compiled.instruments))


@pytest.mark.parametrize("task", ["GammaScalp", "ShortGamma"])
@pytest.mark.parametrize("scenario", CONSTANT_VOLATILITY)
def test_the_residual_is_small_where_volatility_is_constant(make_worlds, scenario, task):
    run = make_worlds(scenario, task, 4, seed=2, horizon_seconds=14_400.0)
    random = np.random.default_rng(1)
    while not run.over:
        run.step(random.uniform(-1, 1, (4, 2)))
    parts = run.worlds["agents"]["parts"][:, 0]
    assert (np.abs(parts[:, PART_RESIDUAL]) < 0.005 * np.abs(parts[:, PART_GAMMA])).all()
    assert (np.sign(parts[:, PART_GAMMA]) == (1 if task == "GammaScalp" else -1)).all()


# Noise of five times that of bitcoin, twice its stickiness, and many customers.
ROUGH = {
    "options.volatility_of_volatility": 3.0,
    "options.skew_stickiness": 2.0,
    "options.customers": {"rate": 0.5},
}


@pytest.mark.parametrize("task", ["GammaScalp", "ShortGamma"])
@pytest.mark.parametrize(
    ("scenario", "changes", "share"),
    [
        ("smile", {"price.jump_rate": 0.0}, 0.0001),
        ("calm", {"options.preset": "btc"}, 0.0001),
        ("calm", {"options.preset": "eth"} | ROUGH, 0.0005),
        ("flash_crash", {"options.preset": "btc"} | ROUGH, 0.001),
    ],
    ids=["smile", "btc", "rough", "crash"],
)
def test_the_residual_stays_small_where_the_surface_moves(
    make_worlds, scenario, changes, share, task
):
    run = make_worlds(scenario, task, 4, seed=2, overrides=changes, horizon_seconds=14_400.0)
    random = np.random.default_rng(1)
    while not run.over:
        run.step(random.uniform(-1, 1, (4, 2)))
        assert_money_is_right(run.worlds, len(run.compiled.instruments))
        assert_attribution_adds_up(run.worlds)
    parts = run.worlds["agents"]["parts"][:, 0]
    assert (np.abs(parts[:, PART_RESIDUAL]) < share * np.abs(parts[:, PART_GAMMA])).all()
    # Not for want of something to explain.
    assert (np.abs(parts[:, PART_VEGA]) > 0.01 * np.abs(parts[:, PART_GAMMA])).all()
    assert (parts[:, PART_VANNA] != 0.0).all()
    assert run.worlds["books"]["trades"][:, 1:3].all()


def test_a_book_without_options_has_no_residual_and_no_greeks(make_worlds):
    run = make_worlds("calm", "SpotHedge", 2, **SHORT)
    while not run.over:
        run.step(np.full((2, 2), [-0.3, 1.0]))
    parts = dict(zip(PARTS, run.worlds["agents"]["parts"][:, 0].T, strict=True))
    for part in ("gamma", "theta", "vega", "vanna", "volga"):
        assert not parts[part].any()
    assert np.abs(parts["residual"]).max() < 1e-3  # marks are whole quanta a lot
