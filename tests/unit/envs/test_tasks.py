"""Tasks in play: every one keeps its accounts, futures expire, limits on risk hold."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from gammagym.envs.single import HedgeEnv
from gammagym.exchange.ledger import conserved
from gammagym.scenario.tasks import TASKS
from gammagym.world.codes import COIN, PARTS, QUOTE
from gammagym.world.sizes import QUANTA

HOURS: dict[str, Any] = {"horizon_seconds": 7_200.0, "decision_interval": 60.0}


def assert_accounts_are_right(env: HedgeEnv, info: dict[str, Any]) -> None:
    """Check that no money is made or lost, and that parts sum to the profit."""
    world = env.worlds[0]
    for currency in (QUOTE, COIN):
        assert conserved(world, currency) == world["deposits"][currency]
    stake = float(world["agents"]["stake"][0])
    assert sum(info["attribution"].values()) == pytest.approx(info["profit"], abs=1e-6 * stake)


@pytest.mark.parametrize("task", TASKS)
def test_gymnasiums_checker_says_nothing_about_a_task(task: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym.make(f"gammagym/{task}-v0", scenario="calm").unwrapped)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_keeps_its_accounts_through_200_random_decisions(task: str) -> None:
    env = HedgeEnv(task, decision_interval=60.0)
    observation, info = env.reset(seed=3)
    env.action_space.seed(1)
    for _ in range(200):
        observation, reward, _, _, info = env.step(env.action_space.sample())
        assert env.observation_space.contains(observation)
        assert np.isfinite(reward)
        assert_accounts_are_right(env, info)
    assert env.results()["turnover"] > 0


def test_the_reference_of_a_task_without_a_book_holds_nothing() -> None:
    env = HedgeEnv("SyntheticScalp", **HOURS)
    env.reset(seed=2)
    rewards, over = 0.0, False
    while not over:
        _, reward, over, _, _ = env.step(np.array([0.5, 1.0], np.float32))
        rewards += reward
        assert env.worlds["agents"]["reference_profit"][0, 0] == 0.0
    agent = env.worlds["agents"][0, 0]
    penalty = 0.5 * agent["risk_aversion"] * agent["risk_penalty"]
    assert rewards == pytest.approx((env.results()["profit"] - penalty) / agent["stake"])


# --- Futures ---------------------------------------------------------------------------------

ROLL: dict[str, Any] = HOURS | {
    "hedges": [
        "perpetual",
        {"kind": "future", "expiry_days": 0.05},
        {"kind": "future", "expiry_days": 10.0},
    ],
    "overrides": {"carry.preset": "btc"},
}
EXPIRED = 73  # the decision after 0.05 days


@pytest.mark.parametrize("venue", ["generic", "binance", "deribit", "binance_coinm"])
def test_a_hedge_settles_and_is_rolled_into_the_next(venue: str) -> None:
    """Short the near future until it settles, then the far one; nothing is left open or over."""
    env = HedgeEnv("SpotHedge", venue=venue, largest_order=0.1, **ROLL)
    _, info = env.reset(seed=5)
    account = int(env.worlds["agents"]["hedge_account"][0, 0])
    _, near, far = env.worlds["agents"]["hedges"][0, 0, :3]
    held = []
    for decision in range(120):
        action = np.zeros(6, np.float32)
        if decision < 10:
            action[2:4] = -1.0, 1.0
        elif EXPIRED <= decision < EXPIRED + 10:
            action[2:4] = -1.0, 1.0  # in what has expired: nothing
            action[4:6] = -1.0, 1.0
        rejects = info["rejects"]
        *_, info = env.step(action)
        assert info["rejects"] == rejects
        assert_accounts_are_right(env, info)
        held.append(env.worlds["positions"]["quantity_lots"][0, account, [near, far]].tolist())
    assert held[10][0] < 0 == held[10][1]
    assert env.worlds["instruments"]["settled"][0, near] == 1
    assert held[EXPIRED][0] == 0 > held[EXPIRED + 10][1]
    assert held[-1] == [0, 0]  # closed at the end
    assert abs(info["attribution"]["residual"]) < 1e-5 * 600_000.0
    assert info["attribution"]["basis"] != 0.0


def test_resting_orders_end_with_the_contract() -> None:
    env = HedgeEnv("SpotHedge", **ROLL)
    env.reset(seed=5)
    near = int(env.worlds["agents"]["hedges"][0, 0, 1])
    account = int(env.worlds["agents"]["hedge_account"][0, 0])
    action = np.array([0.0, 0.0, -0.5, -1.0, 0.0, 0.0], np.float32)

    def resting() -> int:
        orders = env.worlds["orders"][0]
        own = (orders["live"] == 1) & (orders["owner"] == account)
        return int((own & (orders["instrument"] == near)).sum())

    for decision in range(EXPIRED + 5):
        env.step(action)
        if decision == 5:
            assert resting() == 1
    assert resting() == 0
    assert env.worlds["agents"]["working"]["pending"][0, 0].tolist() == [0] * 8


# --- Limits ----------------------------------------------------------------------------------


@pytest.mark.parametrize("urgency", [1.0, 0.0, -0.05])
def test_orders_do_not_lead_beyond_the_limit_on_delta(urgency: float) -> None:
    env = HedgeEnv("SyntheticScalp", delta_limit=0.3, dead_zone=0.0, **HOURS)
    env.reset(seed=4)
    side, largest, reached = 1.0, 0.0, set()
    for _ in range(119):
        observation, *_ = env.step(np.array([side, urgency], np.float32))
        largest = max(largest, abs(float(observation[0])))
        if abs(observation[0]) > 0.29:
            reached.add(side)
            side = -np.sign(observation[0])
    assert largest <= 0.3 + 1e-6
    assert reached  # the limit was what held it
    free = HedgeEnv("SyntheticScalp", dead_zone=0.0, **HOURS)
    observation, _ = free.reset(seed=4)
    for _ in range(10):
        observation, *_ = free.step(np.array([1.0, 1.0], np.float32))
    assert observation[0] > 1.0


def test_a_limit_lets_orders_through_that_lead_back() -> None:
    """A book of ten coins is beyond a limit of half of it: it can be sold, not added to."""
    env = HedgeEnv("SpotHedge", delta_limit=0.5, hedges=["perpetual"], **HOURS)
    observation, _ = env.reset(seed=4)
    for _ in range(5):
        observation, *_ = env.step(np.array([1.0, 1.0], np.float32))
    assert observation[0] == 1.0
    for _ in range(20):
        observation, *_ = env.step(np.array([-1.0, 1.0], np.float32))
    assert observation[0] == pytest.approx(-0.5, abs=1e-3)


def test_the_limit_counts_what_works_in_all_hedges() -> None:
    env = HedgeEnv("SyntheticScalp", delta_limit=0.1, hedges=ROLL["hedges"], **HOURS)
    env.reset(seed=4)
    env.step(np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0], np.float32))
    for _ in range(3):
        env.step(np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0], np.float32))
        world = env.worlds[0]
        account = int(world["agents"]["hedge_account"][0])
        orders = world["orders"][(world["orders"]["live"] == 1)]
        own = orders[orders["owner"] == account]
        lots = world["instruments"]["lot_size"][own["instrument"]]
        assert (own["quantity_lots"] * lots).sum() <= 1.0 + 1e-9


def test_who_has_lost_too_much_is_closed_and_sends_nothing_more() -> None:
    env = HedgeEnv("SyntheticScalp", loss_limit=0.001, largest_order=0.5, **HOURS)
    env.reset(seed=4)
    account = int(env.worlds["agents"]["hedge_account"][0, 0])
    stopped_at, over, side = None, False, 1.0
    profits, held = [], []
    while not over:
        *_, over, _, info = env.step(np.array([side, 1.0], np.float32))
        side = -side  # buys and sells at market: a sure loss
        agent = env.worlds["agents"][0, 0]
        profits.append(info["profit"])
        held.append(int(env.worlds["positions"]["quantity_lots"][0, account, 0]))
        if agent["stopped"] and stopped_at is None:
            stopped_at = len(held) - 1
    assert stopped_at is not None
    limit = 0.001 * env.worlds["agents"]["stake"][0, 0]
    assert profits[stopped_at - 1] < -limit
    assert all(profit >= -limit for profit in profits[: stopped_at - 1])
    assert held[stopped_at:] == [0] * (120 - stopped_at)
    assert len(set(profits[stopped_at + 1 :])) == 1


def test_nothing_changes_where_no_limit_is_reached() -> None:
    """To the bit: limits that nothing comes near are as good as none."""
    seen: list[list[bytes]] = []
    choices: list[dict[str, Any]] = [{}, {"delta_limit": 1e6, "loss_limit": 1e6}]
    for limits in choices:
        env = HedgeEnv("ShortGamma", **limits, **HOURS)
        env.reset(seed=9)
        env.action_space.seed(2)
        seen.append([env.step(env.action_space.sample())[0].tobytes() for _ in range(60)])
    assert seen[0] == seen[1]


def test_parts_are_named_once() -> None:
    env = HedgeEnv("TwoVenueHedge", **HOURS)
    _, info = env.reset(seed=1)
    assert tuple(info["attribution"]) == PARTS
    # Coins at one venue, money at the other: both are its own.
    world = env.worlds[0]
    book, hedge = (int(world["agents"][key][0]) for key in ("book_account", "hedge_account"))
    assert world["cash"][hedge, QUOTE] == 60_000 * QUANTA
    assert world["cash"][book].tolist() == [0, 0]
