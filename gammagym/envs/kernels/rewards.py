"""Rewards by name: what a decision was worth, in stakes (docs/environments/rewards)."""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.exchange.attribution import hedge_profit


@kernel(counted=False)
def pay(world, row):
    """Return the reward of one competitor's last decision. Writes: agents.reward_*.

    Args:
        world: one world, marked and attributed up to now.
        row: row of agents.
    """
    agent = world.agents[row]
    return _relative(world, row, agent)


@kernel
def _relative(world, row, agent):
    """Return minus the increment of relative cost, less the price of delta risk, in stakes."""
    relative = hedge_profit(world, row) - agent.reference_profit
    total = relative - 0.5 * agent.risk_aversion * agent.risk_penalty
    reward = (total - agent.reward_equity) / agent.stake
    agent.reward_equity = total
    return reward
