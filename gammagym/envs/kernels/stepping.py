"""One turn of one world, or of an array of them: what happens between two observations.

One entry serves all of it, since everything that Python calls is compiled with all it needs: a
world that is told to open is opened, one that is told to step takes one decision of each of its
competitors, and a world that is told neither stays as it is.
"""

from __future__ import annotations

import math

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.warming import FEW, fetch_rest_of_next, fetch_some_of_next, warm
from gammagym.envs.kernels.failing import (
    FAILED_OBSERVATION,
    FAILED_REWARD,
    SOUND,
    failure,
)
from gammagym.envs.kernels.observe import implied_volatility, observe, see_market, start_seeing
from gammagym.envs.kernels.rewards import pay
from gammagym.envs.kernels.schemes import decide
from gammagym.exchange.attribution import close_attribution
from gammagym.loop import advance, close_out, open_inside
from gammagym.world.codes import PARTS
from gammagym.world.sizes import QUANTA

# What a world is told to do.
STAY, STEP, OPEN = 0, 1, 2
# What has become of it: it runs, its horizon is reached, or it has failed.
RUNNING, ENDED, FAILED = 0, 1, 2
# Columns of infos; the parts of the profit follow. The failure is a code of `failing.FAILURES`.
INFO_TIME, INFO_PROFIT, INFO_REJECTS, INFO_FAILURE, INFO_PARTS = 0, 1, 2, 3, 4
INFO_COLUMNS = INFO_PARTS + len(PARTS)

_LOW_BITS = np.uint64(0xFFFF)


@kernel
def turn_worlds(
    worlds, tape, commands, seeds, actions, bounds, fields, observations, rewards, infos, status
):
    """Let every world of an array do what it is told, one after the other.

    Args:
        worlds: shape (n,); those to be opened fresh from the template.
        tape: recorded prices, shape (m,).
        commands: STAY, STEP or OPEN, shape (n,).
        seeds: of worlds to be opened, uint64, shape (n,).
        actions: float32, shape (n, agents, numbers of an action).
        bounds: lower and upper bounds of all fields of an observation, shape (2, all fields).
        fields: which of them are shown, shape (fields,).
        observations: float32 to write to, shape (n, agents, fields).
        rewards: to write to, shape (n, agents).
        infos: to write to, shape (n, agents, INFO_COLUMNS).
        status: RUNNING, ENDED or FAILED, to write to, shape (n,).
    """
    are_many = len(worlds) > FEW
    is_near = False
    for index in range(len(worlds)):
        if commands[index] == OPEN:
            reason = _open(worlds[index], tape, seeds[index])
        elif commands[index] == STEP:
            if are_many and not is_near:
                warm(worlds[index])
            is_near = are_many and index + 1 < len(worlds) and commands[index + 1] == STEP
            worlds[index].to_fetch = worlds[index].stretch_count if is_near else 0
            reason = _step(worlds[index], tape, actions[index], rewards[index])
        else:
            continue
        # What a world showed last, before it failed, stays.
        if reason == SOUND:
            for row in range(observations.shape[1]):
                if observe(worlds[index], row, bounds, fields, observations[index, row]):
                    reason = FAILED_OBSERVATION
                _inform(worlds[index], row, infos[index, row])
        fetch_rest_of_next(worlds[index])
        infos[index, :, INFO_FAILURE] = reason
        status[index] = ENDED if worlds[index].time_ns >= worlds[index].end_ns else RUNNING
        if reason != SOUND:
            rewards[index, :] = 0.0
            status[index] = FAILED


@kernel
def _open(world, tape, seed):
    """Open a world that was copied from its template; returns why it cannot begin, or SOUND."""
    open_inside(world, tape, seed)
    for row in range(world.agent_count):
        start_seeing(world, row, implied_volatility(world, world.agents[row]))
    return failure(world)


@kernel
def _step(world, tape, actions, rewards):
    """Carry out one decision of each competitor and let the market run.

    Returns why the world cannot go on, or SOUND.
    """
    reason = failure(world)
    if reason != SOUND:
        return reason
    fetch_some_of_next(world)
    first = _first_in_turn(world)
    for place in range(world.agent_count):
        row = (first + place) % world.agent_count
        # No number is no decision: environments refuse it, where it can be said what was wrong.
        if not math.isnan(actions[row, 0]):
            decide(world, row, actions[row])
    until_ns = min(world.time_ns + world.agents[0].decision_ns, world.end_ns)
    fetch_some_of_next(world)
    advance(world, tape, until_ns)
    reason = failure(world)
    if reason != SOUND:
        return reason
    fetch_some_of_next(world)
    is_last = world.time_ns >= world.end_ns
    for row in range(world.agent_count):
        see_market(world, row)
    fetch_some_of_next(world)
    if is_last:
        close_out(world, first)
    for row in range(world.agent_count):
        close_attribution(world, row)
        fetch_some_of_next(world)
        _watch_drawdown(world.agents[row])
        rewards[row] = pay(world, row)
        if not math.isfinite(rewards[row]):
            reason = FAILED_REWARD
    return reason


@kernel
def _first_in_turn(world):
    """Return whose instructions are sent first: of those that arrive at once, the first sent leads.

    It goes round by decision, from a row that the seed says, so that nobody's queue is shorter.
    """
    decision = world.time_ns // world.agents[0].decision_ns
    return (np.int64(world.seed & _LOW_BITS) + decision) % world.agent_count


@kernel
def _watch_drawdown(agent):
    profit = (agent.equity_quanta - agent.initial_equity_quanta) / QUANTA
    agent.peak_equity = max(agent.peak_equity, profit)
    agent.drawdown = max(agent.drawdown, agent.peak_equity - profit)


@kernel
def _inform(world, row, info):
    """Write time, profit and its parts, and refused orders since the start of the episode."""
    agent = world.agents[row]
    info[INFO_TIME] = world.time_ns / 1e9
    info[INFO_PROFIT] = (agent.equity_quanta - agent.initial_equity_quanta) / QUANTA
    rejects = 0
    for reason in range(len(agent.rejects)):
        rejects += agent.rejects[reason]
    info[INFO_REJECTS] = rejects
    for part in range(len(PARTS)):
        info[INFO_PARTS + part] = agent.parts[part]
