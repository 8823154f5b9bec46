"""Rewards by name: what a decision was worth, in stakes (docs/environments/rewards).

All but one are the increment of something that the episode adds up to, so that with a discount of 1
an agent is paid exactly what is wanted of the episode as a whole, and at every decision its share.
"""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.exchange.attribution import hedge_profit
from gammagym.world.codes import (
    REWARD_EQUITY,
    REWARD_RISK,
    REWARD_SHARPE,
    REWARD_TERMINAL,
    REWARD_UTILITY,
)
from gammagym.world.sizes import QUANTA

# Rate at which the moments of the differential Sharpe ratio adapt, a decision.
ADAPTATION = 0.01
# Exponent of the utility at which it goes on as a straight line.
STEEPEST = 10.0


@kernel
def pay(world, row):
    """Return the reward of one competitor's last decision. Writes: agents.reward_*.

    Args:
        world: one world, marked and attributed up to now.
        row: row of agents.
    """
    agent = world.agents[row]
    total = _worth(world, row, agent)
    reward = (total - agent.reward_equity) / agent.stake
    agent.reward_equity = total
    return _sharpe(world, agent, reward) if agent.reward == REWARD_SHARPE else reward


@kernel
def _worth(world, row, agent):
    """Return what the episode has been worth so far (currency)."""
    kind, stake = agent.reward, agent.stake
    profit = (agent.equity_quanta - agent.initial_equity_quanta) / QUANTA
    if kind in (REWARD_EQUITY, REWARD_SHARPE):
        return profit
    if kind == REWARD_RISK:
        return profit - 0.5 * agent.risk_aversion * agent.risk_penalty
    if kind == REWARD_UTILITY:
        return stake * utility(profit / stake, agent.relative_aversion)
    relative = hedge_profit(world, row) - agent.reference_profit
    if kind == REWARD_TERMINAL:
        return relative - 0.5 * agent.risk_aversion * relative * relative
    return relative - 0.5 * agent.risk_aversion * agent.risk_penalty


@kernel
def utility(profit, aversion):
    """Return the exponential utility of a profit (stakes), a straight line for great losses."""
    if aversion == 0.0:
        return profit
    exponent = -aversion * profit
    if exponent <= STEEPEST:
        return -math.expm1(exponent) / aversion
    return -(math.expm1(STEEPEST) + math.exp(STEEPEST) * (exponent - STEEPEST)) / aversion


@kernel
def _sharpe(world, agent, gain):
    """Return the increment of the moving Sharpe ratio by a gain (stakes). Writes: reward_memory.

    Moody and Saffell, "Learning to trade via direct reinforcement" (2001): the derivative
    by the adaptation rate, times that rate. To the variance is added that of the gamma profit of
    one decision, so that the ratio begins at 0 and has no pole.
    """
    memory = agent.reward_memory
    share = agent.decision_ns / world.end_ns
    least = 2.0 * share * share
    first, second = memory[0], memory[1] + least
    variance = second - first * first
    by_first, by_second = gain - first, gain * gain - memory[1]
    memory[0] += ADAPTATION * by_first
    memory[1] += ADAPTATION * by_second
    slope = second * by_first - 0.5 * first * by_second
    return ADAPTATION * slope / (variance * math.sqrt(variance))
