"""Write how competitors stand: what a reward function of the user's own is given.

An entry of its own, so that nobody else pays for its compilation.
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.exchange.attribution import hedge_profit, hedge_units, measure_book
from gammagym.world.sizes import QUANTA

# Columns, as the fields of `gammagym.envs.paying.Standing`.
(
    STANDING_TIME,
    STANDING_TIME_LEFT,
    STANDING_PROFIT,
    STANDING_RELATIVE_PROFIT,
    STANDING_RISK_PENALTY,
    STANDING_STAKE,
    STANDING_RISK_AVERSION,
    STANDING_NET_DELTA,
    STANDING_PRICE,
    STANDING_TURNOVER,
) = range(10)
STANDING_COLUMNS = 10


@kernel
def write_standings(worlds, chosen, standings):
    """Write how every competitor of the chosen worlds stands now.

    Args:
        worlds: shape (n,), marked and attributed up to now.
        chosen: whether each is looked at, shape (n,).
        standings: to write to, shape (n, agents, STANDING_COLUMNS).
    """
    for index in range(len(worlds)):
        if chosen[index]:
            for row in range(standings.shape[1]):
                _write_standing(worlds[index], row, standings[index, row])


@kernel
def _write_standing(world, row, out):
    agent = world.agents[row]
    measure_book(world, row)
    out[STANDING_TIME] = world.time_ns / 1e9
    out[STANDING_TIME_LEFT] = max(world.end_ns - world.time_ns, 0) / 1e9
    out[STANDING_PROFIT] = (agent.equity_quanta - agent.initial_equity_quanta) / QUANTA
    out[STANDING_RELATIVE_PROFIT] = hedge_profit(world, row) - agent.reference_profit
    out[STANDING_RISK_PENALTY] = agent.risk_penalty
    out[STANDING_STAKE] = agent.stake
    out[STANDING_RISK_AVERSION] = agent.risk_aversion
    out[STANDING_NET_DELTA] = agent.book_delta + hedge_units(world, row)
    out[STANDING_PRICE] = world.instruments[agent.hedge_instrument].mark_price
    out[STANDING_TURNOVER] = agent.turnover_units
