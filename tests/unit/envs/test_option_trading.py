"""Trading options of the book: what may be traded, and what it is compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gammagym.envs.core import relative_profit
from gammagym.envs.single import HedgeEnv
from gammagym.scenario.tasks import Leg, Task
from gammagym.world.codes import COIN, PARTS, REJECT_REASONS
from gammagym.world.sizes import QUANTA

SHORT: dict[str, Any] = {"horizon_seconds": 3_600.0, "decision_interval": 60.0}
MARKETS = [
    ("GammaScalp", "calm"),
    ("ShortGamma", "calm"),
    ("GammaScalp", "calm@deribit"),
]
# Books of which an option expires within the episode.
EXPIRING = Task("Expiring", (Leg("call", 10.0, 0.99, 0.01), Leg("put", 10.0, 1.0, 7.0)))
NOTHING = [0.0, 0.0]


def open_env(task: Any, scenario: str, **options: Any) -> HedgeEnv:
    env = HedgeEnv(task, scenario, overrides={"flow.preset": "sparse"}, **(SHORT | options))
    env.reset(seed=3)
    return env


def held(env: HedgeEnv) -> list[int]:
    """Return the lots of the legs of the book."""
    world = env.worlds[0]
    rows = len(env.compiled.task.book)
    account = world["agents"]["book_account"][0]
    return world["positions"]["quantity_lots"][account, 1 : 1 + rows].tolist()


def rounding_of_marks(env: HedgeEnv) -> float:
    """Return what marks in whole quanta can make between two moments (stakes)."""
    world = env.worlds[0]
    quantum = 1.0 / QUANTA
    if world["instruments"]["currency"][1] == COIN:
        quantum *= 1.1 * env.compiled.reference_price
    lots = sum(abs(each) for each in held(env))
    # Half a quantum a lot, at both moments, of two differences.
    return 2.0 * lots * quantum / float(world["agents"]["stake"][0])


def rejects(env: HedgeEnv) -> dict[str, int]:
    counts = env.worlds["agents"]["rejects"][0, 0].tolist()
    return {name: count for name, count in zip(REJECT_REASONS, counts, strict=True) if count}


@pytest.mark.parametrize(("task", "scenario"), [*MARKETS, (EXPIRING, "calm")])
def test_who_trades_no_options_is_paid_as_if_it_could_not(task, scenario):
    """Two ways of reckoning: the hedge's own account, and all but the book as handed over."""
    without, with_options = (
        open_env(task, scenario, trade_options=trades) for trades in (False, True)
    )
    actions = np.random.default_rng(0).uniform(-1, 1, (60, 2)).astype(np.float32)
    close = {"abs": rounding_of_marks(without) + 1e-6}
    for action in actions:
        _, reward, _, _, info = without.step(action)
        _, other, _, _, other_info = with_options.step([*action, *NOTHING])
        assert other == pytest.approx(reward, **close)
        assert other_info["attribution"] == info["attribution"]
    results, others = without.results(), with_options.results()
    assert others["profit"] == results["profit"]
    assert others["relative_cost"] == pytest.approx(results["relative_cost"], **close)


@pytest.mark.parametrize(("task", "scenario"), MARKETS)
def test_a_share_of_the_initial_quantity_is_traded_from_the_account_of_the_book(task, scenario):
    env = open_env(task, scenario, trade_options=True)
    first = held(env)
    sign = np.sign(first[0])
    env.step([0.0, 0.0, -0.25 * sign, 0.04])
    assert held(env) == [round(0.75 * first[0]), first[1]]
    env.step([0.0, 0.0, 0.25 * sign, -0.5 * sign])
    assert held(env) == [first[0], round(0.5 * first[1])]
    assert rejects(env) == {}
    assert env.results()["taker_fills"] >= 3


@pytest.mark.parametrize(("task", "scenario"), MARKETS)
def test_without_margin_a_leg_stays_between_flat_and_what_was_handed_over(task, scenario):
    env = open_env(task, scenario, trade_options=True)
    first = held(env)
    sign = np.sign(first[0])
    env.step([0.0, 0.0, sign, sign])
    assert held(env) == first
    for _ in range(3):
        env.step([0.0, 0.0, -0.7 * sign, -0.7 * sign])
    assert held(env) == [0, 0]
    for _ in range(3):
        env.step([0.0, 0.0, 0.7 * sign, 0.7 * sign])
    assert held(env) == first
    assert rejects(env) == {}


def test_an_account_with_margin_may_go_as_far_as_it_carries():
    env = HedgeEnv(
        "GammaScalp",
        "calm",
        overrides={"account.joint": True, "flow.preset": "sparse"},
        trade_options=True,
        collateral=1.0,
        **SHORT,
    )
    env.reset(seed=3)
    first = held(env)
    for _ in range(2):
        env.step([0.0, 0.0, -0.6, 0.0])
    assert held(env) == [first[0] - 2 * round(0.6 * first[0]), first[1]]
    assert held(env)[0] < 0
    assert sum(env.step([0.0] * 4)[4]["attribution"].values()) == pytest.approx(
        env.results()["profit"]
    )


@pytest.mark.parametrize(("task", "scenario"), MARKETS)
def test_the_reward_compares_with_the_book_as_it_was_handed_over(task, scenario):
    """Recomputed from marks: profit of all accounts, less that of the book had it been kept."""
    env = open_env(task, scenario, trade_options=True)
    before = env.worlds[0].copy()
    handed = np.array(held(env))
    sign = np.sign(handed[0])
    moves = [[0.3, 1.0, -sign, -0.5 * sign], [-0.2, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.5 * sign]]
    for step in range(40):
        env.step(moves[step] if step < len(moves) else [0.0] * 4)
    after = env.worlds[0]
    kept = 0.0
    coins = float(before["cash"][before["agents"]["book_account"][0], 1]) / QUANTA
    for world, times in ((after, 1.0), (before, -1.0)):
        price = float(world["price"]["value"])
        for row, lots in enumerate(handed, start=1):
            contract = world["instruments"][row]
            kept += times * lots * float(contract["lot_size"]) * float(contract["value"])
        kept += times * coins * price
    reference = float(after["agents"]["reference_profit"][0])
    profit = env.results()["profit"]
    stake = float(after["agents"]["stake"][0])
    relative = float(relative_profit(env.worlds)[0])
    assert relative == pytest.approx(profit - kept - reference, abs=1e-5 * stake)


def test_the_reference_keeps_hedging_the_book_that_was_handed_over():
    sold, kept = (open_env("GammaScalp", "calm", trade_options=True) for _ in range(2))
    sold.step([0.0, 0.0, -1.0, -1.0])
    kept.step([0.0] * 4)
    assert held(sold) == [0, 0]
    for _ in range(40):
        sold.step([0.0] * 4)
        kept.step([0.0] * 4)
    agents = [env.worlds["agents"][0, 0] for env in (sold, kept)]
    assert abs(float(agents[1]["reference_units"])) > 0.05
    for field in ("reference_units", "reference_profit"):
        assert float(agents[0][field]) == pytest.approx(float(agents[1][field]), rel=1e-6)
    assert float(agents[0]["book_delta"]) == 0.0


@pytest.mark.parametrize("task", [EXPIRING, "GammaScalp"])
def test_parts_sum_and_the_residual_stays_small_while_options_are_traded(task):
    env = open_env(task, "calm", trade_options=True)
    env.action_space.seed(5)
    is_over = False
    while not is_over:
        _, _, is_over, _, info = env.step(0.3 * env.action_space.sample())
        assert sum(info["attribution"].values()) == pytest.approx(info["profit"], abs=1e-6)
    stake = env.results()["stake"]
    assert abs(info["attribution"]["residual"]) < 0.01 * stake
    assert set(info["attribution"]) == set(PARTS)


def test_a_settled_option_is_traded_no_more():
    env = open_env(EXPIRING, "calm", trade_options=True)
    for _ in range(20):
        env.step([0.0] * 4)
    assert held(env)[0] == 0
    for _ in range(5):
        env.step([0.0, 0.0, -1.0, 0.0])
        env.step([0.0, 0.0, 1.0, 0.0])
    assert rejects(env) == {}
    assert held(env)[0] == 0


def test_moves_trade_a_quarter_of_a_leg():
    env = open_env("GammaScalp", "calm", trade_options=True, action_scheme="discrete")
    first = held(env)
    env.step([0, 2, 0])
    assert held(env) == [round(0.75 * first[0]), first[1]]
    env.step([0, 1, 2])
    assert held(env) == [first[0], round(0.75 * first[1])]
