"""Where the money went: the change of a competitor's equity, split into named parts.

Between two price ticks the marks stand still, so equity moves in two ways only: at a price tick,
when positions are marked anew (split by the Greeks of the start of the tick), and at a fill, whose
distance from the mark is split into spread and slippage, delay, fee and basis. What the Taylor
expansion of the options leaves over is the residual, and nothing else (docs/rules/attribution).
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.exchange.ledger import equity, holding
from gammagym.world import (
    BUY,
    CALL,
    PART_BASIS,
    PART_DELAY,
    PART_DELTA,
    PART_FEES,
    PART_FUNDING,
    PART_GAMMA,
    PART_LIQUIDATION,
    PART_MAKER,
    PART_RESIDUAL,
    PART_SPREAD,
    PART_THETA,
    PART_VANNA,
    PART_VEGA,
    PART_VOLGA,
    PARTS,
    PERPETUAL,
    PUT,
    QUANTA,
    YEAR_NS,
)


@kernel
def attribute_taker_fill(world, message, fill, mid, fee_quanta):
    """Split the cost of a trade that took: delay, spread and slippage, basis, fee."""
    contract = world.instruments[message.instrument]
    agent = world.agents[world.accounts[message.account].agent]
    units = fill.quantity_lots * contract.lot_size
    signed = units if message.side == BUY else -units
    price = fill.price_ticks * contract.tick_size
    if message.instrument == agent.hedge_instrument:
        agent.turnover_units += units
    if message.liquidation:
        agent.parts[PART_LIQUIDATION] += signed * (contract.mark_price - price)
        return
    # Had it traded when it decided, the move until arrival would have been carried delta.
    delay = signed * (mid - message.decision_mid)
    agent.parts[PART_DELAY] -= delay
    agent.parts[PART_DELTA] += delay
    agent.parts[PART_SPREAD] += signed * (mid - price)
    agent.parts[PART_BASIS] += signed * (contract.mark_price - mid)
    agent.parts[PART_FEES] -= fee_quanta / QUANTA


@kernel
def attribute_maker_fill(world, message, fill, mid, fee_quanta):
    """Split the cost of a trade that rested: maker markout, basis, fee."""
    contract = world.instruments[message.instrument]
    agent = world.agents[world.accounts[fill.maker_owner].agent]
    units = fill.quantity_lots * contract.lot_size
    signed_lots = -fill.quantity_lots if message.side == BUY else fill.quantity_lots
    signed = signed_lots * contract.lot_size
    price = fill.price_ticks * contract.tick_size
    agent.parts[PART_MAKER] += signed * (mid - price)
    agent.parts[PART_BASIS] += signed * (contract.mark_price - mid)
    agent.parts[PART_FEES] -= fee_quanta / QUANTA
    if message.instrument == agent.hedge_instrument:
        agent.maker_lots += signed_lots
        agent.turnover_units += units


@kernel
def attribute_liquidation_fee(world, agent, fee_quanta):
    """Book the liquidation engine's fee to the liquidation part."""
    world.agents[agent].parts[PART_LIQUIDATION] -= fee_quanta / QUANTA


@kernel
def attribute_funding(world):
    """Book funding to its part from the accounts' own totals. Reads: accounts. Writes: parts."""
    for row in range(world.agent_count):
        agent = world.agents[row]
        total = world.accounts[agent.book_account].funding_quanta
        if agent.hedge_account != agent.book_account:
            total += world.accounts[agent.hedge_account].funding_quanta
        agent.parts[PART_FUNDING] = total / QUANTA


@kernel
def attribute_mark(world, instrument, new_mark):
    """Split the revaluation of spot or perpetual: carried delta, and markout of maker fills."""
    contract = world.instruments[instrument]
    move = new_mark - contract.mark_price
    for row in range(world.agent_count):
        agent = world.agents[row]
        lots = _held(world, agent, instrument)
        if instrument == agent.hedge_instrument:
            agent.parts[PART_MAKER] += agent.maker_lots * contract.lot_size * move
            lots -= agent.maker_lots
            agent.maker_lots = 0
        agent.parts[PART_DELTA] += lots * contract.lot_size * move


@kernel
def attribute_option(world, instrument, forward_move, elapsed_ns, volatility_move):
    """Split the revaluation of an option by its Greeks at the start of the tick."""
    contract = world.instruments[instrument]
    for row in range(world.agent_count):
        agent = world.agents[row]
        lots = _held(world, agent, instrument)
        if lots == 0:
            continue
        units = lots * contract.lot_size
        parts = agent.parts
        parts[PART_DELTA] += units * contract.delta * forward_move
        parts[PART_GAMMA] += units * 0.5 * contract.gamma * forward_move * forward_move
        parts[PART_THETA] += units * contract.theta * elapsed_ns / YEAR_NS
        parts[PART_VEGA] += units * contract.vega * volatility_move
        parts[PART_VANNA] += units * contract.vanna * forward_move * volatility_move
        parts[PART_VOLGA] += units * 0.5 * contract.volga * volatility_move * volatility_move


@kernel
def _held(world, agent, instrument):
    lots = holding(world, agent.book_account, instrument)
    if agent.hedge_account != agent.book_account:
        lots += holding(world, agent.hedge_account, instrument)
    return lots


@kernel
def agent_equity(world, row):
    """Return equity of a competitor's accounts (quanta); what insurance paid does not count."""
    agent = world.agents[row]
    total = equity(world, agent.book_account) - world.accounts[agent.book_account].covered_quanta
    if agent.hedge_account != agent.book_account:
        total += equity(world, agent.hedge_account)
        total -= world.accounts[agent.hedge_account].covered_quanta
    return total


@kernel
def close_attribution(world, row):
    """Bring equity and the residual up to date: parts then sum to the change of equity.

    Reads: cash, positions, marks. Writes: agents.equity_quanta, agents.parts.
    """
    agent = world.agents[row]
    agent.equity_quanta = agent_equity(world, row)
    attribute_funding(world)
    known = 0.0
    for part in range(len(PARTS)):
        if part != PART_RESIDUAL:
            known += agent.parts[part]
    change = (agent.equity_quanta - agent.initial_equity_quanta) / QUANTA
    agent.parts[PART_RESIDUAL] = change - known


@kernel
def measure_book(world, row):
    """Write the Greeks of the book a competitor must hedge (its hedge instrument not counted).

    Reads: positions, Greeks. Writes: agents.book_delta, book_gamma, book_vega, book_theta.
    """
    agent = world.agents[row]
    agent.book_delta = 0.0
    agent.book_gamma = 0.0
    agent.book_vega = 0.0
    agent.book_theta = 0.0
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if instrument == agent.hedge_instrument:
            continue
        units = _held(world, agent, instrument) * contract.lot_size
        if contract.kind == CALL or contract.kind == PUT:
            agent.book_delta += units * contract.delta
            agent.book_gamma += units * contract.gamma
            agent.book_vega += units * contract.vega
            agent.book_theta += units * contract.theta
        elif contract.kind != PERPETUAL:
            agent.book_delta += units


@kernel
def hedge_units(world, row):
    """Return a competitor's signed position in its hedge instrument (units of the underlying)."""
    agent = world.agents[row]
    contract = world.instruments[agent.hedge_instrument]
    return _held(world, agent, agent.hedge_instrument) * contract.lot_size
