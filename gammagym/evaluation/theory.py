"""Known results that the simulator must reproduce: `gammagym validate theory`.

Each check runs whole episodes through the same environment that agents use, with a hedger that
brings its net delta to zero at fixed intervals, and compares with a published or closed-form value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gammagym.envs.vector import HedgeVectorEnv
from gammagym.scenario.tasks import Leg, Task

_DAY = 86_400.0
_MONTH_SECONDS = 365 / 12 * _DAY
# Worlds that fit into the processor's cache run several times as fast as thousands at once.
_BATCH = 500
# The published settings count 250 trading days a year; the simulator's clock has 365.
_TRADING_DAY = 365 / 250 * _DAY


@dataclass(frozen=True)
class Check:
    """One figure beside the value it should have.

    Attributes:
        name: what is compared.
        measured: the simulator's value.
        expected: the published or closed-form value.
        tolerance: allowed absolute difference.
        source: where the expected value comes from.
    """

    name: str
    measured: float
    expected: float
    tolerance: float
    source: str

    @property
    def passed(self) -> bool:
        """Whether the measured value is within the tolerance."""
        return abs(self.measured - self.expected) <= self.tolerance


def hedge_short_call(
    rehedges: int,
    horizon_seconds: float,
    episodes: int,
    contracts: float = 1.0,
    overrides: dict[str, object] | None = None,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return the profit of selling at-the-money calls at S = 100 and hedging them to expiry.

    Args:
        rehedges: number of hedges, at equal intervals; the first at the sale, none at expiry.
        horizon_seconds: time to expiry (s), rounded so that intervals are whole seconds.
        episodes: number of paths; their seeds are seed, seed + 1, ...
        contracts: calls sold.
        overrides: changes of the scenario `textbook`.
        seed: seed of the first path.

    Returns:
        Profit per episode (currency), premium included, shape (episodes,).
    """
    interval = round(horizon_seconds / rehedges)
    horizon = float(rehedges * interval)
    task = Task(
        "HedgeShortCall",
        (Leg("call", -contracts, 1.0, horizon / _DAY),),
        horizon_seconds=horizon,
        decision_interval=float(interval),
        largest_order=1.0,
        dead_zone=0.0,
        collateral=10.0,
    )
    changes = {"price.tick": f"{interval}s"} | (overrides or {})
    worlds = min(_BATCH, episodes)
    env = HedgeVectorEnv(worlds, task, "textbook", overrides=changes, autoreset_mode="Disabled")
    profits = [_hedge_to_zero(env, seed + first) for first in range(0, episodes, worlds)]
    return np.concatenate(profits)[:episodes]


def _hedge_to_zero(env: HedgeVectorEnv, seed: int) -> NDArray[np.float64]:
    """Play one batch of episodes with an agent that always trades its net delta away."""
    spec = env.agent_spec()
    observation, _ = env.reset(seed=seed)
    over = False
    while not over:
        action = spec.order(-spec.read(observation).net_delta)
        observation, _, terminated, _, _ = env.step(action)
        over = bool(terminated.all())
    return env.results()["profit"]


def discrete_hedging(episodes: int = 20_000, seed: int = 0) -> list[Check]:
    """Compare the hedging error of a frictionless delta hedge with its known standard deviation.

    S = K = 100, one month, volatility 20 %, no interest. Kamal and Derman, "When you cannot hedge
    continuously" (1999), give std = sqrt(pi / 4) vega sigma / sqrt(N); the exact values are a
    little smaller and come from an independent simulation.
    """
    exact = {21: 0.4275, 84: 0.2185, 252: 0.1272}
    checks: list[Check] = []
    for rehedges, expected in exact.items():
        profit = hedge_short_call(rehedges, _MONTH_SECONDS, episodes, seed=seed)
        name = f"std of hedging error, {rehedges} rebalances"
        source = "independent simulation of the Kamal-Derman setting"
        checks.append(Check(name, float(profit.std(ddof=1)), expected, 0.02 * expected, source))
    return checks


def transaction_costs(episodes: int = 20_000, seed: int = 0) -> list[Check]:
    """Compare delta hedging at a 1 % fee with Cao, Chen, Hull and Poulos (2021).

    Short one call on 100 shares, S = K = 100, one month of 20 days of a 250-day year, volatility
    20 %, drift 5 %, a fee of 1 % of every trade, the first and the liquidation at expiry included.
    Cost in % of the option's premium.
    """
    premium = 100 * 2.2557  # Black-Scholes, T = 20/250
    rows = {"weekly": (4, 69.07, 49.44), "daily": (20, 107.87, 37.73)}
    changes: dict[str, object] = {"price.drift": 0.05, "rules": {"taker_fee": "1%"}}
    checks: list[Check] = []
    source = "Cao, Chen, Hull, Poulos, Deep hedging of derivatives (2021), table 1; author code"
    for name, (rehedges, mean, std) in rows.items():
        profit = hedge_short_call(rehedges, 20 * _TRADING_DAY, episodes, 100.0, changes, seed)
        cost = -100.0 * profit / premium
        error = float(cost.std(ddof=1)) / np.sqrt(episodes)
        checks.append(
            Check(
                f"mean cost, {name} hedging at 1 % fee (% of premium)",
                float(cost.mean()),
                mean,
                max(2 * error, 0.01 * mean),
                source,
            )
        )
        checks.append(
            Check(
                f"std of cost, {name} hedging at 1 % fee (% of premium)",
                float(cost.std(ddof=1)),
                std,
                max(2 * error / np.sqrt(2), 0.01 * std),
                source,
            )
        )
    return checks


def validate_theory(
    episodes: int = 20_000, seed: int = 0, progress: Callable[[str], None] | None = None
) -> list[Check]:
    """Run every comparison.

    Args:
        episodes: paths for each figure.
        seed: seed of the first path of each figure.
        progress: called with the name of each group before it runs.
    """
    groups = {"discrete hedging": discrete_hedging, "transaction costs": transaction_costs}
    checks: list[Check] = []
    for name, group in groups.items():
        if progress is not None:
            progress(name)
        checks += group(episodes, seed)
    return checks
