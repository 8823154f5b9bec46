"""One decision of one world, or of an array of them: what happens between two observations."""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.engine.warming import warm
from gammagym.envs.hedge_action import is_number, wish
from gammagym.envs.observe import implied_volatility, observe, see_market, start_seeing
from gammagym.exchange.attribution import close_attribution, hedge_profit
from gammagym.loop import advance, close_out, open_world
from gammagym.world import QUANTA

# The competitor that an environment of one agent drives.
AGENT = 0
RUNNING, ENDED = 0, 1


@kernel(counted=False)
def reset_world(world, tape, seed, bounds, observation):
    """Open a world copied from its template and write the first observation.

    Args:
        world: one world, fresh from the template.
        tape: recorded prices, shape (n,).
        seed: seed of the world.
        bounds: lower and upper bounds of the observation, shape (2, fields).
        observation: float32 to write to, shape (fields,).
    """
    open_world(world, tape, seed)
    start_seeing(world, AGENT, implied_volatility(world))
    observe(world, AGENT, bounds[0], bounds[1], observation)


@kernel(counted=False)
def step_world(world, tape, action, bounds, observation):
    """Carry out one decision: wish, let the market run, observe; returns reward and status.

    Args:
        world: one world.
        tape: recorded prices, shape (n,).
        action: of the scheme `hedge`, float32, shape (2,).
        bounds: lower and upper bounds of the observation, shape (2, fields).
        observation: float32 to write to, shape (fields,).
    """
    agent = world.agents[AGENT]
    if is_number(action):
        size = min(max(float(action[0]), -1.0), 1.0)
        wish(world, AGENT, size, min(max(float(action[1]), -1.0), 1.0))
    advance(world, tape, min(world.time_ns + agent.decision_ns, world.end_ns))
    see_market(world, AGENT)
    status = RUNNING
    if world.time_ns >= world.end_ns:
        close_out(world, AGENT)
        status = ENDED
    close_attribution(world, AGENT)
    _watch_drawdown(agent)
    observe(world, AGENT, bounds[0], bounds[1], observation)
    return _reward(world, agent), status


@kernel
def _watch_drawdown(agent):
    profit = (agent.equity_quanta - agent.initial_equity_quanta) / QUANTA
    agent.peak_equity = max(agent.peak_equity, profit)
    agent.drawdown = max(agent.drawdown, agent.peak_equity - profit)


@kernel
def _reward(world, agent):
    """Return minus the increment of relative cost, less the price of delta risk, in stakes."""
    relative = hedge_profit(world, AGENT) - agent.reference_profit
    total = relative - 0.5 * agent.risk_aversion * agent.risk_penalty
    reward = (total - agent.reward_equity) / agent.stake
    agent.reward_equity = total
    return reward


@kernel
def reset_worlds(worlds, tape, seeds, chosen, bounds, observations):
    """Open the chosen worlds of an array; `chosen` (rows) and `seeds` (uint64) have shape (k,)."""
    for index in range(len(chosen)):
        row = chosen[index]
        reset_world(worlds[row], tape, seeds[index], bounds, observations[row])


@kernel
def step_worlds(worlds, tape, actions, bounds, observations, rewards, status):
    """Step every world that still runs, one after the other."""
    for row in range(len(worlds)):
        _step_row(worlds, tape, actions, bounds, observations, rewards, status, row)


@kernel(counted=False)
def _step_row(worlds, tape, actions, bounds, observations, rewards, status, row):
    rewards[row] = 0.0
    if status[row] == RUNNING:
        warm(worlds[row])
        rewards[row], status[row] = step_world(
            worlds[row], tape, actions[row], bounds, observations[row]
        )
