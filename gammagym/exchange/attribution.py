"""Where the money went: the change of a competitor's equity, split into named parts.

Between two price ticks the marks stand still, so equity moves in two ways only: at a price tick,
when positions are marked anew (split by the Greeks of the start of the tick), and at a fill, whose
distance from the mark is split into spread and slippage, delay, fee and basis. What the Taylor
expansion of the options leaves over is the residual, and nothing else (docs/rules/attribution).
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.exchange.ledger import (
    coins_held,
    equity,
    holding,
    in_quote,
    scaled,
    shorts_of,
    travelling,
)
from gammagym.world.codes import (
    BUY,
    CALL,
    COIN,
    FUTURE,
    NO_ACCOUNT,
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
    PUT,
    SPOT,
)
from gammagym.world.sizes import FINE_UNIT, QUANTA, YEAR_NS


@kernel(inline=True)
def price_value(world, contract, price):
    """Return what a price difference of 1, traded at `price`, is worth on one lot (QUOTE currency).

    One lot of an inverse contract is more of the underlying the lower the price it was traded at.
    """
    if contract.inverse:
        # Coins are worth the fundamental price, from which a future's fair price may differ.
        return contract.face / price * (world.price.value / contract.fair_price)
    if contract.currency == COIN:
        return contract.lot_size * world.price.value
    return contract.lot_size


@kernel
def attribute_taker_fill(world, message, fill, mid, fee_quanta):
    """Split the cost of a trade that took: delay, spread and slippage, basis, fee."""
    contract = world.instruments[message.instrument]
    agent = world.agents[world.accounts[message.account].agent]
    price = fill.price_ticks * contract.tick_size
    units = fill.quantity_lots * price_value(world, contract, price)
    signed = units if message.side == BUY else -units
    if is_hedge(agent, message.instrument):
        agent.turnover_units += fill.quantity_lots * contract.lot_size
    if message.liquidation:
        agent.parts[PART_LIQUIDATION] += signed * (contract.fair_price - price)
        return
    # Had it traded when it decided, the move until arrival would have been carried delta.
    delay = signed * (mid - message.decision_mid)
    agent.parts[PART_DELAY] -= delay
    agent.parts[PART_DELTA] += delay
    agent.parts[PART_SPREAD] += signed * (mid - price)
    agent.parts[PART_BASIS] += signed * (contract.fair_price - mid)
    agent.parts[PART_FEES] -= in_quote(world, fee_quanta, contract.currency) / QUANTA


@kernel
def attribute_maker_fill(world, message, fill, mid, fee_quanta):
    """Split the cost of a trade that rested: maker markout, basis, fee."""
    contract = world.instruments[message.instrument]
    agent = world.agents[world.accounts[fill.maker_owner].agent]
    price = fill.price_ticks * contract.tick_size
    signed_lots = -fill.quantity_lots if message.side == BUY else fill.quantity_lots
    signed = signed_lots * price_value(world, contract, price)
    agent.parts[PART_MAKER] += signed * (mid - price)
    agent.parts[PART_BASIS] += signed * (contract.fair_price - mid)
    agent.parts[PART_FEES] -= in_quote(world, fee_quanta, contract.currency) / QUANTA
    if is_hedge(agent, message.instrument):
        agent.maker_lots[message.instrument] += signed_lots
        agent.turnover_units += fill.quantity_lots * contract.lot_size


@kernel
def attribute_liquidation_fee(world, agent, fee_quanta):
    """Book the liquidation engine's fee to the liquidation part."""
    world.agents[agent].parts[PART_LIQUIDATION] -= fee_quanta / QUANTA


@kernel
def attribute_loss(world, account, part, equity_before):
    """Book to a part what the equity of an account's owner has changed by since `equity_before`."""
    row = world.accounts[account].agent
    if row != NO_ACCOUNT:
        change = agent_equity(world, row) - equity_before
        world.agents[row].parts[part] += change / QUANTA


@kernel
def owner_equity(world, account):
    """Return the equity of the competitor that an account belongs to, 0 for the world's own."""
    row = world.accounts[account].agent
    return agent_equity(world, row) if row != NO_ACCOUNT else 0


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
def attribute_coins(world, move):
    """Book what a move of the price does to coins, spot and collateral alike, to carried delta."""
    for row in range(world.agent_count):
        agent = world.agents[row]
        coins = coins_held(world, agent.book_account)
        if agent.hedge_account != agent.book_account:
            coins += coins_held(world, agent.hedge_account)
        agent.parts[PART_DELTA] += coins / QUANTA * move
        agent.book_profit += agent.book_coins * move


@kernel
def note_book_profit(world, instrument, change):
    """Note what the book earns by a change of an option's value, where its account trades too."""
    for row in range(world.agent_count):
        agent = world.agents[row]
        if _book_trades(agent):
            lots = agent.handed_lots[instrument]
            if agent.option_slots == 0:
                # Nothing but a liquidation changes it.
                lots = _held(world, agent, instrument)
            agent.book_profit += lots * world.instruments[instrument].lot_size * change


@kernel
def note_delivery(world, instrument, fee_quanta):
    """Let a settled option leave the books as they were handed over, which keep what it pays.

    Args:
        world: one world.
        instrument: option whose value is that at which it settles.
        fee_quanta: delivery fee on one lot (1e-4 quanta).
    """
    contract = world.instruments[instrument]
    for row in range(world.agent_count):
        agent = world.agents[row]
        if agent.option_slots > 0:
            lots = agent.handed_lots[instrument]
            fee = scaled(abs(lots), fee_quanta, FINE_UNIT)
            agent.book_profit -= in_quote(world, fee, contract.currency) / QUANTA
            if contract.currency == COIN:
                agent.book_coins += (lots * contract.fair_quanta - fee) / QUANTA
            agent.handed_lots[instrument] = 0


@kernel(inline=True)
def _book_trades(agent):
    """Return whether the account of the book trades: it hedges too, or options are traded."""
    return agent.hedge_account == agent.book_account or agent.option_slots > 0


@kernel
def attribute_mark(world, instrument, move, fair_price):
    """Split the revaluation of a perpetual or future: carried delta, basis, markout of maker fills.

    Spot is among the coins, but a maker's fill of it counts as such. What a future's new fair price
    has moved more than the fundamental one is basis.
    """
    contract = world.instruments[instrument]
    basis = _basis_move(world, contract, move, fair_price) if contract.kind == FUTURE else 0.0
    for row in range(world.agent_count):
        agent = world.agents[row]
        lots = 0 if contract.kind == SPOT else _held(world, agent, instrument)
        if not is_hedge(agent, instrument) and _book_trades(agent):
            agent.book_profit += lots * contract.lot_size * (move + basis)
        agent.parts[PART_BASIS] += lots * contract.lot_size * basis
        if is_hedge(agent, instrument):
            made = agent.maker_lots[instrument]
            agent.parts[PART_MAKER] += made * contract.lot_size * move
            lots -= made
            agent.maker_lots[instrument] = 0
        agent.parts[PART_DELTA] += lots * contract.lot_size * move


@kernel
def _basis_move(world, contract, move, fair_price):
    """Return what a unit of a future gains beyond a move of the fundamental price (QUOTE)."""
    gain = fair_price - contract.fair_price
    if contract.inverse:
        gain *= world.price.value / fair_price
    return gain - move


@kernel
def attribute_settlement(world, instrument, move):
    """Book what a future's settlement price is away from its fair price to basis."""
    contract = world.instruments[instrument]
    for row in range(world.agent_count):
        agent = world.agents[row]
        profit = _held(world, agent, instrument) * contract.lot_size * move
        agent.parts[PART_BASIS] += profit
        if not is_hedge(agent, instrument) and _book_trades(agent):
            agent.book_profit += profit


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
    shorts = shorts_of(world, agent.hedge_account)
    if shorts != NO_ACCOUNT:
        lots += world.positions[shorts, instrument].quantity_lots
    return lots


@kernel
def agent_equity(world, row):
    """Return equity of a competitor's accounts (quanta); what insurance paid does not count."""
    agent = world.agents[row]
    total = equity(world, agent.book_account) - world.accounts[agent.book_account].covered_quanta
    if agent.hedge_account != agent.book_account:
        total += equity(world, agent.hedge_account)
        total -= world.accounts[agent.hedge_account].covered_quanta
    if world.in_transit > 0:
        total += travelling(world, agent)
    return total


@kernel
def hedge_profit(world, row):
    """Return what a competitor's hedge has earned: its own account, or all but the book (currency).

    Where options are traded, the book is that which was handed over: what trading it has earned
    counts. What the insurance fund has paid does not.
    """
    agent = world.agents[row]
    account = agent.hedge_account
    if _book_trades(agent):
        change = agent_equity(world, row) - agent.initial_equity_quanta
        return change / QUANTA - agent.book_profit
    earned = equity(world, account) - world.accounts[account].covered_quanta
    return (earned - agent.initial_hedge_quanta) / QUANTA


@kernel
def write_hedge_profits(worlds, row, profits):
    """Write what a competitor's hedge has earned in each world, shape (worlds,) (currency)."""
    for index in range(len(worlds)):
        profits[index] = hedge_profit(worlds[index], row)


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
    """Write the Greeks of the book a competitor must hedge (what it hedges with not counted).

    Coins count, those of the collateral too. Reads: positions, cash, Greeks. Writes:
    agents.book_delta, collateral_delta, book_gamma, book_vega, book_theta, traded_delta.
    """
    agent = world.agents[row]
    agent.collateral_delta = 0.0
    if agent.hedge_account != agent.book_account:
        agent.collateral_delta = coins_held(world, agent.hedge_account) / QUANTA
    agent.book_delta = coins_held(world, agent.book_account) / QUANTA + agent.collateral_delta
    agent.book_gamma = 0.0
    agent.book_vega = 0.0
    agent.book_theta = 0.0
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if is_hedge(agent, instrument) or contract.kind == SPOT:
            continue
        units = _held(world, agent, instrument) * contract.lot_size
        if contract.kind == CALL or contract.kind == PUT:
            agent.book_delta += units * contract.delta
            agent.book_gamma += units * contract.gamma
            agent.book_vega += units * contract.vega
            agent.book_theta += units * contract.theta
        else:
            agent.book_delta += units
    if agent.option_slots > 0:
        _measure_traded(world, agent)


@kernel
def _measure_traded(world, agent):
    """Write the delta of what trading options has added to the book as it was handed over."""
    agent.traded_delta = coins_held(world, agent.book_account) / QUANTA - agent.book_coins
    for slot in range(agent.slots - agent.option_slots, agent.slots):
        instrument = agent.working[slot].instrument
        contract = world.instruments[instrument]
        lots = _held(world, agent, instrument) - agent.handed_lots[instrument]
        agent.traded_delta += lots * contract.lot_size * contract.delta


@kernel
def hedge_units(world, row):
    """Return a competitor's signed position in what it hedges with (units of the underlying)."""
    agent = world.agents[row]
    units = 0.0
    for hedge in range(agent.hedge_count):
        instrument = agent.hedges[hedge]
        units += _held(world, agent, instrument) * world.instruments[instrument].lot_size
    return units


@kernel(inline=True)
def is_hedge(agent, instrument):
    """Return whether a competitor hedges with an instrument."""
    return (agent.hedge_mask >> instrument) & 1 != 0
