"""Rewards by name against plain Python on the recorded way of an episode; rewards by function."""

from __future__ import annotations

import itertools
import math
from typing import Any, get_args

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from gammagym.envs.kernels.rewards import ADAPTATION, STEEPEST, utility
from gammagym.envs.kernels.standing import STANDING_COLUMNS
from gammagym.envs.paying import Standing
from gammagym.envs.single import HedgeEnv
from gammagym.envs.vector import HedgeVectorEnv
from gammagym.errors import RewardError, ScenarioError
from gammagym.fields import FIELD_NAMES
from gammagym.scenario.tasks import RewardName
from gammagym.world.sizes import QUANTA

NAMES = get_args(RewardName)
HOUR: dict[str, Any] = {
    "horizon_seconds": 3_600.0,
    "decision_interval": 120.0,
    "largest_order": 0.02,
}
STEPS = 30


def played(make_worlds: Any, reward: str, scenario: Any = "calm", **options: Any) -> Any:
    """Play an episode; return its rewards, and the world before each decision and at the end."""
    run = make_worlds(scenario, "GammaScalp", 1, 5, reward=reward, **HOUR | options)
    random = np.random.default_rng(8)
    states, rewards = [run.worlds.copy()], []
    while not run.over:
        run.step([random.uniform(-1, 1, 2)])
        rewards.append(float(run.rewards[0]))
        states.append(run.worlds.copy())
    return rewards, np.concatenate(states)


def profits(states: Any) -> Any:
    """Return the profit at each moment, in stakes."""
    agent = states["agents"][:, 0]
    return (agent["equity_quanta"] - agent["initial_equity_quanta"]) / QUANTA / agent["stake"]


def relative_profits(states: Any) -> Any:
    """Return the hedge's profit less the reference's, from cash, position and mark, in stakes."""
    agent, rows = states["agents"][:, 0], np.arange(len(states))
    account, hedge = agent["hedge_account"][0], agent["hedge_instrument"][0]
    position = states["positions"][rows, account, hedge]
    value = position["quantity_lots"] * states["instruments"]["mark_quanta"][:, hedge]
    equity = states["cash"][:, account, 0] + value - position["entry_quanta"]
    return ((equity - equity[0]) / QUANTA - agent["reference_profit"]) / agent["stake"]


def risks(states: Any) -> Any:
    """Return the price of the variance of the net delta's profit so far, in stakes."""
    agent = states["agents"][:, 0]
    return 0.5 * 8.0 * agent["risk_penalty"] / agent["stake"] ** 2


def exponential(profit: float) -> float:
    """Return the utility at the task's risk aversion, 8: a straight line from -10 / 8 down."""
    if profit < -10 / 8:
        return exponential(-10 / 8) - math.exp(10) * (-10 / 8 - profit)
    return (1.0 - math.exp(-8.0 * profit)) / 8.0


def sharpe(gains: Any, share: float) -> list[float]:
    """Return the differential Sharpe ratio, step by step as Moody and Saffell write it."""
    first = 0.0
    least = 2 * share**2
    second, rewards = least, []
    for gain in gains:
        # To the second moment is added the same variance all the time.
        step_1, step_2 = gain - first, gain**2 + least - second
        top = second * step_1 - 0.5 * first * step_2
        rewards.append(ADAPTATION * top / (second - first**2) ** 1.5)
        first, second = first + ADAPTATION * step_1, second + ADAPTATION * step_2
    return rewards


EXPECTED = {
    "relative": lambda states: np.diff(relative_profits(states) - risks(states)),
    "equity": lambda states: np.diff(profits(states)),
    "risk": lambda states: np.diff(profits(states) - risks(states)),
    "sharpe": lambda states: sharpe(np.diff(profits(states)), 120.0 / 3_600.0),
    "utility": lambda states: np.diff([exponential(profit) for profit in profits(states)]),
    "terminal": lambda states: np.diff(
        relative_profits(states) - 4.0 * relative_profits(states) ** 2
    ),
}


@pytest.mark.parametrize("reward", NAMES)
def test_a_reward_is_what_its_documentation_says(make_worlds, reward):
    rewards, states = played(make_worlds, reward)
    assert len(rewards) == STEPS
    assert rewards == pytest.approx(list(EXPECTED[reward](states)), rel=1e-9, abs=1e-12)
    assert np.abs(rewards).max() > 1e-3


def test_rewards_of_an_episode_sum_to_what_is_wanted_of_it(make_worlds):
    total = {}
    for reward in NAMES:
        rewards, states = played(make_worlds, reward)
        total[reward] = sum(rewards)
    profit, relative = profits(states)[-1], relative_profits(states)[-1]
    assert total["equity"] == pytest.approx(profit, rel=1e-12, abs=1e-12)
    assert total["risk"] == pytest.approx(profit - risks(states)[-1], rel=1e-12, abs=1e-12)
    assert total["utility"] == pytest.approx(exponential(profit), rel=1e-12, abs=1e-12)
    assert total["terminal"] == pytest.approx(relative - 4.0 * relative**2, rel=1e-12, abs=1e-12)
    assert total["relative"] == pytest.approx(relative - risks(states)[-1], rel=1e-12, abs=1e-12)


def test_what_is_paid_changes_nothing_else(make_worlds):
    worlds = []
    for reward in NAMES:
        _, states = played(make_worlds, reward)
        worlds.append([states[-1]["cash"].tobytes(), states[-1]["agents"]["parts"].tobytes()])
    assert all(one == worlds[0] for one in worlds)


@pytest.mark.parametrize("reward", NAMES)
def test_rewards_are_finite_where_hedges_are_liquidated(make_worlds, reward):
    """A crash of 60 % against a large position on little collateral."""
    crash = {"kind": "price", "at": "20%", "ramp": "10s", "move": "-60%"}
    options = HOUR | {"reward": reward, "collateral": 0.1, "largest_order": 1.0}
    run = make_worlds("calm", "GammaScalp", 1, 5, overrides={"shocks": [crash]}, **options)
    rewards = []
    while not run.over:
        run.step([[1.0, 1.0]])
        rewards.append(run.rewards[0])
    agent = run.worlds["agents"][0, 0]
    assert run.worlds["accounts"]["liquidations"][0, agent["hedge_account"]] > 0
    assert np.isfinite(rewards).all()
    assert min(rewards) < -0.01


def test_utility_goes_on_as_a_straight_line_where_it_would_be_astronomical():
    kink = -STEEPEST / 8.0
    assert utility(kink + 0.01, 8.0) == pytest.approx(exponential(kink + 0.01), rel=1e-12)
    slopes = np.diff([utility(kink - far, 8.0) for far in (0.0, 1.0, 2.0, 1e6)])
    assert slopes[0] == slopes[1] == pytest.approx(-math.exp(STEEPEST), rel=1e-12)
    assert math.isfinite(utility(-1e9, 8.0))
    assert utility(-0.3, 0.0) == -0.3


def test_a_differential_sharpe_ratio_sums_to_the_growth_of_the_moving_ratio():
    """First order in the adaptation rate, on gains that are drawn."""
    gains = np.random.default_rng(1).normal(0.02, 0.1, 4_000)
    total = np.cumsum(sharpe(gains, 0.01))
    first, second = 0.0, 2 * 0.01**2
    for gain in gains:
        first += ADAPTATION * (gain - first)
        second += ADAPTATION * (gain**2 + 2 * 0.01**2 - second)
    assert total[-1] == pytest.approx(first / math.sqrt(second - first**2), abs=0.35)


def test_an_unknown_reward_is_refused_with_the_nearest_name():
    with pytest.raises(ScenarioError, match="did you mean 'sharpe'"):
        HedgeEnv(reward="sharp")
    with pytest.raises(ScenarioError, match="a function or a name, was 3: known: relative"):
        HedgeEnv(reward=3)  # type: ignore[arg-type]


# --- Functions -------------------------------------------------------------------------------


def of_risk(before: Standing, now: Standing) -> Any:
    """Return what the reward `risk` pays."""
    worth = [one.profit - 0.5 * one.risk_aversion * one.risk_penalty for one in (before, now)]
    return (worth[1] - worth[0]) / now.stake


def test_a_function_of_the_same_formula_pays_the_same(make_worlds):
    env = HedgeEnv(scenario="calm", reward=of_risk, **HOUR)
    env.reset(seed=5)
    random, rewards, over = np.random.default_rng(8), [], False
    while not over:
        _, reward, over, _, _ = env.step(random.uniform(-1, 1, 2).astype(np.float32))
        rewards.append(reward)
    expected, _ = played(make_worlds, "risk")
    assert rewards == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_a_function_sees_where_a_competitor_stands():
    seen: list[tuple[Standing, Standing]] = []
    env = HedgeEnv(
        scenario="calm", reward=lambda *both: seen.append(both) or both[1].profit, **HOUR
    )
    env.reset(seed=5)
    deltas = []
    for step in range(STEPS):
        observation, *_, info = env.step(np.array([1.0 if step == 0 else 0.0, 1.0], np.float32))
        deltas.append(10.0 * float(observation[FIELD_NAMES.index("net_delta")]))
    assert len(seen) == STEPS
    assert len(Standing._fields) == STANDING_COLUMNS + 1
    for (_, now), (before, _) in itertools.pairwise(seen):
        for one, other in zip(now, before, strict=True):
            assert one.tolist() == other.tolist()
    first, last = seen[0][0], seen[-1][1]
    assert [one.tolist() for one in (first.time, first.profit, first.turnover)] == [[0.0]] * 3
    assert first.time_left.tolist() == [3_600.0]
    assert [last.time.tolist(), last.time_left.tolist()] == [[3_600.0], [0.0]]
    assert [pair[1].is_last.tolist() for pair in seen] == [[False]] * (STEPS - 1) + [[True]]
    results = env.results()
    assert last.profit[0] == results["profit"] == info["profit"]
    assert last.relative_profit[0] == -results["relative_cost"] * results["stake"]
    # It bought a fiftieth of the gross quantity, and sold it at the end.
    assert last.turnover[0] == pytest.approx(0.4)
    assert [pair[1].net_delta[0] for pair in seen] == pytest.approx(deltas, rel=1e-6)
    assert last.risk_aversion[0] * last.stake[0] == pytest.approx(8.0)


def test_single_vector_and_sb3_environments_are_paid_the_same():
    pytest.importorskip("stable_baselines3")
    from gammagym import sb3

    envs = {
        mode: HedgeVectorEnv(2, scenario="calm", reward=of_risk, autoreset_mode=mode, **HOUR)
        for mode in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)
    }
    adapter = sb3.make_vec_env("GammaScalp", 2, seed=5, scenario="calm", reward=of_risk, **HOUR)
    single = HedgeEnv(scenario="calm", reward=of_risk, **HOUR)
    for one in envs.values():
        one.reset(seed=5)
    adapter.reset()
    single.reset(seed=6)
    random = np.random.default_rng(8)
    for step in range(STEPS + 2):
        actions = random.uniform(-1, 1, (2, 2)).astype(np.float32)
        rewards = {mode: one.step(actions)[1].tolist() for mode, one in envs.items()}
        adapted = adapter.step(actions)[1].tolist()
        if step < STEPS:
            assert rewards[AutoresetMode.NEXT_STEP] == rewards[AutoresetMode.SAME_STEP] == adapted
            assert single.step(actions[1])[1] == adapted[1]
    # After the end: a step that only resets is worth nothing, the others have gone on.
    assert envs[AutoresetMode.NEXT_STEP].batch.infos[:, 0, 0].tolist() == [120.0] * 2
    assert envs[AutoresetMode.SAME_STEP].batch.infos[:, 0, 0].tolist() == [240.0] * 2


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (lambda *_: 1.0, r"one number for each of the 2 worlds.*shape \(2,\), was \(\)"),
        (lambda *_: np.zeros((2, 1)), r"shape \(2,\), was \(2, 1\)"),
        (lambda *both: both[1].profit * math.nan, "finite numbers, was nan for world 0"),
        (lambda *_: np.array([0.0, math.inf]), "finite numbers, was inf for world 1"),
        (lambda *_: ["a", "b"], "must return numbers"),
    ],
)
def test_a_function_that_returns_something_else_is_told_so(function, what):
    envs = HedgeVectorEnv(2, scenario="calm", reward=function, **HOUR)
    envs.reset(seed=1)
    with pytest.raises(RewardError, match=what):
        envs.step(np.zeros((2, 2), np.float32))
