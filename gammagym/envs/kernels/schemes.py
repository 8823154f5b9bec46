"""Action schemes: how the numbers of an action become wishes (docs/environments/actions).

* `hedge`: for each instrument that the competitor hedges with, the signed size of the one working
  order it wishes to have there, as a share of the largest, and how to place it;
* `quotes`: size and placement of a bid and of an ask (`quoting`);
* `band`: how a Whalley-Wilmott band is to differ from the textbook's (`band`);
* `discrete`: the row of a table of moves (`moves`);
* `orders`: full control of a few orders (`quoting`).

Where options of the book are traded, one number for each of them follows.
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.envs.kernels.band import trade_band
from gammagym.envs.kernels.limits import is_stopped
from gammagym.envs.kernels.moves import leg_share, make_move
from gammagym.envs.kernels.placing import begin_decision, clipped, cross, wish
from gammagym.envs.kernels.quoting import place_order, quote_both
from gammagym.envs.kernels.stop import close_hedges
from gammagym.world.codes import (
    BUY,
    SCHEME_BAND,
    SCHEME_DISCRETE,
    SCHEME_HEDGE,
    SCHEME_QUOTES,
    SELL,
)
from gammagym.world.sizes import FREE_ORDERS


@kernel
def decide(world, row, action):
    """Carry out one decision of one competitor.

    Args:
        world: one world.
        row: row of agents.
        action: float32, shape (numbers of the scheme,); numbers beyond -1 and 1 are clipped, but
            for rows of the table of moves.
    """
    agent = world.agents[row]
    begin_decision(world, row)
    if is_stopped(world, row):
        close_hedges(world, row)
        return
    if agent.scheme == SCHEME_DISCRETE:
        make_move(world, row, int(action[0]))
    else:
        _wish_in_numbers(world, row, action)
    for place in range(1, agent.option_slots + 1):
        share = clipped(action[len(action) - place])
        if agent.scheme == SCHEME_DISCRETE:
            share = leg_share(int(action[len(action) - place]))
        _trade_option(world, agent, agent.working[agent.slots - place], share)


@kernel
def _wish_in_numbers(world, row, action):
    """Carry out what the numbers of a scheme say, each clipped to -1 and 1."""
    agent = world.agents[row]
    if agent.scheme == SCHEME_HEDGE:
        for hedge in range(agent.hedge_count):
            wish(world, row, hedge, clipped(action[2 * hedge]), clipped(action[2 * hedge + 1]))
    elif agent.scheme == SCHEME_QUOTES:
        quote_both(world, agent, action)
    elif agent.scheme == SCHEME_BAND:
        trade_band(world, row, action)
    else:
        numbers = (len(action) - agent.option_slots) // FREE_ORDERS
        for slot in range(FREE_ORDERS):
            place_order(world, agent, agent.working[slot], action, slot * numbers)


@kernel
def _trade_option(world, agent, working, share):
    """Trade a share of an option of the book at once; one order at a time.

    Without margin, never beyond flat, and never to more than was handed over.
    """
    instrument = working.instrument
    if abs(share) < agent.dead_zone or working.pending > 0 or world.instruments[instrument].settled:
        return
    side = BUY if share > 0.0 else SELL
    lots = round(abs(share) * working.largest_lots)
    if not world.accounts[working.account].margined:
        held = world.positions[working.account, instrument].quantity_lots
        handed = agent.handed_lots[instrument]
        room = max(handed, 0) - held if side == BUY else held - min(handed, 0)
        lots = min(lots, room)
    if lots > 0:
        cross(world, agent, working, side, lots)
