"""Known results that the simulator must reproduce: `gammagym validate theory`.

Hedging is checked with whole episodes of the same environment that agents use, with a hedger that
brings its net delta to zero at fixed intervals; the matching engine is checked with random orders
in a bare book; a dealer's quotes are checked in the simplified market of their own paper. Each
figure is compared with a published or closed-form value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gammagym.envs.vector import HedgeVectorEnv
from gammagym.market.dealer_market import play_dealer
from gammagym.market.poisson_flow import probability_filled, probability_mid_up
from gammagym.market.santa_fe import mean_spread
from gammagym.quoting import optimal_spread, reservation_price
from gammagym.scenario.tasks import Leg, Task

_DAY = 86_400.0
_MONTH_SECONDS = 365 / 12 * _DAY
# Worlds that fit into the processor's cache run several times as fast as thousands at once.
_BATCH = 500
# The published settings count 250 trading days a year; the simulator's clock has 365.
_TRADING_DAY = 365 / 250 * _DAY
# A trial in a bare book takes microseconds, so there are several for each episode.
_TRIALS_PER_EPISODE = 3
# Published probabilities, by the bid queue or our place in it (1, 2), then the ask queue (1 to 5).
_MID_UP = ((0.500, 0.335, 0.259, 0.216, 0.188), (0.665, 0.500, 0.407, 0.348, 0.307))
_FILLED = ((0.503, 0.698, 0.794, 0.848, 0.882), (0.359, 0.551, 0.664, 0.737, 0.787))

# Avellaneda and Stoikov (2008), section 3.3: s, sigma, T, dt, A, k.
_DEALER_MID, _DEALER_VOLATILITY, _DEALER_HORIZON, _DEALER_STEP = 100.0, 2.0, 1.0, 0.005
_DEALER_FILL_RATE, _DEALER_FILL_DECAY = 140.0, 1.5
# By risk aversion: the spread; then mean and std of the profit and std of the final inventory, of
# the inventory strategy and of the symmetric one. First an independent simulation of 20,000 paths,
# then what the paper prints for 1,000.
_DEALERS = {
    0.1: (1.49, (64.86, 6.52, 2.91), (68.02, 13.21, 8.44)),
    0.5: (2.16, (48.5, 5.87, 1.94), (58.4, 11.6, 7.0)),
}
_PUBLISHED_DEALERS = {0.1: ((65.0, 6.6, 2.9), (68.4, 12.7, 8.4))}
_REFERENCE_PATHS, _PUBLISHED_PATHS = 20_000, 1_000
_DEALER_FIGURES = ("mean profit", "std of profit", "std of final inventory")
# Mean spread of the Santa Fe market over p_c, by epsilon; an independent simulation.
_SANTA_FE = {0.01: 0.478, 0.04: 0.544, 0.1: 0.638, 0.2: 0.772, 0.5: 1.118}
_SANTA_FE_EVENTS_PER_EPISODE = 150


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


def order_book_queues(episodes: int = 20_000, seed: int = 0) -> list[Check]:
    """Compare queues in the matching engine with Cont, Stoikov and Talreja (2010).

    Unit orders come and go at the rates of `market.poisson_flow`, at a spread of one tick. Found
    are the probability that the mid moves up, and that our bid fills before the mid moves.
    """
    tables = (
        ("mid moves up, bid queue {}, ask queue {}", probability_mid_up, _MID_UP),
        ("bid at place {} fills, ask queue {}", probability_filled, _FILLED),
    )
    source = "Cont, Stoikov, Talreja, A stochastic model for order book dynamics (2010)"
    trials = _TRIALS_PER_EPISODE * episodes
    checks: list[Check] = []
    for name, probability, published in tables:
        for (row, column), expected in np.ndenumerate(np.array(published)):
            bids, asks = row + 1, column + 1
            # No two figures share random numbers.
            measured = probability(bids, asks, trials, 20 * seed + len(checks))
            error = np.sqrt(expected * (1 - expected) / trials)
            tolerance = max(3 * float(error), 0.005)
            checks.append(
                Check(name.format(bids, asks), measured, float(expected), tolerance, source)
            )
    return checks


def dealer_quotes(episodes: int = 20_000, seed: int = 0) -> list[Check]:
    """Compare a dealer that quotes by Avellaneda and Stoikov (2008) with published results.

    The inventory strategy quotes around the reservation price, the symmetric one around the mid,
    both with the optimal spread. Tolerances are three standard errors, of ours and of the value
    that it is compared with, and half of that value's last digit.
    """
    checks: list[Check] = []
    paper = "Avellaneda, Stoikov, High-frequency trading in a limit order book (2008)"
    left = _DEALER_HORIZON - np.arange(0.0, _DEALER_HORIZON, _DEALER_STEP)
    for row, (aversion, (spread, *expected)) in enumerate(_DEALERS.items()):
        spreads = optimal_spread(aversion, _DEALER_VOLATILITY, left, _DEALER_FILL_DECAY)
        name = f"dealer, risk aversion {aversion}: mean spread"
        checks.append(Check(name, float(spreads.mean()), spread, 0.005, paper))
        skews = -reservation_price(0.0, 1.0, aversion, _DEALER_VOLATILITY, left)
        rules = (("inventory", skews), ("symmetric", np.zeros_like(skews)))
        for column, (rule, skew) in enumerate(rules):
            outcome = play_dealer(
                skew,
                0.5 * spreads,
                mid=_DEALER_MID,
                volatility=_DEALER_VOLATILITY,
                step=_DEALER_STEP,
                fill_rate=_DEALER_FILL_RATE,
                fill_decay=_DEALER_FILL_DECAY,
                paths=episodes,
                seed=4 * seed + 2 * row + column,
            )
            label = f"dealer, risk aversion {aversion}, {rule}"
            source = "independent simulation of the Avellaneda-Stoikov setting"
            checks += _compare_dealer(label, outcome, expected[column], _REFERENCE_PATHS, source)
            if aversion in _PUBLISHED_DEALERS:
                printed = _PUBLISHED_DEALERS[aversion][column]
                published = f"{label}, published"
                checks += _compare_dealer(published, outcome, printed, _PUBLISHED_PATHS, paper)
    return checks


def _compare_dealer(
    label: str,
    outcome: tuple[NDArray[np.float64], NDArray[np.float64]],
    expected: tuple[float, ...],
    paths: int,
    source: str,
) -> list[Check]:
    """Compare profits and final inventories with the results of so many other paths."""
    profits, inventories = outcome
    both = np.sqrt(1.0 / len(profits) + 1.0 / paths)
    measured = [float(profits.mean())]
    errors = [float(profits.std(ddof=1)) * both]
    for sample in (profits, inventories):
        std = float(sample.std(ddof=1))
        kurtosis = float(np.mean((sample - sample.mean()) ** 4)) / std**4
        measured.append(std)
        errors.append(0.5 * std * float(np.sqrt(kurtosis - 1.0)) * both)
    checks: list[Check] = []
    for name, value, error, known in zip(_DEALER_FIGURES, measured, errors, expected, strict=True):
        decimals = len(repr(known).partition(".")[2])
        tolerance = float(3.0 * error + 0.5 * 10.0**-decimals)
        checks.append(Check(f"{label}: {name}", value, known, tolerance, source))
    return checks


def zero_intelligence_spreads(episodes: int = 20_000, seed: int = 0) -> list[Check]:
    """Compare the spread of random orders in the matching engine with the model of Santa Fe.

    Unit orders come and go at the rates of `market.santa_fe`. Tolerances are three standard errors
    and 1 %: the tick of the simulation that the values come from is not known, and spreads grow
    with it.
    """
    source = "independent simulation of Smith, Farmer and others (2003)"
    events = _SANTA_FE_EVENTS_PER_EPISODE * episodes
    checks: list[Check] = []
    for row, (epsilon, expected) in enumerate(_SANTA_FE.items()):
        measured, error = mean_spread(epsilon, events, len(_SANTA_FE) * seed + row)
        name = f"spread / p_c of zero-intelligence orders, epsilon {epsilon}"
        checks.append(Check(name, measured, expected, 3 * error + 0.01 * expected, source))
    return checks


def validate_theory(
    episodes: int = 20_000, seed: int = 0, progress: Callable[[str], None] | None = None
) -> list[Check]:
    """Run every comparison.

    Args:
        episodes: paths for each figure of hedging and quoting; a figure of queues has three trials
            for each, a spread of random orders 150 events.
        seed: seed of the first path of each figure.
        progress: called with the name of each group before it runs.
    """
    groups = {
        "discrete hedging": discrete_hedging,
        "transaction costs": transaction_costs,
        "order book queues": order_book_queues,
        "dealer quotes": dealer_quotes,
        "zero-intelligence spreads": zero_intelligence_spreads,
    }
    checks: list[Check] = []
    for name, group in groups.items():
        if progress is not None:
            progress(name)
        checks += group(episodes, seed)
    return checks
