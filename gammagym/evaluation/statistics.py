"""The statistics of a competition: scores, intervals, differences, groups, correlation.

Formulas, for the costs x_1 .. x_n of n episodes (shares of the stake; less is better):

- **score** = mean(x) + 1.5 * std(x) of the cost relative to a frictionless hedger on the same
  path, where std is the sample standard deviation, with n - 1.
- **CVaR 95** of the raw cost: the mean of its worst 5 %. Where 0.05 n is not whole, the last
  episode counts in part; with fewer than 20 episodes it is the worst one.
- **intervals**: a bootstrap draws n seeds with replacement, jointly for all agents and scenarios,
  and recomputes every score from them; the interval holds the middle 95 % of the results.
- **difference** of two agents: of their scores on the same drawn seeds, so that the luck they
  share cancels.
- **groups**: agents that cannot be told apart from the best of their group.

Arrays carry episodes on their last axis; NaN marks an episode that has no result, and an agent with
any such episode has no score. Seeds that are void (`results.Results.counted`) are not among them.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

STD_WEIGHT = 1.5
TAIL = 0.05
LEVEL = 0.95
RESAMPLES = 2_000
_BOOTSTRAP_SEED = 20_100_506

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bootstrap:
    """Scores of agents, and what a bootstrap over seeds says about them.

    Attributes:
        scores: shape (agents,).
        low: lower ends of the scores' intervals, shape (agents,).
        high: upper ends, shape (agents,).
        differences: score of the row's agent less the column's, shape (agents, agents).
        difference_low: lower ends of their intervals, shape (agents, agents).
        difference_high: upper ends, shape (agents, agents).
    """

    scores: Floats
    low: Floats
    high: Floats
    differences: Floats
    difference_low: Floats
    difference_high: Floats

    def told_apart(self) -> NDArray[np.bool_]:
        """Return whether the interval of each difference leaves out 0, shape (agents, agents)."""
        return (self.difference_low > 0) | (self.difference_high < 0)


def score(costs: Any) -> Floats:
    """Return mean + 1.5 standard deviations over the last axis; NaN for a single episode.

    >>> float(score([0.0, 2.0, 4.0]))
    5.0
    """
    return np.asarray(costs, np.float64).mean(axis=-1) + STD_WEIGHT * sample_std(costs)


def sample_std(costs: Any) -> Floats:
    """Return the sample standard deviation (n - 1) over the last axis; NaN for a single episode."""
    values = np.asarray(costs, np.float64)
    if values.shape[-1] < 2:
        return np.full(values.shape[:-1], np.nan)
    return values.std(axis=-1, ddof=1)


def cvar(costs: Any, tail: float = TAIL) -> Floats:
    """Return the mean of the worst (largest) share of the costs, over the last axis.

    Args:
        costs: shape (..., n).
        tail: the share, > 0 and <= 1.

    >>> float(cvar(np.arange(1, 101)))  # the worst five of a hundred
    98.0
    >>> float(cvar([1.0, 2.0, 3.0]))  # too few for a tail: the worst
    3.0
    """
    worst_first = -np.sort(-np.asarray(costs, np.float64), axis=-1)
    count = worst_first.shape[-1]
    weights = np.clip(tail * count - np.arange(count), 0.0, 1.0)
    if tail * count < 1:
        weights[:1] = 1.0
    return (worst_first * weights).sum(axis=-1) / weights.sum()


def carried_share(delta: Any, profit: Any) -> Floats:
    """Return mean profits from carried delta as a share of the mean profits; NaN without profit.

    A hedger is paid for hedging. What it earned because its net delta happened to be on the right
    side of a move is luck, or a bet: a large share says that the profit is not from hedging. It is
    positive where carried delta and profit have one sign, and beyond 1 where the rest lost.

    >>> carried_share([30.0, -10.0], [40.0, 20.0]).tolist()
    [0.75, -0.5]
    """
    parts, wholes = np.asarray(delta, np.float64), np.asarray(profit, np.float64)
    nothing = np.full(np.broadcast_shapes(parts.shape, wholes.shape), np.nan)
    return np.divide(parts, wholes, out=nothing, where=wholes != 0)


def mean_difference(costs: Any, other_costs: Any) -> tuple[float, float]:
    """Return the mean of the paired differences by seed, and its standard error.

    >>> mean_difference([1.0, 2.0, 3.0], [0.0, 1.0, 2.0])
    (1.0, 0.0)
    """
    paired = np.asarray(costs, np.float64) - np.asarray(other_costs, np.float64)
    error = paired.std(ddof=1) / np.sqrt(len(paired)) if len(paired) > 1 else np.nan
    return float(paired.mean()), float(error)


def correlation(costs: Any) -> Floats:
    """Return how far agents' results on the same seeds move together.

    Args:
        costs: shape (agents, n).

    Returns:
        Correlation coefficients, shape (agents, agents); NaN where a row is constant or has NaN.

    >>> correlation([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [3.0, 2.0, 1.0]])[0].round(6).tolist()
    [1.0, 1.0, -1.0]
    """
    values = np.asarray(costs, np.float64)
    centred = values - values.mean(axis=-1, keepdims=True)
    size = np.sqrt((centred**2).sum(axis=-1))
    size[size <= 1e-12 * np.maximum(np.abs(values).max(axis=-1, initial=0.0), 1e-300)] = np.nan
    return np.clip(centred @ centred.T / np.outer(size, size), -1.0, 1.0)


def resamples(count: int, draws: int = RESAMPLES, seed: int = _BOOTSTRAP_SEED) -> Floats:
    """Return how often each of n seeds is drawn, in each of the bootstrap's draws.

    Returns:
        Shares that sum to one, shape (n, draws).

    >>> bool(np.allclose(resamples(5, draws=3).sum(axis=0), 1.0))
    True
    """
    random = np.random.default_rng(seed)
    chances = np.full(count, 1.0 / count)
    return random.multinomial(count, chances, size=draws).T / count


def bootstrap(costs: Any, draws: int = RESAMPLES, seed: int = _BOOTSTRAP_SEED) -> Bootstrap:
    """Bootstrap the score of each agent, and of each pair of agents the difference.

    Args:
        costs: relative costs, shape (agents, n) for one scenario, or (agents, scenarios, n) for
            several; then the score is the median of the scenarios' scores, so that no single crash
            decides. Seed i is drawn together for all agents and scenarios.
        draws: number of draws.
        seed: seed of the draws.

    Returns:
        Scores, intervals and differences; NaN for agents with a NaN among their costs.

    >>> same = bootstrap([[1.0, 2.0, 4.0], [1.0, 2.0, 4.0]])
    >>> same.differences[0, 1], same.difference_high[0, 1]
    (np.float64(0.0), np.float64(0.0))
    """
    values = np.asarray(costs, np.float64)
    if values.ndim == 2:
        values = values[:, None]
    agents, _, count = values.shape
    scores = np.median(score(values), axis=-1)
    nothing = np.full((agents, agents), np.nan)
    if count < 2:
        none = np.full(agents, np.nan)
        return Bootstrap(scores, none, none, nothing, nothing, nothing)
    drawn = _drawn_scores(values, resamples(count, draws, seed))
    ends = np.array([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    low, high = np.quantile(drawn, ends, axis=-1)
    difference_low, difference_high = nothing.copy(), nothing.copy()
    for row in range(agents):
        paired = drawn[row] - drawn
        difference_low[row], difference_high[row] = np.quantile(paired, ends, axis=-1)
    differences = scores[:, None] - scores
    return Bootstrap(scores, low, high, differences, difference_low, difference_high)


def _drawn_scores(values: Floats, weights: Floats) -> Floats:
    """Return the score of every agent in every draw, shape (agents, draws)."""
    count = values.shape[-1]
    # Around the mean, the difference of two squares loses no digits.
    centre = values.mean(axis=-1, keepdims=True)
    moved = values - centre
    means = moved @ weights
    variances = np.maximum((moved**2) @ weights - means**2, 0.0) * count / (count - 1)
    drawn = centre + means + STD_WEIGHT * np.sqrt(variances)
    return np.median(drawn, axis=1)


def groups(result: Bootstrap) -> list[str]:
    """Return the letters of the groups that each agent is in; none without a score.

    The best agent opens group A, and everybody who cannot be told apart from it is in. The best of
    those left opens group B, with everybody below it that cannot be told apart from it; and so on.
    So an agent whose own spread is large may carry several letters.

    >>> costs = np.array([[0.0, 0.1, 0.2], [9.0, 9.1, 9.2], [0.0, 0.1, 0.2]])
    >>> groups(bootstrap(costs))
    ['A', 'B', 'A']
    """
    letters = [""] * len(result.scores)
    order = [int(row) for row in np.argsort(result.scores, kind="stable")]
    order = [row for row in order if np.isfinite(result.difference_low[row, row])]
    apart = result.told_apart()
    opened = 0
    for place, best in enumerate(order):
        if letters[best]:
            continue
        for row in order[place:]:
            if not apart[row, best]:
                letters[row] += letter(opened)
        opened += 1
    return letters


def letter(number: int) -> str:
    """Return the name of a group: A to Z, then A1 to Z1 ...

    >>> letter(0), letter(27)
    ('A', 'B1')
    """
    turn, place = divmod(number, 26)
    return string.ascii_uppercase[place] + (str(turn) if turn else "")
